/* Changing credentials: setuid and its kin, groups, capabilities.  Source: credentials(7), setresuid(2), capabilities(7). */
#ifndef TASK_SETID_H
#define TASK_SETID_H

#include "base/types.h"

enum { ID_KEEP = -1 };	/* ~0u in an argument: leave as it is */

MUST_CHECK int setid_uid(u32 uid);
MUST_CHECK int setid_gid(u32 gid);
MUST_CHECK int setid_reuid(u32 uid, u32 euid);
MUST_CHECK int setid_regid(u32 gid, u32 egid);
MUST_CHECK int setid_resuid(u32 uid, u32 euid, u32 suid);
MUST_CHECK int setid_resgid(u32 gid, u32 egid, u32 sgid);
u32 setid_fsuid(u32 uid);		/* the one before, whatever happened */
u32 setid_fsgid(u32 gid);
/** setid_groups - @gids is sorted here. -EPERM, -ENOMEM */
MUST_CHECK int setid_groups(u32 *gids, u32 count);

struct capabilities {
	u64 effective, permitted, inheritable;
};
MUST_CHECK int caps_get(s32 pid, struct capabilities *out);	/* -ESRCH */
MUST_CHECK int caps_set(const struct capabilities *c);
MUST_CHECK int caps_drop_bounding(u64 cap);
s64 caps_ambient(u64 op, u64 cap);
MUST_CHECK int caps_set_securebits(u32 bits);
/** cred_change_flag - no_new_privs, keep capabilities. */
MUST_CHECK int cred_set_no_new_privs(void);
MUST_CHECK int cred_set_keep_caps(bool on);

#endif
