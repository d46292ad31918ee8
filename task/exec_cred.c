/*
 * Who a program becomes: set-user-ID, set-group-ID, capabilities.  Capabilities of files are not looked at.
 *
 * Source: capabilities(7) "Transformation of capabilities during execve", execve(2).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/securebits.h>
#include "kern/cred.h"
#include "mm/mm.h"
#include "task/exec_internal.h"
#include "vfs/file.h"
#include "vfs/inode.h"

static bool may_set_id(const struct exec *e)
{
	struct file *f = e->program.file;
	struct task *t = current_task();

	if (f->path.mount->flags & MNT_NOSUID || e->cred->no_new_privs)
		return false;
	return !(t->trace.flags && !capable(CAP_SYS_PTRACE)) && atomic_load(&current()->fs->refs) == 1;
}

static void set_caps(struct exec *e)
{
	struct cred *c = e->cred;
	bool noroot = c->securebits & SECBIT_NOROOT;

	if (c->euid != c->uid || c->egid != c->gid)
		c->cap_ambient = 0;
	if (!noroot && (c->euid == 0 || c->uid == 0)) {
		c->cap_permitted = c->cap_bset | c->cap_inheritable;
		c->cap_effective = c->euid == 0 ? c->cap_permitted : c->cap_ambient;
	} else {
		c->cap_permitted = c->cap_effective = c->cap_ambient;
	}
	c->securebits &= ~(u32)SECBIT_KEEP_CAPS;
}

int exec_cred_prepare(struct exec *e)
{
	struct inode *i = e->program.file->inode;
	struct cred *c = cred_prepare();

	if (!c)
		return -ENOMEM;
	e->cred = c;
	if (i->mode & (S_ISUID | S_ISGID) && may_set_id(e)) {
		if (i->mode & S_ISUID)
			c->euid = i->uid;
		if ((i->mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
			c->egid = i->gid;
	}
	c->suid = c->fsuid = c->euid;
	c->sgid = c->fsgid = c->egid;
	e->secure = c->uid != c->euid || c->gid != c->egid;
	set_caps(e);
	return 0;
}
