/*
 * Sockets as files: what families implement and what the system calls use.
 *
 * A family (AF_UNIX, AF_INET, AF_NETLINK, AF_PACKET) embeds struct socket in its own and registers how to make one.  This directory
 * does what all have in common: the file, options of SOL_SOCKET, time-outs, ancillary data, dispatch.  Families see no user
 * address but those inside an iter and the argument of an ioctl.
 *
 * Life: socket_create() and accept make a struct socket; sock_file() wraps it in a file; the file's last reference calls ops->release.
 * A family whose sockets outlive their file (queued messages, peers) counts its own references.
 *
 * Contexts: thread, unless a line says otherwise.
 * Source: socket(2), socket(7), unix(7), cmsg(3), recv(2), send(2).
 */
#ifndef SOCK_SOCK_H
#define SOCK_SOCK_H

#include <linux/socket.h>
#include <asm/socket.h>
#include "base/list.h"
#include "base/types.h"
#include "kern/lock.h"
#include "kern/wait.h"
#include "mm/iter.h"

struct cred;
struct file;
struct iter;
struct mm_file;
struct packet;
struct poll_table;
struct seq;
struct socket;

/* The parts of the C library's <sys/socket.h> that <linux/socket.h> leaves out. */
enum { SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_RDM = 4, SOCK_SEQPACKET = 5, SOCK_DCCP = 6, SOCK_PACKET = 10, SOCK_TYPE_MASK = 15 };
enum { AF_UNSPEC = 0, AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10, AF_NETLINK = 16, AF_PACKET = 17, AF_MAX = 46 };
enum { SHUT_RD = 0, SHUT_WR = 1, SHUT_RDWR = 2, SHUTDOWN_RCV = 1, SHUTDOWN_SEND = 2, SHUTDOWN_BOTH = 3 };
enum { SCM_RIGHTS = 1, SCM_CREDENTIALS = 2, SCM_MAX_FD = 253 };
enum {
	MSG_OOB = 1, MSG_PEEK = 2, MSG_DONTROUTE = 4, MSG_CTRUNC = 8, MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40, MSG_EOR = 0x80, MSG_WAITALL = 0x100,
	MSG_CONFIRM = 0x800, MSG_ERRQUEUE = 0x2000, MSG_NOSIGNAL = 0x4000, MSG_MORE = 0x8000, MSG_WAITFORONE = 0x10000,
	MSG_CMSG_CLOEXEC = 0x40000000,
};
enum { SOL_PACKET = 263 };
enum { SOCK_ADDR_MAX = 128, SOCK_CONTROL_MAX = 20480 };

/* An address in kernel memory; len 0: none. */
struct sock_addr {
	u32 len;				/* bytes used */
	union {
		u16 family;
		u8 bytes[SOCK_ADDR_MAX];
	};
};

struct ucred_kernel {				/* SCM_CREDENTIALS and SO_PEERCRED, as struct ucred */
	u32 pid, uid, gid;
};

/* What sys/ gives to sendmsg and recvmsg. */
struct sock_msg {
	struct iter *iter;			/* the bytes */
	struct sock_addr *addr;			/* send: destination, NULL: none. recv: where to put the source, NULL: not wanted */
	u32 flags;				/* MSG_*; MSG_DONTWAIT is set for O_NONBLOCK files too */
	u32 flags_out;				/* recv: MSG_TRUNC, MSG_CTRUNC, MSG_EOR… */
	u8 *control;				/* ancillary data: cmsghdrs, as users lay them out */
	u32 control_len;			/* send: bytes given. recv: bytes written so far */
	u32 control_size;			/* recv: room */
	struct scm_install *install;		/* recv: descriptors reserved; NULL: none */
};

/*
 * What a family's sockets do.  NULL gives the errno in brackets.  @deadline_ns: plat_mono_ns, 0: do not wait, U64_MAX: for ever.
 */
