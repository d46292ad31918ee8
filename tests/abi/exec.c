/* execve and execveat: errors, arguments, environment, what survives. */
#include "abi.h"
#include <sys/prctl.h>

static char *const env_empty[] = { NULL };

static void run(const char *path, char *const argv[], char *const envp[])
{
	pid_t pid = fork();

	if (pid == 0) {
		execve(path, argv, envp);
		say("execve", "%s", err_name(errno));
		_exit(111);
	}
	STR("helper ended", reap(pid));
}

static void catch(int sig)
{
	(void)sig;
}

void abi_test(void)
{
	char *self = (char *)abi_self;
	char *args[] = { "zero", "@args", "", "two words", NULL };
	char *one[] = { "x", NULL };
	int fd;

	run(self, args, env_empty);
	run(self, (char *[]){ "abi", "@env", NULL }, (char *[]){ "A=1", "B=", "NOEQUALS", "A=2", NULL });
	run(self, (char *[]){ "abi", "@exit", "42", NULL }, NULL);

	RET("no such file", execve("missing", one, env_empty));
	RET("empty path", execve("", one, env_empty));
	RET("a directory", execve("/", one, env_empty));
	put_file("noexec", "\177ELF", 0644);
	RET("no x bit, even for root", execve("noexec", one, env_empty));
	RET("through a file", execve("noexec/x", one, env_empty));
	put_file("garbage", "garbage in here", 0755);
	RET("unknown format", execve("garbage", one, env_empty));
	put_file("empty", "", 0755);
	RET("empty file", execve("empty", one, env_empty));
	put_file("elf", "\177ELF\2\1\1", 0755);
	RET("cut ELF header", execve("elf", one, env_empty));
	symlink("loop", "loop");
	RET("symlink loop", execve("loop", one, env_empty));
	char *name = malloc(300);
	memset(name, 'a', 299);
	name[299] = 0;
	RET("long name", execve(name, one, env_empty));
	RET("bad path pointer", execve((char *)8, one, env_empty));
	RET("bad argv pointer", execve(self, (char **)8, env_empty));
	RET("bad argv member", execve(self, (char *[]){ (char *)8, NULL }, env_empty));
	RET("bad envp member", execve(self, one, (char *[]){ (char *)8, NULL }));
	size_t big_len = 131072 + 1;
	char *big = malloc(big_len);
	memset(big, 'b', big_len);
	big[big_len - 1] = 0;
	RET("argument of 128 KiB", execve(self, (char *[]){ "abi", big, NULL }, env_empty));
	big[big_len - 2] = 0;
	run(self, (char *[]){ "abi", "@exit", "6", big, NULL }, env_empty);
	char **many = calloc(60, sizeof(*many));
	big[big_len - 3] = 0;
	for (int i = 0; i < 59; i++)
		many[i] = big;
	RET("arguments over the whole limit", execve(self, many, env_empty));

	fd = MUST(open(self, O_WRONLY | O_CLOEXEC | O_NONBLOCK) == -1 ? 0 : -1);
	OK("write a running program", open(self, O_WRONLY));
	put_file("busy", "x", 0755);
	fd = open("busy", O_WRONLY | O_CLOEXEC);
	RET("execve of a file open for writing", execve("busy", one, env_empty));
	close(fd);

	/* descriptors */
	fd = open("/dev/null", O_RDONLY);
	dup2(fd, 10);
	dup2(fd, 11);
	dup3(fd, 12, O_CLOEXEC);
	fcntl(11, F_SETFD, FD_CLOEXEC);
	if (fd > 2)
		close(fd);
	run(self, (char *[]){ "abi", "@fds", NULL }, env_empty);

	put_file("text", "0123456789", 0644);
	fd = open("text", O_RDONLY);
	lseek(fd, 4, SEEK_SET);
	dup2(fd, 20);
	run(self, (char *[]){ "abi", "@cat", "20", NULL }, env_empty);

	/* signals: handlers go, ignored and blocked stay */
	APART(
		sigset_t set;
		signal(SIGUSR1, catch);
		signal(SIGUSR2, SIG_IGN);
		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_SETMASK, &set, NULL);
		execve(self, (char *[]){ "abi", "@signals", NULL }, env_empty);
	);

	/* a pending signal survives; the alarm survives */
	APART(
		sigset_t set;
		sigemptyset(&set);
		sigaddset(&set, SIGHUP);
		sigprocmask(SIG_SETMASK, &set, NULL);
		raise(SIGHUP);
		execve(self, (char *[]){ "abi", "@signals", NULL }, env_empty);
	);
	CHILD("alarm survives execve",
		struct itimerval soon = { { 0, 0 }, { 0, 100000 } };
		setitimer(ITIMER_REAL, &soon, NULL);
		execve(self, (char *[]){ "abi", "@sleep", "10000", NULL }, env_empty);
	);

	/* comm */
	symlink(self, "a-name-of-more-than-15-characters");
	run("a-name-of-more-than-15-characters", (char *[]){ "abi", "@comm", NULL }, env_empty);
	symlink(self, "link");
	run("./link", (char *[]){ "abi", "@execfn", NULL }, env_empty);

	/* execveat */
	int dir = open(".", O_RDONLY | O_DIRECTORY);
	APART(syscall(SYS_execveat, dir, "link", (char *[]){ "abi", "@exit", "3", NULL }, env_empty, 0);
		STR("execveat", err_name(errno)));
	CHILD("execveat by name", syscall(SYS_execveat, dir, "link",
		(char *[]){ "abi", "@exit", "3", NULL }, env_empty, 0));
	CHILD("execveat by descriptor", syscall(SYS_execveat, open(self, O_PATH), "",
		(char *[]){ "abi", "@exit", "4", NULL }, env_empty, AT_EMPTY_PATH));
	RET("execveat empty path without the flag", syscall(SYS_execveat, dir, "", one, env_empty, 0));
	RET("execveat NOFOLLOW of a symlink", syscall(SYS_execveat, dir, "link", one, env_empty, AT_SYMLINK_NOFOLLOW));
	RET("execveat bad flags", syscall(SYS_execveat, dir, "link", one, env_empty, 0x8000));
	RET("execveat bad fd", syscall(SYS_execveat, 99, "link", one, env_empty, 0));
	APART(syscall(SYS_execveat, dir, "link", (char *[]){ "abi", "@execfn", NULL }, env_empty, 0));
	APART(
		become(1000);
		put_file("/tmp/.private", "#!/bin/sh\n", 0600);
		RET("no permission", execve("/tmp/.private", one, env_empty));
		unlink("/tmp/.private");
	);
	CHILD("argc 0 becomes an empty string", execve(self, (char *[]){ NULL }, env_empty));
}
