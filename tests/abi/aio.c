/* Asynchronous I/O: io_setup, io_submit, io_getevents, io_cancel, io_destroy, the mapped ring, eventfd. */
#include "abi.h"
#include <linux/aio_abi.h>
#include <linux/loop.h>
#include <sys/eventfd.h>

struct ring {
	unsigned id, nr, head, tail, magic, compat, incompat, header;
};

static aio_context_t ctx;
static struct io_event events[64];

static long setup(unsigned nr, aio_context_t *c) { return syscall(SYS_io_setup, nr, c); }
static long destroy(aio_context_t c) { return syscall(SYS_io_destroy, c); }
static long submit(aio_context_t c, long nr, struct iocb **list) { return syscall(SYS_io_submit, c, nr, list); }

static long getevents(aio_context_t c, long min, long nr, struct io_event *e, struct timespec *t)
{
	return syscall(SYS_io_getevents, c, min, nr, e, t);
}

static struct iocb iocb(int op, int fd, void *buf, size_t n, long long off)
{
	struct iocb cb = { .aio_lio_opcode = op, .aio_fildes = fd, .aio_buf = (uintptr_t)buf, .aio_nbytes = n, .aio_offset = off };

	return cb;
}

static long one(struct iocb *cb)
{
	return submit(ctx, 1, &cb);
}

/* Submit it and print what came of it: the call's result, or the event's. */
static void run(const char *name, struct iocb cb)
{
	long ret;
	char text[64];

	cb.aio_data = 77;
	errno = 0;
	ret = one(&cb);
	if (ret != 1) {
		RET(name, (errno = ret < 0 ? errno : 0, ret));
		return;
	}
	ret = getevents(ctx, 1, 1, events, NULL);
	snprintf(text, sizeof(text), "%s: events", name);
	VAL(text, ret);
	say(name, "%s", events[0].res < 0 ? err_name(-events[0].res) : "done");
	if (events[0].res >= 0)
		VAL(name, events[0].res);
	YES(name, events[0].data == 77 && events[0].obj == (uintptr_t)&cb && !events[0].res2);
}

static void contexts(void)
{
	aio_context_t c = 0, other = 1;

	RET("setup, no place", setup(1, NULL));
	RET("setup, place not zero", setup(1, &other));
	RET("setup of nothing", setup(0, &c));
	RET("setup of too many", setup(0x7fffffff, &c));
	RET("setup of more than the system has", setup(100000, &c));
	RET("setup", setup(8, &c));
	YES("its name", c != 0);
	struct ring *ring = (struct ring *)c;
	HEX("magic", ring->magic);
	VAL("compat", ring->compat);
	VAL("incompat", ring->incompat);
	VAL("header", ring->header);
	YES("room", ring->nr >= 8);
	YES("empty", ring->head == ring->tail);
	RET("destroy", destroy(c));
	RET("destroy again", destroy(c));
	RET("destroy nothing", destroy(0));
	RET("submit to what is gone", submit(c, 0, NULL));
	RET("events of what is gone", getevents(c, 0, 1, events, NULL));
}

