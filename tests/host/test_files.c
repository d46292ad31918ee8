#define _GNU_SOURCE
/*
 * File systems and what stands on files, through system calls on the library: procfs, sysfs, tmpfs, overlayfs, character devices, locks, timers,
 * splicing, asynchronous reads, mounts by descriptors and their propagation.  What is expected is what the man pages say, section 2, 4 and 5.
 *
 * tests/abi asks the same of a guest, with Debian's answers beside it; here the sanitizers watch.
 */
#include <dirent.h>
#include <linux/aio_abi.h>
#include <linux/mount.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/timerfd.h>
#include <sys/utsname.h>
#include "tests/host/host.h"

enum { NAMES = 8, ROOM = PAGE / NAMES, BUF = 65536, DEPTH = 6 };

static uint64_t names, buf;
static unsigned turn;

/* A string in user memory until NAMES others were made. */
static uint64_t str(const char *s)
{
	uint64_t at = names + turn++ % NAMES * ROOM;

	CHECK(strlen(s) < ROOM && !auk_put(at, s, strlen(s) + 1));
	return at;
}

#define CALL(nr, path, ...) auk_syscall(SYS_##nr, str(path), ##__VA_ARGS__)

static void begin(unsigned cpus)
{
	CHECK_EQ(auk_start(&(struct auk_config){ .seed = 3, .cpus = cpus, .console = keep_log }), 0);
	names = auk_alloc(PAGE);
	buf = auk_alloc(BUF);
	CHECK(names && buf);
}

static void mount_at(const char *type, const char *dir)
{
	(void)CALL(mkdir, dir, 0755);
	CHECK_EQ(auk_syscall(SYS_mount, str(type), str(dir), str(type), 0, 0), 0);
}

/* What a file holds, up to BUF - 1 bytes. Return: -errno, or the length */
static char text[BUF];

static long read_file(const char *path)
{
	long fd = CALL(open, path, O_RDONLY | O_NONBLOCK), n, at = 0;

	text[0] = 0;
	if (fd < 0)
		return fd;
	while (at < BUF - 1 && (n = auk_syscall(SYS_read, fd, buf, (uint64_t)(BUF - 1 - at))) > 0) {
		CHECK_EQ(auk_get(text + at, buf, (size_t)n), 0);
		at += n;
	}
	text[at] = 0;
	CHECK_EQ(auk_syscall(SYS_close, fd), 0);
	return at;
}

static void write_file(const char *path, const char *what)
{
	long fd = CALL(open, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(auk_syscall(SYS_write, fd, str(what), strlen(what)), (long)strlen(what));
	CHECK_EQ(auk_syscall(SYS_close, fd), 0);
}

static void holds(const char *path, const char *what)
{
	CHECK(read_file(path) >= 0);
	if (strcmp(text, what)) {
		fprintf(stderr, "%s holds '%s', not '%s'\n", path, text, what);
		_exit(1);
	}
}

static void has(const char *path, const char *part)
{
	CHECK(read_file(path) > 0);
	if (strstr(text, part))
		return;
	fprintf(stderr, "%s has no '%s': %s\n", path, part, text);
	_exit(1);
}

static struct stat stat_of(const char *path)
{
	struct stat st;

	CHECK_EQ(CALL(lstat, path, buf), 0);
	CHECK_EQ(auk_get(&st, buf, sizeof(st)), 0);
	return st;
}

/* Names of a directory, sorted, with a blank after each, . and .. left out. */
static const char *listing(const char *path)
{
	static char sorted[4096];
	char got[8192], *name[256];
	unsigned count = 0;
	long fd = CALL(open, path, O_RDONLY | O_DIRECTORY), n;

	CHECK(fd >= 0);
	n = auk_syscall(SYS_getdents64, fd, buf, sizeof(got));
	CHECK(n >= 0 && !auk_get(got, buf, (size_t)n));
	CHECK_EQ(auk_syscall(SYS_close, fd), 0);
	for (long at = 0; at < n && count < 256;) {
		unsigned short len;

		memcpy(&len, got + at + 16, 2);
		if (strcmp(got + at + 19, ".") && strcmp(got + at + 19, ".."))
			name[count++] = got + at + 19;
		at += len;
	}
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = i + 1; k < count; k++)
			if (strcmp(name[i], name[k]) > 0) {
				char *other = name[i];

				name[i] = name[k];
				name[k] = other;
			}
	sorted[0] = 0;
	for (unsigned i = 0; i < count; i++)
		snprintf(sorted + strlen(sorted), sizeof(sorted) - strlen(sorted), "%s ", name[i]);
	return sorted;
}

