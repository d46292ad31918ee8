/*
 * Open files over files in memory: descriptors, pipes, readiness, locks, notifications, attributes.
 *
 * Everything below vfs/ runs as it is but for the scheduler: what would sleep aborts.
 */
#include "tests/unit/vfs/tree.h"

/* ---- files ---- */

static void test_tmpfile(void **state)
{
	struct file *f = path_open(CWD, "/", O_TMPFILE | O_RDWR, 0600, 0);
	char buf[8] = "";
	struct path p;

	assert_false(IS_ERR(f));
	assert_int_equal(file_write_kernel(f, "tmp", 3, 0), 3);
	assert_int_equal(file_read_kernel(f, buf, 8, 0), 3);
	assert_string_equal(buf, "tmp");
	int fd = fd_add(f, false);

	assert_int_equal(vfs_linkat(fd, "", CWD, "/named", AT_EMPTY_PATH), 0);
	assert_string_equal(get_text("/named"), "tmp");
	assert_int_equal(fd_close(fd), 0);
	assert_int_equal(path_lookup(CWD, "/named", 0, &p), 0);
	path_put(&p);
	assert_int_equal(vfs_unlinkat(CWD, "/named", 0), 0);
}

static void test_memfd(void **state)
{
	struct file *f = memfd_create_file("x", MFD_ALLOW_SEALING);
	char buf[64];

	assert_false(IS_ERR(f));
	assert_string_equal(path_name(&f->path, buf, sizeof(buf)), "/memfd:x (deleted)");
	assert_int_equal(file_write_kernel(f, "data", 4, 0), 4);
	assert_int_equal(memfd_add_seals(f, F_SEAL_SHRINK), 0);
	assert_int_equal(vfs_ftruncate(f, 2), -EPERM);
	assert_int_equal(vfs_ftruncate(f, 8), 0);
	assert_int_equal(memfd_add_seals(f, F_SEAL_WRITE | F_SEAL_SEAL), 0);
	assert_int_equal(file_write_kernel(f, "x", 1, 0), -EPERM);
	assert_int_equal(memfd_add_seals(f, F_SEAL_GROW), -EPERM);
	assert_int_equal(memfd_get_seals(f), F_SEAL_SHRINK | F_SEAL_WRITE | F_SEAL_SEAL);
	file_put(f);
}

static void test_descriptors(void **state)
{
	struct file *f = must_open("/", O_RDONLY);

	for (int fd = 0; fd < 300; fd++)
		assert_int_equal(fd_add(file_get(f), fd & 1), fd);
	assert_int_equal(fd_close(7), 0);
	assert_int_equal(fd_close(7), -EBADF);
	assert_int_equal(fd_close(100), 0);
	assert_int_equal(fd_add(file_get(f), false), 7);
	assert_int_equal(fd_alloc(50, false), 100);
	fd_unreserve(100);
	assert_int_equal(fd_dup2(1, 900, O_CLOEXEC), 900);
	assert_int_equal(fd_cloexec(900, -1), 1);
	assert_int_equal(fd_dup2(1, 1024, 0), -EBADF);
	assert_int_equal(fd_dup2(555, 3, 0), -EBADF);
	struct files *copy = files_fork(current()->files);

	assert_false(IS_ERR(copy));
	files_close_exec(copy);
	struct file *g = fd_get_from(copy, 2);

	assert_ptr_equal(g, f);
	file_put(g);
	assert_null(fd_get_from(copy, 3));
	files_put(copy);
	assert_int_equal(fd_close_range(10, ~0u, false), 0);
	assert_null(fd_get(10));
	assert_int_equal(fd_close_range(0, 9, false), 0);
	assert_int_equal(f->refs, 1);
	file_put(f);
}

/* ---- pipes and readiness ---- */

static s64 put_bytes(struct file *f, const char *s)
{
	struct iter it;

	iter_init_kernel(&it, (void *)s, strlen(s));
	return file_write_at_pos(f, &it);
}

