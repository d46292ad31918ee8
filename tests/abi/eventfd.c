/* eventfd and eventfd2. */
#include "abi.h"
#include <sys/eventfd.h>

static long put(int fd, uint64_t value)
{
	return write(fd, &value, 8);
}

static void take(const char *name, int fd)
{
	uint64_t value = 0;
	ssize_t len = read(fd, &value, 8);

	if (len == 8)
		say(name, "%lu", value);
	else
		say(name, "%s", len < 0 ? err_name(errno) : "short");
}

void abi_test(void)
{
	int fd = MUST(eventfd(3, EFD_NONBLOCK | EFD_CLOEXEC));
	struct pollfd p = { fd, POLLIN | POLLOUT, 0 };
	char text[16] = "12345678abcdefg";

	VAL("FD_CLOEXEC", fcntl(fd, F_GETFD));
	take("initial value", fd);
	take("zero, nonblocking", fd);
	poll(&p, 1, 0);
	HEX("poll at 0", p.revents);
	put(fd, 2);
	RET("write", put(fd, 5));
	poll(&p, 1, 0);
	HEX("poll at 7", p.revents);
	take("sum", fd);
	RET("write the maximum", put(fd, UINT64_MAX - 1));
	poll(&p, 1, 0);
	HEX("poll at the maximum", p.revents);
	RET("one more", put(fd, 1));
	RET("zero more", put(fd, 0));
	RET("write of ~0", put(fd, UINT64_MAX));
	RET("short write", write(fd, text, 4));
	RET("short read", read(fd, text, 4));
	RET("long read", read(fd, text, 16));
	RET("long write", write(fd, "\1\0\0\0\0\0\0\0xxxxxxxx", 16));
	take("took 8 bytes of it", fd);
	RET("lseek", lseek(fd, 5, SEEK_SET));
	RET("pread", pread(fd, text, 8, 0));
	RET("bad flags", eventfd(0, 0x1000));
	fd = eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK);
	take("semaphore", fd);
	take("semaphore", fd);
	take("semaphore", fd);
	take("semaphore at 0", fd);
	fd = eventfd(0, 0);
	pid_t pid = fork();
	if (pid == 0) {
		take("blocked reader", fd);
		_exit(0);
	}
	until_asleep(pid);
	put(fd, 9);
	reap(pid);
	put(fd, UINT64_MAX - 1);
	pid = fork();
	if (pid == 0)
		_exit(put(fd, 4));
	until_asleep(pid);
	YES("a full one blocks its writer", waitpid(pid, NULL, WNOHANG) == 0);
	uint64_t value;
	read(fd, &value, 8);
	STR("and lets it go on", reap(pid));
	take("its value", fd);
	char link[64] = "";
	snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
	readlink(text, link, sizeof(link) - 1);
	STR("its name in /proc", link);
}
