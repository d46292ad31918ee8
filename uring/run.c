/*
 * Who runs requests: the submitter in io_uring_enter, the ring's runner, the pool; see uring.h.
 *
 * A kernel thread that acts as a submitter holds a reference on its ident, so that the task cannot end meanwhile: uring_task_gone
 * waits until the idents of the task are its own alone.
 */
#include <linux/errno.h>
#include "kern/sched.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "uring/uring.h"
#include "vfs/path.h"

enum { WORKER_IDLE_NS = NS_PER_SEC, URING_RING_FDS = 16 };

/* A task that uses a ring. */
struct uring_node {
	struct thread *thread;
	struct uring *ring;		/* a reference */
	struct uring_ident *ident;	/* a reference; replaced when the thread's identity changes */
	struct list_head of_thread;	/* [nodes_lock] */
	struct list_head of_ring;	/* [nodes_lock] */
};

/* thread->uring */
struct uring_task {
	struct list_head nodes;		/* [nodes_lock] */
	struct file *ring[URING_RING_FDS];	/* the thread's own: registered descriptors, references */
};

struct uring_worker {
	struct thread *thread;		/* [l] set by itself */
	struct uring *ring;
	struct uring_pool *pool;
	struct uring_req *req;		/* [l] */
	struct list_head node;		/* [l] pool->workers */
	bool idle;			/* [l] */
};

static struct spinlock nodes_lock = SPINLOCK_INIT(RANK_LEAF_SPIN);

/* ---- idents ---- */

static bool ident_is_current(const struct uring_ident *id)
{
	const struct thread *t = current();

	return id->mm == t->mm && id->files == t->files && id->fs == t->fs && id->cred == t->cred && id->ns == t->ns;
}

static struct uring_ident *ident_new(void)
{
	struct thread *t = current();
	struct uring_ident *id = kzalloc(sizeof(*id), ALLOC_KERNEL);

	if (!id)
		return NULL;
	id->refs = 1;
	id->thread = t;
	id->task = t->task;
	id->mm = t->mm;
	mm_get(id->mm);
	id->files = t->files;
	files_get(id->files);
	id->fs = t->fs;
	fs_context_get(id->fs);
	id->cred = cred_get(t->cred);
	id->ns = t->ns;
	if (id->ns)
		uring_task->ns_get(id->ns);
	return id;
}

void uring_ident_put(struct uring *ring, struct uring_ident *id)
{
	while (id && atomic_dec_and_test(&id->refs)) {
		struct uring_ident *next = id->next;

		mm_put(id->mm);
		files_put(id->files);
		fs_context_put(id->fs);
		cred_put(id->cred);
		if (id->ns)
			uring_task->ns_put(id->ns);
		kfree(id);
		id = next;
	}
}

bool uring_ident_put_light(struct uring_ident *id)
{
	u32 refs = atomic_load(&id->refs);

	while (refs > 1)
		if (try_cmpxchg(&id->refs, &refs, refs - 1))
			return true;
	return false;
}

static struct uring_node *node_find(struct uring *ring)
{
	struct uring_task *ut = current()->uring;
	struct uring_node *n, *found = NULL;

	spin_lock(&nodes_lock);
	list_for_each_entry(n, &ut->nodes, of_thread)
		if (n->ring == ring)
			found = n;
	spin_unlock(&nodes_lock);
	return found;
}

static struct uring_node *node_new(struct uring *ring)
{
	struct uring_node *n = kzalloc(sizeof(*n), ALLOC_KERNEL);

	if (!n)
		return NULL;
	n->ident = ident_new();
	if (!n->ident) {
		kfree(n);
		return NULL;
	}
	n->thread = current();
	n->ring = ring;
	uring_get(ring);
	spin_lock(&nodes_lock);
	list_add_tail(&n->of_thread, &((struct uring_task *)current()->uring)->nodes);
	list_add_tail(&n->of_ring, &ring->nodes);
	spin_unlock(&nodes_lock);
	return n;
}

