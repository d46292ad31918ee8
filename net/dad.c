/*
 * Duplicate address detection: an address is tentative until one question stayed unanswered for a second.  ndp.h is the contract.
 *
 * Departure: the question goes out at once, not after a random delay.
 *
 * Source: RFC 4862, section 5.4.
 */
#include "net/internal.h"
#include "net/ndp.h"

enum { QUESTIONS = 1 };
#define ANSWER_NS NS_PER_SEC

struct spinlock ndp_lock = SPINLOCK_INIT(RANK_NET_CONFIG);

static void timer_fn(struct net_timer *t)
{
	struct ip6_address *a = container_of(t, struct ip6_address, timer);

	spin_lock(&ndp_lock);
	bool ask = a->probes < QUESTIONS && !(a->flags & IFA_F_DADFAILED);

	if (ask) {
		a->probes++;
		net_timer_arm(t, plat_mono_ns() + ANSWER_NS);
	}
	bool done = !ask && !(a->flags & IFA_F_DADFAILED);

	if (done)
		atomic_and(&a->flags, ~(u32)IFA_F_TENTATIVE);
	spin_unlock(&ndp_lock);
	if (ask)
		dad_ask(a);
	if (!done)
		return;
	ip_route_changed();
	if (ip6_is_link_local(&a->local))
		ra_ask_begin(a->dev);
}

void ndp_address_init(struct ip6_address *a)
{
	net_timer_init(&a->timer, timer_fn);
	if (!(a->dev->flags & (IFF_LOOPBACK | IFF_NOARP)) && !(a->flags & IFA_F_NODAD))
		a->flags |= IFA_F_TENTATIVE;
}

void ndp_address_begin(struct ip6_address *a)
{
	spin_lock(&ndp_lock);
	if (a->flags & IFA_F_TENTATIVE)
		net_timer_arm(&a->timer, plat_mono_ns());
	spin_unlock(&ndp_lock);
}

void ndp_address_release(struct ip6_address *a, void (*done)(struct net_timer *t))
{
	spin_lock(&ndp_lock);
	net_timer_release(&a->timer, done);
	spin_unlock(&ndp_lock);
}
