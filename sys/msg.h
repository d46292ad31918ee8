/* Socket addresses and messages from and to user memory. */
#ifndef SYS_MSG_H
#define SYS_MSG_H

#include "base/types.h"
#include "mm/iter.h"
#include "sock/sock.h"
#include "sys/iov.h"

struct msghdr_user {		/* struct msghdr of the 64-bit ABI */
	u64 name;
	s32 name_len;
	u32 pad;
	u64 iov, iov_len, control, control_len;
	u32 flags, pad2;
};
static_assert(sizeof(struct msghdr_user) == 56, "struct msghdr of the user ABI");

/* A msghdr and what it points to, in the kernel. */
struct msg_copy {
	struct msghdr_user user;
	struct iter_seg fast[IOV_FAST], *seg;
	struct iter it;
	struct sock_addr addr;
	struct sock_msg m;
};

/** sys_addr_in - Return: 0, -EINVAL, -EFAULT. sys_addr_out - @user_len: an int, in: room, out: the whole length, whatever fitted. */
MUST_CHECK int sys_addr_in(struct sock_addr *a, u64 user, u64 len);
MUST_CHECK int sys_addr_out(const struct sock_addr *a, u64 user, u64 user_len);

/** sys_msg_in - copy the head and the vector. On success, or failure after it, sys_msg_free(). */
MUST_CHECK int sys_msg_in(struct msg_copy *c, u64 user, u32 flags);
void sys_msg_free(struct msg_copy *c);
MUST_CHECK int sys_control_in(struct msg_copy *c);	/* what is to be sent */
MUST_CHECK int sys_control_room(struct msg_copy *c);	/* for what is received */
/** sys_msg_out - tell the user what was received besides the bytes. */
MUST_CHECK int sys_msg_out(const struct msg_copy *c, u64 user);

#endif
