/*
 * Filters of sockets: SO_ATTACH_FILTER and its kin.  The programs are base/cbpf.c's.
 *
 * A family whose sockets filter sets SOCKET_FILTERS in its ops and calls sock_filter_packet() or sock_filter_bytes() on what comes in; for
 * others attaching is refused.
 *
 * Locks: filter_lock for those who attach and detach; runs are under RCU.
 * Source: socket(7), Linux Documentation/networking/filter.rst.
 */
#include <linux/errno.h>
#include "base/cbpf.h"
#include "base/string.h"
#include "kern/random.h"
#include "kern/slab.h"
#include "net/device.h"
#include "net/packet.h"
#include "sock/internal.h"

struct sock_program {
	struct rcu_head rcu;
	u32 count;
	struct sock_filter code[];
};

static struct spinlock filter_lock = SPINLOCK_INIT(RANK_LEAF_SPIN);

/* Put @p (NULL: none) in the place of what is attached. Return: 0, -EPERM (locked), -ENOENT (nothing to take away) */
static int replace(struct socket *s, struct sock_program *p)
{
	struct sock_program *old;
	int err = 0;

	spin_lock(&filter_lock);
	old = s->filter;
	if (s->filter_locked)
		err = -EPERM;
	else if (!p && !old)
		err = -ENOENT;
	else
		rcu_assign_pointer(s->filter, p);
	spin_unlock(&filter_lock);
	if (!err && old)
		kfree_rcu(old, rcu);
	return err;
}

int sock_filter_attach(struct socket *s, const void *code, u32 len)
{
	u32 count = len / sizeof(struct sock_filter);

	if (!s->ops->filters)
		return -ENOPROTOOPT;
	if (!count || count > CBPF_LONGEST || len % sizeof(struct sock_filter))
		return -EINVAL;
	struct sock_program *p = kmalloc(sizeof(*p) + len, ALLOC_KERNEL);
	u16 *scratch = kmalloc_array(count, sizeof(*scratch), ALLOC_KERNEL);
	int err = -ENOMEM;

	if (p && scratch) {
		p->count = count;
		memcpy(p->code, code, len);
		err = cbpf_check(p->code, count, scratch);
		if (!err)
			err = replace(s, p);
	}
	if (err)
		kfree(p);
	kfree(scratch);
	return err;
}

int sock_filter_detach(struct socket *s)
{
	return s->ops->filters ? replace(s, NULL) : -ENOPROTOOPT;
}

int sock_filter_lock(struct socket *s, bool lock)
{
	int err = 0;

	spin_lock(&filter_lock);
	if (s->filter_locked && !lock)
		err = -EPERM;
	else
		s->filter_locked = lock;
	spin_unlock(&filter_lock);
	return err;
}

void sock_filter_free(struct socket *s)
{
	struct sock_program *p = s->filter;

	rcu_assign_pointer(s->filter, NULL);
	if (p)
		kfree_rcu(p, rcu);
}

/* ---- runs ---- */

static bool load_packet(const void *packet, u32 offset, u32 n, u32 *out)
{
	u8 bytes[4];

	if (!packet_copy_bits(packet, offset, bytes, n))
		return false;
	*out = cbpf_number(bytes, n);
	return true;
}

u32 sock_filter_packet(const struct socket *s, const struct packet *p)
{
	const struct sock_program *f = rcu_dereference(s->filter);

	if (!f)
		return p->len;
	struct cbpf_packet in = {
		.load = load_packet, .packet = p, .len = p->len, .net_offset = (u32)(packet_net(p) - p->data), .ifindex = p->dev ? p->dev->ifindex : 0,
		.mark = p->mark, .cpu = plat_cpu_id(), .random = (u32)random_u64(), .protocol = be16_to_cpu(p->protocol),
		.hatype = p->dev ? p->dev->type : 0, .pkttype = p->type,
	};

	return MIN(cbpf_run(f->code, &in), p->len);
}

struct bytes {
	const u8 *data;
	u32 len;
};

static bool load_bytes(const void *packet, u32 offset, u32 n, u32 *out)
{
	const struct bytes *b = packet;

	if (offset > b->len || n > b->len - offset)
		return false;
	*out = cbpf_number(b->data + offset, n);
	return true;
}

u32 sock_filter_bytes(const struct socket *s, const void *data, u32 len)
{
	const struct sock_program *f = rcu_dereference(s->filter);
	struct bytes b = { data, len };

	if (!f)
		return len;
	struct cbpf_packet in = { .load = load_bytes, .packet = &b, .len = len, .cpu = plat_cpu_id(), .random = (u32)random_u64() };

	return MIN(cbpf_run(f->code, &in), len);
}
