/*
 * System V shared memory.  See shm.h.
 *
 * Locks: spin guards the figures, since areas are opened under mm->lock.  An area holds a reference to its segment.
 * Auk has no swap: SHM_LOCK has nothing to hold in memory and only shows in the mode.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/resource.h>
#include "base/printf.h"
#include "base/string.h"
#include "ipc/ipc.h"
#include "ipc/shm.h"
#include "kern/cred.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "task/task.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/memfd.h"

/* Locks: s spin · I immutable */
struct shm_segment {
	struct ipc_object object;	/* first */
	struct file *file;		/* [I] */
	u64 size;			/* [I] bytes */
	struct spinlock spin;
	u32 attached;			/* [s] areas, and attachments being made */
	s32 creator_pid, last_pid;	/* [s] */
	s64 atime, dtime, ctime;	/* [s] */
	bool doomed;			/* [s] goes with the last attachment */
};

struct ipc_table shm_table;
u64 shm_bytes_max = ~0ull - (1 << 24), shm_pages_max = ~0ull - (1 << 24);
static u64 pages_used;			/* [a] */

static struct shm_segment *segment_of(struct ipc_object *o)
{
	return container_of(o, struct shm_segment, object);
}

static u64 segment_pages(const struct shm_segment *s)
{
	return DIV_ROUND_UP(s->size, PAGE_SIZE);
}

/* ---- life ---- */

static int check_size(const struct ipc_object *o, u64 size)
{
	return size > container_of(o, struct shm_segment, object)->size ? -EINVAL : 0;
}

static int charge_pages(u64 pages)
{
	u64 used = atomic_load(&pages_used), max;

	do {
		max = atomic_load(&shm_pages_max);
		if (used + pages < pages || used + pages > max)
			return -ENOSPC;
	} while (!try_cmpxchg(&pages_used, &used, used + pages));
	return 0;
}

static int check_new(u32 flags, u64 size)
{
	if (!size || size > atomic_load(&shm_bytes_max))
		return -EINVAL;
	if (size + PAGE_SIZE < size)
		return -ENOSPC;
	if (flags & SHM_HUGETLB)
		return capable(CAP_IPC_LOCK) ? -ENOMEM : -EPERM;	/* the pool of huge pages is empty */
	return 0;
}

static struct file *segment_file(s32 key, u64 size)
{
	char name[16];

	fmt_snprintf(name, sizeof(name), "SYSV%08x", (u32)key);
	return shm_create_file(name, size);
}

static struct ipc_object *create(s32 key, u32 flags, u64 size)
{
	struct shm_segment *s;
	int err = check_new(flags, size);

	if (!err)
		err = charge_pages(DIV_ROUND_UP(size, PAGE_SIZE));
	if (err)
		return ERR_PTR(err);
	err = -ENOMEM;
	s = kvmalloc(sizeof(*s), ALLOC_KERNEL | ALLOC_ZERO);
	if (!s)
		goto out_pages;
	s->file = segment_file(key, size);
	if (IS_ERR(s->file)) {
		err = (int)PTR_ERR(s->file);
		goto out_segment;
	}
	ipc_object_init(&s->object, shm_table.kind, key, flags);
	spin_init(&s->spin, RANK_LEAF_SPIN);
	s->size = size;
	s->creator_pid = ipc_current_pid();
	s->ctime = ipc_now_sec();
	return &s->object;
out_segment:
	kvfree(s);
out_pages:
	atomic_sub(&pages_used, DIV_ROUND_UP(size, PAGE_SIZE));
	return ERR_PTR(err);
}

static void destroy(struct ipc_object *o)
{
	struct shm_segment *s = segment_of(o);

	atomic_sub(&pages_used, segment_pages(s));
	file_put(s->file);
}

static const struct ipc_kind shm_kind = { .create = create, .check = check_size, .destroy = destroy };

s32 shm_get(s32 key, u64 size, u32 flags)
{
	return ipc_get(&shm_table, key, flags, size);
}

/* ---- attachments ---- */

static void count_attachment(struct shm_segment *s)
{
	ref_get(&s->object.refs);
	spin_lock(&s->spin);
	s->attached++;
	s->atime = ipc_now_sec();
	s->last_pid = ipc_current_pid();
	spin_unlock(&s->spin);
}

/* Whether it is to go now: doomed and unused. Whoever asks may be too late. */
static bool expired(struct shm_segment *s)
{
	spin_lock(&s->spin);
	bool yes = s->doomed && !s->attached;
	spin_unlock(&s->spin);
	return yes;
}

