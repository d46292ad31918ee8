/*
 * Intrusive lists: circular doubly linked, hash chain, and a lock-free stack.
 *
 *   list_head   a ring with the head in it.  Every removal is O(1) and needs no head.
 *   hlist       a head of one pointer, for hash tables; a node keeps the address of the pointer
 *               that points to it.
 *   llist       a stack: any number of CPUs push, one takes everything.
 *
 * The functions lock nothing: the owner of the list says how it is guarded.  The _rcu forms are for
 * lists that writers (who exclude each other) change while readers walk without a lock: a node is
 * published with a release store when all its fields are set, and a removed node keeps its forward
 * pointer, so a reader standing on it finds its way; the node is freed or used again only after a
 * grace period.
 *
 * Contexts: any.
 */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include "base/atomic.h"
#include "base/types.h"

/* ---- circular doubly linked ---- */

struct list_head {
	struct list_head *next;
	struct list_head *prev;
};

#define LIST_HEAD_INIT(name) { &(name), &(name) }
#define LIST_HEAD(name) struct list_head name = LIST_HEAD_INIT(name)

/* What list_del leaves in a node, so that a use after removal faults. */
#define LIST_POISON_NEXT ((void *)0xdead000000000100)
#define LIST_POISON_PREV ((void *)0xdead000000000122)

static inline void list_init(struct list_head *head)
{
	WRITE_ONCE(head->next, head);
	head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

static inline void list_insert_between(struct list_head *node, struct list_head *prev,
				       struct list_head *next)
{
	next->prev = node;
	node->next = next;
	node->prev = prev;
	WRITE_ONCE(prev->next, node);
}

/* First in the list, or after the node @head. */
static inline void list_add(struct list_head *node, struct list_head *head)
{
	list_insert_between(node, head, head->next);
}

/* Last in the list, or before the node @head. */
static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
	list_insert_between(node, head->prev, head);
}

static inline void list_unlink(struct list_head *node)
{
	node->next->prev = node->prev;
	WRITE_ONCE(node->prev->next, node->next);
}

/* The node is on no list afterwards, and list_empty() must not be asked of it. */
static inline void list_del(struct list_head *node)
{
	list_unlink(node);
	node->next = LIST_POISON_NEXT;
	node->prev = LIST_POISON_PREV;
}

/* As list_del, and list_empty(node) tells afterwards that it is on no list. */
static inline void list_del_init(struct list_head *node)
{
	list_unlink(node);
	list_init(node);
}

static inline void list_move(struct list_head *node, struct list_head *head)
{
	list_unlink(node);
	list_add(node, head);
}

static inline void list_move_tail(struct list_head *node, struct list_head *head)
{
	list_unlink(node);
	list_add_tail(node, head);
}

/* Put @node in the place of @old, which is on no list afterwards and not initialized. */
static inline void list_replace(struct list_head *old, struct list_head *node)
{
	node->next = old->next;
	node->next->prev = node;
	node->prev = old->prev;
	WRITE_ONCE(node->prev->next, node);
}

static inline bool list_is_first(const struct list_head *node, const struct list_head *head)
{
	return node->prev == head;
}

static inline bool list_is_last(const struct list_head *node, const struct list_head *head)
{
	return node->next == head;
}

static inline bool list_is_singular(const struct list_head *head)
{
	return !list_empty(head) && head->next == head->prev;
}

static inline void list_splice_between(struct list_head *from, struct list_head *prev,
				       struct list_head *next)
{
	struct list_head *first = from->next;
	struct list_head *last = from->prev;

	first->prev = prev;
	WRITE_ONCE(prev->next, first);
	last->next = next;
	next->prev = last;
}

/* Move all nodes of @from to the front of @head; @from is empty afterwards. */
static inline void list_splice_init(struct list_head *from, struct list_head *head)
{
	if (!list_empty(from)) {
		list_splice_between(from, head, head->next);
		list_init(from);
	}
}

/* Move all nodes of @from to the end of @head; @from is empty afterwards. */
static inline void list_splice_tail_init(struct list_head *from, struct list_head *head)
{
	if (!list_empty(from)) {
		list_splice_between(from, head->prev, head);
		list_init(from);
	}
}

#define list_splice_init_tail list_splice_tail_init

#define list_entry(ptr, type, member) container_of(ptr, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member) list_entry((head)->prev, type, member)
#define list_first_entry_or_null(head, type, member) \
	({ \
		struct list_head *lfe_head_ = (head); \
		struct list_head *lfe_first_ = READ_ONCE(lfe_head_->next); \
		lfe_first_ != lfe_head_ ? list_entry(lfe_first_, type, member) : NULL; \
	})
#define list_next_entry(pos, member) list_entry((pos)->member.next, __typeof__(*(pos)), member)
#define list_prev_entry(pos, member) list_entry((pos)->member.prev, __typeof__(*(pos)), member)

