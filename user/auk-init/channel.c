/* See channel.h. */
#include "channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_BYTES 4096

void channel_init(struct channel *channel, int fd)
{
	*channel = (struct channel){.fd = fd};
}

int channel_send(struct channel *channel, uint32_t type, const void *payload, size_t len_bytes)
{
	struct auk_msg msg = {.type = type, .len_bytes = len_bytes};
	char *out = realloc(channel->out, channel->out_fill + sizeof(msg) + len_bytes);

	if (out == NULL)
		return -ENOMEM;
	channel->out = out;
	memcpy(out + channel->out_fill, &msg, sizeof(msg));
	channel->out_fill += sizeof(msg);
	if (len_bytes > 0)
		memcpy(out + channel->out_fill, payload, len_bytes);
	channel->out_fill += len_bytes;
	return 0;
}

void channel_poll(const struct channel *channel, struct pollfd *poll)
{
	*poll = (struct pollfd){.fd = channel->ended ? -1 : channel->fd, .events = POLLIN};
	if (channel->out_fill > 0)
		poll->events |= POLLOUT;
}

static bool must_wait(ssize_t got)
{
	return got < 0 && (errno == EAGAIN || errno == EINTR);
}

static void channel_write(struct channel *channel)
{
	ssize_t done;

	if (channel->out_fill == 0 || channel->ended)
		return;
	done = write(channel->fd, channel->out, channel->out_fill);
	if (done < 0) {
		channel->ended = !must_wait(done);
		return;
	}
	channel->out_fill -= done;
	memmove(channel->out, channel->out + done, channel->out_fill);
}

static bool channel_make_room(struct channel *channel)
{
	size_t need = channel->in_fill + READ_BYTES;
	char *in;

	if (need <= channel->in_room)
		return true;
	if (channel->in_fill > sizeof(struct auk_msg) + AUK_MSG_LEN_MAX)
		return false;
	in = realloc(channel->in, 2 * need);
	if (in == NULL)
		return false;
	channel->in = in;
	channel->in_room = 2 * need;
	return true;
}

static void channel_read(struct channel *channel)
{
	ssize_t got;

	if (channel->ended)
		return;
	if (!channel_make_room(channel)) {
		channel->ended = true;
		return;
	}
	got = read(channel->fd, channel->in + channel->in_fill, READ_BYTES);
	if (got > 0)
		channel->in_fill += got;
	else
		channel->ended = !must_wait(got);
}

void channel_run(struct channel *channel)
{
	channel_write(channel);
	channel_read(channel);
}

const struct auk_msg *channel_next(const struct channel *channel, const char **payload)
{
	const struct auk_msg *msg = (const struct auk_msg *)channel->in;

	if (channel->in_fill < sizeof(*msg) || channel->in_fill - sizeof(*msg) < msg->len_bytes)
		return NULL;
	*payload = channel->in + sizeof(*msg);
	return msg;
}

void channel_drop(struct channel *channel)
{
	const struct auk_msg *msg = (const struct auk_msg *)channel->in;
	size_t len = sizeof(*msg) + msg->len_bytes;

	channel->in_fill -= len;
	memmove(channel->in, channel->in + len, channel->in_fill);
}
