/* The one executable of tests/abi, in three roles:
 *   abi NAME        runs the program NAME (in a fresh directory under /tmp), as the driver does
 *   abi @HELPER …   what the programs hand to execve
 *   /init           the first process of the guest: mounts the usual file systems, runs the
 *                   programs named in /list one after the other, prints `== begin NAME`, the
 *                   program's lines and `== end NAME: STATUS`, and powers off
 * The guest's side leans on little (fork, execve, wait4, open, read, write): a young kernel gets
 * its first answers early.  A program's lines go straight to the console, so that those printed
 * before a crash are not lost. */
#include "abi.h"
#include <dirent.h>
#include <ftw.h>
#include <grp.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/reboot.h>
#include <termios.h>

struct program {
	const char *name;
	void (*run)(void);
};

#define ABI_PROGRAM(noun) void abi_test_##noun(void);
#include "programs.inc"
#undef ABI_PROGRAM

static const struct program programs[] = {
#define ABI_PROGRAM(noun) { #noun, abi_test_##noun },
#include "programs.inc"
};

const char *abi_self = "/init";

/* ---- printing ---- */
void say(const char *name, const char *fmt, ...)
{
	char line[4096];
	int len = snprintf(line, sizeof(line), "%s: ", name);
	va_list args;

	va_start(args, fmt);
	len += vsnprintf(line + len, sizeof(line) - len - 1, fmt, args);
	va_end(args);
	if (len > (int)sizeof(line) - 2)
		len = sizeof(line) - 2;
	char shown[2 * sizeof(line)];
	int out = 0;
	for (int i = 0; i < len; i++) {
		if (line[i] == '\n') {
			shown[out++] = '|';
		} else if ((unsigned char)line[i] < 32) {
			shown[out++] = '^';
			shown[out++] = line[i] + 64;
		} else {
			shown[out++] = line[i];
		}
	}
	shown[out++] = '\n';
	if (write(1, shown, out) != out)
		_exit(99);
}

const char *err_name(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "E?";
}

const char *sig_name(int sig)
{
	static char text[4][32];
	static int turn;
	const char *abbrev = sigabbrev_np(sig);
	char *out = text[turn++ % 4];

	if (abbrev)
		snprintf(out, 32, "SIG%s", abbrev);
	else
		snprintf(out, 32, "signal %d", sig);
	return out;
}

const char *status_name(int status)
{
	static char text[4][64];
	static int turn;
	char *out = text[turn++ % 4];

	if (WIFEXITED(status))
		snprintf(out, 64, "exit %d", WEXITSTATUS(status));
	else if (WIFSIGNALED(status))
		snprintf(out, 64, "killed %s", sig_name(WTERMSIG(status)));
	else if (WIFSTOPPED(status))
		snprintf(out, 64, "stopped %s", sig_name(WSTOPSIG(status)));
	else if (WIFCONTINUED(status))
		snprintf(out, 64, "continued");
	else
		snprintf(out, 64, "status %#x", status);
	return out;
}

void abi_ret(const char *name, long ret)
{
	if (ret == -1)
		say(name, "%s", err_name(errno));
	else
		say(name, "%ld", ret);
}

void abi_ok(const char *name, long ret)
{
	say(name, "%s", ret == -1 ? err_name(errno) : "ok");
}

/* ---- children ---- */
int reap_status(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return 0x7f00 | errno;
	return status;
}

const char *reap(pid_t pid)
{
	return status_name(reap_status(pid));
}

void become(uid_t uid)
{
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		_exit(98);
}

void sleep_ms(long ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void until_asleep(pid_t tid)
{
	char path[64], text[512];

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	for (int i = 0; i < 1000; i++) {
		int fd = open(path, O_RDONLY);
		ssize_t len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

		if (fd < 0) {
			sleep_ms(100);
			return;
		}
		close(fd);
		text[len < 0 ? 0 : len] = 0;
		char *paren = strrchr(text, ')');
		if (paren && paren[2] == 'S')
			return;
		sleep_ms(5);
	}
}

/* ---- files ---- */
int must_(long ret, const char *what, int line)
{
	if (ret == -1) {
		say("must", "line %d: %s: %s", line, what, err_name(errno));
		_exit(97);
	}
	return ret;
}

void put_file(const char *path, const char *text, mode_t mode)
{
	int fd = MUST(open(path, O_CREAT | O_TRUNC | O_WRONLY, mode));

	MUST(fchmod(fd, mode));
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		MUST(-1);
	close(fd);
}

ssize_t poke_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	ssize_t ret = fd < 0 ? -1 : write(fd, text, strlen(text));
	int err = errno;

	close(fd);
	errno = err;
	return ret;
}

