/*
 * Files of text: plain entries, sysctls, and those of processes.
 *
 * A read at position 0 makes the whole text anew; reads further on go on in it, so that what a program reads piece by piece
 * fits together.  The text is counted: it is copied to the reader without a lock, while another reader may start over.
 *
 * Locks: text_lock (a leaf) guards the pointer in the open file.
 */
#include <linux/errno.h>
#include "base/string.h"
#include "fs/proc/internal.h"
#include "kern/slab.h"

struct text {
	u32 refs;		/* [a] */
	struct seq seq;		/* [I] once made */
};

static struct spinlock text_lock = SPINLOCK_INIT(RANK_FS_SPIN);

static void text_put(struct text *t)
{
	if (t && atomic_dec_and_test(&t->refs)) {
		seq_fini(&t->seq);
		kfree(t);
	}
}

static int make(struct inode *i, struct seq *s)
{
	struct proc_inode *n = proc_inode(i);
	int err = 0;

	if (n->kind == NODE_ENTRY && n->entry->kind == PROC_SYSCTL)
		err = sysctl_show(n->entry->sysctl, s);
	else if (n->kind == NODE_ENTRY && n->entry->show)
		n->entry->show(s);
	else if (n->kind == NODE_FDINFO)
		err = pids->fd_info(n->task, n->fd, s);
	else if (n->kind == NODE_PID_ENTRY && n->pid_entry->show)
		err = n->pid_entry->show(n->task, s);
	else
		err = -EINVAL;
	return err ? err : s->err;
}

/* A new text for @f, with a reference for the caller. ERR_PTR */
static struct text *text_make(struct file *f)
{
	struct text *t = kzalloc(sizeof(*t), ALLOC_KERNEL), *old;
	int err;

	if (!t)
		return ERR_PTR(-ENOMEM);
	t->refs = 2;
	seq_init(&t->seq);
	err = make(f->inode, &t->seq);
	if (err) {
		seq_fini(&t->seq);
		kfree(t);
		return ERR_PTR(err);
	}
	spin_lock(&text_lock);
	old = f->private;
	f->private = t;
	spin_unlock(&text_lock);
	text_put(old);
	return t;
}

static struct text *text_get(struct file *f)
{
	struct text *t;

	spin_lock(&text_lock);
	t = f->private;
	if (t)
		t->refs++;
	spin_unlock(&text_lock);
	return t ? t : text_make(f);
}

static s64 text_read(struct file *f, struct iter *to, u64 *pos)
{
	struct text *t = *pos == 0 ? text_make(f) : text_get(f);
	s64 n = 0;

	if (IS_ERR(t))
		return PTR_ERR(t);
	if (*pos < t->seq.len && iter_left(to)) {
		n = iter_put(to, t->seq.buf + *pos, MIN((u64)(t->seq.len - *pos), iter_left(to)));
		if (n == 0)
			n = -EFAULT;
		else
			*pos += n;
	}
	text_put(t);
	return n;
}

static s64 write_text(struct proc_inode *n, char *text, size_t len, u64 pos)
{
	int err = -EINVAL;

	if (n->kind == NODE_PID_ENTRY)
		return n->pid_entry->write ? n->pid_entry->write(n->task, text, len, pos) : -EINVAL;
	if (n->kind == NODE_ENTRY && n->entry->kind == PROC_SYSCTL)
		err = sysctl_write(n->entry->sysctl, text);
	else if (n->kind == NODE_ENTRY && n->entry->write)
		err = n->entry->write(text, len);
	return err ? err : (s64)len;
}

static s64 text_write(struct file *f, struct iter *from, u64 *pos)
{
	u64 len = MIN(iter_left(from), (u64)PAGE_SIZE);
	char *text;
	s64 ret;

	text = kmalloc(len + 1, ALLOC_KERNEL);
	if (!text)
		return -ENOMEM;
	if (iter_get(from, text, len) == len) {
		text[len] = '\0';
		ret = write_text(proc_inode(f->inode), text, len, *pos);
	} else {
		ret = -EFAULT;
	}
	if (ret > 0)
		*pos += ret;
	kfree(text);
	return ret;
}

static int text_open(struct inode *i, struct file *f)
{
	struct proc_inode *n = proc_inode(i);

	if (n->kind == NODE_PID_ENTRY && n->pid_entry->open)
		return n->pid_entry->open(n->task);
	return 0;
}

static void text_release(struct file *f)
{
	text_put(f->private);
}

/* There is no end to seek from until the text is made. */
static s64 text_seek(struct file *f, s64 off, int whence)
{
	return file_seek_size(f, off, whence, 0);
}

const struct file_ops proc_text_fops = {
	.open = text_open,
	.release = text_release,
	.read = text_read,
	.write = text_write,
	.seek = text_seek,
};
