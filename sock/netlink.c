/*
 * AF_NETLINK sockets: life, ports, groups, options.  sock/netlink.h is the contract.
 *
 * Departure: sockets of a protocol are one list, walked for a port.
 *
 * Source: netlink(7), socket(2).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "kern/cred.h"
#include "kern/random.h"
#include "kern/slab.h"
#include "sock/internal.h"
#include "sock/netlink.h"
#include "vfs/poll.h"
#include "vfs/procfs.h"

struct spinlock netlink_lock;
struct list_head netlink_socks[NETLINK_PROTOCOLS];

/* ---- life ---- */

static void free_rcu(struct rcu_head *h)
{
	struct netlink_peer *n = container_of(h, struct netlink_peer, rcu);

	cred_put(n->opener);
	kfree(n);
}

void netlink_put(struct netlink_peer *n)
{
	if (atomic_dec_and_test(&n->refs))
		call_rcu(&n->rcu, free_rcu);
}

static void release(struct socket *s)
{
	struct netlink_peer *n = netlink_of(s);

	spin_lock(&netlink_lock);
	list_del(&n->node);
	spin_unlock(&netlink_lock);
	netlink_dump_end(n);
	netlink_purge(n);
	waitq_wake(&s->waitq, 0, 0);		/* senders that wait for room */
	netlink_put(n);
}

bool netlink_may(const struct netlink_peer *n, u32 flag)
{
	return n->kernel->flags & flag || capable(CAP_NET_ADMIN);
}

/* ---- ports ---- */

static struct netlink_peer *find_locked(u32 protocol, u32 portid)
{
	struct netlink_peer *n;

	list_for_each_entry(n, &netlink_socks[protocol], node)
		if (n->bound && n->portid == portid)
			return n;
	return NULL;
}

struct netlink_peer *netlink_find(u32 protocol, u32 portid)
{
	spin_lock(&netlink_lock);
	struct netlink_peer *n = find_locked(protocol, portid);

	if (n)
		atomic_inc(&n->refs);
	spin_unlock(&netlink_lock);
	return n;
}

static int take_port_locked(struct netlink_peer *n, u32 portid)
{
	if (n->bound)
		return n->portid == portid ? 0 : -EBUSY;
	if (find_locked(n->sock.protocol, portid))
		return -EADDRINUSE;
	n->portid = portid;
	__atomic_store_n(&n->bound, true, __ATOMIC_RELEASE);
	return 0;
}

/* The process's number; where that is taken, a negative one. */
static int autobind_locked(struct netlink_peer *n)
{
	const u32 highest = (u32)-4097, span = highest - 0x80000000u;
	u32 portid = sock_process->pid();
	u32 at = 0;

	if (n->bound)
		return 0;
	while (take_port_locked(n, portid)) {
		at = at ? at - 1 : highest - (u32)random_u64() % span;
		if (at < 0x80000000u)
			at = highest;
		portid = at;
	}
	return 0;
}

int netlink_autobind(struct netlink_peer *n)
{
	if (__atomic_load_n(&n->bound, __ATOMIC_ACQUIRE))
		return 0;
	spin_lock(&netlink_lock);
	int err = autobind_locked(n);

	spin_unlock(&netlink_lock);
	return err;
}

/* ---- names ---- */

static int addr_parse(const struct sock_addr *a, struct sockaddr_nl *out)
{
	if (a->len < sizeof(*out))
		return -EINVAL;
	memcpy(out, a->bytes, sizeof(*out));
	return out->nl_family == AF_NETLINK ? 0 : -EINVAL;
}

static u32 group_mask(const struct netlink_peer *n)
{
	return n->kernel->groups >= 32 ? ~0u : (u32)BIT(n->kernel->groups) - 1;
}

static int bind(struct socket *s, const struct sock_addr *a)
{
	struct netlink_peer *n = netlink_of(s);
	struct sockaddr_nl nl;
	int err = addr_parse(a, &nl);

	if (err)
		return err;
	if (nl.nl_groups && !netlink_may(n, NETLINK_ANYBODY_LISTENS))
		return -EPERM;
	spin_lock(&netlink_lock);
	n->asked_groups |= nl.nl_groups != 0;
	if (n->bound)
		err = nl.nl_pid == n->portid ? 0 : -EINVAL;
	else
		err = nl.nl_pid ? take_port_locked(n, nl.nl_pid) : autobind_locked(n);
	if (!err && (nl.nl_groups || (u32)n->groups))
		n->groups = (n->groups & ~0xffffffffull) | (nl.nl_groups & group_mask(n));
	spin_unlock(&netlink_lock);
	return err;
}

