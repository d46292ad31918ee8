/* Options of drivers; see param.h. */
#include "base/string.h"
#include "kern/param.h"
#include "plat/plat.h"

u64 param_u64(const char *name, u64 otherwise)
{
	const char *at = plat_cmdline(), *end;
	size_t len = strlen(name);
	u64 found = otherwise;

	for (const char *p = at; (p = strstr(p, name)) != NULL; p += len) {
		u64 v;

		if ((p != at && p[-1] != ' ') || p[len] != '=')
			continue;
		v = parse_u64_prefix(p + len + 1, &end, 0);
		if (end != p + len + 1 && (!*end || *end == ' '))
			found = v;
	}
	return found;
}
