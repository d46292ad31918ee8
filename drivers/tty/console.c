/*
 * /dev/console (5:1) and /dev/tty (5:0).
 *
 * The console is the last line that a console= argument names and a driver has; without such an argument, the first
 * one that a driver offers.  The kernel log goes there too.
 *
 * Some lines are announced by their device a moment after the drivers have started (ports of a virtio console).  Who opens the console for the
 * first program waits for one that an argument names.
 */
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "drivers/tty/tty.h"
#include "kern/printk.h"
#include "vfs/file.h"
#include "vfs/inode.h"

enum { TTYAUX_MAJOR_NUMBER = 5, MINOR_TTY = 0, MINOR_CONSOLE = 1 };

enum { PATIENCE_NS = 1000000000 };

static struct tty *console;	/* written while drivers start and lines are announced, then constant */
static int console_rank = -1;	/* [a] position of its console= argument; -1: none named it */
static const char *expected;	/* prefix of the names of lines that are to come, NULL: none; written while drivers start */
static struct waitq arrival = WAITQ_INIT(arrival);	/* of another console */

/* The value of the next console= argument from *@at on, which moves past it; NULL: there is none. */
static const char *next_argument(const char **at)
{
	const char *found;

	while ((found = strstr(*at, "console=")) != NULL) {
		*at = found + strlen("console=");
		if (found == plat_cmdline() || found[-1] == ' ')
			return *at;
	}
	return NULL;
}

/* Which of the console= arguments names @name, counted from 0; the last one counts. -1: none */
static int argument_rank(const char *name)
{
	const char *at = plat_cmdline(), *value;
	size_t len = strlen(name);
	int found = -1;

	for (int n = 0; (value = next_argument(&at)) != NULL; n++)
		if (!strncmp(value, name, len) && (value[len] == '\0' || value[len] == ' ' || value[len] == ','))
			found = n;
	return found;
}

void tty_console_add(struct tty *t, void (*write)(const char *buf, size_t n))
{
	int rank = argument_rank(t->name);

	if (console && rank <= console_rank)
		return;
	console = t;
	atomic_store_release(&console_rank, rank);
	wake_up_all(&arrival);
	if (write)
		log_console_register(write);
}

void tty_console_expect(const char *prefix)
{
	expected = prefix;
}

/* The position of the last console= argument that a line that is to come could answer; -1: none */
static int awaited_rank(void)
{
	const char *at = plat_cmdline(), *value;
	int found = -1;

	for (int n = 0; expected && (value = next_argument(&at)) != NULL; n++)
		if (!strncmp(value, expected, strlen(expected)))
			found = n;
	return found;
}

void tty_console_wait(void)
{
	int rank = awaited_rank();

	if (rank >= 0 && wait_event_until(&arrival, atomic_load_acquire(&console_rank) >= rank, plat_mono_ns() + PATIENCE_NS))
		pr_notice("console: a line that an argument names did not come");
}

static int open_own(struct file *f)
{
	struct tty *t = tty_jobs()->ctty();
	int err;

	if (!t)
		return -ENXIO;
	err = tty_open_line(t, f, false);
	tty_put(t);
	return err;
}

static int aux_open(struct inode *i, struct file *f)
{
	switch (dev_minor(i->rdev)) {
	case MINOR_TTY:
		return open_own(f);
	case MINOR_CONSOLE:
		return console ? tty_open_line(console, f, true) : -ENODEV;
	default:
		return -ENXIO;
	}
}

void tty_drain_console(void)
{
	if (console && !tty_drain_until(console, plat_mono_ns() + PATIENCE_NS))
		pr_notice("%s takes no more output: some of it is lost", console->name);
}

static size_t show_active(struct devnode *n, char *buf, size_t size)
{
	return console ? scnprintf(buf, size, "%s\n", console->name) : 0;
}

static const struct devattr console_attrs[] = { { "active", show_active, NULL }, { NULL } };
static const struct file_ops aux_ops = { .open = aux_open };
static struct chrdev tty_chrdev = {
	.major = TTYAUX_MAJOR_NUMBER, .minor_first = MINOR_TTY, .minor_count = 1, .ops = &aux_ops, .name = "/dev/tty",
};
static struct chrdev console_chrdev = {
	.major = TTYAUX_MAJOR_NUMBER, .minor_first = MINOR_CONSOLE, .minor_count = 1, .ops = &aux_ops, .name = "/dev/console",
};
static struct devnode tty_node = { .name = "tty", .class = "tty", .mode = S_IFCHR | 0666, .gid = 5 };
static struct devnode console_node = { .name = "console", .class = "tty", .mode = S_IFCHR | 0600, .attrs = console_attrs };

void tty_console_init(void)
{
	chrdev_register(&tty_chrdev);
	chrdev_register(&console_chrdev);
	tty_node.rdev = dev_make(TTYAUX_MAJOR_NUMBER, MINOR_TTY);
	console_node.rdev = dev_make(TTYAUX_MAJOR_NUMBER, MINOR_CONSOLE);
	devnode_add(&tty_node);
	devnode_add(&console_node);
}
