/*
 * AF_UNIX: what its files share.
 *
 *   unix.c          life, states, options, poll, the family
 *   unix_name.c     addresses: paths and abstract names
 *   unix_connect.c  pair, listen, connect, accept, shutdown
 *   unix_queue.c    messages and the queue that each socket receives on
 *   unix_stream.c   SOCK_STREAM bytes
 *   unix_dgram.c    SOCK_DGRAM and SOCK_SEQPACKET messages
 *   unix_inflight.c descriptors in queues: the bound on them, and cycles that nobody can reach
 *   unix_show.c     /proc/net/unix
 *
 * References: the file holds one, a peer one, each queued message one on its sender; a socket that waits to be accepted is
 * held by its listener's list.  The struct goes after a grace period.
 *
 * Locks:
 *   u->lock    RANK_SOCK, of the queue that u receives on; held over copies from and to users
 *   unix_lock  RANK_SOCK_SPIN, one for all: names, peers, states, pending connections, files in flight.  Taken inside u->lock.
 * Wait queues are woken inside either.
 */
#ifndef SOCK_UNIX_H
#define SOCK_UNIX_H

#include <linux/un.h>
#include "kern/mutex.h"
#include "kern/rcu.h"
#include "sock/sock.h"
#include "vfs/path.h"
#include "vfs/poll.h"

struct page;

enum { UNIX_PATH_OFFSET = 2, UNIX_CHUNK_PAGES = 8, UNIX_INLINE_MAX = 1024, UNIX_OVERHEAD = 256 };

enum unix_state { UNIX_UNCONNECTED, UNIX_LISTENING, UNIX_CONNECTED };

/* A name; never changed once a socket has it.  Shared by a listener and the sockets that it accepts. */
struct unix_addr {
	u32 refs;		/* [a] */
	u32 len;		/* as getsockname tells */
	u32 hash;		/* abstract: of name and type */
	struct sockaddr_un name;
	char end;		/* a path that fills sun_path still ends in NUL */
};

/*
 * A message, or a chunk of a stream.  The bytes [start, end) of its store are yet to be received.
 * The store is whole pages, or for small datagrams (pages 0) the end of this struct.
 */
struct unix_msg {
	struct list_head node;		/* [receiver's u->lock] */
	u32 start, end, room;		/* [u->lock] */
	u32 pages;			/* [I] */
	u32 charge;			/* [I] bytes of memory, in from->unsent */
	struct unix_sock *from;		/* [I] the sender, referenced */
	struct scm_files *files;	/* [unix_lock once queued] */
	struct ucred_kernel creds;	/* [I] */
	u64 store[];			/* [I] struct page *[pages], or the bytes */
};

/* Locks: u u->lock · U unix_lock · a atomic · I immutable */
struct unix_sock {
	struct socket sock;		/* first */
	u32 refs;			/* [a] */
	u32 state;			/* [U, read anywhere] enum unix_state */
	bool dead;			/* [U, read anywhere] released: takes no more messages */
	u32 binding;			/* [a] 1: a bind is under way */
	struct unix_addr *addr;		/* [U once; read anywhere] NULL: no name */
	struct path path;		/* [U] where it is bound; dentry NULL: nowhere */
	struct hlist_node name_node;	/* [U] abstract names */
	struct list_head all_node;	/* [U] */
	struct unix_sock *peer;		/* [U; a connected stream's never changes] referenced */
	struct list_head senders;	/* [U] datagram sockets whose peer this is */
	struct list_head sender_node;	/* [U] in peer->senders */

	struct list_head pending;	/* [U] a listener's connections not yet accepted */
	struct list_head pending_node;	/* [U] */
	u32 pending_count, backlog;	/* [U, read anywhere] */
	struct unix_sock *listener;	/* [U] where it is pending; NULL once accepted */
	struct waitq room;		/* those that wait for room in the backlog or the queue */
	struct ucred_kernel peer_creds;	/* [U] SO_PEERCRED */
	const struct cred *peer_cred;	/* [U] SO_PEERGROUPS; NULL: none */

	struct mutex lock;
	struct list_head queue;		/* [u] struct unix_msg */
	struct unix_msg *spare;		/* [u] an empty chunk to be used again */
	u32 queued;			/* [u, read anywhere] messages */
	u64 queued_bytes;		/* [u, read anywhere] */
	u32 unsent;			/* [a] memory of messages sent and not yet received */

	struct list_head files;		/* [U] scm_files in messages of the queue */
	u32 inflight;			/* [U] how often its file is in a message */
	struct list_head inflight_node;	/* [U] */
	u32 internal;			/* [U] while cycles are looked for: messages of sockets in flight that hold it */
	bool reached;			/* [U] the same: somebody can still receive from it */
	struct rcu_head rcu;
};

extern struct spinlock unix_lock;
extern struct list_head unix_all;	/* [unix_lock] */
extern const struct socket_ops unix_ops;

static inline struct unix_sock *unix_of(struct socket *s) { return container_of(s, struct unix_sock, sock); }
static inline u32 unix_state(const struct unix_sock *u) { return __atomic_load_n(&u->state, __ATOMIC_ACQUIRE); }
static inline bool unix_dead(const struct unix_sock *u) { return __atomic_load_n(&u->dead, __ATOMIC_ACQUIRE); }
static inline u32 unix_shut(const struct unix_sock *u) { return __atomic_load_n(&u->sock.shutdown, __ATOMIC_ACQUIRE); }
static inline bool unix_connection_based(const struct unix_sock *u) { return u->sock.type != SOCK_DGRAM; }
static inline bool unix_passcred(const struct unix_sock *u) { return atomic_load(&u->sock.flags) & SOCKF_PASSCRED; }

