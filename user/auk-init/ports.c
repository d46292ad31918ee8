/*
 * The launcher's virtio-serial ports.
 *
 * A port appears as /sys/class/virtio-ports/vportNpM with its name in the file "name", some time
 * after its driver has been loaded, and its other end counts as connected some time after that;
 * until then poll(2) says POLLHUP and read(2) says end of file.
 * Source: virtio 1.2, 5.3.6 (multiport device operation)
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "init.h"

#define CLASS_DIR "/sys/class/virtio-ports"
#define WAIT_MS 10000
#define STEP_MS 2

static void sleep_step(void)
{
	struct timespec step = {.tv_nsec = STEP_MS * 1000000L};

	nanosleep(&step, NULL);
}

static bool port_has_name(const char *entry, const char *name)
{
	char path[300], text[64];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), CLASS_DIR "/%s/name", entry);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return false;
	text[got] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return strcmp(text, name) == 0;
}

/* Returns the open port, or -1 if there is none of that name yet. */
static int port_find(const char *name)
{
	DIR *dir = opendir(CLASS_DIR);
	struct dirent *entry;
	int fd = -1;

	if (dir == NULL)
		return -1;
	while (fd < 0 && (entry = readdir(dir)) != NULL) {
		char path[300];

		if (entry->d_name[0] == '.' || !port_has_name(entry->d_name, name))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", entry->d_name);
		fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	}
	closedir(dir);
	return fd;
}

static bool port_connected(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

	return poll(&poll_fd, 1, 0) >= 0 && !(poll_fd.revents & POLLHUP);
}

static int port_open(const char *name, int *waited_ms)
{
	int fd = port_find(name);

	while (fd < 0 || !port_connected(fd)) {
		if (*waited_ms >= WAIT_MS)
			return -ENODEV;
		sleep_step();
		*waited_ms += STEP_MS;
		if (fd < 0)
			fd = port_find(name);
	}
	return fd;
}

int ports_open(struct ports *ports)
{
	int waited_ms = 0;

	ports->ctl = port_open(AUK_PORT_CTL, &waited_ms);
	ports->stdio = port_open(AUK_PORT_STDIO, &waited_ms);
	ports->stderr_ = port_open(AUK_PORT_STDERR, &waited_ms);
	return ports->ctl < 0 || ports->stdio < 0 || ports->stderr_ < 0 ? -ENODEV : 0;
}
