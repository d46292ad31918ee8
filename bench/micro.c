/*
 * What one operation costs: the first process of a guest, the same file on every kernel.
 *
 * Prints `bench: NAME BEST MEDIAN` for each operation, in ticks of the time stamp counter per operation, and
 * `bench: done`.  bench/run turns ticks into time: under emulation and under KVM the counter is the host's, so
 * a guest kernel whose clock is wrong gains nothing.  Under QEMU's -icount shift=0 a tick is an instruction.
 *
 * A batch repeats an operation until it takes BATCH_TICKS, or what the file /batch says; BATCHES batches give
 * the best and the median.  What prepares an operation (forking a partner, mapping, filling a file) stands outside the timed part.
 *
 * `micro exit` ends at once: what fork+exec runs.  `micro tsc` prints the counter's rate, on the host.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#define BATCH_TICKS 10000000
#define BATCHES	    15
#define REPEAT_MAX  (1L << 24)
#define PAGE	    4096L
#define REGION	    (4L << 20) /* bytes that page faults walk over */
#define BLOCK	    (64L << 10)
#define SELF	    "/init"
#define DIRECTORY   "/tmp/bench"
#define SMALL	    DIRECTORY "/small"
#define LARGE	    DIRECTORY "/large"

/* Shared with forked partners. */
static struct shared {
	uint64_t ticks;
	volatile int last;
	volatile long switches;
	volatile int stop;
} *shared;

static char block[BLOCK];
static int zero_fd, null_fd, small_fd, large_fd;

static void must(int good, const char *what)
{
	if (good)
		return;
	printf("bench: failed: %s: %s\n", what, strerror(errno));
	fflush(stdout);
	_exit(1);
}

static uint64_t ticks(void)
{
	return __rdtsc();
}

static void pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(sched_setaffinity(0, sizeof(set), &set) == 0, "sched_setaffinity");
}

static void unpin(void)
{
	cpu_set_t set;

	memset(&set, 0xff, sizeof(set));
	must(sched_setaffinity(0, sizeof(set), &set) == 0, "sched_setaffinity");
}

static pid_t must_fork(void)
{
	pid_t pid = fork();

	must(pid >= 0, "fork");
	return pid;
}

static void must_reap(pid_t pid)
{
	int status = 0;

	must(waitpid(pid, &status, 0) == pid && status == 0, "a child process");
}

/* System calls. */

static uint64_t time_getpid(long count)
{
	uint64_t start = ticks();

	for (long i = 0; i < count; i++)
		syscall(SYS_getpid);
	return ticks() - start;
}

static uint64_t time_read(long count)
{
	uint64_t start = ticks();
	char c;

	for (long i = 0; i < count; i++)
		must(read(zero_fd, &c, 1) == 1, "read of /dev/zero");
	return ticks() - start;
}

static uint64_t time_write(long count)
{
	uint64_t start = ticks();

	for (long i = 0; i < count; i++)
		must(write(null_fd, "", 1) == 1, "write to /dev/null");
	return ticks() - start;
}

static uint64_t time_fstat(long count)
{
	uint64_t start = ticks();
	struct stat st;

	for (long i = 0; i < count; i++)
		must(fstat(small_fd, &st) == 0, "fstat");
	return ticks() - start;
}

static uint64_t time_stat(long count)
{
	uint64_t start = ticks();
	struct stat st;

	for (long i = 0; i < count; i++)
		must(stat(SMALL, &st) == 0, "stat");
	return ticks() - start;
}

static uint64_t time_open_close(long count)
{
	uint64_t start = ticks();

	for (long i = 0; i < count; i++)
		must(close(open(SMALL, O_RDONLY)) == 0, "open and close");
	return ticks() - start;
}

/* Page faults: one operation is one page. */

static volatile char *map(int flags, int fd)
{
	char *region = mmap(NULL, REGION, PROT_READ | PROT_WRITE, flags, fd, 0);

	must(region != MAP_FAILED, "mmap");
	/* One fault a page, also where the kernel would take a huge one. */
	madvise(region, REGION, MADV_NOHUGEPAGE);
	return region;
}

static void unmap(volatile char *region)
{
	must(munmap((void *)region, REGION) == 0, "munmap");
}

static uint64_t write_pages(volatile char *region, long count)
{
	uint64_t start = ticks();

	for (long i = 0; i < count; i++)
		region[i * PAGE] = 1;
	return ticks() - start;
}

static uint64_t read_pages(volatile char *region, long count)
{
	uint64_t start = ticks();

	for (long i = 0; i < count; i++)
		(void)region[i * PAGE];
	return ticks() - start;
}

static long some_pages(long left)
{
	return left < REGION / PAGE ? left : REGION / PAGE;
}

static uint64_t time_fault_anon(long count)
{
	uint64_t sum = 0;

	for (long n; count > 0; count -= n) {
		volatile char *region = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);

		n = some_pages(count);
		sum += write_pages(region, n);
		unmap(region);
	}
	return sum;
}

