/* io_uring: sockets, names, attributes, ranges, pipes, epoll. */
#include "uring.h"
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sys/xattr.h>

static struct io_uring_sqe *s;

static int listener(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

	strcpy(a.sun_path, path);
	MUST(bind(fd, (void *)&a, sizeof(a)));
	MUST(listen(fd, 8));
	return fd;
}

static void connections(struct ring *r)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX }, from;
	socklen_t len = sizeof(from);
	struct io_uring_cqe c;
	int l = listener("sock");

	strcpy(a.sun_path, "sock");
	s = sqe_next(r, IORING_OP_ACCEPT, l, &from, 0, (uintptr_t)&len);
	s->user_data = 1;
	RET("ACCEPT", ring_go(r, 0));
	VAL("ACCEPT, waits", ring_ready(r));
	sqe_next(r, IORING_OP_SOCKET, AF_UNIX, NULL, 0, SOCK_STREAM | SOCK_CLOEXEC);
	MUST(ring_go(r, 1) == 1 && ring_take(r, &c) ? 0 : -1);
	int cl = c.res;
	YES("SOCKET", cl >= 0);
	VAL("SOCKET, close-on-exec", fcntl(cl, F_GETFD));
	sqe_next(r, IORING_OP_CONNECT, cl, &a, 0, sizeof(a))->user_data = 2;
	MUST(ring_go(r, 2));
	int peer = -1, told = -1;
	for (int i = 0; i < 2 && ring_take(r, &c); i++) {
		if (c.user_data == 1)
			peer = c.res;
		else
			told = c.res;
	}
	VAL("CONNECT", told);
	YES("ACCEPT", peer >= 0);
	VAL("ACCEPT, length", len);
	sqe_next(r, IORING_OP_CONNECT, cl, &a, 0, sizeof(a));
	ring_one(r, "CONNECT again");
	sqe_next(r, IORING_OP_CONNECT, l, &a, 1, sizeof(a));
	ring_one(r, "CONNECT, length");
	sqe_next(r, IORING_OP_CONNECT, 0, &a, 0, sizeof(a));
	ring_one(r, "CONNECT, no socket");
	sqe_next(r, IORING_OP_CONNECT, cl, (void *)8, 0, sizeof(a));
	ring_one(r, "CONNECT, no address");
	sqe_next(r, IORING_OP_ACCEPT, 0, NULL, 0, 0);
	ring_one(r, "ACCEPT, no socket");
	sqe_next(r, IORING_OP_ACCEPT, cl, NULL, 0, 0);
	ring_one(r, "ACCEPT, no listener");
	sqe_next(r, IORING_OP_ACCEPT, l, NULL, 0, 0)->accept_flags = 1;
	ring_one(r, "ACCEPT, unknown flag");
	sqe_next(r, IORING_OP_ACCEPT, l, NULL, 0, 0)->ioprio = 8;
	ring_one(r, "ACCEPT, unknown option");
	sqe_next(r, IORING_OP_SOCKET, 99, NULL, 0, SOCK_STREAM);
	ring_one(r, "SOCKET, unknown family");
	sqe_next(r, IORING_OP_SOCKET, AF_UNIX, NULL, 0, 0x100000);
	ring_one(r, "SOCKET, unknown type");

	s = sqe_next(r, IORING_OP_ACCEPT, l, NULL, 0, 0);
	s->ioprio = IORING_ACCEPT_MULTISHOT;
	s->user_data = 7;
	RET("ACCEPT, several", ring_go(r, 0));
	for (int i = 0; i < 3; i++) {
		int fd = MUST(socket(AF_UNIX, SOCK_STREAM, 0));

		MUST(connect(fd, (void *)&a, sizeof(a)));
		MUST(ring_take(r, &c) ? 0 : -1);
		say("ACCEPT, several", "%s %#x", c.res >= 0 ? "yes" : err_name(-c.res), c.flags);
		close(c.res);
		close(fd);
	}
	sqe_next(r, IORING_OP_ASYNC_CANCEL, -1, (void *)7, 0, 0);
	MUST(ring_go(r, 2));
	for (int i = 0; i < 2 && ring_take(r, &c); i++)
		if (c.user_data == 7)
			say("ACCEPT, several, cancelled", "%s %#x", res_text(c.res), c.flags);
	sqe_next(r, IORING_OP_SHUTDOWN, cl, NULL, SHUT_WR, 0);
	ring_one(r, "SHUTDOWN");
	sqe_next(r, IORING_OP_SHUTDOWN, cl, NULL, 9, 0);
	ring_one(r, "SHUTDOWN, unknown");
	sqe_next(r, IORING_OP_SHUTDOWN, 0, NULL, 0, 0);
	ring_one(r, "SHUTDOWN, no socket");
	char b;
	VAL("read after it", read(peer, &b, 1));
	close(cl);
	close(peer);
	close(l);
}

