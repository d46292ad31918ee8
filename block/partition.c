/* Partition tables; see partition.h. */
#include <linux/errno.h>
#include "base/bitops.h"
#include "base/crc32.h"
#include "base/string.h"
#include "block/partition.h"

enum {
	SECTOR = 512, SCRATCH_BYTES = 4096,
	MBR_TABLE = 446, MBR_ENTRY = 16, MBR_ENTRIES = 4, MBR_MAGIC = 0xaa55,
	TYPE_EMPTY = 0, TYPE_EXTENDED = 0x05, TYPE_EXTENDED_LBA = 0x0f, TYPE_EXTENDED_LINUX = 0x85, TYPE_GPT = 0xee,
	LOGICAL_FIRST = 5, LOGICAL_STEPS_MAX = 256,
	GPT_HEADER_MIN = 92, GPT_ENTRY_MIN = 128, GPT_ENTRY_MAX = 1024, GPT_ENTRIES_MAX = 1024,
};

struct table {
	const struct partition_source *src;
	struct partition *out;
	int count;
};

/* Take a partition of @start and @blocks logical blocks, as far as it lies on the disk. */
static void take(struct table *t, u32 number, u64 start, u64 blocks)
{
	u64 scale = t->src->block_bytes / SECTOR, size = t->src->sectors;

	if (!blocks || number > PARTITIONS_MAX || t->count >= PARTITIONS_MAX || start >= size / scale)
		return;
	start *= scale;
	blocks = MIN(blocks, (size - start) / scale + 1) * scale;
	t->out[t->count++] = (struct partition){ .number = number, .start = start, .sectors = MIN(blocks, size - start) };
}

static int read_block(const struct table *t, u64 block, void *buf)
{
	u64 scale = t->src->block_bytes / SECTOR;

	if (block >= t->src->sectors / scale)
		return -ERANGE;
	return t->src->read(t->src->ctx, block * scale, buf, MIN(t->src->block_bytes, (u32)SCRATCH_BYTES));
}

static bool is_extended(u8 type)
{
	return type == TYPE_EXTENDED || type == TYPE_EXTENDED_LBA || type == TYPE_EXTENDED_LINUX;
}

static const u8 *mbr_entry(const u8 *sector, unsigned i)
{
	return sector + MBR_TABLE + i * MBR_ENTRY;
}

static u8 entry_type(const u8 *e) { return e[4]; }
static u32 entry_start(const u8 *e) { return get_le32(e + 8); }
static u32 entry_blocks(const u8 *e) { return get_le32(e + 12); }

/*
 * Logical partitions: a chain of sectors like the MBR.  Entry 0 is a partition, relative to that sector; entry 1 the next
 * link, relative to the extended partition.
 */
static int read_logical(struct table *t, u64 extended, u8 *scratch)
{
	u64 at = extended;
	u32 number = LOGICAL_FIRST;

	for (unsigned step = 0; step < LOGICAL_STEPS_MAX && number <= PARTITIONS_MAX; step++) {
		const u8 *e;
		int err = read_block(t, at, scratch);

		if (err)
			return err == -ERANGE ? 0 : err;
		if (get_le16(scratch + 510) != MBR_MAGIC)
			return 0;
		e = mbr_entry(scratch, 0);
		if (entry_type(e) != TYPE_EMPTY && entry_blocks(e))
			take(t, number++, at + entry_start(e), entry_blocks(e));
		e = mbr_entry(scratch, 1);
		if (!is_extended(entry_type(e)) || !entry_start(e))
			return 0;
		at = extended + entry_start(e);
	}
	return 0;
}

/* @scratch holds the first sector. */
static int read_mbr(struct table *t, u8 *scratch)
{
	u64 extended = 0;

	for (unsigned i = 0; i < MBR_ENTRIES; i++) {
		const u8 *e = mbr_entry(scratch, i);

		if (entry_type(e) == TYPE_EMPTY)
			continue;
		if (is_extended(entry_type(e))) {
			extended = entry_start(e);
			take(t, i + 1, entry_start(e), MIN(entry_blocks(e), 2u));	/* as Linux shows it: room for a boot loader */
		} else {
			take(t, i + 1, entry_start(e), entry_blocks(e));
		}
	}
	return extended ? read_logical(t, extended, scratch) : 0;
}

