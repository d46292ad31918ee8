/*
 * Epoll.
 *
 * An item stands for (file, descriptor) in one set.  It waits on the file's queues; a wake-up whose events concern it puts it
 * on the set's ready list and wakes one waiter.  epoll_wait takes items off the list and asks the file again: level-
 * triggered items that are still ready go back to the end of the list, edge-triggered ones wait for the next wake-up.
 *
 * A set can itself be watched.  Its own queue of pollers is woken from a work item, never from inside another queue's wake-up:
 * so nesting takes no lock of a rank that is held (departure 1 from Linux).  Such a poll looks at the ready list alone and may
 * report a set whose items turn out not to be ready any more (departure 2).
 *
 * Locks: watch_lock guards who watches what: the trees of items, file->epolls.  set->lock is held while items are asked, so that
 * none goes away meanwhile.  ready_lock guards the ready list; it is taken in wake-ups, interrupts off.
 *
 * Source: epoll(7), epoll_ctl(2), epoll_wait(2).
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include "base/printf.h"
#include "base/rbtree.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/mutex.h"
#include "kern/slab.h"
#include "kern/work.h"
#include "vfs/epoll.h"
#include "vfs/file.h"
#include "vfs/internal.h"
#include "vfs/poll.h"

enum { NEST_MAX = 4 };
#define PRIVATE_BITS ((u32)(EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE))
#define EXCLUSIVE_OK ((u32)(EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE))

/* Locks: w watch_lock · s lock · r ready_lock · I immutable */
struct epoll {
	struct mutex lock;
	struct rb_root items;		/* [w, s] by (file, fd) */
	struct spinlock ready_lock;
	struct list_head ready;		/* [r] */
	struct waitq waiters;		/* threads in epoll_wait */
	struct waitq pollers;		/* who polls the epoll file */
	struct work wake_pollers;
	struct file *file;		/* [I] */
	u32 refs;			/* [a] the file, and a pending wake_pollers */
};

struct epoll_watch {			/* an item on one wait queue */
	struct waiter waiter;
	struct waitq *q;
	struct epoll_item *item;
	struct epoll_watch *next;
};

struct epoll_item {
	struct rb_node node;		/* [w, s] */
	struct list_head ready;		/* [r] empty: not on the list */
	struct list_head file_node;	/* [w] in file->epolls */
	struct epoll *ep;		/* [I] */
	struct file *file;		/* [I] no reference: epoll_forget() comes first */
	int fd;				/* [I] */
	u32 events;			/* [s] what is wanted; read in wake-ups */
	u64 data;			/* [s] */
	struct epoll_watch *watches;	/* [w] */
	struct epoll_watch first;
};

struct epoll_table {
	struct poll_table pt;
	struct epoll_item *item;
	bool failed;
};

static struct mutex watch_lock;
static const struct file_ops epoll_fops;

bool file_is_epoll(const struct file *f)
{
	return f->ops == &epoll_fops;
}

/* ---- readiness ---- */

static void ep_put(struct epoll *ep)
{
	if (atomic_dec_and_test(&ep->refs))
		kfree(ep);
}

static void wake_pollers(struct work *w)
{
	struct epoll *ep = container_of(w, struct epoll, wake_pollers);

	wake_up_poll(&ep->pollers, EPOLLIN | EPOLLRDNORM);
	ep_put(ep);
}

/* Put @item on the ready list. Return: whether it was not there */
static bool make_ready(struct epoll_item *item)
{
	struct epoll *ep = item->ep;
	u64 flags = spin_lock_irqsave(&ep->ready_lock);
	bool fresh = list_empty(&item->ready);

	if (fresh)
		list_add_tail(&item->ready, &ep->ready);
	spin_unlock_irqrestore(&ep->ready_lock, flags);
	return fresh;
}

static bool wake_waiters(struct epoll *ep)
{
	bool any = waitq_active(&ep->waiters);

	if (any)
		waitq_wake(&ep->waiters, 1, EPOLLIN);
	if (waitq_active(&ep->pollers)) {
		atomic_inc(&ep->refs);
		if (!work_queue(&ep->wake_pollers))
			atomic_dec(&ep->refs);
	}
	return any;
}

