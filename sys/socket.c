/*
 * System calls on sockets.
 *
 * What users give (addresses, vectors, ancillary data) is copied into the kernel before sock/ is called, and what they get is copied
 * out after it; only the bytes themselves go straight between user memory and the socket.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/uio.h>
#include "base/string.h"
#include "kern/sched.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "mm/user.h"
#include "sock/sock.h"
#include "sys/msg.h"
#include "sys/socket_calls.h"
#include "vfs/file.h"

enum { IOV_MAX = 1024, OPTION_BYTES_MAX = 4096, TYPE_FLAGS = O_NONBLOCK | O_CLOEXEC };
enum { RW_MAX = 0x7ffff000 };		/* the most that one call moves */

/* ---- descriptors ---- */

/* The file of a socket's descriptor with a reference; ERR_PTR(-EBADF, -ENOTSOCK) */
static struct file *socket_get(u64 fd)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return ERR_PTR(-EBADF);
	if (file_socket(f))
		return f;
	file_put(f);
	return ERR_PTR(-ENOTSOCK);
}

static int type_check(u64 type)
{
	return (u32)type & ~(u32)(SOCK_TYPE_MASK | TYPE_FLAGS) ? -EINVAL : 0;
}

s64 sys_socket(u64 family, u64 type, u64 protocol)
{
	struct socket *s;
	int err = type_check(type);

	if (!err)
		err = socket_create((int)family, (int)type & SOCK_TYPE_MASK, (int)protocol, &s);
	if (err)
		return err;
	struct file *f = sock_file(s, (u32)type & O_NONBLOCK);
	if (IS_ERR(f))
		return PTR_ERR(f);
	int fd = fd_add(f, type & O_CLOEXEC);
	if (fd < 0)
		file_put(f);
	return fd;
}

/* Two descriptors, told to the user already. */
static int pair_reserve(int fd[2], u64 user, bool cloexec)
{
	fd[0] = fd_alloc(0, cloexec);
	if (fd[0] < 0)
		return fd[0];
	fd[1] = fd_alloc(0, cloexec);
	int err = fd[1] < 0 ? fd[1] : copy_out(uaddr(user), fd, 2 * sizeof(fd[0]));

	if (!err)
		return 0;
	if (fd[1] >= 0)
		fd_unreserve(fd[1]);
	fd_unreserve(fd[0]);
	return err;
}

s64 sys_socketpair(u64 family, u64 type, u64 protocol, u64 fds)
{
	struct file *f[2];
	int fd[2];
	int err = type_check(type);

	if (!err)
		err = pair_reserve(fd, fds, type & O_CLOEXEC);
	if (err)
		return err;
	err = sock_pair((int)family, (int)type & SOCK_TYPE_MASK, (int)protocol, f, (u32)type & O_NONBLOCK);
	for (int i = 0; i < 2; i++) {
		if (err)
			fd_unreserve(fd[i]);
		else
			fd_install(fd[i], f[i]);
	}
	return err;
}

/* ---- addresses ---- */

int sys_addr_in(struct sock_addr *a, u64 user, u64 len)
{
	if ((int)len < 0 || (u32)len > SOCK_ADDR_MAX)
		return -EINVAL;
	memset(a, 0, sizeof(*a));
	a->len = (u32)len;
	return a->len ? copy_in(a->bytes, uaddr(user), a->len) : 0;
}

/* @user_len: an int, in: room, out: the whole length, whatever fitted. */
int sys_addr_out(const struct sock_addr *a, u64 user, u64 user_len)
{
	int room;

	if (get_user(room, uaddr(user_len)))
		return -EFAULT;
	if (room < 0)
		return -EINVAL;
	if (copy_out(uaddr(user), a->bytes, MIN((u32)room, a->len)))
		return -EFAULT;
	return put_user((int)a->len, uaddr(user_len));
}

