/*
 * Options of level SOL_SOCKET.
 *
 * A flag is a row of flag_options; numbers are in two switches, one each way.  What is not here is asked of the family.
 *
 * Departures: SO_RCVBUF, SO_PRIORITY, SO_MARK and the like are kept and told; families use what they need.
 * Source: socket(7).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "base/string.h"
#include "kern/cred.h"
#include "kern/timer.h"
#include "sock/internal.h"
#include "vfs/file.h"
#include "vfs/poll.h"

enum { SNDBUF_MIN = 4608, RCVBUF_MIN = 2304, PRIORITY_MAX_USER = 6 };

static const struct flag_option {
	int name;
	u32 flag;
} flag_options[] = {
	{ SO_DEBUG, SOCKF_DEBUG },
	{ SO_REUSEADDR, SOCKF_REUSEADDR },
	{ SO_REUSEPORT, SOCKF_REUSEPORT },
	{ SO_DONTROUTE, SOCKF_DONTROUTE },
	{ SO_BROADCAST, SOCKF_BROADCAST },
	{ SO_KEEPALIVE, SOCKF_KEEPALIVE },
	{ SO_OOBINLINE, SOCKF_OOBINLINE },
	{ SO_NO_CHECK, SOCKF_NO_CHECK },
	{ SO_PASSCRED, SOCKF_PASSCRED },
	{ SO_PASSSEC, SOCKF_PASSSEC },
	{ SO_TIMESTAMP_OLD, SOCKF_TIMESTAMP },
	{ SO_TIMESTAMPNS_OLD, SOCKF_TIMESTAMPNS },
	{ SO_RXQ_OVFL, SOCKF_RXQ_OVFL },
};

static u32 flag_of(int name)
{
	for (u32 i = 0; i < ARRAY_SIZE(flag_options); i++)
		if (flag_options[i].name == name)
			return flag_options[i].flag;
	return 0;
}

struct timeval_user {		/* both layouts of SO_RCVTIMEO are the same on 64-bit machines */
	s64 sec, usec;
};

struct linger_user {
	s32 on, seconds;
};

/* ---- setting ---- */

static int timeout_set(u64 *ns, const void *value, u32 len)
{
	struct timeval_user tv;

	if (len < sizeof(tv))
		return -EINVAL;
	memcpy(&tv, value, sizeof(tv));
	if (tv.usec < 0 || tv.usec >= 1000000)
		return -EDOM;
	if (tv.sec < 0)
		*ns = 0;
	else if ((!tv.sec && !tv.usec) || (u64)tv.sec >= ~0ull / NS_PER_SEC - 1)
		*ns = ~0ull;
	else
		*ns = (u64)tv.sec * NS_PER_SEC + (u64)tv.usec * NS_PER_US;
	return 0;
}

static int linger_set(struct socket *s, const void *value, u32 len)
{
	struct linger_user l;

	if (len < sizeof(l))
		return -EINVAL;
	memcpy(&l, value, sizeof(l));
	if (l.on)
		atomic_or(&s->flags, (u32)SOCKF_LINGER);
	else
		atomic_and(&s->flags, ~(u32)SOCKF_LINGER);
	s->linger_sec = (u32)l.seconds;
	return 0;
}

/* Half of what is shown is for bytes, half for the bookkeeping. */
static u32 buffer_size(int v, bool force, u32 max, u32 min)
{
	u32 n = MIN(force ? (u32)MAX(v, 0) : MIN((u32)v, max), 0x3fffffffu);

	return MAX(n * 2, min);
}

static void changed(struct socket *s, int name, u32 v)
{
	if (s->ops->option_changed)
		s->ops->option_changed(s, name, v);
}

static void buffer_set(struct socket *s, int name, int v)
{
	bool send = name == SO_SNDBUF || name == SO_SNDBUFFORCE, force = name == SO_SNDBUFFORCE || name == SO_RCVBUFFORCE;
	u32 n = buffer_size(v, force, atomic_load(send ? &sock_limits.wmem_max : &sock_limits.rmem_max), send ? SNDBUF_MIN : RCVBUF_MIN);

	if (send)
		s->sndbuf = n;
	else
		s->rcvbuf = n;
	changed(s, send ? SO_SNDBUF : SO_RCVBUF, n);
	wake_up_poll(&s->waitq, EPOLLOUT | EPOLLWRNORM);
}

