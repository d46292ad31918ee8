/*
 * System calls on directories: reading them, the working directory, the root.
 */
#include <linux/fcntl.h>
#include <linux/limits.h>
#include "base/string.h"
#include "kern/sched.h"
#include "sys/sys.h"
#include "vfs/file.h"
#include "vfs/ops.h"
#include "vfs/path.h"

/* ---- getdents: entries are packed into a kernel page and copied out page by page ---- */

struct PACKED dirent64_head {	/* struct linux_dirent64: d_ino, d_off, d_reclen, d_type, d_name */
	u64 ino;
	s64 off;
	u16 reclen;
	u8 type;
};
struct PACKED dirent_head {	/* struct linux_dirent: the type is the record's last byte */
	u64 ino;
	u64 off;
	u16 reclen;
};

struct dents {
	struct dir_context ctx;
	bool old_form;
	char *page;
	u32 used, room;		/* bytes in @page; what the user's buffer still takes beyond them */
	u32 last;		/* offset of the record whose `off` is not known yet */
	bool any;
	int err;
};

static bool emit(struct dir_context *c, const char *name, size_t len, u64 off_next, u64 ino, u8 type)
{
	struct dents *d = container_of(c, struct dents, ctx);
	u32 head = d->old_form ? sizeof(struct dirent_head) : sizeof(struct dirent64_head);
	u32 size = (u32)ALIGN_UP(head + len + 1 + (d->old_form ? 1 : 0), 8u);

	if (size > d->room || d->used + size > PAGE_SIZE) {
		if (!d->any)
			d->err = -EINVAL;	/* not even one fits */
		return false;
	}
	char *p = d->page + d->used;
	memset(p, 0, size);
	if (d->old_form) {
		*(struct dirent_head *)p = (struct dirent_head){ ino, off_next, (u16)size };
		p[size - 1] = (char)type;
	} else {
		*(struct dirent64_head *)p = (struct dirent64_head){ ino, (s64)off_next, (u16)size, type };
	}
	memcpy(p + head, name, len);
	d->used += size;
	d->room -= size;
	d->any = true;
	return true;
}

static s64 getdents(u64 fd, u64 buf, u64 size, bool old_form)
{
	struct file *f = fd_get((int)fd);
	struct dents d = { .ctx.emit = emit, .old_form = old_form, .room = (u32)MIN(size, 0x7fffffffull) };
	u64 done = 0;

	if (!f)
		return -EBADF;
	d.page = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	int err = d.page ? 0 : -ENOMEM;
	while (!err) {
		d.used = 0;
		err = vfs_readdir(f, &d.ctx);
		if (!d.used)
			break;
		if (copy_out(uaddr(buf + done), d.page, d.used))
			err = -EFAULT;
		else
			done += d.used;
		cond_resched();
	}
	kfree(d.page);
	file_put(f);
	if (done)
		return (s64)done;
	return err ? err : d.err;
}

s64 sys_getdents(u64 fd, u64 buf, u64 size) { return getdents(fd, buf, (u32)size, true); }
s64 sys_getdents64(u64 fd, u64 buf, u64 size) { return getdents(fd, buf, (u32)size, false); }

/* ---- where we are ---- */

static s64 change_dir(u64 user_name, int (*change)(const struct path *p))
{
	struct path p;
	char *name = sys_name_in(user_name);

	if (IS_ERR(name))
		return PTR_ERR(name);
	int err = path_lookup(AT_FDCWD, name, WALK_FOLLOW | WALK_DIRECTORY, &p);
	sys_name_put(name);
	if (err)
		return err;
	err = change(&p);
	path_put(&p);
	return err;
}

s64 sys_chdir(u64 name) { return change_dir(name, vfs_chdir); }
s64 sys_chroot(u64 name) { return change_dir(name, vfs_chroot); }

s64 sys_fchdir(u64 fd)
{
	struct file *f = fd_get_path((int)fd);

	if (!f)
		return -EBADF;
	int err = vfs_chdir(&f->path);
	file_put(f);
	return err;
}

s64 sys_getcwd(u64 buf, u64 size)
{
	struct path cwd;
	char *page = kmalloc(PATH_MAX, ALLOC_KERNEL);

	if (!page)
		return -ENOMEM;
	fs_context_cwd(&cwd);
	char *name = path_name(&cwd, page, PATH_MAX);
	s64 ret = PTR_ERR(name);
	if (!IS_ERR(name)) {
		ret = (s64)strlen(name) + 1;
		if (ret > 11 && !strcmp(name + ret - 11, " (deleted)"))
			ret = -ENOENT;
		else if ((u64)ret > size)
			ret = -ERANGE;
		else if (copy_out(uaddr(buf), name, (size_t)ret))
			ret = -EFAULT;
	}
	path_put(&cwd);
	kfree(page);
	return ret;
}
