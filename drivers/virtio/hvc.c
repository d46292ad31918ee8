/*
 * Console ports as terminals: /dev/hvcN.
 *
 * The kernel log goes to such a console byte by byte through the device's emergency-write register, where it has
 * one: that needs no queue and no lock, so it works in any context, in a panic too.
 *
 * Locks: tty->lock (RANK_TTY) outside the queues' locks.  Input is handed to the terminal from the interrupt; what it
 * refuses stays in port->arrived until unthrottle, from where a work item goes on (the tty's lock is held there).
 */
#include <linux/errno.h>
#include "base/string.h"
#include "drivers/tty/tty.h"
#include "drivers/virtio/console.h"
#include "kern/printk.h"
#include "kern/slab.h"

enum { HVC_MAJOR = 229, PIECE_BYTES = 512 };

static struct console *log_console;	/* set once: where emergency writes go */
static u32 hvc_count;			/* [control work] */

/* Move output from the terminal into the queue while there is room for a piece. */
static void pump(struct port *p, u32 (*take)(struct tty *t, void *buf, u32 n))
{
	struct tty *t = atomic_load_acquire(&p->tty);
	u8 piece[PIECE_BYTES];
	u32 n;

	while (port_has_room(p) && (n = take(t, piece, sizeof(piece)))) {
		if (port_send(p, piece, n))
			return;		/* no memory: this piece of output is lost */
	}
}

static void hvc_start(struct tty *t)
{
	pump(t->driver_data, tty_tx_take_locked);
}

void hvc_output_room(struct port *p)
{
	pump(p, tty_tx_take);
}

static u32 hvc_tx_pending(struct tty *t)
{
	return READ_ONCE(((struct port *)t->driver_data)->tx_bytes);
}

/*
 * The interrupt and the work item may run at the same time on two CPUs: whoever sets PORT_INPUT_BUSY passes input on, and
 * the other leaves a note, PORT_INPUT_MORE, for it to look again.
 */
static void input_pass(struct port *p)
{
	struct tty *t = atomic_load_acquire(&p->tty);
	struct port_buffer *b;

	while ((b = port_front(p))) {
		b->taken += tty_receive(t, b->data + b->taken, b->len - b->taken);
		if (b->taken < b->len)
			return;
		port_recycle(p);
	}
}

void hvc_input(struct port *p)
{
	if (atomic_fetch_or(&p->state, PORT_INPUT_MORE | PORT_INPUT_BUSY) & PORT_INPUT_BUSY)
		return;
	for (;;) {
		u32 old;

		atomic_and(&p->state, ~(u32)PORT_INPUT_MORE);
		input_pass(p);
		/* Done, unless a note was left in the meantime. */
		old = atomic_load(&p->state);
		while (!(old & PORT_INPUT_MORE)) {
			if (try_cmpxchg(&p->state, &old, old & ~(u32)PORT_INPUT_BUSY))
				return;
		}
	}
}

static void input_again(struct work *w)
{
	hvc_input(container_of(w, struct port, input_work));
}

static void hvc_unthrottle(struct tty *t)
{
	work_queue(&((struct port *)t->driver_data)->input_work);
}

static const struct tty_ops hvc_ops = {
	.start = hvc_start,
	.unthrottle = hvc_unthrottle,
	.tx_pending = hvc_tx_pending,
};

static struct tty_driver hvc_driver = {
	.name = "hvc", .proc_name = "hvc", .major = HVC_MAJOR, .minor_first = 0, .count = 8, .ops = &hvc_ops,
};

static void log_write(const char *buf, size_t n)
{
	struct console *c = log_console;

	for (size_t i = 0; i < n; i++) {
		u32 word = (u8)buf[i];

		c->dev->transport->config_write(c->dev, offsetof(struct virtio_console_config, emerg_wr), &word, sizeof(word));
	}
}

void hvc_add(struct port *p)
{
	struct console *c = p->console;
	bool log = c->emergency && p->id == 0 && !log_console;
	struct tty *t;

	if (atomic_load_acquire(&p->tty))
		return;
	work_init(&p->input_work, input_again);
	t = tty_register_device(&hvc_driver, hvc_count, p);
	if (IS_ERR(t)) {
		pr_warn("%s: no terminal for port %u: error %ld", c->dev->name, p->id, -PTR_ERR(t));
		return;
	}
	hvc_count++;
	atomic_or(&p->state, PORT_GUEST_OPEN);
	atomic_store_release(&p->tty, t);
	if (port_fill(p))
		pr_warn("%s: no memory for input of port %u", c->dev->name, p->id);
	if (log)
		log_console = c;
	tty_console_add(t, log ? log_write : NULL);
	if (c->multiport)
		console_send(c, p->id, VIRTIO_CONSOLE_PORT_OPEN, 1);
}

void hvc_resize(struct port *p, u16 rows, u16 cols)
{
	struct tty *t = atomic_load_acquire(&p->tty);
	struct winsize size = { .ws_row = rows, .ws_col = cols };

	if (t)
		tty_set_winsize(t, &size);
}

void hvc_init(void)
{
	tty_driver_register(&hvc_driver);
}
