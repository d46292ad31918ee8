/*
 * The proc file system: instance and inodes.
 *
 * There is one instance; each mount shows it.  Inodes are made by lookup and carry all that is known; nothing is cached but
 * by the dentry cache, and the dentries of processes are asked whether they still hold (pid.c).
 *
 * Source: proc(5).
 */
#include <linux/errno.h>
#include <linux/magic.h>
#include "base/string.h"
#include "fs/proc/internal.h"
#include "kern/assert.h"
#include "kern/slab.h"

const struct proc_pid_ops *pids;
static struct slab_cache *node_cache;
static struct super *the_super;		/* made at start-up, never torn down */

static struct inode *alloc_inode(struct super *s)
{
	struct proc_inode *n = slab_alloc(node_cache, ALLOC_KERNEL);

	if (!n)
		return NULL;
	memset(n, 0, sizeof(*n));
	return &n->inode;
}

static void free_inode(struct inode *i)
{
	slab_free(node_cache, proc_inode(i));
}

static void evict(struct inode *i)
{
	struct proc_inode *n = proc_inode(i);

	if (n->task)
		pids->put(n->task);
}

static int proc_statfs(struct super *s, struct fs_stat *out)
{
	out->type = PROC_SUPER_MAGIC;
	out->bsize = out->frsize = PAGE_SIZE;
	out->namelen = 255;
	return 0;
}

static void proc_put(struct super *s)
{
}

static const struct super_ops super_ops = {
	.alloc_inode = alloc_inode,
	.free_inode = free_inode,
	.evict = evict,
	.statfs = proc_statfs,
	.put = proc_put,
};

void node_refresh_owner(struct proc_inode *n)
{
	u32 uid, gid;

	if (!n->task)
		return;
	pids->owner(n->task, &uid, &gid);
	n->inode.uid = uid;
	n->inode.gid = gid;
}

struct proc_inode *node_new(struct super *s, enum node_kind kind, u32 mode, struct proc_task *task)
{
	struct inode *i = inode_alloc(s);
	struct proc_inode *n;

	if (!i) {
		if (task)
			pids->put(task);
		return NULL;
	}
	n = proc_inode(i);
	n->kind = kind;
	n->task = task;
	i->mode = mode;
	i->ino = inode_next_ino();
	i->nlink = (mode & S_IFMT) == S_IFDIR ? 2 : 1;
	node_refresh_owner(n);
	return n;
}

struct dentry *node_add(struct dentry *d, struct proc_inode *n)
{
	if (!n)
		return ERR_PTR(-ENOMEM);
	d_add(d, &n->inode);
	return NULL;
}

/* hidepid and subset are not there; what amounts to their absence is accepted. */
static int check_options(const char *options)
{
	char *copy = kstrdup(options, ALLOC_KERNEL), *at = copy;
	char *key, *value;
	int err = 0;

	if (!copy)
		return -ENOMEM;
	while (!err && option_next(&at, &key, &value)) {
		if (!strcmp(key, "gid") && value)
			continue;
		if (!strcmp(key, "hidepid") && value && (!strcmp(value, "0") || !strcmp(value, "off")))
			continue;
		err = -EINVAL;
	}
	kfree(copy);
	return err;
}

static struct super *proc_mount(const struct fs_type *t, const char *source, const char *options, u32 flags)
{
	int err = check_options(options);

	return err ? ERR_PTR(err) : super_get(the_super);
}

static struct fs_type proc_type = { .name = "proc", .flags = FS_NODEV, .mount = proc_mount };

static void make_super(void)
{
	struct super *s = super_alloc(&proc_type, &super_ops, PROC_SUPER_MAGIC);
	struct proc_inode *root;

	assert(s);
	s->blksize = 1024;
	s->dops = &proc_dentry_ops;
	root = entry_node(s, proc_root_entry());
	assert(root);
	root->inode.ops = &proc_root_ops;
	root->inode.fops = &proc_root_fops;
	s->root = d_alloc_root(s, &root->inode);
	assert(s->root);
	the_super = s;
}

void procfs_register_pids(const struct proc_pid_ops *ops)
{
	pids = ops;
}

void procfs_init(void)
{
	node_cache = slab_create("proc_inode", sizeof(struct proc_inode), 0);
	assert(node_cache);
	proc_memory_init();
	proc_cpu_init();
	proc_system_init();
	proc_sysctl_init();
	make_super();
	fs_register(&proc_type);
}
