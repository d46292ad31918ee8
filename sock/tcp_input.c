/*
 * Segments and ICMP errors that come in: checks, whose they are, the answer to what is nobody's.
 *
 * Source: RFC 9293 sections 3.1, 3.10.7; RFC 5927 and RFC 1122 4.2.3.9 (ICMP errors); RFC 5482.
 */
#include <linux/errno.h>
#include "kern/timer.h"
#include "net/checksum.h"
#include "net/device.h"
#include "net/stats.h"
#include "sock/tcp.h"
#include "vfs/poll.h"

enum { HEADER = 20 };

static bool checksum_good(const struct packet *p, const struct ip_rx *ip)
{
	u32 sum = csum_pseudo(&ip->src, &ip->dst, IPPROTO_TCP, p->len);

	return p->csum != CSUM_NONE || csum_fold(packet_csum_bits(p, 0, p->len, sum)) == 0xffff;
}

/* Read the header and take it off. Return: false: it is none */
static bool parse(struct packet *p, const struct ip_rx *ip, struct tcp_segment *s, struct net_endpoint *name)
{
	if (!packet_pull(p, HEADER))
		return false;
	u32 header = (p->data[12] >> 4) * 4u;

	if (header < HEADER || !packet_pull(p, header))
		return false;
	if (!checksum_good(p, ip)) {
		TCP_COUNT(CSUMERRORS);
		return false;
	}
	const u8 *h = p->data;

	*name = (struct net_endpoint){
		.local = ip->dst, .remote = ip->src, .lport = get_be16(h + 2), .rport = get_be16(h), .protocol = IPPROTO_TCP, .ifindex = ip->dev->ifindex,
	};
	*s = (struct tcp_segment){
		.seq = get_be32(h + 4), .ack = get_be32(h + 8), .len = p->len - header, .flags = h[13], .window = get_be16(h + 14),
		.urgent = get_be16(h + 18), .ce = (ip->tos & 3) == 3, .ect = ip->tos & 3, .segs = 1,
	};
	s->end = s->seq + s->len + (s->flags & TH_SYN ? 1 : 0) + (s->flags & TH_FIN ? 1 : 0);
	if (p->gso != GSO_NONE && p->gso_size)
		s->segs = (u16)MAX((s->len + p->gso_size - 1) / p->gso_size, 1u);
	tcp_options_parse(&s->opt, h + HEADER, header - HEADER, s->flags & TH_SYN);
	packet_drop_front(p, header);
	return true;
}

/* The packet itself carries what the machine's queues link. The sender is let go: from here it is the receiver's. */
static void make_rx(struct packet *p, struct tcp_segment *s)
{
	struct tcp_rx *rx = packet_cb(p, struct tcp_rx);

	packet_orphan(p);
	memset(rx, 0, sizeof(*rx));
	rx->memory = p->memory;
	s->rx = rx;
}

static void reset(const struct net_endpoint *name, const struct tcp_segment *s)
{
	struct tcp_out o;

	if (!tcp_reset_for(s, &o))
		return;
	TCP_COUNT(OUTRSTS);
	tcp_send_loose(name, &o, 0);
}

/* TCP as a whole has no memory left: only those that hold next to nothing may queue more; of the rest the ACK alone is taken. */
static void refuse_data(struct tcp_sock *ts, struct tcp_segment *s)
{
	if (!s->len || !tcp_memory_over() || ts->conn.rcv_memory < tcp_config.rmem[0])
		return;
	TCP_COUNT_MORE(TCPRCVQDROP);
	s->len = 0;
	s->flags &= (u8)~(TH_FIN | TH_PSH | TH_URG);
	s->end = s->seq + (s->flags & TH_SYN ? 1 : 0);
}

/* Return: false: the socket has another name by now: look again. Else *kept says whether the packet is the machine's */
static bool to_connection(struct tcp_sock *ts, struct tcp_segment *s, bool *kept)
{
	u64 now = plat_mono_ns();

	tcp_sock_lock(ts);
	bool there = ts->entry.hashed;

	if (there) {
		atomic_store(&ts->inet.sock.incoming_cpu, (s32)plat_cpu_id());
		refuse_data(ts, s);
		tcp_input(&ts->conn, s, now);
		*kept = s->rx_kept;
	}
	tcp_sock_unlock(ts, now);
	return there;
}

