/*
 * Mounting, and the life of inodes.  Transports register here.
 */
#include <linux/errno.h>
#include <linux/magic.h>
#include "base/printf.h"
#include "base/string.h"
#include "fs/9p/p9fs.h"
#include "kern/printk.h"
#include "kern/slab.h"

static LIST_HEAD(transports);		/* appended to at boot only */
static struct slab_cache *nodes;

void p9_transport_register(struct p9_transport *t)
{
	list_add_tail(&t->node, &transports);
}

struct p9_transport *p9_transport_find(const char *name)
{
	struct p9_transport *t;

	list_for_each_entry(t, &transports, node) {
		if (strcmp(t->name, name) == 0)
			return t;
	}
	return NULL;
}

/* ---- inodes ---- */

static struct inode *p9_alloc_inode(struct super *s)
{
	struct p9_node *n = slab_alloc(nodes, ALLOC_KERNEL);

	if (!n)
		return NULL;
	memset(n, 0, sizeof(*n));
	mutex_init(&n->lock, RANK_9P);
	n->fid = n->read_fid = n->write_fid = P9_NOFID;
	return &n->inode;
}

static void p9_free_inode(struct inode *i)
{
	kfree(i->link);
	slab_free(nodes, p9_node(i));
}

static void p9_evict(struct inode *i)
{
	struct p9_node *n = p9_node(i);

	p9_listing_put(n->listing);
	n->listing = NULL;
	p9_fids_drop(i);
}

static void inode_fill(struct inode *i, const struct p9_attr *a)
{
	i->mode = a->mode & (S_IFMT | 07777);
	p9_attr_apply(i, a);
	inode_set_size(i, a->size);
	i->mapping.ops = &p9_mapping_ops;
	switch (i->mode & S_IFMT) {
	case S_IFREG:
		i->ops = &p9_file_iops;
		i->fops = &p9_file_fops;
		break;
	case S_IFDIR:
		i->ops = &p9_dir_iops;
		i->fops = &p9_dir_fops;
		break;
	case S_IFLNK:
		i->ops = &p9_link_iops;
		break;
	default:
		i->ops = &p9_special_iops;
		inode_init_special(i, i->mode, a->rdev & 0xffffffff);
	}
}

static bool type_ok(u32 mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: case S_IFDIR: case S_IFLNK: case S_IFCHR: case S_IFBLK: case S_IFIFO: case S_IFSOCK:
		return true;
	default:
		return false;
	}
}

static struct inode *inode_new(struct inode *i, u32 fid)
{
	struct p9_client *c = p9_client_of(i);
	struct p9_attr a;
	int err = p9_getattr(c, fid, &a);

	if (!err && (!type_ok(a.mode) || a.size > i->super->max_bytes))
		err = -EIO;
	if (err) {
		p9_clunk(c, fid);
		inode_fail(i);
		return ERR_PTR(err);
	}
	inode_fill(i, &a);
	atomic_store_release(&p9_node(i)->fid, fid);
	inode_publish(i);
	return i;
}

static bool qid_fits(const struct inode *i, const struct p9_qid *qid)
{
	return ((qid->type & P9_QTDIR) != 0) == ((i->mode & S_IFMT) == S_IFDIR);
}

struct inode *p9_inode_get(struct super *s, const struct p9_qid *qid, u32 fid)
{
	struct p9_mount *m = s->private;
	struct inode *i = inode_find_or_alloc(s, qid->path);
	int err;

	if (IS_ERR(i)) {
		p9_clunk(m->client, fid);
		return i;
	}
	if (atomic_load(&i->state) & INODE_NEW)
		return inode_new(i, fid);
	p9_clunk(m->client, fid);
	err = qid_fits(i, qid) ? p9_refresh(i, false) : -ESTALE;
	if (err) {
		inode_put(i);
		return ERR_PTR(err);
	}
	return i;
}

/* ---- the mount ---- */

