/*
 * TCP under sockets: what lies between the state machine (net/tcp), packets (net) and the calls of users.
 *
 *   tcp_table.c          who is found by addresses and ports: connections, requests, TIME_WAIT
 *   tcp_input.c          segments and ICMP errors that come in
 *   tcp_output.c         segments that go out, and the bytes that they carry
 *   tcp_listen.c         listeners: requests, cookies, children, the queue of accept
 *   tcp_wait.c           TIME_WAIT
 *   tcp_fastopen.c       cookies of Fast Open
 *   tcp_sock.c           a connection's life: events, timers, the end
 *   tcp_config.c         /proc/sys/net/ipv4/tcp_*
 *   tcp_show.c           /proc/net/tcp and tcp6, TCP's counters in /proc/net/snmp
 *   tcp_diag.c           what ss and these are told
 *   inet_stream.c        calls of users; inet_stream_io.c those that move bytes; inet_stream_option.c options
 *
 * One table holds connections, requests (a SYN that was answered) and TIME_WAITs, each with a struct tcp_entry; listeners are found in the port
 * table.  Lookups of both take no lock.
 *
 * A SYN makes a request beside its listener, and the ACK that completes it replaces the request by a child in the table, under the lock of the
 * table's bucket: who comes second finds the child.  The child is pushed on the listener's queue by compare and exchange.  So nothing that comes in takes a
 * listener's lock.  A listener that closes shuts its queue for good (ACCEPT_SHUT in place of the first); requests find out when they next look.
 *
 * Users copy bytes with no spin lock held: i->lock guards the machine and is held for as long as one call of it takes.  What a user copies stays
 * where it is meanwhile: only a reader takes packets off the receive queue (recv_lock), and the chunk that a writer fills is not freed (ts->filling).
 * Departure from Linux, therefore: no backlog of segments for a socket that its user holds.
 *
 * References: the file's, the table's, one for each packet under way that is charged to the socket, one for each request of a listener.  The last one
 * frees after a grace period; ports are given back before, when a connection has ended.
 *
 * Locks: i->lock (RANK_NET_SOCK) of connections; requests and TIME_WAITs have one of their own of the same rank; below it the table's buckets
 * (RANK_NET_TABLE) and the port table's.  send_lock, recv_lock, accept_lock: sleeping, RANK_SOCK, never two at once.
 * Contexts: rx and timers: net.  Calls of the machine, whose segments go out at once: between net_enter() and net_leave().
 */
#ifndef SOCK_TCP_H
#define SOCK_TCP_H

#include "base/hash.h"
#include "kern/mutex.h"
#include "net/context.h"
#include "net/packet.h"
#include "net/tcp/request.h"
#include "net/tcp/timewait.h"
#include "sock/inet.h"

enum { TCP_ENTRY_CONN, TCP_ENTRY_REQUEST, TCP_ENTRY_TIMEWAIT };

/* What stands in the table. Locks: b the bucket's · I immutable · a atomic */
struct tcp_entry {
	struct hlist_node node;		/* [b, read under RCU] */
	struct net_endpoint *ep;	/* [I] its four parts do not change while it is in the table */
	u32 hash;			/* [I while in the table] */
	u32 refs;			/* [a] */
	u8 kind;			/* [I] */
	bool hashed;			/* [b] */
	struct rcu_head rcu;
};

/* A piece of what is to be sent: [seq, seq + len). */
struct tcp_chunk {
	struct list_head node;
	struct page *page;		/* a run */
	u32 seq, len, room;
};

enum tcp_phase { TCP_UNCONNECTED, TCP_CONNECTING, TCP_CONNECTED, TCP_DISCONNECTING };

