/*
 * Segments that go out.
 *
 * What is to be sent stands in chunks: runs of pages, each with its place in the stream.  A segment's packet refers to the pages of the chunks that
 * hold its bytes, so that nothing is copied again, for a retransmission either.  Over lo the receiver gets these very pages.  A page is only ever
 * written to beyond what was sent from it.
 *
 * Source: RFC 9293 section 3.1 (header).
 */
#include <linux/errno.h>
#include "kern/assert.h"
#include "kern/random.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "net/checksum.h"
#include "net/stats.h"
#include "sock/tcp.h"

enum { HEADER = 20, HEADER_MAX = 60, CHUNK_ORDER_MAX = 3, CHECKSUM_OFFSET = 16 };

static struct slab_cache *tx_cache, *chunk_cache;

/* ---- chunks ---- */

struct tcp_chunk *tcp_chunk_new(u32 n, u32 flags)
{
	struct tcp_chunk *c = slab_alloc(chunk_cache, flags);
	unsigned order = 0;

	if (!c)
		return NULL;
	while (order < CHUNK_ORDER_MAX && PAGE_SIZE << order < n)
		order++;
	/* Runs of pages may be rare: a single one will do. */
	c->page = order ? page_alloc(order, flags | ALLOC_NOWARN | ALLOC_NOOOM) : NULL;
	if (!c->page) {
		order = 0;
		c->page = page_alloc(0, flags);
	}
	if (!c->page) {
		slab_free(chunk_cache, c);
		return NULL;
	}
	list_init(&c->node);
	c->seq = c->len = 0;
	c->room = (u32)PAGE_SIZE << order;
	return c;
}

void tcp_chunk_free(struct tcp_chunk *c)
{
	page_put(c->page);
	slab_free(chunk_cache, c);
}

static void drop(struct tcp_sock *ts, struct tcp_chunk *c)
{
	if (ts->cursor == c)
		ts->cursor = NULL;
	list_del(&c->node);
	ts->conn.snd_memory -= c->room;
	tcp_chunk_free(c);
}

void tcp_chunks_drop(struct tcp_sock *ts)
{
	u32 una = ts->conn.state == TCP_CLOSE ? ts->conn.write_seq : ts->conn.snd_una;
	struct tcp_chunk *c;

	while ((c = list_first_entry_or_null(&ts->chunks, struct tcp_chunk, node)) != NULL && c != ts->filling &&
	       (seq_at_most(c->seq + c->len, una) || ts->conn.state == TCP_CLOSE))
		drop(ts, c);
}

void tcp_chunks_purge(struct tcp_sock *ts)
{
	struct tcp_chunk *c;

	while ((c = list_first_entry_or_null(&ts->chunks, struct tcp_chunk, node)) != NULL)
		drop(ts, c);
}

/* The chunk that holds the byte at @seq. */
static struct tcp_chunk *chunk_at(struct tcp_sock *ts, u32 seq)
{
	struct tcp_chunk *c = ts->cursor;

	if (!c || seq_before(seq, c->seq))
		c = list_first_entry_or_null(&ts->chunks, struct tcp_chunk, node);
	for (; c; c = list_is_last(&c->node, &ts->chunks) ? NULL : list_next_entry(c, node)) {
		if (seq_before(seq, c->seq + c->len)) {
			ts->cursor = c;
			return c;
		}
	}
	return NULL;
}

/* Refer to the bytes [seq, seq + len). Return: 0, -ENOMEM */
static int add_payload(struct tcp_sock *ts, struct packet *p, u32 seq, u32 len)
{
	while (len) {
		struct tcp_chunk *c = chunk_at(ts, seq);

		assert(c && seq_at_least(seq, c->seq));
		u32 at = seq - c->seq, n = MIN(len, c->len - at);

		page_get(c->page);
		if (!packet_add_frag(p, c->page, at, n)) {
			page_put(c->page);
			return -ENOMEM;
		}
		seq += n;
		len -= n;
	}
	return 0;
}

/* ---- headers ---- */

static void put_header(struct packet *p, const struct net_endpoint *ep, const struct tcp_out *o)
{
	u32 header = HEADER + o->options_len;
	u8 *h = packet_put(p, header);

	put_be16(h, ep->lport);
	put_be16(h + 2, ep->rport);
	put_be32(h + 4, o->seq);
	put_be32(h + 8, o->ack);
	h[12] = (u8)(header / 4 << 4);
	h[13] = o->flags;
	put_be16(h + 14, o->window);
	put_be32(h + 16, o->urgent);		/* checksum 0, and the pointer */
	memcpy(h + HEADER, o->options, o->options_len);
}

