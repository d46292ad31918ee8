/*
 * TCP over lo.
 *
 * tcp		clients send bytes that the seed chooses to a server that echoes them; each gets back what it sent, whatever ends the connection
 * tcplisten	a listener comes and goes while clients connect: each is refused, reset or served, and none waits for ever; one socket is connected
 *		by some and disconnected by others
 * tcpnomem	one connection with the n-th allocation failing: it fails, or it all comes through
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include "tests/sim/sim.h"

enum { PORT = 7000, BUF = 4 * PAGE, CLIENTS = 6 };


static uint8_t texts[CLIENTS][BUF];	/* each client's own: C variables are everybody's */

static uint8_t byte_at(uint64_t who, uint64_t i)
{
	return (uint8_t)(who * 31 + i * 7 + (i >> 8) * 13);
}

static uint64_t put_address(uint64_t at)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	MUST_EQ(auk_put(at, &a, sizeof(a)), 0);
	return at;
}

static void set_option(long fd, int option, const void *v, unsigned n, uint64_t buf)
{
	MUST_EQ(auk_put(buf, v, n), 0);
	MUST_EQ(auk_syscall(SYS_setsockopt, fd, SOL_SOCKET, option, buf, n), 0);
}

static long make_listener(uint64_t buf, int backlog)
{
	long l = auk_syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	int one = 1;

	MUST(l >= 0);
	set_option(l, SO_REUSEADDR, &one, sizeof(one), buf);
	MUST_EQ(auk_syscall(SYS_bind, l, put_address(buf), sizeof(struct sockaddr_in)), 0);
	MUST_EQ(auk_syscall(SYS_listen, l, backlog), 0);
	return l;
}

static void sleep_s(uint64_t buf, long s)
{
	struct timespec t = { .tv_sec = s };

	MUST_EQ(auk_put(buf, &t, sizeof(t)), 0);
	MUST_EQ(auk_syscall(SYS_nanosleep, buf, 0), 0);
}

/* ---- tcp ---- */

struct peer {
	struct stream random;
	uint64_t who, buf;
	long fd;
	unsigned total;
};

static int echo(void *arg)
{
	struct peer p = *(struct peer *)arg;

	for (;;) {
		long n = auk_syscall(SYS_read, p.fd, p.buf, 1 + stream_next(&p.random) % BUF), at = 0;

		MUST(n >= 0 || n == -ECONNRESET);
		if (n <= 0)
			break;
		while (at < n) {
			long w = auk_syscall(SYS_sendto, p.fd, p.buf + (uint64_t)at, n - at, MSG_NOSIGNAL, 0, 0);

			MUST(w > 0 || w == -ECONNRESET || w == -EPIPE);
			if (w < 0)
				return 0;
			at += w;
		}
	}
	return 0;
}

static int server(void *arg)
{
	struct peer p = *(struct peer *)arg, child[CLIENTS];

	for (unsigned i = 0; i < CLIENTS; i++) {
		child[i] = p;
		child[i].fd = auk_syscall(SYS_accept4, p.fd, 0, 0, 0);
		MUST(child[i].fd >= 0);
		child[i].random.state += i;
		MUST(auk_run(echo, &child[i]) > 0);
		MUST_EQ(auk_syscall(SYS_close, child[i].fd), 0);
	}
	while (auk_wait(-1) >= 0)
		;
	return 0;
}

/* What came back must be what was sent, from @got on. */
static void check_back(struct peer *p, unsigned got, long n)
{
	uint8_t *text = texts[p->who];

	MUST_EQ(auk_get(text, p->buf, (size_t)n), 0);
	for (long i = 0; i < n; i++)
		MUST_EQ(text[i], byte_at(p->who, got + (unsigned)i));
}

static unsigned read_back(struct peer *p, unsigned got, int flags)
{
	long n = auk_syscall(SYS_recvfrom, p->fd, p->buf, 1 + stream_next(&p->random) % BUF, flags, 0, 0);

	if (n == -EAGAIN && flags)
		return got;
	MUST(n >= 0);
	check_back(p, got, n);
	return got + (unsigned)n;
}

