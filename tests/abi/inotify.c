/* inotify. */
#include "abi.h"
#include <sys/inotify.h>

static int in;

static void events(const char *name)
{
	char buf[4096] __attribute__((aligned(8))), text[512] = "";
	ssize_t len = read(in, buf, sizeof(buf));

	for (ssize_t at = 0; at < len;) {
		struct inotify_event *e = (void *)(buf + at);

		snprintf(text + strlen(text), 100, "%#x%s%s%s ", e->mask, e->len ? ":" : "", e->len ? e->name : "", e->cookie ? "*" : "");
		at += sizeof(*e) + e->len;
	}
	say(name, "%s", len < 0 ? err_name(errno) : text);
}

void abi_test(void)
{
	char buf[64];
	int wd, fd;

	in = MUST(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
	RET("bad flags", inotify_init1(1));
	mkdir("d", 0755);
	RET("watch", wd = inotify_add_watch(in, "d", IN_ALL_EVENTS));
	RET("again", inotify_add_watch(in, "d", IN_ALL_EVENTS));
	RET("missing", inotify_add_watch(in, "nix", IN_ALL_EVENTS));
	RET("no events", inotify_add_watch(in, "d", 0));
	RET("IN_MASK_CREATE on one", inotify_add_watch(in, "d", IN_CREATE | IN_MASK_CREATE));
	RET("bad descriptor", inotify_add_watch(0, "d", IN_CREATE));
	events("nothing");
	fd = open("d/f", O_CREAT | O_RDWR, 0600);
	events("create and open");
	write(fd, "x", 1);
	events("write");
	pread(fd, buf, 1, 0);
	events("read");
	ftruncate(fd, 0);
	events("truncate");
	fchmod(fd, 0644);
	events("chmod");
	close(fd);
	events("close");
	rename("d/f", "d/g");
	events("rename");
	link("d/g", "d/h");
	events("link");
	unlink("d/h");
	events("unlink");
	mkdir("d/sub", 0755);
	events("mkdir");
	rmdir("d/sub");
	events("rmdir");
	rename("d/g", "out");
	events("move out");
	fd = open("d", O_RDONLY);
	close(fd);
	events("open of the directory");
	int a = open("out", O_WRONLY);
	write(a, "1", 1);
	rename("out", "d/in");
	events("move in");
	write(a, "2", 1);
	write(a, "3", 1);
	events("equal events merge");
	close(a);
	events("close for writing");
	RET("read with a small buffer", ({ unlink("d/in"); read(in, buf, 8); }));
	events("they stay");
	int n = 0;
	mkdir("d/x", 0755);
	ioctl(in, 0x541b, &n);
	VAL("FIONREAD", n);
	events("mkdir");
	rmdir("d/x");
	events("rmdir");
	rmdir("d");
	events("the watched directory goes");
	RET("remove the watch of it", inotify_rm_watch(in, wd));
	put_file("f", "", 0644);
	wd = inotify_add_watch(in, "f", IN_MODIFY | IN_ONESHOT);
	put_file("f", "abc", 0644);
	events("one-shot");
	put_file("f", "abcd", 0644);
	events("after it");
	wd = inotify_add_watch(in, "f", IN_CLOSE);
	OK("remove", inotify_rm_watch(in, wd));
	events("IN_IGNORED");
	RET("IN_ONLYDIR on a file", inotify_add_watch(in, "f", IN_CREATE | IN_ONLYDIR));
	struct pollfd p = { in, POLLIN, 0 };
	RET("poll nothing", poll(&p, 1, 0));
	RET("write", write(in, "x", 1));
}
