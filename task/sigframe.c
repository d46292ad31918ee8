/*
 * Signal frames: what a handler finds on its stack and what sigreturn takes back.
 *
 *	high   FPU state, 64-byte aligned
 *	       struct frame: return address, ucontext, siginfo      <- sp, 8 modulo 16 as at a function's entry
 *
 * Nothing that comes back is trusted: the platform forces segments and flags, and checks the FPU image.
 *
 * Source: System V ABI AMD64 supplement 3.4.1; <asm/sigcontext.h>, <asm/ucontext.h>.
 */
#include <linux/signal.h>
#include <asm/sigcontext.h>
#include <asm/ucontext.h>
#include <linux/errno.h>
#include "base/string.h"
#include "mm/user.h"
#include "task/signal.h"

enum { RED_ZONE = 128, FXSAVE_BYTES = 512 };
#define FLAGS_KEEP 0x50dd5ull	/* CF PF AF ZF SF TF DF OF RF AC */
#define FLAG_DF 0x400ull
#define FLAG_RF 0x10000ull
#define FLAG_TF 0x100ull

struct frame {
	u64 return_to;
	struct ucontext uc;
	siginfo_t info;
};

u64 sigframe_min_stack(void)
{
	return ALIGN_UP(sizeof(struct frame) + 8 + 16 + 64 + plat_fpu_size(), 16);
}

static bool on_altstack(const struct task *t, u64 sp)
{
	return !(t->altstack.flags & SS_AUTODISARM) && t->altstack.size && sp > t->altstack.sp &&
	       sp - t->altstack.sp <= t->altstack.size;
}

static void save_regs(struct sigcontext *c, const struct plat_regs *r, const struct task *t, u64 mask)
{
	c->r8 = r->r8; c->r9 = r->r9; c->r10 = r->r10; c->r11 = r->r11;
	c->r12 = r->r12; c->r13 = r->r13; c->r14 = r->r14; c->r15 = r->r15;
	c->rdi = r->di; c->rsi = r->si; c->rbp = r->bp; c->rbx = r->bx;
	c->rdx = r->dx; c->rax = r->ax; c->rcx = r->cx; c->rsp = r->sp;
	c->rip = r->ip; c->eflags = r->flags;
	c->cs = (u16)r->cs;
	c->ss = (u16)r->ss;
	c->err = t->trap_error;
	c->trapno = t->trap_no;
	c->cr2 = t->trap_addr;
	c->oldmask = mask;
}

static void load_regs(struct plat_regs *r, const struct sigcontext *c)
{
	r->r8 = c->r8; r->r9 = c->r9; r->r10 = c->r10; r->r11 = c->r11;
	r->r12 = c->r12; r->r13 = c->r13; r->r14 = c->r14; r->r15 = c->r15;
	r->di = c->rdi; r->si = c->rsi; r->bp = c->rbp; r->bx = c->rbx;
	r->dx = c->rdx; r->ax = c->rax; r->cx = c->rcx; r->sp = c->rsp;
	r->ip = c->rip;
	r->flags = (r->flags & ~FLAGS_KEEP) | (c->eflags & FLAGS_KEEP);
	r->orig_ax = ~0ull;
}

/* Where the frame goes. 0: it would leave the alternate stack on which we are. */
static u64 place_frame(struct task *t, const struct plat_regs *regs, u64 sa_flags, u64 *fpu)
{
	u64 sp = regs->sp - RED_ZONE;
	bool nested = on_altstack(t, regs->sp), entering = false;

	if ((sa_flags & SA_ONSTACK) && !nested && t->altstack.size) {
		sp = t->altstack.sp + t->altstack.size;
		entering = true;
	}
	sp = (sp - plat_fpu_size()) & ~63ull;
	*fpu = sp;
	sp -= sizeof(struct frame);
	sp = (sp & ~15ull) - 8;
	if ((nested || entering) && (sp <= t->altstack.sp || sp - t->altstack.sp > t->altstack.size))
		return 0;
	return sp;
}

int sigframe_setup(struct plat_regs *regs, const struct pending_signal *s, u64 mask)
{
	struct task *t = current_task();
	struct frame f;
	u64 fpu, sp = place_frame(t, regs, s->action.flags, &fpu);

	if (!sp || !(s->action.flags & SA_RESTORER) || plat_fpu_save_user(fpu))
		return -EFAULT;
	memset(&f, 0, sizeof(f));
	f.return_to = s->action.restorer;
	f.uc.uc_flags = (plat_fpu_size() > FXSAVE_BYTES ? UC_FP_XSTATE : 0) | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS;
	f.uc.uc_stack.ss_sp = (void *)t->altstack.sp;
	f.uc.uc_stack.ss_size = t->altstack.size;
	f.uc.uc_stack.ss_flags = (int)t->altstack.flags;
	save_regs(&f.uc.uc_mcontext, regs, t, mask);
	f.uc.uc_mcontext.fpstate = (void *)fpu;
	f.uc.uc_sigmask = mask;
	f.info = s->info;
	if (copy_out(uaddr(sp), &f, sizeof(f)))
		return -EFAULT;
	if (t->altstack.flags & SS_AUTODISARM) {
		t->altstack.sp = t->altstack.size = 0;
		t->altstack.flags = SS_DISABLE;
	}
	regs->di = (u64)s->sig;
	regs->si = sp + offsetof(struct frame, info);
	regs->dx = sp + offsetof(struct frame, uc);
	regs->ax = 0;
	regs->ip = s->action.handler;
	regs->sp = sp;
	regs->flags &= ~(FLAG_DF | FLAG_RF | FLAG_TF);
	thread_set_flag(&t->thread, TF_FULL_REGS);
	return 0;
}

s64 sigframe_return(struct plat_regs *regs)
{
	struct task *t = current_task();
	struct ucontext uc;
	u64 at = regs->sp - 8;

	if (copy_in(&uc, uaddr(at + offsetof(struct frame, uc)), sizeof(uc)))
		goto bad;
	signal_set_mask(uc.uc_sigmask);
	load_regs(regs, &uc.uc_mcontext);
	thread_set_flag(&t->thread, TF_FULL_REGS);
	if (plat_fpu_restore_user((u64)uc.uc_mcontext.fpstate))
		goto bad;
	struct task_altstack alt = { (u64)uc.uc_stack.ss_sp, uc.uc_stack.ss_size, (u32)uc.uc_stack.ss_flags };
	(void)!signal_altstack(&alt, NULL, regs->sp);	/* Linux lets it fail in silence too */
	return (s64)regs->ax;
bad:
	regs->orig_ax = ~0ull;
	signal_force(SIGSEGV, SI_KERNEL, 0);
	return 0;
}
