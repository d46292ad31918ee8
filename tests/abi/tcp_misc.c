/* TCP sockets and the rest of the system: bad pointers, vectors, splice and sendfile, devices, CPUs, time-outs, descriptors that are shared. */
#include "tcp.h"
#include <sys/sendfile.h>

static void pointers(void)
{
	int p[2];
	char *edge = fence(), buf[16];
	struct iovec v[2] = { { "good", 4 }, { (void *)8, 4 } };

	tcp_pair_alone(p);
	memset(edge - 8, 'e', 8);
	RET("send from nowhere", send(p[0], (void *)8, 4, 0));
	RET("send up to the edge", send(p[0], edge - 8, 16, 0));
	RET("writev into nowhere", writev(p[0], v, 2));
	RET("what came", recv(p[1], buf, sizeof(buf), MSG_DONTWAIT));
	write(p[0], "0123456789", 10);
	RET("recv to nowhere", recv(p[1], (void *)8, 4, 0));
	RET("recv up to the edge", recv(p[1], edge - 4, 10, 0));
	RET("what is left", recv(p[1], buf, sizeof(buf), MSG_DONTWAIT));
	RET("empty send", send(p[0], "", 0, 0));
	RET("empty recv", recv(p[1], buf, 0, MSG_DONTWAIT));
	struct msghdr m = { .msg_iov = v, .msg_iovlen = 1 };
	char control[64] = { 0 };

	m.msg_control = control;
	m.msg_controllen = sizeof(control);
	RET("sendmsg with room for control", sendmsg(p[0], &m, 0));
	v[0].iov_base = buf;
	RET("recvmsg", recvmsg(p[1], &m, MSG_DONTWAIT));
	close(p[0]);
	close(p[1]);
}

static void moving(void)
{
	int p[2], pipe_fd[2], f = MUST(open("file", O_RDWR | O_CREAT, 0600));
	static char big[20000], back[20000];
	off_t off = 100;

	for (unsigned i = 0; i < sizeof(big); i++)
		big[i] = (char)(i * 7);
	MUST(write(f, big, sizeof(big)));
	MUST(pipe(pipe_fd));
	tcp_pair_alone(p);
	RET("sendfile", sendfile(p[0], f, &off, 10000));
	VAL("offset after it", off);
	RET("received", recv(p[1], back, 10000, MSG_WAITALL));
	YES("the same bytes", !memcmp(back, big + 100, 10000));
	RET("sendfile past the end", sendfile(p[0], f, (off_t[]){ 19000 }, 5000));
	RET("splice socket to pipe", splice(p[1], NULL, pipe_fd[1], NULL, 1000, 0));
	RET("splice pipe to socket", splice(pipe_fd[0], NULL, p[1], NULL, 1000, 0));
	RET("back again", recv(p[0], back, 1000, MSG_WAITALL));
	YES("the same again", !memcmp(back, big + 19000, 1000));
	fcntl(p[1], F_SETFL, O_NONBLOCK);
	RET("splice from an empty socket", splice(p[1], NULL, pipe_fd[1], NULL, 1000, SPLICE_F_NONBLOCK));
	RET("pread", pread(p[1], back, 1, 0));
	RET("lseek", lseek(p[1], 0, SEEK_SET));
	close(p[0]);
	RET("splice at the end", splice(p[1], NULL, pipe_fd[1], NULL, 1000, 0));
	close(p[1]);
	close(f);
}

static void device(void)
{
	int s = tcp(), l = listener_any();
	char name_[16] = "";
	socklen_t n = sizeof(name_);

	OK("bound to lo", setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	OK("which one", getsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, name_, &n));
	STR("lo", name_);
	OK("connects", try_connect(s, "127.0.0.1", port_of(l)));
	RET("no such device", setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "nosuch", 7));
	close(s);
	close(l);
}

static void processors(void)
{
	int s = tcp(), p[2], v = -2;
	socklen_t n = sizeof(v);

	number_opt("SO_INCOMING_CPU first", s, SOL_SOCKET, SO_INCOMING_CPU);
	OK("SO_INCOMING_CPU", set_opt(s, SOL_SOCKET, SO_INCOMING_CPU, 1));
	number_opt("SO_INCOMING_CPU now", s, SOL_SOCKET, SO_INCOMING_CPU);
	close(s);
	tcp_pair_alone(p);
	write(p[0], "x", 1);
	getsockopt(p[1], SOL_SOCKET, SO_INCOMING_CPU, &v, &n);
	YES("a CPU received it", v >= 0 && v < 64);
	close(p[0]);
	close(p[1]);
}

