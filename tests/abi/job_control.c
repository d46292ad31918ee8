/* Controlling terminals: sessions, foreground groups, SIGINT, SIGTSTP, SIGTTIN, SIGTTOU, SIGHUP. */
#include "abi.h"
#include <sys/ioctl.h>
#include <termios.h>

static int master, hangup[2];

static int open_pty(int *slave)
{
	int lock = 0, fd = MUST(open("/dev/ptmx", O_RDWR | O_NOCTTY));

	MUST(ioctl(fd, TIOCSPTLCK, &lock));
	*slave = MUST(ioctl(fd, TIOCGPTPEER, O_RDWR | O_NOCTTY));
	return fd;
}

static void settle(pid_t pid, const char *name, int options)
{
	int status = 0;

	waitpid(pid, &status, options);
	STR(name, status_name(status));
}

static void leader(int slave)
{
	pid_t pid, fg;
	char c;

	setsid();
	RET("TIOCGSID without a terminal", ioctl(slave, TIOCGSID, &fg));
	RET("tcgetpgrp without a terminal", tcgetpgrp(slave));
	RET("/dev/tty without a terminal", open("/dev/tty", O_RDWR));
	OK("TIOCSCTTY", ioctl(slave, TIOCSCTTY, 0));
	OK("TIOCSCTTY again", ioctl(slave, TIOCSCTTY, 0));
	OK("/dev/tty", open("/dev/tty", O_RDWR));
	YES("tcgetsid", tcgetsid(slave) == getpid());
	YES("tcgetpgrp", tcgetpgrp(slave) == getpgrp());
	RET("tcsetpgrp to no group", tcsetpgrp(slave, 0x3ffffff));
	RET("tcsetpgrp to a negative", tcsetpgrp(slave, -5));

	/* a foreground job gets the signals that keys send */
	static const struct { const char *name, *key; } keys[] = {
		{ "key intr", "\003" }, { "key quit", "\034" } };
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		pid = fork();
		if (pid == 0) {
			setpgid(0, 0);
			for (;;)
				pause();
		}
		setpgid(pid, pid);
		OK("tcsetpgrp", tcsetpgrp(slave, pid));
		write(master, keys[i].key, 1);
		settle(pid, keys[i].name, 0);
		signal(SIGTTOU, SIG_IGN);
		OK("take the terminal back", tcsetpgrp(slave, getpgrp()));
		signal(SIGTTOU, SIG_DFL);
	}
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(pid, pid);
	tcsetpgrp(slave, pid);
	write(master, "\032", 1);
	settle(pid, "key susp", WUNTRACED);
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(slave, getpgrp());
	kill(-pid, SIGCONT);
	settle(pid, "continued", WCONTINUED);
	kill(-pid, SIGKILL);
	reap(pid);
	signal(SIGTTOU, SIG_DFL);

	/* a background job that reads stops */
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		read(slave, &c, 1);
		_exit(c == 'x' ? 1 : 2);
	}
	setpgid(pid, pid);
	settle(pid, "background read", WUNTRACED);
	tcsetpgrp(slave, pid);
	kill(-pid, SIGCONT);
	write(master, "x\n", 2);
	settle(pid, "brought to the foreground", 0);
	signal(SIGTTOU, SIG_IGN);
	tcsetpgrp(slave, getpgrp());
	signal(SIGTTOU, SIG_DFL);

	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		signal(SIGTTIN, SIG_IGN);
		RET("background read, SIGTTIN ignored", read(slave, &c, 1));
		RET("background write without TOSTOP", write(slave, "w", 1));
		_exit(0);
	}
	setpgid(pid, pid);
	reap(pid);

	struct termios t;
	tcgetattr(slave, &t);
	t.c_lflag |= TOSTOP;
	tcsetattr(slave, TCSANOW, &t);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		write(slave, "w", 1);
		_exit(0);
	}
	setpgid(pid, pid);
	settle(pid, "background write with TOSTOP", WUNTRACED);
	kill(-pid, SIGKILL);
	reap(pid);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		tcsetattr(slave, TCSANOW, &t);
		_exit(0);
	}
	setpgid(pid, pid);
	settle(pid, "background tcsetattr", WUNTRACED);
	kill(-pid, SIGKILL);
	reap(pid);
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		signal(SIGTTOU, SIG_IGN);
		RET("background tcsetattr, SIGTTOU ignored", tcsetattr(slave, TCSANOW, &t));
		_exit(0);
	}
	setpgid(pid, pid);
	reap(pid);

	/* orphaned groups do not stop */
	int report[2];
	MUST(pipe(report));
	pid = fork();
	if (pid == 0) {
		setpgid(0, 0);
		if (fork() == 0) {
			while (getppid() != 1)
				sleep_ms(1);
			errno = 0;
			int ret = read(slave, &c, 1);
			int err = ret < 0 ? errno : 0;
			write(report[1], &err, sizeof(err));
			_exit(0);
		}
		_exit(0);
	}
	reap(pid);
	int err = 0;
	read(report[0], &err, sizeof(err));
	STR("orphaned background read", err_name(err));

	/* window size changes are told to the foreground */
	struct winsize size = { 30, 90, 0, 0 };
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ioctl(master, TIOCSWINSZ, &size);
	struct timespec second = { 2, 0 };
	VAL("SIGWINCH", sigtimedwait(&set, NULL, &second) == SIGWINCH);
	ioctl(master, TIOCSWINSZ, &size);
	struct timespec soon = { 0, 50000000 };
	RET("no SIGWINCH for the same size", sigtimedwait(&set, NULL, &soon));

	pid = fork();
	if (pid == 0) {
		setsid();
		RET("steal a session's terminal as root, arg 0", ioctl(slave, TIOCSCTTY, 0));
		_exit(0);
	}
	reap(pid);

	/* the leader's death hangs up the foreground */
	pid = fork();
	if (pid == 0) {
		int unread = 0;

		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_BLOCK, &set, NULL);
		setpgid(0, 0);
		signal(SIGTTOU, SIG_IGN);
		tcsetpgrp(slave, getpgrp());
		write(hangup[1], "r", 1);
		unread = sigtimedwait(&set, NULL, &(struct timespec){ 5, 0 });
		STR("foreground of a dead leader", unread < 0 ? err_name(errno) : sig_name(unread));
		RET("read after that", read(slave, &c, 1));
		write(hangup[1], "d", 1);
		_exit(0);
	}
	read(hangup[0], &c, 1);
	_exit(0);
}

