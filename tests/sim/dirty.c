/*
 * Dirty throttling in the whole kernel: processes that do nothing but dirty pages of a fast and of a slow disk.
 *
 * What must hold, once the speeds of the disks are known: no write(2) takes longer than a pause of 200 ms and, where it
 * comes upon the limit, a second one; and from the start: the pages that are dirty or being written never pass
 * the limit, but by what a run counts twice while it goes from one to the other; who shares a disk gets a fair share of it;
 * the slow disk does not hold back who writes to the fast one.  Processes take no virtual time but in sleep, so a disk's speed is all there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include "tests/sim/sim.h"

enum {
	PER_DISK = 2, DIRTIERS = 2 * PER_DISK, LIMIT_PAGES = 1024, RUN_PAGES = 32, REGION_PAGES = 2048, TWICE_PAGES = 2 * RUN_PAGES,
	PAUSES_MS = 2 * 200 + 15, FAST_MS = 40, SLOW_MS = 300,	/* a request of a run takes from half of that to all of it */
};
#define MS 1000000ull
#define WARM_NS (8000 * MS)
#define END_NS (24000 * MS)

static uint64_t begun_ns;
static uint32_t pages_done[DIRTIERS];	/* after the warm-up; this process's memory is all processes' */
static uint64_t longest_ns, most;

static uint64_t number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	MUST(at != NULL);
	return strtoull(at + strlen(key), NULL, 10);
}

/* Return: pages dirty or being written */
static uint64_t sample(uint64_t buf)
{
	static char text[PAGE];
	long fd = auk_syscall(SYS_open, sim_path(buf, "/proc/vmstat"), O_RDONLY), n;

	MUST(fd >= 0);
	n = auk_syscall(SYS_read, fd, buf, PAGE - 1);
	MUST(n > 0 && n < PAGE);
	MUST_EQ(auk_get(text, buf, (size_t)n), 0);
	text[n] = 0;
	MUST_EQ(auk_syscall(SYS_close, fd), 0);
	n = (long)(number_after(text, "nr_dirty ") + number_after(text, "nr_writeback "));
	most = most > (uint64_t)n ? most : (uint64_t)n;
	return (uint64_t)n;
}

/* What was dirty on either disk is on it when sync(2) returns, whoever was writing it: the disks' own threads begin at the same time. */
static void synced(uint64_t buf)
{
	static const char *const path[2] = { "/dev/vda", "/dev/vdb" };
	long fd[2];

	for (unsigned k = 0; k < 2; k++) {
		fd[k] = auk_syscall(SYS_open, sim_path(buf, "%s", path[k]), O_RDWR);
		MUST(fd[k] >= 0);
		for (uint64_t i = 0; i < 2 * RUN_PAGES; i++)
			MUST_EQ(auk_syscall(SYS_pwrite64, fd[k], buf, PAGE, i * PAGE), PAGE);
	}
	MUST(sample(buf) > 0);
	MUST_EQ(auk_syscall(SYS_sync), 0);
	MUST_EQ(sample(buf), 0);
	for (unsigned k = 0; k < 2; k++)
		MUST_EQ(auk_syscall(SYS_close, fd[k]), 0);
}

static int dirtier(void *arg)
{
	unsigned k = (unsigned)(uintptr_t)arg;
	uint64_t buf = auk_alloc(PAGE), now;
	long fd = auk_syscall(SYS_open, sim_path(buf, k < PER_DISK ? "/dev/vda" : "/dev/vdb"), O_RDWR);

	MUST(fd >= 0);
	for (unsigned i = 0; (now = auk_now_ns()) < begun_ns + END_NS; i++) {
		uint64_t at = (k % PER_DISK * REGION_PAGES + i % REGION_PAGES) * (uint64_t)PAGE, took;

		MUST_EQ(auk_syscall(SYS_pwrite64, fd, buf, PAGE, at), PAGE);
		took = auk_now_ns() - now;
		if (now > begun_ns + WARM_NS) {
			longest_ns = took > longest_ns ? took : longest_ns;
			pages_done[k]++;
		}
		if (i % 64 == 0)
			sample(buf);
	}
	MUST_EQ(auk_syscall(SYS_close, fd), 0);
	auk_free(buf, PAGE);
	return 0;
}

