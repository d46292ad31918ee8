/* See mount_peers.h. */
#include <linux/errno.h>
#include "base/idr.h"
#include "kern/assert.h"
#include "vfs/internal.h"
#include "vfs/mount.h"
#include "vfs/mount_peers.h"

enum { GROUPS_MAX = 1 << 16 };

static u64 groups_memory[IDA_WORDS(GROUPS_MAX)];
static struct ida groups;	/* [mounts_lock] group numbers; 0 is nobody's */

void mount_peers_start(void)
{
	ida_init(&groups, groups_memory, GROUPS_MAX);
	if (ida_take(&groups, 0))
		panic("mount group 0 is taken");
}

void mount_peers_init(struct mount *m)
{
	list_init(&m->peers);
	list_init(&m->slaves);
	list_init(&m->slave_node);
}

/* ---- states ---- */

static void set_master(struct mount *m, struct mount *master)
{
	list_del_init(&m->slave_node);
	m->master = master;
	if (master)
		list_add_tail(&m->slave_node, &master->slaves);
}

int mount_make_shared(struct mount *m)
{
	if (!m->group_id) {
		s32 id = ida_alloc(&groups, 1, GROUPS_MAX - 1);

		if (id < 0)
			return id;
		m->group_id = (u32)id;
	}
	m->unbindable = false;
	return 0;
}

/* Whoever stays speaks to @m's slaves: a peer, else @m's own master, else nobody. */
static void leave_group(struct mount *m)
{
	struct mount *heir = list_empty(&m->peers) ? m->master : list_next_entry(m, peers);

	if (!m->group_id)
		return;
	if (list_empty(&m->peers))
		ida_free(&groups, m->group_id);
	while (!list_empty(&m->slaves))
		set_master(list_first_entry(&m->slaves, struct mount, slave_node), heir);
	list_del_init(&m->peers);
	m->group_id = 0;
}

void mount_make_slave(struct mount *m)
{
	struct mount *peer = list_empty(&m->peers) ? NULL : list_next_entry(m, peers);

	leave_group(m);
	if (peer)
		set_master(m, peer);
	m->unbindable = false;
}

void mount_make_private(struct mount *m)
{
	leave_group(m);
	set_master(m, NULL);
	m->unbindable = false;
}

int mount_relate(struct mount *copy, struct mount *m, enum mount_kin kin)
{
	if (kin == KIN_SAME) {
		if (m->group_id) {
			copy->group_id = m->group_id;
			list_add_tail(&copy->peers, &m->peers);
		}
		set_master(copy, m->master);
		return 0;
	}
	assert(m->group_id);
	set_master(copy, m);
	return kin == KIN_SLAVE_SHARED ? mount_make_shared(copy) : 0;
}

/* The next of the ring of @m's group; @m itself if it is alone. */
static struct mount *next_peer(struct mount *m)
{
	return list_next_entry(m, peers);
}

static bool visible(const struct mount *m, const struct path *root)
{
	return m->ns == root->mount->ns && mount_is_below(m, root->mount);
}

u32 mount_hears_from(struct mount *m, const struct path *root)
{
	for (struct mount *master = m->master; master; master = master->master) {
		struct mount *p = master;

		do {
			if (visible(p, root))
				return p->group_id;
			p = next_peer(p);
		} while (p != master);
	}
	return 0;
}

/* ---- who hears ---- */

static void append(struct mount **last, struct mount *m)
{
	if (m->receives)
		return;
	m->receives = true;
	m->next_receiver = NULL;
	m->copy = NULL;
	(*last)->next_receiver = m;
	*last = m;
}

struct mount *mount_receivers(struct mount *to)
{
	struct mount *last = to, *s;

	to->receives = true;
	to->next_receiver = to->copy = NULL;
	for (struct mount *m = to; m; m = m->next_receiver) {
		for (struct mount *p = next_peer(m); p != m; p = next_peer(p))
			append(&last, p);
		list_for_each_entry(s, &m->slaves, slave_node)
			append(&last, s);
	}
	return to;
}

void mount_receivers_end(struct mount *to)
{
	for (struct mount *m = to, *next; m; m = next) {
		next = m->next_receiver;
		m->next_receiver = m->copy = NULL;
		m->receives = false;
	}
}

/* ---- mounts ---- */

static int make_tree_shared(struct mount *top)
{
	int err = 0;

	for (struct mount *m = top; m && !err; m = mount_next(m, top))
		err = mount_make_shared(m);
	return err;
}

static struct mount *copy_in_group(struct mount *m)
{
	struct mount *p = m;

