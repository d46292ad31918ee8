/*
 * POSIX message queues: sending, receiving, notices.  See mqueue.h.
 *
 * Sleepers are exclusive: one message or one free place wakes one of them, and who finds nothing left sleeps again.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/eventpoll.h>
#include <linux/resource.h>
#include "ipc/mqueue.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "task/signal.h"
#include "task/task.h"

/* What a message costs beside its text, as getrlimit(2) counts: two headers of 48 bytes. */
enum { CHARGE_HEADER_BYTES = 48 };

u32 mq_queues_max = 256, mq_count_max = 10, mq_size_max = 8192, mq_count_default = 10, mq_size_default = 8192;

/* ---- life ---- */

int mqueue_attr_check(const struct mq_attr *a)
{
	bool free_hand = capable(CAP_SYS_RESOURCE);
	s64 count_max = free_hand ? MQ_HARD_COUNT_MAX : (s64)atomic_load(&mq_count_max);
	s64 size_max = free_hand ? MQ_HARD_SIZE_MAX : (s64)atomic_load(&mq_size_max);

	if (a->mq_maxmsg <= 0 || a->mq_msgsize <= 0 || a->mq_maxmsg > count_max || a->mq_msgsize > size_max)
		return -EINVAL;
	return 0;
}

static u64 charge_of(u64 count_max, u64 size_max)
{
	return count_max * (CHARGE_HEADER_BYTES + size_max) + MIN(count_max, (u64)MQ_PRIO_MAX) * CHARGE_HEADER_BYTES;
}

int mqueue_init(struct mqueue *q, u32 count_max, u32 size_max)
{
	u64 bytes = charge_of(count_max, size_max);
	u32 uid = current_cred()->uid;
	int err = mq_charge(uid, bytes, current_rlimit(RLIMIT_MSGQUEUE));

	if (err)
		return err;
	mutex_init(&q->lock, RANK_FS_PRIVATE2);
	waitq_init(&q->readable);
	waitq_init(&q->writable);
	q->messages = RB_ROOT;
	q->count_max = count_max;
	q->size_max = size_max;
	q->charged_uid = uid;
	q->charged_bytes = bytes;
	return 0;
}

void mqueue_fini(struct mqueue *q)
{
	struct mq_message *m, *next;

	rb_for_each_entry_postorder_safe(m, next, &q->messages, node)
		mq_message_free(m);
	if (q->notice.owner)
		process_put(q->notice.owner);
	mq_uncharge(q->charged_uid, q->charged_bytes);
}

struct mq_message *mq_message_alloc(u64 len)
{
	struct mq_message *m = kvmalloc(sizeof(*m) + len, ALLOC_KERNEL);

	if (m)
		m->len = len;
	return m;
}

void mq_message_free(struct mq_message *m)
{
	kvfree(m);
}

/* ---- the order ---- */

static bool comes_before(const struct mq_message *a, const struct mq_message *b)
{
	return a->prio != b->prio ? a->prio > b->prio : a->serial < b->serial;
}

static void insert_locked(struct mqueue *q, struct mq_message *m)
{
	struct rb_node **link = &q->messages.node, *parent = NULL;

	m->serial = q->next_serial++;
	while (*link) {
		parent = *link;
		link = comes_before(m, rb_entry(parent, struct mq_message, node)) ? &parent->left : &parent->right;
	}
	rb_link(&m->node, parent, link);
	rb_insert_fixup(&q->messages, &m->node);
	q->bytes += m->len;
	WRITE_ONCE(q->count, q->count + 1);
}

static struct mq_message *take_locked(struct mqueue *q)
{
	struct mq_message *m = rb_entry(rb_first(&q->messages), struct mq_message, node);

	rb_erase(&q->messages, &m->node);
	q->bytes -= m->len;
	WRITE_ONCE(q->count, q->count - 1);
	return m;
}

/* ---- notices ---- */

static void clear_notice_locked(struct mqueue *q)
{
	if (q->notice.owner)
		process_put(q->notice.owner);
	q->notice.owner = NULL;
}

static void send_notice_locked(struct mqueue *q)
{
	siginfo_t info;

	if (q->notice.how == SIGEV_SIGNAL) {
		siginfo_init(&info, q->notice.signo, SI_MESGQ);
		info.si_pid = (int)process_id(current_process());
		info.si_uid = current_cred()->uid;
		info.si_value = q->notice.value;
		(void)signal_process(q->notice.owner, q->notice.signo, &info);
	}
	clear_notice_locked(q);
}

int mqueue_notify(struct mqueue *q, const struct mq_notice *n)
{
	struct process *me = current_process();
	int err = 0;

	mutex_lock(&q->lock);
	if (!n) {
		if (q->notice.owner == me)
			clear_notice_locked(q);
	} else if (q->notice.owner) {
		err = -EBUSY;
	} else {
		q->notice = *n;
		q->notice.owner = process_get(me);
	}
	mutex_unlock(&q->lock);
	return err;
}

void mqueue_notify_forget(struct mqueue *q)
{
	if (current()->task)
		(void)!mqueue_notify(q, NULL);
}

/* ---- sending and receiving ---- */

int mqueue_send(struct mqueue *q, struct mq_message *m, bool nonblock, u64 deadline_ns)
{
	int err = 0;

	mutex_lock(&q->lock);
	while (q->count >= q->count_max && !err) {
		mutex_unlock(&q->lock);
		err = nonblock ? -EAGAIN :
		      wait_event_state(&q->writable, READ_ONCE(q->count) < q->count_max, TS_INTERRUPTIBLE, deadline_ns, true);
		mutex_lock(&q->lock);
	}
	if (!err) {
		bool first = !q->count;

		insert_locked(q, m);
		if (first && q->notice.owner && !q->receivers)
			send_notice_locked(q);
		wake_up_poll(&q->readable, EPOLLIN | EPOLLRDNORM);
	}
	mutex_unlock(&q->lock);
	return err;
}

struct mq_message *mqueue_receive(struct mqueue *q, bool nonblock, u64 deadline_ns)
{
	struct mq_message *m = NULL;
	int err = 0;

	mutex_lock(&q->lock);
	while (!q->count && !err) {
		q->receivers++;
		mutex_unlock(&q->lock);
		err = nonblock ? -EAGAIN :
		      wait_event_state(&q->readable, READ_ONCE(q->count) != 0, TS_INTERRUPTIBLE, deadline_ns, true);
		mutex_lock(&q->lock);
		q->receivers--;
	}
	if (!err) {
		m = take_locked(q);
		wake_up_poll(&q->writable, EPOLLOUT | EPOLLWRNORM);
	}
	mutex_unlock(&q->lock);
	return err ? ERR_PTR(err) : m;
}
