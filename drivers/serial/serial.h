/*
 * The serial ports of a PC: 16550 UARTs at the four usual places, as ttyS0 to ttyS3.
 */
#ifndef DRIVERS_SERIAL_SERIAL_H
#define DRIVERS_SERIAL_SERIAL_H

/** serial_init - find the ports, register them as terminals and consoles. Context: boot, after tty_init(). */
void serial_init(void);

#endif
