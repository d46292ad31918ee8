/*
 * A function for each message of 9P2000.L: encode, call, decode.
 *
 * All return 0 or -errno unless said otherwise; outputs are set on success only.  Names are (pointer, length).
 * Context: thread; they sleep, and end early when the thread is killed, unless a line says that they do not.
 */
#ifndef FS_9P_CALLS_H
#define FS_9P_CALLS_H

#include "fs/9p/client.h"

struct p9_name {
	const char *s;
	u32 len;
};

MUST_CHECK int p9_attach(struct p9_client *c, u32 fid, const char *uname, const char *aname, u32 uid, struct p9_qid *qid);
/** p9_walk - @newfid := @fid with @count names (0: a copy). -ENOENT as well when only some of them could be walked. @qid: of the last; untouched if @count is 0 */
MUST_CHECK int p9_walk(struct p9_client *c, u32 fid, u32 newfid, const struct p9_name *names, unsigned count,
		       struct p9_qid *qid);
/** p9_walk_new - the same to a fid number of its own. */
MUST_CHECK int p9_walk_new(struct p9_client *c, u32 fid, const struct p9_name *names, unsigned count, u32 *newfid,
			   struct p9_qid *qid);
/** p9_clunk - forget a fid, in the background; its number is free again when the server has answered. P9_NOFID is allowed */
void p9_clunk(struct p9_client *c, u32 fid);
MUST_CHECK int p9_remove(struct p9_client *c, u32 fid);	/* the fid is gone in any case */
MUST_CHECK int p9_getattr(struct p9_client *c, u32 fid, struct p9_attr *attr);
MUST_CHECK int p9_setattr(struct p9_client *c, u32 fid, const struct p9_setattr *sa);
MUST_CHECK int p9_lopen(struct p9_client *c, u32 fid, u32 o_flags);
/** p9_lcreate - create a file in the directory @fid names; @fid then names the file, open */
MUST_CHECK int p9_lcreate(struct p9_client *c, u32 fid, const struct p9_name *name, u32 o_flags, u32 mode, u32 gid);
MUST_CHECK int p9_mkdir(struct p9_client *c, u32 dir, const struct p9_name *name, u32 mode, u32 gid);
MUST_CHECK int p9_mknod(struct p9_client *c, u32 dir, const struct p9_name *name, u32 mode, u32 major, u32 minor, u32 gid);
MUST_CHECK int p9_symlink(struct p9_client *c, u32 dir, const struct p9_name *name, const char *target, u32 gid);
MUST_CHECK int p9_link(struct p9_client *c, u32 dir, u32 fid, const struct p9_name *name);
/** p9_readlink - Return: a kmalloc'd string, or ERR_PTR */
char *p9_readlink(struct p9_client *c, u32 fid);
MUST_CHECK int p9_renameat(struct p9_client *c, u32 olddir, const struct p9_name *old, u32 newdir, const struct p9_name *new);
MUST_CHECK int p9_rename(struct p9_client *c, u32 fid, u32 newdir, const struct p9_name *new);
MUST_CHECK int p9_unlinkat(struct p9_client *c, u32 dir, const struct p9_name *name, u32 flags);
MUST_CHECK int p9_statfs(struct p9_client *c, u32 fid, struct p9_statfs *s);
MUST_CHECK int p9_fsync(struct p9_client *c, u32 fid, bool datasync);
/** p9_xattrwalk - @newfid reads the attribute @name, or the list of names if that is empty; *size: its bytes */
MUST_CHECK int p9_xattrwalk(struct p9_client *c, u32 fid, u32 newfid, const char *name, u64 *size);
/** p9_xattrcreate - what is written to @fid from now on is the attribute's value; Tclunk makes it so */
MUST_CHECK int p9_xattrcreate(struct p9_client *c, u32 fid, const char *name, u64 size, u32 flags);
/** p9_clunk_wait - forget a fid and hear what the server says to it. The number is free in any case. */
MUST_CHECK int p9_clunk_wait(struct p9_client *c, u32 fid);

/**
 * p9_read - read up to @bytes (at most payload_max) at @offset into the pieces @segs
 * @type: P9_TREAD or P9_TREADDIR
 * Return: bytes read, 0 at the end, or -errno
 */
MUST_CHECK s64 p9_read(struct p9_client *c, u8 type, u32 fid, u64 offset, const struct p9_seg *segs, u32 count, u32 bytes);
/** p9_write - write from the pieces @segs. Not ended by a kill. Return: bytes written, which may be fewer, or -errno */
MUST_CHECK s64 p9_write(struct p9_client *c, u32 fid, u64 offset, const struct p9_seg *segs, u32 count, u32 bytes);

/**
 * p9_read_call - a Tread to be started by p9_call_start; its payload are @segs, which have to stay until it is over
 * Return: it, or NULL
 */
struct p9_call *p9_read_call(struct p9_client *c, u8 type, u32 fid, u64 offset, const struct p9_seg *segs, u32 count,
			     u32 bytes);
/** p9_read_result - when it is over: bytes read, or -errno. Any context */
s64 p9_read_result(struct p9_call *call);

#endif
