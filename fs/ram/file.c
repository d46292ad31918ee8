/*
 * Regular files in memory: pages of a shmem mapping, counted against the super's limit, and seals.
 *
 * Source: fcntl(2) (file sealing), fallocate(2), lseek(2).
 */
#include <linux/errno.h>
#include <linux/falloc.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include "kern/page.h"
#include "kern/sched.h"
#include "vfs/file.h"
#include "fs/ram/ram.h"

enum { SEAL_ANY_WRITE = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE, SECTORS_PER_PAGE = PAGE_SIZE / 512 };

/* ---- pages ---- */

static int ram_reserve(struct mapping *m, u64 index)
{
	struct inode *i = m->host;
	struct ram_super *rs = ram_s(i->super);
	u64 used = atomic_add_return(&rs->pages_used, 1);

	if (rs->pages_max && used > rs->pages_max) {
		atomic_dec(&rs->pages_used);
		return -ENOSPC;
	}
	__atomic_fetch_add(&i->blocks, SECTORS_PER_PAGE, __ATOMIC_RELAXED);
	return 0;
}

static void ram_release(struct mapping *m, struct page *page)
{
	struct inode *i = m->host;
	u64 n = page ? 1ull << page_order(page) : 1;

	atomic_sub(&ram_s(i->super)->pages_used, n);
	__atomic_fetch_sub(&i->blocks, SECTORS_PER_PAGE * n, __ATOMIC_RELAXED);
}

const struct mapping_ops ram_mapping_ops = { .reserve = ram_reserve, .release = ram_release };

/* ---- operations ---- */

static s64 ram_write(struct file *f, struct iter *from, u64 *pos)
{
	u32 seals = ram_i(f->inode)->seals;

	if (unlikely(seals & (SEAL_ANY_WRITE | F_SEAL_GROW))) {
		u64 start = file_appends(f, from) ? inode_size(f->inode) : *pos;

		if (seals & SEAL_ANY_WRITE)
			return -EPERM;
		if (start + iter_left(from) > inode_size(f->inode)) {
			if (start >= inode_size(f->inode))
				return -EPERM;
			from->left = inode_size(f->inode) - start;
		}
	}
	return file_write_pages(f, from, pos);
}

static int ram_mmap(struct file *f, struct mm_file *out, u32 prot, u32 flags, u64 len, u64 pgoff)
{
	bool shared = (flags & 0x0f) != 2;	/* not MAP_PRIVATE */

	if (shared && ram_i(f->inode)->seals & SEAL_ANY_WRITE) {
		if (prot & 2)	/* PROT_WRITE */
			return -EPERM;
		out->max_flags &= ~(u32)VM_MAYWRITE;
	}
	return file_mmap_pages(f, out, prot, flags, len, pgoff);
}

static int ram_fsync(struct file *f, u64 start, u64 end, bool datasync)
{
	return 0;
}

static s64 ram_seek(struct file *f, s64 off, int whence)
{
	struct inode *i = f->inode;
	u64 size = inode_size(i), end = DIV_ROUND_UP(size, PAGE_SIZE), index, at;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return file_seek_size(f, off, whence, size);
	if (off < 0 || (u64)off >= size)
		return -ENXIO;
	index = (u64)off >> PAGE_SHIFT;
	at = whence == SEEK_DATA ? mapping_next_data(i->data, index, end) : mapping_next_hole(i->data, index, end);
	if (at >= end && whence == SEEK_DATA)
		return -ENXIO;
	u64 pos = at == index ? (u64)off : MIN(at << PAGE_SHIFT, size);

	f->pos = pos;
	return (s64)pos;
}

/* ---- fallocate ---- */

static int punch(struct inode *i, u64 off, u64 len)
{
	if (ram_i(i)->seals & SEAL_ANY_WRITE)
		return -EPERM;
	mapping_punch(i->data, off, off + len);
	inode_touch(i, SET_MTIME | SET_CTIME);
	return 0;
}

/* Make the page at @index exist, zeroed if it is new. */
static int page_fill(struct mapping *m, u64 index)
{
	struct page *p = mapping_grab(m, index, ALLOC_USER);

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	if (!page_has(p, PG_UPTODATE)) {
		clear_page(page_virt(p));
		page_set(p, PG_UPTODATE);
		page_dirty(p);
	}
	page_unlock(p);
	page_put(p);
	return 0;
}

/* Whether the holes of pages [first, end) fit: nothing is allocated that would have to be given back. */
static bool holes_fit(struct inode *i, u64 first, u64 end)
{
	struct ram_super *rs = ram_s(i->super);
	u64 holes = 0;

	if (!rs->pages_max)
		return true;
	for (u64 at = mapping_next_hole(i->data, first, end); at < end; at = mapping_next_hole(i->data, at, end)) {
		u64 data = mapping_next_data(i->data, at, end);

		holes += MIN(data, end) - at;
		at = MIN(data, end);
	}
	return atomic_load(&rs->pages_used) + holes <= rs->pages_max;
}

static int ram_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	struct inode *i = f->inode;
	u64 first = off >> PAGE_SHIFT, end = DIV_ROUND_UP(off + len, PAGE_SIZE);
	int err = 0;

	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_PUNCH_HOLE)
		return punch(i, off, len);
	bool grows = !(mode & FALLOC_FL_KEEP_SIZE) && off + len > inode_size(i);

	if (off + len > inode_size(i) && ram_i(i)->seals & F_SEAL_GROW)
		return -EPERM;
	if (!holes_fit(i, first, end))
		return -ENOSPC;
	for (u64 at = first; at < end && !err; at++) {
		err = fatal_signal_pending() ? -EINTR : page_fill(i->data, at);
		cond_resched();
	}
	if (!err && grows)
		inode_set_size(i, off + len);
	if (!err)
		inode_touch(i, SET_MTIME | SET_CTIME);
	return err;
}

const struct file_ops ram_file_fops = {
	.read = file_read_pages,
	.write = ram_write,
	.seek = ram_seek,
	.mmap = ram_mmap,
	.fsync = ram_fsync,
	.fallocate = ram_fallocate,
};
