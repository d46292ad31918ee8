/*
 * Mounting ext4: the superblock and what it promises, options, errors, the end.
 *
 * Everything that the superblock says is checked here once, so that nothing after it divides by zero or shifts too far.
 * Source: Documentation/filesystems/ext4/super.rst, ext4(5).
 */
#include <linux/fcntl.h>
#include "base/printf.h"
#include "fs/ext4/ext4.h"
#include "fs/ext4/fs.h"
#include "kern/printk.h"
#include "kern/random.h"
#include "kern/timer.h"
#include "vfs/internal.h"
#include "vfs/mount.h"

static struct slab_cache *inode_cache;
static struct mutex devices_lock;
static struct ext4 *mounts[64];	/* [devices_lock] which devices are in use */

/* ---- errors ---- */

static void handle_error(struct ext4 *fs)
{
	fs->errors_seen++;
	if (fs->opt.errors == EXT4_ERRORS_PANIC)
		panic("ext4 (%s): errors=panic", fs->super->id);
	if (fs->read_only || !fs->mounted_rw)
		return;
	fs->sb->s_state |= EXT4_ERROR_FS;
	fs->sb->s_error_count++;
	fs->sb->s_last_error_time = (u32)time_now().sec;
	if (!fs->sb->s_first_error_time)
		fs->sb->s_first_error_time = fs->sb->s_last_error_time;
	if (fs->opt.errors == EXT4_ERRORS_RO && !(fs->super->flags & SUPER_RDONLY)) {
		pr_err("ext4 (%s): remounted read-only\n", fs->super->id);
		journal_abort(fs, -EIO, "the disk's contents are damaged");
	}
}

static void say(struct ext4 *fs, const struct inode *i, const char *fmt, va_list ap)
{
	char text[200];

	vscnprintf(text, sizeof(text), fmt, ap);
	/* a damaged disk can fill the log: after some lines the count must do */
	if (fs->errors_seen < 50) {
		if (i)
			pr_err("ext4 (%s): error: inode %llu: %s\n", fs->super->id, i->ino, text);
		else
			pr_err("ext4 (%s): error: %s\n", fs->super->id, text);
	}
	handle_error(fs);
}

int ext4_error(struct ext4 *fs, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(fs, NULL, fmt, ap);
	va_end(ap);
	return -EFSCORRUPTED;
}

int ext4_error_inode(const struct inode *i, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(ext4_of(i), i, fmt, ap);
	va_end(ap);
	return -EFSCORRUPTED;
}

/* ---- options ---- */

static int option_number(const char *value, u32 max, u32 *out)
{
	u64 v;
	int err = value ? parse_u64(value, 10, &v) : -EINVAL;

	if (!err && v > max)
		err = -EINVAL;
	if (!err)
		*out = (u32)v;
	return err;
}

static int option_errors(const char *value, u32 *out)
{
	if (value && !strcmp(value, "continue"))
		*out = EXT4_ERRORS_CONTINUE;
	else if (value && !strcmp(value, "remount-ro"))
		*out = EXT4_ERRORS_RO;
	else if (value && !strcmp(value, "panic"))
		*out = EXT4_ERRORS_PANIC;
	else
		return -EINVAL;
	return 0;
}

static const struct { const char *name; u16 at; bool value; } switches[] = {
	{ "noload", offsetof(struct fs_options, noload), true }, { "norecovery", offsetof(struct fs_options, noload), true },
	{ "barrier", offsetof(struct fs_options, nobarrier), false }, { "nobarrier", offsetof(struct fs_options, nobarrier), true },
	{ "discard", offsetof(struct fs_options, discard), true }, { "nodiscard", offsetof(struct fs_options, discard), false },
	{ "acl", offsetof(struct fs_options, acl), true }, { "noacl", offsetof(struct fs_options, acl), false },
	{ "user_xattr", offsetof(struct fs_options, user_xattr), true }, { "nouser_xattr", offsetof(struct fs_options, user_xattr), false },
	{ "delalloc", offsetof(struct fs_options, nodelalloc), false }, { "nodelalloc", offsetof(struct fs_options, nodelalloc), true },
	{ "debug", offsetof(struct fs_options, debug), true },
};

