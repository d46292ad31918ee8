/*
 * io_uring: a program writes requests into a ring it shares with the kernel, and reads their results out of another.
 *
 * This directory knows rings, the life of requests, and who runs them when; it sees no opcode.  What an opcode means is told by
 * a table that sys/ registers (uring_register_ops), since only sys/ decodes what users point to.  So the directory uses only what
 * lies below it, and task/ reaches it through the hooks of sys/ (uring_task_gone).
 *
 *	submit.c	from the submission ring to a request; chains; the polling thread
 *	request.c	the life of a request: start, end, drain, chains
 *	run.c		who runs: the runner, the pool of workers, whose identity they take
 *	poll.c		waiting for readiness
 *	timeout.c	timers, counts, linked timeouts
 *	cancel.c	taking requests back: by name, at exec, at exit, at the ring's end
 *	ring.c		the file: memory, completions, overflow
 *	resource.c	registered files, buffers, provided buffers
 *
 * Life of a request (enum uring_state).  Its owner alone touches it; the owner changes only under ring->lock:
 *
 *	state		owner				goes to
 *	NEW		the submitter			RUNNING, WAITING (behind another), DEFERRED (drain)
 *	WAITING		the chain			READY (its turn), DONE (the chain broke)
 *	DEFERRED	the ring			READY (all older ones are done), RUNNING (cancelled)
 *	READY		the ring, on ring->ready	RUNNING
 *	RUNNING		the thread that runs it		ARMED, TIMER, QUEUED, DEVICE, DONE
 *	ARMED		the wait queues			READY (woken), RUNNING (cancelled)
 *	TIMER		the timer			READY (expired or counted), RUNNING (cancelled)
 *	QUEUED		the pool			RUNNING (by a worker, or cancelled)
 *	DEVICE		file_ops.start			READY (its end needs a thread), DONE
 *	DONE		nobody: resources are let go; the struct stays while its completion waits on the overflow list
 *
 * Invariants.
 *  1. Every request that was accepted is on ring->all, in the order of submission, until its last completion is posted: both
 *     happen under ring->lock.  So a drained request may start exactly when none older is on the list, and whoever takes one off
 *     the list looks at ring->deferred in the same hold of the lock: no wake-up is lost between the two.
 *  2. A wake-up that meets a request that is not ARMED is remembered in r->woken, which arming looks at under the lock.
 *  3. Who takes a request out of ARMED, TIMER, QUEUED or DEFERRED ends it: there is no second one.  What runs is not taken
 *     away: its worker is interrupted, and the request ends by itself.
 *  4. A completion is never lost: where the ring is full it waits on ring->overflow, in room that is part of the request (its
 *     last) or was allocated before (one of several; where that fails, the request ends with it).
 *
 * Contexts.  Requests are prepared and first tried in the submitter's own call, and everything they point to is copied there
 * (IORING_FEAT_SUBMIT_STABLE).  What becomes READY is run by the submitter while it is in io_uring_enter, else by the ring's
 * runner, a kernel thread.  What cannot be promised not to block goes to the pool.  Kernel threads act as the submitter
 * (struct uring_ident): its memory, descriptors, root, credentials, and its task.  Interrupts, timers and wait queues only move
 * requests to READY, or post the completion of a transfer that leaves nothing to be done.
 *
 * No cycle keeps a ring alive: an ident holds its task's descriptor table, but it goes when the task ends or execs, before
 * the table is let go, after its requests were cancelled and waited for (uring_task_gone); a ring cannot be
 * registered in a ring, nor sent through a socket (FOP_NO_RIGHTS).
 *
 * Locks: ring->submit (RANK_URING, sleeping: over submission, so outside all others); ring->lock (RANK_WORKQ, interrupts off:
 * taken inside wait queues' callbacks and timers; nothing is woken through a wait queue under it).
 *
 * Departures from Linux: all requests of a thread are cancelled when it ends, timeouts too; one runner and one pool a ring, not a task; a ring's SQPOLL thread ends with the thread that made the
 * ring; IORING_SETUP_ATTACH_WQ shares nothing, and only checks the descriptor, which is what it does on Linux without SQPOLL.
 *
 * Source: io_uring(7), io_uring_setup(2), io_uring_enter(2), io_uring_register(2); <linux/io_uring.h>; tests/abi/uring*.c.
 */
