/*
 * System calls on credentials.
 *
 * Each prepares a copy, changes it, and commits; nothing is changed in place.
 * Source: setuid(2), setresuid(2), setfsuid(2), capabilities(7) ("Effect of user ID changes on capabilities").
 */
#include <linux/capability.h>
#include <linux/securebits.h>
#include "base/sort.h"
#include "base/string.h"
#include "kern/cred.h"
#include "sys/sys.h"
#include "task/task.h"

enum { KEEP = 0xffffffffu, NGROUPS_MAX = 65536, FS_CAPS = 1 << CAP_CHOWN | 1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH | 1 << CAP_FOWNER |
       1 << CAP_FSETID | 1 << CAP_MKNOD };
#define FS_CAPS_ALL ((u64)FS_CAPS | 1ull << CAP_LINUX_IMMUTABLE | 1ull << CAP_MAC_OVERRIDE)

s64 sys_getuid(void) { return current_cred()->uid; }
s64 sys_geteuid(void) { return current_cred()->euid; }
s64 sys_getgid(void) { return current_cred()->gid; }
s64 sys_getegid(void) { return current_cred()->egid; }

/* Root's ids going away take capabilities along; coming back by euid brings the permitted ones. */
static void fix_caps(struct cred *new, const struct cred *old)
{
	if (old->securebits & (1 << SECURE_NO_SETUID_FIXUP))
		return;
	if ((!old->uid || !old->euid || !old->suid) && new->uid && new->euid && new->suid) {
		if (!(old->securebits & (1 << SECURE_KEEP_CAPS)))
			new->cap_permitted = new->cap_effective = 0;
		new->cap_ambient = 0;
	}
	if (!old->euid && new->euid)
		new->cap_effective = 0;
	if (old->euid && !new->euid)
		new->cap_effective = new->cap_permitted;
}

static s64 commit_uids(struct cred *c)
{
	fix_caps(c, current_cred());
	c->fsuid = c->euid;
	cred_commit(c);
	return 0;
}

static s64 refuse(struct cred *c)
{
	cred_put(c);
	return -EPERM;
}

s64 sys_setuid(u64 uid64)
{
	u32 uid = (u32)uid64;
	struct cred *c = cred_prepare();

	if (!c)
		return -ENOMEM;
	if (uid == KEEP) {
		cred_put(c);
		return -EINVAL;
	}
	if (capable(CAP_SETUID))
		c->uid = c->suid = uid;
	else if (uid != c->uid && uid != c->suid)
		return refuse(c);
	c->euid = uid;
	return commit_uids(c);
}

s64 sys_setreuid(u64 ruid64, u64 euid64)
{
	u32 ruid = (u32)ruid64, euid = (u32)euid64;
	const struct cred *old = current_cred();
	struct cred *c = cred_prepare();

	if (!c)
		return -ENOMEM;
	if (!capable(CAP_SETUID) && ((ruid != KEEP && ruid != old->uid && ruid != old->euid) ||
				     (euid != KEEP && euid != old->uid && euid != old->euid && euid != old->suid)))
		return refuse(c);
	if (ruid != KEEP)
		c->uid = ruid;
	if (euid != KEEP)
		c->euid = euid;
	if (ruid != KEEP || (euid != KEEP && euid != old->uid))
		c->suid = c->euid;
	return commit_uids(c);
}

s64 sys_setresuid(u64 r, u64 e, u64 s)
{
	const u32 want[3] = { (u32)r, (u32)e, (u32)s };
	const struct cred *old = current_cred();
	struct cred *c = cred_prepare();

	if (!c)
		return -ENOMEM;
	for (int i = 0; i < 3 && !capable(CAP_SETUID); i++)
		if (want[i] != KEEP && want[i] != old->uid && want[i] != old->euid && want[i] != old->suid)
			return refuse(c);
	if (want[0] != KEEP)
		c->uid = want[0];
	if (want[1] != KEEP)
		c->euid = want[1];
	if (want[2] != KEEP)
		c->suid = want[2];
	return commit_uids(c);
}

static s64 commit_gids(struct cred *c)
{
	c->fsgid = c->egid;
	cred_commit(c);
	return 0;
}

