/*
 * The file system "mqueue": one directory of message queues.  See mqueue.h.
 *
 * There is one instance, mounted by the kernel itself, where mq_open looks; mounting it anywhere shows the same.  Names are
 * pinned dentries (the dentry cache is the directory), and a list in the order of their making serves readdir.
 *
 * Locks: the root's inode lock guards the list and positions.  A queue's own lock comes below it.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "base/printf.h"
#include "base/string.h"
#include "ipc/ipc.h"
#include "ipc/mqueue.h"
#include "kern/assert.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "task/task.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/notify.h"
#include "vfs/path.h"
#include "vfs/poll.h"
#include "vfs/super.h"

enum { MQUEUE_MAGIC = 0x19800202, STATE_BYTES = 80, ENTRY_BYTES = 20, FIRST_POS = 2, NAME_MAX_LEN = 255, DT_REG_ = 8 };

/* Locks: d the directory's inode lock · I immutable */
struct mq_inode {
	struct inode inode;
	struct mqueue queue;		/* of regular files */
	bool has_queue;			/* [I] */
	struct list_head node;		/* [d] in entries, while it has a name */
	struct dentry *dentry;		/* [d] its name */
	u64 pos;			/* [d] */
};

static struct super *instance;
static struct mount *hidden;
static LIST_HEAD(entries);		/* [d] by position */
static u64 next_pos = FIRST_POS;	/* [d] */
static u32 queues;			/* [a] */

static const struct file_ops queue_fops;

static struct mq_inode *mq_i(struct inode *i)
{
	return container_of(i, struct mq_inode, inode);
}

struct mqueue *mq_of_file(struct file *f)
{
	return f->ops == &queue_fops ? &mq_i(f->inode)->queue : NULL;
}

/* ---- open queues ---- */

static s64 queue_read(struct file *f, struct iter *to, u64 *pos)
{
	struct mqueue *q = mq_of_file(f);
	char text[STATE_BYTES];

	mutex_lock(&q->lock);
	bool told = q->notice.owner != NULL;
	size_t n = scnprintf(text, sizeof(text), "QSIZE:%-10llu NOTIFY:%-5d SIGNO:%-5d NOTIFY_PID:%-6u\n",
			     (unsigned long long)q->bytes, told ? q->notice.how : 0,
			     told && q->notice.how == SIGEV_SIGNAL ? q->notice.signo : 0,
			     told ? process_id(q->notice.owner) : 0);

	mutex_unlock(&q->lock);
	if (*pos >= n)
		return 0;
	s64 done = (s64)iter_put(to, text + *pos, n - *pos);

	*pos += (u64)done;
	return done ? done : -EFAULT;
}

static u32 queue_poll(struct file *f, struct poll_table *pt)
{
	struct mqueue *q = mq_of_file(f);

	poll_wait(f, &q->readable, pt);
	poll_wait(f, &q->writable, pt);
	u32 count = READ_ONCE(q->count);

	return (count ? EPOLLIN | EPOLLRDNORM : 0) | (count < q->count_max ? EPOLLOUT | EPOLLWRNORM : 0);
}

static int queue_flush(struct file *f)
{
	mqueue_notify_forget(mq_of_file(f));
	return 0;
}

static const struct file_ops queue_fops = { .read = queue_read, .poll = queue_poll, .flush = queue_flush };

/* ---- inodes ---- */

static struct inode *alloc_inode(struct super *s)
{
	struct mq_inode *m = kzalloc(sizeof(*m), ALLOC_KERNEL);

	return m ? &m->inode : NULL;
}

static void free_inode(struct inode *i)
{
	kfree(mq_i(i));
}

static void evict(struct inode *i)
{
	if (!mq_i(i)->has_queue)
		return;
	mqueue_fini(&mq_i(i)->queue);
	atomic_dec(&queues);
}

static int mq_statfs(struct super *s, struct fs_stat *out)
{
	out->type = MQUEUE_MAGIC;
	out->bsize = out->frsize = PAGE_SIZE;
	out->namelen = NAME_MAX_LEN;
	return 0;
}