static int connect(struct socket *s, const struct sock_addr *a, u64 deadline_ns)
{
	struct netlink_peer *n = netlink_of(s);
	struct sockaddr_nl nl = { 0 };
	int err = 0;

	if (a->len < sizeof(a->family))
		return -EINVAL;
	if (a->family != AF_UNSPEC) {
		err = addr_parse(a, &nl);
		if (!err && (nl.nl_groups || nl.nl_pid) && !netlink_may(n, NETLINK_ANYBODY_SENDS))
			err = -EPERM;
		if (!err)
			err = netlink_autobind(n);
	}
	if (err)
		return err;
	spin_lock(&netlink_lock);
	n->connected = a->family != AF_UNSPEC;
	n->dst_portid = nl.nl_pid;
	n->dst_group = (u32)__builtin_ffs((int)nl.nl_groups);
	spin_unlock(&netlink_lock);
	return 0;
}

static int getname(struct socket *s, struct sock_addr *out, bool peer)
{
	struct netlink_peer *n = netlink_of(s);
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };

	spin_lock(&netlink_lock);
	nl.nl_pid = peer ? n->dst_portid : n->portid;
	if (!peer)
		nl.nl_groups = (u32)n->groups;
	else if (n->dst_group)
		nl.nl_groups = 1u << (n->dst_group - 1);
	spin_unlock(&netlink_lock);
	memcpy(out->bytes, &nl, sizeof(nl));
	out->len = sizeof(nl);
	return 0;
}

static u32 poll(struct socket *s)
{
	struct netlink_peer *n = netlink_of(s);
	u32 events = EPOLLOUT | EPOLLWRNORM | EPOLLWRBAND;

	if (atomic_load(&s->error))
		events |= EPOLLERR;
	if (!list_empty(&n->queue))
		events |= EPOLLIN | EPOLLRDNORM;
	return events;
}

/* ---- options ---- */

static const struct {
	int name;
	u32 flag;
} flag_options[] = {
	{ NETLINK_PKTINFO, NLF_PKTINFO }, { NETLINK_BROADCAST_ERROR, NLF_BROADCAST_ERROR }, { NETLINK_NO_ENOBUFS, NLF_NO_ENOBUFS },
	{ NETLINK_LISTEN_ALL_NSID, NLF_LISTEN_ALL }, { NETLINK_CAP_ACK, NLF_CAP_ACK }, { NETLINK_EXT_ACK, NLF_EXT_ACK },
	{ NETLINK_GET_STRICT_CHK, NLF_STRICT },
};

static u32 flag_of(int name)
{
	for (u32 i = 0; i < ARRAY_SIZE(flag_options); i++)
		if (flag_options[i].name == name)
			return flag_options[i].flag;
	return 0;
}

static int membership(struct netlink_peer *n, u32 group, bool add)
{
	if (!netlink_may(n, NETLINK_ANYBODY_LISTENS))
		return -EPERM;
	if (!group || group > n->kernel->groups)
		return -EINVAL;
	spin_lock(&netlink_lock);
	n->asked_groups = true;
	if (add)
		n->groups |= BIT(group - 1);
	else
		n->groups &= ~BIT(group - 1);
	spin_unlock(&netlink_lock);
	return 0;
}

static int setsockopt(struct socket *s, int level, int name, const void *value, u32 len)
{
	struct netlink_peer *n = netlink_of(s);
	u32 v = 0, flag = flag_of(name);

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (len >= sizeof(v))
		memcpy(&v, value, sizeof(v));
	if (name == NETLINK_ADD_MEMBERSHIP || name == NETLINK_DROP_MEMBERSHIP)
		return membership(n, v, name == NETLINK_ADD_MEMBERSHIP);
	if (!flag)
		return -ENOPROTOOPT;
	if (flag == NLF_LISTEN_ALL && !capable(CAP_NET_BROADCAST))
		return -EPERM;
	if (v)
		atomic_or(&n->flags, flag);
	else
		atomic_and(&n->flags, ~flag);
	if (flag == NLF_NO_ENOBUFS && v) {
		spin_lock(&n->queue_lock);
		n->congested = false;
		spin_unlock(&n->queue_lock);
		wake_up_poll(&s->waitq, EPOLLOUT);
	}
	return 0;
}

