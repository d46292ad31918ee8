/*
 * Datagram sockets of AF_INET: queues, waiting, recvmsg, small calls.  inet_dgram.h is the contract.
 *
 * Departures: no cork (MSG_MORE sends at once), no GSO; the error queue (IP_RECVERR) has what ICMP says, not what fails here.
 *
 * Source: ip(7), udp(7), raw(7).
 */
#include <linux/errno.h>
#include <linux/sockios.h>
#include <asm/ioctls.h>
#include "kern/slab.h"
#include "kern/timer.h"
#include "mm/user.h"
#include "net/device.h"
#include "sock/inet_dgram.h"
#include "vfs/poll.h"

/* ---- life ---- */

void *inet_dgram_new(struct slab_cache *cache, u32 bytes, const struct socket_ops *ops, bool v6, u32 type, u32 protocol)
{
	struct inet_dgram *d = slab_alloc(cache, ALLOC_KERNEL);

	if (!d)
		return NULL;
	memset(d, 0, bytes);
	inet_init(&d->inet, ops, v6, type, protocol);
	spin_init(&d->queue_lock, RANK_NET_QUEUE);
	list_init(&d->queue);
	list_init(&d->errors);
	d->cache = cache;
	return d;
}

static void free_rcu(struct rcu_head *h)
{
	struct inet_dgram *d = container_of(h, struct inet_dgram, rcu);

	slab_free(d->cache, d);
}

static void put(struct inet_dgram *d)
{
	if (atomic_dec_and_test(&d->inet.refs))
		call_rcu(&d->rcu, free_rcu);
}

void inet_dgram_close(struct inet_dgram *d)
{
	LIST_HEAD(gone);

	inet_groups_leave(&d->inet);
	spin_lock(&d->queue_lock);
	d->dead = true;
	list_splice_init(&d->queue, &gone);
	list_splice_init(&d->errors, &gone);
	spin_unlock(&d->queue_lock);
	packet_free_list(&gone);
	put(d);
}

/* ---- sending ---- */

int inet_dgram_may_broadcast(const struct inet_sock *i, const struct ip_dst *dst)
{
	return dst->kind == IP_DST_BROADCAST && !(atomic_load(&i->sock.flags) & SOCKF_BROADCAST) ? -EACCES : 0;
}

int inet_dgram_destination4(struct inet_sock *i, const struct sock_msg *m, struct inet_dgram_route *r)
{
	u32 scope;

	if (m->addr && m->addr->len)
		return inet_addr_parse(i, m->addr, &r->to, &r->dport, &scope);
	spin_lock(&i->lock);
	r->to = i->ep.remote;
	spin_unlock(&i->lock);
	return r->to.w[3] ? 0 : -EDESTADDRREQ;
}

