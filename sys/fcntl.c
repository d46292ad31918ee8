/*
 * fcntl(2): a table in all but name.
 */
#include <linux/fcntl.h>
#include <linux/memfd.h>
#include "sys/sys.h"
#include "task/task.h"
#include "vfs/file.h"
#include "vfs/locks.h"
#include "vfs/memfd.h"
#include "vfs/ops.h"
#include "vfs/pipe.h"

static s64 dup_from(struct file *f, u64 from, bool cloexec)
{
	if (from >= current_rlimit(RLIMIT_NOFILE))
		return -EINVAL;
	int fd = fd_alloc((int)from, cloexec);
	if (fd >= 0)
		fd_install(fd, file_get(f));
	return fd;
}

static s64 record_lock(struct file *f, u32 cmd, u64 user)
{
	struct flock fl;

	if (copy_in(&fl, uaddr(user), sizeof(fl)))
		return -EFAULT;
	int err = posix_lock_file(f, current()->files, (s32)process_id(current_process()), (int)cmd, &fl);
	if (!err && (cmd == F_GETLK || cmd == F_OFD_GETLK))
		err = copy_out(uaddr(user), &fl, sizeof(fl));
	return err;
}

static s64 set_owner(struct file *f, s32 pid, u32 type)
{
	spin_lock(&f->lock);
	f->owner_pid = pid;
	f->owner_type = type;
	spin_unlock(&f->lock);
	return 0;
}

static s64 owner_ex(struct file *f, u32 cmd, u64 user)
{
	struct f_owner_ex o;

	if (cmd == F_GETOWN_EX) {
		o = (struct f_owner_ex){ .type = (int)f->owner_type, .pid = f->owner_pid < 0 ? -f->owner_pid : f->owner_pid };
		return copy_out(uaddr(user), &o, sizeof(o));
	}
	if (copy_in(&o, uaddr(user), sizeof(o)))
		return -EFAULT;
	if (o.type < F_OWNER_TID || o.type > F_OWNER_PGRP)
		return -EINVAL;
	return set_owner(f, o.type == F_OWNER_PGRP ? -o.pid : o.pid, (u32)o.type);
}

static s64 set_signal(struct file *f, u64 sig)
{
	if (sig > SIGNALS)
		return -EINVAL;
	f->owner_sig = (u32)sig;
	return 0;
}

static s64 pipe_cmd(struct file *f, u32 cmd, u64 arg)
{
	struct pipe *p = file_pipe(f);

	if (!p)
		return -EBADF;
	return cmd == F_GETPIPE_SZ ? (s64)pipe_size(p) : pipe_resize(p, (u32)arg);
}

static s64 file_cmd(struct file *f, u32 cmd, u64 arg)
{
	switch (cmd) {
	case F_SETFL: return file_set_flags(f, (u32)arg);
	case F_GETLK: case F_SETLK: case F_SETLKW: case F_OFD_GETLK: case F_OFD_SETLK: case F_OFD_SETLKW: return record_lock(f, cmd, arg);
	case F_SETOWN: return (s32)arg == (s32)0x80000000 ? -EINVAL : set_owner(f, (s32)arg, (s32)arg < 0 ? F_OWNER_PGRP : F_OWNER_PID);
	case F_GETOWN: return f->owner_pid;
	case F_SETOWN_EX: case F_GETOWN_EX: return owner_ex(f, cmd, arg);
	case F_SETSIG: return set_signal(f, arg);
	case F_GETSIG: return f->owner_sig;
	case F_SETLEASE: return lease_set(f, (int)arg);
	case F_GETLEASE: return lease_get(f);
	case F_SETPIPE_SZ: case F_GETPIPE_SZ: return pipe_cmd(f, cmd, arg);
	case F_ADD_SEALS: return memfd_add_seals(f, (u32)arg);
	case F_GET_SEALS: return memfd_get_seals(f);
	default: return -EINVAL;
	}
}

s64 sys_fcntl(u64 fd, u64 cmd64, u64 arg)
{
	u32 cmd = (u32)cmd64;
	struct file *f = fd_get_path((int)fd);

	if (!f)
		return -EBADF;
	s64 ret;
	switch (cmd) {
	case F_DUPFD: ret = dup_from(f, arg, false); break;
	case F_DUPFD_CLOEXEC: ret = dup_from(f, arg, true); break;
	case F_GETFD: ret = fd_cloexec((int)fd, -1); break;
	case F_SETFD: ret = fd_cloexec((int)fd, arg & FD_CLOEXEC ? 1 : 0); break;
	case F_GETFL: ret = f->flags; break;
	default: ret = f->mode & FMODE_PATH ? -EBADF : file_cmd(f, cmd, arg); break;
	}
	file_put(f);
	return ret;
}
