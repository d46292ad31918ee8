/*
 * Splice, sendfile, tee: bytes between files by way of a pipe.
 *
 * From a file of the page cache, pages move into the pipe by reference.  From one pipe to another, buffers move whole where the
 * length allows.  Anything else is copied through the file's own read or write.
 *
 * Positions: with an offset of the caller's, that; else the file's own.
 *
 * What leaves a pipe is lent: it stays in its place while it is written elsewhere, others who would take from the pipe wait,
 * and only what arrived there is taken out.  So what could not be written is still there, and in order.
 *
 * Locks: two pipes are never locked at the same time, nor is one while a file is written.  Whoever has been lent a buffer
 * waits for room in no other pipe.
 * Source: splice(2), tee(2), sendfile(2).
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "kern/page.h"
#include "kern/sched.h"
#include "vfs/internal.h"
#include "vfs/notify.h"
#include "vfs/pipe_ring.h"

enum { F_MOVE = 1, F_NONBLOCK = 2, F_MORE = 4, F_GIFT = 8 };

/* ---- into a pipe ---- */

/* Wait until there is room. Lock held. Return: 0 or -errno */
static int wait_room(struct pipe *p, bool nonblock)
{
	int err = 0;

	if (!p->readers)
		return pipe_broken();
	while (!err && pipe_full(p))
		err = pipe_wait_writable(p, nonblock);
	return err;
}

static void push_and_wake(struct pipe *p, const struct pipe_buf *b)
{
	bool was_empty = pipe_empty(p);

	pipe_push(p, b);
	if (was_empty)
		pipe_wake_readers(p);
}

/* The page at @index; a hole of a file in memory stays one: it reads as a page of zeroes. */
static struct page *cache_page(struct file *in, u64 index)
{
	if (in->mapping->flags & MAPPING_SHMEM) {
		struct page *p = mapping_find(in->mapping, index);

		if (!p) {
			p = page_alloc(0, ALLOC_USER | ALLOC_ZERO);
			return p ? p : ERR_PTR(-ENOMEM);
		}
		page_put(p);
	}
	return mapping_get(in->mapping, index, &in->ra);
}

/* The next piece of a page-cache file as a buffer. Return: its length, 0 at the end, -errno */
static s64 cache_piece(struct file *in, u64 pos, size_t len, struct pipe_buf *b)
{
	u64 size = inode_size(in->inode);

	if (pos >= size)
		return 0;
	struct page *head = cache_page(in, pos >> PAGE_SHIFT);

	if (IS_ERR(head))
		return PTR_ERR(head);
	struct page *page = page_order(head) ? page_sub(head, pos >> PAGE_SHIFT) : head;

	b->page = page;
	b->off = (u32)(pos & (PAGE_SIZE - 1));
	b->len = (u32)MIN(MIN((u64)len, (u64)PAGE_SIZE - b->off), size - pos);
	b->flags = 0;
	if (page != head) {
		/* a reference counts for the head: a piece of a run is copied */
		struct page *copy = page_alloc(0, ALLOC_USER);

		if (copy)
			copy_page(page_virt(copy), page_virt(page));
		page_put(head);
		if (!copy)
			return -ENOMEM;
		b->page = copy;
	}
	return b->len;
}

/* The next piece of any other file, read into a page of our own. */
static s64 read_piece(struct file *in, u64 *pos, size_t len, struct pipe_buf *b)
{
	struct page *page = page_alloc(0, ALLOC_USER);
	struct iter it;
	s64 n;

	if (!page)
		return -ENOMEM;
	iter_init_kernel(&it, page_virt(page), MIN(len, (size_t)PAGE_SIZE));
	n = file_read(in, &it, pos);
	if (n <= 0) {
		page_put(page);
		return n;
	}
	*b = (struct pipe_buf){ .page = page, .len = (u32)n };
	return n;
}

static bool in_page_cache(const struct file *f)
{
	return f->ops->read == file_read_pages && inode_is_reg(f->inode);
}

static s64 piece(struct file *in, u64 *pos, size_t len, struct pipe_buf *b)
{
	if (!in_page_cache(in))
		return read_piece(in, pos, len, b);
	s64 n = cache_piece(in, *pos, len, b);

	if (n > 0)
		*pos += (u64)n;
	return n;
}

static s64 file_to_pipe(struct file *in, u64 *pos, struct pipe *p, size_t len, bool nonblock)
{
	size_t done = 0;
	int err = 0;

	while (done < len) {
		struct pipe_buf b;

		mutex_lock(&p->lock);
		err = wait_room(p, nonblock || done);
		mutex_unlock(&p->lock);
		if (!err && (inode_is_dir(in->inode) || file_pipe(in)))
			err = -EINVAL;
		if (err)
			break;
		s64 n = piece(in, pos, len - done, &b);

		if (n <= 0) {
			err = (int)n;
			break;
		}
		mutex_lock(&p->lock);
		err = wait_room(p, false);	/* what is read must go somewhere */
		if (!err)
			push_and_wake(p, &b);
		mutex_unlock(&p->lock);
		if (err) {
			page_put(b.page);
			*pos -= (u64)n;
			break;
		}
		done += (size_t)n;
		if (!in_page_cache(in) && (u64)n < PAGE_SIZE)
			break;		/* a stream gave what it had */
		cond_resched();
	}
	if (done)
		notify_dentry(in->path.dentry, IN_ACCESS);
	return done ? (s64)done : err;
}

