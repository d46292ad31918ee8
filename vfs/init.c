/* The order in which the VFS starts. */
#include "mm/mm.h"
#include "vfs/epoll.h"
#include "vfs/internal.h"
#include "vfs/mount.h"

static u64 shrink_dentries(u64 want, u32 flags)
{
	/* inodes go with their dentries, and that may enter a file system */
	if ((flags & ALLOC_KERNEL) != ALLOC_KERNEL)
		return 0;
	return d_shrink(want);
}

void vfs_init(void)
{
	dcache_init();
	inodes_init();
	file_core_init();
	devices_init();
	mounts_init();
	anon_init();
	pipes_init();
	epoll_init();
	mm_register_shrinker(shrink_dentries);
}
