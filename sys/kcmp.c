/*
 * kcmp(2): do two processes share something?  The order of different things is that of their addresses, scrambled.
 */
#include <linux/kcmp.h>
#include "kern/random.h"
#include "sys/sys.h"
#include "task/ptrace.h"
#include "task/task.h"
#include "vfs/file.h"

static s64 compare(const void *a, const void *b)
{
	static u64 key;		/* keeps the addresses secret, the order stable */

	if (!key)
		key = random_u64() | 1;
	u64 x = (u64)a * key, y = (u64)b * key;
	return x == y ? 0 : x < y ? 1 : 2;
}

static struct file *file_at(struct task *t, int fd)
{
	struct files *fs = task_files_get(t);
	struct file *f = fs ? fd_get_from(fs, fd) : NULL;

	if (fs)
		files_put(fs);
	return f;
}

static s64 compare_files(struct task *a, struct task *b, u64 fd_a, u64 fd_b)
{
	struct file *x = file_at(a, (int)fd_a), *y = file_at(b, (int)fd_b);
	s64 result = x && y ? compare(x, y) : -EBADF;

	if (x)
		file_put(x);
	if (y)
		file_put(y);
	return result;
}

static s64 compare_tasks(struct task *a, struct task *b, int type, u64 i, u64 j)
{
	switch (type) {
	case KCMP_FILE: return compare_files(a, b, i, j);
	case KCMP_VM: return compare(a->thread.mm, b->thread.mm);
	case KCMP_FILES: return compare(a->thread.files, b->thread.files);
	case KCMP_FS: return compare(a->thread.fs, b->thread.fs);
	case KCMP_SIGHAND: return compare(a->process->sighand, b->process->sighand);
	case KCMP_IO: return compare(a, b);
	case KCMP_SYSVSEM: return compare(a->process, b->process);
	default: return -EINVAL;
	}
}

s64 sys_kcmp(u64 pid_a, u64 pid_b, u64 type, u64 i, u64 j)
{
	struct task *a = (s32)pid_a > 0 ? task_find_get((u32)pid_a) : NULL, *b = (s32)pid_b > 0 ? task_find_get((u32)pid_b) : NULL;
	s64 result = -ESRCH;

	if (a && b) {
		result = ptrace_may_access(a, false) || ptrace_may_access(b, false) ? -EPERM : 0;
		if (!result)
			result = compare_tasks(a, b, (int)type, i, j);
	}
	if (a)
		task_put(a);
	if (b)
		task_put(b);
	return result;
}