/* What changes nothing here, and is accepted as Linux does. */
static const char *const no_ops[] = {
	"auto_da_alloc", "noauto_da_alloc", "init_itable", "noinit_itable", "block_validity", "noblock_validity", "grpid", "nogrpid",
	"bsdgroups", "sysvgroups", "minixdf", "bsddf", "dioread_lock", "dioread_nolock", "lazytime", "nolazytime", "i_version",
	"journal_checksum", "nojournal_checksum", "max_batch_time", "min_batch_time", "stripe", "inode_readahead_blks", "oldalloc", "orlov",
	"prefetch_block_bitmaps", "no_prefetch_block_bitmaps", "mb_optimize_scan", "nouid32", "abort", "data_err", "quota", "noquota",
};

static int parse_option(struct ext4 *fs, struct fs_options *o, const char *key, const char *value)
{
	for (unsigned k = 0; k < ARRAY_SIZE(switches); k++)
		if (!strcmp(key, switches[k].name)) {
			bool on = !(value && !strcmp(value, "0"));

			*((bool *)o + switches[k].at / sizeof(bool)) = on ? switches[k].value : !switches[k].value;
			return 0;
		}
	if (!strcmp(key, "errors"))
		return option_errors(value, &o->errors);
	if (!strcmp(key, "commit"))
		return option_number(value, 3600, &o->commit_sec);
	if (!strcmp(key, "resuid"))
		return option_number(value, ~0u, &o->resuid);
	if (!strcmp(key, "resgid"))
		return option_number(value, ~0u, &o->resgid);
	if (!strcmp(key, "data")) {
		/* writeback is no less than ordered here; the journal holds no data */
		if (value && (!strcmp(value, "ordered") || !strcmp(value, "writeback")))
			return 0;
		pr_err("ext4 (%s): data=%s: ordered and writeback are known\n", fs->super->id, value ? value : "");
		return -EINVAL;
	}
	for (unsigned k = 0; k < ARRAY_SIZE(no_ops); k++)
		if (!strcmp(key, no_ops[k]))
			return 0;
	pr_err("ext4 (%s): unknown mount option %s\n", fs->super->id, key);
	return -EINVAL;
}

static int parse_options(struct ext4 *fs, struct fs_options *o, const char *options)
{
	char *copy = kstrdup(options ? options : "", ALLOC_KERNEL), *rest = copy, *key, *value;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && option_next(&rest, &key, &value))
		err = parse_option(fs, o, key, value);
	if (!o->commit_sec)
		o->commit_sec = 5;
	kfree(copy);
	return err;
}

static void default_options(struct ext4 *fs)
{
	const struct ext4_super_block *sb = fs->sb;
	u32 d = sb->s_default_mount_opts;

	fs->opt = (struct fs_options){ .acl = true, .user_xattr = true, .commit_sec = 5, .errors = sb->s_errors,
				       .resuid = sb->s_def_resuid, .resgid = sb->s_def_resgid,
				       .discard = d & DEFM_DISCARD, .nobarrier = d & DEFM_NOBARRIER };
	if (fs->opt.errors < EXT4_ERRORS_CONTINUE || fs->opt.errors > EXT4_ERRORS_PANIC)
		fs->opt.errors = EXT4_ERRORS_CONTINUE;
}

/* ---- the superblock ---- */

static int refuse(struct ext4 *fs, const char *what, u64 value)
{
	pr_err("ext4 (%s): %s (%#llx)\n", fs->super->id, what, value);
	return -EINVAL;
}

