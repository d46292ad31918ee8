/* The machine of plat/vm with an interrupt flag that a user program may change: there are no interrupts. */
#ifndef TESTS_UNIT_VFS_ARCH_H
#define TESTS_UNIT_VFS_ARCH_H

#define plat_irq_save vm_irq_save
#define plat_irq_restore vm_irq_restore
#include "plat/vm/include/plat/arch.h"
#undef plat_irq_save
#undef plat_irq_restore

static inline u64 plat_irq_save(void) { return 0; }
static inline void plat_irq_restore(u64 flags) {}

#endif
