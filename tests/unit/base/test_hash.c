/* base/hash.c, crc32.c, crc32c.c, chacha20.c: the vectors of the specifications, and bitwise models. */
#include "tests/unit/unit.h"

#include "base/bitops.h"
#include "base/chacha20.h"
#include "base/crc32.h"
#include "base/crc32c.h"
#include "base/hash.h"

/* Source: the reference implementation's vectors.h; the key is 00 01 …, message n is 00 01 … n-1. */
static void siphash_vectors(void **state)
{
	static const u64 expected[9] = {
		0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a,
		0x85676696d7fb7e2d, 0xcf2794e0277187b7, 0x18765564cd99a68d,
		0xcbc9466e58fee3ce, 0xab0200f58b01d137, 0x93f5f5799a932462,
	};
	static const u32 expected_13[12] = {
		0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b,
		0xa0080b65, 0x9d38d9d6, 0x577999b1, 0xc839caed, 0xe4fa32cf, 0x959246ee,
	};
	static const u32 expected_24[12] = {
		0x5b9f35a9, 0xb85a4727, 0x03a662fa, 0x04e7fe8a, 0x89466e2a, 0x69b6fac5,
		0x23fc6358, 0xc563cf8b, 0x8f84b8d0, 0x79e706f8, 0x3479b094, 0x50300808,
	};
	const struct siphash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };
	const struct halfsiphash_key half = { { 0x03020100, 0x07060504 } };
	u8 data[64];

	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (u8)i;
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++)
		assert_true(siphash(data, i, &key) == expected[i]);
	assert_true(siphash(data, 15, &key) == 0xa129ca6149be45e5);	/* the paper's example */
	for (unsigned i = 0; i < ARRAY_SIZE(expected_13); i++) {
		assert_int_equal(halfsiphash(data, i, &half), expected_13[i]);
		assert_int_equal(halfsiphash_rounds(data, i, &half, 2, 4), expected_24[i]);
	}
}

/* Source: RFC 3720 B.4; the check values of the CRC catalogue. */
static void crc_vectors(void **state)
{
	u8 data[32];

	assert_true(~crc32c(~0U, "123456789", 9) == 0xe3069283);
	assert_int_equal(crc32(0, "123456789", 9), 0xcbf43926);
	memset(data, 0, sizeof(data));
	assert_true(~crc32c(~0U, data, 32) == 0x8a9136aa);
	memset(data, 0xff, sizeof(data));
	assert_true(~crc32c(~0U, data, 32) == 0x62a8ab43);
	for (unsigned i = 0; i < 32; i++)
		data[i] = (u8)i;
	assert_true(~crc32c(~0U, data, 32) == 0x46dd794e);
	for (unsigned i = 0; i < 32; i++)
		data[i] = (u8)(31 - i);
	assert_true(~crc32c(~0U, data, 32) == 0x113fdb5c);
}

static u32 crc_bitwise(u32 poly, u32 crc, const u8 *data, size_t len)
{
	while (len--) {
		crc ^= *data++;
		for (int bit = 0; bit < 8; bit++)
			crc = (crc >> 1) ^ (crc & 1 ? poly : 0);
	}
	return crc;
}

static void crc_model(void **state)
{
	struct rng rng = { 60 };
	static u8 data[600];

	rng_bytes(&rng, data, sizeof(data));
	for (int round = 0; round < 3000; round++) {
		u32 seed = (u32)rng_u64(&rng);
		size_t at = rng_below(&rng, 20), len = rng_below(&rng, 580), part = rng_below(&rng, len + 1);

		assert_true(crc32c(seed, data + at, len) == crc_bitwise(0x82f63b78, seed, data + at, len));
		assert_true(crc32_le(seed, data + at, len) ==
			    crc_bitwise(0xedb88320, seed, data + at, len));
		assert_true(crc32(crc32(seed, data + at, part), data + at + part, len - part) ==
			    crc32(seed, data + at, len));
	}
}