static int check_features(struct ext4 *fs, bool read_only)
{
	const struct ext4_super_block *sb = fs->sb;
	u32 incompat = sb->s_feature_incompat & ~(u32)INCOMPAT_KNOWN, ro = sb->s_feature_ro_compat & ~(u32)(RO_KNOWN | RO_READONLY);

	if (incompat)
		return refuse(fs, "features not known here", incompat);
	if (sb->s_feature_ro_compat & RO_BIGALLOC)
		return refuse(fs, "bigalloc is not known here", sb->s_feature_ro_compat);
	if (ro & ~(u32)RO_ORPHAN_PRESENT && !read_only)
		return refuse(fs, "features not known here, but for reading", ro);
	if (ro & RO_ORPHAN_PRESENT && !read_only)
		return refuse(fs, "the orphan file holds orphans; e2fsck deletes them", ro);
	if (sb->s_feature_compat & COMPAT_FAST_COMMIT && sb->s_feature_incompat & INCOMPAT_RECOVER)
		return refuse(fs, "the journal may hold fast commits; e2fsck replays them", sb->s_feature_compat);
	return 0;
}

static int check_sizes(struct ext4 *fs)
{
	const struct ext4_super_block *sb = fs->sb;
	u32 bits = fs->block_bytes * 8;

	fs->inode_bytes = sb->s_rev_level ? sb->s_inode_size : EXT4_GOOD_OLD_INODE_SIZE;
	fs->first_ino = sb->s_rev_level ? sb->s_first_ino : EXT4_GOOD_OLD_FIRST_INO;
	if (fs->inode_bytes < EXT4_GOOD_OLD_INODE_SIZE || fs->inode_bytes > fs->block_bytes || !is_power_of_2(fs->inode_bytes))
		return refuse(fs, "inode size", fs->inode_bytes);
	if (fs->block_bytes / fs->inode_bytes > 64)
		return refuse(fs, "inodes per block", fs->block_bytes / fs->inode_bytes);
	if (fs->first_ino < EXT4_GOOD_OLD_FIRST_INO)
		return refuse(fs, "first inode", fs->first_ino);
	fs->desc_bytes = fs->has_64bit ? sb->s_desc_size : EXT4_DESC_MIN;
	if (fs->desc_bytes < (fs->has_64bit ? 64u : 32u) || fs->desc_bytes > 1024 || !is_power_of_2(fs->desc_bytes))
		return refuse(fs, "descriptor size", fs->desc_bytes);
	if (fs->desc_bytes > sizeof(struct ext4_group_desc) && fs->has_64bit && fs->desc_bytes > fs->block_bytes)
		return refuse(fs, "descriptor size", fs->desc_bytes);
	fs->blocks_per_group = sb->s_blocks_per_group;
	fs->inodes_per_group = sb->s_inodes_per_group;
	fs->inodes_per_block = fs->block_bytes / fs->inode_bytes;
	fs->descs_per_block = fs->block_bytes / fs->desc_bytes;
	if (fs->blocks_per_group < 256 || fs->blocks_per_group > bits || fs->blocks_per_group & 7)
		return refuse(fs, "blocks per group", fs->blocks_per_group);
	if (fs->inodes_per_group < fs->inodes_per_block || fs->inodes_per_group > bits || fs->inodes_per_group & 7)
		return refuse(fs, "inodes per group", fs->inodes_per_group);
	fs->itable_blocks = DIV_ROUND_UP(fs->inodes_per_group, fs->inodes_per_block);
	return 0;
}

