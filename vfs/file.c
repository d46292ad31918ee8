/*
 * Open files: life, reading and writing through the page cache, positions, mapping into memory.
 *
 * struct file is type-stable: a freed one may be used again at once, so that close costs no grace period.  A finder under RCU
 * takes its reference only if refs is not 0, and then looks whether the descriptor still names that file (fd.c).
 * What lies over refs is initialised before refs becomes 1.
 *
 * file_put() may be called with locks held (areas of an address space close under its lock): the release, which may take
 * any lock, is then left to a kernel thread.
 *
 * Times: relatime.  A read updates atime only if it is not later than mtime and ctime, or a day old; the latter is looked at when a
 * file is read from its start, so that a small read does not ask the clock.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/stat.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/cred.h"
#include "kern/rcu.h"
#include "kern/slab.h"
#include "kern/work.h"
#include "vfs/epoll.h"
#include "vfs/internal.h"
#include "vfs/locks.h"
#include "vfs/notify.h"
#include "vfs/ops.h"
#include "vfs/poll.h"

enum { SPARE_MAX = 16, DAY_SEC = 24 * 3600 };

static struct slab_cache *file_cache;
static struct {
	unsigned count;
	struct file *file[SPARE_MAX];
} CACHELINE_ALIGNED spare[CPUS_MAX];	/* this CPU's threads only; never in interrupts */

static u64 (*limit_nofile)(void), (*limit_fsize)(void);
static void (*send_sigxfsz)(void);
static void (*hook_posix_unlock)(struct file *f, struct files *owner);
static u64 files_open;

/* files whose release was put off */
static struct llist_head deferred = LLIST_HEAD_INIT;
static struct work deferred_work;

void file_register_limits(u64 (*nofile)(void), u64 (*fsize)(void), void (*sigxfsz)(void))
{
	limit_nofile = nofile;
	limit_fsize = fsize;
	send_sigxfsz = sigxfsz;
}

void file_register_close_hooks(void (*posix_unlock)(struct file *f, struct files *owner))
{
	hook_posix_unlock = posix_unlock;
}

u64 file_limit_nofile(void)
{
	return limit_nofile ? limit_nofile() : 1024;
}

u64 file_limit_fsize(void)
{
	return limit_fsize ? limit_fsize() : ~0ull;
}

void file_limit_exceeded(void)
{
	if (send_sigxfsz)
		send_sigxfsz();
}

void file_forget_posix(struct file *f, struct files *owner)
{
	if (f->inode && f->inode->locks)
		locks_release_posix(f, owner);
	if (hook_posix_unlock)
		hook_posix_unlock(f, owner);
}

u64 files_count(void)
{
	return atomic_load(&files_open);
}

/* ---- life ---- */

static struct file *file_new(void)
{
	struct file *f = slab_alloc(file_cache, ALLOC_KERNEL);

	if (!f)
		return NULL;
	memset(f, 0, sizeof(*f));
	mutex_init(&f->pos_lock, RANK_FILE_POS);
	spin_init(&f->lock, RANK_FILE_LOCKS);
	list_init(&f->epolls);
	return f;
}

struct file *file_alloc(void)
{
	u32 cpu = plat_cpu_id();
	struct file *f = spare[cpu].count ? spare[cpu].file[--spare[cpu].count] : file_new();

	if (!f)
		return ERR_PTR(-ENOMEM);
	f->mode = 0;
	f->flags = 0;
	f->inode = NULL;
	f->mapping = NULL;
	f->path.mount = NULL;
	f->path.dentry = NULL;
	f->pos = 0;
	f->ra = (struct readahead){ 0 };
	f->private = NULL;
	f->error_seen = 0;
	f->owner_pid = 0;
	f->owner_type = f->owner_sig = 0;
	f->ops = &no_open_fops;
	f->cred = cred_get(current_cred());
	atomic_inc(&files_open);
	__atomic_store_n(&f->refs, 1, __ATOMIC_RELEASE);
	return f;
}

static void file_free_rcu(struct rcu_head *h)
{
	slab_free(file_cache, container_of(h, struct file, rcu));
}

static void file_recycle(struct file *f)
{
	u32 cpu = plat_cpu_id();

	atomic_dec(&files_open);
	if (spare[cpu].count < SPARE_MAX)
		spare[cpu].file[spare[cpu].count++] = f;
	else
		call_rcu(&f->rcu, file_free_rcu);
}

