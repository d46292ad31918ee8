/*
 * Random numbers: ChaCha20 keyed by a pool that is fed with BLAKE-like mixing of what arrives; a key per CPU, erased as it is used.
 */
#ifndef KERN_RANDOM_H
#define KERN_RANDOM_H

#include "base/types.h"

void random_init(void);
void random_bytes(void *out, size_t n);		/* any context */
u64 random_u64(void);
void random_add(const void *data, size_t n);	/* mix something in; never lowers what is there */
bool random_ready(void);			/* seeded by the machine or a device */

#endif
