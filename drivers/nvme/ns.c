/*
 * Namespaces as disks: their limits, and requests as commands.
 *
 * The data of a request is named by pages (PRP): the first perhaps from its middle on, the others whole; limits.virt_boundary
 * sees to it that no request comes otherwise.  From the third page on the list lies in request->data.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/printf.h"
#include "base/string.h"
#include "drivers/nvme/nvme.h"
#include "kern/page.h"
#include "kern/printk.h"
#include "kern/slab.h"
#include "vfs/inode.h"

enum { LIST_BYTES = NVME_PRP_ENTRIES * 8, DISCARD_SECTORS_MAX = 1 << 22 };
static_assert((LIST_BYTES & (LIST_BYTES - 1)) == 0 && LIST_BYTES <= 4096, "a list crosses no page");

/* ---- requests ---- */

static void put_pages(struct nvme_command *cmd, struct request *r)
{
	u64 *list = r->data;
	const struct bio_seg *s;
	struct request_iter it;
	u32 pages = 0;

	request_iter_init(&it, r);
	while ((s = request_next_seg(&it))) {
		paddr_t at = s->addr, end = s->addr + s->len_bytes;

		for (; at < end; at = (at & ~(paddr_t)4095) + 4096, pages++) {
			if (!pages)
				cmd->prp1 = at;
			else
				list[pages - 1] = at;
		}
	}
	if (pages == 2)
		cmd->prp2 = list[0];
	else if (pages > 2)
		cmd->prp2 = virt_to_phys(list);
}

static int command_make(struct nvme_ns *ns, struct request *r, struct nvme_command *cmd)
{
	u32 shift = ns->block_shift - SECTOR_SHIFT;
	u64 start = r->sector >> shift, blocks = r->sectors >> shift;
	struct nvme_dsm_range *range = r->data;

	*cmd = (struct nvme_command){ .nsid = ns->id };
	switch (r->op) {
	case BIO_FLUSH:
		cmd->opcode = NVME_FLUSH;
		return 0;
	case BIO_DISCARD:
		*range = (struct nvme_dsm_range){ .blocks = (u32)blocks, .start = start };
		cmd->opcode = NVME_DSM;
		cmd->prp1 = virt_to_phys(range);
		cmd->cdw11 = NVME_DSM_DEALLOCATE;
		return 0;
	case BIO_READ:
	case BIO_WRITE:
		cmd->opcode = r->op == BIO_READ ? NVME_READ : NVME_WRITE;
		put_pages(cmd, r);
		break;
	case BIO_WRITE_ZEROES:
		cmd->opcode = NVME_WRITE_ZEROES;
		break;
	default:
		return -EOPNOTSUPP;
	}
	cmd->cdw10 = (u32)start;
	cmd->cdw11 = (u32)(start >> 32);
	cmd->cdw12 = (u32)(blocks - 1) | (r->flags & BIO_FUA ? NVME_RW_FUA : 0);
	if (r->op == BIO_WRITE_ZEROES && !(r->flags & BIO_NOUNMAP))
		cmd->cdw12 |= NVME_ZEROES_DEAC;
	return 0;
}

static int ns_queue(struct hw_queue *h, struct request *r)
{
	struct nvme_ns *ns = h->disk->private;
	struct nvme_command cmd;
	int err = command_make(ns, r, &cmd);

	return err ? err : nvme_queue_put(h->data, &cmd, r, NULL);
}

static void ns_commit(struct hw_queue *h)
{
	nvme_queue_ring(h->data);
}

static unsigned ns_poll(struct hw_queue *h)
{
	return nvme_queue_reap(h->data);
}

static void ns_timeout(struct hw_queue *h, struct request *r)
{
	struct nvme_queue *q = h->data;
	bool aborted;
	u16 id;

	/* An interrupt may have got lost. */
	(void)nvme_queue_reap(q);
	if (!nvme_queue_find(q, r, &id, &aborted))
		return;
	if (!aborted) {
		pr_warn("%s: queue %u: request %u takes too long: abort", q->ctrl->name, q->id, id);
		nvme_abort(q->ctrl, q->id, id);
		return;
	}
	pr_warn("%s: queue %u: request %u does not end: reset", q->ctrl->name, q->id, id);
	(void)work_queue(&q->ctrl->reset_work);
}

