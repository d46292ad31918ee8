/*
 * Inside the x86-64 machine: what its files share.  Nothing above plat/ includes this.
 */
#ifndef PLAT_VM_H
#define PLAT_VM_H

#include "base/types.h"
#include "plat/plat.h"

#define KERNEL_BASE 0xffffffff80000000ull	/* link address of physical 0 */
#define IO_BASE 0xffffc90000000000ull		/* device memory is mapped from here up */
#define STACK_BASE 0xffffc98000000000ull	/* kernel stacks */

extern char image_start[], text_start[], text_end[], rodata_start[], rodata_end[], data_start[], image_end[];

static inline paddr_t image_phys(const void *p) { return (u64)p - KERNEL_BASE; }

/* ---- selectors: the ones that Linux shows to user programs ---- */
enum { SEL_KERNEL_CS = 0x10, SEL_KERNEL_DS = 0x18, SEL_USER32_CS = 0x23, SEL_USER_DS = 0x2b, SEL_USER_CS = 0x33, SEL_TSS = 0x40, SEL_CPU = 0x7b };

/* ---- vectors ---- */
enum {
	VEC_GSI = 0x30,		/* wired interrupts: VEC_GSI + gsi, up to 48 of them */
	VEC_MSI = 0x60,		/* message-signalled ones up to VEC_MSI_LAST */
	VEC_MSI_LAST = 0xef,
	VEC_TIMER = 0xf0,
	VEC_KICK = 0xf1,
	VEC_FLUSH = 0xf2,
	VEC_STOP = 0xf3,
	VEC_SPURIOUS = 0xff,
	GSI_MAX = 48,
};

extern struct plat_percpu vm_percpu[CPUS_MAX];
extern struct plat_upcalls vm_upcalls;

static inline struct plat_percpu *vm_this(void)
{
	struct plat_percpu *p;

	asm volatile("mov %%gs:0, %0" : "=r"(p));
	return p;
}

/* ---- instructions ---- */
static inline u64 rdmsr(u32 msr)
{
	u32 lo, hi;

	asm volatile("rdmsr" : "=a"(lo), "=d"(hi) : "c"(msr));
	return (u64)hi << 32 | lo;
}
static inline void wrmsr(u32 msr, u64 v)
{
	asm volatile("wrmsr" ::"c"(msr), "a"((u32)v), "d"((u32)(v >> 32)) : "memory");
}
static inline u64 rdtsc(void)
{
	u32 lo, hi;

	asm volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (u64)hi << 32 | lo;
}
struct cpuid_regs { u32 a, b, c, d; };
static inline struct cpuid_regs cpuid(u32 leaf, u32 sub)
{
	struct cpuid_regs r;

	asm volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(sub));
	return r;
}
static inline u64 read_cr0(void) { u64 v; asm volatile("mov %%cr0, %0" : "=r"(v)); return v; }
static inline u64 read_cr2(void) { u64 v; asm volatile("mov %%cr2, %0" : "=r"(v)); return v; }
static inline u64 read_cr3(void) { u64 v; asm volatile("mov %%cr3, %0" : "=r"(v)); return v; }
static inline u64 read_cr4(void) { u64 v; asm volatile("mov %%cr4, %0" : "=r"(v)); return v; }
static inline void write_cr0(u64 v) { asm volatile("mov %0, %%cr0" ::"r"(v) : "memory"); }
static inline void write_cr3(u64 v) { asm volatile("mov %0, %%cr3" ::"r"(v) : "memory"); }
static inline void write_cr4(u64 v) { asm volatile("mov %0, %%cr4" ::"r"(v) : "memory"); }
static inline void invlpg(u64 va) { asm volatile("invlpg (%0)" ::"r"(va) : "memory"); }

enum { MSR_APIC_BASE = 0x1b, MSR_TSC_DEADLINE = 0x6e0, MSR_EFER = 0xc0000080, MSR_STAR = 0xc0000081, MSR_LSTAR = 0xc0000082,
       MSR_SFMASK = 0xc0000084, MSR_FS_BASE = 0xc0000100, MSR_GS_BASE = 0xc0000101, MSR_KERNEL_GS_BASE = 0xc0000102, MSR_TSC_AUX = 0xc0000103 };
enum { EFLAGS_CF = 1, EFLAGS_TF = 0x100, EFLAGS_IF = 0x200, EFLAGS_DF = 0x400, EFLAGS_NT = 0x4000, EFLAGS_AC = 0x40000 };
enum { CR4_PAE = 1 << 5, CR4_PGE = 1 << 7, CR4_OSFXSR = 1 << 9, CR4_OSXMMEXCPT = 1 << 10, CR4_UMIP = 1 << 11, CR4_OSXSAVE = 1 << 18, CR4_SMEP = 1 << 20, CR4_SMAP = 1 << 21 };

/* ---- cpu.c: features, descriptor tables ---- */
struct vm_features {
	bool x2apic, tsc_deadline, xsave, xsaveopt, smep, smap, umip, pge, gb_pages, rdtscp, kvm, rdrand, rdpid, invariant_tsc;
	u64 xcr0;
	u32 xsave_bytes;
};
extern struct vm_features vm_features;
void vm_features_detect(void);
void vm_cpu_init(u32 id);		/* per CPU: GDT, TSS, IDT, system-call MSRs, control registers */
void vm_idt_init(void);
void vm_set_kernel_stack(u64 top);
void vm_patch_smap(void);

