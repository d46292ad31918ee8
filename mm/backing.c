/* The registry of backing devices, their lists of dirty mappings, and their threads; see backing.h. */
#include "base/string.h"
#include "kern/mutex.h"
#include "kern/sched.h"
#include "kern/timer.h"
#include "mm/backing.h"
#include "mm/internal.h"

enum { BATCH = 128, VISIT_PAGES = 1024, IN_FLIGHT_MIN = 2048, IDLE_SEC = 30, RETRY_MS = 100 };

struct backing backing_default;

static struct mutex registry;
static LIST_HEAD(backings);			/* [registry] */
static struct waitq maker_waitq = WAITQ_INIT(maker_waitq);
static bool maker_wanted;			/* [a] some backing wants a thread */

/* ---- the list of a backing ---- */

static void want_thread(struct backing *b)
{
	smp_mb();	/* the work before the look at the thread: see retire */
	if (READ_ONCE(b->wanted)) {
		wake_up_all(&b->waitq);
		return;
	}
	WRITE_ONCE(b->wanted, true);
	WRITE_ONCE(maker_wanted, true);
	wake_up_all(&maker_waitq);
}

void writeback_note(struct mapping *m)
{
	struct backing *b = m->backing;
	bool added = false;

	smp_mb();	/* the page's mark before the look at the list: see unlist_clean */
	if (!list_empty(&m->dirty_node))
		return;
	spin_lock(&b->lock);
	if (list_empty(&m->dirty_node)) {
		m->listed_ns = m->dirty_since_ns = plat_mono_ns();
		added = list_empty(&b->dirty);
		list_add_tail(&m->dirty_node, &b->dirty);
	}
	spin_unlock(&b->lock);
	if (added)
		want_thread(b);
}

void writeback_forget(struct mapping *m)
{
	if (list_empty(&m->dirty_node))
		return;
	spin_lock(&m->backing->lock);
	list_del_init(&m->dirty_node);
	spin_unlock(&m->backing->lock);
}

static bool is_clean(const struct mapping *m)
{
	return !xa_marked(&m->tree, (enum xa_mark)MARK_DIRTY) && !xa_marked(&m->tree, (enum xa_mark)MARK_WRITEBACK);
}

/*
 * Off the list first, then the look at the marks: who sets one after that finds the mapping off the list and adds it.  While pages
 * are being written it stays: sync(2) has to wait for them.  @synced: the number of the sync(2) that has, or 0
 */
static void unlist_clean(struct mapping *m, u64 synced)
{
	spin_lock(&m->backing->lock);
	m->synced = MAX(m->synced, synced);
	list_del_init(&m->dirty_node);
	smp_mb();
	if (!is_clean(m)) {
		m->dirty_since_ns = plat_mono_ns();
		list_add_tail(&m->dirty_node, &m->backing->dirty);
	}
	spin_unlock(&m->backing->lock);
}

/* The next mapping for the thread: dirty since before @before_ns, or clean by now. Pinned, moved to the list's end. */
static struct mapping *next_dirty(struct backing *b, u64 before_ns)
{
	struct mapping *m, *found = NULL;

	spin_lock(&b->lock);
	list_for_each_entry(m, &b->dirty, dirty_node) {
		if (m->dirty_since_ns > before_ns && !is_clean(m))
			continue;
		found = m;
		mapping_pin(m);
		list_move_tail(&m->dirty_node, &b->dirty);
		m->dirty_since_ns = plat_mono_ns();
		break;
	}
	spin_unlock(&b->lock);
	return found;
}

/* ---- sync(2) ---- */

/* One call: what became dirty before @before_ns is written and waited for, whoever else is writing it. */
struct sync {
	u64 number, before_ns;
	unsigned count;
	struct mapping *batch[BATCH];		/* started, pinned */
};

static u64 syncs;				/* [a] how many there were */

static bool in_batch(const struct sync *s, const struct mapping *m)
{
	for (unsigned i = 0; i < s->count; i++)
		if (s->batch[i] == m)
			return true;
	return false;
}

/* The next mapping joins the batch. A later sync that has waited for one has done so for us. Return: it, or NULL: none, or the batch is full */
static struct mapping *sync_next(struct backing *b, struct sync *s)
{
	struct mapping *m, *found = NULL;

	if (s->count == BATCH)
		return NULL;
	spin_lock(&b->lock);
	list_for_each_entry(m, &b->dirty, dirty_node) {
		if (m->listed_ns > s->before_ns || m->synced >= s->number || in_batch(s, m))
			continue;
		found = s->batch[s->count++] = m;
		mapping_pin(m);
		list_move_tail(&m->dirty_node, &b->dirty);
		break;
	}
	spin_unlock(&b->lock);
	return found;
}

