/* The kernel's command line: words without quotes, split at white space. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "init.h"

static char line[4096];

static void params_read(void)
{
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return;
	got = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (got <= 0)
		return;
	for (char *c = line; c < line + got; c++)
		if (*c == ' ' || *c == '\n' || *c == '\t')
			*c = '\0';
}

const char *params_get(const char *name)
{
	size_t name_len = strlen(name);
	const char *value = NULL;

	if (line[0] == '\0')
		params_read();
	for (const char *word = line; word < line + sizeof(line) - 1; word += strlen(word) + 1)
		if (strncmp(word, name, name_len) == 0 && word[name_len] == '=')
			value = word + name_len + 1;
	return value;
}
