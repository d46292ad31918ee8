/* The messages; see calls.h. */
#include <linux/errno.h>
#include <linux/limits.h>
#include "base/string.h"
#include "fs/9p/calls.h"
#include "kern/slab.h"

enum { STATFS_BYTES = 60, ATTR_BYTES = 153 };

static void put_name(struct p9_writer *w, const struct p9_name *name)
{
	p9_put_string(w, name->s, name->len);
}

int p9_attach(struct p9_client *c, u32 fid, const char *uname, const char *aname, u32 uid, struct p9_qid *qid)
{
	size_t uname_len = strlen(uname), aname_len = strlen(aname);
	struct p9_call *call = p9_call_begin(c, P9_TATTACH, 16 + uname_len + aname_len, P9_QID_BYTES, 0);
	int err;

	if (!call)
		return -ENOMEM;
	p9_put_u32(&call->w, fid);
	p9_put_u32(&call->w, P9_NOFID);
	p9_put_string(&call->w, uname, uname_len);
	p9_put_string(&call->w, aname, aname_len);
	p9_put_u32(&call->w, uid);
	err = p9_call_run(call);
	if (!err)
		p9_get_qid(&call->r, qid);
	return p9_call_end(call, err);
}

int p9_walk(struct p9_client *c, u32 fid, u32 newfid, const struct p9_name *names, unsigned count, struct p9_qid *qid)
{
	struct p9_call *call;
	u32 bytes = 10;
	int err;

	if (count > P9_WALK_MAX)
		return -EINVAL;
	for (unsigned i = 0; i < count; i++)
		bytes += 2 + names[i].len;
	call = p9_call_begin(c, P9_TWALK, bytes, 2 + count * P9_QID_BYTES, 0);
	if (!call)
		return -ENOMEM;
	p9_put_u32(&call->w, fid);
	p9_put_u32(&call->w, newfid);
	p9_put_u16(&call->w, count);
	for (unsigned i = 0; i < count; i++)
		put_name(&call->w, &names[i]);
	err = p9_call_run(call);
	if (!err && p9_get_u16(&call->r) != count)
		err = -ENOENT;
	for (unsigned i = 0; !err && i < count; i++)
		p9_get_qid(&call->r, qid);
	return p9_call_end(call, err);
}

int p9_walk_new(struct p9_client *c, u32 fid, const struct p9_name *names, unsigned count, u32 *newfid, struct p9_qid *qid)
{
	u32 got = p9_fid_alloc(c);
	int err;

	if (got == P9_NOFID)
		return -ENOMEM;
	err = p9_walk(c, fid, got, names, count, qid);
	if (err == -EIO)
		p9_clunk(c, got);	/* a damaged reply: it may be there */
	else if (err)
		p9_fid_free(c, got);
	else
		*newfid = got;
	return err;
}

static struct p9_call *fid_call(struct p9_client *c, u8 type, u32 fid, u32 more_bytes, u32 reply_bytes)
{
	struct p9_call *call = p9_call_begin(c, type, 4 + more_bytes, reply_bytes, 0);

	if (call)
		p9_put_u32(&call->w, fid);
	return call;
}

static int run_and_end(struct p9_call *call)
{
	return call ? p9_call_end(call, p9_call_run(call)) : -ENOMEM;
}

static void clunk_over(struct p9_call *call)
{
	p9_fid_free(call->client, call->fid);
	(void)p9_call_end(call, 0);
}

void p9_clunk(struct p9_client *c, u32 fid)
{
	struct p9_call *call;

	if (fid == P9_NOFID)
		return;
	call = fid_call(c, P9_TCLUNK, fid, 0, 0);
	if (!call)
		return;		/* no memory: the server keeps the fid, and its number is never used again */
	call->fid = fid;
	p9_call_start(call, clunk_over);
}

int p9_clunk_wait(struct p9_client *c, u32 fid)
{
	struct p9_call *call = fid_call(c, P9_TCLUNK, fid, 0, 0);
	int err;

	if (!call)
		return -ENOMEM;
	call->flags = P9_CALL_NOINTR;
	err = run_and_end(call);
	p9_fid_free(c, fid);
	return err;
}

int p9_remove(struct p9_client *c, u32 fid)
{
	struct p9_call *call = fid_call(c, P9_TREMOVE, fid, 0, 0);
	int err;

	if (!call) {
		p9_clunk(c, fid);
		return -ENOMEM;
	}
	err = run_and_end(call);
	p9_fid_free(c, fid);
	return err;
}

