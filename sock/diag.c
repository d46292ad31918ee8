/*
 * NETLINK_SOCK_DIAG: dispatch, and AF_INET.  diag.h is the contract.
 *
 * Source: sock_diag(7).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "base/string.h"
#include "kern/rcu.h"
#include "kern/slab.h"
#include "sock/diag.h"
#include "sock/sock.h"

enum { ROW_ROOM = 512, STATES_ALL = 0xffffffff };

static LIST_HEAD(sources);	/* appended to at boot */

void inet_diag_register(struct inet_diag_source *s)
{
	list_add_tail(&s->node, &sources);
}

const struct inet_diag_source *inet_diag_find(u8 protocol)
{
	const struct inet_diag_source *s;

	list_for_each_entry(s, &sources, node)
		if (s->protocol == protocol)
			return s;
	return NULL;
}

/* ---- messages ---- */

static bool wants(u8 ext, u32 attr)
{
	return ext & (1u << (attr - 1));
}

static void put_row(struct nl_buf *b, const struct inet_diag_row *row, u8 ext, bool admin)
{
	nl_put_u8(b, INET_DIAG_SHUTDOWN, row->shutdown);
	if (wants(ext, INET_DIAG_MEMINFO)) {
		struct inet_diag_meminfo mem = { .idiag_rmem = row->mem[SK_MEMINFO_RMEM_ALLOC], .idiag_tmem = row->mem[SK_MEMINFO_WMEM_ALLOC] };

		nl_put(b, INET_DIAG_MEMINFO, &mem, sizeof(mem));
	}
	if (wants(ext, INET_DIAG_SKMEMINFO))
		nl_put(b, INET_DIAG_SKMEMINFO, row->mem, sizeof(row->mem));
	if (admin && row->mark)
		nl_put_u32(b, INET_DIAG_MARK, row->mark);
	if (row->extra)
		row->extra(row, ext, b);
}

static void put_addr(__be32 *out, const struct ip_addr *a, u8 family)
{
	if (family == AF_INET)
		out[0] = a->w[3];
	else
		memcpy(out, a->b, 16);
}

static struct inet_diag_msg header(const struct inet_diag_row *row)
{
	struct inet_diag_msg m = {
		.idiag_family = row->family, .idiag_state = row->state, .idiag_timer = row->timer, .idiag_retrans = row->retrans,
		.id = {
			.idiag_sport = cpu_to_be16(row->lport), .idiag_dport = cpu_to_be16(row->rport), .idiag_if = row->ifindex,
			.idiag_cookie = { (u32)row->ino, (u32)(row->ino >> 32) },
		},
		.idiag_expires = row->expires_ms, .idiag_rqueue = row->rqueue, .idiag_wqueue = row->wqueue, .idiag_uid = row->uid,
		.idiag_inode = (u32)row->ino,
	};

	put_addr(m.id.idiag_src, &row->local, row->family);
	put_addr(m.id.idiag_dst, &row->remote, row->family);
	return m;
}

/* ---- dumps ---- */

/* What a dump is about; kept as its private. */
struct inet_query {
	struct inet_diag_req_v2 req;
	bool admin;
	u32 filter_len;
	u8 filter[];
};

struct walk {
	struct netlink_dump *d;
	struct nl_buf *b;
	u64 n;
	bool full;
};

static bool wanted(const struct inet_query *q, const struct inet_diag_row *row)
{
	const struct inet_diag_sockid *id = &q->req.id;

	if (row->family != q->req.sdiag_family || !(q->req.idiag_states & 1u << row->state))
		return false;
	if ((id->idiag_sport && id->idiag_sport != cpu_to_be16(row->lport)) || (id->idiag_dport && id->idiag_dport != cpu_to_be16(row->rport)))
		return false;
	return !q->filter_len || inet_diag_filter_run(q->filter, q->filter_len, row);
}

static bool tell_row(const struct inet_diag_row *row, void *arg)
{
	struct walk *w = arg;
	const struct inet_query *q = w->d->private;

	if (w->n++ < w->d->at[0] || !wanted(q, row))
		return true;
	struct inet_diag_msg head = header(row);
	u32 at = netlink_dump_begin(w->d, w->b, SOCK_DIAG_BY_FAMILY, 0, &head, sizeof(head));

	put_row(w->b, row, q->req.idiag_ext, q->admin);
	w->full = !nl_end(w->b, at);
	return !w->full;
}

/* d->at: [0] sockets passed. Some may come and go in between: the list is not of one moment, as on Linux. */
static int inet_step(struct netlink_dump *d, struct nl_buf *b)
{
	const struct inet_query *q = d->private;
	struct walk w = { .d = d, .b = b };

	rcu_read_lock();
	inet_diag_find(q->req.sdiag_protocol)->each(tell_row, &w);
	rcu_read_unlock();
	d->at[0] = w.full ? w.n - 1 : w.n;
	return w.full;
}

static void inet_done(struct netlink_dump *d)
{
	kfree(d->private);
}

