/*
 * The 9P client: one connection; tags, fids, calls and their replies.
 *
 *	call = p9_call_begin(c, type, room…)    put the fields into call->w
 *	err = p9_call_run(call)                 and read the reply's from call->r
 *	return p9_call_end(call, err)
 *
 * or p9_call_start(call, finish) for a call that nobody waits for.  calls.c makes a function of each message.
 *
 * A thread that is killed while it waits sends Tflush, then waits for both replies: the buffers are the server's
 * until it has given them back.  What the first reply says is then the result, as it is (a walk that was done, is).
 *
 * Locks: client->lock (RANK_COMPLETION, taken in interrupts: replies free tags and fids).
 */
#ifndef FS_9P_CLIENT_H
#define FS_9P_CLIENT_H

#include "base/idr.h"
#include "fs/9p/transport.h"
#include "fs/9p/wire.h"
#include "kern/lock.h"
#include "kern/wait.h"

enum { P9_TAGS = 128, P9_MSIZE_MIN = 4096, P9_MSIZE_MAX = 512 * 1024 };

/* Locks: l lock · I immutable after p9_client_open · a atomic */
struct p9_client {
	struct p9_transport *transport;	/* [I] */
	void *conn;			/* [I] */
	u32 msize;			/* [I] as negotiated */
	u32 payload_max;		/* [I] bytes of data in one read or write: whole pages */
	struct spinlock lock;
	DECLARE_BITMAP(tags, P9_TAGS);	/* [l] in use */
	struct waitq tag_wait;		/* for a free one */
	struct ida fids;		/* [l] */
	u64 *fid_memory;		/* [l] */
	u32 calls;			/* [a] under way */
};

enum { P9_CALL_NOINTR = 1 };		/* p9_call->flags: a kill does not end the wait */

struct p9_call {
	struct p9_exchange exchange;	/* its segs is `segs` below */
	struct p9_client *client;
	u8 type;
	u16 tag;
	u32 flags;
	struct p9_writer w;		/* the request */
	u8 *reply;			/* the reply's header and fields */
	u32 reply_max;
	const struct p9_seg *payload;	/* data that goes in or comes out beside the two */
	u32 payload_segs, payload_bytes;
	bool payload_in;		/* the server writes it */
	int err;			/* [when over] 0: the reply is what was asked for */
	u32 reply_bytes;		/* [when over] */
	struct p9_reader r;		/* [when over] the reply's fields */
	struct completion over;
	void (*finish)(struct p9_call *call);	/* asynchronous: called when over, any context; frees the call */
	void *private;
	u32 fid;			/* a Tclunk's: free again when it is over */
	struct p9_seg segs[];
};

/** p9_client_open - connect to @source and agree on a size of messages. ERR_PTR */
struct p9_client *p9_client_open(struct p9_transport *t, const char *source, u32 msize);
/** p9_client_close - wait for calls under way, close. */
void p9_client_close(struct p9_client *c);

/** p9_fid_alloc - a number for a new fid. Return: P9_NOFID when out of memory */
u32 p9_fid_alloc(struct p9_client *c);
/** p9_fid_free - the number names no fid at the server (any more, or it never did). Any context */
void p9_fid_free(struct p9_client *c, u32 fid);

/**
 * p9_call_begin - a call with its header written
 * @request_bytes, @reply_bytes: room for the fields of both, headers not counted
 * @payload_segs: pieces of payload at most
 * Return: it, or NULL
 */
struct p9_call *p9_call_begin(struct p9_client *c, u8 type, u32 request_bytes, u32 reply_bytes, u32 payload_segs);
/** p9_call_payload - data of @bytes in @count pieces; @in: the server writes it. The pieces are copied. */
void p9_call_payload(struct p9_call *call, const struct p9_seg *segs, u32 count, u32 bytes, bool in);
/** p9_call_run - send, wait. Return: 0, the server's error, -EIO for a damaged reply, -ENAMETOOLONG if the request did not fit */
MUST_CHECK int p9_call_run(struct p9_call *call);
/** p9_call_start - send; @finish(call) ends it with p9_call_end. May wait for a tag. */
void p9_call_start(struct p9_call *call, void (*finish)(struct p9_call *call));
/** p9_call_end - free the call. Return: @err, or -EIO if more was read from the reply than there was */
int p9_call_end(struct p9_call *call, int err);

#endif
