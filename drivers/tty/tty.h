/*
 * Terminals: the core between a driver that moves bytes (serial, virtio console, pty) and programs.
 *
 *      driver --tty_receive()--> rx ring --work--> line discipline --> read(2)
 *      driver <--tty_tx_take()-- tx ring <--OPOST, echo-- line discipline <-- write(2)
 *
 * Both rings belong to the core.  A driver is told by ops->start that there are bytes to send and pulls them, now or from
 * its interrupt; it hands in what arrived by tty_receive and calls tty_tx_wake after it took bytes outside start.
 *
 * Order at start-up: tty_init(); tty_driver_register() for each driver; tty_register_device() for each line found.
 * Lines are never unregistered, but for ptys (pty.c), which are no lines of a driver's.
 *
 * Locks: tty->lock is a spin lock of rank RANK_TTY, interrupts off; drivers' own locks nest inside it (RANK_QUEUE).
 */
#ifndef DRIVERS_TTY_TTY_H
#define DRIVERS_TTY_TTY_H

#include <linux/termios.h>
#include "base/list.h"
#include "base/ring.h"
#include "base/types.h"
#include "drivers/tty/ldisc.h"
#include "kern/lock.h"
#include "kern/mutex.h"
#include "kern/wait.h"
#include "kern/work.h"
#include "vfs/device.h"
#include "vfs/tty_job.h"

struct file;
struct tty;
struct tty_driver;

/* All optional but start.  Those marked L are called with tty->lock held: no sleeping. */
struct tty_ops {
	int (*open)(struct tty *t);		/* first open: 0 or -errno. Sleeps */
	void (*close)(struct tty *t);		/* last close; output has been drained or given up. Sleeps */
	void (*start)(struct tty *t);		/* L: there is output, and it is not stopped: pull it by tty_tx_take_locked */
	void (*unthrottle)(struct tty *t);	/* L: tty_receive took less than it was offered; now there is room again */
	void (*set_termios)(struct tty *t);	/* t->ld.termios has changed: speed, size, parity. Sleeps */
	void (*send_break)(struct tty *t, bool on);
	u32 (*tx_pending)(struct tty *t);	/* L: bytes taken but not yet sent */
	u32 (*modem_get)(struct tty *t);	/* TIOCM_* */
	void (*modem_set)(struct tty *t, u32 set, u32 clear);
	s64 (*ioctl)(struct tty *t, u32 cmd, u64 arg);	/* what the core does not know; -ENOTTY: not this either */
	void (*packet)(struct tty *t, u8 bits);	/* L: TIOCPKT_* happened (pty masters in packet mode) */
	void (*freed)(struct tty *t);		/* the last reference went: free it (ptys) */
};

struct tty_driver {
	const char *name;		/* "ttyS", "hvc": node names are this and the index */
	const char *proc_name;		/* in /proc/devices: "ttyS" or "hvc" */
	u32 major, minor_first;
	u32 count;			/* lines at most, up to TTY_LINES_MAX */
	const struct tty_ops *ops;
	u32 cflag;			/* initial c_cflag; 0: B9600 | CS8 | CREAD | HUPCL */
	struct tty *ttys[16];		/* [device lock] by index */
	struct chrdev chrdev;
	struct list_head node;
};

enum { TTY_LINES_MAX = 16, TTY_RX_BYTES = 4096, TTY_TX_BYTES = 4096 };

/* tty->flags */
enum {
	TTY_EXCLUSIVE = 1,		/* TIOCEXCL */
	TTY_RX_SHORT = 2,		/* the driver was told to wait: call unthrottle when there is room */
	TTY_IS_PTY = 4,
	TTY_PEER_CLOSED = 8,		/* pty: the master is gone: reads and writes give EIO */
	TTY_LOCKED = 16,		/* pty: not yet unlocked by TIOCSPTLCK */
};

/* What an open file of a terminal holds; f->private. */
struct tty_file {
	struct tty *tty;
	u32 generation;			/* [I] of the tty when it was opened; another now: it was hung up */
	bool is_console;		/* [I] opened as /dev/console: no job control, and a hang-up passes it by */
};

/* Locks: t lock · a atomic · o open_lock · I immutable */
struct tty {
	u32 refs;			/* [a] open files, controlling sessions, the driver */
	u32 flags;			/* [t] TTY_* */
	u32 opens;			/* [o] open files */
	u32 generation;			/* [t] hang-ups so far: files opened before one are dead */
	const struct tty_ops *ops;	/* [I] */
	struct tty_driver *driver;	/* [I] NULL: pty */
	void *driver_data;		/* [I] */
	u64 rdev;			/* [I] */
	u32 index;			/* [I] */
	char name[16];			/* [I] "ttyS0", "pts/3" */
	struct spinlock lock;		/* RANK_TTY */
	struct ldisc ld;		/* [t] termios, edited line, what can be read */
	struct ring rx;			/* [t] arrived, not yet seen by ld */
	struct ring tx;			/* [t] to be sent */
	struct winsize winsize;		/* [t] */
	u32 session, pgrp;		/* [t] 0: none */
	struct waitq read_wait, write_wait;
	struct mutex read_lock;		/* one reader at a time */
	struct mutex write_lock;	/* keeps writes whole */
	struct mutex open_lock;
	struct work rx_work;
	struct work hangup_work;
	struct devnode devnode;		/* [I] */
	u8 rx_data[TTY_RX_BYTES];
	u8 tx_data[TTY_TX_BYTES];
};

