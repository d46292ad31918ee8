/*
 * The mount tree.
 *
 * A mount hangs on a dentry of its parent mount.  Walks find it under RCU in a hash table keyed by (parent, dentry) and read
 * parent and mountpoint of a mount between two looks at mount_seq.  Writers hold mounts_lock (a mutex) over every check and
 * change, and table_lock with mount_seq odd over the change itself.
 *
 * References: being attached counts one; whoever holds a path through the mount counts one each.  The last one puts the
 * super.  mount_put() may sleep and is not called under these locks.
 *
 * What is mounted on a shared mount travels to its peers and slaves: mount_peers.h.  Everything starts private.
 *
 * Source: mount(2), umount(2), pivot_root(2), mount_namespaces(7), proc(5).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include "base/hash.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "vfs/internal.h"
#include "vfs/mount.h"

enum { TABLE_BITS = 8 };

static struct hlist_head table[1 << TABLE_BITS];
static struct spinlock table_lock = SPINLOCK_INIT(RANK_MOUNT_TABLE);
struct mutex mounts_lock;
u32 mount_seq;
static u32 next_id = 20;

static struct hlist_head *bucket_of(const struct mount *parent, const struct dentry *d)
{
	return &table[hash_bits((u64)parent + ((u64)d << 7), TABLE_BITS)];
}

/* ---- references ---- */

struct mount *mount_get(struct mount *m)
{
	__atomic_fetch_add(&m->refs, 1, __ATOMIC_RELAXED);
	return m;
}

void mount_put(struct mount *m)
{
	if (!m || !atomic_dec_and_test(&m->refs))
		return;
	d_put(m->root);
	super_put(m->super);
	kfree(m->source);
	kfree_rcu(m, rcu);
}

void path_get(const struct path *p)
{
	mount_get(p->mount);
	d_get(p->dentry);
}

void path_put(const struct path *p)
{
	d_put(p->dentry);
	mount_put(p->mount);
}

struct mount *mount_lookup_rcu(struct mount *parent, struct dentry *d)
{
	struct mount *m;

	hlist_for_each_entry_rcu(m, bucket_of(parent, d), hash)
		if (m->parent == parent && m->mountpoint == d)
			return m;
	return NULL;
}

struct mount *mount_new(struct super *s, struct dentry *root, const char *source, u32 flags)
{
	struct mount *m = kzalloc(sizeof(*m), ALLOC_KERNEL);

	if (!m)
		return NULL;
	m->source = kstrdup(source ? source : "none", ALLOC_KERNEL);
	if (!m->source) {
		kfree(m);
		return NULL;
	}
	m->refs = 1;
	m->id = atomic_fetch_add(&next_id, 1);
	m->flags = flags;
	m->parent = m;
	m->mountpoint = m->root = d_get(root);
	m->super = super_get(s);
	hlist_node_init(&m->hash);
	list_init(&m->children);
	list_init(&m->sibling);
	list_init(&m->ns_node);
	mount_peers_init(m);
	return m;
}

struct mount *mount_hidden(struct super *s, const char *source)
{
	struct mount *m = mount_new(s, s->root, source, MNT_NOATIME);

	super_put(s);
	if (m)
		m->hidden = true;
	return m;
}

int mount_want_write(const struct mount *m)
{
	return m->flags & MNT_RDONLY || m->super->flags & SUPER_RDONLY ? -EROFS : 0;
}

int mount_writer_begin(struct mount *m)
{
	atomic_inc(&m->writers);
	smp_mb();	/* whoever makes it read-only sees us, or we see that it is */
	int err = mount_want_write(m);

	if (err)
		atomic_dec(&m->writers);
	return err;
}

void mount_writer_end(struct mount *m)
{
	atomic_dec(&m->writers);
}

/* ---- the tree: mounts_lock held ---- */

static void change_begin(void)
{
	spin_lock(&table_lock);
	__atomic_store_n(&mount_seq, mount_seq + 1, __ATOMIC_SEQ_CST);
}

static void change_end(void)
{
	__atomic_store_n(&mount_seq, mount_seq + 1, __ATOMIC_SEQ_CST);
	spin_unlock(&table_lock);
}

