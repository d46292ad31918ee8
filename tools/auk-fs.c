/*
 * auk-fs: reads and writes a file-system image from an ordinary process, with Auk's own file systems on a simulated disk (host/auk.h).
 *
 *	auk-fs IMAGE ls [-l] [PATH]...		names of directories
 *	auk-fs IMAGE cat PATH...		contents, to standard output
 *	auk-fs IMAGE cp [-r] SOURCE... TARGET	:PATH is in the image, any other outside
 *	auk-fs IMAGE mount-check		mounts it and reads everything that it holds
 *
 * The kernel sees a private copy of the image.  Only when everything was done and the file system was unmounted without an error are the blocks that
 * changed written to the file: a command that fails, and any command that does not write, leaves the file as it was.  Before something is written, everything
 * in the image is read once; what the file system finds wrong is told, with the place, and the image is refused.
 *
 * Not done: what reading does not show (leaked blocks, wrong counts) is fsck's business; while the changed blocks are written a crash of the host may leave
 * some written and others not; owners and times are not copied, and special files neither.
 *
 * Exit status: 0; 1: it could not be done; 2: a wrong command line; 3: the image is damaged or of no known kind.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "host/auk.h"

enum { BUF = 1 << 16, PAGE = 4096, LOG_MAX = 8192, CHUNK = 4096, MEMORY_MIB = 256 };
enum { EXIT_FAILED = 1, EXIT_USAGE, EXIT_DAMAGED };

static const char *image;
static struct auk_disk *disk;
static uint64_t buf, path_at[2];	/* user memory: data; two names */
static char kernel_log[LOG_MAX];
static size_t kernel_log_len;
static char data[BUF];

