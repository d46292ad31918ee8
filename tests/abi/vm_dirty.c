/* /proc/sys/vm/dirty_*: defaults, what may be written, and that of a ratio and a number of bytes the last one holds. */
#include <stdlib.h>
#include "abi.h"

static char text[128];

static long get(const char *name)
{
	int fd = MUST(open(strcat(strcpy(text, "/proc/sys/vm/dirty_"), name), O_RDONLY));
	char buf[32] = "";

	read(fd, buf, sizeof(buf) - 1);
	close(fd);
	return atol(buf);
}

static long set(const char *name, const char *value)
{
	int fd = MUST(open(strcat(strcpy(text, "/proc/sys/vm/dirty_"), name), O_WRONLY));
	long r = write(fd, value, strlen(value));
	int saved = errno;

	close(fd);
	errno = saved;
	return r;
}

static void show(const char *when)
{
	VAL(when, get("ratio"));
	VAL(when, get("bytes"));
	VAL(when, get("background_ratio"));
	VAL(when, get("background_bytes"));
}

static const char *const tries[][2] = {
	{ "ratio", "101" }, { "ratio", "-1" }, { "ratio", "x" }, { "ratio", "30" }, { "bytes", "8191" }, { "bytes", "0" }, { "bytes", "8192" },
	{ "bytes", "100000000" }, { "background_bytes", "0" }, { "background_bytes", "1" }, { "background_ratio", "101" }, { "background_ratio", "100" },
	{ "background_ratio", "0" }, { "expire_centisecs", "0" }, { "expire_centisecs", "3000" }, { "expire_centisecs", "-1" },
	{ "writeback_centisecs", "0" }, { "writeback_centisecs", "500" }, { "writeback_centisecs", "-1" }, { "background_ratio", "10" }, { "ratio", "20" },
};

void abi_test(void)
{
	VAL("expire", get("expire_centisecs"));
	VAL("writeback", get("writeback_centisecs"));
	show("at first");
	for (unsigned i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		char what[64];

		snprintf(what, sizeof(what), "%s %s", tries[i][0], tries[i][1]);
		RET(what, set(tries[i][0], tries[i][1]));
		show(what);
	}
	VAL("expire", get("expire_centisecs"));
	VAL("writeback", get("writeback_centisecs"));
}
