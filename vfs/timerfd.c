/*
 * Timerfd.
 *
 * The kernel's timer fires once; an interval is counted and the timer started again when somebody reads or asks, so an unread
 * timer costs one interrupt.  Timers of the wall clock with an absolute time are armed anew when that clock is set.
 *
 * Locks: list_lock guards the list of all timerfds; lock (interrupts off) one timerfd's state.
 * Source: timerfd_create(2).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/time.h>
#include "base/printf.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "vfs/file.h"
#include "vfs/poll.h"
#include "vfs/timerfd.h"

struct timerfd {
	struct timer timer;
	struct spinlock lock;
	int clock;			/* [I] */
	int flags;			/* [lock] of the last setting */
	u64 expires_ns;			/* [lock] monotonic; 0: disarmed */
	u64 wall_ns;			/* [lock] absolute times of the wall clock: what was asked for */
	u64 interval_ns;		/* [lock] */
	u64 ticks;			/* [lock] expirations not read */
	bool fired;			/* [lock] the timer is not queued, and expirations since then are to be counted */
	bool cancelled;			/* [lock] the wall clock was set */
	struct waitq q;
	struct list_head node;		/* [list_lock] */
};

static const struct file_ops timerfd_ops;
static struct list_head all = LIST_HEAD_INIT(all);
static struct spinlock list_lock = SPINLOCK_INIT(RANK_LEAF_SPIN);

static bool is_wall(int clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_ALARM;
}

static void timerfd_fire(struct timer *timer)
{
	struct timerfd *t = container_of(timer, struct timerfd, timer);
	u64 irq = spin_lock_irqsave(&t->lock);

	t->fired = true;
	t->ticks++;
	spin_unlock_irqrestore(&t->lock, irq);
	wake_up_poll(&t->q, EPOLLIN);
}

/* Count the intervals that have gone by since it fired, and start it again. Lock held. */
static void catch_up(struct timerfd *t, u64 now)
{
	if (!t->fired || !t->interval_ns)
		return;
	u64 passed = now >= t->expires_ns ? (now - t->expires_ns) / t->interval_ns : 0;

	t->ticks += passed;
	t->expires_ns += (passed + 1) * t->interval_ns;
	t->fired = false;
	timer_arm(&t->timer, t->expires_ns);
}

/* Give the expirations not read yet. Return: whether there is something to say: *out, or -ECANCELED in *err */
static bool take(struct timerfd *t, u64 *out, int *err)
{
	u64 irq = spin_lock_irqsave(&t->lock);
	bool some = t->ticks || t->cancelled;

	*err = 0;
	if (t->cancelled) {
		t->cancelled = false;
		*err = -ECANCELED;
	} else if (some) {
		catch_up(t, plat_mono_ns());
		*out = t->ticks;
		t->ticks = 0;
	}
	spin_unlock_irqrestore(&t->lock, irq);
	return some;
}

static s64 timerfd_read(struct file *f, struct iter *to, u64 *pos)
{
	struct timerfd *t = f->private;
	u64 ticks = 0;
	int err;

	if (iter_left(to) < sizeof(ticks))
		return -EINVAL;
	while (!take(t, &ticks, &err)) {
		if (file_nonblocking(f, to))
			return -EAGAIN;
		err = wait_event_interruptible(&t->q, READ_ONCE(t->ticks) || READ_ONCE(t->cancelled));
		if (err)
			return err;
	}
	if (err)
		return err;
	return iter_put(to, &ticks, sizeof(ticks)) == sizeof(ticks) ? (s64)sizeof(ticks) : -EFAULT;
}

static u32 timerfd_poll(struct file *f, struct poll_table *pt)
{
	struct timerfd *t = f->private;

	poll_wait(f, &t->q, pt);
	return READ_ONCE(t->ticks) || READ_ONCE(t->cancelled) ? EPOLLIN : 0;
}

static void timerfd_release(struct file *f)
{
	struct timerfd *t = f->private;

	spin_lock(&list_lock);
	list_del(&t->node);
	spin_unlock(&list_lock);
	timer_cancel_sync(&t->timer);
	kfree(t);
}

static void timerfd_fdinfo(struct file *f, char *buf, size_t size)
{
	struct timerfd *t = f->private;
	struct timerfd_spec s;

	(void)!timerfd_get(f, &s);
	fmt_snprintf(buf, size, "clockid: %d\nticks: %llu\nsettime flags: 0%o\nit_value: (%llu, %llu)\nit_interval: (%llu, %llu)\n",
		     t->clock, t->ticks, (unsigned)t->flags, s.value_ns / NS_PER_SEC, s.value_ns % NS_PER_SEC,
		     s.interval_ns / NS_PER_SEC, s.interval_ns % NS_PER_SEC);
}

