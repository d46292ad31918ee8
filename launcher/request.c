/* See request.h; the layout is protocol.h's. */
#define _GNU_SOURCE
#include "request.h"

#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "terminal.h"

extern char **environ;

struct message {
	char *bytes;
	size_t fill;
};

static void put(struct message *message, const void *bytes, size_t len)
{
	message->bytes = realloc(message->bytes, message->fill + len);
	if (message->bytes == NULL)
		die(125, "no memory");
	memcpy(message->bytes + message->fill, bytes, len);
	message->fill += len;
}

static void put_strings(struct message *message, char **strings, size_t count)
{
	for (size_t i = 0; i < count; i++)
		put(message, strings[i], strlen(strings[i]) + 1);
}

/* The caller's shell; a root that is not the caller's may have only the one that all have. */
static const char *shell(const struct args *args)
{
	const char *shell = getenv("SHELL");
	const struct passwd *user = getpwuid(getuid());

	if (args->root_kind == ROOT_IMAGE || strcmp(args->root, "/") != 0)
		return "/bin/sh";
	if (shell == NULL && user != NULL)
		shell = user->pw_shell;
	return shell != NULL && access(shell, X_OK) == 0 ? shell : "/bin/sh";
}

static mode_t current_umask(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return mask;
}

void request_send(struct channel *channel, const struct args *args, unsigned flags)
{
	struct message message = {0};
	struct list command = args->command;
	gid_t groups[NGROUPS_MAX];
	int group_count = getgroups(AUK_GROUPS_MAX, groups);
	char cwd[PATH_MAX];
	struct auk_run run = {
	    .version = AUK_PROTOCOL_VERSION,
	    .flags = flags,
	    .uid = getuid(),
	    .gid = getgid(),
	    .umask = current_umask(),
	    .group_count = group_count < 0 ? 0 : group_count,
	    .rw_count = args->shares.count,
	};

	if (command.count == 0) {
		list_add(&command, shell(args));
		if (flags & AUK_RUN_TTY)
			run.flags |= AUK_RUN_LOGIN;
	}
	if (getcwd(cwd, sizeof(cwd)) == NULL)
		strcpy(cwd, "/");
	if (flags & AUK_RUN_TTY)
		terminal_read(&run.termios, &run.window);
	run.argc = command.count;
	while (environ[run.env_count] != NULL)
		run.env_count++;

	put(&message, &run, sizeof(run));
	put(&message, groups, run.group_count * sizeof(groups[0]));
	put(&message, cwd, strlen(cwd) + 1);
	put_strings(&message, command.items, command.count);
	put_strings(&message, environ, run.env_count);
	put_strings(&message, args->shares.items, args->shares.count);
	if (message.fill > AUK_MSG_LEN_MAX ||
	    channel_send(channel, AUK_MSG_RUN, message.bytes, message.fill) < 0)
		die(125, "the command and its environment are too long: %zu bytes", message.fill);
	free(message.bytes);
}
