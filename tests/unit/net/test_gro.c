/* Rows of segments: what may become one packet, what may not; streams of several connections come out whole and in order. */
#include "tests/unit/unit.h"

#include <linux/if_ether.h>
#include "net/gro.h"
#include "tests/unit/mm/machine.h"

enum { PSH = 8, ACK = 16, FIN = 1, SYN = 2, RST = 4, URG = 32, ECE = 64, CWR = 128, MSS = 1000, STREAM = 60000 };

/* One segment to be made; 0 is the usual value of each. */
struct make {
	bool v6, linear, bad_csum, options;
	u8 flow, flags, tos, ttl;
	u32 seq, len, ack;
	u16 window;
};

static u8 stream[STREAM];
static u64 baseline;
static struct net_device *const no_device;

static void put16(u8 *p, u32 v)
{
	p[0] = (u8)(v >> 8);
	p[1] = (u8)v;
}

static void put32(u8 *p, u32 v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static u32 sum(const u8 *p, u32 n, u32 s)
{
	for (u32 i = 0; i < n; i++)
		s += i & 1 ? p[i] : (u32)p[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static u32 headers(const struct make *m) { return (m->v6 ? 40 : 20) + 20 + (m->options ? 12 : 0); }

/* The bytes of the whole packet, checksums by another road than net/'s. Return: its length */
static u32 bytes(const struct make *m, u8 *b)
{
	u32 ip = m->v6 ? 40 : 20, tcp = 20 + (m->options ? 12 : 0), n = ip + tcp + m->len, pseudo;
	u8 *t = b + ip;

	memset(b, 0, ip + tcp);
	if (m->v6) {
		b[0] = 0x60;
		b[1] = (u8)(m->tos << 4);
		put16(b + 4, tcp + m->len);
		b[6] = 6;
		b[7] = m->ttl ? m->ttl : 64;
		memset(b + 8, 0x20, 16);
		memset(b + 24, 0x30, 16);
		pseudo = sum(b + 8, 32, 0);
	} else {
		b[0] = 0x45;
		b[1] = m->tos;
		put16(b + 2, n);
		b[8] = m->ttl ? m->ttl : 64;
		b[9] = 6;
		put32(b + 12, 0x0a000001);
		put32(b + 16, 0x0a000002);
		put16(b + 10, ~sum(b, 20, 0) & 0xffff);
		pseudo = sum(b + 12, 8, 0);
	}
	put16(t, 80);
	put16(t + 2, 40000 + m->flow);
	put32(t + 4, m->seq);
	put32(t + 8, 77 + m->ack);
	t[12] = (u8)(tcp / 4 << 4);
	t[13] = m->flags ? m->flags : ACK;
	put16(t + 14, 500 + m->window);
	if (m->options)
		put32(t + 20, 0x0101080a);
	memcpy(t + tcp, stream + m->seq % STREAM, m->len);
	put16(t + 16, (~sum(t, tcp + m->len, pseudo + 6 + tcp + m->len) & 0xffff) ^ (m->bad_csum ? 0x100 : 0));
	return n;
}

static struct packet *make(const struct make *m)
{
	static u8 b[66000];
	u32 n = bytes(m, b), linear = m->linear ? n : headers(m);
	struct packet *p = packet_alloc(linear, ALLOC_KERNEL);

	assert_non_null(p);
	memcpy(packet_put(p, linear), b, linear);
	for (u32 at = linear; at < n;) {
		struct page *page = page_alloc(0, ALLOC_KERNEL);
		u32 part = MIN(n - at, (u32)PAGE_SIZE);

		memcpy(page_virt(page), b + at, part);
		assert_true(packet_add_frag(p, page, 0, part));
		at += part;
	}
	p->protocol = cpu_to_be16(m->v6 ? ETH_P_IPV6 : ETH_P_IP);
	p->type = PACKET_TO_HOST;
	p->dev = no_device;
	return p;
}

/* @p has to be as if it had been one segment @m. */
static void check(struct packet *p, const struct make *m, bool row)
{
	static u8 want[66000], got[66000];
	u32 n = bytes(m, want), check_at = (m->v6 ? 40 : 20) + 16;

	assert_int_equal(p->len, n);
	assert_true(packet_copy_bits(p, 0, got, n));
	if (row)	/* whose own checksum nobody looks at */
		memcpy(got + check_at, want + check_at, 2);
	assert_memory_equal(got, want, n);
	assert_int_equal(p->gso, !row ? GSO_NONE : m->v6 ? GSO_TCP6 : GSO_TCP4);
	assert_int_equal(p->gso_size, row ? MSS : 0);
	assert_true(!row || p->csum == CSUM_GOOD);
}

static struct packet *pop(struct list_head *list)
{
	struct packet *p = list_empty(list) ? NULL : list_first_entry(list, struct packet, node);

	if (p)
		list_del_init(&p->node);
	return p;
}

/* Three segments and a short one become one, over both versions of IP. */
static void test_row(void **state)
{
	for (u32 round = 0; round < 8; round++) {
		struct make m = { .v6 = round & 1, .options = round & 2, .seq = 5000 };
		struct gro g;
		LIST_HEAD(out);

		gro_init(&g);
		for (u32 i = 0; i < 4; i++, m.seq += MSS) {
			m.len = i < 3 ? MSS : 500;
			gro_receive(&g, make(&m), &out);
			assert_int_equal(list_empty(&out), i < 3);
		}
		assert_int_equal(g.count, 0);
		m.seq = 5000;
		m.len = 3500;
		struct packet *p = pop(&out);

		check(p, &m, true);
		packet_free(p);
		assert_true(list_empty(&out));
		assert_int_equal(machine_pages_used(), baseline);
	}
}

/* What may not be appended: the first goes up as it came, then, at once or at the flush, the second. */
static void test_differences(void **state)
{
	static const struct make second[] = {
		{ .seq = 1 }, { .seq = MSS + 1 }, { .seq = MSS - 1 }, { .seq = MSS, .flags = ACK | FIN }, { .seq = MSS, .flags = ACK | RST },
		{ .seq = MSS, .flags = ACK | URG }, { .seq = MSS, .flags = ACK | SYN }, { .seq = MSS, .flags = ACK | CWR }, { .seq = MSS, .flags = ACK | ECE },
		{ .seq = MSS, .tos = 3 }, { .seq = MSS, .ttl = 63 }, { .seq = MSS, .ack = 1 }, { .seq = MSS, .window = 1 },
		{ .seq = MSS, .options = true }, { .seq = MSS, .bad_csum = true }, { .seq = MSS, .len = MSS + 1 },
	};

	for (u32 i = 0; i < 2 * ARRAY_SIZE(second); i++) {
		struct make a = { .len = MSS, .v6 = i & 1 }, b = second[i / 2];
		struct gro g;
		LIST_HEAD(out);

		b.v6 = a.v6;
		b.len = b.len ? b.len : MSS;
		gro_init(&g);
		gro_receive(&g, make(&a), &out);
		assert_true(list_empty(&out));
		gro_receive(&g, make(&b), &out);
		gro_flush(&g, &out);
		struct packet *p = pop(&out), *q = pop(&out);

		assert_non_null(q);
		check(p, &a, false);
		check(q, &b, false);
		packet_free(p);
		packet_free(q);
		assert_true(list_empty(&out));
	}
	assert_int_equal(machine_pages_used(), baseline);
}

/* PSH ends a row and is kept; alone it is not held. */
static void test_push(void **state)
{
	struct make m = { .len = MSS }, push = { .len = MSS, .seq = MSS, .flags = ACK | PSH }, whole = { .len = 2 * MSS, .flags = ACK | PSH };
	struct gro g;
	LIST_HEAD(out);

	gro_init(&g);
	gro_receive(&g, make(&m), &out);
	gro_receive(&g, make(&push), &out);
	struct packet *p = pop(&out);

	assert_non_null(p);
	check(p, &whole, true);
	packet_free(p);
	gro_receive(&g, make(&push), &out);
	p = pop(&out);
	assert_non_null(p);
	check(p, &push, false);
	packet_free(p);
}

/* Headers that lie: they go up as they are, for IP and TCP to refuse. */
static void test_malformed(void **state)
{
	struct rng rng = { 3 };
	struct gro g;
	LIST_HEAD(out);

	gro_init(&g);
	for (u32 round = 0; round < 20000; round++) {
		struct make m = { .v6 = round & 1, .linear = round & 2, .len = (u32)rng_below(&rng, 1200), .seq = (u32)rng_below(&rng, 4) * MSS };
		struct packet *p = make(&m);
		u32 n = p->len;

		for (u32 i = (u32)rng_below(&rng, 3); i; i--)
			p->data[rng_below(&rng, headers(&m))] = (u8)rng_u64(&rng);
		if (!rng_below(&rng, 4))
			packet_trim(p, (u32)rng_below(&rng, n + 1));
		if (!rng_below(&rng, 4))
			p->csum = CSUM_GOOD;
		gro_receive(&g, p, &out);
		assert_true(g.count <= GRO_HELD_MAX);
		packet_free_list(&out);
	}
	gro_flush(&g, &out);
	packet_free_list(&out);
	assert_int_equal(machine_pages_used(), baseline);
}

/* Twelve connections at once, segments of any sizes, some with losses in between: each one's bytes come out once and in order. */
static void test_streams(void **state)
{
	enum { FLOWS = 12 };
	struct rng rng = { 4 };
	u32 sent[FLOWS] = { 0 }, seen[FLOWS] = { 0 }, rows = 0;
	struct gro g;
	LIST_HEAD(out);

	gro_init(&g);
	for (u32 round = 0; round < 20000; round++) {
		struct make m = { .flow = (u8)rng_below(&rng, rng_below(&rng, 2) ? 2 : FLOWS), .options = true };

		m.v6 = m.flow & 1;
		m.linear = !rng_below(&rng, 5);
		m.seq = sent[m.flow];
		m.len = rng_below(&rng, 8) ? MSS : (u32)rng_below(&rng, MSS);
		m.len = MIN(m.len, STREAM - m.seq % STREAM);
		m.flags = rng_below(&rng, 10) ? ACK : ACK | PSH;
		sent[m.flow] += m.len;
		gro_receive(&g, make(&m), &out);
		if (!rng_below(&rng, 30))
			gro_flush(&g, &out);
		for (struct packet *p = pop(&out); p; p = pop(&out)) {
			static u8 got[66000];
			const u8 *t = p->data + (p->protocol == cpu_to_be16(ETH_P_IPV6) ? 40 : 20);
			u32 flow = get_be16(t + 2) - 40000u, seq = get_be32(t + 4), at = (u32)(t - p->data) + 32, n = p->len - at;

			assert_int_equal(seq, seen[flow]);
			assert_true(packet_copy_bits(p, at, got, n));
			for (u32 i = 0; i < n; i++)
				assert_int_equal(got[i], stream[(seq + i) % STREAM]);
			seen[flow] += n;
			rows += p->gso != GSO_NONE;
			packet_free(p);
		}
	}
	gro_flush(&g, &out);
	for (struct packet *p = pop(&out); p; p = pop(&out)) {
		const u8 *t = p->data + (p->protocol == cpu_to_be16(ETH_P_IPV6) ? 40 : 20);

		seen[get_be16(t + 2) - 40000u] += p->len - (u32)(t - p->data) - 32;
		packet_free(p);
	}
	assert_memory_equal(seen, sent, sizeof(seen));
	assert_true(rows > 1000);
	assert_int_equal(machine_pages_used(), baseline);
}

static void test_header_bytes(void **state)
{
	u8 f[128] = { 0 };

	put16(f + 12, ETH_P_IP);
	f[14] = 0x46;
	f[23] = 6;
	f[14 + 24 + 12] = 0x80;
	assert_int_equal(gro_header_bytes(f, 128), 14 + 24 + 32);
	assert_int_equal(gro_header_bytes(f, 60), 60);
	assert_int_equal(gro_header_bytes(f, 50), 50);
	assert_int_equal(gro_header_bytes(f, 14), 14);
	f[14 + 24 + 12] = 0x10;		/* a TCP header cannot be so short */
	assert_int_equal(gro_header_bytes(f, 128), 14 + 24 + 20);
	f[23] = 17;
	assert_int_equal(gro_header_bytes(f, 128), 128);
	put16(f + 12, ETH_P_IPV6);
	f[20] = 6;
	f[14 + 40 + 12] = 0x50;
	assert_int_equal(gro_header_bytes(f, 128), 14 + 40 + 20);
	put16(f + 12, ETH_P_ARP);
	assert_int_equal(gro_header_bytes(f, 128), 128);
}

static int setup(void **state)
{
	struct rng rng = { 2 };

	machine_start();
	packet_init();
	rng_bytes(&rng, stream, sizeof(stream));
	packet_free(packet_alloc(0, ALLOC_KERNEL));
	baseline = machine_pages_used();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_row), cmocka_unit_test(test_differences), cmocka_unit_test(test_push), cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_streams), cmocka_unit_test(test_header_bytes),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
