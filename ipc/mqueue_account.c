/* What the POSIX message queues of each user take, against RLIMIT_MSGQUEUE: a short list of users who have any. */
#include <linux/errno.h>
#include "base/list.h"
#include "ipc/mqueue.h"
#include "kern/slab.h"

/* Locks: l users_lock · I immutable */
struct mq_user {
	struct list_head node;		/* [l] */
	u32 uid;			/* [I] */
	u64 bytes;			/* [l] */
};

static struct mutex users_lock;
static LIST_HEAD(users);

static struct mq_user *find_locked(u32 uid)
{
	struct mq_user *u;

	list_for_each_entry(u, &users, node)
		if (u->uid == uid)
			return u;
	return NULL;
}

static struct mq_user *find_or_add_locked(u32 uid)
{
	struct mq_user *u = find_locked(uid);

	if (u)
		return u;
	u = kzalloc(sizeof(*u), ALLOC_KERNEL);
	if (!u)
		return NULL;
	u->uid = uid;
	list_add(&u->node, &users);
	return u;
}

static void forget_if_idle_locked(struct mq_user *u)
{
	if (u->bytes)
		return;
	list_del(&u->node);
	kfree(u);
}

int mq_charge(u32 uid, u64 bytes, u64 limit)
{
	struct mq_user *u;
	int err = -ENOMEM;

	mutex_lock(&users_lock);
	u = find_or_add_locked(uid);
	if (u) {
		err = u->bytes + bytes < bytes || u->bytes + bytes > limit ? -EMFILE : 0;
		if (!err)
			u->bytes += bytes;
		forget_if_idle_locked(u);
	}
	mutex_unlock(&users_lock);
	return err;
}

void mq_uncharge(u32 uid, u64 bytes)
{
	mutex_lock(&users_lock);
	struct mq_user *u = find_locked(uid);

	if (u) {
		u->bytes -= bytes;
		forget_if_idle_locked(u);
	}
	mutex_unlock(&users_lock);
}

void mq_account_init(void)
{
	mutex_init(&users_lock, RANK_LEAF_SLEEP);
}
