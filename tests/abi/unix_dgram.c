/* AF_UNIX datagrams and the passing of descriptors and credentials. */
#include "abi.h"

static ssize_t send_fd(int sock, const char *text, size_t text_len, const int *fds, int n)
{
	char control[CMSG_SPACE(sizeof(int) * 300)] = { 0 };
	struct iovec iov = { (void *)text, text_len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = CMSG_SPACE(sizeof(int) * n) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * n);
	memcpy(CMSG_DATA(c), fds, sizeof(int) * n);
	return sendmsg(sock, &msg, MSG_NOSIGNAL);
}

static ssize_t receive(int sock, void *control, size_t size, struct msghdr *msg, int flags)
{
	static char text[64];
	static struct iovec iov;

	iov = (struct iovec){ text, sizeof(text) };
	*msg = (struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = size };
	return recvmsg(sock, msg, flags);
}

void abi_test(void)
{
	struct sockaddr_un a = { AF_UNIX, "a" }, b = { AF_UNIX, "b" }, from;
	socklen_t len = sizeof(from);
	char text[64];
	int s = socket(AF_UNIX, SOCK_DGRAM, 0), c = socket(AF_UNIX, SOCK_DGRAM, 0), p[2], n;

	bind(s, (void *)&a, sizeof(a));
	RET("send unconnected", send(c, "x", 1, 0));
	RET("sendto", sendto(c, "hello", 5, 0, (void *)&a, sizeof(a)));
	RET("recvfrom", recvfrom(s, text, sizeof(text), 0, (void *)&from, &len));
	VAL("an unnamed sender's length", len);
	bind(c, (void *)&b, sizeof(b));
	sendto(c, "123456", 6, 0, (void *)&a, sizeof(a));
	len = sizeof(from);
	RET("cut", recvfrom(s, text, 3, 0, (void *)&from, &len));
	STR("sender", from.sun_path);
	sendto(c, "123456", 6, 0, (void *)&a, sizeof(a));
	RET("MSG_TRUNC tells the whole", recv(s, text, 3, MSG_TRUNC));
	sendto(c, "", 0, 0, (void *)&a, sizeof(a));
	RET("an empty datagram", recv(s, text, 3, MSG_DONTWAIT));
	RET("nothing", recv(s, text, 3, MSG_DONTWAIT));
	RET("to a missing name", sendto(c, "x", 1, 0, (struct sockaddr *)&(struct sockaddr_un){ AF_UNIX, "nix" }, sizeof(a)));
	OK("connect", connect(c, (void *)&a, sizeof(a)));
	RET("send", send(c, "x", 1, 0));
	recv(s, text, 1, 0);
	fcntl(c, F_SETFL, O_NONBLOCK);
	for (n = 0; n < 1000 && send(c, "x", 1, 0) == 1; n++)
		;
	say("queue", "%d %s", n, err_name(errno));
	close(s);
	RET("to a closed one", send(c, "x", 1, 0));
	s = socket(AF_UNIX, SOCK_DGRAM, 0);
	unlink("a");
	bind(s, (void *)&a, sizeof(a));
	connect(s, (void *)&b, sizeof(b));
	RET("to one that is connected elsewhere", sendto(socket(AF_UNIX, SOCK_DGRAM, 0), "x", 1, 0, (void *)&a, sizeof(a)));
	RET("too large", ({ static char big[1 << 20]; send(s, big, sizeof(big), 0); }));
	RET("listen", listen(s, 1));
	RET("accept", accept(s, NULL, NULL));

	/* descriptors */
	char control[CMSG_SPACE(sizeof(int) * 300)];
	struct msghdr msg;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, p));
	put_file("f", "passed", 0600);
	int fds[3] = { open("f", O_RDONLY), dup(0), dup(0) };
	lseek(fds[0], 2, SEEK_SET);
	RET("send a descriptor", send_fd(p[0], "d", 1, fds, 1));
	RET("receive it", receive(p[1], control, sizeof(control), &msg, MSG_CMSG_CLOEXEC));
	struct cmsghdr *cm = CMSG_FIRSTHDR(&msg);
	say("header", "level %d type %d len %d flags %#x", cm->cmsg_level, cm->cmsg_type, (int)(cm->cmsg_len - CMSG_LEN(0)), msg.msg_flags & ~MSG_CMSG_CLOEXEC);
	int fd = *(int *)CMSG_DATA(cm);
	YES("a new number", fd != fds[0]);
	VAL("MSG_CMSG_CLOEXEC", fcntl(fd, F_GETFD));
	read(fd, text, 4);
	say("shares the offset", "%.4s", text);
	VAL("with ours", lseek(fds[0], 0, SEEK_CUR));
	send_fd(p[0], "three", 5, fds, 3);
	RET("read drops them", read(p[1], text, 2));
	receive(p[1], control, sizeof(control), &msg, 0);
	VAL("the rest has none", msg.msg_controllen);
	send_fd(p[0], "t", 1, fds, 3);
	receive(p[1], control, CMSG_SPACE(sizeof(int)), &msg, 0);
	cm = CMSG_FIRSTHDR(&msg);
	say("too little room", "%d flags %#x", (int)(cm->cmsg_len - CMSG_LEN(0)) / 4, msg.msg_flags);
	send_fd(p[0], "t", 1, fds, 1);
	receive(p[1], NULL, 0, &msg, 0);
	say("no room", "%d flags %#x", (int)msg.msg_controllen, msg.msg_flags);
	send_fd(p[0], "A", 1, fds, 1);
	send_fd(p[0], "B", 1, fds, 1);
	RET("a read stops behind descriptors", receive(p[1], control, sizeof(control), &msg, 0));
	receive(p[1], control, sizeof(control), &msg, 0);
	int bad = 999;
	RET("send a bad descriptor", send_fd(p[0], "x", 1, &bad, 1));
	int many[300];
	for (int i = 0; i < 300; i++)
		many[i] = 0;
	RET("254", send_fd(p[0], "x", 1, many, 254));
	RET("253", send_fd(p[0], "x", 1, many, 253));
	close(p[0]);
	close(p[1]);
	/* a pipe's end in flight keeps it open */
	int q[2];
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
	MUST(pipe(q));
	send_fd(p[0], "q", 1, &q[1], 1);
	close(q[1]);
	fcntl(q[0], F_SETFL, O_NONBLOCK);
	RET("in flight it is open", read(q[0], text, 1));
	close(p[0]);
	close(p[1]);
	RET("and closed with its socket", read(q[0], text, 1));

	/* credentials */
	int on = 1;
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, p));
	setsockopt(p[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	write(p[0], "c", 1);
	receive(p[1], control, sizeof(control), &msg, 0);
	cm = CMSG_FIRSTHDR(&msg);
	struct ucred *cred = (struct ucred *)CMSG_DATA(cm);
	say("SCM_CREDENTIALS", "type %d pid %d uid %d", cm->cmsg_type, cred->pid == getpid(), cred->uid);
	struct mmsghdr mm[2] = { 0 };
	struct iovec iov = { text, 1 };
	mm[0].msg_hdr.msg_iov = mm[1].msg_hdr.msg_iov = &iov;
	mm[0].msg_hdr.msg_iovlen = mm[1].msg_hdr.msg_iovlen = 1;
	RET("sendmmsg", sendmmsg(p[0], mm, 2, 0));
	RET("recvmmsg", recvmmsg(p[1], mm, 2, 0, NULL));
}
