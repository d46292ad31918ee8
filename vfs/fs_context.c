/*
 * Root, working directory and umask of a process.
 *
 * Path walk reads both paths under RCU between two looks at seq; changes make it odd.
 */
#include "base/string.h"
#include "kern/slab.h"
#include "kern/thread.h"
#include "vfs/internal.h"

static struct list_head contexts = LIST_HEAD_INIT(contexts);
static struct spinlock contexts_lock = SPINLOCK_INIT(RANK_FILES);	/* outside context->lock (RANK_MOUNT_TABLE) */

static struct fs_context *context_new(const struct path *root, const struct path *cwd, u32 umask)
{
	struct fs_context *c = kzalloc(sizeof(*c), ALLOC_KERNEL);

	if (!c)
		return NULL;
	c->refs = 1;
	c->umask = umask;
	spin_init(&c->lock, RANK_MOUNT_TABLE);
	c->root = *root;
	c->cwd = *cwd;
	spin_lock(&contexts_lock);
	list_add(&c->node, &contexts);
	spin_unlock(&contexts_lock);
	return c;
}

struct fs_context *fs_context_create(const struct path *root)
{
	struct fs_context *c;

	path_get(root);
	path_get(root);
	c = context_new(root, root, 022);
	if (!c) {
		path_put(root);
		path_put(root);
	}
	return c;
}

static void context_copy(struct fs_context *c, struct path *root, struct path *cwd)
{
	spin_lock(&c->lock);
	*root = c->root;
	*cwd = c->cwd;
	path_get(root);
	path_get(cwd);
	spin_unlock(&c->lock);
}

struct fs_context *fs_context_fork(struct fs_context *old)
{
	struct path root, cwd;
	struct fs_context *c;

	context_copy(old, &root, &cwd);
	c = context_new(&root, &cwd, old->umask);
	if (!c) {
		path_put(&root);
		path_put(&cwd);
	}
	return c;
}

void fs_context_get(struct fs_context *c)
{
	atomic_inc(&c->refs);
}

void fs_context_put(struct fs_context *c)
{
	if (!c || !atomic_dec_and_test(&c->refs))
		return;
	spin_lock(&contexts_lock);
	list_del(&c->node);
	spin_unlock(&contexts_lock);
	path_put(&c->cwd);
	path_put(&c->root);
	kfree(c);
}

static void path_copy(struct fs_context *c, const struct path *from, struct path *out)
{
	spin_lock(&c->lock);
	*out = *from;
	path_get(out);
	spin_unlock(&c->lock);
}

void fs_context_root(struct path *out)
{
	path_copy(current()->fs, &current()->fs->root, out);
}

void fs_context_cwd(struct path *out)
{
	path_copy(current()->fs, &current()->fs->cwd, out);
}

/* The caller holds c->lock. Return: what is to be put after it is released */
static struct path path_swap(struct fs_context *c, struct path *slot, const struct path *p)
{
	struct path old = *slot;

	path_get(p);
	__atomic_store_n(&c->seq, c->seq + 1, __ATOMIC_SEQ_CST);
	*(volatile struct path *)slot = *p;
	__atomic_store_n(&c->seq, c->seq + 1, __ATOMIC_RELEASE);
	return old;
}

static void path_set(struct fs_context *c, struct path *slot, const struct path *p)
{
	spin_lock(&c->lock);
	struct path old = path_swap(c, slot, p);

	spin_unlock(&c->lock);
	path_put(&old);
}

void fs_context_set_root(const struct path *p)
{
	path_set(current()->fs, &current()->fs->root, p);
}

void fs_context_set_cwd(const struct path *p)
{
	path_set(current()->fs, &current()->fs->cwd, p);
}

void fs_contexts_replace(const struct path *from, const struct path *to)
{
	struct fs_context *c;
	unsigned dropped = 0;

	spin_lock(&contexts_lock);
	list_for_each_entry(c, &contexts, node) {
		spin_lock(&c->lock);
		if (path_equal(&c->root, from)) {
			path_swap(c, &c->root, to);
			dropped++;
		}
		if (path_equal(&c->cwd, from)) {
			path_swap(c, &c->cwd, to);
			dropped++;
		}
		spin_unlock(&c->lock);
	}
	spin_unlock(&contexts_lock);
	while (dropped--)
		path_put(from);
}
