/*
 * The walk from a name to a path: its state, shared by walk.c (the steps) and open.c (which goes on from the last component).
 */
#ifndef VFS_WALK_H
#define VFS_WALK_H

#include "vfs/path.h"

enum { WALK_LINKS_MAX = 40, NAME_LEN_MAX = 255 };

/* A symlink being followed. */
struct walk_link {
	const char *rest;		/* what follows the link in the string that held it */
	struct inode *held;		/* its inode, referenced once the walk is pinned; NULL: see done */
	void (*done)(void *arg);
	void *done_arg;
};

/*
 * Two modes.  "rcu": path, root and links hold no references, nothing may sleep; every dentry stood on is
 * remembered with its seq.  Pinned: references are held.  walk_pin() goes from the first to the second; when that fails
 * (something changed) the whole walk starts again, pinned from the beginning: -ECHILD, which never leaves walk.c and open.c.
 */
struct walk {
	struct path path;
	struct inode *inode;		/* of path.dentry */
	u32 seq;			/* [rcu] of path.dentry */
	u32 flags;			/* WALK_* */
	bool rcu;
	bool root_set;
	bool trailing_slash;
	u8 type;			/* LAST_* */
	struct path root;
	const char *last;		/* the last component, not yet walked */
	u32 last_len, last_hash;
	const char *rest;
	unsigned links;			/* followed so far */
	unsigned depth, pending;	/* on the stack; of these, with a rest that is not empty */
	struct walk_link stack[WALK_LINKS_MAX];
};

/** walk_start - stand on the first directory. @base: NULL, or where to start instead of @dirfd. */
MUST_CHECK int walk_start(struct walk *w, int dirfd, const struct path *base, const char *name, u32 flags, bool rcu);
/** walk_to_parent - until only the last component is left: w->last, w->type. */
MUST_CHECK int walk_to_parent(struct walk *w);
/** walk_last - step onto the last component. Return: 0: there; 1: it was a symlink that is to be followed: walk_to_parent again */
MUST_CHECK int walk_last(struct walk *w, bool follow);
MUST_CHECK int walk_pin(struct walk *w);
/** walk_finish - references for w->path; it is moved to @out. On failure, or without @out, walk_abort(). */
MUST_CHECK int walk_finish(struct walk *w, struct path *out);
void walk_abort(struct walk *w);
/** walk_follow - pinned: @d is a symlink found as the last component in w->path: follow it. Consumes @d. */
MUST_CHECK int walk_follow_pinned(struct walk *w, struct dentry *d);

#endif