void tty_init(void);

/* ---- for drivers ---- */

/** tty_driver_register - claim its numbers; @d is kept. */
void tty_driver_register(struct tty_driver *d);
/**
 * tty_register_device - a line exists: /dev/NAMEindex appears, opening it works
 * @driver_data: t->driver_data
 * Return: it, or ERR_PTR(-EINVAL: index not below driver->count, -EEXIST, -ENOMEM). Context: thread or boot
 */
struct tty *tty_register_device(struct tty_driver *d, u32 index, void *driver_data);
/**
 * tty_receive - bytes have arrived
 * Context: any; t->lock and locks above its rank not held.
 * Return: how many were taken.  Less than @n: keep the rest until ops->unthrottle, or drop it.
 */
u32 tty_receive(struct tty *t, const void *data, u32 n);
u32 tty_receive_room(struct tty *t);
void tty_receive_break(struct tty *t);
/** tty_tx_take - pull up to @n bytes of output; 0 while output is stopped (^S). Wakes writers. _locked: from ops->start. */
u32 tty_tx_take(struct tty *t, void *buf, u32 n);
u32 tty_tx_take_locked(struct tty *t, void *buf, u32 n);
/** tty_hangup - the line is gone: programs get SIGHUP and EOF. Context: any. */
void tty_hangup(struct tty *t);

/**
 * tty_console_add - a line that console= may name; /dev/console is the last of those named, or else the first added
 * @write: polled output for the kernel log, any context, or NULL; registered with the log when the line becomes the console
 */
void tty_console_add(struct tty *t, void (*write)(const char *buf, size_t n));

static inline u64 tty_lock(struct tty *t) { return spin_lock_irqsave(&t->lock); }
static inline void tty_unlock(struct tty *t, u64 irq) { spin_unlock_irqrestore(&t->lock, irq); }

/* ---- for init/ ---- */

/** tty_register_jobs - what task/ knows of processes. Until then nobody has a controlling terminal. */
void tty_register_jobs(const struct tty_job_ops *ops);
extern const struct tty_task_ops tty_task_ops;

/* ---- between the files of drivers/tty ---- */

extern const struct file_ops tty_file_ops;
const struct tty_job_ops *tty_jobs(void);	/* never NULL: until task/ registers, answers of a machine without processes */
void tty_get(struct tty *t);
void tty_put(struct tty *t);
/** tty_setup - the fields of a zeroed tty other than its name and numbers; one reference. */
void tty_setup(struct tty *t, const struct tty_ops *ops, u32 cflag);
/** tty_open_line - make @f an open file of @t (it takes its own reference): counts, controlling terminal. 0 or -errno */
int tty_open_line(struct tty *t, struct file *f, bool is_console);
/** tty_of_file - NULL: not a terminal's line. */
struct tty_file *tty_of_file(struct file *f);
/** tty_feed - pass rx to the line discipline, deliver signals, wake readers. Context: thread. */
void tty_feed(struct tty *t);
/** tty_deliver - send the signals and wake whom @e says; lock not held. */
void tty_deliver(struct tty *t, const struct ldisc_events *e);
/** tty_start_output - tell the driver if there is something that it may send. Lock held. */
void tty_start_output(struct tty *t);
/** tty_drain - wait until all output is sent. 0, -ERESTARTSYS */
MUST_CHECK int tty_drain(struct tty *t);
/** tty_drain_until - the same, deaf to signals. Return: false if time ran out */
bool tty_drain_until(struct tty *t, u64 deadline_ns);
/** tty_console_expect - lines whose names begin with @prefix will be announced soon: while drivers start. */
void tty_console_expect(const char *prefix);
/** tty_console_wait - wait, a second at most, for an expected line that a console= argument names. Context: thread */
void tty_console_wait(void);
/** tty_drain_console - wait, a second at most, until what programs wrote to the console is sent: before the machine ends. */
void tty_drain_console(void);
void tty_flush(struct tty *t, bool input, bool output);
bool tty_file_dead(const struct tty_file *tf);
void tty_file_release(struct file *f);

/* ioctl.c, termios.c: -ENOTTY: not one of theirs */
s64 tty_ioctl(struct file *f, u32 cmd, u64 arg);
s64 tty_mode_ioctl(struct tty *t, u32 cmd, u64 arg);

/* jobctl.c */
/** tty_check_change - may the current process change settings (SIGTTOU) or read (SIGTTIN)? 0, -ERESTARTSYS: signalled, -EIO: orphaned */
MUST_CHECK int tty_check_change(struct tty *t, int sig);
/** tty_job_ioctl - @f: the open file, for TIOCSCTTY's permission; NULL: from a pty master */
s64 tty_job_ioctl(struct tty *t, struct file *f, u32 cmd, u64 arg);
void tty_adopt_on_open(struct tty *t, struct file *f);
void tty_hangup_now(struct tty *t);		/* Context: thread */
void tty_release_session(struct tty *t);	/* the last close: nobody's controlling terminal any more */
void tty_signal_pgrp(struct tty *t, int sig);	/* the foreground group */
s64 tty_set_winsize(struct tty *t, const struct winsize *w);

/* console.c: /dev/console and /dev/tty */
void tty_console_init(void);

#endif
