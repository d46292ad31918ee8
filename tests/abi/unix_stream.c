/* AF_UNIX stream and seqpacket sockets. */
#include "abi.h"
#include <sys/ioctl.h>

static struct sockaddr_un name_of(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	strcpy(a.sun_path, path);
	return a;
}

static int sock(int type)
{
	return MUST(socket(AF_UNIX, type, 0));
}

void abi_test(void)
{
	struct sockaddr_un addr = name_of("sock"), got;
	socklen_t len;
	char text[64];
	int s, c, a, v, pair[2];
	struct stat st;

	s = sock(SOCK_STREAM);
	RET("connect to nothing", connect(s, (void *)&addr, sizeof(addr)));
	OK("bind", bind(s, (void *)&addr, sizeof(addr)));
	RET("bind again", bind(s, (void *)&addr, sizeof(addr)));
	c = sock(SOCK_STREAM);
	RET("bind the same name", bind(c, (void *)&addr, sizeof(addr)));
	lstat("sock", &st);
	say("the file", "%#o", st.st_mode);
	RET("connect without a listener", connect(c, (void *)&addr, sizeof(addr)));
	RET("accept without listen", accept(s, NULL, NULL));
	OK("listen", listen(s, 1));
	OK("connect", connect(c, (void *)&addr, sizeof(addr)));
	RET("connect again", connect(c, (void *)&addr, sizeof(addr)));
	RET("write before accept", write(c, "early", 5));
	len = sizeof(got);
	a = accept(s, (void *)&got, &len);
	OK("accept", a);
	VAL("peer's address length", len);
	RET("read", read(a, text, sizeof(text)));
	len = sizeof(got);
	getsockname(a, (void *)&got, &len);
	say("getsockname", "%d '%s'", (int)len, got.sun_path);
	len = sizeof(got);
	getpeername(c, (void *)&got, &len);
	say("getpeername", "%d '%s'", (int)len, got.sun_path);
	RET("getpeername of a listener", getpeername(s, (void *)&got, &len));
	struct ucred cred;
	len = sizeof(cred);
	getsockopt(a, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	say("SO_PEERCRED", "%d uid %d gid %d", cred.pid == getpid(), cred.uid, cred.gid);
	fcntl(s, F_SETFL, O_NONBLOCK);
	RET("accept none, nonblocking", accept(s, NULL, NULL));
	RET("read nothing, MSG_DONTWAIT", recv(a, text, 10, MSG_DONTWAIT));
	write(c, "abcdef", 6);
	RET("MSG_PEEK", recv(a, text, 3, MSG_PEEK));
	ioctl(a, FIONREAD, &v);
	VAL("FIONREAD", v);
	RET("streams join and split", read(a, text, 4));
	RET("rest", read(a, text, 4));
	write(c, "xy", 2);
	write(c, "z", 1);
	RET("MSG_WAITALL", recv(a, text, 3, MSG_WAITALL));
	shutdown(c, SHUT_WR);
	RET("read after the peer's shutdown", read(a, text, 4));
	RET("the other direction lives", write(a, "back", 4));
	RET("read it", read(c, text, 10));
	signal(SIGPIPE, SIG_IGN);
	RET("write after shutdown", write(c, "x", 1));
	close(a);
	RET("read of a closed peer", read(c, text, 10));
	c = sock(SOCK_STREAM);
	connect(c, (void *)&addr, sizeof(addr));
	a = accept(s, NULL, NULL);
	write(c, "unread", 6);
	close(a);
	RET("closed with unread data", read(c, text, 10));
	RET("then", read(c, text, 10));
	RET("write to a closed peer", write(c, "x", 1));
	CHILD("SIGPIPE", signal(SIGPIPE, SIG_DFL); write(c, "x", 1));
	CHILD("MSG_NOSIGNAL", signal(SIGPIPE, SIG_DFL); send(c, "x", 1, MSG_NOSIGNAL));

	/* backlog */
	int made = 0;
	for (; made < 10; made++) {
		c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (connect(c, (void *)&addr, sizeof(addr)))
			break;
	}
	say("backlog of 1", "%d %s", made, err_name(errno));
	close(s);
	RET("connect to a closed listener", connect(sock(SOCK_STREAM), (void *)&addr, sizeof(addr)));
	OK("the file stays", access("sock", F_OK));

	/* abstract */
	struct sockaddr_un abs = { .sun_family = AF_UNIX };
	memcpy(abs.sun_path, "\0auk", 4);
	s = sock(SOCK_STREAM);
	OK("abstract", bind(s, (void *)&abs, sizeof(sa_family_t) + 4));
	listen(s, 5);
	c = sock(SOCK_STREAM);
	OK("connect", connect(c, (void *)&abs, sizeof(sa_family_t) + 4));
	RET("a longer name is another", connect(sock(SOCK_STREAM), (void *)&abs, sizeof(sa_family_t) + 5));
	RET("taken", bind(sock(SOCK_STREAM), (void *)&abs, sizeof(sa_family_t) + 4));
	len = sizeof(got);
	getsockname(s, (void *)&got, &len);
	VAL("its length", len);
	int un = sock(SOCK_STREAM);
	OK("autobind", bind(un, (void *)&abs, sizeof(sa_family_t)));
	len = sizeof(got);
	getsockname(un, (void *)&got, &len);
	VAL("its length", len);
	RET("bind too long", bind(sock(SOCK_STREAM), (void *)&abs, 200));
	RET("bind another family", bind(sock(SOCK_STREAM), (struct sockaddr *)&(struct sockaddr_un){ .sun_family = AF_INET }, sizeof(abs)));
	RET("dgram to stream", connect(sock(SOCK_DGRAM), (void *)&abs, sizeof(sa_family_t) + 4));

	/* pairs and types */
	OK("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair));
	VAL("SOCK_CLOEXEC", fcntl(pair[0], F_GETFD));
	HEX("flags", fcntl(pair[1], F_GETFL));
	fstat(pair[0], &st);
	say("mode", "%#o", st.st_mode);
	RET("lseek", lseek(pair[0], 0, SEEK_SET));
	len = sizeof(v);
	getsockopt(pair[0], SOL_SOCKET, SO_TYPE, &v, &len);
	VAL("SO_TYPE", v);
	getsockopt(pair[0], SOL_SOCKET, SO_DOMAIN, &v, &len);
	VAL("SO_DOMAIN", v);
	getsockopt(pair[0], SOL_SOCKET, SO_ERROR, &v, &len);
	VAL("SO_ERROR", v);
	getsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &v, &len);
	VAL("SO_SNDBUF", v);
	RET("unknown option", getsockopt(pair[0], SOL_SOCKET, 9999, &v, &len));
	RET("unknown level", setsockopt(pair[0], 77, 1, &v, sizeof(v)));
	RET("option too short", setsockopt(pair[0], SOL_SOCKET, SO_PASSCRED, &v, 2));
	while (write(pair[0], text, sizeof(text)) > 0)
		;
	STR("a full one", err_name(errno));
	OK("seqpacket pair", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	write(pair[0], "one", 3);
	write(pair[0], "two", 3);
	RET("packets stay apart", read(pair[1], text, sizeof(text)));
	RET("and are cut", recv(pair[1], text, 1, 0));
	close(pair[0]);
	RET("end of packets", read(pair[1], text, 1));
	RET("unknown type", socket(AF_UNIX, 77, 0));
	RET("unknown protocol", socket(AF_UNIX, SOCK_STREAM, 5));
	RET("unknown family", socket(99, SOCK_STREAM, 0));
	RET("getsockname of a file", getsockname(open("f", O_CREAT | O_RDWR, 0600), (void *)&got, &len));
	RET("listen on a pair", listen(pair[1], 1));
	RET("send on an unconnected socket", send(sock(SOCK_STREAM), "x", 1, MSG_NOSIGNAL));
	RET("recv on an unconnected socket", recv(sock(SOCK_STREAM), text, 1, 0));
	RET("shutdown of an unconnected socket", shutdown(sock(SOCK_STREAM), SHUT_RD));
	RET("shutdown bad how", shutdown(pair[1], 9));

	/* a blocked accept */
	addr = name_of("sock2");
	s = sock(SOCK_STREAM);
	bind(s, (void *)&addr, sizeof(addr));
	listen(s, 1);
	pid_t pid = fork();
	if (pid == 0) {
		int fd = accept4(s, NULL, NULL, SOCK_CLOEXEC);

		_exit(read(fd, text, 10));
	}
	until_asleep(pid);
	c = sock(SOCK_STREAM);
	connect(c, (void *)&addr, sizeof(addr));
	write(c, "1234", 4);
	STR("accepted", reap(pid));
}