/* Hang @m on @at, whose references are kept by being attached. Consumes the caller's reference of @m. */
static void attach(struct mount *m, const struct path *at)
{
	change_begin();
	m->parent = at->mount;
	m->mountpoint = d_get(at->dentry);
	d_set_flag(at->dentry, DENTRY_MOUNTPOINT);
	hlist_add_head_rcu(&m->hash, bucket_of(at->mount, at->dentry));
	list_add_tail(&m->sibling, &at->mount->children);
	change_end();
	mount_get(at->mount);
}

static bool mounted_anywhere(const struct dentry *d)
{
	struct mount *m;

	for (unsigned b = 0; b < 1u << TABLE_BITS; b++)
		hlist_for_each_entry(m, &table[b], hash)
			if (m->mountpoint == d)
				return true;
	return false;
}

/* Take @m off its mountpoint; *at gets what it hung on, with the references that it held. */
static void detach(struct mount *m, struct path *at)
{
	change_begin();
	at->mount = m->parent;
	at->dentry = m->mountpoint;
	hlist_del_init_rcu(&m->hash);
	list_del_init(&m->sibling);
	m->parent = m;
	m->mountpoint = m->root;
	if (!mounted_anywhere(at->dentry))
		d_clear_flag(at->dentry, DENTRY_MOUNTPOINT);
	change_end();
}

/* The next of the tree under @top after @m, parents first; NULL at the end. */
struct mount *mount_next(struct mount *m, struct mount *top)
{
	if (!list_empty(&m->children))
		return list_first_entry(&m->children, struct mount, sibling);
	for (; m != top; m = m->parent)
		if (m->sibling.next != &m->parent->children)
			return list_next_entry(m, sibling);
	return NULL;
}

static void ns_add_tree(struct mount *top, struct mount_ns *ns)
{
	for (struct mount *m = top; m; m = mount_next(m, top)) {
		m->ns = ns;
		ns->count++;
		list_add_tail(&m->ns_node, &ns->mounts);
	}
	mount_ns_changed(ns);
}

bool mount_ns_has_room(const struct mount_ns *ns, struct mount *top)
{
	u32 more = 0;

	for (struct mount *m = top; m; m = mount_next(m, top))
		more++;
	return more <= MOUNTS_MAX - MIN(ns->count, (u32)MOUNTS_MAX);
}

static void ns_remove_tree(struct mount *top)
{
	struct mount_ns *ns = top->ns;

	for (struct mount *m = top; m; m = mount_next(m, top)) {
		if (ns)
			ns->count--;
		list_del_init(&m->ns_node);
		m->ns = NULL;
	}
	if (ns)
		mount_ns_changed(ns);
}

/*
 * Take apart @top, which is detached already: its mounts collect on @dead, to be put by mount_free_collected() without locks.
 */
void mount_collect(struct mount *top, struct list_head *dead)
{
	struct mount *m;

	ns_remove_tree(top);
	list_add_tail(&top->ns_node, dead);
	/* From here on, what is below it joins behind. */
	for (m = top; &m->ns_node != dead; m = list_next_entry(m, ns_node)) {
		m->detached = true;
		mount_make_private(m);
		while (!list_empty(&m->children)) {
			struct mount *c = list_first_entry(&m->children, struct mount, sibling);
			struct path at;

			detach(c, &at);
			c->parent_gone = at;
			list_add_tail(&c->ns_node, dead);
		}
	}
}

void mount_free_collected(struct list_head *dead)
{
	while (!list_empty(dead)) {
		struct mount *m = list_last_entry(dead, struct mount, ns_node);
		struct path at = m->parent_gone;

		list_del_init(&m->ns_node);
		m->parent_gone = (struct path){ NULL, NULL };
		if (at.dentry)
			path_put(&at);
		mount_put(m);
	}
}

/* Throw away a tree that was never attached. */
void mount_discard(struct mount *top)
{
	struct list_head dead = LIST_HEAD_INIT(dead);

	mutex_lock(&mounts_lock);
	mount_collect(top, &dead);
	mutex_unlock(&mounts_lock);
	mount_free_collected(&dead);
}

static struct mount *mount_clone(struct mount *m, struct dentry *root, enum mount_kin kin)
{
	struct mount *c = mount_new(m->super, root, m->source, m->flags);

	if (c && mount_relate(c, m, kin)) {
		mount_make_private(c);
		mount_put(c);
		return NULL;
	}
	if (c)
		c->unbindable = m->unbindable;
	return c;
}

/* A copy of @m seen from @root, with what is mounted below it if @deep. NULL: no memory, or no group number */
struct mount *mount_copy_tree(struct mount *m, struct dentry *root, bool deep, bool keep_unbindable, enum mount_kin kin)
{
	struct mount *top = mount_clone(m, root, kin), *c;

