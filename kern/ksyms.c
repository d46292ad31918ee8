/*
 * Names of functions: a table made by tools/ksyms, sorted by address.
 *
 * Layout: count, then per function its address as an offset from the first text byte and the offset of its name.
 */
#include "base/printf.h"
#include "base/string.h"
#include "kern/kasan.h"
#include "kern/ksyms.h"
#include "kern/printk.h"
#include "plat/plat.h"

struct ksym {
	u32 addr;	/* from ksyms_base */
	u32 name;	/* within ksyms_names */
};
/* Empty in the first of the two links that make a kernel. */
extern const u32 ksyms_count __attribute__((weak));
extern const u64 ksyms_base __attribute__((weak));
extern const struct ksym ksyms_table[] __attribute__((weak));
extern const char ksyms_names[] __attribute__((weak));

static u32 table_count(void)
{
	const u32 *count = &ksyms_count;

	asm("" : "+r"(count));
	return count ? *count : 0;
}

/* The last function at or below @pc; -1 if there is none. */
static s64 find(u64 pc)
{
	u32 n = table_count();
	s64 lo = 0, hi = (s64)n - 1, at = -1;

	if (!n || pc < ksyms_base || pc - ksyms_base > ksyms_table[n - 1].addr)
		return -1;
	while (lo <= hi) {
		s64 mid = (lo + hi) / 2;

		if (ksyms_base + ksyms_table[mid].addr <= pc) {
			at = mid;
			lo = mid + 1;
		} else {
			hi = mid - 1;
		}
	}
	return at == (s64)n - 1 ? -1 : at;	/* the last entry marks the end of text */
}

bool ksym_name(u64 pc, bool plain, char *buf, size_t size)
{
	s64 i = find(pc);

	if (i < 0) {
		strscpy(buf, "0x0", size);
		return false;
	}
	const char *name = ksyms_names + ksyms_table[i].name;
	if (plain)
		strscpy(buf, name, size);
	else
		fmt_snprintf(buf, size, "%s+%#x/%#x", name, (u32)(pc - ksyms_base - ksyms_table[i].addr),
			     ksyms_table[i + 1].addr - ksyms_table[i].addr);
	return true;
}

bool ksym_at(u32 i, u64 *addr, const char **name)
{
	if (i + 1 >= table_count())
		return false;
	*addr = ksyms_base + ksyms_table[i].addr;
	*name = ksyms_names + ksyms_table[i].name;
	return true;
}

/* A frame is two words: the caller's frame pointer and the return address.  Anything odd ends the walk. */
NO_KASAN u32 backtrace_collect(u64 bp, u64 *pc, u32 max)
{
	u64 text_bytes = table_count() ? ksyms_table[table_count() - 1].addr : 0;
	u32 n = 0;

	while (n < max && bp >= 0xffff800000000000ull && !(bp & 7)) {
		u64 next = ((u64 *)bp)[0], ret = ((u64 *)bp)[1];

		if (ret - 1 - ksyms_base >= text_bytes)
			break;
		pc[n++] = ret;
		if (next <= bp || next - bp > 1 << 16)
			break;
		bp = next;
	}
	return n;
}

void backtrace_print(u64 ip, u64 bp)
{
	char name[100];
	u64 pc[32];
	u32 n = backtrace_collect(bp, pc, ARRAY_SIZE(pc));

	if (ip) {
		ksym_name(ip, false, name, sizeof(name));
		pr_err("  %016llx %s", (unsigned long long)ip, name);
	}
	for (u32 i = 0; i < n; i++) {
		ksym_name(pc[i] - 1, false, name, sizeof(name));
		pr_err("  %016llx %s", (unsigned long long)pc[i], name);
	}
}
