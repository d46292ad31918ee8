/* The network card's model and the link, driven by a driver as small as the specification allows. */
#include <linux/virtio_config.h>
#include <linux/virtio_mmio.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>
#include "tests/unit/unit.h"
#include "plat/host/virtio.h"
#include "tests/unit/host/machine.h"

enum { SIZE = 8, RX = 0, TX = 1, BASE = 1 << 20, QUEUE_BYTES = 1 << 14, BUF_BYTES = 2048, HEADER = sizeof(struct virtio_net_hdr_v1) };

static struct host_virtio *card;
static struct auk_link *link_;

static u64 queue_at(u32 q) { return BASE + q * QUEUE_BYTES; }
static struct vring_desc *desc(u32 q) { return phys_to_virt(queue_at(q)); }
static struct vring_avail *avail(u32 q) { return phys_to_virt(queue_at(q) + 4096); }
static struct vring_used *used(u32 q) { return phys_to_virt(queue_at(q) + 8192); }
static u64 buf_at(u32 q, u32 i) { return BASE + 0x40000 + (q * SIZE + i) * BUF_BYTES; }

static void set(u32 reg, u32 value) { host_virtio_reg_write(card, reg, 4, value); }

static void queue_on(u32 q)
{
	set(VIRTIO_MMIO_QUEUE_SEL, q);
	set(VIRTIO_MMIO_QUEUE_NUM, SIZE);
	set(VIRTIO_MMIO_QUEUE_DESC_LOW, (u32)queue_at(q));
	set(VIRTIO_MMIO_QUEUE_AVAIL_LOW, (u32)queue_at(q) + 4096);
	set(VIRTIO_MMIO_QUEUE_USED_LOW, (u32)queue_at(q) + 8192);
	set(VIRTIO_MMIO_QUEUE_READY, 1);
}

static void make_available(u32 q, u32 i, u32 len, u16 flags)
{
	desc(q)[i] = (struct vring_desc){ .addr = buf_at(q, i), .len = len, .flags = flags };
	avail(q)->ring[avail(q)->idx % SIZE] = (u16)i;
	avail(q)->idx++;
	set(VIRTIO_MMIO_QUEUE_NOTIFY, q);
}

/* A card that the driver has brought up with @features of word 0. */
static void bring_up(const struct auk_link_faults *faults, u32 features, u32 rx_bytes)
{
	machine_start();
	link_ = auk_link_new();
	auk_link_set_faults(link_, faults);
	assert_int_equal(host_virtio_setup(&(struct auk_device){ AUK_NET, .link = link_ }, 1, 1), 0);
	card = host_virtio_at(0);
	assert_int_equal(host_virtio_reg_read(card, VIRTIO_MMIO_MAGIC_VALUE, 4), 0x74726976);
	assert_int_equal(host_virtio_reg_read(card, VIRTIO_MMIO_DEVICE_ID, 4), 1);
	set(VIRTIO_MMIO_STATUS, 3);
	set(VIRTIO_MMIO_DRIVER_FEATURES, features);
	set(VIRTIO_MMIO_DRIVER_FEATURES_SEL, 1);
	set(VIRTIO_MMIO_DRIVER_FEATURES, 1);	/* VERSION_1 */
	set(VIRTIO_MMIO_STATUS, 11);
	assert_int_equal(host_virtio_reg_read(card, VIRTIO_MMIO_STATUS, 4), 11);
	queue_on(RX);
	queue_on(TX);
	set(VIRTIO_MMIO_STATUS, 15);
	for (u32 i = 0; i < SIZE; i++)
		make_available(RX, i, rx_bytes, VRING_DESC_F_WRITE);
}

static void bring_down(void)
{
	host_virtio_power_off();
	auk_link_free(link_);
}

