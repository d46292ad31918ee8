/* Memory files: handed on to the file system that registered. */
#include <linux/errno.h>
#include "vfs/file.h"
#include "vfs/memfd.h"

static const struct memfd_ops *ops;

void memfd_register(const struct memfd_ops *o)
{
	ops = o;
}

struct file *memfd_create_file(const char *name, u32 flags)
{
	return ops ? ops->create(name, 0, flags) : ERR_PTR(-ENOSYS);
}

struct file *shm_create_file(const char *name, u64 size)
{
	return ops ? ops->create(name, size, ~0u) : ERR_PTR(-ENOSYS);
}

int memfd_add_seals(struct file *f, u32 seals)
{
	return ops ? ops->add_seals(f, seals) : -EINVAL;
}

int memfd_get_seals(struct file *f)
{
	return ops ? ops->get_seals(f) : -EINVAL;
}
