/*
 * /proc/PID/fd and fdinfo: the descriptors of a process.  fd/N are magic links.
 */
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "fs/proc/internal.h"
#include "kern/slab.h"

enum { LINK_BYTES = 4096, FIRST = 2, DT_REG_ = 8, DT_LNK_ = 10 };

/* ---- fd/N ---- */

static int fd_follow(struct dentry *d, struct inode *i, struct path *out)
{
	struct proc_inode *n = proc_inode(i);
	u32 fmode;
	int err = pids->may_inspect(n->task);

	return err ? err : pids->fd_path(n->task, n->fd, out, &fmode);
}

static void buf_done(void *buf)
{
	kfree(buf);
}

static const char *fd_get_link(struct dentry *d, struct inode *i, void (**done)(void *), void **done_arg)
{
	struct path p;
	char *buf, *name;
	int err = fd_follow(d, i, &p);

	if (err)
		return ERR_PTR(err);
	buf = kmalloc(LINK_BYTES, ALLOC_KERNEL);
	name = buf ? path_name(&p, buf, LINK_BYTES) : ERR_PTR(-ENOMEM);
	path_put(&p);
	if (IS_ERR(name)) {
		kfree(buf);
		return name;
	}
	*done = buf_done;
	*done_arg = buf;
	return name;
}

static int refuse_setattr(struct dentry *d, struct inode *i, const struct setattr *sa)
{
	return sa->valid & (SET_MODE | SET_UID | SET_GID) ? -EPERM : 0;
}

static const struct inode_ops fd_link_ops = { .get_link = fd_get_link, .follow = fd_follow, .setattr = refuse_setattr };
static const struct inode_ops fdinfo_ops = { .setattr = refuse_setattr };

static struct dentry *fd_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	struct proc_inode *from = proc_inode(dir), *n;
	bool info = from->kind == NODE_FDINFOS;
	struct path p;
	u32 fd, fmode, mode;

	if (!name_number(d, &fd) || pids->fd_path(from->task, fd, &p, &fmode))
		return ERR_PTR(-ENOENT);
	path_put(&p);
	mode = S_IFLNK | (fmode & FMODE_READ ? 0500 : 0) | (fmode & FMODE_WRITE ? 0300 : 0);
	n = node_new(dir->super, info ? NODE_FDINFO : NODE_FD, info ? S_IFREG | 0444 : mode, pids->get(from->task));
	if (!n)
		return ERR_PTR(-ENOMEM);
	n->fd = fd;
	n->inode.ops = info ? &fdinfo_ops : &fd_link_ops;
	if (info)
		n->inode.fops = &proc_text_fops;
	else
		n->inode.mapping.size = 64;	/* as Linux shows it */
	d_add(d, &n->inode);
	return NULL;
}

/* ---- the directories ---- */

/* A process may always look at its own descriptors. */
static int fds_permission(struct inode *i, int mask)
{
	int err = inode_permission_generic(i, mask);
	u32 pid, tid;
	struct proc_task *t;

	if (!err || (mask & MAY_WRITE))
		return err;
	pids->self(&pid, &tid);
	t = tid ? pids->find_thread(proc_inode(i)->task, tid) : NULL;
	if (!t)
		return err;
	pids->put(t);
	return 0;
}

static int fds_readdir(struct file *f, struct dir_context *c)
{
	struct proc_inode *n = proc_inode(f->inode);
	int fd;

	if (!dir_emit_dots(f, c))
		return 0;
	while ((fd = pids->next_fd(n->task, c->pos - FIRST)) >= 0) {
		char name[12];
		size_t len = scnprintf(name, sizeof(name), "%d", fd);

		c->pos = FIRST + fd;
		if (!dir_emit(c, name, len, c->pos + 1, n->inode.ino + 4096 + fd, n->kind == NODE_FDS ? DT_LNK_ : DT_REG_))
			return 0;
		c->pos++;
	}
	return 0;
}

static const struct inode_ops fds_ops = { .lookup = fd_lookup, .permission = fds_permission, .setattr = refuse_setattr };
static const struct file_ops fds_fops = { .readdir = fds_readdir };

struct dentry *fd_dir_add(struct inode *dir, struct dentry *d, bool info)
{
	struct proc_inode *n = node_new(dir->super, info ? NODE_FDINFOS : NODE_FDS, S_IFDIR | (info ? 0555 : 0500),
					pids->get(proc_inode(dir)->task));

	if (n) {
		n->inode.ops = &fds_ops;
		n->inode.fops = &fds_fops;
	}
	return node_add(d, n);
}
