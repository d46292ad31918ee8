/*
 * Options of level IPPROTO_TCP, and what those of SOL_SOCKET change in a connection.
 *
 * Numbers are rows of a table: range, and how they are read and set.  Departures: backup keys of Fast Open, repair, MD5, ULPs and zero-copy
 * reception are refused.
 *
 * Source: tcp(7), Linux Documentation/networking/ip-sysctl.rst.
 */
#include <linux/errno.h>
#include <linux/tcp.h>
#include "base/string.h"
#include "kern/timer.h"
#include "sock/internal.h"
#include "sock/tcp.h"

enum { MSS_MIN = 88, MSS_MAX = 32767, KEEP_MAX = 32767, COUNT_MAX = 127, CLAMP_MIN = 1152, LINGER2_MAX_S = 120, CA_NAME = 16, RTO_MAX_S = 120 };

/* How long @seconds or a little more are in SYN|ACK timeouts: 1, 3, 7 … */
static u32 round_to_timeouts(int seconds)
{
	u32 period = 1, timeout = 1;

	if (seconds <= 0)
		return 0;
	for (u32 n = 1; (u32)seconds > period && n < 255; n++) {
		timeout = MIN(timeout * 2, (u32)RTO_MAX_S);
		period += timeout;
	}
	return period;
}

/* ---- setting; i->lock, net ---- */

static int set_nodelay(struct tcp_sock *ts, int v, u64 now)
{
	struct tcp_conn *c = &ts->conn;

	if (v) {
		c->nonagle |= TCP_NAGLE_OFF;
		tcp_push(c, now);
	} else {
		c->nonagle &= (u8)~TCP_NAGLE_OFF;
	}
	return 0;
}

static int set_cork(struct tcp_sock *ts, int v, u64 now)
{
	struct tcp_conn *c = &ts->conn;

	if (v) {
		c->nonagle |= TCP_NAGLE_CORK;
	} else {
		c->nonagle &= (u8)~TCP_NAGLE_CORK;
		tcp_push(c, now);
	}
	return 0;
}

static int set_keep_idle(struct tcp_sock *ts, int v, u64 now)
{
	ts->conn.keep_idle_s = (u32)v;
	if (ts->conn.keepalive && !tcp_in_states(&ts->conn, TCP_STATE_BIT(TCP_CLOSE) | TCP_STATE_BIT(TCP_LISTEN))) {
		ts->conn.keepalive = false;
		tcp_set_keepalive(&ts->conn, true, now);
	}
	return 0;
}

static int set_linger2(struct tcp_sock *ts, int v, u64 now)
{
	ts->conn.linger2_s = v < 0 ? -1 : MIN(v, (int)LINGER2_MAX_S);
	return 0;
}

static int set_clamp(struct tcp_sock *ts, int v, u64 now)
{
	if (!v && ts->conn.state != TCP_CLOSE)
		return -EINVAL;
	ts->clamp_chosen = v != 0;
	ts->conn.window_clamp = v ? (u32)MAX(v, (int)CLAMP_MIN) : 0;
	return 0;
}

static int set_quickack(struct tcp_sock *ts, int v, u64 now)
{
	tcp_set_quickack(&ts->conn, v, now);
	return 0;
}

static int set_lowat(struct tcp_sock *ts, int v, u64 now)
{
	ts->conn.notsent_lowat = (u32)v;
	ts->conn.events |= TCP_EV_WRITE;
	return 0;
}

static int set_defer(struct tcp_sock *ts, int v, u64 now)
{
	atomic_store(&ts->defer_accept_s, round_to_timeouts(v));
	return 0;
}

static int set_fastopen(struct tcp_sock *ts, int v, u64 now)
{
	if (!tcp_in_states(&ts->conn, TCP_STATE_BIT(TCP_CLOSE) | TCP_STATE_BIT(TCP_LISTEN)))
		return -EINVAL;
	atomic_store(&ts->fastopen_max, MIN((u32)v, atomic_load(&sock_limits.somaxconn)));
	return 0;
}

static int set_fastopen_connect(struct tcp_sock *ts, int v, u64 now)
{
	if (!(atomic_load(&tcp_config.fastopen) & TCP_FASTOPEN_CLIENT))
		return -EOPNOTSUPP;
	if (ts->conn.state != TCP_CLOSE)
		return -EINVAL;
	ts->fastopen_connect = v;
	return 0;
}

static int set_word(u32 *word, int v)
{
	*word = (u32)v;
	return 0;
}

static int set_mss(struct tcp_sock *ts, int v, u64 now) { return set_word(&ts->conn.user_mss, v); }
static int set_keep_intvl(struct tcp_sock *ts, int v, u64 now) { return set_word(&ts->conn.keep_intvl_s, v); }
static int set_keep_count(struct tcp_sock *ts, int v, u64 now) { return set_word(&ts->conn.keep_count, v); }
static int set_syn_count(struct tcp_sock *ts, int v, u64 now) { return set_word(&ts->conn.syn_retries, v); }
static int set_user_timeout(struct tcp_sock *ts, int v, u64 now) { return set_word(&ts->conn.user_timeout_ms, v); }

