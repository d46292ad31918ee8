/*
 * Netlink as the kernel's ends see it: who answers a protocol's requests, and how answers, dumps and notifications leave.
 *
 * A kernel end is a struct netlink_kernel, registered once.  Its receive() gets one message at a time, in the sender's own thread, and
 * answers with netlink_reply() or netlink_dump().  The sockets are sock/netlink.c's, which registers itself as the transport;
 * without one (unit tests) everything that is sent is dropped.
 *
 * A dump is a function that is called again whenever the reader has room: it appends whole messages to the buffer and keeps its position in
 * dump->at[].  If what it walks changed in between (netlink_dump_check), all further messages carry NLM_F_DUMP_INTR.
 *
 * Contexts: receive and steps: thread, may sleep, no lock held.  netlink_multicast: thread or net context; spin locks of ranks below
 * RANK_SOCK_SPIN may be held, none above.
 * Source: netlink(7), RFC 3549; Linux Documentation/userspace-api/netlink/intro.rst.
 */
#ifndef NET_NETLINK_H
#define NET_NETLINK_H

#include "net/nlmsg.h"

struct netlink_peer;			/* a socket; sock/netlink.c's */

enum { NETLINK_PROTOCOLS = 32, NETLINK_GROUPS_MAX = 64, NETLINK_ROOM = 4096, NETLINK_DUMP_WORDS = 8 };
enum { NETLINK_ANYBODY_SENDS = 1, NETLINK_ANYBODY_LISTENS = 2 };	/* netlink_kernel.flags: otherwise CAP_NET_ADMIN */
enum { NETLINK_STARTED = 1 };						/* receive: a dump answers, so no acknowledgement does */

struct netlink_request {
	struct nl_message msg;
	u32 portid;			/* the sender's */
	bool admin;			/* the sender and whoever opened the socket have CAP_NET_ADMIN */
	bool strict;			/* NETLINK_GET_STRICT_CHK */
	struct nl_extack ext;		/* out */
	struct netlink_peer *peer;
};

struct netlink_kernel {
	u32 protocol;
	u32 groups;			/* highest group, at most NETLINK_GROUPS_MAX */
	u32 flags;
	/* receive: 0 (acknowledged if the sender wants it), NETLINK_STARTED, or -errno. NULL: nobody is at home: ECONNREFUSED */
	int (*receive)(struct netlink_request *r);
};
void netlink_register(const struct netlink_kernel *k);
const struct netlink_kernel *netlink_kernel_find(u32 protocol);	/* NULL: none */

/* ---- buffers: what nl_begin() and its kin write to ---- */

/* Locks: a atomic · I immutable once sent */
struct netlink_data {
	u32 refs;			/* [a] */
	u32 len;			/* [I] */
	u32 room;			/* [I] */
	u8 bytes[] __attribute__((aligned(8)));
};
struct netlink_data *netlink_data_new(u32 room, u32 flags);	/* NULL: no memory */
void netlink_data_put(struct netlink_data *d);
/** netlink_buf_new - an empty buffer. Return: 0, -ENOBUFS */
MUST_CHECK int netlink_buf_new(struct nl_buf *b, u32 room, u32 flags);
void netlink_buf_free(struct nl_buf *b);
/** netlink_data_of - what netlink_buf_new() made. */
struct netlink_data *netlink_data_of(const struct nl_buf *b);

/* ---- leaving ---- */

/** netlink_reply - to the sender of @r. Consumes the buffer. Return: 0, -ENOBUFS, -EAGAIN (its queue is full: it hears ENOBUFS) */
int netlink_reply(struct netlink_request *r, struct nl_buf *b);
/** netlink_wanted - whether anybody listens to @group. */
bool netlink_wanted(u32 protocol, u32 group);
/** netlink_multicast - to all members of @group. Consumes the buffer. @r: whose doing it is; it gets a copy if it set NLM_F_ECHO. NULL: nobody's */
void netlink_multicast(u32 protocol, u32 group, struct nl_buf *b, struct netlink_request *r);

struct netlink_dump {
	struct nlmsghdr head;		/* the request's */
	u32 portid;
	/* step: append what fits. Return: 1: more to come (at least one message was appended), 0: the end, -errno: told in NLMSG_DONE */
	int (*step)(struct netlink_dump *d, struct nl_buf *b);
	int (*locked_step)(struct netlink_dump *d, struct nl_buf *b);	/* a family's, for a step that takes a lock around another */
	void (*done)(struct netlink_dump *d);	/* optional */
	void *private;			/* step's and done's */
	u64 at[NETLINK_DUMP_WORDS];	/* step's; start with what the caller of netlink_dump put there */
	u16 flags;			/* of all messages of this dump: NLM_F_DUMP_FILTERED */
	u32 generation;			/* of what is walked; 0: not yet asked */
	bool interrupted;
	bool over;			/* the transport's: step has said its last word, result */
	int result;
	struct nl_extack ext;
};
/**
 * netlink_dump - begin a dump as the answer to @r; @d is copied, head and portid are filled in
 * Return: NETLINK_STARTED, -EBUSY (one is under way on this socket), -ENOBUFS; d->done is not called then
 */
int netlink_dump(struct netlink_request *r, const struct netlink_dump *d);
/** netlink_dump_check - by step, at its start, with a number that changes whenever what it walks does. Never 0. */
static inline void netlink_dump_check(struct netlink_dump *d, u32 generation)
{
	d->interrupted |= d->generation && d->generation != generation;
	d->generation = generation;
}
/** netlink_dump_begin - nl_begin with the numbers and flags of this dump. */
u32 netlink_dump_begin(struct netlink_dump *d, struct nl_buf *b, u16 type, u16 flags, const void *head, u32 len);

/* ---- for the transport ---- */

struct netlink_transport {
	int (*reply)(struct netlink_peer *to, struct nl_buf *b);
	bool (*wanted)(u32 protocol, u32 group);
	void (*multicast)(u32 protocol, u32 group, struct nl_buf *b, struct netlink_peer *except);	/* does not consume */
	int (*dump)(struct netlink_request *r, const struct netlink_dump *d);
};
void netlink_register_transport(const struct netlink_transport *t);

#endif
