/*
 * prctl: what a process says of itself.
 */
#include <linux/capability.h>
#include <linux/prctl.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include "base/string.h"
#include "kern/cred.h"
#include "mm/mm.h"
#include "sys/sys.h"
#include "task/seccomp.h"
#include "task/setid.h"
#include "task/signal.h"
#include "task/tty_job.h"

static s64 prctl_name(bool set, u64 addr)
{
	char name[16] = { 0 };

	if (!set)
		return copy_out(uaddr(addr), current()->comm, sizeof(name));
	if (plat_strncpy_from_user(name, addr, sizeof(name) - 1) < 0)
		return -EFAULT;
	name[15] = 0;
	memcpy(current()->comm, name, sizeof(name));
	return 0;
}

static s64 prctl_dumpable(u64 v)
{
	if (v > 1)
		return -EINVAL;
	current()->mm->dumpable = (u32)v;
	return 0;
}

static s64 prctl_subreaper(u64 v, bool set)
{
	struct process *p = current_process();
	s32 on = process_has_flag(p, PROC_SUBREAPER);

	if (!set)
		return put_user(on, uaddr(v));
	if (v)
		process_set_flag(p, PROC_SUBREAPER);
	else
		process_clear_flag(p, PROC_SUBREAPER);
	return 0;
}

static s64 prctl_pdeath(u64 v, bool set)
{
	s32 sig = (s32)current_task()->pdeath_signal;

	if (!set)
		return put_user(sig, uaddr(v));
	if (v && !sig_valid((int)v))
		return -EINVAL;
	current_task()->pdeath_signal = (u32)v;
	return 0;
}

static s64 prctl_seccomp(u64 mode, u64 program)
{
	if (mode == SECCOMP_MODE_STRICT)
		return seccomp_set_strict();
	return mode == SECCOMP_MODE_FILTER ? seccomp_set_filter(0, program) : -EINVAL;
}

s64 sys_prctl(u64 option, u64 v, u64 a3, u64 a4, u64 a5)
{
	const struct cred *c = current_cred();
	bool clean = !a3 && !a4 && !a5;
	s32 tsc_enable = PR_TSC_ENABLE;

	switch ((u32)option) {
	case PR_SET_NAME: return prctl_name(true, v);
	case PR_GET_NAME: return prctl_name(false, v);
	case PR_SET_PDEATHSIG: return prctl_pdeath(v, true);
	case PR_GET_PDEATHSIG: return prctl_pdeath(v, false);
	case PR_GET_DUMPABLE: return current()->mm->dumpable;
	case PR_SET_DUMPABLE: return prctl_dumpable(v);
	case PR_GET_KEEPCAPS: return !!(c->securebits & SECBIT_KEEP_CAPS);
	case PR_SET_KEEPCAPS: return v > 1 ? -EINVAL : cred_set_keep_caps(v);
	case PR_GET_SECCOMP: return current_task()->seccomp_mode;
	case PR_SET_SECCOMP: return prctl_seccomp(v, a3);
	case PR_CAPBSET_READ: return v > CAP_LAST_CAP ? -EINVAL : (s64)(c->cap_bset >> v & 1);
	case PR_CAPBSET_DROP: return caps_drop_bounding(v);
	case PR_GET_SECUREBITS: return c->securebits;
	case PR_SET_SECUREBITS: return caps_set_securebits((u32)v);
	case PR_GET_TIMERSLACK: return current_task()->timer_slack_ns;
	case PR_SET_TIMERSLACK: current_task()->timer_slack_ns = v ? (u32)v : 50000; return 0;
	case PR_SET_NO_NEW_PRIVS: return v != 1 || !clean ? -EINVAL : cred_set_no_new_privs();
	case PR_GET_NO_NEW_PRIVS: return v || !clean ? -EINVAL : (s64)c->no_new_privs;
	case PR_SET_CHILD_SUBREAPER: return prctl_subreaper(v, true);
	case PR_GET_CHILD_SUBREAPER: return prctl_subreaper(v, false);
	case PR_CAP_AMBIENT: return a4 || a5 ? -EINVAL : caps_ambient(v, a3);
	case PR_GET_TID_ADDRESS: return put_user(current_task()->clear_tid, uaddr(v));
	case PR_GET_TIMING: return 0;
	case PR_SET_TIMING: return v ? -EINVAL : 0;
	case PR_GET_TSC: return put_user(tsc_enable, uaddr(v));
	case PR_GET_THP_DISABLE: return v || !clean ? -EINVAL : 0;
	case PR_SET_MM: return capable(CAP_SYS_RESOURCE) ? -EINVAL : -EPERM;
	case PR_MCE_KILL_GET: return v || !clean ? -EINVAL : 2;
	default: return -EINVAL;
	}
}

s64 sys_vhangup(void)
{
	if (!capable(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	tty_job_hangup_current();
	return 0;
}
