#define _GNU_SOURCE
/* Arguments of calls: see calls.h. */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <mqueue.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>
#include <time.h>
#include "host/auk.h"
#include "tests/fuzz/calls.h"

enum { PAGE = 4096, SCRATCH_PAGES = 64, ROOM = 2 * PAGE };
#define SCRATCH 0x10000000ull

struct fuzz_world fuzz_world;

/* splitmix64 */
uint64_t fuzz_random(void)
{
	uint64_t z = (fuzz_world.random += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint64_t fuzz_below(uint64_t limit) { return fuzz_random() % limit; }
bool fuzz_one_in(unsigned n) { return fuzz_random() % n == 0; }

void fuzz_learn(struct fuzz_pool *pool, uint64_t value)
{
	pool->value[pool->next++ % FUZZ_POOL] = value;
}

/* One that is in @pool, the new ones more often; @otherwise if there is none. */
static uint64_t from_pool(const struct fuzz_pool *pool, uint64_t otherwise)
{
	unsigned have = pool->next < FUZZ_POOL ? pool->next : FUZZ_POOL;

	if (!have)
		return otherwise;
	if (fuzz_one_in(2) && have > 4)
		have = 4;
	return pool->value[(pool->next - 1 - fuzz_below(have)) % FUZZ_POOL];
}

/* Numbers at which something ends. */
static uint64_t wild(void)
{
	static const uint64_t edge[] = {
		0, 1, 2, 3, 7, 8, 16, 255, 256, 4095, 4096, 4097, 65535, 65536, 0x7ffffffe, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
		0x7fffffffffff, 0x7ffffffff000, 0x800000000000, 0x7ffffffffffff000, 0x7fffffffffffffff, 0x8000000000000000, 0xffff800000000000,
		0xffffffff80000000, (uint64_t)-4096, (uint64_t)-4095, (uint64_t)-100, (uint64_t)-2, (uint64_t)-1,
	};

	switch (fuzz_below(4)) {
	case 0: return fuzz_random() >> fuzz_below(64);
	case 1: return 1ull << fuzz_below(64);
	default: return edge[fuzz_below(sizeof(edge) / sizeof(edge[0]))];
	}
}

/* ---- the scratch memory: each argument gets a place of its own in turn, the same in all processes ---- */

void fuzz_scratch_map(void)
{
	(void)auk_syscall(SYS_mmap, SCRATCH, SCRATCH_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, (uint64_t)-1);
}

static uint64_t room(size_t bytes)
{
	uint64_t at = (fuzz_world.scratch_next + 15) & ~15ull;

	if (at + bytes > SCRATCH_PAGES * PAGE)
		at = 0;
	fuzz_world.scratch_next = at + bytes;
	/* now and then the end of it lies at the end of mapped memory */
	return fuzz_one_in(16) ? SCRATCH + SCRATCH_PAGES * PAGE - bytes : SCRATCH + at;
}

static uint64_t put(const void *from, size_t bytes)
{
	uint64_t at = room(bytes);

	if (auk_put(at, from, bytes)) {
		fuzz_scratch_map();
		(void)auk_put(at, from, bytes);
	}
	return at;
}

static uint64_t put_random(size_t bytes)
{
	uint8_t data[512];

	for (size_t i = 0; i < bytes; i++)
		data[i] = (uint8_t)(fuzz_one_in(3) ? 0 : fuzz_random());
	return put(data, bytes);
}

static uint64_t put_string(const char *s) { return put(s, strlen(s) + 1); }

/* ---- strings ---- */

static const char *const paths[] = {
	"/", ".", "..", "/t", "/t/a", "/t/b", "/t/c", "/t/d", "/t/d/a", "/t/d/b", "/t/d/d", "/t/d/d/a", "/t/s", "/t/loop", "/t/p", "/t/u",
	"a", "b", "d", "d/a", "../a", "d/../d/./b", "/t/a/", "", "/t/d/d/../../a", "/u", "/u/a", "/u/b", "/u/d", "/u/d/a",
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts/0", "/dev/pts/1", "/dev/kmsg",
	"/dev/pts/ptmx", "/dev", "/dev/pts", "/proc", "/proc/self", "/proc/self/maps", "/proc/self/smaps", "/proc/self/mem", "/proc/self/fd", "/proc/self/fd/0",
	"/proc/self/fd/3", "/proc/self/fd/5", "/proc/self/status", "/proc/self/stat", "/proc/self/cmdline", "/proc/self/exe", "/proc/self/cwd/a", "/proc/self/task",
	"/proc/self/mountinfo", "/proc/self/mounts", "/proc/self/oom_score_adj", "/proc/self/comm", "/proc/self/environ", "/proc/self/limits", "/proc/self/fdinfo/3",
	"/proc/self/root/t", "/proc/1/stat", "/proc/2/stat", "/proc/3/maps", "/proc/4/fd", "/proc/5/mem", "/proc/5/task/5/stat", "/proc/meminfo", "/proc/stat",
	"/proc/mounts", "/proc/uptime", "/proc/loadavg", "/proc/cpuinfo", "/proc/filesystems", "/proc/sys", "/proc/sys/kernel/hostname", "/proc/sys/kernel/pid_max",
	"/proc/sys/fs/pipe-max-size", "/proc/sys/vm/overcommit_memory", "/proc/self/pagemap", "/proc/self/clear_refs", "/sys", "/sys/class", "/sys/devices", "/sys/class/tty",
	"/proc/sysvipc/shm", "/proc/sysvipc/sem", "/proc/sysvipc/msg", "/mq", "/mq/a", "/o", "/o/a", "/o/d", "/o/d/a", "/o/b", "/lower/a", "/upper/a", "/upper",
};

static uint64_t make_path(void)
{
	char long_name[300];

	if (!fuzz_one_in(40))	/* the first of the table, plain files, half the time */
		return put_string(paths[fuzz_below(fuzz_one_in(2) ? 30 : sizeof(paths) / sizeof(paths[0]))]);
	memset(long_name, 'x', sizeof(long_name));
	long_name[254 + fuzz_below(4)] = 0;
	return put_string(long_name);
}

static uint64_t one_string(const char *const *strings, size_t count) { return put_string(strings[fuzz_below(count)]); }
#define ONE_STRING(...) \
	one_string((const char *const []){ __VA_ARGS__ }, sizeof((const char *const []){ __VA_ARGS__ }) / sizeof(char *))

static uint64_t make_string(enum fuzz_kind kind)
{
	switch (kind) {
	case A_PATH: return make_path();
	case A_NAME: return ONE_STRING("/a", "/b", "/c", "a", "", "/", "/a/b", "name");
	case A_FS_TYPE: return ONE_STRING("tmpfs", "ramfs", "proc", "sysfs", "devpts", "devtmpfs", "overlay", "mqueue", "rootfs", "9p", "nofs", "");
	case A_XATTR: return ONE_STRING("user.a", "user.b", "trusted.a", "security.a", "security.capability", "system.posix_acl_access", "user.", "a", "");
	default:
		return ONE_STRING("", "size=64k", "size=10%,mode=700", "nr_inodes=4", "uid=5,gid=6", "mode=abc", "size=99999999999999999999", ",,,", "=", "ptmxmode=0666",
				  "newinstance,max=2", "hidepid=2", "lowerdir=/t,upperdir=/u/a,workdir=/u/b", "lowerdir=/t:/u", "lowerdir=/u/d,upperdir=/t/d,workdir=/t/c",
				  "lowerdir=", "lowerdir=/o,upperdir=/o,workdir=/o", "ro", "source", "size");
	}
}

/* ---- single numbers ---- */

static uint64_t make_fd(struct fuzz_actor *a)
{
	return fuzz_one_in(4) ? fuzz_below(24) : from_pool(&a->fds, fuzz_below(8));
}

static uint64_t make_pid(const struct fuzz_call *call)
{
	uint64_t pid = fuzz_one_in(3) ? 0 : fuzz_one_in(8) ? wild() : from_pool(&fuzz_world.pids, 2);

	if ((call->flags & F_NOT_INIT) && ((uint32_t)pid == 1 || (uint32_t)pid == (uint32_t)-1))
		pid = 0;
	return pid;
}

static uint64_t make_length(void)
{
	static const uint64_t usual[] = { 0, 1, 2, 4, 8, 12, 16, 24, 28, 32, 64, 100, 128, 144, 256, 1000, 4095, 4096, 4097, 8192, 20000 };

	return fuzz_one_in(30) ? wild() : usual[fuzz_below(sizeof(usual) / sizeof(usual[0]))];
}

static uint64_t make_offset(void)
{
	return fuzz_one_in(10) ? wild() : fuzz_one_in(3) ? 0 : fuzz_below(8) * PAGE + (fuzz_one_in(2) ? fuzz_below(PAGE) : 0);
}

static uint64_t make_addr(void)
{
	if (fuzz_one_in(20))
		return wild();
	if (fuzz_one_in(5))
		return 0;
	if (fuzz_one_in(4))
		return 0x20000000 + fuzz_below(64) * PAGE;
	return from_pool(&fuzz_world.addrs, 0x20000000) + (fuzz_one_in(3) ? fuzz_below(8) * PAGE : 0);
}

static uint64_t make_map_length(void)
{
	return fuzz_one_in(30) ? wild() : fuzz_one_in(20) ? 2 << 20 : (1 + fuzz_below(16)) * PAGE - (fuzz_one_in(4) ? fuzz_below(PAGE) : 0);
}

/* ---- structs ---- */

static struct timespec a_time(void)
{
	static const long ns[] = { 0, 1, 1000, 1000000, 20000000, 999999999, 1000000000, -1 };

	return (struct timespec){ fuzz_one_in(12) ? (long)wild() : (long)fuzz_below(2), ns[fuzz_below(fuzz_one_in(8) ? 8 : 6)] };
}

static uint64_t make_times(unsigned count, unsigned divide)
{
	struct timespec t[2] = { a_time(), a_time() };

	for (unsigned i = 0; i < 2; i++)
		t[i].tv_nsec /= divide;
	if (divide == 1 && fuzz_one_in(4))
		t[fuzz_below(2)].tv_nsec = fuzz_one_in(2) ? UTIME_NOW : UTIME_OMIT;
	return put(t, count * sizeof(t[0]));
}

static uint64_t make_iovec(void)
{
	struct iovec v[8];

	for (unsigned i = 0; i < 8; i++) {
		size_t len = fuzz_one_in(20) ? wild() : fuzz_below(600);

		v[i] = (struct iovec){ (void *)(fuzz_one_in(20) ? wild() : put_random(64)), len };
	}
	return put(v, sizeof(v));
}

static uint64_t make_sockaddr(void)
{
	struct sockaddr_un un = { .sun_family = (sa_family_t)(fuzz_one_in(10) ? wild() : AF_UNIX) };

	if (fuzz_one_in(2))
		snprintf(un.sun_path, sizeof(un.sun_path), "/t/%c", 'a' + (int)fuzz_below(6));
	else if (fuzz_one_in(2))
		snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "%c", 'a' + (int)fuzz_below(3));
	else
		memset(un.sun_path, fuzz_one_in(2) ? 'x' : 0, sizeof(un.sun_path));
	return put(&un, sizeof(un));
}

/* Descriptors or credentials ride along, with lengths that may be wrong. */
static uint64_t make_control(struct fuzz_actor *a, size_t *len)
{
	union { char bytes[256]; struct cmsghdr first; } u = { 0 };
	size_t at = 0;

	for (unsigned n = (unsigned)fuzz_below(3); n-- && at < 128;) {
		struct cmsghdr *c = (struct cmsghdr *)(u.bytes + at);
		unsigned items = 1 + (unsigned)fuzz_below(4);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = fuzz_one_in(4) ? SCM_CREDENTIALS : SCM_RIGHTS;
		c->cmsg_len = fuzz_one_in(10) ? wild() : CMSG_LEN(items * sizeof(int));
		for (unsigned i = 0; i < items; i++)
			((int *)CMSG_DATA(c))[i] = (int)make_fd(a);
		at += CMSG_SPACE(items * sizeof(int));
	}
	*len = fuzz_one_in(10) ? make_length() : at ? at : fuzz_below(128);
	return put(u.bytes, sizeof(u.bytes));
}

static struct msghdr a_message(struct fuzz_actor *a)
{
	struct msghdr m = { .msg_iov = (void *)make_iovec(), .msg_iovlen = fuzz_one_in(20) ? wild() : fuzz_below(9) };

	if (fuzz_one_in(3)) {
		m.msg_name = (void *)make_sockaddr();
		m.msg_namelen = fuzz_one_in(4) ? (socklen_t)make_length() : sizeof(struct sockaddr_un);
	}
	if (fuzz_one_in(2))
		m.msg_control = (void *)make_control(a, &m.msg_controllen);
	return m;
}

static uint64_t make_messages(struct fuzz_actor *a, unsigned count)
{
	struct mmsghdr m[4] = { 0 };

	for (unsigned i = 0; i < count; i++)
		m[i].msg_hdr = a_message(a);
	return put(m, count * sizeof(m[0]));
}

static uint64_t make_pollfds(struct fuzz_actor *a)
{
	struct pollfd p[8];

	for (unsigned i = 0; i < 8; i++)
		p[i] = (struct pollfd){ (int)make_fd(a), (short)fuzz_random(), 0 };
	return put(p, sizeof(p));
}

static uint64_t make_sigset(void)
{
	return fuzz_one_in(3) ? fuzz_random() : fuzz_one_in(4) ? ~0ull : 1ull << fuzz_below(64);
}

static uint64_t make_sigset_and_size(void)
{
	uint64_t set = make_sigset(), both[2] = { put(&set, 8), fuzz_one_in(10) ? wild() : 8 };

	return put(both, sizeof(both));
}

/* Programs here have no handlers. */
static uint64_t make_sigaction(void)
{
	uint64_t act[4] = { fuzz_below(2), fuzz_random() & ~4ull, 0, make_sigset() };

	return put(act, sizeof(act));
}

static uint64_t make_siginfo(void)
{
	int info[32] = { (int)fuzz_below(65), 0, fuzz_one_in(4) ? (int)wild() : -(int)fuzz_below(7), (int)fuzz_random(), (int)fuzz_random() };

	return put(info, sizeof(info));
}

static uint64_t make_sigevent(void)
{
	struct sigevent e = { .sigev_signo = (int)(fuzz_one_in(8) ? wild() : fuzz_below(65)) };

	static const int notify[] = { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, 4 /* SIGEV_THREAD_ID */, 77 };

	e.sigev_notify = notify[fuzz_below(5)];
	((int *)&e)[4] = (int)from_pool(&fuzz_world.pids, 2);
	return put(&e, sizeof(e));
}

static uint64_t make_sembuf(void)
{
	struct sembuf s[8];

	for (unsigned i = 0; i < 8; i++)
		s[i] = (struct sembuf){ (unsigned short)(fuzz_one_in(20) ? wild() : fuzz_below(4)), (short)(fuzz_one_in(20) ? wild() : (int)fuzz_below(7) - 3),
					(short)(fuzz_below(2) * IPC_NOWAIT | fuzz_below(2) * SEM_UNDO) };
	return put(s, sizeof(s));
}

static uint64_t make_filter(void)
{
	static const uint32_t returns[] = { 0x7fff0000, 0x7fff0000, 0x7ffc0000, 0x00050000 | EPERM, 0x00030000, 0x80000000, 0x7ff00000 };
	/* A program must be able to end. */
	struct sock_filter code[12] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit_group, 0, 1), BPF_STMT(BPF_RET | BPF_K, 0x7fff0000),
	};
	unsigned n = 4 + (unsigned)fuzz_below(7);

	for (unsigned i = 3; i < n; i++)
		code[i] = fuzz_one_in(2) ? (struct sock_filter){ (uint16_t)fuzz_below(256), (uint8_t)fuzz_below(8), (uint8_t)fuzz_below(8), (uint32_t)fuzz_below(80) } :
			(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 4 * (uint32_t)fuzz_below(16));
	if (!fuzz_one_in(8))
		code[n - 1] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, returns[fuzz_below(7)]);
	struct sock_fprog prog = { (unsigned short)(fuzz_one_in(20) ? wild() : n), (void *)put(code, sizeof(code)) };
	return put(&prog, sizeof(prog));
}

