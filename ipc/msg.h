/*
 * System V message queues.
 *
 * A message is copied in before it is queued and out after it was taken, so a queue only moves pointers.  Sleepers wait on
 * one of two wait queues and look again whenever something was sent, or taken.
 *
 * Source: msgget(2), msgop(2), msgctl(2).
 */
#ifndef IPC_MSG_H
#define IPC_MSG_H

#include <linux/msg.h>
#include "base/types.h"
#include "ipc/object.h"

enum { MSG_QUEUES_DEFAULT = 32000, MSG_BYTES_DEFAULT = 8192, MSG_QUEUE_BYTES_DEFAULT = 16384 };

extern struct ipc_table msg_table;
extern u32 msg_bytes_max, msg_queue_bytes_default;	/* [a] kernel.msgmax, kernel.msgmnb */

struct msg {
	struct list_head node;		/* [queue's object lock] */
	s64 type;
	u64 len;
	u8 text[];
};

/** msg_alloc - room for a text of @len bytes, to be given back by msg_free or consumed by msg_send. NULL: no memory */
struct msg *msg_alloc(u64 len);
void msg_free(struct msg *m);

s32 msg_get(s32 key, u32 flags);
/** msg_send - consumes @m on success. @flags: IPC_NOWAIT. 0, -EAGAIN, -EINVAL, -EACCES, -EIDRM, -ERESTARTNOHAND */
MUST_CHECK int msg_send(s32 id, struct msg *m, u32 flags);
/**
 * msg_receive - msgrcv(2): take a message (MSG_COPY: a copy of one)
 * @len: room for the text; a longer one is -E2BIG without MSG_NOERROR
 * Return: the message, the caller's now; ERR_PTR(-ENOMSG, -E2BIG, -EINVAL, -EACCES, -EIDRM, -ENOMEM, -ERESTARTNOHAND)
 */
struct msg *msg_receive(s32 id, u64 len, s64 type, u32 flags);

/** msg_stat - @cmd: IPC_STAT, MSG_STAT, MSG_STAT_ANY. Return: 0 or, by index, the number; -EINVAL, -EACCES */
s32 msg_stat(int cmd, s32 id, struct msqid64_ds *out);
MUST_CHECK int msg_set(s32 id, const struct ipc64_perm *perm, u64 queue_bytes);
MUST_CHECK int msg_remove(s32 id);
/** msg_info - @figures: MSG_INFO rather than IPC_INFO. */
void msg_info(bool figures, struct msginfo *out);

#endif
