/*
 * Replay of a journal: three passes over the log, as in jbd2.
 *
 *	scan	finds the last complete transaction: every descriptor, revoke and commit block has the expected number and a
 *		good checksum
 *	revoke	collects, for each revoked block, the youngest transaction that revoked it
 *	replay	writes each logged block unless a transaction at or after its own revoked it
 *
 * Pure but for the calls in struct jbd2_replay.  The log is hostile: each block is visited once a pass at most, since the
 * passes stop after a whole round of the log.
 * Source: Documentation/filesystems/ext4/journal.rst of Linux 6.1.
 */
#include <linux/errno.h>
#include "base/crc32c.h"
#include "base/string.h"
#include "fs/ext4/jbd2.h"

/* ---- layout and checksums ---- */

void jbd2_layout_init(struct jbd2_layout *l, const struct jbd2_super *sb, u32 block_bytes)
{
	u32 incompat = be32(sb->s_feature_incompat);

	l->block_bytes = block_bytes;
	l->v2 = incompat & JBD2_INCOMPAT_CSUM_V2;
	l->v3 = incompat & JBD2_INCOMPAT_CSUM_V3;
	l->is64 = incompat & JBD2_INCOMPAT_64BIT;
	l->tail_bytes = l->v2 || l->v3 ? 4 : 0;
	l->tag_bytes = l->v3 ? 16 : 8 + (l->v2 ? 2 : 0) + (l->is64 ? 4 : 0);
	l->csum_seed = crc32c(~0u, sb->s_uuid, 16);
}

u32 jbd2_super_csum(struct jbd2_super *sb)
{
	u32 old = sb->s_checksum, c;

	sb->s_checksum = 0;
	c = crc32c(~0u, sb, sizeof(*sb));
	sb->s_checksum = old;
	return c;
}

u32 jbd2_tail_csum(const struct jbd2_layout *l, u8 *block)
{
	u32 *at = (u32 *)(block + l->block_bytes - 4), old = *at, c;

	*at = 0;
	c = crc32c(l->csum_seed, block, l->block_bytes);
	*at = old;
	return c;
}

u32 jbd2_commit_csum(const struct jbd2_layout *l, u8 *block)
{
	u32 *at = (u32 *)(block + 16), old = *at, c;

	*at = 0;
	c = crc32c(l->csum_seed, block, l->block_bytes);
	*at = old;
	return c;
}

u32 jbd2_data_csum(const struct jbd2_layout *l, u32 sequence, const u8 *data)
{
	u32 be = be32(sequence);

	return crc32c(crc32c(l->csum_seed, &be, 4), data, l->block_bytes);
}

/* ---- revoked blocks ---- */

struct revoked { u64 block; u32 sequence, used; };
struct revoke_table { struct revoked *slot; u32 bits, count; };

static u32 slot_of(const struct revoke_table *t, u64 block)
{
	return (u32)((block * 0x9e3779b97f4a7c15ull) >> (64 - t->bits));
}

static struct revoked *revoke_find(const struct revoke_table *t, u64 block)
{
	u32 mask = (1u << t->bits) - 1, i;

	if (!t->slot)
		return NULL;
	for (i = slot_of(t, block); t->slot[i].used; i = (i + 1) & mask)
		if (t->slot[i].block == block)
			break;
	return &t->slot[i];
}

static int revoke_grow(struct jbd2_replay *r, struct revoke_table *t)
{
	struct revoke_table bigger = { .bits = t->bits + 1, .count = t->count };
	size_t bytes = sizeof(*bigger.slot) << bigger.bits;

	bigger.slot = r->alloc(bytes);
	if (!bigger.slot)
		return -ENOMEM;
	memset(bigger.slot, 0, bytes);
	for (u32 i = 0; t->slot && i < 1u << t->bits; i++)
		if (t->slot[i].used)
			*revoke_find(&bigger, t->slot[i].block) = t->slot[i];
	if (t->slot)
		r->free(t->slot);
	*t = bigger;
	return 0;
}

static int revoke_add(struct jbd2_replay *r, struct revoke_table *t, u64 block, u32 sequence)
{
	if (!t->slot || t->count * 2 >= 1u << t->bits) {
		int err = revoke_grow(r, t);

		if (err)
			return err;
	}
	struct revoked *s = revoke_find(t, block);

	if (!s->used)
		t->count++;
	if (!s->used || (s32)(sequence - s->sequence) > 0)
		*s = (struct revoked){ .block = block, .sequence = sequence, .used = 1 };
	return 0;
}

static bool is_revoked(const struct revoke_table *t, u64 block, u32 sequence)
{
	const struct revoked *s = revoke_find(t, block);

	return s && s->used && (s32)(sequence - s->sequence) <= 0;
}

static int revoke_block(struct jbd2_replay *r, struct revoke_table *t, const u8 *block, u32 sequence)
{
	u32 bytes = get_be32(block + 12), size = r->layout.is64 ? 8 : 4;

	if (bytes < 16 || bytes > r->layout.block_bytes - r->layout.tail_bytes)
		return -EINVAL;
	for (u32 at = 16; at + size <= bytes; at += size) {
		int err = revoke_add(r, t, size == 8 ? get_be64(block + at) : get_be32(block + at), sequence);

		if (err)
			return err;
	}
	return 0;
}

/* ---- the passes ---- */

enum pass { PASS_SCAN, PASS_REVOKE, PASS_REPLAY };

