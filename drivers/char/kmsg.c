/*
 * /dev/kmsg: each read gives one record of the kernel log, each write adds one.
 *
 *      PRIORITY,SEQUENCE,MICROSECONDS,-;text\n
 *
 * The position is the sequence number of the next record.  One that was overwritten before it was read gives EPIPE once, and
 * reading goes on with the oldest there is.
 *
 * Source: Linux's Documentation/ABI/testing/dev-kmsg.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "drivers/char/char.h"
#include "kern/cred.h"
#include "kern/mutex.h"
#include "kern/printk.h"
#include "kern/slab.h"
#include "vfs/file.h"
#include "vfs/poll.h"

enum { RECORD_BYTES = 4 * sizeof(((struct log_line *)NULL)->text) + 64, USER_TEXT_BYTES = 976, FACILITY_USER = 1 };

struct kmsg_reader {
	struct mutex lock;		/* RANK_FILE_POS is the file's own; this is RANK_TTY_READ: held over copies to user memory */
	u64 next_seq;			/* [lock] */
	struct log_line line;		/* [lock] */
	char text[RECORD_BYTES];	/* [lock] */
};

static int kmsg_open(struct inode *i, struct file *f)
{
	struct kmsg_reader *r;

	if ((f->flags & O_ACCMODE) == O_WRONLY)
		return 0;
	if (!capable(CAP_SYSLOG) && !capable(CAP_SYS_ADMIN))
		return -EPERM;
	r = kzalloc(sizeof(*r), ALLOC_KERNEL);
	if (!r)
		return -ENOMEM;
	mutex_init(&r->lock, RANK_TTY_READ);
	f->private = r;
	return 0;
}

static void kmsg_release(struct file *f)
{
	kfree(f->private);
}

/* The record's text: control characters and the backslash as \xNN. Return: its length */
static size_t format_record(struct kmsg_reader *r)
{
	const struct log_line *l = &r->line;
	size_t n = scnprintf(r->text, sizeof(r->text), "%u,%llu,%llu,-;", l->level, l->seq, l->time_ns / 1000);

	for (size_t i = 0; i < l->len; i++) {
		u8 c = l->text[i];

		if (c < 32 || c >= 127 || c == '\\')
			n += scnprintf(r->text + n, sizeof(r->text) - n, "\\x%02x", c);
		else
			r->text[n++] = c;
	}
	r->text[n++] = '\n';
	return n;
}

/* The next line into r->line. 0, -EAGAIN, -EPIPE */
static int next_line(struct kmsg_reader *r)
{
	int err = log_read(r->next_seq, &r->line);

	if (err)
		return err;
	if (r->line.seq != r->next_seq && r->next_seq != 0) {
		r->next_seq = r->line.seq;
		return -EPIPE;
	}
	r->next_seq = r->line.seq + 1;
	return 0;
}

static s64 kmsg_read(struct file *f, struct iter *to, u64 *pos)
{
	struct kmsg_reader *r = f->private;
	s64 ret;

	for (;;) {
		mutex_lock(&r->lock);
		ret = next_line(r);
		if (ret != -EAGAIN || (f->flags & O_NONBLOCK))
			break;
		u64 want = r->next_seq;

		mutex_unlock(&r->lock);
		if (wait_event_interruptible(log_waitq(), log_next_seq() > want))
			return -ERESTARTSYS;
	}
	if (!ret) {
		size_t n = format_record(r);

		if (n > iter_left(to)) {
			r->next_seq--;
			ret = -EINVAL;
		} else {
			ret = iter_put(to, r->text, n) == n ? (s64)n : -EFAULT;
		}
	}
	mutex_unlock(&r->lock);
	return ret;
}

static s64 kmsg_write(struct file *f, struct iter *from, u64 *pos)
{
	char text[USER_TEXT_BYTES + 1];
	u64 len = iter_left(from);
	const char *at = text;
	u64 level = LOG_WARNING;

	if (len > USER_TEXT_BYTES)
		return -EINVAL;
	if (iter_get(from, text, len) != len)
		return -EFAULT;
	text[len] = '\0';
	if (text[0] == '<') {
		const char *end;
		u64 priority = parse_u64_prefix(text + 1, &end, 10);

		if (end != text + 1 && *end == '>') {
			level = priority & 7;
			at = end + 1;
		}
	}
	u64 n = len - (at - text);

	while (n && at[n - 1] == '\n')
		n--;
	log_append_user(level, at, n);
	return len;
}

static s64 kmsg_seek(struct file *f, s64 off, int whence)
{
	struct kmsg_reader *r = f->private;

	if (!r)
		return -EBADF;
	if (off != 0)
		return -ESPIPE;
	mutex_lock(&r->lock);
	switch (whence) {
	case 0:		/* SEEK_SET: the oldest */
	case 3:		/* SEEK_DATA: after the last SYSLOG_ACTION_CLEAR; there is no such mark here */
		r->next_seq = 0;
		break;
	case 2:		/* SEEK_END */
		r->next_seq = log_next_seq();
		break;
	default:
		mutex_unlock(&r->lock);
		return -EINVAL;
	}
	mutex_unlock(&r->lock);
	return 0;
}

static u32 kmsg_poll(struct file *f, struct poll_table *pt)
{
	struct kmsg_reader *r = f->private;

	if (!r)
		return EPOLLERR | EPOLLNVAL;
	poll_wait(f, log_waitq(), pt);
	return log_next_seq() > READ_ONCE(r->next_seq) ? EPOLLIN | EPOLLRDNORM : 0;
}

const struct file_ops kmsg_ops = {
	.open = kmsg_open,
	.release = kmsg_release,
	.read = kmsg_read,
	.write = kmsg_write,
	.seek = kmsg_seek,
	.poll = kmsg_poll,
};