s64 sys_bind(u64 fd, u64 addr, u64 len)
{
	struct sock_addr a;
	struct file *f = socket_get(fd);

	if (IS_ERR(f))
		return PTR_ERR(f);
	int err = sys_addr_in(&a, addr, len);
	if (!err)
		err = sock_bind(f, &a);
	file_put(f);
	return err;
}

s64 sys_connect(u64 fd, u64 addr, u64 len)
{
	struct sock_addr a;
	struct file *f = socket_get(fd);

	if (IS_ERR(f))
		return PTR_ERR(f);
	int err = sys_addr_in(&a, addr, len);
	if (!err)
		err = sock_connect(f, &a);
	file_put(f);
	return err;
}

s64 sys_listen(u64 fd, u64 backlog)
{
	struct file *f = socket_get(fd);

	if (IS_ERR(f))
		return PTR_ERR(f);
	int err = sock_listen(f, (int)backlog);
	file_put(f);
	return err;
}

s64 sys_shutdown(u64 fd, u64 how)
{
	struct file *f = socket_get(fd);

	if (IS_ERR(f))
		return PTR_ERR(f);
	int err = sock_shutdown(f, (int)how);
	file_put(f);
	return err;
}

s64 sys_accept4(u64 fd, u64 addr, u64 len, u64 flags)
{
	struct sock_addr peer;

	if ((u32)flags & ~(u32)TYPE_FLAGS)
		return -EINVAL;
	struct file *f = socket_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	int new = fd_alloc(0, flags & O_CLOEXEC);	/* first: a connection that nobody can get stays in the queue */
	if (new < 0)
		goto out;
	struct file *got = sock_accept(f, (u32)flags & O_NONBLOCK, addr ? &peer : NULL);
	int err = IS_ERR(got) ? (int)PTR_ERR(got) : 0;

	if (!err && addr) {
		err = sys_addr_out(&peer, addr, len);
		if (err)
			file_put(got);
	}
	if (err) {
		fd_unreserve(new);
		new = err;
	} else {
		fd_install(new, got);
	}
out:
	file_put(f);
	return new;
}

s64 sys_accept(u64 fd, u64 addr, u64 len) { return sys_accept4(fd, addr, len, 0); }

static s64 getname(u64 fd, u64 addr, u64 len, bool peer)
{
	struct sock_addr a = { .len = 0 };
	struct file *f = socket_get(fd);

	if (IS_ERR(f))
		return PTR_ERR(f);
	int err = sock_getname(f, &a, peer);
	if (!err)
		err = sys_addr_out(&a, addr, len);
	file_put(f);
	return err;
}

s64 sys_getsockname(u64 fd, u64 addr, u64 len) { return getname(fd, addr, len, false); }
s64 sys_getpeername(u64 fd, u64 addr, u64 len) { return getname(fd, addr, len, true); }

/* ---- options ---- */

/* SO_ATTACH_FILTER's value names the program's place: sock/ gets the program itself. */
static int attach_filter(struct file *f, u64 value, u32 len)
{
	struct sock_fprog prog;

	if (len != sizeof(prog))
		return -EINVAL;
	if (copy_in(&prog, uaddr(value), sizeof(prog)))
		return -EFAULT;
	u32 bytes = prog.len * (u32)sizeof(struct sock_filter);

	if (!prog.filter || !bytes || prog.len > BPF_MAXINSNS)
		return -EINVAL;
	void *code = kmalloc(bytes, ALLOC_KERNEL);
	int err = code ? copy_in(code, uaddr((u64)(uintptr_t)prog.filter), bytes) : -ENOMEM;

	if (!err)
		err = sock_setsockopt(f, SOL_SOCKET, SO_ATTACH_FILTER, code, bytes);
	kfree(code);
	return err;
}

