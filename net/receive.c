/*
 * Receiving: from a device to the protocol that its Ethernet type names.
 */
#include "net/device.h"
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

void net_receive(struct packet *p)
{
	struct device_stats *stats = device_stats_here(p->dev);
	u32 count = __atomic_load_n(&protocol_count, __ATOMIC_ACQUIRE);

	if (!device_is_up(p->dev)) {
		packet_free(p);
		return;
	}
	stats->rx_packets++;
	stats->rx_bytes += p->len;
	stats->multicast += p->type == PACKET_TO_MULTICAST;
	packet_mark_net(p);
	if (atomic_load(&tap_count))
		tap_show(p);
	for (u32 i = 0; i < count; i++) {
		if (protocols[i]->type == p->protocol) {
			protocols[i]->rx(p);
			return;
		}
	}
	stats->rx_nohandler++;
	packet_free(p);
}
