/*
 * The journal's format on disk (jbd2): big endian.  Pure.
 *
 * A transaction in the log is descriptor blocks, each followed by the blocks that its tags name, revoke blocks, and one
 * commit block, all with the transaction's number.  Source: Documentation/filesystems/ext4/journal.rst of Linux 6.1.
 */
#ifndef FS_EXT4_JBD2_H
#define FS_EXT4_JBD2_H

#include "base/bitops.h"
#include "base/types.h"

enum { JBD2_MAGIC_LE = 0x98393bc0 };	/* 0xc03b3998 as this machine reads it */
#define JBD2_MAGIC 0xc03b3998u
enum { JBD2_DESCRIPTOR = 1, JBD2_COMMIT = 2, JBD2_SB_V1 = 3, JBD2_SB_V2 = 4, JBD2_REVOKE = 5 };
enum { JBD2_COMPAT_CHECKSUM = 1 };
enum { JBD2_INCOMPAT_REVOKE = 1, JBD2_INCOMPAT_64BIT = 2, JBD2_INCOMPAT_ASYNC = 4, JBD2_INCOMPAT_CSUM_V2 = 8,
       JBD2_INCOMPAT_CSUM_V3 = 0x10, JBD2_INCOMPAT_FAST_COMMIT = 0x20,
       JBD2_INCOMPAT_KNOWN = JBD2_INCOMPAT_REVOKE | JBD2_INCOMPAT_64BIT | JBD2_INCOMPAT_ASYNC | JBD2_INCOMPAT_CSUM_V2 |
			     JBD2_INCOMPAT_CSUM_V3 };
enum { JBD2_TAG_ESCAPE = 1, JBD2_TAG_SAME_UUID = 2, JBD2_TAG_DELETED = 4, JBD2_TAG_LAST = 8 };

struct jbd2_header { u32 magic, blocktype, sequence; };

struct jbd2_super {
	struct jbd2_header h;
	u32 s_blocksize, s_maxlen, s_first, s_sequence, s_start, s_errno;
	u32 s_feature_compat, s_feature_incompat, s_feature_ro_compat;
	u8 s_uuid[16];
	u32 s_nr_users, s_dynsuper, s_max_transaction, s_max_trans_data;
	u8 s_checksum_type, s_padding2[3];
	u32 s_num_fc_blks, s_head, s_padding[40], s_checksum;
	u8 s_users[768];
};
static_assert(sizeof(struct jbd2_super) == 1024, "journal super block");

/* How the tags of a journal look. */
struct jbd2_layout {
	u32 block_bytes, tag_bytes, tail_bytes, csum_seed;
	bool is64, v2, v3;
};

void jbd2_layout_init(struct jbd2_layout *l, const struct jbd2_super *sb, u32 block_bytes);
u32 jbd2_super_csum(struct jbd2_super *sb);
u32 jbd2_tail_csum(const struct jbd2_layout *l, u8 *block);	/* with the checksum field as zeroes */
u32 jbd2_commit_csum(const struct jbd2_layout *l, u8 *block);
u32 jbd2_data_csum(const struct jbd2_layout *l, u32 sequence, const u8 *data);
static inline u32 be32(u32 v) { return __builtin_bswap32(v); }
static inline u64 be64(u64 v) { return __builtin_bswap64(v); }

/* ---- recover.c: replay, over an interface ---- */

struct jbd2_replay {
	struct jbd2_layout layout;
	u32 first, last;	/* log blocks [first, last) go round */
	u32 start, sequence;	/* of the oldest transaction */
	u64 fs_blocks;
	void *ctx;
	int (*read_log)(void *ctx, u32 log_block, u8 *data);
	int (*write_block)(void *ctx, u64 block, const u8 *data);
	void *(*alloc)(size_t n);
	void (*free)(const void *p);
	/* out */
	u32 end_sequence;	/* the number after the last complete transaction */
	u32 replayed;		/* blocks written */
};

/**
 * jbd2_replay - write what complete transactions of the log hold, revoked blocks excepted
 * Return: 0; -EIO, -ENOMEM; a damaged transaction ends the log, as one that was never finished does
 */
MUST_CHECK int jbd2_replay(struct jbd2_replay *r);

#endif
