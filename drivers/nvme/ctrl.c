/*
 * A controller's life: disabled -> enabled -> identified, queues -> live; reset; shut down.  The contract is in nvme.h.
 *
 * Locks: ctrl->lock (RANK_DEVICE, sleeping) is held over the start, a reset and a scan: one at a time.
 */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/printf.h"
#include "base/string.h"
#include "drivers/mmio.h"
#include "drivers/nvme/nvme.h"
#include "kern/page.h"
#include "kern/param.h"
#include "kern/printk.h"
#include "kern/shutdown.h"

enum { POLL_NS = 500 * 1000, TIMEOUT_UNIT_MS = 500, SHUTDOWN_MS = 2000 };

static void write64(u8 *reg, u64 v)
{
	mmio_write32(reg, (u32)v);
	mmio_write32(reg + 4, (u32)(v >> 32));
}

/* Wait until (CSTS & mask) == want. Return: 0, -ETIMEDOUT, -ENODEV (it has gone) */
static int status_wait(struct nvme *c, u32 mask, u32 want, u64 limit_ms)
{
	u64 deadline_ns = plat_mono_ns() + limit_ms * 1000000;

	for (;;) {
		u32 status = mmio_read32(c->registers + NVME_REG_CSTS);

		if (status == ~0u)
			return -ENODEV;
		if ((status & mask) == want)
			return 0;
		if (plat_mono_ns() > deadline_ns)
			return -ETIMEDOUT;
		sleep_ns(POLL_NS);
	}
}

static u64 ready_ms(const struct nvme *c)
{
	return ((c->cap >> 24 & 0xff) + 1) * TIMEOUT_UNIT_MS;
}

static int disable(struct nvme *c)
{
	u32 cc = mmio_read32(c->registers + NVME_REG_CC);

	mmio_write32(c->registers + NVME_REG_CC, cc & ~(u32)(NVME_CC_ENABLE | NVME_CC_SHUTDOWN));
	return status_wait(c, NVME_CSTS_READY, 0, ready_ms(c));
}

int nvme_ctrl_enable(struct nvme *c)
{
	struct nvme_queue *admin = c->queues[0];
	int err = disable(c);

	if (err)
		return err;
	nvme_queue_restart(admin);
	mmio_write32(c->registers + NVME_REG_AQA, (u32)(admin->depth - 1) | (u32)(admin->depth - 1) << 16);
	write64(c->registers + NVME_REG_ASQ, virt_to_phys(admin->commands));
	write64(c->registers + NVME_REG_ACQ, virt_to_phys(admin->completions));
	mmio_write32(c->registers + NVME_REG_CC, NVME_CC_ENABLE | NVME_CC_SQES_64 | NVME_CC_CQES_16);
	return status_wait(c, NVME_CSTS_READY, NVME_CSTS_READY, ready_ms(c));
}

/* ---- the start ---- */

/* A field of blanks and text, not terminated, is made a string without blanks at the end; what cannot be printed becomes '?'. */
static void text_take(char *to, size_t size, const char *from, size_t len)
{
	size_t n = MIN(len, size - 1);

	for (size_t i = 0; i < n; i++)
		to[i] = from[i] >= ' ' && from[i] < 127 ? from[i] : from[i] ? '?' : ' ';
	while (n && to[n - 1] == ' ')
		n--;
	to[n] = '\0';
}

static int identify(struct nvme *c)
{
	struct page *p = page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO);
	u32 page_shift = 12 + (c->cap >> 48 & 0xf);
	int err = p ? nvme_identify(c, NVME_IDENTIFY_CTRL, 0, page_virt(p)) : -ENOMEM;

	if (!err) {
		memcpy(&c->id, page_virt(p), sizeof(c->id));
		text_take(c->serial, sizeof(c->serial), c->id.serial, sizeof(c->id.serial));
		text_take(c->model, sizeof(c->model), c->id.model, sizeof(c->id.model));
		text_take(c->firmware, sizeof(c->firmware), c->id.firmware, sizeof(c->id.firmware));
		text_take(c->nqn, sizeof(c->nqn), c->id.nqn, strnlen(c->id.nqn, sizeof(c->id.nqn)));
		c->transfer_max = NVME_TRANSFER_MAX;
		if (c->id.mdts && c->id.mdts < 20)
			c->transfer_max = MIN(c->transfer_max, 1u << MIN(page_shift + c->id.mdts, 30u));
	}
	if (p)
		page_put(p);
	return err;
}

