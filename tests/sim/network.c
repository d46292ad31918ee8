/*
 * A network card on a link with faults, and at its far end a host that this file plays: it answers ARP and sends back every UDP
 * datagram whose checksums are right, pieces of one as they come.
 *
 * What must hold: a datagram that a program receives is, byte for byte, one that it sent; each one comes back in the end, if it is sent often enough;
 * nothing is left over.
 */
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include "tests/sim/sim.h"

enum {
	ETHER = 14, IP = 20, UDP = 8, FRAME_MAX = 65536, PORT = 7, ROUNDS = 24, DATA_MAX = 4000, DATA_SHORT = 1400, TRIES_MAX = 400,
	INET = 2, DGRAM = 2, GETFLAGS = 0x8913, RUNNING = 0x40, SETFLAGS = 0x8914, SETADDR = 0x8916, SETMASK = 0x891c, IS_UP = 1, SOL = 1, RCVTIMEO = 20,
	RING = 256,		/* pages that an opened card holds */
};

static const uint8_t far_mac[6] = { 0x52, 0x54, 0, 9, 9, 9 }, far_ip[4] = { 10, 9, 0, 1 }, our_ip[4] = { 10, 9, 0, 2 };

/* ---- the far end ---- */

static unsigned answered, asked, refused, pieces;

static uint32_t sum16(const uint8_t *at, size_t n, uint32_t sum)
{
	for (size_t i = 0; i < n; i++)
		sum += i & 1 ? at[i] : (uint32_t)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static unsigned be(const uint8_t *at) { return (unsigned)at[0] << 8 | at[1]; }

static void answer_arp(struct auk_link *l, const uint8_t *f, size_t len)
{
	uint8_t out[ETHER + 28];

	if (len < sizeof(out) || be(f + ETHER + 6) != 1 || memcmp(f + ETHER + 24, far_ip, 4))
		return;
	asked++;
	memcpy(out, f + 6, 6);
	memcpy(out + 6, far_mac, 6);
	memcpy(out + 12, f + 12, 2 + 6);
	out[ETHER + 6] = 0;
	out[ETHER + 7] = 2;
	memcpy(out + ETHER + 8, far_mac, 6);
	memcpy(out + ETHER + 14, far_ip, 4);
	memcpy(out + ETHER + 18, f + ETHER + 8, 10);
	(void)auk_link_inject(l, out, sizeof(out));
}

static unsigned wrong_sent;
static bool send_wrong;		/* besides the answer, datagrams that nobody may receive */

/* A datagram in one frame, made wrong in one way: its length says too little or too much, it is cut in its header, a byte of it has changed. */
static void inject_wrong(struct auk_link *l, const uint8_t *answer, size_t len)
{
	static uint8_t out[FRAME_MAX];
	uint8_t *ip = out + ETHER, *udp = ip + IP;
	unsigned total = be(answer + ETHER + 2), length = be(answer + ETHER + IP + 4);

	memcpy(out, answer, len);
	out[ETHER + IP + UDP + (length > UDP + 3 ? 3 : 0)] ^= 0x10;
	switch (wrong_sent++ % 4) {
	case 0: length = UDP - 1; break;
	case 1: length++; break;
	case 2: total = IP + UDP / 2; break;
	}
	udp[4] = (uint8_t)(length >> 8);
	udp[5] = (uint8_t)length;
	ip[2] = (uint8_t)(total >> 8);
	ip[3] = (uint8_t)total;
	ip[10] = ip[11] = 0;
	unsigned sum = ~sum16(ip, IP, 0);

	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	(void)auk_link_inject(l, out, len);
}

/* Swap who sent and who receives: no sum changes. */
static void answer_ip(struct auk_link *l, const uint8_t *f, size_t len)
{
	static uint8_t out[FRAME_MAX];
	const uint8_t *ip = f + ETHER, *udp = ip + IP;

	unsigned piece = len < ETHER + IP ? 0 : be(ip + 6) & 0x3fff;

	unsigned least = IP + (piece & 0x1fff ? 1 : UDP);

	if (len < ETHER + least || ip[0] != 0x45 || be(ip + 2) > len - ETHER || sum16(ip, IP, 0) != 0xffff || be(ip + 2) < least || ip[9] != 17 || memcmp(ip + 16, far_ip, 4) || memcmp(ip + 12, our_ip, 4) ||
	    (!(piece & 0x1fff) && be(udp + 2) != PORT)) {
		refused++;
		return;
	}
	if (!piece && sum16(udp, be(ip + 2) - IP, sum16(ip + 12, 8, 17 + be(ip + 2) - IP)) != 0xffff) {
		refused++;
		return;
	}
	answered++;
	memcpy(out, f, len);
	memcpy(out, f + 6, 6);
	memcpy(out + 6, far_mac, 6);
	memcpy(out + ETHER + 12, f + ETHER + 16, 4);
	memcpy(out + ETHER + 16, f + ETHER + 12, 4);
	pieces += piece != 0;
	if (piece & 0x1fff) {
		(void)auk_link_inject(l, out, len);
		return;
	}
	memcpy(out + ETHER + IP, f + ETHER + IP + 2, 2);
	memcpy(out + ETHER + IP + 2, f + ETHER + IP, 2);
	if (send_wrong && !piece)
		inject_wrong(l, out, len);
	(void)auk_link_inject(l, out, len);
}

static void far_end(void *arg, const void *frame, size_t len)
{
	const uint8_t *f = frame;

	if (be(f + 12) == 0x806)
		answer_arp(arg, f, len);
	else if (be(f + 12) == 0x800)
		answer_ip(arg, f, len);
}

/* ---- our end ---- */

struct name { uint16_t family; uint8_t port[2], ip[4], zero[8]; };
struct request { char device[16]; union { struct name name; uint16_t flags; uint8_t all[24]; }; };

static long configure(long fd, uint64_t buf, unsigned long op, const uint8_t *ip)
{
	struct request r = { .device = "eth0" };

	if (ip) {
		r.name.family = INET;
		memcpy(r.name.ip, ip, 4);
	} else {
		r.flags = IS_UP;
	}
	MUST_EQ(auk_put(buf, &r, sizeof(r)), 0);
	return auk_syscall(SYS_ioctl, (uint64_t)fd, op, buf);
}

/* A socket that waits 50 ms for an answer, on an interface with an address. Return: it, or what failed */
static long set_up(uint64_t buf)
{
	static const uint8_t mask[4] = { 255, 255, 255, 0 };
	const uint64_t wait[2] = { 0, 50000 };
	struct name to = { INET, { 0, PORT }, { 0 }, { 0 } };
	long fd = auk_syscall(SYS_socket, INET, DGRAM, 0), r = fd;

	memcpy(to.ip, far_ip, 4);
	if (r >= 0)
		r = configure(fd, buf, SETADDR, our_ip);
	if (r >= 0)
		r = configure(fd, buf, SETMASK, mask);
	if (r >= 0)
		r = configure(fd, buf, SETFLAGS, NULL);
	if (r >= 0) {
		MUST_EQ(auk_put(buf, wait, sizeof(wait)), 0);
		r = auk_syscall(SYS_setsockopt, (uint64_t)fd, SOL, RCVTIMEO, buf, sizeof(wait));
	}
	if (r >= 0) {
		MUST_EQ(auk_put(buf, &to, sizeof(to)), 0);
		r = auk_syscall(SYS_connect, (uint64_t)fd, buf, sizeof(to));
	}
	if (r < 0 && fd >= 0)
		MUST_EQ(auk_syscall(SYS_close, (uint64_t)fd), 0);
	return r < 0 ? r : fd;
}

/* Whether the interface says that its link is there. */
static bool link_is_up(long fd, uint64_t buf)
{
	struct request r;

	MUST_EQ(configure(fd, buf, GETFLAGS, NULL), 0);
	MUST_EQ(auk_get(&r, buf, sizeof(r)), 0);
	return r.flags & RUNNING;
}

static size_t longest;		/* datagrams of this run */

static size_t fill(uint8_t *data, uint64_t seed, unsigned round)
{
	struct stream s = stream_of(seed, 1000 + round);
	size_t len = round ? 8 + stream_next(&s) % (stream_next(&s) % 3 ? longest - 8 : 200) : longest;

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)stream_next(&s);
	data[0] = (uint8_t)round;
	data[1] = (uint8_t)(len >> 8);
	data[2] = (uint8_t)len;
	return len;
}

