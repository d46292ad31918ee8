/*
 * /proc/PID and /proc/PID/task/TID: directories of what task/ says of a thread.
 *
 * A dentry of a process holds until the process is reaped: revalidation asks, without sleeping.
 */
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "fs/proc/internal.h"
#include "kern/slab.h"

enum { LINK_BYTES = 4096, FIRST = 2, FIRST_TABLE = 8, DT_DIR_ = 4, DT_REG_ = 8, DT_LNK_ = 10 };

bool name_number(const struct dentry *d, u32 *out)
{
	u64 v;

	if (d->name_len > 10 || d->name[0] < '0' || d->name[0] > '9' || (d->name[0] == '0' && d->name_len > 1))
		return false;
	if (parse_u64(d->name, 10, &v) || v > 0x7fffffff)
		return false;
	*out = v;
	return true;
}

/* ---- do dentries hold? ---- */

static int revalidate(struct dentry *d, bool rcu)
{
	struct inode *i = READ_ONCE(d->inode);
	struct proc_inode *n;

	if (!i)
		return 0;
	n = proc_inode(i);
	if (n->kind == NODE_ENTRY)
		return 1;
	if (n->kind == NODE_FD || n->kind == NODE_FDINFO)
		return rcu ? -EAGAIN : 0;	/* descriptors come and go: look again */
	if (!pids->alive(n->task))
		return rcu ? -EAGAIN : 0;
	node_refresh_owner(n);
	return 1;
}

/* Nothing of a process is worth keeping once nobody looks at it: it would keep the process's memory. */
static int dentry_delete(const struct dentry *d)
{
	return d->inode && proc_inode(d->inode)->kind != NODE_ENTRY && !pids->alive(proc_inode(d->inode)->task);
}

const struct dentry_ops proc_dentry_ops = { .revalidate = revalidate, .delete = dentry_delete };

/* ---- references for a new inode below @dir: @t is the thread that @dir shows ---- */

static struct proc_task *same_task(struct inode *dir);

/* ---- one entry ---- */

static void buf_done(void *buf)
{
	kfree(buf);
}

static int entry_text(struct proc_inode *n, char *buf)
{
	struct path p;
	char *name;
	int err;

	if (n->pid_entry->text)
		return n->pid_entry->text(n->task, buf, LINK_BYTES);
	err = n->pid_entry->follow(n->task, &p);
	if (err)
		return err;
	name = path_name(&p, buf, LINK_BYTES);
	path_put(&p);
	if (IS_ERR(name))
		return PTR_ERR(name);
	memmove(buf, name, strlen(name) + 1);
	return 0;
}

static const char *entry_get_link(struct dentry *d, struct inode *i, void (**done)(void *), void **done_arg)
{
	struct proc_inode *n = proc_inode(i);
	char *buf;
	int err = n->pid_entry->open ? n->pid_entry->open(n->task) : 0;

	if (err)
		return ERR_PTR(err);
	buf = kmalloc(LINK_BYTES, ALLOC_KERNEL);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	err = entry_text(n, buf);
	if (err) {
		kfree(buf);
		return ERR_PTR(err);
	}
	*done = buf_done;
	*done_arg = buf;
	return buf;
}

static int entry_follow(struct dentry *d, struct inode *i, struct path *out)
{
	struct proc_inode *n = proc_inode(i);
	int err = n->pid_entry->open ? n->pid_entry->open(n->task) : 0;

	return err ? err : n->pid_entry->follow(n->task, out);
}

static int refuse_setattr(struct dentry *d, struct inode *i, const struct setattr *sa)
{
	return sa->valid & (SET_MODE | SET_UID | SET_GID) ? -EPERM : 0;
}

static const struct inode_ops text_link_ops = { .get_link = entry_get_link, .setattr = refuse_setattr };
static const struct inode_ops magic_link_ops = { .get_link = entry_get_link, .follow = entry_follow, .setattr = refuse_setattr };
static const struct inode_ops file_inode_ops = { .setattr = refuse_setattr };

/* ---- binary files ---- */

static int raw_open(struct inode *i, struct file *f)
{
	struct proc_inode *n = proc_inode(i);

	return n->pid_entry->open ? n->pid_entry->open(n->task) : 0;
}

static s64 raw_read(struct file *f, struct iter *to, u64 *pos)
{
	struct proc_inode *n = proc_inode(f->inode);
	void *buf = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	u64 total = 0;
	s64 got = 0;

	if (!buf)
		return -ENOMEM;
	while (iter_left(to) && !signal_pending()) {
		u64 want = MIN(iter_left(to), (u64)PAGE_SIZE);

		got = n->pid_entry->read(n->task, buf, want, *pos);
		if (got <= 0)
			break;
		u64 put = iter_put(to, buf, got);

		*pos += put;
		total += put;
		if (put < (u64)got) {
			got = -EFAULT;
			break;
		}
	}
	kfree(buf);
	return total ? (s64)total : MIN(got, (s64)0);
}

