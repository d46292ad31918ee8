/*
 * Touch everything of a tree that may be damaged, and survive it: list, stat, read, attributes, extents; truncate, allocate, punch, move;
 * then make and remove a little.
 *
 * usage: poke DIR
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

enum { ENTRIES_MAX = 3000, DEPTH_MAX = 12 };
static int seen;

static void extents(int fd)
{
	static struct { struct fiemap m; struct fiemap_extent e[50]; } f;

	f.m = (struct fiemap){ .fm_length = ~0ull, .fm_extent_count = 50 };
	ioctl(fd, FS_IOC_FIEMAP, &f);
}

/* One of several ways to change where a file's blocks lie. */
static void move_blocks(int dir, const char *name, int way)
{
	static const struct { int mode; off_t at, len; } calls[] = {
		{ 0, 0, 50000 }, { FALLOC_FL_KEEP_SIZE, 8192, 100000 }, { FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1024, 20000 },
		{ FALLOC_FL_ZERO_RANGE, 2048, 30000 }, { FALLOC_FL_COLLAPSE_RANGE, 4096, 4096 }, { FALLOC_FL_INSERT_RANGE, 4096, 4096 },
	};
	enum { CALLS = sizeof(calls) / sizeof(calls[0]) };
	int fd = openat(dir, name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | (way % 2 ? O_DIRECT : 0));
	void *page = NULL;

	if (fd < 0)
		return;
	if (way < CALLS)
		fallocate(fd, calls[way].mode, calls[way].at, calls[way].len);
	else
		ftruncate(fd, way == CALLS ? 0 : 70000);
	if (!posix_memalign(&page, 4096, 8192)) {
		memset(page, 5, 8192);
		pwrite(fd, page, 8192, 12288);
		pread(fd, page, 8192, 0);
	}
	free(page);
	extents(fd);
	close(fd);
}

static void file(int dir, const char *name)
{
	static char buf[65536];
	int fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);

	if (fd < 0)
		return;
	for (int k = 0; k < 40 && read(fd, buf, sizeof(buf)) > 0; k++)
		;
	flistxattr(fd, buf, sizeof(buf));
	fgetxattr(fd, "user.note", buf, sizeof(buf));
	lseek(fd, 0, SEEK_HOLE);
	extents(fd);
	close(fd);
}

static void tree(int fd, int depth)
{
	DIR *d = fdopendir(dup(fd));
	struct dirent *e;
	char link[5000];

	while (d && seen++ < ENTRIES_MAX && (e = readdir(d)) != NULL) {
		struct stat st;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") || fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			continue;
		if (S_ISREG(st.st_mode))
			file(fd, e->d_name);
		if (S_ISLNK(st.st_mode) && readlinkat(fd, e->d_name, link, sizeof(link)) < 0)
			continue;
		if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
			int sub = openat(fd, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);

			if (sub >= 0) {
				tree(sub, depth + 1);
				close(sub);
			}
		}
		if (seen % 7 == 0)
			unlinkat(fd, e->d_name, S_ISDIR(st.st_mode) ? AT_REMOVEDIR : 0);
		else if (seen % 7 == 1 && S_ISREG(st.st_mode)) {
			int w = openat(fd, e->d_name, O_WRONLY);

			pwrite(w, "poked", 5, 100000);
			ftruncate(w, 3000);
			close(w);
		} else if (seen % 7 < 6 && S_ISREG(st.st_mode)) {
			move_blocks(fd, e->d_name, seen / 7 % 8);
		}
	}
	if (d)
		closedir(d);
}

int main(int argc, char **argv)
{
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;
	char name[32];

	if (fd < 0)
		return 1;
	tree(fd, 0);
	for (int k = 0; k < 30; k++) {
		sprintf(name, "poke-%d", k);
		int f = openat(fd, name, O_CREAT | O_RDWR, 0644);

		write(f, argv, 5000);
		if (k % 3)
			unlinkat(fd, name, 0);
		close(f);
		mkdirat(fd, "poke-dir", 0755);
	}
	sync();
	return 0;
}