static s64 get_bytes(struct file *f, char *buf, size_t n)
{
	struct iter it;

	memset(buf, 0, n);
	iter_init_kernel(&it, buf, n);
	return file_read_at_pos(f, &it);
}

static void test_pipe(void **state)
{
	struct file *r, *w;
	char buf[128];
	char *big = calloc(1, 100000);

	assert_int_equal(pipe_create(&r, &w, O_NONBLOCK), 0);
	assert_int_equal(get_bytes(r, buf, 10), -EAGAIN);
	assert_int_equal(put_bytes(w, "abc"), 3);
	assert_int_equal(put_bytes(w, "def"), 3);
	assert_int_equal(get_bytes(r, buf, 4), 4);
	assert_string_equal(buf, "abcd");
	assert_int_equal(get_bytes(r, buf, 100), 2);
	assert_int_equal(file_poll(r, NULL), 0);
	assert_int_equal(file_poll(w, NULL), EPOLLOUT | EPOLLWRNORM);
	memset(big, 'x', 99999);
	assert_int_equal(put_bytes(w, big), 65536);
	assert_int_equal(put_bytes(w, "y"), -EAGAIN);
	assert_int_equal(get_bytes(r, big, 100000), 65536);
	assert_int_equal(pipe_resize(file_pipe(r), 4096), 4096);
	memset(big, 'x', 5000);
	big[5000] = 0;
	assert_int_equal(put_bytes(w, big), 4096);
	assert_int_equal(get_bytes(r, big, 100000), 4096);
	assert_int_equal(put_bytes(w, "last"), 4);
	file_put(w);
	assert_int_equal(file_poll(r, NULL), EPOLLIN | EPOLLRDNORM | EPOLLHUP);
	assert_int_equal(get_bytes(r, buf, 100), 4);
	assert_int_equal(get_bytes(r, buf, 100), 0);
	file_put(r);
	assert_int_equal(pipe_create(&r, &w, 0), 0);
	file_put(r);
	assert_int_equal(put_bytes(w, "x"), -EPIPE);
	file_put(w);
	free(big);
}

static void test_splice(void **state)
{
	struct file *r, *w, *f, *g;
	char buf[64];
	u64 off = 2;

	put_text("/sp", "0123456789");
	f = must_open("/sp", O_RDONLY);
	assert_int_equal(pipe_create(&r, &w, O_NONBLOCK), 0);
	assert_int_equal(vfs_splice(f, &off, w, NULL, 5, 0), 5);
	assert_int_equal(off, 7);
	assert_int_equal(get_bytes(r, buf, 64), 5);
	assert_string_equal(buf, "23456");
	g = must_open("/out", O_RDWR | O_CREAT);
	off = 0;
	assert_int_equal(vfs_sendfile(g, f, &off, 100), 10);
	assert_string_equal(get_text("/out"), "0123456789");
	assert_int_equal(put_bytes(w, "piped"), 5);
	off = 10;
	assert_int_equal(vfs_splice(r, NULL, g, &off, 100, 0), 5);
	assert_string_equal(get_text("/out"), "0123456789piped");
	u64 from = 0, to = 15;

	assert_int_equal(vfs_copy_file_range(f, &from, g, &to, 3, 0), 3);
	assert_string_equal(get_text("/out"), "0123456789piped012");
	file_put(r);
	file_put(w);
	file_put(f);
	file_put(g);
	assert_int_equal(vfs_unlinkat(CWD, "/sp", 0), 0);
	assert_int_equal(vfs_unlinkat(CWD, "/out", 0), 0);
}

