/* What a program registers with a ring; see resource.c. */
#ifndef URING_RESOURCE_H
#define URING_RESOURCE_H

#include "uring/uring.h"

enum { URING_FILES_MAX = 1 << 20, URING_BUFS_MAX = 1 << 14, URING_GROUPS_MAX = 65536, URING_CREDS_MAX = 65535 };

/* ---- files ---- */

/** uring_files_register - a table of empty slots. */
MUST_CHECK int uring_files_register(struct uring *ring, u32 count);	/* -EBUSY, -ENOMEM */
MUST_CHECK int uring_files_unregister(struct uring *ring);		/* -ENXIO */
u32 uring_files_count(struct uring *ring);
/**
 * uring_file_set - put @f (NULL: nothing) into a slot; @tag, if not 0, is told by a completion when the file is used no longer
 * Return: 0 (the reference is consumed), -ENXIO (nothing registered), -EINVAL (no such slot), -EBADF (a ring; @f NULL and the slot empty, with
 * @must_be_there), -ENOMEM
 */
MUST_CHECK int uring_file_set(struct uring *ring, u32 slot, struct file *f, u64 tag, bool must_be_there);
/** uring_file_add - into the lowest free slot of the range. Return: it, -ENFILE, -EBADF, -ENOMEM; the reference is consumed on success */
MUST_CHECK int uring_file_add(struct uring *ring, struct file *f);
MUST_CHECK int uring_file_range(struct uring *ring, u32 from, u32 count);	/* -EINVAL */

/* ---- buffers ---- */

/* A registered buffer: its pages are pinned. */
struct uring_buf {
	u32 refs;			/* [a] its slot, requests */
	u64 base, len;			/* [I] user addresses */
	u64 tag;			/* [a] */
	u32 pages, segs;		/* [I] */
	struct page **page;		/* [I] */
	struct iter_seg *seg;		/* [I] the same as kernel addresses, contiguous pages joined */
};
/** uring_buf_new - pin [base, base + len) of the current address space. ERR_PTR(-EFAULT, -ENOMEM, -EOPNOTSUPP: pages of a file on a disk) */
struct uring_buf *uring_buf_new(u64 base, u64 len, u64 tag);
void uring_buf_put(struct uring *ring, struct uring_buf *b);	/* NULL is allowed. Context: thread */
MUST_CHECK int uring_bufs_register(struct uring *ring, u32 count);
MUST_CHECK int uring_bufs_unregister(struct uring *ring);
u32 uring_bufs_count(struct uring *ring);
MUST_CHECK int uring_buf_set(struct uring *ring, u32 slot, struct uring_buf *b);	/* consumed on success. -ENXIO, -EINVAL */
/** uring_buf_iter - [addr, addr + len) of buffer r->buf_index, which @r keeps. Return: 0, -EFAULT */
MUST_CHECK int uring_buf_iter(struct uring_req *r, u64 addr, u64 len, struct iter *it);

/* ---- provided buffers ---- */

/** uring_provide - @count buffers of @len bytes from @addr on, numbered from @bid. Return: 0, -ENOMEM, -EINVAL (a ring of buffers) */
MUST_CHECK int uring_provide(struct uring *ring, u16 group, u64 addr, u32 len, u32 count, u16 bid);
/** uring_unprovide - Return: how many went, -ENOENT, -EINVAL (a ring) */
int uring_unprovide(struct uring *ring, u16 group, u32 count);
MUST_CHECK int uring_pbuf_ring_register(struct uring *ring, u64 addr, u32 entries, u16 group);
MUST_CHECK int uring_pbuf_ring_unregister(struct uring *ring, u16 group);
/** uring_pick - a buffer of group r->buf_index for up to *len bytes (0: all of it). Return: 0, -ENOBUFS */
MUST_CHECK int uring_pick(struct uring_req *r, u64 *addr, u32 *len);
/** uring_pick_back - it was not used: the next gets it. uring_pick_done - it was: the completion names it. */
void uring_pick_back(struct uring_req *r);
void uring_pick_done(struct uring_req *r);

/* ---- who ---- */

const struct cred *uring_personality(struct uring *ring, u16 number);
int uring_personality_add(struct uring *ring);		/* the current thread's. Return: its number, -ENOMEM */
MUST_CHECK int uring_personality_remove(struct uring *ring, u32 number);	/* -EINVAL */

/* ---- restrictions ---- */

struct uring_restrict {
	u64 register_ops, sqe_ops;	/* bits */
	u8 sqe_flags_allowed, sqe_flags_required;
};
bool uring_restrict_allows(const struct uring_restrict *x, const struct io_uring_sqe *sqe);

#endif