s64 sys_setgid(u64 gid64)
{
	u32 gid = (u32)gid64;
	struct cred *c = cred_prepare();

	if (!c)
		return -ENOMEM;
	if (gid == KEEP) {
		cred_put(c);
		return -EINVAL;
	}
	if (capable(CAP_SETGID))
		c->gid = c->sgid = gid;
	else if (gid != c->gid && gid != c->sgid)
		return refuse(c);
	c->egid = gid;
	return commit_gids(c);
}

s64 sys_setregid(u64 rgid64, u64 egid64)
{
	u32 rgid = (u32)rgid64, egid = (u32)egid64;
	const struct cred *old = current_cred();
	struct cred *c = cred_prepare();

	if (!c)
		return -ENOMEM;
	if (!capable(CAP_SETGID) && ((rgid != KEEP && rgid != old->gid && rgid != old->egid) ||
				     (egid != KEEP && egid != old->gid && egid != old->egid && egid != old->sgid)))
		return refuse(c);
	if (rgid != KEEP)
		c->gid = rgid;
	if (egid != KEEP)
		c->egid = egid;
	if (rgid != KEEP || (egid != KEEP && egid != old->gid))
		c->sgid = c->egid;
	return commit_gids(c);
}

s64 sys_setresgid(u64 r, u64 e, u64 s)
{
	const u32 want[3] = { (u32)r, (u32)e, (u32)s };
	const struct cred *old = current_cred();
	struct cred *c = cred_prepare();

	if (!c)
		return -ENOMEM;
	for (int i = 0; i < 3 && !capable(CAP_SETGID); i++)
		if (want[i] != KEEP && want[i] != old->gid && want[i] != old->egid && want[i] != old->sgid)
			return refuse(c);
	if (want[0] != KEEP)
		c->gid = want[0];
	if (want[1] != KEEP)
		c->egid = want[1];
	if (want[2] != KEEP)
		c->sgid = want[2];
	return commit_gids(c);
}

static s64 three_out(u64 a, u64 b, u64 c, u32 va, u32 vb, u32 vc)
{
	return put_user(va, uaddr(a)) || put_user(vb, uaddr(b)) || put_user(vc, uaddr(c)) ? -EFAULT : 0;
}

s64 sys_getresuid(u64 r, u64 e, u64 s)
{
	const struct cred *c = current_cred();

	return three_out(r, e, s, c->uid, c->euid, c->suid);
}

s64 sys_getresgid(u64 r, u64 e, u64 s)
{
	const struct cred *c = current_cred();

	return three_out(r, e, s, c->gid, c->egid, c->sgid);
}

/* These two return the old id whatever happens. */
s64 sys_setfsuid(u64 uid64)
{
	u32 uid = (u32)uid64, old = current_cred()->fsuid;
	struct cred *c = cred_prepare();

	if (!c)
		return old;
	if (uid == KEEP || (uid != c->uid && uid != c->euid && uid != c->suid && uid != c->fsuid && !capable(CAP_SETUID))) {
		cred_put(c);
		return old;
	}
	c->fsuid = uid;
	if (!old && uid)
		c->cap_effective &= ~FS_CAPS_ALL;
	if (old && !uid)
		c->cap_effective |= c->cap_permitted & FS_CAPS_ALL;
	cred_commit(c);
	return old;
}

s64 sys_setfsgid(u64 gid64)
{
	u32 gid = (u32)gid64, old = current_cred()->fsgid;
	struct cred *c = cred_prepare();

	if (!c)
		return old;
	if (gid == KEEP || (gid != c->gid && gid != c->egid && gid != c->sgid && gid != c->fsgid && !capable(CAP_SETGID))) {
		cred_put(c);
		return old;
	}
	c->fsgid = gid;
	cred_commit(c);
	return old;
}

/* ---- supplementary groups ---- */

s64 sys_getgroups(u64 size64, u64 user)
{
	int size = (int)size64;
	const struct group_list *g = current_cred()->groups;
	u32 n = g ? g->count : 0;

	if (size < 0)
		return -EINVAL;
	if (!size)
		return n;
	if ((u32)size < n)
		return -EINVAL;
	return copy_out(uaddr(user), g ? g->gid : NULL, n * sizeof(u32)) ? -EFAULT : (s64)n;
}

