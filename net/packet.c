/*
 * Packets: memory, the linear part, fragments, copies.  packet.h is the contract.
 */
#include <linux/errno.h>
#include "kern/assert.h"
#include "kern/slab.h"
#include "mm/iter.h"
#include "net/checksum.h"
#include "net/packet.h"

static struct slab_cache *packet_cache;

void packet_init(void)
{
	packet_cache = slab_create("packet", sizeof(struct packet), CACHELINE_SIZE);
	assert(packet_cache);
}

struct packet *packet_alloc(u32 linear, u32 flags)
{
	u32 room = linear + PACKET_HEADROOM;
	struct packet *p;

	if (room > PACKET_LINEAR_MAX)
		return NULL;
	p = slab_alloc(packet_cache, flags);
	if (!p)
		return NULL;
	memset(p, 0, offsetof(struct packet, frag));
	p->memory = sizeof(*p);
	p->buf = p->inline_buf;
	if (room <= PACKET_INLINE_BYTES) {
		room = PACKET_INLINE_BYTES;
	} else {
		p->buf = kmalloc(room, flags);
		if (!p->buf) {
			slab_free(packet_cache, p);
			return NULL;
		}
		p->memory += room;
	}
	p->end = p->buf + room;
	p->data = p->tail = p->buf + PACKET_HEADROOM;
	p->mac_off = p->net_off = p->transport_off = PACKET_NO_OFFSET;
	list_init(&p->node);
	return p;
}

void packet_orphan(struct packet *p)
{
	void (*destroy)(struct packet *p) = p->destroy;

	p->destroy = NULL;
	if (destroy)
		destroy(p);
	p->owner = NULL;
	p->charge = 0;
}

void packet_free(struct packet *p)
{
	if (!p)
		return;
	packet_orphan(p);
	for (u32 i = 0; i < p->frag_count; i++)
		page_put(p->frag[i].page);
	if (p->buf != p->inline_buf)
		kfree(p->buf);
	slab_free(packet_cache, p);
}

void packet_free_list(struct list_head *list)
{
	while (!list_empty(list)) {
		struct packet *p = list_first_entry(list, struct packet, node);

		list_del_init(&p->node);
		packet_free(p);
	}
}

/* ---- copies ---- */

/* What describes the bytes, not the buffer nor the owner; offsets move by @shift. */
static void copy_state(struct packet *to, const struct packet *from)
{
	s32 shift = (s32)(to->data - to->buf) - (s32)(from->data - from->buf);

	to->dev = from->dev;
	to->protocol = from->protocol;
	to->csum = from->csum;
	to->gso = from->gso;
	to->type = from->type;
	to->csum_start = (u16)(from->csum_start + shift);
	to->csum_offset = from->csum_offset;
	to->gso_size = from->gso_size;
	to->mark = from->mark;
	to->priority = from->priority;
	memcpy(to->cb, from->cb, sizeof(to->cb));
	if (from->mac_off != PACKET_NO_OFFSET)
		to->mac_off = (u16)(from->mac_off + shift);
	if (from->net_off != PACKET_NO_OFFSET)
		to->net_off = (u16)(from->net_off + shift);
	if (from->transport_off != PACKET_NO_OFFSET)
		to->transport_off = (u16)(from->transport_off + shift);
}

/* A new packet with the same linear part, head room included (headers already taken off lie there). */
static struct packet *clone_linear(const struct packet *p, u32 flags)
{
	u32 front = packet_headroom(p), linear = packet_linear(p), beyond = front > PACKET_HEADROOM ? front - PACKET_HEADROOM : 0;
	struct packet *q = packet_alloc(beyond + linear, flags);

	if (!q)
		return NULL;
	q->data += beyond;
	memcpy(q->data - front, p->data - front, front + linear);
	q->tail = q->data + linear;
	q->len = linear;
	copy_state(q, p);
	return q;
}

struct packet *packet_clone(const struct packet *p, u32 flags)
{
	struct packet *q = clone_linear(p, flags);

	if (!q)
		return NULL;
	for (u32 i = 0; i < p->frag_count; i++) {
		page_get(p->frag[i].page);
		q->frag[i] = p->frag[i];
	}
	q->frag_count = p->frag_count;
	q->frag_len = p->frag_len;
	q->len = p->len;
	q->memory += p->frag_len;
	return q;
}

struct packet *packet_copy(const struct packet *p, u32 flags)
{
	struct packet *q = clone_linear(p, flags);
	u32 at = packet_linear(p);

	while (q && q->len < p->len) {
		struct page *page = page_alloc(0, flags);
		u32 n = MIN(p->len - at, (u32)PAGE_SIZE);

		if (!page || !packet_copy_bits(p, at, page_virt(page), n) || !packet_add_frag(q, page, 0, n)) {
			if (page)
				page_put(page);
			packet_free(q);
			return NULL;
		}
		at += n;
	}
	return q;
}

