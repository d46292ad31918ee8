/*
 * Names of AF_UNIX sockets: paths and abstract names.
 *
 * A path is an inode of type S_IFSOCK that vfs_mknodat() makes; inode->socket points to who is bound to it.  Whoever may write
 * to the inode may connect.  Abstract names, with a NUL first, are in a table here, one set for each type of socket.
 *
 * Departure: the inode is made, then looked up by the same name.  Who may rename in the directory can come in between; a socket
 * that is then found and belongs to nobody is taken, anything else is EADDRINUSE.
 *
 * Locks: unix_lock guards the table, inode->socket, and the step to having a name.
 * Source: unix(7).
 */
#include <linux/errno.h>
#include <linux/fcntl.h>
#include <linux/stat.h>
#include "base/hash.h"
#include "base/printf.h"
#include "base/string.h"
#include "kern/random.h"
#include "kern/slab.h"
#include "sock/unix.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/inode.h"

enum { NAME_BITS = 8, AUTOBIND_NAMES = 1 << 20 };

static struct hlist_head table[1 << NAME_BITS];	/* [unix_lock] abstract names */
static struct halfsiphash_key key;

void unix_names_init(void)
{
	random_bytes(&key, sizeof(key));
}

/* ---- addresses ---- */

int unix_addr_check(const struct sock_addr *a)
{
	return a->len <= UNIX_PATH_OFFSET || a->len > sizeof(struct sockaddr_un) || a->family != AF_UNIX ? -EINVAL : 0;
}

static bool is_abstract(const struct sock_addr *a) { return !a->bytes[UNIX_PATH_OFFSET]; }

/* @path: the C string in it: its length then counts up to and with the NUL. */
static struct unix_addr *addr_new(const struct sock_addr *a, u32 type, bool path)
{
	struct unix_addr *n = kzalloc(sizeof(*n), ALLOC_KERNEL);

	if (!n)
		return NULL;
	n->refs = 1;
	n->len = a->len;
	memcpy(&n->name, a->bytes, a->len);
	if (path)
		n->len = UNIX_PATH_OFFSET + (u32)strlen(n->name.sun_path) + 1;
	else
		n->hash = halfsiphash(&n->name, n->len, &key) ^ type;
	return n;
}

void unix_addr_put(struct unix_addr *a)
{
	if (a && atomic_dec_and_test(&a->refs))
		kfree(a);
}

void unix_addr_tell(const struct unix_sock *u, struct sock_addr *out)
{
	const struct unix_addr *a = atomic_load_acquire(&u->addr);

	out->len = a ? a->len : 0;
	if (a)
		memcpy(out->bytes, &a->name, a->len);
}

/* ---- the table ---- */

static struct hlist_head *bucket(u32 hash) { return &table[hash_bits(hash, NAME_BITS)]; }

static struct unix_sock *find_abstract_locked(const struct unix_addr *a, u32 type)
{
	struct unix_sock *u;

	hlist_for_each_entry(u, bucket(a->hash), name_node)
		if (u->addr->hash == a->hash && u->sock.type == type && u->addr->len == a->len &&
		    !memcmp(&u->addr->name, &a->name, a->len))
			return u;
	return NULL;
}

void unix_name_drop_locked(struct unix_sock *u)
{
	hlist_del_init(&u->name_node);
	if (u->path.dentry && u->path.dentry->inode->socket == u)
		u->path.dentry->inode->socket = NULL;
}

static int publish_abstract(struct unix_sock *u, struct unix_addr *a)
{
	int err = 0;

	spin_lock(&unix_lock);
	if (find_abstract_locked(a, u->sock.type)) {
		err = -EADDRINUSE;
	} else {
		atomic_store_release(&u->addr, a);
		hlist_add_head(&u->name_node, bucket(a->hash));
	}
	spin_unlock(&unix_lock);
	return err;
}

/* ---- binding; one bind of a socket at a time ---- */

static bool bind_begin(struct unix_sock *u)
{
	return !xchg(&u->binding, 1);
}

static void bind_end(struct unix_sock *u)
{
	__atomic_store_n(&u->binding, 0, __ATOMIC_RELEASE);
}

static int bind_abstract(struct unix_sock *u, const struct sock_addr *a)
{
	struct unix_addr *n = addr_new(a, u->sock.type, false);

	if (!n)
		return -ENOMEM;
	int err = publish_abstract(u, n);

	if (err)
		unix_addr_put(n);
	return err;
}

