/*
 * What the launcher (host) and auk-init (guest) say to each other.
 *
 * The machine has one virtio-serial device with three named ports:
 *
 *	auk.ctl		messages, both ways: struct auk_msg, then len_bytes of payload
 *	auk.stdio	raw bytes: to the guest, standard input; from it, standard output
 *	auk.stderr	raw bytes from the guest: standard error
 *
 *	launcher				auk-init
 *	   | ------- RUN ------------------------> |	as soon as QEMU runs
 *	   | <------ STARTED ---------------------- |	the command has been forked
 *	   | <=====> bytes on auk.stdio, auk.stderr |
 *	   | ------- WINDOW, SIGNAL --------------> |	at any time after RUN
 *	   | ------- STDIN_END -------------------> |
 *	   | <------ STDIN_GONE ------------------- |	nobody reads it any more
 *	   | ------- OUTPUT_GONE -----------------> |	nobody reads it any more
 *	   | <------ EXIT ------------------------- |	last; or FAILED, at any time
 *
 * Ports are independent queues, so the end of a stream is told by its length: STDIN_END and EXIT
 * carry the bytes that the streams held in all, and the receiver has everything when it has
 * counted as many.  What EXIT promises: all file systems have been synced.
 *
 * With AUK_RUN_TTY the command has a pseudo-terminal in the guest and auk.stdio carries its
 * master side (echo and Ctrl-C happen in the guest); auk.stderr is then used only with
 * AUK_RUN_STDERR.  Without, the three streams are pipes.
 *
 * Both sides are x86-64: integers are little-endian and structs hold no padding.
 */
#ifndef AUK_PROTOCOL_H
#define AUK_PROTOCOL_H

#include <stdint.h>

#define AUK_PORT_CTL "auk.ctl"
#define AUK_PORT_STDIO "auk.stdio"
#define AUK_PORT_STDERR "auk.stderr"

/* 9p mount tags: the root, and one for each writable share, numbered from 0. */
#define AUK_TAG_ROOT "auk-root"
#define AUK_TAG_RW "auk-rw"

#define AUK_PROTOCOL_VERSION 1
#define AUK_MSG_LEN_MAX (16u << 20)
#define AUK_GROUPS_MAX 256
#define AUK_TERMIOS_CC 19

/* The launcher's exit statuses that are not the command's own, as in timeout(1) and env(1). */
enum {
	AUK_EXIT_TIMEOUT = 124,
	AUK_EXIT_MACHINE = 125, /* panic, no root, no init, QEMU failed */
	AUK_EXIT_NOT_EXECUTABLE = 126,
	AUK_EXIT_NOT_FOUND = 127,
	AUK_EXIT_SIGNAL = 128, /* + the signal's number */
};

enum auk_msg_type {
	/* launcher to init */
	AUK_MSG_RUN = 1,     /* struct auk_run and its strings; once, first */
	AUK_MSG_WINDOW,      /* struct auk_window */
	AUK_MSG_SIGNAL,      /* uint32_t: for the command's (foreground) process group */
	AUK_MSG_STDIN_END,   /* uint64_t: bytes of standard input in all */
	AUK_MSG_OUTPUT_GONE, /* uint32_t: 1 or 2 */
	/* init to launcher */
	AUK_MSG_STARTED = 16, /* "sysname release", no NUL */
	AUK_MSG_STDIN_GONE,   /* empty */
	AUK_MSG_EXIT,         /* struct auk_exit; last */
	AUK_MSG_FAILED,       /* text: why nothing can be run; last */
	AUK_MSG_WARNING,      /* text: what is missing, though the command runs; before STARTED */
};

struct auk_msg {
	uint32_t type;
	uint32_t len_bytes; /* of what follows; at most AUK_MSG_LEN_MAX */
};

struct auk_window {
	uint16_t rows;
	uint16_t cols;
};

enum auk_run_flags {
	AUK_RUN_TTY = 1 << 0,    /* a pseudo-terminal instead of pipes */
	AUK_RUN_STDERR = 1 << 1, /* with AUK_RUN_TTY: standard error is a pipe all the same */
	AUK_RUN_LOGIN = 1 << 2,  /* argv[0] begins with '-' when executed */
};

/* struct termios of the kernel, without its padding */
struct auk_termios {
	uint32_t iflag, oflag, cflag, lflag;
	uint8_t line;
	uint8_t cc[AUK_TERMIOS_CC];
};

/*
 * Followed by group_count uint32_t and then NUL-terminated strings: the working directory,
 * argc arguments, env_count "NAME=value", rw_count paths (share i has tag AUK_TAG_RW i).
 */
struct auk_run {
	uint32_t version; /* AUK_PROTOCOL_VERSION */
	uint32_t flags;
	uint32_t uid, gid;
	uint32_t umask;
	uint32_t group_count;
	uint32_t argc; /* at least 1 */
	uint32_t env_count;
	uint32_t rw_count;
	struct auk_window window;
	struct auk_termios termios; /* with AUK_RUN_TTY */
};

struct auk_exit {
	uint32_t status; /* 0 to 255, as $? in a shell */
	uint32_t reserved;
	uint64_t stdout_bytes;
	uint64_t stderr_bytes;
};

_Static_assert(sizeof(struct auk_run) == 76, "no padding");
_Static_assert(sizeof(struct auk_exit) == 24, "no padding");

#endif
