/* Binding, status and the other ioctls of a loop device; see loop.h. */
#include <linux/capability.h>
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/string.h"
#include "block/loop/loop.h"
#include "kern/cred.h"
#include "kern/rcu.h"
#include "mm/user.h"
#include "vfs/inode.h"
#include "vfs/ops.h"
#include "vfs/super.h"

enum {
	CONFIGURE_FLAGS = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN | LO_FLAGS_DIRECT_IO,
	STATUS_SET_FLAGS = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN, STATUS_CLEAR_FLAGS = LO_FLAGS_AUTOCLEAR,
	CRYPT_NONE = 0,
};

/* ---- busy ---- */

int loop_begin(struct loop *l)
{
	return wait_event_killable(&l->busy_waitq, !xchg(&l->busy, 1u)) ? -EINTR : 0;
}

void loop_end(struct loop *l)
{
	atomic_store_release(&l->busy, 0u);
	wake_up_all(&l->busy_waitq);
}

/* ---- the file ---- */

static struct block_device *file_device(const struct file *f)
{
	return f->ops == &block_file_ops ? f->private : NULL;
}

/* Whether @f may be behind @l. Return: 0, -EBADF (@l itself is), -EINVAL (no file of that kind; a loop device without a file) */
static int file_check(struct loop *l, struct file *f)
{
	struct loop *below;
	int err = 0;

	/* Those below may be unbound meanwhile: their files and they themselves are freed after a grace period. */
	rcu_read_lock();
	for (struct file *at = f; at && !err && (below = loop_of_file(at)) != NULL; at = READ_ONCE(below->file))
		err = below == l ? -EBADF : READ_ONCE(below->state) != LOOP_BOUND ? -EINVAL : 0;
	rcu_read_unlock();
	if (err)
		return err;
	return S_ISREG(f->inode->mode) || S_ISBLK(f->inode->mode) ? 0 : -EINVAL;
}

static u64 file_bytes(const struct file *f)
{
	struct block_device *b = file_device(f);
	struct attrs a;

	if (b)
		return block_device_bytes(b);
	return vfs_getattr(&f->path, &a) ? 0 : a.size;
}

static u64 sectors_of(const struct file *f, u64 offset, u64 limit)
{
	u64 bytes = file_bytes(f);

	bytes = bytes > offset ? bytes - offset : 0;
	if (limit)
		bytes = MIN(bytes, limit);
	return bytes >> SECTOR_SHIFT;
}

/* The same file once more, with other flags. ERR_PTR */
static struct file *reopen(struct file *f, bool direct)
{
	u32 mode = f->mode & FMODE_WRITE ? (f->mode & FMODE_READ ? O_RDWR : O_WRONLY) : O_RDONLY;

	return file_open_path(&f->path, mode | O_LARGEFILE | (direct ? O_DIRECT : 0), f->cred);
}

static int cached_open(struct loop *l, struct file *f)
{
	struct file *cached = f->flags & O_DIRECT ? reopen(f, false) : file_get(f);

	if (IS_ERR(cached))
		return PTR_ERR(cached);
	l->file = f;
	l->cached = cached;
	return 0;
}

static void files_put_(struct loop *l, struct file *files[3])
{
	files[0] = l->file;
	files[1] = l->cached;
	files[2] = l->direct;
	l->file = l->cached = l->direct = NULL;
}

static void put_all(struct file *files[3])
{
	for (u32 i = 0; i < 3; i++)
		if (files[i])
			file_put(files[i]);
}

/* ---- direct I/O ---- */

/* What direct transfers of the file have to be aligned to; 0: there are none. */
static u32 direct_unit(const struct file *f)
{
	struct block_device *b = file_device(f);

	return b ? b->disk->limits.block_bytes : f->inode->super->direct_bytes;
}

static bool direct_possible(const struct loop *l)
{
	u32 unit = direct_unit(l->cached);

	return l->cached->ops->start && unit && l->disk.limits.block_bytes >= unit && !(l->offset & (unit - 1));
}

