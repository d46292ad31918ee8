/* Addresses without a link that could be asked: each is usable at once. */
#include "tests/unit/unit.h"

#include "kern/work.h"
#include "net/group.h"
#include "net/internal.h"
#include "net/ndp.h"
#include "net/rtnl.h"
#include "tests/unit/net/devices.h"

void ndp_address_init(struct ip6_address *a) {}
void ndp_address_begin(struct ip6_address *a) {}
void ndp_address_release(struct ip6_address *a, void (*done)(struct net_timer *t)) { done(&a->timer); }
void ndp_config_init(struct net_device *dev, struct ip6_config *c) {}
void ndp_config_release(struct ip6_config *c, void (*done)(struct net_timer *t)) { done(&c->timer); }
void ndp_device_down(struct ip6_config *c) {}
void net_timer_init(struct net_timer *t, void (*fn)(struct net_timer *t)) {}
void net_timer_arm(struct net_timer *t, u64 expires_ns) {}
void net_timer_release(struct net_timer *t, void (*done)(struct net_timer *t)) { done(t); }
void net_enter(void) {}
void net_leave(void) {}
void igmp_init(void) {}
void ip6_init(void) {}
bool net_timer_cancel(struct net_timer *t) { return false; }
void device_put(struct net_device *dev) {}
void delayed_work_init(struct delayed_work *d, void (*fn)(struct work *w)) {}
u64 stub_work_delay_ns;
void delayed_work_queue(struct delayed_work *d, u64 delay_ns) { stub_work_delay_ns = delay_ns; }
void rtnl_lock(void) {}
void rtnl_unlock(void) {}
