/*
 * A DHCP client: discover, offer, request, acknowledgement.
 *
 * Departures from RFC 2131: a lease is not renewed (a run is shorter than a lease, mostly), nor given back; the
 * address is not probed by ARP before it is used; nothing is kept between runs; it waits for seconds, not minutes;
 * options in the fields "sname" and "file" are not looked at.
 *
 * Answers are asked for as broadcasts, so that a UDP socket gets them before there is an address.
 *
 * Source: RFC 2131, RFC 2132
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define CLIENT_PORT 68
#define SERVER_PORT 67
#define TRIES 3
#define FIRST_WAIT_MS 1000 /* doubled from try to try */
#define REFUSALS_MAX 3
#define COOKIE 0x63825363u
#define FLAG_BROADCAST 0x8000
#define OPTIONS_MIN 308 /* with them a message has the 576 bytes that everybody takes */
#define ETHERNET 1

enum { OP_REQUEST = 1, OP_REPLY };
enum { DISCOVER = 1, OFFER, REQUEST, ACK = 5, NAK };
enum {
	OPT_PAD = 0,
	OPT_MASK = 1,
	OPT_ROUTER = 3,
	OPT_NAME_SERVERS = 6,
	OPT_DOMAIN = 15,
	OPT_ADDRESS = 50,
	OPT_TYPE = 53,
	OPT_SERVER = 54,
	OPT_WANTED = 55,
	OPT_END = 255,
};

struct message {
	uint8_t op, htype, hlen, hops;
	uint32_t xid;
	uint16_t secs, flags;
	struct in_addr ciaddr, yiaddr, siaddr, giaddr;
	uint8_t chaddr[16], sname[64], file[128];
	uint32_t cookie;
	uint8_t options[1200];
};
_Static_assert(offsetof(struct message, options) == 240, "as RFC 2131 has it");

struct client {
	int fd;
	uint32_t xid;
	uint8_t mac[6];
	struct in_addr offered, server; /* of the offer taken */
};

/* --- Options --- */

static size_t option_put(uint8_t *options, size_t at, uint8_t code, const void *value, uint8_t len)
{
	options[at++] = code;
	options[at++] = len;
	memcpy(options + at, value, len);
	return at + len;
}

/* The first option @code, or NULL; what goes past the message's end is not there. */
static const uint8_t *option_find(const struct message *m, size_t len, uint8_t code, uint8_t *value_len)
{
	size_t end = len - offsetof(struct message, options);

	for (size_t at = 0; at < end && m->options[at] != OPT_END;) {
		if (m->options[at] == OPT_PAD) {
			at++;
			continue;
		}
		if (end - at < 2 || end - at - 2 < m->options[at + 1])
			return NULL;
		*value_len = m->options[at + 1];
		if (m->options[at] == code)
			return &m->options[at + 2];
		at += 2u + *value_len;
	}
	return NULL;
}

/* Up to @max addresses of an option. Return: how many */
static unsigned option_addresses(const struct message *m, size_t len, uint8_t code, struct in_addr *out, unsigned max)
{
	uint8_t bytes = 0;
	const uint8_t *value = option_find(m, len, code, &bytes);
	unsigned count = value == NULL ? 0 : bytes / sizeof(*out);

	if (count > max)
		count = max;
	for (unsigned i = 0; i < count; i++)
		memcpy(&out[i], value + i * sizeof(*out), sizeof(*out));
	return count;
}

static void option_domain(const struct message *m, size_t len, char out[256])
{
	uint8_t bytes = 0;
	const uint8_t *value = option_find(m, len, OPT_DOMAIN, &bytes);

	memset(out, 0, 256);
	for (unsigned i = 0; value != NULL && i < bytes; i++) {
		/* It goes into a file of lines and words. */
		if (value[i] <= ' ' || value[i] >= 0x7f) {
			out[0] = '\0';
			return;
		}
		out[i] = value[i];
	}
}

/* --- Messages --- */

