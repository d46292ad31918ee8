/* IPv6: addresses and the routes they bring, the choice of routes and sources (the examples of RFC 6724), prefixes. */
#include "tests/unit/unit.h"

#include <linux/errno.h>
#include "net/address6.h"
#include "net/group.h"
#include "net/ip.h"
#include "net/route6.h"
#include "tests/unit/mm/machine.h"
#include "tests/unit/net/devices.h"

/* arpa/inet.h does not go with the headers of net/. */
int inet_pton(int family, const char *text, void *to);

static struct ip_addr ip(const char *text)
{
	struct ip_addr a;

	assert_int_equal(inet_pton(10, text, &a), 1);
	return a;
}

static int add(struct net_device *dev, const char *text, u32 len)
{
	struct ip_addr a = ip(text);

	return ip6_address_add(dev, &a, len, 0, IP6_FOREVER, IP6_FOREVER);
}

static int reach(const char *text, u32 oif, struct ip_dst *out)
{
	struct ip_flow f = { .dst = ip(text), .oif = oif };

	return ip_route(&f, out);
}

static bool same(const struct ip_addr *a, const char *text)
{
	struct ip_addr b = ip(text);

	return ip_addr_equal(a, &b);
}

static void test_prefix(void **state)
{
	struct ip_addr a = ip("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"), p = ip6_prefix(&a, 36);

	assert_true(same(&p, "2001:db8:f000::"));
	p = ip6_prefix(&a, 0);
	assert_true(same(&p, "::"));
	p = ip6_prefix(&a, 128);
	assert_true(ip_addr_equal(&p, &a));
	a = ip6_solicited_node(&a);
	assert_true(same(&a, "ff02::1:ffff:ffff"));
	memcpy(stub_eth.addr, "\x52\x54\0\x12\x34\x56", 6);
	a = ip("fe80::");
	ip6_interface_id(&stub_eth, &a);
	assert_true(same(&a, "fe80::5054:ff:fe12:3456"));	/* RFC 4291, appendix A: the universal bit is turned */
}

static void test_routes(void **state)
{
	struct route6 all = { .type = RTN_UNICAST, .dev = &stub_eth, .gateway = ip("2001:db8:1::1"), .metric = 1024, .expires_ns = IP6_FOREVER };
	struct ip_addr a;
	struct ip_dst d;

	stub_eth.type = ARPHRD_ETHER;
	stub_eth.flags |= IFF_MULTICAST;
	address6_init();
	groups_init();
	stub_event(&stub_lo, DEVICE_UP);
	assert_int_equal(reach("::1", 0, &d), 0);
	assert_int_equal(d.kind, IP_DST_LOCAL);
	assert_true(same(&d.src, "::1"));
	assert_int_equal(reach("2001:db8:1::9", 0, &d), -ENETUNREACH);
	assert_int_equal(route6_add(&all), -EHOSTUNREACH);
	stub_event(&stub_eth, DEVICE_UP);
	assert_int_equal(add(&stub_eth, "2001:db8:1::2", 64), 0);
	assert_int_equal(add(&stub_eth, "2001:db8:1::2", 64), -EEXIST);
	assert_int_equal(add(&stub_eth, "ff02::5", 64), -EINVAL);
	assert_int_equal(add(&stub_eth, "::", 64), -EINVAL);
	assert_int_equal(add(&stub_eth, "::1", 128), -EINVAL);
	assert_int_equal(add(&stub_eth, "2001:db8:1::3", 129), -EINVAL);
	assert_int_equal(reach("2001:db8:1::9", 0, &d), 0);
	assert_ptr_equal(d.dev, &stub_eth);
	assert_true(same(&d.gateway, "2001:db8:1::9") && same(&d.src, "2001:db8:1::2"));
	assert_int_equal(route6_add(&all), 0);
	assert_int_equal(route6_add(&all), -EEXIST);
	assert_int_equal(reach("2001:db8:2::9", 0, &d), 0);
	assert_true(same(&d.gateway, "2001:db8:1::1"));
	assert_int_equal(d.mtu, 1500);
	assert_int_equal(d.advmss, 1440);
	/* our own address goes over lo, from itself */
	assert_int_equal(reach("2001:db8:1::2", 0, &d), 0);
	assert_int_equal(d.kind, IP_DST_LOCAL);
	assert_ptr_equal(d.dev, &stub_lo);
	/* what means something on one link only needs it named */
	assert_int_equal(reach("fe80::7", 2, &d), 0);
	assert_true(same(&d.src, "fe80::5054:ff:fe12:3456"));
	assert_int_equal(reach("fe80::7", 1, &d), -ENETUNREACH);
	a = ip("fe80::5054:ff:fe12:3456");
	assert_true(ip_is_local(&a, 2));
	assert_true(ip_may_bind(&a, 2) && !ip_may_bind(&a, 0) && !ip_may_bind(&a, 1));
	assert_int_equal(reach("ff02::5", 0, &d), 0);
	assert_int_equal(d.kind, IP_DST_MULTICAST);
	assert_ptr_equal(d.dev, &stub_eth);
}

