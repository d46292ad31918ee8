/*
 * The text of /proc/net/unix.
 *
 * Source: proc(5); the flags and states are those of Linux: 00010000 listening, 01 unconnected, 03 connected.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "kern/slab.h"
#include "sock/unix.h"
#include "vfs/procfs.h"

/* An abstract name is shown with @ for each NUL. */
static void show_name(struct seq *s, const struct unix_addr *a)
{
	u32 n = a->len - UNIX_PATH_OFFSET;

	seq_putc(s, ' ');
	if (a->name.sun_path[0])
		n = (u32)strnlen(a->name.sun_path, n);
	for (u32 i = 0; i < n; i++)
		seq_putc(s, a->name.sun_path[i] ? a->name.sun_path[i] : '@');
}

static void show(struct seq *s, const struct unix_sock *u)
{
	bool open = atomic_load(&u->sock.file) != NULL, joined = atomic_load(&u->peer) || u->state == UNIX_CONNECTED;
	u32 state = open ? (joined ? 3 : 1) : 2;

	seq_printf(s, "%016llx: %08X %08X %08X %04X %02X %5llu", 0ull, u->refs - 1, 0u, u->state == UNIX_LISTENING ? 0x10000u : 0u,
		   u->sock.type, state, open ? u->sock.ino : 0ull);
	if (u->addr)
		show_name(s, u->addr);
	seq_putc(s, '\n');
}

/* The text may sleep for memory, so the sockets are gathered first, with references. */
void sock_unix_show(struct seq *s)
{
	struct unix_sock *u, **all;
	u32 count = 0, max = 0;

	seq_puts(s, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	spin_lock(&unix_lock);
	list_for_each_entry(u, &unix_all, all_node)
		max++;
	spin_unlock(&unix_lock);
	all = kvmalloc((max + 1) * sizeof(*all), ALLOC_KERNEL);
	if (!all) {
		s->err = -ENOMEM;
		return;
	}
	spin_lock(&unix_lock);
	list_for_each_entry(u, &unix_all, all_node)
		if (count < max)
			all[count++] = unix_get(u);
	spin_unlock(&unix_lock);
	for (u32 i = 0; i < count; i++) {
		show(s, all[i]);
		unix_put(all[i]);
	}
	kvfree(all);
}