/* ---- the linear part ---- */

u8 *packet_put(struct packet *p, u32 n)
{
	u8 *at = p->tail;

	assert(!p->frag_count && packet_tailroom(p) >= n);
	p->tail += n;
	p->len += n;
	return at;
}

u8 *packet_push(struct packet *p, u32 n)
{
	assert(packet_headroom(p) >= n);
	p->data -= n;
	p->len += n;
	return p->data;
}

/* Move the linear part to a buffer with @front and @back bytes of room. */
static int regrow(struct packet *p, u32 front, u32 back)
{
	u32 old_front = packet_headroom(p), linear = packet_linear(p), keep = MIN(old_front, front);
	u64 size = (u64)front + linear + back;

	if (size > 2 * PACKET_LINEAR_MAX)
		return -ENOMEM;
	u8 *buf = kmalloc(size, ALLOC_ATOMIC);

	if (!buf)
		return -ENOMEM;
	s32 shift = (s32)front - (s32)old_front;

	memcpy(buf + front - keep, p->data - keep, keep + linear);
	if (p->buf != p->inline_buf) {
		p->memory -= (u32)(p->end - p->buf);
		kfree(p->buf);
	}
	p->buf = buf;
	p->data = buf + front;
	p->tail = p->data + linear;
	p->end = buf + size;
	p->csum_start = (u16)(p->csum_start + shift);
	if (p->mac_off != PACKET_NO_OFFSET)
		p->mac_off = (u16)(p->mac_off + shift);
	if (p->net_off != PACKET_NO_OFFSET)
		p->net_off = (u16)(p->net_off + shift);
	if (p->transport_off != PACKET_NO_OFFSET)
		p->transport_off = (u16)(p->transport_off + shift);
	p->memory += (u32)size;
	return 0;
}

int packet_ensure_headroom(struct packet *p, u32 n)
{
	return packet_headroom(p) >= n ? 0 : regrow(p, n + 64, packet_tailroom(p));
}

/* Take @n <= frag_len bytes off the front of the fragments. */
static void eat_frags(struct packet *p, u32 n)
{
	u32 gone = 0;

	p->frag_len -= n;
	while (n && n >= p->frag[gone].len) {
		n -= p->frag[gone].len;
		page_put(p->frag[gone++].page);
	}
	if (n) {
		p->frag[gone].offset += n;
		p->frag[gone].len -= n;
	}
	p->frag_count = (u8)(p->frag_count - gone);
	memmove(p->frag, p->frag + gone, p->frag_count * sizeof(p->frag[0]));
}

void packet_eat(struct packet *p, u32 n)
{
	u32 linear = packet_linear(p), front = MIN(n, linear);

	assert(n <= p->len);
	packet_drop_front(p, front);
	if (n > front) {
		eat_frags(p, n - front);
		p->len -= n - front;
	}
}

bool packet_pull_slow(struct packet *p, u32 n)
{
	u32 linear = packet_linear(p);

	if (n > p->len)
		return false;
	if (n <= linear)
		return true;
	u32 more = n - linear;

	if (packet_tailroom(p) < more && regrow(p, packet_headroom(p), more + 64))
		return false;
	if (!packet_copy_bits(p, linear, p->tail, more))
		return false;
	p->tail += more;
	eat_frags(p, more);
	return true;
}

int packet_linearize(struct packet *p)
{
	return packet_pull(p, p->len) ? 0 : -ENOMEM;
}

void packet_trim(struct packet *p, u32 len)
{
	if (len >= p->len)
		return;
	u32 linear = packet_linear(p), left = len > linear ? len - linear : 0, kept = 0;

	if (len < linear)
		p->tail = p->data + len;
	p->frag_len = left;
	while (left) {
		p->frag[kept].len = MIN(p->frag[kept].len, left);
		left -= p->frag[kept++].len;
	}
	for (u32 i = kept; i < p->frag_count; i++)
		page_put(p->frag[i].page);
	p->frag_count = (u8)kept;
	p->len = len;
}

/* ---- fragments ---- */

bool packet_add_frag(struct packet *p, struct page *page, u32 offset, u32 len)
{
	struct packet_frag *last = p->frag_count ? &p->frag[p->frag_count - 1] : NULL;

	if (last && last->page == page && last->offset + last->len == offset) {
		last->len += len;
		page_put(page);
	} else if (p->frag_count == PACKET_FRAGS_MAX) {
		return false;
	} else {
		p->frag[p->frag_count++] = (struct packet_frag){ page, offset, len };
	}
	p->frag_len += len;
	p->len += len;
	p->memory += len;
	return true;
}

