/* The kernel's messages: the file that QEMU writes the serial console to. */
#ifndef AUK_LOG_H
#define AUK_LOG_H

#include <stdbool.h>

struct log {
	const char *path;
	const char *final_path; /* where it is moved after a good end; NULL: it stays */
	int fd;                 /* for reading */
};

/**
 * log_open - make the file
 * @path: the caller's choice, or NULL for one of this run's own in the state directory
 */
void log_open(struct log *log, const char *path);

/**
 * log_show_new - copy what has been added since the last call to standard error
 * @raw: the terminal is in raw mode, so lines need a carriage return
 */
void log_show_new(struct log *log, bool raw);

/**
 * log_is_empty - whether the kernel never said anything
 */
bool log_is_empty(const struct log *log);

/**
 * log_show_tail - copy the last lines to standard error
 */
void log_show_tail(const struct log *log);

/**
 * log_keep - after a good end: move the file to where the last run's log is
 */
void log_keep(const struct log *log);

#endif
