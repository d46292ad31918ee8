/*
 * Device numbers: character devices by number, block devices by way of block/, and the list of device nodes.
 *
 * Locks: one spin lock for the registries; listeners are called without it, one registration at a time.
 */
#include <linux/errno.h>
#include <linux/stat.h>
#include "base/atomic.h"
#include "base/printf.h"
#include "base/string.h"
#include "kern/mutex.h"
#include "vfs/device.h"
#include "vfs/internal.h"

static struct list_head chrdevs = LIST_HEAD_INIT(chrdevs);
static struct list_head nodes = LIST_HEAD_INIT(nodes);
static struct list_head listeners = LIST_HEAD_INIT(listeners);
static struct spinlock chrdev_lock = SPINLOCK_INIT(RANK_LEAF_SPIN);
static struct mutex nodes_lock;		/* over the calls of listeners, which make files: outermost */
static const struct file_ops *(*find_block)(u64 rdev);

void chrdev_register(struct chrdev *c)
{
	spin_lock(&chrdev_lock);
	list_add_tail(&c->node, &chrdevs);
	spin_unlock(&chrdev_lock);
}

void chrdev_unregister(struct chrdev *c)
{
	spin_lock(&chrdev_lock);
	list_del(&c->node);
	spin_unlock(&chrdev_lock);
}

const struct file_ops *chrdev_find(u32 major, u32 minor)
{
	const struct file_ops *ops = NULL;
	struct chrdev *c;

	spin_lock(&chrdev_lock);
	list_for_each_entry(c, &chrdevs, node)
		if (c->major == major && minor - c->minor_first < c->minor_count)
			ops = c->ops;
	spin_unlock(&chrdev_lock);
	return ops;
}

void blkdev_register_open(const struct file_ops *(*find)(u64 rdev))
{
	find_block = find;
}

size_t chrdev_list(char *buf, size_t size)
{
	struct chrdev *c, *before;
	size_t n = 0;

	spin_lock(&chrdev_lock);
	list_for_each_entry(c, &chrdevs, node) {
		bool seen = false;

		list_for_each_entry(before, &chrdevs, node) {
			if (before == c)
				break;
			seen |= before->major == c->major && before->name == c->name;
		}
		if (!seen && n < size)
			n += (size_t)scnprintf(buf + n, size - n, "%3u %s\n", c->major, c->name);
	}
	spin_unlock(&chrdev_lock);
	return n;
}

static int device_open(struct inode *i, struct file *f)
{
	const struct file_ops *ops;

	if (inode_type(i) == S_IFCHR)
		ops = chrdev_find(dev_major(i->rdev), dev_minor(i->rdev));
	else
		ops = find_block ? find_block(i->rdev) : NULL;
	if (!ops)
		return -ENXIO;
	f->ops = ops;
	return ops->open ? ops->open(i, f) : 0;
}

const struct file_ops device_fops = { .open = device_open };

/* ---- nodes ---- */

static u64 uevent_seqnum;			/* [a] */

static const char *base_name(const struct devnode *n)
{
	const char *slash = strrchr(n->name, '/');

	return slash ? slash + 1 : n->name;
}

void devnode_path(const struct devnode *n, char *buf, size_t size)
{
	const struct devnode *p = n->parent;

	if (p && p->parent)
		scnprintf(buf, size, "devices/virtual/%s/%s/%s/%s", p->parent->class, base_name(p->parent), base_name(p), base_name(n));
	else if (p)
		scnprintf(buf, size, "devices/virtual/%s/%s/%s", p->class, base_name(p), base_name(n));
	else
		scnprintf(buf, size, "devices/virtual/%s/%s", n->class, base_name(n));
}

size_t devnode_uevent_text(struct devnode *n, char *buf, size_t size)
{
	size_t len = 0;

	if (n->rdev)
		len = scnprintf(buf, size, "MAJOR=%u\nMINOR=%u\nDEVNAME=%s\n", dev_major(n->rdev), dev_minor(n->rdev), n->name);
	if (n->uevent)
		return len + n->uevent(n, buf + len, size - len);
	if (n->mode & 0777)
		len += scnprintf(buf + len, size - len, "DEVMODE=0%o\n", n->mode & 0777);
	return len;
}

u64 devnode_uevent_seqnum(void)
{
	return atomic_load(&uevent_seqnum);
}

/* Takes no lock, since it comes from writes to files too: listeners are only ever added. */
void devnode_uevent(struct devnode *n, const char *action, const char *extra)
{
	u64 seqnum = atomic_inc_return(&uevent_seqnum);
	struct devnode_listener *l;

	list_for_each_entry_rcu(l, &listeners, node)
		if (l->uevent)
			l->uevent(n, action, extra, seqnum);
}

void devnode_add(struct devnode *n)
{
	struct devnode_listener *l;

	mutex_lock(&nodes_lock);
	list_add_tail(&n->node, &nodes);
	list_for_each_entry(l, &listeners, node)
		if (l->added)
			l->added(n);
	devnode_uevent(n, "add", NULL);
	mutex_unlock(&nodes_lock);
}

void devnode_remove(struct devnode *n)
{
	struct devnode_listener *l;

	mutex_lock(&nodes_lock);
	list_del(&n->node);
	list_for_each_entry(l, &listeners, node)
		if (l->removed)
			l->removed(n);
	devnode_uevent(n, "remove", NULL);
	mutex_unlock(&nodes_lock);
}

void devnode_attrs_add(struct devnode *n, const struct devattr *attrs)
{
	struct devnode_listener *l;

	mutex_lock(&nodes_lock);
	list_for_each_entry(l, &listeners, node)
		if (l->attrs_added)
			l->attrs_added(n, attrs);
	mutex_unlock(&nodes_lock);
}

void devnode_attrs_remove(struct devnode *n, const char *name)
{
	struct devnode_listener *l;

	mutex_lock(&nodes_lock);
	list_for_each_entry(l, &listeners, node)
		if (l->attrs_removed)
			l->attrs_removed(n, name);
	mutex_unlock(&nodes_lock);
}

void devnode_listen(struct devnode_listener *l)
{
	struct devnode *n;

	mutex_lock(&nodes_lock);
	list_add_tail_rcu(&l->node, &listeners);
	list_for_each_entry(n, &nodes, node)
		if (l->added)
			l->added(n);
	mutex_unlock(&nodes_lock);
}

void devices_init(void)
{
	mutex_init(&nodes_lock, RANK_DEVNODES);
}
