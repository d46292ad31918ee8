/*
 * Open files: each holds an open real file, to which everything is handed on; its page cache is the overlay file's as well.
 *
 * A file opened for reading while it lies below goes on to the copy as soon as there is one: the real file is opened anew, and the
 * first one kept until the last close, since another thread may be reading through it.  Mappings made before stay
 * with the old pages, as on Linux.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include "fs/overlay/internal.h"
#include "kern/slab.h"
#include "vfs/ops.h"
#include "vfs/poll.h"

enum { OPEN_FLAGS_DROPPED = O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC | O_TMPFILE, SET_BY_FCNTL = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME };

/* Locks: a atomic · I immutable */
struct ovl_file {
	struct file *real;		/* [a] */
	struct file *before;		/* [a] the one of the lower layer, once real is the copy's */
};

static struct file *open_real(struct file *f)
{
	struct path p = ovl_real(f->inode);

	return file_open_path(&p, f->flags & ~(u32)OPEN_FLAGS_DROPPED, ovl_of(f->inode->super)->cred);
}

static int ovl_open(struct inode *i, struct file *f)
{
	struct ovl_file *of;
	int err = f->mode & FMODE_WRITE ? ovl_copy_up(f->path.dentry, f->flags & O_TRUNC ? 0 : ~0ull) : 0;

	if (err)
		return err;
	of = kzalloc(sizeof(*of), ALLOC_KERNEL);
	if (!of)
		return -ENOMEM;
	of->real = open_real(f);
	if (IS_ERR(of->real)) {
		err = PTR_ERR(of->real);
		kfree(of);
		return err;
	}
	f->private = of;
	f->mapping = of->real->mapping;
	return 0;
}

static void ovl_release(struct file *f)
{
	struct ovl_file *of = f->private;

	file_put(of->before);
	file_put(of->real);
	kfree(of);
}

/* There is a copy by now: read from that. */
static NOINLINE struct file *go_to_copy(struct file *f, struct ovl_file *of, struct file *real)
{
	struct file *copy = open_real(f), *seen = real;

	if (IS_ERR(copy))
		return copy;
	if (!try_cmpxchg(&of->real, &seen, copy)) {
		file_put(copy);
		return seen;
	}
	of->before = real;
	WRITE_ONCE(f->mapping, copy->mapping);
	return copy;
}

/* The real file for an operation of @f. ERR_PTR */
static inline struct file *real_file(struct file *f)
{
	struct ovl_file *of = f->private;
	struct file *real = atomic_load_acquire(&of->real);
	struct dentry *upper = ovl_upper(ovl_inode(f->inode));

	if (unlikely(upper && real->inode != upper->inode))
		real = go_to_copy(f, of, real);
	if (unlikely(!IS_ERR(real) && (f->flags ^ real->flags) & SET_BY_FCNTL))
		real->flags = (real->flags & ~SET_BY_FCNTL) | (f->flags & SET_BY_FCNTL);
	return real;
}

static s64 ovl_read(struct file *f, struct iter *to, u64 *pos)
{
	struct file *real = real_file(f);

	if (IS_ERR(real))
		return PTR_ERR(real);
	return real->ops->read ? real->ops->read(real, to, pos) : -EINVAL;
}

static s64 ovl_write(struct file *f, struct iter *from, u64 *pos)
{
	struct file *real = real_file(f);
	s64 n;

	if (IS_ERR(real))
		return PTR_ERR(real);
	if (!real->ops->write)
		return -EINVAL;
	n = real->ops->write(real, from, pos);
	if (unlikely(f->inode->mode & (S_ISUID | S_ISGID)))
		ovl_sync_attrs(f->inode);
	return n;
}

static s64 ovl_seek(struct file *f, s64 off, int whence)
{
	struct file *real = real_file(f);
	s64 pos;

	if (IS_ERR(real))
		return PTR_ERR(real);
	if (!real->ops->seek)
		return file_seek_size(f, off, whence, inode_size(real->inode));
	real->pos = f->pos;
	pos = real->ops->seek(real, off, whence);
	if (pos >= 0)
		f->pos = real->pos;
	return pos;
}

