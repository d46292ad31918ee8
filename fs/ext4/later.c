/*
 * What the ends of transfers leave to a thread: entering blocks takes a handle, ending a page's write-back a spin lock of threads.
 *
 * Each file system that can be written to has a thread of its own: the device below may be a file of another one, whose
 * transfers must end for ours to go on.  What runs there waits neither for an inode lock, nor for the gate, nor for a page's
 * write-back: who has those may be waiting for it.
 *
 * Locks: later_lock (interrupts) for the list.
 */
#include "fs/ext4/ext4.h"
#include "kern/sched.h"

void ext4_later(struct ext4 *fs, struct work *w)
{
	u64 irq = spin_lock_irqsave(&fs->later_lock);

	list_add_tail(&w->node, &fs->later_list);
	wake_up_all(&fs->later_waitq);		/* under the lock: once *w is taken, and done, the file system may be gone */
	spin_unlock_irqrestore(&fs->later_lock, irq);
}

static struct work *take(struct ext4 *fs)
{
	u64 irq = spin_lock_irqsave(&fs->later_lock);
	struct work *w = list_first_entry_or_null(&fs->later_list, struct work, node);

	if (w)
		list_del_init(&w->node);
	spin_unlock_irqrestore(&fs->later_lock, irq);
	return w;
}

static bool has_work(struct ext4 *fs)
{
	return !list_empty(&fs->later_list) || READ_ONCE(fs->later_stop);
}

static void thread_main(void *arg)
{
	struct ext4 *fs = arg;
	struct work *w;

	thread_set_flag(current(), TF_MEMALLOC);
	do {
		wait_event(&fs->later_waitq, has_work(fs));
		while ((w = take(fs)) != NULL) {
			w->fn(w);	/* *w may be gone now */
			cond_resched();
		}
	} while (!READ_ONCE(fs->later_stop));
	complete(&fs->later_stopped);
}

void ext4_later_init(struct ext4 *fs)
{
	spin_init(&fs->later_lock, RANK_QUEUE);
	list_init(&fs->later_list);
	waitq_init(&fs->later_waitq);
}

int ext4_later_start(struct ext4 *fs)
{
	struct thread *t;

	fs->later_stop = false;
	completion_init(&fs->later_stopped);
	t = kthread_create(thread_main, fs, "ext4/%s", fs->bdev->name);
	fs->later_runs = !IS_ERR(t);
	return IS_ERR(t) ? (int)PTR_ERR(t) : 0;
}

void ext4_later_stop(struct ext4 *fs)
{
	if (!fs->later_runs)
		return;
	WRITE_ONCE(fs->later_stop, true);
	wake_up_all(&fs->later_waitq);
	wait_for_completion(&fs->later_stopped);
	fs->later_runs = false;
}
