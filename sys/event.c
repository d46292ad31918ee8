/*
 * Files that are events: eventfd, timerfd, inotify, memfd.
 */
#include <linux/fcntl.h>
#include <linux/inotify.h>
#include <linux/memfd.h>
#include <linux/time.h>
#include <linux/time_types.h>
#include <linux/timerfd.h>
#include "kern/timer.h"
#include "sys/sys.h"
#include "vfs/eventfd.h"
#include "vfs/file.h"
#include "vfs/memfd.h"
#include "vfs/notify.h"
#include "vfs/path.h"
#include "vfs/timerfd.h"

/* Give a new file a descriptor; @f may be an error. */
static s64 install(struct file *f, bool cloexec)
{
	if (IS_ERR(f))
		return PTR_ERR(f);
	int fd = fd_add(f, cloexec);
	if (fd < 0)
		file_put(f);
	return fd;
}

s64 sys_eventfd2(u64 count, u64 flags)
{
	if (flags & ~(u64)(EFD_SEMAPHORE | O_CLOEXEC | O_NONBLOCK))
		return -EINVAL;
	return install(eventfd_create((u32)count, (u32)flags & ~(u32)O_CLOEXEC), flags & O_CLOEXEC);
}

s64 sys_eventfd(u64 count) { return sys_eventfd2(count, 0); }

s64 sys_timerfd_create(u64 clock, u64 flags)
{
	if (flags & ~(u64)(TFD_CLOEXEC | TFD_NONBLOCK))
		return -EINVAL;
	return install(timerfd_create_file((int)clock, (u32)flags & O_NONBLOCK), flags & O_CLOEXEC);
}

static int ns_of(struct __kernel_timespec ts, u64 *ns)
{
	if (ts.tv_sec < 0 || (u64)ts.tv_nsec > 999999999)
		return -EINVAL;
	*ns = (u64)ts.tv_sec > 9000000000ull ? 9000000000ull * NS_PER_SEC : (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec;
	return 0;
}

static struct __kernel_timespec ts_of(u64 ns)
{
	return (struct __kernel_timespec){ (s64)(ns / NS_PER_SEC), (s64)(ns % NS_PER_SEC) };
}

static s64 spec_out(u64 user, const struct timerfd_spec *s)
{
	struct __kernel_itimerspec its = { ts_of(s->interval_ns), ts_of(s->value_ns) };

	return copy_out(uaddr(user), &its, sizeof(its));
}

s64 sys_timerfd_settime(u64 fd, u64 flags, u64 new, u64 old)
{
	struct __kernel_itimerspec its;
	struct timerfd_spec spec, was;

	if (copy_in(&its, uaddr(new), sizeof(its)))
		return -EFAULT;
	if (ns_of(its.it_value, &spec.value_ns) || ns_of(its.it_interval, &spec.interval_ns))
		return -EINVAL;
	struct file *f = fd_get((int)fd);
	if (!f)
		return -EBADF;
	s64 ret = timerfd_set(f, (int)flags, &spec, &was);
	file_put(f);
	return !ret && old ? spec_out(old, &was) : ret;
}

s64 sys_timerfd_gettime(u64 fd, u64 cur)
{
	struct timerfd_spec spec;
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	s64 ret = timerfd_get(f, &spec);
	file_put(f);
	return ret ? ret : spec_out(cur, &spec);
}

s64 sys_inotify_init1(u64 flags)
{
	if (flags & ~(u64)(IN_CLOEXEC | IN_NONBLOCK))
		return -EINVAL;
	return install(inotify_create((u32)flags & O_NONBLOCK), flags & O_CLOEXEC);
}

s64 sys_inotify_init(void) { return sys_inotify_init1(0); }

s64 sys_inotify_add_watch(u64 fd, u64 user, u64 mask)
{
	struct path p;

	if (!(mask & (IN_ALL_EVENTS | IN_UNMOUNT | IN_Q_OVERFLOW | IN_IGNORED)) || (mask & IN_MASK_ADD && mask & IN_MASK_CREATE))
		return -EINVAL;
	struct file *f = fd_get((int)fd);
	if (!f)
		return -EBADF;
	char *name = sys_name_in(user);
	s64 ret = PTR_ERR(name);
	if (!IS_ERR(name)) {
		ret = path_lookup(AT_FDCWD, name, (mask & IN_DONT_FOLLOW ? 0 : WALK_FOLLOW) | (mask & IN_ONLYDIR ? WALK_DIRECTORY : 0), &p);
		sys_name_put(name);
		if (!ret) {
			ret = inotify_add(f, &p, (u32)mask);
			path_put(&p);
		}
	}
	file_put(f);
	return ret;
}

s64 sys_inotify_rm_watch(u64 fd, u64 wd)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return -EBADF;
	s64 ret = inotify_remove(f, (int)wd);
	file_put(f);
	return ret;
}

enum { MEMFD_NAME_MAX = 249 };

s64 sys_memfd_create(u64 user, u64 flags)
{
	char name[MEMFD_NAME_MAX + 1];

	if (flags & ~(u64)(MFD_CLOEXEC | MFD_ALLOW_SEALING))	/* huge pages: as a kernel without them */
		return -EINVAL;
	long n = copy_in_string(name, uaddr(user), sizeof(name));
	if (n < 0)
		return n == -ENAMETOOLONG ? -EINVAL : n;
	return install(memfd_create_file(name, (u32)flags), flags & MFD_CLOEXEC);
}
