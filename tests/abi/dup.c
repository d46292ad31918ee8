/* dup, dup2, dup3, fcntl's descriptor commands. */
#include "abi.h"

void abi_test(void)
{
	int fd = MUST(open("f", O_CREAT | O_RDWR, 0644)), fd2;

	fd2 = dup(fd);
	YES("dup is the lowest", fd2 == fd + 1);
	write(fd, "abc", 3);
	VAL("the offset is shared", lseek(fd2, 0, SEEK_CUR));
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	say("FD_CLOEXEC is not shared", "%d %d", fcntl(fd, F_GETFD), fcntl(fd2, F_GETFD));
	VAL("dup clears it", fcntl(dup(fd), F_GETFD));
	fcntl(fd, F_SETFL, O_APPEND | O_NONBLOCK);
	HEX("status flags are shared", fcntl(fd2, F_GETFL));
	RET("F_SETFL cannot change the access mode", ({ fcntl(fd, F_SETFL, O_RDONLY); fcntl(fd, F_GETFL) & O_ACCMODE; }));
	RET("F_SETFL ignores O_CREAT and O_TRUNC", fcntl(fd, F_SETFL, O_CREAT | O_TRUNC));
	HEX("flags then", fcntl(fd, F_GETFL));
	RET("F_SETFD takes only its bit", ({ fcntl(fd, F_SETFD, 0xfe); fcntl(fd, F_GETFD); }));
	RET("dup -1", dup(-1));
	RET("dup 999", dup(999));
	RET("dup2", dup2(fd, 50));
	RET("dup2 to itself", dup2(50, 50));
	RET("dup2 of a closed one to itself", dup2(60, 60));
	RET("dup2 to -1", dup2(fd, -1));
	RET("dup2 beyond the limit", dup2(fd, 1 << 20));
	RET("dup2 of a bad one leaves the target", dup2(999, 50));
	OK("it is open", fcntl(50, F_GETFD));
	RET("dup3 to itself", dup3(50, 50, 0));
	RET("dup3 bad flags", dup3(50, 51, O_APPEND));
	RET("dup3", dup3(50, 51, O_CLOEXEC));
	VAL("its FD_CLOEXEC", fcntl(51, F_GETFD));
	RET("F_DUPFD", fcntl(fd, F_DUPFD, 70));
	RET("F_DUPFD again", fcntl(fd, F_DUPFD, 70));
	RET("F_DUPFD_CLOEXEC", fcntl(fd, F_DUPFD_CLOEXEC, 80));
	VAL("has FD_CLOEXEC", fcntl(80, F_GETFD));
	RET("F_DUPFD -1", fcntl(fd, F_DUPFD, -1));
	RET("F_DUPFD beyond the limit", fcntl(fd, F_DUPFD, 1 << 20));
	RET("unknown command", fcntl(fd, 12345));
	RET("fcntl of a bad descriptor", fcntl(999, F_GETFL));

	put_file("g", "second", 0644);
	int g = open("g", O_RDONLY);
	char c = 0;
	dup2(g, fd);
	read(fd, &c, 1);
	say("dup2 replaced the file", "%c", c);
	VAL("and moved its offset", lseek(g, 0, SEEK_CUR));
	int again = open("g", O_RDONLY);
	VAL("a second open has its own offset", lseek(again, 0, SEEK_CUR));

	int p[2];
	MUST(pipe(p));
	int q = dup(p[1]);
	close(p[1]);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	RET("a dup keeps the pipe open", read(p[0], &c, 1));
	close(q);
	RET("then it ends", read(p[0], &c, 1));
	MUST(pipe(p));
	dup2(g, p[1]);
	RET("dup2 closes what it replaces", read(p[0], &c, 1));

	struct rlimit lim = { 100, 100 };
	APART(
		setrlimit(RLIMIT_NOFILE, &lim);
		RET("dup2 to the limit", dup2(g, 100));
		RET("dup2 below the limit", dup2(g, 99));
		RET("F_DUPFD at the limit", fcntl(g, F_DUPFD, 99));
	);
	APART(
		lim.rlim_cur = lim.rlim_max = 4;
		setrlimit(RLIMIT_NOFILE, &lim);
		RET("descriptors above a lowered limit work", read(again, &c, 1));
		RET("dup above it", dup(again));
	);
	RET("F_GETOWN", fcntl(g, F_GETOWN));
	OK("F_SETOWN", fcntl(p[0], F_SETOWN, getpid()));
	YES("F_GETOWN then", fcntl(p[0], F_GETOWN) == getpid());
	RET("F_GETSIG", fcntl(p[0], F_GETSIG));
	OK("F_SETSIG", fcntl(p[0], F_SETSIG, SIGUSR1));
	RET("F_GETSIG then", fcntl(p[0], F_GETSIG));
	RET("F_SETSIG 99", fcntl(p[0], F_SETSIG, 99));
}
