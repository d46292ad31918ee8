/*
 * Open files: reading, writing, syncing, holes, fallocate(2), ioctls.
 *
 * O_DIRECT goes around the page cache (direct.c), or through it and is on the disk when it returns.
 */
#include <linux/capability.h>
#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include "fs/ext4/ext4.h"
#include "kern/cred.h"
#include "kern/sched.h"
#include "mm/user.h"
#include "vfs/internal.h"

int ext4_sync_inode(struct inode *i, bool datasync)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_inode *e = ext4_i(i);
	int err = 0;

	if (fs->read_only)
		return 0;
	if (i->super->flags & SUPER_RDONLY)
		return -EROFS;	/* the journal was aborted */
	if (!datasync)
		err = ext4_inode_flush(i);
	if (err)
		return err;
	u32 tid = atomic_load(datasync ? &e->datasync_tid : &e->sync_tid);

	if (!journal_committed(fs, tid))
		return journal_commit(fs, tid);
	return fs->opt.nobarrier ? 0 : block_flush(fs->bdev);
}

int ext4_fsync(struct file *f, u64 start, u64 end, bool datasync)
{
	int err = file_fsync_pages(f, start, end, datasync);
	int err2 = ext4_sync_inode(f->inode, datasync);

	return err ? err : err2;
}

/* What a mapping may have put past the end in its page must not show when the file grows over it. */
static void clean_tail(struct inode *i, u64 pos, bool append)
{
	inode_lock(i);
	u64 size = inode_size(i), page_end = (size + PAGE_SIZE - 1) & PAGE_MASK;

	if (size < page_end && (append || pos > size))
		mapping_punch(&i->mapping, size, page_end);
	inode_unlock(i);
}

/*
 * A write through the cache.  It may read a page of which a transfer is just writing another part, and would write the old bytes
 * back over it: so it begins when none is under way.
 */
static s64 cached_write(struct file *f, struct iter *from, u64 *pos)
{
	struct inode *i = f->inode;

	if (unlikely(atomic_load(&ext4_i(i)->direct))) {
		inode_lock(i);
		ext4_direct_drain(i);
		inode_unlock(i);
	}
	return file_write_pages(f, from, pos);
}

/* Through the cache, of which nothing is left over. */
static s64 write_through(struct file *f, struct iter *from, u64 *pos)
{
	struct mapping *m = &f->inode->mapping;
	s64 n = cached_write(f, from, pos);
	int err = n > 0 ? mapping_sync(m, *pos - (u64)n, *pos) : 0;

	if (n > 0 && !err)
		(void)mapping_evict(m, (*pos - (u64)n) >> PAGE_SHIFT, (*pos - 1) >> PAGE_SHIFT);
	return err ? err : n;
}

/* Piece by piece, as far as it goes. */
static s64 direct_pieces(struct file *f, struct iter *it, u64 *pos, bool write)
{
	s64 n, done = 0;

	do {
		if (write) {
			n = ext4_direct_write(f, it, pos, NULL);
			if (n == -EOPNOTSUPP)
				n = write_through(f, it, pos);
		} else {
			n = ext4_direct_read(f, it, *pos, NULL);
			*pos += n > 0 ? (u64)n : 0;
			if (n == -EOPNOTSUPP)
				n = mapping_read(f->mapping, &f->ra, it, pos);
		}
		done += n > 0 ? n : 0;
	} while (n == EXT4_DIRECT_PIECE && iter_left(it) && !fatal_signal_pending());
	return done ? done : n;
}

static s64 ext4_read(struct file *f, struct iter *to, u64 *pos)
{
	u64 before = *pos;

	if (likely(!(f->flags & O_DIRECT)) || !iter_left(to))
		return file_read_pages(f, to, pos);
	s64 n = direct_pieces(f, to, pos, false);

	if (n >= 0)
		file_accessed(f, before);
	return n;
}

static s64 ext4_write(struct file *f, struct iter *from, u64 *pos)
{
	struct inode *i = f->inode;

	if (unlikely(ext4_i(i)->mapped) && iter_left(from))
		clean_tail(i, *pos, file_appends(f, from));
	if (likely(!(f->flags & O_DIRECT)) || !iter_left(from))
		return cached_write(f, from, pos);
	s64 n = direct_pieces(f, from, pos, true);

	if (n > 0 && f->flags & O_DSYNC) {
		int err = file_sync(f, *pos - (u64)n, *pos - 1, !(f->flags & (O_SYNC & ~O_DSYNC)));

		if (err)
			return err;
	}
	return n;
}

