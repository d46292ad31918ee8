/*
 * ext4's format on disk: little endian but for the journal, which is big endian (journal.h).
 *
 * Pure: structs, constants, and nothing that knows of a mounted file system.
 * Source: Documentation/filesystems/ext4 of Linux 6.1.
 */
#ifndef FS_EXT4_FORMAT_H
#define FS_EXT4_FORMAT_H

#include "base/types.h"

enum {
	EXT4_MAGIC = 0xef53, EXT4_SB_OFFSET = 1024, EXT4_SB_BYTES = 1024,
	EXT4_ROOT_INO = 2, EXT4_RESIZE_INO = 7, EXT4_JOURNAL_INO = 8, EXT4_GOOD_OLD_FIRST_INO = 11,
	EXT4_LINK_MAX = 65000, EXT4_NAME_MAX = 255, EXT4_N_BLOCKS = 15,
	EXT4_GOOD_OLD_INODE_SIZE = 128, EXT4_DESC_MIN = 32, EXT4_DESC_64 = 64,
};

/* s_state, s_errors */
enum { EXT4_VALID_FS = 1, EXT4_ERROR_FS = 2, EXT4_ORPHAN_FS = 4 };
enum { EXT4_ERRORS_CONTINUE = 1, EXT4_ERRORS_RO = 2, EXT4_ERRORS_PANIC = 3 };

enum {
	COMPAT_DIR_PREALLOC = 1, COMPAT_IMAGIC = 2, COMPAT_HAS_JOURNAL = 4, COMPAT_EXT_ATTR = 8, COMPAT_RESIZE_INODE = 0x10,
	COMPAT_DIR_INDEX = 0x20, COMPAT_SPARSE_SUPER2 = 0x200, COMPAT_FAST_COMMIT = 0x400, COMPAT_STABLE_INODES = 0x800,
	COMPAT_ORPHAN_FILE = 0x1000,
};
enum {
	INCOMPAT_COMPRESSION = 1, INCOMPAT_FILETYPE = 2, INCOMPAT_RECOVER = 4, INCOMPAT_JOURNAL_DEV = 8, INCOMPAT_META_BG = 0x10,
	INCOMPAT_EXTENTS = 0x40, INCOMPAT_64BIT = 0x80, INCOMPAT_MMP = 0x100, INCOMPAT_FLEX_BG = 0x200, INCOMPAT_EA_INODE = 0x400,
	INCOMPAT_DIRDATA = 0x1000, INCOMPAT_CSUM_SEED = 0x2000, INCOMPAT_LARGEDIR = 0x4000, INCOMPAT_INLINE_DATA = 0x8000,
	INCOMPAT_ENCRYPT = 0x10000, INCOMPAT_CASEFOLD = 0x20000,
	INCOMPAT_KNOWN = INCOMPAT_FILETYPE | INCOMPAT_RECOVER | INCOMPAT_META_BG | INCOMPAT_EXTENTS | INCOMPAT_64BIT |
			 INCOMPAT_FLEX_BG | INCOMPAT_CSUM_SEED | INCOMPAT_LARGEDIR | INCOMPAT_INLINE_DATA,
};
enum {
	RO_SPARSE_SUPER = 1, RO_LARGE_FILE = 2, RO_BTREE_DIR = 4, RO_HUGE_FILE = 8, RO_GDT_CSUM = 0x10, RO_DIR_NLINK = 0x20,
	RO_EXTRA_ISIZE = 0x40, RO_QUOTA = 0x100, RO_BIGALLOC = 0x200, RO_METADATA_CSUM = 0x400, RO_READONLY = 0x1000,
	RO_PROJECT = 0x2000, RO_VERITY = 0x8000, RO_ORPHAN_PRESENT = 0x10000,
	RO_KNOWN = RO_SPARSE_SUPER | RO_LARGE_FILE | RO_HUGE_FILE | RO_GDT_CSUM | RO_DIR_NLINK | RO_EXTRA_ISIZE |
		   RO_METADATA_CSUM,
};