static void set(uint64_t buf, const char *name, unsigned value)
{
	char text[16];
	long fd = auk_syscall(SYS_open, sim_path(buf, "/proc/sys/vm/%s", name), O_WRONLY), n = snprintf(text, sizeof(text), "%u", value);

	MUST(fd >= 0);
	MUST_EQ(auk_put(buf, text, (size_t)n), 0);
	MUST_EQ(auk_syscall(SYS_write, fd, buf, n), n);
	MUST_EQ(auk_syscall(SYS_close, fd), 0);
}

static void set_up(uint64_t buf)
{
	sim_dev(buf);
	MUST_EQ(auk_syscall(SYS_mkdir, sim_path(buf, "/proc"), 0755), 0);
	MUST_EQ(auk_syscall(SYS_mount, sim_path(buf, "proc"), sim_path(buf + 64, "/proc"), sim_path(buf + 128, "proc"), 0, 0), 0);
	set(buf, "dirty_background_bytes", LIMIT_PAGES / 2 * PAGE);
	/* planted: the kernel holds to another limit than the model */
	set(buf, "dirty_bytes", (sim_plant == PLANT_LIMIT ? 2 : 1) * LIMIT_PAGES * PAGE);
}

static void check(void)
{
	uint64_t fast = 0, runs = (END_NS - WARM_NS) / (FAST_MS * MS);

	for (unsigned k = 0; k < DIRTIERS; k += PER_DISK)
		MUST(pages_done[k] * 3 >= pages_done[k + 1] * 2 && pages_done[k + 1] * 3 >= pages_done[k] * 2);
	for (unsigned k = 0; k < PER_DISK; k++)
		fast += pages_done[k];
	MUST(fast >= runs * RUN_PAGES / 2);
	MUST(longest_ns <= PAUSES_MS * MS);
	MUST(most <= LIMIT_PAGES + TWICE_PAGES);
	MUST(most > LIMIT_PAGES / 2);
}

void scenario_dirty(uint64_t seed)
{
	struct auk_disk *disk[2] = { auk_disk_new(PER_DISK * REGION_PAGES * PAGE), auk_disk_new(PER_DISK * REGION_PAGES * PAGE) };
	struct auk_device device[2] = { { AUK_BLK, .disk = disk[0] }, { AUK_BLK, .disk = disk[1] } };
	const uint64_t ms[2] = { FAST_MS, SLOW_MS };

	for (unsigned i = 0; i < 2; i++)
		auk_disk_set_faults(disk[i], &(struct auk_disk_faults){ .seed = seed + i, .latency_min_ns = ms[i] * MS / 2, .latency_max_ns = ms[i] * MS });
	sim_start(seed, 1 + seed % 4, device, 2);
	uint64_t buf = auk_alloc(PAGE);

	set_up(buf);
	synced(buf);
	begun_ns = auk_now_ns();
	for (unsigned k = 0; k < DIRTIERS; k++)
		MUST(auk_run(dirtier, (void *)(uintptr_t)k) > 1);
	for (unsigned k = 0; k < DIRTIERS; k++)
		MUST(auk_syscall(SYS_wait4, -1, 0, 0, 0) > 1);
	check();
	/* the flushers end when they have had nothing to do for a while */
	const struct timespec idle = { .tv_sec = 60 };

	MUST_EQ(auk_put(buf, &idle, sizeof(idle)), 0);
	MUST_EQ(auk_syscall(SYS_nanosleep, buf, 0), 0);
	MUST_EQ(auk_syscall(SYS_umount2, sim_path(buf, "/proc"), 0), 0);
	MUST_EQ(auk_syscall(SYS_rmdir, sim_path(buf, "/proc")), 0);
	MUST_EQ(auk_syscall(SYS_umount2, sim_path(buf, "/dev"), 0), 0);
	auk_free(buf, PAGE);
	sim_stop();
}
