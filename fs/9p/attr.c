/*
 * Attributes: fetched by Tgetattr, believed for ever (loose) or a second (none), changed by Tsetattr.
 */
#include <linux/errno.h>
#include <linux/stat.h>
#include "fs/9p/p9fs.h"
#include "kern/timer.h"

static struct timestamp to_timestamp(const struct p9_time *t)
{
	/* Whatever a server says: a valid number of nanoseconds. */
	return (struct timestamp){ .sec = (s64)t->sec, .nsec = t->nsec < NS_PER_SEC ? (u32)t->nsec : 0 };
}

static bool same_time(const struct timestamp *a, const struct timestamp *b)
{
	return a->sec == b->sec && a->nsec == b->nsec;
}

/* The type of an inode does not change; everything else may. */
void p9_attr_apply(struct inode *i, const struct p9_attr *a)
{
	i->mode = (i->mode & S_IFMT) | (a->mode & 07777);
	i->uid = a->uid;
	i->gid = a->gid;
	i->nlink = a->nlink > 0xffffffff ? 0xffffffff : (u32)a->nlink;
	i->blocks = a->blocks;
	i->atime = to_timestamp(&a->atime);
	i->mtime = to_timestamp(&a->mtime);
	i->ctime = to_timestamp(&a->ctime);
	i->btime = to_timestamp(&a->btime);
	atomic_store(&p9_node(i)->attr_ns, plat_mono_ns() | 1);
}

/*
 * New size from the server: pages past it go.  @changed: the file's bytes may have changed there, so all clean pages go.
 * Files that we write to know their size better than the server, until what is dirty has been written.
 */
static void data_apply(struct inode *i, u64 size, bool changed)
{
	u64 old = inode_size(i);

	if ((i->mode & S_IFMT) != S_IFREG) {
		inode_set_size(i, size);
		return;
	}
	if (p9_loose(i) && p9_node(i)->write_fid != P9_NOFID)
		return;
	if (size != old) {
		inode_set_size(i, size);
		if (size < old)
			mapping_truncate(&i->mapping, size);
	}
	if (changed && !p9_loose(i))
		(void)mapping_invalidate(&i->mapping, 0, ~0ull >> PAGE_SHIFT);
}

static bool believed(const struct inode *i)
{
	u64 at = atomic_load(&p9_node(i)->attr_ns);

	return at && (p9_loose(i) || plat_mono_ns() - at < P9_ATTR_LIFE_NS);
}

int p9_refresh(struct inode *i, bool force)
{
	struct p9_node *n = p9_node(i);
	struct p9_attr a;
	bool changed;
	u64 size;
	int err;

	if (!force && believed(i))
		return 0;
	size = inode_size(i);
	err = p9_getattr(p9_client_of(i), p9_any_fid(i), &a);
	if (err == -ENOENT && (n->opens || !i->nlink))
		return 0;	/* removed, but open: some servers look at the name only; what we know is the best there is */
	if (err)
		return err;
	if ((a.mode & S_IFMT) != (i->mode & S_IFMT))
		return -ESTALE;
	mutex_lock(&n->lock);
	struct timestamp before = i->mtime;

	p9_attr_apply(i, &a);
	changed = !n->own_change && (!same_time(&before, &i->mtime) || a.size != size);
	n->own_change = false;
	mutex_unlock(&n->lock);
	data_apply(i, a.size, changed);
	return 0;
}

int p9_getattr_op(struct dentry *d, struct inode *i, struct attrs *out)
{
	int err = p9_refresh(i, false);

	if (!err)
		inode_fill_attrs(i, out);
	return err;
}

static void setattr_encode(const struct setattr *sa, struct p9_setattr *out)
{
	static const struct { u32 from, to; } bits[] = {
		{ SET_MODE, P9_SET_MODE },	      { SET_UID, P9_SET_UID },
		{ SET_GID, P9_SET_GID },	      { SET_SIZE, P9_SET_SIZE },
		{ SET_ATIME, P9_SET_ATIME | P9_SET_ATIME_SET }, { SET_MTIME, P9_SET_MTIME | P9_SET_MTIME_SET },
		{ SET_CTIME, P9_SET_CTIME },
	};

	*out = (struct p9_setattr){ .mode = sa->mode, .uid = sa->uid, .gid = sa->gid, .size = sa->size };
	for (unsigned k = 0; k < ARRAY_SIZE(bits); k++)
		out->valid |= sa->valid & bits[k].from ? bits[k].to : 0;
	/* "Now" is the server's clock's to say. */
	if (sa->valid & SET_ATIME_NOW)
		out->valid = (out->valid | P9_SET_ATIME) & ~(u32)P9_SET_ATIME_SET;
	if (sa->valid & SET_MTIME_NOW)
		out->valid = (out->valid | P9_SET_MTIME) & ~(u32)P9_SET_MTIME_SET;
	out->atime = (struct p9_time){ (u64)sa->atime.sec, sa->atime.nsec };
	out->mtime = (struct p9_time){ (u64)sa->mtime.sec, sa->mtime.nsec };
}

int p9_setattr_op(struct dentry *d, struct inode *i, const struct setattr *sa)
{
	struct p9_setattr wire;
	u64 old = inode_size(i);
	int err = 0;

	/* What is dirty goes first: written later it would undo a cut, or the time that is being set. */
	if ((i->mode & S_IFMT) == S_IFREG && sa->valid & (SET_SIZE | SET_MTIME | SET_MODE | SET_UID | SET_GID))
		err = mapping_sync(&i->mapping, 0, ~0ull);
	if (err)
		return err;
	setattr_encode(sa, &wire);
	if (wire.valid)
		err = p9_setattr(p9_client_of(i), p9_any_fid(i), &wire);
	if (err)
		return err;
	inode_setattr_apply(i, sa);
	if (sa->valid & SET_SIZE) {
		inode_set_size(i, sa->size);
		if (sa->size < old)
			mapping_truncate(&i->mapping, sa->size);
	}
	p9_node(i)->own_change = true;
	p9_attr_expire(i);
	return 0;
}
