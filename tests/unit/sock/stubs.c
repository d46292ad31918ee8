/* What sock/ needs of kern/ beyond the stubs of tests/unit/vfs. */
#include "tests/unit/unit.h"

#include <linux/errno.h>
#include "kern/random.h"
#include "kern/slab.h"
#include "kern/work.h"
#include "sock/internal.h"

void random_bytes(void *out, size_t n) { memset(out, 7, n); }
void delayed_work_init(struct delayed_work *d, void (*fn)(struct work *w)) { work_init(&d->work, fn); }

/* Runs when the test says so. */
struct work *stub_delayed;
void delayed_work_queue(struct delayed_work *d, u64 delay_ns) { stub_delayed = &d->work; }

void *kmalloc_array(size_t n, size_t size, u32 flags) { return kmalloc(n * size, flags); }

/* AF_INET is not linked in: it would bring all of net/ along. */
void inet_families_init(void);
void inet_families_init(void) {}
/* Nor are netlink and devices. */
void netlink_init(void);
void netlink_init(void) {}
void diag_init(void);
void diag_init(void) {}
s64 sock_device_ioctl(u32 cmd, u64 arg) { return -ENOTTY; }

/* Nor are filters. */
struct socket;
int sock_filter_attach(struct socket *s, const void *code, u32 len);
int sock_filter_attach(struct socket *s, const void *code, u32 len) { return -ENOPROTOOPT; }
int sock_filter_detach(struct socket *s);
int sock_filter_detach(struct socket *s) { return -ENOPROTOOPT; }
int sock_filter_lock(struct socket *s, bool lock);
int sock_filter_lock(struct socket *s, bool lock) { return 0; }
void sock_filter_free(struct socket *s);
void sock_filter_free(struct socket *s) {}
void packet_sockets_init(void);
void packet_sockets_init(void) {}
