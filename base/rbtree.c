/*
 * Red-black trees; see rbtree.h.
 *
 * Plain and augmented trees run the same code: the plain entry points pass no augmentation, and the
 * compiler makes a copy without it.  After a change of shape an augmented tree is recomputed from the
 * lowest changed node to the root, the rotated nodes at each rotation.
 *
 * Source: Cormen et al., "Introduction to Algorithms", sections 13.2 to 13.4, 14.2.
 */
#include "base/rbtree.h"

#define BLACK ((uintptr_t)1)

static inline bool is_red(const struct rb_node *node)
{
	return node && !(node->parent_color & BLACK);
}

static inline void set_parent(struct rb_node *node, struct rb_node *parent)
{
	node->parent_color = (uintptr_t)parent | (node->parent_color & BLACK);
}

static inline void set_black(struct rb_node *node)
{
	node->parent_color |= BLACK;
}

static inline void set_red(struct rb_node *node)
{
	node->parent_color &= ~BLACK;
}

static inline void copy_color(struct rb_node *node, const struct rb_node *from)
{
	node->parent_color = (node->parent_color & ~BLACK) | (from->parent_color & BLACK);
}

/* @child (may be NULL) takes the place of @old below @parent, or at the root. */
static inline void replace_child(struct rb_root *root, struct rb_node *parent,
				 const struct rb_node *old, struct rb_node *child)
{
	if (!parent)
		root->node = child;
	else if (parent->left == old)
		parent->left = child;
	else
		parent->right = child;
}

/* @node's right child rises above it. */
static ALWAYS_INLINE void rotate_left(struct rb_root *root, struct rb_node *node,
				      const struct rb_augment *augment)
{
	struct rb_node *up = node->right;
	struct rb_node *parent = rb_parent(node);

	node->right = up->left;
	if (up->left)
		set_parent(up->left, node);
	up->left = node;
	set_parent(up, parent);
	replace_child(root, parent, node, up);
	set_parent(node, up);
	if (augment) {
		augment->update(node);
		augment->update(up);
	}
}

static ALWAYS_INLINE void rotate_right(struct rb_root *root, struct rb_node *node,
				       const struct rb_augment *augment)
{
	struct rb_node *up = node->left;
	struct rb_node *parent = rb_parent(node);

	node->left = up->right;
	if (up->right)
		set_parent(up->right, node);
	up->right = node;
	set_parent(up, parent);
	replace_child(root, parent, node, up);
	set_parent(node, up);
	if (augment) {
		augment->update(node);
		augment->update(up);
	}
}

static ALWAYS_INLINE void insert_fixup(struct rb_root *root, struct rb_node *node,
				       const struct rb_augment *augment)
{
	struct rb_node *parent;

	/* Here @node is red, and the only thing that may be wrong is that its parent is red too. */
	while (is_red(parent = rb_parent(node))) {
		struct rb_node *grand = rb_parent(parent);
		bool left = parent == grand->left;
		struct rb_node *uncle = left ? grand->right : grand->left;

		if (is_red(uncle)) {
			set_black(parent);
			set_black(uncle);
			set_red(grand);
			node = grand;
			continue;
		}
		if (left) {
			if (node == parent->right) {
				rotate_left(root, parent, augment);
				parent = node;
			}
			set_black(parent);
			set_red(grand);
			rotate_right(root, grand, augment);
		} else {
			if (node == parent->left) {
				rotate_right(root, parent, augment);
				parent = node;
			}
			set_black(parent);
			set_red(grand);
			rotate_left(root, grand, augment);
		}
		break;
	}
	set_black(root->node);
}

/* Paths through @node (may be NULL), a child of @parent, lack one black node. */
static ALWAYS_INLINE void erase_fixup(struct rb_root *root, struct rb_node *node,
				      struct rb_node *parent, const struct rb_augment *augment)
{
	while (parent && !is_red(node)) {
		bool left = node == parent->left;
		struct rb_node *sibling = left ? parent->right : parent->left;

		if (is_red(sibling)) {
			set_black(sibling);
			set_red(parent);
			if (left)
				rotate_left(root, parent, augment);
			else
				rotate_right(root, parent, augment);
			sibling = left ? parent->right : parent->left;
		}
		if (!is_red(sibling->left) && !is_red(sibling->right)) {
			set_red(sibling);
			node = parent;
			parent = rb_parent(node);
			continue;
		}
		if (left) {
			if (!is_red(sibling->right)) {
				set_black(sibling->left);
				set_red(sibling);
				rotate_right(root, sibling, augment);
				sibling = parent->right;
			}
			copy_color(sibling, parent);
			set_black(parent);
			set_black(sibling->right);
			rotate_left(root, parent, augment);
		} else {
			if (!is_red(sibling->left)) {
				set_black(sibling->right);
				set_red(sibling);
				rotate_left(root, sibling, augment);
				sibling = parent->left;
			}
			copy_color(sibling, parent);
			set_black(parent);
			set_black(sibling->left);
			rotate_right(root, parent, augment);
		}
		return;
	}
	if (node)
		set_black(node);
}