static void __attribute__((noreturn, format(printf, 2, 3))) fail(int status, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	if (kernel_log_len)
		fprintf(stderr, "%.*s", (int)kernel_log_len, kernel_log);
	fprintf(stderr, "auk-fs: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	_exit(status);
}

/* With `quiet` only errors come. */
static void keep_log(const char *text, size_t len)
{
	size_t n = len < LOG_MAX - kernel_log_len ? len : LOG_MAX - kernel_log_len;

	memcpy(kernel_log + kernel_log_len, text, n);
	kernel_log_len += n;
}

static uint64_t name(unsigned which, const char *text)
{
	size_t n = strlen(text) + 1;

	if (n > PAGE)
		fail(EXIT_FAILED, "%s: %s", text, strerror(ENAMETOOLONG));
	if (auk_put(path_at[which], text, n))
		abort();
	return path_at[which];
}

#define CALL(nr, path, ...) auk_syscall(SYS_##nr, name(0, path), ##__VA_ARGS__)

/* Where the image is mounted, and the root while it is looked at: neither "..", nor an absolute link of the image, leads out of it. */
#define MOUNT_POINT "/image"
#define TOP "/"

static void inside(char out[PAGE], const char *path)
{
	while (*path == '/')
		path++;
	if (snprintf(out, PAGE, TOP "%s", path) >= PAGE)
		fail(EXIT_FAILED, "%s: %s", path, strerror(ENAMETOOLONG));
}

/* What the file system said is wrong, or a call that met it: the image is refused. */
static void check(long result, const char *what, const char *path)
{
	if (kernel_log_len)
		fail(EXIT_DAMAGED, "%s: damaged: %s of %s", image, what, path);
	if (result == -EIO || result == -EUCLEAN || result == -EBADMSG)
		fail(EXIT_DAMAGED, "%s: damaged: %s of %s: %s", image, what, path, strerror((int)-result));
	if (result < 0)
		fail(EXIT_FAILED, "%s of %s: %s", what, path, strerror((int)-result));
}

static void take(void *to, uint64_t from, size_t n)
{
	if (auk_get(to, from, n))
		abort();
}

static struct stat stat_of(const char *path)
{
	struct stat st;

	check(CALL(lstat, path, buf), "attributes", path);
	take(&st, buf, sizeof(st));
	return st;
}

/* ---- directories ---- */

struct names {
	char **name;
	size_t count;
};

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static struct names list(const char *path)
{
	struct names l = { 0 };
	long fd = CALL(open, path, O_RDONLY | O_DIRECTORY), n;

	check(fd, "directory", path);
	while ((n = auk_syscall(SYS_getdents64, fd, buf, BUF)) > 0) {
		take(data, buf, (size_t)n);
		for (long at = 0; at < n;) {
			unsigned short len;

			memcpy(&len, data + at + 16, sizeof(len));
			if (strchr(data + at + 19, '/'))	/* it would lead elsewhere, here or on the host */
				fail(EXIT_DAMAGED, "%s: damaged: a name with a slash in %s", image, path);
			if (strcmp(data + at + 19, ".") && strcmp(data + at + 19, "..")) {
				l.name = realloc(l.name, (l.count + 1) * sizeof(*l.name));
				l.name[l.count++] = strdup(data + at + 19);
			}
			at += len;
		}
	}
	check(n, "entries", path);
	(void)auk_syscall(SYS_close, fd);
	if (l.count)
		qsort(l.name, l.count, sizeof(*l.name), by_name);
	return l;
}

static void names_free(struct names *l)
{
	for (size_t i = 0; i < l->count; i++)
		free(l->name[i]);
	free(l->name);
}

/* On the heap: an image may have directories as deep as names are long.  The caller's to free. */
static char *child_of(const char *path, const char *child)
{
	char *out;

	if (asprintf(&out, "%s%s%s", path, strcmp(path, TOP) ? "/" : "", child) < 0)
		abort();
	return out;
}

static void print_entry(const char *path, const char *as, bool all)
{
	if (all) {
		struct stat st = stat_of(path);

		printf("%06o %4lu %5u %5u %10llu ", st.st_mode, (unsigned long)st.st_nlink, st.st_uid, st.st_gid, (unsigned long long)st.st_size);
	}
	puts(as);
}

static void do_ls(const char *path, bool all)
{
	if (!S_ISDIR(stat_of(path).st_mode)) {
		print_entry(path, path, all);
		return;
	}
	struct names l = list(path);
	for (size_t i = 0; i < l.count; i++) {
		char *child = child_of(path, l.name[i]);

		print_entry(child, l.name[i], all);
		free(child);
	}
	names_free(&l);
}

/* ---- contents ---- */

static void read_to(const char *path, FILE *to)
{
	long fd = CALL(open, path, O_RDONLY | O_NONBLOCK), n;	/* a FIFO would wait for a writer */

	check(fd, "opening", path);
	while ((n = auk_syscall(SYS_read, fd, buf, BUF)) > 0) {
		take(data, buf, (size_t)n);
		if (to && fwrite(data, 1, (size_t)n, to) != (size_t)n)
			fail(EXIT_FAILED, "cannot write: %s", strerror(errno));
	}
	check(n, "contents", path);
	(void)auk_syscall(SYS_close, fd);
}

static long read_link(const char *path)
{
	long n = CALL(readlink, path, buf, PAGE - 1);

	check(n, "link", path);
	take(data, buf, (size_t)n);
	data[n] = 0;
	return n;
}

/* Everything below @path, once. Return: how many objects */
static unsigned long read_all(const char *path)
{
	struct stat st = stat_of(path);
	unsigned long count = 1;
	long n = CALL(llistxattr, path, buf, BUF);

	check(n == -EOPNOTSUPP ? 0 : n, "extended attributes", path);
	if (S_ISREG(st.st_mode))
		read_to(path, NULL);
	else if (S_ISLNK(st.st_mode))
		(void)read_link(path);
	else if (S_ISDIR(st.st_mode)) {
		struct names l = list(path);

		for (size_t i = 0; i < l.count; i++) {
			char *child = child_of(path, l.name[i]);

			count += read_all(child);
			free(child);
		}
		names_free(&l);
	}
	return count;
}

/* ---- cp ---- */

/* @below: not named by the caller but found in a directory: what is there already and is a link is not followed. */
static void copy_out(const char *path, const char *to, bool recurse, bool below)
{
	struct stat st = stat_of(path), old;

	if (S_ISREG(st.st_mode)) {
		int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | (below ? O_NOFOLLOW : 0), 0666);
		FILE *f = fd < 0 ? NULL : fdopen(fd, "wb");

		if (!f)
			fail(EXIT_FAILED, "%s: %s", to, strerror(errno));
		read_to(path, f);
		if (fchmod(fileno(f), st.st_mode & 0777) || fclose(f))
			fail(EXIT_FAILED, "%s: %s", to, strerror(errno));
	} else if (S_ISLNK(st.st_mode)) {
		(void)read_link(path);
		(void)unlink(to);
		if (symlink(data, to))
			fail(EXIT_FAILED, "%s: %s", to, strerror(errno));
	} else if (S_ISDIR(st.st_mode) && recurse) {
		if (mkdir(to, st.st_mode & 0777) && (errno != EEXIST || (below && (lstat(to, &old) || !S_ISDIR(old.st_mode)))))
			fail(EXIT_FAILED, "%s: %s", to, strerror(errno));
		struct names l = list(path);
		for (size_t i = 0; i < l.count; i++) {
			char *from = child_of(path, l.name[i]), *under = child_of(to, l.name[i]);

			copy_out(from, under, true, true);
			free(from);
			free(under);
		}
		names_free(&l);
	} else {
		fail(EXIT_FAILED, "%s: %s", path, S_ISDIR(st.st_mode) ? "a directory; say -r" : "neither a file, a link nor a directory");
	}
}