static const struct super_ops mq_super_ops = {
	.alloc_inode = alloc_inode, .free_inode = free_inode, .evict = evict, .statfs = mq_statfs,
};

static int count_queue(void)
{
	if (atomic_inc_return(&queues) <= atomic_load(&mq_queues_max) || capable(CAP_SYS_RESOURCE))
		return 0;
	atomic_dec(&queues);
	return -ENOSPC;
}

static const struct inode_ops queue_iops = { 0 };

static struct inode *queue_inode(struct inode *dir, u32 mode, u32 count_max, u32 size_max)
{
	struct inode *i;
	int err = count_queue();

	if (err)
		return ERR_PTR(err);
	i = inode_alloc(instance);
	err = i ? mqueue_init(&mq_i(i)->queue, count_max, size_max) : -ENOMEM;
	if (err) {
		if (i) {
			i->nlink = 0;
			inode_put(i);
		}
		atomic_dec(&queues);
		return ERR_PTR(err);
	}
	mq_i(i)->has_queue = true;
	inode_init_owner(i, dir, S_IFREG | mode);
	i->ino = inode_next_ino();
	i->ops = &queue_iops;
	i->fops = &queue_fops;
	inode_set_size(i, STATE_BYTES);
	return i;
}

/* ---- the directory ---- */

static int make_locked(struct inode *dir, struct dentry *d, u32 mode, u32 count_max, u32 size_max)
{
	struct inode *i = queue_inode(dir, mode, count_max, size_max);

	if (IS_ERR(i))
		return (int)PTR_ERR(i);
	struct mq_inode *m = mq_i(i);

	m->pos = next_pos++;
	m->dentry = d;
	list_add_tail(&m->node, &entries);
	inode_set_size(dir, inode_size(dir) + ENTRY_BYTES);
	inode_touch(dir, SET_MTIME | SET_CTIME);
	d_instantiate(d, i);
	d_pin(d);
	return 0;
}

static int mq_create(struct inode *dir, struct dentry *d, u32 mode, bool excl)
{
	return make_locked(dir, d, mode & 07777, MIN(atomic_load(&mq_count_max), atomic_load(&mq_count_default)),
			   MIN(atomic_load(&mq_size_max), atomic_load(&mq_size_default)));
}

static int mq_unlink(struct inode *dir, struct dentry *d)
{
	list_del_init(&mq_i(d->inode)->node);
	mq_i(d->inode)->dentry = NULL;
	inode_set_size(dir, inode_size(dir) - ENTRY_BYTES);
	inode_touch(dir, SET_MTIME | SET_CTIME);
	inode_touch(d->inode, SET_CTIME);
	inode_drop_nlink(d->inode);
	d_unpin(d);
	return 0;
}

/* What is not in the dentry cache is not there. */
static struct dentry *mq_lookup(struct inode *dir, struct dentry *d, unsigned flags)
{
	d_add(d, NULL);
	return NULL;
}

static int mq_readdir(struct file *f, struct dir_context *c)
{
	struct mq_inode *m;

	if (!dir_emit_dots(f, c))
		return 0;
	list_for_each_entry(m, &entries, node) {
		if (m->pos < c->pos)
			continue;
		if (!dir_emit(c, m->dentry->name, m->dentry->name_len, m->pos + 1, m->inode.ino, DT_REG_))
			break;
		c->pos = m->pos + 1;
	}
	return 0;
}

static const struct inode_ops root_iops = { .lookup = mq_lookup, .create = mq_create, .unlink = mq_unlink };
static const struct file_ops root_fops = { .readdir = mq_readdir };

/* ---- mq_open, mq_unlink ---- */

static int name_check(const char *name, size_t *len)
{
	*len = strlen(name);
	if (!*len)
		return -ENOENT;
	if (*len > NAME_MAX_LEN)
		return -ENAMETOOLONG;
	return !strcmp(name, ".") || !strcmp(name, "..") || strchr(name, '/') ? -EACCES : 0;
}

