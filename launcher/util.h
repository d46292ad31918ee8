/* Messages, strings and growing lists of strings.  The launcher runs once and frees nothing. */
#ifndef AUK_UTIL_H
#define AUK_UTIL_H

#include <stdbool.h>
#include <stddef.h>

/* NULL-terminated, so that items can be an argv. */
struct list {
	char **items;
	size_t count;
};

/**
 * die - one line on standard error, beginning with "auk: ", and the end
 * @status: the exit status
 */
_Noreturn void die(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/**
 * text - like sprintf into fresh memory
 */
char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * must_alloc - malloc that ends the program where there is no memory
 */
void *must_alloc(size_t len_bytes);

void list_add(struct list *list, const char *item);
void list_addf(struct list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool list_has(const struct list *list, const char *item);

/**
 * file_load - a whole file in memory
 * @len_bytes: out; a NUL follows the last byte and is not counted
 * Return: its bytes, or NULL with errno set
 */
char *file_load(const char *path, size_t *len_bytes);

#endif
