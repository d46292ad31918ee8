/* See setid.h. */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/prctl.h>
#include <linux/securebits.h>
#include "base/sort.h"
#include "base/string.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "task/setid.h"
#include "task/task.h"

#define FS_CAPS (BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | \
		 BIT(CAP_LINUX_IMMUTABLE) | BIT(CAP_MKNOD) | BIT(CAP_MAC_OVERRIDE))

/* What becomes of capabilities when user ids change: capabilities(7) "Effect of user ID changes". */
static void fix_caps(struct cred *c, const struct cred *old)
{
	bool was_root = !old->uid || !old->euid || !old->suid, is_root = !c->uid || !c->euid || !c->suid;

	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (was_root && !is_root) {
		if (!(c->securebits & SECBIT_KEEP_CAPS))
			c->cap_permitted = c->cap_effective = 0;
		c->cap_ambient = 0;
	}
	if (!old->euid && c->euid)
		c->cap_effective = 0;
	if (old->euid && !c->euid)
		c->cap_effective = c->cap_permitted;
}

static void fix_fs_caps(struct cred *c, const struct cred *old)
{
	if (c->securebits & SECBIT_NO_SETUID_FIXUP)
		return;
	if (!old->fsuid && c->fsuid)
		c->cap_effective &= ~FS_CAPS;
	if (old->fsuid && !c->fsuid)
		c->cap_effective |= c->cap_permitted & FS_CAPS;
}

static int commit(struct cred *c)
{
	const struct cred *old = current_cred();
	struct mm *mm = current()->mm;

	/* Who changes what it may do is not to be looked into by its former equals. */
	if (mm && (old->euid != c->euid || old->egid != c->egid || old->fsuid != c->fsuid || old->fsgid != c->fsgid)) {
		mm->dumpable = 0;
		current_task()->pdeath_signal = 0;
	}
	cred_commit(c);
	return 0;
}

static int commit_uid(struct cred *c)
{
	c->fsuid = c->euid;
	fix_caps(c, current_cred());
	return commit(c);
}

static int commit_gid(struct cred *c)
{
	c->fsgid = c->egid;
	return commit(c);
}

static int refuse(struct cred *c)
{
	cred_put(c);
	return -EPERM;
}

int setid_uid(u32 uid)
{
	struct cred *c = cred_prepare();

	if (uid == ~0u || !c) {
		if (c)
			cred_put(c);
		return c ? -EINVAL : -ENOMEM;
	}
	if (capable(CAP_SETUID))
		c->uid = c->suid = uid;
	else if (uid != c->uid && uid != c->suid)
		return refuse(c);
	c->euid = uid;
	return commit_uid(c);
}

int setid_gid(u32 gid)
{
	struct cred *c = cred_prepare();

	if (gid == ~0u || !c) {
		if (c)
			cred_put(c);
		return c ? -EINVAL : -ENOMEM;
	}
	if (capable(CAP_SETGID))
		c->gid = c->sgid = gid;
	else if (gid != c->gid && gid != c->sgid)
		return refuse(c);
	c->egid = gid;
	return commit_gid(c);
}

int setid_reuid(u32 uid, u32 euid)
{
	const struct cred *old = current_cred();
	struct cred *c = cred_prepare();
	bool may = capable(CAP_SETUID);

	if (!c)
		return -ENOMEM;
	if (uid != ~0u && uid != old->uid && uid != old->euid && !may)
		return refuse(c);
	if (euid != ~0u && euid != old->uid && euid != old->euid && euid != old->suid && !may)
		return refuse(c);
	if (uid != ~0u)
		c->uid = uid;
	if (euid != ~0u)
		c->euid = euid;
	if (uid != ~0u || (euid != ~0u && euid != old->uid))
		c->suid = c->euid;
	return commit_uid(c);
}