static int check_counts(struct ext4 *fs)
{
	const struct ext4_super_block *sb = fs->sb;
	u64 device = atomic_load(&fs->bdev->sectors) / fs->sectors_per_block, groups;

	fs->blocks = ext4_join(sb->s_blocks_count_lo, fs->has_64bit ? sb->s_blocks_count_hi : 0);
	fs->first_data_block = sb->s_first_data_block;
	fs->inodes = sb->s_inodes_count;
	if (fs->first_data_block != (fs->block_bytes == 1024))
		return refuse(fs, "first data block", fs->first_data_block);
	if (fs->blocks <= fs->first_data_block + 8 || fs->blocks > device)
		return refuse(fs, "more blocks than the device has, or none", fs->blocks);
	groups = DIV_ROUND_UP(fs->blocks - fs->first_data_block, (u64)fs->blocks_per_group);
	if (groups > (1u << 24) || groups * fs->inodes_per_group != fs->inodes)
		return refuse(fs, "inodes in all", fs->inodes);
	fs->groups = (u32)groups;
	fs->desc_blocks = DIV_ROUND_UP(fs->groups, fs->descs_per_block);
	if (sb->s_feature_incompat & INCOMPAT_META_BG && sb->s_first_meta_bg > fs->desc_blocks)
		return refuse(fs, "first meta group", sb->s_first_meta_bg);
	u64 reserved = ext4_join(sb->s_r_blocks_count_lo, fs->has_64bit ? sb->s_r_blocks_count_hi : 0);

	if (reserved > fs->blocks)
		return refuse(fs, "reserved blocks", reserved);
	if (sb->s_reserved_gdt_blocks > fs->block_bytes / 4)
		return refuse(fs, "reserved descriptor blocks", sb->s_reserved_gdt_blocks);
	fs->root_blocks = (s64)reserved;
	fs->margin = (s64)MIN(fs->blocks / 50, 4096ull);
	return 0;
}

static void read_constants(struct ext4 *fs)
{
	const struct ext4_super_block *sb = fs->sb;

	fs->has_64bit = sb->s_feature_incompat & INCOMPAT_64BIT;
	fs->flex = sb->s_feature_incompat & INCOMPAT_FLEX_BG;
	fs->csum = sb->s_feature_ro_compat & RO_METADATA_CSUM;
	fs->gdt_csum = !fs->csum && sb->s_feature_ro_compat & RO_GDT_CSUM;
	fs->csum_seed = sb->s_feature_incompat & INCOMPAT_CSUM_SEED ? sb->s_checksum_seed : crc32c(~0u, sb->s_uuid, 16);
	memcpy(fs->hash_seed, sb->s_hash_seed, sizeof(fs->hash_seed));
	fs->hash_version = sb->s_def_hash_version <= HASH_TEA ? sb->s_def_hash_version : HASH_HALF_MD4;
	fs->hash_unsigned = sb->s_flags & SB_FLAG_UNSIGNED_HASH ? 3 : 0;
}

/* The first look needs a block size, which is in the superblock: read by sectors. */
static int read_super(struct ext4 *fs)
{
	struct ext4_super_block *sb = kmalloc(sizeof(*sb), ALLOC_KERNEL);
	int err = -ENOMEM;

	if (!sb)
		return err;
	fs->block_bits = 10;
	fs->block_bytes = 1024;
	fs->sectors_per_block = 2;
	u32 logical = fs->bdev->disk->limits.block_bytes;

	if (logical > 1024) {
		u8 *page = kmalloc(logical, ALLOC_KERNEL);

		fs->block_bytes = logical;
		fs->sectors_per_block = logical / 512;
		err = page ? ext4_io(fs, BIO_READ, 0, page, 1, 0) : -ENOMEM;
		if (!err)
			memcpy(sb, page + 1024, sizeof(*sb));
		kfree(page);
	} else {
		err = ext4_io(fs, BIO_READ, 1, sb, 1, 0);
	}
	if (err) {
		err = err == -ENOMEM ? err : -EINVAL;
	} else if (sb->s_magic != EXT4_MAGIC) {
		err = -EINVAL;
	} else if (sb->s_log_block_size > 2) {
		err = refuse(fs, "blocks larger than 4096 bytes", sb->s_log_block_size);
	} else if (sb->s_feature_ro_compat & RO_METADATA_CSUM &&
		   (sb->s_checksum_type != 1 || sb->s_checksum != crc32c(~0u, sb, offsetof(struct ext4_super_block, s_checksum)))) {
		pr_err("ext4 (%s): the superblock's checksum is wrong\n", fs->super->id);
		err = -EFSBADCRC;
	} else {
		fs->block_bits = 10 + sb->s_log_block_size;
		fs->block_bytes = 1024u << sb->s_log_block_size;
		fs->sectors_per_block = fs->block_bytes / 512;
		if (fs->block_bytes < logical)
			err = refuse(fs, "blocks smaller than the device's", fs->block_bytes);
	}
	kfree(sb);
	return err;
}