static struct uring_task *task_get(void)
{
	struct uring_task *ut = current()->uring;

	if (ut)
		return ut;
	ut = kzalloc(sizeof(*ut), ALLOC_KERNEL);
	if (ut)
		list_init(&ut->nodes);
	current()->uring = ut;
	return ut;
}

struct file *uring_registered_fd(u32 slot)
{
	struct uring_task *ut = current()->uring;

	if (!ut || slot >= URING_RING_FDS)
		return ERR_PTR(-EINVAL);
	return ut->ring[slot] ? file_get(ut->ring[slot]) : NULL;
}

int uring_ring_fd_set(u32 slot, struct file *f)
{
	struct uring_task *ut = task_get();

	if (!ut)
		return -ENOMEM;
	if (slot == ~0u)
		for (slot = 0; slot < URING_RING_FDS && ut->ring[slot]; slot++)
			;
	else if (slot >= URING_RING_FDS)
		return -EINVAL;
	if (slot >= URING_RING_FDS || (f && ut->ring[slot]))
		return -EBUSY;
	if (ut->ring[slot])
		file_put(ut->ring[slot]);
	ut->ring[slot] = f;
	return (int)slot;
}

/* The caller holds the ring's file, so its nodes are only removed by their own threads. */
struct uring_ident *uring_ident_get(struct uring *ring)
{
	struct uring_node *n;

	if (!task_get())
		return NULL;
	n = node_find(ring);
	if (!n)
		n = node_new(ring);
	if (!n)
		return NULL;
	if (!ident_is_current(n->ident)) {
		struct uring_ident *id = ident_new(), *old = n->ident;

		if (!id)
			return NULL;
		atomic_inc(&id->refs);
		old->next = id;
		n->ident = id;
		uring_ident_put(ring, old);
	}
	atomic_inc(&n->ident->refs);
	return n->ident;
}

static void node_free(struct uring_node *n)
{
	uring_ident_put(n->ring, n->ident);
	uring_put(n->ring);
	kfree(n);
}

void uring_nodes_drop(struct uring *ring)
{
	for (;;) {
		struct uring_node *n = NULL;

		spin_lock(&nodes_lock);
		if (!list_empty(&ring->nodes)) {
			n = list_first_entry(&ring->nodes, struct uring_node, of_ring);
			list_del(&n->of_ring);
			list_del(&n->of_thread);
		}
		spin_unlock(&nodes_lock);
		if (!n)
			return;
		node_free(n);
	}
}

static void mark_gone(struct uring *ring, struct thread *t)
{
	struct uring_req *r;
	u64 irq = uring_lock(ring);

	list_for_each_entry(r, &ring->all, all)
		if (r->ident->thread == t)
			r->ident->gone = true;
	uring_unlock(ring, irq);
}

/* All of @n's thread at @n's ring comes to its end. */
static void node_end(struct uring_node *n)
{
	struct uring *ring = n->ring;
	struct uring_ident *id = n->ident;
	const struct uring_match mine = {
		.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL, .thread = current(), .everything = true,
	};

	mark_gone(ring, current());
	u64 irq = uring_lock(ring);
	id->gone = true;
	bool poller = ring->poller_ident && ring->poller_ident->thread == current();
	uring_unlock(ring, irq);
	if (poller)
		uring_poller_end(ring);
	(void)uring_cancel(ring, &mine);
	for (;;) {
		uring_run_ready(ring);
		if (!uring_busy(ring, &mine) && atomic_load(&id->refs) == 1)
			break;
		uring_wait_idle(ring, (!uring_busy(ring, &mine) && atomic_load(&id->refs) == 1) || uring_has_ready(ring, current()));
	}
	node_free(n);
}

