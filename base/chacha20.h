/*
 * ChaCha20 block function, for the random generator.
 *
 * Contexts: any.  Source: RFC 8439 section 2.3.
 */
#ifndef BASE_CHACHA20_H
#define BASE_CHACHA20_H

#include "base/types.h"

#define CHACHA20_BLOCK_BYTES 64
#define CHACHA20_KEY_WORDS 8

/* The sixteen words: four constants, eight of key, counter, three of nonce. */
struct chacha20 {
	u32 word[16];
};

/** chacha20_init - @key and @nonce are little-endian words as the RFC has them. */
void chacha20_init(struct chacha20 *state, const u32 key[8], u32 counter, const u32 nonce[3]);

/** chacha20_block - one block of key stream at @out; the counter (word 12) goes up by one. */
void chacha20_block(struct chacha20 *state, u8 out[CHACHA20_BLOCK_BYTES]);

/** chacha20_xor - encrypt or decrypt @len bytes in place; a new block is begun at each call. */
void chacha20_xor(struct chacha20 *state, u8 *data, size_t len);

#endif
