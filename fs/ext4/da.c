/*
 * Delayed blocks: what dirty pages will need when they are written.  Promised in numbers (balloc_reserve), remembered in
 * ranges, chosen at write-back.  Locks: da_lock; balloc's count_lock is above it.
 */
#include "fs/ext4/ext4.h"

static struct da_range *first_ending_after(struct ext4_inode *e, u32 lblk)
{
	struct rb_node *n = e->da.node;
	struct da_range *found = NULL;

	while (n) {
		struct da_range *r = rb_entry(n, struct da_range, node);

		if ((u64)r->start + r->len > lblk) {
			found = r;
			n = n->left;
		} else {
			n = n->right;
		}
	}
	return found;
}

static void link_range(struct ext4_inode *e, struct da_range *r)
{
	struct rb_node **at = &e->da.node, *parent = NULL;

	while (*at) {
		parent = *at;
		at = r->start < rb_entry(parent, struct da_range, node)->start ? &parent->left : &parent->right;
	}
	rb_link(&r->node, parent, at);
	rb_insert_fixup(&e->da, &r->node);
}

bool da_next(struct ext4_inode *e, u32 lblk, u32 *start, u32 *len)
{
	if (!READ_ONCE(e->da.node))
		return false;
	spin_lock(&e->da_lock);
	struct da_range *r = first_ending_after(e, lblk);

	if (r) {
		*start = r->start;
		*len = r->len;
	}
	spin_unlock(&e->da_lock);
	return r != NULL;
}

/* Blocks of [lblk, +len) that are not delayed yet, as one count; the range enters whole. da_lock held */
static u32 enter(struct ext4_inode *e, u32 lblk, u32 len, struct da_range **fresh, struct da_range **dead)
{
	u32 start = lblk, end = lblk + len, had = 0;
	struct da_range *r, *prev = lblk ? first_ending_after(e, lblk - 1) : first_ending_after(e, 0);

	/* swallow all that touch it */
	for (r = prev; r && r->start <= end;) {
		struct rb_node *next = rb_next(&r->node);

		had += r->len;
		start = MIN(start, r->start);
		end = MAX(end, r->start + r->len);
		rb_erase(&e->da, &r->node);
		if (!*fresh) {
			*fresh = r;
		} else {
			r->node.left = (void *)*dead;
			*dead = r;
		}
		r = rb_entry_or_null(next, struct da_range, node);
	}
	(*fresh)->start = start;
	(*fresh)->len = end - start;
	link_range(e, *fresh);
	*fresh = NULL;
	return end - start - had;
}

static void free_dead(struct da_range *dead)
{
	while (dead) {
		struct da_range *next = (void *)dead->node.left;

		kfree(dead);
		dead = next;
	}
}

/* The common case: a range grows at its end. */
static bool append(struct ext4_inode *e, u32 lblk, u32 len)
{
	bool done = false;

	if (!lblk || !READ_ONCE(e->da.node))
		return false;
	spin_lock(&e->da_lock);
	struct da_range *r = first_ending_after(e, lblk - 1);

	if (r && r->start + r->len == lblk) {
		struct rb_node *next = rb_next(&r->node);

		if (!next || rb_entry(next, struct da_range, node)->start > lblk + len) {
			r->len += len;
			e->da_blocks += len;
			done = true;
		}
	}
	spin_unlock(&e->da_lock);
	return done;
}

/* Promise blocks that are holes now: [lblk, +len). */
int da_reserve(struct inode *i, u32 lblk, u32 len)
{
	struct ext4 *fs = ext4_of(i);
	struct ext4_inode *e = ext4_i(i);
	struct da_range *fresh, *dead = NULL;

	if (!balloc_reserve(fs, len))
		return -ENOSPC;
	if (append(e, lblk, len))
		return 0;
	fresh = kmalloc(sizeof(*fresh), ALLOC_NOFS);
	if (!fresh) {
		balloc_unreserve(fs, len);
		return -ENOMEM;
	}
	spin_lock(&e->da_lock);
	u32 added = enter(e, lblk, len, &fresh, &dead);

	e->da_blocks += added;
	spin_unlock(&e->da_lock);
	kfree(fresh);
	free_dead(dead);
	if (added < len)
		balloc_unreserve(fs, len - added);
	return 0;
}

/* [lblk, end) is delayed no more. */
static void release(struct inode *i, u64 lblk, u64 end)
{
	struct ext4_inode *e = ext4_i(i);
	struct da_range *r, *dead = NULL, *spare = NULL;
	u32 gone = 0;

	if (!READ_ONCE(e->da.node))
		return;
	spare = kmalloc(sizeof(*spare), ALLOC_NOFS);
	spin_lock(&e->da_lock);
	while ((r = first_ending_after(e, (u32)lblk)) != NULL && r->start < end) {
		u64 rend = (u64)r->start + r->len, from = MAX(lblk, (u64)r->start), to = MIN(end, rend);

		if (from > r->start && to < rend && !spare)
			to = rend;	/* no memory to split it: its tail is promised anew when it is written */
		gone += (u32)(to - from);
		if (from == r->start && to == rend) {
			rb_erase(&e->da, &r->node);
			r->node.left = (void *)dead;
			dead = r;
		} else if (from == r->start) {
			r->start = (u32)to;
			r->len = (u32)(rend - to);
		} else {
			r->len = (u32)(from - r->start);
			if (to < rend) {
				spare->start = (u32)to;
				spare->len = (u32)(rend - to);
				link_range(e, spare);
				spare = NULL;
				break;
			}
		}
	}
	e->da_blocks -= gone;
	spin_unlock(&e->da_lock);
	kfree(spare);
	free_dead(dead);
	if (gone)
		balloc_unreserve(ext4_of(i), gone);
}

void da_release(struct inode *i, u32 lblk, u32 len)
{
	release(i, lblk, (u64)lblk + len);
}

void da_release_from(struct inode *i, u32 lblk)
{
	release(i, lblk, 1ull << 32);
}
