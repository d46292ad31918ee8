/*
 * Messages between AF_UNIX sockets, and the queue that a socket receives on.
 *
 * A message holds its bytes in pages, a small one behind its head.  Its memory, not its bytes, is charged to the sender (u->unsent) until
 * it is received, so SO_SNDBUF bounds what a sender can make the kernel hold.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "sock/unix.h"

void unix_charge_drop(struct unix_sock *from, u32 charge)
{
	atomic_sub(&from->unsent, charge);
	if (unix_writable(from))
		wake_up_poll(&from->sock.waitq, EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND);
}

static struct page **msg_pages(const struct unix_msg *m) { return (struct page **)(u64)m->store; }

static void pages_free(struct unix_msg *m)
{
	for (u32 i = 0; i < m->pages && msg_pages(m)[i]; i++)
		page_put(msg_pages(m)[i]);
}

static bool pages_alloc(struct unix_msg *m)
{
	for (u32 i = 0; i < m->pages; i++) {
		msg_pages(m)[i] = page_alloc(0, ALLOC_KERNEL | ALLOC_NOOOM);
		if (!msg_pages(m)[i])
			return false;
	}
	return true;
}

struct unix_msg *unix_msg_new(struct unix_sock *from, u32 bytes, bool in_pages)
{
	u32 pages = in_pages || bytes > UNIX_INLINE_MAX ? DIV_ROUND_UP(MAX(bytes, 1u), PAGE_SIZE) : 0;
	size_t store = pages ? pages * sizeof(struct page *) : bytes;
	struct unix_msg *m = kmalloc(sizeof(*m) + store, ALLOC_KERNEL | ALLOC_NOOOM);

	if (!m)
		return NULL;
	memset(m, 0, sizeof(*m) + (pages ? store : 0));
	m->pages = pages;
	m->room = pages ? (u32)(pages * PAGE_SIZE) : bytes;
	if (!pages_alloc(m)) {
		pages_free(m);
		kfree(m);
		return NULL;
	}
	list_init(&m->node);
	m->charge = UNIX_OVERHEAD + m->room;
	m->from = unix_get(from);
	atomic_add(&from->unsent, m->charge);
	return m;
}

void unix_msg_free(struct unix_msg *m)
{
	struct scm_files *files = unix_files_take(m);

	if (m->from) {
		unix_charge_drop(m->from, m->charge);
		unix_put(m->from);
	}
	pages_free(m);
	kfree(m);
	scm_files_put(files);
}

/* The bytes at @at of the store, and how many follow without a break. */
static u8 *store_at(const struct unix_msg *m, u32 at, u32 *run)
{
	if (!m->pages) {
		*run = m->room - at;
		return (u8 *)(u64)m->store + at;
	}
	*run = (u32)(PAGE_SIZE - at % PAGE_SIZE);
	return (u8 *)page_virt(msg_pages(m)[at / PAGE_SIZE]) + at % PAGE_SIZE;
}

u32 unix_msg_fill(struct unix_msg *m, struct iter *it, u32 n)
{
	u32 done = 0, run;

	assert(n <= m->room - m->end);
	while (done < n) {
		u8 *to = store_at(m, m->end, &run);
		u32 part = MIN(run, n - done);
		u32 got = (u32)iter_get(it, to, part);

		m->end += got;
		done += got;
		if (got < part)
			break;
	}
	return done;
}

u32 unix_msg_drain(const struct unix_msg *m, u32 offset, struct iter *it, u32 n)
{
	u32 done = 0, run;

	assert(offset <= unix_msg_left(m) && n <= unix_msg_left(m) - offset);
	while (done < n) {
		const u8 *from = store_at(m, m->start + offset + done, &run);
		u32 part = MIN(run, n - done);
		u32 put = (u32)iter_put(it, from, part);

		done += put;
		if (put < part)
			break;
	}
	return done;
}

int unix_queue_add_locked(struct unix_sock *u, struct unix_msg *m)
{
	int err = 0;

	if (m->files) {
		spin_lock(&unix_lock);
		err = unix_files_attach_locked(u, m);
		spin_unlock(&unix_lock);
	}
	if (err)
		return err;
	list_add_tail(&m->node, &u->queue);
	__atomic_store_n(&u->queued_bytes, u->queued_bytes + unix_msg_left(m), __ATOMIC_RELAXED);
	__atomic_store_n(&u->queued, u->queued + 1, __ATOMIC_RELEASE);
	return 0;
}

void unix_queue_take_locked(struct unix_sock *u, struct unix_msg *m)
{
	list_del_init(&m->node);
	__atomic_store_n(&u->queued_bytes, u->queued_bytes - unix_msg_left(m), __ATOMIC_RELAXED);
	__atomic_store_n(&u->queued, u->queued - 1, __ATOMIC_RELEASE);
}

void unix_queue_purge(struct unix_sock *u)
{
	LIST_HEAD(gone);
	struct unix_msg *m, *tmp, *spare;

	mutex_lock(&u->lock);
	list_splice_init(&u->queue, &gone);
	spare = u->spare;
	u->spare = NULL;
	__atomic_store_n(&u->queued_bytes, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&u->queued, 0, __ATOMIC_RELEASE);
	mutex_unlock(&u->lock);
	if (spare)
		unix_msg_free(spare);
	list_for_each_entry_safe(m, tmp, &gone, node)
		unix_msg_free(m);
}

void unix_stamp(struct ucred_kernel *creds, const struct unix_sock *u, const struct unix_sock *to)
{
	if (!creds->pid && (unix_passcred(u) || unix_passcred(to) || !READ_ONCE(to->sock.file)))
		scm_fill_creds(creds);
}