static void arguments(int fd)
{
	struct timespec zero = { 0, 0 }, bad = { 0, 1000000000 };
	struct iocb cb, *list[1] = { &cb };
	char buf[64];

	RET("submit nothing", submit(ctx, 0, NULL));
	RET("submit less than nothing", submit(ctx, -1, NULL));
	RET("submit from nowhere", submit(ctx, 1, NULL));
	list[0] = (void *)8;
	RET("submit a bad pointer", submit(ctx, 1, list));
	cb = iocb(IOCB_CMD_PREAD, 99, buf, 1, 0);
	RET("bad descriptor", one(&cb));
	cb = iocb(99, fd, buf, 1, 0);
	RET("bad operation", one(&cb));
	cb = iocb(IOCB_CMD_NOOP, fd, buf, 1, 0);
	RET("no operation", one(&cb));
	cb = iocb(IOCB_CMD_PREAD, fd, buf, -1, 0);
	RET("negative length", one(&cb));
	cb = iocb(IOCB_CMD_PREAD, fd, buf, 1, -1);
	RET("negative offset", one(&cb));
	cb = iocb(IOCB_CMD_PREAD, fd, buf, 1, 0);
	cb.aio_reserved2 = 1;
	RET("reserved field", one(&cb));
	cb = iocb(IOCB_CMD_PREAD, fd, buf, 1, 0);
	cb.aio_flags = IOCB_FLAG_RESFD;
	cb.aio_resfd = 99;
	RET("bad eventfd", one(&cb));
	cb.aio_resfd = fd;
	RET("no eventfd", one(&cb));
	cb = iocb(IOCB_CMD_PREAD, fd, buf, 1, 0);
	cb.aio_rw_flags = 1 << 20;
	RET("bad flag", one(&cb));
	cb = iocb(IOCB_CMD_FSYNC, fd, buf, 0, 0);
	RET("fsync with a buffer", one(&cb));
	cb = iocb(IOCB_CMD_PREADV, fd, buf, 2000, 0);
	RET("long vector", one(&cb));
	RET("events: none", getevents(ctx, 0, 1, events, NULL));
	RET("events: negative least", getevents(ctx, -1, 1, events, NULL));
	RET("events: least above most", getevents(ctx, 2, 1, events, NULL));
	RET("events: bad time", getevents(ctx, 0, 1, events, &bad));
	RET("events: time from nowhere", getevents(ctx, 0, 1, events, (void *)8));
	RET("events: at once", getevents(ctx, 1, 1, events, &zero));
	cb = iocb(IOCB_CMD_PREAD, fd, buf, 1, 0);
	RET("cancel what is not there", syscall(SYS_io_cancel, ctx, &cb, events));
	cb.aio_key = 1;
	RET("cancel, bad key", syscall(SYS_io_cancel, ctx, &cb, events));
	RET("cancel nothing", syscall(SYS_io_cancel, ctx, NULL, events));
}

static void transfers(int fd)
{
	char buf[8192], in[8192];
	struct iovec iov[2] = { { in, 100 }, { in + 200, 100 } };
	int ro = MUST(open("file", O_RDONLY)), wo = MUST(open("file", O_WRONLY));

	memset(buf, 'w', sizeof(buf));
	run("write", iocb(IOCB_CMD_PWRITE, fd, buf, 5000, 0));
	run("read", iocb(IOCB_CMD_PREAD, fd, in, 8192, 0));
	YES("bytes", !memcmp(buf, in, 5000));
	run("read past the end", iocb(IOCB_CMD_PREAD, fd, in, 10, 9000));
	run("read to nowhere", iocb(IOCB_CMD_PREAD, fd, (void *)8, 10, 0));
	run("write from nowhere", iocb(IOCB_CMD_PWRITE, fd, (void *)8, 10, 0));
	run("write read-only", iocb(IOCB_CMD_PWRITE, ro, buf, 10, 0));
	run("read write-only", iocb(IOCB_CMD_PREAD, wo, buf, 10, 0));
	run("readv", iocb(IOCB_CMD_PREADV, fd, iov, 2, 0));
	run("writev", iocb(IOCB_CMD_PWRITEV, fd, iov, 2, 5000));
	run("fsync", iocb(IOCB_CMD_FSYNC, fd, NULL, 0, 0));
	run("fdsync", iocb(IOCB_CMD_FDSYNC, fd, NULL, 0, 0));
	close(ro);
	close(wo);
}

