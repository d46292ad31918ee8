/* Multicast groups of devices.  group.h is the contract. */
#include <linux/errno.h>
#include "kern/random.h"
#include "kern/slab.h"
#include "net/group.h"
#include "net/rtnl.h"

static struct spinlock group_lock = SPINLOCK_INIT(RANK_NET_CONFIG);

static struct device_group *find(const struct net_device *dev, const struct ip_addr *group)
{
	const struct group_set *set = rcu_dereference(dev->groups);
	struct device_group *g;

	if (set)
		list_for_each_entry_rcu(g, &set->groups, node)
			if (ip_addr_equal(&g->addr, group))
				return g;
	return NULL;
}

/* Groups that everybody is in, and of which nobody is told (RFC 3376, section 6; RFC 3810, section 6). */
static bool everybodys(const struct ip_addr *group)
{
	static const struct ip_addr all6 = { .b = { 0xff, 2, [15] = 1 } };

	if (ip_addr_is_v4(group))
		return group->w[3] == cpu_to_be32(0xe0000001);
	return ip_addr_equal(group, &all6) || ip6_mc_scope(group) <= 1;
}

bool device_in_group(const struct net_device *dev, const struct ip_addr *group)
{
	return everybodys(group) || find(dev, group);
}

const struct device_group *device_group_next(const struct net_device *dev, const struct device_group *g)
{
	const struct group_set *set = rcu_dereference(dev->groups);

	if (!set)
		return NULL;
	const struct list_head *at = g ? &g->node : &set->groups, *next = rcu_dereference(at->next);

	return next == &set->groups ? NULL : list_entry(next, struct device_group, node);
}

/* ---- telling ---- */

static void report(struct net_device *dev, const struct ip_addr *group, bool v6, enum group_record record)
{
	if (!device_is_up(dev) || dev->flags & IFF_LOOPBACK || !(dev->flags & IFF_MULTICAST) || (group && everybodys(group)))
		return;
	net_enter();
	if (v6)
		mld_report(dev, group, record);
	else
		igmp_report(dev, group, record);
	net_leave();
}

static void answer4(struct net_timer *t)
{
	report(container_of(t, struct group_set, answer[0])->dev, NULL, false, RECORD_MEMBER);
}

static void answer6(struct net_timer *t)
{
	report(container_of(t, struct group_set, answer[1])->dev, NULL, true, RECORD_MEMBER);
}

void device_groups_asked(struct net_device *dev, bool v6, u32 max_ms)
{
	struct group_set *set = rcu_dereference(dev->groups);

	if (!set)
		return;
	u64 now = plat_mono_ns(), at = now + (u64)((u32)random_u64() % (max_ms + 1)) * NS_PER_MS;

	spin_lock(&group_lock);
	if (set->answer_ns[v6] <= now || at < set->answer_ns[v6]) {	/* an answer that is due sooner is one to this question too */
		set->answer_ns[v6] = at;
		net_timer_arm(&set->answer[v6], at);
	}
	spin_unlock(&group_lock);
}

/* ---- joining, leaving: [rtnl] ---- */

static struct group_set *set_of(struct net_device *dev)
{
	struct group_set *set = dev->groups;

	if (set)
		return set;
	set = kzalloc(sizeof(*set), ALLOC_KERNEL);
	if (!set)
		return NULL;
	set->dev = dev;
	set->alive = 2;
	list_init(&set->groups);
	net_timer_init(&set->answer[0], answer4);
	net_timer_init(&set->answer[1], answer6);
	rcu_assign_pointer(dev->groups, set);
	return set;
}

int device_group_join(struct net_device *dev, const struct ip_addr *group)
{
	struct group_set *set = set_of(dev);
	struct device_group *g = set ? find(dev, group) : NULL;

	if (g) {
		g->users++;
		return 0;
	}
	g = set ? kzalloc(sizeof(*g), ALLOC_KERNEL) : NULL;
	if (!g)
		return -ENOMEM;
	g->addr = *group;
	g->users = 1;
	list_add_tail_rcu(&g->node, &set->groups);
	report(dev, group, !ip_addr_is_v4(group), RECORD_JOINED);
	return 0;
}

void device_group_leave(struct net_device *dev, const struct ip_addr *group)
{
	struct device_group *g = find(dev, group);

	if (!g || --g->users)
		return;
	list_del_rcu(&g->node);
	kfree_rcu(g, rcu);
	report(dev, group, !ip_addr_is_v4(group), RECORD_LEFT);
}

/* ---- devices come and go ---- */

static void set_free(struct group_set *set)
{
	if (atomic_dec_and_test(&set->alive))
		kfree(set);
}

static void done4(struct net_timer *t) { set_free(container_of(t, struct group_set, answer[0])); }
static void done6(struct net_timer *t) { set_free(container_of(t, struct group_set, answer[1])); }

static void forget(struct net_device *dev)
{
	struct group_set *set = dev->groups;
	struct device_group *g, *tmp;

	if (!set)
		return;
	rcu_assign_pointer(dev->groups, NULL);
	list_for_each_entry_safe(g, tmp, &set->groups, node) {
		list_del_rcu(&g->node);
		kfree_rcu(g, rcu);
	}
	spin_lock(&group_lock);
	net_timer_release(&set->answer[0], done4);
	net_timer_release(&set->answer[1], done6);
	spin_unlock(&group_lock);
}

static void device_event(struct net_device *dev, enum device_event event)
{
	if (event == DEVICE_UP && dev->groups) {
		report(dev, NULL, false, RECORD_JOINED);
		report(dev, NULL, true, RECORD_JOINED);
	} else if (event == DEVICE_UNREGISTERING) {
		forget(dev);
	}
}

void groups_init(void)
{
	static struct device_listener listener = { .event = device_event };

	device_listen(&listener);
	igmp_init();
}
