/*
 * io_uring: random mixes of requests, cancels, forks, kills and closes on one ring.  The model: each request that was taken ends with
 * exactly one completion without IORING_CQE_F_MORE, whoever submitted it and whatever became of it; and nothing stays.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <linux/time_types.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "tests/sim/sim.h"

enum { ENTRIES = 32, REQUESTS_MAX = 4096, ROUNDS = 60, ROUNDS_MAX = 200, PIPES = 3, SECTOR = 512 };

/* One ring, in the memory that all programs share; the addresses are those of every process, children of one. */
static struct {
	struct io_uring_params p;
	long fd;
	uint64_t mem, sqes, buf;
	int pipe[PIPES][2];
	long file, disk, event;
	struct stream random;
	unsigned char ends[REQUESTS_MAX];	/* final completions seen, by user data */
	unsigned char taken[REQUESTS_MAX];
	unsigned next, outstanding;
} u;

static uint32_t sq(uint32_t at) { return sim_load(u.mem + at); }
static unsigned below(unsigned n) { return (unsigned)(stream_next(&u.random) % n); }

static long enter(unsigned n, unsigned min, unsigned flags)
{
	struct __kernel_timespec ts = { 0, 50000000 };
	struct io_uring_getevents_arg a = { .ts = u.buf + 256 };

	MUST_EQ(auk_put(u.buf + 256, &ts, sizeof(ts)), 0);
	MUST_EQ(auk_put(u.buf + 288, &a, sizeof(a)), 0);
	return auk_syscall(__NR_io_uring_enter, (uint64_t)u.fd, n, min, flags | (min ? IORING_ENTER_GETEVENTS : 0) | IORING_ENTER_EXT_ARG,
			   u.buf + 288, sizeof(a));
}

static void put_entry(struct io_uring_sqe *s)
{
	uint32_t tail = sq(u.p.sq_off.tail), slot = tail & (u.p.sq_entries - 1);

	s->user_data = u.next;
	MUST(u.next < REQUESTS_MAX);
	u.taken[u.next] = 1;
	u.next++;
	u.outstanding++;
	MUST_EQ(auk_put(u.sqes + slot * sizeof(*s), s, sizeof(*s)), 0);
	sim_store(u.mem + u.p.sq_off.array + slot * 4, slot);
	sim_store(u.mem + u.p.sq_off.tail, tail + 1);
}

static struct io_uring_sqe transfer(void)
{
	struct io_uring_sqe s = { .addr = u.buf + 512 + 512 * below(6), .len = 1 + below(64) };
	unsigned kind = below(6);

	s.opcode = below(2) ? IORING_OP_READ : IORING_OP_WRITE;
	if (kind < 3) {
		s.fd = u.pipe[below(PIPES)][s.opcode == IORING_OP_WRITE];
	} else if (kind == 3) {
		s.fd = (int)u.file;
		s.off = below(3000);
	} else if (kind == 4 && u.disk >= 0) {
		s.fd = (int)u.disk;
		s.len = SECTOR;
		s.off = SECTOR * below(64);
	} else {
		s.fd = (int)u.event;
		s.len = 8;
	}
	return s;
}

static struct io_uring_sqe any(void)
{
	struct io_uring_sqe s = { 0 };

	switch (below(12)) {
	case 0: s.opcode = IORING_OP_NOP; break;
	case 1:
		s.opcode = IORING_OP_POLL_ADD;
		s.fd = u.pipe[below(PIPES)][below(2)];
		s.poll32_events = below(2) ? POLLIN : POLLOUT;
		s.len = below(3) ? 0 : IORING_POLL_ADD_MULTI;
		break;
	case 2:
		s.opcode = IORING_OP_TIMEOUT;
		s.addr = u.buf + (below(2) ? 0 : 16);
		s.len = 1;
		s.off = below(4);
		break;
	case 3:
		s.opcode = IORING_OP_ASYNC_CANCEL;
		s.addr = below(u.next + 1);
		s.cancel_flags = below(4) ? 0 : IORING_ASYNC_CANCEL_ALL;
		break;
	case 4:
		s.opcode = below(2) ? IORING_OP_POLL_REMOVE : IORING_OP_TIMEOUT_REMOVE;
		s.addr = below(u.next + 1);
		break;
	case 5:
		s.addr = below(u.next + 1);
		if (below(2)) {
			s.opcode = IORING_OP_TIMEOUT_REMOVE;
			s.timeout_flags = below(4) ? IORING_LINK_TIMEOUT_UPDATE : IORING_TIMEOUT_UPDATE;
			s.addr2 = u.buf + (below(2) ? 0 : 16);
			break;
		}
		s.opcode = IORING_OP_POLL_REMOVE;
		s.len = IORING_POLL_UPDATE_EVENTS | IORING_POLL_ADD_MULTI;
		s.poll32_events = POLLIN;
		break;
	case 6:
		s.opcode = IORING_OP_FSYNC;
		s.fd = (int)u.file;
		break;
	case 7:
		s.opcode = IORING_OP_STATX;
		s.fd = AT_FDCWD;
		s.addr = u.buf + 128;
		s.addr2 = u.buf + 3072;
		s.len = 0xfff;
		break;
	default: s = transfer(); break;
	}
	s.flags = below(8) ? 0 : IOSQE_ASYNC;
	if (!below(10))
		s.flags |= IOSQE_IO_DRAIN;
	return s;
}

