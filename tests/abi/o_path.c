/* O_PATH, openat2, close_range. */
#include "abi.h"
#include <linux/close_range.h>
#include <linux/openat2.h>

static long openat2_(int dir, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how how = { .flags = flags, .mode = mode, .resolve = resolve };

	return syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

void abi_test(void)
{
	char text[64];
	struct stat st;
	int fd, dir;

	put_file("f", "content", 0000);
	symlink("f", "s");
	fd = open("f", O_PATH);
	OK("O_PATH", fd);
	RET("read", read(fd, text, 1));
	RET("write", write(fd, text, 1));
	RET("lseek", lseek(fd, 0, SEEK_SET));
	OK("fstat", fstat(fd, &st));
	RET("fchmod", fchmod(fd, 0644));
	RET("fchown", fchown(fd, 1, 1));
	RET("ioctl", ioctl(fd, 0x541b, text));
	RET("mmap", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
	HEX("F_GETFL", fcntl(fd, F_GETFL));
	OK("dup", dup(fd));
	RET("ftruncate", ftruncate(fd, 0));
	snprintf(text, sizeof(text), "/proc/self/fd/%d", fd);
	OK("open again", open(text, O_RDONLY));
	APART(become(1000); OK("needs no permission on the file", open("f", O_PATH)));
	fd = open("s", O_PATH | O_NOFOLLOW);
	fstat(fd, &st);
	YES("a link itself", S_ISLNK(st.st_mode));
	dir = open(".", O_PATH);
	OK("openat through it", openat(dir, "f", O_RDONLY));
	OK("fchdir", fchdir(dir));
	RET("getdents", syscall(SYS_getdents64, dir, text, sizeof(text)));
	HEX("other flags are dropped", fcntl(open("f", O_PATH | O_WRONLY | O_APPEND | O_TRUNC), F_GETFL));

	mkdir("jail", 0755);
	mkdir("jail/d", 0755);
	put_file("jail/f", "in", 0644);
	put_file("out", "out", 0644);
	symlink("../out", "jail/escape");
	symlink("/f", "jail/abs");
	symlink("f", "jail/good");
	dir = open("jail", O_RDONLY);
	OK("openat2", openat2_(dir, "f", O_RDONLY, 0, 0));
	RET("unknown flags", openat2_(dir, "f", 0x20000000, 0, 0));
	RET("mode without O_CREAT", openat2_(dir, "f", O_RDONLY, 0600, 0));
	RET("bad resolve", openat2_(dir, "f", O_RDONLY, 0, 0x1000));
	RET("mode too large", openat2_(dir, "n", O_CREAT | O_RDWR, 0100000, 0));
	OK("BENEATH", openat2_(dir, "d/../f", O_RDONLY, 0, RESOLVE_BENEATH));
	RET("BENEATH dotdot", openat2_(dir, "../out", O_RDONLY, 0, RESOLVE_BENEATH));
	RET("BENEATH absolute", openat2_(dir, "/f", O_RDONLY, 0, RESOLVE_BENEATH));
	RET("BENEATH by a link", openat2_(dir, "escape", O_RDONLY, 0, RESOLVE_BENEATH));
	OK("IN_ROOT absolute", openat2_(dir, "/f", O_RDONLY, 0, RESOLVE_IN_ROOT));
	OK("IN_ROOT absolute link", openat2_(dir, "abs", O_RDONLY, 0, RESOLVE_IN_ROOT));
	RET("IN_ROOT escape", openat2_(dir, "escape", O_RDONLY, 0, RESOLVE_IN_ROOT));
	RET("both", openat2_(dir, "f", O_RDONLY, 0, RESOLVE_IN_ROOT | RESOLVE_BENEATH));
	RET("NO_SYMLINKS", openat2_(dir, "good", O_RDONLY, 0, RESOLVE_NO_SYMLINKS));
	RET("NO_MAGICLINKS", openat2_(AT_FDCWD, "/proc/self/exe", O_RDONLY, 0, RESOLVE_NO_MAGICLINKS));
	RET("NO_XDEV", openat2_(AT_FDCWD, "/proc/version", O_RDONLY, 0, RESOLVE_NO_XDEV));
	struct { struct open_how how; long extra; } large = { .how = { .flags = O_RDONLY } };
	OK("a larger struct of zeros", syscall(SYS_openat2, dir, "f", &large, sizeof(large)));
	large.extra = 1;
	RET("a larger struct", syscall(SYS_openat2, dir, "f", &large, sizeof(large)));
	RET("a smaller struct", syscall(SYS_openat2, dir, "f", &large, 8));
	RET("bad address", syscall(SYS_openat2, dir, "f", 8, sizeof(struct open_how)));

	for (int i = 40; i < 50; i++)
		dup2(0, i);
	OK("close_range", syscall(SYS_close_range, 42, 45, 0));
	say("closed", "%d %d %d %d", fcntl(41, F_GETFD), fcntl(42, F_GETFD), fcntl(45, F_GETFD), fcntl(46, F_GETFD));
	OK("CLOEXEC", syscall(SYS_close_range, 46, ~0u, CLOSE_RANGE_CLOEXEC));
	say("flags", "%d %d", fcntl(41, F_GETFD), fcntl(46, F_GETFD));
	RET("first over last", syscall(SYS_close_range, 10, 5, 0));
	RET("bad flags", syscall(SYS_close_range, 10, 50, 1));
	OK("to the end", syscall(SYS_close_range, 40, ~0u, 0));
	RET("closed", fcntl(41, F_GETFD));
	OK("UNSHARE", syscall(SYS_close_range, 100, ~0u, CLOSE_RANGE_UNSHARE));
}