void file_discard(struct file *f)
{
	cred_put(f->cred);
	__atomic_store_n(&f->refs, 0, __ATOMIC_RELEASE);
	file_recycle(f);
}

void file_setup(struct file *f, struct inode *i, const struct file_ops *ops, u32 o_flags)
{
	u32 acc = o_flags & O_ACCMODE;

	f->inode = i;
	f->mapping = i->data;
	f->ops = ops;
	f->flags = o_flags & ~(u32)(O_CREAT | O_CLOEXEC);	/* open_dentry() takes the rest off once ops->open has seen it */
	f->mode = (acc == O_RDONLY || acc == O_RDWR ? FMODE_READ : 0) | (acc == O_WRONLY || acc == O_RDWR ? FMODE_WRITE : 0);
	f->mode |= ops->flags & FOP_STREAM ? FMODE_STREAM : FMODE_PREAD | FMODE_PWRITE;
	f->error_seen = i->data->error_seq;
}

static void file_release(struct file *f)
{
	struct path p = f->path;

	if (!list_empty(&f->epolls))
		epoll_forget(f);
	if (f->inode && f->inode->locks)
		locks_release_file(f);
	if (p.dentry && !(f->mode & (FMODE_PATH | FMODE_NONOTIFY)))
		notify_dentry(p.dentry, f->mode & FMODE_WRITE ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE);
	if (!(f->mode & FMODE_PATH) && f->ops->release)
		f->ops->release(f);
	file_writer_end(f, f->inode, p.mount);
	if (f->mode & FMODE_TREE)
		mount_tree_closed(p.mount);
	cred_put(f->cred);
	file_recycle(f);
	if (p.dentry)
		path_put(&p);
}

static void deferred_run(struct work *w)
{
	struct llist_node *n, *tmp;

	n = llist_del_all(&deferred);
	for (struct llist_node *at = n; at; at = tmp) {
		tmp = at->next;
		/* the node lies where the rcu head does: it is not in use yet */
		file_release(container_of((struct rcu_head *)at, struct file, rcu));
	}
}

void file_flush_deferred(void)
{
	if (!llist_empty(&deferred) || READ_ONCE(deferred_work.pending))
		work_flush();
}

void file_put(struct file *f)
{
	static_assert(sizeof(struct llist_node) <= sizeof(struct rcu_head), "a deferred file is chained by its rcu head");

	if (!f || !atomic_dec_and_test(&f->refs))
		return;
	if (likely(!(current()->ranks_held[0] | current()->ranks_held[1]))) {
		file_release(f);
		return;
	}
	if (llist_add((struct llist_node *)&f->rcu, &deferred))
		work_queue(&deferred_work);
}

bool file_get_not_zero(struct file *f)
{
	return atomic_inc_not_zero(&f->refs);
}

/* ---- reading and writing ---- */

s64 file_read(struct file *f, struct iter *to, u64 *pos)
{
	if (unlikely(!(f->mode & FMODE_READ)))
		return -EBADF;
	if (unlikely(!f->ops->read))
		return inode_is_dir(f->inode) ? -EISDIR : -EINVAL;
	s64 n = f->ops->read(f, to, pos);

	if (n > 0)
		notify_dentry(f->path.dentry, IN_ACCESS);
	return n;
}

s64 file_write(struct file *f, struct iter *from, u64 *pos)
{
	if (unlikely(!(f->mode & FMODE_WRITE)))
		return -EBADF;
	if (unlikely(!f->ops->write))
		return -EINVAL;
	s64 n = f->ops->write(f, from, pos);

	if (n > 0)
		notify_dentry(f->path.dentry, IN_MODIFY);
	return n;
}

s64 file_read_at_pos(struct file *f, struct iter *to)
{
	u64 none = 0;

	if (f->mode & FMODE_STREAM)
		return file_read(f, to, &none);
	if (likely(f->refs == 1))
		return file_read(f, to, &f->pos);
	mutex_lock(&f->pos_lock);
	s64 n = file_read(f, to, &f->pos);

	mutex_unlock(&f->pos_lock);
	return n;
}

s64 file_write_at_pos(struct file *f, struct iter *from)
{
	u64 none = 0;

	if (f->mode & FMODE_STREAM)
		return file_write(f, from, &none);
	if (likely(f->refs == 1))
		return file_write(f, from, &f->pos);
	mutex_lock(&f->pos_lock);
	s64 n = file_write(f, from, &f->pos);

	mutex_unlock(&f->pos_lock);
	return n;
}

