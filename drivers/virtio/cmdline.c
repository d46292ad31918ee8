/* The argument virtio_mmio.device=; see cmdline.h. */
#include <linux/errno.h>
#include "base/string.h"
#include "drivers/virtio/cmdline.h"

enum { SIZE_MIN = 0x100, GSI_MAX = 1023 };

static unsigned suffix_shift(char c)
{
	switch (c) {
	case 'k': case 'K': return 10;
	case 'm': case 'M': return 20;
	case 'g': case 'G': return 30;
	default: return 0;
	}
}

int virtio_mmio_arg_parse(const char *s, struct virtio_mmio_arg *out)
{
	const char *end;
	u64 size = parse_u64_prefix(s, &end, 0), base, gsi;
	unsigned shift = suffix_shift(*end);

	if (end == s || size > ~0ull >> (shift + 1))
		return -EINVAL;
	size <<= shift;
	s = end + (shift != 0);
	if (*s++ != '@')
		return -EINVAL;
	base = parse_u64_prefix(s, &end, 0);
	if (end == s || *end != ':')
		return -EINVAL;
	s = end + 1;
	gsi = parse_u64_prefix(s, &end, 0);
	if (end == s || (*end && *end != ' ' && *end != ':'))
		return -EINVAL;
	if (size < SIZE_MIN || base + size < base || base >> 52 || gsi > GSI_MAX)
		return -EINVAL;
	out->size_bytes = size;
	out->base = base;
	out->gsi = gsi;
	return 0;
}

const char *virtio_mmio_arg_next(const char **cmdline)
{
	static const char key[] = "virtio_mmio.device=";
	const char *s = *cmdline;

	while (*s) {
		const char *word;

		while (*s == ' ')
			s++;
		word = s;
		while (*s && *s != ' ')
			s++;
		if (str_starts_with(word, key)) {
			*cmdline = s;
			return word + sizeof(key) - 1;
		}
	}
	*cmdline = s;
	return NULL;
}
