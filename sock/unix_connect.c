/*
 * Connections of AF_UNIX sockets: pair, listen, connect, accept, shutdown.
 *
 * connect() makes the server's end, an embryo, connects the two and puts the embryo on the listener's pending list; both may be used from then
 * on.  accept() takes it off.  The list holds the embryo's only reference that a file would hold.
 *
 *   UNCONNECTED -- listen --> LISTENING
 *   UNCONNECTED -- connect, pair --> CONNECTED (datagram sockets stay UNCONNECTED; they only have a peer)
 *
 * All steps are under unix_lock, so that two ends always agree.
 * Source: unix(7), connect(2), accept(2), listen(2).
 */
#include <linux/errno.h>
#include "kern/cred.h"
#include "kern/assert.h"
#include "sock/unix.h"

/* What SO_PEERCRED tells of the current process. */
static struct ucred_kernel current_id(void)
{
	return (struct ucred_kernel){ sock_process->pid(), current_cred()->euid, current_cred()->egid };
}

static void cred_put_any(const struct cred *c)
{
	if (c)
		cred_put(c);
}

static void state_set(struct unix_sock *u, enum unix_state s)
{
	__atomic_store_n(&u->state, s, __ATOMIC_RELEASE);
}

int unix_pair(struct socket *sa, struct socket *sb)
{
	struct unix_sock *a = unix_of(sa), *b = unix_of(sb);
	struct ucred_kernel id = current_id();

	spin_lock(&unix_lock);
	(void)unix_peer_set_locked(a, unix_get(b));	/* new ones: there was no peer, no credentials */
	(void)unix_peer_set_locked(b, unix_get(a));
	(void)unix_peer_creds_set_locked(a, &id, cred_get(current_cred()));
	(void)unix_peer_creds_set_locked(b, &id, cred_get(current_cred()));
	if (unix_connection_based(a)) {
		state_set(a, UNIX_CONNECTED);
		state_set(b, UNIX_CONNECTED);
	}
	spin_unlock(&unix_lock);
	return 0;
}

int unix_listen(struct socket *s, u32 backlog)
{
	struct unix_sock *u = unix_of(s);
	struct ucred_kernel id = current_id();
	const struct cred *old = NULL;
	int err = 0;

	if (!unix_connection_based(u))
		return -EOPNOTSUPP;
	if (!atomic_load_acquire(&u->addr))
		return -EINVAL;
	spin_lock(&unix_lock);
	if (u->state == UNIX_CONNECTED) {
		err = -EINVAL;
	} else {
		atomic_store(&u->backlog, backlog);
		state_set(u, UNIX_LISTENING);
		old = unix_peer_creds_set_locked(u, &id, cred_get(current_cred()));
	}
	spin_unlock(&unix_lock);
	cred_put_any(old);
	if (!err)
		wake_up_all(&u->room);
	return err;
}

/* ---- connect ---- */

static bool backlog_full(const struct unix_sock *l)
{
	return atomic_load(&l->pending_count) > atomic_load(&l->backlog);
}

static bool listening(const struct unix_sock *l)
{
	return unix_state(l) == UNIX_LISTENING && !(unix_shut(l) & SHUTDOWN_RCV);
}

/* May @u connect to @l now? unix_lock held. -EAGAIN: the backlog is full */
static int connect_check_locked(const struct unix_sock *u, const struct unix_sock *l)
{
	if (!listening(l))
		return -ECONNREFUSED;
	if (backlog_full(l))
		return -EAGAIN;
	if (u->state != UNIX_UNCONNECTED)
		return u->state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
	return 0;
}

/* @u, @l's new end @embryo, and @l's list. unix_lock held; cannot fail. */
static void connect_commit_locked(struct unix_sock *u, struct unix_sock *l, struct unix_sock *embryo)
{
	struct ucred_kernel id = current_id();

	embryo->addr = l->addr;
	atomic_inc(&embryo->addr->refs);
	(void)unix_peer_creds_set_locked(embryo, &id, cred_get(current_cred()));
	(void)unix_peer_creds_set_locked(u, &l->peer_creds, cred_get(l->peer_cred));
	embryo->peer = unix_get(u);
	state_set(embryo, UNIX_CONNECTED);
	atomic_store_release(&u->peer, unix_get(embryo));
	state_set(u, UNIX_CONNECTED);
	embryo->listener = l;
	list_add_tail(&embryo->pending_node, &l->pending);
	atomic_store(&l->pending_count, l->pending_count + 1);
}