/* Something came: it has to be a datagram that was sent. Return: which round's */
static unsigned check(uint64_t seed, uint64_t buf, long len)
{
	static uint8_t got[65536], want[65536];

	MUST(len >= 8);
	MUST_EQ(auk_get(got, buf, (size_t)len), 0);
	MUST(got[0] < ROUNDS);
	MUST_EQ((long)fill(want, seed, got[0]), len);
	MUST(!memcmp(got, want, (size_t)len));
	return got[0];
}

/* Send round's datagram until it comes back. Return: whether it did within TRIES_MAX */
static bool echo(long fd, uint64_t seed, uint64_t buf, unsigned round)
{
	static uint8_t data[DATA_MAX];

	for (unsigned i = 0; i < TRIES_MAX; i++) {
		size_t len = fill(data, seed, round);

		MUST_EQ(auk_put(buf, data, len), 0);
		long r = auk_syscall(SYS_sendto, (uint64_t)fd, buf, len, 0, 0, 0);
		MUST(r == (long)len || r == -ENOBUFS || r == -ENOMEM || r == -EHOSTUNREACH || r == -EAGAIN);
		while ((r = auk_syscall(SYS_recvfrom, (uint64_t)fd, buf, FRAME_MAX, 0, 0, 0)) >= 0)
			if (check(seed, buf, r) == round)
				return true;
		MUST(r == -EAGAIN || r == -EHOSTUNREACH || r == -ENOMEM);
	}
	return false;
}

