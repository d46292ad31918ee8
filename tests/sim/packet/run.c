/*
 * Packet scripts: what a TCP end must send, and when, after what comes in.  One end is the machine of net/tcp, the other is the script, on a virtual clock.
 *
 * A file holds scripts; each begins with `script NAME` and has one step a line; # begins a comment.  Steps happen in order; a time stands first:
 *	12ms, 1.5s, 300us	so long after the step before (no time: at once)
 *
 *	set NAME=N ...		before the connection: sack ts wscale ecn recovery tlp frto rcvbuf user_mss cc(0 reno, 1 cubic) idle(slow_start_after_idle)
 *				mtu peer_mss peer_sack peer_ts peer_wscale(-1: none) peer_win syn_retries retries2
 *	open active|passive	a connection with that; both sequence numbers go on at 1
 *	TIME do WHAT [N]	connect, listen, write, read, shutdown, close, abort, push, nodelay, cork, uncork, more (MSG_MORE), oob (one urgent byte),
 *				keepidle, keepintvl, keepcnt, keepalive, quickack, user_timeout, pmtu, linger2
 *	TIME < FLAGS A:B [ack N] [win N] [urg N] [ce] [sack A:B ...] [ts V E|last] [mss N] [sackok] [wscale N]		inject; B - A are the bytes of data
 *	TIME > the same		expect: the next segment, at that time (within 2 ms); only what is written is compared
 *	TIME quiet		nothing was sent up to now
 *	is FIELD N|NAME		state, cwnd, ssthresh, unacked, sacked, lost, retrans, ca, error, readable, unsent, srtt_us, rto_us, mss, urg, events
 *
 * FLAGS: any of S F R P . U E W;  '.' is ACK.  P is compared only if written.  Sequence numbers are relative: 0 is the SYN.
 * usage: run FILE...
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/tcp/internal.h"
#include "net/tcp/request.h"
#include "net/tcp/timewait.h"

enum { SEEN_MAX = 4096, WORDS_MAX = 48, TOLERANCE_US = 2000 };

struct rx_packet {
	struct tcp_rx rx;
};

struct seen {
	u64 at_ns;
	u32 seq, len, ack, window, urgent;
	u8 flags;
	bool ect;
	struct tcp_options opt;
};

struct world {
	struct tcp_conn c;		/* first */
	struct tcp_config cfg;
	struct tcp_request rq;
	struct tcp_timewait tw;
	bool listening, requested, waiting;
	u64 now_ns;
	u32 iss, irs, mtu, peer_mss, peer_win, last_tsval;
	int peer_wscale;
	bool peer_sack, peer_ts;
	struct seen seen[SEEN_MAX];
	u32 seen_count, seen_used;
	u32 events, alive;
	const char *file;
	u32 line;
	bool failed;
};

static struct world w;

static void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void fail(const char *fmt, ...)
{
	va_list ap;

	if (!w.failed)
		printf("%s:%u: ", w.file, w.line);
	if (!w.failed) {
		va_start(ap, fmt);
		vprintf(fmt, ap);
		va_end(ap);
		printf("\n");
	}
	w.failed = true;
}

static const char *flags_text(u8 f)
{
	static char t[10];
	static const char names[] = "FSRP.UEW";
	u32 n = 0;

	for (u32 i = 0; i < 8; i++)
		if (f >> i & 1)
			t[n++] = names[i];
	t[n] = 0;
	return t;
}

/* ---- the machine's hooks ---- */

static int hook_emit(struct tcp_conn *c, const struct tcp_out *o)
{
	u32 off = 0, syn = o->flags & TH_SYN ? 1 : 0;

	do {
		u32 n = o->mss && o->len - off > o->mss ? o->mss : o->len - off;
		struct seen *s = &w.seen[w.seen_count];

		if (w.seen_count == SEEN_MAX) {
			fail("too many segments");
			return 0;
		}
		w.seen_count++;
		*s = (struct seen){ w.now_ns, o->seq + off, n, o->ack, o->window, o->urgent, o->flags, o->ect, { 0 } };
		if (off + n < o->len)
			s->flags &= (u8)~(TH_FIN | TH_PSH);
		tcp_options_parse(&s->opt, o->options, o->options_len, syn);
		if (s->opt.has_ts)
			w.last_tsval = s->opt.tsval;
		off += n;
	} while (off < o->len);
	return 0;
}