static uint64_t clone_flags(void)
{
	static const uint64_t usual[] = { 0, CLONE_VM, CLONE_FILES, CLONE_FS, CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_SIGHAND | CLONE_THREAD,
		CLONE_VM | CLONE_SIGHAND, CLONE_VM | CLONE_VFORK, CLONE_PARENT, CLONE_PIDFD };
	uint64_t flags = usual[fuzz_below(9)];

	return fuzz_one_in(4) ? flags | 1ull << fuzz_below(34) : flags;
}

static uint64_t make_clone_args(void)
{
	struct clone_args c = { .flags = clone_flags(), .pidfd = room(4), .child_tid = room(4), .parent_tid = room(4), .exit_signal = fuzz_one_in(4) ? fuzz_below(70) : SIGCHLD };

	if (fuzz_one_in(8)) {
		((uint64_t *)&c)[fuzz_below(sizeof(c) / 8)] = wild();
	}
	return put(&c, sizeof(c));
}

static uint64_t make_open_how(void)
{
	struct open_how h = { .flags = (uint64_t[]){ O_RDONLY, O_RDWR | O_CREAT, O_PATH, O_DIRECTORY, O_WRONLY | O_TRUNC, O_TMPFILE | O_RDWR }[fuzz_below(6)] };

	h.mode = h.flags & (O_CREAT | __O_TMPFILE) ? fuzz_below(01000) : 0;
	h.resolve = fuzz_one_in(2) ? fuzz_below(64) : 0;
	if (fuzz_one_in(10))
		((uint64_t *)&h)[fuzz_below(3)] = wild();
	return put(&h, sizeof(h));
}

