/* What the programs about TCP share: sockets over lo. */
#ifndef ABI_TCP_H
#define ABI_TCP_H

#include "inet.h"
#include <linux/tcp.h>

/* The reference kernel starts with lo down. */
static inline void loopback_up(void)
{
	struct ifreq r = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int s = MUST(socket(AF_INET, SOCK_DGRAM, 0));

	MUST(ioctl(s, SIOCSIFFLAGS, &r));
	close(s);
}

static inline int tcp(void)
{
	return MUST(socket(AF_INET, SOCK_STREAM, 0));
}

static inline int try_bind(int s, const char *ip, int port)
{
	struct sockaddr_in a = at4(ip, port);

	return bind(s, (void *)&a, sizeof(a));
}

static inline int try_connect(int s, const char *ip, int port)
{
	struct sockaddr_in a = at4(ip, port);

	return connect(s, (void *)&a, sizeof(a));
}

static inline int listener(int port)
{
	int s = tcp(), one = 1;

	setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	MUST(try_bind(s, "127.0.0.1", port));
	MUST(listen(s, 8));
	return s;
}

static inline int so_error(int s)
{
	int e = -1;
	socklen_t n = sizeof(e);

	getsockopt(s, SOL_SOCKET, SO_ERROR, &e, &n);
	return e;
}

static inline void name(const char *what, int s, int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_in a = { 0 };
	socklen_t n = sizeof(a);
	char text[64];

	if (get(s, (void *)&a, &n))
		say(what, "%s", err_name(errno));
	else
		say(what, "%s port %s, %d bytes", inet_ntop(AF_INET, &a.sin_addr, text, sizeof(text)),
		    ntohs(a.sin_port) >= 32768 ? "chosen" : ntohs(a.sin_port) ? "given" : "none", (int)n);
}

static inline void poll_now(const char *what, int s)
{
	struct pollfd p = { .fd = s, .events = POLLIN | POLLOUT | POLLPRI | POLLRDHUP };

	poll(&p, 1, 0);
	HEX(what, p.revents);
}

/* Programs share one boot, and what an earlier one left in TIME_WAIT may be in the way of a given port: any. */
static inline int listener_any(void)
{
	return listener(0);
}

static inline int port_of(int s)
{
	struct sockaddr_in a = { 0 };
	socklen_t n = sizeof(a);

	MUST(getsockname(s, (void *)&a, &n));
	return ntohs(a.sin_port);
}

/* A connection: [0] the side that connected, [1] the one that accepted. */
static inline void tcp_pair(int l, int out[2])
{
	out[0] = tcp();
	MUST(try_connect(out[0], "127.0.0.1", port_of(l)));
	out[1] = MUST(accept(l, NULL, NULL));
}

/* The same by a listener of its own. */
static inline void tcp_pair_alone(int out[2])
{
	int l = listener_any();

	tcp_pair(l, out);
	close(l);
}

static inline void number_opt(const char *what, int s, int level, int option)
{
	int v = -1;
	socklen_t n = sizeof(v);

	if (getsockopt(s, level, option, &v, &n))
		say(what, "%s", err_name(errno));
	else
		say(what, "%d", v);
}

static inline int set_opt(int s, int level, int option, int v)
{
	return setsockopt(s, level, option, &v, sizeof(v));
}

static inline int tcp_state(int s)
{
	struct tcp_info i = { 0 };
	socklen_t n = sizeof(i);

	getsockopt(s, IPPROTO_TCP, TCP_INFO, &i, &n);
	return i.tcpi_state;
}

#endif
