/*
 * System calls of System V IPC and of POSIX message queues.
 *
 * Source: shmget(2), shmop(2), shmctl(2), semget(2), semop(2), semctl(2), msgget(2), msgop(2), msgctl(2), mq_overview(7); the
 * structs of the control calls from <asm/shmbuf.h>, <asm/sembuf.h>, <asm/msgbuf.h>.
 */
#include <linux/fcntl.h>
#include <linux/time_types.h>
#include "ipc/mqueue.h"
#include "ipc/msg.h"
#include "ipc/sem.h"
#include "ipc/shm.h"
#include "kern/timer.h"
#include "sys/sys.h"
#include "task/signal.h"
#include "task/task.h"
#include "vfs/file.h"
#include "vfs/ops.h"

/* ---- shared memory ---- */

s64 sys_shmget(u64 key, u64 size, u64 flags)
{
	return shm_get((s32)key, size, (u32)flags);
}

s64 sys_shmat(u64 id, u64 addr, u64 flags)
{
	u64 out;
	int err = shm_attach((s32)id, addr, (u32)flags, &out);

	return err ? err : (s64)out;
}

s64 sys_shmdt(u64 addr)
{
	return shm_detach(addr);
}

static s64 shm_stat_out(int cmd, s32 id, u64 buf)
{
	struct shmid64_ds d;
	s32 ret = shm_stat(cmd, id, &d);

	return ret >= 0 && put_user(d, uaddr(buf)) ? -EFAULT : ret;
}

static s64 shm_limits_out(u64 buf)
{
	struct shminfo64 info;

	shm_limits(&info);
	return put_user(info, uaddr(buf)) ? -EFAULT : ipc_top_index(&shm_table);
}

static s64 shm_figures_out(u64 buf)
{
	struct shm_info info;

	shm_figures(&info);
	return put_user(info, uaddr(buf)) ? -EFAULT : ipc_top_index(&shm_table);
}

s64 sys_shmctl(u64 id, u64 cmd, u64 buf)
{
	struct shmid64_ds d;

	if ((s32)cmd < 0 || (s32)id < 0)
		return -EINVAL;
	switch ((s32)cmd) {
	case IPC_INFO: return shm_limits_out(buf);
	case SHM_INFO: return shm_figures_out(buf);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY: return shm_stat_out((s32)cmd, (s32)id, buf);
	case IPC_SET: return get_user(d, uaddr(buf)) ? -EFAULT : shm_set((s32)id, &d.shm_perm);
	case IPC_RMID: return shm_remove((s32)id);
	case SHM_LOCK:
	case SHM_UNLOCK: return shm_lock((s32)id, (s32)cmd == SHM_LOCK);
	}
	return -EINVAL;
}

/* ---- semaphores ---- */

enum { SEM_OPS_FAST = 16 };

s64 sys_semget(u64 key, u64 count, u64 flags)
{
	return sem_get((s32)key, (s32)count, (u32)flags);
}

s64 sys_semtimedop(u64 id, u64 user_ops, u64 n, u64 timeout)
{
	struct sembuf fast[SEM_OPS_FAST], *ops = fast;
	u64 deadline_ns;
	s64 ret = sys_timeout_in(timeout, &deadline_ns);

	if (ret)
		return ret;
	if (!(u32)n || (s32)id < 0)
		return -EINVAL;
	if ((u32)n > atomic_load(&sem_limit[SEM_LIMIT_OPS]))
		return -E2BIG;
	if ((u32)n > SEM_OPS_FAST) {
		ops = kmalloc_array((u32)n, sizeof(*ops), ALLOC_KERNEL);
		if (!ops)
			return -ENOMEM;
	}
	ret = copy_in(ops, uaddr(user_ops), (u32)n * sizeof(*ops));
	if (!ret)
		ret = sem_operate((s32)id, ops, (u32)n, MAX(deadline_ns, 1ull));
	if (ops != fast)
		kfree(ops);
	return ret;
}

s64 sys_semop(u64 id, u64 ops, u64 n)
{
	return sys_semtimedop(id, ops, n, 0);
}