static void remove_if_expired(struct shm_segment *s)
{
	mutex_lock(&shm_table.lock);
	mutex_lock(&s->object.lock);
	if (!s->object.removed && expired(s))
		ipc_remove_locked(&shm_table, &s->object);
	mutex_unlock(&s->object.lock);
	mutex_unlock(&shm_table.lock);
}

static void drop_attachment(struct shm_segment *s)
{
	spin_lock(&s->spin);
	s->attached--;
	s->dtime = ipc_now_sec();
	s->last_pid = ipc_current_pid();
	spin_unlock(&s->spin);
	if (expired(s))
		remove_if_expired(s);
	ipc_put(&s->object);
}

static void area_open(struct vma *v)
{
	count_attachment(v->owner);
}

static void area_close(struct vma *v)
{
	drop_attachment(v->owner);
}

static int area_name(struct vma *v, char *buf, size_t size)
{
	struct shm_segment *s = v->owner;
	char *name = path_name(&s->file->path, buf, size);

	if (IS_ERR(name))
		return (int)PTR_ERR(name);
	memmove(buf, name, strlen(name) + 1);
	return 0;
}

static const struct vma_ops area_ops = { .open = area_open, .close = area_close, .name = area_name };

/* Where shmat is to map, by its rules. */
static int attach_place(u64 *addr, u32 flags, u32 *map_flags)
{
	*map_flags = MAP_SHARED;
	if (*addr & (PAGE_SIZE - 1)) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		*addr &= ~(PAGE_SIZE - 1);
		if (!*addr)
			return flags & SHM_REMAP ? -EINVAL : 0;
	}
	if (*addr)
		*map_flags |= flags & SHM_REMAP ? MAP_FIXED : MAP_FIXED_NOREPLACE;
	else if (flags & SHM_REMAP)
		return -EINVAL;
	return 0;
}

/* The segment with an attachment counted, or ERR_PTR. */
static struct shm_segment *attach_begin(s32 id, u32 flags)
{
	u32 may = (flags & SHM_RDONLY ? IPC_MAY_READ : IPC_MAY_READ | IPC_MAY_WRITE) | (flags & SHM_EXEC ? 0111 : 0);
	struct ipc_object *o = ipc_lock(&shm_table, id, may);

	if (IS_ERR(o))
		return ERR_CAST(o);
	count_attachment(segment_of(o));
	ipc_unlock(o);
	return segment_of(o);
}

int shm_attach(s32 id, u64 addr, u32 flags, u64 *out)
{
	u32 prot = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0), map_flags;
	int err = id < 0 ? -EINVAL : attach_place(&addr, flags, &map_flags);
	struct shm_segment *s = err ? ERR_PTR(err) : attach_begin(id, flags);

	if (IS_ERR(s))
		return (int)PTR_ERR(s);
	struct mm_file mf = { .ops = &area_ops, .mapping = s->file->mapping, .owner = s,
			      .max_flags = VM_MAYREAD | VM_MAYEXEC | VM_MAYSHARE | (flags & SHM_RDONLY ? 0 : VM_MAYWRITE) };

	err = mm_map(current()->mm, addr, s->size, prot, map_flags, &mf, 0, out);
	if (err)
		drop_attachment(s);
	return err == -EEXIST ? -EINVAL : err;
}

static u64 area_base(const struct vma *v)
{
	return v->start - (v->pgoff << PAGE_SHIFT);
}

/*
 * The next area at or after *at that is left of the attachment at @base; @s: NULL, or of that segment.
 * Return: false if there is none
 */
static bool next_part(u64 base, u64 *at, struct shm_segment **s, u64 *end)
{
	struct mm *mm = current()->mm;
	bool found = false;
	struct vma *v;

	rwsem_read_lock(&mm->lock);
	for (v = vma_find(mm, *at); v && !found; v = vma_next(v)) {
		struct shm_segment *owner = v->owner;

		if (*s && v->start >= base + ALIGN_UP((*s)->size, PAGE_SIZE))
			break;
		if (v->ops != &area_ops || area_base(v) != base || (*s && owner != *s))
			continue;
		if (!*s)
			ref_get(&owner->object.refs);
		*s = owner;
		*at = v->start;
		*end = v->end;
		found = true;
	}
	rwsem_read_unlock(&mm->lock);
	return found;
}