	if (!top)
		return NULL;
	top->copied_from = m;
	if (!deep)
		return top;
	list_for_each_entry(c, &m->children, sibling) {
		if (!d_is_below(c->mountpoint, root) || (c->unbindable && !keep_unbindable))
			continue;
		struct mount *copy = mount_copy_tree(c, c->root, true, keep_unbindable, kin);

		if (!copy) {
			struct list_head dead = LIST_HEAD_INIT(dead);

			mount_collect(top, &dead);
			mount_free_collected(&dead);
			return NULL;
		}
		struct path at = { top, c->mountpoint };

		attach(copy, &at);
	}
	return top;
}

void mount_slip_in(struct mount *c, const struct path *at)
{
	struct mount *upper = mount_lookup_rcu(at->mount, at->dentry);
	struct path was = { NULL, NULL };

	if (upper)
		detach(upper, &was);
	attach(c, at);
	ns_add_tree(c, at->mount->ns);
	if (upper) {
		struct path root = { c, c->root };

		attach(upper, &root);
		path_put(&was);		/* not the last: @c hangs there */
	}
}

void mount_slip_out(struct mount *c, struct mount *upper, struct list_head *dead)
{
	struct mount_ns *ns = c->ns;
	struct path at, on_c;

	if (upper)
		detach(upper, &on_c);
	detach(c, &at);
	if (upper) {
		attach(upper, &at);
		path_put(&on_c);	/* not the last: @c is freed below */
	}
	mount_collect(c, dead);
	c->parent_gone = at;
	mount_ns_changed(ns);
}

/* ---- attaching by the rules ---- */

static bool in_our_ns(const struct mount *m)
{
	return m->ns && m->ns == mount_ns_current();
}

/* @at as it is now that the lock is held: what was mounted there meanwhile is crossed. References move. */
static int mountpoint_settle(struct path *at)
{
	path_cross_mounts(at);
	if (!in_our_ns(at->mount))
		return -EINVAL;
	if (d_unhashed(at->dentry) && at->dentry->parent != at->dentry)
		return -ENOENT;
	return 0;
}

/* A tree that may still be attached. */
static bool hangs_nowhere(const struct mount *top)
{
	return !top->ns && top->parent == top && !top->detached && !top->hidden;
}

void mount_tree_closed(struct mount *top)
{
	struct list_head dead = LIST_HEAD_INIT(dead);

	mutex_lock(&mounts_lock);
	if (hangs_nowhere(top))
		mount_collect(top, &dead);
	mutex_unlock(&mounts_lock);
	mount_free_collected(&dead);
}

int mount_attach_tree(struct mount *top, struct path *at)
{
	struct list_head copies = LIST_HEAD_INIT(copies);
	int err;

	mutex_lock(&mounts_lock);
	err = mountpoint_settle(at);
	if (!err && !hangs_nowhere(top))
		err = -EINVAL;
	if (!err && inode_is_dir(top->root->inode) != inode_is_dir(at->dentry->inode))
		err = -ENOTDIR;
	if (!err && at->mount->super == top->super && at->mount->root == at->dentry && top->root == at->dentry && !top->copied_from)
		err = -EBUSY;
	if (!err && !mount_ns_has_room(at->mount->ns, top))
		err = -ENOSPC;
	if (!err)
		err = mount_propagate_prepare(top, at, &copies);
	if (!err) {
		attach(top, at);
		ns_add_tree(top, at->mount->ns);
		mount_propagate_commit(&copies);
	}
	mutex_unlock(&mounts_lock);
	return err;
}

struct mount *mount_copy_bindable(const struct path *from, bool deep)
{
	struct mount *top = ERR_PTR(-EINVAL);

	mutex_lock(&mounts_lock);
	if (!from->mount->unbindable && in_our_ns(from->mount)) {
		top = mount_copy_tree(from->mount, from->dentry, deep, false, KIN_SAME);
		if (!top)
			top = ERR_PTR(-ENOMEM);
	}
	mutex_unlock(&mounts_lock);
	return top;
}

int mount_bind(const struct path *from, struct path *at, bool deep)
{
	struct mount *top = mount_copy_bindable(from, deep);

	if (IS_ERR(top))
		return (int)PTR_ERR(top);
	int err = mount_attach_tree(top, at);

	if (err)
		mount_discard(top);
	return err;
}