static s64 ext4_start(struct file *f, struct iter *it, u64 pos, bool write, struct async_io *io)
{
	s64 n;

	if (!(f->flags & O_DIRECT) || !iter_left(it))
		return -EOPNOTSUPP;
	/* what makes the file longer is waited for, and so is what has to be durable */
	if (write)
		return f->flags & (O_DSYNC | O_APPEND) || it->append ? -EOPNOTSUPP : ext4_direct_write(f, it, &pos, io);
	n = ext4_direct_read(f, it, pos, io);
	if (n >= 0 || n == -EIOCBQUEUED)
		file_accessed(f, pos);
	return n;
}

static int ext4_mmap(struct file *f, struct mm_file *out, u32 prot, u32 flags, u64 len, u64 pgoff)
{
	atomic_store(&ext4_i(f->inode)->mapped, true);
	return file_mmap_pages(f, out, prot, flags, len, pgoff);
}

/* ---- holes ---- */

/* The first byte at or after @off that is data (or is not). Delayed blocks and cached pages over unwritten ones are data. */
static bool block_is_data(struct inode *i, u32 lblk, const struct map *m, u32 *len)
{
	u32 start, n;

	*len = m->len;
	if (m->flags == MAP_MAPPED)
		return true;
	if (m->flags == MAP_UNWRITTEN) {
		/* what the cache holds decides, page by page */
		u32 per = (u32)(PAGE_SIZE >> ext4_of(i)->block_bits);
		struct page *p = mapping_find(&i->mapping, lblk / per);
		bool cached = p && page_has(p, PG_UPTODATE);

		if (p)
			page_put(p);
		*len = MIN(m->len, per - lblk % per);
		return cached;
	}
	if (!da_next(ext4_i(i), lblk, &start, &n) || start >= lblk + m->len)
		return false;
	if (start > lblk) {
		*len = start - lblk;
		return false;
	}
	*len = MIN(m->len, start + n - lblk);
	return true;
}

static s64 seek_kind(struct inode *i, u64 off, bool data)
{
	struct ext4 *fs = ext4_of(i);
	u64 size = inode_size(i);

	if ((s64)off < 0 || off >= size)
		return -ENXIO;
	if (ext4_i(i)->flags & FL_INLINE_DATA)
		return data ? (s64)off : (s64)size;
	for (u64 at = off; at < size;) {
		struct map m;
		u32 lblk = (u32)(at >> fs->block_bits), len;
		int err = ext4_map(i, lblk, ~0u, &m);

		if (err)
			return err;
		if (block_is_data(i, lblk, &m, &len) == data)
			return (s64)MAX(at, off);
		at = ((u64)lblk + len) << fs->block_bits;
		cond_resched();
	}
	return data ? -ENXIO : (s64)size;
}

static s64 ext4_seek(struct file *f, s64 off, int whence)
{
	struct inode *i = f->inode;
	s64 pos;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return file_seek_size(f, off, whence, inode_size(i));
	inode_lock_shared(i);
	pos = seek_kind(i, (u64)off, whence == SEEK_DATA);
	inode_unlock_shared(i);
	if (pos >= 0)
		f->pos = (u64)pos;
	return pos;
}

/* ---- fallocate ---- */

int ext4_allocate_range(struct inode *i, u32 from, u32 to)
{
	struct ext4 *fs = ext4_of(i);
	bool retried = false;
	int err = 0;

	while (from < to && !err) {
		struct map m;
		struct handle h;

		err = ext4_map(i, from, to - from, &m);
		if (err || m.flags) {
			from += m.len;
			continue;
		}
		err = jh_start(fs, &h, EXT_CREDITS);
		if (err)
			break;
		err = ext4_alloc_map(&h, i, from, MIN(m.len, EXT_UNWRITTEN_MAX), MAP_UNWRITTEN, &m);
		int e2 = err ? 0 : ext4_inode_dirty(&h, i);

		jh_stop(&h);
		if (!err) {
			da_release(i, from, m.len);
			from += m.len;
			err = e2;
		} else if (err == -ENOSPC && !retried) {
			retried = true;
			err = journal_commit(fs, journal_running_tid(fs));
		}
		if (fatal_signal_pending())
			err = -EINTR;
		cond_resched();
	}
	return err;
}

