/* Policies, priorities, nice, affinity. */
#include "abi.h"

void abi_test(void)
{
	struct sched_param sp = { 0 };
	cpu_set_t set, was;
	pid_t pid;

	RET("policy", sched_getscheduler(0));
	OK("FIFO", (sp.sched_priority = 10, sched_setscheduler(0, SCHED_FIFO, &sp)));
	RET("policy then", sched_getscheduler(0));
	sched_getparam(0, &sp);
	VAL("priority", sp.sched_priority);
	OK("setparam", (sp.sched_priority = 20, sched_setparam(0, &sp)));
	APART(RET("inherited", sched_getscheduler(0)));
	OK("RESET_ON_FORK", sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &sp));
	APART(RET("reset", sched_getscheduler(0)));
	HEX("policy with its flag", sched_getscheduler(0));
	struct timespec ts;
	OK("rr interval", sched_rr_get_interval(0, &ts));
	YES("of 100 ms", ts.tv_sec == 0 && ts.tv_nsec == 100000000);
	RET("priority 0", (sp.sched_priority = 0, sched_setscheduler(0, SCHED_FIFO, &sp)));
	RET("priority 100", (sp.sched_priority = 100, sched_setscheduler(0, SCHED_FIFO, &sp)));
	RET("OTHER with a priority", (sp.sched_priority = 1, sched_setscheduler(0, SCHED_OTHER, &sp)));
	sp.sched_priority = 0;
	OK("BATCH", sched_setscheduler(0, SCHED_BATCH, &sp));
	OK("IDLE", sched_setscheduler(0, SCHED_IDLE, &sp));
	OK("OTHER", sched_setscheduler(0, SCHED_OTHER, &sp));
	RET("bad policy", sched_setscheduler(0, 77, &sp));
	RET("no process", sched_setscheduler(0x3ffffff, SCHED_OTHER, &sp));
	RET("negative", sched_getscheduler(-1));
	say("ranges", "%d %d %d %d %d", sched_get_priority_min(SCHED_FIFO), sched_get_priority_max(SCHED_FIFO),
	    sched_get_priority_max(SCHED_RR), sched_get_priority_max(SCHED_OTHER), sched_get_priority_max(77));
	APART(
		become(1000);
		RET("FIFO as a user", (sp.sched_priority = 1, sched_setscheduler(0, SCHED_FIFO, &sp)));
		RET("nice up", nice(5));
		RET("nice down", nice(-1));
		VAL("unchanged", getpriority(PRIO_PROCESS, 0));
		RET("root's process", setpriority(PRIO_PROCESS, getppid(), 10));
	);
	OK("setpriority", setpriority(PRIO_PROCESS, 0, -5));
	VAL("getpriority", getpriority(PRIO_PROCESS, 0));
	RET("raw getpriority", syscall(SYS_getpriority, PRIO_PROCESS, 0));
	setpriority(PRIO_PROCESS, 0, 100);
	VAL("clamped", getpriority(PRIO_PROCESS, 0));
	setpriority(PRIO_PROCESS, 0, -100);
	VAL("clamped below", getpriority(PRIO_PROCESS, 0));
	APART(VAL("inherited by a child", getpriority(PRIO_PROCESS, 0)));
	setpriority(PRIO_PROCESS, 0, 0);
	OK("PRIO_PGRP", setpriority(PRIO_PGRP, 0, 3));
	VAL("seen", getpriority(PRIO_PROCESS, 0));
	setpriority(PRIO_PROCESS, 0, 0);
	RET("bad which", getpriority(9, 0));
	RET("no process", getpriority(PRIO_PROCESS, 0x3ffffff));

	OK("getaffinity", sched_getaffinity(0, sizeof(was), &was));
	YES("some CPU", CPU_COUNT(&was) >= 1 && CPU_ISSET(0, &was));
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	OK("setaffinity", sched_setaffinity(0, sizeof(set), &set));
	sched_getaffinity(0, sizeof(set), &set);
	say("then", "%d cpu %d", CPU_COUNT(&set), sched_getcpu());
	APART(sched_getaffinity(0, sizeof(set), &set); VAL("inherited by a child", CPU_COUNT(&set)));
	STR("Cpus_allowed_list", get_field("/proc/self/status", "Cpus_allowed_list") ?: "?");
	CPU_ZERO(&set);
	RET("no CPU", sched_setaffinity(0, sizeof(set), &set));
	CPU_SET(1000, &set);
	RET("a missing CPU", sched_setaffinity(0, sizeof(set), &set));
	CPU_SET(0, &set);
	OK("with one that is there", sched_setaffinity(0, sizeof(set), &set));
	RET("size too small", syscall(SYS_sched_getaffinity, 0, 1, &set));
	RET("odd size", syscall(SYS_sched_getaffinity, 0, 13, &set));
	RET("no process", sched_getaffinity(0x3ffffff, sizeof(set), &set));
	sched_setaffinity(0, sizeof(was), &was);
	APART(become(1000); RET("another user's", sched_setaffinity(getppid(), sizeof(was), &was)));
	RET("yield", sched_yield());

	/* a FIFO thread goes before a fair one on the same CPU */
	volatile int *turn = mmap(NULL, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	pid = fork();
	if (pid == 0) {
		sp.sched_priority = 1;
		sched_setscheduler(0, SCHED_FIFO, &sp);
		sleep_ms(50);
		turn[1] = turn[0];
		_exit(0);
	}
	long end = now_ms() + 10000;
	while (turn[1] == 0 && now_ms() < end)
		turn[0]++;
	YES("a FIFO thread preempts a fair one", turn[1] > 0);
	reap(pid);
	/* nice takes its share: the nicer one gets clearly less */
	for (int i = 0; i < 2; i++) {
		pid = fork();
		if (pid == 0) {
			setpriority(PRIO_PROCESS, 0, i ? 15 : 0);
			long until = now_ms() + 600;
			struct timespec cpu;
			while (now_ms() < until)
				;
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
			turn[10 + i] = cpu.tv_sec * 1000 + cpu.tv_nsec / 1000000;
			_exit(0);
		}
	}
	wait(NULL);
	wait(NULL);
	YES("nice 15 gets less than half of nice 0", turn[11] * 2 < turn[10]);
	struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t prio; uint64_t rt, dl, period; uint32_t umin, umax; } attr = { 0 };
	OK("sched_getattr", syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 0));
	say("its fields", "size %u policy %u nice %d", attr.size, attr.policy, attr.nice);
	RET("sched_getattr bad flags", syscall(SYS_sched_getattr, 0, &attr, sizeof(attr), 1));
	attr.nice = 7;
	OK("sched_setattr", syscall(SYS_sched_setattr, 0, &attr, 0));
	VAL("nice then", getpriority(PRIO_PROCESS, 0));
	RET("ioprio_get", syscall(SYS_ioprio_get, 1, 0));
}
