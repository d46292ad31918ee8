/*
 * Sending through a device: a first-in-first-out list for each transmit queue, and the loop that hands packets to the driver.
 *
 * The list exists for the time when the driver's ring is full; while it is not, a packet goes straight through.  A driver's xmit and its
 * completion never race for the ring: both hold the queue's lock.  Packets that are dropped are freed after the lock is let go, since
 * a packet's owner may want to send more.
 */
#include <linux/errno.h>
#include "net/device.h"
#include "net/gso.h"
#include "net/internal.h"
#include "net/tap.h"

/* Hand on what waits. Queue locked. */
static void drain_locked(struct device_queue *q)
{
	struct net_device *dev = q->dev;
	bool sent = false;

	while (!list_empty(&q->fifo) && !device_queue_stopped(q)) {
		struct packet *p = list_first_entry(&q->fifo, struct packet, node);
		u32 bytes = p->len;

		list_del_init(&p->node);
		if (dev->ops->xmit(dev, q->index, p) == XMIT_BUSY) {
			list_add(&p->node, &q->fifo);
			break;
		}
		q->fifo_len--;
		q->xmit_packets++;
		sent = true;
		device_stats_here(dev)->tx_packets++;
		device_stats_here(dev)->tx_bytes += bytes;
	}
	if (sent && dev->ops->flush)
		dev->ops->flush(dev, q->index);
}

static void queue_run(struct net_work *w)
{
	struct device_queue *q = container_of(w, struct device_queue, run);

	spin_lock(&q->lock);
	drain_locked(q);
	spin_unlock(&q->lock);
	device_put(q->dev);
}

void device_queue_init(struct net_device *dev, u32 index)
{
	struct device_queue *q = &dev->queues[index];

	spin_init(&q->lock, RANK_NET_XMIT);
	list_init(&q->fifo);
	q->dev = dev;
	q->index = index;
	net_work_init(&q->run, queue_run);
}

void device_queue_purge(struct device_queue *q)
{
	LIST_HEAD(gone);

	net_enter();
	spin_lock(&q->lock);
	list_splice_init(&q->fifo, &gone);
	q->fifo_len = 0;
	spin_unlock(&q->lock);
	packet_free_list(&gone);
	net_leave();
}

void device_queue_stop(struct device_queue *q)
{
	__atomic_store_n(&q->stopped, 1, __ATOMIC_SEQ_CST);
}

void device_queue_wake(struct device_queue *q)
{
	if (!__atomic_exchange_n(&q->stopped, 0, __ATOMIC_SEQ_CST))
		return;
	device_get(q->dev);			/* queue_run's */
	if (!net_defer(&q->run))
		device_put(q->dev);
}

/* Whether a packet that stands for several has to be cut up before @dev gets it. */
static bool must_cut(const struct net_device *dev, const struct packet *p)
{
	static const u32 gso_feature[] = { [GSO_TCP4] = DEV_TSO4, [GSO_TCP6] = DEV_TSO6, [GSO_UDP4] = DEV_USO, [GSO_UDP6] = DEV_USO };
	u32 features = READ_ONCE(dev->features);

	if (p->gso == GSO_NONE)
		return false;
	return !(features & gso_feature[p->gso]) || (gso_has_cwr(p) && !(features & DEV_TSO_ECN));
}

/* Can the device take it as it is? Makes it so where that is cheap. Return: 0, -errno */
static int fit(struct net_device *dev, struct packet *p)
{
	u32 features = READ_ONCE(dev->features);

	if (p->frag_count && !(features & DEV_SG) && packet_linearize(p))
		return -ENOMEM;
	if (p->csum == CSUM_PARTIAL && !(features & (p->protocol == cpu_to_be16(ETH_P_IPV6) ? DEV_CSUM6 : DEV_CSUM4)))
		return packet_csum_finish(p);
	return 0;
}

static struct device_queue *choose_queue(struct net_device *dev)
{
	return &dev->queues[dev->queue_count == 1 ? 0 : plat_cpu_id() % dev->queue_count];
}

/* To taps as it would come in: data at the network header. */
static void show_outgoing(struct packet *p)
{
	u32 header = p->dev->link ? p->dev->link->header_len : 0;

	p->type = PACKET_GOING_OUT;
	packet_drop_front(p, header);
	tap_show(p);
	packet_push(p, header);
}

static int xmit_one(struct packet *p)
{
	struct net_device *dev = p->dev;
	int err = device_is_up(dev) ? fit(dev, p) : -ENETDOWN;

	if (err) {
		device_stats_here(dev)->tx_dropped++;
		packet_free(p);
		return err;
	}
	if (atomic_load(&tap_count))
		show_outgoing(p);
	struct device_queue *q = choose_queue(dev);

	spin_lock(&q->lock);
	bool full = q->fifo_len >= READ_ONCE(dev->tx_queue_len);

	if (!full) {
		list_add_tail(&p->node, &q->fifo);
		q->fifo_len++;
		drain_locked(q);
	}
	spin_unlock(&q->lock);
	if (!full)
		return 0;
	device_stats_here(dev)->tx_dropped++;
	packet_free(p);
	return -ENOBUFS;
}

int device_xmit(struct packet *p)
{
	struct net_device *dev = p->dev;
	LIST_HEAD(segments);

	if (!must_cut(dev, p))
		return xmit_one(p);
	int err = gso_segment(p, &segments);

	if (err)
		device_stats_here(dev)->tx_dropped++;
	while (!list_empty(&segments)) {
		struct packet *s = list_first_entry(&segments, struct packet, node);

		list_del_init(&s->node);
		int one = xmit_one(s);

		err = err ? err : one;
	}
	return err;
}
