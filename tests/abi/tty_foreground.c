/* /proc/PID/stat's tty_nr and tpgid: the controlling terminal and its foreground group.  Source: proc(5), tcsetpgrp(3). */
#include "abi.h"
#include <stdlib.h>

static int tty_nr, tpgid;

static void look(int pid)
{
	char path[40];
	const char *text;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	text = strrchr(get_file(path), ')');
	MUST(text && sscanf(text, ") %*c %*d %*d %*d %d %d", &tty_nr, &tpgid) == 2 ? 0 : -1);
}

static void leader(int master)
{
	int in[2], slave, other;
	char c;

	setsid();
	look(getpid());
	say("no terminal", "tty %s tpgid %d", tty_nr ? "some" : "none", tpgid);
	slave = open(ptsname(master), O_RDWR);
	look(getpid());
	say("with a terminal", "major %d tpgid %s", (tty_nr >> 8) & 0xfff, tpgid == getpid() ? "leader" : "other");
	MUST(pipe(in));
	other = fork();
	if (!other) {
		setpgid(0, 0);
		(void)!read(in[0], &c, 1);
		_exit(0);
	}
	setpgid(other, other);
	signal(SIGTTOU, SIG_IGN);
	OK("another group in front", tcsetpgrp(slave, other));
	look(getpid());
	say("as the leader sees it", "%s", tpgid == other ? "the other" : "wrong");
	look(other);
	say("as the other sees it", "%s", tpgid == other ? "the other" : "wrong");
	(void)!write(in[1], "x", 1);
	waitpid(other, NULL, 0);
	look(getpid());
	say("the group is gone", "%s", tpgid == other ? "its number stays" : tpgid == 0 ? "0" : tpgid == -1 ? "-1" : "wrong");
	OK("give it up", ioctl(slave, TIOCNOTTY));
	look(getpid());
	say("given up", "tty %s tpgid %d", tty_nr ? "some" : "none", tpgid);
	_exit(0);
}

void abi_test(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), pid, status;

	MUST(grantpt(master));
	MUST(unlockpt(master));
	pid = fork();
	if (!pid)
		leader(master);
	waitpid(pid, &status, 0);
	say("end", "%s", status_name(status));
}