static void test_epoll(void **state)
{
	struct file *ep = epoll_create_file(), *outer = epoll_create_file(), *ev = eventfd_create(0, O_NONBLOCK), *f;
	struct epoll_event want = { .events = EPOLLIN, .data = 7 }, got[4];
	u64 one = 1;

	assert_int_equal(epoll_ctl_file(ep, EPOLL_CTL_ADD, 5, ev, &want), 0);
	assert_int_equal(epoll_ctl_file(ep, EPOLL_CTL_ADD, 5, ev, &want), -EEXIST);
	assert_int_equal(epoll_ctl_file(ep, EPOLL_CTL_MOD, 6, ev, &want), -ENOENT);
	assert_int_equal(epoll_ctl_file(ep, EPOLL_CTL_ADD, 9, ep, &want), -EINVAL);
	assert_int_equal(epoll_ctl_file(outer, EPOLL_CTL_ADD, 9, ep, &want), 0);
	assert_int_equal(epoll_ctl_file(ep, EPOLL_CTL_ADD, 9, outer, &want), -ELOOP);
	f = must_open("/", O_RDONLY);
	assert_int_equal(epoll_ctl_file(ep, EPOLL_CTL_ADD, 3, f, &want), -EPERM);
	file_put(f);
	assert_int_equal(epoll_wait_file(ep, got, 4, 0), 0);
	assert_int_equal(file_write_kernel(ev, &one, 8, 0), 8);
	stub_run_work();
	assert_int_equal(epoll_wait_file(outer, got, 4, 0), 1);
	assert_int_equal(epoll_wait_file(ep, got, 4, 0), 1);
	assert_int_equal(got[0].data, 7);
	assert_int_equal(epoll_wait_file(ep, got, 4, 0), 1);	/* level-triggered */
	want.events = EPOLLIN | EPOLLET;
	assert_int_equal(epoll_ctl_file(ep, EPOLL_CTL_MOD, 5, ev, &want), 0);
	assert_int_equal(epoll_wait_file(ep, got, 4, 0), 1);
	assert_int_equal(epoll_wait_file(ep, got, 4, 0), 0);	/* the edge is gone */
	assert_int_equal(file_write_kernel(ev, &one, 8, 0), 8);
	assert_int_equal(epoll_wait_file(ep, got, 4, 0), 1);
	want.events = EPOLLIN | EPOLLONESHOT;
	assert_int_equal(epoll_ctl_file(ep, EPOLL_CTL_MOD, 5, ev, &want), 0);
	assert_int_equal(epoll_wait_file(ep, got, 4, 0), 1);
	assert_int_equal(epoll_wait_file(ep, got, 4, 0), 0);
	file_put(ev);
	assert_int_equal(epoll_ctl_file(ep, EPOLL_CTL_DEL, 5, outer, NULL), -ENOENT);
	file_put(ep);
	stub_run_work();
	assert_int_equal(epoll_wait_file(outer, got, 4, 0), 0);
	file_put(outer);
}

static void test_poll(void **state)
{
	struct file *r, *w;

	assert_int_equal(pipe_create(&r, &w, O_NONBLOCK), 0);
	int rfd = fd_add(r, false), wfd = fd_add(w, false);
	struct pollfd fds[4] = { { rfd, POLLIN, 0 }, { wfd, POLLOUT, 0 }, { -1, POLLIN, 0 }, { 99, POLLIN, 0 } };

	assert_int_equal(vfs_poll(fds, 4, ~0ull), 2);
	assert_int_equal(fds[0].revents, 0);
	assert_int_equal(fds[1].revents, POLLOUT);
	assert_int_equal(fds[3].revents, POLLNVAL);
	u64 in = 1ull << rfd, out = 1ull << wfd;

	assert_int_equal(vfs_select(64, &in, &out, NULL, ~0ull), 1);
	assert_int_equal(in, 0);
	assert_int_equal(out, 1ull << wfd);
	in = 1ull << 50;
	assert_int_equal(vfs_select(64, &in, NULL, NULL, 0), -EBADF);
	fd_close(rfd);
	fd_close(wfd);
}

/* ---- locks, notifications, attributes ---- */

