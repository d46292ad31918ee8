/* What the files of sock/ share, families apart. */
#ifndef SOCK_INTERNAL_H
#define SOCK_INTERNAL_H

#include "sock/sock.h"

extern const struct file_ops socket_fops;
u32 sock_count(void);		/* those with a file; file.c */

/* limits.c; read with atomic_load, set through /proc/sys/net */
struct sock_limits {
	u32 somaxconn, wmem_max, rmem_max, wmem_default, rmem_default;
	u32 unix_dgram_queue;		/* of sockets made from now on */
};
extern struct sock_limits sock_limits;
void sock_limits_init(void);

/* filter.c. attach: @code: struct sock_filter's. 0, -EINVAL, -ENOMEM, -EPERM (locked), -ENOENT, -ENOPROTOOPT (this family has no filters) */
MUST_CHECK int sock_filter_attach(struct socket *s, const void *code, u32 len);
MUST_CHECK int sock_filter_detach(struct socket *s);
MUST_CHECK int sock_filter_lock(struct socket *s, bool lock);
void sock_filter_free(struct socket *s);	/* the file is gone */

/** sock_device_ioctl - SIOCGIFINDEX and its kin, on any socket; -ENOTTY otherwise. inet_ioctl.c */
s64 sock_device_ioctl(u32 cmd, u64 arg);

void scm_init(void);
void unix_init(void);
void netlink_init(void);
void packet_sockets_init(void);

#endif
