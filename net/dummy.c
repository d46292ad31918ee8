/*
 * dummy: packets are counted and dropped.
 *
 * Source: Linux Documentation/networking/ (the dummy driver's Kconfig text).
 */
#include "net/device.h"
#include "net/dummy.h"
#include "net/internal.h"

static int xmit(struct net_device *dev, u32 queue, struct packet *p)
{
	packet_free(p);
	return XMIT_OK;
}

static const struct net_device_ops ops = { .xmit = xmit, .set_addr = ethernet_any_addr, .driver = "dummy", .kind = "dummy" };

struct net_device *dummy_create(const char *name)
{
	struct net_device *dev = device_create(name, 1, &ops, NULL);

	if (!dev)
		return NULL;
	device_setup_ethernet(dev, NULL);
	memset(dev->perm_addr, 0, sizeof(dev->perm_addr));
	dev->flags = (dev->flags & ~(u32)IFF_MULTICAST) | IFF_NOARP;
	dev->mtu_max = 0;
	dev->no_queue = true;
	dev->features = DEV_SG | DEV_CSUM | DEV_TSO | DEV_TSO_ECN | DEV_USO;
	return dev;
}
