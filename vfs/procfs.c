/*
 * The registry of /proc entries: a tree of names; see procfs.h.
 *
 * Locks: registry_lock guards children lists.  Entries are never removed, so a pointer to one stays good.
 */
#include <linux/errno.h>
#include <linux/stat.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/lock.h"
#include "kern/slab.h"
#include "vfs/procfs.h"

static struct spinlock registry_lock = SPINLOCK_INIT(RANK_FS_SPIN);
static u64 next_ino = 0xf0000001;	/* as Linux numbers them: from 0xf0000000 on */

static struct proc_entry root = {
	.kind = PROC_DIR,
	.mode = S_IFDIR | 0555,
	.ino = 1,
	.name = (char *)"",
	.children = LIST_HEAD_INIT(root.children),
	.sibling = LIST_HEAD_INIT(root.sibling),
};

struct proc_entry *proc_root_entry(void)
{
	return &root;
}

static struct proc_entry *find_locked(struct proc_entry *dir, const char *name, size_t len)
{
	struct proc_entry *e;

	list_for_each_entry(e, &dir->children, sibling)
		if (strlen(e->name) == len && !memcmp(e->name, name, len))
			return e;
	return NULL;
}

struct proc_entry *proc_find(struct proc_entry *dir, const char *name, size_t len)
{
	struct proc_entry *e;

	spin_lock(&registry_lock);
	e = find_locked(dir, name, len);
	spin_unlock(&registry_lock);
	return e;
}

struct proc_entry *proc_nth(struct proc_entry *dir, u64 n)
{
	struct proc_entry *e, *found = NULL;

	spin_lock(&registry_lock);
	list_for_each_entry(e, &dir->children, sibling)
		if (n-- == 0) {
			found = e;
			break;
		}
	spin_unlock(&registry_lock);
	return found;
}

static struct proc_entry *entry_new(enum proc_kind kind, u32 mode, const char *name, size_t len)
{
	struct proc_entry *e = kzalloc(sizeof(*e), ALLOC_KERNEL);

	assert(e);	/* registration happens at start-up: there is memory, or nothing goes */
	e->name = kstrndup(name, len, ALLOC_KERNEL);
	assert(e->name);
	e->kind = kind;
	e->mode = mode;
	e->ino = __atomic_fetch_add(&next_ino, 1, __ATOMIC_RELAXED);
	list_init(&e->children);
	return e;
}

/* Add @e below @dir, unless the name is there: then that one is returned and @e dropped. */
static struct proc_entry *link_entry(struct proc_entry *dir, struct proc_entry *e)
{
	struct proc_entry *there;

	spin_lock(&registry_lock);
	there = find_locked(dir, e->name, strlen(e->name));
	if (!there) {
		e->parent = dir;
		list_add_tail(&e->sibling, &dir->children);
	}
	spin_unlock(&registry_lock);
	if (!there)
		return e;
	kfree(e->name);
	kfree(e);
	return there;
}

/* The directory at [path, path + len) below @dir, made where missing. */
static struct proc_entry *directory_at(struct proc_entry *dir, const char *path, size_t len)
{
	while (len) {
		const char *slash = memchr(path, '/', len);
		size_t n = slash ? (size_t)(slash - path) : len;
		struct proc_entry *e = proc_find(dir, path, n);

		dir = e ? e : link_entry(dir, entry_new(PROC_DIR, S_IFDIR | 0555, path, n));
		assert(dir->kind == PROC_DIR);
		path += n;
		len -= n;
		if (len) {
			path++;
			len--;
		}
	}
	return dir;
}

/* A new entry at @path below @base. Naming one that is there replaces what it shows. */
static struct proc_entry *entry_at(struct proc_entry *base, enum proc_kind kind, const char *path, u32 mode)
{
	const char *last = strrchr(path, '/');
	struct proc_entry *dir = last ? directory_at(base, path, last - path) : base;
	struct proc_entry *e;

	last = last ? last + 1 : path;
	e = link_entry(dir, entry_new(kind, mode, last, strlen(last)));
	e->kind = kind;
	e->mode = mode;
	return e;
}

void proc_add_rw(const char *path, u32 mode, proc_show_fn *show, proc_write_fn *write)
{
	struct proc_entry *e = entry_at(&root, PROC_SHOW, path, S_IFREG | (mode & 07777));

	e->show = show;
	e->write = write;
}

void proc_add(const char *path, u32 mode, proc_show_fn *show)
{
	proc_add_rw(path, mode, show, NULL);
}

void proc_add_fops(const char *path, u32 mode, const struct file_ops *fops)
{
	entry_at(&root, PROC_FOPS, path, S_IFREG | (mode & 07777))->fops = fops;
}

void proc_add_link(const char *path, const char *target)
{
	entry_at(&root, PROC_LINK, path, S_IFLNK | 0777)->target = target;
}

void proc_add_link_fn(const char *path, int (*target)(char *buf, size_t size))
{
	entry_at(&root, PROC_LINK, path, S_IFLNK | 0777)->target_fn = target;
}

void proc_add_dir(const char *path, u32 mode)
{
	directory_at(&root, path, strlen(path))->mode = S_IFDIR | (mode & 07777);
}

void proc_add_sysctl(const struct sysctl *table, size_t count)
{
	struct proc_entry *sys = directory_at(&root, "sys", 3);

	for (size_t i = 0; i < count; i++)
		entry_at(sys, PROC_SYSCTL, table[i].path, S_IFREG | (table[i].mode & 07777))->sysctl = &table[i];
}
