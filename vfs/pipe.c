/*
 * Pipes and FIFOs.
 *
 * A write of at most PIPE_BUF bytes is one piece: it goes into the last page if it fits there as a whole, else into a page of its
 * own.  Larger ones fill pages and wait for room between them.  Whoever makes an empty pipe readable or a full one writable
 * wakes the other side, nobody else does; waiters are exclusive, and one that leaves the condition standing wakes the next.
 *
 * Locks: pipe->lock (RANK_PIPE) is held over copies from and to user memory.  fifo_lock guards inode->pipe and pipe->users.
 *
 * Source: pipe(7), fifo(7), fcntl(2) (F_SETPIPE_SZ).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <asm/ioctls.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "vfs/internal.h"
#include "vfs/pipe_ring.h"
#include "vfs/poll.h"

enum { PIPE_MAX_BYTES = 1 << 20 };

static struct slab_cache *cache;
static struct spinlock fifo_lock = SPINLOCK_INIT(RANK_LEAF_SPIN);
static void (*send_sigpipe)(void);

static const struct file_ops pipe_ops;

void pipe_register_sigpipe(void (*send)(void))
{
	send_sigpipe = send;
}

int pipe_broken(void)
{
	if (send_sigpipe)
		send_sigpipe();
	return -EPIPE;
}

/* ---- life ---- */

static struct pipe *pipe_new(void)
{
	struct pipe *p = slab_alloc(cache, ALLOC_KERNEL);

	if (!p)
		return NULL;
	memset(p, 0, sizeof(*p));
	p->bufs = kmalloc(PIPE_SLOTS_DEFAULT * sizeof(*p->bufs), ALLOC_KERNEL);
	if (!p->bufs) {
		slab_free(cache, p);
		return NULL;
	}
	p->slots = PIPE_SLOTS_DEFAULT;
	mutex_init(&p->lock, RANK_PIPE);
	waitq_init(&p->read_wait);
	waitq_init(&p->write_wait);
	return p;
}

static void pipe_free(struct pipe *p)
{
	while (!pipe_empty(p))
		pipe_pop(p);
	while (p->spares)
		page_put(p->spare[--p->spares]);
	kfree(p->bufs);
	slab_free(cache, p);
}

/* ---- the ring ---- */

struct page *pipe_page(struct pipe *p)
{
	return p->spares ? p->spare[--p->spares] : page_alloc(0, ALLOC_USER);
}

static void page_drop(struct pipe *p, struct pipe_buf *b)
{
	/* only a page that was filled by a write and is nobody else's */
	if (b->flags & PBUF_MERGE && p->spares < PIPE_SPARE && atomic_load(&b->page->refs) == 1)
		p->spare[p->spares++] = b->page;
	else
		page_put(b->page);
}

void pipe_pop(struct pipe *p)
{
	struct pipe_buf *b = pipe_at(p, p->tail);

	page_drop(p, b);
	WRITE_ONCE(p->tail, p->tail + 1);
}

void pipe_push(struct pipe *p, const struct pipe_buf *b)
{
	*pipe_at(p, p->head) = *b;
	WRITE_ONCE(p->head, p->head + 1);
}

void pipe_wake_readers(struct pipe *p)
{
	wake_up_poll(&p->read_wait, EPOLLIN | EPOLLRDNORM);
}

void pipe_wake_writers(struct pipe *p)
{
	wake_up_poll(&p->write_wait, EPOLLOUT | EPOLLWRNORM);
}

int pipe_wait_readable(struct pipe *p, bool nonblock)
{
	int err;

	if (pipe_over(p))
		return 0;
	if (nonblock)
		return -EAGAIN;
	mutex_unlock(&p->lock);
	err = wait_event_interruptible_exclusive(&p->read_wait, pipe_readable(p) || pipe_over(p));
	mutex_lock(&p->lock);
	return err;
}

int pipe_wait_writable(struct pipe *p, bool nonblock)
{
	int err;

	if (!p->readers)
		return pipe_broken();
	if (nonblock)
		return -EAGAIN;
	mutex_unlock(&p->lock);
	err = wait_event_interruptible_exclusive(&p->write_wait, !pipe_full(p) || !READ_ONCE(p->readers));
	mutex_lock(&p->lock);
	if (!err && !p->readers)
		return pipe_broken();
	return err;
}

/* ---- reading ---- */

