/* What uname(2) tells: the system's names, of which two can be set. */
#ifndef TASK_UTS_H
#define TASK_UTS_H

#include <linux/utsname.h>
#include "base/types.h"

/** uts_get - a copy of all six. Context: thread */
void uts_get(struct new_utsname *out);
/** uts_set - nodename (@domain false) or domainname; @len at most 64. The caller has checked permission. */
void uts_set(bool domain, const char *name, size_t len);

#endif
