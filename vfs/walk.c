/*
 * Path walk: from a name to a dentry and its mount.
 *
 * The kernel is not preempted, so a walk over cached dentries takes no lock and no reference until its end: see walk.h for
 * the two modes.  Steps that may sleep (a lookup in the file system, revalidation that cannot be done at once, links whose target
 * is not at hand, magic links) pin the walk first.
 *
 * Symlinks do not recurse: their targets are walked from a small stack.  A component is the last one if the string that
 * holds it ends and no string below on the stack has a rest.
 *
 * Source: path_resolution(7), symlink(7), openat2(2), Linux Documentation/admin-guide/sysctl/fs.rst (protected_symlinks).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/cred.h"
#include "vfs/internal.h"
#include "vfs/ops.h"
#include "vfs/walk.h"

/* ---- pinning ---- */

static bool mount_get_live(struct mount *m)
{
	return atomic_inc_not_zero(&m->refs);
}

static bool dentry_pin(struct dentry *d, u32 seq)
{
	if (!d_get_not_dead(d))
		return false;
	if (likely(__atomic_load_n(&d->seq, __ATOMIC_SEQ_CST) == seq))
		return true;
	d_put(d);
	return false;
}

/* Leave rcu mode with no references at all. */
static void walk_forget(struct walk *w)
{
	w->rcu = false;
	w->root_set = false;
	w->depth = 0;
	w->path.mount = NULL;
	w->path.dentry = NULL;
}

static bool links_pin(struct walk *w)
{
	unsigned n;

	for (n = 0; n < w->depth; n++)
		if (w->stack[n].held && !inode_get_not_dying(w->stack[n].held))
			break;
	if (n == w->depth)
		return true;
	while (n--)
		inode_put(w->stack[n].held);
	return false;
}

int walk_pin(struct walk *w)
{
	if (!w->rcu)
		return 0;
	if (!mount_get_live(w->path.mount))
		goto out_forget;
	if (!dentry_pin(w->path.dentry, w->seq))
		goto out_mount;
	if (w->root_set) {
		if (!mount_get_live(w->root.mount))
			goto out_dentry;
		if (!d_get_not_dead(w->root.dentry)) {
			mount_put(w->root.mount);
			goto out_dentry;
		}
	}
	if (!links_pin(w))
		goto out_root;
	w->rcu = false;
	return 0;
out_root:
	if (w->root_set)
		path_put(&w->root);
out_dentry:
	d_put(w->path.dentry);
out_mount:
	mount_put(w->path.mount);
out_forget:
	walk_forget(w);
	return -ECHILD;
}

static void link_pop(struct walk *w)
{
	struct walk_link *l = &w->stack[--w->depth];

	if (w->rcu)
		return;
	if (l->done)
		l->done(l->done_arg);
	inode_put(l->held);
}

void walk_abort(struct walk *w)
{
	if (w->rcu) {
		walk_forget(w);
		return;
	}
	while (w->depth)
		link_pop(w);
	if (w->path.dentry)
		path_put(&w->path);
	if (w->root_set)
		path_put(&w->root);
	w->path.dentry = NULL;
	w->path.mount = NULL;
	w->root_set = false;
}

/* ---- where walks start ---- */

/* A path of the current thread's context, as it is at one moment, without references. */
static void context_read(const struct path *from, struct path *out)
{
	struct fs_context *c = current()->fs;
	u32 seq;

	do {
		while ((seq = __atomic_load_n(&c->seq, __ATOMIC_ACQUIRE)) & 1)
			plat_cpu_relax();
		*out = *(const volatile struct path *)from;
		smp_rmb();
	} while (READ_ONCE(c->seq) != seq);
}

static void root_set(struct walk *w)
{
	if (w->root_set)
		return;
	if (w->rcu)
		context_read(&current()->fs->root, &w->root);
	else
		fs_context_root(&w->root);
	w->root_set = true;
}

