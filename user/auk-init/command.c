/* The command: what a RUN message says, and its process. */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init.h"

/* Takes @count strings from [*at, end) into a new NULL-terminated array. */
static char **take_strings(const char **at, const char *end, uint32_t count)
{
	char **strings;

	if (count > AUK_MSG_LEN_MAX)
		return NULL;
	strings = calloc((size_t)count + 1, sizeof(*strings));
	if (strings == NULL)
		return NULL;
	for (uint32_t i = 0; i < count; i++) {
		const char *nul = memchr(*at, '\0', end - *at);

		if (nul == NULL)
			return NULL;
		strings[i] = (char *)*at;
		*at = nul + 1;
	}
	return strings;
}

int command_decode(struct command *command, const char *payload, size_t len_bytes)
{
	const struct auk_run *run = (const struct auk_run *)payload;
	const char *end = payload + len_bytes;
	const char *at = payload + sizeof(*run);
	char **cwd;

	if (len_bytes < sizeof(*run) || run->version != AUK_PROTOCOL_VERSION || run->argc == 0 ||
	    run->group_count > AUK_GROUPS_MAX ||
	    len_bytes - sizeof(*run) < run->group_count * sizeof(gid_t))
		return -EPROTO;
	command->run = run;
	command->groups = (const gid_t *)at;
	at += run->group_count * sizeof(gid_t);

	cwd = take_strings(&at, end, 1);
	command->argv = take_strings(&at, end, run->argc);
	command->env = take_strings(&at, end, run->env_count);
	command->shares = take_strings(&at, end, run->rw_count);
	if (cwd == NULL || command->argv == NULL || command->env == NULL || command->shares == NULL)
		return -EPROTO;
	command->cwd = cwd[0];
	return 0;
}

static void become_user(const struct auk_run *run, const gid_t *groups)
{
	if (setgroups(run->group_count, groups) < 0 || setgid(run->gid) < 0 ||
	    setuid(run->uid) < 0) {
		dprintf(2, "auk: cannot become user %u, group %u: %s\n", run->uid, run->gid,
			strerror(errno));
		_exit(AUK_EXIT_MACHINE);
	}
}

/* argv[0] of a login shell: '-' and the last part of its path */
static char *login_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash == NULL ? path : slash + 1;
	char *name = malloc(strlen(base) + 2);

	if (name == NULL)
		return (char *)path;
	name[0] = '-';
	strcpy(name + 1, base);
	return name;
}

static _Noreturn void command_execute(const struct command *command)
{
	char *path = command->argv[0];
	int error;

	if (command->run->flags & AUK_RUN_LOGIN)
		command->argv[0] = login_name(path);
	environ = command->env;
	execvp(path, command->argv);
	error = errno;
	dprintf(2, "auk: %s: %s\n", path, strerror(error));
	_exit(error == ENOENT ? AUK_EXIT_NOT_FOUND : AUK_EXIT_NOT_EXECUTABLE);
}

static _Noreturn void command_child(const struct command *command, const int fds[3], bool tty)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	for (int i = 0; i < 3; i++)
		if (dup2(fds[i], i) < 0)
			_exit(AUK_EXIT_MACHINE);
	if (tty && ioctl(0, TIOCSCTTY, 0) < 0)
		dprintf(2, "auk: no controlling terminal: %s\n", strerror(errno));
	umask(command->run->umask);
	become_user(command->run, command->groups);
	/* A root other than the caller's may not have the directory. */
	if (chdir(command->cwd) < 0 && chdir("/") < 0)
		_exit(AUK_EXIT_MACHINE);
	command_execute(command);
}

pid_t command_start(const struct command *command, const int fds[3], bool tty)
{
	pid_t pid = fork();

	if (pid == 0)
		command_child(command, fds, tty);
	return pid < 0 ? -errno : pid;
}