/* Locks: i inet.lock · s send_lock · r recv_lock · A accept_lock · a atomic */
struct tcp_sock {
	struct inet_sock inet;		/* first; inet.refs is not used: entry.refs */
	struct tcp_entry entry;
	struct tcp_conn conn;		/* [i] its buffers' limits are mirrored in inet.sock for getsockopt */
	u8 phase;			/* [i] enum tcp_phase: what connect() and shutdown() go by */
	bool clamp_chosen;		/* [i] TCP_WINDOW_CLAMP */
	bool established;		/* [i] counted in TCP_MIB_CURRESTAB */
	bool counted_orphan;		/* [i] */
	u32 charged;			/* [i] bytes of both queues that are in the machine-wide count */
	bool nospace;			/* [a] somebody waits for room to write */
	u16 name_port;			/* [i] the port for getsockname() once it has been given back */

	struct mutex send_lock, recv_lock;
	struct list_head chunks;	/* [i] by sequence */
	struct tcp_chunk *filling;	/* [i] a writer copies into it */
	struct tcp_chunk *cursor;	/* [i] of the last segment; NULL: none */

	u64 armed_ns;			/* [i] */
	struct net_timer timer;
	struct net_work resume;		/* tcp_resume */

	/* as a listener */
	struct mutex accept_lock;
	struct llist_node *accept_first;	/* [a] the newest first; ACCEPT_SHUT */
	struct llist_node *accept_ready;	/* [A] taken from there, the oldest first */
	u32 accept_count;		/* [a] in both */
	u32 accept_max;			/* [a] */
	u32 request_count;		/* [a] */
	u32 defer_accept_s;		/* [a] TCP_DEFER_ACCEPT */
	u64 overflow_ns;		/* [a] when cookies were last sent */
	struct llist_node accept_node;	/* as a child: in the listener's queue */

	/* Fast Open */
	u32 fastopen_max;		/* [a] a listener's: how many children before their ACK; 0: none */
	u32 fastopen_pending;		/* [a] how many there are */
	struct tcp_sock *early_of;	/* [i] such a child's listener, with a reference, until its ACK */
	bool fastopen_connect;		/* [i] TCP_FASTOPEN_CONNECT */
	bool deferred;			/* [i] connect() left the SYN to the first write; the machine is in CLOSE */
	bool fastopen_key_chosen;	/* [i] */
	struct siphash_key fastopen_key;	/* [i] */
};

/* A request in the table. */
struct tcp_request_sock {
	struct tcp_entry entry;
	struct net_endpoint ep;
	struct spinlock lock;		/* RANK_NET_SOCK: rq */
	struct tcp_request rq;
	struct tcp_sock *listener;	/* [I] a reference */
	struct net_timer timer;
};

/* A TIME_WAIT in the table. */
struct tcp_timewait_sock {
	struct tcp_entry entry;
	struct net_endpoint ep;		/* holds the port */
	struct spinlock lock;		/* RANK_NET_SOCK: tw */
	struct tcp_timewait tw;
	struct net_timer timer;
};

static inline struct tcp_sock *tcp_of(struct socket *s) { return container_of(inet_of(s), struct tcp_sock, inet); }
static inline struct tcp_sock *tcp_sock_of(struct tcp_conn *c) { return container_of(c, struct tcp_sock, conn); }
static inline struct tcp_sock *tcp_of_entry(struct tcp_entry *e) { return container_of(e, struct tcp_sock, entry); }

extern struct port_table tcp_ports;
extern struct tcp_config tcp_config;	/* [a] words */
extern const struct tcp_ca *tcp_ca_default;	/* [a] */
extern u32 tcp_mem[3];			/* [a] pages: low, pressure, high */

/* ---- tcp_table.c ---- */