/* Send frame @n: 60 bytes that tell its number. */
static void send_frame(u32 n, u8 flags, u16 csum_start, u16 csum_offset)
{
	u8 *at = phys_to_virt(buf_at(TX, n % SIZE));
	struct virtio_net_hdr_v1 h = { .flags = flags, .csum_start = csum_start, .csum_offset = csum_offset };

	memcpy(at, &h, HEADER);
	memset(at + HEADER, (int)n, 60);
	make_available(TX, n % SIZE, HEADER + 60, 0);
}

static void pass(u64 ns)
{
	machine_now_ns += ns;
	host_virtio_run(machine_now_ns);
}

static void test_delay(void **state)
{
	u8 frame[64];

	bring_up(&(struct auk_link_faults){ .delay_ns = 1000 }, 0, BUF_BYTES);
	send_frame(5, 0, 0, 0);
	assert_int_equal(used(TX)->idx, 1);
	assert_int_equal(auk_link_receive(link_, frame, sizeof(frame)), 0);
	pass(1000);
	assert_int_equal(auk_link_receive(link_, frame, sizeof(frame)), 60);
	assert_int_equal(frame[59], 5);
	memset(frame, 9, sizeof(frame));
	assert_int_equal(auk_link_inject(link_, frame, 64), 0);
	assert_int_equal(auk_link_inject(link_, frame, 13), -1);
	pass(999);
	assert_int_equal(used(RX)->idx, 0);
	assert_int_equal(host_virtio_next_ns(), machine_now_ns + 1);
	u32 before = machine_interrupts;
	pass(1);
	assert_int_equal(used(RX)->idx, 1);
	assert_int_equal(machine_interrupts, before + 1);
	assert_int_equal(used(RX)->ring[0].len, HEADER + 64);
	assert_memory_equal((u8 *)phys_to_virt(buf_at(RX, 0)) + HEADER, frame, 64);
	assert_int_equal(((struct virtio_net_hdr_v1 *)phys_to_virt(buf_at(RX, 0)))->num_buffers, 1);
	bring_down();
}

/* A sum over the frame's last 40 bytes, put at 2 of them; RFC 1071 by another road: the sum of all words with it is 0xffff. */
static void test_checksum(void **state)
{
	u8 frame[64];
	u32 sum = 0;

	bring_up(&(struct auk_link_faults){ 0 }, 1u << VIRTIO_NET_F_CSUM, BUF_BYTES);
	u8 *at = phys_to_virt(buf_at(TX, 1));
	struct virtio_net_hdr_v1 h = { .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 20, .csum_offset = 2 };
	memcpy(at, &h, HEADER);
	for (u32 i = 0; i < 60; i++)
		at[HEADER + i] = i >= 22 && i < 24 ? 0 : (u8)(i * 37);
	make_available(TX, 1, HEADER + 60, 0);
	pass(1000000);
	assert_int_equal(auk_link_receive(link_, frame, sizeof(frame)), 60);
	for (u32 i = 20; i < 60; i += 2)
		sum += (u32)frame[i] << 8 | frame[i + 1];
	assert_int_equal(sum % 0xffff, 0);
	assert_true(frame[22] || frame[23]);
	bring_down();
}

/* A frame longer than a buffer takes several, and the header says how many. */
static void test_merged(void **state)
{
	u8 frame[1000];

	bring_up(&(struct auk_link_faults){ 0 }, 1u << VIRTIO_NET_F_MRG_RXBUF, 300);
	for (u32 i = 0; i < sizeof(frame); i++)
		frame[i] = (u8)(i * 7);
	assert_int_equal(auk_link_inject(link_, frame, sizeof(frame)), 0);
	pass(1000000);
	assert_int_equal(used(RX)->idx, 4);
	assert_int_equal(((struct virtio_net_hdr_v1 *)phys_to_virt(buf_at(RX, 0)))->num_buffers, 4);
	assert_memory_equal((u8 *)phys_to_virt(buf_at(RX, 0)) + HEADER, frame, 300 - HEADER);
	assert_memory_equal(phys_to_virt(buf_at(RX, 1)), frame + 300 - HEADER, 300);
	assert_int_equal(used(RX)->ring[3].len, 1000 + HEADER - 900);
	bring_down();
}

