/*
 * /dev/console (5:1) and /dev/tty (5:0).
 *
 * The console is the last line that a console= argument names and a driver has; without such an argument, the first
 * one that a driver offers.  The kernel log goes there too.
 */
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "drivers/tty/tty.h"
#include "kern/printk.h"
#include "vfs/file.h"
#include "vfs/inode.h"

enum { TTYAUX_MAJOR_NUMBER = 5, MINOR_TTY = 0, MINOR_CONSOLE = 1 };

static struct tty *console;	/* written while drivers start, then constant */
static int console_rank;	/* position of its console= argument; -1: none named it */

/* Which of the console= arguments names @name, counted from 0; the last one counts. -1: none */
static int argument_rank(const char *name)
{
	const char *at = plat_cmdline();
	size_t len = strlen(name);
	int found = -1;

	for (int n = 0; (at = strstr(at, "console=")) != NULL; n++) {
		bool at_start = at == plat_cmdline() || at[-1] == ' ';

		at += strlen("console=");
		if (at_start && !strncmp(at, name, len) && (at[len] == '\0' || at[len] == ' ' || at[len] == ','))
			found = n;
	}
	return found;
}

void tty_console_add(struct tty *t, void (*write)(const char *buf, size_t n))
{
	int rank = argument_rank(t->name);

	if (console && rank <= console_rank)
		return;
	console = t;
	console_rank = rank;
	if (write)
		log_console_register(write);
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
	enum { PATIENCE_NS = 1000000000 };

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
