/* mkdir, rmdir, chdir, getcwd, unlink of directories, nlink. */
#include "abi.h"

void abi_test(void)
{
	char cwd[PATH_MAX], text[PATH_MAX];
	struct stat st;
	int fd;

	OK("mkdir", mkdir("d", 0777));
	stat("d", &st);
	say("mode", "%#o", st.st_mode);
	RET("mkdir again", mkdir("d", 0777));
	RET("mkdir .", mkdir(".", 0777));
	RET("mkdir d/..", mkdir("d/..", 0777));
	RET("mkdir /", mkdir("/", 0777));
	RET("mkdir empty", mkdir("", 0777));
	OK("mkdir with a trailing slash", mkdir("slash/", 0777));
	RET("mkdir without a parent", mkdir("no/d", 0777));
	put_file("f", "", 0644);
	RET("mkdir over a file", mkdir("f", 0777));
	RET("mkdir in a file", mkdir("f/d", 0777));
	symlink("dangling-target", "dangling");
	RET("mkdir over a dangling link", mkdir("dangling", 0777));
	mkdir("sticky", 07777);
	stat("sticky", &st);
	say("mkdir 07777", "%#o", st.st_mode);
	mkdir("sgid", 0755);
	chown("sgid", 0, 50);
	chmod("sgid", 02755);
	mkdir("sgid/sub", 0700);
	stat("sgid/sub", &st);
	say("in a set-group-id directory", "%#o gid %d", st.st_mode, st.st_gid);
	put_file("sgid/file", "", 0644);
	stat("sgid/file", &st);
	say("a file there", "%#o gid %d", st.st_mode, st.st_gid);

	mkdir("d/sub", 0755);
	RET("rmdir non-empty", rmdir("d"));
	RET("rmdir .", rmdir("d/."));
	RET("rmdir ..", rmdir("d/sub/.."));
	RET("rmdir /", rmdir("/"));
	RET("rmdir a file", rmdir("f"));
	RET("rmdir missing", rmdir("nix"));
	RET("rmdir a link", ({ symlink("d", "dlink"); rmdir("dlink"); }));
	RET("unlink a directory", unlink("d"));
	RET("unlinkat AT_REMOVEDIR", unlinkat(AT_FDCWD, "d/sub", AT_REMOVEDIR));
	RET("unlinkat bad flags", unlinkat(AT_FDCWD, "d", 1));
	RET("unlinkat AT_REMOVEDIR of a file", unlinkat(AT_FDCWD, "f", AT_REMOVEDIR));
	RET("unlink f/", unlink("f/"));
	RET("unlink missing", unlink("nix"));
	OK("unlink a dangling link", unlink("dangling"));
	OK("rmdir d/", rmdir("d/"));

	/* Working directory */
	getcwd(cwd, sizeof(cwd));
	mkdir("a", 0755);
	mkdir("a/b", 0755);
	OK("chdir", chdir("a/b"));
	getcwd(text, sizeof(text));
	STR("getcwd", text + strlen(cwd));
	OK("chdir ..", chdir(".."));
	getcwd(text, sizeof(text));
	STR("getcwd then", text + strlen(cwd));
	RET("chdir to a file", chdir("../f"));
	RET("chdir missing", chdir("nix"));
	RET("getcwd too small", syscall(SYS_getcwd, text, 3));
	RET("getcwd length includes the NUL", syscall(SYS_getcwd, text, sizeof(text)) == (long)strlen(cwd) + 3);
	RET("getcwd at a bad address", syscall(SYS_getcwd, 8, 4096));
	fd = open("b", O_RDONLY);
	OK("fchdir", fchdir(fd));
	RET("fchdir to a file", fchdir(open("../../f", O_RDONLY)));
	RET("fchdir -1", fchdir(-1));
	OK("remove the working directory", rmdir("../b"));
	RET("getcwd there", syscall(SYS_getcwd, text, sizeof(text)));
	RET("create there", open("x", O_CREAT | O_RDWR, 0600));
	RET("mkdir there", mkdir("x", 0700));
	OK("stat .", stat(".", &st));
	VAL("its links", st.st_nlink);
	OK("chdir .. from there", chdir(".."));
	getcwd(text, sizeof(text));
	STR("which is", text + strlen(cwd));
	chdir("..");
	CHILD("a child's chdir", chdir("a"));
	getcwd(text, sizeof(text));
	YES("does not move its parent", !strcmp(text, cwd));
	chdir("a");
	MUST(rename("../a", "../renamed"));
	getcwd(text, sizeof(text));
	STR("getcwd follows a rename", text + strlen(cwd));
	chdir("..");

	mkdir("locked", 0700);
	mkdir("listable", 0744);
	put_file("listable/f", "", 0666);
	mkdir("open", 0777);
	chmod("open", 0777);
	APART(
		become(1000);
		RET("chdir without x", chdir("locked"));
		RET("stat without x", stat("listable/f", &st));
		OK("open its list", open("listable", O_RDONLY));
		RET("mkdir without w", mkdir("listable/d", 0777));
		RET("rmdir without w on the parent", rmdir("locked"));
		OK("mkdir with w", mkdir("open/d", 0777));
		stat("open/d", &st);
		say("owner", "%d %d", st.st_uid, st.st_gid);
	);
	/* many entries */
	mkdir("many", 0755);
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "many/%d", i);
		MUST(mkdir(text, 0755));
	}
	stat("many", &st);
	VAL("links of 1000 subdirectories", st.st_nlink);
	for (int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "many/%d", i);
		MUST(rmdir(text));
	}
	stat("many", &st);
	VAL("links afterwards", st.st_nlink);
	/* deep paths */
	int depth = 0;
	for (; depth < 300 && mkdir("deepdir", 0755) == 0 && chdir("deepdir") == 0; depth++)
		;
	VAL("depth", depth);
	YES("getcwd of a deep directory", getcwd(text, sizeof(text)) && strlen(text) == strlen(cwd) + 300 * 8);
	while (depth && chdir("..") == 0 && rmdir("deepdir") == 0)
		depth--;
	VAL("left after removal", depth);
}