static void sent(struct packet *p)
{
	struct inet_dgram *d = p->owner;

	atomic_sub(&d->inet.wmem, p->charge);
	wake_up_poll(&d->inet.sock.waitq, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	put(d);
}

static bool writable(const struct inet_sock *i)
{
	return atomic_load(&i->wmem) < i->sock.sndbuf;
}

static bool shut_send(const struct inet_sock *i)
{
	return READ_ONCE(i->sock.shutdown) & SHUTDOWN_SEND;
}

int inet_dgram_wait_room(struct inet_sock *i, u32 flags)
{
	u64 deadline = sock_deadline(i->sock.sndtimeo_ns, flags & MSG_DONTWAIT);

	while (!shut_send(i)) {
		if (writable(i))
			return 0;
		if (!deadline)
			return -EAGAIN;
		int err = wait_event_interruptible_until(&i->sock.waitq, writable(i) || shut_send(i), deadline);

		if (err)
			return sock_wait_error(err, i->sock.sndtimeo_ns);
	}
	return sock_pipe_error(flags);
}

struct packet *inet_dgram_packet(struct inet_dgram *d, struct sock_msg *m, u32 n)
{
	struct packet *p = packet_alloc(MIN(n, 2048u), ALLOC_KERNEL);

	if (!p)
		return ERR_PTR(-ENOBUFS);
	int err = packet_from_iter(p, m->iter, n);

	if (err) {
		packet_free(p);
		return ERR_PTR(err);
	}
	atomic_add(&d->inet.wmem, p->memory);
	atomic_inc(&d->inet.refs);
	packet_own(p, d, sent, p->memory);
	return p;
}

/* ---- receiving ---- */

static void received(struct packet *p)
{
	struct inet_dgram *d = p->owner;

	atomic_sub(&d->inet.rmem, p->charge);
}

bool inet_dgram_enqueue(struct inet_dgram *d, struct packet *p, const struct ip_rx *ip, u16 sport)
{
	struct inet_dgram_cb cb = { .src = ip->src, .dst = ip->dst, .ifindex = ip->dev->ifindex, .sport = sport, .ttl = ip->ttl, .tos = ip->tos };
	struct inet_sock *i = &d->inet;
	u32 memory = p->memory;

	if (atomic_load(&i->sock.flags) & (SOCKF_TIMESTAMP | SOCKF_TIMESTAMPNS))
		cb.wall_ns = clock_realtime_ns();
	packet_orphan(p);
	*packet_cb(p, struct inet_dgram_cb) = cb;
	spin_lock(&d->queue_lock);
	bool room = !d->dead && (u64)atomic_load(&i->rmem) + memory <= i->sock.rcvbuf + (u64)sizeof(struct packet);

	if (room) {
		atomic_add(&i->rmem, memory);
		packet_own(p, d, received, memory);
		list_add_tail(&p->node, &d->queue);
	}
	spin_unlock(&d->queue_lock);
	if (room) {
		wake_up_poll(&i->sock.waitq, EPOLLIN | EPOLLRDNORM | EPOLLRDBAND);
	} else {
		atomic_inc(&d->drops);
		packet_free(p);
	}
	return room;
}

bool inet_dgram_filter(struct inet_dgram *d, struct packet *p, u32 least)
{
	u32 wanted = sock_filter_packet(&d->inet.sock, p);

	if (!wanted) {
		atomic_inc(&d->drops);
		packet_free(p);
		return false;
	}
	packet_trim(p, MAX(wanted, least));
	return true;
}

/* ---- errors ---- */

/* Of <linux/errqueue.h>, which wants the C library's struct timespec. */
enum { SO_EE_ORIGIN_ICMP = 2 };
struct sock_extended_err {
	u32 ee_errno;
	u8 ee_origin, ee_type, ee_code, ee_pad;
	u32 ee_info, ee_data;
};
static_assert(sizeof(struct sock_extended_err) == 16, "struct sock_extended_err of the user ABI");

/* In the control block of a queued error. */
struct error_cb {
	struct sock_extended_err ee;
	struct ip_addr offender, dst;
	u16 port;
};

static void enqueue_error(struct inet_dgram *d, const struct packet *p, u32 header, const struct error_cb *cb)
{
	struct packet *copy = packet_clone(p, ALLOC_ATOMIC);
	struct inet_sock *i = &d->inet;

	if (!copy)
		return;
	packet_eat(copy, MIN(header, copy->len));
	*packet_cb(copy, struct error_cb) = *cb;
	spin_lock(&d->queue_lock);
	bool room = !d->dead && (u64)atomic_load(&i->rmem) + copy->memory <= i->sock.rcvbuf + (u64)sizeof(struct packet);

	if (room) {
		atomic_add(&i->rmem, copy->memory);
		packet_own(copy, d, received, copy->memory);
		list_add_tail(&copy->node, &d->errors);
	}
	spin_unlock(&d->queue_lock);
	if (!room)
		packet_free(copy);
}

void inet_dgram_error(struct inet_dgram *d, const struct packet *p, u32 header, const struct ip_rx *sent, const struct ip_error *e, u16 port)
{
	bool told = d->want_errors && ip_addr_is_v4(&sent->dst);	/* IP_RECVERR is of IPv4 */
	struct socket *s = &d->inet.sock;

	if (!e->error || (!told && !(e->hard && !ip_addr_is_any(&d->inet.ep.remote))))
		return;
	if (told) {
		struct error_cb cb = {
			.ee = { .ee_errno = (u32)e->error, .ee_origin = SO_EE_ORIGIN_ICMP, .ee_type = e->type, .ee_code = e->code,
				.ee_info = e->is_pmtu ? e->info : 0 },
			.offender = e->offender, .dst = sent->dst, .port = port,
		};

		enqueue_error(d, p, header, &cb);
	}
	sock_set_error(s, e->error);
	if (waitq_active(&s->waitq))
		waitq_wake(&s->waitq, 0, EPOLLERR | EPOLLIN | EPOLLRDNORM);
}

/* The first error; the socket's own error goes with the last. */
static struct packet *take_error(struct inet_dgram *d)
{
	struct packet *p = NULL;

	spin_lock(&d->queue_lock);
	if (!list_empty(&d->errors)) {
		p = list_first_entry(&d->errors, struct packet, node);
		list_del_init(&p->node);
		if (list_empty(&d->errors))
			(void)sock_take_error(&d->inet.sock);
	}
	spin_unlock(&d->queue_lock);
	return p;
}

static s64 recv_error(struct inet_dgram *d, struct sock_msg *m)
{
	struct {
		struct sock_extended_err ee;
		struct sockaddr_in offender;
	} told = { 0 };
	struct packet *p = take_error(d);

	if (!p)
		return -EAGAIN;
	const struct error_cb *cb = packet_cb(p, struct error_cb);
	u32 n = (u32)MIN(iter_left(m->iter), (u64)p->len);
	s64 result = packet_to_iter(p, 0, m->iter, n) < n ? -EFAULT : (s64)n;

	m->flags_out |= MSG_ERRQUEUE | (n < p->len ? MSG_TRUNC : 0);
	if (m->addr)
		inet_addr_tell(&d->inet, &cb->dst, cb->port, 0, m->addr);
	told.ee = cb->ee;
	told.offender.sin_family = AF_INET;
	told.offender.sin_addr.s_addr = cb->offender.w[3];
	sock_cmsg_put(m, IPPROTO_IP, IP_RECVERR, &told, sizeof(told));
	packet_free(p);
	return result;
}

static void purge_errors(struct inet_dgram *d)
{
	LIST_HEAD(gone);

	spin_lock(&d->queue_lock);
	list_splice_init(&d->errors, &gone);
	spin_unlock(&d->queue_lock);
	packet_free_list(&gone);
}

int inet_dgram_setsockopt(struct socket *s, int level, int name, const void *value, u32 len)
{
	struct inet_dgram *d = inet_dgram_of(s);
	int v = 0;

	if (level != IPPROTO_IP || name != IP_RECVERR)
		return inet_setsockopt(s, level, name, value, len);
	if (!len)
		return -EINVAL;
	memcpy(&v, value, MIN(len, (u32)sizeof(v)));
	d->want_errors = v;
	if (!v)
		purge_errors(d);
	return 0;
}

int inet_dgram_getsockopt(struct socket *s, int level, int name, void *value, u32 *len)
{
	int v = inet_dgram_of(s)->want_errors;

	if (level != IPPROTO_IP || name != IP_RECVERR)
		return inet_getsockopt(s, level, name, value, len);
	*len = *len && *len < sizeof(v) ? 1 : MIN(*len, (u32)sizeof(v));
	memcpy(value, &v, *len);
	return 0;
}

/* ---- recvmsg ---- */

/* The first packet, or a copy of it. NULL: there is none; ERR_PTR(-ENOMEM): of a peek */
static struct packet *take(struct inet_dgram *d, bool peek)
{
	struct packet *p = NULL;

	spin_lock(&d->queue_lock);
	if (!list_empty(&d->queue)) {
		p = list_first_entry(&d->queue, struct packet, node);
		if (!peek)
			list_del_init(&p->node);
		else if (!(p = packet_clone(p, ALLOC_ATOMIC)))
			p = ERR_PTR(-ENOMEM);
	}
	spin_unlock(&d->queue_lock);
	return p;
}

static bool queue_empty(struct inet_dgram *d)
{
	return list_empty((struct list_head *)&d->queue);
}

static int wait_packet(struct inet_dgram *d, u64 deadline)
{
	struct socket *s = &d->inet.sock;
	int err = sock_take_error(s);

	if (err)
		return err;
	if (READ_ONCE(s->shutdown) & SHUTDOWN_RCV)
		return 1;
	if (!deadline)
		return -EAGAIN;
	err = wait_event_interruptible_until(&s->waitq, !queue_empty(d) || atomic_load(&s->error) || READ_ONCE(s->shutdown) & SHUTDOWN_RCV, deadline);
	return err ? sock_wait_error(err, s->rcvtimeo_ns) : 0;
}

s64 inet_dgram_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct inet_dgram *d = inet_dgram_of(s);
	u64 deadline = sock_deadline(s->rcvtimeo_ns, m->flags & MSG_DONTWAIT);
	struct packet *p;

	if (m->flags & MSG_ERRQUEUE)
		return recv_error(d, m);
	while (!(p = take(d, m->flags & MSG_PEEK))) {
		int err = wait_packet(d, deadline);

		if (err)
			return err < 0 ? err : 0;
	}
	if (IS_ERR(p))
		return PTR_ERR(p);
	const struct inet_dgram_cb *cb = packet_cb(p, struct inet_dgram_cb);
	u32 len = p->len, n = (u32)MIN(iter_left(m->iter), len);
	s64 result = m->flags & MSG_TRUNC ? len : n;

	if (packet_to_iter(p, 0, m->iter, n) < n) {
		result = -EFAULT;
	} else {
		if (n < len)
			m->flags_out |= MSG_TRUNC;
		if (m->addr)
			inet_addr_tell(&d->inet, &cb->src, cb->sport, ip6_is_link_local(&cb->src) ? cb->ifindex : 0, m->addr);
		inet_dgram_tell(&d->inet, m, cb);
	}
	packet_free(p);
	return result;
}

