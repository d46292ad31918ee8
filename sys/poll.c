/*
 * Waiting for readiness: poll, select, epoll.  The cores are vfs/poll.c and vfs/epoll.c.
 */
#include <linux/eventpoll.h>
#include <linux/poll.h>
#include <linux/time_types.h>
#include "base/string.h"
#include "kern/timer.h"
#include "sys/sys.h"
#include "task/signal.h"
#include "task/task.h"
#include "vfs/epoll.h"
#include "vfs/file.h"
#include "vfs/poll.h"

enum { POLL_FAST = 16, SELECT_FAST_WORDS = 4 };

int sys_timeout_in(u64 user, u64 *deadline_ns)
{
	struct __kernel_timespec ts;

	*deadline_ns = ~0ull;
	if (!user)
		return 0;
	if (copy_in(&ts, uaddr(user), sizeof(ts)))
		return -EFAULT;
	if (ts.tv_sec < 0 || (u64)ts.tv_nsec > 999999999)
		return -EINVAL;
	if (!ts.tv_sec && !ts.tv_nsec)
		*deadline_ns = 0;
	else if ((u64)ts.tv_sec < 4000000000ull)
		*deadline_ns = plat_mono_ns() + (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
	return 0;
}

static u64 deadline_of_ms(int ms)
{
	return ms < 0 ? ~0ull : !ms ? 0 : plat_mono_ns() + (u64)ms * NS_PER_MS;
}

/* What is left of a wait, for the calls that write it back. */
static void left_of(u64 deadline_ns, u64 *sec, u64 *nsec)
{
	u64 now = plat_mono_ns(), left = deadline_ns > now ? deadline_ns - now : 0;

	*sec = left / NS_PER_SEC;
	*nsec = left % NS_PER_SEC;
}

/* An optional signal mask for the length of a call.  Return: 1 if one was set, 0, or -errno */
int sys_mask_in(u64 user, u64 size)
{
	u64 mask;

	if (!user)
		return 0;
	if (size != sizeof(mask))
		return -EINVAL;
	if (copy_in(&mask, uaddr(user), sizeof(mask)))
		return -EFAULT;
	signal_mask_for_call(mask);
	return 1;
}

void sys_mask_out(int masked, s64 ret)
{
	if (masked > 0)
		signal_mask_done(ret == -EINTR || ret == -ERESTARTNOHAND);
}

/* ---- poll ---- */

static s64 poll_core(u64 user, u32 n, u64 deadline_ns)
{
	struct pollfd fast[POLL_FAST], *fds = fast;

	if (n > current_rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	if (n > POLL_FAST) {
		fds = kvmalloc(n * sizeof(*fds), ALLOC_KERNEL);
		if (!fds)
			return -ENOMEM;
	}
	s64 ret = copy_in(fds, uaddr(user), n * sizeof(*fds));
	if (!ret)
		ret = vfs_poll(fds, n, deadline_ns);
	for (u32 i = 0; ret >= 0 && i < n; i++)		/* only revents: the rest may be read-only to us */
		if (copy_out(uaddr(user + i * sizeof(*fds) + offsetof(struct pollfd, revents)), &fds[i].revents, sizeof(fds[i].revents)))
			ret = -EFAULT;
	if (fds != fast)
		kvfree(fds);
	return ret;
}

static s64 poll_again(struct restart_block *r)
{
	s64 ret = poll_core(r->arg[0], (u32)r->arg[1], r->arg[2]);

	return ret == -EINTR ? -ERESTART_RESTARTBLOCK : ret;
}

s64 sys_poll(u64 fds, u64 n, u64 timeout_ms)
{
	u64 deadline = deadline_of_ms((int)timeout_ms);
	s64 ret = poll_core(fds, (u32)n, deadline);

	if (ret != -EINTR)
		return ret;
	current_task()->restart = (struct restart_block){ poll_again, { fds, (u32)n, deadline } };
	return -ERESTART_RESTARTBLOCK;
}

static s64 timespec_back(u64 user, u64 deadline)
{
	struct __kernel_timespec ts;
	u64 sec, nsec;

	if (!user || deadline == ~0ull)
		return 0;
	left_of(deadline, &sec, &nsec);
	ts.tv_sec = (s64)sec;
	ts.tv_nsec = (s64)nsec;
	return copy_out(uaddr(user), &ts, sizeof(ts));
}

s64 sys_ppoll(u64 fds, u64 n, u64 timeout, u64 mask, u64 mask_size)
{
	u64 deadline;
	int err = sys_timeout_in(timeout, &deadline);

	if (err)
		return err;
	int masked = sys_mask_in(mask, mask_size);
	if (masked < 0)
		return masked;
	s64 ret = poll_core(fds, (u32)n, deadline);
	if (ret == -EINTR)
		ret = -ERESTARTNOHAND;
	sys_mask_out(masked, ret);
	(void)timespec_back(timeout, deadline);		/* an unwritable timeout is no error */
	return ret;
}

/* ---- select ---- */

static s64 select_core(int n, u64 in, u64 out, u64 ex, u64 deadline)
{
	u64 fast[3 * SELECT_FAST_WORDS], *bits = fast;
	const u64 user[3] = { in, out, ex };

	if (n < 0)
		return -EINVAL;
	u32 max = rcu_dereference(current()->files->table)->max;
	if ((u32)n > max)
		n = (int)max;
	u32 words = ((u32)n + 63) / 64;
	if (words > SELECT_FAST_WORDS) {
		bits = kvmalloc(3 * words * 8, ALLOC_KERNEL);
		if (!bits)
			return -ENOMEM;
	}
	s64 ret = 0;
	for (int i = 0; i < 3 && !ret; i++)
		if (user[i])
			ret = copy_in(bits + (u32)i * words, uaddr(user[i]), words * 8);
	if (!ret)
		ret = vfs_select((u32)n, in ? bits : NULL, out ? bits + words : NULL, ex ? bits + 2 * words : NULL, deadline);
	for (int i = 0; i < 3 && ret >= 0; i++)
		if (user[i] && copy_out(uaddr(user[i]), bits + (u32)i * words, words * 8))
			ret = -EFAULT;
	if (bits != fast)
		kvfree(bits);
	return ret == -EINTR ? -ERESTARTNOHAND : ret;
}

s64 sys_select(u64 n, u64 in, u64 out, u64 ex, u64 timeout)
{
	struct { s64 sec, usec; } tv;
	u64 deadline = ~0ull;

	if (timeout) {
		if (copy_in(&tv, uaddr(timeout), sizeof(tv)))
			return -EFAULT;
		if (tv.sec < 0 || tv.usec < 0)
			return -EINVAL;
		u64 sec = (u64)tv.sec + (u64)tv.usec / 1000000, usec = (u64)tv.usec % 1000000;

		if (!sec && !usec)
			deadline = 0;
		else if (sec < 4000000000ull)
			deadline = plat_mono_ns() + sec * NS_PER_SEC + usec * NS_PER_US;
	}
	s64 ret = select_core((int)n, in, out, ex, deadline);
	if (timeout && deadline != ~0ull) {
		u64 sec, nsec;

		left_of(deadline, &sec, &nsec);
		tv.sec = (s64)sec;
		tv.usec = (s64)(nsec / 1000);
		(void)!copy_out(uaddr(timeout), &tv, sizeof(tv));	/* an unwritable timeout is no error */
	}
	return ret;
}

s64 sys_pselect6(u64 n, u64 in, u64 out, u64 ex, u64 timeout, u64 mask_arg)
{
	struct { u64 mask, size; } arg = { 0, 0 };
	u64 deadline;
	int err = sys_timeout_in(timeout, &deadline);

	if (!err && mask_arg)
		err = copy_in(&arg, uaddr(mask_arg), sizeof(arg));
	if (err)
		return err;
	int masked = sys_mask_in(arg.mask, arg.size);
	if (masked < 0)
		return masked;
	s64 ret = select_core((int)n, in, out, ex, deadline);
	sys_mask_out(masked, ret);
	(void)timespec_back(timeout, deadline);
	return ret;
}

/* ---- epoll ---- */

s64 sys_epoll_create1(u64 flags)
{
	if (flags & ~(u64)EPOLL_CLOEXEC)
		return -EINVAL;
	struct file *f = epoll_create_file();
	if (IS_ERR(f))
		return PTR_ERR(f);
	int fd = fd_add(f, flags & EPOLL_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

s64 sys_epoll_create(u64 size) { return (int)size <= 0 ? -EINVAL : sys_epoll_create1(0); }

s64 sys_epoll_ctl(u64 epfd, u64 op, u64 fd, u64 event)
{
	struct epoll_event ev = { 0 };

	if ((int)op != EPOLL_CTL_DEL && copy_in(&ev, uaddr(event), sizeof(ev)))
		return -EFAULT;
	struct file *ep = fd_get((int)epfd), *target = ep ? fd_get((int)fd) : NULL;
	s64 ret = target ? epoll_ctl_file(ep, (int)op, (int)fd, target, &ev) : -EBADF;
	if (target)
		file_put(target);
	if (ep)
		file_put(ep);
	return ret;
}

static s64 wait_core(u64 epfd, u64 user, int max, u64 deadline)
{
	struct epoll_event ev[EPOLL_BATCH_MAX];

	if (max <= 0 || max > (int)(0x7fffffff / sizeof(struct epoll_event)))
		return -EINVAL;
	if (!user_range_ok(uaddr(user), (u64)max * sizeof(*ev)))
		return -EFAULT;
	struct file *ep = fd_get((int)epfd);
	if (!ep)
		return -EBADF;
	s64 ret = epoll_wait_file(ep, ev, MIN(max, (int)EPOLL_BATCH_MAX), deadline);
	file_put(ep);
	if (ret > 0 && copy_out(uaddr(user), ev, (size_t)ret * sizeof(*ev)))
		return -EFAULT;
	return ret;
}

s64 sys_epoll_wait(u64 epfd, u64 events, u64 max, u64 timeout_ms)
{
	return wait_core(epfd, events, (int)max, deadline_of_ms((int)timeout_ms));
}

static s64 pwait(u64 epfd, u64 events, u64 max, u64 deadline, u64 mask, u64 mask_size)
{
	int masked = sys_mask_in(mask, mask_size);

	if (masked < 0)
		return masked;
	s64 ret = wait_core(epfd, events, (int)max, deadline);
	sys_mask_out(masked, ret);
	return ret;
}

s64 sys_epoll_pwait(u64 epfd, u64 events, u64 max, u64 timeout_ms, u64 mask, u64 mask_size)
{
	return pwait(epfd, events, max, deadline_of_ms((int)timeout_ms), mask, mask_size);
}

s64 sys_epoll_pwait2(u64 epfd, u64 events, u64 max, u64 timeout, u64 mask, u64 mask_size)
{
	u64 deadline;
	int err = sys_timeout_in(timeout, &deadline);

	return err ? err : pwait(epfd, events, max, deadline, mask, mask_size);
}
