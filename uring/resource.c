/*
 * Registered files and buffers, provided buffers, personalities.
 *
 * A slot's contents are an object of their own with references, so a slot may change while requests use what was there; a tag is
 * told when the last of them has gone.  Tables are changed under ring->submit, and read, like all here, under ring->lock.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "kern/page.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "mm/user.h"
#include "uring/resource.h"

struct uring_tagged {			/* a registered file */
	u32 refs;			/* [a] */
	struct file *file;
	u64 tag;
};

struct uring_files {
	u32 count, from, to;		/* [l] the range that allocation uses */
	struct uring_tagged *slot[];	/* [l] */
};

struct uring_bufs {
	u32 count;
	struct uring_buf *slot[];	/* [l] */
};

static void tell_tag(struct uring *ring, u64 tag)
{
	if (tag && !uring_post_aux(ring, tag, 0, 0))
		atomic_inc(&ring->shared->cq_overflow);
}

/* ---- files ---- */

void uring_tagged_put(struct uring *ring, struct uring_tagged *t)
{
	if (!t || !atomic_dec_and_test(&t->refs))
		return;
	file_put(t->file);
	tell_tag(ring, t->tag);
	kfree(t);
}

int uring_files_register(struct uring *ring, u32 count)
{
	struct uring_files *fs;

	if (ring->files)
		return -EBUSY;
	fs = kvmalloc(sizeof(*fs) + count * sizeof(fs->slot[0]), ALLOC_KERNEL | ALLOC_ZERO);
	if (!fs)
		return -ENOMEM;
	fs->count = fs->to = count;
	u64 irq = uring_lock(ring);

	ring->files = fs;
	uring_unlock(ring, irq);
	return 0;
}

int uring_files_unregister(struct uring *ring)
{
	u64 irq = uring_lock(ring);
	struct uring_files *fs = ring->files;

	ring->files = NULL;
	uring_unlock(ring, irq);
	if (!fs)
		return -ENXIO;
	for (u32 i = 0; i < fs->count; i++) {
		if (fs->slot[i])
			fs->slot[i]->tag = 0;	/* of all at once nothing is told */
		uring_tagged_put(ring, fs->slot[i]);
	}
	kvfree(fs);
	return 0;
}

u32 uring_files_count(struct uring *ring)
{
	u64 irq = uring_lock(ring);
	u32 n = ring->files ? ring->files->count : 0;

	uring_unlock(ring, irq);
	return n;
}

struct file *uring_fixed_file(struct uring *ring, u32 slot, struct uring_tagged **tagged)
{
	u64 irq = uring_lock(ring);
	struct uring_tagged *t = ring->files && slot < ring->files->count ? ring->files->slot[slot] : NULL;
	struct file *f = t ? file_get(t->file) : NULL;

	*tagged = t && t->tag ? t : NULL;
	if (*tagged)
		atomic_inc(&t->refs);
	uring_unlock(ring, irq);
	return f;
}

void uring_req_release_tagged(struct uring_req *r)
{
	uring_tagged_put(r->ring, r->tagged);
	r->tagged = NULL;
}

static struct uring_tagged *tagged_new(struct file *f, u64 tag)
{
	struct uring_tagged *t = kzalloc(sizeof(*t), ALLOC_KERNEL);

	if (t) {
		t->refs = 1;
		t->file = f;
		t->tag = tag;
	}
	return t;
}

int uring_file_set(struct uring *ring, u32 slot, struct file *f, u64 tag, bool must_be_there)
{
	struct uring_tagged *t = NULL, *old = NULL;
	int err = 0;

	if (f && file_uring(f))
		return -EBADF;
	if (f) {
		t = tagged_new(f, tag);
		if (!t)
			return -ENOMEM;
	}
	u64 irq = uring_lock(ring);

	if (!ring->files)
		err = -ENXIO;
	else if (slot >= ring->files->count)
		err = -EINVAL;
	else if (must_be_there && !ring->files->slot[slot])
		err = -EBADF;
	else {
		old = ring->files->slot[slot];
		ring->files->slot[slot] = t;
	}
	uring_unlock(ring, irq);
	if (err)
		kfree(t);
	uring_tagged_put(ring, old);
	return err;
}

