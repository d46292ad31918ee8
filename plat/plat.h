/*
 * The seam: a machine with CPUs.
 *
 * Everything above plat/ is the same source on every platform; a platform is one directory that
 * defines what this file declares, and <plat/arch.h> for what must be inline (per-CPU base, interrupt
 * flag, page-table entries).  It describes a machine, not an operating system: threads, locks,
 * allocators and timers are ours, above.  One platform a binary: no vtable, no capability flags.
 *
 * Control comes up through struct plat_upcalls, handed over once at boot.
 *
 * Departure from DESIGN.md 2: page tables are written by mm/ through the inline entry operations of
 * <plat/arch.h>; the platform only loads a root and flushes.  A call for each page would cost more than
 * the page, and the host platform keeps tables of the same shape, which it walks in software.
 *
 * Contexts are named: "boot" (one CPU, interrupts off), "any" (also interrupt), "thread" (may sleep).
 */
#ifndef PLAT_PLAT_H
#define PLAT_PLAT_H

#include "base/types.h"
#include "plat/regs.h"
#include <plat/arch.h>

enum { CPUS_MAX = 64 };

/* ---- boot ---- */

struct plat_region {
	paddr_t start;
	u64 len_bytes;
};

/** plat_cmdline - the kernel's arguments, NUL-terminated, valid for ever. Context: any. */
const char *plat_cmdline(void);

/**
 * plat_memory - the regions of usable memory that nothing occupies (kernel and initramfs taken out)
 * @regions: out, sorted by address, valid for ever
 * Return: how many
 */
unsigned plat_memory(const struct plat_region **regions);

/** plat_memory_top - one past the highest physical address of usable memory. */
paddr_t plat_memory_top(void);

/** plat_initrd - the initramfs image as it lies in memory; *len_bytes 0 if there is none. */
void *plat_initrd(size_t *len_bytes);

/** plat_cpu_count - CPUs that can be started, the boot CPU (number 0) included; at most CPUS_MAX. */
u32 plat_cpu_count(void);

/** plat_late_init - what needs the allocators: device memory, interrupt controllers, all page tables final. Context: boot. */
void plat_late_init(void);

/** plat_seal - make the kernel's memory W^X for good and check it; prints the outcome. Context: boot. */
void plat_seal(void);

NORETURN void plat_power_off(void);
NORETURN void plat_reset(void);
NORETURN void plat_halt(void);

/** plat_panic_stop - stop every CPU and end the machine with a failure status. Context: any. */
NORETURN void plat_panic_stop(void);

/* ---- upcalls ---- */

/* How a fault happened. */
enum plat_fault_flags {
	PLAT_FAULT_WRITE = 1,	/* a write; else a read or a fetch */
	PLAT_FAULT_EXEC = 2,	/* an instruction fetch */
	PLAT_FAULT_USER = 4,	/* in user mode; else the kernel touched user memory on a caller's behalf */
	PLAT_FAULT_PROT = 8,	/* a translation was present: protection */
};

/* What user code did wrong, page faults on its own addresses apart. */
struct plat_trap {
	int sig, code;		/* as in siginfo */
	u64 addr;		/* its si_addr */
	u32 number, error;	/* the exception's number and error code, for signal frames */
};

struct plat_upcalls {
	/* A system call; the result goes to regs->ax.  Thread context, interrupts on. */
	void (*syscall)(struct plat_regs *regs);
	/*
	 * A fault on a user address.  Return 0 to retry; else a negative errno, which a kernel access returns to its
	 * caller and after which user code has been sent its signal.  Thread context, interrupts on.
	 */
	int (*fault)(struct plat_regs *regs, u64 addr, unsigned flags);
	/* Another user-mode exception. Thread context. */
	void (*trap)(struct plat_regs *regs, const struct plat_trap *trap);
	/* Before returning to user mode with any of TF_WORK set in the thread's flags; interrupts on. */
	void (*user_work)(struct plat_regs *regs);
	/* The one-shot timer went off; @from_user: it interrupted user mode. Interrupt context. */
	void (*tick)(bool from_user);
	/* Another CPU kicked this one (plat_cpu_kick). Interrupt context. */
	void (*kick)(void);
};

/** kernel_main - where the platform hands over, on the boot CPU, interrupts off; init/ defines it. */
NORETURN void kernel_main(void);

void plat_set_upcalls(const struct plat_upcalls *up);

/* ---- cpu ---- */

struct thread;

