/*
 * The file of a socket.
 *
 * Sockets stand on the nameless file system (vfs/anon.c), each with an inode of its own, shown as "socket:[ino]".  The inode's own
 * fops refuse, so /proc/PID/fd/N cannot be opened again (ENXIO).
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/stat.h>
#include "base/printf.h"
#include "sock/internal.h"
#include "vfs/internal.h"
#include "vfs/poll.h"

static u32 count;		/* [a] */

u32 sock_count(void) { return atomic_load(&count); }

struct socket *file_socket(const struct file *f)
{
	return f->ops == &socket_fops ? f->private : NULL;
}

/* A path to a new inode. */
static int sockfs_path(struct path *out)
{
	struct inode *i = anon_inode_new(S_IFSOCK | 0777);
	char name[32];

	if (!i)
		return -ENOMEM;
	fmt_snprintf(name, sizeof(name), "socket:[%llu]", i->ino);
	return anon_path(i, name, out);
}

struct file *sock_file(struct socket *s, u32 o_flags)
{
	struct file *f = file_alloc();

	if (IS_ERR(f)) {
		s->ops->release(s);
		return f;
	}
	int err = sockfs_path(&f->path);
	if (err) {
		file_discard(f);
		s->ops->release(s);
		return ERR_PTR(err);
	}
	file_setup(f, f->path.dentry->inode, &socket_fops, O_RDWR | (o_flags & O_NONBLOCK));
	f->private = s;
	s->ino = f->inode->ino;
	__atomic_store_n(&s->file, f, __ATOMIC_RELEASE);
	atomic_inc(&count);
	return f;
}

static void socket_release(struct file *f)
{
	struct socket *s = f->private;

	__atomic_store_n(&s->file, NULL, __ATOMIC_RELEASE);
	atomic_dec(&count);
	sock_filter_free(s);
	s->ops->release(s);
}

static int socket_flush(struct file *f)
{
	struct socket *s = f->private;

	if (s->ops->flush)
		s->ops->flush(s, f);
	return 0;
}

static s64 socket_read(struct file *f, struct iter *to, u64 *pos)
{
	struct sock_msg m = { .iter = to, .flags = to->nowait ? MSG_DONTWAIT : 0 };

	if (!iter_left(to))
		return 0;
	s64 n = sock_recvmsg(f, &m);

	sock_msg_end(&m, false);
	return n;
}

static s64 socket_write(struct file *f, struct iter *from, u64 *pos)
{
	struct socket *s = f->private;
	struct sock_msg m = { .iter = from, .flags = (s->type == SOCK_SEQPACKET ? MSG_EOR : 0) | (from->nowait ? MSG_DONTWAIT : 0) |
				 (from->more ? MSG_MORE : 0) };

	return sock_sendmsg(f, &m);
}

static u32 socket_poll(struct file *f, struct poll_table *pt)
{
	struct socket *s = f->private;

	poll_wait(f, &s->waitq, pt);
	return s->ops->poll ? s->ops->poll(s) : 0;
}

static s64 socket_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct socket *s = f->private;

	s64 ret = s->ops->ioctl ? s->ops->ioctl(s, cmd, arg) : -ENOTTY;

	return ret == -ENOTTY ? sock_device_ioctl(cmd, arg) : ret;
}

static int socket_mmap(struct file *f, struct mm_file *out, u32 prot, u32 flags, u64 len, u64 pgoff)
{
	struct socket *s = f->private;

	if (s->ops->mmap && (flags & MAP_TYPE) == MAP_PRIVATE)
		return -EINVAL;			/* a ring that nobody else sees is of no use */
	return s->ops->mmap ? s->ops->mmap(s, out, len, pgoff) : -ENODEV;
}

static void socket_fdinfo(struct file *f, char *buf, size_t size)
{
	struct socket *s = f->private;

	if (s->ops->show_fdinfo)
		s->ops->show_fdinfo(s, buf, size);
	else if (size)
		*buf = 0;
}

const struct file_ops socket_fops = {
	.release = socket_release,
	.flush = socket_flush,
	.read = socket_read,
	.write = socket_write,
	.poll = socket_poll,
	.ioctl = socket_ioctl,
	.mmap = socket_mmap,
	.show_fdinfo = socket_fdinfo,
	.flags = FOP_STREAM | FOP_NOWAIT,
};
