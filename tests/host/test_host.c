#define _GNU_SOURCE
/*
 * The kernel as a library.  Each test runs in a child, which tells how it went by its exit status: one that crashes costs no other.
 */
#include <time.h>
#include "tests/host/host.h"

enum { ROUNDS = 200 };

static void start(uint64_t seed, unsigned cpus)
{
	CHECK_EQ(auk_start(&(struct auk_config){ .seed = seed, .cpus = cpus, .console = keep_log }), 0);
}

/* ---- start and stop ---- */

static uint64_t start_stop(uint64_t cpus)
{
	start(1, (unsigned)cpus);
	CHECK_EQ(auk_syscall(SYS_getpid), 1);
	CHECK_EQ(auk_syscall(SYS_getuid), 0);
	CHECK_EQ(auk_syscall(9999), -ENOSYS);
	CHECK(log_len > 0 && memmem(log_text, log_len, "Auk ", 4));
	CHECK_EQ(auk_start(&(struct auk_config){ .seed = 1 }), -EBUSY);
	CHECK_EQ(auk_stop(), 0);
	return 0;
}

static void test_start_stop(void **state)
{
	for (uint64_t cpus = 1; cpus <= 8; cpus *= 2)
		in_child(start_stop, cpus);
}

/* A second kernel finds nothing of the first: the same seed gives the same trace. */
static uint64_t one_after_another(uint64_t arg)
{
	uint64_t first[4];

	for (unsigned round = 0; round < 3; round++) {
		for (unsigned cpus = 1; cpus <= 4; cpus++) {
			start(7, cpus);
			CHECK_EQ(auk_syscall(SYS_getpid), 1);
			uint64_t name = user_string("/left"), hash = auk_trace_hash();

			CHECK_EQ(auk_syscall(SYS_mkdir, name, 0755), 0);
			if (!round)
				first[cpus - 1] = hash;
			CHECK(hash == first[cpus - 1]);
			auk_free(name, PAGE);
			CHECK_EQ(auk_syscall(SYS_rmdir, user_string("/left")), 0);
			CHECK_EQ(auk_stop(), 0);
		}
	}
	return 0;
}

static void test_one_after_another(void **state)
{
	in_child(one_after_another, 0);
}

static uint64_t bad_config(uint64_t arg)
{
	CHECK_EQ(auk_start(&(struct auk_config){ .cpus = 65 }), -EINVAL);
	CHECK_EQ(auk_start(&(struct auk_config){ .memory_bytes = 4096 }), -EINVAL);
	return 0;
}

static void test_bad_config(void **state)
{
	in_child(bad_config, 0);
}

/* ---- files ---- */

static uint64_t files(uint64_t seed)
{
	char back[32] = "";

	start(seed, 2);
	uint64_t dir = user_string("/d"), name = user_string("/d/f"), text = user_string("hello, file"), buf = auk_alloc(PAGE);
	CHECK_EQ(auk_syscall(SYS_mkdir, dir, 0755), 0);
	CHECK_EQ(auk_syscall(SYS_mkdir, dir, 0755), -EEXIST);
	long fd = auk_syscall(SYS_open, name, O_CREAT | O_RDWR | O_EXCL, 0644);
	CHECK(fd >= 0);
	CHECK_EQ(auk_syscall(SYS_write, fd, text, 11), 11);
	CHECK_EQ(auk_syscall(SYS_lseek, fd, 0, SEEK_SET), 0);
	CHECK_EQ(auk_syscall(SYS_read, fd, buf, PAGE), 11);
	CHECK_EQ(auk_get(back, buf, 11), 0);
	CHECK(!strcmp(back, "hello, file"));
	CHECK_EQ(auk_syscall(SYS_read, fd, 16, 1), 0);		/* at the end nothing is copied */
	CHECK_EQ(auk_syscall(SYS_pread64, fd, 16, 1, 0), -EFAULT);
	CHECK_EQ(auk_syscall(SYS_rmdir, dir), -ENOTEMPTY);
	CHECK_EQ(auk_syscall(SYS_unlink, name), 0);
	CHECK_EQ(auk_syscall(SYS_open, name, O_RDONLY), -ENOENT);
	CHECK_EQ(auk_syscall(SYS_close, fd), 0);
	CHECK_EQ(auk_syscall(SYS_rmdir, dir), 0);
	CHECK_EQ(auk_stop(), 0);
	return 0;
}

static void test_files(void **state)
{
	for (uint64_t seed = 0; seed < 10; seed++)
		in_child(files, seed);
}

static uint64_t leaves_file(uint64_t arg)
{
	start(1, 2);
	uint64_t name = user_string("/left"), buf = auk_alloc(16 * PAGE);
	long fd = auk_syscall(SYS_open, name, O_CREAT | O_RDWR, 0644);
	CHECK_EQ(auk_syscall(SYS_write, fd, buf, 16 * PAGE), 16 * PAGE);
	return (uint64_t)auk_stop();
}

static void test_leak_is_told(void **state)
{
	assert_in_range(in_child(leaves_file, 0), 16, 40);
}

/* ---- processes ---- */

static uint64_t user_buf;	/* forked children have it at the same address */
static long pipe_fd[2];

static int producer(void *arg)
{
	char line[64];

	for (int i = 0; i < ROUNDS; i++) {
		memset(line, 'a' + i % 26, sizeof(line));
		CHECK_EQ(auk_put(user_buf, line, sizeof(line)), 0);
		CHECK_EQ(auk_syscall(SYS_write, pipe_fd[1], user_buf, sizeof(line)), sizeof(line));
		if (i % 50 == 0)
			CHECK_EQ(auk_syscall(SYS_sched_yield), 0);
	}
	return 7;
}