static u16 io_depth(const struct nvme *c)
{
	return MIN((u32)(c->cap & 0xffff) + 1, (u32)NVME_IO_DEPTH);
}

/* How many queues there will be: one a CPU, and those that are polled, as far as the controller and its vectors go. */
static int queues_plan(struct nvme *c)
{
	u32 want_poll = (u32)MIN(param_u64("nvme.poll_queues", 0), 16ull), cpus = plat_cpu_count(), granted = 0;
	u32 want = MIN(cpus, c->msix ? MAX(c->pci->msix_count, 2u) - 1 : 1u);
	int err = nvme_queue_count_set(c, want + want_poll, &granted);

	if (err)
		return err;
	c->poll_queues = granted > want ? granted - want : 0;
	c->io_queues = granted;
	c->queue_count = 1 + granted;
	return 0;
}

static int queues_make(struct nvme *c)
{
	int err = 0;

	for (u32 i = 1; i < c->queue_count && !err; i++) {
		bool polled = i > c->io_queues - c->poll_queues;

		err = nvme_queue_create(c, (u16)i, io_depth(c), polled);
		if (!err && c->msix && !polled)
			err = pci_msix_attach(c->pci, i, (i - 1) % plat_cpu_count(), nvme_irq, c->queues[i]);
	}
	return err;
}

static int queues_tell(struct nvme *c)
{
	int err = 0;

	for (u32 i = 1; i < c->queue_count && !err; i++)
		err = nvme_io_queue_tell(c->queues[i], c->msix ? (u16)i : 0);
	return err;
}

int nvme_ctrl_start(struct nvme *c)
{
	int err;

	mutex_lock(&c->lock);
	err = nvme_ctrl_enable(c);
	if (!err)
		err = identify(c);
	if (!err)
		err = queues_plan(c);
	if (!err)
		err = queues_make(c);
	if (!err)
		err = queues_tell(c);
	if (!err)
		atomic_store(&c->state, NVME_LIVE);
	mutex_unlock(&c->lock);
	return err;
}

/* ---- reset ---- */

static int bring_back(struct nvme *c)
{
	u32 granted = 0;
	int err = nvme_ctrl_enable(c);

	if (!err)
		err = identify(c);
	if (!err)
		err = nvme_queue_count_set(c, c->io_queues, &granted);
	if (!err && granted < c->io_queues)
		err = -ENOSPC;
	return err ? err : queues_tell(c);
}

int nvme_ctrl_reset(struct nvme *c)
{
	int err;

	mutex_lock(&c->lock);
	if (atomic_load(&c->state) != NVME_LIVE) {
		mutex_unlock(&c->lock);
		return -EBUSY;
	}
	atomic_store(&c->state, NVME_RESETTING);
	pr_warn("%s: controller reset", c->name);
	nvme_freeze(c, true);
	for (u32 i = 0; i < c->queue_count; i++)
		nvme_queue_stop(c->queues[i]);
	err = disable(c);	/* from here it touches no memory of ours any more */
	for (u32 i = 0; i < c->queue_count; i++)
		nvme_queue_cancel(c->queues[i], true);
	if (!err)
		err = bring_back(c);
	if (err)
		pr_err("%s: it does not come back: error %d; it is given up", c->name, -err);
	atomic_store(&c->state, err ? NVME_DEAD : NVME_LIVE);
	nvme_freeze(c, false);
	mutex_unlock(&c->lock);
	return err;
}

/* ---- the end ---- */

void nvme_shutdown_all(void)
{
	struct nvme *c;

	for (u32 i = 0; (c = nvme_find(i)) != NULL; i++) {
		u32 cc = mmio_read32(c->registers + NVME_REG_CC);

		if (atomic_load(&c->state) != NVME_LIVE)
			continue;
		mmio_write32(c->registers + NVME_REG_CC, cc | NVME_CC_SHUTDOWN);
		(void)status_wait(c, NVME_CSTS_SHUTDOWN_MASK, NVME_CSTS_SHUTDOWN_DONE, SHUTDOWN_MS);
	}
}