static int hold_super(struct ext4 *fs)
{
	u64 block = fs->block_bytes == 1024 ? 1 : 0;

	buf_cache_init(fs);
	if (!fs->buf_table)
		return -ENOMEM;
	struct buf *b = buf_read(fs, block, BUF_SUPER);

	if (IS_ERR(b))
		return (int)PTR_ERR(b);
	fs->sb_buf = b;
	fs->sb = (void *)(b->data + (fs->block_bytes == 1024 ? 0 : 1024));
	return 0;
}

static int write_super(struct ext4 *fs)
{
	if (fs->csum)
		fs->sb->s_checksum = crc32c(~0u, fs->sb, offsetof(struct ext4_super_block, s_checksum));
	return ext4_io(fs, BIO_WRITE, fs->sb_buf->block, fs->sb_buf->data, 1, BIO_FUA);
}

/* ---- read-only and back ---- */

static int go_rw(struct ext4 *fs)
{
	int err = check_features(fs, false);

	if (err)
		return err;
	if (fs->bdev->disk->limits.read_only || fs->sb->s_feature_ro_compat & RO_READONLY)
		return -EROFS;
	if (fs->opt.noload && fs->sb->s_feature_incompat & INCOMPAT_RECOVER)
		return -EROFS;
	if (fs->sb->s_state & EXT4_ERROR_FS)
		pr_warn("ext4 (%s): the file system was marked as damaged; e2fsck is due\n", fs->super->id);
	if (fs->sb->s_feature_compat & COMPAT_HAS_JOURNAL)
		fs->sb->s_feature_incompat |= INCOMPAT_RECOVER;
	else
		fs->sb->s_state &= ~(u16)EXT4_VALID_FS;
	fs->sb->s_mnt_count++;
	fs->sb->s_mtime = (u32)time_now().sec;
	err = write_super(fs);
	if (err)
		return err;
	err = ext4_later_start(fs);
	if (err)
		return err;
	fs->read_only = false;
	fs->mounted_rw = true;
	journal_start_thread(fs);
	orphan_cleanup(fs);
	return 0;
}

/* Everything to its place; the log is empty and the superblock says so. */
static int go_ro(struct ext4 *fs)
{
	int err;

	if (fs->read_only)
		return 0;
	journal_stop_thread(fs);
	err = journal_checkpoint(fs);
	if (err)
		return err;
	fs->read_only = true;
	ext4_later_stop(fs);
	err = journal_quiesce(fs);
	fs->sb->s_feature_incompat &= ~(u32)INCOMPAT_RECOVER;
	if (!(fs->sb->s_state & EXT4_ERROR_FS))
		fs->sb->s_state |= EXT4_VALID_FS;
	if (!err)
		err = write_super(fs);
	if (!err)
		err = block_flush(fs->bdev);
	fs->mounted_rw = false;
	return err;
}

/* ---- the VFS's calls ---- */

static struct inode *alloc_inode(struct super *s)
{
	struct ext4_inode *e = slab_alloc(inode_cache, ALLOC_NOFS);

	if (!e)
		return NULL;
	memset(e, 0, sizeof(*e));
	rwsem_init(&e->gate, RANK_FS_PRIVATE);
	rwsem_init(&e->map_lock, RANK_FS_PRIVATE2);
	spin_init(&e->da_lock, RANK_FS_SPIN);
	list_init(&e->orphan);
	return &e->vfs;
}

