/*
 * SOCK_DGRAM and SOCK_SEQPACKET of AF_UNIX: messages.
 *
 * A message is made and filled before anything is locked, then appended to the receiver's queue as a whole.  A receiver's queue holds
 * net.unix.max_dgram_qlen + 1 messages of senders that it is not connected to; those that wait for room sleep on its `room`, and the pollers of
 * connected senders are woken through its list of them.
 *
 * A datagram socket notices at its next send that its peer is gone (ECONNREFUSED, and it is unconnected again).
 *
 * Source: unix(7), recv(2), send(2).
 */
#include <linux/errno.h>
#include "kern/sched.h"
#include "sock/unix.h"

enum { SNDBUF_HEAD = 32 };	/* a message is at least so much shorter than the send buffer */

/* ---- peers ---- */

struct unix_sock *unix_peer_set_locked(struct unix_sock *u, struct unix_sock *peer)
{
	struct unix_sock *old = u->peer;

	list_del_init(&u->sender_node);
	if (peer && !peer->dead && u->sock.type == SOCK_DGRAM)
		list_add_tail(&u->sender_node, &peer->senders);
	atomic_store_release(&u->peer, peer);
	return old;
}

/* @u was connected to @old: what is queued is lost, and @old is told if it was connected to @u. */
static void disconnected(struct unix_sock *u, struct unix_sock *old)
{
	bool told;

	unix_queue_purge(u);
	wake_up_all(&u->room);
	spin_lock(&unix_lock);
	told = !old->dead && old->peer == u;
	spin_unlock(&unix_lock);
	if (told) {
		sock_set_error(&old->sock, ECONNRESET);
		unix_wake_state(old);
	}
}

/* unix_lock held. */
static bool may_send_locked(const struct unix_sock *u, const struct unix_sock *to)
{
	return !to->peer || to->peer == u || unix_connection_based(u);
}

static void set_peer(struct unix_sock *u, struct unix_sock *peer)
{
	spin_lock(&unix_lock);
	struct unix_sock *old = unix_peer_set_locked(u, peer);

	spin_unlock(&unix_lock);
	unix_wake_state(u);
	if (old && old != peer)
		disconnected(u, old);
	unix_put(old);
}

int unix_dgram_connect(struct unix_sock *u, const struct sock_addr *a)
{
	struct unix_sock *to;
	int err;

	if (a->len < UNIX_PATH_OFFSET)
		return -EINVAL;
	if (a->family == AF_UNSPEC) {
		set_peer(u, NULL);
		return 0;
	}
	err = unix_addr_check(a);
	if (!err && unix_passcred(u))
		err = unix_autobind(u);
	if (err)
		return err;
	to = unix_find(a, u->sock.type);
	if (IS_ERR(to))
		return (int)PTR_ERR(to);
	spin_lock(&unix_lock);
	if (!may_send_locked(u, to))
		err = -EPERM;
	else if (to->dead)
		err = -ECONNREFUSED;
	spin_unlock(&unix_lock);
	if (err)
		unix_put(to);
	else
		set_peer(u, to);
	return err;
}

/* ---- room ---- */

static bool queue_full(const struct unix_sock *to)
{
	return !unix_dead(to) && !(unix_shut(to) & SHUTDOWN_RCV) && atomic_load(&to->queued) > to->backlog;
}

/* Whether @u may have to wait for @to. unix_lock held. */
static bool full_for_locked(const struct unix_sock *u, const struct unix_sock *to)
{
	return to != u && to->peer != u && queue_full(to);
}

bool unix_dgram_peer_full(struct unix_sock *u)
{
	if (!atomic_load(&u->peer))
		return false;
	spin_lock(&unix_lock);
	bool full = u->peer && full_for_locked(u, u->peer);

	spin_unlock(&unix_lock);
	return full;
}

