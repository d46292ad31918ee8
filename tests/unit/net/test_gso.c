/* Segmentation: every segment is read from scratch, with sums of this file's own, and must be what a sender without it would have sent. */
#include "tests/unit/unit.h"

#include <errno.h>
#include "kern/slab.h"
#include "mm/iter.h"
#include "net/gso.h"
#include "tests/unit/mm/machine.h"

enum { ETHER = 14, PAYLOAD_MAX = 60000, FIN = 1, SYN = 2, PSH = 8, ACK = 16, CWR = 128 };

static unsigned destroyed;
static void count_destroyed(struct packet *p) { destroyed += p->charge; }

static u32 sum16(const u8 *at, u32 n, u32 sum)
{
	for (u32 i = 0; i < n; i++)
		sum += i & 1 ? at[i] : (u32)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static u32 be(const u8 *at) { return (u32)at[0] << 8 | at[1]; }
static u32 be32_at(const u8 *at) { return be(at) << 16 | be(at + 2); }

struct shape {
	u8 kind, flags;
	u32 ip_bytes, transport_bytes, payload, size, linear_payload;
	u16 id;
	u32 seq;
};

static u32 headers_fill(const struct shape *s, u8 *h)
{
	bool v6 = s->kind == GSO_TCP6 || s->kind == GSO_UDP6, tcp = s->kind == GSO_TCP4 || s->kind == GSO_TCP6;
	u8 *ip = h + ETHER, *t = ip + s->ip_bytes;

	memset(h, 0, ETHER + s->ip_bytes + s->transport_bytes);
	memcpy(h, "\1\2\3\4\5\6\7\10\11\12\13\14", 12);
	h[12] = v6 ? 0x86 : 8;
	h[13] = v6 ? 0xdd : 0;
	for (u32 i = 0; i < 32 && v6; i++)
		ip[8 + i] = (u8)(0x20 + 7 * i);
	for (u32 i = 0; i < 8 && !v6; i++)
		ip[12 + i] = (u8)(10 + 50 * i);
	ip[0] = v6 ? 0x60 : (u8)(0x40 | s->ip_bytes / 4);
	if (v6) {
		ip[6] = tcp ? 6 : 17;
		ip[7] = 64;
	} else {
		for (u32 i = 20; i < s->ip_bytes; i++)
			ip[i] = 1;
		ip[4] = (u8)(s->id >> 8);
		ip[5] = (u8)s->id;
		ip[6] = 0x40;
		ip[8] = 64;
		ip[9] = tcp ? 6 : 17;
	}
	memcpy(t, "\x12\x34\x00\x50", 4);
	if (tcp) {
		for (u32 i = 0; i < 4; i++)
			t[4 + i] = (u8)(s->seq >> (24 - 8 * i));
		t[12] = (u8)(s->transport_bytes / 4 << 4);
		t[13] = s->flags;
		memset(t + 20, 1, s->transport_bytes - 20);
	}
	return ETHER + s->ip_bytes + s->transport_bytes;
}

static struct packet *make(const struct shape *s, const u8 *payload)
{
	u8 h[200];
	u32 headers = headers_fill(s, h);
	struct packet *p = packet_alloc(headers + s->linear_payload, ALLOC_KERNEL);
	struct iter it;

	if (!p)
		return NULL;
	u32 front = packet_headroom(p);

	memcpy(packet_put(p, headers), h, headers);
	memcpy(packet_put(p, s->linear_payload), payload, s->linear_payload);
	p->end = p->tail;		/* the rest goes into pages */
	iter_init_kernel(&it, (void *)(payload + s->linear_payload), s->payload - s->linear_payload);
	if (packet_from_iter(p, &it, s->payload - s->linear_payload)) {
		packet_free(p);
		return NULL;
	}
	p->net_off = (u16)(front + ETHER);
	p->transport_off = (u16)(front + ETHER + s->ip_bytes);
	p->csum = CSUM_PARTIAL;
	p->gso = s->kind;
	p->gso_size = (u16)s->size;
	packet_own(p, p, count_destroyed, 77);
	return p;
}

/* One segment, its checksum filled in as a device without offloads gets it. */
static void check_segment(const struct shape *s, struct packet *q, u32 i, u32 n, const u8 *payload, u32 at)
{
	static u8 got[70000];
	u32 len = MIN(s->size, s->payload - at), headers = ETHER + s->ip_bytes + s->transport_bytes;
	bool v6 = s->kind == GSO_TCP6 || s->kind == GSO_UDP6, tcp = s->kind == GSO_TCP4 || s->kind == GSO_TCP6;
	const u8 *ip = got + ETHER, *t = ip + s->ip_bytes;
	u8 want[200];

	assert_int_equal(q->gso, GSO_NONE);
	assert_int_equal(q->csum, CSUM_PARTIAL);
	assert_int_equal(packet_csum_finish(q), 0);
	assert_int_equal(q->len, headers + len);
	assert_true(packet_copy_bits(q, 0, got, q->len));
	assert_memory_equal(t + s->transport_bytes, payload + at, len);
	headers_fill(s, want);
	assert_memory_equal(got, want, ETHER);
	if (v6) {
		assert_int_equal(be(ip + 4), s->ip_bytes - 40 + s->transport_bytes + len);
		assert_int_equal(sum16(t, s->transport_bytes + len, sum16(ip + 8, 32, (tcp ? 6 : 17) + s->transport_bytes + len)), 0xffff);
	} else {
		assert_int_equal(be(ip + 2), s->ip_bytes + s->transport_bytes + len);
		assert_int_equal(be(ip + 4), (u16)(s->id + i));
		assert_int_equal(be(ip + 6), 0x4000);
		assert_int_equal(sum16(ip, s->ip_bytes, 0), 0xffff);
		assert_int_equal(sum16(t, s->transport_bytes + len, sum16(ip + 12, 8, (tcp ? 6 : 17) + s->transport_bytes + len)), 0xffff);
	}
	assert_memory_equal(t, "\x12\x34\x00\x50", 4);
	if (tcp) {
		u8 gone = (i ? CWR : 0) | (i + 1 < n ? FIN | PSH : 0);

		assert_int_equal(be32_at(t + 4), (u32)(s->seq + at));
		assert_int_equal(t[13], s->flags & ~gone);
		assert_memory_equal(t + 20, want + headers - s->transport_bytes + 20, s->transport_bytes - 20);
	} else {
		assert_int_equal(be(t + 4), 8 + len);
	}
}

static int cut(const struct shape *s, const u8 *payload)
{
	struct packet *p = make(s, payload);
	u32 n = (s->payload + s->size - 1) / s->size, i = 0;
	LIST_HEAD(out);

	if (!p)
		return -ENOMEM;
	destroyed = 0;
	int err = gso_segment(p, &out);

	assert_int_equal(destroyed, err ? 77 : 0);
	while (!list_empty(&out)) {
		struct packet *q = list_first_entry(&out, struct packet, node);

		list_del_init(&q->node);
		assert_int_equal(destroyed, 0);
		check_segment(s, q, i, n, payload, i * s->size);
		packet_free(q);
		i++;
	}
	assert_int_equal(i, err ? 0 : n);
	assert_int_equal(destroyed, 77);		/* with the last segment, once */
	return err;
}

static void segments(void **state)
{
	static u8 payload[PAYLOAD_MAX];
	struct rng rng = { 11 };

	u64 before = machine_pages_used();

	rng_bytes(&rng, payload, sizeof(payload));
	for (unsigned n = 0; n < 600; n++) {
		struct shape s = { .kind = (u8)(GSO_TCP4 + rng_below(&rng, 4)), .id = (u16)rng_u64(&rng), .seq = (u32)rng_u64(&rng) };
		bool v6 = s.kind == GSO_TCP6 || s.kind == GSO_UDP6, tcp = s.kind == GSO_TCP4 || s.kind == GSO_TCP6;

		s.flags = (u8)(rng_u64(&rng) & ~(u64)SYN);
		s.ip_bytes = v6 ? 40 : 20 + 4 * (u32)rng_below(&rng, 11);
		s.transport_bytes = tcp ? 20 + 4 * (u32)rng_below(&rng, 11) : 8;
		s.payload = 1 + (u32)rng_below(&rng, n % 5 ? 9000 : PAYLOAD_MAX);
		s.size = n % 7 ? 500 + (u32)rng_below(&rng, 1000) : 1 + (u32)rng_below(&rng, s.payload);
		s.size = MAX(s.size, s.payload / 200 + 1);
		s.linear_payload = (u32)rng_below(&rng, MIN(s.payload, 3000u) + 1);
		assert_int_equal(cut(&s, payload), 0);
	}
	assert_int_equal(machine_pages_used(), before);
}

/* The wrap of the sequence number and of the identification, by hand. */
static void by_hand(void **state)
{
	struct shape s = { .kind = GSO_TCP4, .flags = ACK | PSH | FIN | CWR, .ip_bytes = 20, .transport_bytes = 20, .payload = 25, .size = 10,
			   .id = 0xffff, .seq = 0xfffffff6 };
	struct gso_layout g;
	u8 h[200], c[200];
	u32 n = headers_fill(&s, h);

	assert_int_equal(gso_layout(&g, GSO_TCP4, h, n, n + 25, ETHER, ETHER + 20, 10), 0);
	assert_int_equal(g.count, 3);
	memcpy(c, h, n);
	gso_header(&g, c, 0);
	assert_memory_equal(c + ETHER + 2, "\x00\x32\xff\xff", 4);
	assert_memory_equal(c + ETHER + 24, "\xff\xff\xff\xf6", 4);
	assert_int_equal(c[ETHER + 33], ACK | CWR);
	memcpy(c, h, n);
	gso_header(&g, c, 1);
	assert_memory_equal(c + ETHER + 2, "\x00\x32\x00\x00", 4);
	assert_memory_equal(c + ETHER + 24, "\x00\x00\x00\x00", 4);
	assert_int_equal(c[ETHER + 33], ACK);
	memcpy(c, h, n);
	gso_header(&g, c, 2);
	assert_memory_equal(c + ETHER + 2, "\x00\x2d\x00\x01", 4);
	assert_memory_equal(c + ETHER + 24, "\x00\x00\x00\x0a", 4);
	assert_int_equal(c[ETHER + 33], ACK | PSH | FIN);
}

/* Headers that are none, and every cut of the linear part. */
static void refused(void **state)
{
	struct shape s = { .kind = GSO_TCP4, .ip_bytes = 20, .transport_bytes = 32, .payload = 100, .size = 10 };
	struct gso_layout g;
	u8 h[200];
	u32 n = headers_fill(&s, h), len = n + 100;

	for (u32 linear = 0; linear <= n; linear++) {
		u8 *copy = malloc(linear + 1);

		memcpy(copy, h, linear);
		assert_int_equal(gso_layout(&g, GSO_TCP4, copy, linear, len, ETHER, ETHER + 20, 10), linear < n ? -EINVAL : 0);
		free(copy);
	}
	assert_int_equal(gso_layout(&g, GSO_TCP4, h, n, n, ETHER, ETHER + 20, 10), -EINVAL);		/* no payload */
	assert_int_equal(gso_layout(&g, GSO_TCP4, h, n, len, ETHER, ETHER + 20, 0), -EINVAL);
	assert_int_equal(gso_layout(&g, GSO_TCP4, h, n, len, ETHER, ETHER + 24, 10), -EINVAL);
	assert_int_equal(gso_layout(&g, GSO_TCP4, h, n, len, ETHER + 20, ETHER, 10), -EINVAL);
	assert_int_equal(gso_layout(&g, GSO_TCP6, h, n, len, ETHER, ETHER + 20, 10), -EINVAL);
	assert_int_equal(gso_layout(&g, GSO_UDP4, h, n, len, ETHER, ETHER + 20, 10), -EINVAL);
	assert_int_equal(gso_layout(&g, GSO_NONE, h, n, len, ETHER, ETHER + 20, 10), -EINVAL);
	assert_int_equal(gso_layout(&g, 9, h, n, len, ETHER, ETHER + 20, 10), -EINVAL);
	h[ETHER + 32] = 0x40;			/* a TCP header of 16 bytes */
	assert_int_equal(gso_layout(&g, GSO_TCP4, h, n, len, ETHER, ETHER + 20, 10), -EINVAL);
}

static void no_memory(void **state)
{
	static u8 payload[5000];
	struct shape s = { .kind = GSO_UDP6, .ip_bytes = 40, .transport_bytes = 8, .payload = 5000, .size = 1200, .linear_payload = 300 };
	unsigned failures = 0;

	u64 before = machine_pages_used();

	for (int n = 0;; n++) {
		machine_fail_after(n);
		int err = cut(&s, payload);

		machine_fail_after(-1);
		if (!err)
			break;
		assert_int_equal(err, -ENOMEM);
		failures++;
	}
	assert_true(failures >= 3);
	assert_int_equal(machine_pages_used(), before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments), cmocka_unit_test(by_hand), cmocka_unit_test(refused), cmocka_unit_test(no_memory),
	};

	machine_start();
	packet_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
