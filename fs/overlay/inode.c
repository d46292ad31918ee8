/*
 * Overlay inodes: making them, the table by upper inode, and mirroring.
 */
#include <linux/errno.h>
#include "base/hash.h"
#include "base/string.h"
#include "fs/overlay/internal.h"
#include "kern/assert.h"
#include "kern/slab.h"

static struct slab_cache *inode_cache;

struct inode *ovl_alloc_inode(struct super *s)
{
	struct ovl_inode *o = slab_alloc(inode_cache, ALLOC_KERNEL);

	if (!o)
		return NULL;
	memset(o, 0, sizeof(*o));
	mutex_init(&o->copy_lock, RANK_OVERLAY_COPY);
	hlist_node_init(&o->by_upper);
	return &o->inode;
}

void ovl_free_inode(struct inode *i)
{
	slab_free(inode_cache, ovl_inode(i));
}

static void put_lower(struct ovl_inode *o)
{
	for (u32 n = 0; n < o->lower_count; n++)
		d_put(o->lower[n].dentry);
	if (o->lower != &o->one)
		kfree(o->lower);
	o->lower_count = 0;
	o->lower = &o->one;
}

void ovl_evict(struct inode *i)
{
	struct ovl_inode *o = ovl_inode(i);
	struct ovl *fs = ovl_of(i->super);

	spin_lock(&fs->hash_lock);
	if (!hlist_unhashed(&o->by_upper))
		hlist_del_init(&o->by_upper);
	spin_unlock(&fs->hash_lock);
	i->data = &i->mapping;
	i->link = NULL;
	put_lower(o);
	d_put(o->upper);
	o->upper = NULL;
}

/* ---- paths ---- */

struct path ovl_upper_path(const struct inode *i)
{
	return (struct path){ ovl_of(i->super)->upper.mount, ovl_upper(ovl_inode(i)) };
}

struct path ovl_lower_path(const struct inode *i, u32 n)
{
	const struct ovl_lower *l = &ovl_inode(i)->lower[n];

	return (struct path){ ovl_of(i->super)->lower[l->layer].root.mount, l->dentry };
}

struct path ovl_real(const struct inode *i)
{
	return ovl_upper(ovl_inode(i)) ? ovl_upper_path(i) : ovl_lower_path(i, 0);
}

/* Numbers of different file systems are kept apart in the top byte, which real ones do not use. */
u64 ovl_map_ino(u64 real_ino, u32 fsid)
{
	return real_ino ^ (u64)fsid << 56;
}

/* ---- mirroring ---- */

void ovl_sync_attrs(struct inode *i)
{
	struct path real = ovl_real(i);
	const struct inode *r = real.dentry->inode;

	i->mode = r->mode;
	i->uid = r->uid;
	i->gid = r->gid;
	i->nlink = ovl_is_dir(i) && i->nlink ? i->nlink : r->nlink;
	i->iflags = r->iflags & (IFLAG_IMMUTABLE | IFLAG_APPEND | IFLAG_NOATIME);
	i->mtime = r->mtime;
	i->ctime = r->ctime;
}

/* ---- the table ---- */

static struct hlist_head *bucket(struct ovl *fs, const struct inode *upper)
{
	return &fs->by_upper[hash_bits((u64)upper >> 6, OVL_HASH_BITS)];
}

static struct inode *find_by_upper(struct ovl *fs, const struct inode *upper)
{
	struct ovl_inode *o;
	struct inode *found = NULL;

	spin_lock(&fs->hash_lock);
	hlist_for_each_entry(o, bucket(fs, upper), by_upper)
		if (o->upper->inode == upper && atomic_inc_not_zero(&o->inode.refs)) {
			found = &o->inode;
			break;
		}
	spin_unlock(&fs->hash_lock);
	return found;
}

static void add_by_upper(struct ovl *fs, struct ovl_inode *o)
{
	spin_lock(&fs->hash_lock);
	if (hlist_unhashed(&o->by_upper))
		hlist_add_head(&o->by_upper, bucket(fs, o->upper->inode));
	spin_unlock(&fs->hash_lock);
}

