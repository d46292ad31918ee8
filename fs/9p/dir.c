/*
 * Directories, open: the server's entries are fetched whole and kept, by the inode (loose) or by the open file (until it is
 * rewound).  So a reader sees the directory as it was at one time, whatever is removed meanwhile.
 *
 * A position is 2 + the offset of the next entry in the fetched data; 0 and 1 are "." and "..", which the VFS makes.
 *
 * Locks: node->lock guards node->listing; a listing does not change once it is complete.
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include "base/string.h"
#include "fs/9p/p9fs.h"
#include "kern/page.h"
#include "kern/slab.h"

enum { FETCH_ORDER = 4, LISTING_BYTES_MAX = 64 << 20, DOTS = 2 };

struct dir_file {
	struct p9_listing *listing;	/* or NULL: none read yet */
	u32 at;				/* where an entry of the listing is known to begin */
};

/* ---- listings ---- */

void p9_listing_put(struct p9_listing *l)
{
	if (!l || !atomic_dec_and_test(&l->refs))
		return;
	kvfree(l->data);
	kfree(l);
}

static struct p9_listing *listing_get(struct p9_listing *l)
{
	atomic_inc(&l->refs);
	return l;
}

void p9_dir_changed(struct inode *dir)
{
	struct p9_node *n = p9_node(dir);
	struct p9_listing *old;

	mutex_lock(&n->lock);
	old = n->listing;
	n->listing = NULL;
	mutex_unlock(&n->lock);
	p9_listing_put(old);
	p9_attr_expire(dir);
}

static int listing_append(struct p9_listing *l, const u8 *data, u32 len)
{
	if (len > l->size - l->len) {
		u32 size = MAX(l->size * 2, l->len + len);
		u8 *bigger;

		if (l->len + len > LISTING_BYTES_MAX)
			return -EOVERFLOW;
		bigger = kvmalloc(size, ALLOC_KERNEL);
		if (!bigger)
			return -ENOMEM;
		if (l->len)
			memcpy(bigger, l->data, l->len);
		kvfree(l->data);
		l->data = bigger;
		l->size = size;
	}
	memcpy(l->data + l->len, data, len);
	l->len += len;
	return 0;
}

/* Check the entries of a reply; *next: where the server wants to be asked to go on. */
static int entries_check(const u8 *data, u32 len, u64 *next)
{
	struct p9_dirent e;

	while (len) {
		int used = p9_dirent_parse(data, len, &e);

		if (used < 0)
			return used;
		*next = e.offset;
		data += used;
		len -= used;
	}
	return 0;
}

/* Read all entries through @fid, which is open, by way of @buffer of @size bytes. */
static int listing_fill(struct p9_listing *l, struct p9_client *c, u32 fid, struct page *buffer, u32 size)
{
	struct p9_seg seg = { page_phys(buffer), size };
	u64 offset = 0;

	for (;;) {
		u64 before = offset;
		s64 n = p9_read(c, P9_TREADDIR, fid, offset, &seg, 1, size);
		int err;

		if (n <= 0)
			return (int)n;
		err = entries_check(page_virt(buffer), n, &offset);
		if (!err)
			err = listing_append(l, page_virt(buffer), n);
		if (err)
			return err;
		if (offset == before)
			return -EIO;	/* it would go on for ever */
	}
}

static int listing_read(struct inode *dir, struct p9_listing *l)
{
	struct p9_client *c = p9_client_of(dir);
	unsigned order = FETCH_ORDER;
	struct page *buffer;
	struct p9_qid qid;
	u32 fid;
	int err = p9_walk_new(c, p9_any_fid(dir), NULL, 0, &fid, &qid);

	if (err)
		return err;
	err = p9_lopen(c, fid, O_RDONLY | O_DIRECTORY | O_LARGEFILE);
	if (!err) {
		buffer = page_alloc(order, ALLOC_KERNEL | ALLOC_NOWARN | ALLOC_NOOOM);
		if (!buffer)
			buffer = page_alloc(order = 0, ALLOC_KERNEL);
		err = buffer ? listing_fill(l, c, fid, buffer, MIN((u32)PAGE_SIZE << order, c->payload_max)) : -ENOMEM;
		if (buffer)
			page_put(buffer);
	}
	p9_clunk(c, fid);
	return err;
}

/* The directory's entries, with a reference. ERR_PTR */
static struct p9_listing *listing_load(struct inode *dir)
{
	struct p9_node *n = p9_node(dir);
	struct p9_listing *l;
	int err;

	mutex_lock(&n->lock);
	l = n->listing ? listing_get(n->listing) : NULL;
	mutex_unlock(&n->lock);
	if (l)
		return l;
	l = kzalloc(sizeof(*l), ALLOC_KERNEL);
	if (!l)
		return ERR_PTR(-ENOMEM);
	l->refs = 1;
	err = listing_read(dir, l);
	if (err) {
		p9_listing_put(l);
		return ERR_PTR(err);
	}
	if (p9_loose(dir)) {
		mutex_lock(&n->lock);
		if (!n->listing)
			n->listing = listing_get(l);
		mutex_unlock(&n->lock);
	}
	return l;
}

/* ---- the open file ---- */

static int p9_dir_open(struct inode *i, struct file *f)
{
	f->private = kzalloc(sizeof(struct dir_file), ALLOC_KERNEL);
	return f->private ? 0 : -ENOMEM;
}

static void p9_dir_release(struct file *f)
{
	struct dir_file *df = f->private;

	p9_listing_put(df->listing);
	kfree(df);
}

/* Have a listing; a new one when reading starts over. */
static int listing_ensure(struct file *f, u64 pos)
{
	struct dir_file *df = f->private;
	struct p9_listing *l;

	if (df->listing && pos > 0)
		return 0;
	l = listing_load(f->inode);
	if (IS_ERR(l))
		return PTR_ERR(l);
	p9_listing_put(df->listing);
	df->listing = l;
	df->at = 0;
	return 0;
}

/* The first entry that begins at @want or later: a position out of the blue is never taken for one. */
static u32 entry_align(struct dir_file *df, u64 want)
{
	const struct p9_listing *l = df->listing;
	u32 at = want >= df->at ? df->at : 0;
	struct p9_dirent e;

	while (at < l->len && at < want) {
		int used = p9_dirent_parse(l->data + at, l->len - at, &e);

		if (used <= 0)
			return l->len;
		at += used;
	}
	return at;
}

static bool is_dots(const struct p9_dirent *e)
{
	return e->name[0] == '.' && (e->name_len == 1 || (e->name_len == 2 && e->name[1] == '.'));
}

static int p9_readdir(struct file *f, struct dir_context *c)
{
	struct dir_file *df = f->private;
	struct p9_dirent e;
	int used, err = listing_ensure(f, c->pos);

	if (err)
		return err;
	if (!dir_emit_dots(f, c))
		return 0;
	df->at = entry_align(df, c->pos - DOTS);
	while ((used = p9_dirent_parse(df->listing->data + df->at, df->listing->len - df->at, &e)) > 0) {
		u64 next = DOTS + df->at + used;

		if (!is_dots(&e) && !dir_emit(c, e.name, e.name_len, next, e.qid.path, e.type))
			return 0;
		df->at += used;
		c->pos = next;
	}
	return 0;
}

static int p9_dir_fsync(struct file *f, u64 start, u64 end, bool datasync)
{
	return 0;	/* names are changed at the server at once; making them durable is its business */
}

const struct file_ops p9_dir_fops = {
	.open = p9_dir_open,
	.release = p9_dir_release,
	.readdir = p9_readdir,
	.fsync = p9_dir_fsync,
};
