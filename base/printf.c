/*
 * Formatted output; see printf.h.
 *
 * The format is taken apart into a struct spec for each conversion; literal text and long paddings go
 * out in runs.
 *
 * Source: ISO C11 7.21.6.1; printf(3).
 */
#include "base/printf.h"
#include "base/string.h"

enum flags {
	FLAG_LEFT = 1,
	FLAG_PLUS = 2,
	FLAG_SPACE = 4,
	FLAG_ALT = 8,
	FLAG_ZERO = 16,
	FLAG_UPPER = 32,
	FLAG_NEGATIVE = 64,
	FLAG_POINTER = 128,
};

struct out {
	fmt_put_fn *put;
	void *ctx;
	size_t count;
};

struct spec {
	unsigned flags;
	int width;
	int precision;		/* -1: none given */
	char length;		/* 'H' for hh, 'q' for ll */
	char conversion;
};

/* va_list may be an array type, which cannot be passed by address as itself. */
struct args {
	va_list va;
};

static void put_text(struct out *out, const char *text, size_t len)
{
	if (len) {
		out->put(out->ctx, text, len);
		out->count += len;
	}
}

static void put_pad(struct out *out, bool zeros, long len)
{
	static const char spaces_text[] = "                ";
	static const char zeros_text[] = "0000000000000000";

	while (len > 0) {
		size_t part = len < 16 ? (size_t)len : 16;

		put_text(out, zeros ? zeros_text : spaces_text, part);
		len -= (long)part;
	}
}

static const char digit_pairs[] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

/* Decimal digits of @value that end before @end; returns where they start. */
static char *decimal(char *end, u64 value)
{
	while (value >= 100) {
		unsigned pair = (unsigned)(value % 100) * 2;

		value /= 100;
		*--end = digit_pairs[pair + 1];
		*--end = digit_pairs[pair];
	}
	if (value >= 10) {
		*--end = digit_pairs[value * 2 + 1];
		*--end = digit_pairs[value * 2];
	} else {
		*--end = (char)('0' + value);
	}
	return end;
}

unsigned fmt_u64(char *buf, u64 value)
{
	char digits[20];
	char *start = decimal(digits + sizeof(digits), value);
	unsigned len = (unsigned)(digits + sizeof(digits) - start);

	for (unsigned i = 0; i < len; i++)
		buf[i] = start[i];
	return len;
}

/* As decimal(), for bases 8 and 16. */
static char *power_of_two_digits(char *end, u64 value, unsigned shift, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";

	do {
		*--end = digits[value & ((1U << shift) - 1)];
		value >>= shift;
	} while (value);
	return end;
}

static void put_number(struct out *out, const struct spec *spec, u64 value)
{
	char buf[24];
	char *end = buf + sizeof(buf);
	char *start = end;
	char prefix[2];
	unsigned prefix_len = 0;
	long digits;
	long zeros;
	long spaces;
	bool hex = spec->conversion == 'x' || spec->conversion == 'X';

	if (value || spec->precision != 0) {
		if (hex)
			start = power_of_two_digits(end, value, 4, spec->flags & FLAG_UPPER);
		else if (spec->conversion == 'o')
			start = power_of_two_digits(end, value, 3, false);
		else
			start = decimal(end, value);
	}
	digits = end - start;
	if (spec->flags & FLAG_NEGATIVE)
		prefix[prefix_len++] = '-';
	else if (spec->flags & FLAG_PLUS)
		prefix[prefix_len++] = '+';
	else if (spec->flags & FLAG_SPACE)
		prefix[prefix_len++] = ' ';
	if (hex && (spec->flags & FLAG_ALT) && (value || (spec->flags & FLAG_POINTER))) {
		prefix[prefix_len++] = '0';
		prefix[prefix_len++] = spec->flags & FLAG_UPPER ? 'X' : 'x';
	}
	zeros = (long)spec->precision - digits;
	if (zeros < 0)
		zeros = 0;
	if (spec->conversion == 'o' && (spec->flags & FLAG_ALT) && zeros == 0 &&
	    (digits == 0 || *start != '0'))
		zeros = 1;
	spaces = (long)spec->width - prefix_len - zeros - digits;
	if (spaces > 0 && spec->precision < 0 && (spec->flags & (FLAG_ZERO | FLAG_LEFT)) == FLAG_ZERO) {
		zeros += spaces;
		spaces = 0;
	}
	if (!(spec->flags & FLAG_LEFT))
		put_pad(out, false, spaces);
	put_text(out, prefix, prefix_len);
	put_pad(out, true, zeros);
	put_text(out, start, (size_t)digits);
	if (spec->flags & FLAG_LEFT)
		put_pad(out, false, spaces);
}

static void put_string(struct out *out, const struct spec *spec, const char *s, size_t len)
{
	long spaces = (long)spec->width - (long)len;

	if (!(spec->flags & FLAG_LEFT))
		put_pad(out, false, spaces);
	put_text(out, s, len);
	if (spec->flags & FLAG_LEFT)
		put_pad(out, false, spaces);
}

static u64 unsigned_arg(struct args *args, char length)
{
	switch (length) {
	case 'H':
		return (unsigned char)va_arg(args->va, unsigned);
	case 'h':
		return (unsigned short)va_arg(args->va, unsigned);
	case 'l':
	case 'z':
	case 't':
		return va_arg(args->va, unsigned long);
	case 'q':
	case 'j':
		return va_arg(args->va, unsigned long long);
	default:
		return va_arg(args->va, unsigned);
	}
}

