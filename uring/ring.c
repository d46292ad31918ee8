/* The ring as a file: memory, completions, overflow; see uring.h. */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "uring/uring.h"
#include "vfs/eventfd.h"

static const struct file_ops uring_fops;

struct uring *file_uring(const struct file *f)
{
	return f->ops == &uring_fops ? f->private : NULL;
}

u64 uring_lock(struct uring *ring) { return spin_lock_irqsave(&ring->lock); }
void uring_unlock(struct uring *ring, u64 irq) { spin_unlock_irqrestore(&ring->lock, irq); }

/* ---- memory ---- */

static void mem_free(struct uring_mem *m)
{
	for (u32 i = 0; m->pages && i < m->count; i++)
		if (m->pages[i])
			page_put(m->pages[i]);
	kvfree(m->pages);
}

static int mem_alloc(struct uring_mem *m, u64 bytes)
{
	m->count = (u32)DIV_ROUND_UP(bytes, PAGE_SIZE);
	m->pages = kvmalloc(m->count * sizeof(*m->pages), ALLOC_KERNEL | ALLOC_ZERO);
	if (!m->pages)
		return -ENOMEM;
	for (u32 i = 0; i < m->count; i++) {
		m->pages[i] = page_alloc(0, ALLOC_USER | ALLOC_ZERO);
		if (!m->pages[i])
			return -ENOMEM;
	}
	return 0;
}

/* Entries are powers of two in size and aligned, so none straddles two pages. */
static void *mem_at(const struct uring_mem *m, u64 at)
{
	return (char *)page_virt(m->pages[at >> PAGE_SHIFT]) + (at & (PAGE_SIZE - 1));
}

u32 uring_sq_index(const struct uring *ring, u32 head)
{
	return READ_ONCE(*(u32 *)mem_at(&ring->rings, ring->array_at + (u64)(head & (ring->sq_entries - 1)) * sizeof(u32)));
}

void uring_sqe_read(const struct uring *ring, u32 index, struct io_uring_sqe *out)
{
	u64 bytes = sizeof(*out) << !!(ring->setup & IORING_SETUP_SQE128);

	memcpy(out, mem_at(&ring->sqes, index * bytes), sizeof(*out));
	barrier();	/* it is read once: the program may change it */
}

static void ring_vma_open(struct vma *v) { file_get(v->owner); }
static void ring_vma_close(struct vma *v) { file_put(v->owner); }

/* Which memory lies at page @index of the file; @index becomes the page in it. NULL: none */
static const struct uring_mem *mem_of(const struct uring *ring, u64 *index)
{
	u64 base = *index << PAGE_SHIFT & IORING_OFF_MMAP_MASK;

	*index -= base >> PAGE_SHIFT;
	if (base == IORING_OFF_SQES)
		return &ring->sqes;
	return base == IORING_OFF_SQ_RING || base == IORING_OFF_CQ_RING ? &ring->rings : NULL;
}

static struct page *ring_vma_fault(struct vma *v, u64 index, bool write)
{
	struct uring *ring = ((struct file *)v->owner)->private;
	const struct uring_mem *m = mem_of(ring, &index);

	if (!m)
		return ERR_PTR(-EIO);
	if (index >= m->count)
		return ERR_PTR(-EIO);
	page_get(m->pages[index]);
	return m->pages[index];
}

static int ring_vma_name(struct vma *v, char *buf, size_t size)
{
	strlcpy(buf, "anon_inode:[io_uring]", size);
	return 0;
}

static const struct vma_ops ring_vma_ops = {
	.open = ring_vma_open, .close = ring_vma_close, .fault = ring_vma_fault, .name = ring_vma_name,
};

static int ring_mmap(struct file *f, struct mm_file *out, u32 prot, u32 flags, u64 len, u64 pgoff)
{
	struct uring *ring = f->private;
	const struct uring_mem *m = mem_of(ring, &pgoff);

	if (!m)
		return -EINVAL;
	if (pgoff >= m->count)
		return -ENOMEM;
	out->ops = &ring_vma_ops;
	out->owner = file_get(f);
	out->extra_flags = VM_DONTDUMP;
	return 0;
}

/* ---- completions ---- */

static u32 cq_used(const struct uring *ring)
{
	return ring->cq_tail - __atomic_load_n(&ring->shared->cq.head, __ATOMIC_ACQUIRE);
}

