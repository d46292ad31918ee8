/*
 * The system calls over task/: prototypes, by file.  Included by sys.h.
 */
#ifndef SYS_TASK_CALLS_H
#define SYS_TASK_CALLS_H

#include "base/types.h"

/* process.c */
s64 sys_getpid(void);
s64 sys_gettid(void);
s64 sys_getppid(void);
s64 sys_setpgid(u64 pid, u64 pgid);
s64 sys_getpgid(u64 pid);
s64 sys_getpgrp(void);
s64 sys_setsid(void);
s64 sys_getsid(u64 pid);
s64 sys_set_tid_address(u64 addr);
s64 sys_fork(void);
s64 sys_vfork(void);
s64 sys_clone(u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls);
s64 sys_clone3(u64 args, u64 size);
s64 sys_unshare(u64 flags);
s64 sys_exit(u64 code);
s64 sys_exit_group(u64 code);
s64 sys_wait4(u64 pid, u64 status, u64 options, u64 rusage);
s64 sys_waitid(u64 which, u64 id, u64 info, u64 options, u64 rusage);
s64 sys_getrusage(u64 who, u64 usage);
s64 sys_times(u64 buf);
s64 sys_getrlimit(u64 which, u64 limit);
s64 sys_setrlimit(u64 which, u64 limit);
s64 sys_prlimit64(u64 pid, u64 which, u64 new, u64 old);

/* sched.c */
s64 sys_sched_setscheduler(u64 pid, u64 policy, u64 param);
s64 sys_sched_getscheduler(u64 pid);
s64 sys_sched_setparam(u64 pid, u64 param);
s64 sys_sched_getparam(u64 pid, u64 param);
s64 sys_sched_setattr(u64 pid, u64 attr, u64 flags);
s64 sys_sched_getattr(u64 pid, u64 attr, u64 size, u64 flags);
s64 sys_sched_get_priority_max(u64 policy);
s64 sys_sched_get_priority_min(u64 policy);
s64 sys_sched_rr_get_interval(u64 pid, u64 interval);
s64 sys_sched_yield(void);
s64 sys_sched_setaffinity(u64 pid, u64 size, u64 mask);
s64 sys_sched_getaffinity(u64 pid, u64 size, u64 mask);
s64 sys_getcpu(u64 cpu, u64 node);
s64 sys_getpriority(u64 which, u64 who);
s64 sys_setpriority(u64 which, u64 who, u64 nice);

/* signal.c */
s64 sys_rt_sigaction(u64 sig, u64 new, u64 old, u64 size);
s64 sys_rt_sigprocmask(u64 how, u64 new, u64 old, u64 size);
s64 sys_rt_sigpending(u64 set, u64 size);
s64 sys_rt_sigsuspend(u64 mask, u64 size);
s64 sys_rt_sigtimedwait(u64 set, u64 info, u64 timeout, u64 size);
s64 sys_rt_sigqueueinfo(u64 pid, u64 sig, u64 info);
s64 sys_rt_tgsigqueueinfo(u64 tgid, u64 tid, u64 sig, u64 info);
s64 sys_sigaltstack(u64 new, u64 old);
s64 sys_kill(u64 pid, u64 sig);
s64 sys_tkill(u64 tid, u64 sig);
s64 sys_tgkill(u64 tgid, u64 tid, u64 sig);
s64 sys_pause(void);

/* cred.c */
s64 sys_getuid(void);
s64 sys_geteuid(void);
s64 sys_getgid(void);
s64 sys_getegid(void);
s64 sys_setuid(u64 uid);
s64 sys_setgid(u64 gid);
s64 sys_setreuid(u64 ruid, u64 euid);
s64 sys_setregid(u64 rgid, u64 egid);
s64 sys_setresuid(u64 ruid, u64 euid, u64 suid);
s64 sys_setresgid(u64 rgid, u64 egid, u64 sgid);
s64 sys_getresuid(u64 ruid, u64 euid, u64 suid);
s64 sys_getresgid(u64 rgid, u64 egid, u64 sgid);
s64 sys_setfsuid(u64 uid);
s64 sys_setfsgid(u64 gid);
s64 sys_getgroups(u64 size, u64 list);
s64 sys_setgroups(u64 size, u64 list);
s64 sys_capget(u64 header, u64 data);
s64 sys_capset(u64 header, u64 data);