int p9_getattr(struct p9_client *c, u32 fid, struct p9_attr *attr)
{
	struct p9_call *call = fid_call(c, P9_TGETATTR, fid, 8, ATTR_BYTES);
	int err;

	if (!call)
		return -ENOMEM;
	p9_put_u64(&call->w, P9_GETATTR_BASIC | P9_GETATTR_BTIME);
	err = p9_call_run(call);
	if (!err)
		p9_get_attr(&call->r, attr);
	return p9_call_end(call, err);
}

int p9_setattr(struct p9_client *c, u32 fid, const struct p9_setattr *sa)
{
	struct p9_call *call = fid_call(c, P9_TSETATTR, fid, 56, 0);

	if (call)
		p9_put_setattr(&call->w, sa);
	return run_and_end(call);
}

int p9_lopen(struct p9_client *c, u32 fid, u32 o_flags)
{
	struct p9_call *call = fid_call(c, P9_TLOPEN, fid, 4, P9_QID_BYTES + 4);

	if (call)
		p9_put_u32(&call->w, o_flags);
	return run_and_end(call);
}

int p9_lcreate(struct p9_client *c, u32 fid, const struct p9_name *name, u32 o_flags, u32 mode, u32 gid)
{
	struct p9_call *call = fid_call(c, P9_TLCREATE, fid, 14 + name->len, P9_QID_BYTES + 4);

	if (call) {
		put_name(&call->w, name);
		p9_put_u32(&call->w, o_flags);
		p9_put_u32(&call->w, mode);
		p9_put_u32(&call->w, gid);
	}
	return run_and_end(call);
}

int p9_mkdir(struct p9_client *c, u32 dir, const struct p9_name *name, u32 mode, u32 gid)
{
	struct p9_call *call = fid_call(c, P9_TMKDIR, dir, 10 + name->len, P9_QID_BYTES);

	if (call) {
		put_name(&call->w, name);
		p9_put_u32(&call->w, mode);
		p9_put_u32(&call->w, gid);
	}
	return run_and_end(call);
}

int p9_mknod(struct p9_client *c, u32 dir, const struct p9_name *name, u32 mode, u32 major, u32 minor, u32 gid)
{
	struct p9_call *call = fid_call(c, P9_TMKNOD, dir, 18 + name->len, P9_QID_BYTES);

	if (call) {
		put_name(&call->w, name);
		p9_put_u32(&call->w, mode);
		p9_put_u32(&call->w, major);
		p9_put_u32(&call->w, minor);
		p9_put_u32(&call->w, gid);
	}
	return run_and_end(call);
}

int p9_symlink(struct p9_client *c, u32 dir, const struct p9_name *name, const char *target, u32 gid)
{
	size_t len = strlen(target);
	struct p9_call *call = fid_call(c, P9_TSYMLINK, dir, 8 + name->len + len, P9_QID_BYTES);

	if (call) {
		put_name(&call->w, name);
		p9_put_string(&call->w, target, len);
		p9_put_u32(&call->w, gid);
	}
	return run_and_end(call);
}

int p9_link(struct p9_client *c, u32 dir, u32 fid, const struct p9_name *name)
{
	struct p9_call *call = fid_call(c, P9_TLINK, dir, 6 + name->len, 0);

	if (call) {
		p9_put_u32(&call->w, fid);
		put_name(&call->w, name);
	}
	return run_and_end(call);
}

char *p9_readlink(struct p9_client *c, u32 fid)
{
	struct p9_call *call = fid_call(c, P9_TREADLINK, fid, 0, 2 + PATH_MAX);
	const char *target;
	char *copy = NULL;
	u16 len;
	int err;

	if (!call)
		return ERR_PTR(-ENOMEM);
	err = p9_call_run(call);
	if (!err) {
		len = p9_get_string(&call->r, &target);
		if (!len || len >= PATH_MAX || memchr(target, 0, len))
			err = -EIO;
		else if (!(copy = kstrndup(target, len, ALLOC_NOFS)))
			err = -ENOMEM;
	}
	err = p9_call_end(call, err);
	return err ? ERR_PTR(err) : copy;
}

int p9_renameat(struct p9_client *c, u32 olddir, const struct p9_name *old, u32 newdir, const struct p9_name *new)
{
	struct p9_call *call = fid_call(c, P9_TRENAMEAT, olddir, 8 + old->len + new->len, 0);

	if (call) {
		put_name(&call->w, old);
		p9_put_u32(&call->w, newdir);
		put_name(&call->w, new);
	}
	return run_and_end(call);
}

