/* See paths.h. */
#define _GNU_SOURCE
#include "paths.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util.h"

static const char *own_directory(void)
{
	static char path[PATH_MAX];
	ssize_t len;

	if (path[0] != '\0')
		return path;
	len = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (len <= 0)
		die(125, "/proc/self/exe: %s", strerror(errno));
	path[len] = '\0';
	*strrchr(path, '/') = '\0';
	return path;
}

const char *path_beside(const char *name)
{
	return text("%s/%s", own_directory(), name);
}

static const char *cache_directory(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

	if (cache != NULL && cache[0] == '/')
		mkdir(cache, 0700);
	else if (home != NULL && home[0] == '/')
		mkdir(cache = text("%s/.cache", home), 0700);
	else
		return text("/tmp/auk-%u", getuid());
	return text("%s/auk", cache);
}

static const char *state_directory(void)
{
	static const char *directory;

	if (directory != NULL)
		return directory;
	directory = own_directory();
	if (access(directory, W_OK) == 0)
		return directory;
	directory = cache_directory();
	if ((mkdir(directory, 0700) < 0 && errno != EEXIST) || access(directory, W_OK) < 0)
		directory = text("/tmp/auk-%u", getuid());
	mkdir(directory, 0700);
	return directory;
}

const char *path_state(const char *name)
{
	return text("%s/%s", state_directory(), name);
}