/* ---- out of a pipe ---- */

/* Borrow up to @len bytes of the first buffer, waiting for one; the page stays the pipe's. Return: bytes; 0: no writer is left; -errno */
static s64 borrow(struct pipe *p, size_t len, bool nonblock, struct pipe_buf *b)
{
	s64 n = 0;

	mutex_lock(&p->lock);
	while (!n && !pipe_readable(p) && !pipe_over(p))
		n = pipe_wait_readable(p, nonblock);
	if (!n && !pipe_over(p)) {
		struct pipe_buf *first = pipe_at(p, p->tail);

		first->flags &= ~(u32)PBUF_MERGE;	/* others may get to share the page */
		*b = *first;
		b->len = (u32)MIN((size_t)first->len, len);
		p->lent = true;
		n = b->len;
	}
	mutex_unlock(&p->lock);
	return n;
}

/* @n of the bytes borrowed are used up; the others were there all the time. */
static void settle(struct pipe *p, u32 n)
{
	mutex_lock(&p->lock);
	struct pipe_buf *first = pipe_at(p, p->tail);
	bool was_full = pipe_full(p);

	first->off += n;
	first->len -= n;
	if (!first->len) {
		pipe_pop(p);
		if (was_full)
			pipe_wake_writers(p);
	}
	WRITE_ONCE(p->lent, false);
	if (pipe_over(p))
		wake_up_all(&p->read_wait);
	else if (!pipe_empty(p))
		pipe_wake_readers(p);
	mutex_unlock(&p->lock);
}

static s64 pipe_to_file(struct pipe *p, struct file *out, u64 *pos, size_t len, bool nonblock)
{
	size_t done = 0;
	s64 n = 0;

	while (done < len) {
		struct pipe_buf b;
		struct iter it;

		n = borrow(p, len - done, nonblock || done, &b);
		if (n <= 0)
			break;
		iter_init_kernel(&it, (char *)page_virt(b.page) + b.off, b.len);
		n = file_write(out, &it, pos);
		settle(p, n > 0 ? (u32)n : 0);
		if (n > 0)
			done += (size_t)n;
		if (n < (s64)b.len)
			break;
		cond_resched();
	}
	return done ? (s64)done : n;
}

/* Wait for something to come out of @from, then for room in @to. Return: 1; 0: no writer is left; -errno */
static int wait_both(struct pipe *from, struct pipe *to, bool nonblock)
{
	int err = 0;

	mutex_lock(&from->lock);
	while (!err && pipe_empty(from) && from->writers)
		err = pipe_wait_readable(from, nonblock);
	bool some = !pipe_empty(from);

	mutex_unlock(&from->lock);
	if (err || !some)
		return err;
	mutex_lock(&to->lock);
	err = wait_room(to, nonblock);
	mutex_unlock(&to->lock);
	return err ? err : 1;
}

static s64 pipe_to_pipe(struct pipe *from, struct pipe *to, size_t len, bool nonblock)
{
	size_t done = 0;
	s64 n = 0;

	while (done < len) {
		struct pipe_buf b;

		n = wait_both(from, to, nonblock || done);
		if (n <= 0)
			break;
		n = borrow(from, len - done, nonblock || done, &b);
		if (n <= 0)
			break;
		mutex_lock(&to->lock);
		int err = wait_room(to, true);

		if (!err) {
			page_get(b.page);
			push_and_wake(to, &b);
		}
		mutex_unlock(&to->lock);
		settle(from, err ? 0 : b.len);
		if (err && err != -EAGAIN) {
			n = err;
			break;
		}
		if (!err)	/* else somebody took the room: wait for more */
			done += (size_t)n;
	}
	return done ? (s64)done : n;
}

/* ---- the calls ---- */

static int splice_check(struct file *in, u64 *off_in, struct file *out, u64 *off_out, unsigned flags)
{
	if (flags & ~(unsigned)(F_MOVE | F_NONBLOCK | F_MORE | F_GIFT))
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if ((off_in && file_pipe(in)) || (off_out && file_pipe(out)))
		return -ESPIPE;
	if ((off_in && !(in->mode & FMODE_PREAD)) || (off_out && !(out->mode & FMODE_PWRITE)))
		return -EINVAL;
	return 0;
}

