/*
 * Two machines over a link that loses, repeats and reorders: every byte arrives once and in order, both ends close, nothing leaks.
 *
 * TCP_SEEDS=n and TCP_SEED=first choose the seeds; a failing one is printed.
 */
#include "tests/unit/tcp/pair.h"

static void randomize(struct pair *p)
{
	struct rng *r = &p->rng;

	p->faults = (struct link_faults){
		.loss = (u32)rng_below(r, 4) ? (u32)rng_below(r, 300) : 0,
		.dup = (u32)rng_below(r, 3) ? 0 : (u32)rng_below(r, 200),
		.reorder = (u32)rng_below(r, 3) ? (u32)rng_below(r, 500) : 0,
		.delay_ns = 1000 + rng_below(r, 100000000),
		.jitter_ns = 1 + rng_below(r, 60000000),
	};
	if (!rng_below(r, 5)) {
		p->faults.down_from_ns = p->now_ns + rng_below(r, 2000000000);
		p->faults.down_to_ns = p->faults.down_from_ns + rng_below(r, 20000000000);
	}
	for (u32 i = 0; i < 2; i++) {
		struct tcp_config *c = &p->cfg[i];

		c->sack = rng_below(r, 4) != 0;
		c->dsack = rng_below(r, 4) != 0;
		c->timestamps = rng_below(r, 3) != 0;
		c->window_scaling = rng_below(r, 4) != 0;
		c->recovery = (u32)rng_below(r, 8) ? 1 : (u32)rng_below(r, 8);
		c->early_retrans = rng_below(r, 4) ? 3 : 0;
		c->frto = rng_below(r, 4) ? 2 : 0;
		c->ecn = (u32)rng_below(r, 3);
		c->retries2 = c->syn_retries = 200;
	}
	p->mtu = rng_below(r, 2) ? 1500 : 200 + (u32)rng_below(r, 3000);
	struct peer *e[2] = { &p->a, &p->b };

	for (u32 i = 0; i < 2; i++) {
		e[i]->to_write = rng_magnitude(r) % 150000;
		e[i]->closes = true;
		e[i]->read_most = rng_below(r, 3) ? ~0u : 1 + (u32)rng_below(r, 3000);
		e[i]->emit_fails = rng_below(r, 6) ? 0 : (u32)rng_below(r, 100);
		e[i]->c.ca = rng_below(r, 2) ? &tcp_cubic : &tcp_reno;
		e[i]->c.nonagle = rng_below(r, 2) ? TCP_NAGLE_OFF : 0;
		if (!rng_below(r, 3)) {
			e[i]->c.rcvbuf = 4000 + (u32)rng_below(r, 20000);
			e[i]->c.rcvbuf_locked = true;
		}
		if (!rng_below(r, 8))
			e[i]->c.max_pacing_rate = 20000 + rng_below(r, 1000000);
	}
	p->alloc_fails = !rng_below(r, 6);
	p->timewait_stays = true;
}

static u64 at_seed;

static void one_seed(u64 seed)
{
	static struct pair p;

	at_seed = seed;
	pair_init(&p, seed);
	randomize(&p);
	p.trace = getenv("TCP_TRACE") != NULL;
	pair_start(&p);
	bool ended = pair_run(&p, pair_both_gone, 100ull * 3600 * 1000000000);

	if (!ended || p.a.read != p.b.to_write || p.b.read != p.a.to_write || p.a.error || p.b.error)
		fprintf(stderr, "seed %llu: %s a: state %u read %llu of %llu error %d; b: state %u read %llu of %llu error %d; loss %u\n", seed,
			ended ? "ended" : "hangs", p.a.c.state, p.a.read, p.b.to_write, p.a.error, p.b.c.state, p.b.read, p.a.to_write, p.b.error,
			p.faults.loss);
	assert_true(ended);
	assert_int_equal(p.a.read, p.b.to_write);
	assert_int_equal(p.b.read, p.a.to_write);
	assert_true(p.a.saw_fin && p.b.saw_fin);
	assert_int_equal(p.a.error, 0);
	assert_int_equal(p.b.error, 0);
	pair_end(&p);
}

static void test_seeds(void **state)
{
	const char *n = getenv("TCP_SEEDS"), *from = getenv("TCP_SEED");
	u64 count = n ? strtoull(n, NULL, 0) : 600, first = from ? strtoull(from, NULL, 0) : 1;

	for (u64 s = first; s < first + count; s++) {
		if (from && !n && s > first)
			break;
		one_seed(s);
	}
}

static int tell(void **state)
{
	fprintf(stderr, "last seed: %llu\n", at_seed);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test_teardown(test_seeds, tell) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
