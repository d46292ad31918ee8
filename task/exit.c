/*
 * The end of tasks and processes.
 *
 * A task lets go of what it holds, then takes its place among the dead: a thread that nobody traces is unlinked at once;
 * the leader waits until it is the last and then becomes a zombie that the parent's wait removes.
 */
#include <linux/errno.h>
#include <linux/ptrace.h>
#include <linux/wait.h>
#include "kern/assert.h"
#include "kern/printk.h"
#include "kern/sched.h"
#include "mm/mm.h"
#include "mm/user.h"
#include "task/group.h"
#include "task/internal.h"
#include "task/ns.h"
#include "task/ptrace.h"
#include "task/signal.h"
#include "task/tty_job.h"
#include "vfs/file.h"
#include "vfs/path.h"
#include "vfs/poll.h"

/* ---- telling the parent ---- */

static void child_info(siginfo_t *info, struct task *t, u32 code)
{
	struct usage u = { 0 };

	usage_add_thread(&u, t);
	usage_add(&u, &t->process->dead_usage);
	siginfo_init(info, SIGCHLD, 0);
	info->si_pid = (int)task_tid(t);
	info->si_uid = t->thread.cred->uid;
	info->si_utime = (long)(u.user_ns / 10000000);
	info->si_stime = (long)(u.system_ns / 10000000);
	if (code & 0x7f) {
		info->si_code = code & 0x80 ? CLD_DUMPED : CLD_KILLED;
		info->si_status = code & 0x7f;
	} else {
		info->si_code = CLD_EXITED;
		info->si_status = (code >> 8) & 0xff;
	}
}

/* Send @to the exit signal for @t, if it is one: clone(2) takes any number of 8 bits. Return: true if nobody will wait. */
static bool notify_exit(struct process *to, struct task *t, u32 code, int sig)
{
	siginfo_t info;
	bool autoreap = false, send = sig > 0 && sig <= SIGNALS;

	child_info(&info, t, code);
	u64 irq = process_siglock(to);
	const struct ksigaction *a = &to->sighand->action[SIGCHLD - 1];
	if (sig == SIGCHLD && (a->handler == K_SIG_IGN || (a->flags & SA_NOCLDWAIT))) {
		autoreap = true;
		if (a->handler == K_SIG_IGN)
			send = false;
	}
	if (send) {
		info.si_signo = sig;
		(void)signal_process_locked(to, sig, &info);
	}
	process_sigunlock(to, irq);
	waitq_wake(&to->child_wait, 0, 0);
	return autoreap;
}

void process_reap(struct process *p)
{
	struct task *leader = p->leader;

	process_get(p);
	if (leader->tracer)
		ptrace_unlink_locked(leader);
	group_leave(p);
	list_del_init(&p->sibling);
	u64 irq = process_siglock(p);
	sigpending_flush(&p->shared, ~0ull);
	process_sigunlock(p, irq);
	task_unlink(leader);
	process_put(p);
}

void exit_check_zombie(struct process *p)
{
	struct task *leader = p->leader;

	if (!leader || !leader->zombie || p->task_count != 1 || p->exec_task)
		return;
	if (!process_has_flag(p, PROC_ZOMBIE)) {
		p->exit_code = process_has_flag(p, PROC_GROUP_EXIT) ? p->group_exit_code : leader->exit_code;
		process_set_flag(p, PROC_ZOMBIE);
		waitq_wake(&p->pid->wait, 0, EPOLLIN);
		group_orphan_check(p, p->parent);
	}
	/* A tracer that is not the parent sees it first; its wait comes back here. */
	if (leader->tracer && leader->tracer != p->parent) {
		(void)notify_exit(leader->tracer, leader, p->exit_code, SIGCHLD);
		return;
	}
	if (notify_exit(p->parent, leader, p->exit_code, p->exit_signal) && !leader->tracer)
		process_reap(p);
}

/* ---- children of the dead ---- */

static struct process *find_reaper(struct process *p)
{
	if (!process_has_flag(p, PROC_HAS_SUBREAPER))
		return init_process;
	for (struct process *a = p->parent; a != init_process; a = a->parent)
		if (process_has_flag(a, PROC_SUBREAPER) && atomic_load(&a->live_count))
			return a;
	return init_process;
}

