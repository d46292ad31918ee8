/*
 * virtio-net: eth0, eth1, …  net.h says how the driver is divided.
 *
 * Departures: no filters, so the device gives every frame that it sees (CTRL_RX), no reports of hashes, no steering but the device's own; a device
 * that asks to be announced anew is not.
 */
#include <linux/errno.h>
#include "base/bitops.h"
#include "drivers/virtio/net.h"
#include "kern/printk.h"
#include "kern/slab.h"
#include "net/rtnl.h"

enum { RING_MAX = 256, RING_MIN = 64, MTU_MIN = 68, CTRL_RING = 64, LINK_HEADER = ETH_HLEN };

/* ---- features ---- */

static const u64 segment_out = VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO4) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO6) |
			       VIRTIO_FEATURE(VIRTIO_NET_F_HOST_ECN) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_USO);
static const u64 segment_in = VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO6) |
			      VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_ECN);
static const u64 control = VIRTIO_FEATURE(VIRTIO_NET_F_MQ) | VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_MAC_ADDR);

/* What needs what: VIRTIO 1.2, 5.1.3.1.  Large frames come in only where several buffers can hold one. */
static u64 features_fit(u64 f)
{
	if (!(f >> VIRTIO_NET_F_CSUM & 1))
		f &= ~segment_out;
	if (!(f >> VIRTIO_NET_F_GUEST_CSUM & 1) || !(f >> VIRTIO_NET_F_MRG_RXBUF & 1))
		f &= ~segment_in;
	if (!(f >> VIRTIO_NET_F_CTRL_VQ & 1))
		f &= ~control;
	return f;
}

static u32 device_features(const struct virtio_device *dev)
{
	u32 f = DEV_SG;

	if (virtio_has(dev, VIRTIO_NET_F_CSUM))
		f |= DEV_CSUM;
	if (virtio_has(dev, VIRTIO_NET_F_GUEST_CSUM))
		f |= DEV_RXCSUM;
	if (virtio_has(dev, VIRTIO_NET_F_HOST_TSO4))
		f |= DEV_TSO4;
	if (virtio_has(dev, VIRTIO_NET_F_HOST_TSO6))
		f |= DEV_TSO6;
	if (virtio_has(dev, VIRTIO_NET_F_HOST_ECN))
		f |= DEV_TSO_ECN;
	if (virtio_has(dev, VIRTIO_NET_F_HOST_USO))
		f |= DEV_USO;
	return f;
}

/* ---- the device ---- */

static int nic_open(struct net_device *net)
{
	struct nic *nic = net->driver_data;
	int err = 0;

	for (u32 i = 0; i < nic->pairs && !err; i++)
		err = nic_rx_fill(&nic->rx[i]);
	return err;
}

/* A device that cannot be told gives every frame anyway. */
static int set_addr(struct net_device *net, const u8 *addr)
{
	struct nic *nic = net->driver_data;

	if (!virtio_has(nic->dev, VIRTIO_NET_F_CTRL_MAC_ADDR))
		return 0;
	return nic_command(nic, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, addr, ETH_ALEN);
}

static const struct net_device_ops ops = {
	.open = nic_open, .xmit = nic_xmit, .flush = nic_flush, .set_addr = set_addr, .driver = "virtio_net",
};

/* [rtnl] */
static void link_check(struct nic *nic)
{
	bool up = true;

	if (virtio_has(nic->dev, VIRTIO_NET_F_STATUS))
		up = virtio_config_get(nic->dev, struct virtio_net_config, status) & VIRTIO_NET_S_LINK_UP;
	device_carrier(nic->net, up);
}

static void link_changed(struct work *w)
{
	rtnl_lock();
	link_check(container_of(w, struct nic, link_work));
	rtnl_unlock();
}

static void config_changed(struct virtio_device *dev)
{
	struct nic *nic = atomic_load_acquire(&dev->driver_data);

	if (nic)
		work_queue(&nic->link_work);
}

/* ---- the start ---- */

/* Queues 2i and 2i + 1 are pair i; the control queue is the last that the device has. */
static int find_queues(struct nic *nic)
{
	struct virtio_device *dev = nic->dev;
	bool ctrl = virtio_has(dev, VIRTIO_NET_F_CTRL_VQ);
	u32 has = virtio_has(dev, VIRTIO_NET_F_MQ) ? virtio_config_get(dev, struct virtio_net_config, max_virtqueue_pairs) : 1;
	u32 most = MIN(plat_cpu_count(), (u32)NIC_PAIRS_MAX), count, n = 0;
	struct virtqueue_want *want;
	int err;

	if (!has || 2 * has + ctrl > 0xffff)	/* the control queue has a number of 16 bits too */
		return -EINVAL;
	nic->pairs = MIN(has, most);
	count = ctrl ? 2 * has + 1 : 2 * nic->pairs;
	want = kzalloc(count * sizeof(*want), ALLOC_KERNEL);
	if (!want)
		return -ENOMEM;
	for (u32 i = 0; i < nic->pairs; i++) {
		want[n++] = (struct virtqueue_want){ .callback = nic_rx_interrupt, .size_max = RING_MAX, .cpu = i };
		want[n++] = (struct virtqueue_want){ .callback = nic_tx_interrupt, .size_max = RING_MAX, .cpu = i };
	}
	while (n < count)
		want[n++].skip = true;
	if (ctrl)
		want[count - 1] = (struct virtqueue_want){ .size_max = CTRL_RING };
	err = virtio_find_queues(dev, count, want);
	kfree(want);
	if (!err && ctrl)
		nic->ctrl = &dev->queues[count - 1];
	for (u32 i = 0; i < 2 * nic->pairs && !err; i++)
		err = dev->queues[i].size < RING_MIN ? -EINVAL : 0;
	return err;
}

