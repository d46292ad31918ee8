/* Ports: who may share one, whom a packet is for, and that SO_REUSEPORT spreads flows evenly over any number of members. */
#include "tests/unit/unit.h"

#include <linux/errno.h>
#include "net/endpoint.h"
#include "tests/unit/mm/machine.h"

enum { LOCAL = 0x0100007f, OTHER = 0x0200007f, PEER = 0x0500007f };

static struct port_table table;

static struct net_endpoint endpoint(be32 local)
{
	return (struct net_endpoint){ .local = ip_addr_v4(local), .remote = ip_addr_v4(0) };
}

static struct net_endpoint *lookup(be32 src, u16 sport, be32 dst, u16 dport)
{
	struct ip_addr s = ip_addr_v4(src), d = ip_addr_v4(dst);

	return port_lookup(&table, &s, sport, &d, dport, 1, false);
}

static void test_conflicts(void **state)
{
	struct net_endpoint any = endpoint(0), one = endpoint(LOCAL), two = endpoint(OTHER);

	assert_int_equal(port_bind(&table, &one, 80), 0);
	assert_int_equal(port_bind(&table, &two, 80), 0);
	assert_int_equal(port_bind(&table, &any, 80), -EADDRINUSE);
	assert_int_equal(any.lport, 0);
	assert_int_equal(port_bind(&table, &any, 80 + PORT_BUCKETS), 0);
	port_unbind(&table, &any);
	any.reuse = one.reuse = two.reuse = true;
	assert_int_equal(port_bind(&table, &any, 80), 0);
	assert_ptr_equal(lookup(PEER, 9, LOCAL, 80), &one);
	assert_ptr_equal(lookup(PEER, 9, 0x0300007f, 80), &any);
	any.remote = ip_addr_v4(PEER);
	any.rport = 9;
	assert_ptr_equal(lookup(PEER, 9, OTHER, 80), &any);
	assert_ptr_equal(lookup(PEER, 8, OTHER, 80), &two);
	assert_null(lookup(PEER, 9, LOCAL, 81));
	port_unbind(&table, &any);
	port_unbind(&table, &one);
	port_unbind(&table, &two);
	assert_null(lookup(PEER, 9, LOCAL, 80));
}

/* Each of @n members gets its part of the flows, and a flow always the same member. */
static void spread(u32 n)
{
	static struct net_endpoint member[16];
	u32 got[16] = { 0 }, flows = 2000 * n;

	for (u32 i = 0; i < n; i++) {
		member[i] = endpoint(0);
		member[i].reuseport = true;
		assert_int_equal(port_bind(&table, &member[i], 53), 0);
	}
	for (u32 f = 0; f < flows; f++) {
		u16 sport = (u16)(1024 + f % 30000);
		be32 src = cpu_to_be32(0x0a000000 + f / 30000);
		struct net_endpoint *ep = lookup(src, sport, LOCAL, 53);

		assert_ptr_equal(ep, lookup(src, sport, LOCAL, 53));
		got[ep - member]++;
	}
	for (u32 i = 0; i < n; i++) {
		assert_in_range(got[i], 1700, 2300);
		port_unbind(&table, &member[i]);
	}
}

static void test_reuseport(void **state)
{
	for (u32 n = 1; n <= 16; n++)
		spread(n);
}

/* A better match is not one of the equals. */
static void test_reuseport_and_connected(void **state)
{
	struct net_endpoint a = endpoint(0), b = endpoint(0), c = endpoint(0);

	a.reuseport = b.reuseport = c.reuseport = true;
	c.remote = ip_addr_v4(PEER);
	c.rport = 9;
	assert_int_equal(port_bind(&table, &a, 53), 0);
	assert_int_equal(port_bind(&table, &c, 53), 0);
	assert_int_equal(port_bind(&table, &b, 53), 0);
	for (u16 sport = 1; sport < 100; sport++) {
		struct net_endpoint *ep = lookup(PEER, sport, LOCAL, 53);

		assert_true(sport == 9 ? ep == &c : ep == &a || ep == &b);
	}
	port_unbind(&table, &a);
	port_unbind(&table, &b);
	port_unbind(&table, &c);
}

static void test_any_port(void **state)
{
	static struct net_endpoint ep[40];
	u16 low, high;

	port_range(&low, &high);
	for (u32 i = 0; i < 40; i++) {
		ep[i] = endpoint(LOCAL);
		assert_int_equal(port_bind(&table, &ep[i], 0), 0);
		assert_in_range(ep[i].lport, low, high);
		assert_ptr_equal(lookup(PEER, 1, LOCAL, ep[i].lport), &ep[i]);
	}
	for (u32 i = 0; i < 40; i++)
		port_unbind(&table, &ep[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conflicts),
		cmocka_unit_test(test_reuseport),
		cmocka_unit_test(test_reuseport_and_connected),
		cmocka_unit_test(test_any_port),
	};

	machine_start();
	port_table_init(&table);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
