/*
 * Segments that no honest peer sends: random numbers near the windows, flags, options, SACK blocks, in every state, while the user goes on.
 *
 * The machine may close, but its counters agree with its queues after every segment (pair_check), and the sanitizers find nothing.
 */
#include "tests/unit/tcp/pair.h"

static u32 near(struct rng *r, u32 a, u32 b)
{
	static const u32 off[] = { 0, 1, ~0u, 2, 500, 1448, 65535, 65536, 0x7fffffff, 0x80000000 };
	u32 v = rng_below(r, 2) ? a : b;

	if (rng_below(r, 3))
		v += off[rng_below(r, ARRAY_SIZE(off))];
	return rng_below(r, 3) ? v : v + (u32)rng_magnitude(r);
}

static void forge(struct pair *p, struct peer *to)
{
	struct rng *r = &p->rng;
	struct tcp_conn *c = &to->c;
	u32 len = rng_below(r, 3) ? (u32)rng_below(r, 1449) : 0;
	struct packet_sim *k = calloc(1, sizeof(*k) + len);
	struct tcp_segment *s = &k->seg;

	k->to = to;
	k->len = len;
	k->at_ns = p->now_ns;
	s->flags = (u8)(rng_below(r, 8) ? TH_ACK : rng_u64(r));
	s->flags |= rng_below(r, 12) ? 0 : (u8)rng_u64(r) & (TH_FIN | TH_SYN | TH_RST | TH_URG | TH_ECE | TH_CWR);
	s->seq = near(r, c->rcv_nxt, c->rcv_nxt + c->rcv_wnd);
	s->ack = near(r, c->snd_una, c->snd_nxt);
	s->len = len;
	s->end = s->seq + len + (s->flags & TH_SYN ? 1 : 0) + (s->flags & TH_FIN ? 1 : 0);
	s->window = (u16)rng_u64(r);
	s->urgent = (u16)rng_u64(r);
	s->segs = 1;
	s->ce = !rng_below(r, 4);
	tcp_options_clear(&s->opt);
	if (rng_below(r, 2)) {
		s->opt.has_ts = true;
		s->opt.tsval = c->ts_recent + (u32)rng_below(r, 5) - 1;
		s->opt.tsecr = (u32)rng_u64(r);
	}
	for (u32 n = (u32)rng_below(r, 5); n; n--)
		s->opt.sack[s->opt.sack_count++] = (struct tcp_sack_block){ near(r, c->snd_una, c->snd_nxt), near(r, c->snd_una, c->snd_nxt) };
	list_add(&k->node, &p->flight);
}

static u64 connected, with_data;

static void one_seed(u64 seed)
{
	static struct pair p;

	pair_init(&p, seed);
	p.bytes_unchecked = true;
	p.faults.loss = 100;
	for (u32 i = 0; i < 2; i++) {
		p.cfg[i].sack = rng_below(&p.rng, 4) != 0;
		p.cfg[i].timestamps = rng_below(&p.rng, 2) != 0;
		p.cfg[i].recovery = (u32)rng_below(&p.rng, 8);
		p.cfg[i].ecn = 1;
		p.cfg[i].invalid_ratelimit_ms = 0;
	}
	p.a.to_write = p.b.to_write = 1000000;
	p.a.closes = rng_below(&p.rng, 2);
	p.alloc_fails = !rng_below(&p.rng, 3);
	p.b.stops_reading = !rng_below(&p.rng, 3);
	pair_start(&p);
	for (u32 i = 0; i < 600; i++) {
		if (rng_below(&p.rng, 2))
			forge(&p, rng_below(&p.rng, 2) ? &p.a : &p.b);
		if (!pair_step(&p))
			break;
	}
	connected += p.a.events & TCP_EV_CONNECTED && p.b.events & TCP_EV_CONNECTED;
	with_data += p.a.read && p.b.read;
	pair_end(&p);
}

static u64 at_seed;

static int tell(void **state)
{
	fprintf(stderr, "last seed: %llu\n", at_seed);
	return 0;
}

static void test_seeds(void **state)
{
	const char *n = getenv("TCP_SEEDS"), *from = getenv("TCP_SEED");
	u64 first = from ? strtoull(from, NULL, 0) : 1, count = n ? strtoull(n, NULL, 0) : from ? 1 : 400;

	for (at_seed = first; at_seed < first + count; at_seed++)
		one_seed(at_seed);
	/* Most come as far as to matter. */
	if (!from) {
		assert_true(connected > count / 3);
		assert_true(with_data > count / 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(test_seeds, tell) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
