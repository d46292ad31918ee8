/*
 * The fids of an inode.
 *
 *	fid         walked to it: for attributes, and for a directory the base of further walks
 *	read_fid    open for reading
 *	write_fid   open for writing, and for reading too unless the server refuses that
 *
 * An open fid may not be walked from (walk(5)), so opening needs a copy of `fid`: one more message.  A read-only mount never
 * needs a second open of a regular file: there `fid` itself is opened, and read_fid is the same number.
 *
 * Each is made once, under node->lock, and stays while the inode is open (cache=none) or lives (loose); so readers
 * look at the number without the lock.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include "fs/9p/p9fs.h"

u32 p9_any_fid(struct inode *i)
{
	struct p9_node *n = p9_node(i);
	u32 fid = atomic_load_acquire(&n->fid);

	if (fid == P9_NOFID)
		fid = atomic_load_acquire(&n->write_fid);
	if (fid == P9_NOFID)
		fid = atomic_load_acquire(&n->read_fid);
	return fid;
}

/* A copy of the walked fid. */
static int copy_fid(struct inode *i, u32 *copy)
{
	u32 fid = p9_any_fid(i);
	struct p9_qid qid;

	return fid == P9_NOFID ? -ESTALE : p9_walk_new(p9_client_of(i), fid, NULL, 0, copy, &qid);
}

static bool open_in_place(const struct inode *i)
{
	return i->super->flags & SUPER_RDONLY && (i->mode & S_IFMT) == S_IFREG;
}

/* Lock held. */
static int open_for_reading(struct inode *i)
{
	struct p9_node *n = p9_node(i);
	u32 fid = n->fid;
	bool in_place = open_in_place(i) && fid != P9_NOFID;
	int err = in_place ? 0 : copy_fid(i, &fid);

	if (err)
		return err;
	err = p9_lopen(p9_client_of(i), fid, O_RDONLY | O_LARGEFILE);
	if (!err)
		atomic_store_release(&n->read_fid, fid);
	else if (!in_place)
		p9_clunk(p9_client_of(i), fid);
	return err;
}

int p9_read_fid(struct inode *i, u32 *fid)
{
	struct p9_node *n = p9_node(i);
	int err = 0;

	*fid = atomic_load_acquire(&n->read_fid);
	if (*fid != P9_NOFID)
		return 0;
	mutex_lock(&n->lock);
	if (n->read_fid == P9_NOFID && n->write_fid != P9_NOFID && n->write_fid_reads) {
		*fid = n->write_fid;
	} else {
		if (n->read_fid == P9_NOFID)
			err = open_for_reading(i);
		*fid = n->read_fid;
	}
	mutex_unlock(&n->lock);
	return err;
}

/* Lock held. */
static int open_for_writing(struct inode *i)
{
	struct p9_node *n = p9_node(i);
	struct p9_client *c = p9_client_of(i);
	bool reads = true;
	u32 fid;
	int err = copy_fid(i, &fid);

	if (err)
		return err;
	err = p9_lopen(c, fid, O_RDWR | O_LARGEFILE);
	if (err == -EACCES || err == -EPERM) {
		reads = false;
		err = p9_lopen(c, fid, O_WRONLY | O_LARGEFILE);
	}
	if (err) {
		p9_clunk(c, fid);
		return err;
	}
	n->write_fid_reads = reads;
	atomic_store_release(&n->write_fid, fid);
	return 0;
}

int p9_write_fid(struct inode *i, u32 *fid)
{
	struct p9_node *n = p9_node(i);
	int err = 0;

	*fid = atomic_load_acquire(&n->write_fid);
	if (*fid != P9_NOFID)
		return 0;
	mutex_lock(&n->lock);
	if (n->write_fid == P9_NOFID)
		err = open_for_writing(i);
	*fid = n->write_fid;
	mutex_unlock(&n->lock);
	return err;
}

void p9_fids_close(struct inode *i)
{
	struct p9_node *n = p9_node(i);
	u32 read_fid = n->read_fid, write_fid = n->write_fid;

	if (read_fid == n->fid)
		read_fid = P9_NOFID;	/* opened in place: stays as long as the other */
	else
		atomic_store(&n->read_fid, P9_NOFID);
	atomic_store(&n->write_fid, P9_NOFID);
	p9_clunk(p9_client_of(i), read_fid);
	p9_clunk(p9_client_of(i), write_fid);
}

void p9_fids_drop(struct inode *i)
{
	struct p9_node *n = p9_node(i);

	p9_fids_close(i);
	p9_clunk(p9_client_of(i), xchg(&n->fid, P9_NOFID));
	n->read_fid = P9_NOFID;
}
