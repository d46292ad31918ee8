/*
 * The root file system of the guest.
 *
 *	/mnt/lower	9p share, read-only	\  overlay on /mnt/root, which then
 *	/mnt/upper	tmpfs			/  becomes /
 *
 * or a disk, mounted on /mnt/root read-write.  The mounts of /proc, /sys and /dev that the
 * initramfs began with are moved along.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

/* The largest that virtio-9p takes with 4 KiB pages: 125 of them. */
#define NINEP_OPTIONS "trans=virtio,version=9p2000.L,msize=512000"

static bool root_is_disk;

static int fail(struct failure *failure, const char *format, ...)
{
	int error = errno;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(failure->text, sizeof(failure->text), format, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(failure->text))
		snprintf(failure->text + len, sizeof(failure->text) - len, ": %s", strerror(error));
	return -error;
}

/* Makes a directory and those above it; what exists already is fine. */
static void make_dirs(const char *path)
{
	char part[4096];

	for (size_t i = 1; i < sizeof(part) && path[i - 1] != '\0'; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		mkdir(part, 0755);
	}
}

static int mount_at(const char *source, const char *path, const char *type, unsigned long flags,
		    const char *options, struct failure *failure)
{
	make_dirs(path);
	if (mount(source, path, type, flags, options) < 0 && errno != EBUSY)
		return fail(failure, "cannot mount %s (%s) on %s", source, type, path);
	return 0;
}

int rootfs_mount_api(struct failure *failure)
{
	int error =
	    mount_at("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "", failure);

	if (error == 0)
		error = mount_at("sysfs", "/sys", "sysfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, "",
				 failure);
	if (error == 0)
		error = mount_at("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, "mode=0755", failure);
	return error;
}

static int mount_overlay(const char *tag, const char *flags, struct failure *failure)
{
	char options[512];
	int error;

	snprintf(options, sizeof(options), NINEP_OPTIONS ",cache=loose%s%s", *flags ? "," : "",
		 flags);
	error = mount_at(tag, "/mnt/lower", "9p", MS_RDONLY, options, failure);
	if (error == 0)
		error = mount_at("tmpfs", "/mnt/upper", "tmpfs", 0, "mode=0755", failure);
	if (error != 0)
		return error;
	mkdir("/mnt/upper/data", 0755);
	mkdir("/mnt/upper/work", 0755);
	return mount_at("overlay", "/mnt/root", "overlay", 0,
			"lowerdir=/mnt/lower,upperdir=/mnt/upper/data,workdir=/mnt/upper/work",
			failure);
}

static int mount_root(struct failure *failure)
{
	const char *root = params_get("root");
	const char *type = params_get("rootfstype");
	const char *flags = params_get("rootflags");

	if (root == NULL || type == NULL) {
		errno = EINVAL;
		return fail(failure,
			    "no root: the kernel parameters root= and rootfstype= name it");
	}
	if (flags == NULL)
		flags = "";
	if (strcmp(type, "9p") == 0)
		return mount_overlay(root, flags, failure);
	root_is_disk = true;
	return mount_at(root, "/mnt/root", type, 0, flags, failure);
}

static int move_mount(const char *from, struct failure *failure)
{
	char to[64];

	snprintf(to, sizeof(to), "/mnt/root%s", from);
	make_dirs(to);
	if (mount(from, to, NULL, MS_MOVE, NULL) < 0)
		return fail(failure, "cannot move the mount %s to %s", from, to);
	return 0;
}

static int switch_root(struct failure *failure)
{
	unlink("/init");
	if (chdir("/mnt/root") < 0 || mount(".", "/", NULL, MS_MOVE, NULL) < 0 || chroot(".") < 0 ||
	    chdir("/") < 0)
		return fail(failure, "cannot enter the root file system");
	return 0;
}

static void make_dev_links(void)
{
	/* They are a convention of user space; a kernel's devtmpfs does not have them. */
	static const char *const links[][2] = {
	    {"/proc/self/fd", "/dev/fd"},
	    {"/proc/self/fd/0", "/dev/stdin"},
	    {"/proc/self/fd/1", "/dev/stdout"},
	    {"/proc/self/fd/2", "/dev/stderr"},
	};

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		if (symlink(links[i][0], links[i][1]) < 0 && errno != EEXIST)
			dprintf(2, "auk-init: %s: %s\n", links[i][1], strerror(errno));
}

int rootfs_enter(struct failure *failure)
{
	int error = mount_root(failure);

	if (error == 0)
		error = move_mount("/proc", failure);
	if (error == 0)
		error = move_mount("/sys", failure);
	if (error == 0)
		error = move_mount("/dev", failure);
	if (error == 0)
		error = switch_root(failure);
	if (error == 0)
		error = mount_at("devpts", "/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
				 "gid=5,mode=620,ptmxmode=666", failure);
	if (error == 0)
		error = mount_at("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777",
				 failure);
	if (error == 0)
		error =
		    mount_at("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755", failure);
	if (error != 0)
		return error;
	make_dev_links();
	mkdir("/run/lock", 01777);
	return 0;
}

int rootfs_mount_share(unsigned index, const char *path, struct failure *failure)
{
	char tag[32];

	snprintf(tag, sizeof(tag), AUK_TAG_RW "%u", index);
	/* cache=mmap writes through and still lets programs map files shared. */
	return mount_at(tag, path, "9p", 0, NINEP_OPTIONS ",cache=mmap", failure);
}

void rootfs_quiesce(void)
{
	sync();
	if (root_is_disk && mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY, NULL) < 0)
		dprintf(2, "auk-init: cannot remount / read-only: %s\n", strerror(errno));
}