static uint64_t make_waiters(void)
{
	uint64_t w[8][3];	/* struct futex_waitv: val, uaddr, flags */

	for (unsigned i = 0; i < 8; i++) {
		w[i][0] = fuzz_below(2);
		w[i][1] = fuzz_one_in(10) ? wild() : 0x20000000 + fuzz_below(4) * 4;
		w[i][2] = fuzz_one_in(6) ? wild() : 2 | fuzz_below(2) * 128;
	}
	return put(w, sizeof(w));
}

static uint64_t make_strings(void)
{
	uint64_t s[4] = { put_string("one"), fuzz_one_in(8) ? wild() : put_string("two=2"), 0, 0 };

	return put(s, sizeof(s));
}

static uint64_t make_msgbuf(void)
{
	uint64_t m[64] = { fuzz_one_in(8) ? wild() : 1 + fuzz_below(4), fuzz_random() };

	return put(m, sizeof(m));
}

static uint64_t make_plain_struct(struct fuzz_actor *a, enum fuzz_kind kind)
{
	uint64_t set;

	switch (kind) {
	case A_EPOLL_EVENT: return put(&(struct epoll_event){ fuzz_one_in(2) ? EPOLLIN | EPOLLOUT : (uint32_t)fuzz_random(), { .u64 = fuzz_random() } },
				       sizeof(struct epoll_event));
	case A_RLIMIT: return put(&(struct rlimit){ fuzz_one_in(3) ? wild() : fuzz_below(64), fuzz_one_in(2) ? RLIM_INFINITY : fuzz_below(64) }, sizeof(struct rlimit));
	case A_MQ_ATTR: return put(&(struct mq_attr){ fuzz_one_in(2) ? O_NONBLOCK : 0, fuzz_one_in(6) ? (long)wild() : (long)fuzz_below(11),
						      fuzz_one_in(6) ? (long)wild() : 64 }, sizeof(struct mq_attr));
	case A_SCHED_ATTR: {
		uint32_t s[14] = { fuzz_one_in(6) ? (uint32_t)wild() : 48, (uint32_t)fuzz_below(7), (uint32_t)fuzz_below(4), 0, (uint32_t)(fuzz_below(40) - 20), (uint32_t)fuzz_below(101) };
		return put(s, sizeof(s));
	}
	case A_CAP_HEADER: {
		uint32_t h[2] = { fuzz_one_in(5) ? (uint32_t)wild() : (uint32_t[]){ 0x19980330, 0x20071026, 0x20080522 }[fuzz_below(3)], 0 };
		return put(h, sizeof(h));
	}
	case A_TERMIOS: {
		uint32_t t[16] = { (uint32_t)fuzz_random(), (uint32_t)fuzz_random(), (uint32_t)fuzz_random(), (uint32_t)fuzz_random() };
		for (unsigned i = 4; i < 9; i++)
			t[i] = fuzz_one_in(2) ? 0x04011c03 : (uint32_t)fuzz_random();
		return fuzz_one_in(3) ? fuzz_below(4) : put(t, sizeof(t));
	}
	case A_SIGALTSTACK: return put((uint64_t[]){ make_addr(), fuzz_one_in(3) ? wild() : 0, make_length() }, 24);
	case A_FDSET: set = fuzz_random(); return fuzz_one_in(3) ? 0 : put((uint64_t[16]){ set & 0xffffff }, 128);
	case A_SIGSET: set = make_sigset(); return put(&set, sizeof(set));
	default: return make_fd(a);
	}
}

