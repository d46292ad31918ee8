/*
 * Sequence numbers: 32 bits that go round.
 *
 * a comes before b if the way from a up to b is shorter than 2^31.
 *
 * Contexts: any.  Pure.
 * Source: RFC 9293, section 3.4.
 */
#ifndef NET_TCP_SEQ_H
#define NET_TCP_SEQ_H

#include "base/types.h"

static inline bool seq_before(u32 a, u32 b) { return (s32)(a - b) < 0; }
static inline bool seq_after(u32 a, u32 b) { return (s32)(b - a) < 0; }
static inline bool seq_at_most(u32 a, u32 b) { return !seq_after(a, b); }
static inline bool seq_at_least(u32 a, u32 b) { return !seq_before(a, b); }
/** seq_between - whether @low <= @s <= @high. */
static inline bool seq_between(u32 s, u32 low, u32 high) { return high - low >= s - low; }
static inline u32 seq_max(u32 a, u32 b) { return seq_after(a, b) ? a : b; }
static inline u32 seq_min(u32 a, u32 b) { return seq_before(a, b) ? a : b; }

#endif
