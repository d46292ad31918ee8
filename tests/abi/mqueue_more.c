/* POSIX message queues: notices, deadlines, limits, permissions, the file system. */
#include "abi.h"
#include <dirent.h>
#include <mqueue.h>

static volatile sig_atomic_t got_signal, got_code, got_value;

static void on_signal(int sig, siginfo_t *info, void *context)
{
	got_signal++;
	got_code = info->si_code;
	got_value = info->si_value.sival_int;
}

static void ignore_it(int sig)
{
}

static void notices(void)
{
	mqd_t q = mq_open("/n", O_CREAT | O_RDWR, 0600, NULL);
	struct sigaction sa = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };
	struct sigevent ev = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77 };
	struct mq_attr a;
	char text[8192];

	sigaction(SIGUSR1, &sa, NULL);
	mq_getattr(q, &a);
	say("defaults", "%ld %ld", a.mq_maxmsg, a.mq_msgsize);
	RET("notify", mq_notify(q, &ev));
	RET("notify again", mq_notify(q, &ev));
	APART(RET("a child's", mq_notify(q, &ev)); RET("a child's end of it", mq_notify(q, NULL)));
	mq_send(q, "one", 3, 0);
	say("signals", "%d code %d value %d", got_signal, got_code, got_value);
	RET("not while messages are there", mq_notify(q, &ev));
	mq_send(q, "two", 3, 0);
	VAL("signals", got_signal);
	mq_receive(q, text, sizeof(text), NULL);
	mq_receive(q, text, sizeof(text), NULL);
	pid_t pid = fork();
	if (pid == 0)
		_exit((int)mq_receive(q, text, sizeof(text), NULL));
	until_asleep(pid);
	mq_send(q, "three", 5, 0);
	STR("a receiver comes first", reap(pid));
	VAL("signals", got_signal);
	mq_send(q, "", 0, 0);
	VAL("signals", got_signal);
	RET("empty message", mq_receive(q, text, sizeof(text), NULL));
	ev.sigev_signo = 99;
	RET("bad signal", mq_notify(q, &ev));
	ev.sigev_notify = 9;
	RET("bad kind", mq_notify(q, &ev));
	ev.sigev_notify = SIGEV_NONE;
	RET("none", mq_notify(q, &ev));
	APART(RET("busy", mq_notify(q, &ev)));
	mq_close(dup(q));
	APART(RET("closed", mq_notify(q, &ev)));
	RET("not a queue", mq_notify(0, NULL));
	mq_close(q);
	mq_unlink("/n");
}

static void deadlines(void)
{
	struct mq_attr a = { .mq_maxmsg = 1, .mq_msgsize = 8 };
	mqd_t q = mq_open("/d", O_CREAT | O_RDWR, 0600, &a);
	struct timespec past = { 1, 0 }, soon, bad = { 1, 1000000000 };
	char text[8];

	clock_gettime(CLOCK_REALTIME, &soon);
	soon.tv_nsec += 20000000;
	if (soon.tv_nsec >= 1000000000)
		soon.tv_sec++, soon.tv_nsec -= 1000000000;
	RET("past", mq_timedreceive(q, text, 8, NULL, &past));
	RET("soon", mq_timedreceive(q, text, 8, NULL, &soon));
	RET("bad", mq_timedreceive(q, text, 8, NULL, &bad));
	mq_send(q, "x", 1, 0);
	RET("full", mq_timedsend(q, "x", 1, 0, &past));
	RET("past, but there", mq_timedreceive(q, text, 8, NULL, &past));
	pid_t pid = fork();
	if (pid == 0) {
		struct sigaction sa = { .sa_handler = ignore_it };
		sigaction(SIGUSR2, &sa, NULL);
		RET("interrupted", mq_receive(q, text, 8, NULL));
		_exit(0);
	}
	until_asleep(pid);
	kill(pid, SIGUSR2);
	reap(pid);
	mq_send(q, "x", 1, 0);
	pid = fork();
	if (pid == 0)
		_exit(mq_send(q, "yy", 2, 0));
	until_asleep(pid);
	VAL("first", mq_receive(q, text, 8, NULL));
	STR("a sender waited", reap(pid));
	VAL("second", mq_receive(q, text, 8, NULL));
	mq_unlink("/d");
}

