/*
 * The vDSO: user code that reads the clock and the CPU's number without entering the kernel.
 *
 * Built as a shared object by mk/vdso.mk; the data page lies one page before its start (vdso.lds).
 *
 * Source: vdso(7), Linux's Documentation/ABI/stable/vdso.
 */
#include <asm/unistd.h>
#include <linux/time.h>
#include "task/vdso/data.h"

extern const volatile struct vdso_data vvar __attribute__((visibility("hidden")));

typedef unsigned long long u64;
struct timespec64 {
	long sec, nsec;
};
struct timeval64 {
	long sec, usec;
};
struct zone {
	int minutes_west, dst;
};

enum { SELECTOR_CPU = 0x7b, NS_PER_S = 1000000000, COARSE_NS = 4000000 };

static long call2(long nr, long a, long b)
{
	long ret;

	__asm__ volatile("syscall" : "=a"(ret) : "0"(nr), "D"(a), "S"(b) : "rcx", "r11", "memory");
	return ret;
}

static inline u64 read_tsc(void)
{
	unsigned lo, hi;

	__asm__ volatile("lfence; rdtsc" : "=a"(lo), "=d"(hi)::"memory");
	return (u64)hi << 32 | lo;
}

/* Nanoseconds of the monotonic clock, or of the wall clock. 0: the kernel must be asked */
static inline u64 read_ns(int wall)
{
	unsigned seq;
	u64 ns;

	do {
		while ((seq = __atomic_load_n(&vvar.seq, __ATOMIC_ACQUIRE)) & 1)
			__asm__ volatile("pause");
		if (!vvar.usable)
			return 0;
		ns = vvar.mono_base_ns + (u64)((unsigned __int128)(read_tsc() - vvar.tsc_base) * vvar.mult >> vvar.shift);
		if (wall)
			ns += vvar.wall_offset_ns;
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&vvar.seq, __ATOMIC_RELAXED) != seq);
	return ns;
}

/* -1: not a clock that is read here. */
static inline int is_wall(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME: case CLOCK_REALTIME_COARSE: case CLOCK_TAI: return 1;
	case CLOCK_MONOTONIC: case CLOCK_MONOTONIC_COARSE: case CLOCK_MONOTONIC_RAW: case CLOCK_BOOTTIME: return 0;
	default: return -1;
	}
}

int __vdso_clock_gettime(int clock, struct timespec64 *ts);
int __vdso_clock_gettime(int clock, struct timespec64 *ts)
{
	int wall = is_wall(clock);
	u64 ns = wall < 0 ? 0 : read_ns(wall);

	if (__builtin_expect(!ns, 0))
		return (int)call2(__NR_clock_gettime, clock, (long)ts);
	ts->sec = (long)(ns / NS_PER_S);
	ts->nsec = (long)(ns % NS_PER_S);
	return 0;
}

int __vdso_gettimeofday(struct timeval64 *tv, struct zone *zone);
int __vdso_gettimeofday(struct timeval64 *tv, struct zone *zone)
{
	u64 ns = read_ns(1);

	if (__builtin_expect(!ns, 0))
		return (int)call2(__NR_gettimeofday, (long)tv, (long)zone);
	if (tv) {
		tv->sec = (long)(ns / NS_PER_S);
		tv->usec = (long)(ns % NS_PER_S / 1000);
	}
	if (zone)
		zone->minutes_west = zone->dst = 0;
	return 0;
}

long __vdso_time(long *t);
long __vdso_time(long *t)
{
	u64 ns = read_ns(1);
	long sec = ns ? (long)(ns / NS_PER_S) : call2(__NR_time, 0, 0);

	if (t)
		*t = sec;
	return sec;
}

int __vdso_clock_getres(int clock, struct timespec64 *ts);
int __vdso_clock_getres(int clock, struct timespec64 *ts)
{
	if (is_wall(clock) < 0)
		return (int)call2(__NR_clock_getres, clock, (long)ts);
	if (ts) {
		ts->sec = 0;
		ts->nsec = clock == CLOCK_REALTIME_COARSE || clock == CLOCK_MONOTONIC_COARSE ? COARSE_NS : 1;
	}
	return 0;
}

/* The limit of a segment of its own tells each CPU's number. */
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused);
long __vdso_getcpu(unsigned *cpu, unsigned *node, void *unused)
{
	unsigned n;

	__asm__ volatile("lsl %1, %0" : "=r"(n) : "r"(SELECTOR_CPU));
	if (cpu)
		*cpu = n & 0xfff;
	if (node)
		*node = n >> 12;
	return 0;
}

#define ALIAS(name) __attribute__((weak, alias("__vdso_" #name)))
int clock_gettime(int clock, struct timespec64 *ts) ALIAS(clock_gettime);
int gettimeofday(struct timeval64 *tv, struct zone *zone) ALIAS(gettimeofday);
long time(long *t) ALIAS(time);
int clock_getres(int clock, struct timespec64 *ts) ALIAS(clock_getres);
long getcpu(unsigned *cpu, unsigned *node, void *unused) ALIAS(getcpu);
