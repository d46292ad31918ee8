/*
 * The requests of ptrace(2).
 *
 * All but TRACEME, ATTACH, SEIZE, INTERRUPT and KILL need a thread that the current process traces and that has stopped; it cannot go on
 * but by a request or a SIGKILL.  A killed one may run on while we look: its stack and registers stay valid (a reference is held),
 * only what is read is then of no interest.
 */
#include <linux/capability.h>
#include <linux/elf.h>
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <linux/uio.h>
#include "base/string.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "mm/user.h"
#include "task/internal.h"
#include "task/ptrace.h"
#include "task/signal.h"

enum { USER_CS = 0x33, USER_SS = 0x2b, FXSAVE_BYTES = 512, USER_BYTES = 928, DEBUGREG_OFFSET = 848, MAGIC2_BYTES = 4 };
#define FLAGS_SETTABLE 0x54dd5ull

/* struct user_regs_struct */
struct user_regs {
	struct plat_regs r;
	u64 fs_base, gs_base, ds, es, fs, gs;
};

/* ---- registers ---- */

static void regs_get(struct task *t, struct user_regs *u)
{
	u->r = *ptrace_regs(t);
	u->fs_base = t->thread.ctx.fs_base;
	u->gs_base = t->thread.ctx.gs_base;
	u->ds = u->es = u->fs = u->gs = 0;
}

static int regs_set(struct task *t, const struct user_regs *u)
{
	struct plat_regs *r = ptrace_regs(t);
	u64 flags = r->flags;

	if ((u->r.cs & 3) != 3 || (u->r.ss & 3) != 3 || u->fs_base >= PLAT_USER_TOP || u->gs_base >= PLAT_USER_TOP)
		return -EIO;
	*r = u->r;
	r->cs = USER_CS;
	r->ss = USER_SS;
	r->flags = (flags & ~FLAGS_SETTABLE) | (u->r.flags & FLAGS_SETTABLE);
	t->thread.ctx.fs_base = u->fs_base;
	t->thread.ctx.gs_base = u->gs_base;
	thread_set_flag(&t->thread, TF_FULL_REGS);
	return 0;
}

static s64 user_peek(struct task *t, u64 offset, u64 data)
{
	struct user_regs u;
	u64 v = 0;

	if (offset & 7 || offset >= USER_BYTES)
		return -EIO;
	if (offset < sizeof(u)) {
		regs_get(t, &u);
		memcpy(&v, (char *)&u + offset, sizeof(v));
	}
	return put_user(v, uaddr(data));
}

static s64 user_poke(struct task *t, u64 offset, u64 v)
{
	struct user_regs u;

	if (offset & 7 || offset >= USER_BYTES)
		return -EIO;
	if (offset < sizeof(u)) {
		regs_get(t, &u);
		memcpy((char *)&u + offset, &v, sizeof(v));
		return regs_set(t, &u);
	}
	/* There are no hardware breakpoints: only turning them off works. */
	return offset >= DEBUGREG_OFFSET && v ? -EIO : 0;
}

static size_t xstate_bytes(void)
{
	return plat_fpu_size() > FXSAVE_BYTES ? plat_fpu_size() - MAGIC2_BYTES : FXSAVE_BYTES;
}

/* The FPU area of a thread that does not run is up to date. */
static s64 fpu_get(struct task *t, u64 addr, size_t n)
{
	if (!t->thread.ctx.fpu)
		return -EIO;
	return copy_out(uaddr(addr), t->thread.ctx.fpu, n);
}