static int set_size(struct inode *i, u64 size)
{
	struct handle h;
	int err = jh_start(ext4_of(i), &h, 2);

	if (err)
		return err;
	if (size > inode_size(i))
		inode_set_size(i, size);
	ext4_i(i)->disksize = MAX(ext4_i(i)->disksize, size);
	inode_touch(i, SET_CTIME | SET_MTIME);
	err = ext4_inode_dirty(&h, i);
	jh_stop(&h);
	return err;
}

static int remove_range(struct inode *i, u32 from, u32 to)
{
	struct ext4_inode *e = ext4_i(i);
	bool again = true;
	int err = 0;

	while (again && !err && from < to) {
		struct handle h;

		err = jh_start(ext4_of(i), &h, 96);
		if (err)
			return err;
		rwsem_write_lock(&e->map_lock);
		err = ext_remove(&h, i, from, to, &again);
		rwsem_write_unlock(&e->map_lock);
		inode_touch(i, SET_CTIME | SET_MTIME);
		int e2 = ext4_inode_dirty(&h, i);

		jh_stop(&h);
		err = err ? err : e2;
	}
	return err;
}

static int convert_range(struct inode *i, u32 from, u32 to)
{
	struct ext4_inode *e = ext4_i(i);
	int err = 0;

	while (from < to && !err) {
		struct map m;
		struct handle h;

		err = ext4_map(i, from, to - from, &m);
		if (!err && m.flags == MAP_MAPPED) {
			err = jh_start(ext4_of(i), &h, 3 * EXT_CREDITS);
			if (err)
				return err;
			rwsem_write_lock(&e->map_lock);
			err = ext_convert(&h, i, from, m.len, true);
			rwsem_write_unlock(&e->map_lock);
			int e2 = ext4_inode_dirty(&h, i);

			jh_stop(&h);
			err = err ? err : e2;
		}
		from += m.len;
	}
	return err;
}

/* Zero bytes of [off, end) within one block that has a place, by way of its page. */
static int zero_edge(struct inode *i, u64 off, u64 end)
{
	struct map m;
	int err;

	end = MIN(end, inode_size(i));
	if (off >= end)
		return 0;
	err = ext4_map(i, (u32)(off >> ext4_of(i)->block_bits), 1, &m);
	if (err || m.flags != MAP_MAPPED)
		return err;
	struct page *p = mapping_get(&i->mapping, off >> PAGE_SHIFT, NULL);

	if (IS_ERR(p))
		return (int)PTR_ERR(p);
	page_put(p);
	return 0;
}

/* Punch (or make unwritten) [off, end). */
static int punch(struct inode *i, u64 off, u64 end, bool zero)
{
	struct ext4 *fs = ext4_of(i);
	u64 mask = fs->block_bytes - 1;
	u32 first = (u32)((off + mask) >> fs->block_bits), stop = (u32)(end >> fs->block_bits);
	int err = off & mask ? zero_edge(i, off, MIN(end, (off | mask) + 1)) : 0;

	if (!err && end & mask)
		err = zero_edge(i, MAX(off, end & ~mask), end);
	/* a page that is dirty beside the range keeps its blocks only if they have places */
	if (!err && fs->block_bytes < PAGE_SIZE)
		err = mapping_sync(&i->mapping, off, end);
	if (err)
		return err;
	mapping_punch(&i->mapping, off, end);
	if (first < stop) {
		da_release(i, first, stop - first);
		ext4_gate_close(i);
		err = zero ? convert_range(i, first, stop) : remove_range(i, first, stop);
		ext4_gate_open(i);
		mapping_punch(&i->mapping, (u64)first << fs->block_bits, (u64)stop << fs->block_bits);
		if (!zero)
			da_release(i, first, stop - first);
	}
	return err;
}

/* Whether everything from @from on can move by @delta blocks, in one transaction; before anything is changed. */
static int move_check(struct inode *i, u32 from, s64 delta, u32 *nodes)
{
	u64 end;
	int err = ext_last_end(i, &end);

	/* blocks past the end of the file (KEEP_SIZE) move, too */
	if (!err && (s64)end + delta > 0xffffffffll)
		err = -EINVAL;
	if (!err)
		err = ext_shift_count(i, from, nodes);
	return !err && *nodes > 200 ? -EFBIG : err;
}