bool mount_is_below(const struct mount *m, const struct mount *top)
{
	for (; m != top; m = m->parent)
		if (m->parent == m)
			return false;
	return true;
}

static bool has_unbindable(struct mount *top)
{
	for (struct mount *m = top; m; m = mount_next(m, top))
		if (m->unbindable)
			return true;
	return false;
}

static int move_check(const struct path *from, const struct path *at)
{
	struct mount *m = from->mount;

	if (from->dentry != m->root || m->parent == m || !in_our_ns(m))
		return -EINVAL;
	if (inode_is_dir(from->dentry->inode) != inode_is_dir(at->dentry->inode))
		return -EINVAL;
	if (mount_is_below(at->mount, m))
		return -ELOOP;
	if (mount_is_shared(m->parent) || (mount_is_shared(at->mount) && has_unbindable(m)))
		return -EINVAL;
	return 0;
}

int mount_move(const struct path *from, struct path *at)
{
	struct list_head copies = LIST_HEAD_INIT(copies);
	struct path old = { NULL, NULL };
	int err;

	mutex_lock(&mounts_lock);
	err = mountpoint_settle(at);
	if (!err)
		err = move_check(from, at);
	if (!err)
		err = mount_propagate_prepare(from->mount, at, &copies);
	if (!err) {
		detach(from->mount, &old);
		attach(from->mount, at);
		mount_propagate_commit(&copies);
		mount_ns_changed(from->mount->ns);
	}
	mutex_unlock(&mounts_lock);
	if (old.dentry)
		path_put(&old);
	return err;
}

/* ---- unmounting ---- */

static int unmount_check(struct mount *m, int flags)
{
	if (!in_our_ns(m) || m->parent == m)
		return -EINVAL;
	if (flags & MNT_EXPIRE_FLAG) {
		if (atomic_load(&m->refs) > 2)
			return -EBUSY;
		if (!m->expiring) {
			m->expiring = true;
			return -EAGAIN;
		}
	}
	if (flags & MNT_DETACH_FLAG)
		return 0;
	/* being attached, and our caller's path */
	if (!list_empty(&m->children) || atomic_load(&m->refs) > 2)
		return -EBUSY;
	return mount_propagate_busy(m) ? -EBUSY : 0;
}

int mount_unmount(struct mount *m, int flags)
{
	struct list_head dead = LIST_HEAD_INIT(dead);
	struct path at = { NULL, NULL };
	int err;

	mutex_lock(&mounts_lock);
	err = unmount_check(m, flags);
	if (!err) {
		struct mount_ns *ns = m->ns;

		mount_propagate_umount(m, &dead);
		detach(m, &at);
		mount_collect(m, &dead);
		mount_ns_changed(ns);
	}
	mutex_unlock(&mounts_lock);
	if (!err) {
		mount_free_collected(&dead);
		path_put(&at);
	}
	return err;
}

bool dentry_is_mountpoint(struct dentry *d)
{
	struct mount_ns *ns = mount_ns_current();
	struct mount *m;
	bool found = false;

	if (!(d->flags & DENTRY_MOUNTPOINT))
		return false;
	spin_lock(&table_lock);
	for (unsigned b = 0; b < 1u << TABLE_BITS && !found; b++)
		hlist_for_each_entry(m, &table[b], hash)
			found |= m->mountpoint == d && m->ns == ns;
	spin_unlock(&table_lock);
	return found;
}

static struct mount *find_on_dentry(struct dentry *d)
{
	struct mount *m;

	for (unsigned b = 0; b < 1u << TABLE_BITS; b++)
		hlist_for_each_entry(m, &table[b], hash)
			if (m->mountpoint == d)
				return m;
	return NULL;
}

/* The name of a directory that is a mountpoint in other name spaces only is gone: so are those mounts. */
void mounts_detach_dentry(struct dentry *d)
{
	struct list_head dead = LIST_HEAD_INIT(dead);
	struct mount *m;

	if (!(d->flags & DENTRY_MOUNTPOINT))
		return;
	mutex_lock(&mounts_lock);
	while ((m = find_on_dentry(d)) != NULL) {
		struct path at;

		detach(m, &at);
		mount_collect(m, &dead);
		m->parent_gone = at;
	}
	mutex_unlock(&mounts_lock);
	mount_free_collected(&dead);
}

/* ---- pivot_root ---- */

