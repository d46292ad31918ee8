/* vfork: the parent waits until the child execs or ends, and shares its memory. */
#include "abi.h"
#include <spawn.h>

static volatile int mark;

void abi_test(void)
{
	char *const env[] = { NULL };
	long start = now_ms();
	pid_t pid = vfork();

	if (pid == 0) {
		mark = 4;
		sleep_ms(50);
		_exit(5);
	}
	YES("the parent waited", now_ms() - start >= 50);
	VAL("memory is shared", mark);
	STR("status", reap(pid));
	start = now_ms();
	pid = vfork();
	if (pid == 0) {
		execve(abi_self, (char *[]){ "abi", "@sleep", "300", NULL }, env);
		_exit(1);
	}
	int status;
	VAL("execve lets the parent go", waitpid(pid, &status, WNOHANG));
	STR("status", reap(pid));
	pid = vfork();
	if (pid == 0) {
		execve("missing", (char *[]){ "x", NULL }, env);
		mark = errno;
		_exit(6);
	}
	STR("failed exec", err_name(mark));
	reap(pid);
	pid = vfork();
	if (pid == 0)
		raise(SIGKILL);
	STR("killed", reap(pid));
	int err = posix_spawn(&pid, abi_self, NULL, NULL, (char *[]){ "abi", "@exit", "21", NULL }, env);
	VAL("posix_spawn", err);
	STR("its status", reap(pid));
	STR("posix_spawn missing", err_name(posix_spawn(&pid, "missing", NULL, NULL, (char *[]){ "x", NULL }, env)));
}
