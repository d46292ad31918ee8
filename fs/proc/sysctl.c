/*
 * The text form of sysctls: see struct sysctl.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "fs/proc/internal.h"

int sysctl_show(const struct sysctl *t, struct seq *s)
{
	if (t->refresh)
		t->refresh(t);
	switch (t->kind) {
	case SYSCTL_U32:
		seq_printf(s, "%u\n", READ_ONCE(*(u32 *)t->value));
		break;
	case SYSCTL_S32:
		seq_printf(s, "%d\n", READ_ONCE(*(s32 *)t->value));
		break;
	case SYSCTL_U64:
		seq_printf(s, "%llu\n", READ_ONCE(*(u64 *)t->value));
		break;
	case SYSCTL_STRING:
		seq_printf(s, "%s\n", (const char *)t->value);
		break;
	case SYSCTL_U32_LIST:
		for (size_t i = 0; i < t->size; i++)
			seq_u64(s, i ? '\t' : 0, ((u32 *)t->value)[i]);
		seq_putc(s, '\n');
		break;
	}
	return 0;
}

/* Cut white space off both ends. */
static char *trim(char *text)
{
	size_t n;

	text = (char *)str_skip_spaces(text);
	n = strlen(text);
	while (n && (text[n - 1] == ' ' || text[n - 1] == '\n' || text[n - 1] == '\t'))
		text[--n] = '\0';
	return text;
}

static int parse_in_range(const struct sysctl *t, const char *text, u64 type_max, u64 *out)
{
	u64 max = t->max ? t->max : type_max;
	int err = parse_u64(text, 0, out);

	if (err)
		return -EINVAL;
	return *out < t->min || *out > max ? -EINVAL : 0;
}

static int write_signed(const struct sysctl *t, const char *text)
{
	s64 v;
	s32 min = t->max || t->min ? (s32)t->min : -0x7fffffff - 1;
	s32 max = t->max || t->min ? (s32)t->max : 0x7fffffff;

	if (parse_s64(text, 0, &v) || v < min || v > max)
		return -EINVAL;
	WRITE_ONCE(*(s32 *)t->value, v);
	return 0;
}

static int write_list(const struct sysctl *t, const char *text)
{
	u32 values[16];
	size_t n = 0;

	if (t->size > ARRAY_SIZE(values))
		return -EINVAL;
	for (const char *at = str_skip_spaces(text); *at && n < t->size; at = str_skip_spaces(at)) {
		const char *end;
		u64 v = parse_u64_prefix(at, &end, 10);

		if (end == at || v > 0xffffffff)
			return -EINVAL;
		values[n++] = v;
		at = end;
	}
	memcpy(t->value, values, n * sizeof(u32));
	return 0;
}

int sysctl_write(const struct sysctl *t, char *text)
{
	u64 v;
	int err = 0;

	text = trim(text);
	switch (t->kind) {
	case SYSCTL_U32:
		err = parse_in_range(t, text, 0xffffffff, &v);
		if (!err)
			WRITE_ONCE(*(u32 *)t->value, v);
		break;
	case SYSCTL_U64:
		err = parse_in_range(t, text, ~0ull, &v);
		if (!err)
			WRITE_ONCE(*(u64 *)t->value, v);
		break;
	case SYSCTL_S32:
		err = write_signed(t, text);
		break;
	case SYSCTL_STRING:
		strlcpy(t->value, text, t->size);
		break;
	case SYSCTL_U32_LIST:
		err = write_list(t, text);
		break;
	}
	if (!err && t->changed)
		err = t->changed(t);
	return err;
}
