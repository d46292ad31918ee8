/*
 * ext4 on a disk with power cuts.  Files of a fixed size are overwritten in place, synced one by one or all at once; then the power goes, the next machine
 * mounts (and so replays the journal), and each sector of each file holds the version that was last synced, or one written later.
 *
 * A file that was never synced may be missing or short: that is version 0.  The image is made by mkfs.ext4.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tests/sim/sim.h"

enum { SECTOR = 512, FILES = 6, FILE_BYTES = 2 * PAGE, SECTORS = FILE_BYTES / SECTOR, STEPS = 40, CUTS = 3, IMAGE_MIB = 16 };

static struct {
	uint32_t durable, last;		/* versions: at least that one; at most that one */
} model[FILES][SECTORS];
static uint32_t version, words[FILE_BYTES / 4];

static void make_words(unsigned file, uint32_t v)
{
	for (unsigned i = 0; i < FILE_BYTES / 4; i++)
		words[i] = i % (SECTOR / 4) ? v * 31 + file * 7 + i : v;
}

/* Fresh: mkfs.ext4 in a file that is gone when this process ends. */
static struct auk_disk *make_image(void)
{
	char name[] = "/tmp/auk-sim-XXXXXX", command[160];
	int fd = mkstemp(name);

	MUST(fd >= 0 && !ftruncate(fd, IMAGE_MIB << 20));
	snprintf(command, sizeof(command), "PATH=$PATH:/usr/sbin:/sbin mkfs.ext4 -q -F -b 4096 -J size=4 %s >/dev/null 2>&1", name);
	MUST_EQ(system(command), 0);
	struct auk_disk *d = auk_disk_open(name);
	MUST(d != NULL);
	unlink(name);
	close(fd);
	return d;
}

static void mount_all(uint64_t buf)
{
	sim_dev(buf);
	MUST_EQ(auk_syscall(SYS_mkdir, sim_path(buf, "/mnt"), 0755), 0);
	MUST_EQ(auk_syscall(SYS_mount, sim_path(buf + 64, "/dev/vda"), buf, sim_path(buf + 128, "ext4"), 0, 0), 0);
}

static void check_file(unsigned file, uint64_t buf)
{
	uint32_t got[FILE_BYTES / 4] = { 0 };
	long fd = auk_syscall(SYS_open, sim_path(buf, "/mnt/f%u", file), O_RDONLY), n = 0;

	MUST(fd >= 0 || fd == -ENOENT);
	if (fd >= 0) {
		n = auk_syscall(SYS_read, fd, buf, FILE_BYTES);
		MUST(n >= 0);
		MUST_EQ(auk_get(got, buf, (size_t)n), 0);
		MUST_EQ(auk_syscall(SYS_close, fd), 0);
	}
	for (unsigned s = 0; s < SECTORS; s++) {
		const uint32_t *at = got + s * SECTOR / 4;

		MUST(at[0] >= model[file][s].durable && at[0] <= model[file][s].last);
		make_words(file, at[0]);
		if (at[0])
			MUST(!memcmp(at, words + s * SECTOR / 4, SECTOR));
		model[file][s].durable = model[file][s].last = at[0];
	}
}

static void synced(unsigned file)
{
	for (unsigned s = 0; s < SECTORS; s++)
		model[file][s].durable = model[file][s].last;
}

static void step(uint64_t buf, struct stream *random)
{
	uint64_t r = stream_next(random);
	unsigned file = (unsigned)(r >> 8) % FILES;

	if (r % 16 == 0) {
		MUST_EQ(auk_syscall(SYS_sync), 0);
		for (unsigned f = 0; f < FILES; f++)
			synced(f);
		return;
	}
	long fd = auk_syscall(SYS_open, sim_path(buf, "/mnt/f%u", file), O_CREAT | O_RDWR, 0644);
	MUST(fd >= 0);
	version++;
	for (unsigned s = 0; s < SECTORS; s++)
		model[file][s].last = version;
	make_words(file, version);
	MUST_EQ(auk_put(buf, words, FILE_BYTES), 0);
	MUST_EQ(auk_syscall(SYS_pwrite64, fd, buf, FILE_BYTES, 0), FILE_BYTES);
	if (r % 4 == 1) {
		MUST_EQ(auk_syscall(r >> 32 & 1 ? SYS_fsync : SYS_fdatasync, fd), 0);
		synced(file);
	}
	MUST_EQ(auk_syscall(SYS_close, fd), 0);
}

void scenario_ext4(uint64_t seed)
{
	struct auk_disk *disk = make_image();
	struct auk_device device = { AUK_BLK, .disk = disk };
	struct stream random = stream_of(seed, 4);

	auk_disk_set_faults(disk, &(struct auk_disk_faults){ .seed = seed, .latency_min_ns = 1000, .latency_max_ns = 1000 << seed % 10,
							     .lost_flush = sim_plant == PLANT_NO_FLUSH ? 2 : 0 });
	for (unsigned cut = 0; cut <= CUTS; cut++) {
		sim_start(seed + cut, 1 + seed % 4, &device, 1);
		uint64_t buf = auk_alloc(FILE_BYTES);

		mount_all(buf);
		for (unsigned f = 0; f < FILES; f++)
			check_file(f, buf);
		if (cut == CUTS) {
			MUST_EQ(auk_syscall(SYS_umount2, sim_path(buf, "/mnt"), 0), 0);
			MUST_EQ(auk_syscall(SYS_umount2, sim_path(buf, "/dev"), 0), 0);
			auk_free(buf, FILE_BYTES);
			sim_stop();
			break;
		}
		for (unsigned i = 1 + stream_next(&random) % STEPS; i--;)
			step(buf, &random);
		auk_power_cut(stream_next(&random));
	}
}
