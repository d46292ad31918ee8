/* Processes as files: pidfd_open, CLONE_PIDFD. */
#ifndef TASK_PIDFD_H
#define TASK_PIDFD_H

#include "task/pid.h"

struct file;

/** pidfd_prepare - a reserved descriptor (close-on-exec) and its file, to be fd_install()ed or pidfd_abort()ed. 0 or -errno */
MUST_CHECK int pidfd_prepare(struct pid *p, int *fd, struct file **file);
void pidfd_abort(int fd, struct file *file);
/** pidfd_open - Return: descriptor; -ESRCH, -EINVAL (not a process's number) */
s64 pidfd_open(s32 pid, u32 o_flags);
/** pidfd_pid - the pid of an open pidfd with a reference; ERR_PTR(-EBADF) */
struct pid *pidfd_pid(int fd);
/** pidfd_nonblock - was it opened with PIDFD_NONBLOCK? */
bool pidfd_nonblock(int fd);

#endif