#ifndef URING_URING_H
#define URING_URING_H

#include <linux/io_uring.h>
#include "base/list.h"
#include "base/types.h"
#include "kern/cred.h"
#include "kern/lock.h"
#include "kern/mutex.h"
#include "kern/timer.h"
#include "kern/wait.h"
#include "kern/work.h"
#include "mm/iter.h"
#include "vfs/file.h"
#include "vfs/poll.h"

struct uring;
struct uring_req;
struct uring_tagged;
struct uring_worker;

enum uring_state {
	US_NEW, US_WAITING, US_DEFERRED, US_READY, US_RUNNING, US_ARMED, US_TIMER, US_QUEUED, US_DEVICE, US_DONE,
};

/* What a READY request is there for. */
enum uring_todo { TODO_START, TODO_RETRY, TODO_TIMER, TODO_END };

/* r->flags */
enum {
	REQ_LINK = 1,			/* followed by a link; a failure breaks the chain */
	REQ_HARDLINK = 2,		/* … a failure does not */
	REQ_DRAIN = 4,
	REQ_ASYNC = 8,			/* to the pool at once */
	REQ_SKIP_SUCCESS = 16,		/* no completion unless it fails */
	REQ_FIXED_FILE = 32,
	REQ_BUFFER_SELECT = 64,
	REQ_FAIL = 128,			/* counts as failed for its chain */
	REQ_FAILED_EARLY = 256,		/* never started: r->res is what it ends with */
	REQ_NOWAIT = 512,		/* EAGAIN is its result */
	REQ_MULTISHOT = 1024,
	REQ_PREPARED = 2048,		/* op->cleanup is due */
	REQ_SKIP_ALWAYS = 8192,		/* a link behind a failed one that asked for no completion */
	REQ_WANT = 16384,		/* any result but r->want counts as failed */
	REQ_REGULAR = 32768,		/* in the pool: ends by itself */
	REQ_PUNTED = 131072,		/* it has to be done by who may wait */
	REQ_ETIME_OK = 65536,		/* -ETIME is no failure */
};

enum uring_how { ISSUE_NOWAIT, ISSUE_BLOCK };
/* op->issue: cannot be done without blocking perhaps: to the pool. Beyond all errnos */
enum { URING_PUNT = 530, URING_REARM = 531 /* done for now: wait for readiness again (multishot) */ };

enum { URING_OP_BYTES = 160, URING_POLLS = 4, URING_ENTRIES_MAX = 32768, URING_CQ_MAX = 2 * URING_ENTRIES_MAX };

/* Whose a request is.  Immutable but for refs. */
struct uring_ident {
	u32 refs;			/* [a] the task's node, requests, who acts as it */
	struct thread *thread;		/* valid while the ident lives: the thread waits for it at its end */
	struct mm *mm;			/* references */
	struct files *files;
	struct fs_context *fs;
	const struct cred *cred;
	struct namespaces *ns;
	struct task *task;
	struct uring_ident *next;	/* a reference: what replaced it at its node, so that who waits for the last waits for all; NULL: it is the last */
	bool gone;			/* [l] the task ends: nothing of it starts or waits any more */
};

/* A completion; as struct io_uring_cqe, whose second half is of no fixed size. */
struct uring_cqe {
	u64 user_data;
	s32 res;
	u32 flags;
	u64 extra[2];
};

/* A completion that found the ring full. */
struct uring_late {
	struct list_head node;		/* [l] ring->overflow */
	struct uring_req *owner;	/* part of this request, a reference; NULL: allocated by itself */
	struct uring_cqe cqe;
};

struct uring_poll_entry {
	struct waiter waiter;
	struct waitq *q;		/* NULL: unused */
	struct file *file;		/* a reference: it owns the queue */
	struct uring_req *req;
};

struct uring_poll {
	struct poll_table table;
	u32 events;			/* waited for */
	u32 used;
	int error;
	struct uring_poll_entry entry[URING_POLLS];
};