const char *get_file(const char *path)
{
	static char text[65537];
	size_t have = 0;
	int fd = open(path, O_RDONLY);

	text[0] = 0;
	if (fd < 0)
		return text;
	while (have < sizeof(text) - 1) {
		ssize_t len = read(fd, text + have, sizeof(text) - 1 - have);

		if (len <= 0)
			break;
		have += len;
	}
	text[have] = 0;
	close(fd);
	return text;
}

const char *get_field(const char *path, const char *key)
{
	static char value[256];
	char start[64];
	int len = snprintf(start, sizeof(start), "%s:", key);

	for (const char *line = get_file(path); line && *line; line = strchr(line, '\n')) {
		while (*line == '\n')
			line++;
		if (strncmp(line, start, len))
			continue;
		line += len + strspn(line + len, " \t");
		snprintf(value, sizeof(value), "%.*s", (int)strcspn(line, "\n"), line);
		return value;
	}
	return NULL;
}

char *fence(void)
{
	char *area = mmap(NULL, 2 * ABI_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (area == MAP_FAILED)
		MUST(-1);
	/* Not unmapped: the next mmap would take the hole. */
	MUST(mprotect(area + ABI_PAGE, ABI_PAGE, PROT_NONE));
	return area + ABI_PAGE;
}

/* ---- helpers for execve ---- */
static int helper_fds(void)
{
	char text[128] = "";

	for (int fd = 3; fd < 32; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d ", fd);
	say("open fds after exec", "%s", text);
	return 0;
}

static int helper_signals(void)
{
	char ignored[128] = "", blocked[128] = "";
	sigset_t set;

	sigprocmask(SIG_SETMASK, NULL, &set);
	for (int sig = 1; sig < 32; sig++) {
		struct sigaction act;

		if (!sigaction(sig, NULL, &act) && act.sa_handler != SIG_DFL)
			snprintf(ignored + strlen(ignored), 32, "%s ",
				 act.sa_handler == SIG_IGN ? sig_name(sig) : "handler");
		if (sigismember(&set, sig))
			snprintf(blocked + strlen(blocked), 32, "%s ", sig_name(sig));
	}
	say("ignored after exec", "%s", ignored);
	say("blocked after exec", "%s", blocked);
	return 0;
}

static int helper_ids(void)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;

	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	say("ids after exec", "uid %d %d %d gid %d %d %d secure %lu dumpable %d", r, e, s, rg, eg, sg,
	    getauxval(AT_SECURE), prctl(PR_GET_DUMPABLE));
	return 0;
}

static int helper(int argc, char **argv)
{
	const char *name = argv[1] + 1;

	if (!strncmp(name, "args", 4)) {
		for (int i = 0; i < argc; i++)
			if (i != 1 || name[4])
				say("arg", "%s", argv[i]);
		return argc;
	}
	if (!strcmp(name, "env")) {
		for (char **env = environ; *env; env++)
			say("env", "%s", *env);
		return 0;
	}
	if (!strcmp(name, "exit"))
		return atoi(argv[2]);
	if (!strcmp(name, "fds"))
		return helper_fds();
	if (!strcmp(name, "signals"))
		return helper_signals();
	if (!strcmp(name, "ids"))
		return helper_ids();
	if (!strcmp(name, "execfn")) {
		STR("execfn", (const char *)getauxval(AT_EXECFN));
		return 0;
	}
	if (!strcmp(name, "comm")) {
		char comm[17] = "";

		prctl(PR_GET_NAME, comm);
		STR("comm after exec", comm);
		return 0;
	}
	if (!strcmp(name, "sleep")) {
		sleep_ms(atoi(argv[2]));
		return 0;
	}
	if (!strcmp(name, "cat")) {
		char text[256];
		ssize_t len = read(atoi(argv[2]), text, sizeof(text) - 1);

		text[len < 0 ? 0 : len] = 0;
		say("read after exec", "%s", text);
		return 0;
	}
	return 127;
}

/* ---- one program ---- */
static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	remove(path);
	return 0;
}

static int run_program(const struct program *program)
{
	char dir[] = "/tmp/abi.XXXXXX";
	pid_t self = getpid();

	alarm(ABI_ALARM_S);
	umask(022);
	if (!mkdtemp(dir) || chdir(dir) || chmod(dir, 0755)) {
		say("must", "%s: %s", dir, err_name(errno));
		return 96;
	}
	program->run();
	if (getpid() != self)
		_exit(95);
	if (chdir("/") == 0)
		nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	return 0;
}

