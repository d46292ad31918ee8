/*
 * File-system types and mounted instances.
 *
 * A super is torn down with its last mount (refs); its memory goes when its last inode is freed as well (live), since inodes
 * are freed through super->ops.
 *
 * Locks: lists_lock, a leaf, guards both lists.
 */
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/slab.h"
#include "vfs/internal.h"
#include "vfs/notify.h"

static struct list_head types = LIST_HEAD_INIT(types);
static struct list_head supers = LIST_HEAD_INIT(supers);
static struct spinlock lists_lock = SPINLOCK_INIT(RANK_MOUNT_TABLE);
static u32 next_dev = 1;

void fs_register(struct fs_type *t)
{
	spin_lock(&lists_lock);
	list_add_tail(&t->node, &types);
	spin_unlock(&lists_lock);
}

struct fs_type *fs_find(const char *name)
{
	struct fs_type *t, *found = NULL;

	spin_lock(&lists_lock);
	list_for_each_entry(t, &types, node)
		if (!strcmp(t->name, name))
			found = t;
	spin_unlock(&lists_lock);
	return found;
}

size_t fs_list(char *buf, size_t size)
{
	struct fs_type *t;
	size_t n = 0;

	spin_lock(&lists_lock);
	list_for_each_entry(t, &types, node)
		if (n < size)
			n += scnprintf(buf + n, size - n, "%s\t%s\n", t->flags & FS_NODEV ? "nodev" : "", t->name);
	spin_unlock(&lists_lock);
	return n;
}

struct super *super_alloc(const struct fs_type *t, const struct super_ops *ops, u64 magic)
{
	struct super *s = kzalloc(sizeof(*s), ALLOC_KERNEL);

	if (!s)
		return NULL;
	s->type = t;
	s->ops = ops;
	s->magic = magic;
	s->refs = 1;
	s->live = 1;
	s->blksize = PAGE_SIZE;
	s->max_bytes = 0x7fffffffffffffffull;
	s->time_gran_ns = 1;
	s->dev = dev_make(0, atomic_fetch_add(&next_dev, 1));
	mutex_init(&s->rename_lock, RANK_RENAME_FS);
	list_init(&s->inodes);
	strlcpy(s->id, t->name, sizeof(s->id));
	spin_lock(&lists_lock);
	list_add_tail(&s->node, &supers);
	spin_unlock(&lists_lock);
	return s;
}

struct super *super_get(struct super *s)
{
	atomic_inc(&s->refs);
	return s;
}

void super_put_struct(struct super *s)
{
	if (atomic_dec_and_test(&s->live))
		kfree_rcu(s, rcu);
}

void super_put(struct super *s)
{
	if (!atomic_dec_and_test(&s->refs))
		return;
	spin_lock(&lists_lock);
	list_del(&s->node);
	spin_unlock(&lists_lock);
	s->dead = true;
	notify_super_gone(s);
	d_prune_super(s);
	if (s->root) {
		d_set_flag(s->root, DENTRY_NOCACHE);
		d_put(s->root);
		s->root = NULL;
	}
	if (s->ops->put)
		s->ops->put(s);
	super_put_struct(s);
}

void supers_sync(bool wait)
{
	struct super *s, *held = NULL;

	writeback_all(wait);
	spin_lock(&lists_lock);
	list_for_each_entry(s, &supers, node) {
		if (!s->ops->sync || !atomic_inc_not_zero(&s->refs))
			continue;
		spin_unlock(&lists_lock);
		if (held)
			super_put(held);
		held = s;
		(void)!s->ops->sync(s, wait);	/* sync(2) tells nobody */
		spin_lock(&lists_lock);
	}
	spin_unlock(&lists_lock);
	if (held)
		super_put(held);
}

bool option_next(char **options, char **key, char **value)
{
	char *s = *options;

	while (s && *s == ',')
		s++;
	if (!s || !*s)
		return false;
	char *end = strchr(s, ',');

	if (end)
		*end++ = 0;
	*options = end;
	*key = s;
	*value = strchr(s, '=');
	if (*value)
		*(*value)++ = 0;
	return true;
}
