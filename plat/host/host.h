/* Inside the machine in a process: what its files share, and what host/ asks of it. */
#ifndef PLAT_HOST_HOST_H
#define PLAT_HOST_HOST_H

#include "base/types.h"
#include "plat/plat.h"

struct host_machine {
	u64 memory_bytes;
	u64 seed;
	u64 limit_ns;		/* virtual time after which the machine stops: no progress */
	u32 cpus;
	u32 switch_one_in;	/* at a switch point, go on as another CPU once in so many; 0: only when this one waits */
	void (*console)(const char *buf, size_t n);	/* NULL: the host's standard error */
	const char *cmdline;
};

extern struct host_machine host_machine;
extern struct plat_upcalls host_upcalls;

/* ---- image.c ---- */

/* A variable that the next machine finds as the last one left it. */
#define HOST_KEEP __attribute__((section(".keep")))

/** host_image_fresh - all variables as they were before the first machine; nothing of the last one may be in use. Return: 0, -1 (no memory) */
MUST_CHECK int host_image_fresh(void);

/* ---- sim.c ---- */

/** host_power_on - a machine as @m says: memory mapped, CPU 0 about to call kernel_main. Return: 0, -ENOMEM */
MUST_CHECK int host_power_on(const struct host_machine *m);

/** host_boot - play the machine until a thread calls host_arrive; from then on the caller's stack is that thread's, whose own is given back. */
void host_boot(void);
NORETURN void host_arrive(void);

/** host_power_off - give the machine's memory back; nothing of the kernel may be touched afterwards. */
void host_power_off(void);

/** host_stuck - tell why, with the seed that brings it back, and end the process. */
NORETURN void host_stuck(const char *why);

/** host_trace_hash - of all switches so far: the same seed, the same number. */
u64 host_trace_hash(void);
u64 host_switches(void);

void host_stack_alloc(struct plat_ctx *ctx);
void host_stack_free(struct plat_ctx *ctx);
struct plat_percpu *host_percpu(u32 cpu);

/* ---- user.c ---- */

/** host_syscall - enter the kernel as the current thread's program would. Return: the result, or -errno */
s64 host_syscall(u64 nr, const u64 arg[6]);

/* ---- os.c: the host's operating system ---- */
void *os_map(void *at, size_t bytes);	/* zeroed; at a fixed place if @at; NULL: no memory */
void os_unmap(void *at, size_t bytes);
void os_guard(void *page);		/* any access to it ends the process */
void os_write_stderr(const char *buf, size_t n);
void os_own_stack(void **bottom, size_t *bytes);	/* of this host thread */
NORETURN void os_exit(int status);
NORETURN void os_abort(void);

/* ---- switch.S ---- */
void host_switch_sp(void **save, void *load);

#endif
