/*
 * What the files of the sanitizer share.
 */
#ifndef KERN_KASAN_INTERNAL_H
#define KERN_KASAN_INTERNAL_H

#include "kern/kasan.h"

enum { TRACK_DEPTH = 11 };

/* Who allocated or freed an object, and from where: code addresses less KERNEL_TEXT. */
struct kasan_track {
	u32 pid;
	u32 pc[TRACK_DEPTH];	/* 0 ends */
};
#define KERNEL_TEXT 0xffffffff00000000ull

/* Lies behind each slab object, in its red zone. */
struct kasan_meta {
	struct kasan_track alloc, freed;
	struct slab_cache *cache;	/* in quarantine */
	struct kasan_meta *next;
};

static inline u8 *kasan_shadow(const void *addr)
{
	return (u8 *)kasan_shadow_at((u64)addr);
}

/** kasan_meta_of - the record of an object of @object_bytes. */
struct kasan_meta *kasan_meta_of(const void *object, u32 object_bytes);

/** kasan_report - print what is wrong with an access; panics unless kasan_multi_shot is on. */
void kasan_report(const void *addr, size_t len, bool write, u64 ip);
/** kasan_check_at - a check whose report names @ip. Return: false if it was reported */
bool kasan_check_at(const void *addr, size_t len, bool write, u64 ip);
/** kasan_report_free - the same of a free. @kind: "double-free", "invalid-free" */
void kasan_report_free(const void *addr, const char *kind, u64 ip);
/** kasan_global_at - the global that @addr lies in or right behind. Return: NULL if none */
const char *kasan_global_at(const void *addr, u64 *start, u64 *bytes);

extern bool kasan_enabled;	/* set once at boot */
extern bool kasan_multi_shot;	/* go on after a report */
extern u32 kasan_reports;	/* [a] so many so far */

#endif
