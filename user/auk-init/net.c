/*
 * The network that a command finds: lo, and with auk.net=dhcp or ip=dhcp what a DHCP server has for eth0.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "init.h"

static struct sockaddr address(struct in_addr value)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr = value};
	struct sockaddr out;

	memcpy(&out, &in, sizeof(out));
	return out;
}

static struct ifreq request(const char *name)
{
	struct ifreq req = {0};

	strcpy(req.ifr_name, name);
	return req;
}

static int interface_up(int fd, const char *name)
{
	struct ifreq req = request(name);

	if (ioctl(fd, SIOCGIFFLAGS, &req) < 0)
		return -errno;
	req.ifr_flags |= IFF_UP;
	return ioctl(fd, SIOCSIFFLAGS, &req) < 0 ? -errno : 0;
}

static int interface_address(int fd, const char *name, unsigned long op, struct in_addr value)
{
	struct ifreq req = request(name);

	req.ifr_addr = address(value);
	return ioctl(fd, op, &req) < 0 ? -errno : 0;
}

static int route_default(int fd, struct in_addr gateway)
{
	struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};
	struct in_addr any = {INADDR_ANY};

	route.rt_dst = address(any);
	route.rt_genmask = address(any);
	route.rt_gateway = address(gateway);
	return ioctl(fd, SIOCADDRT, &route) < 0 ? -errno : 0;
}

static void write_resolv_conf(const struct dhcp_lease *lease)
{
	char text[INET_ADDRSTRLEN];
	int fd;

	/* The host's may be a link into /run, where nothing is now. */
	unlink("/etc/resolv.conf");
	fd = open("/etc/resolv.conf", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		dprintf(2, "auk-init: /etc/resolv.conf: %s\n", strerror(errno));
		return;
	}
	if (lease->domain[0] != '\0')
		dprintf(fd, "search %s\n", lease->domain);
	for (unsigned i = 0; i < lease->name_server_count; i++)
		dprintf(fd, "nameserver %s\n", inet_ntop(AF_INET, &lease->name_servers[i], text, sizeof(text)));
	close(fd);
}

static int lease_use(int fd, const char *name, const struct dhcp_lease *lease)
{
	int error = interface_address(fd, name, SIOCSIFADDR, lease->address);

	if (error == 0)
		error = interface_address(fd, name, SIOCSIFNETMASK, lease->mask);
	if (error == 0 && lease->router.s_addr != 0)
		error = route_default(fd, lease->router);
	if (error == 0 && lease->name_server_count > 0)
		write_resolv_conf(lease);
	return error;
}

static void configure_by_dhcp(int fd, const char *name)
{
	struct dhcp_lease lease;
	int error = interface_up(fd, name);

	if (error == 0)
		error = dhcp_lease_get(name, &lease);
	if (error == 0)
		error = lease_use(fd, name, &lease);
	if (error == -ETIMEDOUT)
		dprintf(2, "auk-init: %s: no DHCP server answers; it is up, without an address\n", name);
	else if (error != 0)
		dprintf(2, "auk-init: %s: %s; it has no address\n", name, strerror(-error));
}

static bool asked_for_dhcp(void)
{
	const char *net = params_get("auk.net"), *ip = params_get("ip");

	return (net != NULL && strcmp(net, "dhcp") == 0) || (ip != NULL && strcmp(ip, "dhcp") == 0);
}

void net_configure(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* A kernel without a network is in order, unless one was asked for. */
	int error = fd < 0 ? -errno : interface_up(fd, "lo");

	if (asked_for_dhcp() && error == 0)
		configure_by_dhcp(fd, "eth0");
	else if (asked_for_dhcp())
		dprintf(2, "auk-init: lo: %s\n", strerror(-error));
	if (fd >= 0)
		close(fd);
}