void uring_task_gone(void)
{
	struct uring_task *ut = current()->uring;

	if (!ut)
		return;
	for (;;) {
		struct uring_node *n = NULL;

		spin_lock(&nodes_lock);
		if (!list_empty(&ut->nodes)) {
			n = list_first_entry(&ut->nodes, struct uring_node, of_thread);
			list_del(&n->of_thread);
			list_del(&n->of_ring);
		}
		spin_unlock(&nodes_lock);
		if (!n)
			break;
		node_end(n);
	}
	current()->uring = NULL;
	for (u32 i = 0; i < URING_RING_FDS; i++)
		if (ut->ring[i])
			file_put(ut->ring[i]);
	kfree(ut);
}

/* ---- acting as a submitter ---- */

void uring_act_as(struct uring *ring, struct uring_ident *id)
{
	struct thread *t = current();

	if (t->uring_as == id)
		return;
	if (t->uring_as)
		uring_act_as_nobody(ring);
	atomic_inc(&id->refs);
	t->uring_as = id;
	t->task = id->task;
	t->files = id->files;
	t->fs = id->fs;
	t->cred = id->cred;
	t->ns = id->ns;
	mm_switch_to(id->mm);
}

void uring_act_as_nobody(struct uring *ring)
{
	struct thread *t = current();
	struct uring_ident *id = t->uring_as;

	if (!id)
		return;
	mm_switch_to(NULL);
	t->task = NULL;
	t->files = NULL;
	t->fs = NULL;
	t->cred = &cred_root;
	t->ns = NULL;
	t->uring_as = NULL;
	uring_ident_put(ring, id);
	wake_up_all(&ring->idle);
}

/* ---- what is ready ---- */

void uring_kick_locked(struct uring *ring, struct uring_req *r)
{
	if (ring->in_enter && r->ident->thread == ring->in_enter) {
		thread_wake(ring->in_enter, WAKE_NORMAL);
	} else if (r->ident->gone) {
		if (ring->runner)
			thread_wake(ring->runner, WAKE_NORMAL);
	} else if (!(ring->setup & IORING_SETUP_DEFER_TASKRUN) || ring->flags & RING_DYING) {
		if (ring->runner)
			thread_wake(ring->runner, WAKE_NORMAL);
	} else if (ring->setup & IORING_SETUP_TASKRUN_FLAG) {
		atomic_or(&ring->shared->sq_flags, IORING_SQ_TASKRUN);
	}
}

bool uring_has_ready(struct uring *ring, struct thread *t)
{
	struct uring_req *r;
	bool found = false;
	u64 irq = uring_lock(ring);

	list_for_each_entry(r, &ring->ready, node)
		found |= r->ident->thread == t;
	uring_unlock(ring, irq);
	return found;
}

/* The next that @t (NULL: the runner) may run, RUNNING. */
static struct uring_req *take_locked(struct uring *ring, struct thread *t)
{
	bool deferred = ring->setup & IORING_SETUP_DEFER_TASKRUN && !(ring->flags & RING_DYING);
	struct uring_req *r;

	list_for_each_entry(r, &ring->ready, node) {
		if (t ? r->ident->thread != t : deferred && !r->ident->gone)
			continue;
		list_del_init(&r->node);
		r->state = US_RUNNING;
		return r;
	}
	return NULL;
}

void uring_run_ready(struct uring *ring)
{
	if (list_empty(&ring->ready))
		return;
	atomic_and(&ring->shared->sq_flags, ~(u32)IORING_SQ_TASKRUN);
	for (;;) {
		u64 irq = uring_lock(ring);
		struct uring_req *r = take_locked(ring, current());

		uring_unlock(ring, irq);
		if (!r)
			return;
		uring_run(r);
		cond_resched();
	}
}

void uring_enter_begin(struct uring *ring)
{
	u64 irq = uring_lock(ring);

	if (!ring->in_enter)
		ring->in_enter = current();
	uring_unlock(ring, irq);
}

void uring_enter_end(struct uring *ring)
{
	u64 irq = uring_lock(ring);

	if (ring->in_enter == current())
		ring->in_enter = NULL;
	uring_unlock(ring, irq);
	uring_run_ready(ring);		/* what was left for us until now */
}