/* Switch it as asked if that can be; nothing is under way. Return: 0, or why it could not be switched on */
static int direct_set(struct loop *l, bool on)
{
	struct file *direct = NULL;
	int err = 0;

	on = on && direct_possible(l);
	if (on == (l->direct != NULL))
		return 0;
	if (on) {
		err = file_sync(l->cached, 0, ~0ull, false);
		direct = err == -EINVAL || !err ? reopen(l->cached, true) : ERR_PTR(err);
		if (IS_ERR(direct))
			return PTR_ERR(direct);
	}
	if (l->direct)
		file_put(l->direct);
	l->direct = direct;
	l->flags = (l->flags & ~(u32)LO_FLAGS_DIRECT_IO) | (on ? LO_FLAGS_DIRECT_IO : 0);
	return 0;
}

static void direct_update(struct loop *l, bool want)
{
	loop_quiet(l);
	(void)direct_set(l, want);
	loop_loud(l);
}

/* ---- limits ---- */

static void limits_bound(struct loop *l, u32 block_bytes)
{
	struct block_device *b = file_device(l->cached);
	bool writable = !(l->flags & LO_FLAGS_READ_ONLY);
	u32 grain = b ? b->disk->limits.discard_granularity_bytes : MAX(l->cached->inode->super->blksize, (u32)SECTOR_BYTES);
	bool punch = l->cached->ops->fallocate && (!b || b->disk->limits.zeroes_sectors_max);
	u32 range = punch ? ~0u >> SECTOR_SHIFT & ~7u : 0;

	l->disk.limits = (struct disk_limits){
		.segs_max = 128, .seg_bytes_max = 65536, .block_bytes = block_bytes, .physical_bytes = block_bytes,
		.sectors_max = 2560, .flush = writable && l->cached->ops->fsync, .read_only = !writable,
		.rotational = b && b->disk->limits.rotational, .discard_sectors_max = range, .zeroes_sectors_max = range,
		.discard_granularity_bytes = range ? grain : 0,
	};
	disk_limits_fill(&l->disk.limits);
}

static void size_update(struct loop *l)
{
	disk_resize(&l->disk, sectors_of(l->cached, l->offset, l->size_limit));
}

static void partitions_update(struct loop *l)
{
	l->disk.no_partitions = !(l->flags & LO_FLAGS_PARTSCAN);
	if (!l->disk.no_partitions)
		(void)!disk_rescan(&l->disk);
}

/* ---- status ---- */

static int info_check(const struct loop_info64 *info)
{
	if (info->lo_encrypt_key_size > LO_KEY_SIZE || info->lo_encrypt_type != CRYPT_NONE)
		return -EINVAL;
	return (s64)info->lo_offset < 0 || (s64)info->lo_sizelimit < 0 ? -EOVERFLOW : 0;
}

static void info_take(struct loop *l, const struct loop_info64 *info)
{
	l->offset = info->lo_offset;
	l->size_limit = info->lo_sizelimit;
	memcpy(l->name, info->lo_file_name, LO_NAME_SIZE);
	l->name[LO_NAME_SIZE - 1] = '\0';
}

static int status_set(struct loop *l, const struct loop_info64 *info)
{
	u32 before = l->flags;
	bool moved = info->lo_offset != l->offset || info->lo_sizelimit != l->size_limit, direct = l->direct;
	int err = l->state == LOOP_BOUND ? info_check(info) : -ENXIO;

	if (err)
		return err;
	if (moved) {
		err = mapping_sync(&l->disk.whole.mapping, 0, ~0ull);
		(void)mapping_invalidate(&l->disk.whole.mapping, 0, ~0ull >> PAGE_SHIFT);
	}
	loop_quiet(l);
	info_take(l, info);
	l->flags = (info->lo_flags & STATUS_SET_FLAGS) | (before & ~(u32)STATUS_CLEAR_FLAGS);
	(void)direct_set(l, direct);
	loop_loud(l);
	if (moved)
		size_update(l);
	if (l->flags & ~before & LO_FLAGS_PARTSCAN)
		partitions_update(l);
	return 0;
}