/* ---- small calls ---- */

/* Without a peer it is an error, and done all the same: that ends a recv() of another thread. */
int inet_dgram_shutdown(struct socket *s, u32 how)
{
	__atomic_fetch_or(&s->shutdown, how, __ATOMIC_ACQ_REL);
	if (waitq_active(&s->waitq))
		waitq_wake(&s->waitq, 0, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP);
	return READ_ONCE(inet_of(s)->ep.rport) ? 0 : -ENOTCONN;
}

u32 inet_dgram_poll(struct socket *s)
{
	struct inet_dgram *d = inet_dgram_of(s);
	u32 shut = READ_ONCE(s->shutdown), events = 0;

	if (atomic_load(&s->error) || !list_empty(&d->errors))
		events |= EPOLLERR;
	if (shut & SHUTDOWN_RCV)
		events |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (shut == SHUTDOWN_BOTH)
		events |= EPOLLHUP;
	if (!queue_empty(d))
		events |= EPOLLIN | EPOLLRDNORM;
	if (writable(&d->inet))
		events |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	return events;
}

s64 inet_dgram_ioctl(struct socket *s, u32 cmd, u64 arg)
{
	struct inet_dgram *d = inet_dgram_of(s);
	int n = 0;

	switch (cmd) {
	case TIOCOUTQ:
		return put_user((int)atomic_load(&d->inet.wmem), uaddr(arg));
	case FIONREAD:
		spin_lock(&d->queue_lock);
		if (!list_empty(&d->queue))
			n = (int)list_first_entry(&d->queue, struct packet, node)->len;
		spin_unlock(&d->queue_lock);
		return put_user(n, uaddr(arg));
	default:
		return inet_ioctl(s, cmd, arg);
	}
}

