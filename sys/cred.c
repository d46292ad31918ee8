/*
 * System calls on credentials: arguments in, task/setid.c's rules, results out.
 */
#include <linux/capability.h>
#include "kern/cred.h"
#include "sys/sys.h"
#include "task/setid.h"
#include "task/task.h"

enum { NGROUPS_MAX = 65536 };

s64 sys_getuid(void) { return current_cred()->uid; }
s64 sys_geteuid(void) { return current_cred()->euid; }
s64 sys_getgid(void) { return current_cred()->gid; }
s64 sys_getegid(void) { return current_cred()->egid; }
s64 sys_setuid(u64 uid) { return setid_uid((u32)uid); }
s64 sys_setgid(u64 gid) { return setid_gid((u32)gid); }
s64 sys_setreuid(u64 ruid, u64 euid) { return setid_reuid((u32)ruid, (u32)euid); }
s64 sys_setregid(u64 rgid, u64 egid) { return setid_regid((u32)rgid, (u32)egid); }
s64 sys_setresuid(u64 ruid, u64 euid, u64 suid) { return setid_resuid((u32)ruid, (u32)euid, (u32)suid); }
s64 sys_setresgid(u64 rgid, u64 egid, u64 sgid) { return setid_resgid((u32)rgid, (u32)egid, (u32)sgid); }
s64 sys_setfsuid(u64 uid) { return setid_fsuid((u32)uid); }
s64 sys_setfsgid(u64 gid) { return setid_fsgid((u32)gid); }

static s64 three_out(const u64 to[3], const u32 v[3])
{
	for (int i = 0; i < 3; i++)
		if (put_user(v[i], uaddr(to[i])))
			return -EFAULT;
	return 0;
}

s64 sys_getresuid(u64 r, u64 e, u64 s)
{
	const struct cred *c = current_cred();

	return three_out((const u64[]){ r, e, s }, (const u32[]){ c->uid, c->euid, c->suid });
}

s64 sys_getresgid(u64 r, u64 e, u64 s)
{
	const struct cred *c = current_cred();

	return three_out((const u64[]){ r, e, s }, (const u32[]){ c->gid, c->egid, c->sgid });
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
	return n && copy_out(uaddr(user), g->gid, n * sizeof(u32)) ? -EFAULT : (s64)n;
}

s64 sys_setgroups(u64 size, u64 user)
{
	u32 n = (u32)size;

	if (!capable(CAP_SETGID))
		return -EPERM;
	if (n > NGROUPS_MAX)
		return -EINVAL;
	u32 *gids = kvmalloc(n ? n * sizeof(u32) : sizeof(u32), ALLOC_KERNEL);
	if (!gids)
		return -ENOMEM;
	int err = copy_in(gids, uaddr(user), n * sizeof(u32));
	for (u32 i = 0; !err && i < n; i++)
		if (gids[i] == (u32)ID_KEEP)
			err = -EINVAL;
	if (!err)
		err = setid_groups(gids, n);
	kvfree(gids);
	return err;
}

/* ---- capabilities ---- */

struct cap_words {
	u32 effective, permitted, inheritable;
};

/* The header says which form: one word or two.  An unknown version is answered with ours. */
static int cap_version(u64 header, s32 *pid, u32 *words)
{
	struct { u32 version; s32 pid; } h;

	if (copy_in(&h, uaddr(header), sizeof(h)))
		return -EFAULT;
	*pid = h.pid;
	*words = h.version == _LINUX_CAPABILITY_VERSION_1 ? 1 : 2;
	if (h.version == _LINUX_CAPABILITY_VERSION_1 || h.version == _LINUX_CAPABILITY_VERSION_2 || h.version == _LINUX_CAPABILITY_VERSION_3)
		return 0;
	return put_user((u32)_LINUX_CAPABILITY_VERSION_3, uaddr(header)) ? -EFAULT : -EINVAL;
}

s64 sys_capget(u64 header, u64 data)
{
	struct capabilities c;
	struct cap_words d[2];
	u32 words;
	s32 pid;
	int err = cap_version(header, &pid, &words);

	if (err)
		return err == -EINVAL && !data ? 0 : err;
	if (pid < 0)
		return -EINVAL;
	err = caps_get(pid, &c);
	if (err)
		return err;
	for (u32 i = 0; i < 2; i++)
		d[i] = (struct cap_words){ (u32)(c.effective >> 32 * i), (u32)(c.permitted >> 32 * i), (u32)(c.inheritable >> 32 * i) };
	return copy_out(uaddr(data), d, words * sizeof(d[0]));
}

s64 sys_capset(u64 header, u64 data)
{
	const u64 valid = (1ull << (CAP_LAST_CAP + 1)) - 1;
	struct cap_words d[2] = { { 0 } };
	u32 words;
	s32 pid;
	int err = cap_version(header, &pid, &words);

	if (err)
		return err;
	if (pid && (u32)pid != task_tid(current_task()))
		return -EPERM;
	if (copy_in(d, uaddr(data), words * sizeof(d[0])))
		return -EFAULT;
	const struct capabilities c = {
		.effective = (d[0].effective | (u64)d[1].effective << 32) & valid,
		.permitted = (d[0].permitted | (u64)d[1].permitted << 32) & valid,
		.inheritable = (d[0].inheritable | (u64)d[1].inheritable << 32) & valid,
	};
	return caps_set(&c);
}
