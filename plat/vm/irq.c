/*
 * Interrupt lines and vectors: I/O APICs for wired interrupts, a pool of vectors for message-signalled ones.
 *
 * A vector is one number for all CPUs; its handlers are a short list, read without a lock (entries are published whole and only
 * message-signalled ones are ever taken back).
 * Source: Intel 82093AA I/O APIC data sheet; SDM vol. 3, 10.11 (MSI).
 */
#include <linux/errno.h>
#include "kern/assert.h"
#include "kern/lock.h"
#include "kern/printk.h"
#include "kern/rcu.h"
#include "kern/slab.h"
#include "plat/vm/vm.h"

struct irq_action {
	void (*handler)(void *arg);
	void *arg;
	struct irq_action *next;
};

static struct irq_action *action[256];		/* [irq_lock; readers none] */
static u64 count[256];				/* statistics; racy by design */
static struct spinlock irq_lock = SPINLOCK_INIT(RANK_LEAF_SPIN);
static volatile u32 *ioapic[4];

static u32 ioapic_read(unsigned i, u32 reg)
{
	ioapic[i][0] = reg;
	return ioapic[i][4];
}

static void ioapic_write(unsigned i, u32 reg, u32 v)
{
	ioapic[i][0] = reg;
	ioapic[i][4] = v;
}

void vm_irq_init(void)
{
	plat_port_out8(0x21, 0xff);	/* the old controllers: masked */
	plat_port_out8(0xa1, 0xff);
	for (unsigned i = 0; i < vm_acpi.ioapic_count; i++) {
		ioapic[i] = plat_map_io(vm_acpi.ioapic[i].phys, PAGE_SIZE);
		if (!ioapic[i])
			panic("cannot map I/O APIC %u", i);
		u32 lines = (ioapic_read(i, 1) >> 16 & 0xff) + 1;
		for (u32 n = 0; n < lines; n++) {
			ioapic_write(i, 0x10 + 2 * n, 1 << 16);
			ioapic_write(i, 0x11 + 2 * n, 0);
		}
	}
}

static int ioapic_of(u32 gsi, u32 *pin)
{
	for (unsigned i = 0; i < vm_acpi.ioapic_count; i++) {
		u32 base = vm_acpi.ioapic[i].gsi_base;
		u32 lines = (ioapic_read(i, 1) >> 16 & 0xff) + 1;

		if (gsi >= base && gsi - base < lines) {
			*pin = gsi - base;
			return i;
		}
	}
	return -1;
}

static int add_action(u32 vector, void (*handler)(void *arg), void *arg)
{
	struct irq_action *a = kmalloc(sizeof(*a), ALLOC_ATOMIC);

	if (!a)
		return -ENOMEM;
	*a = (struct irq_action){ handler, arg, action[vector] };
	__atomic_store_n(&action[vector], a, __ATOMIC_RELEASE);
	return 0;
}

int plat_irq_attach(u32 gsi, bool level, void (*handler)(void *arg), void *arg)
{
	u32 pin;
	bool low = level;

	if (gsi < 16 && !level) {	/* ISA: the tables may send it elsewhere */
		level = vm_acpi.isa[gsi].level;
		low = vm_acpi.isa[gsi].low;
		gsi = vm_acpi.isa[gsi].gsi;
	} else if (gsi < 16 && vm_acpi.isa[gsi].level) {
		low = vm_acpi.isa[gsi].low;
	}
	int i = ioapic_of(gsi, &pin);
	if (i < 0 || gsi >= GSI_MAX)
		return -EINVAL;
	u32 vector = VEC_GSI + gsi;
	bool first = !action[vector];
	int err = add_action(vector, handler, arg);
	if (err || !first)
		return err;
	ioapic_write(i, 0x11 + 2 * pin, vm_percpu[0].apic_id << 24);
	ioapic_write(i, 0x10 + 2 * pin, vector | (low ? 1 << 13 : 0) | (level ? 1 << 15 : 0));
	return 0;
}

int plat_msi_attach(u32 cpu, void (*handler)(void *arg), void *arg, struct plat_msi *msi)
{
	spin_lock(&irq_lock);
	for (u32 v = VEC_MSI; v <= VEC_MSI_LAST; v++) {
		if (action[v])
			continue;
		int err = add_action(v, handler, arg);
		spin_unlock(&irq_lock);
		if (!err)
			*msi = (struct plat_msi){ 0xfee00000u | (vm_percpu[cpu].apic_id & 0xff) << 12, v, v };
		return err;
	}
	spin_unlock(&irq_lock);
	return -ENOSPC;
}

void plat_msi_free(const struct plat_msi *msi)
{
	struct irq_action *a = action[msi->vector];

	__atomic_store_n(&action[msi->vector], NULL, __ATOMIC_RELEASE);
	synchronize_rcu();	/* handlers run between quiescent states */
	kfree(a);
}

void vm_irq_dispatch(u32 vector)
{
	count[vector]++;
	struct irq_action *a = __atomic_load_n(&action[vector], __ATOMIC_ACQUIRE);
	if (!a)
		pr_warn("interrupt on vector %#x that nobody asked for", vector);
	for (; a; a = a->next)
		a->handler(a->arg);
	vm_lapic_eoi();
}
