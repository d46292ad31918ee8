/* Interval tree; see interval.h. */
#include "base/interval.h"

static inline struct interval_node *interval_of(struct rb_node *rb)
{
	return rb ? RB_ENTRY(rb, struct interval_node, rb) : NULL;
}

static bool interval_update(struct rb_node *rb)
{
	struct interval_node *node = interval_of(rb);
	struct interval_node *left = interval_of(rb->left);
	struct interval_node *right = interval_of(rb->right);
	u64 last = node->last;
	bool changed;

	if (left && left->subtree_last > last)
		last = left->subtree_last;
	if (right && right->subtree_last > last)
		last = right->subtree_last;
	changed = node->subtree_last != last;
	node->subtree_last = last;
	return changed;
}

static const struct rb_augment interval_augment = { .update = interval_update };

void interval_insert(struct interval_tree *tree, struct interval_node *node)
{
	struct rb_node **link = &tree->root.node;
	struct rb_node *parent = NULL;

	while (*link) {
		parent = *link;
		link = node->start < interval_of(parent)->start ? &parent->left : &parent->right;
	}
	node->subtree_last = node->last;
	rb_link(&node->rb, parent, link);
	rb_insert_fixup_augmented(&tree->root, &node->rb, &interval_augment);
}

void interval_remove(struct interval_tree *tree, struct interval_node *node)
{
	rb_erase_augmented(&tree->root, &node->rb, &interval_augment);
}

/* The leftmost node of this subtree that overlaps; the subtree's greatest last is at least @start. */
static struct interval_node *first_in_subtree(struct interval_node *node, u64 start, u64 last)
{
	for (;;) {
		struct interval_node *left = interval_of(node->rb.left);
		struct interval_node *right = interval_of(node->rb.right);

		/* If something on the left reaches @start, the answer is there or nowhere: all that
		 * follows starts later still. */
		if (left && left->subtree_last >= start) {
			node = left;
			continue;
		}
		if (node->start > last)
			return NULL;
		if (node->last >= start)
			return node;
		if (!right || right->subtree_last < start)
			return NULL;
		node = right;
	}
}

struct interval_node *interval_first(const struct interval_tree *tree, u64 start, u64 last)
{
	struct interval_node *node = interval_of(tree->root.node);

	if (!node || node->subtree_last < start)
		return NULL;
	return first_in_subtree(node, start, last);
}

struct interval_node *interval_next(struct interval_node *node, u64 start, u64 last)
{
	for (;;) {
		struct interval_node *right = interval_of(node->rb.right);
		struct rb_node *rb = &node->rb;
		struct rb_node *parent;

		if (right && right->subtree_last >= start)
			return first_in_subtree(right, start, last);
		while ((parent = rb_parent(rb)) && rb == parent->right)
			rb = parent;
		if (!parent)
			return NULL;
		node = interval_of(parent);
		if (node->start > last)
			return NULL;
		if (node->last >= start)
			return node;
	}
}
