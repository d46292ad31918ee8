/* What tasks and processes have used: getrusage, times, CPU clocks. */
#ifndef TASK_RUSAGE_H
#define TASK_RUSAGE_H

#include "task/task.h"

/** process_usage - of all its threads, living and dead, without its children. Context: thread; the siglock not held */
void process_usage(struct process *p, struct usage *out);
void thread_usage(struct task *t, struct usage *out);
void children_usage(struct process *p, struct usage *out);
/** process_cpu_ns - CPU time so far; siglock held for the _locked form. */
u64 process_cpu_ns_locked(struct process *p, bool user_only);
u64 process_cpu_ns(struct process *p);
u64 thread_user_ns(struct thread *t);
/** rlimit_get, rlimit_set - prlimit64's checks: -EPERM, -EINVAL. */
struct limit {
	u64 cur, max;
};
MUST_CHECK int rlimit_change(struct process *p, unsigned which, const struct limit *set, struct limit *old);
void rlimits_init(void);	/* tell vfs/ and mm/ whom to ask */
/** task_count_of - threads whose user is @uid. */
u64 task_count_of(u32 uid);

#endif
