/* Checksums, against sums of 16-bit words one at a time. */
#include "tests/unit/unit.h"

#include "net/checksum.h"

enum { BYTES = 300 };

static u8 data[BYTES + 8];

/* The folded sum of words as they lie in memory; the last byte of an odd number is the first of its word. */
static u16 model(const u8 *p, size_t n, u32 sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? (u32)p[i] << 8 : p[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (u16)sum;
}

/* Both zeros of one's complement are the same number. */
static void assert_same(u16 a, u16 b)
{
	assert_int_equal(a % 0xffff, b % 0xffff);
}

static void test_partial(void **state)
{
	struct rng rng = { 1 };
	u8 copy[BYTES + 8];

	for (u32 round = 0; round < 5000; round++) {
		size_t n = rng_below(&rng, BYTES + 1), at = rng_below(&rng, 8);
		u32 start = (u32)rng_u64(&rng);

		rng_bytes(&rng, data, sizeof(data));
		if (round % 4 == 0)
			memset(data, round & 4 ? 0xff : 0, sizeof(data));
		assert_same(csum_fold(csum_partial(data + at, n, 0)), model(data + at, n, 0));
		assert_same(csum_fold(csum_partial(data + at, n, start)), model(data + at, n, csum_fold(start)));
		assert_int_equal(csum_copy(copy, data + at, n, start), csum_partial(data + at, n, start));
		assert_memory_equal(copy, data + at, n);
	}
}

static void test_pieces(void **state)
{
	struct rng rng = { 2 };

	rng_bytes(&rng, data, sizeof(data));
	for (u32 round = 0; round < 2000; round++) {
		u32 n = (u32)rng_below(&rng, BYTES + 1), at = 0, sum = 0;

		while (at < n) {
			u32 part = 1 + (u32)rng_below(&rng, n - at);

			sum = csum_add(sum, csum_shift(csum_partial(data + at, part, 0), at));
			at += part;
		}
		assert_same(csum_fold(sum), model(data, n, 0));
	}
}

static void test_finish_and_replace(void **state)
{
	struct rng rng = { 3 };

	for (u32 round = 0; round < 2000; round++) {
		u8 head[20];
		be16 from, to, sum;

		rng_bytes(&rng, head, sizeof(head));
		memset(head + 10, 0, 2);
		sum = ip4_header_csum(head, 5);
		memcpy(head + 10, &sum, 2);
		assert_int_equal(ip4_header_csum(head, 5), 0);
		/* A TTL that went down. */
		memcpy(&from, head + 8, 2);
		head[8]--;
		memcpy(&to, head + 8, 2);
		sum = csum_replace(sum, from, to);
		memcpy(head + 10, &sum, 2);
		assert_int_equal(ip4_header_csum(head, 5), 0);
	}
}

static void test_pseudo(void **state)
{
	struct rng rng = { 4 };

	for (u32 round = 0; round < 2000; round++) {
		struct ip_addr a, b;
		u32 len = (u32)rng_magnitude(&rng);
		u8 v6[40] = { 0 }, v4[12] = { 0 }, protocol = (u8)rng_u64(&rng);

		/* RFC 768 */
		rng_bytes(&rng, v4, 8);
		a = ip_addr_v4(get_le32(v4));
		b = ip_addr_v4(get_le32(v4 + 4));
		v4[9] = protocol;
		put_be16(v4 + 10, (u16)len);
		assert_same(csum_fold(csum_pseudo(&a, &b, protocol, (u16)len)), model(v4, sizeof(v4), 0));
		/* RFC 8200, 8.1 */
		rng_bytes(&rng, v6, 32);
		a = ip_addr_v6(v6);
		b = ip_addr_v6(v6 + 16);
		put_be32(v6 + 32, len);
		v6[39] = protocol;
		assert_same(csum_fold(csum_pseudo(&a, &b, protocol, len)), model(v6, sizeof(v6), 0));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_finish_and_replace),
		cmocka_unit_test(test_pseudo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
