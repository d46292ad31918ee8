/*
 * System calls: what the files of this directory share.
 *
 * A system call is a function sys_NAME that takes its arguments as u64, as they came in registers, and returns the result or -errno.  Its row in
 * table.c goes by arity, so the compiler checks it: [__NR_read] = { .f3 = sys_read }.  The function narrows its arguments itself (int fd),
 * copies user structs in, calls a kernel function that knows no user pointers, and copies out.
 *
 * Who is where: file.c (bytes, descriptors), open.c (names), stat.c, dir.c, mount.c, fcntl.c, xattr.c, poll.c (poll, select, epoll), event.c
 * (eventfd, timerfd, inotify), mem.c; process.c, signal.c, time.c, sched.c, cred.c, misc.c for what task/ offers; socket.c for sock/.
 */
#ifndef SYS_SYS_H
#define SYS_SYS_H

#include <linux/errno.h>
#include "base/types.h"
#include "kern/slab.h"
#include "mm/user.h"

/* One row of the table. */
union sys_fn {
	s64 (*f0)(void);
	s64 (*f1)(u64 a);
	s64 (*f2)(u64 a, u64 b);
	s64 (*f3)(u64 a, u64 b, u64 c);
	s64 (*f4)(u64 a, u64 b, u64 c, u64 d);
	s64 (*f5)(u64 a, u64 b, u64 c, u64 d, u64 e);
	s64 (*f6)(u64 a, u64 b, u64 c, u64 d, u64 e, u64 f);
};

/** sys_dispatch - the platform's upcall. */
void sys_dispatch(struct plat_regs *regs);
/** sys_call - perform the call that the registers name. Return: its result */
s64 sys_call(const struct plat_regs *regs);
/** sys_dispatch_traced - with a tracer or a filter looking on (TF_TRACE_SYSCALL): process.c. */
void sys_dispatch_traced(struct plat_regs *regs);

/** sys_name_in - a path name from user memory. Return: it, to be given back by sys_name_put; ERR_PTR(-EFAULT, -ENAMETOOLONG, -ENOMEM) */
char *sys_name_in(u64 user);
void sys_name_put(char *name);

/* How open(2) and its kin are to open, decoded. */
struct open_in {
	u32 flags, mode, walk;
};
/** sys_open_decode, sys_open_decode_how - the arguments of openat and of openat2. Return: 0, -EINVAL, -EFAULT, -E2BIG, -EAGAIN */
MUST_CHECK int sys_open_decode(u64 flags, u64 mode, struct open_in *out);
MUST_CHECK int sys_open_decode_how(u64 user_how, u64 size, struct open_in *out);
/** sys_statx_name - statx(2) of a name in the kernel; flags checked here. */
s64 sys_statx_name(int dirfd, const char *name, u64 flags, u64 mask, u64 user);

/** sys_timeout_in - a relative timeout (struct timespec) as deadline: NULL -> U64_MAX. Return: 0, -EFAULT, -EINVAL */
MUST_CHECK int sys_timeout_in(u64 user_timespec, u64 *deadline_ns);

/** sys_mask_in - the signal mask of a call (ppoll and its kin), set until sys_mask_out. Return: whether there is one, -EINVAL, -EFAULT */
MUST_CHECK int sys_mask_in(u64 user, u64 size);
void sys_mask_out(int masked, s64 ret);

s64 sys_io_setup(u64 nr, u64 place);
s64 sys_io_destroy(u64 id);
s64 sys_io_submit(u64 id, u64 nr, u64 list);
s64 sys_io_getevents(u64 id, u64 min, u64 nr, u64 events, u64 timeout);
s64 sys_io_pgetevents(u64 id, u64 min, u64 nr, u64 events, u64 timeout, u64 sig);
s64 sys_io_cancel(u64 id, u64 user, u64 result);

/** sys_uring_init - Context: boot, before the first process. */
void sys_uring_init(void);
s64 sys_io_uring_setup(u64 entries, u64 params);
s64 sys_io_uring_enter(u64 fd, u64 to_submit, u64 min, u64 flags, u64 arg, u64 size);
s64 sys_io_uring_register(u64 fd, u64 op, u64 arg, u64 nr);

