/* Runs scenarios over seeds, each in a process of its own; tells which failed and how to see it again. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tests/sim/sim.h"

const struct scenario sim_scenarios[] = {
	{ "processes", scenario_processes }, { "tmpfs", scenario_tmpfs }, { "cow", scenario_cow }, { "futex", scenario_futex },
	{ "disk", scenario_disk }, { "ext4", scenario_ext4 }, { "nomem", scenario_nomem }, { "tcp", scenario_tcp }, { "tcplisten", scenario_tcplisten },
	{ "tcpnomem", scenario_tcpnomem }, { "net", scenario_net }, { "netnomem", scenario_netnomem }, { "uring", scenario_uring },
	{ "uringmem", scenario_uringmem }, { "dirty", scenario_dirty }, { NULL, NULL },
};
enum plant sim_plant;

static const char *const plants[] = { "none", "lock", "wake", "flush", "limit" };
static char log_text[1 << 16];
static size_t log_len;
static uint64_t *trace_out;	/* shared with the parent: the trace hash at the end */

void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

uint64_t stream_next(struct stream *s)
{
	uint64_t z = s->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

struct stream stream_of(uint64_t seed, uint64_t number) { return (struct stream){ seed * 1000003 + number }; }

void must(bool ok, const char *what, const char *file, int line)
{
	char text[200];

	if (ok)
		return;
	snprintf(text, sizeof(text), "%s:%d: %s does not hold", file, line, what);
	auk_crash(text);
}

void must_eq(long got, long want, const char *what, const char *file, int line)
{
	char text[200];

	if (got == want)
		return;
	snprintf(text, sizeof(text), "%s:%d: %s is %ld, not %ld", file, line, what, got, want);
	auk_crash(text);
}

static void keep_log(const char *text, size_t len)
{
	if (log_len + len < sizeof(log_text)) {
		memcpy(log_text + log_len, text, len);
		log_len += len;
	}
}

void sim_start(uint64_t seed, unsigned cpus, const struct auk_device *devices, unsigned count)
{
	must_eq(auk_start(&(struct auk_config){ .seed = seed, .cpus = cpus, .switch_one_in = 2 + seed % 15, .console = keep_log,
						.devices = devices, .device_count = count, .limit_ns = 3600ull * 1000000000 }),
		0, "auk_start", __FILE__, __LINE__);
}

void sim_stop(void) { sim_stop_with(0); }

void sim_stop_with(long pages)
{
	*trace_out = auk_trace_hash();
	MUST_EQ(auk_stop(), pages);
}

void sim_dev(uint64_t buf)
{
	uint64_t type = sim_path(buf, "devtmpfs");

	MUST_EQ(auk_syscall(SYS_mount, type, sim_path(buf + 64, "/dev"), type, 0, 0), 0);
}

uint64_t sim_path(uint64_t at, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	MUST_EQ(auk_put(at, text, (size_t)n + 1), 0);
	return at;
}

uint64_t sim_shared(size_t bytes)
{
	long at = auk_syscall(SYS_mmap, 0, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, (uint64_t)-1);

	MUST(at > 0);
	return (uint64_t)at;
}

uint32_t sim_load(uint64_t at)
{
	uint32_t v;

	MUST_EQ(auk_get(&v, at, sizeof(v)), 0);
	return v;
}

void sim_store(uint64_t at, uint32_t v) { MUST_EQ(auk_put(at, &v, sizeof(v)), 0); }

/* ---- one run ---- */

static void on_death(void)
{
	static bool once;

	if (once)
		return;
	once = true;
	if (write(2, log_text, log_len) < 0)
		return;
	auk_crash_report("see the report above");
}

static void on_abort(int sig)
{
	if (write(2, log_text, log_len) < 0)
		_exit(3);
}

static bool run_once(const struct scenario *s, uint64_t seed, bool quiet)
{
	int status;

	fflush(stdout);
	pid_t pid = fork();

	if (pid < 0)
		exit(2);
	if (!pid) {
		if (quiet && !freopen("/dev/null", "w", stderr))
			_exit(3);
		if (__sanitizer_set_death_callback)
			__sanitizer_set_death_callback(on_death);
		signal(SIGABRT, on_abort);
		auk_crash_note(s->name);
		s->run(seed);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		exit(2);
	return status == 0;
}

struct options {
	uint64_t seeds, first;
	const char *scenario;
	bool trace;
};

static struct options parse(int argc, char **argv)
{
	struct options o = { .seeds = 10 };

	for (int i = 1; i < argc; i++) {
		const char *a = argv[i], *v = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(a, "--trace")) {
			o.trace = true;
			continue;
		}
		i++;
		if (!strcmp(a, "--seeds"))
			o.seeds = strtoull(v, NULL, 0);
		else if (!strcmp(a, "--first"))
			o.first = strtoull(v, NULL, 0);
		else if (!strcmp(a, "--scenario"))
			o.scenario = v;
		else if (!strcmp(a, "--plant"))
			for (unsigned p = 0; p < sizeof(plants) / sizeof(*plants); p++)
				sim_plant = strcmp(v, plants[p]) ? sim_plant : (enum plant)p;
		else {
			fprintf(stderr, "usage: sim [--seeds N] [--first S] [--scenario NAME] [--plant lock|wake|flush] [--trace]\n");
			exit(2);
		}
	}
	return o;
}

int main(int argc, char **argv)
{
	struct options o = parse(argc, argv);
	unsigned passed = 0, failed = 0;

	trace_out = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (const struct scenario *s = sim_scenarios; s->name; s++) {
		if (o.scenario && strcmp(o.scenario, s->name))
			continue;
		for (uint64_t seed = o.first; seed < o.first + o.seeds; seed++) {
			if (run_once(s, seed, sim_plant != PLANT_NONE)) {
				passed++;
				if (o.trace)
					printf("%s %llu %016llx\n", s->name, (unsigned long long)seed, (unsigned long long)*trace_out);
				continue;
			}
			failed++;
			printf("FAILED: make sim SCENARIO=%s FIRST=%llu SEEDS=1%s%s\n", s->name, (unsigned long long)seed,
			       sim_plant ? " PLANT=" : "", sim_plant ? plants[sim_plant] : "");
			if (sim_plant)
				break;		/* found */
		}
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
