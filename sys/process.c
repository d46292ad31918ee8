/*
 * System calls on processes and threads: making, ending, waiting, groups, identity.
 */
#include <linux/capability.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/wait.h>
#include "base/string.h"
#include "kern/cred.h"
#include "kern/timer.h"
#include "sys/sys.h"
#include "task/fork.h"
#include "task/group.h"
#include "task/pidfd.h"
#include "task/rusage.h"
#include "task/signal.h"
#include "task/task.h"
#include "task/wait.h"
#include "vfs/file.h"

/* ---- who am I ---- */

s64 sys_getpid(void) { return process_id(current_process()); }
s64 sys_gettid(void) { return task_tid(current_task()); }

s64 sys_getppid(void)
{
	rcu_read_lock();
	struct process *me = current_process(), *p = rcu_dereference(me->parent);
	s64 pid = p == me ? 0 : process_id(p);	/* the first process is its own */
	rcu_read_unlock();
	return pid;
}

s64 sys_setpgid(u64 pid, u64 pgid) { return group_set((s32)pid, (s32)pgid); }
s64 sys_getpgid(u64 pid) { return group_of((s32)pid); }
s64 sys_getpgrp(void) { return group_of(0); }
s64 sys_setsid(void) { return session_create(); }
s64 sys_getsid(u64 pid) { return session_of((s32)pid); }

s64 sys_set_tid_address(u64 addr)
{
	current_task()->clear_tid = addr;
	return task_tid(current_task());
}

/* ---- fork ---- */

s64 sys_fork(void)
{
	const struct clone_request r = { .exit_signal = SIGCHLD };

	return task_clone(&r, plat_regs_current());
}

s64 sys_vfork(void)
{
	const struct clone_request r = { .flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD };

	return task_clone(&r, plat_regs_current());
}

s64 sys_clone(u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls)
{
	/* The old form stores a pidfd where it would store the parent's copy of the number. */
	const struct clone_request r = {
		.flags = (u32)flags & ~(u64)CSIGNAL, .exit_signal = (int)(flags & CSIGNAL), .stack = stack,
		.pidfd = flags & CLONE_PIDFD ? parent_tid : 0, .parent_tid = parent_tid, .child_tid = child_tid, .tls = tls,
	};

	if (flags & CLONE_PIDFD && flags & CLONE_PARENT_SETTID)
		return -EINVAL;
	return task_clone(&r, plat_regs_current());
}

/* The number that the child shall have in the only pid name space. */
static int set_tid_in(const struct clone_args *a, s32 *tid)
{
	if (!a->set_tid != !a->set_tid_size || a->set_tid_size > 1)
		return -EINVAL;
	if (!a->set_tid)
		return 0;
	if (get_user(*tid, uaddr(a->set_tid)))
		return -EFAULT;
	if (*tid < 1)
		return -EINVAL;
	return capable(CAP_SYS_ADMIN) || capable(CAP_CHECKPOINT_RESTORE) ? 0 : -EPERM;
}

s64 sys_clone3(u64 user, u64 size)
{
	struct clone_args a;

	if (size > PAGE_SIZE)
		return -E2BIG;
	if (size < CLONE_ARGS_SIZE_VER0)
		return -EINVAL;
	int err = copy_in_struct(&a, sizeof(a), uaddr(user), size);
	if (err)
		return err;
	if (a.flags & (CLONE_DETACHED | CSIGNAL) || a.exit_signal & ~(u64)CSIGNAL || a.exit_signal > SIGNALS)
		return -EINVAL;
	if (a.flags & (CLONE_THREAD | CLONE_PARENT) && a.exit_signal)
		return -EINVAL;
	if ((a.stack == 0) != (a.stack_size == 0) || (a.stack && !user_range_ok(uaddr(a.stack), a.stack_size)))
		return -EINVAL;
	if (a.flags & CLONE_INTO_CGROUP)
		return -EINVAL;
	s32 set_tid = 0;
	err = set_tid_in(&a, &set_tid);
	if (err)
		return err;
	const struct clone_request r = {
		.flags = a.flags, .exit_signal = (int)a.exit_signal, .pidfd = a.pidfd, .child_tid = a.child_tid,
		.parent_tid = a.parent_tid, .stack = a.stack ? a.stack + a.stack_size : 0, .tls = a.tls,
		.set_tid = (u32)set_tid,
	};
	return task_clone(&r, plat_regs_current());
}

