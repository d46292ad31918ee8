/* The strings of exec; see exec.h.  Limits: execve(2). */
#include <linux/errno.h>
#include <linux/resource.h>
#include "base/string.h"
#include "kern/slab.h"
#include "mm/user.h"
#include "task/exec.h"
#include "task/task.h"

enum { STRING_MAX = 131072, FIRST_BYTES = 4096, POINTERS_AT_ONCE = 32 };

void exec_args_init(struct exec_args *a)
{
	u64 limit = current_task() ? current_rlimit(RLIMIT_STACK) / 4 : 6 << 20;

	memset(a, 0, sizeof(*a));
	a->limit = CLAMP(limit, 131072ull, 6ull << 20);
}

void exec_args_fini(struct exec_args *a)
{
	kvfree(a->buf);
	a->buf = NULL;
}

static int reserve(struct exec_args *a, size_t more)
{
	if (a->used + more <= a->size)
		return 0;
	size_t size = a->size ? a->size : FIRST_BYTES;
	while (size < a->used + more)
		size *= 2;
	char *buf = kvmalloc(size, ALLOC_KERNEL);
	if (!buf)
		return -ENOMEM;
	memcpy(buf, a->buf, a->used);
	kvfree(a->buf);
	a->buf = buf;
	a->size = size;
	return 0;
}

/* @len with its NUL. */
static int count(struct exec_args *a, size_t len, bool env)
{
	a->used += len;
	if (env) {
		a->envc++;
	} else {
		a->argc++;
		a->env_at = a->used;
	}
	return a->used + (a->argc + a->envc) * sizeof(u64) > a->limit ? -E2BIG : 0;
}

int exec_args_add(struct exec_args *a, const char *s, bool env)
{
	size_t len = strlen(s) + 1;
	int err = len > STRING_MAX ? -E2BIG : reserve(a, len);

	if (err)
		return err;
	memcpy(a->buf + a->used, s, len);
	return count(a, len, env);
}

static int add_user_string(struct exec_args *a, u64 addr, bool env)
{
	size_t room = 256;

	for (;;) {
		int err = reserve(a, room);

		if (err)
			return err;
		room = MIN(a->size - a->used, (size_t)STRING_MAX);
		long len = plat_strncpy_from_user(a->buf + a->used, addr, room);
		if (len < 0)
			return -EFAULT;
		if ((size_t)len < room)
			return count(a, (size_t)len + 1, env);
		if (room >= STRING_MAX || a->used + room > a->limit)
			return -E2BIG;
		room *= 2;
		if (room > STRING_MAX)
			room = STRING_MAX;
	}
}

int exec_args_add_user(struct exec_args *a, u64 array, bool env)
{
	u64 ptr[POINTERS_AT_ONCE];

	for (; array; array += sizeof(ptr)) {
		/* The array may end just before an unmapped page: then one by one. */
		size_t n = POINTERS_AT_ONCE;

		if (copy_in(ptr, uaddr(array), sizeof(ptr))) {
			for (n = 0; n < POINTERS_AT_ONCE && !get_user(ptr[n], uaddr(array + n * sizeof(u64))) && ptr[n]; n++)
				;
			if (n < POINTERS_AT_ONCE && get_user(ptr[n], uaddr(array + n * sizeof(u64))))
				return -EFAULT;
			n = MIN(n + 1, (size_t)POINTERS_AT_ONCE);
		}
		for (size_t i = 0; i < n; i++) {
			if (!ptr[i])
				return 0;
			int err = add_user_string(a, ptr[i], env);
			if (err)
				return err;
		}
	}
	return 0;
}
