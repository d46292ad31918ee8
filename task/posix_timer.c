/*
 * See posix_timer.h.
 *
 * A timer owns its queue entry, so that posting never fails; while the entry is still queued further expirations count as
 * overruns.  An interval timer is armed again when its signal is taken, not before: a burst costs one signal.
 *
 * Locks: everything under the siglock of the owner.
 */
#include <linux/errno.h>
#include <linux/signal.h>
#include <linux/time.h>
#include "base/string.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "task/clock.h"
#include "task/internal.h"
#include "task/posix_timer.h"
#include "task/rusage.h"
#include "task/signal.h"

struct posix_timer {
	struct list_head node;		/* process->posix_timers */
	struct process *process;
	struct task *target;		/* SIGEV_THREAD_ID, with a reference; NULL: the process */
	u32 id;
	s32 clock;
	int notify;
	struct timer timer;
	u64 expires_ns, interval_ns;	/* of the clock as a deadline (monotonic), or CPU time; 0: disarmed */
	u32 overrun, overrun_last;
	bool waits;			/* an interval timer whose signal has not been taken */
	struct sigqueue *entry;
};

static bool is_cpu(const struct posix_timer *t)
{
	return clock_is_cpu(t->clock);
}

static u64 now_of(const struct posix_timer *t)
{
	if (!is_cpu(t))
		return plat_mono_ns();
	if (t->clock == CLOCK_THREAD_CPUTIME_ID && t->target)
		return thread_runtime_ns(&t->target->thread);
	return process_cpu_ns_locked(t->process, false);
}

static void arm(struct posix_timer *t)
{
	if (is_cpu(t))
		return;
	if (t->expires_ns)
		timer_arm(&t->timer, t->expires_ns);
	else
		timer_cancel(&t->timer);
}

/* Move expires past @now; count what was missed. */
static void forward(struct posix_timer *t, u64 now)
{
	if (t->expires_ns > now)
		return;
	u64 missed = (now - t->expires_ns) / t->interval_ns;

	t->overrun += (u32)missed;
	t->expires_ns += (missed + 1) * t->interval_ns;
}

/* It is due. siglock held. */
static void expire(struct posix_timer *t)
{
	struct process *p = t->process;

	if (t->notify == SIGEV_NONE) {
		if (t->interval_ns)
			forward(t, now_of(t));
		else
			t->expires_ns = 0;
		return;
	}
	t->entry->info.si_overrun = 0;
	bool sent = signal_timer_locked(p, t->target, t->entry);
	if (!t->interval_ns) {
		t->expires_ns = 0;
	} else if (sent) {
		t->waits = true;	/* posix_timer_taken() goes on */
	} else {			/* ignored: keep the rhythm without signals */
		forward(t, now_of(t));
		arm(t);
	}
}

static void fire(struct timer *timer)
{
	struct posix_timer *t = container_of(timer, struct posix_timer, timer);
	u64 irq = process_siglock(t->process);

	if (t->expires_ns && !t->waits) {
		if (t->expires_ns <= plat_mono_ns())
			expire(t);
		else
			arm(t);
	}
	if (t->notify == SIGEV_NONE && t->expires_ns)
		arm(t);
	process_sigunlock(t->process, irq);
}

void posix_timer_taken(struct posix_timer *t, siginfo_t *info)
{
	t->overrun = 0;
	if (t->waits) {
		t->waits = false;
		t->expires_ns += t->interval_ns;
		forward(t, now_of(t));
		arm(t);
		if (is_cpu(t))
			cpu_timer_rearm_locked(t->process);
	}
	t->overrun_last = t->overrun;
	t->overrun = 0;
	info->si_overrun = (int)t->overrun_last;
}

u64 posix_timers_cpu_check(struct process *p)
{
	struct posix_timer *t;
	u64 left = ~0ull;

	list_for_each_entry(t, &p->posix_timers, node) {
		if (!is_cpu(t) || !t->expires_ns || t->waits)
			continue;
		u64 now = now_of(t);
		if (now >= t->expires_ns)
			expire(t);
		if (t->expires_ns && !t->waits)
			left = MIN(left, t->expires_ns > now ? t->expires_ns - now : 0);
	}
	return left;
}

static struct posix_timer *find(struct process *p, u32 id)
{
	struct posix_timer *t;

	list_for_each_entry(t, &p->posix_timers, node)
		if (t->id == id)
			return t;
	return NULL;
}

