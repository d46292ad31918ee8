/* What is read out of the DSDT's bytes; see dsdt.c. */
#ifndef PLAT_VM_DSDT_H
#define PLAT_VM_DSDT_H

#include "plat/plat.h"

/**
 * vm_dsdt_virtio - virtio-mmio devices that a table describes
 * @table, @len: its bytes
 * Return: how many there are in @out, at most @max
 */
unsigned vm_dsdt_virtio(const u8 *table, u32 len, struct plat_mmio_device *out, unsigned max);

#endif
