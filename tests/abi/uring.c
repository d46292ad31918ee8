/* io_uring: setup, the rings, submission, completion, overflow, reading and writing, polling, time, cancelling. */
#include "uring.h"

static long try_setup(unsigned n, unsigned flags, unsigned cq)
{
	struct io_uring_params p = { .flags = flags, .cq_entries = cq };
	long fd = ur_setup(n, &p);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : (long)p.sq_entries * 100000 + p.cq_entries;
}

static void setup(void)
{
	struct io_uring_params p = { 0 };

	RET("setup of nothing", try_setup(0, 0, 0));
	RET("setup, no parameters", ur_setup(4, NULL));
	RET("setup of one", try_setup(1, 0, 0));
	RET("setup of five", try_setup(5, 0, 0));
	RET("setup of too many", try_setup(32769, 0, 0));
	RET("setup, CLAMP", try_setup(100000, IORING_SETUP_CLAMP, 0));
	RET("setup, CQSIZE", try_setup(4, IORING_SETUP_CQSIZE, 33));
	RET("setup, CQSIZE 0", try_setup(4, IORING_SETUP_CQSIZE, 0));
	RET("setup, CQSIZE too small", try_setup(64, IORING_SETUP_CQSIZE, 8));
	RET("setup, CQSIZE too big", try_setup(4, IORING_SETUP_CQSIZE, 70000));
	RET("setup, CQSIZE, CLAMP", try_setup(4, IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP, 70000));
	RET("setup, unknown flag", try_setup(4, 1u << 20, 0));
	RET("setup, SQ_AFF alone", try_setup(4, IORING_SETUP_SQ_AFF, 0));
	RET("setup, DEFER_TASKRUN alone", try_setup(4, IORING_SETUP_DEFER_TASKRUN, 0));
	RET("setup, DEFER_TASKRUN", try_setup(4, IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER, 0));
	RET("setup, TASKRUN_FLAG alone", try_setup(4, IORING_SETUP_TASKRUN_FLAG, 0));
	RET("setup, COOP_TASKRUN", try_setup(4, IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG, 0));
	RET("setup, SQPOLL with COOP_TASKRUN", try_setup(4, IORING_SETUP_SQPOLL | IORING_SETUP_COOP_TASKRUN, 0));
	RET("setup, big entries", try_setup(4, IORING_SETUP_SQE128 | IORING_SETUP_CQE32, 0));
	p.resv[0] = 1;
	RET("setup, reserved", ur_setup(4, &p));
	p = (struct io_uring_params){ .flags = IORING_SETUP_ATTACH_WQ, .wq_fd = 77 };
	RET("setup, ATTACH_WQ to nothing", ur_setup(4, &p));
	p.wq_fd = 0;
	RET("setup, ATTACH_WQ to no ring", ur_setup(4, &p));
	p = (struct io_uring_params){ 0 };
	int fd = MUST(ur_setup(4, &p));
	HEX("features", p.features);
	VAL("close-on-exec", fcntl(fd, F_GETFD));
	HEX("flags of the file", fcntl(fd, F_GETFL));
	RET("mmap elsewhere", mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0x2000) == MAP_FAILED ? -1 : 0);
	RET("mmap of too much", mmap(NULL, 1 << 20, PROT_READ, MAP_SHARED, fd, IORING_OFF_SQ_RING) == MAP_FAILED ? -1 : 0);
	RET("mmap of the completion ring", mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, IORING_OFF_CQ_RING) == MAP_FAILED ? -1 : 0);
	RET("read", read(fd, &p, 1));
	RET("write", write(fd, &p, 1));
	char link[64] = "", path[64];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	RET("name", readlink(path, link, sizeof(link) - 1));
	STR("name", link);
	close(fd);
}

