/*
 * poll(2) and select(2).
 *
 * The first round over the files joins their wait queues, unless something is ready; later rounds only ask.  A wake-up
 * of any queue sets `triggered` and wakes the thread, which asks them all again.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "vfs/file.h"
#include "vfs/poll.h"

enum { ENTRIES_INLINE = 8, ENTRIES_CHUNK = 64 };

struct poll_queues;

struct poll_entry {
	struct waiter waiter;
	struct waitq *q;
	struct file *file;		/* with a reference: it owns the queue */
	u32 events;
	struct poll_queues *owner;
};

struct poll_chunk {
	struct poll_chunk *next;
	u32 used;
	struct poll_entry entry[ENTRIES_CHUNK];
};

struct poll_queues {
	struct poll_table pt;		/* first: add() finds us by it */
	struct thread *thread;
	u32 triggered;			/* [a] */
	u32 events;			/* of the file being asked */
	int error;
	u32 used;
	struct poll_entry entry[ENTRIES_INLINE];
	struct poll_chunk *more;
};

static bool poll_woken(struct waiter *w, u32 key)
{
	struct poll_entry *e = container_of(w, struct poll_entry, waiter);
	struct poll_queues *pq = e->owner;

	if (key && !(key & e->events))
		return false;
	__atomic_store_n(&pq->triggered, 1, __ATOMIC_SEQ_CST);
	return thread_wake(pq->thread, WAKE_NORMAL);
}

static struct poll_entry *entry_new(struct poll_queues *pq)
{
	if (pq->used < ENTRIES_INLINE)
		return &pq->entry[pq->used++];
	if (!pq->more || pq->more->used == ENTRIES_CHUNK) {
		struct poll_chunk *c = kmalloc(sizeof(*c), ALLOC_KERNEL);

		if (!c)
			return NULL;
		c->used = 0;
		c->next = pq->more;
		pq->more = c;
	}
	return &pq->more->entry[pq->more->used++];
}

static void queue_add(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct poll_queues *pq = container_of(pt, struct poll_queues, pt);
	struct poll_entry *e = entry_new(pq);

	if (!e) {
		pq->error = -ENOMEM;
		return;
	}
	waiter_init(&e->waiter);
	e->waiter.wake = poll_woken;
	e->q = q;
	e->file = file_get(f);
	e->events = pq->events;
	e->owner = pq;
	waitq_add(q, &e->waiter);
}

static void queues_init(struct poll_queues *pq, bool will_wait)
{
	pq->pt.add = will_wait ? queue_add : NULL;
	pq->thread = current();
	pq->triggered = 0;
	pq->error = 0;
	pq->used = 0;
	pq->more = NULL;
}

static void entry_drop(struct poll_entry *e)
{
	waitq_remove(e->q, &e->waiter);
	file_put(e->file);
}

static void queues_fini(struct poll_queues *pq)
{
	for (u32 n = 0; n < pq->used; n++)
		entry_drop(&pq->entry[n]);
	while (pq->more) {
		struct poll_chunk *c = pq->more;

		for (u32 n = 0; n < c->used; n++)
			entry_drop(&c->entry[n]);
		pq->more = c->next;
		kfree(c);
	}
}

/* Sleep until triggered. Return: 1: look again; 0: the time is over; -EINTR */
static int queues_wait(struct poll_queues *pq, u64 deadline_ns)
{
	int ret = 1;

	set_state(TS_INTERRUPTIBLE);
	if (!__atomic_load_n(&pq->triggered, __ATOMIC_SEQ_CST)) {
		if (signal_pending())
			ret = -EINTR;
		else if (schedule_timeout(deadline_ns))
			ret = 0;
	}
	set_state(TS_RUNNING);
	__atomic_store_n(&pq->triggered, 0, __ATOMIC_SEQ_CST);
	return ret;
}

/* Ask one descriptor. Return: its bits among @events, always with ERR and HUP */
static u32 ask(struct poll_queues *pq, int fd, u32 events)
{
	bool borrowed;
	struct file *f = fd_borrow(fd, &borrowed);

	if (!f)
		return POLLNVAL;
	pq->events = events | EPOLLERR | EPOLLHUP;
	u32 mask = file_poll(f, pq->pt.add ? &pq->pt : NULL) & pq->events;

	fd_return(f, borrowed);
	return mask;
}

