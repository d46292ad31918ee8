/*
 * Ping sockets: ICMP echo without privilege, for groups in net.ipv4.ping_group_range.
 *
 * A socket's port is the identifier of its echoes; answers with that identifier come to it.  Only echo requests may be sent; the kernel fills in
 * identifier and checksum.
 *
 * Source: icmp(7), Linux Documentation/networking/ip-sysctl.rst (ping_group_range); RFC 792.
 */
#include <linux/errno.h>
#include "kern/assert.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "net/checksum.h"
#include "net/context.h"
#include "net/device.h"
#include "net/icmp.h"
#include "net/stats.h"
#include "sock/inet_dgram.h"
#include "vfs/procfs.h"

enum { HEADER = 8, ECHO_REQUEST = 8 };

static u32 group_range[2] = { 1, 0 };	/* [a] net.ipv4.ping_group_range: nobody */
static struct port_table ids;		/* ports are identifiers */
static struct slab_cache *ping_cache;

static void release(struct socket *s)
{
	struct inet_dgram *d = inet_dgram_of(s);

	port_unbind(&ids, &d->inet.ep);
	inet_dgram_close(d);
}

/* ---- names ---- */

static int bind(struct socket *s, const struct sock_addr *a)
{
	struct inet_sock *i = inet_of(s);
	struct ip_addr addr, before;
	u32 scope;
	u16 id;
	int err = inet_addr_parse(i, a, &addr, &id, &scope);

	if (err)
		return err;
	if (a->family == AF_UNSPEC && addr.w[3])
		return -EAFNOSUPPORT;
	if (!i->freebind && !ip_may_bind(&addr, i->ep.ifindex))
		return -EADDRNOTAVAIL;
	spin_lock(&i->lock);
	before = i->ep.local;
	err = i->ep.lport ? -EINVAL : 0;
	if (!err) {
		i->ep.local = addr;
		err = port_bind(&ids, &i->ep, id);
	}
	if (err)
		i->ep.local = i->ep.lport ? i->ep.local : before;
	else
		i->ep.local_chosen = addr.w[3];
	spin_unlock(&i->lock);
	return err;
}

static int autobind(struct inet_sock *i)
{
	spin_lock(&i->lock);
	int err = i->ep.lport ? 0 : port_bind(&ids, &i->ep, 0);

	spin_unlock(&i->lock);
	return err;
}

static int connect(struct socket *s, const struct sock_addr *a, u64 deadline_ns)
{
	struct inet_sock *i = inet_of(s);
	struct ip_addr addr = ip_addr_v4(0);
	struct ip_dst dst = { 0 };
	u16 port = 0;
	u32 scope;
	int err = 0;

	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family != AF_UNSPEC) {
		err = inet_addr_parse(i, a, &addr, &port, &scope);
		if (!err)
			err = inet_route(i, &addr, port, &dst);
		if (!err)
			err = inet_dgram_may_broadcast(i, &dst);
		if (!err)
			err = autobind(i);
	}
	if (err)
		return err;
	spin_lock(&i->lock);
	i->ep.remote = addr;			/* echoes have no port at the far end, whatever the address says */
	if (!i->ep.local_chosen)
		port_set_local(&ids, &i->ep, a->family == AF_UNSPEC ? &addr : &dst.src);
	spin_unlock(&i->lock);
	return 0;
}

/* ---- sending ---- */

/* An echo request, and nothing else; with our identifier and a checksum. */
static int finish(struct packet *p, u16 id)
{
	if (!packet_pull(p, HEADER))
		return -EINVAL;
	if (p->data[0] != ECHO_REQUEST || p->data[1])
		return -EINVAL;
	put_be16(p->data + 4, id);
	memset(p->data + 2, 0, 2);
	be16 sum = csum_finish(packet_csum_bits(p, 0, p->len, 0));

	memcpy(p->data + 2, &sum, 2);
	return 0;
}

static int transmit(struct inet_sock *i, struct packet *p, const struct inet_dgram_route *r)
{
	struct ip_send send;
	struct ip_dst dst;

	net_enter();
	int err = inet_route(i, &r->to, 0, &dst);

	if (!err)
		err = inet_dgram_may_broadcast(i, &dst);
	if (err) {
		packet_free(p);
	} else {
		inet_send_fill(i, &r->to, &dst, &send);
		send.ttl = r->ttl ? r->ttl : send.ttl;
		send.tos = r->tos >= 0 ? (u8)r->tos : send.tos;
		IP4_COUNT(icmp_out);
		IP4_COUNT(icmp_out_type[ECHO_REQUEST]);
		err = ip_output(p, &dst, &send);
	}
	net_leave();
	return err;
}

