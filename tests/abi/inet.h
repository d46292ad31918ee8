/* What the programs about AF_INET and AF_INET6 share: addresses. */
#ifndef ABI_INET_H
#define ABI_INET_H

#include "abi.h"
#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

static inline struct sockaddr_in at4(const char *ip, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, ip, &a.sin_addr);
	return a;
}

static inline struct sockaddr_in6 at6(const char *ip, int port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	inet_pton(AF_INET6, ip, &a.sin6_addr);
	return a;
}

#endif