/* To the connection, request or TIME_WAIT of this name. Return: 1: look again; 0: done; -1: nobody's; -2: the same, no RST. *isn: for a listener */
static int to_entry(struct tcp_entry *e, struct packet *p, struct tcp_segment *s, u32 *isn, bool *kept)
{
	bool again = false, mine;

	switch (e->kind) {
	case TCP_ENTRY_CONN:
		return !to_connection(tcp_of_entry(e), s, kept);
	case TCP_ENTRY_REQUEST:
		mine = tcp_request_segment(container_of(e, struct tcp_request_sock, entry), p, s, &again);
		*kept = s->rx_kept;
		return again ? 1 : mine ? 0 : -1;
	default:
		switch (tcp_wait_segment(container_of(e, struct tcp_timewait_sock, entry), s, isn)) {
		case TW_NEW: return -2;
		case TW_RESET: return -1;
		default: return 0;
		}
	}
}

static struct tcp_sock *find_listener(const struct net_endpoint *n)
{
	struct net_endpoint *ep = port_lookup(&tcp_ports, &n->remote, n->rport, &n->local, n->lport, n->ifindex, true);

	return ep ? container_of(container_of(ep, struct inet_sock, ep), struct tcp_sock, inet) : NULL;
}

static void to_listener(const struct net_endpoint *name, struct packet *p, struct tcp_segment *s, const struct ip_rx *ip, u32 isn)
{
	struct tcp_sock *l = find_listener(name);

	if (!l || !tcp_entry_hold(&l->entry)) {
		reset(name, s);
		return;
	}
	if (!tcp_listen_input(l, p, s, ip, name, isn))
		reset(name, s);
	tcp_sock_put(l);
}

/* Consumes. */
static void dispatch(struct packet *p, struct tcp_segment *s, const struct net_endpoint *name, const struct ip_rx *ip)
{
	bool kept = false;
	u32 isn = 0;
	int verdict;

	do {
		struct tcp_entry *e = tcp_table_find(&name->local, name->lport, &name->remote, name->rport, name->ifindex);

		if (!e) {
			to_listener(name, p, s, ip, isn);
			kept = s->rx_kept;
			break;
		}
		verdict = to_entry(e, p, s, &isn, &kept);
		tcp_entry_put(e);
		if (verdict == -1)
			reset(name, s);
	} while (verdict == 1 || verdict == -2);
	if (!kept)
		packet_free(p);
}

static void rx(struct packet *p, const struct ip_rx *ip)
{
	struct net_endpoint name;
	struct tcp_segment s;

	TCP_COUNT(INSEGS);
	if (ip->kind != IP_DST_LOCAL || p->type != PACKET_TO_HOST) {
		packet_free(p);
		return;
	}
	if (!parse(p, ip, &s, &name)) {
		TCP_COUNT(INERRS);
		packet_free(p);
		return;
	}
	make_rx(p, &s);
	dispatch(p, &s, &name, ip);
}

/* ---- ICMP errors ---- */

/* An error about the bytes at @seq; it must lie in what is outstanding, or it is made up (RFC 5927). */
static void error_to(struct tcp_sock *ts, u32 seq, const struct ip_error *e, u64 now)
{
	struct tcp_conn *c = &ts->conn;

	if (c->state == TCP_CLOSE || !seq_between(seq, c->snd_una, c->snd_nxt)) {
		TCP_COUNT_MORE(OUTOFWINDOWICMPS);
		return;
	}
	if (e->is_pmtu) {
		ts->inet.dst.generation = 0;
		if (ts->inet.pmtu != IP_PMTUDISC_DONT && !tcp_sock_route(ts))
			tcp_pmtu_reduced(c, ts->inet.dst.mtu, now);
		return;
	}
	if (tcp_in_states(c, TCP_STATE_BIT(TCP_SYN_SENT) | TCP_STATE_BIT(TCP_SYN_RECV)) && e->hard)
		tcp_abort(c, e->error, now);
	else
		c->error_soft = e->error;
}

static void rx_error(struct packet *p, const struct ip_rx *sent, const struct ip_error *e)
{
	u16 lport = get_be16(p->data), rport = get_be16(p->data + 2);
	u32 seq = get_be32(p->data + 4);
	struct tcp_entry *found = tcp_table_find(&sent->src, lport, &sent->dst, rport, sent->dev->ifindex);

	if (!found || !e->error) {
		if (found)
			tcp_entry_put(found);
		return;
	}
	if (found->kind == TCP_ENTRY_CONN) {
		struct tcp_sock *ts = tcp_of_entry(found);
		u64 now = plat_mono_ns();

		tcp_sock_lock(ts);
		if (found->hashed)
			error_to(ts, seq, e, now);
		tcp_sock_unlock(ts, now);
	}
	tcp_entry_put(found);
}

void tcp_input_init(void)
{
	static const struct ip_protocol proto = { .protocol = IPPROTO_TCP, .rx = rx, .error = rx_error, .v4 = true, .v6 = true };

	ip_protocol_register(&proto);
}
