/* null_blk: disks that do nothing, or keep what is written in memory. */
#ifndef BLOCK_NULL_NULL_H
#define BLOCK_NULL_NULL_H

/** null_init - as many as null_blk.nr_devices= says (0: null_blk is a module elsewhere, and loaded only when wanted). Context: thread */
void null_init(void);

#endif
