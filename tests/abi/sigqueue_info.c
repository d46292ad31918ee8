/* sigqueue, rt_sigqueueinfo, the siginfo of each source. */
#include "abi.h"

static siginfo_t got;
static volatile int count;

static void handler(int sig, siginfo_t *info, void *ctx)
{
	got = *info;
	count++;
}

void abi_test(void)
{
	struct sigaction act = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	union sigval value = { .sival_int = 77 };
	siginfo_t info = { 0 };
	sigset_t set, was;

	sigaction(SIGUSR1, &act, NULL);
	sigaction(SIGRTMIN, &act, NULL);
	sigaction(SIGCHLD, &act, NULL);
	sigaction(SIGALRM, &act, NULL);
	OK("sigqueue", sigqueue(getpid(), SIGUSR1, value));
	say("its info", "code %d value %d pid %d uid %d", got.si_code, got.si_value.sival_int, got.si_pid == getpid(), got.si_uid);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigprocmask(SIG_BLOCK, &set, &was);
	for (int i = 0; i < 3; i++) {
		value.sival_int = i;
		sigqueue(getpid(), SIGRTMIN, value);
	}
	for (int i = 0; i < 3; i++) {
		struct timespec none = { 0, 0 };

		sigtimedwait(&set, &info, &none);
		VAL("in order", info.si_value.sival_int);
	}
	sigprocmask(SIG_SETMASK, &was, NULL);
	RET("sigqueue 0", sigqueue(getpid(), 0, value));
	RET("sigqueue bad signal", sigqueue(getpid(), 65, value));
	RET("sigqueue no process", sigqueue(0x3ffffff, SIGUSR1, value));
	info.si_code = SI_USER;
	APART(RET("a forged code to another", syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR2, &info)));
	info.si_code = -60;
	info.si_value.sival_int = 5;
	OK("an own code", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &info));
	say("arrives", "code %d value %d", got.si_code, got.si_value.sival_int);
	RET("bad address", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, 8));
	OK("rt_tgsigqueueinfo", syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGUSR1, &info));

	pid_t pid = fork();
	if (pid == 0)
		_exit(4);
	while (got.si_signo != SIGCHLD)
		sleep_ms(1);
	say("SIGCHLD, exit", "code %d status %d pid %d", got.si_code, got.si_status, got.si_pid == pid);
	reap(pid);
	got.si_signo = 0;
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	while (got.si_signo != SIGCHLD)
		sleep_ms(1);
	say("SIGCHLD, stop", "code %d status %d", got.si_code, got.si_status);
	got.si_signo = 0;
	kill(pid, SIGCONT);
	while (got.si_signo != SIGCHLD)
		sleep_ms(1);
	say("SIGCHLD, continue", "code %d status %d", got.si_code, got.si_status);
	got.si_signo = 0;
	kill(pid, SIGKILL);
	while (got.si_signo != SIGCHLD)
		sleep_ms(1);
	say("SIGCHLD, kill", "code %d status %d", got.si_code, got.si_status);
	reap(pid);
	act.sa_flags |= SA_NOCLDSTOP;
	sigaction(SIGCHLD, &act, NULL);
	count = 0;
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	waitpid(pid, NULL, WUNTRACED);
	VAL("SA_NOCLDSTOP", count);
	kill(pid, SIGKILL);
	reap(pid);

	struct itimerval soon = { { 0, 0 }, { 0, 1000 } };
	got.si_signo = 0;
	setitimer(ITIMER_REAL, &soon, NULL);
	while (got.si_signo != SIGALRM)
		sleep_ms(1);
	VAL("SIGALRM of setitimer: code", got.si_code);
	timer_t timer;
	struct sigevent sev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 31 };
	struct itimerspec its = { { 0, 0 }, { 0, 1000000 } };
	timer_create(CLOCK_MONOTONIC, &sev, &timer);
	got.si_signo = 0;
	timer_settime(timer, 0, &its, NULL);
	while (got.si_signo != SIGRTMIN)
		sleep_ms(1);
	say("timer", "code %d value %d overrun %d", got.si_code, got.si_value.sival_int, got.si_overrun);

	/* RLIMIT_SIGPENDING */
	APART(
		struct rlimit few = { 3, 3 };
		setrlimit(RLIMIT_SIGPENDING, &few);
		become(4321);
		sigprocmask(SIG_BLOCK, &set, NULL);
		int sent = 0;
		while (sent < 10 && sigqueue(getpid(), SIGRTMIN, value) == 0)
			sent++;
		say("queue limit", "%d %s", sent, err_name(errno));
	);
}
