/*
 * AF_UNIX over files in memory: connections, streams against a model, messages, descriptors in flight and their cycles, and every
 * allocation failed in turn.  Nothing waits: what would sleep aborts.
 */
#include "tests/unit/unit.h"

#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/un.h>
#include "fs/ram/ram.h"
#include "kern/cred.h"
#include "kern/work.h"
#include "sock/sock.h"
#include "sock/unix.h"
#include "tests/unit/mm/machine.h"
#include "tests/unit/vfs/stubs.h"
#include "vfs/file.h"
#include "vfs/ops.h"
#include "vfs/poll.h"
#include "vfs/procfs.h"

extern struct work *stub_delayed;

static unsigned pipes_broken;
static u64 fd_limit = 1024;

static u32 pid(void) { return 77; }
static bool pid_exists(u32 p) { return p == 77; }
static void send_sigpipe(void) { pipes_broken++; }
static u64 nofile(void) { return fd_limit; }
static const struct sock_process_ops process_ops = { pid, pid_exists, send_sigpipe, nofile };

static int start(void **state)
{
	machine_start();
	vfs_init();
	ram_register();
	current()->files = files_create();
	assert_int_equal(mount_init_root("rootfs"), 0);
	sock_register_process_ops(&process_ops);
	sock_init();
	return 0;
}

/* ---- helpers ---- */

static struct file *new_sock(int type)
{
	struct socket *s;

	assert_int_equal(socket_create(AF_UNIX, type, 0, &s), 0);
	struct file *f = sock_file(s, O_NONBLOCK);

	assert_false(IS_ERR(f));
	return f;
}

static void new_pair(int type, struct file *f[2])
{
	assert_int_equal(sock_pair(AF_UNIX, type, 0, f, O_NONBLOCK), 0);
}

static struct sock_addr name(const char *path)
{
	struct sock_addr a = { .len = (u32)(2 + strlen(path) + 1) };

	a.family = AF_UNIX;
	memcpy(a.bytes + 2, path, a.len - 2);
	return a;
}

static s64 put(struct file *f, const void *data, size_t n, const struct sock_addr *to)
{
	struct iter it;
	struct sock_addr a = to ? *to : (struct sock_addr){ .len = 0 };
	struct sock_msg m = { .iter = &it, .addr = to ? &a : NULL };

	iter_init_kernel(&it, (void *)(u64)data, n);
	return sock_sendmsg(f, &m);
}

static s64 get_flags(struct file *f, void *data, size_t n, u32 flags, struct sock_addr *from)
{
	struct iter it;
	struct sock_msg m = { .iter = &it, .addr = from, .flags = flags };

	iter_init_kernel(&it, data, n);
	s64 ret = sock_recvmsg(f, &m);

	sock_msg_end(&m, false);
	return ret;
}

static s64 get(struct file *f, void *data, size_t n) { return get_flags(f, data, n, 0, NULL); }

struct rights {
	u64 len;
	int level, type;
	int fd[4];
};

static s64 put_fds(struct file *f, const int *fds, u32 n)
{
	struct rights r = { .len = 16 + n * 4, .level = SOL_SOCKET, .type = SCM_RIGHTS };
	struct iter it;
	char byte[] = "f";
	struct sock_msg m = { .iter = &it, .control = (u8 *)&r, .control_len = 16 + n * 4 };

	memcpy(r.fd, fds, n * sizeof(int));
	iter_init_kernel(&it, byte, 1);
	return sock_sendmsg(f, &m);
}

static s64 get_fds(struct file *f, struct rights *r, u32 room, u32 *flags_out)
{
	struct iter it;
	char byte[8];
	struct sock_msg m = { .iter = &it, .control = (u8 *)r, .control_size = room };

	memset(r, 0, sizeof(*r));
	iter_init_kernel(&it, byte, sizeof(byte));
	s64 ret = sock_recvmsg(f, &m);

	sock_msg_end(&m, true);
	*flags_out = m.flags_out;
	return ret;
}

static void collect(void)
{
	if (stub_delayed) {
		struct work *w = stub_delayed;

		stub_delayed = NULL;
		w->fn(w);
	}
}

/* ---- connections ---- */

