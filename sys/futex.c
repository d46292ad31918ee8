/*
 * Futexes and robust lists.
 */
#include <linux/futex.h>
#include <linux/time_types.h>
#include "kern/timer.h"
#include "sys/sys.h"
#include "task/futex.h"
#include "task/task.h"

/* A timeout as deadline: relative for FUTEX_WAIT, absolute on a clock otherwise. */
static int deadline_in(u64 user, bool relative, bool realtime, u64 *deadline)
{
	struct __kernel_timespec ts;

	*deadline = ~0ull;
	if (!user)
		return 0;
	if (relative) {
		int err = sys_timeout_in(user, deadline);

		return !err && !*deadline ? (int)(*deadline = 1) - 1 : err;
	}
	if (copy_in(&ts, uaddr(user), sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || (u64)ts.tv_nsec > 999999999)
		return -EINVAL;
	u64 ns = (u64)ts.tv_sec > 9000000000ull ? ~0ull >> 1 : (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
	if (realtime) {
		u64 offset = clock_realtime_ns() - plat_mono_ns();

		ns = ns > offset ? ns - offset : 1;
	}
	*deadline = ns ? ns : 1;
	return 0;
}

/* A relative wait that a signal interrupts goes on with the same deadline. */
static s64 wait_again(struct restart_block *r)
{
	s64 ret = futex_wait(r->arg[0], r->arg[1], (u32)r->arg[2], (u32)r->arg[3], r->arg[4]);

	return ret == -ERESTARTSYS ? -ERESTART_RESTARTBLOCK : ret;
}

static s64 wait(u64 addr, bool shared, u32 value, u32 bitset, u64 deadline)
{
	s64 ret = futex_wait(addr, shared, value, bitset, deadline);

	if (ret != -ERESTARTSYS || deadline == ~0ull)
		return ret;
	current_task()->restart = (struct restart_block){ wait_again, { addr, shared, value, bitset, deadline } };
	return -ERESTART_RESTARTBLOCK;
}

s64 sys_futex(u64 addr, u64 op, u64 val64, u64 timeout, u64 addr2, u64 val3)
{
	int cmd = (int)op & FUTEX_CMD_MASK;
	bool shared = !(op & FUTEX_PRIVATE_FLAG), realtime = op & FUTEX_CLOCK_REALTIME;
	u32 val = (u32)val64, cmp = (u32)val3;
	u64 deadline = ~0ull;

	if (realtime && cmd != FUTEX_WAIT_BITSET && cmd != FUTEX_WAIT_REQUEUE_PI && cmd != FUTEX_LOCK_PI2)
		return -ENOSYS;
	if (cmd == FUTEX_WAIT || cmd == FUTEX_WAIT_BITSET || cmd == FUTEX_LOCK_PI || cmd == FUTEX_LOCK_PI2) {
		int err = deadline_in(timeout, cmd == FUTEX_WAIT, realtime || cmd == FUTEX_LOCK_PI, &deadline);

		if (err)
			return err;
	}
	switch (cmd) {
	case FUTEX_WAIT: return wait(addr, shared, val, FUTEX_BITSET_MATCH_ANY, deadline);
	case FUTEX_WAIT_BITSET: return wait(addr, shared, val, cmp, deadline);
	case FUTEX_WAKE: return futex_wake(addr, shared, val, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET: return futex_wake(addr, shared, val, cmp);
	case FUTEX_REQUEUE: return futex_requeue(addr, addr2, shared, (s32)val, (s32)timeout, NULL);
	case FUTEX_CMP_REQUEUE: return futex_requeue(addr, addr2, shared, (s32)val, (s32)timeout, &cmp);
	case FUTEX_WAKE_OP: return futex_wake_op(addr, addr2, shared, (s32)val, (s32)timeout, cmp);
	case FUTEX_LOCK_PI: case FUTEX_LOCK_PI2: return futex_lock_pi(addr, shared, deadline, false);
	case FUTEX_TRYLOCK_PI: return futex_lock_pi(addr, shared, 0, true);
	case FUTEX_UNLOCK_PI: return futex_unlock_pi(addr, shared);
	default: return -ENOSYS;
	}
}

s64 sys_futex_waitv(u64 user, u64 count, u64 flags, u64 timeout, u64 clock)
{
	struct futex_wait_entry e[FUTEX_WAITV_LIMIT];
	u64 deadline;

	if (flags || !count || count > FUTEX_WAITV_LIMIT || !user)
		return -EINVAL;
	if (timeout && clock != 0 /* CLOCK_REALTIME */ && clock != 1)
		return -EINVAL;
	int err = deadline_in(timeout, false, clock == 0, &deadline);
	if (err)
		return err;
	for (u32 i = 0; i < count; i++) {
		struct futex_waitv w;

		if (copy_in(&w, uaddr(user + i * sizeof(w)), sizeof(w)))
			return -EFAULT;
		if (w.flags & ~(u32)(FUTEX_32 | FUTEX_PRIVATE_FLAG) || w.__reserved || !(w.flags & FUTEX_32) || w.val >> 32)
			return -EINVAL;
		e[i] = (struct futex_wait_entry){ w.uaddr, (u32)w.val, !(w.flags & FUTEX_PRIVATE_FLAG) };
	}
	return futex_wait_many(e, (u32)count, deadline);
}

s64 sys_set_robust_list(u64 head, u64 size)
{
	if (size != sizeof(struct robust_list_head))
		return -EINVAL;
	current_task()->robust_list = head;
	return 0;
}

s64 sys_get_robust_list(u64 pid, u64 head_out, u64 size_out)
{
	struct task *t = (s32)pid ? task_find_get((u32)pid) : task_get(current_task());

	if (!t)
		return -ESRCH;
	u64 head = t->robust_list;
	const struct cred *c = task_cred_get(t), *me = current_cred();
	bool ok = t == current_task() || me->euid == c->uid || capable(19 /* CAP_SYS_PTRACE */);
	cred_put(c);
	task_put(t);
	if (!ok)
		return -EPERM;
	return put_user((u64)sizeof(struct robust_list_head), uaddr(size_out)) || put_user(head, uaddr(head_out)) ? -EFAULT : 0;
}