static uint64_t make_struct(struct fuzz_actor *a, enum fuzz_kind kind)
{
	switch (kind) {
	case A_IOVEC: return make_iovec();
	case A_POLLFDS: return make_pollfds(a);
	case A_SOCKADDR: return make_sockaddr();
	case A_MSGHDR: return make_messages(a, 1);
	case A_MMSGHDR: return make_messages(a, 4);
	case A_TIMESPEC: return fuzz_one_in(4) ? 0 : make_times(1, 1);
	case A_TIMESPECS: return fuzz_one_in(4) ? 0 : make_times(2, 1);
	case A_TIMEVALS: case A_ITIMERVAL: return fuzz_one_in(4) ? 0 : make_times(2, 1000);
	case A_ITIMERSPEC: return make_times(2, 1);
	case A_SIGSET_AND_SIZE: return make_sigset_and_size();
	case A_SIGACTION: return fuzz_one_in(4) ? 0 : make_sigaction();
	case A_SIGINFO: return make_siginfo();
	case A_SIGEVENT: return fuzz_one_in(4) ? 0 : make_sigevent();
	case A_SEMBUF: return make_sembuf();
	case A_FILTER: return make_filter();
	case A_CLONE_ARGS: return make_clone_args();
	case A_OPEN_HOW: return make_open_how();
	case A_WAITERS: return make_waiters();
	case A_STRINGS: return make_strings();
	case A_MSGBUF: return make_msgbuf();
	default: return make_plain_struct(a, kind);
	}
}