static struct tcp_tx *hook_tx_alloc(struct tcp_conn *c)
{
	w.alive++;
	return calloc(1, sizeof(struct tcp_tx));
}

static void hook_tx_free(struct tcp_conn *c, struct tcp_tx *t)
{
	w.alive--;
	free(t);
}

static void hook_rx_free(struct tcp_conn *c, struct tcp_rx *rx)
{
	w.alive--;
	free(container_of(rx, struct rx_packet, rx));
}

static void hook_count(u32 mib, u32 by) { }
static u32 hook_random(void) { return 4; }

static const struct tcp_hooks hooks = {
	.emit = hook_emit, .tx_alloc = hook_tx_alloc, .tx_free = hook_tx_free, .rx_free = hook_rx_free, .count = hook_count,
	.count_tcp = hook_count, .random = hook_random,
};

static void take_events(void)
{
	u32 ev = w.c.events;

	w.c.events = 0;
	w.events |= ev;
	if (ev & TCP_EV_TIMEWAIT) {
		tcp_timewait_init(&w.tw, &w.c, w.now_ns);
		w.waiting = true;
	}
}

static void advance(u64 to_ns)
{
	for (u32 i = 0; i < 100000; i++) {
		u64 at = w.waiting ? TCP_NEVER : tcp_next_wake_ns(&w.c);

		if (w.requested)
			at = w.rq.expires_ns;
		if (at > to_ns)
			break;
		w.now_ns = MAX(w.now_ns, at);
		if (w.requested) {
			struct tcp_out o;

			if (tcp_request_timer(&w.rq, w.cfg.synack_retries, w.now_ns)) {
				tcp_request_synack(&w.rq, &o, w.now_ns);
				hook_emit(&w.c, &o);
			} else {
				w.requested = false;
				w.listening = true;
			}
			continue;
		}
		tcp_timer(&w.c, w.now_ns);
		take_events();
	}
	w.now_ns = MAX(w.now_ns, to_ns);
}

/* ---- words ---- */

static u8 flags_parse(const char *t)
{
	static const char names[] = "FSRP.UEW";
	u8 f = 0;

	for (; *t; t++) {
		const char *at = strchr(names, *t);

		if (!at)
			fail("unknown flag %c", *t);
		else
			f |= (u8)(1u << (at - names));
	}
	return f;
}

static u64 time_parse(const char *t, bool *is_time)
{
	char *end;
	double v = strtod(t, &end);

	*is_time = end != t && (!strcmp(end, "ms") || !strcmp(end, "s") || !strcmp(end, "us"));
	if (!*is_time)
		return 0;
	return (u64)(v * (*end == 's' ? 1e9 : *end == 'm' ? 1e6 : 1e3) + 0.5);
}

static bool range_parse(const char *t, u32 *a, u32 *b)
{
	long long x, y;

	if (sscanf(t, "%lld:%lld", &x, &y) != 2)
		return false;
	*a = (u32)x;
	*b = (u32)y;
	return true;
}

/* ---- segments of a script ---- */

struct wanted {
	u8 flags;
	u32 seq, end, ack, win, urg, mss, wscale, tsval, tsecr, sacks;
	bool has_ack, has_win, has_urg, has_mss, has_wscale, has_ts, has_tsval, sackok, ce, no_ts, no_sack;
	struct tcp_sack_block sack[4];
};

