/*
 * The kernel argument that names a virtio-mmio device: virtio_mmio.device=<size>[KMG]@<base>:<irq>[:<id>].
 * Pure: no locks, no allocation.
 *
 * Source: Linux, Documentation/admin-guide/kernel-parameters.txt, "virtio_mmio.device".
 */
#ifndef DRIVERS_VIRTIO_CMDLINE_H
#define DRIVERS_VIRTIO_CMDLINE_H

#include "base/types.h"

struct virtio_mmio_arg {
	u64 size_bytes;
	paddr_t base;
	u32 gsi;
};

/**
 * virtio_mmio_arg_parse - read the value at @s, which ends at a space or NUL
 * Return: 0, or -EINVAL (not of that form, a size below 0x100, or a range that wraps; @out untouched)
 */
MUST_CHECK int virtio_mmio_arg_parse(const char *s, struct virtio_mmio_arg *out);

/**
 * virtio_mmio_arg_next - the value of the next virtio_mmio.device= in a kernel command line
 * @cmdline: in and out: where to go on
 * Return: the value, or NULL
 */
const char *virtio_mmio_arg_next(const char **cmdline);

#endif
