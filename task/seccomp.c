/*
 * See seccomp.h.
 *
 * Filters form a tree: each new one points at the one that was in force, and is never changed.  A task runs all from its own to the root
 * and takes the strictest answer.
 */
#include <asm/unistd.h>
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <linux/seccomp.h>
#include <linux/signal.h>
#include "base/string.h"
#include "kern/printk.h"
#include "kern/slab.h"
#include "mm/user.h"
#include "task/cbpf.h"
#include "task/ptrace.h"
#include "task/seccomp.h"
#include "task/setid.h"
#include "task/signal.h"

enum { ARCH_X86_64 = 0xc000003e, ERRNO_LIMIT = 4095, SI_CODE_SECCOMP = 1 };

struct seccomp_filter {
	struct refcount refs;
	struct seccomp_filter *prev;	/* with a reference */
	u32 count;
	struct sock_filter insn[];
};

struct seccomp_filter *seccomp_get(struct seccomp_filter *f)
{
	if (f)
		ref_get(&f->refs);
	return f;
}

void seccomp_put(struct seccomp_filter *f)
{
	while (f && ref_put(&f->refs)) {
		struct seccomp_filter *prev = f->prev;

		kvfree(f);
		f = prev;
	}
}

static bool strict_allows(u64 nr)
{
	return nr == __NR_read || nr == __NR_write || nr == __NR_exit || nr == __NR_rt_sigreturn;
}

/* The strictest answer of all filters: the lower the stricter, as signed numbers. */
static u32 ask(const struct seccomp_filter *f, const struct plat_regs *r)
{
	const struct seccomp_data d = { .nr = (int)r->orig_ax, .arch = ARCH_X86_64, .instruction_pointer = r->ip,
					.args = { r->di, r->si, r->dx, r->r10, r->r8, r->r9 } };
	u32 answer = SECCOMP_RET_ALLOW;

	for (; f; f = f->prev) {
		u32 a = seccomp_bpf_run(f->insn, &d, sizeof(d));

		if ((s32)(a & SECCOMP_RET_ACTION_FULL) < (s32)(answer & SECCOMP_RET_ACTION_FULL))
			answer = a;
	}
	return answer;
}

static void trap(struct plat_regs *r, u32 data)
{
	siginfo_t info;

	siginfo_init(&info, SIGSYS, SI_CODE_SECCOMP);
	info.si_errno = (int)data;
	info.si_call_addr = (void *)r->ip;
	info.si_syscall = (int)r->orig_ax;
	info.si_arch = ARCH_X86_64;
	r->ax = r->orig_ax;		/* as before the call */
	r->orig_ax = ~0ull;
	signal_force_info(&info);
}

NORETURN static void die(u32 action)
{
	struct task *t = current_task();

	pr_notice("seccomp: %s[%u] is killed for a system call", t->thread.comm, task_tid(t));
	if (action == SECCOMP_RET_KILL_THREAD && t->process->task_count > 1)
		task_exit(SIGSYS);
	process_exit_group(SIGSYS);
}

/* A tracer decides. Return: whether to ask the filters again (the call may be another now) */
static bool to_tracer(struct plat_regs *r, u32 data)
{
	struct task *t = current_task();

	if (!t->trace.flags || !(t->trace.options & PTRACE_O_TRACESECCOMP)) {
		r->ax = (u64)-ENOSYS;
		return false;
	}
	ptrace_event(PTRACE_EVENT_SECCOMP, data);
	return !fatal_signal_pending() && (s64)r->orig_ax >= 0;
}

bool seccomp_check(struct plat_regs *r)
{
	struct task *t = current_task();

	if (t->seccomp_mode == SECCOMP_MODE_STRICT) {
		if (strict_allows(r->orig_ax))
			return true;
		process_exit_group(SIGKILL);
	}
	for (bool traced = false;; traced = true) {
		u32 answer = ask(t->seccomp, r), data = answer & SECCOMP_RET_DATA;

		switch (answer & SECCOMP_RET_ACTION_FULL) {
		case SECCOMP_RET_ALLOW: return true;
		case SECCOMP_RET_LOG:
			pr_info("seccomp: %s[%u] makes system call %llu", t->thread.comm, task_tid(t), r->orig_ax);
			return true;
		case SECCOMP_RET_ERRNO: r->ax = -(u64)MIN(data, (u32)ERRNO_LIMIT); return false;
		case SECCOMP_RET_TRAP: trap(r, data); return false;
		case SECCOMP_RET_TRACE:
			if (traced)	/* the tracer has had its say */
				return true;
			if (!to_tracer(r, data))
				return false;
			break;
		case SECCOMP_RET_USER_NOTIF: r->ax = (u64)-ENOSYS; return false;
		default: die(answer & SECCOMP_RET_ACTION_FULL);
		}
	}
}

