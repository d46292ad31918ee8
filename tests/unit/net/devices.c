/* Two devices, lo and eth0, as the tests of IP need them: no queues, no registry. */
#include "tests/unit/unit.h"

#include "net/internal.h"
#include "net/neighbour.h"
#include "tests/unit/net/devices.h"

struct net_device stub_lo = { .name = "lo", .ifindex = 1, .flags = IFF_UP | IFF_LOOPBACK, .mtu = 65536, .refs = { 1 } };
struct net_device stub_eth = { .name = "eth0", .ifindex = 2, .flags = IFF_UP, .mtu = 1500, .refs = { 1 } };
static struct device_listener *listeners[4];

void device_listen(struct device_listener *l)
{
	u32 n = 0;

	while (listeners[n])
		n++;
	assert_true(n < ARRAY_SIZE(listeners));
	listeners[n] = l;
}

void stub_event(struct net_device *dev, enum device_event event)
{
	for (u32 i = 0; i < ARRAY_SIZE(listeners) && listeners[i]; i++)
		listeners[i]->event(dev, event);
}

struct net_device *device_loopback(void) { return &stub_lo; }
struct net_device *device_by_index(u32 i) { return i == 1 ? &stub_lo : i == 2 ? &stub_eth : NULL; }
struct net_device *device_next(struct net_device *dev) { return !dev ? &stub_lo : dev == &stub_lo ? &stub_eth : NULL; }
void neighbour_confirm(struct net_device *dev, const struct ip_addr *ip) {}
void neighbour_flush(const struct net_device *dev) {}
void neighbour_init(void) {}
void arp_init(void) {}
void ip4_init(void) {}
void icmp4_init(void) {}
void icmp4_unreachable_port(struct packet *p, const struct ip_rx *ip) {}
void icmp6_unreachable_port(struct packet *p, const struct ip_rx *ip) {}
int ip4_output(struct packet *p, struct ip_dst *dst, const struct ip_send *s) { return 0; }
int ip6_output(struct packet *p, struct ip_dst *dst, const struct ip_send *s) { return 0; }
