/* virtio-console with one port: output goes to a function, input comes from auk_console_type. Source: VIRTIO 1.2, 5.3. */
#include <linux/virtio_ids.h>
#include "base/string.h"
#include "plat/host/virtio.h"

enum { RX, TX, PART = 512 };

static void notify(struct host_virtio *v, u32 queue)
{
	struct host_chain c;
	char part[PART];

	while (queue == TX && host_vq_pop(v, TX, &c)) {
		for (u32 at = 0, n; at < c.out_bytes; at += n) {
			n = host_chain_read(&c, at, part, sizeof(part));
			if (v->setup.output)
				v->setup.output(part, n);
		}
		host_vq_push(v, TX, c.head, 0);
	}
}

size_t auk_console_type(const char *text, size_t len)
{
	struct host_chain c;
	size_t done = 0;

	for (unsigned i = 0; i < host_virtio_count(); i++) {
		struct host_virtio *v = host_virtio_at(i);

		if (v->setup.kind != AUK_CONSOLE)
			continue;
		while (done < len && host_vq_pop(v, RX, &c)) {
			u32 n = host_chain_write(&c, 0, text + done, (u32)MIN(len - done, (size_t)c.in_bytes));

			host_vq_push(v, RX, c.head, n);
			done += n;
		}
		break;
	}
	return done;
}

static void nothing(struct host_virtio *v) { v->due_ns = ~0ull; }

static const struct host_virtio_ops ops = { .id = VIRTIO_ID_CONSOLE, .notify = notify, .due = nothing, .reset = nothing };

int host_console_setup(struct host_virtio *v)
{
	v->ops = &ops;
	v->queue_count = 2;
	return 0;
}
