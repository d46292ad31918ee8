/*
 * Feeds: frames to an Ethernet device of the whole kernel with an address, a UDP socket that is bound and one that is connected.  An input is frames one
 * after the other: how each is to be put right (addresses, lengths, checksums, so that it comes past the first checks), its length, its bytes.
 *
 * What must hold: no report of a sanitizer, no panic, no assertion.
 *
 * Cannot catch: pages that are never given back (tests/sim and tests/unit/net count them); answers that are wrong; a driver's
 * errors (tests/unit/drivers, tests/sim); TCP's machine, which tests/fuzz/tcp feeds.
 */
#include <asm/unistd.h>
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/sockios.h>
#include "base/bitops.h"
#include "net/checksum.h"
#include "net/device.h"
#include "net/ethernet.h"
#include "net/net.h"
#include "net/rtnl.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/machine.h"

enum { FRAME_MAX = 1600, IP_MIN = 20, AF_INET_ = 2, SOCK_DGRAM_ = 2, SOCK_NONBLOCK_ = 04000 };
enum { FIX_MAC = 1, FIX_IP = 2, FIX_ADDRESSES = 4, FIX_TRANSPORT = 8, FIX_PORT = 16, IS_ARP = 32, IN_PIECES = 64, RECEIVE = 128 };
enum { OUR_PORT = 5000, PEER_PORT = 6000 };
#define OURS 0x0a000001u	/* 10.0.0.1 */
#define PEER 0x0a000002u

static struct net_device *dev;
static long bound, connected;
static uint64_t buf;
static u64 sent;

static int xmit(struct net_device *d, u32 queue, struct packet *p)
{
	u8 first[64];

	(void)!packet_copy_bits(p, 0, first, MIN(p->len, 64u));
	sent++;
	packet_free(p);
	return XMIT_OK;
}

static const struct net_device_ops ops = { .xmit = xmit, .driver = "fuzz" };

static void put_address(u8 *at, u32 host, u16 port)
{
	memset(at, 0, 16);
	put_le16(at, AF_INET_);
	put_be16(at + 2, port);
	put_be32(at + 4, host);
}

static void configure(unsigned long request, u32 host)
{
	u8 ifr[40] = "fz0";
	long fd = auk_syscall(__NR_socket, AF_INET_, SOCK_DGRAM_, 0);

	put_address(ifr + 16, host, 0);
	FUZZ_MUST(fd >= 0 && !auk_put(buf, ifr, sizeof(ifr)));
	FUZZ_MUST(!auk_syscall(__NR_ioctl, fd, request, buf));
	(void)auk_syscall(__NR_close, fd);
}

static long make_socket(bool connects)
{
	u8 name[16];
	long fd = auk_syscall(__NR_socket, AF_INET_, SOCK_DGRAM_ | SOCK_NONBLOCK_, 0);

	put_address(name, 0, OUR_PORT + connects);
	FUZZ_MUST(fd >= 0 && !auk_put(buf, name, 16) && !auk_syscall(__NR_bind, fd, buf, 16));
	put_address(name, PEER, PEER_PORT);
	FUZZ_MUST(!auk_put(buf, name, 16) && (!connects || !auk_syscall(__NR_connect, fd, buf, 16)));
	return fd;
}

static void set_up(void)
{
	static const u8 mac[6] = { 2, 0, 0, 0, 0, 1 };

	buf = auk_alloc(16 * PAGE_SIZE);
	dev = device_create("fz0", 1, &ops, NULL);
	FUZZ_MUST(buf && dev);
	device_setup_ethernet(dev, mac);
	rtnl_lock();
	FUZZ_MUST(!device_register(dev));
	FUZZ_MUST(!device_open(dev));
	device_carrier(dev, true);
	rtnl_unlock();
	configure(SIOCSIFADDR, OURS);
	configure(SIOCSIFNETMASK, 0xffffff00);
	bound = make_socket(false);
	connected = make_socket(true);
}

/* Put right of an IPv4 packet what @how says. */
static void fix_ip(u8 *ip, u32 len, u8 how)
{
	u32 header = (ip[0] & 15) * 4u;

	if (how & FIX_IP) {
		header = MAX(header, (u32)IP_MIN);
		if (header > len)
			header = IP_MIN;
		ip[0] = (u8)(0x40 | header / 4);
		put_be16(ip + 2, (u16)len);
	}
	if (how & FIX_ADDRESSES) {
		put_be32(ip + 12, PEER);
		put_be32(ip + 16, OURS);
	}
	if (header < IP_MIN || header > len)
		return;
	u8 *t = ip + header;
	u32 n = len - header;

	if (how & FIX_PORT && n >= 8) {
		put_be16(t, PEER_PORT);
		put_be16(t + 2, (u16)(OUR_PORT + (how & 1)));
		put_be16(t + 4, (u16)n);
	}
	if (how & FIX_TRANSPORT && ip[9] == IPPROTO_ICMP && n >= 8) {
		put_be16(t + 2, 0);
		be16 sum = csum_finish(csum_partial(t, n, 0));
		memcpy(t + 2, &sum, 2);
	} else if (how & FIX_TRANSPORT && ip[9] == IPPROTO_UDP && n >= 8) {
		put_be16(t + 6, 0);		/* none */
	}
	if (how & FIX_IP) {
		put_be16(ip + 10, 0);
		be16 sum = csum_finish(csum_partial(ip, header, 0));
		memcpy(ip + 10, &sum, 2);
	}
}

static void frame(const u8 *bytes, u32 len, u8 how)
{
	u8 at[FRAME_MAX + 14] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8 };
	u8 *ip = at + 14;

	memcpy(ip, bytes, len);
	if (how & IS_ARP)
		at[13] = 6;
	else if (len >= IP_MIN)
		fix_ip(ip, len, how);
	if (!(how & FIX_MAC) && len >= 14)
		memcpy(at, bytes, 14);
	struct packet *p = packet_alloc(how & IN_PIECES ? 64 : 14 + len, ALLOC_ATOMIC);

	if (!p)
		return;
	if (how & IN_PIECES && len > 40) {
		struct page *page = page_alloc(0, ALLOC_KERNEL);
		u32 n = MIN(len - 6, (u32)PAGE_SIZE);

		FUZZ_MUST(page);
		memcpy(page_virt(page), at + 20, n);
		memcpy(packet_put(p, 20), at, 20);
		FUZZ_MUST(packet_add_frag(p, page, 0, n));
	} else if (how & IN_PIECES) {
		memcpy(packet_put(p, MIN(14 + len, 64u)), at, MIN(14 + len, 64u));
	} else {
		memcpy(packet_put(p, 14 + len), at, 14 + len);
	}
	net_enter();
	if (ethernet_parse(p, dev))
		net_receive(p);
	else
		packet_free(p);
	net_leave();
}

static void receive(long fd)
{
	while (auk_syscall(__NR_recvfrom, fd, buf, 4096, 0, 0, 0) >= 0)
		;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct fuzz_input in = fuzz_input_of(data, len);

	if (fuzz_machine(NULL, 0))
		set_up();
	while (in.left > 3) {
		u8 how = fuzz_u8(&in);
		const u8 *bytes;
		u32 n = (u32)fuzz_bytes(&in, fuzz_u16(&in) % FRAME_MAX, &bytes);

		frame(bytes, n, how);
		if (how & RECEIVE) {
			receive(bound);
			receive(connected);
			(void)auk_syscall(__NR_sendto, connected, buf, n, 0, 0, 0);
		}
	}
	receive(bound);
	receive(connected);
	return 0;
}