u32 uring_cq_ready(struct uring *ring)
{
	return READ_ONCE(ring->cq_tail) - READ_ONCE(ring->shared->cq.head);
}

/* Lock held. The program's head may be anything: the worst is that it overwrites its own completions. */
static bool cq_put(struct uring *ring, const struct uring_cqe *cqe)
{
	bool big = ring->setup & IORING_SETUP_CQE32;
	u32 slot = ring->cq_tail & (ring->cq_entries - 1);
	struct io_uring_cqe *to;

	if (cq_used(ring) >= ring->cq_entries)
		return false;
	to = mem_at(&ring->rings, ring->cqes_at + ((u64)slot * sizeof(*to) << big));
	to->user_data = cqe->user_data;
	to->res = cqe->res;
	to->flags = cqe->flags;
	if (big) {
		to->big_cqe[0] = cqe->extra[0];
		to->big_cqe[1] = cqe->extra[1];
	}
	ring->cq_tail++;
	__atomic_store_n(&ring->shared->cq.tail, ring->cq_tail, __ATOMIC_RELEASE);
	return true;
}

void uring_post_locked(struct uring *ring, const struct uring_cqe *cqe, struct uring_late *late)
{
	if (list_empty(&ring->overflow) && cq_put(ring, cqe)) {
		if (late && !late->owner)
			kfree(late);
		return;
	}
	late->cqe = *cqe;
	if (late->owner)
		atomic_inc(&late->owner->refs);
	list_add_tail(&late->node, &ring->overflow);
	atomic_or(&ring->shared->sq_flags, IORING_SQ_CQ_OVERFLOW);
}

static void late_free(struct uring_late *late)
{
	if (late->owner)
		uring_req_put(late->owner);
	else
		kfree(late);
}

bool uring_overflow_flush(struct uring *ring)
{
	bool empty, moved = false;
	LIST_HEAD(done);

	if (list_empty(&ring->overflow))
		return true;
	u64 irq = uring_lock(ring);
	while (!list_empty(&ring->overflow)) {
		struct uring_late *late = list_first_entry(&ring->overflow, struct uring_late, node);

		if (!cq_put(ring, &late->cqe))
			break;
		list_move_tail(&late->node, &done);
		moved = true;
	}
	empty = list_empty(&ring->overflow);
	if (empty)
		atomic_and(&ring->shared->sq_flags, ~(u32)IORING_SQ_CQ_OVERFLOW);
	uring_unlock(ring, irq);
	while (!list_empty(&done)) {
		struct uring_late *late = list_first_entry(&done, struct uring_late, node);

		list_del_init(&late->node);
		late_free(late);
	}
	if (moved)
		uring_posted(ring, false);
	return empty;
}

void uring_posted(struct uring *ring, bool async)
{
	wake_up_poll(&ring->waitq, EPOLLIN);
	rcu_read_lock();
	struct uring_eventfd *e = rcu_dereference(ring->eventfd);

	if (e && (!e->async || async) && !(READ_ONCE(ring->shared->cq_flags) & IORING_CQ_EVENTFD_DISABLED))
		(void)eventfd_signal(e->file, 1);
	rcu_read_unlock();
}

static void eventfd_free(struct rcu_head *head)
{
	struct uring_eventfd *e = container_of(head, struct uring_eventfd, rcu);

	file_put(e->file);
	kfree(e);
}

int uring_eventfd_set(struct uring *ring, struct file *f, bool async)
{
	struct uring_eventfd *old = ring->eventfd, *e = NULL;

	if (f) {
		if (old)
			return -EBUSY;
		e = kzalloc(sizeof(*e), ALLOC_KERNEL);
		if (!e)
			return -ENOMEM;
		e->file = f;
		e->async = async;
	} else if (!old) {
		return -ENXIO;
	}
	rcu_assign_pointer(ring->eventfd, e);
	if (old)
		call_rcu(&old->rcu, eventfd_free);
	return 0;
}

/* ---- waiting ---- */

void uring_iopoll(struct uring *ring)
{
	struct file *f = NULL;

	if (list_empty(&ring->iopoll))
		return;
	u64 irq = uring_lock(ring);
	if (!list_empty(&ring->iopoll))
		f = file_get(list_first_entry(&ring->iopoll, struct uring_req, node)->file);
	uring_unlock(ring, irq);
	if (f && f->ops->iopoll)
		f->ops->iopoll(f);
	if (f)
		file_put(f);
}