static void start_batch(struct backing *b, struct sync *s)
{
	struct writeback_plug plug;
	struct mapping *m;

	s->count = 0;
	writeback_plug_begin(&plug);
	while ((m = sync_next(b, s)) != NULL) {
		(void)writeback_some(m, ~0ull, true);
		cond_resched();
	}
	writeback_plug_end(&plug);
}

/* Many are started, then waited for. */
static void write_and_wait(struct backing *b, struct sync *s)
{
	do {
		start_batch(b, s);
		for (unsigned i = 0; i < s->count; i++) {
			writeback_wait(s->batch[i]);
			unlist_clean(s->batch[i], s->number);
			mapping_unpin(s->batch[i]);
		}
	} while (s->count == BATCH);
}

/* The backing after @b (NULL: the first) that has something dirty; it stays while its mapping does. */
static struct backing *next_with_dirty(struct backing *b, struct mapping **pin)
{
	struct mapping *old = *pin;

	*pin = NULL;
	mutex_lock(&registry);
	for (struct list_head *at = b ? b->node.next : backings.next; at != &backings && !*pin; at = at->next) {
		b = list_entry(at, struct backing, node);
		spin_lock(&b->lock);
		*pin = list_first_entry_or_null(&b->dirty, struct mapping, dirty_node);
		if (*pin)
			mapping_pin(*pin);
		spin_unlock(&b->lock);
	}
	mutex_unlock(&registry);
	if (old)
		mapping_unpin(old);
	return *pin ? b : NULL;
}

/* Let every backing but the first that has something dirty begin */
static void kick_all(bool first_too)
{
	struct backing *b;

	mutex_lock(&registry);
	list_for_each_entry(b, &backings, node) {
		if (list_empty(&b->dirty))
			continue;
		if (first_too) {
			WRITE_ONCE(b->all, true);
			want_thread(b);
		}
		first_too = true;
	}
	mutex_unlock(&registry);
}

void writeback_all(bool wait)
{
	struct sync s = { .number = atomic_inc_return(&syncs), .before_ns = plat_mono_ns() };
	struct mapping *pin = NULL;
	struct backing *b = NULL;

	/* we write one device after the other: their threads do so at the same time */
	kick_all(!wait);
	while (wait && (b = next_with_dirty(b, &pin)) != NULL)
		write_and_wait(b, &s);
}

/* ---- the threads ---- */

void backing_kick(struct backing *b)
{
	if (READ_ONCE(b->look))
		return;
	WRITE_ONCE(b->look, true);
	want_thread(b);
}

static bool room_in_flight(struct backing *b)
{
	return atomic_load(&b->writing_pages) < MAX((u64)IN_FLIGHT_MIN, READ_ONCE(b->rate.bandwidth) / 4) || READ_ONCE(b->stop);
}

/* Write what has been dirty since before @before_ns, one mapping after the other, while it is @background: while too much is dirty. Return: pages started */
static u64 write_some(struct backing *b, u64 before_ns, bool background)
{
	struct mapping *m;
	u64 all = 0;

	while (!READ_ONCE(b->stop) && (!background || dirty_over_background(b)) && (m = next_dirty(b, before_ns)) != NULL) {
		struct writeback_plug plug;
		u64 n;

		do {
			writeback_plug_begin(&plug);
			n = writeback_some(m, VISIT_PAGES, false);
			writeback_plug_end(&plug);
			all += n;
			dirty_measure(b);
			wait_event(&b->waitq, room_in_flight(b));
		} while (n == VISIT_PAGES && !READ_ONCE(b->stop));
		unlist_clean(m, 0);
		mapping_unpin(m);
		cond_resched();
	}
	return all;
}

static bool has_work(struct backing *b)
{
	return READ_ONCE(b->all) || READ_ONCE(b->look) || READ_ONCE(b->stop);
}

/* Until it is kicked, or the time for a look has come, which comes only while something is dirty. Return: false: nothing for long */
static bool wait_for_work(struct backing *b)
{
	u32 cs = READ_ONCE(dirty_sysctls.writeback_cs);

	if (has_work(b))
		return true;
	if (list_empty(&b->dirty))
		(void)wait_event_until(&b->waitq, has_work(b) || (cs && !list_empty(&b->dirty)), plat_mono_ns() + (u64)IDLE_SEC * NS_PER_SEC);
	else
		(void)wait_event_until(&b->waitq, has_work(b), cs ? plat_mono_ns() + (u64)cs * (NS_PER_SEC / 100) : ~0ull);
	return has_work(b) || !list_empty(&b->dirty);
}

/* The thread ends for want of work. Who finds work from here on asks for a new one; what came before is seen here. Return: whether */
static bool retire(struct backing *b)
{
	bool ends;

	mutex_lock(&registry);
	ends = !READ_ONCE(b->stop);
	if (ends) {
		b->runs = false;
		WRITE_ONCE(b->wanted, false);
		smp_mb();
		if (has_work(b) || !list_empty(&b->dirty))
			want_thread(b);
	}
	mutex_unlock(&registry);
	return ends;
}

