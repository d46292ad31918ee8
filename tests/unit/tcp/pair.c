/* Two machines and a link: see pair.h. */
#include "tests/unit/tcp/pair.h"

static struct pair *running;		/* for the counters, which have no argument */

static u8 byte_at(const struct peer *from, u64 offset)
{
	u64 x = offset * 0x9e3779b97f4a7c15ull + (from->name[0] == 'a' ? 1 : 2);

	return (u8)(x >> 40);
}

/* ---- hooks ---- */

static void fly(struct peer *from, const struct packet_sim *what)
{
	struct pair *p = from->pair;
	struct packet_sim *k = malloc(sizeof(*k) + what->len), *o;

	memcpy(k, what, sizeof(*k) + what->len);
	k->to = from->other;
	k->at_ns = p->now_ns + p->faults.delay_ns;
	if (p->faults.jitter_ns && rng_below(&p->rng, 1000) < p->faults.reorder)
		k->at_ns += rng_below(&p->rng, p->faults.jitter_ns);
	k->order = p->order++;
	list_for_each_entry_reverse(o, &p->flight, node)
		if (o->at_ns <= k->at_ns)
			break;
	list_add(&k->node, &o->node);
}

static void send_piece(struct peer *e, const struct tcp_out *o, u32 off, u32 len, bool last)
{
	struct pair *p = e->pair;
	struct packet_sim *k = calloc(1, sizeof(*k) + len);
	u32 syn = o->flags & TH_SYN ? 1 : 0;

	k->len = len;
	k->seg = (struct tcp_segment){
		.seq = o->seq + off, .ack = o->ack, .len = len, .window = o->window, .urgent = o->urgent, .segs = 1,
		.flags = last ? o->flags : o->flags & (u8)~(TH_FIN | TH_PSH),
	};
	k->seg.end = k->seg.seq + syn + len + (k->seg.flags & TH_FIN ? 1 : 0);
	tcp_options_parse(&k->seg.opt, o->options, o->options_len, syn);
	for (u32 i = 0; i < len; i++)
		k->bytes[i] = byte_at(e, (u64)(u32)(o->seq + syn + off + i - e->c.iss - 1));
	if (p->trace)
		fprintf(stderr, "%12.6f %s seq %u len %u ack %u fl %02x win %u sacks %u\n", (double)p->now_ns / 1e9, e->name, k->seg.seq - e->c.iss, len,
			o->ack - e->other->c.iss, k->seg.flags, o->window, k->seg.opt.sack_count);
	bool down = p->now_ns >= p->faults.down_from_ns && p->now_ns < p->faults.down_to_ns;

	if (down || rng_below(&p->rng, 1000) < p->faults.loss || (p->filter && !p->filter(p, e, k))) {
		e->dropped++;
	} else {
		fly(e, k);
		if (rng_below(&p->rng, 1000) < p->faults.dup)
			fly(e, k);
	}
	free(k);
}

static int hook_emit(struct tcp_conn *c, const struct tcp_out *o)
{
	struct peer *e = (struct peer *)c;

	if (e->emit_fails && rng_below(&e->pair->rng, 1000) < e->emit_fails)
		return -ENOBUFS;
	e->emitted++;
	e->last = *o;
	assert_true(o->len == 0 || (o->mss && o->options_len <= TCP_OPTIONS_MAX));
	assert_true(o->mss + o->options_len + 40u <= e->pair->mtu + 12u || !o->len);
	u32 off = 0;

	do {
		u32 n = o->len - off;

		if (o->mss && n > o->mss)
			n = o->mss;
		send_piece(e, o, off, n, off + n == o->len);
		off += n;
	} while (off < o->len);
	return 0;
}

static struct tcp_tx *hook_tx_alloc(struct tcp_conn *c)
{
	struct peer *e = (struct peer *)c;

	if (e->pair->alloc_fails && rng_below(&e->pair->rng, 20) == 0)
		return NULL;
	e->tx_count++;
	return calloc(1, sizeof(struct tcp_tx));
}

static void hook_tx_free(struct tcp_conn *c, struct tcp_tx *t)
{
	((struct peer *)c)->tx_count--;
	free(t);
}

static void hook_rx_free(struct tcp_conn *c, struct tcp_rx *rx)
{
	((struct peer *)c)->rx_count--;
	free(container_of(rx, struct packet_sim, rx));
}

static void hook_count(u32 mib, u32 by)
{
	if (running)
		running->counts[mib] += by;
}

static void hook_count_tcp(u32 mib, u32 by)
{
}