static bool wanted_parse(struct wanted *x, char **word, u32 n)
{
	memset(x, 0, sizeof(*x));
	if (n < 2 || !range_parse(word[1], &x->seq, &x->end)) {
		fail("FLAGS A:B expected");
		return false;
	}
	x->flags = flags_parse(word[0]);
	for (u32 i = 2; i < n; i++) {
		const char *k = word[i], *v = i + 1 < n ? word[i + 1] : "0";

		if (!strcmp(k, "ack")) {
			x->ack = (u32)strtoul(v, NULL, 0), x->has_ack = true, i++;
		} else if (!strcmp(k, "win")) {
			x->win = (u32)strtoul(v, NULL, 0), x->has_win = true, i++;
		} else if (!strcmp(k, "urg")) {
			x->urg = (u32)strtoul(v, NULL, 0), x->has_urg = true, i++;
		} else if (!strcmp(k, "mss")) {
			x->mss = (u32)strtoul(v, NULL, 0), x->has_mss = true, i++;
		} else if (!strcmp(k, "wscale")) {
			x->wscale = (u32)strtoul(v, NULL, 0), x->has_wscale = true, i++;
		} else if (!strcmp(k, "sackok")) {
			x->sackok = true;
		} else if (!strcmp(k, "ce")) {
			x->ce = true;
		} else if (!strcmp(k, "nots")) {
			x->no_ts = true;
		} else if (!strcmp(k, "nosack")) {
			x->no_sack = true;
		} else if (!strcmp(k, "ts") && i + 2 < n) {
			x->has_ts = true;
			x->has_tsval = strcmp(v, "any") != 0;
			x->tsval = (u32)strtoul(v, NULL, 0);
			x->tsecr = strcmp(word[i + 2], "last") ? (u32)strtoul(word[i + 2], NULL, 0) : w.last_tsval;
			i += 2;
		} else if (!strcmp(k, "sack")) {
			while (i + 1 < n && x->sacks < 4 && range_parse(word[i + 1], &x->sack[x->sacks].start, &x->sack[x->sacks].end))
				x->sacks++, i++;
		} else {
			fail("unknown word %s", k);
			return false;
		}
	}
	return true;
}

static void request_input(struct tcp_segment *s)
{
	struct tcp_agreed a;
	struct tcp_out o;

	switch (tcp_request_input(&w.rq, s, w.now_ns)) {
	case RQ_SYNACK:
		tcp_request_synack(&w.rq, &o, w.now_ns);
		hook_emit(&w.c, &o);
		break;
	case RQ_ACK:
		tcp_request_ack(&w.rq, &o, w.now_ns);
		hook_emit(&w.c, &o);
		break;
	case RQ_RESET:
		if (tcp_reset_for(s, &o))
			hook_emit(&w.c, &o);
		break;
	case RQ_KILL:
		w.requested = false;
		w.listening = true;
		break;
	case RQ_CHILD:
		tcp_request_agreed(&w.rq, &a);
		w.requested = false;
		tcp_conn_accept(&w.c, &a, w.now_ns);
		tcp_input(&w.c, s, w.now_ns);
		break;
	case RQ_DROP:
		break;
	}
}

static void inject(const struct wanted *x)
{
	struct rx_packet *k = calloc(1, sizeof(*k));
	struct tcp_segment s = { .window = x->has_win ? (u16)x->win : (u16)w.peer_win, .urgent = (u16)x->urg, .flags = x->flags, .ce = x->ce, .segs = 1 };
	struct tcp_out o;
	u32 isn;

	tcp_options_clear(&s.opt);
	s.seq = w.irs + x->seq;
	s.len = x->end - x->seq;
	s.ack = x->has_ack ? w.iss + x->ack : 0;
	s.end = s.seq + s.len + (x->flags & TH_SYN ? 1 : 0) + (x->flags & TH_FIN ? 1 : 0);
	s.opt.mss = (u16)x->mss;
	s.opt.sack_ok = x->sackok;
	s.opt.has_wscale = x->has_wscale;
	s.opt.wscale = (u8)x->wscale;
	s.opt.has_ts = x->has_ts;
	s.opt.tsval = x->tsval;
	s.opt.tsecr = x->tsecr;
	for (u32 i = 0; i < x->sacks; i++)
		s.opt.sack[s.opt.sack_count++] = (struct tcp_sack_block){ w.iss + x->sack[i].start, w.iss + x->sack[i].end };
	s.rx = &k->rx;
	k->rx.memory = s.len + 256;
	w.alive++;
	if (w.waiting) {
		enum tcp_timewait_verdict v = tcp_timewait_input(&w.tw, &w.cfg, &s, &isn, w.now_ns);

		if (v == TW_ACK) {
			tcp_timewait_ack(&w.tw, &o, w.now_ns);
			hook_emit(&w.c, &o);
		} else if (v == TW_KILL) {
			w.waiting = false;
		}
	} else if (w.listening) {
		if (x->flags & TH_RST) {
			;
		} else if (x->flags & TH_ACK) {
			if (tcp_reset_for(&s, &o))
				hook_emit(&w.c, &o);
		} else if (x->flags & TH_SYN) {
			tcp_request_init(&w.rq, &w.cfg, &s, w.iss, w.c.advmss, w.c.user_mss, w.c.rcvbuf, 0, 0, false, w.now_ns);
			w.listening = false;
			w.requested = true;
			tcp_request_synack(&w.rq, &o, w.now_ns);
			hook_emit(&w.c, &o);
		}
	} else if (w.requested) {
		request_input(&s);
	} else if (w.c.state == TCP_CLOSE) {
		if (tcp_reset_for(&s, &o))
			hook_emit(&w.c, &o);
	} else {
		tcp_input(&w.c, &s, w.now_ns);
	}
	take_events();
	if (!s.rx_kept) {
		w.alive--;
		free(k);
	}
}