static uint64_t time_fault_file(long count)
{
	uint64_t sum = 0;

	for (long n; count > 0; count -= n) {
		volatile char *region = map(MAP_PRIVATE, large_fd);

		n = some_pages(count);
		sum += read_pages(region, n);
		unmap(region);
	}
	return sum;
}

static uint64_t time_fault_cow(long count)
{
	volatile char *region = map(MAP_PRIVATE | MAP_ANONYMOUS, -1);
	uint64_t sum = 0;

	write_pages(region, REGION / PAGE);
	for (long n; count > 0; count -= n) {
		pid_t pid = must_fork();

		n = some_pages(count);
		if (pid == 0) {
			shared->ticks = write_pages(region, n);
			_exit(0);
		}
		must_reap(pid);
		sum += shared->ticks;
	}
	unmap(region);
	return sum;
}

/* Two processes. */

struct partner {
	int to, from;
	pid_t pid;
};

static struct partner partner_start(void)
{
	int there[2], back[2];
	struct partner p;
	char c;

	must(pipe(there) == 0 && pipe(back) == 0, "pipe");
	p.pid = must_fork();
	if (p.pid == 0) {
		close(there[1]);
		close(back[0]);
		while (read(there[0], &c, 1) == 1)
			must(write(back[1], &c, 1) == 1, "write to a pipe");
		_exit(0);
	}
	close(there[0]);
	close(back[1]);
	p.to = there[1];
	p.from = back[0];
	return p;
}

static void partner_call(const struct partner *p)
{
	char c = 0;

	must(write(p->to, &c, 1) == 1 && read(p->from, &c, 1) == 1, "a pipe's round trip");
}

static void partner_end(const struct partner *p)
{
	close(p->to);
	close(p->from);
	must_reap(p->pid);
}

static uint64_t time_pipe_trip(long count)
{
	struct partner p = partner_start();
	uint64_t start;

	partner_call(&p);
	start = ticks();
	for (long i = 0; i < count; i++)
		partner_call(&p);
	start = ticks() - start;
	partner_end(&p);
	return start;
}

/* One trip of a token between two processes on one CPU is two switches. */
static uint64_t time_switch(long count)
{
	uint64_t spent;

	pin(0);
	spent = time_pipe_trip(count) / 2;
	unpin();
	return spent;
}

/* Counts the turns that really changed hands, so that a yield which does nothing gains nothing. */
static void take_turns(int me)
{
	while (!shared->stop) {
		if (shared->last != me) {
			shared->last = me;
			shared->switches++;
		}
		sched_yield();
	}
}

static uint64_t time_yield(long count)
{
	uint64_t start;
	pid_t pid;

	pin(0);
	shared->stop = 0;
	shared->last = 0;
	shared->switches = 0;
	pid = must_fork();
	if (pid == 0) {
		take_turns(1);
		_exit(0);
	}
	while (shared->switches == 0)
		sched_yield();
	shared->switches = 0;
	start = ticks();
	while (shared->switches < count) {
		if (shared->last != 0) {
			shared->last = 0;
			shared->switches++;
		}
		sched_yield();
	}
	start = ticks() - start;
	shared->stop = 1;
	must_reap(pid);
	unpin();
	return start;
}

static void on_signal(int number)
{
	(void)number;
}

static uint64_t time_signal(long count)
{
	pid_t me = getpid();
	uint64_t start;

	must(signal(SIGUSR1, on_signal) != SIG_ERR, "signal");
	start = ticks();
	for (long i = 0; i < count; i++)
		must(kill(me, SIGUSR1) == 0, "kill");
	return ticks() - start;
}

/* Processes. */

static uint64_t time_fork_exit(long count)
{
	uint64_t start = ticks();

	for (long i = 0; i < count; i++) {
		pid_t pid = must_fork();

		if (pid == 0)
			_exit(0);
		must_reap(pid);
	}
	return ticks() - start;
}

static uint64_t time_exec(long count, const char *const argv[])
{
	uint64_t start = ticks();

	for (long i = 0; i < count; i++) {
		pid_t pid = must_fork();

		if (pid == 0) {
			execv(argv[0], (char *const *)argv);
			_exit(127);
		}
		must_reap(pid);
	}
	return ticks() - start;
}

static uint64_t time_fork_exec(long count)
{
	return time_exec(count, (const char *[]){SELF, "exit", NULL});
}

static uint64_t time_shell(long count)
{
	return time_exec(count, (const char *[]){"/bin/sh", "-c", SELF " exit; exit 0", NULL});
}

/* Bandwidth: one operation is 64 KiB. */

