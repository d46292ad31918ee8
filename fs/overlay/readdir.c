/*
 * Reading directories of an overlay.
 *
 * A directory of one real part is read straight through, numbers mapped.  A merged one is read whole when it is read from its
 * start: names of the upper part first, then those below that are not there yet; whiteouts hide and are left out.  The
 * list belongs to the open file; positions are its indices.
 */
#include <linux/errno.h>
#include "base/rbtree.h"
#include "base/string.h"
#include "fs/overlay/internal.h"
#include "kern/slab.h"

enum { FIRST = 2, DT_UNKNOWN_ = 0, DT_CHR_ = 2, DT_DIR_ = 4 };

struct entry {
	struct rb_node node;		/* by name */
	struct list_head order;
	u64 ino;
	u32 len;
	u8 dtype;
	bool whiteout;			/* hides, and is not shown */
	bool is_upper;
	bool checked;			/* whiteout: it was looked at */
	char name[];
};

struct list {
	struct rb_root names;
	struct list_head order;
};

/* Locks: p f->pos_lock */
struct ovl_dir_file {
	struct file *real;		/* [p] of a directory of one part */
	struct list list;		/* [p] of a merged one */
	bool listed;			/* [p] */
	struct entry *at;		/* [p] the entry at position at_pos, or NULL */
	u64 at_pos;
};

/* ---- lists ---- */

static void list_setup(struct list *l)
{
	l->names = RB_ROOT;
	list_init(&l->order);
}

static void list_free(struct list *l)
{
	struct entry *e, *tmp;

	list_for_each_entry_safe(e, tmp, &l->order, order)
		kfree(e);
	list_setup(l);
}

static int name_compare(const struct entry *e, const char *name, size_t len)
{
	int c = memcmp(e->name, name, MIN((size_t)e->len, len));

	return c ? c : (int)e->len - (int)len;
}

/* The place for @name: NULL if it is there already. */
static struct rb_node **find_place(struct list *l, const char *name, size_t len, struct rb_node **parent)
{
	struct rb_node **link = &l->names.node;

	*parent = NULL;
	while (*link) {
		int c = name_compare(rb_entry(*link, struct entry, node), name, len);

		if (c == 0)
			return NULL;
		*parent = *link;
		link = c > 0 ? &(*link)->left : &(*link)->right;
	}
	return link;
}

/* ---- collecting ---- */

struct collect {
	struct dir_context ctx;		/* first: emit gets it */
	struct list *list;
	u32 fsid;
	bool is_upper;
	bool any;			/* emit was called */
	int err;
};

static bool collect_emit(struct dir_context *ctx, const char *name, size_t len, u64 off_next, u64 ino, u8 dtype)
{
	struct collect *c = container_of(ctx, struct collect, ctx);
	struct rb_node *parent, **link;
	struct entry *e;

	c->any = true;
	if ((len == 1 && name[0] == '.') || (len == 2 && name[0] == '.' && name[1] == '.'))
		return true;
	link = find_place(c->list, name, len, &parent);
	if (!link)
		return true;
	e = kmalloc(sizeof(*e) + len + 1, ALLOC_KERNEL);
	if (!e) {
		c->err = -ENOMEM;
		return false;
	}
	e->ino = ovl_map_ino(ino, c->fsid);
	e->len = len;
	e->dtype = dtype;
	e->is_upper = c->is_upper;
	e->whiteout = e->checked = false;
	memcpy(e->name, name, len);
	e->name[len] = '\0';
	rb_link(&e->node, parent, link);
	rb_insert_fixup(&c->list->names, &e->node);
	list_add_tail(&e->order, &c->list->order);
	return true;
}

/* All of one real directory, with the mounter's rights. */
static int collect_layer(const struct path *p, const struct cred *cred, struct collect *c)
{
	struct file *real = file_open_path(p, O_RDONLY | O_DIRECTORY, cred);
	struct rwsem *lock = &p->dentry->inode->lock;
	const struct cred *old;
	int err = 0;

	if (IS_ERR(real))
		return PTR_ERR(real);
	c->ctx.emit = collect_emit;
	c->ctx.pos = 0;
	old = cred_override(cred);
	do {
		c->any = false;
		rwsem_read_lock_nested(lock, RANK_INODE_PARENT);
		err = real->ops->readdir ? real->ops->readdir(real, &c->ctx) : -ENOTDIR;
		rwsem_read_unlock_nested(lock, RANK_INODE_PARENT);
	} while (!err && !c->err && c->any);
	cred_revert(old);
	file_put(real);
	return err ? err : c->err;
}

