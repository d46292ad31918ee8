/*
 * The mount tree's operations, between mount.c (the tree), mount_ns.c (name spaces), mount_call.c (system calls) and
 * mount_show.c (/proc).
 */
#ifndef VFS_MOUNT_H
#define VFS_MOUNT_H

#include "kern/mutex.h"
#include "vfs/path.h"

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
void mount_set_propagation(struct mount *top, u64 type, bool deep);
/* mount_set_flags, mount_super_set_flags - read-only only with no file open for writing. Return: 0, -EBUSY (nothing changed) */
MUST_CHECK int mount_set_flags(struct mount *m, u32 flags);
MUST_CHECK int mount_super_set_flags(struct mount *m, u32 flags);
/* mount_copy_tree - mounts_lock held; the copies' copied_from say what they are copies of. */
struct mount *mount_copy_tree(struct mount *m, struct dentry *root, bool deep, bool keep_unbindable);

void mount_ns_init(void);
void mount_ns_changed(struct mount_ns *ns);	/* mounts_lock held */
void mount_ns_adopt(struct mount_ns *ns, struct mount *root);
void mount_ns_dissolve(struct mount_ns *ns);

#endif
