/*
 * virtio-blk over a struct auk_disk.  A request is taken at the notification, with a copy of what it writes, and has its effect and its
 * end together, at a time that the disk's latency gives it: so requests end in another order than they were made.
 *
 * At a reset, as when the power goes, writes under way are torn: each sector may have reached the cache.
 *
 * Source: VIRTIO 1.2, 5.2.
 */
#include <linux/errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ids.h>
#include "base/string.h"
#include "plat/host/disk.h"
#include "plat/host/virtio.h"

enum { DISCARD_SECTORS_MAX = 1 << 15, QUEUES_MAX = 4, SEGS_MAX = 126 };

/* A request under way. */
struct io {
	struct io *next;		/* by due_ns, then in the order of arrival */
	u64 due_ns, sector, flush_seq;
	u32 type, sectors, queue;
	bool refused;			/* not supported or out of range: no effect */
	u8 refusal;
	u8 *data;			/* what is written, or room for what is read */
	struct host_chain chain;
};

static struct io *under_way[AUK_DEVICES_MAX];	/* by device */

static void io_free(struct io *io)
{
	os_free(io->data);
	os_free(io);
}

static void enqueue(struct host_virtio *v, struct io *io)
{
	struct io **at = &under_way[v->number];

	while (*at && (*at)->due_ns <= io->due_ns)
		at = &(*at)->next;
	io->next = *at;
	*at = io;
	v->due_ns = under_way[v->number]->due_ns;
}

static void refuse(struct io *io, u8 status)
{
	io->refused = true;
	io->refusal = status;
}

static void take_range(struct io *io)
{
	struct virtio_blk_discard_write_zeroes range;

	if (io->chain.out_bytes != sizeof(struct virtio_blk_outhdr) + sizeof(range)) {
		refuse(io, VIRTIO_BLK_S_UNSUPP);
		return;
	}
	(void)host_chain_read(&io->chain, sizeof(struct virtio_blk_outhdr), &range, sizeof(range));
	io->sector = range.sector;
	io->sectors = range.num_sectors;
	if (io->sectors > DISCARD_SECTORS_MAX)
		refuse(io, VIRTIO_BLK_S_IOERR);
}

/* Size, place and data of the request. */
static void decode(struct auk_disk *d, const struct auk_device *setup, struct io *io)
{
	struct host_chain *c = &io->chain;
	struct virtio_blk_outhdr header;
	u32 payload = 0;

	if (host_chain_read(c, 0, &header, sizeof(header)) != sizeof(header) || !c->in_bytes)
		host_stuck("a driver made a block request without a header or without a status byte");
	io->type = header.type;
	io->sector = header.sector;
	io->flush_seq = d->seq;
	switch (io->type) {
	case VIRTIO_BLK_T_IN: payload = c->in_bytes - 1; break;
	case VIRTIO_BLK_T_OUT: payload = c->out_bytes - (u32)sizeof(header); break;
	case VIRTIO_BLK_T_FLUSH: return;
	case VIRTIO_BLK_T_GET_ID: io->sector = 0; return;
	case VIRTIO_BLK_T_DISCARD: case VIRTIO_BLK_T_WRITE_ZEROES: take_range(io); break;
	default: refuse(io, VIRTIO_BLK_S_UNSUPP); return;
	}
	if (payload % (setup->block_bytes ? setup->block_bytes : DISK_SECTOR))
		host_stuck("a driver made a block request of another size than whole blocks");
	io->sectors += payload / DISK_SECTOR;
	if (io->sectors > d->sectors || io->sector > d->sectors - io->sectors || (setup->read_only && io->type != VIRTIO_BLK_T_IN))
		refuse(io, VIRTIO_BLK_S_IOERR);
	if (io->refused)
		return;
	io->data = os_alloc((size_t)io->sectors * DISK_SECTOR + 1);	/* zeroes */
	if (!io->data)
		host_stuck("the host has no memory for a block request");
	if (io->type == VIRTIO_BLK_T_OUT)
		(void)host_chain_read(c, sizeof(header), io->data, payload);
}

static void notify(struct host_virtio *v, u32 queue)
{
	struct auk_disk *d = v->setup.disk;

	while (host_vq_available(v, queue)) {
		struct io *io = os_alloc(sizeof(*io));

		if (!io)
			host_stuck("the host has no memory for a block request");
		(void)host_vq_pop(v, queue, &io->chain);
		io->queue = queue;
		decode(d, &v->setup, io);
		io->due_ns = host_now_ns() + d->faults.latency_min_ns +
			     host_random(&d->random) % (d->faults.latency_max_ns - d->faults.latency_min_ns + 1);
		enqueue(v, io);
	}
}

/* ---- the effect ---- */

