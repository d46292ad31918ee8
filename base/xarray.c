/*
 * Radix tree of pointers; see xarray.h.
 *
 * Only xa->head tells a node from an entry by a tag, since inside the tree a node's shift says what its
 * slots hold.  Growing adds nodes on top, shrinking takes them off; both publish with one store to
 * xa->head, and a reader who came in by the old head finds the same entries.
 */
#include <linux/errno.h>

#include "base/atomic.h"
#include "base/bitops.h"
#include "base/string.h"
#include "base/xarray.h"

#define NODE_TAG ((uintptr_t)1)

enum { NO_MARK = -1 };

static inline bool is_node(const void *head)
{
	return (uintptr_t)head & NODE_TAG;
}

static inline struct xa_node *to_node(void *head)
{
	return (struct xa_node *)((uintptr_t)head & ~NODE_TAG);
}

static inline void *to_head(struct xa_node *node)
{
	return (void *)((uintptr_t)node | NODE_TAG);
}

static inline unsigned slot_of(const struct xa_node *node, u64 index)
{
	return (index >> node->shift) % XA_SLOTS;
}

/* The low @bits bits; @bits may be more than 63. */
static inline u64 low_mask(unsigned bits)
{
	return bits >= 64 ? ~0ULL : BIT(bits) - 1;
}

/* The greatest index that a tree with this node on top can hold. */
static inline u64 top_max(const struct xa_node *top)
{
	return low_mask(top->shift + XA_SHIFT);
}

static inline void *load_slot(const struct xa_node *node, unsigned slot)
{
	return atomic_load_acquire(&((struct xa_node *)node)->slots[slot]);
}

static inline void *load_head(const struct xarray *xa)
{
	return atomic_load_acquire(&((struct xarray *)xa)->head);
}

static struct xa_node *new_node(struct xarray *xa, unsigned shift, struct xa_node *parent,
				unsigned offset)
{
	struct xa_node *node = xa->ops->node_alloc(xa->ops->ctx);

	if (!node)
		return NULL;
	memset(node, 0, sizeof(*node));
	node->shift = (u8)shift;
	node->parent = parent;
	node->offset = (u8)offset;
	return node;
}

/* The leaf that covers @index, or NULL. */
static struct xa_node *find_leaf(const struct xarray *xa, u64 index)
{
	void *head = load_head(xa);
	struct xa_node *node;

	if (!is_node(head))
		return NULL;
	node = to_node(head);
	if (index > top_max(node))
		return NULL;
	while (node && node->shift)
		node = load_slot(node, slot_of(node, index));
	return node;
}

void *xa_load(const struct xarray *xa, u64 index)
{
	void *head = load_head(xa);
	struct xa_node *node;

	if (!is_node(head))
		return index == 0 ? head : NULL;
	node = to_node(head);
	if (index > top_max(node))
		return NULL;
	for (;;) {
		void *value = load_slot(node, slot_of(node, index));

		if (!value || node->shift == 0)
			return value;
		node = value;
	}
}

/* ---- marks ---- */

static void mark_path_set(struct xa_node *node, unsigned slot, unsigned mark)
{
	for (; node; slot = node->offset, node = node->parent) {
		u64 before = node->marks[mark];

		WRITE_ONCE(node->marks[mark], before | BIT(slot));
		if (before)
			return;		/* then the path above has it already */
	}
}

static void mark_path_clear(struct xa_node *node, unsigned slot, unsigned mark)
{
	for (; node; slot = node->offset, node = node->parent) {
		u64 before = node->marks[mark];

		WRITE_ONCE(node->marks[mark], before & ~BIT(slot));
		if (!(before & BIT(slot)) || (before & ~BIT(slot)))
			return;
	}
}

void xa_set_mark(struct xarray *xa, u64 index, enum xa_mark mark)
{
	struct xa_node *leaf = find_leaf(xa, index);

	if (leaf) {
		if (leaf->slots[slot_of(leaf, index)])
			mark_path_set(leaf, slot_of(leaf, index), mark);
	} else if (index == 0 && xa->head && !is_node(xa->head)) {
		WRITE_ONCE(xa->head_marks, (u8)(xa->head_marks | BIT(mark)));
	}
}

void xa_clear_mark(struct xarray *xa, u64 index, enum xa_mark mark)
{
	struct xa_node *leaf = find_leaf(xa, index);

	if (leaf)
		mark_path_clear(leaf, slot_of(leaf, index), mark);
	else if (index == 0 && !is_node(xa->head))
		WRITE_ONCE(xa->head_marks, (u8)(xa->head_marks & ~BIT(mark)));
}

