/*
 * Receive queues of virtio-net: buffers of one page each, polled while there is anything, with interrupts off meanwhile.
 *
 * A short frame is copied and its page goes back to the device at once; of a longer one the first bytes are copied, so that headers are
 * linear and out of the device's reach, and the pages become fragments of the packet.
 *
 * Without merged buffers a frame has to fit one page, which bounds the MTU (net.c).
 */
#include <linux/errno.h>
#include "drivers/virtio/net.h"
#include "kern/page.h"
#include "net/ethernet.h"

enum { COPY_BYTES_MAX = PACKET_INLINE_BYTES - PACKET_HEADROOM, HEAD_BYTES = 128, PIECES_MAX = PACKET_FRAGS_MAX };
#define REFILL_RETRY_NS (100 * NS_PER_MS)

/* A frame as the device gave it: pages, the first of which begins with the header. */
struct frame {
	struct { struct page *page; u32 len; } piece[PIECES_MAX];
	u32 count;
	u32 len;			/* of all pieces, header included */
	bool bad;			/* buffers are missing, or there are too many, or no header */
	struct virtio_net_hdr_v1 header;	/* a copy */
};

/* ---- buffers ---- */

/* [rx->vq->lock] */
static int give_locked(struct nic_rx *rx, struct page *page)
{
	paddr_t at = page_phys(page);
	struct virtqueue_seg segs[2] = { { at, PAGE_SIZE } };

	if (!rx->nic->split_header)
		return virtqueue_add(rx->vq, segs, 0, 1, page);
	segs[0].len = rx->nic->header_len;
	segs[1] = (struct virtqueue_seg){ at + rx->nic->header_len, PAGE_SIZE - rx->nic->header_len };
	return virtqueue_add(rx->vq, segs, 0, 2, page);
}

static void give(struct nic_rx *rx, struct page *page)
{
	u64 irq = spin_lock_irqsave(&rx->vq->lock);
	int err = give_locked(rx, page);

	spin_unlock_irqrestore(&rx->vq->lock, irq);
	if (err)
		page_put(page);
}

/* How many buffers the ring has room for. */
static u32 room(struct nic_rx *rx)
{
	u64 irq = spin_lock_irqsave(&rx->vq->lock);
	u32 n = rx->vq->broken ? 0 : rx->vq->free_count / (rx->nic->split_header ? 2 : 1);

	spin_unlock_irqrestore(&rx->vq->lock, irq);
	return n;
}

static void kick(struct virtqueue *vq)
{
	u64 irq = spin_lock_irqsave(&vq->lock);
	bool notify = virtqueue_kick_prepare(vq);

	spin_unlock_irqrestore(&vq->lock, irq);
	if (notify)
		virtqueue_notify(vq);
}

/* Fill the ring. Return: false: memory ran out */
static bool fill(struct nic_rx *rx, u32 flags)
{
	bool good = true;

	for (u32 n = room(rx); n && good; n--) {
		struct page *page = page_alloc(0, flags | ALLOC_NOWARN);

		good = page != NULL;
		if (page)
			give(rx, page);
	}
	kick(rx->vq);
	return good;
}

static void refill(struct work *w)
{
	struct nic_rx *rx = container_of(w, struct nic_rx, refill.work);

	if (!fill(rx, ALLOC_KERNEL | ALLOC_NOOOM))
		delayed_work_queue(&rx->refill, REFILL_RETRY_NS);
}

int nic_rx_fill(struct nic_rx *rx)
{
	bool none = !fill(rx, ALLOC_KERNEL) && room(rx) == rx->vq->size / (rx->nic->split_header ? 2 : 1);

	return none ? -ENOMEM : 0;
}

/* ---- frames ---- */

/* [rx->vq->lock] */
static void piece_add(struct frame *f, struct page *page, u32 len)
{
	if (f->count < PIECES_MAX) {
		f->piece[f->count].page = page;
		f->piece[f->count++].len = len;
		f->len += len;
	} else {
		page_put(page);
		f->bad = true;
	}
}

/* Take the next frame's buffers from the ring. Return: false: there is none */
static bool frame_take(struct nic_rx *rx, struct frame *f)
{
	bool merged = virtio_has(rx->nic->dev, VIRTIO_NET_F_MRG_RXBUF);
	u64 irq = spin_lock_irqsave(&rx->vq->lock);
	u32 len, want = 1;
	struct page *page = virtqueue_get(rx->vq, &len);

	f->count = f->len = 0;
	f->bad = false;
	if (page) {
		piece_add(f, page, len);
		f->bad = len < rx->nic->header_len;
		memset(&f->header, 0, sizeof(f->header));
		memcpy(&f->header, page_virt(page), rx->nic->header_len);
		if (merged && !f->bad)
			want = f->header.num_buffers;
		f->bad |= !want;
	}
	while (page && want > 1 && (page = virtqueue_get(rx->vq, &len))) {
		piece_add(f, page, len);
		want--;
	}
	f->bad |= want > 1;
	spin_unlock_irqrestore(&rx->vq->lock, irq);
	return f->count;
}

