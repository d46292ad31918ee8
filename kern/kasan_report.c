/*
 * What the sanitizer says, in the form of Linux's reports (Documentation/dev-tools/kasan.rst).
 */
#include "base/printf.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/kasan_internal.h"
#include "kern/ksyms.h"
#include "kern/printk.h"
#include "kern/slab.h"
#include "kern/thread.h"

enum { ROWS_AROUND = 2, ROW_GRANULES = 16, NAME_BYTES = 100, NOBODY = ~0u };

bool kasan_multi_shot;
u32 kasan_reports;
static u32 reporter = NOBODY;	/* [a] the CPU that prints */

static const char *const LINE = "==================================================================";

/* Of one granule that must not be touched. */
static const char *kind_of_shadow(const u8 *s)
{
	u8 v = *s;

	if (v > 0 && v < KASAN_GRANULE && ((u64)(s + 1) & (PAGE_SIZE - 1)))
		v = s[1];
	switch (v) {
	case 0: case 1: case 2: case 3: case 4: case 5: case 6: case 7: return "out-of-bounds";
	case KASAN_PAGE_REDZONE: case KASAN_SLAB_REDZONE: return "slab-out-of-bounds";
	case KASAN_GLOBAL_REDZONE: return "global-out-of-bounds";
	case KASAN_STACK_LEFT: case KASAN_STACK_MID: case KASAN_STACK_RIGHT: case KASAN_STACK_PARTIAL: return "stack-out-of-bounds";
	case KASAN_PAGE_FREE: case KASAN_SLAB_FREE: case KASAN_SLAB_QUARANTINE: return "use-after-free";
	case KASAN_VMAP_INVALID: return "vmalloc-out-of-bounds";
	default: return "unknown-crash";
	}
}

static const char *kind_of(u64 addr, u64 *bad, size_t len)
{
	*bad = addr;
	if (addr < PAGE_SIZE)
		return "null-ptr-deref";
	if (addr < PLAT_USER_TOP)
		return "user-memory-access";
	if (addr < 0xffff800000000000ull)
		return "wild-memory-access";
	if (addr + len <= addr)
		return "out-of-bounds";
	for (u64 a = addr; a < addr + len; a = ALIGN_DOWN(a, KASAN_GRANULE) + KASAN_GRANULE)
		if (*kasan_shadow((void *)a)) {
			*bad = a;
			break;
		}
	return kind_of_shadow(kasan_shadow((void *)*bad));
}

static void print_track(const char *what, const struct kasan_track *t)
{
	char name[NAME_BYTES];

	if (!t->pc[0])
		return;
	pr_err("%s by task %u:", what, t->pid);
	for (u32 i = 0; i < TRACK_DEPTH && t->pc[i]; i++) {
		ksym_name(KERNEL_TEXT + t->pc[i] - 1, false, name, sizeof(name));
		pr_err(" %s", name);
	}
	pr_err(" ");
}

static void describe_object(u64 addr, const struct slab_where *w)
{
	const struct kasan_meta *m = kasan_meta_of(w->object, (u32)w->object_bytes);
	u64 start = (u64)w->object, end = start + w->object_bytes;

	print_track("Allocated", &m->alloc);
	print_track("Freed", &m->freed);
	pr_err("The buggy address belongs to the object at %016llx", (unsigned long long)start);
	pr_err(" which belongs to the cache %s of size %zu", w->cache, w->object_bytes);
	pr_err("The buggy address is located %llu bytes %s of", (unsigned long long)(addr < start ? start - addr : addr < end ? addr - start : addr - end),
	       addr < start ? "to the left" : addr < end ? "inside" : "to the right");
	pr_err(" %zu-byte region [%016llx, %016llx)", w->object_bytes, (unsigned long long)start, (unsigned long long)end);
	pr_err(" ");
}

static bool on_stack(u64 addr, const struct thread *t)
{
	return t->stack && addr - (u64)t->stack < KSTACK_BYTES;
}