static void read_mtu(struct nic *nic)
{
	struct virtio_device *dev = nic->dev;
	struct net_device *net = nic->net;
	u32 most = virtio_has(dev, VIRTIO_NET_F_MRG_RXBUF) ? 65535 : (u32)PAGE_SIZE - NIC_HEADER_MAX - LINK_HEADER, mtu = 0;

	if (virtio_has(dev, VIRTIO_NET_F_MTU))
		mtu = virtio_config_get(dev, struct virtio_net_config, mtu);
	if (mtu && (mtu < MTU_MIN || mtu > most)) {
		pr_warn("%s: the device's MTU of %u is not from %u to %u: not used", dev->name, mtu, MTU_MIN, most);
		mtu = 0;
	}
	net->mtu_min = MTU_MIN;
	net->mtu_max = mtu ? mtu : most;
	if (mtu)
		net->mtu = mtu;
}

static int net_setup(struct nic *nic)
{
	struct virtio_device *dev = nic->dev;
	u8 mac[ETH_ALEN];
	bool given = virtio_has(dev, VIRTIO_NET_F_MAC);

	nic->net = device_create("eth%d", nic->pairs, &ops, nic);
	if (!nic->net)
		return -ENOMEM;
	if (given)
		virtio_config_read(dev, offsetof(struct virtio_net_config, mac), mac, ETH_ALEN);
	/* A group's address, or none, is nobody's. */
	if (given && (mac[0] & 1 || !memcmp(mac, (u8[ETH_ALEN]){ 0 }, ETH_ALEN))) {
		pr_warn("%s: the device's address is of no station: another is made up", dev->name);
		given = false;
	}
	device_setup_ethernet(nic->net, given ? mac : NULL);
	nic->net->features = device_features(dev);
	read_mtu(nic);
	for (u32 i = 0; i < nic->pairs; i++) {
		nic_rx_init(&nic->rx[i], nic, &dev->queues[2 * i]);
		nic_tx_init(&nic->tx[i], nic, &dev->queues[2 * i + 1], &nic->net->queues[i]);
	}
	return 0;
}

static int nic_create(struct virtio_device *dev, struct nic **out)
{
	struct nic *nic = kzalloc(sizeof(*nic), ALLOC_KERNEL);
	int err;

	if (!nic)
		return -ENOMEM;
	nic->dev = dev;
	nic->split_header = dev->legacy && !virtio_has(dev, VIRTIO_NET_F_MRG_RXBUF);
	nic->header_len = nic->split_header ? NIC_HEADER_LEGACY : NIC_HEADER_MAX;
	err = find_queues(nic);
	if (!err) {
		nic->rx = kzalloc(nic->pairs * sizeof(*nic->rx), ALLOC_KERNEL);
		nic->tx = kzalloc(nic->pairs * sizeof(*nic->tx), ALLOC_KERNEL);
		err = nic->rx && nic->tx ? net_setup(nic) : -ENOMEM;
	}
	if (err) {
		kfree(nic->rx);
		kfree(nic->tx);
		kfree(nic);
		return err;
	}
	*out = nic;
	return 0;
}

/* More than one pair is used only once the device has been told; if it refuses, one it is. */
static void use_pairs(struct nic *nic)
{
	struct virtio_net_ctrl_mq mq = { .virtqueue_pairs = (u16)nic->pairs };

	if (nic->pairs > 1 && nic_command(nic, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &mq, sizeof(mq))) {
		pr_warn("%s: the device refuses %u pairs of queues: one is used", nic->dev->name, nic->pairs);
		nic->net->queue_count = nic->pairs = 1;
	}
}

static int probe(struct virtio_device *dev)
{
	struct nic *nic;
	int err = nic_create(dev, &nic);

	if (err)
		return err;
	work_init(&nic->link_work, link_changed);
	atomic_store_release(&dev->driver_data, nic);
	virtio_device_ready(dev);
	rtnl_lock();
	use_pairs(nic);
	link_check(nic);
	err = device_register(nic->net);
	rtnl_unlock();
	if (err)
		pr_err("%s: no name for a network device: error %d", dev->name, -err);
	return 0;
}

static struct virtio_driver driver = {
	.name = "virtio_net",
	.id = VIRTIO_ID_NET,
	.features = VIRTIO_FEATURE(VIRTIO_NET_F_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_CSUM) | VIRTIO_FEATURE(VIRTIO_NET_F_MTU) |
		    VIRTIO_FEATURE(VIRTIO_NET_F_MAC) | VIRTIO_FEATURE(VIRTIO_NET_F_MRG_RXBUF) | VIRTIO_FEATURE(VIRTIO_NET_F_STATUS) |
		    VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO4) | VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_TSO6) |
		    VIRTIO_FEATURE(VIRTIO_NET_F_GUEST_ECN) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO4) |
		    VIRTIO_FEATURE(VIRTIO_NET_F_HOST_TSO6) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_ECN) | VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_VQ) |
		    VIRTIO_FEATURE(VIRTIO_NET_F_MQ) | VIRTIO_FEATURE(VIRTIO_NET_F_CTRL_MAC_ADDR) | VIRTIO_FEATURE(VIRTIO_NET_F_HOST_USO),
	.features_fit = features_fit,
	.probe = probe,
	.config_changed = config_changed,
};

void virtio_net_init(void)
{
	virtio_register_driver(&driver);
}
