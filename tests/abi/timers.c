/* alarm, setitimer, POSIX timers, nanosleep. */
#include "abi.h"

static volatile int fired, last;

static void on_alarm(int sig)
{
	fired++;
	last = sig;
}

static void wait_for(int count)
{
	long end = now_ms() + 8000;

	while (fired < count && now_ms() < end)
		sleep_ms(1);
}

void abi_test(void)
{
	struct itimerval it = { { 0, 0 }, { 0, 20000 } }, old;
	struct itimerspec its, its_old;
	struct sigevent sev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1 };
	timer_t t;
	long start;

	alarm(0);
	VAL("alarm of none", alarm(100));
	VAL("its rest", alarm(0) >= 99);
	signal(SIGALRM, on_alarm);
	signal(SIGVTALRM, on_alarm);
	signal(SIGPROF, on_alarm);
	signal(SIGUSR1, on_alarm);
	start = now_ms();
	OK("setitimer", setitimer(ITIMER_REAL, &it, NULL));
	wait_for(1);
	YES("not early", now_ms() - start >= 20);
	getitimer(ITIMER_REAL, &old);
	VAL("one-shot is over", old.it_value.tv_sec + old.it_value.tv_usec);
	it.it_interval.tv_usec = 5000;
	it.it_value.tv_usec = 5000;
	fired = 0;
	setitimer(ITIMER_REAL, &it, NULL);
	wait_for(5);
	YES("repeats", fired >= 5);
	it = (struct itimerval){ { 0, 0 }, { 0, 0 } };
	setitimer(ITIMER_REAL, &it, &old);
	VAL("old interval", old.it_interval.tv_usec);
	alarm(50);
	APART(VAL("a child has none", alarm(0)));
	getitimer(ITIMER_REAL, &old);
	YES("alarm is ITIMER_REAL", old.it_value.tv_sec >= 48);
	alarm(0);
	it.it_value.tv_usec = 1000000;
	RET("bad microseconds", setitimer(ITIMER_REAL, &it, NULL));
	RET("bad timer", setitimer(7, &it, NULL));
	RET("bad address", syscall(SYS_getitimer, ITIMER_REAL, 8));
	it.it_value.tv_usec = 30000;
	fired = 0;
	setitimer(ITIMER_VIRTUAL, &it, NULL);
	sleep_ms(60);
	VAL("ITIMER_VIRTUAL sleeps with us", fired);
	for (start = now_ms(); !fired && now_ms() - start < 5000;)
		;
	say("and runs with us", "%s", fired ? sig_name(last) : "no");
	fired = 0;
	setitimer(ITIMER_PROF, &it, NULL);
	for (start = now_ms(); !fired && now_ms() - start < 5000;)
		;
	say("ITIMER_PROF", "%s", fired ? sig_name(last) : "no");

	OK("timer_create", timer_create(CLOCK_MONOTONIC, &sev, &t));
	its = (struct itimerspec){ { 0, 0 }, { 0, 10000000 } };
	fired = 0;
	OK("timer_settime", timer_settime(t, 0, &its, NULL));
	wait_for(1);
	say("its signal", "%s", fired ? sig_name(last) : "none");
	timer_gettime(t, &its_old);
	VAL("disarmed after it", its_old.it_value.tv_nsec + its_old.it_value.tv_sec);
	RET("overrun", timer_getoverrun(t));
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	its = (struct itimerspec){ { 0, 1000000 }, { 0, 1000000 } };
	timer_settime(t, 0, &its, NULL);
	sleep_ms(100);
	its = (struct itimerspec){ { 0, 0 }, { 0, 0 } };
	siginfo_t info;
	sigtimedwait(&set, &info, &(struct timespec){ 1, 0 });
	YES("overruns count what one signal stands for", info.si_overrun >= 50);
	timer_settime(t, 0, &its, &its_old);
	VAL("old interval", its_old.it_interval.tv_nsec);
	OK("timer_delete", timer_delete(t));
	RET("timer_delete again", syscall(SYS_timer_delete, 12345));
	its.it_value.tv_nsec = 1000000000;
	timer_create(CLOCK_REALTIME, &sev, &t);
	RET("bad nanoseconds", timer_settime(t, 0, &its, NULL));
	APART(RET("a child has no timers", syscall(SYS_timer_gettime, (long)t, &its)));
	its = (struct itimerspec){ { 0, 0 }, { 1, 0 } };
	sigtimedwait(&set, NULL, &(struct timespec){ 0, 0 });
	timer_settime(t, TIMER_ABSTIME, &its, NULL);
	RET("absolute, in the past", sigtimedwait(&set, &info, &(struct timespec){ 2, 0 }) == SIGUSR1);
	int id;
	RET("bad clock", syscall(SYS_timer_create, 99, NULL, &id));
	sev.sigev_notify = 77;
	RET("bad notification", syscall(SYS_timer_create, CLOCK_MONOTONIC, &sev, &id));
	sev.sigev_notify = SIGEV_SIGNAL;
	sev.sigev_signo = 99;
	RET("bad signal", syscall(SYS_timer_create, CLOCK_MONOTONIC, &sev, &id));

	struct timespec ts = { 0, 1000000000 }, left;
	RET("nanosleep bad time", nanosleep(&ts, NULL));
	ts = (struct timespec){ -1, 0 };
	RET("nanosleep negative", nanosleep(&ts, NULL));
	ts = (struct timespec){ 0, 0 };
	RET("nanosleep 0", nanosleep(&ts, NULL));
	RET("nanosleep bad address", syscall(SYS_nanosleep, 8, NULL));
	ts.tv_nsec = 30000000;
	start = now_ms();
	RET("nanosleep", nanosleep(&ts, &left));
	YES("long enough", now_ms() - start >= 30);
	STR("clock_nanosleep of the past", err_name(clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &(struct timespec){ 1, 0 }, NULL)));
	STR("clock_nanosleep bad clock", err_name(clock_nanosleep(99, 0, &ts, NULL)));
	STR("clock_nanosleep thread clock", err_name(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &ts, NULL)));
	STR("clock_nanosleep raw clock", err_name(clock_nanosleep(CLOCK_MONOTONIC_RAW, 0, &ts, NULL)));
}