/* Some entries, chains among them, and off they go. */
static void submit(void)
{
	unsigned n = 0, want = 1 + below(6);

	while (n < want && sq(u.p.sq_off.tail) - sq(u.p.sq_off.head) < u.p.sq_entries - 2) {
		struct io_uring_sqe s = any();
		bool link = !below(4);

		if (link)
			s.flags |= below(3) ? IOSQE_IO_LINK : IOSQE_IO_HARDLINK;
		put_entry(&s);
		n++;
		if (link && below(2)) {
			s = (struct io_uring_sqe){ .opcode = IORING_OP_LINK_TIMEOUT, .addr = u.buf + (below(2) ? 0 : 16), .len = 1 };
			s.flags = below(2) ? 0 : IOSQE_IO_LINK;
			put_entry(&s);
			n++;
		}
	}
	if (u.p.flags & IORING_SETUP_SQPOLL)
		MUST(enter(n, 0, IORING_ENTER_SQ_WAKEUP) >= 0);
	else
		while (sq(u.p.sq_off.tail) != sq(u.p.sq_off.head))	/* an entry that is refused ends a call */
			MUST(enter(n, 0, 0) >= 0);
}

static void reap(void)
{
	for (;;) {
		uint32_t head = sq(u.p.cq_off.head);
		struct io_uring_cqe c;

		if (head == sq(u.p.cq_off.tail))
			break;
		MUST_EQ(auk_get(&c, u.mem + u.p.cq_off.cqes + (head & (u.p.cq_entries - 1)) * sizeof(c), sizeof(c)), 0);
		sim_store(u.mem + u.p.cq_off.head, head + 1);
		MUST(c.user_data < u.next && u.taken[c.user_data]);
		MUST(!u.ends[c.user_data]);
		if (c.flags & IORING_CQE_F_MORE)
			continue;
		u.ends[c.user_data] = 1;
		u.outstanding--;
	}
}

static int child(void *arg)
{
	submit();
	if (below(2))
		return 0;
	auk_syscall(__NR_io_uring_enter, (uint64_t)u.fd, 0, 1000, IORING_ENTER_GETEVENTS, 0, 0);	/* until it is killed */
	return 0;
}

static void fork_one(void)
{
	long pid = auk_run(child, NULL);
	struct __kernel_timespec ts = { 0, 1000000 };

	MUST(pid > 0);
	MUST_EQ(auk_put(u.buf + 320, &ts, sizeof(ts)), 0);
	for (unsigned i = below(4) + 1; i--;)
		auk_syscall(SYS_nanosleep, u.buf + 320, 0);
	auk_syscall(SYS_kill, (uint64_t)pid, SIGKILL);
	MUST(auk_wait(pid) >= 0);
}

static void step(void)
{
	unsigned pipe = below(PIPES);

	switch (below(8)) {
	case 0: case 1: case 2: submit(); break;
	case 3: auk_syscall(SYS_write, u.pipe[pipe][1], u.buf + 512, 1 + below(100)); break;
	case 4: auk_syscall(SYS_read, u.pipe[pipe][0], u.buf + 512, 1 + below(100)); break;
	case 5:
		enter(0, below(3), IORING_ENTER_GETEVENTS);
		reap();
		break;
	case 6: reap(); break;
	case 7:
		if (!(u.p.flags & (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_SQPOLL)) && !below(2))
			fork_one();
		break;
	}
}

