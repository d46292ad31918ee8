/*
 * The system calls over sock/: prototypes.  Included by sys.h.
 */
#ifndef SYS_SOCKET_CALLS_H
#define SYS_SOCKET_CALLS_H

#include "base/types.h"

s64 sys_socket(u64 family, u64 type, u64 protocol);
s64 sys_socketpair(u64 family, u64 type, u64 protocol, u64 fds);
s64 sys_bind(u64 fd, u64 addr, u64 len);
s64 sys_listen(u64 fd, u64 backlog);
s64 sys_accept(u64 fd, u64 addr, u64 len);
s64 sys_accept4(u64 fd, u64 addr, u64 len, u64 flags);
s64 sys_connect(u64 fd, u64 addr, u64 len);
s64 sys_getsockname(u64 fd, u64 addr, u64 len);
s64 sys_getpeername(u64 fd, u64 addr, u64 len);
s64 sys_sendto(u64 fd, u64 buf, u64 n, u64 flags, u64 addr, u64 addr_len);
s64 sys_recvfrom(u64 fd, u64 buf, u64 n, u64 flags, u64 addr, u64 addr_len);
s64 sys_setsockopt(u64 fd, u64 level, u64 name, u64 value, u64 len);
s64 sys_getsockopt(u64 fd, u64 level, u64 name, u64 value, u64 len);
s64 sys_shutdown(u64 fd, u64 how);
s64 sys_sendmsg(u64 fd, u64 msg, u64 flags);
s64 sys_recvmsg(u64 fd, u64 msg, u64 flags);
s64 sys_sendmmsg(u64 fd, u64 msgs, u64 count, u64 flags);
s64 sys_recvmmsg(u64 fd, u64 msgs, u64 count, u64 flags, u64 timeout);

#endif
