/*
 * A pump moves bytes from one file descriptor to another under poll(2), through a fixed buffer.
 *
 * Its owner asks pump_events() what to wait for, polls, and calls pump_run().  The pump never
 * blocks if the owner calls it only for descriptors that are ready, and it never closes
 * anything.  Both ends may end on their own: from_ended and to_ended say so, and the owner
 * decides what follows.
 *
 * Used by the launcher and by auk-init, single-threaded both.
 */
#ifndef AUK_PUMP_H
#define AUK_PUMP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PUMP_BUFFER_BYTES 65536

struct pump {
	int from, to;           /* -1: that end does not exist */
	size_t write_max_bytes; /* one write(2) takes at most this (PIPE_BUF never blocks) */
	uint64_t read_bytes;    /* taken from @from so far */
	uint64_t end_bytes;     /* from_ended becomes true once read_bytes gets here */
	bool from_ended;        /* end of file, error, or end_bytes reached */
	bool to_ended;          /* writing failed; what comes is read and thrown away */
	size_t start, fill;     /* the waiting bytes are buffer[start, start + fill) */
	char buffer[PUMP_BUFFER_BYTES];
};

/**
 * pump_init - make an empty pump that ends with its source
 */
void pump_init(struct pump *pump, int from, int to, size_t write_max_bytes);

/**
 * pump_end_at - tell the length of the stream, in bytes from its beginning
 */
void pump_end_at(struct pump *pump, uint64_t end_bytes);

/**
 * pump_poll - fill in what to wait for
 * @in, @out: get fd -1 where nothing is to be waited for
 */
void pump_poll(const struct pump *pump, struct pollfd *in, struct pollfd *out);

/**
 * pump_run - read once and write once, as far as poll said that it can be done
 */
void pump_run(struct pump *pump, const struct pollfd *in, const struct pollfd *out);

/**
 * pump_done - whether everything that will ever come has been written (or thrown away)
 */
bool pump_done(const struct pump *pump);

#endif