/* Stand on @p, a path without references in rcu mode; pinned, the caller's references are consumed. */
static void stand_on(struct walk *w, const struct path *p)
{
	if (!w->rcu && w->path.dentry)
		path_put(&w->path);
	w->path = *p;
	if (w->rcu)
		w->seq = __atomic_load_n(&p->dentry->seq, __ATOMIC_ACQUIRE) & ~1u;
	w->inode = READ_ONCE(p->dentry->inode);
}

static void stand_on_root(struct walk *w)
{
	root_set(w);
	if (!w->rcu)
		path_get(&w->root);
	stand_on(w, &w->root);
}

static int start_at_fd(struct walk *w, int fd, const char *name)
{
	struct file *f = w->rcu ? fd_peek(fd) : fd_get_path(fd);
	int err = -ENOTDIR;

	if (!f)
		return -EBADF;
	struct path p = f->path;

	smp_rmb();
	if (w->rcu && fd_peek(fd) != f)
		return -ECHILD;		/* closed, and the struct perhaps used for another */
	if (p.dentry && (!*name || inode_is_dir(p.dentry->inode))) {
		if (!w->rcu)
			path_get(&p);
		stand_on(w, &p);
		err = 0;
	}
	if (!w->rcu)
		file_put(f);
	return err;
}

int walk_start(struct walk *w, int dirfd, const struct path *base, const char *name, u32 flags, bool rcu)
{
	int err = 0;

	w->path.mount = NULL;
	w->path.dentry = NULL;
	w->flags = flags;
	w->rcu = rcu;
	w->root_set = false;
	w->trailing_slash = false;
	w->links = w->depth = w->pending = 0;
	w->rest = name;
	if (!*name && !(flags & WALK_EMPTY))
		return -ENOENT;
	if (*name == '/' && !(flags & WALK_IN_ROOT)) {
		if (flags & WALK_BENEATH)
			return -EXDEV;
		stand_on_root(w);
		return 0;
	}
	if (base) {
		if (!w->rcu)
			path_get(base);
		stand_on(w, base);
	} else if (dirfd == AT_FDCWD) {
		struct path p;

		if (w->rcu)
			context_read(&current()->fs->cwd, &p);
		else
			fs_context_cwd(&p);
		stand_on(w, &p);
	} else {
		err = start_at_fd(w, dirfd, name);
	}
	if (!err && flags & (WALK_IN_ROOT | WALK_BENEATH)) {
		w->root = w->path;
		w->root_set = true;
		if (!w->rcu)
			path_get(&w->root);
	}
	return err;
}

/* ---- lookups that may sleep ---- */

static struct dentry *revalidated(struct dentry *d)
{
	if (!d || !d->ops || !d->ops->revalidate)
		return d;
	int ok = d->ops->revalidate(d, false);

	if (ok > 0)
		return d;
	if (ok == 0)
		d_invalidate(d);
	d_put(d);
	return ok < 0 ? ERR_PTR(ok) : NULL;
}

struct dentry *lookup_locked(struct dentry *parent, const char *name, u32 len, unsigned flags)
{
	struct inode *dir = parent->inode;
	struct dentry *d = revalidated(d_lookup(parent, name, len));

	if (d)
		return d;
	if (!dir || dir->state & INODE_DEAD_DIR)
		return ERR_PTR(-ENOENT);
	if (!dir->ops->lookup)
		return ERR_PTR(-ENOTDIR);
	d = d_alloc(parent, name, len);
	if (!d)
		return ERR_PTR(-ENOMEM);
	struct dentry *other = dir->ops->lookup(dir, d, flags);

	if (!other)
		return d;
	d_put(d);
	return other;
}

static struct dentry *lookup_pinned(struct dentry *parent, const char *name, u32 len)
{
	struct dentry *d = revalidated(d_lookup(parent, name, len));

	if (d)
		return d;
	inode_lock_parent(parent->inode);
	d = lookup_locked(parent, name, len, 0);
	inode_unlock_parent(parent->inode);
	return d;
}

