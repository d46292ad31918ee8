/*
 * One kernel for many inputs: started at the first, stopped and started anew after every FUZZ_INPUTS inputs, so that what an input left
 * behind counts for those that follow but not for ever.  With FUZZ_LOG=1 in the environment the kernel's messages go to standard error.
 */
#ifndef TESTS_FUZZ_MACHINE_H
#define TESTS_FUZZ_MACHINE_H

#include "host/auk.h"

enum { FUZZ_INPUTS = 200 };

/**
 * fuzz_machine - process 1 of a running kernel with @devices
 * Return: true if it was started now: mounts and what else the target needs are to be made
 */
bool fuzz_machine(const struct auk_device *devices, unsigned count);

/* User memory of one page for names, which a fuzz_name overwrites in turn: at most 8 in one call. */
uint64_t fuzz_name(const char *text);

/** fuzz_file - the content of a file that mk/fuzz.mk made, in memory that stays; aborts if it is not there. */
const void *fuzz_file(const char *path, size_t *len);

#endif
