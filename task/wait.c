/* See wait.h.  Source: wait(2), waitid(2), ptrace(2). */
#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/wait.h>
#include "base/string.h"
#include "kern/sched.h"
#include "task/internal.h"
#include "task/ptrace.h"
#include "task/rusage.h"
#include "task/signal.h"
#include "task/wait.h"

static bool matches(const struct wait_request *r, struct task *t)
{
	struct process *p = t->process;

	switch (r->which) {
	case WAIT_PID: return t->pid == r->pid || (task_is_leader(t) && p->pid == r->pid);
	case WAIT_GROUP: return p->pgrp == r->pid;
	default: return true;
	}
}

static bool eligible(const struct wait_request *r, struct process *c)
{
	bool clone = c->exit_signal != SIGCHLD;

	return (r->options & __WALL) || clone == !!(r->options & __WCLONE);
}

static void fill_exit(struct wait_result *out, struct task *t, u32 code)
{
	out->status = code;
	if (code & 0x7f) {
		out->cause = code & 0x80 ? CLD_DUMPED : CLD_KILLED;
		out->value = code & 0x7f;
	} else {
		out->cause = CLD_EXITED;
		out->value = (code >> 8) & 0xff;
	}
}

static void fill_who(struct wait_result *out, struct task *t)
{
	out->pid = task_tid(t);
	out->uid = t->thread.cred->uid;
}

/* What a dead child used, its own children included, goes to the waiter. */
static void account_child(struct process *c)
{
	struct process *me = current_process();
	struct usage u;

	process_usage(c, &u);
	usage_add(&u, &c->child_usage);
	u64 irq = process_siglock(me);
	usage_add(&me->child_usage, &u);
	process_sigunlock(me, irq);
}

static bool take_zombie(const struct wait_request *r, struct process *c, struct wait_result *out)
{
	struct task *leader = c->leader;

	if (!(r->options & WEXITED) || !process_has_flag(c, PROC_ZOMBIE))
		return false;
	fill_who(out, leader);
	fill_exit(out, leader, c->exit_code);
	process_usage(c, &out->usage);
	usage_add(&out->usage, &c->child_usage);
	if (r->options & WNOWAIT)
		return true;
	if (leader->tracer && leader->tracer == current_process() && c->parent != current_process()) {
		ptrace_unlink_locked(leader);	/* now the parent's turn */
		exit_check_zombie(c);
		return true;
	}
	account_child(c);
	process_reap(c);
	return true;
}

static bool take_stopped(const struct wait_request *r, struct process *c, struct wait_result *out)
{
	if (!(r->options & WSTOPPED) || !process_has_flag(c, PROC_WAIT_STOPPED) || !c->leader)
		return false;
	fill_who(out, c->leader);
	out->cause = CLD_STOPPED;
	out->value = (int)c->stop_sig;
	out->status = c->stop_sig << 8 | 0x7f;
	process_usage(c, &out->usage);
	if (!(r->options & WNOWAIT))
		process_clear_flag(c, PROC_WAIT_STOPPED);
	return true;
}

static bool take_continued(const struct wait_request *r, struct process *c, struct wait_result *out)
{
	if (!(r->options & WCONTINUED) || !process_has_flag(c, PROC_CONTINUED) || !c->leader)
		return false;
	fill_who(out, c->leader);
	out->cause = CLD_CONTINUED;
	out->value = SIGCONT;
	out->status = 0xffff;
	process_usage(c, &out->usage);
	if (!(r->options & WNOWAIT))
		process_clear_flag(c, PROC_CONTINUED);
	return true;
}

/* A traced thread that has stopped or, not being a leader, has ended. */
static bool take_traced(const struct wait_request *r, struct task *t, struct wait_result *out)
{
	if (t->zombie) {
		if (task_is_leader(t) || !(r->options & WEXITED))
			return task_is_leader(t) && t->process->parent != current_process() && take_zombie(r, t->process, out);
		fill_who(out, t);
		fill_exit(out, t, t->exit_code);
		if (!(r->options & WNOWAIT)) {
			struct process *p = process_get(t->process);

			ptrace_unlink_locked(t);
			task_unlink(t);
			if (p->exec_task)
				thread_wake(&p->exec_task->thread, WAKE_NORMAL);
			exit_check_zombie(p);
			process_put(p);
		}
		return true;
	}
	if (!t->trace.stop_code)
		return false;
	fill_who(out, t);
	out->cause = CLD_TRAPPED;
	out->value = (int)t->trace.stop_code;
	out->status = t->trace.stop_code << 8 | 0x7f;
	if ((t->trace.stop_code >> 8) == 0 && process_has_flag(t->process, PROC_STOPPED) && (sigbit((int)t->trace.stop_code) & SIG_STOPS))
		out->cause = CLD_STOPPED;
	if (!(r->options & WNOWAIT))
		t->trace.stop_code = 0;
	return true;
}

/* One look at everybody. Return: 1: *out is filled in; 0: nobody yet; -ECHILD */
static int scan(const struct wait_request *r, struct wait_result *out)
{
	struct process *me = current_process(), *c;
	struct task *t;
	int result = -ECHILD;

	list_for_each_entry(t, &me->tracees, trace_node) {
		if (!matches(r, t))
			continue;
		result = 0;
		if (take_traced(r, t, out))
			return 1;
	}
	list_for_each_entry(c, &me->children, sibling) {
		if (!c->leader || !matches(r, c->leader))
			continue;
		bool traced = c->leader->tracer != NULL, mine = c->leader->tracer == me;

		if (!eligible(r, c) && !mine)
			continue;
		result = 0;
		if (traced && !mine && process_has_flag(c, PROC_ZOMBIE))
			continue;	/* its tracer comes first */
		if (take_zombie(r, c, out) || (!mine && take_stopped(r, c, out)) || take_continued(r, c, out))
			return 1;
	}
	return result;
}

int task_wait(const struct wait_request *r, struct wait_result *out)
{
	struct process *me = current_process();
	struct waiter w;
	int result;

	memset(out, 0, sizeof(*out));
	waiter_init(&w);
	for (;;) {
		if (!(r->options & WNOHANG))
			waitq_prepare(&me->child_wait, &w, TS_INTERRUPTIBLE);
		pids_lock_take();
		result = scan(r, out);
		pids_lock_drop();
		if (result || (r->options & WNOHANG))
			break;
		if (signal_pending()) {
			result = -ERESTARTSYS;
			break;
		}
		schedule();
	}
	if (!(r->options & WNOHANG))
		waitq_finish(&me->child_wait, &w);
	return result > 0 ? 0 : result;
}