s64 sys_unshare(u64 flags) { return task_unshare(flags); }

/* ---- exit and wait ---- */

s64 sys_exit(u64 code) { task_exit((u32)(code & 0xff) << 8); }
s64 sys_exit_group(u64 code) { process_exit_group((u32)(code & 0xff) << 8); }

/* struct rusage on x86-64: two timevals and fourteen longs. */
static s64 rusage_out(u64 user, const struct usage *u)
{
	struct rusage r;

	memset(&r, 0, sizeof(r));
	r.ru_utime.tv_sec = (long)(u->user_ns / NS_PER_SEC);
	r.ru_utime.tv_usec = (long)(u->user_ns % NS_PER_SEC / 1000);
	r.ru_stime.tv_sec = (long)(u->system_ns / NS_PER_SEC);
	r.ru_stime.tv_usec = (long)(u->system_ns % NS_PER_SEC / 1000);
	r.ru_maxrss = (long)(u->max_rss_pages * (PAGE_SIZE / 1024));
	r.ru_minflt = (long)u->minor_faults;
	r.ru_majflt = (long)u->major_faults;
	r.ru_inblock = (long)u->in_blocks;
	r.ru_oublock = (long)u->out_blocks;
	r.ru_nvcsw = (long)u->nvcsw;
	r.ru_nivcsw = (long)u->nivcsw;
	return copy_out(uaddr(user), &r, sizeof(r));
}

static int wait_for(int which, s32 id, u32 options, struct wait_result *out)
{
	struct wait_request r = { .which = (unsigned)which, .options = options };

	if (which != WAIT_ANY) {
		r.pid = pid_find_get((u32)id);
		if (!r.pid)
			return -ECHILD;
	}
	int err = task_wait(&r, out);
	if (r.pid)
		pid_put(r.pid);
	return err;
}

s64 sys_wait4(u64 pid64, u64 status, u64 options, u64 rusage)
{
	s32 pid = (s32)pid64;
	struct wait_result w = { 0 };

	if (options & ~(u64)(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == (s32)0x80000000)
		return -ESRCH;
	int which = pid == -1 ? WAIT_ANY : pid > 0 ? WAIT_PID : WAIT_GROUP;
	s32 id = pid > 0 ? pid : pid < -1 ? -pid : (s32)group_of(0);
	int err = wait_for(which, id, (u32)options | WEXITED, &w);
	if (err)
		return err;
	if (!w.pid)
		return 0;
	if (status && put_user((int)w.status, uaddr(status)))
		return -EFAULT;
	if (rusage && rusage_out(rusage, &w.usage))
		return -EFAULT;
	return w.pid;
}

/* Which process P_PIDFD names. */
static int id_of_pidfd(int fd, s32 *id, u32 *options)
{
	struct pid *pid = pidfd_pid(fd);

	if (IS_ERR(pid))
		return (int)PTR_ERR(pid);
	*id = (s32)pid->nr;
	if (pidfd_nonblock(fd))
		*options |= WNOHANG;
	pid_put(pid);
	return 0;
}

static s64 waitid_out(u64 user, const struct wait_result *w)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	if (w->pid) {
		info.si_signo = SIGCHLD;
		info.si_code = w->cause;
		info.si_pid = (s32)w->pid;
		info.si_uid = w->uid;
		info.si_status = w->value;
	}
	/* Only the fields that belong to it are written, as programs may watch the rest. */
	return copy_out(uaddr(user), &info, offsetof(siginfo_t, si_status) + sizeof(info.si_status));
}