static void batches(int fd)
{
	struct iocb cb[8], *list[8];
	char buf[8][16];
	int e = eventfd(0, 0);
	uint64_t count = 0;
	long got = 0;

	for (int i = 0; i < 8; i++) {
		cb[i] = iocb(IOCB_CMD_PREAD, fd, buf[i], 16, i * 16);
		cb[i].aio_data = i;
		cb[i].aio_flags = IOCB_FLAG_RESFD;
		cb[i].aio_resfd = e;
		list[i] = &cb[i];
	}
	RET("batch", submit(ctx, 8, list));
	got = getevents(ctx, 8, 64, events, NULL);
	VAL("batch: events", got);
	unsigned seen = 0;
	for (int i = 0; i < got; i++)
		seen |= 1u << events[i].data;
	HEX("batch: seen", seen);
	RET("batch: eventfd", read(e, &count, 8));
	VAL("batch: counted", (long)count);
	cb[2].aio_fildes = 99;
	RET("batch with a bad one", submit(ctx, 4, list));
	VAL("its events", getevents(ctx, 2, 64, events, NULL));
	struct ring *ring = (struct ring *)ctx;
	RET("for the ring", submit(ctx, 1, list));
	YES("the ring has one", (ring->tail + ring->nr - ring->head) % ring->nr == 1);
	struct io_event *first = (struct io_event *)(ring + 1) + ring->head;
	YES("it is that one", first->obj == (uintptr_t)list[0] && first->res == 16);
	ring->head = (ring->head + 1) % ring->nr;
	struct timespec zero = { 0, 0 };
	VAL("taken by hand: left", getevents(ctx, 0, 1, events, &zero));
	close(e);
}

static void direct(void)
{
	int control = MUST(open("/dev/loop-control", O_RDWR));
	int file = MUST(open("disk", O_RDWR | O_CREAT, 0600));
	char *buf = aligned_alloc(4096, 65536), *in = aligned_alloc(4096, 65536);
	struct iocb cb[16], *list[16];
	long total = 0;
	int loop, fd;

	MUST(ioctl(control, LOOP_CTL_GET_FREE));
	MUST(ftruncate(file, 1 << 20));
	loop = MUST(open("/dev/loop0", O_RDWR));
	MUST(ioctl(loop, LOOP_SET_FD, file));
	fd = MUST(open("/dev/loop0", O_RDWR | O_DIRECT));
	for (int i = 0; i < 65536; i++)
		buf[i] = i / 512 + i;
	for (int i = 0; i < 16; i++) {
		cb[i] = iocb(IOCB_CMD_PWRITE, fd, buf + i * 4096, 4096, i * 4096);
		list[i] = &cb[i];
	}
	RET("direct: writes", submit(ctx, 16, list));
	for (long got = 0; got < 16;) {
		long n = getevents(ctx, 1, 16, events, NULL);

		for (int i = 0; i < n; i++)
			total += events[i].res;
		got += n;
	}
	VAL("direct: written", total);
	run("direct: read", iocb(IOCB_CMD_PREAD, fd, in, 65536, 0));
	YES("direct: bytes", !memcmp(in, buf, 65536));
	run("direct: odd length", iocb(IOCB_CMD_PREAD, fd, in, 100, 0));
	run("direct: odd memory", iocb(IOCB_CMD_PREAD, fd, in + 1, 512, 0));
	run("direct: at the end", iocb(IOCB_CMD_PREAD, fd, in, 4096, 1 << 20));
	run("direct: over the end", iocb(IOCB_CMD_PREAD, fd, in, 8192, (1 << 20) - 4096));
	run("direct: write at the end", iocb(IOCB_CMD_PWRITE, fd, in, 4096, 1 << 20));
	run("direct: to nowhere", iocb(IOCB_CMD_PREAD, fd, (void *)4096, 4096, 0));
	run("direct: fsync", iocb(IOCB_CMD_FSYNC, fd, NULL, 0, 0));
	close(fd);
	MUST(ioctl(loop, LOOP_CLR_FD));
	close(loop);
	close(control);
}

static void after_fork(void)
{
	pid_t pid = fork();

	if (!pid) {
		RET("child: events", getevents(ctx, 0, 1, events, NULL));
		RET("child: destroy", destroy(ctx));
		_exit(0);
	}
	waitpid(pid, NULL, 0);
}

void abi_test(void)
{
	int fd = MUST(open("file", O_RDWR | O_CREAT, 0600));

	contexts();
	MUST(setup(32, &ctx));
	arguments(fd);
	transfers(fd);
	batches(fd);
	direct();
	after_fork();
	RET("destroy at the end", destroy(ctx));
}
