/*
 * lo: what is sent is received, the same packet, without a copy and without checksums.
 *
 * The sender lets go of the packet only when the receiver takes it (the protocols orphan it then): a socket buffer full of packets under way
 * over lo holds its sender back.
 */
#include "kern/assert.h"
#include "net/device.h"
#include "net/internal.h"
#include "net/rtnl.h"

enum { LOOPBACK_MTU = 65536 };

static int xmit(struct net_device *dev, u32 queue, struct packet *p)
{
	p->type = PACKET_TO_HOST;
	p->csum = p->csum == CSUM_PARTIAL ? CSUM_PARTIAL : CSUM_GOOD;
	packet_drop_front(p, ETH_HLEN);
	net_backlog(p);
	return XMIT_OK;
}

static const struct net_device_ops ops = { .xmit = xmit, .set_addr = ethernet_any_addr, .driver = "loopback" };

void loopback_init(void)
{
	struct net_device *dev = device_create("lo", plat_cpu_count(), &ops, NULL);
	int err;

	assert(dev);
	dev->type = ARPHRD_LOOPBACK;
	dev->addr_len = ETH_ALEN;
	dev->header_len = ETH_HLEN;
	dev->link = &ethernet_link;
	dev->mtu = LOOPBACK_MTU;
	dev->mtu_max = 0;
	dev->flags = IFF_LOOPBACK;
	dev->no_queue = true;
	dev->features = DEV_SG | DEV_CSUM | DEV_TSO | DEV_TSO_ECN | DEV_USO | DEV_RXCSUM | DEV_LOOPBACK;
	rtnl_lock();
	err = device_register(dev);
	if (!err)
		err = device_open(dev);
	rtnl_unlock();
	assert(!err);
}
