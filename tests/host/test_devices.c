#define _GNU_SOURCE
/* The models of disks, consoles and randomness, through the kernel's own drivers. */
#include "tests/host/host.h"

enum { DISK_BYTES = 8 << 20, BLOCK = 4096, BLOCKS = 64 };

static void start_with(uint64_t seed, const struct auk_device *devices, unsigned count)
{
	CHECK_EQ(auk_start(&(struct auk_config){ .seed = seed, .console = keep_log, .devices = devices, .device_count = count }), 0);
	uint64_t type = user_string("devtmpfs"), dir = user_string("/dev");
	CHECK_EQ(auk_syscall(SYS_mount, type, dir, type, 0, 0), 0);
	auk_free(type, PAGE);
	auk_free(dir, PAGE);
}

static long open_path(const char *path, int flags)
{
	uint64_t name = user_string(path);
	long fd = auk_syscall(SYS_open, name, (uint64_t)flags, 0644);

	auk_free(name, PAGE);
	return fd;
}

static void stop(void)
{
	uint64_t dir = user_string("/dev");

	CHECK_EQ(auk_syscall(SYS_umount2, dir, 0), 0);
	auk_free(dir, PAGE);
	(void)auk_stop();
}

static void fill(uint8_t *buf, uint64_t block, uint64_t version)
{
	for (unsigned i = 0; i < BLOCK / 8; i++)
		((uint64_t *)buf)[i] = block << 32 | version << 16 | i;
}

/* Write all blocks with @version in an order of the seed's. */
static void write_blocks(long fd, uint64_t buf, uint64_t version)
{
	uint8_t block[BLOCK];

	for (uint64_t i = 0; i < BLOCKS; i++) {
		fill(block, i, version);
		CHECK_EQ(auk_put(buf, block, BLOCK), 0);
		CHECK_EQ(auk_syscall(SYS_pwrite64, fd, buf, BLOCK, i * BLOCK), BLOCK);
	}
}

static const struct auk_disk_faults quiet;

static uint64_t survives(uint64_t seed)
{
	struct auk_disk *disk = auk_disk_new(DISK_BYTES);
	struct auk_device device = { AUK_BLK, .disk = disk };
	uint8_t want[BLOCK], got[BLOCK], old[BLOCK];

	CHECK(disk != NULL);
	start_with(seed, &device, 1);
	long fd = open_path("/dev/vda", O_RDWR);
	CHECK(fd >= 0);
	uint64_t buf = auk_alloc(BLOCK);
	write_blocks(fd, buf, 1);
	CHECK_EQ(auk_syscall(SYS_fsync, fd), 0);
	CHECK(auk_disk_counts(disk).flushes > 0);
	CHECK_EQ(auk_disk_counts(disk).cached_sectors, 0);
	write_blocks(fd, buf, 2);	/* never flushed */
	CHECK_EQ(auk_syscall(SYS_sync_file_range, fd, 0, 0, 7), 0);
	CHECK(auk_disk_counts(disk).cached_sectors > 0);
	auk_power_cut(seed);

	uint64_t kept = 0;
	start_with(seed + 1, &device, 1);
	fd = open_path("/dev/vda", O_RDONLY);
	buf = auk_alloc(BLOCK);
	for (uint64_t i = 0; i < BLOCKS; i++) {
		CHECK_EQ(auk_syscall(SYS_pread64, fd, buf, BLOCK, i * BLOCK), BLOCK);
		CHECK_EQ(auk_get(got, buf, BLOCK), 0);
		fill(want, i, 2);
		fill(old, i, 1);
		for (unsigned s = 0; s < BLOCK; s += 512) {
			int is_new = !memcmp(got + s, want + s, 512);
			CHECK(is_new || !memcmp(got + s, old + s, 512));
			kept += is_new;
		}
	}
	CHECK_EQ(auk_syscall(SYS_close, fd), 0);
	stop();
	auk_disk_free(disk);
	return kept;
}

/* What was flushed survives a power cut; of the rest some seeds keep none, some all, some a part. */
static void test_power_cut(void **state)
{
	unsigned none = 0, all = 0, part = 0;

	for (uint64_t seed = 0; seed < 24; seed++) {
		uint64_t kept = in_child(survives, seed);

		none += kept == 0;
		all += kept == BLOCKS * BLOCK / 512;
		part += kept > 0 && kept < BLOCKS * BLOCK / 512;
	}
	assert_true(none && all && part);
}

