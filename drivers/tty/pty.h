/*
 * Pseudo-terminals: /dev/ptmx and what stands in a devpts.
 */
#ifndef DRIVERS_TTY_PTY_H
#define DRIVERS_TTY_PTY_H

/** pty_init - register the device numbers and /dev/ptmx. Called by tty_init(). */
void pty_init(void);

#endif
