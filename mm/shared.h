/* Shared anonymous memory as something to map. */
#ifndef MM_SHARED_H
#define MM_SHARED_H

#include "mm/mm.h"

/** shared_create - @len bytes of zeroes to be mapped; one reference, which mm_map consumes. Return: 0, -ENOMEM */
MUST_CHECK int shared_create(u64 len, struct mm_file *out);
/** shared_destroy - drop it when mm_map failed. */
void shared_destroy(const struct mm_file *file);

#endif
