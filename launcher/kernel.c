/*
 * See kernel.h.
 *
 * Source: Linux, Documentation/arch/x86/boot.rst (bzImage header: "HdrS" at 0x202,
 * kernel_version at 0x20e); modules.dep(5).
 */
#define _GNU_SOURCE
#include "kernel.h"

#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "modules.h"
#include "paths.h"

#define BZIMAGE_MAGIC_AT 0x202
#define BZIMAGE_VERSION_AT 0x20e
#define BZIMAGE_HEADER_END 0x260

/* The word that begins at @at, or NULL if it does not end in the image. */
static const char *word_at(const char *image, size_t len, size_t at)
{
	size_t word_len = 0;

	while (at + word_len < len && strchr(" \t\n", image[at + word_len]) == NULL)
		word_len++;
	return at + word_len < len && word_len > 0 ? text("%.*s", (int)word_len, image + at) : NULL;
}

static const char *bzimage_version(const char *image, size_t len)
{
	size_t at;

	at = (unsigned char)image[BZIMAGE_VERSION_AT] | (unsigned char)image[BZIMAGE_VERSION_AT + 1]
							    << 8;
	return at == 0 ? NULL : word_at(image, len, at + 0x200);
}

static const char *elf_version(const char *image, size_t len)
{
	static const char banner[] = "Linux version ";
	const char *end = image + len, *at = image;

	while ((at = memmem(at, end - at, banner, strlen(banner))) != NULL) {
		at += strlen(banner);
		/* The format string of /proc/version begins the same way. */
		if (at < end && *at >= '0' && *at <= '9')
			return word_at(image, len, at - image);
	}
	return NULL;
}

static const char *find_modules(const char *path, const char *version)
{
	static const char *const places[] = {"../lib/modules", "lib/modules", "../../lib/modules"};
	const char *slash = strrchr(path, '/');
	int dir_len = slash == NULL ? 1 : slash - path + 1;
	const char *dir = slash == NULL ? "." : path;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const char *at = text("%.*s/%s/%s", dir_len, dir, places[i], version);

		if (access(text("%s/modules.dep", at), R_OK) == 0)
			return realpath(at, NULL);
	}
	return NULL;
}

void kernel_open(struct kernel *kernel, const struct args *args)
{
	size_t len;
	char *image;

	*kernel = (struct kernel){.path = args->kernel};
	if (kernel->path == NULL) {
		kernel->path = path_beside("vm/auk.elf");
		if (access(kernel->path, R_OK) < 0)
			die(125, "%s: %s; `make kernel` builds it, --kernel takes another",
			    kernel->path, strerror(errno));
		return;
	}
	image = file_load(kernel->path, &len);
	if (image == NULL)
		die(2, "--kernel %s: %s", kernel->path, strerror(errno));
	if (len > BZIMAGE_HEADER_END && memcmp(image + BZIMAGE_MAGIC_AT, "HdrS", 4) == 0)
		kernel->version = bzimage_version(image, len);
	else if (len > sizeof(Elf64_Ehdr) && memcmp(image, ELFMAG, SELFMAG) == 0)
		kernel->version = elf_version(image, len);
	else
		die(2, "--kernel %s: it is a bzImage or an ELF file", kernel->path);
	free(image);

	kernel->modules_dir = args->modules;
	if (kernel->modules_dir == NULL && kernel->version != NULL)
		kernel->modules_dir = find_modules(kernel->path, kernel->version);
	if (kernel->modules_dir != NULL)
		modules_choose(&kernel->modules, kernel->modules_dir, args);
}
