/* fs/ext4/recover.c: logs built by hand are replayed as the format says; damaged ones end where the damage is. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include "base/crc32c.h"
#include "fs/ext4/jbd2.h"

enum { BYTES = 1024, LOG = 64, FS = 100, FIRST = 1 };

static u8 log_blocks[LOG][BYTES], fs_blocks[FS][BYTES];
static u32 at, fail_after;
static struct jbd2_super sb;
static struct jbd2_layout layout;

static u8 *next_block(void)
{
	u8 *b = log_blocks[at];

	at = at + 1 == LOG ? FIRST : at + 1;
	memset(b, 0, BYTES);
	return b;
}

static u8 *head(u32 type, u32 sequence)
{
	u8 *b = next_block();

	put_be32(b, JBD2_MAGIC);
	put_be32(b + 4, type);
	put_be32(b + 8, sequence);
	return b;
}

static void seal(u8 *b)
{
	u32 c = crc32c(crc32c(~0u, sb.s_uuid, 16), b, BYTES);

	put_be32(b + BYTES - 4, c);
}

/* A descriptor for two blocks filled with @byte, in the form of checksums v3. */
static void put_data(u32 sequence, u32 one, u32 two, int byte)
{
	u8 *d = head(JBD2_DESCRIPTOR, sequence);
	const u32 target[2] = { one, two };
	u32 pos = 12, be = be32(sequence);

	for (unsigned k = 0; k < 2; k++) {
		u8 *b = next_block();

		memset(b, byte, BYTES);
		put_be32(d + pos, target[k]);
		put_be32(d + pos + 4, (k ? JBD2_TAG_SAME_UUID | JBD2_TAG_LAST : 0));
		put_be32(d + pos + 12, crc32c(crc32c(crc32c(~0u, sb.s_uuid, 16), &be, 4), b, BYTES));
		pos += 16 + (k ? 0 : 16);
	}
	seal(d);
}

static void put_commit(u32 sequence)
{
	u8 *b = head(JBD2_COMMIT, sequence);

	put_be32(b + 16, crc32c(crc32c(~0u, sb.s_uuid, 16), b, BYTES));
}

static void put_revoke(u32 sequence, u64 block)
{
	u8 *b = head(JBD2_REVOKE, sequence);

	put_be32(b + 12, 24);
	put_be64(b + 16, block);
	seal(b);
}

static int read_log(void *ctx, u32 block, u8 *data)
{
	assert_true(block >= FIRST && block < LOG);
	if (fail_after && !--fail_after)
		return -EIO;
	memcpy(data, log_blocks[block], BYTES);
	return 0;
}

static int write_block(void *ctx, u64 block, const u8 *data)
{
	assert_true(block < FS);
	memcpy(fs_blocks[block], data, BYTES);
	return 0;
}

static void free_const(const void *p)
{
	free((void *)(uintptr_t)p);
}

static void fresh(void)
{
	memset(log_blocks, 0, sizeof(log_blocks));
	memset(fs_blocks, 0, sizeof(fs_blocks));
	memset(sb.s_uuid, 0x5a, 16);
	sb.s_feature_incompat = be32(JBD2_INCOMPAT_CSUM_V3 | JBD2_INCOMPAT_64BIT | JBD2_INCOMPAT_REVOKE);
	jbd2_layout_init(&layout, &sb, BYTES);
	fail_after = 0;
	at = LOG - 4;		/* so that every log goes round the end */
}

static int replay(struct jbd2_replay *r)
{
	*r = (struct jbd2_replay){ .layout = layout, .first = FIRST, .last = LOG, .start = LOG - 4, .sequence = 7, .fs_blocks = FS,
				   .read_log = read_log, .write_block = write_block, .alloc = malloc, .free = free_const };
	return jbd2_replay(r);
}

static void whole_transactions(void **state)
{
	struct jbd2_replay r;

	fresh();
	put_data(7, 10, 11, 1);
	put_commit(7);
	put_data(8, 11, 12, 2);
	put_commit(8);
	put_data(9, 10, 13, 3);		/* never committed */
	assert_int_equal(replay(&r), 0);
	assert_int_equal(r.end_sequence, 9);
	assert_int_equal(r.replayed, 4);
	assert_int_equal(fs_blocks[10][5], 1);
	assert_int_equal(fs_blocks[11][5], 2);
	assert_int_equal(fs_blocks[12][5], 2);
	assert_int_equal(fs_blocks[13][5], 0);
}

static void revoked_blocks(void **state)
{
	struct jbd2_replay r;

	fresh();
	put_data(7, 10, 11, 1);
	put_commit(7);
	put_revoke(8, 10);
	put_data(8, 12, 13, 2);
	put_commit(8);
	put_data(9, 14, 12, 3);
	put_commit(9);
	put_revoke(9, 14);		/* after its commit block: it belongs to nothing */
	assert_int_equal(replay(&r), 0);
	assert_int_equal(fs_blocks[10][0], 0);
	assert_int_equal(fs_blocks[11][0], 1);
	assert_int_equal(fs_blocks[12][0], 3);
	assert_int_equal(fs_blocks[14][0], 3);
}

static void damage_ends_the_log(void **state)
{
	for (u32 k = 0; k < 4; k++) {
		struct jbd2_replay r;

		fresh();
		put_data(7, 10, 11, 1);
		put_commit(7);
		u32 second = at;

		put_data(8, 12, 13, 2);
		put_commit(8);
		log_blocks[second + k][100] ^= 1;
		assert_int_equal(replay(&r), 0);
		assert_int_equal(r.end_sequence, 8);
		assert_int_equal(fs_blocks[11][0], 1);
		assert_int_equal(fs_blocks[12][0], 0);
	}
}

static void a_block_outside(void **state)
{
	struct jbd2_replay r;

	fresh();
	put_data(7, FS, 11, 1);
	put_commit(7);
	assert_int_equal(replay(&r), -EINVAL);
}

static void read_errors_come_out(void **state)
{
	for (u32 n = 1; n < 11; n++) {
		struct jbd2_replay r;

		fresh();
		put_data(7, 10, 11, 1);
		put_commit(7);
		fail_after = n;
		assert_int_equal(replay(&r), -EIO);
	}
}

static void noise(void **state)
{
	struct rng rng = { 1 };

	for (u32 round = 0; round < 300; round++) {
		struct jbd2_replay r;

		fresh();
		put_data(7, 10, 11, 1);
		put_revoke(7, 3);
		put_commit(7);
		if (round % 2) {	/* without checksums the checks behind them are reached */
			sb.s_feature_incompat = be32(round % 4 == 1 ? JBD2_INCOMPAT_64BIT : 0);
			jbd2_layout_init(&layout, &sb, BYTES);
		}
		for (u32 k = 0; k < 8; k++)
			log_blocks[(LOG - 4 + rng_u64(&rng) % 6) % LOG][rng_u64(&rng) % 64] = (u8)rng_u64(&rng);
		(void)!replay(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_transactions), cmocka_unit_test(revoked_blocks), cmocka_unit_test(damage_ends_the_log),
		cmocka_unit_test(a_block_outside), cmocka_unit_test(read_errors_come_out), cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