#define list_for_each(node, head) \
	for ((node) = (head)->next; (node) != (head); (node) = (node)->next)

#define list_for_each_safe(node, tmp, head) \
	for ((node) = (head)->next, (tmp) = (node)->next; (node) != (head); \
	     (node) = (tmp), (tmp) = (node)->next)

#define list_for_each_entry(pos, head, member) \
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member); \
	     &(pos)->member != (head); (pos) = list_next_entry(pos, member))

#define list_for_each_entry_reverse(pos, head, member) \
	for ((pos) = list_last_entry(head, __typeof__(*(pos)), member); \
	     &(pos)->member != (head); (pos) = list_prev_entry(pos, member))

/* The body may remove and free @pos, and nothing else. */
#define list_for_each_entry_safe(pos, tmp, head, member) \
	for ((pos) = list_first_entry(head, __typeof__(*(pos)), member), \
	    (tmp) = list_next_entry(pos, member); \
	     &(pos)->member != (head); (pos) = (tmp), (tmp) = list_next_entry(tmp, member))

#define list_for_each_entry_safe_reverse(pos, tmp, head, member) \
	for ((pos) = list_last_entry(head, __typeof__(*(pos)), member), \
	    (tmp) = list_prev_entry(pos, member); \
	     &(pos)->member != (head); (pos) = (tmp), (tmp) = list_prev_entry(tmp, member))

/* Go on after @pos. */
#define list_for_each_entry_continue(pos, head, member) \
	for ((pos) = list_next_entry(pos, member); &(pos)->member != (head); \
	     (pos) = list_next_entry(pos, member))

/* Go on with @pos itself. */
#define list_for_each_entry_from(pos, head, member) \
	for (; &(pos)->member != (head); (pos) = list_next_entry(pos, member))

/* Readers walk list_head rings forwards only. */
static inline void list_insert_between_rcu(struct list_head *node, struct list_head *prev,
					   struct list_head *next)
{
	node->next = next;
	node->prev = prev;
	atomic_store_release(&prev->next, node);
	next->prev = node;
}

static inline void list_add_rcu(struct list_head *node, struct list_head *head)
{
	list_insert_between_rcu(node, head, head->next);
}

static inline void list_add_tail_rcu(struct list_head *node, struct list_head *head)
{
	list_insert_between_rcu(node, head->prev, head);
}

static inline void list_del_rcu(struct list_head *node)
{
	list_unlink(node);
	node->prev = LIST_POISON_PREV;
}

#define list_entry_rcu(ptr, type, member) container_of(__atomic_load_n(&(ptr), __ATOMIC_CONSUME), type, member)

#define list_for_each_entry_rcu(pos, head, member) \
	for ((pos) = list_entry_rcu((head)->next, __typeof__(*(pos)), member); \
	     &(pos)->member != (head); \
	     (pos) = list_entry_rcu((pos)->member.next, __typeof__(*(pos)), member))

/* ---- hash chains ---- */

struct hlist_node {
	struct hlist_node *next;
	struct hlist_node **pprev;	/* the pointer that points here; NULL: on no list */
};

struct hlist_head {
	struct hlist_node *first;
};

#define HLIST_HEAD_INIT { .first = NULL }

static inline void hlist_init(struct hlist_head *head)
{
	head->first = NULL;
}

static inline void hlist_node_init(struct hlist_node *node)
{
	node->next = NULL;
	node->pprev = NULL;
}

static inline bool hlist_unhashed(const struct hlist_node *node)
{
	return !READ_ONCE(node->pprev);
}

static inline bool hlist_empty(const struct hlist_head *head)
{
	return !READ_ONCE(head->first);
}

static inline void hlist_add_head(struct hlist_node *node, struct hlist_head *head)
{
	struct hlist_node *first = head->first;

	node->next = first;
	WRITE_ONCE(node->pprev, &head->first);
	if (first)
		WRITE_ONCE(first->pprev, &node->next);
	WRITE_ONCE(head->first, node);
}

static inline void hlist_add_before(struct hlist_node *node, struct hlist_node *next)
{
	WRITE_ONCE(node->pprev, next->pprev);
	node->next = next;
	WRITE_ONCE(*node->pprev, node);
	WRITE_ONCE(next->pprev, &node->next);
}

static inline void hlist_add_behind(struct hlist_node *node, struct hlist_node *prev)
{
	node->next = prev->next;
	WRITE_ONCE(node->pprev, &prev->next);
	if (node->next)
		WRITE_ONCE(node->next->pprev, &node->next);
	WRITE_ONCE(prev->next, node);
}