static const struct queue_ops queue_ops = {
	.queue = ns_queue, .commit = ns_commit, .poll = ns_poll, .timeout = ns_timeout, .request_bytes = LIST_BYTES,
};

static const struct disk_ops disk_ops = { .ioctl = nvme_ns_ioctl };

/* ---- all of a controller's ---- */

void nvme_queues_run(struct nvme *c)
{
	for (u32 i = 0; i < atomic_load_acquire(&c->ns_count); i++)
		for (u32 k = 0; k < c->ns[i]->disk.queue_count; k++)
			queue_run(&c->ns[i]->disk.queues[k]);
}

void nvme_freeze(struct nvme *c, bool on)
{
	for (u32 i = 0; i < atomic_load_acquire(&c->ns_count); i++)
		for (u32 k = 0; k < c->ns[i]->disk.queue_count; k++)
			if (on)
				queue_freeze(&c->ns[i]->disk.queues[k]);
			else
				queue_thaw(&c->ns[i]->disk.queues[k]);
}

/* ---- finding them ---- */

/* What the page says of size and form. Return: 0, -ENODEV: nothing that could be used */
static int geometry_take(struct nvme_ns *ns, const struct nvme_id_ns *id)
{
	u32 form = id->format & 0xf, shift = id->lbaf[form].block_shift;

	if (!id->size || shift < SECTOR_SHIFT || shift > PAGE_SHIFT || id->size > (1ull << 62) >> shift)
		return -ENODEV;
	ns->block_shift = shift;
	ns->metadata_bytes = id->lbaf[form].metadata_bytes;
	ns->blocks = ns->metadata_bytes ? 0 : id->size;		/* blocks with metadata: not as a disk */
	return 0;
}

static void limits_take(struct nvme_ns *ns, const struct nvme_id_ns *id)
{
	struct nvme *c = ns->ctrl;
	struct disk_limits *l = &ns->disk.limits;
	u32 block = 1u << ns->block_shift;

	*l = (struct disk_limits){
		.segs_max = MIN(c->transfer_max / 4096, (u32)NVME_PRP_ENTRIES), .seg_bytes_max = c->transfer_max & ~4095u,
		.block_bytes = block, .physical_bytes = block, .sectors_max = c->transfer_max >> SECTOR_SHIFT, .virt_boundary = 4095,
		.flush = c->id.vwc & 1, .fua = c->id.vwc & 1, .dma_mask = 511, .read_only = id->attributes & 1,
	};
	l->segs_max = MAX(l->segs_max, 1u);
	if (id->features >> 4 & 1) {
		l->physical_bytes = MIN(id->npwg + 1u, 4096u / block) * block;
		l->io_min_bytes = (id->npwg + 1u) * block;
		l->io_opt_bytes = id->nows ? (id->nows + 1u) * block : 0;
	}
	if (c->id.oncs & NVME_ONCS_DSM) {
		l->discard_sectors_max = DISCARD_SECTORS_MAX;
		l->discard_granularity_bytes = block;
		l->discard_segs_max = NVME_DSM_RANGES_MAX;
	}
	if (c->id.oncs & NVME_ONCS_WRITE_ZEROES)
		l->zeroes_sectors_max = MIN(0x10000u << (ns->block_shift - SECTOR_SHIFT), c->transfer_max >> SECTOR_SHIFT);
	if (id->noiob)
		l->chunk_sectors = id->noiob << (ns->block_shift - SECTOR_SHIFT);
	disk_limits_fill(l);
}

static u64 ns_sectors(const struct nvme_ns *ns)
{
	return ns->blocks << (ns->block_shift - SECTOR_SHIFT);
}