static void entering(void)
{
	struct ring r = ring_new(4, 0);
	struct io_uring_getevents_arg a = { 0 };
	struct __kernel_timespec ts = { 0, 1000000 };

	RET("enter, unknown flag", ur_enter(r.fd, 0, 0, 1 << 10, NULL, 0));
	RET("enter, bad descriptor", ur_enter(77, 0, 0, 0, NULL, 0));
	RET("enter, not a ring", ur_enter(0, 0, 0, 0, NULL, 0));
	RET("enter, nothing", ur_enter(r.fd, 0, 0, 0, NULL, 0));
	RET("enter, more than there is", ur_enter(r.fd, 4, 0, 0, NULL, 0));
	RET("enter, GETEVENTS of none", ur_enter(r.fd, 0, 0, IORING_ENTER_GETEVENTS, NULL, 0));
	RET("enter, mask of a wrong size", ur_enter(r.fd, 0, 0, IORING_ENTER_GETEVENTS, &a, 4));
	RET("enter, EXT_ARG of a wrong size", ur_enter(r.fd, 0, 0, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &a, 8));
	RET("enter, EXT_ARG nowhere", ur_enter(r.fd, 0, 0, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, NULL, sizeof(a)));
	a.pad = 1;
	RET("enter, EXT_ARG padding", ur_enter(r.fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &a, sizeof(a)));
	a.pad = 0;
	a.ts = (uintptr_t)&ts;
	RET("enter, time runs out", ur_enter(r.fd, 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &a, sizeof(a)));
	RET("enter, no registered ring", ur_enter(0, 0, 0, IORING_ENTER_REGISTERED_RING, NULL, 0));

	for (int i = 1; i <= 3; i++)
		sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = i;
	RET("three nops", ring_go(&r, 3));
	VAL("head", *r.sq_head);
	ring_say(&r, "nop");
	ring_say(&r, "nop");
	ring_say(&r, "nop");
	VAL("left", ring_ready(&r));

	sqe_next(&r, 200, -1, NULL, 0, 0)->user_data = 4;
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 5;
	RET("unknown opcode", ring_go(&r, 0));
	ring_say(&r, "unknown opcode");
	RET("what was behind it", ur_enter(r.fd, 1, 0, 0, NULL, 0));
	ring_say(&r, "what was behind it");
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->flags = 0x80;
	ring_one(&r, "unknown flag");
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->flags = IOSQE_BUFFER_SELECT;
	ring_one(&r, "BUFFER_SELECT of a nop");
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->ioprio = 1;
	ring_one(&r, "ioprio of a nop");
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->personality = 9;
	ring_one(&r, "personality that is not there");
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->flags = IOSQE_ASYNC;
	ring_one(&r, "ASYNC nop");
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	r.sq_array[*r.sq_tail & *r.sq_mask] = 99;
	RET("bad index", ring_go(&r, 0));
	VAL("dropped", *r.sq_dropped);
	VAL("ready", ring_ready(&r));
	ring_end(&r);

	r = ring_new(4, IORING_SETUP_SUBMIT_ALL);
	sqe_next(&r, 200, -1, NULL, 0, 0)->user_data = 4;
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 5;
	RET("SUBMIT_ALL", ring_go(&r, 0));
	ring_say(&r, "SUBMIT_ALL");
	ring_say(&r, "SUBMIT_ALL");
	ring_end(&r);

	r = ring_new(4, IORING_SETUP_CQE32 | IORING_SETUP_SQE128);
	for (int i = 1; i <= 4; i++)
		sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = i;
	RET("big entries", ring_go(&r, 4));
	for (int i = 1; i <= 4; i++)
		ring_say(&r, "big entries");
	ring_end(&r);
}

static void overflow(void)
{
	struct ring r = ring_with(4, (struct io_uring_params){ .flags = IORING_SETUP_CQSIZE, .cq_entries = 4 });

	for (int n = 0; n < 2; n++) {
		for (int i = 0; i < 4; i++)
			sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 10 * n + i;
		RET("overflow, submit", ring_go(&r, 0));
		HEX("overflow, flags", *r.sq_flags);
		VAL("overflow, ready", ring_ready(&r));
	}
	VAL("overflow, lost", *r.cq_overflow);
	for (int i = 0; i < 8; i++)
		ring_say(&r, "overflow");
	HEX("overflow over, flags", *r.sq_flags);
	VAL("overflow over, ready", ring_ready(&r));
	ring_end(&r);
}

