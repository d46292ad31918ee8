/*
 * /proc/net/if_inet6: the IPv6 addresses of devices.
 *
 * Source: proc(5); the columns as Linux's libc and tools read them: address, interface, prefix length, scope, flags, name, in hexadecimal.
 */
#include "kern/rcu.h"
#include "net/address6.h"
#include "net/internal.h"
#include "net/rtnl.h"
#include "vfs/procfs.h"

/* The scope column. */
enum { SCOPE_GLOBAL = 0, SCOPE_HOST = 0x10, SCOPE_LINK = 0x20, SCOPE_SITE = 0x40 };

static u32 scope_of(const struct ip_addr *a)
{
	if (ip6_is_loopback(a))
		return SCOPE_HOST;
	switch (ip6_scope(a)) {
	case 2: return SCOPE_LINK;
	case 5: return SCOPE_SITE;
	default: return SCOPE_GLOBAL;
	}
}

static void show_address(struct seq *s, const struct net_device *dev, const struct ip6_address *a)
{
	for (u32 i = 0; i < sizeof(a->local); i++)
		seq_printf(s, "%02x", a->local.b[i]);
	seq_printf(s, " %02x %02x %02x %02x %8s\n", dev->ifindex, a->prefix_len, scope_of(&a->local),
		   READ_ONCE(a->flags) & 0xff, dev->name);
}

static void show_if_inet6(struct seq *s)
{
	const struct ip6_address *a;

	rtnl_lock();
	for (struct net_device *dev = device_next(NULL); dev; dev = device_next(dev))
		if (dev->ip6)
			list_for_each_entry(a, &dev->ip6->addresses, node)
				show_address(s, dev, a);
	rtnl_unlock();
}

void proc_net6_init(void)
{
	proc_add("net/if_inet6", 0444, show_if_inet6);
}