static void test_connect(void **state)
{
	struct file *l = new_sock(SOCK_STREAM), *c = new_sock(SOCK_STREAM), *a, *d = new_sock(SOCK_DGRAM);
	struct sock_addr sun = name("/server"), got, other = name("/other");

	assert_int_equal(sock_connect(c, &sun), -ENOENT);
	assert_int_equal(sock_listen(l, 1), -EINVAL);
	assert_int_equal(sock_bind(l, &sun), 0);
	assert_int_equal(sock_bind(l, &sun), -EADDRINUSE);
	assert_int_equal(sock_bind(l, &other), -EINVAL);
	assert_int_equal(sock_bind(c, &sun), -EADDRINUSE);
	assert_int_equal(sock_connect(c, &sun), -ECONNREFUSED);
	assert_int_equal(sock_listen(l, 1), 0);
	assert_int_equal(file_poll(l, NULL), 0);
	assert_int_equal(sock_connect(d, &sun), -EPROTOTYPE);
	assert_int_equal(sock_connect(c, &sun), 0);
	assert_int_equal(sock_connect(c, &sun), -EISCONN);
	assert_int_equal(put(c, "early", 5, NULL), 5);
	assert_int_equal(file_poll(l, NULL), EPOLLIN | EPOLLRDNORM);
	a = sock_accept(l, 0, &got);
	assert_false(IS_ERR(a));
	assert_int_equal(got.len, 2);
	assert_int_equal(sock_getname(c, &got, true), 0);
	assert_int_equal(got.len, 2 + 8);
	assert_string_equal((char *)got.bytes + 2, "/server");
	char buf[16];
	assert_int_equal(get(a, buf, sizeof(buf)), 5);
	assert_int_equal(file_poll(c, NULL), EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	file_put(a);
	assert_true(file_poll(c, NULL) & (EPOLLHUP | EPOLLRDHUP | EPOLLIN));
	assert_int_equal(get(c, buf, 1), 0);
	assert_int_equal(put(c, "x", 1, NULL), -EPIPE);
	assert_int_equal(pipes_broken, 1);
	file_put(c);
	/* a backlog of 1 takes two; those not accepted are reset */
	struct file *w[3];
	for (int i = 0; i < 3; i++) {
		w[i] = new_sock(SOCK_STREAM);
		assert_int_equal(sock_connect(w[i], &sun), i < 2 ? 0 : -EAGAIN);
	}
	file_put(l);
	assert_int_equal(get(w[0], buf, 1), -ECONNRESET);
	assert_int_equal(get(w[0], buf, 1), 0);
	for (int i = 0; i < 3; i++)
		file_put(w[i]);
	assert_int_equal(sock_connect(d, &sun), -ECONNREFUSED);
	file_put(d);
	assert_int_equal(vfs_unlinkat(AT_FDCWD, "/server", 0), 0);
}

static void test_abstract(void **state)
{
	struct file *a = new_sock(SOCK_DGRAM), *b = new_sock(SOCK_DGRAM), *s = new_sock(SOCK_STREAM);
	struct sock_addr n = { .len = 6 }, autobind = { .len = 2 }, got;

	n.family = autobind.family = AF_UNIX;
	memcpy(n.bytes + 2, "\0auk", 4);
	assert_int_equal(sock_bind(a, &n), 0);
	assert_int_equal(sock_bind(b, &n), -EADDRINUSE);
	assert_int_equal(sock_bind(s, &n), 0);
	assert_int_equal(sock_bind(b, &autobind), 0);
	assert_int_equal(sock_getname(b, &got, false), 0);
	assert_int_equal(got.len, 8);
	assert_int_equal(put(b, "hi", 2, &n), 2);
	char buf[8];
	struct sock_addr from;
	assert_int_equal(get_flags(a, buf, sizeof(buf), 0, &from), 2);
	assert_int_equal(from.len, 8);
	assert_memory_equal(from.bytes, got.bytes, 8);
	n.len++;
	assert_int_equal(put(b, "hi", 2, &n), -ECONNREFUSED);
	n.len = 200;
	assert_int_equal(sock_bind(b, &n), -EINVAL);
	file_put(a);
	file_put(b);
	file_put(s);
}

/* ---- streams against a model ---- */

enum { MODEL_BYTES = 1 << 20 };

static void test_stream_model(void **state)
{
	static u8 model[MODEL_BYTES], in[70000], out[70000];
	struct rng rng = { 11 };
	struct file *p[2];
	u64 head = 0, tail = 0;

	new_pair(SOCK_STREAM, p);
	for (int i = 0; i < 3000; i++) {
		u64 n = rng_below(&rng, rng_below(&rng, 4) ? 200 : sizeof(in));

		if (rng_below(&rng, 2) && tail + n < MODEL_BYTES) {
			rng_bytes(&rng, in, n);
			s64 sent = put(p[0], in, n, NULL);

			if (!n || sent == -EAGAIN) {
				assert_true(n || !sent);
				continue;
			}
			assert_in_range(sent, 1, n);
			memcpy(model + tail, in, (size_t)sent);
			tail += (u64)sent;
		} else if (n) {
			u32 flags = rng_below(&rng, 3) ? 0 : MSG_PEEK;
			s64 got = get_flags(p[1], out, n, flags, NULL);

			if (head == tail) {
				assert_int_equal(got, -EAGAIN);
				continue;
			}
			assert_int_equal(got, MIN(n, tail - head));
			assert_memory_equal(out, model + head, (size_t)got);
			head += flags ? 0 : (u64)got;
		}
		assert_int_equal(unix_of(file_socket(p[1]))->queued_bytes, tail - head);
	}
	assert_true(head > 0 && tail > head / 2);
	file_put(p[0]);
	while (head < tail) {
		s64 got = get(p[1], out, sizeof(out));

		if (got == -ECONNRESET)
			continue;
		assert_true(got > 0);
		assert_memory_equal(out, model + head, (size_t)got);
		head += (u64)got;
	}
	assert_int_equal(get(p[1], out, 1), 0);
	file_put(p[1]);
}

static void test_shutdown(void **state)
{
	struct file *p[2];
	char c;

	new_pair(SOCK_STREAM, p);
	assert_int_equal(put(p[0], "x", 1, NULL), 1);
	assert_int_equal(sock_shutdown(p[0], SHUT_WR), 0);
	assert_int_equal(sock_shutdown(p[0], 7), -EINVAL);
	assert_int_equal(file_poll(p[1], NULL) & (EPOLLRDHUP | EPOLLHUP | EPOLLIN), EPOLLRDHUP | EPOLLIN);
	assert_int_equal(get(p[1], &c, 1), 1);
	assert_int_equal(get(p[1], &c, 1), 0);
	assert_int_equal(put(p[1], "y", 1, NULL), 1);
	assert_int_equal(put(p[0], "y", 1, NULL), -EPIPE);
	assert_int_equal(get(p[0], &c, 1), 1);
	file_put(p[0]);
	file_put(p[1]);
}

/* ---- messages ---- */

static void test_messages(void **state)
{
	static char big[100000], out[100000];
	struct file *p[2];
	char buf[8];

	for (unsigned i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	for (int t = 0; t < 2; t++) {
		new_pair(t ? SOCK_SEQPACKET : SOCK_DGRAM, p);
		assert_int_equal(put(p[0], "one", 3, NULL), 3);
		assert_int_equal(put(p[0], "", 0, NULL), 0);
		assert_int_equal(put(p[0], big, sizeof(big), NULL), sizeof(big));
		assert_int_equal(put(p[0], big, 300000, NULL), -EMSGSIZE);
		assert_int_equal(get_flags(p[1], buf, 2, MSG_PEEK | MSG_TRUNC, NULL), 3);
		assert_int_equal(get(p[1], buf, 2), 2);
		assert_int_equal(get(p[1], buf, 2), 0);
		assert_int_equal(get(p[1], out, sizeof(out)), sizeof(big));
		assert_memory_equal(out, big, sizeof(big));
		assert_int_equal(get(p[1], buf, 2), -EAGAIN);
		assert_int_equal(unix_of(file_socket(p[0]))->unsent, 0);
		file_put(p[0]);
		assert_int_equal(get(p[1], buf, 2), t ? 0 : -EAGAIN);
		assert_int_equal(put(p[1], buf, 2, NULL), t ? -EPIPE : -ECONNREFUSED);
		assert_int_equal(put(p[1], buf, 2, NULL), t ? -EPIPE : -ENOTCONN);
		file_put(p[1]);
	}
}

static void test_dgram_queue(void **state)
{
	struct file *s = new_sock(SOCK_DGRAM), *c = new_sock(SOCK_DGRAM);
	struct sock_addr n = name("/d");
	char b;
	int sent = 0;

	assert_int_equal(put(c, "x", 1, NULL), -ENOTCONN);
	assert_int_equal(sock_bind(s, &n), 0);
	assert_int_equal(sock_connect(c, &n), 0);
	while (put(c, "x", 1, NULL) == 1)
		sent++;
	assert_int_equal(sent, 11);
	assert_false(file_poll(c, NULL) & EPOLLOUT);
	assert_int_equal(get(s, &b, 1), 1);
	assert_true(file_poll(c, NULL) & EPOLLOUT);
	assert_int_equal(sock_connect(s, &n), 0);	/* to itself: now it hears nobody else */
	assert_int_equal(put(c, "x", 1, NULL), -EPERM);
	file_put(s);
	file_put(c);
	assert_int_equal(vfs_unlinkat(AT_FDCWD, "/d", 0), 0);
}

/* ---- descriptors ---- */

static void test_rights(void **state)
{
	struct file *p[2], *f = path_open(AT_FDCWD, "/f", O_RDWR | O_CREAT, 0600, 0);
	struct rights r;
	u32 flags;

	new_pair(SOCK_STREAM, p);
	int fd[3] = { fd_add(f, false), fd_add(file_get(f), false), fd_add(file_get(f), false) }, bad = 900;
	assert_int_equal(put_fds(p[0], &bad, 1), -EBADF);
	assert_int_equal(put_fds(p[0], fd, 3), 1);
	assert_int_equal(f->refs, 6);
	assert_int_equal(put_fds(p[0], fd, 1), 1);
	assert_int_equal(get_fds(p[1], &r, 16 + 8, &flags), 1);		/* stops before the next set */
	assert_int_equal(flags, MSG_CTRUNC);
	assert_int_equal(r.len, 16 + 8);
	assert_int_equal(f->refs, 3 + 1 + 2);
	assert_ptr_equal(fd_peek(r.fd[1]), f);
	assert_int_equal(fd_close(r.fd[0]), 0);
	assert_int_equal(fd_close(r.fd[1]), 0);
	assert_int_equal(get_fds(p[1], &r, 0, &flags), 1);
	assert_int_equal(flags, MSG_CTRUNC);
	assert_int_equal(f->refs, 3);
	fd_limit = 2;
	((struct cred *)(u64)current_cred())->cap_effective = 0;
	assert_int_equal(put_fds(p[0], fd, 3), -ETOOMANYREFS);
	((struct cred *)(u64)current_cred())->cap_effective = ~0ull;
	fd_limit = 1024;
	assert_int_equal(put_fds(p[0], fd, 2), 1);
	file_put(p[0]);
	file_put(p[1]);
	assert_int_equal(f->refs, 3);
	for (int i = 0; i < 3; i++)
		assert_int_equal(fd_close(fd[i]), 0);
}

/* Random sockets hold each other's descriptors; when the last descriptors close, nothing must be left. */
static void test_cycles(void **state)
{
	enum { N = 8 };
	struct rng rng = { 5 };

	for (int round = 0; round < 300; round++) {
		u64 before = files_count();
		int fd[2 * N];

		for (int i = 0; i < N; i++) {
			struct file *p[2];

			new_pair(rng_below(&rng, 2) ? SOCK_STREAM : SOCK_DGRAM, p);
			fd[2 * i] = fd_add(p[0], false);
			fd[2 * i + 1] = fd_add(p[1], false);
		}
		for (int i = 0; i < 20; i++) {
			int what[2] = { fd[rng_below(&rng, 2 * N)], fd[rng_below(&rng, 2 * N)] };

			(void)!put_fds(fd_peek(fd[rng_below(&rng, 2 * N)]), what, 1 + (u32)rng_below(&rng, 2));
		}
		/* one stays: what it reaches must live */
		int keep = (int)rng_below(&rng, 2 * N);
		struct file *kept = fd_peek(fd[keep]);
		u32 queued = unix_of(file_socket(kept))->queued, got = 0, flags;
		struct rights r;

		for (int i = 0; i < 2 * N; i++)
			if (i != keep)
				assert_int_equal(fd_close(fd[i]), 0);
		collect();
		collect();
		while (get_fds(kept, &r, sizeof(r), &flags) == 1) {
			got++;
			for (u64 i = 0; i < (r.len - 16) / 4; i++)
				assert_int_equal(fd_close(r.fd[i]), 0);
		}
		assert_int_equal(got, queued);
		assert_int_equal(fd_close(fd[keep]), 0);
		collect();
		collect();
		assert_int_equal(files_count(), before);
	}
}

/* A chain of sockets, each in the queue of the next, as long as it likes: no recursion on its way down. */
static void test_chain(void **state)
{
	u64 before = files_count();
	int last = -1;

	for (int i = 0; i < 900; i++) {
		struct file *p[2];

		new_pair(SOCK_DGRAM, p);
		int fd[2] = { fd_add(p[0], false), fd_add(p[1], false) };

		if (last >= 0) {
			assert_int_equal(put_fds(p[0], &last, 1), 1);
			assert_int_equal(fd_close(last), 0);
		}
		assert_int_equal(fd_close(fd[0]), 0);
		last = fd[1];
	}
	assert_int_equal(fd_close(last), 0);
	collect();
	assert_int_equal(files_count(), before);
}

static void test_creds(void **state)
{
	struct file *p[2];
	int on = 1;
	struct ucred_kernel c;
	u32 len = sizeof(c), flags;
	struct rights r;

	new_pair(SOCK_STREAM, p);
	assert_int_equal(sock_getsockopt(p[0], SOL_SOCKET, SO_PEERCRED, &c, &len), 0);
	assert_int_equal(c.pid, 77);
	assert_int_equal(sock_setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &on, 2), -EINVAL);
	assert_int_equal(put(p[0], "a", 1, NULL), 1);
	assert_int_equal(sock_setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &on, 4), 0);
	assert_int_equal(put(p[0], "b", 1, NULL), 1);
	assert_int_equal(get_fds(p[1], &r, sizeof(r), &flags), 1);	/* the first came without: they do not join */
	assert_int_equal(r.type, SCM_CREDENTIALS);
	assert_int_equal(r.fd[0], 0);
	assert_int_equal(r.fd[1], SCM_NOBODY);
	assert_int_equal(get_fds(p[1], &r, sizeof(r), &flags), 1);
	assert_int_equal(r.fd[0], 77);
	file_put(p[0]);
	file_put(p[1]);
}

