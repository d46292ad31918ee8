/*
 * Direct I/O: transfers that go around the page cache, and end later.
 *
 * file_ops.start (vfs/file.h) is the way in: io_submit(2) and the loop device call it.  A file system implements it by mapping the
 * file's range to blocks and submitting bios; block_direct_start does so for block devices.
 */
#ifndef BLOCK_DIRECT_H
#define BLOCK_DIRECT_H

#include "base/types.h"
#include "vfs/file.h"

/** block_direct_start - file_ops.start of block devices. Context: thread of the buffers' address space */
s64 block_direct_start(struct file *f, struct iter *it, u64 pos, bool write, struct async_io *io);

#endif
