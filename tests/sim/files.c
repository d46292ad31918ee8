/*
 * Files: tmpfs under several processes; a disk with a power cut; a scenario in which each allocation fails in turn.
 *
 * tmpfs	processes create, rename and unlink files of their own in directories that all share, each with a model of its files, while
 *		another looks up names (RCU walks) and lists directories; what is found must be a file of its name
 * disk		writes to /dev/vda with the model "each sector holds what was last flushed, or something written later", over power cuts
 * nomem	allocation number seed % 64 + 1 of a small program fails: calls may fail with ENOMEM, nothing else may go wrong
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include "tests/sim/sim.h"

/* ---- tmpfs ---- */

enum { DIRS = 3, NAMES = 6, WRITERS = 3, STEPS = 60 };

static uint64_t path_a, path_b;		/* each process has its own copy of these pages */

struct owner {
	uint64_t number;
	struct stream random;
	int8_t dir[NAMES];		/* where name i is; -1: nowhere */
};

static uint64_t name_of(uint64_t at, const struct owner *o, unsigned dir, unsigned name)
{
	return sim_path(at, "/d%u/p%llu_%u", dir, (unsigned long long)o->number, name);
}

static void step(struct owner *o)
{
	uint64_t r = stream_next(&o->random);
	unsigned name = r % NAMES, other = (r >> 8) % NAMES, dir = (r >> 16) % DIRS;

	if (o->dir[name] < 0) {
		long fd = auk_syscall(SYS_open, name_of(path_a, o, dir, name), O_CREAT | O_EXCL | O_RDWR, 0600);

		MUST(fd >= 0);
		MUST_EQ(auk_syscall(SYS_close, fd), 0);
		o->dir[name] = (int8_t)dir;
		return;
	}
	name_of(path_a, o, (unsigned)o->dir[name], name);
	if (r >> 32 & 1) {
		MUST_EQ(auk_syscall(SYS_unlink, path_a), 0);
		MUST_EQ(auk_syscall(SYS_unlink, path_a), -ENOENT);
		o->dir[name] = -1;
		return;
	}
	if (other != name && o->dir[other] >= 0)
		dir = (unsigned)o->dir[other];		/* over an existing file */
	MUST_EQ(auk_syscall(SYS_rename, path_a, name_of(path_b, o, dir, other)), 0);
	o->dir[name] = -1;
	o->dir[other] = (int8_t)dir;
}

static int writer_main(void *arg)
{
	struct owner o = *(struct owner *)arg;

	for (unsigned i = 0; i < STEPS; i++)
		step(&o);
	for (unsigned name = 0; name < NAMES; name++) {
		for (unsigned dir = 0; dir < DIRS; dir++) {
			name_of(path_a, &o, dir, name);
			MUST_EQ(auk_syscall(SYS_access, path_a, 0), o.dir[name] == (int)dir ? 0 : -ENOENT);
			if (o.dir[name] == (int)dir)
				MUST_EQ(auk_syscall(SYS_unlink, path_a), 0);
		}
	}
	return 0;
}

static int reader_main(void *arg)
{
	struct stream random = stream_of((uint64_t)arg, 9);
	uint64_t buf = auk_alloc(PAGE);

	for (unsigned i = 0; i < STEPS; i++) {
		uint64_t r = stream_next(&random);
		struct owner o = { .number = r % WRITERS };
		long n = auk_syscall(SYS_access, name_of(path_a, &o, (r >> 8) % DIRS, (r >> 16) % NAMES), 0);

		MUST(!n || n == -ENOENT);
		if (r >> 40 & 3)
			continue;
		long fd = auk_syscall(SYS_open, sim_path(path_a, "/d%u", (unsigned)(r >> 24) % DIRS), O_RDONLY | O_DIRECTORY);
		MUST(fd >= 0);
		while ((n = auk_syscall(SYS_getdents64, fd, buf, PAGE)) > 0)
			;
		MUST_EQ(n, 0);
		MUST_EQ(auk_syscall(SYS_close, fd), 0);
	}
	return 0;
}