/* Take what is there. Return: bytes, or -EFAULT if none */
static s64 take(struct pipe *p, struct iter *to)
{
	s64 done = 0;

	while (!pipe_empty(p) && iter_left(to)) {
		struct pipe_buf *b = pipe_at(p, p->tail);
		size_t want = MIN((u64)b->len, iter_left(to));
		size_t got = iter_put(to, (char *)page_virt(b->page) + b->off, want);

		done += (s64)got;
		b->off += (u32)got;
		b->len -= (u32)got;
		if (got < want)
			return done ? done : -EFAULT;
		if (b->flags & PBUF_PACKET) {
			pipe_pop(p);
			break;
		}
		if (!b->len)
			pipe_pop(p);
	}
	return done;
}

static s64 pipe_read(struct file *f, struct iter *to, u64 *pos)
{
	struct pipe *p = f->private;
	bool slept = false;
	s64 done = 0;

	if (!iter_left(to))
		return 0;
	mutex_lock(&p->lock);
	while (!done) {
		if (pipe_readable(p)) {
			bool was_full = pipe_full(p);

			done = take(p, to);
			if (was_full && !pipe_full(p))
				pipe_wake_writers(p);
			break;
		}
		if (pipe_over(p))
			break;
		done = pipe_wait_readable(p, file_nonblocking(f, to));
		slept = true;
	}
	/* the wake-up that we had is the next one's if there is more */
	if (slept && !pipe_empty(p) && !list_empty(&p->read_wait.waiters))
		pipe_wake_readers(p);
	mutex_unlock(&p->lock);
	return done;
}

/* ---- writing ---- */

/* Append to the last page what would only start a page of its own. Return: bytes, or -EFAULT */
static s64 merge(struct pipe *p, struct iter *from)
{
	size_t n = iter_left(from) & (PAGE_SIZE - 1);

	if (!n || pipe_empty(p))
		return 0;
	struct pipe_buf *b = pipe_at(p, p->head - 1);

	if (!(b->flags & PBUF_MERGE) || b->off + b->len + n > PAGE_SIZE)
		return 0;
	size_t got = iter_get(from, (char *)page_virt(b->page) + b->off + b->len, n);

	if (got < n) {
		iter_revert(from, got);
		return -EFAULT;
	}
	b->len += (u32)n;
	return (s64)n;
}

/* One page's worth into a new buffer. Return: bytes, -EFAULT (a page whose source faults counts for nothing), -ENOMEM */
static s64 append(struct pipe *p, struct iter *from, u32 flags)
{
	struct pipe_buf b = { .page = pipe_page(p), .flags = flags };
	size_t n = MIN(iter_left(from), (u64)PAGE_SIZE);

	if (!b.page)
		return -ENOMEM;
	b.len = (u32)iter_get(from, page_virt(b.page), n);
	if (b.len < n) {
		iter_revert(from, b.len);
		page_put(b.page);
		return -EFAULT;
	}
	pipe_push(p, &b);
	return b.len;
}

static s64 pipe_write(struct file *f, struct iter *from, u64 *pos)
{
	struct pipe *p = f->private;
	bool packet = f->flags & O_DIRECT, slept = false, was_empty;
	s64 done = 0, n;

	if (!iter_left(from))
		return 0;
	mutex_lock(&p->lock);
	was_empty = pipe_empty(p);
	if (!p->readers) {
		n = pipe_broken();
		goto out;
	}
	n = packet ? 0 : merge(p, from);
	if (n > 0)
		done = n;
	while (n >= 0 && iter_left(from)) {
		if (!p->readers) {
			n = pipe_broken();
		} else if (!pipe_full(p)) {
			n = append(p, from, packet ? PBUF_PACKET : PBUF_MERGE);
			if (n > 0)
				done += n;
		} else {
			if (was_empty) {
				pipe_wake_readers(p);
				was_empty = false;
			}
			n = pipe_wait_writable(p, file_nonblocking(f, from));
			slept = true;
			was_empty = pipe_empty(p);
		}
	}
out:
	if ((was_empty || (done && READ_ONCE(p->polled))) && !pipe_empty(p))
		pipe_wake_readers(p);
	if (slept && !pipe_full(p) && !list_empty(&p->write_wait.waiters))
		pipe_wake_writers(p);
	mutex_unlock(&p->lock);
	return done ? done : n;
}

/* ---- the rest of a file ---- */

static u32 pipe_poll(struct file *f, struct poll_table *pt)
{
	struct pipe *p = f->private;
	u32 mask = 0;

	if (pt && !READ_ONCE(p->polled))
		WRITE_ONCE(p->polled, true);
	if (f->mode & FMODE_READ)
		poll_wait(f, &p->read_wait, pt);
	if (f->mode & FMODE_WRITE)
		poll_wait(f, &p->write_wait, pt);
	if (f->mode & FMODE_READ) {
		if (pipe_readable(p))
			mask |= EPOLLIN | EPOLLRDNORM;
		/* a FIFO opened without waiting hangs up only once it has had a writer */
		if (!READ_ONCE(p->writers) && f->pos != p->writer_opens)
			mask |= EPOLLHUP;
	}
	if (f->mode & FMODE_WRITE) {
		if (!pipe_full(p))
			mask |= EPOLLOUT | EPOLLWRNORM;
		if (!READ_ONCE(p->readers))
			mask |= EPOLLERR;
	}
	return mask;
}

