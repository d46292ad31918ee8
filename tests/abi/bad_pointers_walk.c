/* Every system call, every argument a wild user pointer: the kernel must live, and must neither
 * read nor write for us where we may not.
 *
 * One child for each call and pointer; what a call does to its own process (exec, sessions,
 * limits, mappings) ends with the child.  Calls that would end or stop the machine, kill
 * strangers, or change what the other programs of this boot stand on are skipped by name. */
#include "abi.h"

#define CALLS 451

static const int skipped[] = {
	SYS_reboot, SYS_kexec_load, SYS_kexec_file_load, SYS_exit, SYS_exit_group, SYS_kill, SYS_tkill, SYS_tgkill,
	SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_pidfd_send_signal, SYS_fork, SYS_vfork, SYS_clone, SYS_clone3,
	SYS_umount2, SYS_mount, SYS_pivot_root, SYS_chroot, SYS_move_mount, SYS_mount_setattr, SYS_sethostname,
	SYS_setdomainname, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_swapon, SYS_swapoff,
	SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_ptrace, SYS_vhangup, SYS_syslog, SYS_iopl, SYS_ioperm,
	SYS_quotactl, SYS_sync, SYS_rt_sigreturn, SYS_rt_sigsuspend, SYS_pause, SYS_acct, SYS_unshare, SYS_setns,
	SYS_rseq, SYS_set_tid_address, SYS_shmctl, SYS_semctl, SYS_msgctl, SYS_bpf, SYS_perf_event_open, SYS_setpriority,
	SYS_ioprio_set, SYS_process_madvise, SYS_process_vm_writev, SYS_munmap, SYS_arch_prctl, SYS_modify_ldt,
	SYS_rt_sigtimedwait, SYS_select, SYS_wait4, SYS_waitid, SYS_migrate_pages, SYS_move_pages, SYS_prlimit64,
	SYS_sched_setaffinity, SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr,
};

static bool skip(int nr)
{
	for (size_t i = 0; i < ARRAY_LEN(skipped); i++)
		if (skipped[i] == nr)
			return true;
	return false;
}

static void tick(int sig)
{
	(void)sig;
}

static void limit(int resource, rlim_t value)
{
	setrlimit(resource, &(struct rlimit){ value, value });
}

/* Nothing of ours in reach: an own session, no descriptor, little memory. */
static void seclude(void)
{
	setsid();
	for (int fd = 0; fd < 64; fd++)
		close(fd);
	limit(RLIMIT_NOFILE, 64);
	limit(RLIMIT_FSIZE, 1 << 20);
	limit(RLIMIT_AS, 64 << 20);
	limit(RLIMIT_CORE, 0);
}

/* The wild address stands in one argument after the other, the rest being 0; then in all. */
#define PLACES 7

static void try_one(int nr, long wild, int place)
{
	struct itimerval soon = { { 0, 20000 }, { 0, 20000 } };
	long args[6];

	/* What blocks is interrupted. */
	setitimer(ITIMER_REAL, &soon, NULL);
	for (int i = 0; i < 6; i++)
		args[i] = place == i || place == 6 ? wild : 0;
	syscall(nr, args[0], args[1], args[2], args[3], args[4], args[5]);
}

void abi_test(void)
{
	char *edge = fence();
	/* The try under way: a child that one try ends is followed by one that goes on behind it. */
	volatile long *at = mmap(NULL, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	const long wild[] = { 0, 1, (long)0xffff888000000000, (long)0xffffffff81000000, (long)0x8000000000000000,
		0x800000000000, 0x7fffffffefff, (long)edge, (long)edge - 3, -1, -4096 };
	const long tries = ARRAY_LEN(wild) * PLACES;
	int calls = 0, stuck = 0;

	alarm(80);
	for (int nr = 0; nr < CALLS; nr++) {
		if (skip(nr))
			continue;
		calls++;
		for (*at = 0; *at < tries; ++*at) {
			pid_t pid = fork();

			if (pid == 0) {
				seclude();
				sigaction(SIGALRM, &(struct sigaction){ .sa_handler = tick }, NULL);
				for (; *at < tries; ++*at)
					try_one(nr, wild[*at / PLACES], *at % PLACES);
				_exit(0);
			}
			stuck += pid < 0 || WIFSTOPPED(reap_status(pid));
		}
	}
	YES("calls walked", calls > 300);
	VAL("children that did not end", stuck);
	/* The machine still works. */
	CHILD("survived", _exit(42));
	YES("files work", (put_file("after", "x", 0600), access("after", F_OK) == 0));
	/* read and write may not be used to look into the kernel's half */
	int fd = open("after", O_RDWR);
	RET("write from the kernel's half", write(fd, (void *)0xffffffff81000000, 16));
	RET("read into the kernel's half", read(open("/dev/zero", O_RDONLY), (void *)0xffffffff81000000, 16));
	RET("write from a non-canonical address", write(fd, (void *)0x8000000000000000, 16));
	RET("write over the end of user space", write(fd, (void *)0x7fffffffefff, 4096));
	CHILD("a load from the kernel's half", (void)*(volatile char *)0xffffffff81000000);
	CHILD("a store into it", *(volatile char *)0xffffffff81000000 = 1);
	CHILD("a jump into it", ((void (*)(void))0xffffffff81000000)());
}
