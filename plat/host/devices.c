/* The machine's bus: virtio devices in memory and their interrupts. What it has not: firmware, ports, PCI.  And its console and its ends. */
#include <linux/errno.h>
#include "base/string.h"
#include "plat/host/host.h"
#include "plat/host/virtio.h"

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

struct handler {
	void (*fn)(void *arg);
	void *arg;
};
static struct handler handlers[HOST_GSI_MAX];

/* Edge-triggered lines of virtio devices, one handler each. */
int plat_irq_attach(u32 gsi, bool level, void (*handler)(void *arg), void *arg)
{
	if (level || gsi < HOST_GSI_FIRST || gsi >= HOST_GSI_FIRST + host_virtio_count() || handlers[gsi].fn)
		return -EINVAL;
	handlers[gsi] = (struct handler){ handler, arg };
	return 0;
}

void host_irq_run(u32 gsi)
{
	if (handlers[gsi].fn)
		handlers[gsi].fn(handlers[gsi].arg);
}

int plat_msi_attach(u32 cpu, void (*handler)(void *arg), void *arg, struct plat_msi *msi) { return -ENOSPC; }
void plat_msi_free(const struct plat_msi *msi) {}

/* ---- device memory: a range of addresses where nothing is mapped, so that an access past these functions ends the process ---- */

/* The direct map's far end: no memory reaches it. */
static char *const io_window = (char *)PLAT_DIRECT_MAP + (256ull << 30);

void *plat_map_io(paddr_t phys, u64 len_bytes)
{
	u64 size = (u64)AUK_DEVICES_MAX * PAGE_SIZE;

	if (phys < HOST_IO_BASE || len_bytes > size || phys - HOST_IO_BASE > size - len_bytes)
		return NULL;
	return io_window + (phys - HOST_IO_BASE);
}

/* The device that has @reg, and which of its registers. */
static struct host_virtio *device_at(const volatile void *reg, u32 *offset)
{
	u64 at = (u64)((const volatile char *)reg - io_window);

	if (at / PAGE_SIZE >= host_virtio_count())
		host_stuck("a driver touched device memory where no device is");
	*offset = (u32)(at % PAGE_SIZE);
	return host_virtio_at((unsigned)(at / PAGE_SIZE));
}

u32 host_mmio_read(const volatile void *reg, u32 bytes)
{
	u32 offset;
	struct host_virtio *v = device_at(reg, &offset);

	host_device_enter();
	u32 value = host_virtio_reg_read(v, offset, bytes);

	host_device_leave();
	return value;
}

void host_mmio_write(volatile void *reg, u32 bytes, u32 value)
{
	u32 offset;
	struct host_virtio *v = device_at(reg, &offset);

	host_device_enter();
	host_virtio_reg_write(v, offset, bytes, value);
	host_device_leave();
}

unsigned plat_mmio_devices(const struct plat_mmio_device **devices)
{
	static struct plat_mmio_device list[AUK_DEVICES_MAX];

	for (unsigned i = 0; i < host_virtio_count(); i++)
		list[i] = (struct plat_mmio_device){ HOST_IO_BASE + (u64)i * PAGE_SIZE, PAGE_SIZE, HOST_GSI_FIRST + i };
	*devices = list;
	return host_virtio_count();
}

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