/* Replace *p by what is mounted on it. References move. */
void path_cross_mounts(struct path *p)
{
	while (p->dentry->flags & DENTRY_MOUNTPOINT) {
		struct mount *m = mount_lookup_rcu(p->mount, p->dentry);

		if (!m || !mount_get_live(m))
			break;
		struct dentry *root = d_get(m->root);

		path_put(p);
		p->mount = m;
		p->dentry = root;
	}
}

/* ---- symlinks ---- */

/* protected_symlinks: in a sticky directory that others may write, follow only one's own links or the directory owner's. */
static int may_follow(const struct inode *dir, const struct inode *link)
{
	if ((dir->mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH))
		return 0;
	if (current_cred()->fsuid == link->uid || dir->uid == link->uid)
		return 0;
	return -EACCES;
}

static int link_allowed(struct walk *w, const struct inode *link, bool trailing)
{
	if (w->links++ >= WALK_LINKS_MAX || w->flags & WALK_NO_SYMLINKS)
		return -ELOOP;
	return trailing ? may_follow(w->inode, link) : 0;
}

/* Go on with @target, whose memory @l keeps; then with @rest. */
static int link_push(struct walk *w, const char *target, const char *rest, struct inode *held, void (*done)(void *), void *arg)
{
	struct walk_link *l = &w->stack[w->depth++];

	l->rest = rest;
	l->held = held;
	l->done = done;
	l->done_arg = arg;
	if (*rest)
		w->pending++;
	w->rest = target;
	if (!*target)
		return -ENOENT;
	if (*target != '/')
		return 0;
	if (w->flags & WALK_BENEATH)
		return -EXDEV;
	root_set(w);
	if (w->flags & WALK_NO_XDEV && w->root.mount != w->path.mount)
		return -EXDEV;
	stand_on_root(w);
	return 0;
}

/* A magic link: it is a path. @trailing or not, the walk stands there afterwards. */
static int follow_magic(struct walk *w, struct dentry *d, struct inode *i, const char *rest)
{
	struct path p;
	int err;

	if (w->flags & WALK_NO_MAGIC)
		return -ELOOP;
	err = i->ops->follow(d, i, &p);
	if (err)
		return err;
	if (w->flags & (WALK_BENEATH | WALK_IN_ROOT) || (w->flags & WALK_NO_XDEV && p.mount != w->path.mount)) {
		path_put(&p);
		return -EXDEV;
	}
	stand_on(w, &p);
	w->rest = rest;
	return 0;
}

enum { STEP_DONE = 0, STEP_LINK = 1 };

/* Pinned: follow @d, a link in w->path. Consumes @d. Return: STEP_LINK: go on with w->rest; STEP_DONE: a magic link, arrived */
static int follow_pinned(struct walk *w, struct dentry *d, const char *rest, bool trailing)
{
	struct inode *i = d->inode;
	void (*done)(void *) = NULL;
	void *arg = NULL;
	int err = link_allowed(w, i, trailing);

	if (err)
		goto out_put;
	if (i->ops->follow) {
		err = follow_magic(w, d, i, rest);
		goto out_put;
	}
	const char *target = i->link ? i->link : i->ops->get_link ? i->ops->get_link(d, i, &done, &arg) : ERR_PTR(-EINVAL);

	if (IS_ERR_OR_NULL(target)) {
		err = target ? (int)PTR_ERR(target) : -EINVAL;
		goto out_put;
	}
	inode_get(i);
	err = link_push(w, target, rest, i, done, arg);
	d_put(d);
	return err ? err : STEP_LINK;
out_put:
	d_put(d);
	return err;
}

int walk_follow_pinned(struct walk *w, struct dentry *d)
{
	return follow_pinned(w, d, "", true);
}

/* ---- steps ---- */