void ovl_set_upper(struct inode *i, struct dentry *upper)
{
	struct ovl_inode *o = ovl_inode(i);

	__atomic_store_n(&o->upper, upper, __ATOMIC_RELEASE);
	if (!ovl_is_dir(i)) {
		if ((i->mode & S_IFMT) == S_IFREG)
			__atomic_store_n(&i->data, upper->inode->data, __ATOMIC_RELEASE);
		add_by_upper(ovl_of(i->super), o);
	}
}

/* ---- making ---- */

/* The number that programs see: that of the topmost lower object if there is one, so that copy-up does not change it. */
static u64 choose_ino(struct inode *i)
{
	struct ovl_inode *o = ovl_inode(i);
	struct ovl *fs = ovl_of(i->super);
	u64 kept;

	if (o->lower_count)
		return ovl_map_ino(o->lower[0].dentry->inode->ino, fs->lower[o->lower[0].layer].fsid);
	if (real_getxattr(o->upper, OVL_XATTR_INO, &kept, sizeof(kept)) == sizeof(kept))
		return kept;
	return ovl_map_ino(o->upper->inode->ino, fs->upper_fsid);
}

static void set_ops(struct inode *i, const struct inode *real)
{
	switch (real->mode & S_IFMT) {
	case S_IFDIR:
		i->ops = &ovl_dir_ops;
		i->fops = &ovl_dir_fops;
		break;
	case S_IFREG:
		i->ops = &ovl_file_ops;
		i->fops = &ovl_file_fops;
		i->data = real->data;
		break;
	case S_IFLNK:
		i->ops = &ovl_link_ops;
		i->link = real->link;
		i->mapping.size = real->data->size;
		break;
	default:
		i->ops = &ovl_file_ops;
		inode_init_special(i, real->mode, real->rdev);
		break;
	}
}

static bool take_lower(struct ovl_inode *o, const struct ovl_lower *lower, u32 count)
{
	o->lower = &o->one;
	if (count > 1) {
		o->lower = kmemdup(lower, count * sizeof(*lower), ALLOC_KERNEL);
		if (!o->lower) {
			o->lower = &o->one;
			return false;
		}
	} else if (count) {
		o->one = *lower;
	}
	o->lower_count = count;
	return true;
}

static void put_all(struct dentry *upper, const struct ovl_lower *lower, u32 count)
{
	d_put(upper);
	for (u32 n = 0; n < count; n++)
		d_put(lower[n].dentry);
}

struct inode *ovl_inode_new(struct super *s, struct dentry *upper, const struct ovl_lower *lower, u32 count)
{
	const struct inode *real = upper ? upper->inode : lower[0].dentry->inode;
	bool is_dir = (real->mode & S_IFMT) == S_IFDIR;
	struct inode *i = upper && !is_dir ? find_by_upper(ovl_of(s), real) : NULL;
	struct ovl_inode *o;

	if (i) {
		put_all(upper, lower, count);
		return i;
	}
	i = inode_alloc(s);
	o = i ? ovl_inode(i) : NULL;
	if (!i || !take_lower(o, lower, count)) {
		put_all(upper, lower, count);
		inode_put(i);
		return ERR_PTR(-ENOMEM);
	}
	o->upper = upper;
	i->mode = real->mode;
	set_ops(i, real);
	if (is_dir)
		i->nlink = count ? 1 : 0;	/* 0: take the real one's */
	ovl_sync_attrs(i);
	o->shown_ino = choose_ino(i);
	i->ino = o->shown_ino;
	if (upper && !is_dir)
		add_by_upper(ovl_of(s), o);
	return i;
}

void ovl_inode_cache_init(void)
{
	inode_cache = slab_create("overlay_inode", sizeof(struct ovl_inode), 0);
	assert(inode_cache);
}
