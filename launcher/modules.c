/*
 * See modules.h.
 *
 * modules.dep has a line for each module, "PATH: PATH PATH...", all relative to the tree, with
 * everything that it depends on, what must be loaded first last.  A module's name is its file's,
 * with '-' and '_' meaning the same.
 * Source: modules.dep(5), modprobe(8)
 */
#define _GNU_SOURCE
#include "modules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct tree {
	const char *dir;
	const char *dep;     /* the text of modules.dep */
	const char *builtin; /* the text of modules.builtin; "" where there is none */
};

static bool same_name(const char *path, const char *name, size_t name_len)
{
	for (size_t i = 0; i < name_len; i++) {
		char a = path[i] == '-' ? '_' : path[i];
		char b = name[i] == '-' ? '_' : name[i];

		if (a != b)
			return false;
	}
	return strncmp(path + name_len, ".ko", 3) == 0;
}

/* The line whose path has that module name, or NULL. */
static const char *find_line(const char *lines, const char *name)
{
	size_t name_len = strlen(name);

	for (const char *line = lines; *line != '\0';) {
		size_t len = strcspn(line, "\n");
		size_t path_len = strcspn(line, ":\n");
		const char *slash = memrchr(line, '/', path_len);
		const char *base = slash == NULL ? line : slash + 1;

		if (same_name(base, name, name_len))
			return line;
		line += len + (line[len] == '\n');
	}
	return NULL;
}

static void add_path(struct list *paths, const struct tree *tree, const char *path, size_t len)
{
	const char *full = text("%s/%.*s", tree->dir, (int)len, path);

	if (list_has(paths, full))
		return;
	if (strcmp(full + strlen(full) - 3, ".ko") != 0)
		die(125, "%s: the module is compressed; unpack the tree's modules and run depmod",
		    full);
	list_add(paths, full);
}

/* Adds a line's modules from its end to its beginning. */
static void add_line(struct list *paths, const struct tree *tree, const char *line)
{
	const char *end = line + strcspn(line, "\n");

	while (end > line) {
		const char *start = end;

		while (start > line && start[-1] != ' ')
			start--;
		if (end[-1] == ':')
			add_path(paths, tree, start, end - start - 1);
		else
			add_path(paths, tree, start, end - start);
		end = start;
		while (end > line && end[-1] == ' ')
			end--;
	}
}

static void want(struct list *paths, const struct tree *tree, const char *name)
{
	const char *line = find_line(tree->dep, name);

	if (line != NULL)
		add_line(paths, tree, line);
}

/* A module without which the machine cannot do what was asked. */
static void need(struct list *paths, const struct tree *tree, const char *name, const char *why)
{
	if (find_line(tree->dep, name) == NULL && find_line(tree->builtin, name) == NULL)
		die(125, "%s has no module %s, which is needed for %s", tree->dir, name, why);
	want(paths, tree, name);
}

void modules_choose(struct list *paths, const char *dir, const struct args *args)
{
	struct tree tree = {.dir = dir};
	bool ninep = args->root_kind == ROOT_DIR || args->shares.count > 0;
	size_t len;

	tree.dep = file_load(text("%s/modules.dep", dir), &len);
	if (tree.dep == NULL)
		die(125, "%s/modules.dep: %s; depmod(8) makes it", dir, strerror(errno));
	tree.builtin = file_load(text("%s/modules.builtin", dir), &len);
	if (tree.builtin == NULL)
		tree.builtin = "";

	if (args->machine == MACHINE_MICROVM)
		need(paths, &tree, "virtio_mmio", "--machine microvm");
	else
		need(paths, &tree, "virtio_pci", "every virtio device");
	need(paths, &tree, "virtio_console", "the launcher");
	want(paths, &tree, "virtio_rng");
	if (ninep) {
		need(paths, &tree, "9p", "--root DIR and --rw (--root IMAGE does without)");
		need(paths, &tree, "9pnet_virtio", "--root DIR and --rw");
	}
	if (args->root_kind == ROOT_DIR)
		need(paths, &tree, "overlay", "--root DIR");
	if (args->root_kind == ROOT_IMAGE || args->drives.count > 0)
		need(paths, &tree, "virtio_blk", "a disk");
	if (args->root_kind == ROOT_IMAGE) {
		/* ext4 asks for it by its algorithm's name, which modules.dep does not show. */
		want(paths, &tree, "crc32c_generic");
		need(paths, &tree, "ext4", "--root IMAGE");
	}
	if (args->nics.count > 0)
		need(paths, &tree, "virtio_net", "--nic");
}
