/*
 * NVM Express over PCI: /dev/nvme0, its namespaces /dev/nvme0n1 …
 *
 *	pci.c        finds a controller, maps it, gives it interrupts
 *	ctrl.c       makes it ready, resets it, watches it
 *	queue.c      pairs of rings: commands in, completions out
 *	admin.c      commands that a thread waits for; identify
 *	ns.c         namespaces as disks; requests become commands
 *	ioctl.c      commands of programs; the character device
 *	sysfs.c      what /sys/class/nvme shows
 *
 * Whatever the controller writes is checked: identify pages, completions, log pages may say anything.
 *
 * Time-outs.  A request past its deadline is looked for once more, then aborted; past the next deadline the controller is
 * reset: it is disabled, which ends its access to memory, made ready again, and what was under way is started anew.  A
 * controller that does not come back is dead: everything fails.
 *
 * Source: NVM Express Base Specification 1.4; <linux/nvme_ioctl.h>.
 */
#ifndef DRIVERS_NVME_NVME_H
#define DRIVERS_NVME_NVME_H

#include <linux/ioctl.h>
#include <linux/nvme_ioctl.h>
#include "block/queue.h"
#include "drivers/nvme/wire.h"
#include "drivers/pci/pci.h"
#include "kern/mutex.h"
#include "kern/wait.h"
#include "kern/work.h"

enum {
	NVME_QUEUES_MAX = 1 + 64 + 16,	/* admin, I/O, polled */
	NVME_ADMIN_DEPTH = 32, NVME_IO_DEPTH = 256, NVME_TAGS = 128,
	NVME_TRANSFER_MAX = 512 << 10,	/* of a request; its pages are named in one list */
	NVME_PRP_ENTRIES = NVME_TRANSFER_MAX / 4096,
	NVME_NAMESPACES_MAX = 64,
	NVME_ADMIN_TIMEOUT_MS = 60000,
};

struct nvme;
struct nvme_queue;

/* A command that a thread waits for. */
struct nvme_wait {
	struct completion over;
	u32 result;
	int status;		/* 0; above: the controller's status code; below: -errno */
};

/* Who has a command identifier. */
struct nvme_slot {
	struct request *request;
	struct nvme_wait *wait;	/* one of the two, or neither: free, or an abort nobody waits for */
	bool busy, aborted;
};

/* Locks: I immutable while enabled · q lock */
struct nvme_queue {
	struct nvme *ctrl;		/* [I] */
	u16 id;				/* [I] 0: admin */
	u16 depth;			/* [I] */
	bool polled;			/* [I] no interrupts */
	struct spinlock lock;
	struct nvme_command *commands;	/* [q] the ring */
	struct nvme_completion *completions;	/* [I]; what the controller writes */
	u8 *doorbell_tail, *doorbell_head;	/* [I] */
	u16 tail, tail_told, head;	/* [q] */
	bool phase;			/* [q] */
	bool live;			/* [q] commands may go in */
	bool starved;			/* [q] somebody found it full */
	u16 used;			/* [q] slots busy */
	u16 hint;			/* [q] where to look for a free one */
	struct nvme_slot *slots;	/* [q] */
};

/* Locks: I immutable · c ctrl->lock */
struct nvme_ns {
	struct nvme *ctrl;		/* [I] */
	u32 id;				/* [I] */
	u32 block_shift;		/* [c] */
	u32 metadata_bytes;		/* [c] */
	u64 blocks;			/* [c] */
	u8 eui64[8], nguid[16];		/* [I] */
	struct disk disk;
	struct devnode generic;		/* /dev/ng0n1 */
	char generic_name[24];
};

enum nvme_state { NVME_NEW, NVME_LIVE, NVME_RESETTING, NVME_DEAD };

