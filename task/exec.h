/*
 * exec: a new program in the current process.
 *
 *	exec_args_init, exec_args_add… (argv, then envp), task_exec, exec_args_fini
 */
#ifndef TASK_EXEC_H
#define TASK_EXEC_H

#include "base/types.h"

/* Argument and environment strings, NUL-terminated one behind the other. */
struct exec_args {
	char *buf;
	size_t used, size;
	size_t limit;		/* bytes that strings and pointers may take */
	u32 argc, envc;
	size_t env_at;		/* offset of the first environment string */
};

void exec_args_init(struct exec_args *a);
void exec_args_fini(struct exec_args *a);
/** exec_args_add - one kernel string. 0, -E2BIG, -ENOMEM */
MUST_CHECK int exec_args_add(struct exec_args *a, const char *s, bool env);
/** exec_args_add_user - the strings of a user array that ends in NULL. 0, -E2BIG, -ENOMEM, -EFAULT */
MUST_CHECK int exec_args_add_user(struct exec_args *a, u64 array, bool env);

/**
 * task_exec - replace the current program
 * @dirfd, @name: the file, as execveat(2) names it; @at_flags: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW
 * Return: 0: plat_regs_current() is the new program's; or -errno, nothing changed.  Once the old program cannot come
 *         back a failure kills the process.
 */
MUST_CHECK int task_exec(int dirfd, const char *name, struct exec_args *args, int at_flags);
void exec_init(void);

#endif
