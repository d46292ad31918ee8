/*
 * The command line of `auk run`, checked.
 *
 * Whatever is wrong with it ends the launcher with status 2 and one line that names the value
 * and says what is accepted.
 */
#ifndef AUK_ARGS_H
#define AUK_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "util.h"

enum accel { ACCEL_AUTO, ACCEL_KVM, ACCEL_TCG };
enum machine { MACHINE_PC, MACHINE_Q35, MACHINE_MICROVM };
enum root_kind { ROOT_DIR, ROOT_IMAGE };

struct args {
	unsigned cpus;
	uint64_t memory_mib;
	enum root_kind root_kind;
	const char *root;        /* absolute */
	const char *root_format; /* of an image: raw or qcow2 */
	struct list shares;      /* --rw: absolute directories */
	struct list drives;      /* --disk: values for -drive, without id */
	struct list drive_props; /* and properties for the device, as ",x=y", side by side */
	struct list nics;        /* --nic: values for -netdev */
	struct list nic_props;   /* and properties for the device, as ",x=y", side by side */
	const char *net_dhcp;    /* the interfaces of those on QEMU's user network, "eth0,eth2"; or "" */
	const char *kernel;      /* NULL: Auk's own */
	const char *modules;     /* NULL: look beside the kernel */
	const char *append;      /* "" where there is none */
	const char *log;         /* NULL: one under the state directory */
	enum accel accel;
	enum machine machine;
	double timeout_s; /* 0: none */
	bool verbose;
	struct list command; /* empty: a shell */
};

/**
 * args_parse - read the arguments that follow `auk run`
 * @argv: argv[0] is not looked at
 */
void args_parse(struct args *args, int argc, char **argv);

/**
 * args_help - print what `auk run` accepts
 */
void args_help(void);

/**
 * machine_name - as QEMU calls it
 */
const char *machine_name(enum machine machine);

#endif
