/*
 * AF_PACKET: frames of devices, with their link header (SOCK_RAW) or without (SOCK_DGRAM).
 *
 * Departures: no rings to send by, no fanout, no SOCK_PACKET; memberships but PROMISC and ALLMULTI are refused, as devices have no lists of
 * addresses.
 *
 * Locks: k->lock (RANK_SOCK, sleeping) binding and memberships; k->queue_lock (RANK_NET_LEAF) the queue: frames come with all sorts of
 * locks of net/ held.  References: the file's one; the struct goes after a grace period.
 * Source: packet(7).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <asm/ioctls.h>
#include "base/printf.h"
#include "kern/cred.h"
#include "kern/mutex.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "mm/user.h"
#include "net/context.h"
#include "net/device.h"
#include "net/rtnl.h"
#include "net/tap.h"
#include "sock/internal.h"
#include "sock/packet_ring.h"
#include "vfs/poll.h"
#include "vfs/procfs.h"

enum { MEMBERS_MAX = 20, FRAME_ROOM = 2048 };

/* A device of which the socket wants more than comes by itself. */
struct member {
	u32 ifindex;			/* 0: free */
	u16 type;
	u32 count;
};

/* Locks: k lock · q queue_lock · a atomic · I immutable */
struct packet_sock {
	struct socket sock;		/* first */
	struct mutex lock;
	struct packet_tap tap;		/* [k] */
	bool tapped;			/* [k] the tap is in the list */
	be16 protocol;			/* [k, read anywhere] 0: none */
	u32 ifindex;			/* [k, read anywhere] 0: all devices; ~0: it is gone */
	struct member members[MEMBERS_MAX];	/* [k] */
	u32 uid;			/* [I] */
	bool auxdata, orig_dev, ignore_outgoing;	/* [a] */
	u32 version;			/* [k] PACKET_VERSION */
	struct packet_ring *ring;	/* [k, q] NULL: frames go to the queue */
	u32 reserve;			/* [k] PACKET_RESERVE */

	struct spinlock queue_lock;
	struct list_head queue;		/* [q] packets */
	u32 rmem;			/* [q, read anywhere] */
	u32 seen, dropped;		/* [q] PACKET_STATISTICS, since last asked */
	struct list_head node;		/* [socks_lock] */
	struct rcu_head rcu;
};

/* In the control block of a queued packet. */
struct frame_cb {
	u32 ifindex, len, wire_len;	/* len: of the whole; wire_len: as it was on the link */
	u16 hatype, net_offset;
	be16 protocol;
	u8 type, halen, csum;
	u8 addr[8];
};

static LIST_HEAD(socks);		/* [socks_lock] */
static struct spinlock socks_lock = SPINLOCK_INIT(RANK_SOCK_SPIN);

static struct packet_sock *packet_of(struct socket *s) { return container_of(s, struct packet_sock, sock); }

/* ---- receiving ---- */

/* Without the link header for SOCK_DGRAM, with it for SOCK_RAW. */
static struct packet *copy_of(const struct packet_sock *k, const struct packet *p)
{
	u32 header = p->mac_off == PACKET_NO_OFFSET ? 0 : (u32)(p->data - packet_mac(p));
	struct packet *copy = packet_clone(p, ALLOC_ATOMIC);

	if (copy && k->sock.type == SOCK_RAW)
		packet_push(copy, header);
	return copy;
}

static struct sockaddr_ll address_of(const struct frame_cb *cb)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = cb->protocol, .sll_ifindex = (int)cb->ifindex, .sll_hatype = cb->hatype,
		.sll_pkttype = cb->type, .sll_halen = cb->halen,
	};

	memcpy(ll.sll_addr, cb->addr, sizeof(ll.sll_addr));
	return ll;
}

static u32 status_of(const struct frame_cb *cb)
{
	if (cb->csum == CSUM_PARTIAL)
		return TP_STATUS_CSUMNOTREADY;
	return cb->type != PACKET_GOING_OUT && cb->csum == CSUM_GOOD ? TP_STATUS_CSUM_VALID : 0;
}

