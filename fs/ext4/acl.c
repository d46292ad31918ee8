/*
 * POSIX access control lists.
 *
 * An inode's access list is kept in memory from the moment that the inode is read, since permission checks must not sleep.
 * Source: acl(5); Documentation/filesystems/ext4/attributes.rst; <linux/posix_acl_xattr.h> for what programs see.
 */
#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include "fs/ext4/ext4.h"
#include "kern/cred.h"
#include "vfs/internal.h"

enum { ACL_ENTRIES_MAX = 508 };

struct acl_entry { u16 tag, perm; u32 id; };
struct ext4_acl { struct rcu_head rcu; u32 n; struct acl_entry e[]; };

static bool has_id(u16 tag) { return tag == ACL_USER || tag == ACL_GROUP; }

static struct ext4_acl *acl_alloc(u32 n)
{
	struct ext4_acl *a = kmalloc(sizeof(*a) + n * sizeof(a->e[0]), ALLOC_NOFS);

	if (a)
		a->n = n;
	return a;
}

/* The entries in their order, each kind that must be there once; a mask where there are named ones. */
static bool acl_sane(const struct ext4_acl *a)
{
	u32 seen = 0, last = 0;
	u32 named = 0;

	for (u32 k = 0; k < a->n; k++) {
		u32 tag = a->e[k].tag;

		if (tag < last || a->e[k].perm & ~7u || (tag == last && !has_id((u16)tag)))
			return false;
		if (!is_power_of_2(tag) || tag > ACL_OTHER)
			return false;
		named += has_id((u16)tag);
		seen |= tag;
		last = tag;
	}
	const u32 base = ACL_USER_OBJ | ACL_GROUP_OBJ | ACL_OTHER;

	return (seen & base) == base && (!named || seen & ACL_MASK);
}

static struct ext4_acl *from_disk(const u8 *p, u32 size)
{
	struct ext4_acl *a = acl_alloc(size / 4 + 1);
	u32 at = 4, n = 0;

	if (!a)
		return ERR_PTR(-ENOMEM);
	if (size < 4 || get_le32(p) != 1)
		goto bad;
	while (at < size) {
		if (size - at < 4)
			goto bad;
		struct acl_entry *e = &a->e[n++];

		*e = (struct acl_entry){ get_le16(p + at), get_le16(p + at + 2), ~0u };
		at += 4;
		if (has_id(e->tag)) {
			if (size - at < 4)
				goto bad;
			e->id = get_le32(p + at);
			at += 4;
		}
	}
	a->n = n;
	if (acl_sane(a))
		return a;
bad:
	kfree(a);
	return ERR_PTR(-EIO);
}

static u32 to_disk(const struct ext4_acl *a, u8 *p)
{
	u32 at = 4;

	put_le32(p, 1);
	for (u32 k = 0; k < a->n; k++) {
		put_le16(p + at, a->e[k].tag);
		put_le16(p + at + 2, a->e[k].perm);
		at += 4;
		if (has_id(a->e[k].tag)) {
			put_le32(p + at, a->e[k].id);
			at += 4;
		}
	}
	return at;
}

static struct ext4_acl *from_user(const u8 *p, size_t size)
{
	if (size < 4)
		return ERR_PTR(-EINVAL);
	u32 n = (u32)(size - 4) / 8;

	if (get_le32(p) != POSIX_ACL_XATTR_VERSION)
		return ERR_PTR(-EOPNOTSUPP);
	if ((size - 4) % 8 || n > ACL_ENTRIES_MAX)
		return ERR_PTR(-EINVAL);
	if (!n)
		return NULL;
	struct ext4_acl *a = acl_alloc(n);

	if (!a)
		return ERR_PTR(-ENOMEM);
	for (u32 k = 0; k < n; k++)
		a->e[k] = (struct acl_entry){ get_le16(p + 4 + 8 * k), get_le16(p + 6 + 8 * k), get_le32(p + 8 + 8 * k) };
	if (acl_sane(a))
		return a;
	kfree(a);
	return ERR_PTR(-EINVAL);
}

static struct ext4_acl *read_acl(struct inode *i, u8 index)
{
	s64 n = xattr_get(i, index, "", NULL, 0);

	if (n < 0)
		return n == -ENODATA ? NULL : ERR_PTR(n);
	u8 *p = kmalloc((size_t)n + 1, ALLOC_NOFS);

	if (!p)
		return ERR_PTR(-ENOMEM);
	n = n ? xattr_get(i, index, "", p, (size_t)n) : 0;
	struct ext4_acl *a = n < 0 ? ERR_PTR(n) : from_disk(p, (u32)n);

	kfree(p);
	return a;
}

/* ---- the copy in memory ---- */

