/*
 * Virtio register blocks in the DSDT, found without an AML interpreter: a device whose _HID is the string "LNRO0005"
 * has its resources as constant bytes behind it, a 32-bit fixed memory range and an extended interrupt.  That is how
 * QEMU's microvm describes them when it has ACPI tables (and then it leaves them off the command line).
 *
 * Source: ACPI 6.4, 6.4.3.4 (32-bit fixed memory range descriptor), 6.4.3.6 (extended interrupt descriptor).
 * Pure: the table's bytes in, devices out; every length is checked.
 */
#include "base/bitops.h"
#include "base/string.h"
#include "plat/vm/dsdt.h"

enum {
	HID_LEN = 8,
	SEARCH_MAX = 96,	/* bytes from the name to its resources */
	MEMORY_TAG = 0x86, MEMORY_LEN = 9, INTERRUPT_TAG = 0x89, INTERRUPT_LEN_MIN = 6,
	DESCRIPTOR_HEADER = 3,
	BOTH_LEN = DESCRIPTOR_HEADER + MEMORY_LEN + DESCRIPTOR_HEADER + INTERRUPT_LEN_MIN,
};

/* The two descriptors, one behind the other, at @b. */
static bool resources_at(const u8 *b, struct plat_mmio_device *out)
{
	const u8 *irq = b + DESCRIPTOR_HEADER + MEMORY_LEN;

	if (b[0] != MEMORY_TAG || get_le16(b + 1) != MEMORY_LEN)
		return false;
	if (irq[0] != INTERRUPT_TAG || get_le16(irq + 1) < INTERRUPT_LEN_MIN || irq[4] < 1)
		return false;
	out->base = get_le32(b + 4);
	out->len_bytes = get_le32(b + 8);
	out->gsi = get_le32(irq + 5);
	return true;
}

static bool resources_find(const u8 *b, u32 len, struct plat_mmio_device *out)
{
	for (u32 i = 0; i < SEARCH_MAX && i + BOTH_LEN <= len; i++) {
		if (i && i + HID_LEN <= len && memcmp(b + i, "LNRO0005", HID_LEN) == 0)
			return false;	/* the next device already */
		if (resources_at(b + i, out))
			return true;
	}
	return false;
}

unsigned vm_dsdt_virtio(const u8 *table, u32 len, struct plat_mmio_device *out, unsigned max)
{
	unsigned count = 0;

	for (u32 i = 0; i + HID_LEN <= len && count < max; i++) {
		if (memcmp(table + i, "LNRO0005", HID_LEN) == 0 && resources_find(table + i, len - i, &out[count]))
			count++;
	}
	return count;
}
