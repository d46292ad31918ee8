/*
 * The memory devices (major 1), /dev/kmsg and /dev/rtc0: what has no bus worth a directory.
 */
#ifndef DRIVERS_CHAR_CHAR_H
#define DRIVERS_CHAR_CHAR_H

/** char_init - register the devices and their nodes. Context: boot, after vfs_init(). */
void char_init(void);

/* kmsg.c */
struct file_ops;
extern const struct file_ops kmsg_ops;		/* /dev/kmsg: records with a header */
extern const struct file_ops random_ops, urandom_ops;
void rtc_init(void);

#endif
