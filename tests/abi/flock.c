/* flock: whole-file locks of open files. */
#include "abi.h"
#include <sys/file.h>

void abi_test(void)
{
	put_file("f", "", 0644);
	int a = open("f", O_RDONLY), b = open("f", O_RDWR), c = dup(a);

	RET("exclusive", flock(a, LOCK_EX));
	RET("again", flock(a, LOCK_EX));
	RET("another open file", flock(b, LOCK_EX | LOCK_NB));
	RET("shared by another", flock(b, LOCK_SH | LOCK_NB));
	RET("a dup is the same", flock(c, LOCK_EX | LOCK_NB));
	RET("downgrade", flock(a, LOCK_SH));
	RET("shared by another then", flock(b, LOCK_SH | LOCK_NB));
	RET("upgrade against another", flock(a, LOCK_EX | LOCK_NB));
	RET("unlock", flock(b, LOCK_UN));
	RET("unlock again", flock(b, LOCK_UN));
	RET("upgrade", flock(a, LOCK_EX | LOCK_NB));
	APART(RET("a child unlocks for all", flock(a, LOCK_UN)));
	RET("free now", flock(b, LOCK_EX | LOCK_NB));
	close(b);
	RET("close releases", flock(a, LOCK_EX | LOCK_NB));
	close(a);
	b = open("f", O_RDWR);
	RET("a dup holds it", flock(b, LOCK_EX | LOCK_NB));
	close(c);
	RET("the last close releases", flock(b, LOCK_EX | LOCK_NB));
	RET("bad operation", flock(b, 0));
	RET("both", flock(b, LOCK_SH | LOCK_EX));
	RET("bad descriptor", flock(99, LOCK_SH));
	int p[2];
	pipe(p);
	OK("a pipe", flock(p[0], LOCK_EX | LOCK_NB));
	OK("a directory", flock(open(".", O_RDONLY), LOCK_SH));
	pid_t pid = fork();
	if (pid == 0) {
		int d = open("f", O_RDONLY);

		_exit(flock(d, LOCK_SH) == 0 ? 4 : 5);
	}
	until_asleep(pid);
	YES("a waiter blocks", waitpid(pid, NULL, WNOHANG) == 0);
	flock(b, LOCK_UN);
	STR("and gets it", reap(pid));
	RET("fcntl locks are apart", ({
		flock(b, LOCK_EX);
		struct flock fl = { .l_type = F_WRLCK };
		int r = -2;
		pid = fork();
		if (pid == 0)
			_exit(fcntl(open("f", O_RDWR), F_SETLK, &fl) ? 1 : 0);
		r = WEXITSTATUS(reap_status(pid)); r; }));
}