static void runner(void *arg)
{
	struct uring *ring = arg;
	u64 irq = uring_lock(ring);

	ring->runner = current();
	for (;;) {
		struct uring_req *r = take_locked(ring, NULL);

		if (!r && ring->flags & RING_STOP)
			break;
		if (!r) {
			if (current()->uring_as) {
				uring_unlock(ring, irq);
				uring_act_as_nobody(ring);
				irq = uring_lock(ring);
				continue;
			}
			set_state(TS_UNINTERRUPTIBLE);
			uring_unlock(ring, irq);
			schedule();
			set_state(TS_RUNNING);
			irq = uring_lock(ring);
			continue;
		}
		uring_unlock(ring, irq);
		uring_act_as(ring, r->ident);
		uring_run(r);
		cond_resched();
		irq = uring_lock(ring);
	}
	ring->runner = NULL;
	uring_unlock(ring, irq);
	uring_act_as_nobody(ring);
	uring_thread_ended(ring);
}

static int thread_new(struct uring *ring, void (*fn)(void *arg), void *arg, const char *name)
{
	u64 irq = uring_lock(ring);

	ring->threads++;
	uring_unlock(ring, irq);
	uring_get(ring);
	if (!IS_ERR(kthread_create(fn, arg, "%s", name)))
		return 0;
	uring_thread_ended(ring);
	return -ENOMEM;
}

void uring_thread_ended(struct uring *ring)
{
	u64 irq = uring_lock(ring);

	ring->threads--;
	uring_unlock(ring, irq);
	wake_up_all(&ring->idle);
	uring_put(ring);
}

int uring_runner_start(struct uring *ring) { return thread_new(ring, runner, ring, "iou-run"); }
int uring_poller_thread(struct uring *ring, void (*fn)(void *arg)) { return thread_new(ring, fn, ring, "iou-sqp"); }

static bool threads_gone(struct uring *ring)
{
	u64 irq = uring_lock(ring);
	bool gone = !ring->threads;

	uring_unlock(ring, irq);
	return gone;
}

void uring_threads_stop(struct uring *ring)
{
	struct uring_worker *w;
	u64 irq = uring_lock(ring);

	ring->flags |= RING_STOP;
	if (ring->runner)
		thread_wake(ring->runner, WAKE_NORMAL);
	for (int i = 0; i < POOLS; i++)
		list_for_each_entry(w, &ring->pool[i].workers, node)
			if (w->thread)
				thread_wake(w->thread, WAKE_NORMAL);
	uring_unlock(ring, irq);
	wait_event(&ring->idle, threads_gone(ring));
}

/* ---- the pool ---- */

/* RUNNING, and interrupted if it is cancelled. */
static void worker_run(struct uring_worker *w, struct uring_req *r)
{
	struct uring *ring = w->ring;

	uring_act_as(ring, r->ident);
	uring_issue(r, ISSUE_BLOCK);
	u64 irq = uring_lock(ring);

	w->req = NULL;
	thread_clear_flag(current(), TF_SIGNAL);
	uring_unlock(ring, irq);
	cond_resched();
}

static struct uring_req *worker_take_locked(struct uring_worker *w)
{
	struct uring_req *r;

	if (list_empty(&w->pool->queue))
		return NULL;
	r = list_first_entry(&w->pool->queue, struct uring_req, node);
	list_del_init(&r->node);
	r->state = US_RUNNING;
	r->worker = w;
	w->req = r;
	return r;
}