static u8 do_read(struct auk_disk *d, struct io *io)
{
	d->counts.reads++;
	if (disk_fails(d, io->sector, io->sectors, d->faults.read_error))
		return VIRTIO_BLK_S_IOERR;
	disk_read(d, io->sector, io->data, io->sectors);
	(void)host_chain_write(&io->chain, 0, io->data, io->sectors * DISK_SECTOR);
	return VIRTIO_BLK_S_OK;
}

static u8 do_write(struct auk_disk *d, struct io *io, bool lasting)
{
	if (io->type == VIRTIO_BLK_T_OUT)
		d->counts.writes++;
	else
		d->counts.discards++;
	if (!io->sectors)
		return VIRTIO_BLK_S_OK;
	if (disk_fails(d, io->sector, io->sectors, d->faults.write_error)) {
		disk_write_torn(d, io->sector, io->data, io->sectors);
		return VIRTIO_BLK_S_IOERR;
	}
	disk_write_ends(d, io->sector, io->data, io->sectors, lasting);
	return VIRTIO_BLK_S_OK;
}

static u8 do_flush(struct auk_disk *d, struct io *io)
{
	d->counts.flushes++;
	if (disk_fails(d, 0, 0, d->faults.flush_error))
		return VIRTIO_BLK_S_IOERR;
	if (!disk_chance(d, d->faults.lost_flush))
		disk_flush(d, io->flush_seq);
	return VIRTIO_BLK_S_OK;
}

static u8 effect(struct host_virtio *v, struct io *io)
{
	struct auk_disk *d = v->setup.disk;

	if (io->refused)
		return io->refusal;
	switch (io->type) {
	case VIRTIO_BLK_T_IN: return do_read(d, io);
	case VIRTIO_BLK_T_FLUSH: return do_flush(d, io);
	case VIRTIO_BLK_T_GET_ID:
		(void)host_chain_write(&io->chain, 0, "auk", MIN(4u, io->chain.in_bytes - 1));
		return VIRTIO_BLK_S_OK;
	}
	return do_write(d, io, v->setup.write_through);
}

static void due(struct host_virtio *v)
{
	struct io *io = under_way[v->number];
	u8 status = effect(v, io);

	under_way[v->number] = io->next;
	v->due_ns = io->next ? io->next->due_ns : ~0ull;
	(void)host_chain_write(&io->chain, io->chain.in_bytes - 1, &status, 1);
	host_vq_push(v, io->queue, io->chain.head, io->type == VIRTIO_BLK_T_IN && !status ? io->chain.in_bytes : 1);
	io_free(io);
}

static void reset(struct host_virtio *v)
{
	struct io *io;

	while ((io = under_way[v->number])) {
		under_way[v->number] = io->next;
		if (!io->refused && io->data && io->type != VIRTIO_BLK_T_IN && io->sectors)
			disk_write_torn(v->setup.disk, io->sector, io->data, io->sectors);
		io_free(io);
	}
}

static const struct host_virtio_ops ops = { .id = VIRTIO_ID_BLOCK, .notify = notify, .due = due, .reset = reset };

int host_blk_setup(struct host_virtio *v)
{
	const struct auk_device *s = &v->setup;
	u32 block = s->block_bytes ? s->block_bytes : DISK_SECTOR, queues = s->queues ? s->queues : 1;

	if (!s->disk || queues > QUEUES_MAX || block < DISK_SECTOR || block > PAGE_SIZE || block & (block - 1))
		return -EINVAL;
	struct virtio_blk_config c = {
		.capacity = s->disk->sectors / (block / DISK_SECTOR) * (block / DISK_SECTOR), .seg_max = SEGS_MAX, .blk_size = block,
		.num_queues = (u16)queues,
		.max_discard_sectors = DISCARD_SECTORS_MAX, .max_discard_seg = 1, .discard_sector_alignment = block / DISK_SECTOR,
		.max_write_zeroes_sectors = DISCARD_SECTORS_MAX, .max_write_zeroes_seg = 1,
	};

	static_assert(sizeof(c) <= CONFIG_BYTES, "the configuration fits");
	memcpy(v->config, &c, sizeof(c));
	v->ops = &ops;
	v->queue_count = queues;
	v->offered |= 1ull << VIRTIO_BLK_F_SEG_MAX | 1ull << VIRTIO_BLK_F_BLK_SIZE;
	if (queues > 1)
		v->offered |= 1ull << VIRTIO_BLK_F_MQ;
	if (s->read_only)
		v->offered |= 1ull << VIRTIO_BLK_F_RO;
	else
		v->offered |= 1ull << VIRTIO_BLK_F_DISCARD | 1ull << VIRTIO_BLK_F_WRITE_ZEROES;
	if (!s->write_through)
		v->offered |= 1ull << VIRTIO_BLK_F_FLUSH;
	return 0;
}