int setid_regid(u32 gid, u32 egid)
{
	const struct cred *old = current_cred();
	struct cred *c = cred_prepare();
	bool may = capable(CAP_SETGID);

	if (!c)
		return -ENOMEM;
	if (gid != ~0u && gid != old->gid && gid != old->egid && !may)
		return refuse(c);
	if (egid != ~0u && egid != old->gid && egid != old->egid && egid != old->sgid && !may)
		return refuse(c);
	if (gid != ~0u)
		c->gid = gid;
	if (egid != ~0u)
		c->egid = egid;
	if (gid != ~0u || (egid != ~0u && egid != old->gid))
		c->sgid = c->egid;
	return commit_gid(c);
}

/* Is @id one of the three, or "leave it"? */
static bool among(u32 id, u32 a, u32 b, u32 c)
{
	return id == ~0u || id == a || id == b || id == c;
}

int setid_resuid(u32 uid, u32 euid, u32 suid)
{
	const struct cred *o = current_cred();
	struct cred *c = cred_prepare();

	if (!c)
		return -ENOMEM;
	if (!capable(CAP_SETUID) && !(among(uid, o->uid, o->euid, o->suid) && among(euid, o->uid, o->euid, o->suid) &&
				      among(suid, o->uid, o->euid, o->suid)))
		return refuse(c);
	if (uid != ~0u)
		c->uid = uid;
	if (euid != ~0u)
		c->euid = euid;
	if (suid != ~0u)
		c->suid = suid;
	return commit_uid(c);
}

int setid_resgid(u32 gid, u32 egid, u32 sgid)
{
	const struct cred *o = current_cred();
	struct cred *c = cred_prepare();

	if (!c)
		return -ENOMEM;
	if (!capable(CAP_SETGID) && !(among(gid, o->gid, o->egid, o->sgid) && among(egid, o->gid, o->egid, o->sgid) &&
				      among(sgid, o->gid, o->egid, o->sgid)))
		return refuse(c);
	if (gid != ~0u)
		c->gid = gid;
	if (egid != ~0u)
		c->egid = egid;
	if (sgid != ~0u)
		c->sgid = sgid;
	return commit_gid(c);
}

u32 setid_fsuid(u32 uid)
{
	const struct cred *o = current_cred();
	u32 old = o->fsuid;

	if (uid == ~0u || (!among(uid, o->uid, o->euid, o->suid) && uid != o->fsuid && !capable(CAP_SETUID)))
		return old;
	struct cred *c = cred_prepare();
	if (!c)
		return old;
	c->fsuid = uid;
	fix_fs_caps(c, o);
	(void)!commit(c);
	return old;
}

u32 setid_fsgid(u32 gid)
{
	const struct cred *o = current_cred();
	u32 old = o->fsgid;

	if (gid == ~0u || (!among(gid, o->gid, o->egid, o->sgid) && gid != o->fsgid && !capable(CAP_SETGID)))
		return old;
	struct cred *c = cred_prepare();
	if (!c)
		return old;
	c->fsgid = gid;
	(void)!commit(c);
	return old;
}

static int compare_gid(const void *a, const void *b, void *ctx)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

int setid_groups(u32 *gids, u32 count)
{
	if (!capable(CAP_SETGID))
		return -EPERM;
	struct cred *c = cred_prepare();
	struct group_list *g = kvmalloc(sizeof(*g) + count * sizeof(u32), ALLOC_KERNEL);
	if (!c || !g) {
		kvfree(g);
		if (c)
			cred_put(c);
		return -ENOMEM;
	}
	sort(gids, count, sizeof(u32), compare_gid, NULL);
	g->refs = 1;
	g->count = count;
	memcpy(g->gid, gids, count * sizeof(u32));
	struct group_list *old = c->groups;
	c->groups = g;
	if (old && atomic_dec_and_test(&old->refs))
		kvfree(old);
	cred_commit(c);
	return 0;
}

/* ---- capabilities ---- */

#define CAP_KNOWN (BIT(CAP_LAST_CAP + 1) - 1)