struct outcome {
	u32 arrived, out_of_order, twice, damaged;
};

static struct outcome run(const struct auk_link_faults *faults)
{
	struct outcome o = { 0 };
	u8 frame[64], last = 0;
	bool seen[256] = { false };

	bring_up(faults, 0, BUF_BYTES);
	for (u32 n = 0; n < 200; n++) {
		send_frame(n, 0, 0, 0);
		pass(100);
	}
	pass(1000000000);
	while (auk_link_receive(link_, frame, sizeof(frame))) {
		bool same = true;

		o.arrived++;
		for (u32 i = 1; i < 60; i++)
			same = same && frame[i] == frame[0];
		o.damaged += !same;
		o.out_of_order += same && frame[0] < last;
		o.twice += same && seen[frame[0]];
		if (same) {
			seen[frame[0]] = true;
			last = frame[0];
		}
	}
	bring_down();
	return o;
}

static void test_faults(void **state)
{
	for (u64 seed = 0; seed < 20; seed++) {
		struct outcome o = run(&(struct auk_link_faults){ .seed = seed, .delay_ns = 1000, .jitter_ns = 5000 });
		assert_true(o.arrived == 200 && !o.out_of_order && !o.twice && !o.damaged);
		o = run(&(struct auk_link_faults){ .seed = seed, .loss = 4 });
		assert_true(o.arrived > 100 && o.arrived < 190 && !o.out_of_order && !o.twice && !o.damaged);
		o = run(&(struct auk_link_faults){ .seed = seed, .duplicate = 4 });
		assert_true(o.arrived > 210 && o.twice == o.arrived - 200 && !o.damaged);
		o = run(&(struct auk_link_faults){ .seed = seed, .delay_ns = 1000, .reorder = 4 });
		assert_true(o.arrived == 200 && o.out_of_order && !o.twice && !o.damaged);
		o = run(&(struct auk_link_faults){ .seed = seed, .corrupt = 4 });
		assert_true(o.arrived == 200 && o.damaged > 10 && o.damaged < 100);
		o = run(&(struct auk_link_faults){ .seed = seed, .mtu = 40 });
		assert_int_equal(o.arrived, 0);
		o = run(&(struct auk_link_faults){ .seed = seed, .down = true });
		assert_int_equal(o.arrived, 0);
	}
}

static void test_carrier(void **state)
{
	bring_up(&(struct auk_link_faults){ 0 }, 1u << VIRTIO_NET_F_STATUS, BUF_BYTES);
	u32 generation = host_virtio_reg_read(card, VIRTIO_MMIO_CONFIG_GENERATION, 4);
	assert_int_equal(host_virtio_reg_read(card, VIRTIO_MMIO_CONFIG + 6, 2), VIRTIO_NET_S_LINK_UP);
	auk_link_set_faults(link_, &(struct auk_link_faults){ .down = true });
	assert_int_equal(host_virtio_reg_read(card, VIRTIO_MMIO_CONFIG + 6, 2), 0);
	assert_int_not_equal(host_virtio_reg_read(card, VIRTIO_MMIO_CONFIG_GENERATION, 4), generation);
	assert_int_equal(host_virtio_reg_read(card, VIRTIO_MMIO_INTERRUPT_STATUS, 4), VIRTIO_MMIO_INT_CONFIG);
	set(VIRTIO_MMIO_INTERRUPT_ACK, VIRTIO_MMIO_INT_CONFIG);
	assert_int_equal(host_virtio_reg_read(card, VIRTIO_MMIO_INTERRUPT_STATUS, 4), 0);
	bring_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delay), cmocka_unit_test(test_checksum), cmocka_unit_test(test_merged),
		cmocka_unit_test(test_faults), cmocka_unit_test(test_carrier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
