/*
 * Device numbers: who opens a character or block special file, and how devtmpfs and sysfs hear of devices.
 */
#ifndef VFS_DEVICE_H
#define VFS_DEVICE_H

#include "base/list.h"
#include "base/types.h"

struct file_ops;

/* A range of character device numbers. */
struct chrdev {
	u32 major, minor_first, minor_count;
	const struct file_ops *ops;	/* ops->open gets the inode: i->rdev says which minor */
	const char *name;		/* as in /proc/devices */
	struct list_head node;
};
void chrdev_register(struct chrdev *c);
void chrdev_unregister(struct chrdev *c);
const struct file_ops *chrdev_find(u32 major, u32 minor);
/** blkdev_register_open - block/ provides the ops of block special files. */
void blkdev_register_open(const struct file_ops *(*find)(u64 rdev));
size_t chrdev_list(char *buf, size_t size);	/* the character part of /proc/devices */

/*
 * A device node: appears in devtmpfs (name may have slashes: "input/event0") and as /sys/class/CLASS/NAME or
 * /sys/devices/…; consumers registered by devnode_register_listener hear of it, also of those added before.
 */
struct devnode {
	const char *name;		/* node name below /dev; kept by the caller */
	const char *class;		/* "tty", "mem", "block", "virtio-ports", "misc"… or NULL: no sysfs entry */
	u32 mode;			/* S_IFCHR | 0600… */
	u64 rdev;			/* 0: shown in sysfs only */
	u32 uid, gid;
	/* attrs: extra sysfs attribute files; may be NULL: ends at name NULL */
	const struct devattr {
		const char *name;
		size_t (*show)(struct devnode *n, char *buf, size_t size);	/* text with newline. Return: length */
		int (*store)(struct devnode *n, const char *buf, size_t len);	/* NULL: read-only */
		const char *link;	/* instead of both: a symbolic link to this */
	} *attrs, *more_attrs;		/* a name that ends in a slash is an empty directory; "queue/x" makes one */
	struct devnode *parent;		/* its directory lies in that one's; added before and removed after; NULL: virtual/CLASS */
	size_t (*uevent)(struct devnode *n, char *buf, size_t size);	/* more lines of the uevent file; may be NULL */
	void *private;
	struct list_head node;
};
void devnode_add(struct devnode *n);
/** devnode_remove - returns when no show or store of its files runs any more: nothing may be held that one of them waits for. */
void devnode_remove(struct devnode *n);
/** devnode_attrs_add - attributes that a device has for a time ("loop/offset"); devnode_attrs_remove - the directory or file @name of them. */
void devnode_attrs_add(struct devnode *n, const struct devattr *attrs);
void devnode_attrs_remove(struct devnode *n, const char *name);
/** devnode_path - of its directory, relative to /sys. */
void devnode_path(const struct devnode *n, char *buf, size_t size);
/** devnode_uevent_text - what its file "uevent" says: lines KEY=VALUE. Return: length */
size_t devnode_uevent_text(struct devnode *n, char *buf, size_t size);
/** devnode_uevent - tell the listeners that something happened to it: "change"… ("add" and "remove" come by themselves). @extra: more lines, or NULL */
void devnode_uevent(struct devnode *n, const char *action, const char *extra);
u64 devnode_uevent_seqnum(void);	/* of the last event */
struct devnode_listener {
	void (*added)(struct devnode *n);
	void (*removed)(struct devnode *n);
	void (*attrs_added)(struct devnode *n, const struct devattr *attrs);	/* optional, as the next */
	void (*attrs_removed)(struct devnode *n, const char *name);
	void (*uevent)(struct devnode *n, const char *action, const char *extra, u64 seqnum);	/* optional */
	struct list_head node;
};
void devnode_listen(struct devnode_listener *l);

#endif
