/* The hashes of names. Pure. */
#ifndef FS_EXT4_HASH_H
#define FS_EXT4_HASH_H

#include "base/types.h"

struct hash_info { u32 hash, minor; };

/**
 * ext4_hash - of a name in an indexed directory
 * @version: HASH_*, the unsigned kinds included
 * @seed:    the superblock's; all zero: the standard one
 * Context: any
 */
void ext4_hash(const char *name, u32 len, u32 version, const u32 seed[4], struct hash_info *out);

#endif
