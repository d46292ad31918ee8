/*
 * A link between a network card and a program: frames under way in both directions, each with the time when it
 * arrives, and the faults of models.h.  It lives in the host's memory.
 */
#ifndef PLAT_HOST_LINK_H
#define PLAT_HOST_LINK_H

#include "plat/host/host.h"
#include "plat/host/models.h"

enum { LINK_HEADER = 14 };	/* of Ethernet */
enum { LINK_KERNEL, LINK_FAR };	/* its ends */

struct link_frame {
	struct link_frame *next;	/* by due_ns, then in the order of sending */
	u64 due_ns;
	u32 len;
	u8 data[];
};

/** link_send - a frame from end @from to the other; copied. */
void link_send(struct auk_link *l, u32 from, const u8 *frame, u32 len);
/** link_arrived - take the first frame that has reached end @at by @now_ns; NULL: none. link_frame_free it. */
struct link_frame *link_arrived(struct auk_link *l, u32 at, u64 now_ns);
void link_frame_free(struct link_frame *f);
/** link_deliver_far - give the program at the far end what has arrived, if it has a function for it. */
void link_deliver_far(struct auk_link *l, u64 now_ns);
/** link_next_ns - when a frame is due next; @room: the card has a buffer for one. ~0: never */
u64 link_next_ns(const struct auk_link *l, bool room);
/** link_lies - whether the card has to lie about the frame at hand; *what: at random, which lie */
bool link_lies(struct auk_link *l, u64 *what);
bool link_is_down(const struct auk_link *l);
void link_attach(struct auk_link *l);

/* net.c */
/** host_net_link_changed - a link went up or down or has new frames: tell the cards on it. */
void host_net_link_changed(struct auk_link *l);

#endif