s64 sys_read(u64 fd, u64 buf, u64 n);
s64 sys_write(u64 fd, u64 buf, u64 n);
s64 sys_pread64(u64 fd, u64 buf, u64 n, u64 off);
s64 sys_pwrite64(u64 fd, u64 buf, u64 n, u64 off);
s64 sys_readv(u64 fd, u64 iov, u64 count);
s64 sys_writev(u64 fd, u64 iov, u64 count);
s64 sys_preadv(u64 fd, u64 iov, u64 count, u64 lo, u64 hi);
s64 sys_pwritev(u64 fd, u64 iov, u64 count, u64 lo, u64 hi);
s64 sys_preadv2(u64 fd, u64 iov, u64 count, u64 lo, u64 hi, u64 flags);
s64 sys_pwritev2(u64 fd, u64 iov, u64 count, u64 lo, u64 hi, u64 flags);
s64 sys_lseek(u64 fd, u64 off, u64 whence);
s64 sys_close(u64 fd);
s64 sys_close_range(u64 first, u64 last, u64 flags);
s64 sys_dup(u64 fd);
s64 sys_dup2(u64 old, u64 new);
s64 sys_dup3(u64 old, u64 new, u64 flags);
s64 sys_pipe(u64 fds);
s64 sys_pipe2(u64 fds, u64 flags);
s64 sys_ioctl(u64 fd, u64 cmd, u64 arg);
s64 sys_fsync(u64 fd);
s64 sys_fdatasync(u64 fd);
s64 sys_sync(void);
s64 sys_syncfs(u64 fd);
s64 sys_sync_file_range(u64 fd, u64 off, u64 n, u64 flags);
s64 sys_ftruncate(u64 fd, u64 size);
s64 sys_fallocate(u64 fd, u64 mode, u64 off, u64 len);
s64 sys_fadvise64(u64 fd, u64 off, u64 len, u64 advice);
s64 sys_readahead(u64 fd, u64 off, u64 n);
s64 sys_sendfile(u64 out, u64 in, u64 off, u64 n);
s64 sys_splice(u64 in, u64 off_in, u64 out, u64 off_out, u64 n, u64 flags);
s64 sys_tee(u64 in, u64 out, u64 n, u64 flags);
s64 sys_copy_file_range(u64 in, u64 off_in, u64 out, u64 off_out, u64 n, u64 flags);
s64 sys_flock(u64 fd, u64 op);
s64 sys_fcntl(u64 fd, u64 cmd, u64 arg);

s64 sys_open(u64 name, u64 flags, u64 mode);
s64 sys_creat(u64 name, u64 mode);
s64 sys_openat(u64 dirfd, u64 name, u64 flags, u64 mode);
s64 sys_openat2(u64 dirfd, u64 name, u64 how, u64 size);
s64 sys_truncate(u64 name, u64 size);
s64 sys_access(u64 name, u64 mode);
s64 sys_faccessat(u64 dirfd, u64 name, u64 mode);
s64 sys_faccessat2(u64 dirfd, u64 name, u64 mode, u64 flags);
s64 sys_chmod(u64 name, u64 mode);
s64 sys_fchmod(u64 fd, u64 mode);
s64 sys_fchmodat(u64 dirfd, u64 name, u64 mode);
s64 sys_chown(u64 name, u64 uid, u64 gid);
s64 sys_fchown(u64 fd, u64 uid, u64 gid);
s64 sys_lchown(u64 name, u64 uid, u64 gid);
s64 sys_fchownat(u64 dirfd, u64 name, u64 uid, u64 gid, u64 flags);
s64 sys_utime(u64 name, u64 times);
s64 sys_utimes(u64 name, u64 times);
s64 sys_futimesat(u64 dirfd, u64 name, u64 times);
s64 sys_utimensat(u64 dirfd, u64 name, u64 times, u64 flags);
s64 sys_mkdir(u64 name, u64 mode);
s64 sys_mkdirat(u64 dirfd, u64 name, u64 mode);
s64 sys_rmdir(u64 name);
s64 sys_mknod(u64 name, u64 mode, u64 dev);
s64 sys_mknodat(u64 dirfd, u64 name, u64 mode, u64 dev);
s64 sys_link(u64 old, u64 new);
s64 sys_linkat(u64 olddir, u64 old, u64 newdir, u64 new, u64 flags);
s64 sys_unlink(u64 name);
s64 sys_unlinkat(u64 dirfd, u64 name, u64 flags);
s64 sys_symlink(u64 target, u64 name);
s64 sys_symlinkat(u64 target, u64 dirfd, u64 name);
s64 sys_readlink(u64 name, u64 buf, u64 size);
s64 sys_readlinkat(u64 dirfd, u64 name, u64 buf, u64 size);
s64 sys_rename(u64 old, u64 new);
s64 sys_renameat(u64 olddir, u64 old, u64 newdir, u64 new);
s64 sys_renameat2(u64 olddir, u64 old, u64 newdir, u64 new, u64 flags);
s64 sys_umask(u64 mask);
s64 sys_chdir(u64 name);
s64 sys_fchdir(u64 fd);
s64 sys_chroot(u64 name);
s64 sys_getcwd(u64 buf, u64 size);
s64 sys_getdents(u64 fd, u64 buf, u64 size);
s64 sys_getdents64(u64 fd, u64 buf, u64 size);

