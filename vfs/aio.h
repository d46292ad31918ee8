/*
 * Asynchronous I/O: contexts with a ring of events that the program may read for itself.
 *
 * The ring is mapped into the program; its address is the context's name.  Head and tail in it are believed only as far as
 * they go: the kernel keeps its own tail, and takes the head modulo the ring's length.
 *
 * A transfer is started by file_ops.start where the file has that and was opened with O_DIRECT; everything else is done at
 * once, as on Linux.  fsync runs on a worker.
 *
 * Source: io_setup(2), io_submit(2), io_getevents(2); <linux/aio_abi.h>; libaio's use of the ring.
 */
#ifndef VFS_AIO_H
#define VFS_AIO_H

#include <linux/aio_abi.h>
#include "base/list.h"
#include "base/types.h"
#include "kern/lock.h"
#include "kern/wait.h"
#include "kern/work.h"
#include "vfs/file.h"

/* What user space sees at the start of the ring. */
struct aio_ring {
	u32 id, nr, head, tail, magic, compat_features, incompat_features, header_length;
	struct io_event events[];
};

/* Locks: l lock · a atomic · I immutable · r reading */
struct aio_context {
	u32 refs;			/* [a] the registry, requests, calls */
	struct mm *mm;			/* [I] whose it is; only compared */
	u64 address;			/* [I] of the ring */
	u32 max;			/* [I] as asked for */
	u32 slots;			/* [I] events of the ring */
	u32 page_count;			/* [I] */
	struct page **pages;		/* [I] */
	struct spinlock lock;
	u32 tail;			/* [l] */
	u32 under_way;			/* [l] requests that have not become events */
	bool dead;			/* [l] */
	u32 reading;			/* [a] a lock that sleeps and has no rank: it is held over copies to user memory */
	struct waitq waitq;		/* events came, `reading` is free, nothing is under way */
	struct list_head node;		/* [registry] */
};

/* One request. */
struct aio_request {
	struct async_io io;
	struct aio_context *ctx;
	struct file *file, *eventfd;	/* references; eventfd may be NULL */
	u64 data, object;		/* what the event carries */
	struct work work;
	bool datasync;
};

/** aio_create - a context for @max requests. Return: 0, -EAGAIN (the system has too many), -EINVAL, -ENOMEM */
MUST_CHECK int aio_create(u32 max, u64 *id);
/** aio_find - with a reference, or NULL. */
struct aio_context *aio_find(u64 id);
void aio_put(struct aio_context *c);
/** aio_destroy - take it out of the process and wait for what is under way. */
int aio_destroy(u64 id);

/** aio_request_new - with a place in the ring. NULL: there is none (EAGAIN) */
struct aio_request *aio_request_new(struct aio_context *c);
/** aio_request_drop - it was not started. */
void aio_request_drop(struct aio_request *r);
/** aio_transfer - start; the event comes. Nothing is returned: errors are events too. */
void aio_transfer(struct aio_request *r, struct iter *it, u64 pos, bool write, bool polled);
void aio_fsync(struct aio_request *r);

/** aio_events - copy up to @nr events to user memory. Return: how many, -EFAULT, -EINTR */
s64 aio_events(struct aio_context *c, uaddr_t to, s64 nr);
bool aio_has_events(struct aio_context *c);

u64 aio_requests_count(void);	/* fs.aio-nr */
extern u32 aio_requests_max;	/* fs.aio-max-nr */

#endif
