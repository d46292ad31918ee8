/* POSIX record locks and open-file-description locks. */
#include "abi.h"

static int lock(int fd, int cmd, int type, off_t start, off_t len)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, cmd, &fl);
}

static void who(const char *name, int fd, int type, off_t start, off_t len)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };
	static const char *const types[] = { "read", "write", "unlocked" };

	if (fcntl(fd, F_GETLK, &fl))
		say(name, "%s", err_name(errno));
	else if (fl.l_type == F_UNLCK)
		say(name, "free");
	else
		say(name, "%s %ld %ld parent %d", types[fl.l_type], (long)fl.l_start, (long)fl.l_len, fl.l_pid == getppid());
}

void abi_test(void)
{
	put_file("f", "0123456789", 0644);
	int fd = open("f", O_RDWR), ro = open("f", O_RDONLY), wo = open("f", O_WRONLY);
	int hold[2];

	RET("write lock", lock(fd, F_SETLK, F_WRLCK, 0, 10));
	RET("own lock again", lock(fd, F_SETLK, F_WRLCK, 5, 10));
	RET("write lock of O_RDONLY", lock(ro, F_SETLK, F_WRLCK, 50, 1));
	RET("read lock of O_WRONLY", lock(wo, F_SETLK, F_RDLCK, 50, 1));
	APART(
		RET("conflict", lock(fd, F_SETLK, F_WRLCK, 14, 1));
		RET("read conflict", lock(fd, F_SETLK, F_RDLCK, 0, 0));
		OK("beside it", lock(fd, F_SETLK, F_WRLCK, 15, 1));
		who("merged", fd, F_WRLCK, 0, 0);
	);
	lock(fd, F_SETLK, F_UNLCK, 4, 2);
	APART(
		who("split, first", fd, F_WRLCK, 0, 0);
		who("the gap", fd, F_WRLCK, 4, 2);
		who("split, second", fd, F_WRLCK, 5, 0);
	);
	lock(fd, F_SETLK, F_RDLCK, 8, 2);
	APART(
		OK("read locks share", lock(fd, F_SETLK, F_RDLCK, 8, 2));
		who("write against read", fd, F_WRLCK, 8, 2);
	);
	lock(fd, F_SETLK, F_UNLCK, 0, 0);
	lock(fd, F_SETLK, F_WRLCK, 100, 0);
	APART(who("to the end", fd, F_RDLCK, 1000000, 1));
	close(dup(fd));
	APART(who("any close of the file releases", fd, F_RDLCK, 100, 1));
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_END, .l_start = -2, .l_len = 2 };
	OK("from the end", fcntl(fd, F_SETLK, &fl));
	APART(who("its place", fd, F_RDLCK, 0, 0));
	fl = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 50, .l_len = -10 };
	OK("negative length", fcntl(fd, F_SETLK, &fl));
	APART(who("its place", fd, F_RDLCK, 20, 100));
	RET("before the file", lock(fd, F_SETLK, F_WRLCK, -1, 1));
	RET("bad type", lock(fd, F_SETLK, 9, 0, 1));
	fl = (struct flock){ .l_type = F_WRLCK, .l_whence = 9 };
	RET("bad whence", fcntl(fd, F_SETLK, &fl));
	RET("bad address", fcntl(fd, F_SETLK, 8));
	lock(fd, F_SETLK, F_UNLCK, 0, 0);

	/* waiting, deadlock, interruption */
	MUST(pipe(hold));
	lock(fd, F_SETLK, F_WRLCK, 0, 1);
	pid_t pid = fork();
	if (pid == 0)
		_exit(lock(fd, F_SETLKW, F_WRLCK, 0, 1) == 0 ? 3 : 4);
	until_asleep(pid);
	YES("waits", waitpid(pid, NULL, WNOHANG) == 0);
	lock(fd, F_SETLK, F_UNLCK, 0, 1);
	STR("gets it", reap(pid));
	lock(fd, F_SETLK, F_WRLCK, 0, 1);
	pid = fork();
	if (pid == 0) {
		lock(fd, F_SETLK, F_WRLCK, 5, 1);
		write(hold[1], "x", 1);
		_exit(lock(fd, F_SETLKW, F_WRLCK, 0, 1) == 0 ? 3 : 4);
	}
	char c;
	read(hold[0], &c, 1);
	until_asleep(pid);
	RET("deadlock", lock(fd, F_SETLKW, F_WRLCK, 5, 1));
	lock(fd, F_SETLK, F_UNLCK, 0, 0);
	STR("the other goes on", reap(pid));

	/* exit releases; exec and fork do not inherit */
	APART(lock(fd, F_SETLK, F_WRLCK, 0, 0));
	RET("exit releases", lock(fd, F_SETLK, F_WRLCK, 0, 0));
	APART(RET("fork inherits none", lock(fd, F_SETLK, F_WRLCK, 0, 0)));
	lock(fd, F_SETLK, F_UNLCK, 0, 0);

	/* open file description locks */
	int other = open("f", O_RDWR);
	RET("OFD lock", lock(fd, F_OFD_SETLK, F_WRLCK, 0, 5));
	RET("OFD conflict in one process", lock(other, F_OFD_SETLK, F_WRLCK, 0, 5));
	RET("OFD against POSIX", lock(other, F_SETLK, F_WRLCK, 0, 5));
	close(dup(fd));
	RET("a dup's close keeps it", lock(other, F_OFD_SETLK, F_WRLCK, 0, 5));
	fl = (struct flock){ .l_type = F_WRLCK };
	fcntl(other, F_OFD_GETLK, &fl);
	say("OFD_GETLK", "type %d pid %d", fl.l_type, fl.l_pid);
	fl = (struct flock){ .l_type = F_WRLCK, .l_pid = 1 };
	RET("OFD with a pid", fcntl(other, F_OFD_SETLK, &fl));
	close(fd);
	RET("its last close releases", lock(other, F_OFD_SETLK, F_WRLCK, 0, 5));
	RET("lockf", lockf(other, F_TEST, 0));
	RET("F_SETLEASE on a shared file", fcntl(ro, F_SETLEASE, F_WRLCK));
	RET("F_GETLEASE", fcntl(ro, F_GETLEASE));
}
