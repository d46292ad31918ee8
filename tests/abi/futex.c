/* futex: wait, wake, requeue, bitsets, PI, robust lists. */
#include "abi.h"
#include <linux/futex.h>

static long futex(uint32_t *at, int op, uint32_t val, const void *timeout, uint32_t *at2, uint32_t val3)
{
	return syscall(SYS_futex, at, op, val, timeout, at2, val3);
}

static void nothing(int sig)
{
	(void)sig;
}

void abi_test(void)
{
	uint32_t *w = mmap(NULL, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct timespec ms20 = { 0, 20000000 }, bad = { 0, 1000000000 }, past = { 1, 0 }, neg = { -1, 0 };
	pid_t pid[3];

	w[0] = 5;
	RET("wait with another value", futex(w, FUTEX_WAIT, 4, NULL, NULL, 0));
	RET("wait times out", futex(w, FUTEX_WAIT, 5, &ms20, NULL, 0));
	RET("private wait times out", futex(w, FUTEX_WAIT_PRIVATE, 5, &ms20, NULL, 0));
	RET("bad time", futex(w, FUTEX_WAIT, 5, &bad, NULL, 0));
	RET("negative time", futex(w, FUTEX_WAIT, 5, &neg, NULL, 0));
	RET("absolute time in the past", futex(w, FUTEX_WAIT_BITSET, 5, &past, NULL, 1));
	RET("bitset 0", futex(w, FUTEX_WAIT_BITSET, 5, &ms20, NULL, 0));
	RET("wake bitset 0", futex(w, FUTEX_WAKE_BITSET, 5, NULL, NULL, 0));
	RET("realtime clock, past", futex(w, FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME, 5, &past, NULL, 1));
	RET("odd address", futex((uint32_t *)((char *)w + 2), FUTEX_WAIT, 5, NULL, NULL, 0));
	RET("bad address", futex((uint32_t *)8, FUTEX_WAIT, 5, NULL, NULL, 0));
	RET("wake at an unmapped private address", futex((uint32_t *)0x10000, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	RET("wake at an unmapped shared address", futex((uint32_t *)0x10000, FUTEX_WAKE, 1, NULL, NULL, 0));
	RET("unknown command", futex(w, 99, 0, NULL, NULL, 0));
	RET("wake of none", futex(w, FUTEX_WAKE, 1, NULL, NULL, 0));
	RET("FUTEX_FD is gone", futex(w, FUTEX_FD, 0, NULL, NULL, 0));

	for (int i = 0; i < 3; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			_exit(futex(w, FUTEX_WAIT, 5, NULL, NULL, 0) == 0 ? 0 : 1);
		until_asleep(pid[i]);
	}
	RET("wake one of three", futex(w, FUTEX_WAKE, 1, NULL, NULL, 0));
	RET("requeue: wake one, move one", futex(w, FUTEX_REQUEUE, 1, (void *)1, w + 1, 0));
	RET("none is left", futex(w, FUTEX_WAKE, 9, NULL, NULL, 0));
	RET("the moved one", futex(w + 1, FUTEX_WAKE, 9, NULL, NULL, 0));
	for (int i = 0; i < 3; i++)
		STR("waiter", reap(pid[i]));
	RET("cmp_requeue with another value", futex(w, FUTEX_CMP_REQUEUE, 1, (void *)1, w + 1, 6));

	for (int i = 0; i < 2; i++) {
		pid[i] = fork();
		if (pid[i] == 0)
			_exit(futex(w, FUTEX_WAIT_BITSET, 5, NULL, NULL, 1 << i) == 0 ? 0 : 1);
		until_asleep(pid[i]);
	}
	RET("wake bit 2", futex(w, FUTEX_WAKE_BITSET, 9, NULL, NULL, 4));
	RET("wake bit 1", futex(w, FUTEX_WAKE_BITSET, 9, NULL, NULL, 2));
	RET("wake the other", futex(w, FUTEX_WAKE, 9, NULL, NULL, 0));
	reap(pid[0]);
	reap(pid[1]);

	/* FUTEX_WAKE_OP: *w1 += 1, and wake w1's waiters if the old value was 7 */
	w[1] = 7;
	pid[0] = fork();
	if (pid[0] == 0)
		_exit(futex(w + 1, FUTEX_WAIT, 7, NULL, NULL, 0) == 0 ? 0 : 1);
	until_asleep(pid[0]);
	RET("wake_op", futex(w, FUTEX_WAKE_OP, 1, (void *)1, w + 1, FUTEX_OP(FUTEX_OP_ADD, 1, FUTEX_OP_CMP_EQ, 7)));
	VAL("its operand", w[1]);
	STR("its waiter", reap(pid[0]));

	/* a private and a shared key differ; file mappings share one */
	put_file("f", "", 0600);
	MUST(truncate("f", 4));
	int fd = open("f", O_RDWR);
	uint32_t *m1 = mmap(NULL, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint32_t *m2 = mmap(NULL, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	pid[0] = fork();
	if (pid[0] == 0)
		_exit(futex(m1, FUTEX_WAIT, 0, NULL, NULL, 0) == 0 ? 0 : 1);
	until_asleep(pid[0]);
	RET("private wake misses a shared waiter", futex(m2, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
	RET("another mapping of the file reaches it", futex(m2, FUTEX_WAKE, 1, NULL, NULL, 0));
	reap(pid[0]);

	/* PI */
	w[2] = 0;
	RET("lock_pi", futex(w + 2, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	YES("holds our tid", w[2] == (uint32_t)syscall(SYS_gettid));
	RET("lock_pi again", futex(w + 2, FUTEX_LOCK_PI, 0, NULL, NULL, 0));
	APART(
		RET("trylock_pi of a held one", futex(w + 2, FUTEX_TRYLOCK_PI, 0, NULL, NULL, 0));
		RET("unlock_pi of another's", futex(w + 2, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	);
	pid[0] = fork();
	if (pid[0] == 0)
		_exit(futex(w + 2, FUTEX_LOCK_PI, 0, NULL, NULL, 0) == 0 && (w[2] & FUTEX_TID_MASK) == (uint32_t)getpid() &&
		      futex(w + 2, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0) == 0 ? 0 : 1);
	until_asleep(pid[0]);
	YES("a waiter sets FUTEX_WAITERS", w[2] & FUTEX_WAITERS);
	RET("unlock_pi", futex(w + 2, FUTEX_UNLOCK_PI, 0, NULL, NULL, 0));
	STR("handed over", reap(pid[0]));
	w[2] = 0x3ffffff;
	RET("lock_pi of a dead owner", futex(w + 2, FUTEX_LOCK_PI, 0, NULL, NULL, 0));

	/* robust list: the kernel marks what a dead thread held */
	struct { struct robust_list_head head; struct robust_list entry; uint32_t lock; } *robust =
		mmap(NULL, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHILD("dies with a lock",
		robust->head.list.next = &robust->entry;
		robust->entry.next = &robust->head.list;
		robust->head.futex_offset = (char *)&robust->lock - (char *)&robust->entry;
		robust->lock = getpid() | FUTEX_WAITERS;
		MUST(syscall(SYS_set_robust_list, &robust->head, sizeof(robust->head))));
	HEX("its lock", robust->lock);
	RET("set_robust_list of a wrong size", syscall(SYS_set_robust_list, &robust->head, 5));
	RET("interrupted", ({
		sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = nothing }, NULL);
		pid_t me = getpid();
		pid[0] = fork();
		if (pid[0] == 0) {
			until_asleep(me);
			kill(me, SIGUSR1);
			_exit(0);
		}
		futex(w, FUTEX_WAIT, 5, NULL, NULL, 0); }));
	reap(pid[0]);
	/* futex_waitv */
	struct futex_waitv v[2] = { { .val = 5, .uaddr = (uintptr_t)w, .flags = FUTEX_32 }, { .val = 0, .uaddr = (uintptr_t)m1, .flags = FUTEX_32 } };
	pid_t me = getpid();
	pid[0] = fork();
	if (pid[0] == 0) {
		until_asleep(me);
		futex(m1, FUTEX_WAKE, 1, NULL, NULL, 0);
		_exit(0);
	}
	RET("futex_waitv tells which", syscall(SYS_futex_waitv, v, 2, 0, NULL, 0));
	reap(pid[0]);
	RET("futex_waitv of none", syscall(SYS_futex_waitv, v, 0, 0, NULL, 0));
	RET("futex_waitv bad flags", syscall(SYS_futex_waitv, v, 2, 1, NULL, 0));
}
