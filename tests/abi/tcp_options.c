/* Options of TCP sockets: what they are at first, what they take, who inherits them: tcp(7), socket(7). */
#include "tcp.h"

static const struct {
	const char *name;
	int option;
	int good, bad;
} numbers[] = {
	{ "TCP_NODELAY", TCP_NODELAY, 5, INT_MAX },
	{ "TCP_MAXSEG", TCP_MAXSEG, 1000, 87 },
	{ "TCP_CORK", TCP_CORK, 1, INT_MAX },
	{ "TCP_KEEPIDLE", TCP_KEEPIDLE, 100, 0 },
	{ "TCP_KEEPINTVL", TCP_KEEPINTVL, 11, 32768 },
	{ "TCP_KEEPCNT", TCP_KEEPCNT, 4, 128 },
	{ "TCP_SYNCNT", TCP_SYNCNT, 3, 0 },
	{ "TCP_LINGER2", TCP_LINGER2, 30, 1000 },
	{ "TCP_DEFER_ACCEPT", TCP_DEFER_ACCEPT, 5, -1 },
	{ "TCP_WINDOW_CLAMP", TCP_WINDOW_CLAMP, 20000, 1 },
	{ "TCP_QUICKACK", TCP_QUICKACK, 1, 0 },
	{ "TCP_USER_TIMEOUT", TCP_USER_TIMEOUT, 5000, -1 },
	{ "TCP_NOTSENT_LOWAT", TCP_NOTSENT_LOWAT, 4000, 0 },
};

static void each_number(void)
{
	int s = tcp();

	for (unsigned i = 0; i < ARRAY_LEN(numbers); i++) {
		char what[64];

		snprintf(what, sizeof(what), "%s first", numbers[i].name);
		number_opt(what, s, IPPROTO_TCP, numbers[i].option);
		snprintf(what, sizeof(what), "%s set", numbers[i].name);
		RET(what, set_opt(s, IPPROTO_TCP, numbers[i].option, numbers[i].good));
		number_opt(what, s, IPPROTO_TCP, numbers[i].option);
		snprintf(what, sizeof(what), "%s edge", numbers[i].name);
		RET(what, set_opt(s, IPPROTO_TCP, numbers[i].option, numbers[i].bad));
		number_opt(what, s, IPPROTO_TCP, numbers[i].option);
	}
	RET("TCP_MAXSEG zero", set_opt(s, IPPROTO_TCP, TCP_MAXSEG, 0));
	number_opt("TCP_MAXSEG default", s, IPPROTO_TCP, TCP_MAXSEG);
	RET("TCP_WINDOW_CLAMP zero", set_opt(s, IPPROTO_TCP, TCP_WINDOW_CLAMP, 0));
	RET("TCP_LINGER2 negative", set_opt(s, IPPROTO_TCP, TCP_LINGER2, -5));
	number_opt("TCP_LINGER2 off", s, IPPROTO_TCP, TCP_LINGER2);
	close(s);
}

static void shapes(void)
{
	int s = tcp(), v = 1;
	socklen_t n = 2;
	short half = -1;
	struct tcp_info info;

	RET("short value", setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &v, 2));
	RET("short room", getsockopt(s, IPPROTO_TCP, TCP_NODELAY, &half, &n));
	say("short result", "%d, %d bytes", half, (int)n);
	RET("unknown option", set_opt(s, IPPROTO_TCP, 999, 1));
	number_opt("unknown option", s, IPPROTO_TCP, 999);
	RET("unknown level", set_opt(s, 77, 1, 1));
	number_opt("unknown level", s, 77, 1);
	n = 1;
	RET("info of one byte", getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &n));
	VAL("state closed", info.tcpi_state);
	n = sizeof(info);
	RET("whole info", getsockopt(s, IPPROTO_TCP, TCP_INFO, &info, &n));
	VAL("its length", n);
	VAL("first rto", info.tcpi_rto);
	VAL("first cwnd", info.tcpi_snd_cwnd);
	RET("set info", set_opt(s, IPPROTO_TCP, TCP_INFO, 1));
	close(s);
}