/* Take the inode at @p; consumes the path and the address on success. */
static int publish_path(struct unix_sock *u, const struct path *p, struct unix_addr *n)
{
	struct inode *i = p->dentry->inode;
	int err = -EADDRINUSE;

	spin_lock(&unix_lock);
	if (i && (i->mode & S_IFMT) == S_IFSOCK && !i->socket) {
		i->socket = u;
		u->path = *p;
		atomic_store_release(&u->addr, n);
		err = 0;
	}
	spin_unlock(&unix_lock);
	return err;
}

static int bind_path(struct unix_sock *u, const struct sock_addr *a)
{
	struct unix_addr *n = addr_new(a, u->sock.type, true);
	struct file *f = READ_ONCE(u->sock.file);
	u32 mode = f ? f->inode->mode & 07777 : 0777;
	struct path p;
	int err;

	if (!n)
		return -ENOMEM;
	err = vfs_mknodat(AT_FDCWD, n->name.sun_path, S_IFSOCK | mode, 0);
	if (err)
		goto out_addr;
	err = path_lookup(AT_FDCWD, n->name.sun_path, 0, &p);
	if (err)
		goto out_addr;
	err = publish_path(u, &p, n);
	if (!err)
		return 0;
	path_put(&p);
out_addr:
	unix_addr_put(n);
	return err == -EEXIST ? -EADDRINUSE : err;
}

int unix_autobind(struct unix_sock *u)
{
	struct sock_addr a = { .len = UNIX_PATH_OFFSET + 6 };
	u32 at = (u32)random_u64();
	char text[8];
	int err = 0;

	if (atomic_load_acquire(&u->addr) || !bind_begin(u))
		return 0;
	a.family = AF_UNIX;
	for (u32 tries = 0; !u->addr && tries < AUTOBIND_NAMES; tries++, at++) {
		fmt_snprintf(text, sizeof(text), "%05x", at % AUTOBIND_NAMES);
		memcpy(a.bytes + UNIX_PATH_OFFSET + 1, text, 5);
		err = bind_abstract(u, &a);
		if (err != -EADDRINUSE)
			break;
		cond_resched();
	}
	bind_end(u);
	return err == -EADDRINUSE ? -ENOSPC : err;
}

/* Of a socket that has a name: that it is bound, unless the new name is taken as well. */
static int bound_error(const struct sock_addr *a)
{
	struct unix_addr *n = is_abstract(a) ? NULL : addr_new(a, 0, true);
	struct path p;
	int err = -EINVAL;

	if (n && !path_lookup(AT_FDCWD, n->name.sun_path, 0, &p)) {
		path_put(&p);
		err = -EADDRINUSE;
	}
	unix_addr_put(n);
	return err;
}

int unix_bind(struct socket *s, const struct sock_addr *a)
{
	struct unix_sock *u = unix_of(s);
	int err;

	if (a->len == UNIX_PATH_OFFSET && a->family == AF_UNIX)
		return unix_autobind(u);
	err = unix_addr_check(a);
	if (err)
		return err;
	if (!bind_begin(u))
		return -EINVAL;
	if (u->addr)
		err = bound_error(a);
	else
		err = is_abstract(a) ? bind_abstract(u, a) : bind_path(u, a);
	bind_end(u);
	return err;
}

/* ---- finding ---- */

static struct unix_sock *find_path(const char *name, u32 type)
{
	struct unix_sock *u = NULL;
	struct path p;
	int err = path_lookup(AT_FDCWD, name, WALK_FOLLOW, &p);

	if (err)
		return ERR_PTR(err);
	struct inode *i = p.dentry->inode;

	err = path_permission(&p, MAY_WRITE);
	if (!err && (i->mode & S_IFMT) == S_IFSOCK) {
		spin_lock(&unix_lock);
		u = i->socket;
		if (u)
			unix_get(u);
		spin_unlock(&unix_lock);
	}
	path_put(&p);
	if (err)
		return ERR_PTR(err);
	if (u && u->sock.type != type) {
		unix_put(u);
		return ERR_PTR(-EPROTOTYPE);
	}
	return u ? u : ERR_PTR(-ECONNREFUSED);
}

struct unix_sock *unix_find(const struct sock_addr *a, u32 type)
{
	struct unix_addr *n = addr_new(a, type, !is_abstract(a));
	struct unix_sock *u;

	if (!n)
		return ERR_PTR(-ENOMEM);
	if (is_abstract(a)) {
		spin_lock(&unix_lock);
		u = find_abstract_locked(n, type);
		if (u)
			unix_get(u);
		spin_unlock(&unix_lock);
		if (!u)
			u = ERR_PTR(-ECONNREFUSED);
	} else {
		u = find_path(n->name.sun_path, type);
	}
	unix_addr_put(n);
	return u;
}
