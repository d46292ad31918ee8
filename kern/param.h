/* Options of drivers on the kernel's command line: "module.option=value". */
#ifndef KERN_PARAM_H
#define KERN_PARAM_H

#include "base/types.h"

/** param_u64 - the number given for @name ("nvme.poll_queues"), the last one if there are several; @otherwise if there is none that is one. */
u64 param_u64(const char *name, u64 otherwise);

#endif
