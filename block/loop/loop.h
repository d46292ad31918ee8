/*
 * Loop devices: a file as a disk.
 *
 *	control.c   /dev/loop-control, which devices there are
 *	config.c    a device's states and the ioctls that change them
 *	io.c        its thread: bios become reads and writes of the file
 *	attrs.c     /sys/block/loop0/loop
 *
 * With direct I/O requests go to the file's own `start` (vfs/file.h), several under way, without a second copy in a page
 * cache.  Without, the device's thread reads and writes through the file's cache.  What `start` refuses (an unaligned range)
 * goes through the cache too.
 *
 * States: unbound -> bound -> unbound; gone.  Who changes a device has loop->busy, a lock that sleeps and has no rank, since
 * a change opens files and makes disks' nodes.
 *
 * Departure from Linux: eight devices are made when /dev/loop-control is opened first, as loading Linux's module by that node does.
 *
 * Source: <linux/loop.h>, loop(4); the order of checks: tests/abi/loop.c.
 */
#ifndef BLOCK_LOOP_LOOP_H
#define BLOCK_LOOP_LOOP_H

#include <linux/loop.h>
#include "block/block.h"
#include "kern/wait.h"
#include "vfs/file.h"

enum { LOOP_DISK_MAJOR = 7, LOOP_DEVICES_MAX = 256, LOOP_DEVICES_FIRST = 8 };
enum loop_state { LOOP_UNBOUND, LOOP_BOUND, LOOP_GONE };

/* Locks: b busy · q lock · a atomic · I immutable */
struct loop {
	struct disk disk;
	u32 number;			/* [I] */
	u32 busy;			/* [a] somebody changes it */
	struct waitq busy_waitq;
	enum loop_state state;		/* [b], read without */
	struct file *file;		/* [b] as the program gave it */
	struct file *cached, *direct;	/* [b] the same file without and with O_DIRECT; direct NULL: not in use */
	u64 offset, size_limit;		/* [b] bytes */
	u32 flags;			/* [b] LO_FLAGS_* */
	char name[LO_NAME_SIZE];	/* [b] lo_file_name */
	bool attrs_shown;		/* [b] */

	struct spinlock lock;
	struct list_head waiting;	/* [q] bios */
	bool quiet, handling;		/* [q] nothing new is begun; a bio is with the thread */
	bool stop;			/* [q] the thread ends when nothing waits */
	struct waitq work_waitq;
	u32 under_way;			/* [a] direct transfers */
	struct completion stopped;
};

extern const struct disk_ops loop_disk_ops;

void loop_init(void);

/* control.c: with a reference to nothing: devices are few, and go only while unbound and unopened */
struct loop *loop_find(u32 number);
/** loop_of_file - the loop device that @f is open on, or NULL. */
struct loop *loop_of_file(struct file *f);

/* config.c */
MUST_CHECK int loop_begin(struct loop *l);	/* take busy: 0, -EINTR */
void loop_end(struct loop *l);
s64 loop_ioctl(struct block_device *b, u32 mode, u32 cmd, u64 arg);
void loop_released(struct disk *d);

/* io.c */
MUST_CHECK int loop_thread_start(struct loop *l);
void loop_thread_stop(struct loop *l);
void loop_submit(struct disk *d, struct bio *b);
/** loop_quiet - wait until nothing is under way; new bios wait. loop_loud ends that. */
void loop_quiet(struct loop *l);
void loop_loud(struct loop *l);

extern const struct devattr loop_attrs[];

#endif
