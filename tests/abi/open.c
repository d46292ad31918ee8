/* open, openat, creat: flags, errors, permissions, the lowest descriptor. */
#include "abi.h"

void abi_test(void)
{
	int fd, dir;
	char text[64];
	struct stat st;

	RET("missing", open("missing", O_RDONLY));
	RET("empty path", open("", O_RDONLY));
	OK("O_CREAT", fd = open("f", O_CREAT | O_RDWR, 0666));
	fstat(fd, &st);
	say("mode after umask 022", "%#o", st.st_mode);
	RET("lowest free descriptor", ({ int a = dup(fd), b = dup(fd); close(a); int c = dup(fd); int same = a == c; close(b); close(c); same; }));
	RET("O_CREAT|O_EXCL on an existing file", open("f", O_CREAT | O_EXCL | O_RDWR, 0666));
	RET("O_EXCL follows no dangling link", ({ symlink("nowhere", "dangling"); open("dangling", O_CREAT | O_EXCL | O_RDWR, 0666); }));
	OK("O_CREAT follows a dangling link", open("dangling", O_CREAT | O_RDWR, 0666));
	OK("and made its target", access("nowhere", F_OK));
	RET("O_DIRECTORY on a file", open("f", O_DIRECTORY));
	RET("a directory for writing", open(".", O_WRONLY));
	RET("a directory with O_CREAT", open(".", O_CREAT | O_RDONLY, 0666));
	RET("O_DIRECTORY|O_CREAT on nothing", open("newdir", O_DIRECTORY | O_CREAT, 0666) == -1 ? (errno = errno, -1) : 0);
	RET("trailing slash on a file", open("f/", O_RDONLY));
	RET("O_CREAT with a trailing slash", open("g/", O_CREAT | O_RDWR, 0666));
	RET("a file as a directory", open("f/x", O_RDONLY));
	symlink("f", "link");
	RET("O_NOFOLLOW on a link", open("link", O_NOFOLLOW));
	OK("O_NOFOLLOW on a file", open("f", O_NOFOLLOW));
	symlink("l2", "l1");
	symlink("l1", "l2");
	RET("link loop", open("l1", O_RDONLY));
	memset(text, 'n', sizeof(text));
	char longname[300];
	memset(longname, 'n', sizeof(longname));
	longname[255] = 0;
	OK("a name of 255", open(longname, O_CREAT | O_RDWR, 0600));
	longname[255] = 'n';
	longname[256] = 0;
	RET("a name of 256", open(longname, O_CREAT | O_RDWR, 0600));
	static char longpath[5000];
	for (int i = 0; i < 4094; i += 2)
		memcpy(longpath + i, "./", 2);
	strcpy(longpath + 4094, "f");
	OK("a path of 4095", open(longpath, O_RDONLY));
	memcpy(longpath, "./", 2);
	strcpy(longpath + 4094, "/f");
	RET("a path of 4096", open(longpath, O_RDONLY));

	write(fd, "0123456789", 10);
	OK("O_TRUNC", open("f", O_WRONLY | O_TRUNC));
	fstat(fd, &st);
	VAL("size after O_TRUNC", st.st_size);
	write(fd, "abc", 3);
	int ap = open("f", O_WRONLY | O_APPEND);
	lseek(ap, 0, SEEK_SET);
	write(ap, "def", 3);
	VAL("O_APPEND moves the offset to the end", lseek(ap, 0, SEEK_CUR));
	RET("pwrite with O_APPEND appends", pwrite(ap, "g", 1, 0));
	fstat(ap, &st);
	VAL("size", st.st_size);

	RET("read of O_WRONLY", read(ap, text, 1));
	int rd = open("f", O_RDONLY);
	RET("write of O_RDONLY", write(rd, text, 1));
	HEX("F_GETFL", fcntl(rd, F_GETFL));
	HEX("F_GETFL of O_RDWR|O_APPEND|O_NONBLOCK", fcntl(open("f", O_RDWR | O_APPEND | O_NONBLOCK), F_GETFL));
	HEX("F_GETFL keeps no creation flags", fcntl(open("f", O_RDWR | O_CREAT | O_NOCTTY, 0), F_GETFL));
	HEX("F_GETFL of O_SYNC", fcntl(open("f", O_RDWR | O_SYNC), F_GETFL));
	fd = open("f", 3);
	OK("access mode 3 opens", fd);
	RET("but reads nothing", read(fd, text, 1));
	OK("unknown flags are ignored", open("f", O_RDONLY | 0x20000000));

	fd = open("readonly-new", O_CREAT | O_RDWR, 0000);
	OK("mode 0 binds only later opens", fd);
	RET("and the descriptor writes", write(fd, "x", 1));
	fd = open("sticky", O_CREAT | O_RDWR, 07777);
	fstat(fd, &st);
	say("creation with 07777", "%#o", st.st_mode);

	mkdir("d", 0755);
	dir = open("d", O_RDONLY | O_DIRECTORY);
	OK("openat a directory's descriptor", openat(dir, "in", O_CREAT | O_RDWR, 0600));
	OK("the file is there", access("d/in", F_OK));
	OK("openat dotdot", openat(dir, "../f", O_RDONLY));
	RET("openat a bad descriptor", openat(99, "f", O_RDONLY));
	OK("openat ignores it for absolute paths", openat(99, "/", O_RDONLY));
	RET("openat a file's descriptor", openat(rd, "f", O_RDONLY));
	RET("read a directory", read(dir, text, 10));
	rmdir("d");
	unlink("d/in");
	rmdir("d");
	RET("openat in a removed directory", openat(dir, "x", O_CREAT | O_RDWR, 0600));
	OK("a removed directory's dot", openat(dir, ".", O_RDONLY));

	APART(
		chmod("f", 0640);
		become(1000);
		RET("others may not read 0640", open("f", O_RDONLY));
		RET("nor create in 0755", open("h", O_CREAT | O_RDWR, 0600));
		RET("O_NOATIME of another's file", open("nowhere", O_RDONLY | O_NOATIME));
		RET("missing in a readable directory", open("nix", O_RDONLY));
	);
	mkdir("closed", 0700);
	put_file("closed/f", "x", 0666);
	APART(
		become(1000);
		RET("through a closed directory", open("closed/f", O_RDONLY));
		RET("missing in a closed directory", open("closed/nix", O_RDONLY));
	);
	OK("creat", creat("c", 0600));
	OK("device", open("/dev/null", O_RDWR));
	mknod("nodev", S_IFCHR | 0600, 0xfff << 8 | 0xff);
	RET("a device without a driver", open("nodev", O_RDWR));
	int s = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un addr = { AF_UNIX, "sock" };
	bind(s, (struct sockaddr *)&addr, sizeof(addr));
	RET("a socket", open("sock", O_RDWR));

	struct rlimit few = { 16, 16 };
	APART(
		setrlimit(RLIMIT_NOFILE, &few);
		RET("the table is full", ({ int r = 0; while (r >= 0) r = open("/dev/null", O_RDONLY); r; }));
	);
	RET("close twice", ({ int x = dup(0); close(x); close(x); }));
	RET("a wild path", open((char *)1, O_RDONLY));
}
