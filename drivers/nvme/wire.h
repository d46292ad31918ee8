/*
 * NVM Express: registers, commands, pages, as the controller sees them.  Little endian, as this machine.
 *
 * Source: NVM Express Base Specification 1.4, sections 3.1 (registers), 4.2, 4.6 (entries), 5.15 (identify), 6 (NVM commands).
 */
#ifndef DRIVERS_NVME_WIRE_H
#define DRIVERS_NVME_WIRE_H

#include "base/types.h"

enum {
	NVME_REG_CAP = 0x00, NVME_REG_VS = 0x08, NVME_REG_CC = 0x14, NVME_REG_CSTS = 0x1c, NVME_REG_AQA = 0x24,
	NVME_REG_ASQ = 0x28, NVME_REG_ACQ = 0x30, NVME_REG_DOORBELLS = 0x1000,
	NVME_CC_ENABLE = 1, NVME_CC_SQES_64 = 6 << 16, NVME_CC_CQES_16 = 4 << 20, NVME_CC_SHUTDOWN = 1 << 14,
	NVME_CSTS_READY = 1, NVME_CSTS_FATAL = 2, NVME_CSTS_SHUTDOWN_DONE = 2 << 2, NVME_CSTS_SHUTDOWN_MASK = 3 << 2,
};

enum {
	NVME_ADMIN_CREATE_SQ = 0x01, NVME_ADMIN_CREATE_CQ = 0x05, NVME_ADMIN_IDENTIFY = 0x06, NVME_ADMIN_ABORT = 0x08,
	NVME_ADMIN_SET_FEATURES = 0x09, NVME_ADMIN_FORMAT = 0x80, NVME_ADMIN_NS_MANAGE = 0x0d, NVME_ADMIN_NS_ATTACH = 0x15,
	NVME_FEATURE_QUEUES = 7,
	NVME_QUEUE_CONTIGUOUS = 1, NVME_CQ_INTERRUPTS = 2,
	NVME_IDENTIFY_NS = 0, NVME_IDENTIFY_CTRL = 1, NVME_IDENTIFY_NS_LIST = 2,
};

enum {
	NVME_FLUSH = 0x00, NVME_WRITE = 0x01, NVME_READ = 0x02, NVME_WRITE_ZEROES = 0x08, NVME_DSM = 0x09,
	NVME_RW_FUA = 1 << 30, NVME_ZEROES_DEAC = 1 << 25, NVME_DSM_DEALLOCATE = 1 << 2,
	NVME_DSM_RANGES_MAX = 1,
	NVME_ONCS_DSM = 1 << 2, NVME_ONCS_WRITE_ZEROES = 1 << 3,
};

/* status codes, without the phase bit: type << 8 | code */
enum {
	NVME_SC_MASK = 0x7ff, NVME_SC_INVALID_OPCODE = 0x001, NVME_SC_INVALID_FIELD = 0x002, NVME_SC_ABORTED = 0x007,
	NVME_SC_LBA_RANGE = 0x080, NVME_SC_CAPACITY = 0x081, NVME_SC_WRITE_FAULT = 0x280, NVME_SC_READ_ERROR = 0x281,
	NVME_SC_READ_ONLY = 0x182,
};

struct nvme_command {
	u8 opcode, flags;
	u16 id;
	u32 nsid;
	u32 cdw2, cdw3;
	u64 metadata;
	u64 prp1, prp2;
	u32 cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
};
static_assert(sizeof(struct nvme_command) == 64, "a submission queue entry");

struct nvme_completion {
	u32 result, reserved;
	u16 sq_head, sq_id;
	u16 id;
	u16 status;		/* bit 0: phase */
};
static_assert(sizeof(struct nvme_completion) == 16, "a completion queue entry");

struct nvme_dsm_range {
	u32 attributes, blocks;
	u64 start;
};

struct nvme_id_ctrl {
	u16 vid, ssvid;
	char serial[20], model[40], firmware[8];
	u8 rab, ieee[3], cmic, mdts;
	u16 cntlid;
	u32 version, rtd3r, rtd3e, oaes, ctratt;
	u8 rest1[156];
	u16 oacs;		/* 256 */
	u8 acl, aerl, frmw, lpa, elpe, npss, avscc, apsta;
	u8 rest2[246];
	u8 sqes, cqes;		/* 512 */
	u16 maxcmd;
	u32 namespaces;
	u16 oncs, fuses;	/* 520 */
	u8 fna, vwc;
	u8 rest3[242];
	char nqn[256];		/* 768 */
	u8 rest4[3072];
};
static_assert(sizeof(struct nvme_id_ctrl) == 4096, "an identify page");
static_assert(offsetof(struct nvme_id_ctrl, oacs) == 256 && offsetof(struct nvme_id_ctrl, sqes) == 512 &&
	      offsetof(struct nvme_id_ctrl, oncs) == 520 && offsetof(struct nvme_id_ctrl, nqn) == 768, "places of the fields");

struct nvme_id_ns {
	u64 size, capacity, used;	/* blocks */
	u8 features, formats, format, mc, dpc, dps, nmic, rescap, fpi, dlfeat;
	u16 nawun, nawupf, nacwu, nabsn, nabo, nabspf, noiob;
	u8 nvmcap[16];
	u16 npwg, npwa, npdg, npda, nows;
	u8 rest1[18];
	u32 anagrpid;
	u8 rest2[3], attributes;
	u16 nvmsetid, endgid;
	u8 nguid[16], eui64[8];		/* 104, 120 */
	struct { u16 metadata_bytes; u8 block_shift, performance; } lbaf[16];	/* 128 */
	u8 rest3[3904];
};
static_assert(sizeof(struct nvme_id_ns) == 4096, "an identify page");
static_assert(offsetof(struct nvme_id_ns, nguid) == 104 && offsetof(struct nvme_id_ns, lbaf) == 128, "places of the fields");

#endif
