/* The chain of IPv6 extension headers: what is found above it, what is refused, and that no byte beyond the end is read. */
#include "tests/unit/unit.h"

#include "net/ext6.h"

static u8 *packet;		/* of exactly `len` bytes on the heap: ASan sees a read past them */
static u32 len;

static void make(u8 next, const void *rest, u32 n)
{
	free(packet);
	len = IP6_HEADER + n;
	packet = calloc(1, len);
	packet[6] = next;
	memcpy(packet + IP6_HEADER, rest, n);
}

#define MAKE(next, ...) make(next, (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

static enum ext6_verdict walk(bool group, struct ext6 *e)
{
	return ext6_walk(packet, len, group, e);
}

static void test_none(void **state)
{
	struct ext6 e;

	MAKE(17, 0);
	assert_int_equal(walk(false, &e), EXT6_TRANSPORT);
	assert_int_equal(e.next, 17);
	assert_int_equal(e.at, 40);
	assert_int_equal(e.next_field, 6);
	MAKE(59, 0);
	assert_int_equal(walk(false, &e), EXT6_NOTHING);
}

static void test_chain(void **state)
{
	struct ext6 e;

	/* hop-by-hop with a router alert and padding, 16 bytes of destination options, routing with nothing left, an atomic fragment, TCP */
	MAKE(0, 60, 0, 5, 2, 0, 0, 1, 0, 43, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 9, 1, 2);
	assert_int_equal(walk(false, &e), EXT6_TRANSPORT);
	assert_int_equal(e.next, 6);
	assert_int_equal(e.at, 40 + 8 + 16 + 8 + 8);
	assert_int_equal(e.next_field, 40 + 8 + 16 + 8);
}

static void test_fragments(void **state)
{
	struct ext6 e;

	MAKE(44, 17, 0, 0, 1, 0, 0, 0, 7);		/* offset 0, more to come */
	assert_int_equal(walk(false, &e), EXT6_FRAGMENT);
	assert_int_equal(e.at, 40);
	MAKE(44, 17, 0, 0, 8, 0, 0, 0, 7);		/* the last */
	assert_int_equal(walk(false, &e), EXT6_FRAGMENT);
	MAKE(44, 17, 0, 0, 6, 0, 0, 0, 7);		/* reserved bits alone do not make one */
	assert_int_equal(walk(false, &e), EXT6_TRANSPORT);
}

static void test_problems(void **state)
{
	struct ext6 e;

	MAKE(60, 0, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0);	/* hop-by-hop anywhere but first (RFC 8200, 4.1) */
	assert_int_equal(walk(false, &e), EXT6_PARAMETER);
	assert_int_equal(e.code, 1);
	assert_int_equal(e.pointer, 40);
	MAKE(43, 17, 0, 0, 1, 0, 0, 0, 0);			/* routing type 0 with a segment left (RFC 5095) */
	assert_int_equal(walk(false, &e), EXT6_PARAMETER);
	assert_int_equal(e.code, 0);
	assert_int_equal(e.pointer, 42);
	/* unknown options say what is to be done by their two highest bits (4.2) */
	MAKE(60, 17, 0, 0x1e, 4, 0, 0, 0, 0);
	assert_int_equal(walk(false, &e), EXT6_TRANSPORT);
	MAKE(60, 17, 0, 0x5e, 4, 0, 0, 0, 0);
	assert_int_equal(walk(false, &e), EXT6_DROP);
	MAKE(60, 17, 0, 0x9e, 4, 0, 0, 0, 0);
	assert_int_equal(walk(true, &e), EXT6_PARAMETER);
	assert_int_equal(e.code, 2);
	assert_int_equal(e.pointer, 42);
	MAKE(60, 17, 0, 0xde, 4, 0, 0, 0, 0);
	assert_int_equal(walk(true, &e), EXT6_DROP);
	assert_int_equal(walk(false, &e), EXT6_PARAMETER);
	MAKE(60, 17, 0, 1, 5, 0, 0, 0, 0);			/* an option that is longer than its header */
	assert_int_equal(walk(false, &e), EXT6_DROP);
	MAKE(60, 17, 0, 0, 0, 0, 0, 0, 1);			/* one whose length is not there */
	assert_int_equal(walk(false, &e), EXT6_DROP);
}

/* Every beginning of a chain, on a heap block of its own: no verdict but "truncated", no read past the end. */
static void test_truncated(void **state)
{
	static const u8 chain[] = { 60, 0, 5, 2, 0, 0, 1, 0, 43, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 44, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 9 };
	struct ext6 e;

	for (u32 n = 0; n < sizeof(chain); n++) {
		make(0, chain, n);
		assert_int_equal(walk(false, &e), EXT6_TRUNCATED);
	}
}

/* Any bytes at all: an answer within the bytes given. */
static void test_noise(void **state)
{
	static const u8 types[] = { 0, 43, 44, 60, 59, 6, 17, 135 };
	u32 seed = 1;

	for (u32 round = 0; round < 20000; round++) {
		u8 rest[64];
		struct ext6 e;

		for (u32 i = 0; i < sizeof(rest); i++) {
			seed = seed * 1664525 + 1013904223;
			rest[i] = i % 8 == 0 ? types[seed >> 29] : (u8)((seed >> 24) & (i % 8 == 1 ? 1 : 0xff));
		}
		make(types[(seed >> 20) & 7], rest, (seed >> 8) & 63);
		enum ext6_verdict v = walk(seed & 1, &e);

		if (v == EXT6_TRANSPORT)
			assert_true(e.at <= len && e.next_field < len);
		else if (v == EXT6_FRAGMENT)
			assert_true(e.at + 8 <= len);
		else if (v == EXT6_PARAMETER)
			assert_true(e.pointer < len);
	}
	free(packet);
	packet = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none), cmocka_unit_test(test_chain), cmocka_unit_test(test_fragments), cmocka_unit_test(test_problems),
		cmocka_unit_test(test_truncated), cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