/* ---- all ---- */

static uint64_t from_values(const struct fuzz_arg *arg)
{
	uint64_t bits = 0;

	if (arg->kind == A_ONE)
		return fuzz_one_in(40) ? wild() : arg->values[fuzz_below(arg->count)];
	for (unsigned n = (unsigned)fuzz_below(4); n--;)
		bits |= arg->values[fuzz_below(arg->count)];
	return fuzz_one_in(40) ? bits | wild() : bits;
}

static uint64_t make_arg(struct fuzz_actor *a, const struct fuzz_call *call, const struct fuzz_arg *arg)
{
	uint64_t v;

	switch (arg->kind) {
	case A_NONE: return 0;
	case A_ONE: case A_BITS: return from_values(arg);
	case A_FD: return fuzz_one_in(50) ? wild() : make_fd(a);
	case A_DIRFD: return fuzz_one_in(2) ? (uint64_t)AT_FDCWD : make_fd(a);
	case A_PID: return make_pid(call);
	case A_UID: return fuzz_one_in(3) ? 0 : fuzz_one_in(6) ? wild() : fuzz_one_in(3) ? ~0ull : 1000 + fuzz_below(3);
	case A_SIGNAL: return fuzz_one_in(10) ? wild() : fuzz_below(65);
	case A_MODE: return fuzz_one_in(20) ? wild() : fuzz_below(010000);
	case A_LENGTH: return make_length();
	case A_OFFSET: return make_offset();
	case A_SMALL: return fuzz_one_in(20) ? wild() : fuzz_below(8);
	case A_ANY: return wild();
	case A_IPC: return fuzz_one_in(10) ? wild() : from_pool(&fuzz_world.ipcs, 0);
	case A_WATCH: return fuzz_one_in(10) ? wild() : from_pool(&fuzz_world.watches, 1);
	case A_TIMER: return fuzz_one_in(10) ? wild() : fuzz_below(3);
	case A_RING: return fuzz_make_ring(a);
	case A_ADDR: return make_addr();
	case A_MAP_LENGTH: return make_map_length();
	case A_IN: return fuzz_one_in(30) ? wild() : put_random(512);
	case A_OUT: case A_PIPE_FDS: return fuzz_one_in(30) ? wild() : fuzz_one_in(20) ? 0 : room(ROOM);
	case A_VALUE32: v = make_length(); return fuzz_one_in(8) ? 0 : put(&v, 4);
	case A_VALUE64: v = make_offset(); return fuzz_one_in(3) ? 0 : put(&v, 8);
	case A_FUTEX: return fuzz_one_in(10) ? make_addr() : 0x20000000 + fuzz_below(4) * 4;
	case A_PATH: case A_NAME: case A_FS_TYPE: case A_MOUNT_DATA: case A_XATTR: return make_string(arg->kind);
	default: return make_struct(a, arg->kind);
	}
}

uint64_t fuzz_make(struct fuzz_actor *actor, enum fuzz_kind kind)
{
	const struct fuzz_call none = { 0 };
	const struct fuzz_arg arg = { .kind = kind };

	return make_arg(actor, &none, &arg);
}

void fuzz_make_args(struct fuzz_actor *actor, const struct fuzz_call *call, uint64_t args[FUZZ_ARGS], uint64_t *pipe_at)
{
	*pipe_at = 0;
	for (unsigned i = 0; i < FUZZ_ARGS; i++) {
		const struct fuzz_arg *arg = &call->arg[i];

		args[i] = make_arg(actor, call, arg);
		if (arg->kind == A_PIPE_FDS)
			*pipe_at = args[i];
		else if (arg->kind >= A_PATH && fuzz_one_in(60))
			args[i] = wild();	/* a bad address */
	}
}
