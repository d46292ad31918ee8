/*
 * See log.h.
 *
 * Runs side by side must not write into one file, so each has its own, auk.PID.log; a run that
 * ended well leaves it as auk.log, the last one's.
 */
#define _GNU_SOURCE
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "paths.h"
#include "util.h"

#define TAIL_LINES 12

void log_open(struct log *log, const char *path)
{
	*log = (struct log){.path = path};
	if (path == NULL) {
		log->path = path_state(text("auk.%d.log", getpid()));
		log->final_path = path_state("auk.log");
	}
	log->fd = open(log->path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (log->fd < 0)
		die(path == NULL ? 125 : 2, "cannot write the log %s: %s", log->path,
		    strerror(errno));
}

static void show(const char *bytes, size_t len, bool raw)
{
	for (size_t i = 0; i < len; i++) {
		if (bytes[i] == '\n' && raw)
			fputc('\r', stderr);
		/* The console's own carriage returns would hide what stands in the line. */
		if (bytes[i] != '\r')
			fputc(bytes[i], stderr);
	}
	fflush(stderr);
}

void log_show_new(struct log *log, bool raw)
{
	char bytes[8192];
	ssize_t got;

	while ((got = read(log->fd, bytes, sizeof(bytes))) > 0)
		show(bytes, got, raw);
}

bool log_is_empty(const struct log *log)
{
	struct stat st;

	return fstat(log->fd, &st) == 0 && st.st_size == 0;
}

void log_show_tail(const struct log *log)
{
	size_t len, at;
	const char *bytes = file_load(log->path, &len);
	int lines = 0;

	if (bytes == NULL || len == 0)
		return;
	for (at = len - 1; at > 0; at--)
		if (bytes[at - 1] == '\n' && ++lines == TAIL_LINES)
			break;
	show(bytes + at, len - at, false);
	if (bytes[len - 1] != '\n')
		fputc('\n', stderr);
}

void log_keep(const struct log *log)
{
	if (log->final_path != NULL)
		rename(log->path, log->final_path);
}
