/* Process groups and sessions; kill by group. */
#include "abi.h"

void abi_test(void)
{
	pid_t pid, a, b;
	int p[2];
	char c;

	YES("we lead a session", getsid(0) == getpid() && getpgrp() == getpid());
	RET("setsid as a leader", setsid());
	RET("setpgid as a session leader", setpgid(0, 0));
	APART(
		YES("a child inherits both", getpgrp() == getppid() && getsid(0) == getppid());
		OK("setpgid", setpgid(0, 0));
		YES("own group", getpgrp() == getpid());
		RET("setsid as a group leader", setsid());
		RET("getsid of another", getsid(getppid()) == getppid());
		RET("setpgid to a strange group", setpgid(0, 1));
		RET("setpgid to no group", setpgid(0, 0x3ffffff));
		RET("setpgid negative", setpgid(0, -1));
		RET("setpgid of a strange process", setpgid(1, 0));
		OK("back to the parent's group", setpgid(0, getppid()));
		YES("setsid", setsid() == getpid());
		YES("new session and group", getsid(0) == getpid() && getpgrp() == getpid());
	);
	RET("getpgid missing", getpgid(0x3ffffff));
	RET("getsid missing", getsid(0x3ffffff));
	pid = fork();
	if (pid == 0)
		execve(abi_self, (char *[]){ "abi", "@sleep", "5000", NULL }, (char *[]){ NULL });
	sleep_ms(300);
	RET("setpgid of a child that has exec'd", setpgid(pid, pid));
	kill(pid, SIGKILL);
	reap(pid);
	MUST(pipe(p));
	pid = fork();
	if (pid == 0) {
		setsid();
		write(p[1], "x", 1);
		for (;;)
			pause();
	}
	read(p[0], &c, 1);
	RET("setpgid of a child in another session", setpgid(pid, getpgrp()));
	kill(pid, SIGKILL);
	reap(pid);

	/* a group gets a signal as one */
	a = fork();
	if (a == 0)
		for (;;)
			pause();
	setpgid(a, a);
	b = fork();
	if (b == 0)
		for (;;)
			pause();
	OK("join a sibling's group", setpgid(b, a));
	OK("kill the group", kill(-a, SIGTERM));
	STR("first", reap(a));
	OK("a group outlives its leader", kill(-a, 0));
	STR("second", reap(b));
	RET("then it is empty", kill(-a, 0));
	APART(
		setpgid(0, 0);
		signal(SIGUSR1, SIG_IGN);
		pid = fork();
		if (pid == 0) {
			signal(SIGUSR1, SIG_DFL);
			write(p[1], "x", 1);
			for (;;)
				pause();
		}
		read(p[0], &c, 1);
		OK("kill 0", kill(0, SIGUSR1));
		STR("hits the group", reap(pid));
	);
	/* an orphaned stopped group gets SIGHUP and SIGCONT */
	pid = fork();
	if (pid == 0) {
		pid_t kid = fork();
		if (kid == 0) {
			sigset_t set;
			sigemptyset(&set);
			sigaddset(&set, SIGHUP);
			sigprocmask(SIG_BLOCK, &set, NULL);
			setpgid(0, 0);
			raise(SIGSTOP);
			sigpending(&set);
			c = sigismember(&set, SIGHUP) ? 'h' : 'n';
			write(p[1], &c, 1);
			_exit(0);
		}
		setpgid(kid, kid);
		waitpid(kid, NULL, WUNTRACED);
		_exit(0);
	}
	reap(pid);
	read(p[0], &c, 1);
	say("orphaned stopped group", "%c", c);
	APART(become(1000); RET("kill -1 as a user", kill(-1, 0)));
}