static s64 signed_arg(struct args *args, char length)
{
	switch (length) {
	case 'H':
		return (signed char)va_arg(args->va, int);
	case 'h':
		return (short)va_arg(args->va, int);
	case 'l':
	case 'z':
	case 't':
		return va_arg(args->va, long);
	case 'q':
	case 'j':
		return va_arg(args->va, long long);
	default:
		return va_arg(args->va, int);
	}
}

/* A number of the format itself; past INT_MAX it stays there. */
static int format_number(const char **fmt)
{
	long value = 0;

	while (**fmt >= '0' && **fmt <= '9') {
		value = value * 10 + (**fmt - '0');
		if (value > INT32_MAX)
			value = INT32_MAX;
		(*fmt)++;
	}
	return (int)value;
}

static unsigned flag_of(char c)
{
	switch (c) {
	case '-':
		return FLAG_LEFT;
	case '+':
		return FLAG_PLUS;
	case ' ':
		return FLAG_SPACE;
	case '#':
		return FLAG_ALT;
	case '0':
		return FLAG_ZERO;
	default:
		return 0;
	}
}

/* From behind the % up to and with the conversion character; returns what follows. */
static const char *parse_spec(const char *fmt, struct spec *spec, struct args *args)
{
	*spec = (struct spec){ .precision = -1 };
	for (; flag_of(*fmt); fmt++)
		spec->flags |= flag_of(*fmt);
	if (*fmt == '*') {
		spec->width = va_arg(args->va, int);
		if (spec->width < 0) {
			spec->flags |= FLAG_LEFT;
			spec->width = spec->width == INT32_MIN ? INT32_MAX : -spec->width;
		}
		fmt++;
	} else {
		spec->width = format_number(&fmt);
	}
	if (*fmt == '.') {
		fmt++;
		if (*fmt == '*') {
			spec->precision = va_arg(args->va, int);
			if (spec->precision < 0)
				spec->precision = -1;
			fmt++;
		} else {
			spec->precision = format_number(&fmt);
		}
	}
	if (*fmt == 'h' || *fmt == 'l' || *fmt == 'z' || *fmt == 't' || *fmt == 'j') {
		spec->length = *fmt++;
		if (spec->length == *fmt && (*fmt == 'h' || *fmt == 'l'))
			spec->length = *fmt++ == 'h' ? 'H' : 'q';
	}
	spec->conversion = *fmt;
	return *fmt ? fmt + 1 : fmt;
}

/* False if the conversion is unknown. */
static bool convert(struct out *out, struct spec *spec, struct args *args)
{
	s64 number;
	const char *s;
	char c;

	switch (spec->conversion) {
	case 'd':
	case 'i':
		number = signed_arg(args, spec->length);
		if (number < 0)
			spec->flags |= FLAG_NEGATIVE;
		put_number(out, spec, number < 0 ? 0 - (u64)number : (u64)number);
		return true;
	case 'X':
		spec->flags |= FLAG_UPPER;
		FALLTHROUGH;
	case 'x':
	case 'o':
	case 'u':
		spec->flags &= ~(unsigned)(FLAG_PLUS | FLAG_SPACE);
		put_number(out, spec, unsigned_arg(args, spec->length));
		return true;
	case 'p':
		spec->conversion = 'x';
		spec->flags = (spec->flags & (FLAG_LEFT | FLAG_ZERO)) | FLAG_ALT | FLAG_POINTER;
		put_number(out, spec, (uintptr_t)va_arg(args->va, void *));
		return true;
	case 'c':
		c = (char)va_arg(args->va, int);
		put_string(out, spec, &c, 1);
		return true;
	case 's':
		s = va_arg(args->va, const char *);
		if (!s)
			s = "(null)";
		put_string(out, spec, s,
			   spec->precision < 0 ? strlen(s) : strnlen(s, (size_t)spec->precision));
		return true;
	case '%':
		put_text(out, "%", 1);
		return true;
	default:
		return false;
	}
}

size_t fmt_vprintf(fmt_put_fn *put, void *ctx, const char *fmt, va_list va)
{
	struct out out = { .put = put, .ctx = ctx };
	struct args args;

	va_copy(args.va, va);
	for (;;) {
		const char *start = fmt;
		struct spec spec;

		while (*fmt && *fmt != '%')
			fmt++;
		put_text(&out, start, (size_t)(fmt - start));
		if (!*fmt)
			break;
		start = fmt;
		fmt = parse_spec(fmt + 1, &spec, &args);
		if (!convert(&out, &spec, &args)) {
			put_text(&out, start, strlen(start));
			break;
		}
	}
	va_end(args.va);
	return out.count;
}

struct buffer {
	char *at;
	size_t room;		/* for characters, the NUL not counted */
};

static void buffer_put(void *ctx, const char *text, size_t len)
{
	struct buffer *buffer = ctx;

	if (len > buffer->room)
		len = buffer->room;
	memcpy(buffer->at, text, len);
	buffer->at += len;
	buffer->room -= len;
}

int fmt_vsnprintf(char *buf, size_t size, const char *fmt, va_list va)
{
	struct buffer buffer = { .at = buf, .room = size ? size - 1 : 0 };
	size_t len = fmt_vprintf(buffer_put, &buffer, fmt, va);

	if (size)
		*buffer.at = '\0';
	return len > INT32_MAX ? INT32_MAX : (int)len;
}

int fmt_snprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list va;
	int len;

	va_start(va, fmt);
	len = fmt_vsnprintf(buf, size, fmt, va);
	va_end(va);
	return len;
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list va)
{
	int len = fmt_vsnprintf(buf, size, fmt, va);

	if (size == 0)
		return 0;
	return (size_t)len < size ? len : (int)(size - 1);
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list va;
	int len;

	va_start(va, fmt);
	len = vscnprintf(buf, size, fmt, va);
	va_end(va);
	return len;
}
