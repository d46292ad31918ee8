/* Asynchronous I/O; see aio.h. */
#include <linux/errno.h>
#include <linux/mman.h>
#include "base/string.h"
#include "kern/cred.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "vfs/aio.h"
#include "vfs/eventfd.h"

enum {
	RING_MAGIC = 0xa10a10a1, RING_COMPAT = 1, RING_INCOMPAT = 0, RING_PAGES_MAX = 4096, BATCH = 16,
	EVENTS_PER_PAGE = PAGE_SIZE / sizeof(struct io_event), HEAD_EVENTS = sizeof(struct aio_ring) / sizeof(struct io_event),
};

static LIST_HEAD(contexts);		/* [registry_lock] */
static struct spinlock registry_lock = SPINLOCK_INIT(RANK_LEAF_SPIN);
static u64 requests_total;		/* [registry_lock] */
u32 aio_requests_max = 65536;

u64 aio_requests_count(void)
{
	return READ_ONCE(requests_total);
}

/* ---- the ring ---- */

static struct aio_ring *ring_of(const struct aio_context *c)
{
	return page_virt(c->pages[0]);
}

/* The header takes the place of the first event. */
static struct io_event *event_at(const struct aio_context *c, u32 slot)
{
	u32 at = slot + HEAD_EVENTS;

	return (struct io_event *)page_virt(c->pages[at / EVENTS_PER_PAGE]) + at % EVENTS_PER_PAGE;
}

/* Lock held. The program may have moved the head: whatever stands there is made a slot. */
static u32 ring_head(const struct aio_context *c)
{
	return READ_ONCE(ring_of(c)->head) % c->slots;
}

/* Lock held. */
static u32 ring_used(const struct aio_context *c)
{
	u32 head = ring_head(c);

	return c->tail >= head ? c->tail - head : c->tail + c->slots - head;
}

bool aio_has_events(struct aio_context *c)
{
	return READ_ONCE(ring_of(c)->head) % c->slots != READ_ONCE(c->tail);
}

/* ---- contexts ---- */

static void pages_free(struct aio_context *c)
{
	for (u32 i = 0; c->pages && i < c->page_count; i++)
		if (c->pages[i])
			page_put(c->pages[i]);
	kvfree(c->pages);
	kfree(c);
}

void aio_put(struct aio_context *c)
{
	if (atomic_dec_and_test(&c->refs))
		pages_free(c);
}

static struct aio_context *context_new(u32 max)
{
	struct aio_context *c = kzalloc(sizeof(*c), ALLOC_KERNEL);
	u64 events = MAX((u64)max, (u64)plat_cpu_count() * 4) * 2 + 2;

	if (!c)
		return NULL;
	c->page_count = (u32)DIV_ROUND_UP((events + HEAD_EVENTS) * sizeof(struct io_event), PAGE_SIZE);
	c->slots = c->page_count * EVENTS_PER_PAGE - HEAD_EVENTS;
	c->max = max;
	c->refs = 1;
	c->mm = current()->mm;
	spin_init(&c->lock, RANK_QUEUE);
	waitq_init(&c->waitq);
	c->pages = c->page_count <= RING_PAGES_MAX ? kvmalloc(c->page_count * sizeof(*c->pages), ALLOC_KERNEL | ALLOC_ZERO) : NULL;
	for (u32 i = 0; c->pages && i < c->page_count; i++) {
		c->pages[i] = page_alloc(0, ALLOC_USER | ALLOC_ZERO);
		if (!c->pages[i])
			goto out_free;
	}
	if (!c->pages)
		goto out_free;
	*ring_of(c) = (struct aio_ring){
		.id = ~0u, .nr = c->slots, .magic = RING_MAGIC, .compat_features = RING_COMPAT, .incompat_features = RING_INCOMPAT,
		.header_length = sizeof(struct aio_ring),
	};
	return c;
out_free:
	pages_free(c);
	return NULL;
}

/* Out of the registry: no new request. The registry's reference goes. Return: false: it was out */
static bool context_kill(struct aio_context *c)
{
	bool was_in;
	u64 irq;

	spin_lock(&registry_lock);
	was_in = !list_empty(&c->node);
	if (was_in) {
		list_del_init(&c->node);
		requests_total -= c->max;
	}
	spin_unlock(&registry_lock);
	if (!was_in)
		return false;
	irq = spin_lock_irqsave(&c->lock);
	c->dead = true;
	spin_unlock_irqrestore(&c->lock, irq);
	wake_up_all(&c->waitq);
	aio_put(c);
	return true;
}