void tcp_table_init(void);
/** tcp_table_find - who has these four parts. Under RCU. Return: it with a reference, or NULL */
struct tcp_entry *tcp_table_find(const struct ip_addr *local, u16 lport, const struct ip_addr *remote, u16 rport, u32 ifindex);
/** tcp_table_insert - add it, with a reference of the table's. Return: 0, -EADDRNOTAVAIL: another has the same four parts */
MUST_CHECK int tcp_table_insert(struct tcp_entry *e);
/** tcp_table_replace - @new takes the place of @old, which has the same parts. Return: false: @old is not in the table any more */
MUST_CHECK bool tcp_table_replace(struct tcp_entry *old, struct tcp_entry *new);
/** tcp_table_remove - Return: whether it was there */
bool tcp_table_remove(struct tcp_entry *e);
/**
 * tcp_table_walk - call @fn for each entry of the table, under RCU
 * What is added or removed meanwhile may be seen or not.  @fn neither sleeps nor takes locks of ranks up to RANK_NET_TABLE, and gets a reference
 * (tcp_entry_hold) of what it wants to keep.
 * Return: false: @fn did, and the walk ended there
 */
bool tcp_table_walk(bool (*fn)(struct tcp_entry *e, void *arg), void *arg);
/** tcp_entry_hold - Return: false: it is on its way out */
static inline MUST_CHECK bool tcp_entry_hold(struct tcp_entry *e) { return atomic_inc_not_zero(&e->refs); }
/** tcp_entry_put - Context: any, any lock held: the end is put off. */
void tcp_entry_put(struct tcp_entry *e);
static inline void tcp_sock_put(struct tcp_sock *ts) { tcp_entry_put(&ts->entry); }

/* ---- tcp_sock.c ---- */

/** tcp_sock_new - state CLOSE, one reference, which is the file's. NULL: no memory */
struct tcp_sock *tcp_sock_new(bool v6, u32 flags);
/** tcp_sock_reset - make the machine new, as far as options do not say otherwise. Queues are empty. i->lock */
void tcp_sock_reset(struct tcp_sock *ts);
/** tcp_sock_inherit - what a child has of its listener. */
void tcp_sock_inherit(struct tcp_sock *child, struct tcp_sock *listener);
/** tcp_sock_events - do what the machine's events say, arm the timer. i->lock, net */
void tcp_sock_events(struct tcp_sock *ts, u64 now_ns);
/** tcp_sock_lock - before calls of the machine. tcp_sock_unlock: tcp_sock_events, and lets go. */
static inline void tcp_sock_lock(struct tcp_sock *ts) { spin_lock(&ts->inet.lock); }
static inline void tcp_sock_unlock(struct tcp_sock *ts, u64 now_ns)
{
	tcp_sock_events(ts, now_ns);
	spin_unlock(&ts->inet.lock);
}
/** tcp_sock_free_rcu - after the last reference; tcp_entry_put's. */
void tcp_sock_free_rcu(struct rcu_head *h);
/** tcp_sock_path - the route changed, or is new: sizes follow. i->lock, or the only one who knows it; net */
void tcp_sock_path(struct tcp_sock *ts, const struct ip_dst *dst);
/** tcp_sock_sent - a packet of ts was let go: its `destroy`. */
void tcp_sock_sent(struct packet *p);
/** tcp_sock_route - a valid route to the peer in ts->inet.dst. i->lock, net. 0 or -errno */
MUST_CHECK int tcp_sock_route(struct tcp_sock *ts);
/** tcp_sock_name - from CLOSE: route, port, table. i->lock, net. 0 or -errno, then nothing has changed */
MUST_CHECK int tcp_sock_name(struct tcp_sock *ts, const struct ip_addr *to, u16 port);
/** tcp_sock_open - the SYN, after tcp_sock_name. @chunk: data that go with it or right after it, taken over; NULL: none */
void tcp_sock_open(struct tcp_sock *ts, struct tcp_chunk *chunk);
/** tcp_sock_disconnect - connect(AF_UNSPEC), shutdown of what is not connected: state CLOSE, name given back if it was not bound. Thread, no lock */
void tcp_sock_disconnect(struct tcp_sock *ts);
/** tcp_sock_orphan - its user is gone, or never came: FIN, or RST if @abort; drops the file's reference. No lock */
void tcp_sock_orphan(struct tcp_sock *ts, bool abort);
/** tcp_memory_over - whether TCP holds more than tcp_mem[2] allows: what is not yet held is refused. */
bool tcp_memory_over(void);
/* For /proc/net/sockstat: sockets (of any state, orphans too), orphans, TIME_WAITs, pages in queues. */
struct tcp_figures { u32 sockets, orphans, timewaits, pages; };
void tcp_figures(struct tcp_figures *out);
void tcp_sock_init(void);

