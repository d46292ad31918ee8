/* The header before a frame of virtio-net: what a good device and driver write (VIRTIO 1.2, 5.1.6), and whatever a bad one may. */
#include "tests/unit/unit.h"

#include "drivers/virtio/net.h"
#include "tests/unit/mm/machine.h"

#define F(name) VIRTIO_FEATURE(VIRTIO_NET_F_##name)

enum { LEN = 14 + 20 + 32 + 3000, LINEAR = 14 + 20 + 32 };

static const u64 all = F(CSUM) | F(GUEST_CSUM) | F(GUEST_TSO4) | F(GUEST_TSO6) | F(GUEST_ECN) | F(HOST_TSO4) | F(HOST_TSO6) | F(HOST_ECN) | F(HOST_USO);
static u64 baseline;

/* A TCP segment of 3,000 bytes over IPv4 with 12 bytes of options. */
static struct packet *frame(void)
{
	struct packet *p = packet_alloc(LINEAR, ALLOC_KERNEL);
	struct page *page = page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO);

	assert_true(p && page);
	u8 *f = memset(packet_put(p, LINEAR), 0, LINEAR);

	f[12] = 8;
	f[14] = 0x45;
	f[14 + 20 + 12] = 0x80;
	assert_true(packet_add_frag(p, page, 0, LEN - LINEAR));
	return p;
}

static bool reads(const struct virtio_net_hdr *h, u64 features, struct packet **out)
{
	struct packet *p = frame();
	bool good = nic_header_read(p, h, features);

	if (out)
		*out = p;
	else
		packet_free(p);
	return good;
}

static void test_read(void **state)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1448, .csum_start = 34, .csum_offset = 16 };
	struct packet *p;

	assert_true(reads(&h, all, &p));
	assert_int_equal(p->csum, CSUM_PARTIAL);
	assert_int_equal(p->csum_start - packet_headroom(p), 34);
	assert_int_equal(p->csum_offset, 16);
	assert_int_equal(p->gso, GSO_TCP4);
	assert_int_equal(p->gso_size, 1448);
	packet_free(p);
	h.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	assert_true(reads(&h, all, NULL));
	h = (struct virtio_net_hdr){ .flags = VIRTIO_NET_HDR_F_DATA_VALID };
	assert_true(reads(&h, all, &p));
	assert_int_equal(p->csum, CSUM_GOOD);
	packet_free(p);
	/* A flag that was not negotiated says nothing. */
	assert_true(reads(&h, 0, &p));
	assert_int_equal(p->csum, CSUM_NONE);
	packet_free(p);
	assert_int_equal(machine_pages_used(), baseline);
}

static void test_read_refused(void **state)
{
	const struct virtio_net_hdr good = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .gso_type = VIRTIO_NET_HDR_GSO_TCPV4, .gso_size = 1448, .csum_start = 34, .csum_offset = 16 };
	static const u64 needed[] = { F(GUEST_CSUM), F(GUEST_TSO4) };
	struct virtio_net_hdr h;

	for (u32 i = 0; i < ARRAY_SIZE(needed); i++)
		assert_false(reads(&good, all & ~needed[i], NULL));
	h = good, h.gso_type |= VIRTIO_NET_HDR_GSO_ECN;
	assert_false(reads(&h, all & ~F(GUEST_ECN), NULL));
	h = good, h.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;	/* the frame is IPv4 */
	assert_false(reads(&h, all, NULL));
	h = good, h.gso_type = VIRTIO_NET_HDR_GSO_UDP;
	assert_false(reads(&h, all, NULL));
	h = good, h.gso_type = VIRTIO_NET_HDR_GSO_ECN;
	assert_false(reads(&h, all, NULL));
	h = good, h.gso_size = 0;
	assert_false(reads(&h, all, NULL));
	h = good, h.flags = 0;
	assert_false(reads(&h, all, NULL));
	h = good, h.csum_start = 13;
	assert_false(reads(&h, all, NULL));
	h = good, h.csum_start = LEN - 17;
	assert_false(reads(&h, all, NULL));
	h = good, h.csum_start = LEN - 18;			/* its last two bytes */
	assert_true(reads(&h, all, NULL));
	h = good, h.csum_offset = LEN - 34 - 1;
	assert_false(reads(&h, all, NULL));
	h = good, h.csum_start = h.csum_offset = 0xffff;
	assert_false(reads(&h, all, NULL));
	assert_int_equal(machine_pages_used(), baseline);
}