static int status_get(struct loop *l, struct loop_info64 *info)
{
	struct attrs a;
	int err = l->state == LOOP_BOUND ? vfs_getattr(&l->file->path, &a) : -ENXIO;

	if (err)
		return err;
	*info = (struct loop_info64){
		.lo_device = a.dev, .lo_inode = a.ino, .lo_rdevice = a.rdev, .lo_offset = l->offset, .lo_sizelimit = l->size_limit,
		.lo_number = l->number, .lo_flags = l->flags,
	};
	memcpy(info->lo_file_name, l->name, LO_NAME_SIZE);
	return 0;
}

/* The old form, with narrow fields. */
static int info_narrow(const struct loop_info64 *wide, struct loop_info *old)
{
	memset(old, 0, sizeof(*old));
	old->lo_number = (int)wide->lo_number;
	old->lo_device = (__kernel_old_dev_t)wide->lo_device;
	old->lo_inode = wide->lo_inode;
	old->lo_rdevice = (__kernel_old_dev_t)wide->lo_rdevice;
	old->lo_offset = (int)wide->lo_offset;
	old->lo_flags = (int)wide->lo_flags;
	memcpy(old->lo_name, wide->lo_file_name, LO_NAME_SIZE);
	return old->lo_device != wide->lo_device || old->lo_rdevice != wide->lo_rdevice || old->lo_inode != wide->lo_inode ||
	       old->lo_offset < 0 || (u64)old->lo_offset != wide->lo_offset ? -EOVERFLOW : 0;
}

static void info_widen(const struct loop_info *old, struct loop_info64 *wide)
{
	*wide = (struct loop_info64){
		.lo_number = (u32)old->lo_number, .lo_offset = (u64)(s64)old->lo_offset, .lo_flags = (u32)old->lo_flags,
		.lo_encrypt_type = (u32)old->lo_encrypt_type, .lo_encrypt_key_size = (u32)old->lo_encrypt_key_size,
	};
	memcpy(wide->lo_file_name, old->lo_name, LO_NAME_SIZE);
}

/* ---- bind, unbind ---- */

static u32 default_block(const struct file *f)
{
	return f->flags & O_DIRECT && direct_unit(f) ? direct_unit(f) : SECTOR_BYTES;
}

static int config_check(struct loop *l, struct file *f, const struct loop_config *c)
{
	int err = l->state == LOOP_UNBOUND ? file_check(l, f) : -EBUSY;

	if (err)
		return err;
	if (c->info.lo_flags & ~(u32)CONFIGURE_FLAGS)
		return -EINVAL;
	if (c->block_size && (c->block_size < SECTOR_BYTES || c->block_size > PAGE_SIZE || c->block_size & (c->block_size - 1)))
		return -EINVAL;
	return info_check(&c->info);
}

static int bind_locked(struct loop *l, u32 mode, struct file *f, const struct loop_config *c)
{
	int err = config_check(l, f, c);

	if (!err)
		err = cached_open(l, f);
	if (err)
		return err;
	info_take(l, &c->info);
	l->flags = c->info.lo_flags & ~(u32)LO_FLAGS_DIRECT_IO;
	if (!(f->mode & FMODE_WRITE) || !(mode & FMODE_WRITE) || !f->ops->write)
		l->flags |= LO_FLAGS_READ_ONLY;
	limits_bound(l, c->block_size ? c->block_size : default_block(f));
	err = loop_thread_start(l);
	if (err) {
		if (l->cached)
			file_put(l->cached);
		l->file = l->cached = NULL;
		return err;
	}
	WRITE_ONCE(l->state, LOOP_BOUND);
	direct_update(l, c->info.lo_flags & LO_FLAGS_DIRECT_IO || f->flags & O_DIRECT);
	size_update(l);
	return 0;
}

