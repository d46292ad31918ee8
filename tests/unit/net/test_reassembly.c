/* The table of datagrams in pieces: what comes out is what went in, in any order and mixed; bounds of memory and time; no memory. */
#include "tests/unit/unit.h"

#include "kern/random.h"
#include "mm/iter.h"
#include "net/device.h"
#include "net/reassembly.h"
#include "tests/unit/mm/machine.h"

enum { HEAD = 24, PIECES_MAX = 64, FLOWS = 5 };

static struct net_device card = { .ifindex = 2 };
static bool card_gone;
static u32 armed, timeouts, told, told_len;
static struct reassembly table;
static u64 baseline;

struct net_device *device_by_index(u32 ifindex) { return ifindex == 2 && !card_gone ? &card : NULL; }
void net_timer_init(struct net_timer *t, void (*fn)(struct net_timer *t)) {}
void net_timer_arm(struct net_timer *t, u64 expires_ns) { armed++; }

static void expired(struct packet *first, const struct ip_rx *rx)
{
	told++;
	told_len = first->len;
	assert_int_equal(rx->ttl, 0);		/* make() counts pieces there */
	assert_ptr_equal(rx->dev, &card);
}

static void count_timeout(bool had_first) { timeouts++; }

static void start(void)
{
	memset(&table, 0, sizeof(table));
	reassembly_init(&table);
	table.high = 4 << 20;
	table.seconds = 30;
	table.expired = expired;
	table.count_timeout = count_timeout;
	armed = timeouts = told = 0;
	card_gone = false;
}

/* A piece with a header of HEAD bytes that has @number in it. */
static struct packet *make(const u8 *data, u32 len, u32 number, u8 tos)
{
	struct packet *p = packet_alloc(HEAD + 60, ALLOC_KERNEL);
	struct iter it;

	if (!p)
		return NULL;
	packet_mark_net(p);
	memset(packet_put(p, HEAD), (int)number, HEAD);
	iter_init_kernel(&it, (void *)data, len);
	if (packet_from_iter(p, &it, len)) {
		packet_free(p);
		return NULL;
	}
	packet_drop_front(p, HEAD);
	p->dev = &card;
	p->csum = CSUM_GOOD;
	*ip_rx_of(p) = (struct ip_rx){ .ttl = (u8)number, .tos = tos, .dev = &card };
	return p;
}

static struct reassembly_key key_of(u32 flow)
{
	return (struct reassembly_key){ .src = ip_addr_v4(0x0100000a + (flow & 1)), .dst = ip_addr_v4(0x0200000a), .id = 7 + flow / 2, .protocol = 17 };
}

static enum reassembly_result put(u32 flow, const u8 *data, u32 start, u32 len, bool more, u8 tos, struct packet **whole)
{
	struct reassembly_key k = key_of(flow);
	struct packet *p = make(data + start, len, start / 8, tos);

	return p ? reassembly_put(&table, &k, p, start, more, whole) : REASSEMBLY_FAILED;
}

static void check_whole(struct packet *q, const u8 *data, u32 len, u8 csum)
{
	static u8 got[DATAGRAM_MAX];

	assert_int_equal(q->len, len);
	assert_true(packet_copy_bits(q, 0, got, len));
	assert_memory_equal(got, data, len);
	assert_int_equal(q->data - packet_net(q), HEAD);
	for (u32 i = 0; i < HEAD; i++)
		assert_int_equal(packet_net(q)[i], 0);		/* the header of the piece at 0 */
	assert_int_equal(ip_rx_of(q)->ttl, 0);
	assert_int_equal(q->csum, csum);
	packet_free(q);
}

/* Several datagrams in pieces of random sizes, all mixed. */
static void mixed(void **state)
{
	static u8 data[FLOWS][DATAGRAM_MAX];
	struct rng rng = { 3 };

	start();
	for (u32 n = 0; n < 150; n++) {
		struct { u32 flow, at, len; bool more; } piece[FLOWS * PIECES_MAX];
		u32 count = 0, size[FLOWS], left[FLOWS] = { 0 };

		for (u32 f = 0; f < FLOWS; f++) {
			size[f] = n % 10 ? 9 + (u32)rng_below(&rng, 9000) : DATAGRAM_MAX - (u32)rng_below(&rng, 2) * 1000;
			rng_bytes(&rng, data[f], size[f]);
			for (u32 at = 0; at < size[f]; left[f]++) {
				u32 step = ALIGN_UP(MAX(size[f] / 50, 8 + (u32)rng_below(&rng, size[f])), 8), len = MIN(step, size[f] - at);

				piece[count].flow = f;
				piece[count].at = at;
				piece[count].len = len;
				piece[count++].more = at + len < size[f];
				at += len;
			}
		}
		for (u32 i = count; i; i--) {
			u32 k = (u32)rng_below(&rng, i), f = piece[k].flow;
			struct packet *whole = NULL;
			enum reassembly_result r = put(f, data[f], piece[k].at, piece[k].len, piece[k].more, 0, &whole);

			assert_int_equal(r, --left[f] ? REASSEMBLY_WAITS : REASSEMBLY_WHOLE);
			if (r == REASSEMBLY_WHOLE)
				check_whole(whole, data[f], size[f], CSUM_GOOD);
			piece[k] = piece[i - 1];
		}
		assert_int_equal(table.count, 0);
		assert_int_equal(table.memory, 0);
	}
	assert_true(armed);
	assert_int_equal(machine_pages_used(), baseline);
}

