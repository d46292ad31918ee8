/* io_uring: registered files, buffers, eventfds, personalities, restrictions, rings; direct descriptors; the polling thread. */
#include "uring.h"

static struct io_uring_sqe *s;

static void files(void)
{
	struct ring r = ring_new(8, 0);
	char buf[16];
	int p[2], fds[4] = { -1, -1, -1, -1 }, bad = 77;
	struct io_uring_files_update up = { 0 };
	struct io_uring_rsrc_register rr = { .nr = 4, .flags = IORING_RSRC_REGISTER_SPARSE };
	unsigned long long tags[1] = { 0x99 };

	MUST(pipe(p));
	RET("unregister of none", ur_register(r.fd, IORING_UNREGISTER_FILES, NULL, 0));
	RET("FILES of none", ur_register(r.fd, IORING_REGISTER_FILES, fds, 0));
	RET("FILES, no list", ur_register(r.fd, IORING_REGISTER_FILES, NULL, 2));
	RET("FILES, nothing open", ur_register(r.fd, IORING_REGISTER_FILES, &bad, 1));
	RET("FILES, a ring", ur_register(r.fd, IORING_REGISTER_FILES, &r.fd, 1));
	RET("FILES, too many", ur_register(r.fd, IORING_REGISTER_FILES, fds, 1 << 21));
	fds[1] = p[0];
	RET("FILES", ur_register(r.fd, IORING_REGISTER_FILES, fds, 4));
	RET("FILES again", ur_register(r.fd, IORING_REGISTER_FILES, fds, 4));
	MUST(write(p[1], "abc", 3));
	s = sqe_next(&r, IORING_OP_READ, 1, buf, 16, 0);
	s->flags = IOSQE_FIXED_FILE;
	ring_one(&r, "READ of a registered file");
	s = sqe_next(&r, IORING_OP_READ, 0, buf, 16, 0);
	s->flags = IOSQE_FIXED_FILE;
	ring_one(&r, "READ of an empty slot");
	s = sqe_next(&r, IORING_OP_READ, 9, buf, 16, 0);
	s->flags = IOSQE_FIXED_FILE;
	ring_one(&r, "READ of no slot");
	up.offset = 2;
	up.fds = (uintptr_t)&p[1];
	RET("update", ur_register(r.fd, IORING_REGISTER_FILES_UPDATE, &up, 1));
	s = sqe_next(&r, IORING_OP_WRITE, 2, "xy", 2, 0);
	s->flags = IOSQE_FIXED_FILE;
	ring_one(&r, "WRITE to a registered file");
	up.offset = 4;
	RET("update behind the end", ur_register(r.fd, IORING_REGISTER_FILES_UPDATE, &up, 1));
	RET("update of none", ur_register(r.fd, IORING_REGISTER_FILES_UPDATE, &up, 0));
	up.offset = 0;
	up.fds = (uintptr_t)&bad;
	RET("update, nothing open", ur_register(r.fd, IORING_REGISTER_FILES_UPDATE, &up, 1));
	up.resv = 1;
	RET("update, reserved", ur_register(r.fd, IORING_REGISTER_FILES_UPDATE, &up, 1));
	RET("unregister", ur_register(r.fd, IORING_UNREGISTER_FILES, NULL, 0));
	RET("unregister with an argument", ur_register(r.fd, IORING_UNREGISTER_FILES, fds, 0));

	RET("FILES2, wrong size", ur_register(r.fd, IORING_REGISTER_FILES2, &rr, 8));
	RET("FILES2, sparse", ur_register(r.fd, IORING_REGISTER_FILES2, &rr, sizeof(rr)));
	struct io_uring_rsrc_update2 up2 = { .offset = 1, .data = (uintptr_t)&p[0], .tags = (uintptr_t)tags, .nr = 1 };
	RET("FILES_UPDATE2 with a tag", ur_register(r.fd, IORING_REGISTER_FILES_UPDATE2, &up2, sizeof(up2)));
	int none = -1;
	up2.data = (uintptr_t)&none;
	up2.tags = 0;
	RET("FILES_UPDATE2, gone", ur_register(r.fd, IORING_REGISTER_FILES_UPDATE2, &up2, sizeof(up2)));
	ring_say(&r, "the tag");
	up2.nr = 0;
	RET("FILES_UPDATE2 of none", ur_register(r.fd, IORING_REGISTER_FILES_UPDATE2, &up2, sizeof(up2)));

	s = sqe_next(&r, IORING_OP_OPENAT, AT_FDCWD, "direct", 0600, 0);
	s->open_flags = O_RDWR | O_CREAT;
	s->file_index = 1;
	ring_one(&r, "OPENAT into a slot");
	s = sqe_next(&r, IORING_OP_WRITE, 0, "direct", 6, 0);
	s->flags = IOSQE_FIXED_FILE;
	ring_one(&r, "WRITE to it");
	s = sqe_next(&r, IORING_OP_OPENAT, AT_FDCWD, "direct", 0600, 0);
	s->file_index = IORING_FILE_INDEX_ALLOC;
	ring_one(&r, "OPENAT into any slot");
	s = sqe_next(&r, IORING_OP_OPENAT, AT_FDCWD, "direct", 0600, 0);
	s->file_index = 9;
	ring_one(&r, "OPENAT into no slot");
	s = sqe_next(&r, IORING_OP_OPENAT, AT_FDCWD, "direct", 0600, 0);
	s->file_index = 1;
	s->open_flags = O_CLOEXEC;
	ring_one(&r, "OPENAT into a slot, close-on-exec");
	s = sqe_next(&r, IORING_OP_CLOSE, 0, NULL, 0, 0);
	s->file_index = 1;
	ring_one(&r, "CLOSE of a slot");
	s = sqe_next(&r, IORING_OP_CLOSE, 0, NULL, 0, 0);
	s->file_index = 1;
	ring_one(&r, "CLOSE of an empty slot");
	s = sqe_next(&r, IORING_OP_CLOSE, 0, NULL, 0, 0);
	s->file_index = 9;
	ring_one(&r, "CLOSE of no slot");
	sqe_next(&r, IORING_OP_FILES_UPDATE, -1, &p[0], 1, 3);
	ring_one(&r, "FILES_UPDATE");
	sqe_next(&r, IORING_OP_FILES_UPDATE, -1, &p[0], 1, 9);
	ring_one(&r, "FILES_UPDATE of no slot");
	sqe_next(&r, IORING_OP_FILES_UPDATE, -1, &p[0], 0, 0);
	ring_one(&r, "FILES_UPDATE of none");
	int list[2] = { p[0], p[1] };
	sqe_next(&r, IORING_OP_FILES_UPDATE, -1, list, 1, IORING_FILE_INDEX_ALLOC);
	ring_one(&r, "FILES_UPDATE, any slot");
	VAL("the slot", list[0]);
	struct io_uring_file_index_range range = { .off = 2, .len = 1 };
	RET("FILE_ALLOC_RANGE", ur_register(r.fd, IORING_REGISTER_FILE_ALLOC_RANGE, &range, 0));
	s = sqe_next(&r, IORING_OP_SOCKET, AF_UNIX, NULL, 0, SOCK_STREAM);
	s->file_index = IORING_FILE_INDEX_ALLOC;
	ring_one(&r, "SOCKET in the range");
	s = sqe_next(&r, IORING_OP_SOCKET, AF_UNIX, NULL, 0, SOCK_STREAM);
	s->file_index = IORING_FILE_INDEX_ALLOC;
	ring_one(&r, "SOCKET, the range is full");
	range.len = 9;
	RET("FILE_ALLOC_RANGE past the end", ur_register(r.fd, IORING_REGISTER_FILE_ALLOC_RANGE, &range, 0));
	s = sqe_next(&r, IORING_OP_OPENAT, AT_FDCWD, "direct", 0600, 0);
	s->file_index = 1;
	s->flags = IOSQE_IO_LINK;
	s->user_data = 1;
	s = sqe_next(&r, IORING_OP_READ, 0, buf, 16, 0);
	s->flags = IOSQE_FIXED_FILE;
	s->user_data = 2;
	RET("open, then read", ring_go(&r, 2));
	ring_say(&r, "open, then read");
	ring_say(&r, "open, then read");
	ring_end(&r);
}