static void set_up(uint64_t seed, unsigned flags)
{
	struct __kernel_timespec times[2] = { { 0, 1000000 }, { 5, 0 } };

	memset(&u, 0, sizeof(u));
	u.random = stream_of(seed, 77);
	u.buf = sim_shared(PAGE);
	MUST_EQ(auk_put(u.buf, times, sizeof(times)), 0);
	for (int i = 0; i < PIPES; i++) {
		MUST_EQ(auk_syscall(SYS_pipe2, u.buf + 64, O_NONBLOCK), 0);
		MUST_EQ(auk_get(u.pipe[i], u.buf + 64, 8), 0);
	}
	u.event = auk_syscall(SYS_eventfd2, 0, 0);
	u.file = auk_syscall(SYS_open, sim_path(u.buf + 128, "/uring"), O_CREAT | O_RDWR, 0600);
	MUST(u.event >= 0 && u.file >= 0);
	u.p.flags = flags | IORING_SETUP_CQSIZE;
	u.p.cq_entries = ENTRIES;		/* small: overflow is common */
	MUST_EQ(auk_put(u.buf + 512, &u.p, sizeof(u.p)), 0);
	u.fd = auk_syscall(__NR_io_uring_setup, ENTRIES, u.buf + 512);
	MUST(u.fd >= 0);
	MUST_EQ(auk_get(&u.p, u.buf + 512, sizeof(u.p)), 0);
	u.mem = (uint64_t)auk_syscall(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, (uint64_t)u.fd, IORING_OFF_SQ_RING);
	u.sqes = (uint64_t)auk_syscall(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, (uint64_t)u.fd, IORING_OFF_SQES);
	MUST((long)u.mem > 0 && (long)u.sqes > 0);
}

/* By registration: a request that cancels would wait behind those that are drained. Return: rounds that it took */
static unsigned cancel_rounds(void)
{
	struct io_uring_sync_cancel_reg all = { .flags = IORING_ASYNC_CANCEL_ANY, .timeout = { -1, -1 } };
	unsigned rounds = 0;

	for (; u.outstanding && rounds < ROUNDS_MAX; rounds++) {
		MUST_EQ(auk_put(u.buf + 384, &all, sizeof(all)), 0);
		MUST(auk_syscall(__NR_io_uring_register, (uint64_t)u.fd, IORING_REGISTER_SYNC_CANCEL, u.buf + 384, 1) >= 0);
		enter(0, 1, IORING_ENTER_GETEVENTS);
		reap();
	}
	return rounds;
}

static int program(void *arg)
{
	static const unsigned kinds[] = {
		0, 0, IORING_SETUP_COOP_TASKRUN, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, IORING_SETUP_SQPOLL, IORING_SETUP_SUBMIT_ALL,
	};
	uint64_t seed = *(uint64_t *)arg;

	set_up(seed, kinds[seed % 6]);
	u.disk = auk_syscall(SYS_open, sim_path(u.buf + 320, "/dev/vda"), O_RDWR | O_DIRECT);
	MUST(u.disk >= 0);
	for (unsigned i = 0; i < ROUNDS; i++)
		step();
	if (seed % 3) {		/* all must end, and be told */
		MUST(cancel_rounds() < ROUNDS_MAX);
		for (unsigned i = 0; i < u.next; i++)
			MUST_EQ(u.ends[i], u.taken[i]);
	} else if (seed % 2) {	/* the ring goes with requests under way, then the process */
		MUST_EQ(auk_syscall(SYS_munmap, u.mem, PAGE), 0);
		MUST_EQ(auk_syscall(SYS_munmap, u.sqes, PAGE), 0);
		MUST_EQ(auk_syscall(SYS_close, (uint64_t)u.fd), 0);
	}
	return 0;		/* or the process, with all it has */
}

void scenario_uring(uint64_t seed)
{
	struct auk_disk *disk = auk_disk_new(1 << 20);
	struct auk_device device = { AUK_BLK, .disk = disk };

	auk_disk_set_faults(disk, &(struct auk_disk_faults){ .seed = seed, .latency_min_ns = 1000, .latency_max_ns = 1000 << seed % 14 });
	sim_start(seed, 1 + seed % 4, &device, 1);
	uint64_t buf = auk_alloc(PAGE);

	sim_dev(buf);
	long pid = auk_run(program, &seed);
	MUST(pid > 0);
	MUST_EQ(auk_wait(pid), 0);
	MUST_EQ(auk_syscall(SYS_unlink, sim_path(buf, "/uring")), 0);
	MUST_EQ(auk_syscall(SYS_umount2, sim_path(buf, "/dev"), 0), 0);
	auk_free(buf, PAGE);
	sim_stop();
}

