/*
 * Commands of programs: NVME_IOCTL_* on /dev/nvme0, /dev/ng0n1 and the namespaces' block devices.
 *
 * The data goes by way of a buffer of ours, since a program's command may say one length and mean another: the controller
 * then goes on in pages of the buffer that nobody else uses, or is sent to page 0, which is nobody's.  A command that means more than a
 * list of pages names can still lead it anywhere, as on Linux: so CAP_SYS_ADMIN is wanted.
 *
 * A positive result is the controller's status code.  What a command may have changed (format, attachment) is read anew.
 *
 * Source: <linux/nvme_ioctl.h>; NVM Express Base Specification 1.4, 5 and 6; nvme-cli's use.
 */
#include <linux/capability.h>
#include <linux/errno.h>
#include "base/atomic.h"
#include "base/string.h"
#include "drivers/nvme/nvme.h"
#include "kern/cred.h"
#include "kern/page.h"
#include "kern/slab.h"
#include "mm/user.h"
#include "vfs/file.h"
#include "vfs/inode.h"

enum { DATA_MAX = 2 << 20 };

/* What both forms of a passed command say. */
struct passed {
	struct nvme_command cmd;
	u64 data;
	u32 data_bytes, timeout_ms, flags;
	u64 metadata;
	u32 metadata_bytes;
};

static bool to_controller(u8 opcode) { return opcode & 1; }
static bool to_host(u8 opcode) { return opcode & 2; }