/* ---- unix.c ---- */
struct unix_sock *unix_new(u32 type);		/* NULL: no memory */
static inline struct unix_sock *unix_get(struct unix_sock *u)
{
	atomic_inc(&u->refs);
	return u;
}
void unix_put(struct unix_sock *u);		/* NULL is allowed */
/** unix_peer_get - the peer with a reference, or NULL. */
struct unix_sock *unix_peer_get(struct unix_sock *u);
/** unix_close - nobody will use @u any more; consumes the reference. @embryo: it was never accepted */
void unix_close(struct unix_sock *u, bool embryo);
/** unix_peer_creds_set_locked - what SO_PEERCRED of @u tells. unix_lock held; consumes a reference on @c, returns the old one to be put. */
const struct cred *unix_peer_creds_set_locked(struct unix_sock *u, const struct ucred_kernel *id, const struct cred *c);
bool unix_writable(const struct unix_sock *u);
void unix_wake_state(struct unix_sock *u);	/* after a change of state: everybody looks again */

/* ---- unix_name.c ---- */
void unix_names_init(void);
/** unix_addr_check - 0, or -EINVAL: no name, too long, another family. */
MUST_CHECK int unix_addr_check(const struct sock_addr *a);
int unix_bind(struct socket *s, const struct sock_addr *a);
/** unix_autobind - a free abstract name, if it has none. */
MUST_CHECK int unix_autobind(struct unix_sock *u);
/** unix_find - who is bound there, with a reference. ERR_PTR(-ECONNREFUSED, -EPROTOTYPE, -ENOENT, -EACCES…) */
struct unix_sock *unix_find(const struct sock_addr *a, u32 type);
void unix_name_drop_locked(struct unix_sock *u);	/* unix_lock held; u->path stays for the caller to put */
void unix_addr_put(struct unix_addr *a);
void unix_addr_tell(const struct unix_sock *u, struct sock_addr *out);	/* the name of @u; len 0 if it has none */

/* ---- unix_connect.c ---- */
int unix_pair(struct socket *a, struct socket *b);
int unix_listen(struct socket *s, u32 backlog);
int unix_connect(struct socket *s, const struct sock_addr *a, u64 deadline_ns);
int unix_accept(struct socket *s, struct socket **out, u64 deadline_ns);
int unix_shutdown(struct socket *s, u32 how);

/* ---- unix_queue.c ---- */
/** unix_msg_new - a message with room for @bytes, in pages or inline; charged to @from. Return: it, or NULL */
struct unix_msg *unix_msg_new(struct unix_sock *from, u32 bytes, bool in_pages);
void unix_msg_free(struct unix_msg *m);		/* no spin lock held; lets its files go */
/** unix_msg_fill - append up to @n bytes of @it. Return: bytes; fewer than asked after a fault. */
u32 unix_msg_fill(struct unix_msg *m, struct iter *it, u32 n);
/** unix_msg_drain - copy @n bytes from @offset behind start to @it; takes nothing away. Return: bytes. */
u32 unix_msg_drain(const struct unix_msg *m, u32 offset, struct iter *it, u32 n);
/** unix_queue_add_locked - append; u->lock held, @u not dead. Return: 0, -ETOOMANYREFS (@m untouched) */
MUST_CHECK int unix_queue_add_locked(struct unix_sock *u, struct unix_msg *m);
/** unix_queue_take_locked - @m, of u's queue, leaves it. u->lock held. */
void unix_queue_take_locked(struct unix_sock *u, struct unix_msg *m);
void unix_queue_purge(struct unix_sock *u);
static inline u32 unix_msg_left(const struct unix_msg *m) { return m->end - m->start; }
/** unix_stamp - credentials of a message from @u to @to: those that it names, the current ones if either end wants them, or nobody's. */
void unix_stamp(struct ucred_kernel *creds, const struct unix_sock *u, const struct unix_sock *to);
void unix_charge_drop(struct unix_sock *from, u32 charge);

/* ---- unix_stream.c, unix_dgram.c ---- */
s64 unix_stream_send(struct unix_sock *u, struct sock_msg *m);
s64 unix_stream_recv(struct unix_sock *u, struct sock_msg *m);
s64 unix_dgram_send(struct unix_sock *u, struct sock_msg *m);
s64 unix_dgram_recv(struct unix_sock *u, struct sock_msg *m);
int unix_dgram_connect(struct unix_sock *u, const struct sock_addr *a);
/** unix_dgram_peer_full - whether a connected datagram socket would wait for its peer. */
bool unix_dgram_peer_full(struct unix_sock *u);
/** unix_peer_set_locked - unix_lock held; consumes a reference on @peer. Return: the old peer, to be put */
struct unix_sock *unix_peer_set_locked(struct unix_sock *u, struct unix_sock *peer);

/* ---- unix_inflight.c ---- */
/** unix_files_attach_locked - @m, with files, is now in @holder's queue. unix_lock held. Return: 0, -ETOOMANYREFS */
MUST_CHECK int unix_files_attach_locked(struct unix_sock *holder, struct unix_msg *m);
/** unix_files_take - take the files out of a queued message; unix_files_peek: a copy of them; NULL: it has none. */
struct scm_files *unix_files_take(struct unix_msg *m);
struct scm_files *unix_files_peek(struct unix_msg *m);
/** unix_collect_soon - let go of sockets in flight that only reach each other; from a kernel thread, if any is in flight. */
void unix_collect_soon(void);
/** unix_flush - a descriptor of @s is being closed. */
void unix_flush(struct socket *s, struct file *f);
void unix_inflight_init(void);

#endif