static inline void hlist_unlink(struct hlist_node *node)
{
	struct hlist_node *next = node->next;

	WRITE_ONCE(*node->pprev, next);
	if (next)
		WRITE_ONCE(next->pprev, node->pprev);
}

static inline void hlist_del(struct hlist_node *node)
{
	hlist_unlink(node);
	node->next = LIST_POISON_NEXT;
	node->pprev = LIST_POISON_PREV;
}

/* Nothing happens to a node that is on no list. */
static inline void hlist_del_init(struct hlist_node *node)
{
	if (!hlist_unhashed(node)) {
		hlist_unlink(node);
		hlist_node_init(node);
	}
}

static inline void hlist_add_head_rcu(struct hlist_node *node, struct hlist_head *head)
{
	struct hlist_node *first = head->first;

	WRITE_ONCE(node->next, first);	/* a reader may still stand on a node that is moved */
	WRITE_ONCE(node->pprev, &head->first);
	atomic_store_release(&head->first, node);
	if (first)
		WRITE_ONCE(first->pprev, &node->next);
}

/* A reader on @node still finds its way; hlist_unhashed() must not be asked of it. */
static inline void hlist_del_rcu(struct hlist_node *node)
{
	hlist_unlink(node);
	WRITE_ONCE(node->pprev, LIST_POISON_PREV);
}

/* As hlist_del_rcu; hlist_unhashed() is true afterwards.  Nothing happens to an unhashed node. */
static inline void hlist_del_init_rcu(struct hlist_node *node)
{
	if (!hlist_unhashed(node)) {
		hlist_unlink(node);
		WRITE_ONCE(node->pprev, NULL);
	}
}

#define hlist_entry(ptr, type, member) container_of(ptr, type, member)
#define hlist_entry_or_null(ptr, type, member) \
	({ \
		struct hlist_node *hlist_ptr_ = (ptr); \
		hlist_ptr_ ? hlist_entry(hlist_ptr_, type, member) : NULL; \
	})

#define hlist_for_each_entry(pos, head, member) \
	for ((pos) = hlist_entry_or_null((head)->first, __typeof__(*(pos)), member); (pos); \
	     (pos) = hlist_entry_or_null((pos)->member.next, __typeof__(*(pos)), member))

/* @tmp is a struct hlist_node pointer; the body may remove and free @pos. */
#define hlist_for_each_entry_safe(pos, tmp, head, member) \
	for ((pos) = hlist_entry_or_null((head)->first, __typeof__(*(pos)), member); \
	     (pos) && ((tmp) = (pos)->member.next, true); \
	     (pos) = hlist_entry_or_null(tmp, __typeof__(*(pos)), member))

#define hlist_next_rcu(ptr) __atomic_load_n(&(ptr), __ATOMIC_CONSUME)

#define hlist_for_each_entry_rcu(pos, head, member) \
	for ((pos) = hlist_entry_or_null(hlist_next_rcu((head)->first), __typeof__(*(pos)), \
					 member); \
	     (pos); (pos) = hlist_entry_or_null(hlist_next_rcu((pos)->member.next), \
						__typeof__(*(pos)), member))

/* ---- lock-free stack ---- */

struct llist_node {
	struct llist_node *next;
};

struct llist_head {
	struct llist_node *first;
};

#define LLIST_HEAD_INIT { .first = NULL }
#define LLIST_HEAD(name) struct llist_head name = LLIST_HEAD_INIT

static inline void llist_init(struct llist_head *head)
{
	head->first = NULL;
}

static inline bool llist_empty(const struct llist_head *head)
{
	return !READ_ONCE(head->first);
}

/* Push; true if the stack was empty, which is when the taker needs a wake-up. */
static inline bool llist_add(struct llist_node *node, struct llist_head *head)
{
	struct llist_node *first = atomic_load(&head->first);

	do
		node->next = first;
	while (!__atomic_compare_exchange_n(&head->first, &first, node, true, __ATOMIC_ACQ_REL,
					    __ATOMIC_RELAXED));
	return !first;
}

/* Take everything, the last pushed first. */
static inline struct llist_node *llist_del_all(struct llist_head *head)
{
	return __atomic_exchange_n(&head->first, NULL, __ATOMIC_ACQ_REL);
}

/* Turn a taken chain round: the first pushed comes first. */
static inline struct llist_node *llist_reverse(struct llist_node *node)
{
	struct llist_node *done = NULL;

	while (node) {
		struct llist_node *next = node->next;

		node->next = done;
		done = node;
		node = next;
	}
	return done;
}

#define llist_entry(ptr, type, member) container_of(ptr, type, member)

/* Over a taken chain, whose nodes are llist_node pointers; the body may free @node. */
#define llist_for_each_safe(node, tmp, first) \
	for ((node) = (first); (node) && ((tmp) = (node)->next, true); (node) = (tmp))

#endif
