/*
 * Clocks: the TSC as monotonic time, its rate told by the hypervisor or measured, the wall clock read once, the one-shot timer.
 *
 * ns = (tsc - tsc_boot) * mult >> 32.  The rate comes from the KVM clock page if there is one, else it is measured against counter 0
 * of the 8254 (1,193,182 Hz): two readings a few milliseconds apart, each the tightest of several, so that an emulator's hiccup between
 * the two registers does not count.
 * Source: Intel 8254 data sheet; MC146818 data sheet; Linux's Documentation/virt/kvm/x86/msr.rst (pvclock).
 */
#include "base/string.h"
#include "kern/assert.h"
#include "kern/printk.h"
#include "plat/vm/vm.h"

enum { PIT_HZ = 1193182, MSR_KVM_SYSTEM_TIME = 0x4b564d01, MSR_KVM_WALL = 0x4b564d00 };

struct PACKED pvclock {
	u32 version, pad;
	u64 tsc, system_ns;
	u32 mul;
	s8 shift;
	u8 flags, pad2[2];
};

static u64 tsc_boot;
static u64 mult;		/* 32.32 ns a tick */
static u64 tsc_hz;
static u64 wall_boot_ns;

/* a * b / c; the quotient must fit. */
static u64 muldiv(u64 a, u64 b, u64 c)
{
	u64 q, r;

	asm("mulq %3; divq %4" : "=&a"(q), "=&d"(r) : "0"(a), "rm"(b), "r"(c) : "cc");
	return q;
}

u64 plat_mono_ns(void)
{
	return (u64)((unsigned __int128)(rdtsc() - tsc_boot) * mult >> 32);
}

u64 plat_wall_boot_ns(void) { return wall_boot_ns; }

u64 vm_ns_to_tsc(u64 ns)
{
	return tsc_boot + muldiv(ns, tsc_hz, 1000000000);
}

void vm_delay_us(u32 us)
{
	u64 end = rdtsc() + tsc_hz / 1000000 * us;

	while (rdtsc() < end)
		plat_cpu_relax();
}

void plat_timer_arm(u64 deadline_ns)
{
	if (deadline_ns == ~0ull) {
		vm_lapic_timer_arm(~0ull, 0);
		return;
	}
	u64 now = plat_mono_ns();
	u64 delta = deadline_ns > now ? deadline_ns - now : 1;

	vm_lapic_timer_arm(delta, vm_features.tsc_deadline ? vm_ns_to_tsc(deadline_ns) : 0);
}

void plat_clock_params(struct plat_clock_params *out)
{
	u32 shift = 32;
	u64 m = mult;

	while (m >> 32) {
		m >>= 1;
		shift--;
	}
	*out = (struct plat_clock_params){ .tsc_base = tsc_boot, .mono_base_ns = 0, .mult = (u32)m, .shift = shift, .usable = 1 };
}

/* ---- measuring ---- */

/* The counter with the TSC around it: the tightest of a few tries. */
static u16 pit_read(u64 *tsc)
{
	u64 best = ~0ull;
	u16 value = 0;

	for (int i = 0; i < 5; i++) {
		u64 before = rdtsc();

		plat_port_out8(0x43, 0x00);	/* latch counter 0 */
		u64 after = rdtsc();
		u8 lo = plat_port_in8(0x40), hi = plat_port_in8(0x40);

		if (after - before < best) {
			best = after - before;
			value = (u16)(lo | hi << 8);
			*tsc = before + (after - before) / 2;
		}
	}
	return value;
}

static void measure(void)
{
	u64 t0, t1;
	u16 c0, passed;

	plat_port_out8(0x43, 0x34);	/* counter 0, mode 2, from 65536 down */
	plat_port_out8(0x40, 0);
	plat_port_out8(0x40, 0);
	vm_lapic_count_start();
	c0 = pit_read(&t0);
	u32 l0 = vm_lapic_count_passed();
	u64 give_up = rdtsc() + (1ull << 34);
	do {
		passed = (u16)(c0 - pit_read(&t1));
	} while (passed < PIT_HZ / 100 && rdtsc() < give_up);
	u32 l1 = vm_lapic_count_passed();
	if (passed < PIT_HZ / 100)
		panic("the interval timer does not count: no way to measure the clock");
	tsc_hz = (t1 - t0) * PIT_HZ / passed;
	vm_lapic_hz = (u64)(l1 - l0) * PIT_HZ / passed;
}

/* The KVM clock page gives the TSC's rate exactly; it is asked once. */
static bool kvm_rate(void)
{
	static struct pvclock page __attribute__((aligned(64)));

	if (!vm_features.kvm || !(cpuid(0x40000001, 0).a & 1 << 3))
		return false;
	wrmsr(MSR_KVM_SYSTEM_TIME, image_phys(&page) | 1);
	struct pvclock p = page;
	wrmsr(MSR_KVM_SYSTEM_TIME, 0);
	if (!p.mul)
		return false;
	/* ns = (tsc << shift) * mul >> 32 */
	u64 scaled = muldiv(1000000000, 1ull << 32, p.mul);
	tsc_hz = p.shift >= 0 ? scaled >> p.shift : scaled << -p.shift;
	return true;
}

/* ---- the wall clock ---- */

static u8 cmos(u8 reg)
{
	plat_port_out8(0x70, reg);
	return plat_port_in8(0x71);
}

static s64 days_from_civil(s64 y, unsigned m, unsigned d)
{
	y -= m <= 2;
	s64 era = (y >= 0 ? y : y - 399) / 400;
	unsigned yoe = (unsigned)(y - era * 400);
	unsigned doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;

	return era * 146097 + (s64)(yoe * 365 + yoe / 4 - yoe / 100 + doy) - 719468;
}

static u64 read_wall_seconds(void)
{
	static const u8 reg[6] = { 0, 2, 4, 7, 8, 9 };
	u8 v[6], again[6];

	if (cmos(0x0a) == 0xff)
		return 0;	/* no such device */
	do {
		for (int i = 0; i < 1000000 && cmos(0x0a) & 0x80; i++)
			;
		for (int i = 0; i < 6; i++)
			v[i] = cmos(reg[i]);
		for (int i = 0; i < 6; i++)
			again[i] = cmos(reg[i]);
	} while (memcmp(v, again, sizeof(v)));
	u8 b = cmos(0x0b);
	bool pm = !(b & 2) && v[2] & 0x80;
	v[2] &= 0x7f;
	if (!(b & 4))
		for (int i = 0; i < 6; i++)
			v[i] = (u8)((v[i] >> 4) * 10 + (v[i] & 15));
	if (!(b & 2))
		v[2] = (u8)(v[2] % 12 + (pm ? 12 : 0));
	u8 century = cmos(0x32);
	u32 year = (century >= 0x19 && century <= 0x21 ? (century >> 4) * 1000 + (century & 15) * 100 : 2000) + v[5];
	return (u64)(days_from_civil(year, v[4], v[3]) * 86400 + v[2] * 3600 + v[1] * 60 + v[0]);
}

void vm_time_init(void)
{
	tsc_boot = rdtsc();
	if (!kvm_rate() || !vm_features.tsc_deadline)
		measure();
	mult = muldiv(1000000000, 1ull << 32, tsc_hz);
	wall_boot_ns = read_wall_seconds() * 1000000000ull;
	if (wall_boot_ns > plat_mono_ns())
		wall_boot_ns -= plat_mono_ns();
	vm_time_init_cpu();
}

void vm_time_init_cpu(void)
{
	vm_lapic_timer_init();
}
