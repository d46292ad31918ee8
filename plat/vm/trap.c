/*
 * Exceptions and interrupts, sorted out: page faults and user mistakes go up, device interrupts to their handlers, and what the kernel
 * did wrong to panic.
 *
 * Source: Intel SDM vol. 3, chapter 6 (vectors), 4.7 (page-fault error code).
 */
#include <linux/errno.h>
#include <linux/signal.h>
#include "kern/assert.h"
#include "kern/kasan.h"
#include "kern/ksyms.h"
#include "kern/printk.h"
#include "kern/thread.h"
#include "plat/vm/vm.h"

static_assert(__builtin_offsetof(struct thread, flags) == 48, "entry.S: THREAD_FLAGS");
static_assert((TF_WORK | TF_FULL_REGS | TF_FPU_LOAD) == 0x300f, "entry.S: EXIT_WORK");

enum { V_DIVIDE = 0, V_DEBUG = 1, V_NMI = 2, V_BREAKPOINT = 3, V_OVERFLOW = 4, V_BOUND = 5, V_INVALID_OP = 6, V_NO_FPU = 7,
       V_DOUBLE = 8, V_SEGMENT = 11, V_STACK = 12, V_PROTECTION = 13, V_PAGE = 14, V_FPU = 16, V_ALIGN = 17, V_SIMD = 19 };

struct ex_entry {
	u64 at, fixup;
};
extern const struct ex_entry ex_table_start[], ex_table_end[];

static bool from_user(const struct plat_regs *regs)
{
	return regs->cs & 3;
}

static u64 ex_fixup(u64 ip)
{
	for (const struct ex_entry *e = ex_table_start; e < ex_table_end; e++)
		if (e->at == ip)
			return e->fixup;
	return 0;
}

void vm_dump_regs(const struct plat_regs *r)
{
	char where[100];
	bool known = !from_user(r) && ksym_name(r->ip, false, where, sizeof(where));

	pr_err("CPU: %u Comm: %s", plat_cpu_id(), current() ? current()->comm : "?");
	pr_err("RIP: %04llx:%016llx %s", (unsigned long long)r->cs, (unsigned long long)r->ip, known ? where : "");
	pr_err("RSP: %04llx:%016llx EFLAGS: %08llx", (unsigned long long)r->ss, (unsigned long long)r->sp, (unsigned long long)r->flags);
	pr_err("RAX: %016llx RBX: %016llx RCX: %016llx", (unsigned long long)r->ax, (unsigned long long)r->bx, (unsigned long long)r->cx);
	pr_err("RDX: %016llx RSI: %016llx RDI: %016llx", (unsigned long long)r->dx, (unsigned long long)r->si, (unsigned long long)r->di);
	pr_err("RBP: %016llx R08: %016llx R09: %016llx", (unsigned long long)r->bp, (unsigned long long)r->r8, (unsigned long long)r->r9);
	pr_err("R10: %016llx R11: %016llx R12: %016llx", (unsigned long long)r->r10, (unsigned long long)r->r11, (unsigned long long)r->r12);
	pr_err("R13: %016llx R14: %016llx R15: %016llx", (unsigned long long)r->r13, (unsigned long long)r->r14, (unsigned long long)r->r15);
	pr_err("CR2: %016llx CR3: %016llx CR4: %016llx", (unsigned long long)read_cr2(), (unsigned long long)read_cr3(), (unsigned long long)read_cr4());
}

NORETURN static void kernel_died(const struct plat_regs *regs, u32 vector, u64 error)
{
	static const char *const name[32] = { "divide error", "debug", "NMI", "breakpoint", "overflow", "bounds", "invalid opcode", "no FPU",
		"double fault", "", "invalid TSS", "segment not present", "stack segment fault", "general protection fault", "page fault", "",
		"FPU error", "alignment check", "machine check", "SIMD error" };

	u64 stack, addr = read_cr2();
	bool overflow = (vector == V_DOUBLE || vector == V_PAGE) && vm_stack_guard(addr, &stack);

	plat_irq_disable();
	if (overflow)
		pr_err("BUG: stack guard page was hit at %016llx (stack is %016llx..%016llx)", (unsigned long long)addr,
		       (unsigned long long)stack, (unsigned long long)stack + KSTACK_BYTES - 1);
	pr_err("Oops: %s, error code %#llx", vector < 32 && name[vector] ? name[vector] : "unexpected interrupt", (unsigned long long)error);
	vm_dump_regs(regs);
	backtrace_print(regs->ip, regs->bp);
	if (overflow)
		panic("kernel stack overflow of %s at %#llx", current()->comm, (unsigned long long)regs->ip);
	panic("%s in the kernel at %#llx, address %#llx", vector < 32 && name[vector] ? name[vector] : "unexpected interrupt",
	      (unsigned long long)regs->ip, (unsigned long long)addr);
}

