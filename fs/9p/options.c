/*
 * Mount options, those of Linux's 9p.  What means nothing here but does no harm is taken silently; what is not known is
 * an error, and so is what is known and cannot be honoured.
 *
 * Source: Linux, Documentation/filesystems/9p.rst.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "fs/9p/p9fs.h"

enum { MSIZE_DEFAULT = 500 * 1024 };

static bool one_of(const char *value, const char *const *names)
{
	for (; *names; names++) {
		if (strcmp(value, *names) == 0)
			return true;
	}
	return false;
}

static int parse_cache(const char *value, struct p9_options *out)
{
	static const char *const strict[] = { "none", "mmap", "readahead", "fscache", NULL };

	if (strcmp(value, "loose") == 0)
		out->loose = true;
	else if (one_of(value, strict))
		out->loose = false;
	else
		return -EINVAL;
	strlcpy(out->cache, value, sizeof(out->cache));
	return 0;
}

static int parse_msize(const char *value, struct p9_options *out)
{
	u64 bytes;
	int err = parse_size(value, &bytes);

	if (err || bytes < P9_MSIZE_MIN)
		return -EINVAL;
	out->msize = MIN(bytes, (u64)P9_MSIZE_MAX);
	return 0;
}

static int parse_text(const char *value, char *out, size_t size)
{
	return strlcpy(out, value, size) < size ? 0 : -EINVAL;
}

static int parse_uid(const char *value, struct p9_options *out)
{
	u64 uid;
	int err = parse_u64(value, 10, &uid);

	if (err || uid > 0xfffffffeu)
		return -EINVAL;
	out->uid = uid;
	return 0;
}

static int parse_one(const char *key, const char *value, struct p9_options *out)
{
	/* access=: permissions are always checked here, by the attributes, as access=client has it. */
	static const char *const ignored[] = { "access", "dfltgid", "debug", "cachetag", "locktimeout", "afid", NULL };
	static const char *const flags[] = { "posixacl", "nodevmap", "ignoreqv", "noextend", NULL };

	if (!value)
		return one_of(key, flags) ? 0 : -EINVAL;
	if (strcmp(key, "trans") == 0)
		return parse_text(value, out->trans, sizeof(out->trans));
	if (strcmp(key, "version") == 0)
		return strcmp(value, "9p2000.L") == 0 ? 0 : -EINVAL;
	if (strcmp(key, "msize") == 0)
		return parse_msize(value, out);
	if (strcmp(key, "cache") == 0)
		return parse_cache(value, out);
	if (strcmp(key, "uname") == 0)
		return parse_text(value, out->uname, sizeof(out->uname));
	if (strcmp(key, "aname") == 0)
		return parse_text(value, out->aname, sizeof(out->aname));
	if (strcmp(key, "dfltuid") == 0)
		return parse_uid(value, out);
	return one_of(key, ignored) ? 0 : -EINVAL;
}

int p9_options_parse(char *text, struct p9_options *out, const char **bad)
{
	char *key, *value;

	*out = (struct p9_options){ .msize = MSIZE_DEFAULT, .loose = true };
	strlcpy(out->trans, "virtio", sizeof(out->trans));
	strlcpy(out->uname, "root", sizeof(out->uname));
	strlcpy(out->cache, "loose", sizeof(out->cache));
	while (option_next(&text, &key, &value)) {
		if (parse_one(key, value, out)) {
			*bad = key;
			return -EINVAL;
		}
	}
	return 0;
}