/* queue_lock held, for both. Return: whether there was room */
static bool to_queue(struct packet_sock *k, struct packet *p, const struct frame_cb *cb)
{
	if (k->rmem + p->memory > k->sock.rcvbuf + (u32)sizeof(struct packet))
		return false;
	packet_trim(p, cb->len);
	*packet_cb(p, struct frame_cb) = *cb;
	k->rmem += p->memory;
	list_add_tail(&p->node, &k->queue);
	return true;
}

static bool to_ring(struct packet_sock *k, const struct packet *p, const struct frame_cb *cb)
{
	struct packet_ring_info info = {
		.from = address_of(cb), .wire_len = cb->wire_len, .snaplen = cb->len, .link_header = cb->net_offset,
		.status = status_of(cb) | (k->dropped ? TP_STATUS_LOSING : 0), .wall_ns = plat_mono_ns() + (u64)clock_realtime_offset_ns(),
	};

	return packet_ring_add(k->ring, p, &info);
}

static void rx(struct packet_tap *t, const struct packet *p)
{
	struct packet_sock *k = container_of(t, struct packet_sock, tap);
	u32 header = p->mac_off == PACKET_NO_OFFSET ? 0 : (u32)(p->data - packet_mac(p));

	if (p->type == PACKET_GOING_OUT && k->ignore_outgoing)
		return;
	struct packet *copy = copy_of(k, p);
	u32 wanted = copy ? sock_filter_packet(&k->sock, copy) : 0;

	if (copy && !wanted) {
		packet_free(copy);
		return;
	}
	struct frame_cb cb = {
		.ifindex = p->dev->ifindex, .hatype = p->dev->type, .protocol = p->protocol, .type = p->type, .csum = p->csum, .halen = p->dev->addr_len,
		.net_offset = k->sock.type == SOCK_RAW ? (u16)header : 0, .wire_len = p->len + (k->sock.type == SOCK_RAW ? header : 0), .len = wanted,
	};

	if (header >= 2 * ETH_ALEN)
		memcpy(cb.addr, packet_mac(p) + ETH_ALEN, ETH_ALEN);
	spin_lock(&k->queue_lock);
	bool ring = k->ring, room = copy && (ring ? to_ring(k, copy, &cb) : to_queue(k, copy, &cb));

	k->seen += room;
	k->dropped += !room;
	spin_unlock(&k->queue_lock);
	if (room)
		wake_up_poll(&k->sock.waitq, EPOLLIN | EPOLLRDNORM);
	if (ring || !room)
		packet_free(copy);
}

/* The first frame, or a copy of it. NULL: there is none; ERR_PTR(-ENOMEM): of a peek */
static struct packet *take(struct packet_sock *k, bool peek)
{
	struct packet *p = NULL;

	spin_lock(&k->queue_lock);
	if (!list_empty(&k->queue)) {
		p = list_first_entry(&k->queue, struct packet, node);
		if (!peek) {
			list_del_init(&p->node);
			k->rmem -= p->memory;
		} else if (!(p = packet_clone(p, ALLOC_ATOMIC))) {
			p = ERR_PTR(-ENOMEM);
		}
	}
	spin_unlock(&k->queue_lock);
	return p;
}

static int wait_frame(struct packet_sock *k, u64 deadline)
{
	struct socket *s = &k->sock;
	int err = sock_take_error(s);

	if (err)
		return err;
	if (!deadline)
		return -EAGAIN;
	err = wait_event_interruptible_until(&s->waitq, !list_empty(&k->queue) || atomic_load(&s->error), deadline);
	return err ? sock_wait_error(err, s->rcvtimeo_ns) : 0;
}

