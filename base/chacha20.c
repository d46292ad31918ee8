/* ChaCha20; see chacha20.h. */
#include "base/bitops.h"
#include "base/chacha20.h"
#include "base/string.h"

static ALWAYS_INLINE void quarter_round(u32 *a, u32 *b, u32 *c, u32 *d)
{
	*a += *b;
	*d = rol32(*d ^ *a, 16);
	*c += *d;
	*b = rol32(*b ^ *c, 12);
	*a += *b;
	*d = rol32(*d ^ *a, 8);
	*c += *d;
	*b = rol32(*b ^ *c, 7);
}

void chacha20_init(struct chacha20 *state, const u32 key[8], u32 counter, const u32 nonce[3])
{
	state->word[0] = 0x61707865;
	state->word[1] = 0x3320646e;
	state->word[2] = 0x79622d32;
	state->word[3] = 0x6b206574;
	for (unsigned i = 0; i < 8; i++)
		state->word[4 + i] = key[i];
	state->word[12] = counter;
	for (unsigned i = 0; i < 3; i++)
		state->word[13 + i] = nonce[i];
}

void chacha20_block(struct chacha20 *state, u8 out[CHACHA20_BLOCK_BYTES])
{
	u32 x[16];

	for (unsigned i = 0; i < 16; i++)
		x[i] = state->word[i];
	for (unsigned i = 0; i < 10; i++) {
		quarter_round(&x[0], &x[4], &x[8], &x[12]);
		quarter_round(&x[1], &x[5], &x[9], &x[13]);
		quarter_round(&x[2], &x[6], &x[10], &x[14]);
		quarter_round(&x[3], &x[7], &x[11], &x[15]);
		quarter_round(&x[0], &x[5], &x[10], &x[15]);
		quarter_round(&x[1], &x[6], &x[11], &x[12]);
		quarter_round(&x[2], &x[7], &x[8], &x[13]);
		quarter_round(&x[3], &x[4], &x[9], &x[14]);
	}
	for (unsigned i = 0; i < 16; i++)
		put_le32(out + 4 * i, x[i] + state->word[i]);
	state->word[12]++;
	memzero_explicit(x, sizeof(x));
}

void chacha20_xor(struct chacha20 *state, u8 *data, size_t len)
{
	u8 block[CHACHA20_BLOCK_BYTES];

	while (len) {
		size_t part = len < sizeof(block) ? len : sizeof(block);

		chacha20_block(state, block);
		for (size_t i = 0; i < part; i++)
			data[i] ^= block[i];
		data += part;
		len -= part;
	}
	memzero_explicit(block, sizeof(block));
}