static void free_inode(struct inode *i)
{
	acl_drop(i);
	kfree(i->link);
	slab_free(inode_cache, ext4_i(i));
}

static int ext4_statfs(struct super *s, struct fs_stat *out)
{
	struct ext4 *fs = s->private;
	const struct ext4_super_block *sb = fs->sb;
	u64 overhead = sb->s_overhead_blocks ? sb->s_overhead_blocks : fs->overhead;
	s64 avail = fs->free_blocks - fs->reserved;

	avail = MAX(avail, 0ll);
	*out = (struct fs_stat){ .type = EXT4_MAGIC, .bsize = fs->block_bytes, .frsize = fs->block_bytes, .blocks = fs->blocks - overhead,
				 .bfree = (u64)avail, .files = fs->inodes, .ffree = (u64)fs->free_inodes, .namelen = EXT4_NAME_MAX };
	avail -= fs->root_blocks + fs->margin;
	out->bavail = (u64)MAX(avail, 0ll);
	return 0;
}

static void flush_one(struct inode *i)
{
	(void)!ext4_inode_flush(i);
}

static int ext4_sync(struct super *s, bool wait)
{
	struct ext4 *fs = s->private;

	if (fs->read_only)
		return 0;
	super_for_each_inode(s, flush_one);
	u32 tid = journal_running_tid(fs);

	if (journal_committed(fs, tid))
		return wait && !fs->opt.nobarrier ? block_flush(fs->bdev) : 0;
	return journal_commit(fs, tid);
}

static void sync_one(struct inode *i)
{
	(void)!mapping_sync(&i->mapping, 0, ~0ull);
	(void)!ext4_inode_flush(i);
}

static int ext4_remount(struct super *s, u32 flags, const char *options)
{
	struct ext4 *fs = s->private;
	struct fs_options o = fs->opt;
	int err = parse_options(fs, &o, options);

	if (err)
		return err;
	o.noload = fs->opt.noload;
	if (flags & SUPER_RDONLY && !fs->read_only) {
		super_for_each_inode(s, sync_one);
		err = go_ro(fs);
	} else if (!(flags & SUPER_RDONLY) && (fs->read_only || journal_aborted(fs))) {
		err = journal_aborted(fs) ? -EROFS : go_rw(fs);
	}
	if (!err)
		fs->opt = o;
	return err;
}

static void show_options(struct super *s, char *buf, size_t size)
{
	struct ext4 *fs = s->private;
	size_t n = 0;

	if (fs->opt.errors != EXT4_ERRORS_CONTINUE)
		n += scnprintf(buf + n, size - n, ",errors=%s", fs->opt.errors == EXT4_ERRORS_RO ? "remount-ro" : "panic");
	if (fs->opt.discard)
		n += scnprintf(buf + n, size - n, ",discard");
	if (fs->opt.nobarrier)
		n += scnprintf(buf + n, size - n, ",nobarrier");
	if (fs->opt.commit_sec != 5)
		n += scnprintf(buf + n, size - n, ",commit=%u", fs->opt.commit_sec);
	if (!fs->opt.acl)
		n += scnprintf(buf + n, size - n, ",noacl");
	if (!fs->opt.user_xattr)
		scnprintf(buf + n, size - n, ",nouser_xattr");
}

static void release(struct ext4 *fs)
{
	if (fs->journal)
		journal_close(fs);
	groups_free(fs);
	buf_put(fs->sb_buf);
	if (fs->buf_table)
		buf_cache_drop(fs);
	mapping_invalidate(&fs->bdev->mapping, 0, ~0ull);
	block_device_close(fs->bdev);
	fs->super->private = NULL;
	kfree(fs);
}

