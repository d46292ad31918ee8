/* System V objects: names, numbers, permissions.  See object.h. */
#include <linux/capability.h>
#include <linux/errno.h>
#include "ipc/object.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "kern/timer.h"
#include "task/task.h"

enum { SEQ_END = 1 << (31 - IPC_INDEX_BITS), MODE_BITS = 0777, CYCLE_MIN = 64 };

void ipc_table_init(struct ipc_table *t, const struct ipc_kind *kind, u32 count_max)
{
	mutex_init(&t->lock, RANK_FS_PRIVATE);
	t->kind = kind;
	ida_init(&t->ids, t->id_words, IPC_INDICES);
	t->last_index = -1;
	t->count_max = count_max;
}

void ipc_object_init(struct ipc_object *o, const struct ipc_kind *kind, s32 key, u32 flags)
{
	const struct cred *c = current_cred();

	ref_init(&o->refs);
	mutex_init(&o->lock, RANK_FS_PRIVATE2);
	o->kind = kind;
	o->key = key;
	o->mode = flags & MODE_BITS;
	o->uid = o->cuid = c->euid;
	o->gid = o->cgid = c->egid;
}

s32 ipc_current_pid(void)
{
	return current()->task ? (s32)process_id(current_process()) : 0;
}

s64 ipc_now_sec(void)
{
	return (s64)(clock_realtime_ns() / NS_PER_SEC);
}

/* ---- references ---- */

static void free_rcu(struct rcu_head *h)
{
	kvfree(container_of(h, struct ipc_object, rcu));
}

void ipc_put(struct ipc_object *o)
{
	if (!ref_put(&o->refs))
		return;
	o->kind->destroy(o);
	call_rcu(&o->rcu, free_rcu);
}

struct ipc_object *ipc_find_index(struct ipc_table *t, s32 index)
{
	struct ipc_object *o, *found = NULL;

	index = ipc_index(index);
	rcu_read_lock();
	hlist_for_each_entry_rcu(o, &t->by_index[index % IPC_BUCKETS], by_index)
		if (ipc_index(o->id) == index && ref_get_not_zero(&o->refs)) {
			found = o;
			break;
		}
	rcu_read_unlock();
	return found;
}

struct ipc_object *ipc_find(struct ipc_table *t, s32 id)
{
	struct ipc_object *o = id < 0 ? NULL : ipc_find_index(t, id);

	if (o && o->id != id) {
		ipc_put(o);
		return NULL;
	}
	return o;
}

/* ---- permissions ---- */

int ipc_permit(const struct ipc_object *o, u32 may)
{
	const struct cred *c = current_cred();
	u32 want = (may >> 6 | may >> 3 | may) & 7, granted = o->mode;

	if (c->euid == o->cuid || c->euid == o->uid)
		granted >>= 6;
	else if (cred_in_group(c, o->cgid) || cred_in_group(c, o->gid))
		granted >>= 3;
	return want & ~granted && !capable(CAP_IPC_OWNER) ? -EACCES : 0;
}

static bool owned(const struct ipc_object *o)
{
	u32 me = current_cred()->euid;

	return me == o->cuid || me == o->uid || capable(CAP_SYS_ADMIN);
}

void ipc_show_perm(const struct ipc_object *o, struct ipc64_perm *out)
{
	*out = (struct ipc64_perm){ .key = o->key, .uid = o->uid, .gid = o->gid, .cuid = o->cuid, .cgid = o->cgid,
				    .mode = o->mode, .seq = (u16)o->seq };
}

int ipc_set_perm(struct ipc_object *o, const struct ipc64_perm *in)
{
	if (in->uid == ~0u || in->gid == ~0u)
		return -EINVAL;
	o->uid = in->uid;
	o->gid = in->gid;
	o->mode = (o->mode & ~(u32)MODE_BITS) | (in->mode & MODE_BITS);
	return 0;
}

/* ---- finding and locking ---- */

static struct ipc_object *lock_found(struct ipc_object *o, u32 may)
{
	int err;

	if (!o)
		return ERR_PTR(-EINVAL);
	mutex_lock(&o->lock);
	err = ipc_permit(o, may);
	if (!err && o->removed)
		err = -EIDRM;
	if (!err)
		return o;
	ipc_unlock(o);
	return ERR_PTR(err);
}

struct ipc_object *ipc_lock(struct ipc_table *t, s32 id, u32 may)
{
	return lock_found(ipc_find(t, id), may);
}

struct ipc_object *ipc_lock_index(struct ipc_table *t, s32 index, u32 may)
{
	return index < 0 ? ERR_PTR(-EINVAL) : lock_found(ipc_find_index(t, index), may);
}

void ipc_unlock(struct ipc_object *o)
{
	mutex_unlock(&o->lock);
	ipc_put(o);
}

struct ipc_object *ipc_lock_owned(struct ipc_table *t, s32 id)
{
	struct ipc_object *o;
	int err = -EINVAL;

