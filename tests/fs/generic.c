/*
 * How an ext4 behaves to programs: cases in the spirit of xfstests' generic group.  Each prints lines that depend on nothing but
 * the file system's promises; tests/fs/generic.expected holds those of Debian's kernel (tests/fs/run --record).
 *
 * usage: generic DIR [CASE]
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *current;
static char big[1 << 20];

static const char *why(long r) { return r < 0 ? strerrorname_np(errno) : "ok"; }
#define SAY(...) (printf("%s: ", current), printf(__VA_ARGS__), putchar('\n'))
#define TRY(call) do { long r_ = (long)(call); SAY("%s = %s", #call, r_ < 0 ? why(r_) : r_ > 0 ? "positive" : "0"); } while (0)
#define VALUE(call) do { long r_ = (long)(call); if (r_ < 0) SAY("%s = %s", #call, why(r_)); else SAY("%s = %ld", #call, r_); } while (0)

static int make(const char *name, size_t n, int byte)
{
	int fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0644);

	memset(big, byte, sizeof(big));
	if (n && write(fd, big, n) != (ssize_t)n)
		SAY("write of %zu: %s", n, why(-1));
	return fd;
}

static long size_of(int fd) { struct stat st; return fstat(fd, &st) ? -1 : (long)st.st_size; }
static long blocks_of(int fd) { struct stat st; return fstat(fd, &st) ? -1 : (long)st.st_blocks; }

/* Runs of equal bytes. */
static void show(int fd)
{
	static unsigned char buf[1 << 20];
	ssize_t n = pread(fd, buf, sizeof(buf), 0), from = 0;

	printf("%s: %zd bytes:", current, n);
	for (ssize_t i = 1; i <= n; i++)
		if (i == n || buf[i] != buf[from]) {
			printf(" %#x*%zd", buf[from], i - from);
			from = i;
		}
	putchar('\n');
}

static void holes(int fd)
{
	off_t at = 0, size = size_of(fd);

	printf("%s: data:", current);
	while (at < size) {
		off_t d = lseek(fd, at, SEEK_DATA), h;

		if (d < 0)
			break;
		h = lseek(fd, d, SEEK_HOLE);
		printf(" [%ld,%ld)", (long)d, (long)h);
		at = h;
	}
	putchar('\n');
}

static void extents(int fd)
{
	struct { struct fiemap m; struct fiemap_extent e[20]; } f = { .m = { .fm_length = ~0ull, .fm_extent_count = 20, .fm_flags = FIEMAP_FLAG_SYNC } };
	/* neighbours of one kind count as one: how a file is cut up on disk is not promised */
	uint64_t start = 0, end = 0;
	uint32_t flags = 0;
	int any = 0;

	if (ioctl(fd, FS_IOC_FIEMAP, &f)) {
		SAY("fiemap: %s", why(-1));
		return;
	}
	printf("%s: extents:", current);
	for (unsigned i = 0; i <= f.m.fm_mapped_extents; i++) {
		struct fiemap_extent *x = &f.e[i];
		int stop = i == f.m.fm_mapped_extents;

		if (!stop && any && x->fe_logical == end && (x->fe_flags & FIEMAP_EXTENT_UNWRITTEN) == (flags & FIEMAP_EXTENT_UNWRITTEN)) {
			end += x->fe_length;
			flags = x->fe_flags;
			continue;
		}
		if (any)
			printf(" [%llu,%llu)%s%s", (unsigned long long)start, (unsigned long long)end,
			       flags & FIEMAP_EXTENT_UNWRITTEN ? "u" : "", flags & FIEMAP_EXTENT_LAST ? "." : "");
		if (!stop) {
			start = x->fe_logical;
			end = start + x->fe_length;
			flags = x->fe_flags;
			any = 1;
		}
	}
	putchar('\n');
}

/* ---- cases ---- */

