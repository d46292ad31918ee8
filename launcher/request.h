/* The RUN message: what the guest is to run, and as whom. */
#ifndef AUK_REQUEST_H
#define AUK_REQUEST_H

#include "args.h"
#include "user/auk-init/channel.h"

/**
 * request_send - queue the RUN message
 * @flags: of enum auk_run_flags
 */
void request_send(struct channel *channel, const struct args *args, unsigned flags);

#endif