s64 sys_setsockopt(u64 fd, u64 level, u64 name, u64 value, u64 len)
{
	u8 small[64], *v = small;
	u32 n = (u32)len;

	if ((int)len < 0)
		return -EINVAL;
	struct file *f = socket_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	s64 err = -ENOMEM;
	if ((int)level == SOL_SOCKET && (int)name == SO_ATTACH_FILTER) {
		err = attach_filter(f, value, n);
		file_put(f);
		return err;
	}
	n = MIN(n, (u32)OPTION_BYTES_MAX);
	if (n > sizeof(small))
		v = kmalloc(n, ALLOC_KERNEL);
	if (v) {
		err = copy_in(v, uaddr(value), n);
		if (!err)
			err = sock_setsockopt(f, (int)level, (int)name, v, n);
	}
	if (v != small)
		kfree(v);
	file_put(f);
	return err;
}

s64 sys_getsockopt(u64 fd, u64 level, u64 name, u64 value, u64 len)
{
	int room;
	struct file *f = socket_get(fd);

	if (IS_ERR(f))
		return PTR_ERR(f);
	s64 err = get_user(room, uaddr(len));
	if (!err && room < 0)
		err = -EINVAL;
	if (err)
		goto out_file;
	u32 n = MIN((u32)room, (u32)OPTION_BYTES_MAX), had = n;
	u8 *v = kzalloc(n + 1, ALLOC_KERNEL);

	/* PACKET_HDRLEN alone is asked with a value. */
	if (v && (int)level == SOL_PACKET && (int)name == PACKET_HDRLEN && copy_in(v, uaddr(value), n))
		err = -EFAULT;
	else
		err = v ? sock_getsockopt(f, (int)level, (int)name, v, &n) : -ENOMEM;
	if (!err)
		err = copy_out(uaddr(value), v, MIN(n, had));	/* more is told than fits by some options */
	if ((!err || err == -ERANGE) && put_user((int)n, uaddr(len)))
		err = -EFAULT;
	kfree(v);
out_file:
	file_put(f);
	return err;
}

/* ---- one buffer ---- */

s64 sys_sendto(u64 fd, u64 buf, u64 n, u64 flags, u64 addr, u64 addr_len)
{
	struct sock_addr a;
	struct iter it;
	struct sock_msg m = { .iter = &it, .addr = addr ? &a : NULL, .flags = (u32)flags };

	n = MIN(n, RW_MAX);
	if (!user_range_ok(uaddr(buf), n))
		return -EFAULT;
	struct file *f = socket_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	s64 ret = addr ? sys_addr_in(&a, addr, addr_len) : 0;
	if (!ret) {
		iter_init_user(&it, uaddr(buf), n);
		ret = sock_sendmsg(f, &m);
	}
	file_put(f);
	return ret;
}

s64 sys_recvfrom(u64 fd, u64 buf, u64 n, u64 flags, u64 addr, u64 addr_len)
{
	struct sock_addr a;
	struct iter it;
	struct sock_msg m = { .iter = &it, .addr = addr ? &a : NULL, .flags = (u32)flags };

	n = MIN(n, RW_MAX);
	if (!user_range_ok(uaddr(buf), n))
		return -EFAULT;
	struct file *f = socket_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	iter_init_user(&it, uaddr(buf), n);
	s64 ret = sock_recvmsg(f, &m);
	sock_msg_end(&m, false);
	file_put(f);
	if (ret >= 0 && addr) {
		int err = sys_addr_out(&a, addr, addr_len);

		if (err)
			return err;
	}
	return ret;
}

/* ---- messages ---- */

struct mmsghdr_user {
	struct msghdr_user hdr;
	u32 len, pad;
};

static int segs_in(struct msg_copy *c)
{
	u64 count = c->user.iov_len, total = 0;

	c->seg = c->fast;
	if (count > IOV_MAX)
		return -EMSGSIZE;
	if (count > IOV_FAST) {
		c->seg = kmalloc_array(count, sizeof(*c->seg), ALLOC_KERNEL);
		if (!c->seg)
			return -ENOMEM;
	}
	static_assert(sizeof(struct iter_seg) == sizeof(struct iovec), "an iovec is copied as a segment");
	int err = copy_in(c->seg, uaddr(c->user.iov), count * sizeof(*c->seg));

	for (u64 i = 0; !err && i < count; i++) {
		if ((s64)c->seg[i].len < 0)
			err = -EINVAL;
		else if (!user_range_ok(uaddr(c->seg[i].base), c->seg[i].len))
			err = -EFAULT;
		else
			c->seg[i].len = MIN(c->seg[i].len, RW_MAX - total);
		total += c->seg[i].len;
	}
	if (!err)
		iter_init_segs(&c->it, ITER_USER, c->seg, (u32)count, total);
	return err;
}

