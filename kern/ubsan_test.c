/*
 * A checklist of undefined behaviour: with the kernel argument ubsan_test each case does what must be reported, the last one what must not.
 * tests/kasan/run reads the reports.
 */
#include "base/string.h"
#include "kern/printk.h"
#include "kern/ubsan.h"
#include "plat/plat.h"

#define HIDE(x) ({ __typeof__(x) hidden = (x); __asm__ volatile("" : "+r"(hidden)); hidden; })
static volatile u64 sink;
static int array[4];

static void shift_too_far(void) { sink = (u64)(HIDE(1) << HIDE(32)); }
static void shift_negative(void) { sink = (u64)(HIDE(1) << HIDE(-1)); }
static void index_outside(void) { sink = (u64)(s64)array[HIDE(4) & 7]; }
static void bool_of_two(void) { char two = HIDE((char)2); sink = *HIDE((bool *)&two); }
static void misaligned(void) { char bytes[16] = { 0 }; sink = *HIDE((u32 *)&bytes[HIDE((u64)bytes & 1 ? 2 : 1)]); }
static void no_overflow(void) { sink = (u64)(s64)(HIDE(-7) / HIDE(2)) + (u64)(HIDE(1) << HIDE(30)); }

void ubsan_selftest(void)
{
	static void (*const cases[])(void) = { shift_too_far, shift_negative, index_outside, bool_of_two, misaligned, no_overflow };

	if (!strstr(plat_cmdline(), "ubsan_test"))
		return;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++)
		cases[i]();
	pr_err("ubsan_test: done");
}
