/*
 * The name of a path: from the dentry up through its parents and mounts, written backwards into a buffer.
 *
 * Under RCU; a name that changes under our hands starts the whole again.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "vfs/internal.h"

struct name_buf {
	char *start, *at;
	bool full;
};

static void prepend(struct name_buf *b, const char *s, size_t len)
{
	if ((size_t)(b->at - b->start) < len) {
		b->full = true;
		return;
	}
	b->at -= len;
	memcpy(b->at, s, len);
}

enum outcome { REACHED, UNREACHABLE, CHANGED };

/* One step: prepend "/name" of p->dentry and go to its parent. */
static bool step_up(struct name_buf *b, struct path *p)
{
	struct dentry *d = p->dentry;
	u32 seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE);
	struct dentry *parent = READ_ONCE(d->parent);
	const char *name = READ_ONCE(d->name);
	char *mark = b->at;

	prepend(b, name, d->name_len);
	prepend(b, "/", 1);
	if (seq & 1 || !d_seq_unchanged(d, seq)) {
		b->at = mark;
		return false;
	}
	p->dentry = parent;
	return true;
}

static enum outcome build(struct name_buf *b, struct path p, const struct path *root)
{
	u32 mseq = __atomic_load_n(&mount_seq, __ATOMIC_ACQUIRE);

	if (mseq & 1)
		return CHANGED;
	while (!path_equal(&p, root)) {
		if (p.dentry == p.mount->root) {
			struct mount *up = READ_ONCE(p.mount->parent);

			if (up == p.mount)
				return UNREACHABLE;
			p.dentry = READ_ONCE(p.mount->mountpoint);
			p.mount = up;
			continue;
		}
		if (p.dentry == READ_ONCE(p.dentry->parent))
			return UNREACHABLE;
		if (!step_up(b, &p))
			return CHANGED;
	}
	smp_rmb();
	return READ_ONCE(mount_seq) == mseq ? REACHED : CHANGED;
}

static enum outcome name_below(const struct path *p, const struct path *root, struct name_buf *b, char *end, bool deleted)
{
	enum outcome o;

	do {
		b->at = end;
		b->full = false;
		prepend(b, "", 1);
		if (deleted)
			prepend(b, " (deleted)", 10);
		o = build(b, *p, root);
	} while (o == CHANGED);
	return o;
}

char *path_name_root(const struct path *p, const struct path *root, char *buf, size_t size)
{
	struct name_buf b = { .start = buf };

	if (name_below(p, root, &b, buf + size, false) == UNREACHABLE)
		return NULL;
	if (!*b.at)
		prepend(&b, "/", 1);
	return b.full ? ERR_PTR(-ENAMETOOLONG) : b.at;
}

/* Dentries of the nameless file system carry their whole name: "pipe:[17]". */
static char *name_anon(const struct dentry *d, char *buf, size_t size)
{
	if (size <= d->name_len)
		return ERR_PTR(-ENAMETOOLONG);
	memcpy(buf, d->name, d->name_len + 1u);
	return buf;
}

char *path_name(const struct path *p, char *buf, size_t size)
{
	struct name_buf b = { .start = buf };
	struct path root;

	if (super_is_anon(p->dentry->super))
		return name_anon(p->dentry, buf, size);
	fs_context_root(&root);
	bool deleted = p->dentry->parent != p->dentry && d_unhashed(p->dentry);
	enum outcome o = name_below(p, &root, &b, buf + size, deleted);

	if (!*b.at || *b.at == ' ')
		prepend(&b, "/", 1);
	if (o == UNREACHABLE && !p->mount->hidden)
		prepend(&b, "(unreachable)", 13);
	path_put(&root);
	return b.full ? ERR_PTR(-ENAMETOOLONG) : b.at;
}
