/*
 * System V semaphores: sets, operations, control.  See sem.h.
 *
 * A sleeper's record lies on its stack, in set->waiters; who lets it go does so under the set's lock, and the sleeper
 * takes that lock once more before it returns, so the record outlives everybody's use of it.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "ipc/ipc.h"
#include "ipc/sem_internal.h"
#include "kern/slab.h"
#include "kern/wait.h"
#include "task/task.h"

enum { WOULD_BLOCK = 1 };	/* beside 0 and -errno */

/* Locks: o object lock · I immutable */
struct sem_waiter {
	struct list_head node;		/* [o] */
	const struct sembuf *ops;	/* [I] */
	u32 n;				/* [I] */
	const struct process *owner;	/* [I] */
	s32 pid;			/* [I] */
	u32 blocked_on;			/* [o] which operation cannot go on */
	bool undoes;			/* [I] one of them has SEM_UNDO */
	bool done;			/* [o, a] result is set */
	int result;
	struct waitq q;
};

struct ipc_table sem_table;
u32 sem_limit[SEM_LIMITS] = { SEMMSL, SEMMNS, SEMOPM, SEMMNI };
static u32 sems_used;		/* [a] in all sets */

/* ---- life ---- */

static int check_count(const struct ipc_object *o, u64 count)
{
	return count > container_of(o, struct sem_set, object)->count ? -EINVAL : 0;
}

static struct ipc_object *create(s32 key, u32 flags, u64 count)
{
	struct sem_set *s;

	if (!count)
		return ERR_PTR(-EINVAL);
	if (atomic_add_return(&sems_used, (u32)count) > atomic_load(&sem_limit[SEM_LIMIT_TOTAL])) {
		atomic_sub(&sems_used, (u32)count);
		return ERR_PTR(-ENOSPC);
	}
	s = kvmalloc(sizeof(*s) + count * sizeof(s->sem[0]), ALLOC_KERNEL | ALLOC_ZERO);
	if (!s) {
		atomic_sub(&sems_used, (u32)count);
		return ERR_PTR(-ENOMEM);
	}
	ipc_object_init(&s->object, sem_table.kind, key, flags);
	s->count = (u32)count;
	s->ctime = ipc_now_sec();
	list_init(&s->waiters);
	list_init(&s->undos);
	return &s->object;
}

static void destroy(struct ipc_object *o)
{
	atomic_sub(&sems_used, set_of(o)->count);
}

static const struct ipc_kind sem_kind = { .create = create, .check = check_count, .destroy = destroy };

s32 sem_get(s32 key, s32 count, u32 flags)
{
	if (count < 0 || (u32)count > atomic_load(&sem_limit[SEM_LIMIT_PER_SET]))
		return -EINVAL;
	return ipc_get(&sem_table, key, flags, (u64)count);
}

/* ---- operations ---- */

/* One operation. Return: 0, WOULD_BLOCK, -ERANGE */
static int apply_one(struct sem_set *s, const struct sembuf *op, s16 *undo)
{
	struct semaphore *sem = &s->sem[op->sem_num];
	s32 value = sem->value + op->sem_op;

	if (op->sem_op == 0)
		return sem->value ? WOULD_BLOCK : 0;
	if (value < 0)
		return WOULD_BLOCK;
	if (value > SEMVMX)
		return -ERANGE;
	if (op->sem_flg & SEM_UNDO) {
		s32 adjust = undo[op->sem_num] - op->sem_op;

		if (adjust > SEMAEM || adjust < -SEMAEM - 1)
			return -ERANGE;
		undo[op->sem_num] = (s16)adjust;
	}
	sem->value = (u16)value;
	return 0;
}

static void take_back(struct sem_set *s, const struct sembuf *ops, u32 n, s16 *undo)
{
	while (n-- > 0) {
		struct semaphore *sem = &s->sem[ops[n].sem_num];

		sem->value = (u16)(sem->value - ops[n].sem_op);
		if (ops[n].sem_flg & SEM_UNDO)
			undo[ops[n].sem_num] = (s16)(undo[ops[n].sem_num] + ops[n].sem_op);
	}
}

/* All of @w's operations, or none of them. Return: 0, WOULD_BLOCK with w->blocked_on set, -ERANGE, -EAGAIN */
static int apply_all(struct sem_set *s, struct sem_waiter *w)
{
	s16 *undo = w->undoes ? sem_undo_of_locked(s, w->owner) : NULL;

	for (u32 i = 0; i < w->n; i++) {
		int err = apply_one(s, &w->ops[i], undo);

		if (!err)
			continue;
		take_back(s, w->ops, i, undo);
		w->blocked_on = i;
		return err == WOULD_BLOCK && w->ops[i].sem_flg & IPC_NOWAIT ? -EAGAIN : err;
	}
	for (u32 i = 0; i < w->n; i++)
		s->sem[w->ops[i].sem_num].pid = w->pid;
	s->otime = ipc_now_sec();
	return 0;
}