static s64 fpu_set(struct task *t, u64 addr, size_t n)
{
	u8 *image = kmalloc(xstate_bytes(), ALLOC_KERNEL), *area = t->thread.ctx.fpu;
	u32 mxcsr;

	if (!image || !area) {
		kfree(image);
		return image ? -EIO : -ENOMEM;
	}
	memcpy(image, area, xstate_bytes());
	s64 err = copy_in(image, uaddr(addr), n);
	memcpy(&mxcsr, image + 24, sizeof(mxcsr));
	if (!err && mxcsr & ~0xffffu)
		err = -EINVAL;
	if (!err) {
		if (xstate_bytes() > FXSAVE_BYTES) {	/* the header decides what is loaded: x87 and SSE are; the rest as it was */
			u64 *now = (u64 *)(area + FXSAVE_BYTES), *want = (u64 *)(image + FXSAVE_BYTES);

			want[0] = (n > FXSAVE_BYTES ? want[0] & 0xe7 : now[0]) | 3;
			memset(&want[1], 0, 56);
		}
		memcpy(area, image, xstate_bytes());
		t->thread.ctx.fpu_cpu = ~0u;
		thread_set_flag(&t->thread, TF_FPU_LOAD);
	}
	kfree(image);
	return err;
}

/* GETREGSET, SETREGSET: @type NT_*, @addr of a struct iovec. */
static s64 regset(struct task *t, u64 type, u64 addr, bool set)
{
	struct iovec v;
	struct user_regs u;
	s64 err = 0;

	if (copy_in(&v, uaddr(addr), sizeof(v)))
		return -EFAULT;
	size_t size = type == NT_PRSTATUS ? sizeof(u) : type == NT_PRFPREG ? FXSAVE_BYTES : type == NT_X86_XSTATE ? xstate_bytes() : 0;
	if (!size || v.iov_len & 7)
		return -EINVAL;
	if (v.iov_len > size)
		v.iov_len = size;
	if (type == NT_PRSTATUS) {
		regs_get(t, &u);
		err = set ? copy_in(&u, uaddr((u64)v.iov_base), v.iov_len) : copy_out(uaddr((u64)v.iov_base), &u, v.iov_len);
		if (!err && set)
			err = regs_set(t, &u);
	} else {
		err = set ? fpu_set(t, (u64)v.iov_base, v.iov_len) : fpu_get(t, (u64)v.iov_base, v.iov_len);
	}
	if (err)
		return err;
	u64 len = v.iov_len;
	return put_user(len, uaddr(addr + offsetof(struct iovec, iov_len)));
}

/* ---- memory ---- */

static s64 word(struct task *t, u64 addr, u64 data, bool write)
{
	struct mm *mm = task_mm_get(t);
	u64 v = data;

	if (!mm)
		return -EIO;
	s64 n = mm_access(mm, addr, &v, sizeof(v), write, true);
	mm_put(mm);
	if (n != sizeof(v))
		return -EIO;
	return write ? 0 : put_user(v, uaddr(data));
}

/* ---- what it stopped for ---- */

/* Copies the siginfo of the stop out or in, under the lock. -EINVAL: there is none */
static int stop_info(struct task *t, siginfo_t *info, bool set)
{
	int err = -EINVAL;

	pids_lock_take();
	if (t->trace.stopped && t->trace.info) {
		if (set)
			*(siginfo_t *)t->trace.info = *info;
		else
			*info = *(siginfo_t *)t->trace.info;
		err = 0;
	}
	pids_lock_drop();
	return err;
}

static s64 get_info(struct task *t, u64 addr)
{
	siginfo_t info;
	int err = stop_info(t, &info, false);

	return err ? err : copy_out(uaddr(addr), &info, sizeof(info));
}

static s64 set_info(struct task *t, u64 addr)
{
	siginfo_t info;

	if (copy_in(&info, uaddr(addr), sizeof(info)))
		return -EFAULT;
	return stop_info(t, &info, true);
}

static s64 signal_mask(struct task *t, u64 size, u64 addr, bool set)
{
	u64 mask = t->blocked;

	if (size != sizeof(mask))
		return -EINVAL;
	if (!set)
		return put_user(mask, uaddr(addr));
	if (get_user(mask, uaddr(addr)))
		return -EFAULT;
	u64 irq = process_siglock(t->process);
	t->blocked = mask & ~SIG_KERNEL_ONLY;
	process_sigunlock(t->process, irq);
	return 0;
}