int uring_file_add(struct uring *ring, struct file *f)
{
	struct uring_tagged *t;
	int slot = -ENFILE;

	if (file_uring(f))
		return -EBADF;
	t = tagged_new(f, 0);
	if (!t)
		return -ENOMEM;
	u64 irq = uring_lock(ring);

	for (u32 i = ring->files ? ring->files->from : 0; slot < 0 && ring->files && i < ring->files->to; i++) {
		if (!ring->files->slot[i]) {
			ring->files->slot[i] = t;
			slot = (int)i;
		}
	}
	uring_unlock(ring, irq);
	if (slot < 0)
		kfree(t);
	return slot;
}

int uring_file_range(struct uring *ring, u32 from, u32 count)
{
	u32 end = from + count;
	int err = 0;
	u64 irq = uring_lock(ring);

	if (end < from)
		err = -EOVERFLOW;
	else if (!ring->files || end > ring->files->count)
		err = -EINVAL;
	if (!err) {
		ring->files->from = from;
		ring->files->to = end;
	}
	uring_unlock(ring, irq);
	return err;
}

/* ---- buffers ---- */

static void buf_free(struct uring_buf *b)
{
	for (u32 i = 0; b->page && i < b->pages; i++)
		mm_unpin_page(b->page[i], true);
	kvfree(b->page);
	kvfree(b->seg);
	kfree(b);
}

static void join_segs(struct uring_buf *b)
{
	u64 at = b->base, left = b->len;

	for (u32 i = 0; i < b->pages; i++) {
		u64 off = at & (PAGE_SIZE - 1), n = MIN(PAGE_SIZE - off, left), addr = (u64)page_virt(b->page[i]) + off;
		struct iter_seg *last = b->segs ? &b->seg[b->segs - 1] : NULL;

		if (last && last->base + last->len == addr)
			last->len += n;
		else
			b->seg[b->segs++] = (struct iter_seg){ addr, n };
		at += n;
		left -= n;
	}
}

struct uring_buf *uring_buf_new(u64 base, u64 len, u64 tag)
{
	struct uring_buf *b = kzalloc(sizeof(*b), ALLOC_KERNEL);
	u32 count = (u32)(((base & (PAGE_SIZE - 1)) + len + PAGE_SIZE - 1) >> PAGE_SHIFT);

	if (!b)
		return ERR_PTR(-ENOMEM);
	b->refs = 1;
	b->base = base;
	b->len = len;
	b->tag = tag;
	b->page = kvmalloc(count * sizeof(*b->page), ALLOC_KERNEL);
	b->seg = kvmalloc(count * sizeof(*b->seg), ALLOC_KERNEL);
	if (!b->page || !b->seg) {
		buf_free(b);
		return ERR_PTR(-ENOMEM);
	}
	for (; b->pages < count; b->pages++) {
		struct page *p = mm_pin_page(current()->mm, (base & ~(u64)(PAGE_SIZE - 1)) + (u64)b->pages * PAGE_SIZE, true);

		if (IS_ERR(p)) {
			buf_free(b);
			return ERR_PTR(PTR_ERR(p));
		}
		if (!page_has(page_head(p), PG_ANON | PG_SHMEM)) {	/* a file's: it may be truncated, and written out meanwhile */
			mm_unpin_page(p, false);
			buf_free(b);
			return ERR_PTR(-EOPNOTSUPP);
		}
		b->page[b->pages] = p;
		cond_resched();
	}
	join_segs(b);
	return b;
}

void uring_buf_put(struct uring *ring, struct uring_buf *b)
{
	if (!b || !atomic_dec_and_test(&b->refs))
		return;
	u64 tag = b->tag;

	buf_free(b);
	tell_tag(ring, tag);
}

int uring_bufs_register(struct uring *ring, u32 count)
{
	struct uring_bufs *bs;

	if (ring->bufs)
		return -EBUSY;
	bs = kvmalloc(sizeof(*bs) + count * sizeof(bs->slot[0]), ALLOC_KERNEL | ALLOC_ZERO);
	if (!bs)
		return -ENOMEM;
	bs->count = count;
	u64 irq = uring_lock(ring);

	ring->bufs = bs;
	uring_unlock(ring, irq);
	return 0;
}

int uring_bufs_unregister(struct uring *ring)
{
	u64 irq = uring_lock(ring);
	struct uring_bufs *bs = ring->bufs;

	ring->bufs = NULL;
	uring_unlock(ring, irq);
	if (!bs)
		return -ENXIO;
	for (u32 i = 0; i < bs->count; i++) {
		if (bs->slot[i])
			bs->slot[i]->tag = 0;
		uring_buf_put(ring, bs->slot[i]);
	}
	kvfree(bs);
	return 0;
}