/* Locks: o the owner by its state · l ring->lock · a atomic · I immutable once submitted */
struct uring_req {
	struct uring *ring;		/* [I] a reference */
	u8 op;				/* [I] */
	u8 state;			/* [l] */
	u8 todo;			/* [l] */
	bool woken;			/* [l] since arming began */
	bool interrupted;		/* [l] its worker was, to cancel it */
	u32 flags;			/* [o] REQ_* */
	u32 refs;			/* [a] the owner's, and the overflow list's */
	s32 fd;				/* [I] */
	u64 user_data;			/* [l] */
	u64 seq;			/* [I] its number in the ring */
	s64 res, want;			/* [o] */
	u32 cflags;			/* [o] */
	u16 buf_index;			/* [I] registered buffer, or group of provided ones */
	u64 extra[2];			/* [o] the second half of a 32-byte completion */
	struct file *file;		/* [o] a reference */
	struct uring_ident *ident;	/* [I] a reference */
	const struct cred *cred;	/* [I] of its personality, or NULL */
	struct list_head all;		/* [l] ring->all */
	struct list_head node;		/* [l] the list of its state */
	struct uring_req *link;		/* [l] the next of its chain */
	struct uring_req *head;		/* [l] linked timeout: whom it watches */
	struct uring_worker *worker;	/* [l] RUNNING in the pool */
	struct async_io io;		/* DEVICE */
	struct timer timer;		/* TIMER */
	u32 count_target;		/* [l] timeouts: completions posted when it is met, with count_on */
	bool count_on;			/* [l] on ring->counting by r->node */
	struct uring_poll *poll;	/* [o] allocated when first armed */
	struct uring_buf *buf;		/* [o] a reference */
	struct uring_tagged *tagged;	/* [o] the registered file, if its end is told; a reference */
	struct {			/* [o] the provided buffer it uses */
		u64 addr;
		u32 len;
		u16 bid;
		u16 at;			/* its place in the ring of buffers */
		u8 kind;		/* 0: none */
		void *home;
	} picked;
	struct uring_late late;		/* [l] */
	u64 data[URING_OP_BYTES / 8];	/* [o] the opcode's */
};

/* What an opcode does. */
struct uring_op {
	/* prep: check and copy all that the entry points to. Context: the submitter. Return: 0, -errno */
	int (*prep)(struct uring_req *r, const struct io_uring_sqe *sqe);
	/*
	 * issue: do it, as the submitter.  Return: the result; -EAGAIN: wait for readiness, then again; -URING_PUNT: it might block
	 * (ISSUE_NOWAIT only); -EIOCBQUEUED: it is no longer the caller's.  REQ_FAIL is set by itself where a result >= 0 breaks a chain.
	 */
	s64 (*issue)(struct uring_req *r, enum uring_how how);
	void (*cleanup)(struct uring_req *r);	/* optional; any context if light */
	u64 (*deadline)(struct uring_req *r);	/* of a linked timeout alone: when it is due, from now */
	u32 poll_events;			/* EPOLLIN, EPOLLOUT: what readiness means */
	u32 flags;				/* OP_* */
};
enum {
	OP_FILE = 1,			/* needs r->file */
	OP_SELECT = 2,			/* IOSQE_BUFFER_SELECT is allowed */
	OP_IOPOLL = 4,			/* allowed on a polled ring */
	OP_IOPRIO = 8,			/* sqe->ioprio is its own */
	OP_REGULAR = 16,		/* bounded work: ends by itself */
	OP_SUPPORTED = 32,
};
static inline void *uring_data(struct uring_req *r) { return r->data; }
#define URING_DATA_FITS(type) static_assert(sizeof(type) <= URING_OP_BYTES, "an opcode's data lies in the request")

/* What both sides see at the start of the ring memory. */
struct uring_shared {
	struct { u32 head, tail, pad[14]; } sq, cq;
	u32 sq_mask, cq_mask, sq_entries, cq_entries;
	u32 sq_dropped, sq_flags, cq_flags, cq_overflow;
	u32 pad[8];
	/* completions, then the submission array */
};

struct uring_mem {
	u32 count;
	struct page **pages;
};

enum { POOL_BOUNDED, POOL_UNBOUNDED, POOLS };
struct uring_pool {
	struct list_head queue;		/* [l] requests */
	struct list_head workers;	/* [l] */
	u32 count, idle, max;		/* [l] */
};

struct uring_eventfd {
	struct file *file;
	bool async;
	struct rcu_head rcu;
};

