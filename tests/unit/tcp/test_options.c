/* Options of TCP headers, and SYN cookies. */
#include "tests/unit/unit.h"
#include "net/tcp/options.h"
#include "net/tcp/request.h"

static void test_syn_bytes(void **state)
{
	/* As RFC 9293, 7323 and 2018 lay them out. */
	static const u8 syn[] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 7, 0, 0, 0, 9, 1, 3, 3, 7 };
	struct tcp_options o;
	u8 out[TCP_OPTIONS_MAX];

	tcp_options_parse(&o, syn, sizeof(syn), true);
	assert_int_equal(o.mss, 1460);
	assert_true(o.sack_ok && o.has_ts && o.has_wscale);
	assert_int_equal(o.tsval, 7);
	assert_int_equal(o.tsecr, 9);
	assert_int_equal(o.wscale, 7);
	assert_int_equal(o.fo_len, TCP_FO_NONE);
	assert_int_equal(tcp_options_build(&o, out), sizeof(syn));
	assert_memory_equal(out, syn, sizeof(syn));
	/* The same without SYN: only the time stamp counts. */
	tcp_options_parse(&o, syn, sizeof(syn), false);
	assert_true(o.has_ts && !o.mss && !o.sack_ok && !o.has_wscale);
}

static void test_sack_bytes(void **state)
{
	static const u8 ack[] = { 1, 1, 5, 18, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 1, 0, 0, 0, 2, 0 };
	struct tcp_options o;
	u8 out[TCP_OPTIONS_MAX];

	tcp_options_parse(&o, ack, sizeof(ack), false);
	assert_int_equal(o.sack_count, 2);
	assert_int_equal(o.sack[1].start, 0x100);
	assert_int_equal(o.sack[1].end, 0x200);
	assert_int_equal(tcp_options_build(&o, out), sizeof(ack));
	assert_memory_equal(out, ack, sizeof(ack));
	/* Four blocks fill the header; beside a time stamp there is room for three. */
	o.sack_count = 4;
	assert_int_equal(tcp_options_build(&o, out), 36);
	o.has_ts = true;
	assert_int_equal(tcp_options_build(&o, out), 40);
}

static void test_malformed(void **state)
{
	struct tcp_options o;

	tcp_options_parse(&o, (const u8[]){ 2, 0, 5, 0xb4 }, 4, true);		/* length 0 */
	assert_int_equal(o.mss, 0);
	tcp_options_parse(&o, (const u8[]){ 2, 5, 5, 0xb4 }, 4, true);		/* past the end */
	assert_int_equal(o.mss, 0);
	tcp_options_parse(&o, (const u8[]){ 1, 1, 1, 2 }, 4, true);		/* no length */
	tcp_options_parse(&o, (const u8[]){ 77, 4, 0, 0, 2, 4, 2, 0 }, 8, true);	/* unknown is skipped (MUST-6) */
	assert_int_equal(o.mss, 512);
	tcp_options_parse(&o, (const u8[]){ 0, 0, 0, 0, 2, 4, 2, 0 }, 8, true);	/* after the end */
	assert_int_equal(o.mss, 0);
	tcp_options_parse(&o, (const u8[]){ 3, 3, 200, 0 }, 4, true);		/* RFC 7323, 2.3 */
	assert_int_equal(o.wscale, 14);
	tcp_options_parse(&o, (const u8[]){ 34, 2, 0, 0 }, 4, true);		/* RFC 7413, 4.1.1: a request */
	assert_int_equal(o.fo_len, 0);
	tcp_options_parse(&o, (const u8[]){ 34, 5, 1, 2, 3, 0, 0, 0 }, 8, true);	/* odd */
	assert_int_equal(o.fo_len, TCP_FO_NONE);
}

static void test_random(void **state)
{
	struct rng rng = { 11 };
	u8 in[TCP_OPTIONS_MAX], out[TCP_OPTIONS_MAX];
	struct tcp_options o, again;

	for (u32 i = 0; i < 200000; i++) {
		u32 len = (u32)rng_below(&rng, TCP_OPTIONS_MAX + 1);

		for (u32 k = 0; k < len; k++)
			in[k] = (u8)(rng_below(&rng, 2) ? rng_below(&rng, 12) : rng_u64(&rng));
		u8 *exact = malloc(len + !len);		/* so that a byte too many is seen */

		memcpy(exact, in, len);
		tcp_options_parse(&o, exact, len, i & 1);
		free(exact);
		u32 n = tcp_options_build(&o, out);

		assert_true(n <= TCP_OPTIONS_MAX && n % 4 == 0);
		tcp_options_parse(&again, out, n, i & 1);
		assert_int_equal(again.mss, o.mss);
		assert_int_equal(again.has_ts, o.has_ts);
	}
}

static void test_cookie(void **state)
{
	static const struct tcp_cookie_key key = { { "0123456789abcde", "fedcba987654321" } };
	const u64 minute = 60000000000ull;
	u32 flow[3] = { 1, 2, 3 }, other[3] = { 1, 2, 4 };
	u16 mss = 1460;
	u32 c = tcp_cookie_make(&key, flow, sizeof(flow), 77, &mss, 5 * minute);

	assert_int_equal(mss, 1460);
	assert_int_equal(tcp_cookie_check(&key, flow, sizeof(flow), 77, c, 5 * minute), 1460);
	assert_int_equal(tcp_cookie_check(&key, flow, sizeof(flow), 77, c, 6 * minute), 1460);
	assert_int_equal(tcp_cookie_check(&key, flow, sizeof(flow), 77, c, 7 * minute), 0);	/* too old */
	assert_int_equal(tcp_cookie_check(&key, flow, sizeof(flow), 1077, c, 5 * minute), 0);
	assert_int_equal(tcp_cookie_check(&key, other, sizeof(other), 77, c, 5 * minute), 0);
	assert_int_equal(tcp_cookie_check(&key, flow, sizeof(flow), 77, c + (1 << 20), 5 * minute), 0);
	mss = 1400;
	tcp_cookie_make(&key, flow, sizeof(flow), 77, &mss, 0);
	assert_int_equal(mss, 1300);		/* the next smaller one that it can tell */
}

static void test_cookie_timestamp(void **state)
{
	struct tcp_request r = { .sack_ok = true, .wscale_ok = true, .snd_wscale = 9, .ecn_ok = true, .ts_offset = 12345 }, got = { 0 };
	struct tcp_options o;

	tcp_options_clear(&o);
	o.has_ts = true;
	for (u64 ms = 0; ms < 300; ms++) {
		o.tsecr = tcp_cookie_ts(&r, ms * 1000000);
		assert_true((s32)(o.tsecr - (u32)(ms + 12345)) <= 0);		/* not from the future */
		assert_true((u32)(ms + 12345) - o.tsecr < 128);
		assert_true(tcp_cookie_ts_take(&got, &(struct tcp_config){ .timestamps = 1, .sack = 1, .window_scaling = 1 }, &o));
		assert_true(got.sack_ok && got.wscale_ok && got.ecn_ok && got.ts_ok);
		assert_int_equal(got.snd_wscale, 9);
	}
	assert_false(tcp_cookie_ts_take(&got, &(struct tcp_config){ .timestamps = 1, .sack = 0, .window_scaling = 1 }, &o));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syn_bytes), cmocka_unit_test(test_sack_bytes), cmocka_unit_test(test_malformed), cmocka_unit_test(test_random),
		cmocka_unit_test(test_cookie), cmocka_unit_test(test_cookie_timestamp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