static s64 raw_write(struct file *f, struct iter *from, u64 *pos)
{
	struct proc_inode *n = proc_inode(f->inode);
	u64 want = MIN(iter_left(from), (u64)PAGE_SIZE);
	char *buf;
	s64 ret = -EFAULT;

	if (!n->pid_entry->write)
		return -EINVAL;
	buf = kmalloc(want + 1, ALLOC_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (iter_get(from, buf, want) == want) {
		buf[want] = '\0';
		ret = n->pid_entry->write(n->task, buf, want, *pos);
	}
	if (ret > 0)
		*pos += ret;
	kfree(buf);
	return ret;
}

/* Any position is good: they are addresses. */
static s64 raw_seek(struct file *f, s64 off, int whence)
{
	if (whence == 1)
		off += f->pos;
	else if (whence != 0)
		return -EINVAL;
	f->pos = off;
	return off;
}

static const struct file_ops raw_fops = { .open = raw_open, .read = raw_read, .write = raw_write, .seek = raw_seek };

/* ---- tables of entries as directories ---- */

static const struct proc_pid_entry *table_of(const struct proc_inode *n)
{
	return n->kind == NODE_PID_ENTRY ? n->pid_entry->children : pids->entries;
}

static bool shown_in(const struct proc_pid_entry *e, enum node_kind kind)
{
	u32 where = e->where ? e->where : PROC_IN_BOTH;

	return kind == NODE_PID ? where & PROC_IN_PROCESS : kind == NODE_THREAD ? where & PROC_IN_THREAD : true;
}

static const struct inode_ops table_dir_ops;
static const struct file_ops table_dir_fops;

static struct proc_inode *table_node(struct inode *dir, const struct proc_pid_entry *e)
{
	struct proc_inode *n = node_new(dir->super, NODE_PID_ENTRY, e->mode, same_task(dir));

	if (!n)
		return NULL;
	n->pid_entry = e;
	switch (e->mode & S_IFMT) {
	case S_IFDIR:
		n->inode.ops = &table_dir_ops;
		n->inode.fops = &table_dir_fops;
		break;
	case S_IFLNK:
		n->inode.ops = e->follow ? &magic_link_ops : &text_link_ops;
		break;
	default:
		n->inode.ops = &file_inode_ops;
		n->inode.fops = e->read ? &raw_fops : &proc_text_fops;
		break;
	}
	return n;
}

static struct dentry *table_lookup(struct inode *dir, struct dentry *d)
{
	struct proc_inode *n = proc_inode(dir);

	for (const struct proc_pid_entry *e = table_of(n); e && e->name; e++)
		if (shown_in(e, n->kind) && strlen(e->name) == d->name_len && !memcmp(e->name, d->name, d->name_len))
			return node_add(d, table_node(dir, e));
	return ERR_PTR(-ENOENT);
}

static u8 mode_dtype(u32 mode)
{
	return (mode & S_IFMT) == S_IFDIR ? DT_DIR_ : (mode & S_IFMT) == S_IFLNK ? DT_LNK_ : DT_REG_;
}

static bool table_readdir(struct proc_inode *n, struct dir_context *c, u64 base)
{
	u64 at = base;

	for (const struct proc_pid_entry *e = table_of(n); e && e->name; e++, at++) {
		if (at < c->pos || !shown_in(e, n->kind))
			continue;
		if (!dir_emit(c, e->name, strlen(e->name), at + 1, n->inode.ino + 16 + (at - base), mode_dtype(e->mode)))
			return false;
		c->pos = at + 1;
	}
	return true;
}

static struct dentry *table_dir_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	return table_lookup(dir, d);
}

static int table_dir_readdir(struct file *f, struct dir_context *c)
{
	if (dir_emit_dots(f, c))
		table_readdir(proc_inode(f->inode), c, FIRST);
	return 0;
}

static const struct inode_ops table_dir_ops = { .lookup = table_dir_lookup, .setattr = refuse_setattr };
static const struct file_ops table_dir_fops = { .readdir = table_dir_readdir };

/* ---- /proc/PID and task/TID themselves ---- */

static const char *const builtin[] = { "task", "fd", "fdinfo" };	/* positions FIRST + index; task only in processes */

static struct dentry *tasks_add(struct inode *dir, struct dentry *d);

static bool name_is(const struct dentry *d, const char *name)
{
	return strlen(name) == d->name_len && !memcmp(name, d->name, d->name_len);
}

