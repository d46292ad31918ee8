/*
 * Extensible array: u64 index to pointer, a radix tree of 64-way nodes, with three marks an entry.
 *
 * The height follows the highest index: an array that holds index 0 alone is one pointer and no node.
 *
 *	head -> [shift 6] -> [shift 0] -> entries
 *
 * A slot of a node with shift 0 holds an entry (an aligned pointer of the caller's), one of another node holds
 * a node.  The head is an entry, or a node's address | 1.
 *
 * Marks: small sets over the present entries (dirty, under writeback, …).  A node keeps for each mark
 * a word with a bit for each slot; at a node that is not a leaf the bit says that somewhere below an
 * entry has the mark, so the marked are found in time that depends on their number.  Storing into an
 * empty slot leaves all marks clear; replacing an entry keeps its marks; erasing clears them.
 *
 * Invariants: (1) a node in the tree has count > 0, count being its slots that are not NULL;
 * (2) an inner mark bit is set if and only if the child has that mark set on some slot;
 * (3) the top node has an entry at an index that needs its height.
 *
 * Locks: writers (xa_store, xa_erase, xa_set_mark, xa_clear_mark, xa_destroy) exclude each other by a
 * lock of the owner's.  Readers (xa_load, xa_find, xa_find_marked, xa_get_mark, xa_for_each) need none
 * if node_free() lets the node live until every reader that may have seen it is gone (RCU): nodes are
 * published with release, and an unlinked node keeps its contents.  A reader sees each slot as it was
 * at some moment of the call; a mark that is read while the height changes may be seen clear.
 *
 * Contexts: any that node_alloc() allows, where the function may allocate; else any.
 */
#ifndef BASE_XARRAY_H
#define BASE_XARRAY_H

#include "base/types.h"

#define XA_SHIFT 6
#define XA_SLOTS 64
#define XA_MARKS 3

enum xa_mark {
	XA_MARK_0,
	XA_MARK_1,
	XA_MARK_2,
};

struct xa_node {
	u8 shift;			/* index bits below this node: 0 for a leaf */
	u8 offset;			/* slot of the parent that holds this node */
	u8 count;			/* slots that are not NULL */
	struct xa_node *parent;		/* writers only */
	u64 marks[XA_MARKS];		/* a bit for each slot */
	void *slots[XA_SLOTS];
};

struct xa_ops {
	/* A node, contents arbitrary, aligned to at least 8; NULL if there is no memory. */
	struct xa_node *(*node_alloc)(void *ctx);
	/* Readers may still stand on @node: free it after a grace period if there are any. */
	void (*node_free)(void *ctx, struct xa_node *node);
	void *ctx;			/* handed to both */
};

struct xarray {
	void *head;
	const struct xa_ops *ops;
	u8 head_marks;			/* marks of the entry when head is the entry of index 0 */
};

#define XARRAY_INIT(xa_ops) { .head = NULL, .ops = (xa_ops) }

static inline void xa_init(struct xarray *xa, const struct xa_ops *ops)
{
	xa->head = NULL;
	xa->ops = ops;
	xa->head_marks = 0;
}

static inline bool xa_empty(const struct xarray *xa)
{
	return !READ_ONCE(xa->head);
}

/** xa_load - the entry at @index, or NULL. Context: any; no lock. */
void *xa_load(const struct xarray *xa, u64 index);

/**
 * xa_store - put @entry at @index; NULL erases
 * @entry: aligned to at least 2, not an error pointer
 * Return: 0, or -ENOMEM (nothing changed).  Erasing and replacing cannot fail.
 */
MUST_CHECK int xa_store(struct xarray *xa, u64 index, void *entry);

/** xa_insert - as xa_store, but -EBUSY if there is an entry already (nothing changed). */
MUST_CHECK int xa_insert(struct xarray *xa, u64 index, void *entry);

/** xa_erase - take the entry at @index out and return it (NULL: there was none). */
void *xa_erase(struct xarray *xa, u64 index);

/**
 * xa_find - the first entry in [*@index, @max]
 * @index: in: where to start; out: where it was found (unchanged if nothing was)
 * Return: the entry, or NULL
 */
void *xa_find(const struct xarray *xa, u64 *index, u64 max);

/** xa_find_marked - as xa_find, among the entries that have @mark. */
void *xa_find_marked(const struct xarray *xa, u64 *index, u64 max, enum xa_mark mark);

/** xa_find_last - the last entry in [@min, *@index]; *@index out: where. NULL if there is none. */
void *xa_find_last(const struct xarray *xa, u64 *index, u64 min);

/* Setting a mark on an index without an entry does nothing. */
void xa_set_mark(struct xarray *xa, u64 index, enum xa_mark mark);
void xa_clear_mark(struct xarray *xa, u64 index, enum xa_mark mark);
bool xa_get_mark(const struct xarray *xa, u64 index, enum xa_mark mark);

/** xa_marked - does any entry have @mark? */
bool xa_marked(const struct xarray *xa, enum xa_mark mark);

/** xa_destroy - free all nodes; the entries are the caller's.  The array is empty afterwards. */
void xa_destroy(struct xarray *xa);

/*
 * Over all present entries, by index; @index is a u64 variable.  The body may erase the entry it is at
 * and store others.
 */
#define xa_for_each(xa, index, entry) xa_for_each_range(xa, index, entry, 0, ~0ULL)

#define xa_for_each_range(xa, index, entry, first, last) \
	for ((index) = (first), (entry) = xa_find(xa, &(index), last); (entry); \
	     (entry) = (index) < (last) ? ((index)++, xa_find(xa, &(index), last)) : NULL)

#define xa_for_each_marked(xa, index, entry, mark) \
	for ((index) = 0, (entry) = xa_find_marked(xa, &(index), ~0ULL, mark); (entry); \
	     (entry) = (index) < ~0ULL ? ((index)++, xa_find_marked(xa, &(index), ~0ULL, mark)) : \
					 NULL)

#endif