static void bytes(void)
{
	struct ring r = ring_new(8, 0);
	char buf[64] = "";
	struct iovec v[2] = { { "hello ", 6 }, { "world", 5 } }, in = { buf, sizeof(buf) };
	int fd = MUST(open("file", O_RDWR | O_CREAT | O_TRUNC, 0600)), rd = MUST(open("file", O_RDONLY)), p[2];

	sqe_next(&r, IORING_OP_WRITEV, fd, v, 2, 0);
	ring_one(&r, "WRITEV");
	sqe_next(&r, IORING_OP_READV, fd, &in, 1, 0);
	ring_one(&r, "READV");
	STR("READV", buf);
	sqe_next(&r, IORING_OP_READ, fd, buf, 5, 6);
	ring_one(&r, "READ");
	STR("READ", buf);
	sqe_next(&r, IORING_OP_WRITE, fd, "HE", 2, 0);
	ring_one(&r, "WRITE");
	sqe_next(&r, IORING_OP_READ, fd, buf, 5, -1);
	ring_one(&r, "READ at the position");
	VAL("position", lseek(fd, 0, SEEK_CUR));
	sqe_next(&r, IORING_OP_READ, fd, buf, 64, 100);
	ring_one(&r, "READ past the end");
	sqe_next(&r, IORING_OP_READ, 77, buf, 5, 0);
	ring_one(&r, "READ of nothing open");
	sqe_next(&r, IORING_OP_WRITE, rd, buf, 5, 0);
	ring_one(&r, "WRITE to what is read only");
	sqe_next(&r, IORING_OP_READ, fd, (void *)8, 5, 0);
	ring_one(&r, "READ to nowhere");
	sqe_next(&r, IORING_OP_READ, fd, (void *)~0xfffull, 5, 0);
	ring_one(&r, "READ to the kernel");
	sqe_next(&r, IORING_OP_READV, fd, v, 1025, 0);
	ring_one(&r, "READV of too many");
	sqe_next(&r, IORING_OP_READV, fd, (void *)8, 2, 0);
	ring_one(&r, "READV, no vector");
	sqe_next(&r, IORING_OP_READ, fd, buf, 5, 0)->rw_flags = 0x1000;
	ring_one(&r, "READ, unknown flag");
	sqe_next(&r, IORING_OP_READ, fd, buf, 5, 0)->rw_flags = RWF_HIPRI;
	ring_one(&r, "READ, HIPRI");
	sqe_next(&r, IORING_OP_READ, fd, buf, 5, 0)->ioprio = 0x8000;
	ring_one(&r, "READ, bad ioprio");
	sqe_next(&r, IORING_OP_WRITE, fd, "!", 1, 0)->rw_flags = RWF_APPEND;
	ring_one(&r, "WRITE, APPEND");
	VAL("size", lseek(fd, 0, SEEK_END));
	sqe_next(&r, IORING_OP_READ, fd, buf, 5, -2ull);
	ring_one(&r, "READ at a negative position");
	sqe_next(&r, IORING_OP_READ_FIXED, fd, buf, 5, 0);
	ring_one(&r, "READ_FIXED, nothing registered");
	sqe_next(&r, IORING_OP_FSYNC, fd, NULL, 0, 0);
	ring_one(&r, "FSYNC");
	sqe_next(&r, IORING_OP_FSYNC, fd, NULL, 0, 0)->fsync_flags = 4;
	ring_one(&r, "FSYNC, unknown flag");
	MUST(pipe(p));
	sqe_next(&r, IORING_OP_FSYNC, p[0], NULL, 0, 0);
	ring_one(&r, "FSYNC of a pipe");

	sqe_next(&r, IORING_OP_READ, p[0], buf, 5, 0)->user_data = 1;
	RET("READ of an empty pipe", ring_go(&r, 0));
	VAL("ready", ring_ready(&r));
	MUST(write(p[1], "abc", 3));
	ring_say(&r, "READ of a pipe");
	MUST(fcntl(p[0], F_SETFL, O_NONBLOCK));
	sqe_next(&r, IORING_OP_READ, p[0], buf, 5, 0)->user_data = 2;
	RET("READ of a pipe, O_NONBLOCK", ring_go(&r, 0));
	sqe_next(&r, IORING_OP_READ, p[0], buf, 5, 0)->rw_flags = RWF_NOWAIT;
	RET("READ of a pipe, NOWAIT", ring_go(&r, 1));
	ring_say(&r, "READ of a pipe, NOWAIT");
	MUST(write(p[1], "d", 1));
	ring_say(&r, "READ of a pipe, O_NONBLOCK");
	sqe_next(&r, IORING_OP_READ, p[0], buf, 5, 0)->flags = IOSQE_ASYNC;
	MUST(ring_go(&r, 0));
	MUST(write(p[1], "efg", 3));
	ring_say(&r, "READ of a pipe, ASYNC");
	close(p[1]);
	sqe_next(&r, IORING_OP_READ, p[0], buf, 5, 0);
	ring_one(&r, "READ of a pipe, end");
	int e = MUST(eventfd(0, 0)), sv[2];
	sqe_next(&r, IORING_OP_READ, e, buf, 8, 0)->rw_flags = RWF_NOWAIT;
	ring_one(&r, "READ of an eventfd, NOWAIT");
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	sqe_next(&r, IORING_OP_READ, sv[0], buf, 8, 0)->rw_flags = RWF_NOWAIT;
	ring_one(&r, "READ of a socket, NOWAIT");
	sqe_next(&r, IORING_OP_READ, fd, buf, 8, 0)->rw_flags = RWF_NOWAIT;
	ring_one(&r, "READ of a file, NOWAIT");
	sqe_next(&r, IORING_OP_READ, e, buf, 8, 0)->user_data = 1;
	sqe_next(&r, IORING_OP_READ, sv[0], buf + 8, 8, 0)->user_data = 2;
	RET("READ of an eventfd and a socket", ring_go(&r, 0));
	MUST(write(e, "\1\0\0\0\0\0\0", 8));
	ring_say(&r, "READ of an eventfd");
	MUST(write(sv[1], "abc", 3));
	ring_say(&r, "READ of a socket");
	close(e);
	close(sv[0]);
	close(sv[1]);
	close(p[0]);
	ring_end(&r);
}

