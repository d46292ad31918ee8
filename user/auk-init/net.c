/*
 * The network that a command finds: lo, and each interface that auk.net= names with what a DHCP
 * server gives it.  IPv6 addresses come from routers, without help.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dhcp.h"
#include "init.h"

/* Tell the console, and the launcher if there is one. */
static void warn(struct channel *channel, const char *name, const char *why)
{
	char line[256];
	size_t len;

	snprintf(line, sizeof(line), "%s: %s", name, why);
	len = strlen(line);
	dprintf(2, "auk-init: %s\n", line);
	if (channel != NULL)
		channel_send(channel, AUK_MSG_WARNING, line, len);
}

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
	const struct in_addr any = {0};
	struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};

	route.rt_dst = address(any);
	route.rt_genmask = address(any);
	route.rt_gateway = address(gateway);
	return ioctl(fd, SIOCADDRT, &route) < 0 ? -errno : 0;
}

static int hardware_address(int fd, const char *name, unsigned char hardware[6])
{
	struct ifreq req = request(name);

	if (ioctl(fd, SIOCGIFHWADDR, &req) < 0)
		return -errno;
	if (req.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		return -EAFNOSUPPORT;
	memcpy(hardware, req.ifr_hwaddr.sa_data, 6);
	return 0;
}

static void write_resolv_conf(struct channel *channel, const struct dhcp_lease *lease)
{
	char name[INET_ADDRSTRLEN];
	int fd;

	if (lease->name_count == 0)
		return;
	/* The host's may be a link into /run, where nothing is now. */
	unlink("/etc/resolv.conf");
	fd = open("/etc/resolv.conf", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		warn(channel, "/etc/resolv.conf", strerror(errno));
		return;
	}
	if (lease->domain[0] != '\0')
		dprintf(fd, "search %s\n", lease->domain);
	for (unsigned i = 0; i < lease->name_count; i++)
		dprintf(fd, "nameserver %s\n",
			inet_ntop(AF_INET, &lease->names[i], name, sizeof(name)));
	close(fd);
}

static int use_lease(int fd, const char *name, const struct dhcp_lease *lease)
{
	int error = interface_address(fd, name, SIOCSIFADDR, lease->address);

	if (error == 0 && lease->mask.s_addr != 0)
		error = interface_address(fd, name, SIOCSIFNETMASK, lease->mask);
	/* With several interfaces the first one's router stays. */
	if (error == 0 && lease->router.s_addr != 0)
		error = route_default(fd, lease->router);
	return error == -EEXIST ? 0 : error;
}

static void configure(struct channel *channel, int fd, const char *name)
{
	struct dhcp_lease lease;
	unsigned char hardware[6];
	int error = hardware_address(fd, name, hardware);

	if (error == 0)
		error = interface_up(fd, name);
	if (error == 0)
		error = dhcp_acquire(name, hardware, &lease);
	if (error == -ETIMEDOUT) {
		warn(channel, name, "no DHCP server answered; it has no IPv4 address");
		return;
	}
	if (error == 0)
		error = use_lease(fd, name, &lease);
	if (error != 0)
		warn(channel, name, strerror(-error));
	else
		write_resolv_conf(channel, &lease);
}

void net_configure(struct channel *channel)
{
	const char *names = params_get("auk.net"), *ip = params_get("ip");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error;

	if (names == NULL && ip != NULL && strcmp(ip, "dhcp") == 0)
		names = "eth0";
	/* A kernel without a network is in order, unless one was asked for. */
	error = fd < 0 ? -errno : interface_up(fd, "lo");
	if (names != NULL && error != 0)
		warn(channel, "lo", strerror(-error));
	while (error == 0 && names != NULL && *names != '\0') {
		char name[IFNAMSIZ];
		size_t len = strcspn(names, ",");

		if (len < sizeof(name)) {
			memcpy(name, names, len);
			name[len] = '\0';
			configure(channel, fd, name);
		} else {
			warn(channel, strndup(names, len), "longer than the name of an interface can be");
		}
		names += len + (names[len] == ',');
	}
	if (fd >= 0)
		close(fd);
}
