/*
 * The text of /proc/PID/mounts, mountinfo and mountstats.
 *
 * Source: proc(5).
 */
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/slab.h"
#include "vfs/internal.h"
#include "vfs/mount.h"

struct text {
	char *buf;
	size_t len, size;
	bool failed;
};

static bool text_room(struct text *t, size_t n)
{
	if (t->len + n < t->size)
		return true;
	size_t size = t->size * 2 + n + 1024;
	char *bigger = t->failed ? NULL : kmalloc(size, ALLOC_KERNEL);

	if (!bigger) {
		t->failed = true;
		return false;
	}
	if (t->buf)
		memcpy(bigger, t->buf, t->len);
	kfree(t->buf);
	t->buf = bigger;
	t->size = size;
	return true;
}

static void put_str(struct text *t, const char *s)
{
	size_t n = strlen(s);

	if (text_room(t, n + 1)) {
		memcpy(t->buf + t->len, s, n + 1);
		t->len += n;
	}
}

/* White space, backslashes and '#' as octal, so that fields stay fields. */
static void put_escaped(struct text *t, const char *s)
{
	for (; *s; s++) {
		char one[5] = { *s };

		if (strchr(" \t\n\\#", *s))
			fmt_snprintf(one, sizeof(one), "\\%03o", (unsigned)*s);
		put_str(t, one);
	}
}

static void put_num(struct text *t, u64 v)
{
	char buf[24];

	fmt_snprintf(buf, sizeof(buf), "%llu", v);
	put_str(t, buf);
}

static void put_mount_flags(struct text *t, u32 f)
{
	put_str(t, f & MNT_NOSUID ? ",nosuid" : "");
	put_str(t, f & MNT_NODEV ? ",nodev" : "");
	put_str(t, f & MNT_NOEXEC ? ",noexec" : "");
	put_str(t, f & MNT_NOATIME ? ",noatime" : "");
	put_str(t, f & MNT_NODIRATIME ? ",nodiratime" : "");
	put_str(t, f & MNT_RELATIME ? ",relatime" : "");
}

static void put_super_options(struct text *t, struct super *s)
{
	char buf[512];

	buf[0] = 0;
	if (s->ops->show_options)
		s->ops->show_options(s, buf, sizeof(buf));
	put_str(t, buf);
}

static void show_mounts(struct text *t, struct mount *m, const char *where)
{
	put_escaped(t, m->source);
	put_str(t, " ");
	put_escaped(t, where);
	put_str(t, " ");
	put_str(t, m->super->type->name);
	put_str(t, mount_want_write(m) ? " ro" : " rw");
	put_mount_flags(t, m->flags);
	put_super_options(t, m->super);
	put_str(t, " 0 0\n");
}

static void put_group(struct text *t, const char *what, u32 id)
{
	put_str(t, what);
	put_num(t, id);
}

static void put_propagation(struct text *t, struct mount *m, const struct path *seen_from)
{
	if (m->group_id)
		put_group(t, " shared:", m->group_id);
	if (m->master) {
		u32 from = mount_hears_from(m, seen_from);

		put_group(t, " master:", m->master->group_id);
		if (from && from != m->master->group_id)
			put_group(t, " propagate_from:", from);
	}
	put_str(t, m->unbindable ? " unbindable" : "");
}

static void show_info(struct text *t, struct mount *m, const char *where, const struct path *seen_from, char *buf, size_t size)
{
	struct mount whole = { .root = m->super->root };
	struct path in_fs = { &whole, m->root }, top = { &whole, m->super->root };
	char *root;

	whole.parent = &whole;
	put_num(t, m->id);
	put_str(t, " ");
	put_num(t, m->parent->id);
	put_str(t, " ");
	put_num(t, dev_major(m->super->dev));
	put_str(t, ":");
	put_num(t, dev_minor(m->super->dev));
	put_str(t, " ");
	size_t used = strlen(where) + 1;

	memmove(buf, where, used);
	root = path_name_root(&in_fs, &top, buf + used, size - used);
	put_escaped(t, IS_ERR_OR_NULL(root) ? "/" : root);
	put_str(t, " ");
	put_escaped(t, buf);
	put_str(t, m->flags & MNT_RDONLY ? " ro" : " rw");
	put_mount_flags(t, m->flags);
	put_propagation(t, m, seen_from);
	put_str(t, " - ");
	put_str(t, m->super->type->name);
	put_str(t, " ");
	put_escaped(t, m->source);
	put_str(t, m->super->flags & SUPER_RDONLY ? " ro" : " rw");
	put_super_options(t, m->super);
	put_str(t, "\n");
}

static void show_stats(struct text *t, struct mount *m, const char *where)
{
	put_str(t, "device ");
	put_escaped(t, m->source);
	put_str(t, " mounted on ");
	put_escaped(t, where);
	put_str(t, " with fstype ");
	put_str(t, m->super->type->name);
	put_str(t, "\n");
}

int mounts_show(int kind, const struct path *root, struct mount_ns *ns, char **out, size_t *len)
{
	struct text t = { 0 };
	const size_t size = 2 * 4096;
	char *buf = kmalloc(size, ALLOC_KERNEL);
	struct mount *m;

	if (!buf)
		return -ENOMEM;
	put_str(&t, "");
	mutex_lock(&mounts_lock);
	list_for_each_entry(m, &ns->mounts, ns_node) {
		struct path p = { m, m->root };
		char *where = path_name_root(&p, root, buf, 4096);

		if (IS_ERR_OR_NULL(where))
			continue;
		if (kind == 0)
			show_mounts(&t, m, where);
		else if (kind == 1)
			show_info(&t, m, where, root, buf, size);
		else
			show_stats(&t, m, where);
	}
	mutex_unlock(&mounts_lock);
	kfree(buf);
	if (t.failed) {
		kfree(t.buf);
		return -ENOMEM;
	}
	*out = t.buf;
	*len = t.len;
	return 0;
}