static int inet_dump(struct netlink_request *r)
{
	struct netlink_dump d = { .step = inet_step, .done = inet_done };
	struct nl_attr t[INET_DIAG_REQ_MAX + 1];
	struct inet_diag_req_v2 req;
	u32 len = sizeof(req);
	int err;

	if (r->msg.len < len)
		return -EINVAL;
	memcpy(&req, r->msg.body, len);
	err = nl_parse(r->msg.body + len, r->msg.len - len, NULL, INET_DIAG_REQ_MAX, t, NL_LIBERAL, &r->ext);
	const struct nl_attr *filter = &t[INET_DIAG_REQ_BYTECODE];

	if (!err && filter->data)
		err = filter->len < sizeof(struct inet_diag_bc_op) ? -EINVAL : inet_diag_filter_check(filter->data, filter->len);
	if (!err && !inet_diag_find(req.sdiag_protocol))
		err = -ENOENT;
	if (err)
		return err;
	struct inet_query *q = kzalloc(sizeof(*q) + filter->len, ALLOC_KERNEL);

	if (!q)
		return -ENOMEM;
	q->req = req;
	q->admin = r->admin;
	q->filter_len = filter->len;
	if (filter->data)
		memcpy(q->filter, filter->data, filter->len);
	d.private = q;
	err = netlink_dump(r, &d);
	if (err != NETLINK_STARTED)
		kfree(q);
	return err;
}

/* ---- one socket ---- */

struct search {
	const struct inet_diag_req_v2 *req;
	struct inet_diag_row row;
	bool found;
};

static bool same_socket(const struct inet_diag_row *row, void *arg)
{
	struct search *s = arg;
	const struct inet_diag_sockid *id = &s->req->id;
	struct inet_diag_msg m = header(row);

	if (row->family != s->req->sdiag_family || id->idiag_sport != m.id.idiag_sport || id->idiag_dport != m.id.idiag_dport ||
	    memcmp(id->idiag_src, m.id.idiag_src, row->family == AF_INET ? 4 : 16) || memcmp(id->idiag_dst, m.id.idiag_dst, row->family == AF_INET ? 4 : 16) ||
	    (id->idiag_if && id->idiag_if != row->ifindex))
		return true;
	s->row = *row;
	s->found = true;
	return false;
}

static int inet_get(struct netlink_request *r)
{
	struct inet_diag_req_v2 req;
	struct search s = { .req = &req };
	struct nl_buf b;

	if (r->msg.len < sizeof(req))
		return -EINVAL;
	memcpy(&req, r->msg.body, sizeof(req));
	const struct inet_diag_source *source = inet_diag_find(req.sdiag_protocol);

	if (!source)
		return -ENOENT;
	int err = netlink_buf_new(&b, ROW_ROOM, ALLOC_KERNEL);

	if (err)
		return err;
	rcu_read_lock();
	source->each(same_socket, &s);
	struct inet_diag_msg head = header(&s.row);
	u32 at = nl_begin(&b, SOCK_DIAG_BY_FAMILY, 0, r->msg.head.nlmsg_seq, r->portid, &head, sizeof(head));

	if (s.found)
		put_row(&b, &s.row, req.idiag_ext, r->admin);
	rcu_read_unlock();
	const u32 *cookie = req.id.idiag_cookie, *own = head.id.idiag_cookie;

	if (!s.found)
		err = -ENOENT;
	else if ((cookie[0] != INET_DIAG_NOCOOKIE || cookie[1] != INET_DIAG_NOCOOKIE) && (cookie[0] != own[0] || cookie[1] != own[1]))
		err = -ESTALE;
	if (err) {
		netlink_buf_free(&b);
		return err;
	}
	nl_end(&b, at);
	return netlink_reply(r, &b);
}

/* ---- dispatch ---- */

static int receive(struct netlink_request *r)
{
	bool dump = r->msg.head.nlmsg_flags & NLM_F_DUMP;
	struct sock_diag_req req;

	if (r->msg.head.nlmsg_type == SOCK_DESTROY)
		return r->admin ? -EOPNOTSUPP : -EPERM;
	if (r->msg.head.nlmsg_type != SOCK_DIAG_BY_FAMILY || r->msg.len < sizeof(req))
		return -EINVAL;
	memcpy(&req, r->msg.body, sizeof(req));
	if (req.sdiag_family >= AF_MAX)
		return -EINVAL;
	switch (req.sdiag_family) {
	case AF_UNIX: return dump ? unix_diag_dump(r) : unix_diag_get(r);
	case AF_INET:
	case AF_INET6: return dump ? inet_dump(r) : inet_get(r);
	default: return -ENOENT;
	}
}

void diag_init(void)
{
	static const struct netlink_kernel diag = {
		.protocol = NETLINK_SOCK_DIAG, .groups = 32, .flags = NETLINK_ANYBODY_LISTENS, .receive = receive,
	};

	netlink_register(&diag);
	diag_show_init();
}
