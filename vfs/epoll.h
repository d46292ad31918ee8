/*
 * Epoll: a set of files and the events wanted of each, and which of them are ready.
 */
#ifndef VFS_EPOLL_H
#define VFS_EPOLL_H

#include <linux/eventpoll.h>
#include "base/types.h"

struct file;

enum { EPOLL_BATCH_MAX = 128 };	/* events that one epoll_wait_file() call is asked for at most */

/** epoll_create_file - a new epoll file; the caller has checked flags. ERR_PTR */
struct file *epoll_create_file(void);
bool file_is_epoll(const struct file *f);
/**
 * epoll_ctl_file - EPOLL_CTL_ADD, MOD, DEL of (@fd, @target)
 * Return: 0, -EINVAL (not an epoll file, itself, bad EPOLLEXCLUSIVE), -EPERM (cannot be polled), -EEXIST, -ENOENT, -ELOOP,
 *         -ENOMEM, -ENOSPC
 */
MUST_CHECK int epoll_ctl_file(struct file *ep, int op, int fd, struct file *target, const struct epoll_event *ev);
/**
 * epoll_wait_file - up to @max (at most EPOLL_BATCH_MAX) ready events; sleeps until @deadline_ns (0: not at all, U64_MAX: for ever)
 * Return: how many; 0: timed out; -EINVAL: not an epoll file; -EINTR
 */
MUST_CHECK int epoll_wait_file(struct file *ep, struct epoll_event *out, int max, u64 deadline_ns);
/** epoll_forget - the file's last reference goes: take it out of every set. file_put's. */
void epoll_forget(struct file *f);
void epoll_init(void);

#endif
