/* fork, wait4, exit statuses, orphans, what a child shares and what it has of its own. */
#include "abi.h"

static volatile int own = 1;

void abi_test(void)
{
	int status, fd;
	pid_t pid;
	struct rusage usage;

	CHILD("exit status", _exit(7));
	CHILD("exit status is 8 bits wide", _exit(0x1ff));
	CHILD("killed by its own signal", signal(SIGTERM, SIG_DFL); raise(SIGTERM));
	CHILD("abort", abort());
	CHILD("core limit 0 leaves no core flag", raise(SIGSEGV));

	own = 1;
	CHILD("child changes its copy", own = 2; _exit(own));
	VAL("parent's copy", own);

	fd = MUST(open("f", O_CREAT | O_RDWR, 0644));
	APART(write(fd, "abcd", 4));
	VAL("child moves the shared offset", lseek(fd, 0, SEEK_CUR));

	RET("no children: wait", wait(&status));
	RET("no children: wait WNOHANG", waitpid(-1, &status, WNOHANG));
	RET("wait for self", waitpid(getpid(), &status, 0));
	RET("wait for a strange pid", waitpid(1, &status, 0));
	RET("wait with bad options", waitpid(-1, &status, 0x100));
	RET("wait for INT_MIN", waitpid(INT_MIN, &status, 0));

	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	RET("WNOHANG on a running child", waitpid(pid, &status, WNOHANG));
	RET("no child in the group", waitpid(-pid, &status, WNOHANG));
	VAL("same group: 0", waitpid(0, &status, WNOHANG));
	RET("__WCLONE sees no fork", waitpid(pid, &status, __WCLONE | WNOHANG));
	RET("__WALL sees it", waitpid(pid, &status, __WALL | WNOHANG));
	kill(pid, SIGKILL);
	YES("wait returns the pid", waitpid(pid, &status, 0) == pid);
	STR("killed", status_name(status));
	RET("wait a second time", waitpid(pid, &status, 0));

	/* A stopped and continued child. */
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	kill(pid, SIGSTOP);
	waitpid(pid, &status, WUNTRACED);
	STR("WUNTRACED", status_name(status));
	RET("a stop is reported once", waitpid(pid, &status, WUNTRACED | WNOHANG));
	kill(pid, SIGCONT);
	waitpid(pid, &status, WCONTINUED);
	STR("WCONTINUED", status_name(status));
	RET("a continuation is reported once", waitpid(pid, &status, WCONTINUED | WNOHANG));
	kill(pid, SIGKILL);
	reap(pid);

	/* Two zombies: wait takes them, then none. */
	pid_t a = fork();
	if (a == 0)
		_exit(1);
	pid_t b = fork();
	if (b == 0)
		_exit(2);
	int first = 0, second = 0;
	pid_t p1 = wait(&first), p2 = wait(&second);
	YES("both children came", (p1 == a && p2 == b) || (p1 == b && p2 == a));
	VAL("their statuses sum", WEXITSTATUS(first) + WEXITSTATUS(second));

	/* wait4 with a rusage */
	pid = fork();
	if (pid == 0)
		_exit(0);
	memset(&usage, 0xff, sizeof(usage));
	YES("wait4 fills rusage", wait4(pid, &status, 0, &usage) == pid && usage.ru_utime.tv_sec == 0 &&
	    usage.ru_maxrss > 0 && usage.ru_nsignals == 0);

	/* SIGCHLD ignored: no zombies, wait waits for all and then fails. */
	APART(
		signal(SIGCHLD, SIG_IGN);
		pid_t kid = fork();
		if (kid == 0) {
			sleep_ms(20);
			_exit(3);
		}
		RET("SIGCHLD ignored: wait", waitpid(kid, &status, 0));
	);
	APART(
		struct sigaction act = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDWAIT };
		sigaction(SIGCHLD, &act, NULL);
		pid_t kid = fork();
		if (kid == 0)
			_exit(3);
		RET("SA_NOCLDWAIT: wait", waitpid(kid, &status, 0));
	);

	/* An orphan gets a new parent. */
	int ends[2];
	MUST(pipe(ends));
	pid = fork();
	if (pid == 0) {
		pid_t mid = getpid();

		if (fork() == 0) {
			char answer;

			while (getppid() == mid)
				sleep_ms(1);
			answer = getppid() == 1 ? 'i' : 'o';
			write(ends[1], &answer, 1);
			_exit(0);
		}
		_exit(0);
	}
	reap(pid);
	char answer = 0;
	read(ends[0], &answer, 1);
	say("orphan's parent", "%s", answer == 'i' ? "init" : "other");

	YES("child of fork has its own pid", (pid = fork()) ? reap_status(pid) == 0 : (_exit(getpid() == getppid()), 0));
	RET("zombie can be signalled", ({
		pid = fork();
		if (pid == 0)
			_exit(0);
		siginfo_t info;
		waitid(P_PID, pid, &info, WEXITED | WNOWAIT);
		kill(pid, SIGTERM); }));
	STR("and keeps its status", reap(pid));
}