/* ---- no memory ---- */

enum { ALLOCATIONS_MAX = 160 };		/* the program makes fewer */

/* A request of each way to go on, each of which may fail; and then the ring goes. */
static int small_program(void *arg)
{
	uint64_t seed = *(uint64_t *)arg;
	struct io_uring_params p = { 0 };

	memset(&u, 0, sizeof(u));
	u.random = stream_of(seed, 78);
	u.buf = sim_shared(PAGE);
	sim_store(u.buf, 0);
	MUST_EQ(auk_syscall(SYS_pipe2, u.buf + 64, O_NONBLOCK), 0);
	MUST_EQ(auk_get(u.pipe[0], u.buf + 64, 8), 0);
	MUST_EQ(auk_put(u.buf + 512, &p, sizeof(p)), 0);
	auk_fail_alloc(1 + seed % ALLOCATIONS_MAX);
	u.fd = auk_syscall(__NR_io_uring_setup, ENTRIES, u.buf + 512);
	MUST(u.fd >= 0 || u.fd == -ENOMEM || u.fd == -ENFILE);
	if (u.fd < 0)
		return 0;
	MUST_EQ(auk_get(&u.p, u.buf + 512, sizeof(u.p)), 0);
	long mem = auk_syscall(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, (uint64_t)u.fd, IORING_OFF_SQ_RING);
	long sqes = auk_syscall(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, (uint64_t)u.fd, IORING_OFF_SQES);
	uint32_t word;
	if (mem < 0 || sqes < 0 || auk_get(&word, (uint64_t)mem, 4) || auk_get(&word, (uint64_t)sqes, 4))
		return 0;
	u.mem = (uint64_t)mem;
	u.sqes = (uint64_t)sqes;
	for (unsigned i = 0; i < 6; i++) {
		struct io_uring_sqe s = { .opcode = IORING_OP_NOP };

		if (i == 1 || i == 2)
			s = (struct io_uring_sqe){ .opcode = IORING_OP_READ, .fd = u.pipe[0][0], .addr = u.buf + 512, .len = 8 };
		if (i == 2)
			s.flags = IOSQE_ASYNC;
		if (i == 3)
			s = (struct io_uring_sqe){ .opcode = IORING_OP_POLL_ADD, .fd = u.pipe[0][0], .poll32_events = POLLIN, .len = IORING_POLL_ADD_MULTI };
		if (i == 4)
			s = (struct io_uring_sqe){ .opcode = IORING_OP_STATX, .fd = AT_FDCWD, .addr = u.buf + 128, .addr2 = u.buf + 3072, .len = 0xfff };
		if (i == 5)
			s = (struct io_uring_sqe){ .opcode = IORING_OP_TIMEOUT, .addr = u.buf + 160, .len = 1, .off = 3 };
		put_entry(&s);
	}
	for (int tries = 0; sq(u.p.sq_off.tail) != sq(u.p.sq_off.head) && tries < 20; tries++) {
		long n = enter(ENTRIES, 0, 0);

		MUST(n >= 0 || n == -EAGAIN || n == -ENOMEM);
	}
	MUST_EQ(sq(u.p.sq_off.tail), sq(u.p.sq_off.head));
	auk_syscall(SYS_write, (uint64_t)u.pipe[0][1], u.buf, 1);
	enter(0, 1, IORING_ENTER_GETEVENTS);
	reap();
	MUST(seed % ALLOCATIONS_MAX < ALLOCATIONS_MAX - 1 || !auk_fail_happened());
	MUST(seed % ALLOCATIONS_MAX || auk_fail_happened());
	auk_fail_alloc(0);
	MUST(cancel_rounds() < ROUNDS_MAX);		/* memory or not, each one ends */
	return 0;
}

void scenario_uringmem(uint64_t seed)
{
	sim_start(seed / ALLOCATIONS_MAX, 2, NULL, 0);
	long pid = auk_run(small_program, &seed);

	MUST(pid > 0);
	MUST_EQ(auk_wait(pid), 0);
	auk_fail_alloc(0);
	sim_stop();
}