bool uring_satisfied(struct uring *ring, u32 min)
{
	uring_run_ready(ring);
	(void)uring_overflow_flush(ring);
	return uring_cq_ready(ring) >= MIN(min, ring->cq_entries);
}

int uring_wait(struct uring *ring, u32 min, u64 deadline_ns)
{
	struct waiter w;
	int ret = 0;

	min = MIN(min, ring->cq_entries);
	waiter_init(&w);
	for (;;) {
		if (uring_satisfied(ring, min))
			break;
		uring_iopoll(ring);
		waitq_prepare(&ring->waitq, &w, TS_INTERRUPTIBLE);
		u64 irq = uring_lock(ring);
		bool mine = false;
		struct uring_req *r;

		list_for_each_entry(r, &ring->ready, node)
			mine |= r->ident->thread == current();
		bool poll = !list_empty(&ring->iopoll);
		uring_unlock(ring, irq);
		if (mine || uring_cq_ready(ring) >= min)
			ret = 0;
		else if (signal_pending())
			ret = -EINTR;
		else if (poll)
			ret = plat_mono_ns() >= deadline_ns ? -ETIME : 0;
		else if (schedule_timeout(deadline_ns))
			ret = uring_cq_ready(ring) >= min ? 0 : -ETIME;
		waitq_finish(&ring->waitq, &w);
		if (poll)
			cond_resched();
		if (ret)
			break;
	}
	return ret;
}

static u32 ring_poll(struct file *f, struct poll_table *pt)
{
	struct uring *ring = f->private;
	u32 mask = 0;

	poll_wait(f, &ring->waitq, pt);
	if (READ_ONCE(ring->shared->sq.tail) - READ_ONCE(ring->sq_head) < ring->sq_entries)
		mask |= EPOLLOUT | EPOLLWRNORM;
	if (uring_cq_ready(ring) || !list_empty(&ring->overflow))
		mask |= EPOLLIN | EPOLLRDNORM;
	return mask;
}

/* ---- birth and end ---- */

void uring_get(struct uring *ring) { atomic_inc(&ring->refs); }

static void ring_free(struct work *w)
{
	struct uring *ring = container_of(w, struct uring, teardown);

	mem_free(&ring->rings);
	mem_free(&ring->sqes);
	kfree(ring);
}

/* Any context. */
void uring_put(struct uring *ring)
{
	if (!atomic_dec_and_test(&ring->refs))
		return;
	if (plat_irq_enabled()) {
		ring_free(&ring->teardown);
	} else {
		work_init(&ring->teardown, ring_free);
		(void)work_queue(&ring->teardown);
	}
}

/* On a kernel thread: nobody has a descriptor of the ring any more. */
static void teardown(struct work *w)
{
	struct uring *ring = container_of(w, struct uring, teardown);
	const struct uring_match all = { .flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL, .everything = true };

	uring_poller_end(ring);
	(void)uring_cancel(ring, &all);
	uring_wait_idle(ring, !uring_busy(ring, &all));
	uring_threads_stop(ring);
	uring_nodes_drop(ring);
	uring_resources_free(ring);
	(void)!uring_eventfd_set(ring, NULL, false);
	while (!list_empty(&ring->overflow)) {
		struct uring_late *late = list_first_entry(&ring->overflow, struct uring_late, node);

		list_del_init(&late->node);
		late_free(late);
	}
	uring_put(ring);
}

static void ring_release(struct file *f)
{
	struct uring *ring = f->private;
	u64 irq = uring_lock(ring);

	ring->flags |= RING_DYING;
	if (ring->runner)
		thread_wake(ring->runner, WAKE_NORMAL);
	uring_unlock(ring, irq);
	(void)work_queue(&ring->teardown);
}

static void ring_fdinfo(struct file *f, char *buf, size_t size)
{
	struct uring *ring = f->private;
	const struct uring_shared *s = ring->shared;

	fmt_snprintf(buf, size, "SqMask:\t0x%x\nSqHead:\t%u\nSqTail:\t%u\nCachedSqHead:\t%u\nCqMask:\t0x%x\nCqHead:\t%u\nCqTail:\t%u\nCachedCqTail:\t%u\n",
		     s->sq_mask, s->sq.head, s->sq.tail, ring->sq_head, s->cq_mask, s->cq.head, s->cq.tail, ring->cq_tail);
}