static void access_rights(void)
{
	struct mq_attr a = { .mq_maxmsg = 2, .mq_msgsize = 8 }, old;
	mqd_t q = mq_open("/p", O_CREAT | O_WRONLY, 0, &a);
	char text[8];

	OK("made without rights", q);
	RET("receive from a write end", mq_receive(q, text, 8, NULL));
	HEX("close on exec", fcntl(q, F_GETFD));
	HEX("flags", fcntl(q, F_GETFL) & ~0100000);
	a.mq_flags = O_NONBLOCK;
	RET("set", mq_setattr(q, &a, &old));
	HEX("old flags", old.mq_flags);
	mq_getattr(q, &old);
	HEX("new flags", old.mq_flags);
	a.mq_flags = O_APPEND;
	RET("set others", mq_setattr(q, &a, &old));
	APART(become(1000);
	      RET("open another's", mq_open("/p", O_RDONLY));
	      RET("unlink another's", mq_unlink("/p"));
	      a.mq_flags = 0; a.mq_maxmsg = 11;
	      RET("too many", mq_open("/q", O_CREAT | O_RDWR, 0600, &a));
	      a.mq_maxmsg = 10; a.mq_msgsize = 8193;
	      RET("too large", mq_open("/q", O_CREAT | O_RDWR, 0600, &a));
	      struct rlimit none = { 100, 100 };
	      setrlimit(RLIMIT_MSGQUEUE, &none);
	      RET("over the limit", mq_open("/q", O_CREAT | O_RDWR, 0600, NULL)));
	RET("both modes", mq_open("/p", O_RDWR | O_WRONLY));
	RET("dot", syscall(SYS_mq_open, ".", O_RDONLY, 0, NULL));
	RET("nothing", syscall(SYS_mq_open, "", O_RDONLY, 0, NULL));
	char longer[300];
	memset(longer, 'a', 299);
	longer[299] = 0;
	RET("long name", syscall(SYS_mq_open, longer, O_RDONLY, 0, NULL));
	RET("attributes nowhere", syscall(SYS_mq_open, "p", O_RDONLY, 0, 8));
	RET("unlink nothing", syscall(SYS_mq_unlink, "nothing"));
	mq_unlink("/p");
}

static void files(void)
{
	mqd_t q = mq_open("/f", O_CREAT | O_RDWR | O_NONBLOCK, 0640, NULL);
	char text[8192];
	struct stat st;

	mkdir("m", 0755);
	RET("mount", mount("none", "m", "mqueue", 0, NULL));
	stat("m", &st);
	HEX("directory", st.st_mode);
	stat("m/f", &st);
	HEX("mode", st.st_mode);
	VAL("size", st.st_size);
	mq_send(q, "12345", 5, 0);
	say("text", "%s", get_file("m/f"));
	DIR *d = opendir("m");
	for (struct dirent *e; (e = readdir(d)) != NULL;)
		if (e->d_name[0] != '.')
			say("entry", "%s type %d", e->d_name, e->d_type);
	closedir(d);
	RET("make by open", close(open("m/g", O_CREAT | O_RDWR, 0600)));
	OK("open it", mq_open("/g", O_RDWR));
	RET("receive from a file", mq_receive(open("m/f", O_RDWR), text, sizeof(text), NULL));
	RET("write", write(q, "x", 1));
	RET("unlink", unlink("m/g"));
	RET("unlinked", mq_open("/g", O_RDWR));
	RET("mkdir", mkdir("m/d", 0700));
	char link[64], name[64];
	snprintf(name, sizeof(name), "/proc/self/fd/%d", (int)q);
	ssize_t n = readlink(name, link, sizeof(link));
	say("descriptor", "%.*s", (int)n, link);
	mq_unlink("/f");
	RET("unmount", umount("m"));
	say("queues_max", "%s", get_file("/proc/sys/fs/mqueue/queues_max"));
	say("msg_max", "%s", get_file("/proc/sys/fs/mqueue/msg_max"));
}

void abi_test(void)
{
	notices();
	deadlines();
	access_rights();
	files();
}
