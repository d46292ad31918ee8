/* Tags, fids and calls; see client.h. */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/bitops.h"
#include "base/string.h"
#include "fs/9p/client.h"
#include "kern/assert.h"
#include "kern/page.h"
#include "kern/slab.h"

enum { FIDS_FIRST = 1024, FIDS_MAX = 1 << 24, SEGS_OVERHEAD = 3, CLOSE_POLL_NS = 1000000 };

/* ---- fids ---- */

/* Make room for twice as many. Return false when out of memory. */
static bool fids_grow(struct p9_client *c)
{
	u32 limit = READ_ONCE(c->fids.limit) * 2;
	u64 *memory, *old;
	u64 irq;

	if (limit > FIDS_MAX)
		return false;
	memory = kvmalloc(IDA_WORDS(limit) * sizeof(u64), ALLOC_NOFS);
	if (!memory)
		return false;
	irq = spin_lock_irqsave(&c->lock);
	old = memory;
	if (c->fids.limit < limit) {
		old = c->fid_memory;
		ida_grow(&c->fids, memory, limit);
		c->fid_memory = memory;
	}
	spin_unlock_irqrestore(&c->lock, irq);
	kvfree(old);
	return true;
}

u32 p9_fid_alloc(struct p9_client *c)
{
	s32 fid;

	do {
		u64 irq = spin_lock_irqsave(&c->lock);

		fid = ida_alloc(&c->fids, 0, c->fids.limit - 1);
		spin_unlock_irqrestore(&c->lock, irq);
	} while (fid < 0 && fids_grow(c));
	return fid < 0 ? P9_NOFID : (u32)fid;
}

void p9_fid_free(struct p9_client *c, u32 fid)
{
	u64 irq;

	if (fid == P9_NOFID)
		return;
	irq = spin_lock_irqsave(&c->lock);
	(void)ida_free(&c->fids, fid);
	spin_unlock_irqrestore(&c->lock, irq);
}

/* ---- tags ---- */

static bool tag_try(struct p9_client *c, u16 *tag)
{
	u64 irq = spin_lock_irqsave(&c->lock);
	u64 free = find_first_zero_bit(c->tags, P9_TAGS);

	if (free < P9_TAGS)
		bitmap_set_bit(c->tags, free);
	spin_unlock_irqrestore(&c->lock, irq);
	*tag = (u16)free;
	return free < P9_TAGS;
}

static void tag_free(struct p9_client *c, u16 tag)
{
	u64 irq;

	if (tag == P9_NOTAG)
		return;
	irq = spin_lock_irqsave(&c->lock);
	bitmap_clear_bit(c->tags, tag);
	spin_unlock_irqrestore(&c->lock, irq);
	wake_up_one(&c->tag_wait);
}

/* ---- calls ---- */

struct p9_call *p9_call_begin(struct p9_client *c, u8 type, u32 request_bytes, u32 reply_bytes, u32 payload_segs)
{
	u32 segs_bytes = (2 + payload_segs) * sizeof(struct p9_seg);
	u32 request_max = P9_HEADER_BYTES + request_bytes, reply_max = P9_HEADER_BYTES + MAX(reply_bytes, 4u);
	struct p9_call *call = kmalloc(sizeof(*call) + segs_bytes + request_max + reply_max, ALLOC_NOFS);

	if (!call)
		return NULL;
	memset(call, 0, sizeof(*call));
	call->client = c;
	call->type = type;
	call->tag = P9_NOTAG;
	call->w.buf = (u8 *)call->segs + segs_bytes;
	call->w.size = request_max;
	call->reply = call->w.buf + request_max;
	call->reply_max = reply_max;
	p9_message_begin(&call->w, type, P9_NOTAG);
	return call;
}

void p9_call_payload(struct p9_call *call, const struct p9_seg *segs, u32 count, u32 bytes, bool in)
{
	call->payload = segs;
	call->payload_segs = count;
	call->payload_bytes = bytes;
	call->payload_in = in;
}

int p9_call_end(struct p9_call *call, int err)
{
	if (!err && call->r.bad)
		err = -EIO;
	kfree(call);
	return err;
}

/* The reply has come, or never will. Any context. */
static void call_over(struct p9_exchange *x, int err, u32 reply_bytes)
{
	struct p9_call *call = container_of(x, struct p9_call, exchange);
	struct p9_client *c = call->client;

	call->reply_bytes = reply_bytes;
	call->err = err ? err : p9_reply_check(call->reply, call->reply_max, reply_bytes, call->type, call->tag, &call->r);
	tag_free(c, call->tag);
	if (call->finish)
		call->finish(call);
	else
		complete(&call->over);
	atomic_dec(&c->calls);
}

/* Lay the pieces out: request, its payload, reply, its payload. */
static void call_segs(struct p9_call *call)
{
	struct p9_exchange *x = &call->exchange;
	struct p9_seg *segs = call->segs;
	unsigned n = 0;

	segs[n++] = (struct p9_seg){ virt_to_phys(call->w.buf), call->w.len };
	if (!call->payload_in)
		for (u32 i = 0; i < call->payload_segs; i++)
			segs[n++] = call->payload[i];
	x->out_count = n;
	segs[n++] = (struct p9_seg){ virt_to_phys(call->reply), call->reply_max };
	if (call->payload_in)
		for (u32 i = 0; i < call->payload_segs; i++)
			segs[n++] = call->payload[i];
	x->in_count = n - x->out_count;
	x->segs = segs;
	x->done = call_over;
	list_init(&x->node);
}

