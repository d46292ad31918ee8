/*
 * Inotify.
 *
 * A watch ties a queue (an inotify file) to an inode, which it references; inode->notify lists its watches.  An event becomes a
 * record in the queue at once; one that equals the last record is dropped, as is what comes after QUEUE_MAX records but for one
 * IN_Q_OVERFLOW.
 *
 * Locks: notify_lock (RANK_NOTIFY) guards every list here.  References of inodes are dropped after it.
 * Source: inotify(7).
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include <asm/ioctls.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "vfs/file.h"
#include "vfs/internal.h"
#include "vfs/notify.h"
#include "vfs/poll.h"

enum { QUEUE_MAX = 16384 };
#define WANTED_BITS ((u32)IN_ALL_EVENTS)
#define SETTING_BITS ((u32)(IN_ONESHOT | IN_EXCL_UNLINK))

struct notify_set {
	struct list_head watches;
};

struct notify_record {
	struct list_head node;
	int wd;
	u32 mask, cookie;
	u32 len;			/* of the name without NUL; 0: none */
	char name[];
};

struct notify_queue {
	struct list_head records;
	u32 count;
	u32 bytes;
	struct list_head watches;
	int next_wd;
	struct waitq q;
};

struct notify_watch {
	struct list_head inode_node, queue_node;
	struct notify_queue *queue;
	struct inode *inode;		/* with a reference */
	int wd;
	u32 mask;
};

u32 notify_watches;
static struct spinlock notify_lock = SPINLOCK_INIT(RANK_NOTIFY);
static u32 next_cookie = 1;
static const struct file_ops inotify_ops;

u32 notify_cookie(void)
{
	return notify_watches ? atomic_fetch_add(&next_cookie, 1) : 0;
}

/* ---- the queue: notify_lock held ---- */

static u32 padded(u32 len)
{
	return len ? ALIGN_UP(len + 1, (u32)sizeof(struct inotify_event)) : 0;
}

static bool same_as_last(const struct notify_queue *q, int wd, u32 mask, u32 cookie, const char *name, size_t len)
{
	if (list_empty(&q->records))
		return false;
	const struct notify_record *r = list_last_entry(&q->records, struct notify_record, node);

	return r->wd == wd && r->mask == mask && r->cookie == cookie && r->len == len && !memcmp(r->name, name ? name : "", len);
}

static void queue_record(struct notify_queue *q, int wd, u32 mask, u32 cookie, const char *name, size_t len)
{
	struct notify_record *r;

	if (same_as_last(q, wd, mask, cookie, name, len))
		return;
	if (q->count >= QUEUE_MAX) {
		if (q->count > QUEUE_MAX)
			return;
		wd = -1;
		mask = IN_Q_OVERFLOW;
		cookie = 0;
		len = 0;
	}
	r = kmalloc(sizeof(*r) + len + 1, ALLOC_ATOMIC);
	if (!r)
		return;
	r->wd = wd;
	r->mask = mask;
	r->cookie = cookie;
	r->len = (u32)len;
	memcpy(r->name, name ? name : "", len);
	r->name[len] = 0;
	list_add_tail(&r->node, &q->records);
	q->count++;
	q->bytes += (u32)sizeof(struct inotify_event) + padded(r->len);
	wake_up_poll(&q->q, EPOLLIN | EPOLLRDNORM);
}

/* Take @w off its lists; the caller puts w->inode and frees it after the lock. */
static void watch_unlink(struct notify_watch *w, bool tell)
{
	list_del(&w->inode_node);
	list_del(&w->queue_node);
	__atomic_fetch_sub(&notify_watches, 1, __ATOMIC_RELAXED);
	if (tell)
		queue_record(w->queue, w->wd, IN_IGNORED, 0, NULL, 0);
}

static void watch_free(struct notify_watch *w)
{
	inode_put(w->inode);
	kfree(w);
}

/* ---- events ---- */

/* @unlinked: the entry is no more: watches with IN_EXCL_UNLINK do not hear of it. */
static void send(struct inode *i, u32 mask, const char *name, size_t len, u32 cookie, bool unlinked)
{
	struct notify_watch *w, *tmp;
	struct list_head gone;

	if (!i || !READ_ONCE(i->notify))
		return;
	list_init(&gone);
	spin_lock(&notify_lock);
	list_for_each_entry_safe(w, tmp, &i->notify->watches, inode_node) {
		u32 event = mask & (w->mask | IN_UNMOUNT) & ~(u32)IN_ISDIR;

		if ((!event && !(mask & IN_DELETE_SELF)) || (unlinked && w->mask & IN_EXCL_UNLINK))
			continue;
		/* what happened to the directory itself is told without saying that it is one */
		if (event)
			queue_record(w->queue, w->wd, event | (event & (IN_DELETE_SELF | IN_MOVE_SELF) ? 0 : mask & IN_ISDIR), cookie, name, len);
		if ((event && w->mask & IN_ONESHOT) || mask & (IN_DELETE_SELF | IN_UNMOUNT)) {
			watch_unlink(w, true);
			list_add(&w->inode_node, &gone);
		}
	}
	spin_unlock(&notify_lock);
	list_for_each_entry_safe(w, tmp, &gone, inode_node)
		watch_free(w);
}

