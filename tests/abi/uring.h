/* A ring, by raw system calls, for the programs on io_uring. */
#ifndef ABI_URING_H
#define ABI_URING_H

#include "abi.h"
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

struct ring {
	int fd;
	struct io_uring_params p;
	char *mem;
	struct io_uring_sqe *sqes;
	size_t mem_bytes, sqes_bytes;
	unsigned *sq_head, *sq_tail, *sq_mask, *sq_flags, *sq_array, *sq_dropped;
	unsigned *cq_head, *cq_tail, *cq_mask, *cq_overflow, *cq_flags;
	struct io_uring_cqe *cqes;
	unsigned queued;
};

static inline long ur_setup(unsigned n, struct io_uring_params *p) { return syscall(__NR_io_uring_setup, n, p); }
static inline long ur_enter(int fd, unsigned n, unsigned min, unsigned flags, const void *arg, size_t size)
{
	return syscall(__NR_io_uring_enter, fd, n, min, flags, arg, size);
}
static inline long ur_register(int fd, unsigned op, const void *arg, unsigned n) { return syscall(__NR_io_uring_register, fd, op, arg, n); }

static inline void ring_map(struct ring *r)
{
	size_t cqe = sizeof(struct io_uring_cqe) << !!(r->p.flags & IORING_SETUP_CQE32);
	size_t sq = r->p.sq_off.array + r->p.sq_entries * 4, cq = r->p.cq_off.cqes + r->p.cq_entries * cqe;

	r->mem_bytes = sq > cq ? sq : cq;
	r->sqes_bytes = (r->p.sq_entries * sizeof(struct io_uring_sqe)) << !!(r->p.flags & IORING_SETUP_SQE128);
	r->mem = mmap(NULL, r->mem_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
	MUST(r->mem == MAP_FAILED ? -1 : 0);
	r->sqes = mmap(NULL, r->sqes_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQES);
	MUST(r->sqes == MAP_FAILED ? -1 : 0);
#define AT(side, noun) ((unsigned *)(r->mem + r->p.side##_off.noun))
	r->sq_head = AT(sq, head);
	r->sq_tail = AT(sq, tail);
	r->sq_mask = AT(sq, ring_mask);
	r->sq_flags = AT(sq, flags);
	r->sq_array = AT(sq, array);
	r->sq_dropped = AT(sq, dropped);
	r->cq_head = AT(cq, head);
	r->cq_tail = AT(cq, tail);
	r->cq_mask = AT(cq, ring_mask);
	r->cq_overflow = AT(cq, overflow);
	r->cq_flags = AT(cq, flags);
	r->cqes = (struct io_uring_cqe *)(r->mem + r->p.cq_off.cqes);
	r->queued = 0;
}

static inline struct ring ring_with(unsigned entries, struct io_uring_params p)
{
	struct ring r = { .p = p };

	r.fd = MUST(ur_setup(entries, &r.p));
	ring_map(&r);
	return r;
}

static inline struct ring ring_new(unsigned entries, unsigned flags)
{
	return ring_with(entries, (struct io_uring_params){ .flags = flags });
}

static inline void ring_end(struct ring *r)
{
	munmap(r->mem, r->mem_bytes);
	munmap(r->sqes, r->sqes_bytes);
	close(r->fd);
}

/* The next entry, zeroed, already in the array; told to the kernel by ring_go. */
static inline struct io_uring_sqe *sqe_next(struct ring *r, int op, int fd, const void *addr, unsigned len, unsigned long long off)
{
	unsigned tail = *r->sq_tail + r->queued, slot = tail & *r->sq_mask;
	struct io_uring_sqe *s = (struct io_uring_sqe *)((char *)r->sqes + ((slot * sizeof(*s)) << !!(r->p.flags & IORING_SETUP_SQE128)));

	memset(s, 0, sizeof(*s));
	s->opcode = op;
	s->fd = fd;
	s->addr = (uintptr_t)addr;
	s->len = len;
	s->off = off;
	r->sq_array[slot] = slot;
	r->queued++;
	return s;
}

static inline unsigned ring_publish(struct ring *r)
{
	unsigned n = r->queued;

	__atomic_store_n(r->sq_tail, *r->sq_tail + n, __ATOMIC_RELEASE);
	r->queued = 0;
	return n;
}

static inline long ring_go(struct ring *r, unsigned wait)
{
	return ur_enter(r->fd, ring_publish(r), wait, wait ? IORING_ENTER_GETEVENTS : 0, NULL, 0);
}

static inline unsigned ring_ready(struct ring *r) { return __atomic_load_n(r->cq_tail, __ATOMIC_ACQUIRE) - *r->cq_head; }

/* Take a completion, waiting for it; false after five seconds. */
static inline bool ring_take(struct ring *r, struct io_uring_cqe *out)
{
	struct __kernel_timespec ts = { 5, 0 };
	struct io_uring_getevents_arg a = { .ts = (uintptr_t)&ts };

	if (!ring_ready(r) && ur_enter(r->fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &a, sizeof(a)) < 0 && !ring_ready(r))
		return false;
	if (!ring_ready(r))
		return false;
	*out = r->cqes[(*r->cq_head & *r->cq_mask) << !!(r->p.flags & IORING_SETUP_CQE32)];
	__atomic_store_n(r->cq_head, *r->cq_head + 1, __ATOMIC_RELEASE);
	return true;
}

static inline const char *res_text(long res)
{
	static char text[4][32];
	static int turn;
	char *t = text[turn++ % 4];

	if (res < 0)
		return err_name(-res);
	snprintf(t, 32, "%ld", res);
	return t;
}

/* Print the next completion: its data, result and flags. */
static inline void ring_say(struct ring *r, const char *name)
{
	struct io_uring_cqe c;

	if (!ring_take(r, &c))
		say(name, "none");
	else if (c.flags)
		say(name, "%llu %s %#x", c.user_data, res_text(c.res), c.flags);
	else
		say(name, "%llu %s", c.user_data, res_text(c.res));
}

/* Submit what is queued and print one completion's result. */
static inline void ring_one(struct ring *r, const char *name)
{
	struct io_uring_cqe c;
	long ret = ring_go(r, 0);

	if (ret != 1)
		say(name, "submitted %ld %s", ret, ret < 0 ? err_name(errno) : "");
	else if (!ring_take(r, &c))
		say(name, "none");
	else if (c.flags)
		say(name, "%s %#x", res_text(c.res), c.flags);
	else
		say(name, "%s", res_text(c.res));
}

#endif