s64 sys_waitid(u64 which64, u64 id64, u64 info, u64 options64, u64 rusage)
{
	u32 options = (u32)options64, asked = options;
	s32 id = (s32)id64;
	struct wait_result w = { 0 };
	int which = WAIT_ANY;

	if (options & ~(u32)(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL) ||
	    !(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	switch ((int)which64) {
	case P_ALL: break;
	case P_PID: which = WAIT_PID; if (id <= 0) return -EINVAL; break;
	case P_PGID: which = WAIT_GROUP; if (id < 0) return -EINVAL; if (!id) id = (s32)group_of(0); break;
	case P_PIDFD: {
		int err = id < 0 ? -EINVAL : id_of_pidfd(id, &id, &options);

		if (err)
			return err;
		which = WAIT_PID;
		break;
	}
	default: return -EINVAL;
	}
	int err = wait_for(which, id, options, &w);
	if (!err && !w.pid && options & WNOHANG && !(asked & WNOHANG))
		err = -EAGAIN;		/* a non-blocking pidfd */
	if (err && err != -EAGAIN)
		return err;
	if (!err && w.pid && rusage && rusage_out(rusage, &w.usage))
		return -EFAULT;
	if (info && waitid_out(info, &w))
		return -EFAULT;
	return err;
}

/* ---- what was used ---- */

s64 sys_getrusage(u64 who, u64 user)
{
	struct usage u = { 0 };

	switch ((int)who) {
	case RUSAGE_SELF: process_usage(current_process(), &u); break;
	case RUSAGE_CHILDREN: children_usage(current_process(), &u); break;
	case RUSAGE_THREAD: thread_usage(current_task(), &u); break;
	default: return -EINVAL;
	}
	return rusage_out(user, &u);
}

s64 sys_times(u64 user)
{
	struct usage self = { 0 }, kids = { 0 };
	const u64 tick_ns = NS_PER_SEC / 100;

	if (user) {
		process_usage(current_process(), &self);
		children_usage(current_process(), &kids);
		s64 t[4] = { (s64)(self.user_ns / tick_ns), (s64)(self.system_ns / tick_ns),
			     (s64)(kids.user_ns / tick_ns), (s64)(kids.system_ns / tick_ns) };
		if (copy_out(uaddr(user), t, sizeof(t)))
			return -EFAULT;
	}
	return (s64)(plat_mono_ns() / tick_ns);
}

static s64 limits(struct process *p, u64 which, u64 new, u64 old)
{
	struct limit set, was;

	if (which >= RLIM_NLIMITS)
		return -EINVAL;
	if (new && copy_in(&set, uaddr(new), sizeof(set)))
		return -EFAULT;
	int err = rlimit_change(p, (unsigned)which, new ? &set : NULL, &was);
	if (!err && old)
		err = copy_out(uaddr(old), &was, sizeof(was));
	return err;
}

s64 sys_getrlimit(u64 which, u64 user) { return user ? limits(current_process(), (u32)which, 0, user) : -EFAULT; }
s64 sys_setrlimit(u64 which, u64 user) { return user ? limits(current_process(), (u32)which, user, 0) : -EFAULT; }

/* Another's limits: the same user in every id, or CAP_SYS_RESOURCE. */
static int limits_permission(struct task *t)
{
	const struct cred *me = current_cred(), *c = task_cred_get(t);
	bool same = me->uid == c->euid && me->uid == c->suid && me->uid == c->uid && me->gid == c->egid && me->gid == c->sgid && me->gid == c->gid;

	cred_put(c);
	return same || capable(24 /* CAP_SYS_RESOURCE */) ? 0 : -EPERM;
}

s64 sys_prlimit64(u64 pid, u64 which, u64 new, u64 old)
{
	if (!(s32)pid || (u32)pid == process_id(current_process()))
		return limits(current_process(), (u32)which, new, old);
	struct task *t = task_find_get((u32)pid);
	if (!t)
		return -ESRCH;
	s64 ret = limits_permission(t);
	if (!ret)
		ret = limits(t->process, (u32)which, new, old);
	task_put(t);
	return ret;
}
