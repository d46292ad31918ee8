/*
 * An iter: where the bytes of a read come out or those of a write come in: user buffers, kernel buffers, or pages.
 *
 * Copying advances it.  A user address that faults ends a copy early: the result is the number of bytes copied.
 */
#ifndef MM_ITER_H
#define MM_ITER_H

#include "base/types.h"

struct page;

struct iter_seg {
	u64 base;	/* user or kernel address, by kind */
	u64 len;
};

enum iter_kind { ITER_USER, ITER_KERNEL };

struct iter {
	enum iter_kind kind;
	bool append;			/* of a write: to the end of the file, whatever its flags say (RWF_APPEND) */
	bool more;			/* of a write: another follows at once (sendfile, SPLICE_F_MORE): a socket may wait for it */
	bool hipri;			/* RWF_HIPRI: the caller would rather poll than sleep */
	bool nowait;			/* -EAGAIN rather than wait for the other side (FOP_NOWAIT) */
	u32 count_segs;			/* segments left, the current one included */
	u64 offset;			/* within the current segment */
	u64 left;			/* bytes left in all */
	const struct iter_seg *seg;
	struct iter_seg one;		/* used by the single-buffer initialisers; an iter may not be copied while in use */
};

void iter_init_user(struct iter *it, uaddr_t buf, u64 len);
void iter_init_kernel(struct iter *it, void *buf, u64 len);
void iter_init_segs(struct iter *it, enum iter_kind kind, const struct iter_seg *segs, u32 count, u64 total);

/** iter_put - copy @n bytes from @src into the iter (a read's direction). Return: bytes copied. Context: thread */
size_t iter_put(struct iter *it, const void *src, size_t n);
/** iter_get - copy @n bytes out of the iter into @dst (a write's direction). Return: bytes copied */
size_t iter_get(struct iter *it, void *dst, size_t n);
size_t iter_zero(struct iter *it, size_t n);
void iter_advance(struct iter *it, u64 n);
/** iter_revert - take back the last @n bytes of progress; only within bytes already passed. */
void iter_revert(struct iter *it, u64 n);
/** iter_fault_in - touch up to @n bytes of user memory so that a copy under a page lock will not fault. Return: 0, -EFAULT if the first byte cannot be */
MUST_CHECK int iter_fault_in(struct iter *it, size_t n, bool for_write);

static inline u64 iter_left(const struct iter *it) { return it->left; }

#endif
