/* See probe.h; the guest is probe_guest.S. */
#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "paths.h"
#include "qemu.h"
#include "util.h"

#define ANSWER_WAIT_MS 2000
#define STATUS_ANSWER ((0x15 << 1) | 1) /* probe_guest.S writes 0x15 */

extern const char probe_guest_image[], probe_guest_image_end[];

static bool guest_answers(void)
{
	static const char *const machine[] = {
	    "-machine", "pc",   "-m",   "16M",     "-accel",
	    "kvm",      "-cpu", "host", "-device", "isa-debug-exit,iobase=0xf4,iosize=4",
	};
	struct list argv = {0};
	size_t len = probe_guest_image_end - probe_guest_image;
	int image = memfd_create("probe", MFD_CLOEXEC);
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct pollfd ended = {.events = POLLIN};
	int status = 0;
	pid_t pid;

	if (image < 0 || null < 0 || write(image, probe_guest_image, len) != (ssize_t)len)
		die(125, "cannot prepare the KVM probe: %s", strerror(errno));
	qemu_base(&argv);
	for (size_t i = 0; i < sizeof(machine) / sizeof(machine[0]); i++)
		list_add(&argv, machine[i]);
	list_add(&argv, "-bios");
	list_addf(&argv, "/proc/self/fd/%d", image);
	pid = qemu_spawn(&argv, &image, 1, null);
	ended.fd = syscall(SYS_pidfd_open, pid, 0);
	poll(&ended, 1, ANSWER_WAIT_MS);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(ended.fd);
	close(image);
	close(null);
	return WIFEXITED(status) && WEXITSTATUS(status) == STATUS_ANSWER;
}

/* What the remembered answer holds for: this boot of this host. */
static const char *boot_identity(void)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	static char id[64];
	ssize_t got;

	if (fd < 0)
		return NULL;
	got = read(fd, id, sizeof(id) - 1);
	close(fd);
	if (got <= 0)
		return NULL;
	id[strcspn(id, "\n")] = '\0';
	return id;
}

static bool recall(const char *path, const char *boot, bool *answer)
{
	size_t len;
	const char *known = file_load(path, &len);

	if (known == NULL)
		return false;
	*answer = strcmp(known, text("%s yes\n", boot)) == 0;
	return *answer || strcmp(known, text("%s no\n", boot)) == 0;
}

static void remember(const char *path, const char *boot, bool answer)
{
	const char *fresh = text("%s.%d", path, getpid());
	FILE *file = fopen(fresh, "we");

	if (file == NULL)
		return;
	fprintf(file, "%s %s\n", boot, answer ? "yes" : "no");
	/* Others may be reading it: it appears whole. */
	if (fclose(file) != 0 || rename(fresh, path) < 0)
		unlink(fresh);
}

bool probe_kvm(void)
{
	const char *path = path_state("kvm-probe");
	const char *boot = boot_identity();
	bool answer;

	if (access("/dev/kvm", R_OK | W_OK) < 0)
		return false;
	if (boot != NULL && recall(path, boot, &answer))
		return answer;
	answer = guest_answers();
	if (boot != NULL)
		remember(path, boot, answer);
	return answer;
}
