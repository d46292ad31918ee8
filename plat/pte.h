/*
 * Page-table entries: four levels of 512, as x86-64 has them.
 *
 * mm/ writes them through these; a machine walks them in hardware (plat/vm) or in software (plat/host).
 * Source: Intel SDM vol. 3, 4.5.
 */
#ifndef PLAT_PTE_H
#define PLAT_PTE_H

#include "base/types.h"

typedef u64 pte_t;

#define PTE_PRESENT (1ull << 0)
#define PTE_WRITE (1ull << 1)
#define PTE_USER (1ull << 2)
#define PTE_PWT (1ull << 3)
#define PTE_PCD (1ull << 4)
#define PTE_ACCESSED (1ull << 5)
#define PTE_DIRTY (1ull << 6)
#define PTE_HUGE (1ull << 7)
#define PTE_GLOBAL (1ull << 8)
#define PTE_SOFT1 (1ull << 9)	/* for mm/ */
#define PTE_SOFT2 (1ull << 10)
#define PTE_NX (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull

enum { PT_LEVELS = 4, PT_ENTRIES = 512 };

/** pt_index - index of @va in a table of @level; level 0 maps pages, level 3 is the root. */
static inline unsigned pt_index(u64 va, unsigned level)
{
	return (va >> (12 + 9 * level)) & 511;
}

static inline u64 pt_span(unsigned level)	/* bytes that one entry of @level maps */
{
	return 1ull << (12 + 9 * level);
}

#endif
