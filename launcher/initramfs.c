/*
 * See initramfs.h.
 *
 * Source: cpio(5), "New ASCII Format": "070701", thirteen fields of eight hex digits, the name
 * with its NUL; header with name, and content, each padded to four bytes.
 */
#define _GNU_SOURCE
#include "initramfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

struct archive {
	FILE *file;
	unsigned next_inode;
};

static void pad(struct archive *archive, size_t len)
{
	static const char zeros[4];

	fwrite(zeros, 1, -len & 3, archive->file);
}

static void add(struct archive *archive, const char *name, mode_t mode, dev_t device,
		const void *content, size_t len)
{
	size_t name_len = strlen(name) + 1;

	fprintf(archive->file, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x",
		archive->next_inode++, mode, 0, 0, 1, 0, len, 0, 0, major(device), minor(device),
		name_len, 0);
	fwrite(name, 1, name_len, archive->file);
	pad(archive, 110 + name_len);
	if (len > 0)
		fwrite(content, 1, len, archive->file);
	pad(archive, len);
}

static void add_file(struct archive *archive, const char *name, mode_t mode, const char *path)
{
	size_t len;
	char *content = file_load(path, &len);

	if (content == NULL)
		die(125, "%s: %s", path, strerror(errno));
	add(archive, name, S_IFREG | mode, 0, content, len);
}

static void add_modules(struct archive *archive, const struct list *modules)
{
	const char *order = "";

	add(archive, "modules", S_IFDIR | 0755, 0, NULL, 0);
	for (size_t i = 0; i < modules->count; i++) {
		const char *base = strrchr(modules->items[i], '/') + 1;

		add_file(archive, text("modules/%s", base), 0644, modules->items[i]);
		order = text("%s%s\n", order, base);
	}
	add(archive, "modules/order", S_IFREG | 0644, 0, order, strlen(order));
}

int initramfs_make(const char *init, const struct list *modules)
{
	static const char *const directories[] = {"dev",       "proc",      "sys",     "mnt",
						  "mnt/lower", "mnt/upper", "mnt/root"};
	struct archive archive = {.next_inode = 1};
	int fd = memfd_create("initramfs", 0);

	if (fd < 0 || (archive.file = fdopen(fd, "w")) == NULL)
		die(125, "cannot make the initramfs: %s", strerror(errno));
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++)
		add(&archive, directories[i], S_IFDIR | 0755, 0, NULL, 0);
	add(&archive, "dev/console", S_IFCHR | 0600, makedev(5, 1), NULL, 0);
	add_file(&archive, "init", 0755, init);
	if (modules->count > 0)
		add_modules(&archive, modules);
	add(&archive, "TRAILER!!!", 0, 0, NULL, 0);
	if (fflush(archive.file) != 0)
		die(125, "cannot write the initramfs: %s", strerror(errno));
	return fd;
}
