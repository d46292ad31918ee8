/*
 * virtio-net over one end of a link: frames that the driver sends travel over the link; those that arrive wait, up to a bound, for buffers.
 *
 * Offered, unless the setup says plain: checksums filled in for the driver (CSUM), frames without checksums accepted (GUEST_CSUM, of which
 * the device makes no use), merged receive buffers, and a control queue for the address.  No segmentation offload.
 *
 * Source: VIRTIO 1.2, 5.1.
 */
#include <linux/errno.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include "base/string.h"
#include "plat/host/link.h"
#include "plat/host/virtio.h"

enum { RX, TX, CTRL, HEADER = sizeof(struct virtio_net_hdr_v1) };

static bool has(const struct host_virtio *v, unsigned feature) { return v->accepted >> feature & 1; }

/* ---- sending ---- */

/* The sum that the driver left to the device: over all from csum_start, put csum_offset further. Return: false: out of the frame */
static bool fill_checksum(u8 *frame, u32 len, u32 start, u32 offset)
{
	u32 sum = 0;

	if (start > len || offset > len - start || len - start - offset < 2)
		return false;
	for (u32 i = start; i < len; i++)
		sum += (i - start) & 1 ? frame[i] : (u32)frame[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	sum = ~sum & 0xffff;
	frame[start + offset] = (u8)(sum >> 8);
	frame[start + offset + 1] = (u8)sum;
	return true;
}

static void send(struct host_virtio *v, struct host_chain *c)
{
	struct virtio_net_hdr_v1 h;
	static u8 frame[AUK_FRAME_MAX];
	u32 len = c->out_bytes - HEADER;

	if (c->out_bytes < HEADER + LINK_HEADER || len > AUK_FRAME_MAX)
		host_stuck("a driver sent a frame that is too short or too long");
	(void)host_chain_read(c, 0, &h, HEADER);
	(void)host_chain_read(c, HEADER, frame, len);
	if (h.gso_type != VIRTIO_NET_HDR_GSO_NONE)
		host_stuck("a driver sent a frame to be cut up, which was not offered");
	if (h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM &&
	    (!has(v, VIRTIO_NET_F_CSUM) || !fill_checksum(frame, len, h.csum_start, h.csum_offset)))
		host_stuck("a driver asked for a checksum that was not offered or lies outside of the frame");
	link_send(v->setup.link, LINK_KERNEL, frame, len);
}

/* ---- receiving ---- */

/* The fault "lie": nonsense in the header, or in what the used ring says; mostly near what makes sense, where checks go wrong. */
static void lie(struct virtio_net_hdr_v1 *h, u32 *len, u64 what)
{
	static const u16 odd[] = { 0, 1, 12, 13, 14, 34, 54, 1000, 1022, 1024, 1514, 4096, 0x7fff, 0x8000, 0xfffe, 0xffff };

	switch (what % 6) {
	case 0: *len = odd[what >> 8 & 15]; break;
	case 1: h->num_buffers = odd[what >> 8 & 15]; break;
	case 2: h->gso_type = (u8)(what >> 8); h->gso_size = odd[what >> 16 & 15]; break;
	case 5: *len = ~0u; FALLTHROUGH;
	default:
		h->flags = (u8)(what >> 8) | VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = odd[what >> 16 & 15];
		h->csum_offset = odd[what >> 20 & 15];
		break;
	}
}

static void receive(struct host_virtio *v, const struct link_frame *f)
{
	struct virtio_net_hdr_v1 h = { .num_buffers = 1 };
	struct host_chain first, c;
	u32 at = 0, count = 0;
	u64 what;
	struct { u16 head; u32 len; } used[VQ_SIZE_MAX];

	if (!host_vq_pop(v, RX, &first))
		host_stuck("a frame without a buffer");
	c = first;
	for (;;) {
		u32 head = count ? 0 : HEADER, n;

		if (c.in_bytes <= head)
			host_stuck("a driver gave a receive buffer that cannot hold the header");
		n = host_chain_write(&c, head, f->data + at, MIN(f->len - at, c.in_bytes - head));
		used[count].head = c.head;
		used[count++].len = n + head;
		at += n;
		if (at == f->len || !has(v, VIRTIO_NET_F_MRG_RXBUF) || count == VQ_SIZE_MAX || !host_vq_pop(v, RX, &c))
			break;
	}
	/* Too long for what there is: it is dropped, and the buffers go back with an empty frame. */
	for (u32 i = 0; at < f->len && i < count; i++)
		used[i].len = i ? 0 : HEADER;
	h.num_buffers = (u16)count;
	if (link_lies(v->setup.link, &what))
		lie(&h, &used[what % count].len, what / count);
	(void)host_chain_write(&first, 0, &h, HEADER);
	for (u32 i = 0; i < count; i++)
		host_vq_push(v, RX, used[i].head, used[i].len);
}

/* Frames whose time has come: those for this card to its buffers, those for the far end to the program there. */
static void due(struct host_virtio *v)
{
	struct auk_link *l = v->setup.link;
	struct link_frame *f;

	while (host_vq_available(v, RX) && (f = link_arrived(l, LINK_KERNEL, host_now_ns()))) {
		receive(v, f);
		link_frame_free(f);
	}
	link_deliver_far(l, host_now_ns());
	v->due_ns = link_next_ns(l, host_vq_available(v, RX) > 0);
}

/* ---- control ---- */

/* Return: whether the command is known */
static bool command(struct host_virtio *v, const struct host_chain *c)
{
	struct virtio_net_ctrl_hdr h;

	(void)host_chain_read(c, 0, &h, sizeof(h));
	return h.class == VIRTIO_NET_CTRL_MAC && h.cmd == VIRTIO_NET_CTRL_MAC_ADDR_SET && host_chain_read(c, sizeof(h), v->config, 6) == 6;
}

static void control(struct host_virtio *v)
{
	struct host_chain c;

	while (host_vq_pop(v, CTRL, &c)) {
		if (c.out_bytes < sizeof(struct virtio_net_ctrl_hdr) || !c.in_bytes)
			host_stuck("a driver made a wrong control command");
		u8 answer = command(v, &c) ? VIRTIO_NET_OK : VIRTIO_NET_ERR;

		(void)host_chain_write(&c, 0, &answer, 1);
		host_vq_push(v, CTRL, c.head, 1);
	}
}

static void notify(struct host_virtio *v, u32 queue)
{
	struct host_chain c;

	while (queue == TX && host_vq_pop(v, TX, &c)) {
		send(v, &c);
		host_vq_push(v, TX, c.head, 0);
	}
	if (queue == CTRL)
		control(v);
	v->due_ns = link_next_ns(v->setup.link, host_vq_available(v, RX) > 0);
}

static void reset(struct host_virtio *v) {}

static void carrier(struct host_virtio *v, bool up)
{
	u16 status = up ? VIRTIO_NET_S_LINK_UP : 0;
	u8 *at = v->config + __builtin_offsetof(struct virtio_net_config, status);

	if (!memcmp(at, &status, 2))
		return;
	memcpy(at, &status, 2);
	host_config_changed(v);
}

void host_net_link_changed(struct auk_link *l)
{
	for (unsigned i = 0; i < host_virtio_count(); i++) {
		struct host_virtio *v = host_virtio_at(i);

		if (v->setup.kind != AUK_NET || v->setup.link != l)
			continue;
		carrier(v, !link_is_down(l));
		if (host_virtio_running(v))
			v->due_ns = link_next_ns(l, host_vq_available(v, RX) > 0);
	}
}

static const struct host_virtio_ops ops = { .id = VIRTIO_ID_NET, .notify = notify, .due = due, .reset = reset };

int host_net_setup(struct host_virtio *v)
{
	const struct auk_device *s = &v->setup;

	if (!s->link)
		return -EINVAL;
	struct virtio_net_config c = { .mac = { 0x52, 0x54, 0, 0, 0, (u8)(1 + v->number) }, .status = link_is_down(s->link) ? 0 : VIRTIO_NET_S_LINK_UP,
				       .max_virtqueue_pairs = 1, .mtu = s->mtu };

	memcpy(v->config, &c, sizeof(c));
	v->ops = &ops;
	v->queue_count = 2;
	v->offered |= 1ull << VIRTIO_NET_F_MAC | 1ull << VIRTIO_NET_F_STATUS;
	if (s->mtu)
		v->offered |= 1ull << VIRTIO_NET_F_MTU;
	if (!s->plain) {
		v->queue_count = 3;
		v->offered |= 1ull << VIRTIO_NET_F_CSUM | 1ull << VIRTIO_NET_F_GUEST_CSUM | 1ull << VIRTIO_NET_F_MRG_RXBUF |
			      1ull << VIRTIO_NET_F_CTRL_VQ | 1ull << VIRTIO_NET_F_CTRL_MAC_ADDR;
	}
	link_attach(s->link);
	return 0;
}
