/* The ring of a packet socket.  packet_ring.h is the contract. */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/printf.h"
#include "base/string.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "mm/mm.h"
#include "sock/packet_ring.h"

enum { PAGES_MAX = 1 << 16, LINK_ROOM = 16 };

/* Locks: I immutable · q the socket's queue lock · a atomic */
struct packet_ring {
	u32 refs;			/* [a] the socket's, and each mapping's */
	u32 version;			/* [I] */
	u32 reserve;			/* [I] */
	u32 block_bytes, frame_bytes, frames_per_block, frame_count;	/* [I] */
	u32 head;			/* [q] the next frame to be filled */
	u32 page_count;			/* [I] */
	struct page *pages[];		/* [I] */
};

u32 packet_ring_header(u32 version)
{
	return version == TPACKET_V1 ? sizeof(struct tpacket_hdr) : version == TPACKET_V2 ? sizeof(struct tpacket2_hdr) : 0;
}

/* With the address that follows it. */
static u32 header_and_address(u32 version)
{
	return TPACKET_ALIGN(packet_ring_header(version)) + (u32)sizeof(struct sockaddr_ll);
}

static void free_ring(struct packet_ring *r)
{
	for (u32 i = 0; i < r->page_count && r->pages[i]; i++)
		page_put(r->pages[i]);
	kvfree(r);
}

void packet_ring_put(struct packet_ring *r)
{
	if (atomic_dec_and_test(&r->refs))
		free_ring(r);
}

bool packet_ring_mapped(const struct packet_ring *r)
{
	return atomic_load(&r->refs) > 1;
}

static int check(const struct tpacket_req *q, u32 version, u32 reserve)
{
	u64 least = (u64)header_and_address(version) + reserve;

	if (!q->tp_block_size || (s32)q->tp_block_size < 0 || q->tp_block_size % PAGE_SIZE || q->tp_frame_size < least ||
	    q->tp_frame_size % TPACKET_ALIGNMENT)
		return -EINVAL;
	u64 per_block = q->tp_block_size / q->tp_frame_size;

	if (!per_block || per_block * q->tp_block_nr != q->tp_frame_nr)
		return -EINVAL;
	return (u64)q->tp_block_size / PAGE_SIZE * q->tp_block_nr > PAGES_MAX ? -ENOMEM : 0;
}

struct packet_ring *packet_ring_new(const struct tpacket_req *q, u32 version, u32 reserve)
{
	int err = check(q, version, reserve);

	if (err)
		return ERR_PTR(err);
	u32 pages = (u32)(q->tp_block_size / PAGE_SIZE * q->tp_block_nr);
	struct packet_ring *r = kvmalloc(sizeof(*r) + pages * sizeof(r->pages[0]), ALLOC_KERNEL | ALLOC_ZERO);

	if (!r)
		return ERR_PTR(-ENOMEM);
	*r = (struct packet_ring){
		.refs = 1, .version = version, .reserve = reserve, .block_bytes = q->tp_block_size, .frame_bytes = q->tp_frame_size,
		.frames_per_block = q->tp_block_size / q->tp_frame_size, .frame_count = q->tp_frame_nr, .page_count = pages,
	};
	memset(r->pages, 0, pages * sizeof(r->pages[0]));
	for (u32 i = 0; i < pages; i++) {
		r->pages[i] = page_alloc(0, ALLOC_USER | ALLOC_ZERO | ALLOC_NOOOM);
		if (!r->pages[i]) {
			free_ring(r);
			return ERR_PTR(-ENOMEM);
		}
	}
	return r;
}

/* ---- frames ---- */

static u64 frame_offset(const struct packet_ring *r, u32 frame)
{
	return (u64)(frame / r->frames_per_block) * r->block_bytes + (u64)(frame % r->frames_per_block) * r->frame_bytes;
}

static u8 *byte_at(const struct packet_ring *r, u64 offset)
{
	return (u8 *)page_virt(r->pages[offset / PAGE_SIZE]) + offset % PAGE_SIZE;
}

/* The status words of both versions begin alike: the lower half of V1's is enough. Frames are aligned, so it lies in one page. */
static u32 *status_of(const struct packet_ring *r, u32 frame)
{
	return (u32 *)(void *)byte_at(r, frame_offset(r, frame));
}

