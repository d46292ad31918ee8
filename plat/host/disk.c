/* See disk.h. */
#include <linux/errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include "base/string.h"
#include "plat/host/disk.h"
#include "plat/host/host.h"

enum { SECTOR = 512, IN_FLIGHT_MAX = VDEV_QUEUE_SIZE, HEADER = sizeof(struct virtio_blk_outhdr), SEGS_MAX = 126, RANGE_SECTORS_MAX = 1 << 16 };

struct request {
	struct host_event end;
	struct host_disk *disk;
	struct vdev_chain chain;
	bool busy;
};

struct host_disk {
	struct vdev dev;
	struct host_disk_config config;
	u8 *medium, *cache;		/* config.sectors each */
	u8 *unflushed;			/* a byte a sector: the cache has what the medium may not have */
	u64 random;			/* of faults that are no machine's */
	u64 requests;			/* ended so far */
	struct request request[IN_FLIGHT_MAX];
};

static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* ---- contents ---- */

static void persist(struct host_disk *d, u64 sector)
{
	memcpy(d->medium + sector * SECTOR, d->cache + sector * SECTOR, SECTOR);
	d->unflushed[sector] = 0;
}

static void flush(struct host_disk *d)
{
	for (u64 s = 0; s < d->config.sectors && !d->config.lose_flushes; s++)
		if (d->unflushed[s])
			persist(d, s);
}

static void written(struct host_disk *d, u64 sector)
{
	d->unflushed[sector] = 1;
	if (d->config.write_through)
		persist(d, sector);
}

static void write_sector(struct host_disk *d, u64 sector, const struct vdev_chain *c, u32 skip)
{
	vdev_gather(c, skip, d->cache + sector * SECTOR, SECTOR);
	written(d, sector);
}

static bool in_range(const struct host_disk *d, u64 sector, u64 count)
{
	return count <= d->config.sectors && sector <= d->config.sectors - count;
}

/* ---- requests: they happen when they end ---- */

static u8 do_read(struct host_disk *d, const struct vdev_chain *c, u64 sector)
{
	u32 len = vdev_in_bytes(c) - 1;

	if (len % SECTOR || !in_range(d, sector, len / SECTOR))
		return VIRTIO_BLK_S_IOERR;
	vdev_scatter(c, 0, d->cache + sector * SECTOR, len);
	return VIRTIO_BLK_S_OK;
}

static u8 do_write(struct host_disk *d, const struct vdev_chain *c, u64 sector, bool fails)
{
	u32 len = vdev_out_bytes(c) - HEADER;

	if (len % SECTOR || !in_range(d, sector, len / SECTOR) || d->config.read_only)
		return VIRTIO_BLK_S_IOERR;
	for (u32 i = 0; i < len / SECTOR; i++)
		if (!fails || host_random() & 1)
			write_sector(d, sector + i, c, HEADER + i * SECTOR);
	return fails ? VIRTIO_BLK_S_IOERR : VIRTIO_BLK_S_OK;
}

/* Discarded sectors read as zeroes here: the driver may not count on it. */
static u8 do_range(struct host_disk *d, const struct vdev_chain *c)
{
	struct virtio_blk_discard_write_zeroes r;

	if (vdev_out_bytes(c) != HEADER + sizeof(r) || d->config.read_only)
		return VIRTIO_BLK_S_UNSUPP;
	vdev_gather(c, HEADER, &r, sizeof(r));
	if (!in_range(d, r.sector, r.num_sectors))
		return VIRTIO_BLK_S_IOERR;
	memset(d->cache + r.sector * SECTOR, 0, (u64)r.num_sectors * SECTOR);
	for (u32 i = 0; i < r.num_sectors; i++)
		written(d, r.sector + i);
	return VIRTIO_BLK_S_OK;
}

static u8 do_id(const struct vdev_chain *c)
{
	static const char id[VIRTIO_BLK_ID_BYTES] = "auk-simulated";

	vdev_scatter(c, 0, id, sizeof(id));
	return VIRTIO_BLK_S_OK;
}

static u8 perform(struct host_disk *d, const struct vdev_chain *c)
{
	bool fails = d->config.error_one_in && host_random() % d->config.error_one_in == 0;
	struct virtio_blk_outhdr h;

	if (vdev_gather(c, 0, &h, sizeof(h)) != sizeof(h))
		return VIRTIO_BLK_S_IOERR;
	switch (h.type) {
	case VIRTIO_BLK_T_IN:
		return fails ? VIRTIO_BLK_S_IOERR : do_read(d, c, h.sector);
	case VIRTIO_BLK_T_OUT:
		return do_write(d, c, h.sector, fails);
	case VIRTIO_BLK_T_FLUSH:
		flush(d);
		return VIRTIO_BLK_S_OK;
	case VIRTIO_BLK_T_DISCARD:
	case VIRTIO_BLK_T_WRITE_ZEROES:
		return do_range(d, c);
	case VIRTIO_BLK_T_GET_ID:
		return do_id(c);
	}
	return VIRTIO_BLK_S_UNSUPP;
}

static void request_end(struct host_event *e)
{
	struct request *r = container_of(e, struct request, end);
	struct host_disk *d = r->disk;
	u32 in = vdev_in_bytes(&r->chain);
	u8 status;

	if (!in)
		host_stuck("a disk request without room for its status");
	status = perform(d, &r->chain);
	vdev_scatter(&r->chain, in - 1, &status, 1);
	d->requests++;
	r->busy = false;
	vdev_push(&d->dev, 0, r->chain.head, in);
}

