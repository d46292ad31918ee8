/* umask, chmod, chown, access, sticky directories, set-id bits, utimensat, mknod. */
#include "abi.h"
#include <sys/sysmacros.h>

static void mode(const char *name, const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		STR(name, err_name(errno));
	else
		say(name, "%#o %d %d", st.st_mode, st.st_uid, st.st_gid);
}

static void times(const char *name, const char *path)
{
	struct stat st;

	lstat(path, &st);
	say(name, "%ld.%09ld %ld.%09ld", st.st_atim.tv_sec, st.st_atim.tv_nsec, st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

void abi_test(void)
{
	int fd;

	VAL("umask returns the old", umask(0777) == 022);
	VAL("only 9 bits", umask(07777777));
	VAL("stay", umask(022));
	put_file("f", "x", 0644);
	OK("chmod", chmod("f", 07777));
	mode("all bits", "f");
	chmod("f", 0170644);
	mode("type bits are ignored", "f");
	RET("chmod missing", chmod("nix", 0));
	symlink("f", "s");
	chmod("s", 0600);
	mode("chmod follows", "f");
	RET("fchmodat AT_SYMLINK_NOFOLLOW", fchmodat(AT_FDCWD, "s", 0600, AT_SYMLINK_NOFOLLOW));
	fd = open("f", O_RDONLY);
	OK("fchmod of a read-only descriptor", fchmod(fd, 0640));
	RET("fchmod of O_PATH", fchmod(open("f", O_PATH), 0640));

	OK("chown", chown("f", 5, 6));
	mode("owner", "f");
	OK("chown -1", chown("f", -1, 7));
	mode("group only", "f");
	chmod("f", 06755);
	chown("f", 5, 7);
	mode("chown clears set-id bits, even root's", "f");
	chmod("f", 02645);
	chown("f", 5, 7);
	mode("but not the lock bit", "f");
	mkdir("d", 0755);
	chmod("d", 06755);
	chown("d", 5, 7);
	mode("nor a directory's", "d");
	OK("lchown", lchown("s", 8, 9));
	mode("the link's", "s");
	mode("not the file's", "f");
	OK("fchownat AT_EMPTY_PATH", fchownat(fd, "", 1, 1, AT_EMPTY_PATH));
	chmod("f", 06777);
	APART(
		become(1000);
		int w = open("f", O_WRONLY);
		write(w, "y", 1);
	);
	mode("a write clears set-id bits", "f");
	chmod("f", 06777);
	APART(become(1000); truncate("f", 1));
	mode("truncate as well", "f");
	chmod("f", 06777);
	fd = open("f", O_WRONLY);
	write(fd, "z", 1);
	mode("not root's write", "f");

	put_file("mine", "", 0644);
	chown("mine", 1000, 1000);
	APART(
		become(1000);
		OK("the owner's chmod", chmod("mine", 0600));
		RET("another's chmod", chmod("f", 0600));
		RET("give away", chown("mine", 1001, -1));
		OK("to itself", chown("mine", 1000, 1000));
		RET("to a strange group", chown("mine", -1, 1001));
		OK("chmod g+s in a own group", chmod("mine", 02755));
		mode("kept", "mine");
	);
	chown("mine", 1000, 50);
	APART(become(1000); chmod("mine", 02755); mode("g+s of a strange group is dropped", "mine"));

	/* access */
	put_file("a", "", 0640);
	OK("root R_OK|W_OK", access("a", R_OK | W_OK));
	RET("root X_OK without any x", access("a", X_OK));
	chmod("a", 0001);
	OK("root X_OK with some x", access("a", X_OK));
	chmod("a", 0640);
	RET("bad mode", access("a", 8));
	RET("missing", access("nix", F_OK));
	chmod("a", 0600);
	APART(
		setresuid(1000, 0, 0);
		RET("access asks the real user", access("a", R_OK));
		OK("faccessat2 AT_EACCESS the effective", syscall(SYS_faccessat2, AT_FDCWD, "a", R_OK, AT_EACCESS));
	);
	RET("faccessat2 bad flags", syscall(SYS_faccessat2, AT_FDCWD, "a", R_OK, 1));
	OK("faccessat2 AT_EMPTY_PATH", syscall(SYS_faccessat2, open("a", O_RDONLY), "", R_OK, AT_EMPTY_PATH));
	symlink("nowhere", "dangling");
	RET("access of a dangling link", access("dangling", F_OK));
	OK("AT_SYMLINK_NOFOLLOW", syscall(SYS_faccessat2, AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));

	/* sticky directories */
	mkdir("t", 0777);
	chmod("t", 01777);
	put_file("t/root", "", 0666);
	mkdir("t/rootdir", 0777);
	APART(become(1000); put_file("t/user", "", 0600));
	APART(
		become(1001);
		RET("unlink root's", unlink("t/root"));
		RET("unlink another's", unlink("t/user"));
		RET("rmdir root's", rmdir("t/rootdir"));
		RET("write to it though", open("t/root", O_WRONLY) >= 0);
	);
	APART(become(1000); OK("unlink one's own", unlink("t/user")));

	/* times */
	struct timespec ts[2] = { { 100, 1 }, { 200, 2 } };
	put_file("u", "", 0644);
	OK("utimensat", utimensat(AT_FDCWD, "u", ts, 0));
	times("set", "u");
	ts[0] = (struct timespec){ 0, UTIME_OMIT };
	ts[1] = (struct timespec){ 300, 3 };
	utimensat(AT_FDCWD, "u", ts, 0);
	times("UTIME_OMIT", "u");
	ts[1].tv_nsec = 1000000000;
	RET("bad nanoseconds", utimensat(AT_FDCWD, "u", ts, 0));
	ts[0] = (struct timespec){ -5, 7 };
	ts[1] = (struct timespec){ 1L << 33, 8 };
	utimensat(AT_FDCWD, "u", ts, 0);
	times("before 1970, after 2038", "u");
	symlink("u", "us");
	ts[0] = ts[1] = (struct timespec){ 1, 1 };
	utimensat(AT_FDCWD, "us", ts, AT_SYMLINK_NOFOLLOW);
	times("a link's own", "us");
	struct timeval tv[2] = { { 9, 5 }, { 10, 6 } };
	OK("utimes", utimes("u", tv));
	times("microseconds", "u");
	tv[0].tv_usec = 1000000;
	RET("utimes bad microseconds", utimes("u", tv));
	chmod("u", 0666);
	APART(
		become(1000);
		OK("now, by who may write", utimensat(AT_FDCWD, "u", NULL, 0));
		RET("another time, by who may write", utimensat(AT_FDCWD, "u", ts, 0));
	);
	chmod("u", 0644);
	APART(become(1000); RET("now, by who may not", utimensat(AT_FDCWD, "u", NULL, 0)));
	RET("NULL path, descriptor", syscall(SYS_utimensat, open("u", O_RDONLY), NULL, ts, 0));
	RET("bad flags", utimensat(AT_FDCWD, "u", ts, 1));

	/* mknod */
	struct stat st;
	OK("a null device", mknod("null", S_IFCHR | 0666, makedev(1, 3)));
	stat("null", &st);
	say("it is", "%#o %d:%d", st.st_mode, major(st.st_rdev), minor(st.st_rdev));
	RET("it works", write(open("null", O_WRONLY), "abc", 3));
	OK("mknod of a regular file", mknod("reg", 0644, 0));
	OK("a FIFO", mknod("fifo", S_IFIFO | 0600, 0));
	OK("a socket", mknod("sock", S_IFSOCK | 0600, 0));
	RET("a directory", mknod("dir", S_IFDIR | 0700, 0));
	RET("bad type", mknod("bad", 0110000 | 0700, 0));
	RET("existing", mknod("reg", 0644, 0));
	APART(become(1000); chdir("/tmp"); RET("a device as a user", mknod("/tmp/abi-dev", S_IFCHR | 0600, makedev(1, 3))));
}
