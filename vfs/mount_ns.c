/*
 * Mount name spaces: a tree of mounts that a set of processes sees.
 *
 * The layer above keeps which thread is in which (mount_register_ns); the first name space is everybody's until then.
 */
#include <linux/errno.h>
#include <linux/fs.h>
#include "kern/assert.h"
#include "kern/slab.h"
#include "vfs/internal.h"
#include "vfs/mount.h"

static struct mount_ns *first;
static struct mount_ns *(*current_ns)(void);
static struct waitq changed;
static u64 next_id = 1;

void mount_ns_init(void)
{
	waitq_init(&changed);
}

void mount_register_ns(struct mount_ns *(*get)(void))
{
	current_ns = get;
}

struct mount_ns *mount_ns_current(void)
{
	struct mount_ns *ns = current_ns ? current_ns() : NULL;

	return ns ? ns : first;
}

struct mount_ns *mount_ns_get(struct mount_ns *ns)
{
	atomic_inc(&ns->refs);
	return ns;
}

struct waitq *mount_ns_waitq(void)
{
	return &changed;
}

void mount_ns_changed(struct mount_ns *ns)
{
	ns->seq++;
	wake_up_poll(&changed, 0);
}

static struct mount_ns *ns_new(void)
{
	struct mount_ns *ns = kzalloc(sizeof(*ns), ALLOC_KERNEL);

	if (!ns)
		return NULL;
	ns->refs = 1;
	ns->id = atomic_fetch_add(&next_id, 1);
	list_init(&ns->mounts);
	return ns;
}

void mount_ns_put(struct mount_ns *ns)
{
	if (!ns || !atomic_dec_and_test(&ns->refs))
		return;
	mount_ns_dissolve(ns);
	kfree(ns);
}

/* @p moves to the copy of its mount, if there is one under @top. References move. */
static void path_translate(struct path *p, struct mount *top)
{
	for (struct mount *m = top; m; m = mount_next(m, top)) {
		if (m->copied_from == p->mount) {
			mount_get(m);
			mount_put(p->mount);
			p->mount = m;
			return;
		}
	}
}

/* Root and cwd of @c stand in the copied tree afterwards. */
static void context_translate(struct fs_context *c, struct mount *top)
{
	spin_lock(&c->lock);
	struct path root = c->root, cwd = c->cwd;

	path_get(&root);
	path_get(&cwd);
	spin_unlock(&c->lock);
	path_translate(&root, top);
	path_translate(&cwd, top);
	spin_lock(&c->lock);
	c->seq++;
	struct path old_root = c->root, old_cwd = c->cwd;

	c->root = root;
	c->cwd = cwd;
	c->seq++;
	spin_unlock(&c->lock);
	path_put(&old_root);
	path_put(&old_cwd);
}

struct mount_ns *mount_ns_copy(struct mount_ns *old, struct fs_context *fix)
{
	struct mount_ns *ns = ns_new();

	if (!ns)
		return ERR_PTR(-ENOMEM);
	mutex_lock(&mounts_lock);
	struct mount *top = mount_copy_tree(old->root, old->root->root, true, true, KIN_SAME);

	mutex_unlock(&mounts_lock);
	if (!top) {
		kfree(ns);
		return ERR_PTR(-ENOMEM);
	}
	if (fix)
		context_translate(fix, top);
	mount_ns_adopt(ns, top);
	return ns;
}

void mount_ns_enter(struct mount_ns *ns)
{
	struct path p = { ns->root, ns->root->root };

	path_get(&p);
	path_cross_mounts(&p);
	fs_context_set_root(&p);
	fs_context_set_cwd(&p);
	path_put(&p);
}

int mount_init_root(const char *type)
{
	struct mount *m = vfs_kern_mount(type, type, "", 0);
	struct path root;

	if (IS_ERR(m))
		return (int)PTR_ERR(m);
	first = ns_new();
	if (!first) {
		mount_put(m);
		return -ENOMEM;
	}
	mount_ns_adopt(first, m);
	root = (struct path){ m, m->root };
	if (current()->fs) {
		fs_context_set_root(&root);
		fs_context_set_cwd(&root);
		return 0;
	}
	current()->fs = fs_context_create(&root);
	return current()->fs ? 0 : -ENOMEM;
}
