#define _GNU_SOURCE
/*
 * System calls at random in the simulated kernel: programs that fork, share, block and are killed, from a seed that replays all of it.
 *
 *	calls FIRST COUNT	the seeds from FIRST on, each a kernel in a process of its own
 *	calls --show SEED				one seed, in this process, every call on standard output
 *
 * Process 1 is the driver: it starts actors, waits a little, kills one or another, and at the end all.  A seed fails if
 *	1. the kernel asserts or panics, or AddressSanitizer or UBSan speaks;
 *	2. something stays alive after SIGKILL, or nobody can go on (the machine's limit of virtual time);
 *	3. it takes more than CPU_LIMIT_S of processor time: a loop without end.
 * The last calls, the kernel's last words and the back-trace are printed with the seed.
 *
 * Addresses are not randomised (personality(2)): no bit of a replay depends on where the host puts things.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "host/auk.h"
#include "tests/fuzz/calls.h"

enum { ACTORS_MAX = 48, FORKS_MAX = 40, ACTORS_AT_ONCE = 5, CALLS_PER_ACTOR = 60, ROUNDS = 14, LAST_CALLS = 24, LOG_BYTES = 1 << 11, CPU_LIMIT_S = 60, JOBS_MAX = 64 };

static uint64_t seed;
static bool show;
static struct fuzz_actor actors[ACTORS_MAX];
static unsigned actors_made, forks;
static unsigned weight_sum;

/* ---- what is told when a seed fails ---- */

struct made_call {
	unsigned actor;
	const struct fuzz_call *call;
	uint64_t args[FUZZ_ARGS];
	long result;
	bool done;
};

static struct made_call last_calls[LAST_CALLS];
static uint64_t calls_made;
static char log_text[LOG_BYTES];
static size_t log_next;

void __sanitizer_set_death_callback(void (*callback)(void));
void __sanitizer_print_stack_trace(void);
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0:handle_abort=1:exitcode=77:detect_stack_use_after_return=0:allocator_may_return_null=1";
}

const char *__ubsan_default_options(void) { return "print_stacktrace=1"; }

static void print_call(const struct made_call *m)
{
	printf("%3u %s(", m->actor, m->call->name);
	for (unsigned i = 0; i < FUZZ_ARGS && (m->call->arg[i].kind != A_NONE || m->args[i]); i++)
		printf("%s%#llx", i ? ", " : "", (unsigned long long)m->args[i]);
	if (m->done)
		printf(") = %ld\n", m->result);
	else
		printf(") ...\n");
}

