/*
 * Feeds: forged segments into two machines of net/tcp that talk over a faulty link (tests/unit/tcp/pair.c).  The input says after how many events of the
 * link each comes, to whom, and every field of it, the numbers relative to the windows.  After each event the counters must agree with the queues.
 *
 * Cannot catch: the parsing of headers (options excepted: tests/unit/tcp has them), and what sockets do.
 */
#include "tests/unit/tcp/pair.h"
#include "tests/fuzz/fuzz.h"

static u32 near_window(struct fuzz_input *in, u32 a, u32 b)
{
	static const u32 off[] = { 0, 1, ~0u, 2, 500, 1448, 65535, 65536, 0x7fffffff, 0x80000000 };
	u8 how = fuzz_u8(in);
	u32 v = how & 1 ? a : b;

	return how & 0x80 ? v + fuzz_u32(in) : v + off[(how >> 1) % 10];
}

static void forge(struct pair *p, struct peer *to, struct fuzz_input *in)
{
	struct tcp_conn *c = &to->c;
	u8 how = fuzz_u8(in);
	u32 len = how & 1 ? fuzz_u16(in) % 1449 : 0;
	struct packet_sim *k = calloc(1, sizeof(*k) + len);
	struct tcp_segment *s = &k->seg;

	k->to = to;
	k->len = len;
	k->at_ns = p->now_ns;
	s->flags = how & 2 ? fuzz_u8(in) : TH_ACK;
	s->seq = near_window(in, c->rcv_nxt, c->rcv_nxt + c->rcv_wnd);
	s->ack = near_window(in, c->snd_una, c->snd_nxt);
	s->len = len;
	s->end = s->seq + len + (s->flags & TH_SYN ? 1 : 0) + (s->flags & TH_FIN ? 1 : 0);
	s->window = fuzz_u16(in);
	s->urgent = how & 4 ? fuzz_u16(in) : 0;
	s->segs = 1;
	s->ce = how & 8;
	tcp_options_clear(&s->opt);
	if (how & 16) {
		s->opt.has_ts = true;
		s->opt.tsval = c->ts_recent + fuzz_u8(in) - 1;
		s->opt.tsecr = fuzz_u32(in);
	}
	for (u32 n = (how >> 5) % 5; n; n--)
		s->opt.sack[s->opt.sack_count++] = (struct tcp_sack_block){ near_window(in, c->snd_una, c->snd_nxt),
									    near_window(in, c->snd_una, c->snd_nxt) };
	list_add(&k->node, &p->flight);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct fuzz_input in = fuzz_input_of(data, len);
	static struct pair p;
	u8 how = fuzz_u8(&in), more = fuzz_u8(&in);

	pair_init(&p, fuzz_u8(&in));
	p.bytes_unchecked = true;
	p.faults.loss = how & 1 ? 100 : 0;
	for (u32 i = 0; i < 2; i++) {
		p.cfg[i].sack = !(how & 2);
		p.cfg[i].timestamps = !(how & 4);
		p.cfg[i].recovery = more & 7;
		p.cfg[i].ecn = how >> 3 & 1;
		p.cfg[i].invalid_ratelimit_ms = 0;
	}
	p.a.to_write = p.b.to_write = 100000;
	p.a.closes = how & 16;
	p.alloc_fails = how & 32;
	p.b.stops_reading = how & 64;
	pair_start(&p);
	for (u32 i = 0; in.left && i < 300; i++) {
		u8 steps = fuzz_u8(&in);

		for (u32 k = 0; k < (steps & 31u); k++)
			if (!pair_step(&p))
				break;
		forge(&p, steps & 32 ? &p.a : &p.b, &in);
	}
	for (u32 i = 0; i < 100 && pair_step(&p); i++)
		;
	pair_end(&p);
	return 0;
}