struct ext4_super_block {
	u32 s_inodes_count, s_blocks_count_lo, s_r_blocks_count_lo, s_free_blocks_count_lo, s_free_inodes_count;
	u32 s_first_data_block, s_log_block_size, s_log_cluster_size, s_blocks_per_group, s_clusters_per_group;
	u32 s_inodes_per_group, s_mtime, s_wtime;
	u16 s_mnt_count, s_max_mnt_count, s_magic, s_state, s_errors, s_minor_rev_level;
	u32 s_lastcheck, s_checkinterval, s_creator_os, s_rev_level;
	u16 s_def_resuid, s_def_resgid;
	u32 s_first_ino;
	u16 s_inode_size, s_block_group_nr;
	u32 s_feature_compat, s_feature_incompat, s_feature_ro_compat;
	u8 s_uuid[16];
	char s_volume_name[16], s_last_mounted[64];
	u32 s_algorithm_usage_bitmap;
	u8 s_prealloc_blocks, s_prealloc_dir_blocks;
	u16 s_reserved_gdt_blocks;
	u8 s_journal_uuid[16];
	u32 s_journal_inum, s_journal_dev, s_last_orphan, s_hash_seed[4];
	u8 s_def_hash_version, s_jnl_backup_type;
	u16 s_desc_size;
	u32 s_default_mount_opts, s_first_meta_bg, s_mkfs_time, s_jnl_blocks[17];
	u32 s_blocks_count_hi, s_r_blocks_count_hi, s_free_blocks_count_hi;
	u16 s_min_extra_isize, s_want_extra_isize;
	u32 s_flags;
	u16 s_raid_stride, s_mmp_update_interval;
	u64 s_mmp_block;
	u32 s_raid_stripe_width;
	u8 s_log_groups_per_flex, s_checksum_type, s_encryption_level, s_reserved_pad;
	u64 s_kbytes_written;
	u32 s_snapshot_inum, s_snapshot_id;
	u64 s_snapshot_r_blocks_count;
	u32 s_snapshot_list, s_error_count, s_first_error_time, s_first_error_ino;
	u64 s_first_error_block;
	u8 s_first_error_func[32];
	u32 s_first_error_line, s_last_error_time, s_last_error_ino, s_last_error_line;
	u64 s_last_error_block;
	u8 s_last_error_func[32], s_mount_opts[64];
	u32 s_usr_quota_inum, s_grp_quota_inum, s_overhead_blocks, s_backup_bgs[2];
	u8 s_encrypt_algos[4], s_encrypt_pw_salt[16];
	u32 s_lpf_ino, s_prj_quota_inum, s_checksum_seed;
	u8 s_hi_times[8];
	u16 s_encoding, s_encoding_flags;
	u32 s_orphan_file_inum, s_reserved[94], s_checksum;
} PACKED;
static_assert(sizeof(struct ext4_super_block) == 1024, "super block");

enum { SB_FLAG_SIGNED_HASH = 1, SB_FLAG_UNSIGNED_HASH = 2 };
enum { DEFM_ACL = 8, DEFM_XATTR_USER = 4, DEFM_DISCARD = 0x400, DEFM_NOBARRIER = 0x100, DEFM_JMODE = 0x60, DEFM_JMODE_DATA = 0x20 };

struct ext4_group_desc {
	u32 bg_block_bitmap_lo, bg_inode_bitmap_lo, bg_inode_table_lo;
	u16 bg_free_blocks_count_lo, bg_free_inodes_count_lo, bg_used_dirs_count_lo, bg_flags;
	u32 bg_exclude_bitmap_lo;
	u16 bg_block_bitmap_csum_lo, bg_inode_bitmap_csum_lo, bg_itable_unused_lo, bg_checksum;
	/* with 64bit */
	u32 bg_block_bitmap_hi, bg_inode_bitmap_hi, bg_inode_table_hi;
	u16 bg_free_blocks_count_hi, bg_free_inodes_count_hi, bg_used_dirs_count_hi, bg_itable_unused_hi;
	u32 bg_exclude_bitmap_hi;
	u16 bg_block_bitmap_csum_hi, bg_inode_bitmap_csum_hi;
	u32 bg_reserved;
} PACKED;
static_assert(sizeof(struct ext4_group_desc) == 64, "group descriptor");

enum { BG_INODE_UNINIT = 1, BG_BLOCK_UNINIT = 2, BG_INODE_ZEROED = 4 };

struct ext4_raw_inode {
	u16 i_mode, i_uid_lo;
	u32 i_size_lo, i_atime, i_ctime, i_mtime, i_dtime;
	u16 i_gid_lo, i_links_count;
	u32 i_blocks_lo, i_flags, i_version_lo;
	u8 i_block[60];
	u32 i_generation, i_file_acl_lo, i_size_hi, i_obso_faddr;
	u16 i_blocks_hi, i_file_acl_hi, i_uid_hi, i_gid_hi, i_checksum_lo, i_reserved;
	/* beyond 128 bytes */
	u16 i_extra_isize, i_checksum_hi;
	u32 i_ctime_extra, i_mtime_extra, i_atime_extra, i_crtime, i_crtime_extra, i_version_hi, i_projid;
} PACKED;
static_assert(sizeof(struct ext4_raw_inode) == 160, "inode");

