/*
 * auk: boots a machine on Auk (or on any Linux kernel) and runs a command in it.
 *
 * The launcher prepares everything (args, kernel, initramfs), starts QEMU as its child, and
 * then only carries bytes (session) between its own streams and auk-init in the guest.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "initramfs.h"
#include "kernel.h"
#include "log.h"
#include "paths.h"
#include "probe.h"
#include "qemu.h"
#include "session.h"

static bool use_kvm(enum accel accel)
{
	return accel == ACCEL_KVM || (accel == ACCEL_AUTO && probe_kvm());
}

static int run(int argc, char **argv)
{
	int64_t start_ns = session_now_ns();
	struct kernel kernel;
	struct args args;
	struct qemu qemu;
	struct log log;
	int initramfs;
	bool kvm;

	args_parse(&args, argc, argv);
	kernel_open(&kernel, &args);
	initramfs = initramfs_make(path_beside("auk-init"), &kernel.modules);
	kvm = use_kvm(args.accel);
	log_open(&log, args.log);
	qemu_start(&qemu, &args, &kernel, initramfs, log.path, kvm);
	return session_run(&qemu, &log, &args, kvm, start_ns);
}

int main(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "run") == 0)
		return run(argc - 1, argv + 1);
	if (argc >= 2 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0)) {
		args_help();
		return 0;
	}
	die(2, "%s is not a command; it is run or help", argc < 2 ? "nothing" : argv[1]);
}
