/* Signals read from a file: signalfd(2). */
#ifndef TASK_SIGNALFD_H
#define TASK_SIGNALFD_H

#include "base/types.h"

/** signalfd_create - @fd -1: a new one; else change the mask of that one. Return: descriptor, -EBADF, -EINVAL… */
s64 signalfd_create(int fd, u64 mask, u32 o_flags);

#endif
