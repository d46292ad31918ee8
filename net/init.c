/* Starts net/, in order: IP hears of devices before there are any. */
#include "net/context.h"
#include "net/endpoint.h"
#include "net/genetlink.h"
#include "net/internal.h"
#include "net/net.h"
#include "net/rtnetlink.h"
#include "net/uevent.h"

void net_init(void)
{
	packet_init();
	device_init();
	net_context_init();
	device_nodes_init();
	genetlink_init();
	uevent_init();
	rtnetlink_init();
	ip_init();
	net_ports_init();
	proc_net_init();
	proc_net6_init();
	loopback_init();
}