static void polling(void)
{
	struct ring r = ring_new(8, 0);
	int p[2];
	struct pollfd pf = { .fd = r.fd, .events = POLLIN | POLLOUT };

	MUST(pipe(p));
	VAL("poll of the ring", poll(&pf, 1, 0));
	HEX("poll of the ring", pf.revents);
	struct io_uring_sqe *s = sqe_next(&r, IORING_OP_POLL_ADD, p[1], NULL, 0, 0);
	s->poll32_events = POLLOUT;
	ring_one(&r, "POLL_ADD, ready");
	s = sqe_next(&r, IORING_OP_POLL_ADD, p[0], NULL, 0, 0);
	s->poll32_events = POLLIN;
	s->user_data = 1;
	RET("POLL_ADD", ring_go(&r, 0));
	VAL("not ready", ring_ready(&r));
	MUST(write(p[1], "a", 1));
	ring_say(&r, "POLL_ADD");
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	MUST(ring_go(&r, 0));
	VAL("poll of the ring, a completion", poll(&pf, 1, 0));
	HEX("poll of the ring, a completion", pf.revents);
	ring_say(&r, "nop");
	char c;
	MUST(read(p[0], &c, 1));

	s = sqe_next(&r, IORING_OP_POLL_ADD, p[0], NULL, IORING_POLL_ADD_MULTI, 0);
	s->poll32_events = POLLIN;
	s->user_data = 2;
	RET("multishot", ring_go(&r, 0));
	MUST(write(p[1], "a", 1));
	ring_say(&r, "multishot");
	MUST(read(p[0], &c, 1));
	MUST(write(p[1], "a", 1));
	ring_say(&r, "multishot");
	MUST(read(p[0], &c, 1));
	s = sqe_next(&r, IORING_OP_POLL_REMOVE, -1, (void *)2, IORING_POLL_UPDATE_USER_DATA | IORING_POLL_ADD_MULTI, 3);
	s->user_data = 9;
	RET("update of the user data", ring_go(&r, 1));
	ring_say(&r, "update of the user data");
	MUST(write(p[1], "a", 1));
	ring_say(&r, "multishot, updated");
	MUST(read(p[0], &c, 1));
	sqe_next(&r, IORING_OP_POLL_REMOVE, -1, (void *)2, 0, 0)->user_data = 9;
	ring_one(&r, "POLL_REMOVE of what it was");
	sqe_next(&r, IORING_OP_POLL_REMOVE, -1, (void *)3, 0, 0)->user_data = 9;
	RET("POLL_REMOVE", ring_go(&r, 2));
	struct io_uring_cqe a, b;
	MUST(ring_take(&r, &a) && ring_take(&r, &b) ? 0 : -1);
	if (a.user_data == 9) {
		struct io_uring_cqe t = a;

		a = b;
		b = t;
	}
	say("POLL_REMOVE", "%llu %s %#x", a.user_data, res_text(a.res), a.flags);
	say("POLL_REMOVE", "%llu %s %#x", b.user_data, res_text(b.res), b.flags);

	s = sqe_next(&r, IORING_OP_POLL_ADD, p[0], NULL, 0, 1);
	ring_one(&r, "POLL_ADD, offset");
	s = sqe_next(&r, IORING_OP_POLL_ADD, p[0], NULL, 0x100, 0);
	ring_one(&r, "POLL_ADD, unknown flag");
	s = sqe_next(&r, IORING_OP_POLL_ADD, p[0], NULL, IORING_POLL_ADD_MULTI, 0);
	s->flags = IOSQE_CQE_SKIP_SUCCESS;
	ring_one(&r, "POLL_ADD, multishot without completions");
	sqe_next(&r, IORING_OP_POLL_ADD, 77, NULL, 0, 0);
	ring_one(&r, "POLL_ADD, nothing open");
	sqe_next(&r, IORING_OP_POLL_REMOVE, -1, (void *)2, IORING_POLL_ADD_MULTI, 0);
	ring_one(&r, "POLL_REMOVE, multishot alone");
	sqe_next(&r, IORING_OP_POLL_REMOVE, -1, (void *)2, 0, 5);
	ring_one(&r, "POLL_REMOVE, new data that is not asked for");
	s = sqe_next(&r, IORING_OP_POLL_REMOVE, -1, (void *)2, IORING_POLL_UPDATE_EVENTS, 0);
	s->poll32_events = POLLIN;
	ring_one(&r, "POLL_REMOVE, update of none");
	s = sqe_next(&r, IORING_OP_POLL_ADD, p[0], NULL, 0, 0);
	s->poll32_events = POLLIN;
	s->user_data = 4;
	MUST(ring_go(&r, 0));
	close(p[1]);
	ring_say(&r, "POLL_ADD, hang-up");
	close(p[0]);
	ring_end(&r);
}