static s64 sem_all(s32 cmd, s32 id, u64 user)
{
	s32 n = sem_count(id);
	s64 ret;

	if (n < 0)
		return n;
	size_t bytes = (size_t)n * sizeof(u16);
	u16 *values = kvmalloc(bytes, ALLOC_KERNEL);

	if (!values)
		return -ENOMEM;
	if (cmd == GETALL) {
		ret = sem_get_all(id, values);
		if (!ret)
			ret = copy_out(uaddr(user), values, bytes);
	} else {
		ret = copy_in(values, uaddr(user), bytes);
		if (!ret)
			ret = sem_set_all(id, values);
	}
	kvfree(values);
	return ret;
}

static s64 sem_stat_out(int cmd, s32 id, u64 buf)
{
	struct semid64_ds d;
	s32 ret = sem_stat(cmd, id, &d);

	return ret >= 0 && put_user(d, uaddr(buf)) ? -EFAULT : ret;
}

static s64 sem_info_out(bool figures, u64 buf)
{
	struct seminfo info;

	sem_info(figures, &info);
	return put_user(info, uaddr(buf)) ? -EFAULT : ipc_top_index(&sem_table);
}

s64 sys_semctl(u64 id, u64 num, u64 cmd, u64 arg)
{
	struct semid64_ds d;

	if ((s32)id < 0)
		return -EINVAL;
	switch ((s32)cmd) {
	case IPC_INFO:
	case SEM_INFO: return sem_info_out((s32)cmd == SEM_INFO, arg);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY: return sem_stat_out((s32)cmd, (s32)id, arg);
	case GETALL:
	case SETALL: return sem_all((s32)cmd, (s32)id, arg);
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT: return sem_query((s32)cmd, (s32)id, (s32)num);
	case SETVAL: return sem_set_value((s32)id, (s32)num, (s32)arg);
	case IPC_SET: return get_user(d, uaddr(arg)) ? -EFAULT : sem_set((s32)id, &d.sem_perm);
	case IPC_RMID: return sem_remove((s32)id);
	}
	return -EINVAL;
}

/* ---- messages ---- */

s64 sys_msgget(u64 key, u64 flags)
{
	return msg_get((s32)key, (u32)flags);
}

s64 sys_msgsnd(u64 id, u64 user, u64 size, u64 flags)
{
	s64 type;

	if (get_user(type, uaddr(user)))
		return -EFAULT;
	if (size > atomic_load(&msg_bytes_max) || (s32)id < 0 || type < 1)
		return -EINVAL;
	struct msg *m = msg_alloc(size);

	if (!m)
		return -ENOMEM;
	m->type = type;
	s64 ret = copy_in(m->text, uaddr_add(uaddr(user), sizeof(type)), size);

	if (!ret)
		ret = msg_send((s32)id, m, (u32)flags);
	if (ret)
		msg_free(m);
	return ret;
}

s64 sys_msgrcv(u64 id, u64 user, u64 size, u64 type, u64 flags)
{
	struct msg *m = msg_receive((s32)id, size, (s64)type, (u32)flags);

	if (IS_ERR(m))
		return PTR_ERR(m);
	u64 n = MIN(size, m->len);
	s64 ret = put_user(m->type, uaddr(user));

	if (!ret)
		ret = copy_out(uaddr_add(uaddr(user), sizeof(m->type)), m->text, n);
	msg_free(m);
	return ret ? ret : (s64)n;
}

static s64 msg_stat_out(int cmd, s32 id, u64 buf)
{
	struct msqid64_ds d;
	s32 ret = msg_stat(cmd, id, &d);

	return ret >= 0 && put_user(d, uaddr(buf)) ? -EFAULT : ret;
}

static s64 msg_info_out(bool figures, u64 buf)
{
	struct msginfo info;

	msg_info(figures, &info);
	return put_user(info, uaddr(buf)) ? -EFAULT : ipc_top_index(&msg_table);
}