static int make_by_attr(struct inode *dir, struct dentry *d, u32 mode, const struct mq_attr *attr)
{
	int err = inode_permission(dir, MAY_WRITE | MAY_EXEC);

	if (!err && attr)
		err = mqueue_attr_check(attr);
	if (err)
		return err;
	err = attr ? make_locked(dir, d, mode, (u32)attr->mq_maxmsg, (u32)attr->mq_msgsize) : mq_create(dir, d, mode, false);
	if (!err)
		notify_child(dir, IN_CREATE, d->name, d->name_len, 0);
	return err;
}

/*
 * Make a queue and open it; its maker may open it whatever @mode says, so the owner's bits are all there until it is open.  mq_open
 * of others waits for the directory meanwhile.
 */
static struct file *create_locked(struct inode *dir, const struct path *p, u32 o_flags, u32 mode, const struct mq_attr *attr)
{
	int err = make_by_attr(dir, p->dentry, mode | 0600, attr);

	if (err)
		return ERR_PTR(err);
	struct file *f = file_open_path(p, o_flags, current()->cred);

	p->dentry->inode->mode = S_IFREG | mode;
	return f;
}

/* The directory is locked; @p names the queue or where it would be. */
static struct file *open_locked(struct inode *dir, const struct path *p, u32 o_flags, u32 mode, const struct mq_attr *attr)
{
	if (!d_is_positive(p->dentry))
		return o_flags & O_CREAT ? create_locked(dir, p, o_flags & ~(u32)O_CREAT, mode, attr) : ERR_PTR(-ENOENT);
	if ((o_flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL))
		return ERR_PTR(-EEXIST);
	return file_open_path(p, o_flags & ~(u32)(O_CREAT | O_EXCL), current()->cred);
}

/* The name in the locked directory, negative if there is none. NULL: no memory */
static struct dentry *name_locked(const char *name, size_t len)
{
	struct dentry *d = d_lookup(instance->root, name, len);

	return d ? d : d_alloc(instance->root, name, len);
}

struct file *mq_open_file(const char *name, u32 o_flags, u32 mode, const struct mq_attr *attr)
{
	struct inode *dir = instance->root->inode;
	struct file *f = ERR_PTR(-ENOMEM);
	size_t len;
	int err = name_check(name, &len);

	if (err)
		return ERR_PTR(err);
	mode &= 07777 & ~atomic_load(&current()->fs->umask);
	rwsem_write_lock_nested(&dir->lock, RANK_INODE_PARENT);
	struct path p = { hidden, name_locked(name, len) };

	if (p.dentry)
		f = open_locked(dir, &p, o_flags & (O_ACCMODE | O_CREAT | O_EXCL | O_NONBLOCK), mode, attr);
	rwsem_write_unlock_nested(&dir->lock, RANK_INODE_PARENT);
	d_put(p.dentry);
	return f;
}

int mq_unlink_name(const char *name)
{
	struct inode *dir = instance->root->inode;
	size_t len;
	int err = name_check(name, &len);

	if (err)
		return err;
	rwsem_write_lock_nested(&dir->lock, RANK_INODE_PARENT);
	struct dentry *d = d_lookup(instance->root, name, len);

	err = d && d_is_positive(d) ? vfs_unlink_in(dir, d) : -ENOENT;
	rwsem_write_unlock_nested(&dir->lock, RANK_INODE_PARENT);
	d_put(d);
	return err;
}

/* ---- the instance ---- */

static struct super *mq_mount(const struct fs_type *t, const char *source, const char *options, u32 flags)
{
	return super_get(instance);
}

static struct fs_type mq_type = { .name = "mqueue", .flags = FS_NODEV, .mount = mq_mount };

void mqueue_fs_init(void)
{
	struct inode *root;

	mq_account_init();
	instance = super_alloc(&mq_type, &mq_super_ops, MQUEUE_MAGIC);
	assert(instance);
	root = inode_alloc(instance);
	assert(root);
	root->ino = inode_next_ino();
	root->mode = S_IFDIR | S_ISVTX | 0777;
	root->nlink = 2;
	root->ops = &root_iops;
	root->fops = &root_fops;
	instance->root = d_alloc_root(instance, root);
	assert(instance->root);
	hidden = mount_hidden(instance, "mqueue");
	assert(hidden);
	fs_register(&mq_type);
}
