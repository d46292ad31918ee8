/* Kernel modules: /modules/order and the files that it names. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init.h"

static void module_load(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/modules/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		dprintf(2, "auk-init: %s: %s\n", path, strerror(errno));
		return;
	}
	if (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)
		dprintf(2, "auk-init: module %s: %s\n", name, strerror(errno));
	close(fd);
	unlink(path);
}

void modules_load(void)
{
	static char names[8192];
	char *next = NULL;
	int fd = open("/modules/order", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (read(fd, names, sizeof(names) - 1) < 0)
		dprintf(2, "auk-init: /modules/order: %s\n", strerror(errno));
	close(fd);
	for (char *name = strtok_r(names, "\n", &next); name != NULL;
	     name = strtok_r(NULL, "\n", &next))
		module_load(name);
}
