/* link, linkat, symlink, readlink, O_TMPFILE with linkat. */
#include "abi.h"

void abi_test(void)
{
	struct stat st;
	char text[64], big[5000];
	int fd;

	put_file("f", "one", 0644);
	mkdir("d", 0755);
	OK("link", link("f", "g"));
	stat("f", &st);
	VAL("nlink", st.st_nlink);
	RET("over an existing name", link("f", "g"));
	RET("missing source", link("nix", "h"));
	RET("a directory", link("d", "h"));
	RET("missing parent", link("f", "no/h"));
	RET("trailing slash", link("f", "h/"));
	RET("to another file system", link("f", "/dev/shm/h"));
	RET("empty", link("", "h"));
	unlink("f");
	STR("content under the other name", get_file("g"));
	symlink("g", "s");
	OK("of a symlink", link("s", "s2"));
	lstat("s2", &st);
	say("is a link itself", "%d nlink %d", S_ISLNK(st.st_mode), (int)st.st_nlink);
	OK("AT_SYMLINK_FOLLOW", linkat(AT_FDCWD, "s", AT_FDCWD, "s3", AT_SYMLINK_FOLLOW));
	lstat("s3", &st);
	YES("is the file", S_ISREG(st.st_mode));
	RET("linkat bad flags", linkat(AT_FDCWD, "s", AT_FDCWD, "s4", 0x1));
	fd = open("g", O_RDONLY);
	OK("AT_EMPTY_PATH", linkat(fd, "", AT_FDCWD, "e", AT_EMPTY_PATH));
	RET("empty path without the flag", linkat(fd, "", AT_FDCWD, "e2", 0));
	unlink("e");
	unlink("g");
	unlink("s3");
	RET("AT_EMPTY_PATH of a removed file", linkat(fd, "", AT_FDCWD, "e", AT_EMPTY_PATH));

	fd = open(".", O_TMPFILE | O_RDWR, 0640);
	OK("O_TMPFILE", fd);
	fstat(fd, &st);
	say("its mode and links", "%#o %d", st.st_mode, (int)st.st_nlink);
	write(fd, "tmp", 3);
	OK("gets a name", linkat(fd, "", AT_FDCWD, "named", AT_EMPTY_PATH));
	STR("content", get_file("named"));
	fstat(fd, &st);
	VAL("links then", st.st_nlink);
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640);
	RET("O_TMPFILE|O_EXCL gets none", linkat(fd, "", AT_FDCWD, "named2", AT_EMPTY_PATH));
	RET("O_TMPFILE read-only", open(".", O_TMPFILE | O_RDONLY, 0640));
	RET("O_TMPFILE on a file", open("named", O_TMPFILE | O_RDWR, 0640));
	RET("O_TMPFILE missing", open("nix", O_TMPFILE | O_RDWR, 0640));
	fd = open(".", O_TMPFILE | O_RDWR, 0640);
	snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
	OK("through /proc/self/fd", linkat(AT_FDCWD, text, AT_FDCWD, "viaproc", AT_SYMLINK_FOLLOW));

	RET("readlink", readlink("s", text, sizeof(text)));
	RET("readlink cut", readlink("s2", text, 1));
	RET("readlink of size 0", syscall(SYS_readlink, "s", text, 0));
	RET("readlink of a negative size", syscall(SYS_readlink, "s", text, -1));
	RET("readlink of a file", readlink("named", text, sizeof(text)));
	RET("readlink of a directory", readlink("d", text, sizeof(text)));
	RET("readlink missing", readlink("nix", text, sizeof(text)));
	RET("readlink to a bad address", syscall(SYS_readlink, "s", 8, 10));
	fd = open("s", O_PATH | O_NOFOLLOW);
	RET("readlinkat of an O_PATH link, empty path", readlinkat(fd, "", text, sizeof(text)));
	RET("symlink over a name", symlink("x", "named"));
	RET("symlink empty", symlink("", "x"));
	RET("symlink missing parent", symlink("x", "no/x"));
	memset(big, 'a', sizeof(big));
	big[4095] = 0;
	OK("symlink of 4095", symlink(big, "long"));
	RET("its length", readlink("long", big, sizeof(big)));
	RET("following it", open("long", O_RDONLY));
	memset(big, 'a', sizeof(big));
	big[4096] = 0;
	RET("symlink of 4096", symlink(big, "long2"));

	/* nested links: 40 are followed, 41 not */
	put_file("n0", "end", 0644);
	for (int i = 1; i <= 41; i++) {
		char from[16], to[16];

		snprintf(to, sizeof(to), "n%d", i - 1);
		snprintf(from, sizeof(from), "n%d", i);
		symlink(to, from);
	}
	OK("40 links", open("n40", O_RDONLY));
	RET("41 links", open("n41", O_RDONLY));
	symlink("d", "dl");
	put_file("d/in", "in", 0644);
	STR("a link in the middle", get_file("dl/in"));
	symlink("../d/in", "d/rel");
	STR("relative to its directory", get_file("dl/rel"));
	lstat("dl/", &st);
	YES("lstat with a slash follows", S_ISDIR(st.st_mode));
	OK("unlink removes the link", unlink("dl"));
	OK("not its target", access("d", F_OK));
	put_file("owned", "", 0600);
	chmod(".", 0777);
	APART(
		become(1000);
		RET("another's unreadable file", link("owned", "mine"));
	);
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "many%d", i);
		MUST(link("named", text));
	}
	stat("named", &st);
	VAL("many links", st.st_nlink);
}
