/* See pid.h. */
#include <linux/errno.h>
#include "base/idr.h"
#include "kern/assert.h"
#include "kern/slab.h"
#include "task/pid.h"

enum { HASH_BUCKETS = 1024, RESERVED = 300 };

struct spinlock pids_lock = SPINLOCK_INIT(RANK_PIDS);
static struct hlist_head hash[HASH_BUCKETS];	/* [pids_lock, readers RCU] */
static struct ida numbers;			/* [pids_lock] */
static u64 first_memory[IDA_WORDS(PID_MAX_DEFAULT)];
static u32 max = PID_MAX_DEFAULT, last;		/* [pids_lock] */
static struct slab_cache *cache;

static struct hlist_head *bucket(u32 nr)
{
	return &hash[nr % HASH_BUCKETS];
}

void pids_init(void)
{
	ida_init(&numbers, first_memory, PID_MAX_DEFAULT);
	if (ida_take(&numbers, 0))
		panic("pid 0 is taken");
	numbers.next = 1;
	cache = slab_create("pid", sizeof(struct pid), 0);
	if (!cache)
		panic("no memory for pids");
}

struct pid *pid_alloc(u32 want)
{
	struct pid *p = slab_alloc(cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (!p)
		return ERR_PTR(-ENOMEM);
	ref_init(&p->refs);
	list_init(&p->group);
	list_init(&p->session);
	waitq_init(&p->wait);
	pids_lock_take();
	s32 nr;
	if (want)
		nr = want < max && !ida_take(&numbers, want) ? (s32)want : -EEXIST;
	else
		nr = ida_alloc_cyclic(&numbers, numbers.next < RESERVED ? 1 : RESERVED, max - 1);
	if (nr > 0) {
		p->nr = (u32)nr;
		if (!want)
			last = p->nr;
		hlist_add_head_rcu(&p->hash, bucket(p->nr));
	}
	pids_lock_drop();
	if (nr > 0)
		return p;
	slab_free(cache, p);
	return ERR_PTR(want ? want < max ? -EEXIST : -EINVAL : -EAGAIN);
}

static void free_rcu(struct rcu_head *head)
{
	slab_free(cache, container_of(head, struct pid, rcu));
}

void pid_put(struct pid *p)
{
	if (ref_put(&p->refs))
		call_rcu(&p->rcu, free_rcu);
}

static void give_back(struct pid *p)
{
	hlist_del_init_rcu(&p->hash);
	ida_free(&numbers, p->nr);
}

void pid_discard(struct pid *p)
{
	pids_lock_take();
	give_back(p);
	pids_lock_drop();
	pid_put(p);
}

void pid_use(struct pid *p)
{
	if (!p->uses++)
		pid_get(p);
}

void pid_unuse(struct pid *p)
{
	assert(p->uses > 0);
	if (--p->uses)
		return;
	give_back(p);
	pid_put(p);
}

struct pid *pid_find(u32 nr)
{
	struct pid *p;

	hlist_for_each_entry_rcu(p, bucket(nr), hash)
		if (p->nr == nr)
			return p;
	return NULL;
}

struct pid *pid_find_get(u32 nr)
{
	rcu_read_lock();
	struct pid *p = pid_find(nr);
	if (p && !ref_get_not_zero(&p->refs))
		p = NULL;
	rcu_read_unlock();
	return p;
}

struct task *pid_task(u32 nr)
{
	struct pid *p = pid_find(nr);

	return p ? rcu_dereference(p->task) : NULL;
}

struct process *pid_process(u32 nr)
{
	struct pid *p = pid_find(nr);

	return p ? rcu_dereference(p->process) : NULL;
}

struct process *pid_next_process(u32 from)
{
	struct process *found = NULL;

	pids_lock_take();	/* the bitmap may move */
	for (u64 nr = find_next_bit(numbers.used, numbers.limit, from); nr < numbers.limit && !found;
	     nr = find_next_bit(numbers.used, numbers.limit, nr + 1))
		found = pid_process((u32)nr);
	pids_lock_drop();
	return found;
}

u32 pid_last(void) { return last; }
u32 pid_max(void) { return max; }

int pid_set_max(u32 want)
{
	u64 *memory = NULL, *old = NULL;

	if (want < PID_MAX_MIN || want > PID_MAX_LIMIT)
		return -EINVAL;
	if (want > numbers.limit) {
		memory = kvmalloc(IDA_WORDS(want) * sizeof(u64), ALLOC_KERNEL);
		if (!memory)
			return -ENOMEM;
	}
	pids_lock_take();
	if (memory && want > numbers.limit) {
		old = numbers.used;
		ida_grow(&numbers, memory, want);
		memory = old == first_memory ? NULL : old;
	}
	max = want;
	pids_lock_drop();
	kvfree(memory);
	return 0;
}