/* i_flags */
enum {
	FL_SYNC = 8, FL_IMMUTABLE = 0x10, FL_APPEND = 0x20, FL_NODUMP = 0x40, FL_NOATIME = 0x80, FL_ENCRYPT = 0x800,
	FL_INDEX = 0x1000, FL_JOURNAL_DATA = 0x4000, FL_NOTAIL = 0x8000, FL_DIRSYNC = 0x10000, FL_TOPDIR = 0x20000,
	FL_HUGE_FILE = 0x40000, FL_EXTENTS = 0x80000, FL_VERITY = 0x100000, FL_EA_INODE = 0x200000,
	FL_INLINE_DATA = 0x10000000, FL_PROJINHERIT = 0x20000000, FL_CASEFOLD = 0x40000000,
	FL_USER_VISIBLE = 0x705bdfff, FL_USER_MODIFIABLE = 0x604bc0ff,
	FL_INHERITED = FL_SYNC | FL_NODUMP | FL_NOATIME | FL_NOTAIL | FL_DIRSYNC | FL_PROJINHERIT | 0x4 | 0x400000 | 0x4 | FL_JOURNAL_DATA | 0x1 | 0x2,
	FL_REG_FLMASK = ~(FL_DIRSYNC | FL_TOPDIR | FL_CASEFOLD | FL_PROJINHERIT), FL_OTHER_FLMASK = FL_NODUMP | FL_NOATIME,
};

/* extents */
enum { EXT_MAGIC = 0xf30a, EXT_DEPTH_MAX = 5, EXT_LEN_MAX = 32768, EXT_UNWRITTEN_MAX = 32767 };
struct ext4_extent_header { u16 eh_magic, eh_entries, eh_max, eh_depth; u32 eh_generation; } PACKED;
struct ext4_extent { u32 ee_block; u16 ee_len, ee_start_hi; u32 ee_start_lo; } PACKED;
struct ext4_extent_idx { u32 ei_block, ei_leaf_lo; u16 ei_leaf_hi, ei_unused; } PACKED;

/* directories */
enum { DIRENT_HEAD = 8, DIR_TAIL_BYTES = 12, DIR_TAIL_TYPE = 0xde };
struct ext4_dirent { u32 inode; u16 rec_len; u8 name_len, file_type; char name[]; } PACKED;
struct ext4_dir_tail { u32 zero1; u16 rec_len; u8 zero2, type; u32 checksum; } PACKED;
enum { FT_UNKNOWN, FT_REG, FT_DIR, FT_CHR, FT_BLK, FT_FIFO, FT_SOCK, FT_LNK };
enum { HASH_LEGACY, HASH_HALF_MD4, HASH_TEA, HASH_LEGACY_U, HASH_HALF_MD4_U, HASH_TEA_U };
struct ext4_dx_entry { u32 hash, block; } PACKED;	/* the first one's hash is limit and count */
struct ext4_dx_root_info { u32 zero; u8 hash_version, info_length, indirect_levels, unused_flags; } PACKED;
enum { DX_ROOT_INFO_AT = 24, DX_ROOT_ENTRIES_AT = 32, DX_NODE_ENTRIES_AT = 8 };

/* extended attributes */
enum { XATTR_MAGIC = 0xea020000, XATTR_IDX_USER = 1, XATTR_IDX_ACL_ACCESS = 2, XATTR_IDX_ACL_DEFAULT = 3, XATTR_IDX_TRUSTED = 4,
       XATTR_IDX_SECURITY = 6, XATTR_IDX_SYSTEM = 7, XATTR_REFS_MAX = 1024 };
struct ext4_xattr_header { u32 h_magic, h_refcount, h_blocks, h_hash, h_checksum, h_reserved[3]; } PACKED;
struct ext4_xattr_entry { u8 e_name_len, e_name_index; u16 e_value_offs; u32 e_value_inum, e_value_size, e_hash; char e_name[]; } PACKED;

static inline u64 ext4_join(u32 lo, u32 hi) { return (u64)hi << 32 | lo; }

#endif