static void test_locks(void **state)
{
	struct file *a, *b;
	struct files *mine = current()->files, *other = files_create();
	struct flock fl = { .l_type = F_WRLCK, .l_start = 10, .l_len = 10 };

	put_text("/lk", "");
	a = must_open("/lk", O_RDWR);
	b = must_open("/lk", O_RDWR);
	assert_int_equal(flock_file(a, LOCK_SH), 0);
	assert_int_equal(flock_file(b, LOCK_SH | LOCK_NB), 0);
	assert_int_equal(flock_file(b, LOCK_EX | LOCK_NB), -EWOULDBLOCK);
	assert_int_equal(flock_file(a, LOCK_UN), 0);
	assert_int_equal(flock_file(b, LOCK_EX | LOCK_NB), 0);
	assert_int_equal(posix_lock_file(a, mine, 1, F_SETLK, &fl), 0);
	fl = (struct flock){ .l_type = F_RDLCK, .l_start = 0, .l_len = 11 };
	assert_int_equal(posix_lock_file(b, other, 2, F_SETLK, &fl), -EAGAIN);
	assert_int_equal(posix_lock_file(b, other, 2, F_GETLK, &fl), 0);
	assert_int_equal(fl.l_type, F_WRLCK);
	assert_int_equal(fl.l_start, 10);
	assert_int_equal(fl.l_len, 10);
	assert_int_equal(fl.l_pid, 1);
	/* a hole in the middle splits it */
	fl = (struct flock){ .l_type = F_UNLCK, .l_start = 14, .l_len = 2 };
	assert_int_equal(posix_lock_file(a, mine, 1, F_SETLK, &fl), 0);
	fl = (struct flock){ .l_type = F_WRLCK, .l_start = 14, .l_len = 2 };
	assert_int_equal(posix_lock_file(b, other, 2, F_SETLK, &fl), 0);
	fl = (struct flock){ .l_type = F_WRLCK, .l_start = 0, .l_len = 0 };
	assert_int_equal(posix_lock_file(b, other, 2, F_SETLK, &fl), -EAGAIN);
	locks_release_posix(a, mine);
	assert_int_equal(posix_lock_file(b, other, 2, F_SETLK, &fl), 0);
	fl = (struct flock){ .l_type = F_WRLCK };
	assert_int_equal(posix_lock_file(a, mine, 1, F_OFD_SETLK, &fl), -EAGAIN);
	locks_release_posix(b, other);
	assert_int_equal(posix_lock_file(a, mine, 1, F_OFD_SETLK, &fl), 0);
	file_put(a);
	fl = (struct flock){ .l_type = F_WRLCK };
	assert_int_equal(posix_lock_file(b, other, 2, F_SETLK, &fl), 0);
	locks_release_posix(b, other);
	file_put(b);
	files_put(other);
	assert_int_equal(vfs_unlinkat(CWD, "/lk", 0), 0);
}

static void expect_event(struct file *q, u32 mask, const char *name)
{
	union {
		struct inotify_event ev;
		char bytes[512];
	} buf;
	s64 n = file_read_kernel(q, &buf, sizeof(struct inotify_event) + (*name ? ALIGN_UP(strlen(name) + 1, 16) : 0), 0);

	assert_true(n >= (s64)sizeof(buf.ev));
	assert_int_equal(buf.ev.mask, mask);
	if (*name)
		assert_string_equal(buf.ev.name, name);
}

