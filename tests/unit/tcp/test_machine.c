/*
 * What a connection does over a link without faults, and over one that fails in one way: times and counts that follow from the RFCs.
 */
#include "tests/unit/tcp/pair.h"

enum { MS = 1000000 };

static struct pair p;

static bool all_read(struct pair *pair)
{
	return pair->a.read == pair->b.to_write && pair->b.read == pair->a.to_write;
}

static void start(u64 seed)
{
	pair_init(&p, seed);
	p.faults.delay_ns = 5 * MS;
	p.trace = getenv("TCP_TRACE") != NULL;
	pair_start(&p);
	assert_true(pair_run(&p, pair_connected, 1000ull * MS));
}

/* Slow start doubles the window each round trip from ten segments: n bytes take about log2(n / 14480) round trips, then what the buffers allow. */
static void test_clean_transfer(void **state)
{
	start(1);
	u64 from = p.now_ns;

	pair_write(&p.a, 4000000);
	assert_true(pair_run(&p, all_read, 3000ull * MS));
	assert_int_equal(p.a.c.total_retrans, 0);
	assert_int_equal(p.b.c.ooo_packets_total, 0);
	/* 4 MB in less than 40 round trips of 10 ms: both buffers must have grown. */
	assert_true(p.now_ns - from < 400ull * MS);
	assert_true(p.b.c.rcvbuf > p.cfg[1].rmem[1]);
	/* Round trips were measured: 10 ms, as the link is; delayed ACKs may add to some. */
	assert_in_range(tcp_min_rtt_us(&p.a.c), 9990, 10999);
	pair_end(&p);
}

/* About one ACK for two segments (RFC 5681, 4.2), fewer when windows move in large steps. */
static void test_ack_rate(void **state)
{
	start(2);
	p.b.c.rcvbuf_locked = true;
	pair_write(&p.a, 1448 * 1000);
	assert_true(pair_run(&p, all_read, 3000ull * MS));
	/* The window has opened as far as it will. */
	u64 before = p.b.emitted;

	pair_write(&p.a, 1448 * 1000);
	assert_true(pair_run(&p, all_read, 3000ull * MS));
	assert_true(p.b.emitted - before < 1000 * 3 / 4);
	assert_true(p.b.emitted - before > 100);
	pair_end(&p);
}

/* A fixed small receive buffer is respected: nothing is sent that has no room, nothing is dropped there. */
static void test_small_receiver(void **state)
{
	pair_init(&p, 3);
	p.b.c.rcvbuf = 16384;
	p.b.c.rcvbuf_locked = true;
	p.b.stops_reading = true;
	p.trace = getenv("TCP_TRACE") != NULL;
	pair_start(&p);
	assert_true(pair_run(&p, pair_connected, 1000ull * MS));
	pair_write(&p.a, 200000);
	pair_run(&p, NULL, 5000ull * MS);
	assert_int_equal(p.b.read, 0);
	assert_true(tcp_readable(&p.b.c) > 4000);
	assert_true(p.b.c.rcv_memory <= p.b.c.rcvbuf + 2 * 2048);
	assert_true(p.a.c.timer_kind == TCP_TIMER_PROBE);
	p.b.stops_reading = false;
	p.b.user_ns = p.now_ns;
	/* The window update may be lost on no link here: it goes on at once, not at the next probe. */
	assert_true(pair_run(&p, all_read, 5000ull * MS));
	pair_end(&p);
}

/* The link is cut for ten seconds: afterwards all arrives, and soon (the time-out has doubled to at most about the length of the cut). */
static void test_partition_heals(void **state)
{
	start(4);
	pair_write(&p.a, 300000);
	pair_run(&p, NULL, 12 * MS);
	p.faults.down_from_ns = p.now_ns;
	p.faults.down_to_ns = p.now_ns + 10000ull * MS;
	pair_run(&p, NULL, 10000ull * MS);
	assert_true(!all_read(&p));
	assert_true(pair_run(&p, all_read, 13000ull * MS));
	pair_end(&p);
}

static u32 lose_at, lose_count;

static bool lose_one(struct pair *pair, struct peer *from, const struct packet_sim *k)
{
	if (from != &pair->a || !k->len || (lose_at && --lose_at) || !lose_count)
		return true;
	lose_count--;
	return false;
}

/* One segment of many is lost: one retransmission within two round trips, no time-out, the window down by CUBIC's 0.7. */
static void test_one_loss(void **state)
{
	start(5);
	lose_at = 40;
	lose_count = 1;
	p.filter = lose_one;
	pair_write(&p.a, 400000);
	u64 from = p.now_ns;

	assert_true(pair_run(&p, all_read, 3000ull * MS));
	assert_int_equal(p.a.c.total_retrans, 1);
	assert_int_equal(p.counts[LINUX_MIB_TCPTIMEOUTS], 0);
	assert_int_equal(p.counts[LINUX_MIB_TCPSACKRECOVERY], 1);
	assert_true(p.a.c.ssthresh < TCP_SSTHRESH_INFINITE);
	assert_true(p.now_ns - from < 300ull * MS);
	pair_end(&p);
}

/* The last two segments are lost: a probe after two round trips finds it, long before the time-out (RFC 8985, 7). */
static void test_tail_loss(void **state)
{
	start(6);
	lose_at = 4;
	lose_count = 2;
	p.filter = lose_one;
	pair_write(&p.a, 5 * 1448);
	u64 from = p.now_ns;

	assert_true(pair_run(&p, all_read, 3000ull * MS));
	assert_int_equal(p.counts[LINUX_MIB_TCPTIMEOUTS], 0);
	assert_int_equal(p.counts[LINUX_MIB_TCPLOSSPROBES], 1);
	assert_true(p.now_ns - from < 60ull * MS);
	pair_end(&p);
}

/* SO_MAX_PACING_RATE: 100,000 bytes a second. */
static void test_pacing(void **state)
{
	start(7);
	p.a.c.max_pacing_rate = 100000;
	u64 from = p.now_ns;

	pair_write(&p.a, 200000);
	assert_true(pair_run(&p, all_read, 10000ull * MS));
	assert_true(p.now_ns - from > 1800ull * MS);
	assert_true(p.now_ns - from < 2400ull * MS);
	pair_end(&p);
}

/* The small queue: with the device holding everything, no more than the limit goes down. */
static void test_small_queue(void **state)
{
	start(8);
	p.cfg[0].limit_output_bytes = 10000;
	p.a.c.sndbuf = 1000000;
	p.a.c.queued_bytes = 20000;		/* what the device holds, as its owner counts */
	u64 before = p.a.emitted;

	pair_write(&p.a, 100000);
	assert_true(p.a.c.throttled);
	assert_true(p.a.emitted - before <= 2);
	p.a.c.queued_bytes = 0;
	tcp_resume(&p.a.c, p.now_ns);
	assert_true(p.a.emitted - before >= 2);
	assert_true(pair_run(&p, all_read, 3000ull * MS));
	pair_end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean_transfer), cmocka_unit_test(test_ack_rate), cmocka_unit_test(test_small_receiver),
		cmocka_unit_test(test_partition_heals), cmocka_unit_test(test_one_loss), cmocka_unit_test(test_tail_loss), cmocka_unit_test(test_pacing),
		cmocka_unit_test(test_small_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
