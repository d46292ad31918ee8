/*
 * AF_NETLINK: what its files share.
 *
 *   netlink.c         life, names, membership, options, the family, /proc/net/netlink
 *   netlink_queue.c   datagrams: queues, unicast, multicast, sendmsg and recvmsg
 *   netlink_kernel.c  the kernel's ends: requests, acknowledgements, dumps (net/netlink.h's transport)
 *
 * A port is one (protocol, portid) pair; 0 is the kernel's end.  A socket without a port takes one when it first sends; until then no group's
 * datagrams come to it.
 *
 * A queue takes a datagram while less than rcvbuf bytes are in it.  One that is full is congested until its reader has emptied it: senders
 * wait or get EAGAIN; what the kernel sends is lost, and the reader told so by ENOBUFS unless it set NETLINK_NO_ENOBUFS.
 *
 * References: the file holds one; whoever finds a socket in the table takes one.
 *
 * Locks:
 *   n->dump_lock     RANK_SOCK: the dump; held while its step runs
 *   netlink_lock     RANK_SOCK_SPIN, one for all: who is there, ports, groups
 *   n->queue_lock    RANK_NET_QUEUE, inside either
 * Source: netlink(7).
 */
#ifndef SOCK_NETLINK_H
#define SOCK_NETLINK_H

#include "base/string.h"
#include "kern/mutex.h"
#include "kern/rcu.h"
#include "net/netlink.h"
#include "sock/sock.h"

struct cred;

enum { SOL_NETLINK = 270 };

/* flags of struct netlink_peer */
enum { NLF_PKTINFO = 1, NLF_BROADCAST_ERROR = 2, NLF_NO_ENOBUFS = 4, NLF_LISTEN_ALL = 8, NLF_CAP_ACK = 16, NLF_EXT_ACK = 32, NLF_STRICT = 64 };

/* A datagram in one queue. */
struct netlink_item {
	struct list_head node;		/* [q] */
	struct netlink_data *data;	/* [I] one reference */
	u32 portid, group;		/* [I] the sender's; the group that it was sent to, 0: none */
	struct ucred_kernel creds;	/* [I] */
	u32 charge;			/* [I] */
	u32 len;			/* [I] bytes of data that the socket's filter left */
};

/* Locks: T netlink_lock · q queue_lock · d dump_lock · a atomic · I immutable */
struct netlink_peer {
	struct socket sock;			/* first */
	u32 refs;				/* [a] */
	const struct netlink_kernel *kernel;	/* [I] the other end of the protocol */
	const struct cred *opener;		/* [I] referenced */
	struct list_head node;			/* [T] among its protocol's */
	u32 portid;				/* [T, read anywhere once bound] */
	bool bound;				/* [T, read anywhere] */
	u32 dst_portid, dst_group;		/* [T] connect's */
	bool connected;				/* [T] */
	u64 groups;				/* [T] bit n - 1: member of group n */
	bool asked_groups;			/* [T] it has been a member, or tried */
	u32 flags;				/* [a] NLF_* */
	u32 drops;				/* [a] */
	u32 recv_max;				/* [a] the largest buffer that its reader came with */

	struct spinlock queue_lock;
	struct list_head queue;			/* [q] struct netlink_item */
	u32 rmem;				/* [q, read anywhere] */
	bool congested;				/* [q] */
	bool dead;				/* [q] released: takes no more */

	struct mutex dump_lock;
	struct netlink_dump *dump;		/* [d, presence read anywhere] NULL: none */
	struct rcu_head rcu;
};

extern struct spinlock netlink_lock;
extern struct list_head netlink_socks[NETLINK_PROTOCOLS];	/* [netlink_lock] */

static inline struct netlink_peer *netlink_of(struct socket *s) { return container_of(s, struct netlink_peer, sock); }

/* ---- netlink.c ---- */
void netlink_put(struct netlink_peer *n);
/** netlink_find - the socket with that port, with a reference; NULL: none. */
struct netlink_peer *netlink_find(u32 protocol, u32 portid);
/** netlink_autobind - take a port if it has none. 0, -errno */
MUST_CHECK int netlink_autobind(struct netlink_peer *n);
bool netlink_may(const struct netlink_peer *n, u32 flag);

/* ---- netlink_queue.c ---- */
s64 netlink_sendmsg(struct socket *s, struct sock_msg *m);
s64 netlink_recvmsg(struct socket *s, struct sock_msg *m);
/**
 * netlink_enqueue - put @d into n's queue
 * @from: portid, group and credentials of the sender
 * Context: thread or net; netlink_lock may be held.
 * Return:  0, -EAGAIN (full), -ENOBUFS (no memory), -ECONNREFUSED (released)
 */
MUST_CHECK int netlink_enqueue(struct netlink_peer *n, struct netlink_data *d, const struct netlink_item *from);
/** netlink_overrun - something for @n was lost. */
void netlink_overrun(struct netlink_peer *n);
void netlink_purge(struct netlink_peer *n);

/* ---- netlink_kernel.c ---- */
/** netlink_to_kernel - all messages of @d, one after another. Return: bytes taken, -ECONNREFUSED */
s64 netlink_to_kernel(struct netlink_peer *n, struct netlink_data *d);
/** netlink_dump_more - go on with the dump, if there is one and the queue has room. */
void netlink_dump_more(struct netlink_peer *n);
/** netlink_dump_end - the socket goes. */
void netlink_dump_end(struct netlink_peer *n);
void netlink_kernel_init(void);

#endif