/* ---- getting; i->lock ---- */

static int get_mss(const struct tcp_sock *ts)
{
	const struct tcp_conn *c = &ts->conn;
	bool before = tcp_in_states(c, TCP_STATE_BIT(TCP_CLOSE) | TCP_STATE_BIT(TCP_LISTEN));

	return (int)(before && c->user_mss ? c->user_mss : c->mss);
}

static int get_linger2(const struct tcp_sock *ts)
{
	s32 own = ts->conn.linger2_s;

	return own ? own : (int)atomic_load(&tcp_config.fin_timeout_s);
}

static int or_default(u32 own, const u32 *general) { return (int)(own ? own : atomic_load(general)); }
static int get_nodelay(const struct tcp_sock *ts) { return !!(ts->conn.nonagle & TCP_NAGLE_OFF); }
static int get_cork(const struct tcp_sock *ts) { return !!(ts->conn.nonagle & TCP_NAGLE_CORK); }
static int get_keep_idle(const struct tcp_sock *ts) { return or_default(ts->conn.keep_idle_s, &tcp_config.keepalive_time_s); }
static int get_keep_intvl(const struct tcp_sock *ts) { return or_default(ts->conn.keep_intvl_s, &tcp_config.keepalive_intvl_s); }
static int get_keep_count(const struct tcp_sock *ts) { return or_default(ts->conn.keep_count, &tcp_config.keepalive_probes); }
static int get_syn_count(const struct tcp_sock *ts) { return or_default(ts->conn.syn_retries, &tcp_config.syn_retries); }
static int get_clamp(const struct tcp_sock *ts) { return (int)ts->conn.window_clamp; }
static int get_quickack(const struct tcp_sock *ts) { return !ts->conn.pingpong; }
static int get_user_timeout(const struct tcp_sock *ts) { return (int)ts->conn.user_timeout_ms; }
static int get_lowat(const struct tcp_sock *ts) { return (int)ts->conn.notsent_lowat; }
static int get_fastopen(const struct tcp_sock *ts) { return (int)atomic_load(&ts->fastopen_max); }
static int get_fastopen_connect(const struct tcp_sock *ts) { return ts->fastopen_connect; }
static int get_defer(const struct tcp_sock *ts) { return (int)atomic_load(&ts->defer_accept_s); }

#define INT_MIN_ (-0x7fffffff - 1)
#define INT_MAX_ 0x7fffffff

static const struct number {
	int name, min, max;
	bool zero;			/* 0 is fine too */
	int (*set)(struct tcp_sock *ts, int v, u64 now);
	int (*get)(const struct tcp_sock *ts);
} numbers[] = {
	{ TCP_NODELAY, INT_MIN_, INT_MAX_, true, set_nodelay, get_nodelay },
	{ TCP_MAXSEG, MSS_MIN, MSS_MAX, true, set_mss, get_mss },
	{ TCP_CORK, INT_MIN_, INT_MAX_, true, set_cork, get_cork },
	{ TCP_KEEPIDLE, 1, KEEP_MAX, false, set_keep_idle, get_keep_idle },
	{ TCP_KEEPINTVL, 1, KEEP_MAX, false, set_keep_intvl, get_keep_intvl },
	{ TCP_KEEPCNT, 1, COUNT_MAX, false, set_keep_count, get_keep_count },
	{ TCP_SYNCNT, 1, COUNT_MAX, false, set_syn_count, get_syn_count },
	{ TCP_LINGER2, INT_MIN_, INT_MAX_, true, set_linger2, get_linger2 },
	{ TCP_DEFER_ACCEPT, INT_MIN_, INT_MAX_, true, set_defer, get_defer },
	{ TCP_WINDOW_CLAMP, INT_MIN_, INT_MAX_, true, set_clamp, get_clamp },
	{ TCP_QUICKACK, INT_MIN_, INT_MAX_, true, set_quickack, get_quickack },
	{ TCP_USER_TIMEOUT, 0, INT_MAX_, true, set_user_timeout, get_user_timeout },
	{ TCP_FASTOPEN, 0, INT_MAX_, true, set_fastopen, get_fastopen },
	{ TCP_FASTOPEN_CONNECT, 0, 1, true, set_fastopen_connect, get_fastopen_connect },
	{ TCP_NOTSENT_LOWAT, INT_MIN_, INT_MAX_, true, set_lowat, get_lowat },
};

static const struct number *number_find(int name)
{
	for (u32 i = 0; i < ARRAY_SIZE(numbers); i++)
		if (numbers[i].name == name)
			return &numbers[i];
	return NULL;
}