static void messages(struct ring *r)
{
	char buf[64] = "", room[64];
	int sv[2], e = MUST(eventfd(3, 0));
	struct iovec out[2] = { { "abc", 3 }, { "def", 3 } }, in = { buf, sizeof(buf) };
	union { char room[CMSG_SPACE(sizeof(int))]; struct cmsghdr h; } u = { .h = { CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS } };
	struct msghdr m = { .msg_iov = out, .msg_iovlen = 2, .msg_control = &u, .msg_controllen = sizeof(u) };
	struct msghdr got = { .msg_iov = &in, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };

	memcpy(CMSG_DATA(&u.h), &e, sizeof(int));
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, sv));
	sqe_next(r, IORING_OP_SEND, sv[0], "hello", 5, 0);
	ring_one(r, "SEND");
	sqe_next(r, IORING_OP_RECV, sv[1], buf, 64, 0);
	ring_one(r, "RECV");
	STR("RECV", buf);
	sqe_next(r, IORING_OP_RECV, sv[1], buf, 64, 0)->user_data = 1;
	RET("RECV, later", ring_go(r, 0));
	MUST(write(sv[0], "later", 5));
	ring_say(r, "RECV, later");
	s = sqe_next(r, IORING_OP_RECV, sv[1], buf, 6, 0);
	s->msg_flags = MSG_WAITALL;
	RET("RECV of the whole", ring_go(r, 0));
	MUST(write(sv[0], "abc", 3));
	VAL("RECV of the whole, waits", ring_ready(r));
	MUST(write(sv[0], "def", 3));
	ring_say(r, "RECV of the whole");
	sqe_next(r, IORING_OP_RECV, sv[1], buf, 64, 0)->msg_flags = MSG_DONTWAIT;
	ring_one(r, "RECV, do not wait");
	s = sqe_next(r, IORING_OP_RECV, sv[1], buf, 64, 0);
	s->ioprio = IORING_RECVSEND_POLL_FIRST;
	s->user_data = 3;
	MUST(ring_go(r, 0));
	MUST(write(sv[0], "poll", 4));
	ring_say(r, "RECV, POLL_FIRST");
	sqe_next(r, IORING_OP_RECV, sv[1], buf, 64, 0)->ioprio = 0x100;
	ring_one(r, "RECV, unknown option");
	sqe_next(r, IORING_OP_RECV, sv[1], buf, 0, 0)->ioprio = IORING_RECV_MULTISHOT;
	ring_one(r, "RECV, several into no group");
	sqe_next(r, IORING_OP_RECV, 0, buf, 64, 0);
	ring_one(r, "RECV, no socket");
	sqe_next(r, IORING_OP_SEND, sv[0], (void *)8, 5, 0);
	ring_one(r, "SEND from nowhere");
	sqe_next(r, IORING_OP_SENDMSG, sv[0], &m, 1, 0);
	ring_one(r, "SENDMSG");
	memset(buf, 0, sizeof(buf));
	sqe_next(r, IORING_OP_RECVMSG, sv[1], &got, 1, 0);
	ring_one(r, "RECVMSG");
	STR("RECVMSG", buf);
	VAL("RECVMSG, control", got.msg_controllen);
	struct cmsghdr *h = (void *)room;
	unsigned long long count = 0;
	MUST(read(*(int *)CMSG_DATA(h), &count, 8));
	VAL("RECVMSG, what was sent", count);
	sqe_next(r, IORING_OP_SENDMSG, sv[0], (void *)8, 1, 0);
	ring_one(r, "SENDMSG, no message");
	sqe_next(r, IORING_OP_RECVMSG, sv[1], (void *)8, 1, 0);
	ring_one(r, "RECVMSG, no message");
	close(sv[1]);
	sqe_next(r, IORING_OP_SEND, sv[0], "hello", 5, 0);
	ring_one(r, "SEND to nobody");
	sqe_next(r, IORING_OP_RECV, sv[0], buf, 5, 0);
	ring_one(r, "RECV, the end");
	close(sv[0]);
	close(e);
}