static u32 hook_random(void)
{
	return running ? (u32)rng_u64(&running->rng) : 4;
}

static const struct tcp_hooks hooks = {
	.emit = hook_emit, .tx_alloc = hook_tx_alloc, .tx_free = hook_tx_free, .rx_free = hook_rx_free, .count = hook_count,
	.count_tcp = hook_count_tcp, .random = hook_random,
};

/* ---- the ends ---- */

static void peer_init(struct pair *p, struct peer *e, struct peer *other, const char *name, const struct tcp_config *cfg)
{
	tcp_conn_init(&e->c, &hooks, cfg);
	e->pair = p;
	e->other = other;
	e->name = name;
	e->read_most = ~0u;
}

void pair_init(struct pair *p, u64 seed)
{
	memset(p, 0, sizeof(*p));
	running = p;
	p->rng.state = seed;
	p->cfg[0] = p->cfg[1] = tcp_config_default;
	p->faults.delay_ns = 10000000;
	p->mtu = 1500;
	p->now_ns = 1000000000;
	list_init(&p->flight);
	peer_init(p, &p->a, &p->b, "a", &p->cfg[0]);
	peer_init(p, &p->b, &p->a, "b", &p->cfg[1]);
	p->b.phase = PEER_LISTEN;
	p->a.phase = PEER_CONN;
}

void pair_start(struct pair *p)
{
	p->a.c.gso_max = p->b.c.gso_max = 16 * 1460;
	tcp_set_mtu(&p->a.c, p->mtu);
	tcp_set_mtu(&p->b.c, p->mtu);
	tcp_connect(&p->a.c, (u32)rng_u64(&p->rng), 0, p->now_ns);
}

/* The user of one end: writes, reads, closes as it was told. */
static void user(struct peer *e)
{
	struct tcp_conn *c = &e->c;
	u64 now = e->pair->now_ns;

	if (e->phase != PEER_CONN || c->state == TCP_SYN_SENT || c->state == TCP_SYN_RECV)
		return;
	if (!e->stops_reading && tcp_readable(c) && e->read_most) {
		u32 n = MIN(tcp_readable(c), e->read_most), done = 0;
		struct tcp_rx *rx;

		list_for_each_entry(rx, &c->rx_queue, node) {
			struct packet_sim *k = container_of(rx, struct packet_sim, rx);

			while (done < n && seq_before(c->copied_seq + done, rx->end)) {
				u32 off = c->copied_seq + done - rx->seq0;

				assert_true(off < k->len);
				if (!e->pair->bytes_unchecked)
					assert_int_equal(k->bytes[off], byte_at(e->other, e->read + done));
				done++;
			}
			if (done == n)
				break;
		}
		assert_int_equal(done, n);
		e->read += n;
		tcp_received(c, c->copied_seq + n, now);
	}
	e->user_ns = tcp_readable(c) && !e->stops_reading ? now + 1000000 : 0;
	if (c->fin_rcvd && !tcp_readable(c))
		e->saw_fin = true;
	while (e->written < e->to_write && !c->shut_snd && c->state != TCP_CLOSE) {
		u32 queued = c->write_seq - c->snd_una, room = c->sndbuf > queued ? c->sndbuf - queued : 0;
		u32 n = (u32)MIN(e->to_write - e->written, (u64)room / 2);

		if (!n)
			break;
		e->written += n;
		tcp_write(c, n, false, false, now);
	}
	if (e->closes && !e->closed && e->written == e->to_write)
		pair_close(e);
}

static void events(struct peer *e)
{
	struct tcp_conn *c = &e->c;
	u32 ev = c->events;

	c->events = 0;
	e->events |= ev;
	if (ev & TCP_EV_TIMEWAIT) {
		tcp_timewait_init(&e->tw, c, e->pair->now_ns);
		e->phase = PEER_TIMEWAIT;
	} else if (ev & TCP_EV_CLOSED && e->phase == PEER_CONN) {
		e->error = c->error;
		e->phase = PEER_GONE;
	}
	/* What had come before the end can still be read. */
	if (ev & TCP_EV_CLOSED) {
		while (tcp_readable(c) && !c->orphan) {
			e->read += tcp_readable(c);
			tcp_received(c, c->rcv_nxt - (c->fin_rcvd ? 1u : 0u), e->pair->now_ns);
		}
		e->saw_fin |= c->fin_rcvd;
	}
}

