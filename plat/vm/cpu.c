/*
 * One CPU: its features, descriptor tables, system-call registers and control bits.
 *
 * Source: Intel SDM vol. 3, chapters 2, 3, 6; AMD APM vol. 2, 6.1 (SYSCALL).
 */
#include "base/bitops.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/kasan.h"
#include "kern/page.h"
#include "plat/vm/vm.h"

struct PACKED tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7];
	u64 reserved2;
	u16 reserved3, iomap;
};

struct PACKED idt_entry {
	u16 offset_low, selector;
	u8 ist, type;
	u16 offset_mid;
	u32 offset_high, reserved;
};

struct PACKED table_ptr {
	u16 limit;
	u64 base;
};

enum { GDT_ENTRIES = 16, IST_BYTES = 8192 << KASAN_STACK_ORDER, IST_COUNT = 3 };

/* Per CPU, allocated as one block. */
struct cpu_tables {
	u64 gdt[GDT_ENTRIES];
	struct tss tss;
	u8 ist[IST_COUNT][IST_BYTES] __attribute__((aligned(16)));
};

struct vm_features vm_features;
static struct idt_entry idt[256];
static struct cpu_tables *tables[CPUS_MAX];

extern u64 smap_sites_start[], smap_sites_end[];

void vm_features_detect(void)
{
	struct vm_features *f = &vm_features;
	struct cpuid_regs l0 = cpuid(0, 0), l1 = cpuid(1, 0), ext = cpuid(0x80000000, 0);

	f->pge = l1.d >> 13 & 1;
	f->x2apic = l1.c >> 21 & 1;
	f->tsc_deadline = l1.c >> 24 & 1;
	f->xsave = l1.c >> 26 & 1;
	f->rdrand = l1.c >> 30 & 1;
	if (l1.c >> 31 & 1) {
		struct cpuid_regs h = cpuid(0x40000000, 0);

		f->kvm = h.b == 0x4b4d564b && h.c == 0x564b4d56;	/* "KVMKVMKVM" */
	}
	if (l0.a >= 7) {
		struct cpuid_regs l7 = cpuid(7, 0);

		f->smep = l7.b >> 7 & 1;
		f->smap = l7.b >> 20 & 1;
		f->umip = l7.c >> 2 & 1;
		f->rdpid = l7.c >> 22 & 1;
	}
	if (ext.a >= 0x80000001) {
		struct cpuid_regs e = cpuid(0x80000001, 0);

		f->gb_pages = e.d >> 26 & 1;
		f->rdtscp = e.d >> 27 & 1;
	}
	if (ext.a >= 0x80000007)
		f->invariant_tsc = cpuid(0x80000007, 0).d >> 8 & 1;
	if (f->xsave)
		f->xsaveopt = cpuid(0xd, 1).a & 1;
}

void vm_patch_smap(void)
{
	static const u8 nop3[3] = { 0x0f, 0x1f, 0x00 };

	if (vm_features.smap)
		return;
	/* Text is still writable: the boot tables map it so. */
	for (u64 *site = smap_sites_start; site < smap_sites_end; site++)
		memcpy((void *)*site, nop3, sizeof(nop3));
}

void vm_idt_init(void)
{
	for (unsigned v = 0; v < 256; v++) {
		u64 handler = (u64)vm_trap_stubs + 16 * v;

		idt[v] = (struct idt_entry){
			.offset_low = (u16)handler, .offset_mid = (u16)(handler >> 16), .offset_high = (u32)(handler >> 32),
			.selector = SEL_KERNEL_CS,
			.ist = v == 2 ? 1 : v == 8 ? 2 : v == 18 ? 3 : 0,
			.type = v == 3 || v == 4 ? 0xee : 0x8e,	/* breakpoint and overflow may come from user code */
		};
	}
}

static void load_gdt(u32 id)
{
	struct cpu_tables *t = tables[id];
	u64 tss = (u64)&t->tss;
	const u64 gdt[] = {
		0, 0x00cf9b000000ffff, 0x00af9b000000ffff, 0x00cf93000000ffff,	/* -, kernel32, kernel code, kernel data */
		0x00cffb000000ffff, 0x00cff3000000ffff, 0x00affb000000ffff, 0,	/* user32, user data, user code */
		(tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56 | 0x0000890000000000 | (sizeof(struct tss) - 1),
		tss >> 32,
	};

	memcpy(t->gdt, gdt, sizeof(gdt));
	/* Limit = CPU number, readable by LSL from user mode: getcpu without entering the kernel. */
	t->gdt[SEL_CPU >> 3] = 0x0040f50000000000ull | (id & 0xffff);
	struct table_ptr p = { sizeof(t->gdt) - 1, (u64)t->gdt };
	asm volatile("lgdt %0; ltr %w1" ::"m"(p), "r"(SEL_TSS) : "memory");
	struct table_ptr ip = { sizeof(idt) - 1, (u64)idt };
	asm volatile("lidt %0" ::"m"(ip));
	asm volatile("push %0; lea 1f(%%rip), %%rax; push %%rax; lretq; 1:" ::"i"(SEL_KERNEL_CS) : "rax", "memory");
	asm volatile("mov %w0, %%ss; mov %w0, %%ds; mov %w0, %%es" ::"r"(SEL_KERNEL_DS));
}

static void init_control(void)
{
	const struct vm_features *f = &vm_features;

	write_cr4(CR4_PAE | CR4_OSFXSR | CR4_OSXMMEXCPT | (f->pge ? CR4_PGE : 0) | (f->smep ? CR4_SMEP : 0) |
		  (f->smap ? CR4_SMAP : 0) | (f->umip ? CR4_UMIP : 0) | (f->xsave ? CR4_OSXSAVE : 0));
	wrmsr(MSR_STAR, (u64)(SEL_USER32_CS) << 48 | (u64)SEL_KERNEL_CS << 32);
	wrmsr(MSR_LSTAR, (u64)vm_syscall_entry);
	wrmsr(MSR_SFMASK, EFLAGS_IF | EFLAGS_TF | EFLAGS_DF | EFLAGS_NT | EFLAGS_AC | EFLAGS_CF);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | 1);
	wrmsr(MSR_FS_BASE, 0);
	wrmsr(MSR_KERNEL_GS_BASE, 0);
}

void vm_cpu_init(u32 id)
{
	struct plat_percpu *cpu = &vm_percpu[id];

	if (!tables[id])
		tables[id] = pages_count ? page_virt(page_alloc(bytes_to_order(sizeof(struct cpu_tables)), ALLOC_KERNEL | ALLOC_ZERO)) : vm_early_alloc(sizeof(struct cpu_tables));
	struct cpu_tables *t = tables[id];
	for (unsigned i = 0; i < IST_COUNT; i++)
		t->tss.ist[i] = (u64)t->ist[i] + IST_BYTES;
	t->tss.iomap = sizeof(struct tss);
	cpu->self = cpu;
	cpu->id = id;
	cpu->tss = &t->tss;
	if (id == 0)
		vm_idt_init();
	load_gdt(id);
	wrmsr(MSR_GS_BASE, (u64)cpu);	/* loading a selector may clear it */
	init_control();
	if (vm_features.rdtscp)
		wrmsr(MSR_TSC_AUX, id);
	vm_fpu_init_cpu();
}

void vm_set_kernel_stack(u64 top)
{
	struct plat_percpu *cpu = vm_this();

	cpu->kernel_sp = top;
	((struct tss *)cpu->tss)->rsp[0] = top;
}