static void forget_mount(struct ext4 *fs)
{
	mutex_lock(&devices_lock);
	for (unsigned k = 0; k < ARRAY_SIZE(mounts); k++)
		if (mounts[k] == fs)
			mounts[k] = NULL;
	mutex_unlock(&devices_lock);
}

static void ext4_put(struct super *s)
{
	struct ext4 *fs = s->private;

	if (!fs->read_only && go_ro(fs))
		pr_err("ext4 (%s): not all could be written at unmount\n", s->id);
	ext4_later_stop(fs);	/* go_ro may have failed before it */
	forget_mount(fs);
	release(fs);
}

static const struct super_ops super_ops = {
	.alloc_inode = alloc_inode,
	.free_inode = free_inode,
	.evict = ext4_evict,
	.statfs = ext4_statfs,
	.sync = ext4_sync,
	.remount = ext4_remount,
	.show_options = show_options,
	.put = ext4_put,
};

/* ---- mounting ---- */

static u64 max_bytes(const struct ext4 *fs)
{
	return MIN(((1ull << 32) - 1) << fs->block_bits, 0x7fffffffffffffffull);
}

static int open_root(struct ext4 *fs)
{
	struct inode *root = ext4_iget(fs->super, EXT4_ROOT_INO);

	if (IS_ERR(root))
		return (int)PTR_ERR(root);
	if (!S_ISDIR(root->mode) || !root->nlink || !inode_size(root)) {
		inode_put(root);
		return ext4_error(fs, "the root is no directory");
	}
	fs->super->root = d_alloc_root(fs->super, root);
	return fs->super->root ? 0 : -ENOMEM;
}

static int load_groups(struct ext4 *fs)
{
	fs->group = kvmalloc(fs->groups * sizeof(*fs->group), ALLOC_KERNEL);
	fs->desc = kvmalloc(fs->desc_blocks * sizeof(*fs->desc), ALLOC_KERNEL);
	if (!fs->group || !fs->desc)
		return -ENOMEM;
	memset(fs->group, 0, fs->groups * sizeof(*fs->group));
	memset(fs->desc, 0, fs->desc_blocks * sizeof(*fs->desc));
	int err = groups_load(fs);

	return err ? err : zone_build(fs);
}

/* What the superblock says of the rest of the disk: at first, and again when a journal's replay has rewritten it. */
static int read_layout(struct ext4 *fs, bool read_only)
{
	const struct ext4_super_block *sb = fs->sb;

	if (sb->s_magic != EXT4_MAGIC || sb->s_log_block_size > 2 || 1024u << sb->s_log_block_size != fs->block_bytes)
		return refuse(fs, "the superblock changed its block size", sb->s_log_block_size);
	read_constants(fs);
	int err = check_features(fs, read_only);

	if (!err)
		err = check_sizes(fs);
	if (!err)
		err = check_counts(fs);
	return err ? err : load_groups(fs);
}

static int fill(struct ext4 *fs, const char *options, bool read_only)
{
	int err = read_super(fs);

	if (!err)
		err = hold_super(fs);
	if (err)
		return err;
	default_options(fs);
	err = parse_options(fs, &fs->opt, options);
	if (!err)
		err = read_layout(fs, read_only);
	fs->super->blksize = fs->block_bytes;
	fs->super->max_bytes = max_bytes(fs);
	fs->super->backing = &fs->bdev->disk->backing;
	fs->super->direct_bytes = fs->bdev->disk->limits.block_bytes;
	fs->super->attr_mask = 0;
	/* The journal's inode is needed before the journal is replayed, and the groups before that. */
	if (!err)
		err = journal_open(fs);
	if (!err && fs->replayed) {
		groups_free(fs);
		err = read_layout(fs, read_only);
	}
	if (!err)
		err = open_root(fs);
	if (!err && !read_only)
		err = go_rw(fs);
	return err;
}

static struct block_device *find_device(const char *source)
{
	struct path p;
	int err = path_lookup(AT_FDCWD, source, WALK_FOLLOW, &p);

