/*
 * Device numbers: character devices by number, block devices by way of block/, and the list of device nodes.
 *
 * Locks: one spin lock for the registries; listeners are called without it, one registration at a time.
 */
#include <linux/errno.h>
#include <linux/stat.h>
#include "base/printf.h"
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

void devnode_add(struct devnode *n)
{
	struct devnode_listener *l;

	mutex_lock(&nodes_lock);
	list_add_tail(&n->node, &nodes);
	list_for_each_entry(l, &listeners, node)
		if (l->added)
			l->added(n);
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
	list_add_tail(&l->node, &listeners);
	list_for_each_entry(n, &nodes, node)
		if (l->added)
			l->added(n);
	mutex_unlock(&nodes_lock);
}

void devices_init(void)
{
	mutex_init(&nodes_lock, RANK_FILE_POS);
}