static s64 syscall_info(struct task *t, u64 size, u64 addr)
{
	const struct plat_regs *r = ptrace_regs(t);
	struct ptrace_syscall_info i;
	size_t len = offsetof(struct ptrace_syscall_info, entry);

	memset(&i, 0, sizeof(i));
	i.op = t->trace.syscall_op;
	i.arch = 0xc000003e;	/* AUDIT_ARCH_X86_64 */
	i.instruction_pointer = r->ip;
	i.stack_pointer = r->sp;
	if (i.op == PTRACE_SYSCALL_INFO_ENTRY) {
		i.entry.nr = r->orig_ax;
		const u64 args[6] = { r->di, r->si, r->dx, r->r10, r->r8, r->r9 };
		memcpy(i.entry.args, args, sizeof(args));
		len = offsetof(struct ptrace_syscall_info, entry.args) + sizeof(args);
	} else if (i.op == PTRACE_SYSCALL_INFO_EXIT) {
		i.exit.rval = (s64)r->ax;
		i.exit.is_error = r->ax >= (u64)-4095;
		len = offsetof(struct ptrace_syscall_info, exit.is_error) + sizeof(i.exit.is_error);
	}
	return copy_out(uaddr(addr), &i, MIN(size, len)) ? -EFAULT : (s64)len;
}

static s64 set_options(struct task *t, u64 options)
{
	if (options & ~(u64)PTRACE_O_MASK)
		return -EINVAL;
	pids_lock_take();
	t->trace.options = (u32)options;
	pids_lock_drop();
	return 0;
}

/* ---- letting go ---- */

static s64 resume(struct task *t, u64 sig, bool syscalls, bool step)
{
	if (sig > SIGNALS)
		return -EIO;
	pids_lock_take();
	if (t->tracer == current_process() && t->trace.stopped)
		ptrace_resume_locked(t, (u32)sig, syscalls, step);
	pids_lock_drop();
	return 0;
}

static s64 detach(struct task *t, u64 sig)
{
	if (sig > SIGNALS)
		return -EIO;
	pids_lock_take();
	if (t->tracer == current_process()) {
		t->trace.resume_sig = (u32)sig;
		ptrace_unlink_locked(t);
		/* A group that is stopped for job control stays stopped. */
		u64 irq = process_siglock(t->process);
		if (process_has_flag(t->process, PROC_STOPPED) && !t->dead) {
			t->stop_pending = true;
			signal_wake(t, false);
		}
		process_sigunlock(t->process, irq);
	}
	pids_lock_drop();
	return 0;
}

static s64 listen(struct task *t)
{
	s64 err = -EIO;

	pids_lock_take();
	if (t->trace.stopped && t->trace.flags & TRACED_SEIZED && t->trace.info &&
	    ((siginfo_t *)t->trace.info)->si_code >> 8 == PTRACE_EVENT_STOP) {
		t->trace.listening = true;
		err = 0;
	}
	pids_lock_drop();
	return err;
}

static s64 request_stopped(struct task *t, s64 request, u64 addr, u64 data)
{
	struct user_regs u;

	switch (request) {
	case PTRACE_PEEKTEXT: case PTRACE_PEEKDATA: return word(t, addr, data, false);
	case PTRACE_POKETEXT: case PTRACE_POKEDATA: return word(t, addr, data, true);
	case PTRACE_PEEKUSR: return user_peek(t, addr, data);
	case PTRACE_POKEUSR: return user_poke(t, addr, data);
	case PTRACE_GETREGS:
		regs_get(t, &u);
		return copy_out(uaddr(data), &u, sizeof(u)) ? -EIO : 0;
	case PTRACE_SETREGS: return copy_in(&u, uaddr(data), sizeof(u)) ? -EIO : regs_set(t, &u);
	case PTRACE_GETFPREGS: return fpu_get(t, data, FXSAVE_BYTES);
	case PTRACE_SETFPREGS: return fpu_set(t, data, FXSAVE_BYTES);
	case PTRACE_GETREGSET: return regset(t, addr, data, false);
	case PTRACE_SETREGSET: return regset(t, addr, data, true);
	case PTRACE_CONT: return resume(t, data, false, false);
	case PTRACE_SYSCALL: return resume(t, data, true, false);
	case PTRACE_SINGLESTEP: return resume(t, data, false, true);
	case PTRACE_DETACH: return detach(t, data);
	case PTRACE_SETOPTIONS: case PTRACE_OLDSETOPTIONS: return set_options(t, data);
	case PTRACE_GETEVENTMSG: return put_user(t->trace.message, uaddr(data));
	case PTRACE_GETSIGINFO: return get_info(t, data);
	case PTRACE_SETSIGINFO: return set_info(t, data);
	case PTRACE_GETSIGMASK: return signal_mask(t, addr, data, false);
	case PTRACE_SETSIGMASK: return signal_mask(t, addr, data, true);
	case PTRACE_GET_SYSCALL_INFO: return syscall_info(t, addr, data);
	case PTRACE_LISTEN: return listen(t);
	default: return -EIO;
	}
}