static void compare(const struct wanted *x, const struct seen *s, u64 due_ns)
{
	u8 mask = x->flags & TH_PSH ? 0xff : (u8)~TH_PSH;
	u32 seq = s->seq - w.iss;
	s64 late_us = (s64)(s->at_ns - due_ns) / 1000;

	if (late_us > TOLERANCE_US || late_us < -TOLERANCE_US)
		fail("%s %u:%u came %lld us %s", flags_text(s->flags), seq, seq + s->len, late_us < 0 ? -late_us : late_us, late_us < 0 ? "early" : "late");
	if ((s->flags & mask) != (x->flags & mask))
		fail("flags %s", flags_text(s->flags));
	if (x->flags & TH_RST && s->seq == 0 && !x->seq)
		seq = 0;
	if (seq != x->seq || s->len != x->end - x->seq)
		fail("%s %d:%d ack %u", flags_text(s->flags), (int)seq, (int)(seq + s->len), s->ack - w.irs);
	if (x->has_ack && s->ack - w.irs != x->ack)
		fail("ack %d", (int)(s->ack - w.irs));
	if (x->has_win && s->window != x->win)
		fail("win %u", s->window);
	if (x->has_urg && s->urgent != x->urg)
		fail("urg %u", s->urgent);
	if (x->has_mss && s->opt.mss != x->mss)
		fail("mss %u", s->opt.mss);
	if (x->has_wscale && (!s->opt.has_wscale || s->opt.wscale != x->wscale))
		fail("wscale %d", s->opt.has_wscale ? s->opt.wscale : -1);
	if (x->sackok && !s->opt.sack_ok)
		fail("no sackok");
	if ((x->has_ts && !s->opt.has_ts) || (x->no_ts && s->opt.has_ts))
		fail("ts: %d", s->opt.has_ts);
	if (x->has_ts && x->has_tsval && s->opt.tsecr != x->tsecr)
		fail("tsecr %u", s->opt.tsecr);
	if (x->ce != s->ect && x->ce)
		fail("not ECT");
	if (x->no_sack && s->opt.sack_count)
		fail("%u SACK blocks", s->opt.sack_count);
	if (x->sacks && s->opt.sack_count != x->sacks)
		fail("%u SACK blocks", s->opt.sack_count);
	for (u32 i = 0; i < x->sacks && i < s->opt.sack_count; i++)
		if (s->opt.sack[i].start - w.irs != x->sack[i].start || s->opt.sack[i].end - w.irs != x->sack[i].end)
			fail("SACK block %u is %u:%u", i, s->opt.sack[i].start - w.irs, s->opt.sack[i].end - w.irs);
}