static void test_inotify(void **state)
{
	struct file *q = inotify_create(O_NONBLOCK);
	struct path p;
	char buf[64];

	assert_int_equal(vfs_mkdirat(CWD, "/i", 0777), 0);
	assert_int_equal(path_lookup(CWD, "/i", 0, &p), 0);
	assert_int_equal(inotify_add(q, &p, IN_ALL_EVENTS), 1);
	path_put(&p);
	put_text("/i/f", "x");
	expect_event(q, IN_CREATE, "f");
	expect_event(q, IN_OPEN, "f");
	expect_event(q, IN_MODIFY, "f");
	expect_event(q, IN_CLOSE_WRITE, "f");
	assert_int_equal(vfs_renameat(CWD, "/i/f", CWD, "/i/g", 0), 0);
	expect_event(q, IN_MOVED_FROM, "f");
	expect_event(q, IN_MOVED_TO, "g");
	assert_int_equal(vfs_unlinkat(CWD, "/i/g", 0), 0);
	expect_event(q, IN_DELETE, "g");
	assert_int_equal(vfs_unlinkat(CWD, "/i", AT_REMOVEDIR), 0);
	expect_event(q, IN_DELETE_SELF, "");
	expect_event(q, IN_IGNORED, "");
	assert_int_equal(file_read_kernel(q, buf, sizeof(buf), 0), -EAGAIN);
	assert_int_equal(inotify_remove(q, 1), -EINVAL);
	file_put(q);
	assert_int_equal(notify_watches, 0);
}

static void test_xattrs(void **state)
{
	struct path p;
	char buf[32];

	put_text("/xa", "");
	assert_int_equal(path_lookup(CWD, "/xa", 0, &p), 0);
	assert_int_equal(vfs_setxattr(&p, "user.a", "1", 1, 0), -EOPNOTSUPP);
	assert_int_equal(vfs_setxattr(&p, "trusted.a", "12", 2, 0), 0);
	assert_int_equal(vfs_setxattr(&p, "trusted.a", "12", 2, XATTR_CREATE), -EEXIST);
	assert_int_equal(vfs_setxattr(&p, "trusted.b", "", 0, XATTR_REPLACE), -ENODATA);
	assert_int_equal(vfs_getxattr(&p, "trusted.a", NULL, 0), 2);
	assert_int_equal(vfs_getxattr(&p, "trusted.a", buf, 1), -ERANGE);
	assert_int_equal(vfs_getxattr(&p, "trusted.a", buf, 32), 2);
	assert_int_equal(vfs_listxattr(&p, buf, 32), 10);
	assert_string_equal(buf, "trusted.a");
	assert_int_equal(vfs_removexattr(&p, "trusted.a"), 0);
	assert_int_equal(vfs_getxattr(&p, "trusted.a", buf, 32), -ENODATA);
	assert_int_equal(vfs_getxattr(&p, "system.posix_acl_access", buf, 32), -ENODATA);
	assert_int_equal(vfs_getxattr(&p, "system.other", buf, 32), -EOPNOTSUPP);
	path_put(&p);
	assert_int_equal(vfs_unlinkat(CWD, "/xa", 0), 0);
}

static void test_times(void **state)
{
	struct timestamp t[2] = { { 5, 6 }, { 0, 0x3ffffffe } };
	struct attrs a;
	struct path p;

	put_text("/tm", "x");
	assert_int_equal(path_lookup(CWD, "/tm", 0, &p), 0);
	assert_int_equal(vfs_utimens(&p, t), 0);
	assert_int_equal(stat_of("/tm", &a), 0);
	assert_int_equal(a.atime.sec, 5);
	assert_int_equal(a.mtime.sec, 1700000000);
	get_text("/tm");	/* relatime: older than mtime */
	assert_int_equal(stat_of("/tm", &a), 0);
	assert_int_equal(a.atime.sec, 1700000000);
	path_put(&p);
	assert_int_equal(vfs_unlinkat(CWD, "/tm", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tmpfile), cmocka_unit_test(test_memfd), cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_pipe), cmocka_unit_test(test_splice), cmocka_unit_test(test_epoll),
		cmocka_unit_test(test_poll), cmocka_unit_test(test_locks), cmocka_unit_test(test_inotify),
		cmocka_unit_test(test_xattrs), cmocka_unit_test(test_times),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
