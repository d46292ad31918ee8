/*
 * What the tests of vfs/ share: a root in memory, and short forms of what they do to it.
 *
 * Each test program includes it once; what one does not use is no warning.
 */
#ifndef TESTS_UNIT_VFS_TREE_H
#define TESTS_UNIT_VFS_TREE_H

#include "tests/unit/unit.h"

#include <unistd.h>

#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/mount.h>
#include <linux/stat.h>
#include "kern/cred.h"
#include "base/printf.h"
#include "kern/slab.h"
#include "kern/thread.h"
#include "tests/unit/mm/machine.h"
#include "tests/unit/vfs/stubs.h"
#include "vfs/dentry.h"
#include "vfs/epoll.h"
#include "vfs/eventfd.h"
#include "vfs/file.h"
#include "vfs/locks.h"
#include "vfs/memfd.h"
#include "vfs/notify.h"
#include "vfs/ops.h"
#include "vfs/pipe.h"
#include "vfs/poll.h"
#include "vfs/xattr.h"
#include "fs/ram/ram.h"

enum { CWD = AT_FDCWD };

__attribute__((unused)) static int start(void **state)
{
	machine_start();
	vfs_init();
	ram_register();
	devtmpfs_register();
	ram_memfd_init();
	current()->files = files_create();
	assert_int_equal(mount_init_root("rootfs"), 0);
	return 0;
}

/* ---- helpers ---- */

__attribute__((unused)) static struct file *must_open(const char *name, u32 flags)
{
	struct file *f = path_open(CWD, name, flags, 0644, 0);

	if (IS_ERR(f))
		fail_msg("open %s: %ld", name, PTR_ERR(f));
	return f;
}

__attribute__((unused)) static int try_open(const char *name, u32 flags)
{
	struct file *f = path_open(CWD, name, flags, 0644, 0);

	if (IS_ERR(f))
		return (int)PTR_ERR(f);
	file_put(f);
	return 0;
}

__attribute__((unused)) static void put_text(const char *name, const char *text)
{
	struct file *f = must_open(name, O_WRONLY | O_CREAT | O_TRUNC);

	assert_int_equal(file_write_kernel(f, text, strlen(text), 0), strlen(text));
	file_put(f);
}

__attribute__((unused)) static const char *get_text(const char *name)
{
	static char buf[8192];
	struct file *f = must_open(name, O_RDONLY);
	s64 n = file_read_kernel(f, buf, sizeof(buf) - 1, 0);

	file_put(f);
	assert_true(n >= 0);
	buf[n] = 0;
	return buf;
}

__attribute__((unused)) static int stat_of(const char *name, struct attrs *a)
{
	return vfs_statat(CWD, name, WALK_FOLLOW, a);
}

__attribute__((unused)) static bool exists(const char *name)
{
	struct attrs a;

	return vfs_statat(CWD, name, 0, &a) == 0;
}

__attribute__((unused)) static const char *name_of(const char *name)
{
	static char buf[4096];
	struct path p;

	assert_int_equal(path_lookup(CWD, name, WALK_FOLLOW, &p), 0);
	const char *s = path_name(&p, buf, sizeof(buf));

	path_put(&p);
	assert_false(IS_ERR(s));
	return s;
}

struct listing {
	struct dir_context c;
	unsigned max, count;
	char names[4096];
};

__attribute__((unused)) static bool collect(struct dir_context *c, const char *name, size_t len, u64 off, u64 ino, u8 type)
{
	struct listing *l = container_of(c, struct listing, c);

	if (l->count == l->max)
		return false;
	l->count++;
	strncat(l->names, name, len);
	strcat(l->names, " ");
	return true;
}

__attribute__((unused)) static const char *list_some(struct file *f, unsigned max)
{
	static struct listing l;

	l = (struct listing){ .c.emit = collect, .max = max };
	assert_int_equal(vfs_readdir(f, &l.c), 0);
	return l.names;
}

#endif
