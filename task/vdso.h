/*
 * The vDSO: a small shared object in every program, which reads the clock without entering the kernel.
 *
 * Two pages lie before its text: vvar (struct vdso_data, kept by the clock code) at the start.
 */
#ifndef TASK_VDSO_H
#define TASK_VDSO_H

#include "base/types.h"

struct mm;

/** vdso_map - map it into @mm, which is current; sets mm->vdso. 0 or -errno */
MUST_CHECK int vdso_map(struct mm *mm);
void vdso_init(void);
/** vdso_clock_changed - the wall clock was set: bring the data page up to date. */
void vdso_clock_changed(void);

#endif
