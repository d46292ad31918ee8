#define _GNU_SOURCE
/* Rings of io_uring, and requests in them: see calls.h. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "host/auk.h"
#include "tests/fuzz/calls.h"

enum { PAGE = 4096, ENTRIES = 16, RINGS = 8 };

/* Rings that were made; what they map lies at the same place in all children. */
static struct ring {
	uint64_t fd, mem, sqes;		/* mem 0: none */
	unsigned actor;			/* who made it */
	struct io_uring_params p;
} rings[RINGS];			/* by the number of the actor that made it */

static struct ring *make_ring(struct fuzz_actor *a)
{
	static const unsigned flags[] = {
		IORING_SETUP_SQPOLL, IORING_SETUP_IOPOLL, IORING_SETUP_COOP_TASKRUN, IORING_SETUP_SINGLE_ISSUER, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
		IORING_SETUP_R_DISABLED, IORING_SETUP_SUBMIT_ALL, IORING_SETUP_CQE32, IORING_SETUP_CLAMP,
	};
	struct ring *r = &rings[a->number % RINGS];
	uint64_t at = fuzz_make(a, A_OUT);

	*r = (struct ring){ .p.flags = fuzz_one_in(2) ? 0 : flags[fuzz_below(sizeof(flags) / sizeof(flags[0]))] };
	r->actor = a->number;
	if (auk_put(at, &r->p, sizeof(r->p)))
		fuzz_scratch_map();
	if (auk_put(at, &r->p, sizeof(r->p)))
		return NULL;
	long fd = auk_syscall(__NR_io_uring_setup, ENTRIES, at);
	if (fd < 0 || auk_get(&r->p, at, sizeof(r->p)))
		return NULL;
	fuzz_learn(&a->fds, (uint64_t)fd);
	long mem = auk_syscall(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, (uint64_t)fd, IORING_OFF_SQ_RING);
	long sqes = auk_syscall(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, (uint64_t)fd, IORING_OFF_SQES);
	if (mem < 0 || sqes < 0)
		return NULL;
	r->fd = (uint64_t)fd;
	r->mem = (uint64_t)mem;
	r->sqes = (uint64_t)sqes;
	return r;
}

static struct io_uring_sqe make_entry(struct fuzz_actor *a)
{
	static const enum fuzz_kind memory[] = {
		A_OUT, A_OUT, A_IN, A_IN, A_PATH, A_PATH, A_IOVEC, A_MSGHDR, A_TIMESPEC, A_TIMESPEC, A_SOCKADDR, A_EPOLL_EVENT, A_OPEN_HOW, A_VALUE32, A_XATTR,
	};
	struct io_uring_sqe s = {
		.opcode = (uint8_t)fuzz_below(fuzz_one_in(20) ? 256 : 48),
		.flags = (uint8_t)(fuzz_one_in(2) ? 0 : 1u << fuzz_below(8)),
		.fd = (int)(fuzz_one_in(8) ? fuzz_below(4) : fuzz_make(a, A_FD)),
		.addr = fuzz_one_in(6) ? fuzz_below(32) : fuzz_make(a, memory[fuzz_below(sizeof(memory) / sizeof(memory[0]))]),
		.len = (uint32_t)(fuzz_one_in(2) ? fuzz_below(4) : fuzz_make(a, A_LENGTH)),
		.off = fuzz_one_in(2) ? 0 : fuzz_one_in(2) ? fuzz_make(a, memory[fuzz_below(sizeof(memory) / sizeof(memory[0]))]) : fuzz_make(a, A_OFFSET),
		.user_data = fuzz_below(32),
	};

	if (fuzz_one_in(2))
		s.rw_flags = (int)(fuzz_one_in(2) ? 1u << fuzz_below(16) : fuzz_make(a, A_SMALL));
	if (fuzz_one_in(6))
		s.ioprio = (uint16_t)fuzz_below(4);
	if (fuzz_one_in(4))
		s.buf_index = (uint16_t)fuzz_below(3);
	if (fuzz_one_in(8))
		s.personality = (uint16_t)fuzz_below(3);
	if (fuzz_one_in(6))
		s.splice_fd_in = (int)fuzz_make(a, A_FD);
	if (fuzz_one_in(10))
		s.file_index = fuzz_one_in(2) ? IORING_FILE_INDEX_ALLOC : (uint32_t)fuzz_below(6);
	return s;
}

/* Up to five entries; whatever the program's mappings are by now, a copy that fails is no matter. */
static void fill(struct fuzz_actor *a, const struct ring *r)
{
	uint32_t tail, head;

	if (auk_get(&tail, r->mem + r->p.sq_off.tail, 4) || auk_get(&head, r->mem + r->p.cq_off.tail, 4))
		return;
	for (uint64_t n = fuzz_below(6); n--; tail++) {
		struct io_uring_sqe s = make_entry(a);
		uint32_t slot = tail & (ENTRIES - 1), index = fuzz_one_in(100) ? (uint32_t)fuzz_random() : slot;

		(void)auk_put(r->sqes + slot * sizeof(s), &s, sizeof(s));
		(void)auk_put(r->mem + r->p.sq_off.array + slot * 4, &index, 4);
	}
	(void)auk_put(r->mem + r->p.sq_off.tail, &tail, 4);
	if (!fuzz_one_in(3))		/* take all completions */
		(void)auk_put(r->mem + r->p.cq_off.head, &head, 4);
}

uint64_t fuzz_make_ring(struct fuzz_actor *a)
{
	struct ring *r = &rings[fuzz_one_in(6) ? fuzz_below(RINGS) : a->number % RINGS];	/* others' too, where they were inherited */

	if (!r->mem || (r->actor != a->number && fuzz_one_in(2)) || fuzz_one_in(30))
		r = make_ring(a);
	if (!r)
		return fuzz_make(a, A_FD);
	fill(a, r);
	return r->fd;
}
