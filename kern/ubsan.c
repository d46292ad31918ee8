/*
 * Undefined behaviour: what the compiler calls where a check of -fsanitize=undefined fails (`make UBSAN=1`).
 *
 * Each check hands over a record that the compiler laid down (place, types) and the values.  A report has Linux's form, `UBSAN: KIND in
 * FILE:LINE:COLUMN` (on the console whatever its level); then the kernel goes on, as Linux does, but for what cannot: a missing return, an unreachable place.
 * Source: the interface of compiler-rt's lib/ubsan (ubsan_handlers.h), which gcc's records follow.
 *
 * Contexts: any.
 */
#include "base/printf.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/ksyms.h"
#include "kern/printk.h"
#include "kern/thread.h"

struct location {
	const char *file;
	u32 line, column;
};

struct type {
	u16 kind;		/* 0: integer */
	u16 info;		/* integer: bit 0 signed, above it log2 of the width in bits */
	char name[];
};

struct overflow_data { struct location at; const struct type *type; };
struct shift_data { struct location at; const struct type *left, *right; };
struct bounds_data { struct location at; const struct type *array, *index; };
struct mismatch_data { struct location at; const struct type *type; u8 log_align, access; };
struct invalid_data { struct location at; const struct type *type; };
struct builtin_data { struct location at; u8 kind; };
struct nonnull_data { struct location at, attribute; int argument; };
struct place_data { struct location at; };

enum { KIND_INTEGER = 0, TEXT_BYTES = 40 };

/* ---- values ---- */

static u32 width_of(const struct type *t)
{
	return t->kind == KIND_INTEGER ? 1u << (t->info >> 1) : 0;
}

static bool is_signed(const struct type *t)
{
	return t->kind == KIND_INTEGER && t->info & 1;
}

/* A value of up to 64 bits comes by itself, a wider one as a pointer; of that the low half will do. */
static s64 value_of(const struct type *t, u64 v)
{
	u32 bits = width_of(t);

	if (bits > 64)
		return *(const s64 *)v;
	if (bits == 64 || !bits)
		return (s64)v;
	return is_signed(t) ? (s64)(v << (64 - bits)) >> (64 - bits) : (s64)(v & ((1ull << bits) - 1));
}

static const char *text_of(const struct type *t, u64 v, char *buf)
{
	if (is_signed(t))
		fmt_snprintf(buf, TEXT_BYTES, "%lld", value_of(t, v));
	else
		fmt_snprintf(buf, TEXT_BYTES, "%llu", (u64)value_of(t, v));
	return buf;
}

/* ---- a report ---- */

/* One place is reported once: the column takes the mark.  Return: whether this is the first time. */
static bool report_begin(struct location *at, const char *kind)
{
	u32 column = __atomic_exchange_n(&at->column, ~0u, __ATOMIC_RELAXED);

	if (column == ~0u)
		return false;
	pr_err("================================================================================");
	printk(LOG_EMERG, "UBSAN: %s in %s:%u:%u", kind, at->file, at->line, column);
	return true;
}

static void report_end(void)
{
	pr_err("CPU: %u PID: %u Comm: %s", plat_cpu_id(), current()->pid, current()->comm);
	pr_err("Call Trace:");
	backtrace_print(0, (u64)__builtin_frame_address(0));
	pr_err("================================================================================");
}

static void overflow(struct overflow_data *d, u64 a, u64 b, char op)
{
	char left[TEXT_BYTES], right[TEXT_BYTES];

	if (!report_begin(&d->at, is_signed(d->type) ? "signed-integer-overflow" : "unsigned-integer-overflow"))
		return;
	pr_err("%s %c %s cannot be represented in type %s", text_of(d->type, a, left), op, text_of(d->type, b, right), d->type->name);
	report_end();
}

/* ---- what the compiler calls ---- */

#define HANDLER(name, ...)                                                                         \
	void __ubsan_handle_##name(__VA_ARGS__);                                                   \
	void __ubsan_handle_##name(__VA_ARGS__)

HANDLER(add_overflow, struct overflow_data *d, u64 a, u64 b) { overflow(d, a, b, '+'); }
HANDLER(sub_overflow, struct overflow_data *d, u64 a, u64 b) { overflow(d, a, b, '-'); }
HANDLER(mul_overflow, struct overflow_data *d, u64 a, u64 b) { overflow(d, a, b, '*'); }

HANDLER(negate_overflow, struct overflow_data *d, u64 v)
{
	char text[TEXT_BYTES];

	if (!report_begin(&d->at, "negation-overflow"))
		return;
	pr_err("negation of %s cannot be represented in type %s:", text_of(d->type, v, text), d->type->name);
	report_end();
}