static void buffers(void)
{
	struct ring r = ring_new(8, 0);
	static char area[3 * 4096];
	struct iovec v[2] = { { area + 100, 8192 }, { NULL, 0 } }, bad = { (void *)8, 4096 }, none = { NULL, 5 }, zero = { area, 0 };
	int fd = MUST(open("fixed", O_RDWR | O_CREAT | O_TRUNC, 0600));

	RET("BUFFERS of none", ur_register(r.fd, IORING_REGISTER_BUFFERS, v, 0));
	RET("BUFFERS, no list", ur_register(r.fd, IORING_REGISTER_BUFFERS, NULL, 1));
	RET("BUFFERS, bad list", ur_register(r.fd, IORING_REGISTER_BUFFERS, (void *)8, 1));
	RET("BUFFERS, bad address", ur_register(r.fd, IORING_REGISTER_BUFFERS, &bad, 1));
	RET("BUFFERS, no address", ur_register(r.fd, IORING_REGISTER_BUFFERS, &none, 1));
	RET("BUFFERS, no length", ur_register(r.fd, IORING_REGISTER_BUFFERS, &zero, 1));
	RET("BUFFERS, too many", ur_register(r.fd, IORING_REGISTER_BUFFERS, v, 1 << 15));
	RET("unregister of none", ur_register(r.fd, IORING_UNREGISTER_BUFFERS, NULL, 0));
	RET("BUFFERS", ur_register(r.fd, IORING_REGISTER_BUFFERS, v, 2));
	RET("BUFFERS again", ur_register(r.fd, IORING_REGISTER_BUFFERS, v, 2));
	memset(area, 'a', sizeof(area));
	sqe_next(&r, IORING_OP_WRITE_FIXED, fd, area + 4000, 1000, 0);
	ring_one(&r, "WRITE_FIXED");
	memset(area, 0, sizeof(area));
	sqe_next(&r, IORING_OP_READ_FIXED, fd, area + 100, 8192, 0);
	ring_one(&r, "READ_FIXED");
	YES("the bytes", area[100] == 'a' && area[1099] == 'a' && !area[1100] && !area[99]);
	sqe_next(&r, IORING_OP_READ_FIXED, fd, area + 99, 8, 0);
	ring_one(&r, "READ_FIXED before the buffer");
	sqe_next(&r, IORING_OP_READ_FIXED, fd, area + 100, 8193, 0);
	ring_one(&r, "READ_FIXED past the buffer");
	sqe_next(&r, IORING_OP_READ_FIXED, fd, area + 100, 8, 0)->buf_index = 1;
	ring_one(&r, "READ_FIXED, empty slot");
	sqe_next(&r, IORING_OP_READ_FIXED, fd, area + 100, 8, 0)->buf_index = 2;
	ring_one(&r, "READ_FIXED, no slot");
	unsigned long long tag = 0x77;
	struct iovec other = { area + 4096, 100 };
	struct io_uring_rsrc_update2 up = { .offset = 1, .data = (uintptr_t)&other, .tags = (uintptr_t)&tag, .nr = 1 };
	RET("BUFFERS_UPDATE", ur_register(r.fd, IORING_REGISTER_BUFFERS_UPDATE, &up, sizeof(up)));
	sqe_next(&r, IORING_OP_READ_FIXED, fd, area + 4100, 8, 0)->buf_index = 1;
	ring_one(&r, "READ_FIXED, the new one");
	RET("unregister", ur_register(r.fd, IORING_UNREGISTER_BUFFERS, NULL, 0));
	ring_say(&r, "the tag");
	ring_end(&r);
}