void notify_send(struct inode *i, u32 mask, const char *name, size_t len, u32 cookie)
{
	send(i, mask, name, len, cookie, false);
}

void notify_send_dentry(struct dentry *d, u32 mask, u32 cookie)
{
	struct inode *i = d->inode;

	if (!i)
		return;
	if (inode_is_dir(i))
		mask |= IN_ISDIR;
	struct dentry *parent = d->parent == d ? NULL : d_parent(d);

	if (parent && parent->inode && parent->inode->notify) {
		char name[256];
		u32 seq, len;

		do {
			seq = __atomic_load_n(&d->seq, __ATOMIC_ACQUIRE);
			len = d->name_len;
			memcpy(name, READ_ONCE(d->name), MIN(len, 255u));
		} while (seq & 1 || !d_seq_unchanged(d, seq));
		send(parent->inode, mask, name, len, cookie, d_unhashed(d));
	}
	d_put(parent);
	notify_send(i, mask, NULL, 0, cookie);
}

void notify_inode_gone(struct inode *i)
{
	/* a watch references its inode: there are none left */
	kfree(i->notify);
	i->notify = NULL;
}

static void unmount_one(struct inode *i)
{
	notify_send(i, IN_UNMOUNT, NULL, 0, 0);
}

void notify_super_gone(struct super *s)
{
	if (notify_watches)
		super_for_each_inode(s, unmount_one);
}

/* ---- the file ---- */

static struct notify_record *record_take(struct notify_queue *q, u64 room, bool *too_small)
{
	struct notify_record *r;

	spin_lock(&notify_lock);
	r = list_first_entry_or_null(&q->records, struct notify_record, node);
	*too_small = r && sizeof(struct inotify_event) + padded(r->len) > room;
	if (*too_small)
		r = NULL;
	if (r) {
		list_del(&r->node);
		q->count--;
		q->bytes -= (u32)sizeof(struct inotify_event) + padded(r->len);
	}
	spin_unlock(&notify_lock);
	return r;
}

static s64 record_put(const struct notify_record *r, struct iter *to)
{
	struct inotify_event ev = { .wd = r->wd, .mask = r->mask, .cookie = r->cookie, .len = padded(r->len) };
	size_t pad = ev.len - r->len;

	if (iter_put(to, &ev, sizeof(ev)) != sizeof(ev))
		return -EFAULT;
	if (ev.len && (iter_put(to, r->name, r->len) != r->len || iter_zero(to, pad) != pad))
		return -EFAULT;
	return (s64)(sizeof(ev) + ev.len);
}

static s64 inotify_read(struct file *f, struct iter *to, u64 *pos)
{
	struct notify_queue *q = f->private;
	bool too_small;
	s64 done = 0;

	for (;;) {
		struct notify_record *r = record_take(q, iter_left(to), &too_small);

		if (r) {
			s64 n = record_put(r, to);

			kfree(r);
			if (n < 0)
				return n;
			done += n;
			continue;
		}
		if (done)
			return done;
		if (too_small)
			return -EINVAL;
		if (file_nonblocking(f, to))
			return -EAGAIN;
		int err = wait_event_interruptible(&q->q, !list_empty(&q->records));

		if (err)
			return err;
	}
}

static u32 inotify_poll(struct file *f, struct poll_table *pt)
{
	struct notify_queue *q = f->private;

	poll_wait(f, &q->q, pt);
	return list_empty(&q->records) ? 0 : EPOLLIN | EPOLLRDNORM;
}

static s64 inotify_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct notify_queue *q = f->private;

	return cmd == FIONREAD ? put_user((int)READ_ONCE(q->bytes), uaddr(arg)) : -ENOTTY;
}

static void inotify_release(struct file *f)
{
	struct notify_queue *q = f->private;
	struct notify_watch *w, *tmp;
	struct notify_record *r, *next;
	struct list_head gone;

	list_init(&gone);
	spin_lock(&notify_lock);
	list_for_each_entry_safe(w, tmp, &q->watches, queue_node) {
		watch_unlink(w, false);
		list_add(&w->inode_node, &gone);
	}
	spin_unlock(&notify_lock);
	list_for_each_entry_safe(w, tmp, &gone, inode_node)
		watch_free(w);
	list_for_each_entry_safe(r, next, &q->records, node)
		kfree(r);
	kfree(q);
}