static bool alters(const struct sembuf *ops, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (ops[i].sem_op)
			return true;
	return false;
}

static void let_go(struct sem_waiter *w, int result)
{
	list_del_init(&w->node);
	w->result = result;
	atomic_store_release(&w->done, true);
	wake_up_all(&w->q);
}

/* The first waiter that can go on goes. Return: whether that changed counters, so that others may follow */
static bool serve_once(struct sem_set *s)
{
	struct sem_waiter *w, *next;

	list_for_each_entry_safe(w, next, &s->waiters, node) {
		int err = apply_all(s, w);

		if (err == WOULD_BLOCK)
			continue;
		let_go(w, err);
		if (!err && alters(w->ops, w->n))
			return true;
	}
	return false;
}

void sem_serve_locked(struct sem_set *s)
{
	while (serve_once(s))
		;
}

static int check_ops(struct sem_set *s, const struct sembuf *ops, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (ops[i].sem_num >= s->count)
			return -EFBIG;
	return 0;
}

/* Until let go, interrupted, or too late. The set is locked when called and when it returns. */
static int wait_locked(struct sem_set *s, struct sem_waiter *w, u64 deadline_ns)
{
	list_add_tail(&w->node, &s->waiters);
	mutex_unlock(&s->object.lock);
	int err = wait_event_interruptible_until(&w->q, atomic_load_acquire(&w->done), deadline_ns);

	mutex_lock(&s->object.lock);
	if (w->done)
		return w->result;
	list_del(&w->node);
	return err == -ETIMEDOUT ? -EAGAIN : -EINTR;
}

static int operate_locked(struct sem_set *s, struct sem_waiter *w, u64 deadline_ns)
{
	int err;

	if (w->undoes && !sem_undo_get_locked(s))
		return -ENOMEM;
	err = apply_all(s, w);
	if (err == WOULD_BLOCK)
		return wait_locked(s, w, deadline_ns);
	if (!err && alters(w->ops, w->n))
		sem_serve_locked(s);
	return err;
}

static bool any_undo(const struct sembuf *ops, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (ops[i].sem_flg & SEM_UNDO)
			return true;
	return false;
}

int sem_operate(s32 id, const struct sembuf *ops, u32 n, u64 deadline_ns)
{
	struct sem_waiter w = { .ops = ops, .n = n, .owner = current_process(), .pid = ipc_current_pid(),
				.undoes = any_undo(ops, n) };
	struct ipc_object *o = ipc_find(&sem_table, id);
	int err;

	if (!o)
		return -EINVAL;
	waitq_init(&w.q);
	mutex_lock(&o->lock);
	err = check_ops(set_of(o), ops, n);
	if (!err)
		err = ipc_permit(o, alters(ops, n) ? IPC_MAY_WRITE : IPC_MAY_READ);
	if (!err && o->removed)
		err = -EIDRM;
	if (!err)
		err = operate_locked(set_of(o), &w, deadline_ns);
	ipc_unlock(o);
	return err;
}

/* ---- values ---- */

s32 sem_count(s32 id)
{
	struct ipc_object *o = ipc_find(&sem_table, id);

	if (!o)
		return -EINVAL;
	s32 n = (s32)set_of(o)->count;

	ipc_put(o);
	return n;
}

int sem_get_all(s32 id, u16 *values)
{
	struct ipc_object *o = ipc_lock(&sem_table, id, IPC_MAY_READ);

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	struct sem_set *s = set_of(o);

	for (u32 i = 0; i < s->count; i++)
		values[i] = s->sem[i].value;
	ipc_unlock(o);
	return 0;
}

static void store_locked(struct sem_set *s, u32 num, u32 value)
{
	s->sem[num].value = (u16)value;
	s->sem[num].pid = ipc_current_pid();
}

static void stored_locked(struct sem_set *s, u32 first, u32 end)
{
	sem_undo_clear_locked(s, first, end);
	s->ctime = ipc_now_sec();
	sem_serve_locked(s);
}

int sem_set_all(s32 id, const u16 *values)
{
	struct ipc_object *o = ipc_lock(&sem_table, id, IPC_MAY_WRITE);

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	struct sem_set *s = set_of(o);
	int err = 0;

	for (u32 i = 0; i < s->count && !err; i++)
		err = values[i] > SEMVMX ? -ERANGE : 0;
	if (!err) {
		for (u32 i = 0; i < s->count; i++)
			store_locked(s, i, values[i]);
		stored_locked(s, 0, s->count);
	}
	ipc_unlock(o);
	return err;
}

