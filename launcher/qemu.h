/*
 * QEMU as a child process: its command line, its descriptors, its end.
 */
#ifndef AUK_QEMU_H
#define AUK_QEMU_H

#include <sys/types.h>

#include "args.h"
#include "kernel.h"

/* QEMU's exit status when Auk panics: it writes 0x2f to isa-debug-exit, which ends so. */
#define QEMU_STATUS_PANIC ((0x2f << 1) | 1)

struct qemu {
	pid_t pid;
	int pidfd;               /* readable once QEMU has ended */
	int ctl, stdio, stderr_; /* our ends of the ports, non-blocking */
	int messages;            /* a memory file with what QEMU itself had to say */
};

/**
 * qemu_start - boot the machine
 * @initramfs: descriptor of the archive
 * @log:	 file that takes the serial console
 * @kvm:	 accelerate with KVM instead of TCG
 */
void qemu_start(struct qemu *qemu, const struct args *args, const struct kernel *kernel,
		int initramfs, const char *log, bool kvm);

/**
 * qemu_stop - end QEMU if it has not ended, by SIGKILL if it does not listen
 * Return: its wait status
 */
int qemu_stop(struct qemu *qemu);

/**
 * qemu_base - begin a command line: the program and what every machine has
 */
void qemu_base(struct list *argv);

/**
 * qemu_spawn - fork and execute QEMU away from the caller's terminal
 * @argv:   begun by qemu_base()
 * @keep:   descriptors that QEMU gets, under the numbers that they have
 * @output: its standard output and error
 * Return:  its process ID
 */
pid_t qemu_spawn(const struct list *argv, const int *keep, size_t keep_count, int output);

#endif
