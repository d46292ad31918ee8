/*
 * Processes: a tree with pipes and signals; copy on write; futexes.
 *
 * processes	each process forks children, sums what they send through a pipe, kills those that wait for ever; the root gets the sum of all
 * cow		a tree of processes writes to its pages; each has a model of its own memory
 * futex	processes add to a counter under a lock that sleeps (Drepper, "Futexes Are Tricky", mutex 2); none is lost, none sleeps for ever
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include "tests/sim/sim.h"

/* ---- processes ---- */

struct node {
	uint64_t number;
	unsigned depth;
	int up;			/* the pipe to the parent */
	uint64_t buf;
	struct stream random;
};

static __attribute__((noreturn)) int waits(void *arg)
{
	for (;;)
		auk_syscall(SYS_pause);
}

static uint64_t tree(struct node *n);

static int node_main(void *arg)
{
	struct node n = *(struct node *)arg;
	uint64_t sum = tree(&n);

	MUST_EQ(auk_put(n.buf, &sum, 8), 0);
	MUST_EQ(auk_syscall(SYS_write, n.up, n.buf, 8), 8);
	return (int)(n.number % 200);
}

static void make_pipe(uint64_t buf, int fd[2])
{
	MUST_EQ(auk_syscall(SYS_pipe2, buf, 0), 0);
	MUST_EQ(auk_get(fd, buf, 8), 0);
}

/* Return: the sum of the numbers of this process and all below it. */
static uint64_t tree(struct node *n)
{
	unsigned children = n->depth ? 1 + (unsigned)(stream_next(&n->random) % 3) : 0;
	uint64_t sum = n->number, part;
	struct node child[3];
	long pid[3];
	int fd[2];

	if (!children)
		return sum;
	make_pipe(n->buf, fd);
	for (unsigned i = 0; i < children; i++) {
		child[i] = (struct node){ n->number * 3 + i + 1, n->depth - 1, fd[1], n->buf, { n->random.state + i } };
		pid[i] = auk_run(node_main, &child[i]);
		MUST(pid[i] > 1);
	}
	long victim = auk_run(waits, NULL);

	for (unsigned i = 0; i < children; i++) {
		MUST_EQ(auk_syscall(SYS_read, fd[0], n->buf, 8), 8);
		MUST_EQ(auk_get(&part, n->buf, 8), 0);
		sum += part;
	}
	MUST_EQ(auk_syscall(SYS_kill, victim, SIGTERM), 0);
	for (unsigned i = 0; i < children; i++)
		MUST_EQ(auk_wait(pid[i]), (long)(child[i].number % 200) << 8);
	MUST_EQ(auk_wait(victim), SIGTERM);
	MUST_EQ(auk_wait(-1), -ECHILD);
	MUST_EQ(auk_syscall(SYS_close, fd[1]), 0);
	MUST_EQ(auk_syscall(SYS_read, fd[0], n->buf, 8), 0);	/* all writers are gone */
	MUST_EQ(auk_syscall(SYS_close, fd[0]), 0);
	return sum;
}

/* What tree() must give, without a kernel. */
static uint64_t tree_model(uint64_t number, unsigned depth, struct stream random)
{
	unsigned children = depth ? 1 + (unsigned)(stream_next(&random) % 3) : 0;
	uint64_t sum = number;

	for (unsigned i = 0; i < children; i++)
		sum += tree_model(number * 3 + i + 1, depth - 1, (struct stream){ random.state + i });
	return sum;
}

void scenario_processes(uint64_t seed)
{
	struct node root = { 1, 3, -1, 0, stream_of(seed, 0) };
	uint64_t want = tree_model(root.number, root.depth, root.random);

	sim_start(seed, 1 + seed % 4, NULL, 0);
	root.buf = auk_alloc(PAGE);
	MUST(tree(&root) == want);
	sim_stop();
}

/* ---- copy on write ---- */

enum { COW_PAGES = 12, COW_STEPS = 30 };

static uint64_t cow_memory;

struct cow {
	struct stream random;
	unsigned depth;
	uint32_t model[COW_PAGES];
};

static void cow_check(const struct cow *c)
{
	for (unsigned i = 0; i < COW_PAGES; i++)
		MUST_EQ(sim_load(cow_memory + i * PAGE + i * 4), c->model[i]);
}