/* On what test_routes left there: groups, path MTUs, and how everything goes. */
static void test_going(void **state)
{
	struct ip_addr a;
	struct ip_dst d;

	/* groups: everybody's, and those of our addresses */
	a = ip("ff02::1");
	assert_true(device_in_group(&stub_eth, &a));
	a = ip("ff02::1:ff00:2");
	assert_true(device_in_group(&stub_eth, &a));
	a = ip("ff02::1:ff00:9");
	assert_false(device_in_group(&stub_eth, &a));
	/* a path that takes less, and never less than 1280 */
	a = ip("2001:db8:2::9");
	ip_pmtu_update(&a, 0, 1400);
	assert_int_equal(reach("2001:db8:2::9", 0, &d), 0);
	assert_int_equal(d.mtu, 1400);
	ip_pmtu_update(&a, 0, 600);
	assert_int_equal(reach("2001:db8:2::9", 0, &d), 0);
	assert_int_equal(d.mtu, 1280);
	/* the address goes, and what it brought; the device goes, and everything */
	a = ip("2001:db8:1::2");
	assert_int_equal(ip6_address_delete(&stub_eth, &a, 48), -EADDRNOTAVAIL);
	assert_int_equal(ip6_address_delete(&stub_eth, &a, 64), 0);
	assert_int_equal(reach("2001:db8:1::2", 0, &d), 0);
	assert_int_equal(d.kind, IP_DST_UNICAST);			/* by the default route now */
	stub_event(&stub_eth, DEVICE_GOING_DOWN);
	assert_int_equal(reach("2001:db8:1::2", 0, &d), -ENETUNREACH);
	stub_event(&stub_lo, DEVICE_GOING_DOWN);
	assert_null(route6_next(NULL));
	stub_event(&stub_eth, DEVICE_UNREGISTERING);
	stub_event(&stub_lo, DEVICE_UNREGISTERING);
}

/* What the link was told last. */
static struct ip_addr told;
static enum group_record told_record;
static u32 reports;

static void tell(const struct ip_addr *group, enum group_record record)
{
	told = group ? *group : (struct ip_addr){ .q = { 0 } };
	told_record = record;
	reports++;
}

void igmp_report(struct net_device *dev, const struct ip_addr *group, enum group_record record) { tell(group, record); }
void mld_report(struct net_device *dev, const struct ip_addr *group, enum group_record record) { tell(group, record); }

/* The first who joins and the last who leaves are reported, and nobody in between. */
static void test_groups(void **state)
{
	struct ip_addr a = ip("ff02::abcd"), b = ip("::ffff:239.1.1.1"), all = ip("::ffff:224.0.0.1");

	reports = 0;
	assert_int_equal(device_group_join(&stub_eth, &a), 0);
	assert_true(ip_addr_equal(&told, &a) && told_record == RECORD_JOINED && reports == 1);
	assert_int_equal(device_group_join(&stub_eth, &a), 0);
	assert_int_equal(device_group_join(&stub_eth, &b), 0);
	assert_true(ip_addr_equal(&told, &b) && reports == 2);
	assert_int_equal(device_group_join(&stub_eth, &all), 0);
	assert_int_equal(reports, 2);		/* nobody is told of everybody's group */
	device_group_leave(&stub_eth, &a);
	assert_true(device_in_group(&stub_eth, &a) && reports == 2);
	device_group_leave(&stub_eth, &a);
	assert_true(!device_in_group(&stub_eth, &a) && told_record == RECORD_LEFT && reports == 3);
	assert_false(device_in_group(&stub_lo, &b));
	device_group_leave(&stub_eth, &b);
	device_group_leave(&stub_eth, &all);
	assert_true(device_in_group(&stub_eth, &all));
	device_group_leave(&stub_eth, &b);	/* one too many changes nothing */
	assert_int_equal(reports, 4);
}

