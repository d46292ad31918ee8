/*
 * A hostile wire: frames that are wrong in one place each, with the counter that has to say so; then frames that are wrong in several places,
 * from seeds.  All of net/ below sockets is here, and each byte that it reads beyond a frame is seen by ASan: a frame lies in memory of its own.
 *
 * Invariant: each frame that comes in is counted, as delivered or as one of the ways to be dropped.
 */
#include "tests/unit/unit.h"

#include <linux/if_addr.h>
#include <linux/netlink.h>
#include "kern/random.h"
#include "kern/rcu.h"
#include "kern/work.h"
#include "mm/iter.h"
#include "net/address6.h"
#include "net/checksum.h"
#include "net/endpoint.h"
#include "net/ethernet.h"
#include "net/internal.h"
#include "net/neighbour.h"
#include "net/net.h"
#include "net/route4.h"
#include "net/rtnl.h"
#include "tests/unit/mm/machine.h"

enum { ETHER = 14, FRAME_MAX = 2048, SEEDS = 40000 };

/* ---- what context.c and kern/ would do ---- */
void net_enter(void) {}
void net_leave(void) {}
void net_context_init(void) {}
static struct net_work *deferred;
bool net_defer(struct net_work *w) { deferred = w; return false; }
void net_backlog(struct packet *p) { packet_free(p); }
void net_timer_init(struct net_timer *t, void (*fn)(struct net_timer *t)) {}
void net_timer_arm(struct net_timer *t, u64 expires_ns) {}
bool net_timer_cancel(struct net_timer *t) { return true; }
static struct net_timer *released[4096];
static u32 released_count;
void net_timer_release(struct net_timer *t, void (*done)(struct net_timer *t))
{
	assert_true(released_count < ARRAY_SIZE(released));
	t->done = done;
	released[released_count++] = t;
}
void synchronize_rcu(void) {}
bool work_queue(struct work *w) { return true; }
void delayed_work_init(struct delayed_work *d, void (*fn)(struct work *w)) {}
void delayed_work_queue(struct delayed_work *d, u64 delay_ns) {}
void random_bytes(void *buf, size_t n) { memset(buf, 7, n); }

/* ---- a card, and somebody above IP ---- */
static struct net_device *card;
static u64 sent, parse_failed, udp;

static int card_xmit(struct net_device *dev, u32 queue, struct packet *p)
{
	static u8 bytes[70000];

	assert_true(p->len >= ETHER && packet_copy_bits(p, 0, bytes, p->len));
	sent++;
	packet_free(p);
	return XMIT_OK;
}

static void udp_rx(struct packet *p, const struct ip_rx *ip)
{
	static u8 bytes[70000];

	udp++;
	assert_true(packet_copy_bits(p, 0, bytes, p->len));
	if (p->len < 8)
		ip_unreachable_port(p, ip);
	packet_free(p);
}

static void udp_error(struct packet *p, const struct ip_rx *what, const struct ip_error *e)
{
	assert_true(packet_linear(p) >= 8);
	udp++;
}

static void start(void)
{
	static const struct net_device_ops ops = { .xmit = card_xmit, .driver = "test" };
	static const struct ip_protocol proto = { .protocol = IPPROTO_UDP, .rx = udp_rx, .error = udp_error, .v4 = true, .v6 = true };
	static const u8 mac[6] = { 0x52, 0x54, 0, 1, 2, 3 };
	struct ip_addr own = ip_addr_v6("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2");

	machine_start();
	packet_init();
	device_init();
	ip_init();
	net_ports_init();
	loopback_init();
	ip_protocol_register(&proto);
	card = device_create("eth%d", 1, &ops, NULL);
	device_setup_ethernet(card, mac);
	rtnl_lock();
	assert_int_equal(device_register(card), 0);
	assert_int_equal(device_open(card), 0);
	assert_int_equal(ip4_address_add(card, cpu_to_be32(0x0a090002), 24, cpu_to_be32(0x0a0900ff)), 0);
	assert_int_equal(ip6_address_add(card, &own, 64, IFA_F_PERMANENT | IFA_F_NODAD, IP6_FOREVER, IP6_FOREVER), 0);
	rtnl_unlock();
}

/* ---- frames ---- */
enum base { UDP4, ECHO4, UDP6, ECHO6, ARP, HOP6, ROUTE6, PIECE6, BASES };

