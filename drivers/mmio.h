/*
 * Device registers in memory: single accesses of exact width, which the compiler neither merges nor moves past
 * each other.  On x86 they reach the device in program order (uncached memory); a write to ordinary memory
 * before a register write is seen by the device first.  The accesses are the platform's: in a process a device model answers.
 *
 * Contexts: any.
 */
#ifndef DRIVERS_MMIO_H
#define DRIVERS_MMIO_H

#include "plat/plat.h"

static inline u8 mmio_read8(const volatile void *reg) { return (u8)plat_mmio_read(reg, 1); }
static inline u16 mmio_read16(const volatile void *reg) { return (u16)plat_mmio_read(reg, 2); }
static inline u32 mmio_read32(const volatile void *reg) { return (u32)plat_mmio_read(reg, 4); }
static inline void mmio_write8(volatile void *reg, u8 v) { plat_mmio_write(reg, 1, v); }
static inline void mmio_write16(volatile void *reg, u16 v) { plat_mmio_write(reg, 2, v); }
static inline void mmio_write32(volatile void *reg, u32 v) { plat_mmio_write(reg, 4, v); }
static inline u64 mmio_read64(const volatile void *reg) { return plat_mmio_read(reg, 8); }
static inline void mmio_write64(volatile void *reg, u64 v) { plat_mmio_write(reg, 8, v); }

#endif
