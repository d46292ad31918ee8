/*
 * /dev/loop-control, and which loop devices there are.
 *
 * Locks: making and removing is done by who has `changing`, a lock that sleeps and has no rank.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/printf.h"
#include "block/loop/loop.h"
#include "kern/printk.h"
#include "kern/rcu.h"
#include "kern/slab.h"
#include "vfs/inode.h"

enum { CONTROL_MAJOR = 10, CONTROL_MINOR = 237 };

static struct loop *loops[LOOP_DEVICES_MAX];	/* [changing]; [a] */
static u32 changing;
static struct waitq changing_waitq = WAITQ_INIT(changing_waitq);
static bool first_made;				/* [changing] */

static int change_begin(void)
{
	return wait_event_killable(&changing_waitq, !xchg(&changing, 1u)) ? -EINTR : 0;
}

static void change_end(void)
{
	atomic_store_release(&changing, 0u);
	wake_up_all(&changing_waitq);
}

struct loop *loop_find(u32 number)
{
	return number < LOOP_DEVICES_MAX ? atomic_load_acquire(&loops[number]) : NULL;
}

struct loop *loop_of_file(struct file *f)
{
	struct block_device *b = f->ops == &block_file_ops ? f->private : NULL;

	return b && b->disk->ops == &loop_disk_ops ? b->disk->private : NULL;
}

const struct disk_ops loop_disk_ops = { .submit = loop_submit, .ioctl = loop_ioctl, .release = loop_released };

static int loop_make(u32 number)
{
	struct loop *l = kzalloc(sizeof(*l), ALLOC_KERNEL);

	if (!l)
		return -ENOMEM;
	l->number = number;
	waitq_init(&l->busy_waitq);
	waitq_init(&l->work_waitq);
	spin_init(&l->lock, RANK_BLOCK_QUEUE);
	list_init(&l->waiting);
	scnprintf(l->disk.name, sizeof(l->disk.name), "loop%u", number);
	l->disk.driver_name = "loop";
	l->disk.major = LOOP_DISK_MAJOR;
	l->disk.minor_first = number;
	l->disk.minors = 1;
	l->disk.ops = &loop_disk_ops;
	l->disk.private = l;
	l->disk.no_partitions = true;
	l->disk.limits = (struct disk_limits){ .segs_max = 128, .seg_bytes_max = 65536, .sectors_max = 2560 };
	disk_add(&l->disk, 0);
	atomic_store_release(&loops[number], l);
	return 0;
}

/* ---- the calls; changing is held ---- */

static s64 add(s64 number)
{
	int err;

	if (number >= LOOP_DEVICES_MAX)
		return -ENOSPC;
	if (number < 0)
		for (number = 0; number < LOOP_DEVICES_MAX && loops[number]; number++)
			;
	if (number == LOOP_DEVICES_MAX)
		return -ENOSPC;
	if (loops[number])
		return -EEXIST;
	err = loop_make((u32)number);
	return err ? err : number;
}

static s64 remove(s64 number)
{
	struct loop *l = number >= 0 ? loop_find((u32)MIN(number, (s64)LOOP_DEVICES_MAX)) : NULL;
	int err;

	if (number < 0)
		return -EINVAL;
	if (!l)
		return -ENODEV;
	err = loop_begin(l);
	if (err)
		return err;
	err = l->state == LOOP_UNBOUND ? disk_remove(&l->disk) : -EBUSY;
	if (!err)
		atomic_store(&loops[number], NULL);
	loop_end(l);
	if (!err) {
		synchronize_rcu();	/* who ended its last transfer may not have woken its waiters yet; file_check() */
		kfree(l);
	}
	return err;
}

static s64 get_free(void)
{
	for (s64 i = 0; i < LOOP_DEVICES_MAX; i++)
		if (loops[i] && READ_ONCE(loops[i]->state) == LOOP_UNBOUND)
			return i;
	return add(-1);
}

static s64 control_ioctl(struct file *f, u32 cmd, u64 arg)
{
	s64 ret;
	int err;

	if (cmd != LOOP_CTL_ADD && cmd != LOOP_CTL_REMOVE && cmd != LOOP_CTL_GET_FREE)
		return -ENOSYS;
	err = change_begin();
	if (err)
		return err;
	if (cmd == LOOP_CTL_ADD)
		ret = add((s32)arg);
	else
		ret = cmd == LOOP_CTL_REMOVE ? remove((s32)arg) : get_free();
	change_end();
	return ret;
}

static int control_open(struct inode *i, struct file *f)
{
	int err = change_begin();

	if (err)
		return err;
	for (u32 n = 0; n < LOOP_DEVICES_FIRST && !first_made && !err; n++)
		err = loops[n] ? 0 : loop_make(n);
	first_made = true;
	change_end();
	return 0;
}

static const struct file_ops control_ops = { .open = control_open, .ioctl = control_ioctl };
static struct chrdev control_dev = {
	.major = CONTROL_MAJOR, .minor_first = CONTROL_MINOR, .minor_count = 1, .ops = &control_ops, .name = "misc",
};
static struct devnode control_node = { .name = "loop-control", .class = "misc", .mode = S_IFCHR | 0660, .gid = 6 };

void loop_init(void)
{
	control_node.rdev = dev_make(CONTROL_MAJOR, CONTROL_MINOR);
	chrdev_register(&control_dev);
	devnode_add(&control_node);
}