static void tell(struct packet_sock *k, struct sock_msg *m, const struct frame_cb *cb)
{
	if (m->addr) {
		struct sockaddr_ll ll = address_of(cb);

		memcpy(m->addr->bytes, &ll, sizeof(ll));
		m->addr->len = offsetof(struct sockaddr_ll, sll_addr) + MAX((u32)cb->halen, 8u);
	}
	if (k->auxdata) {
		struct tpacket_auxdata aux = {
			.tp_status = TP_STATUS_USER | status_of(cb), .tp_len = cb->wire_len, .tp_snaplen = cb->len, .tp_net = cb->net_offset,
		};

		sock_cmsg_put(m, SOL_PACKET, PACKET_AUXDATA, &aux, sizeof(aux));
	}
}

static s64 recvmsg(struct socket *s, struct sock_msg *m)
{
	struct packet_sock *k = packet_of(s);
	u64 deadline = sock_deadline(s->rcvtimeo_ns, m->flags & MSG_DONTWAIT);
	struct packet *p;

	if (m->flags & ~(u32)(MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC | MSG_ERRQUEUE))
		return -EINVAL;
	if (m->flags & MSG_ERRQUEUE)
		return -EAGAIN;
	while (!(p = take(k, m->flags & MSG_PEEK))) {
		int err = wait_frame(k, deadline);

		if (err)
			return err;
	}
	if (IS_ERR(p))
		return PTR_ERR(p);
	struct frame_cb cb = *packet_cb(p, struct frame_cb);
	u32 n = (u32)MIN(iter_left(m->iter), (u64)p->len);
	s64 result = m->flags & MSG_TRUNC ? p->len : n;

	if (n < p->len)
		m->flags_out |= MSG_TRUNC;
	if (packet_to_iter(p, 0, m->iter, n) < n)
		result = -EFAULT;
	else
		tell(k, m, &cb);
	packet_free(p);
	return result;
}

/* ---- sending ---- */

/* Where to: as the message says, or where the socket is bound to. */
static int destination(const struct packet_sock *k, const struct sock_msg *m, struct sockaddr_ll *to)
{
	*to = (struct sockaddr_ll){ .sll_ifindex = (int)READ_ONCE(k->ifindex), .sll_protocol = READ_ONCE(k->protocol) };
	if (!m->addr || !m->addr->len)
		return 0;
	if (m->addr->len < sizeof(*to))
		return -EINVAL;
	memcpy(to, m->addr->bytes, sizeof(*to));
	return 0;
}

static int check(const struct packet_sock *k, const struct net_device *dev, u64 n)
{
	bool raw = k->sock.type == SOCK_RAW;

	if (!dev)
		return -ENXIO;
	if (!device_is_up(dev))
		return -ENETDOWN;
	if (raw && n < dev->header_len)
		return -EINVAL;
	return n > dev->mtu + (raw ? dev->header_len : 0ull) ? -EMSGSIZE : 0;
}

/* Consumes @p. */
static int transmit(struct packet_sock *k, struct packet *p, struct net_device *dev, const struct sockaddr_ll *to, bool named)
{
	u32 header = dev->header_len;
	int err = 0;

	p->dev = dev;
	p->protocol = to->sll_protocol;
	p->priority = k->sock.priority;
	p->mark = k->sock.mark;
	if (k->sock.type == SOCK_RAW) {
		packet_mark_mac(p);
		if (!packet_pull(p, header))
			err = -EINVAL;
		if (!err && !p->protocol && header == ETH_HLEN)
			memcpy(&p->protocol, p->data + 2 * ETH_ALEN, sizeof(p->protocol));
		if (!err)
			p->net_off = (u16)(p->mac_off + header);
	} else {
		packet_mark_net(p);
		err = dev->link ? dev->link->build(p, dev, p->protocol, named && to->sll_halen ? to->sll_addr : NULL, NULL) : 0;
	}
	if (!err)
		return device_xmit(p);
	packet_free(p);
	return err;
}

