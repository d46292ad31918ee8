/* System V message queues.  See msg.h. */
#include <linux/capability.h>
#include <linux/errno.h>
#include "base/string.h"
#include "ipc/ipc.h"
#include "ipc/msg.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "kern/wait.h"

/* Locks: o object lock · I immutable · a atomic */
struct msg_queue {
	struct ipc_object object;	/* first */
	struct list_head messages;	/* [o] oldest first */
	u64 bytes, count, bytes_max;	/* [o] */
	s64 stime, rtime, ctime;	/* [o] */
	s32 send_pid, receive_pid;	/* [o] */
	u32 changes;			/* [o, a] sendings, takings, removal: who sleeps compares */
	struct waitq senders, receivers;
};

struct ipc_table msg_table;
u32 msg_bytes_max = MSG_BYTES_DEFAULT, msg_queue_bytes_default = MSG_QUEUE_BYTES_DEFAULT;
static u64 total_bytes, total_count;	/* [a] */

static struct msg_queue *queue_of(struct ipc_object *o)
{
	return container_of(o, struct msg_queue, object);
}

struct msg *msg_alloc(u64 len)
{
	struct msg *m = kvmalloc(sizeof(*m) + len, ALLOC_KERNEL);

	if (m)
		m->len = len;
	return m;
}

void msg_free(struct msg *m)
{
	kvfree(m);
}

/* ---- life ---- */

static int check_nothing(const struct ipc_object *o, u64 size)
{
	return 0;
}

static struct ipc_object *create(s32 key, u32 flags, u64 size)
{
	struct msg_queue *q = kvmalloc(sizeof(*q), ALLOC_KERNEL | ALLOC_ZERO);

	if (!q)
		return ERR_PTR(-ENOMEM);
	ipc_object_init(&q->object, msg_table.kind, key, flags);
	list_init(&q->messages);
	waitq_init(&q->senders);
	waitq_init(&q->receivers);
	q->bytes_max = atomic_load(&msg_queue_bytes_default);
	q->ctime = ipc_now_sec();
	return &q->object;
}

static void unlink_message(struct msg_queue *q, struct msg *m)
{
	list_del(&m->node);
	q->bytes -= m->len;
	q->count--;
	atomic_sub(&total_bytes, m->len);
	atomic_dec(&total_count);
}

static void destroy(struct ipc_object *o)
{
	struct msg_queue *q = queue_of(o);

	while (!list_empty(&q->messages)) {
		struct msg *m = list_first_entry(&q->messages, struct msg, node);

		unlink_message(q, m);
		msg_free(m);
	}
}

static const struct ipc_kind msg_kind = { .create = create, .check = check_nothing, .destroy = destroy };

s32 msg_get(s32 key, u32 flags)
{
	return ipc_get(&msg_table, key, flags, 0);
}

static void changed_locked(struct msg_queue *q, struct waitq *who)
{
	atomic_store(&q->changes, q->changes + 1);
	wake_up_all(who);
}

/*
 * Let go of the queue until it changed. Locked when called and when it returns.
 * Return: 0, -ERESTARTNOHAND, -EIDRM
 */
static int wait_change_locked(struct msg_queue *q, struct waitq *where)
{
	u32 seen = q->changes;

	mutex_unlock(&q->object.lock);
	int err = wait_event_interruptible(where, atomic_load(&q->changes) != seen);

	mutex_lock(&q->object.lock);
	if (q->object.removed)
		return -EIDRM;
	return err ? -ERESTARTNOHAND : 0;
}

/* ---- sending ---- */

static bool fits(const struct msg_queue *q, u64 len)
{
	return q->bytes + len <= q->bytes_max && q->count + 1 <= q->bytes_max;
}

int msg_send(s32 id, struct msg *m, u32 flags)
{
	if (m->type < 1)
		return -EINVAL;
	struct ipc_object *o = ipc_lock(&msg_table, id, IPC_MAY_WRITE);

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	struct msg_queue *q = queue_of(o);
	int err = 0;

	while (!err && !fits(q, m->len)) {
		err = flags & IPC_NOWAIT ? -EAGAIN : wait_change_locked(q, &q->senders);
		if (!err)
			err = ipc_permit(o, IPC_MAY_WRITE);
	}
	if (!err) {
		list_add_tail(&m->node, &q->messages);
		q->bytes += m->len;
		q->count++;
		atomic_add(&total_bytes, m->len);
		atomic_inc(&total_count);
		q->send_pid = ipc_current_pid();
		q->stime = ipc_now_sec();
		changed_locked(q, &q->receivers);
	}
	ipc_unlock(o);
	return err;
}

/* ---- receiving ---- */

/* The message that msgrcv with @type means, or NULL. */
static struct msg *choose(struct msg_queue *q, s64 type, u32 flags)
{
	struct msg *m, *best = NULL;
	s64 at = 0;

	list_for_each_entry(m, &q->messages, node) {
		if (flags & MSG_COPY) {
			if (at++ == type)
				return m;
		} else if (type < 0) {
			/* the lowest type up to -type; of S64_MIN there is no opposite */
			if (m->type <= (type == -(s64)(~0ull >> 1) - 1 ? (s64)(~0ull >> 1) : -type) &&
			    (!best || m->type < best->type))
				best = m;
		} else if (!type || (m->type == type) != !!(flags & MSG_EXCEPT)) {
			return m;
		}
	}
	return best;
}

