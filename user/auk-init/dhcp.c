/* See dhcp.h. */
#define _GNU_SOURCE
#include "dhcp.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SERVER_PORT 67
#define CLIENT_PORT 68
#define TRIES 4
#define WAIT_FIRST_MS 500

/* Where the fields of a message lie (RFC 2131, figure 1). */
enum {
	AT_OP = 0,
	AT_HTYPE = 1,
	AT_HLEN = 2,
	AT_XID = 4,
	AT_FLAGS = 10,
	AT_YIADDR = 16,
	AT_CHADDR = 28,
	AT_COOKIE = 236,
	AT_OPTIONS = 240,
};

enum { BOOTREQUEST = 1, BOOTREPLY = 2, ETHERNET = 1, BROADCAST_FLAG = 0x80 };

enum {
	OPT_PAD = 0,
	OPT_MASK = 1,
	OPT_ROUTER = 3,
	OPT_NAMES = 6,
	OPT_DOMAIN = 15,
	OPT_REQUESTED = 50,
	OPT_TYPE = 53,
	OPT_SERVER = 54,
	OPT_LIST = 55,
	OPT_END = 255,
};

static const unsigned char cookie[4] = {99, 130, 83, 99};

static unsigned char *option(unsigned char *at, unsigned char code, const void *value, unsigned char len)
{
	at[0] = code;
	at[1] = len;
	memcpy(at + 2, value, len);
	return at + 2 + len;
}

size_t dhcp_build(unsigned char *message, enum dhcp_type type, uint32_t xid,
		  const unsigned char hardware[6], const struct dhcp_lease *offer)
{
	static const unsigned char wanted[] = {OPT_MASK, OPT_ROUTER, OPT_NAMES, OPT_DOMAIN};
	unsigned char *at = message + AT_OPTIONS, kind = type;

	memset(message, 0, DHCP_MESSAGE_MAX);
	message[AT_OP] = BOOTREQUEST;
	message[AT_HTYPE] = ETHERNET;
	message[AT_HLEN] = 6;
	memcpy(message + AT_XID, &xid, sizeof(xid));
	/* Answers to an address that nobody has yet may be lost. */
	message[AT_FLAGS] = BROADCAST_FLAG;
	memcpy(message + AT_CHADDR, hardware, 6);
	memcpy(message + AT_COOKIE, cookie, sizeof(cookie));
	at = option(at, OPT_TYPE, &kind, 1);
	if (type == DHCP_REQUEST) {
		at = option(at, OPT_REQUESTED, &offer->address, 4);
		at = option(at, OPT_SERVER, &offer->server, 4);
	}
	at = option(at, OPT_LIST, wanted, sizeof(wanted));
	*at++ = OPT_END;
	/* Some servers drop what is shorter than BOOTP's 300 bytes. */
	return at - message < 300 ? 300 : at - message;
}

/* Options that are too short for what they are to hold are skipped. */
static void take_option(unsigned char code, const unsigned char *value, unsigned char len,
			struct dhcp_lease *lease, int *type)
{
	struct in_addr *const address = code == OPT_MASK     ? &lease->mask
					: code == OPT_ROUTER ? &lease->router
					: code == OPT_SERVER ? &lease->server
							     : NULL;

	if (address != NULL && len >= 4)
		memcpy(address, value, 4);
	if (code == OPT_TYPE && len == 1)
		*type = value[0];
	if (code == OPT_NAMES)
		for (unsigned i = 0; i + 4 <= len && lease->name_count < DHCP_SERVERS_MAX; i += 4)
			memcpy(&lease->names[lease->name_count++], value + i, 4);
	if (code == OPT_DOMAIN) {
		/* It goes into a file: letters, digits, dots and hyphens, else nothing. */
		for (unsigned i = 0; i < len && value[i] != '\0'; i++) {
			bool plain = (value[i] >= '0' && value[i] <= '9') || value[i] == '.' ||
				     value[i] == '-' || value[i] == '_' ||
				     ((value[i] | 32) >= 'a' && (value[i] | 32) <= 'z');

			if (!plain) {
				lease->domain[0] = '\0';
				return;
			}
			lease->domain[i] = value[i];
			lease->domain[i + 1] = '\0';
		}
	}
}

