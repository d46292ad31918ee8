/*
 * What passes with messages: open files (SCM_RIGHTS) and credentials (SCM_CREDENTIALS).
 *
 * Receiving is in two steps, so that a user who cannot be told a number does not get the descriptor: scm_recv() reserves numbers and writes
 * them into the ancillary data; once that has been copied out, sock_msg_end() installs the files or gives the numbers back.
 *
 * Files in a message may be sockets with messages that hold sockets, and so on.  Letting go of the last reference would go down that chain
 * on the kernel stack; so files are put one set after another by whoever began (scm_files_put).
 *
 * Locks: doomed_lock guards the list of threads that put files.
 * Source: unix(7).
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/fcntl.h>
#include "base/list.h"
#include "base/string.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "sock/internal.h"
#include "vfs/file.h"

struct scm_install {
	u32 count;
	bool cloexec;
	struct {
		int fd;
		struct file *file;
	} slot[];
};

/* ---- letting go ---- */

/* A thread that puts files, on its own stack. */
struct drain {
	struct list_head node;		/* [doomed_lock] */
	struct thread *by;
	struct scm_files *todo;		/* its own */
};

static struct spinlock doomed_lock;
static LIST_HEAD(drains);		/* [doomed_lock] */

static struct drain *my_drain(void)
{
	struct drain *d, *mine = NULL;

	spin_lock(&doomed_lock);
	list_for_each_entry(d, &drains, node)
		if (d->by == current())
			mine = d;
	spin_unlock(&doomed_lock);
	return mine;
}

static void files_put_all(struct scm_files *files)
{
	for (u32 i = 0; i < files->count; i++)
		file_put(files->file[i]);
	kfree(files);
}

void scm_files_put(struct scm_files *files)
{
	if (!files)
		return;
	struct drain *up = my_drain();

	if (up) {
		files->next = up->todo;
		up->todo = files;
		return;
	}
	struct drain mine = { .by = current(), .todo = files };

	files->next = NULL;
	spin_lock(&doomed_lock);
	list_add(&mine.node, &drains);
	spin_unlock(&doomed_lock);
	while (mine.todo) {
		files = mine.todo;
		mine.todo = files->next;
		files_put_all(files);
	}
	spin_lock(&doomed_lock);
	list_del(&mine.node);
	spin_unlock(&doomed_lock);
}

/* ---- sending ---- */

/* Add the files of one SCM_RIGHTS record. */
static int take_rights(const struct sock_cmsg *c, struct scm *out)
{
	u32 n = c->len / sizeof(int), had = out->files ? out->files->count : 0;
	const int *fds = c->data;
	struct scm_files *files = out->files;

	if (!n)
		return 0;
	if (n > SCM_MAX_FD || had + n > SCM_MAX_FD)
		return -EINVAL;
	files = kzalloc(sizeof(*files) + (had + n) * sizeof(files->file[0]), ALLOC_KERNEL);
	if (!files)
		return -ENOMEM;
	if (had) {
		memcpy(files->file, out->files->file, had * sizeof(files->file[0]));
		kfree(out->files);
	}
	files->count = had;
	files->uid = current_cred()->uid;
	out->files = files;
	for (u32 i = 0; i < n; i++) {
		struct file *f = fd_get_path(fds[i]);

		if (!f)
			return -EBADF;
		files->file[files->count++] = f;
		if (f->ops->flags & FOP_NO_RIGHTS)
			return -EINVAL;
	}
	return 0;
}

