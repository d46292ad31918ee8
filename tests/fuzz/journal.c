/*
 * Feeds: a log of ext4's journal to fs/ext4/recover.c.  The first bytes choose the features, where the log starts and its number; the rest are its blocks of
 * 1 KiB.  Checksums of blocks that look like the journal's own are put right where a bit says so.  No block outside of the log is read, none outside of the
 * file system written, and all memory is given back.
 *
 * Cannot catch: a log that is replayed and should not have been (tests/unit/ext4 builds them by hand; tests/fs/cuts compares with Debian's kernel).
 */
#include "fs/ext4/jbd2.h"
#include "tests/fuzz/fuzz.h"

enum { BYTES = 1024, LOG_MAX = 24, FS_BLOCKS = 200 };

void *malloc(size_t n);
void free(void *p);

static u8 log_blocks[LOG_MAX][BYTES];
static u32 blocks;
static int live;

static int read_log(void *ctx, u32 block, u8 *data)
{
	FUZZ_MUST(block >= 1 && block < blocks);
	memcpy(data, log_blocks[block], BYTES);
	return 0;
}

static int write_block(void *ctx, u64 block, const u8 *data)
{
	FUZZ_MUST(block < FS_BLOCKS);
	return 0;
}

static void *take(size_t n)
{
	live++;
	return malloc(n);
}

static void give(const void *p)
{
	live--;
	free((void *)p);
}

static void repair(const struct jbd2_layout *l)
{
	for (u32 i = 1; i < blocks; i++) {
		u8 *b = log_blocks[i];
		u32 type = get_be32(b + 4);

		if (get_be32(b) != JBD2_MAGIC)
			continue;
		if (type == JBD2_COMMIT)
			put_be32(b + 16, jbd2_commit_csum(l, b));
		else if (l->tail_bytes)
			put_be32(b + BYTES - 4, jbd2_tail_csum(l, b));
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct fuzz_input in = fuzz_input_of(data, len);
	static const u32 features[] = { 0, JBD2_INCOMPAT_CSUM_V3, JBD2_INCOMPAT_CSUM_V2, JBD2_INCOMPAT_64BIT,
					JBD2_INCOMPAT_CSUM_V3 | JBD2_INCOMPAT_64BIT, JBD2_INCOMPAT_REVOKE | JBD2_INCOMPAT_CSUM_V3 };
	struct jbd2_super sb = { .s_feature_incompat = be32(features[fuzz_u8(&in) % 6]) };
	u8 how = fuzz_u8(&in), start = fuzz_u8(&in);
	struct jbd2_replay r = { .first = 1, .fs_blocks = FS_BLOCKS, .read_log = read_log, .write_block = write_block, .alloc = take, .free = give };
	const u8 *bytes;

	r.sequence = fuzz_u8(&in);
	memset(log_blocks, 0, sizeof(log_blocks));
	size_t n = fuzz_bytes(&in, sizeof(log_blocks) - BYTES, &bytes);

	memcpy(log_blocks[1], bytes, n);
	blocks = r.last = MIN(MAX((u32)(n / BYTES) + 2, 3u), (u32)LOG_MAX);
	r.start = 1 + start % (r.last - 1);
	jbd2_layout_init(&r.layout, &sb, BYTES);
	if (how & 1)
		repair(&r.layout);
	live = 0;
	(void)!jbd2_replay(&r);
	FUZZ_MUST(!live);
	return 0;
}
