/* ext4's one entrance. */
#ifndef FS_EXT4_FS_H
#define FS_EXT4_FS_H

/** ext4_init - register ext4, and ext2 and ext3, which it mounts too. Context: boot, thread */
void ext4_init(void);

#endif