static s64 sendmsg(struct socket *s, struct sock_msg *m)
{
	struct inet_dgram *d = inet_dgram_of(s);
	struct inet_sock *i = &d->inet;
	struct inet_dgram_route route = { .tos = -1 };
	u64 n = iter_left(m->iter);
	int err;

	if (n > 65535)
		return -EMSGSIZE;
	if (n < HEADER)
		return -EINVAL;
	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	err = inet_dgram_destination4(i, m, &route);
	if (!err)
		err = inet_dgram_control(i, m, &route);
	if (!err)
		err = sock_take_error(s);
	if (!err)
		err = autobind(i);
	if (!err)
		err = inet_dgram_wait_room(i, m->flags);
	if (err)
		return err;
	struct packet *p = inet_dgram_packet(d, m, (u32)n);

	if (IS_ERR(p))
		return PTR_ERR(p);
	err = finish(p, i->ep.lport);
	if (err)
		packet_free(p);
	else
		err = transmit(i, p, &route);
	return err ? err : (s64)n;
}

/* ---- receiving ---- */

static struct inet_dgram *of_endpoint(struct net_endpoint *ep)
{
	return container_of(container_of(ep, struct inet_sock, ep), struct inet_dgram, inet);
}

static void reply(struct packet *p, const struct ip_rx *ip)
{
	struct net_endpoint *ep = port_lookup(&ids, &ip->src, 0, &ip->dst, get_be16(p->data + 4), ip->dev->ifindex, false);

	if (!ep)
		packet_free(p);
	else if (inet_dgram_filter(of_endpoint(ep), p, 1))
		(void)inet_dgram_enqueue(of_endpoint(ep), p, ip, 0);
}

static void error(struct packet *p, const struct ip_rx *what, const struct ip_error *e)
{
	struct net_endpoint *ep = port_lookup(&ids, &what->dst, 0, &what->src, get_be16(p->data + 4), what->dev->ifindex, false);

	if (ep)
		inet_dgram_error(of_endpoint(ep), p, 0, what, e, 0);
}

/* ---- the type ---- */

static const struct socket_ops ops = {
	.release = release, .bind = bind, .connect = connect, .getname = inet_getname, .shutdown = inet_dgram_shutdown, .poll = inet_dgram_poll,
	.ioctl = inet_dgram_ioctl, .sendmsg = sendmsg, .recvmsg = inet_dgram_recvmsg, .setsockopt = inet_dgram_setsockopt, .getsockopt = inet_dgram_getsockopt,
	.filters = true,
};

static bool in_range(u32 gid)
{
	return gid >= atomic_load(&group_range[0]) && gid <= atomic_load(&group_range[1]);
}

static bool may_ping(void)
{
	const struct cred *c = current_cred();

	if (in_range(c->egid))
		return true;
	for (u32 i = 0; c->groups && i < c->groups->count; i++)
		if (in_range(c->groups->gid[i]))
			return true;
	return false;
}

static int create(struct socket **out, bool v6, u32 type, u32 protocol)
{
	if (!may_ping())
		return -EACCES;
	struct inet_dgram *d = inet_dgram_new(ping_cache, sizeof(*d), &ops, v6, type, protocol);

	if (!d)
		return -ENOMEM;
	*out = &d->inet.sock;
	return 0;
}

static void diag_each(bool (*fn)(const struct inet_diag_row *row, void *arg), void *arg)
{
	struct net_endpoint *ep;

	for (u32 i = 0; i < PORT_BUCKETS; i++) {
		hlist_for_each_entry_rcu(ep, &ids.bucket[i].chain, port_node) {
			struct inet_diag_row row = inet_dgram_row(of_endpoint(ep), i);

			row.state = row.remote.w[3] ? 1 : 7;
			if (!fn(&row, arg))
				return;
		}
	}
}

static void show(struct seq *s)
{
	seq_printf(s, "%-127s\n", "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops");
	inet_diag_show(s, diag_each, AF_INET, 5, 127);
}

void ping_init(void)
{
	static struct inet_type ping = { .type = SOCK_DGRAM, .protocol = IPPROTO_ICMP, .v4_only = true, .cap = ~0u, .create = create };
	static const struct icmp_ping_ops ping_ops = { .reply = reply, .error = error };
	static const struct sysctl table[] = {
		{ .path = "net/ipv4/ping_group_range", .kind = SYSCTL_U32_LIST, .mode = 0644, .value = group_range, .size = 2, .max = 0x7fffffff },
	};

	ping_cache = slab_create("ping_sock", sizeof(struct inet_dgram), 0);
	assert(ping_cache);
	port_table_init(&ids);
	inet_register_type(&ping);
	icmp_register_ping(&ping_ops);
	proc_add("net/icmp", 0444, show);
	proc_add_sysctl(table, ARRAY_SIZE(table));
}