s64 file_read_kernel(struct file *f, void *buf, size_t n, u64 pos)
{
	struct iter it;

	iter_init_kernel(&it, buf, n);
	return file_read(f, &it, &pos);
}

s64 file_write_kernel(struct file *f, const void *buf, size_t n, u64 pos)
{
	struct iter it;

	iter_init_kernel(&it, (void *)(u64)buf, n);
	return file_write(f, &it, &pos);
}

static bool later(const struct timestamp *a, const struct timestamp *b)
{
	return a->sec > b->sec || (a->sec == b->sec && a->nsec > b->nsec);
}

static NOINLINE void atime_update(struct file *f)
{
	struct inode *i = f->inode;

	if (i->iflags & IFLAG_NOATIME || f->flags & O_NOATIME || mount_want_write(f->path.mount))
		return;
	i->atime = time_now();
}

void file_accessed(struct file *f, u64 pos_before)
{
	struct inode *i = f->inode;
	u32 mflags = f->path.mount->flags;

	if (mflags & (MNT_NOATIME | MNT_STRICTATIME)) {
		if (mflags & MNT_STRICTATIME)
			atime_update(f);
		return;
	}
	if (likely(later(&i->atime, &i->mtime) && later(&i->atime, &i->ctime)) &&
	    (pos_before || time_now().sec - i->atime.sec < DAY_SEC))
		return;
	atime_update(f);
}

s64 file_read_pages(struct file *f, struct iter *to, u64 *pos)
{
	u64 before = *pos;

	if (unlikely(!iter_left(to)))
		return 0;
	s64 n = mapping_read(f->mapping, &f->ra, to, pos);

	if (n >= 0)
		file_accessed(f, before);
	return n;
}

/* Writing takes set-user-ID and set-group-ID away. Inode locked. */
int file_drop_privileges(struct file *f)
{
	struct inode *i = f->inode;
	struct setattr sa = { 0 };
	u32 drop = inode_privileges(i);

	if (!drop || !inode_is_reg(i) || capable(CAP_FSETID))
		return 0;
	sa.valid = SET_MODE | SET_CTIME;
	sa.mode = i->mode & ~drop;
	sa.ctime = time_now();
	return i->ops->setattr ? i->ops->setattr(f->path.dentry, i, &sa) : inode_setattr_simple(f->path.dentry, i, &sa);
}

/* How much of @n bytes may be written at @pos. Return: 0: all is well, *n maybe less; -EFBIG */
static int write_limit(struct inode *i, u64 pos, u64 *n)
{
	u64 limit = file_limit_fsize(), max = i->super->max_bytes;

	if (unlikely(limit != ~0ull)) {
		if (pos >= limit) {
			file_limit_exceeded();
			return -EFBIG;
		}
		*n = MIN(*n, limit - pos);
	}
	if (unlikely(pos >= max))
		return -EFBIG;
	*n = MIN(*n, max - pos);
	return 0;
}

int file_write_begin(struct file *f, const struct iter *from, u64 *pos, u64 *n)
{
	struct inode *i = f->inode;
	int err;

	*n = iter_left(from);
	if (file_appends(f, from))
		*pos = inode_size(i);
	err = write_limit(i, *pos, n);
	if (!err && unlikely(i->mode & (S_ISUID | S_ISGID)))
		err = file_drop_privileges(f);
	if (!err)
		inode_touch(i, SET_MTIME | SET_CTIME);
	return err;
}

s64 file_write_pages(struct file *f, struct iter *from, u64 *pos)
{
	struct inode *i = f->inode;
	u64 want = iter_left(from), n, start;
	s64 done;

	if (!want)
		return 0;
	inode_lock(i);
	done = file_write_begin(f, from, pos, &n);
	start = *pos;
	if (!done) {
		from->left = n;
		done = mapping_write(f->mapping, from, pos);
		from->left += want - n;
	}
	inode_unlock(i);
	if (done > 0 && unlikely(f->flags & O_DSYNC)) {
		int err = file_sync(f, start, start + (u64)done - 1, !(f->flags & (O_SYNC & ~O_DSYNC)));

		if (err)
			return err;
	}
	return done;
}

/* ---- positions ---- */

s64 file_seek_none(struct file *f, s64 off, int whence)
{
	return -ESPIPE;
}

