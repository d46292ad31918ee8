/*
 * The descriptor table.
 *
 * Readers look up under RCU; since struct file is type-stable (file.c), a reader takes a reference if there are any and then
 * checks that the slot still holds that file.  Writers hold files->lock.  A descriptor that is reserved (fd_alloc) and not
 * yet installed has its bit in `open` and no file.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include "base/bitmap.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/rcu.h"
#include "kern/slab.h"
#include "kern/thread.h"
#include "vfs/internal.h"

enum { TABLE_MIN = 64, TABLE_MAX = 1 << 20 };

static struct fd_table *table_new(u32 max)
{
	size_t words = BITMAP_WORDS(max);
	struct fd_table *t = kvmalloc(sizeof(*t) + max * sizeof(struct file *) + 2 * words * sizeof(u64), ALLOC_KERNEL);

	if (!t)
		return NULL;
	t->max = max;
	t->file = (struct file **)(t + 1);
	t->open = (u64 *)(t->file + max);
	t->cloexec = t->open + words;
	memset(t->file, 0, max * sizeof(struct file *) + 2 * words * sizeof(u64));
	return t;
}

static void table_free_rcu(struct rcu_head *h)
{
	kvfree(container_of(h, struct fd_table, rcu));
}

struct files *files_create(void)
{
	struct files *fs = kzalloc(sizeof(*fs), ALLOC_KERNEL);

	if (!fs)
		return NULL;
	fs->table = table_new(TABLE_MIN);
	if (!fs->table) {
		kfree(fs);
		return NULL;
	}
	fs->refs = 1;
	spin_init(&fs->lock, RANK_FILES);
	return fs;
}

static void table_copy(struct fd_table *to, const struct fd_table *from)
{
	u32 n = MIN(to->max, from->max);

	memcpy(to->file, from->file, n * sizeof(struct file *));
	memcpy(to->open, from->open, BITMAP_BYTES(n));
	memcpy(to->cloexec, from->cloexec, BITMAP_BYTES(n));
}

static u32 table_used(const struct fd_table *t)
{
	u64 last = find_last_bit(t->open, t->max);

	return last == t->max ? 0 : (u32)last + 1;
}

struct files *files_fork(struct files *old)
{
	struct files *fs = kzalloc(sizeof(*fs), ALLOC_KERNEL);
	u64 fd;

	if (!fs)
		return ERR_PTR(-ENOMEM);
	fs->refs = 1;
	spin_init(&fs->lock, RANK_FILES);
	for (;;) {
		u32 want = ALIGN_UP(MAX(table_used(old->table), 1u), TABLE_MIN);

		fs->table = table_new(want);
		if (!fs->table) {
			kfree(fs);
			return ERR_PTR(-ENOMEM);
		}
		spin_lock(&old->lock);
		if (table_used(old->table) <= want)
			break;
		spin_unlock(&old->lock);
		kvfree(fs->table);
	}
	struct fd_table *t = fs->table;

	table_copy(t, old->table);
	fs->next_fd = old->next_fd;
	bitmap_for_each_set(fd, t->open, t->max) {
		if (t->file[fd]) {
			file_get(t->file[fd]);
			continue;
		}
		bitmap_clear_bit(t->open, fd);	/* reserved by another thread of the old one */
		fs->next_fd = MIN(fs->next_fd, (u32)fd);
	}
	spin_unlock(&old->lock);
	return fs;
}

void files_get(struct files *fs)
{
	atomic_inc(&fs->refs);
}

static int file_close(struct file *f, struct files *owner)
{
	int err = 0;

	if (!(f->mode & FMODE_PATH)) {
		if (f->ops->flush)
			err = f->ops->flush(f);
		file_forget_posix(f, owner);
	}
	file_put(f);
	return err;
}

void files_put(struct files *fs)
{
	struct fd_table *t;
	u64 fd;

	if (!fs || !atomic_dec_and_test(&fs->refs))
		return;
	t = fs->table;
	bitmap_for_each_set(fd, t->open, t->max) {
		struct file *f = t->file[fd];

		if (f) {
			t->file[fd] = NULL;
			(void)file_close(f, fs);
			cond_resched();
		}
	}
	call_rcu(&t->rcu, table_free_rcu);
	kfree(fs);
}

/* ---- looking up ---- */

struct file *fd_peek(int fd)
{
	struct fd_table *t = rcu_dereference(current()->files->table);

	return (u32)fd < t->max ? rcu_dereference(t->file[fd]) : NULL;
}

struct file *fd_get_from(struct files *fs, int fd)
{
	for (;;) {
		struct fd_table *t = rcu_dereference(fs->table);
		struct file *f = (u32)fd < t->max ? rcu_dereference(t->file[fd]) : NULL;

		if (unlikely(!f))
			return NULL;
		if (unlikely(!file_get_not_zero(f)))
			continue;
		struct fd_table *now = rcu_dereference(fs->table);

		if (likely(now->file[fd] == f))
			return f;
		file_put(f);
	}
}

struct file *fd_get_path(int fd)
{
	return fd_get_from(current()->files, fd);
}

struct file *fd_get(int fd)
{
	struct file *f = fd_get_from(current()->files, fd);

	if (f && unlikely(f->mode & FMODE_PATH)) {
		file_put(f);
		return NULL;
	}
	return f;
}

/* ---- reserving ---- */

/* Make room for descriptor @fd. Lock held; dropped meanwhile. Return: 0: look again; -ENOMEM, -EMFILE */
static int table_grow(struct files *fs, u32 fd)
{
	u32 max = fs->table->max;

	if (fd >= TABLE_MAX)
		return -EMFILE;
	while (max <= fd)
		max *= 2;
	spin_unlock(&fs->lock);
	struct fd_table *bigger = table_new(max), *old;

	spin_lock(&fs->lock);
	if (!bigger)
		return -ENOMEM;
	old = fs->table;
	if (old->max >= max) {
		kvfree(bigger);
		return 0;
	}
	table_copy(bigger, old);
	rcu_assign_pointer(fs->table, bigger);
	call_rcu(&old->rcu, table_free_rcu);
	return 0;
}

