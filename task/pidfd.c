/* See pidfd.h. */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include "base/printf.h"
#include "task/pidfd.h"
#include "task/task.h"
#include "vfs/file.h"
#include "vfs/poll.h"

static void release(struct file *f)
{
	pid_put(f->private);
}

static u32 poll(struct file *f, struct poll_table *pt)
{
	struct pid *p = f->private;

	poll_wait(f, &p->wait, pt);
	rcu_read_lock();
	struct process *proc = rcu_dereference(p->process);
	bool gone = !proc || process_has_flag(proc, PROC_ZOMBIE);
	rcu_read_unlock();
	return gone ? EPOLLIN | EPOLLRDNORM : 0;
}

static void show_fdinfo(struct file *f, char *buf, size_t size)
{
	struct pid *p = f->private;
	int nr = p->process ? (int)p->nr : -1;

	scnprintf(buf, size, "Pid:\t%d\nNSpid:\t%d\n", nr, nr);
}

static const struct file_ops pidfd_ops = { .release = release, .poll = poll, .show_fdinfo = show_fdinfo, .flags = FOP_STREAM };

static struct file *make(struct pid *p, u32 o_flags)
{
	struct file *f = file_anon("anon_inode:[pidfd]", &pidfd_ops, pid_get(p), O_RDWR | o_flags);

	if (IS_ERR(f))
		pid_put(p);
	return f;
}

int pidfd_prepare(struct pid *p, int *fd, struct file **file)
{
	struct file *f = make(p, 0);

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	int n = fd_alloc(0, true);
	if (n < 0) {
		file_put(f);
		return n;
	}
	*fd = n;
	*file = f;
	return 0;
}

void pidfd_abort(int fd, struct file *file)
{
	if (fd >= 0)
		fd_unreserve(fd);
	if (file)
		file_put(file);
}

s64 pidfd_open(s32 nr, u32 o_flags)
{
	if (nr <= 0)
		return -EINVAL;
	struct pid *p = pid_find_get((u32)nr);
	if (!p)
		return -ESRCH;
	s64 result = -ESRCH;
	if (p->process) {
		struct file *f = make(p, o_flags);

		result = PTR_ERR(f);
		if (!IS_ERR(f)) {
			result = fd_add(f, true);
			if (result < 0)
				file_put(f);
		}
	} else if (p->task) {
		result = -EINVAL;
	}
	pid_put(p);
	return result;
}

struct pid *pidfd_pid(int fd)
{
	struct file *f = fd_get(fd);

	if (!f)
		return ERR_PTR(-EBADF);
	struct pid *p = f->ops == &pidfd_ops ? pid_get(f->private) : ERR_PTR(-EBADF);
	file_put(f);
	return p;
}

bool pidfd_nonblock(int fd)
{
	struct file *f = fd_get(fd);
	bool yes = f && (f->flags & O_NONBLOCK);

	if (f)
		file_put(f);
	return yes;
}