/* Character devices of a layer may be whiteouts: look. */
static int mark_whiteouts(const struct path *p, const struct cred *cred, struct list *l)
{
	const struct cred *old = cred_override(cred);
	struct entry *e;
	int err = 0;

	list_for_each_entry(e, &l->order, order) {
		struct dentry *d;

		if (e->checked)
			continue;
		e->checked = true;
		if (e->dtype != DT_CHR_ && e->dtype != DT_UNKNOWN_)
			continue;
		d = real_lookup(p, e->name, e->len);
		if (IS_ERR(d)) {
			err = PTR_ERR(d);
			break;
		}
		e->whiteout = d && ovl_is_whiteout(d);
		d_put(d);
	}
	cred_revert(old);
	return err;
}

static int collect_merged(struct inode *dir, struct list *l)
{
	struct ovl_inode *o = ovl_inode(dir);
	struct ovl *fs = ovl_of(dir->super);
	struct path p = ovl_upper_path(dir);
	int err = 0;

	if (p.dentry) {
		struct collect c = { .list = l, .fsid = fs->upper_fsid, .is_upper = true };

		err = collect_layer(&p, fs->cred, &c);
		if (!err)
			err = mark_whiteouts(&p, fs->cred, l);
	}
	for (u32 n = 0; !err && n < o->lower_count; n++) {
		struct collect c = { .list = l, .fsid = fs->lower[o->lower[n].layer].fsid };

		p = ovl_lower_path(dir, n);
		err = collect_layer(&p, fs->cred, &c);
		if (!err)
			err = mark_whiteouts(&p, fs->cred, l);
	}
	return err;
}

/* ---- one part: straight through ---- */

struct through {
	struct dir_context ctx;
	struct dir_context *to;
	struct file *f;
	u32 fsid;
	bool full;
};

/* "." and ".." are the overlay's. */
static u64 dot_ino(struct through *t, size_t len)
{
	struct dentry *d = t->f->path.dentry, *parent;
	u64 ino;

	if (len == 1)
		return t->f->inode->ino;
	parent = d_parent(d);
	ino = parent->inode->ino;
	d_put(parent);
	return ino;
}

static bool through_emit(struct dir_context *ctx, const char *name, size_t len, u64 off_next, u64 ino, u8 dtype)
{
	struct through *t = container_of(ctx, struct through, ctx);
	bool is_dot = name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.'));

	ino = is_dot ? dot_ino(t, len) : ovl_map_ino(ino, t->fsid);
	if (dir_emit(t->to, name, len, off_next, ino, dtype))
		return true;
	t->full = true;
	return false;
}

static int read_through(struct file *f, struct ovl_dir_file *df, struct dir_context *c)
{
	struct inode *i = f->inode;
	struct ovl *fs = ovl_of(i->super);
	bool upper = ovl_upper(ovl_inode(i));
	struct through t = { .ctx = { through_emit, c->pos }, .to = c, .f = f };
	struct rwsem *lock = &df->real->inode->lock;
	const struct cred *old = cred_override(fs->cred);
	int err;

	t.fsid = upper ? fs->upper_fsid : fs->lower[ovl_inode(i)->lower[0].layer].fsid;
	rwsem_read_lock_nested(lock, RANK_INODE_PARENT);
	err = df->real->ops->readdir ? df->real->ops->readdir(df->real, &t.ctx) : -ENOTDIR;
	rwsem_read_unlock_nested(lock, RANK_INODE_PARENT);
	cred_revert(old);
	c->pos = t.ctx.pos;
	return err;
}

/* ---- merged ---- */

/* The number that stat will show, if the object is known; else what the real directory said. */
static u64 entry_ino(struct file *f, const struct entry *e)
{
	struct dentry *d;
	u64 ino = e->ino;

	if (!e->is_upper)
		return ino;
	d = d_lookup(f->path.dentry, e->name, e->len);
	if (d && d_is_positive(d))
		ino = ovl_inode(d->inode)->shown_ino;
	d_put(d);
	return ino;
}

static void seek_to(struct ovl_dir_file *df, u64 pos)
{
	u64 n = FIRST;
	struct entry *e;

	if (df->at && df->at_pos == pos)
		return;
	df->at = NULL;
	df->at_pos = pos;
	list_for_each_entry(e, &df->list.order, order)
		if (n++ == pos) {
			df->at = e;
			return;
		}
}