struct walk {
	struct jbd2_replay *r;
	struct revoke_table revokes;
	u8 *head, *data;	/* a block each */
	u32 at, left;		/* next log block; how many of this round are left */
	u32 sequence;
};

static u32 next_block(const struct jbd2_replay *r, u32 at)
{
	return at + 1 >= r->last ? r->first : at + 1;
}

static void step(struct walk *w)
{
	w->at = next_block(w->r, w->at);
	w->left--;
}

/* The tag at @at within the descriptor. Return: its size, the UUID included */
static u32 read_tag(const struct jbd2_layout *l, const u8 *at, u64 *block, u32 *flags, u32 *csum)
{
	*block = get_be32(at);
	if (l->v3) {
		*flags = get_be32(at + 4);
		*csum = get_be32(at + 12);
		if (l->is64)
			*block |= (u64)get_be32(at + 8) << 32;
	} else {
		*csum = get_be16(at + 4);
		*flags = get_be16(at + 6);
		if (l->is64)
			*block |= (u64)get_be32(at + 8) << 32;
	}
	return l->tag_bytes + (*flags & JBD2_TAG_SAME_UUID ? 0 : 16);
}

static int replay_block(struct walk *w, u64 block, u32 flags)
{
	struct jbd2_replay *r = w->r;

	if (is_revoked(&w->revokes, block, w->sequence))
		return 0;
	if (flags & JBD2_TAG_ESCAPE)
		put_be32(w->data, JBD2_MAGIC);
	if (block >= r->fs_blocks)
		return -EINVAL;
	r->replayed++;
	return r->write_block(r->ctx, block, w->data);
}

/* The blocks that a descriptor names. Return: 0, 1: the log is damaged here, -errno */
static int descriptor(struct walk *w, enum pass pass)
{
	const struct jbd2_layout *l = &w->r->layout;
	u32 at = sizeof(struct jbd2_header), end = l->block_bytes - l->tail_bytes, flags = 0;

	if (l->tail_bytes && get_be32(w->head + end) != jbd2_tail_csum(l, w->head))
		return 1;
	while (!(flags & JBD2_TAG_LAST) && at + l->tag_bytes <= end) {
		u64 block;
		u32 csum;

		at += read_tag(l, w->head + at, &block, &flags, &csum);
		if (!w->left)
			return 1;
		if (pass != PASS_REVOKE) {
			int err = w->r->read_log(w->r->ctx, w->at, w->data);

			if (err)
				return err;
			u32 is = l->tail_bytes ? jbd2_data_csum(l, w->sequence, w->data) : 0;

			/* a block that is not needed may be damaged: only the replay knows */
			if (l->tail_bytes && (l->v3 ? is : is & 0xffff) != csum && pass == PASS_SCAN)
				return 1;
			err = pass == PASS_REPLAY ? replay_block(w, block, flags) : 0;
			if (err)
				return err;
		}
		step(w);
	}
	return 0;
}

/* One block of the log. Return: 0: go on, 1: the log ends, -errno */
static int log_block(struct walk *w, enum pass pass)
{
	struct jbd2_replay *r = w->r;
	const struct jbd2_layout *l = &r->layout;
	int err = r->read_log(r->ctx, w->at, w->head);

	if (err)
		return err;
	if (get_be32(w->head) != JBD2_MAGIC || get_be32(w->head + 8) != w->sequence)
		return 1;
	u32 type = get_be32(w->head + 4);

	step(w);
	switch (type) {
	case JBD2_DESCRIPTOR:
		return descriptor(w, pass);
	case JBD2_REVOKE:
		if (l->tail_bytes && get_be32(w->head + l->block_bytes - 4) != jbd2_tail_csum(l, w->head))
			return 1;
		return pass == PASS_REVOKE ? revoke_block(r, &w->revokes, w->head, w->sequence) : 0;
	case JBD2_COMMIT:
		if (l->tail_bytes && get_be32(w->head + 16) != jbd2_commit_csum(l, w->head))
			return 1;
		w->sequence++;
		return 0;
	default:
		return 1;
	}
}

static int run_pass(struct walk *w, enum pass pass)
{
	struct jbd2_replay *r = w->r;
	int ret = 0;

	w->at = r->start;
	w->left = r->last - r->first;
	w->sequence = r->sequence;
	while (!ret && w->left && (pass == PASS_SCAN || w->sequence != r->end_sequence))
		ret = log_block(w, pass);
	if (pass == PASS_SCAN)
		r->end_sequence = w->sequence;
	return ret < 0 ? ret : 0;
}

int jbd2_replay(struct jbd2_replay *r)
{
	struct walk w = { .r = r, .revokes.bits = 5 };
	int err = -EINVAL;

	if (r->first >= r->last || r->start < r->first || r->start >= r->last)
		return -EINVAL;
	w.head = r->alloc(r->layout.block_bytes);
	w.data = r->alloc(r->layout.block_bytes);
	if (!w.head || !w.data)
		err = -ENOMEM;
	else
		err = run_pass(&w, PASS_SCAN);
	if (!err)
		err = run_pass(&w, PASS_REVOKE);
	if (!err)
		err = run_pass(&w, PASS_REPLAY);
	if (w.revokes.slot)
		r->free(w.revokes.slot);
	if (w.head)
		r->free(w.head);
	if (w.data)
		r->free(w.data);
	return err;
}
