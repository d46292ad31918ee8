/* user/auk-init/dhcp.c: what goes out, byte for byte where RFC 2131 says it, and what may come in: anything. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>

#include "user/auk-init/dhcp.h"

enum { OPTIONS = 240, XID = 0x11223344 };

static const unsigned char mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };

/* An answer with @options; NULL-free, its length given. */
static size_t answer(unsigned char *m, const char *options, size_t len)
{
	uint32_t xid = XID;

	memset(m, 0, 600);
	m[0] = 2;
	m[1] = 1;
	m[2] = 6;
	memcpy(m + 4, &xid, 4);
	memcpy(m + 16, "\x0a\x00\x02\x0f", 4);
	memcpy(m + 28, mac, 6);
	memcpy(m + 236, "\x63\x82\x53\x63", 4);
	memcpy(m + OPTIONS, options, len);
	return OPTIONS + len;
}

static void builds(void **state)
{
	struct dhcp_lease offer = { .address.s_addr = htonl(0x0a00020f), .server.s_addr = htonl(0x0a000202) };
	static const unsigned char want[] = { 53, 1, 3, 50, 4, 10, 0, 2, 15, 54, 4, 10, 0, 2, 2, 55, 4, 1, 3, 6, 15, 255 };
	unsigned char m[DHCP_MESSAGE_MAX];

	assert_int_equal(dhcp_build(m, DHCP_DISCOVER, XID, mac, NULL), 300);
	assert_memory_equal(m, "\x01\x01\x06\x00\x44\x33\x22\x11\x00\x00\x80\x00", 12);
	assert_memory_equal(m + 28, mac, 6);
	assert_memory_equal(m + OPTIONS, "\x35\x01\x01\x37\x04\x01\x03\x06\x0f\xff", 10);
	assert_int_equal(dhcp_build(m, DHCP_REQUEST, XID, mac, &offer), 300);
	assert_memory_equal(m + OPTIONS, want, sizeof(want));
}

static void parses(void **state)
{
	static const char good[] = "\x35\x01\x02\x00\x36\x04\x0a\x00\x02\x02\x01\x04\xff\xff\xff\x00\x03\x08\x0a\x00\x02\x02\x0a\x00\x02\x63"
				   "\x06\x10\x01\x01\x01\x01\x02\x02\x02\x02\x03\x03\x03\x03\x04\x04\x04\x04\x0f\x07" "lan.org\xff";
	struct dhcp_lease l;
	unsigned char m[600];
	size_t len = answer(m, good, sizeof(good) - 1);

	assert_int_equal(dhcp_parse(m, len, XID, mac, &l), DHCP_OFFER);
	assert_int_equal(ntohl(l.address.s_addr), 0x0a00020f);
	assert_int_equal(ntohl(l.mask.s_addr), 0xffffff00);
	assert_int_equal(ntohl(l.router.s_addr), 0x0a000202);
	assert_int_equal(l.name_count, DHCP_SERVERS_MAX);
	assert_int_equal(ntohl(l.names[2].s_addr), 0x03030303);
	assert_string_equal(l.domain, "lan.org");
	assert_int_equal(dhcp_parse(m, len, XID + 1, mac, &l), 0);
	assert_int_equal(dhcp_parse(m, len, XID, (const unsigned char *)"abcdef", &l), 0);
	m[0] = 1;
	assert_int_equal(dhcp_parse(m, len, XID, mac, &l), 0);
	m[0] = 2;
	memset(m + 16, 0, 4);
	assert_int_equal(dhcp_parse(m, len, XID, mac, &l), 0);	/* an offer of no address */
}

/* Every cut, and options that say more than there is; nothing of a domain that is none gets into a file. */
static void damaged(void **state)
{
	static const char good[] = "\x35\x01\x05\x0f\x09" "a\nb# evil\x06\x03\x01\x01\x01\x01\x02\x01\x01";
	struct dhcp_lease l;
	unsigned char m[600], *copy;
	size_t len = answer(m, good, sizeof(good) - 1);

	for (size_t n = 0; n <= len; n++) {
		copy = malloc(n + 1);			/* ASan sees a byte too far */
		memcpy(copy, m, n);
		int type = dhcp_parse(copy, n, XID, mac, &l);

		assert_true(type == 0 || (n >= OPTIONS + 3 && type == DHCP_ACK));
		assert_string_equal(l.domain, "");
		assert_int_equal(l.name_count, 0);
		free(copy);
	}
	for (unsigned i = 0; i < 20000; i++) {
		unsigned char *at = m + OPTIONS;
		size_t n = (size_t)(i * 2654435761u >> 20) % 300;

		for (size_t k = 0; k < n; k++)
			at[k] = (unsigned char)((i + 1) * 2246822519u * (k + 7) >> 13);
		copy = malloc(OPTIONS + n);
		memcpy(copy, m, OPTIONS + n);
		(void)dhcp_parse(copy, OPTIONS + n, XID, mac, &l);
		assert_true(l.name_count <= DHCP_SERVERS_MAX && strnlen(l.domain, DHCP_DOMAIN_MAX) < DHCP_DOMAIN_MAX);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(builds), cmocka_unit_test(parses), cmocka_unit_test(damaged) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
