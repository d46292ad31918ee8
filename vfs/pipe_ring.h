/*
 * The inside of a pipe, shared by pipe.c and splice.c.
 *
 *	tail                      head
 *	 |                         |
 *	[buf][buf][buf] ... [buf] [ ]      bufs[n & (slots - 1)]; head - tail <= slots
 */
#ifndef VFS_PIPE_RING_H
#define VFS_PIPE_RING_H

#include "kern/mutex.h"
#include "kern/page.h"
#include "kern/wait.h"
#include "vfs/pipe.h"

enum { PIPE_SLOTS_DEFAULT = 16, PIPE_SPARE = 2 };

enum {
	PBUF_MERGE = 1,		/* ours alone: later small writes may be appended */
	PBUF_PACKET = 2,	/* a read returns at most this one and drops what it does not take */
};

struct pipe_buf {
	struct page *page;	/* with a reference */
	u32 off, len;
	u32 flags;		/* PBUF_* */
};

/* Locks: p lock · a atomic · f the FIFO's spin lock in pipe.c */
struct pipe {
	struct mutex lock;
	u32 head, tail;		/* [p] readers of the counts elsewhere only look */
	u32 slots;		/* [p] power of two */
	struct pipe_buf *bufs;	/* [p] */
	u32 readers, writers;	/* [p] open ends */
	u32 reader_opens, writer_opens;	/* [p] how often an end was opened: waiting opens of FIFOs */
	u32 users;		/* [f] files */
	bool lent;			/* [p] the first buffer is being spliced to where it goes; it stays in its place meanwhile */
	bool anonymous;			/* [I] of pipe(2): opening it anew through /proc waits for nobody */
	u32 spares;		/* [p] */
	struct page *spare[PIPE_SPARE];	/* [p] pages to be used again */
	bool polled;		/* [a] someone watches by poll: edge-triggered watchers hear of every write */
	struct waitq read_wait, write_wait;
};

static inline u32 pipe_used(const struct pipe *p) { return READ_ONCE(p->head) - READ_ONCE(p->tail); }
static inline bool pipe_empty(const struct pipe *p) { return !pipe_used(p); }
static inline bool pipe_full(const struct pipe *p) { return pipe_used(p) >= READ_ONCE(p->slots); }
/* pipe_readable - bytes may be taken. pipe_over - none will come. */
static inline bool pipe_readable(const struct pipe *p) { return !pipe_empty(p) && !READ_ONCE(p->lent); }
static inline bool pipe_over(const struct pipe *p) { return pipe_empty(p) && !READ_ONCE(p->writers); }
static inline struct pipe_buf *pipe_at(struct pipe *p, u32 n) { return &p->bufs[n & (p->slots - 1)]; }

/* pipe_pop - the first buffer is used up: its page goes. pipe_push - a buffer at the end; the pipe is not full. Lock held. */
void pipe_pop(struct pipe *p);
void pipe_push(struct pipe *p, const struct pipe_buf *b);
/* pipe_wait_readable / _writable - lock held, dropped while it sleeps. Return: 0: look again; 0 and pipe_over: no writer is left; -EAGAIN, -ERESTARTSYS; -EPIPE: no reader (the signal is sent) */
MUST_CHECK int pipe_wait_readable(struct pipe *p, bool nonblock);
MUST_CHECK int pipe_wait_writable(struct pipe *p, bool nonblock);
void pipe_wake_readers(struct pipe *p);
void pipe_wake_writers(struct pipe *p);
struct page *pipe_page(struct pipe *p);		/* a page to fill: a spare or a new one; NULL. Lock held */
int pipe_broken(void);				/* -EPIPE, and the signal */

#endif
