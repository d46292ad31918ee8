/*
 * The kernel's ends of netlink: requests are taken apart and answered in the sender's thread; dumps go on in the reader's.
 *
 * A request is answered by messages, by a dump, or by an acknowledgement (NLMSG_ERROR, error 0 or -errno), which quotes it: whole if there was
 * an error, unless NETLINK_CAP_ACK; with what the kernel says of it in attributes, if NETLINK_EXT_ACK.
 *
 * Source: netlink(7), RFC 3549 section 2.3; Linux Documentation/userspace-api/netlink/intro.rst.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "kern/cred.h"
#include "kern/slab.h"
#include "sock/netlink.h"

enum { EXT_ROOM = 256, DUMP_ROOM_MIN = 3776, DUMP_ROOM_MAX = 32768, FIRST_TYPE = NLMSG_MIN_TYPE };

static const struct netlink_item from_kernel;

/* ---- acknowledgements ---- */

static void put_ext(struct nl_buf *b, const struct nl_extack *ext, const struct nl_message *about, int err)
{
	if (ext->text)
		nl_put_string(b, NLMSGERR_ATTR_MSG, ext->text);
	if (err && about && ext->where && ext->where >= about->start && ext->where < about->body + about->len)
		nl_put_u32(b, NLMSGERR_ATTR_OFFS, (u32)(ext->where - about->start));
	if (ext->policy)
		nl_put_policy(b, NLMSGERR_ATTR_POLICY, ext->policy);
}

/* Answer @m with @err, 0 or -errno. */
static void acknowledge(struct netlink_peer *n, const struct nl_message *m, int err, const struct nl_extack *ext)
{
	u32 flags = atomic_load(&n->flags);
	bool whole = err && !(flags & NLF_CAP_ACK), says = flags & NLF_EXT_ACK && (ext->text || ext->where);
	u32 quote = whole ? m->len : 0;
	struct nlmsgerr head = { .error = err, .msg = m->head };
	struct nl_buf b;

	if (netlink_buf_new(&b, NLMSG_HDRLEN + sizeof(head) + quote + EXT_ROOM, ALLOC_KERNEL)) {
		sock_set_error(&n->sock, ENOBUFS);
		return;
	}
	u32 at = nl_begin(&b, NLMSG_ERROR, (u16)((whole ? 0 : NLM_F_CAPPED) | (says ? NLM_F_ACK_TLVS : 0)), m->head.nlmsg_seq, n->portid, &head,
			  sizeof(head));

	nl_append(&b, m->body, quote);
	if (says)
		put_ext(&b, ext, m, err);
	if (nl_end(&b, at)) {
		struct netlink_data *d = netlink_data_of(&b);

		d->len = b.len;
		if (netlink_enqueue(n, d, &from_kernel))
			netlink_overrun(n);
	}
	netlink_buf_free(&b);
}

/* ---- requests ---- */

static int dispatch(struct netlink_peer *n, struct netlink_request *r)
{
	if (!(r->msg.head.nlmsg_flags & NLM_F_REQUEST) || r->msg.head.nlmsg_type < FIRST_TYPE)
		return 0;
	return n->kernel->receive(r);
}

s64 netlink_to_kernel(struct netlink_peer *n, struct netlink_data *d)
{
	struct nl_cursor c = { d->bytes, d->len };
	struct netlink_request r = {
		.portid = n->portid, .peer = n, .strict = atomic_load(&n->flags) & NLF_STRICT,
		.admin = capable(CAP_NET_ADMIN) && n->opener->cap_effective & BIT(CAP_NET_ADMIN),
	};

	if (!n->kernel->receive)
		return -ECONNREFUSED;
	while (nl_message_next(&c, &r.msg)) {
		r.ext = (struct nl_extack){ 0 };
		int err = dispatch(n, &r);

		if (err != NETLINK_STARTED && (err || r.msg.head.nlmsg_flags & NLM_F_ACK))
			acknowledge(n, &r.msg, err, &r.ext);
	}
	return d->len;
}

/* ---- dumps ---- */

static void drop_dump_locked(struct netlink_peer *n)
{
	struct netlink_dump *d = n->dump;

	WRITE_ONCE(n->dump, NULL);
	if (d && d->done)
		d->done(d);
	kfree(d);
}

/* The end: NLMSG_DONE with @err. Return: false: it does not fit */
static bool put_done(struct netlink_peer *n, struct netlink_dump *d, struct nl_buf *b, int err)
{
	bool says = atomic_load(&n->flags) & NLF_EXT_ACK && d->ext.text;
	s32 code = err;
	u32 at = netlink_dump_begin(d, b, NLMSG_DONE, says ? NLM_F_ACK_TLVS : 0, &code, sizeof(code));

	if (says)
		nl_put_string(b, NLMSGERR_ATTR_MSG, d->ext.text);
	return nl_end(b, at);
}

