/*
 * A channel sends and receives the messages of protocol.h over one non-blocking descriptor.
 * Single-threaded; used by the launcher and by auk-init.
 */
#ifndef AUK_CHANNEL_H
#define AUK_CHANNEL_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "protocol.h"

struct channel {
	int fd;
	bool ended; /* the other side is gone or has broken the protocol */
	char *in;   /* in_fill bytes of a message, room for in_room */
	size_t in_fill, in_room;
	char *out; /* out_fill bytes still to be sent */
	size_t out_fill;
};

/**
 * channel_init - take a descriptor that the caller has made non-blocking
 */
void channel_init(struct channel *channel, int fd);

/**
 * channel_send - queue one message; channel_run() writes it when the other side takes it
 * Return: 0 or -ENOMEM
 */
int channel_send(struct channel *channel, uint32_t type, const void *payload, size_t len_bytes);

/**
 * channel_poll - fill in what to wait for
 */
void channel_poll(const struct channel *channel, struct pollfd *poll);

/**
 * channel_run - send and receive as far as that is possible without waiting
 */
void channel_run(struct channel *channel);

/**
 * channel_next - the first whole message, if there is one
 * @payload: out; valid until channel_drop()
 * Return:   the message's header, or NULL
 */
const struct auk_msg *channel_next(const struct channel *channel, const char **payload);

/**
 * channel_drop - forget the message that channel_next() returned
 */
void channel_drop(struct channel *channel);

#endif
