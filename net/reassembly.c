/* See reassembly.h. */
#include <linux/errno.h>
#include "kern/random.h"
#include "kern/slab.h"
#include "net/device.h"
#include "net/reassembly.h"

enum { COPY_LINEAR = 128, ECN_MASK = 3, ECN_NONE = 0, ECN_CE = 3 };

/* A datagram in the making. All fields [reassembly lock]. */
struct datagram {
	struct hlist_node node;
	struct list_head expiry;	/* of the list that reassembly_expire() makes */
	struct reassembly_key key;
	struct fragment_set set;
	struct ip_rx rx;		/* the first piece's */
	struct packet *first;		/* NULL: it has not come */
	u64 deadline_ns;
	u64 memory;
	u32 ifindex;			/* the device of the last piece */
	u8 ecn_seen;			/* a bit for each value of the ECN field */
	bool checked;			/* all pieces had good checksums */
};

/* Where a piece is kept: its control block. */
static struct fragment *fragment_of(struct packet *p) { return packet_cb(p, struct fragment); }
static struct packet *packet_of(struct fragment *f) { return container_of((u64 *)(void *)f, struct packet, cb[0]); }

static struct hlist_head *bucket_of(struct reassembly *r, const struct reassembly_key *k)
{
	u32 h = ip_addr_hash(&k->src, r->seed) ^ ip_addr_hash(&k->dst, k->id) ^ k->id;

	return &r->bucket[(h * 0x9e3779b1u) >> 24];
}

static bool same(const struct reassembly_key *a, const struct reassembly_key *b)
{
	return ip_addr_equal(&a->src, &b->src) && ip_addr_equal(&a->dst, &b->dst) && a->id == b->id && a->ifindex == b->ifindex &&
	       a->protocol == b->protocol;
}

static struct datagram *find_locked(struct reassembly *r, const struct reassembly_key *k)
{
	struct datagram *d;

	hlist_for_each_entry(d, bucket_of(r, k), node)
		if (same(&d->key, k))
			return d;
	return NULL;
}

static void timer_arm_locked(struct reassembly *r)
{
	net_timer_arm(&r->timer, plat_mono_ns() + NS_PER_SEC);
}

static struct datagram *create_locked(struct reassembly *r, const struct reassembly_key *k)
{
	struct datagram *d = kzalloc(sizeof(*d), ALLOC_ATOMIC | ALLOC_NOWARN);

	if (!d)
		return NULL;
	d->key = *k;
	d->deadline_ns = plat_mono_ns() + (u64)atomic_load(&r->seconds) * NS_PER_SEC;
	d->memory = sizeof(*d);
	d->checked = true;
	r->memory += sizeof(*d);
	fragment_set_init(&d->set);
	list_init(&d->expiry);
	hlist_add_head(&d->node, bucket_of(r, k));
	if (!r->count++)
		timer_arm_locked(r);
	return d;
}

/* Out of the table; the caller frees it without the lock. */
static void take_out_locked(struct reassembly *r, struct datagram *d)
{
	hlist_del(&d->node);
	r->memory -= d->memory;
	r->count--;
}

static void datagram_free(struct datagram *d)
{
	struct fragment *f, *next;

	if (!d)
		return;
	list_for_each_entry_safe(f, next, &d->set.list, node)
		packet_free(packet_of(f));
	kfree(d);
}

/* ---- pieces ---- */

static void note_locked(struct reassembly *r, struct datagram *d, struct packet *p, const struct ip_rx *rx, u32 start)
{
	d->ifindex = p->dev->ifindex;
	d->ecn_seen |= (u8)(1 << (rx->tos & ECN_MASK));
	d->checked &= p->csum != CSUM_NONE;
	d->memory += p->memory;
	r->memory += p->memory;
	if (!start) {
		d->first = p;
		d->rx = *rx;
	}
}

/* Append @n bytes of @p to @q: linear up to @q's room, then in pages. */
static bool append(struct packet *q, const struct packet *p)
{
	u32 at = q->frag_count ? 0 : MIN(p->len, packet_tailroom(q));

	if (at && !packet_copy_bits(p, 0, packet_put(q, at), at))
		return false;
	while (at < p->len) {
		struct packet_frag *last = q->frag_count ? &q->frag[q->frag_count - 1] : NULL;
		u32 room = last ? (u32)PAGE_SIZE - last->offset - last->len : 0;
		struct page *page = room ? last->page : page_alloc(0, ALLOC_ATOMIC | ALLOC_NOWARN);
		u32 offset = room ? last->offset + last->len : 0, n = MIN(p->len - at, (u32)PAGE_SIZE - offset);

		if (!page)
			return false;
		if (room)
			page_get(page);
		if (!packet_copy_bits(p, at, (u8 *)page_virt(page) + offset, n) || !packet_add_frag(q, page, offset, n)) {
			page_put(page);
			return false;
		}
		at += n;
	}
	return true;
}

