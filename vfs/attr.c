/*
 * Attributes by path: stat, chmod, chown, utimens, truncate, access, readlink, statfs, chdir, chroot.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "base/string.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "mm/user.h"
#include "vfs/internal.h"
#include "vfs/notify.h"
#include "vfs/ops.h"

enum { NSEC_NOW = 0x3fffffff, NSEC_OMIT = 0x3ffffffe };

void attrs_note_mount(const struct path *p, struct attrs *a)
{
	a->attributes_mask |= STATX_ATTR_MOUNT_ROOT;
	if (p->dentry == p->mount->root)
		a->attributes |= STATX_ATTR_MOUNT_ROOT;
}

int vfs_getattr(const struct path *p, struct attrs *out)
{
	struct inode *i = p->dentry->inode;
	int err = 0;

	if (i->ops->getattr)
		err = i->ops->getattr(p->dentry, i, out);
	else
		inode_fill_attrs(i, out);
	attrs_note_mount(p, out);
	return err;
}

int vfs_getattr_file(struct file *f, struct attrs *out)
{
	struct inode *i = f->inode;

	if (unlikely(i->ops->getattr))
		return i->ops->getattr(f->path.dentry, i, out);
	inode_fill_attrs(i, out);
	return 0;
}

static u32 notify_mask(u32 valid)
{
	u32 mask = 0;

	if (valid & SET_SIZE)
		mask |= IN_MODIFY;
	if (valid & (SET_MODE | SET_UID | SET_GID))
		mask |= IN_ATTRIB;
	if ((valid & (SET_ATIME | SET_MTIME)) == (SET_ATIME | SET_MTIME))
		mask |= IN_ATTRIB;
	else if (valid & SET_ATIME)
		mask |= IN_ACCESS;
	else if (valid & SET_MTIME && !(valid & SET_SIZE))
		mask |= IN_MODIFY;
	return mask;
}

int vfs_setattr(const struct path *p, struct setattr *sa)
{
	struct inode *i = p->dentry->inode;
	int err = mount_want_write(p->mount);

	if (err)
		return err;
	inode_lock(i);
	err = inode_setattr_check(i, sa);
	if (!err)
		err = i->ops->setattr ? i->ops->setattr(p->dentry, i, sa) : inode_setattr_simple(p->dentry, i, sa);
	inode_unlock(i);
	if (!err)
		notify_dentry(p->dentry, notify_mask(sa->valid));
	return err;
}

int vfs_chmod(const struct path *p, u32 mode)
{
	struct setattr sa = { .valid = SET_MODE | SET_CTIME, .mode = mode & 07777, .ctime = time_now() };

	if (inode_is_link(p->dentry->inode))
		return -EOPNOTSUPP;
	return vfs_setattr(p, &sa);
}

int vfs_chown(const struct path *p, u32 uid, u32 gid)
{
	struct setattr sa = { .valid = SET_CTIME, .uid = uid, .gid = gid, .ctime = time_now() };

	if (uid != ~0u)
		sa.valid |= SET_UID;
	if (gid != ~0u)
		sa.valid |= SET_GID;
	if (!inode_is_dir(p->dentry->inode))
		sa.valid |= SET_KILL_PRIV;
	return vfs_setattr(p, &sa);
}

int vfs_utimens(const struct path *p, const struct timestamp times[2])
{
	struct setattr sa = { .valid = SET_ATIME_NOW | SET_MTIME_NOW };
	bool both_now = !times || (times[0].nsec == NSEC_NOW && times[1].nsec == NSEC_NOW);

	if (!both_now) {
		sa.valid = 0;
		if (times[0].nsec != NSEC_OMIT)
			sa.valid |= times[0].nsec == NSEC_NOW ? SET_ATIME_NOW | SET_ATIME : SET_ATIME;
		if (times[1].nsec != NSEC_OMIT)
			sa.valid |= times[1].nsec == NSEC_NOW ? SET_MTIME_NOW | SET_MTIME : SET_MTIME;
		if (!sa.valid)
			return 0;
		sa.atime = times[0];
		sa.mtime = times[1];
		/* setting only one of them, even to now, is a right of the owner alone */
		if (!inode_owner_or_capable(p->dentry->inode))
			return mount_want_write(p->mount) ? -EROFS : -EPERM;
	}
	return vfs_setattr(p, &sa);
}

int vfs_access(const struct path *p, int mask)
{
	struct inode *i = p->dentry->inode;

	if (mask & MAY_EXEC && inode_is_reg(i) && p->mount->flags & MNT_NOEXEC)
		return -EACCES;
	int err = inode_permission(i, mask);

	if (!err && mask & MAY_WRITE && (inode_is_reg(i) || inode_is_dir(i) || inode_is_link(i)))
		err = mount_want_write(p->mount);
	return err;
}

int path_permission(const struct path *p, int mask)
{
	return vfs_access(p, mask);
}

/* ---- size ---- */

static int truncate_dentry(const struct path *p, u64 size, struct file *f)
{
	struct setattr sa = { .valid = SET_SIZE | SET_MTIME_NOW | SET_FORCE, .size = size, .file = f };
	struct inode *i = p->dentry->inode;
	int err;

	if (!capable(CAP_FSETID))
		sa.valid |= SET_KILL_PRIV;
	inode_lock(i);
	err = inode_setattr_check(i, &sa);
	if (!err)
		err = i->ops->setattr ? i->ops->setattr(p->dentry, i, &sa) : inode_setattr_simple(p->dentry, i, &sa);
	inode_unlock(i);
	if (!err)
		notify_dentry(p->dentry, notify_mask(sa.valid));
	return err;
}