static bool item_woken(struct waiter *w, u32 key)
{
	struct epoll_item *item = container_of(w, struct epoll_watch, waiter)->item;
	u32 events = READ_ONCE(item->events);

	if (!(events & ~PRIVATE_BITS) || (key && !(key & events)))
		return false;
	make_ready(item);
	bool served = wake_waiters(item->ep);

	return !(events & EPOLLEXCLUSIVE) || served;
}

static void item_join(struct poll_table *pt, struct file *f, struct waitq *q)
{
	struct epoll_table *t = container_of(pt, struct epoll_table, pt);
	struct epoll_item *item = t->item;
	struct epoll_watch *w = item->watches ? kmalloc(sizeof(*w), ALLOC_KERNEL) : &item->first;

	if (!w) {
		t->failed = true;
		return;
	}
	waiter_init(&w->waiter);
	w->waiter.wake = item_woken;
	w->waiter.exclusive = item->events & EPOLLEXCLUSIVE;
	w->q = q;
	w->item = item;
	w->next = item->watches;
	item->watches = w;
	waitq_add(q, &w->waiter);
}

static u32 item_poll(struct epoll_item *item, struct poll_table *pt)
{
	return file_poll(item->file, pt) & item->events & ~PRIVATE_BITS;
}

/* ---- items: watch_lock and ep->lock held ---- */

static int item_order(const struct file *f, int fd, const struct epoll_item *item)
{
	if (f != item->file)
		return f < item->file ? -1 : 1;
	return fd < item->fd ? -1 : fd > item->fd;
}

static struct epoll_item *item_find(struct epoll *ep, const struct file *f, int fd)
{
	struct rb_node *n = ep->items.node;

	while (n) {
		struct epoll_item *item = rb_entry(n, struct epoll_item, node);
		int order = item_order(f, fd, item);

		if (!order)
			return item;
		n = order < 0 ? n->left : n->right;
	}
	return NULL;
}

static void item_insert(struct epoll *ep, struct epoll_item *item)
{
	struct rb_node **link = &ep->items.node, *parent = NULL;

	while (*link) {
		parent = *link;
		link = item_order(item->file, item->fd, rb_entry(parent, struct epoll_item, node)) < 0 ? &parent->left : &parent->right;
	}
	rb_link(&item->node, parent, link);
	rb_insert_fixup(&ep->items, &item->node);
}

static void item_remove(struct epoll *ep, struct epoll_item *item)
{
	for (struct epoll_watch *w = item->watches, *next; w; w = next) {
		next = w->next;
		waitq_remove(w->q, &w->waiter);
		if (w != &item->first)
			kfree(w);
	}
	u64 flags = spin_lock_irqsave(&ep->ready_lock);

	list_del_init(&item->ready);
	spin_unlock_irqrestore(&ep->ready_lock, flags);
	rb_erase(&ep->items, &item->node);
	list_del(&item->file_node);
	kfree(item);
}

static int item_add(struct epoll *ep, struct file *f, int fd, const struct epoll_event *ev)
{
	struct epoll_item *item = kzalloc(sizeof(*item), ALLOC_KERNEL);
	struct epoll_table t = { .pt.add = item_join, .item = item };

	if (!item)
		return -ENOMEM;
	item->ep = ep;
	item->file = f;
	item->fd = fd;
	item->events = ev->events | EPOLLERR | EPOLLHUP;
	item->data = ev->data;
	list_init(&item->ready);
	item_insert(ep, item);
	list_add(&item->file_node, &f->epolls);
	u32 now = item_poll(item, &t.pt);

	if (t.failed) {
		item_remove(ep, item);
		return -ENOMEM;
	}
	if (now && make_ready(item))
		wake_waiters(ep);
	return 0;
}

static int item_modify(struct epoll *ep, struct epoll_item *item, const struct epoll_event *ev)
{
	if (item->events & EPOLLEXCLUSIVE)
		return -EINVAL;
	WRITE_ONCE(item->events, ev->events | EPOLLERR | EPOLLHUP);
	item->data = ev->data;
	smp_mb();	/* a wake-up from here on sees the new events; what was before, we see */
	if (item_poll(item, NULL) && make_ready(item))
		wake_waiters(ep);
	return 0;
}