void sys_msg_free(struct msg_copy *c)
{
	if (c->seg != c->fast)
		kfree(c->seg);
	kfree(c->m.control);
}

/* Copy the head and the vector. On success, or failure after it, sys_msg_free(). */
int sys_msg_in(struct msg_copy *c, u64 user, u32 flags)
{
	c->seg = c->fast;
	c->m = (struct sock_msg){ .iter = &c->it, .flags = flags };
	if (copy_in(&c->user, uaddr(user), sizeof(c->user)))
		return -EFAULT;
	if (!c->user.name)
		c->user.name_len = 0;
	if (c->user.name_len < 0)
		return -EINVAL;
	c->user.name_len = MIN(c->user.name_len, (s32)SOCK_ADDR_MAX);
	return segs_in(c);
}

int sys_control_in(struct msg_copy *c)
{
	u64 n = c->user.control ? c->user.control_len : 0;

	if (n > SOCK_CONTROL_MAX)
		return -ENOBUFS;
	if (!n)
		return 0;
	c->m.control = kmalloc(n, ALLOC_KERNEL);
	if (!c->m.control)
		return -ENOBUFS;
	c->m.control_len = (u32)n;
	return copy_in(c->m.control, uaddr(c->user.control), n);
}

static s64 send_one(struct file *f, u64 user, u32 flags)
{
	struct msg_copy c;
	s64 ret = sys_msg_in(&c, user, flags);

	if (!ret && c.user.name_len) {
		ret = sys_addr_in(&c.addr, c.user.name, (u64)c.user.name_len);
		c.m.addr = &c.addr;
	}
	if (!ret)
		ret = sys_control_in(&c);
	if (!ret)
		ret = sock_sendmsg(f, &c.m);
	sys_msg_free(&c);
	return ret;
}

int sys_control_room(struct msg_copy *c)
{
	u64 n = c->user.control ? MIN(c->user.control_len, (u64)SOCK_CONTROL_MAX) : 0;

	if (n < sizeof(u64) * 2)
		return 0;
	c->m.control = kmalloc(n, ALLOC_KERNEL);
	if (!c->m.control)
		return -ENOMEM;
	c->m.control_size = (u32)n;
	return 0;
}

/* Tell the user what was received besides the bytes. */
int sys_msg_out(const struct msg_copy *c, u64 user)
{
	const u32 cloexec = c->m.flags & MSG_CMSG_CLOEXEC;
	int err = 0;

	if (c->user.name) {
		err = copy_out(uaddr(c->user.name), c->addr.bytes, MIN((u32)c->user.name_len, c->addr.len));
		if (!err)
			err = put_user((s32)c->addr.len, uaddr(user + offsetof(struct msghdr_user, name_len)));
	}
	if (!err && c->m.control_len)
		err = copy_out(uaddr(c->user.control), c->m.control, c->m.control_len);
	if (!err)
		err = put_user(c->m.flags_out | cloexec, uaddr(user + offsetof(struct msghdr_user, flags)));
	if (!err)
		err = put_user((u64)c->m.control_len, uaddr(user + offsetof(struct msghdr_user, control_len)));
	return err;
}

static s64 recv_one(struct file *f, u64 user, u32 flags)
{
	struct msg_copy c;
	s64 ret = sys_msg_in(&c, user, flags);

	c.m.addr = &c.addr;
	if (!ret)
		ret = sys_control_room(&c);
	if (!ret)
		ret = sock_recvmsg(f, &c.m);
	if (ret >= 0) {
		int err = sys_msg_out(&c, user);

		ret = err ? err : ret;
	}
	sock_msg_end(&c.m, ret >= 0);
	sys_msg_free(&c);
	return ret;
}