static int message_send(const struct client *client, uint8_t type)
{
	static const uint8_t wanted[] = {OPT_MASK, OPT_ROUTER, OPT_NAME_SERVERS, OPT_DOMAIN};
	struct message m = {.op = OP_REQUEST, .htype = ETHERNET, .hlen = sizeof(client->mac)};
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(SERVER_PORT)};
	size_t at = 0;

	m.xid = client->xid;
	m.flags = htons(FLAG_BROADCAST);
	m.cookie = htonl(COOKIE);
	memcpy(m.chaddr, client->mac, sizeof(client->mac));
	at = option_put(m.options, at, OPT_TYPE, &type, 1);
	if (type == REQUEST) {
		at = option_put(m.options, at, OPT_ADDRESS, &client->offered, 4);
		at = option_put(m.options, at, OPT_SERVER, &client->server, 4);
	}
	at = option_put(m.options, at, OPT_WANTED, wanted, sizeof(wanted));
	m.options[at++] = OPT_END;
	if (at < OPTIONS_MIN)
		at = OPTIONS_MIN;
	to.sin_addr.s_addr = htonl(INADDR_BROADCAST);
	if (sendto(client->fd, &m, offsetof(struct message, options) + at, 0, (void *)&to, sizeof(to)) < 0)
		return -errno;
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* One datagram. Return: the type of the message if it is an answer to us, 0: something else, -errno */
static int message_take(const struct client *client, struct message *m, size_t *len)
{
	struct sockaddr_in from;
	socklen_t from_len = sizeof(from);
	ssize_t got = recvfrom(client->fd, m, sizeof(*m), MSG_DONTWAIT, (void *)&from, &from_len);
	uint8_t type_len = 0;
	const uint8_t *type;

	if (got < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if ((size_t)got < offsetof(struct message, options) || from.sin_port != htons(SERVER_PORT))
		return 0;
	if (m->op != OP_REPLY || m->xid != client->xid || m->cookie != htonl(COOKIE) ||
	    memcmp(m->chaddr, client->mac, sizeof(client->mac)) != 0)
		return 0;
	*len = got;
	type = option_find(m, got, OPT_TYPE, &type_len);
	return type == NULL || type_len != 1 ? 0 : *type;
}

/* Send a message again and again until one of the types @a, @b answers. Return: the type, -ETIMEDOUT, -errno */
static int exchange(const struct client *client, uint8_t type, int a, int b, struct message *m, size_t *len)
{
	for (int try = 0; try < TRIES; try++) {
		int64_t end_ms = now_ms() + (FIRST_WAIT_MS << try), left_ms;
		int error = message_send(client, type);

		if (error != 0)
			return error;
		while ((left_ms = end_ms - now_ms()) > 0) {
			struct pollfd ready = {.fd = client->fd, .events = POLLIN};
			int got = 0;

			if (poll(&ready, 1, left_ms) > 0)
				got = message_take(client, m, len);
			if (got < 0 || (got != 0 && (got == a || got == b)))
				return got;
		}
	}
	return -ETIMEDOUT;
}

/* --- The lease --- */

static int client_open(struct client *client, const char *name)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(CLIENT_PORT)};
	struct ifreq req = {0};
	int on = 1;

	client->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (client->fd < 0)
		return -errno;
	strncpy(req.ifr_name, name, IFNAMSIZ - 1);
	if (ioctl(client->fd, SIOCGIFHWADDR, &req) < 0 ||
	    setsockopt(client->fd, SOL_SOCKET, SO_BROADCAST, &on, sizeof(on)) < 0 ||
	    setsockopt(client->fd, SOL_SOCKET, SO_BINDTODEVICE, name, strlen(name) + 1) < 0 ||
	    bind(client->fd, (void *)&at, sizeof(at)) < 0 ||
	    getrandom(&client->xid, sizeof(client->xid), 0) < 0) {
		int error = -errno;

		close(client->fd);
		return error;
	}
	memcpy(client->mac, req.ifr_hwaddr.sa_data, sizeof(client->mac));
	return 0;
}

static void lease_read(const struct message *m, size_t len, struct dhcp_lease *lease)
{
	memset(lease, 0, sizeof(*lease));
	lease->address = m->yiaddr;
	if (option_addresses(m, len, OPT_MASK, &lease->mask, 1) == 0)
		lease->mask.s_addr = htonl(0xffffff00);
	option_addresses(m, len, OPT_ROUTER, &lease->router, 1);
	lease->name_server_count =
	    option_addresses(m, len, OPT_NAME_SERVERS, lease->name_servers, DHCP_SERVERS_MAX);
	option_domain(m, len, lease->domain);
}

int dhcp_lease_get(const char *name, struct dhcp_lease *lease)
{
	struct client client;
	struct message m;
	size_t len = 0;
	int got = client_open(&client, name);

	if (got != 0)
		return got;
	got = NAK;
	for (int refusals = 0; got == NAK && refusals < REFUSALS_MAX; refusals++) {
		got = exchange(&client, DISCOVER, OFFER, OFFER, &m, &len);
		if (got < 0)
			break;
		client.offered = m.yiaddr;
		if (option_addresses(&m, len, OPT_SERVER, &client.server, 1) == 0)
			client.server = m.siaddr;
		got = exchange(&client, REQUEST, ACK, NAK, &m, &len);
	}
	close(client.fd);
	if (got < 0)
		return got;
	if (got == NAK || m.yiaddr.s_addr == 0)
		return -ECONNREFUSED;
	lease_read(&m, len, lease);
	return 0;
}