/* Read each file and link below @path. Return: how many there were. An error must be one that man pages name for such files */
static unsigned read_tree(const char *path, unsigned depth)
{
	static char dents[DEPTH + 1][16384];
	char *got = dents[depth], child[ROOM];
	long fd = CALL(open, path, O_RDONLY | O_DIRECTORY), n;
	unsigned seen = 0;

	if (fd < 0)
		return 0;
	n = auk_syscall(SYS_getdents64, fd, buf, sizeof(dents[0]));
	CHECK(n >= 0 && !auk_get(got, buf, (size_t)n));
	CHECK_EQ(auk_syscall(SYS_close, fd), 0);
	for (long at = 0; at < n;) {
		const char *name = got + at + 19;
		unsigned short len;

		memcpy(&len, got + at + 16, 2);
		at += len;
		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		if (snprintf(child, sizeof(child), "%s/%s", path, name) >= (int)sizeof(child))
			continue;
		if (CALL(lstat, child, buf) == -ENOENT)
			continue;		/* the descriptor that read this listing */
		struct stat st = stat_of(child);

		seen++;
		if (S_ISDIR(st.st_mode) && depth < DEPTH) {
			seen += read_tree(child, depth + 1);
		} else if (S_ISLNK(st.st_mode)) {
			long n = CALL(readlink, child, buf, BUF);

			CHECK(n > 0 || n == -ENOENT);	/* exe: process 1 here executed nothing */
		} else if (S_ISREG(st.st_mode) && st.st_mode & 0444) {
			long got_n = read_file(child);

			CHECK(got_n >= 0 || got_n == -EINVAL || got_n == -EIO || got_n == -EPERM || got_n == -EACCES || got_n == -EAGAIN);
		}
	}
	return seen;
}

/* ---- procfs, sysfs ---- */

static uint64_t proc(uint64_t arg)
{
	struct utsname u;

	begin(2);
	mount_at("proc", "/proc");
	CHECK(read_tree("/proc", 0) > 100);
	has("/proc/self/status", "\nPid:\t1\n");
	has("/proc/self/stat", "1 (");
	has("/proc/meminfo", "MemTotal:");
	has("/proc/mounts", "proc /proc proc ");
	has("/proc/filesystems", "nodev\ttmpfs\n");
	has("/proc/cpuinfo", "model name\t: ");
	has("/proc/stat", "\nbtime ");
	has("/proc/self/mountinfo", " /proc ");
	has("/proc/version", "Linux version 6.1.0-auk");
	CHECK_EQ(CALL(readlink, "/proc/self", buf, BUF), 1);
	holds("/proc/sys/kernel/ostype", "Linux\n");
	write_file("/proc/sys/kernel/hostname", "elsewhere");
	CHECK_EQ(auk_syscall(SYS_uname, buf), 0);
	CHECK_EQ(auk_get(&u, buf, sizeof(u)), 0);
	CHECK(!strcmp(u.nodename, "elsewhere"));
	long fd = CALL(open, "/proc/sys/kernel/ostype", O_WRONLY);
	CHECK(fd == -EACCES || fd == -EPERM || auk_syscall(SYS_write, fd, str("x"), 1) < 0);
	CHECK_EQ(CALL(mkdir, "/proc/made", 0755), -ENOENT);
	fd = CALL(open, "/proc/self/maps", O_RDONLY);
	CHECK(fd >= 0);
	char link[48];
	snprintf(link, sizeof(link), "/proc/self/fd/%ld", fd);
	long n = CALL(readlink, link, buf, BUF);
	CHECK(n > 0 && !auk_get(text, buf, (size_t)n));
	CHECK(!memcmp(text + n - 5, "/maps", 5));
	return 0;
}