int seccomp_set_strict(void)
{
	struct task *t = current_task();

	if (t->seccomp_mode && t->seccomp_mode != SECCOMP_MODE_STRICT)
		return -EINVAL;
	t->seccomp_mode = SECCOMP_MODE_STRICT;
	thread_set_flag(&t->thread, TF_TRACE_SYSCALL);
	return 0;
}

static struct seccomp_filter *load(u64 program)
{
	struct sock_fprog p;

	if (copy_in(&p, uaddr(program), sizeof(p)))
		return ERR_PTR(-EFAULT);
	if (!p.len || p.len > BPF_MAXINSNS)
		return ERR_PTR(-EINVAL);
	size_t bytes = p.len * sizeof(struct sock_filter);
	struct seccomp_filter *f = kvmalloc(sizeof(*f) + bytes, ALLOC_KERNEL);
	u16 *scratch = kvmalloc(p.len * sizeof(*scratch), ALLOC_KERNEL);
	int err = f && scratch ? copy_in(f->insn, uaddr((u64)p.filter), bytes) : -ENOMEM;
	if (!err)
		err = seccomp_bpf_check(f->insn, p.len, sizeof(struct seccomp_data), scratch);
	kvfree(scratch);
	if (err) {
		kvfree(f);
		return ERR_PTR(err);
	}
	ref_init(&f->refs);
	f->count = p.len;
	f->prev = NULL;
	return f;
}

static bool is_ancestor(const struct seccomp_filter *a, const struct seccomp_filter *f)
{
	for (; f; f = f->prev)
		if (f == a)
			return true;
	return !a;
}

static void put_in_force(struct task *t, struct seccomp_filter *f)
{
	t->seccomp = f;
	atomic_store(&t->seccomp_mode, (u8)SECCOMP_MODE_FILTER);
	thread_set_flag(&t->thread, TF_TRACE_SYSCALL);
}

/* All threads get @f, unless one has a filter that is not among f's ancestors: its number is returned. */
static u32 sync_threads(struct task *me, struct seccomp_filter *f)
{
	struct process *p = me->process;
	struct task *t;
	u32 odd = 0;
	u64 irq = process_siglock(p);

	list_for_each_entry(t, &p->tasks, node)
		if (t != me && !t->dead && (t->seccomp_mode == SECCOMP_MODE_STRICT || !is_ancestor(t->seccomp, me->seccomp)))
			odd = task_tid(t);
	if (!odd)
		list_for_each_entry(t, &p->tasks, node)
			if (t != me && !t->dead) {
				struct seccomp_filter *old = t->seccomp;

				put_in_force(t, seccomp_get(f));
				if (old)
					(void)!ref_put(&old->refs);	/* not the last: it is an ancestor of f */
			}
	process_sigunlock(p, irq);
	return odd;
}

s64 seccomp_set_filter(u32 flags, u64 program)
{
	struct task *t = current_task();

	if (flags & ~(u32)(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC_ESRCH))
		return -EINVAL;
	if (t->seccomp_mode == SECCOMP_MODE_STRICT)
		return -EINVAL;
	struct seccomp_filter *f = load(program);
	if (IS_ERR(f))
		return PTR_ERR(f);
	if (!current_cred()->no_new_privs && !capable(CAP_SYS_ADMIN)) {
		seccomp_put(f);
		return -EACCES;
	}
	f->prev = seccomp_get(t->seccomp);
	if (flags & SECCOMP_FILTER_FLAG_TSYNC) {
		u32 odd = sync_threads(t, f);

		if (odd) {
			seccomp_put(f);
			return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? -ESRCH : (s64)odd;
		}
	}
	struct seccomp_filter *old = t->seccomp;
	put_in_force(t, f);
	seccomp_put(old);	/* f holds it now */
	return 0;
}

int seccomp_action_avail(u32 action)
{
	switch (action) {
	case SECCOMP_RET_KILL_PROCESS: case SECCOMP_RET_KILL_THREAD: case SECCOMP_RET_TRAP: case SECCOMP_RET_ERRNO: case SECCOMP_RET_TRACE:
	case SECCOMP_RET_LOG: case SECCOMP_RET_ALLOW:
		return 0;
	default:
		return -EOPNOTSUPP;
	}
}