int p9_rename(struct p9_client *c, u32 fid, u32 newdir, const struct p9_name *new)
{
	struct p9_call *call = fid_call(c, P9_TRENAME, fid, 6 + new->len, 0);

	if (call) {
		p9_put_u32(&call->w, newdir);
		put_name(&call->w, new);
	}
	return run_and_end(call);
}

int p9_unlinkat(struct p9_client *c, u32 dir, const struct p9_name *name, u32 flags)
{
	struct p9_call *call = fid_call(c, P9_TUNLINKAT, dir, 6 + name->len, 0);

	if (call) {
		put_name(&call->w, name);
		p9_put_u32(&call->w, flags);
	}
	return run_and_end(call);
}

int p9_statfs(struct p9_client *c, u32 fid, struct p9_statfs *s)
{
	struct p9_call *call = fid_call(c, P9_TSTATFS, fid, 0, STATFS_BYTES);
	int err;

	if (!call)
		return -ENOMEM;
	err = p9_call_run(call);
	if (!err)
		p9_get_statfs(&call->r, s);
	return p9_call_end(call, err);
}

int p9_fsync(struct p9_client *c, u32 fid, bool datasync)
{
	struct p9_call *call = fid_call(c, P9_TFSYNC, fid, 4, 0);

	if (call)
		p9_put_u32(&call->w, datasync);
	return run_and_end(call);
}

int p9_xattrwalk(struct p9_client *c, u32 fid, u32 newfid, const char *name, u64 *size)
{
	size_t len = strlen(name);
	struct p9_call *call = fid_call(c, P9_TXATTRWALK, fid, 6 + len, 8);
	int err;

	if (!call)
		return -ENOMEM;
	p9_put_u32(&call->w, newfid);
	p9_put_string(&call->w, name, len);
	err = p9_call_run(call);
	if (!err)
		*size = p9_get_u64(&call->r);
	return p9_call_end(call, err);
}

int p9_xattrcreate(struct p9_client *c, u32 fid, const char *name, u64 size, u32 flags)
{
	size_t len = strlen(name);
	struct p9_call *call = fid_call(c, P9_TXATTRCREATE, fid, 14 + len, 0);

	if (call) {
		p9_put_string(&call->w, name, len);
		p9_put_u64(&call->w, size);
		p9_put_u32(&call->w, flags);
	}
	return run_and_end(call);
}

/* ---- data ---- */

struct p9_call *p9_read_call(struct p9_client *c, u8 type, u32 fid, u64 offset, const struct p9_seg *segs, u32 count,
			     u32 bytes)
{
	struct p9_call *call = p9_call_begin(c, type, 16, P9_READ_HEADER_BYTES - P9_HEADER_BYTES, count);

	if (!call)
		return NULL;
	p9_put_u32(&call->w, fid);
	p9_put_u64(&call->w, offset);
	p9_put_u32(&call->w, bytes);
	p9_call_payload(call, segs, count, bytes, true);
	return call;
}

s64 p9_read_result(struct p9_call *call)
{
	u32 got;

	if (call->err)
		return call->err;
	got = p9_get_u32(&call->r);
	if (call->r.bad || got > call->payload_bytes || got > call->reply_bytes - P9_READ_HEADER_BYTES)
		return -EIO;
	return got;
}

s64 p9_read(struct p9_client *c, u8 type, u32 fid, u64 offset, const struct p9_seg *segs, u32 count, u32 bytes)
{
	struct p9_call *call = p9_read_call(c, type, fid, offset, segs, count, bytes);
	s64 n;
	int err;

	if (!call)
		return -ENOMEM;
	err = p9_call_run(call);
	n = err ? err : p9_read_result(call);
	(void)p9_call_end(call, 0);
	return n;
}

s64 p9_write(struct p9_client *c, u32 fid, u64 offset, const struct p9_seg *segs, u32 count, u32 bytes)
{
	struct p9_call *call = p9_call_begin(c, P9_TWRITE, P9_WRITE_HEADER_BYTES - P9_HEADER_BYTES, 4, count);
	u32 got = 0;
	int err;

	if (!call)
		return -ENOMEM;
	p9_put_u32(&call->w, fid);
	p9_put_u64(&call->w, offset);
	p9_put_u32(&call->w, bytes);
	p9_call_payload(call, segs, count, bytes, false);
	call->flags = P9_CALL_NOINTR;
	err = p9_call_run(call);
	if (!err) {
		got = p9_get_u32(&call->r);
		err = got > bytes ? -EIO : 0;
	}
	err = p9_call_end(call, err);
	return err ? err : (s64)got;
}
