/*
 * The ACPI tables that a kernel without an AML interpreter needs: CPUs and I/O APICs (MADT), power and reset (FADT, and the \_S5 package
 * found in the DSDT's bytes), PCI configuration space (MCFG).
 *
 * Source: ACPI 6.4, 5.2 (tables), 7.4.2 (\_Sx), 4.8 (registers).  The tables come from the firmware: every length is checked.
 */
#include "base/string.h"
#include "kern/printk.h"
#include "plat/vm/dsdt.h"
#include "plat/vm/vm.h"

struct PACKED sdt {
	char signature[4];
	u32 length;
	u8 revision, checksum;
	char oem[6], oem_table[8];
	u32 oem_revision, creator, creator_revision;
};

struct vm_acpi vm_acpi;
static struct plat_mmio_device mmio_devices[32];
static unsigned mmio_device_count;

unsigned plat_mmio_devices(const struct plat_mmio_device **devices)
{
	*devices = mmio_devices;
	return mmio_device_count;
}

static u16 get16(const void *p) { u16 v; memcpy(&v, p, 2); return v; }
static u32 get32(const void *p) { u32 v; memcpy(&v, p, 4); return v; }
static u64 get64(const void *p) { u64 v; memcpy(&v, p, 8); return v; }

/* Whether [pa, pa + len) lies in what the loader's map names, so that the direct map covers it. */
static bool mapped(u64 pa, u64 len)
{
	if (pa + len <= 0x100000 && pa + len >= pa)
		return true;
	for (unsigned i = 0; i < vm_boot_map_count; i++)
		if (pa >= vm_boot_map[i].start && len <= vm_boot_map[i].len && pa - vm_boot_map[i].start <= vm_boot_map[i].len - len)
			return true;
	return false;
}

static const struct sdt *table_at(u64 pa)
{
	if (!mapped(pa, sizeof(struct sdt)))
		return NULL;
	const struct sdt *t = phys_to_virt(pa);
	if (t->length < sizeof(*t) || t->length > (1 << 20) || !mapped(pa, t->length))
		return NULL;
	return t;
}

static void parse_madt(const struct sdt *t)
{
	const u8 *p = (const u8 *)t + 44, *end = (const u8 *)t + t->length;

	if (t->length < 44)
		return;
	vm_acpi.lapic_phys = get32((const u8 *)t + 36);
	for (; end - p >= 2 && p[1] >= 2 && p[1] <= end - p; p += p[1]) {
		if (p[0] == 0 && p[1] >= 8 && (get32(p + 4) & 3) && vm_acpi.cpu_count < CPUS_MAX) {
			vm_acpi.apic_id[vm_acpi.cpu_count++] = p[3];
		} else if (p[0] == 9 && p[1] >= 16 && (get32(p + 8) & 3) && vm_acpi.cpu_count < CPUS_MAX) {
			vm_acpi.apic_id[vm_acpi.cpu_count++] = get32(p + 4);
		} else if (p[0] == 1 && p[1] >= 12 && vm_acpi.ioapic_count < ARRAY_SIZE(vm_acpi.ioapic)) {
			unsigned i = vm_acpi.ioapic_count++;

			vm_acpi.ioapic[i].id = p[2];
			vm_acpi.ioapic[i].phys = get32(p + 4);
			vm_acpi.ioapic[i].gsi_base = get32(p + 8);
		} else if (p[0] == 2 && p[1] >= 10 && p[3] < 16) {
			u16 flags = get16(p + 8);

			vm_acpi.isa[p[3]].gsi = get32(p + 4);
			vm_acpi.isa[p[3]].low = (flags & 3) == 3;
			vm_acpi.isa[p[3]].level = (flags >> 2 & 3) == 3;
		} else if (p[0] == 5 && p[1] >= 12) {
			vm_acpi.lapic_phys = get64(p + 4);
		}
	}
}

/* \_S5: NameOp "_S5_" PackageOp length count SLP_TYPa SLP_TYPb; each a byte constant, with or without BytePrefix. */
static void parse_dsdt(const struct sdt *t)
{
	const u8 *b = (const u8 *)t;

	for (u32 i = sizeof(*t); i + 12 < t->length; i++) {
		if (memcmp(b + i, "_S5_", 4) || b[i + 4] != 0x12)
			continue;
		u32 at = i + 5;
		at += 1 + (b[at] >> 6);	/* the package's length */
		at++;			/* its element count */
		if (at + 4 >= t->length)
			return;
		if (b[at] == 0x0a)
			at++;
		vm_acpi.s5_typ_a = b[at++];
		if (b[at] == 0x0a)
			at++;
		vm_acpi.s5_typ_b = b[at];
		vm_acpi.s5_valid = true;
		return;
	}
}

