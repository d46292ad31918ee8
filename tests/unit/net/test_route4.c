/* Addresses and the routes that come and go with them; path MTUs. */
#include "tests/unit/unit.h"

#include <linux/errno.h>
#include <linux/netlink.h>
#include "net/ip.h"
#include "net/route4.h"
#include "tests/unit/mm/machine.h"
#include "tests/unit/net/devices.h"

static be32 ip(u8 a, u8 b, u8 c, u8 d) { return cpu_to_be32((u32)a << 24 | (u32)b << 16 | (u32)c << 8 | d); }

static u32 count(void)
{
	u32 n = 0;

	for (const struct route4 *r = route4_next(NULL); r; r = route4_next(r))
		n++;
	return n;
}

static int type_of(be32 dst)
{
	const struct route4 *r = route4_lookup(dst, 0);

	return r ? r->type : RTN_UNSPEC;
}

/* A static route by a gateway. */
static struct route4 by(be32 prefix, u32 len, be32 gateway)
{
	return (struct route4){ .prefix = prefix, .prefix_len = (u8)len, .type = RTN_UNICAST, .protocol = RTPROT_BOOT, .dev = &stub_eth, .gateway = gateway };
}

static int reach(be32 dst, struct ip_dst *out)
{
	struct ip_flow f = { .src = ip_addr_v4(0), .dst = ip_addr_v4(dst) };

	return ip_route(&f, out);
}

static void test_lookup(void **state)
{
	struct route4 net, all, narrow;
	struct ip_dst d;

	assert_int_equal(ip4_address_add(&stub_eth, ip(10, 0, 2, 15), 24, ip(10, 0, 2, 255)), 0);
	assert_int_equal(ip4_address_add(&stub_eth, ip(10, 0, 2, 15), 24, 0), -EEXIST);
	assert_int_equal(type_of(ip(10, 0, 2, 15)), RTN_LOCAL);
	assert_int_equal(type_of(ip(10, 0, 2, 255)), RTN_BROADCAST);
	assert_int_equal(type_of(ip(10, 0, 2, 3)), RTN_UNICAST);
	assert_int_equal(type_of(ip(10, 0, 3, 3)), RTN_UNSPEC);
	assert_int_equal(reach(ip(10, 0, 3, 3), &d), -ENETUNREACH);
	net = by(ip(192, 168, 0, 0), 16, ip(10, 9, 9, 9));
	assert_int_equal(route4_add(&net), -ENETUNREACH);
	all = by(0, 0, ip(10, 0, 2, 2));
	assert_int_equal(route4_add(&all), 0);
	assert_int_equal(route4_add(&all), -EEXIST);
	narrow = by(ip(192, 168, 7, 0), 24, ip(10, 0, 2, 9));
	assert_int_equal(route4_add(&narrow), 0);
	assert_int_equal(reach(ip(192, 168, 7, 1), &d), 0);
	assert_int_equal(d.gateway.w[3], ip(10, 0, 2, 9));
	assert_int_equal(d.src.w[3], ip(10, 0, 2, 15));
	assert_int_equal(reach(ip(192, 168, 8, 1), &d), 0);
	assert_int_equal(d.gateway.w[3], ip(10, 0, 2, 2));
	/* The lower metric is asked first. */
	narrow.gateway = ip(10, 0, 2, 8);
	narrow.metric = 5;
	assert_int_equal(route4_add(&narrow), 0);
	assert_int_equal(reach(ip(192, 168, 7, 1), &d), 0);
	assert_int_equal(d.gateway.w[3], ip(10, 0, 2, 9));
	narrow.metric = 0;
	assert_int_equal(route4_delete(&narrow), 0);		/* that by .8 */
	assert_int_equal(route4_delete(&narrow), -ESRCH);
	assert_int_equal(ip4_address_delete(&stub_eth, ip(10, 0, 2, 15), 24), 0);
	assert_int_equal(count(), 0);
	assert_int_equal(ip4_address_delete(&stub_eth, ip(10, 0, 2, 15), 24), -EADDRNOTAVAIL);
	assert_int_equal(ip4_address_add(&stub_eth, ip(10, 0, 2, 15), 33, 0), -EINVAL);
	assert_int_equal(ip4_address_add(&stub_eth, ip(224, 0, 0, 1), 24, 0), -EINVAL);
	assert_int_equal(count(), 0);
}

/* A secondary goes alone; a primary takes the secondaries of its network along. Other networks and static routes stay. */
static void test_two_addresses(void **state)
{
	struct route4 all = by(0, 0, ip(10, 0, 2, 2));

	assert_int_equal(ip4_address_add(&stub_eth, ip(10, 0, 2, 15), 24, 0), 0);
	assert_int_equal(ip4_address_add(&stub_eth, ip(10, 0, 2, 16), 24, 0), 0);
	assert_int_equal(ip4_address_add(&stub_eth, ip(192, 168, 5, 1), 24, 0), 0);
	assert_int_equal(route4_add(&all), 0);
	assert_int_equal(ip4_address_delete(&stub_eth, ip(10, 0, 2, 16), 24), 0);
	assert_int_equal(type_of(ip(10, 0, 2, 15)), RTN_LOCAL);
	assert_int_equal(type_of(ip(10, 0, 2, 16)), RTN_UNICAST);
	assert_int_equal(route4_lookup(ip(10, 0, 2, 3), 0)->src, ip(10, 0, 2, 15));
	assert_int_equal(type_of(ip(10, 0, 2, 255)), RTN_BROADCAST);
	assert_int_equal(ip4_address_add(&stub_eth, ip(10, 0, 2, 16), 24, 0), 0);
	assert_int_equal(ip4_address_delete(&stub_eth, ip(10, 0, 2, 15), 24), 0);
	assert_int_equal(ip4_address_delete(&stub_eth, ip(10, 0, 2, 16), 24), -EADDRNOTAVAIL);
	assert_int_equal(type_of(ip(192, 168, 5, 1)), RTN_LOCAL);
	assert_int_equal(type_of(ip(8, 8, 8, 8)), RTN_UNICAST);
	stub_event(&stub_eth, DEVICE_GOING_DOWN);
	assert_int_equal(type_of(ip(8, 8, 8, 8)), RTN_UNSPEC);
	assert_int_equal(type_of(ip(192, 168, 5, 1)), RTN_LOCAL);
	stub_event(&stub_eth, DEVICE_UP);
	assert_int_equal(type_of(ip(192, 168, 5, 3)), RTN_UNICAST);
	stub_event(&stub_eth, DEVICE_UNREGISTERING);
	assert_int_equal(count(), 0);
	assert_null(stub_eth.ip4);
}