static void c_hole_read(void) { int fd = make("a", 100, 1); pwrite(fd, "x", 1, 50000); show(fd); holes(fd); close(fd); }
static void c_truncate_zeroes(void) { int fd = make("a", 10000, 7); ftruncate(fd, 5000); ftruncate(fd, 9000); show(fd); fsync(fd); show(fd); close(fd); }
static void c_truncate_up(void) { int fd = make("a", 10, 7); VALUE(ftruncate(fd, 100000)); show(fd); holes(fd); close(fd); }
static void c_truncate_big(void) { int fd = make("a", 0, 0); TRY(ftruncate(fd, 1ll << 43)); VALUE(size_of(fd) >> 40); TRY(ftruncate(fd, 1ll << 44)); TRY(ftruncate(fd, 0)); VALUE(blocks_of(fd)); close(fd); }
static void c_truncate_neg(void) { int fd = make("a", 0, 0); TRY(ftruncate(fd, -1)); close(fd); TRY(truncate("a", -5)); TRY(truncate("none", 5)); mkdir("d", 0755); TRY(truncate("d", 5)); }
static void c_append(void) { int fd = make("a", 100, 1), g = open("a", O_WRONLY | O_APPEND); VALUE(pwrite(g, "zz", 2, 5)); VALUE(write(g, "yy", 2)); show(fd); close(fd); close(g); }
static void *append_thread(void *p) { int fd = open("a", O_WRONLY | O_APPEND); char b[64]; memset(b, *(char *)p, 64); for (int i = 0; i < 200; i++) write(fd, b, 64); close(fd); return NULL; }
static void c_append_race(void)
{
	pthread_t t[4]; char c[4] = "ABCD"; int fd = make("a", 0, 0), whole = 1, n[4] = { 0 }; char b[64];

	for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, append_thread, &c[i]);
	for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
	for (int i = 0; pread(fd, b, 64, i * 64) == 64; i++) { for (int k = 1; k < 64; k++) whole &= b[k] == b[0]; n[b[0] - 'A']++; }
	SAY("size %ld whole %d: %d %d %d %d", size_of(fd), whole, n[0], n[1], n[2], n[3]);
	close(fd);
}
static void c_mmap_write(void)
{
	int fd = make("a", 8192, 1); char *m = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	m[10] = 5; m[5000] = 6; show(fd); VALUE(msync(m, 8192, MS_SYNC)); munmap(m, 8192); show(fd); close(fd);
}
static void c_mmap_hole(void)
{
	int fd = make("a", 0, 1); ftruncate(fd, 65536); char *m = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	m[20000] = 5; msync(m, 65536, MS_SYNC); munmap(m, 65536); show(fd); holes(fd); extents(fd); close(fd);
}
static void c_mmap_past_end(void)
{
	int fd = make("a", 100, 1); char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	m[200] = 9; msync(m, 4096, MS_SYNC); munmap(m, 4096); VALUE(size_of(fd)); ftruncate(fd, 300); show(fd); close(fd);
}
static void c_mmap_past_end_write(void)
{
	int fd = make("a", 100, 1); char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	m[200] = 9; ftruncate(fd, 150); ftruncate(fd, 300); show(fd); munmap(m, 4096); close(fd);
}
static void sigbus(void)
{
	int fd = make("a", 8192, 1); char *m = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);
	ftruncate(fd, 100); _exit(m[0] + m[5000]);
}
static void c_mmap_truncated(void) { int st; pid_t p = fork(); if (!p) sigbus(); waitpid(p, &st, 0); SAY("signal %d", WIFSIGNALED(st) ? WTERMSIG(st) : 0); }
static void c_private_map(void)
{
	int fd = make("a", 4096, 1); char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	m[0] = 3; pwrite(fd, "Q", 1, 1); SAY("%d", m[0]); munmap(m, 4096); show(fd); close(fd);
}
static void c_falloc(void) { int fd = make("a", 100, 1); VALUE(fallocate(fd, 0, 0, 20000)); VALUE(size_of(fd)); show(fd); extents(fd); close(fd); }
static void c_falloc_keep(void) { int fd = make("a", 100, 1); VALUE(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 40960)); VALUE(size_of(fd)); extents(fd); ftruncate(fd, 100); fsync(fd); extents(fd); close(fd); }
static void c_falloc_write(void) { int fd = make("a", 0, 1); fallocate(fd, 0, 0, 65536); pwrite(fd, "x", 1, 20000); holes(fd); fsync(fd); extents(fd); holes(fd); show(fd); close(fd); }
static void c_punch(void) { int fd = make("a", 40960, 3); VALUE(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 5000, 20000)); show(fd); holes(fd); fsync(fd); extents(fd); close(fd); }
static void c_punch_small(void) { int fd = make("a", 4096, 3); VALUE(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100, 50)); show(fd); close(fd); }
static void c_punch_end(void) { int fd = make("a", 10000, 3); VALUE(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 8192, 50000)); VALUE(size_of(fd)); show(fd); fsync(fd); extents(fd); close(fd); }
static void c_punch_nokeep(void) { int fd = make("a", 10000, 3); TRY(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096)); close(fd); }
static void c_zero(void) { int fd = make("a", 40960, 3); fsync(fd); VALUE(fallocate(fd, FALLOC_FL_ZERO_RANGE, 6000, 20000)); show(fd); fsync(fd); extents(fd); close(fd); }
static void c_zero_extend(void) { int fd = make("a", 4096, 3); VALUE(fallocate(fd, FALLOC_FL_ZERO_RANGE, 2048, 20480)); VALUE(size_of(fd)); show(fd); close(fd); }
static void c_zero_keep(void) { int fd = make("a", 4096, 3); VALUE(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 2048, 20480)); VALUE(size_of(fd)); show(fd); close(fd); }
static void c_collapse(void) { int fd = make("a", 4096, 1); memset(big, 2, 4096); write(fd, big, 4096); memset(big, 3, 4096); write(fd, big, 4096); VALUE(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 4096, 4096)); show(fd); fsync(fd); extents(fd); close(fd); }
static void c_collapse_bad(void) { int fd = make("a", 8192, 1); TRY(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 100, 4096)); TRY(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 4096, 4096)); TRY(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096)); close(fd); }
static void c_insert(void) { int fd = make("a", 4096, 1); memset(big, 2, 5000); write(fd, big, 5000); VALUE(fallocate(fd, FALLOC_FL_INSERT_RANGE, 4096, 8192)); VALUE(size_of(fd)); show(fd); holes(fd); fsync(fd); extents(fd); close(fd); }
static void c_insert_bad(void) { int fd = make("a", 8192, 1); TRY(fallocate(fd, FALLOC_FL_INSERT_RANGE, 8192, 4096)); TRY(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, 100)); close(fd); }
static void c_insert_far(void) { int fd = make("a", 8192, 1); TRY(fallocate(fd, FALLOC_FL_KEEP_SIZE, (1ll << 44) - 3 * 4096, 8192)); TRY(fallocate(fd, FALLOC_FL_INSERT_RANGE, 4096, 4096)); close(fd); }
static void c_falloc_bad(void) { int fd = make("a", 0, 1), r; TRY(fallocate(fd, 0, 0, 0)); TRY(fallocate(fd, 0, -1, 10)); TRY(fallocate(fd, 0, 1ll << 50, 10)); TRY(fallocate(fd, 0x800, 0, 10)); r = open("a", O_RDONLY); TRY(fallocate(r, 0, 0, 10)); close(r); close(fd); mkdir("d", 0755); r = open("d", O_RDONLY); TRY(fallocate(r, 0, 0, 10)); close(r); }
static void c_seek(void) { int fd = make("a", 100, 1); pwrite(fd, "x", 1, 100000); fsync(fd); VALUE(lseek(fd, 50, SEEK_DATA)); VALUE(lseek(fd, 50, SEEK_HOLE)); VALUE(lseek(fd, 5000, SEEK_DATA)); VALUE(lseek(fd, 100000, SEEK_HOLE)); TRY(lseek(fd, 100001, SEEK_DATA)); TRY(lseek(fd, 200000, SEEK_HOLE)); TRY(lseek(fd, -1, SEEK_DATA)); close(fd); }
static void c_rename_over(void) { close(make("a", 5, 1)); close(make("b", 9, 2)); TRY(rename("a", "b")); int fd = open("b", O_RDONLY); show(fd); close(fd); TRY(access("a", F_OK)); }
static void c_rename_same(void) { close(make("a", 5, 1)); TRY(link("a", "b")); TRY(rename("a", "b")); TRY(access("a", F_OK)); TRY(access("b", F_OK)); TRY(rename("a", "a")); }
static void c_rename_dirs(void) { mkdir("d", 0755); mkdir("e", 0755); TRY(rename("d", "e")); mkdir("f", 0755); close(make("f/x", 1, 1)); TRY(rename("e", "f")); TRY(rename("f", "f/y")); close(make("p", 1, 1)); TRY(rename("f", "p")); TRY(rename("p", "f")); TRY(rename("none", "f")); }
static void c_rename_parent(void)
{
	struct stat a, b;

	mkdir("d", 0755); mkdir("e", 0755); mkdir("d/s", 0755); rename("d/s", "e/s"); stat("e/s/..", &a); stat("e", &b); SAY("parent %d", a.st_ino == b.st_ino); stat("d", &a); SAY("links %d %d", (int)a.st_nlink, (int)b.st_nlink);
}
static void c_rename_exchange(void) { close(make("a", 5, 1)); mkdir("d", 0755); TRY(renameat2(AT_FDCWD, "a", AT_FDCWD, "d", RENAME_EXCHANGE)); struct stat st; stat("a", &st); SAY("a is dir %d", S_ISDIR(st.st_mode)); stat("d", &st); SAY("d has %d", (int)st.st_size); TRY(renameat2(AT_FDCWD, "a", AT_FDCWD, "none", RENAME_EXCHANGE)); }
static void c_rename_noreplace(void) { close(make("a", 5, 1)); close(make("b", 5, 1)); TRY(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_NOREPLACE)); TRY(renameat2(AT_FDCWD, "a", AT_FDCWD, "c", RENAME_NOREPLACE)); TRY(renameat2(AT_FDCWD, "c", AT_FDCWD, "b", RENAME_NOREPLACE | RENAME_EXCHANGE)); }
static void c_rename_whiteout(void) { struct stat st; close(make("a", 5, 1)); TRY(renameat2(AT_FDCWD, "a", AT_FDCWD, "b", RENAME_WHITEOUT)); stat("a", &st); SAY("%o %d", st.st_mode, (int)st.st_rdev); }
static void c_unlink_open(void) { int fd = make("a", 5000, 4); struct stat st; unlink("a"); fstat(fd, &st); SAY("links %d", (int)st.st_nlink); show(fd); VALUE(ftruncate(fd, 3)); show(fd); VALUE(write(fd, "abc", 3)); close(fd); TRY(access("a", F_OK)); }
static void c_tmpfile(void) { int fd = open(".", O_TMPFILE | O_RDWR, 0600); char p[40]; write(fd, "hello", 5); sprintf(p, "/proc/self/fd/%d", fd); TRY(linkat(AT_FDCWD, p, AT_FDCWD, "named", AT_SYMLINK_FOLLOW)); close(fd); fd = open("named", O_RDONLY); VALUE(size_of(fd)); close(fd); fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600); sprintf(p, "/proc/self/fd/%d", fd); TRY(linkat(AT_FDCWD, p, AT_FDCWD, "named2", AT_SYMLINK_FOLLOW)); close(fd); }
static void c_links(void) { struct stat st; close(make("a", 5, 1)); for (int i = 0; i < 50; i++) { char n[8]; sprintf(n, "l%d", i); link("a", n); } stat("a", &st); SAY("links %d", (int)st.st_nlink); for (int i = 0; i < 50; i += 2) { char n[8]; sprintf(n, "l%d", i); unlink(n); } stat("a", &st); SAY("links %d", (int)st.st_nlink); mkdir("d", 0755); TRY(link("d", "dd")); TRY(link("none", "x")); }
static void c_dir_links(void) { struct stat st; mkdir("d", 0755); for (int i = 0; i < 30; i++) { char n[12]; sprintf(n, "d/%d", i); mkdir(n, 0755); } stat("d", &st); SAY("links %d", (int)st.st_nlink); rmdir("d/3"); stat("d", &st); SAY("links %d", (int)st.st_nlink); TRY(rmdir("d")); }
static void c_rmdir(void) { mkdir("d", 0755); close(make("d/f", 1, 1)); TRY(rmdir("d")); TRY(rmdir("d/f")); TRY(unlink("d")); unlink("d/f"); TRY(rmdir("d")); TRY(rmdir("d")); }
static void c_rmdir_cwd(void) { mkdir("d", 0755); chdir("d"); TRY(rmdir("../d")); TRY(open("x", O_CREAT | O_WRONLY, 0644)); TRY(mkdir("y", 0755)); struct stat st; stat(".", &st); SAY("links %d", (int)st.st_nlink); chdir(".."); }
static void c_symlinks(void)
{
	char t[5000], b[5000];

	for (int n = 1; n < 4500; n = n * 3 + 5) {
		memset(t, 'a' + n % 26, (size_t)n); t[n] = 0; unlink("l");
		int r = symlink(t, "l"); ssize_t got = r ? -1 : readlink("l", b, sizeof(b));
		struct stat st; lstat("l", &st); SAY("%d: %s %zd %d", n, why(r), got, r || (st.st_size == n && !memcmp(t, b, (size_t)n)));
	}
	TRY(symlink("", "e"));
}
static void c_long_names(void) { char n[300]; memset(n, 'n', 299); n[255] = 0; TRY(mkdir(n, 0755)); n[255] = 'n'; n[256] = 0; TRY(mkdir(n, 0755)); TRY(access(n, F_OK)); }
static void c_many_names(void)
{
	int found = 0, twice = 0; static char seen[3000]; struct dirent *e; DIR *d; char n[60];

	mkdir("d", 0755);
	for (int i = 0; i < 3000; i++) { sprintf(n, "d/name-%d-%s", i, i % 3 ? "short" : "a-longer-tail-of-the-name"); close(open(n, O_CREAT | O_WRONLY, 0644)); }
	d = opendir("d");
	while ((e = readdir(d)) != NULL) { int i; if (sscanf(e->d_name, "name-%d-", &i) == 1) { found++; twice += seen[i]; seen[i] = 1; if (i % 2) { sprintf(n, "d/%s", e->d_name); unlink(n); } } }
	closedir(d); SAY("found %d twice %d", found, twice);
	found = 0; d = opendir("d"); while ((e = readdir(d)) != NULL) found++; closedir(d); SAY("left %d", found);
	TRY(access("d/name-1000-short", F_OK)); TRY(access("d/name-1001-short", F_OK));
}
static void c_readdir_while_creating(void)
{
	static char seen[400]; int twice = 0, missing = 0, k = 0; struct dirent *e; DIR *d; char n[60];

	mkdir("d", 0755);
	for (int i = 0; i < 400; i++) { sprintf(n, "d/old-%d", i); close(open(n, O_CREAT | O_WRONLY, 0644)); }
	d = opendir("d");
	while ((e = readdir(d)) != NULL) { int i; if (sscanf(e->d_name, "old-%d", &i) == 1) { twice += seen[i]; seen[i] = 1; } if (k < 1500) { sprintf(n, "d/new-name-%d", k++); close(open(n, O_CREAT | O_WRONLY, 0644)); } }
	for (int i = 0; i < 400; i++) missing += !seen[i];
	SAY("twice %d missing %d", twice, missing); closedir(d);
}
static void c_seekdir(void)
{
	DIR *d; struct dirent *e; long pos = 0; char at[300] = ""; char n[20]; int k = 0;

	mkdir("d", 0755); for (int i = 0; i < 500; i++) { sprintf(n, "d/%d", i); close(open(n, O_CREAT | O_WRONLY, 0644)); }
	d = opendir("d"); for (;;) { long p = telldir(d); e = readdir(d); if (!e) break; if (k++ == 250) { pos = p; strcpy(at, e->d_name); } }
	seekdir(d, pos); e = readdir(d); SAY("same %d", e && !strcmp(e->d_name, at)); rewinddir(d); for (k = 0; readdir(d); k++) ; SAY("%d", k); closedir(d);
}
static void c_dir_entry_types(void) { struct dirent *e; int ok = 1; mkdir("d", 0755); mkdir("d/dir", 0755); close(make("d/reg", 1, 1)); symlink("x", "d/lnk"); mkfifo("d/fifo", 0600); mknod("d/chr", S_IFCHR | 0600, 0x103); mknod("d/blk", S_IFBLK | 0600, 0x12345); mknod("d/sock", S_IFSOCK | 0600, 0); DIR *d = opendir("d"); while ((e = readdir(d))) { char p[300]; struct stat st; sprintf(p, "d/%s", e->d_name); lstat(p, &st); ok &= IFTODT(st.st_mode) == e->d_type; } SAY("%d", ok); closedir(d); struct stat st; stat("d/blk", &st); SAY("%lx", (long)st.st_rdev); }
static void c_xattrs(void)
{
	char b[5000], l[5000]; close(make("a", 1, 1)); memset(b, 'v', sizeof(b));

	TRY(setxattr("a", "user.one", "1", 1, 0)); TRY(setxattr("a", "user.one", "22", 2, XATTR_CREATE)); TRY(setxattr("a", "user.two", "22", 2, XATTR_REPLACE));
	VALUE(getxattr("a", "user.one", b, 100)); TRY(getxattr("a", "user.none", b, 100)); TRY(setxattr("a", "user.big", b, 2000, 0)); VALUE(getxattr("a", "user.big", NULL, 0)); TRY(getxattr("a", "user.big", l, 10));
	VALUE(listxattr("a", l, sizeof(l))); TRY(removexattr("a", "user.big")); TRY(removexattr("a", "user.big")); VALUE(listxattr("a", NULL, 0)); TRY(setxattr("a", "nope.x", "1", 1, 0)); TRY(setxattr("a", "user.", "1", 1, 0)); TRY(setxattr("a", "user.empty", "", 0, 0)); VALUE(getxattr("a", "user.empty", l, 10)); TRY(setxattr("a", "trusted.t", "x", 1, 0)); TRY(setxattr("a", "security.s", "x", 1, 0)); VALUE(listxattr("a", l, sizeof(l)));
	TRY(setxattr("a", "user.toobig", b, 4500, 0));
}
static void c_xattr_grow(void) { char b[1000], n[20]; int k; close(make("a", 1, 1)); memset(b, 'x', sizeof(b)); for (k = 0; k < 100; k++) { sprintf(n, "user.%d", k); if (setxattr("a", n, b, (size_t)k, 0)) break; } int stop = k; for (k = 0; k < stop; k++) { sprintf(n, "user.%d", k); if (getxattr("a", n, b, 1000) != k) SAY("lost %d", k); } for (k = 0; k < stop; k++) { sprintf(n, "user.%d", k); removexattr("a", n); } VALUE(listxattr("a", NULL, 0)); }
static void c_flags(void)
{
	int fd = make("a", 5, 1); unsigned f = 0; VALUE(ioctl(fd, FS_IOC_GETFLAGS, &f)); SAY("%x", f); f |= FS_APPEND_FL; TRY(ioctl(fd, FS_IOC_SETFLAGS, &f)); TRY(pwrite(fd, "x", 1, 0) - 1); TRY(open("a", O_WRONLY)); int g = open("a", O_WRONLY | O_APPEND); VALUE(write(g, "y", 1)); close(g); TRY(truncate("a", 1)); TRY(unlink("a")); TRY(rename("a", "b"));
	f &= ~FS_APPEND_FL; f |= FS_IMMUTABLE_FL; TRY(ioctl(fd, FS_IOC_SETFLAGS, &f)); TRY(open("a", O_WRONLY)); TRY(chmod("a", 0600)); TRY(link("a", "b")); TRY(unlink("a")); TRY(setxattr("a", "user.x", "1", 1, 0)); f &= ~FS_IMMUTABLE_FL; TRY(ioctl(fd, FS_IOC_SETFLAGS, &f)); TRY(unlink("a")); f = FS_NODUMP_FL | FS_EXTENT_FL | FS_NOATIME_FL; TRY(ioctl(fd, FS_IOC_SETFLAGS, &f)); ioctl(fd, FS_IOC_GETFLAGS, &f); SAY("%x", f); close(fd);
}
static void c_times(void) { struct stat a, b; close(make("a", 5, 1)); struct timespec t[2] = { { 1000, 5 }, { 5000000000, 123456789 } }; utimensat(AT_FDCWD, "a", t, 0); stat("a", &a); SAY("%ld.%09ld %ld.%09ld", (long)a.st_atim.tv_sec, a.st_atim.tv_nsec, (long)a.st_mtim.tv_sec, a.st_mtim.tv_nsec); int fd = open("a", O_WRONLY); write(fd, "x", 1); close(fd); stat("a", &b); SAY("mtime moves %d", b.st_mtim.tv_sec != a.st_mtim.tv_sec); mkdir("d", 0755); utimensat(AT_FDCWD, "d", t, 0); close(make("d/x", 0, 0)); stat("d", &b); SAY("dir mtime moves %d", b.st_mtim.tv_sec != 5000000000); struct timespec old[2] = { { -5, 0 }, { -2000000000, 0 } }; utimensat(AT_FDCWD, "a", old, 0); stat("a", &a); SAY("%ld %ld", (long)a.st_atim.tv_sec, (long)a.st_mtim.tv_sec); }
static void c_setid(void) { struct stat st; close(make("a", 5, 1)); chmod("a", 06755); chown("a", 1000, 1000); stat("a", &st); SAY("%o", st.st_mode); mkdir("d", 0755); chown("d", 0, 77); chmod("d", 02755); close(make("d/f", 0, 0)); stat("d/f", &st); SAY("gid %d", (int)st.st_gid); mkdir("d/e", 0755); stat("d/e", &st); SAY("%o gid %d", st.st_mode, (int)st.st_gid); }
static void c_fsync_rename(void) { int fd = make("a.new", 3000, 5); VALUE(fsync(fd)); close(fd); close(make("a", 10, 1)); VALUE(rename("a.new", "a")); fd = open(".", O_RDONLY); VALUE(fsync(fd)); VALUE(fdatasync(fd)); close(fd); fd = open("a", O_RDONLY); show(fd); close(fd); }
static void c_direct(void)
{
	int fd = make("a", 16384, 1), g = open("a", O_RDWR | O_DIRECT); void *p; posix_memalign(&p, 4096, 8192); memset(p, 9, 8192);
	VALUE(pwrite(g, p, 4096, 4096)); show(fd); pwrite(fd, "buffered", 8, 0); VALUE(pread(g, p, 4096, 0)); SAY("%.8s", (char *)p); VALUE(pread(g, p, 8192, 12288)); VALUE(pread(g, p, 4096, 16384)); memset(p, 8, 8192); VALUE(pwrite(g, p, 8192, 16384)); show(fd); TRY(pwrite(g, (char *)p + 1, 512, 0)); TRY(pwrite(g, p, 100, 0)); close(fd); close(g);
}
static void c_direct_hole(void) { int fd = make("a", 0, 1), g; ftruncate(fd, 100000); g = open("a", O_RDWR | O_DIRECT); void *p; posix_memalign(&p, 4096, 8192); memset(p, 9, 8192); VALUE(pwrite(g, p, 8192, 40960)); show(fd); holes(fd); extents(fd); close(fd); close(g); }
static long fiemap_at(int fd, uint64_t start, uint64_t length, uint32_t flags)
{
	struct { struct fiemap m; struct fiemap_extent e[4]; } f = { .m = { .fm_start = start, .fm_length = length, .fm_extent_count = 4, .fm_flags = flags } };

	return ioctl(fd, FS_IOC_FIEMAP, &f) ? -1 : (long)f.m.fm_mapped_extents;
}
static void c_fiemap_far(void)
{
	int fd = make("a", 20000, 1); uint64_t most = ((1ull << 32) - 1) << 12;

	fsync(fd); VALUE(fiemap_at(fd, 0, ~0ull, 0)); VALUE(fiemap_at(fd, 0, 0, 0)); VALUE(fiemap_at(fd, 4096, 100, 0)); VALUE(fiemap_at(fd, 20480, ~0ull, 0)); VALUE(fiemap_at(fd, most - 1, 1, 0)); VALUE(fiemap_at(fd, most, 1, 0)); VALUE(fiemap_at(fd, most + 1, 1, 0)); VALUE(fiemap_at(fd, 1ull << 63, 1, 0)); VALUE(fiemap_at(fd, ~0ull, ~0ull, 0)); VALUE(fiemap_at(fd, most + 1, 0, 0)); VALUE(fiemap_at(fd, most + 1, 1, 0x100)); VALUE(fiemap_at(fd, 0, 1, 0x100)); TRY(ioctl(fd, FS_IOC_FIEMAP, (void *)8)); close(fd);
}

