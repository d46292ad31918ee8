/* The caller's terminal. */
#ifndef AUK_TERMINAL_H
#define AUK_TERMINAL_H

#include "user/auk-init/protocol.h"

/**
 * terminal_read - the modes and the size of the terminal on standard input
 */
void terminal_read(struct auk_termios *modes, struct auk_window *window);

/**
 * terminal_raw - hand every key on as it is, until terminal_restore()
 */
void terminal_raw(void);

/**
 * terminal_restore - put the modes back; nothing if they were never changed
 */
void terminal_restore(void);

#endif