/* ---- tcp_output.c ---- */

extern const struct tcp_hooks tcp_sock_hooks;
/** tcp_send_loose - a segment of no connection: a SYN|ACK, RST, ACK in TIME_WAIT. net. @tos: of the header */
void tcp_send_loose(const struct net_endpoint *ep, const struct tcp_out *o, u8 tos);
/** tcp_chunks_drop - free what was acknowledged. i->lock */
void tcp_chunks_drop(struct tcp_sock *ts);
void tcp_chunks_purge(struct tcp_sock *ts);
/** tcp_chunk_new - room for @n bytes or less. NULL: no memory. tcp_chunk_free */
struct tcp_chunk *tcp_chunk_new(u32 n, u32 flags);
void tcp_chunk_free(struct tcp_chunk *c);
void tcp_output_init(void);

/* ---- tcp_input.c ---- */

/* In the control block of a received packet. */
struct packet;
static inline struct packet *tcp_rx_packet(struct tcp_rx *rx) { return container_of((void *)rx, struct packet, cb); }
void tcp_input_init(void);

/* ---- tcp_listen.c ---- */

/** tcp_listen_start, tcp_listen_end - i->lock held by the former, no lock by the latter; net. 0, -EADDRINUSE */
MUST_CHECK int tcp_listen_start(struct tcp_sock *ts, u32 backlog);
void tcp_listen_end(struct tcp_sock *ts);
/** tcp_accept_take - the oldest child, with the file's reference; NULL: none. Thread. tcp_accept_ready - whether there is one */
struct tcp_sock *tcp_accept_take(struct tcp_sock *ts);
bool tcp_accept_ready(const struct tcp_sock *ts);
/** tcp_listen_input - a segment of no connection, for the listener. @isn: of TIME_WAIT's verdict, 0: none. Return: false: answer by RST */
bool tcp_listen_input(struct tcp_sock *ts, struct packet *p, struct tcp_segment *s, const struct ip_rx *ip, const struct net_endpoint *name, u32 isn);
/** tcp_request_segment - a segment for a request. @again: look the name up once more. Return: false: answer by RST */
bool tcp_request_segment(struct tcp_request_sock *r, struct packet *p, struct tcp_segment *s, bool *again);
void tcp_request_free_rcu(struct rcu_head *h);
void tcp_listen_init(void);

/* ---- tcp_wait.c ---- */

/** tcp_wait_enter - @ts ends in TIME_WAIT: it is replaced in the table. i->lock */
void tcp_wait_enter(struct tcp_sock *ts, u64 now_ns);
/** tcp_wait_segment - Return: TW_RESET: answer by RST; TW_NEW: it is gone, the SYN may go to a listener, @isn is set; else: done with */
enum tcp_timewait_verdict tcp_wait_segment(struct tcp_timewait_sock *w, struct tcp_segment *s, u32 *isn);
/** tcp_wait_yields - whether a connect() may take its place. */
bool tcp_wait_yields(struct tcp_timewait_sock *w);
/** tcp_wait_gone - it was taken out of the table: its port is given back. */
void tcp_wait_gone(struct tcp_timewait_sock *w);
void tcp_wait_free_rcu(struct rcu_head *h);
u32 tcp_wait_count(void);
void tcp_wait_init(void);

/* ---- tcp_fastopen.c ---- */