struct socket_ops {
	void (*release)(struct socket *s);	/* the file is gone; required */
	int (*bind)(struct socket *s, const struct sock_addr *a);				/* [EOPNOTSUPP] */
	int (*connect)(struct socket *s, const struct sock_addr *a, u64 deadline_ns);		/* [EOPNOTSUPP] */
	int (*pair)(struct socket *a, struct socket *b);					/* [EOPNOTSUPP] */
	int (*listen)(struct socket *s, u32 backlog);						/* [EOPNOTSUPP] */
	int (*accept)(struct socket *s, struct socket **out, u64 deadline_ns);			/* [EOPNOTSUPP] */
	int (*getname)(struct socket *s, struct sock_addr *out, bool peer);			/* [EOPNOTSUPP] */
	int (*shutdown)(struct socket *s, u32 how);		/* SHUTDOWN_* bits [EOPNOTSUPP] */
	u32 (*poll)(struct socket *s);				/* EPOLL* bits; s->waitq tells of changes; takes no sleeping lock [0] */
	s64 (*ioctl)(struct socket *s, u32 cmd, u64 arg);	/* [ENOTTY] */
	s64 (*sendmsg)(struct socket *s, struct sock_msg *m);	/* [EOPNOTSUPP] */
	s64 (*recvmsg)(struct socket *s, struct sock_msg *m);	/* [EOPNOTSUPP] */
	/* options at levels other than SOL_SOCKET [EOPNOTSUPP], and those of SOL_SOCKET that option.c does not know [ENOPROTOOPT] */
	int (*setsockopt)(struct socket *s, int level, int name, const void *value, u32 len);
	int (*getsockopt)(struct socket *s, int level, int name, void *value, u32 *len);	/* *len: in: room, out: what the user is told, of which room was written */
	/* option_changed: SO_SNDBUF, SO_RCVBUF, SO_RCVLOWAT or a flag of SOL_SOCKET was set to @value; optional */
	void (*option_changed)(struct socket *s, int name, u32 value);
	void (*flush)(struct socket *s, struct file *f);	/* one descriptor of many is closed; optional */
	void (*show_fdinfo)(struct socket *s, char *buf, size_t size);				/* optional */
	int (*mmap)(struct socket *s, struct mm_file *out, u64 len, u64 pgoff);			/* shared mappings only [ENODEV] */
	bool filters;			/* what comes in goes through sock_filter_packet() or sock_filter_bytes() */
};

struct socket_family {
	u16 family;
	/* create: a socket with socket_init() called. -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -EPERM, -ENOMEM… */
	int (*create)(struct socket **out, u32 type, u32 protocol);
};

/* socket->flags, changed atomically */
enum {
	SOCKF_PASSCRED = 1, SOCKF_REUSEADDR = 2, SOCKF_REUSEPORT = 4, SOCKF_KEEPALIVE = 8, SOCKF_BROADCAST = 16, SOCKF_OOBINLINE = 32,
	SOCKF_DONTROUTE = 64, SOCKF_TIMESTAMP = 128, SOCKF_TIMESTAMPNS = 256, SOCKF_DEBUG = 512, SOCKF_NO_CHECK = 1024, SOCKF_LINGER = 2048,
	SOCKF_RXQ_OVFL = 4096, SOCKF_PASSSEC = 8192,
};

/* Locks: I immutable · a atomic · f the family's */
struct socket {
	const struct socket_ops *ops;	/* [I] */
	u16 family;			/* [I] */
	u16 type;			/* [I] SOCK_STREAM… */
	u32 protocol;			/* [I] */
	u32 flags;			/* [a] SOCKF_* */
	int error;			/* [a] SO_ERROR, positive; taken by sock_take_error() */
	u32 shutdown;			/* [f, read anywhere] SHUTDOWN_* */
	u32 sndbuf, rcvbuf;		/* [a] bytes, as getsockopt shows */
	u32 rcvlowat;			/* [a] */
	s32 peek_off;			/* [a] -1: off */
	u32 priority, mark;		/* [a] */
	u32 linger_sec;			/* [a] */
	s32 incoming_cpu;		/* [a] SO_INCOMING_CPU: which CPU received last, or is wanted to; -1: none */
	u64 rcvtimeo_ns, sndtimeo_ns;	/* [a] U64_MAX: none */
	struct file *file;		/* [a] the file, uncounted; NULL before sock_file() and from release on */
	u64 ino;			/* [I once it has a file] */
	struct sock_program *filter;	/* [filter.c's, read under RCU] NULL: none */
	bool filter_locked;		/* [filter.c's] */
	struct waitq waitq;		/* readers, writers, pollers */
};

/* ---- for families ---- */

void sock_register(const struct socket_family *family);
void socket_init(struct socket *s, const struct socket_ops *ops, u16 family, u32 type, u32 protocol);
/** sock_take_error - the pending error as -errno, cleared; 0: none. sock_set_error: @error positive. */
int sock_take_error(struct socket *s);
void sock_set_error(struct socket *s, int error);
/** sock_deadline - when an operation gives up: 0 with @nonblock, else now + @timeo_ns. */
u64 sock_deadline(u64 timeo_ns, bool nonblock);
/** sock_wait_error - -errno of a wait that failed: a signal with a time limit is EINTR, since its rest is not known at a restart; a time-out EAGAIN. */
int sock_wait_error(int err, u64 timeo_ns);
/** sock_pipe_error - -EPIPE, with SIGPIPE unless MSG_NOSIGNAL. */
int sock_pipe_error(u32 msg_flags);

/* Ancillary data. */
struct sock_cmsg {
	int level, type;
	const void *data;
	u32 len;
};
/** sock_cmsg_next - walk m->control. *@at starts at 0. Return: 1: one more in *out; 0: the end; -EINVAL */
MUST_CHECK int sock_cmsg_next(const struct sock_msg *m, u32 *at, struct sock_cmsg *out);
/** sock_cmsg_put - append one for the receiver; what does not fit is cut and MSG_CTRUNC set. */
void sock_cmsg_put(struct sock_msg *m, int level, int type, const void *data, u32 len);

