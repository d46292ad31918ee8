/*
 * Addresses of users: sockaddr_in and sockaddr_in6.  inet.h is the contract.
 *
 * An address of one link (link-local, or a group of such scope) means something only with an interface: what bind or connect is given with it
 * becomes the socket's, as SO_BINDTODEVICE would make it.
 *
 * Source: ip(7), ipv6(7), RFC 3493 section 3.
 */
#include <linux/errno.h>
#include "net/device.h"
#include "sock/inet.h"

enum { IN6_BYTES_OLD = 24 };		/* without sin6_scope_id, as RFC 2133 had it */

int inet_addr_parse4(const struct sock_addr *a, struct ip_addr *addr, u16 *port)
{
	struct sockaddr_in in;

	if (a->len < sizeof(in))
		return -EINVAL;
	memcpy(&in, a->bytes, sizeof(in));
	if (in.sin_family != AF_INET && in.sin_family != AF_UNSPEC)
		return -EAFNOSUPPORT;
	*addr = ip_addr_v4(in.sin_addr.s_addr);
	*port = be16_to_cpu(in.sin_port);
	return 0;
}

int inet_addr_parse(const struct inet_sock *i, const struct sock_addr *a, struct ip_addr *addr, u16 *port, u32 *scope)
{
	struct sockaddr_in6 in = { 0 };

	*scope = 0;
	if (!i->ep.v6)
		return inet_addr_parse4(a, addr, port);
	if (a->len < IN6_BYTES_OLD)
		return -EINVAL;
	if (a->family != AF_INET6)
		return -EAFNOSUPPORT;
	memcpy(&in, a->bytes, MIN(a->len, (u32)sizeof(in)));
	*addr = ip_addr_v6(&in.sin6_addr);
	*port = be16_to_cpu(in.sin6_port);
	if (ip6_needs_scope(addr))
		*scope = in.sin6_scope_id;
	return ip_addr_is_v4(addr) && i->ep.v6only ? -ENETUNREACH : 0;
}

void inet_addr_tell(const struct inet_sock *i, const struct ip_addr *addr, u16 port, u32 scope, struct sock_addr *out)
{
	if (i->ep.v6) {
		struct sockaddr_in6 in = { .sin6_family = AF_INET6, .sin6_port = cpu_to_be16(port), .sin6_scope_id = scope };

		memcpy(&in.sin6_addr, addr, sizeof(*addr));
		memcpy(out->bytes, &in, sizeof(in));
		out->len = sizeof(in);
	} else {
		struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = cpu_to_be16(port), .sin_addr.s_addr = addr->w[3] };

		memcpy(out->bytes, &in, sizeof(in));
		out->len = sizeof(in);
	}
}

struct ip_addr inet_any(const struct inet_sock *i)
{
	return i->ep.v6 ? (struct ip_addr){ .q = { 0 } } : ip_addr_v4(0);
}

struct ip_addr inet_or_loopback(const struct inet_sock *i, const struct ip_addr *dst)
{
	if (!ip_addr_is_any(dst))
		return *dst;
	if (ip_addr_is_v4(dst) || (ip_addr_is_v4(&i->ep.local) && !ip_addr_is_any(&i->ep.local)))
		return ip_addr_v4(cpu_to_be32(0x7f000001));
	return (struct ip_addr){ .b = { [15] = 1 } };
}

int inet_bind_scope(struct inet_sock *i, const struct ip_addr *addr, u32 scope)
{
	if (!ip6_needs_scope(addr))
		return 0;
	u32 ifindex = scope ? scope : i->ep.ifindex;

	if (!ifindex)
		return ip6_is_link_local(addr) ? -EINVAL : 0;
	if (!device_by_index(ifindex))
		return -ENODEV;
	i->ep.ifindex = ifindex;
	return 0;
}

int inet_connect_scope(struct inet_sock *i, const struct ip_addr *addr, u32 scope)
{
	if (!ip6_needs_scope(addr))
		return 0;
	if (scope && i->ep.ifindex && i->ep.ifindex != scope)
		return -EINVAL;
	u32 ifindex = scope ? scope : i->ep.ifindex ? i->ep.ifindex : ip6_is_multicast(addr) ? i->mc_if6 : 0;

	if (!ifindex)
		return -EINVAL;
	i->ep.ifindex = ifindex;
	return 0;
}
