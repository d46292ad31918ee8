/* virtio-rng: a seeded stream, so that a machine's randomness is its seed's. Source: VIRTIO 1.2, 5.4. */
#include <linux/virtio_ids.h>
#include "plat/host/virtio.h"

static void notify(struct host_virtio *v, u32 queue)
{
	struct host_chain c;

	while (host_vq_pop(v, queue, &c)) {
		for (u32 at = 0; at < c.in_bytes; at += sizeof(u64)) {
			u64 word = host_random(&v->random);

			(void)host_chain_write(&c, at, &word, MIN(c.in_bytes - at, (u32)sizeof(word)));
		}
		host_vq_push(v, queue, c.head, c.in_bytes);
	}
}

static void nothing(struct host_virtio *v) { v->due_ns = ~0ull; }

static const struct host_virtio_ops ops = { .id = VIRTIO_ID_RNG, .notify = notify, .due = nothing, .reset = nothing };

int host_rng_setup(struct host_virtio *v)
{
	v->ops = &ops;
	v->queue_count = 1;
	return 0;
}