static void copy_file_in(const char *from, const char *path, mode_t mode)
{
	FILE *f = fopen(from, "rb");
	size_t n;

	if (!f)
		fail(EXIT_FAILED, "%s: %s", from, strerror(errno));
	long fd = CALL(open, path, O_WRONLY | O_CREAT | O_TRUNC | O_NONBLOCK, mode & 0777);
	check(fd, "making", path);
	while ((n = fread(data, 1, BUF, f)) > 0) {
		if (auk_put(buf, data, n))
			abort();
		for (size_t done = 0; done < n;) {
			long got = auk_syscall(SYS_write, fd, buf + done, n - done);

			check(got, "writing", path);
			done += (size_t)got;
		}
	}
	if (ferror(f))
		fail(EXIT_FAILED, "%s: %s", from, strerror(errno));
	fclose(f);
	check(auk_syscall(SYS_fchmod, fd, mode & 0777), "mode", path);
	check(auk_syscall(SYS_close, fd), "closing", path);
}

static void copy_in(const char *from, const char *path, bool recurse)
{
	struct stat st;

	if (lstat(from, &st))
		fail(EXIT_FAILED, "%s: %s", from, strerror(errno));
	if (S_ISREG(st.st_mode)) {
		copy_file_in(from, path, st.st_mode);
	} else if (S_ISLNK(st.st_mode)) {
		ssize_t n = readlink(from, data, PAGE - 1);

		if (n < 0)
			fail(EXIT_FAILED, "%s: %s", from, strerror(errno));
		data[n] = 0;
		(void)CALL(unlink, path);
		check(auk_syscall(SYS_symlink, name(0, data), name(1, path)), "making", path);
	} else if (S_ISDIR(st.st_mode) && recurse) {
		long err = CALL(mkdir, path, st.st_mode & 0777);
		DIR *d = opendir(from);

		check(err == -EEXIST ? 0 : err, "making", path);
		if (!d)
			fail(EXIT_FAILED, "%s: %s", from, strerror(errno));
		for (struct dirent *e; (e = readdir(d));) {
			if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
				continue;
			char *below = child_of(from, e->d_name), *child = child_of(path, e->d_name);

			copy_in(below, child, true);
			free(below);
			free(child);
		}
		closedir(d);
	} else {
		fail(EXIT_FAILED, "%s: %s", from, S_ISDIR(st.st_mode) ? "a directory; say -r" : "neither a file, a link nor a directory");
	}
}

