/* What vfs/ needs of kern/ beyond the machine of tests/unit/mm: one thread, a clock that is set by hand, wake-ups that are real. */
#include "tests/unit/unit.h"

#include "kern/cred.h"
#include "kern/printk.h"
#include "kern/rcu.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "kern/wait.h"
#include "kern/work.h"
#include "tests/unit/vfs/stubs.h"

u64 stub_wall_ns = 1000000000ull * 1700000000;
bool stub_quiet;

void *kmalloc(size_t size, u32 flags)
{
	void *p = kzalloc(size, flags);

	if (p && !(flags & ALLOC_ZERO))
		memset(p, 0xa5, size);
	return p;
}

void *kvmalloc(size_t size, u32 flags) { return kmalloc(size, flags); }
void kvfree(const void *p) { kfree(p); }
void kfree_rcu_at(struct rcu_head *head, void *ptr) { kfree(ptr); }

void *kmemdup(const void *src, size_t n, u32 flags)
{
	void *p = kmalloc(n, flags);

	return p ? memcpy(p, src, n) : NULL;
}

char *kstrdup(const char *s, u32 flags) { return kmemdup(s, strlen(s) + 1, flags); }

void printk(enum log_level level, const char *fmt, ...)
{
	va_list ap;

	if (stub_quiet)
		return;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

/* ---- credentials ---- */

void cred_put(const struct cred *c) { ((struct cred *)c)->refs--; }

const struct cred *cred_override(const struct cred *c)
{
	const struct cred *old = current()->cred;

	current()->cred = c;
	return old;
}

void cred_revert(const struct cred *old) { current()->cred = old; }
bool cred_in_group(const struct cred *c, u32 gid) { return c->fsgid == gid; }

/* ---- waiting: nobody can, but callbacks are called ---- */

void waitq_add(struct waitq *q, struct waiter *w) { list_add_tail(&w->node, &q->waiters); }
void waitq_remove(struct waitq *q, struct waiter *w) { list_del_init(&w->node); }

void waitq_wake(struct waitq *q, u32 exclusive, u32 key)
{
	struct waiter *w, *tmp;

	spin_lock_rank(&q->lock, q->lock.rank);
	list_for_each_entry_safe(w, tmp, &q->waiters, node)
		w->wake(w, key);
	spin_unlock_rank(&q->lock, q->lock.rank);
}

bool thread_wake(struct thread *t, u32 states) { return true; }

static LIST_HEAD(pending);

bool work_queue(struct work *w)
{
	if (w->pending)
		return false;
	w->pending = 1;
	list_add_tail(&w->node, &pending);
	return true;
}

void stub_run_work(void)
{
	while (!list_empty(&pending)) {
		struct work *w = list_first_entry(&pending, struct work, node);

		list_del_init(&w->node);
		w->pending = 0;
		w->fn(w);
	}
}

/* ---- time ---- */

u64 clock_realtime_ns(void) { return stub_wall_ns; }
void timer_init(struct timer *t, void (*fn)(struct timer *t)) { *t = (struct timer){ .fn = fn }; }
void timer_arm(struct timer *t, u64 expires_ns) { t->expires_ns = expires_ns; }
bool timer_cancel(struct timer *t) { return false; }
bool timer_cancel_sync(struct timer *t) { return false; }

char *kstrndup(const char *s, size_t max, u32 flags)
{
	size_t n = strnlen(s, max);
	char *p = kmalloc(n + 1, flags);

	if (p) {
		memcpy(p, s, n);
		p[n] = 0;
	}
	return p;
}
void work_flush(void) { stub_run_work(); }
