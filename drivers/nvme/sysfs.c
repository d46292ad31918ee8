/*
 * What /sys/class/nvme, /sys/class/nvme-subsystem and /sys/block/nvme0n1 show of controllers and namespaces, for nvme-cli and udev.
 *
 * Source: the files that libnvme reads; <linux/nvme_ioctl.h>; Linux's Documentation/ABI.
 */
#include "base/atomic.h"
#include "base/printf.h"
#include "base/string.h"
#include "drivers/nvme/nvme.h"
#include "vfs/inode.h"

static const struct nvme *ctrl_of(const struct devnode *n)
{
	return n->private;
}

#define SHOW(name, form, ...)                                                            \
	static size_t name##_show(struct devnode *n, char *buf, size_t size)             \
	{                                                                                \
		const struct nvme *c = ctrl_of(n);                                       \
                                                                                         \
		(void)c;                                                                 \
		return scnprintf(buf, size, form "\n", __VA_ARGS__);                     \
	}

SHOW(model, "%-40s", c->model)
SHOW(serial, "%-20s", c->serial)
SHOW(firmware, "%-8s", c->firmware)
SHOW(cntlid, "%u", c->id.cntlid)
SHOW(transport, "%s", "pcie")
SHOW(address, "0000:%02x:%02x.%x", c->pci->bus, c->pci->devfn >> 3, c->pci->devfn & 7u)
SHOW(nqn, "%s", c->nqn)
SHOW(numa_node, "%d", -1)
SHOW(queue_count, "%u", c->queue_count)
SHOW(sqsize, "%u", c->queue_count > 1 ? c->queues[1]->depth - 1u : 0)
SHOW(type, "%s", "nvm")

static size_t state_show(struct devnode *n, char *buf, size_t size)
{
	static const char *const names[] = {
		[NVME_NEW] = "new", [NVME_LIVE] = "live", [NVME_RESETTING] = "resetting", [NVME_DEAD] = "dead",
	};

	return scnprintf(buf, size, "%s\n", names[atomic_load(&ctrl_of(n)->state)]);
}

static int reset_store(struct devnode *n, const char *buf, size_t len)
{
	return nvme_ctrl_reset(n->private);
}

static int rescan_store(struct devnode *n, const char *buf, size_t len)
{
	nvme_scan(n->private);
	return 0;
}

#define RO(file, fn) { .name = file, .show = fn##_show }

static const struct devattr ctrl_attrs[] = {
	RO("model", model), RO("serial", serial), RO("firmware_rev", firmware), RO("cntlid", cntlid), RO("transport", transport),
	RO("address", address), RO("subsysnqn", nqn), RO("numa_node", numa_node), RO("queue_count", queue_count),
	RO("sqsize", sqsize), RO("state", state), RO("cntrltype", type),
	{ .name = "reset_controller", .store = reset_store }, { .name = "rescan_controller", .store = rescan_store }, {},
};

static const struct devattr subsystem_attrs[] = {
	RO("model", model), RO("serial", serial), RO("firmware_rev", firmware), RO("subsysnqn", nqn), RO("subsystype", type), {},
};

static size_t hex_text(char *buf, size_t size, const u8 *bytes, u32 count)
{
	size_t n = 0;

	for (u32 i = 0; i < count; i++)
		n += scnprintf(buf + n, size - n, "%02x", bytes[i]);
	return n;
}

static const struct nvme_ns *ns_of(const struct devnode *n)
{
	const struct block_device *b = n->private;

	return b->disk->private;
}

static size_t nsid_show(struct devnode *n, char *buf, size_t size)
{
	return scnprintf(buf, size, "%u\n", ns_of(n)->id);
}

static size_t eui_show(struct devnode *n, char *buf, size_t size)
{
	size_t len = 0;

	for (u32 i = 0; i < 8; i++)
		len += scnprintf(buf + len, size - len, "%02x%c", ns_of(n)->eui64[i], i < 7 ? ' ' : '\n');
	return len;
}

static size_t nguid_show(struct devnode *n, char *buf, size_t size)
{
	const u8 *g = ns_of(n)->nguid;
	size_t len = 0;

	for (u32 i = 0; i < 16; i++)
		len += scnprintf(buf + len, size - len, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", g[i]);
	return len + scnprintf(buf + len, size - len, "\n");
}

/* The best name the namespace has: its GUID, its EUI, or what the controller is called. */
static size_t wwid_show(struct devnode *n, char *buf, size_t size)
{
	const struct nvme_ns *ns = ns_of(n);
	const struct nvme *c = ns->ctrl;
	size_t len = scnprintf(buf, size, "eui.");

	if (!mem_is_zero(ns->nguid, 16))
		len += hex_text(buf + len, size - len, ns->nguid, 16);
	else if (!mem_is_zero(ns->eui64, 8))
		len += hex_text(buf + len, size - len, ns->eui64, 8);
	else
		len = scnprintf(buf, size, "nvme.%04x-", c->id.vid);
	if (buf[0] == 'n') {
		len += hex_text(buf + len, size - len, (const u8 *)c->serial, strlen(c->serial));
		len += scnprintf(buf + len, size - len, "-");
		len += hex_text(buf + len, size - len, (const u8 *)c->model, strlen(c->model));
		len += scnprintf(buf + len, size - len, "-%08x", ns->id);
	}
	return len + scnprintf(buf + len, size - len, "\n");
}

const struct devattr nvme_ns_attrs[] = { RO("nsid", nsid), RO("eui", eui), RO("nguid", nguid), RO("wwid", wwid), {} };

void nvme_sysfs_ctrl(struct nvme *c)
{
	scnprintf(c->subsystem_name, sizeof(c->subsystem_name), "nvme-subsys%u", c->number);
	scnprintf(c->link, sizeof(c->link), "../../nvme/%s", c->name);
	c->link_attrs[0] = (struct devattr){ .name = c->name, .link = c->link };
	c->subsystem = (struct devnode){
		.name = c->subsystem_name, .class = "nvme-subsystem", .attrs = subsystem_attrs, .more_attrs = c->link_attrs, .private = c,
	};
	c->node = (struct devnode){
		.name = c->name, .class = "nvme", .mode = S_IFCHR | 0600, .rdev = dev_make(NVME_CHAR_MAJOR, c->number),
		.attrs = ctrl_attrs, .private = c,
	};
	devnode_add(&c->subsystem);
	devnode_add(&c->node);
}

/* ng0n1: the namespace for commands alone. */
void nvme_sysfs_ns(struct nvme_ns *ns)
{
	u32 index = ns->ctrl->number * NVME_NAMESPACES_MAX + ns->ctrl->ns_count - 1;

	scnprintf(ns->generic_name, sizeof(ns->generic_name), "ng%un%u", ns->ctrl->number, ns->id);
	ns->generic = (struct devnode){
		.name = ns->generic_name, .class = "nvme-generic", .mode = S_IFCHR | 0600,
		.rdev = dev_make(NVME_GENERIC_MAJOR, index), .parent = &ns->ctrl->node, .private = ns,
	};
	devnode_add(&ns->generic);
}