s64 sys_stat(u64 name, u64 st);
s64 sys_lstat(u64 name, u64 st);
s64 sys_fstat(u64 fd, u64 st);
s64 sys_newfstatat(u64 dirfd, u64 name, u64 st, u64 flags);
s64 sys_statx(u64 dirfd, u64 name, u64 flags, u64 mask, u64 stx);
s64 sys_statfs(u64 name, u64 buf);
s64 sys_fstatfs(u64 fd, u64 buf);

s64 sys_mount(u64 source, u64 target, u64 type, u64 flags, u64 data);
s64 sys_umount2(u64 target, u64 flags);
s64 sys_pivot_root(u64 new_root, u64 put_old);
s64 sys_open_tree(u64 dirfd, u64 name, u64 flags);
s64 sys_move_mount(u64 from_dirfd, u64 from, u64 to_dirfd, u64 to, u64 flags);
s64 sys_fsopen(u64 type, u64 flags);
s64 sys_fsconfig(u64 fd, u64 cmd, u64 key, u64 value, u64 aux);
s64 sys_fsmount(u64 fd, u64 flags, u64 attr);

s64 sys_setxattr(u64 name, u64 key, u64 value, u64 size, u64 flags);
s64 sys_lsetxattr(u64 name, u64 key, u64 value, u64 size, u64 flags);
s64 sys_fsetxattr(u64 fd, u64 key, u64 value, u64 size, u64 flags);
s64 sys_getxattr(u64 name, u64 key, u64 value, u64 size);
s64 sys_lgetxattr(u64 name, u64 key, u64 value, u64 size);
s64 sys_fgetxattr(u64 fd, u64 key, u64 value, u64 size);
s64 sys_listxattr(u64 name, u64 list, u64 size);
s64 sys_llistxattr(u64 name, u64 list, u64 size);
s64 sys_flistxattr(u64 fd, u64 list, u64 size);
s64 sys_removexattr(u64 name, u64 key);
s64 sys_lremovexattr(u64 name, u64 key);
s64 sys_fremovexattr(u64 fd, u64 key);

s64 sys_poll(u64 fds, u64 n, u64 timeout_ms);
s64 sys_ppoll(u64 fds, u64 n, u64 timeout, u64 mask, u64 mask_size);
s64 sys_select(u64 n, u64 in, u64 out, u64 ex, u64 timeout);
s64 sys_pselect6(u64 n, u64 in, u64 out, u64 ex, u64 timeout, u64 mask_arg);
s64 sys_epoll_create(u64 size);
s64 sys_epoll_create1(u64 flags);
s64 sys_epoll_ctl(u64 epfd, u64 op, u64 fd, u64 event);
s64 sys_epoll_wait(u64 epfd, u64 events, u64 max, u64 timeout_ms);
s64 sys_epoll_pwait(u64 epfd, u64 events, u64 max, u64 timeout_ms, u64 mask, u64 mask_size);
s64 sys_epoll_pwait2(u64 epfd, u64 events, u64 max, u64 timeout, u64 mask, u64 mask_size);

s64 sys_eventfd(u64 count);
s64 sys_eventfd2(u64 count, u64 flags);
s64 sys_timerfd_create(u64 clock, u64 flags);
s64 sys_timerfd_settime(u64 fd, u64 flags, u64 new, u64 old);
s64 sys_timerfd_gettime(u64 fd, u64 cur);
s64 sys_inotify_init(void);
s64 sys_inotify_init1(u64 flags);
s64 sys_inotify_add_watch(u64 fd, u64 name, u64 mask);
s64 sys_inotify_rm_watch(u64 fd, u64 wd);
s64 sys_memfd_create(u64 name, u64 flags);

s64 sys_mmap(u64 addr, u64 len, u64 prot, u64 flags, u64 fd, u64 off);
s64 sys_munmap(u64 addr, u64 len);
s64 sys_mprotect(u64 addr, u64 len, u64 prot);
s64 sys_mremap(u64 addr, u64 old_len, u64 new_len, u64 flags, u64 new_addr);
s64 sys_madvise(u64 addr, u64 len, u64 advice);
s64 sys_msync(u64 addr, u64 len, u64 flags);
s64 sys_mlock(u64 addr, u64 len);
s64 sys_mlock2(u64 addr, u64 len, u64 flags);
s64 sys_munlock(u64 addr, u64 len);
s64 sys_mlockall(u64 flags);
s64 sys_munlockall(void);
s64 sys_mincore(u64 addr, u64 len, u64 vec);
s64 sys_brk(u64 brk);

#include "sys/ipc_calls.h"
#include "sys/socket_calls.h"
#include "sys/task_calls.h"

#endif