static void worker(void *arg)
{
	struct uring_worker *w = arg;
	struct uring *ring = w->ring;
	u64 irq = uring_lock(ring);
	bool idle = false;		/* it has waited and nothing came */

	w->thread = current();
	for (;;) {
		struct uring_req *r = worker_take_locked(w);

		if (!r && (ring->flags & RING_STOP || idle))
			break;
		if (r) {
			uring_unlock(ring, irq);
			worker_run(w, r);
			irq = uring_lock(ring);
			continue;
		}
		if (current()->uring_as) {
			uring_unlock(ring, irq);
			uring_act_as_nobody(ring);
			irq = uring_lock(ring);
			continue;
		}
		w->idle = true;
		w->pool->idle++;
		set_state(TS_UNINTERRUPTIBLE);
		uring_unlock(ring, irq);
		idle = schedule_timeout(plat_mono_ns() + WORKER_IDLE_NS);
		set_state(TS_RUNNING);
		irq = uring_lock(ring);
		if (w->idle)
			w->pool->idle--;
		w->idle = false;
	}
	list_del(&w->node);
	w->pool->count--;
	uring_unlock(ring, irq);
	uring_act_as_nobody(ring);
	uring_thread_ended(ring);
	kfree(w);
}

/* Somebody for what was queued. lock held. Return: false: a thread has to be made */
static bool wake_worker_locked(struct uring_pool *p)
{
	struct uring_worker *w;

	list_for_each_entry(w, &p->workers, node) {
		if (w->idle) {
			w->idle = false;
			p->idle--;
			thread_wake(w->thread, WAKE_NORMAL);
			return true;
		}
	}
	return p->count >= p->max;
}

static int worker_new(struct uring *ring, struct uring_pool *p)
{
	struct uring_worker *w = kzalloc(sizeof(*w), ALLOC_KERNEL);
	int err = w ? 0 : -ENOMEM;

	u64 irq = uring_lock(ring);
	if (w) {
		w->ring = ring;
		w->pool = p;
		list_add_tail(&w->node, &p->workers);
		p->count++;
	}
	uring_unlock(ring, irq);
	if (!err)
		err = thread_new(ring, worker, w, "iou-wrk");
	if (!err || !w)
		return err;
	irq = uring_lock(ring);
	list_del(&w->node);
	p->count--;
	uring_unlock(ring, irq);
	kfree(w);
	return err;
}

/* No thread could be made: if none is there either, what is queued cannot be done. */
static void pool_fail(struct uring *ring, struct uring_pool *p)
{
	for (;;) {
		struct uring_req *r = NULL;
		u64 irq = uring_lock(ring);

		if (!p->count && !list_empty(&p->queue)) {
			r = list_first_entry(&p->queue, struct uring_req, node);
			list_del_init(&r->node);
			r->state = US_RUNNING;
		}
		uring_unlock(ring, irq);
		if (!r)
			return;
		uring_end(r, -ENOMEM);
	}
}

void uring_queue(struct uring_req *r)
{
	struct uring *ring = r->ring;
	struct uring_pool *p = &ring->pool[uring_ops[r->op].flags & OP_REGULAR || r->flags & REQ_REGULAR ? POOL_BOUNDED : POOL_UNBOUNDED];
	u64 irq = uring_lock(ring);

	if (uring_doomed(r)) {
		uring_unlock(ring, irq);
		uring_end(r, -ECANCELED);
		return;
	}
	r->state = US_QUEUED;
	list_add_tail(&r->node, &p->queue);
	bool found = wake_worker_locked(p);

	uring_get(ring);	/* @r may end at once */
	uring_unlock(ring, irq);
	if (!found && worker_new(ring, p))
		pool_fail(ring, p);
	uring_put(ring);
}

void uring_worker_interrupt_locked(struct uring_worker *w)
{
	thread_set_flag(w->thread, TF_SIGNAL);
	thread_wake(w->thread, WAKE_INTERRUPTIBLE);
}

void uring_workers_max(struct uring *ring, u32 max[POOLS])
{
	u64 irq = uring_lock(ring);

	for (int i = 0; i < POOLS; i++) {
		u32 old = ring->pool[i].max;

		if (max[i])
			ring->pool[i].max = max[i];
		max[i] = old;
	}
	uring_unlock(ring, irq);
}