enum { RING_DISABLED = 1, RING_DYING = 4, RING_STOP = 8, RING_RESTRICTED = 16 };

/* Locks: s submit · l lock · a atomic · I immutable after creation */
struct uring {
	u32 refs;			/* [a] the file, requests, nodes, threads */
	u32 setup;			/* [I] IORING_SETUP_* */
	u32 sq_entries, cq_entries;	/* [I] */
	u32 cqes_at, array_at;		/* [I] bytes from the start of the rings */
	struct uring_mem rings, sqes;	/* [I] */
	struct uring_shared *shared;	/* [I] */
	struct mutex submit;
	u32 sq_head;			/* [s] */
	struct thread *issuer;		/* [s] IORING_SETUP_SINGLE_ISSUER: the only one */
	struct uring_req *chain_head, *chain_last;	/* [s] being collected */
	bool drain_next;		/* [s] a chain is drained: so is what follows it */
	bool drain_off;			/* [s] some request asked for no completion: nothing can be drained */

	struct spinlock lock;
	u32 flags;			/* [l] RING_* */
	u64 seq;			/* [l] requests accepted */
	u32 cq_tail;			/* [l] completions posted */
	u32 counted;			/* [l] completions that counting timeouts count */
	struct list_head all, ready, deferred, counting, overflow;	/* [l] */
	struct uring_pool pool[POOLS];	/* [l] */
	struct thread *runner;		/* [l] */
	struct thread *in_enter;	/* [l] a thread in io_uring_enter that runs its own */
	u32 threads;			/* [l] runner, workers, polling thread that have not ended */
	struct waitq waitq;		/* completions came */
	struct waitq idle;		/* requests and idents went, threads ended */
	struct work teardown;
	struct list_head nodes;		/* [nodes_lock] tasks that use it */
	struct uring_eventfd *eventfd;	/* [s; readers RCU] */

	/* the polling thread */
	struct thread *poller;		/* [l] */
	struct uring_ident *poller_ident;	/* [l] a reference while it lives */
	struct waitq poller_wait, space_wait;
	u64 poller_idle_ns;		/* [I] */
	s32 poller_cpu;			/* [I] -1: any */
	bool poller_stop, poller_gone;	/* [l] */

	/* resources, resource.c */
	struct uring_files *files;	/* [l] */
	struct uring_bufs *bufs;	/* [l] */
	struct list_head groups;	/* [l] provided buffers */
	bool low_groups;		/* [l] one below 64 was made */
	const struct cred **creds;	/* [s] personalities, by number - 1 */
	u32 creds_max;
	struct uring_restrict *restrict_;	/* [s] NULL: none */
	struct list_head iopoll;	/* [l] IORING_SETUP_IOPOLL: requests at a device */
};

/* ---- for sys/ ---- */

void uring_register_ops(const struct uring_op *ops, u32 count);
struct uring_task_ops {
	void (*ns_get)(struct namespaces *ns);
	void (*ns_put)(struct namespaces *ns);
};
void uring_register_task_ops(const struct uring_task_ops *ops);
extern const struct uring_task_ops *uring_task;
extern const struct uring_op *uring_ops;
extern u32 uring_op_count;

/** uring_create - a ring and its file by @p, which gets what it got. ERR_PTR(-EINVAL, -ENOMEM, -EPERM…) */
struct file *uring_create(u32 entries, struct io_uring_params *p);
/** file_uring - the ring of a file, or NULL. */
struct uring *file_uring(const struct file *f);
/** uring_submit - up to @n entries. Return: how many were taken, or -errno if none */
s64 uring_submit(struct uring *ring, u32 n);
/** uring_satisfied - whether @min completions are there, once what is ready has run. */
bool uring_satisfied(struct uring *ring, u32 min);
/** uring_wait - until @min completions are there. Return: 0, -EINTR, -ETIME */
int uring_wait(struct uring *ring, u32 min, u64 deadline_ns);
/** uring_enter_begin, _end - the current thread runs its own requests meanwhile. */
void uring_enter_begin(struct uring *ring);
void uring_enter_end(struct uring *ring);
/** uring_run_ready - run what is READY and the current thread's. */
void uring_run_ready(struct uring *ring);
/** uring_poller_wake, uring_poller_wait_space - IORING_ENTER_SQ_WAKEUP, SQ_WAIT. Return: 0, -EOWNERDEAD, -EINTR */
MUST_CHECK int uring_poller_wake(struct uring *ring);
MUST_CHECK int uring_poller_wait_space(struct uring *ring);
/** uring_enable - IORING_REGISTER_ENABLE_RINGS. Return: 0, -EBADFD, -ENOMEM */
MUST_CHECK int uring_enable(struct uring *ring);
/** uring_eventfd_set - NULL: none. Return: 0, -EBUSY, -ENXIO, -ENOMEM; the reference is consumed on success. submit held */
MUST_CHECK int uring_eventfd_set(struct uring *ring, struct file *f, bool async);
/** uring_task_gone - @t ends or execs: its requests are cancelled and waited for. Context: the thread itself */
void uring_task_gone(void);
/** uring_check_issuer - Return: 0, -EEXIST: the ring belongs to another thread, -EBADFD */
MUST_CHECK int uring_check_issuer(struct uring *ring);