static void test_show(void **state)
{
	struct file *p[2];
	struct seq s;

	new_pair(SOCK_STREAM, p);
	seq_init(&s);
	sock_unix_show(&s);
	seq_putc(&s, 0);
	assert_non_null(strstr(s.buf, "Num       RefCount"));
	assert_non_null(strstr(s.buf, " 0001 03 "));
	seq_fini(&s);
	file_put(p[0]);
	file_put(p[1]);
}

/* ---- every allocation fails in turn ---- */

static bool whole_run(void)
{
	struct socket *s[2] = { NULL, NULL };
	struct file *f[2] = { NULL, NULL };
	struct sock_addr n = name("/oom");
	bool ok = false;
	char c;

	for (int i = 0; i < 2; i++) {
		if (socket_create(AF_UNIX, SOCK_STREAM, 0, &s[i]))
			goto out;
		f[i] = sock_file(s[i], O_NONBLOCK);
		if (IS_ERR(f[i])) {
			f[i] = NULL;
			goto out;
		}
	}
	if (sock_bind(f[0], &n) || sock_listen(f[0], 5) || sock_connect(f[1], &n))
		goto out;
	struct file *a = sock_accept(f[0], O_NONBLOCK, NULL);

	if (IS_ERR(a))
		goto out;
	int fd = fd_add(file_get(a), false);

	ok = put(f[1], "x", 1, NULL) == 1 && get(a, &c, 1) == 1 && put_fds(f[1], &fd, 1) == 1 && get(a, &c, 1) == 1;
	(void)!fd_close(fd);
	file_put(a);
out:
	for (int i = 0; i < 2; i++)
		if (f[i])
			file_put(f[i]);
	return ok;
}

static void test_no_memory(void **state)
{
	u64 before = files_count();
	int n;

	for (n = 0; n < 200; n++) {
		machine_fail_after(n);
		bool ok = whole_run();
		bool failed = machine_failed();

		machine_fail_after(-1);
		collect();
		(void)!vfs_unlinkat(AT_FDCWD, "/oom", 0);
		assert_int_equal(files_count(), before);
		if (!failed) {
			assert_true(ok);
			break;
		}
	}
	assert_in_range(n, 5, 199);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connect), cmocka_unit_test(test_abstract), cmocka_unit_test(test_stream_model),
		cmocka_unit_test(test_shutdown), cmocka_unit_test(test_messages), cmocka_unit_test(test_dgram_queue),
		cmocka_unit_test(test_rights), cmocka_unit_test(test_cycles), cmocka_unit_test(test_chain), cmocka_unit_test(test_creds),
		cmocka_unit_test(test_show), cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
