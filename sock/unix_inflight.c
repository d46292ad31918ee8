/*
 * Open files in the queues of AF_UNIX sockets.
 *
 * Every set of files in a message is on the list of the socket whose queue it is in (holder->files).  A socket whose file is in
 * some message is in flight; u->inflight says how often.  Such sockets can hold each other for ever with nobody left to receive: a
 * socket sent over itself is enough.
 *
 * Collecting: a socket in flight is reachable if its file has more references than messages account for, or if it is in a message of a
 * reachable socket, or of one that is not in flight (that one has a descriptor, or waits at a listener that is reachable).
 * So: first mark what has outside references, then follow messages from the marked; what stays unmarked is let go.
 * Under unix_lock nothing can move between queues and descriptors, so the counts agree.  A reference that some call holds just now makes
 * a socket reachable for this time; the next collection finds it.
 *
 * When: whenever a descriptor of a socket in flight is closed, and when any socket is released while some are in flight.
 * The bound: per user, RLIMIT_NOFILE files in flight (-ETOOMANYREFS), as unix(7) says.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "base/hash.h"
#include "kern/cred.h"
#include "kern/work.h"
#include "sock/unix.h"
#include "vfs/file.h"

enum { UID_BUCKETS = 64, COLLECT_DELAY_NS = 2000000 };

static LIST_HEAD(inflight);		/* [unix_lock] sockets */
static u32 per_uid[UID_BUCKETS];	/* [unix_lock] files by a hash of the sender's uid */
static struct delayed_work collect_work;
static u32 collect_pending;		/* [a] */

static u32 *uid_count(u32 uid) { return &per_uid[hash_bits(uid, 6)]; }

/* The AF_UNIX socket of a file, or NULL. */
static struct unix_sock *file_unix(struct file *f)
{
	struct socket *s = file_socket(f);

	return s && s->family == AF_UNIX ? unix_of(s) : NULL;
}

static bool too_many(u32 uid, u32 more)
{
	return *uid_count(uid) + more > sock_process->nofile_limit() && !capable(CAP_SYS_RESOURCE) && !capable(CAP_SYS_ADMIN);
}

int unix_files_attach_locked(struct unix_sock *holder, struct unix_msg *m)
{
	struct scm_files *files = m->files;

	if (too_many(files->uid, files->count))
		return -ETOOMANYREFS;
	files->owner = m;
	list_add_tail(&files->node, &holder->files);
	*uid_count(files->uid) += files->count;
	for (u32 i = 0; i < files->count; i++) {
		struct unix_sock *u = file_unix(files->file[i]);

		if (u && !u->inflight++)
			list_add_tail(&u->inflight_node, &inflight);
	}
	return 0;
}

static void detach_locked(struct scm_files *files)
{
	struct unix_msg *m = files->owner;

	m->files = NULL;
	files->owner = NULL;
	list_del_init(&files->node);
	*uid_count(files->uid) -= files->count;
	for (u32 i = 0; i < files->count; i++) {
		struct unix_sock *u = file_unix(files->file[i]);

		if (u && !--u->inflight)
			list_del_init(&u->inflight_node);
	}
}

struct scm_files *unix_files_take(struct unix_msg *m)
{
	if (!READ_ONCE(m->files))
		return NULL;
	spin_lock(&unix_lock);
	struct scm_files *files = m->files;

	if (files && files->owner)
		detach_locked(files);
	m->files = NULL;
	spin_unlock(&unix_lock);
	return files;
}

struct scm_files *unix_files_peek(struct unix_msg *m)
{
	if (!READ_ONCE(m->files))
		return NULL;
	spin_lock(&unix_lock);
	struct scm_files *copy = m->files ? scm_files_dup(m->files) : NULL;

	spin_unlock(&unix_lock);
	return copy;
}

/* ---- collecting; all under unix_lock ---- */

typedef void visit_fn(struct unix_sock *found, struct list_head *arg);

/* Call @fn for every socket in a message of @u's own queue. */
static void visit_queue(struct unix_sock *u, visit_fn *fn, struct list_head *arg)
{
	struct scm_files *files;

	list_for_each_entry(files, &u->files, node)
		for (u32 i = 0; i < files->count; i++) {
			struct unix_sock *found = file_unix(files->file[i]);

			if (found)
				fn(found, arg);
		}
}

/* The same with the queues of the connections that wait at @u. */
static void visit(struct unix_sock *u, visit_fn *fn, struct list_head *arg)
{
	struct unix_sock *waiting;

	visit_queue(u, fn, arg);
	list_for_each_entry(waiting, &u->pending, pending_node)
		visit_queue(waiting, fn, arg);
}

static void count_internal(struct unix_sock *found, struct list_head *arg)
{
	found->internal++;
}

static void reach(struct unix_sock *found, struct list_head *todo)
{
	if (found->reached)
		return;
	found->reached = true;
	list_move_tail(&found->inflight_node, todo);
}

static bool reachable_from_outside(const struct unix_sock *u)
{
	return atomic_load(&u->sock.file->refs) > u->inflight || u->internal < u->inflight;
}

/* Leave in `inflight` what nobody reaches; the others go to @live. */
static void mark(struct list_head *live)
{
	struct unix_sock *u, *tmp;

	list_for_each_entry(u, &inflight, inflight_node) {
		u->reached = false;
		u->internal = 0;
	}
	list_for_each_entry(u, &inflight, inflight_node)
		visit(u, count_internal, NULL);
	list_for_each_entry_safe(u, tmp, &inflight, inflight_node)
		if (reachable_from_outside(u))
			reach(u, live);
	list_for_each_entry(u, live, inflight_node)	/* grows meanwhile */
		visit(u, reach, live);
}

/* Take the files out of all messages in @u's queue. */
static void strip_queue(struct unix_sock *u, struct scm_files **gone)
{
	struct scm_files *files, *tmp;

	list_for_each_entry_safe(files, tmp, &u->files, node) {
		detach_locked(files);
		files->next = *gone;
		*gone = files;
	}
}

/*
 * Empty the queues of what is left in `inflight`.  Stripping one takes others off the list, whose last message that was: these are released
 * when that is put, and empty their queues themselves.
 */
static void sweep(struct scm_files **gone)
{
	struct unix_sock *u, *waiting;
	LIST_HEAD(stripped);

	while (!list_empty(&inflight)) {
		u = list_first_entry(&inflight, struct unix_sock, inflight_node);
		list_move_tail(&u->inflight_node, &stripped);
		strip_queue(u, gone);
		list_for_each_entry(waiting, &u->pending, pending_node)
			strip_queue(waiting, gone);
	}
	list_splice_init(&stripped, &inflight);
}

static void collect(struct work *w)
{
	struct scm_files *gone = NULL, *next;
	LIST_HEAD(live);

	atomic_store(&collect_pending, 0);
	spin_lock(&unix_lock);
	mark(&live);
	sweep(&gone);
	list_splice_init(&live, &inflight);
	spin_unlock(&unix_lock);
	for (; gone; gone = next) {
		next = gone->next;
		scm_files_put(gone);
	}
}

void unix_collect_soon(void)
{
	if (!list_empty(&inflight) && !xchg(&collect_pending, 1))
		delayed_work_queue(&collect_work, COLLECT_DELAY_NS);
}

void unix_flush(struct socket *s, struct file *f)
{
	if (READ_ONCE(unix_of(s)->inflight))
		unix_collect_soon();
}

void unix_inflight_init(void)
{
	delayed_work_init(&collect_work, collect);
}