/* The checksum is left to the device. */
static void put_checksum(struct packet *p, const struct ip_send *send)
{
	u16 pseudo = csum_fold(csum_pseudo(&send->src, &send->dst, IPPROTO_TCP, p->len));

	memcpy(p->data + CHECKSUM_OFFSET, &pseudo, 2);
	p->csum = CSUM_PARTIAL;
	p->csum_start = (u16)packet_headroom(p);
	p->csum_offset = CHECKSUM_OFFSET;
}

static int emit(struct tcp_conn *c, const struct tcp_out *o)
{
	struct tcp_sock *ts = tcp_sock_of(c);
	struct inet_sock *i = &ts->inet;
	struct ip_send send;
	int err = tcp_sock_route(ts);
	struct packet *p = err ? NULL : packet_alloc(HEADER_MAX, ALLOC_ATOMIC);

	if (!p)
		return err ? err : -ENOMEM;
	put_header(p, &i->ep, o);
	if (o->len)
		err = add_payload(ts, p, o->flags & TH_SYN ? o->seq + 1 : o->seq, o->len);
	if (err) {
		packet_free(p);
		return err;
	}
	inet_send_fill(i, &i->ep.remote, &i->dst, &send);
	send.src = i->ep.local;
	send.no_id = true;
	if (o->ect)
		send.tos = (u8)((send.tos & ~3) | 2);
	put_checksum(p, &send);
	if (o->len > o->mss) {
		p->gso = ip_addr_is_v4(&send.dst) ? GSO_TCP4 : GSO_TCP6;
		p->gso_size = o->mss;
	}
	atomic_inc(&ts->entry.refs);
	atomic_add(&c->queued_bytes, p->memory);
	packet_own(p, ts, tcp_sock_sent, p->memory);
	return ip_output(p, &i->dst, &send);
}

void tcp_send_loose(const struct net_endpoint *ep, const struct tcp_out *o, u8 tos)
{
	struct ip_flow flow = {
		.src = ep->local, .dst = ep->remote, .oif = ep->ifindex, .sport = ep->lport, .dport = ep->rport, .protocol = IPPROTO_TCP, .tos = tos,
	};
	struct ip_send send = { .src = ep->local, .dst = ep->remote, .protocol = IPPROTO_TCP, .tos = tos, .pmtu = IP_PMTUDISC_WANT, .no_id = true };
	struct ip_dst dst;
	struct packet *p = ip_route(&flow, &dst) ? NULL : packet_alloc(HEADER_MAX, ALLOC_ATOMIC);

	if (!p)
		return;
	put_header(p, ep, o);
	put_checksum(p, &send);
	TCP_COUNT(OUTSEGS);
	(void)ip_output(p, &dst, &send);
}

/* ---- the other hooks of the machine ---- */

static struct tcp_tx *tx_alloc(struct tcp_conn *c)
{
	return slab_alloc(tx_cache, ALLOC_ATOMIC);
}

static void tx_free(struct tcp_conn *c, struct tcp_tx *t)
{
	slab_free(tx_cache, t);
}

static void rx_free(struct tcp_conn *c, struct tcp_rx *rx)
{
	packet_free(tcp_rx_packet(rx));
}

static void count(u32 mib, u32 by)
{
	tcp_stats[plat_cpu_id()].more[mib] += by;
}

static void count_tcp(u32 mib, u32 by)
{
	tcp_stats[plat_cpu_id()].tcp[mib] += by;
}

static u32 random(void)
{
	return (u32)random_u64();
}

/* So many challenge ACKs a second in all, the number blurred so that it cannot be counted from outside (RFC 5961, section 7, and CVE-2016-5696). */
static bool challenge_allowed(u64 now_ns)
{
	static u64 second;	/* [a] */
	static u32 left;	/* [a] */
	u32 limit = atomic_load(&tcp_config.challenge_ack_limit);
	u64 s = now_ns / NS_PER_SEC;

	if (limit == 0x7fffffff)
		return true;
	if (atomic_load(&second) != s) {
		u32 half = (limit + 1) / 2;

		atomic_store(&second, s);
		atomic_store(&left, half + (half ? random() % limit : 0));
	}
	u32 n = atomic_load(&left);

	while (n && !try_cmpxchg(&left, &n, n - 1))
		;
	return n;
}

const struct tcp_hooks tcp_sock_hooks = {
	.emit = emit, .tx_alloc = tx_alloc, .tx_free = tx_free, .rx_free = rx_free, .count = count, .count_tcp = count_tcp, .random = random,
	.challenge_allowed = challenge_allowed,
};

void tcp_output_init(void)
{
	tx_cache = slab_create("tcp_tx", sizeof(struct tcp_tx), 0);
	chunk_cache = slab_create("tcp_chunk", sizeof(struct tcp_chunk), 0);
	assert(tx_cache && chunk_cache);
}