/* ---- O_DIRECT ---- */

static char *memory(size_t n, int byte) { void *p; posix_memalign(&p, 4096, n + 4096); memset(p, byte, n + 4096); return p; }
static int direct_open(const char *name) { return open(name, O_RDWR | O_DIRECT | O_CREAT, 0644); }
static void cached(int fd)
{
	unsigned char v[256]; size_t n = (size_t)size_of(fd), pages = (n + 4095) / 4096, in = 0; void *m = mmap(NULL, n, PROT_READ, MAP_SHARED, fd, 0);
	mincore(m, n, v); for (size_t i = 0; i < pages; i++) in += v[i] & 1; munmap(m, n); SAY("%zu of %zu pages cached", in, pages);
}
static void drop(int fd) { fsync(fd); posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED); }
static void c_direct_align(void)
{
	int fd = make("a", 10000, 1), g; char *p = memory(65536, 9); fsync(fd); pwrite(fd, "z", 1, 40960); ftruncate(fd, 100000); fsync(fd); g = direct_open("a");
	VALUE(pread(g, p, 512, 512)); VALUE(pread(g, p + 512, 512, 0)); VALUE(pread(g, p + 511, 512, 0)); VALUE(pread(g, p + 4, 512, 0)); VALUE(pread(g, p, 511, 0)); VALUE(pread(g, p, 512, 100)); VALUE(pread(g, p, 0, 100)); VALUE(pread(g, p + 1, 0, 0));
	VALUE(pread(g, p + 1, 4096, 16384)); VALUE(pread(g, p, 100, 16384)); VALUE(pread(g, p, 100, 16387)); VALUE(pread(g, p, 32768, 16384)); VALUE(pread(g, p + 4, 32768, 16384)); VALUE(pread(g, p, 10000, 8192)); VALUE(pread(g, p, 4096, 100000)); VALUE(pread(g, p, 4096, 99840)); VALUE(pread(g, p + 1, 4096, 99840)); VALUE(pread(g, p + 1, 3, 100001)); VALUE(pread(g, p, 65536, 1 << 20));
	TRY(pwrite(g, p + 4, 512, 0)); TRY(pwrite(g, p, 511, 0)); TRY(pwrite(g, p, 512, 100)); TRY(pwrite(g, p, 0, 100)); TRY(pwrite(g, p + 1, 0, 0)); TRY(pwrite(g, p + 1, 4096, 16384)); TRY(pwrite(g, p, 4096, 1 << 20 | 1)); VALUE(size_of(fd)); close(fd); close(g);
}
static void c_direct_end(void)
{
	int fd = make("a", 10000, 1), g; char *p = memory(16384, 9); fsync(fd); g = direct_open("a");
	VALUE(pread(g, p, 8192, 8192)); SAY("%d %d", p[1807], p[0]); VALUE(pread(g, p, 512, 9728)); VALUE(pread(g, p, 512, 10240)); VALUE(pread(g, p, 16384, 0)); VALUE(lseek(g, 8192, SEEK_SET)); VALUE(read(g, p, 8192)); VALUE(lseek(g, 0, SEEK_CUR)); VALUE(read(g, p, 8192)); close(fd); close(g);
}
static void c_direct_grow(void)
{
	int fd = make("a", 0, 1), g = direct_open("a"), k; char *p = memory(65536, 9);
	VALUE(pwrite(g, p, 4096, 0)); VALUE(size_of(fd)); memset(p, 8, 65536); VALUE(pwrite(g, p, 512, 4096)); VALUE(pwrite(g, p, 512, 5120)); VALUE(size_of(fd)); show(fd); memset(p, 7, 65536); VALUE(pwrite(g, p, 8192, 65536)); show(fd); holes(fd); extents(fd);
	for (k = 0; k < 10; k++) { memset(p, 'a' + k, 4096); if (pwrite(g, p, 4096, 73728 + k * 4096) != 4096) break; } VALUE(size_of(fd)); close(g); g = open("a", O_WRONLY | O_DIRECT | O_APPEND); memset(p, 6, 65536); VALUE(pwrite(g, p, 4096, 0)); VALUE(write(g, p, 512)); VALUE(size_of(fd)); TRY(write(g, p, 100)); show(fd); extents(fd); close(fd); close(g);
}
static void c_direct_odd_end(void) { int fd = make("a", 1000, 1), g = direct_open("a"); char *p = memory(8192, 9); VALUE(pwrite(g, p, 512, 1024)); show(fd); VALUE(pwrite(g, p, 512, 2560)); show(fd); drop(fd); show(fd); TRY(pwrite(g, p, 512, 1000)); close(fd); close(g); }
static void c_direct_parts(void)
{
	int fd = make("a", 0, 1), g; char *p = memory(65536, 9); ftruncate(fd, 65536); g = direct_open("a"); for (int k = 0; k < 8; k++) { memset(p, k + 1, 512); VALUE(pwrite(g, p, 512, k * 5632)); } memset(p, 20, 65536); VALUE(pwrite(g, p, 10240, 49152 + 512)); drop(fd); show(fd); extents(fd); close(fd); close(g);
}
static void c_direct_unwritten(void)
{
	int fd = make("a", 0, 1), g; char *p = memory(65536, 9); fallocate(fd, 0, 0, 131072); g = direct_open("a"); VALUE(pread(g, p, 8192, 4096)); SAY("%d", p[5000]); memset(p, 5, 65536); VALUE(pwrite(g, p, 8192, 16384)); extents(fd); VALUE(pwrite(g, p, 512, 65536)); VALUE(pwrite(g, p, 4096, 8192)); drop(fd); show(fd); extents(fd); holes(fd);
	fallocate(fd, FALLOC_FL_KEEP_SIZE, 131072, 65536); VALUE(pwrite(g, p, 4096, 131072)); VALUE(size_of(fd)); extents(fd); close(fd); close(g);
}
static void c_direct_cache(void)
{
	int fd = make("a", 65536, 1), g = direct_open("a"); char *p = memory(65536, 9); cached(fd); VALUE(pread(g, p, 8192, 0)); cached(fd); memset(p, 9, 65536); VALUE(pwrite(g, p, 8192, 8192)); cached(fd); show(fd); drop(fd); cached(fd); VALUE(pread(g, p, 65536, 0)); cached(fd); SAY("%d %d", p[0], p[9000]); memset(p, 2, 65536); VALUE(pwrite(g, p, 65536, 0)); cached(fd); show(fd); cached(fd); close(fd); close(g);
}
static void c_direct_mapped(void)
{
	int fd = make("a", 16384, 1), g = direct_open("a"); char *p = memory(16384, 9), *m = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	m[100] = 3; VALUE(pread(g, p, 4096, 0)); SAY("%d %d", p[100], p[101]); memset(p, 4, 16384); m[5000] = 8; VALUE(pwrite(g, p, 8192, 0)); SAY("%d %d %d", m[100], m[5000], m[9000]); m[5001] = 7; show(fd); VALUE(msync(m, 16384, MS_SYNC)); VALUE(pread(g, p, 8192, 0)); SAY("%d %d", p[5000], p[5001]);
	VALUE(pread(g, m + 8192, 4096, 0)); SAY("%d", m[8192]); VALUE(pwrite(g, m, 4096, 12288)); SAY("%d %d", m[12288], m[12388]); VALUE(pwrite(g, m + 4096, 4096, 4096)); SAY("%d", m[4096]); munmap(m, 16384); drop(fd); show(fd); close(fd); close(g);
}
static void c_direct_faults(void)
{
	int fd = make("a", 65536, 1), g; char *p = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); fsync(fd); g = direct_open("a"); memset(p, 9, 65536); munmap(p + 8192, 57344);
	VALUE(pwrite(g, p, 8192, 0)); VALUE(pwrite(g, p + 8192, 4096, 0)); VALUE(pread(g, p + 8192, 4096, 0)); mprotect(p, 8192, PROT_READ); VALUE(pread(g, p, 4096, 0)); VALUE(pwrite(g, p, 4096, 16384)); ftruncate(fd, 131072); VALUE(pread(g, p, 4096, 65536)); VALUE(pwrite(g, p + 8192, 4096, 65536)); mprotect(p, 8192, PROT_READ | PROT_WRITE); VALUE(pwrite(g, p, 12288, 32768)); VALUE(pread(g, p, 12288, 32768)); VALUE(pwrite(g, p, 12288, 131072)); VALUE(size_of(fd)); VALUE(pwrite(g, p + 512, 8192, 73728)); drop(fd); pread(fd, big, 131072, 0); SAY("%d %d %d %d", big[0], big[16384], big[65536], big[80000]); extents(fd); close(fd); close(g);
}
static void c_direct_vectors(void)
{
	int fd = make("a", 0, 1), g = direct_open("a"); char *p = memory(65536, 9); struct iovec v[4] = { { p + 512, 512 }, { p + 8192, 4096 }, { p + 20480 + 1024, 2560 }, { p, 1024 } }; for (int k = 0; k < 32; k++) memset(p + k * 2048, k, 2048);
	VALUE(pwritev(g, v, 4, 0)); show(fd); memset(p, 99, 65536); VALUE(preadv(g, v, 4, 0)); SAY("%d %d %d %d %d", p[0], p[512], p[8192], p[20480 + 1024], p[20480]); v[1].iov_len = 100; TRY(pwritev(g, v, 2, 0)); TRY(preadv(g, v, 2, 0)); v[1].iov_len = 0; VALUE(preadv(g, v, 3, 0)); close(fd); close(g);
}
static void c_direct_truncate(void)
{
	int fd = make("a", 0, 1), g = direct_open("a"); char *p = memory(65536, 9); VALUE(pwrite(g, p, 65536, 0)); VALUE(ftruncate(g, 5000)); VALUE(pread(g, p, 8192, 0)); VALUE(ftruncate(g, 20000)); memset(p, 5, 65536); VALUE(pread(g, p, 20480, 0)); SAY("%d %d %d", p[4999], p[5000], p[19000]); drop(fd); show(fd); VALUE(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096)); VALUE(pread(g, p, 4096, 0)); SAY("%d", p[10]); close(fd); close(g);
}
static void c_direct_limit(void)
{
	int fd = make("a", 0, 1), g = direct_open("a"); char *p = memory(65536, 9); struct rlimit old, r; getrlimit(RLIMIT_FSIZE, &old); r = old; r.rlim_cur = 10240; setrlimit(RLIMIT_FSIZE, &r); VALUE(pwrite(g, p, 16384, 0)); VALUE(size_of(fd)); r.rlim_cur = 20000; setrlimit(RLIMIT_FSIZE, &r); TRY(pwrite(g, p, 16384, 8192)); VALUE(size_of(fd)); setrlimit(RLIMIT_FSIZE, &old); TRY(pwrite(g, p, 4096, (1ll << 44) - 4096)); TRY(pwrite(g, p, 4096, 1ll << 44)); close(fd); close(g);
}
static void c_direct_big(void)
{
	int fd = make("a", 0, 1), g = direct_open("a"), ok = 1; size_t n = (17 << 20) + 512; unsigned *p = (void *)memory(n, 0), *q = (void *)memory(n, 0); for (size_t k = 0; k < n / 4; k++) p[k] = (unsigned)(k * 2654435761u); VALUE(pwrite(g, p, n, 0)); VALUE(size_of(fd)); VALUE(pread(g, q, n + 4096, 0)); SAY("%d", !memcmp(p, q, n)); for (size_t k = 0; k < n / 4; k++) p[k] ^= 0x55555555; VALUE(pwrite(g, p, n - 512, 0)); lseek(fd, 0, SEEK_SET); VALUE(read(fd, q, n)); for (size_t k = 0; k < n / 4; k++) ok &= q[k] == (k < (n - 512) / 4 ? p[k] : p[k] ^ 0x55555555); SAY("%d", ok); free(p); free(q); close(fd); close(g); unlink("a");
}
static void c_direct_times(void) { struct stat a, b; int fd = make("a", 4096, 1), g; char *p = memory(4096, 9); struct timespec t[2] = { { 1000, 0 }, { 1000, 0 } }; fsync(fd); chmod("a", 06755); chown("a", 1000, 1000); chmod("a", 06755); futimens(fd, t); g = direct_open("a"); VALUE(pread(g, p, 4096, 0)); fstat(fd, &a); SAY("atime moves %d mtime %d", a.st_atime != 1000, a.st_mtime != 1000); VALUE(pwrite(g, p, 4096, 0)); fstat(fd, &b); SAY("mtime moves %d", b.st_mtime != 1000); close(fd); close(g); }

