/* timerfd. */
#include "abi.h"
#include <sys/timerfd.h>

void abi_test(void)
{
	struct itimerspec set = { { 0, 0 }, { 0, 20000000 } }, old;
	int fd = MUST(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
	uint64_t n = 0;
	struct pollfd p = { fd, POLLIN, 0 };

	RET("bad clock", timerfd_create(99, 0));
	RET("process clock", timerfd_create(CLOCK_PROCESS_CPUTIME_ID, 0));
	RET("bad flags", timerfd_create(CLOCK_MONOTONIC, 1));
	OK("realtime", timerfd_create(CLOCK_REALTIME, 0));
	OK("boottime", timerfd_create(CLOCK_BOOTTIME, 0));
	RET("disarmed, nonblocking", read(fd, &n, 8));
	RET("poll disarmed", poll(&p, 1, 0));
	RET("settime", timerfd_settime(fd, 0, &set, NULL));
	timerfd_gettime(fd, &old);
	YES("gettime", old.it_value.tv_sec == 0 && old.it_value.tv_nsec > 0 && old.it_value.tv_nsec <= 20000000);
	RET("too early", read(fd, &n, 8));
	RET("poll", poll(&p, 1, 5000));
	RET("read", read(fd, &n, 8));
	VAL("expirations", n);
	RET("once only", read(fd, &n, 8));
	timerfd_gettime(fd, &old);
	VAL("gettime afterwards", old.it_value.tv_sec + old.it_value.tv_nsec);
	set = (struct itimerspec){ { 0, 5000000 }, { 0, 5000000 } };
	timerfd_settime(fd, 0, &set, NULL);
	sleep_ms(60);
	read(fd, &n, 8);
	YES("periodic expirations add up", n >= 10 && n < 4000);
	set = (struct itimerspec){ { 0, 0 }, { 100, 0 } };
	timerfd_settime(fd, 0, &set, &old);
	VAL("old interval", old.it_interval.tv_nsec);
	set = (struct itimerspec){ { 0, 0 }, { 0, 0 } };
	timerfd_settime(fd, 0, &set, &old);
	YES("old value", old.it_value.tv_sec == 99 || old.it_value.tv_sec == 100);
	RET("disarmed", read(fd, &n, 8));
	set = (struct itimerspec){ { 0, 0 }, { 1, 0 } };
	timerfd_settime(fd, TFD_TIMER_ABSTIME, &set, NULL);
	poll(&p, 1, 1000);
	RET("absolute time in the past", read(fd, &n, 8));
	VAL("its expirations", n);
	set.it_value.tv_nsec = 1000000000;
	RET("bad nanoseconds", timerfd_settime(fd, 0, &set, NULL));
	set.it_value.tv_nsec = 0;
	RET("bad settime flags", timerfd_settime(fd, 0x10, &set, NULL));
	RET("settime of another descriptor", timerfd_settime(0, 0, &set, NULL));
	RET("gettime at a bad address", syscall(SYS_timerfd_gettime, fd, 8));
	RET("short read", read(fd, &n, 4));
	RET("write", write(fd, &n, 8));
	int blocking = timerfd_create(CLOCK_REALTIME, 0);
	set = (struct itimerspec){ { 0, 0 }, { 0, 10000000 } };
	timerfd_settime(blocking, 0, &set, NULL);
	RET("blocking read", read(blocking, &n, 8));
}
