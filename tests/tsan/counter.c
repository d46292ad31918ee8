/*
 * Kernel threads on four CPUs that count together, with a spin lock or without: without it ThreadSanitizer reports the counter in every seed, with it in none.
 *
 * usage: counter locked|unlocked SEED
 * Exit status: 0: the sum is as it must be; 1: it is not, or no thread ended; 66: ThreadSanitizer reported a race.
 */
#include "host/auk.h"
#include "kern/lock.h"
#include "kern/sched.h"
#include <asm/unistd.h>

enum { THREADS = 4, ROUNDS = 200 };

int printf(const char *fmt, ...);
int strcmp(const char *a, const char *b);
int atoi(const char *s);
void exit(int status) __attribute__((noreturn));

static struct spinlock lock;
static bool locked;
static u64 counted_by_all;	/* the name that a report shows */
static u32 ready, ended;

/* Each on a CPU of its own, and none before all are there: threads of one CPU come one after the other. */
static void count(void *arg)
{
	sched_set_affinity(current(), 1ull << (u64)arg);
	__atomic_fetch_add(&ready, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&ready, __ATOMIC_ACQUIRE) < THREADS)
		sleep_ns(1000);
	for (int i = 0; i < ROUNDS; i++) {
		if (locked)
			spin_lock(&lock);
		counted_by_all++;
		if (locked)
			spin_unlock(&lock);
		plat_irq_enable();	/* a switch point */
	}
	__atomic_fetch_add(&ended, 1, __ATOMIC_RELEASE);
}

static void say_nothing(const char *text, size_t len) {}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 1;
	locked = !strcmp(argv[1], "locked");
	if (auk_start(&(struct auk_config){ .seed = (u64)atoi(argv[2]), .cpus = 4, .switch_one_in = 3, .console = say_nothing }))
		return 1;
	spin_init(&lock, RANK_SPIN);
	for (int i = 0; i < THREADS; i++)
		if (IS_ERR(kthread_create(count, (void *)(u64)i, "count/%d", i)))
			return 1;
	for (int i = 0; i < 1000000 && __atomic_load_n(&ended, __ATOMIC_ACQUIRE) < THREADS; i++)
		auk_syscall(__NR_sched_yield);
	if (ended < THREADS)
		return 1;
	bool right = counted_by_all == THREADS * ROUNDS;
	printf("%llu of %d\n", (unsigned long long)counted_by_all, THREADS * ROUNDS);
	auk_stop();
	exit(right || !locked ? 0 : 1);
}
