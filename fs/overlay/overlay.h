/*
 * overlayfs: a writable directory tree over read-only ones.
 *
 * Mount options: lowerdir=A:B:C (A on top; "\:" for a colon), upperdir=, workdir= (both or neither: read-only without).
 * redirect_dir=, index=, metacopy=, nfs_export= are accepted as "off" only; xino= in any form; volatile.
 *
 * The format is Linux's: whiteouts are character devices 0:0, opaque directories carry trusted.overlay.opaque = "y".
 *
 * Source: Linux's Documentation/filesystems/overlayfs.rst.
 */
#ifndef FS_OVERLAY_OVERLAY_H
#define FS_OVERLAY_OVERLAY_H

/** overlay_init - register the file system type. Context: boot. */
void overlay_init(void);

#endif