static struct __kernel_timespec far = { 1000, 0 }, soon = { 0, 1000000 }, negative = { -1, 0 };

static void time_(void)
{
	struct ring r = ring_new(8, 0);
	struct io_uring_sqe *s;

	sqe_next(&r, IORING_OP_TIMEOUT, -1, &soon, 1, 0);
	ring_one(&r, "TIMEOUT");
	sqe_next(&r, IORING_OP_TIMEOUT, -1, &soon, 1, 0)->timeout_flags = IORING_TIMEOUT_ETIME_SUCCESS;
	ring_one(&r, "TIMEOUT, ETIME_SUCCESS");
	struct __kernel_timespec past = { 1, 0 };
	sqe_next(&r, IORING_OP_TIMEOUT, -1, &past, 1, 0)->timeout_flags = IORING_TIMEOUT_ABS | IORING_TIMEOUT_REALTIME;
	ring_one(&r, "TIMEOUT, absolute");
	sqe_next(&r, IORING_OP_TIMEOUT, -1, &far, 1, 1)->user_data = 1;
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 2;
	RET("TIMEOUT by count", ring_go(&r, 2));
	ring_say(&r, "TIMEOUT by count");
	ring_say(&r, "TIMEOUT by count");
	sqe_next(&r, IORING_OP_TIMEOUT, -1, &far, 1, 2)->user_data = 1;
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 2;
	RET("TIMEOUT by a count of two", ring_go(&r, 1));
	ring_say(&r, "TIMEOUT by a count of two");
	VAL("ready", ring_ready(&r));
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 3;
	RET("the second", ring_go(&r, 2));
	ring_say(&r, "the second");
	ring_say(&r, "the second");
	sqe_next(&r, IORING_OP_TIMEOUT, -1, &far, 2, 0);
	ring_one(&r, "TIMEOUT, two times");
	sqe_next(&r, IORING_OP_TIMEOUT, -1, (void *)8, 1, 0);
	ring_one(&r, "TIMEOUT, no time");
	sqe_next(&r, IORING_OP_TIMEOUT, -1, &negative, 1, 0);
	ring_one(&r, "TIMEOUT, negative");
	sqe_next(&r, IORING_OP_TIMEOUT, -1, &soon, 1, 0)->timeout_flags = 0x1000;
	ring_one(&r, "TIMEOUT, unknown flag");
	sqe_next(&r, IORING_OP_TIMEOUT, -1, &soon, 1, 0)->timeout_flags = 1 << 6;	/* multishot came later */
	ring_one(&r, "TIMEOUT, multishot");
	sqe_next(&r, IORING_OP_TIMEOUT, -1, &soon, 1, 0)->timeout_flags = IORING_TIMEOUT_CLOCK_MASK;
	ring_one(&r, "TIMEOUT, two clocks");

	sqe_next(&r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)1, 0, 0);
	ring_one(&r, "TIMEOUT_REMOVE of none");
	sqe_next(&r, IORING_OP_TIMEOUT, -1, &far, 1, 0)->user_data = 7;
	MUST(ring_go(&r, 0));
	sqe_next(&r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)7, 0, 0)->user_data = 8;
	RET("TIMEOUT_REMOVE", ring_go(&r, 2));
	ring_say(&r, "TIMEOUT_REMOVE");
	ring_say(&r, "TIMEOUT_REMOVE");
	sqe_next(&r, IORING_OP_TIMEOUT, -1, &far, 1, 0)->user_data = 7;
	MUST(ring_go(&r, 0));
	s = sqe_next(&r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)7, 0, (uintptr_t)&soon);
	s->timeout_flags = IORING_TIMEOUT_UPDATE;
	s->user_data = 8;
	RET("TIMEOUT, update", ring_go(&r, 2));
	ring_say(&r, "TIMEOUT, update");
	ring_say(&r, "TIMEOUT, update");
	sqe_next(&r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)7, 3, 0);
	ring_one(&r, "TIMEOUT_REMOVE, length");
	sqe_next(&r, IORING_OP_TIMEOUT_REMOVE, -1, (void *)7, 0, 0)->timeout_flags = IORING_TIMEOUT_ABS;
	ring_one(&r, "TIMEOUT_REMOVE, flag without update");
	ring_end(&r);
}

