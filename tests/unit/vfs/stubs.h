/* What a test tells the stubs. */
#ifndef TESTS_UNIT_VFS_STUBS_H
#define TESTS_UNIT_VFS_STUBS_H

#include "base/types.h"

extern u64 stub_wall_ns;	/* the wall clock */
extern bool stub_quiet;		/* no log */
void stub_run_work(void);	/* what work_queue() left to the worker threads */

#endif