bool packet_append(struct packet *p, struct packet *tail)
{
	u32 linear = packet_linear(tail);

	if (linear > (p->frag_count ? 0 : packet_tailroom(p)) || p->frag_count + tail->frag_count > PACKET_FRAGS_MAX)
		return false;
	if (linear)
		memcpy(packet_put(p, linear), tail->data, linear);
	for (u32 i = 0; i < tail->frag_count; i++)
		p->frag[p->frag_count++] = tail->frag[i];
	p->frag_len += tail->frag_len;
	p->len += tail->frag_len;
	p->memory += tail->frag_len;
	tail->frag_count = 0;
	tail->frag_len = 0;
	packet_free(tail);
	return true;
}

/* ---- bytes ---- */

/* A run of bytes of a packet that lies in one place. */
struct run {
	u8 *at;
	u32 len;
};

/* The run at @offset, at most @n bytes; len 0: past the end. */
static struct run run_at(const struct packet *p, u32 offset, u32 n)
{
	u32 linear = packet_linear(p);

	if (offset < linear)
		return (struct run){ p->data + offset, MIN(n, linear - offset) };
	offset -= linear;
	for (u32 i = 0; i < p->frag_count; i++) {
		const struct packet_frag *f = &p->frag[i];

		if (offset < f->len)
			return (struct run){ (u8 *)page_virt(f->page) + f->offset + offset, MIN(n, f->len - offset) };
		offset -= f->len;
	}
	return (struct run){ NULL, 0 };
}

static bool in_range(const struct packet *p, u32 offset, u32 n)
{
	return offset <= p->len && n <= p->len - offset;
}

bool packet_copy_bits(const struct packet *p, u32 offset, void *dst, u32 n)
{
	if (!in_range(p, offset, n))
		return false;
	for (u8 *out = dst; n;) {
		struct run r = run_at(p, offset, n);

		memcpy(out, r.at, r.len);
		out += r.len;
		offset += r.len;
		n -= r.len;
	}
	return true;
}

bool packet_store_bits(struct packet *p, u32 offset, const void *src, u32 n)
{
	if (!in_range(p, offset, n))
		return false;
	for (const u8 *in = src; n;) {
		struct run r = run_at(p, offset, n);

		memcpy(r.at, in, r.len);
		in += r.len;
		offset += r.len;
		n -= r.len;
	}
	return true;
}

u32 packet_to_iter(const struct packet *p, u32 offset, struct iter *it, u32 n)
{
	u32 done = 0;

	while (done < n) {
		struct run r = run_at(p, offset + done, n - done);
		u32 got = r.len ? (u32)iter_put(it, r.at, r.len) : 0;

		done += got;
		if (!r.len || got < r.len)
			break;
	}
	return done;
}

int packet_from_iter(struct packet *p, struct iter *it, u32 n)
{
	u32 here = p->frag_count ? 0 : MIN(n, packet_tailroom(p));

	if (here && iter_get(it, packet_put(p, here), here) < here)
		return -EFAULT;
	for (n -= here; n;) {
		struct page *page = page_alloc(0, ALLOC_KERNEL);
		u32 part = MIN(n, (u32)PAGE_SIZE);
		int err = !page ? -ENOMEM : iter_get(it, page_virt(page), part) < part ? -EFAULT : 0;

		if (!err && !packet_add_frag(p, page, 0, part))
			err = -EMSGSIZE;
		if (err) {
			if (page)
				page_put(page);
			return err;
		}
		n -= part;
	}
	return 0;
}

u32 packet_csum_bits(const struct packet *p, u32 offset, u32 n, u32 sum)
{
	for (u32 done = 0; done < n;) {
		struct run r = run_at(p, offset + done, n - done);

		if (!r.len)
			break;
		sum = csum_add(sum, csum_shift(csum_partial(r.at, r.len, 0), done));
		done += r.len;
	}
	return sum;
}

int packet_csum_finish(struct packet *p)
{
	s64 start = (s64)p->csum_start - (s64)packet_headroom(p);
	be16 sum;

	if (p->csum != CSUM_PARTIAL)
		return 0;
	if (start < 0 || !in_range(p, (u32)start, p->csum_offset + 2u))
		return -EINVAL;
	if (!packet_pull(p, (u32)start + p->csum_offset + 2))
		return -ENOMEM;
	sum = csum_finish(packet_csum_bits(p, (u32)start, p->len - (u32)start, 0));
	/* Of UDP, 0 means "none"; the other zero means the same sum. */
	if (!sum)
		sum = 0xffff;
	memcpy(p->data + start + p->csum_offset, &sum, sizeof(sum));
	p->csum = CSUM_NONE;
	return 0;
}
