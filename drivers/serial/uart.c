/*
 * 16550 UART, interrupt driven, with FIFO.
 *
 * Input and output of programs go through interrupts; the kernel log writes by polling, since it must work anywhere.
 *
 * Locks: the registers are touched with tty->lock held, but for the log: it may print while that lock is held on the
 * same CPU, so it takes only `busy`, a word without a rank, and goes on without it after a while: at worst a character
 * of a program's output is lost while the kernel has something to say.
 *
 * A line whose interrupt cannot be had is written by polling and is never readable.
 *
 * Source: PC16550D data sheet, National Semiconductor, 1995; <linux/serial_reg.h>.
 */
#include <linux/errno.h>
#include <linux/serial_reg.h>
#include "base/printf.h"
#include "drivers/serial/serial.h"
#include "drivers/tty/tty.h"
#include "kern/printk.h"

enum { SERIAL_MAJOR = 4, SERIAL_MINOR = 64, PORTS = 4, FIFO_BYTES = 16, CLOCK_HZ = 115200, SPINS_MAX = 100000, IRQ_ROUNDS_MAX = 256 };

/* Locks: t tty->lock · a atomic · I immutable */
struct uart {
	u16 base;		/* [I] I/O port */
	u8 gsi;			/* [I] */
	bool has_irq;		/* [I] */
	u8 ier;			/* [t] what the interrupt enable register holds */
	u8 mcr;			/* [t] */
	u8 lcr;			/* [t] */
	u32 busy;		/* [a] someone fills the FIFO */
	struct tty *tty;	/* [I] */
};

static struct uart uarts[PORTS] = {
	{ .base = 0x3f8, .gsi = 4 },
	{ .base = 0x2f8, .gsi = 3 },
	{ .base = 0x3e8, .gsi = 4 },
	{ .base = 0x2e8, .gsi = 3 },
};

static struct uart *log_uart;

static u8 reg_read(struct uart *u, u8 reg)
{
	return plat_port_in8(u->base + reg);
}

static void reg_write(struct uart *u, u8 reg, u8 v)
{
	plat_port_out8(u->base + reg, v);
}

static void set_ier(struct uart *u, u8 ier)
{
	if (u->ier == ier)
		return;
	u->ier = ier;
	reg_write(u, UART_IER, ier);
}

/* ---- output ---- */

static bool busy_take(struct uart *u)
{
	for (u32 i = 0; i < SPINS_MAX; i++) {
		if (xchg(&u->busy, 1u) == 0)
			return true;
		plat_cpu_relax();
	}
	return false;
}

static void busy_drop(struct uart *u)
{
	atomic_store_release(&u->busy, 0u);
}

static bool wait_empty(struct uart *u)
{
	for (u32 i = 0; i < SPINS_MAX; i++) {
		if (reg_read(u, UART_LSR) & UART_LSR_THRE)
			return true;
		plat_cpu_relax();
	}
	return false;
}

/* Fill the FIFO if it is empty. tty->lock held. Return: whether there may be more to send */
static bool fill_fifo(struct uart *u)
{
	u8 bytes[FIFO_BYTES];
	u32 n = 0;
	bool taken = busy_take(u);

	if (reg_read(u, UART_LSR) & UART_LSR_THRE) {
		n = tty_tx_take_locked(u->tty, bytes, sizeof(bytes));
		for (u32 i = 0; i < n; i++)
			reg_write(u, UART_TX, bytes[i]);
	} else {
		n = 1;
	}
	if (taken)
		busy_drop(u);
	return n != 0;
}

/* As long as the transmitter is empty at once (every emulated one is), no interrupt is needed for each FIFO. */
static void uart_start(struct tty *t)
{
	struct uart *u = t->driver_data;

	do {
		if (!u->has_irq)
			wait_empty(u);
		if (!fill_fifo(u)) {
			set_ier(u, u->ier & ~UART_IER_THRI);
			return;
		}
	} while (!u->has_irq || (reg_read(u, UART_LSR) & UART_LSR_THRE));
	set_ier(u, u->ier | UART_IER_THRI);
}

static u32 uart_tx_pending(struct tty *t)
{
	return !(reg_read(t->driver_data, UART_LSR) & UART_LSR_TEMT);
}

/* For the kernel log.  An empty FIFO takes 16 bytes without a look between. Any context */
static void log_write(const char *buf, size_t n)
{
	struct uart *u = log_uart;
	bool taken = busy_take(u);
	u32 room = 0;

	for (size_t i = 0; i < n; i++) {
		if (room < 2) {
			wait_empty(u);
			room = FIFO_BYTES;
		}
		if (buf[i] == '\n') {
			reg_write(u, UART_TX, '\r');
			room--;
		}
		reg_write(u, UART_TX, buf[i]);
		room--;
	}
	if (taken)
		busy_drop(u);
}

