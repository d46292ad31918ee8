/* What this machine has not: devices, firmware, interrupts from outside.  And its console and its ends. */
#include <linux/errno.h>
#include "base/string.h"
#include "plat/host/host.h"

const char *plat_cmdline(void) { return host_machine.cmdline ? host_machine.cmdline : ""; }

void *plat_initrd(size_t *len_bytes)
{
	*len_bytes = 0;
	return NULL;
}

void plat_late_init(void) {}
void plat_seal(void) {}
void plat_set_upcalls(const struct plat_upcalls *up) { host_upcalls = *up; }

void plat_power_off(void) { os_exit(0); }
void plat_reset(void) { os_exit(0); }
void plat_halt(void) { os_exit(0); }
void plat_panic_stop(void) { host_stuck("the kernel panicked"); }

int plat_irq_attach(u32 gsi, bool level, void (*handler)(void *arg), void *arg) { return -EINVAL; }
int plat_msi_attach(u32 cpu, void (*handler)(void *arg), void *arg, struct plat_msi *msi) { return -ENOSPC; }
void plat_msi_free(const struct plat_msi *msi) {}
void *plat_map_io(paddr_t phys, u64 len_bytes) { return NULL; }

void plat_clock_params(struct plat_clock_params *out) { *out = (struct plat_clock_params){ .usable = 0 }; }

/* Nobody drives the bus: all ones. */
u8 plat_port_in8(u16 port) { return 0xff; }
u16 plat_port_in16(u16 port) { return 0xffff; }
u32 plat_port_in32(u16 port) { return ~0u; }
void plat_port_out8(u16 port, u8 v) {}
void plat_port_out16(u16 port, u16 v) {}
void plat_port_out32(u16 port, u32 v) {}

bool plat_pci_present(void) { return false; }
u32 plat_pci_read(u8 bus, u8 devfn, u16 offset, unsigned size_bytes) { return ~0u; }
void plat_pci_write(u8 bus, u8 devfn, u16 offset, unsigned size_bytes, u32 value) {}
int plat_pci_gsi(u8 devfn, u8 pin, u8 line_register) { return -ENOENT; }
unsigned plat_mmio_devices(const struct plat_mmio_device **devices) { return 0; }

size_t plat_cpu_describe(u32 cpu, char *buf, size_t size) { return strlcpy(buf, "model name\t: a Linux process\n", size); }

void plat_hwcaps(u64 *hwcap, u64 *hwcap2)
{
	*hwcap = *hwcap2 = 0;
}

void plat_console_write(const char *buf, size_t n)
{
	if (host_machine.console)
		host_machine.console(buf, n);
	else
		os_write_stderr(buf, n);
}
