/*
 * Exclusive or of buffers: the parity of RAID 4 and 5.
 *
 * Contexts: any.
 */
#ifndef BASE_XOR_H
#define BASE_XOR_H

#include "base/types.h"

/**
 * xor_blocks - to = to ^ from[0] ^ … ^ from[count - 1]
 * @from: @count buffers of @len bytes; none overlaps @to but in whole
 */
void xor_blocks(void *to, const void *const *from, unsigned count, size_t len);

/** xor_gen - to = from[0] ^ … ^ from[count - 1]; @count is at least 1. */
void xor_gen(void *to, const void *const *from, unsigned count, size_t len);

#endif