/* ---- the same, asynchronously ---- */

static aio_context_t aio;
static struct iocb request(int op, int fd, void *p, size_t n, off_t at) { return (struct iocb){ .aio_lio_opcode = (uint16_t)op, .aio_fildes = (uint32_t)fd, .aio_buf = (uintptr_t)p, .aio_nbytes = n, .aio_offset = at, .aio_data = (uint64_t)at }; }
/* Submit all, wait for all; results in the order of submission. */
static void aio_run(struct iocb *cb, int n)
{
	struct iocb *list[64]; struct io_event e[64]; long r, got = 0, result[64];
	for (int k = 0; k < n; k++) { list[k] = &cb[k]; cb[k].aio_data = (uint64_t)k; }
	r = syscall(SYS_io_submit, aio, n, list); SAY("submitted %s", r == n ? "all" : why(r)); if (r < 0) return;
	while (got < r) { long m = syscall(SYS_io_getevents, aio, 1, 64, e + got, NULL); if (m < 0) break; got += m; }
	for (int i = 0; i < r; i++) result[e[i].data] = (long)e[i].res;
	printf("%s: results:", current); for (int k = 0; k < r; k++) if (result[k] < 0) printf(" %s", strerrorname_np((int)-result[k])); else printf(" %ld", result[k]);
	putchar('\n');
}
static void c_aio_hole(void)
{
	int fd = make("a", 0, 1), g; char *p = memory(1 << 20, 0); struct iocb cb[32]; syscall(SYS_io_setup, 64, &aio); ftruncate(fd, 600000); g = direct_open("a"); for (int k = 0; k < 32; k++) { memset(p + k * 8192, k + 1, 8192); cb[k] = request(IOCB_CMD_PWRITE, g, p + k * 8192, 8192, (k * 7 % 32) * 16384); }
	aio_run(cb, 32); drop(fd); show(fd); extents(fd); memset(p, 99, 1 << 20); for (int k = 0; k < 32; k++) cb[k] = request(IOCB_CMD_PREAD, g, p + k * 16384, 16384, k * 16384); aio_run(cb, 32); int ok = 1; for (int k = 0; k < 32; k++) ok &= p[(k * 7 % 32) * 16384] == k + 1 && p[(k * 7 % 32) * 16384 + 8192] == 0; SAY("bytes %d", ok); syscall(SYS_io_destroy, aio); aio = 0; close(fd); close(g);
}
static void c_aio_grow(void)
{
	int fd = make("a", 0, 1), g = direct_open("a"); char *p = memory(1 << 18, 0); struct iocb cb[16]; syscall(SYS_io_setup, 64, &aio); for (int k = 0; k < 16; k++) { memset(p + k * 4096, k + 1, 4096); cb[k] = request(IOCB_CMD_PWRITE, g, p + k * 4096, 4096, k * 4096); } aio_run(cb, 16); VALUE(size_of(fd)); drop(fd); show(fd);
	cb[0] = request(IOCB_CMD_PREAD, g, p, 8192, 65536 - 4096); cb[1] = request(IOCB_CMD_PREAD, g, p, 8192, 65536); cb[2] = request(IOCB_CMD_PREAD, g, p + 1, 4096, 0); cb[3] = request(IOCB_CMD_PREAD, g, p, 100, 0); cb[4] = request(IOCB_CMD_PWRITE, g, p + 4, 4096, 0); cb[5] = request(IOCB_CMD_PWRITE, g, p, 512, 512); cb[6] = request(IOCB_CMD_PWRITE, g, p, 512, 65536 + 512); cb[7] = request(IOCB_CMD_PREAD, g, (void *)4096, 4096, 0); cb[8] = request(IOCB_CMD_FSYNC, g, NULL, 0, 0); aio_run(cb, 9); VALUE(size_of(fd)); syscall(SYS_io_destroy, aio); aio = 0; close(fd); close(g);
}
/* A fork, and writes beside the bytes that a device is about to put into the same pages. */
static void c_aio_fork(void)
{
	int fd = make("a", 65536, 7), g, ok = 1; char *p = memory(65536, 1); struct iocb cb[16], *list[16]; struct io_event e[16]; syscall(SYS_io_setup, 64, &aio); fsync(fd); g = direct_open("a");
	for (int round = 0; round < 20; round++) { memset(p, 1, 65536); for (int k = 0; k < 16; k++) { cb[k] = request(IOCB_CMD_PREAD, g, p + k * 4096, 512, k * 4096); list[k] = &cb[k]; } if (syscall(SYS_io_submit, aio, 16, list) != 16) ok = 0; pid_t c = fork(); if (!c) _exit(0); for (int k = 0; k < 16; k++) p[k * 4096 + 2000] = 3; for (long got = 0; got < 16;) got += syscall(SYS_io_getevents, aio, 1, 16, e, NULL); waitpid(c, NULL, 0); for (int k = 0; k < 16; k++) ok &= p[k * 4096] == 7 && p[k * 4096 + 511] == 7 && p[k * 4096 + 2000] == 3 && p[k * 4096 + 600] == 1; }
	SAY("%d", ok); syscall(SYS_io_destroy, aio); aio = 0; close(fd); close(g);
}
/* Blocks are freed and written while transfers to the file are under way: each byte is that of a write, or zero. */
static void *aio_truncator(void *p) { for (int k = 0; k < 40; k++) { ftruncate(*(int *)p, k % 5 * 40000); fallocate(*(int *)p, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, k * 4096, 65536); ftruncate(*(int *)p, 1 << 18); } return NULL; }
static void c_aio_truncate(void)
{
	int fd = make("a", 0, 1), g, ok = 1; char *p = memory(1 << 18, 0), *q = memory(1 << 18, 0); struct iocb cb[32], *list[32]; struct io_event e[32]; pthread_t t; syscall(SYS_io_setup, 64, &aio); ftruncate(fd, 1 << 18); g = direct_open("a"); memset(p, 7, 1 << 18); pthread_create(&t, NULL, aio_truncator, &fd);
	for (int round = 0; round < 40; round++) { for (int k = 0; k < 32; k++) { cb[k] = k % 2 ? request(IOCB_CMD_PREAD, g, q + k * 8192, 8192, k * 8192) : request(IOCB_CMD_PWRITE, g, p, 8192, (k + round) % 32 * 8192); list[k] = &cb[k]; } long r = syscall(SYS_io_submit, aio, 32, list); for (long got = 0; got < r;) { long m = syscall(SYS_io_getevents, aio, 1, 32, e, NULL); for (int i = 0; i < m; i++) ok &= e[i].res >= 0; got += m; } }
	pthread_join(t, NULL); ftruncate(fd, 1 << 18); drop(fd); pread(fd, q, 1 << 18, 0); for (int k = 0; k < 1 << 18; k++) ok &= q[k] == 0 || q[k] == 7; SAY("%d", ok); syscall(SYS_io_destroy, aio); aio = 0; close(fd); close(g);
}
static void c_sync_calls(void) { int fd = make("a", 5000, 1); VALUE(fdatasync(fd)); VALUE(syncfs(fd)); VALUE(sync_file_range(fd, 0, 5000, 7)); int g = open("a", O_WRONLY | O_SYNC); VALUE(pwrite(g, "x", 1, 9000)); close(g); show(fd); close(fd); }
static void c_statvfs(void) { struct statvfs v; statvfs(".", &v); SAY("name %lu block %lu free %d files %d", v.f_namemax, v.f_bsize, v.f_bfree < v.f_blocks && v.f_bavail <= v.f_bfree, v.f_ffree < v.f_files); }
static void c_blocks(void) { int fd = make("a", 10000, 1); SAY("before sync %d", blocks_of(fd) > 0); fsync(fd); VALUE(blocks_of(fd)); ftruncate(fd, 4096); VALUE(blocks_of(fd)); ftruncate(fd, 0); VALUE(blocks_of(fd)); close(fd); mkdir("d", 0755); fd = open("d", O_RDONLY); VALUE(size_of(fd)); VALUE(blocks_of(fd)); close(fd); }
static void c_enospc(void)
{
	int fd = make("a", 0, 1), full; struct statvfs v; ssize_t n; memset(big, 6, sizeof(big));
	while ((n = write(fd, big, sizeof(big))) == sizeof(big)) ;
	full = n < 0 && errno == ENOSPC; if (n >= 0) full = write(fd, big, sizeof(big)) < 0 && errno == ENOSPC;
	SAY("full %d", full); int s = fsync(fd); SAY("fsync %s", why(s)); TRY(fallocate(fd, 0, 1ll << 32, 1 << 20)); close(fd); TRY(unlink("a")); sync(); fd = make("b", 1 << 20, 2); VALUE(fsync(fd)); VALUE(size_of(fd)); statvfs(".", &v); close(fd);
}
static void c_copy_range(void) { int a = make("a", 100000, 4), b = make("b", 0, 0); off_t i = 5000, o = 100; VALUE(copy_file_range(a, &i, b, &o, 50000, 0)); show(b); close(a); close(b); }
static void c_vectors(void) { int fd = make("a", 0, 0); struct iovec v[3] = { { "abc", 3 }, { "", 0 }, { "defg", 4 } }; VALUE(writev(fd, v, 3)); VALUE(pwritev2(fd, v, 3, 10, RWF_APPEND)); char b[20] = ""; VALUE(pread(fd, b, 20, 0)); SAY("%s", b); close(fd); }
static void c_acl(void)
{
	struct { uint32_t v; struct { uint16_t tag, perm; uint32_t id; } e[5]; } a = { 2, { { 1, 6, -1u }, { 2, 7, 1000 }, { 4, 4, -1u }, { 16, 7, -1u }, { 32, 4, -1u } } }; struct stat st; char b[200];
	close(make("a", 1, 1)); TRY(setxattr("a", "system.posix_acl_access", &a, sizeof(a), 0)); stat("a", &st); SAY("%o", st.st_mode); VALUE(getxattr("a", "system.posix_acl_access", b, 200)); chmod("a", 0640); getxattr("a", "system.posix_acl_access", b, 200); SAY("mask %d", b[4 + 3 * 8 + 2]);
	mkdir("d", 0755); TRY(setxattr("d", "system.posix_acl_default", &a, sizeof(a), 0)); umask(0); close(open("d/f", O_CREAT | O_WRONLY, 0666)); umask(022); stat("d/f", &st); SAY("%o", st.st_mode); VALUE(getxattr("d/f", "system.posix_acl_access", b, 200)); mkdir("d/e", 0755); VALUE(getxattr("d/e", "system.posix_acl_default", b, 200)); TRY(setxattr("a", "system.posix_acl_default", &a, sizeof(a), 0)); a.e[0].tag = 32; TRY(setxattr("a", "system.posix_acl_access", &a, sizeof(a), 0)); TRY(removexattr("a", "system.posix_acl_access"));
	a.e[0].tag = 1; chmod("a", 0600); setxattr("a", "system.posix_acl_access", &a, sizeof(a), 0); chmod(".", 0777); pid_t p = fork(); if (!p) { setgid(1000); setuid(1000); _exit(access("a", W_OK) == 0 ? 7 : errno); } int s; waitpid(p, &s, 0); SAY("named user may write: %d", WEXITSTATUS(s)); p = fork(); if (!p) { setgid(1001); setuid(1001); _exit(access("a", W_OK) == 0 ? 7 : errno); } waitpid(p, &s, 0); SAY("others may not: %d", WEXITSTATUS(s));
}
static void c_acl_empty(void)
{
	struct { uint32_t v; struct { uint16_t tag, perm; uint32_t id; } e[5]; } a = { 2, { { 1, 6, -1u }, { 2, 7, 1000 }, { 4, 4, -1u }, { 16, 7, -1u }, { 32, 4, -1u } } }; char b[200];
	close(make("a", 1, 1)); setxattr("a", "system.posix_acl_access", &a, sizeof(a), 0); TRY(setxattr("a", "system.posix_acl_access", &a, 3, 0)); VALUE(getxattr("a", "system.posix_acl_access", b, 200)); TRY(setxattr("a", "system.posix_acl_access", "", 0, 0)); VALUE(getxattr("a", "system.posix_acl_access", b, 200));
}
static void c_chmod_dir(void) { struct stat st; mkdir("d", 0755); chmod("d", 01777); stat("d", &st); SAY("%o", st.st_mode); TRY(chmod("none", 0)); }
static void c_open_flags(void) { close(make("a", 5, 1)); TRY(open("a", O_CREAT | O_EXCL | O_WRONLY, 0644)); TRY(open("a/b", O_RDONLY)); TRY(open("a", O_RDONLY | O_DIRECTORY)); TRY(open(".", O_WRONLY)); int fd = open("a", O_RDWR | O_TRUNC); VALUE(size_of(fd)); close(fd); }
static void c_read_dir(void) { char b[10]; mkdir("d", 0755); int fd = open("d", O_RDONLY); TRY(read(fd, b, 10)); TRY(ioctl(fd, 0x12345678, 0)); close(fd); }
static void c_sparse_write(void) { int fd = make("a", 0, 1); for (int i = 0; i < 200; i++) pwrite(fd, "z", 1, i * 8192 + 100); fsync(fd); VALUE(blocks_of(fd)); VALUE(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 100 * 8192)); fsync(fd); VALUE(blocks_of(fd)); ftruncate(fd, 0); VALUE(blocks_of(fd)); close(fd); }

