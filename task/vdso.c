/* See vdso.h. */
#include "mm/mm.h"
#include "task/vdso.h"

int vdso_map(struct mm *mm)
{
	mm->vdso = 0;	/* none: programs enter the kernel */
	return 0;
}

void vdso_init(void) { }
void vdso_clock_changed(void) { }
