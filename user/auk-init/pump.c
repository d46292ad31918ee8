/* See pump.h. */
#include "pump.h"

#include <errno.h>
#include <unistd.h>

void pump_init(struct pump *pump, int from, int to, size_t write_max_bytes)
{
	pump->from = from;
	pump->to = to;
	pump->write_max_bytes = write_max_bytes;
	pump->read_bytes = 0;
	pump->end_bytes = UINT64_MAX;
	pump->from_ended = from < 0;
	pump->to_ended = to < 0;
	pump->start = 0;
	pump->fill = 0;
}

void pump_end_at(struct pump *pump, uint64_t end_bytes)
{
	pump->end_bytes = end_bytes;
	if (pump->read_bytes >= end_bytes)
		pump->from_ended = true;
}

void pump_poll(const struct pump *pump, struct pollfd *in, struct pollfd *out)
{
	bool read = !pump->from_ended && pump->fill == 0;
	bool write = !pump->to_ended && pump->fill > 0;

	*in = (struct pollfd){.fd = read ? pump->from : -1, .events = POLLIN};
	*out = (struct pollfd){.fd = write ? pump->to : -1, .events = POLLOUT};
}

static bool must_wait(ssize_t got)
{
	return got < 0 && (errno == EAGAIN || errno == EINTR);
}

static void pump_read(struct pump *pump)
{
	uint64_t left = pump->end_bytes - pump->read_bytes;
	size_t want = left < PUMP_BUFFER_BYTES ? left : PUMP_BUFFER_BYTES;
	ssize_t got = read(pump->from, pump->buffer, want);

	if (must_wait(got))
		return;
	if (got <= 0) {
		pump->from_ended = true;
		return;
	}
	pump->start = 0;
	pump->fill = got;
	pump->read_bytes += got;
	if (pump->read_bytes == pump->end_bytes)
		pump->from_ended = true;
}

static void pump_write(struct pump *pump)
{
	size_t want = pump->fill < pump->write_max_bytes ? pump->fill : pump->write_max_bytes;
	ssize_t done = write(pump->to, pump->buffer + pump->start, want);

	if (must_wait(done))
		return;
	if (done < 0) {
		pump->to_ended = true;
		return;
	}
	pump->start += done;
	pump->fill -= done;
}

void pump_run(struct pump *pump, const struct pollfd *in, const struct pollfd *out)
{
	if (in->fd >= 0 && in->revents != 0)
		pump_read(pump);
	/* A fresh read is written at the next turn, when poll has said that it can be. */
	if (out->fd >= 0 && out->revents != 0)
		pump_write(pump);
	if (pump->to_ended)
		pump->fill = 0;
}

bool pump_done(const struct pump *pump)
{
	return pump->from_ended && pump->fill == 0;
}
