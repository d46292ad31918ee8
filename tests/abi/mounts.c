/* mount, umount2, bind mounts, flags, propagation, pivot_root, chroot. */
#include "abi.h"

static const char *option(const char *point, const char *word)
{
	char line[512], where[256], options[256];
	const char *found = "not mounted";
	FILE *f = fopen("/proc/self/mountinfo", "r");

	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "%*d %*d %*s %*s %255s %255s", where, options) == 2 && strstr(where, point)) {
			char padded[300];

			snprintf(padded, sizeof(padded), ",%s,", options);
			found = strstr(padded, word) ? "yes" : "no";
		}
	fclose(f);
	return found;
}

void abi_test(void)
{
	char text[PATH_MAX];
	struct stat a, b;
	int fd;

	mkdir("m", 0755);
	put_file("m/under", "below", 0644);
	OK("mount", mount("tmpfs", "m", "tmpfs", 0, "size=1m,mode=0700"));
	stat("m", &a);
	say("mode option", "%#o", a.st_mode);
	RET("what was below is hidden", access("m/under", F_OK));
	put_file("m/f", "x", 0644);
	stat("m/f", &b);
	stat(".", &a);
	YES("another device", a.st_dev != b.st_dev);
	stat("m/..", &b);
	YES("dotdot leaves the mount", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	RET("rmdir of a mount point", rmdir("m"));
	RET("rename of a mount point", rename("m", "n"));
	RET("link across", link("m/f", "f"));
	fd = open("m/f", O_RDONLY);
	RET("umount busy", umount("m"));
	OK("umount MNT_DETACH", umount2("m", MNT_DETACH));
	OK("what was below is back", access("m/under", F_OK));
	RET("the detached file lives", read(fd, text, 10));
	close(fd);
	RET("umount of no mount", umount("m"));
	RET("umount missing", umount("nix"));
	RET("umount bad flags", umount2("m", 0x1000));
	RET("unknown file system", mount("x", "m", "nonsense", 0, NULL));
	RET("mount on a missing point", mount("tmpfs", "nix", "tmpfs", 0, NULL));
	RET("mount on a file", mount("tmpfs", "m/under", "tmpfs", 0, NULL));
	RET("unknown option", mount("tmpfs", "m", "tmpfs", 0, "nonsense=1"));
	RET("bad option value", mount("tmpfs", "m", "tmpfs", 0, "size=abc"));
	APART(become(1000); RET("mount as a user", mount("tmpfs", "m", "tmpfs", 0, NULL)));

	/* bind */
	mkdir("src", 0755);
	put_file("src/f", "source", 0644);
	mkdir("src/sub", 0755);
	MUST(mount("tmpfs", "src/sub", "tmpfs", 0, NULL));
	put_file("src/sub/deep", "", 0644);
	mkdir("b", 0755);
	OK("bind", mount("src", "b", NULL, MS_BIND, NULL));
	STR("same file", get_file("b/f"));
	RET("mounts below do not come", access("b/sub/deep", F_OK));
	put_file("b/new", "n", 0644);
	STR("a new file is in both", get_file("src/new"));
	OK("remount read-only", mount(NULL, "b", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	RET("write there", open("b/f", O_WRONLY));
	RET("create there", open("b/x", O_CREAT | O_WRONLY, 0600));
	RET("unlink there", unlink("b/f"));
	RET("mkdir there", mkdir("b/d", 0755));
	RET("chmod there", chmod("b/f", 0600));
	RET("access W_OK", access("b/f", W_OK));
	OK("the source is writable", access("src/f", W_OK));
	OK("open for writing by the source", open("src/f", O_WRONLY));
	STR("ro in mountinfo", option("/b", ",ro,"));
	OK("umount bind", umount("b"));
	OK("rbind", mount("src", "b", NULL, MS_BIND | MS_REC, NULL));
	OK("mounts below came", access("b/sub/deep", F_OK));
	RET("umount with one below", umount("b"));
	OK("umount both", umount("b/sub") | umount("b"));
	put_file("target", "t", 0644);
	OK("bind a file on a file", mount("src/f", "target", NULL, MS_BIND, NULL));
	STR("content", get_file("target"));
	RET("unlink a bound file", unlink("target"));
	umount("target");
	STR("content afterwards", get_file("target"));
	RET("bind a directory on a file", mount("src", "target", NULL, MS_BIND, NULL));
	umount("src/sub");

	/* flags */
	OK("nosuid, nodev, noexec", mount("tmpfs", "m", "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	STR("nosuid", option("/m", ",nosuid,"));
	STR("noexec", option("/m", ",noexec,"));
	put_file("m/script", "#!/init @exit 3\n", 0755);
	RET("execve", execve("m/script", (char *[]){ "x", NULL }, (char *[]){ NULL }));
	fd = open("m/script", O_RDONLY);
	RET("mmap PROT_EXEC", mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0));
	close(fd);
	RET("access X_OK", access("m/script", X_OK));
	OK("remount", mount(NULL, "m", NULL, MS_REMOUNT, "size=2m"));
	STR("noexec then", option("/m", ",noexec,"));
	fd = open("m/script", O_WRONLY);
	RET("remount read-only with a writer", mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	close(fd);
	OK("and without", mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	RET("write", open("m/new", O_CREAT | O_WRONLY, 0600));
	OK("umount", umount("m"));

	/* stacking and moving */
	mount("tmpfs", "m", "tmpfs", 0, NULL);
	put_file("m/one", "", 0644);
	mount("tmpfs", "m", "tmpfs", 0, NULL);
	RET("the upper hides the lower", access("m/one", F_OK));
	umount("m");
	OK("and uncovers it", access("m/one", F_OK));
	mkdir("to", 0755);
	OK("move", mount("m", "to", NULL, MS_MOVE, NULL));
	OK("moved", access("to/one", F_OK));
	RET("move what is no mount", mount("m", "to", NULL, MS_MOVE, NULL));
	umount("to");

	/* namespaces */
	APART(
		OK("unshare NEWNS", unshare(CLONE_NEWNS));
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
		mount("tmpfs", "m", "tmpfs", 0, NULL);
		put_file("m/private", "", 0644);
		OK("seen inside", access("m/private", F_OK));
	);
	RET("not outside", access("m/private", F_OK));
	mount("tmpfs", "m", "tmpfs", 0, NULL);
	mount(NULL, "m", NULL, MS_SHARED, NULL);
	mkdir("m/x", 0755);
	mkdir("peer", 0755);
	mount("m", "peer", NULL, MS_BIND, NULL);
	mount("tmpfs", "m/x", "tmpfs", 0, NULL);
	put_file("m/x/shared", "", 0644);
	RET("shared mounts propagate", access("peer/x/shared", F_OK));
	umount("peer/x");
	RET("and so do umounts", access("m/x/shared", F_OK));
	OK("make a slave", mount(NULL, "peer", NULL, MS_SLAVE, NULL));
	mount("tmpfs", "peer/x", "tmpfs", 0, NULL);
	put_file("peer/x/slave", "", 0644);
	RET("a slave's mount stays", access("m/x/slave", F_OK));
	umount("peer/x");
	umount("peer");
	umount("m");
	RET("two propagations at once", mount(NULL, ".", NULL, MS_SHARED | MS_PRIVATE, NULL));
	RET("propagation of no mount", mount(NULL, "src", NULL, MS_PRIVATE, NULL));

	/* chroot */
	mkdir("jail", 0755);
	mkdir("jail/in", 0755);
	put_file("jail/in/f", "", 0644);
	APART(
		OK("chroot", chroot("jail"));
		OK("root is the jail", access("/in/f", F_OK));
		chdir("/");
		OK("dotdot stays", access("../../in/f", F_OK));
		RET("the old path", access("/tmp", F_OK));
		symlink("/in/f", "/abs");
		OK("absolute links are inside", open("/abs", O_RDONLY));
		STR("getcwd", getcwd(text, sizeof(text)));
	);
	APART(
		chroot("jail");
		syscall(SYS_getcwd, text, sizeof(text));
		say("a working directory outside", "%.13s", text);
	);
	RET("chroot to a file", chroot("target"));
	RET("chroot missing", chroot("nix"));
	APART(become(1000); RET("chroot as a user", chroot("jail")));
	APART(
		unshare(CLONE_NEWNS);
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
		mount("tmpfs", "m", "tmpfs", 0, NULL);
		mkdir("m/old", 0755);
		RET("pivot_root on the initial root", syscall(SYS_pivot_root, "m", "m/old"));
	);
	/* the new calls */
	int tree = syscall(SYS_open_tree, AT_FDCWD, "src", 1);
	OK("open_tree OPEN_TREE_CLONE", tree);
	RET("move_mount", syscall(SYS_move_mount, tree, "", AT_FDCWD, "b", 4));
	OK("attached", access("b/f", F_OK));
	umount("b");
	int fs = syscall(SYS_fsopen, "tmpfs", 0);
	OK("fsopen", fs);
	RET("fsopen unknown", syscall(SYS_fsopen, "nonsense", 0));
	OK("fsconfig create", syscall(SYS_fsconfig, fs, 6, NULL, NULL, 0));
	OK("fsmount", syscall(SYS_fsmount, fs, 0, 0));
}
