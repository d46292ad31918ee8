/*
 * Netlink datagrams: queues, senders that wait, recvmsg.  sock/netlink.h is the contract.
 *
 * Source: netlink(7).
 */
#include <linux/errno.h>
#include "kern/slab.h"
#include "sock/netlink.h"
#include "vfs/poll.h"

enum { OVERHEAD = 512, DATAGRAM_RESERVE = 32 };

/* ---- putting in ---- */

static void item_free(struct netlink_item *it)
{
	netlink_data_put(it->data);
	kfree(it);
}

static bool full_locked(const struct netlink_peer *n)
{
	return n->rmem > atomic_load(&n->sock.rcvbuf) || (n->congested && !(atomic_load(&n->flags) & NLF_NO_ENOBUFS));
}

int netlink_enqueue(struct netlink_peer *n, struct netlink_data *d, const struct netlink_item *from)
{
	struct netlink_item *it = kmemdup(from, sizeof(*from), ALLOC_ATOMIC);
	int err = 0;

	if (!it)
		return -ENOBUFS;
	it->len = from->group ? sock_filter_bytes(&n->sock, d->bytes, d->len) : d->len;
	if (!it->len && d->len) {
		kfree(it);
		return 0;			/* not wanted: as if it had been read */
	}
	atomic_inc(&d->refs);
	it->data = d;
	it->charge = d->len + OVERHEAD;
	spin_lock(&n->queue_lock);
	if (n->dead)
		err = -ECONNREFUSED;
	else if (full_locked(n))
		err = -EAGAIN;
	if (!err) {
		n->rmem += it->charge;
		list_add_tail(&it->node, &n->queue);
	}
	spin_unlock(&n->queue_lock);
	if (err)
		item_free(it);
	else
		wake_up_poll(&n->sock.waitq, EPOLLIN | EPOLLRDNORM);
	return err;
}

void netlink_overrun(struct netlink_peer *n)
{
	bool tell = false;

	atomic_inc(&n->drops);
	if (atomic_load(&n->flags) & NLF_NO_ENOBUFS)
		return;
	spin_lock(&n->queue_lock);
	tell = !n->congested;
	n->congested = true;
	spin_unlock(&n->queue_lock);
	if (!tell)
		return;
	sock_set_error(&n->sock, ENOBUFS);
	if (waitq_active(&n->sock.waitq))
		waitq_wake(&n->sock.waitq, 0, EPOLLERR | EPOLLIN);
}

void netlink_purge(struct netlink_peer *n)
{
	struct netlink_item *it, *tmp;
	LIST_HEAD(gone);

	spin_lock(&n->queue_lock);
	n->dead = true;
	n->rmem = 0;
	list_splice_init(&n->queue, &gone);
	spin_unlock(&n->queue_lock);
	list_for_each_entry_safe(it, tmp, &gone, node)
		item_free(it);
}

/* ---- sending ---- */

static bool has_room(struct netlink_peer *n)
{
	spin_lock(&n->queue_lock);
	bool room = n->dead || !full_locked(n);

	spin_unlock(&n->queue_lock);
	return room;
}

/* To another socket; waits for room. */
static s64 to_peer(struct netlink_peer *from, struct netlink_data *d, u32 portid, const struct netlink_item *as, u32 flags)
{
	u64 deadline = sock_deadline(from->sock.sndtimeo_ns, flags & MSG_DONTWAIT);
	struct netlink_peer *to = netlink_find(from->sock.protocol, portid);
	s64 err;

	if (!to)
		return -ECONNREFUSED;
	if (to->connected && to->dst_portid != from->portid) {
		netlink_put(to);
		return -ECONNREFUSED;
	}
	while ((err = netlink_enqueue(to, d, as)) == -EAGAIN && deadline) {
		err = wait_event_interruptible_until(&to->sock.waitq, has_room(to), deadline);
		if (err) {
			err = sock_wait_error((int)err, from->sock.sndtimeo_ns);
			break;
		}
	}
	netlink_put(to);
	return err ? err : d->len;
}

/* To all members of as->group but the sender itself, and but @portid, which gets its own; 0: none who have no port. */
static void to_group(struct netlink_peer *from, struct netlink_data *d, const struct netlink_item *as, u32 portid)
{
	struct netlink_peer *n;

	spin_lock(&netlink_lock);
	list_for_each_entry(n, &netlink_socks[from->sock.protocol], node)
		if (n != from && n->portid != portid && n->groups & BIT(as->group - 1) && netlink_enqueue(n, d, as))
			netlink_overrun(n);
	spin_unlock(&netlink_lock);
}

/* Where a message goes: as it says, or where the socket is connected to. */
static int destination(struct netlink_peer *n, const struct sock_msg *m, u32 *portid, u32 *group)
{
	struct sockaddr_nl nl;

	if (!m->addr || !m->addr->len) {
		spin_lock(&netlink_lock);
		*portid = n->dst_portid;
		*group = n->dst_group;
		spin_unlock(&netlink_lock);
		return 0;
	}
	if (m->addr->len < sizeof(nl))
		return -EINVAL;
	memcpy(&nl, m->addr->bytes, sizeof(nl));
	if (nl.nl_family != AF_NETLINK)
		return -EINVAL;
	*portid = nl.nl_pid;
	*group = (u32)__builtin_ffs((int)nl.nl_groups);
	return (*portid || *group) && !netlink_may(n, NETLINK_ANYBODY_SENDS) ? -EPERM : 0;
}