/* ---- for opcodes ---- */

/** uring_end - the owner ends @r. Context: thread. */
void uring_end(struct uring_req *r, s64 res);
/** uring_post - one completion of several. Return: false: no memory, the request must end. Context: thread */
MUST_CHECK bool uring_post(struct uring_req *r, s32 res, u32 cflags);
/** uring_post_aux - a completion of no request (MSG_RING). Return: false: no memory */
MUST_CHECK bool uring_post_aux(struct uring *ring, u64 user_data, s32 res, u32 cflags);
/** uring_device - @r is about to be file_ops.start's; uring_device_not: it was not started. */
struct async_io *uring_device(struct uring_req *r);
void uring_device_not(struct uring_req *r);
/** uring_get_file - r->file by its descriptor or its registered number. Return: 0, -EBADF */
MUST_CHECK int uring_get_file(struct uring_req *r);
enum { URING_PICKED_LIST = 1, URING_PICKED_RING };
struct file *uring_fixed_file(struct uring *ring, u32 slot, struct uring_tagged **tagged);
void uring_req_release_tagged(struct uring_req *r);
void uring_tagged_put(struct uring *ring, struct uring_tagged *t);	/* NULL is allowed */
/** uring_registered_fd - a ring that the current thread has registered, a reference. NULL: none there; ERR_PTR(-EINVAL): no such number */
struct file *uring_registered_fd(u32 slot);
/** uring_ring_fd_set - @slot ~0: the first that is free; @f NULL: none. Return: the slot, -EBUSY, -EINVAL, -ENOMEM; consumed on success */
MUST_CHECK int uring_ring_fd_set(u32 slot, struct file *f);
/** uring_file_pollable - whether readiness of @f can be waited for. */
bool uring_file_pollable(const struct file *f);

/* poll.c */
/** uring_arm - wait for @events; @edge: for the next wake-up, whatever is ready already. Return: 0: armed, no longer the caller's; > 0: ready now with these; -errno */
MUST_CHECK int uring_arm(struct uring_req *r, u32 events, bool edge);
void uring_disarm(struct uring_req *r);

/* timeout.c */
/** uring_timer_start - @r goes to TIMER: expires at @deadline_ns (U64_MAX: never), or once @count more completions were posted (0: none). */
void uring_timer_start(struct uring_req *r, u64 deadline_ns, u32 count);
/** uring_timer_update - a request in TIMER that matches gets another deadline. @linked: linked timeouts. Return: 0, -ENOENT, -EALREADY */
MUST_CHECK int uring_timer_update(struct uring *ring, u64 user_data, bool linked, u64 deadline_ns);

/* cancel.c */
struct uring_match {
	u64 user_data;
	struct file *file;		/* compared only */
	u32 flags;			/* IORING_ASYNC_CANCEL_*: what is compared */
	u8 op;				/* if only_op */
	bool only_op;			/* one opcode: POLL_REMOVE, TIMEOUT_REMOVE */
	u64 seq;			/* this one; 0: not asked */
	struct thread *thread;		/* NULL: anybody's */
	bool everything;		/* deferred ones and timeouts too: exit */
	const struct uring_req *not;	/* who asks */
};
/** uring_cancel - Return: 0, -ENOENT, -EALREADY; with IORING_ASYNC_CANCEL_ALL or _ANY: how many */
int uring_cancel(struct uring *ring, const struct uring_match *m);
/** uring_claim - take the one that matches out of ARMED, for an update; it is RUNNING and the caller's then. ERR_PTR(-ENOENT, -EALREADY) */
struct uring_req *uring_claim(struct uring *ring, const struct uring_match *m);
/** uring_busy - whether any request matches. */
bool uring_busy(struct uring *ring, const struct uring_match *m);