static s64 pipe_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct pipe *p = f->private;
	int bytes = 0;

	if (cmd != FIONREAD)
		return -ENOTTY;
	mutex_lock(&p->lock);
	for (u32 n = p->tail; n != p->head; n++)
		bytes += (int)pipe_at(p, n)->len;
	mutex_unlock(&p->lock);
	return put_user(bytes, uaddr(arg));
}

static void pipe_unuse(struct inode *i, struct pipe *p)
{
	spin_lock(&fifo_lock);
	bool last = --p->users == 0;

	if (last)
		i->pipe = NULL;
	spin_unlock(&fifo_lock);
	if (last)
		pipe_free(p);
}

static void pipe_release(struct file *f)
{
	struct pipe *p = f->private;

	mutex_lock(&p->lock);
	if (f->mode & FMODE_READ)
		p->readers--;
	if (f->mode & FMODE_WRITE)
		p->writers--;
	if (!p->readers != !p->writers) {
		if (waitq_active(&p->read_wait))
			waitq_wake(&p->read_wait, 0, EPOLLIN | EPOLLRDNORM | EPOLLHUP | EPOLLERR);
		if (waitq_active(&p->write_wait))
			waitq_wake(&p->write_wait, 0, EPOLLOUT | EPOLLWRNORM | EPOLLHUP | EPOLLERR);
	}
	mutex_unlock(&p->lock);
	pipe_unuse(f->inode, p);
}

struct pipe *file_pipe(struct file *f)
{
	return f->ops == &pipe_ops ? f->private : NULL;
}

u64 pipe_size(struct pipe *p)
{
	return (u64)READ_ONCE(p->slots) * PAGE_SIZE;
}

s64 pipe_resize(struct pipe *p, u64 bytes)
{
	u64 want = DIV_ROUND_UP(MAX(bytes, (u64)PAGE_SIZE), PAGE_SIZE), slots = 1;
	struct pipe_buf *bufs;
	s64 ret;

	if (bytes > 1u << 31)
		return -EINVAL;
	while (slots < want)
		slots *= 2;
	if (slots * PAGE_SIZE > PIPE_MAX_BYTES && slots > p->slots && !capable(CAP_SYS_RESOURCE))
		return -EPERM;
	bufs = kvmalloc(slots * sizeof(*bufs), ALLOC_KERNEL);
	if (!bufs)
		return -ENOMEM;
	mutex_lock(&p->lock);
	u32 used = pipe_used(p);

	ret = -EBUSY;
	if (used <= slots) {
		struct pipe_buf *old = p->bufs;

		for (u32 n = 0; n < used; n++)
			bufs[n] = *pipe_at(p, p->tail + n);
		p->bufs = bufs;
		bufs = old;
		p->slots = (u32)slots;
		p->tail = 0;
		p->head = used;
		ret = (s64)(slots * PAGE_SIZE);
		pipe_wake_writers(p);
	}
	mutex_unlock(&p->lock);
	kvfree(bufs);
	return ret;
}

static const struct file_ops pipe_ops = {
	.read = pipe_read,
	.write = pipe_write,
	.poll = pipe_poll,
	.ioctl = pipe_ioctl,
	.release = pipe_release,
	.seek = file_seek_none,
	.flags = FOP_STREAM | FOP_NOWAIT,
};

/* ---- pipe(2) ---- */

static struct file *pipe_end(const struct path *path, struct inode *i, struct pipe *p, u32 o_flags)
{
	struct file *f = file_alloc();

	if (IS_ERR(f))
		return f;
	path_get(path);
	f->path = *path;
	file_setup(f, i, &pipe_ops, o_flags);
	f->private = p;
	return f;
}

static int pipe_path(struct inode *i, struct path *out)
{
	char name[32];

	fmt_snprintf(name, sizeof(name), "pipe:[%llu]", i->ino);
	return anon_path(i, name, out);
}

