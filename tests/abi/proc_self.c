/* /proc/self: stat, status, maps, fd, exe, cwd, root, cmdline, comm, environ, limits, mem. */
#include "abi.h"
#include <dirent.h>

static void field(const char *key)
{
	char name[64];

	snprintf(name, sizeof(name), "status %s", key);
	STR(name, get_field("/proc/self/status", key) ?: "(missing)");
}

static const char *link_of(const char *path)
{
	static char text[PATH_MAX];
	ssize_t len = readlink(path, text, sizeof(text) - 1);

	text[len < 0 ? 0 : len] = 0;
	return len < 0 ? err_name(errno) : text;
}

void abi_test(void)
{
	char cwd[PATH_MAX], text[256], path[64];
	struct stat st;
	int pid, ppid, pgrp, session, tty, fd;
	char comm[64], state;

	MUST(sscanf(get_file("/proc/self/stat"), "%d (%63[^)]) %c %d %d %d %d", &pid, comm, &state, &ppid, &pgrp, &session, &tty) == 7 ? 0 : -1);
	say("stat", "pid %d comm %s state %c ppid %d pgrp %d session %d tty %d", pid == getpid(), comm, state,
	    ppid == getppid(), pgrp == getpgrp(), session == getsid(0), tty);
	int fields = 0;
	for (const char *s = get_file("/proc/self/stat"); *s; s++)
		fields += *s == ' ';
	VAL("stat's fields", fields + 1);
	field("Name");
	field("Umask");
	field("State");
	field("Uid");
	field("Gid");
	field("Groups");
	field("Threads");
	field("TracerPid");
	field("NoNewPrivs");
	field("Seccomp");
	field("FDSize");
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, (void (*)(int))(void *)abi_test);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGHUP);
	field("SigBlk");
	field("SigIgn");
	field("SigCgt");
	field("ShdPnd");
	field("SigPnd");
	field("CapEff");
	field("CapBnd");
	field("CapInh");
	YES("VmRSS is a number of kB", strstr(get_field("/proc/self/status", "VmRSS") ?: "", " kB"));
	YES("Pid", atoi(get_field("/proc/self/status", "Pid") ?: "0") == getpid());

	YES("exe", !strcmp(link_of("/proc/self/exe"), abi_self));
	getcwd(cwd, sizeof(cwd));
	YES("cwd", !strcmp(link_of("/proc/self/cwd"), cwd));
	STR("root", link_of("/proc/self/root"));
	fd = open("/proc/self/cmdline", O_RDONLY);
	ssize_t len = read(fd, text, sizeof(text));
	YES("cmdline", len >= 14 && !memcmp(text, "abi\0proc_self", 14));
	fd = open("/proc/self/environ", O_RDONLY);
	len = read(fd, text, sizeof(text));
	YES("environ", len > 5 && !memcmp(text, "PATH=", 5));
	STR("comm", get_file("/proc/self/comm"));
	put_file("file", "x", 0600);
	fd = open("file", O_RDWR | O_APPEND);
	lseek(fd, 1, SEEK_SET);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	YES("fd link", !strncmp(link_of(path), cwd, strlen(cwd)) && !strcmp(link_of(path) + strlen(cwd), "/file"));
	lstat(path, &st);
	say("its mode", "%#o", st.st_mode);
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	say("fdinfo", "pos %s", get_field(path, "pos") ?: "?");
	say("fdinfo", "flags %s", get_field(path, "flags") ?: "?");
	unlink("file");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	YES("a removed file", strstr(link_of(path), "/file (deleted)"));
	int again = open(path, O_RDONLY);
	OK("can be opened again", again);
	VAL("with an offset of its own", lseek(again, 0, SEEK_CUR));
	int p[2];
	pipe(p);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", p[0]);
	YES("a pipe", !strncmp(link_of(path), "pipe:[", 6));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	YES("a socket", !strncmp(link_of(path), "socket:[", 8));
	STR("a closed one", link_of("/proc/self/fd/999"));

	/* maps */
	char *m = mmap((void *)0x600000000000, 2 * ABI_PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	mmap(m + 16 * ABI_PAGE, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, again, 0);
	const char *maps = get_file("/proc/self/maps");
	YES("a mapping", strstr(maps, "600000000000-600000002000 r--p 00000000 00:00 0"));
	YES("stack", strstr(maps, "[stack]"));
	YES("vdso", strstr(maps, "[vdso]"));
	YES("program", strstr(maps, abi_self));
	mprotect(m + ABI_PAGE, ABI_PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	maps = get_file("/proc/self/maps");
	YES("split", strstr(maps, "600000000000-600000001000 r--p") && strstr(maps, "600000001000-600000002000 rwxp"));
	YES("smaps", strstr(get_file("/proc/self/smaps"), "Rss:"));
	fd = open("/proc/self/mem", O_RDWR);
	int word = 1234, copy = 0;
	RET("mem read", pread(fd, &copy, 4, (off_t)(uintptr_t)&word));
	VAL("its value", copy);
	copy = 99;
	RET("mem write", pwrite(fd, &copy, 4, (off_t)(uintptr_t)&word));
	VAL("written", *(volatile int *)&word);
	RET("mem of a hole", pread(fd, &copy, 4, 0x10000));
	int dir = open("/proc/self/task", O_RDONLY);
	DIR *d = fdopendir(dir);
	int n = 0;
	while (readdir(d))
		n++;
	VAL("task entries", n);
	YES("limits", strstr(get_file("/proc/self/limits"), "Max open files            1024                 4096                 files"));
	YES("statm", atoi(get_file("/proc/self/statm")) > 100);
	YES("mountinfo", strstr(get_file("/proc/self/mountinfo"), " / /tmp "));
	YES("mounts", strstr(get_file("/proc/mounts"), "tmpfs /tmp tmpfs rw,"));
	STR("oom_score_adj", get_file("/proc/self/oom_score_adj"));
	RET("write oom_score_adj", poke_file("/proc/self/oom_score_adj", "500"));
	STR("oom_score_adj then", get_file("/proc/self/oom_score_adj"));
	YES("io or its absence", access("/proc/self/io", F_OK) == 0 || errno == ENOENT);
	/* other processes */
	pid_t kid = fork();
	if (kid == 0)
		for (;;)
			pause();
	until_asleep(kid);
	snprintf(path, sizeof(path), "/proc/%d/status", kid);
	STR("a sleeper's state", get_field(path, "State"));
	kill(kid, SIGSTOP);
	waitpid(kid, NULL, WUNTRACED);
	STR("a stopped one's", get_field(path, "State"));
	kill(kid, SIGKILL);
	siginfo_t info;
	waitid(P_PID, kid, &info, WEXITED | WNOWAIT);
	STR("a zombie's", get_field(path, "State"));
	snprintf(path, sizeof(path), "/proc/%d/exe", kid);
	STR("a zombie's exe", link_of(path));
	snprintf(path, sizeof(path), "/proc/%d/cmdline", kid);
	STR("a zombie's cmdline", get_file(path));
	snprintf(path, sizeof(path), "/proc/%d", kid);
	fd = open(path, O_RDONLY | O_DIRECTORY);
	reap(kid);
	RET("its directory when it is gone", openat(fd, "status", O_RDONLY));
	RET("and by name", access(path, F_OK));
	APART(become(1000); STR("root's exe for a user", link_of("/proc/1/exe")));
	RET("mkdir in /proc", mkdir("/proc/x", 0755));
	RET("create in /proc", open("/proc/x", O_CREAT | O_RDWR, 0600));
	RET("unlink in /proc", unlink("/proc/self/status"));
	RET("a missing process", access("/proc/4194305", F_OK));
	RET("/proc/self/fd of a bad name", access("/proc/self/fd/abc", F_OK));
	say("/proc/self", "%d", atoi(link_of("/proc/self")) == getpid());
	snprintf(text, sizeof(text), "%d/task/%d", getpid(), gettid());
	YES("/proc/thread-self", !strcmp(link_of("/proc/thread-self"), text));
}
