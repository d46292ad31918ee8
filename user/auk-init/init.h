/*
 * auk-init: the first process in the guest, from the initramfs that the launcher makes.
 *
 * It loads the kernel's modules (where there are any), finds the launcher's ports, builds the
 * root file system, runs one command in it and reports how that ended; protocol.h is the
 * conversation.  It runs on Auk and on Linux and uses nothing that only one of them has.
 *
 * In the initramfs:
 *	/init			this program
 *	/dev/console		for its own messages, which are kernel messages to the launcher
 *	/modules/order		file names, one a line, in the order of loading; may be missing
 *	/modules/NAME.ko	the modules
 *	/proc /sys /dev /mnt/lower /mnt/upper /mnt/root		empty directories
 *
 * Kernel parameters that it reads from /proc/cmdline:
 *	root=TAG rootfstype=9p	the 9p share TAG below, a tmpfs above it (overlay)
 *	root=/dev/NAME rootfstype=TYPE	a disk, read-write
 *	rootflags=OPTIONS	added to the mount options
 *	auk.net=NAME,…		these interfaces get their addresses by DHCP
 *	ip=dhcp			the same for eth0, as Linux's kernels understand it
 *	auk.ctl=none		do not wait for the launcher: a shell on /dev/console
 *
 * One thread, one command, one run: nothing is freed before the power goes off.
 */
#ifndef AUK_INIT_H
#define AUK_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "channel.h"
#include "protocol.h"

/* --- params.c: the kernel's command line --- */

/**
 * params_get - the last value of a kernel parameter
 * @name: without '='
 * Return: its value (until power-off), or NULL
 */
const char *params_get(const char *name);

/* --- modules.c --- */

/**
 * modules_load - load what /modules/order names and remove the files
 * A module that does not load is named on the console; what needed it will say more.
 */
void modules_load(void);

/* --- ports.c --- */

struct ports {
	int ctl, stdio, stderr_; /* open, non-blocking, close-on-exec */
};

/**
 * ports_open - find the launcher's three ports and wait until their other ends are connected
 * Return: 0, or -ENODEV if they did not appear in time
 */
int ports_open(struct ports *ports);

/* --- rootfs.c --- */

/* Why a step failed: the text, with the value and the system's reason. */
struct failure {
	char text[256];
};

/**
 * rootfs_mount_api - mount /proc, /sys and /dev in the initramfs
 * Return: 0 or -errno; @failure says what
 */
int rootfs_mount_api(struct failure *failure);

/**
 * rootfs_enter - mount the root that the kernel parameters name and make it this process's
 * After it, /proc, /sys, /dev, /dev/pts, /dev/shm and /run are there too.
 * Return: 0 or -errno; @failure says what
 */
int rootfs_enter(struct failure *failure);

/**
 * rootfs_mount_share - mount writable share number @index on @path, in the new root
 * Return: 0 or -errno; @failure says what
 */
int rootfs_mount_share(unsigned index, const char *path, struct failure *failure);

/**
 * rootfs_quiesce - write everything back and leave a disk root clean
 * Call when no other process is left.
 */
void rootfs_quiesce(void);

/* --- net.c --- */

/**
 * net_configure - bring up lo, and what auk.net= names; errors go to the console and @channel
 * @channel: NULL: there is no launcher
 */
void net_configure(struct channel *channel);

/* --- command.c --- */

/* RUN, decoded; points into the message. */
struct command {
	const struct auk_run *run;
	const gid_t *groups;
	const char *cwd;
	char **argv, **env, **shares; /* argv and env end with NULL */
};

/**
 * command_decode - check a RUN message and take it apart
 * @payload: kept by the caller as long as @command is used
 * Return: 0, -EPROTO or -ENOMEM
 */
int command_decode(struct command *command, const char *payload, size_t len_bytes);

/**
 * command_start - fork and execute the command in a session of its own
 * @fds: its standard input, output and error; stay open here
 * @tty: fds[0] is a terminal and becomes the controlling one
 * What keeps it from being executed goes to its standard error; it then exits as env(1) does.
 * Return: its process ID, or -errno
 */
pid_t command_start(const struct command *command, const int fds[3], bool tty);

/* --- session.c --- */

/**
 * session_run - start the command, carry its streams, and tell the launcher how it ended
 * Returns when EXIT (or FAILED) has been taken by the launcher, or the launcher is gone.
 */
void session_run(const struct command *command, const struct ports *ports, struct channel *channel);

/**
 * session_wait_channel - send and receive until a message is there
 * Return: as channel_next(); NULL if the launcher is gone
 */
const struct auk_msg *session_wait_channel(struct channel *channel, const char **payload);

/**
 * session_flush - return when everything queued has been sent and the launcher hung up
 */
void session_flush(struct channel *channel);

#endif
