/*
 * x86-64, inline: per-CPU base, interrupt flag, thread context; page-table entries are in plat/pte.h.
 *
 * GS points at this CPU's struct plat_percpu in kernel mode.  The stack protector reads its canary at
 * %gs:40 (mk/kernel.mk), so the offset of `canary` is fixed.
 */
#ifndef PLAT_ARCH_H
#define PLAT_ARCH_H

#include "base/types.h"
#include "plat/pte.h"

struct thread;
struct plat_as;

struct plat_percpu {
	struct plat_percpu *self;	/*  0 */
	struct thread *current;		/*  8 */
	u64 kernel_sp;			/* 16 top of current's kernel stack: where a system call starts */
	u64 user_sp;			/* 24 scratch of the system-call entry */
	u32 id;				/* 32 */
	u32 irq_depth;			/* 36 interrupt handlers nested on this CPU */
	u64 canary;			/* 40 */
	struct plat_as *as;		/* loaded address space, NULL: kernel's */
	void *fpu_owner;		/* context whose FPU state is in the registers */
	u32 apic_id;
	u32 started;
	void *tss;
};
static_assert(__builtin_offsetof(struct plat_percpu, canary) == 40, "mk/kernel.mk names this offset");

/* What a thread owns of the machine while it does not run. */
struct plat_ctx {
	u64 sp;
	u64 kernel_sp;		/* top of its kernel stack */
	u64 fs_base, gs_base;	/* user's */
	void *fpu;		/* XSAVE area, NULL for kernel threads */
	u32 fpu_cpu;		/* CPU whose registers last held it */
	u32 user_segments;	/* nonzero: user loaded a TLS base of its own */
};

static inline struct thread *plat_current(void)
{
	struct thread *t;

	asm("mov %%gs:8, %0" : "=r"(t));
	return t;
}

static inline u32 plat_cpu_id(void)
{
	u32 id;

	asm volatile("mov %%gs:32, %0" : "=r"(id));
	return id;
}

static inline bool plat_in_irq(void)
{
	u32 depth;

	asm volatile("mov %%gs:36, %0" : "=r"(depth));
	return depth != 0;
}

static inline void plat_cpu_relax(void)
{
	asm volatile("pause" ::: "memory");
}

/* ---- interrupt flag ---- */

static inline u64 plat_irq_save(void)
{
	u64 flags;

	asm volatile("pushfq; pop %0; cli" : "=r"(flags)::"memory");
	return flags;
}

static inline void plat_irq_restore(u64 flags)
{
	if (flags & 0x200)
		asm volatile("sti" ::: "memory");
}

static inline void plat_irq_enable(void)
{
	asm volatile("sti" ::: "memory");
}

static inline void plat_irq_disable(void)
{
	asm volatile("cli" ::: "memory");
}

static inline bool plat_irq_enabled(void)
{
	u64 flags;

	asm volatile("pushfq; pop %0" : "=r"(flags));
	return flags & 0x200;
}

/* ---- memory ---- */

#define PLAT_DIRECT_MAP 0xffff888000000000ull	/* all of physical memory, linearly */
#define PLAT_USER_TOP 0x00007ffffffff000ull	/* one past the last user address */

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
	u64 cpus;	/* [atomic] bit n: CPU n may hold translations */
};

/* ---- device registers ---- */

static inline u8 plat_mmio_read8(const volatile void *reg) { return *(const volatile u8 *)reg; }
static inline u16 plat_mmio_read16(const volatile void *reg) { return *(const volatile u16 *)reg; }
static inline u32 plat_mmio_read32(const volatile void *reg) { return *(const volatile u32 *)reg; }
static inline void plat_mmio_write8(volatile void *reg, u8 v) { *(volatile u8 *)reg = v; }
static inline void plat_mmio_write16(volatile void *reg, u16 v) { *(volatile u16 *)reg = v; }
static inline void plat_mmio_write32(volatile void *reg, u32 v) { *(volatile u32 *)reg = v; }

#endif