static s64 send_data(struct netlink_peer *n, struct netlink_data *d, u32 portid, struct netlink_item *as, u32 flags)
{
	if (as->group && as->group <= n->kernel->groups)
		to_group(n, d, as, portid);
	as->group = 0;
	return portid ? to_peer(n, d, portid, as, flags) : netlink_to_kernel(n, d);
}

s64 netlink_sendmsg(struct socket *s, struct sock_msg *m)
{
	struct netlink_peer *n = netlink_of(s);
	u64 len = iter_left(m->iter);
	struct scm scm;
	u32 portid, group;
	s64 err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (!len)
		return -ENODATA;
	err = scm_send(s, m, &scm);
	if (!err)
		err = destination(n, m, &portid, &group);
	if (!err)
		err = netlink_autobind(n);
	if (!err && len + DATAGRAM_RESERVE > s->sndbuf)
		err = -EMSGSIZE;
	if (err)
		return err;
	struct netlink_data *d = netlink_data_new((u32)len, ALLOC_KERNEL);

	if (!d)
		return -ENOBUFS;
	d->len = (u32)len;
	if (!scm.creds.pid)
		scm_fill_creds(&scm.creds);
	struct netlink_item as = { .portid = n->portid, .group = group, .creds = scm.creds };

	err = iter_get(m->iter, d->bytes, len) == len ? send_data(n, d, portid, &as, m->flags) : -EFAULT;
	netlink_data_put(d);
	return err;
}

/* ---- receiving ---- */

/* The first datagram, or what a peek needs of it. Return: false: there is none */
static bool take(struct netlink_peer *n, bool peek, struct netlink_item *out)
{
	struct netlink_item *it = NULL;

	spin_lock(&n->queue_lock);
	if (!list_empty(&n->queue)) {
		it = list_first_entry(&n->queue, struct netlink_item, node);
		*out = *it;
		if (peek) {
			atomic_inc(&it->data->refs);
		} else {
			list_del(&it->node);
			n->rmem -= it->charge;
		}
	}
	if (list_empty(&n->queue))
		n->congested = false;
	spin_unlock(&n->queue_lock);
	if (it && !peek)
		kfree(it);
	return it;
}

static int wait_datagram(struct netlink_peer *n, u64 deadline)
{
	struct socket *s = &n->sock;
	int err = sock_take_error(s);

	if (err)
		return err;
	if (!deadline)
		return -EAGAIN;
	err = wait_event_interruptible_until(&s->waitq, !list_empty(&n->queue) || atomic_load(&s->error), deadline);
	return err ? sock_wait_error(err, s->rcvtimeo_ns) : 0;
}

static void tell(struct netlink_peer *n, struct sock_msg *m, const struct netlink_item *it)
{
	struct scm scm = { .creds = it->creds };

	if (m->addr) {
		struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_pid = it->portid };

		nl.nl_groups = it->group && it->group <= 32 ? 1u << (it->group - 1) : 0;
		memcpy(m->addr->bytes, &nl, sizeof(nl));
		m->addr->len = sizeof(nl);
	}
	if (atomic_load(&n->flags) & NLF_PKTINFO) {
		struct nl_pktinfo info = { .group = it->group };

		sock_cmsg_put(m, SOL_NETLINK, NETLINK_PKTINFO, &info, sizeof(info));
	}
	scm_recv(&n->sock, m, &scm);
}

s64 netlink_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct netlink_peer *n = netlink_of(s);
	u64 deadline = sock_deadline(s->rcvtimeo_ns, m->flags & MSG_DONTWAIT);
	struct netlink_item it = { .data = NULL };
	s64 result;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	/* An overrun is told before what was queued ahead of it, so that a reader knows at once. */
	int err = sock_take_error(s);

	while (!err && !take(n, m->flags & MSG_PEEK, &it))
		err = wait_datagram(n, deadline);
	if (err)
		return err;
	u32 len = it.len, room = (u32)MIN(iter_left(m->iter), (u64)~0u), take_len = MIN(room, len);

	if (room > atomic_load(&n->recv_max))
		__atomic_store_n(&n->recv_max, room, __ATOMIC_RELAXED);
	if (take_len < len)
		m->flags_out |= MSG_TRUNC;
	result = iter_put(m->iter, it.data->bytes, take_len) == take_len ? take_len : -EFAULT;
	if (result >= 0) {
		tell(n, m, &it);
		if (m->flags & MSG_TRUNC)
			result = len;
	}
	netlink_data_put(it.data);
	if (waitq_active(&s->waitq))
		waitq_wake(&s->waitq, 0, EPOLLOUT | EPOLLWRNORM);
	netlink_dump_more(n);
	return result;
}