/* A frame of all that fits in the fragments: an offset that packet->csum_start cannot hold does not become another one. */
static void test_read_long(void **state)
{
	struct virtio_net_hdr h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 0xffff, .csum_offset = 16 };

	for (u32 i = 0; i < 2; i++) {
		struct packet *p = packet_alloc(LINEAR, ALLOC_KERNEL);

		assert_true(p != NULL);
		memset(packet_put(p, LINEAR), 0, LINEAR);
		for (u32 n = 0; n < PACKET_FRAGS_MAX; n++)
			assert_true(packet_add_frag(p, page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO), 0, PAGE_SIZE));
		assert_int_equal(nic_header_read(p, &h, all), i);
		if (i)
			assert_int_equal(p->csum_start - packet_headroom(p), h.csum_start);
		packet_free(p);
		h.csum_start = 0xff00 - PACKET_HEADROOM;
	}
	assert_int_equal(machine_pages_used(), baseline);
}

/* Anything: what is taken over lies within the frame. */
static void test_read_random(void **state)
{
	struct rng rng = { 8 };

	for (u32 i = 0; i < 50000; i++) {
		struct virtio_net_hdr h;
		struct packet *p = frame();
		u64 features = all & rng_u64(&rng);

		rng_bytes(&rng, &h, sizeof(h));
		h.flags &= 3;
		if (rng_below(&rng, 2))
			h.gso_type &= 0x85;
		if (rng_below(&rng, 2))
			h.csum_start &= 0xff, h.csum_offset &= 0xff;
		packet_trim(p, (u32)rng_below(&rng, LEN + 1));
		bool good = nic_header_read(p, &h, features);

		if (good && p->csum == CSUM_PARTIAL) {
			assert_true(p->csum_start >= packet_headroom(p) + ETH_HLEN);
			assert_true(p->csum_start - packet_headroom(p) + p->csum_offset + 2 <= p->len);
			assert_int_equal(packet_csum_finish(p), 0);
		}
		assert_true(!good || p->gso == GSO_NONE || p->gso_size);
		packet_free(p);
	}
	assert_int_equal(machine_pages_used(), baseline);
}

static struct packet *large(u8 gso)
{
	struct packet *p = frame();

	p->csum = CSUM_PARTIAL;
	p->csum_start = (u16)(packet_headroom(p) + 34);
	p->csum_offset = 16;
	p->gso = gso;
	p->gso_size = 1448;
	return p;
}

static void test_write(void **state)
{
	static const struct { u8 gso, type; u16 end; } kinds[] = {
		{ GSO_TCP4, 1, 34 + 32 }, { GSO_TCP6, 4, 34 + 32 }, { GSO_UDP4, 5, 34 + 8 }, { GSO_UDP6, 5, 34 + 8 }, { GSO_NONE, 0, 0 },
	};
	struct virtio_net_hdr h;

	for (u32 i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct packet *p = large(kinds[i].gso);

		assert_true(nic_header_write(p, &h, all));
		assert_int_equal(h.flags, 1);
		assert_int_equal(h.gso_type, kinds[i].type);
		assert_int_equal(h.hdr_len, kinds[i].end);
		assert_int_equal(h.gso_size, kinds[i].gso ? 1448 : 0);
		assert_int_equal(h.csum_start, 34);
		assert_int_equal(h.csum_offset, 16);
		packet_free(p);
	}
	struct packet *p = large(GSO_TCP4);

	p->data[34 + 13] = 0x80;	/* CWR */
	assert_true(nic_header_write(p, &h, all));
	assert_int_equal(h.gso_type, 0x81);
	p->csum = CSUM_NONE;		/* to be cut, but not summed: that is no packet */
	assert_false(nic_header_write(p, &h, all));
	p->gso = GSO_NONE;
	assert_true(nic_header_write(p, &h, all));
	assert_memory_equal(&h, &(struct virtio_net_hdr){ 0 }, sizeof(h));
	packet_free(p);
}

static void test_write_refused(void **state)
{
	struct virtio_net_hdr h;

	for (u32 i = 0; i < 5; i++) {
		struct packet *p = large(GSO_TCP4);

		switch (i) {
		case 0: p->csum_start = 0; break;
		case 1: p->csum_offset = 0xffff; break;
		case 2: p->gso_size = 0; break;
		case 3: packet_trim(p, 34 + 20); break;		/* the header says 32 */
		case 4: packet_trim(p, 34 + 18); break;
		}
		assert_false(nic_header_write(p, &h, all));
		packet_free(p);
	}
	assert_int_equal(machine_pages_used(), baseline);
}

static int setup(void **state)
{
	machine_start();
	packet_init();
	packet_free(packet_alloc(0, ALLOC_KERNEL));
	baseline = machine_pages_used();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read), cmocka_unit_test(test_read_refused), cmocka_unit_test(test_read_long), cmocka_unit_test(test_read_random), cmocka_unit_test(test_write),
		cmocka_unit_test(test_write_refused),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
