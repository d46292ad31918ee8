/*
 * The early console: polled output on the first serial port, until a driver takes over.
 */
#include "plat/vm/vm.h"

enum { COM1 = 0x3f8, LSR = 5, LSR_EMPTY = 0x20 };

void plat_console_write(const char *buf, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (buf[i] == '\n')
			plat_console_write("\r", 1);
		for (int spin = 0; spin < 100000 && !(plat_port_in8(COM1 + LSR) & LSR_EMPTY); spin++)
			plat_cpu_relax();
		plat_port_out8(COM1, (u8)buf[i]);
	}
}