static int step_pinned(struct walk *w, const char *name, u32 len, const char *rest, bool follow, bool trailing)
{
	struct dentry *d;

	if (w->flags & WALK_CACHED)
		return -EAGAIN;
	d = lookup_pinned(w->path.dentry, name, len);
	if (IS_ERR(d))
		return (int)PTR_ERR(d);
	struct inode *i = READ_ONCE(d->inode);

	if (!i) {
		d_put(d);
		return -ENOENT;
	}
	if (inode_is_link(i) && follow && !(READ_ONCE(d->flags) & DENTRY_MOUNTPOINT))
		return follow_pinned(w, d, rest, trailing);
	struct path p = { mount_get(w->path.mount), d };

	if (READ_ONCE(d->flags) & DENTRY_MOUNTPOINT) {
		path_cross_mounts(&p);
		if (w->flags & WALK_NO_XDEV && p.mount != w->path.mount) {
			path_put(&p);
			return -EXDEV;
		}
	}
	stand_on(w, &p);
	return STEP_DONE;
}

static int pin_and_step(struct walk *w, const char *name, u32 len, const char *rest, bool follow, bool trailing)
{
	int err = walk_pin(w);

	return err ? err : step_pinned(w, name, len, rest, follow, trailing);
}

/* rcu mode: cross what is mounted on (*m, *d). */
static bool cross_rcu(struct walk *w, struct mount **m, struct dentry **d, u32 *seq, struct inode **i)
{
	while ((*d)->flags & DENTRY_MOUNTPOINT) {
		struct mount *on = mount_lookup_rcu(*m, *d);

		if (!on)
			break;
		if (w->flags & WALK_NO_XDEV)
			return false;
		*m = on;
		*d = on->root;
		*seq = __atomic_load_n(&on->root->seq, __ATOMIC_ACQUIRE) & ~1u;
		*i = READ_ONCE(on->root->inode);
	}
	return true;
}

/*
 * Step onto the component @name.  @rest: what follows it.
 * Return: STEP_DONE, STEP_LINK (go on with w->rest), or -errno
 */
static ALWAYS_INLINE int step(struct walk *w, const char *name, u32 len, u32 hash, const char *rest, bool follow, bool trailing)
{
	struct inode *i;
	u32 seq;

	if (unlikely(!w->rcu))
		return step_pinned(w, name, len, rest, follow, trailing);
	struct dentry *d = d_find_rcu(w->path.dentry, name, len, hash, &seq, &i);

	if (unlikely(!d))
		return pin_and_step(w, name, len, rest, follow, trailing);
	if (unlikely(d->ops && d->ops->revalidate) && d->ops->revalidate(d, true) <= 0)
		return pin_and_step(w, name, len, rest, follow, trailing);
	if (!i)
		return -ENOENT;
	if (unlikely(inode_is_link(i)) && follow) {
		if (!i->link)
			return pin_and_step(w, name, len, rest, follow, trailing);
		int err = link_allowed(w, i, trailing);

		if (!err)
			err = link_push(w, i->link, rest, i, NULL, NULL);
		return err ? err : STEP_LINK;
	}
	struct mount *m = w->path.mount;

	if (unlikely(READ_ONCE(d->flags) & DENTRY_MOUNTPOINT) && !cross_rcu(w, &m, &d, &seq, &i))
		return -EXDEV;
	w->path.mount = m;
	w->path.dentry = d;
	w->seq = seq;
	w->inode = i;
	return STEP_DONE;
}

/* ---- ".." ---- */

static int dotdot_rcu(struct walk *w)
{
	struct path p = w->path;
	u32 mseq = __atomic_load_n(&mount_seq, __ATOMIC_ACQUIRE);

	for (;;) {
		if (path_equal(&p, &w->root))
			break;
		if (p.dentry != p.mount->root) {
			u32 seq = __atomic_load_n(&p.dentry->seq, __ATOMIC_ACQUIRE);
			struct dentry *parent = READ_ONCE(p.dentry->parent);

			if (seq & 1 || !d_seq_unchanged(p.dentry, seq))
				return -ECHILD;
			p.dentry = parent;
			break;
		}
		struct mount *up = READ_ONCE(p.mount->parent);

		if (up == p.mount)
			break;
		if (w->flags & WALK_NO_XDEV)
			return -EXDEV;
		p.dentry = READ_ONCE(p.mount->mountpoint);
		p.mount = up;
	}
	smp_rmb();
	if (mseq & 1 || READ_ONCE(mount_seq) != mseq)
		return -ECHILD;
	stand_on(w, &p);
	return cross_rcu(w, &w->path.mount, &w->path.dentry, &w->seq, &w->inode) ? 0 : -EXDEV;
}

