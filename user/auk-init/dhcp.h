/*
 * A DHCP client for one interface, one lease: discover, offer, request, acknowledgement.  The lease is never renewed: a guest of the launcher
 * lives shorter than any.
 *
 * Source: RFC 2131, RFC 2132.
 */
#ifndef AUK_DHCP_H
#define AUK_DHCP_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#define DHCP_SERVERS_MAX 3
#define DHCP_DOMAIN_MAX 256

/* What a server gave; addresses are zero where it gave none. */
struct dhcp_lease {
	struct in_addr address, mask, router, server;
	struct in_addr names[DHCP_SERVERS_MAX];
	unsigned name_count;
	char domain[DHCP_DOMAIN_MAX];
};

enum dhcp_type { DHCP_DISCOVER = 1, DHCP_OFFER, DHCP_REQUEST, DHCP_DECLINE, DHCP_ACK, DHCP_NAK };

#define DHCP_MESSAGE_MAX 576

/**
 * dhcp_build - write a DISCOVER, or the REQUEST for @offer
 * @message: DHCP_MESSAGE_MAX bytes
 * @hardware: the Ethernet address
 * Return:   its length
 */
size_t dhcp_build(unsigned char *message, enum dhcp_type type, uint32_t xid,
		  const unsigned char hardware[6], const struct dhcp_lease *offer);

/**
 * dhcp_parse - read a server's answer; it may hold anything
 * @lease: out, if it is an OFFER or an ACK
 * Return: its type, or 0 if it is no answer to @xid and @hardware, or damaged
 */
int dhcp_parse(const unsigned char *message, size_t len, uint32_t xid,
	       const unsigned char hardware[6], struct dhcp_lease *lease);

/**
 * dhcp_acquire - ask on @interface, which is up, until a server gives a lease
 * Return: 0, -ETIMEDOUT (no server answered), or what the socket said
 */
int dhcp_acquire(const char *interface, const unsigned char hardware[6], struct dhcp_lease *lease);

#endif