int sem_set_value(s32 id, s32 num, s32 value)
{
	if (value < 0 || value > SEMVMX)
		return -ERANGE;
	struct ipc_object *o = ipc_lock(&sem_table, id, IPC_MAY_WRITE);

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	struct sem_set *s = set_of(o);
	int err = num < 0 || (u32)num >= s->count ? -EINVAL : 0;

	if (!err) {
		store_locked(s, (u32)num, (u32)value);
		stored_locked(s, (u32)num, (u32)num + 1);
	}
	ipc_unlock(o);
	return err;
}

/* How many wait for semaphore @num to be zero, or to grow. */
static s32 count_waiters(struct sem_set *s, u32 num, bool for_zero)
{
	struct sem_waiter *w;
	s32 n = 0;

	list_for_each_entry(w, &s->waiters, node) {
		const struct sembuf *op = &w->ops[w->blocked_on];

		n += op->sem_num == num && !op->sem_op == for_zero;
	}
	return n;
}

static s32 query_locked(struct sem_set *s, int cmd, u32 num)
{
	switch (cmd) {
	case GETVAL: return s->sem[num].value;
	case GETPID: return s->sem[num].pid;
	case GETNCNT: return count_waiters(s, num, false);
	case GETZCNT: return count_waiters(s, num, true);
	}
	return -EINVAL;
}

s32 sem_query(int cmd, s32 id, s32 num)
{
	struct ipc_object *o = ipc_lock(&sem_table, id, IPC_MAY_READ);

	if (IS_ERR(o))
		return (s32)PTR_ERR(o);
	struct sem_set *s = set_of(o);
	s32 ret = num < 0 || (u32)num >= s->count ? -EINVAL : query_locked(s, cmd, (u32)num);

	ipc_unlock(o);
	return ret;
}

/* ---- control ---- */

s32 sem_stat(int cmd, s32 id, struct semid64_ds *out)
{
	u32 may = cmd == SEM_STAT_ANY ? 0 : IPC_MAY_READ;
	struct ipc_object *o = cmd == IPC_STAT ? ipc_lock(&sem_table, id, may) : ipc_lock_index(&sem_table, id, may);

	if (IS_ERR(o))
		return (s32)PTR_ERR(o);
	struct sem_set *s = set_of(o);
	s32 ret = cmd == IPC_STAT ? 0 : o->id;

	memset(out, 0, sizeof(*out));
	ipc_show_perm(o, &out->sem_perm);
	out->sem_otime = s->otime;
	out->sem_ctime = s->ctime;
	out->sem_nsems = s->count;
	ipc_unlock(o);
	return ret;
}

int sem_set(s32 id, const struct ipc64_perm *perm)
{
	struct ipc_object *o = ipc_lock_owned(&sem_table, id);

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	int err = ipc_set_perm(o, perm);

	if (!err)
		set_of(o)->ctime = ipc_now_sec();
	ipc_unlock_owned(&sem_table, o);
	return err;
}

int sem_remove(s32 id)
{
	struct ipc_object *o = ipc_lock_owned(&sem_table, id);

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	struct sem_set *s = set_of(o);

	sem_undo_drop_locked(s);	/* while the table still holds it: see next_set in sem_undo.c */
	while (!list_empty(&s->waiters))
		let_go(list_first_entry(&s->waiters, struct sem_waiter, node), -EIDRM);
	ipc_remove_locked(&sem_table, o);
	ipc_unlock_owned(&sem_table, o);
	return 0;
}

void sem_info(bool figures, struct seminfo *out)
{
	*out = (struct seminfo){ .semmap = (int)SEMMAP, .semmni = (int)atomic_load(&sem_table.count_max),
				 .semmns = (int)atomic_load(&sem_limit[SEM_LIMIT_TOTAL]), .semmnu = (int)SEMMNU,
				 .semmsl = (int)atomic_load(&sem_limit[SEM_LIMIT_PER_SET]),
				 .semopm = (int)atomic_load(&sem_limit[SEM_LIMIT_OPS]), .semume = SEMUME,
				 .semusz = SEMUSZ, .semvmx = SEMVMX, .semaem = SEMAEM };
	if (figures) {
		out->semusz = (int)READ_ONCE(sem_table.count);
		out->semaem = (int)atomic_load(&sems_used);
	}
}

void sem_init(void)
{
	ipc_table_init(&sem_table, &sem_kind, SEMMNI);
	sem_undo_init();
}
