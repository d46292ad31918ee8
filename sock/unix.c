/*
 * AF_UNIX: life and states of its sockets.
 *
 * Departures from Linux 6.1: no MSG_OOB on streams; names of sockets are one set for all, without network name spaces.
 *
 * Source: unix(7), socket(7); errors and bits of poll as Linux 6.1 answers (tests/abi/unix_stream, unix_dgram).
 */
#include <linux/errno.h>
#include <linux/sockios.h>
#include <asm/ioctls.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "mm/user.h"
#include "sock/internal.h"
#include "sock/unix.h"
#include "vfs/procfs.h"

struct spinlock unix_lock;
LIST_HEAD(unix_all);
static struct slab_cache *unix_cache;

/* ---- life ---- */

struct unix_sock *unix_new(u32 type)
{
	struct unix_sock *u = slab_alloc(unix_cache, ALLOC_KERNEL);

	if (!u)
		return NULL;
	memset(u, 0, sizeof(*u));
	socket_init(&u->sock, &unix_ops, AF_UNIX, type, 0);
	u->refs = 1;
	u->backlog = atomic_load(&sock_limits.unix_dgram_queue);
	u->peer_creds = (struct ucred_kernel){ 0, ~0u, ~0u };
	mutex_init(&u->lock, RANK_SOCK);
	waitq_init(&u->room);
	list_init(&u->queue);
	list_init(&u->senders);
	list_init(&u->sender_node);
	list_init(&u->pending);
	list_init(&u->pending_node);
	list_init(&u->files);
	list_init(&u->inflight_node);
	hlist_node_init(&u->name_node);
	spin_lock(&unix_lock);
	list_add_tail(&u->all_node, &unix_all);
	spin_unlock(&unix_lock);
	return u;
}