/* Locks: I immutable after probe · c lock · a atomic */
struct nvme {
	struct pci_device *pci;		/* [I] */
	u8 *registers;			/* [I] */
	u32 number;			/* [I] nvme0 */
	char name[16];			/* [I] */
	u64 cap;			/* [I] */
	u32 doorbell_stride;		/* [I] bytes */
	struct mutex lock;		/* resets, scans */
	enum nvme_state state;		/* [a] */
	struct nvme_queue *queues[NVME_QUEUES_MAX];	/* [I] once created */
	u32 queue_count;		/* [I] the admin queue included */
	u32 io_queues, poll_queues;	/* [I] poll_queues are among io_queues, the last ones */
	bool msix;			/* [I] */
	struct nvme_id_ctrl id;		/* [c] */
	u32 transfer_max;		/* [I] bytes of one command */
	struct nvme_ns *ns[NVME_NAMESPACES_MAX];	/* [c] */
	u32 ns_count;			/* [a] grows, by who has `scanning` */
	u32 scanning;			/* [a] */
	struct work reset_work;
	struct devnode node, subsystem;
	char subsystem_name[24], link[40];
	struct devattr link_attrs[2];	/* in the subsystem's directory: where the controller is */
	char serial[24], model[44], firmware[12], nqn[260];	/* [I] */
};

/* queue.c */
MUST_CHECK int nvme_queue_create(struct nvme *c, u16 id, u16 depth, bool polled);
/** nvme_queue_restart - empty rings, for a controller that has just been disabled or made the queue. */
void nvme_queue_restart(struct nvme_queue *q);
/** nvme_queue_put - hand a command over; its id is filled in. Return: 0, -EBUSY (full), -EIO (not live) */
MUST_CHECK int nvme_queue_put(struct nvme_queue *q, struct nvme_command *cmd, struct request *r, struct nvme_wait *w);
void nvme_queue_ring(struct nvme_queue *q);
/** nvme_queue_reap - end what the controller has completed. Context: any. Return: how many */
unsigned nvme_queue_reap(struct nvme_queue *q);
/** nvme_queue_stop - nothing goes in any more; nvme_queue_cancel - what was under way: requests to start anew, waiters failed. */
void nvme_queue_stop(struct nvme_queue *q);
void nvme_queue_cancel(struct nvme_queue *q, bool requeue);
/** nvme_queue_find - the id of a request's command. Return: false: it is over */
bool nvme_queue_find(struct nvme_queue *q, const struct request *r, u16 *id, bool *aborted_before);
void nvme_irq(void *arg);	/* of a queue */

/* admin.c */
/** nvme_sync - a command, and wait for it; @q is not a polled one. Return: 0; above: status code; -errno. Context: thread */
MUST_CHECK int nvme_sync(struct nvme_queue *q, struct nvme_command *cmd, u32 *result, u32 timeout_ms);
/** nvme_sync_data - the same with @len bytes at @buf, page aligned, contiguous. */
MUST_CHECK int nvme_sync_data(struct nvme_queue *q, struct nvme_command *cmd, void *buf, u32 len, u32 *result, u32 timeout_ms);
MUST_CHECK int nvme_identify(struct nvme *c, u8 what, u32 nsid, void *page);
MUST_CHECK int nvme_queue_count_set(struct nvme *c, u32 want, u32 *granted);
MUST_CHECK int nvme_io_queue_tell(struct nvme_queue *q, u16 vector);
int nvme_status_errno(int status);
void nvme_abort(struct nvme *c, u16 queue, u16 id);

/* ctrl.c */
MUST_CHECK int nvme_ctrl_enable(struct nvme *c);
MUST_CHECK int nvme_ctrl_start(struct nvme *c);		/* the first time: identify, queues, namespaces */
int nvme_ctrl_reset(struct nvme *c);
void nvme_shutdown_all(void);
struct nvme *nvme_find(u32 number);

/* ns.c */
void nvme_scan(struct nvme *c);
void nvme_queues_run(struct nvme *c);
void nvme_freeze(struct nvme *c, bool on);

/* ioctl.c, sysfs.c */
s64 nvme_ns_ioctl(struct block_device *b, u32 mode, u32 cmd, u64 arg);
void nvme_chrdevs_register(void);
void nvme_sysfs_ctrl(struct nvme *c);
void nvme_sysfs_ns(struct nvme_ns *ns);
extern const struct devattr nvme_ns_attrs[];

enum { NVME_CHAR_MAJOR = 241, NVME_GENERIC_MAJOR = 240 };

void nvme_init(void);

#endif