int dhcp_parse(const unsigned char *message, size_t len, uint32_t xid,
	       const unsigned char hardware[6], struct dhcp_lease *lease)
{
	size_t at = AT_OPTIONS;
	int type = 0;

	memset(lease, 0, sizeof(*lease));
	if (len < AT_OPTIONS || message[AT_OP] != BOOTREPLY ||
	    memcmp(message + AT_XID, &xid, sizeof(xid)) != 0 ||
	    memcmp(message + AT_CHADDR, hardware, 6) != 0 ||
	    memcmp(message + AT_COOKIE, cookie, sizeof(cookie)) != 0)
		return 0;
	memcpy(&lease->address, message + AT_YIADDR, 4);
	while (at < len && message[at] != OPT_END) {
		if (message[at] == OPT_PAD) {
			at++;
			continue;
		}
		if (len - at < 2 || len - at - 2 < message[at + 1])
			return 0;
		take_option(message[at], message + at + 2, message[at + 1], lease, &type);
		at += 2 + message[at + 1];
	}
	if ((type == DHCP_OFFER || type == DHCP_ACK) && lease->address.s_addr == 0)
		return 0;
	return type;
}

/* --- on the wire --- */

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int open_socket(const char *interface)
{
	struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(CLIENT_PORT)};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), yes = 1, error;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, interface, strlen(interface) + 1) < 0 ||
	    bind(fd, (struct sockaddr *)&own, sizeof(own)) < 0) {
		error = errno;
		close(fd);
		return -error;
	}
	return fd;
}

/* Wait for an answer of type @wanted. Return: its type (or DHCP_NAK), 0: none came in time */
static int wait_answer(int fd, int wanted, uint32_t xid, const unsigned char hardware[6], int wait_ms,
		       struct dhcp_lease *lease)
{
	int64_t end = now_ms() + wait_ms, left;

	while ((left = end - now_ms()) > 0) {
		unsigned char message[1500];
		struct pollfd ready = {.fd = fd, .events = POLLIN};
		ssize_t len;
		int type;

		if (poll(&ready, 1, (int)left) <= 0)
			continue;
		len = recv(fd, message, sizeof(message), 0);
		if (len <= 0)
			continue;
		type = dhcp_parse(message, len, xid, hardware, lease);
		if (type == wanted || type == DHCP_NAK)
			return type;
	}
	return 0;
}

/* Send until an answer of type @wanted comes. Return: as wait_answer, or -errno */
static int ask(int fd, enum dhcp_type type, int wanted, uint32_t xid, const unsigned char hardware[6],
	       const struct dhcp_lease *offer, struct dhcp_lease *lease)
{
	struct sockaddr_in all = {.sin_family = AF_INET,
				  .sin_port = htons(SERVER_PORT),
				  .sin_addr.s_addr = htonl(INADDR_BROADCAST)};
	unsigned char message[DHCP_MESSAGE_MAX];
	size_t len = dhcp_build(message, type, xid, hardware, offer);
	int wait_ms = WAIT_FIRST_MS, got = 0;

	for (int i = 0; i < TRIES && got == 0; i++, wait_ms *= 2) {
		if (sendto(fd, message, len, 0, (struct sockaddr *)&all, sizeof(all)) < 0)
			return -errno;
		got = wait_answer(fd, wanted, xid, hardware, wait_ms, lease);
	}
	return got;
}

int dhcp_acquire(const char *interface, const unsigned char hardware[6], struct dhcp_lease *lease)
{
	int fd = open_socket(interface), got = 0;
	struct dhcp_lease offer;
	uint32_t xid = 0;

	if (fd < 0)
		return fd;
	/* A refused request starts all over, once. */
	for (int i = 0; i < 2 && got != DHCP_ACK && got >= 0; i++) {
		if (getrandom(&xid, sizeof(xid), GRND_NONBLOCK) < 0)
			xid = (uint32_t)now_ms();
		got = ask(fd, DHCP_DISCOVER, DHCP_OFFER, xid, hardware, NULL, &offer);
		if (got == DHCP_OFFER)
			got = ask(fd, DHCP_REQUEST, DHCP_ACK, xid, hardware, &offer, lease);
		if (got == 0)
			break;
	}
	close(fd);
	return got < 0 ? got : got == DHCP_ACK ? 0 : -ETIMEDOUT;
}