/* The path above w->path with references; under RCU until they are taken. */
static bool parent_path(struct walk *w, struct path *out)
{
	struct walk look = { .path = w->path, .root = w->root, .flags = w->flags & ~(u32)WALK_NO_XDEV, .rcu = true, .root_set = true };

	if (dotdot_rcu(&look))
		return false;
	if (!mount_get_live(look.path.mount))
		return false;
	if (!d_get_not_dead(look.path.dentry)) {
		mount_put(look.path.mount);
		return false;
	}
	*out = look.path;
	return true;
}

static int dotdot(struct walk *w)
{
	struct path up;

	root_set(w);
	if (w->flags & WALK_BENEATH && path_equal(&w->path, &w->root))
		return -EXDEV;
	if (w->rcu) {
		int err = dotdot_rcu(w);

		if (err != -ECHILD)
			return err;
		err = walk_pin(w);
		if (err)
			return err;
	}
	while (!parent_path(w, &up))
		plat_cpu_relax();
	if (w->flags & WALK_NO_XDEV && up.mount != w->path.mount) {
		path_put(&up);
		return -EXDEV;
	}
	stand_on(w, &up);
	return 0;
}

/* ---- the loop ---- */

static inline int may_search(struct walk *w)
{
	struct inode *i = w->inode;

	if (unlikely(!i))
		return -ENOENT;
	if (unlikely(!i->ops->lookup))
		return -ENOTDIR;
	if (likely((i->mode & 0111) == 0111 && !i->ops->permission))
		return 0;
	return inode_permission(i, MAY_EXEC);
}

static inline u8 component_type(const char *s, u32 len)
{
	if (likely(s[0] != '.' || len > 2))
		return LAST_NORMAL;
	if (len == 1)
		return LAST_DOT;
	return s[1] == '.' ? LAST_DOTDOT : LAST_NORMAL;
}

/* The current string is at its end: take the rest of the one that held its link. Return: false if there is none */
static bool next_string(struct walk *w)
{
	while (!*w->rest && w->depth) {
		const char *rest = w->stack[w->depth - 1].rest;

		link_pop(w);
		if (*rest)
			w->pending--;
		w->rest = rest;
	}
	return *w->rest != 0;
}

int walk_to_parent(struct walk *w)
{
	for (;;) {
		const char *s = w->rest;

		while (*s == '/')
			s++;
		if (!*s) {
			w->rest = s;
			if (!w->pending) {
				w->type = LAST_ROOT;
				w->last = s;
				w->last_len = 0;
				return 0;
			}
			next_string(w);
			continue;
		}
		int err = may_search(w);

		if (err)
			return err;
		u32 hash, len = name_scan(s, &hash);

		if (unlikely(len > NAME_LEN_MAX))
			return -ENAMETOOLONG;
		u8 type = component_type(s, len);
		const char *rest = s + len;

		while (*rest == '/')
			rest++;
		if (!*rest && !w->pending) {
			w->type = type;
			w->last = s;
			w->last_len = len;
			w->last_hash = hash;
			w->trailing_slash |= s[len] == '/';
			return 0;
		}
		w->rest = rest;
		if (likely(type == LAST_NORMAL))
			err = step(w, s, len, hash, rest, true, false);
		else
			err = type == LAST_DOTDOT ? dotdot(w) : 0;
		if (unlikely(err < 0))
			return err;
	}
}