/* Source: RFC 8439 sections 2.3.2 and 2.4.2. */
static void chacha_vectors(void **state)
{
	static const u8 block[64] = {
		0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4,
		0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22, 0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e,
		0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa, 0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2,
		0xb5, 0x12, 0x9c, 0xd1, 0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
	};
	static const u8 cipher[114] = {
		0x6e, 0x2e, 0x35, 0x9a, 0x25, 0x68, 0xf9, 0x80, 0x41, 0xba, 0x07, 0x28, 0xdd, 0x0d, 0x69, 0x81,
		0xe9, 0x7e, 0x7a, 0xec, 0x1d, 0x43, 0x60, 0xc2, 0x0a, 0x27, 0xaf, 0xcc, 0xfd, 0x9f, 0xae, 0x0b,
		0xf9, 0x1b, 0x65, 0xc5, 0x52, 0x47, 0x33, 0xab, 0x8f, 0x59, 0x3d, 0xab, 0xcd, 0x62, 0xb3, 0x57,
		0x16, 0x39, 0xd6, 0x24, 0xe6, 0x51, 0x52, 0xab, 0x8f, 0x53, 0x0c, 0x35, 0x9f, 0x08, 0x61, 0xd8,
		0x07, 0xca, 0x0d, 0xbf, 0x50, 0x0d, 0x6a, 0x61, 0x56, 0xa3, 0x8e, 0x08, 0x8a, 0x22, 0xb6, 0x5e,
		0x52, 0xbc, 0x51, 0x4d, 0x16, 0xcc, 0xf8, 0x06, 0x81, 0x8c, 0xe9, 0x1a, 0xb7, 0x79, 0x37, 0x36,
		0x5a, 0xf9, 0x0b, 0xbf, 0x74, 0xa3, 0x5b, 0xe6, 0xb4, 0x0b, 0x8e, 0xed, 0xf2, 0x78, 0x5e, 0x42,
		0x87, 0x4d,
	};
	char text[] = "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the "
		      "future, sunscreen would be it.";
	const u32 nonce_a[3] = { 0x09000000, 0x4a000000, 0 };
	const u32 nonce_b[3] = { 0, 0x4a000000, 0 };
	struct chacha20 chacha;
	u32 key[8];
	u8 out[64];

	for (unsigned i = 0; i < 8; i++)
		key[i] = 0x03020100 + i * 0x04040404;
	chacha20_init(&chacha, key, 1, nonce_a);
	chacha20_block(&chacha, out);
	assert_memory_equal(out, block, 64);
	assert_int_equal(chacha.word[12], 2);
	assert_int_equal(sizeof(text) - 1, sizeof(cipher));
	chacha20_init(&chacha, key, 1, nonce_b);
	chacha20_xor(&chacha, (u8 *)text, sizeof(cipher));
	assert_memory_equal(text, cipher, sizeof(cipher));
}

static void hash_quality(void **state)
{
	enum { NAMES = 20000, BUCKETS = 4096 };
	static u32 chain[BUCKETS];
	struct rng rng = { 61 };
	u32 longest = 0;

	/* Names as programs make them: the longest chain is about that of random numbers. */
	for (int i = 0; i < NAMES; i++) {
		char name[32];
		size_t len = (size_t)sprintf(name, "file%d.txt", i);
		u32 *bucket = &chain[hash_name(name, len, 7) % BUCKETS];

		if (++*bucket > longest)
			longest = *bucket;
	}
	assert_true(longest <= 20);
	/* Each byte and the length count, and nothing past the length does. */
	for (int round = 0; round < 20000; round++) {
		char a[40], b[40];
		size_t len = rng_below(&rng, 32) + 1;
		size_t at = rng_below(&rng, len);

		rng_bytes(&rng, a, sizeof(a));
		memcpy(b, a, len);
		memset(b + len, 0x55, sizeof(b) - len);
		assert_true(hash_name(a, len, 1) == hash_name(b, len, 1));
		assert_true(hash_name(a, len, 1) != hash_name(b, len, 2));
		assert_true(hash_name(a, len, 1) != hash_name(a, len - 1, 1));
		b[at] = (char)(b[at] ^ (1 << rng_below(&rng, 8)));
		assert_true(hash_name(a, len, 1) != hash_name(b, len, 1));
	}
	for (int bit = 0; bit < 64; bit++) {
		unsigned flipped = popcount64(hash_u64(12345) ^ hash_u64(12345 ^ BIT(bit)));

		assert_in_range(flipped, 16, 48);
	}
	assert_true(hash_words((u32[]){ 1, 2, 3 }, 3, 0) != hash_words((u32[]){ 1, 2, 4 }, 3, 0));
	assert_true(hash_words((u32[]){ 1, 2, 0 }, 3, 0) != hash_words((u32[]){ 1, 2 }, 2, 0));
	assert_true(hash_2words(1, 2, 0) != hash_2words(2, 1, 0));
	assert_true(hash_bits(~0ULL, 10) < 1024);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(siphash_vectors), cmocka_unit_test(crc_vectors),
		cmocka_unit_test(crc_model), cmocka_unit_test(chacha_vectors),
		cmocka_unit_test(hash_quality),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
