/*
 * A POSIX message queue: messages by priority, those of one priority by age; and its file system.
 *
 * Queues are regular files of one instance of the file system "mqueue", whether opened by mq_open(2) or where it is mounted.  Reading
 * such a file tells of its state.
 *
 * Source: mq_overview(7), mq_open(3), mq_notify(3), getrlimit(2) for the charge.
 */
#ifndef IPC_MQUEUE_H
#define IPC_MQUEUE_H

#include <linux/mqueue.h>
#include <linux/signal.h>
#include "base/rbtree.h"
#include "kern/mutex.h"
#include "kern/wait.h"

struct file;
struct process;

enum { MQ_HARD_COUNT_MAX = 65536, MQ_HARD_SIZE_MAX = 16 << 20 };	/* for CAP_SYS_RESOURCE too */

/* fs.mqueue.*; [a] */
extern u32 mq_queues_max, mq_count_max, mq_size_max, mq_count_default, mq_size_default;

struct mq_message {
	struct rb_node node;		/* [m] the next to be taken first */
	u64 serial;			/* [m] */
	u32 prio;
	u64 len;
	u8 text[];
};

/* Who is to hear of a message in an empty queue. */
struct mq_notice {
	struct process *owner;		/* a reference; NULL: nobody */
	int how;			/* SIGEV_SIGNAL, SIGEV_NONE */
	int signo;
	sigval_t value;
};

/* Locks: m lock · I immutable */
struct mqueue {
	struct mutex lock;
	struct rb_root messages;	/* [m] */
	u64 next_serial;		/* [m] */
	u64 bytes;			/* [m] of all texts */
	u32 count;			/* [m, readers none] */
	u32 count_max, size_max;	/* [I] messages, bytes of one */
	u32 receivers;			/* [m] asleep: they come before any notice */
	struct waitq readable, writable;
	struct mq_notice notice;	/* [m] */
	u32 charged_uid;		/* [I] whose RLIMIT_MSGQUEUE it counts against */
	u64 charged_bytes;		/* [I] */
};

/**
 * mqueue_init - an empty queue of the current user's; attributes as mqueue_attr_check() left them
 * Return: 0, -EMFILE (RLIMIT_MSGQUEUE): then there is nothing to mqueue_fini
 */
MUST_CHECK int mqueue_init(struct mqueue *q, u32 count_max, u32 size_max);
void mqueue_fini(struct mqueue *q);
/** mqueue_attr_check - may the current thread make a queue like @a? 0, -EINVAL, -EOVERFLOW */
MUST_CHECK int mqueue_attr_check(const struct mq_attr *a);

struct mq_message *mq_message_alloc(u64 len);	/* NULL: no memory */
void mq_message_free(struct mq_message *m);
/** mqueue_send - consumes @m on success. 0, -EAGAIN (@nonblock), -ETIMEDOUT, -ERESTARTSYS */
MUST_CHECK int mqueue_send(struct mqueue *q, struct mq_message *m, bool nonblock, u64 deadline_ns);
/** mqueue_receive - the first message, the caller's now; ERR_PTR as above. */
struct mq_message *mqueue_receive(struct mqueue *q, bool nonblock, u64 deadline_ns);
/** mqueue_notify - tell the current process; @n NULL: no longer. 0, -EBUSY */
MUST_CHECK int mqueue_notify(struct mqueue *q, const struct mq_notice *n);
/** mqueue_notify_forget - the current process closes the queue. */
void mqueue_notify_forget(struct mqueue *q);

/* ---- what a user's queues may take: mqueue_account.c ---- */

/** mq_charge - Return: 0, -EMFILE, -ENOMEM */
MUST_CHECK int mq_charge(u32 uid, u64 bytes, u64 limit);
void mq_uncharge(u32 uid, u64 bytes);
void mq_account_init(void);

/* ---- names: mqueue_fs.c ---- */

/**
 * mq_open_file - mq_open(2)
 * @name: without the leading slash
 * @attr: NULL: defaults
 * Return: an open file, or ERR_PTR(-ENOENT, -EEXIST, -EACCES, -EINVAL, -ENAMETOOLONG, -ENOSPC, -EMFILE, -ENOMEM)
 */
struct file *mq_open_file(const char *name, u32 o_flags, u32 mode, const struct mq_attr *attr);
MUST_CHECK int mq_unlink_name(const char *name);
/** mq_of_file - the queue behind an open file, or NULL. */
struct mqueue *mq_of_file(struct file *f);

#endif