/**
 * plat_cpu_start - start a CPU that was never started
 * @cpu:   its number, [1, plat_cpu_count())
 * @idle:  the thread that it shall be; its stack is the CPU's
 * @entry: called on that stack, interrupts off, never returns
 * Return: 0, or -ETIMEDOUT when the CPU did not come up
 */
MUST_CHECK int plat_cpu_start(u32 cpu, struct thread *idle, void (*entry)(void));

/** plat_cpu_kick - have @cpu enter the kernel and run upcall kick(). Context: any. */
void plat_cpu_kick(u32 cpu);

/** plat_cpu_idle - enable interrupts and sleep until one comes, atomically; returns with them on. Context: idle thread, interrupts off. */
void plat_cpu_idle(void);

/**
 * plat_ctx_init - prepare a context so that the first switch to it calls @entry(@arg)
 * @stack_top: one past the end of its kernel stack, 16-byte aligned
 */
void plat_ctx_init(struct plat_ctx *ctx, void *stack_top, void (*entry)(void *arg), void *arg);

/**
 * plat_stack_alloc, plat_stack_free - KSTACK_BYTES for a thread; what lies below faults where the platform can see to it
 * It may lie outside the direct map: no device may be given an address on it.  Context: thread (alloc: may sleep); free: any with interrupts on
 * Return: its lowest address, or NULL
 */
void *plat_stack_alloc(void);
void plat_stack_free(void *stack);

/** plat_ctx_switch - save into @prev, go on as @next; returns when @prev is switched to again. Interrupts off. */
void plat_ctx_switch(struct plat_ctx *prev, struct plat_ctx *next);

/** plat_ctx_adopt - make @thread what plat_current() answers on this CPU, with its kernel stack. Interrupts off. */
void plat_ctx_adopt(struct thread *thread, void *stack_top);

/** plat_ctx_fork - copy what a user thread owns besides its registers (FPU, TLS bases) from the current thread. Return: 0, -ENOMEM */
MUST_CHECK int plat_ctx_fork(struct plat_ctx *to);

/** plat_ctx_exec - give the current thread fresh FPU state and TLS bases. Return: 0, -ENOMEM */
MUST_CHECK int plat_ctx_exec(void);

/** plat_ctx_free - release what plat_ctx_fork or plat_ctx_exec allocated. */
void plat_ctx_free(struct plat_ctx *ctx);

/* ---- interrupts ---- */

/**
 * plat_irq_attach - call @handler(@arg) in interrupt context for a wired interrupt
 * @gsi:   global system interrupt; several handlers may share one
 * @level: true for level-triggered, active low (PCI); false for edge, active high (ISA)
 * Return: 0, -EINVAL (no such line), -ENOMEM
 */
MUST_CHECK int plat_irq_attach(u32 gsi, bool level, void (*handler)(void *arg), void *arg);

struct plat_msi {
	u64 address;
	u32 data;
	u32 vector;	/* for plat_msi_free */
};

/** plat_msi_attach - an interrupt vector for a message-signalled interrupt to @cpu. Return: 0, -ENOSPC, -ENOMEM */
MUST_CHECK int plat_msi_attach(u32 cpu, void (*handler)(void *arg), void *arg, struct plat_msi *msi);
void plat_msi_free(const struct plat_msi *msi);

/* ---- time ---- */

u64 plat_mono_ns(void);		/* nanoseconds since boot, the same on every CPU, never back. Context: any */
u64 plat_wall_boot_ns(void);	/* nanoseconds between 1970-01-01 UTC and boot, read from the machine's clock once */
void plat_timer_arm(u64 deadline_ns);	/* one-shot, this CPU; U64_MAX disarms. Interrupts off */

/** plat_vdso_image - what the vDSO's code needs to read the clock; fills the parameter page. */
struct plat_clock_params {
	u64 tsc_base;		/* counter value at mono_base_ns */
	u64 mono_base_ns;
	u32 mult;		/* ns = (tsc - base) * mult >> shift */
	u32 shift;
	u32 usable;		/* 0: user code must enter the kernel */
};
void plat_clock_params(struct plat_clock_params *out);

/* ---- memory ---- */

struct plat_as;		/* an address space, in <plat/arch.h>: its root table and where it is loaded */

MUST_CHECK int plat_as_init(struct plat_as *as, paddr_t root_table);	/* root_table: a zeroed page; kernel half is filled in */
void plat_as_fini(struct plat_as *as);			/* no CPU may be running in it; lazily loaded ones let go */
void plat_as_switch(struct plat_as *as);		/* load it on this CPU; NULL: kernel only. Interrupts off */