/* Other threads that map and unmap at the same place meanwhile get what they deserve, as with munmap. */
int shm_detach(u64 addr)
{
	struct shm_segment *s = NULL;
	u64 at = addr, end = 0;
	int err = -EINVAL;

	if (addr & (PAGE_SIZE - 1))
		return -EINVAL;
	while (next_part(addr, &at, &s, &end)) {
		err = mm_unmap(current()->mm, at, end - at);
		if (err)
			break;
		at = end;
	}
	if (s)
		ipc_put(&s->object);
	return err;
}

/* ---- control ---- */

static void show_locked(struct shm_segment *s, struct shmid64_ds *out)
{
	memset(out, 0, sizeof(*out));
	ipc_show_perm(&s->object, &out->shm_perm);
	spin_lock(&s->spin);
	out->shm_segsz = s->size;
	out->shm_atime = s->atime;
	out->shm_dtime = s->dtime;
	out->shm_ctime = s->ctime;
	out->shm_cpid = s->creator_pid;
	out->shm_lpid = s->last_pid;
	out->shm_nattch = s->attached;
	spin_unlock(&s->spin);
}

s32 shm_stat(int cmd, s32 id, struct shmid64_ds *out)
{
	u32 may = cmd == SHM_STAT_ANY ? 0 : IPC_MAY_READ;
	struct ipc_object *o = cmd == IPC_STAT ? ipc_lock(&shm_table, id, may) : ipc_lock_index(&shm_table, id, may);

	if (IS_ERR(o))
		return (s32)PTR_ERR(o);
	s32 ret = cmd == IPC_STAT ? 0 : o->id;

	show_locked(segment_of(o), out);
	ipc_unlock(o);
	return ret;
}

int shm_set(s32 id, const struct ipc64_perm *perm)
{
	struct ipc_object *o = ipc_lock_owned(&shm_table, id);

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	int err = ipc_set_perm(o, perm);

	if (!err)
		segment_of(o)->ctime = ipc_now_sec();
	ipc_unlock_owned(&shm_table, o);
	return err;
}

int shm_remove(s32 id)
{
	struct ipc_object *o = ipc_lock_owned(&shm_table, id);

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	struct shm_segment *s = segment_of(o);

	spin_lock(&s->spin);
	s->doomed = true;
	spin_unlock(&s->spin);
	o->mode |= SHM_DEST;
	ipc_hide_key_locked(o);
	if (expired(s))
		ipc_remove_locked(&shm_table, o);
	ipc_unlock_owned(&shm_table, o);
	return 0;
}

int shm_lock(s32 id, bool lock)
{
	struct ipc_object *o = ipc_lock(&shm_table, id, 0);
	u32 me = current_cred()->euid;
	int err = 0;

	if (IS_ERR(o))
		return (int)PTR_ERR(o);
	if (!capable(CAP_IPC_LOCK)) {
		if (me != o->uid && me != o->cuid)
			err = -EPERM;
		else if (lock && !current_rlimit(RLIMIT_MEMLOCK))
			err = -EPERM;
		else if (lock && segment_of(o)->size > current_rlimit(RLIMIT_MEMLOCK))
			err = -ENOMEM;
	}
	if (!err)
		o->mode = lock ? o->mode | SHM_LOCKED : o->mode & ~(u32)SHM_LOCKED;
	ipc_unlock(o);
	return err;
}

void shm_limits(struct shminfo64 *out)
{
	*out = (struct shminfo64){ .shmmax = atomic_load(&shm_bytes_max), .shmmin = 1, .shmmni = atomic_load(&shm_table.count_max),
				   .shmseg = atomic_load(&shm_table.count_max), .shmall = atomic_load(&shm_pages_max) };
}

u64 shm_resident_pages(s32 index)
{
	struct ipc_object *o = ipc_find_index(&shm_table, index);
	u64 pages = 0;

	if (o) {
		pages = READ_ONCE(segment_of(o)->file->mapping->page_count);
		ipc_put(o);
	}
	return pages;
}

void shm_figures(struct shm_info *out)
{
	s32 top = ipc_top_index(&shm_table);

	*out = (struct shm_info){ .used_ids = (int)READ_ONCE(shm_table.count), .shm_tot = atomic_load(&pages_used) };
	for (s32 i = 0; i <= top; i++)
		out->shm_rss += shm_resident_pages(i);
}

void shm_init(void)
{
	ipc_table_init(&shm_table, &shm_kind, SHM_COUNT_DEFAULT);
}
