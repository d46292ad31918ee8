/* The initramfs that the guest starts from; auk-init's init.h says what is in it. */
#ifndef AUK_INITRAMFS_H
#define AUK_INITRAMFS_H

#include "util.h"

/**
 * initramfs_make - write the cpio archive into a memory file
 * @init:    path of the program that becomes /init
 * @modules: paths of .ko files in the order of loading
 * Return: a descriptor without close-on-exec, for QEMU to open as /proc/self/fd/N
 */
int initramfs_make(const char *init, const struct list *modules);

#endif
