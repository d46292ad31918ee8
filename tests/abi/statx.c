/* statx, statfs, fstatfs. */
#include "abi.h"
#include <linux/magic.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

void abi_test(void)
{
	struct statx x;
	struct statfs fs;

	put_file("f", "hello", 0640);
	OK("statx", statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x));
	say("fields", "mode %#o size %llu nlink %u blocks %llu", x.stx_mode, x.stx_size, x.stx_nlink, x.stx_blocks);
	YES("mask has the basics", (x.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	statx(AT_FDCWD, "f", 0, STATX_BTIME, &x);
	YES("tmpfs has a birth time", x.stx_mask & STATX_BTIME);
	statx(AT_FDCWD, "/tmp", 0, STATX_BASIC_STATS, &x);
	HEX("attributes of a mount's root", x.stx_attributes & STATX_ATTR_MOUNT_ROOT);
	statx(AT_FDCWD, "f", 0, STATX_BASIC_STATS, &x);
	HEX("of a file", x.stx_attributes & STATX_ATTR_MOUNT_ROOT);
	symlink("f", "s");
	statx(AT_FDCWD, "s", AT_SYMLINK_NOFOLLOW, STATX_SIZE, &x);
	VAL("link's size", x.stx_size);
	RET("bad flags", statx(AT_FDCWD, "f", 0x1, STATX_SIZE, &x));
	RET("both sync flags", statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC | AT_STATX_DONT_SYNC, STATX_SIZE, &x));
	RET("reserved mask", statx(AT_FDCWD, "f", 0, 0x80000000, &x));
	OK("AT_EMPTY_PATH", statx(open("f", O_RDONLY), "", AT_EMPTY_PATH, STATX_SIZE, &x));
	RET("empty path", statx(AT_FDCWD, "", 0, STATX_SIZE, &x));
	RET("NULL path", syscall(SYS_statx, 0, NULL, AT_EMPTY_PATH, STATX_SIZE, &x));
	RET("bad buffer", syscall(SYS_statx, AT_FDCWD, "f", 0, STATX_SIZE, 8));
	RET("missing", statx(AT_FDCWD, "nix", 0, STATX_SIZE, &x));
	RET("device numbers", ({ statx(AT_FDCWD, "/dev/zero", 0, STATX_TYPE, &x); x.stx_rdev_major * 100 + x.stx_rdev_minor; }));

	OK("statfs", statfs(".", &fs));
	YES("tmpfs magic", fs.f_type == TMPFS_MAGIC);
	say("tmpfs", "bsize %ld namelen %ld frsize %ld", fs.f_bsize, fs.f_namelen, fs.f_frsize);
	long before = fs.f_bfree, files = fs.f_ffree;
	static char block[64 * ABI_PAGE];
	int fd = open("big", O_CREAT | O_RDWR, 0600);
	write(fd, block, sizeof(block));
	fstatfs(fd, &fs);
	VAL("64 pages cost blocks", before - (long)fs.f_bfree);
	VAL("and a file", files - (long)fs.f_ffree);
	close(fd);
	unlink("big");
	statfs(".", &fs);
	VAL("and come back", before - (long)fs.f_bfree);
	statfs("/proc", &fs);
	say("proc", "magic %d blocks %ld", fs.f_type == PROC_SUPER_MAGIC, fs.f_blocks);
	statfs("/sys", &fs);
	YES("sysfs magic", fs.f_type == SYSFS_MAGIC);
	statfs("/dev/pts", &fs);
	YES("devpts magic", fs.f_type == DEVPTS_SUPER_MAGIC);
	int p[2];
	pipe(p);
	fstatfs(p[0], &fs);
	YES("pipefs magic", fs.f_type == PIPEFS_MAGIC);
	RET("statfs missing", statfs("nix", &fs));
	RET("fstatfs bad descriptor", fstatfs(99, &fs));
	RET("statfs bad buffer", syscall(SYS_statfs, ".", 8));
}