	if (err)
		return ERR_PTR(err);
	struct inode *i = p.dentry->inode;
	struct block_device *b = S_ISBLK(i->mode) ? block_device_open(i->rdev) : ERR_PTR(-ENOTBLK);

	path_put(&p);
	return b ? b : ERR_PTR(-ENXIO);
}

/* Mounted a second time, a device gives the same instance. Return: it, NULL: there is none; else @slot is taken */
static struct super *find_mounted(struct block_device *b, u32 flags, struct ext4 *fresh)
{
	struct super *found = NULL;
	unsigned slot = ARRAY_SIZE(mounts);

	mutex_lock(&devices_lock);
	for (unsigned k = 0; k < ARRAY_SIZE(mounts); k++) {
		if (!mounts[k])
			slot = MIN(slot, k);
		else if (mounts[k]->bdev == b)
			found = mounts[k]->super->root ? mounts[k]->super : ERR_PTR(-EBUSY);
	}
	if (!IS_ERR_OR_NULL(found) && !atomic_inc_not_zero(&found->refs))
		found = ERR_PTR(-EBUSY);
	if (!found && slot < ARRAY_SIZE(mounts))
		mounts[slot] = fresh;
	else if (!found)
		found = ERR_PTR(-ENOMEM);
	mutex_unlock(&devices_lock);
	if (!IS_ERR_OR_NULL(found) && !!(found->flags & SUPER_RDONLY) != !!(flags & MNT_RDONLY)) {
		super_put(found);
		found = ERR_PTR(-EBUSY);
	}
	return found;
}

static struct super *ext4_mount(const struct fs_type *t, const char *source, const char *options, u32 flags)
{
	struct block_device *b = find_device(source);
	struct ext4 *fs;
	struct super *s;
	int err;

	if (IS_ERR(b))
		return ERR_CAST(b);
	if (b->disk->limits.read_only && !(flags & MNT_RDONLY)) {
		block_device_close(b);
		return ERR_PTR(-EACCES);
	}
	fs = kzalloc(sizeof(*fs), ALLOC_KERNEL);
	s = fs ? find_mounted(b, flags, fs) : ERR_PTR(-ENOMEM);
	if (s) {
		kfree(fs);
		block_device_close(b);
		return s;
	}
	fs->bdev = b;
	s = super_alloc(t, &super_ops, EXT4_MAGIC);
	if (!s) {
		forget_mount(fs);
		kfree(fs);
		block_device_close(b);
		return ERR_PTR(-ENOMEM);
	}
	fs->super = s;
	fs->read_only = true;
	s->private = fs;
	s->dev = b->rdev;
	strlcpy(s->id, b->name, sizeof(s->id));
	if (flags & MNT_RDONLY)
		s->flags |= SUPER_RDONLY;
	spin_init(&fs->count_lock, RANK_LEAF_SPIN);
	mutex_init(&fs->orphan_lock, RANK_FS_PRIVATE2);
	list_init(&fs->orphans);
	ext4_later_init(fs);
	/* what programs wrote to the device by way of its cache */
	err = mapping_sync(&b->mapping, 0, ~0ull);
	if (!err)
		err = fill(fs, options, flags & MNT_RDONLY);
	if (!err)
		return s;
	super_put(s);
	return ERR_PTR(err);
}

static struct fs_type ext4_type = { .name = "ext4", .mount = ext4_mount };
static struct fs_type ext3_type = { .name = "ext3", .mount = ext4_mount };
static struct fs_type ext2_type = { .name = "ext2", .mount = ext4_mount };

void ext4_init(void)
{
	inode_cache = slab_create("ext4_inode", sizeof(struct ext4_inode), 0);
	assert(inode_cache);
	mutex_init(&devices_lock, RANK_DEVICE);
	fs_register(&ext4_type);
	fs_register(&ext3_type);
	fs_register(&ext2_type);
}
