/*
 * What carries 9P messages: the interface between this file system and a driver.
 *
 * A driver registers its transport; a mount opens a connection by the name that it was given (virtio: the mount tag).
 * Messages are exchanged whole: pieces of memory that the server reads, and pieces that it writes its reply to.
 * Several exchanges may be under way; they end in any order.
 */
#ifndef FS_9P_TRANSPORT_H
#define FS_9P_TRANSPORT_H

#include "base/list.h"
#include "base/types.h"

struct p9_seg {
	paddr_t addr;
	u32 len;
};

struct p9_exchange {
	const struct p9_seg *segs;	/* out_count pieces of the request, then in_count for the reply; stay as they are until done */
	unsigned out_count, in_count;
	/*
	 * done: called once.  @err 0: the server wrote @reply_bytes; else the exchange failed and memory is ours again.
	 * Context: any; none of the transport's locks held.
	 */
	void (*done)(struct p9_exchange *x, int err, u32 reply_bytes);
	struct list_head node;		/* the transport's, until done */
};

struct p9_transport {
	const char *name;		/* as in the option trans= */
	/* open: Return: a connection, or ERR_PTR(-ENOENT: no such name, -EBUSY: mounted already). Thread */
	void *(*open)(const char *source);
	void (*close)(void *conn);	/* no exchange is under way. Thread */
	unsigned (*segs_max)(void *conn);	/* pieces in one exchange, both directions together */
	/* submit: start an exchange, or keep it until there is room. Any context */
	void (*submit)(void *conn, struct p9_exchange *x);
	struct list_head node;
};

void p9_transport_register(struct p9_transport *t);
/** p9_transport_find - by name; NULL: there is none. */
struct p9_transport *p9_transport_find(const char *name);

/** p9_init - register the file system. Context: boot */
void p9_init(void);

#endif
