/*
 * Pipes: a ring of page buffers between file descriptors; FIFOs are pipes with a name.
 */
#ifndef VFS_PIPE_H
#define VFS_PIPE_H

#include "base/types.h"

struct file;
struct pipe;

/** pipe_create - both ends. @o_flags: O_NONBLOCK | O_CLOEXEC | O_DIRECT. Return: 0, -ENFILE, -ENOMEM */
MUST_CHECK int pipe_create(struct file **read_end, struct file **write_end, u32 o_flags);
/** pipe_register_sigpipe - how the current thread gets SIGPIPE. */
void pipe_register_sigpipe(void (*send)(void));
struct pipe *file_pipe(struct file *f);		/* NULL: not a pipe */
extern const struct file_ops fifo_ops;
s64 pipe_resize(struct pipe *p, u64 bytes);	/* F_SETPIPE_SZ */
u64 pipe_size(struct pipe *p);

/* splice family: vfs/splice.c */
s64 vfs_splice(struct file *in, u64 *off_in, struct file *out, u64 *off_out, size_t len, unsigned flags);
s64 vfs_sendfile(struct file *out, struct file *in, u64 *off, size_t len);
s64 vfs_tee(struct file *in, struct file *out, size_t len, unsigned flags);

#endif
