/*
 * Feeds: damaged ext4 images to the whole kernel.  An input names one of the images that tests/fuzz/seeds made with mkfs.ext4 and debugfs (without
 * checksums of metadata, since nothing would come past them; one with a journal to be replayed), and bytes to be changed in those of its sectors that are
 * not zeroes.  Then it is mounted, walked, read, written to and unmounted, whatever calls answer.
 *
 * What must hold: no report of a sanitizer, no panic, no assertion, no machine that waits for ever, and no use of the disk's claim after unmounting
 * (the next input mounts it again).
 *
 * Cannot catch: wrong data that were given out as right; tests/fs compares with Debian's kernel and e2fsck.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/machine.h"

enum { SECTOR = 512, IMAGES = 3, BUF = 16384, DEPTH = 4, NAMES_MAX = 24, READ_MAX = 4 * BUF };

struct image {
	const u8 *data;
	size_t bytes;
	u32 *used, used_count;		/* sectors that are not all zeroes */
};

static struct image images[IMAGES];
static struct auk_disk *disk;
static uint64_t buf;
static unsigned calls;

static void load(void)
{
	for (unsigned i = 0; i < IMAGES; i++) {
		struct image *im = &images[i];
		char path[200];

		snprintf(path, sizeof(path), FUZZ_DATA "/ext4-%u.img", i);
		im->data = fuzz_file(path, &im->bytes);
		FUZZ_MUST(im->bytes == images[0].bytes);
		im->used = malloc(im->bytes / SECTOR * sizeof(u32));
		for (u32 s = 0; s < im->bytes / SECTOR; s++)
			for (u32 k = 0; k < SECTOR; k++)
				if (im->data[(size_t)s * SECTOR + k]) {
					im->used[im->used_count++] = s;
					break;
				}
	}
	disk = auk_disk_new(images[0].bytes);
	FUZZ_MUST(disk != NULL);
}

/* Only what differs from what the disk holds is written: the image, then the changes. */
static void make_disk(struct fuzz_input *in)
{
	const struct image *im = &images[fuzz_u8(in) % IMAGES];

	FUZZ_MUST(!auk_disk_poke(disk, 0, im->data, im->bytes));
	while (in->left) {
		u64 at = (u64)im->used[fuzz_u16(in) % im->used_count] * SECTOR;
		const u8 *bytes;

		at += fuzz_u16(in) % SECTOR;
		size_t n = fuzz_bytes(in, fuzz_u8(in) % 32 + 1u, &bytes);

		FUZZ_MUST(!auk_disk_poke(disk, at, bytes, MIN(n, im->bytes - at)));
	}
}

static long call(long nr, const char *path, uint64_t a, uint64_t b)
{
	calls++;
	return auk_syscall(nr, fuzz_name(path), a, b);
}

static void read_file(const char *path)
{
	long fd = call(SYS_open, path, O_RDWR | O_NONBLOCK | O_NOFOLLOW, 0), n;
	u64 at = 0;

	if (fd < 0)
		return;
	while (at < READ_MAX && (n = auk_syscall(SYS_pread64, fd, buf, BUF, at)) > 0)
		at += (u64)n;
	(void)auk_syscall(SYS_lseek, fd, 0, SEEK_HOLE);
	(void)auk_syscall(SYS_lseek, fd, 0, SEEK_DATA);
	(void)auk_syscall(SYS_pwrite64, fd, buf, 3000, 100);
	(void)auk_syscall(SYS_pwrite64, fd, buf, 3000, 200000);
	(void)auk_syscall(SYS_ftruncate, fd, 5000);
	(void)auk_syscall(SYS_close, fd);
}

static void walk(const char *path, unsigned depth);

static void visit(const char *path, unsigned depth)
{
	struct stat st;

	(void)call(SYS_llistxattr, path, buf, BUF);
	(void)auk_syscall(SYS_lgetxattr, fuzz_name(path), fuzz_name("user.k"), buf, BUF);
	if (call(SYS_lstat, path, buf, 0) || auk_get(&st, buf, sizeof(st)))
		return;
	if (S_ISDIR(st.st_mode) && depth < DEPTH)
		walk(path, depth + 1);
	else if (S_ISREG(st.st_mode))
		read_file(path);
	else if (S_ISLNK(st.st_mode))
		(void)call(SYS_readlink, path, buf, BUF);
}

/* The entries of one read of a directory: at most NAMES_MAX of them. */
static void walk(const char *path, unsigned depth)
{
	static char listing[DEPTH + 2][BUF];
	char *text = listing[depth];
	long fd = call(SYS_open, path, O_RDONLY | O_DIRECTORY, 0);

	if (fd < 0)
		return;
	long n = auk_syscall(SYS_getdents64, fd, buf, BUF);

	if (n > 0)
		FUZZ_MUST(!auk_get(text, buf, (size_t)n));
	(void)auk_syscall(SYS_close, fd);
	unsigned seen = 0;

	for (long at = 0; at < n && seen < NAMES_MAX; seen++) {
		const char *name = text + at + 19;
		u16 len;
		char child[400];

		memcpy(&len, text + at + 16, sizeof(len));
		FUZZ_MUST(len >= 24 && at + len <= n && strlen(name) < len - 19u);
		at += len;
		if (!strcmp(name, ".") || !strcmp(name, ".."))
			continue;
		if (snprintf(child, sizeof(child), "%s/%s", path, name) < (int)sizeof(child))
			visit(child, depth);
	}
}

static void change(void)
{
	long fd = call(SYS_open, "/mnt/new", O_RDWR | O_CREAT, 0644);

	if (fd >= 0) {
		(void)auk_syscall(SYS_write, fd, buf, BUF);
		(void)auk_syscall(SYS_fallocate, fd, 0, 20000, 30000);
		(void)auk_syscall(SYS_fsync, fd);
		(void)auk_syscall(SYS_close, fd);
	}
	(void)call(SYS_mkdir, "/mnt/made", 0755, 0);
	(void)auk_syscall(SYS_rename, fuzz_name("/mnt/new"), fuzz_name("/mnt/made/moved"));
	(void)auk_syscall(SYS_link, fuzz_name("/mnt/d/f0"), fuzz_name("/mnt/made/linked"));
	(void)auk_syscall(SYS_symlink, fuzz_name("/nowhere"), fuzz_name("/mnt/made/link"));
	(void)call(SYS_unlink, "/mnt/d/f1", 0, 0);
	(void)call(SYS_unlink, "/mnt/big", 0, 0);
	(void)call(SYS_rmdir, "/mnt/d/sub", 0, 0);
	(void)auk_syscall(SYS_sync);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct fuzz_input in = fuzz_input_of(data, len);

	if (!disk)
		load();
	struct auk_device device = { AUK_BLK, .disk = disk };

	if (fuzz_machine(&device, 1)) {
		buf = auk_alloc(BUF);
		FUZZ_MUST(buf && !call(SYS_mkdir, "/mnt", 0755, 0));
	}
	make_disk(&in);
	/* What the block device's cache has of the last input goes with its last user, and here explicitly. */
	if (auk_syscall(SYS_mount, fuzz_name("/dev/vda"), fuzz_name("/mnt"), fuzz_name("ext4"), 0, 0))
		return 0;
	walk("/mnt", 0);
	change();
	FUZZ_MUST(!call(SYS_umount2, "/mnt", 0, 0));
	return 0;
}