static void thread_main(void *arg)
{
	struct backing *b = arg;

	thread_set_flag(current(), TF_MEMALLOC);
	while (!READ_ONCE(b->stop)) {
		u64 now, expire = (u64)READ_ONCE(dirty_sysctls.expire_cs) * (NS_PER_SEC / 100);
		bool all;

		if (!wait_for_work(b)) {
			if (retire(b))
				return;
			continue;
		}
		all = xchg(&b->all, false);
		WRITE_ONCE(b->look, false);
		now = plat_mono_ns();
		if (all)
			(void)write_some(b, now, false);
		else if (READ_ONCE(dirty_sysctls.writeback_cs) && now > expire)
			(void)write_some(b, now - expire, false);
		/* each mapping once a round; what is dirtied meanwhile has its turn in the next */
		while (!READ_ONCE(b->stop) && dirty_over_background(b) && !list_empty(&b->dirty)) {
			/* what others have locked or are writing: they will be done soon */
			if (!write_some(b, plat_mono_ns(), true))
				(void)wait_event_until(&b->waitq, READ_ONCE(b->stop), plat_mono_ns() + RETRY_MS * NS_PER_MS);
		}
	}
	complete(&b->stopped);
}

/* Return: whether each backing that wants a thread has one */
static bool make_threads(void)
{
	struct backing *b;
	bool all = true;

	mutex_lock(&registry);
	list_for_each_entry(b, &backings, node) {
		struct thread *t;

		if (!READ_ONCE(b->wanted) || b->runs)
			continue;
		t = kthread_create(thread_main, b, "flush-%s", b->name);
		b->runs = !IS_ERR(t);
		all &= b->runs;
	}
	mutex_unlock(&registry);
	return all;
}

/* Makes threads for those who want one: they want it where no thread can be made.  Nobody asks twice, so what failed is tried again. */
static void maker(void *arg)
{
	u64 again_ns = ~0ull;

	for (;;) {
		(void)wait_event_until(&maker_waitq, READ_ONCE(maker_wanted), again_ns);
		WRITE_ONCE(maker_wanted, false);
		again_ns = make_threads() ? ~0ull : plat_mono_ns() + RETRY_MS * NS_PER_MS;
	}
}

/* ---- adding and removing ---- */

void backing_add(struct backing *b, const char *name)
{
	memset(b, 0, sizeof(*b));
	strlcpy(b->name, name, sizeof(b->name));
	spin_init(&b->lock, RANK_LEAF_SPIN);
	list_init(&b->dirty);
	waitq_init(&b->waitq);
	completion_init(&b->stopped);
	b->max_percent = 100;
	dirty_rate_init(&b->rate, plat_mono_ns());
	mutex_lock(&registry);
	list_add_tail(&b->node, &backings);
	mutex_unlock(&registry);
}

void backing_remove(struct backing *b)
{
	bool runs;

	assert(list_empty(&b->dirty));
	mutex_lock(&registry);
	list_del(&b->node);
	runs = b->runs;
	WRITE_ONCE(b->stop, true);	/* a thread that runs ends by way of `stopped` from here on: see retire */
	mutex_unlock(&registry);
	if (!runs)
		return;
	wake_up_all(&b->waitq);
	wait_for_completion(&b->stopped);
}

int backing_set_min(struct backing *b, u32 percent)
{
	struct backing *other;
	u32 sum = 0;
	int err = -EINVAL;

	mutex_lock(&registry);
	list_for_each_entry(other, &backings, node)
		sum += other == b ? 0 : other->min_percent;
	if (percent <= b->max_percent && sum + percent < 100) {
		WRITE_ONCE(b->min_percent, percent);
		err = 0;
	}
	mutex_unlock(&registry);
	return err;
}

int backing_set_max(struct backing *b, u32 percent)
{
	int err = -EINVAL;

	mutex_lock(&registry);
	if (percent <= 100 && percent >= b->min_percent) {
		WRITE_ONCE(b->max_percent, percent);
		err = 0;
	}
	mutex_unlock(&registry);
	return err;
}

void dirty_sysctls_changed(void)
{
	struct backing *b;

	mutex_lock(&registry);
	list_for_each_entry(b, &backings, node)
		wake_up_all(&b->waitq);
	mutex_unlock(&registry);
}

void backing_init(void)
{
	mutex_init(&registry, RANK_LEAF_SLEEP);
	backing_add(&backing_default, "0:0");
}

void backing_start(void)
{
	struct thread *t = kthread_create(maker, NULL, "flush");

	assert(!IS_ERR(t));
}
