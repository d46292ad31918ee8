/*
 * The tree behind sysfs; see tree.h.
 */
#include <linux/errno.h>
#include <linux/stat.h>
#include "base/string.h"
#include "fs/sysfs/tree.h"
#include "kern/lock.h"
#include "kern/slab.h"
#include "kern/wait.h"

static struct spinlock tree_lock = SPINLOCK_INIT(RANK_FS_SPIN);
static u64 next_number = 2;		/* [tree_lock] inode numbers and positions */

struct sysfs_node sysfs_root = {
	.refs = 1,
	.kind = SYSFS_DIR,
	.mode = S_IFDIR | 0555,
	.ino = 1,
	.children = LIST_HEAD_INIT(sysfs_root.children),
	.sibling = LIST_HEAD_INIT(sysfs_root.sibling),
};
static struct waitq calls_waitq = WAITQ_INIT(calls_waitq);	/* who waits for calls of what was removed */

static void node_free(struct rcu_head *h)
{
	struct sysfs_node *n = container_of(h, struct sysfs_node, rcu);

	kfree(n->owned);
	kfree(n);
}

void sysfs_node_put(struct sysfs_node *n)
{
	if (n && atomic_dec_and_test(&n->refs))
		call_rcu(&n->rcu, node_free);
}

/* ---- calls ---- */

bool sysfs_call_begin(struct sysfs_node *n)
{
	spin_lock(&tree_lock);
	bool there = !n->gone;

	n->calls += there;
	spin_unlock(&tree_lock);
	return there;
}

void sysfs_call_end(struct sysfs_node *n)
{
	spin_lock(&tree_lock);
	bool awaited = !--n->calls && n->gone;

	spin_unlock(&tree_lock);
	if (awaited)
		wake_up_all(&calls_waitq);
}

static bool idle(const struct sysfs_node *n)
{
	spin_lock(&tree_lock);
	bool none = !n->calls;

	spin_unlock(&tree_lock);
	return none;
}

/* ---- the tree ---- */

static struct sysfs_node *find_locked(struct sysfs_node *dir, const char *name, size_t len)
{
	struct sysfs_node *n;

	list_for_each_entry(n, &dir->children, sibling)
		if (strlen(n->name) == len && !memcmp(n->name, name, len))
			return n;
	return NULL;
}

struct sysfs_node *sysfs_find(struct sysfs_node *dir, const char *name, size_t len)
{
	struct sysfs_node *n;

	spin_lock(&tree_lock);
	n = find_locked(dir, name, len);
	if (n)
		atomic_inc(&n->refs);
	spin_unlock(&tree_lock);
	return n;
}

struct sysfs_node *sysfs_after(struct sysfs_node *dir, u64 pos)
{
	struct sysfs_node *n, *found = NULL;

	spin_lock(&tree_lock);
	list_for_each_entry(n, &dir->children, sibling)
		if (n->pos >= pos) {
			found = n;
			atomic_inc(&n->refs);
			break;
		}
	spin_unlock(&tree_lock);
	return found;
}

static struct sysfs_node *node_new(enum sysfs_kind kind, u32 mode, const char *name, size_t len)
{
	struct sysfs_node *n = kzalloc(sizeof(*n) + len + 1, ALLOC_KERNEL);

	if (!n)
		return NULL;
	n->refs = 1;
	n->kind = kind;
	n->mode = mode;
	memcpy(n->name, name, len);
	list_init(&n->children);
	return n;
}

/* Hang @n below @dir. Consumes the reference on success. */
static int link_node(struct sysfs_node *dir, struct sysfs_node *n)
{
	int err = 0;

	spin_lock(&tree_lock);
	if (dir->gone) {
		err = -ENOENT;
	} else if (find_locked(dir, n->name, strlen(n->name))) {
		err = -EEXIST;
	} else {
		n->parent = dir;
		n->ino = n->pos = next_number++;
		list_add_tail(&n->sibling, &dir->children);
	}
	spin_unlock(&tree_lock);
	return err;
}

/* The directory of @len bytes of @path, made where missing; with a reference. ERR_PTR */
static struct sysfs_node *directory(const char *path, size_t len)
{
	struct sysfs_node *dir = &sysfs_root;

