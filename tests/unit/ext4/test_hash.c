/* fs/ext4/hash.c: hashes as debugfs prints them: debugfs -R "dx_hash -h KIND -s 01234567-89ab-cdef-0123-456789abcdef NAME". */
#include "tests/unit/unit.h"

#include "fs/ext4/format.h"
#include "fs/ext4/hash.h"

static const struct { u32 version; const char *name; u32 hash, minor; } known[] = {
	{ HASH_LEGACY, "a", 0xe74b53e2, 0 },
	{ HASH_LEGACY, "file1", 0x9fe8969e, 0 },
	{ HASH_LEGACY, "a-name-of-more-than-thirty-two-characters-indeed", 0x9ad1bbf8, 0 },
	{ HASH_LEGACY, "\xc3\xa4-umlaut", 0xf1d8984e, 0 },
	{ HASH_HALF_MD4, "a", 0x35dc0cc4, 0x3f1dacef },
	{ HASH_HALF_MD4, "file1", 0x249f83d8, 0x1dfde4b5 },
	{ HASH_HALF_MD4, "a-name-of-more-than-thirty-two-characters-indeed", 0xb5488b6c, 0x334e6fe1 },
	{ HASH_HALF_MD4, "\xc3\xa4-umlaut", 0xb9d7e7b0, 0xdc657761 },
	{ HASH_TEA, "a", 0x6d0ea4c0, 0xc18922df },
	{ HASH_TEA, "file1", 0x45cece8c, 0x74829df8 },
	{ HASH_TEA, "a-name-of-more-than-thirty-two-characters-indeed", 0x55ed7e98, 0xae578ace },
	{ HASH_TEA, "\xc3\xa4-umlaut", 0x55d1b976, 0x1c523039 },
};

static void known_hashes(void **state)
{
	/* the UUID's bytes as little-endian words */
	const u32 seed[4] = { 0x67452301, 0xefcdab89, 0x67452301, 0xefcdab89 };

	for (size_t k = 0; k < ARRAY_SIZE(known); k++) {
		struct hash_info hi;

		ext4_hash(known[k].name, (u32)strlen(known[k].name), known[k].version, seed, &hi);
		assert_int_equal(hi.hash, known[k].hash);
		assert_int_equal(hi.minor, known[k].minor);
	}
}

static void standard_seed(void **state)
{
	const u32 none[4] = { 0 };
	struct hash_info hi;

	ext4_hash("file1", 5, HASH_HALF_MD4, none, &hi);
	assert_int_equal(hi.hash, 0xd5d1f552);
	assert_int_equal(hi.minor, 0x3002027f);
}

static void unsigned_kinds_agree_below_128(void **state)
{
	const u32 none[4] = { 0 };
	struct hash_info a, b;

	for (u32 v = HASH_LEGACY; v <= HASH_TEA; v++) {
		ext4_hash("plain", 5, v, none, &a);
		ext4_hash("plain", 5, v + 3, none, &b);
		assert_int_equal(a.hash, b.hash);
		ext4_hash("\xff\xfe", 2, v, none, &a);
		ext4_hash("\xff\xfe", 2, v + 3, none, &b);
		assert_int_not_equal(a.hash, b.hash);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_hashes), cmocka_unit_test(standard_seed), cmocka_unit_test(unsigned_kinds_agree_below_128),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
