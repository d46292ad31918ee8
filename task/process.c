/* Allocation, linking and lookup of tasks and processes; see task.h. */
#include <linux/errno.h>
#include <linux/signal.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "task/internal.h"
#include "task/ns.h"
#include "task/signal.h"
#include "vfs/file.h"

static struct slab_cache *task_cache, *process_cache, *sighand_cache;
static u64 processes, tasks;	/* [a] */

void tasks_init(void)
{
	task_cache = slab_create("task_struct", sizeof(struct task), 64);
	process_cache = slab_create("signal_cache", sizeof(struct process), 0);
	sighand_cache = slab_create("sighand_cache", sizeof(struct sighand), 0);
	if (!task_cache || !process_cache || !sighand_cache)
		panic("no memory for tasks");
	pids_init();
	signals_init();
	futex_init();
	ns_init();
}

u64 process_count(void) { return atomic_load(&processes); }
u64 task_count(void) { return atomic_load(&tasks); }

/* ---- sighand ---- */

struct sighand *sighand_alloc(void)
{
	struct sighand *s = slab_alloc(sighand_cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (!s)
		return NULL;
	ref_init(&s->refs);
	spin_init(&s->lock, RANK_SIGNAL_IRQ);
	waitq_init(&s->wait);
	return s;
}

static void sighand_free_rcu(struct rcu_head *head)
{
	slab_free(sighand_cache, container_of(head, struct sighand, rcu));
}

void sighand_put(struct sighand *s)
{
	if (s && ref_put(&s->refs))
		call_rcu(&s->rcu, sighand_free_rcu);
}

int sighand_unshare(void)
{
	struct process *p = current_process();
	struct sighand *old = p->sighand;

	if (ref_read(&old->refs) == 1)
		return 0;
	struct sighand *s = sighand_alloc();
	if (!s)
		return -ENOMEM;
	u64 irq = process_siglock(p);
	memcpy(s->action, old->action, sizeof(s->action));
	rcu_assign_pointer(p->sighand, s);
	spin_unlock_irqrestore(&old->lock, irq);
	sighand_put(old);
	return 0;
}

u64 process_siglock(struct process *p)
{
	for (;;) {
		struct sighand *s = rcu_dereference(p->sighand);
		u64 irq = spin_lock_irqsave(&s->lock);

		if (likely(rcu_dereference(p->sighand) == s))
			return irq;
		spin_unlock_irqrestore(&s->lock, irq);
	}
}

void process_sigunlock(struct process *p, u64 irq)
{
	spin_unlock_irqrestore(&p->sighand->lock, irq);
}

/* ---- process ---- */

struct process *process_alloc(void)
{
	struct process *p = slab_alloc(process_cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (!p)
		return NULL;
	ref_init(&p->refs);
	list_init(&p->tasks);
	list_init(&p->children);
	list_init(&p->sibling);
	list_init(&p->tracees);
	list_init(&p->group_node);
	list_init(&p->session_node);
	list_init(&p->posix_timers);
	waitq_init(&p->child_wait);
	sigpending_init(&p->shared);
	p->start_ns = p->start_boot_ns = plat_mono_ns();
	atomic_inc(&processes);
	return p;
}

static void process_free_rcu(struct rcu_head *head)
{
	struct process *p = container_of(head, struct process, rcu);

	sighand_put(p->sighand);
	if (p->pid)
		pid_put(p->pid);
	slab_free(process_cache, p);
}

void process_put(struct process *p)
{
	if (!ref_put(&p->refs))
		return;
	atomic_dec(&processes);
	call_rcu(&p->rcu, process_free_rcu);
}

/* ---- task ---- */

struct task *task_alloc(struct process *p, const char *name)
{
	struct task *t = slab_alloc(task_cache, ALLOC_KERNEL | ALLOC_ZERO);

	if (!t)
		return ERR_PTR(-ENOMEM);
	ref_init(&t->refs);
	if (thread_init(&t->thread, name)) {
		slab_free(task_cache, t);
		return ERR_PTR(-ENOMEM);
	}
	t->thread.task = t;
	t->thread.ctx.kernel_sp = (u64)thread_stack_top(&t->thread);
	t->process = process_get(p);
	list_init(&t->node);
	list_init(&t->trace_node);
	sigpending_init(&t->pending);
	t->timer_slack_ns = 50000;
	t->start_ns = plat_mono_ns();
	atomic_inc(&tasks);
	return t;
}

static void task_free_rcu(struct rcu_head *head)
{
	struct task *t = container_of(head, struct task, rcu);

	if (t->thread.cred)
		cred_put(t->thread.cred);
	if (t->pid)
		pid_put(t->pid);
	process_put(t->process);
	slab_free(task_cache, t);
}

void task_put(struct task *t)
{
	if (!ref_put(&t->refs))
		return;
	atomic_dec(&tasks);
	seccomp_put(t->seccomp);
	call_rcu(&t->rcu, task_free_rcu);
}

bool task_get_not_zero(struct task *t)
{
	return ref_get_not_zero(&t->refs);
}

void task_thread_gone(struct thread *t)
{
	thread_fini(t);
	task_put(t->task);
}

void task_link(struct task *t)
{
	struct process *p = t->process;

	task_get(t);
	pid_use(t->pid);
	rcu_assign_pointer(t->pid->task, t);
	u64 irq = process_siglock(p);
	list_add_tail_rcu(&t->node, &p->tasks);
	p->task_count++;
	atomic_inc(&p->live_count);
	if (!p->leader) {
		p->leader = t;
		rcu_assign_pointer(t->pid->process, p);
	}
	process_sigunlock(p, irq);
}

void task_unlink(struct task *t)
{
	struct process *p = t->process;
	u64 irq = process_siglock(p);

	sigpending_flush(&t->pending, ~0ull);
	usage_add_thread(&p->dead_usage, t);
	p->dead_runtime_ns += thread_runtime_ns(&t->thread);
	list_del_rcu(&t->node);
	p->task_count--;
	if (p->leader == t)
		p->leader = NULL;
	process_sigunlock(p, irq);
	if (t->pid->task == t)
		rcu_assign_pointer(t->pid->task, NULL);
	if (t->pid->process == p && !p->task_count)
		rcu_assign_pointer(t->pid->process, NULL);
	pid_unuse(t->pid);
	task_put(t);
}

struct task *task_find_get(u32 nr)
{
	rcu_read_lock();
	struct task *t = pid_task(nr);
	if (t && !task_get_not_zero(t))
		t = NULL;
	rcu_read_unlock();
	return t;
}

struct process *process_find_get(u32 nr)
{
	rcu_read_lock();
	struct process *p = pid_process(nr);
	if (p && !ref_get_not_zero(&p->refs))
		p = NULL;
	rcu_read_unlock();
	return p;
}

/*
 * The address space goes in task_exit under pids_lock (exit_memory), so whoever finds it there under that lock may take a reference.
 */
struct mm *task_mm_get(struct task *t)
{
	pids_lock_take();
	struct mm *mm = t->thread.mm;
	if (mm && !mm_get_not_zero(mm))
		mm = NULL;
	pids_lock_drop();
	return mm;
}

struct files *task_files_get(struct task *t)
{
	pids_lock_take();
	struct files *f = t->thread.files;
	if (f)
		files_get(f);
	pids_lock_drop();
	return f;
}

const struct cred *task_cred_get(struct task *t)
{
	rcu_read_lock();
	const struct cred *c;
	do
		c = rcu_dereference(t->thread.cred);
	while (!atomic_inc_not_zero(&((struct cred *)(uintptr_t)c)->refs));
	rcu_read_unlock();
	return c;
}