static s64 configure(struct loop *l, u32 mode, const struct loop_config *c)
{
	struct file *f = fd_get((int)c->fd);
	int err;

	if (!f)
		return -EBADF;
	err = loop_begin(l);
	if (!err) {
		err = bind_locked(l, mode, f, c);
		loop_end(l);
	}
	if (err) {
		file_put(f);
		return err;
	}
	devnode_attrs_add(&l->disk.whole.devnode, loop_attrs);
	partitions_update(l);
	return 0;
}

/* Busy is held; the device is bound. */
static void unbind_locked(struct loop *l, struct file *files[3])
{
	(void)!mapping_sync(&l->disk.whole.mapping, 0, ~0ull);
	loop_thread_stop(l);
	WRITE_ONCE(l->state, LOOP_UNBOUND);
	files_put_(l, files);
	l->offset = l->size_limit = 0;
	l->flags = 0;
	memset(l->name, 0, sizeof(l->name));
	disk_resize(&l->disk, 0);
	l->disk.limits.read_only = l->disk.limits.flush = false;
	atomic_store(&l->disk.whole.read_only, false);
}

static void unbind(struct loop *l)
{
	struct file *files[3];

	devnode_attrs_remove(&l->disk.whole.devnode, "loop");
	l->disk.no_partitions = true;
	(void)!disk_rescan(&l->disk);		/* takes the partitions off */
	unbind_locked(l, files);
	loop_end(l);
	put_all(files);
}

static s64 clear(struct loop *l)
{
	int err = loop_begin(l);

	if (err)
		return err;
	if (l->state != LOOP_BOUND) {
		loop_end(l);
		return -ENXIO;
	}
	if (atomic_load(&l->disk.openers) > 1) {
		l->flags |= LO_FLAGS_AUTOCLEAR;		/* when the last one closes it */
		loop_end(l);
		return 0;
	}
	unbind(l);
	return 0;
}

void loop_released(struct disk *d)
{
	struct loop *l = d->private;

	if (READ_ONCE(l->state) != LOOP_BOUND || !(READ_ONCE(l->flags) & LO_FLAGS_AUTOCLEAR) || loop_begin(l))
		return;
	if (l->state == LOOP_BOUND && l->flags & LO_FLAGS_AUTOCLEAR && !atomic_load(&d->openers))
		unbind(l);
	else
		loop_end(l);
}

static int change_file(struct loop *l, struct file *f, struct file *old[3])
{
	bool direct = l->direct;
	int err;

	if (l->state != LOOP_BOUND)
		return -ENXIO;
	if (!(l->flags & LO_FLAGS_READ_ONLY))
		return -EINVAL;
	err = file_check(l, f);
	if (err)
		return err;
	if (sectors_of(f, l->offset, l->size_limit) != sectors_of(l->cached, l->offset, l->size_limit))
		return -EINVAL;
	loop_quiet(l);
	files_put_(l, old);
	err = cached_open(l, f);
	if (err) {
		l->file = old[0];
		l->cached = old[1];
		l->direct = old[2];
		old[0] = old[1] = old[2] = NULL;
	} else {
		(void)direct_set(l, direct);
		(void)mapping_invalidate(&l->disk.whole.mapping, 0, ~0ull >> PAGE_SHIFT);
	}
	loop_loud(l);
	return err;
}

static s64 change(struct loop *l, u64 fd)
{
	struct file *f = fd_get((int)fd), *old[3] = { NULL };
	int err;

	if (!f)
		return -EBADF;
	err = loop_begin(l);
	if (!err) {
		err = change_file(l, f, old);
		loop_end(l);
	}
	if (err)
		file_put(f);
	put_all(old);
	return err;
}

/* ---- simple settings ---- */

static int direct_ioctl(struct loop *l, u64 on)
{
	if (l->state != LOOP_BOUND)
		return -ENXIO;
	direct_update(l, on != 0);
	return (l->direct != NULL) == (on != 0) ? 0 : -EINVAL;
}