static const struct file_ops uring_fops = {
	.release = ring_release,
	.poll = ring_poll,
	.mmap = ring_mmap,
	.show_fdinfo = ring_fdinfo,
	.flags = FOP_STREAM | FOP_NO_RIGHTS,
};

static u32 round_pow2(u32 n)
{
	u32 p = 1;

	while (p < n)
		p *= 2;
	return p;
}

/* The sizes of both rings. */
static int sizes(u32 entries, struct io_uring_params *p)
{
	if (!entries)
		return -EINVAL;
	if (entries > URING_ENTRIES_MAX) {
		if (!(p->flags & IORING_SETUP_CLAMP))
			return -EINVAL;
		entries = URING_ENTRIES_MAX;
	}
	p->sq_entries = round_pow2(entries);
	if (!(p->flags & IORING_SETUP_CQSIZE)) {
		p->cq_entries = 2 * p->sq_entries;
		return 0;
	}
	if (!p->cq_entries)
		return -EINVAL;
	if (p->cq_entries > URING_CQ_MAX) {
		if (!(p->flags & IORING_SETUP_CLAMP))
			return -EINVAL;
		p->cq_entries = URING_CQ_MAX;
	}
	p->cq_entries = round_pow2(p->cq_entries);
	return p->cq_entries < p->sq_entries ? -EINVAL : 0;
}

/* Which flags go with which. */
static int setup_check(const struct io_uring_params *p)
{
	const u32 known = IORING_SETUP_IOPOLL | IORING_SETUP_SQPOLL | IORING_SETUP_SQ_AFF | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |
		IORING_SETUP_ATTACH_WQ | IORING_SETUP_R_DISABLED | IORING_SETUP_SUBMIT_ALL | IORING_SETUP_COOP_TASKRUN |
		IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SQE128 | IORING_SETUP_CQE32 | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
	u32 f = p->flags;

	if (f & ~known)
		return -EINVAL;
	if (f & IORING_SETUP_SQPOLL && f & (IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_DEFER_TASKRUN))
		return -EINVAL;
	if (f & IORING_SETUP_TASKRUN_FLAG && !(f & (IORING_SETUP_COOP_TASKRUN | IORING_SETUP_DEFER_TASKRUN)))
		return -EINVAL;
	if (f & IORING_SETUP_DEFER_TASKRUN && !(f & IORING_SETUP_SINGLE_ISSUER))
		return -EINVAL;
	if (f & IORING_SETUP_SQ_AFF && (!(f & IORING_SETUP_SQPOLL) || p->sq_thread_cpu >= plat_cpu_count()))
		return -EINVAL;
	return 0;
}

static void tell(const struct uring *ring, struct io_uring_params *p)
{
	p->features = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RW_CUR_POS |
		IORING_FEAT_CUR_PERSONALITY | IORING_FEAT_FAST_POLL | IORING_FEAT_POLL_32BITS | IORING_FEAT_SQPOLL_NONFIXED |
		IORING_FEAT_EXT_ARG | IORING_FEAT_NATIVE_WORKERS | IORING_FEAT_RSRC_TAGS | IORING_FEAT_CQE_SKIP | IORING_FEAT_LINKED_FILE;
	p->sq_off = (struct io_sqring_offsets){
		.head = offsetof(struct uring_shared, sq.head), .tail = offsetof(struct uring_shared, sq.tail),
		.ring_mask = offsetof(struct uring_shared, sq_mask), .ring_entries = offsetof(struct uring_shared, sq_entries),
		.flags = offsetof(struct uring_shared, sq_flags), .dropped = offsetof(struct uring_shared, sq_dropped),
		.array = ring->array_at,
	};
	p->cq_off = (struct io_cqring_offsets){
		.head = offsetof(struct uring_shared, cq.head), .tail = offsetof(struct uring_shared, cq.tail),
		.ring_mask = offsetof(struct uring_shared, cq_mask), .ring_entries = offsetof(struct uring_shared, cq_entries),
		.overflow = offsetof(struct uring_shared, cq_overflow), .cqes = ring->cqes_at,
		.flags = offsetof(struct uring_shared, cq_flags),
	};
}

