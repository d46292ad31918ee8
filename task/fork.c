/*
 * New tasks.
 *
 * The child starts in child_start() on its own kernel stack, above which lie its user registers: a copy of the
 * parent's with 0 as the result.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/sched.h"
#include "mm/mm.h"
#include "mm/user.h"
#include "task/fork.h"
#include "task/internal.h"
#include "task/ns.h"
#include "task/pidfd.h"
#include "task/ptrace.h"
#include "task/rusage.h"
#include "task/seccomp.h"
#include "task/signal.h"
#include "vfs/file.h"
#include "vfs/path.h"

#define CLONE_NS_FLAGS (CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP)

/* The registers lie at the top; a context starts below them, aligned. */
enum { REGS_ROOM = (sizeof(struct plat_regs) + 15) & ~15 };

struct process *init_process;

static struct plat_regs *regs_of(struct task *t)
{
	return (struct plat_regs *)thread_stack_top(&t->thread) - 1;
}

static int check_request(const struct clone_request *r)
{
	u64 f = r->flags;

	if ((f & CLONE_THREAD) && !(f & CLONE_SIGHAND))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && !(f & CLONE_VM))
		return -EINVAL;
	if ((f & CLONE_SIGHAND) && (f & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((f & (CLONE_NEWNS | CLONE_FS)) == (CLONE_NEWNS | CLONE_FS))
		return -EINVAL;
	if ((f & CLONE_PARENT) && process_has_flag(current_process(), PROC_UNKILLABLE))
		return -EINVAL;
	if ((f & CLONE_PIDFD) && (f & (CLONE_DETACHED | CLONE_THREAD)))
		return -EINVAL;
	if ((f & CLONE_THREAD) && r->exit_signal)
		return -EINVAL;
	return ns_check(f);
}

static void child_start(void *arg)
{
	struct task *t = arg;

	sched_first_run();
	if (t->set_tid) {
		u32 tid = task_tid(t);

		if (copy_out(uaddr(t->set_tid), &tid, sizeof(tid)))
			t->set_tid = 0;		/* Linux ignores it too */
	}
	plat_user_enter(plat_regs_current());
}

/* ---- the parts that are shared or copied; each is undone by discard() ---- */

static int copy_files(struct task *t, u64 flags)
{
	struct thread *from = current(), *to = &t->thread;

	if (flags & CLONE_FS) {
		fs_context_get(from->fs);
		to->fs = from->fs;
	} else {
		to->fs = fs_context_fork(from->fs);
		if (!to->fs)
			return -ENOMEM;
	}
	if (flags & CLONE_FILES) {
		files_get(from->files);
		to->files = from->files;
	} else {
		struct files *f = files_fork(from->files);

		if (IS_ERR(f))
			return (int)PTR_ERR(f);
		to->files = f;
	}
	return 0;
}

static int copy_mm(struct task *t, u64 flags)
{
	struct mm *old = current()->mm;

	if (!old)
		return 0;
	if (flags & CLONE_VM) {
		mm_get(old);
		t->thread.mm = old;
		return 0;
	}
	struct mm *mm = mm_fork(old);
	if (IS_ERR(mm))
		return (int)PTR_ERR(mm);
	t->thread.mm = mm;
	return 0;
}

static int copy_process(struct process *p, u64 flags, int exit_signal)
{
	struct process *old = current_process();

	if (flags & CLONE_SIGHAND) {
		p->sighand = old->sighand;
		ref_get(&p->sighand->refs);
	} else {
		p->sighand = sighand_alloc();
		if (!p->sighand)
			return -ENOMEM;
		u64 irq = process_siglock(old);
		memcpy(p->sighand->action, old->sighand->action, sizeof(p->sighand->action));
		process_sigunlock(old, irq);
		if (flags & CLONE_CLEAR_SIGHAND)
			signal_clear_handlers(p->sighand);
	}
	memcpy(p->rlimit, old->rlimit, sizeof(p->rlimit));
	p->oom_score_adj = old->oom_score_adj;
	p->exit_signal = flags & CLONE_PARENT ? old->exit_signal : exit_signal;
	return 0;
}

static void copy_task(struct task *t, const struct clone_request *r)
{
	struct task *old = current_task();

	t->thread.cred = cred_get(current_cred());
	t->blocked = thread_has_flag(current(), TF_RESTORE_MASK) ? old->saved_mask : old->blocked;
	t->personality = old->personality;
	t->timer_slack_ns = old->timer_slack_ns;
	t->ioprio = old->ioprio;
	t->seccomp_mode = old->seccomp_mode;
	t->seccomp = seccomp_get(old->seccomp);
	if (old->seccomp_mode)
		thread_set_flag(&t->thread, TF_TRACE_SYSCALL);
	/* A child in the same memory, but for vfork's, cannot use the same alternate stack. */
	if (!(r->flags & CLONE_VM) || (r->flags & CLONE_VFORK))
		t->altstack = old->altstack;
	else
		t->altstack.flags = SS_DISABLE;
	t->clear_tid = r->flags & CLONE_CHILD_CLEARTID ? r->child_tid : 0;
	t->set_tid = r->flags & CLONE_CHILD_SETTID ? r->child_tid : 0;
}

static int copy_regs(struct task *t, const struct clone_request *r, const struct plat_regs *regs)
{
	struct plat_regs *to = regs_of(t);
	int err = plat_ctx_fork(&t->thread.ctx);

	if (err)
		return err;
	*to = *regs;
	to->ax = 0;
	if (r->stack)
		to->sp = r->stack;
	if (r->flags & CLONE_SETTLS)
		t->thread.ctx.fs_base = r->tls;
	thread_set_flag(&t->thread, TF_FULL_REGS);
	plat_ctx_init(&t->thread.ctx, (char *)thread_stack_top(&t->thread) - REGS_ROOM, child_start, t);
	return 0;
}

/* A task that was never linked. */
static void discard(struct task *t)
{
	if (t->thread.mm)
		mm_put(t->thread.mm);
	if (t->thread.files)
		files_put(t->thread.files);
	if (t->thread.fs)
		fs_context_put(t->thread.fs);
	ns_put(t->thread.ns);
	t->thread.mm = NULL;
	thread_fini(&t->thread);
	task_put(t);
}

static int over_process_limit(void)
{
	u64 limit = current_rlimit(RLIMIT_NPROC);

	if (limit == RLIM_INFINITY || !current_cred()->uid || capable(CAP_SYS_RESOURCE) || capable(CAP_SYS_ADMIN))
		return 0;
	return task_count_of(current_cred()->uid) >= limit ? -EAGAIN : 0;
}

static struct task *build(const struct clone_request *r, const struct plat_regs *regs)
{
	struct process *p = current_process();
	int err = over_process_limit();

	if (err)
		return ERR_PTR(err);
	if (r->flags & CLONE_THREAD)
		process_get(p);
	else if (!(p = process_alloc()))
		return ERR_PTR(-ENOMEM);
	else if ((err = copy_process(p, r->flags, r->exit_signal)) != 0) {
		process_put(p);
		return ERR_PTR(err);
	}
	struct task *t = task_alloc(p, current()->comm);
	process_put(p);		/* the task holds it */
	if (IS_ERR(t))
		return t;
	copy_task(t, r);
	err = copy_regs(t, r, regs);
	if (!err)
		err = copy_files(t, r->flags);
	if (!err)
		err = ns_copy(t, r->flags, t->thread.fs);
	if (!err)
		err = copy_mm(t, r->flags);
	if (!err) {
		t->pid = pid_alloc(r->set_tid);
		if (IS_ERR(t->pid)) {
			err = (int)PTR_ERR(t->pid);
			t->pid = NULL;
		}
	}
	if (!err) {
		t->thread.pid = t->pid->nr;
		return t;
	}
	discard(t);
	return ERR_PTR(err);
}

/* A new process takes its place in the tree. pids_lock held. */
static void link_process(struct task *t, u64 flags)
{
	struct process *p = t->process, *me = current_process();

	p->pid = pid_get(t->pid);
	p->parent = flags & CLONE_PARENT ? me->parent : me;
	list_add_tail(&p->sibling, &p->parent->children);
	process_set_flag(p, atomic_load(&me->flags) & (PROC_SUBREAPER | PROC_HAS_SUBREAPER) ? PROC_HAS_SUBREAPER : 0);
	group_join(p, me->pgrp, me->session);
}

/* Publish it, unless a signal came first. 0, -ERESTARTNOINTR */
static int publish(struct task *t, const struct clone_request *r)
{
	struct process *me = current_process();
	int err = 0;

	pids_lock_take();
	/* A signal to the group must not miss the child: whoever has one pending forks after it was handled. */
	if (thread_has_flag(current(), TF_SIGNAL | TF_KILL)) {
		u64 irq = process_siglock(me);

		signal_recalc_locked(current_task());
		process_sigunlock(me, irq);
		if (signal_pending())
			err = -ERESTARTNOINTR;
	}
	if (!err) {
		if (!(r->flags & CLONE_THREAD))
			link_process(t, r->flags);
		task_link(t);
		ptrace_fork_locked(t, r->flags, r->exit_signal);
	}
	pids_lock_drop();
	return err;
}

static void wait_vfork(struct completion *c, struct task *child)
{
	if (!wait_event_killable(&c->q, atomic_load_acquire(&c->done)))
		wait_for_completion(c);	/* in step with complete() */
	else if (!xchg(&child->vfork_done, NULL))
		wait_for_completion(c);	/* it is being completed at this moment */
}

s64 task_clone(const struct clone_request *r, const struct plat_regs *regs)
{
	struct completion done;
	struct file *pidfd_file = NULL;
	int fd = -1, err = check_request(r);

	if (err)
		return err;
	struct task *t = build(r, regs);
	if (IS_ERR(t))
		return PTR_ERR(t);
	u32 tid = task_tid(t);
	if (r->flags & CLONE_PIDFD) {
		err = pidfd_prepare(t->pid, &fd, &pidfd_file);
		if (!err && copy_out(uaddr(r->pidfd), &fd, sizeof(fd)))
			err = -EFAULT;
	}
	if (!err && (r->flags & CLONE_VFORK)) {
		completion_init(&done);
		t->vfork_done = &done;
	}
	if (!err)
		err = publish(t, r);
	if (err) {
		struct pid *p = t->pid;

		pidfd_abort(fd, pidfd_file);
		t->pid = NULL;
		discard(t);
		pid_discard(p);
		return err;
	}
	if (fd >= 0)
		fd_install(fd, pidfd_file);
	if (r->flags & CLONE_PARENT_SETTID && copy_out(uaddr(r->parent_tid), &tid, sizeof(tid)))
		tid = task_tid(t);	/* Linux ignores it too */
	task_get(t);
	int event = ptrace_fork_event(r->flags, r->exit_signal);
	thread_start(&t->thread);
	if (event)
		ptrace_event(event, tid);
	if (r->flags & CLONE_VFORK) {
		wait_vfork(&done, t);
		ptrace_event_if(PTRACE_EVENT_VFORK_DONE, tid);
	}
	task_put(t);
	return tid;
}

int task_unshare(u64 flags)
{
	struct thread *me = current();

	if (flags & ~(u64)(CLONE_THREAD | CLONE_FS | CLONE_NEWNS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM |
			   CLONE_NS_FLAGS | CLONE_NEWTIME))
		return -EINVAL;
	if ((flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM)) && current_process()->task_count > 1)
		return -EINVAL;
	int err = ns_check(flags);
	if (err)
		return err;
	if (flags & CLONE_NEWNS)
		flags |= CLONE_FS;
	if (flags & CLONE_NEWTIME)
		return capable(CAP_SYS_ADMIN) ? -EINVAL : -EPERM;
	if ((flags & CLONE_FS) && atomic_load(&me->fs->refs) > 1) {
		struct fs_context *fs = fs_context_fork(me->fs), *old = me->fs;

		if (!fs)
			return -ENOMEM;
		pids_lock_take();	/* /proc looks */
		me->fs = fs;
		pids_lock_drop();
		fs_context_put(old);
	}
	if ((flags & CLONE_FILES) && atomic_load(&me->files->refs) > 1) {
		struct files *f = files_fork(me->files), *old = me->files;

		if (IS_ERR(f))
			return (int)PTR_ERR(f);
		pids_lock_take();
		me->files = f;
		pids_lock_drop();
		files_put(old);
	}
	return ns_unshare(flags);
}

