/*
 * The registry as directories, files and links; and the root, where processes stand beside it.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "fs/proc/internal.h"
#include "kern/cred.h"
#include "kern/slab.h"

enum { LINK_BYTES = 256, FIRST_ENTRY = 2, FIRST_PID = 1 << 16, DT_DIR_ = 4, DT_REG_ = 8, DT_LNK_ = 10 };

/* ---- links ---- */

static void link_done(void *buf)
{
	kfree(buf);
}

static const char *get_link(struct dentry *d, struct inode *i, void (**done)(void *), void **done_arg)
{
	struct proc_entry *e = proc_inode(i)->entry;
	char *buf;
	int err;

	if (e->target)
		return e->target;
	buf = kmalloc(LINK_BYTES, ALLOC_KERNEL);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	err = e->target_fn(buf, LINK_BYTES);
	if (err) {
		kfree(buf);
		return ERR_PTR(err);
	}
	*done = link_done;
	*done_arg = buf;
	return buf;
}

static const struct inode_ops link_ops = { .get_link = get_link };

/* ---- files: chmod and chown are refused, a truncating open changes nothing ---- */

static int entry_setattr(struct dentry *d, struct inode *i, const struct setattr *sa)
{
	if (sa->valid & (SET_MODE | SET_UID | SET_GID))
		return -EPERM;
	return 0;
}

static const struct inode_ops file_inode_ops = { .setattr = entry_setattr };

/* Of sysctls the mode alone decides, for root too: what is read-only is so for everybody. */
static int sysctl_permission(struct inode *i, int mask)
{
	u32 mode = current_cred()->fsuid == 0 ? i->mode >> 6 : cred_in_group(current_cred(), 0) ? i->mode >> 3 : i->mode;

	return mask & ~mode & (MAY_READ | MAY_WRITE | MAY_EXEC) ? -EACCES : 0;
}

static const struct inode_ops sysctl_inode_ops = { .setattr = entry_setattr, .permission = sysctl_permission };

/* ---- directories ---- */

struct dentry *entry_lookup(struct proc_entry *dir, struct dentry *d)
{
	struct proc_entry *e = proc_find(dir, d->name, d->name_len);

	return e ? node_add(d, entry_node(d->super, e)) : ERR_PTR(-ENOENT);
}

static struct dentry *dir_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	return entry_lookup(proc_inode(dir)->entry, d);
}

static u8 entry_dtype(const struct proc_entry *e)
{
	return e->kind == PROC_DIR ? DT_DIR_ : e->kind == PROC_LINK ? DT_LNK_ : DT_REG_;
}

bool entry_readdir(struct proc_entry *dir, struct dir_context *c, u64 base)
{
	struct proc_entry *e;

	while ((e = proc_nth(dir, c->pos - base))) {
		if (!dir_emit(c, e->name, strlen(e->name), c->pos + 1, e->ino, entry_dtype(e)))
			return false;
		c->pos++;
	}
	return true;
}

static int dir_readdir(struct file *f, struct dir_context *c)
{
	if (dir_emit_dots(f, c))
		entry_readdir(proc_inode(f->inode)->entry, c, FIRST_ENTRY);
	return 0;
}

static const struct inode_ops dir_ops = { .lookup = dir_lookup, .setattr = entry_setattr };
static const struct file_ops dir_fops = { .readdir = dir_readdir };

struct proc_inode *entry_node(struct super *s, struct proc_entry *e)
{
	struct proc_inode *n = node_new(s, NODE_ENTRY, e->mode, NULL);

	if (!n)
		return NULL;
	n->entry = e;
	n->inode.ino = e->ino;
	switch (e->kind) {
	case PROC_DIR:
		n->inode.ops = &dir_ops;
		n->inode.fops = &dir_fops;
		break;
	case PROC_LINK:
		n->inode.ops = &link_ops;
		break;
	case PROC_FOPS:
		n->inode.ops = &file_inode_ops;
		n->inode.fops = e->fops;
		break;
	default:
		n->inode.ops = e->kind == PROC_SYSCTL ? &sysctl_inode_ops : &file_inode_ops;
		n->inode.fops = &proc_text_fops;
		break;
	}
	return n;
}

/* ---- the root ---- */

static struct dentry *root_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	u32 pid;

	if (pids && name_number(d, &pid))
		return pid_lookup(dir->super, d, pid);
	return entry_lookup(proc_root_entry(), d);
}

static int root_readdir(struct file *f, struct dir_context *c)
{
	if (!dir_emit_dots(f, c))
		return 0;
	if (c->pos < FIRST_PID) {
		if (!entry_readdir(proc_root_entry(), c, FIRST_ENTRY))
			return 0;
		c->pos = FIRST_PID;
	}
	return pids ? pid_readdir(c, FIRST_PID) : 0;
}

const struct inode_ops proc_root_ops = { .lookup = root_lookup, .setattr = entry_setattr };
const struct file_ops proc_root_fops = { .readdir = root_readdir };
