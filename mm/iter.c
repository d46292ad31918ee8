/*
 * Iters: see iter.h.
 *
 * Invariant: while bytes are left, `offset` is below the current segment's length (empty segments are skipped).
 */
#include "mm/iter.h"
#include "base/string.h"
#include "kern/assert.h"
#include "mm/user.h"

static void skip_empty(struct iter *it)
{
	while (it->left && it->offset == it->seg->len) {
		assert(it->count_segs > 1);
		it->seg++;
		it->count_segs--;
		it->offset = 0;
	}
}

static void init_one(struct iter *it, enum iter_kind kind, u64 base, u64 len)
{
	it->kind = kind;
	it->append = it->hipri = it->nowait = it->more = false;
	it->count_segs = 1;
	it->offset = 0;
	it->left = len;
	it->one.base = base;
	it->one.len = len;
	it->seg = &it->one;
}

void iter_init_user(struct iter *it, uaddr_t buf, u64 len)
{
	init_one(it, ITER_USER, buf.v, len);
}

void iter_init_kernel(struct iter *it, void *buf, u64 len)
{
	init_one(it, ITER_KERNEL, (u64)buf, len);
}

void iter_init_segs(struct iter *it, enum iter_kind kind, const struct iter_seg *segs, u32 count, u64 total)
{
	it->kind = kind;
	it->append = it->hipri = it->nowait = it->more = false;
	it->count_segs = count;
	it->offset = 0;
	it->left = total;
	it->seg = segs;
	skip_empty(it);
}

/* Move @n bytes on, @n at most what the current segment has left. */
static inline void step(struct iter *it, u64 n)
{
	it->offset += n;
	it->left -= n;
	if (it->offset == it->seg->len)
		skip_empty(it);
}

static inline size_t segment_room(const struct iter *it, size_t n)
{
	return MIN(MIN((u64)n, it->seg->len - it->offset), it->left);
}

size_t iter_put(struct iter *it, const void *src, size_t n)
{
	size_t done = 0;

	while (done < n && it->left) {
		size_t part = segment_room(it, n - done);
		u64 at = it->seg->base + it->offset;
		size_t missed = 0;

		if (it->kind == ITER_USER)
			missed = plat_copy_to_user(at, (const char *)src + done, part);
		else
			memmove((void *)at, (const char *)src + done, part);	/* a file may be copied onto itself */
		step(it, part - missed);
		done += part - missed;
		if (missed)
			break;
	}
	return done;
}

size_t iter_get(struct iter *it, void *dst, size_t n)
{
	size_t done = 0;

	while (done < n && it->left) {
		size_t part = segment_room(it, n - done);
		u64 at = it->seg->base + it->offset;
		size_t missed = 0;

		if (it->kind == ITER_USER)
			missed = plat_copy_from_user((char *)dst + done, at, part);
		else
			memmove((char *)dst + done, (const void *)at, part);
		step(it, part - missed);
		done += part - missed;
		if (missed)
			break;
	}
	return done;
}

size_t iter_zero(struct iter *it, size_t n)
{
	size_t done = 0;

	while (done < n && it->left) {
		size_t part = segment_room(it, n - done);
		u64 at = it->seg->base + it->offset;
		size_t missed = 0;

		if (it->kind == ITER_USER)
			missed = plat_clear_user(at, part);
		else
			memset((void *)at, 0, part);
		step(it, part - missed);
		done += part - missed;
		if (missed)
			break;
	}
	return done;
}

void iter_advance(struct iter *it, u64 n)
{
	assert(n <= it->left);
	while (n) {
		u64 part = MIN(n, it->seg->len - it->offset);

		step(it, part);
		n -= part;
	}
}

void iter_revert(struct iter *it, u64 n)
{
	it->left += n;
	while (n > it->offset) {
		n -= it->offset;
		it->seg--;
		it->count_segs++;
		it->offset = it->seg->len;
	}
	it->offset -= n;
}

/* Touch one byte of each page of [at, at + n). */
static size_t touch(u64 at, size_t n, bool for_write)
{
	size_t done = 0;

	while (done < n) {
		u64 step_bytes = MIN(PAGE_SIZE - ((at + done) & (PAGE_SIZE - 1)), (u64)n - done);
		u8 byte;

		if (plat_copy_from_user(&byte, at + done, 1))
			break;
		if (for_write && plat_copy_to_user(at + done, &byte, 1))
			break;
		done += step_bytes;
	}
	return done;
}

int iter_fault_in(struct iter *it, size_t n, bool for_write)
{
	const struct iter_seg *seg = it->seg;
	u64 offset = it->offset;
	u64 todo = MIN((u64)n, it->left);
	bool any = false;

	if (it->kind != ITER_USER)
		return 0;
	while (todo) {
		u64 part = MIN(todo, seg->len - offset);
		size_t done = part ? touch(seg->base + offset, part, for_write) : 0;

		any |= done != 0;
		if (done < part)
			break;
		todo -= part;
		seg++;
		offset = 0;
	}
	return any || !n || !it->left ? 0 : -EFAULT;
}
