/*
 * Intrusive red-black trees, plain and augmented.
 *
 * A red-black tree is a binary search tree in which (1) the root is black, (2) a red node has no red
 * child, (3) every path from a node down to a missing child has the same number of black nodes: so no
 * path is more than twice as long as another.
 *
 * The tree does not know the order of its nodes.  To insert, walk down from root->node, remember the
 * last node seen and the address of the child pointer that was NULL, then rb_link() and
 * rb_insert_fixup():
 *
 *	struct rb_node **link = &root->node, *parent = NULL;
 *	while (*link) {
 *		parent = *link;
 *		link = key < RB_ENTRY(parent, struct x, rb)->key ? &parent->left : &parent->right;
 *	}
 *	rb_link(&x->rb, parent, link);
 *	rb_insert_fixup(root, &x->rb);
 *
 * An augmented tree keeps in every node a value that depends on the node and its children alone
 * (a subtree's maximum, say).  update(node) recomputes it from the node's own data and its children's
 * values, and returns whether it changed.  All insertions, removals and changes of such a tree go
 * through the _augmented functions.
 *
 * Locks: none; the owner of the tree excludes writers and readers from each other.
 * Contexts: any.
 * Source: Guibas and Sedgewick, "A dichromatic framework for balanced trees", 1978; Cormen et al.,
 *         "Introduction to Algorithms", chapters 13 and 14.
 */
#ifndef BASE_RBTREE_H
#define BASE_RBTREE_H

#include "base/types.h"

struct rb_node {
	uintptr_t parent_color;		/* the parent's address | 1 if this node is black */
	struct rb_node *left;
	struct rb_node *right;
} __attribute__((aligned(8)));

struct rb_root {
	struct rb_node *node;
};

struct rb_augment {
	/* Recompute @node's value from its own data and its children's values; did it change? */
	bool (*update)(struct rb_node *node);
};

#define RB_ROOT ((struct rb_root){ NULL })
#define RB_ROOT_INIT { NULL }
#define RB_ENTRY(ptr, type, member) container_of(ptr, type, member)
#define rb_entry(ptr, type, member) container_of(ptr, type, member)
#define rb_entry_or_null(ptr, type, member) \
	({ \
		struct rb_node *rb_ptr_ = (ptr); \
		rb_ptr_ ? RB_ENTRY(rb_ptr_, type, member) : NULL; \
	})

static inline bool rb_empty(const struct rb_root *root)
{
	return !root->node;
}

static inline struct rb_node *rb_parent(const struct rb_node *node)
{
	return (struct rb_node *)(node->parent_color & ~(uintptr_t)1);
}

/* Mark a node as being in no tree, and ask for that mark.  rb_erase() does not set it. */
static inline void rb_clear(struct rb_node *node)
{
	node->parent_color = (uintptr_t)node;
}

static inline bool rb_is_clear(const struct rb_node *node)
{
	return node->parent_color == (uintptr_t)node;
}

/** rb_link - hang @node in at *@link, a NULL child pointer of @parent (or of the root); red. */
static inline void rb_link(struct rb_node *node, struct rb_node *parent, struct rb_node **link)
{
	node->parent_color = (uintptr_t)parent;
	node->left = NULL;
	node->right = NULL;
	*link = node;
}

/** rb_insert_fixup - restore the invariants after rb_link(). */
void rb_insert_fixup(struct rb_root *root, struct rb_node *node);

/** rb_erase - take @node, which is in @root, out. */
void rb_erase(struct rb_root *root, struct rb_node *node);

/** rb_replace - put @node, with the same key, in the place of @old. */
void rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *node);

/** rb_insert_fixup_augmented - as rb_insert_fixup(); calls update() on all nodes concerned. */
void rb_insert_fixup_augmented(struct rb_root *root, struct rb_node *node,
			       const struct rb_augment *augment);

/** rb_erase_augmented - as rb_erase(); calls update() on all nodes concerned. */
void rb_erase_augmented(struct rb_root *root, struct rb_node *node,
			const struct rb_augment *augment);

/** rb_propagate - the data of @node changed: recompute it and its ancestors as far as needed. */
void rb_propagate(struct rb_node *node, const struct rb_augment *augment);

/* In order; NULL at the end. */
struct rb_node *rb_first(const struct rb_root *root);
struct rb_node *rb_last(const struct rb_root *root);
struct rb_node *rb_next(const struct rb_node *node);
struct rb_node *rb_prev(const struct rb_node *node);

/**
 * rb_first_postorder, rb_next_postorder - children before their parents, to free a whole tree
 *
 * The node after @node is found before @node is freed; nothing is rebalanced.
 */
struct rb_node *rb_first_postorder(const struct rb_root *root);
struct rb_node *rb_next_postorder(const struct rb_node *node);

#define rb_for_each_entry(pos, root, member) \
	for ((pos) = rb_entry_or_null(rb_first(root), __typeof__(*(pos)), member); (pos); \
	     (pos) = rb_entry_or_null(rb_next(&(pos)->member), __typeof__(*(pos)), member))

/* The body may free @pos; the tree is unusable afterwards but for setting the root to NULL. */
#define rb_for_each_entry_postorder_safe(pos, tmp, root, member) \
	for ((pos) = rb_entry_or_null(rb_first_postorder(root), __typeof__(*(pos)), member); \
	     (pos) && ((tmp) = rb_entry_or_null(rb_next_postorder(&(pos)->member), \
						__typeof__(*(pos)), member), true); \
	     (pos) = (tmp))

#endif