bool xa_get_mark(const struct xarray *xa, u64 index, enum xa_mark mark)
{
	struct xa_node *leaf = find_leaf(xa, index);

	if (leaf)
		return (READ_ONCE(leaf->marks[mark]) >> slot_of(leaf, index)) & 1;
	return index == 0 && !is_node(load_head(xa)) && (READ_ONCE(xa->head_marks) >> mark) & 1;
}

bool xa_marked(const struct xarray *xa, enum xa_mark mark)
{
	void *head = load_head(xa);

	if (is_node(head))
		return READ_ONCE(to_node(head)->marks[mark]) != 0;
	return (READ_ONCE(xa->head_marks) >> mark) & 1;
}

/* ---- shape ---- */

/* Take nodes off the top that hold nothing but slot 0. */
static void shrink(struct xarray *xa)
{
	while (is_node(xa->head)) {
		struct xa_node *top = to_node(xa->head);
		void *only = top->slots[0];

		if (top->count != 1 || !only)
			return;
		if (top->shift) {
			((struct xa_node *)only)->parent = NULL;
			atomic_store_release(&xa->head, to_head(only));
		} else {
			u8 marks = 0;

			for (unsigned m = 0; m < XA_MARKS; m++)
				marks |= (u8)((top->marks[m] & 1) << m);
			WRITE_ONCE(xa->head_marks, marks);
			atomic_store_release(&xa->head, only);
		}
		xa->ops->node_free(xa->ops->ctx, top);
	}
}

/* Free @node and its ancestors as far as they are empty, then lower the tree. */
static void prune(struct xarray *xa, struct xa_node *node)
{
	while (node && node->count == 0) {
		struct xa_node *parent = node->parent;

		if (parent) {
			atomic_store_release(&parent->slots[node->offset], NULL);
			parent->count--;
		} else {
			atomic_store_release(&xa->head, NULL);
		}
		xa->ops->node_free(xa->ops->ctx, node);
		node = parent;
	}
	shrink(xa);
}

/* One more node on top of the head, which is not NULL. */
static int grow(struct xarray *xa)
{
	void *head = xa->head;
	bool deep = is_node(head);
	struct xa_node *top = new_node(xa, deep ? to_node(head)->shift + XA_SHIFT : 0, NULL, 0);

	if (!top)
		return -ENOMEM;
	top->count = 1;
	top->slots[0] = deep ? to_node(head) : head;
	for (unsigned m = 0; m < XA_MARKS; m++)
		top->marks[m] = deep ? to_node(head)->marks[m] != 0 : (xa->head_marks >> m) & 1;
	if (deep) {
		to_node(head)->parent = top;
		to_node(head)->offset = 0;
	}
	atomic_store_release(&xa->head, to_head(top));
	if (!deep)
		WRITE_ONCE(xa->head_marks, 0);
	return 0;
}

/* A tree high enough for @index, which is not 0 where the tree is a single entry. */
static int reach(struct xarray *xa, u64 index)
{
	if (!xa->head) {
		unsigned shift = (unsigned)(fls64(index) - 1) / XA_SHIFT * XA_SHIFT;
		struct xa_node *top = new_node(xa, shift, NULL, 0);

		if (!top)
			return -ENOMEM;
		atomic_store_release(&xa->head, to_head(top));
		return 0;
	}
	while (!is_node(xa->head) || index > top_max(to_node(xa->head))) {
		if (grow(xa)) {
			shrink(xa);
			return -ENOMEM;
		}
	}
	return 0;
}

/* The leaf for @index, made if it is not there; NULL: no memory, and nothing changed. */
static struct xa_node *make_leaf(struct xarray *xa, u64 index)
{
	struct xa_node *node;

	if (reach(xa, index))
		return NULL;
	node = to_node(xa->head);
	while (node->shift) {
		unsigned slot = slot_of(node, index);
		struct xa_node *child = node->slots[slot];

		if (!child) {
			child = new_node(xa, node->shift - XA_SHIFT, node, slot);
			if (!child) {
				prune(xa, node);
				return NULL;
			}
			node->count++;
			atomic_store_release(&node->slots[slot], child);
		}
		node = child;
	}
	return node;
}

int xa_store(struct xarray *xa, u64 index, void *entry)
{
	struct xa_node *leaf;
	unsigned slot;

	if (!entry) {
		xa_erase(xa, index);
		return 0;
	}
	if (index == 0 && !is_node(xa->head)) {
		atomic_store_release(&xa->head, entry);
		return 0;
	}
	leaf = make_leaf(xa, index);
	if (!leaf)
		return -ENOMEM;
	slot = slot_of(leaf, index);
	leaf->count += !leaf->slots[slot];
	atomic_store_release(&leaf->slots[slot], entry);
	return 0;
}