static void parse_fadt(const struct sdt *t)
{
	const u8 *b = (const u8 *)t;
	u64 dsdt;

	if (t->length < 116)
		return;
	vm_acpi.pm1a_cnt = (u16)get32(b + 64);
	vm_acpi.pm1b_cnt = (u16)get32(b + 68);
	vm_acpi.pm_timer_port = (u16)get32(b + 76);
	u32 flags = get32(b + 112);
	vm_acpi.hw_reduced = flags >> 20 & 1;
	if (t->length >= 129 && (flags >> 10 & 1)) {
		vm_acpi.reset.space = b[116];
		vm_acpi.reset.addr = get64(b + 120);
		vm_acpi.reset.value = b[128];
	}
	dsdt = t->length >= 148 ? get64(b + 140) : 0;
	if (!dsdt)
		dsdt = get32(b + 40);
	if (t->length >= 256) {
		vm_acpi.sleep_ctl.space = b[244];
		vm_acpi.sleep_ctl.addr = get64(b + 248);
	}
	const struct sdt *d = table_at(dsdt);
	if (d) {
		parse_dsdt(d);
		mmio_device_count = vm_dsdt_virtio((const u8 *)d, d->length, mmio_devices, ARRAY_SIZE(mmio_devices));
	}
}

static void parse_mcfg(const struct sdt *t)
{
	if (t->length < 60)
		return;
	vm_acpi.ecam_phys = get64((const u8 *)t + 44);
	vm_acpi.ecam_bus_last = ((const u8 *)t)[55];
}

static void parse_table(u64 pa)
{
	static const struct { char sig[5]; void (*parse)(const struct sdt *t); } known[] = {
		{ "APIC", parse_madt }, { "FACP", parse_fadt }, { "MCFG", parse_mcfg },
	};
	const struct sdt *t = table_at(pa);

	for (unsigned i = 0; t && i < ARRAY_SIZE(known); i++)
		if (!memcmp(t->signature, known[i].sig, 4))
			known[i].parse(t);
}

/* The boot CPU is number 0 whatever the table's order. */
static void boot_cpu_first(void)
{
	struct cpuid_regs l1 = cpuid(1, 0);
	u32 me = l1.b >> 24;

	if (vm_features.x2apic && cpuid(0, 0).a >= 0xb)
		me = cpuid(0xb, 0).d;
	for (u32 i = 0; i < vm_acpi.cpu_count; i++)
		if (vm_acpi.apic_id[i] == me) {
			vm_acpi.apic_id[i] = vm_acpi.apic_id[0];
			vm_acpi.apic_id[0] = me;
			return;
		}
	vm_acpi.apic_id[0] = me;
	if (!vm_acpi.cpu_count)
		vm_acpi.cpu_count = 1;
}

/* Without a pointer from the loader: the area where a PC's firmware leaves it. */
static u64 find_rsdp(void)
{
	for (u64 pa = 0xe0000; pa < 0x100000; pa += 16)
		if (!memcmp(phys_to_virt(pa), "RSD PTR ", 8))
			return pa;
	return 0;
}

void vm_acpi_init(paddr_t rsdp)
{
	for (unsigned i = 0; i < 16; i++)
		vm_acpi.isa[i].gsi = i;
	if (!rsdp)
		rsdp = find_rsdp();
	if (rsdp && mapped(rsdp, 36)) {
		const u8 *r = phys_to_virt(rsdp);
		bool xsdt = r[15] >= 2 && get64(r + 24);
		const struct sdt *root = table_at(xsdt ? get64(r + 24) : get32(r + 16));
		u32 width = xsdt ? 8 : 4;

		vm_acpi.found = root != NULL;
		for (u32 at = sizeof(*root); root && at + width <= root->length; at += width)
			parse_table(xsdt ? get64((const u8 *)root + at) : get32((const u8 *)root + at));
	}
	if (!vm_acpi.ioapic_count) {
		vm_acpi.ioapic[0].phys = 0xfec00000;
		vm_acpi.ioapic_count = 1;
	}
	boot_cpu_first();
}
