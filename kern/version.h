/*
 * What uname(2) and /proc/version say: to programs Auk is Linux 6.1; /proc/version also names it.
 */
#ifndef KERN_VERSION_H
#define KERN_VERSION_H

#define KERNEL_SYSNAME "Linux"
#define KERNEL_RELEASE "6.1.0-auk"
#define KERNEL_VERSION "#1 SMP Auk"
#define KERNEL_MACHINE "x86_64"

#endif