static void names(struct ring *r)
{
	struct open_how how = { .flags = O_RDWR | O_CREAT, .mode = 0640 }, bad = { .flags = ~0ull };
	struct statx sx;
	struct io_uring_cqe c;
	char buf[64] = "";

	s = sqe_next(r, IORING_OP_OPENAT, AT_FDCWD, "one", 0600, 0);
	s->open_flags = O_RDWR | O_CREAT | O_EXCL;
	MUST(ring_go(r, 1) == 1 && ring_take(r, &c) ? 0 : -1);
	YES("OPENAT", c.res >= 0);
	int fd = c.res;
	s = sqe_next(r, IORING_OP_OPENAT, AT_FDCWD, "one", 0600, 0);
	s->open_flags = O_RDWR | O_CREAT | O_EXCL;
	ring_one(r, "OPENAT of what is there");
	sqe_next(r, IORING_OP_OPENAT, AT_FDCWD, "none", 0, 0);
	ring_one(r, "OPENAT of nothing");
	sqe_next(r, IORING_OP_OPENAT, AT_FDCWD, (void *)8, 0, 0);
	ring_one(r, "OPENAT, no name");
	sqe_next(r, IORING_OP_OPENAT, AT_FDCWD, "one", 0, 0)->flags = IOSQE_FIXED_FILE;
	ring_one(r, "OPENAT from a registered file");
	sqe_next(r, IORING_OP_OPENAT, AT_FDCWD, "one", 0, 0)->file_index = 3;
	ring_one(r, "OPENAT into a table that is not there");
	sqe_next(r, IORING_OP_OPENAT2, AT_FDCWD, "two", sizeof(how), (uintptr_t)&how);
	MUST(ring_go(r, 1) == 1 && ring_take(r, &c) ? 0 : -1);
	YES("OPENAT2", c.res >= 0);
	close(c.res);
	sqe_next(r, IORING_OP_OPENAT2, AT_FDCWD, "two", sizeof(how), (uintptr_t)&bad);
	ring_one(r, "OPENAT2, unknown flags");
	sqe_next(r, IORING_OP_OPENAT2, AT_FDCWD, "two", 8, (uintptr_t)&how);
	ring_one(r, "OPENAT2, too small");
	MUST(write(fd, "12345", 5));
	s = sqe_next(r, IORING_OP_STATX, AT_FDCWD, "one", STATX_SIZE | STATX_MODE, (uintptr_t)&sx);
	ring_one(r, "STATX");
	VAL("STATX, size", sx.stx_size);
	s = sqe_next(r, IORING_OP_STATX, fd, "", STATX_SIZE, (uintptr_t)&sx);
	s->statx_flags = AT_EMPTY_PATH;
	ring_one(r, "STATX of a descriptor");
	sqe_next(r, IORING_OP_STATX, AT_FDCWD, "none", STATX_SIZE, (uintptr_t)&sx);
	ring_one(r, "STATX of nothing");
	sqe_next(r, IORING_OP_STATX, AT_FDCWD, "one", STATX_SIZE, 8);
	ring_one(r, "STATX to nowhere");
	sqe_next(r, IORING_OP_MKDIRAT, AT_FDCWD, "dir", 0755, 0);
	ring_one(r, "MKDIRAT");
	sqe_next(r, IORING_OP_MKDIRAT, AT_FDCWD, "dir", 0755, 0);
	ring_one(r, "MKDIRAT again");
	sqe_next(r, IORING_OP_RENAMEAT, AT_FDCWD, "two", AT_FDCWD, (uintptr_t)"dir/two");
	ring_one(r, "RENAMEAT");
	sqe_next(r, IORING_OP_RENAMEAT, AT_FDCWD, "two", AT_FDCWD, (uintptr_t)"dir/two");
	ring_one(r, "RENAMEAT again");
	sqe_next(r, IORING_OP_LINKAT, AT_FDCWD, "one", AT_FDCWD, (uintptr_t)"dir/link");
	ring_one(r, "LINKAT");
	sqe_next(r, IORING_OP_LINKAT, AT_FDCWD, "one", AT_FDCWD, (uintptr_t)"dir/link")->hardlink_flags = 1;
	ring_one(r, "LINKAT, unknown flag");
	sqe_next(r, IORING_OP_SYMLINKAT, AT_FDCWD, "where", 0, (uintptr_t)"dir/symlink");
	ring_one(r, "SYMLINKAT");
	RET("readlink", readlink("dir/symlink", buf, sizeof(buf)));
	sqe_next(r, IORING_OP_UNLINKAT, AT_FDCWD, "dir", 0, 0);
	ring_one(r, "UNLINKAT of a directory");
	sqe_next(r, IORING_OP_UNLINKAT, AT_FDCWD, "dir/two", 0, 0);
	ring_one(r, "UNLINKAT");
	sqe_next(r, IORING_OP_UNLINKAT, AT_FDCWD, "dir/two", 0, 0);
	ring_one(r, "UNLINKAT again");
	sqe_next(r, IORING_OP_UNLINKAT, AT_FDCWD, "dir", 0, 0)->unlink_flags = AT_REMOVEDIR;
	ring_one(r, "UNLINKAT of a directory that is not empty");
	sqe_next(r, IORING_OP_UNLINKAT, AT_FDCWD, "dir", 0, 0)->unlink_flags = 1;
	ring_one(r, "UNLINKAT, unknown flag");
	sqe_next(r, IORING_OP_UNLINKAT, AT_FDCWD, "dir", 0, 3);
	ring_one(r, "UNLINKAT, offset");

	s = sqe_next(r, IORING_OP_FALLOCATE, fd, (void *)8192, 0, 0);
	ring_one(r, "FALLOCATE");
	VAL("size", lseek(fd, 0, SEEK_END));
	sqe_next(r, IORING_OP_FALLOCATE, fd, (void *)0, 0, 0);
	ring_one(r, "FALLOCATE of nothing");
	sqe_next(r, IORING_OP_FADVISE, fd, NULL, 4096, 0)->fadvise_advice = POSIX_FADV_DONTNEED;
	ring_one(r, "FADVISE");
	sqe_next(r, IORING_OP_FADVISE, fd, NULL, 4096, 0)->fadvise_advice = 99;
	ring_one(r, "FADVISE, unknown");
	sqe_next(r, IORING_OP_SYNC_FILE_RANGE, fd, NULL, 4096, 0)->sync_range_flags = SYNC_FILE_RANGE_WRITE;
	ring_one(r, "SYNC_FILE_RANGE");
	sqe_next(r, IORING_OP_SYNC_FILE_RANGE, fd, NULL, 4096, 0)->sync_range_flags = 99;
	ring_one(r, "SYNC_FILE_RANGE, unknown flag");
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*page = 1;
	sqe_next(r, IORING_OP_MADVISE, -1, page, 4096, 0)->fadvise_advice = MADV_DONTNEED;
	ring_one(r, "MADVISE");
	VAL("the page", *page);
	sqe_next(r, IORING_OP_MADVISE, -1, page + 1, 4096, 0)->fadvise_advice = MADV_DONTNEED;
	ring_one(r, "MADVISE, not at a page");

	s = sqe_next(r, IORING_OP_FSETXATTR, fd, "trusted.a", 5, (uintptr_t)"value");
	ring_one(r, "FSETXATTR");
	s = sqe_next(r, IORING_OP_FGETXATTR, fd, "trusted.a", 64, (uintptr_t)buf);
	ring_one(r, "FGETXATTR");
	s = sqe_next(r, IORING_OP_SETXATTR, 0, "trusted.b", 3, (uintptr_t)"two");
	s->addr3 = (uintptr_t)"one";
	ring_one(r, "SETXATTR");
	memset(buf, 0, sizeof(buf));
	s = sqe_next(r, IORING_OP_GETXATTR, 0, "trusted.b", 64, (uintptr_t)buf);
	s->addr3 = (uintptr_t)"one";
	ring_one(r, "GETXATTR");
	STR("GETXATTR", buf);
	s = sqe_next(r, IORING_OP_FGETXATTR, fd, "trusted.c", 64, (uintptr_t)buf);
	ring_one(r, "FGETXATTR of nothing");
	s = sqe_next(r, IORING_OP_FSETXATTR, fd, "trusted.a", 5, (uintptr_t)"value");
	s->xattr_flags = XATTR_CREATE;
	ring_one(r, "FSETXATTR, there already");
	s = sqe_next(r, IORING_OP_FSETXATTR, fd, "trusted.a", 5, (uintptr_t)"value");
	s->xattr_flags = 99;
	ring_one(r, "FSETXATTR, unknown flag");

	sqe_next(r, IORING_OP_CLOSE, fd, NULL, 0, 0);
	ring_one(r, "CLOSE");
	sqe_next(r, IORING_OP_CLOSE, fd, NULL, 0, 0);
	ring_one(r, "CLOSE again");
	sqe_next(r, IORING_OP_CLOSE, r->fd, NULL, 0, 0);
	ring_one(r, "CLOSE of a ring");
	sqe_next(r, IORING_OP_CLOSE, 0, NULL, 0, 3);
	ring_one(r, "CLOSE, offset");
	sqe_next(r, IORING_OP_CLOSE, 0, NULL, 0, 0)->file_index = 1;
	ring_one(r, "CLOSE of a registered file that is not there");
}