static void call_send(struct p9_call *call)
{
	struct p9_client *c = call->client;

	if (call->type != P9_TVERSION)
		wait_event_state(&c->tag_wait, tag_try(c, &call->tag), TS_UNINTERRUPTIBLE, ~0ull, true);
	put_le16(call->w.buf + 5, call->tag);
	p9_message_end(&call->w, call->payload_in ? 0 : call->payload_bytes);
	call_segs(call);
	atomic_inc(&c->calls);
	c->transport->submit(c->conn, &call->exchange);
}

/* The thread is being killed: ask the server to give up on the call, then wait for it. */
static void call_flush(struct p9_call *call)
{
	struct p9_call *flush = p9_call_begin(call->client, P9_TFLUSH, 2, 0, 0);

	if (flush) {
		p9_put_u16(&flush->w, call->tag);
		flush->flags = P9_CALL_NOINTR;
		(void)p9_call_end(flush, p9_call_run(flush));
	}
	wait_for_completion(&call->over);
}

int p9_call_run(struct p9_call *call)
{
	if (call->w.bad)
		return -ENAMETOOLONG;
	completion_init(&call->over);
	call_send(call);
	if (call->flags & P9_CALL_NOINTR)
		wait_for_completion(&call->over);
	else if (wait_event_killable(&call->over.q, READ_ONCE(call->over.done)))
		call_flush(call);
	else
		wait_for_completion(&call->over);	/* done already: in step with whoever said so */
	return call->err;
}

void p9_call_start(struct p9_call *call, void (*finish)(struct p9_call *call))
{
	assert(!call->w.bad);
	call->finish = finish;
	call_send(call);
}

/* ---- connections ---- */

static u32 payload_limit(const struct p9_client *c)
{
	u64 by_segs = (u64)(c->transport->segs_max(c->conn) - SEGS_OVERHEAD) * PAGE_SIZE;

	return MIN((u64)(c->msize - P9_IO_OVERHEAD), by_segs) & PAGE_MASK;
}

static int negotiate(struct p9_client *c, u32 msize)
{
	static const char dialect[] = "9P2000.L";
	struct p9_call *call = p9_call_begin(c, P9_TVERSION, 4 + 2 + sizeof(dialect), 64, 0);
	const char *answer;
	u32 answered;
	u16 len;
	int err;

	if (!call)
		return -ENOMEM;
	p9_put_u32(&call->w, msize);
	p9_put_string(&call->w, dialect, sizeof(dialect) - 1);
	err = p9_call_run(call);
	if (!err) {
		answered = p9_get_u32(&call->r);
		len = p9_get_string(&call->r, &answer);
		if (len != sizeof(dialect) - 1 || memcmp(answer, dialect, len) != 0)
			err = -EPROTONOSUPPORT;
		else if (answered < P9_MSIZE_MIN || answered > msize)
			err = -EIO;
		c->msize = answered;
	}
	return p9_call_end(call, err);
}

static struct p9_client *client_alloc(void)
{
	struct p9_client *c = kzalloc(sizeof(*c), ALLOC_KERNEL);

	if (!c)
		return NULL;
	c->fid_memory = kvmalloc(IDA_WORDS(FIDS_FIRST) * sizeof(u64), ALLOC_KERNEL);
	if (!c->fid_memory) {
		kfree(c);
		return NULL;
	}
	ida_init(&c->fids, c->fid_memory, FIDS_FIRST);
	spin_init(&c->lock, RANK_COMPLETION);
	waitq_init(&c->tag_wait);
	return c;
}

static void client_free(struct p9_client *c)
{
	kvfree(c->fid_memory);
	kfree(c);
}

struct p9_client *p9_client_open(struct p9_transport *t, const char *source, u32 msize)
{
	struct p9_client *c = client_alloc();
	int err;

	if (!c)
		return ERR_PTR(-ENOMEM);
	c->transport = t;
	c->conn = t->open(source);
	if (IS_ERR(c->conn)) {
		err = PTR_ERR(c->conn);
		client_free(c);
		return ERR_PTR(err);
	}
	err = t->segs_max(c->conn) > SEGS_OVERHEAD ? negotiate(c, msize) : -EINVAL;
	if (err) {
		p9_client_close(c);
		return ERR_PTR(err);
	}
	c->payload_max = payload_limit(c);
	if (!c->payload_max) {		/* less than a page of data in a message */
		p9_client_close(c);
		return ERR_PTR(-EINVAL);
	}
	return c;
}

void p9_client_close(struct p9_client *c)
{
	while (atomic_load_acquire(&c->calls))
		(void)!sleep_until_ns(plat_mono_ns() + CLOSE_POLL_NS, TS_UNINTERRUPTIBLE);
	c->transport->close(c->conn);
	client_free(c);
}