s64 sys_msgctl(u64 id, u64 cmd, u64 buf)
{
	struct msqid64_ds d;

	if ((s32)id < 0 || (s32)cmd < 0)
		return -EINVAL;
	switch ((s32)cmd) {
	case IPC_INFO:
	case MSG_INFO: return msg_info_out((s32)cmd == MSG_INFO, buf);
	case IPC_STAT:
	case MSG_STAT:
	case MSG_STAT_ANY: return msg_stat_out((s32)cmd, (s32)id, buf);
	case IPC_SET: return get_user(d, uaddr(buf)) ? -EFAULT : msg_set((s32)id, &d.msg_perm, d.msg_qbytes);
	case IPC_RMID: return msg_remove((s32)id);
	}
	return -EINVAL;
}

/* ---- POSIX message queues ---- */

/* A deadline on the wall clock as it stands now: a later setting of the clock moves nobody who sleeps. */
static int wall_deadline_in(u64 user, u64 *deadline_ns)
{
	struct __kernel_timespec ts;

	*deadline_ns = ~0ull;
	if (!user)
		return 0;
	if (get_user(ts, uaddr(user)))
		return -EFAULT;
	if (ts.tv_sec < 0 || (u64)ts.tv_nsec >= NS_PER_SEC)
		return -EINVAL;
	if ((u64)ts.tv_sec > 9000000000ull)
		return 0;
	u64 ns = (u64)ts.tv_sec * NS_PER_SEC + (u64)ts.tv_nsec, offset = clock_realtime_ns() - plat_mono_ns();

	*deadline_ns = ns > offset ? ns - offset : 1;
	return 0;
}

/* The open queue of a descriptor, with a reference; ERR_PTR(-EBADF) if it is none, or not open for all of @fmode */
static struct file *queue_get(u64 fd, u32 fmode, struct mqueue **q)
{
	struct file *f = fd_get((int)fd);

	if (!f)
		return ERR_PTR(-EBADF);
	*q = mq_of_file(f);
	if (*q && (f->mode & fmode) == fmode)
		return f;
	file_put(f);
	return ERR_PTR(-EBADF);
}

s64 sys_mq_open(u64 user_name, u64 flags, u64 mode, u64 user_attr)
{
	struct mq_attr attr;

	if (user_attr && get_user(attr, uaddr(user_attr)))
		return -EFAULT;
	if ((flags & O_ACCMODE) == O_ACCMODE)
		return -EINVAL;
	char *name = sys_name_in(user_name);

	if (IS_ERR(name))
		return PTR_ERR(name);
	int fd = fd_alloc(0, true);	/* always closed by exec */

	if (fd >= 0) {
		struct file *f = mq_open_file(name, (u32)flags, (u32)mode, user_attr ? &attr : NULL);

		if (IS_ERR(f)) {
			fd_unreserve(fd);
			fd = (int)PTR_ERR(f);
		} else {
			fd_install(fd, f);
		}
	}
	sys_name_put(name);
	return fd;
}

s64 sys_mq_unlink(u64 user_name)
{
	char *name = sys_name_in(user_name);

	if (IS_ERR(name))
		return PTR_ERR(name);
	s64 ret = mq_unlink_name(name);

	sys_name_put(name);
	return ret;
}

static s64 queue_send(struct file *f, struct mqueue *q, u64 text, u64 len, u32 prio, u64 deadline_ns)
{
	if (len > q->size_max)
		return -EMSGSIZE;
	struct mq_message *m = mq_message_alloc(len);

	if (!m)
		return -ENOMEM;
	m->prio = prio;
	s64 ret = copy_in(m->text, uaddr(text), len);

	if (!ret)
		ret = mqueue_send(q, m, f->flags & O_NONBLOCK, deadline_ns);
	if (ret)
		mq_message_free(m);
	else
		inode_touch(f->inode, SET_MTIME | SET_CTIME);
	return ret;
}