/* ---- process 1 ---- */

static void init_start(void *arg)
{
	void (*fn)(void) = arg;

	sched_first_run();
	fn();
	plat_user_enter(plat_regs_current());
}

static void init_limits(struct process *p)
{
	for (unsigned i = 0; i < RLIM_NLIMITS; i++)
		p->rlimit[i].cur = p->rlimit[i].max = RLIM_INFINITY;
	p->rlimit[RLIMIT_STACK].cur = 8 << 20;
	p->rlimit[RLIMIT_CORE].cur = 0;
	p->rlimit[RLIMIT_NOFILE].cur = 1024;
	p->rlimit[RLIMIT_NOFILE].max = 4096;
	p->rlimit[RLIMIT_MEMLOCK].cur = p->rlimit[RLIMIT_MEMLOCK].max = 8 << 20;
	p->rlimit[RLIMIT_MSGQUEUE].cur = p->rlimit[RLIMIT_MSGQUEUE].max = 819200;
	p->rlimit[RLIMIT_NICE].cur = p->rlimit[RLIMIT_NICE].max = 0;
	p->rlimit[RLIMIT_RTPRIO].cur = p->rlimit[RLIMIT_RTPRIO].max = 0;
	struct page_stats s;

	page_stats(&s);		/* as many threads as would take an eighth of memory */
	u64 threads = MAX(s.total / (8 * (KSTACK_BYTES / PAGE_SIZE)), 20) / 2;
	p->rlimit[RLIMIT_NPROC].cur = p->rlimit[RLIMIT_NPROC].max = threads;
	p->rlimit[RLIMIT_SIGPENDING].cur = p->rlimit[RLIMIT_SIGPENDING].max = threads;
}

