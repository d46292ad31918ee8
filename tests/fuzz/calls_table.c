#define _GNU_SOURCE
/*
 * The calls that the fuzzer makes (see calls.h): all of sys/table.c but for those that end the machine (reboot) or need user code to come
 * back to (execve of a program, rt_sigreturn, ptrace that writes registers).
 *
 * Numbers stand for themselves where a header would bring its struct into conflict with another's.
 */
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include "tests/fuzz/calls.h"

#define LIST(k, ...) { k, (const uint64_t[]){ __VA_ARGS__ }, sizeof((const uint64_t[]){ __VA_ARGS__ }) / sizeof(uint64_t) }
#define ONE(...) LIST(A_ONE, __VA_ARGS__)
#define BITS(...) LIST(A_BITS, __VA_ARGS__)
#define K(kind) { A_##kind }
#define CALL(n, w, ...) { .name = #n, .nr = SYS_##n, .weight = w, .arg = { __VA_ARGS__ } }
#define GIVES(r, n, w, ...) { .name = #n, .nr = SYS_##n, .weight = w, .result = R_##r, .arg = { __VA_ARGS__ } }
#define FLAGGED(f, r, n, w, ...) { .name = #n, .nr = SYS_##n, .weight = w, .result = R_##r, .flags = f, .arg = { __VA_ARGS__ } }

#define OPEN_FLAGS LIST(A_BITS, O_RDONLY, O_WRONLY, O_RDWR, O_RDWR | O_CREAT, O_RDWR | O_CREAT, O_RDWR, O_EXCL, O_TRUNC, O_APPEND, O_NONBLOCK, O_NONBLOCK, \
	O_DIRECTORY, O_PATH, O_NOFOLLOW, O_CLOEXEC, O_NOCTTY, O_TMPFILE, O_SYNC, O_DIRECT, O_ASYNC)
#define AT_BITS LIST(A_BITS, 0, AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, AT_REMOVEDIR, AT_NO_AUTOMOUNT)
#define RW_FLAGS LIST(A_BITS, 0, 1, 2, 4, 8, 16)
#define PROT LIST(A_BITS, PROT_READ, PROT_WRITE, PROT_READ | PROT_WRITE, PROT_EXEC, PROT_NONE, PROT_GROWSDOWN)
#define MSG LIST(A_BITS, MSG_DONTWAIT, MSG_DONTWAIT, MSG_DONTWAIT, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, MSG_OOB, MSG_NOSIGNAL, MSG_CMSG_CLOEXEC, MSG_EOR, MSG_MORE, MSG_ERRQUEUE)
#define NONBLOCK_BITS LIST(A_BITS, O_NONBLOCK, O_NONBLOCK, O_CLOEXEC, O_DIRECT)
#define CLOCK LIST(A_ONE, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, (uint64_t)-6, (uint64_t)-2)
#define IPC_FLAGS LIST(A_ONE, 0666 | IPC_CREAT, 0666 | IPC_CREAT, 0666, 0666 | IPC_CREAT | IPC_EXCL, 0, 0600 | IPC_CREAT | SHM_HUGETLB)
#define IPC_KEY LIST(A_ONE, 0, 0, 1, 2, 3)
#define IPC_CMD LIST(A_ONE, IPC_STAT, IPC_SET, IPC_RMID, IPC_INFO, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20)
#define CLONE_BITS LIST(A_BITS, SIGCHLD, SIGCHLD, SIGCHLD, CLONE_VM, CLONE_FILES, CLONE_FS, CLONE_VM | CLONE_SIGHAND, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, CLONE_VFORK, \
	CLONE_PARENT, CLONE_PARENT_SETTID, CLONE_CHILD_SETTID, CLONE_CHILD_CLEARTID, CLONE_PIDFD, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWUSER, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_IO)

