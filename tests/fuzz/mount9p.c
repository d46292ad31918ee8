/*
 * Feeds: a 9P server's replies to the whole kernel, through a transport of the target's own.  The input is the server: for each request it says whether the
 * reply is damaged and how; a good reply has the request's tag and type, and fields of the input's bytes, with lengths as the type wants them, so that
 * mounting comes as far as walks, reads and directories.  A program mounts, lists, reads, writes, links, and unmounts.
 *
 * What must hold: no report of a sanitizer, no panic, no assertion, no call that waits for ever, and unmounting works.
 *
 * Cannot catch: data that an honest server gave and that arrive wrong; tests/programs run on 9p.
 */
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include "base/bitops.h"
#include "fs/9p/transport.h"
#include "fs/9p/wire.h"
#include "kern/page.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/machine.h"

enum { REPLY_MAX = 16384, BUF = 16384, REQUEST_MAX = 64 };
enum { DAMAGED_SIZE = 1, DAMAGED_TYPE = 2, DAMAGED_TAG = 4, AN_ERROR = 8, TRANSPORT_FAILS = 16, IS_DIR = 32, SHORT = 64 };

static struct fuzz_input server;
static u8 reply[REPLY_MAX];
static uint64_t buf;

static u32 room_of(const struct p9_exchange *x)
{
	u32 n = 0;

	for (unsigned i = 0; i < x->in_count; i++)
		n += x->segs[x->out_count + i].len;
	return n;
}

static u32 gather(const struct p9_exchange *x, u8 *to, u32 max)
{
	u32 n = 0;

	for (unsigned i = 0; i < x->out_count && n < max; i++) {
		u32 part = MIN(x->segs[i].len, max - n);

		memcpy(to + n, phys_to_virt(x->segs[i].addr), part);
		n += part;
	}
	return n;
}

static void scatter(const struct p9_exchange *x, const u8 *from, u32 n)
{
	for (unsigned i = 0; i < x->in_count && n; i++) {
		const struct p9_seg *s = &x->segs[x->out_count + i];
		u32 part = MIN(s->len, n);

		memcpy(phys_to_virt(s->addr), from, part);
		from += part;
		n -= part;
	}
}

static void put_input(struct p9_writer *w, u32 n)
{
	while (n--)
		p9_put_u8(w, fuzz_u8(&server));
}

static void put_qid(struct p9_writer *w, bool dir)
{
	p9_put_u8(w, dir ? P9_QTDIR : fuzz_u8(&server) & P9_QTSYMLINK);
	p9_put_u32(w, 0);
	p9_put_u64(w, fuzz_u8(&server) & 15);
}

static void put_attr(struct p9_writer *w, bool dir)
{
	static const u32 types[] = { 0100000, 0120000, 020000, 010000, 0, 0100000, 0100000, 0100000 };

	p9_put_u64(w, P9_GETATTR_BASIC);
	put_qid(w, dir);
	p9_put_u32(w, (dir ? 040000 : types[fuzz_u8(&server) & 7]) | 0777);
	p9_put_u64(w, 0);		/* uid, gid */
	p9_put_u64(w, 1);		/* nlink */
	p9_put_u64(w, fuzz_u8(&server));
	p9_put_u64(w, fuzz_u8(&server) & 128 ? fuzz_take(&server, 8) : fuzz_u16(&server));	/* size */
	p9_put_u64(w, fuzz_u8(&server) & 128 ? fuzz_take(&server, 8) : 4096);
	put_input(w, 9 * 8 + 2 * 8);
}

static void put_listing(struct p9_writer *w, u32 max)
{
	u32 count_at = w->len, entries = fuzz_u8(&server) & 7;

	p9_put_u32(w, 0);
	for (u32 i = 0; i < entries && w->len + 64 < max; i++) {
		const u8 *name;
		u8 how = fuzz_u8(&server);

		put_qid(w, how & IS_DIR);
		p9_put_u64(w, how & 1 ? fuzz_u8(&server) : i + 1);
		p9_put_u8(w, how & IS_DIR ? 4 : 8);
		size_t n = fuzz_bytes(&server, how & 15, &name);

		if (how & 2)
			p9_put_string(w, how & IS_DIR ? "d" : "f", 1);
		else
			p9_put_string(w, (const char *)name, n);
	}
	put_le32(w->buf + count_at, w->len - count_at - 4 + (fuzz_u8(&server) == 255));
}

/* The fields of a good reply to @type. @how: the input's choices; @request: what it asked for */
static void put_fields(struct p9_writer *w, u8 type, u8 how, const u8 *request, u32 room)
{
	bool dir = how & IS_DIR;

	switch (type) {
	case P9_TVERSION:
		p9_put_u32(w, how & SHORT ? fuzz_u32(&server) : 8192);
		p9_put_string(w, "9P2000.L", 8);
		break;
	case P9_TATTACH:
		put_qid(w, true);
		break;
	case P9_TWALK: {
		u16 names = get_le16(request + 15);

		if (how & SHORT)
			names = fuzz_u8(&server);
		p9_put_u16(w, names);
		for (u16 i = 0; i < names && i < 300; i++)
			put_qid(w, dir);
		break;
	}
	case P9_TGETATTR:
		put_attr(w, dir);
		break;
	case P9_TLOPEN: case P9_TLCREATE:
		put_qid(w, dir);
		p9_put_u32(w, how & SHORT ? fuzz_u32(&server) : 0);
		break;
	case P9_TREADDIR:
		put_listing(w, MIN(room, (u32)REPLY_MAX));
		break;
	case P9_TREAD: {
		u32 count = get_le32(request + 19), n = fuzz_u16(&server) % 9000;

		p9_put_u32(w, how & SHORT ? fuzz_u32(&server) : MIN(n, count));
		put_input(w, MIN(n, count));
		break;
	}
	case P9_TWRITE:
		p9_put_u32(w, how & SHORT ? fuzz_u32(&server) : get_le32(request + 19));
		break;
	case P9_TREADLINK:
		p9_put_u16(w, how & SHORT ? fuzz_u16(&server) : 3);
		put_input(w, 3);
		break;
	default:
		put_input(w, fuzz_u8(&server));
	}
}