/* All is there, and @d is out of the table. NULL: no memory, or the pieces' ECN fields contradict each other */
static struct packet *join(struct datagram *d)
{
	u32 head = (u32)(d->first->data - packet_net(d->first));
	bool congested = d->ecn_seen >> ECN_CE & 1;
	struct fragment *f;

	if (congested && d->ecn_seen >> ECN_NONE & 1)
		return NULL;
	struct packet *q = packet_alloc(head + COPY_LINEAR, ALLOC_ATOMIC | ALLOC_NOWARN);

	if (!q)
		return NULL;
	packet_mark_net(q);
	memcpy(packet_put(q, head), packet_net(d->first), head);
	packet_drop_front(q, head);
	list_for_each_entry(f, &d->set.list, node) {
		if (!append(q, packet_of(f))) {
			packet_free(q);
			return NULL;
		}
	}
	if (congested)
		d->rx.tos |= ECN_CE;
	q->dev = d->first->dev;
	q->protocol = d->first->protocol;
	q->type = d->first->type;
	q->csum = d->checked ? CSUM_GOOD : CSUM_NONE;
	*ip_rx_of(q) = d->rx;
	return q;
}

/* What insertion said. *gone: out of the table now, to be freed or joined */
static enum reassembly_result insert_locked(struct reassembly *r, struct datagram *d, struct packet *p, u32 start, bool more,
					    struct datagram **gone)
{
	struct ip_rx rx = *ip_rx_of(p);
	struct fragment *f = fragment_of(p);

	*f = (struct fragment){ .start = start, .end = start + p->len };
	enum fragment_verdict v = fragment_insert(&d->set, f, more);

	switch (v) {
	case FRAGMENT_KEPT:
		note_locked(r, d, p, &rx, start);
		return REASSEMBLY_WAITS;
	case FRAGMENT_COMPLETE:
		note_locked(r, d, p, &rx, start);
		*gone = d;
		take_out_locked(r, d);
		return REASSEMBLY_WHOLE;
	case FRAGMENT_DUPLICATE:
		packet_free(p);
		return REASSEMBLY_WAITS;
	case FRAGMENT_BAD:
	case FRAGMENT_OVERLAP:
		break;
	}
	packet_free(p);
	*gone = d;
	take_out_locked(r, d);
	return REASSEMBLY_FAILED;
}

enum reassembly_result reassembly_put(struct reassembly *r, const struct reassembly_key *key, struct packet *p, u32 start, bool more,
				      struct packet **whole)
{
	enum reassembly_result result = REASSEMBLY_FAILED;
	struct datagram *gone = NULL, *d;

	packet_orphan(p);
	spin_lock(&r->lock);
	d = r->memory + p->memory + sizeof(*d) <= atomic_load(&r->high) ? find_locked(r, key) : NULL;
	if (!d && r->memory + p->memory + sizeof(*d) <= atomic_load(&r->high))
		d = create_locked(r, key);
	if (d)
		result = insert_locked(r, d, p, start, more, &gone);
	else
		packet_free(p);
	spin_unlock(&r->lock);
	if (result == REASSEMBLY_WHOLE) {
		struct net_device *dev = device_by_index(gone->ifindex);

		*whole = dev ? join(gone) : NULL;
		if (*whole)
			(*whole)->dev = ip_rx_of(*whole)->dev = dev;
		else
			result = REASSEMBLY_FAILED;
	}
	datagram_free(gone);
	return result;
}

/* ---- time ---- */

bool reassembly_expire(struct reassembly *r, u64 now_ns)
{
	LIST_HEAD(late);
	struct datagram *d;
	struct hlist_node *next;

	spin_lock(&r->lock);
	for (u32 i = 0; i < REASSEMBLY_BUCKETS && r->count; i++) {
		hlist_for_each_entry_safe(d, next, &r->bucket[i], node) {
			if (d->deadline_ns > now_ns)
				continue;
			take_out_locked(r, d);
			list_add_tail(&d->expiry, &late);
		}
	}
	bool waits = r->count;

	spin_unlock(&r->lock);
	while (!list_empty(&late)) {
		d = list_first_entry(&late, struct datagram, expiry);
		list_del_init(&d->expiry);
		r->count_timeout(d->first);
		d->rx.dev = device_by_index(d->ifindex);
		if (d->first && d->rx.dev) {
			d->first->dev = d->rx.dev;
			r->expired(d->first, &d->rx);
		}
		datagram_free(d);
	}
	return waits;
}

static void timer_fn(struct net_timer *t)
{
	struct reassembly *r = container_of(t, struct reassembly, timer);

	(void)reassembly_expire(r, plat_mono_ns());
	spin_lock(&r->lock);
	if (r->count)
		timer_arm_locked(r);
	spin_unlock(&r->lock);
}

void reassembly_init(struct reassembly *r)
{
	spin_init(&r->lock, RANK_NET_FRAG);
	r->seed = (u32)random_u64();
	net_timer_init(&r->timer, timer_fn);
}