static int list_memberships(struct netlink_peer *n, void *value, u32 *len)
{
	u32 whole = ALIGN_UP((n->kernel->groups + 7) / 8, 4u);

	spin_lock(&netlink_lock);
	u64 groups = n->groups;

	whole = n->asked_groups ? whole : 0;
	spin_unlock(&netlink_lock);
	memcpy(value, &groups, MIN(*len & ~3u, whole));
	*len = whole;
	return 0;
}

static int getsockopt(struct socket *s, int level, int name, void *value, u32 *len)
{
	struct netlink_peer *n = netlink_of(s);
	u32 flag = flag_of(name);

	if (level != SOL_NETLINK)
		return -ENOPROTOOPT;
	if (name == NETLINK_LIST_MEMBERSHIPS)
		return list_memberships(n, value, len);
	if (!flag || flag == NLF_LISTEN_ALL)
		return -ENOPROTOOPT;
	if (*len < sizeof(int))
		return -EINVAL;
	int v = (atomic_load(&n->flags) & flag) != 0;

	memcpy(value, &v, sizeof(v));
	*len = sizeof(v);
	return 0;
}

/* ---- the family ---- */

static const struct socket_ops ops = {
	.release = release, .bind = bind, .connect = connect, .getname = getname, .poll = poll, .sendmsg = netlink_sendmsg,
	.recvmsg = netlink_recvmsg, .setsockopt = setsockopt, .getsockopt = getsockopt,
	.filters = true,
};

static int create(struct socket **out, u32 type, u32 protocol)
{
	const struct netlink_kernel *kernel = netlink_kernel_find(protocol);
	struct netlink_peer *n;

	if (type != SOCK_RAW && type != SOCK_DGRAM)
		return -ESOCKTNOSUPPORT;
	if (!kernel)
		return -EPROTONOSUPPORT;
	n = kzalloc(sizeof(*n), ALLOC_KERNEL);
	if (!n)
		return -ENOMEM;
	socket_init(&n->sock, &ops, AF_NETLINK, type, protocol);
	n->refs = 1;
	n->kernel = kernel;
	n->opener = cred_get(current_cred());
	spin_init(&n->queue_lock, RANK_NET_QUEUE);
	list_init(&n->queue);
	mutex_init(&n->dump_lock, RANK_SOCK);
	spin_lock(&netlink_lock);
	list_add_tail(&n->node, &netlink_socks[protocol]);
	spin_unlock(&netlink_lock);
	*out = &n->sock;
	return 0;
}

/* ---- /proc/net/netlink ---- */

enum { SHOWN_MAX = 1024 };

static void show_one(struct seq *s, const struct netlink_peer *n)
{
	seq_printf(s, "%016llx %-3u %-10u %08x %-8u %-8u %-5u %-8u %-8u %-8llu\n", 0ull, n->sock.protocol, n->portid, (u32)n->groups,
		   atomic_load(&n->rmem), 0u, READ_ONCE(n->dump) != NULL, atomic_load(&n->refs) + 1, atomic_load(&n->drops), n->sock.ino);
}

/* The text may sleep for memory, so the sockets are gathered first, with references. */
static void show(struct seq *s)
{
	struct netlink_peer **all = kvmalloc(SHOWN_MAX * sizeof(*all), ALLOC_KERNEL), *n;
	u32 count = 0;

	if (!all) {
		s->err = -ENOMEM;
		return;
	}
	seq_puts(s, "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n");
	spin_lock(&netlink_lock);
	for (u32 p = 0; p < NETLINK_PROTOCOLS; p++) {
		list_for_each_entry(n, &netlink_socks[p], node) {
			if (count == SHOWN_MAX)
				break;
			atomic_inc(&n->refs);
			all[count++] = n;
		}
	}
	spin_unlock(&netlink_lock);
	for (u32 i = 0; i < count; i++) {
		show_one(s, all[i]);
		netlink_put(all[i]);
	}
	kvfree(all);
}

void netlink_init(void)
{
	static const struct socket_family family = { .family = AF_NETLINK, .create = create };
	static const struct netlink_kernel user = { .protocol = NETLINK_USERSOCK, .groups = 32, .flags = NETLINK_ANYBODY_SENDS };

	spin_init(&netlink_lock, RANK_SOCK_SPIN);
	for (u32 i = 0; i < NETLINK_PROTOCOLS; i++)
		list_init(&netlink_socks[i]);
	netlink_register(&user);
	netlink_kernel_init();
	sock_register(&family);
	proc_add("net/netlink", 0444, show);
}