/* misc.c */
s64 sys_getrandom(u64 buf, u64 n, u64 flags);
s64 sys_uname(u64 buf);
s64 sys_sethostname(u64 name, u64 len);
s64 sys_setdomainname(u64 name, u64 len);
s64 sys_sysinfo(u64 info);
s64 sys_syslog(u64 type, u64 buf, u64 len);
s64 sys_reboot(u64 magic1, u64 magic2, u64 cmd, u64 arg);
s64 sys_membarrier(u64 cmd, u64 flags, u64 cpu);
s64 sys_arch_prctl(u64 code, u64 addr);
s64 sys_personality(u64 persona);

/* exec.c */
s64 sys_execve(u64 name, u64 argv, u64 envp);
s64 sys_execveat(u64 dirfd, u64 name, u64 argv, u64 envp, u64 flags);
s64 sys_rt_sigreturn(void);
s64 sys_restart_syscall(void);

/* futex.c */
s64 sys_futex(u64 addr, u64 op, u64 val64, u64 timeout, u64 addr2, u64 val3);
s64 sys_futex_waitv(u64 user, u64 count, u64 flags, u64 timeout, u64 clock);
s64 sys_set_robust_list(u64 head, u64 size);
s64 sys_get_robust_list(u64 pid, u64 head_out, u64 size_out);

/* time.c */
s64 sys_clock_gettime(u64 clock, u64 user);
s64 sys_clock_getres(u64 clock, u64 user);
s64 sys_clock_settime(u64 clock, u64 user);
s64 sys_gettimeofday(u64 tv, u64 tz);
s64 sys_settimeofday(u64 tv, u64 tz);
s64 sys_time(u64 user);
s64 sys_nanosleep(u64 req, u64 remain);
s64 sys_clock_nanosleep(u64 clock64, u64 flags, u64 req, u64 remain);
s64 sys_getitimer(u64 which, u64 user);
s64 sys_setitimer(u64 which, u64 new, u64 old);
s64 sys_alarm(u64 seconds);

/* trace.c */
s64 sys_ptrace(u64 request, u64 pid, u64 addr, u64 data);
s64 sys_seccomp(u64 op, u64 flags, u64 args);

/* timer.c */
s64 sys_timer_create(u64 clock, u64 event, u64 id_out);
s64 sys_timer_settime(u64 id, u64 flags, u64 new, u64 old_out);
s64 sys_timer_gettime(u64 id, u64 out);
s64 sys_timer_getoverrun(u64 id);
s64 sys_timer_delete(u64 id);
s64 sys_adjtimex(u64 user);
s64 sys_clock_adjtime(u64 clock, u64 user);

/* pidfd.c */
s64 sys_pidfd_open(u64 pid, u64 flags);
s64 sys_pidfd_send_signal(u64 fd, u64 sig64, u64 user_info, u64 flags);
s64 sys_signalfd(u64 fd, u64 mask, u64 size);
s64 sys_signalfd4(u64 fd, u64 mask, u64 size, u64 flags);
s64 sys_setns(u64 fd, u64 type);

/* prctl.c */
s64 sys_prctl(u64 option, u64 v, u64 a3, u64 a4, u64 a5);
s64 sys_vhangup(void);

/* process_vm.c */
s64 sys_process_vm_readv(u64 pid, u64 local, u64 locals, u64 remote, u64 remotes, u64 flags);
s64 sys_process_vm_writev(u64 pid, u64 local, u64 locals, u64 remote, u64 remotes, u64 flags);

/* pidfd.c */
s64 sys_pidfd_getfd(u64 pidfd, u64 target_fd, u64 flags);

/* kcmp.c */
s64 sys_kcmp(u64 pid_a, u64 pid_b, u64 type, u64 i, u64 j);

/* ioprio.c */
s64 sys_ioprio_set(u64 which, u64 who, u64 ioprio);

/* ioprio.c */
s64 sys_ioprio_get(u64 which, u64 who);

/* misc.c */
s64 sys_sysfs(u64 option, u64 a, u64 b);

/* file.c */
s64 sys_vmsplice(u64 fd, u64 iov, u64 count, u64 flags);

#endif
