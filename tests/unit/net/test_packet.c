/* Packets, against a flat array of the bytes that they should hold; with every allocation failed in turn. */
#include "tests/unit/unit.h"

#include "kern/slab.h"
#include "mm/iter.h"
#include "net/checksum.h"
#include "net/packet.h"
#include "tests/unit/mm/machine.h"

enum { BYTES = 9000 };

static u64 baseline;		/* pages in use before the first packet */

struct model {
	u8 bytes[BYTES * 2];
	u32 len;
};

static void check(const struct packet *p, const struct model *m)
{
	static u8 out[BYTES * 2];
	u32 frags = 0, sum = packet_csum_bits(p, 0, p->len, 0);

	assert_int_equal(p->len, m->len);
	for (u32 i = 0; i < p->frag_count; i++) {
		assert_true(p->frag[i].len);
		frags += p->frag[i].len;
	}
	assert_int_equal(p->frag_len, frags);
	assert_int_equal(packet_linear(p) + frags, m->len);
	assert_true(p->buf <= p->data && p->data <= p->tail && p->tail <= p->end);
	assert_true(packet_copy_bits(p, 0, out, m->len));
	assert_memory_equal(out, m->bytes, m->len);
	assert_false(packet_copy_bits(p, 1, out, m->len));
	assert_false(packet_copy_bits(p, ~0u, out, 2));
	assert_int_equal(csum_fold(sum) % 0xffff, csum_fold(csum_partial(m->bytes, m->len, 0)) % 0xffff);
}

/* A packet of random shape, @m what is in it. */
static struct packet *make(struct rng *rng, struct model *m)
{
	u32 linear = (u32)rng_below(rng, 600), n = linear + (u32)rng_below(rng, 2) * (u32)rng_below(rng, BYTES - 1000);
	struct packet *p = packet_alloc(linear, ALLOC_KERNEL);
	struct iter it;

	rng_bytes(rng, m->bytes, n);
	m->len = n;
	if (!p)
		return NULL;
	iter_init_kernel(&it, m->bytes, n);
	if (packet_from_iter(p, &it, n)) {
		packet_free(p);
		return NULL;
	}
	return p;
}

static void eat(struct packet *p, struct model *m, u32 n)
{
	packet_eat(p, n);
	memmove(m->bytes, m->bytes + n, m->len - n);
	m->len -= n;
}

static void push(struct rng *rng, struct packet *p, struct model *m, u32 n)
{
	if (packet_ensure_headroom(p, n))
		return;
	memmove(m->bytes + n, m->bytes, m->len);
	rng_bytes(rng, m->bytes, n);
	memcpy(packet_push(p, n), m->bytes, n);
	m->len += n;
}

static void trim(struct packet *p, struct model *m, u32 len)
{
	packet_trim(p, len);
	m->len = MIN(m->len, len);
}

/* Change bytes of a copy: the original keeps its own, @pages those in fragments too. */
static void copies(struct rng *rng, const struct packet *p, const struct model *m, bool pages)
{
	struct packet *q = pages ? packet_copy(p, ALLOC_KERNEL) : packet_clone(p, ALLOC_KERNEL);
	u32 n = q ? MIN(pages ? q->len : packet_linear(q), 40u) : 0;
	u8 junk[40];

	if (!q)
		return;
	check(q, m);
	assert_true(packet_headroom(q) >= packet_headroom(p));
	rng_bytes(rng, junk, sizeof(junk));
	assert_true(packet_store_bits(q, 0, junk, n));
	if (n)
		assert_memory_equal(q->data, junk, MIN(n, packet_linear(q)));
	check(p, m);
	packet_free(q);
}

static void step(struct rng *rng, struct packet *p, struct model *m)
{
	u32 n;

	switch (rng_below(rng, 7)) {
	case 0: eat(p, m, (u32)rng_below(rng, MIN(m->len, 300u) + 1)); break;
	case 1: push(rng, p, m, 1 + (u32)rng_below(rng, 200)); break;
	case 2:
		n = (u32)rng_below(rng, m->len + 100);
		assert_true(packet_pull(p, n) ? packet_linear(p) >= n : n > m->len || machine_failed());
		break;
	case 3: trim(p, m, (u32)rng_below(rng, m->len + 1)); break;
	case 4: copies(rng, p, m, false); break;
	case 5: copies(rng, p, m, true); break;
	default:
		if (!packet_linearize(p))
			assert_int_equal(p->frag_count, 0);
	}
	check(p, m);
}

static void walk(u64 seed)
{
	static struct model m;
	struct rng rng = { seed };
	struct packet *p = make(&rng, &m);

	for (u32 i = 0; p && i < 12 && m.len < BYTES; i++)
		step(&rng, p, &m);
	packet_free(p);
}

static void test_against_bytes(void **state)
{
	machine_fail_after(-1);
	for (u64 seed = 0; seed < 1500; seed++)
		walk(seed);
	assert_int_equal(machine_pages_used(), baseline);
}

static void test_without_memory(void **state)
{
	for (u64 seed = 0; seed < 60; seed++)
		for (int n = 0; n < 12; n++) {
			machine_fail_after(n);
			walk(seed);
		}
	machine_fail_after(-1);
	assert_int_equal(machine_pages_used(), baseline);
}