int caps_get(s32 pid, struct capabilities *out)
{
	int err = 0;

	rcu_read_lock();
	struct task *t = pid ? pid_task((u32)pid) : current_task();
	if (t) {
		const struct cred *c = rcu_dereference(t->thread.cred);

		*out = (struct capabilities){ c->cap_effective, c->cap_permitted, c->cap_inheritable };
	} else {
		err = -ESRCH;
	}
	rcu_read_unlock();
	return err;
}

int caps_set(const struct capabilities *want)
{
	const struct cred *o = current_cred();
	u64 e = want->effective & CAP_KNOWN, p = want->permitted & CAP_KNOWN, i = want->inheritable & CAP_KNOWN;

	if (!capable(CAP_SETPCAP) && i & ~(o->cap_inheritable | o->cap_permitted))
		return -EPERM;
	if (i & ~(o->cap_inheritable | o->cap_bset) || p & ~o->cap_permitted || e & ~p)
		return -EPERM;
	struct cred *c = cred_prepare();
	if (!c)
		return -ENOMEM;
	c->cap_effective = e;
	c->cap_permitted = p;
	c->cap_inheritable = i;
	c->cap_ambient &= p & i;
	cred_commit(c);
	return 0;
}

int caps_drop_bounding(u64 cap)
{
	if (!capable(CAP_SETPCAP))
		return -EPERM;
	if (cap > CAP_LAST_CAP)
		return -EINVAL;
	struct cred *c = cred_prepare();
	if (!c)
		return -ENOMEM;
	c->cap_bset &= ~BIT(cap);
	cred_commit(c);
	return 0;
}

s64 caps_ambient(u64 op, u64 cap)
{
	const struct cred *o = current_cred();

	if (op == PR_CAP_AMBIENT_CLEAR_ALL ? cap != 0 : cap > CAP_LAST_CAP)
		return -EINVAL;
	if (op == PR_CAP_AMBIENT_IS_SET)
		return !!(o->cap_ambient & BIT(cap));
	if (op != PR_CAP_AMBIENT_RAISE && op != PR_CAP_AMBIENT_LOWER && op != PR_CAP_AMBIENT_CLEAR_ALL)
		return -EINVAL;
	if (op == PR_CAP_AMBIENT_RAISE &&
	    (!(o->cap_permitted & o->cap_inheritable & BIT(cap)) || o->securebits & SECBIT_NO_CAP_AMBIENT_RAISE))
		return -EPERM;
	struct cred *c = cred_prepare();
	if (!c)
		return -ENOMEM;
	if (op == PR_CAP_AMBIENT_RAISE)
		c->cap_ambient |= BIT(cap);
	else
		c->cap_ambient &= op == PR_CAP_AMBIENT_LOWER ? ~BIT(cap) : 0;
	cred_commit(c);
	return 0;
}

int caps_set_securebits(u32 bits)
{
	u32 old = current_cred()->securebits;

	/* Locked bits stay, locks stay, nothing unknown is set. */
	if (((old & SECURE_ALL_LOCKS) >> 1 & (old ^ bits)) || (old & SECURE_ALL_LOCKS & ~bits) ||
	    bits & ~(u32)(SECURE_ALL_LOCKS | SECURE_ALL_BITS) || !capable(CAP_SETPCAP))
		return -EPERM;
	struct cred *c = cred_prepare();
	if (!c)
		return -ENOMEM;
	c->securebits = bits;
	cred_commit(c);
	return 0;
}

int cred_set_no_new_privs(void)
{
	struct cred *c = cred_prepare();

	if (!c)
		return -ENOMEM;
	c->no_new_privs = 1;
	cred_commit(c);
	return 0;
}

int cred_set_keep_caps(bool on)
{
	if (current_cred()->securebits & SECBIT_KEEP_CAPS_LOCKED)
		return -EPERM;
	struct cred *c = cred_prepare();
	if (!c)
		return -ENOMEM;
	c->securebits = on ? c->securebits | SECBIT_KEEP_CAPS : c->securebits & ~(u32)SECBIT_KEEP_CAPS;
	cred_commit(c);
	return 0;
}