static void reparent_children(struct process *p)
{
	struct process *reaper = find_reaper(p), *c, *next;

	list_for_each_entry_safe(c, next, &p->children, sibling) {
		rcu_assign_pointer(c->parent, reaper);
		list_move_tail(&c->sibling, &reaper->children);
		c->exit_signal = SIGCHLD;
		struct task *leader = c->leader;
		if (leader && leader->pdeath_signal && !leader->zombie) {
			siginfo_t info;

			siginfo_user(&info, (int)leader->pdeath_signal, SI_USER);
			(void)signal_process(c, (int)leader->pdeath_signal, &info);
		}
		if (c->session == p->session && c->pgrp != p->pgrp && !process_has_flag(c, PROC_ZOMBIE))
			group_orphan_check(c, p);
		if (process_has_flag(c, PROC_ZOMBIE))
			exit_check_zombie(c);
	}
}

/* ---- memory ---- */

void task_release_memory(struct task *t)
{
	struct mm *mm = t->thread.mm;

	if (mm) {
		futex_exit_robust(t);
		if (t->clear_tid) {
			u32 zero = 0;

			if (atomic_load(&mm->users) > 1 && !copy_out(uaddr(t->clear_tid), &zero, sizeof(zero)))
				futex_wake_address(t->clear_tid);
			t->clear_tid = 0;
		}
	}
	struct completion *c = xchg(&t->vfork_done, NULL);
	if (c)
		complete(c);
}

static void exit_memory(struct task *t)
{
	struct mm *mm = t->thread.mm;

	task_release_memory(t);
	if (!mm)
		return;
	u64 peak = mm_rss_pages(mm);
	peak = MAX(peak, mm->hiwater_rss);
	if (peak > t->usage.max_rss_pages)
		t->usage.max_rss_pages = peak;
	mm_switch_to(NULL);
	pids_lock_take();
	t->thread.mm = NULL;
	pids_lock_drop();
	mm_put(mm);
}

static void exit_files(struct thread *t)
{
	struct files *files = t->files;
	struct fs_context *fs = t->fs;

	pids_lock_take();
	t->files = NULL;
	t->fs = NULL;
	pids_lock_drop();
	/* Releasing a file may need the current table or root: nothing does once it is the last. */
	if (files)
		files_put(files);
	if (fs)
		fs_context_put(fs);
	ns_put(t->ns);
	t->ns = NULL;
}

/* ---- the end ---- */

static void (*exit_hook)(struct process *p);
static void (*io_hook)(void);

void task_register_io_hook(void (*hook)(void))
{
	io_hook = hook;
}

void task_end_io(void)
{
	if (io_hook)
		io_hook();
}

void task_register_exit_hook(void (*hook)(struct process *p))
{
	exit_hook = hook;
}

static void leave_tree(struct task *t, u32 code, bool last)
{
	struct process *p = t->process;

	pids_lock_take();
	ptrace_exit_locked(t);
	if (last)
		reparent_children(p);
	t->exit_code = code;
	t->zombie = true;
	if (p->leader != t) {
		if (t->tracer)
			(void)notify_exit(t->tracer, t, code, SIGCHLD);
		else
			task_unlink(t);
	}
	if (p->exec_task)
		thread_wake(&p->exec_task->thread, WAKE_NORMAL);
	exit_check_zombie(p);
	pids_lock_drop();
}

NORETURN static void init_died(u32 code)
{
	panic("Attempted to kill init! exitcode=0x%08x", code);
}

void task_exit(u32 code)
{
	struct task *t = current_task();
	struct process *p = t->process;

	ptrace_event_if(PTRACE_EVENT_EXIT, code);
	task_end_io();
	u64 irq = process_siglock(p);
	t->dead = true;
	if (t->stop_pending) {
		t->stop_pending = false;
		if (p->stop_count)
			p->stop_count--;
	}
	signal_retarget_locked(t);
	if (process_has_flag(p, PROC_GROUP_EXIT))
		code = p->group_exit_code;
	process_sigunlock(p, irq);
	bool last = atomic_dec_and_test(&p->live_count);
	if (last) {
		if (p == init_process)
			init_died(code);
		itimers_exit(p);
		posix_timers_exit(p);
	}
	exit_memory(t);
	if (last && exit_hook)
		exit_hook(p);
	exit_files(&t->thread);
	if (last && p->session_leader)
		tty_job_leader_exit(p);
	leave_tree(t, code, last);
	thread_exit_current(task_thread_gone);
}

void process_exit_group(u32 code)
{
	struct process *p = current_process();
	u64 irq = process_siglock(p);

	if (process_has_flag(p, PROC_GROUP_EXIT)) {
		code = p->group_exit_code;
	} else if (p->exec_task && p->exec_task != current_task()) {
		code = 0;	/* another thread execs: only this one goes */
	} else {
		p->group_exit_code = code;
		process_set_flag(p, PROC_GROUP_EXIT);
		(void)signal_kill_others_locked(p, current_task());
	}
	process_sigunlock(p, irq);
	task_exit(code);
}