static void store(const struct packet_ring *r, u64 at, const void *data, u32 n)
{
	const u8 *from = data;

	while (n) {
		u32 some = MIN(n, (u32)(PAGE_SIZE - at % PAGE_SIZE));

		memcpy(byte_at(r, at), from, some);
		at += some;
		from += some;
		n -= some;
	}
}

static void store_packet(const struct packet_ring *r, u64 at, const struct packet *p, u32 n)
{
	for (u32 done = 0; done < n;) {
		u32 some = MIN(n - done, (u32)(PAGE_SIZE - at % PAGE_SIZE));

		if (!packet_copy_bits(p, done, byte_at(r, at), some))
			return;
		at += some;
		done += some;
	}
}

/* All but the status. */
static void store_header(const struct packet_ring *r, u64 at, const struct packet_ring_info *i, u32 snaplen, u32 mac, u32 net)
{
	if (r->version == TPACKET_V1) {
		struct tpacket_hdr h = {
			.tp_len = i->wire_len, .tp_snaplen = snaplen, .tp_mac = (u16)mac, .tp_net = (u16)net, .tp_sec = (u32)(i->wall_ns / NS_PER_SEC),
			.tp_usec = (u32)(i->wall_ns % NS_PER_SEC / NS_PER_US),
		};

		store(r, at, &h, sizeof(h));
	} else {
		struct tpacket2_hdr h = {
			.tp_len = i->wire_len, .tp_snaplen = snaplen, .tp_mac = (u16)mac, .tp_net = (u16)net, .tp_sec = (u32)(i->wall_ns / NS_PER_SEC),
			.tp_nsec = (u32)(i->wall_ns % NS_PER_SEC),
		};

		store(r, at, &h, sizeof(h));
	}
	store(r, at + TPACKET_ALIGN(packet_ring_header(r->version)), &i->from, sizeof(i->from));
}

bool packet_ring_add(struct packet_ring *r, const struct packet *p, const struct packet_ring_info *i)
{
	u32 *status = status_of(r, r->head), snaplen = MIN(i->snaplen, p->len);
	u64 at = frame_offset(r, r->head);

	if (__atomic_load_n(status, __ATOMIC_ACQUIRE) != TP_STATUS_KERNEL)
		return false;
	u32 net = TPACKET_ALIGN(header_and_address(r->version) + MAX(i->link_header, (u32)LINK_ROOM)) + r->reserve;
	u32 mac = net - i->link_header;

	snaplen = mac >= r->frame_bytes || mac > 0xffff ? 0 : MIN(snaplen, r->frame_bytes - mac);
	store_header(r, at, i, snaplen, mac, net);
	if (snaplen)
		store_packet(r, at + mac, p, snaplen);
	r->head = r->head + 1 == r->frame_count ? 0 : r->head + 1;
	__atomic_store_n(status, TP_STATUS_USER | i->status, __ATOMIC_RELEASE);
	return true;
}

bool packet_ring_readable(const struct packet_ring *r)
{
	u32 head = READ_ONCE(r->head);

	return __atomic_load_n(status_of(r, head ? head - 1 : r->frame_count - 1), __ATOMIC_ACQUIRE) != TP_STATUS_KERNEL;
}

/* ---- mapping ---- */

static void area_open(struct vma *v)
{
	struct packet_ring *r = v->owner;

	atomic_inc(&r->refs);
}

static void area_close(struct vma *v)
{
	packet_ring_put(v->owner);
}

static struct page *area_fault(struct vma *v, u64 index, bool write)
{
	struct packet_ring *r = v->owner;

	if (index >= r->page_count)
		return ERR_PTR(-EIO);
	page_get(r->pages[index]);
	return r->pages[index];
}

static int area_name(struct vma *v, char *buf, size_t size)
{
	strlcpy(buf, "socket:[packet ring]", size);
	return 0;
}

static const struct vma_ops area_ops = { .open = area_open, .close = area_close, .fault = area_fault, .name = area_name };

int packet_ring_mmap(struct packet_ring *r, struct mm_file *out, u64 len, u64 pgoff)
{
	if (pgoff || len != (u64)r->page_count * PAGE_SIZE)
		return -EINVAL;
	atomic_inc(&r->refs);
	out->ops = &area_ops;
	out->owner = r;
	out->extra_flags |= VM_DONTDUMP;
	return 0;
}