static s64 sendmsg(struct socket *s, struct sock_msg *m)
{
	struct packet_sock *k = packet_of(s);
	bool named = m->addr && m->addr->len;
	u64 n = iter_left(m->iter);
	struct sockaddr_ll to;
	int err = destination(k, m, &to);

	if (err)
		return err;
	rcu_read_lock();
	struct net_device *dev = device_by_index((u32)to.sll_ifindex);

	if (dev)
		device_get(dev);
	rcu_read_unlock();
	err = check(k, dev, n);
	struct packet *p = err ? NULL : packet_alloc((u32)MIN(n, (u64)FRAME_ROOM), ALLOC_KERNEL);

	if (!err && !p)
		err = -ENOBUFS;
	if (!err) {
		err = packet_from_iter(p, m->iter, (u32)n);
		if (err) {
			packet_free(p);
		} else {
			net_enter();
			err = transmit(k, p, dev, &to, named);
			net_leave();
		}
	}
	if (dev)
		device_put(dev);
	return err ? err : (s64)n;
}

/* ---- binding ---- */

/* k->lock held: hear of @protocol on @ifindex from now on. */
static void hook_locked(struct packet_sock *k, be16 protocol, u32 ifindex)
{
	if (k->tapped) {
		tap_remove(&k->tap);
		k->tapped = false;
		synchronize_rcu();		/* the node is used again */
	}
	WRITE_ONCE(k->protocol, protocol);
	WRITE_ONCE(k->ifindex, ifindex);
	if (!protocol || ifindex == ~0u)
		return;
	k->tap.type = protocol;
	k->tap.ifindex = ifindex;
	k->tapped = true;
	tap_add(&k->tap);
}

static int bind(struct socket *s, const struct sock_addr *a)
{
	struct packet_sock *k = packet_of(s);
	struct sockaddr_ll ll;
	bool up = true;
	int err = 0;

	if (a->len < sizeof(ll) || a->family != AF_PACKET)
		return -EINVAL;
	memcpy(&ll, a->bytes, sizeof(ll));
	mutex_lock(&k->lock);
	rtnl_lock();
	if (ll.sll_ifindex) {
		const struct net_device *dev = device_by_index((u32)ll.sll_ifindex);

		err = dev ? 0 : -ENODEV;
		up = dev && device_is_up(dev);
	}
	rtnl_unlock();
	if (!err)
		hook_locked(k, ll.sll_protocol ? ll.sll_protocol : k->protocol, (u32)ll.sll_ifindex);
	mutex_unlock(&k->lock);
	if (!err && !up)
		sock_set_error(s, ENETDOWN);
	return err;
}

static int getname(struct socket *s, struct sock_addr *out, bool peer)
{
	struct packet_sock *k = packet_of(s);
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_ifindex = (int)READ_ONCE(k->ifindex), .sll_protocol = READ_ONCE(k->protocol) };

	if (peer)
		return -EOPNOTSUPP;
	rcu_read_lock();
	const struct net_device *dev = device_by_index((u32)ll.sll_ifindex);

	if (dev) {
		ll.sll_hatype = dev->type;
		ll.sll_halen = dev->addr_len;
		memcpy(ll.sll_addr, dev->addr, MIN((u32)dev->addr_len, 8u));
	}
	rcu_read_unlock();
	memcpy(out->bytes, &ll, sizeof(ll));
	out->len = offsetof(struct sockaddr_ll, sll_addr) + ll.sll_halen;
	return 0;
}

/* ---- memberships ---- */

/* [rtnl] One more, or one fewer, of @type on @dev. */
static void count_member(struct net_device *dev, u16 type, int by)
{
	if (type == PACKET_MR_PROMISC)
		device_promiscuity(dev, by);
	else
		device_allmulti(dev, by);
}