static void pipes(struct ring *r)
{
	char buf[16] = "";
	int a[2], b[2], fd = MUST(open("spliced", O_RDWR | O_CREAT | O_TRUNC, 0600)), ep = MUST(epoll_create1(0));

	MUST(pipe(a));
	MUST(pipe(b));
	MUST(write(fd, "splice me", 9));
	s = sqe_next(r, IORING_OP_SPLICE, a[1], NULL, 6, -1);
	s->splice_fd_in = fd;
	s->splice_off_in = 0;
	ring_one(r, "SPLICE");
	s = sqe_next(r, IORING_OP_TEE, b[1], NULL, 6, 0);
	s->splice_fd_in = a[0];
	ring_one(r, "TEE");
	RET("what came", read(a[0], buf, 16));
	STR("what came", buf);
	RET("what came by tee", read(b[0], buf, 16));
	s = sqe_next(r, IORING_OP_SPLICE, a[1], NULL, 6, 5);
	s->splice_fd_in = fd;
	ring_one(r, "SPLICE, an offset of a pipe");
	s = sqe_next(r, IORING_OP_SPLICE, a[1], NULL, 6, -1);
	s->splice_fd_in = 77;
	ring_one(r, "SPLICE of nothing open");
	s = sqe_next(r, IORING_OP_SPLICE, a[1], NULL, 6, -1);
	s->splice_flags = 64;
	ring_one(r, "SPLICE, unknown flag");
	s = sqe_next(r, IORING_OP_TEE, b[1], NULL, 6, 4);
	ring_one(r, "TEE, offset");

	struct epoll_event ev = { .events = EPOLLIN };
	sqe_next(r, IORING_OP_EPOLL_CTL, ep, &ev, EPOLL_CTL_ADD, a[0]);
	ring_one(r, "EPOLL_CTL");
	sqe_next(r, IORING_OP_EPOLL_CTL, ep, &ev, EPOLL_CTL_ADD, a[0]);
	ring_one(r, "EPOLL_CTL again");
	sqe_next(r, IORING_OP_EPOLL_CTL, ep, NULL, EPOLL_CTL_DEL, a[0]);
	ring_one(r, "EPOLL_CTL, delete");
	sqe_next(r, IORING_OP_EPOLL_CTL, ep, (void *)8, EPOLL_CTL_ADD, a[0]);
	ring_one(r, "EPOLL_CTL, no event");
	sqe_next(r, IORING_OP_EPOLL_CTL, 0, &ev, EPOLL_CTL_ADD, a[0]);
	ring_one(r, "EPOLL_CTL, no epoll");
}

void abi_test(void)
{
	struct ring r = ring_new(16, 0);

	connections(&r);
	messages(&r);
	names(&r);
	pipes(&r);
	ring_end(&r);
}