static void inotify_fdinfo(struct file *f, char *buf, size_t size)
{
	struct notify_queue *q = f->private;
	struct notify_watch *w;
	size_t n = 0;

	buf[0] = 0;
	spin_lock(&notify_lock);
	list_for_each_entry(w, &q->watches, queue_node)
		if (n < size)
			n += (size_t)scnprintf(buf + n, size - n, "inotify wd:%x ino:%llx sdev:%llx mask:%x ignored_mask:0 \n", (unsigned)w->wd,
					       w->inode->ino, w->inode->super->dev, w->mask);
	spin_unlock(&notify_lock);
}

static const struct file_ops inotify_ops = {
	.read = inotify_read,
	.poll = inotify_poll,
	.ioctl = inotify_ioctl,
	.release = inotify_release,
	.show_fdinfo = inotify_fdinfo,
	.seek = file_seek_none,
	.flags = FOP_STREAM | FOP_NOWAIT,
};

struct file *inotify_create(u32 o_flags)
{
	struct notify_queue *q = kzalloc(sizeof(*q), ALLOC_KERNEL);
	struct file *f;

	if (!q)
		return ERR_PTR(-ENOMEM);
	list_init(&q->records);
	list_init(&q->watches);
	q->next_wd = 1;
	waitq_init(&q->q);
	f = file_anon("anon_inode:inotify", &inotify_ops, q, O_RDONLY | (o_flags & O_NONBLOCK));
	if (IS_ERR(f))
		kfree(q);
	return f;
}

/* ---- watches ---- */

static int set_of(struct inode *i)
{
	struct notify_set *s, *none = NULL;

	if (READ_ONCE(i->notify))
		return 0;
	s = kzalloc(sizeof(*s), ALLOC_KERNEL);
	if (!s)
		return -ENOMEM;
	list_init(&s->watches);
	if (!try_cmpxchg(&i->notify, &none, s))
		kfree(s);
	return 0;
}

static struct notify_watch *watch_find(struct notify_queue *q, const struct inode *i, int wd)
{
	struct notify_watch *w;

	list_for_each_entry(w, &q->watches, queue_node)
		if (i ? w->inode == i : w->wd == wd)
			return w;
	return NULL;
}

/* Add @fresh, or change the watch that is there already. Return: wd or -errno; *used: @fresh is in use */
static int watch_add(struct notify_queue *q, struct notify_watch *fresh, u32 flags, bool *used)
{
	struct notify_watch *old;
	int ret;

	spin_lock(&notify_lock);
	old = watch_find(q, fresh->inode, 0);
	if (old && flags & IN_MASK_CREATE) {
		ret = -EEXIST;
	} else if (old) {
		old->mask = flags & IN_MASK_ADD ? old->mask | fresh->mask : fresh->mask;
		ret = old->wd;
	} else {
		fresh->wd = ret = q->next_wd++;
		list_add_tail(&fresh->queue_node, &q->watches);
		list_add_tail(&fresh->inode_node, &fresh->inode->notify->watches);
		__atomic_fetch_add(&notify_watches, 1, __ATOMIC_RELAXED);
		*used = true;
	}
	spin_unlock(&notify_lock);
	return ret;
}

int inotify_add(struct file *f, const struct path *path, u32 mask)
{
	struct inode *i = path->dentry->inode;
	struct notify_watch *w;
	bool used = false;
	int ret;

	if (f->ops != &inotify_ops || !(mask & WANTED_BITS) || (mask & IN_MASK_ADD && mask & IN_MASK_CREATE))
		return -EINVAL;
	ret = inode_permission(i, MAY_READ);
	if (!ret)
		ret = set_of(i);
	if (ret)
		return ret;
	w = kzalloc(sizeof(*w), ALLOC_KERNEL);
	if (!w)
		return -ENOMEM;
	w->queue = f->private;
	w->inode = i;
	w->mask = mask & (WANTED_BITS | SETTING_BITS);
	inode_get(i);
	ret = watch_add(f->private, w, mask, &used);
	if (!used)
		watch_free(w);
	return ret;
}

int inotify_remove(struct file *f, int wd)
{
	struct notify_watch *w;

	if (f->ops != &inotify_ops)
		return -EINVAL;
	spin_lock(&notify_lock);
	w = watch_find(f->private, NULL, wd);
	if (w)
		watch_unlink(w, true);
	spin_unlock(&notify_lock);
	if (!w)
		return -EINVAL;
	watch_free(w);
	return 0;
}
