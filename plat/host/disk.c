/* See disk.h and models.h. */
#include "base/string.h"
#include "plat/host/disk.h"
#include "plat/host/virtio.h"

enum { CACHE_SECTORS_MAX = 32 << 11 };	/* 32 MiB; more, and the oldest goes to the medium by itself */

/* @keeps: flushes write the file */
static struct auk_disk *disk_over(int fd, u64 bytes, bool keeps)
{
	struct auk_disk *d = os_alloc(sizeof(*d));

	if (!d || bytes < DISK_SECTOR)
		goto out_free;
	d->fd = fd;
	d->sectors = bytes / DISK_SECTOR;
	d->medium = os_map_file(fd, d->sectors * DISK_SECTOR, keeps);
	d->now = os_map_file(fd, d->sectors * DISK_SECTOR, false);
	if (!d->medium || !d->now)
		goto out_unmap;
	d->cached_end = &d->cached;
	auk_disk_set_faults(d, &(struct auk_disk_faults){ 0 });
	return d;
out_unmap:
	if (d->medium)
		os_unmap(d->medium, d->sectors * DISK_SECTOR);
	if (d->now)
		os_unmap(d->now, d->sectors * DISK_SECTOR);
out_free:
	os_free(d);
	os_close(fd);
	return NULL;
}

struct auk_disk *auk_disk_new(uint64_t bytes)
{
	int fd = os_memory_file(bytes);

	return fd < 0 ? NULL : disk_over(fd, bytes, true);
}

struct auk_disk *auk_disk_open(const char *path)
{
	u64 bytes;
	int fd = os_open_file(path, true, &bytes);

	return fd < 0 ? NULL : disk_over(fd, bytes, true);
}

struct auk_disk *auk_disk_open_private(const char *path)
{
	u64 bytes;
	int fd = os_open_file(path, false, &bytes);

	return fd < 0 ? NULL : disk_over(fd, bytes, false);
}

void auk_disk_free(struct auk_disk *d)
{
	disk_flush(d, ~0ull);
	os_unmap(d->medium, d->sectors * DISK_SECTOR);
	os_unmap(d->now, d->sectors * DISK_SECTOR);
	os_close(d->fd);
	os_free(d);
}

void auk_disk_set_faults(struct auk_disk *d, const struct auk_disk_faults *faults)
{
	d->faults = *faults;
	d->random = host_random_seed(faults->seed);
	if (!faults->latency_max_ns) {
		d->faults.latency_min_ns = 20000;
		d->faults.latency_max_ns = 200000;
	}
}

uint64_t auk_disk_bytes(const struct auk_disk *d) { return d->sectors * DISK_SECTOR; }

static bool in_range(const struct auk_disk *d, u64 offset, size_t len)
{
	u64 bytes = auk_disk_bytes(d);

	return len <= bytes && offset <= bytes - len;
}

int auk_disk_peek(struct auk_disk *d, uint64_t offset, void *buf, size_t len)
{
	if (!in_range(d, offset, len))
		return -1;
	memcpy(buf, d->now + offset, len);
	return 0;
}

int auk_disk_poke(struct auk_disk *d, uint64_t offset, const void *buf, size_t len)
{
	if (!in_range(d, offset, len))
		return -1;
	disk_flush(d, ~0ull);
	memcpy(d->medium + offset, buf, len);
	memcpy(d->now + offset, buf, len);
	return 0;
}

struct auk_disk_counts auk_disk_counts(const struct auk_disk *d)
{
	struct auk_disk_counts c = d->counts;

	c.cached_sectors = d->cached_sectors;
	return c;
}

/* ---- faults ---- */

bool disk_chance(struct auk_disk *d, u32 one_in)
{
	if (!one_in || host_random(&d->random) % one_in)
		return false;
	d->counts.faults++;
	return true;
}

