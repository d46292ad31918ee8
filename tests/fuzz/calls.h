/*
 * The system-call fuzzer's parts: calls_table.c says what calls there are, calls_args.c makes their arguments, calls.c runs them in
 * the simulated kernel (host/auk.h).
 *
 * One seed is one kernel, one schedule and one sequence of calls: all numbers come from fuzz_random, whose order the
 * simulation keeps.
 */
#ifndef TESTS_FUZZ_CALLS_H
#define TESTS_FUZZ_CALLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FUZZ_ARGS = 6, FUZZ_POOL = 32 };

/* What an argument is; "lies in memory" means that the argument is the address of it. */
enum fuzz_kind {
	A_NONE,			/* not there: 0 */
	A_ONE,			/* one of the values */
	A_BITS,			/* some of the values, or-ed */
	A_FD, A_DIRFD, A_PID, A_UID, A_SIGNAL, A_MODE, A_LENGTH, A_OFFSET, A_SMALL, A_ANY,
	A_IPC, A_WATCH, A_TIMER,	/* numbers that earlier calls gave */
	A_RING,			/* a ring of io_uring, with new entries in it */
	A_ADDR, A_MAP_LENGTH,	/* of mappings: whole pages mostly */
	A_PATH, A_NAME, A_FS_TYPE, A_MOUNT_DATA, A_XATTR,	/* strings in memory */
	A_IN, A_OUT,		/* random bytes in memory; room in memory */
	A_VALUE32, A_VALUE64,	/* a number in memory: a length, an offset */
	A_PIPE_FDS,		/* room for two descriptors, which are learnt */
	A_IOVEC, A_POLLFDS, A_FDSET, A_SOCKADDR, A_MSGHDR, A_MMSGHDR, A_TIMESPEC, A_TIMESPECS, A_TIMEVALS, A_ITIMERSPEC, A_ITIMERVAL,
	A_SIGSET, A_SIGSET_AND_SIZE, A_SIGACTION, A_SIGINFO, A_SIGEVENT, A_SIGALTSTACK, A_EPOLL_EVENT, A_SEMBUF, A_FILTER, A_CLONE_ARGS, A_OPEN_HOW,
	A_RLIMIT, A_FUTEX, A_WAITERS, A_MSGBUF, A_STRINGS, A_MQ_ATTR, A_SCHED_ATTR, A_CAP_HEADER, A_TERMIOS,
};

/* What a result that is no error tells. */
enum fuzz_result { R_NOTHING, R_FD, R_ADDR, R_PID, R_IPC, R_WATCH };

enum fuzz_flags {
	F_FORKS = 1,		/* makes a process or a thread */
	F_NOT_INIT = 2,		/* its pid is never that of the driver, process 1 */
};

struct fuzz_arg {
	enum fuzz_kind kind;
	const uint64_t *values;
	unsigned count;
};

struct fuzz_call {
	const char *name;
	unsigned nr, weight;
	struct fuzz_arg arg[FUZZ_ARGS];
	enum fuzz_result result;
	unsigned flags;
};

extern const struct fuzz_call fuzz_calls[];
extern const unsigned fuzz_calls_count;

/* Numbers that later calls use; the newest first in use. */
struct fuzz_pool {
	uint64_t value[FUZZ_POOL];
	unsigned next;
};

/* A process or thread that makes calls, forked ones included. */
struct fuzz_actor {
	unsigned number, calls_left;
	struct fuzz_pool fds;
};

/* What is known to all actors. */
struct fuzz_world {
	uint64_t random;
	struct fuzz_pool addrs, pids, ipcs, watches;
	uint64_t scratch_next;	/* offset in the scratch memory */
};

extern struct fuzz_world fuzz_world;

uint64_t fuzz_random(void);
uint64_t fuzz_below(uint64_t limit);		/* in [0, @limit) */
bool fuzz_one_in(unsigned n);
void fuzz_learn(struct fuzz_pool *pool, uint64_t value);

/** fuzz_scratch_map - the memory in which arguments lie, in this process, if it is not there. */
void fuzz_scratch_map(void);

/** fuzz_make - one argument of @kind. fuzz_make_ring - the descriptor of a ring, made if there is none */
uint64_t fuzz_make(struct fuzz_actor *actor, enum fuzz_kind kind);
uint64_t fuzz_make_ring(struct fuzz_actor *actor);

/** fuzz_make_args - arguments for a call of @call by @actor. @pipe_at: out, where two descriptors will lie, or 0 */
void fuzz_make_args(struct fuzz_actor *actor, const struct fuzz_call *call, uint64_t args[FUZZ_ARGS], uint64_t *pipe_at);

#endif