static bool is_directory(const char *path, bool in_image)
{
	struct stat st;

	if (!in_image)
		return !stat(path, &st) && S_ISDIR(st.st_mode);
	if (CALL(stat, path, buf))
		return false;
	take(&st, buf, sizeof(st));
	return S_ISDIR(st.st_mode);
}

static void do_cp(int count, char **arg, bool recurse)
{
	const char *target = arg[count - 1];
	bool into = *target == ':';
	char to[PAGE], from[PAGE];

	if (into)
		inside(to, target + 1);
	else if (snprintf(to, sizeof(to), "%s", target) >= PAGE)
		fail(EXIT_FAILED, "%s: %s", target, strerror(ENAMETOOLONG));
	bool directory = is_directory(to, into);
	if (count > 2 && !directory)
		fail(EXIT_FAILED, "%s: several files go to a directory", target);
	for (int i = 0; i < count - 1; i++) {
		bool inner = *arg[i] == ':';
		const char *base = strrchr(arg[i] + inner, '/');

		if (inner == into)
			fail(EXIT_USAGE, "%s, %s: one of the two is in the image, and begins with a colon", arg[i], target);
		char *end = directory ? child_of(to, base ? base + 1 : arg[i] + inner) : strdup(to);

		if (into) {
			copy_in(arg[i], end, recurse);
		} else {
			inside(from, arg[i] + 1);
			copy_out(from, end, recurse, false);
		}
		free(end);
	}
}

/* ---- the image ---- */

static void start(void)
{
	static struct auk_device device;

	device = (struct auk_device){ AUK_BLK, .disk = disk };
	if (auk_start(&(struct auk_config){ .memory_bytes = (uint64_t)MEMORY_MIB << 20, .cpus = 1, .cmdline = "quiet", .console = keep_log,
					    .devices = &device, .device_count = 1, .limit_ns = ~0ull >> 2 }))
		fail(EXIT_FAILED, "the kernel does not start: no memory");
	buf = auk_alloc(BUF);
	path_at[0] = auk_alloc(PAGE);
	path_at[1] = auk_alloc(PAGE);
	if (!buf || !path_at[0] || !path_at[1])
		abort();
	long err = auk_syscall(SYS_mount, name(0, "devtmpfs"), name(1, "/dev"), path_at[0], 0, 0);
	if (!err)
		err = CALL(mkdir, "/proc", 0755);
	if (!err)
		err = auk_syscall(SYS_mount, name(0, "proc"), name(1, "/proc"), path_at[0], 0, 0);
	if (!err)
		err = CALL(mkdir, MOUNT_POINT, 0755);
	if (err)
		fail(EXIT_FAILED, "the kernel's first file systems: %s", strerror((int)-err));
}

/* With the first file system that takes it; /proc/filesystems says which want a device. */
static void mount_image(void)
{
	static char types[PAGE];
	uint64_t type_at = auk_alloc(PAGE);
	long fd = CALL(open, "/proc/filesystems", O_RDONLY), n = auk_syscall(SYS_read, fd, buf, PAGE - 1), err = -ENODEV;

	if (n <= 0 || !type_at)
		fail(EXIT_FAILED, "no file system is known");
	take(types, buf, (size_t)n);
	(void)auk_syscall(SYS_close, fd);
	for (char *line = strtok(types, "\n"); line && err; line = strtok(NULL, "\n")) {
		if (*line != '\t')
			continue;
		if (auk_put(type_at, line + 1, strlen(line)))
			abort();
		err = auk_syscall(SYS_mount, name(0, "/dev/vda"), name(1, MOUNT_POINT), type_at, MS_NOATIME | MS_NODEV, 0);
	}
	if (err)
		fail(EXIT_DAMAGED, "%s: cannot be mounted: %s", image, strerror((int)-err));
	check(0, "mounting", TOP);
	check(CALL(chroot, MOUNT_POINT), "entering", TOP);	/* the working directory stays outside */
}