	atomic_inc(&dir->refs);
	while (len) {
		const char *slash = memchr(path, '/', len);
		size_t n = slash ? (size_t)(slash - path) : len;
		struct sysfs_node *next = sysfs_find(dir, path, n);

		if (!next) {
			struct sysfs_node *made = node_new(SYSFS_DIR, S_IFDIR | 0755, path, n);

			if (made && link_node(dir, made))
				sysfs_node_put(made);
			next = sysfs_find(dir, path, n);
		}
		sysfs_node_put(dir);
		if (!next)
			return ERR_PTR(-ENOMEM);
		dir = next;
		path += slash ? n + 1 : n;
		len -= slash ? n + 1 : n;
	}
	return dir;
}

static struct sysfs_node *prepare(const char *path, enum sysfs_kind kind, u32 mode, struct sysfs_node **dir)
{
	const char *last = strrchr(path, '/');
	struct sysfs_node *n;

	*dir = directory(path, last ? last - path : 0);
	if (IS_ERR(*dir))
		return ERR_CAST(*dir);
	last = last ? last + 1 : path;
	n = node_new(kind, mode, last, strlen(last));
	if (!n) {
		sysfs_node_put(*dir);
		return ERR_PTR(-ENOMEM);
	}
	return n;
}

static int finish(struct sysfs_node *dir, struct sysfs_node *n)
{
	int err = link_node(dir, n);

	if (err)
		sysfs_node_put(n);
	sysfs_node_put(dir);
	return err;
}

/* @owned goes with the node, or at once if there will be none. */
static int add_file(const char *path, sysfs_show_fn *show, sysfs_store_fn *store, void *arg, void *owned)
{
	struct sysfs_node *dir, *n = prepare(path, SYSFS_FILE, S_IFREG | (store ? (show ? 0644 : 0200) : 0444), &dir);

	if (IS_ERR(n)) {
		kfree(owned);
		return PTR_ERR(n);
	}
	n->show = show;
	n->store = store;
	n->arg = arg;
	n->owned = owned;
	return finish(dir, n);
}

int sysfs_add_file(const char *path, sysfs_show_fn *show, sysfs_store_fn *store, void *arg)
{
	return add_file(path, show, store, arg, NULL);
}

int sysfs_add_file_copy(const char *path, sysfs_show_fn *show, sysfs_store_fn *store, const void *arg, size_t len)
{
	void *copy = kmemdup(arg, len, ALLOC_KERNEL);

	return copy ? add_file(path, show, store, copy, copy) : -ENOMEM;
}

int sysfs_add_link(const char *path, const char *target)
{
	struct sysfs_node *dir, *n = prepare(path, SYSFS_LINK, S_IFLNK | 0777, &dir);

	if (IS_ERR(n))
		return PTR_ERR(n);
	n->owned = kstrdup(target, ALLOC_KERNEL);
	if (!n->owned) {
		sysfs_node_put(n);
		sysfs_node_put(dir);
		return -ENOMEM;
	}
	return finish(dir, n);
}

int sysfs_add_dir(const char *path)
{
	struct sysfs_node *dir = directory(path, strlen(path));

	if (IS_ERR(dir))
		return PTR_ERR(dir);
	sysfs_node_put(dir);
	return 0;
}

/* Take a leaf out, or a child of @n first. Return: what was taken out, with its reference; NULL: @n itself is out already */
static struct sysfs_node *take_one(struct sysfs_node *n)
{
	spin_lock(&tree_lock);
	if (n->gone) {
		spin_unlock(&tree_lock);
		return NULL;
	}
	while (!list_empty(&n->children))
		n = list_first_entry(&n->children, struct sysfs_node, sibling);
	n->gone = true;
	list_del(&n->sibling);
	spin_unlock(&tree_lock);
	return n;
}

static void remove(const char *path, bool wait)
{
	struct sysfs_node *n = &sysfs_root, *out;

	atomic_inc(&n->refs);
	while (n && *path) {
		const char *slash = strchr(path, '/');
		size_t len = slash ? (size_t)(slash - path) : strlen(path);
		struct sysfs_node *next = sysfs_find(n, path, len);

		sysfs_node_put(n);
		n = next;
		path += slash ? len + 1 : len;
	}
	if (n && n != &sysfs_root)
		while ((out = take_one(n))) {
			if (wait)
				wait_event(&calls_waitq, idle(out));
			sysfs_node_put(out);
		}
	sysfs_node_put(n);
}

void sysfs_remove(const char *path) { remove(path, false); }
void sysfs_remove_wait(const char *path) { remove(path, true); }
