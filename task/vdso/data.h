/*
 * The page that the kernel fills and the vDSO's code reads: task/vdso.c and task/vdso/vdso.c.
 *
 * Readers take seq, read, and look at seq again; the kernel makes it odd while it writes.
 */
#ifndef TASK_VDSO_DATA_H
#define TASK_VDSO_DATA_H

struct vdso_data {
	unsigned seq;
	unsigned usable;		/* 0: enter the kernel */
	unsigned long long tsc_base;
	unsigned long long mono_base_ns;
	unsigned long long wall_offset_ns;	/* wall clock minus monotonic */
	unsigned mult, shift;
};

#endif