static void page_fault(struct plat_regs *regs, u64 error)
{
	u64 addr = read_cr2();
	unsigned flags = (error & 2 ? PLAT_FAULT_WRITE : 0) | (error & 16 ? PLAT_FAULT_EXEC : 0) | (error & 1 ? PLAT_FAULT_PROT : 0);

	if (from_user(regs)) {
		plat_irq_enable();
		if (addr >= PLAT_USER_TOP)	/* a kernel address: only ever a signal, and no word of what is there */
			vm_upcalls.trap(regs, &(struct plat_trap){ SIGSEGV, 1 /* SEGV_MAPERR */, addr, V_PAGE, (u32)error | 1 });
		else
			(void)vm_upcalls.fault(regs, addr, flags | PLAT_FAULT_USER);
		plat_irq_disable();
		return;
	}
	u64 fixup = ex_fixup(regs->ip);
	if (!fixup || addr >= PLAT_USER_TOP)
		kernel_died(regs, V_PAGE, error);
	bool may_fault = !(regs->ip >= (u64)vm_nofault_start && regs->ip < (u64)vm_nofault_end) && (regs->flags & EFLAGS_IF);
	if (may_fault) {
		plat_irq_enable();
		int err = vm_upcalls.fault(regs, addr, flags);

		plat_irq_disable();
		if (!err)
			return;
	}
	regs->ip = fixup;
}

/* Vector -> signal and si_code, for what user code can do wrong. */
static void user_trap(struct plat_regs *regs, u32 vector, u64 error)
{
	int sig = SIGSEGV, code = 0x80 /* SI_KERNEL */;
	u64 addr = 0;

	switch (vector) {
	case V_DIVIDE: sig = SIGFPE; code = 1 /* FPE_INTDIV */; addr = regs->ip; break;
	case V_DEBUG: {
		u64 dr6;

		asm volatile("mov %%dr6, %0" : "=r"(dr6));
		asm volatile("mov %0, %%dr6" ::"r"(0xffff0ff0ull));
		sig = SIGTRAP;
		code = dr6 & (1 << 14) ? 2 /* TRAP_TRACE */ : 1 /* TRAP_BRKPT */;
		addr = regs->ip;
		break;
	}
	case V_BREAKPOINT: sig = SIGTRAP; break;
	case V_INVALID_OP: sig = SIGILL; code = 2 /* ILL_ILLOPN */; addr = regs->ip; break;
	case V_SEGMENT: case V_STACK: sig = SIGBUS; break;
	case V_ALIGN: sig = SIGBUS; code = 1 /* BUS_ADRALN */; break;
	case V_FPU: case V_SIMD: {
		u32 mxcsr = 0;

		sig = SIGFPE;
		addr = regs->ip;
		asm volatile("stmxcsr %0" : "=m"(mxcsr));
		u32 raised = vector == V_SIMD ? mxcsr & ~(mxcsr >> 7) & 0x3f : 0x3f;
		if (vector == V_FPU) {
			u16 cw, sw;

			asm volatile("fnstcw %0; fnstsw %1" : "=m"(cw), "=m"(sw));
			raised = sw & ~cw & 0x3f;
		}
		code = raised & 1 ? 7 /* FLTINV */ : raised & 4 ? 3 /* FLTDIV */ : raised & 8 ? 4 /* FLTOVF */ :
		       raised & 0x12 ? 5 /* FLTUND */ : raised & 0x20 ? 6 /* FLTRES */ : 14;
		break;
	}
	default: break;
	}
	plat_irq_enable();
	vm_upcalls.trap(regs, &(struct plat_trap){ sig, code, addr, vector, (u32)error });
	plat_irq_disable();
}