static void submit(void *conn, struct p9_exchange *x)
{
	u8 request[REQUEST_MAX] = { 0 }, how = fuzz_u8(&server);
	u32 room = room_of(x);
	struct p9_writer w = { .buf = reply, .size = REPLY_MAX };

	gather(x, request, sizeof(request));
	if ((how & TRANSPORT_FAILS) && (how & AN_ERROR)) {
		x->done(x, -EIO, 0);
		return;
	}
	bool err = (how & AN_ERROR) && request[4] != P9_TCLUNK;
	p9_message_begin(&w, err ? P9_RLERROR - 1 : request[4], get_le16(request + 5));
	w.buf[4] = err ? P9_RLERROR : (u8)(request[4] + 1);
	if (err)
		p9_put_u32(&w, fuzz_u8(&server) % 40);
	else
		put_fields(&w, request[4], how, request, room);
	p9_message_end(&w, 0);
	if ((how & 7) == DAMAGED_SIZE)
		put_le32(w.buf, fuzz_u16(&server));
	if ((how & 7) == DAMAGED_TYPE)
		w.buf[4] = fuzz_u8(&server);
	if ((how & 7) == DAMAGED_TAG)
		put_le16(w.buf + 5, fuzz_u8(&server));
	u32 n = MIN(w.len, room);

	scatter(x, w.buf, n);
	x->done(x, 0, (how & 7) == 7 ? n / 2 : n);
}

static void *open_server(const char *source) { return &server; }
static void close_server(void *conn) {}
static unsigned segs_max(void *conn) { return 32; }

static struct p9_transport transport = { .name = "fuzz", .open = open_server, .close = close_server, .segs_max = segs_max, .submit = submit };

static void use_file(const char *path)
{
	long fd = auk_syscall(__NR_open, fuzz_name(path), O_RDWR | O_NONBLOCK, 0);

	if (fd < 0)
		fd = auk_syscall(__NR_open, fuzz_name(path), O_RDONLY | O_NONBLOCK, 0);
	if (fd < 0)
		return;
	(void)auk_syscall(__NR_read, fd, buf, BUF);
	(void)auk_syscall(__NR_getdents64, fd, buf, BUF);
	(void)auk_syscall(__NR_getdents64, fd, buf, BUF);
	(void)auk_syscall(__NR_pwrite64, fd, buf, 5000, 10);
	(void)auk_syscall(__NR_ftruncate, fd, 100);
	(void)auk_syscall(__NR_fsync, fd);
	(void)auk_syscall(__NR_close, fd);
}

static void use(void)
{
	use_file("/mnt");
	use_file("/mnt/f");
	use_file("/mnt/d");
	use_file("/mnt/d/f");
	(void)auk_syscall(__NR_readlink, fuzz_name("/mnt/l"), buf, BUF);
	(void)auk_syscall(__NR_listxattr, fuzz_name("/mnt/f"), buf, BUF);
	(void)auk_syscall(__NR_getxattr, fuzz_name("/mnt/f"), fuzz_name("user.k"), buf, BUF);
	(void)auk_syscall(__NR_statfs, fuzz_name("/mnt"), buf);
	long fd = auk_syscall(__NR_open, fuzz_name("/mnt/new"), O_CREAT | O_RDWR, 0644);
	if (fd >= 0)
		(void)auk_syscall(__NR_close, fd);
	(void)auk_syscall(__NR_mkdir, fuzz_name("/mnt/made"), 0755);
	(void)auk_syscall(__NR_rename, fuzz_name("/mnt/f"), fuzz_name("/mnt/d/g"));
	(void)auk_syscall(__NR_link, fuzz_name("/mnt/d/g"), fuzz_name("/mnt/h"));
	(void)auk_syscall(__NR_symlink, fuzz_name("x"), fuzz_name("/mnt/s"));
	(void)auk_syscall(__NR_unlink, fuzz_name("/mnt/h"));
	(void)auk_syscall(__NR_rmdir, fuzz_name("/mnt/made"));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	server = fuzz_input_of(data, len);
	u8 how = fuzz_u8(&server);

	if (fuzz_machine(NULL, 0)) {
		p9_transport_register(&transport);
		buf = auk_alloc(BUF);
		FUZZ_MUST(buf && !auk_syscall(__NR_mkdir, fuzz_name("/mnt"), 0755));
	}
	if (auk_syscall(__NR_mount, fuzz_name("x"), fuzz_name("/mnt"), fuzz_name("9p"), 0,
			fuzz_name(how & 1 ? "trans=fuzz,version=9p2000.L,cache=loose" : "trans=fuzz,version=9p2000.L")))
		return 0;
	use();
	FUZZ_MUST(!auk_syscall(__NR_umount2, fuzz_name("/mnt"), 0));
	return 0;
}