static void test_proc(void **state) { in_child(proc, 0); }

static uint64_t sys(uint64_t arg)
{
	begin(2);
	mount_at("sysfs", "/sys");
	mount_at("devtmpfs", "/dev");
	CHECK(read_tree("/sys", 0) > 30);
	holds("/sys/devices/system/cpu/online", "0-1\n");
	CHECK_EQ(CALL(mkdir, "/sys/made", 0755), -EPERM);
	CHECK_EQ(CALL(unlink, "/sys/devices/system/cpu/online"), -EPERM);
	return 0;
}

static void test_sys(void **state) { in_child(sys, 0); }

/* ---- character devices: mem(4), random(4), null(4) ---- */

static uint64_t devices(uint64_t arg)
{
	unsigned char bytes[64], zero[64] = { 0 };

	begin(1);
	mount_at("devtmpfs", "/dev");
	struct stat st = stat_of("/dev/null");
	CHECK(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
	long fd = CALL(open, "/dev/zero", O_RDWR);
	CHECK_EQ(auk_put(buf, "garbage", 7), 0);
	CHECK_EQ(auk_syscall(SYS_read, fd, buf, 64), 64);
	CHECK(!auk_get(bytes, buf, 64) && !memcmp(bytes, zero, 64));
	CHECK_EQ(auk_syscall(SYS_write, fd, buf, 64), 64);
	fd = CALL(open, "/dev/null", O_RDWR);
	CHECK_EQ(auk_syscall(SYS_read, fd, buf, 64), 0);
	CHECK_EQ(auk_syscall(SYS_write, fd, buf, 64), 64);
	fd = CALL(open, "/dev/full", O_RDWR);
	CHECK_EQ(auk_syscall(SYS_read, fd, buf, 64), 64);
	CHECK_EQ(auk_syscall(SYS_write, fd, buf, 1), -ENOSPC);
	fd = CALL(open, "/dev/urandom", O_RDONLY);
	CHECK_EQ(auk_syscall(SYS_read, fd, buf, 64), 64);
	CHECK(!auk_get(bytes, buf, 64) && memcmp(bytes, zero, 64));
	CHECK_EQ(auk_syscall(SYS_getrandom, buf, 64, 0), 64);
	CHECK_EQ(auk_syscall(SYS_getrandom, buf, 64, 0x80), -EINVAL);
	fd = CALL(open, "/dev/kmsg", O_RDWR | O_NONBLOCK);
	CHECK(fd >= 0);
	CHECK(auk_syscall(SYS_write, fd, str("said by a test"), 14) == 14);
	bool found = false;
	for (long n; (n = auk_syscall(SYS_read, fd, buf, 4096)) > 0;) {
		CHECK(!auk_get(text, buf, (size_t)n));
		text[n] = 0;
		found |= strstr(text, ";said by a test\n") != NULL;
	}
	CHECK(found);
	CHECK_EQ(auk_syscall(SYS_read, fd, buf, 4096), -EAGAIN);
	return 0;
}

static void test_devices(void **state) { in_child(devices, 0); }

/* ---- tmpfs(5) ---- */

static uint64_t tmpfs(uint64_t arg)
{
	begin(1);
	(void)CALL(mkdir, "/t", 0755);
	CHECK_EQ(auk_syscall(SYS_mount, str("x"), str("/t"), str("tmpfs"), 0, str("size=64k,nr_inodes=8,mode=700,uid=5,gid=6")), 0);
	struct stat st = stat_of("/t");
	CHECK(st.st_uid == 5 && st.st_gid == 6 && (st.st_mode & 07777) == 0700);
	long fd = CALL(open, "/t/f", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(auk_syscall(SYS_write, fd, buf, 65536), 65536);
	CHECK_EQ(auk_syscall(SYS_pwrite64, fd, buf, 4096, 65536), -ENOSPC);
	CHECK_EQ(auk_syscall(SYS_ftruncate, fd, 1 << 20), 0);
	CHECK_EQ(auk_syscall(SYS_lseek, fd, 0, SEEK_HOLE), 65536);
	CHECK_EQ(auk_syscall(SYS_fallocate, fd, 3, 0, 8192), 0);	/* punch a hole */
	CHECK_EQ(auk_syscall(SYS_lseek, fd, 0, SEEK_DATA), 8192);
	CHECK_EQ(auk_syscall(SYS_setxattr, str("/t/f"), str("trusted.k"), str("value"), 5, 0), 0);
	CHECK_EQ(auk_syscall(SYS_getxattr, str("/t/f"), str("trusted.k"), buf, 100), 5);
	CHECK_EQ(auk_syscall(SYS_listxattr, str("/t/f"), buf, 100), 10);
	CHECK_EQ(auk_syscall(SYS_setxattr, str("/t/f"), str("trusted.k"), str("v"), 1, 1), -EEXIST);
	CHECK_EQ(auk_syscall(SYS_removexattr, str("/t/f"), str("trusted.k")), 0);
	CHECK_EQ(auk_syscall(SYS_getxattr, str("/t/f"), str("trusted.k"), buf, 100), -ENODATA);
	for (int i = 0; i < 6; i++) {
		char name[16];

		snprintf(name, sizeof(name), "/t/n%d", i);
		CHECK_EQ(CALL(mknod, name, S_IFIFO | 0600, 0), 0);
	}
	CHECK_EQ(CALL(mkdir, "/t/one-too-many", 0700), -ENOSPC);
	CHECK_EQ(auk_syscall(SYS_renameat2, AT_FDCWD, str("/t/n0"), AT_FDCWD, str("/t/f"), 2), 0);	/* exchange */
	CHECK(S_ISREG(stat_of("/t/n0").st_mode) && S_ISFIFO(stat_of("/t/f").st_mode));
	CHECK_EQ(auk_syscall(SYS_mount, str("x"), str("/t"), str("tmpfs"), MS_REMOUNT, str("size=1M")), 0);
	CHECK_EQ(auk_syscall(SYS_pwrite64, fd, buf, 4096, 65536), 4096);
	CHECK_EQ(CALL(umount2, "/t", 0), -EBUSY);
	CHECK_EQ(auk_syscall(SYS_close, fd), 0);
	CHECK_EQ(CALL(umount2, "/t", 0), 0);
	return 0;
}

static void test_tmpfs(void **state) { in_child(tmpfs, 0); }

/* ---- overlayfs: Documentation/filesystems/overlayfs.rst ---- */

static void overlay_tree(void)
{
	static const char *const dirs[] = { "/o", "/o/l1", "/o/l2", "/o/up", "/o/work", "/o/m", "/o/l1/dir", "/o/l2/dir" };

	for (unsigned i = 0; i < sizeof(dirs) / sizeof(*dirs); i++) {
		CHECK_EQ(CALL(mkdir, dirs[i], 0755), 0);
		if (!i)		/* upper directories want xattrs of trusted: tmpfs has them */
			CHECK_EQ(auk_syscall(SYS_mount, str("t"), str("/o"), str("tmpfs"), 0, 0), 0);
	}
	write_file("/o/l1/low", "low");
	CHECK_EQ(CALL(chown, "/o/l1/low", 5, 6), 0);
	write_file("/o/l1/both", "from l1");
	write_file("/o/l2/both", "from l2");
	write_file("/o/l2/second", "second");
	write_file("/o/l1/dir/a", "a");
	write_file("/o/l2/dir/b", "b");
	write_file("/o/l2/hidden", "");
	CHECK_EQ(CALL(mknod, "/o/l1/hidden", S_IFCHR, 0), 0);
	CHECK_EQ(auk_syscall(SYS_symlink, str("low"), str("/o/l1/link")), 0);
	CHECK_EQ(auk_syscall(SYS_mount, str("o"), str("/o/m"), str("overlay"), 0, str("lowerdir=/o/l1:/o/l2,upperdir=/o/up,workdir=/o/work")), 0);
}

static uint64_t overlay(uint64_t arg)
{
	begin(2);
	overlay_tree();
	CHECK(!strcmp(listing("/o/m"), "both dir link low second "));
	CHECK(!strcmp(listing("/o/m/dir"), "a b "));
	holds("/o/m/both", "from l1");
	holds("/o/m/link", "low");
	long fd = CALL(open, "/o/m/low", O_WRONLY | O_APPEND);
	CHECK_EQ(auk_syscall(SYS_write, fd, str("+"), 1), 1);
	CHECK_EQ(auk_syscall(SYS_close, fd), 0);
	holds("/o/up/low", "low+");
	holds("/o/l1/low", "low");
	CHECK_EQ(stat_of("/o/m/low").st_uid, 5);
	CHECK_EQ(CALL(chmod, "/o/m/second", 0600), 0);
	holds("/o/up/second", "second");
	CHECK_EQ(CALL(unlink, "/o/m/both"), 0);
	CHECK_EQ(CALL(access, "/o/m/both", 0), -ENOENT);
	CHECK(S_ISCHR(stat_of("/o/up/both").st_mode) && stat_of("/o/up/both").st_rdev == 0);
	write_file("/o/m/both", "again");
	holds("/o/m/both", "again");
	CHECK_EQ(CALL(rmdir, "/o/m/dir"), -ENOTEMPTY);
	CHECK_EQ(CALL(unlink, "/o/m/dir/a"), 0);
	CHECK_EQ(CALL(unlink, "/o/m/dir/b"), 0);
	CHECK_EQ(CALL(rmdir, "/o/m/dir"), 0);
	CHECK_EQ(CALL(mkdir, "/o/m/dir", 0755), 0);
	CHECK(!strcmp(listing("/o/m/dir"), ""));
	CHECK_EQ(auk_syscall(SYS_link, str("/o/m/low"), str("/o/m/low2")), 0);
	CHECK_EQ(auk_syscall(SYS_rename, str("/o/m/low2"), str("/o/m/dir/moved")), 0);
	holds("/o/m/dir/moved", "low+");
	CHECK_EQ(auk_syscall(SYS_setxattr, str("/o/m/second"), str("trusted.k"), str("value"), 5, 0), 0);
	CHECK_EQ(auk_syscall(SYS_getxattr, str("/o/m/second"), str("trusted.k"), buf, 100), 5);
	CHECK_EQ(CALL(truncate, "/o/m/link", 2), 0);
	holds("/o/m/low", "lo");
	CHECK_EQ(CALL(umount2, "/o/m", 0), 0);
	CHECK(!strcmp(listing("/o/l1"), "both dir hidden link low "));
	return 0;
}

static void test_overlay(void **state) { in_child(overlay, 0); }

/* ---- fcntl(2): record locks ---- */

static int other_locks(void *arg)
{
	struct flock l = { .l_type = F_WRLCK, .l_start = 10, .l_len = 10 };
	long fd = CALL(open, "/locked", O_RDWR);

	CHECK_EQ(auk_put(buf, &l, sizeof(l)), 0);
	CHECK_EQ(auk_syscall(SYS_fcntl, fd, F_SETLK, buf), -EAGAIN);
	CHECK_EQ(auk_syscall(SYS_fcntl, fd, F_GETLK, buf), 0);
	CHECK_EQ(auk_get(&l, buf, sizeof(l)), 0);
	CHECK(l.l_type == F_WRLCK && l.l_start == 0 && l.l_len == 15 && l.l_pid == 1);
	l = (struct flock){ .l_type = F_WRLCK, .l_start = 15, .l_len = 5 };
	CHECK_EQ(auk_put(buf, &l, sizeof(l)), 0);
	CHECK_EQ(auk_syscall(SYS_fcntl, fd, F_SETLK, buf), 0);
	l.l_start = 0;
	l.l_len = 1;
	CHECK_EQ(auk_put(buf, &l, sizeof(l)), 0);
	CHECK_EQ(auk_syscall(SYS_fcntl, fd, F_SETLKW, buf), 0);	/* until the other lets go */
	CHECK_EQ(auk_syscall(SYS_flock, fd, 2), 0);
	return 0;
}

static uint64_t locks(uint64_t arg)
{
	struct flock l = { .l_type = F_WRLCK, .l_start = 0, .l_len = 15 };

	begin(2);
	long fd = CALL(open, "/locked", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(auk_put(buf, &l, sizeof(l)), 0);
	CHECK_EQ(auk_syscall(SYS_fcntl, fd, F_SETLK, buf), 0);
	long pid = auk_run(other_locks, NULL);
	CHECK_EQ(auk_put(buf, &(struct timespec){ .tv_sec = 1 }, sizeof(struct timespec)), 0);
	CHECK_EQ(auk_syscall(SYS_nanosleep, buf, 0), 0);
	l.l_type = F_UNLCK;
	CHECK_EQ(auk_put(buf, &l, sizeof(l)), 0);
	CHECK_EQ(auk_syscall(SYS_fcntl, fd, F_SETLK, buf), 0);
	CHECK_EQ(auk_wait(pid), 0);
	CHECK_EQ(auk_syscall(SYS_flock, fd, 2 | 4), 0);
	return 0;
}

static void test_locks(void **state) { in_child(locks, 0); }

/* ---- timerfd_create(2) and epoll(7), in virtual time ---- */

static uint64_t timers(uint64_t arg)
{
	struct itimerspec t = { .it_value = { .tv_sec = 5 }, .it_interval = { .tv_sec = 2 } };
	struct epoll_event e = { .events = EPOLLIN, .data.u64 = 77 };
	uint64_t count;

	begin(1);
	long fd = auk_syscall(SYS_timerfd_create, 1, TFD_NONBLOCK), ep = auk_syscall(SYS_epoll_create1, 0);
	CHECK_EQ(auk_put(buf, &t, sizeof(t)), 0);
	uint64_t began = auk_now_ns();
	CHECK_EQ(auk_syscall(SYS_timerfd_settime, fd, 0, buf, 0), 0);
	CHECK_EQ(auk_syscall(SYS_read, fd, buf, 8), -EAGAIN);
	CHECK_EQ(auk_put(buf, &e, sizeof(e)), 0);
	CHECK_EQ(auk_syscall(SYS_epoll_ctl, ep, EPOLL_CTL_ADD, fd, buf), 0);
	CHECK_EQ(auk_syscall(SYS_epoll_wait, ep, buf, 4, 1000), 0);
	CHECK_EQ(auk_syscall(SYS_epoll_wait, ep, buf, 4, (uint64_t)-1), 1);
	CHECK_EQ(auk_get(&e, buf, sizeof(e)), 0);
	CHECK(e.data.u64 == 77 && e.events == EPOLLIN);
	uint64_t took = auk_now_ns() - began;
	CHECK(took >= 5000000000u && took < 5100000000u);
	CHECK_EQ(auk_put(buf, &(struct timespec){ .tv_sec = 7 }, sizeof(struct timespec)), 0);
	CHECK_EQ(auk_syscall(SYS_nanosleep, buf, 0), 0);
	CHECK_EQ(auk_syscall(SYS_read, fd, buf, 8), 8);
	CHECK_EQ(auk_get(&count, buf, 8), 0);
	CHECK_EQ((long)count, 4);		/* at 5, 7, 9 and 11 of 12 s */
	CHECK_EQ(auk_syscall(SYS_timerfd_gettime, fd, buf), 0);
	CHECK_EQ(auk_get(&t, buf, sizeof(t)), 0);
	CHECK(t.it_interval.tv_sec == 2 && t.it_value.tv_sec <= 1);
	/* timer_create(2): the signal has to be one, unless there is none to send */
	CHECK_EQ(auk_put(buf, &(struct sigevent){ .sigev_notify = SIGEV_THREAD }, sizeof(struct sigevent)), 0);
	CHECK_EQ(auk_syscall(SYS_timer_create, 1, buf, buf + 1024), -EINVAL);
	CHECK_EQ(auk_put(buf, &(struct sigevent){ .sigev_notify = SIGEV_NONE }, sizeof(struct sigevent)), 0);
	CHECK_EQ(auk_syscall(SYS_timer_create, 1, buf, buf + 1024), 0);
	return 0;
}

static void test_timers(void **state) { in_child(timers, 0); }

/* ---- splice(2), tee(2), vmsplice(2), sendfile(2), copy_file_range(2) ---- */

static uint64_t splicing(uint64_t arg)
{
	int p[2], q[2];

	begin(1);
	write_file("/from", "0123456789");
	CHECK_EQ(auk_syscall(SYS_pipe2, buf, 0), 0);
	CHECK_EQ(auk_get(p, buf, sizeof(p)), 0);
	CHECK_EQ(auk_syscall(SYS_pipe2, buf, O_NONBLOCK), 0);
	CHECK_EQ(auk_get(q, buf, sizeof(q)), 0);
	long from = CALL(open, "/from", O_RDONLY), to = CALL(open, "/to", O_RDWR | O_CREAT, 0600);
	CHECK_EQ(auk_syscall(SYS_splice, from, 0, p[1], 0, 4, 0), 4);
	CHECK_EQ(auk_syscall(SYS_tee, p[0], q[1], 100, 0), 4);
	CHECK_EQ(auk_syscall(SYS_splice, p[0], 0, to, 0, 100, 0), 4);
	CHECK_EQ(auk_syscall(SYS_read, q[0], buf, 100), 4);
	CHECK_EQ(auk_syscall(SYS_splice, from, 0, to, 0, 4, 0), -EINVAL);	/* no pipe */
	CHECK_EQ(auk_syscall(SYS_sendfile, to, from, 0, 100), 6);
	holds("/to", "0123456789");
	CHECK_EQ(auk_put(buf, &(uint64_t){ 3 }, 8), 0);
	CHECK_EQ(auk_syscall(SYS_copy_file_range, from, buf, to, 0, 4, 0), 4);
	holds("/to", "01234567893456");
	struct { uint64_t at, len; } iov = { str("vector"), 6 };
	CHECK_EQ(auk_put(buf, &iov, sizeof(iov)), 0);
	CHECK_EQ(auk_syscall(SYS_vmsplice, q[1], buf, 1, 0), 6);
	CHECK_EQ(auk_syscall(SYS_read, q[0], buf, 100), 6);
	CHECK_EQ(auk_syscall(SYS_splice, q[0], 0, to, 0, 1, 2), -EAGAIN);
	/* Onto itself: which of the overlapping bytes come is not said, but no others and no more. */
	from = CALL(open, "/from", O_RDONLY);
	to = CALL(open, "/from", O_WRONLY);
	CHECK_EQ(auk_syscall(SYS_lseek, to, 3, SEEK_SET), 3);
	CHECK_EQ(auk_syscall(SYS_sendfile, to, from, 0, 7), 7);
	CHECK(read_file("/from") == 10 && !memcmp(text, "012012", 6) && strspn(text, "0123456789") == 10);
	CHECK_EQ(auk_syscall(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0), -EACCES);
	to = CALL(open, "/from", O_RDWR);
	long at = auk_syscall(SYS_mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, to, 0);
	CHECK(at > 0);
	CHECK_EQ(auk_syscall(SYS_pwrite64, to, (uint64_t)at, 8, 2), 8);
	return 0;
}

static void test_splicing(void **state) { in_child(splicing, 0); }

/* ---- io_setup(2), io_submit(2), io_getevents(2) ---- */

static uint64_t aio(uint64_t arg)
{
	struct iocb cb = { .aio_data = 42, .aio_lio_opcode = IOCB_CMD_PREAD, .aio_nbytes = 100 };
	struct io_event ev;
	uint64_t ctx = 0, list, page;

	begin(1);
	write_file("/f", "asynchronous");
	page = auk_alloc(PAGE);
	long fd = CALL(open, "/f", O_RDONLY);
	CHECK_EQ(auk_put(buf, &ctx, 8), 0);
	CHECK_EQ(auk_syscall(SYS_io_setup, 0, buf), -EINVAL);
	CHECK_EQ(auk_syscall(SYS_io_setup, 8, buf), 0);
	CHECK_EQ(auk_get(&ctx, buf, 8), 0);
	cb.aio_fildes = (uint32_t)fd;
	cb.aio_buf = page;
	CHECK_EQ(auk_put(buf + 1024, &cb, sizeof(cb)), 0);
	list = buf + 1024;
	CHECK_EQ(auk_put(buf, &list, 8), 0);
	CHECK_EQ(auk_syscall(SYS_io_submit, ctx, 1, buf), 1);
	CHECK_EQ(auk_syscall(SYS_io_getevents, ctx, 1, 4, buf, 0), 1);
	CHECK_EQ(auk_get(&ev, buf, sizeof(ev)), 0);
	CHECK(ev.data == 42 && ev.res == 12 && ev.obj == list);
	CHECK(!auk_get(text, page, 12) && !memcmp(text, "asynchronous", 12));
	CHECK_EQ(auk_syscall(SYS_io_destroy, ctx), 0);
	CHECK_EQ(auk_syscall(SYS_io_destroy, ctx), -EINVAL);
	return 0;
}

static void test_aio(void **state) { in_child(aio, 0); }

/* ---- mounts: fsopen(2) and its kin, mount_namespaces(7) for propagation ---- */

static uint64_t mounts(uint64_t arg)
{
	begin(1);
	CHECK_EQ(CALL(mkdir, "/a", 0755), 0);
	CHECK_EQ(CALL(mkdir, "/b", 0755), 0);
	long fs = auk_syscall(SYS_fsopen, str("tmpfs"), 0);
	CHECK(fs >= 0);
	CHECK_EQ(auk_syscall(SYS_fsconfig, fs, FSCONFIG_SET_STRING, str("size"), str("64k"), 0), 0);
	CHECK_EQ(auk_syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, 0, 0, 0), 0);
	long m = auk_syscall(SYS_fsmount, fs, 0, 0);
	CHECK(m >= 0);
	CHECK_EQ(auk_syscall(SYS_move_mount, m, str(""), AT_FDCWD, str("/a"), MOVE_MOUNT_F_EMPTY_PATH), 0);
	write_file("/a/f", "content");
	CHECK_EQ(auk_syscall(SYS_mount, 0, str("/a"), 0, MS_SHARED, 0), 0);
	CHECK_EQ(auk_syscall(SYS_mount, str("/a"), str("/b"), 0, MS_BIND, 0), 0);
	holds("/b/f", "content");
	CHECK_EQ(CALL(mkdir, "/a/sub", 0755), 0);
	CHECK_EQ(auk_syscall(SYS_mount, str("t"), str("/a/sub"), str("tmpfs"), 0, 0), 0);
	write_file("/a/sub/g", "propagated");
	holds("/b/sub/g", "propagated");
	CHECK_EQ(CALL(umount2, "/b/sub", 0), 0);
	CHECK_EQ(CALL(access, "/a/sub/g", 0), -ENOENT);
	CHECK_EQ(auk_syscall(SYS_mount, 0, str("/b"), 0, MS_SLAVE, 0), 0);
	CHECK_EQ(auk_syscall(SYS_mount, str("t"), str("/b/sub"), str("tmpfs"), 0, 0), 0);
	write_file("/b/sub/h", "of the slave");
	CHECK_EQ(CALL(access, "/a/sub/h", 0), -ENOENT);
	CHECK_EQ(auk_syscall(SYS_mount, 0, str("/b"), 0, MS_REMOUNT | MS_BIND | MS_RDONLY, 0), 0);
	CHECK_EQ(CALL(open, "/b/f", O_WRONLY), -EROFS);
	CHECK(CALL(open, "/a/f", O_WRONLY) >= 0);
	CHECK_EQ(CALL(umount2, "/a", 0), -EBUSY);
	CHECK_EQ(CALL(umount2, "/a", MNT_DETACH), 0);
	CHECK_EQ(CALL(access, "/a/f", 0), -ENOENT);
	return 0;
}

static void test_mounts(void **state) { in_child(mounts, 0); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proc), cmocka_unit_test(test_sys), cmocka_unit_test(test_devices), cmocka_unit_test(test_tmpfs),
		cmocka_unit_test(test_overlay), cmocka_unit_test(test_locks), cmocka_unit_test(test_timers), cmocka_unit_test(test_splicing),
		cmocka_unit_test(test_aio), cmocka_unit_test(test_mounts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