/* Whether @f, an epoll file, leads to @target, or further down than sets may be nested. watch_lock held */
static bool loops(struct file *f, const struct epoll *target, unsigned depth)
{
	struct epoll *ep = f->private;

	if (ep == target || depth >= NEST_MAX)
		return true;
	for (struct rb_node *n = rb_first(&ep->items); n; n = rb_next(n)) {
		struct epoll_item *item = rb_entry(n, struct epoll_item, node);

		if (file_is_epoll(item->file) && loops(item->file, target, depth + 1))
			return true;
	}
	return false;
}

static int ctl_check(struct file *epf, int op, struct file *target, const struct epoll_event *ev)
{
	if (!target->ops->poll)
		return -EPERM;
	if (epf == target || !file_is_epoll(epf))
		return -EINVAL;
	if (op != EPOLL_CTL_DEL && ev->events & EPOLLEXCLUSIVE) {
		if (op == EPOLL_CTL_MOD)
			return -EINVAL;
		if (op == EPOLL_CTL_ADD && (file_is_epoll(target) || ev->events & ~EXCLUSIVE_OK))
			return -EINVAL;
	}
	return 0;
}

int epoll_ctl_file(struct file *epf, int op, int fd, struct file *target, const struct epoll_event *ev)
{
	int err = ctl_check(epf, op, target, ev);

	if (err)
		return err;
	struct epoll *ep = epf->private;

	mutex_lock(&watch_lock);
	if (op == EPOLL_CTL_ADD && file_is_epoll(target) && loops(target, ep, 0)) {
		mutex_unlock(&watch_lock);
		return -ELOOP;
	}
	mutex_lock(&ep->lock);
	struct epoll_item *item = item_find(ep, target, fd);

	switch (op) {
	case EPOLL_CTL_ADD:
		err = item ? -EEXIST : item_add(ep, target, fd, ev);
		break;
	case EPOLL_CTL_DEL:
		err = item ? 0 : -ENOENT;
		if (item)
			item_remove(ep, item);
		break;
	case EPOLL_CTL_MOD:
		err = item ? item_modify(ep, item, ev) : -ENOENT;
		break;
	default:
		err = -EINVAL;
	}
	mutex_unlock(&ep->lock);
	mutex_unlock(&watch_lock);
	return err;
}

void epoll_forget(struct file *f)
{
	mutex_lock(&watch_lock);
	while (!list_empty(&f->epolls)) {
		struct epoll_item *item = list_first_entry(&f->epolls, struct epoll_item, file_node);
		struct epoll *ep = item->ep;

		mutex_lock(&ep->lock);
		item_remove(ep, item);
		mutex_unlock(&ep->lock);
	}
	mutex_unlock(&watch_lock);
}

/* ---- waiting ---- */

static bool any_ready(struct epoll *ep)
{
	return !list_empty(&ep->ready);
}

static struct epoll_item *ready_take(struct epoll *ep)
{
	u64 flags = spin_lock_irqsave(&ep->ready_lock);
	struct epoll_item *item = list_first_entry_or_null(&ep->ready, struct epoll_item, ready);

	if (item)
		list_del_init(&item->ready);
	spin_unlock_irqrestore(&ep->ready_lock, flags);
	return item;
}

/* Keep @item for the next epoll_wait, unless a wake-up has put it on the list meanwhile. */
static void keep(struct epoll *ep, struct epoll_item *item, struct list_head *again)
{
	u64 flags = spin_lock_irqsave(&ep->ready_lock);

	if (list_empty(&item->ready))
		list_add_tail(&item->ready, again);
	spin_unlock_irqrestore(&ep->ready_lock, flags);
}