static int pivot_check(const struct path *root, const struct path *new, const struct path *old)
{
	if (!in_our_ns(root->mount) || !in_our_ns(new->mount) || !in_our_ns(old->mount))
		return -EINVAL;
	if (new->mount == root->mount || old->mount == root->mount)
		return -EBUSY;
	if (root->dentry != root->mount->root || root->mount->parent == root->mount)
		return -EINVAL;
	if (new->dentry != new->mount->root || new->mount->parent == new->mount)
		return -EINVAL;
	if (!mount_is_below(old->mount, new->mount))
		return -EINVAL;
	if (mount_is_shared(old->mount) || mount_is_shared(new->mount->parent) || mount_is_shared(root->mount->parent))
		return -EINVAL;
	return mount_is_below(new->mount, root->mount) ? 0 : -EINVAL;
}

int mount_pivot(const struct path *root, const struct path *new, const struct path *old)
{
	struct path at_root, at_new;
	int err;

	mutex_lock(&mounts_lock);
	err = pivot_check(root, new, old);
	if (!err) {
		detach(new->mount, &at_new);
		detach(root->mount, &at_root);
		attach(root->mount, old);
		attach(new->mount, &at_root);
		mount_ns_changed(new->mount->ns);
	}
	mutex_unlock(&mounts_lock);
	if (err)
		return err;
	path_put(&at_new);
	path_put(&at_root);
	fs_contexts_replace(root, new);
	return 0;
}

/* ---- propagation types, remounting ---- */

int mount_set_propagation(struct mount *top, u64 type, bool deep)
{
	int err = 0;

	mutex_lock(&mounts_lock);
	for (struct mount *m = top; m && !err; m = deep ? mount_next(m, top) : NULL) {
		if (type == MS_SHARED)
			err = mount_make_shared(m);
		else if (type == MS_SLAVE)
			mount_make_slave(m);
		else
			mount_make_private(m);
		m->unbindable = type == MS_UNBINDABLE;
	}
	if (top->ns)
		mount_ns_changed(top->ns);
	mutex_unlock(&mounts_lock);
	return err;
}

int mount_set_flags(struct mount *m, u32 flags)
{
	int err = 0;

	mutex_lock(&mounts_lock);
	u32 old = m->flags;

	atomic_store(&m->flags, flags);
	smp_mb();	/* as in mount_writer_begin() */
	if (flags & MNT_RDONLY && !(old & MNT_RDONLY) && atomic_load(&m->writers)) {
		atomic_store(&m->flags, old);
		err = -EBUSY;
	} else if (m->ns) {
		mount_ns_changed(m->ns);
	}
	mutex_unlock(&mounts_lock);
	return err;
}

/* Of the mounts of @seen's super: the root of a name space, which the table does not hold, is @seen if anything. */
static bool super_has_writers(const struct mount *seen)
{
	struct super *s = seen->super;
	struct mount *m;

	if (atomic_load(&seen->writers))
		return true;
	for (unsigned b = 0; b < 1u << TABLE_BITS; b++)
		hlist_for_each_entry(m, &table[b], hash)
			if (m->super == s && atomic_load(&m->writers))
				return true;
	return false;
}

int mount_super_set_flags(struct mount *m, u32 flags)
{
	struct super *s = m->super;
	int err = 0;

	mutex_lock(&mounts_lock);
	u32 old = s->flags;

	WRITE_ONCE(s->flags, flags);
	smp_mb();	/* as in mount_writer_begin() */
	if (flags & SUPER_RDONLY && !(old & SUPER_RDONLY) && super_has_writers(m)) {
		WRITE_ONCE(s->flags, old);
		err = -EBUSY;
	}
	mutex_unlock(&mounts_lock);
	return err;
}

/* ---- name spaces' part ---- */

void mount_ns_adopt(struct mount_ns *ns, struct mount *root)
{
	mutex_lock(&mounts_lock);
	ns->root = root;
	ns_add_tree(root, ns);
	mutex_unlock(&mounts_lock);
}

void mount_ns_dissolve(struct mount_ns *ns)
{
	struct list_head dead = LIST_HEAD_INIT(dead);

	mutex_lock(&mounts_lock);
	mount_collect(ns->root, &dead);
	mutex_unlock(&mounts_lock);
	mount_free_collected(&dead);
}

void mounts_init(void)
{
	mutex_init(&mounts_lock, RANK_MOUNT);
	mount_peers_start();
	mount_ns_init();
}