/* ---- what others are told ---- */

struct inet_diag_row inet_dgram_row(struct inet_dgram *d, u32 slot)
{
	struct inet_sock *i = &d->inet;
	const struct net_endpoint *ep = &i->ep;

	return (struct inet_diag_row){
		.family = i->sock.family, .state = ep->rport ? 1 : 7, .shutdown = (u8)READ_ONCE(i->sock.shutdown), .local = ep->local,
		.remote = ep->remote, .lport = ep->lport, .rport = ep->rport, .ifindex = ep->ifindex, .uid = ep->uid, .mark = i->sock.mark,
		.rqueue = atomic_load(&i->rmem), .wqueue = atomic_load(&i->wmem), .ino = i->sock.ino, .socket = d, .refs = atomic_load(&i->refs) + 1,
		.drops = atomic_load(&d->drops), .slot = slot,
		.mem = {
			[SK_MEMINFO_RMEM_ALLOC] = atomic_load(&i->rmem), [SK_MEMINFO_WMEM_ALLOC] = atomic_load(&i->wmem),
			[SK_MEMINFO_RCVBUF] = i->sock.rcvbuf, [SK_MEMINFO_SNDBUF] = i->sock.sndbuf, [SK_MEMINFO_DROPS] = atomic_load(&d->drops),
		},
	};
}