void scenario_tmpfs(uint64_t seed)
{
	static struct owner o[WRITERS];

	sim_start(seed, 1 + seed % 4, NULL, 0);
	path_a = auk_alloc(PAGE);
	path_b = auk_alloc(PAGE);
	for (unsigned d = 0; d < DIRS; d++)
		MUST_EQ(auk_syscall(SYS_mkdir, sim_path(path_a, "/d%u", d), 0755), 0);
	for (unsigned i = 0; i < WRITERS; i++) {
		o[i] = (struct owner){ .number = i, .random = stream_of(seed, i) };
		memset(o[i].dir, -1, sizeof(o[i].dir));
		MUST(auk_run(writer_main, &o[i]) > 1);
	}
	MUST(auk_run(reader_main, (void *)seed) > 1);
	for (unsigned i = 0; i < WRITERS + 1; i++)
		MUST_EQ(auk_wait(-1), 0);
	for (unsigned d = 0; d < DIRS; d++)
		MUST_EQ(auk_syscall(SYS_rmdir, sim_path(path_a, "/d%u", d)), 0);	/* empty, as all models say */
	sim_stop();
}

/* ---- a disk ---- */

enum { SECTOR = 512, SECTORS = PAGE / SECTOR, DISK_BLOCKS = 24, DISK_STEPS = 60, CUTS = 3 };

static struct {
	uint32_t durable;	/* the version that the last flush covered, or that was there after a power cut */
	uint32_t last;		/* the newest version written since */
} sectors[DISK_BLOCKS][SECTORS];
static uint32_t version;

static void make_block(uint32_t *words, unsigned block, uint32_t v)
{
	for (unsigned s = 0; s < SECTORS; s++)
		for (unsigned i = 0; i < SECTOR / 4; i++)
			words[s * SECTOR / 4 + i] = i == 0 ? v : i == 1 ? block : i == 2 ? s : v * 31 + i;
}

/* Each sector must be whole, of this block, and of a version between the durable and the last; that one is the durable one from now on. */
static void check_block(const uint32_t *words, unsigned block)
{
	uint32_t want[PAGE / 4];

	for (unsigned s = 0; s < SECTORS; s++) {
		uint32_t v = words[s * SECTOR / 4];

		MUST(v >= sectors[block][s].durable && v <= sectors[block][s].last);
		make_block(want, block, v);
		if (v)
			MUST(!memcmp(words + s * SECTOR / 4, want + s * SECTOR / 4, SECTOR));
		sectors[block][s].durable = sectors[block][s].last = v;
	}
}

static void disk_check_all(long fd, uint64_t buf)
{
	uint32_t words[PAGE / 4];

	for (unsigned b = 0; b < DISK_BLOCKS; b++) {
		MUST_EQ(auk_syscall(SYS_pread64, fd, buf, PAGE, b * PAGE), PAGE);
		MUST_EQ(auk_get(words, buf, PAGE), 0);
		check_block(words, b);
	}
}

static void disk_step(long fd, uint64_t buf, struct stream *random)
{
	uint64_t r = stream_next(random);
	unsigned b = (unsigned)(r >> 8) % DISK_BLOCKS;
	uint32_t words[PAGE / 4];

	if (r % 12 == 0) {
		MUST_EQ(auk_syscall(SYS_fsync, fd), 0);
		for (b = 0; b < DISK_BLOCKS; b++)
			for (unsigned s = 0; s < SECTORS; s++)
				sectors[b][s].durable = sectors[b][s].last;
		return;
	}
	if (r % 12 < 3) {
		MUST_EQ(auk_syscall(SYS_sync_file_range, fd, b * PAGE, 4 * PAGE, 7), 0);
		return;
	}
	version++;
	for (unsigned s = 0; s < SECTORS; s++)
		sectors[b][s].last = version;
	make_block(words, b, version);
	MUST_EQ(auk_put(buf, words, PAGE), 0);
	MUST_EQ(auk_syscall(SYS_pwrite64, fd, buf, PAGE, b * PAGE), PAGE);
}

