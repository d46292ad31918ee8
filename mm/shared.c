/*
 * Shared anonymous memory (MAP_SHARED | MAP_ANONYMOUS): a shmem mapping that belongs to the areas that map it.
 */
#include "kern/slab.h"
#include "mm/internal.h"
#include "mm/shared.h"

struct shared_memory {
	u32 refs;			/* [a] areas */
	struct mapping mapping;
};

static void shared_open(struct vma *v)
{
	struct shared_memory *s = v->owner;

	atomic_inc(&s->refs);
}

static void shared_close(struct vma *v)
{
	struct shared_memory *s = v->owner;

	if (!atomic_dec_and_test(&s->refs))
		return;
	mapping_fini(&s->mapping);
	kfree(s);
}

static int shared_name(struct vma *v, char *buf, size_t size)
{
	strlcpy(buf, "/dev/zero (deleted)", size);
	return 0;
}

static const struct vma_ops shared_ops = { .open = shared_open, .close = shared_close, .name = shared_name };

static const struct mapping_ops shared_mapping_ops = { 0 };

int shared_create(u64 len, struct mm_file *out)
{
	struct shared_memory *s = kzalloc(sizeof(*s), ALLOC_KERNEL);

	if (!s)
		return -ENOMEM;
	s->refs = 1;
	mapping_init(&s->mapping, &shared_mapping_ops, s, MAPPING_SHMEM);
	s->mapping.size = len;
	out->ops = &shared_ops;
	out->mapping = &s->mapping;
	out->owner = s;
	out->max_flags = VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
	out->extra_flags = 0;
	return 0;
}

void shared_destroy(const struct mm_file *file)
{
	struct vma v = { .owner = file->owner };

	shared_close(&v);
}
