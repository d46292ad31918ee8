/*
 * The kernel log: a ring of lines with level and time, the console, and what syslog(2) and /dev/kmsg read.
 *
 * Any context may print.  Lines up to the console level go to the console at once.
 */
#ifndef KERN_PRINTK_H
#define KERN_PRINTK_H

#include <stdarg.h>
#include "base/types.h"

enum log_level { LOG_EMERG, LOG_ALERT, LOG_CRIT, LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG };

PRINTF(2, 3) void printk(enum log_level level, const char *fmt, ...);
void vprintk(enum log_level level, const char *fmt, va_list ap);

#define pr_err(...) printk(LOG_ERR, __VA_ARGS__)
#define pr_warn(...) printk(LOG_WARNING, __VA_ARGS__)
#define pr_notice(...) printk(LOG_NOTICE, __VA_ARGS__)
#define pr_info(...) printk(LOG_INFO, __VA_ARGS__)

/** log_set_console_level - lines of a level below @level reach the console (`quiet` sets LOG_WARNING). */
void log_set_console_level(int level);
int log_console_level(void);

/** log_console_register - a driver's console replaces the platform's early one. @write: any context, polled. */
void log_console_register(void (*write)(const char *buf, size_t n));

/* Readers (syslog, kmsg): sequence numbers name lines. */
struct log_line {
	u64 seq;
	u64 time_ns;
	u8 level;
	u16 len;
	char text[1000];
};
/** log_read - copy the oldest line with number >= seq. Return: 0, or -EAGAIN when there is none yet */
MUST_CHECK int log_read(u64 seq, struct log_line *out);
u64 log_next_seq(void);
struct waitq;
struct waitq *log_waitq(void);
/** log_append_user - a line written to /dev/kmsg. */
void log_append_user(enum log_level level, const char *text, size_t len);

#endif
