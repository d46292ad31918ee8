/*
 * A machine inside a Linux process, inline: per-CPU state, interrupt flag, memory, thread context.
 *
 * One host thread plays all CPUs in turn (plat/host/sim.c), so what is per CPU lies behind one pointer, and the interrupt flag is a
 * variable of the CPU.  Where interrupts are turned on and where a CPU waits, the simulator may go on as another CPU.
 */
#ifndef PLAT_ARCH_H
#define PLAT_ARCH_H

#include "base/types.h"
#include "plat/pte.h"

struct thread;
struct plat_as;

struct plat_percpu {
	struct thread *current;
	struct plat_as *as;	/* loaded address space, NULL: kernel's */
	u32 id;
	u32 irq_depth;		/* interrupt handlers nested on this CPU */
	bool irq_on;		/* the interrupt flag */
	bool started;
	bool idle;		/* sleeps in plat_cpu_idle */
	bool kicked;		/* a kick is pending */
	u64 irqs;		/* bit n: interrupt n of a device is pending */
	u64 deadline_ns;	/* of its one-shot timer; ~0: disarmed */
	void *sp;		/* where it goes on, while another CPU is played */
};

/* What a thread owns of the machine while it does not run. */
struct plat_ctx {
	void *sp;
	u64 kernel_sp;		/* top of the kernel's stack for it: its user registers lie below */
	u64 fs_base, gs_base;
	void (*entry)(void *arg);
	void *arg;
	void *stack;		/* the stack that it runs on is the host's: sanitizers want more room than a kernel stack has */
	size_t stack_bytes;
	void *fake_stack;	/* AddressSanitizer's */
	void *race_fiber;	/* ThreadSanitizer's */
	void *fpu;		/* NULL: programs are C functions, whose FPU registers the host keeps */
	u32 fpu_cpu;
	bool stack_owned;
};

extern struct plat_percpu *host_cpu;	/* the CPU that is played now */

/** host_switch_point - interrupts are on: take pending ones, let time pass, maybe go on as another CPU. */
void host_switch_point(void);
/** host_relax - a CPU waits for another: play another. */
void host_relax(void);

static inline struct thread *plat_current(void)
{
	return host_cpu->current;
}

static inline u32 plat_cpu_id(void)
{
	return host_cpu->id;
}

static inline bool plat_in_irq(void)
{
	return host_cpu->irq_depth != 0;
}

static inline void plat_cpu_relax(void)
{
	host_relax();
}

/* ---- interrupt flag ---- */

static inline u64 plat_irq_save(void)
{
	bool on = host_cpu->irq_on;

	host_cpu->irq_on = false;
	return on;
}

static inline void plat_irq_enable(void)
{
	host_cpu->irq_on = true;
	host_switch_point();
}

static inline void plat_irq_restore(u64 flags)
{
	if (flags)
		plat_irq_enable();
}

static inline void plat_irq_disable(void)
{
	host_cpu->irq_on = false;
}

static inline bool plat_irq_enabled(void)
{
	return host_cpu->irq_on;
}

/* ---- device registers: calls of the models ---- */

u32 host_mmio_read(const volatile void *reg, u32 bytes);
void host_mmio_write(volatile void *reg, u32 bytes, u32 value);

static inline u8 plat_mmio_read8(const volatile void *reg) { return (u8)host_mmio_read(reg, 1); }
static inline u16 plat_mmio_read16(const volatile void *reg) { return (u16)host_mmio_read(reg, 2); }
static inline u32 plat_mmio_read32(const volatile void *reg) { return host_mmio_read(reg, 4); }
static inline void plat_mmio_write8(volatile void *reg, u8 v) { host_mmio_write(reg, 1, v); }
static inline void plat_mmio_write16(volatile void *reg, u16 v) { host_mmio_write(reg, 2, v); }
static inline void plat_mmio_write32(volatile void *reg, u32 v) { host_mmio_write(reg, 4, v); }

/* ---- memory ---- */

/* The arena is mapped at a fixed place, so that no address depends on the host's mood; where both AddressSanitizer and ThreadSanitizer let programs be. */
#define PLAT_DIRECT_MAP 0x7e9000000000ull
#define PLAT_USER_TOP 0x00007ffffffff000ull	/* one past the last user address; user addresses are not the host's */

static inline void *phys_to_virt(paddr_t p)
{
	return (void *)(p + PLAT_DIRECT_MAP);
}

/* Only for addresses of the direct map. */
static inline paddr_t virt_to_phys(const void *v)
{
	return (u64)v - PLAT_DIRECT_MAP;
}

struct plat_as {
	paddr_t root;
	u64 cpus;	/* bit n: CPU n has it loaded */
};

#endif
