/*
 * The system-call table and its entry.
 *
 * A missing row answers ENOSYS and is named once in the log.  The entry costs a bounds check, a load and an indirect call; tracing is off the
 * fast path, under TF_TRACE_SYSCALL.
 */
#include <asm/unistd.h>
#include "kern/thread.h"
#include "kern/printk.h"
#include "sys/sys.h"

enum { SYS_MAX = 451 };		/* one past the last number of Linux 6.1 */

static const union sys_fn table[SYS_MAX] = {
	/* files and names */
	[__NR_read] = { .f3 = sys_read },
	[__NR_write] = { .f3 = sys_write },
	[__NR_open] = { .f3 = sys_open },
	[__NR_close] = { .f1 = sys_close },
	[__NR_stat] = { .f2 = sys_stat },
	[__NR_fstat] = { .f2 = sys_fstat },
	[__NR_lstat] = { .f2 = sys_lstat },
	[__NR_poll] = { .f3 = sys_poll },
	[__NR_lseek] = { .f3 = sys_lseek },
	[__NR_mmap] = { .f6 = sys_mmap },
	[__NR_mprotect] = { .f3 = sys_mprotect },
	[__NR_munmap] = { .f2 = sys_munmap },
	[__NR_brk] = { .f1 = sys_brk },
	[__NR_ioctl] = { .f3 = sys_ioctl },
	[__NR_pread64] = { .f4 = sys_pread64 },
	[__NR_pwrite64] = { .f4 = sys_pwrite64 },
	[__NR_readv] = { .f3 = sys_readv },
	[__NR_writev] = { .f3 = sys_writev },
	[__NR_access] = { .f2 = sys_access },
	[__NR_pipe] = { .f1 = sys_pipe },
	[__NR_select] = { .f5 = sys_select },
	[__NR_mremap] = { .f5 = sys_mremap },
	[__NR_msync] = { .f3 = sys_msync },
	[__NR_mincore] = { .f3 = sys_mincore },
	[__NR_madvise] = { .f3 = sys_madvise },
	[__NR_dup] = { .f1 = sys_dup },
	[__NR_dup2] = { .f2 = sys_dup2 },
	[__NR_sendfile] = { .f4 = sys_sendfile },
	[__NR_fcntl] = { .f3 = sys_fcntl },
	[__NR_flock] = { .f2 = sys_flock },
	[__NR_fsync] = { .f1 = sys_fsync },
	[__NR_fdatasync] = { .f1 = sys_fdatasync },
	[__NR_truncate] = { .f2 = sys_truncate },
	[__NR_ftruncate] = { .f2 = sys_ftruncate },
	[__NR_getdents] = { .f3 = sys_getdents },
	[__NR_getcwd] = { .f2 = sys_getcwd },
	[__NR_chdir] = { .f1 = sys_chdir },
	[__NR_fchdir] = { .f1 = sys_fchdir },
	[__NR_rename] = { .f2 = sys_rename },
	[__NR_mkdir] = { .f2 = sys_mkdir },
	[__NR_rmdir] = { .f1 = sys_rmdir },
	[__NR_creat] = { .f2 = sys_creat },
	[__NR_link] = { .f2 = sys_link },
	[__NR_unlink] = { .f1 = sys_unlink },
	[__NR_symlink] = { .f2 = sys_symlink },
	[__NR_readlink] = { .f3 = sys_readlink },
	[__NR_chmod] = { .f2 = sys_chmod },
	[__NR_fchmod] = { .f2 = sys_fchmod },
	[__NR_chown] = { .f3 = sys_chown },
	[__NR_fchown] = { .f3 = sys_fchown },
	[__NR_lchown] = { .f3 = sys_lchown },
	[__NR_umask] = { .f1 = sys_umask },
	[__NR_utime] = { .f2 = sys_utime },
	[__NR_mknod] = { .f3 = sys_mknod },
	[__NR_statfs] = { .f2 = sys_statfs },
	[__NR_fstatfs] = { .f2 = sys_fstatfs },
	[__NR_mlock] = { .f2 = sys_mlock },
	[__NR_munlock] = { .f2 = sys_munlock },
	[__NR_mlockall] = { .f1 = sys_mlockall },
	[__NR_munlockall] = { .f0 = sys_munlockall },
	[__NR_pivot_root] = { .f2 = sys_pivot_root },
	[__NR_chroot] = { .f1 = sys_chroot },
	[__NR_sync] = { .f0 = sys_sync },
	[__NR_mount] = { .f5 = sys_mount },
	[__NR_umount2] = { .f2 = sys_umount2 },
	[__NR_readahead] = { .f3 = sys_readahead },
	[__NR_setxattr] = { .f5 = sys_setxattr },
	[__NR_lsetxattr] = { .f5 = sys_lsetxattr },
	[__NR_fsetxattr] = { .f5 = sys_fsetxattr },
	[__NR_getxattr] = { .f4 = sys_getxattr },
	[__NR_lgetxattr] = { .f4 = sys_lgetxattr },
	[__NR_fgetxattr] = { .f4 = sys_fgetxattr },
	[__NR_listxattr] = { .f3 = sys_listxattr },
	[__NR_llistxattr] = { .f3 = sys_llistxattr },
	[__NR_flistxattr] = { .f3 = sys_flistxattr },
	[__NR_removexattr] = { .f2 = sys_removexattr },
	[__NR_lremovexattr] = { .f2 = sys_lremovexattr },
	[__NR_fremovexattr] = { .f2 = sys_fremovexattr },
	[__NR_epoll_create] = { .f1 = sys_epoll_create },
	[__NR_getdents64] = { .f3 = sys_getdents64 },
	[__NR_fadvise64] = { .f4 = sys_fadvise64 },
	[__NR_epoll_wait] = { .f4 = sys_epoll_wait },
	[__NR_epoll_ctl] = { .f4 = sys_epoll_ctl },
	[__NR_utimes] = { .f2 = sys_utimes },
	[__NR_inotify_init] = { .f0 = sys_inotify_init },
	[__NR_inotify_add_watch] = { .f3 = sys_inotify_add_watch },
	[__NR_inotify_rm_watch] = { .f2 = sys_inotify_rm_watch },
	[__NR_openat] = { .f4 = sys_openat },
	[__NR_mkdirat] = { .f3 = sys_mkdirat },
	[__NR_mknodat] = { .f4 = sys_mknodat },
	[__NR_fchownat] = { .f5 = sys_fchownat },
	[__NR_futimesat] = { .f3 = sys_futimesat },
	[__NR_newfstatat] = { .f4 = sys_newfstatat },
	[__NR_unlinkat] = { .f3 = sys_unlinkat },
	[__NR_renameat] = { .f4 = sys_renameat },
	[__NR_linkat] = { .f5 = sys_linkat },
	[__NR_symlinkat] = { .f3 = sys_symlinkat },
	[__NR_readlinkat] = { .f4 = sys_readlinkat },
	[__NR_fchmodat] = { .f3 = sys_fchmodat },
	[__NR_faccessat] = { .f3 = sys_faccessat },
	[__NR_pselect6] = { .f6 = sys_pselect6 },
	[__NR_ppoll] = { .f5 = sys_ppoll },
	[__NR_splice] = { .f6 = sys_splice },
	[__NR_tee] = { .f4 = sys_tee },
	[__NR_sync_file_range] = { .f4 = sys_sync_file_range },
	[__NR_utimensat] = { .f4 = sys_utimensat },
	[__NR_epoll_pwait] = { .f6 = sys_epoll_pwait },
	[__NR_timerfd_create] = { .f2 = sys_timerfd_create },
	[__NR_eventfd] = { .f1 = sys_eventfd },
	[__NR_fallocate] = { .f4 = sys_fallocate },
	[__NR_timerfd_settime] = { .f4 = sys_timerfd_settime },
	[__NR_timerfd_gettime] = { .f2 = sys_timerfd_gettime },
	[__NR_eventfd2] = { .f2 = sys_eventfd2 },
	[__NR_epoll_create1] = { .f1 = sys_epoll_create1 },
	[__NR_dup3] = { .f3 = sys_dup3 },
	[__NR_pipe2] = { .f2 = sys_pipe2 },
	[__NR_inotify_init1] = { .f1 = sys_inotify_init1 },
	[__NR_preadv] = { .f5 = sys_preadv },
	[__NR_pwritev] = { .f5 = sys_pwritev },
	[__NR_syncfs] = { .f1 = sys_syncfs },
	[__NR_renameat2] = { .f5 = sys_renameat2 },
	[__NR_memfd_create] = { .f2 = sys_memfd_create },
	[__NR_mlock2] = { .f3 = sys_mlock2 },
	[__NR_copy_file_range] = { .f6 = sys_copy_file_range },
	[__NR_preadv2] = { .f6 = sys_preadv2 },
	[__NR_pwritev2] = { .f6 = sys_pwritev2 },
	[__NR_statx] = { .f5 = sys_statx },
	[__NR_close_range] = { .f3 = sys_close_range },
	[__NR_openat2] = { .f4 = sys_openat2 },
	[__NR_faccessat2] = { .f4 = sys_faccessat2 },
	[__NR_epoll_pwait2] = { .f6 = sys_epoll_pwait2 },
	/* processes, signals, the system */
	[__NR_rt_sigaction] = { .f4 = sys_rt_sigaction },
	[__NR_rt_sigprocmask] = { .f4 = sys_rt_sigprocmask },
	[__NR_sched_yield] = { .f0 = sys_sched_yield },
	[__NR_pause] = { .f0 = sys_pause },
	[__NR_getpid] = { .f0 = sys_getpid },
	[__NR_clone] = { .f5 = sys_clone },
	[__NR_fork] = { .f0 = sys_fork },
	[__NR_vfork] = { .f0 = sys_vfork },
	[__NR_exit] = { .f1 = sys_exit },
	[__NR_wait4] = { .f4 = sys_wait4 },
	[__NR_kill] = { .f2 = sys_kill },
	[__NR_uname] = { .f1 = sys_uname },
	[__NR_getrlimit] = { .f2 = sys_getrlimit },
	[__NR_getrusage] = { .f2 = sys_getrusage },
	[__NR_sysinfo] = { .f1 = sys_sysinfo },
	[__NR_times] = { .f1 = sys_times },
	[__NR_getuid] = { .f0 = sys_getuid },
	[__NR_syslog] = { .f3 = sys_syslog },
	[__NR_getgid] = { .f0 = sys_getgid },
	[__NR_setuid] = { .f1 = sys_setuid },
	[__NR_setgid] = { .f1 = sys_setgid },
	[__NR_geteuid] = { .f0 = sys_geteuid },
	[__NR_getegid] = { .f0 = sys_getegid },
	[__NR_setpgid] = { .f2 = sys_setpgid },
	[__NR_getppid] = { .f0 = sys_getppid },
	[__NR_getpgrp] = { .f0 = sys_getpgrp },
	[__NR_setsid] = { .f0 = sys_setsid },
	[__NR_setreuid] = { .f2 = sys_setreuid },
	[__NR_setregid] = { .f2 = sys_setregid },
	[__NR_getgroups] = { .f2 = sys_getgroups },
	[__NR_setgroups] = { .f2 = sys_setgroups },
	[__NR_setresuid] = { .f3 = sys_setresuid },
	[__NR_getresuid] = { .f3 = sys_getresuid },
	[__NR_setresgid] = { .f3 = sys_setresgid },
	[__NR_getresgid] = { .f3 = sys_getresgid },
	[__NR_getpgid] = { .f1 = sys_getpgid },
	[__NR_setfsuid] = { .f1 = sys_setfsuid },
	[__NR_setfsgid] = { .f1 = sys_setfsgid },
	[__NR_getsid] = { .f1 = sys_getsid },
	[__NR_capget] = { .f2 = sys_capget },
	[__NR_capset] = { .f2 = sys_capset },
	[__NR_rt_sigpending] = { .f2 = sys_rt_sigpending },
	[__NR_rt_sigtimedwait] = { .f4 = sys_rt_sigtimedwait },
	[__NR_rt_sigqueueinfo] = { .f3 = sys_rt_sigqueueinfo },
	[__NR_rt_sigsuspend] = { .f2 = sys_rt_sigsuspend },
	[__NR_sigaltstack] = { .f2 = sys_sigaltstack },
	[__NR_personality] = { .f1 = sys_personality },
	[__NR_getpriority] = { .f2 = sys_getpriority },
	[__NR_setpriority] = { .f3 = sys_setpriority },
	[__NR_sched_setparam] = { .f2 = sys_sched_setparam },
	[__NR_sched_getparam] = { .f2 = sys_sched_getparam },
	[__NR_sched_setscheduler] = { .f3 = sys_sched_setscheduler },
	[__NR_sched_getscheduler] = { .f1 = sys_sched_getscheduler },
	[__NR_sched_get_priority_max] = { .f1 = sys_sched_get_priority_max },
	[__NR_sched_get_priority_min] = { .f1 = sys_sched_get_priority_min },
	[__NR_sched_rr_get_interval] = { .f2 = sys_sched_rr_get_interval },
	[__NR_arch_prctl] = { .f2 = sys_arch_prctl },
	[__NR_setrlimit] = { .f2 = sys_setrlimit },
	[__NR_reboot] = { .f4 = sys_reboot },
	[__NR_sethostname] = { .f2 = sys_sethostname },
	[__NR_setdomainname] = { .f2 = sys_setdomainname },
	[__NR_gettid] = { .f0 = sys_gettid },
	[__NR_tkill] = { .f2 = sys_tkill },
	[__NR_sched_setaffinity] = { .f3 = sys_sched_setaffinity },
	[__NR_sched_getaffinity] = { .f3 = sys_sched_getaffinity },
	[__NR_set_tid_address] = { .f1 = sys_set_tid_address },
	[__NR_exit_group] = { .f1 = sys_exit_group },
	[__NR_tgkill] = { .f3 = sys_tgkill },
	[__NR_waitid] = { .f5 = sys_waitid },
	[__NR_unshare] = { .f1 = sys_unshare },
	[__NR_rt_tgsigqueueinfo] = { .f4 = sys_rt_tgsigqueueinfo },
	[__NR_prlimit64] = { .f4 = sys_prlimit64 },
	[__NR_getcpu] = { .f2 = sys_getcpu },
	[__NR_sched_setattr] = { .f3 = sys_sched_setattr },
	[__NR_sched_getattr] = { .f4 = sys_sched_getattr },
	[__NR_getrandom] = { .f3 = sys_getrandom },
	[__NR_membarrier] = { .f3 = sys_membarrier },
	[__NR_clone3] = { .f2 = sys_clone3 },
};