static const struct { const char *name; void (*fn)(void); } cases[] = {
#define C(n) { #n, c_##n }
	C(hole_read), C(truncate_zeroes), C(truncate_up), C(truncate_big), C(truncate_neg), C(append), C(append_race), C(mmap_write), C(mmap_hole),
	C(mmap_past_end), C(mmap_past_end_write), C(mmap_truncated), C(private_map), C(falloc), C(falloc_keep), C(falloc_write), C(punch), C(punch_small),
	C(punch_end), C(punch_nokeep), C(zero), C(zero_extend), C(zero_keep), C(collapse), C(collapse_bad), C(insert), C(insert_bad), C(insert_far), C(falloc_bad),
	C(seek), C(rename_over), C(rename_same), C(rename_dirs), C(rename_parent), C(rename_exchange), C(rename_noreplace), C(rename_whiteout),
	C(unlink_open), C(tmpfile), C(links), C(dir_links), C(rmdir), C(rmdir_cwd), C(symlinks), C(long_names), C(many_names),
	C(readdir_while_creating), C(seekdir), C(dir_entry_types), C(xattrs), C(xattr_grow), C(flags), C(times), C(setid), C(fsync_rename), C(direct),
	C(direct_hole), C(fiemap_far), C(direct_align), C(direct_end), C(direct_grow), C(direct_odd_end), C(direct_parts), C(direct_unwritten), C(direct_cache), C(direct_mapped),
	C(direct_faults), C(direct_vectors), C(direct_truncate), C(direct_limit), C(direct_big), C(direct_times), C(aio_hole), C(aio_grow), C(aio_truncate), C(sync_calls), C(statvfs), C(blocks), C(enospc), C(copy_range), C(vectors), C(acl), C(acl_empty), C(chmod_dir), C(open_flags), C(read_dir),
	C(sparse_write),
	/* by name alone: Linux 6.1 does not promise it (open(2), NOTES), later ones do */
	C(aio_fork),
};
enum { CASES_COMPARED = sizeof(cases) / sizeof(cases[0]) - 1 };

int main(int argc, char **argv)
{
	if (argc < 2 || chdir(argv[1]))
		return 2;
	umask(022);
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		current = cases[k].name;
		if (argc > 2 ? strcmp(argv[2], current) != 0 : k >= CASES_COMPARED)
			continue;
		mkdir(current, 0755);
		if (chdir(current))
			return 3;
		cases[k].fn();
		fflush(stdout);
		if (chdir(argv[1]))
			return 4;
	}
	return 0;
}