static int check_event(const struct posix_timer_request *r)
{
	switch (r->notify) {
	case SIGEV_NONE:
		return 0;
	case SIGEV_THREAD:	/* the kernel sends a signal: the thread is the C library's affair, timer_create(2) */
	case SIGEV_SIGNAL:
	case SIGEV_SIGNAL | SIGEV_THREAD_ID:
		return sig_valid(r->sig) ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static int find_target(struct posix_timer *t, const struct posix_timer_request *r)
{
	if (r && r->notify & SIGEV_THREAD_ID) {
		t->target = task_find_get((u32)r->tid);
		if (!t->target)
			return -EINVAL;
		return t->target->process == current_process() ? 0 : -EINVAL;
	}
	return 0;
}

static void release(struct posix_timer *t)
{
	if (t->target)
		task_put(t->target);
	if (t->entry)
		sigqueue_free(t->entry);
	kfree(t);
}

s64 posix_timer_create(s32 clock, const struct posix_timer_request *r)
{
	struct process *p = current_process();
	u64 now, dummy;
	int err = r ? check_event(r) : 0;

	if (!err)
		err = clock_read(clock, &now);
	if (!err && !clock_is_cpu(clock) && clock_deadline(clock, 0, false, &dummy))
		err = -EOPNOTSUPP;
	if (err)
		return err;
	struct posix_timer *t = kzalloc(sizeof(*t), ALLOC_KERNEL);
	if (!t)
		return -EAGAIN;
	t->process = p;
	t->clock = clock;
	t->notify = r ? r->notify : SIGEV_SIGNAL;
	timer_init(&t->timer, fire);
	t->entry = sigqueue_alloc(p, false);
	err = t->entry ? find_target(t, r) : -EAGAIN;
	if (err) {
		release(t);
		return err;
	}
	siginfo_init(&t->entry->info, r ? r->sig : SIGALRM, SI_TIMER);
	t->entry->timer = t;
	u64 irq = process_siglock(p);
	t->id = p->next_timer_id++;
	t->entry->info.si_tid = (int)t->id;
	t->entry->info.si_ptr = r ? (void *)r->value : NULL;
	if (!r)
		t->entry->info.si_int = (int)t->id;
	list_add_tail(&t->node, &p->posix_timers);
	process_sigunlock(p, irq);
	return t->id;
}

static void get_locked(const struct posix_timer *t, struct itimer_value *out)
{
	u64 now = now_of(t), at = t->expires_ns;

	out->interval_ns = t->interval_ns;
	if (at && at <= now && t->interval_ns)
		at += ((now - at) / t->interval_ns + 1) * t->interval_ns;
	out->value_ns = !at ? 0 : at > now ? at - now : t->notify == SIGEV_NONE ? 0 : 1;
}

/* The value asked for as expires_ns. */
static u64 target_time(const struct posix_timer *t, u64 value, bool absolute)
{
	u64 at;

	if (is_cpu(t))
		return absolute ? value : now_of(t) + value;
	return clock_deadline(t->clock, value, absolute, &at) ? 0 : MAX(at, 1);
}

int posix_timer_set(u32 id, bool absolute, const struct itimer_value *set, struct itimer_value *old)
{
	struct process *p = current_process();
	u64 irq = process_siglock(p);
	struct posix_timer *t = find(p, id);

	if (t) {
		if (old)
			get_locked(t, old);
		t->waits = false;
		t->overrun = t->overrun_last = 0;
		t->interval_ns = set->interval_ns;
		t->expires_ns = set->value_ns ? target_time(t, set->value_ns, absolute) : 0;
		arm(t);
		if (is_cpu(t) && t->expires_ns)
			cpu_timer_rearm_locked(p);
	}
	process_sigunlock(p, irq);
	return t ? 0 : -EINVAL;
}

int posix_timer_get(u32 id, struct itimer_value *out)
{
	struct process *p = current_process();
	u64 irq = process_siglock(p);
	struct posix_timer *t = find(p, id);

	if (t)
		get_locked(t, out);
	process_sigunlock(p, irq);
	return t ? 0 : -EINVAL;
}

s64 posix_timer_overrun(u32 id)
{
	struct process *p = current_process();
	u64 irq = process_siglock(p);
	struct posix_timer *t = find(p, id);
	s64 n = t ? (s64)t->overrun_last : -EINVAL;

	process_sigunlock(p, irq);
	return n;
}

/* Off every list; the signal it may have queued goes too. siglock held. */
static void unlink(struct posix_timer *t)
{
	list_del_init(&t->node);
	t->expires_ns = 0;
	if (!list_empty(&t->entry->node)) {
		struct sigpending *q = t->target ? &t->target->pending : &t->process->shared;
		struct sigqueue *e;
		bool more = false;

		list_del_init(&t->entry->node);
		list_for_each_entry(e, &q->list, node)
			more |= e->info.si_signo == t->entry->info.si_signo;
		if (!more)
			q->set &= ~sigbit(t->entry->info.si_signo);
	}
}

int posix_timer_delete(u32 id)
{
	struct process *p = current_process();
	u64 irq = process_siglock(p);
	struct posix_timer *t = find(p, id);

	if (t)
		unlink(t);
	process_sigunlock(p, irq);
	if (!t)
		return -EINVAL;
	timer_cancel_sync(&t->timer);
	release(t);
	return 0;
}

void posix_timers_exit(struct process *p)
{
	for (;;) {
		u64 irq = process_siglock(p);
		struct posix_timer *t = list_first_entry_or_null(&p->posix_timers, struct posix_timer, node);

		if (t)
			unlink(t);
		process_sigunlock(p, irq);
		if (!t)
			return;
		timer_cancel_sync(&t->timer);
		release(t);
	}
}