static int ns_queues(struct nvme_ns *ns)
{
	struct nvme *c = ns->ctrl;
	u32 tags = MIN((u32)NVME_TAGS, (u32)c->queues[1]->depth - 1);
	int err = disk_queues_create(&ns->disk, &queue_ops, c->io_queues, c->poll_queues, tags);

	for (u32 i = 0; i < c->io_queues && !err; i++)
		ns->disk.queues[i].data = c->queues[i + 1];
	return err;
}

static int ns_add(struct nvme *c, u32 nsid, const struct nvme_id_ns *id)
{
	struct nvme_ns *ns = kzalloc(sizeof(*ns), ALLOC_KERNEL);
	int err;

	if (!ns)
		return -ENOMEM;
	ns->ctrl = c;
	ns->id = nsid;
	memcpy(ns->eui64, id->eui64, sizeof(ns->eui64));
	memcpy(ns->nguid, id->nguid, sizeof(ns->nguid));
	err = geometry_take(ns, id);
	if (!err) {
		limits_take(ns, id);
		err = ns_queues(ns);
	}
	if (err) {
		kfree(ns);
		return err;
	}
	scnprintf(ns->disk.name, sizeof(ns->disk.name), "%sn%u", c->name, nsid);
	ns->disk.driver_name = "nvme";
	ns->disk.ops = &disk_ops;
	ns->disk.private = ns;
	ns->disk.no_sort = true;
	ns->disk.geometry_heads = 64;
	ns->disk.geometry_sectors = 32;
	ns->disk.attrs = nvme_ns_attrs;
	ns->disk.parent = &c->node;
	c->ns[c->ns_count] = ns;
	atomic_store_release(&c->ns_count, c->ns_count + 1);
	disk_add(&ns->disk, ns_sectors(ns));
	nvme_sysfs_ns(ns);
	return 0;
}

static void ns_refresh(struct nvme_ns *ns, const struct nvme_id_ns *id)
{
	u32 shift = ns->block_shift;

	if (geometry_take(ns, id))
		ns->blocks = 0;
	else if (shift != ns->block_shift)
		limits_take(ns, id);
	if (ns_sectors(ns) != atomic_load(&ns->disk.whole.sectors))
		disk_resize(&ns->disk, ns_sectors(ns));
}

static void ns_scan(struct nvme *c, u32 nsid, void *page)
{
	int err = nvme_identify(c, NVME_IDENTIFY_NS, nsid, page);

	for (u32 i = 0; i < c->ns_count; i++) {
		if (c->ns[i]->id == nsid) {
			if (!err)
				ns_refresh(c->ns[i], page);
			return;
		}
	}
	if (!err && c->ns_count < NVME_NAMESPACES_MAX)
		err = ns_add(c, nsid, page);
	if (err && err != -ENODEV)
		pr_warn("%s: namespace %u: error %d", c->name, nsid, -err);
}

/* Of a controller that has no list (before 1.1): all numbers. */
static void scan_by_number(struct nvme *c, void *page)
{
	for (u32 id = 1; id <= MIN(c->id.namespaces, (u32)NVME_NAMESPACES_MAX); id++)
		ns_scan(c, id, page);
}

void nvme_scan(struct nvme *c)
{
	struct page *pages_ = page_alloc(1, ALLOC_KERNEL | ALLOC_ZERO);
	u32 *list, last = 0;
	u8 *page;

	if (!pages_ || xchg(&c->scanning, 1u)) {
		if (pages_)
			page_put(pages_);
		return;		/* another thread is at it */
	}
	list = page_virt(pages_);
	page = (u8 *)list + PAGE_SIZE;
	if (nvme_identify(c, NVME_IDENTIFY_NS_LIST, 0, list)) {
		scan_by_number(c, page);
	} else {
		/* The numbers rise; one that does not ends the list. */
		for (u32 i = 0; i < PAGE_SIZE / 4 && list[i] > last && c->ns_count < NVME_NAMESPACES_MAX; i++) {
			last = list[i];
			ns_scan(c, last, page);
		}
	}
	page_put(pages_);
	atomic_store_release(&c->scanning, 0u);
}
