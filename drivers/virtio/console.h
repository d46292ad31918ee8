/*
 * virtio-console between its files: a device has ports; a port is a byte stream in both directions.
 *
 *	console.c   the device, its control queue: ports come, get names, are opened and closed by the host
 *	port.c      buffers and queues of one port
 *	vport.c     /dev/vportNpM: a port as a character device
 *	hvc.c       a port that is a console, as a terminal /dev/hvcN
 *
 * Locks: the queues' own (RANK_QUEUE) guard the buffers; the flags of a port are atomic words.  A reader takes
 * port->read_lock (RANK_TTY_READ, since it copies to user memory).  hvc's callbacks run inside the tty's lock.
 *
 * Source: VIRTIO 1.2, section 5.3.
 */
#ifndef DRIVERS_VIRTIO_CONSOLE_H
#define DRIVERS_VIRTIO_CONSOLE_H

#include <linux/virtio_console.h>
#include "base/atomic.h"
#include "base/list.h"
#include "drivers/virtio/virtio.h"
#include "kern/mutex.h"
#include "kern/wait.h"
#include "kern/work.h"
#include "vfs/device.h"

struct console;
struct tty;

enum {
	PORTS_MAX = 64,			/* of one device; a device that has more keeps the rest */
	PORT_RX_BUFFERS = 8,		/* pages that wait for input, of each open port */
	PORT_TX_BYTES_MAX = 65536,	/* output under way; more makes the writer wait */
	PORT_CHUNK_BYTES = 16384 - 64,	/* of output, in one buffer */
};

/* Input that has arrived, or room for it; output under way. */
struct port_buffer {
	struct list_head node;		/* on port->arrived */
	u32 len, taken;			/* bytes in it; of these read */
	u8 *data;
};

/* port->state */
enum {
	PORT_HOST_OPEN = 1,		/* the other side is connected */
	PORT_GUEST_OPEN = 2,		/* someone here has it open */
	PORT_GONE = 4,			/* the host took it away */
	PORT_RX_FILLED = 8,		/* input buffers have been handed over */
	PORT_INPUT_BUSY = 16,		/* console: someone passes input to the terminal */
	PORT_INPUT_MORE = 32,		/* console: and should look again */
};

/* Locks: a atomic · r rx->lock · t tx->lock · I immutable once published · w the control work only */
struct port {
	struct console *console;	/* [I] */
	u32 id;				/* [I] number within the device */
	u32 state;			/* [a] PORT_* */
	struct virtqueue *rx, *tx;	/* [I] */
	struct list_head arrived;	/* [r] */
	u32 tx_bytes;			/* [t] under way; readable without */
	struct mutex read_lock;
	struct waitq wait;		/* readers, writers, poll */
	char *name;			/* [a] as the host gave it, or NULL; set once */
	char node_name[24];		/* [I] "vport0p1" */
	struct devnode devnode;		/* [I] */
	struct tty *tty;		/* [a] set once: the port is a console */
	struct work input_work;		/* passes input to the terminal */
};

/* Locks: I immutable after probe · w the control work · c ctrl_tx->lock */
struct console {
	struct virtio_device *dev;		/* [I] */
	u32 index;				/* [I] N of vportNpM */
	bool multiport;				/* [I] */
	bool emergency;				/* [I] the emergency-write register works */
	u32 port_count;				/* [I] that can exist */
	struct port *ports[PORTS_MAX];		/* [w], readers acquire; a port stays once it is there */
	struct virtqueue *ctrl_rx, *ctrl_tx;	/* [I] */
	struct waitq ctrl_room;			/* for room in ctrl_tx */
	struct work ctrl_work;			/* handles the host's messages */
	struct work config_work;		/* the window's size has changed */
};

static inline bool port_has(const struct port *p, u32 state) { return atomic_load_acquire(&p->state) & state; }

/** console_send - a control message to the host. Context: thread. */
void console_send(struct console *c, u32 port_id, u16 event, u16 value);

/* port.c */

/** port_init - queues and state of a new port. */
void port_init(struct port *p, struct console *c, u32 id);
/** port_fill - give the device room for input, the first time that it is called. Return: 0, -ENOMEM */
MUST_CHECK int port_fill(struct port *p);
/** port_discard - forget input that nobody read. */
void port_discard(struct port *p);
/** port_front - the first buffer with input, or NULL; it stays until port_recycle. One reader at a time. */
struct port_buffer *port_front(struct port *p);
/** port_recycle - the first buffer has been read: back to the device. */
void port_recycle(struct port *p);
bool port_has_input(struct port *p);
/** port_send - queue a copy of up to PORT_CHUNK_BYTES. Return: 0, -ENOMEM, -ENOSPC (wait for port_has_room), -EIO. Context: thread, or any with interrupts off */
MUST_CHECK int port_send(struct port *p, const void *data, u32 len);
bool port_has_room(struct port *p);
void port_rx_done(struct virtqueue *vq);	/* the queues' callbacks; driver_data is the port */
void port_tx_done(struct virtqueue *vq);

/* vport.c */
void vport_init(void);
void vport_add(struct port *p);			/* make the device node */

/* hvc.c */
void hvc_init(void);
void hvc_add(struct port *p);			/* the port is a console: make the terminal */
void hvc_input(struct port *p);			/* input has arrived. Interrupt context */
void hvc_output_room(struct port *p);		/* output has been taken. Interrupt context */
void hvc_resize(struct port *p, u16 rows, u16 cols);

#endif