void task_start_init(void (*fn)(void))
{
	struct process *p = process_alloc();

	if (!p || !(p->sighand = sighand_alloc()))
		panic("no memory for the first process");
	struct task *t = task_alloc(p, "init");
	if (IS_ERR(t))
		panic("no memory for the first process");
	process_put(p);
	sched_set_policy(&t->thread, SCHED_NORMAL, 0, 0);
	sched_set_affinity(&t->thread, ~0ull);
	init_limits(p);
	p->flags = PROC_UNKILLABLE;
	p->exit_signal = SIGCHLD;
	t->thread.cred = cred_get(&cred_root);
	t->thread.files = files_create();
	t->altstack.flags = SS_DISABLE;
	t->pid = pid_alloc(0);
	if (!t->thread.files || IS_ERR(t->pid))
		panic("no memory for the first process");
	t->thread.pid = t->pid->nr;
	p->pid = pid_get(t->pid);
	p->parent = p;
	init_process = p;
	plat_ctx_init(&t->thread.ctx, (char *)thread_stack_top(&t->thread) - REGS_ROOM, init_start, (void *)fn);
	memset(regs_of(t), 0, sizeof(struct plat_regs));
	pids_lock_take();
	task_link(t);
	group_join(p, t->pid, t->pid);
	p->session_leader = true;
	pids_lock_drop();
	thread_start(&t->thread);
}
