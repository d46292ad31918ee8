/* Clocks, the vDSO against the system call, times and getrusage, auxv. */
#include "abi.h"
#include <elf.h>
#include <sys/auxv.h>
#include <sys/times.h>
#include <sys/timex.h>

static int64_t ns(struct timespec t)
{
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static bool agree(clockid_t id)
{
	struct timespec a, b, c;

	for (int i = 0; i < 200; i++) {
		clock_gettime(id, &a);
		syscall(SYS_clock_gettime, id, &b);
		clock_gettime(id, &c);
		if (ns(a) > ns(b) || ns(b) > ns(c))
			return false;
	}
	return true;
}

void abi_test(void)
{
	struct timespec a, b, res;
	struct timeval tv;

	YES("realtime agrees with the system call", agree(CLOCK_REALTIME));
	YES("monotonic", agree(CLOCK_MONOTONIC));
	YES("boottime", agree(CLOCK_BOOTTIME));
	YES("monotonic raw", agree(CLOCK_MONOTONIC_RAW));
	YES("realtime coarse", agree(CLOCK_REALTIME_COARSE));
	YES("process time", agree(CLOCK_PROCESS_CPUTIME_ID));
	YES("thread time", agree(CLOCK_THREAD_CPUTIME_ID));
	OK("TAI", clock_gettime(CLOCK_TAI, &a));
	RET("bad clock", clock_gettime(99, &a));
	RET("negative clock of no process", syscall(SYS_clock_gettime, -(0x3ffffffL * 8 + 6), &a));
	RET("bad address", syscall(SYS_clock_gettime, 0, 8));
	clock_getres(CLOCK_MONOTONIC, &res);
	VAL("resolution", res.tv_nsec);
	clock_getres(CLOCK_MONOTONIC_COARSE, &res);
	YES("coarse resolution is a tick", res.tv_sec == 0 && res.tv_nsec >= 1000000 && res.tv_nsec <= 10000000);
	RET("resolution of a bad clock", clock_getres(99, &res));
	RET("resolution without a place", clock_getres(CLOCK_REALTIME, NULL));
	bool up = true;
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 20000; i++) {
		clock_gettime(CLOCK_MONOTONIC, &b);
		up &= ns(b) >= ns(a);
		a = b;
	}
	YES("monotonic never goes back", up);
	clock_gettime(CLOCK_REALTIME, &a);
	gettimeofday(&tv, NULL);
	YES("gettimeofday agrees", labs(tv.tv_sec - a.tv_sec) <= 1);
	YES("time agrees", labs(time(NULL) - a.tv_sec) <= 1);
	YES("the year is sane", a.tv_sec > 1600000000);
	RET("settimeofday bad microseconds", syscall(SYS_settimeofday, &(struct timeval){ 0, 2000000 }, NULL));
	RET("clock_settime monotonic", clock_settime(CLOCK_MONOTONIC, &a));
	APART(become(1000); RET("clock_settime as a user", clock_settime(CLOCK_REALTIME, &a)));
	a.tv_sec += 5000;
	OK("clock_settime", clock_settime(CLOCK_REALTIME, &a));
	clock_gettime(CLOCK_REALTIME, &b);
	YES("the clock moved", ns(b) >= ns(a) && ns(b) < ns(a) + 5000000000ll);
	gettimeofday(&tv, NULL);
	YES("for gettimeofday as well", labs(tv.tv_sec - b.tv_sec) <= 1);
	a.tv_sec -= 5000;
	clock_settime(CLOCK_REALTIME, &a);
	struct timex tx = { 0 };
	YES("adjtimex reads", adjtimex(&tx) >= 0);

	/* processor time */
	clock_t t = times(NULL);
	YES("times", t != (clock_t)-1);
	struct tms tms;
	long start = now_ms();
	while (now_ms() - start < 150)
		;
	times(&tms);
	YES("user time counts", tms.tms_utime + tms.tms_stime >= 5);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	YES("process clock counts", ns(a) >= 50000000);
	sleep_ms(100);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	YES("but not sleep", ns(b) - ns(a) < 80000000);
	struct rusage ru;
	OK("getrusage", getrusage(RUSAGE_SELF, &ru));
	YES("its time", ru.ru_utime.tv_sec * 1000000 + ru.ru_utime.tv_usec + ru.ru_stime.tv_usec >= 50000);
	YES("its faults", ru.ru_minflt > 0);
	YES("its size", ru.ru_maxrss > 100);
	getrusage(RUSAGE_CHILDREN, &ru);
	long before = ru.ru_utime.tv_usec + ru.ru_stime.tv_usec + ru.ru_utime.tv_sec * 1000000;
	APART(start = now_ms(); while (now_ms() - start < 100));
	getrusage(RUSAGE_CHILDREN, &ru);
	YES("children's time after wait", ru.ru_utime.tv_usec + ru.ru_stime.tv_usec + ru.ru_utime.tv_sec * 1000000 - before >= 40000);
	OK("RUSAGE_THREAD", getrusage(RUSAGE_THREAD, &ru));
	RET("getrusage bad who", getrusage(9, &ru));
	clockid_t other;
	pid_t pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	VAL("clock_getcpuclockid", clock_getcpuclockid(pid, &other));
	OK("another process's clock", clock_gettime(other, &a));
	kill(pid, SIGKILL);
	reap(pid);

	/* auxv */
	static const struct { unsigned long type; const char *name; } types[] = {
		{ AT_PHDR, "AT_PHDR" }, { AT_ENTRY, "AT_ENTRY" }, { AT_RANDOM, "AT_RANDOM" }, { AT_EXECFN, "AT_EXECFN" },
		{ AT_PLATFORM, "AT_PLATFORM" }, { AT_SYSINFO_EHDR, "AT_SYSINFO_EHDR" }, { AT_HWCAP, "AT_HWCAP" } };
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		YES(types[i].name, getauxval(types[i].type) != 0);
	say("values", "page %lu phent %lu clktck %lu uid %lu euid %lu secure %lu base %lu flags %lu", getauxval(AT_PAGESZ),
	    getauxval(AT_PHENT), getauxval(AT_CLKTCK), getauxval(AT_UID), getauxval(AT_EUID), getauxval(AT_SECURE),
	    getauxval(AT_BASE), getauxval(AT_FLAGS));
	STR("platform", (char *)getauxval(AT_PLATFORM));
	YES("the vDSO is an ELF image", !memcmp((void *)getauxval(AT_SYSINFO_EHDR), ELFMAG, 4));
	int fd = open("/proc/self/auxv", O_RDONLY);
	unsigned long pair[2], seen = 0, last = 1;
	while (read(fd, pair, 16) == 16) {
		seen += pair[0] == AT_PAGESZ && pair[1] == 4096;
		last = pair[0];
	}
	say("/proc/self/auxv", "%lu ends with %lu", seen, last);
}