static struct request *free_request(struct host_disk *d)
{
	for (u32 i = 0; i < IN_FLIGHT_MAX; i++)
		if (!d->request[i].busy)
			return &d->request[i];
	host_stuck("more disk requests in flight than the queue holds");
}

static void disk_notify(struct vdev *v, u32 queue)
{
	struct host_disk *d = container_of(v, struct host_disk, dev);

	for (;;) {
		struct request *r = free_request(d);

		if (!vdev_pop(v, 0, &r->chain))
			return;
		r->busy = true;
		host_event_plan(&r->end, host_time_ns() + (d->config.latency_ns_max ? host_random() % d->config.latency_ns_max : 0));
	}
}

static void forget_requests(struct host_disk *d)
{
	for (u32 i = 0; i < IN_FLIGHT_MAX; i++) {
		d->request[i].busy = false;
		d->request[i].disk = d;
		host_event_init(&d->request[i].end, request_end);
	}
}

static void disk_reset(struct vdev *v)
{
	struct host_disk *d = container_of(v, struct host_disk, dev);

	for (u32 i = 0; i < IN_FLIGHT_MAX; i++)
		if (d->request[i].busy)
			host_event_cancel(&d->request[i].end);
	forget_requests(d);
}

static const struct vdev_ops disk_ops = { .notify = disk_notify, .reset = disk_reset };

/* ---- making ---- */

struct host_disk *host_disk_new(const struct host_disk_config *c)
{
	struct host_disk *d = os_map(NULL, sizeof(*d));

	if (!d)
		return NULL;
	d->config = *c;
	d->medium = os_map(NULL, c->sectors * SECTOR);
	d->cache = os_map(NULL, c->sectors * SECTOR);
	d->unflushed = os_map(NULL, c->sectors);
	if (d->medium && d->cache && d->unflushed)
		return d;
	host_disk_free(d);
	return NULL;
}

void host_disk_free(struct host_disk *d)
{
	if (d->medium)
		os_unmap(d->medium, d->config.sectors * SECTOR);
	if (d->cache)
		os_unmap(d->cache, d->config.sectors * SECTOR);
	if (d->unflushed)
		os_unmap(d->unflushed, d->config.sectors);
	os_unmap(d, sizeof(*d));
}

int host_disk_plug(struct host_disk *d)
{
	struct virtio_blk_config *config = (struct virtio_blk_config *)d->dev.config;

	memset(&d->dev, 0, sizeof(d->dev));
	memcpy(d->cache, d->medium, d->config.sectors * SECTOR);
	memset(d->unflushed, 0, d->config.sectors);
	forget_requests(d);
	d->dev.ops = &disk_ops;
	d->dev.id = VIRTIO_ID_BLOCK;
	d->dev.queue_count = 1;
	d->dev.features = 1ull << VIRTIO_BLK_F_SEG_MAX | 1ull << VIRTIO_BLK_F_DISCARD | 1ull << VIRTIO_BLK_F_WRITE_ZEROES |
			  (d->config.read_only ? 1ull << VIRTIO_BLK_F_RO : 0) | (d->config.write_through ? 0 : 1ull << VIRTIO_BLK_F_FLUSH);
	config->capacity = d->config.sectors;
	config->seg_max = SEGS_MAX;
	config->max_discard_sectors = config->max_write_zeroes_sectors = RANGE_SECTORS_MAX;
	config->max_discard_seg = config->max_write_zeroes_seg = 1;
	config->discard_sector_alignment = 1;
	return vdev_add(&d->dev);
}

/* ---- ends ---- */

void host_disk_rest(struct host_disk *d)
{
	memcpy(d->medium, d->cache, d->config.sectors * SECTOR);
	memset(d->unflushed, 0, d->config.sectors);
}

/* A write that was under way when the power went: any of its sectors may have come into the cache. */
static void tear(struct host_disk *d, const struct request *r, u64 *random)
{
	struct virtio_blk_outhdr h;

	if (vdev_gather(&r->chain, 0, &h, sizeof(h)) != sizeof(h) || h.type != VIRTIO_BLK_T_OUT)
		return;
	u32 sectors = (vdev_out_bytes(&r->chain) - HEADER) / SECTOR;

	if (!in_range(d, h.sector, sectors) || d->config.read_only)
		return;
	for (u32 i = 0; i < sectors; i++)
		if (next_random(random) & 1)
			write_sector(d, h.sector + i, &r->chain, HEADER + i * SECTOR);
}

void host_disk_cut(struct host_disk *d, u64 seed)
{
	u64 random = (seed + 1) * 0x9e3779b97f4a7c15ull | 1;

	for (u32 i = 0; i < IN_FLIGHT_MAX; i++)
		if (d->request[i].busy)
			tear(d, &d->request[i], &random);
	for (u64 s = 0; s < d->config.sectors; s++) {
		if (!d->unflushed[s])
			continue;
		if (next_random(&random) & 1)
			persist(d, s);
		d->unflushed[s] = 0;
	}
}

void host_disk_damage(struct host_disk *d, u64 sector, u32 bit)
{
	d->medium[sector * SECTOR + bit / 8 % SECTOR] ^= (u8)(1 << bit % 8);
}

u8 *host_disk_medium(struct host_disk *d) { return d->medium; }
u64 host_disk_requests(const struct host_disk *d) { return d->requests; }
void host_disk_set_errors(struct host_disk *d, u32 one_in) { d->config.error_one_in = one_in; }