static int membership_locked(struct packet_sock *k, struct net_device *dev, u16 type, bool add)
{
	struct member *free_slot = NULL;

	for (u32 i = 0; i < MEMBERS_MAX; i++) {
		struct member *m = &k->members[i];

		if (!m->ifindex) {
			free_slot = m;
		} else if (m->ifindex == dev->ifindex && m->type == type) {
			if (add) {
				m->count++;
			} else if (!--m->count) {
				m->ifindex = 0;
				count_member(dev, type, -1);
			}
			return 0;
		}
	}
	if (!add)
		return 0;
	if (!free_slot)
		return -ENOBUFS;
	*free_slot = (struct member){ dev->ifindex, type, 1 };
	count_member(dev, type, 1);
	return 0;
}

static int membership(struct packet_sock *k, const void *value, u32 len, bool add)
{
	struct packet_mreq r;

	if (len < sizeof(r))
		return -EINVAL;
	memcpy(&r, value, sizeof(r));
	mutex_lock(&k->lock);
	rtnl_lock();
	struct net_device *dev = device_by_index((u32)r.mr_ifindex);
	int err = add ? -ENODEV : 0;		/* what is not there can always be dropped */

	if (dev && (r.mr_type == PACKET_MR_PROMISC || r.mr_type == PACKET_MR_ALLMULTI))
		err = membership_locked(k, dev, r.mr_type, add);
	else if (dev)
		err = -EOPNOTSUPP;
	rtnl_unlock();
	mutex_unlock(&k->lock);
	return err;
}

static void drop_members(struct packet_sock *k)
{
	rtnl_lock();
	for (u32 i = 0; i < MEMBERS_MAX; i++) {
		struct net_device *dev = k->members[i].ifindex ? device_by_index(k->members[i].ifindex) : NULL;

		if (dev)
			count_member(dev, k->members[i].type, -1);
	}
	rtnl_unlock();
}

/* ---- the ring ---- */

/* Put @ring (NULL: none) in its place; nothing comes in meanwhile. k->lock held. Return: the old one */
static struct packet_ring *exchange_locked(struct packet_sock *k, struct packet_ring *ring)
{
	struct packet_ring *old = k->ring;
	LIST_HEAD(gone);

	spin_lock(&k->queue_lock);
	k->ring = ring;
	list_splice_init(&k->queue, &gone);
	k->rmem = 0;
	spin_unlock(&k->queue_lock);
	packet_free_list(&gone);
	return old;
}

static int ring_locked(struct packet_sock *k, const struct tpacket_req *req)
{
	struct packet_ring *ring = NULL, *old;

	if (k->ring && packet_ring_mapped(k->ring))
		return -EBUSY;
	if (req->tp_block_nr) {
		if (k->ring)
			return -EBUSY;
		ring = packet_ring_new(req, k->version, k->reserve);
		if (IS_ERR(ring))
			return (int)PTR_ERR(ring);
	} else if (req->tp_frame_nr) {
		return -EINVAL;
	}
	old = exchange_locked(k, ring);
	if (old)
		packet_ring_put(old);
	return 0;
}

static int set_ring(struct packet_sock *k, const void *value, u32 len)
{
	struct tpacket_req req;

	if (len < sizeof(req))
		return -EINVAL;
	memcpy(&req, value, sizeof(req));
	mutex_lock(&k->lock);
	int err = ring_locked(k, &req);

	mutex_unlock(&k->lock);
	return err;
}

static int mmap(struct socket *s, struct mm_file *out, u64 len, u64 pgoff)
{
	struct packet_sock *k = packet_of(s);

	mutex_lock(&k->lock);
	int err = k->ring ? packet_ring_mmap(k->ring, out, len, pgoff) : -EINVAL;

	mutex_unlock(&k->lock);
	return err;
}

/* What a ring is made by: not while there is one. */
static int set_ring_option(struct packet_sock *k, u32 *what, u32 v)
{
	mutex_lock(&k->lock);
	int err = k->ring ? -EBUSY : 0;

	if (!err)
		*what = v;
	mutex_unlock(&k->lock);
	return err;
}

/* ---- options ---- */