static void expect(const struct wanted *x, u64 delay_ns)
{
	u64 due = w.now_ns + delay_ns;

	if (w.seen_used == w.seen_count && delay_ns) {
		/* Up to the moment, and a little beyond if nothing came. */
		advance(due);
		for (u64 t = due; w.seen_used == w.seen_count && t < due + TOLERANCE_US * 1000; t += 100000)
			advance(t);
	}
	if (w.seen_used == w.seen_count) {
		fail("nothing was sent");
		return;
	}
	const struct seen *s = &w.seen[w.seen_used++];

	compare(x, s, due);
}

static void no_more(void)
{
	if (w.seen_used < w.seen_count) {
		const struct seen *s = &w.seen[w.seen_used];

		fail("unexpected: %s %d:%d ack %d, at %lld us before", flags_text(s->flags), (int)(s->seq - w.iss), (int)(s->seq - w.iss + s->len),
		     (int)(s->ack - w.irs), (s64)(w.now_ns - s->at_ns) / 1000);
		w.seen_used = w.seen_count;
	}
}

/* ---- the other steps ---- */

static void begin(void)
{
	tcp_conn_fini(&w.c);
	memset(&w, 0, offsetof(struct world, file));
	w.cfg = tcp_config_default;
	tcp_conn_init(&w.c, &hooks, &w.cfg);
	w.now_ns = 1000000000;
	w.iss = 0xfffffc00u;		/* goes round early */
	w.irs = 0x7ffff000u;
	w.mtu = 1040;
	w.peer_mss = 1000;
	w.peer_win = 65535;
	w.peer_sack = true;
	w.peer_wscale = -1;
	w.cfg.timestamps = 0;
	w.cfg.window_scaling = 0;
	w.c.ca = &tcp_reno;
	w.failed = false;
}

static void set(const char *pair)
{
	char name[32];
	long long v;

	if (sscanf(pair, "%31[^=]=%lli", name, &v) != 2) {
		fail("NAME=N expected, not %s", pair);
		return;
	}
	struct { const char *name; u32 *at; } rows[] = {
		{ "sack", &w.cfg.sack }, { "ts", &w.cfg.timestamps }, { "wscale", &w.cfg.window_scaling }, { "ecn", &w.cfg.ecn }, { "dsack", &w.cfg.dsack },
		{ "recovery", &w.cfg.recovery }, { "tlp", &w.cfg.early_retrans }, { "frto", &w.cfg.frto }, { "rcvbuf", &w.c.rcvbuf },
		{ "user_mss", &w.c.user_mss }, { "idle", &w.cfg.slow_start_after_idle }, { "mtu", &w.mtu }, { "peer_mss", &w.peer_mss },
		{ "peer_win", &w.peer_win }, { "syn_retries", &w.cfg.syn_retries }, { "retries2", &w.cfg.retries2 },
		{ "synack_retries", &w.cfg.synack_retries }, { "reordering", &w.cfg.reordering }, { "fin_timeout", &w.cfg.fin_timeout_s },
	};

	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].name, name)) {
			*rows[i].at = (u32)v;
			w.c.reordering = w.cfg.reordering;
			return;
		}
	if (!strcmp(name, "peer_sack"))
		w.peer_sack = v;
	else if (!strcmp(name, "peer_ts"))
		w.peer_ts = v;
	else if (!strcmp(name, "peer_wscale"))
		w.peer_wscale = (int)v;
	else if (!strcmp(name, "cc"))
		w.c.ca = v ? &tcp_cubic : &tcp_reno;
	else
		fail("unknown setting %s", name);
}

static void connect_now(void)
{
	w.c.gso_max = w.mtu;
	tcp_set_mtu(&w.c, w.mtu);
	tcp_connect(&w.c, w.iss, 0, w.now_ns);
	take_events();
}

static void listen_now(void)
{
	w.c.gso_max = w.mtu;
	tcp_set_mtu(&w.c, w.mtu);
	w.listening = true;
}