static void interrupt(struct plat_regs *regs, u32 vector)
{
	struct plat_percpu *cpu = vm_this();

	cpu->irq_depth++;
	switch (vector) {
	case VEC_TIMER: vm_lapic_eoi(); vm_upcalls.tick(from_user(regs)); break;
	case VEC_KICK: vm_lapic_eoi(); vm_upcalls.kick(); break;
	case VEC_FLUSH: vm_lapic_eoi(); vm_flush_ipi(); break;
	case VEC_STOP: vm_stop_here();
	case VEC_SPURIOUS: break;
	default: vm_irq_dispatch(vector); break;
	}
	cpu->irq_depth--;
}

void vm_trap(struct plat_regs *regs, u32 vector, u64 error)
{
	if (vector == V_PAGE) {
		page_fault(regs, error);
	} else if (vector >= 32) {
		interrupt(regs, vector);
	} else if (vector == V_DOUBLE || vector == 18) {
		kernel_died(regs, vector, error);
	} else if (vector == V_NMI) {
		vm_stop_here();		/* only panic sends them */
	} else if (from_user(regs)) {
		user_trap(regs, vector, error);
	} else {
		u64 fixup = ex_fixup(regs->ip);

		if (!fixup)
			kernel_died(regs, vector, error);
		regs->ip = fixup;	/* a non-canonical user address, an MSR that is not there */
	}
}

/* On the way to user mode with work to do; interrupts off on entry and on return. */
void vm_exit_work(struct plat_regs *regs)
{
	struct thread *t = current();

	while (thread_has_flag(t, TF_WORK)) {
		plat_irq_enable();
		vm_upcalls.user_work(regs);
		plat_irq_disable();
	}
	if (thread_has_flag(t, TF_FULL_REGS))
		thread_clear_flag(t, TF_FULL_REGS);
	if (thread_has_flag(t, TF_FPU_LOAD))
		vm_fpu_load();
	/* What IRETQ would choke on in kernel mode must not come from user space. */
	if (regs->ip >> 47)
		regs->ip = PLAT_USER_TOP;
	regs->cs = SEL_USER_CS;
	regs->ss = SEL_USER_DS;
	regs->flags = (regs->flags & 0x254dd5ull) | EFLAGS_IF | 2;
}

/* ---- the user-memory calls of the seam ---- */

static bool user_ok(u64 addr, u64 n)
{
	return n <= PLAT_USER_TOP && addr <= PLAT_USER_TOP - n;
}

size_t plat_copy_from_user(void *dst, u64 src, size_t n)
{
	if (!user_ok(src, n) || !kasan_check_write(dst, n))
		return n;
	return vm_user_copy(dst, (const void *)src, n);
}

size_t plat_copy_to_user(u64 dst, const void *src, size_t n)
{
	if (!user_ok(dst, n) || !kasan_check_read(src, n))
		return n;
	return vm_user_copy((void *)dst, src, n);
}

size_t plat_clear_user(u64 dst, size_t n)
{
	return user_ok(dst, n) ? vm_user_clear((void *)dst, n) : n;
}

long plat_strncpy_from_user(char *dst, u64 src, size_t n)
{
	if (src >= PLAT_USER_TOP)
		return -EFAULT;
	if (n > PLAT_USER_TOP - src)
		n = PLAT_USER_TOP - src;
	if (!kasan_check_write(dst, n))
		return -EFAULT;
	return vm_user_strncpy(dst, (const char *)src, n);
}

int plat_user_cmpxchg32(u64 addr, u32 expect, u32 want, u32 *old_out)
{
	return user_ok(addr, 4) ? vm_user_cmpxchg32(addr, expect, want, old_out) : -EFAULT;
}

int plat_user_load32_nofault(u64 addr, u32 *out)
{
	return user_ok(addr, 4) ? vm_user_load32_nofault(addr, out) : -EFAULT;
}

int plat_user_cmpxchg32_nofault(u64 addr, u32 expect, u32 want, u32 *old_out)
{
	return user_ok(addr, 4) ? vm_user_cmpxchg32_nofault(addr, expect, want, old_out) : -EFAULT;
}

struct plat_regs *plat_regs_current(void)
{
	return (struct plat_regs *)current()->ctx.kernel_sp - 1;
}