/* ---- input ---- */

/* Take what arrived; stops when the terminal has no room, with the receive interrupt off until unthrottle. */
static void receive(struct uart *u)
{
	struct tty *t = u->tty;

	for (u32 round = 0; round < IRQ_ROUNDS_MAX; round++) {
		u8 bytes[FIFO_BYTES];
		u32 room = tty_receive_room(t);
		u32 n = 0;
		u8 lsr = 0;

		while (n < MIN(room, (u32)sizeof(bytes)) && ((lsr = reg_read(u, UART_LSR)) & (UART_LSR_DR | UART_LSR_BI))) {
			u8 c = reg_read(u, UART_RX);

			if (lsr & UART_LSR_BI)
				break;
			bytes[n++] = c;
		}
		if (n)
			tty_receive(t, bytes, n);
		if (lsr & UART_LSR_BI)
			tty_receive_break(t);
		if (room == 0) {
			u64 irq = tty_lock(t);

			t->flags |= TTY_RX_SHORT;
			set_ier(u, u->ier & ~(UART_IER_RDI | UART_IER_RLSI));
			tty_unlock(t, irq);
			work_queue(&t->rx_work);
			return;
		}
		if (n == 0 && !(lsr & UART_LSR_BI))
			return;
	}
}

static void uart_unthrottle(struct tty *t)
{
	struct uart *u = t->driver_data;

	set_ier(u, u->ier | UART_IER_RDI | UART_IER_RLSI);
}

/* The line is edge-triggered and may be shared by two ports: look until nothing is pending. */
static void uart_interrupt(void *arg)
{
	struct uart *u = arg;

	for (u32 round = 0; round < IRQ_ROUNDS_MAX; round++) {
		u8 iir = reg_read(u, UART_IIR);
		u64 irq;

		if (iir & UART_IIR_NO_INT)
			return;
		switch (iir & UART_IIR_ID) {
		case UART_IIR_MSI:
			reg_read(u, UART_MSR);
			break;
		case UART_IIR_THRI:
			irq = tty_lock(u->tty);
			uart_start(u->tty);
			tty_unlock(u->tty, irq);
			break;
		default:
			receive(u);
			break;
		}
	}
}

/* ---- settings ---- */

static const u8 word_length[] = { UART_LCR_WLEN5, UART_LCR_WLEN6, UART_LCR_WLEN7, UART_LCR_WLEN8 };

static void uart_set_termios(struct tty *t)
{
	struct uart *u = t->driver_data;
	u64 irq = tty_lock(t);
	u32 cflag = t->ld.termios.c_cflag;
	u32 baud = t->ld.termios.c_ospeed;
	u32 divisor = baud ? CLOCK_HZ / MIN(baud, (u32)CLOCK_HZ) : 0;

	u->lcr = word_length[(cflag & CSIZE) >> 4];
	if (cflag & CSTOPB)
		u->lcr |= UART_LCR_STOP;
	if (cflag & PARENB)
		u->lcr |= UART_LCR_PARITY | (cflag & PARODD ? 0 : UART_LCR_EPAR);
	if (divisor) {
		reg_write(u, UART_LCR, u->lcr | UART_LCR_DLAB);
		reg_write(u, UART_DLL, divisor & 0xff);
		reg_write(u, UART_DLM, divisor >> 8);
	}
	reg_write(u, UART_LCR, u->lcr);
	u->mcr = UART_MCR_OUT2 | (baud ? UART_MCR_DTR | UART_MCR_RTS : 0);	/* speed 0 hangs the modem up */
	reg_write(u, UART_MCR, u->mcr);
	tty_unlock(t, irq);
}

static void uart_send_break(struct tty *t, bool on)
{
	struct uart *u = t->driver_data;
	u64 irq = tty_lock(t);

	u->lcr = on ? u->lcr | UART_LCR_SBC : u->lcr & ~UART_LCR_SBC;
	reg_write(u, UART_LCR, u->lcr);
	tty_unlock(t, irq);
}

static const struct {
	u32 tiocm;
	u8 mcr, msr;
} modem_bits[] = {
	{ TIOCM_DTR, UART_MCR_DTR, 0 }, { TIOCM_RTS, UART_MCR_RTS, 0 }, { TIOCM_OUT1, UART_MCR_OUT1, 0 },
	{ TIOCM_LOOP, UART_MCR_LOOP, 0 }, { TIOCM_CAR, 0, UART_MSR_DCD }, { TIOCM_RNG, 0, UART_MSR_RI },
	{ TIOCM_DSR, 0, UART_MSR_DSR }, { TIOCM_CTS, 0, UART_MSR_CTS },
};