void scenario_disk(uint64_t seed)
{
	struct auk_disk *disk = auk_disk_new(4 << 20);
	struct auk_device device = { AUK_BLK, .disk = disk };
	struct stream random = stream_of(seed, 3);

	auk_disk_set_faults(disk, &(struct auk_disk_faults){ .seed = seed, .latency_min_ns = 1000, .latency_max_ns = 1000 << seed % 10,
							     .lost_flush = sim_plant == PLANT_NO_FLUSH ? 2 : 0 });
	for (unsigned cut = 0; cut <= CUTS; cut++) {
		sim_start(seed + cut, 1 + seed % 4, &device, 1);
		uint64_t buf = auk_alloc(PAGE);

		sim_dev(buf);
		long fd = auk_syscall(SYS_open, sim_path(buf, "/dev/vda"), O_RDWR);
		MUST(fd >= 0);
		disk_check_all(fd, buf);
		if (cut == CUTS) {
			MUST_EQ(auk_syscall(SYS_close, fd), 0);
			MUST_EQ(auk_syscall(SYS_umount2, sim_path(buf, "/dev"), 0), 0);
			auk_free(buf, PAGE);
			sim_stop();
			break;
		}
		for (unsigned i = stream_next(&random) % DISK_STEPS; i--;)
			disk_step(fd, buf, &random);
		auk_power_cut(stream_next(&random));
	}
}

/* ---- no memory ---- */

static void expect(long result)
{
	MUST(result >= 0 || result == -ENOMEM || result == -EAGAIN || result == -ENOSPC || result == -ENFILE);
}

enum { ALLOCATIONS_MAX = 64 };		/* the program makes fewer */

/* What must succeed in the end, so that nothing stays: one allocation fails, so the second try has memory. */
static void undo(long nr, uint64_t path)
{
	long err = auk_syscall(nr, path);

	if (err == -ENOMEM)
		err = auk_syscall(nr, path);
	MUST_EQ(err, 0);
}

static int small_child(void *arg)
{
	return 3;
}

/* Two descriptors at @buf, if @made is no error: something goes through, and both are closed. */
static void use_pair(long made, uint64_t buf)
{
	int fds[2];

	expect(made);
	if (made)
		return;
	MUST_EQ(auk_get(fds, buf, 8), 0);
	expect(auk_syscall(SYS_write, fds[1], buf, 100));
	expect(auk_syscall(SYS_close, fds[0]));
	expect(auk_syscall(SYS_close, fds[1]));
}

static void small_program(uint64_t buf)
{
	long fd = auk_syscall(SYS_open, sim_path(buf, "/f"), O_CREAT | O_RDWR, 0600);

	expect(fd);
	if (fd >= 0) {
		long n = auk_syscall(SYS_write, fd, buf, PAGE);

		MUST(n == PAGE || n == -ENOMEM || n == -ENOSPC || n == -EFAULT);
		expect(auk_syscall(SYS_close, fd));
		undo(SYS_unlink, sim_path(buf, "/f"));
	}
	long r = auk_syscall(SYS_mkdir, sim_path(buf, "/d"), 0755);
	expect(r);
	if (!r)
		undo(SYS_rmdir, sim_path(buf, "/d"));
	use_pair(auk_syscall(SYS_pipe2, buf, 0), buf);
	r = auk_run(small_child, NULL);
	expect(r);
	if (r > 0) {
		r = auk_wait(r);
		MUST(r == 3 << 8 || r == -ENOMEM || r == -EFAULT);	/* -EFAULT: no memory for the page that the status goes to */
	}
	use_pair(auk_syscall(SYS_socketpair, 1, 1, 0, buf), buf);
	r = auk_syscall(SYS_epoll_create1, 0);
	expect(r);
	if (r >= 0)
		expect(auk_syscall(SYS_close, r));
}

void scenario_nomem(uint64_t seed)
{
	sim_start(seed / ALLOCATIONS_MAX, 2, NULL, 0);
	uint64_t buf = auk_alloc(PAGE);

	sim_path(buf, "x");
	auk_fail_alloc(1 + seed % ALLOCATIONS_MAX);
	small_program(buf);
	MUST(seed % ALLOCATIONS_MAX < ALLOCATIONS_MAX - 1 || !auk_fail_happened());	/* so that each one has failed in some run */
	MUST(seed % ALLOCATIONS_MAX || auk_fail_happened());
	auk_fail_alloc(0);
	while (auk_wait(-1) >= 0)
		;
	sim_stop();
}
