/*
 * Interval tree: closed intervals [start, last] of u64, any number of which may overlap or be equal; finds
 * those that overlap a range in time O(log n + found).  Reverse maps use it.
 *
 * An augmented red-black tree sorted by start, in which each node knows the greatest `last` of its subtree.
 *
 * Locks: none; the owner excludes writers from everybody.
 * Contexts: any.
 * Source: Cormen et al., "Introduction to Algorithms", section 14.3.
 */
#ifndef BASE_INTERVAL_H
#define BASE_INTERVAL_H

#include "base/rbtree.h"
#include "base/types.h"

struct interval_node {
	struct rb_node rb;
	u64 start;		/* start <= last; neither changes while in a tree */
	u64 last;
	u64 subtree_last;
};

struct interval_tree {
	struct rb_root root;
};

#define INTERVAL_TREE_INIT { RB_ROOT_INIT }

static inline void interval_tree_init(struct interval_tree *tree)
{
	tree->root = RB_ROOT;
}

static inline bool interval_tree_empty(const struct interval_tree *tree)
{
	return rb_empty(&tree->root);
}

/** interval_insert - add @node, whose start and last are set. */
void interval_insert(struct interval_tree *tree, struct interval_node *node);

/** interval_remove - take @node, which is in @tree, out. */
void interval_remove(struct interval_tree *tree, struct interval_node *node);

/**
 * interval_first, interval_next - the nodes that overlap [@start, @last], by start
 * Return: NULL when there is none (any more)
 */
struct interval_node *interval_first(const struct interval_tree *tree, u64 start, u64 last);
struct interval_node *interval_next(struct interval_node *node, u64 start, u64 last);

/* The body does not change the tree. */
#define interval_for_each(node, tree, start, last) \
	for ((node) = interval_first(tree, start, last); (node); \
	     (node) = interval_next(node, start, last))

#endif