static int set_congestion(struct tcp_sock *ts, const void *value, u32 len)
{
	char name[CA_NAME] = { 0 };

	if (!len)
		return -EINVAL;
	memcpy(name, value, MIN(len, (u32)CA_NAME - 1));
	const struct tcp_ca *ca = tcp_ca_find(name);

	if (!ca)
		return -ENOENT;
	tcp_sock_lock(ts);
	tcp_set_ca(&ts->conn, ca, plat_mono_ns());
	spin_unlock(&ts->inet.lock);
	return 0;
}

static int set_fastopen_key(struct tcp_sock *ts, const void *value, u32 len)
{
	if (len != sizeof(ts->fastopen_key))
		return -EINVAL;
	tcp_sock_lock(ts);
	memcpy(&ts->fastopen_key, value, len);
	ts->fastopen_key_chosen = true;
	spin_unlock(&ts->inet.lock);
	return 0;
}

static int set_number(struct tcp_sock *ts, int name, int v)
{
	const struct number *n = number_find(name);
	u64 now = plat_mono_ns();

	if (!n)
		return -ENOPROTOOPT;
	if ((v < n->min || v > n->max) && !(n->zero && !v))
		return -EINVAL;
	net_enter();
	tcp_sock_lock(ts);
	int err = n->set(ts, v, now);

	tcp_sock_unlock(ts, now);
	net_leave();
	return err;
}

int tcp_setsockopt(struct socket *s, int level, int name, const void *value, u32 len)
{
	struct tcp_sock *ts = tcp_of(s);
	int v;

	if (level != IPPROTO_TCP)
		return inet_setsockopt(s, level, name, value, len);
	if (name == TCP_CONGESTION)
		return set_congestion(ts, value, len);
	if (name == TCP_FASTOPEN_KEY)
		return set_fastopen_key(ts, value, len);
	if (name == TCP_ULP)
		return -ENOENT;
	if (len < sizeof(v))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	return set_number(ts, name, v);
}

void tcp_sock_info(struct tcp_sock *ts, struct tcp_info *out)
{
	tcp_sock_lock(ts);
	tcp_info_fill(&ts->conn, out, plat_mono_ns());
	spin_unlock(&ts->inet.lock);
	if (out->tcpi_state == TCP_LISTEN) {
		out->tcpi_unacked = atomic_load(&ts->accept_count);
		out->tcpi_sacked = atomic_load(&ts->accept_max);
	}
}

static int get_info(struct tcp_sock *ts, void *value, u32 *len)
{
	struct tcp_info info;

	tcp_sock_info(ts, &info);
	*len = MIN(*len, (u32)sizeof(info));
	memcpy(value, &info, *len);
	return 0;
}

static int get_congestion(struct tcp_sock *ts, void *value, u32 *len)
{
	char name[CA_NAME] = { 0 };

	tcp_sock_lock(ts);
	strlcpy(name, ts->conn.ca->name, sizeof(name));
	spin_unlock(&ts->inet.lock);
	*len = MIN(*len, (u32)CA_NAME);
	memcpy(value, name, *len);
	return 0;
}

int tcp_getsockopt(struct socket *s, int level, int name, void *value, u32 *len)
{
	struct tcp_sock *ts = tcp_of(s);

	if (level != IPPROTO_TCP)
		return inet_getsockopt(s, level, name, value, len);
	if (name == TCP_INFO)
		return get_info(ts, value, len);
	if (name == TCP_CONGESTION)
		return get_congestion(ts, value, len);
	if (name == TCP_FASTOPEN_KEY) {
		u8 key[sizeof(ts->fastopen_key)];

		tcp_fastopen_key_show(ts, key);
		*len = MIN(*len, (u32)sizeof(key));
		memcpy(value, key, *len);
		return 0;
	}
	const struct number *n = number_find(name);

	if (!n)
		return -ENOPROTOOPT;
	tcp_sock_lock(ts);
	int v = n->get(ts);

	spin_unlock(&ts->inet.lock);
	*len = MIN(*len, (u32)sizeof(v));
	memcpy(value, &v, *len);
	return 0;
}

void tcp_option_changed(struct socket *s, int name, u32 value)
{
	struct tcp_sock *ts = tcp_of(s);
	struct tcp_conn *c = &ts->conn;
	u64 now = plat_mono_ns();

	net_enter();
	tcp_sock_lock(ts);
	switch (name) {
	case SO_SNDBUF:
		c->sndbuf = s->sndbuf = value;
		c->sndbuf_locked = true;
		c->events |= TCP_EV_WRITE;
		break;
	case SO_RCVBUF:
		c->rcvbuf = s->rcvbuf = value;
		c->rcvbuf_locked = true;
		break;
	case SO_RCVLOWAT:
		c->events |= TCP_EV_READ;
		break;
	case SO_KEEPALIVE:
		tcp_set_keepalive(c, value, now);
		break;
	case SO_INCOMING_CPU:
		ts->inet.ep.wanted_cpu = value + 1;
		break;
	case SO_REUSEADDR:
		ts->inet.ep.reuse = value;
		break;
	case SO_REUSEPORT:
		ts->inet.ep.reuseport = value;
		break;
	}
	tcp_sock_unlock(ts, now);
	net_leave();
}