static int priority_set(struct socket *s, int v)
{
	if ((v < 0 || v > PRIORITY_MAX_USER) && !capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
		return -EPERM;
	s->priority = (u32)v;
	return 0;
}

static int peek_off_set(struct socket *s, int v)
{
	if (s->family != AF_UNIX)
		return -EOPNOTSUPP;
	if (v < -1)
		return -EINVAL;
	s->peek_off = v;
	return 0;
}

static int family_set(struct socket *s, int level, int name, const void *value, u32 len, int otherwise)
{
	return s->ops->setsockopt ? s->ops->setsockopt(s, level, name, value, len) : otherwise;
}

static int set_number(struct socket *s, int name, int v, const void *value, u32 len)
{
	u32 flag = flag_of(name);

	if (flag) {
		if (flag == SOCKF_DEBUG && v && !capable(CAP_NET_ADMIN))
			return -EACCES;
		if (flag & (SOCKF_TIMESTAMP | SOCKF_TIMESTAMPNS))
			atomic_and(&s->flags, ~(u32)(SOCKF_TIMESTAMP | SOCKF_TIMESTAMPNS));	/* one of them at most */
		if (v)
			atomic_or(&s->flags, flag);
		else
			atomic_and(&s->flags, ~flag);
		changed(s, name, v != 0);
		return 0;
	}
	switch (name) {
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (!capable(CAP_NET_ADMIN))
			return -EPERM;
		FALLTHROUGH;
	case SO_SNDBUF:
	case SO_RCVBUF:
		buffer_set(s, name, v);
		return 0;
	case SO_RCVLOWAT:
		s->rcvlowat = v < 0 ? 0x7fffffff : MAX((u32)v, 1u);
		changed(s, SO_RCVLOWAT, s->rcvlowat);
		return 0;
	case SO_INCOMING_CPU:
		atomic_store(&s->incoming_cpu, v);
		changed(s, SO_INCOMING_CPU, (u32)v);
		return 0;
	case SO_PRIORITY:
		return priority_set(s, v);
	case SO_MARK:
		if (!capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
			return -EPERM;
		s->mark = (u32)v;
		return 0;
	case SO_PEEK_OFF:
		return peek_off_set(s, v);
	case SO_DETACH_FILTER: return sock_filter_detach(s);
	case SO_LOCK_FILTER: return sock_filter_lock(s, v);
	case SO_TYPE:
	case SO_PROTOCOL:
	case SO_DOMAIN:
	case SO_ERROR:
	case SO_ACCEPTCONN:
	case SO_SNDLOWAT:
		return -ENOPROTOOPT;
	default:
		return family_set(s, SOL_SOCKET, name, value, len, -ENOPROTOOPT);
	}
}

int sock_setsockopt(struct file *f, int level, int name, const void *value, u32 len)
{
	struct socket *s = file_socket(f);
	int v;

	if (!s)
		return -ENOTSOCK;
	if (level != SOL_SOCKET)
		return family_set(s, level, name, value, len, -EOPNOTSUPP);
	if (name == SO_ATTACH_FILTER)
		return sock_filter_attach(s, value, len);
	if (name == SO_BINDTODEVICE)
		return family_set(s, level, name, value, len, -ENOPROTOOPT);
	if (len < sizeof(v))
		return -EINVAL;
	switch (name) {
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
		return timeout_set(&s->rcvtimeo_ns, value, len);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		return timeout_set(&s->sndtimeo_ns, value, len);
	case SO_LINGER:
		return linger_set(s, value, len);
	default:
		memcpy(&v, value, sizeof(v));
		return set_number(s, name, v, value, len);
	}
}

/* ---- getting ---- */

/* A number of SOL_SOCKET. Return: false: not one of these */
static bool get_number(struct socket *s, int name, int *out)
{
	u32 flag = flag_of(name);

	if (flag) {
		*out = (atomic_load(&s->flags) & flag) != 0;
		return true;
	}
	switch (name) {
	case SO_TYPE: *out = s->type; return true;
	case SO_DOMAIN: *out = s->family; return true;
	case SO_PROTOCOL: *out = (int)s->protocol; return true;
	case SO_ERROR: *out = -sock_take_error(s); return true;
	case SO_SNDBUF: *out = (int)s->sndbuf; return true;
	case SO_RCVBUF: *out = (int)s->rcvbuf; return true;
	case SO_RCVLOWAT: *out = (int)s->rcvlowat; return true;
	case SO_SNDLOWAT: *out = 1; return true;
	case SO_LOCK_FILTER: *out = s->filter_locked; return true;
	case SO_INCOMING_CPU: *out = atomic_load(&s->incoming_cpu); return true;
	case SO_PRIORITY: *out = (int)s->priority; return true;
	case SO_MARK: *out = (int)s->mark; return true;
	default: return false;
	}
}

static int reply(void *value, u32 *len, const void *from, u32 size)
{
	*len = MIN(*len, size);
	memcpy(value, from, *len);
	return 0;
}

static int timeout_get(u64 ns, void *value, u32 *len)
{
	struct timeval_user tv = { 0, 0 };

	if (ns != ~0ull) {
		tv.sec = (s64)(ns / NS_PER_SEC);
		tv.usec = (s64)(ns % NS_PER_SEC / NS_PER_US);
	}
	return reply(value, len, &tv, sizeof(tv));
}

int sock_getsockopt(struct file *f, int level, int name, void *value, u32 *len)
{
	struct socket *s = file_socket(f);
	int v;

	if (!s)
		return -ENOTSOCK;
	if (level != SOL_SOCKET)
		return s->ops->getsockopt ? s->ops->getsockopt(s, level, name, value, len) : -EOPNOTSUPP;
	if (get_number(s, name, &v))
		return reply(value, len, &v, sizeof(v));
	switch (name) {
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
		return timeout_get(s->rcvtimeo_ns, value, len);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		return timeout_get(s->sndtimeo_ns, value, len);
	case SO_LINGER: {
		struct linger_user l = { (atomic_load(&s->flags) & SOCKF_LINGER) != 0, (s32)s->linger_sec };

		return reply(value, len, &l, sizeof(l));
	}
	case SO_PEEK_OFF:
		if (s->family != AF_UNIX)
			return -EOPNOTSUPP;
		return reply(value, len, &s->peek_off, sizeof(s->peek_off));
	default:
		return s->ops->getsockopt ? s->ops->getsockopt(s, level, name, value, len) : -ENOPROTOOPT;
	}
}
