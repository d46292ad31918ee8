/*
 * The system calls over task/ and sock/: prototypes, by file.  Included by sys.h.
 */
#ifndef SYS_TASK_CALLS_H
#define SYS_TASK_CALLS_H

#include "base/types.h"

#endif
