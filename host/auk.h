/*
 * Auk as a library: the kernel inside an ordinary Linux process.
 *
 * auk_start boots a kernel and returns as its process 1: from then on the caller is a program of that kernel, and auk_syscall makes
 * its system calls.  auk_run starts a C function as a further process.  Processes share this process's C memory, but what system calls
 * read and write through pointers is the kernel's own user memory: get it with auk_alloc, fill and read it with auk_put and auk_get.
 *
 * The machine is simulated (plat/host/sim.c): no host thread is made, time is virtual, the seed decides who runs when.
 *
 * One kernel at a time, as many as one likes one after the other.  Only from the host thread that called auk_start.
 */
#ifndef HOST_AUK_H
#define HOST_AUK_H

#include <stddef.h>
#include <stdint.h>
#include "plat/host/models.h"

/* Zero means the default. */
struct auk_config {
	uint64_t memory_bytes;		/* 64 MiB */
	uint64_t seed;
	uint64_t limit_ns;		/* virtual time after which a machine that only waits is stopped; a day */
	unsigned cpus;			/* 2 */
	unsigned switch_one_in;		/* at a switch point, go on as another CPU once in so many; 16 */
	const char *cmdline;
	void (*console)(const char *text, size_t len);	/* kernel messages; NULL: standard error */
	const struct auk_device *devices;	/* plat/host/models.h tells of disks, links and their faults */
	unsigned device_count;
};

/** auk_start - boot. Return: 0, -ENOMEM, -EINVAL, -EBUSY (one is running) */
int auk_start(const struct auk_config *config);

/**
 * auk_stop - kill all other processes, check for leaks, give all memory back. Context: process 1.
 * Return: pages in use now that were not after the start, those of caches of objects excepted; 0: no leak
 */
long auk_stop(void);

/**
 * auk_power_cut - end the machine as it stands: nothing is written, nobody is told; of the caches of its disks survives what @seed lets
 * survive.  The next auk_start can have the same disks.  Context: process 1.
 */
void auk_power_cut(uint64_t seed);

/** auk_syscall - Return: the result, or -errno */
#define auk_syscall(nr, ...) auk_syscall_args((nr), (const uint64_t[6]){ __VA_ARGS__ })
long auk_syscall_args(long nr, const uint64_t arg[6]);

/** auk_run - @fn(@arg) as a new process, a child with copies of memory and descriptors; it ends with @fn's result. Return: its number, -errno */
long auk_run(int (*fn)(void *arg), void *arg);

/** auk_wait - until child @pid ends. Return: its status as wait(2) has it, -errno */
long auk_wait(long pid);

/* ---- the current process's memory ---- */

/** auk_alloc - fresh zeroed user memory, whole pages. Return: its address, 0: none left */
uint64_t auk_alloc(size_t bytes);
void auk_free(uint64_t addr, size_t bytes);
int auk_put(uint64_t to, const void *from, size_t bytes);	/* 0, -EFAULT */
int auk_get(void *to, uint64_t from, size_t bytes);		/* 0, -EFAULT */
/** auk_cmpxchg32 - atomic compare and exchange. @old: what was there. Return: 0, -EFAULT */
int auk_cmpxchg32(uint64_t addr, uint32_t expect, uint32_t want, uint32_t *old);

/* ---- the machine ---- */
uint64_t auk_now_ns(void);	/* virtual, since boot */
uint64_t auk_trace_hash(void);	/* of every switch so far: the same seed and calls, the same number */
uint64_t auk_switches(void);

/**
 * auk_fail_alloc - the @nth allocation of the kernel from now on fails, once; 0: none. A scenario that is run with 1, 2, 3 … until
 * auk_fail_happened says no has had every one of its allocations fail.  For disks see auk_disk_faults.fail_nth.
 */
void auk_fail_alloc(uint64_t nth);
bool auk_fail_happened(void);
uint64_t auk_alloc_count(void);		/* allocations since boot */

/** auk_crash_note - a text that a machine that ends badly prints with its seed, such as the scenario's name. Kept, not copied. */
void auk_crash_note(const char *text);
void auk_crash_report(const char *why);	/* print the last switches, the seed, the note */
void auk_crash(const char *why) __attribute__((noreturn));	/* print them and abort */

#endif