s64 file_seek_size(struct file *f, s64 off, int whence, u64 size)
{
	s64 pos;

	switch (whence) {
	case SEEK_SET:
		pos = off;
		break;
	case SEEK_CUR:
		pos = (s64)f->pos + off;
		break;
	case SEEK_END:
		pos = (s64)size + off;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (off < 0 || (u64)off >= size)
			return -ENXIO;
		pos = whence == SEEK_DATA ? off : (s64)size;
		break;
	default:
		return -EINVAL;
	}
	if (pos < 0)
		return -EINVAL;
	if ((u64)pos > f->inode->super->max_bytes)
		return whence == SEEK_CUR && off > 0 ? -EOVERFLOW : -EINVAL;
	f->pos = (u64)pos;
	return pos;
}

s64 file_seek(struct file *f, s64 off, int whence)
{
	if (f->ops->seek)
		return f->ops->seek(f, off, whence);
	if (f->mode & FMODE_STREAM)
		return -ESPIPE;
	return file_seek_size(f, off, whence, inode_size(f->inode));
}

s64 file_lseek(struct file *f, s64 off, int whence)
{
	if (whence < SEEK_SET || whence > SEEK_HOLE)
		return -EINVAL;
	if (f->refs == 1)
		return file_seek(f, off, whence);
	mutex_lock(&f->pos_lock);
	s64 pos = file_seek(f, off, whence);

	mutex_unlock(&f->pos_lock);
	return pos;
}

/* ---- the rest ---- */

u32 file_poll(struct file *f, struct poll_table *pt)
{
	return f->ops->poll ? f->ops->poll(f, pt) : POLL_ALWAYS_READY;
}

int file_sync(struct file *f, u64 start, u64 end, bool datasync)
{
	return f->ops->fsync ? f->ops->fsync(f, start, end, datasync) : -EINVAL;
}

int file_fsync_pages(struct file *f, u64 start, u64 end, bool datasync)
{
	int err = mapping_sync(f->mapping, start, end);
	int late = mapping_error_since(f->mapping, &f->error_seen);

	return err ? err : late;
}

int file_no_open(struct inode *i, struct file *f)
{
	return -ENXIO;
}

const struct file_ops no_open_fops = { .open = file_no_open };

/* ---- in address spaces ---- */

static void file_vma_open(struct vma *v)
{
	file_get(v->owner);
}

static void file_vma_close(struct vma *v)
{
	file_put(v->owner);
}

static int file_vma_name(struct vma *v, char *buf, size_t size)
{
	struct file *f = v->owner;
	char *s = path_name(&f->path, buf, size);

	if (IS_ERR(s))
		return (int)PTR_ERR(s);
	memmove(buf, s, strlen(s) + 1);
	return 0;
}

const struct vma_ops file_vma_ops = { .open = file_vma_open, .close = file_vma_close, .name = file_vma_name };

int file_mmap_pages(struct file *f, struct mm_file *out, u32 prot, u32 flags, u64 len, u64 pgoff)
{
	out->ops = &file_vma_ops;
	out->mapping = f->mapping;
	out->owner = file_get(f);
	file_accessed(f, 0);
	return 0;
}

/* mmap(2) of any file: what its open mode allows, then the file's own. */
int file_mmap(struct file *f, struct mm_file *out, u32 prot, u32 flags, u64 len, u64 pgoff)
{
	bool shared = (flags & 0x0f) != 2;	/* MAP_SHARED, MAP_SHARED_VALIDATE; MAP_PRIVATE is 2 */
	bool noexec = f->path.mount && f->path.mount->flags & MNT_NOEXEC;

	memset(out, 0, sizeof(*out));
	if (!(f->mode & FMODE_READ))
		return -EACCES;
	if (shared && prot & 2 && !(f->mode & FMODE_WRITE))
		return -EACCES;
	if (noexec && prot & 4)
		return -EPERM;
	if (!f->ops->mmap)
		return -ENODEV;
	out->max_flags = VM_MAYREAD | (noexec ? 0 : VM_MAYEXEC);
	if (!shared || f->mode & FMODE_WRITE)
		out->max_flags |= VM_MAYWRITE;
	if (shared)
		out->max_flags |= VM_MAYSHARE;
	return f->ops->mmap(f, out, prot, flags, len, pgoff);
}

void file_core_init(void)
{
	file_cache = slab_create("file", sizeof(struct file), 0);
	assert(file_cache);
	work_init(&deferred_work, deferred_run);
}
