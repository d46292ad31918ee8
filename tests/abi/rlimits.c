/* getrlimit, setrlimit, prlimit64 and what limits do. */
#include "abi.h"

void abi_test(void)
{
	struct rlimit lim, old;

	OK("getrlimit", getrlimit(RLIMIT_NOFILE, &lim));
	say("NOFILE", "%lu %lu", lim.rlim_cur, lim.rlim_max);
	getrlimit(RLIMIT_STACK, &lim);
	say("STACK", "%lu %d", lim.rlim_cur, lim.rlim_max == RLIM_INFINITY);
	getrlimit(RLIMIT_CORE, &lim);
	say("CORE", "%lu %d", lim.rlim_cur, lim.rlim_max == RLIM_INFINITY);
	getrlimit(RLIMIT_AS, &lim);
	YES("AS unlimited", lim.rlim_cur == RLIM_INFINITY && lim.rlim_max == RLIM_INFINITY);
	getrlimit(RLIMIT_NICE, &lim);
	say("NICE", "%lu %lu", lim.rlim_cur, lim.rlim_max);
	getrlimit(RLIMIT_RTPRIO, &lim);
	say("RTPRIO", "%lu %lu", lim.rlim_cur, lim.rlim_max);
	getrlimit(RLIMIT_MSGQUEUE, &lim);
	say("MSGQUEUE", "%lu %lu", lim.rlim_cur, lim.rlim_max);
	RET("bad resource", getrlimit(99, &lim));
	RET("bad address", syscall(SYS_getrlimit, RLIMIT_AS, 8));
	lim = (struct rlimit){ 20, 10 };
	RET("soft over hard", setrlimit(RLIMIT_NOFILE, &lim));
	lim = (struct rlimit){ 10, 1UL << 40 };
	RET("NOFILE over nr_open", setrlimit(RLIMIT_NOFILE, &lim));
	APART(
		become(1000);
		lim = (struct rlimit){ 10, 20 };
		OK("lower", setrlimit(RLIMIT_NOFILE, &lim));
		lim = (struct rlimit){ 20, 20 };
		OK("soft up to hard", setrlimit(RLIMIT_NOFILE, &lim));
		lim = (struct rlimit){ 20, 30 };
		RET("raise hard as a user", setrlimit(RLIMIT_NOFILE, &lim));
		RET("another user's process", prlimit(1, RLIMIT_NOFILE, NULL, &lim));
	);
	OK("prlimit", prlimit(0, RLIMIT_NOFILE, &(struct rlimit){ 64, 64 }, &old));
	getrlimit(RLIMIT_NOFILE, &lim);
	VAL("set", lim.rlim_cur);
	CHILD("inherited", getrlimit(RLIMIT_NOFILE, &lim); _exit(lim.rlim_cur));
	RET("prlimit no process", prlimit(0x3ffffff, RLIMIT_NOFILE, NULL, &lim));

	lim = (struct rlimit){ 1000, 1000 };
	APART(
		int fd = open("f", O_CREAT | O_RDWR, 0600);
		setrlimit(RLIMIT_FSIZE, &lim);
		signal(SIGXFSZ, SIG_IGN);
		char block[600] = { 0 };
		RET("FSIZE: below", write(fd, block, 600));
		RET("FSIZE: cut", write(fd, block, 600));
		RET("FSIZE: at it", write(fd, block, 600));
		RET("FSIZE: ftruncate", ftruncate(fd, 2000));
		RET("FSIZE: pwrite beyond", pwrite(fd, "x", 1, 5000));
	);
	CHILD("SIGXFSZ",
		int fd = open("f", O_RDWR);
		setrlimit(RLIMIT_FSIZE, &lim);
		pwrite(fd, "x", 1, 5000));
	CHILD("RLIMIT_CPU",
		lim = (struct rlimit){ 1, 2 };
		setrlimit(RLIMIT_CPU, &lim);
		for (;;) ;);
	APART(
		lim = (struct rlimit){ 5, 5 };
		setrlimit(RLIMIT_NPROC, &lim);
		become(31337);
		int made = 0;
		pid_t pid = 0;
		while (made < 10 && (pid = fork()) > 0)
			made++;
		if (pid == 0) {
			sleep_ms(300);
			_exit(0);
		}
		say("RLIMIT_NPROC", "%d %s", made, err_name(errno));
		while (wait(NULL) > 0)
			;
	);
	APART(
		lim = (struct rlimit){ 0, 0 };
		setrlimit(RLIMIT_NOFILE, &lim);
		RET("NOFILE 0", dup(1));
	);
}