/* Wait until datagrams of which pieces are missing have been given up. */
static void outlast(uint64_t buf)
{
	const uint64_t time[2] = { 32, 0 };

	MUST_EQ(auk_put(buf, time, sizeof(time)), 0);
	MUST_EQ(auk_syscall(SYS_nanosleep, buf, 0), 0);
}

static struct auk_link_faults faults_of(uint64_t seed)
{
	struct stream s = stream_of(seed, 2);
	struct auk_link_faults f = { .seed = seed, .delay_ns = 1 + stream_next(&s) % 200000 };

	if (seed % 4 == 0)
		return f;
	f.loss = stream_next(&s) % 2 ? 3 + (uint32_t)(stream_next(&s) % 20) : 0;
	f.duplicate = stream_next(&s) % 2 ? 2 + (uint32_t)(stream_next(&s) % 10) : 0;
	f.reorder = stream_next(&s) % 2 ? 2 + (uint32_t)(stream_next(&s) % 10) : 0;
	f.jitter_ns = stream_next(&s) % 2 ? stream_next(&s) % 500000 : 0;
	/* Who lies may say of a damaged frame that it has been checked: one or the other. */
	if (seed % 4 == 3)
		f.lie = 2 + (uint32_t)(stream_next(&s) % 6);
	else
		f.corrupt = 3 + (uint32_t)(stream_next(&s) % 10);
	return f;
}

/*
 * Datagrams over a bad link, with a partition in between.  At the end the card's ring has its buffers, and nothing else has pages more than at the
 * start.
 */
void scenario_net(uint64_t seed)
{
	struct auk_link *link = auk_link_new();
	struct auk_link_faults faults = faults_of(seed);
	struct auk_device card = { AUK_NET, .link = link, .plain = seed % 3 == 0, .mtu = seed & 1 ? 3000 : 0 };

	MUST(link != NULL);
	/* Two flipped bits of one datagram can cancel out in its sum; the far end looks at the sums of whole datagrams only. */
	longest = faults.corrupt ? DATA_SHORT : DATA_MAX;
	/* Not with a card that lies, which may say that it has checked them; nor with one flipped bit more, which can make the sum right. */
	send_wrong = seed % 4 == 0;
	auk_link_set_faults(link, &faults);
	auk_link_on_frame(link, far_end, link);
	sim_start(seed, 1 + seed % 3, &card, 1);
	uint64_t buf = auk_alloc(FRAME_MAX);
	long fd = set_up(buf);

	MUST(fd >= 0);
	for (unsigned round = 0; round < ROUNDS; round++) {
		if (round == ROUNDS / 2) {
			struct auk_link_faults down = faults;

			down.down = true;
			auk_link_set_faults(link, &down);
			for (long r; (r = auk_syscall(SYS_recvfrom, (uint64_t)fd, buf, FRAME_MAX, 0, 0, 0)) >= 0;)
				(void)check(seed, buf, r);	/* what was under way */
			MUST(!link_is_up(fd, buf));
			auk_link_set_faults(link, &faults);
		}
		MUST(echo(fd, seed, buf, round));
		MUST(link_is_up(fd, buf));
	}
	MUST(asked > 0 && answered >= ROUNDS && (pieces > 0 || faults.corrupt));
	MUST(!refused || faults.corrupt);
	MUST(wrong_sent > 0 || !send_wrong);
	MUST_EQ(auk_syscall(SYS_close, (uint64_t)fd), 0);
	outlast(buf);
	auk_free(buf, FRAME_MAX);
	sim_stop_with(RING);
}

/* One allocation fails, another one in every run; then all goes on as if nothing had been. */
void scenario_netnomem(uint64_t seed)
{
	enum { ALLOCATIONS = 512 };
	struct auk_link *link = auk_link_new();
	struct auk_device card = { AUK_NET, .link = link, .plain = seed / ALLOCATIONS % 2, .mtu = 3000 };

	MUST(link != NULL);
	longest = DATA_MAX;
	auk_link_on_frame(link, far_end, link);
	sim_start(seed / ALLOCATIONS, 2, &card, 1);
	uint64_t buf = auk_alloc(FRAME_MAX);

	for (unsigned at = 0; at < FRAME_MAX; at += PAGE)
		MUST_EQ(auk_put(buf + at, "", 1), 0);		/* its pages are there before anything fails */
	auk_fail_alloc(1 + seed % ALLOCATIONS);
	long fd = set_up(buf);

	MUST_EQ(fd < 0 && fd != -ENOMEM && fd != -ENETUNREACH /* the route did not get in */ ? fd : 0, 0);
	if (fd < 0)
		fd = set_up(buf);
	MUST(fd >= 0);
	for (unsigned round = 0; round < 4; round++)
		MUST(echo(fd, seed, buf, round));
	MUST(seed % ALLOCATIONS < ALLOCATIONS - 1 || !auk_fail_happened());
	MUST(seed % ALLOCATIONS || auk_fail_happened());
	auk_fail_alloc(0);
	MUST_EQ(auk_syscall(SYS_close, (uint64_t)fd), 0);
	outlast(buf);
	auk_free(buf, FRAME_MAX);
	sim_stop_with(RING);
}
