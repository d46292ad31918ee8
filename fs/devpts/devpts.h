/*
 * devpts: a directory of pseudo-terminals.  Each mount is an instance of its own, with numbers of its own.
 *
 * The terminals themselves are drivers/tty/pty.c's, which stands above: it adds and removes nodes here and finds its own object
 * by the inode that a program opened.
 *
 * Options: uid=, gid=, mode= (of new nodes), ptmxmode= (of the ptmx node), max=, newinstance (always so).
 */
#ifndef FS_DEVPTS_DEVPTS_H
#define FS_DEVPTS_DEVPTS_H

#include "base/types.h"

struct file;
struct inode;
struct path;
struct super;

void devpts_init(void);

/**
 * devpts_of_ptmx - the instance that an opened ptmx belongs to: the one that it lies in, or else that mounted on "pts" beside it
 * @root: out: the instance's root with references: path_put() it
 * Return: 0, -ENODEV
 */
MUST_CHECK int devpts_of_ptmx(struct file *f, struct path *root);

/** devpts_add - a new node with the lowest free number. Return: the number, -ENOSPC, -ENOMEM */
MUST_CHECK int devpts_add(struct super *s, void *private);
/** devpts_remove - the node goes; open files of it stay. */
void devpts_remove(struct super *s, u32 index);
/** devpts_private - what devpts_add was given for the node @i, or NULL if it is none or was removed. */
void *devpts_private(struct inode *i);

#endif