const struct fuzz_call fuzz_calls[] = {
	/* io_uring */
	GIVES(FD, io_uring_setup, 2, K(SMALL), K(IN)),
	CALL(io_uring_enter, 40, K(RING), K(SMALL), ONE(0, 0, 0, 1, 2), BITS(1, 1, 2, 4, 8, 16), ONE(0), ONE(0, 8, 24)),
	CALL(io_uring_register, 10, K(RING), ONE(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 24, 25, 26), K(IN), ONE(0, 1, 1, 2, 3, 32)),
	CALL(io_uring_register, 6, K(RING), ONE(0, 0, 2), K(IOVEC), K(SMALL)),
	/* files */
	GIVES(FD, open, 30, K(PATH), OPEN_FLAGS, K(MODE)), GIVES(FD, openat, 20, K(DIRFD), K(PATH), OPEN_FLAGS, K(MODE)),
	GIVES(FD, openat2, 6, K(DIRFD), K(PATH), K(OPEN_HOW), ONE(24, 24, 24, 32)), GIVES(FD, creat, 4, K(PATH), K(MODE)),
	CALL(close, 15, K(FD)), CALL(close_range, 1, K(SMALL), K(SMALL), ONE(0, 2, 4, 6)),
	GIVES(FD, dup, 4, K(FD)), GIVES(FD, dup2, 5, K(FD), K(FD)), GIVES(FD, dup3, 3, K(FD), K(FD), ONE(0, O_CLOEXEC)),
	CALL(read, 20, K(FD), K(OUT), K(LENGTH)), CALL(write, 20, K(FD), K(IN), K(LENGTH)),
	CALL(pread64, 6, K(FD), K(OUT), K(LENGTH), K(OFFSET)), CALL(pwrite64, 8, K(FD), K(IN), K(LENGTH), K(OFFSET)),
	CALL(readv, 6, K(FD), K(IOVEC), K(SMALL)), CALL(writev, 6, K(FD), K(IOVEC), K(SMALL)),
	CALL(preadv, 3, K(FD), K(IOVEC), K(SMALL), K(OFFSET), ONE(0)), CALL(pwritev, 3, K(FD), K(IOVEC), K(SMALL), K(OFFSET), ONE(0)),
	CALL(preadv2, 3, K(FD), K(IOVEC), K(SMALL), K(OFFSET), ONE(0), RW_FLAGS), CALL(pwritev2, 3, K(FD), K(IOVEC), K(SMALL), K(OFFSET), ONE(0), RW_FLAGS),
	CALL(lseek, 6, K(FD), K(OFFSET), ONE(0, 1, 2, 3, 4)), CALL(ftruncate, 6, K(FD), K(OFFSET)), CALL(truncate, 4, K(PATH), K(OFFSET)),
	CALL(fallocate, 5, K(FD), ONE(0, 1, 3, 2, 16, 32, 8), K(OFFSET), K(MAP_LENGTH)), CALL(fsync, 2, K(FD)), CALL(fdatasync, 1, K(FD)),
	CALL(sync, 1), CALL(syncfs, 1, K(FD)), CALL(sync_file_range, 1, K(FD), K(OFFSET), K(LENGTH), K(SMALL)),
	CALL(readahead, 2, K(FD), K(OFFSET), K(LENGTH)), CALL(fadvise64, 2, K(FD), K(OFFSET), K(LENGTH), K(SMALL)),
	CALL(sendfile, 5, K(FD), K(FD), K(VALUE64), K(LENGTH)), CALL(copy_file_range, 4, K(FD), K(VALUE64), K(FD), K(VALUE64), K(LENGTH), ONE(0)),
	CALL(splice, 8, K(FD), K(VALUE64), K(FD), K(VALUE64), K(LENGTH), BITS(1, 2, 2, 4, 8)), CALL(tee, 5, K(FD), K(FD), K(LENGTH), BITS(2, 2, 4)),
	CALL(vmsplice, 4, K(FD), K(IOVEC), K(SMALL), BITS(2, 2, 8)),
	CALL(fcntl, 20, K(FD), ONE(0, 1030, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 15, 16, 36, 37, 38, 1024, 1025, 1026, 1031, 1032, 1033, 1034, 1035, 1036), K(TERMIOS)),
	CALL(fcntl, 6, K(FD), ONE(F_SETLK, F_SETLKW, F_GETLK, 36, 37, 38), K(SEMBUF)), CALL(flock, 4, K(FD), ONE(1, 2, 4 | 1, 4 | 2, 8)),
	CALL(ioctl, 10, K(FD), ONE(FIONREAD, FIONBIO, FIOCLEX, FIONCLEX, FIOASYNC, FIGETBSZ, 0x5460, FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, 0x40049409, 0x5206, 0x5207), K(VALUE32)),
	CALL(ioctl, 14, K(FD), ONE(0x5401, 0x5402, 0x5403, 0x5404, 0x5405, 0x5406, 0x5407, 0x5408, 0x5409, 0x540a, 0x540b, 0x540c, 0x540d, 0x540e, 0x540f, 0x5410, 0x5411,
		0x5412, 0x5413, 0x5414, 0x5415, 0x5416, 0x5417, 0x5418, 0x5419, 0x541a, 0x5420, 0x5422, 0x5423, 0x5424, 0x5425, 0x5427, 0x5428, 0x5429, 0x5437,
		0x802c542a, 0x402c542b, 0x80045430, 0x40045431, 0x40045436, 0x80045438, 0x80045439, 0x80045440, 0x5441), K(TERMIOS)),
	/* names */
	CALL(stat, 3, K(PATH), K(OUT)), CALL(lstat, 2, K(PATH), K(OUT)), CALL(fstat, 3, K(FD), K(OUT)), CALL(newfstatat, 3, K(DIRFD), K(PATH), K(OUT), AT_BITS),
	CALL(statx, 4, K(DIRFD), K(PATH), AT_BITS, ONE(0xfff, 0, 0x1fff, 0x80000000), K(OUT)), CALL(statfs, 2, K(PATH), K(OUT)), CALL(fstatfs, 2, K(FD), K(OUT)),
	CALL(access, 2, K(PATH), K(SMALL)), CALL(faccessat, 2, K(DIRFD), K(PATH), K(SMALL)), CALL(faccessat2, 2, K(DIRFD), K(PATH), K(SMALL), AT_BITS),
	CALL(getdents, 3, K(FD), K(OUT), K(LENGTH)), CALL(getdents64, 8, K(FD), K(OUT), K(LENGTH)), CALL(getcwd, 3, K(OUT), K(LENGTH)),
	CALL(chdir, 5, K(PATH)), CALL(fchdir, 3, K(FD)), CALL(chroot, 2, K(PATH)), CALL(umask, 1, K(MODE)),
	CALL(rename, 12, K(PATH), K(PATH)), CALL(renameat, 4, K(DIRFD), K(PATH), K(DIRFD), K(PATH)), CALL(renameat2, 8, K(DIRFD), K(PATH), K(DIRFD), K(PATH), BITS(0, 1, 2, 4)),
	CALL(mkdir, 10, K(PATH), K(MODE)), CALL(mkdirat, 4, K(DIRFD), K(PATH), K(MODE)), CALL(rmdir, 8, K(PATH)), CALL(unlink, 8, K(PATH)), CALL(unlinkat, 5, K(DIRFD), K(PATH), AT_BITS),
	CALL(link, 6, K(PATH), K(PATH)), CALL(linkat, 4, K(DIRFD), K(PATH), K(DIRFD), K(PATH), AT_BITS), CALL(symlink, 6, K(PATH), K(PATH)), CALL(symlinkat, 3, K(PATH), K(DIRFD), K(PATH)),
	CALL(readlink, 4, K(PATH), K(OUT), K(LENGTH)), CALL(readlinkat, 3, K(DIRFD), K(PATH), K(OUT), K(LENGTH)),
	CALL(mknod, 5, K(PATH), ONE(S_IFIFO | 0666, S_IFSOCK | 0666, S_IFREG | 0666, S_IFCHR | 0666, S_IFBLK | 0666, S_IFDIR, 0), ONE(0x103, 0x105, 0x502, 0x500, 0x400, 0x8800)),
	CALL(mknodat, 3, K(DIRFD), K(PATH), ONE(S_IFIFO | 0666, S_IFSOCK | 0666, S_IFCHR | 0666), K(SMALL)),
	CALL(chmod, 3, K(PATH), K(MODE)), CALL(fchmod, 2, K(FD), K(MODE)), CALL(fchmodat, 2, K(DIRFD), K(PATH), K(MODE)),
	CALL(chown, 2, K(PATH), K(UID), K(UID)), CALL(fchown, 2, K(FD), K(UID), K(UID)), CALL(lchown, 2, K(PATH), K(UID), K(UID)), CALL(fchownat, 2, K(DIRFD), K(PATH), K(UID), K(UID), AT_BITS),
	CALL(utime, 1, K(PATH), K(IN)), CALL(utimes, 1, K(PATH), K(TIMEVALS)), CALL(futimesat, 1, K(DIRFD), K(PATH), K(TIMEVALS)), CALL(utimensat, 3, K(DIRFD), K(PATH), K(TIMESPECS), AT_BITS),
	CALL(setxattr, 4, K(PATH), K(XATTR), K(IN), K(LENGTH), K(SMALL)), CALL(lsetxattr, 2, K(PATH), K(XATTR), K(IN), K(LENGTH), K(SMALL)), CALL(fsetxattr, 4, K(FD), K(XATTR), K(IN), K(LENGTH), K(SMALL)),
	CALL(getxattr, 3, K(PATH), K(XATTR), K(OUT), K(LENGTH)), CALL(lgetxattr, 2, K(PATH), K(XATTR), K(OUT), K(LENGTH)), CALL(fgetxattr, 3, K(FD), K(XATTR), K(OUT), K(LENGTH)),
	CALL(listxattr, 3, K(PATH), K(OUT), K(LENGTH)), CALL(llistxattr, 2, K(PATH), K(OUT), K(LENGTH)), CALL(flistxattr, 2, K(FD), K(OUT), K(LENGTH)),
	CALL(removexattr, 3, K(PATH), K(XATTR)), CALL(lremovexattr, 1, K(PATH), K(XATTR)), CALL(fremovexattr, 2, K(FD), K(XATTR)),
	/* mounts */
	CALL(mount, 10, K(FS_TYPE), K(PATH), K(FS_TYPE), BITS(0, 1, 2, 4, 8, 32, 16, 1024, 0x200000), K(MOUNT_DATA)),
	CALL(mount, 6, K(PATH), K(PATH), ONE(0), BITS(4096, 4096 | 16384, 8192, 32, 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1), ONE(0)),
	CALL(umount2, 8, K(PATH), BITS(0, 1, 2, 4, 8)), CALL(pivot_root, 1, K(PATH), K(PATH)),
	GIVES(FD, open_tree, 4, K(DIRFD), K(PATH), BITS(1, 0x8000, O_CLOEXEC, AT_EMPTY_PATH)), CALL(move_mount, 4, K(DIRFD), K(PATH), K(DIRFD), K(PATH), BITS(1, 2, 4, 0x10, 0x20, 0x40, 4 | 0x40)),
	GIVES(FD, fsopen, 4, K(FS_TYPE), ONE(0, 1)), CALL(fsconfig, 8, K(FD), ONE(0, 1, 2, 3, 4, 5, 6, 6, 6, 7), K(MOUNT_DATA), K(MOUNT_DATA), ONE(0)), GIVES(FD, fsmount, 4, K(FD), ONE(0, 1), BITS(0, 1, 2, 4)),
	/* memory */
	GIVES(ADDR, mmap, 30, K(ADDR), K(MAP_LENGTH), PROT, BITS(MAP_PRIVATE, MAP_SHARED, MAP_PRIVATE | MAP_ANONYMOUS, MAP_SHARED | MAP_ANONYMOUS, MAP_FIXED, MAP_POPULATE, MAP_LOCKED, MAP_GROWSDOWN,
		MAP_NORESERVE, MAP_FIXED_NOREPLACE, MAP_STACK), K(FD), K(OFFSET)),
	GIVES(ADDR, mmap, 10, ONE(0x20000000, 0x20001000, 0x20010000), K(MAP_LENGTH), ONE(3), ONE(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED), ONE((uint64_t)-1), ONE(0)),
	GIVES(ADDR, mmap, 10, ONE(0), K(MAP_LENGTH), ONE(3, 1), ONE(MAP_PRIVATE, MAP_SHARED, MAP_SHARED | MAP_POPULATE), K(FD), ONE(0, 4096)),
	CALL(munmap, 10, K(ADDR), K(MAP_LENGTH)), CALL(mprotect, 10, K(ADDR), K(MAP_LENGTH), PROT), GIVES(ADDR, mremap, 10, K(ADDR), K(MAP_LENGTH), K(MAP_LENGTH), BITS(1, 1, 2, 4), K(ADDR)),
	CALL(madvise, 10, K(ADDR), K(MAP_LENGTH), ONE(0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24)), CALL(msync, 3, K(ADDR), K(MAP_LENGTH), K(SMALL)),
	CALL(mincore, 3, K(ADDR), K(MAP_LENGTH), K(OUT)), CALL(brk, 4, ONE(0, 0x30000000)), CALL(mlock, 3, K(ADDR), K(MAP_LENGTH)), CALL(mlock2, 2, K(ADDR), K(MAP_LENGTH), ONE(0, 1)), CALL(munlock, 2, K(ADDR), K(MAP_LENGTH)),
	CALL(mlockall, 1, K(SMALL)), CALL(munlockall, 1), GIVES(FD, memfd_create, 5, K(NAME), BITS(1, 2, 2, 8)),
	CALL(process_vm_readv, 3, K(PID), K(IOVEC), K(SMALL), K(IOVEC), K(SMALL), ONE(0)), CALL(process_vm_writev, 3, K(PID), K(IOVEC), K(SMALL), K(IOVEC), K(SMALL), ONE(0)), CALL(membarrier, 2, ONE(0, 1, 2, 4, 8, 16, 32, 64), ONE(0)),
	/* waiting for files */
	CALL(pipe, 5, K(PIPE_FDS)), CALL(pipe2, 8, K(PIPE_FDS), NONBLOCK_BITS), CALL(poll, 5, K(POLLFDS), K(SMALL), ONE(0, 1, 20, (uint64_t)-1)), CALL(ppoll, 4, K(POLLFDS), K(SMALL), K(TIMESPEC), K(SIGSET), ONE(8)),
	CALL(select, 4, ONE(0, 8, 24, 64), K(FDSET), K(FDSET), K(FDSET), K(TIMEVALS)), CALL(pselect6, 4, ONE(0, 8, 24, 64), K(FDSET), K(FDSET), K(FDSET), K(TIMESPEC), K(SIGSET_AND_SIZE)),
	GIVES(FD, epoll_create, 2, K(SMALL)), GIVES(FD, epoll_create1, 5, ONE(0, O_CLOEXEC)), CALL(epoll_ctl, 25, K(FD), ONE(1, 1, 1, 2, 3), K(FD), K(EPOLL_EVENT)),
	CALL(epoll_wait, 5, K(FD), K(OUT), K(SMALL), ONE(0, 0, 10, (uint64_t)-1)), CALL(epoll_pwait, 4, K(FD), K(OUT), K(SMALL), ONE(0, 10), K(SIGSET), ONE(8)), CALL(epoll_pwait2, 3, K(FD), K(OUT), K(SMALL), K(TIMESPEC), K(SIGSET), ONE(8)),
	GIVES(FD, eventfd, 2, K(SMALL)), GIVES(FD, eventfd2, 5, K(SMALL), BITS(EFD_SEMAPHORE, EFD_NONBLOCK, EFD_CLOEXEC)), GIVES(FD, timerfd_create, 5, CLOCK, NONBLOCK_BITS),
	CALL(timerfd_settime, 5, K(FD), ONE(0, 1, 2, 3), K(ITIMERSPEC), K(OUT)), CALL(timerfd_gettime, 2, K(FD), K(OUT)), GIVES(FD, signalfd, 2, ONE((uint64_t)-1, 3, 4), K(SIGSET), ONE(8)), GIVES(FD, signalfd4, 4, ONE((uint64_t)-1, 3, 4), K(SIGSET), ONE(8), NONBLOCK_BITS),
	GIVES(FD, inotify_init, 1), GIVES(FD, inotify_init1, 4, NONBLOCK_BITS), GIVES(WATCH, inotify_add_watch, 10, K(FD), K(PATH), BITS(0xfff, 0x100, 0x2, 0x400, 0x800, 0x80000000, 0x20000000, 0x1000000, 0x10000000)), CALL(inotify_rm_watch, 3, K(FD), K(WATCH)),
	/* sockets */
	GIVES(FD, socket, 12, ONE(1, 1, 1, 2, 10, 16, 0), ONE(1, 2, 5, 1 | O_NONBLOCK, 2 | O_NONBLOCK, 5 | O_NONBLOCK), ONE(0)), CALL(socketpair, 10, ONE(1), ONE(1, 2, 5, 1 | O_NONBLOCK, 2 | O_NONBLOCK, 5 | O_NONBLOCK), ONE(0), K(PIPE_FDS)),
	CALL(bind, 10, K(FD), K(SOCKADDR), ONE(110, 6, 4, 3, 2, 8)), CALL(connect, 10, K(FD), K(SOCKADDR), ONE(110, 6, 4, 3, 8)), CALL(listen, 8, K(FD), K(SMALL)), GIVES(FD, accept, 3, K(FD), K(OUT), K(VALUE32)), GIVES(FD, accept4, 6, K(FD), K(OUT), K(VALUE32), BITS(O_NONBLOCK, O_CLOEXEC)),
	CALL(sendto, 8, K(FD), K(IN), K(LENGTH), MSG, K(SOCKADDR), ONE(110, 6, 4, 0)), CALL(recvfrom, 8, K(FD), K(OUT), K(LENGTH), MSG, K(OUT), K(VALUE32)),
	CALL(sendmsg, 20, K(FD), K(MSGHDR), MSG), CALL(recvmsg, 14, K(FD), K(MSGHDR), MSG), CALL(sendmmsg, 4, K(FD), K(MMSGHDR), K(SMALL), MSG), CALL(recvmmsg, 4, K(FD), K(MMSGHDR), K(SMALL), MSG, K(TIMESPEC)),
	CALL(shutdown, 5, K(FD), ONE(0, 1, 2)), CALL(getsockname, 2, K(FD), K(OUT), K(VALUE32)), CALL(getpeername, 2, K(FD), K(OUT), K(VALUE32)),
	CALL(setsockopt, 8, K(FD), ONE(1, 1, 0, 6), ONE(2, 4, 5, 6, 7, 8, 9, 10, 13, 15, 16, 17, 18, 20, 21, 26, 27, 30, 34, 42), K(IN), ONE(4, 8, 16, 1, 0)), CALL(getsockopt, 6, K(FD), ONE(1, 1, 0, 6), ONE(2, 3, 4, 7, 8, 13, 16, 17, 18, 20, 28, 31, 38, 39, 59), K(OUT), K(VALUE32)),
	/* processes */
	FLAGGED(F_FORKS, PID, fork, 14), FLAGGED(F_FORKS, PID, vfork, 3), FLAGGED(F_FORKS, PID, clone, 14, CLONE_BITS, ONE(0), K(OUT), K(OUT), K(ADDR)), FLAGGED(F_FORKS, PID, clone3, 10, K(CLONE_ARGS), ONE(88, 88, 88, 64, 80, 96)),
	CALL(exit, 1, K(SMALL)), CALL(exit_group, 1, K(SMALL)), CALL(wait4, 10, K(PID), K(OUT), BITS(1, 1, 1, 2, 8, 0x20000000, 0x40000000, 0x80000000), K(OUT)), CALL(waitid, 8, ONE(0, 1, 2, 3), K(PID), K(OUT), BITS(1, 1, 1, 2, 4, 8, 0x1000000, 4 | 1), K(OUT)),
	CALL(execve, 2, K(PATH), K(STRINGS), K(STRINGS)), CALL(execveat, 2, K(DIRFD), K(PATH), K(STRINGS), K(STRINGS), AT_BITS), CALL(getpgid, 1, K(PID)), CALL(getsid, 1, K(PID)), CALL(setpgid, 5, K(PID), K(PID)), CALL(setsid, 4),
	GIVES(PID, getpid, 2), GIVES(PID, gettid, 2), GIVES(PID, getppid, 1), CALL(getpgrp, 1), CALL(kill, 8, K(PID), K(SIGNAL)), FLAGGED(F_NOT_INIT, NOTHING, kill, 8, K(PID), ONE(SIGSTOP, SIGCONT, SIGTSTP, SIGCONT, SIGCHLD, SIGURG, SIGWINCH)),
	CALL(tkill, 3, K(PID), K(SIGNAL)), CALL(tgkill, 4, K(PID), K(PID), K(SIGNAL)), CALL(rt_sigqueueinfo, 3, K(PID), K(SIGNAL), K(SIGINFO)), CALL(rt_tgsigqueueinfo, 3, K(PID), K(PID), K(SIGNAL), K(SIGINFO)),
	CALL(rt_sigaction, 12, K(SIGNAL), K(SIGACTION), K(OUT), ONE(8)), CALL(rt_sigprocmask, 12, ONE(0, 1, 2), K(SIGSET), K(OUT), ONE(8)), CALL(rt_sigpending, 2, K(OUT), ONE(8)), CALL(rt_sigtimedwait, 4, K(SIGSET), K(OUT), K(TIMESPEC), ONE(8)), CALL(rt_sigsuspend, 1, K(SIGSET), ONE(8)),
	CALL(pause, 1), CALL(sigaltstack, 2, K(SIGALTSTACK), K(OUT)), CALL(restart_syscall, 1), FLAGGED(F_NOT_INIT, FD, pidfd_open, 6, K(PID), ONE(0, O_NONBLOCK)), CALL(pidfd_send_signal, 4, K(FD), K(SIGNAL), K(SIGINFO), ONE(0)), GIVES(FD, pidfd_getfd, 5, K(FD), K(FD), ONE(0)),
	CALL(kcmp, 2, K(PID), K(PID), K(SMALL), K(FD), K(FD)), FLAGGED(F_NOT_INIT, NOTHING, ptrace, 16, ONE(0, 1, 2, 3, 4, 5, 7, 8, 12, 14, 16, 16, 16, 17, 24, 0x4200, 0x4201, 0x4202, 0x4203, 0x4204, 0x4206, 0x4206, 0x4207, 0x4208, 0x4209, 0x420a, 0x420b, 0x420e), K(PID), K(SMALL), K(OUT)),
	CALL(unshare, 3, BITS(CLONE_FILES, CLONE_FS, CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_VM)), CALL(setns, 1, K(FD), ONE(0, CLONE_NEWNS)), CALL(set_tid_address, 1, K(OUT)), CALL(set_robust_list, 2, K(OUT), ONE(24)), CALL(get_robust_list, 1, K(PID), K(OUT), K(OUT)),
	CALL(futex, 12, K(FUTEX), ONE(0, 1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 128, 129, 131, 132, 133, 137, 138, 256 | 9), ONE(0, 1, 2, 0x7fffffff), K(TIMESPEC), K(FUTEX), ONE(0, 1, 0x02000001, 0x51002000)), CALL(futex_waitv, 3, K(WAITERS), K(SMALL), ONE(0), K(TIMESPEC), ONE(0, 1)),
	CALL(prctl, 12, ONE(1, 2, 3, 4, 7, 8, 13, 14, 15, 16, 21, 22, 23, 24, 27, 28, 29, 30, 31, 32, 35, 36, 37, 38, 39, 40, 41, 47, 51, 0x59616d61), K(SMALL), K(OUT), ONE(0), ONE(0)), CALL(seccomp, 4, ONE(1, 1, 2, 3), BITS(0, 1, 2, 4, 8, 16), K(FILTER)),
	CALL(prctl, 1, ONE(PR_SET_SECCOMP), ONE(2), K(FILTER)), CALL(arch_prctl, 1, ONE(0x1001, 0x1002, 0x1003, 0x1004, 0x1011), K(OUT)), CALL(personality, 1, ONE(0, 0x40000, 0xffffffff, 8)),
	/* identity and limits */
	CALL(getuid, 1), CALL(getgid, 1), CALL(geteuid, 1), CALL(getegid, 1), CALL(setuid, 1, K(UID)), CALL(setgid, 1, K(UID)), CALL(setreuid, 1, K(UID), K(UID)), CALL(setregid, 1, K(UID), K(UID)), CALL(setresuid, 1, K(UID), K(UID), K(UID)), CALL(setresgid, 1, K(UID), K(UID), K(UID)),
	CALL(getresuid, 1, K(OUT), K(OUT), K(OUT)), CALL(getresgid, 1, K(OUT), K(OUT), K(OUT)), CALL(setfsuid, 1, K(UID)), CALL(setfsgid, 1, K(UID)), CALL(getgroups, 1, K(SMALL), K(OUT)), CALL(setgroups, 1, K(SMALL), K(IN)), CALL(capget, 2, K(CAP_HEADER), K(OUT)), CALL(capset, 2, K(CAP_HEADER), K(IN)),
	CALL(getrlimit, 1, ONE(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16), K(OUT)), CALL(setrlimit, 2, ONE(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15), K(RLIMIT)), FLAGGED(F_NOT_INIT, NOTHING, prlimit64, 2, K(PID), ONE(1, 2, 3, 7, 8, 9, 12), K(RLIMIT), K(OUT)),
	CALL(getrusage, 1, ONE(0, 1, (uint64_t)-1), K(OUT)), CALL(times, 1, K(OUT)), CALL(sysinfo, 1, K(OUT)), CALL(uname, 1, K(OUT)), CALL(sethostname, 1, K(NAME), K(SMALL)), CALL(setdomainname, 1, K(NAME), K(SMALL)), CALL(syslog, 2, ONE(2, 3, 4, 5, 6, 7, 8, 9, 10), K(OUT), K(LENGTH)),
	CALL(getpriority, 1, ONE(0, 1, 2), K(PID)), FLAGGED(F_NOT_INIT, NOTHING, setpriority, 2, ONE(0, 1), K(PID), K(SMALL)), CALL(getrandom, 1, K(OUT), K(LENGTH), K(SMALL)), CALL(getcpu, 1, K(OUT), K(OUT)),
	CALL(sched_yield, 8), FLAGGED(F_NOT_INIT, NOTHING, sched_setparam, 1, K(PID), K(VALUE32)), CALL(sched_getparam, 1, K(PID), K(OUT)), FLAGGED(F_NOT_INIT, NOTHING, sched_setscheduler, 3, K(PID), K(SMALL), K(VALUE32)), CALL(sched_getscheduler, 1, K(PID)), CALL(sched_get_priority_max, 1, K(SMALL)), CALL(sched_rr_get_interval, 1, K(PID), K(OUT)),
	FLAGGED(F_NOT_INIT, NOTHING, sched_setaffinity, 3, K(PID), ONE(8, 4, 128), K(IN)), CALL(sched_getaffinity, 1, K(PID), ONE(8, 4, 128), K(OUT)), FLAGGED(F_NOT_INIT, NOTHING, sched_setattr, 3, K(PID), K(SCHED_ATTR), ONE(0)), CALL(sched_getattr, 1, K(PID), K(OUT), ONE(48, 56, 20), ONE(0)), CALL(ioprio_set, 1, K(SMALL), K(PID), K(ANY)), CALL(ioprio_get, 1, K(SMALL), K(PID)),
	/* time */
	CALL(nanosleep, 6, K(TIMESPEC), K(OUT)), CALL(clock_nanosleep, 5, CLOCK, ONE(0, 1), K(TIMESPEC), K(OUT)), CALL(clock_gettime, 2, CLOCK, K(OUT)), CALL(clock_getres, 1, CLOCK, K(OUT)), CALL(clock_settime, 2, CLOCK, K(TIMESPEC)), CALL(gettimeofday, 1, K(OUT), K(OUT)), CALL(settimeofday, 1, K(TIMEVALS), ONE(0)), CALL(time, 1, K(OUT)),
	CALL(adjtimex, 1, K(IN)), CALL(clock_adjtime, 1, CLOCK, K(IN)), CALL(alarm, 1, K(SMALL)), CALL(getitimer, 1, K(SMALL), K(OUT)), CALL(setitimer, 3, ONE(0, 1, 2), K(ITIMERVAL), K(OUT)), CALL(timer_create, 5, CLOCK, K(SIGEVENT), K(OUT)), CALL(timer_settime, 5, K(TIMER), ONE(0, 1), K(ITIMERSPEC), K(OUT)), CALL(timer_gettime, 2, K(TIMER), K(OUT)), CALL(timer_getoverrun, 1, K(TIMER)), CALL(timer_delete, 3, K(TIMER)),
	/* interprocess communication */
	GIVES(IPC, shmget, 6, IPC_KEY, K(MAP_LENGTH), IPC_FLAGS), GIVES(ADDR, shmat, 8, K(IPC), K(ADDR), BITS(0, SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_EXEC)), CALL(shmdt, 5, K(ADDR)), CALL(shmctl, 6, K(IPC), IPC_CMD, K(OUT)),
	GIVES(IPC, semget, 6, IPC_KEY, K(SMALL), IPC_FLAGS), CALL(semop, 8, K(IPC), K(SEMBUF), ONE(1, 1, 2, 3, 8, 0)), CALL(semtimedop, 5, K(IPC), K(SEMBUF), ONE(1, 2, 3), K(TIMESPEC)), CALL(semctl, 8, K(IPC), K(SMALL), IPC_CMD, K(SEMBUF)),
	GIVES(IPC, msgget, 6, IPC_KEY, IPC_FLAGS), CALL(msgsnd, 8, K(IPC), K(MSGBUF), K(LENGTH), ONE(0, 04000, 04000)), CALL(msgrcv, 8, K(IPC), K(OUT), K(LENGTH), ONE(0, 1, 2, (uint64_t)-3), BITS(04000, 04000, 010000, 020000, 040000)), CALL(msgctl, 6, K(IPC), IPC_CMD, K(OUT)),
	GIVES(FD, mq_open, 8, K(NAME), BITS(O_RDWR | O_CREAT, O_RDWR, O_NONBLOCK, O_EXCL), K(MODE), K(MQ_ATTR)), CALL(mq_unlink, 3, K(NAME)), CALL(mq_timedsend, 6, K(FD), K(IN), K(LENGTH), K(SMALL), K(TIMESPEC)), CALL(mq_timedreceive, 6, K(FD), K(OUT), K(LENGTH), K(OUT), K(TIMESPEC)), CALL(mq_notify, 4, K(FD), K(SIGEVENT)), CALL(mq_getsetattr, 3, K(FD), K(MQ_ATTR), K(OUT)),
};

const unsigned fuzz_calls_count = sizeof(fuzz_calls) / sizeof(fuzz_calls[0]);
