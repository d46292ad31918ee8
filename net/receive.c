/*
 * Receiving: from a device to the protocol that its Ethernet type names.
 */
#include "net/device.h"
#include "net/gro.h"
#include "net/internal.h"
#include "net/tap.h"

enum { PROTOCOLS_MAX = 8 };

static const struct link_protocol *protocols[PROTOCOLS_MAX];	/* appended to at boot */
static u32 protocol_count;

void link_protocol_register(const struct link_protocol *proto)
{
	if (protocol_count < PROTOCOLS_MAX) {
		protocols[protocol_count] = proto;
		__atomic_store_n(&protocol_count, protocol_count + 1, __ATOMIC_RELEASE);
	}
}

/* Return: false: it is gone, since the device is down */
static bool count(struct packet *p)
{
	struct device_stats *stats = device_stats_here(p->dev);

	if (!device_is_up(p->dev)) {
		packet_free(p);
		return false;
	}
	stats->rx_packets++;
	stats->rx_bytes += p->len;
	stats->multicast += p->type == PACKET_TO_MULTICAST;
	return true;
}

static void deliver(struct packet *p)
{
	u32 count = __atomic_load_n(&protocol_count, __ATOMIC_ACQUIRE);

	packet_mark_net(p);
	if (atomic_load(&tap_count))
		tap_show(p);
	for (u32 i = 0; i < count; i++) {
		if (protocols[i]->type == p->protocol) {
			protocols[i]->rx(p);
			return;
		}
	}
	device_stats_here(p->dev)->rx_nohandler++;
	packet_free(p);
}

void net_receive(struct packet *p)
{
	if (count(p))
		deliver(p);
}

static void deliver_list(struct list_head *list)
{
	while (!list_empty(list)) {
		struct packet *p = list_first_entry(list, struct packet, node);

		list_del_init(&p->node);
		deliver(p);
	}
}

void net_receive_gro(struct gro *g, struct packet *p)
{
	LIST_HEAD(up);

	if (!count(p))
		return;
	gro_receive(g, p, &up);
	deliver_list(&up);
}

void net_receive_flush(struct gro *g)
{
	LIST_HEAD(up);

	gro_flush(g, &up);
	deliver_list(&up);
}