static u32 ovl_poll(struct file *f, struct poll_table *pt)
{
	struct file *real = real_file(f);

	return IS_ERR(real) ? EPOLLERR : file_poll(real, pt);
}

static s64 ovl_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct file *real = real_file(f);

	if (IS_ERR(real))
		return PTR_ERR(real);
	return real->ops->ioctl ? real->ops->ioctl(real, cmd, arg) : -ENOTTY;
}

/* The mapping is the real file's; what owns it is ours, so that its name is the one that the program used. */
static int ovl_mmap(struct file *f, struct mm_file *out, u32 prot, u32 flags, u64 len, u64 pgoff)
{
	struct file *real = real_file(f);
	int err;

	if (IS_ERR(real))
		return PTR_ERR(real);
	if (!real->ops->mmap)
		return -ENODEV;
	err = real->ops->mmap(real, out, prot, flags, len, pgoff);
	if (!err && out->ops == &file_vma_ops) {
		file_put(out->owner);
		out->owner = file_get(f);
	}
	return err;
}

static int ovl_fsync(struct file *f, u64 start, u64 end, bool datasync)
{
	struct file *real = real_file(f);

	if (IS_ERR(real))
		return PTR_ERR(real);
	if (!ovl_upper(ovl_inode(f->inode)))
		return 0;	/* below, nothing is ever dirty */
	return file_sync(real, start, end, datasync);
}

static int ovl_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct file *real = real_file(f);
	int err;

	if (IS_ERR(real))
		return PTR_ERR(real);
	if (!real->ops->fallocate)
		return -EOPNOTSUPP;
	inode_lock(real->inode);
	err = real->ops->fallocate(real, mode, off, len);
	inode_unlock(real->inode);
	return err;
}

static int ovl_flush(struct file *f)
{
	struct file *real = real_file(f);

	if (IS_ERR(real))
		return PTR_ERR(real);
	return real->ops->flush ? real->ops->flush(real) : 0;
}

const struct file_ops ovl_file_fops = {
	.open = ovl_open,
	.release = ovl_release,
	.flush = ovl_flush,
	.read = ovl_read,
	.write = ovl_write,
	.seek = ovl_seek,
	.poll = ovl_poll,
	.ioctl = ovl_ioctl,
	.mmap = ovl_mmap,
	.fsync = ovl_fsync,
	.fallocate = ovl_fallocate,
};

const struct inode_ops ovl_file_ops = {
	.getattr = ovl_getattr,
	.setattr = ovl_setattr,
	.getxattr = ovl_getxattr,
	.setxattr = ovl_setxattr,
	.listxattr = ovl_listxattr,
	.removexattr = ovl_removexattr,
};

/* ---- symlinks whose target is not at hand ---- */

static const char *ovl_get_link(struct dentry *d, struct inode *i, void (**done)(void *), void **done_arg)
{
	struct dentry *real = ovl_real(i).dentry;
	const struct cred *old;
	const char *target;

	if (real->inode->link)
		return real->inode->link;
	if (!real->inode->ops->get_link)
		return ERR_PTR(-EINVAL);
	old = cred_override(ovl_of(i->super)->cred);
	target = real->inode->ops->get_link(real, real->inode, done, done_arg);
	cred_revert(old);
	if (real->inode->link)
		WRITE_ONCE(i->link, real->inode->link);	/* from now on the walk need not ask */
	return target;
}

const struct inode_ops ovl_link_ops = {
	.get_link = ovl_get_link,
	.getattr = ovl_getattr,
	.setattr = ovl_setattr,
	.getxattr = ovl_getxattr,
	.setxattr = ovl_setxattr,
	.listxattr = ovl_listxattr,
	.removexattr = ovl_removexattr,
};
