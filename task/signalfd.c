/* See signalfd.h.  A reader takes what is pending to itself or its process, whoever opened the file. */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/signalfd.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/slab.h"
#include "task/signal.h"
#include "task/signalfd.h"
#include "vfs/file.h"
#include "vfs/poll.h"

struct signalfd {
	u64 mask;		/* [a] */
};

static void release(struct file *f)
{
	kfree(f->private);
}

static u32 poll(struct file *f, struct poll_table *pt)
{
	struct signalfd *s = f->private;
	struct task *t = current_task();

	poll_wait(f, &t->process->sighand->wait, pt);
	return signal_pending_set(t) & atomic_load(&s->mask) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void fill(struct signalfd_siginfo *to, const siginfo_t *info)
{
	memset(to, 0, sizeof(*to));
	to->ssi_signo = (u32)info->si_signo;
	to->ssi_errno = info->si_errno;
	to->ssi_code = info->si_code;
	switch (info->si_signo) {
	case SIGSEGV: case SIGBUS: case SIGILL: case SIGFPE: case SIGTRAP:
		if (info->si_code > 0 && info->si_code != SI_KERNEL) {
			to->ssi_addr = (u64)info->si_addr;
			return;
		}
		break;
	case SIGCHLD:
		to->ssi_utime = (u64)info->si_utime;
		to->ssi_stime = (u64)info->si_stime;
		break;
	}
	if (info->si_code == SI_TIMER) {
		to->ssi_tid = (u32)info->si_tid;
		to->ssi_overrun = (u32)info->si_overrun;
	} else {
		to->ssi_pid = (u32)info->si_pid;
		to->ssi_uid = info->si_uid;
	}
	if (info->si_signo == SIGCHLD) {
		to->ssi_status = info->si_status;
	} else if (info->si_code < 0) {
		to->ssi_ptr = (u64)info->si_ptr;
		to->ssi_int = info->si_int;
	}
}

static int take(struct signalfd *s, siginfo_t *info)
{
	struct task *t = current_task();
	u64 irq = process_siglock(t->process);
	int sig = signal_dequeue_locked(t, ~atomic_load(&s->mask), info);

	process_sigunlock(t->process, irq);
	return sig;
}

static s64 read(struct file *f, struct iter *to, u64 *pos)
{
	struct signalfd *s = f->private;
	struct signalfd_siginfo out;
	siginfo_t info;
	s64 done = 0;

	if (iter_left(to) < sizeof(out))
		return -EINVAL;
	while (iter_left(to) >= sizeof(out)) {
		int sig = take(s, &info);

		if (!sig && !done && !file_nonblocking(f, to)) {
			int err = wait_event_interruptible(&current_process()->sighand->wait, (sig = take(s, &info)) != 0);

			if (err)
				return err;
		}
		if (!sig)
			return done ? done : -EAGAIN;
		fill(&out, &info);
		if (iter_put(to, &out, sizeof(out)) != sizeof(out))
			return done ? done : -EFAULT;
		done += (s64)sizeof(out);
	}
	return done;
}

static void show_fdinfo(struct file *f, char *buf, size_t size)
{
	scnprintf(buf, size, "sigmask:\t%016llx\n", ((struct signalfd *)f->private)->mask);
}

static const struct file_ops signalfd_ops = { .release = release, .poll = poll, .read = read, .show_fdinfo = show_fdinfo, .flags = FOP_STREAM | FOP_NOWAIT };

static s64 change(int fd, u64 mask)
{
	struct file *f = fd_get(fd);

	if (!f)
		return -EBADF;
	s64 result = -EINVAL;
	if (f->ops == &signalfd_ops) {
		atomic_store(&((struct signalfd *)f->private)->mask, mask);
		waitq_wake(&current_process()->sighand->wait, 0, 0);
		result = fd;
	}
	file_put(f);
	return result;
}

s64 signalfd_create(int fd, u64 mask, u32 o_flags)
{
	mask &= ~SIG_KERNEL_ONLY;
	if (fd != -1)
		return change(fd, mask);
	struct signalfd *s = kmalloc(sizeof(*s), ALLOC_KERNEL);
	if (!s)
		return -ENOMEM;
	s->mask = mask;
	struct file *f = file_anon("anon_inode:[signalfd]", &signalfd_ops, s, O_RDWR | (o_flags & O_NONBLOCK));
	if (IS_ERR(f)) {
		kfree(s);
		return PTR_ERR(f);
	}
	s64 n = fd_add(f, o_flags & O_CLOEXEC);
	if (n < 0)
		file_put(f);
	return n;
}