/* ---- inside ---- */

void uring_get(struct uring *ring);
void uring_put(struct uring *ring);
u64 uring_lock(struct uring *ring);
void uring_unlock(struct uring *ring, u64 irq);

/* request.c */
struct uring_req *uring_req_new(struct uring *ring, struct uring_ident *ident);
/** uring_req_accept - from here on it counts. */
void uring_req_accept(struct uring_req *r);
void uring_req_put(struct uring_req *r);
/** uring_start - a chain by its head. Context: the submitter */
void uring_start(struct uring_req *head);
/** uring_run - what @r, taken from ready, is there for; as its ident. */
void uring_run(struct uring_req *r);
/** uring_issue - r is RUNNING. */
void uring_issue(struct uring_req *r, enum uring_how how);
/** uring_make_ready_locked - to ready, and somebody runs it. */
void uring_make_ready_locked(struct uring_req *r, enum uring_todo todo);
/** uring_doomed - the ring or the task of @r is ending: it may not wait. lock held */
bool uring_doomed(const struct uring_req *r);

/* run.c */
struct uring_ident *uring_ident_get(struct uring *ring);	/* the current thread's, a reference; NULL: no memory */
void uring_ident_put(struct uring *ring, struct uring_ident *id);
bool uring_ident_put_light(struct uring_ident *id);	/* unless it is the last; any context */
void uring_act_as(struct uring *ring, struct uring_ident *id);
void uring_act_as_nobody(struct uring *ring);
MUST_CHECK int uring_runner_start(struct uring *ring);
void uring_kick_locked(struct uring *ring, struct uring_req *r);
/** uring_queue - to the pool. */
void uring_queue(struct uring_req *r);
void uring_worker_interrupt_locked(struct uring_worker *w);
int uring_poller_thread(struct uring *ring, void (*fn)(void *arg));
bool uring_has_ready(struct uring *ring, struct thread *t);
void uring_threads_stop(struct uring *ring);
/** uring_thread_ended - the last that a thread of the ring does with it. */
void uring_thread_ended(struct uring *ring);
void uring_nodes_drop(struct uring *ring);
/** uring_workers_max - set (0: leave) and tell what was before. */
void uring_workers_max(struct uring *ring, u32 max[POOLS]);

/** uring_sq_index, uring_sqe_read - what the program has put there. */
u32 uring_sq_index(const struct uring *ring, u32 head);
void uring_sqe_read(const struct uring *ring, u32 index, struct io_uring_sqe *out);

/* submit.c */
MUST_CHECK int uring_poller_start(struct uring *ring);
void uring_poller_end(struct uring *ring);

/* ring.c */
void uring_post_locked(struct uring *ring, const struct uring_cqe *cqe, struct uring_late *late);
void uring_posted(struct uring *ring, bool async);	/* tell who waits; lock not held; any context */
bool uring_overflow_flush(struct uring *ring);		/* Return: whether it is empty now */
u32 uring_cq_ready(struct uring *ring);
/* Wait until @cond, looking meanwhile for the ends that no interrupt tells of. */
#define uring_wait_idle(ring, cond) \
	while (!(cond)) { \
		uring_iopoll(ring); \
		(void)wait_event_until(&(ring)->idle, (cond), list_empty(&(ring)->iopoll) ? ~0ull : plat_mono_ns() + NS_PER_MS); \
	}
/** uring_iopoll - look for ended transfers at the devices. */
void uring_iopoll(struct uring *ring);

/* timeout.c */
void uring_count_locked(struct uring *ring);
void uring_ltimeout_arm(struct uring_req *head, struct uring_req *lt);
void uring_timer_run(struct uring_req *r);
void uring_timer_stop(struct uring_req *r);

/* resource.c */
void uring_resources_free(struct uring *ring);
void uring_req_release_buffers(struct uring_req *r);
bool uring_req_buffers_light(struct uring_req *r);

#endif