int vfs_truncate(const struct path *p, u64 size)
{
	struct inode *i = p->dentry->inode;
	int err;

	if (inode_is_dir(i))
		return -EISDIR;
	if (!inode_is_reg(i))
		return -EINVAL;
	err = mount_want_write(p->mount);
	if (!err)
		err = inode_permission(i, MAY_WRITE);
	if (!err && i->iflags & IFLAG_APPEND)
		err = -EPERM;
	if (!err)
		err = inode_get_write(i);
	if (err)
		return err;
	err = truncate_dentry(p, size, NULL);
	inode_put_write(i);
	return err;
}

int vfs_truncate_path(const struct path *p, s64 size)
{
	return size < 0 ? -EINVAL : vfs_truncate(p, (u64)size);
}

int file_truncate(struct file *f, u64 size)
{
	if (!inode_is_reg(f->inode) || !(f->mode & FMODE_WRITE))
		return -EINVAL;
	if (f->inode->iflags & IFLAG_APPEND)
		return -EPERM;
	return truncate_dentry(&f->path, size, f);
}

int vfs_ftruncate(struct file *f, s64 size)
{
	return size < 0 ? -EINVAL : file_truncate(f, (u64)size);
}

/* ---- the rest ---- */

/* A magic link reads as the name of the path that it is. */
static s64 readlink_magic(const struct path *p, uaddr_t buf, size_t size)
{
	struct inode *i = p->dentry->inode;
	struct path to;
	int err = i->ops->follow(p->dentry, i, &to);

	if (err)
		return err;
	char *page = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	char *name = page ? path_name(&to, page, PAGE_SIZE) : ERR_PTR(-ENOMEM);
	s64 ret;

	if (IS_ERR(name)) {
		ret = PTR_ERR(name);
	} else {
		size_t n = MIN(strlen(name), size);

		ret = copy_out(buf, name, n) ? -EFAULT : (s64)n;
	}
	kfree(page);
	path_put(&to);
	return ret;
}

s64 vfs_readlink(const struct path *p, uaddr_t buf, size_t size)
{
	struct inode *i = p->dentry->inode;
	void (*done)(void *) = NULL;
	void *arg = NULL;
	s64 ret;

	if ((s64)size <= 0)
		return -EINVAL;
	if (i->ops->follow)
		return i->ops->readlink ? i->ops->readlink(p->dentry, i, buf, size) : readlink_magic(p, buf, size);
	if (!inode_is_link(i))
		return -EINVAL;
	const char *s = i->link ? i->link : i->ops->get_link ? i->ops->get_link(p->dentry, i, &done, &arg) : ERR_PTR(-EINVAL);

	if (IS_ERR(s))
		return PTR_ERR(s);
	size_t n = strnlen(s, size);

	ret = copy_out(buf, s, n) ? -EFAULT : (s64)n;
	if (done)
		done(arg);
	return ret;
}

int vfs_statfs(const struct path *p, struct statfs *out)
{
	struct super *s = p->dentry->super;
	struct fs_stat st = { .type = s->magic, .bsize = s->blksize, .namelen = 255 };
	u32 f = p->mount->flags, flags = 0x20;	/* ST_VALID */
	int err = s->ops->statfs ? s->ops->statfs(s, &st) : -ENOSYS;

	if (err)
		return err;
	flags |= (f & MNT_RDONLY || s->flags & SUPER_RDONLY ? 1 : 0) | (f & MNT_NOSUID ? 2 : 0) | (f & MNT_NODEV ? 4 : 0) |
		 (f & MNT_NOEXEC ? 8 : 0) | (f & MNT_NOATIME ? 0x400 : 0) | (f & MNT_NODIRATIME ? 0x800 : 0) |
		 (f & MNT_RELATIME ? 0x1000 : 0);
	memset(out, 0, sizeof(*out));
	out->f_type = (s64)st.type;
	out->f_bsize = (s64)st.bsize;
	out->f_blocks = (s64)st.blocks;
	out->f_bfree = (s64)st.bfree;
	out->f_bavail = (s64)st.bavail;
	out->f_files = (s64)st.files;
	out->f_ffree = (s64)st.ffree;
	out->f_fsid.val[0] = (int)s->dev;
	out->f_namelen = (s64)st.namelen;
	out->f_frsize = (s64)(st.frsize ? st.frsize : st.bsize);
	out->f_flags = flags;
	return 0;
}

int vfs_chdir(const struct path *p)
{
	int err = inode_is_dir(p->dentry->inode) ? inode_permission(p->dentry->inode, MAY_EXEC) : -ENOTDIR;

	if (!err)
		fs_context_set_cwd(p);
	return err;
}

int vfs_chroot(const struct path *p)
{
	int err = inode_is_dir(p->dentry->inode) ? inode_permission(p->dentry->inode, MAY_EXEC) : -ENOTDIR;

	if (!err && !capable(CAP_SYS_CHROOT))
		err = -EPERM;
	if (!err)
		fs_context_set_root(p);
	return err;
}