static int p9_statfs_op(struct super *s, struct fs_stat *out)
{
	struct p9_mount *m = s->private;
	struct p9_statfs st;
	int err = p9_statfs(m->client, p9_any_fid(s->root->inode), &st);

	if (err)
		return err;
	*out = (struct fs_stat){
		.type = V9FS_MAGIC, .bsize = st.bsize, .frsize = st.bsize, .blocks = st.blocks, .bfree = st.bfree,
		.bavail = st.bavail, .files = st.files, .ffree = st.ffree, .namelen = st.namelen,
	};
	return 0;
}

static void p9_show_options(struct super *s, char *buf, size_t size)
{
	const struct p9_mount *m = s->private;
	const struct p9_options *o = &m->options;

	scnprintf(buf, size, ",cache=%s,access=client,msize=%u,trans=%s%s%s", o->cache, m->client->msize, o->trans,
		  o->aname[0] ? ",aname=" : "", o->aname);
}

static void mount_free(struct p9_mount *m)
{
	if (m->client)
		p9_client_close(m->client);
	kfree(m);
}

static void p9_put(struct super *s)
{
	mount_free(s->private);
	s->private = NULL;
}

static const struct super_ops p9_super_ops = {
	.alloc_inode = p9_alloc_inode,
	.free_inode = p9_free_inode,
	.evict = p9_evict,
	.statfs = p9_statfs_op,
	.show_options = p9_show_options,
	.put = p9_put,
};

/* Parse, connect. ERR_PTR */
static struct p9_mount *mount_open(const char *source, const char *options)
{
	struct p9_mount *m = kzalloc(sizeof(*m), ALLOC_KERNEL);
	char *text = kstrdup(options ? options : "", ALLOC_KERNEL);
	struct p9_transport *t = NULL;
	const char *bad = "";
	int err = m && text ? p9_options_parse(text, &m->options, &bad) : -ENOMEM;

	if (err == -EINVAL)
		pr_warn("9p: mount option \"%s\" is not known, or not with that value", bad);
	if (!err && !(t = p9_transport_find(m->options.trans))) {
		pr_warn("9p: there is no transport \"%s\"", m->options.trans);
		err = -EINVAL;
	}
	if (!err) {
		struct p9_client *c = p9_client_open(t, source ? source : "", m->options.msize);

		if (IS_ERR(c))
			err = PTR_ERR(c);
		else
			m->client = c;
	}
	kfree(text);
	if (!err)
		return m;
	kfree(m);
	return ERR_PTR(err);
}

static struct inode *root_inode(struct super *s)
{
	struct p9_mount *m = s->private;
	u32 fid = p9_fid_alloc(m->client);
	struct p9_qid qid;
	int err;

	if (fid == P9_NOFID)
		return ERR_PTR(-ENOMEM);
	err = p9_attach(m->client, fid, m->options.uname, m->options.aname, m->options.uid, &qid);
	if (err) {
		p9_fid_free(m->client, fid);
		return ERR_PTR(err);
	}
	return p9_inode_get(s, &qid, fid);
}

static struct super *p9_mount_fs(const struct fs_type *t, const char *source, const char *options, u32 flags)
{
	struct p9_mount *m = mount_open(source, options);
	struct inode *root;
	struct super *s;

	if (IS_ERR(m))
		return ERR_CAST(m);
	s = super_alloc(t, &p9_super_ops, V9FS_MAGIC);
	if (!s) {
		mount_free(m);
		return ERR_PTR(-ENOMEM);
	}
	s->private = m;
	s->flags |= flags & SUPER_RDONLY;
	s->blksize = PAGE_SIZE;
	s->dops = m->options.loose ? NULL : &p9_dentry_ops;
	root = root_inode(s);
	if (!IS_ERR(root)) {
		s->root = d_alloc_root(s, root);
		if (s->root)
			return s;
		root = ERR_PTR(-ENOMEM);
	}
	super_put(s);
	return ERR_CAST(root);
}

static struct fs_type p9_type = { .name = "9p", .flags = FS_NODEV, .mount = p9_mount_fs };

void p9_init(void)
{
	nodes = slab_create("9p_node", sizeof(struct p9_node), 0);
	fs_register(&p9_type);
}
