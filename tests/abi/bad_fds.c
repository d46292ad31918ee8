/* Calls on descriptors that are closed or of the wrong kind; unknown calls. */
#include "abi.h"
#include <sys/epoll.h>
#include <sys/file.h>

void abi_test(void)
{
	char b[16];
	struct stat st;

#define BAD(name, call) RET(name " of -1", ({ int fd = -1; call; })); RET(name " of 777", ({ int fd = 777; call; }))
	BAD("read", read(fd, b, 1));
	BAD("write", write(fd, b, 1));
	BAD("close", close(fd));
	BAD("fstat", fstat(fd, &st));
	BAD("lseek", lseek(fd, 0, SEEK_SET));
	BAD("ioctl", ioctl(fd, TCGETS, b));
	BAD("fcntl", fcntl(fd, F_GETFL));
	BAD("ftruncate", ftruncate(fd, 0));
	BAD("fsync", fsync(fd));
	BAD("fchmod", fchmod(fd, 0600));
	BAD("fchown", fchown(fd, 0, 0));
	BAD("fchdir", fchdir(fd));
	BAD("flock", flock(fd, LOCK_SH));
	BAD("dup2", dup2(fd, 5));
	BAD("getdents", syscall(SYS_getdents64, fd, b, 16));
	BAD("accept", accept(fd, NULL, NULL));
	BAD("bind", bind(fd, (void *)b, 16));
	BAD("send", send(fd, b, 1, 0));
	BAD("mmap", mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0));
	BAD("epoll_wait", epoll_wait(fd, (void *)b, 1, 0));
	BAD("fallocate", fallocate(fd, 0, 0, 1));
	BAD("openat", openat(fd, "x", O_RDONLY));
	BAD("unlinkat", unlinkat(fd, "x", 0));
	BAD("mkdirat", mkdirat(fd, "x", 0700));
	BAD("readlinkat", readlinkat(fd, "x", b, 16));
	BAD("fchmodat", fchmodat(fd, "x", 0600, 0));
	BAD("symlinkat", symlinkat("y", fd, "x"));
	BAD("linkat", linkat(fd, "x", AT_FDCWD, "y", 0));
	BAD("fdatasync", fdatasync(fd));
	BAD("sendfile", syscall(SYS_sendfile, fd, 0, NULL, 1));
	BAD("splice", splice(fd, NULL, 1, NULL, 1, 0));

	int file = open("f", O_CREAT | O_RDWR, 0600);
	RET("accept of a file", accept(file, NULL, NULL));
	RET("connect of a file", connect(file, (void *)b, 16));
	RET("getsockopt of a file", getsockopt(file, SOL_SOCKET, SO_TYPE, b, &(socklen_t){ 4 }));
	RET("fchdir of a file", fchdir(file));
	RET("tcgetattr of a file", ioctl(file, TCGETS, b));
	RET("vmsplice of a file", vmsplice(file, &(struct iovec){ b, 1 }, 1, 0));
	RET("timerfd_settime of a file", syscall(SYS_timerfd_settime, file, 0, b, NULL));
	RET("signalfd of a file", syscall(SYS_signalfd4, file, b, 8, 0));
	RET("inotify_rm_watch of a file", syscall(SYS_inotify_rm_watch, file, 1));
	RET("FIONREAD of a file", ({ int n = 0; write(file, "abc", 3); lseek(file, 1, SEEK_SET); ioctl(file, 0x541b, &n) ? -1 : n; }));
	RET("FIOCLEX", ioctl(file, 0x5451));
	VAL("sets FD_CLOEXEC", fcntl(file, F_GETFD));
	RET("FIONBIO", ioctl(file, 0x5421, &(int){ 1 }));
	YES("sets O_NONBLOCK", fcntl(file, F_GETFL) & O_NONBLOCK);

	/* unknown calls */
	RET("call 335", syscall(335));
	RET("call 400", syscall(400));
	RET("call 451", syscall(451));
	RET("call 600", syscall(600));
	RET("call 100000", syscall(100000));
	RET("call -1", syscall(-1));
	RET("call with high bits set", syscall(0x100000000L + SYS_getpid) > 0);
	RET("x32 getpid", syscall(0x40000000 + SYS_getpid));
	RET("create_module", syscall(SYS_create_module, 0, 0));
	RET("query_module", syscall(SYS_query_module));
	RET("uselib", syscall(SYS_uselib, "x"));
	RET("_sysctl", syscall(SYS__sysctl, 0));
	RET("nfsservctl", syscall(SYS_nfsservctl, 0, 0, 0));
	RET("getpmsg", syscall(SYS_getpmsg));
	RET("afs_syscall", syscall(SYS_afs_syscall));
	RET("tuxcall", syscall(SYS_tuxcall));
	RET("security", syscall(SYS_security));
	RET("vserver", syscall(SYS_vserver));
	RET("set_thread_area", syscall(SYS_set_thread_area, b));
	RET("epoll_ctl_old", syscall(SYS_epoll_ctl_old));
	RET("lookup_dcookie", syscall(SYS_lookup_dcookie, 0, b, 16) == -1);
}