bool disk_fails(struct auk_disk *d, u64 sector, u32 sectors, u32 one_in)
{
	const struct auk_disk_faults *f = &d->faults;
	bool bad = sectors && f->bad_sectors && sector < f->bad_first + f->bad_sectors && sector + sectors > f->bad_first;

	if (d->faults.fail_nth && --d->faults.fail_nth == 0)
		bad = true;
	if (bad)
		d->counts.faults++;
	return bad || disk_chance(d, one_in);
}

static void flip(struct auk_disk *d, u8 *data, u32 sectors)
{
	u64 bit = host_random(&d->random) % ((u64)sectors * DISK_SECTOR * 8);

	data[bit / 8] ^= (u8)(1 << bit % 8);
}

/* ---- what requests do ---- */

static void drop_first(struct auk_disk *d, bool apply)
{
	struct disk_write *w = d->cached;

	if (apply)
		memcpy(d->medium + w->sector * DISK_SECTOR, w->data, (size_t)w->sectors * DISK_SECTOR);
	d->cached = w->next;
	if (!d->cached)
		d->cached_end = &d->cached;
	d->cached_sectors -= w->sectors;
	os_free(w);
}

void disk_flush(struct auk_disk *d, u64 seq)
{
	while (d->cached && d->cached->seq <= seq)
		drop_first(d, true);
}

static void land(struct auk_disk *d, u64 sector, const u8 *data, u32 sectors)
{
	struct disk_write *w = os_alloc(sizeof(*w) + (size_t)sectors * DISK_SECTOR);

	if (!w)
		host_stuck("the host has no memory for a disk's cache");
	w->sector = sector;
	w->sectors = sectors;
	w->seq = d->seq;
	memcpy(w->data, data, (size_t)sectors * DISK_SECTOR);
	if (disk_chance(d, d->faults.write_flip))
		flip(d, w->data, sectors);
	memcpy(d->now + sector * DISK_SECTOR, w->data, (size_t)sectors * DISK_SECTOR);
	*d->cached_end = w;
	d->cached_end = &w->next;
	d->cached_sectors += sectors;
	while (d->cached_sectors > CACHE_SECTORS_MAX)
		drop_first(d, true);
}

void disk_write_ends(struct auk_disk *d, u64 sector, const u8 *data, u32 sectors, bool lasting)
{
	d->seq++;
	if (disk_chance(d, d->faults.lost_write))
		return;
	if (disk_chance(d, d->faults.misdirected))
		sector = host_random(&d->random) % (d->sectors - sectors + 1);
	land(d, sector, data, sectors);
	if (lasting)
		disk_flush(d, d->seq);
}

void disk_write_torn(struct auk_disk *d, u64 sector, const u8 *data, u32 sectors)
{
	d->seq++;
	for (u32 i = 0; i < sectors; i++)
		if (host_random(&d->random) % 2)
			land(d, sector + i, data + (size_t)i * DISK_SECTOR, 1);
}

void disk_read(struct auk_disk *d, u64 sector, u8 *to, u32 sectors)
{
	memcpy(to, d->now + sector * DISK_SECTOR, (size_t)sectors * DISK_SECTOR);
	if (disk_chance(d, d->faults.read_flip))
		flip(d, to, sectors);
}

/* ---- power ---- */

void auk_disk_power_cut(struct auk_disk *d, uint64_t seed)
{
	enum { NONE, ALL, UP_TO, ANY };
	u64 random = host_random_seed(seed);
	u64 kind = host_random(&random) % 4, count = 0, keep;

	for (struct disk_write *w = d->cached; w; w = w->next)
		count++;
	keep = kind == UP_TO ? host_random(&random) % (count + 1) : kind == ALL ? count : 0;
	for (u64 i = 0; d->cached; i++) {
		struct disk_write *w = d->cached;

		for (u32 s = 0; s < w->sectors && kind == ANY; s++)
			if (host_random(&random) % 2)
				memcpy(d->medium + (w->sector + s) * DISK_SECTOR, w->data + (size_t)s * DISK_SECTOR, DISK_SECTOR);
		drop_first(d, i < keep);
	}
	os_remap_file(d->now, d->fd, d->sectors * DISK_SECTOR);
}
