/*
 * drivers/virtio/queue.c against a device in a few lines: it takes chains from the available ring, finishes them in any
 * order, and in one test writes nonsense.
 */
#include "tests/unit/unit.h"

#include <errno.h>

#include "drivers/virtio/virtio.h"
#include "kern/slab.h"
#include "tests/unit/drivers/stubs.h"

enum { SIZE = 16 };

static struct virtio_device dev = { .name = "test" };

static void make(struct virtqueue *vq, u32 size, bool event_idx, bool indirect)
{
	memset(vq, 0, sizeof(*vq));
	stubs_start();
	stub_fail_after = -1;
	vq->dev = &dev;
	vq->event_idx = event_idx;
	vq->use_indirect = indirect;
	assert_int_equal(virtqueue_create(vq, size, 64), 0);
}

static void layout(void **state)
{
	u32 avail, used;

	assert_int_equal(virtqueue_layout_bytes(8, 4096, &avail, &used), 4096 + 6 + 64);
	assert_int_equal(avail, 128);
	assert_int_equal(used, 4096);
	virtqueue_layout_bytes(128, 64, &avail, &used);
	assert_int_equal(avail, 2048);
	assert_int_equal(used, 2368);
}

/* The device's view: total bytes of a chain by direction; false: a chain that is none. */
static bool chain_sum(struct virtqueue *vq, u16 head, u64 *out, u64 *in, unsigned *count)
{
	struct vring_desc *table = vq->desc;
	u32 at = head, limit = vq->size;

	*out = *in = *count = 0;
	if (table[head].flags & VRING_DESC_F_INDIRECT) {
		limit = table[head].len / sizeof(*table);
		table = phys_to_virt(table[head].addr);
		at = 0;
	}
	for (unsigned steps = 0; steps <= limit; steps++) {
		*(table[at].flags & VRING_DESC_F_WRITE ? in : out) += table[at].len;
		(*count)++;
		if (!(table[at].flags & VRING_DESC_F_NEXT))
			return true;
		at = table[at].next;
		if (at >= limit)
			return false;
	}
	return false;
}

struct model {
	u64 out, in;
	unsigned count;
	bool live;
	u16 head;
};

/* Random traffic; the model remembers what each token stood for. */
static void traffic(bool event_idx, bool indirect, u64 seed)
{
	struct rng rng = { .state = seed };
	struct virtqueue vq;
	struct model tokens[64] = { 0 };
	u16 device_avail = 0, used = 0, pending[SIZE];
	unsigned pending_count = 0;

	make(&vq, SIZE, event_idx, indirect);
	for (unsigned round = 0; round < 50000; round++) {
		unsigned t = rng_below(&rng, ARRAY_SIZE(tokens));
		u32 len;

		if (!tokens[t].live && rng_below(&rng, 2)) {
			struct virtqueue_seg segs[SIZE];
			unsigned out = rng_below(&rng, 4), in = rng_below(&rng, 5);
			struct model m = { .count = out + in, .live = true };
			int err;

			for (unsigned i = 0; i < out + in; i++) {
				segs[i] = (struct virtqueue_seg){ rng_u64(&rng), 1 + (u32)rng_below(&rng, 5000) };
				*(i < out ? &m.out : &m.in) += segs[i].len;
			}
			u16 free_before = vq.free_count;

			err = virtqueue_add(&vq, segs, out, in, &tokens[t]);
			if (!m.count)
				assert_int_equal(err, -EINVAL);
			else if (err)
				assert_true(err == -ENOSPC && free_before < m.count);
			else
				tokens[t] = m;
		}
		if (rng_below(&rng, 3) == 0)
			(void)virtqueue_kick_prepare(&vq);
		if (device_avail != vq.avail->idx && pending_count < SIZE) {
			pending[pending_count++] = vq.avail->ring[device_avail % SIZE];
			device_avail++;
		}
		if (pending_count && rng_below(&rng, 2)) {
			unsigned p = rng_below(&rng, pending_count);
			struct model *m = vq.slots[pending[p]].token;
			u64 out, in;
			unsigned count;

			assert_non_null(m);
			assert_true(chain_sum(&vq, pending[p], &out, &in, &count));
			assert_true(out == m->out && in == m->in && count == m->count);
			vq.used->ring[used % SIZE].id = pending[p];
			vq.used->ring[used % SIZE].len = (u32)in;
			vq.used->idx = ++used;
			pending[p] = pending[--pending_count];
		}
		if (rng_below(&rng, 3) == 0) {
			struct model *m;

			virtqueue_disable_callback(&vq);
			while ((m = virtqueue_get(&vq, &len))) {
				assert_true(m->live && len == m->in);
				m->live = false;
			}
			assert_true(virtqueue_enable_callback(&vq));
		}
	}
	while (virtqueue_take_back(&vq))
		;
	assert_int_equal(vq.free_count, SIZE);
	virtqueue_destroy(&vq);
	assert_int_equal(stub_live, 0);
}

