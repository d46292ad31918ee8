/*
 * RCU: readers take no lock; writers free what readers may still see after a grace period.
 *
 * The kernel is not preempted, so a reader is any stretch of code between two calls that may sleep, and costs nothing.
 * A grace period has passed when every CPU has switched threads, idled or been in user mode since.
 */
#ifndef KERN_RCU_H
#define KERN_RCU_H

#include "base/types.h"

struct rcu_head {
	struct rcu_head *next;
	void (*fn)(struct rcu_head *head);
};

static inline void rcu_read_lock(void) { barrier(); }
static inline void rcu_read_unlock(void) { barrier(); }

/** call_rcu - call @fn(@head) after a grace period, in thread context of a kernel thread. Context: any. */
void call_rcu(struct rcu_head *head, void (*fn)(struct rcu_head *head));
/** synchronize_rcu - sleep until a grace period has passed. */
void synchronize_rcu(void);
/** kfree_rcu_at - kfree @ptr after a grace period; @head lies within it. */
void kfree_rcu_at(struct rcu_head *head, void *ptr);
#define kfree_rcu(ptr, field) kfree_rcu_at(&(ptr)->field, (ptr))

#define rcu_dereference(p) __atomic_load_n(&(p), __ATOMIC_CONSUME)
#define rcu_assign_pointer(p, v) __atomic_store_n(&(p), (v), __ATOMIC_RELEASE)

void rcu_init(void);
void rcu_note_switch(void);	/* this CPU is in a quiescent state; the scheduler's call */

#endif
