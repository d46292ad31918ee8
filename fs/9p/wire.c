/* Encoding and decoding of 9P2000.L; see wire.h. */
#include <linux/errno.h>
#include "base/bitops.h"
#include "base/string.h"
#include "fs/9p/wire.h"

enum { ERRORS_END = 512 };

/* ---- writing ---- */

static u8 *room(struct p9_writer *w, u32 n)
{
	u8 *at = w->buf + w->len;

	if (w->bad || n > w->size - w->len) {
		w->bad = true;
		return NULL;
	}
	w->len += n;
	return at;
}

void p9_put_u8(struct p9_writer *w, u8 v)
{
	u8 *at = room(w, 1);

	if (at)
		*at = v;
}

void p9_put_u16(struct p9_writer *w, u16 v)
{
	u8 *at = room(w, 2);

	if (at)
		put_le16(at, v);
}

void p9_put_u32(struct p9_writer *w, u32 v)
{
	u8 *at = room(w, 4);

	if (at)
		put_le32(at, v);
}

void p9_put_u64(struct p9_writer *w, u64 v)
{
	u8 *at = room(w, 8);

	if (at)
		put_le64(at, v);
}

void p9_put_string(struct p9_writer *w, const char *s, size_t len)
{
	u8 *at = len <= 0xffff ? room(w, 2 + (u32)len) : NULL;

	if (!at) {
		w->bad = true;
		return;
	}
	put_le16(at, (u16)len);
	memcpy(at + 2, s, len);
}

void p9_put_setattr(struct p9_writer *w, const struct p9_setattr *sa)
{
	p9_put_u32(w, sa->valid);
	p9_put_u32(w, sa->mode);
	p9_put_u32(w, sa->uid);
	p9_put_u32(w, sa->gid);
	p9_put_u64(w, sa->size);
	p9_put_u64(w, sa->atime.sec);
	p9_put_u64(w, sa->atime.nsec);
	p9_put_u64(w, sa->mtime.sec);
	p9_put_u64(w, sa->mtime.nsec);
}

void p9_message_begin(struct p9_writer *w, u8 type, u16 tag)
{
	p9_put_u32(w, 0);
	p9_put_u8(w, type);
	p9_put_u16(w, tag);
}

void p9_message_end(struct p9_writer *w, u32 payload_bytes)
{
	if (!w->bad)
		put_le32(w->buf, w->len + payload_bytes);
}

/* ---- reading ---- */

static const u8 *next(struct p9_reader *r, u32 n)
{
	const u8 *at = r->buf + r->at;

	if (r->bad || n > r->len - r->at) {
		r->bad = true;
		return NULL;
	}
	r->at += n;
	return at;
}

u8 p9_get_u8(struct p9_reader *r)
{
	const u8 *at = next(r, 1);

	return at ? *at : 0;
}

u16 p9_get_u16(struct p9_reader *r)
{
	const u8 *at = next(r, 2);

	return at ? get_le16(at) : 0;
}

u32 p9_get_u32(struct p9_reader *r)
{
	const u8 *at = next(r, 4);

	return at ? get_le32(at) : 0;
}

u64 p9_get_u64(struct p9_reader *r)
{
	const u8 *at = next(r, 8);

	return at ? get_le64(at) : 0;
}

u16 p9_get_string(struct p9_reader *r, const char **s)
{
	u16 len = p9_get_u16(r);
	const u8 *at = next(r, len);

	*s = (const char *)at;
	return at ? len : 0;
}

void p9_get_qid(struct p9_reader *r, struct p9_qid *qid)
{
	qid->type = p9_get_u8(r);
	qid->version = p9_get_u32(r);
	qid->path = p9_get_u64(r);
}

static void get_time(struct p9_reader *r, struct p9_time *t)
{
	t->sec = p9_get_u64(r);
	t->nsec = p9_get_u64(r);
}

void p9_get_attr(struct p9_reader *r, struct p9_attr *a)
{
	a->valid = p9_get_u64(r);
	p9_get_qid(r, &a->qid);
	a->mode = p9_get_u32(r);
	a->uid = p9_get_u32(r);
	a->gid = p9_get_u32(r);
	a->nlink = p9_get_u64(r);
	a->rdev = p9_get_u64(r);
	a->size = p9_get_u64(r);
	a->blksize = p9_get_u64(r);
	a->blocks = p9_get_u64(r);
	get_time(r, &a->atime);
	get_time(r, &a->mtime);
	get_time(r, &a->ctime);
	get_time(r, &a->btime);
	a->gen = p9_get_u64(r);
	a->data_version = p9_get_u64(r);
}

void p9_get_statfs(struct p9_reader *r, struct p9_statfs *s)
{
	s->type = p9_get_u32(r);
	s->bsize = p9_get_u32(r);
	s->blocks = p9_get_u64(r);
	s->bfree = p9_get_u64(r);
	s->bavail = p9_get_u64(r);
	s->files = p9_get_u64(r);
	s->ffree = p9_get_u64(r);
	s->fsid = p9_get_u64(r);
	s->namelen = p9_get_u32(r);
}

int p9_reply_check(const u8 *buf, u32 len, u32 total, u8 type, u16 tag, struct p9_reader *r)
{
	u32 size;
	u8 got;

	*r = (struct p9_reader){ .buf = buf, .len = MIN(len, total) };
	size = p9_get_u32(r);
	got = p9_get_u8(r);
	if (p9_get_u16(r) != tag || r->bad || size < P9_HEADER_BYTES || size > total)
		return -EIO;
	r->len = MIN(r->len, size);
	if (got == P9_RLERROR) {
		u32 error = p9_get_u32(r);

		/* From 512 on they mean something between the parts of the kernel. */
		return !r->bad && error && error < ERRORS_END ? -(int)error : -EIO;
	}
	return got == type + 1 ? 0 : -EIO;
}

static bool name_ok(const char *name, u16 len)
{
	return len && len <= P9_NAME_MAX && !memchr(name, '/', len) && !memchr(name, 0, len);
}

int p9_dirent_parse(const u8 *buf, u32 len, struct p9_dirent *out)
{
	struct p9_reader r = { .buf = buf, .len = len };

	if (!len)
		return 0;
	p9_get_qid(&r, &out->qid);
	out->offset = p9_get_u64(&r);
	out->type = p9_get_u8(&r);
	out->name_len = p9_get_string(&r, &out->name);
	if (r.bad || !name_ok(out->name, out->name_len))
		return -EIO;
	return (int)r.at;
}
