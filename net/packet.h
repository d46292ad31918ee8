/*
 * A packet: what travels between sockets, protocols and devices.  (Linux's sk_buff; the name says what it is.)
 *
 *	buf          data                tail           end
 *	 |  head room |  linear bytes     |   tail room  |      then frag[0], frag[1] …: pieces of pages
 *	              |<- len - frag_len->|                     |<------- frag_len ------->|
 *
 * Departures from sk_buff:
 *  1. A packet has exactly one owner, and its linear part is never shared.  packet_clone() copies the linear part (headers, a few bytes)
 *     and shares the pages by reference.  So whoever holds a packet may push and pull headers without asking; pages are read-only for all
 *     but who put them in.  Payload worth sharing (retransmission queues) belongs in fragments.
 *  2. No list of further packets: PACKET_FRAGS_MAX fragments of up to 2^32 - 1 bytes each (runs of pages count as one) hold 64 KiB and more.
 *  3. Bytes that a parser wants to see are made linear by packet_pull(p, n), which fails for packets that are too short: parsers check
 *     lengths there, once.
 *
 * Ownership: a function that takes a packet "consumes" it, whatever it returns, unless its contract says otherwise.
 *
 * Accounting: @destroy is called when the packet is freed or given up by its owner (packet_orphan): the last sender's or the receiver's
 * memory is counted by `charge`.  It may run with any lock of net/ up to RANK_NET_XMIT2 held, so it counts, wakes (wait queues rank higher)
 * and no more; what wants to send uses net_defer().  It must not free the packet.
 *
 * Contexts: any but interrupts.
 */
#ifndef NET_PACKET_H
#define NET_PACKET_H

#include "base/list.h"
#include "base/string.h"
#include "base/types.h"
#include "kern/page.h"
#include "net/address.h"

struct iter;
struct net_device;

enum {
	PACKET_FRAGS_MAX = 18,
	PACKET_INLINE_BYTES = 384,	/* linear room without another allocation: all headers and a small payload */
	PACKET_HEADROOM = 128,		/* what senders reserve: Ethernet, IPv6 with extension headers or IPv4 with options, TCP with options fit */
	PACKET_LINEAR_MAX = 65536 + PACKET_HEADROOM,
};

/* packet->csum: the state of the transport checksum. */
enum packet_csum {
	CSUM_NONE,		/* rx: nobody looked. tx: it is in the packet */
	CSUM_GOOD,		/* rx: verified by the device, or never left this machine */
	CSUM_PARTIAL,		/* tx, and rx from a neighbour on this machine: the field at csum_start + csum_offset holds the folded sum of the
				   pseudo header, the rest is to be added by the device or packet_csum_finish().  On rx it counts as good */
};

/* packet->gso: one packet stands for several of gso_size payload bytes each, to be cut by the device. */
enum packet_gso { GSO_NONE, GSO_TCP4, GSO_TCP6, GSO_UDP4, GSO_UDP6 };

/* packet->type: to whom, as packet(7) numbers them */
enum packet_type { PACKET_TO_HOST, PACKET_TO_BROADCAST, PACKET_TO_MULTICAST, PACKET_TO_OTHER, PACKET_GOING_OUT };

struct packet_frag {
	struct page *page;	/* head of a run; one reference */
	u32 offset, len;	/* within the run */
};

struct packet {
	struct list_head node;		/* the owner's */
	struct net_device *dev;		/* rx: where it came in; tx: where it goes out. Valid while the packet is in net context or a device's queue */
	u8 *buf, *data, *tail, *end;
	u32 len;			/* all bytes from data */
	u32 frag_len;			/* of these, in fragments */
	u16 mac_off, net_off, transport_off;	/* headers, from buf; PACKET_NO_OFFSET: not there */
	be16 protocol;			/* ETH_P_* */
	u8 csum;			/* enum packet_csum */
	u8 gso;				/* enum packet_gso */
	u8 type;			/* enum packet_type */
	u8 frag_count;
	u16 csum_start;			/* CSUM_PARTIAL: from buf */
	u16 csum_offset;		/* from csum_start */
	u16 gso_size;			/* payload bytes of a segment */
	u32 mark, priority;
	u32 memory;			/* bytes that the packet and its pages take: what buffers count */
	void (*destroy)(struct packet *p);	/* NULL: none */
	void *owner;			/* destroy's */
	u32 charge;			/* destroy's */
	u64 cb[8];			/* the control block: belongs to whoever holds the packet; lost when handed on */
	struct packet_frag frag[PACKET_FRAGS_MAX];
	u8 inline_buf[PACKET_INLINE_BYTES] ALIGNED(16);
};

enum { PACKET_NO_OFFSET = 0xffff };

/** packet_cb - the control block as a struct of at most sizeof(p->cb) bytes. */
#define packet_cb(p, type)                                                                         \
	({                                                                                         \
		static_assert(sizeof(type) <= sizeof(((struct packet *)0)->cb), "control block");  \
		(type *)(void *)(p)->cb;                                                           \
	})

/**
 * packet_alloc - an empty packet with PACKET_HEADROOM bytes in front and room for at least @linear bytes
 * @linear: up to 65536; up to PACKET_INLINE_BYTES - PACKET_HEADROOM costs one allocation
 * @flags:  ALLOC_*
 * Return:  it, or NULL
 */
