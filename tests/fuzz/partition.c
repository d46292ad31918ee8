/*
 * Feeds: a disk of 64 blocks, of 512 or 4096 bytes (the first byte says), to block/partition.c.  The checksums of GPT headers and entries are put right
 * where another bit of that byte says so, since nothing would come past them.  Every partition must lie on the disk, and have a number of its own
 * range.
 *
 * Cannot catch: what the block layer does with overlapping partitions; errors in the middle of a table (tests/unit/block has them).
 */
#include "base/bitops.h"
#include "base/crc32.h"
#include "block/partition.h"
#include "tests/fuzz/fuzz.h"

enum { BLOCKS = 64, DISK_MAX = BLOCKS * 4096 };

static u8 disk[DISK_MAX], scratch[4096];
static u64 disk_bytes;
static struct partition out[PARTITIONS_MAX];

static int read_disk(void *ctx, u64 sector, void *buf, u32 len)
{
	FUZZ_MUST(len % 512 == 0 && len <= 4096 && sector <= disk_bytes / 512 && sector * 512 + len <= disk_bytes);
	memcpy(buf, disk + sector * 512, len);
	return 0;
}

static void repair_gpt(u32 block_bytes, u64 block)
{
	u8 *h = disk + block * block_bytes;
	u32 len = get_le32(h + 12), entries = get_le32(h + 80), bytes = get_le32(h + 84);
	u64 first = get_le64(h + 72);

	if (len < 92 || len > block_bytes)
		return;
	put_le64(h + 24, block);
	if (entries <= 1024 && bytes <= 1024 && first < BLOCKS && (u64)entries * bytes <= disk_bytes - first * block_bytes)
		put_le32(h + 88, crc32(0, disk + first * block_bytes, entries * bytes));
	put_le32(h + 16, 0);
	put_le32(h + 16, crc32(0, h, len));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	if (!len)
		return 0;
	u8 how = *data++;
	u32 block_bytes = how & 1 ? 4096 : 512;

	disk_bytes = (u64)BLOCKS * block_bytes;
	memset(disk, 0, sizeof(disk));
	memcpy(disk, data, MIN(len - 1, (size_t)disk_bytes));
	put_le16(disk + 510, how & 8 ? get_le16(disk + 510) : 0xaa55);
	if (how & 2)
		repair_gpt(block_bytes, 1);
	if (how & 4)
		repair_gpt(block_bytes, BLOCKS - 1);
	struct partition_source src = { .sectors = disk_bytes / 512, .block_bytes = block_bytes, .read = read_disk };
	int n = partitions_read(&src, scratch, out);

	FUZZ_MUST(n <= PARTITIONS_MAX);
	for (int i = 0; i < n; i++) {
		FUZZ_MUST(out[i].number >= 1 && out[i].number <= PARTITIONS_MAX);
		FUZZ_MUST(out[i].sectors && out[i].start < src.sectors && out[i].sectors <= src.sectors - out[i].start);
	}
	return 0;
}
