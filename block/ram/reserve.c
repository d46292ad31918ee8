/* Reservations of one disk; see reserve.h. */
#include <linux/errno.h>
#include <linux/ioctl.h>
#include <linux/pr.h>
#include "block/pr.h"
#include "block/ram/reserve.h"

void reservations_init(struct reservations *r)
{
	*r = (struct reservations){ .registered = false };
	spin_init(&r->lock, RANK_BLOCK_QUEUE);
}

static bool type_ok(u32 type)
{
	return type >= PR_WRITE_EXCLUSIVE && type <= PR_EXCLUSIVE_ACCESS_ALL_REGS;
}

/* Lock held: the registration is gone, and with it what it held. */
static void unregister(struct reservations *r)
{
	r->registered = r->held = false;
	r->key = 0;
}

int reservations_register(struct reservations *r, u64 old_key, u64 new_key, u32 flags)
{
	int ret = 0;
	u64 irq = spin_lock_irqsave(&r->lock);

	if (!(flags & PR_FL_IGNORE_KEY) && old_key != (r->registered ? r->key : 0)) {
		ret = PR_CONFLICT;
	} else {
		if (!new_key) {
			unregister(r);
		} else {
			r->registered = true;
			r->key = new_key;
		}
	}
	spin_unlock_irqrestore(&r->lock, irq);
	return ret;
}

int reservations_reserve(struct reservations *r, u64 key, u32 type)
{
	int ret = 0;
	u64 irq;

	if (!type_ok(type))
		return -EINVAL;
	irq = spin_lock_irqsave(&r->lock);
	if (!r->registered || r->key != key || (r->held && r->type != type)) {
		ret = PR_CONFLICT;
	} else {
		r->held = true;
		r->type = type;
	}
	spin_unlock_irqrestore(&r->lock, irq);
	return ret;
}

int reservations_release(struct reservations *r, u64 key, u32 type)
{
	int ret = 0;
	u64 irq;

	if (!type_ok(type))
		return -EINVAL;
	irq = spin_lock_irqsave(&r->lock);
	if (!r->registered || r->key != key)
		ret = PR_CONFLICT;
	else if (r->held && r->type != type)
		ret = -EINVAL;		/* the device's word: INVALID RELEASE OF PERSISTENT RESERVATION */
	else
		r->held = false;	/* nothing held: nothing to do, and no error */
	spin_unlock_irqrestore(&r->lock, irq);
	return ret;
}

int reservations_preempt(struct reservations *r, u64 old_key, u64 new_key, u32 type)
{
	int ret = 0;
	u64 irq;

	if (!type_ok(type))
		return -EINVAL;
	irq = spin_lock_irqsave(&r->lock);
	if (!r->registered || r->key != new_key) {
		ret = PR_CONFLICT;
	} else if (r->held && old_key == r->key) {
		r->type = type;		/* of itself: another type */
	} else if (old_key != r->key) {
		ret = PR_CONFLICT;	/* no such registration */
	}
	spin_unlock_irqrestore(&r->lock, irq);
	return ret;
}

int reservations_clear(struct reservations *r, u64 key)
{
	int ret = 0;
	u64 irq = spin_lock_irqsave(&r->lock);

	if (!r->registered || r->key != key) {
		ret = PR_CONFLICT;
	} else {
		unregister(r);
	}
	spin_unlock_irqrestore(&r->lock, irq);
	return ret;
}