enum { TCP_FASTOPEN_CLIENT = 1, TCP_FASTOPEN_SERVER = 2 };	/* bits of net.ipv4.tcp_fastopen */
struct tcp_fastopen_cookie {
	u8 len;				/* 0: none */
	bool experimental;		/* by the option's old number */
	u8 bytes[TCP_COOKIE_MAX];
};
/** tcp_fastopen_make, tcp_fastopen_good - the cookie for this client; whether it is the one that came. Any lock */
void tcp_fastopen_make(const struct tcp_sock *l, const struct net_endpoint *name, struct tcp_fastopen_cookie *out);
bool tcp_fastopen_good(const struct tcp_sock *l, const struct net_endpoint *name, const struct tcp_options *o);
void tcp_fastopen_key_show(const struct tcp_sock *ts, void *out);	/* 16 bytes */
/** tcp_fastopen_find, tcp_fastopen_keep - what @server gave. Any lock below RANK_NET_LEAF */
bool tcp_fastopen_find(const struct ip_addr *server, struct tcp_fastopen_cookie *out);
void tcp_fastopen_keep(const struct ip_addr *server, const struct tcp_conn *c);
void tcp_fastopen_init(void);

/* ---- numbers that a stranger cannot guess (RFC 6528; RFC 7323, 5.4) ---- */

u32 tcp_isn(const struct net_endpoint *ep, u64 now_ns);
u32 tcp_ts_offset(const struct net_endpoint *ep);
/* The four parts as bytes to be hashed: without a gap. */
struct tcp_flow_name {
	struct ip_addr local, remote;
	u16 lport, rport;
	u32 zero;
};
static_assert(sizeof(struct tcp_flow_name) == 40, "bytes that nobody sets must not be hashed");
static inline struct tcp_flow_name tcp_flow_name(const struct net_endpoint *ep)
{
	return (struct tcp_flow_name){ .local = ep->local, .remote = ep->remote, .lport = ep->lport, .rport = ep->rport };
}

/* ---- tcp_config.c, tcp_show.c, inet_stream*.c ---- */

extern const struct socket_ops tcp_socket_ops;
void tcp_config_init(void);
void tcp_show_init(void);
void tcp_diag_init(void);	/* tcp_diag.c */
/** tcp_diag_each - a row (sock/diag.h) for each listener, connection, request, TIME_WAIT until @fn says false. Under RCU; @fn does not sleep */
struct inet_diag_row;
void tcp_diag_each(bool (*fn)(const struct inet_diag_row *row, void *arg), void *arg);
s64 tcp_sendmsg(struct socket *s, struct sock_msg *m);
s64 tcp_recvmsg(struct socket *s, struct sock_msg *m);
/** tcp_connect_result - how it ended, once it is neither SYN_SENT nor SYN_RECV; what failed can begin anew. Thread, no lock. 0, -errno */
MUST_CHECK int tcp_connect_result(struct tcp_sock *ts);
int tcp_setsockopt(struct socket *s, int level, int name, const void *value, u32 len);
int tcp_getsockopt(struct socket *s, int level, int name, void *value, u32 *len);
void tcp_option_changed(struct socket *s, int name, u32 value);
struct tcp_info;
/** tcp_sock_info - what TCP_INFO and ss say. No lock */
void tcp_sock_info(struct tcp_sock *ts, struct tcp_info *out);
/** tcp_inq - bytes to be read before urgent data. i->lock */
u32 tcp_inq(const struct tcp_sock *ts);
/** tcp_outq - what is queued to be sent from @seq on, an end that counts as a byte included. */
static inline u32 tcp_outq(const struct tcp_sock *ts, u32 seq) { return ts->conn.write_seq + ts->conn.fin_queued - seq; }
/** tcp_readable_to - whether a reader that wants @target bytes may go on. */
bool tcp_readable_to(struct tcp_sock *ts, u32 target);

#endif
