/*
 * Random numbers.
 *
 * A pool key is stirred with whatever arrives (machine entropy, a device's, interrupt times).  Each CPU has a ChaCha20 key derived from it and a
 * batch of output; a new batch begins with a new key, so that what was given out cannot be computed from what is left.
 * Source: D. J. Bernstein, "Fast-key-erasure random-number generators", 2017; RFC 8439; SipHash paper for the stirring.
 */
#include "base/chacha20.h"
#include "base/hash.h"
#include "base/string.h"
#include "kern/lock.h"
#include "kern/random.h"

enum { BATCH_BYTES = 512 };

struct random_cpu {
	struct chacha20 state;
	u8 batch[BATCH_BYTES];
	u32 left;			/* unused bytes at the end of batch */
	u32 generation;
} CACHELINE_ALIGNED;

static struct spinlock lock = SPINLOCK_INIT(RANK_RANDOM);
static u32 pool[CHACHA20_KEY_WORDS];	/* [lock] */
static u32 generation;			/* [a] goes up when the pool is stirred */
static struct random_cpu random_cpu[CPUS_MAX];
static bool seeded;

/* Run the pool through the cipher with the data in the nonce and counter: old key and data both decide the new key. */
static void stir(const u8 *data, size_t n)
{
	while (n) {
		u32 nonce[4] = { 0 };
		size_t take = MIN(n, sizeof(nonce));
		u8 out[CHACHA20_BLOCK_BYTES];
		struct chacha20 s;

		memcpy(nonce, data, take);
		chacha20_init(&s, pool, nonce[3], nonce);
		chacha20_block(&s, out);
		memcpy(pool, out, sizeof(pool));
		data += take;
		n -= take;
	}
}

void random_add(const void *data, size_t n)
{
	u64 flags = spin_lock_irqsave(&lock);

	stir(data, n);
	if (n >= 32)
		seeded = true;
	spin_unlock_irqrestore(&lock, flags);
	__atomic_fetch_add(&generation, 1, __ATOMIC_RELEASE);
}

void random_init(void)
{
	u64 seed[8];

	for (u32 i = 0; i < ARRAY_SIZE(seed); i++)
		seed[i] = plat_entropy();
	random_add(seed, sizeof(seed));
}

bool random_ready(void) { return seeded; }

/* Interrupts off. */
static void new_batch(struct random_cpu *c)
{
	static const u32 nonce[3];
	u32 now = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
	u32 key[CHACHA20_KEY_WORDS];

	if (c->generation != now) {
		u64 stamp[2] = { plat_entropy(), plat_cpu_id() };

		spin_lock_rank(&lock, RANK_RANDOM);
		stir((u8 *)stamp, sizeof(stamp));
		memcpy(key, pool, sizeof(key));
		stir((u8 *)key, 16);	/* the key that was handed out is not the pool's any more */
		spin_unlock_rank(&lock, RANK_RANDOM);
		c->generation = now;
	} else {
		memcpy(key, c->batch, sizeof(key));
	}
	chacha20_init(&c->state, key, 0, nonce);
	for (u32 i = 0; i < BATCH_BYTES; i += CHACHA20_BLOCK_BYTES)
		chacha20_block(&c->state, c->batch + i);
	memset(&c->state, 0, sizeof(c->state));
	c->left = BATCH_BYTES - sizeof(key);	/* the first bytes are the next key */
}

void random_bytes(void *out, size_t n)
{
	u8 *p = out;

	while (n) {
		u64 flags = plat_irq_save();
		struct random_cpu *c = &random_cpu[plat_cpu_id()];

		if (!c->left || c->generation != __atomic_load_n(&generation, __ATOMIC_RELAXED))
			new_batch(c);
		size_t take = MIN(n, (size_t)c->left);
		u8 *from = c->batch + BATCH_BYTES - c->left;
		memcpy(p, from, take);
		memset(from, 0, take);
		c->left -= (u32)take;
		plat_irq_restore(flags);
		p += take;
		n -= take;
	}
}

u64 random_u64(void)
{
	u64 v;

	random_bytes(&v, sizeof(v));
	return v;
}