static int setsockopt(struct socket *s, int level, int name, const void *value, u32 len)
{
	struct packet_sock *k = packet_of(s);
	u32 v;

	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	if (name == PACKET_ADD_MEMBERSHIP || name == PACKET_DROP_MEMBERSHIP)
		return membership(k, value, len, name == PACKET_ADD_MEMBERSHIP);
	if (name == PACKET_RX_RING)
		return set_ring(k, value, len);
	if (name != PACKET_AUXDATA && name != PACKET_ORIGDEV && name != PACKET_IGNORE_OUTGOING && name != PACKET_VERSION && name != PACKET_RESERVE)
		return -ENOPROTOOPT;
	if (len < sizeof(v) || (len != sizeof(v) && (name == PACKET_VERSION || name == PACKET_RESERVE || name == PACKET_IGNORE_OUTGOING)))
		return -EINVAL;
	memcpy(&v, value, sizeof(v));
	switch (name) {
	case PACKET_AUXDATA: k->auxdata = v; return 0;
	case PACKET_ORIGDEV: k->orig_dev = v; return 0;
	case PACKET_IGNORE_OUTGOING:
		if (v > 1)
			return -EINVAL;
		k->ignore_outgoing = v;
		return 0;
	case PACKET_VERSION:
		return packet_ring_header(v) ? set_ring_option(k, &k->version, v) : -EINVAL;
	default:
		return v > 0x7fffffff ? -EINVAL : set_ring_option(k, &k->reserve, v);
	}
}

static void statistics(struct packet_sock *k, struct tpacket_stats *out)
{
	spin_lock(&k->queue_lock);
	*out = (struct tpacket_stats){ .tp_packets = k->seen + k->dropped, .tp_drops = k->dropped };
	k->seen = k->dropped = 0;
	spin_unlock(&k->queue_lock);
}

static int getsockopt(struct socket *s, int level, int name, void *value, u32 *len)
{
	struct packet_sock *k = packet_of(s);
	struct tpacket_stats stats;
	const void *from = &stats;
	u32 v = 0, size = sizeof(v);

	if (level != SOL_PACKET)
		return -ENOPROTOOPT;
	switch (name) {
	case PACKET_STATISTICS:
		statistics(k, &stats);
		size = sizeof(stats);
		break;
	case PACKET_AUXDATA: v = k->auxdata; break;
	case PACKET_ORIGDEV: v = k->orig_dev; break;
	case PACKET_IGNORE_OUTGOING: v = k->ignore_outgoing; break;
	case PACKET_VERSION: v = k->version; break;
	case PACKET_RESERVE: v = k->reserve; break;
	case PACKET_HDRLEN:
		if (*len < sizeof(v))
			return -EINVAL;
		memcpy(&v, value, sizeof(v));		/* a version */
		v = packet_ring_header(v);
		if (!v)
			return -EINVAL;
		break;
	default: return -ENOPROTOOPT;
	}
	if (size == sizeof(v))
		from = &v;
	*len = MIN(*len, size);
	memcpy(value, from, *len);
	return 0;
}

static u32 poll(struct socket *s)
{
	struct packet_sock *k = packet_of(s);
	u32 events = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

	if (atomic_load(&s->error))
		events |= EPOLLERR;
	spin_lock(&k->queue_lock);
	if (k->ring ? packet_ring_readable(k->ring) : !list_empty(&k->queue))
		events |= EPOLLIN | EPOLLRDNORM;
	spin_unlock(&k->queue_lock);
	return events;
}

static s64 ioctl(struct socket *s, u32 cmd, u64 arg)
{
	struct packet_sock *k = packet_of(s);
	int n = 0;

	if (cmd == TIOCOUTQ)
		return put_user(n, uaddr(arg));
	if (cmd != FIONREAD)
		return -ENOTTY;
	spin_lock(&k->queue_lock);
	if (!list_empty(&k->queue))
		n = (int)list_first_entry(&k->queue, struct packet, node)->len;
	spin_unlock(&k->queue_lock);
	return put_user(n, uaddr(arg));
}

