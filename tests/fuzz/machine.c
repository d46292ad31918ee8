/* See machine.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include "tests/fuzz/machine.h"

enum { PAGE = 4096, NAMES = 8, NAME_ROOM = PAGE / NAMES };

static unsigned inputs;
static bool running;
static uint64_t names;
static unsigned turn;

static void show(const char *text, size_t len)
{
	static int wanted = -1;

	if (wanted < 0)
		wanted = getenv("FUZZ_LOG") != NULL;
	if (wanted)
		fwrite(text, 1, len, stderr);
}

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

bool fuzz_machine(const struct auk_device *devices, unsigned count)
{
	if (running && inputs++ < FUZZ_INPUTS)
		return false;
	if (running)
		auk_stop();
	inputs = 0;
	must(auk_start(&(struct auk_config){ .seed = 1, .cpus = 1, .console = show, .devices = devices, .device_count = count,
					     .limit_ns = 1000000ull * 1000000000 }) == 0, "the kernel does not start");
	running = true;
	names = auk_alloc(PAGE);
	must(names != 0, "no user memory");
	uint64_t type = fuzz_name("devtmpfs");
	must(auk_syscall(SYS_mount, type, fuzz_name("/dev"), type, 0, 0) == 0, "devtmpfs is not mounted");
	return true;
}

uint64_t fuzz_name(const char *text)
{
	uint64_t at = names + turn++ % NAMES * NAME_ROOM;
	size_t n = strlen(text) + 1;

	must(n <= NAME_ROOM && auk_put(at, text, n) == 0, "a name is too long");
	return at;
}

const void *fuzz_file(const char *path, size_t *len)
{
	FILE *f = fopen(path, "rb");
	char *data = NULL;
	long size = -1;

	if (f && !fseek(f, 0, SEEK_END))
		size = ftell(f);
	if (size > 0 && (data = malloc((size_t)size))) {
		rewind(f);
		must(fread(data, 1, (size_t)size, f) == (size_t)size, "a file is cut short");
	}
	must(data != NULL, path);
	fclose(f);
	*len = (size_t)size;
	return data;
}
