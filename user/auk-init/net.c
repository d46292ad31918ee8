/*
 * The network that a command finds: lo, and with auk.net=user the addresses that QEMU's user
 * network always has.
 * Source: QEMU's manual, "Network emulation": host 10.0.2.2, name server 10.0.2.3, guest 10.0.2.15
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

static struct sockaddr address(const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr out;

	inet_pton(AF_INET, text, &in.sin_addr);
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

static int interface_address(int fd, const char *name, unsigned long op, const char *text)
{
	struct ifreq req = request(name);

	req.ifr_addr = address(text);
	return ioctl(fd, op, &req) < 0 ? -errno : 0;
}

static int route_default(int fd, const char *gateway)
{
	struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY};

	route.rt_dst = address("0.0.0.0");
	route.rt_genmask = address("0.0.0.0");
	route.rt_gateway = address(gateway);
	return ioctl(fd, SIOCADDRT, &route) < 0 ? -errno : 0;
}

static void write_resolv_conf(void)
{
	int fd;

	/* The host's may be a link into /run, where nothing is now. */
	unlink("/etc/resolv.conf");
	fd = open("/etc/resolv.conf", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0) {
		dprintf(2, "auk-init: /etc/resolv.conf: %s\n", strerror(errno));
		return;
	}
	dprintf(fd, "nameserver 10.0.2.3\n");
	close(fd);
}

static int configure_user_network(int fd)
{
	int error = interface_address(fd, "eth0", SIOCSIFADDR, "10.0.2.15");

	if (error == 0)
		error = interface_address(fd, "eth0", SIOCSIFNETMASK, "255.255.255.0");
	if (error == 0)
		error = interface_up(fd, "eth0");
	if (error == 0)
		error = route_default(fd, "10.0.2.2");
	if (error == 0)
		write_resolv_conf();
	return error;
}

void net_configure(void)
{
	const char *net = params_get("auk.net");
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int error;

	/* A kernel without a network is in order, unless one was asked for. */
	error = fd < 0 ? -errno : interface_up(fd, "lo");
	if (net != NULL && strcmp(net, "user") == 0) {
		if (error == 0)
			error = configure_user_network(fd);
		if (error != 0)
			dprintf(2, "auk-init: eth0: %s\n", strerror(-error));
	}
	if (fd >= 0)
		close(fd);
}
