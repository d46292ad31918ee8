/*
 * mount(2), umount(2) and pivot_root(2): decoding of flags, checks, then the tree's operations (mount.c).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mount.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/cred.h"
#include "kern/mutex.h"
#include "vfs/internal.h"
#include "vfs/mount.h"

#define NO_USER (1ull << 31)	/* MS_NOUSER, whose own definition is a negative int */

struct mount *vfs_kern_mount(const char *type, const char *source, const char *options, u32 flags)
{
	struct fs_type *t = fs_find(type);
	struct super *s;
	struct mount *m;

	if (!t)
		return ERR_PTR(-ENODEV);
	s = t->mount(t, source ? source : "none", options ? options : "", flags);
	if (IS_ERR(s))
		return ERR_CAST(s);
	assert(s && s->root);
	m = mount_new(s, s->root, source, flags);
	super_put(s);	/* the mount has its own reference */
	return m ? m : ERR_PTR(-ENOMEM);
}

static u32 mount_flags_of(u64 ms)
{
	u32 f = 0;

	if (!(ms & MS_NOATIME))
		f |= MNT_RELATIME;
	f |= ms & MS_RDONLY ? MNT_RDONLY : 0;
	f |= ms & MS_NOSUID ? MNT_NOSUID : 0;
	f |= ms & MS_NODEV ? MNT_NODEV : 0;
	f |= ms & MS_NOEXEC ? MNT_NOEXEC : 0;
	f |= ms & MS_NOATIME ? MNT_NOATIME : 0;
	f |= ms & MS_NODIRATIME ? MNT_NODIRATIME : 0;
	if (ms & MS_STRICTATIME)
		f = (f & ~(u32)(MNT_RELATIME | MNT_NOATIME)) | MNT_STRICTATIME;
	return f;
}

static int do_new_mount(const char *source, struct path *at, const char *type, u64 ms, const char *options)
{
	struct mount *m;
	int err;

	if (!type || !*type)
		return -EINVAL;
	m = vfs_kern_mount(type, source, options, mount_flags_of(ms));
	if (IS_ERR(m))
		return (int)PTR_ERR(m);
	if (ms & MS_RDONLY)
		m->super->flags |= SUPER_RDONLY;
	err = mount_attach_tree(m, at);
	if (err)
		mount_put(m);
	return err;
}

static int do_remount(const struct path *at, u64 ms, const char *options)
{
	struct super *s = at->mount->super;
	u32 flags = s->flags & ~(u32)SUPER_RDONLY;
	int err = 0;

	if (at->dentry != at->mount->root || !at->mount->ns)
		return -EINVAL;
	if (!(ms & MS_BIND)) {
		if (ms & MS_RDONLY)
			flags |= SUPER_RDONLY;
		u32 old = s->flags;

		err = mount_super_set_flags(at->mount, flags);
		if (!err && s->ops->remount)
			err = s->ops->remount(s, flags, options ? options : "");
		if (err) {
			WRITE_ONCE(s->flags, old);
			return err;
		}
	}
	return mount_set_flags(at->mount, mount_flags_of(ms));
}

static int do_propagation(const struct path *at, u64 ms)
{
	u64 type = ms & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE);

	if (ms & ~(type | MS_REC | MS_SILENT) || type & (type - 1))
		return -EINVAL;
	if (at->dentry != at->mount->root)
		return -EINVAL;
	return mount_set_propagation(at->mount, type, ms & MS_REC);
}

static int do_from_path(const char *source, struct path *at, u64 ms)
{
	struct path from;
	int err;

	if (!source || !*source)
		return -EINVAL;
	err = path_lookup(AT_FDCWD, source, WALK_FOLLOW, &from);
	if (err)
		return err;
	err = ms & MS_BIND ? mount_bind(&from, at, ms & MS_REC) : mount_move(&from, at);
	path_put(&from);
	return err;
}

int vfs_mount(const char *source, const char *target, const char *type, u64 ms, const char *options)
{
	struct path at;
	int err;

	if ((ms & MS_MGC_MSK) == MS_MGC_VAL)
		ms &= ~(u64)MS_MGC_MSK;
	if (ms & NO_USER)
		return -EINVAL;
	err = path_lookup(AT_FDCWD, target, WALK_FOLLOW, &at);
	if (err)
		return err;
	if (!capable(CAP_SYS_ADMIN))
		err = -EPERM;
	else if (ms & MS_REMOUNT)
		err = do_remount(&at, ms, options);
	else if (ms & (MS_BIND | MS_MOVE) && !(ms & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE) && !(ms & MS_BIND)))
		err = do_from_path(source, &at, ms);
	else if (ms & (MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE))
		err = do_propagation(&at, ms);
	else
		err = do_new_mount(source, &at, type, ms, options);
	path_put(&at);
	return err;
}

int vfs_umount(const char *target, int flags)
{
	struct path p;
	int err;

	if (flags & ~(MNT_FORCE_FLAG | MNT_DETACH_FLAG | MNT_EXPIRE_FLAG | UMOUNT_NOFOLLOW_FLAG))
		return -EINVAL;
	if (flags & MNT_EXPIRE_FLAG && flags & (MNT_FORCE_FLAG | MNT_DETACH_FLAG))
		return -EINVAL;
	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = path_lookup(AT_FDCWD, target, flags & UMOUNT_NOFOLLOW_FLAG ? 0 : WALK_FOLLOW, &p);
	if (err)
		return err;
	file_flush_deferred();
	if (p.dentry != p.mount->root) {
		path_put(&p);
		return -EINVAL;
	}
	/* The dentry's reference would count as no use of the mount: only the mount's own is kept over the check. */
	struct mount *m = mount_get(p.mount);

	path_put(&p);
	err = mount_unmount(m, flags);
	mount_put(m);
	return err;
}

int vfs_pivot_root(const char *new_name, const char *old_name)
{
	struct path new, old, root;
	int err;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	err = path_lookup(AT_FDCWD, new_name, WALK_FOLLOW | WALK_DIRECTORY, &new);
	if (err)
		return err;
	err = path_lookup(AT_FDCWD, old_name, WALK_FOLLOW | WALK_DIRECTORY, &old);
	if (err)
		goto out_new;
	fs_context_root(&root);
	err = mount_pivot(&root, &new, &old);
	path_put(&root);
	path_put(&old);
out_new:
	path_put(&new);
	return err;
}