/* Collapse (delta < 0) or insert: everything from @from on moves. @nodes: of the extent tree, that will change */
static int move_range(struct inode *i, u32 from, s64 delta, u64 new_size, u32 nodes)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_inode *e = ext4_i(i);
	struct handle h;
	int err;

	err = jh_start(fs, &h, nodes + 2 * EXT_CREDITS);
	if (err)
		return err;
	rwsem_write_lock(&e->map_lock);
	err = ext_shift(&h, i, from, delta);
	rwsem_write_unlock(&e->map_lock);
	if (!err) {
		inode_set_size(i, new_size);
		e->disksize = new_size;
		inode_touch(i, SET_CTIME | SET_MTIME);
	}
	int e2 = ext4_inode_dirty(&h, i);

	jh_stop(&h);
	return err ? err : e2;
}

static int collapse_or_insert(struct inode *i, bool insert, u64 off, u64 len)
{
	struct ext4 *fs = ext4_of(i);
	u64 size = inode_size(i), mask = fs->block_bytes - 1;
	u32 first = (u32)(off >> fs->block_bits), n = (u32)(len >> fs->block_bits), nodes;
	u32 from = insert ? first : first + n;
	s64 delta = insert ? n : -(s64)n;

	if ((off | len) & mask || (insert ? off >= size : off + len >= size))
		return -EINVAL;
	if (insert && size + len > i->super->max_bytes)
		return -EFBIG;
	int err = mapping_sync(&i->mapping, off & PAGE_MASK, ~0ull);

	if (err)
		return err;
	ext4_gate_close(i);
	err = move_check(i, from, delta, &nodes);
	if (!err && !insert)
		err = remove_range(i, first, first + n);
	if (!err)
		err = move_range(i, from, delta, insert ? size + len : size - len, nodes);
	ext4_gate_open(i);
	mapping_truncate(&i->mapping, off & PAGE_MASK);
	return err;
}

static int preallocate(struct inode *i, u64 off, u64 len, bool keep)
{
	struct ext4 *fs = ext4_of(i);
	u32 from = (u32)(off >> fs->block_bits), to = (u32)((off + len + fs->block_bytes - 1) >> fs->block_bits);
	int err = mapping_sync(&i->mapping, off, off + len - 1);

	if (err)
		return err;
	ext4_gate_close(i);
	err = ext4_allocate_range(i, from, to);
	ext4_gate_open(i);
	if (err)
		return err;
	return set_size(i, keep ? 0 : off + len);
}

int ext4_fallocate(struct file *f, int mode, u64 off, u64 len)
{
	const int known = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_INSERT_RANGE;
	struct inode *i = f->inode;
	bool keep = mode & FALLOC_FL_KEEP_SIZE;
	u64 end = off + len;
	int err;

	if (mode & ~known)
		return -EOPNOTSUPP;
	if (ext4_of(i)->read_only)
		return -EROFS;
	if (!ext4_has_extents(ext4_i(i)) && !(ext4_i(i)->flags & FL_INLINE_DATA))
		return -EOPNOTSUPP;
	if (!keep && end > inode_size(i) && end > file_limit_fsize())
		return -EFBIG;
	err = ext4_i(i)->flags & FL_INLINE_DATA ? inline_convert_file(i) : 0;
	if (!err)
		err = file_drop_privileges(f);
	if (err)
		return err;
	ext4_direct_drain(i);
	if (mode & FALLOC_FL_PUNCH_HOLE)
		err = off < inode_size(i) ? punch(i, off, end, false) : 0;
	else if (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE))
		return collapse_or_insert(i, mode & FALLOC_FL_INSERT_RANGE, off, len);
	else if (mode & FALLOC_FL_ZERO_RANGE)
		err = punch(i, off, end, true);
	if (!err && !(mode & FALLOC_FL_PUNCH_HOLE))
		err = preallocate(i, off, len, keep);
	else if (!err)
		err = set_size(i, 0);
	return err;
}

/* ---- FIEMAP ---- */

struct fiemap_out { u64 user; u32 max, count; bool full; struct fiemap_extent last; bool have; };

static int fiemap_put(struct fiemap_out *o, const struct fiemap_extent *x)
{
	if (o->max) {
		if (o->count == o->max) {
			o->full = true;
			return 0;
		}
		if (copy_out((uaddr_t){ o->user + o->count * sizeof(*x) }, x, sizeof(*x)))
			return -EFAULT;
	}
	o->count++;
	return 0;
}

