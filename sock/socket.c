/*
 * Sockets of every family: the registry, life, and the calls that are handed on to the family.
 *
 * Locks: the registry's lock guards writers; families are never removed, so readers take none.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/timer.h"
#include "sock/diag.h"
#include "sock/inet.h"
#include "sock/internal.h"
#include "vfs/file.h"

enum { SOCK_TYPES = 11 };

static const struct socket_family *families[AF_MAX];
const struct sock_process_ops *sock_process;

void sock_register(const struct socket_family *family)
{
	assert(family->family < AF_MAX && !families[family->family]);
	rcu_assign_pointer(families[family->family], family);
}

void sock_register_process_ops(const struct sock_process_ops *ops)
{
	sock_process = ops;
}

void socket_init(struct socket *s, const struct socket_ops *ops, u16 family, u32 type, u32 protocol)
{
	*s = (struct socket){
		.ops = ops,
		.family = family,
		.type = (u16)type,
		.protocol = protocol,
		.sndbuf = atomic_load(&sock_limits.wmem_default),
		.rcvbuf = atomic_load(&sock_limits.rmem_default),
		.rcvlowat = 1,
		.peek_off = -1,
		.incoming_cpu = -1,
		.rcvtimeo_ns = ~0ull,
		.sndtimeo_ns = ~0ull,
	};
	waitq_init(&s->waitq);
}

int sock_take_error(struct socket *s)
{
	return atomic_load(&s->error) ? -__atomic_exchange_n(&s->error, 0, __ATOMIC_RELAXED) : 0;
}

void sock_set_error(struct socket *s, int error)
{
	__atomic_store_n(&s->error, error, __ATOMIC_RELEASE);
}

u64 sock_deadline(u64 timeo_ns, bool nonblock)
{
	if (nonblock || !timeo_ns)
		return 0;
	u64 now = timeo_ns == ~0ull ? 0 : plat_mono_ns();

	return timeo_ns > ~0ull - now ? ~0ull : now + timeo_ns;
}

int sock_wait_error(int err, u64 timeo_ns)
{
	if (err == -ETIMEDOUT)
		return -EAGAIN;
	return err == -ERESTARTSYS && timeo_ns != ~0ull ? -EINTR : err;
}

int sock_pipe_error(u32 msg_flags)
{
	if (!(msg_flags & MSG_NOSIGNAL) && sock_process)
		sock_process->send_sigpipe();
	return -EPIPE;
}

int socket_create(int family, int type, int protocol, struct socket **out)
{
	if (family < 0 || family >= AF_MAX)
		return -EAFNOSUPPORT;
	if (type < 0 || type >= SOCK_TYPES)
		return -EINVAL;
	const struct socket_family *f = rcu_dereference(families[family]);

	return f ? f->create(out, (u32)type, (u32)protocol) : -EAFNOSUPPORT;
}

int sock_pair(int family, int type, int protocol, struct file *out[2], u32 o_flags)
{
	struct socket *a, *b;
	int err = socket_create(family, type, protocol, &a);

	if (err)
		return err;
	err = socket_create(family, type, protocol, &b);
	if (err)
		goto out_a;
	err = a->ops->pair ? a->ops->pair(a, b) : -EOPNOTSUPP;
	if (err)
		goto out_b;
	out[0] = sock_file(a, o_flags);
	if (IS_ERR(out[0])) {
		b->ops->release(b);
		return (int)PTR_ERR(out[0]);
	}
	out[1] = sock_file(b, o_flags);
	if (!IS_ERR(out[1]))
		return 0;
	file_put(out[0]);
	return (int)PTR_ERR(out[1]);
out_b:
	b->ops->release(b);
out_a:
	a->ops->release(a);
	return err;
}

static bool nonblocking(const struct file *f)
{
	return READ_ONCE(f->flags) & O_NONBLOCK;
}

int sock_bind(struct file *f, const struct sock_addr *a)
{
	struct socket *s = file_socket(f);

	if (!s)
		return -ENOTSOCK;
	return s->ops->bind ? s->ops->bind(s, a) : -EOPNOTSUPP;
}

int sock_connect(struct file *f, const struct sock_addr *a) { return sock_connect_mode(f, a, nonblocking(f)); }

int sock_connect_mode(struct file *f, const struct sock_addr *a, bool nowait)
{
	struct socket *s = file_socket(f);

	if (!s)
		return -ENOTSOCK;
	return s->ops->connect ? s->ops->connect(s, a, sock_deadline(s->sndtimeo_ns, nowait)) : -EOPNOTSUPP;
}

int sock_listen(struct file *f, int backlog)
{
	struct socket *s = file_socket(f);

	if (!s)
		return -ENOTSOCK;
	return s->ops->listen ? s->ops->listen(s, MIN((u32)backlog, atomic_load(&sock_limits.somaxconn))) : -EOPNOTSUPP;
}

struct file *sock_accept(struct file *f, u32 o_flags, struct sock_addr *peer) { return sock_accept_mode(f, o_flags, peer, nonblocking(f)); }

struct file *sock_accept_mode(struct file *f, u32 o_flags, struct sock_addr *peer, bool nowait)
{
	struct socket *s = file_socket(f), *got;

	if (!s)
		return ERR_PTR(-ENOTSOCK);
	if (!s->ops->accept)
		return ERR_PTR(-EOPNOTSUPP);
	int err = s->ops->accept(s, &got, sock_deadline(s->rcvtimeo_ns, nowait));

	if (err)
		return ERR_PTR(err);
	if (peer) {
		err = got->ops->getname ? got->ops->getname(got, peer, true) : -EOPNOTSUPP;
		if (err) {
			got->ops->release(got);
			return ERR_PTR(-ECONNABORTED);
		}
	}
	return sock_file(got, o_flags);
}

int sock_getname(struct file *f, struct sock_addr *out, bool peer)
{
	struct socket *s = file_socket(f);

	if (!s)
		return -ENOTSOCK;
	return s->ops->getname ? s->ops->getname(s, out, peer) : -EOPNOTSUPP;
}

int sock_shutdown(struct file *f, int how)
{
	struct socket *s = file_socket(f);

	if (!s)
		return -ENOTSOCK;
	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	return s->ops->shutdown ? s->ops->shutdown(s, (u32)how + 1) : -EOPNOTSUPP;
}

s64 sock_sendmsg(struct file *f, struct sock_msg *m)
{
	struct socket *s = file_socket(f);

	if (!s)
		return -ENOTSOCK;
	if (nonblocking(f))
		m->flags |= MSG_DONTWAIT;
	return s->ops->sendmsg ? s->ops->sendmsg(s, m) : -EOPNOTSUPP;
}

s64 sock_recvmsg(struct file *f, struct sock_msg *m)
{
	struct socket *s = file_socket(f);

	if (!s)
		return -ENOTSOCK;
	if (nonblocking(f))
		m->flags |= MSG_DONTWAIT;
	if (m->addr)
		m->addr->len = 0;
	return s->ops->recvmsg ? s->ops->recvmsg(s, m) : -EOPNOTSUPP;
}

void sock_init(void)
{
	sock_limits_init();
	scm_init();
	unix_init();
	netlink_init();
	diag_init();
	inet_families_init();
	packet_sockets_init();
}