s64 vfs_splice(struct file *in, u64 *off_in, struct file *out, u64 *off_out, size_t len, unsigned flags)
{
	struct pipe *from = file_pipe(in), *to = file_pipe(out);
	bool nonblock = flags & F_NONBLOCK;
	int err = splice_check(in, off_in, out, off_out, flags);
	u64 pos;
	s64 n;

	if (err || !len)
		return err;
	if (from && to) {
		nonblock |= (in->flags | out->flags) & O_NONBLOCK;
		return from == to ? -EINVAL : pipe_to_pipe(from, to, len, nonblock);
	}
	if (from) {
		if (out->flags & O_APPEND)
			return -EINVAL;
		pos = off_out ? *off_out : out->pos;
		n = pipe_to_file(from, out, &pos, len, nonblock || in->flags & O_NONBLOCK);
		if (n > 0)
			*(off_out ? off_out : &out->pos) = pos;
		return n;
	}
	if (to) {
		pos = off_in ? *off_in : in->pos;
		n = file_to_pipe(in, &pos, to, len, nonblock || out->flags & O_NONBLOCK);
		if (n > 0)
			*(off_in ? off_in : &in->pos) = pos;
		return n;
	}
	return -EINVAL;
}

/* One piece of @in into @out. Return: bytes written; 0: the end; -errno. *pos moves by what was written */
static s64 send_piece(struct file *out, struct file *in, u64 *pos, u64 *out_pos, size_t len, bool last)
{
	u64 at = *pos;
	struct pipe_buf b;
	struct iter it;
	s64 n = piece(in, &at, len, &b);

	if (n <= 0)
		return n;
	iter_init_kernel(&it, (char *)page_virt(b.page) + b.off, b.len);
	it.more = !last && at < inode_size(in->inode);
	n = file_write(out, &it, out_pos);
	page_put(b.page);
	if (n > 0)
		*pos += (u64)n;
	return n;
}

s64 vfs_sendfile(struct file *out, struct file *in, u64 *off, size_t len)
{
	u64 pos = off ? *off : in->pos, out_pos = out->pos;
	size_t done = 0;
	s64 n = 0;

	if (!(in->mode & FMODE_READ))
		return -EBADF;
	if (off && !(in->mode & FMODE_PREAD))
		return -ESPIPE;
	if (!(out->mode & FMODE_WRITE))
		return -EBADF;
	if (!file_pipe(out) && (out->flags & O_APPEND || inode_is_dir(in->inode) || in->mode & FMODE_STREAM))
		return -EINVAL;
	if (file_pipe(out)) {
		n = file_to_pipe(in, &pos, file_pipe(out), len, out->flags & O_NONBLOCK);
		done = n > 0 ? (size_t)n : 0;
	}
	while (!file_pipe(out) && done < len) {
		size_t want = MIN(len - done, (size_t)PAGE_SIZE);

		n = send_piece(out, in, &pos, &out_pos, want, want == len - done);
		if (n <= 0)
			break;
		done += (size_t)n;
		if (signal_pending())
			break;
		cond_resched();
	}
	if (done) {
		*(off ? off : &in->pos) = pos;
		if (!(out->mode & FMODE_STREAM))
			out->pos = out_pos;
	}
	return done ? (s64)done : n;
}

/* Copy references of the buffers of @from from the @skip-th on. Return: bytes; 0: no more */
static s64 tee_one(struct pipe *from, u32 skip, size_t len, struct pipe_buf *b)
{
	s64 n = 0;

	mutex_lock(&from->lock);
	if (pipe_used(from) > skip) {
		struct pipe_buf *src = pipe_at(from, from->tail + skip);

		src->flags &= ~(u32)PBUF_MERGE;
		*b = *src;
		b->len = (u32)MIN((size_t)b->len, len);
		page_get(b->page);
		n = b->len;
	}
	mutex_unlock(&from->lock);
	return n;
}

s64 vfs_tee(struct file *in, struct file *out, size_t len, unsigned flags)
{
	struct pipe *from = file_pipe(in), *to = file_pipe(out);
	bool nonblock = flags & F_NONBLOCK || (in->flags | out->flags) & O_NONBLOCK;
	size_t done = 0;
	int err;

	if (flags & ~(unsigned)(F_MOVE | F_NONBLOCK | F_MORE | F_GIFT))
		return -EINVAL;
	if (!(in->mode & FMODE_READ) || !(out->mode & FMODE_WRITE))
		return -EBADF;
	if (!from || !to || from == to)
		return -EINVAL;
	if (!len)
		return 0;
	mutex_lock(&from->lock);
	err = 0;
	while (!err && pipe_empty(from) && from->writers)
		err = pipe_wait_readable(from, nonblock);
	mutex_unlock(&from->lock);
	for (u32 skip = 0; !err && done < len; skip++) {
		struct pipe_buf b;
		s64 n = tee_one(from, skip, len - done, &b);

		if (!n)
			break;
		mutex_lock(&to->lock);
		err = wait_room(to, nonblock || done);
		if (!err)
			push_and_wake(to, &b);
		mutex_unlock(&to->lock);
		if (err)
			page_put(b.page);
		else
			done += (size_t)n;
	}
	return done ? (s64)done : err;
}