/*
 * Rounds of @scan until it finds something or the time is over.
 * Return: what @scan found, 0, -errno
 */
static int poll_loop(struct poll_queues *pq, int (*scan)(struct poll_queues *pq, void *arg), void *arg, u64 deadline_ns)
{
	int more = 1, found;

	for (;;) {
		found = scan(pq, arg);
		pq->pt.add = NULL;
		if (found || more == 0)
			return found;
		if (pq->error)
			return pq->error;
		if (signal_pending())
			return -EINTR;
		if (!deadline_ns)
			return 0;
		more = queues_wait(pq, deadline_ns);
		if (more < 0)
			return more;
	}
}

struct poll_args {
	struct pollfd *fds;
	u32 n;
};

static int poll_scan(struct poll_queues *pq, void *arg)
{
	struct poll_args *a = arg;
	int found = 0;

	for (u32 n = 0; n < a->n; n++) {
		struct pollfd *p = &a->fds[n];

		p->revents = 0;
		if (p->fd < 0)
			continue;
		p->revents = (short)ask(pq, p->fd, (u16)p->events);
		if (p->revents) {
			found++;
			pq->pt.add = NULL;
		}
	}
	return found;
}

int vfs_poll(struct pollfd *fds, u32 n, u64 deadline_ns)
{
	struct poll_queues pq;
	struct poll_args a = { fds, n };
	int ret;

	queues_init(&pq, deadline_ns != 0);
	ret = poll_loop(&pq, poll_scan, &a, deadline_ns);
	queues_fini(&pq);
	return ret;
}

struct select_args {
	u32 n;
	const u64 *want[3];		/* in, out, ex */
	u64 *got[3];
};

static const u32 select_bits[3] = {
	EPOLLIN | EPOLLRDNORM | EPOLLRDBAND | EPOLLHUP | EPOLLERR,
	EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND | EPOLLERR,
	EPOLLPRI,
};

static bool wanted(const struct select_args *a, unsigned set, u32 fd)
{
	return a->want[set] && a->want[set][fd / 64] >> (fd % 64) & 1;
}

static int select_scan(struct poll_queues *pq, void *arg)
{
	struct select_args *a = arg;
	int found = 0;

	for (unsigned set = 0; set < 3; set++)
		if (a->got[set])
			memset(a->got[set], 0, (a->n + 63) / 64 * 8);
	for (u32 fd = 0; fd < a->n; fd++) {
		u32 events = 0;

		for (unsigned set = 0; set < 3; set++)
			if (wanted(a, set, fd))
				events |= select_bits[set];
		if (!events)
			continue;
		u32 mask = ask(pq, (int)fd, events);

		if (mask == POLLNVAL)
			return -EBADF;
		for (unsigned set = 0; set < 3; set++) {
			if (wanted(a, set, fd) && mask & select_bits[set]) {
				a->got[set][fd / 64] |= 1ull << (fd % 64);
				found++;
				pq->pt.add = NULL;
			}
		}
	}
	return found;
}

int vfs_select(u32 n, u64 *in, u64 *out, u64 *ex, u64 deadline_ns)
{
	size_t bytes = (n + 63) / 64 * 8;
	u64 *sets[3] = { in, out, ex }, *copy = kmalloc(MAX(3 * bytes, (size_t)8), ALLOC_KERNEL);
	struct select_args a = { .n = n };
	struct poll_queues pq;
	int ret;

	if (!copy)
		return -ENOMEM;
	for (unsigned set = 0; set < 3; set++) {
		if (!sets[set])
			continue;
		u64 *want = copy + set * (bytes / 8);

		memcpy(want, sets[set], bytes);
		a.want[set] = want;
		a.got[set] = sets[set];
	}
	queues_init(&pq, deadline_ns != 0);
	ret = poll_loop(&pq, select_scan, &a, deadline_ns);
	queues_fini(&pq);
	kfree(copy);
	return ret;
}