static void mark_cloexec(struct fd_table *t, u32 fd, bool on)
{
	if (on)
		bitmap_set_bit(t->cloexec, fd);
	else
		bitmap_clear_bit(t->cloexec, fd);
}

int fd_alloc(int from, bool cloexec)
{
	struct files *fs = current()->files;
	u64 limit = file_limit_nofile();
	int err;

	spin_lock(&fs->lock);
	for (;;) {
		struct fd_table *t = fs->table;
		u32 start = MAX((u32)from, fs->next_fd);
		u32 fd = start < t->max ? (u32)find_next_zero_bit(t->open, t->max, start) : start;

		err = -EMFILE;
		if (fd >= limit)
			break;
		if (fd >= t->max) {
			err = table_grow(fs, fd);
			if (err)
				break;
			continue;
		}
		bitmap_set_bit(t->open, fd);
		mark_cloexec(t, fd, cloexec);
		if ((u32)from <= fs->next_fd)
			fs->next_fd = fd + 1;
		err = (int)fd;
		break;
	}
	spin_unlock(&fs->lock);
	return err;
}

void fd_install(int fd, struct file *f)
{
	struct files *fs = current()->files;

	spin_lock(&fs->lock);
	assert(!fs->table->file[fd]);
	rcu_assign_pointer(fs->table->file[fd], f);
	spin_unlock(&fs->lock);
}

static void slot_clear(struct files *fs, u32 fd)
{
	struct fd_table *t = fs->table;

	rcu_assign_pointer(t->file[fd], NULL);
	bitmap_clear_bit(t->open, fd);
	bitmap_clear_bit(t->cloexec, fd);
	if (fd < fs->next_fd)
		fs->next_fd = fd;
}

void fd_unreserve(int fd)
{
	struct files *fs = current()->files;

	spin_lock(&fs->lock);
	slot_clear(fs, (u32)fd);
	spin_unlock(&fs->lock);
}

int fd_add(struct file *f, bool cloexec)
{
	int fd = fd_alloc(0, cloexec);

	if (fd >= 0)
		fd_install(fd, f);
	return fd;
}

/* ---- closing, duplicating ---- */

int fd_close(int fd)
{
	struct files *fs = current()->files;
	struct file *f = NULL;

	spin_lock(&fs->lock);
	if ((u32)fd < fs->table->max)
		f = fs->table->file[fd];
	if (f)
		slot_clear(fs, (u32)fd);
	spin_unlock(&fs->lock);
	return f ? file_close(f, fs) : -EBADF;
}

int fd_dup2(int old, int new, u32 flags)
{
	struct files *fs = current()->files;
	struct file *f, *victim;
	int err = 0;

	if ((u64)(u32)new >= file_limit_nofile())
		return -EBADF;
	f = fd_get_path(old);
	if (!f)
		return -EBADF;
	spin_lock(&fs->lock);
	while (!err && (u32)new >= fs->table->max)
		err = table_grow(fs, (u32)new);
	struct fd_table *t = fs->table;

	if (!err && bitmap_test_bit(t->open, (u32)new) && !t->file[new])
		err = -EBUSY;
	if (err) {
		spin_unlock(&fs->lock);
		file_put(f);
		return err;
	}
	victim = t->file[new];
	bitmap_set_bit(t->open, (u32)new);
	mark_cloexec(t, (u32)new, flags & O_CLOEXEC);
	rcu_assign_pointer(t->file[new], f);
	spin_unlock(&fs->lock);
	if (victim)
		(void)file_close(victim, fs);
	return new;
}

int fd_cloexec(int fd, int set)
{
	struct files *fs = current()->files;
	int ret = -EBADF;

	spin_lock(&fs->lock);
	struct fd_table *t = fs->table;

	if ((u32)fd < t->max && t->file[fd]) {
		ret = bitmap_test_bit(t->cloexec, (u32)fd);
		if (set >= 0) {
			mark_cloexec(t, (u32)fd, set);
			ret = 0;
		}
	}
	spin_unlock(&fs->lock);
	return ret;
}

void files_close_exec(struct files *fs)
{
	for (u64 fd = 0;; fd++) {
		struct file *f;

		spin_lock(&fs->lock);
		fd = find_next_bit(fs->table->cloexec, fs->table->max, fd);
		if (fd >= fs->table->max) {
			spin_unlock(&fs->lock);
			return;
		}
		f = fs->table->file[fd];
		slot_clear(fs, (u32)fd);
		spin_unlock(&fs->lock);
		if (f)
			(void)file_close(f, fs);
	}
}

int fd_close_range(u32 first, u32 last, bool cloexec_only)
{
	struct files *fs = current()->files;

	if (first > last)
		return -EINVAL;
	for (u64 fd = first; fd <= last; fd++) {
		struct file *f;

		spin_lock(&fs->lock);
		struct fd_table *t = fs->table;

		fd = fd < t->max ? find_next_bit(t->open, t->max, fd) : t->max;
		if (fd >= t->max || fd > last) {
			spin_unlock(&fs->lock);
			break;
		}
		f = t->file[fd];
		if (cloexec_only)
			bitmap_set_bit(t->cloexec, fd);
		else if (f)
			slot_clear(fs, (u32)fd);
		spin_unlock(&fs->lock);
		if (f && !cloexec_only)
			(void)file_close(f, fs);
	}
	return 0;
}
