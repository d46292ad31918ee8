/* Router advertisements taken apart, and the options of discovery's messages. */
#include "tests/unit/unit.h"

#include "net/ndp.h"
#include "net/ra.h"

static u8 *message;
static u32 len;

static void begin(void)
{
	free(message);
	message = calloc(1, RA_HEADER);
	len = RA_HEADER;
	message[0] = ND_ROUTER_ADVERT;
	message[4] = 64;
	put_be16(message + 6, 1800);
}

static u8 *option(u8 type, u8 units)
{
	message = realloc(message, len + units * 8u);
	u8 *o = message + len;

	memset(o, 0, units * 8u);
	o[0] = type;
	o[1] = units;
	len += units * 8u;
	return o;
}

static void prefix(const char *first, u8 bits, u8 flags, u32 valid, u32 preferred)
{
	u8 *o = option(ND_OPT_PREFIX, 4);

	o[2] = bits;
	o[3] = flags;
	put_be32(o + 4, valid);
	put_be32(o + 8, preferred);
	memcpy(o + 16, first, 4);
}

static void test_whole(void **state)
{
	struct ra_news n;

	begin();
	option(ND_OPT_SOURCE, 1);
	put_be32(option(ND_OPT_MTU, 1) + 4, 1400);
	prefix("\x20\x01\x0d\xb8", 64, 0xc0, 86400, 14400);
	prefix("\xfe\x80\0\0", 64, 0xc0, 10, 10);		/* the link's own prefix is no news (RFC 4862, 5.5.3 b) */
	prefix("\xfd\0\0\1", 48, 0x80, ~0u, ~0u);
	prefix("\xfd\0\0\2", 64, 0xc0, 10, 20);			/* preferred for longer than valid (5.5.3 c) */
	option(31, 3);						/* DNS search: not for us */
	assert_true(ra_parse(message, len, &n));
	assert_int_equal(n.hop_limit, 64);
	assert_int_equal(n.router_lifetime_s, 1800);
	assert_int_equal(n.mtu, 1400);
	assert_int_equal(n.prefix_count, 2);
	assert_memory_equal(n.prefix[0].prefix.b, "\x20\x01\x0d\xb8", 4);
	assert_int_equal(n.prefix[0].len, 64);
	assert_true(n.prefix[0].on_link && n.prefix[0].autonomous);
	assert_int_equal(n.prefix[0].valid_s, 86400);
	assert_int_equal(n.prefix[0].preferred_s, 14400);
	assert_true(n.prefix[1].on_link && !n.prefix[1].autonomous);
	assert_int_equal(n.prefix[1].valid_s, ~0u);
}

static void test_many(void **state)
{
	struct ra_news n;

	begin();
	for (u32 i = 0; i < 3 * RA_PREFIXES_MAX; i++)
		prefix("\x20\x01\x0d\xb8", 64, 0xc0, 86400, 14400);
	assert_true(ra_parse(message, len, &n));
	assert_int_equal(n.prefix_count, RA_PREFIXES_MAX);
}

static void test_damaged(void **state)
{
	struct ra_news n;

	begin();
	assert_false(ra_parse(message, RA_HEADER - 1, &n));
	option(ND_OPT_MTU, 1)[1] = 0;				/* a length of 0 makes the whole message void (RFC 4861, 6.1.2) */
	assert_false(ra_parse(message, len, &n));
	begin();
	option(ND_OPT_PREFIX, 4)[1] = 5;
	assert_false(ra_parse(message, len, &n));
	begin();
	prefix("\x20\x01\x0d\xb8", 129, 0xc0, 86400, 14400);
	assert_true(ra_parse(message, len, &n));
	assert_int_equal(n.prefix_count, 0);
	begin();
	prefix("\x20\x01\x0d\xb8", 64, 0xc0, 86400, 14400);
	for (u32 cut = RA_HEADER + 1; cut < len; cut++) {
		u8 *part = malloc(cut);		/* ASan sees a read past the cut */

		memcpy(part, message, cut);
		assert_false(ra_parse(part, cut, &n));
		free(part);
	}
}

static void test_link_address(void **state)
{
	const u8 options[] = { 14, 1, 0, 0, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7 }, group[] = { 2, 1, 1, 3, 4, 5, 6, 7 }, wide[] = { 1, 2, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0, 0, 0 };

	assert_ptr_equal(ndp_link_address(options, sizeof(options), ND_OPT_SOURCE), options + 10);
	assert_null(ndp_link_address(options, sizeof(options), ND_OPT_TARGET));
	assert_null(ndp_link_address(options, sizeof(options) - 1, ND_OPT_SOURCE));
	assert_null(ndp_link_address(group, sizeof(group), ND_OPT_TARGET));	/* a group's address belongs to nobody */
	assert_null(ndp_link_address(wide, sizeof(wide), ND_OPT_SOURCE));	/* longer than an Ethernet address */
	free(message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole), cmocka_unit_test(test_many), cmocka_unit_test(test_damaged), cmocka_unit_test(test_link_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