static unsigned order_of(u32 bytes)
{
	unsigned order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

static bool changes_namespaces(const struct nvme_queue *q, u8 opcode)
{
	return !q->id && (opcode == NVME_ADMIN_FORMAT || opcode == NVME_ADMIN_NS_MANAGE || opcode == NVME_ADMIN_NS_ATTACH);
}

/* Run it. Return: 0, status code, -errno */
static s64 run(struct nvme_queue *q, struct passed *p, u32 *result)
{
	struct page *pages_ = NULL;
	void *buf = NULL;
	s64 ret = 0;

	if (p->metadata_bytes || p->metadata)
		return -EINVAL;
	if (p->data_bytes > DATA_MAX)
		return -EINVAL;
	if (p->data_bytes) {
		pages_ = page_alloc(order_of(p->data_bytes), ALLOC_KERNEL | ALLOC_ZERO | ALLOC_NOWARN);
		if (!pages_)
			return -ENOMEM;
		buf = page_virt(pages_);
		if (to_controller(p->cmd.opcode) && copy_in(buf, uaddr(p->data), p->data_bytes))
			ret = -EFAULT;
	}
	if (!ret)
		ret = nvme_sync_data(q, &p->cmd, buf, p->data_bytes, result, p->timeout_ms);
	if (ret >= 0 && p->data_bytes && to_host(p->cmd.opcode) && copy_out(uaddr(p->data), buf, p->data_bytes))
		ret = -EFAULT;
	if (pages_)
		page_put(pages_);
	if (!ret && changes_namespaces(q, p->cmd.opcode))
		nvme_scan(q->ctrl);
	return ret;
}

static struct nvme_queue *queue_for(struct nvme *c, const struct nvme_ns *ns, bool admin)
{
	return c->queues[admin || c->queue_count < 2 ? 0 : 1];
}

static s64 passthru(struct nvme *c, const struct nvme_ns *ns, bool admin, uaddr_t arg, bool wide)
{
	struct nvme_passthru_cmd64 u;
	struct passed p;
	u32 result = 0;
	s64 ret;

	if (!capable(CAP_SYS_ADMIN))
		return -EACCES;
	/* The two forms differ behind timeout_ms only: the result's width. */
	if (copy_in(&u, arg, wide ? sizeof(u) : sizeof(struct nvme_passthru_cmd)))
		return -EFAULT;
	if (u.flags || (ns && !admin && u.nsid != ns->id))
		return -EINVAL;
	p = (struct passed){
		.cmd = { .opcode = u.opcode, .nsid = u.nsid, .cdw2 = u.cdw2, .cdw3 = u.cdw3, .cdw10 = u.cdw10, .cdw11 = u.cdw11,
			 .cdw12 = u.cdw12, .cdw13 = u.cdw13, .cdw14 = u.cdw14, .cdw15 = u.cdw15 },
		.data = u.addr, .data_bytes = u.data_len, .timeout_ms = u.timeout_ms, .metadata = u.metadata,
		.metadata_bytes = u.metadata_len,
	};
	ret = run(queue_for(c, ns, admin), &p, &result);
	if (ret < 0)
		return ret;
	if (wide ? put_user((u64)result, uaddr_add(arg, offsetof(struct nvme_passthru_cmd64, result)))
		 : put_user(result, uaddr_add(arg, offsetof(struct nvme_passthru_cmd, result))))
		return -EFAULT;
	return ret;
}

static s64 submit_io(struct nvme_ns *ns, uaddr_t arg)
{
	struct nvme_user_io u;
	struct passed p;

	if (copy_in(&u, arg, sizeof(u)))
		return -EFAULT;
	if (u.flags || (u.opcode != NVME_WRITE && u.opcode != NVME_READ && u.opcode != 5 /* compare */))
		return -EINVAL;
	p = (struct passed){
		.cmd = { .opcode = u.opcode, .nsid = ns->id, .cdw10 = (u32)u.slba, .cdw11 = (u32)(u.slba >> 32),
			 .cdw12 = u.nblocks | (u32)u.control << 16, .cdw13 = u.dsmgmt, .cdw14 = u.reftag,
			 .cdw15 = u.apptag | (u32)u.appmask << 16 },
		.data = u.addr, .data_bytes = (u.nblocks + 1u) << ns->block_shift, .metadata = u.metadata,
	};
	return run(queue_for(ns->ctrl, ns, false), &p, NULL);
}

static s64 ctrl_ioctl_of(struct nvme *c, u32 cmd, uaddr_t arg)
{
	switch (cmd) {
	case NVME_IOCTL_ADMIN_CMD: return passthru(c, NULL, true, arg, false);
	case NVME_IOCTL_ADMIN64_CMD: return passthru(c, NULL, true, arg, true);
	case NVME_IOCTL_RESET: return capable(CAP_SYS_ADMIN) ? nvme_ctrl_reset(c) : -EACCES;
	case NVME_IOCTL_RESCAN:
		if (!capable(CAP_SYS_ADMIN))
			return -EACCES;
		nvme_scan(c);
		return 0;
	default: return -ENOTTY;
	}
}

static s64 ns_ioctl_of(struct nvme_ns *ns, u32 cmd, uaddr_t arg)
{
	switch (cmd) {
	case NVME_IOCTL_ID: return ns->id;
	case NVME_IOCTL_IO_CMD: return passthru(ns->ctrl, ns, false, arg, false);
	case NVME_IOCTL_IO64_CMD: return passthru(ns->ctrl, ns, false, arg, true);
	case NVME_IOCTL_SUBMIT_IO: return submit_io(ns, arg);
	case NVME_IOCTL_ADMIN_CMD:
	case NVME_IOCTL_ADMIN64_CMD: return ctrl_ioctl_of(ns->ctrl, cmd, arg);
	default: return -ENOTTY;
	}
}

s64 nvme_ns_ioctl(struct block_device *b, u32 mode, u32 cmd, u64 arg)
{
	if (b->part && cmd != NVME_IOCTL_ID)
		return -ENOTTY;		/* what it names would be the whole disk's */
	return ns_ioctl_of(b->disk->private, cmd, uaddr(arg));
}

/* ---- /dev/nvme0, /dev/ng0n1 ---- */

static int ctrl_open(struct inode *i, struct file *f)
{
	struct nvme *c = nvme_find(dev_minor(i->rdev));

	if (!c)
		return -ENXIO;
	f->private = c;
	return atomic_load(&c->state) == NVME_LIVE ? 0 : -EWOULDBLOCK;
}

/* On the controller an I/O command goes to its only namespace. */
static s64 ctrl_ioctl(struct file *f, u32 cmd, u64 arg)
{
	struct nvme *c = f->private;

	if (cmd != NVME_IOCTL_IO_CMD)
		return ctrl_ioctl_of(c, cmd, uaddr(arg));
	if (atomic_load(&c->ns_count) != 1)
		return -EINVAL;
	return passthru(c, c->ns[0], false, uaddr(arg), false);
}

static int generic_open(struct inode *i, struct file *f)
{
	struct nvme *c = nvme_find(dev_minor(i->rdev) / NVME_NAMESPACES_MAX);
	u32 index = dev_minor(i->rdev) % NVME_NAMESPACES_MAX;

	if (!c || index >= atomic_load_acquire(&c->ns_count))
		return -ENXIO;
	f->private = c->ns[index];
	return 0;
}

static s64 generic_ioctl(struct file *f, u32 cmd, u64 arg)
{
	return ns_ioctl_of(f->private, cmd, uaddr(arg));
}

static const struct file_ops ctrl_ops = { .open = ctrl_open, .ioctl = ctrl_ioctl };
static const struct file_ops generic_ops = { .open = generic_open, .ioctl = generic_ioctl };

static struct chrdev ctrl_dev = { .major = NVME_CHAR_MAJOR, .minor_count = 256, .ops = &ctrl_ops, .name = "nvme" };
static struct chrdev generic_dev = { .major = NVME_GENERIC_MAJOR, .minor_count = 1 << 16, .ops = &generic_ops, .name = "nvme-generic" };

void nvme_chrdevs_register(void)
{
	chrdev_register(&ctrl_dev);
	chrdev_register(&generic_dev);
}
