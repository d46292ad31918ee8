/* block/partition.c: tables made by hand, damaged tables, noise. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/bitops.h"
#include "base/crc32.h"
#include "block/partition.h"

enum { DISK_SECTORS = 4096 };

static u8 disk[DISK_SECTORS * 512];
static u8 scratch[4096];
static u64 bad_sector = ~0ull;

static int read_disk(void *ctx, u64 sector, void *buf, u32 len)
{
	assert_true(len % 512 == 0 && sector + len / 512 <= DISK_SECTORS);
	if (sector == bad_sector)
		return -EIO;
	memcpy(buf, disk + sector * 512, len);
	return 0;
}

static struct partition_source source(u32 block)
{
	return (struct partition_source){ .sectors = DISK_SECTORS, .block_bytes = block, .read = read_disk };
}

static void entry(u64 sector, unsigned i, u8 type, u32 start, u32 count)
{
	u8 *s = disk + sector * 512, *e = s + 446 + 16 * i;

	put_le16(s + 510, 0xaa55);
	e[4] = type;
	put_le32(e + 8, start);
	put_le32(e + 12, count);
}

static int start(void **state)
{
	memset(disk, 0, sizeof(disk));
	bad_sector = ~0ull;
	return 0;
}

static void expect(const struct partition *p, u32 number, u64 first, u64 count)
{
	assert_int_equal(p->number, number);
	assert_int_equal(p->start, first);
	assert_int_equal(p->sectors, count);
}

static void no_table(void **state)
{
	struct partition_source src = source(512);
	struct partition out[PARTITIONS_MAX];

	assert_int_equal(partitions_read(&src, scratch, out), 0);
	bad_sector = 0;
	assert_int_equal(partitions_read(&src, scratch, out), -EIO);
}

static void mbr(void **state)
{
	struct partition_source src = source(512);
	struct partition out[PARTITIONS_MAX];

	entry(0, 0, 0x83, 100, 50);
	entry(0, 1, 0x83, 4000, 5000);		/* reaches past the end */
	entry(0, 2, 0x83, 9000, 10);		/* begins there */
	entry(0, 3, 0x05, 1000, 1000);
	entry(1000, 0, 0x83, 10, 20);
	entry(1000, 1, 0x05, 200, 100);
	entry(1200, 0, 0x82, 5, 6);
	assert_int_equal(partitions_read(&src, scratch, out), 5);
	expect(&out[0], 1, 100, 50);
	expect(&out[1], 2, 4000, 96);
	expect(&out[2], 4, 1000, 2);
	expect(&out[3], 5, 1010, 20);
	expect(&out[4], 6, 1205, 6);
}

static void extended_in_a_circle(void **state)
{
	struct partition_source src = source(512);
	struct partition out[PARTITIONS_MAX];

	entry(0, 0, 0x0f, 1000, 1000);
	entry(1000, 0, 0x83, 10, 20);
	entry(1000, 1, 0x05, 100, 1);
	entry(1100, 0, 0x83, 10, 20);
	entry(1100, 1, 0x05, 100, 1);
	assert_true(partitions_read(&src, scratch, out) <= PARTITIONS_MAX);
}

static void make_gpt(u64 header_block, u64 entries_block, u32 block)
{
	u8 *h = disk + header_block * block, *e = disk + entries_block * block;

	entry(0, 0, 0xee, 1, DISK_SECTORS - 1);
	memset(e, 0, 128 * 128);
	memset(e, 0x11, 16);
	put_le64(e + 32, 300);
	put_le64(e + 40, 399);
	memset(e + 2 * 128, 0x22, 16);
	put_le64(e + 2 * 128 + 32, 350);
	put_le64(e + 2 * 128 + 40, 100000);
	memcpy(h, "EFI PART", 8);
	put_le32(h + 12, 92);
	put_le64(h + 24, header_block);
	put_le64(h + 72, entries_block);
	put_le32(h + 80, 128);
	put_le32(h + 84, 128);
	put_le32(h + 88, crc32(0, e, 128 * 128));
	put_le32(h + 16, 0);
	put_le32(h + 16, crc32(0, h, 92));
}

static void gpt(void **state)
{
	struct partition_source src = source(512);
	struct partition out[PARTITIONS_MAX];

	make_gpt(1, 2, 512);
	make_gpt(DISK_SECTORS - 1, DISK_SECTORS - 40, 512);
	assert_int_equal(partitions_read(&src, scratch, out), 2);
	expect(&out[0], 1, 300, 100);
	expect(&out[1], 3, 350, DISK_SECTORS - 350);
	disk[512 + 30] ^= 1;			/* the first header is damaged: the copy counts */
	assert_int_equal(partitions_read(&src, scratch, out), 2);
	disk[(DISK_SECTORS - 40) * 512ul + 5] ^= 1;	/* and its entries: nothing */
	assert_int_equal(partitions_read(&src, scratch, out), 0);
}

static void gpt_large_blocks(void **state)
{
	struct partition_source src = source(4096);
	struct partition out[PARTITIONS_MAX];

	make_gpt(1, 2, 4096);
	assert_int_equal(partitions_read(&src, scratch, out), 2);
	expect(&out[0], 1, 2400, 800);
}

static void noise(void **state)
{
	struct rng rng = { .state = 4 };
	struct partition out[PARTITIONS_MAX];

	for (unsigned round = 0; round < 3000; round++) {
		struct partition_source src = source(512);
		int n;

		make_gpt(1, 2, 512);
		entry(0, 1, 0x05, (u32)rng_below(&rng, 5000), 10);
		if (round & 1)
			disk[446 + 4] = 0x83;
		for (unsigned i = 0; i < 6; i++)
			disk[rng_below(&rng, 34 * 512)] = (u8)rng_u64(&rng);
		for (unsigned i = 0; i < 64; i++)
			entry(rng_below(&rng, DISK_SECTORS - 100) + 50, 1, 0x05, (u32)rng_magnitude(&rng), 1);
		n = partitions_read(&src, scratch, out);
		assert_true(n >= 0 && n <= PARTITIONS_MAX);
		for (int i = 0; i < n; i++) {
			assert_true(out[i].start < DISK_SECTORS && out[i].sectors <= DISK_SECTORS - out[i].start);
			assert_true(out[i].number >= 1 && out[i].number <= PARTITIONS_MAX);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(no_table, start),	     cmocka_unit_test_setup(mbr, start),
		cmocka_unit_test_setup(extended_in_a_circle, start), cmocka_unit_test_setup(gpt, start),
		cmocka_unit_test_setup(gpt_large_blocks, start),     cmocka_unit_test_setup(noise, start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