/* Headers stay where they are marked, whatever happens to the buffer. */
static void test_offsets(void **state)
{
	struct packet *p = packet_alloc(2000, ALLOC_KERNEL), *q;

	memset(packet_put(p, 1900), 'd', 1900);
	memset(packet_push(p, 8), 't', 8);
	packet_mark_transport(p);
	p->csum_start = (u16)packet_headroom(p);
	memset(packet_push(p, 20), 'n', 20);
	packet_mark_net(p);
	packet_drop_front(p, 28);
	assert_int_equal(packet_ensure_headroom(p, 400), 0);
	assert_int_equal(*packet_net(p), 'n');
	assert_int_equal(*packet_transport(p), 't');
	assert_ptr_equal(p->buf + p->csum_start, packet_transport(p));
	assert_int_equal(p->mac_off, PACKET_NO_OFFSET);
	q = packet_clone(p, ALLOC_KERNEL);
	assert_int_equal(*packet_net(q), 'n');
	assert_int_equal(*packet_transport(q), 't');
	assert_ptr_equal(q->buf + q->csum_start, packet_transport(q));
	packet_free(q);
	packet_free(p);
}

/* The largest datagram, all of it linear, can still be peeked at. */
static void test_large_linear(void **state)
{
	static u8 bytes[65535];
	struct packet *p = packet_alloc(0, ALLOC_KERNEL), *q;
	struct iter it;

	iter_init_kernel(&it, bytes, sizeof(bytes));
	assert_int_equal(packet_from_iter(p, &it, sizeof(bytes)), 0);
	assert_int_equal(packet_linearize(p), 0);
	q = packet_clone(p, ALLOC_KERNEL);
	assert_non_null(q);
	assert_int_equal(q->len, sizeof(bytes));
	packet_free(q);
	packet_free(p);
	assert_null(packet_alloc(65537, ALLOC_KERNEL));
}

/* Memory is what is held, however often the buffer was replaced. */
static void test_memory(void **state)
{
	struct packet *p = packet_alloc(0, ALLOC_KERNEL);

	for (u32 i = 1; i < 20; i++)
		assert_int_equal(packet_ensure_headroom(p, 300 * i), 0);
	assert_int_equal(p->memory, sizeof(*p) + (u32)(p->end - p->buf));
	packet_free(p);
}

static void test_append(void **state)
{
	static struct model a, b;
	struct rng rng = { 5 };
	u32 joined = 0;

	for (u32 round = 0; round < 500; round++) {
		struct packet *p = make(&rng, &a), *q = make(&rng, &b);

		if (rng_below(&rng, 2))
			eat(q, &b, packet_linear(q));
		if (packet_append(p, q)) {
			memcpy(a.bytes + a.len, b.bytes, b.len);
			a.len += b.len;
			joined++;
		} else {
			check(q, &b);
			packet_free(q);
		}
		check(p, &a);
		packet_free(p);
	}
	assert_true(joined > 50 && joined < 450);
	assert_int_equal(machine_pages_used(), baseline);
}

static u32 destroyed;

static void on_destroy(struct packet *p)
{
	assert_int_equal(p->charge, 77);
	destroyed++;
}

static void test_owner(void **state)
{
	struct packet *p = packet_alloc(0, ALLOC_KERNEL), *q;

	packet_own(p, &destroyed, on_destroy, 77);
	q = packet_clone(p, ALLOC_KERNEL);
	packet_free(q);
	assert_int_equal(destroyed, 0);
	packet_orphan(p);
	assert_int_equal(destroyed, 1);
	packet_own(p, &destroyed, on_destroy, 77);
	packet_free(p);
	assert_int_equal(destroyed, 2);
}

static void test_csum_finish(void **state)
{
	struct packet *p = packet_alloc(100, ALLOC_KERNEL);
	u8 *h = packet_put(p, 41);

	for (u32 i = 0; i < 41; i++)
		h[i] = (u8)(i * 37);
	memset(h + 26, 0, 2);
	p->csum = CSUM_PARTIAL;
	p->csum_start = (u16)(packet_headroom(p) + 20);
	p->csum_offset = 6;
	assert_int_equal(packet_csum_finish(p), 0);
	assert_int_equal(p->csum, CSUM_NONE);
	assert_int_equal(csum_fold(csum_partial(h + 20, 21, 0)), 0xffff);
	/* Offsets as a device could give them. */
	p->csum = CSUM_PARTIAL;
	p->csum_offset = 20;
	assert_int_equal(packet_csum_finish(p), -EINVAL);
	p->csum_offset = 0xffff;
	assert_int_equal(packet_csum_finish(p), -EINVAL);
	p->csum_start = 0;
	p->csum_offset = 0;
	assert_int_equal(packet_csum_finish(p), -EINVAL);
	packet_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_bytes),
		cmocka_unit_test(test_without_memory),
		cmocka_unit_test(test_offsets),
		cmocka_unit_test(test_large_linear),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_append),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_csum_finish),
	};

	machine_start();
	packet_init();
	baseline = machine_pages_used();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
