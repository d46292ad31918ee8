/*
 * The kernel to boot: what kind of file it is and, for a Linux kernel, which modules it needs.
 */
#ifndef AUK_KERNEL_H
#define AUK_KERNEL_H

#include "args.h"

struct kernel {
	const char *path;
	const char *version;     /* of Linux; NULL where the image does not tell */
	const char *modules_dir; /* with modules.dep; NULL: none */
	struct list modules;     /* paths of .ko files in the order of loading */
};

/**
 * kernel_open - find the kernel that @args asks for and the modules that the machine needs
 * Ends the launcher with a clear line if the file is no kernel, or if the module tree lacks
 * what the root file system or the ports need.
 */
void kernel_open(struct kernel *kernel, const struct args *args);

#endif