static inline void propagate_to_root(struct rb_node *node, const struct rb_augment *augment)
{
	for (; node; node = rb_parent(node))
		augment->update(node);
}

static ALWAYS_INLINE void erase(struct rb_root *root, struct rb_node *node,
				const struct rb_augment *augment)
{
	struct rb_node *parent = rb_parent(node);
	struct rb_node *child;
	bool black;

	if (!node->left || !node->right) {
		child = node->left ? node->left : node->right;
		black = !is_red(node);
		replace_child(root, parent, node, child);
		if (child)
			set_parent(child, parent);
	} else {
		/* The successor, which has no left child, leaves its place and takes @node's. */
		struct rb_node *next = node->right;

		while (next->left)
			next = next->left;
		child = next->right;
		black = !is_red(next);
		replace_child(root, parent, node, next);
		parent = rb_parent(next);
		if (parent == node) {
			parent = next;
		} else {
			parent->left = child;
			if (child)
				set_parent(child, parent);
			next->right = node->right;
			set_parent(next->right, next);
		}
		next->left = node->left;
		set_parent(next->left, next);
		next->parent_color = node->parent_color;
	}
	if (augment)
		propagate_to_root(parent, augment);
	if (black)
		erase_fixup(root, child, parent, augment);
}

void rb_insert_fixup(struct rb_root *root, struct rb_node *node)
{
	insert_fixup(root, node, NULL);
}

void rb_erase(struct rb_root *root, struct rb_node *node)
{
	erase(root, node, NULL);
}

void rb_insert_fixup_augmented(struct rb_root *root, struct rb_node *node,
			       const struct rb_augment *augment)
{
	propagate_to_root(node, augment);
	insert_fixup(root, node, augment);
}

void rb_erase_augmented(struct rb_root *root, struct rb_node *node,
			const struct rb_augment *augment)
{
	erase(root, node, augment);
}

void rb_propagate(struct rb_node *node, const struct rb_augment *augment)
{
	while (node && augment->update(node))
		node = rb_parent(node);
}

void rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *node)
{
	*node = *old;
	replace_child(root, rb_parent(old), old, node);
	if (node->left)
		set_parent(node->left, node);
	if (node->right)
		set_parent(node->right, node);
}

static inline struct rb_node *leftmost(struct rb_node *node)
{
	while (node && node->left)
		node = node->left;
	return node;
}

static inline struct rb_node *rightmost(struct rb_node *node)
{
	while (node && node->right)
		node = node->right;
	return node;
}

struct rb_node *rb_first(const struct rb_root *root)
{
	return leftmost(root->node);
}

struct rb_node *rb_last(const struct rb_root *root)
{
	return rightmost(root->node);
}

struct rb_node *rb_next(const struct rb_node *node)
{
	struct rb_node *parent;

	if (node->right)
		return leftmost(node->right);
	while ((parent = rb_parent(node)) && node == parent->right)
		node = parent;
	return parent;
}

struct rb_node *rb_prev(const struct rb_node *node)
{
	struct rb_node *parent;

	if (node->left)
		return rightmost(node->left);
	while ((parent = rb_parent(node)) && node == parent->left)
		node = parent;
	return parent;
}

/* The leaf that is reached by going left where that is possible, else right. */
static struct rb_node *deepest(struct rb_node *node)
{
	while (node && (node->left || node->right))
		node = node->left ? node->left : node->right;
	return node;
}

struct rb_node *rb_first_postorder(const struct rb_root *root)
{
	return deepest(root->node);
}

struct rb_node *rb_next_postorder(const struct rb_node *node)
{
	struct rb_node *parent = rb_parent(node);

	if (parent && node == parent->left && parent->right)
		return deepest(parent->right);
	return parent;
}