	do {
		if (p->receives && p->copy)
			return p->copy;
		p = next_peer(p);
	} while (p != m);
	return NULL;
}

/* A copy for @m of what its group, or the nearest group above that got one, has. @last: who got one before, most often a peer. */
static struct mount *copy_for(struct mount *m, struct mount *last)
{
	bool peer_has = m->group_id && m->group_id == last->group_id;
	struct mount *from = peer_has ? last->copy : copy_in_group(m);

	if (from)
		return mount_copy_tree(from, from->root, true, true, KIN_SAME);
	for (struct mount *master = m->master; master && !from; master = master->master)
		from = copy_in_group(master);
	assert(from);	/* the one that the change began with is above all others */
	return mount_copy_tree(from, from->root, true, true, m->group_id ? KIN_SLAVE_SHARED : KIN_SLAVE);
}

static void discard_copies(struct list_head *copies)
{
	struct list_head dead = LIST_HEAD_INIT(dead);

	while (!list_empty(copies)) {
		struct mount *c = list_first_entry(copies, struct mount, ns_node);

		list_del_init(&c->ns_node);
		c->hang_on = (struct path){ NULL, NULL };
		mount_collect(c, &dead);
	}
	mount_free_collected(&dead);	/* fresh copies hold nothing that sleeps when it goes */
}

int mount_propagate_prepare(struct mount *top, const struct path *at, struct list_head *copies)
{
	struct mount *to = at->mount, *last = to;
	int err;

	if (!mount_is_shared(to))
		return 0;
	err = make_tree_shared(top);
	if (err)
		return err;
	mount_receivers(to);
	to->copy = top;
	for (struct mount *m = to->next_receiver; m && !err; m = m->next_receiver) {
		if (!m->ns || !d_is_below(at->dentry, m->root))
			continue;
		struct mount *c = copy_for(m, last);

		if (!c) {
			err = -ENOMEM;
			break;
		}
		c->hang_on = (struct path){ m, at->dentry };
		list_add_tail(&c->ns_node, copies);
		m->copy = c;
		last = m;
		err = mount_ns_has_room(m->ns, c) ? 0 : -ENOSPC;
	}
	mount_receivers_end(to);
	if (err)
		discard_copies(copies);
	return err;
}

void mount_propagate_commit(struct list_head *copies)
{
	while (!list_empty(copies)) {
		struct mount *c = list_first_entry(copies, struct mount, ns_node);
		struct path at = c->hang_on;

		list_del_init(&c->ns_node);
		c->hang_on = (struct path){ NULL, NULL };
		mount_slip_in(c, &at);
	}
}

/* ---- umounts ---- */

/* The only child of @m, if that hides @m as a whole. */
static struct mount *topper(struct mount *m)
{
	struct mount *c = list_first_entry_or_null(&m->children, struct mount, sibling);

	return c && c->mountpoint == m->root && c->sibling.next == &m->children ? c : NULL;
}

/* What hangs at the place of @m on @on, if it goes when @m goes: not if something of its own hangs below it. */
static struct mount *goes_with(const struct mount *m, struct mount *on)
{
	struct mount *c = mount_lookup_rcu(on, m->mountpoint);

	return c && (list_empty(&c->children) || topper(c)) ? c : NULL;
}

bool mount_propagate_busy(const struct mount *m)
{
	bool busy = false;

	for (struct mount *on = mount_receivers(m->parent)->next_receiver; on; on = on->next_receiver) {
		struct mount *c = goes_with(m, on);

		/* being attached, and what hides it */
		if (c && atomic_load(&c->refs) > (topper(c) ? 2 : 1))
			busy = true;
	}
	mount_receivers_end(m->parent);
	return busy;
}

static void umount_from_receivers(struct mount *m, struct list_head *dead)
{
	struct mount *parent = m->parent;

	for (struct mount *on = mount_receivers(parent)->next_receiver; on; on = on->next_receiver) {
		struct mount *c = goes_with(m, on);

		if (c && !c->going)
			mount_slip_out(c, topper(c), dead);
	}
	mount_receivers_end(parent);
}

void mount_propagate_umount(struct mount *top, struct list_head *dead)
{
	struct mount *victims = NULL;	/* chained through next_victim, the deepest first */

	for (struct mount *m = top; m; m = mount_next(m, top)) {
		m->going = true;
		m->next_victim = victims;
		victims = m;
	}
	for (struct mount *m = victims; m; m = m->next_victim)
		umount_from_receivers(m, dead);
	for (struct mount *m = victims; m; m = m->next_victim)
		m->going = false;
}
