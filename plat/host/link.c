/* See link.h and models.h. */
#include "base/string.h"
#include "plat/host/link.h"
#include "plat/host/virtio.h"

enum { DELAY_NS = 50000, UNDER_WAY_MAX = 1024, REORDER_DELAYS = 4, MTU_MAX = 65535 };

struct auk_link {
	struct link_frame *to[2];	/* under way to end n */
	u32 count[2];
	u64 last_due[2];		/* of frames that keep their order */
	struct auk_link_faults faults;
	u64 random;
	void (*on_frame)(void *arg, const void *frame, size_t len);
	void *on_frame_arg;
};

struct auk_link *auk_link_new(void)
{
	struct auk_link *l = os_alloc(sizeof(*l));

	if (l)
		auk_link_set_faults(l, &(struct auk_link_faults){ 0 });
	return l;
}

void auk_link_free(struct auk_link *l)
{
	for (u32 end = 0; end < 2; end++) {
		while (l->to[end]) {
			struct link_frame *f = l->to[end];

			l->to[end] = f->next;
			os_free(f);
		}
	}
	os_free(l);
}

void auk_link_set_faults(struct auk_link *l, const struct auk_link_faults *faults)
{
	l->faults = *faults;
	l->random = host_random_seed(faults->seed);
	if (!faults->delay_ns && !faults->jitter_ns)
		l->faults.delay_ns = DELAY_NS;
	if (!faults->mtu)
		l->faults.mtu = MTU_MAX;
	host_net_link_changed(l);
}

bool link_is_down(const struct auk_link *l) { return l->faults.down; }

/* A machine starts its clock at zero, so no frame of the last one may be under way. */
void link_attach(struct auk_link *l)
{
	l->last_due[0] = l->last_due[1] = 0;
	while (l->to[LINK_KERNEL]) {
		struct link_frame *f = l->to[LINK_KERNEL];

		l->to[LINK_KERNEL] = f->next;
		os_free(f);
	}
	l->count[LINK_KERNEL] = 0;
}

/* ---- sending ---- */

static bool chance(struct auk_link *l, u32 one_in) { return one_in && host_random(&l->random) % one_in == 0; }

bool link_lies(struct auk_link *l, u64 *what)
{
	if (!chance(l, l->faults.lie))
		return false;
	*what = host_random(&l->random);
	return true;
}

static void enqueue(struct auk_link *l, u32 end, const u8 *data, u32 len, u64 due_ns)
{
	struct link_frame *f = os_alloc(sizeof(*f) + len), **at = &l->to[end];

	if (!f)
		host_stuck("the host has no memory for a frame");
	f->due_ns = due_ns;
	f->len = len;
	memcpy(f->data, data, len);
	if (chance(l, l->faults.corrupt)) {
		u64 bit = host_random(&l->random) % (len * 8ull);

		f->data[bit / 8] ^= (u8)(1 << bit % 8);
	}
	while (*at && (*at)->due_ns <= due_ns)
		at = &(*at)->next;
	f->next = *at;
	*at = f;
	l->count[end]++;
}

void link_send(struct auk_link *l, u32 from, const u8 *frame, u32 len)
{
	const struct auk_link_faults *f = &l->faults;
	u32 end = !from;
	u64 due_ns = host_now_ns() + f->delay_ns + (f->jitter_ns ? host_random(&l->random) % (f->jitter_ns + 1) : 0);

	if (f->down || len > f->mtu + LINK_HEADER || l->count[end] >= UNDER_WAY_MAX || chance(l, f->loss))
		return;
	if (chance(l, f->reorder)) {
		due_ns += host_random(&l->random) % (REORDER_DELAYS * (f->delay_ns + f->jitter_ns) + 1);
	} else {
		due_ns = MAX(due_ns, l->last_due[end]);
		l->last_due[end] = due_ns;
	}
	enqueue(l, end, frame, len, due_ns);
	if (chance(l, f->duplicate))
		enqueue(l, end, frame, len, due_ns);
	host_net_link_changed(l);
}

int auk_link_inject(struct auk_link *l, const void *frame, size_t len)
{
	if (len < LINK_HEADER || len > AUK_FRAME_MAX)
		return -1;
	link_send(l, LINK_FAR, frame, (u32)len);
	return 0;
}

/* ---- arriving ---- */

struct link_frame *link_arrived(struct auk_link *l, u32 at, u64 now_ns)
{
	struct link_frame *f = l->to[at];

	if (!f || f->due_ns > now_ns)
		return NULL;
	l->to[at] = f->next;
	l->count[at]--;
	return f;
}

void link_frame_free(struct link_frame *f) { os_free(f); }

size_t auk_link_receive(struct auk_link *l, void *buf, size_t size)
{
	struct link_frame *f = link_arrived(l, LINK_FAR, host_now_ns());

	if (!f)
		return 0;
	u32 len = f->len;

	memcpy(buf, f->data, MIN(size, (size_t)len));
	os_free(f);
	return len;
}

void auk_link_on_frame(struct auk_link *l, void (*fn)(void *arg, const void *frame, size_t len), void *arg)
{
	l->on_frame = fn;
	l->on_frame_arg = arg;
}

void link_deliver_far(struct auk_link *l, u64 now_ns)
{
	struct link_frame *f;

	while (l->on_frame && (f = link_arrived(l, LINK_FAR, now_ns))) {
		l->on_frame(l->on_frame_arg, f->data, f->len);
		os_free(f);
	}
}

u64 link_next_ns(const struct auk_link *l, bool room)
{
	u64 next = ~0ull;

	if (room && l->to[LINK_KERNEL])
		next = l->to[LINK_KERNEL]->due_ns;
	if (l->on_frame && l->to[LINK_FAR])
		next = MIN(next, l->to[LINK_FAR]->due_ns);
	return next;
}