static int read_merged(struct file *f, struct ovl_dir_file *df, struct dir_context *c)
{
	if (c->pos == 0 || !df->listed) {
		list_free(&df->list);
		df->at = NULL;

		int err = collect_merged(f->inode, &df->list);

		if (err)
			return err;
		df->listed = true;
	}
	if (!dir_emit_dots(f, c))
		return 0;
	seek_to(df, c->pos);
	while (df->at) {
		struct entry *e = df->at;

		if (!e->whiteout && !dir_emit(c, e->name, e->len, c->pos + 1, entry_ino(f, e), e->dtype))
			return 0;
		c->pos++;
		df->at_pos = c->pos;
		df->at = list_is_last(&e->order, &df->list.order) ? NULL : list_next_entry(e, order);
	}
	return 0;
}

/* ---- the open directory ---- */

static u32 parts_of(const struct inode *i)
{
	return (ovl_upper(ovl_inode(i)) != NULL) + ovl_inode(i)->lower_count;
}

static int dir_open(struct inode *i, struct file *f)
{
	struct ovl_dir_file *df = kzalloc(sizeof(*df), ALLOC_KERNEL);

	if (!df)
		return -ENOMEM;
	list_setup(&df->list);
	f->private = df;
	return 0;
}

static void dir_release(struct file *f)
{
	struct ovl_dir_file *df = f->private;

	list_free(&df->list);
	file_put(df->real);
	kfree(df);
}

/* A directory read straight through stays so while it is open, even if a copy-up gives it a second part in the middle. */
static int dir_readdir(struct file *f, struct dir_context *c)
{
	struct ovl_dir_file *df = f->private;

	if (c->pos == 0 && parts_of(f->inode) > 1) {
		file_put(df->real);
		df->real = NULL;
	}
	if (!df->real && (df->listed || parts_of(f->inode) > 1))
		return read_merged(f, df, c);
	if (!df->real) {
		struct path p = ovl_real(f->inode);
		struct file *real = file_open_path(&p, O_RDONLY | O_DIRECTORY, ovl_of(f->inode->super)->cred);

		if (IS_ERR(real))
			return PTR_ERR(real);
		df->real = real;
	}
	return read_through(f, df, c);
}

static int dir_fsync(struct file *f, u64 start, u64 end, bool datasync)
{
	struct path p = ovl_upper_path(f->inode);
	struct file *real;
	int err;

	if (!p.dentry)
		return 0;
	real = file_open_path(&p, O_RDONLY | O_DIRECTORY, ovl_of(f->inode->super)->cred);
	if (IS_ERR(real))
		return PTR_ERR(real);
	err = real->ops->fsync ? real->ops->fsync(real, start, end, datasync) : 0;
	file_put(real);
	return err;
}

static s64 dir_seek(struct file *f, s64 off, int whence)
{
	if (whence > 1)
		return -EINVAL;
	if (whence == 1)
		off += f->pos;
	if (off < 0)
		return -EINVAL;
	f->pos = off;
	return off;
}

static s64 dir_read(struct file *f, struct iter *to, u64 *pos)
{
	return -EISDIR;
}

const struct file_ops ovl_dir_fops = {
	.open = dir_open,
	.release = dir_release,
	.read = dir_read,
	.readdir = dir_readdir,
	.seek = dir_seek,
	.fsync = dir_fsync,
};

/* ---- is it empty? ---- */

/* Remove the whiteouts of an upper directory that shows nothing. */
static int clear_whiteouts(struct inode *dir, struct list *l)
{
	struct path p = ovl_upper_path(dir);
	const struct cred *old = cred_override(ovl_of(dir->super)->cred);
	struct entry *e;
	int err = 0;

	list_for_each_entry(e, &l->order, order) {
		struct dentry *d;

		if (!e->is_upper || !e->whiteout)
			continue;
		d = real_lookup(&p, e->name, e->len);
		if (IS_ERR_OR_NULL(d))
			continue;
		rwsem_write_lock_nested(&p.dentry->inode->lock, RANK_INODE_PARENT);
		if (d_is_positive(d))
			err = vfs_unlink_in(p.dentry->inode, d);
		rwsem_write_unlock_nested(&p.dentry->inode->lock, RANK_INODE_PARENT);
		d_put(d);
		if (err)
			break;
	}
	cred_revert(old);
	return err;
}

int ovl_check_empty(struct dentry *d, bool clear)
{
	struct list l;
	struct entry *e;
	int err;

	list_setup(&l);
	err = collect_merged(d->inode, &l);
	list_for_each_entry(e, &l.order, order)
		if (!err && !e->whiteout)
			err = -ENOTEMPTY;
	if (!err && clear && ovl_upper(ovl_inode(d->inode)))
		err = clear_whiteouts(d->inode, &l);
	list_free(&l);
	return err;
}