static int run_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(programs); i++)
		if (!strcmp(programs[i].name, name))
			return run_program(&programs[i]);
	say("no such program", "%s", name);
	return 127;
}

/* ---- the guest's first process ---- */
static volatile pid_t current;

static void too_late(int sig)
{
	(void)sig;
	kill(-current, SIGKILL);
}

static void end_leftovers(void)
{
	int status;

	/* What the program left behind, whatever its session, must not disturb the next one. */
	for (int tries = 0; tries < 100; tries++) {
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid < 0)
			return;
		if (pid == 0) {
			kill(-1, SIGKILL);
			sleep_ms(10);
		}
	}
}

static void drive_one(const char *name)
{
	char *argv[] = { "abi", (char *)name, NULL };
	char *envp[] = { "PATH=/bin", "ABI_SELF=/init", NULL };
	char path[128];
	int status = 0;

	dprintf(1, "== begin %s\n", name);
	snprintf(path, sizeof(path), "/dynamic/%s", name);
	if (access(path, X_OK) != 0)
		snprintf(path, sizeof(path), "/init");
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		execve(path, argv, envp);
		_exit(126);
	}
	current = pid;
	alarm(ABI_WATCH_S);
	while (wait4(pid, &status, 0, NULL) < 0 && errno == EINTR)
		;
	alarm(0);
	end_leftovers();
	dprintf(1, "== end %s: %s\n", name, status_name(status));
}

static void mount_all(void)
{
	static const char *const dirs[] = { "/proc", "/sys", "/dev", "/tmp" };
	static const char *const kinds[] = { "proc", "sysfs", "devtmpfs", "tmpfs" };

	for (size_t i = 0; i < ARRAY_LEN(dirs); i++) {
		mkdir(dirs[i], 0755);
		if (mount(kinds[i], dirs[i], kinds[i], 0, NULL) && errno != EBUSY)
			dprintf(1, "== note: mount %s: %s\n", dirs[i], err_name(errno));
	}
	chmod("/tmp", 01777);
	mkdir("/dev/pts", 0755);
	mkdir("/dev/shm", 01777);
	if (mount("devpts", "/dev/pts", "devpts", 0, "mode=620,ptmxmode=666"))
		dprintf(1, "== note: mount /dev/pts: %s\n", err_name(errno));
	if (mount("tmpfs", "/dev/shm", "tmpfs", 0, NULL))
		dprintf(1, "== note: mount /dev/shm: %s\n", err_name(errno));
}

static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR | O_NOCTTY);

	if (fd < 0)
		fd = open("/dev/ttyS0", O_RDWR | O_NOCTTY);
	for (int to = 1; fd >= 0 && to <= 2; to++)
		dup2(fd, to);
	if (fd > 2)
		close(fd);
	fd = open("/dev/null", O_RDWR);
	if (fd > 0) {
		dup2(fd, 0);
		close(fd);
	}
}

/* Debian's kernel has overlayfs as a module; the runner puts it here. */
static void load_modules(void)
{
	DIR *dir = opendir("/modules");
	struct dirent *entry;

	/* Twice: one may need another that comes behind it. */
	for (int round = 0; dir && round < 2; round++, rewinddir(dir)) {
		while ((entry = readdir(dir))) {
			if (entry->d_name[0] == '.')
				continue;
			int fd = openat(dirfd(dir), entry->d_name, O_RDONLY);

			if (syscall(SYS_finit_module, fd, !strcmp(entry->d_name, "dummy.ko") ? "numdummies=0" : "", 0) && errno != EEXIST && round)
				dprintf(1, "== note: module %s: %s\n", entry->d_name, err_name(errno));
			close(fd);
		}
	}
	if (dir)
		closedir(dir);
}

static void drive(void)
{
	static char list[16384];

	open_console();
	mount_all();
	open_console();
	load_modules();
	signal(SIGALRM, too_late);
	snprintf(list, sizeof(list), "%s", get_file("/list"));
	for (char *name = strtok(list, "\n"); name; name = strtok(NULL, "\n"))
		drive_one(name);
	dprintf(1, "== done\n");
	tcdrain(1);
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	if (getenv("ABI_SELF"))
		abi_self = getenv("ABI_SELF");
	else if (getpid() != 1)
		abi_self = realpath("/proc/self/exe", NULL);
	if (argc > 1 && argv[1][0] == '@')
		return helper(argc, argv);
	if (getpid() == 1 && (argc < 2 || strcmp(argv[0], "abi"))) {
		drive();
		return 0;
	}
	if (argc != 2) {
		dprintf(2, "usage: abi NAME\n");
		return 2;
	}
	return run_named(argv[1]);
}