static u32 uart_modem_get(struct tty *t)
{
	struct uart *u = t->driver_data;
	u8 msr = reg_read(u, UART_MSR);
	u32 bits = 0;

	for (size_t i = 0; i < ARRAY_SIZE(modem_bits); i++)
		if ((u->mcr & modem_bits[i].mcr) || (msr & modem_bits[i].msr))
			bits |= modem_bits[i].tiocm;
	return bits;
}

static void uart_modem_set(struct tty *t, u32 set, u32 clear)
{
	struct uart *u = t->driver_data;
	u64 irq = tty_lock(t);

	for (size_t i = 0; i < ARRAY_SIZE(modem_bits); i++) {
		if (clear & modem_bits[i].tiocm)
			u->mcr &= ~modem_bits[i].mcr;
		if (set & modem_bits[i].tiocm)
			u->mcr |= modem_bits[i].mcr;
	}
	reg_write(u, UART_MCR, u->mcr);
	tty_unlock(t, irq);
}

static int uart_open(struct tty *t)
{
	struct uart *u = t->driver_data;
	u64 irq;

	uart_set_termios(t);
	irq = tty_lock(t);
	if (u->has_irq)
		set_ier(u, u->ier | UART_IER_RDI | UART_IER_RLSI);
	tty_unlock(t, irq);
	return 0;
}

/* Output that is still there goes on being sent; input is refused. */
static void uart_close(struct tty *t)
{
	struct uart *u = t->driver_data;
	u64 irq = tty_lock(t);

	set_ier(u, u->ier & ~(UART_IER_RDI | UART_IER_RLSI));
	tty_unlock(t, irq);
}

static const struct tty_ops uart_ops = {
	.open = uart_open,
	.close = uart_close,
	.start = uart_start,
	.unthrottle = uart_unthrottle,
	.set_termios = uart_set_termios,
	.send_break = uart_send_break,
	.tx_pending = uart_tx_pending,
	.modem_get = uart_modem_get,
	.modem_set = uart_modem_set,
};

static struct tty_driver serial_driver = {
	.name = "ttyS",
	.proc_name = "ttyS",
	.major = SERIAL_MAJOR,
	.minor_first = SERIAL_MINOR,
	.count = PORTS,
	.ops = &uart_ops,
	.cflag = B9600 | CS8 | CREAD | HUPCL | CLOCAL,
};

/* ---- start-up ---- */

/* A UART is there if its interrupt enable and scratch registers hold what is written to them. */
static bool probe(struct uart *u)
{
	bool ok;

	reg_write(u, UART_LCR, UART_LCR_WLEN8);
	reg_write(u, UART_IER, 0);
	if (reg_read(u, UART_IER) != 0)
		return false;
	reg_write(u, UART_IER, 0x0f);
	ok = (reg_read(u, UART_IER) & 0x0f) == 0x0f;
	reg_write(u, UART_IER, 0);
	if (!ok)
		return false;
	reg_write(u, UART_SCR, 0xa5);
	return reg_read(u, UART_SCR) == 0xa5;
}

static void setup(struct uart *u, u32 index)
{
	reg_write(u, UART_FCR, UART_FCR_ENABLE_FIFO | UART_FCR_CLEAR_RCVR | UART_FCR_CLEAR_XMIT | UART_FCR_TRIGGER_8);
	u->tty = tty_register_device(&serial_driver, index, u);
	if (IS_ERR(u->tty)) {
		pr_err("ttyS%u: no memory\n", index);
		return;
	}
	u->has_irq = plat_irq_attach(u->gsi, false, uart_interrupt, u) == 0;
	u->mcr = UART_MCR_OUT2 | UART_MCR_DTR | UART_MCR_RTS;
	reg_write(u, UART_MCR, u->mcr);
	u->lcr = UART_LCR_WLEN8;
	pr_info("ttyS%u at I/O 0x%x (irq = %u) is a 16550A%s\n", index, u->base, u->gsi, u->has_irq ? "" : ", polled");
	if (!log_uart)
		log_uart = u;
}

void serial_init(void)
{
	tty_driver_register(&serial_driver);
	for (u32 i = 0; i < PORTS; i++) {
		if (!probe(&uarts[i]))
			continue;
		setup(&uarts[i], i);
		if (!IS_ERR(uarts[i].tty))
			tty_console_add(uarts[i].tty, log_uart == &uarts[i] ? log_write : NULL);
	}
}
