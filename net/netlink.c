/*
 * Netlink: the registry of kernel ends, and buffers.  netlink.h is the contract.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "kern/assert.h"
#include "kern/slab.h"
#include "net/netlink.h"

static const struct netlink_kernel *kernels[NETLINK_PROTOCOLS];	/* set at boot */
static const struct netlink_transport *transport;		/* set at boot; NULL: none */

void netlink_register(const struct netlink_kernel *k)
{
	assert(k->protocol < NETLINK_PROTOCOLS && !kernels[k->protocol] && k->groups <= NETLINK_GROUPS_MAX);
	kernels[k->protocol] = k;
}

const struct netlink_kernel *netlink_kernel_find(u32 protocol)
{
	return protocol < NETLINK_PROTOCOLS ? kernels[protocol] : NULL;
}

void netlink_register_transport(const struct netlink_transport *t)
{
	transport = t;
}

/* ---- buffers ---- */

struct netlink_data *netlink_data_new(u32 room, u32 flags)
{
	struct netlink_data *d = kvmalloc(sizeof(*d) + room, flags);

	if (d)
		*d = (struct netlink_data){ .refs = 1, .room = room };
	return d;
}

void netlink_data_put(struct netlink_data *d)
{
	if (atomic_dec_and_test(&d->refs))
		kvfree(d);
}

struct netlink_data *netlink_data_of(const struct nl_buf *b)
{
	return (struct netlink_data *)(void *)(b->data - offsetof(struct netlink_data, bytes));
}

int netlink_buf_new(struct nl_buf *b, u32 room, u32 flags)
{
	struct netlink_data *d = netlink_data_new(room, flags);

	if (!d)
		return -ENOBUFS;
	nl_buf_init(b, d->bytes, room);
	return 0;
}

void netlink_buf_free(struct nl_buf *b)
{
	netlink_data_put(netlink_data_of(b));
}

/* ---- leaving ---- */

int netlink_reply(struct netlink_request *r, struct nl_buf *b)
{
	int err = transport ? transport->reply(r->peer, b) : 0;

	netlink_buf_free(b);
	return err;
}

bool netlink_wanted(u32 protocol, u32 group)
{
	return transport && transport->wanted(protocol, group);
}

void netlink_multicast(u32 protocol, u32 group, struct nl_buf *b, struct netlink_request *r)
{
	bool echo = r && r->msg.head.nlmsg_flags & NLM_F_ECHO;

	if (transport) {
		transport->multicast(protocol, group, b, echo ? r->peer : NULL);
		if (echo)
			transport->reply(r->peer, b);
	}
	netlink_buf_free(b);
}

int netlink_dump(struct netlink_request *r, const struct netlink_dump *d)
{
	return transport ? transport->dump(r, d) : -ENOBUFS;
}

u32 netlink_dump_begin(struct netlink_dump *d, struct nl_buf *b, u16 type, u16 flags, const void *head, u32 len)
{
	return nl_begin(b, type, (u16)(flags | d->flags | NLM_F_MULTI | (d->interrupted ? NLM_F_DUMP_INTR : 0)), d->head.nlmsg_seq, d->portid, head, len);
}
