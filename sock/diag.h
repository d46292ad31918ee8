/*
 * NETLINK_SOCK_DIAG: what ss asks.  Families of sockets register how theirs are told.
 *
 *   diag.c          dispatch, struct inet_diag for all protocols that register a source
 *   diag_filter.c   the filters of ss (INET_DIAG_REQ_BYTECODE), pure
 *   diag_unix.c     AF_UNIX
 *   diag_show.c     the same rows as text, in /proc/net
 *
 * A protocol of AF_INET registers a struct inet_diag_source, whose each() makes a row of every socket; filters and messages are diag.c's.
 *
 * Departures: no SOCK_DESTROY (EOPNOTSUPP); cookies are inode numbers.
 *
 * Source: sock_diag(7); <linux/inet_diag.h>, <linux/unix_diag.h>.
 */
#ifndef SOCK_DIAG_H
#define SOCK_DIAG_H

#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include "base/list.h"
#include "net/address.h"
#include "net/netlink.h"

struct seq;

/* ---- AF_INET ---- */

enum { INET_DIAG_TAIL_DROPS, INET_DIAG_TAIL_NONE, INET_DIAG_TAIL_TCP };

/* One socket, as it is told. */
struct inet_diag_row {
	u8 family, state, timer, retrans;	/* state: as TCP's: 1 established, 7 closed… */
	u8 shutdown;				/* SHUTDOWN_* */
	struct ip_addr local, remote;
	u16 lport, rport;			/* host order */
	u32 ifindex, uid, mark;
	u32 expires_ms, rqueue, wqueue;
	u64 ino;
	u32 mem[SK_MEMINFO_VARS];
	/* for /proc/net alone */
	u32 slot, refs, drops, retransmits, probes;
	u8 tail;				/* INET_DIAG_TAIL_*: what ends the line */
	struct {
		u32 rto_ticks, ato_ticks, quick, cwnd;
		s32 ssthresh;
	} tcp;
	/* extra: attributes that only this protocol has; @ext: idiag_ext of the request. Optional; does not sleep */
	void (*extra)(const struct inet_diag_row *row, u8 ext, struct nl_buf *b);
	const void *socket;			/* extra's */
};
struct inet_diag_source {
	u8 protocol;				/* IPPROTO_* */
	/* each: @fn for every socket until it returns false. Under RCU or locks of its own: @fn does not sleep */
	void (*each)(bool (*fn)(const struct inet_diag_row *row, void *arg), void *arg);
	struct list_head node;
};
void inet_diag_register(struct inet_diag_source *s);
/**
 * inet_diag_show - the lines of /proc/net/udp, tcp and their like, of sockets of one family
 * @digits: of the first column
 * @width:  to which lines are padded, 0: not at all
 */
void inet_diag_show(struct seq *s, void (*each)(bool (*fn)(const struct inet_diag_row *row, void *arg), void *arg), u8 family, u32 digits, u32 width);

const struct inet_diag_source *inet_diag_find(u8 protocol);	/* NULL: none */
void diag_show_init(void);

/* ---- diag_filter.c ---- */

/** inet_diag_filter_check - whether a program may be run: every jump goes forward to an operation, or to the end. 0, -EINVAL */
MUST_CHECK int inet_diag_filter_check(const void *program, u32 len);
/** inet_diag_filter_run - of a checked program: whether @row is wanted. */
bool inet_diag_filter_run(const void *program, u32 len, const struct inet_diag_row *row);

/* ---- diag.c, diag_unix.c ---- */
int unix_diag_get(struct netlink_request *r);
int unix_diag_dump(struct netlink_request *r);
void diag_init(void);

#endif
