/*
 * Which mounts tell each other of mounts and umounts, and the telling.
 *
 *	A -- B -- C		a peer group: a ring through mount->peers, one group_id; what is mounted on one is mounted on all
 *	     |
 *	     D -- E		slaves of B's group: hear from it and tell it nothing; D and E are peers of each other
 *
 * A mount is private (no group, no master), shared, a slave, or both; unbindable is private, and not copied by binds.
 *
 * Invariants
 *  1. group_id != 0 exactly when the mount is shared; peers have the same group_id and masters of one group.
 *  2. Only a shared mount has slaves; which of its group holds a slave on its list says nothing.
 *  3. A mount that is being taken apart is private.
 *  4. Below a shared mount, what is attached is shared.
 *
 * Departure: a tree whose attaching fails for want of memory stays shared; it was made so before the copies.
 *
 * Contexts: mounts_lock held, all of it.
 * Source: mount_namespaces(7), Documentation/filesystems/sharedsubtree.rst.
 */
#ifndef VFS_MOUNT_PEERS_H
#define VFS_MOUNT_PEERS_H

#include "vfs/path.h"

/* What a copy of a mount is to the original. */
enum mount_kin {
	KIN_SAME,		/* its peer if it is shared, a slave of the same master if it is one */
	KIN_SLAVE,		/* its slave; the original is shared */
	KIN_SLAVE_SHARED,	/* its slave with a group of its own */
};

void mount_peers_init(struct mount *m);
void mount_peers_start(void);

static inline bool mount_is_shared(const struct mount *m) { return m->group_id; }

/** mount_relate - @copy, which has just been made, becomes @kin of @m. Return: 0, -ENOSPC (no group number is left) */
MUST_CHECK int mount_relate(struct mount *copy, struct mount *m, enum mount_kin kin);
/** mount_make_shared - Return: 0, -ENOSPC */
MUST_CHECK int mount_make_shared(struct mount *m);
void mount_make_slave(struct mount *m);
void mount_make_private(struct mount *m);

/** mount_hears_from - the group that m hears from as @root's name space sees it: the first master with a member there, or 0 */
u32 mount_hears_from(struct mount *m, const struct path *root);

/**
 * mount_receivers - the mounts that hear of a change on @to, @to itself first, chained through next_receiver
 * Masters come before their slaves.  mount_receivers_end gives the marks back.
 */
struct mount *mount_receivers(struct mount *to);
void mount_receivers_end(struct mount *to);

/**
 * mount_propagate_prepare - copies of the tree @top for all who hear of a mount on @at, each on the list @copies by its ns_node
 * The copies are attached nowhere; mount_propagate_commit attaches them, once @top hangs on @at.  @top's mounts become shared if
 * at->mount is.
 * Return: 0, or -ENOMEM, -ENOSPC with nothing on @copies
 */
MUST_CHECK int mount_propagate_prepare(struct mount *top, const struct path *at, struct list_head *copies);
void mount_propagate_commit(struct list_head *copies);

/** mount_propagate_busy - does a mount that would go with @m, which has no children, still have users? */
bool mount_propagate_busy(const struct mount *m);
/** mount_propagate_umount - what goes with the tree @top, which still hangs, is taken off and put on @dead (mount_collect). */
void mount_propagate_umount(struct mount *top, struct list_head *dead);

#endif