static int cow_main(void *arg)
{
	struct cow c = *(struct cow *)arg;
	unsigned children = 0;

	for (unsigned step = 0; step < COW_STEPS; step++) {
		uint64_t r = stream_next(&c.random);
		unsigned page = r % COW_PAGES;

		c.model[page] = (uint32_t)(r >> 32);
		sim_store(cow_memory + page * PAGE + page * 4, c.model[page]);
		if (r >> 8 & 1)
			MUST_EQ(auk_syscall(SYS_sched_yield), 0);
		if (c.depth && (r >> 9) % 10 == 0 && children < 3) {
			struct cow child = c;

			child.depth--;
			child.random.state += 77;
			MUST(auk_run(cow_main, &child) > 1);
			/* The child copies its argument at its first step: the stack here stays until it has ended. */
			MUST_EQ(auk_syscall(SYS_sched_yield), 0);
			children++;
			cow_check(&c);
			MUST_EQ(auk_wait(-1), 0);
		}
	}
	cow_check(&c);
	return 0;
}

/* Two trees at once, so that pages are copied while others fork. */
void scenario_cow(uint64_t seed)
{
	static struct cow c[2];

	sim_start(seed, 1 + seed % 4, NULL, 0);
	cow_memory = auk_alloc(COW_PAGES * PAGE);
	for (unsigned i = 0; i < 2; i++) {
		c[i] = (struct cow){ stream_of(seed, i), 2, { 0 } };
		MUST(auk_run(cow_main, &c[i]) > 1);
	}
	MUST_EQ(auk_wait(-1), 0);
	MUST_EQ(auk_wait(-1), 0);
	for (unsigned i = 0; i < COW_PAGES; i++)
		MUST_EQ(sim_load(cow_memory + i * PAGE + i * 4), 0);
	sim_stop();
}

/* ---- futexes ---- */

enum { FUTEX_PROCESSES = 5, FUTEX_ROUNDS = 25 };

static uint64_t lock_at, counter_at;

static uint32_t exchange(uint64_t at, uint32_t want)
{
	uint32_t old, expect = sim_load(at);

	for (;;) {
		MUST_EQ(auk_cmpxchg32(at, expect, want, &old), 0);
		if (old == expect)
			return old;
		expect = old;
	}
}

static void lock(void)
{
	uint32_t old;

	if (sim_plant == PLANT_NO_LOCK)
		return;
	MUST_EQ(auk_cmpxchg32(lock_at, 0, 1, &old), 0);
	if (!old)
		return;
	while (exchange(lock_at, 2)) {
		long err = auk_syscall(SYS_futex, lock_at, FUTEX_WAIT, 2, 0);

		MUST(!err || err == -EAGAIN);
	}
}

static void unlock(void)
{
	if (sim_plant == PLANT_NO_LOCK)
		return;
	/* Lost wake-up: a lock that is given back as if nobody waited. */
	if (exchange(lock_at, 0) == 2 && sim_plant != PLANT_NO_WAKE)
		MUST(auk_syscall(SYS_futex, lock_at, FUTEX_WAKE, 1) >= 0);
}

static int futex_main(void *arg)
{
	struct stream random = stream_of((uint64_t)arg, 5);

	for (unsigned i = 0; i < FUTEX_ROUNDS; i++) {
		lock();
		uint32_t v = sim_load(counter_at);

		if (stream_next(&random) % 3 == 0)
			MUST_EQ(auk_syscall(SYS_sched_yield), 0);
		sim_store(counter_at, v + 1);
		unlock();
		if (stream_next(&random) % 2)
			auk_syscall(SYS_getppid);
	}
	return 0;
}

void scenario_futex(uint64_t seed)
{
	sim_start(seed, 1 + seed % 4, NULL, 0);
	lock_at = sim_shared(PAGE);
	counter_at = lock_at + 64;
	for (uint64_t i = 0; i < FUTEX_PROCESSES; i++)
		MUST(auk_run(futex_main, (void *)(seed * 16 + i)) > 1);
	for (unsigned i = 0; i < FUTEX_PROCESSES; i++)
		MUST_EQ(auk_wait(-1), 0);
	MUST_EQ(sim_load(counter_at), FUTEX_PROCESSES * FUTEX_ROUNDS);
	sim_stop();
}