static void congestion(void)
{
	int s = tcp();
	char name[32] = "";
	socklen_t n = sizeof(name);

	RET("reno", setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "reno", 4));
	RET("get", getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &n));
	say("now", "%s, %d bytes", name, (int)n);
	RET("unknown", setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "nosuch", 6));
	RET("empty", setsockopt(s, IPPROTO_TCP, TCP_CONGESTION, "", 0));
	n = 3;
	memset(name, 0, sizeof(name));
	RET("little room", getsockopt(s, IPPROTO_TCP, TCP_CONGESTION, name, &n));
	say("cut", "%s, %d bytes", name, (int)n);
	RET("ulp", setsockopt(s, IPPROTO_TCP, TCP_ULP, "nosuch", 6));
	close(s);
}

static void socket_level(void)
{
	int s = tcp();

	number_opt("SO_TYPE", s, SOL_SOCKET, SO_TYPE);
	number_opt("SO_PROTOCOL", s, SOL_SOCKET, SO_PROTOCOL);
	number_opt("SO_DOMAIN", s, SOL_SOCKET, SO_DOMAIN);
	number_opt("SO_SNDBUF first", s, SOL_SOCKET, SO_SNDBUF);
	number_opt("SO_RCVBUF first", s, SOL_SOCKET, SO_RCVBUF);
	RET("SO_SNDBUF", set_opt(s, SOL_SOCKET, SO_SNDBUF, 10000));
	number_opt("SO_SNDBUF doubled", s, SOL_SOCKET, SO_SNDBUF);
	RET("SO_RCVBUF small", set_opt(s, SOL_SOCKET, SO_RCVBUF, 1));
	number_opt("SO_RCVBUF least", s, SOL_SOCKET, SO_RCVBUF);
	number_opt("SO_ACCEPTCONN closed", s, SOL_SOCKET, SO_ACCEPTCONN);
	MUST(try_bind(s, "127.0.0.1", 0));
	MUST(listen(s, 1));
	number_opt("SO_ACCEPTCONN listening", s, SOL_SOCKET, SO_ACCEPTCONN);
	RET("SO_ACCEPTCONN set", set_opt(s, SOL_SOCKET, SO_ACCEPTCONN, 1));
	number_opt("SO_RCVLOWAT first", s, SOL_SOCKET, SO_RCVLOWAT);
	RET("IP_TOS", set_opt(s, IPPROTO_IP, IP_TOS, 0x10));
	number_opt("IP_TOS now", s, IPPROTO_IP, IP_TOS);
	RET("IP_TTL", set_opt(s, IPPROTO_IP, IP_TTL, 33));
	RET("IP_MULTICAST_TTL", set_opt(s, IPPROTO_IP, IP_MULTICAST_TTL, 3));
	close(s);
}