static struct msg *copy_message(const struct msg *m)
{
	struct msg *c = msg_alloc(m->len);

	if (!c)
		return ERR_PTR(-ENOMEM);
	c->type = m->type;
	memcpy(c->text, m->text, m->len);
	return c;
}

static struct msg *take_locked(struct msg_queue *q, struct msg *m, u64 len, u32 flags)
{
	if (m->len > len && !(flags & MSG_NOERROR))
		return ERR_PTR(-E2BIG);
	if (flags & MSG_COPY)
		return copy_message(m);
	unlink_message(q, m);
	q->receive_pid = ipc_current_pid();
	q->rtime = ipc_now_sec();
	changed_locked(q, &q->senders);
	return m;
}

static struct msg *receive_locked(struct msg_queue *q, u64 len, s64 type, u32 flags)
{
	for (;;) {
		struct msg *m = choose(q, type, flags);
		int err;

		if (m)
			return take_locked(q, m, len, flags);
		if (flags & IPC_NOWAIT)
			return ERR_PTR(-ENOMSG);
		err = wait_change_locked(q, &q->receivers);
		if (!err)
			err = ipc_permit(&q->object, IPC_MAY_READ);
		if (err)
			return ERR_PTR(err);
	}
}

struct msg *msg_receive(s32 id, u64 len, s64 type, u32 flags)
{
	if (id < 0 || (s64)len < 0)
		return ERR_PTR(-EINVAL);
	if (flags & MSG_COPY && (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT)))
		return ERR_PTR(-EINVAL);
	struct ipc_object *o = ipc_lock(&msg_table, id, IPC_MAY_READ);

	if (IS_ERR(o))
		return ERR_CAST(o);
	struct msg *m = receive_locked(queue_of(o), len, type, flags);

	ipc_unlock(o);
	return m;
}

/* ---- control ---- */

static void show_locked(struct msg_queue *q, struct msqid64_ds *out)
{
	memset(out, 0, sizeof(*out));
	ipc_show_perm(&q->object, &out->msg_perm);
	out->msg_stime = q->stime;
	out->msg_rtime = q->rtime;
	out->msg_ctime = q->ctime;
	out->msg_cbytes = q->bytes;
	out->msg_qnum = q->count;
	out->msg_qbytes = q->bytes_max;
	out->msg_lspid = q->send_pid;
	out->msg_lrpid = q->receive_pid;
}

s32 msg_stat(int cmd, s32 id, struct msqid64_ds *out)
{
	u32 may = cmd == MSG_STAT_ANY ? 0 : IPC_MAY_READ;
	struct ipc_object *o = cmd == IPC_STAT ? ipc_lock(&msg_table, id, may) : ipc_lock_index(&msg_table, id, may);

	if (IS_ERR(o))
		return (s32)PTR_ERR(o);
	s32 ret = cmd == IPC_STAT ? 0 : o->id;

	show_locked(queue_of(o), out);
	ipc_unlock(o);
	return ret;
}

int msg_set(s32 id, const struct ipc64_perm *perm, u64 queue_bytes)
{
	struct ipc_object *o = ipc_lock_owned(&msg_table, id);

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	struct msg_queue *q = queue_of(o);
	int err = queue_bytes > atomic_load(&msg_queue_bytes_default) && !capable(CAP_SYS_RESOURCE) ? -EPERM : 0;

	if (!err)
		err = ipc_set_perm(o, perm);
	if (!err) {
		q->bytes_max = queue_bytes;
		q->ctime = ipc_now_sec();
		/* who sleeps may lack the right by now, or find room */
		changed_locked(q, &q->receivers);
		changed_locked(q, &q->senders);
	}
	ipc_unlock_owned(&msg_table, o);
	return err;
}

int msg_remove(s32 id)
{
	struct ipc_object *o = ipc_lock_owned(&msg_table, id);

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	struct msg_queue *q = queue_of(o);

	ipc_remove_locked(&msg_table, o);
	changed_locked(q, &q->receivers);
	changed_locked(q, &q->senders);
	ipc_unlock_owned(&msg_table, o);
	return 0;
}

void msg_info(bool figures, struct msginfo *out)
{
	*out = (struct msginfo){ .msgmni = (int)atomic_load(&msg_table.count_max), .msgmax = (int)atomic_load(&msg_bytes_max),
				 .msgmnb = (int)atomic_load(&msg_queue_bytes_default), .msgssz = MSGSSZ, .msgseg = MSGSEG };
	out->msgpool = figures ? (int)READ_ONCE(msg_table.count) : MSGPOOL;
	out->msgmap = figures ? (int)atomic_load(&total_count) : MSGMAP;
	out->msgtql = figures ? (int)atomic_load(&total_bytes) : MSGTQL;
}

void msg_init(void)
{
	ipc_table_init(&msg_table, &msg_kind, MSG_QUEUES_DEFAULT);
}
