/*
 * The devices that a simulated machine can have, as a program that uses the library sees them: disks and links that outlive a machine, and the
 * list of devices that a machine is started with.  The models are virtio devices on the MMIO transport (plat/host/virtio.c), so the
 * kernel's own drivers drive them.
 *
 * Fault atlas of a disk.  Each fault is a switch of its own, all are off at first, and all choices come from the seeds:
 *
 *	latency		a request ends after a time between the two bounds, so requests overtake each other
 *	volatile cache	a write that has ended is in the cache; only a flush that was begun afterwards, and has ended, makes it last
 *	power cut	of the cache and of the writes under way each sector may have reached the medium or not: none, all, those up to a
 *			point, or any; so a write of several sectors may be torn, a sector never is
 *	read_error	a read ends with an error
 *	write_error	a write ends with an error; each of its sectors is old or new
 *	flush_error	a flush ends with an error, and nothing more is lasting than before
 *	bad sectors	a range in which every read and write ends with an error
 *	read_flip	one bit of what was read is wrong; the medium is right
 *	write_flip	one bit of what lands is wrong, for good
 *	misdirected	a write lands at another place; told as done
 *	lost_write	a write never lands; told as done
 *	lost_flush	a flush does nothing; told as done
 *	fail_nth	the n-th request from now fails, once
 *
 * What it does not have: sectors torn inside, a cache that reorders less than at random, requests that never end, a device that vanishes.
 *
 * Only from the host thread that runs the machine; a disk or link is in one machine at a time (a link: one at each end).
 */
#ifndef PLAT_HOST_MODELS_H
#define PLAT_HOST_MODELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- disks ---- */

struct auk_disk;

/* One in so many requests; 0: never. */
struct auk_disk_faults {
	uint64_t seed;
	uint64_t latency_min_ns, latency_max_ns;	/* both 0: 20 us, 200 us */
	uint32_t read_error, write_error, flush_error;
	uint32_t read_flip, write_flip, misdirected, lost_write, lost_flush;
	uint64_t bad_first, bad_sectors;
	uint64_t fail_nth;				/* 1: the next */
};

struct auk_disk_counts {
	uint64_t reads, writes, flushes, discards;	/* ended, well or not */
	uint64_t faults;				/* of the atlas, latency excepted */
	uint64_t cached_sectors;			/* in the volatile cache now */
};

/** auk_disk_new - a disk in memory, zeroes, @bytes rounded down to sectors of 512. Return: it, or NULL */
struct auk_disk *auk_disk_new(uint64_t bytes);
/** auk_disk_open - the content of a file, which flushes write. Return: it, or NULL (errno tells) */
struct auk_disk *auk_disk_open(const char *path);
/** auk_disk_open_private - the content of a file, which stays as it is whatever is written; not for power cuts. Return: it, or NULL (errno tells) */
struct auk_disk *auk_disk_open_private(const char *path);
/** auk_disk_free - what is in the cache is written first */
void auk_disk_free(struct auk_disk *d);
void auk_disk_set_faults(struct auk_disk *d, const struct auk_disk_faults *faults);
uint64_t auk_disk_bytes(const struct auk_disk *d);
/** auk_disk_peek - what a read would find now. Return: 0, -1: out of range */
int auk_disk_peek(struct auk_disk *d, uint64_t offset, void *buf, size_t len);
/** auk_disk_poke - change the medium and the cache. Return: 0, -1: out of range */
int auk_disk_poke(struct auk_disk *d, uint64_t offset, const void *buf, size_t len);
/** auk_disk_power_cut - lose the cache but for what @seed lets survive. Context: no machine has it, or auk_power_cut does it */
void auk_disk_power_cut(struct auk_disk *d, uint64_t seed);
struct auk_disk_counts auk_disk_counts(const struct auk_disk *d);

/* ---- links ---- */

struct auk_link;
enum { AUK_FRAME_MAX = 65550 };	/* bytes, Ethernet header included */

struct auk_link_faults {
	uint64_t seed;
	uint64_t delay_ns, jitter_ns;		/* a frame takes delay to delay + jitter; both 0: 50 us. Jitter alone keeps the order */
	uint32_t loss, duplicate, reorder;	/* one in so many frames; a reordered one is overtaken by those within 4 delays */
	uint32_t corrupt;			/* one bit wrong */
	uint32_t mtu;				/* payload of a frame; longer ones are dropped; 0: 65535 */
	uint32_t lie;				/* the card lies about a frame that it received: header and lengths are at random */
	bool down;				/* partition: everything is dropped, and the card says that there is no carrier */
};

struct auk_link *auk_link_new(void);
void auk_link_free(struct auk_link *l);
void auk_link_set_faults(struct auk_link *l, const struct auk_link_faults *faults);
/** auk_link_inject - send a frame from the far end to the kernel's. Return: 0, -1: shorter than 14 or longer than AUK_FRAME_MAX */
int auk_link_inject(struct auk_link *l, const void *frame, size_t len);
/** auk_link_receive - the next frame that has arrived at the far end. Return: its length, 0: none; more than @size: cut off */
size_t auk_link_receive(struct auk_link *l, void *buf, size_t size);
/** auk_link_on_frame - @fn gets each frame at the far end instead; it may inject, and not make system calls. */
void auk_link_on_frame(struct auk_link *l, void (*fn)(void *arg, const void *frame, size_t len), void *arg);

/* ---- a machine's devices ---- */

enum auk_device_kind { AUK_BLK = 1, AUK_NET, AUK_CONSOLE, AUK_RNG };
enum { AUK_DEVICES_MAX = 16 };

/* Zero means the default.  They appear in this order: the first AUK_BLK is /dev/vda. */
struct auk_device {
	enum auk_device_kind kind;
	struct auk_disk *disk;
	bool read_only;
	bool write_through;		/* no cache: a write that has ended lasts */
	uint32_t block_bytes;		/* 512 */
	uint32_t queues;		/* 1; at most 4 */
	struct auk_link *link;		/* the card's address is 52:54:00:00:00:01 + number of the device */
	uint16_t mtu;			/* offered to the driver; 0: not */
	bool plain;			/* net: offer no checksum offload and no merged buffers */
	void (*output)(const char *text, size_t len);	/* console: what the kernel wrote */
};

/** auk_console_type - input for the first AUK_CONSOLE of the running machine. Return: bytes taken */
size_t auk_console_type(const char *text, size_t len);

#endif