	mutex_lock(&t->lock);
	o = ipc_find(t, id);
	if (o) {
		mutex_lock(&o->lock);
		err = o->removed ? -EIDRM : owned(o) ? 0 : -EPERM;
		if (!err)
			return o;
		mutex_unlock(&o->lock);
	}
	mutex_unlock(&t->lock);
	if (o)
		ipc_put(o);
	return ERR_PTR(err);
}

void ipc_unlock_owned(struct ipc_table *t, struct ipc_object *o)
{
	mutex_unlock(&o->lock);
	mutex_unlock(&t->lock);
	ipc_put(o);
}

/* ---- the table ---- */

static struct hlist_head *key_bucket(struct ipc_table *t, s32 key)
{
	return &t->by_key[(u32)key * 0x9e3779b1u >> 24];
}

static struct ipc_object *find_key_locked(struct ipc_table *t, s32 key)
{
	struct ipc_object *o;

	hlist_for_each_entry(o, key_bucket(t, key), by_key)
		if (o->key == key)
			return o;
	return NULL;
}

/* Indices go round in a range somewhat larger than what is in use, so that the table stays compact. */
static s32 alloc_index_locked(struct ipc_table *t)
{
	u32 max = MIN(atomic_load(&t->count_max), (u32)IPC_INDICES);

	if (t->count >= max)
		return -ENOSPC;
	max = MIN(max, MAX(t->count * 3 / 2, (u32)CYCLE_MIN));
	s32 index = ida_alloc_cyclic(&t->ids, 0, max - 1);

	return index < 0 ? ida_alloc(&t->ids, 0, IPC_INDICES - 1) : index;
}

static s32 insert_locked(struct ipc_table *t, struct ipc_object *o)
{
	s32 index = alloc_index_locked(t);

	if (index < 0)
		return index;
	if (index <= t->last_index)
		t->seq = (t->seq + 1) % SEQ_END;
	t->last_index = index;
	t->count++;
	o->seq = t->seq;
	o->id = (s32)(t->seq << IPC_INDEX_BITS) + index;
	hlist_node_init(&o->by_key);
	if (o->key != IPC_PRIVATE)
		hlist_add_head(&o->by_key, key_bucket(t, o->key));
	hlist_add_head_rcu(&o->by_index, &t->by_index[index % IPC_BUCKETS]);
	return o->id;
}

void ipc_hide_key_locked(struct ipc_object *o)
{
	hlist_del_init(&o->by_key);
	o->key = IPC_PRIVATE;
}

void ipc_remove_locked(struct ipc_table *t, struct ipc_object *o)
{
	hlist_del_init(&o->by_key);
	hlist_del_rcu(&o->by_index);
	ida_free(&t->ids, (u32)ipc_index(o->id));
	t->count--;
	o->removed = true;
	ipc_put(o);
}

s32 ipc_top_index(struct ipc_table *t)
{
	s32 top = 0;

	mutex_lock(&t->lock);
	for (u32 w = BITMAP_WORDS(IPC_INDICES); w-- > 0;)
		if (t->ids.used[w]) {
			top = (s32)(w * 64 + 63 - (u32)__builtin_clzll(t->ids.used[w]));
			break;
		}
	mutex_unlock(&t->lock);
	return top;
}

/* ---- getting ---- */

static s32 get_existing(const struct ipc_object *o, u32 flags, u64 size)
{
	int err;

	if ((flags & (IPC_CREAT | IPC_EXCL)) == (IPC_CREAT | IPC_EXCL))
		return -EEXIST;
	err = o->kind->check(o, size);
	if (!err)
		err = ipc_permit(o, flags);
	return err ? err : o->id;
}

/* The object that has @key now, or -ENOENT. */
static s32 get_by_key(struct ipc_table *t, s32 key, u32 flags, u64 size)
{
	struct ipc_object *o;
	s32 ret = -ENOENT;

	mutex_lock(&t->lock);
	o = find_key_locked(t, key);
	if (o)
		ret = get_existing(o, flags, size);
	mutex_unlock(&t->lock);
	return ret;
}

/* Made without a lock, so another may have come first: then that one is it. */
static s32 get_new(struct ipc_table *t, s32 key, u32 flags, u64 size)
{
	struct ipc_object *o = t->kind->create(key, flags, size), *other;
	s32 ret;

	if (IS_ERR(o))
		return (s32)PTR_ERR(o);
	mutex_lock(&t->lock);
	other = key == IPC_PRIVATE ? NULL : find_key_locked(t, key);
	ret = other ? get_existing(other, flags, size) : insert_locked(t, o);
	other = other || ret < 0 ? o : NULL;
	mutex_unlock(&t->lock);
	if (other)
		ipc_put(other);
	return ret;
}

s32 ipc_get(struct ipc_table *t, s32 key, u32 flags, u64 size)
{
	s32 ret = key == IPC_PRIVATE ? -ENOENT : get_by_key(t, key, flags, size);

	if (ret != -ENOENT || (key != IPC_PRIVATE && !(flags & IPC_CREAT)))
		return ret;
	return get_new(t, key, flags, size);
}