static void set_cached(struct inode *i, struct ext4_acl *a)
{
	struct ext4_acl *old = xchg(&ext4_i(i)->acl, a);

	if (old)
		kfree_rcu(old, rcu);
}

void acl_drop(struct inode *i)
{
	kfree(ext4_i(i)->acl);
	ext4_i(i)->acl = NULL;
}

int acl_load(struct inode *i)
{
	if (!ext4_of(i)->opt.acl || S_ISLNK(i->mode))
		return 0;
	struct ext4_acl *a = read_acl(i, XATTR_IDX_ACL_ACCESS);

	if (IS_ERR(a))
		return (int)PTR_ERR(a);
	ext4_i(i)->acl = a;
	return 0;
}

/* ---- permission ---- */

/* 0, -EACCES, or 1: no entry decides. */
static int acl_check(const struct inode *i, const struct ext4_acl *a, u32 want)
{
	const struct cred *c = current_cred();
	u32 mask = 7;
	bool group = false;

	for (u32 k = 0; k < a->n; k++)
		if (a->e[k].tag == ACL_MASK)
			mask = a->e[k].perm;
	for (u32 k = 0; k < a->n; k++) {
		const struct acl_entry *e = &a->e[k];

		switch (e->tag) {
		case ACL_USER_OBJ:
			if (c->fsuid == i->uid)
				return want & ~(u32)e->perm ? -EACCES : 0;
			break;
		case ACL_USER:
			if (c->fsuid == e->id)
				return want & ~(e->perm & mask) ? -EACCES : 0;
			break;
		case ACL_GROUP_OBJ:
		case ACL_GROUP:
			if (!cred_in_group(c, e->tag == ACL_GROUP ? e->id : i->gid))
				break;
			group = true;
			if (!(want & ~(e->perm & mask)))
				return 0;
			break;
		case ACL_OTHER:
			return group || want & ~(u32)e->perm ? -EACCES : 0;
		}
	}
	return -EACCES;
}

int ext4_permission(struct inode *i, int mask)
{
	struct ext4_acl *a = rcu_dereference(ext4_i(i)->acl);
	const u32 want = (u32)mask & (MAY_READ | MAY_WRITE | MAY_EXEC);

	if (!a || !(i->mode & 070) || current_cred()->fsuid == i->uid)
		return inode_permission_generic(i, mask);
	if (!acl_check(i, a, want))
		return 0;
	/* only capabilities help now */
	if (S_ISDIR(i->mode)) {
		if (!(mask & MAY_WRITE) && capable(CAP_DAC_READ_SEARCH))
			return 0;
		return capable(CAP_DAC_OVERRIDE) ? 0 : -EACCES;
	}
	if (want == MAY_READ && capable(CAP_DAC_READ_SEARCH))
		return 0;
	return (!(mask & MAY_EXEC) || i->mode & 0111) && capable(CAP_DAC_OVERRIDE) ? 0 : -EACCES;
}

/* ---- changing ---- */

static int write_acl(struct handle *h, struct inode *i, u8 index, const struct ext4_acl *a)
{
	if (!a) {
		int err = xattr_set(h, i, index, "", NULL, 0, 0);

		return err == -ENODATA ? 0 : err;
	}
	u8 *p = kmalloc(4 + 8 * a->n, ALLOC_NOFS);

	if (!p)
		return -ENOMEM;
	int err = xattr_set(h, i, index, "", p, to_disk(a, p), 0);

	kfree(p);
	return err;
}

/* The mode's group bits are the mask where there is one. Return: whether the list says more than the mode */
static bool acl_to_mode(const struct ext4_acl *a, u32 *mode)
{
	u32 group = 0, mask = ~0u;
	bool more = false;

	*mode &= ~0777u;
	for (u32 k = 0; k < a->n; k++) {
		u32 perm = a->e[k].perm;

		switch (a->e[k].tag) {
		case ACL_USER_OBJ: *mode |= perm << 6; break;
		case ACL_GROUP_OBJ: group = perm; break;
		case ACL_OTHER: *mode |= perm; break;
		case ACL_MASK: mask = perm; more = true; break;
		default: more = true;
		}
	}
	*mode |= (mask != ~0u ? mask : group) << 3;
	return more;
}

static void acl_from_mode(struct ext4_acl *a, u32 mode)
{
	struct acl_entry *group = NULL, *mask = NULL;

	for (u32 k = 0; k < a->n; k++) {
		struct acl_entry *e = &a->e[k];

		if (e->tag == ACL_USER_OBJ)
			e->perm = mode >> 6 & 7;
		else if (e->tag == ACL_OTHER)
			e->perm = mode & 7;
		else if (e->tag == ACL_GROUP_OBJ)
			group = e;
		else if (e->tag == ACL_MASK)
			mask = e;
	}
	if (mask || group)
		(mask ? mask : group)->perm = mode >> 3 & 7;
}