static u32 sum16(const u8 *at, u32 n, u32 sum)
{
	for (u32 i = 0; i < n; i++)
		sum += i & 1 ? at[i] : (u32)at[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void put_sum(u8 *at, u32 sum)
{
	at[0] = (u8)(~sum >> 8);
	at[1] = (u8)~sum;
}

/* Make the sums of IPv4's header and of the transport right again, as far as lengths allow. */
static void fix(u8 *f, u32 len)
{
	u8 *ip = f + ETHER;
	u32 header = (ip[0] & 15) * 4u;

	if (f[12] == 8 && f[13] == 0 && len >= ETHER + 20 && header >= 20 && ETHER + header <= len) {
		memset(ip + 10, 0, 2);
		put_sum(ip + 10, sum16(ip, header, 0));
		if (ip[9] == 1 && len >= ETHER + header + 4) {
			memset(ip + header + 2, 0, 2);
			put_sum(ip + header + 2, sum16(ip + header, len - ETHER - header, 0));
		}
	} else if (f[12] == 0x86 && len >= ETHER + 44 && ip[6] == 58) {
		memset(ip + 42, 0, 2);
		put_sum(ip + 42, sum16(ip + 40, len - ETHER - 40, sum16(ip + 8, 32, 58 + len - ETHER - 40)));
	}
}

static u32 frame(enum base b, u8 *f)
{
	static const u8 ether[12] = { 0x52, 0x54, 0, 1, 2, 3, 0x52, 0x54, 0, 9, 9, 9 };
	static const u8 ip4[28] = { 0x45, 0, 0, 44, 0x12, 0x34, 0, 0, 64, 17, 0, 0, 10, 9, 0, 1, 10, 9, 0, 2, 0x30, 0x39, 0, 7, 0, 24 };
	static const u8 ip6[40] = { 0x60, 0, 0, 0, 0, 24, 17, 64, 0x20, 1, 0xd, 0xb8, [23] = 1, 0x20, 1, 0xd, 0xb8, [39] = 2 };
	static const u8 arp[28] = { 0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 9, 9, 9, 10, 9, 0, 1, 0, 0, 0, 0, 0, 0, 10, 9, 0, 2 };
	u8 *ip = f + ETHER;
	u32 len = ETHER + 44;

	memset(f, 0x5a, FRAME_MAX);
	memcpy(f, ether, 12);
	if (b == ARP) {
		memcpy(f + 12, "\x08\x06", 2);
		memcpy(ip, arp, sizeof(arp));
		return ETHER + sizeof(arp);
	}
	if (b == UDP4 || b == ECHO4) {
		memcpy(f + 12, "\x08\x00", 2);
		memcpy(ip, ip4, sizeof(ip4));
		if (b == ECHO4) {
			ip[9] = 1;
			memcpy(ip + 20, "\x08\0\0\0\x12\x34\0\1", 8);
		}
	} else {
		memcpy(f + 12, "\x86\xdd", 2);
		memcpy(ip, ip6, sizeof(ip6));
		memcpy(ip + 40, "\x30\x39\0\7\0\x18\0\0", 8);
		if (b >= HOP6) {		/* a header of 8 bytes in between, with padding, no segments left, or whole */
			ip[5] = 32;
			ip[6] = b == HOP6 ? 0 : b == ROUTE6 ? 43 : 44;
			memmove(ip + 48, ip + 40, 8);
			memcpy(ip + 40, b == HOP6 ? "\x11\0\1\4\0\0\0\0" : "\x11\0\0\0\0\0\0\0", 8);
			return ETHER + 72;
		}
		if (b == ECHO6) {
			ip[6] = 58;
			memcpy(ip + 40, "\x80\0\0\0\x12\x34\0\1", 8);
		}
		len = ETHER + 64;
	}
	fix(f, len);
	return len;
}

/* It comes in, in memory of just its length: @linear bytes in the packet, the rest in pages. */
static void come_in(const u8 *f, u32 len, u32 linear)
{
	struct packet *p = packet_alloc(linear, ALLOC_KERNEL);
	struct iter it;

	assert_non_null(p);
	memcpy(packet_put(p, linear), f, linear);
	if (len > linear) {
		p->end = p->tail;
		iter_init_kernel(&it, (void *)(f + linear), len - linear);
		assert_int_equal(packet_from_iter(p, &it, len - linear), 0);
	}
	if (ethernet_parse(p, card)) {
		net_receive(p);
	} else {
		parse_failed++;
		packet_free(p);
	}
}

/* Everything that says what became of a frame. */
static u64 outcomes(void)
{
	const struct ip4_stats *a = &ip4_stats[0];
	const struct ip6_stats *b = &ip6_stats[0];
	const struct device_stats *d = &card->stats[0];

	return a->in_header_errors + a->in_address_errors + a->in_unknown_protocols + a->in_discards + a->in_delivers + a->reasm_requests +
	       b->in_header_errors + b->in_address_errors + b->in_unknown_protocols + b->in_discards + b->in_delivers + b->reasm_requests +
	       d->rx_nohandler + d->rx_otherhost + parse_failed;
}

/* ---- wrong in one place ---- */

#define V4(field) &ip4_stats[0].field
#define V6(field) &ip6_stats[0].field

/* @len: cut to so many bytes, 0: not. Then @n bytes at @at. fix: the sums are right. */
struct wrong {
	const char *name;
	enum base base;
	u32 len, at, n;
	const char *bytes;
	bool fix;
	const u64 *counter;	/* NULL: the card's at @card_counter */
	size_t card_counter;
};

static const struct wrong wrongs[] = {
	{ "none", UDP4, 0, 0, 0, "", false, V4(in_delivers) },
	{ "none", UDP6, 0, 0, 0, "", false, V6(in_delivers) },
	{ "none", ECHO4, 0, 0, 0, "", false, V4(icmp_out_type[0]) },
	{ "none", ECHO6, 0, 0, 0, "", false, V6(icmp_out_type[129]) },
	{ "no whole Ethernet header", UDP4, 13, 0, 0, "", false, &parse_failed },
	{ "unknown Ethernet type", UDP4, 0, 12, 2, "\x90\x00", false, NULL, offsetof(struct device_stats, rx_nohandler) },
	{ "for another card", UDP4, 0, 5, 1, "\x04", false, NULL, offsetof(struct device_stats, rx_otherhost) },
	{ "for another card", UDP6, 0, 5, 1, "\x04", false, NULL, offsetof(struct device_stats, rx_otherhost) },
	{ "IPv4: empty", UDP4, 14, 0, 0, "", false, V4(in_header_errors) },
	{ "IPv4: half a header", UDP4, 14 + 19, 0, 0, "", false, V4(in_header_errors) },
	{ "IPv4: version 5", UDP4, 0, 14, 1, "\x55", true, V4(in_header_errors) },
	{ "IPv4: header of 16 bytes", UDP4, 0, 14, 1, "\x44", true, V4(in_header_errors) },
	{ "IPv4: header longer than the packet", UDP4, 0, 14, 1, "\x4f", true, V4(in_header_errors) },
	{ "IPv4: shorter than its header", UDP4, 0, 16, 2, "\0\x13", true, V4(in_header_errors) },
	{ "IPv4: longer than the frame", UDP4, 0, 16, 2, "\0\x2d", true, V4(in_header_errors) },
	{ "IPv4: wrong sum", UDP4, 0, 24, 2, "\x12\x34", false, V4(in_header_errors) },
	{ "IPv4: not ours", UDP4, 0, 30, 4, "\x0a\x09\0\x03", true, V4(in_address_errors) },
	{ "IPv4: from a group", UDP4, 0, 26, 4, "\xe0\0\0\1", true, V4(in_address_errors) },
	{ "IPv4: from everybody", UDP4, 0, 26, 4, "\xff\xff\xff\xff", true, V4(in_address_errors) },
	{ "IPv4: from ourselves on the wire", UDP4, 0, 26, 4, "\x7f\0\0\1", true, V4(in_address_errors) },
	{ "IPv4: to loopback on the wire", UDP4, 0, 30, 4, "\x7f\0\0\1", true, V4(in_address_errors) },
	{ "IPv4: unknown protocol", UDP4, 0, 23, 1, "\xfd", true, V4(in_unknown_protocols) },
	{ "IPv4: an empty piece", UDP4, 0, 16, 6, "\0\x14\x12\x34\x20\0", true, V4(reasm_fails) },
	{ "IPv4: a piece beyond 64 KiB", UDP4, 0, 20, 2, "\x1f\xff", true, V4(reasm_fails) },
	{ "ICMP: half a header", ECHO4, 0, 16, 2, "\0\x18", true, V4(icmp_in_errors) },
	{ "ICMP: wrong sum", ECHO4, 0, 36, 2, "\x12\x34", false, V4(icmp_in_csum_errors) },
	{ "IPv6: half a header", UDP6, 14 + 39, 0, 0, "", false, V6(in_header_errors) },
	{ "IPv6: version 4", UDP6, 0, 14, 1, "\x40", false, V6(in_header_errors) },
	{ "IPv6: longer than the frame", UDP6, 0, 18, 2, "\0\x19", false, V6(in_truncated) },
	{ "IPv6: longer than any frame", UDP6, 0, 18, 2, "\xff\xff", false, V6(in_header_errors) },
	{ "IPv6: from a group", UDP6, 0, 22, 1, "\xff", false, V6(in_address_errors) },
	{ "IPv6: from a mapped address", UDP6, 0, 22, 16, "\0\0\0\0\0\0\0\0\0\0\xff\xff\1\2\3\4", false, V6(in_address_errors) },
	{ "IPv6: from loopback on the wire", UDP6, 0, 22, 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", false, V6(in_address_errors) },
	{ "IPv6: to nobody", UDP6, 0, 38, 16, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", false, V6(in_address_errors) },
	{ "IPv6: not ours", UDP6, 0, 53, 1, "\3", false, V6(in_address_errors) },
	{ "IPv6: to a group of this node", UDP6, 0, 38, 16, "\xff\1\0\0\0\0\0\0\0\0\0\0\0\0\0\1", false, V6(in_address_errors) },
	{ "IPv6: unknown next header", UDP6, 0, 20, 1, "\xfd", false, V6(in_unknown_protocols) },
	{ "none", HOP6, 0, 0, 0, "", false, V6(in_delivers) },
	{ "none", ROUTE6, 0, 0, 0, "", false, V6(in_delivers) },
	{ "none", PIECE6, 0, 0, 0, "", false, V6(in_delivers) },
	{ "IPv6: a chain beyond the packet", UDP6, 0, 20, 1, "\0", false, V6(in_header_errors) },
	{ "IPv6: a header beyond the packet", HOP6, 0, 55, 1, "\x05", false, V6(in_header_errors) },
	{ "IPv6: an option beyond its header", HOP6, 0, 56, 2, "\1\5", false, V6(in_header_errors) },
	{ "IPv6: an option that says to be refused", HOP6, 0, 56, 1, "\x41", false, V6(in_header_errors) },
	{ "IPv6: an option that wants an answer", HOP6, 0, 56, 1, "\x81", false, V6(icmp_out_type[4]) },
	{ "IPv6: hop-by-hop options in the second place", ROUTE6, 0, 54, 1, "\0", false, V6(in_header_errors) },
	{ "IPv6: a routing header with segments left", ROUTE6, 0, 57, 1, "\1", false, V6(in_header_errors) },
	{ "IPv6: a piece that is no multiple of 8", PIECE6, 14 + 71, 18, 41, "\0\x1f\x2c\x40\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
		"\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\2\x11\0\0\1\0", false, V6(reasm_fails) },
	{ "IPv6: a piece beyond 64 KiB", PIECE6, 0, 56, 2, "\xff\xf9", false, V6(reasm_fails) },
	{ "ICMPv6: half a header", ECHO6, 0, 18, 2, "\0\x07", false, V6(icmp_in_errors) },
	{ "ICMPv6: wrong sum", ECHO6, 0, 56, 2, "\x12\x34", false, V6(icmp_in_csum_errors) },
};

static void corpus(void **state)
{
	for (u32 i = 0; i < ARRAY_SIZE(wrongs); i++) {
		const struct wrong *w = &wrongs[i];
		const u64 *counter = w->counter ? w->counter : (const u64 *)((const u8 *)&card->stats[0] + w->card_counter);
		u8 f[FRAME_MAX], *copy;
		u32 len = frame(w->base, f);

		len = w->len ? w->len : len;
		memcpy(f + w->at, w->bytes, w->n);
		if (w->fix)
			fix(f, len);
		copy = malloc(len);
		memcpy(copy, f, len);
		for (u32 linear = 0; linear <= MIN(len, 64u); linear += 8) {
			u64 before = *counter, all = outcomes();

			come_in(copy, len, linear);
			if (*counter != before + 1)
				print_message("%s, %u bytes linear\n", w->name, linear);
			assert_int_equal(*counter, before + 1);
			assert_true(outcomes() > all);
		}
		free(copy);
	}
}

/* An ARP packet has no counter, so what it must not do is looked at: be answered, or teach us anything. */
static void arp(void **state)
{
	static const struct { u32 len, at, n; const char *bytes; bool answered; } list[] = {
		{ 42, 0, 0, "", true }, { 42, 0, 6, "\xff\xff\xff\xff\xff\xff", true },
		{ 41, 0, 0, "", false }, { 42, 5, 1, "\x04", false }, { 42, 15, 1, "\2", false }, { 42, 16, 1, "\x86", false }, { 42, 18, 1, "\7", false },
		{ 42, 19, 1, "\x10", false }, { 42, 21, 1, "\2", false }, { 42, 21, 1, "\x77", false }, { 42, 22, 1, "\1", false },
		{ 42, 41, 1, "\3", false }, { 42, 38, 1, "\xe0", false }, { 42, 38, 1, "\x7f", false },
	};

	u8 f[FRAME_MAX];

	come_in(f, frame(ARP, f), 42);		/* what waited for this address goes out now */
	for (u32 i = 0; i < ARRAY_SIZE(list); i++) {
		u8 *copy = malloc(list[i].len);
		u64 before = sent;

		(void)frame(ARP, f);
		memcpy(f + list[i].at, list[i].bytes, list[i].n);
		memcpy(copy, f, list[i].len);
		come_in(copy, list[i].len, list[i].len);
		assert_int_equal(sent - before, list[i].answered);
		free(copy);
	}
}

static bool count_one(struct neighbour *n, void *arg)
{
	++*(u32 *)arg;
	return true;
}

/* Many that claim addresses, as they would come from one machine: the table stays in bounds, and whoever comes last is still learnt. */
static void flood(void **state)
{
	static const u8 mac[6] = { 0x52, 0x54, 0, 8, 8, 8 };
	struct ip_addr set = ip_addr_v4(cpu_to_be32(0x0a090005)), last;
	struct neighbour_view view;
	u8 f[FRAME_MAX];

	deferred = NULL;
	assert_int_equal(neighbour_set(card, &set, NUD_PERMANENT, mac, NLM_F_CREATE), 0);
	for (u32 i = 0; i < 3 * NEIGH_TABLE_MAX; i++) {
		u32 n = 0;

		(void)frame(ARP, f);
		put_be16(f + ETHER + 16, (u16)(0x100 + i));
		come_in(f, 42, 42);
		if (deferred)
			deferred->fn(deferred);
		deferred = NULL;
		neighbour_each(count_one, &n);
		assert_true(n < NEIGH_TABLE_MAX);
		last = ip_addr_v4(cpu_to_be32(0x0a090000 + 0x100 + i));
	}
	assert_true(neighbour_get(card, &last, &view) && view.state == NUD_STALE);
	assert_true(neighbour_get(card, &set, &view) && view.state == NUD_PERMANENT);
	assert_true(released_count > NEIGH_TABLE_MAX);
	for (u32 i = 0; i < released_count; i++)
		released[i]->done(released[i]);
	released_count = 0;
}

/* Wrong in several places: bytes that are odd where they stand, cuts, tails, bytes swapped; half of them with good sums. */
static void seeds(void **state)
{
	static const u8 odd[] = { 0, 1, 4, 5, 8, 15, 17, 40, 43, 44, 58, 60, 0x45, 0x60, 0x7f, 0x80, 0x86, 0xe0, 0xfe, 0xff };
	u64 delivered = 0;

	for (u64 seed = 0; seed < SEEDS; seed++) {
		struct rng rng = { seed };
		enum base b = (enum base)rng_below(&rng, BASES);
		u8 f[FRAME_MAX], *copy;
		u32 len = frame(b, f), times = 1 + (u32)rng_below(&rng, 5);

		for (u32 i = 0; i < times; i++) {
			u32 at = rng_below(&rng, 8) ? ETHER + (u32)rng_below(&rng, len - ETHER) : (u32)rng_below(&rng, ETHER);

			switch (rng_below(&rng, 6)) {
			case 0: f[at] = (u8)rng_u64(&rng); break;
			case 1: f[at] ^= (u8)(1 << rng_below(&rng, 8)); break;
			case 2: len = ETHER + 1 + (u32)rng_below(&rng, len - ETHER); break;
			case 3: len = MIN(len + (u32)rng_below(&rng, 600), (u32)FRAME_MAX); break;
			default: f[at] = odd[rng_below(&rng, sizeof(odd))]; break;
			}
		}
		if (rng_below(&rng, 2))
			fix(f, len);
		copy = malloc(len);
		memcpy(copy, f, len);
		u64 before = outcomes(), got = udp;
		bool counted = !(copy[12] == 8 && copy[13] == 6);

		come_in(copy, len, (u32)rng_below(&rng, MIN(len, 200u) + 1));
		if (counted && outcomes() == before)
			print_message("seed %lu\n", (unsigned long)seed);
		assert_true(!counted || outcomes() > before);
		delivered += udp - got;
		free(copy);
	}
	assert_true(delivered > SEEDS / 50);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(corpus), cmocka_unit_test(arp), cmocka_unit_test(flood), cmocka_unit_test(seeds) };

	start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