static int client(void *arg)
{
	struct peer p = *(struct peer *)arg;
	unsigned sent = 0, got = 0;
	uint8_t *text = texts[p.who];
	struct linger at_once = { 1, 0 };

	p.fd = auk_syscall(SYS_socket, AF_INET, SOCK_STREAM, 0);
	MUST_EQ(auk_syscall(SYS_connect, p.fd, put_address(p.buf), sizeof(struct sockaddr_in)), 0);
	unsigned total = (unsigned)(stream_next(&p.random) % 60000), quits = stream_next(&p.random) % 4 ? ~0u : total / 2;

	while (sent < total && sent < quits) {
		unsigned n = 1 + (unsigned)(stream_next(&p.random) % BUF);

		n = n < total - sent ? n : total - sent;
		for (unsigned i = 0; i < n; i++)
			text[i] = byte_at(p.who, sent + i);
		MUST_EQ(auk_put(p.buf, text, n), 0);
		MUST_EQ(auk_syscall(SYS_sendto, p.fd, p.buf, n, stream_next(&p.random) % 3 ? 0 : MSG_MORE, 0, 0), n);
		sent += n;
		while (stream_next(&p.random) & 1)
			got = read_back(&p, got, MSG_DONTWAIT);
	}
	if (sent >= quits) {
		if (stream_next(&p.random) & 1)
			set_option(p.fd, SO_LINGER, &at_once, sizeof(at_once), p.buf);
		return 0;
	}
	MUST_EQ(auk_syscall(SYS_shutdown, p.fd, SHUT_WR), 0);
	for (unsigned before = ~0u; before != got;) {
		before = got;
		got = read_back(&p, got, 0);
	}
	MUST_EQ(got, sent);
	return 0;
}

void scenario_tcp(uint64_t seed)
{
	struct peer p[CLIENTS + 1];

	sim_start(seed, 1 + seed % 4, NULL, 0);
	uint64_t buf = auk_alloc(BUF);
	long l = make_listener(buf, CLIENTS);

	p[CLIENTS] = (struct peer){ .random = stream_of(seed, 99), .buf = buf, .fd = l };
	MUST(auk_run(server, &p[CLIENTS]) > 0);
	MUST_EQ(auk_syscall(SYS_close, l), 0);
	for (unsigned i = 0; i < CLIENTS; i++) {
		p[i] = (struct peer){ .random = stream_of(seed, i), .who = i, .buf = buf };
		MUST(auk_run(client, &p[i]) > 0);
	}
	for (long status; (status = auk_wait(-1)) >= 0;)
		MUST_EQ(status, 0);
	sleep_s(buf, 130);			/* TIME_WAIT */
	sim_stop();
}

/* ---- tcplisten ---- */

enum { ROUNDS = 5, TRIES = 8 };

static int visitor(void *arg)
{
	struct peer p = *(struct peer *)arg;

	for (unsigned i = 0; i < TRIES; i++) {
		long fd = auk_syscall(SYS_socket, AF_INET, SOCK_STREAM, 0), r;

		MUST(fd >= 0);
		r = auk_syscall(SYS_connect, fd, put_address(p.buf), sizeof(struct sockaddr_in));
		MUST(r == 0 || r == -ECONNREFUSED || r == -ECONNRESET || r == -ETIMEDOUT);
		if (!r) {
			r = auk_syscall(SYS_sendto, fd, p.buf, 5, MSG_NOSIGNAL, 0, 0);
			MUST(r == 5 || r == -ECONNRESET || r == -EPIPE);
			r = auk_syscall(SYS_read, fd, p.buf, BUF);
			MUST(r == 4 || r == 0 || r == -ECONNRESET);
		}
		MUST_EQ(auk_syscall(SYS_close, fd), 0);
		if (stream_next(&p.random) & 1)
			MUST_EQ(auk_syscall(SYS_sched_yield), 0);
	}
	return 0;
}

static int keeper(void *arg)
{
	struct peer p = *(struct peer *)arg;
	struct timeval tv = { .tv_usec = 1000 };

	for (unsigned round = 0; round < ROUNDS; round++) {
		long l = make_listener(p.buf, 1 + (int)(stream_next(&p.random) % 3));

		set_option(l, SO_RCVTIMEO, &tv, sizeof(tv), p.buf);
		for (unsigned i = stream_next(&p.random) % 8; i; i--) {
			long fd = auk_syscall(SYS_accept4, l, 0, 0, 0);

			MUST(fd >= 0 || fd == -EAGAIN);
			if (fd < 0)
				continue;
			long r = auk_syscall(SYS_read, fd, p.buf, 5);

			MUST((r >= 0 && r <= 5) || r == -ECONNRESET);
			r = auk_syscall(SYS_sendto, fd, p.buf, 4, MSG_NOSIGNAL, 0, 0);
			MUST(r == 4 || r == -EPIPE || r == -ECONNRESET);
			MUST_EQ(auk_syscall(SYS_close, fd), 0);
		}
		if (stream_next(&p.random) % 3 == 0)
			MUST_EQ(auk_syscall(SYS_shutdown, l, SHUT_RD), 0);
		MUST_EQ(auk_syscall(SYS_close, l), 0);
	}
	return 0;
}