/* One try. Return: 0, -EAGAIN with *full referenced: wait there, or another -errno */
static int connect_once(struct unix_sock *u, const struct sock_addr *a, struct unix_sock *embryo, struct unix_sock **full)
{
	struct unix_sock *l = unix_find(a, u->sock.type);

	*full = NULL;
	if (IS_ERR(l))
		return (int)PTR_ERR(l);
	spin_lock(&unix_lock);
	int err = connect_check_locked(u, l);

	if (!err)
		connect_commit_locked(u, l, embryo);
	spin_unlock(&unix_lock);
	if (!err)
		wake_up_poll(&l->sock.waitq, EPOLLIN | EPOLLRDNORM);
	if (err == -EAGAIN)
		*full = l;
	else
		unix_put(l);
	return err;
}

static int connect_stream(struct unix_sock *u, const struct sock_addr *a, u64 deadline_ns)
{
	struct unix_sock *embryo = unix_new(u->sock.type), *full = NULL;
	int err;

	if (!embryo)
		return -ENOMEM;
	while ((err = connect_once(u, a, embryo, &full)) == -EAGAIN && full) {
		if (deadline_ns)
			err = wait_event_state(&full->room, !listening(full) || !backlog_full(full), TS_INTERRUPTIBLE, deadline_ns, false);
		unix_put(full);
		if (err)
			break;
	}
	if (err) {
		unix_close(embryo, false);
		return sock_wait_error(err, u->sock.sndtimeo_ns);
	}
	unix_wake_state(u);
	return 0;
}

int unix_connect(struct socket *s, const struct sock_addr *a, u64 deadline_ns)
{
	struct unix_sock *u = unix_of(s);

	if (s->type == SOCK_DGRAM)
		return unix_dgram_connect(u, a);
	int err = unix_addr_check(a);

	if (!err && unix_passcred(u))
		err = unix_autobind(u);
	return err ? err : connect_stream(u, a, deadline_ns);
}

/* ---- accept ---- */

static struct unix_sock *pending_take(struct unix_sock *l)
{
	struct unix_sock *embryo;

	spin_lock(&unix_lock);
	embryo = list_first_entry_or_null(&l->pending, struct unix_sock, pending_node);
	if (embryo) {
		list_del_init(&embryo->pending_node);
		embryo->listener = NULL;
		atomic_store(&l->pending_count, l->pending_count - 1);
	}
	spin_unlock(&unix_lock);
	return embryo;
}

int unix_accept(struct socket *s, struct socket **out, u64 deadline_ns)
{
	struct unix_sock *l = unix_of(s), *embryo = NULL;
	int err = 0;

	if (!unix_connection_based(l))
		return -EOPNOTSUPP;
	if (unix_state(l) != UNIX_LISTENING)
		return -EINVAL;
	if (deadline_ns)
		err = wait_event_state(&s->waitq, (embryo = pending_take(l)) != NULL || unix_shut(l) & SHUTDOWN_RCV, TS_INTERRUPTIBLE,
				       deadline_ns, true);
	else
		embryo = pending_take(l);
	if (!embryo) {
		if (err)
			return sock_wait_error(err, s->rcvtimeo_ns);
		return unix_shut(l) & SHUTDOWN_RCV ? -EINVAL : -EAGAIN;
	}
	wake_up_one(&l->room);
	*out = &embryo->sock;
	return 0;
}

/* ---- shutdown ---- */

int unix_shutdown(struct socket *s, u32 how)
{
	struct unix_sock *u = unix_of(s), *peer = NULL;
	u32 mirrored = (how & SHUTDOWN_RCV ? SHUTDOWN_SEND : 0) | (how & SHUTDOWN_SEND ? SHUTDOWN_RCV : 0);

	spin_lock(&unix_lock);
	atomic_or(&s->shutdown, how);
	if (u->peer && unix_connection_based(u)) {
		peer = unix_get(u->peer);
		atomic_or(&peer->sock.shutdown, mirrored);
	}
	spin_unlock(&unix_lock);
	unix_wake_state(u);
	wake_up_all(&u->room);
	if (peer)
		unix_wake_state(peer);
	unix_put(peer);
	return 0;
}
