/* The ioctls of persistent reservations; see pr.h. */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/ioctl.h>
#include <linux/pr.h>
#include "block/pr.h"
#include "kern/cred.h"

static s64 pr_register(struct disk *d, const struct pr_ops *ops, uaddr_t arg)
{
	struct pr_registration reg;

	if (!ops || !ops->reg)
		return -EOPNOTSUPP;
	if (copy_in(&reg, arg, sizeof(reg)))
		return -EFAULT;
	if (reg.flags & ~(u32)PR_FL_IGNORE_KEY)
		return -EOPNOTSUPP;
	return ops->reg(d, reg.old_key, reg.new_key, reg.flags);
}

static s64 pr_reserve(struct disk *d, const struct pr_ops *ops, u32 cmd, uaddr_t arg)
{
	struct pr_reservation rsv;

	if (!ops || !(cmd == IOC_PR_RESERVE ? (void *)ops->reserve : (void *)ops->release))
		return -EOPNOTSUPP;
	if (copy_in(&rsv, arg, sizeof(rsv)))
		return -EFAULT;
	if (cmd == IOC_PR_RELEASE)
		return rsv.flags ? -EOPNOTSUPP : ops->release(d, rsv.key, rsv.type);
	if (rsv.flags & ~(u32)PR_FL_IGNORE_KEY)
		return -EOPNOTSUPP;
	return ops->reserve(d, rsv.key, rsv.type, rsv.flags);
}

static s64 pr_preempt(struct disk *d, const struct pr_ops *ops, bool abort, uaddr_t arg)
{
	struct pr_preempt p;

	if (!ops || !ops->preempt)
		return -EOPNOTSUPP;
	if (copy_in(&p, arg, sizeof(p)))
		return -EFAULT;
	return p.flags ? -EOPNOTSUPP : ops->preempt(d, p.old_key, p.new_key, p.type, abort);
}

static s64 pr_clear(struct disk *d, const struct pr_ops *ops, uaddr_t arg)
{
	struct pr_clear c;

	if (!ops || !ops->clear)
		return -EOPNOTSUPP;
	if (copy_in(&c, arg, sizeof(c)))
		return -EFAULT;
	return c.flags ? -EOPNOTSUPP : ops->clear(d, c.key);
}

s64 pr_ioctl(struct block_device *b, u32 cmd, uaddr_t arg)
{
	struct disk *d = b->disk;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	/* A reservation is the whole disk's; who has only a partition may not touch it (Linux says so from 6.6 on). */
	if (b->part && d->ops->pr)
		return -EPERM;
	switch (cmd) {
	case IOC_PR_REGISTER: return pr_register(d, d->ops->pr, arg);
	case IOC_PR_PREEMPT: return pr_preempt(d, d->ops->pr, false, arg);
	case IOC_PR_PREEMPT_ABORT: return pr_preempt(d, d->ops->pr, true, arg);
	case IOC_PR_CLEAR: return pr_clear(d, d->ops->pr, arg);
	default: return pr_reserve(d, d->ops->pr, cmd, arg);
	}
}