s64 sys_mq_timedsend(u64 fd, u64 text, u64 len, u64 prio, u64 timeout)
{
	struct mqueue *q;
	u64 deadline_ns;
	int err = wall_deadline_in(timeout, &deadline_ns);

	if (err)
		return err;
	if ((u32)prio >= MQ_PRIO_MAX)
		return -EINVAL;
	struct file *f = queue_get(fd, FMODE_WRITE, &q);

	if (IS_ERR(f))
		return PTR_ERR(f);
	s64 ret = queue_send(f, q, text, len, (u32)prio, deadline_ns);

	file_put(f);
	return ret;
}

static s64 queue_receive(struct file *f, struct mqueue *q, u64 text, u64 len, u64 prio, u64 deadline_ns)
{
	if (len < q->size_max)
		return -EMSGSIZE;
	struct mq_message *m = mqueue_receive(q, f->flags & O_NONBLOCK, deadline_ns);

	if (IS_ERR(m))
		return PTR_ERR(m);
	s64 ret = (s64)m->len;

	inode_touch(f->inode, SET_ATIME | SET_MTIME | SET_CTIME);
	if ((prio && put_user(m->prio, uaddr(prio))) || copy_out(uaddr(text), m->text, m->len))
		ret = -EFAULT;
	mq_message_free(m);
	return ret;
}

s64 sys_mq_timedreceive(u64 fd, u64 text, u64 len, u64 prio, u64 timeout)
{
	struct mqueue *q;
	u64 deadline_ns;
	int err = wall_deadline_in(timeout, &deadline_ns);

	if (err)
		return err;
	struct file *f = queue_get(fd, FMODE_READ, &q);

	if (IS_ERR(f))
		return PTR_ERR(f);
	s64 ret = queue_receive(f, q, text, len, prio, deadline_ns);

	file_put(f);
	return ret;
}

/* SIGEV_THREAD wants a netlink socket in sigev_signo, by which the C library hears: there are none. */
static int notice_in(u64 user, struct mq_notice *n)
{
	sigevent_t ev;

	if (get_user(ev, uaddr(user)))
		return -EFAULT;
	if (ev.sigev_notify == SIGEV_THREAD) {
		struct file *f = fd_get(ev.sigev_signo);

		if (!f)
			return -EBADF;
		file_put(f);
		return -EINVAL;
	}
	if (ev.sigev_notify != SIGEV_NONE && ev.sigev_notify != SIGEV_SIGNAL)
		return -EINVAL;
	if (ev.sigev_notify == SIGEV_SIGNAL && !sig_valid(ev.sigev_signo))
		return -EINVAL;
	*n = (struct mq_notice){ .how = ev.sigev_notify, .signo = ev.sigev_signo, .value = ev.sigev_value };
	return 0;
}

s64 sys_mq_notify(u64 fd, u64 event)
{
	struct mq_notice n;
	struct mqueue *q;
	s64 ret = event ? notice_in(event, &n) : 0;

	if (ret)
		return ret;
	struct file *f = queue_get(fd, 0, &q);

	if (IS_ERR(f))
		return PTR_ERR(f);
	ret = mqueue_notify(q, event ? &n : NULL);
	file_put(f);
	return ret;
}

static int queue_set_flags(struct file *f, u64 flags)
{
	if (flags & ~(u64)O_NONBLOCK)
		return -EINVAL;
	return file_set_flags(f, (f->flags & ~(u32)O_NONBLOCK) | (u32)flags);
}

s64 sys_mq_getsetattr(u64 fd, u64 new, u64 old)
{
	struct mq_attr want, is;
	struct mqueue *q;

	if (new && get_user(want, uaddr(new)))
		return -EFAULT;
	struct file *f = queue_get(fd, 0, &q);

	if (IS_ERR(f))
		return PTR_ERR(f);
	is = (struct mq_attr){ .mq_flags = f->flags & O_NONBLOCK, .mq_maxmsg = q->count_max, .mq_msgsize = q->size_max,
			       .mq_curmsgs = READ_ONCE(q->count) };
	s64 ret = new ? queue_set_flags(f, (u64)want.mq_flags) : 0;

	file_put(f);
	if (!ret && old)
		ret = put_user(is, uaddr(old));
	return ret;
}
