/* See terminal.h. */
#define _GNU_SOURCE
#include "terminal.h"

#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

static struct termios saved;
static bool changed;

void terminal_read(struct auk_termios *modes, struct auk_window *window)
{
	struct winsize size = {0};
	struct termios now;

	ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
	*window = (struct auk_window){.rows = size.ws_row, .cols = size.ws_col};
	if (tcgetattr(STDIN_FILENO, &now) < 0)
		return;
	modes->iflag = now.c_iflag;
	modes->oflag = now.c_oflag;
	modes->cflag = now.c_cflag;
	modes->lflag = now.c_lflag;
	modes->line = 0;
	memcpy(modes->cc, now.c_cc, sizeof(modes->cc));
}

void terminal_raw(void)
{
	struct termios raw;

	if (changed || tcgetattr(STDIN_FILENO, &saved) < 0)
		return;
	raw = saved;
	cfmakeraw(&raw);
	changed = tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

void terminal_restore(void)
{
	if (changed)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &saved);
	changed = false;
}
