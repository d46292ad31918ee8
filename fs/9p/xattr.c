/*
 * Extended attributes: Txattrwalk gives a fid from which the value is read, Txattrcreate one to which it is written.
 *
 * Source: the 9P2000.L description of diod (protocol.md), Txattrwalk and Txattrcreate.
 */
#include <linux/errno.h>
#include <linux/limits.h>
#include "base/string.h"
#include "fs/9p/p9fs.h"
#include "kern/page.h"
#include "kern/slab.h"

/* Move @bytes between @buf and @fid through a bounce buffer, which lies in the direct map where @buf may not. */
static int transfer(struct p9_client *c, u32 fid, void *buf, u32 bytes, bool write)
{
	u8 *bounce = kmalloc(bytes, ALLOC_KERNEL);
	u32 done = 0;
	s64 n = 1;

	if (!bounce)
		return -ENOMEM;
	if (write)
		memcpy(bounce, buf, bytes);
	while (done < bytes && n > 0) {
		struct p9_seg seg = { virt_to_phys(bounce + done), MIN(bytes - done, c->payload_max) };

		n = write ? p9_write(c, fid, done, &seg, 1, seg.len) : p9_read(c, P9_TREAD, fid, done, &seg, 1, seg.len);
		done += n > 0 ? n : 0;
	}
	if (!write && n >= 0)
		memcpy(buf, bounce, done);
	kfree(bounce);
	return n < 0 ? (int)n : done == bytes ? 0 : -EIO;
}

/* @name "": the list of names. */
static s64 xattr_get(struct inode *i, const char *name, void *buf, size_t size)
{
	struct p9_client *c = p9_client_of(i);
	u32 fid = p9_fid_alloc(c);
	u64 bytes;
	int err;

	if (fid == P9_NOFID)
		return -ENOMEM;
	err = p9_xattrwalk(c, p9_any_fid(i), fid, name, &bytes);
	if (err) {
		p9_fid_free(c, fid);
		return err;
	}
	if (bytes > XATTR_SIZE_MAX)
		err = -E2BIG;
	else if (size && bytes > size)
		err = -ERANGE;
	else if (size && bytes)
		err = transfer(c, fid, buf, bytes, false);
	p9_clunk(c, fid);
	return err ? err : (s64)bytes;
}

/*
 * Loose: most files have no attributes, and are asked for them on every exec and by every stacked file system.  So the
 * first question is for the list; if that is empty nothing more is asked.
 */
static int loose_check(struct inode *i)
{
	struct p9_mount *m = p9_mount_of(i);
	struct p9_node *n = p9_node(i);
	s64 bytes;

	if (m->no_xattrs)
		return -EOPNOTSUPP;
	if (n->bare)
		return -ENODATA;
	bytes = xattr_get(i, "", NULL, 0);
	if (bytes == -EOPNOTSUPP || bytes == -ENOSYS)
		m->no_xattrs = true;
	n->bare = bytes == 0;
	return m->no_xattrs ? -EOPNOTSUPP : n->bare ? -ENODATA : 0;
}

s64 p9_getxattr_op(struct dentry *d, struct inode *i, const char *name, void *buf, size_t size)
{
	int err = p9_loose(i) ? loose_check(i) : 0;

	return err ? err : xattr_get(i, name, buf, size);
}

s64 p9_listxattr_op(struct dentry *d, struct inode *i, char *buf, size_t size)
{
	return xattr_get(i, "", buf, size);
}

int p9_setxattr_op(struct dentry *d, struct inode *i, const char *name, const void *value, size_t size, int flags)
{
	struct p9_client *c = p9_client_of(i);
	struct p9_qid qid;
	u32 fid;
	int err, clunk_err;

	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	err = p9_walk_new(c, p9_any_fid(i), NULL, 0, &fid, &qid);
	if (err)
		return err;
	p9_node(i)->bare = false;
	err = p9_xattrcreate(c, fid, name, size, flags);
	if (!err && size)
		err = transfer(c, fid, (void *)(uintptr_t)value, size, true);
	/* The attribute is set, or refused, when the fid goes. */
	clunk_err = p9_clunk_wait(c, fid);
	p9_attr_expire(i);
	return err ? err : clunk_err;
}

int p9_removexattr_op(struct dentry *d, struct inode *i, const char *name)
{
	return p9_setxattr_op(d, i, name, NULL, 0, 0x2 /* XATTR_REPLACE: of what is not there fails */);
}
