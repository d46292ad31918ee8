/* stat, lstat, fstat, newfstatat: fields and times on tmpfs. */
#include "abi.h"
#include <sys/sysmacros.h>

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static bool same(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

void abi_test(void)
{
	struct stat st, was, root;
	int fd;
	char buf[8];

	put_file("f", "hello", 0640);
	OK("stat", stat("f", &st));
	say("mode", "%#o", st.st_mode);
	VAL("size", st.st_size);
	VAL("nlink", st.st_nlink);
	VAL("blksize", st.st_blksize);
	VAL("blocks of 5 bytes", st.st_blocks);
	VAL("uid", st.st_uid);
	VAL("rdev", st.st_rdev);
	YES("times of a new file are close", labs(st.st_atime - st.st_ctime) <= 1 && labs(st.st_mtime - time(NULL)) <= 2);
	truncate("f", 8193);
	stat("f", &st);
	VAL("size after a sparse extension", st.st_size);
	VAL("blocks then", st.st_blocks);

	mkdir("d", 0751);
	stat("d", &st);
	say("directory's mode", "%#o", st.st_mode);
	VAL("directory's links", st.st_nlink);
	VAL("empty directory's size", st.st_size);
	mkdir("d/sub", 0755);
	put_file("d/file", "", 0644);
	stat("d", &st);
	VAL("links with one subdirectory", st.st_nlink);
	VAL("size with two entries", st.st_size);

	symlink("target-of-18-chars", "s");
	RET("stat of a dangling link", stat("s", &st));
	lstat("s", &st);
	say("link's mode", "%#o", st.st_mode);
	VAL("link's size", st.st_size);
	OK("fstatat NOFOLLOW", fstatat(AT_FDCWD, "s", &st, AT_SYMLINK_NOFOLLOW));
	RET("fstatat bad flags", fstatat(AT_FDCWD, "s", &st, 0x4));
	fd = open("f", O_RDONLY);
	OK("fstatat AT_EMPTY_PATH", fstatat(fd, "", &st, AT_EMPTY_PATH));
	VAL("its size", st.st_size);
	RET("fstatat empty path", fstatat(fd, "", &st, 0));
	RET("fstatat of a file's descriptor", fstatat(fd, "x", &st, 0));
	RET("stat empty", stat("", &st));
	RET("stat through a file", stat("f/x", &st));
	RET("stat f/", stat("f/", &st));
	OK("stat d/", stat("d/", &st));
	OK("stat d/.", stat("d/.", &st));
	RET("stat missing", stat("nix", &st));
	RET("fstat -1", fstat(-1, &st));
	RET("stat to a bad address", syscall(SYS_stat, "f", 8));
	RET("stat of a bad path", syscall(SYS_stat, 8, &st));

	stat("/", &root);
	stat("/..", &st);
	YES("/.. is /", root.st_ino == st.st_ino && root.st_dev == st.st_dev);
	stat("d/sub/../..", &st);
	stat(".", &was);
	YES("d/sub/../.. is .", was.st_ino == st.st_ino);
	stat("f", &was);
	stat("/proc/self/exe", &st);
	YES("other file systems have other devices", was.st_dev != st.st_dev || was.st_ino != st.st_ino);

	stat("/dev/null", &st);
	say("/dev/null", "%#o %d:%d", st.st_mode, major(st.st_rdev), minor(st.st_rdev));

	/* Which times each change moves. */
	put_file("t", "0123456789", 0644);
	fd = open("t", O_RDWR);
	struct timespec old[2] = { { 1000, 5 }, { 2000, 6 } };
	MUST(futimens(fd, old));
	fstat(fd, &was);
	say("set times", "%ld.%ld %ld.%ld", was.st_atim.tv_sec, was.st_atim.tv_nsec, was.st_mtim.tv_sec, was.st_mtim.tv_nsec);
	sleep_ms(20);
	read(fd, buf, 4);
	fstat(fd, &st);
	YES("read moves atime", later(st.st_atim, was.st_atim));
	YES("read leaves mtime", same(st.st_mtim, was.st_mtim));
	was = st;
	sleep_ms(20);
	write(fd, "x", 1);
	fstat(fd, &st);
	YES("write moves mtime", later(st.st_mtim, was.st_mtim));
	YES("and ctime", later(st.st_ctim, was.st_ctim));
	YES("write leaves atime", same(st.st_atim, was.st_atim));
	was = st;
	sleep_ms(20);
	chmod("t", 0600);
	fstat(fd, &st);
	YES("chmod moves ctime only", later(st.st_ctim, was.st_ctim) && same(st.st_mtim, was.st_mtim));
	was = st;
	sleep_ms(20);
	link("t", "t2");
	fstat(fd, &st);
	YES("link moves ctime only", later(st.st_ctim, was.st_ctim) && same(st.st_mtim, was.st_mtim));
	VAL("nlink 2", st.st_nlink);
	was = st;
	sleep_ms(20);
	rename("t2", "t3");
	fstat(fd, &st);
	YES("rename moves ctime", later(st.st_ctim, was.st_ctim));
	was = st;
	sleep_ms(20);
	unlink("t3");
	fstat(fd, &st);
	YES("unlink moves ctime", later(st.st_ctim, was.st_ctim));
	was = st;
	sleep_ms(20);
	write(fd, "", 0);
	fstat(fd, &st);
	YES("a write of nothing leaves mtime", same(st.st_mtim, was.st_mtim));
	ftruncate(fd, 10);
	fstat(fd, &st);
	YES("ftruncate to the same size moves mtime", later(st.st_mtim, was.st_mtim));
	stat("d", &was);
	sleep_ms(20);
	put_file("d/new", "", 0644);
	stat("d", &st);
	YES("a new entry moves the directory's mtime", later(st.st_mtim, was.st_mtim) && later(st.st_ctim, was.st_ctim));
	was = st;
	sleep_ms(20);
	unlink("d/new");
	stat("d", &st);
	YES("and so does its removal", later(st.st_mtim, was.st_mtim));
	unlink("t");
	fstat(fd, &st);
	VAL("nlink of a removed open file", st.st_nlink);
}