static const struct file_ops timerfd_ops = {
	.read = timerfd_read,
	.poll = timerfd_poll,
	.release = timerfd_release,
	.show_fdinfo = timerfd_fdinfo,
	.seek = file_seek_none,
	.flags = FOP_STREAM | FOP_NOWAIT,
};

struct file *timerfd_create_file(int clock, u32 o_flags)
{
	struct timerfd *t;
	struct file *f;

	if (clock != CLOCK_MONOTONIC && clock != CLOCK_REALTIME && clock != CLOCK_BOOTTIME && clock != CLOCK_REALTIME_ALARM &&
	    clock != CLOCK_BOOTTIME_ALARM)
		return ERR_PTR(-EINVAL);
	if ((clock == CLOCK_REALTIME_ALARM || clock == CLOCK_BOOTTIME_ALARM) && !capable(CAP_WAKE_ALARM))
		return ERR_PTR(-EPERM);
	t = kzalloc(sizeof(*t), ALLOC_KERNEL);
	if (!t)
		return ERR_PTR(-ENOMEM);
	t->clock = clock;
	timer_init(&t->timer, timerfd_fire);
	spin_init(&t->lock, RANK_QUEUE);
	waitq_init(&t->q);
	f = file_anon("anon_inode:[timerfd]", &timerfd_ops, t, O_RDWR | (o_flags & O_NONBLOCK));
	if (IS_ERR(f)) {
		kfree(t);
		return f;
	}
	spin_lock(&list_lock);
	list_add(&t->node, &all);
	spin_unlock(&list_lock);
	return f;
}

/* Lock held. What timerfd_gettime says at @now. */
static void remaining(struct timerfd *t, u64 now, struct timerfd_spec *out)
{
	out->interval_ns = t->interval_ns;
	out->value_ns = 0;
	if (t->expires_ns && !t->fired)
		out->value_ns = t->expires_ns > now ? t->expires_ns - now : 1;
}

int timerfd_get(struct file *f, struct timerfd_spec *out)
{
	if (f->ops != &timerfd_ops)
		return -EINVAL;
	struct timerfd *t = f->private;
	u64 irq = spin_lock_irqsave(&t->lock), now = plat_mono_ns();

	catch_up(t, now);
	remaining(t, now, out);
	spin_unlock_irqrestore(&t->lock, irq);
	return 0;
}

/* The monotonic time of a wall-clock time. */
static u64 wall_to_mono(u64 wall)
{
	u64 offset = clock_realtime_ns() - plat_mono_ns();

	return wall > offset ? wall - offset : 1;
}

int timerfd_set(struct file *f, int flags, const struct timerfd_spec *spec, struct timerfd_spec *old)
{
	if (f->ops != &timerfd_ops || flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET))
		return -EINVAL;
	struct timerfd *t = f->private;
	bool wall = is_wall(t->clock) && flags & TFD_TIMER_ABSTIME;

	timer_cancel_sync(&t->timer);
	u64 irq = spin_lock_irqsave(&t->lock), now = plat_mono_ns();

	if (old) {
		bool was_fired = t->fired;

		catch_up(t, now);
		if (was_fired && !t->fired)
			timer_cancel(&t->timer);
		remaining(t, now, old);
	}
	t->flags = flags;
	t->ticks = 0;
	t->fired = false;
	t->cancelled = false;
	t->interval_ns = spec->interval_ns;
	t->wall_ns = wall ? spec->value_ns : 0;
	t->expires_ns = 0;
	if (spec->value_ns) {
		if (wall)
			t->expires_ns = wall_to_mono(spec->value_ns);
		else
			t->expires_ns = flags & TFD_TIMER_ABSTIME ? spec->value_ns : now + MIN(spec->value_ns, ~0ull / 2);
		timer_arm(&t->timer, t->expires_ns);
	}
	spin_unlock_irqrestore(&t->lock, irq);
	return 0;
}

static void clock_set_one(struct timerfd *t)
{
	u64 irq = spin_lock_irqsave(&t->lock);
	bool wake = false;

	if (t->wall_ns && t->flags & TFD_TIMER_CANCEL_ON_SET)
		wake = t->cancelled = true;
	if (t->wall_ns && t->expires_ns && !t->fired && !t->interval_ns) {
		t->expires_ns = wall_to_mono(t->wall_ns);
		timer_arm(&t->timer, t->expires_ns);
	}
	spin_unlock_irqrestore(&t->lock, irq);
	if (wake)
		wake_up_poll(&t->q, EPOLLIN);
}

void timerfd_clock_was_set(void)
{
	struct timerfd *t;

	spin_lock(&list_lock);
	list_for_each_entry(t, &all, node)
		clock_set_one(t);
	spin_unlock(&list_lock);
}