s64 sys_sendmsg(u64 fd, u64 msg, u64 flags)
{
	struct file *f = socket_get(fd);

	if (IS_ERR(f))
		return PTR_ERR(f);
	s64 ret = send_one(f, msg, (u32)flags);
	file_put(f);
	return ret;
}

s64 sys_recvmsg(u64 fd, u64 msg, u64 flags)
{
	struct file *f = socket_get(fd);

	if (IS_ERR(f))
		return PTR_ERR(f);
	s64 ret = recv_one(f, msg, (u32)flags);
	file_put(f);
	return ret;
}

/* ---- several messages ---- */

s64 sys_sendmmsg(u64 fd, u64 msgs, u64 count, u64 flags)
{
	struct file *f = socket_get(fd);
	s64 err = 0, done = 0;

	if (IS_ERR(f))
		return PTR_ERR(f);
	for (u32 n = MIN((u32)count, IOV_MAX); !err && done < n; done += !err) {
		u64 at = msgs + (u64)done * sizeof(struct mmsghdr_user);
		s64 ret = send_one(f, at, (u32)flags);

		err = ret < 0 ? ret : put_user((u32)ret, uaddr(at + offsetof(struct mmsghdr_user, len)));
		cond_resched();
	}
	file_put(f);
	return done ? done : err;
}

/* Receive up to @n. An error behind the first is kept for the next call. */
static s64 recv_several(struct file *f, u64 msgs, u32 n, u32 flags, u64 deadline_ns)
{
	s64 err = sock_take_error(file_socket(f)), done = 0;

	while (!err && done < n) {
		u64 at = msgs + (u64)done * sizeof(struct mmsghdr_user);
		s64 ret = recv_one(f, at, flags & ~(u32)MSG_WAITFORONE);

		err = ret < 0 ? ret : put_user((u32)ret, uaddr(at + offsetof(struct mmsghdr_user, len)));
		if (err)
			break;
		done++;
		if (flags & MSG_WAITFORONE)
			flags |= MSG_DONTWAIT;
		if (deadline_ns != ~0ull && plat_mono_ns() >= deadline_ns)
			break;
		cond_resched();
	}
	if (!done)
		return err;
	if (err < 0 && err != -EAGAIN && err > -ERESTARTSYS)
		sock_set_error(file_socket(f), (int)-err);
	return done;
}

/* The timeout of recvmmsg, as a deadline. */
static int timeout_in(u64 user, u64 *deadline_ns)
{
	s64 ts[2];

	*deadline_ns = ~0ull;
	if (!user)
		return 0;
	if (copy_in(ts, uaddr(user), sizeof(ts)))
		return -EFAULT;
	if (ts[0] < 0 || ts[1] < 0 || ts[1] >= NS_PER_SEC)
		return -EINVAL;
	if ((u64)ts[0] < ~0ull / NS_PER_SEC / 2)
		*deadline_ns = plat_mono_ns() + (u64)ts[0] * NS_PER_SEC + (u64)ts[1];
	return 0;
}

s64 sys_recvmmsg(u64 fd, u64 msgs, u64 count, u64 flags, u64 timeout)
{
	u64 deadline;
	int err = timeout_in(timeout, &deadline);

	if (err)
		return err;
	struct file *f = socket_get(fd);
	if (IS_ERR(f))
		return PTR_ERR(f);
	s64 ret = recv_several(f, msgs, MIN((u32)count, IOV_MAX), (u32)flags, deadline);
	file_put(f);
	if (ret > 0 && timeout) {
		u64 now = plat_mono_ns(), left = deadline > now ? deadline - now : 0;
		s64 ts[2] = { (s64)(left / NS_PER_SEC), (s64)(left % NS_PER_SEC) };

		if (copy_out(uaddr(timeout), ts, sizeof(ts)))
			return -EFAULT;
	}
	return ret;
}