s64 acl_get_user(struct inode *i, u8 index, void *buf, size_t size)
{
	if (!ext4_of(i)->opt.acl)
		return -EOPNOTSUPP;
	struct ext4_acl *a = read_acl(i, index);

	if (IS_ERR_OR_NULL(a))
		return a ? PTR_ERR(a) : -ENODATA;
	size_t n = 4 + 8 * (size_t)a->n;
	u8 *p = buf;
	s64 ret = (s64)n;

	if (size && n > size) {
		ret = -ERANGE;
	} else if (size) {
		put_le32(p, POSIX_ACL_XATTR_VERSION);
		for (u32 k = 0; k < a->n; k++) {
			put_le16(p + 4 + 8 * k, a->e[k].tag);
			put_le16(p + 6 + 8 * k, a->e[k].perm);
			put_le32(p + 8 + 8 * k, a->e[k].id);
		}
	}
	kfree(a);
	return ret;
}

int acl_set_user(struct inode *i, u8 index, const void *value, size_t size)
{
	struct ext4_acl *a = NULL;
	struct handle h;
	int err;

	if (!ext4_of(i)->opt.acl || S_ISLNK(i->mode))
		return -EOPNOTSUPP;
	if (!inode_owner_or_capable(i))
		return -EPERM;
	if (index == XATTR_IDX_ACL_DEFAULT && !S_ISDIR(i->mode))
		return value ? -EACCES : 0;
	if (value)
		a = from_user(value, size);
	if (IS_ERR(a))
		return (int)PTR_ERR(a);
	err = jh_start(ext4_of(i), &h, XATTR_CREDITS + 4);
	if (err)
		goto out;
	bool access = index == XATTR_IDX_ACL_ACCESS;
	u32 mode = i->mode;
	bool keep = a && (!access || acl_to_mode(a, &mode));

	err = write_acl(&h, i, index, keep ? a : NULL);
	if (!err) {
		if (access && a && !cred_in_group(current_cred(), i->gid) && !capable(CAP_FSETID))
			mode &= ~(u32)S_ISGID;
		i->mode = mode;
		inode_touch(i, SET_CTIME);
		err = ext4_inode_dirty(&h, i);
		if (access) {
			set_cached(i, keep ? a : NULL);
			a = keep ? NULL : a;
		}
	}
	jh_stop(&h);
out:
	kfree(a);
	return err;
}

/* The mode has changed: the list follows. */
int acl_chmod(struct handle *h, struct inode *i)
{
	struct ext4_acl *old = ext4_i(i)->acl;

	if (!old)
		return 0;
	struct ext4_acl *a = kmemdup(old, sizeof(*old) + old->n * sizeof(old->e[0]), ALLOC_NOFS);

	if (!a)
		return -ENOMEM;
	acl_from_mode(a, i->mode);
	int err = write_acl(h, i, XATTR_IDX_ACL_ACCESS, a);

	if (err)
		kfree(a);
	else
		set_cached(i, a);
	return err;
}

/* A new inode inherits its directory's default list. */
int acl_init(struct handle *h, struct inode *i, struct inode *dir)
{
	struct ext4_acl *def;
	int err = 0;

	if (!h->fs->opt.acl || S_ISLNK(i->mode))
		return 0;
	def = read_acl(dir, XATTR_IDX_ACL_DEFAULT);
	if (IS_ERR_OR_NULL(def))
		return def ? (int)PTR_ERR(def) : 0;
	if (S_ISDIR(i->mode))
		err = write_acl(h, i, XATTR_IDX_ACL_DEFAULT, def);
	u32 limit = i->mode, mode = i->mode;

	/* what the list grants, less what the caller did not ask for */
	for (u32 k = 0; k < def->n; k++) {
		struct acl_entry *e = &def->e[k];

		if (e->tag == ACL_USER_OBJ)
			e->perm &= limit >> 6 & 7;
		else if (e->tag == ACL_OTHER)
			e->perm &= limit & 7;
	}
	struct acl_entry *g = NULL;

	for (u32 k = 0; k < def->n; k++)
		if (def->e[k].tag == ACL_MASK || (def->e[k].tag == ACL_GROUP_OBJ && !g))
			g = &def->e[k];
	if (g)
		g->perm &= limit >> 3 & 7;
	bool more = acl_to_mode(def, &mode);

	i->mode = mode;
	if (!err && more)
		err = write_acl(h, i, XATTR_IDX_ACL_ACCESS, def);
	if (!err && more)
		set_cached(i, def);
	else
		kfree(def);
	return err;
}