static void ring_open(struct vma *v)
{
	atomic_inc(&((struct aio_context *)v->owner)->refs);
}

/* The ring is unmapped, or the process has ended: nobody can name the context any more. */
static void ring_close(struct vma *v)
{
	struct aio_context *c = v->owner;

	(void)context_kill(c);
	aio_put(c);
}

static struct page *ring_fault(struct vma *v, u64 index, bool write)
{
	struct aio_context *c = v->owner;

	if (index >= c->page_count)
		return ERR_PTR(-EIO);
	page_get(c->pages[index]);
	return c->pages[index];
}

static int ring_name(struct vma *v, char *buf, size_t size)
{
	strlcpy(buf, "/[aio] (deleted)", size);
	return 0;
}

static const struct vma_ops ring_ops = { .open = ring_open, .close = ring_close, .fault = ring_fault, .name = ring_name };

static int ring_map(struct aio_context *c)
{
	const struct mm_file file = {
		.ops = &ring_ops, .owner = c, .max_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYSHARE,
		.extra_flags = VM_DONTFORK | VM_DONTDUMP,
	};
	int err;

	atomic_inc(&c->refs);		/* the area's */
	err = mm_map(c->mm, 0, (u64)c->page_count * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, &file, 0, &c->address);
	if (err)
		aio_put(c);
	return err;
}

static int register_(struct aio_context *c)
{
	int err = 0;

	spin_lock(&registry_lock);
	if (requests_total + c->max > aio_requests_max) {
		err = -EAGAIN;
	} else {
		requests_total += c->max;
		list_add_tail(&c->node, &contexts);
	}
	spin_unlock(&registry_lock);
	return err;
}

int aio_create(u32 max, u64 *id)
{
	struct aio_context *c;
	int err;

	if (max > 0x10000000u / sizeof(struct io_event))
		return -EINVAL;
	if (max > aio_requests_max)
		return -EAGAIN;
	c = context_new(max);
	if (!c)
		return -ENOMEM;
	list_init(&c->node);
	err = register_(c);
	if (err) {
		aio_put(c);
		return err;
	}
	err = ring_map(c);
	if (err) {
		(void)context_kill(c);
		return err;
	}
	WRITE_ONCE(ring_of(c)->id, (u32)(c->address >> PAGE_SHIFT));
	*id = c->address;
	return 0;
}

struct aio_context *aio_find(u64 id)
{
	struct aio_context *c, *found = NULL;

	spin_lock(&registry_lock);
	list_for_each_entry(c, &contexts, node) {
		if (c->mm == current()->mm && c->address == id && id) {
			found = c;
			atomic_inc(&c->refs);
			break;
		}
	}
	spin_unlock(&registry_lock);
	return found;
}

int aio_destroy(u64 id)
{
	struct aio_context *c = aio_find(id);

	if (!c)
		return -EINVAL;
	if (!context_kill(c)) {
		aio_put(c);
		return -EINVAL;
	}
	(void)!mm_unmap(c->mm, c->address, (u64)c->page_count * PAGE_SIZE);
	wait_event(&c->waitq, READ_ONCE(c->under_way) == 0);
	aio_put(c);
	return 0;
}

/* ---- requests ---- */

struct aio_request *aio_request_new(struct aio_context *c)
{
	struct aio_request *r = kzalloc(sizeof(*r), ALLOC_KERNEL);
	bool room;
	u64 irq;

	if (!r)
		return NULL;
	irq = spin_lock_irqsave(&c->lock);
	room = !c->dead && c->under_way + ring_used(c) < c->slots - 1;
	if (room)
		c->under_way++;
	spin_unlock_irqrestore(&c->lock, irq);
	if (!room) {
		kfree(r);
		return NULL;
	}
	atomic_inc(&c->refs);
	r->ctx = c;
	return r;
}

/* Drop a reference that is not the last. Return: false: it may be the last */
static bool put_unless_last(struct file *f)
{
	u32 refs = atomic_load(&f->refs);

	while (refs > 1)
		if (try_cmpxchg(&f->refs, &refs, refs - 1))
			return true;
	return false;
}

static void request_release(struct aio_request *r)
{
	if (r->eventfd)
		file_put(r->eventfd);
	if (r->file)
		file_put(r->file);
	kfree(r);
}

static void release_work(struct work *w)
{
	request_release(container_of(w, struct aio_request, work));
}