/* What waits to be read is charged by its length, so it may not hold much more room than that. */
static struct netlink_data *trimmed(struct netlink_data *d)
{
	struct netlink_data *small = d->len < d->room / 2 ? netlink_data_new(d->len, ALLOC_KERNEL) : NULL;

	if (!small)
		return d;
	small->len = d->len;
	memcpy(small->bytes, d->bytes, d->len);
	netlink_data_put(d);
	return small;
}

/* One datagram of the dump; if it is lost, the reader is told. dump_lock held, n->dump is there */
static void dump_step_locked(struct netlink_peer *n)
{
	struct netlink_dump *d = n->dump;
	struct nl_buf b;
	int err = netlink_buf_new(&b, MIN(MAX(atomic_load(&n->recv_max), (u32)DUMP_ROOM_MIN), (u32)DUMP_ROOM_MAX), ALLOC_KERNEL);

	if (err) {
		sock_set_error(&n->sock, -err);
		return;
	}
	int more = d->over ? d->result : d->step(d, &b);

	if (more > 0 && !b.len)
		more = -EMSGSIZE;	/* a message that does not fit even alone */
	bool over = more <= 0 && put_done(n, d, &b, more);

	d->over = more <= 0;		/* NLMSG_DONE alone is missing, if it did not fit */
	d->result = more;

	struct netlink_data *data = netlink_data_of(&b);

	data->len = b.len;
	data = trimmed(data);
	err = netlink_enqueue(n, data, &from_kernel);
	netlink_data_put(data);
	if (err == -EAGAIN)
		netlink_overrun(n);
	else if (err)
		sock_set_error(&n->sock, -err);
	if (over)
		drop_dump_locked(n);
}

void netlink_dump_more(struct netlink_peer *n)
{
	if (!READ_ONCE(n->dump) || atomic_load(&n->rmem) > n->sock.rcvbuf / 2)
		return;
	mutex_lock(&n->dump_lock);
	if (n->dump)
		dump_step_locked(n);
	mutex_unlock(&n->dump_lock);
}

void netlink_dump_end(struct netlink_peer *n)
{
	mutex_lock(&n->dump_lock);
	drop_dump_locked(n);
	mutex_unlock(&n->dump_lock);
}

static int start_dump(struct netlink_request *r, const struct netlink_dump *like)
{
	struct netlink_peer *n = r->peer;
	struct netlink_dump *d = kmemdup(like, sizeof(*like), ALLOC_KERNEL);
	int err = d ? 0 : -ENOBUFS;

	if (err)
		return err;
	d->head = r->msg.head;
	d->portid = n->portid;
	mutex_lock(&n->dump_lock);
	if (n->dump) {
		kfree(d);
		err = -EBUSY;
	} else {
		WRITE_ONCE(n->dump, d);
		dump_step_locked(n);
		err = NETLINK_STARTED;
	}
	mutex_unlock(&n->dump_lock);
	return err;
}

/* ---- what the kernel sends ---- */

static int reply(struct netlink_peer *to, struct nl_buf *b)
{
	struct netlink_data *d = netlink_data_of(b);

	d->len = b->len;
	int err = netlink_enqueue(to, d, &from_kernel);

	if (err == -EAGAIN)
		netlink_overrun(to);
	return err;
}

static bool wanted(u32 protocol, u32 group)
{
	struct netlink_peer *n;
	bool any = false;

	spin_lock(&netlink_lock);
	list_for_each_entry(n, &netlink_socks[protocol], node)
		any |= (n->groups & BIT(group - 1)) != 0;
	spin_unlock(&netlink_lock);
	return any;
}

static void multicast(u32 protocol, u32 group, struct nl_buf *b, struct netlink_peer *except)
{
	struct netlink_data *d = netlink_data_of(b);
	struct netlink_item from = { .group = group };
	struct netlink_peer *n;

	d->len = b->len;
	spin_lock(&netlink_lock);
	list_for_each_entry(n, &netlink_socks[protocol], node)
		if (n != except && n->portid && n->groups & BIT(group - 1) && netlink_enqueue(n, d, &from))
			netlink_overrun(n);
	spin_unlock(&netlink_lock);
}

void netlink_kernel_init(void)
{
	static const struct netlink_transport transport = { .reply = reply, .wanted = wanted, .multicast = multicast, .dump = start_dump };

	netlink_register_transport(&transport);
}