static int block_size_ioctl(struct loop *l, u64 bytes)
{
	bool direct = l->direct;
	int err;

	if (l->state != LOOP_BOUND)
		return -ENXIO;
	if (bytes < SECTOR_BYTES || bytes > PAGE_SIZE || bytes & (bytes - 1))
		return -EINVAL;
	if (bytes == l->disk.limits.block_bytes)
		return 0;
	err = mapping_sync(&l->disk.whole.mapping, 0, ~0ull);
	if (!err && mapping_invalidate(&l->disk.whole.mapping, 0, ~0ull >> PAGE_SHIFT))
		err = -EAGAIN;
	if (err)
		return err;
	loop_quiet(l);
	limits_bound(l, (u32)bytes);
	(void)direct_set(l, direct);
	loop_loud(l);
	return 0;
}

static int change_simple(struct loop *l, u32 cmd, u64 arg, const struct loop_info64 *info)
{
	int err = loop_begin(l);

	if (err)
		return err;
	switch (cmd) {
	case LOOP_SET_CAPACITY:
		err = l->state == LOOP_BOUND ? 0 : -ENXIO;
		if (!err)
			size_update(l);
		break;
	case LOOP_SET_DIRECT_IO: err = direct_ioctl(l, arg); break;
	case LOOP_SET_BLOCK_SIZE: err = block_size_ioctl(l, arg); break;
	default: err = status_set(l, info); break;
	}
	loop_end(l);
	return err;
}

static s64 status_get_ioctl(struct loop *l, bool old, uaddr_t arg)
{
	struct loop_info64 info;
	struct loop_info narrow;
	int err = loop_begin(l);

	if (err)
		return err;
	err = status_get(l, &info);
	loop_end(l);
	if (uaddr_null(arg) && !err)
		err = -EINVAL;
	if (err)
		return err;
	if (!old)
		return copy_out(arg, &info, sizeof(info));
	err = info_narrow(&info, &narrow);
	return err ? err : copy_out(arg, &narrow, sizeof(narrow));
}

static s64 status_set_ioctl(struct loop *l, bool old, uaddr_t arg)
{
	struct loop_info64 info;
	struct loop_info narrow;

	if (old) {
		if (copy_in(&narrow, arg, sizeof(narrow)))
			return -EFAULT;
		info_widen(&narrow, &info);
	} else if (copy_in(&info, arg, sizeof(info))) {
		return -EFAULT;
	}
	return change_simple(l, LOOP_SET_STATUS64, 0, &info);
}

static s64 configure_ioctl(struct loop *l, u32 mode, u32 cmd, u64 arg)
{
	struct loop_config c = { .fd = (u32)arg };

	if (cmd == LOOP_CONFIGURE && copy_in(&c, uaddr(arg), sizeof(c)))
		return -EFAULT;
	return configure(l, mode, &c);
}

s64 loop_ioctl(struct block_device *b, u32 mode, u32 cmd, u64 arg)
{
	struct loop *l = b->disk->private;
	bool may_set = mode & FMODE_WRITE || capable(CAP_SYS_ADMIN);

	switch (cmd) {
	case LOOP_SET_FD:
	case LOOP_CONFIGURE: return configure_ioctl(l, mode, cmd, arg);
	case LOOP_CHANGE_FD: return change(l, arg);
	case LOOP_CLR_FD: return clear(l);
	case LOOP_GET_STATUS:
	case LOOP_GET_STATUS64: return status_get_ioctl(l, cmd == LOOP_GET_STATUS, uaddr(arg));
	case LOOP_SET_STATUS:
	case LOOP_SET_STATUS64: return may_set ? status_set_ioctl(l, cmd == LOOP_SET_STATUS, uaddr(arg)) : -EPERM;
	case LOOP_SET_CAPACITY:
	case LOOP_SET_DIRECT_IO:
	case LOOP_SET_BLOCK_SIZE: return may_set ? change_simple(l, cmd, arg, NULL) : -EPERM;
	default: return -EINVAL;	/* as Linux's says, alone among block devices */
	}
}
