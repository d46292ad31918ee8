/*
 * A text that grows: see procfs.h.
 */
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/slab.h"
#include "vfs/path.h"
#include "vfs/procfs.h"

enum { FIRST_BYTES = 1024, NAME_BYTES = 4096 };

void seq_init(struct seq *s)
{
	s->buf = NULL;
	s->len = s->size = 0;
	s->err = 0;
}

void seq_fini(struct seq *s)
{
	kvfree(s->buf);
	seq_init(s);
}

/* Make room for @n more bytes. */
static bool reserve(struct seq *s, size_t n)
{
	size_t size = s->size ? s->size : FIRST_BYTES;
	char *bigger;

	if (s->err)
		return false;
	if (s->size - s->len >= n)
		return true;
	while (size - s->len < n)
		size *= 2;
	bigger = kvmalloc(size, ALLOC_KERNEL);
	if (!bigger) {
		s->err = -ENOMEM;
		return false;
	}
	if (s->len)
		memcpy(bigger, s->buf, s->len);
	kvfree(s->buf);
	s->buf = bigger;
	s->size = size;
	return true;
}

void seq_write(struct seq *s, const void *data, size_t n)
{
	if (!n || !reserve(s, n))
		return;
	memcpy(s->buf + s->len, data, n);
	s->len += n;
}

void seq_puts(struct seq *s, const char *text)
{
	seq_write(s, text, strlen(text));
}

void seq_putc(struct seq *s, char c)
{
	seq_write(s, &c, 1);
}

void seq_u64(struct seq *s, char before, u64 v)
{
	char text[21];
	unsigned n = 0;

	if (before)
		text[n++] = before;
	n += fmt_u64(text + n, v);
	seq_write(s, text, n);
}

static void put_piece(void *ctx, const char *text, size_t len)
{
	seq_write(ctx, text, len);
}

void seq_vprintf(struct seq *s, const char *fmt, va_list ap)
{
	fmt_vprintf(put_piece, s, fmt, ap);
}

void seq_printf(struct seq *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	seq_vprintf(s, fmt, ap);
	va_end(ap);
}

static void put_octal(struct seq *s, u8 c)
{
	char text[4] = { '\\', '0' + (c >> 6), '0' + ((c >> 3) & 7), '0' + (c & 7) };

	seq_write(s, text, sizeof(text));
}

void seq_escape(struct seq *s, const char *text, const char *also)
{
	for (; *text; text++) {
		if (strchr(" \t\n\\", *text) || (also && strchr(also, *text)))
			put_octal(s, *text);
		else
			seq_putc(s, *text);
	}
}

void seq_path(struct seq *s, const struct path *p, const char *also)
{
	char *buf = kmalloc(NAME_BYTES, ALLOC_KERNEL);
	char *name;

	if (!buf) {
		s->err = -ENOMEM;
		return;
	}
	name = path_name(p, buf, NAME_BYTES);
	for (const char *c = IS_ERR(name) ? "(too long)" : name; *c; c++) {
		if (*c == '\n' || (also && strchr(also, *c)))
			put_octal(s, *c);
		else
			seq_putc(s, *c);
	}
	kfree(buf);
}