/** plat_tlb_flush - on return no CPU holds a stale translation of [start, end) of @as. Context: thread */
void plat_tlb_flush(struct plat_as *as, u64 start, u64 end);

/** plat_map_io - map device memory, uncached, for ever. Return: virtual address or NULL. Context: thread */
void *plat_map_io(paddr_t phys, u64 len_bytes);

/* ---- user memory ----
 * All check that the range is user addresses; faults go to upcall fault().  Thread context.
 */
MUST_CHECK size_t plat_copy_from_user(void *dst, u64 src, size_t n);	/* returns bytes NOT copied */
MUST_CHECK size_t plat_copy_to_user(u64 dst, const void *src, size_t n);
MUST_CHECK size_t plat_clear_user(u64 dst, size_t n);
MUST_CHECK long plat_strncpy_from_user(char *dst, u64 src, size_t n);	/* length without NUL; n if none within n; -EFAULT */
/** plat_user_cmpxchg32 - atomic compare and exchange in user memory. @old_out: what was there. Return: 0, -EFAULT */
MUST_CHECK int plat_user_cmpxchg32(u64 addr, u32 expect, u32 want, u32 *old_out);
/** plat_user_load32 - atomic load, without faulting in: -EFAULT at once if not mapped. May be called with a spin lock held. */
MUST_CHECK int plat_user_load32_nofault(u64 addr, u32 *out);
MUST_CHECK int plat_user_cmpxchg32_nofault(u64 addr, u32 expect, u32 want, u32 *old_out);

/** plat_user_enter - leave the kernel for user mode with @regs, which lie at the top of the thread's stack. */
NORETURN void plat_user_enter(struct plat_regs *regs);

/** plat_regs_current - where the current user thread's registers lie. */
struct plat_regs *plat_regs_current(void);

/* ---- user state beyond the registers: signal frames, ptrace, arch_prctl ---- */

size_t plat_fpu_size(void);			/* bytes of FPU state in a signal frame */
/** plat_fpu_save_user - store the current FPU state at @dst (64-byte aligned) in the form of a signal frame. 0, -EFAULT */
MUST_CHECK int plat_fpu_save_user(u64 dst);
MUST_CHECK int plat_fpu_restore_user(u64 src);	/* 0; -EFAULT; -EINVAL if the image is not one */
u64 plat_fs_base(void);
u64 plat_gs_base(void);
void plat_set_fs_base(u64 base);
void plat_set_gs_base(u64 base);

/* ---- devices ---- */

u8 plat_port_in8(u16 port);
u16 plat_port_in16(u16 port);
u32 plat_port_in32(u16 port);
void plat_port_out8(u16 port, u8 v);
void plat_port_out16(u16 port, u16 v);
void plat_port_out32(u16 port, u32 v);

/*
 * Registers in memory that plat_map_io gave: plat_mmio_read8, 16, 32(const volatile void *reg), plat_mmio_write8, 16, 32(volatile void
 * *reg, value), inline in <plat/arch.h>.  Drivers use drivers/mmio.h, which adds the ordering.
 */

/** plat_pci_present - whether configuration space can be read. Then: bus, device << 3 | function, byte offset (aligned to size). */
bool plat_pci_present(void);
u32 plat_pci_read(u8 bus, u8 devfn, u16 offset, unsigned size_bytes);
void plat_pci_write(u8 bus, u8 devfn, u16 offset, unsigned size_bytes, u32 value);
/** plat_pci_gsi - the wired interrupt of @pin (1 = INTA) of a device on bus 0. Return: gsi, or -ENOENT */
int plat_pci_gsi(u8 devfn, u8 pin, u8 line_register);

/* A virtio register block that the firmware's tables name. */
struct plat_mmio_device {
	paddr_t base;
	u64 len_bytes;
	u32 gsi;
};
/** plat_mmio_devices - Return: how many; valid for ever */
unsigned plat_mmio_devices(const struct plat_mmio_device **devices);

/* ---- misc ---- */

/** plat_cpu_describe - the text of one CPU's paragraph of /proc/cpuinfo. Return: length */
size_t plat_cpu_describe(u32 cpu, char *buf, size_t size);
/** plat_hwcaps - what AT_HWCAP and AT_HWCAP2 tell programs. */
void plat_hwcaps(u64 *hwcap, u64 *hwcap2);

u64 plat_entropy(void);				/* a word of whatever randomness the machine gives; mix, do not trust */
void plat_console_write(const char *buf, size_t n);	/* the early, polled console. Context: any */

#endif