static void cancelling(void)
{
	struct ring r = ring_new(8, 0);
	int p[2];
	char buf[8];

	MUST(pipe(p));
	sqe_next(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)5, 0, 0);
	ring_one(&r, "ASYNC_CANCEL of none");
	sqe_next(&r, IORING_OP_ASYNC_CANCEL, -1, NULL, 0, 1);
	ring_one(&r, "ASYNC_CANCEL, offset");
	sqe_next(&r, IORING_OP_ASYNC_CANCEL, -1, NULL, 0, 0)->cancel_flags = 1 << 10;
	ring_one(&r, "ASYNC_CANCEL, unknown flag");
	sqe_next(&r, IORING_OP_ASYNC_CANCEL, 0, NULL, 0, 0)->cancel_flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ANY;
	ring_one(&r, "ASYNC_CANCEL, FD and ANY");
	sqe_next(&r, IORING_OP_ASYNC_CANCEL, 77, NULL, 0, 0)->cancel_flags = IORING_ASYNC_CANCEL_FD;
	ring_one(&r, "ASYNC_CANCEL, nothing open");

	sqe_next(&r, IORING_OP_READ, p[0], buf, 5, 0)->user_data = 1;
	MUST(ring_go(&r, 0));
	sqe_next(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)1, 0, 0)->user_data = 9;
	RET("cancel a read", ring_go(&r, 2));
	ring_say(&r, "cancel a read");
	ring_say(&r, "cancel a read");
	sqe_next(&r, IORING_OP_TIMEOUT, -1, &far, 1, 0)->user_data = 1;
	MUST(ring_go(&r, 0));
	sqe_next(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)1, 0, 0)->user_data = 9;
	RET("cancel a timeout", ring_go(&r, 2));
	ring_say(&r, "cancel a timeout");
	ring_say(&r, "cancel a timeout");
	for (int i = 0; i < 3; i++)
		sqe_next(&r, IORING_OP_READ, p[0], buf, 5, 0)->user_data = 1;
	MUST(ring_go(&r, 0));
	sqe_next(&r, IORING_OP_ASYNC_CANCEL, -1, (void *)1, 0, 0)->cancel_flags = IORING_ASYNC_CANCEL_ALL;
	MUST(ring_go(&r, 4));
	int cancelled = 0, told = -1;
	for (int i = 0; i < 4; i++) {
		struct io_uring_cqe c;

		MUST(ring_take(&r, &c) ? 0 : -1);
		if (c.user_data == 1)
			cancelled += c.res == -ECANCELED;
		else
			told = c.res;
	}
	VAL("cancel all", cancelled);
	VAL("cancel all, told", told);
	for (int i = 0; i < 2; i++)
		sqe_next(&r, IORING_OP_READ, p[0], buf, 5, 0)->user_data = 1 + i;
	MUST(ring_go(&r, 0));
	sqe_next(&r, IORING_OP_ASYNC_CANCEL, p[0], NULL, 0, 0)->cancel_flags = IORING_ASYNC_CANCEL_FD | IORING_ASYNC_CANCEL_ALL;
	MUST(ring_go(&r, 3));
	VAL("cancel by descriptor", ring_ready(&r));
	while (ring_ready(&r)) {
		struct io_uring_cqe c;

		ring_take(&r, &c);
		if (!c.user_data)
			VAL("cancel by descriptor, told", c.res);
	}
	sqe_next(&r, IORING_OP_READ, p[0], buf, 5, 0)->flags = IOSQE_ASYNC;
	MUST(ring_go(&r, 0));
	ring_end(&r);		/* with a request under way */
	CHILD("exit with requests under way", {
		struct ring c = ring_new(8, 0);
		sqe_next(&c, IORING_OP_READ, p[0], buf, 5, 0);
		sqe_next(&c, IORING_OP_READ, p[0], buf, 5, 0)->flags = IOSQE_ASYNC;
		sqe_next(&c, IORING_OP_TIMEOUT, -1, &far, 1, 0);
		sqe_next(&c, IORING_OP_POLL_ADD, c.fd, NULL, 0, 0)->poll32_events = POLLPRI;
		_exit(ring_go(&c, 0) == 4 ? 3 : 4);
	});
	CHILD("exec with requests under way", {
		struct ring c = ring_new(8, 0);
		sqe_next(&c, IORING_OP_READ, p[0], buf, 5, 0);
		sqe_next(&c, IORING_OP_TIMEOUT, -1, &far, 1, 0);
		if (ring_go(&c, 0) == 2)
			execl(abi_self, abi_self, "@exit", "5", NULL);
	});
	MUST(write(p[1], "x", 1));
	VAL("nobody took it", read(p[0], buf, 8));
}

void abi_test(void)
{
	setup();
	entering();
	overflow();
	bytes();
	polling();
	time_();
	cancelling();
}