/* ---- becoming a tracer ---- */

static s64 trace_me(void)
{
	struct task *t = current_task();
	s64 err = -EPERM;

	pids_lock_take();
	if (!t->tracer && t->process->parent != t->process) {
		ptrace_link_locked(t, t->process->parent, t->process->parent->leader, TRACED, 0);
		err = 0;
	}
	pids_lock_drop();
	return err;
}

static s64 attach(struct task *t, bool seize, u64 addr, u64 options)
{
	if (seize && addr)
		return -EIO;
	if (seize && options & ~(u64)PTRACE_O_MASK)
		return -EIO;
	if (t->process == current_process())
		return -EPERM;
	s64 err = ptrace_may_access(t, true);
	if (err)
		return err;
	pids_lock_take();
	if (t->tracer || t->zombie || t->dead)
		err = -EPERM;
	else
		ptrace_link_locked(t, current_process(), current_task(), seize ? TRACED | TRACED_SEIZED : TRACED,
				   seize ? (u32)options : 0);
	pids_lock_drop();
	if (err || seize)
		return err;
	(void)signal_task(t, SIGSTOP, NULL);
	/* One that is stopped for job control must become a traced stop. */
	u64 irq = process_siglock(t->process);
	if (t->thread.state == TS_STOPPED) {
		t->stop_pending = true;
		thread_set_flag(&t->thread, TF_SIGNAL);
		thread_wake(&t->thread, 1u << TS_STOPPED);
	}
	process_sigunlock(t->process, irq);
	return 0;
}

static s64 interrupt(struct task *t)
{
	if (!(t->trace.flags & TRACED_SEIZED))
		return -EIO;
	u64 irq = process_siglock(t->process);
	t->trace.interrupt = true;
	if (!t->trace.stopped)
		signal_wake(t, false);
	process_sigunlock(t->process, irq);
	return 0;
}

/* Is it ours, stopped, and off its CPU? -ESRCH */
static int check_stopped(struct task *t)
{
	pids_lock_take();
	bool ok = t->tracer == current_process() && t->trace.stopped && !t->trace.listening && !t->zombie;
	pids_lock_drop();
	if (!ok)
		return -ESRCH;
	while (atomic_load_acquire(&t->thread.on_cpu))	/* on its way through schedule() */
		sched_yield_current();
	return 0;
}

static s64 request_on(struct task *t, s64 request, u64 addr, u64 data)
{
	if (request == PTRACE_ATTACH)
		return attach(t, false, 0, 0);
	if (request == PTRACE_SEIZE)
		return attach(t, true, addr, data);
	if (t->tracer != current_process())
		return -ESRCH;
	if (request == PTRACE_KILL)
		return signal_task(t, SIGKILL, NULL);
	if (request == PTRACE_INTERRUPT)
		return interrupt(t);
	int err = check_stopped(t);
	return err ? err : request_stopped(t, request, addr, data);
}

s64 ptrace_request(s64 request, s32 pid, u64 addr, u64 data)
{
	if (request == PTRACE_TRACEME)
		return trace_me();
	struct task *t = pid > 0 ? task_find_get((u32)pid) : NULL;
	if (!t)
		return -ESRCH;
	s64 n = request_on(t, request, addr, data);
	task_put(t);
	return n;
}
