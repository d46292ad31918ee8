/* getdents64: entries, types, offsets, changes while reading. */
#include "abi.h"
#include <dirent.h>

static int count(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;

	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n;
}

void abi_test(void)
{
	char name[64], buf[4096];
	DIR *d;
	struct dirent *e;

	mkdir("d", 0755);
	VAL("an empty directory", count("d"));
	mkdir("d/dir", 0755);
	put_file("d/file", "", 0644);
	symlink("x", "d/link");
	mkfifo("d/fifo", 0600);
	mknod("d/chr", S_IFCHR | 0600, 0x103);
	d = opendir("d");
	e = readdir(d);
	say("first", "%s %d", e->d_name, e->d_type);
	e = readdir(d);
	say("second", "%s %d", e->d_name, e->d_type);
	int types[16] = { 0 };
	bool inodes = true;
	while ((e = readdir(d))) {
		struct stat st;

		types[e->d_type]++;
		fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW);
		inodes &= st.st_ino == e->d_ino;
	}
	say("types", "dir %d reg %d lnk %d fifo %d chr %d", types[DT_DIR], types[DT_REG], types[DT_LNK], types[DT_FIFO], types[DT_CHR]);
	YES("d_ino is st_ino", inodes);
	rewinddir(d);
	VAL("rewind", ({ int n = 0; while (readdir(d)) n++; n; }));
	int fd = open("d", O_RDONLY);
	RET("buffer too small", syscall(SYS_getdents64, fd, buf, 8));
	YES("a small buffer gives some", syscall(SYS_getdents64, fd, buf, 24) == 24);
	int got = 1;
	long n;
	while ((n = syscall(SYS_getdents64, fd, buf, 32)) > 0)
		for (long at = 0; at < n; at += ((struct dirent64 *)(buf + at))->d_reclen)
			got++;
	VAL("all in small steps", got);
	RET("at the end", syscall(SYS_getdents64, fd, buf, sizeof(buf)));
	RET("lseek 0", lseek(fd, 0, SEEK_SET));
	YES("again", syscall(SYS_getdents64, fd, buf, sizeof(buf)) > 0);
	RET("of a file", syscall(SYS_getdents64, open("d/file", O_RDONLY), buf, sizeof(buf)));
	RET("bad address", ({ lseek(fd, 0, SEEK_SET); syscall(SYS_getdents64, fd, 8, sizeof(buf)); }));
	rmdir("gone");
	mkdir("gone", 0755);
	int g = open("gone", O_RDONLY);
	rmdir("gone");
	RET("a removed directory", syscall(SYS_getdents64, g, buf, sizeof(buf)));

	mkdir("many", 0755);
	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "many/entry-%d", i);
		MUST(close(open(name, O_CREAT | O_WRONLY, 0600)));
	}
	VAL("500 entries", count("many"));
	/* remove while reading: the rm -r pattern */
	d = opendir("many");
	int removed = 0;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			removed += unlinkat(dirfd(d), e->d_name, 0) == 0;
	closedir(d);
	say("removed while reading", "%d left %d", removed, count("many"));
	/* entries made before the read began and untouched appear exactly once */
	for (int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "many/keep-%d", i);
		MUST(close(open(name, O_CREAT | O_WRONLY, 0600)));
	}
	d = opendir("many");
	int seen[100] = { 0 }, twice = 0, at = 0;
	while ((e = readdir(d))) {
		int i;

		if (sscanf(e->d_name, "keep-%d", &i) == 1)
			twice += seen[i]++ > 0;
		if (at < 200) {
			snprintf(name, sizeof(name), "many/new-%d", at++);
			close(open(name, O_CREAT | O_WRONLY, 0600));
		}
	}
	closedir(d);
	int missing = 0;
	for (int i = 0; i < 100; i++)
		missing += !seen[i];
	say("with creations meanwhile", "missing %d twice %d", missing, twice);
	d = opendir("many");
	for (int i = 0; i < 50; i++)
		readdir(d);
	long pos = telldir(d);
	e = readdir(d);
	snprintf(name, sizeof(name), "%s", e->d_name);
	seekdir(d, pos);
	e = readdir(d);
	YES("seekdir comes back", !strcmp(name, e->d_name));
	VAL("/proc/self/fd lists", count("/proc/self/fd") > 4);
	YES("legacy getdents", syscall(SYS_getdents, open("d", O_RDONLY), buf, sizeof(buf)) > 0);
}
