/* clone and clone3: what is shared, the exit signal, tids, errors. */
#include "abi.h"
#include <linux/sched.h>
#include <sys/prctl.h>

static char stack[65536] __attribute__((aligned(16)));
static volatile int shared;
static volatile pid_t child_tid, parent_tid;

static int set_shared(void *arg)
{
	shared = 5;
	return (long)arg;
}

static int close_fd(void *arg)
{
	close((long)arg);
	return 0;
}

static int move(void *arg)
{
	chdir("/");
	umask(0);
	return 0;
}

static int see_tid(void *arg)
{
	return child_tid == gettid() ? 3 : 4;
}

static int set_handler(void *arg)
{
	signal(SIGUSR1, SIG_IGN);
	return 0;
}

static int run(int (*fn)(void *), int flags, void *arg)
{
	int pid = clone(fn, stack + sizeof(stack), flags, arg, (pid_t *)&parent_tid, NULL, (pid_t *)&child_tid);
	int status = 0;

	if (pid < 0)
		return -1;
	if (waitpid(pid, &status, __WALL) < 0)
		return -2;
	return status;
}

static long clone3(struct clone_args *args, size_t size)
{
	return syscall(SYS_clone3, args, size);
}

static int got;

static void note(int sig)
{
	got = sig;
}

void abi_test(void)
{
	char cwd[256], cwd2[256];
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	STR("plain", status_name(run(set_shared, SIGCHLD, (void *)7)));
	VAL("its memory is a copy", shared);
	STR("CLONE_VM", status_name(run(set_shared, CLONE_VM | SIGCHLD, (void *)8)));
	VAL("its memory is ours", shared);
	run(close_fd, SIGCHLD, (void *)(long)fd);
	RET("descriptors copied", fcntl(fd, F_GETFD));
	run(close_fd, CLONE_FILES | SIGCHLD, (void *)(long)fd);
	RET("CLONE_FILES", fcntl(fd, F_GETFD));
	getcwd(cwd, sizeof(cwd));
	run(move, SIGCHLD, NULL);
	YES("working directory copied", getcwd(cwd2, sizeof(cwd2)) && !strcmp(cwd, cwd2));
	run(move, CLONE_FS | SIGCHLD, NULL);
	STR("CLONE_FS: directory", getcwd(cwd2, sizeof(cwd2)));
	say("CLONE_FS: umask", "%#o", umask(022));
	chdir(cwd);
	run(set_handler, CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL);
	struct sigaction act;
	sigaction(SIGUSR1, NULL, &act);
	YES("CLONE_SIGHAND", act.sa_handler == SIG_IGN);
	STR("CLONE_CHILD_SETTID", status_name(run(see_tid, CLONE_CHILD_SETTID | SIGCHLD, NULL)));
	child_tid = 99;
	run(set_shared, CLONE_VM | CLONE_CHILD_CLEARTID | SIGCHLD, NULL);
	VAL("CLONE_CHILD_CLEARTID", child_tid);
	int pid = clone(set_shared, stack + sizeof(stack), CLONE_PARENT_SETTID | SIGCHLD, NULL, &parent_tid);
	YES("CLONE_PARENT_SETTID", parent_tid == pid);
	reap(pid);

	RET("CLONE_SIGHAND without VM", run(set_shared, CLONE_SIGHAND | SIGCHLD, NULL));
	STR("errno", err_name(errno));
	run(set_shared, CLONE_THREAD | CLONE_VM | SIGCHLD, NULL);
	STR("CLONE_THREAD without SIGHAND", err_name(errno));
	run(set_shared, CLONE_FS | CLONE_NEWNS | SIGCHLD, NULL);
	STR("CLONE_FS with NEWNS", err_name(errno));

	signal(SIGUSR2, note);
	pid = clone(set_shared, stack + sizeof(stack), SIGUSR2, NULL);
	RET("another exit signal: wait without __WALL", waitpid(pid, NULL, 0));
	YES("__WCLONE", waitpid(pid, NULL, __WCLONE) == pid);
	YES("it came", got == SIGUSR2);
	pid = clone(set_shared, stack + sizeof(stack), 0, NULL);
	YES("no exit signal", waitpid(pid, NULL, __WALL) == pid);
	APART(
		pid = clone(set_shared, stack + sizeof(stack), CLONE_PARENT | SIGCHLD, (void *)6);
		RET("CLONE_PARENT is no child of ours", waitpid(pid, NULL, 0));
	);
	int status;
	wait(&status);
	STR("but of our parent", status_name(status));

	/* clone3 */
	struct clone_args args = { .exit_signal = SIGCHLD };
	int pidfd = -1;
	pid = clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(11);
	STR("clone3", reap(pid));
	args.flags = CLONE_PIDFD;
	args.pidfd = (uintptr_t)&pidfd;
	pid = clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(12);
	YES("CLONE_PIDFD", pidfd >= 0);
	VAL("its FD_CLOEXEC", fcntl(pidfd, F_GETFD));
	STR("clone3 child", reap(pid));
	RET("clone3 too small", clone3(&args, 8));
	RET("clone3 too large", clone3(&args, 8192));
	struct { struct clone_args a; long extra; } larger = { .a = { .exit_signal = SIGCHLD } };
	pid = clone3(&larger.a, sizeof(larger));
	if (pid == 0)
		_exit(13);
	STR("clone3 with zeros behind", reap(pid));
	larger.extra = 1;
	RET("clone3 with more behind", clone3(&larger.a, sizeof(larger)));
	RET("clone3 at a bad address", clone3((void *)8, sizeof(args)));
	args = (struct clone_args){ .exit_signal = 200 };
	RET("clone3 bad exit signal", clone3(&args, sizeof(args)));
	args = (struct clone_args){ .exit_signal = SIGCHLD, .stack = 4096 };
	RET("clone3 stack without size", clone3(&args, sizeof(args)));
	args = (struct clone_args){ .flags = CLONE_DETACHED, .exit_signal = SIGCHLD };
	RET("clone3 CLONE_DETACHED", clone3(&args, sizeof(args)));
	signal(SIGHUP, note);
	args = (struct clone_args){ .flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD };
	pid = clone3(&args, sizeof(args));
	if (pid == 0) {
		sigaction(SIGHUP, NULL, &act);
		_exit(act.sa_handler == SIG_DFL ? 1 : 2);
	}
	STR("CLONE_CLEAR_SIGHAND", reap(pid));
	pid_t want = 31000;
	args = (struct clone_args){ .exit_signal = SIGCHLD, .set_tid = (uintptr_t)&want, .set_tid_size = 1 };
	pid = clone3(&args, sizeof(args));
	if (pid == 0)
		_exit(getpid() == 31000 ? 1 : 2);
	VAL("set_tid", pid);
	STR("its child", reap(pid));

	/* namespaces */
	APART(
		OK("unshare PID", unshare(CLONE_NEWPID));
		pid = fork();
		if (pid == 0)
			_exit(getpid());
		STR("pid in a new namespace", reap(pid));
		RET("fork after its init is dead", fork());
	);
	APART(
		OK("unshare UTS", unshare(CLONE_NEWUTS));
		sethostname("inside", 6);
		char name[64];
		gethostname(name, sizeof(name));
		STR("host name inside", name);
	);
	char host[64];
	gethostname(host, sizeof(host));
	YES("host name outside", strcmp(host, "inside"));
	OK("unshare FILES", unshare(CLONE_FILES));
	RET("unshare bad flags", unshare(1));
	APART(become(1000); RET("unshare UTS as a user", unshare(CLONE_NEWUTS)));
	prctl(PR_SET_NAME, "abi");
}