u32 uring_bufs_count(struct uring *ring)
{
	u64 irq = uring_lock(ring);
	u32 n = ring->bufs ? ring->bufs->count : 0;

	uring_unlock(ring, irq);
	return n;
}

int uring_buf_set(struct uring *ring, u32 slot, struct uring_buf *b)
{
	struct uring_buf *old = NULL;
	int err = 0;
	u64 irq = uring_lock(ring);

	if (!ring->bufs) {
		err = -ENXIO;
	} else if (slot >= ring->bufs->count) {
		err = -EINVAL;
	} else {
		old = ring->bufs->slot[slot];
		ring->bufs->slot[slot] = b;
	}
	uring_unlock(ring, irq);
	uring_buf_put(ring, old);
	return err;
}

int uring_buf_iter(struct uring_req *r, u64 addr, u64 len, struct iter *it)
{
	struct uring *ring = r->ring;
	struct uring_buf *b = r->buf;

	if (!b) {
		u64 irq = uring_lock(ring);

		b = ring->bufs && r->buf_index < ring->bufs->count ? ring->bufs->slot[r->buf_index] : NULL;
		if (b)
			atomic_inc(&b->refs);
		uring_unlock(ring, irq);
		r->buf = b;
	}
	if (!b || addr < b->base || addr - b->base > b->len || len > b->len - (addr - b->base))
		return -EFAULT;
	u64 off = addr - b->base;
	u32 i = 0;

	for (; i < b->segs - 1 && off >= b->seg[i].len; i++)
		off -= b->seg[i].len;
	iter_init_segs(it, ITER_KERNEL, b->seg + i, b->segs - i, off + len);
	iter_advance(it, off);
	return 0;
}

bool uring_req_buffers_light(struct uring_req *r)
{
	u32 refs;

	if (r->tagged || r->picked.kind)
		return false;
	if (!r->buf)
		return true;
	refs = atomic_load(&r->buf->refs);
	while (refs > 1) {
		if (try_cmpxchg(&r->buf->refs, &refs, refs - 1)) {
			r->buf = NULL;
			return true;
		}
	}
	return false;
}

/* ---- provided buffers ---- */

enum { LOW_GROUPS = 64 };	/* Linux makes all of these with the first */

struct uring_provided {
	struct list_head node;		/* [l] group->free */
	u64 addr;
	u32 len;
	u16 bid;
};

struct uring_group {
	struct list_head node;		/* [l] ring->groups */
	u16 id;
	struct list_head free;		/* [l]; of a ring: what came back after others had taken from it */
	/* a ring of buffers in user memory, pinned: */
	struct uring_buf *mem;		/* [I] NULL: none */
	u16 head, mask;			/* [l] */
};

static struct uring_group *group_find(struct uring *ring, u16 id)
{
	struct uring_group *g;

	list_for_each_entry(g, &ring->groups, node)
		if (g->id == id)
			return g;
	return NULL;
}

static struct uring_group *group_new(u16 id)
{
	struct uring_group *g = kzalloc(sizeof(*g), ALLOC_KERNEL);

	if (g) {
		g->id = id;
		list_init(&g->free);
	}
	return g;
}

/* The group of that number, made if it is not there. submit held by no one: another may make it meanwhile. */
static struct uring_group *group_get(struct uring *ring, u16 id)
{
	struct uring_group *fresh = group_new(id), *g;

	if (!fresh)
		return NULL;
	u64 irq = uring_lock(ring);

	g = group_find(ring, id);
	if (!g) {
		list_add_tail(&fresh->node, &ring->groups);
		ring->low_groups |= id < LOW_GROUPS;
		g = fresh;
		fresh = NULL;
	}
	uring_unlock(ring, irq);
	kfree(fresh);
	return g;
}

static struct uring_provided *provided_new(u64 addr, u32 len, u16 bid)
{
	struct uring_provided *p = kzalloc(sizeof(*p), ALLOC_KERNEL);

	if (p) {
		p->addr = addr;
		p->len = len;
		p->bid = bid;
	}
	return p;
}

static void provided_free(struct list_head *list)
{
	while (!list_empty(list)) {
		struct uring_provided *p = list_first_entry(list, struct uring_provided, node);

		list_del(&p->node);
		kfree(p);
	}
}