static void traffic_direct(void **state) { traffic(false, false, 1); }
static void traffic_event_idx(void **state) { traffic(true, false, 2); }
static void traffic_indirect(void **state) { traffic(true, true, 3); }

static void out_of_memory_for_indirect(void **state)
{
	struct virtqueue_seg segs[4] = { { 4096, 1 }, { 8192, 2 }, { 12288, 3 }, { 16384, 4 } };
	struct virtqueue vq;
	u64 out, in;
	unsigned count;

	make(&vq, SIZE, false, true);
	stub_fail_after = 0;
	assert_int_equal(virtqueue_add(&vq, segs, 2, 2, &vq), 0);	/* goes into the table itself */
	assert_int_equal(vq.free_count, SIZE - 4);
	assert_true(chain_sum(&vq, vq.avail->ring[0], &out, &in, &count));
	assert_int_equal(out, 3);
	assert_int_equal(in, 7);
	assert_ptr_equal(virtqueue_take_back(&vq), &vq);
	virtqueue_destroy(&vq);
	assert_int_equal(stub_live, 0);
}

static void out_of_memory_for_queue(void **state)
{
	for (int n = 0; n < 2; n++) {
		struct virtqueue vq = { .dev = &dev };

		stubs_start();
		stub_fail_after = n;
		assert_int_equal(virtqueue_create(&vq, SIZE, 64), -ENOMEM);
		assert_int_equal(stub_live, 0);
	}
	stub_fail_after = -1;
}

/* When the device has to be told, and when it tells us. */
static void suppression(void **state)
{
	struct virtqueue_seg seg = { 4096, 10 };
	struct virtqueue vq;

	make(&vq, SIZE, false, false);
	assert_false(virtqueue_kick_prepare(&vq));
	assert_int_equal(virtqueue_add(&vq, &seg, 1, 0, &seg), 0);
	assert_true(virtqueue_kick_prepare(&vq));
	vq.used->flags = VRING_USED_F_NO_NOTIFY;
	assert_int_equal(virtqueue_add(&vq, &seg, 1, 0, &seg), 0);
	assert_false(virtqueue_kick_prepare(&vq));
	while (virtqueue_take_back(&vq))
		;
	virtqueue_destroy(&vq);

	make(&vq, SIZE, true, false);
	u16 *avail_event = (u16 *)&vq.used->ring[SIZE];

	*avail_event = 1;	/* tell me at the second */
	assert_int_equal(virtqueue_add(&vq, &seg, 1, 0, &seg), 0);
	assert_false(virtqueue_kick_prepare(&vq));
	assert_int_equal(virtqueue_add(&vq, &seg, 1, 0, &seg), 0);
	assert_true(virtqueue_kick_prepare(&vq));
	assert_true(virtqueue_enable_callback(&vq));
	assert_int_equal(vq.avail->ring[SIZE], 0);
	vq.used->ring[0].id = 0;
	vq.used->idx = 1;
	assert_false(virtqueue_enable_callback(&vq));
	while (virtqueue_take_back(&vq))
		;
	virtqueue_destroy(&vq);
}

static void lies(void **state)
{
	static const struct { u32 id, len; u16 idx; } lies[] = {
		{ SIZE, 0, 1 }, { 0xffffffff, 0, 1 }, { 5, 0, 1 }, { 0, 0, SIZE + 1 }, { 0, 0, 0x8000 },
	};
	struct virtqueue_seg seg = { 4096, 10 };
	struct virtqueue vq;
	u32 len;

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		make(&vq, SIZE, false, false);
		assert_int_equal(virtqueue_add(&vq, &seg, 0, 1, &seg), 0);
		vq.used->ring[0].id = lies[i].id;
		vq.used->ring[0].len = lies[i].len;
		vq.used->idx = lies[i].idx;
		assert_null(virtqueue_get(&vq, &len));
		assert_true(vq.broken);
		assert_int_equal(virtqueue_add(&vq, &seg, 0, 1, &seg), -EIO);
		assert_ptr_equal(virtqueue_take_back(&vq), &seg);
		virtqueue_destroy(&vq);
	}
	/* More bytes than there was room: only so many are believed.  The same twice: not at all. */
	make(&vq, SIZE, false, false);
	assert_int_equal(virtqueue_add(&vq, &seg, 0, 1, &seg), 0);
	vq.used->ring[0].id = vq.used->ring[1].id = 0;
	vq.used->ring[0].len = 1000000;
	vq.used->idx = 2;
	assert_ptr_equal(virtqueue_get(&vq, &len), &seg);
	assert_int_equal(len, 10);
	assert_null(virtqueue_get(&vq, &len));
	assert_true(vq.broken);
	virtqueue_destroy(&vq);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),	     cmocka_unit_test(traffic_direct),
		cmocka_unit_test(traffic_event_idx), cmocka_unit_test(traffic_indirect),
		cmocka_unit_test(suppression),	     cmocka_unit_test(lies),
		cmocka_unit_test(out_of_memory_for_indirect), cmocka_unit_test(out_of_memory_for_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