/* What passes with a message: SCM_RIGHTS and SCM_CREDENTIALS (AF_UNIX, netlink). */
struct scm_files {
	u32 count;
	u32 uid;			/* who sent them: they count against its limit */
	void *owner;			/* the family's: the message that they are in */
	struct list_head node;		/* the family's */
	struct scm_files *next;		/* while they are let go */
	struct file *file[];		/* each with a reference */
};
struct scm {
	struct scm_files *files;	/* NULL: none */
	struct ucred_kernel creds;	/* pid 0: none */
};
enum { SCM_NOBODY = 65534 };		/* uid and gid of a sender that did not say */
/** scm_send - parse and check m->control of a message sent on @s. Return: 0 (scm_drop() it), -EINVAL, -EBADF, -EPERM, -ESRCH, -ENOMEM */
MUST_CHECK int scm_send(struct socket *s, struct sock_msg *m, struct scm *out);
/** scm_fill_creds - the current process's. */
void scm_fill_creds(struct ucred_kernel *out);
void scm_drop(struct scm *scm);
/** scm_recv - tell the receiver: credentials if SOCKF_PASSCRED, descriptors for files. Consumes scm->files. */
void scm_recv(struct socket *s, struct sock_msg *m, struct scm *scm);
/** scm_files_put - let go of all; NULL is allowed. Deep chains are taken apart without recursion. No lock held. */
void scm_files_put(struct scm_files *files);
/** scm_files_dup - the same files once more (MSG_PEEK). Context: spin locks may be held. NULL: no memory */
struct scm_files *scm_files_dup(const struct scm_files *files);

/* What a socket's filter wants of what comes in: bytes, at most all; 0: it is dropped. Under RCU. @p: data where its offset 0 is */
u32 sock_filter_packet(const struct socket *s, const struct packet *p);
u32 sock_filter_bytes(const struct socket *s, const void *data, u32 len);

/* ---- for sys/ ---- */

/** socket_create - socket(2). @type without flags. Return: 0, -EAFNOSUPPORT, -EINVAL, -ESOCKTNOSUPPORT, -EPROTONOSUPPORT, -ENOMEM… */
MUST_CHECK int socket_create(int family, int type, int protocol, struct socket **out);
/** sock_file - the file of @s. On failure @s is released. @o_flags: O_NONBLOCK. ERR_PTR */
struct file *sock_file(struct socket *s, u32 o_flags);
/** file_socket - the socket of a file, or NULL (ENOTSOCK). */
struct socket *file_socket(const struct file *f);
MUST_CHECK int sock_pair(int family, int type, int protocol, struct file *out[2], u32 o_flags);
MUST_CHECK int sock_bind(struct file *f, const struct sock_addr *a);
MUST_CHECK int sock_connect(struct file *f, const struct sock_addr *a);
MUST_CHECK int sock_listen(struct file *f, int backlog);
/** sock_accept - the next connection's file; @peer: its address, or NULL. ERR_PTR */
struct file *sock_accept(struct file *f, u32 o_flags, struct sock_addr *peer);
/** sock_accept_mode, sock_connect_mode - the same; @nowait: whatever O_NONBLOCK says. */
struct file *sock_accept_mode(struct file *f, u32 o_flags, struct sock_addr *peer, bool nowait);
MUST_CHECK int sock_connect_mode(struct file *f, const struct sock_addr *a, bool nowait);
MUST_CHECK int sock_getname(struct file *f, struct sock_addr *out, bool peer);
MUST_CHECK int sock_shutdown(struct file *f, int how);
s64 sock_sendmsg(struct file *f, struct sock_msg *m);
/** sock_recvmsg - afterwards sock_msg_end() says whether the descriptors received are kept (the user knows them) or not. */
s64 sock_recvmsg(struct file *f, struct sock_msg *m);
void sock_msg_end(struct sock_msg *m, bool keep);
MUST_CHECK int sock_setsockopt(struct file *f, int level, int name, const void *value, u32 len);
MUST_CHECK int sock_getsockopt(struct file *f, int level, int name, void *value, u32 *len);

/* ---- for init/ ---- */

struct sock_process_ops {
	u32 (*pid)(void);			/* the current process */
	bool (*pid_exists)(u32 pid);
	void (*send_sigpipe)(void);		/* to the current thread */
	u64 (*nofile_limit)(void);		/* RLIMIT_NOFILE */
};
void sock_register_process_ops(const struct sock_process_ops *ops);
extern const struct sock_process_ops *sock_process;
void sock_init(void);			/* all that is in this directory */
/** sock_unix_show - the text of /proc/net/unix; sock_init() registers it. */
void sock_unix_show(struct seq *s);

#endif