static void others(void)
{
	struct ring r = ring_new(8, 0);
	int e = MUST(eventfd(0, EFD_NONBLOCK)), bad = 77, no = 0;
	unsigned long long n = 0;
	struct { struct io_uring_probe p; struct io_uring_probe_op op[256]; } probe;

	RET("unknown opcode", ur_register(r.fd, 200, NULL, 0));
	RET("no ring", ur_register(0, IORING_REGISTER_PROBE, NULL, 0));
	RET("bad descriptor", ur_register(77, IORING_REGISTER_PROBE, NULL, 0));
	RET("EVENTFD, two", ur_register(r.fd, IORING_REGISTER_EVENTFD, &e, 2));
	RET("EVENTFD, nothing open", ur_register(r.fd, IORING_REGISTER_EVENTFD, &bad, 1));
	RET("EVENTFD, no eventfd", ur_register(r.fd, IORING_REGISTER_EVENTFD, &no, 1));
	RET("unregister of none", ur_register(r.fd, IORING_UNREGISTER_EVENTFD, NULL, 0));
	RET("EVENTFD", ur_register(r.fd, IORING_REGISTER_EVENTFD, &e, 1));
	RET("EVENTFD again", ur_register(r.fd, IORING_REGISTER_EVENTFD, &e, 1));
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	ring_one(&r, "nop");
	RET("told", read(e, &n, 8));
	VAL("told", n);
	*r.cq_flags = IORING_CQ_EVENTFD_DISABLED;
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	ring_one(&r, "nop");
	RET("not told", read(e, &n, 8));
	*r.cq_flags = 0;
	RET("unregister", ur_register(r.fd, IORING_UNREGISTER_EVENTFD, NULL, 0));
	RET("EVENTFD_ASYNC", ur_register(r.fd, IORING_REGISTER_EVENTFD_ASYNC, &e, 1));
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	ring_one(&r, "nop");
	RET("not told of what ended at once", read(e, &n, 8));

	memset(&probe, 0, sizeof(probe));
	RET("PROBE, nowhere", ur_register(r.fd, IORING_REGISTER_PROBE, NULL, 10));
	RET("PROBE, too many", ur_register(r.fd, IORING_REGISTER_PROBE, &probe, 257));
	RET("PROBE", ur_register(r.fd, IORING_REGISTER_PROBE, &probe, 256));
	VAL("last opcode", probe.p.last_op);
	VAL("opcodes", probe.p.ops_len);
	int known = 0;
	for (int i = 0; i < IORING_OP_URING_CMD; i++)
		known += probe.op[i].flags & IO_URING_OP_SUPPORTED;
	VAL("known before URING_CMD", known);
	RET("PROBE, not zero", ur_register(r.fd, IORING_REGISTER_PROBE, &probe, 256));

	int id = ur_register(r.fd, IORING_REGISTER_PERSONALITY, NULL, 0);
	VAL("PERSONALITY", id);
	put_file("secret", "s", 0600);
	MUST(seteuid(1000));
	s = sqe_next(&r, IORING_OP_OPENAT, AT_FDCWD, "secret", 0, 0);
	ring_one(&r, "open as another");
	s = sqe_next(&r, IORING_OP_OPENAT, AT_FDCWD, "secret", 0, 0);
	s->personality = id;
	MUST(ring_go(&r, 1));
	struct io_uring_cqe c;
	YES("open as who registered", ring_take(&r, &c) && c.res >= 0);
	MUST(seteuid(0));
	RET("unregister", ur_register(r.fd, IORING_UNREGISTER_PERSONALITY, NULL, id));
	RET("unregister again", ur_register(r.fd, IORING_UNREGISTER_PERSONALITY, NULL, id));
	RET("ENABLE_RINGS", ur_register(r.fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	struct io_uring_restriction x[3] = {
		{ .opcode = IORING_RESTRICTION_SQE_OP, .sqe_op = IORING_OP_NOP },
		{ .opcode = IORING_RESTRICTION_REGISTER_OP, .register_op = IORING_REGISTER_PERSONALITY },
		{ .opcode = IORING_RESTRICTION_SQE_FLAGS_ALLOWED, .sqe_flags = IOSQE_IO_LINK },
	};
	RET("RESTRICTIONS", ur_register(r.fd, IORING_REGISTER_RESTRICTIONS, x, 3));
	unsigned workers[2] = { 0, 0 };
	RET("IOWQ_MAX_WORKERS, one", ur_register(r.fd, IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 1));
	workers[0] = 3;
	RET("IOWQ_MAX_WORKERS", ur_register(r.fd, IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2));
	workers[0] = 0;
	RET("IOWQ_MAX_WORKERS", ur_register(r.fd, IORING_REGISTER_IOWQ_MAX_WORKERS, workers, 2));
	VAL("workers", workers[0]);

	struct io_uring_rsrc_update ru = { .offset = ~0u, .data = r.fd };
	RET("RING_FDS of none", ur_register(r.fd, IORING_REGISTER_RING_FDS, &ru, 0));
	RET("RING_FDS", ur_register(r.fd, IORING_REGISTER_RING_FDS, &ru, 1));
	VAL("its number", ru.offset);
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	ring_publish(&r);
	RET("enter by it", ur_enter(0, 1, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_REGISTERED_RING, NULL, 0));
	RET("enter by a number that is free", ur_enter(3, 1, 1, IORING_ENTER_REGISTERED_RING, NULL, 0));
	RET("enter by no number", ur_enter(16, 1, 1, IORING_ENTER_REGISTERED_RING, NULL, 0));
	RET("RING_FDS, taken", ur_register(r.fd, IORING_REGISTER_RING_FDS, &ru, 1));
	ru.offset = 3;
	ru.data = 0;
	RET("RING_FDS, no ring", ur_register(r.fd, IORING_REGISTER_RING_FDS, &ru, 1));
	ru = (struct io_uring_rsrc_update){ .offset = 0 };
	RET("unregister", ur_register(r.fd, IORING_UNREGISTER_RING_FDS, &ru, 1));
	struct io_uring_sync_cancel_reg sc = { .addr = 5, .timeout = { -1, -1 } };
	RET("SYNC_CANCEL of none", ur_register(r.fd, IORING_REGISTER_SYNC_CANCEL, &sc, 1));
	int p[2];
	char b;
	MUST(pipe(p));
	sqe_next(&r, IORING_OP_READ, p[0], &b, 1, 0)->user_data = 5;
	ring_say(&r, "left over");
	MUST(ring_go(&r, 0));
	RET("SYNC_CANCEL", ur_register(r.fd, IORING_REGISTER_SYNC_CANCEL, &sc, 1));
	ring_say(&r, "SYNC_CANCEL");
	sc.flags = 1 << 20;
	RET("SYNC_CANCEL, unknown flag", ur_register(r.fd, IORING_REGISTER_SYNC_CANCEL, &sc, 1));
	ring_end(&r);

	r = ring_new(8, IORING_SETUP_R_DISABLED);
	RET("enter, disabled", ur_enter(r.fd, 0, 0, 0, NULL, 0));
	RET("RESTRICTIONS", ur_register(r.fd, IORING_REGISTER_RESTRICTIONS, x, 3));
	RET("RESTRICTIONS again", ur_register(r.fd, IORING_REGISTER_RESTRICTIONS, x, 3));
	RET("ENABLE_RINGS", ur_register(r.fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0));
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	ring_one(&r, "allowed");
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->flags = IOSQE_ASYNC;
	ring_one(&r, "a flag that is not");
	sqe_next(&r, IORING_OP_READ, 0, NULL, 0, 0);
	ring_one(&r, "an opcode that is not");
	RET("a registration that is not", ur_register(r.fd, IORING_REGISTER_EVENTFD, &e, 1));
	YES("one that is", ur_register(r.fd, IORING_REGISTER_PERSONALITY, NULL, 0) > 0);
	ring_end(&r);
}

static void *other_thread(void *arg)
{
	struct ring *r = arg;

	RET("SINGLE_ISSUER, another", ur_enter(r->fd, 1, 0, 0, NULL, 0));
	return NULL;
}

static void poller(void)
{
	struct ring r = ring_with(8, (struct io_uring_params){ .flags = IORING_SETUP_SQPOLL, .sq_thread_idle = 10 });
	struct io_uring_cqe c;
	int taken = 0;
	pthread_t t;

	for (int n = 0; n < 3; n++) {
		for (int i = 0; i < 4; i++)
			sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = i;
		ring_publish(&r);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		if (__atomic_load_n(r.sq_flags, __ATOMIC_ACQUIRE) & IORING_SQ_NEED_WAKEUP)
			MUST(ur_enter(r.fd, 4, 0, IORING_ENTER_SQ_WAKEUP, NULL, 0));
		for (int i = 0; i < 4 && ring_take(&r, &c); i++)
			taken += c.user_data == (unsigned)i && !c.res;
		for (int i = 0; i < 500 && !(__atomic_load_n(r.sq_flags, __ATOMIC_ACQUIRE) & IORING_SQ_NEED_WAKEUP); i++)
			sleep_ms(10);
		YES("it sleeps", *r.sq_flags & IORING_SQ_NEED_WAKEUP);
	}
	VAL("SQPOLL, nops", taken);
	RET("SQ_WAIT", ur_enter(r.fd, 0, 0, IORING_ENTER_SQ_WAIT, NULL, 0));
	ring_end(&r);

	r = ring_new(8, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN);
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0)->user_data = 1;
	ring_publish(&r);
	pthread_create(&t, NULL, other_thread, &r);
	pthread_join(t, NULL);
	RET("SINGLE_ISSUER, the one", ur_enter(r.fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	ring_say(&r, "SINGLE_ISSUER");
	int p[2];
	char b;
	MUST(pipe(p));
	sqe_next(&r, IORING_OP_READ, p[0], &b, 1, 0)->user_data = 2;
	MUST(ring_go(&r, 0));
	MUST(write(p[1], "a", 1));
	VAL("DEFER_TASKRUN, before", ring_ready(&r));
	RET("DEFER_TASKRUN", ur_enter(r.fd, 0, 1, IORING_ENTER_GETEVENTS, NULL, 0));
	ring_say(&r, "DEFER_TASKRUN");
	ring_end(&r);

	r = ring_new(8, IORING_SETUP_IOPOLL);
	int fd = MUST(open("polled", O_RDWR | O_CREAT, 0600));
	sqe_next(&r, IORING_OP_READ, fd, &b, 1, 0);
	ring_one(&r, "IOPOLL of a file without O_DIRECT");
	sqe_next(&r, IORING_OP_POLL_ADD, fd, NULL, 0, 0);
	ring_one(&r, "IOPOLL, POLL_ADD");
	sqe_next(&r, IORING_OP_NOP, -1, NULL, 0, 0);
	ring_one(&r, "IOPOLL, nop");
	ring_end(&r);
}

void abi_test(void)
{
	files();
	buffers();
	others();
	poller();
}