/* Extents go out one behind, so that the last one can be marked. */
static int fiemap_next(struct fiemap_out *o, u64 logical, u64 physical, u64 len, u32 flags)
{
	struct fiemap_extent *l = &o->last;
	int err = 0;

	if (o->have && l->fe_flags == flags && l->fe_logical + l->fe_length == logical &&
	    (flags & FIEMAP_EXTENT_DELALLOC || l->fe_physical + l->fe_length == physical)) {
		l->fe_length += len;
		return 0;
	}
	if (o->have)
		err = fiemap_put(o, l);
	*l = (struct fiemap_extent){ .fe_logical = logical, .fe_physical = physical, .fe_length = len, .fe_flags = flags };
	o->have = true;
	return err;
}

static int fiemap_walk(struct inode *i, u64 start, u64 end, struct fiemap_out *o)
{
	struct ext4 *fs = ext4_of(i);
	u64 at = start >> fs->block_bits, stop = MIN((end + fs->block_bytes - 1) >> fs->block_bits, 1ull << 32);
	int err = 0;

	while (at < stop && !err && !o->full) {
		struct map m;
		u32 ds, dn;

		err = ext4_map(i, (u32)at, (u32)MIN(stop - at, 0xffffffffull), &m);
		if (err || !m.len)
			break;
		if (m.flags) {
			err = fiemap_next(o, at << fs->block_bits, m.pblk << fs->block_bits, (u64)m.len << fs->block_bits,
					  m.flags == MAP_UNWRITTEN ? FIEMAP_EXTENT_UNWRITTEN : 0);
		} else if (da_next(ext4_i(i), (u32)at, &ds, &dn) && ds < at + m.len) {
			u64 from = MAX(at, (u64)ds), to = MIN(at + m.len, (u64)ds + dn);

			err = fiemap_next(o, from << fs->block_bits, 0, (to - from) << fs->block_bits,
					  FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_UNKNOWN);
			m.len = (u32)(to - at);
		}
		at += m.len;
		cond_resched();
	}
	if (err || o->full || !o->have)
		return err;
	struct map m = { 0 };
	u32 ds, dn;
	bool more = at < 1ull << 32 && da_next(ext4_i(i), (u32)at, &ds, &dn);

	if (!more && at < 0xffffffffull)
		err = ext_find_next(i, (u32)at, &m);
	if (!more && !m.flags)
		o->last.fe_flags |= FIEMAP_EXTENT_LAST;
	return err ? err : fiemap_put(o, &o->last);
}

s64 ext4_fiemap(struct inode *i, u64 arg)
{
	struct fiemap fm;
	struct fiemap_out o = { 0 };
	int err = 0;

	if (copy_in(&fm, (uaddr_t){ arg }, sizeof(fm)))
		return -EFAULT;
	if (fm.fm_extent_count > 0xffffffffu / sizeof(struct fiemap_extent) || !fm.fm_length)
		return -EINVAL;
	if (fm.fm_start > i->super->max_bytes)
		return -EFBIG;
	u32 bad = fm.fm_flags & ~(u32)FIEMAP_FLAG_SYNC;

	if (!bad && fm.fm_start == i->super->max_bytes)
		return -EINVAL;		/* nothing is left of the range */
	if (bad) {
		fm.fm_flags = bad;
		return copy_out((uaddr_t){ arg }, &fm, sizeof(fm)) ? -EFAULT : -EBADR;
	}
	if (fm.fm_flags & FIEMAP_FLAG_SYNC)
		err = mapping_sync(&i->mapping, 0, ~0ull);
	o.user = arg + sizeof(fm);
	o.max = fm.fm_extent_count;
	u64 end = fm.fm_length > ~0ull - fm.fm_start ? ~0ull : fm.fm_start + fm.fm_length;

	inode_lock_shared(i);
	if (!err && ext4_i(i)->flags & FL_INLINE_DATA)
		err = fiemap_next(&o, 0, 0, inode_size(i), FIEMAP_EXTENT_DATA_INLINE | FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_LAST) ? :
		      fiemap_put(&o, &o.last);
	else if (!err)
		err = fiemap_walk(i, fm.fm_start, MIN(end, i->super->max_bytes), &o);
	inode_unlock_shared(i);
	if (err)
		return err;
	fm.fm_mapped_extents = o.count;
	return copy_out((uaddr_t){ arg }, &fm, sizeof(fm)) ? -EFAULT : 0;
}

