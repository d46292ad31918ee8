/*
 * The VFS over files in memory: names, paths, mounts, permissions, the initramfs, memory that comes back.
 *
 * Everything below vfs/ runs as it is but for the scheduler: what would sleep aborts.
 */
#include "tests/unit/vfs/tree.h"

/* ---- names ---- */

static void test_files(void **state)
{
	struct attrs a;

	put_text("/a", "hello");
	assert_string_equal(get_text("/a"), "hello");
	assert_int_equal(stat_of("/a", &a), 0);
	assert_int_equal(a.size, 5);
	assert_int_equal(a.mode, S_IFREG | 0644);
	assert_int_equal(a.nlink, 1);
	assert_int_equal(try_open("/a", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
	assert_int_equal(try_open("/nothing", O_RDONLY), -ENOENT);
	assert_int_equal(try_open("/a/b", O_RDONLY), -ENOTDIR);
	assert_int_equal(try_open("/a/", O_RDONLY), -ENOTDIR);
	assert_int_equal(try_open("/b/", O_WRONLY | O_CREAT), -EISDIR);
	assert_int_equal(try_open("/", O_WRONLY), -EISDIR);
	assert_int_equal(try_open("", O_RDONLY), -ENOENT);
	assert_int_equal(try_open("/a", O_DIRECTORY), -ENOTDIR);
	put_text("/a", "x");
	assert_string_equal(get_text("/a"), "x");
	assert_int_equal(vfs_unlinkat(CWD, "/a", 0), 0);
	assert_false(exists("/a"));
	assert_int_equal(vfs_unlinkat(CWD, "/a", 0), -ENOENT);
	put_text("/a", "again");
	assert_string_equal(get_text("/a"), "again");
	assert_int_equal(vfs_unlinkat(CWD, "/a", 0), 0);
}

static void test_long_names(void **state)
{
	char name[300], path[310];

	for (unsigned len = 1; len <= 256; len++) {
		memset(name, 'n', len);
		name[len] = 0;
		fmt_snprintf(path, sizeof(path), "/%s", name);
		if (len == 256) {
			assert_int_equal(try_open(path, O_WRONLY | O_CREAT), -ENAMETOOLONG);
			break;
		}
		put_text(path, "1");
		assert_string_equal(name_of(path), path);
	}
	for (unsigned len = 1; len <= 255; len++) {
		path[len + 1] = 0;
		memset(path + 1, 'n', len);
		assert_int_equal(vfs_unlinkat(CWD, path, 0), 0);
	}
}

static void test_directories(void **state)
{
	struct attrs a;

	assert_int_equal(vfs_mkdirat(CWD, "/d", 0777), 0);
	assert_int_equal(vfs_mkdirat(CWD, "/d", 0777), -EEXIST);
	assert_int_equal(vfs_mkdirat(CWD, "/d/e/", 0777), 0);
	assert_int_equal(vfs_mkdirat(CWD, "/", 0777), -EEXIST);
	assert_int_equal(vfs_mkdirat(CWD, "/no/e", 0777), -ENOENT);
	assert_int_equal(stat_of("/d", &a), 0);
	assert_int_equal(a.mode, S_IFDIR | 0755);
	assert_int_equal(a.nlink, 3);
	assert_string_equal(name_of("/d/../d/./e/../e"), "/d/e");
	assert_string_equal(name_of("/../../d"), "/d");
	assert_int_equal(vfs_unlinkat(CWD, "/d", AT_REMOVEDIR), -ENOTEMPTY);
	assert_int_equal(vfs_unlinkat(CWD, "/d", 0), -EISDIR);
	assert_int_equal(vfs_unlinkat(CWD, "/d/.", AT_REMOVEDIR), -EINVAL);
	assert_int_equal(vfs_unlinkat(CWD, "/d/e/..", AT_REMOVEDIR), -ENOTEMPTY);
	assert_int_equal(vfs_unlinkat(CWD, "/", AT_REMOVEDIR), -EBUSY);
	assert_int_equal(vfs_unlinkat(CWD, "/d/e", AT_REMOVEDIR), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/d", AT_REMOVEDIR), 0);
	assert_false(exists("/d"));
}

static void test_cwd(void **state)
{
	struct path p;

	assert_int_equal(vfs_mkdirat(CWD, "/w", 0777), 0);
	assert_int_equal(path_lookup(CWD, "/w", WALK_FOLLOW, &p), 0);
	assert_int_equal(vfs_chdir(&p), 0);
	path_put(&p);
	put_text("f", "in w");
	assert_string_equal(get_text("/w/f"), "in w");
	assert_int_equal(vfs_unlinkat(CWD, "./f", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/w", AT_REMOVEDIR), 0);
	assert_int_equal(try_open("g", O_WRONLY | O_CREAT), -ENOENT);
	assert_int_equal(try_open("..", O_RDONLY), 0);
	assert_int_equal(path_lookup(CWD, "/", 0, &p), 0);
	assert_int_equal(vfs_chdir(&p), 0);
	path_put(&p);
}

static void test_dirfd(void **state)
{
	struct file *f;
	int fd;

	assert_int_equal(vfs_mkdirat(CWD, "/w", 0777), 0);
	put_text("/w/f", "1");
	f = must_open("/w", O_RDONLY | O_DIRECTORY);
	fd = fd_add(f, false);
	struct file *g = path_open(fd, "f", O_RDONLY, 0, 0);

	assert_false(IS_ERR(g));
	file_put(g);
	struct path p;

	assert_int_equal(path_lookup(fd, "", WALK_EMPTY, &p), 0);
	path_put(&p);
	assert_int_equal(path_lookup(fd, "", 0, &p), -ENOENT);
	assert_int_equal(path_lookup(77, "f", 0, &p), -EBADF);
	assert_int_equal(path_lookup(fd, "../w", WALK_BENEATH, &p), -EXDEV);
	assert_int_equal(path_lookup(fd, "/f", WALK_IN_ROOT, &p), 0);
	path_put(&p);
	assert_int_equal(path_lookup(fd, "../../f", WALK_IN_ROOT, &p), 0);
	path_put(&p);
	assert_int_equal(fd_close(fd), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/w/f", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/w", AT_REMOVEDIR), 0);
}

static void test_symlinks(void **state)
{
	struct path p;

	assert_int_equal(vfs_mkdirat(CWD, "/s", 0777), 0);
	put_text("/s/f", "target");
	assert_int_equal(vfs_symlinkat("f", CWD, "/s/l1"), 0);
	assert_int_equal(vfs_symlinkat("/s/l1", CWD, "/s/l2"), 0);
	assert_int_equal(vfs_symlinkat("../s", CWD, "/s/up"), 0);
	assert_int_equal(vfs_symlinkat("loop", CWD, "/s/loop"), 0);
	assert_int_equal(vfs_symlinkat("new", CWD, "/s/dangling"), 0);
	assert_string_equal(get_text("/s/l2"), "target");
	assert_string_equal(get_text("/s/up/up/up/l2"), "target");
	assert_int_equal(try_open("/s/loop", O_RDONLY), -ELOOP);
	assert_int_equal(try_open("/s/l1", O_RDONLY | O_NOFOLLOW), -ELOOP);
	assert_int_equal(try_open("/s/l1", O_RDONLY | O_NOFOLLOW | O_PATH), 0);
	assert_int_equal(try_open("/s/l1/", O_RDONLY), -ENOTDIR);
	assert_int_equal(try_open("/s/up/", O_RDONLY), 0);
	assert_int_equal(try_open("/s/dangling", O_RDONLY), -ENOENT);
	assert_int_equal(try_open("/s/dangling", O_WRONLY | O_CREAT | O_EXCL), -EEXIST);
	put_text("/s/dangling", "made");
	assert_string_equal(get_text("/s/new"), "made");
	assert_int_equal(path_lookup(CWD, "/s/l1", WALK_FOLLOW | WALK_NO_SYMLINKS, &p), -ELOOP);
	assert_int_equal(vfs_mkdirat(CWD, "/s/dangling", 0777), -EEXIST);
	for (const char *const *n = (const char *const[]){ "f", "l1", "l2", "up", "loop", "new", "dangling", NULL }; *n; n++) {
		char name[32];

		fmt_snprintf(name, sizeof(name), "/s/%s", *n);
		assert_int_equal(vfs_unlinkat(CWD, name, 0), 0);
	}
	assert_int_equal(vfs_unlinkat(CWD, "/s", AT_REMOVEDIR), 0);
}

static void test_link_limit(void **state)
{
	char from[32], to[32];

	put_text("/k0", "end");
	for (unsigned n = 1; n <= 41; n++) {
		fmt_snprintf(from, sizeof(from), "/k%u", n);
		fmt_snprintf(to, sizeof(to), "k%u", n - 1);
		assert_int_equal(vfs_symlinkat(to, CWD, from), 0);
	}
	assert_string_equal(get_text("/k40"), "end");
	assert_int_equal(try_open("/k41", O_RDONLY), -ELOOP);
	for (unsigned n = 0; n <= 41; n++) {
		fmt_snprintf(from, sizeof(from), "/k%u", n);
		assert_int_equal(vfs_unlinkat(CWD, from, 0), 0);
	}
}

static void test_hard_links(void **state)
{
	struct attrs a;

	put_text("/h1", "both");
	assert_int_equal(vfs_linkat(CWD, "/h1", CWD, "/h2", 0), 0);
	assert_int_equal(vfs_linkat(CWD, "/h1", CWD, "/h2", 0), -EEXIST);
	assert_int_equal(vfs_linkat(CWD, "/", CWD, "/h3", 0), -EPERM);
	assert_int_equal(stat_of("/h2", &a), 0);
	assert_int_equal(a.nlink, 2);
	assert_int_equal(vfs_unlinkat(CWD, "/h1", 0), 0);
	assert_string_equal(get_text("/h2"), "both");
	assert_int_equal(vfs_unlinkat(CWD, "/h2", 0), 0);
}

/* ---- rename ---- */

static void test_rename(void **state)
{
	struct attrs a;

	put_text("/r1", "one");
	put_text("/r2", "two");
	assert_int_equal(vfs_renameat(CWD, "/r1", CWD, "/r2", RENAME_NOREPLACE), -EEXIST);
	assert_int_equal(vfs_renameat(CWD, "/r1", CWD, "/r2", 0), 0);
	assert_string_equal(get_text("/r2"), "one");
	assert_false(exists("/r1"));
	assert_int_equal(vfs_renameat(CWD, "/r1", CWD, "/r3", 0), -ENOENT);
	assert_int_equal(vfs_mkdirat(CWD, "/rd", 0777), 0);
	assert_int_equal(vfs_mkdirat(CWD, "/rd/sub", 0777), 0);
	assert_int_equal(vfs_renameat(CWD, "/rd", CWD, "/rd/sub/x", 0), -EINVAL);
	assert_int_equal(vfs_renameat(CWD, "/rd/sub", CWD, "/rd", 0), -ENOTEMPTY);
	assert_int_equal(vfs_renameat(CWD, "/r2", CWD, "/rd", 0), -EISDIR);
	assert_int_equal(vfs_renameat(CWD, "/rd", CWD, "/r2", 0), -ENOTDIR);
	assert_int_equal(vfs_renameat(CWD, "/r2", CWD, "/rd/sub/moved", 0), 0);
	assert_string_equal(get_text("/rd/sub/moved"), "one");
	assert_int_equal(vfs_renameat(CWD, "/rd/sub", CWD, "/top", 0), 0);
	assert_string_equal(name_of("/top/moved"), "/top/moved");
	assert_int_equal(stat_of("/rd", &a), 0);
	assert_int_equal(a.nlink, 2);
	put_text("/x", "x");
	assert_int_equal(vfs_renameat(CWD, "/x", CWD, "/top", RENAME_EXCHANGE), 0);
	assert_string_equal(get_text("/top"), "x");
	assert_string_equal(get_text("/x/moved"), "one");
	assert_int_equal(vfs_renameat(CWD, "/x/moved", CWD, "/rd/w", RENAME_WHITEOUT), 0);
	assert_int_equal(stat_of("/x/moved", &a), 0);
	assert_int_equal(a.mode & S_IFMT, S_IFCHR);
	assert_int_equal(a.rdev, 0);
	assert_string_equal(get_text("/rd/w"), "one");
	assert_int_equal(vfs_renameat(CWD, "/rd/w", CWD, "/rd/w", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/rd/w", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/x/moved", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/rd", AT_REMOVEDIR), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/x", AT_REMOVEDIR), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/top", 0), 0);
}

static void test_rename_long(void **state)
{
	const char *long1 = "/a-name-that-is-too-long-to-stand-in-the-dentry-itself-and-so-is-allocated-1";
	const char *long2 = "/a-name-that-is-too-long-to-stand-in-the-dentry-itself-and-so-is-allocated-2";

	put_text(long1, "1");
	put_text("/short", "s");
	assert_int_equal(vfs_renameat(CWD, long1, CWD, "/short", RENAME_EXCHANGE), 0);
	assert_string_equal(get_text(long1), "s");
	assert_int_equal(vfs_renameat(CWD, long1, CWD, long2, 0), 0);
	assert_string_equal(get_text(long2), "s");
	assert_int_equal(vfs_renameat(CWD, "/short", CWD, long2, 0), 0);
	assert_string_equal(get_text(long2), "1");
	assert_int_equal(vfs_renameat(CWD, long2, CWD, "/short", 0), 0);
	assert_string_equal(get_text("/short"), "1");
	assert_int_equal(vfs_unlinkat(CWD, "/short", 0), 0);
}

/* ---- readdir ---- */

static void test_readdir(void **state)
{
	struct file *f;

	assert_int_equal(vfs_mkdirat(CWD, "/l", 0777), 0);
	put_text("/l/a", "");
	put_text("/l/b", "");
	put_text("/l/c", "");
	f = must_open("/l", O_RDONLY | O_DIRECTORY);
	assert_string_equal(list_some(f, 3), ". .. a ");
	assert_int_equal(vfs_unlinkat(CWD, "/l/a", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/l/b", 0), 0);
	put_text("/l/d", "");
	assert_string_equal(list_some(f, 100), "c d ");
	assert_string_equal(list_some(f, 100), "");
	assert_int_equal(file_lseek(f, 0, SEEK_SET), 0);
	assert_string_equal(list_some(f, 100), ". .. c d ");
	file_put(f);
	assert_int_equal(vfs_unlinkat(CWD, "/l/c", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/l/d", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/l", AT_REMOVEDIR), 0);
}

/* ---- mounts ---- */

static const char *mounts_text(int kind)
{
	static char copy[8192];
	struct path root;
	char *text;
	size_t len;

	fs_context_root(&root);
	assert_int_equal(mounts_show(kind, &root, mount_ns_current(), &text, &len), 0);
	path_put(&root);
	strcpy(copy, text);
	kfree(text);
	return copy;
}

static void test_mounts(void **state)
{
	struct path p;

	assert_int_equal(vfs_mkdirat(CWD, "/m", 0777), 0);
	assert_int_equal(vfs_mkdirat(CWD, "/n", 0777), 0);
	assert_int_equal(vfs_mount("none", "/m", "nosuchfs", 0, NULL), -ENODEV);
	assert_int_equal(vfs_mount("none", "/m", "tmpfs", 0, "size=64k,bogus=1"), -EINVAL);
	assert_int_equal(vfs_mount("my tmp", "/m", "tmpfs", MS_NOSUID, "size=64k"), 0);
	put_text("/m/f", "on tmpfs");
	assert_string_equal(name_of("/m/f"), "/m/f");
	assert_string_equal(name_of("/m/../m/."), "/m");
	assert_non_null(strstr(mounts_text(0), "my\\040tmp /m tmpfs rw,nosuid,relatime,size=64k,inode64 0 0\n"));
	assert_non_null(strstr(mounts_text(1), " / /m rw,nosuid,relatime - tmpfs my\\040tmp rw,size=64k,inode64\n"));
	assert_int_equal(vfs_mount("/m", "/n", NULL, MS_BIND, NULL), 0);
	assert_string_equal(get_text("/n/f"), "on tmpfs");
	assert_int_equal(vfs_mount(NULL, "/n", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL), 0);
	assert_int_equal(try_open("/n/f", O_WRONLY), -EROFS);
	assert_int_equal(try_open("/n/g", O_WRONLY | O_CREAT), -EROFS);
	assert_int_equal(vfs_mkdirat(CWD, "/n/d", 0777), -EROFS);
	put_text("/m/f", "writable here");
	assert_int_equal(vfs_unlinkat(CWD, "/m", AT_REMOVEDIR), -EBUSY);
	assert_int_equal(vfs_renameat(CWD, "/m", CWD, "/z", 0), -EBUSY);
	assert_int_equal(vfs_renameat(CWD, "/m/f", CWD, "/f", 0), -EXDEV);
	assert_int_equal(path_lookup(CWD, "/m/f", WALK_NO_XDEV, &p), -EXDEV);
	struct file *f = must_open("/m/f", O_RDONLY);

	assert_int_equal(vfs_umount("/m", 0), -EBUSY);
	assert_int_equal(vfs_umount("/n", 0), 0);
	assert_int_equal(vfs_umount("/n", 0), -EINVAL);
	assert_int_equal(vfs_umount("/m", 2), 0);
	assert_false(exists("/m/f"));
	file_put(f);
	assert_int_equal(vfs_unlinkat(CWD, "/m", AT_REMOVEDIR), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/n", AT_REMOVEDIR), 0);
}

static void test_mount_tree(void **state)
{
	assert_int_equal(vfs_mkdirat(CWD, "/m", 0777), 0);
	assert_int_equal(vfs_mount("a", "/m", "tmpfs", 0, NULL), 0);
	assert_int_equal(vfs_mkdirat(CWD, "/m/in", 0777), 0);
	assert_int_equal(vfs_mount("b", "/m/in", "tmpfs", 0, NULL), 0);
	put_text("/m/in/f", "deep");
	assert_int_equal(vfs_mkdirat(CWD, "/n", 0777), 0);
	assert_int_equal(vfs_mount("/m", "/n", NULL, MS_BIND, NULL), 0);
	assert_false(exists("/n/in/f"));
	assert_int_equal(vfs_umount("/n", 0), 0);
	assert_int_equal(vfs_mount("/m", "/n", NULL, MS_BIND | MS_REC, NULL), 0);
	assert_string_equal(get_text("/n/in/f"), "deep");
	assert_int_equal(vfs_umount("/n", 0), -EBUSY);
	assert_int_equal(vfs_umount("/n", 2), 0);
	assert_int_equal(vfs_mount("/m", "/m/in", NULL, MS_MOVE, NULL), -ELOOP);
	assert_int_equal(vfs_mount("/m", "/n", NULL, MS_MOVE, NULL), 0);
	assert_string_equal(get_text("/n/in/f"), "deep");
	assert_string_equal(name_of("/n/in/f"), "/n/in/f");
	assert_int_equal(vfs_mount(NULL, "/n", NULL, MS_SHARED | MS_REC, NULL), 0);
	assert_non_null(strstr(mounts_text(1), " / /n rw,relatime shared:"));
	assert_int_equal(vfs_mount(NULL, "/n", NULL, MS_PRIVATE | MS_REC, NULL), 0);
	assert_int_equal(vfs_umount("/n/in", 0), 0);
	assert_int_equal(vfs_umount("/n", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/m", AT_REMOVEDIR), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/n", AT_REMOVEDIR), 0);
}

static void test_full(void **state)
{
	char *block = calloc(1, 32768);
	struct file *f;

	assert_int_equal(vfs_mkdirat(CWD, "/m", 0777), 0);
	assert_int_equal(vfs_mount("a", "/m", "tmpfs", 0, "size=16k,nr_inodes=3"), 0);
	f = must_open("/m/f", O_RDWR | O_CREAT);
	assert_int_equal(file_write_kernel(f, block, 32768, 0), 16384);
	assert_int_equal(file_write_kernel(f, block, 1, 16384), -ENOSPC);
	assert_int_equal(vfs_ftruncate(f, 4096), 0);
	assert_int_equal(file_write_kernel(f, block, 4096, 4096), 4096);
	assert_int_equal(vfs_fallocate(f, 0, 0, 32768), -ENOSPC);
	assert_int_equal(vfs_fallocate(f, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), 0);
	assert_int_equal(file_lseek(f, 0, SEEK_DATA), 4096);
	assert_int_equal(file_lseek(f, 0, SEEK_HOLE), 0);
	assert_int_equal(file_lseek(f, 4096, SEEK_HOLE), 8192);
	assert_int_equal(file_lseek(f, 8192, SEEK_DATA), -ENXIO);
	assert_int_equal(try_open("/m/g", O_WRONLY | O_CREAT), 0);
	assert_int_equal(try_open("/m/h", O_WRONLY | O_CREAT), -ENOSPC);
	file_put(f);
	assert_int_equal(vfs_umount("/m", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/m", AT_REMOVEDIR), 0);
	free(block);
}

/* ---- permissions ---- */

static void test_permissions(void **state)
{
	struct cred user = { .refs = 1000, .fsuid = 1000, .fsgid = 1000 };
	const struct cred *old;
	struct path p;
	struct attrs a;

	assert_int_equal(vfs_mkdirat(CWD, "/p", 0755), 0);
	put_text("/p/f", "root's");
	old = cred_override(&user);
	assert_int_equal(try_open("/p/f", O_RDONLY), 0);
	assert_int_equal(try_open("/p/f", O_WRONLY), -EACCES);
	assert_int_equal(try_open("/p/g", O_WRONLY | O_CREAT), -EACCES);
	assert_int_equal(vfs_unlinkat(CWD, "/p/f", 0), -EACCES);
	assert_int_equal(path_lookup(CWD, "/p/f", 0, &p), 0);
	assert_int_equal(vfs_chmod(&p, 0777), -EPERM);
	assert_int_equal(vfs_chown(&p, 1000, 1000), -EPERM);
	assert_int_equal(vfs_utimens(&p, NULL), -EACCES);
	assert_int_equal(vfs_access(&p, MAY_READ), 0);
	assert_int_equal(vfs_access(&p, MAY_WRITE), -EACCES);
	assert_int_equal(vfs_mount("x", "/p", "tmpfs", 0, NULL), -EPERM);
	cred_revert(old);
	assert_int_equal(vfs_chown(&p, 1000, 1000), 0);
	assert_int_equal(vfs_chmod(&p, 06755), 0);
	old = cred_override(&user);
	struct file *f = must_open("/p/f", O_WRONLY);

	assert_int_equal(file_write_kernel(f, "w", 1, 0), 1);
	file_put(f);
	assert_int_equal(stat_of("/p/f", &a), 0);
	assert_int_equal(a.mode, S_IFREG | 0755);
	cred_revert(old);
	path_put(&p);
	assert_int_equal(path_lookup(CWD, "/p", 0, &p), 0);
	assert_int_equal(vfs_chmod(&p, 0700), 0);
	path_put(&p);
	old = cred_override(&user);
	assert_int_equal(try_open("/p/f", O_RDONLY), -EACCES);
	assert_int_equal(stat_of("/p/f", &a), -EACCES);
	cred_revert(old);
	assert_int_equal(vfs_unlinkat(CWD, "/p/f", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/p", AT_REMOVEDIR), 0);
}

static void test_sticky(void **state)
{
	struct cred user = { .refs = 1000, .fsuid = 1000, .fsgid = 1000 };
	const struct cred *old;
	struct path p;

	assert_int_equal(vfs_mkdirat(CWD, "/t", 0777), 0);
	assert_int_equal(path_lookup(CWD, "/t", 0, &p), 0);
	assert_int_equal(vfs_chmod(&p, 01777), 0);
	path_put(&p);
	put_text("/t/f", "root's");
	assert_int_equal(vfs_symlinkat("f", CWD, "/t/l"), 0);
	old = cred_override(&user);
	assert_int_equal(vfs_unlinkat(CWD, "/t/f", 0), -EPERM);
	assert_int_equal(try_open("/t/mine", O_WRONLY | O_CREAT), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/t/mine", 0), 0);
	assert_int_equal(vfs_linkat(CWD, "/t/f", CWD, "/t/h", 0), -EPERM);
	assert_int_equal(try_open("/t/l", O_RDONLY), 0);	/* the directory's owner made it */
	cred_revert(old);
	assert_int_equal(vfs_unlinkat(CWD, "/t/f", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/t/l", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/t", AT_REMOVEDIR), 0);
}

/* ---- the initramfs ---- */

static size_t cpio_add(char *out, const char *name, u32 mode, u32 nlink, u32 ino, const char *data)
{
	size_t n = (size_t)sprintf(out, "070701%08x%08x%08x%08x%08x%08x%08zx%08x%08x%08x%08x%08zx%08x%s", ino, mode, 0, 0, nlink, 77,
				   strlen(data), 8, 1, 0, 0, strlen(name) + 1, 0, name) + 1;

	while (n % 4)
		out[n++] = 0;
	memcpy(out + n, data, strlen(data));
	n += strlen(data);
	while (n % 4)
		out[n++] = 0;
	return n;
}

static void test_initramfs(void **state)
{
	static char image[8192];
	struct attrs a;
	size_t n = 0;

	n += cpio_add(image + n, ".", S_IFDIR | 0755, 2, 1, "");
	n += cpio_add(image + n, "ird", S_IFDIR | 0750, 2, 2, "");
	n += cpio_add(image + n, "ird/f", S_IFREG | 04755, 1, 3, "contents");
	n += cpio_add(image + n, "ird/l", S_IFLNK | 0777, 1, 4, "f");
	n += cpio_add(image + n, "ird/h1", S_IFREG | 0644, 2, 5, "");
	n += cpio_add(image + n, "ird/h2", S_IFREG | 0644, 2, 5, "linked");
	n += cpio_add(image + n, "TRAILER!!!", 0, 1, 0, "");
	stub_quiet = true;
	assert_int_equal(initramfs_unpack(image, sizeof(image)), 0);
	assert_string_equal(get_text("/ird/l"), "contents");
	assert_string_equal(get_text("/ird/h1"), "linked");
	assert_int_equal(stat_of("/ird/f", &a), 0);
	assert_int_equal(a.mode, S_IFREG | 04755);
	assert_int_equal(a.mtime.sec, 77);
	image[0x200] ^= 0x40;
	(void)initramfs_unpack(image, sizeof(image));
	memset(image, 'z', sizeof(image));
	assert_int_equal(initramfs_unpack(image, sizeof(image)), -EINVAL);
	stub_quiet = false;
}

/* @image through gzip(1). Return: its length */
static size_t gzip(const void *image, size_t len, void *out, size_t size)
{
	char plain[] = "/tmp/auk-initramfs-XXXXXX", command[64];
	int fd = mkstemp(plain);
	FILE *p;
	size_t n;

	assert_true(fd >= 0 && write(fd, image, len) == (ssize_t)len);
	close(fd);
	snprintf(command, sizeof(command), "gzip -c %s", plain);
	p = popen(command, "r");
	assert_non_null(p);
	n = fread(out, 1, size, p);
	pclose(p);
	unlink(plain);
	return n;
}

static void test_initramfs_gzip(void **state)
{
	static char image[300000], packed[300000];
	char *big = malloc(100001);
	size_t n = 0, len;

	for (unsigned i = 0; i < 100000; i++)
		big[i] = (char)('a' + i * 7 % 26);
	big[100000] = 0;
	n += cpio_add(image + n, "irz", S_IFDIR | 0755, 2, 1, "");
	n += cpio_add(image + n, "/irz/big", S_IFREG | 0444, 1, 2, big);
	n += cpio_add(image + n, "irz/odd", S_IFREG | 0644, 1, 3, "12345");
	n += cpio_add(image + n, "irz/link", S_IFLNK | 0777, 1, 4, "big");
	n += cpio_add(image + n, "irz/one", S_IFREG | 0600, 2, 5, "");
	n += cpio_add(image + n, "irz/two", S_IFREG | 0600, 2, 5, "linked");
	n += cpio_add(image + n, "TRAILER!!!", 0, 1, 0, "");
	n += 512;
	n += cpio_add(image + n, "irz/second", S_IFREG | 0644, 1, 6, "archive");
	n += cpio_add(image + n, "TRAILER!!!", 0, 1, 0, "");
	len = gzip(image, n, packed, sizeof(packed));
	stub_quiet = true;
	assert_int_equal(initramfs_unpack(packed, len), 0);
	assert_string_equal(get_text("/irz/odd"), "12345");
	assert_string_equal(get_text("/irz/one"), "linked");
	assert_string_equal(get_text("/irz/second"), "archive");
	struct file *f = must_open("/irz/link", O_RDONLY);
	char *back = malloc(100001);

	assert_int_equal(file_read_kernel(f, back, 100001, 0), 100000);
	assert_memory_equal(back, big, 100000);
	file_put(f);
	for (size_t cut = 0; cut < len; cut += 997)
		assert_true(initramfs_unpack(packed, cut) == (cut ? -EINVAL : 0));
	stub_quiet = false;
	free(back);
	free(big);
}

/* ---- memory comes back ---- */

static void test_shrink(void **state)
{
	u64 total, unused;
	char name[32];

	for (unsigned n = 0; n < 500; n++) {
		fmt_snprintf(name, sizeof(name), "/absent%u", n);
		assert_false(exists(name));
	}
	dcache_stats(&total, &unused);
	assert_true(unused >= 500);
	d_shrink(10000);
	d_shrink(10000);
	dcache_stats(&total, &unused);
	assert_true(unused < 50);	/* those in use stay listed */
}

/* Fail every allocation of an operation in turn: no crash, an errno, and all is well afterwards. */
static void test_no_memory(void **state)
{
	for (int n = 0; n < 40; n++) {
		machine_fail_after(n);
		int err = try_open("/nomem", O_WRONLY | O_CREAT);

		if (!err)
			err = vfs_linkat(CWD, "/nomem", CWD, "/nomem2-with-a-name-that-needs-memory-of-its-own", 0);
		if (!err)
			err = vfs_mkdirat(CWD, "/nomem3", 0777);
		if (!err)
			err = vfs_symlinkat("x", CWD, "/nomem3/x");
		bool hit = machine_failed();

		machine_fail_after(-1);
		assert_true(err == 0 || err == -ENOMEM);
		vfs_unlinkat(CWD, "/nomem3/x", 0);
		vfs_unlinkat(CWD, "/nomem3", AT_REMOVEDIR);
		vfs_unlinkat(CWD, "/nomem2-with-a-name-that-needs-memory-of-its-own", 0);
		vfs_unlinkat(CWD, "/nomem", 0);
		if (!hit)
			return;
	}
	fail_msg("more allocations than thought");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files), cmocka_unit_test(test_long_names), cmocka_unit_test(test_directories),
		cmocka_unit_test(test_cwd), cmocka_unit_test(test_dirfd), cmocka_unit_test(test_symlinks),
		cmocka_unit_test(test_link_limit), cmocka_unit_test(test_hard_links), cmocka_unit_test(test_rename),
		cmocka_unit_test(test_rename_long), cmocka_unit_test(test_readdir), cmocka_unit_test(test_mounts),
		cmocka_unit_test(test_mount_tree), cmocka_unit_test(test_full), cmocka_unit_test(test_permissions),
		cmocka_unit_test(test_sticky), cmocka_unit_test(test_initramfs), cmocka_unit_test(test_initramfs_gzip),
		cmocka_unit_test(test_shrink), cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