/* Sum the queues and compare with the counters: the invariants of conn.h. */
void pair_check(struct peer *e)
{
	struct tcp_conn *c = &e->c;
	u32 packets = 0, sacked = 0, lost = 0, retrans = 0, at = c->snd_una, tx = 0, rx_n = 0, mem = 0;
	struct tcp_tx *t;
	struct tcp_rx *rx;

	list_for_each_entry(t, &c->tx_queue, node) {
		assert_true(tx == 0 ? seq_at_most(t->seq, at) : t->seq == at);
		assert_true(seq_before(t->seq, t->end));
		at = t->end;
		packets += t->pcount;
		sacked += t->sacked & TX_SACKED ? t->pcount : 0;
		lost += t->sacked & TX_LOST ? t->pcount : 0;
		retrans += t->sacked & TX_RETRANS ? t->pcount : 0;
		assert_false(t->sacked & TX_SACKED && t->sacked & TX_LOST);
		tx++;
	}
	if (tx)
		assert_true(at == c->snd_nxt);
	assert_int_equal(tx, e->tx_count);
	assert_int_equal(packets, c->packets_out);
	assert_int_equal(lost, c->lost_out);
	assert_int_equal(retrans, c->retrans_out);
	if (c->sack_ok)
		assert_int_equal(sacked, c->sacked_out);
	assert_true(c->sacked_out + c->lost_out <= c->packets_out);
	assert_true(c->cwnd >= 1);
	if (c->packets_out && c->state != TCP_CLOSE)
		assert_true(c->timer_kind != TCP_TIMER_NONE);
	at = c->copied_seq;
	list_for_each_entry(rx, &c->rx_queue, node) {
		assert_true(rx_n || seq_at_most(rx->seq, at));
		assert_true(!rx_n || rx->seq == at);
		at = rx->end;
		mem += rx->memory;
		rx_n++;
	}
	if (rx_n)
		assert_true(at + (c->fin_rcvd ? 1 : 0) == c->rcv_nxt);
	u32 last = c->rcv_nxt;

	for (struct rb_node *n = rb_first(&c->ooo); n; n = rb_next(n)) {
		rx = RB_ENTRY(n, struct tcp_rx, rb);
		assert_true(seq_at_least(rx->seq, last));
		last = rx->end;
		mem += rx->memory;
		rx_n++;
	}
	assert_int_equal(mem, c->rcv_memory);
	assert_int_equal(rx_n, e->rx_count);
}

static void send_out(struct peer *e, const struct tcp_out *o)
{
	(void)hook_emit(&e->c, o);
}

static void request_input(struct peer *e, struct packet_sim *k)
{
	struct tcp_out o;
	struct tcp_agreed agreed;

	switch (tcp_request_input(&e->rq, &k->seg, e->pair->now_ns)) {
	case RQ_SYNACK:
		tcp_request_synack(&e->rq, &o, e->pair->now_ns);
		send_out(e, &o);
		return;
	case RQ_ACK:
		tcp_request_ack(&e->rq, &o, e->pair->now_ns);
		send_out(e, &o);
		return;
	case RQ_RESET:
		if (tcp_reset_for(&k->seg, &o))
			send_out(e, &o);
		return;
	case RQ_KILL:
		e->phase = PEER_LISTEN;
		return;
	case RQ_CHILD:
		tcp_request_agreed(&e->rq, &agreed);
		tcp_conn_accept(&e->c, &agreed, e->pair->now_ns);
		e->phase = PEER_CONN;
		e->rx_count++;
		tcp_input(&e->c, &k->seg, e->pair->now_ns);
		if (!k->seg.rx_kept)
			e->rx_count--;
		return;
	case RQ_DROP:
		return;
	}
}

static void timewait_input(struct peer *e, struct packet_sim *k)
{
	struct tcp_out o;
	u32 isn;

	switch (tcp_timewait_input(&e->tw, e->c.cfg, &k->seg, &isn, e->pair->now_ns)) {
	case TW_ACK:
		tcp_timewait_ack(&e->tw, &o, e->pair->now_ns);
		send_out(e, &o);
		break;
	case TW_KILL:
		e->phase = PEER_GONE;
		break;
	default:
		break;
	}
}

