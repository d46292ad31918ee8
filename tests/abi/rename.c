/* rename, renameat2 and its flags. */
#include "abi.h"
#include <linux/fs.h>

static long renameat2_(const char *a, const char *b, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags);
}

void abi_test(void)
{
	struct stat st, st2;
	int fd;

	put_file("a", "A", 0644);
	put_file("b", "B", 0644);
	fd = open("b", O_RDONLY);
	OK("over a file", rename("a", "b"));
	STR("content", get_file("b"));
	RET("the old name is gone", access("a", F_OK));
	fstat(fd, &st);
	VAL("the replaced file lives while open", st.st_nlink);
	RET("missing", rename("nix", "x"));
	RET("empty source", rename("", "x"));
	RET("empty target", rename("b", ""));
	OK("onto itself", rename("b", "b"));
	link("b", "b2");
	OK("onto another link of it does nothing", rename("b", "b2"));
	OK("both names stay", access("b", F_OK) | access("b2", F_OK));

	mkdir("d", 0755);
	mkdir("e", 0755);
	mkdir("full", 0755);
	put_file("full/x", "", 0644);
	RET("file over a directory", rename("b", "d"));
	RET("directory over a file", rename("d", "b"));
	RET("directory over a full one", rename("d", "full"));
	OK("directory over an empty one", rename("full", "e"));
	OK("its content came along", access("e/x", F_OK));
	RET("directory into itself", rename("e", "e/sub"));
	mkdir("e/deep", 0755);
	RET("directory into its child", rename("e", "e/deep/sub"));
	RET("child over its ancestor", rename("e/deep", "e"));
	RET("dot", rename("e/.", "z"));
	RET("dotdot", rename("e/..", "z"));
	RET("to dot", rename("d", "e/."));
	RET("file with a trailing slash", rename("b/", "z"));
	RET("file to a name with a slash", rename("b", "z/"));
	OK("directory with slashes", rename("d/", "d2/"));
	RET("root", rename("/", "x"));
	RET("target's parent missing", rename("b", "no/b"));
	RET("target's parent a file", rename("b", "b2/x"));
	symlink("b", "l");
	OK("a link itself", rename("l", "l2"));
	lstat("l2", &st);
	YES("is still a link", S_ISLNK(st.st_mode));
	OK("file over a link", rename("b2", "l2"));
	lstat("l2", &st);
	YES("is now the file", S_ISREG(st.st_mode));
	OK("the link's target stays", access("b", F_OK));

	stat("e", &st);
	stat("d2", &st2);
	say("links before the move", "%d %d", (int)st.st_nlink, (int)st2.st_nlink);
	rename("e/deep", "d2/deep");
	stat("e", &st);
	stat("d2", &st2);
	say("links after the move", "%d %d", (int)st.st_nlink, (int)st2.st_nlink);
	stat("d2/deep/..", &st);
	YES("dotdot of a moved directory", st.st_ino == st2.st_ino);

	put_file("n1", "1", 0644);
	put_file("n2", "2", 0644);
	RET("RENAME_NOREPLACE onto a name", renameat2_("n1", "n2", RENAME_NOREPLACE));
	OK("RENAME_NOREPLACE onto none", renameat2_("n1", "n3", RENAME_NOREPLACE));
	OK("RENAME_EXCHANGE", renameat2_("n2", "n3", RENAME_EXCHANGE));
	STR("n2 now", get_file("n2"));
	STR("n3 now", get_file("n3"));
	OK("RENAME_EXCHANGE of a file and a directory", renameat2_("n2", "d2", RENAME_EXCHANGE));
	stat("n2", &st);
	YES("n2 is the directory", S_ISDIR(st.st_mode));
	OK("its child came along", access("n2/deep", F_OK));
	RET("RENAME_EXCHANGE with none", renameat2_("n2", "nix", RENAME_EXCHANGE));
	RET("RENAME_EXCHANGE with an ancestor", renameat2_("n2/deep", "n2", RENAME_EXCHANGE));
	RET("both flags", renameat2_("n2", "n3", RENAME_NOREPLACE | RENAME_EXCHANGE));
	RET("unknown flag", renameat2_("n2", "n3", 0x100));
	OK("RENAME_WHITEOUT", renameat2_("n3", "n4", RENAME_WHITEOUT));
	lstat("n3", &st);
	say("the whiteout", "%#o rdev %d", st.st_mode & S_IFMT, (int)st.st_rdev);

	RET("to another file system", rename("n4", "/dev/shm/n4"));
	RET("renameat of a bad descriptor", renameat(99, "x", AT_FDCWD, "y"));
	mkdir("top", 01777);
	chmod("top", 01777);
	put_file("top/rootfile", "", 0666);
	mkdir("plain", 0755);
	put_file("plain/f", "", 0666);
	APART(
		become(1000);
		RET("another's file in a sticky directory", rename("top/rootfile", "top/mine"));
		RET("without w on the parent", rename("plain/f", "plain/g"));
		put_file("top/mine", "m", 0600);
		OK("one's own there", rename("top/mine", "top/mine2"));
		RET("over another's there", rename("top/mine2", "top/rootfile"));
	);
	RET("the working directory can move", ({ mkdir("w", 0755); chdir("w"); int r = rename("../w", "../w2"); chdir(".."); r; }));
	char longname[300];
	memset(longname, 'n', 256);
	longname[256] = 0;
	RET("a long target", rename("n4", longname));
}