int pipe_create(struct file **read_end, struct file **write_end, u32 o_flags)
{
	struct pipe *p = pipe_new();
	struct inode *i;
	struct path path;
	int err = -ENOMEM;

	if (!p)
		return -ENOMEM;
	i = anon_inode_new(S_IFIFO | 0600);
	if (!i)
		goto out_pipe;
	err = pipe_path(i, &path);
	if (err)
		goto out_pipe;
	p->readers = p->writers = p->reader_opens = p->writer_opens = 1;
	p->users = 2;
	p->anonymous = true;
	i->pipe = p;
	i->fops = &fifo_ops;
	o_flags &= O_NONBLOCK | O_DIRECT;
	*read_end = pipe_end(&path, i, p, O_RDONLY | (o_flags & O_NONBLOCK));
	*write_end = pipe_end(&path, i, p, O_WRONLY | o_flags);
	path_put(&path);
	if (!IS_ERR(*read_end) && !IS_ERR(*write_end))
		return 0;
	/* the end that there is drops the pipe with its last user */
	if (IS_ERR(*read_end) && IS_ERR(*write_end)) {
		err = (int)PTR_ERR(*read_end);
		goto out_pipe;
	}
	p->users = 1;
	err = (int)PTR_ERR(IS_ERR(*read_end) ? *read_end : *write_end);
	file_put(IS_ERR(*read_end) ? *write_end : *read_end);
	return err;
out_pipe:
	pipe_free(p);
	return err;
}

/* ---- FIFOs ---- */

/* The pipe of a FIFO, made if nobody has it open. Counts a user. */
static struct pipe *fifo_pipe(struct inode *i)
{
	struct pipe *fresh = NULL, *p;

	for (;;) {
		spin_lock(&fifo_lock);
		p = i->pipe;
		if (!p && fresh)
			p = i->pipe = fresh;
		if (p) {
			p->users++;
			spin_unlock(&fifo_lock);
			break;
		}
		spin_unlock(&fifo_lock);
		fresh = pipe_new();
		if (!fresh)
			return NULL;
	}
	if (fresh && p != fresh)
		pipe_free(fresh);
	return p;
}

/* Sleep until the other end has been opened once more than @seen. Lock held, dropped meanwhile. */
static int wait_partner(struct pipe *p, u32 *opens)
{
	struct waitq *q = opens == &p->reader_opens ? &p->write_wait : &p->read_wait;
	u32 seen = *opens;

	mutex_unlock(&p->lock);
	int err = wait_event_interruptible(q, READ_ONCE(*opens) != seen);

	mutex_lock(&p->lock);
	return err;
}

static void wake_partner(struct pipe *p)
{
	if (waitq_active(&p->read_wait))
		waitq_wake(&p->read_wait, 0, EPOLLIN);
	if (waitq_active(&p->write_wait))
		waitq_wake(&p->write_wait, 0, EPOLLOUT);
}

static int open_read(struct pipe *p, struct file *f)
{
	p->reader_opens++;
	if (p->readers++ == 0)
		wake_partner(p);
	if (p->writers || p->anonymous)
		return 0;
	if (f->flags & O_NONBLOCK) {
		f->pos = p->writer_opens;
		return 0;
	}
	return wait_partner(p, &p->writer_opens);
}

static int open_write(struct pipe *p, struct file *f)
{
	if (f->flags & O_NONBLOCK && !p->readers && !p->anonymous)
		return -ENXIO;
	p->writer_opens++;
	if (p->writers++ == 0)
		wake_partner(p);
	return p->readers || p->anonymous ? 0 : wait_partner(p, &p->reader_opens);
}

static int open_both(struct pipe *p)
{
	p->reader_opens++;
	p->writer_opens++;
	if (p->readers++ == 0 || p->writers == 0)
		wake_partner(p);
	p->writers++;
	return 0;
}

static int fifo_open(struct inode *i, struct file *f)
{
	struct pipe *p = fifo_pipe(i);
	int err;

	if (!p)
		return -ENOMEM;
	f->private = p;
	f->pos = 0;
	mutex_lock(&p->lock);
	switch (f->mode & (FMODE_READ | FMODE_WRITE)) {
	case FMODE_READ:
		err = open_read(p, f);
		break;
	case FMODE_WRITE:
		err = open_write(p, f);
		break;
	case FMODE_READ | FMODE_WRITE:
		err = open_both(p);
		break;
	default:
		err = -EINVAL;
	}
	if (err == -ERESTARTSYS) {
		if (f->mode & FMODE_READ)
			p->readers--;
		else
			p->writers--;
		wake_partner(p);
	}
	mutex_unlock(&p->lock);
	if (err)
		pipe_unuse(i, p);
	else
		f->ops = &pipe_ops;
	return err;
}

const struct file_ops fifo_ops = { .open = fifo_open, .flags = FOP_STREAM };

void pipes_init(void)
{
	cache = slab_create("pipe", sizeof(struct pipe), 0);
}
