/*
 * The limits that /proc/sys/net shows and sets.
 *
 * Source: Linux Documentation/admin-guide/sysctl/net.rst, socket(7), unix(7).
 */
#include "sock/internal.h"
#include "vfs/procfs.h"

enum { DEFAULT_BYTES = 212992, SNDBUF_MIN = 4608, RCVBUF_MIN = 2304, BYTES_MAX = 0x7fffffff };

struct sock_limits sock_limits = {
	.somaxconn = 4096,
	.wmem_max = DEFAULT_BYTES,
	.rmem_max = DEFAULT_BYTES,
	.wmem_default = DEFAULT_BYTES,
	.rmem_default = DEFAULT_BYTES,
	.unix_dgram_queue = 10,
};

static const struct sysctl table[] = {
	{ .path = "net/core/somaxconn", .kind = SYSCTL_U32, .mode = 0644, .value = &sock_limits.somaxconn, .max = BYTES_MAX },
	{ .path = "net/core/wmem_max", .kind = SYSCTL_U32, .mode = 0644, .value = &sock_limits.wmem_max, .min = SNDBUF_MIN, .max = BYTES_MAX },
	{ .path = "net/core/rmem_max", .kind = SYSCTL_U32, .mode = 0644, .value = &sock_limits.rmem_max, .min = RCVBUF_MIN, .max = BYTES_MAX },
	{ .path = "net/core/wmem_default", .kind = SYSCTL_U32, .mode = 0644, .value = &sock_limits.wmem_default, .min = SNDBUF_MIN, .max = BYTES_MAX },
	{ .path = "net/core/rmem_default", .kind = SYSCTL_U32, .mode = 0644, .value = &sock_limits.rmem_default, .min = RCVBUF_MIN, .max = BYTES_MAX },
	{ .path = "net/unix/max_dgram_qlen", .kind = SYSCTL_U32, .mode = 0644, .value = &sock_limits.unix_dgram_queue, .max = BYTES_MAX },
};

void sock_limits_init(void)
{
	proc_add_sysctl(table, ARRAY_SIZE(table));
}