static void timeouts(void)
{
	int p[2];
	struct timeval tv = { 0, 30000 };
	static char big[1 << 20];
	char c;
	long n;

	tcp_pair_alone(p);
	setsockopt(p[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(p[0], SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
	RET("nothing in time", read(p[0], &c, 1));
	while ((n = write(p[0], big, sizeof(big))) == sizeof(big))
		;
	YES("the last write was short, or none", n < (long)sizeof(big));
	close(p[0]);
	close(p[1]);
}

static void shared(void)
{
	int l = listener_any(), port = port_of(l), got[3] = { 0 };
	pid_t pid[3];

	for (int i = 0; i < 3; i++) {
		pid[i] = MUST(fork());
		if (!pid[i]) {
			int s = accept(l, NULL, NULL);
			char c = 0;

			read(s, &c, 1);
			_exit(c);
		}
	}
	for (int i = 0; i < 3; i++)
		until_asleep(pid[i]);
	for (int i = 0; i < 3; i++) {
		int c = tcp();
		char text = (char)(10 + i);

		MUST(try_connect(c, "127.0.0.1", port));
		write(c, &text, 1);
		close(c);
	}
	for (int i = 0; i < 3; i++) {
		int status = reap_status(pid[i]);

		got[i] = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	}
	VAL("each child served one", got[0] + got[1] + got[2]);
	close(l);
	int p[2], d;
	char c;

	tcp_pair_alone(p);
	d = dup(p[0]);
	close(p[0]);
	RET("a duplicate keeps it open", recv(p[1], &c, 1, MSG_DONTWAIT));
	write(d, "d", 1);
	RET("and works", read(p[1], &c, 1));
	close(d);
	RET("the last one ends it", read(p[1], &c, 1));
	close(p[1]);
	l = listener_any();
	p[0] = tcp();
	MUST(try_connect(p[0], "127.0.0.1", port_of(l)));
	p[1] = MUST(accept4(l, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK));
	VAL("close on exec", fcntl(p[1], F_GETFD));
	HEX("flags", fcntl(p[1], F_GETFL));
	RET("bad flag", accept4(l, NULL, NULL, 1));
	close(p[0]);
	close(p[1]);
	close(l);
	struct stat st;

	d = tcp();
	fstat(d, &st);
	say("as a file", "%o %d", st.st_mode, (int)st.st_size);
	close(d);
}

/* What is held back for more that does not come goes after all. */
static void held_back(void)
{
	int p[2], f = MUST(open("small", O_RDWR | O_CREAT, 0600));
	char buf[8192] = { 0 };

	tcp_pair_alone(p);
	send(p[0], "wait", 4, MSG_MORE);
	RET("not at once", recv(p[1], buf, sizeof(buf), MSG_DONTWAIT));
	RET("but in time", recv(p[1], buf, sizeof(buf), 0));
	set_opt(p[0], IPPROTO_TCP, TCP_CORK, 1);
	write(p[0], "corked", 6);
	RET("corked for a while", recv(p[1], buf, sizeof(buf), 0));
	set_opt(p[0], IPPROTO_TCP, TCP_CORK, 0);
	MUST(write(f, buf, 5000));
	RET("two pages by sendfile", sendfile(p[0], f, (off_t[]){ 0 }, 5000));
	RET("arrive at once", recv(p[1], buf, sizeof(buf), MSG_DONTWAIT));
	RET("more than there is", sendfile(p[0], f, (off_t[]){ 0 }, 50000));
	RET("arrives too", recv(p[1], buf, sizeof(buf), MSG_DONTWAIT));
	close(p[0]);
	close(p[1]);
	close(f);
}

static void zero_window(void)
{
	int p[2];
	static char big[65536];
	long sent = 0, got = 0, n;

	tcp_pair_alone(p);
	fcntl(p[0], F_SETFL, O_NONBLOCK);
	while ((n = write(p[0], big, sizeof(big))) > 0)
		sent += n;
	shutdown(p[0], SHUT_WR);
	while ((n = read(p[1], big, sizeof(big))) > 0)
		got += n;
	YES("all came once there was room", sent == got);
	VAL("end", n);
	close(p[0]);
	close(p[1]);
}

void abi_test(void)
{
	loopback_up();
	pointers();
	moving();
	device();
	processors();
	timeouts();
	shared();
	held_back();
	zero_window();
}