struct gpt_header {
	u64 entries_block;
	u32 entries, entry_bytes, entries_crc;
};

/* Whether the block in @scratch is the GPT header of block @block. */
static bool gpt_header_parse(u8 *scratch, u64 block, u32 block_bytes, struct gpt_header *h)
{
	u32 len = get_le32(scratch + 12), crc = get_le32(scratch + 16);

	if (memcmp(scratch, "EFI PART", 8) != 0 || len < GPT_HEADER_MIN || len > block_bytes)
		return false;
	put_le32(scratch + 16, 0);
	if (crc32(0, scratch, len) != crc || get_le64(scratch + 24) != block)
		return false;
	h->entries_block = get_le64(scratch + 72);
	h->entries = get_le32(scratch + 80);
	h->entry_bytes = get_le32(scratch + 84);
	h->entries_crc = get_le32(scratch + 88);
	return h->entries <= GPT_ENTRIES_MAX && h->entry_bytes >= GPT_ENTRY_MIN && h->entry_bytes <= GPT_ENTRY_MAX &&
	       is_power_of_2(h->entry_bytes);
}

/* One pass over the array of entries: @take_them or only the checksum. */
static int gpt_entries(struct table *t, const struct gpt_header *h, u8 *scratch, bool take_them, u32 *crc)
{
	u32 block_bytes = t->src->block_bytes, per_block = block_bytes / h->entry_bytes;

	*crc = 0;
	for (u32 i = 0; i < h->entries; i++) {
		const u8 *e = scratch + (i % per_block) * h->entry_bytes;

		if (i % per_block == 0) {
			int err = read_block(t, h->entries_block + i / per_block, scratch);

			if (err)
				return err;
		}
		*crc = crc32(*crc, e, h->entry_bytes);
		if (take_them && !mem_is_zero(e, 16) && get_le64(e + 40) >= get_le64(e + 32))
			take(t, i + 1, get_le64(e + 32), get_le64(e + 40) - get_le64(e + 32) + 1);
	}
	return 0;
}

/* Returns 1 if there is a good GPT whose header is at @block, 0 if not, or -errno. */
static int read_gpt(struct table *t, u64 block, u8 *scratch)
{
	struct gpt_header h;
	u32 crc;
	int err = read_block(t, block, scratch);

	if (err)
		return err == -ERANGE ? 0 : err;
	if (!gpt_header_parse(scratch, block, t->src->block_bytes, &h))
		return 0;
	err = gpt_entries(t, &h, scratch, false, &crc);
	if (err || crc != h.entries_crc)
		return err == -ERANGE ? 0 : err;
	err = gpt_entries(t, &h, scratch, true, &crc);
	return err ? err : 1;
}

int partitions_read(const struct partition_source *src, void *scratch, struct partition out[PARTITIONS_MAX])
{
	struct table t = { .src = src, .out = out };
	u64 blocks = src->sectors / (src->block_bytes / SECTOR);
	bool gpt = false;
	int err;

	if (src->block_bytes > SCRATCH_BYTES || blocks < 2)
		return 0;
	err = read_block(&t, 0, scratch);
	if (err)
		return err;
	if (get_le16((u8 *)scratch + 510) != MBR_MAGIC)
		return 0;
	for (unsigned i = 0; i < MBR_ENTRIES; i++)
		gpt |= entry_type(mbr_entry(scratch, i)) == TYPE_GPT;
	if (!gpt) {
		err = read_mbr(&t, scratch);
		return err ? err : t.count;
	}
	err = read_gpt(&t, 1, scratch);
	if (err == 0)
		err = read_gpt(&t, blocks - 1, scratch);	/* the second copy */
	return err < 0 ? err : t.count;
}