static void test_expiry(void **state)
{
	struct route6 r = { .type = RTN_UNICAST, .dev = &stub_eth, .prefix = ip("2001:db8::"), .prefix_len = 32, .metric = 1, .expires_ns = 100 };

	assert_int_equal(route6_add(&r), 0);
	assert_int_equal(route6_expire(50), 100);
	r.expires_ns = 200;
	assert_true(route6_renew(&r));
	assert_int_equal(route6_expire(150), 200);
	/* another protocol's route is not this one's to end */
	r.protocol = RTPROT_RA;
	r.expires_ns = 160;
	assert_false(route6_renew(&r));
	assert_int_equal(route6_expire(150), 200);
	r.protocol = 0;
	assert_non_null(route6_next(NULL));
	assert_true(route6_expire(200) == IP6_FOREVER);
	assert_null(route6_next(NULL));
	assert_false(route6_renew(&r));
	assert_int_equal(route6_delete(&r), -ESRCH);
}

/* A router said that a prefix is on the link; then an address with that prefix comes: its route lasts as long as the address does. */
static void test_prefix_of_both(void **state)
{
	struct route6 r = {
		.type = RTN_UNICAST, .protocol = RTPROT_KERNEL, .dev = &stub_eth, .prefix = ip("2001:db8:7::"), .prefix_len = 64,
		.metric = ROUTE6_METRIC_KERNEL, .expires_ns = 100,
	};
	struct ip_addr a = ip("2001:db8:7::2");

	assert_int_equal(route6_add(&r), 0);
	assert_int_equal(add(&stub_eth, "2001:db8:7::2", 64), 0);
	assert_true(ip6_prefix_needed(&stub_eth, &r.prefix, 64));
	assert_false(ip6_prefix_needed(&stub_eth, &r.prefix, 48));
	assert_true(route6_expire(200) == IP6_FOREVER);
	assert_int_equal(route6_delete(&r), 0);
	assert_int_equal(ip6_address_delete(&stub_eth, &a, 64), 0);
	assert_null(route6_next(NULL));
}

/* The next end is waited for, whatever later ones come up meanwhile. */
static void test_next_expiry(void **state)
{
	u64 now = plat_mono_ns();

	ip6_lifetimes_changed(now + 10ull * NS_PER_SEC);
	assert_true(stub_work_delay_ns <= 10ull * NS_PER_SEC);
	ip6_lifetimes_changed(now + 50ull * NS_PER_SEC);
	ip6_lifetimes_changed(IP6_FOREVER);
	assert_true(stub_work_delay_ns <= 10ull * NS_PER_SEC);
	ip6_lifetimes_changed(now + 5ull * NS_PER_SEC);
	assert_true(stub_work_delay_ns <= 5ull * NS_PER_SEC);
}

/* The better of two sources, whichever comes first. */
static void prefers(const char *dst, const char *good, const char *bad)
{
	struct ip6_candidate g = { .addr = ip(good), .outgoing = true }, b = { .addr = ip(bad), .outgoing = true };
	struct ip_addr d = ip(dst);

	assert_true(ip6_candidate_better(&g, &b, &d));
	assert_false(ip6_candidate_better(&b, &g, &d));
}

/* RFC 6724, section 10.1, those that concern rules we have. */
static void test_source(void **state)
{
	prefers("2001:db8:1::1", "2001:db8:3::1", "fe80::1");		/* scope */
	prefers("ff05::1", "2001:db8:3::1", "fe80::1");
	prefers("2001:db8:1::1", "2001:db8:1::1", "2001:db8:2::1");	/* the same address */
	prefers("fe80::1", "fe80::2", "2001:db8:1::1");
	prefers("2001:db8:1::1", "2001:db8:1::2", "2001:db8:3::2");	/* longest prefix */
	prefers("2002:c633:6401::1", "2002:c633:6401::d5e3:7953:13eb:22e8", "2001:db8:1::2");	/* label */
	prefers("2001:db8:1::d5e3:0:0:1", "2001:db8:1::2", "2002:c633:6401::d5e3:7953:13eb:22e8");
	prefers("fc00::1", "fd00::2", "2001:db8::1");
	struct ip6_candidate old = { .addr = ip("2001:db8:1::2"), .deprecated = true, .outgoing = true };
	struct ip6_candidate fresh = { .addr = ip("2001:db8:3::2"), .outgoing = true }, elsewhere = { .addr = ip("2001:db8:1::3") };
	struct ip_addr d = ip("2001:db8:1::1");

	assert_true(ip6_candidate_better(&fresh, &old, &d));		/* rule 3 */
	assert_false(ip6_candidate_better(&old, &fresh, &d));
	assert_true(ip6_candidate_better(&fresh, &elsewhere, &d));	/* rule 5 */
	assert_int_equal(ip6_scope(&d), 14);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix), cmocka_unit_test(test_routes), cmocka_unit_test(test_groups), cmocka_unit_test(test_going), cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_next_expiry), cmocka_unit_test(test_prefix_of_both), cmocka_unit_test(test_source),
	};

	machine_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
