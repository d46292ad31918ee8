/*
 * The mount tree's operations, between mount.c (the tree), mount_ns.c (name spaces), mount_call.c (system calls) and
 * mount_show.c (/proc).
 */
#ifndef VFS_MOUNT_H
#define VFS_MOUNT_H

#include "kern/mutex.h"
#include "vfs/mount_peers.h"

enum { MOUNTS_MAX = 100000 };	/* of a name space: fs.mount-max */
enum { MNT_FORCE_FLAG = 1, MNT_DETACH_FLAG = 2, MNT_EXPIRE_FLAG = 4, UMOUNT_NOFOLLOW_FLAG = 8 };

extern struct mutex mounts_lock;

struct mount *mount_new(struct super *s, struct dentry *root, const char *source, u32 flags);
struct mount *mount_next(struct mount *m, struct mount *top);
void mount_discard(struct mount *top);
/* mount_attach_tree - hang a tree on @at (which moves to what is mounted there now); consumes @top's reference on success. */
MUST_CHECK int mount_attach_tree(struct mount *top, struct path *at);
/* mount_copy_bindable - a copy of what is seen at @from, attached nowhere. ERR_PTR(-EINVAL, -ENOMEM) */
struct mount *mount_copy_bindable(const struct path *from, bool deep);
MUST_CHECK int mount_bind(const struct path *from, struct path *at, bool deep);
MUST_CHECK int mount_move(const struct path *from, struct path *at);
MUST_CHECK int mount_unmount(struct mount *m, int flags);
MUST_CHECK int mount_pivot(const struct path *root, const struct path *new, const struct path *old);
/* mount_set_propagation - Return: 0, -ENOSPC (no group number is left; what was done stays) */
MUST_CHECK int mount_set_propagation(struct mount *top, u64 type, bool deep);
/* mount_set_flags, mount_super_set_flags - read-only only with no file open for writing. Return: 0, -EBUSY (nothing changed) */
MUST_CHECK int mount_set_flags(struct mount *m, u32 flags);
MUST_CHECK int mount_super_set_flags(struct mount *m, u32 flags);
/* mount_copy_tree - mounts_lock held; the copies' copied_from say what they are copies of. */
struct mount *mount_copy_tree(struct mount *m, struct dentry *root, bool deep, bool keep_unbindable, enum mount_kin kin);
bool mount_is_below(const struct mount *m, const struct mount *top);	/* or equal */
/* mount_ns_has_room - for the tree @top too. */
bool mount_ns_has_room(const struct mount_ns *ns, struct mount *top);

/* Taking apart, mounts_lock held: the mounts of a detached tree collect on @dead, to be freed when the lock has been dropped. */
void mount_collect(struct mount *top, struct list_head *dead);
void mount_free_collected(struct list_head *dead);
/* mount_slip_in - attach @c on @at, beneath what hangs there already; consumes @c's reference. */
void mount_slip_in(struct mount *c, const struct path *at);
/* mount_slip_out - the reverse: @c goes to @dead, @upper (the child that hides it, or NULL) takes its place. */
void mount_slip_out(struct mount *c, struct mount *upper, struct list_head *dead);

void mount_ns_init(void);
void mount_ns_changed(struct mount_ns *ns);	/* mounts_lock held */
void mount_ns_adopt(struct mount_ns *ns, struct mount *root);
void mount_ns_dissolve(struct mount_ns *ns);

#endif
