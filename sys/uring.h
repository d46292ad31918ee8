/* What the files of io_uring in this directory share. */
#ifndef SYS_URING_H
#define SYS_URING_H

#include "uring/resource.h"
#include "uring/uring.h"

struct io_uring_sqe;

/** sys_uring_register_op - io_uring_register's opcodes. ring->submit held */
s64 sys_uring_register_op(struct uring *ring, u32 op, u64 arg, u32 nr);
extern const struct uring_op sys_uring_ops[IORING_OP_LAST];

/* The opcodes' parts, by file: uring_rw.c, uring_wait.c, uring_net.c, uring_fs.c, uring_misc.c. */
#define URING_OP_PARTS(noun) \
	int uring_##noun##_prep(struct uring_req *r, const struct io_uring_sqe *sqe); \
	s64 uring_##noun##_issue(struct uring_req *r, enum uring_how how); \
	void uring_##noun##_cleanup(struct uring_req *r)
URING_OP_PARTS(rw);
URING_OP_PARTS(fsync);
URING_OP_PARTS(range);
URING_OP_PARTS(open);
URING_OP_PARTS(close);
URING_OP_PARTS(name);
URING_OP_PARTS(xattr);
URING_OP_PARTS(msg);
URING_OP_PARTS(accept);
URING_OP_PARTS(connect);
URING_OP_PARTS(shutdown);
URING_OP_PARTS(socket);
URING_OP_PARTS(splice);
URING_OP_PARTS(poll_add);
URING_OP_PARTS(poll_remove);
URING_OP_PARTS(timeout);
URING_OP_PARTS(timeout_remove);
URING_OP_PARTS(ltimeout);
URING_OP_PARTS(cancel);
URING_OP_PARTS(msg_ring);
URING_OP_PARTS(epoll_ctl);
URING_OP_PARTS(files_update);
URING_OP_PARTS(provide);
URING_OP_PARTS(unprovide);
u64 uring_ltimeout_deadline(struct uring_req *r);

/** uring_install - a new file gets a descriptor, or with @slot a registered number (from 1 on; IORING_FILE_INDEX_ALLOC). Consumes @f */
s64 uring_install(struct uring_req *r, struct file *f, u32 slot, bool cloexec);
/** uring_file_bounded - whether I/O on @f ends by itself: files, disks. */
bool uring_file_bounded(const struct file *f);
/** sys_uring_files_update - put descriptors from user memory into slots. Return: how many, or -errno if none */
s64 sys_uring_files_update(struct uring *ring, u32 offset, u64 fds, u64 tags, u32 nr);
/** sys_uring_match_file - what @m's flags say of @fd, looked up. sys_uring_match_end - it is let go, if there is one. Return: 0, -EBADF */
MUST_CHECK int sys_uring_match_file(struct uring *ring, struct uring_match *m, s32 fd, struct uring_tagged **tagged);
void sys_uring_match_end(struct uring *ring, struct uring_match *m, struct uring_tagged *tagged);

#endif