static void tell_end(void)
{
	printf("\nseed %llu failed after %llu calls; the last:\n", (unsigned long long)seed, (unsigned long long)calls_made);
	for (uint64_t i = calls_made > LAST_CALLS ? calls_made - LAST_CALLS : 0; i < calls_made; i++)
		print_call(&last_calls[i % LAST_CALLS]);
	printf("the kernel's last words:\n");
	for (size_t i = log_next > LOG_BYTES ? log_next - LOG_BYTES : 0; i < log_next; i++)
		putchar(log_text[i % LOG_BYTES]);
	printf("\nagain: make calls SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
}

static void keep_log(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		log_text[log_next++ % LOG_BYTES] = text[i];
	if (show)
		fwrite(text, 1, len, stdout);
}

static void on_cpu_limit(int sig)
{
	static const char text[] = "calls: a loop without end\n";

	if (write(2, text, sizeof(text) - 1) < 0)
		_exit(3);
	__sanitizer_print_stack_trace();
	tell_end();
	_exit(78);
}

/* ---- the actors ---- */

static const struct fuzz_call *choose_call(void)
{
	uint64_t at = fuzz_below(weight_sum);
	const struct fuzz_call *c = fuzz_calls;

	while (at >= c->weight)
		at -= c++->weight;
	return c;
}

static void learn(struct fuzz_actor *a, const struct fuzz_call *c, long result, uint64_t pipe_at)
{
	int fds[2];

	if (result < 0)
		return;
	switch (c->result) {
	case R_FD: fuzz_learn(&a->fds, (uint64_t)result); break;
	case R_ADDR: fuzz_learn(&fuzz_world.addrs, (uint64_t)result); break;
	case R_PID: fuzz_learn(&fuzz_world.pids, (uint64_t)result); break;
	case R_IPC: fuzz_learn(&fuzz_world.ipcs, (uint64_t)result); break;
	case R_WATCH: fuzz_learn(&fuzz_world.watches, (uint64_t)result); break;
	case R_NOTHING: break;
	}
	if (pipe_at && !auk_get(fds, pipe_at, sizeof(fds))) {
		fuzz_learn(&a->fds, (uint64_t)fds[0]);
		fuzz_learn(&a->fds, (uint64_t)fds[1]);
	}
}

static struct fuzz_actor *new_actor(void)
{
	if (actors_made == ACTORS_MAX)
		return NULL;
	struct fuzz_actor *a = &actors[actors_made++];
	*a = (struct fuzz_actor){ .number = actors_made, .calls_left = CALLS_PER_ACTOR };
	return a;
}

static void one_call(struct fuzz_actor *a)
{
	const struct fuzz_call *c = choose_call();
	uint64_t args[FUZZ_ARGS], pipe_at;

	if ((c->flags & F_FORKS) && ++forks > FORKS_MAX)
		return;
	fuzz_make_args(a, c, args, &pipe_at);
	uint64_t n = calls_made++;
	struct made_call *m = &last_calls[n % LAST_CALLS];
	*m = (struct made_call){ .actor = a->number, .call = c };
	memcpy(m->args, args, sizeof(args));
	if (show)
		print_call(m);
	long result = auk_syscall_args(c->nr, args);
	if (calls_made - n <= LAST_CALLS) {
		m->result = result;
		m->done = true;
	}
	if (show && calls_made - n <= LAST_CALLS)
		print_call(m);
	learn(a, c, result, pipe_at);
}

/* Also where the children of all forks start. */
static int actor_main(void *unused)
{
	struct fuzz_actor *a = new_actor();

	if (!a)
		return 0;
	fuzz_scratch_map();
	while (a->calls_left--)
		one_call(a);
	return 0;
}

/* ---- the driver ---- */

static uint64_t page;	/* of its memory, for names */

static uint64_t name_at(unsigned at, const char *name)
{
	(void)auk_put(page + at, name, strlen(name) + 1);
	return page + at;
}

static void mount_at(const char *type, const char *dir, const char *data)
{
	(void)auk_syscall(SYS_mkdir, name_at(0, dir), 0777);
	(void)auk_syscall(SYS_mount, name_at(256, type), name_at(0, dir), name_at(256, type), 0, data ? name_at(512, data) : 0);
}

static void make_file(const char *name, bool dir)
{
	if (dir) {
		(void)auk_syscall(SYS_mkdir, name_at(0, name), 0777);
	} else {
		long fd = auk_syscall(SYS_creat, name_at(0, name), 0666);

		(void)auk_syscall(SYS_write, fd, page, 600);
		(void)auk_syscall(SYS_close, fd);
	}
}

static void make_world(void)
{
	static const char *const dirs[] = { "/t", "/u", "/lower", "/upper", "/work", "/o", "/t/d", "/t/d/d", "/u/d", "/lower/d" };
	static const char *const files[] = { "/t/a", "/t/d/a", "/u/a", "/lower/a", "/lower/d/a" };

	page = auk_alloc(4096);
	mount_at("devtmpfs", "/dev", NULL);
	mount_at("devpts", "/dev/pts", NULL);
	mount_at("proc", "/proc", NULL);
	mount_at("sysfs", "/sys", NULL);
	mount_at("mqueue", "/mq", NULL);
	mount_at("tmpfs", "/u", "size=2m");
	for (unsigned i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		make_file(dirs[i], true);
	for (unsigned i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		make_file(files[i], false);
	mount_at("overlay", "/o", "lowerdir=/lower,upperdir=/upper,workdir=/work");
	(void)auk_syscall(SYS_symlink, name_at(0, "d/a"), name_at(256, "/t/s"));
	(void)auk_syscall(SYS_symlink, name_at(0, "loop"), name_at(256, "/t/loop"));
	(void)auk_syscall(SYS_mknod, name_at(0, "/t/p"), 010666, 0);
	(void)auk_syscall(SYS_chdir, name_at(0, "/t"));
}

static void sleep_for(uint64_t ns)
{
	uint64_t time[2] = { ns / 1000000000, ns % 1000000000 };

	(void)auk_put(page, time, sizeof(time));
	(void)auk_syscall(SYS_nanosleep, page, 0);
}

/* Collect those that have ended. Return: false when there are no children left */
static bool reap(bool wait)
{
	long pid;

	do
		pid = auk_syscall(SYS_wait4, (uint64_t)-1, page, wait ? 0 : WNOHANG, 0);
	while (pid > 0);
	return pid != -ECHILD;
}

static void drive(void)
{
	unsigned alive_max = 1 + (unsigned)fuzz_below(ACTORS_AT_ONCE);

	for (unsigned round = 0; round < ROUNDS; round++) {
		for (unsigned i = 0; i < alive_max && actors_made < ACTORS_MAX; i++) {
			long pid = auk_run(actor_main, NULL);

			if (pid > 0)
				fuzz_learn(&fuzz_world.pids, (uint64_t)pid);
			alive_max = round ? 1 : alive_max;
		}
		sleep_for(fuzz_below(3) * 7000000 + fuzz_below(1000000));
		if (fuzz_one_in(2) && fuzz_world.pids.next) {
			uint64_t pid = fuzz_world.pids.value[fuzz_below(fuzz_world.pids.next < FUZZ_POOL ? fuzz_world.pids.next : FUZZ_POOL)];

			if (pid > 1 && pid < 1 << 22)
				(void)auk_syscall(SYS_kill, pid, fuzz_one_in(3) ? SIGCONT : SIGKILL);
		}
		(void)reap(false);
	}
	(void)auk_syscall(SYS_kill, (uint64_t)-1, SIGKILL);
	while (reap(true))
		;
}

static int run_seed(void)
{
	static const struct rlimit cpu = { CPU_LIMIT_S, CPU_LIMIT_S + 10 };

	__sanitizer_set_death_callback(tell_end);
	signal(SIGXCPU, on_cpu_limit);
	setrlimit(RLIMIT_CPU, &cpu);
	fuzz_world.random = seed * 0x9e3779b97f4a7c15ull;
	struct auk_config config = { .seed = seed, .cpus = 1 + (unsigned)fuzz_below(4), .switch_one_in = fuzz_one_in(2) ? 16 : 2, .memory_bytes = fuzz_one_in(2) ? 32 << 20 : 64 << 20,
				     .limit_ns = 100000ull * 1000000000, .console = keep_log };
	if (auk_start(&config)) {
		fprintf(stderr, "calls: the kernel does not start\n");
		return 1;
	}
	make_world();
	drive();
	if (show)
		printf("seed %llu: %llu calls, trace %016llx\n", (unsigned long long)seed, (unsigned long long)calls_made, (unsigned long long)auk_trace_hash());
	auk_stop();
	return 0;
}

/* ---- many seeds ---- */

struct job {
	pid_t pid;
	uint64_t seed;
	FILE *output;
};

static void start_job(struct job *job, uint64_t which)
{
	job->seed = which;
	job->output = tmpfile();
	fflush(stdout);
	job->pid = fork();
	if (job->pid)
		return;
	dup2(fileno(job->output), 1);
	dup2(fileno(job->output), 2);
	seed = which;
	_exit(run_seed());
}

/* What a seed said that failed. */
static void show_output(struct job *job, int status)
{
	char part[4096];
	size_t n;

	printf("FAILED seed %llu (wait status %#x)\n", (unsigned long long)job->seed, status);
	rewind(job->output);
	while ((n = fread(part, 1, sizeof(part), job->output)) > 0)
		fwrite(part, 1, n, stdout);
	fflush(stdout);
}

static int run_many(uint64_t first, uint64_t count, unsigned jobs)
{
	struct job job[JOBS_MAX] = { { 0 } };
	uint64_t next = first, passed = 0, failed = 0;

	while (passed + failed < count) {
		int status;

		for (unsigned i = 0; i < jobs && next < first + count; i++)
			if (!job[i].pid)
				start_job(&job[i], next++);
		pid_t pid = wait(&status);
		for (unsigned i = 0; i < jobs; i++) {
			if (pid < 0 || job[i].pid != pid)
				continue;
			if (status) {
				failed++;
				show_output(&job[i], status);
			} else {
				passed++;
			}
			fclose(job[i].output);
			job[i].pid = 0;
		}
	}
	printf("%llu passed, %llu failed\n", (unsigned long long)passed, (unsigned long long)failed);
	return failed != 0;
}

/* Once more without random addresses. */
static void fix_addresses(char **argv)
{
	int now = personality(0xffffffff);

	if (now >= 0 && !(now & ADDR_NO_RANDOMIZE) && personality((unsigned long)now | ADDR_NO_RANDOMIZE) >= 0)
		execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	fix_addresses(argv);
	for (unsigned i = 0; i < fuzz_calls_count; i++)
		weight_sum += fuzz_calls[i].weight;
	if (argc == 3 && !strcmp(argv[1], "--show")) {
		show = true;
		seed = strtoull(argv[2], NULL, 0);
		return run_seed();
	}
	if (argc != 3) {
		fprintf(stderr, "usage: calls FIRST COUNT | calls --show SEED\n");
		return 2;
	}
	long jobs = sysconf(_SC_NPROCESSORS_ONLN);
	return run_many(strtoull(argv[1], NULL, 0), strtoull(argv[2], NULL, 0), jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : (unsigned)jobs);
}