int uring_provide(struct uring *ring, u16 group, u64 addr, u32 len, u32 count, u16 bid)
{
	LIST_HEAD(fresh);
	struct uring_group *g = group_get(ring, group);
	int err = 0;

	if (!g)
		return -ENOMEM;
	for (u32 i = 0; i < count && !err; i++) {
		struct uring_provided *p = provided_new(addr + (u64)i * len, len, (u16)(bid + i));

		if (!p) {
			if (!i)
				err = -ENOMEM;
			break;		/* those that fitted */
		}
		list_add_tail(&p->node, &fresh);
	}
	u64 irq = uring_lock(ring);

	if (!err && g->mem)
		err = -EINVAL;
	if (!err)
		list_splice_tail_init(&fresh, &g->free);
	uring_unlock(ring, irq);
	provided_free(&fresh);
	return err;
}

int uring_unprovide(struct uring *ring, u16 group, u32 count)
{
	LIST_HEAD(gone);
	int n = 0;
	u64 irq = uring_lock(ring);
	struct uring_group *g = group_find(ring, group);

	if (!g)
		n = group < LOW_GROUPS && ring->low_groups ? 0 : -ENOENT;
	else if (g->mem)
		n = -EINVAL;
	for (; g && n >= 0 && (u32)n < count && !list_empty(&g->free); n++)
		list_move_tail(g->free.next, &gone);
	uring_unlock(ring, irq);
	provided_free(&gone);
	return n;
}

int uring_pbuf_ring_register(struct uring *ring, u64 addr, u32 entries, u16 group)
{
	struct uring_buf *mem = uring_buf_new(addr, (u64)entries * sizeof(struct io_uring_buf), 0);
	struct uring_group *g;
	int err = 0;

	if (IS_ERR(mem))
		return (int)PTR_ERR(mem);
	g = group_get(ring, group);
	if (!g) {
		buf_free(mem);
		return -ENOMEM;
	}
	u64 irq = uring_lock(ring);

	if (g->mem || !list_empty(&g->free)) {
		err = -EEXIST;
	} else {
		g->mem = mem;
		g->mask = (u16)(entries - 1);
		g->head = 0;
	}
	uring_unlock(ring, irq);
	if (err)
		buf_free(mem);
	return err;
}

int uring_pbuf_ring_unregister(struct uring *ring, u16 group)
{
	struct uring_buf *mem = NULL;
	LIST_HEAD(gone);
	int err = 0;
	u64 irq = uring_lock(ring);
	struct uring_group *g = group_find(ring, group);

	if (!g) {
		err = -ENOENT;
	} else if (!g->mem) {
		err = -EINVAL;
	} else {
		mem = g->mem;
		g->mem = NULL;
		list_splice_tail_init(&g->free, &gone);
	}
	uring_unlock(ring, irq);
	provided_free(&gone);
	if (mem)
		buf_free(mem);
	return err;
}

/* A place in the user's ring of buffers: entries do not straddle pages, since the ring starts at one. */
static void *ring_at(const struct uring_group *g, u64 at)
{
	return (char *)page_virt(g->mem->page[at >> PAGE_SHIFT]) + (at & (PAGE_SIZE - 1));
}

static int pick_ring(struct uring_req *r, struct uring_group *g)
{
	u16 tail = __atomic_load_n((u16 *)ring_at(g, offsetof(struct io_uring_buf_ring, tail)), __ATOMIC_ACQUIRE);
	struct io_uring_buf *b;

	if (tail == g->head)
		return -ENOBUFS;
	b = ring_at(g, (u64)(g->head & g->mask) * sizeof(*b));
	r->picked.addr = READ_ONCE(b->addr);
	r->picked.len = READ_ONCE(b->len);
	r->picked.bid = READ_ONCE(b->bid);
	r->picked.kind = URING_PICKED_RING;
	r->picked.at = g->head++;
	return 0;
}

int uring_pick(struct uring_req *r, u64 *addr, u32 *len)
{
	struct uring *ring = r->ring;
	struct uring_provided *p = NULL;
	int err = -ENOBUFS;

	if (!r->picked.kind) {
		u64 irq = uring_lock(ring);
		struct uring_group *g = group_find(ring, r->buf_index);

		if (g && !list_empty(&g->free)) {
			p = list_first_entry(&g->free, struct uring_provided, node);
			list_del(&p->node);
			r->picked.addr = p->addr;
			r->picked.len = p->len;
			r->picked.bid = p->bid;
			r->picked.kind = URING_PICKED_LIST;
			r->picked.home = p;
			err = 0;
		} else if (g && g->mem) {
			err = pick_ring(r, g);
		}
		uring_unlock(ring, irq);
		if (err)
			return err;
	}
	*addr = r->picked.addr;
	if (!*len || *len > r->picked.len)
		*len = r->picked.len;
	return user_range_ok(uaddr(*addr), *len) ? 0 : -EFAULT;
}