struct packet *packet_alloc(u32 linear, u32 flags);
/** packet_free - the end of a packet: destroy, then pages and memory. */
void packet_free(struct packet *p);
/** packet_free_list - all of a list. */
void packet_free_list(struct list_head *list);
/** packet_orphan - the owner lets go (its destroy is called) but the packet lives on. */
void packet_orphan(struct packet *p);
/** packet_clone - another packet with the same bytes; pages are shared, owner and queue links are not. NULL: no memory */
struct packet *packet_clone(const struct packet *p, u32 flags);
/** packet_copy - the same with pages of its own. */
struct packet *packet_copy(const struct packet *p, u32 flags);

static inline u32 packet_linear(const struct packet *p) { return (u32)(p->tail - p->data); }
static inline u32 packet_headroom(const struct packet *p) { return (u32)(p->data - p->buf); }
static inline u32 packet_tailroom(const struct packet *p) { return (u32)(p->end - p->tail); }

/** packet_put - @n more linear bytes at the end, not initialised; only without fragments and with tail room. */
u8 *packet_put(struct packet *p, u32 n);
/** packet_push - @n bytes in front; the caller knows that there is head room (packet_ensure_headroom otherwise). */
u8 *packet_push(struct packet *p, u32 n);
/** packet_ensure_headroom - Return: 0, -ENOMEM */
MUST_CHECK int packet_ensure_headroom(struct packet *p, u32 n);
/** packet_drop_front - take off @n bytes, n <= packet_linear(). */
static inline void packet_drop_front(struct packet *p, u32 n)
{
	p->data += n;
	p->len -= n;
}
/** packet_eat - take off @n <= len bytes from the front, linear or not. */
void packet_eat(struct packet *p, u32 n);
/** packet_pull - make the first @n bytes linear. Return: false if the packet is shorter, or no memory */
bool packet_pull_slow(struct packet *p, u32 n);
static inline MUST_CHECK bool packet_pull(struct packet *p, u32 n)
{
	return likely(packet_linear(p) >= n) || packet_pull_slow(p, n);
}
/** packet_linearize - all bytes linear. Return: 0, -ENOMEM */
MUST_CHECK int packet_linearize(struct packet *p);
/** packet_trim - cut to the first @len bytes. */
void packet_trim(struct packet *p, u32 len);
/** packet_add_frag - append a piece of a run of pages; takes over one reference. Return: false: no room (reference kept by the caller) */
MUST_CHECK bool packet_add_frag(struct packet *p, struct page *page, u32 offset, u32 len);
/** packet_append - move the bytes of @tail to the end of @p where that needs no copy. @tail is freed if it could. Return: whether it could */
MUST_CHECK bool packet_append(struct packet *p, struct packet *tail);

static inline void packet_mark_mac(struct packet *p) { p->mac_off = (u16)(p->data - p->buf); }
static inline void packet_mark_net(struct packet *p) { p->net_off = (u16)(p->data - p->buf); }
static inline void packet_mark_transport(struct packet *p) { p->transport_off = (u16)(p->data - p->buf); }
static inline u8 *packet_mac(const struct packet *p) { return p->buf + p->mac_off; }
static inline u8 *packet_net(const struct packet *p) { return p->buf + p->net_off; }
static inline u8 *packet_transport(const struct packet *p) { return p->buf + p->transport_off; }

/** packet_copy_bits - copy @n bytes from @offset into @dst. Return: false if the packet is shorter */
MUST_CHECK bool packet_copy_bits(const struct packet *p, u32 offset, void *dst, u32 n);
/** packet_store_bits - overwrite bytes; those in fragments must be the caller's own pages. Return: false if the packet is shorter */
MUST_CHECK bool packet_store_bits(struct packet *p, u32 offset, const void *src, u32 n);
/** packet_to_iter - copy to a receiver. Return: bytes copied: fewer than @n: a fault, or the end. May sleep: thread context, no spin lock */
u32 packet_to_iter(const struct packet *p, u32 offset, struct iter *it, u32 n);
/** packet_from_iter - append @n bytes of a sender, in fresh pages past the linear room. Return: 0, -EFAULT, -ENOMEM, -EMSGSIZE. Thread context */
MUST_CHECK int packet_from_iter(struct packet *p, struct iter *it, u32 n);

/** packet_csum_bits - the unfolded sum of @n bytes from @offset, added to @sum. */
u32 packet_csum_bits(const struct packet *p, u32 offset, u32 n, u32 sum);
/** packet_csum_finish - CSUM_PARTIAL becomes CSUM_NONE: compute and store. Return: 0, -ENOMEM, -EINVAL (offsets past the end) */
MUST_CHECK int packet_csum_finish(struct packet *p);

/** packet_own - from now on @owner is charged; the earlier owner is let go. */
static inline void packet_own(struct packet *p, void *owner, void (*destroy)(struct packet *p), u32 charge)
{
	packet_orphan(p);
	p->owner = owner;
	p->destroy = destroy;
	p->charge = charge;
}

void packet_init(void);

#endif
