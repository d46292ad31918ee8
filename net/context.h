/*
 * Net context: where packets are processed.
 *
 * Interrupt handlers and timers never touch packets.  They queue something (a device to be polled, a timer that went off, deferred work) on
 * their CPU's list, and it is run in thread context, with interrupts on and all locks of net/ plain spin locks.  Who runs it:
 *
 *  - net_leave(): whoever sends brackets that with net_enter() and net_leave(); the outermost net_leave() of a CPU runs what has come up
 *    in between, so that a packet over loopback is received on the sender's own stack, without a switch of threads;
 *  - else the CPU's own kernel thread, net/N.
 *
 * Why a thread, and not the end of the interrupt: the kernel is not preempted, so an interrupt may come while the interrupted thread holds any
 * spin lock of net/; running there would need all of them to be taken with interrupts off.  A wake-up is a few microseconds, once a batch.
 *
 * Between net_enter() and its net_leave(), and in net context, nothing may sleep.  The calls nest.  At the outermost net_leave() no lock of
 * a rank from RANK_SPIN on may be held: received packets take socket locks.  Sleeping locks may be held if no receive path takes them (none does).
 *
 * A budget bounds each run: NET_BUDGET packets, or 2 ms; the rest is left to net/N, which yields to other threads of the CPU.
 *
 * Contexts: of net_timer_arm, net_timer_cancel, net_defer, net_poll_schedule: any, interrupts too.
 */
#ifndef NET_CONTEXT_H
#define NET_CONTEXT_H

#include "base/list.h"
#include "kern/rcu.h"
#include "kern/timer.h"

struct gro;
struct packet;

enum { NET_BUDGET = 300, NET_POLL_WEIGHT = 64 };

void net_enter(void);
void net_leave(void);

/* ---- a function to be called soon, in net context, no lock held, on the CPU that asked; once however often asked ---- */
struct net_work {
	struct list_head node;
	void (*fn)(struct net_work *w);
	u32 pending;				/* [a] */
};

static inline void net_work_init(struct net_work *w, void (*fn)(struct net_work *w))
{
	list_init(&w->node);
	w->fn = fn;
	w->pending = 0;
}

/** net_defer - Return: false: it was pending already */
bool net_defer(struct net_work *w);

/* ---- timers whose function runs in net context.  It may run once after a cancel that came too late: it checks its own state ---- */
struct net_timer {
	struct timer timer;
	struct net_work work;
	void (*fn)(struct net_timer *t);
	void (*done)(struct net_timer *t);	/* net_timer_release's */
	u32 state;				/* [a] enum in context.c */
	struct rcu_head rcu;
};

void net_timer_init(struct net_timer *t, void (*fn)(struct net_timer *t));
/** net_timer_arm - call fn at @expires_ns (plat_mono_ns), replacing an earlier arming. */
void net_timer_arm(struct net_timer *t, u64 expires_ns);
/** net_timer_cancel - Return: whether it was armed and will not run. false: it was not armed, or runs, or will run once more. */
bool net_timer_cancel(struct net_timer *t);
/**
 * net_timer_release - cancel for good; when fn can no longer run, and after a grace period, @done(t) is called in thread context.
 * The caller holds the lock under which it arms the timer, or is the only one left.  Context: thread or net.
 */
void net_timer_release(struct net_timer *t, void (*done)(struct net_timer *t));

/* ---- devices that are polled (Linux's NAPI) ---- */
struct net_poll {
	struct list_head node;			/* the CPU's list */
	/* poll: take up to @budget packets. Return: how many; fewer than @budget: it ran dry and net_poll_complete() said true */
	u32 (*poll)(struct net_poll *np, u32 budget);
	u32 state;				/* [a] */
};

static inline void net_poll_init(struct net_poll *np, u32 (*poll)(struct net_poll *np, u32 budget))
{
	list_init(&np->node);
	np->poll = poll;
	np->state = 0;
}

/** net_poll_schedule - poll it soon on this CPU. Return: false: it is scheduled already */
bool net_poll_schedule(struct net_poll *np);
/** net_poll_complete - called by poll when it ran dry. Return: false: it was scheduled again meanwhile; poll then returns its budget */
bool net_poll_complete(struct net_poll *np);

/** net_receive - a packet from a device to the protocols; dev, protocol, type are set, data at the network header. Net context. Consumes. */
void net_receive(struct packet *p);
/** net_receive_gro - the same from a polled device: TCP may be held until more comes (gro.h) or net_receive_flush(), which ends each poll. */
void net_receive_gro(struct gro *g, struct packet *p);
void net_receive_flush(struct gro *g);
/** net_backlog - the same from where net_receive may not be called (a device's xmit): it is processed soon on this CPU. Bounded: drops. Consumes. */
void net_backlog(struct packet *p);

/* statistics of /proc/net/softnet_stat */
struct net_cpu_stats { u64 processed, dropped, squeezed; };
void net_context_stats(u32 cpu, struct net_cpu_stats *out);

void net_context_init(void);

#endif
