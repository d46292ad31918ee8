/* pipe and pipe2, FIFOs: sizes, ends, atomicity, EPIPE, fcntl. */
#include "abi.h"
#include <sys/ioctl.h>

static int fill(int fd)
{
	char block[ABI_PAGE] = { 0 };
	int sum = 0;

	for (;;) {
		ssize_t len = write(fd, block, sizeof(block));

		if (len <= 0)
			return sum;
		sum += len;
	}
}

void abi_test(void)
{
	int p[2], got;
	char text[ABI_PAGE * 2];
	struct stat st;

	MUST(pipe(p));
	RET("write", write(p[1], "hello", 5));
	MUST(ioctl(p[0], FIONREAD, &got));
	VAL("FIONREAD", got);
	RET("short read", read(p[0], text, 2));
	RET("rest", read(p[0], text, 10));
	say("text", "%.3s", text);
	RET("write of nothing", write(p[1], "", 0));
	RET("read of nothing from an empty pipe", read(p[0], text, 0));
	RET("read from the write end", read(p[1], text, 1));
	RET("write to the read end", write(p[0], text, 1));
	RET("lseek", lseek(p[0], 0, SEEK_SET));
	RET("pread", pread(p[0], text, 1, 0));
	RET("ftruncate", ftruncate(p[1], 0));
	RET("fsync", fsync(p[1]));
	MUST(fstat(p[0], &st));
	say("type", "%#o", st.st_mode);
	VAL("st_size", st.st_size);
	VAL("st_nlink", st.st_nlink);
	VAL("access mode of the read end", fcntl(p[0], F_GETFL) & O_ACCMODE);
	VAL("access mode of the write end", fcntl(p[1], F_GETFL) & O_ACCMODE);

	close(p[1]);
	RET("end of file", read(p[0], text, 1));
	close(p[0]);

	MUST(pipe(p));
	close(p[0]);
	signal(SIGPIPE, SIG_IGN);
	RET("write without a reader", write(p[1], "x", 1));
	RET("write of nothing without a reader", write(p[1], "x", 0));
	signal(SIGPIPE, SIG_DFL);
	CHILD("SIGPIPE kills", write(p[1], "x", 1));
	close(p[1]);

	MUST(pipe2(p, O_NONBLOCK | O_CLOEXEC));
	VAL("O_CLOEXEC", fcntl(p[0], F_GETFD));
	YES("O_NONBLOCK", fcntl(p[1], F_GETFL) & O_NONBLOCK);
	RET("empty, nonblocking", read(p[0], text, 1));
	VAL("F_GETPIPE_SZ", fcntl(p[0], F_GETPIPE_SZ));
	VAL("capacity", fill(p[1]));
	RET("full, nonblocking", write(p[1], "x", 1));
	RET("one byte off", read(p[0], text, 1));
	RET("a byte less is not room for a page", write(p[1], text, 1));
	RET("a page off", read(p[0], text, ABI_PAGE - 1));
	RET("now there is room", write(p[1], text, 1));
	RET("a write over PIPE_BUF is cut", ({ read(p[0], text, ABI_PAGE); write(p[1], text, sizeof(text)); }));
	RET("F_SETPIPE_SZ below the content", fcntl(p[1], F_SETPIPE_SZ, 4096));
	close(p[0]);
	close(p[1]);

	MUST(pipe2(p, O_NONBLOCK));
	RET("F_SETPIPE_SZ rounds up", fcntl(p[1], F_SETPIPE_SZ, 5000));
	VAL("smaller capacity", fill(p[1]));
	RET("F_SETPIPE_SZ larger", fcntl(p[1], F_SETPIPE_SZ, 1 << 20));
	RET("F_SETPIPE_SZ 0", fcntl(p[1], F_SETPIPE_SZ, 0));
	close(p[0]);
	close(p[1]);
	APART(
		become(1000);
		MUST(pipe(p));
		RET("F_SETPIPE_SZ over the user's limit", fcntl(p[1], F_SETPIPE_SZ, 2 << 20));
	);

	RET("pipe2 with bad flags", pipe2(p, O_APPEND));
	RET("pipe at a bad address", syscall(SYS_pipe, 8));
	RET("no descriptor is leaked by that", dup(0));

	/* A blocked reader is woken by a writer, and by the last writer's close. */
	MUST(pipe(p));
	pid_t pid = fork();
	if (pid == 0) {
		close(p[1]);
		VAL("blocked read", read(p[0], text, 10));
		VAL("then the end", read(p[0], text, 10));
		_exit(0);
	}
	close(p[0]);
	until_asleep(pid);
	write(p[1], "abc", 3);
	until_asleep(pid);
	close(p[1]);
	STR("reader", reap(pid));

	/* Packets */
	MUST(pipe2(p, O_DIRECT));
	write(p[1], "one", 3);
	write(p[1], "twotwo", 6);
	RET("packet 1", read(p[0], text, 100));
	RET("packet 2 is cut", read(p[0], text, 3));
	write(p[1], "three", 5);
	RET("packet 3", read(p[0], text, 100));
	close(p[0]);
	close(p[1]);

	/* FIFOs */
	OK("mkfifo", mkfifo("fifo", 0600));
	RET("mkfifo again", mkfifo("fifo", 0600));
	RET("open for writing without a reader", open("fifo", O_WRONLY | O_NONBLOCK));
	int r = open("fifo", O_RDONLY | O_NONBLOCK);
	OK("open for reading, nonblocking", r);
	RET("read without a writer", read(r, text, 1));
	int w = open("fifo", O_WRONLY | O_NONBLOCK);
	OK("open for writing with a reader", w);
	RET("read with a writer", read(r, text, 1));
	write(w, "through", 7);
	RET("read data", read(r, text, 100));
	struct pollfd pfd = { r, POLLIN, 0 };
	close(w);
	poll(&pfd, 1, 0);
	HEX("poll after the writer left", pfd.revents);
	close(r);
	OK("O_RDWR does not block", open("fifo", O_RDWR));

	mkfifo("meet", 0600);
	pid = fork();
	if (pid == 0) {
		w = open("meet", O_WRONLY);
		write(w, "met", 3);
		_exit(0);
	}
	r = open("meet", O_RDONLY);
	RET("blocking opens meet", read(r, text, 10));
	STR("writer", reap(pid));

	/* writev of a pipe's atomic size does not mix */
	MUST(pipe(p));
	for (int i = 0; i < 4; i++)
		if (fork() == 0) {
			char part[1000];

			memset(part, 'a' + i, sizeof(part));
			for (int n = 0; n < 50; n++)
				write(p[1], part, sizeof(part));
			_exit(0);
		}
	close(p[1]);
	int mixed = 0, total = 0;
	char part[1000];
	for (;;) {
		size_t have = 0;

		while (have < sizeof(part)) {
			ssize_t len = read(p[0], part + have, sizeof(part) - have);

			if (len <= 0)
				break;
			have += len;
		}
		if (have < sizeof(part))
			break;
		total++;
		for (size_t i = 1; i < sizeof(part); i++)
			mixed += part[i] != part[0];
	}
	VAL("records", total);
	VAL("mixed bytes", mixed);
	while (wait(NULL) > 0)
		;
}