/* ---- ioctls ---- */

static s64 set_flags(struct file *f, u64 arg)
{
	struct inode *i = f->inode;
	struct ext4_inode *e = ext4_i(i);
	struct handle h;
	u32 want;
	int err;

	if (copy_in(&want, (uaddr_t){ arg }, sizeof(want)))
		return -EFAULT;
	err = mount_want_write(f->path.mount);
	if (err)
		return err;
	if (!inode_owner_or_capable(i))
		return -EACCES;
	inode_lock(i);
	u32 old = e->flags, changed = (old ^ want) & FL_USER_MODIFIABLE;

	if (want & ~(u32)FL_USER_VISIBLE)
		err = -EOPNOTSUPP;
	else if (changed & (FL_IMMUTABLE | FL_APPEND) && !capable(CAP_LINUX_IMMUTABLE))
		err = -EPERM;
	else if ((old ^ want) & FL_EXTENTS || (want & ~old) & (FL_JOURNAL_DATA | FL_CASEFOLD))
		err = -EOPNOTSUPP;	/* no conversion between maps, no data in the journal */
	else if (S_ISREG(i->mode) && want & (u32)~FL_REG_FLMASK & FL_USER_MODIFIABLE)
		err = -EOPNOTSUPP;
	if (!err)
		err = jh_start(ext4_of(i), &h, 2);
	if (!err) {
		e->flags = (old & ~(u32)FL_USER_MODIFIABLE) | (want & FL_USER_MODIFIABLE);
		ext4_set_vfs_flags(i);
		inode_touch(i, SET_CTIME);
		err = ext4_inode_dirty(&h, i);
		jh_stop(&h);
	}
	inode_unlock(i);
	return err;
}

static s64 fitrim(struct file *f, u64 arg)
{
	struct ext4 *fs = ext4_of(f->inode);
	struct fstrim_range r;
	u64 trimmed = 0;

	if (!capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (!fs->bdev->disk->limits.discard_sectors_max)
		return -EOPNOTSUPP;
	if (copy_in(&r, (uaddr_t){ arg }, sizeof(r)))
		return -EFAULT;
	if (r.minlen >> fs->block_bits > fs->blocks_per_group || r.start >> fs->block_bits >= fs->blocks || r.len < fs->block_bytes)
		return -EINVAL;
	int err = fs->read_only ? -EROFS : balloc_trim(fs, r.start >> fs->block_bits, r.len >> fs->block_bits, r.minlen >> fs->block_bits, &trimmed);

	if (err)
		return err;
	r.len = trimmed << fs->block_bits;
	return copy_out((uaddr_t){ arg }, &r, sizeof(r)) ? -EFAULT : 0;
}

s64 ext4_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct inode *i = f->inode;
	u32 v;

	switch (cmd) {
	case FS_IOC_GETFLAGS:
		v = ext4_i(i)->flags & FL_USER_VISIBLE;
		return copy_out((uaddr_t){ arg }, &v, sizeof(v)) ? -EFAULT : 0;
	case FS_IOC_SETFLAGS:
		return set_flags(f, arg);
	case FS_IOC_GETVERSION:
		v = i->generation;
		return copy_out((uaddr_t){ arg }, &v, sizeof(v)) ? -EFAULT : 0;
	case FS_IOC_FIEMAP:
		return S_ISREG(i->mode) || S_ISDIR(i->mode) ? ext4_fiemap(i, arg) : -EOPNOTSUPP;
	case FITRIM:
		return fitrim(f, arg);
	default:
		return -ENOTTY;
	}
}

const struct file_ops ext4_file_fops = {
	.read = ext4_read,
	.write = ext4_write,
	.start = ext4_start,
	.seek = ext4_seek,
	.mmap = ext4_mmap,
	.fsync = ext4_fsync,
	.fallocate = ext4_fallocate,
	.ioctl = ext4_ioctl,
};

/* Of files and of special files alike. */
const struct inode_ops ext4_file_iops = {
	.permission = ext4_permission,
	.getattr = ext4_getattr,
	.setattr = ext4_setattr,
	.getxattr = ext4_getxattr,
	.setxattr = ext4_setxattr,
	.listxattr = ext4_listxattr,
	.removexattr = ext4_removexattr,
};