int walk_last(struct walk *w, bool follow)
{
	int err = 0;

	w->rest = "";
	if (w->type == LAST_NORMAL)
		err = step(w, w->last, w->last_len, w->last_hash, "", follow || w->trailing_slash, true);
	else if (w->type == LAST_DOTDOT)
		err = dotdot(w);
	if (err)
		return err;
	if (unlikely((w->trailing_slash || w->flags & WALK_DIRECTORY) && !(w->inode && w->inode->ops->lookup)))
		return -ENOTDIR;
	return 0;
}

int walk_finish(struct walk *w, struct path *out)
{
	if (w->rcu) {
		if (unlikely(!mount_get_live(w->path.mount)))
			return -ECHILD;
		if (unlikely(!dentry_pin(w->path.dentry, w->seq))) {
			mount_put(w->path.mount);
			return -ECHILD;
		}
		*out = w->path;
		return 0;
	}
	*out = w->path;
	w->path.dentry = NULL;
	w->path.mount = NULL;
	walk_abort(w);
	return 0;
}

/* ---- the interface ---- */

static int walk_all(struct walk *w, int dirfd, const struct path *base, const char *name, u32 flags, bool rcu)
{
	int err = walk_start(w, dirfd, base, name, flags, rcu);

	while (!err) {
		err = walk_to_parent(w);
		if (err)
			break;
		err = walk_last(w, flags & WALK_FOLLOW);
		if (err <= 0)
			break;
		err = 0;
	}
	return err;
}

static int lookup(int dirfd, const struct path *base, const char *name, u32 flags, struct path *out)
{
	struct walk w;
	int err = walk_all(&w, dirfd, base, name, flags, true);

	if (likely(!err))
		err = walk_finish(&w, out);
	if (likely(!err))
		return 0;
	walk_abort(&w);
	if (err != -ECHILD)
		return err;
	if (flags & WALK_CACHED)
		return -EAGAIN;
	err = walk_all(&w, dirfd, base, name, flags, false);
	if (!err)
		return walk_finish(&w, out);
	walk_abort(&w);
	return err;
}

int path_lookup(int dirfd, const char *name, u32 flags, struct path *out)
{
	return lookup(dirfd, NULL, name, flags, out);
}

int path_lookup_at(const struct path *base, const char *name, u32 flags, struct path *out)
{
	return lookup(AT_FDCWD, base, name, flags, out);
}

static int parent_once(struct walk *w, int dirfd, const char *name, u32 flags, struct walk_parent *out, bool rcu)
{
	int err = walk_start(w, dirfd, NULL, name, flags, rcu);

	if (!err)
		err = walk_to_parent(w);
	if (!err)
		err = walk_pin(w);
	if (err) {
		walk_abort(w);
		return err;
	}
	out->last = w->last;
	out->len = w->last_len;
	out->type = w->type;
	out->trailing_slash = w->trailing_slash;
	return walk_finish(w, &out->parent);
}

int path_lookup_parent(int dirfd, const char *name, u32 flags, struct walk_parent *out)
{
	struct walk w;
	int err = parent_once(&w, dirfd, name, flags, out, true);

	return err == -ECHILD ? parent_once(&w, dirfd, name, flags, out, false) : err;
}

int vfs_statat(int dirfd, const char *name, u32 flags, struct attrs *out)
{
	struct walk w;
	int err = walk_all(&w, dirfd, NULL, name, flags, true);

	if (likely(!err && w.rcu && w.inode && !w.inode->ops->getattr)) {
		inode_fill_attrs(w.inode, out);
		attrs_note_mount(&w.path, out);
		if (likely(d_seq_unchanged(w.path.dentry, w.seq)))
			return 0;
	}
	walk_abort(&w);
	if (err && err != -ECHILD)
		return err;
	struct path p;

	err = lookup(dirfd, NULL, name, flags, &p);
	if (err)
		return err;
	err = vfs_getattr(&p, out);
	path_put(&p);
	return err;
}