/* Return: false: others have taken from the ring of buffers since */
static bool turn_back(struct uring_req *r)
{
	u64 irq = uring_lock(r->ring);
	struct uring_group *g = group_find(r->ring, r->buf_index);
	bool gone = !g || !g->mem, last = !gone && g->head == (u16)(r->picked.at + 1);

	if (last)
		g->head--;
	uring_unlock(r->ring, irq);
	return last || gone;
}

void uring_pick_back(struct uring_req *r)
{
	struct uring *ring = r->ring;
	bool of_ring = r->picked.kind == URING_PICKED_RING;
	struct uring_provided *p = r->picked.home;

	r->picked.kind = 0;
	if (of_ring && turn_back(r))
		return;
	if (of_ring)
		p = provided_new(r->picked.addr, r->picked.len, r->picked.bid);
	if (!p)
		return;		/* no memory: one buffer fewer */
	u64 irq = uring_lock(ring);
	struct uring_group *g = group_find(ring, r->buf_index);

	if (g) {
		list_add(&p->node, &g->free);
		p = NULL;
	}
	uring_unlock(ring, irq);
	kfree(p);
}

void uring_pick_done(struct uring_req *r)
{
	if (!r->picked.kind)
		return;
	r->cflags |= IORING_CQE_F_BUFFER | (u32)r->picked.bid << IORING_CQE_BUFFER_SHIFT;
	if (r->picked.kind == URING_PICKED_LIST)
		kfree(r->picked.home);
	r->picked.kind = 0;
}

void uring_req_release_buffers(struct uring_req *r)
{
	if (r->picked.kind)
		uring_pick_back(r);
	uring_buf_put(r->ring, r->buf);
	r->buf = NULL;
	uring_req_release_tagged(r);
}

/* ---- who ---- */

const struct cred *uring_personality(struct uring *ring, u16 number)
{
	return number && number <= ring->creds_max ? ring->creds[number - 1] : NULL;
}

int uring_personality_add(struct uring *ring)
{
	u32 n = 0;

	while (n < ring->creds_max && ring->creds[n])
		n++;
	if (n == URING_CREDS_MAX)
		return -ENOMEM;
	if (n == ring->creds_max) {
		u32 max = MIN(MAX(ring->creds_max * 2, 8u), (u32)URING_CREDS_MAX);
		const struct cred **more = kvmalloc(max * sizeof(*more), ALLOC_KERNEL | ALLOC_ZERO);

		if (!more)
			return -ENOMEM;
		if (n)
			memcpy(more, ring->creds, n * sizeof(*more));
		kvfree(ring->creds);
		ring->creds = more;
		ring->creds_max = max;
	}
	ring->creds[n] = cred_get(current_cred());
	return (int)n + 1;
}

int uring_personality_remove(struct uring *ring, u32 number)
{
	const struct cred *c = number <= 0xffff ? uring_personality(ring, (u16)number) : NULL;

	if (!c)
		return -EINVAL;
	ring->creds[number - 1] = NULL;
	cred_put(c);
	return 0;
}

/* ---- restrictions ---- */

bool uring_restrict_allows(const struct uring_restrict *x, const struct io_uring_sqe *sqe)
{
	if (!(x->sqe_ops >> sqe->opcode & 1))
		return false;
	if ((sqe->flags & x->sqe_flags_required) != x->sqe_flags_required)
		return false;
	return !(sqe->flags & ~(x->sqe_flags_allowed | x->sqe_flags_required));
}

/* ---- the end ---- */

void uring_resources_free(struct uring *ring)
{
	(void)!uring_files_unregister(ring);
	(void)!uring_bufs_unregister(ring);
	while (!list_empty(&ring->groups)) {
		struct uring_group *g = list_first_entry(&ring->groups, struct uring_group, node);

		list_del(&g->node);
		provided_free(&g->free);
		if (g->mem)
			buf_free(g->mem);
		kfree(g);
	}
	for (u32 i = 0; i < ring->creds_max; i++)
		if (ring->creds[i])
			cred_put(ring->creds[i]);
	kvfree(ring->creds);
	kfree(ring->restrict_);
}