static int consumer(void *arg)
{
	char line[64];
	long total = 0, n;

	CHECK_EQ(auk_syscall(SYS_close, pipe_fd[1]), 0);
	while ((n = auk_syscall(SYS_read, pipe_fd[0], user_buf, sizeof(line))) > 0) {
		CHECK_EQ(auk_get(line, user_buf, (size_t)n), 0);
		for (long i = 0; i < n; i++, total++)
			CHECK_EQ(line[i], 'a' + total / 64 % 26);
	}
	CHECK_EQ(n, 0);
	return total == ROUNDS * 64 ? 9 : 1;
}

static void pipes(void)
{
	int fds[2];

	user_buf = auk_alloc(PAGE);
	CHECK_EQ(auk_syscall(SYS_pipe2, user_buf, 0), 0);
	CHECK_EQ(auk_get(fds, user_buf, sizeof(fds)), 0);
	pipe_fd[0] = fds[0];
	pipe_fd[1] = fds[1];
	long p = auk_run(producer, NULL), c = auk_run(consumer, NULL);
	CHECK(p > 1 && c > p);
	CHECK_EQ(auk_syscall(SYS_close, pipe_fd[0]), 0);
	CHECK_EQ(auk_syscall(SYS_close, pipe_fd[1]), 0);
	CHECK_EQ(auk_wait(p), 7 << 8);
	CHECK_EQ(auk_wait(c), 9 << 8);
	CHECK_EQ(auk_wait(-1), -ECHILD);
}

static uint64_t pipe_run(uint64_t seed)
{
	start(seed, 2);
	pipes();
	uint64_t hash = auk_trace_hash();
	CHECK(auk_switches() > 10);
	CHECK_EQ(auk_stop(), 0);
	return hash;
}

static void test_pipe(void **state)
{
	for (uint64_t seed = 0; seed < 20; seed++)
		in_child(pipe_run, seed);
}

static void test_same_seed_same_trace(void **state)
{
	uint64_t first = in_child(pipe_run, 7);

	assert_int_equal(in_child(pipe_run, 7), first);
	assert_int_equal(in_child(pipe_run, 7), first);
	assert_int_not_equal(in_child(pipe_run, 8), first);
}

static int waits_forever(void *arg)
{
	auk_syscall(SYS_pause);
	return 0;
}

static uint64_t killed(uint64_t seed)
{
	start(seed, 2);
	long pid = auk_run(waits_forever, NULL);
	CHECK_EQ(auk_syscall(SYS_sched_yield), 0);
	CHECK_EQ(auk_syscall(SYS_kill, pid, 9), 0);
	CHECK_EQ(auk_wait(pid), 9);
	CHECK(auk_run(waits_forever, NULL) > pid);	/* left for auk_stop */
	CHECK_EQ(auk_stop(), 0);
	return 0;
}

static void test_kill(void **state)
{
	for (uint64_t seed = 0; seed < 5; seed++)
		in_child(killed, seed);
}

static int stores(void *arg)
{
	int seen = 0;

	CHECK_EQ(auk_get(&seen, user_buf, sizeof(seen)), 0);
	CHECK_EQ(seen, 1);
	seen = 2;
	CHECK_EQ(auk_put(user_buf, &seen, sizeof(seen)), 0);
	return 0;
}

/* A child's memory is its own. */
static uint64_t copy_on_write(uint64_t seed)
{
	int v = 1;

	start(seed, 2);
	user_buf = auk_alloc(PAGE);
	CHECK_EQ(auk_put(user_buf, &v, sizeof(v)), 0);
	CHECK_EQ(auk_wait(auk_run(stores, NULL)), 0);
	CHECK_EQ(auk_get(&v, user_buf, sizeof(v)), 0);
	CHECK_EQ(v, 1);
	CHECK_EQ(auk_stop(), 0);
	return 0;
}

static void test_copy_on_write(void **state)
{
	in_child(copy_on_write, 1);
}

/* ---- time ---- */

static uint64_t sleeps(uint64_t arg)
{
	struct timespec hour = { .tv_sec = 3600 };

	start(1, 2);
	uint64_t at = auk_alloc(PAGE), before = auk_now_ns();
	CHECK_EQ(auk_put(at, &hour, sizeof(hour)), 0);
	CHECK_EQ(auk_syscall(SYS_nanosleep, at, 0), 0);
	uint64_t slept = auk_now_ns() - before;
	CHECK(slept >= 3600ull * 1000000000 && slept < 3601ull * 1000000000);
	CHECK_EQ(auk_stop(), 0);
	return 0;
}

static void test_virtual_clock(void **state)
{
	time_t before = time(NULL);

	in_child(sleeps, 0);
	assert_in_range(time(NULL) - before, 0, 60);
}

static uint64_t waits_in_vain(uint64_t arg)
{
	CHECK_EQ(auk_start(&(struct auk_config){ .limit_ns = 1000ull * 1000000000, .console = keep_log }), 0);
	auk_wait(auk_run(waits_forever, NULL));
	return 0;
}

/* Nothing can come any more: the machine is stopped instead of running for ever. */
static void test_no_progress(void **state)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		signal(SIGABRT, SIG_DFL);
		close(2);
		waits_in_vain(0);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_start_stop),
		cmocka_unit_test(test_one_after_another), cmocka_unit_test(test_bad_config), cmocka_unit_test(test_files),
		cmocka_unit_test(test_leak_is_told), cmocka_unit_test(test_pipe), cmocka_unit_test(test_same_seed_same_trace),
		cmocka_unit_test(test_kill), cmocka_unit_test(test_copy_on_write), cmocka_unit_test(test_virtual_clock),
		cmocka_unit_test(test_no_progress),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
