/*
 * Memory files (memfd_create, System V shared memory): unnamed files of an instance of tmpfs that is mounted nowhere.
 *
 * Source: memfd_create(2), fcntl(2).
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/assert.h"
#include "vfs/file.h"
#include "vfs/memfd.h"
#include "vfs/ops.h"
#include "fs/ram/ram.h"

enum { NOT_MEMFD = ~0u, SEALS_ALL = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE,
       MAPS_DENIED = 1u << 31 };

static struct mount *hidden;

static struct file *create(const char *name, u64 size, u32 flags)
{
	bool memfd = flags != (u32)NOT_MEMFD;
	char label[256 + 8];
	struct file *f;
	struct path p;
	struct inode *i;

	fmt_snprintf(label, sizeof(label), memfd ? "memfd:%s" : "%s", name);
	i = ram_inode_new(hidden->super, NULL, S_IFREG | (memfd ? 0777 : 0600), 0);
	if (IS_ERR(i))
		return ERR_CAST(i);
	inode_set_size(i, size);
	if (memfd)
		ram_i(i)->seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
	p = (struct path){ hidden, d_alloc(hidden->root, label, strlen(label)) };
	if (!p.dentry) {
		i->nlink = 0;
		inode_put(i);
		return ERR_PTR(-ENOMEM);
	}
	d_instantiate_nameless(p.dentry, i);
	f = file_open_path(&p, O_RDWR | 0100000 /* O_LARGEFILE */, current()->cred);
	if (memfd && !IS_ERR(f))	/* its maker's descriptor does not keep it from being executed */
		file_writer_end(f, i, hidden);
	d_put(p.dentry);
	return f;
}

static bool sealable(struct file *f)
{
	return f->ops == &ram_file_fops;
}

static int get_seals(struct file *f)
{
	return sealable(f) ? (int)ram_i(f->inode)->seals : -EINVAL;
}

/* No shared writable mapping may exist, nor come to be, once writing is sealed. */
static int deny_maps(struct mapping *m)
{
	u32 none = 0;

	if (atomic_load(&m->writable_maps) & MAPS_DENIED)
		return 0;
	return try_cmpxchg(&m->writable_maps, &none, (u32)MAPS_DENIED) ? 0 : -EBUSY;
}

static int add_seals(struct file *f, u32 seals)
{
	int err = 0;

	if (!sealable(f))
		return -EINVAL;
	if (!(f->mode & FMODE_WRITE))
		return -EPERM;
	if (seals & ~(u32)SEALS_ALL)
		return -EINVAL;
	struct ram_inode *r = ram_i(f->inode);

	inode_lock(f->inode);
	if (r->seals & F_SEAL_SEAL)
		err = -EPERM;
	else if (seals & F_SEAL_WRITE && !(r->seals & F_SEAL_WRITE))
		err = deny_maps(f->mapping);
	if (!err)
		r->seals |= seals;
	inode_unlock(f->inode);
	return err;
}

static const struct memfd_ops ops = { .create = create, .add_seals = add_seals, .get_seals = get_seals };

void ram_memfd_init(void)
{
	static struct fs_type type = { .name = "tmpfs", .flags = FS_NODEV };
	struct ram_super rs = { .mode = 0700 };
	struct super *s = ram_super_new(&type, TMPFS_MAGIC, &rs);

	assert(!IS_ERR(s));
	hidden = mount_hidden(s, "tmpfs");
	assert(hidden);
	memfd_register(&ops);
}
