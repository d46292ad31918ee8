/* The end of connections, urgent data, lingering: shutdown(2), close(2), socket(7), recv(2). */
#include "tcp.h"
#include <linux/sockios.h>

static void urgent(void)
{
	int p[2], n;
	char buf[16] = "";

	tcp_pair_alone(p);
	RET("no urgent data", recv(p[1], buf, 1, MSG_OOB));
	write(p[0], "ab", 2);
	RET("send urgent", send(p[0], "cU", 2, MSG_OOB));
	write(p[0], "de", 2);
	poll_now("urgent", p[1]);
	ioctl(p[1], FIONREAD, &n);
	VAL("bytes before the mark", n);
	RET("peek at it", recv(p[1], buf, 1, MSG_OOB | MSG_PEEK));
	RET("up to the mark", read(p[1], buf, sizeof(buf)));
	say("that is", "%.3s", buf);
	ioctl(p[1], SIOCATMARK, &n);
	VAL("at the mark", n);
	RET("the byte itself", recv(p[1], buf, 4, MSG_OOB));
	say("it is", "%c", buf[0]);
	RET("only once", recv(p[1], buf, 1, MSG_OOB));
	poll_now("taken", p[1]);
	RET("past the mark", read(p[1], buf, sizeof(buf)));
	say("which is", "%.2s", buf);
	RET("no more", recv(p[1], buf, 1, MSG_OOB));
	send(p[0], "V", 1, MSG_OOB);
	write(p[0], "rest", 4);
	RET("not asked for", read(p[1], buf, sizeof(buf)));
	say("skipped", "%.4s", buf);
	RET("lost", recv(p[1], buf, 1, MSG_OOB));
	set_opt(p[1], SOL_SOCKET, SO_OOBINLINE, 1);
	send(p[0], "xW", 2, MSG_OOB);
	RET("inline refuses", recv(p[1], buf, 1, MSG_OOB));
	RET("inline before", read(p[1], buf, sizeof(buf)));
	RET("inline mark", read(p[1], buf, sizeof(buf)));
	say("inline byte", "%c", buf[0]);
	close(p[0]);
	close(p[1]);
}

static void halves(void)
{
	int p[2];
	char buf[16];

	tcp_pair_alone(p);
	OK("shut sending", shutdown(p[0], SHUT_WR));
	RET("send then", send(p[0], "x", 1, MSG_NOSIGNAL));
	CHILD("signals too", write(p[0], "x", 1));
	RET("the other half", write(p[1], "answer", 6));
	RET("is heard", read(p[0], buf, sizeof(buf)));
	OK("twice", shutdown(p[0], SHUT_WR));
	OK("both ways", shutdown(p[0], SHUT_RDWR));
	RET("read then", read(p[0], buf, 1));
	RET("bad how", shutdown(p[0], 5));
	close(p[1]);
	RET("after all", shutdown(p[0], SHUT_RDWR));
	close(p[0]);
	tcp_pair_alone(p);
	OK("both ways at once", shutdown(p[0], SHUT_RDWR));
	RET("peer sees the end", read(p[1], buf, 1));
	RET("peer writes", write(p[1], "x", 1));
	RET("and is told", send(p[1], "x", 1, MSG_NOSIGNAL));
	close(p[0]);
	close(p[1]);
}

static void abortive(void)
{
	int p[2];
	struct linger lg = { 1, 0 };
	char x;

	tcp_pair_alone(p);
	write(p[0], "lost", 4);
	setsockopt(p[0], SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	close(p[0]);
	RET("data before a reset", read(p[1], &x, 1));
	RET("the reset", read(p[1], &x, 1));
	close(p[1]);
	tcp_pair_alone(p);
	write(p[0], "heard", 5);
	lg.l_linger = 5;
	setsockopt(p[0], SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	OK("lingering close", close(p[0]));
	char buf[8];

	RET("was heard", read(p[1], buf, sizeof(buf)));
	close(p[1]);
}

static void woken(void)
{
	int p[2];
	char x;
	pid_t pid;

	tcp_pair_alone(p);
	pid = MUST(fork());
	if (!pid)
		_exit(read(p[1], &x, 1) == 0 ? 7 : 1);
	until_asleep(pid);
	OK("shutdown of a reader", shutdown(p[1], SHUT_RD));
	say("it woke", "%s", reap(pid));
	close(p[0]);
	close(p[1]);
	tcp_pair_alone(p);
	pid = MUST(fork());
	if (!pid)
		_exit(read(p[1], &x, 1) == 1 && x == 'w' ? 8 : 1);
	until_asleep(pid);
	write(p[0], "w", 1);
	say("a reader", "%s", reap(pid));
	signal(SIGPIPE, SIG_IGN);
	pid = MUST(fork());
	if (!pid) {
		static char big[65536];

		close(p[1]);
		while (write(p[0], big, sizeof(big)) > 0)
			;
		_exit(errno == ECONNRESET || errno == EPIPE ? 9 : 1);
	}
	until_asleep(pid);
	close(p[0]);
	close(p[1]);
	say("a writer whose reader goes", "%s", reap(pid));
}

static void states(void)
{
	int l = listener_any(), p[2];
	char x;

	tcp_pair(l, p);
	VAL("established", tcp_state(p[0]));
	shutdown(p[0], SHUT_WR);
	VAL("first to close", tcp_state(p[0]));
	VAL("its peer", tcp_state(p[1]));
	read(p[1], &x, 1);
	shutdown(p[1], SHUT_WR);
	VAL("first at the end", tcp_state(p[0]));
	VAL("peer at the end", tcp_state(p[1]));
	close(p[0]);
	close(p[1]);
	close(l);
}

void abi_test(void)
{
	loopback_up();
	urgent();
	halves();
	abortive();
	woken();
	states();
}