static int gid_compare(const void *a, const void *b, void *arg)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

s64 sys_setgroups(u64 size, u64 user)
{
	u32 n = (u32)size;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if (n > NGROUPS_MAX)
		return -EINVAL;
	struct group_list *g = kvmalloc(sizeof(*g) + n * sizeof(u32), ALLOC_KERNEL);
	struct cred *c = g ? cred_prepare() : NULL;
	if (!c) {
		kvfree(g);
		return -ENOMEM;
	}
	g->refs = 1;
	g->count = n;
	int err = copy_in(g->gid, uaddr(user), n * sizeof(u32));
	for (u32 i = 0; !err && i < n; i++)
		if (g->gid[i] == KEEP)
			err = -EINVAL;
	if (err) {
		kvfree(g);
		cred_put(c);
		return err;
	}
	sort(g->gid, n, sizeof(u32), gid_compare, NULL);
	cred_set_groups(c, g);
	cred_commit(c);
	return 0;
}

/* ---- capabilities ---- */

static int cap_version(u64 header, u32 *version, s32 *pid, u32 *words)
{
	struct { u32 version; s32 pid; } h;

	if (copy_in(&h, uaddr(header), sizeof(h)))
		return -EFAULT;
	*version = h.version;
	*pid = h.pid;
	*words = h.version == _LINUX_CAPABILITY_VERSION_1 ? 1 : 2;
	if (h.version == _LINUX_CAPABILITY_VERSION_1 || h.version == _LINUX_CAPABILITY_VERSION_2 || h.version == _LINUX_CAPABILITY_VERSION_3)
		return 0;
	return put_user((u32)_LINUX_CAPABILITY_VERSION_3, uaddr(header)) ? -EFAULT : -EINVAL;
}

s64 sys_capget(u64 header, u64 data)
{
	struct { u32 effective, permitted, inheritable; } d[2];
	u32 version, words;
	s32 pid;
	int err = cap_version(header, &version, &pid, &words);

	if (err)
		return err == -EINVAL && !data ? 0 : err;
	if (pid < 0)
		return -EINVAL;
	struct task *t = pid ? task_find_get((u32)pid) : task_get(current_task());
	if (!t)
		return -ESRCH;
	const struct cred *c = task_cred_get(t);
	for (u32 i = 0; i < 2; i++) {
		d[i].effective = (u32)(c->cap_effective >> 32 * i);
		d[i].permitted = (u32)(c->cap_permitted >> 32 * i);
		d[i].inheritable = (u32)(c->cap_inheritable >> 32 * i);
	}
	cred_put(c);
	task_put(t);
	return copy_out(uaddr(data), d, words * sizeof(d[0]));
}

s64 sys_capset(u64 header, u64 data)
{
	struct { u32 effective, permitted, inheritable; } d[2] = { { 0 } };
	const u64 valid = (1ull << (CAP_LAST_CAP + 1)) - 1;
	u32 version, words;
	s32 pid;
	int err = cap_version(header, &version, &pid, &words);

	if (err)
		return err;
	if (pid && (u32)pid != task_tid(current_task()))
		return -EPERM;
	if (copy_in(d, uaddr(data), words * sizeof(d[0])))
		return -EFAULT;
	struct cred *c = cred_prepare();
	if (!c)
		return -ENOMEM;
	const struct cred *old = current_cred();
	u64 e = (d[0].effective | (u64)d[1].effective << 32) & valid, p = (d[0].permitted | (u64)d[1].permitted << 32) & valid;
	u64 i = (d[0].inheritable | (u64)d[1].inheritable << 32) & valid;
	if ((!capable(CAP_SETPCAP) && i & ~(old->cap_inheritable | old->cap_permitted)) || i & ~(old->cap_inheritable | old->cap_bset) ||
	    p & ~old->cap_permitted || e & ~p)
		return refuse(c);
	c->cap_effective = e;
	c->cap_permitted = p;
	c->cap_inheritable = i;
	c->cap_ambient &= p & i;
	cred_commit(c);
	return 0;
}
