/*
 * The sanitizer's shadow on this machine (kern/kasan.h): empty unless the kernel is built with it.
 */
#ifndef PLAT_VM_KASAN_H
#define PLAT_VM_KASAN_H

#include "kern/kasan.h"
#include "plat/vm/vm.h"

#ifdef KASAN

/** vm_kasan_early - one page of zeros as the shadow of all, for the boot tables. Context: boot, before any instrumented function */
void vm_kasan_early(void);
/** vm_kasan_root - the same for the kernel's own tables, before they are loaded. */
void vm_kasan_root(pte_t *root);
/** vm_kasan_init - the true shadow of memory and image, once the kernel's own tables are loaded; then checks begin. */
void vm_kasan_init(void);
/** vm_kasan_map - true shadow for mapped memory outside the direct map. Return: 0, -ENOMEM */
MUST_CHECK int vm_kasan_map(u64 va, u64 len);
/** vm_kasan_shared - is @table one of those that all shadow without memory behind it shares? */
bool vm_kasan_shared(paddr_t table);

#else

static inline void vm_kasan_early(void) {}
static inline void vm_kasan_root(pte_t *root) {}
static inline void vm_kasan_init(void) {}
MUST_CHECK static inline int vm_kasan_map(u64 va, u64 len) { return 0; }
static inline bool vm_kasan_shared(paddr_t table) { return false; }

#endif
#endif