/* A file whose last reference goes is closed, which takes a thread. */
static void request_free(struct aio_request *r)
{
	struct aio_context *c = r->ctx;

	if (r->eventfd && put_unless_last(r->eventfd))
		r->eventfd = NULL;
	if (r->file && put_unless_last(r->file))
		r->file = NULL;
	if ((r->file || r->eventfd) && !plat_irq_enabled()) {
		work_init(&r->work, release_work);
		(void)work_queue(&r->work);
	} else {
		request_release(r);
	}
	wake_up_all(&c->waitq);
	aio_put(c);
}

void aio_request_drop(struct aio_request *r)
{
	u64 irq = spin_lock_irqsave(&r->ctx->lock);

	r->ctx->under_way--;
	spin_unlock_irqrestore(&r->ctx->lock, irq);
	request_free(r);
}

static void request_done(struct async_io *io, s64 result)
{
	struct aio_request *r = container_of(io, struct aio_request, io);
	struct aio_context *c = r->ctx;
	u64 irq = spin_lock_irqsave(&c->lock);

	*event_at(c, c->tail) = (struct io_event){ .data = r->data, .obj = r->object, .res = result };
	WRITE_ONCE(c->tail, c->tail + 1 == c->slots ? 0 : c->tail + 1);
	__atomic_store_n(&ring_of(c)->tail, c->tail, __ATOMIC_RELEASE);	/* the event before it */
	c->under_way--;
	spin_unlock_irqrestore(&c->lock, irq);
	if (r->eventfd)
		(void)eventfd_signal(r->eventfd, 1);
	request_free(r);
}

static s64 transfer_now(struct file *f, struct iter *it, u64 pos, bool write)
{
	s64 n = write ? file_write(f, it, &pos) : file_read(f, it, &pos);

	/* There is no call to be restarted. */
	return n == -ERESTARTSYS || n == -ERESTARTNOINTR || n == -ERESTARTNOHAND ? -EINTR : n;
}

void aio_transfer(struct aio_request *r, struct iter *it, u64 pos, bool write, bool polled)
{
	struct file *f = r->file;
	s64 n = -EOPNOTSUPP;

	r->io.done = request_done;
	it->hipri = false;	/* nobody would look for the end */
	if (f->ops->start && f->flags & O_DIRECT && !polled)
		n = f->ops->start(f, it, pos, write, &r->io);
	if (n == -EIOCBQUEUED)
		return;
	if (n == -EOPNOTSUPP)
		n = transfer_now(f, it, pos, write);
	request_done(&r->io, n);
}

static void fsync_work(struct work *w)
{
	struct aio_request *r = container_of(w, struct aio_request, work);

	request_done(&r->io, file_sync(r->file, 0, ~0ull, r->datasync));
}

void aio_fsync(struct aio_request *r)
{
	work_init(&r->work, fsync_work);
	(void)work_queue(&r->work);
}

/* ---- events ---- */

/* Copy a batch from the ring, leaving it there. */
static u32 events_peek(struct aio_context *c, struct io_event *out, u32 max, u32 *head)
{
	u64 irq = spin_lock_irqsave(&c->lock);
	u32 n = MIN(ring_used(c), max), slot = ring_head(c);

	*head = slot;
	for (u32 i = 0; i < n; i++) {
		out[i] = *event_at(c, slot);
		slot = slot + 1 == c->slots ? 0 : slot + 1;
	}
	spin_unlock_irqrestore(&c->lock, irq);
	return n;
}

static s64 events_copy(struct aio_context *c, uaddr_t to, s64 nr)
{
	struct io_event batch[BATCH];
	s64 done = 0;

	while (done < nr) {
		u32 head, n = events_peek(c, batch, (u32)MIN(nr - done, (s64)BATCH), &head);

		if (!n)
			break;
		if (copy_out(uaddr_add(to, (u64)done * sizeof(batch[0])), batch, n * sizeof(batch[0])))
			return done ? done : -EFAULT;
		WRITE_ONCE(ring_of(c)->head, (head + n) % c->slots);
		done += n;
	}
	return done;
}

s64 aio_events(struct aio_context *c, uaddr_t to, s64 nr)
{
	s64 n;

	if (wait_event_killable(&c->waitq, !xchg(&c->reading, 1u)))
		return -EINTR;
	n = events_copy(c, to, nr);
	atomic_store_release(&c->reading, 0u);
	wake_up_all(&c->waitq);
	return n;
}