int xa_insert(struct xarray *xa, u64 index, void *entry)
{
	if (xa_load(xa, index))
		return -EBUSY;
	return xa_store(xa, index, entry);
}

void *xa_erase(struct xarray *xa, u64 index)
{
	struct xa_node *leaf = find_leaf(xa, index);
	void *old;
	unsigned slot;

	if (!leaf) {
		if (index != 0 || is_node(xa->head))
			return NULL;
		old = xa->head;
		atomic_store_release(&xa->head, NULL);
		WRITE_ONCE(xa->head_marks, 0);
		return old;
	}
	slot = slot_of(leaf, index);
	old = leaf->slots[slot];
	if (!old)
		return NULL;
	for (unsigned m = 0; m < XA_MARKS; m++)
		mark_path_clear(leaf, slot, m);
	atomic_store_release(&leaf->slots[slot], NULL);
	leaf->count--;
	prune(xa, leaf);
	return old;
}

void xa_destroy(struct xarray *xa)
{
	struct xa_node *node = is_node(xa->head) ? to_node(xa->head) : NULL;
	unsigned slot = 0;

	atomic_store_release(&xa->head, NULL);
	WRITE_ONCE(xa->head_marks, 0);
	while (node) {
		struct xa_node *done = node;

		while (node->shift && slot < XA_SLOTS && !node->slots[slot])
			slot++;
		if (node->shift && slot < XA_SLOTS) {
			node = node->slots[slot];
			slot = 0;
			continue;
		}
		node = done->parent;
		slot = done->offset + 1U;
		xa->ops->node_free(xa->ops->ctx, done);
	}
}

/* ---- searches ---- */

/* The first slot from @slot on that has something (with @mark, if that is one); XA_SLOTS if none. */
static unsigned next_slot(const struct xa_node *node, unsigned slot, int mark)
{
	if (mark != NO_MARK) {
		u64 bits = READ_ONCE(node->marks[mark]) & (~0ULL << slot);

		return bits ? ctz64(bits) : XA_SLOTS;
	}
	while (slot < XA_SLOTS && !READ_ONCE(node->slots[slot]))
		slot++;
	return slot;
}

/* @top stays good for the whole search: its reader's section keeps it, even once it is replaced. */
static void *find_from(struct xa_node *top, u64 *index, u64 max, int mark)
{
	struct xa_node *node = top;
	u64 at = *index;

	while (at <= max && at <= top_max(top)) {
		unsigned slot = slot_of(node, at);
		unsigned next = next_slot(node, slot, mark);
		unsigned step = node->shift;	/* where nothing is: the index bits to step over */
		void *value;

		if (next == XA_SLOTS) {
			step += XA_SHIFT;
		} else {
			if (next != slot)
				at = (at & ~low_mask(node->shift + XA_SHIFT)) |
				     ((u64)next << node->shift);
			if (at > max)
				return NULL;
			value = load_slot(node, next);
			if (value && node->shift) {
				node = value;
				continue;
			}
			if (value) {
				*index = at;
				return value;
			}
		}
		if ((at | low_mask(step)) == ~0ULL)
			return NULL;
		at = (at | low_mask(step)) + 1;
		node = top;
	}
	return NULL;
}

void *xa_find(const struct xarray *xa, u64 *index, u64 max)
{
	void *head = load_head(xa);

	if (!is_node(head))
		return *index == 0 ? head : NULL;
	return find_from(to_node(head), index, max, NO_MARK);
}

void *xa_find_marked(const struct xarray *xa, u64 *index, u64 max, enum xa_mark mark)
{
	void *head = load_head(xa);

	if (!is_node(head))
		return *index == 0 && (READ_ONCE(xa->head_marks) >> mark) & 1 ? head : NULL;
	return find_from(to_node(head), index, max, (int)mark);
}

void *xa_find_last(const struct xarray *xa, u64 *index, u64 min)
{
	void *head = load_head(xa);
	struct xa_node *top;
	struct xa_node *node;
	u64 at;

	if (!is_node(head)) {
		if (min != 0 || !head)
			return NULL;
		*index = 0;
		return head;
	}
	top = to_node(head);
	node = top;
	at = MIN(*index, top_max(top));
	while (at >= min) {
		unsigned slot = slot_of(node, at);
		unsigned bits = node->shift;
		void *value = load_slot(node, slot);

		if (value && node->shift == 0) {
			*index = at;
			return value;
		}
		if (value) {
			node = value;
			continue;
		}
		/* Past this slot; past this node if it was the first. */
		at &= ~low_mask(bits);
		if (at == 0)
			return NULL;
		at--;
		if (slot == 0)
			node = top;
	}
	return NULL;
}
