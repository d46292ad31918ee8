/* RAM disks: /dev/ram0 … */
#ifndef BLOCK_RAM_RAM_H
#define BLOCK_RAM_RAM_H

/** ramdisk_init - as many as brd.rd_nr= says (none: on Linux too they are a module, loaded when wanted), each of brd.rd_size= KiB (16384). Context: thread, after block_init */
void ramdisk_init(void);

#endif
