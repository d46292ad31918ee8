/* The conversation with the guest, from QEMU's start to the command's end. */
#ifndef AUK_SESSION_H
#define AUK_SESSION_H

#include "args.h"
#include "log.h"
#include "qemu.h"

/**
 * session_run - carry the command's streams and wait for its end, or for the machine's
 * @start_ns: when the launcher began, of CLOCK_MONOTONIC; --timeout counts from it
 * Stops QEMU; says on standard error what went wrong, if something did.
 * Return: the launcher's exit status
 */
int session_run(struct qemu *qemu, struct log *log, const struct args *args, bool kvm,
		int64_t start_ns);

/**
 * session_now_ns - CLOCK_MONOTONIC
 */
int64_t session_now_ns(void);

#endif