static int collect(struct epoll *ep, struct epoll_event *out, int max)
{
	struct list_head again;
	struct epoll_item *item;
	int n = 0;

	list_init(&again);
	mutex_lock(&ep->lock);
	while (n < max && (item = ready_take(ep)) != NULL) {
		u32 got = item_poll(item, NULL);

		if (!got)
			continue;
		out[n].events = got;
		out[n].data = item->data;
		n++;
		if (item->events & EPOLLONESHOT)
			WRITE_ONCE(item->events, item->events & PRIVATE_BITS);
		else if (!(item->events & EPOLLET))
			keep(ep, item, &again);
	}
	u64 flags = spin_lock_irqsave(&ep->ready_lock);

	list_splice_tail_init(&again, &ep->ready);
	spin_unlock_irqrestore(&ep->ready_lock, flags);
	mutex_unlock(&ep->lock);
	/* more than one may be served: hand the wake-up on */
	if (any_ready(ep) && !list_empty(&ep->waiters.waiters))
		waitq_wake(&ep->waiters, 1, EPOLLIN);
	return n;
}

int epoll_wait_file(struct file *f, struct epoll_event *out, int max, u64 deadline_ns)
{
	if (!file_is_epoll(f) || max <= 0)
		return -EINVAL;
	struct epoll *ep = f->private;

	for (;;) {
		if (any_ready(ep)) {
			int n = collect(ep, out, max);

			if (n)
				return n;
		}
		if (!deadline_ns)
			return 0;
		if (signal_pending())
			return -EINTR;
		int err = wait_event_state(&ep->waiters, any_ready(ep), TS_INTERRUPTIBLE, deadline_ns, true);

		if (err == -ERESTARTSYS)
			return -EINTR;
		if (err == -ETIMEDOUT)
			deadline_ns = 0;
	}
}

/* ---- the file ---- */

static u32 epoll_poll(struct file *f, struct poll_table *pt)
{
	struct epoll *ep = f->private;

	poll_wait(f, &ep->pollers, pt);
	return any_ready(ep) ? EPOLLIN | EPOLLRDNORM : 0;
}

static void epoll_release(struct file *f)
{
	struct epoll *ep = f->private;
	struct rb_node *n;

	mutex_lock(&watch_lock);
	mutex_lock(&ep->lock);
	while ((n = rb_first(&ep->items)) != NULL)
		item_remove(ep, rb_entry(n, struct epoll_item, node));
	mutex_unlock(&ep->lock);
	mutex_unlock(&watch_lock);
	ep_put(ep);
}

static void epoll_fdinfo(struct file *f, char *buf, size_t size)
{
	struct epoll *ep = f->private;
	size_t n = 0;

	buf[0] = 0;
	mutex_lock(&ep->lock);
	for (struct rb_node *at = rb_first(&ep->items); at && n < size; at = rb_next(at)) {
		struct epoll_item *item = rb_entry(at, struct epoll_item, node);

		n += (size_t)scnprintf(buf + n, size - n, "tfd: %8d events: %8x data: %16llx  pos:%lli ino:%llx sdev:%llx\n", item->fd,
				       item->events, item->data, (s64)item->file->pos, item->file->inode->ino,
				       item->file->inode->super->dev);
	}
	mutex_unlock(&ep->lock);
}

static const struct file_ops epoll_fops = {
	.poll = epoll_poll,
	.release = epoll_release,
	.show_fdinfo = epoll_fdinfo,
	.seek = file_seek_none,
	.flags = FOP_STREAM,
};

struct file *epoll_create_file(void)
{
	struct epoll *ep = kzalloc(sizeof(*ep), ALLOC_KERNEL);
	struct file *f;

	if (!ep)
		return ERR_PTR(-ENOMEM);
	mutex_init(&ep->lock, RANK_EPOLL_SET);
	spin_init(&ep->ready_lock, RANK_EPOLL_READY);
	list_init(&ep->ready);
	waitq_init_rank(&ep->waiters, RANK_WAITQ2);
	waitq_init(&ep->pollers);
	work_init(&ep->wake_pollers, wake_pollers);
	ep->refs = 1;
	f = file_anon("anon_inode:[eventpoll]", &epoll_fops, ep, O_RDWR);
	if (IS_ERR(f))
		kfree(ep);
	else
		ep->file = f;
	return f;
}

void epoll_init(void)
{
	mutex_init(&watch_lock, RANK_EPOLL);
}
