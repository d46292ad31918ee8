/*
 * Device registers in memory: single accesses of exact width, which the compiler neither merges nor moves past
 * each other.  On x86 they reach the device in program order (uncached memory); a write to ordinary memory
 * before a register write is seen by the device first.
 *
 * Contexts: any.
 */
#ifndef DRIVERS_MMIO_H
#define DRIVERS_MMIO_H

#include "plat/plat.h"

static inline u8 mmio_read8(const volatile void *reg)
{
	u8 v = plat_mmio_read8(reg);

	barrier();
	return v;
}

static inline u16 mmio_read16(const volatile void *reg)
{
	u16 v = plat_mmio_read16(reg);

	barrier();
	return v;
}

static inline u32 mmio_read32(const volatile void *reg)
{
	u32 v = plat_mmio_read32(reg);

	barrier();
	return v;
}

static inline void mmio_write8(volatile void *reg, u8 v)
{
	barrier();
	plat_mmio_write8(reg, v);
}

static inline void mmio_write16(volatile void *reg, u16 v)
{
	barrier();
	plat_mmio_write16(reg, v);
}

static inline void mmio_write32(volatile void *reg, u32 v)
{
	barrier();
	plat_mmio_write32(reg, v);
}

#endif
