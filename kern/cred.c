/*
 * Credentials; see cred.h.
 */
#include <linux/capability.h>
#include "base/string.h"
#include "kern/cred.h"
#include "kern/slab.h"

#define CAP_ALL (BIT(CAP_LAST_CAP + 1) - 1)

struct cred cred_root = {
	.refs = 1,
	.cap_effective = CAP_ALL, .cap_permitted = CAP_ALL, .cap_bset = CAP_ALL,
};

static void groups_put(struct group_list *g)
{
	if (g && atomic_dec_and_test(&g->refs))
		kvfree(g);
}

static void cred_free_rcu(struct rcu_head *head)
{
	struct cred *c = container_of(head, struct cred, rcu);

	groups_put(c->groups);
	kfree(c);
}

void cred_put(const struct cred *c)
{
	struct cred *w = (struct cred *)(uintptr_t)c;

	if (atomic_dec_and_test(&w->refs))
		call_rcu(&w->rcu, cred_free_rcu);
}

struct cred *cred_prepare(void)
{
	const struct cred *old = current_cred();
	struct cred *c = kmalloc(sizeof(*c), ALLOC_KERNEL);

	if (!c)
		return NULL;
	memcpy(c, old, sizeof(*c));
	c->refs = 1;
	if (c->groups)
		atomic_inc(&c->groups->refs);
	return c;
}

void cred_set_groups(struct cred *c, struct group_list *groups)
{
	groups_put(c->groups);
	c->groups = groups;
}

void cred_commit(struct cred *c)
{
	const struct cred *old = current()->cred;

	rcu_assign_pointer(current()->cred, c);
	cred_put(old);
}

const struct cred *cred_override(const struct cred *c)
{
	const struct cred *old = current()->cred;

	rcu_assign_pointer(current()->cred, c);
	return old;
}

void cred_revert(const struct cred *old)
{
	rcu_assign_pointer(current()->cred, old);
}

bool cred_in_group(const struct cred *c, u32 gid)
{
	if (c->fsgid == gid)
		return true;
	if (!c->groups)
		return false;
	u32 low = 0, high = c->groups->count;
	while (low < high) {
		u32 mid = (low + high) / 2;

		if (c->groups->gid[mid] == gid)
			return true;
		if (c->groups->gid[mid] < gid)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}