static uint64_t errors(uint64_t seed)
{
	struct auk_disk *disk = auk_disk_new(DISK_BYTES);
	struct auk_device device = { AUK_BLK, .disk = disk };

	start_with(seed, &device, 1);
	long fd = open_path("/dev/vda", O_RDWR);
	uint64_t buf = auk_alloc(BLOCK);
	auk_disk_set_faults(disk, &(struct auk_disk_faults){ .bad_first = 4096, .bad_sectors = 8 });
	CHECK_EQ(auk_syscall(SYS_pread64, fd, buf, BLOCK, 4096 * 512), -EIO);
	CHECK_EQ(auk_syscall(SYS_pread64, fd, buf, BLOCK, 5000 * 512), BLOCK);
	auk_disk_set_faults(disk, &(struct auk_disk_faults){ .write_error = 1 });
	CHECK_EQ(auk_syscall(SYS_pwrite64, fd, buf, BLOCK, 0), BLOCK);
	CHECK_EQ(auk_syscall(SYS_fsync, fd), -EIO);
	auk_disk_set_faults(disk, &(struct auk_disk_faults){ .flush_error = 1 });
	CHECK_EQ(auk_syscall(SYS_pwrite64, fd, buf, BLOCK, BLOCK), BLOCK);
	CHECK_EQ(auk_syscall(SYS_fsync, fd), -EIO);
	auk_disk_set_faults(disk, &quiet);
	CHECK_EQ(auk_syscall(SYS_pwrite64, fd, buf, BLOCK, BLOCK), BLOCK);
	CHECK_EQ(auk_syscall(SYS_fsync, fd), 0);
	CHECK(auk_disk_counts(disk).faults >= 3);
	CHECK_EQ(auk_syscall(SYS_close, fd), 0);
	stop();
	auk_disk_free(disk);
	return 0;
}

static void test_errors(void **state)
{
	for (uint64_t seed = 0; seed < 4; seed++)
		in_child(errors, seed);
}

/* Each lie of the atlas shows on the disk, and only there. */
static uint64_t lies(uint64_t which)
{
	struct auk_disk *disk = auk_disk_new(DISK_BYTES);
	struct auk_device device = { AUK_BLK, .disk = disk };
	struct auk_disk_faults f = { .seed = 5 };
	uint8_t want[BLOCK], got[BLOCK];

	*(uint32_t *[]){ &f.write_flip, &f.misdirected, &f.lost_write, &f.lost_flush }[which] = 1;
	start_with(1, &device, 1);
	long fd = open_path("/dev/vda", O_RDWR);
	uint64_t buf = auk_alloc(BLOCK);
	fill(want, 7, 1);
	CHECK_EQ(auk_put(buf, want, BLOCK), 0);
	auk_disk_set_faults(disk, &f);
	CHECK_EQ(auk_syscall(SYS_pwrite64, fd, buf, BLOCK, 7 * BLOCK), BLOCK);
	CHECK_EQ(auk_syscall(SYS_fsync, fd), 0);
	CHECK_EQ(auk_disk_peek(disk, 7 * BLOCK, got, BLOCK), 0);
	CHECK((memcmp(got, want, BLOCK) == 0) == (which == 3));
	CHECK((auk_disk_counts(disk).cached_sectors > 0) == (which == 3));
	auk_disk_set_faults(disk, &quiet);
	CHECK_EQ(auk_syscall(SYS_close, fd), 0);
	stop();
	auk_disk_free(disk);
	return 0;
}

static void test_lies(void **state)
{
	for (uint64_t which = 0; which < 4; which++)
		in_child(lies, which);
}

static char written[256];
static size_t written_len;

static void take_output(const char *text, size_t len)
{
	for (size_t i = 0; i < len && written_len < sizeof(written) - 1; i++)
		written[written_len++] = text[i];
}

static uint64_t console_and_rng(uint64_t seed)
{
	struct auk_device devices[] = { { AUK_CONSOLE, .output = take_output }, { AUK_RNG } };
	uint8_t random[64] = { 0 }, zero[64] = { 0 };

	start_with(seed, devices, 2);
	long fd = open_path("/dev/hvc0", O_RDWR | O_NOCTTY);
	CHECK(fd >= 0);
	uint64_t buf = user_string("hello, console\n");
	CHECK_EQ(auk_syscall(SYS_write, fd, buf, 15), 15);
	CHECK(strstr(written, "hello, console") != NULL);
	CHECK_EQ(auk_console_type("typed\n", 6), 6);
	CHECK_EQ(auk_syscall(SYS_read, fd, buf, PAGE), 6);
	CHECK_EQ(auk_get(random, buf, 6), 0);
	CHECK(!memcmp(random, "typed\n", 6));
	CHECK_EQ(auk_syscall(SYS_close, fd), 0);
	fd = open_path("/dev/hwrng", O_RDONLY);
	CHECK(fd >= 0);
	CHECK_EQ(auk_syscall(SYS_read, fd, buf, sizeof(random)), sizeof(random));
	CHECK_EQ(auk_get(random, buf, sizeof(random)), 0);
	CHECK(memcmp(random, zero, sizeof(random)) != 0);
	CHECK_EQ(auk_syscall(SYS_close, fd), 0);
	stop();
	return 0;
}

static void test_console_and_rng(void **state)
{
	for (uint64_t seed = 0; seed < 4; seed++)
		in_child(console_and_rng, seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_power_cut), cmocka_unit_test(test_errors), cmocka_unit_test(test_lies),
		cmocka_unit_test(test_console_and_rng),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