HANDLER(divrem_overflow, struct overflow_data *d, u64 a, u64 b)
{
	char text[TEXT_BYTES];

	if (!report_begin(&d->at, "division-overflow"))
		return;
	if (value_of(d->type, b) == -1)
		pr_err("division of %s by -1 cannot be represented in type %s", text_of(d->type, a, text), d->type->name);
	else
		pr_err("division by zero");
	report_end();
}

HANDLER(shift_out_of_bounds, struct shift_data *d, u64 a, u64 b)
{
	char left[TEXT_BYTES], right[TEXT_BYTES];
	s64 by = value_of(d->right, b);

	if (!report_begin(&d->at, "shift-out-of-bounds"))
		return;
	text_of(d->left, a, left);
	text_of(d->right, b, right);
	if (is_signed(d->right) && by < 0)
		pr_err("shift exponent %s is negative", right);
	else if ((u64)by >= width_of(d->left))
		pr_err("shift exponent %s is too large for %u-bit type %s", right, width_of(d->left), d->left->name);
	else if (is_signed(d->left) && value_of(d->left, a) < 0)
		pr_err("left shift of negative value %s", left);
	else
		pr_err("left shift of %s by %s places cannot be represented in type %s", left, right, d->left->name);
	report_end();
}

HANDLER(out_of_bounds, struct bounds_data *d, u64 index)
{
	char text[TEXT_BYTES];

	if (!report_begin(&d->at, "array-index-out-of-bounds"))
		return;
	pr_err("index %s is out of range for type %s", text_of(d->index, index, text), d->array->name);
	report_end();
}

HANDLER(type_mismatch_v1, struct mismatch_data *d, u64 ptr)
{
	static const char *const access[] = { "load of", "store to", "reference binding to", "member access within", "member call on",
		"constructor call on", "downcast of", "downcast of", "upcast of", "cast to virtual base of" };
	u64 align = 1ull << d->log_align;
	const char *what = d->access < ARRAY_SIZE(access) ? access[d->access] : "use of";

	if (!report_begin(&d->at, !ptr ? "null-ptr-deref" : ptr & (align - 1) ? "misaligned-access" : "object-size-mismatch"))
		return;
	if (!ptr)
		pr_err("%s null pointer of type %s", what, d->type->name);
	else if (ptr & (align - 1))
		pr_err("%s misaligned address %016llx for type %s which requires %llu byte alignment", what, ptr, d->type->name, align);
	else
		pr_err("%s address %016llx with insufficient space for an object of type %s", what, ptr, d->type->name);
	report_end();
}

HANDLER(load_invalid_value, struct invalid_data *d, u64 v)
{
	char text[TEXT_BYTES];

	if (!report_begin(&d->at, "invalid-load"))
		return;
	pr_err("load of value %s is not a valid value for type %s", text_of(d->type, v, text), d->type->name);
	report_end();
}

HANDLER(pointer_overflow, struct place_data *d, u64 base, u64 result)
{
	if (!report_begin(&d->at, "pointer-overflow"))
		return;
	pr_err("pointer operation %s %016llx to %016llx", base < result ? "underflowed" : "overflowed", base, result);
	report_end();
}

HANDLER(vla_bound_not_positive, struct invalid_data *d, u64 bound)
{
	char text[TEXT_BYTES];

	if (!report_begin(&d->at, "vla-bound-not-positive"))
		return;
	pr_err("variable length array bound value %s <= 0", text_of(d->type, bound, text));
	report_end();
}

HANDLER(nonnull_arg, struct nonnull_data *d)
{
	if (!report_begin(&d->at, "null-argument"))
		return;
	pr_err("argument %d is null but must not be", d->argument);
	report_end();
}

HANDLER(nonnull_return_v1, struct nonnull_data *d, struct location *at)
{
	if (!report_begin(at, "null-return"))
		return;
	pr_err("a function returned null that must not");
	report_end();
}

HANDLER(invalid_builtin, struct builtin_data *d)
{
	if (!report_begin(&d->at, "invalid-builtin-use"))
		return;
	pr_err("zero given to %s, which leaves the result undefined", d->kind ? "clz()" : "ctz()");
	report_end();
}

HANDLER(builtin_unreachable, struct place_data *d)
{
	if (report_begin(&d->at, "unreachable"))
		report_end();
	panic("UBSAN: an unreachable place was reached");
}

HANDLER(missing_return, struct place_data *d)
{
	if (report_begin(&d->at, "missing-return"))
		report_end();
	panic("UBSAN: a function ended without its value");
}