/* An overlap takes all with it; a late piece of the same datagram then begins a new one. */
static void overlap(void **state)
{
	static u8 data[4096];
	struct packet *whole;

	start();
	assert_int_equal(put(0, data, 0, 800, true, 0, &whole), REASSEMBLY_WAITS);
	assert_int_equal(put(0, data, 1600, 800, true, 0, &whole), REASSEMBLY_WAITS);
	assert_int_equal(put(0, data, 0, 800, true, 0, &whole), REASSEMBLY_WAITS);
	assert_int_equal(table.count, 1);
	assert_int_equal(put(0, data, 792, 808, true, 0, &whole), REASSEMBLY_FAILED);
	assert_int_equal(table.count, 0);
	assert_int_equal(table.memory, 0);
	assert_int_equal(put(0, data, 800, 800, false, 0, &whole), REASSEMBLY_WAITS);
	assert_int_equal(table.count, 1);
	(void)reassembly_expire(&table, ~0ull);
	assert_int_equal(machine_pages_used(), baseline);
}

static void congestion(void **state)
{
	static const struct { u8 a, b; int whole; u8 tos; } cases[] = {
		{ 0xb8, 0xb8, 1, 0xb8 }, { 0xb9, 0xba, 1, 0xb9 }, { 0xb9, 0xbb, 1, 0xbb }, { 0xbb, 0xba, 1, 0xbb }, { 0xb8, 0xbb, 0, 0 },
		{ 0xbb, 0xb8, 0, 0 }, { 0xb8, 0xb9, 1, 0xb8 },
	};
	static u8 data[64];

	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct packet *whole = NULL;

		start();
		assert_int_equal(put(0, data, 0, 32, true, cases[i].a, &whole), REASSEMBLY_WAITS);
		assert_int_equal(put(0, data, 32, 32, false, cases[i].b, &whole), cases[i].whole ? REASSEMBLY_WHOLE : REASSEMBLY_FAILED);
		if (!cases[i].whole)
			continue;
		assert_int_equal(ip_rx_of(whole)->tos, cases[i].tos);
		packet_free(whole);
	}
	assert_int_equal(machine_pages_used(), baseline);
}

/* One piece that nobody checked makes the whole one that has to be. */
static void checksums(void **state)
{
	static u8 data[64];
	struct reassembly_key k = key_of(0);
	struct packet *whole, *p;

	start();
	assert_int_equal(put(0, data, 0, 32, true, 0, &whole), REASSEMBLY_WAITS);
	p = make(data, 32, 4, 0);
	p->csum = CSUM_NONE;
	assert_int_equal(reassembly_put(&table, &k, p, 32, false, &whole), REASSEMBLY_WHOLE);
	check_whole(whole, data, 64, CSUM_NONE);
}

static void times_out(void **state)
{
	static u8 data[64];
	struct packet *whole;

	start();
	u64 now = plat_mono_ns();

	assert_int_equal(put(0, data, 0, 32, true, 0, &whole), REASSEMBLY_WAITS);
	assert_int_equal(put(1, data, 32, 32, false, 0, &whole), REASSEMBLY_WAITS);
	assert_true(reassembly_expire(&table, now + 29ull * NS_PER_SEC));
	assert_int_equal(timeouts, 0);
	assert_false(reassembly_expire(&table, now + 40ull * NS_PER_SEC));
	assert_int_equal(timeouts, 2);
	assert_int_equal(told, 1);		/* only of the one whose first piece came */
	assert_int_equal(told_len, 32);
	assert_int_equal(table.memory, 0);
	assert_int_equal(put(0, data, 0, 32, true, 0, &whole), REASSEMBLY_WAITS);
	card_gone = true;
	assert_false(reassembly_expire(&table, ~0ull));
	assert_int_equal(told, 1);
	assert_int_equal(machine_pages_used(), baseline);
}

/* Beyond the bound nothing new is taken, and what is there can still be finished once there is room. */
static void bounded(void **state)
{
	static u8 data[1600];
	struct packet *whole;
	u32 kept = 0;

	start();
	table.high = 100000;
	for (u32 flow = 0; flow < 500; flow++)
		kept += put(flow, data, 0, 800, true, 0, &whole) == REASSEMBLY_WAITS;
	assert_true(kept > 20 && kept < 125);
	assert_int_equal(table.count, kept);
	assert_true(table.memory <= 100000 && table.memory > 90000);
	table.high = 200000;
	assert_int_equal(put(0, data, 800, 800, false, 0, &whole), REASSEMBLY_WHOLE);
	check_whole(whole, data, 1600, CSUM_GOOD);
	table.high = 0;
	assert_int_equal(put(1, data, 800, 800, false, 0, &whole), REASSEMBLY_FAILED);
	assert_false(reassembly_expire(&table, ~0ull));
	assert_int_equal(table.memory, 0);
	assert_int_equal(machine_pages_used(), baseline);
}

static void no_memory(void **state)
{
	static u8 data[9000];
	bool done = false;
	u32 failures = 0;

	for (int n = 0; !done; n++) {
		struct packet *whole = NULL;

		start();
		machine_fail_after(n);
		for (u32 at = 0; at < 9000; at += 3000)
			if (put(0, data, at, 3000, at < 6000, 0, &whole) == REASSEMBLY_WHOLE)
				check_whole(whole, data, 9000, CSUM_GOOD);
		done = !machine_failed();
		machine_fail_after(-1);
		failures += !done;
		(void)reassembly_expire(&table, ~0ull);
		assert_int_equal(table.memory, 0);
		assert_int_equal(machine_pages_used(), baseline);
	}
	assert_true(failures > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mixed), cmocka_unit_test(overlap), cmocka_unit_test(congestion), cmocka_unit_test(checksums),
		cmocka_unit_test(times_out), cmocka_unit_test(bounded), cmocka_unit_test(no_memory),
	};

	machine_start();
	packet_init();
	start();
	baseline = machine_pages_used();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