static int ring_memory(struct uring *ring)
{
	struct uring_shared *s;
	u64 cqes = (u64)ring->cq_entries * sizeof(struct io_uring_cqe) << !!(ring->setup & IORING_SETUP_CQE32);
	int err;

	static_assert(sizeof(struct uring_shared) % 64 == 0, "completions do not straddle pages");
	ring->cqes_at = sizeof(*s);
	ring->array_at = ring->cqes_at + (u32)cqes;
	err = mem_alloc(&ring->rings, ring->array_at + ring->sq_entries * sizeof(u32));
	if (!err)
		err = mem_alloc(&ring->sqes, (u64)ring->sq_entries * sizeof(struct io_uring_sqe) << !!(ring->setup & IORING_SETUP_SQE128));
	if (err)
		return err;
	s = ring->shared = page_virt(ring->rings.pages[0]);
	s->sq_entries = ring->sq_entries;
	s->cq_entries = ring->cq_entries;
	s->sq_mask = ring->sq_entries - 1;
	s->cq_mask = ring->cq_entries - 1;
	return 0;
}

static struct uring *ring_new(const struct io_uring_params *p)
{
	struct uring *ring = kzalloc(sizeof(*ring), ALLOC_KERNEL);

	if (!ring)
		return NULL;
	ring->refs = 1;
	ring->setup = p->flags;
	ring->sq_entries = p->sq_entries;
	ring->cq_entries = p->cq_entries;
	mutex_init(&ring->submit, RANK_URING);
	spin_init(&ring->lock, RANK_WORKQ);
	list_init(&ring->all);
	list_init(&ring->ready);
	list_init(&ring->deferred);
	list_init(&ring->counting);
	list_init(&ring->overflow);
	list_init(&ring->nodes);
	list_init(&ring->groups);
	list_init(&ring->iopoll);
	waitq_init(&ring->waitq);
	waitq_init(&ring->idle);
	waitq_init(&ring->poller_wait);
	waitq_init(&ring->space_wait);
	work_init(&ring->teardown, teardown);
	for (int i = 0; i < POOLS; i++) {
		list_init(&ring->pool[i].queue);
		list_init(&ring->pool[i].workers);
	}
	ring->pool[POOL_BOUNDED].max = 4 * plat_cpu_count();
	ring->pool[POOL_UNBOUNDED].max = 64;
	ring->poller_cpu = p->flags & IORING_SETUP_SQ_AFF ? (s32)p->sq_thread_cpu : -1;
	ring->poller_idle_ns = (p->sq_thread_idle ? p->sq_thread_idle : 1000) * (u64)NS_PER_MS;
	if (p->flags & IORING_SETUP_R_DISABLED)
		ring->flags = RING_DISABLED;
	else if (p->flags & IORING_SETUP_SINGLE_ISSUER)
		ring->issuer = current();
	if (ring_memory(ring)) {
		uring_put(ring);
		return NULL;
	}
	return ring;
}

struct file *uring_create(u32 entries, struct io_uring_params *p)
{
	int err = setup_check(p);
	struct uring *ring;
	struct file *f;

	if (!err)
		err = sizes(entries, p);
	if (err)
		return ERR_PTR(err);
	ring = ring_new(p);
	if (!ring)
		return ERR_PTR(-ENOMEM);
	f = file_anon("anon_inode:[io_uring]", &uring_fops, ring, O_RDWR);
	if (IS_ERR(f)) {
		uring_put(ring);
		return f;
	}
	err = uring_runner_start(ring);
	if (!err && p->flags & IORING_SETUP_SQPOLL && !(p->flags & IORING_SETUP_R_DISABLED))
		err = uring_poller_start(ring);
	if (err) {
		file_put(f);
		return ERR_PTR(err);
	}
	tell(ring, p);
	return f;
}

int uring_enable(struct uring *ring)
{
	int err = 0;

	if (!(ring->flags & RING_DISABLED))
		return -EBADFD;
	if (ring->setup & IORING_SETUP_SQPOLL)
		err = uring_poller_start(ring);
	if (err)
		return err;
	if (ring->setup & IORING_SETUP_SINGLE_ISSUER && !ring->issuer)
		ring->issuer = current();
	u64 irq = uring_lock(ring);
	ring->flags &= ~(u32)RING_DISABLED;
	if (ring->restrict_)
		ring->flags |= RING_RESTRICTED;
	uring_unlock(ring, irq);
	wake_up_all(&ring->poller_wait);
	return 0;
}

int uring_check_issuer(struct uring *ring)
{
	return ring->setup & IORING_SETUP_SINGLE_ISSUER && ring->issuer && ring->issuer != current() ? -EEXIST : 0;
}
