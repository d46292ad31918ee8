/*
 * AF_UNIX sockets as ss tells them.
 *
 * Source: sock_diag(7), <linux/unix_diag.h>.
 */
#include <linux/errno.h>
#include <linux/unix_diag.h>
#include "base/string.h"
#include "kern/slab.h"
#include "sock/diag.h"
#include "sock/unix.h"
#include "vfs/dentry.h"
#include "vfs/inode.h"
#include "vfs/super.h"

enum { ROOM = 2048, ESTABLISHED = 1, CLOSED = 7, LISTENING = 10, COOKIE_ANY = -1 };

static u8 state_of(const struct unix_sock *u)
{
	if (unix_state(u) == UNIX_LISTENING)
		return LISTENING;
	return unix_state(u) == UNIX_CONNECTED || u->peer ? ESTABLISHED : CLOSED;
}

/* The inodes of connections that wait to be accepted, which have none yet: their peers'. unix_lock held */
static void put_pending_locked(struct nl_buf *b, const struct unix_sock *u)
{
	const struct unix_sock *c;
	u32 at = nl_nest(b, UNIX_DIAG_ICONS);

	list_for_each_entry(c, &u->pending, pending_node) {
		u32 ino = c->peer ? (u32)c->peer->sock.ino : 0;

		nl_append(b, &ino, sizeof(ino));
	}
	nl_nest_end(b, at);
}

static void put_queue(struct nl_buf *b, const struct unix_sock *u)
{
	struct unix_diag_rqlen q;

	if (unix_state(u) == UNIX_LISTENING)
		q = (struct unix_diag_rqlen){ .udiag_rqueue = u->pending_count, .udiag_wqueue = u->backlog };
	else
		q = (struct unix_diag_rqlen){ .udiag_rqueue = (u32)u->queued_bytes, .udiag_wqueue = u->unsent };
	nl_put(b, UNIX_DIAG_RQLEN, &q, sizeof(q));
}

/* unix_lock held. */
static void put_sock_locked(struct nl_buf *b, const struct unix_sock *u, u32 show)
{
	u32 mem[SK_MEMINFO_VARS] = { [SK_MEMINFO_RCVBUF] = u->sock.rcvbuf, [SK_MEMINFO_SNDBUF] = u->sock.sndbuf, [SK_MEMINFO_WMEM_ALLOC] = u->unsent };

	if (show & UDIAG_SHOW_NAME && u->addr)
		nl_put(b, UNIX_DIAG_NAME, u->addr->name.sun_path, u->addr->len - UNIX_PATH_OFFSET);
	if (show & UDIAG_SHOW_VFS && u->path.dentry) {
		struct unix_diag_vfs vfs = { .udiag_vfs_ino = (u32)u->path.dentry->inode->ino, .udiag_vfs_dev = (u32)u->path.dentry->inode->super->dev };

		nl_put(b, UNIX_DIAG_VFS, &vfs, sizeof(vfs));
	}
	if (show & UDIAG_SHOW_PEER && u->peer)
		nl_put_u32(b, UNIX_DIAG_PEER, (u32)u->peer->sock.ino);
	if (show & UDIAG_SHOW_ICONS && unix_state(u) == UNIX_LISTENING)
		put_pending_locked(b, u);
	if (show & UDIAG_SHOW_RQLEN)
		put_queue(b, u);
	if (show & UDIAG_SHOW_MEMINFO)
		nl_put(b, UNIX_DIAG_MEMINFO, mem, sizeof(mem));
	nl_put_u8(b, UNIX_DIAG_SHUTDOWN, (u8)unix_shut(u));
}

static struct unix_diag_msg header(const struct unix_sock *u)
{
	return (struct unix_diag_msg){
		.udiag_family = AF_UNIX, .udiag_type = (u8)u->sock.type, .udiag_state = state_of(u), .udiag_ino = (u32)u->sock.ino,
		.udiag_cookie = { (u32)u->sock.ino, (u32)(u->sock.ino >> 32) },
	};
}

/* d->at: [0] sockets passed; [1] states; [2] what to show */
static int unix_step(struct netlink_dump *d, struct nl_buf *b)
{
	const struct unix_sock *u;
	bool full = false;
	u64 n = 0;

	spin_lock(&unix_lock);
	list_for_each_entry(u, &unix_all, all_node) {
		if (n++ < d->at[0] || !(d->at[1] & 1u << state_of(u)) || !atomic_load(&u->sock.file))
			continue;		/* without a file: waits to be accepted, or goes */
		struct unix_diag_msg head = header(u);
		u32 at = netlink_dump_begin(d, b, SOCK_DIAG_BY_FAMILY, 0, &head, sizeof(head));

		put_sock_locked(b, u, (u32)d->at[2]);
		full = !nl_end(b, at);
		if (full)
			break;
	}
	spin_unlock(&unix_lock);
	d->at[0] = full ? n - 1 : n;
	return full;
}

int unix_diag_dump(struct netlink_request *r)
{
	struct netlink_dump d = { .step = unix_step };
	struct unix_diag_req req;

	if (r->msg.len < sizeof(req))
		return -EINVAL;
	memcpy(&req, r->msg.body, sizeof(req));
	d.at[1] = req.udiag_states;
	d.at[2] = req.udiag_show;
	return netlink_dump(r, &d);
}

int unix_diag_get(struct netlink_request *r)
{
	struct unix_diag_req req;
	const struct unix_sock *u;
	struct nl_buf b;
	int err;

	if (r->msg.len < sizeof(req))
		return -EINVAL;
	memcpy(&req, r->msg.body, sizeof(req));
	if (!req.udiag_ino)
		return -EINVAL;
	err = netlink_buf_new(&b, ROOM, ALLOC_KERNEL);
	if (err)
		return err;
	err = -ENOENT;
	spin_lock(&unix_lock);
	list_for_each_entry(u, &unix_all, all_node) {
		if ((u32)u->sock.ino != req.udiag_ino)
			continue;
		struct unix_diag_msg head = header(u);
		bool any = req.udiag_cookie[0] == (u32)COOKIE_ANY && req.udiag_cookie[1] == (u32)COOKIE_ANY;
		u32 at = nl_begin(&b, SOCK_DIAG_BY_FAMILY, 0, r->msg.head.nlmsg_seq, r->portid, &head, sizeof(head));

		put_sock_locked(&b, u, req.udiag_show);
		err = !any && memcmp(req.udiag_cookie, head.udiag_cookie, sizeof(head.udiag_cookie)) ? -ESTALE : nl_end(&b, at) ? 0 : -EMSGSIZE;
		break;
	}
	spin_unlock(&unix_lock);
	if (!err)
		return netlink_reply(r, &b);
	netlink_buf_free(&b);
	return err;
}