static void open_connection(bool active)
{
	struct wanted x = { .flags = TH_SYN, .mss = w.peer_mss, .has_mss = true, .sackok = w.peer_sack, .has_wscale = w.peer_wscale >= 0,
			    .wscale = (u32)w.peer_wscale, .has_ts = w.peer_ts, .tsval = 100 };

	if (active) {
		connect_now();
		x.flags |= TH_ACK;
		x.has_ack = true;
		x.ack = 1;
		x.tsecr = w.last_tsval;
		advance(w.now_ns + 10000000);
		inject(&x);
	} else {
		struct wanted a = { .flags = TH_ACK, .seq = 1, .end = 1, .has_ack = true, .ack = 1, .has_ts = w.peer_ts, .tsval = 101 };

		listen_now();
		inject(&x);
		a.tsecr = w.last_tsval;
		advance(w.now_ns + 10000000);
		inject(&a);
	}
	w.seen_used = w.seen_count;
	if (w.c.state != TCP_ESTABLISHED)
		fail("not open");
}

static void act(char **word, u32 n)
{
	u32 v = n > 1 ? (u32)strtoul(word[1], NULL, 0) : 1;
	struct tcp_conn *c = &w.c;
	const char *k = word[0];

	if (!strcmp(k, "connect")) connect_now();
	else if (!strcmp(k, "listen")) listen_now();
	else if (!strcmp(k, "write")) tcp_write(c, v, false, false, w.now_ns);
	else if (!strcmp(k, "more")) tcp_write(c, v, true, false, w.now_ns);
	else if (!strcmp(k, "oob")) tcp_write(c, 1, false, true, w.now_ns);
	else if (!strcmp(k, "read")) {
		if (v > tcp_readable(c))
			fail("only %u bytes to read", tcp_readable(c));
		else
			tcp_received(c, c->copied_seq + v, w.now_ns);
	} else if (!strcmp(k, "shutdown")) tcp_shutdown_send(c, w.now_ns);
	else if (!strcmp(k, "close")) tcp_close(c, false, w.now_ns);
	else if (!strcmp(k, "abort")) tcp_abort(c, 0, w.now_ns);
	else if (!strcmp(k, "push")) tcp_push(c, w.now_ns);
	else if (!strcmp(k, "nodelay")) c->nonagle |= TCP_NAGLE_OFF, tcp_push(c, w.now_ns);
	else if (!strcmp(k, "cork")) c->nonagle |= TCP_NAGLE_CORK;
	else if (!strcmp(k, "uncork")) c->nonagle &= (u8)~TCP_NAGLE_CORK, tcp_push(c, w.now_ns);
	else if (!strcmp(k, "keepidle")) c->keep_idle_s = v;
	else if (!strcmp(k, "keepintvl")) c->keep_intvl_s = v;
	else if (!strcmp(k, "keepcnt")) c->keep_count = v;
	else if (!strcmp(k, "keepalive")) tcp_set_keepalive(c, v, w.now_ns);
	else if (!strcmp(k, "user_timeout")) c->user_timeout_ms = v;
	else if (!strcmp(k, "linger2")) c->linger2_s = (s32)v;
	else if (!strcmp(k, "pmtu")) tcp_pmtu_reduced(c, v, w.now_ns);
	else if (!strcmp(k, "ack_at_once")) c->pingpong = 0, c->quick = 16;
	else if (!strcmp(k, "ack_delayed")) c->quick = 0, c->ato_us = TCP_ATO_MIN_US;
	else fail("cannot do %s", k);
	take_events();
}

static const char *const states[] = { "?", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT", "LAST_ACK",
				      "LISTEN", "CLOSING" };

