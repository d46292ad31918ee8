/* splice out of a pipe where the other side takes a part: what it did not take is still in the pipe, in order. */
#include "abi.h"
#include <sys/ioctl.h>
#include <sys/socket.h>

enum { TOTAL = 300000, PIECE = 3000 };

static int sent, arrived, wrong;	/* bytes */

static unsigned char byte_at(int n) { return (unsigned char)(n * 7 + n / 251); }

/* As much as the pipe takes. */
static void fill(int fd)
{
	unsigned char piece[PIECE];

	for (;;) {
		int want = TOTAL - sent < PIECE ? TOTAL - sent : PIECE;

		for (int i = 0; i < want; i++)
			piece[i] = byte_at(sent + i);
		ssize_t n = want ? write(fd, piece, want) : 0;
		if (n <= 0)
			return;
		sent += n;
	}
}

/* All that has arrived. */
static void drain(int fd)
{
	unsigned char text[1700];
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0)
		for (ssize_t i = 0; i < n; i++)
			wrong += text[i] != byte_at(arrived++);
}

static int in_pipe(int fd)
{
	int n = -1;

	MUST(ioctl(fd, FIONREAD, &n));
	return n;
}

static void through(const char *what, int from, int to, int out, int in)
{
	int lost = 0, refused = 0;

	sent = arrived = wrong = 0;
	for (int turn = 0; arrived < TOTAL && turn < 10000; turn++) {
		ssize_t n;

		do {
			fill(to);
			int before = in_pipe(from);

			n = splice(from, NULL, out, NULL, 10000, SPLICE_F_NONBLOCK);
			lost += before - in_pipe(from) != (n > 0 ? n : 0);
			refused += n < 0 && errno == EAGAIN && before;
		} while (n > 0);
		drain(in);
	}
	say(what, "arrived %d, wrong %d, lost in %d calls, refused: %s", arrived, wrong, lost, refused ? "yes" : "no");
}

void abi_test(void)
{
	int p[2], q[2], s[2], size = 5000;

	MUST(pipe2(p, O_NONBLOCK));
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, s));
	MUST(setsockopt(s[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)));
	through("a socket", p[0], p[1], s[0], s[1]);

	MUST(pipe2(q, O_NONBLOCK));
	MUST(fcntl(q[1], F_SETPIPE_SZ, 8192));
	through("a pipe", p[0], p[1], q[1], q[0]);

	close(s[1]);
	signal(SIGPIPE, SIG_IGN);
	MUST(write(p[1], "kept", 4));
	RET("to a socket whose other end is closed", splice(p[0], NULL, s[0], NULL, 4, 0));
	VAL("in the pipe then", in_pipe(p[0]));
	close(q[0]);
	RET("to a pipe without a reader", splice(p[0], NULL, q[1], NULL, 4, 0));
	VAL("in the pipe then", in_pipe(p[0]));
}
