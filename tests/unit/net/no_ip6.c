/* For tests of IPv4 alone: IPv6 knows no address and no route. */
#include "tests/unit/unit.h"

#include <linux/errno.h>
#include "net/group.h"
#include "net/internal.h"

void ip6_init(void) {}
bool ip6_is_local(const struct ip_addr *a, u32 ifindex) { return false; }
bool ip6_may_bind(const struct ip_addr *a, u32 ifindex) { return false; }
int ip6_route(const struct ip_flow *f, struct ip_dst *out, struct net_device *oif) { return -ENETUNREACH; }
void groups_init(void) {}
