/* See devices.c. */
#ifndef TESTS_UNIT_NET_DEVICES_H
#define TESTS_UNIT_NET_DEVICES_H

#include "net/device.h"

extern struct net_device stub_lo, stub_eth;
/** stub_event - what a device that changes tells route4.c. */
void stub_event(struct net_device *dev, enum device_event event);
/* no_ndp.c: the delay that delayed work was queued with last. */
extern u64 stub_work_delay_ns;

#endif
