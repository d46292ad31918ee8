/*
 * A virtio disk over memory, with faults.
 *
 *	medium   what survives a power cut: memory of the caller's, kept across machines
 *	cache    what the machine reads and writes: medium, and over it the sectors of acknowledged writes that no flush has reached
 *
 * The fault atlas, what each layer above has to survive:
 *  F1 time: a request takes up to latency_ns_max; requests in flight end in any order.
 *  F2 power cut (host_disk_cut): of the sectors written since the last flush, acknowledged or in flight, any subset is on
 *     the medium; a write of several sectors may be torn between them, never within one.
 *  F3 read and write errors: one in error_one_in requests ends with an error; of a failed write any subset of its sectors is in the cache.
 *  F4 damage, for those who promise to find it: host_disk_damage flips a bit of a sector on the medium.
 * Without F2 to F4 the disk keeps all that it acknowledged; with a volatile cache it must be flushed to survive F2.
 *
 * Requests are checked against the disk's size; a wrong one ends with an error.
 *
 * Source: VIRTIO 1.2, section 5.2.
 */
#ifndef PLAT_HOST_DISK_H
#define PLAT_HOST_DISK_H

#include "plat/host/event.h"
#include "plat/host/virtio.h"

struct host_disk_config {
	u64 sectors;			/* of 512 bytes */
	u64 latency_ns_max;
	u32 error_one_in;		/* 0: none */
	bool write_through;		/* no volatile cache */
	bool read_only;
	bool lose_flushes;		/* a planted fault: flushes do nothing */
};

struct host_disk;

/** host_disk_new - a disk of zeroes, kept until host_disk_free, whatever machines come and go. NULL: no memory */
struct host_disk *host_disk_new(const struct host_disk_config *c);
void host_disk_free(struct host_disk *d);
/** host_disk_plug - the next machine has it. Context: before the kernel starts. Return: 0, -ENOSPC */
int host_disk_plug(struct host_disk *d);
/** host_disk_rest - orderly: all that was acknowledged is on the medium. Context: the machine stands still, or there is none */
void host_disk_rest(struct host_disk *d);
/** host_disk_cut - F2, as @seed has it. Context: the machine stands still and its memory is there: requests in flight are torn */
void host_disk_cut(struct host_disk *d, u64 seed);
void host_disk_damage(struct host_disk *d, u64 sector, u32 bit);
u8 *host_disk_medium(struct host_disk *d);
u64 host_disk_requests(const struct host_disk *d);
void host_disk_set_errors(struct host_disk *d, u32 one_in);

#endif
