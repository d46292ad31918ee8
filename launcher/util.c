/* See util.h. */
#define _GNU_SOURCE
#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "terminal.h"

void die(int status, const char *format, ...)
{
	va_list args;

	terminal_restore();
	fputs("auk: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

void *must_alloc(size_t len_bytes)
{
	void *memory = malloc(len_bytes);

	if (memory == NULL)
		die(125, "no memory for %zu bytes", len_bytes);
	return memory;
}

static char *vtext(const char *format, va_list args)
{
	char *out;

	if (vasprintf(&out, format, args) < 0)
		die(125, "no memory");
	return out;
}

char *text(const char *format, ...)
{
	va_list args;
	char *out;

	va_start(args, format);
	out = vtext(format, args);
	va_end(args);
	return out;
}

void list_add(struct list *list, const char *item)
{
	char **items = realloc(list->items, (list->count + 2) * sizeof(*items));

	if (items == NULL)
		die(125, "no memory");
	list->items = items;
	list->items[list->count++] = (char *)item;
	list->items[list->count] = NULL;
}

void list_addf(struct list *list, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	list_add(list, vtext(format, args));
	va_end(args);
}

bool list_has(const struct list *list, const char *item)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], item) == 0)
			return true;
	return false;
}

char *file_load(const char *path, size_t *len_bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	char *bytes;
	size_t fill = 0;

	if (fd < 0 || fstat(fd, &st) < 0)
		return NULL;
	bytes = must_alloc(st.st_size + 1);
	while (fill < (size_t)st.st_size) {
		ssize_t got = read(fd, bytes + fill, st.st_size - fill);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return NULL;
		if (got == 0)
			break;
		fill += got;
	}
	close(fd);
	bytes[fill] = '\0';
	*len_bytes = fill;
	return bytes;
}