void abi_test(void)
{
	int slave;
	pid_t pid;
	int hung[2];

	master = open_pty(&slave);
	MUST(pipe(hangup));
	pid = fork();
	if (pid == 0)
		leader(slave);
	reap(pid);
	char c;
	read(hangup[0], &c, 1);
	say("after the leader", "%c", c);

	/* SIGHUP to the leader and the foreground when the master closes */
	master = open_pty(&slave);
	MUST(pipe(hung));
	pid = fork();
	if (pid == 0) {
		int m = master;

		setsid();
		ioctl(slave, TIOCSCTTY, 0);
		close(m);
		write(hung[1], "r", 1);
		for (;;)
			pause();
	}
	read(hung[0], &c, 1);
	close(master);
	STR("leader of a closed master", reap(pid));

	/* the first terminal a session leader opens becomes its own */
	master = open_pty(&slave);
	APART(
		char path[64];
		setsid();
		signal(SIGHUP, SIG_IGN);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", slave);
		char name[64] = "";
		readlink(path, name, sizeof(name) - 1);
		int fd = open(name, O_RDWR);
		YES("open without O_NOCTTY", fd >= 0 && tcgetsid(fd) == getpid());
		OK("TIOCNOTTY", ioctl(fd, TIOCNOTTY));
		RET("after it", open("/dev/tty", O_RDWR));
	);
}