static void check(char **word, u32 n)
{
	struct tcp_conn *c = &w.c;

	if (n < 2) {
		fail("FIELD and value expected");
		return;
	}
	if (!strcmp(word[0], "state")) {
		u32 s = w.waiting ? TCP_TIME_WAIT : w.listening ? TCP_LISTEN : w.requested ? TCP_SYN_RECV : c->state;

		if (strcmp(states[s], word[1]))
			fail("state %s", states[s]);
		return;
	}
	static const struct { const char *name; int value; } names[] = {
		{ "ECONNRESET", ECONNRESET }, { "ECONNREFUSED", ECONNREFUSED }, { "EPIPE", EPIPE }, { "ETIMEDOUT", ETIMEDOUT }, { "open", CA_OPEN },
		{ "disorder", CA_DISORDER }, { "cwr", CA_CWR }, { "recovery", CA_RECOVERY }, { "loss", CA_LOSS }, { "infinite", TCP_SSTHRESH_INFINITE },
	};
	struct { const char *name; u32 v; } rows[] = {
		{ "cwnd", c->cwnd }, { "ssthresh", c->ssthresh }, { "unacked", c->packets_out }, { "sacked", c->sacked_out }, { "lost", c->lost_out },
		{ "retrans", c->retrans_out }, { "ca", c->ca_phase }, { "error", (u32)c->error }, { "readable", tcp_readable(c) }, { "unsent", tcp_unsent(c) },
		{ "srtt_us", c->srtt_us8 >> 3 }, { "rto_us", c->rto_us }, { "mss", c->mss }, { "urg", c->urg }, { "fin", c->fin_rcvd },
		{ "ooo", c->ooo_count }, { "total_retrans", c->total_retrans }, { "dsacks", c->dsack_dups },
	};
	u32 want = (u32)strtoul(word[1], NULL, 0);

	for (u32 i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(names[i].name, word[1]))
			want = (u32)names[i].value;
	for (u32 i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].name, word[0])) {
			if (rows[i].v != want)
				fail("%s is %u", word[0], rows[i].v);
			return;
		}
	fail("no such field: %s", word[0]);
}

static void step(char **word, u32 n)
{
	bool timed;
	u64 delay = time_parse(word[0], &timed);
	struct wanted x;

	if (timed)
		word++, n--;
	if (!n) {
		fail("a step expected");
		return;
	}
	if (!strcmp(word[0], ">")) {
		if (wanted_parse(&x, word + 1, n - 1))
			expect(&x, delay);
		return;
	}
	advance(w.now_ns + delay);
	no_more();
	if (!strcmp(word[0], "<")) {
		if (wanted_parse(&x, word + 1, n - 1))
			inject(&x);
	} else if (!strcmp(word[0], "do") && n > 1) {
		act(word + 1, n - 1);
	} else if (!strcmp(word[0], "is")) {
		check(word + 1, n - 1);
	} else if (!strcmp(word[0], "open") && n > 1) {
		open_connection(word[1][0] == 'a');
	} else if (!strcmp(word[0], "set")) {
		for (u32 i = 1; i < n; i++)
			set(word[i]);
	} else if (strcmp(word[0], "quiet")) {
		fail("unknown step %s", word[0]);
	}
}

static u32 passed, failed;

static void end(const char *name)
{
	if (!*name)
		return;
	no_more();
	tcp_conn_fini(&w.c);
	if (w.alive)
		fail("%u objects leaked", w.alive);
	if (w.failed) {
		printf("FAILED %s\n", name);
		failed++;
	} else {
		passed++;
	}
	tcp_conn_init(&w.c, &hooks, &w.cfg);
}

static void run_file(const char *path)
{
	FILE *f = fopen(path, "r");
	char line[512], name[256] = "";

	if (!f) {
		printf("cannot open %s\n", path);
		failed++;
		return;
	}
	w.file = path;
	for (w.line = 1; fgets(line, sizeof(line), f); w.line++) {
		char *word[WORDS_MAX], *save = NULL;
		u32 n = 0;

		line[strcspn(line, "#\n")] = 0;
		for (char *t = strtok_r(line, " \t,", &save); t && n < WORDS_MAX; t = strtok_r(NULL, " \t,", &save))
			word[n++] = t;
		if (!n)
			continue;
		if (!strcmp(word[0], "script")) {
			end(name);
			begin();
			snprintf(name, sizeof(name), "%s", n > 1 ? word[1] : "?");
		} else if (!w.failed) {
			step(word, n);
		}
	}
	end(name);
	fclose(f);
}

int main(int argc, char **argv)
{
	tcp_conn_init(&w.c, &hooks, &tcp_config_default);
	for (int i = 1; i < argc; i++)
		run_file(argv[i]);
	printf("packet: %u passed, %u failed\n", passed, failed);
	return failed || !passed;
}