/* ---- paging.c ---- */
extern paddr_t vm_kernel_root;
void vm_paging_init(void);		/* the kernel's own tables, replacing the boot ones */
void vm_paging_drop_boot(void);
/* One page, writable, not executable. The caller has a lock on the range.  false: no memory for a table */
bool vm_map_page(u64 va, paddr_t pa);
paddr_t vm_unmap_page(u64 va);		/* no flush */

/* ---- stack.c ---- */
bool vm_stack_guard(u64 addr, u64 *stack);	/* is it below the end of a kernel stack, and of which? */

/* ---- start.c: memory as told by the loader; pages taken before the allocator exists ---- */
void *vm_early_alloc(size_t bytes);	/* zeroed, page-aligned, never freed; boot only, before plat_memory() */
struct vm_boot_region { u64 start, len; u32 type; };	/* type 1: RAM */
extern struct vm_boot_region vm_boot_map[128];
extern unsigned vm_boot_map_count;

/* ---- acpi.c ---- */
struct vm_acpi {
	u32 cpu_count;
	u32 apic_id[CPUS_MAX];
	u64 lapic_phys;
	struct { u32 id; u64 phys; u32 gsi_base; } ioapic[4];
	u32 ioapic_count;
	struct { u32 gsi; bool level, low; } isa[16];	/* where an ISA interrupt goes */
	u64 ecam_phys;			/* PCI memory-mapped configuration, 0: none */
	u8 ecam_bus_last;
	u16 pm1a_cnt, pm1b_cnt;
	u16 pm_timer_port;
	u8 s5_typ_a, s5_typ_b;
	bool s5_valid, hw_reduced, found;
	struct { u8 space; u64 addr; u8 value; } reset, sleep_ctl;	/* space 0 memory, 1 port; addr 0: none */
};
extern struct vm_acpi vm_acpi;
void vm_acpi_init(paddr_t rsdp);

/* ---- apic.c, irq.c ---- */
void vm_lapic_init(void);		/* this CPU's */
void vm_lapic_setup(void);		/* once: mode and mapping */
void vm_lapic_eoi(void);
u32 vm_lapic_id(void);
void vm_ipi(u32 apic_id, u32 vector);
void vm_ipi_all_others(u32 vector);
void vm_nmi_all_others(void);	/* stops them, interrupts off or not */
void vm_ipi_init(u32 apic_id);
void vm_ipi_startup(u32 apic_id, u32 page);
void vm_lapic_timer_init(void);
void vm_lapic_count_start(void);	/* for calibration: start the counter, read how far it came */
u32 vm_lapic_count_passed(void);
void vm_lapic_timer_arm(u64 delta_ns, u64 deadline_tsc);
void vm_irq_init(void);
void vm_irq_dispatch(u32 vector);

/* ---- time.c ---- */
void vm_time_init(void);		/* boot CPU: calibrate */
void vm_time_init_cpu(void);
u64 vm_ns_to_tsc(u64 mono_ns);
extern u64 vm_lapic_hz;
void vm_delay_us(u32 us);

/* ---- trap.c ---- */
void vm_trap(struct plat_regs *regs, u32 vector, u64 error);
void vm_exit_work(struct plat_regs *regs);
void vm_dump_regs(const struct plat_regs *regs);
extern char vm_trap_stubs[], vm_syscall_entry[], vm_iret_user[], vm_nofault_start[], vm_nofault_end[];

/* ---- as.c, smp.c, fpu.c ---- */
void vm_flush_ipi(void);
void vm_flush_kernel(void);		/* on return no CPU holds a stale translation of the kernel's half; interrupts on */
NORETURN void vm_stop_here(void);
void vm_ap_start(struct plat_percpu *cpu);
void vm_fpu_init_cpu(void);
void vm_fpu_init(void);
void vm_fpu_load(void);			/* make the FPU registers the current thread's */
void vm_fpu_save(struct plat_ctx *ctx);	/* if they are */

/* ---- asm ---- */
size_t vm_user_copy(void *dst, const void *src, size_t n);
size_t vm_user_clear(void *dst, size_t n);
long vm_user_strncpy(char *dst, const char *src, size_t n);
int vm_user_cmpxchg32(u64 addr, u32 expect, u32 want, u32 *old);
int vm_user_load32_nofault(u64 addr, u32 *out);
int vm_user_cmpxchg32_nofault(u64 addr, u32 expect, u32 want, u32 *old);
int vm_fpu_xsave(u64 area, u64 mask);
int vm_fpu_xrstor(u64 area, u64 mask);
int vm_fpu_fxsave(u64 area, u64 mask);
int vm_fpu_fxrstor(u64 area, u64 mask);
int vm_rdmsr_safe(u32 msr, u64 *out);
void vm_ctx_switch(u64 *save_sp, u64 load_sp);
void vm_ctx_start(void);
NORETURN void vm_return_user(void);

#endif