static void arrive(struct packet_sim *k)
{
	struct peer *e = k->to;
	struct pair *p = e->pair;
	struct tcp_out o;

	k->seg.rx = &k->rx;
	k->seg.rx_kept = false;
	k->rx.memory = k->len + 512;
	switch (e->phase) {
	case PEER_LISTEN:
		if ((k->seg.flags & (TH_SYN | TH_ACK | TH_RST)) == TH_SYN) {
			e->c.iss = (u32)rng_u64(&p->rng);
			tcp_request_init(&e->rq, e->c.cfg, &k->seg, e->c.iss, e->c.advmss, e->c.user_mss, e->c.rcvbuf, 0, 7, false, p->now_ns);
			e->phase = PEER_REQUEST;
			tcp_request_synack(&e->rq, &o, p->now_ns);
			send_out(e, &o);
		}
		break;
	case PEER_REQUEST:
		request_input(e, k);
		break;
	case PEER_CONN:
		e->rx_count++;
		tcp_input(&e->c, &k->seg, p->now_ns);
		if (!k->seg.rx_kept)
			e->rx_count--;
		break;
	case PEER_TIMEWAIT:
		timewait_input(e, k);
		break;
	case PEER_GONE:
		if (tcp_reset_for(&k->seg, &o))
			send_out(e, &o);
		break;
	}
	bool kept = k->seg.rx_kept;

	events(e);
	user(e);
	events(e);
	pair_check(e);
	if (!kept)
		free(k);
}

static u64 wake_of(struct peer *e)
{
	if (e->phase == PEER_CONN)
		return MIN(tcp_next_wake_ns(&e->c), e->user_ns ? e->user_ns : TCP_NEVER);
	if (e->phase == PEER_REQUEST)
		return e->rq.expires_ns;
	return e->phase == PEER_TIMEWAIT && !e->pair->timewait_stays ? e->tw.expires_ns : TCP_NEVER;
}

static void wake(struct peer *e)
{
	struct tcp_out o;

	if (e->phase == PEER_CONN) {
		tcp_timer(&e->c, e->pair->now_ns);
	} else if (e->phase == PEER_TIMEWAIT) {
		e->phase = PEER_GONE;
	} else if (e->phase == PEER_REQUEST) {
		if (tcp_request_timer(&e->rq, 100, e->pair->now_ns)) {
			tcp_request_synack(&e->rq, &o, e->pair->now_ns);
			send_out(e, &o);
		} else {
			e->phase = PEER_LISTEN;
		}
	}
	events(e);
	user(e);
	events(e);
	pair_check(e);
}

bool pair_step(struct pair *p)
{
	struct packet_sim *k = list_first_entry_or_null(&p->flight, struct packet_sim, node);
	u64 at = k ? k->at_ns : TCP_NEVER, wa = wake_of(&p->a), wb = wake_of(&p->b), t = MIN(at, MIN(wa, wb));

	if (t == TCP_NEVER)
		return false;
	p->now_ns = MAX(p->now_ns, t);
	if (k && at == t) {
		list_del(&k->node);
		arrive(k);
	} else if (wa == t) {
		wake(&p->a);
	} else {
		wake(&p->b);
	}
	return true;
}

bool pair_run(struct pair *p, bool (*done)(struct pair *p), u64 limit_ns)
{
	u64 end = p->now_ns + limit_ns;

	while (!done || !done(p)) {
		struct packet_sim *k = list_first_entry_or_null(&p->flight, struct packet_sim, node);
		u64 t = MIN(k ? k->at_ns : TCP_NEVER, MIN(wake_of(&p->a), wake_of(&p->b)));

		if (t > end || t == TCP_NEVER) {
			p->now_ns = end;
			return done ? done(p) : true;
		}
		pair_step(p);
	}
	return true;
}

void pair_write(struct peer *e, u32 n)
{
	e->to_write += n;
	user(e);
	events(e);
}

void pair_close(struct peer *e)
{
	e->closed = true;
	tcp_shutdown_send(&e->c, e->pair->now_ns);
	events(e);
}

bool pair_both_gone(struct pair *p)
{
	return (p->a.phase >= PEER_TIMEWAIT) && (p->b.phase >= PEER_TIMEWAIT);
}

bool pair_connected(struct pair *p)
{
	return p->a.phase == PEER_CONN && p->b.phase == PEER_CONN && p->a.c.state == TCP_ESTABLISHED && p->b.c.state == TCP_ESTABLISHED;
}

void pair_end(struct pair *p)
{
	struct packet_sim *k;

	while ((k = list_first_entry_or_null(&p->flight, struct packet_sim, node)) != NULL) {
		list_del(&k->node);
		free(k);
	}
	tcp_conn_fini(&p->a.c);
	tcp_conn_fini(&p->b.c);
	assert_int_equal(p->a.tx_count, 0);
	assert_int_equal(p->b.tx_count, 0);
	assert_int_equal(p->a.rx_count, 0);
	assert_int_equal(p->b.rx_count, 0);
	running = NULL;
}
