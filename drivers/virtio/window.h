/*
 * A device's configuration space in memory: copies by the widest aligned access that fits, so that a field of 1, 2 or
 * 4 bytes is read or written in one (VIRTIO 1.2, 4.1.3.1 and 4.2.2.2).  What lies past the end reads as zero, and is not
 * written.
 *
 * Contexts: any.
 */
#ifndef DRIVERS_VIRTIO_WINDOW_H
#define DRIVERS_VIRTIO_WINDOW_H

#include "base/string.h"
#include "drivers/mmio.h"

/* The width of the next access at @offset with @left bytes to go. */
static inline u32 window_step(u32 offset, u32 left)
{
	return offset % 4 == 0 && left >= 4 ? 4 : offset % 2 == 0 && left >= 2 ? 2 : 1;
}

static inline void window_read(const u8 *window, u32 window_len, u32 offset, void *buf, u32 len)
{
	u8 *out = buf;

	memset(buf, 0, len);
	if (offset >= window_len)
		return;
	len = MIN(len, window_len - offset);
	for (u32 i = 0, step; i < len; i += step) {
		const u8 *at = window + offset + i;
		u32 v;

		step = window_step(offset + i, len - i);
		v = step == 4 ? mmio_read32(at) : step == 2 ? mmio_read16(at) : mmio_read8(at);
		memcpy(out + i, &v, step);
	}
}

static inline void window_write(u8 *window, u32 window_len, u32 offset, const void *buf, u32 len)
{
	const u8 *in = buf;

	if (offset >= window_len)
		return;
	len = MIN(len, window_len - offset);
	for (u32 i = 0, step; i < len; i += step) {
		u8 *at = window + offset + i;
		u32 v = 0;

		step = window_step(offset + i, len - i);
		memcpy(&v, in + i, step);
		if (step == 4)
			mmio_write32(at, v);
		else if (step == 2)
			mmio_write16(at, v);
		else
			mmio_write8(at, v);
	}
}

#endif