/* ---- life ---- */

static void free_rcu(struct rcu_head *h)
{
	struct packet_sock *k = container_of(h, struct packet_sock, rcu);

	packet_free_list(&k->queue);		/* what came in while the tap went */
	if (k->ring)
		packet_ring_put(k->ring);
	kfree(k);
}

static void release(struct socket *s)
{
	struct packet_sock *k = packet_of(s);

	spin_lock(&socks_lock);
	list_del(&k->node);
	spin_unlock(&socks_lock);
	if (k->tapped)
		tap_remove(&k->tap);
	drop_members(k);
	call_rcu(&k->rcu, free_rcu);
}

static const struct socket_ops ops = {
	.release = release, .bind = bind, .getname = getname, .poll = poll, .ioctl = ioctl, .sendmsg = sendmsg, .recvmsg = recvmsg,
	.setsockopt = setsockopt, .getsockopt = getsockopt, .mmap = mmap, .filters = true,
};

static int create(struct socket **out, u32 type, u32 protocol)
{
	struct packet_sock *k;

	if (!capable(CAP_NET_RAW))
		return -EPERM;
	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	k = kzalloc(sizeof(*k), ALLOC_KERNEL);
	if (!k)
		return -ENOMEM;
	socket_init(&k->sock, &ops, AF_PACKET, type, (u16)protocol);
	mutex_init(&k->lock, RANK_SOCK);
	spin_init(&k->queue_lock, RANK_NET_LEAF);
	list_init(&k->queue);
	k->uid = current_cred()->uid;
	k->tap.rx = rx;
	mutex_lock(&k->lock);
	hook_locked(k, (be16)protocol, 0);
	mutex_unlock(&k->lock);
	spin_lock(&socks_lock);
	list_add_tail(&k->node, &socks);
	spin_unlock(&socks_lock);
	*out = &k->sock;
	return 0;
}

/* ---- /proc/net/packet ---- */

enum { SHOWN_MAX = 256, LINE_BYTES = 96 };

/* The text may sleep for memory, so the lines are made first. */
static void show(struct seq *s)
{
	char *lines = kvmalloc(SHOWN_MAX * LINE_BYTES, ALLOC_KERNEL);
	struct packet_sock *k;
	u32 len = 0;

	if (!lines) {
		s->err = -ENOMEM;
		return;
	}
	seq_puts(s, "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
	spin_lock(&socks_lock);
	list_for_each_entry(k, &socks, node)
		if (len + LINE_BYTES < SHOWN_MAX * LINE_BYTES)
			len += (u32)scnprintf(lines + len, LINE_BYTES, "%016llx %-6d %-4d %04x   %-5d %1d %-6u %-6u %-6llu\n", 0ull, 3, k->sock.type,
					      be16_to_cpu(k->protocol), (int)k->ifindex, k->tapped, k->rmem, k->uid, k->sock.ino);
	spin_unlock(&socks_lock);
	seq_write(s, lines, len);
	kvfree(lines);
}

/* A device goes down, or for good: who is bound to it hears of it. */
static void device_event(struct net_device *dev, enum device_event event)
{
	struct packet_sock *k;

	if (event != DEVICE_DOWN && event != DEVICE_UNREGISTERING)
		return;
	spin_lock(&socks_lock);
	list_for_each_entry(k, &socks, node) {
		if (k->ifindex != dev->ifindex)
			continue;
		sock_set_error(&k->sock, ENETDOWN);
		if (waitq_active(&k->sock.waitq))
			waitq_wake(&k->sock.waitq, 0, EPOLLERR | EPOLLIN);
	}
	spin_unlock(&socks_lock);
}

void packet_sockets_init(void)
{
	static const struct socket_family family = { .family = AF_PACKET, .create = create };
	static struct device_listener listener = { .event = device_event };

	sock_register(&family);
	device_listen(&listener);
	proc_add("net/packet", 0444, show);
}
