/* Inside the machine in a process: what its files share, and what host/ asks of it. */
#ifndef PLAT_HOST_HOST_H
#define PLAT_HOST_HOST_H

#include "base/types.h"
#include "plat/plat.h"

struct auk_device;

/* The interrupt of the first virtio device; its registers lie at HOST_IO_BASE, a page each. */
enum { HOST_GSI_FIRST = 32, HOST_GSI_MAX = 64 };
#define HOST_IO_BASE 0xf0000000ull

struct host_machine {
	u64 memory_bytes;
	u64 seed;
	u64 limit_ns;		/* virtual time after which the machine stops: no progress */
	u32 cpus;
	u32 switch_one_in;	/* at a switch point, go on as another CPU once in so many; 0: only when this one waits */
	void (*console)(const char *buf, size_t n);	/* NULL: the host's standard error */
	const char *cmdline;
	const struct auk_device *devices;
	unsigned device_count;
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

void host_crash_report(const char *why);	/* the last switches, the seed, why */
void host_crash_note(const char *text);		/* what a crash report says of the scenario */

/** host_trace_hash - of all switches so far: the same seed, the same number. */
u64 host_trace_hash(void);
u64 host_switches(void);
u64 host_now_ns(void);		/* the clock, which this reading does not move */

/** host_device_enter - from here to host_device_leave a model acts, not the CPU that wrote to its register. */
void host_device_enter(void);
void host_device_leave(void);

void host_stack_alloc(struct plat_ctx *ctx);
void host_stack_free(struct plat_ctx *ctx);
struct plat_percpu *host_percpu(u32 cpu);

/* ---- fail.c ---- */

/** host_fail_alloc - the @nth allocation from now fails, once; 0: none. host_fail_happened: whether it has come. */
void host_fail_alloc(u64 nth);
bool host_fail_happened(void);
u64 host_alloc_count(void);

/* ---- devices.c ---- */

/** host_irq_run - the handler of a device's interrupt. Context: interrupt */
void host_irq_run(u32 gsi);

/* ---- user.c ---- */

/** host_syscall - enter the kernel as the current thread's program would. Return: the result, or -errno */
s64 host_syscall(u64 nr, const u64 arg[6]);

/* ---- os.c: the host's operating system ---- */
void *os_map(void *at, size_t bytes);	/* zeroed; at a fixed place if @at; NULL: no memory */
void os_unmap(void *at, size_t bytes);
void os_guard(void *page);		/* any access to it ends the process */
void *os_alloc(size_t bytes);		/* zeroed, of the host's heap: outlives machines; NULL: no memory */
void os_free(void *p);
int os_memory_file(u64 bytes);		/* a descriptor; -1 */
int os_open_file(const char *path, bool to_write, u64 *bytes);	/* -1 */
void os_close(int fd);
void *os_map_file(int fd, u64 bytes, bool shared);	/* writes to a mapping that is not shared stay its own; NULL */
void os_remap_file(void *at, int fd, u64 bytes);	/* a mapping that is not shared forgets its own writes */
void os_write_stderr(const char *buf, size_t n);
void os_own_stack(void **bottom, size_t *bytes);	/* of this host thread */
NORETURN void os_exit(int status);
NORETURN void os_abort(void);

/* ---- switch.S ---- */
void host_switch_sp(void **save, void *load);

#endif