static void describe_address(u64 addr)
{
	struct slab_where w;
	u64 start, bytes;
	const char *global;

	if (slab_find((void *)addr, &w)) {
		describe_object(addr, &w);
	} else if (on_stack(addr, current())) {
		pr_err("The buggy address belongs to stack of task %s/%u", current()->comm, current()->pid);
		pr_err(" ");
	} else if ((global = kasan_global_at((void *)addr, &start, &bytes)) != NULL) {
		pr_err("The buggy address belongs to the variable:");
		pr_err(" %s+%#llx/%#llx", global, (unsigned long long)(addr - start), (unsigned long long)bytes);
		pr_err(" ");
	}
}

/* Rows of the shadow, as long as they share a page with the one in question: its neighbours may not be mapped. */
static void print_memory(u64 addr)
{
	u64 row_bytes = ROW_GRANULES * KASAN_GRANULE, row = ALIGN_DOWN(addr, row_bytes);

	pr_err("Memory state around the buggy address:");
	for (u64 r = row - ROWS_AROUND * row_bytes; r <= row + ROWS_AROUND * row_bytes; r += row_bytes) {
		const u8 *s = kasan_shadow((void *)r);
		char text[3 * ROW_GRANULES + 1];

		if (((u64)s ^ (u64)kasan_shadow((void *)row)) & PAGE_MASK)
			continue;
		for (u32 i = 0; i < ROW_GRANULES; i++)
			fmt_snprintf(text + 3 * i, 4, " %02x", s[i]);
		pr_err("%s%016llx:%s", r == row ? ">" : " ", (unsigned long long)r, text);
		if (r == row)
			pr_err("%*s^", (int)(19 + 3 * ((addr - row) / KASAN_GRANULE)), "");
	}
}

/* One CPU prints at a time.  Return: false on the CPU that is printing: a mistake in the report itself. */
static bool report_begin(void)
{
	u32 me = plat_cpu_id(), nobody = NOBODY;

	while (!__atomic_compare_exchange_n(&reporter, &nobody, me, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) {
		if (nobody == me)
			return false;
		nobody = NOBODY;
		plat_cpu_relax();
	}
	__atomic_fetch_add(&kasan_reports, 1, __ATOMIC_RELAXED);
	pr_err("%s", LINE);
	return true;
}

static void report_rest(u64 addr, u64 bad, bool describe)
{
	pr_err(" ");
	pr_err("CPU: %u PID: %u Comm: %s", plat_cpu_id(), current()->pid, current()->comm);
	pr_err("Call Trace:");
	backtrace_print(0, (u64)__builtin_frame_address(0));
	pr_err(" ");
	if (describe) {
		describe_address(addr);
		print_memory(bad);
	}
	pr_err("%s", LINE);
	__atomic_store_n(&reporter, NOBODY, __ATOMIC_RELEASE);
}

void kasan_report(const void *addr, size_t len, bool write, u64 ip)
{
	char where[NAME_BYTES];
	u64 bad, irq = plat_irq_save();

	if (report_begin()) {
		const char *kind = kind_of((u64)addr, &bad, len);

		ksym_name(ip - 1, false, where, sizeof(where));
		pr_err("BUG: KASAN: %s in %s", kind, where);
		pr_err("%s of size %zu at addr %016llx by task %s/%u", write ? "Write" : "Read", len, (unsigned long long)addr,
		       current()->comm, current()->pid);
		report_rest((u64)addr, bad, (u64)addr >= 0xffff800000000000ull);
		if (!kasan_multi_shot)
			panic("KASAN: %s in %s", kind, where);
	}
	plat_irq_restore(irq);
}

void kasan_report_free(const void *addr, const char *kind, u64 ip)
{
	char where[NAME_BYTES];
	u64 irq = plat_irq_save();

	if (report_begin()) {
		ksym_name(ip - 1, false, where, sizeof(where));
		pr_err("BUG: KASAN: %s in %s", kind, where);
		pr_err("Free of addr %016llx by task %s/%u", (unsigned long long)addr, current()->comm, current()->pid);
		report_rest((u64)addr, (u64)addr, true);
		if (!kasan_multi_shot)
			panic("KASAN: %s in %s", kind, where);
	}
	plat_irq_restore(irq);
}