static void unmount_image(void)
{
	check(CALL(chroot, "."), "leaving", TOP);
	check(CALL(umount2, MOUNT_POINT, 0), "unmounting", TOP);
}

/* What the disk has now, where the file differs. */
static void write_back(void)
{
	static char now[CHUNK], old[CHUNK];
	int fd = open(image, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail(EXIT_FAILED, "%s: %s", image, strerror(errno));
	for (uint64_t at = 0, bytes = auk_disk_bytes(disk); at < bytes; at += CHUNK) {
		size_t n = bytes - at < CHUNK ? (size_t)(bytes - at) : CHUNK;

		if (auk_disk_peek(disk, at, now, n))
			abort();
		if (pread(fd, old, n, (off_t)at) != (ssize_t)n)
			fail(EXIT_FAILED, "%s: %s", image, errno ? strerror(errno) : "is shorter than it was");
		if (!memcmp(now, old, n))
			continue;
		if (pwrite(fd, now, n, (off_t)at) != (ssize_t)n)
			fail(EXIT_FAILED, "%s: %s", image, strerror(errno));
	}
	if (fsync(fd) || close(fd))
		fail(EXIT_FAILED, "%s: %s", image, strerror(errno));
}

static void usage(void)
{
	fail(EXIT_USAGE, "usage: auk-fs IMAGE ls [-l] [PATH]... | cat PATH... | cp [-r] SOURCE... TARGET (:PATH is in the image) | mount-check");
}

static void run(const char *command, int count, char **arg)
{
	char path[PAGE];
	bool option = count && ((!strcmp(arg[0], "-l") && !strcmp(command, "ls")) || (!strcmp(arg[0], "-r") && !strcmp(command, "cp")));

	if (option) {
		count--;
		arg++;
	}
	if (!strcmp(command, "ls")) {
		for (int i = 0; i < (count ? count : 1); i++) {
			inside(path, count ? arg[i] : "/");
			if (count > 1)
				printf("%s%s:\n", i ? "\n" : "", arg[i]);
			do_ls(path, option);
		}
	} else if (!strcmp(command, "cat")) {
		for (int i = 0; i < count; i++) {
			inside(path, arg[i]);
			read_to(path, stdout);
		}
	} else if (!strcmp(command, "cp")) {
		if (*arg[count - 1] == ':')
			(void)read_all(TOP);
		do_cp(count, arg, option);
	} else {
		printf("%lu files, directories and others read: nothing is wrong with them\n", read_all(TOP));
	}
}

int main(int argc, char **argv)
{
	if (argc < 3)
		usage();
	const char *command = argv[2];
	int count = argc - 3;
	bool cp = !strcmp(command, "cp");

	if ((strcmp(command, "ls") && strcmp(command, "cat") && !cp && strcmp(command, "mount-check")) || (!strcmp(command, "cat") && !count) ||
	    (cp && (!count || count < 2 + !strcmp(argv[3], "-r"))) || (!strcmp(command, "mount-check") && count))
		usage();
	image = argv[1];
	disk = auk_disk_open_private(image);
	if (!disk)
		fail(EXIT_FAILED, "%s: %s", image, errno ? strerror(errno) : "is too short");
	start();
	mount_image();
	run(command, count, argv + 3);
	unmount_image();
	if (cp && *argv[argc - 1] == ':')
		write_back();
	if (fflush(stdout))
		fail(EXIT_FAILED, "cannot write: %s", strerror(errno));
	return 0;
}
