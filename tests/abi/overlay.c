/* overlayfs: copy-up, whiteouts, opaque directories, merged listings. */
#include "abi.h"
#include <dirent.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static void list(const char *name, const char *path)
{
	struct dirent **e;
	int n = scandir(path, &e, NULL, alphasort);
	char text[512] = "";

	for (int i = 0; i < n; i++)
		if (e[i]->d_name[0] != '.')
			snprintf(text + strlen(text), 64, "%s ", e[i]->d_name);
	STR(name, text);
}

void abi_test(void)
{
	struct stat st, st2;
	char text[64];

	mkdir("l1", 0755);
	mkdir("l2", 0755);
	mkdir("up", 0755);
	mkdir("work", 0755);
	mkdir("m", 0755);
	put_file("l1/low", "low content", 0640);
	chown("l1/low", 5, 6);
	put_file("l1/both", "from l1", 0644);
	put_file("l2/both", "from l2", 0644);
	put_file("l2/second", "second", 0644);
	mkdir("l1/dir", 0755);
	put_file("l1/dir/a", "a", 0644);
	mkdir("l2/dir", 0755);
	put_file("l2/dir/b", "b", 0644);
	put_file("l2/hidden", "", 0644);
	mknod("l1/hidden", S_IFCHR, makedev(0, 0));
	symlink("low", "l1/link");
	link("l1/low", "l1/low2");
	put_file("up/upper", "upper", 0644);

	RET("without lowerdir", mount("o", "m", "overlay", 0, "upperdir=up,workdir=work"));
	RET("missing lowerdir", mount("o", "m", "overlay", 0, "lowerdir=nix,upperdir=up,workdir=work"));
	RET("unknown option", mount("o", "m", "overlay", 0, "lowerdir=l1:l2,nonsense"));
	RET("upperdir without workdir", mount("o", "m", "overlay", 0, "lowerdir=l1:l2,upperdir=up"));
	OK("mount", mount("o", "m", "overlay", 0, "lowerdir=l1:l2,upperdir=up,workdir=work"));
	list("merged", "m");
	list("merged directory", "m/dir");
	STR("the higher layer wins", get_file("m/both"));
	RET("a whiteout hides", access("m/hidden", F_OK));
	STR("through a link", get_file("m/link"));
	stat("m/low", &st);
	int rd = open("m/low", O_RDONLY);
	OK("open for writing", ({ int fd = open("m/low", O_WRONLY | O_APPEND); write(fd, "+", 1); close(fd); fd; }));
	STR("copied up", get_file("up/low"));
	STR("the lower is untouched", get_file("l1/low"));
	stat("m/low", &st2);
	say("mode and owner come along", "%#o %d %d", st2.st_mode, st2.st_uid, st2.st_gid);
	YES("st_ino stays, of a file with two links", st.st_ino == st2.st_ino);
	RET("an older descriptor sees the lower", read(rd, text, sizeof(text)));
	close(rd);
	OK("chmod", chmod("m/second", 0600));
	stat("up/second", &st);
	say("copied up by chmod", "%#o", st.st_mode);
	OK("unlink", unlink("m/both"));
	RET("gone", access("m/both", F_OK));
	lstat("up/both", &st);
	say("its whiteout", "%#o rdev %d", st.st_mode & S_IFMT, (int)st.st_rdev);
	STR("the lower has it", get_file("l1/both"));
	put_file("m/both", "again", 0644);
	STR("made again", get_file("m/both"));
	RET("rmdir a full directory", rmdir("m/dir"));
	unlink("m/dir/a");
	unlink("m/dir/b");
	OK("rmdir when emptied", rmdir("m/dir"));
	RET("gone", access("m/dir", F_OK));
	OK("mkdir again", mkdir("m/dir", 0755));
	list("is empty", "m/dir");
	YES("it is opaque", getxattr("up/dir", "trusted.overlay.opaque", text, sizeof(text)) == 1 && text[0] == 'y');
	RET("the attribute is hidden above", getxattr("m/dir", "trusted.overlay.opaque", text, sizeof(text)));
	OK("rename of a lower file", rename("m/low2", "m/renamed"));
	RET("old name", access("m/low2", F_OK));
	OK("new name", access("m/renamed", F_OK));
	mkdir("m/fresh", 0755);
	OK("rename of an upper directory", rename("m/fresh", "m/fresh2"));
	OK("link of a lower file", link("m/second", "m/hard"));
	stat("m/hard", &st);
	VAL("its links", st.st_nlink);
	OK("truncate", truncate("m/upper", 2));
	STR("content", get_file("m/upper"));
	list("at the end", "m");
	OK("umount", umount("m"));
	OK("read-only overlay", mount("o", "m", "overlay", 0, "lowerdir=l1:l2"));
	RET("write", open("m/low", O_WRONLY));
	RET("create", open("m/x", O_CREAT | O_WRONLY, 0600));
	list("lower only", "m");
	umount("m");
	/* a directory of a lower layer cannot be renamed without redirect_dir */
	mount("o", "m", "overlay", 0, "lowerdir=l1:l2,upperdir=up,workdir=work");
	mkdir("l1/z", 0755);
	umount("m");
	mount("o", "m", "overlay", 0, "lowerdir=l1:l2,upperdir=up,workdir=work");
	RET("rename of a lower directory", rename("m/z", "m/z2"));
	OK("O_TMPFILE or EOPNOTSUPP", open("m", O_TMPFILE | O_RDWR, 0600) >= 0 || errno == EOPNOTSUPP ? 0 : -1);
	char *map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, open("m/low", O_RDONLY), 0);
	say("mapped", "%.3s", map);
	munmap(map, 4096);
}
