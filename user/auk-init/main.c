/* See init.h. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <unistd.h>

#include "init.h"

static _Noreturn void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	for (;;)
		pause();
}

static void report(struct channel *channel, const struct failure *failure)
{
	dprintf(2, "auk-init: %s\n", failure->text);
	channel_send(channel, AUK_MSG_FAILED, failure->text, strlen(failure->text));
}

/* A root, the shares, the command: everything that RUN asks for. */
static void serve(struct channel *channel, const struct ports *ports)
{
	struct command command;
	struct failure failure = {"the launcher's message is damaged"};
	const char *payload;
	const struct auk_msg *msg = session_wait_channel(channel, &payload);
	char *kept;
	int error;

	if (msg == NULL)
		return;
	kept = malloc(msg->len_bytes);
	if (kept == NULL || msg->type != AUK_MSG_RUN) {
		report(channel, &failure);
		return;
	}
	memcpy(kept, payload, msg->len_bytes);
	error = command_decode(&command, kept, msg->len_bytes);
	channel_drop(channel);
	if (error == 0)
		error = rootfs_enter(&failure);
	for (unsigned i = 0; error == 0 && i < command.run->rw_count; i++)
		error = rootfs_mount_share(i, command.shares[i], &failure);
	if (error != 0) {
		report(channel, &failure);
		return;
	}
	net_configure(channel);
	session_run(&command, ports, channel);
}

/* Without a launcher: a shell on the console. */
static void serve_console(void)
{
	static char shell[] = "/bin/sh", home[] = "HOME=/root", term[] = "TERM=linux";
	static char path[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
	char *argv[] = {shell, NULL};
	char *env[] = {home, term, path, NULL};
	struct auk_run run = {.flags = AUK_RUN_LOGIN, .umask = 022};
	struct command command = {.run = &run, .cwd = "/root", .argv = argv, .env = env};
	struct failure failure;
	int fds[3] = {0, 1, 2};
	pid_t pid;

	if (rootfs_enter(&failure) != 0) {
		dprintf(2, "auk-init: %s\n", failure.text);
		return;
	}
	net_configure(NULL);
	pid = command_start(&command, fds, true);
	if (pid < 0)
		dprintf(2, "auk-init: cannot fork: %s\n", strerror(-pid));
	while (pid > 0 && wait(NULL) != pid)
		;
	rootfs_quiesce();
}

int main(void)
{
	struct channel channel;
	struct failure failure;
	struct ports ports;
	const char *ctl;

	if (getpid() != 1) {
		dprintf(2, "auk-init: runs only as process 1 of a guest\n");
		return 1;
	}
	sethostname("auk", 3);
	if (rootfs_mount_api(&failure) != 0)
		dprintf(2, "auk-init: %s\n", failure.text);
	modules_load();
	ctl = params_get("auk.ctl");
	if (ctl != NULL && strcmp(ctl, "none") == 0) {
		serve_console();
		power_off();
	}
	if (ports_open(&ports) != 0) {
		dprintf(2, "auk-init: no virtio-serial port is named " AUK_PORT_CTL "\n");
		power_off();
	}
	channel_init(&channel, ports.ctl);
	serve(&channel, &ports);
	session_flush(&channel);
	power_off();
}