/* May the current process claim to be this? */
static int check_creds(const struct ucred_kernel *u)
{
	const struct cred *c = current_cred();

	if (u->pid != sock_process->pid() && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (u->uid != c->uid && u->uid != c->euid && u->uid != c->suid && !capable(CAP_SETUID))
		return -EPERM;
	if (u->gid != c->gid && u->gid != c->egid && u->gid != c->sgid && !capable(CAP_SETGID))
		return -EPERM;
	if (u->uid == ~0u || u->gid == ~0u)
		return -EINVAL;
	return sock_process->pid_exists(u->pid) ? 0 : -ESRCH;
}

static int take_record(const struct sock_msg *m, const struct sock_cmsg *c, u16 family, struct scm *out)
{
	if (c->level != SOL_SOCKET)
		return 0;
	switch (c->type) {
	case SCM_RIGHTS:
		return family == AF_UNIX ? take_rights(c, out) : -EINVAL;
	case SCM_CREDENTIALS:
		if (c->len != sizeof(out->creds))
			return -EINVAL;
		memcpy(&out->creds, c->data, sizeof(out->creds));
		return check_creds(&out->creds);
	default:
		return -EINVAL;
	}
}

int scm_send(struct socket *s, struct sock_msg *m, struct scm *out)
{
	struct sock_cmsg c;
	u32 at = 0;
	int err;

	*out = (struct scm){ .creds = { .pid = 0, .uid = SCM_NOBODY, .gid = SCM_NOBODY } };
	while ((err = sock_cmsg_next(m, &at, &c)) > 0) {
		err = take_record(m, &c, s->family, out);
		if (err)
			break;
	}
	if (err)
		scm_drop(out);
	return err;
}

void scm_drop(struct scm *scm)
{
	struct scm_files *files = scm->files;

	scm->files = NULL;
	scm_files_put(files);
}

struct scm_files *scm_files_dup(const struct scm_files *files)
{
	struct scm_files *copy = kmemdup(files, sizeof(*files) + files->count * sizeof(files->file[0]), ALLOC_ATOMIC);

	for (u32 i = 0; copy && i < copy->count; i++)
		file_get(copy->file[i]);
	return copy;
}

void scm_fill_creds(struct ucred_kernel *out)
{
	out->pid = sock_process->pid();
	out->uid = current_cred()->uid;
	out->gid = current_cred()->gid;
}

/* ---- receiving ---- */

/* Reserve descriptors for as many of @files as fit into @max; the rest stay. Return: how many; their numbers at @numbers */
static u32 reserve(struct sock_msg *m, struct scm_files *files, u32 max, int *numbers)
{
	u32 want = MIN(max, files->count);
	struct scm_install *in = want ? kzalloc(sizeof(*in) + want * sizeof(in->slot[0]), ALLOC_KERNEL) : NULL;

	if (!in)
		return 0;
	in->cloexec = m->flags & MSG_CMSG_CLOEXEC;
	while (in->count < want) {
		int fd = fd_alloc(0, in->cloexec);

		if (fd < 0)
			break;
		numbers[in->count] = fd;
		in->slot[in->count].fd = fd;
		in->slot[in->count].file = file_get(files->file[in->count]);
		in->count++;
	}
	m->install = in;
	return in->count;
}

static void recv_rights(struct sock_msg *m, struct scm_files *files)
{
	const u32 head = 16;
	u32 room = m->control_size - m->control_len;
	u32 max = room > head ? (room - head) / (u32)sizeof(int) : 0;
	int *numbers = max ? kmalloc_array(SCM_MAX_FD, sizeof(int), ALLOC_KERNEL) : NULL;
	u32 n = numbers ? reserve(m, files, max, numbers) : 0;

	if (n)
		sock_cmsg_put(m, SOL_SOCKET, SCM_RIGHTS, numbers, n * (u32)sizeof(int));
	if (n < files->count)
		m->flags_out |= MSG_CTRUNC;
	kfree(numbers);
	scm_files_put(files);
}

void scm_recv(struct socket *s, struct sock_msg *m, struct scm *scm)
{
	struct scm_files *files = scm->files;

	scm->files = NULL;
	if (atomic_load(&s->flags) & SOCKF_PASSCRED)
		sock_cmsg_put(m, SOL_SOCKET, SCM_CREDENTIALS, &scm->creds, sizeof(scm->creds));
	if (files)
		recv_rights(m, files);
}

void sock_msg_end(struct sock_msg *m, bool keep)
{
	struct scm_install *in = m->install;

	m->install = NULL;
	for (u32 i = 0; in && i < in->count; i++) {
		if (keep) {
			fd_install(in->slot[i].fd, in->slot[i].file);
		} else {
			fd_unreserve(in->slot[i].fd);
			file_put(in->slot[i].file);
		}
	}
	kfree(in);
}

void scm_init(void)
{
	spin_init(&doomed_lock, RANK_LEAF_SPIN);
}