static int unix_create(struct socket **out, u32 type, u32 protocol)
{
	if (protocol && protocol != AF_UNIX)
		return -EPROTONOSUPPORT;
	if (type == SOCK_RAW)
		type = SOCK_DGRAM;	/* as BSD's did */
	if (type != SOCK_STREAM && type != SOCK_DGRAM && type != SOCK_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	struct unix_sock *u = unix_new(type);

	if (!u)
		return -ENOMEM;
	*out = &u->sock;
	return 0;
}

static void unix_free_rcu(struct rcu_head *h)
{
	slab_free(unix_cache, container_of(h, struct unix_sock, rcu));
}

void unix_put(struct unix_sock *u)
{
	if (!u || !atomic_dec_and_test(&u->refs))
		return;
	assert(u->dead && list_empty(&u->queue) && !u->inflight);
	unix_addr_put(u->addr);
	if (u->peer_cred)
		cred_put(u->peer_cred);
	call_rcu(&u->rcu, unix_free_rcu);
}

struct unix_sock *unix_peer_get(struct unix_sock *u)
{
	spin_lock(&unix_lock);
	struct unix_sock *peer = u->peer;

	if (peer)
		unix_get(peer);
	spin_unlock(&unix_lock);
	return peer;
}

const struct cred *unix_peer_creds_set_locked(struct unix_sock *u, const struct ucred_kernel *id, const struct cred *c)
{
	const struct cred *old = u->peer_cred;

	u->peer_creds = *id;
	u->peer_cred = c;
	return old;
}

void unix_wake_state(struct unix_sock *u)
{
	if (waitq_active(&u->sock.waitq))
		waitq_wake(&u->sock.waitq, 0, EPOLLIN | EPOLLOUT | EPOLLHUP | EPOLLRDHUP | EPOLLERR | EPOLLRDNORM | EPOLLWRNORM);
}

/* The other end of a connection learns that this one is gone. unix_lock held. */
static void hang_up_locked(struct unix_sock *u, bool embryo)
{
	struct unix_sock *peer = u->peer;

	__atomic_store_n(&peer->sock.shutdown, SHUTDOWN_BOTH, __ATOMIC_RELEASE);
	if (embryo || atomic_load(&u->queued))
		sock_set_error(&peer->sock, ECONNRESET);
	unix_wake_state(peer);
}

/* Datagram sockets connected to @u will notice at their next send. unix_lock held. */
static void forget_senders_locked(struct unix_sock *u)
{
	while (!list_empty(&u->senders)) {
		struct unix_sock *sender = list_first_entry(&u->senders, struct unix_sock, sender_node);

		list_del_init(&sender->sender_node);
		unix_wake_state(sender);
	}
}

void unix_close(struct unix_sock *u, bool embryo)
{
	struct unix_sock *peer, *waiting, *tmp;
	struct path path;
	LIST_HEAD(pending);

	spin_lock(&unix_lock);
	__atomic_store_n(&u->dead, true, __ATOMIC_RELEASE);
	__atomic_store_n(&u->state, UNIX_UNCONNECTED, __ATOMIC_RELEASE);
	list_del_init(&u->all_node);
	unix_name_drop_locked(u);
	path = u->path;
	peer = u->peer;
	if (peer && unix_connection_based(u))
		hang_up_locked(u, embryo);
	list_del_init(&u->sender_node);
	u->peer = NULL;
	forget_senders_locked(u);
	list_for_each_entry(waiting, &u->pending, pending_node)
		waiting->listener = NULL;
	list_splice_init(&u->pending, &pending);
	spin_unlock(&unix_lock);
	wake_up_all(&u->room);
	list_for_each_entry_safe(waiting, tmp, &pending, pending_node) {
		list_del_init(&waiting->pending_node);
		unix_close(waiting, true);
	}
	unix_queue_purge(u);
	if (path.dentry)
		path_put(&path);
	unix_put(peer);
	unix_put(u);
	unix_collect_soon();
}

static void unix_release(struct socket *s)
{
	unix_close(unix_of(s), false);
}

/* ---- readiness ---- */

bool unix_writable(const struct unix_sock *u)
{
	return unix_state(u) != UNIX_LISTENING && (u64)atomic_load(&u->unsent) * 4 <= u->sock.sndbuf;
}

static u32 unix_poll(struct socket *s)
{
	struct unix_sock *u = unix_of(s);
	u32 shut = unix_shut(u), state = unix_state(u), events = 0;

	if (atomic_load(&s->error))
		events |= EPOLLERR;
	if (shut == SHUTDOWN_BOTH)
		events |= EPOLLHUP;
	if (shut & SHUTDOWN_RCV)
		events |= EPOLLRDHUP | EPOLLIN | EPOLLRDNORM;
	if (atomic_load(&u->queued) || (state == UNIX_LISTENING && atomic_load(&u->pending_count)))
		events |= EPOLLIN | EPOLLRDNORM;
	if (unix_connection_based(u) && state == UNIX_UNCONNECTED)
		events |= EPOLLHUP;
	if (unix_writable(u) && (s->type != SOCK_DGRAM || !unix_dgram_peer_full(u)))
		events |= EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;
	return events;
}

/* ---- small calls ---- */

static int unix_getname(struct socket *s, struct sock_addr *out, bool peer)
{
	struct unix_sock *u = unix_of(s), *of = u;

	if (peer) {
		of = unix_peer_get(u);
		if (!of)
			return -ENOTCONN;
	}
	unix_addr_tell(of, out);
	if (!out->len) {
		out->family = AF_UNIX;
		out->len = UNIX_PATH_OFFSET;
	}
	if (peer)
		unix_put(of);
	return 0;
}

/* Bytes that a read would find: of a datagram socket, the first message's. */
static int inq(struct unix_sock *u, int *out)
{
	if (unix_state(u) == UNIX_LISTENING)
		return -EINVAL;
	mutex_lock(&u->lock);
	if (u->sock.type == SOCK_DGRAM)
		*out = list_empty(&u->queue) ? 0 : (int)unix_msg_left(list_first_entry(&u->queue, struct unix_msg, node));
	else
		*out = (int)MIN(u->queued_bytes, 0x7fffffffull);
	mutex_unlock(&u->lock);
	return 0;
}

static s64 unix_ioctl(struct socket *s, u32 cmd, u64 arg)
{
	struct unix_sock *u = unix_of(s);
	int n, err;

	switch (cmd) {
	case TIOCOUTQ:
		return put_user((int)atomic_load(&u->unsent), uaddr(arg));
	case FIONREAD:
		err = inq(u, &n);
		return err ? err : put_user(n, uaddr(arg));
	default:
		return -ENOTTY;
	}
}

static int peer_groups(struct unix_sock *u, void *value, u32 *len)
{
	const struct cred *c;
	int err = 0;

	spin_lock(&unix_lock);
	c = u->peer_cred ? cred_get(u->peer_cred) : NULL;
	spin_unlock(&unix_lock);
	if (!c)
		return -ENODATA;
	u32 bytes = c->groups ? c->groups->count * (u32)sizeof(u32) : 0;

	if (*len < bytes)
		err = -ERANGE;
	else if (bytes)
		memcpy(value, c->groups->gid, bytes);
	*len = bytes;
	cred_put(c);
	return err;
}

static int unix_getsockopt(struct socket *s, int level, int name, void *value, u32 *len)
{
	struct unix_sock *u = unix_of(s);
	struct ucred_kernel id;
	int v;

	if (level != SOL_SOCKET)
		return -EOPNOTSUPP;
	switch (name) {
	case SO_ACCEPTCONN:
		v = unix_state(u) == UNIX_LISTENING;
		*len = MIN(*len, (u32)sizeof(v));
		memcpy(value, &v, *len);
		return 0;
	case SO_PEERCRED:
		spin_lock(&unix_lock);
		id = u->peer_creds;
		spin_unlock(&unix_lock);
		*len = MIN(*len, (u32)sizeof(id));
		memcpy(value, &id, *len);
		return 0;
	case SO_PEERGROUPS:
		return peer_groups(u, value, len);
	default:
		return -ENOPROTOOPT;
	}
}

static s64 unix_sendmsg(struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);

	return s->type == SOCK_STREAM ? unix_stream_send(u, m) : unix_dgram_send(u, m);
}

static s64 unix_recvmsg(struct socket *s, struct sock_msg *m)
{
	struct unix_sock *u = unix_of(s);

	return s->type == SOCK_STREAM ? unix_stream_recv(u, m) : unix_dgram_recv(u, m);
}

const struct socket_ops unix_ops = {
	.release = unix_release,
	.bind = unix_bind,
	.connect = unix_connect,
	.pair = unix_pair,
	.listen = unix_listen,
	.accept = unix_accept,
	.getname = unix_getname,
	.shutdown = unix_shutdown,
	.poll = unix_poll,
	.ioctl = unix_ioctl,
	.sendmsg = unix_sendmsg,
	.recvmsg = unix_recvmsg,
	.getsockopt = unix_getsockopt,
	.flush = unix_flush,
};

static const struct socket_family unix_family = { .family = AF_UNIX, .create = unix_create };

void unix_init(void)
{
	unix_cache = slab_create("unix_sock", sizeof(struct unix_sock), 0);
	assert(unix_cache);
	spin_init(&unix_lock, RANK_SOCK_SPIN);
	unix_names_init();
	unix_inflight_init();
	sock_register(&unix_family);
	proc_add("net/unix", 0444, sock_unix_show);
}
