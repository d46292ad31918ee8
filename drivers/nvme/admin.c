/* Commands that a thread waits for; see nvme.h. */
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/string.h"
#include "drivers/nvme/nvme.h"
#include "kern/page.h"
#include "kern/printk.h"

/* status: 0, the controller's code above 0, or -errno. */
int nvme_status_errno(int status)
{
	if (status <= 0)
		return status;
	switch (status) {
	case NVME_SC_INVALID_OPCODE:
	case NVME_SC_INVALID_FIELD: return -EOPNOTSUPP;
	case NVME_SC_CAPACITY: return -ENOSPC;
	case NVME_SC_WRITE_FAULT:
	case NVME_SC_READ_ERROR: return -ENODATA;
	default: return -EIO;
	}
}

/* Full queues are short of slots for a moment only. */
static int put_patiently(struct nvme_queue *q, struct nvme_command *cmd, struct nvme_wait *w)
{
	int err;

	while ((err = nvme_queue_put(q, cmd, NULL, w)) == -EBUSY)
		sleep_ns(1000000);
	return err;
}

int nvme_sync(struct nvme_queue *q, struct nvme_command *cmd, u32 *result, u32 timeout_ms)
{
	u64 deadline_ns = plat_mono_ns() + (timeout_ms ? timeout_ms : (u32)NVME_ADMIN_TIMEOUT_MS) * 1000000ull;
	struct nvme_wait w = { .status = -EIO };
	int err;

	completion_init(&w.over);
	err = put_patiently(q, cmd, &w);
	if (err)
		return err;
	nvme_queue_ring(q);
	if (wait_event_until(&w.over.q, atomic_load_acquire(&w.over.done), deadline_ns) == -ETIMEDOUT && !nvme_queue_reap(q)) {
		pr_err("%s: queue %u: command 0x%02x timed out", q->ctrl->name, q->id, cmd->opcode);
		if (atomic_load(&q->ctrl->state) == NVME_LIVE)
			(void)work_queue(&q->ctrl->reset_work);
		else
			nvme_queue_cancel(q, true);	/* during a reset: nobody else will */
	}
	wait_for_completion(&w.over);
	if (result)
		*result = w.result;
	return w.status;
}

int nvme_sync_data(struct nvme_queue *q, struct nvme_command *cmd, void *buf, u32 len, u32 *result, u32 timeout_ms)
{
	paddr_t at = len ? virt_to_phys(buf) : 0;
	struct page *list = NULL;
	int ret;

	cmd->prp1 = at;
	if (len > 2 * PAGE_SIZE) {
		u64 *entries;

		list = page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO);
		if (!list)
			return -ENOMEM;
		entries = page_virt(list);
		for (u64 i = 1; i * PAGE_SIZE < len; i++)
			entries[i - 1] = at + i * PAGE_SIZE;
		cmd->prp2 = page_phys(list);
	} else if (len > PAGE_SIZE) {
		cmd->prp2 = at + PAGE_SIZE;
	}
	ret = nvme_sync(q, cmd, result, timeout_ms);
	if (list)
		page_put(list);
	return ret;
}

int nvme_identify(struct nvme *c, u8 what, u32 nsid, void *page)
{
	struct nvme_command cmd = { .opcode = NVME_ADMIN_IDENTIFY, .nsid = nsid, .cdw10 = what };

	return nvme_status_errno(nvme_sync_data(c->queues[0], &cmd, page, PAGE_SIZE, NULL, 0));
}

int nvme_queue_count_set(struct nvme *c, u32 want, u32 *granted)
{
	struct nvme_command cmd = {
		.opcode = NVME_ADMIN_SET_FEATURES, .cdw10 = NVME_FEATURE_QUEUES, .cdw11 = (want - 1) | (want - 1) << 16,
	};
	u32 result = 0;
	int err = nvme_sync(c->queues[0], &cmd, &result, 0);

	if (err)
		return nvme_status_errno(err);
	*granted = MIN(MIN(result & 0xffff, result >> 16) + 1, want);
	return 0;
}

int nvme_io_queue_tell(struct nvme_queue *q, u16 vector)
{
	struct nvme_queue *admin = q->ctrl->queues[0];
	struct nvme_command cq = {
		.opcode = NVME_ADMIN_CREATE_CQ, .prp1 = virt_to_phys(q->completions), .cdw10 = q->id | (u32)(q->depth - 1) << 16,
		.cdw11 = NVME_QUEUE_CONTIGUOUS | (q->polled ? 0 : NVME_CQ_INTERRUPTS | (u32)vector << 16),
	};
	struct nvme_command sq = {
		.opcode = NVME_ADMIN_CREATE_SQ, .prp1 = virt_to_phys(q->commands), .cdw10 = q->id | (u32)(q->depth - 1) << 16,
		.cdw11 = NVME_QUEUE_CONTIGUOUS | (u32)q->id << 16,
	};
	int err = nvme_sync(admin, &cq, NULL, 0);

	if (!err)
		err = nvme_sync(admin, &sq, NULL, 0);
	if (!err)
		nvme_queue_restart(q);
	return nvme_status_errno(err);
}

void nvme_abort(struct nvme *c, u16 queue, u16 id)
{
	struct nvme_command cmd = { .opcode = NVME_ADMIN_ABORT, .cdw10 = queue | (u32)id << 16 };

	/* Nobody waits: if it does not help, the next deadline resets the controller. */
	if (!nvme_queue_put(c->queues[0], &cmd, NULL, NULL))
		nvme_queue_ring(c->queues[0]);
}