static void frame_drop(struct nic_rx *rx, struct frame *f)
{
	for (u32 i = 0; i < f->count; i++)
		give(rx, f->piece[i].page);
}

static struct packet *copy_short(struct nic_rx *rx, struct frame *f)
{
	u32 len = f->len - rx->nic->header_len;
	struct packet *p = packet_alloc(len, ALLOC_ATOMIC);

	if (p)
		memcpy(packet_put(p, len), (u8 *)page_virt(f->piece[0].page) + rx->nic->header_len, len);
	frame_drop(rx, f);
	return p;
}

/* The pages go into the packet. */
static struct packet *take_pages(struct nic_rx *rx, struct frame *f)
{
	u32 at = rx->nic->header_len, head = MIN((u32)HEAD_BYTES, f->piece[0].len - at);
	struct packet *p = packet_alloc(HEAD_BYTES, ALLOC_ATOMIC);

	if (!p) {
		frame_drop(rx, f);
		return NULL;
	}
	memcpy(packet_put(p, head), (u8 *)page_virt(f->piece[0].page) + at, head);
	packet_trim(p, gro_header_bytes(p->data, head));
	at += p->len;
	for (u32 i = 0; i < f->count; i++, at = 0) {
		u32 len = f->piece[i].len - at;

		if (!len || !packet_add_frag(p, f->piece[i].page, at, len))
			give(rx, f->piece[i].page);
		else
			p->memory += (u32)PAGE_SIZE - len;
	}
	return p;
}

static void receive(struct nic_rx *rx, struct frame *f)
{
	struct net_device *net = rx->nic->net;
	struct packet *p;

	if (f->bad) {
		device_stats_here(net)->rx_errors++;
		device_stats_here(net)->rx_length_errors++;
		frame_drop(rx, f);
		return;
	}
	p = f->count == 1 && f->len - rx->nic->header_len <= COPY_BYTES_MAX ? copy_short(rx, f) : take_pages(rx, f);
	if (!p) {
		device_stats_here(net)->rx_dropped++;
		return;
	}
	if (!nic_header_read(p, (const struct virtio_net_hdr *)&f->header, rx->nic->dev->features) || !ethernet_parse(p, net)) {
		device_stats_here(net)->rx_errors++;
		packet_free(p);
		return;
	}
	net_receive_gro(&rx->gro, p);
}

/* ---- polling ---- */

static bool interrupts_on(struct nic_rx *rx)
{
	u64 irq = spin_lock_irqsave(&rx->vq->lock);
	bool idle = virtqueue_enable_callback(rx->vq);

	if (!idle)
		virtqueue_disable_callback(rx->vq);
	spin_unlock_irqrestore(&rx->vq->lock, irq);
	return idle;
}

static u32 rx_poll(struct net_poll *np, u32 budget)
{
	struct nic_rx *rx = container_of(np, struct nic_rx, poll);
	struct frame f;
	u32 n = 0;

	while (n < budget && frame_take(rx, &f)) {
		receive(rx, &f);
		n++;
	}
	net_receive_flush(&rx->gro);
	if (!fill(rx, ALLOC_ATOMIC))
		delayed_work_queue(&rx->refill, 0);
	if (n == budget || !interrupts_on(rx))
		return budget;
	/* After this another CPU may be polling already. */
	return net_poll_complete(np) ? n : budget;
}

void nic_rx_interrupt(struct virtqueue *vq)
{
	struct nic_rx *rx = atomic_load_acquire(&vq->driver_data);

	if (!rx)
		return;		/* before the queue is set up: a shared line, or a device that should not */
	u64 irq = spin_lock_irqsave(&vq->lock);

	virtqueue_disable_callback(vq);
	spin_unlock_irqrestore(&vq->lock, irq);
	net_poll_schedule(&rx->poll);
}

void nic_rx_init(struct nic_rx *rx, struct nic *nic, struct virtqueue *vq)
{
	rx->nic = nic;
	rx->vq = vq;
	net_poll_init(&rx->poll, rx_poll);
	gro_init(&rx->gro);
	delayed_work_init(&rx->refill, refill);
	atomic_store_release(&vq->driver_data, rx);
}