/* A message left the queue of @u, which was full: those that are connected to it may send. */
static void wake_senders(struct unix_sock *u)
{
	struct unix_sock *sender;

	wake_up_all(&u->room);
	spin_lock(&unix_lock);
	list_for_each_entry(sender, &u->senders, sender_node)
		wake_up_poll(&sender->sock.waitq, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
	spin_unlock(&unix_lock);
}

/* ---- sending ---- */

/* Where to: the name given, or the peer; with a reference. ERR_PTR */
static struct unix_sock *target(struct unix_sock *u, const struct sock_msg *m)
{
	if (m->addr && m->addr->len && !unix_connection_based(u))
		return unix_find(m->addr, u->sock.type);
	struct unix_sock *peer = unix_peer_get(u);

	return peer ? peer : ERR_PTR(-ENOTCONN);
}

static int send_check(struct unix_sock *u, const struct sock_msg *m)
{
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (unix_connection_based(u)) {
		err = sock_take_error(&u->sock);
		if (err)
			return err;
		if (unix_state(u) != UNIX_CONNECTED)
			return -ENOTCONN;
	} else if (m->addr && m->addr->len) {
		err = unix_addr_check(m->addr);
		if (err)
			return err;
	} else if (!atomic_load(&u->peer)) {
		return -ENOTCONN;
	}
	err = unix_passcred(u) && !unix_connection_based(u) ? unix_autobind(u) : 0;
	if (err)
		return err;
	return iter_left(m->iter) > u->sock.sndbuf - SNDBUF_HEAD ? -EMSGSIZE : 0;
}

/* Until the send buffer has room. */
static int wait_sndbuf(struct unix_sock *u, u64 deadline_ns)
{
	int err = sock_take_error(&u->sock);

	if (err)
		return err;
	if (unix_shut(u) & SHUTDOWN_SEND)
		return -EPIPE;
	if (atomic_load(&u->unsent) < u->sock.sndbuf)
		return 0;
	if (!deadline_ns)
		return -EAGAIN;
	err = wait_event_interruptible_until(&u->sock.waitq, atomic_load(&u->unsent) < u->sock.sndbuf || unix_shut(u) & SHUTDOWN_SEND,
					     deadline_ns);
	if (err)
		return sock_wait_error(err, u->sock.sndtimeo_ns);
	return unix_shut(u) & SHUTDOWN_SEND ? -EPIPE : 0;
}

/* May @u's message go to @to now? to->lock held. -EAGAIN: its queue is full */
static int deliver_check(struct unix_sock *u, struct unix_sock *to)
{
	int err = 0;

	if (unix_dead(to))
		return unix_connection_based(u) ? -EPIPE : -ECONNREFUSED;
	spin_lock(&unix_lock);
	if (!may_send_locked(u, to))
		err = -EPERM;
	else if (unix_shut(to) & SHUTDOWN_RCV)
		err = -EPIPE;
	else if (full_for_locked(u, to))
		err = -EAGAIN;
	spin_unlock(&unix_lock);
	return err;
}

static int deliver(struct unix_sock *u, struct unix_sock *to, struct unix_msg *msg)
{
	mutex_lock(&to->lock);
	int err = deliver_check(u, to);

	if (!err) {
		unix_stamp(&msg->creds, u, to);
		err = unix_queue_add_locked(to, msg);
	}
	mutex_unlock(&to->lock);
	if (!err)
		wake_up_poll(&to->sock.waitq, EPOLLIN | EPOLLRDNORM | EPOLLRDBAND);
	return err;
}

/* A send found the peer gone. */
static void lost_peer(struct unix_sock *u, struct unix_sock *to)
{
	spin_lock(&unix_lock);
	bool was_peer = u->peer == to;
	struct unix_sock *old = was_peer ? unix_peer_set_locked(u, NULL) : NULL;

	spin_unlock(&unix_lock);
	if (old)
		disconnected(u, old);
	unix_put(old);
}

static int deliver_waiting(struct unix_sock *u, const struct sock_msg *m, struct unix_msg *msg, u64 deadline_ns)
{
	for (;;) {
		struct unix_sock *to = target(u, m);

		if (IS_ERR(to))
			return (int)PTR_ERR(to);
		int err = deliver(u, to, msg);

		if (err == -ECONNREFUSED)
			lost_peer(u, to);
		if (err != -EAGAIN || !deadline_ns) {
			unix_put(to);
			return err;
		}
		err = wait_event_interruptible_until(&to->room, !queue_full(to), deadline_ns);
		unix_put(to);
		if (err)
			return sock_wait_error(err, u->sock.sndtimeo_ns);
	}
}

/* Make the message of @m. ERR_PTR */
static struct unix_msg *message(struct unix_sock *u, struct sock_msg *m, struct scm *scm)
{
	u32 n = (u32)iter_left(m->iter);
	struct unix_msg *msg = unix_msg_new(u, n, false);

	if (!msg)
		return ERR_PTR(-ENOMEM);
	if (unix_msg_fill(msg, m->iter, n) < n) {
		unix_msg_free(msg);
		return ERR_PTR(-EFAULT);
	}
	msg->creds = scm->creds;
	msg->files = scm->files;
	scm->files = NULL;
	return msg;
}

s64 unix_dgram_send(struct unix_sock *u, struct sock_msg *m)
{
	u64 deadline = sock_deadline(u->sock.sndtimeo_ns, m->flags & MSG_DONTWAIT), n = iter_left(m->iter);
	struct unix_msg *msg;
	struct scm scm;
	int err = scm_send(&u->sock, m, &scm);

	if (err)
		return err;
	err = send_check(u, m);
	if (!err)
		err = wait_sndbuf(u, deadline);
	if (err)
		goto out;
	msg = message(u, m, &scm);
	if (IS_ERR(msg)) {
		err = (int)PTR_ERR(msg);
		goto out;
	}
	err = deliver_waiting(u, m, msg, deadline);
	if (err)
		unix_msg_free(msg);
out:
	scm_drop(&scm);
	return err ? err : (s64)n;
}

/* ---- receiving ---- */

/* The message to receive, and where in it a peek begins. u->lock held. */
static struct unix_msg *message_at(struct unix_sock *u, u32 flags, u32 *offset)
{
	struct unix_msg *m;
	u32 skip = flags & MSG_PEEK && u->sock.peek_off > 0 ? (u32)u->sock.peek_off : 0;

	*offset = 0;
	list_for_each_entry(m, &u->queue, node) {
		if (!skip || skip < unix_msg_left(m)) {
			*offset = skip;
			return m;
		}
		skip -= unix_msg_left(m);
	}
	return NULL;
}

/* Tell the receiver everything about @msg. Return: bytes, or -EFAULT */
static s64 receive(struct unix_sock *u, struct sock_msg *m, const struct unix_msg *msg, u32 offset, struct scm *scm)
{
	u32 left = unix_msg_left(msg) - offset, n = (u32)MIN(iter_left(m->iter), left);

	if (m->addr)
		unix_addr_tell(msg->from, m->addr);
	if (n < left)
		m->flags_out |= MSG_TRUNC;
	if (unix_msg_drain(msg, offset, m->iter, n) < n)
		return -EFAULT;
	scm->creds = msg->creds;
	return m->flags & MSG_TRUNC ? left : n;
}

static void peek_off_move(struct unix_sock *u, s64 by)
{
	if (u->sock.peek_off >= 0)
		u->sock.peek_off = (s32)MAX(u->sock.peek_off + by, 0);
}

/* One message if there is one. Return: true: *result holds, and *scm is filled */
static bool recv_one(struct unix_sock *u, struct sock_msg *m, struct scm *scm, s64 *result)
{
	u32 offset;

	mutex_lock(&u->lock);
	bool full = u->queued > u->backlog;	/* under the lock: who found it full since waits for us to say that it is not */

	struct unix_msg *msg = message_at(u, m->flags, &offset);

	if (!msg) {
		mutex_unlock(&u->lock);
		return false;
	}
	if (m->flags & MSG_PEEK) {
		*result = receive(u, m, msg, offset, scm);
		peek_off_move(u, MAX(*result, 0));
		scm->files = unix_files_peek(msg);
		mutex_unlock(&u->lock);
		return true;
	}
	unix_queue_take_locked(u, msg);
	peek_off_move(u, -(s64)unix_msg_left(msg));
	mutex_unlock(&u->lock);
	if (full)
		wake_senders(u);
	*result = receive(u, m, msg, 0, scm);
	scm->files = unix_files_take(msg);
	unix_msg_free(msg);
	return true;
}

/* Until a message may be there. Return: 0: look again; 1: there will be none; -errno */
static int wait_message(struct unix_sock *u, u64 deadline_ns)
{
	bool shut = unix_shut(u) & SHUTDOWN_RCV;
	int err = sock_take_error(&u->sock);

	if (err)
		return err;
	if (shut && (deadline_ns || unix_connection_based(u)))
		return atomic_load(&u->queued) ? 0 : 1;
	if (!deadline_ns)
		return -EAGAIN;
	u32 seen = u->sock.peek_off > 0 ? atomic_load(&u->queued) : 0;

	err = wait_event_interruptible_until(&u->sock.waitq, atomic_load(&u->queued) != seen || unix_shut(u) & SHUTDOWN_RCV ||
					     atomic_load(&u->sock.error), deadline_ns);
	return sock_wait_error(err, u->sock.rcvtimeo_ns);
}

s64 unix_dgram_recv(struct unix_sock *u, struct sock_msg *m)
{
	u64 deadline = sock_deadline(u->sock.rcvtimeo_ns, m->flags & MSG_DONTWAIT);
	struct scm scm = { .files = NULL };
	s64 result;
	int err;

	if (m->flags & MSG_OOB)
		return -EOPNOTSUPP;
	if (unix_connection_based(u) && unix_state(u) != UNIX_CONNECTED)
		return -ENOTCONN;
	err = sock_take_error(&u->sock);
	while (!err) {
		if (recv_one(u, m, &scm, &result)) {
			if (result >= 0)
				scm_recv(&u->sock, m, &scm);
			scm_drop(&scm);
			return result;
		}
		err = wait_message(u, deadline);
	}
	return err < 0 ? err : 0;
}