static uint64_t time_pipe_copy(long count)
{
	uint64_t start;
	long left = count * BLOCK;
	int ends[2];
	pid_t pid;

	must(pipe(ends) == 0, "pipe");
	pid = must_fork();
	if (pid == 0) {
		close(ends[0]);
		for (long i = 0; i < count; i++)
			must(write(ends[1], block, BLOCK) == BLOCK, "write to a pipe");
		_exit(0);
	}
	close(ends[1]);
	start = ticks();
	while (left > 0) {
		ssize_t got = read(ends[0], block, BLOCK);

		must(got > 0, "read from a pipe");
		left -= got;
	}
	start = ticks() - start;
	close(ends[0]);
	must_reap(pid);
	return start;
}

static uint64_t time_file_read(long count)
{
	uint64_t start = ticks();

	for (long i = 0; i < count; i++)
		must(pread(large_fd, block, BLOCK, i * BLOCK % REGION) == BLOCK, "read of a file");
	return ticks() - start;
}

static uint64_t time_file_write(long count)
{
	uint64_t start = ticks();

	for (long i = 0; i < count; i++)
		must(pwrite(large_fd, block, BLOCK, i * BLOCK % REGION) == BLOCK, "write to a file");
	return ticks() - start;
}

static const struct op {
	const char *name;
	uint64_t (*time)(long count); /* ticks that so many take */
} ops[] = {
    {"getpid", time_getpid},
    {"read", time_read},
    {"write", time_write},
    {"fstat", time_fstat},
    {"stat", time_stat},
    {"open_close", time_open_close},
    {"fault_anon", time_fault_anon},
    {"fault_file", time_fault_file},
    {"fault_cow", time_fault_cow},
    {"pipe_trip", time_pipe_trip},
    {"switch", time_switch},
    {"yield", time_yield},
    {"signal", time_signal},
    {"fork_exit", time_fork_exit},
    {"fork_exec", time_fork_exec},
    {"sh_c", time_shell},
    {"pipe_copy", time_pipe_copy},
    {"file_read", time_file_read},
    {"file_write", time_file_write},
};

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* How many repetitions take about @batch ticks; at least doubling, so that warming up ends. */
static long find_count(const struct op *op, uint64_t batch)
{
	long count = 1;

	for (;;) {
		uint64_t spent = op->time(count);
		double factor = (double)batch / (spent + 1);

		if (factor <= 1.2 || count >= REPEAT_MAX)
			return count;
		count *= factor < 2 ? 2 : factor > 10 ? 10 : factor;
	}
}

static void measure(const struct op *op, uint64_t batch)
{
	double per_op[BATCHES];
	long count = find_count(op, batch);

	for (int i = 0; i < BATCHES; i++)
		per_op[i] = (double)op->time(count) / count;
	qsort(per_op, BATCHES, sizeof(per_op[0]), compare);
	printf("bench: %s %.1f %.1f\n", op->name, per_op[0], per_op[BATCHES / 2]);
	fflush(stdout);
}

static void prepare(void)
{
	/* The same file system on every kernel, whatever the first one is. */
	mkdir("/tmp", 0755);
	must(mount("tmpfs", "/tmp", "tmpfs", 0, NULL) == 0, "mount of a tmpfs");
	must(mkdir(DIRECTORY, 0755) == 0, "mkdir");
	zero_fd = open("/dev/zero", O_RDONLY);
	null_fd = open("/dev/null", O_WRONLY);
	small_fd = open(SMALL, O_RDWR | O_CREAT, 0644);
	large_fd = open(LARGE, O_RDWR | O_CREAT, 0644);
	must(zero_fd >= 0 && null_fd >= 0 && small_fd >= 0 && large_fd >= 0, "open");
	memset(block, 'a', sizeof(block));
	time_file_write(REGION / BLOCK);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(shared != MAP_FAILED, "mmap");
}

static uint64_t batch_ticks(void)
{
	FILE *file = fopen("/batch", "r");
	unsigned long batch = BATCH_TICKS;

	if (file) {
		must(fscanf(file, "%lu", &batch) == 1, "/batch");
		fclose(file);
	}
	return batch;
}

static int print_rate(void)
{
	struct timespec from, to;
	uint64_t start;

	clock_gettime(CLOCK_MONOTONIC_RAW, &from);
	start = ticks();
	usleep(500000);
	clock_gettime(CLOCK_MONOTONIC_RAW, &to);
	start = ticks() - start;
	printf("%.0f\n", start / ((to.tv_sec - from.tv_sec) + (to.tv_nsec - from.tv_nsec) / 1e9));
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "exit") == 0)
		return 0;
	if (argc == 2 && strcmp(argv[1], "tsc") == 0)
		return print_rate();
	if (getpid() != 1) {
		fprintf(stderr, "micro: to be run as a guest's first process; bench/run does so\n");
		return 2;
	}
	prepare();
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		measure(&ops[i], batch_ticks());
	printf("bench: done\n");
	fflush(stdout);
	/* The first process may not end; bench/run ends the machine. */
	for (;;)
		pause();
}