/* What NLM_F_* of a request make of a route that is there, or is not. */
static void test_insert(void **state)
{
	struct route4 r = by(ip(10, 7, 0, 0), 16, 0), other, thrown = by(ip(10, 7, 1, 0), 24, 0);

	assert_int_equal(route4_insert(&r, NLM_F_REPLACE), -ENOENT);
	assert_int_equal(route4_insert(&r, NLM_F_CREATE | NLM_F_EXCL), 0);
	assert_int_equal(route4_insert(&r, NLM_F_CREATE | NLM_F_EXCL), -EEXIST);
	assert_int_equal(route4_insert(&r, NLM_F_CREATE), -EEXIST);
	assert_int_equal(route4_insert(&r, NLM_F_CREATE | NLM_F_REPLACE), 0);
	assert_int_equal(count(), 1);
	other = r;
	other.src = ip(10, 7, 0, 1);
	assert_int_equal(route4_insert(&other, NLM_F_CREATE | NLM_F_EXCL), -EEXIST);
	assert_int_equal(route4_insert(&other, NLM_F_REPLACE), 0);
	assert_int_equal(count(), 1);
	assert_int_equal(route4_lookup(ip(10, 7, 3, 3), 0)->src, ip(10, 7, 0, 1));
	assert_int_equal(route4_insert(&r, NLM_F_CREATE), 0);			/* before */
	assert_int_equal(route4_lookup(ip(10, 7, 3, 3), 0)->src, 0);
	assert_int_equal(route4_delete(&r), 0);
	assert_int_equal(route4_insert(&r, NLM_F_CREATE | NLM_F_APPEND), 0);	/* behind */
	assert_int_equal(route4_lookup(ip(10, 7, 3, 3), 0)->src, ip(10, 7, 0, 1));
	thrown.type = RTN_THROW;
	assert_int_equal(route4_add(&thrown), 0);
	assert_int_equal(type_of(ip(10, 7, 1, 1)), RTN_UNSPEC);		/* the table is left, not the next prefix tried */
	thrown.table = RT_TABLE_DEFAULT;
	thrown.type = RTN_PROHIBIT;
	assert_int_equal(route4_add(&thrown), 0);
	assert_int_equal(type_of(ip(10, 7, 1, 1)), RTN_PROHIBIT);
	while (count())
		assert_int_equal(route4_delete(route4_next(NULL)), 0);
}

/* Without memory at any step nothing is left behind. */
static void test_no_memory(void **state)
{
	int n = 0, err;

	do {
		machine_fail_after(n++);
		err = ip4_address_add(&stub_eth, ip(10, 0, 2, 15), 24, ip(10, 0, 2, 200));
		machine_fail_after(-1);
		if (err) {
			assert_int_equal(err, -ENOMEM);
			assert_int_equal(count(), 0);
			assert_null(ip4_first_address(&stub_eth));
		}
	} while (err);
	assert_int_equal(n, 6);	/* the list of addresses stays; address, local, link, two broadcast routes */
	stub_event(&stub_eth, DEVICE_UNREGISTERING);
}

/* What ICMP says lowers the path's MTU, never raises it, and answers older than that are asked again. */
static void test_pmtu(void **state)
{
	struct ip_addr to = ip_addr_v4(ip(10, 0, 2, 7));
	struct ip_dst d;

	assert_int_equal(ip4_address_add(&stub_eth, ip(10, 0, 2, 15), 24, 0), 0);
	assert_int_equal(reach(to.w[3], &d), 0);
	assert_int_equal(d.mtu, 1500);
	ip_pmtu_update(&to, 0, 1400);
	assert_false(ip_dst_valid(&d));
	assert_int_equal(reach(to.w[3], &d), 0);
	assert_int_equal(d.mtu, 1400);
	ip_pmtu_update(&to, 0, 1450);
	assert_true(ip_dst_valid(&d));
	assert_int_equal(reach(to.w[3], &d), 0);
	assert_int_equal(d.mtu, 1400);
	ip_pmtu_update(&to, 0, 1);
	assert_int_equal(reach(to.w[3], &d), 0);
	assert_int_equal(d.mtu, 552);
	stub_event(&stub_eth, DEVICE_UNREGISTERING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),
		cmocka_unit_test(test_two_addresses), cmocka_unit_test(test_insert),
		cmocka_unit_test(test_no_memory),
		cmocka_unit_test(test_pmtu),
	};

	machine_start();
	route4_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