/* One socket of several: some connect it, others undo that. */
static int undecided(void *arg)
{
	struct peer p = *(struct peer *)arg;
	static const struct sockaddr none = { .sa_family = AF_UNSPEC };

	for (unsigned i = 0; i < TRIES; i++) {
		if (p.who & 1)
			MUST_EQ(auk_put(p.buf, &none, sizeof(none)), 0);
		long r = auk_syscall(SYS_connect, p.fd, p.who & 1 ? p.buf : put_address(p.buf), sizeof(struct sockaddr_in));

		MUST(r == 0 || r == -EINPROGRESS || r == -EALREADY || r == -EISCONN || r == -ECONNREFUSED || r == -ECONNRESET || r == -ECONNABORTED);
	}
	return 0;
}

void scenario_tcplisten(uint64_t seed)
{
	struct peer p[CLIENTS + 1], u[4];

	sim_start(seed, 1 + seed % 4, NULL, 0);
	uint64_t buf = auk_alloc(BUF);

	for (unsigned i = 0; i <= CLIENTS; i++) {
		p[i] = (struct peer){ .random = stream_of(seed, i), .who = i, .buf = buf };
		MUST(auk_run(i < CLIENTS ? visitor : keeper, &p[i]) > 0);
	}
	long fd = auk_syscall(SYS_socket, AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

	MUST(fd >= 0);
	for (unsigned i = 0; i < 4; i++) {
		u[i] = (struct peer){ .who = i, .buf = auk_alloc(PAGE), .fd = fd };
		MUST(auk_run(undecided, &u[i]) > 0);
	}
	MUST_EQ(auk_syscall(SYS_close, fd), 0);
	for (long status; (status = auk_wait(-1)) >= 0;)
		MUST_EQ(status, 0);
	sleep_s(buf, 130);
	sim_stop();
}

/* ---- tcpnomem ---- */

enum { ALLOCATIONS = 160 };			/* the program makes fewer */

static void expect(long r)
{
	MUST(r >= 0 || r == -ENOMEM || r == -ENOBUFS || r == -EAGAIN || r == -EFAULT || r == -ENFILE);
}

static void close_if(long fd)
{
	if (fd >= 0)
		MUST_EQ(auk_syscall(SYS_close, fd), 0);
}

/* Send @n bytes one way and read them at the other end. */
static void pass(long from, long to, uint64_t buf, long n)
{
	long w = auk_syscall(SYS_sendto, from, buf, n, 0, 0, 0);

	expect(w);
	for (long got = 0, r; got < w; got += r) {
		r = auk_syscall(SYS_read, to, buf, BUF);
		expect(r);
		MUST(r != 0);
		if (r < 0)
			r = 0;			/* once: it stays in the queue */
	}
}

static void talk(long l, uint64_t buf)
{
	long c = auk_syscall(SYS_socket, AF_INET, SOCK_STREAM, 0), r, s = -1;

	expect(c);
	if (c < 0)
		return;
	r = auk_syscall(SYS_connect, c, put_address(buf), sizeof(struct sockaddr_in));
	expect(r);
	for (int i = 0; !r && s < 0 && i < 2; i++) {
		s = auk_syscall(SYS_accept4, l, 0, 0, 0);
		expect(s);
	}
	if (s >= 0) {
		pass(c, s, buf, BUF);
		pass(s, c, buf, 100);
	}
	close_if(c);
	close_if(s);
}

void scenario_tcpnomem(uint64_t seed)
{
	sim_start(seed / ALLOCATIONS, 2, NULL, 0);
	uint64_t buf = auk_alloc(BUF);
	struct timeval tv = { .tv_sec = 100 };
	static uint8_t zero[BUF];

	MUST_EQ(auk_put(buf, zero, sizeof(zero)), 0);
	long l = make_listener(buf, 4);

	set_option(l, SO_RCVTIMEO, &tv, sizeof(tv), buf);
	auk_fail_alloc(1 + seed % ALLOCATIONS);
	talk(l, buf);
	MUST(seed % ALLOCATIONS < ALLOCATIONS - 1 || !auk_fail_happened());
	MUST(seed % ALLOCATIONS || auk_fail_happened());
	auk_fail_alloc(0);
	talk(l, buf);				/* and with memory it works */
	close_if(l);
	sleep_s(buf, 130);
	sim_stop();
}