static u64 unknown_seen[(SYS_MAX + 64) / 64];	/* [a] bit n: number n was named in the log; the last: beyond the table */

static s64 unknown(u64 nr)
{
	u64 n = nr < SYS_MAX ? nr : SYS_MAX, bit = 1ull << (n % 64);

	if (!(__atomic_fetch_or(&unknown_seen[n / 64], bit, __ATOMIC_RELAXED) & bit))
		pr_info("%s: system call %llu is not there", current()->comm, (unsigned long long)nr);
	return -ENOSYS;
}

/* What the registers ask for; also used when a tracer changed the number. */
s64 sys_call(const struct plat_regs *r)
{
	u64 nr = r->orig_ax;

	if (__builtin_expect(nr >= SYS_MAX || !table[nr].f6, 0))
		return unknown(nr);
	return table[nr].f6(r->di, r->si, r->dx, r->r10, r->r8, r->r9);
}

void sys_dispatch(struct plat_regs *r)
{
	u64 nr = r->orig_ax;

	if (__builtin_expect(current()->flags & TF_TRACE_SYSCALL, 0)) {
		sys_dispatch_traced(r);
		return;
	}
	if (__builtin_expect(nr < SYS_MAX && table[nr].f6, 1))
		r->ax = (u64)table[nr].f6(r->di, r->si, r->dx, r->r10, r->r8, r->r9);
	else
		r->ax = (u64)unknown(nr);
}
