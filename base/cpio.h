/*
 * cpio archives in the "newc" format, in memory: what an initramfs is made of.
 *
 * Several archives may follow each other with zero bytes between them; cpio_next() stops at each
 * TRAILER!!! entry and cpio_next_archive() goes on after it.  Nothing is copied: names and data
 * point into the archive.
 *
 * Every field is checked against the end of the buffer; a name ends in a NUL, or in several (some tools
 * pad it so), and holds no other.  What a name means (.., absolute, twice) is the caller's to judge.
 *
 * Contexts: any.
 * Source: cpio(5), "New ASCII Format"; Linux Documentation/driver-api/early-userspace/buffer-format.rst
 */
#ifndef BASE_CPIO_H
#define BASE_CPIO_H

#include "base/types.h"

struct cpio {
	const u8 *image;
	size_t len;
	size_t at;		/* offset of the next header */
	const char *error;	/* what was wrong, NULL if nothing */
	size_t error_at;	/* and at which offset */
};

struct cpio_entry {
	const char *name;	/* NUL-terminated, never empty */
	size_t name_len;
	u32 ino;
	u32 mode;		/* type and permissions, as st_mode */
	u32 uid;
	u32 gid;
	u32 nlink;
	u32 mtime_s;
	u32 dev_major;		/* where the file lay: with ino it tells hard links */
	u32 dev_minor;
	u32 rdev_major;		/* a device node's number */
	u32 rdev_minor;
	u32 check;		/* "070702" archives: sum of the data bytes; else 0 */
	const u8 *data;
	size_t data_len;
	size_t offset;		/* of this header in the image */
};

/** cpio_init - @image may hold anything. */
void cpio_init(struct cpio *cpio, const void *image, size_t len);

/**
 * cpio_next - the next entry
 * Return: 1: *@entry is filled in; 0: the archive's trailer, or the end of the image; -EINVAL: damaged,
 *         see cpio->error and error_at
 */
MUST_CHECK int cpio_next(struct cpio *cpio, struct cpio_entry *entry);

/**
 * cpio_next_archive - after cpio_next() returned 0: skip zero bytes
 * Return: true if more bytes follow (cpio->at is their offset: an archive, or a compressed one)
 */
bool cpio_next_archive(struct cpio *cpio);

#endif