static struct dentry *pid_dir_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	if (name_is(d, "fd"))
		return fd_dir_add(dir, d, false);
	if (name_is(d, "fdinfo"))
		return fd_dir_add(dir, d, true);
	if (name_is(d, "task") && proc_inode(dir)->kind == NODE_PID)
		return tasks_add(dir, d);
	return table_lookup(dir, d);
}

static int pid_dir_readdir(struct file *f, struct dir_context *c)
{
	struct proc_inode *n = proc_inode(f->inode);

	if (!pids->alive(n->task))
		return -ENOENT;
	if (!dir_emit_dots(f, c))
		return 0;
	for (; c->pos < FIRST + ARRAY_SIZE(builtin); c->pos++) {
		const char *name = builtin[c->pos - FIRST];

		if (c->pos == FIRST && n->kind != NODE_PID)
			continue;
		if (!dir_emit(c, name, strlen(name), c->pos + 1, n->inode.ino + c->pos, DT_DIR_))
			return 0;
	}
	if (c->pos < FIRST_TABLE)
		c->pos = FIRST_TABLE;
	table_readdir(n, c, FIRST_TABLE);
	return 0;
}

static int pid_dir_permission(struct inode *i, int mask)
{
	return pids->alive(proc_inode(i)->task) ? inode_permission_generic(i, mask) : -ESRCH;
}

static const struct inode_ops pid_dir_ops = {
	.lookup = pid_dir_lookup, .permission = pid_dir_permission, .setattr = refuse_setattr,
};
static const struct file_ops pid_dir_fops = { .readdir = pid_dir_readdir };

static struct dentry *add_thread_dir(struct super *s, struct dentry *d, struct proc_task *t, enum node_kind kind)
{
	struct proc_inode *n = node_new(s, kind, S_IFDIR | 0555, t);

	if (n) {
		n->inode.ops = &pid_dir_ops;
		n->inode.fops = &pid_dir_fops;
		n->inode.nlink = kind == NODE_PID ? 9 : 7;	/* as Linux shows them */
	}
	return node_add(d, n);
}

struct dentry *pid_lookup(struct super *s, struct dentry *d, u32 pid)
{
	struct proc_task *t = pids->find(pid);

	return t ? add_thread_dir(s, d, t, NODE_PID) : ERR_PTR(-ENOENT);
}

static int emit_number(struct dir_context *c, u32 number, u64 off_next)
{
	char name[12];
	size_t n = scnprintf(name, sizeof(name), "%u", number);

	return dir_emit(c, name, n, off_next, number + (1ull << 32), DT_DIR_);
}

int pid_readdir(struct dir_context *c, u64 base)
{
	u32 pid;

	while ((pid = pids->next(MAX(c->pos - base, (u64)1)))) {
		c->pos = base + pid;
		if (!emit_number(c, pid, c->pos + 1))
			return 0;
		c->pos++;
	}
	return 0;
}

/* ---- task/ ---- */

static struct dentry *tasks_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	struct proc_task *t;
	u32 tid;

	if (!name_number(d, &tid))
		return ERR_PTR(-ENOENT);
	t = pids->find_thread(proc_inode(dir)->task, tid);
	return t ? add_thread_dir(dir->super, d, t, NODE_THREAD) : ERR_PTR(-ENOENT);
}

static int tasks_readdir(struct file *f, struct dir_context *c)
{
	struct proc_task *t = proc_inode(f->inode)->task;
	u32 tid;

	if (!dir_emit_dots(f, c))
		return 0;
	while ((tid = pids->next_thread(t, MAX(c->pos - FIRST, (u64)1)))) {
		c->pos = FIRST + tid;
		if (!emit_number(c, tid, c->pos + 1))
			return 0;
		c->pos++;
	}
	return 0;
}

static int tasks_getattr(struct dentry *d, struct inode *i, struct attrs *out)
{
	struct proc_task *t = proc_inode(i)->task;
	u32 count = 2;

	for (u32 tid = pids->next_thread(t, 1); tid; tid = pids->next_thread(t, tid + 1))
		count++;
	inode_fill_attrs(i, out);
	out->nlink = count;
	return 0;
}

static const struct inode_ops tasks_ops = { .lookup = tasks_lookup, .setattr = refuse_setattr, .getattr = tasks_getattr };
static const struct file_ops tasks_fops = { .readdir = tasks_readdir };

static struct dentry *tasks_add(struct inode *dir, struct dentry *d)
{
	struct proc_inode *n = node_new(dir->super, NODE_TASKS, S_IFDIR | 0555, same_task(dir));

	if (n) {
		n->inode.ops = &tasks_ops;
		n->inode.fops = &tasks_fops;
	}
	return node_add(d, n);
}

static struct proc_task *same_task(struct inode *dir)
{
	return pids->get(proc_inode(dir)->task);
}
