/* What /proc/sys/net/ipv4/tcp_* does to connections over lo, and the text of /proc/net/tcp: ip-sysctl.rst, proc_net_tcp.rst. */
#include "tcp.h"

static void set(const char *name, const char *value)
{
	char path[128];

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", name);
	MUST(poke_file(path, value));
}

/* A connection that passes bytes both ways, and what it agreed. */
static void talk(const char *what)
{
	int p[2];
	struct tcp_info i[2] = { 0 };
	socklen_t n = sizeof(i[0]);
	static char buf[100000];
	long got = 0;

	tcp_pair_alone(p);
	write(p[0], "ping", 4);
	RET(what, read(p[1], buf, sizeof(buf)));
	pid_t pid = MUST(fork());

	if (!pid) {
		write(p[1], buf, sizeof(buf));
		_exit(0);
	}
	while (got < (long)sizeof(buf)) {
		long r = read(p[0], buf, sizeof(buf));

		if (r <= 0)
			break;
		got += r;
	}
	reap(pid);
	for (int k = 0; k < 2; k++)
		getsockopt(p[k], IPPROTO_TCP, TCP_INFO, &i[k], &n);
	say(what, "%ld bytes back, client options %#x scales %d %d, server options %#x scales %d %d", got, i[0].tcpi_options, i[0].tcpi_snd_wscale,
	    i[0].tcpi_rcv_wscale, i[1].tcpi_options, i[1].tcpi_snd_wscale, i[1].tcpi_rcv_wscale);
	close(p[0]);
	close(p[1]);
}

static void with(const char *name, const char *value, const char *back)
{
	set(name, value);
	talk(name);
	set(name, back);
}

static void overflow(void)
{
	int l = listener_any(), c[3], port = port_of(l);
	char x;

	MUST(listen(l, 0));
	set("tcp_abort_on_overflow", "1");
	for (int i = 0; i < 2; i++)
		c[i] = tcp();
	OK("fits", try_connect(c[0], "127.0.0.1", port));
	c[2] = MUST(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	RET("too many", try_connect(c[2], "127.0.0.1", port));
	set("tcp_abort_on_overflow", "0");
	close(MUST(accept(l, NULL, NULL)));
	RET("end of the first", read(c[0], &x, 1));
	for (int i = 0; i < 3; i++)
		close(c[i]);
	close(l);
}

static void values(void)
{
	static const char *const names[] = {
		"tcp_sack", "tcp_timestamps", "tcp_window_scaling", "tcp_syncookies", "tcp_fin_timeout", "tcp_keepalive_time", "tcp_keepalive_intvl",
		"tcp_keepalive_probes", "tcp_retries1", "tcp_retries2", "tcp_syn_retries", "tcp_synack_retries", "tcp_ecn", "tcp_recovery",
		"tcp_early_retrans", "tcp_limit_output_bytes", "tcp_tw_reuse", "tcp_congestion_control", "tcp_abort_on_overflow", "tcp_dsack",
		"tcp_slow_start_after_idle", "tcp_challenge_ack_limit", "tcp_notsent_lowat", "tcp_min_tso_segs", "tcp_reordering",
	};

	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		char path[128], text[64];

		snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", names[i]);
		snprintf(text, sizeof(text), "%s", get_file(path));
		text[strcspn(text, "\n")] = 0;
		STR(names[i], text);
	}
	RET("out of range", poke_file("/proc/sys/net/ipv4/tcp_syncookies", "3"));
	RET("unknown algorithm", poke_file("/proc/sys/net/ipv4/tcp_congestion_control", "nosuch"));
	RET("reno by default", poke_file("/proc/sys/net/ipv4/tcp_congestion_control", "reno"));
	char name[16] = "";
	socklen_t n = sizeof(name);
	int s = tcp();

	getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &n);
	STR("new socket", name);
	close(s);
	MUST(poke_file("/proc/sys/net/ipv4/tcp_congestion_control", "cubic"));
}

/* The line about @port at one side: addresses, state, queues. */
static void table(const char *what, int port, bool server)
{
	char *save = NULL, text[65536];

	snprintf(text, sizeof(text), "%s", get_file("/proc/net/tcp"));
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned la, lp, ra, rp, st, tx, rx;

		if (sscanf(line, " %*d: %x:%x %x:%x %x %x:%x", &la, &lp, &ra, &rp, &st, &tx, &rx) == 7 && (int)(server ? lp : rp) == port)
			say(what, "%s local %08x remote %08x state %02x queues %u %u, %zu columns", server ? "server" : "client", la, ra, st, tx,
			    rx, strlen(line));
	}
}

static void shown(void)
{
	int l = listener_any(), p[2], port = port_of(l);
	char head[200];

	snprintf(head, sizeof(head), "%s", get_file("/proc/net/tcp"));
	head[strcspn(head, "\n")] = 0;
	say("head", "%zu columns", strlen(head));
	table("listening", port, true);
	tcp_pair(l, p);
	close(l);
	set_opt(p[1], SOL_SOCKET, SO_RCVLOWAT, 1);
	write(p[0], "12345", 5);
	close(p[0]);
	table("a client that closed", port, true);
	table("a client that closed", port, false);
	close(p[1]);
}

/* A socket that does nothing is allocated, but not in use; connections of before are in TIME_WAIT. */
static void counted(void)
{
	int s = tcp(), in_use = -1, orphans = -1, waits = -1, allocated = -1;
	const char *line = strstr(get_file("/proc/net/sockstat"), "TCP: ");

	sscanf(line ? line : "", "TCP: inuse %d orphan %d tw %d alloc %d", &in_use, &orphans, &waits, &allocated);
	say("sockstat", "%s in TIME_WAIT, %s allocated than in use", waits > 0 ? "some" : "none", allocated > in_use ? "more" : "no more");
	close(s);
}

void abi_test(void)
{
	loopback_up();
	values();
	talk("as it is");
	with("tcp_syncookies", "2", "1");
	with("tcp_timestamps", "0", "1");
	with("tcp_sack", "0", "1");
	with("tcp_window_scaling", "0", "1");
	with("tcp_ecn", "1", "2");
	set("tcp_timestamps", "0");
	with("tcp_syncookies", "2", "1");
	set("tcp_timestamps", "1");
	overflow();
	shown();
	counted();
}