static void inherited(void)
{
	int l = listener_any(), p[2];
	struct linger lg = { 1, 7 };
	socklen_t n = sizeof(lg);

	set_opt(l, IPPROTO_TCP, TCP_NODELAY, 1);
	set_opt(l, IPPROTO_TCP, TCP_KEEPIDLE, 77);
	set_opt(l, IPPROTO_TCP, TCP_USER_TIMEOUT, 1234);
	set_opt(l, IPPROTO_TCP, TCP_MAXSEG, 900);
	setsockopt(l, IPPROTO_TCP, TCP_CONGESTION, "reno", 4);
	set_opt(l, SOL_SOCKET, SO_KEEPALIVE, 1);
	set_opt(l, SOL_SOCKET, SO_OOBINLINE, 1);
	set_opt(l, SOL_SOCKET, SO_RCVLOWAT, 3);
	set_opt(l, SOL_SOCKET, SO_SNDBUF, 20000);
	set_opt(l, IPPROTO_IP, IP_TTL, 44);
	set_opt(l, IPPROTO_IP, IP_TOS, 0x20);
	setsockopt(l, SOL_SOCKET, SO_LINGER, &lg, sizeof(lg));
	tcp_pair(l, p);
	number_opt("child TCP_NODELAY", p[1], IPPROTO_TCP, TCP_NODELAY);
	number_opt("child TCP_KEEPIDLE", p[1], IPPROTO_TCP, TCP_KEEPIDLE);
	number_opt("child TCP_USER_TIMEOUT", p[1], IPPROTO_TCP, TCP_USER_TIMEOUT);
	number_opt("child TCP_MAXSEG", p[1], IPPROTO_TCP, TCP_MAXSEG);
	number_opt("client TCP_MAXSEG", p[0], IPPROTO_TCP, TCP_MAXSEG);
	number_opt("child SO_KEEPALIVE", p[1], SOL_SOCKET, SO_KEEPALIVE);
	number_opt("child SO_OOBINLINE", p[1], SOL_SOCKET, SO_OOBINLINE);
	number_opt("child SO_RCVLOWAT", p[1], SOL_SOCKET, SO_RCVLOWAT);
	number_opt("child SO_REUSEADDR", p[1], SOL_SOCKET, SO_REUSEADDR);
	number_opt("child SO_SNDBUF", p[1], SOL_SOCKET, SO_SNDBUF);
	number_opt("child SO_ACCEPTCONN", p[1], SOL_SOCKET, SO_ACCEPTCONN);
	number_opt("child IP_TTL", p[1], IPPROTO_IP, IP_TTL);
	number_opt("child IP_TOS", p[1], IPPROTO_IP, IP_TOS);
	char name[16] = "";
	socklen_t len = sizeof(name);

	getsockopt(p[1], IPPROTO_TCP, TCP_CONGESTION, name, &len);
	STR("child TCP_CONGESTION", name);
	memset(&lg, 0, sizeof(lg));
	getsockopt(p[1], SOL_SOCKET, SO_LINGER, &lg, &n);
	say("child SO_LINGER", "%d %d", lg.l_onoff, lg.l_linger);
	VAL("child state", tcp_state(p[1]));
	VAL("listener state", tcp_state(l));
	RET("clamp zero while connected", set_opt(p[1], IPPROTO_TCP, TCP_WINDOW_CLAMP, 0));
	number_opt("IP_MTU", p[1], IPPROTO_IP, IP_MTU);
	close(p[0]);
	close(p[1]);
	close(l);
}

static void figures(void)
{
	int p[2];
	struct tcp_info i;
	socklen_t n = sizeof(i);
	char buf[2000] = { 0 };

	tcp_pair_alone(p);
	number_opt("mss over lo", p[0], IPPROTO_TCP, TCP_MAXSEG);
	write(p[0], buf, 1000);
	read(p[1], buf, 1000);
	write(p[1], buf, 500);
	read(p[0], buf, 1000);
	getsockopt(p[0], IPPROTO_TCP, TCP_INFO, &i, &n);
	say("options", "%#x", i.tcpi_options);
	say("scales", "%d %d", i.tcpi_snd_wscale, i.tcpi_rcv_wscale);
	VAL("snd_mss", i.tcpi_snd_mss);
	VAL("pmtu", i.tcpi_pmtu);
	VAL("advmss", i.tcpi_advmss);
	VAL("bytes received", i.tcpi_bytes_received);
	VAL("bytes sent", i.tcpi_bytes_sent);
	VAL("data segments out", i.tcpi_data_segs_out);
	VAL("data segments in", i.tcpi_data_segs_in);
	VAL("retransmissions", i.tcpi_total_retrans);
	VAL("cwnd at least ten", i.tcpi_snd_cwnd >= 10);
	VAL("reordering", i.tcpi_reordering);
	close(p[0]);
	close(p[1]);
}

void abi_test(void)
{
	loopback_up();
	each_number();
	shapes();
	congestion();
	socket_level();
	inherited();
	figures();
}
