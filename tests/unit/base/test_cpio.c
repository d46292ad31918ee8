/* base/cpio.c */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/cpio.h"

struct archive {
	u8 *data;
	size_t len;
};

static void put(struct archive *a, const void *data, size_t len)
{
	a->data = realloc(a->data, a->len + len + 1);
	memcpy(a->data + a->len, data, len);
	a->len += len;
}

static void pad(struct archive *a)
{
	while (a->len % 4)
		put(a, "", 1);
}

static void put_entry(struct archive *a, const char *name, size_t name_size, u32 mode, const void *data,
		      size_t len)
{
	char header[111];

	sprintf(header, "070701%08X%08x%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X%08X", 0xabcdef01, mode, 1000,
		1001, 2, 1700000000, (unsigned)len, 8, 1, 5, 3, (unsigned)name_size, 0);
	put(a, header, 110);
	put(a, name, name_size);
	pad(a);
	put(a, data, len);
	pad(a);
}

static struct archive sample(void)
{
	struct archive a = { NULL, 0 };

	put_entry(&a, "dir", 4, 040755, "", 0);
	put_entry(&a, "dir/file", 9, 0100644, "hello", 5);
	put_entry(&a, "padded\0\0\0\0", 11, 0100755, "12345678", 8);
	put_entry(&a, "dev/console", 12, 020600, "", 0);
	put_entry(&a, "TRAILER!!!", 11, 0, "", 0);
	return a;
}

static void entries(void **state)
{
	struct archive a = sample();
	struct cpio cpio;
	struct cpio_entry e;

	for (int i = 0; i < 512; i++)
		put(&a, "", 1);
	put_entry(&a, "second", 7, 0100600, "x", 1);	/* another archive, without a trailer */
	a.len -= 3;					/* nor its last padding */
	cpio_init(&cpio, a.data, a.len);
	assert_int_equal(cpio_next(&cpio, &e), 1);
	assert_string_equal(e.name, "dir");
	assert_int_equal(e.mode, 040755);
	assert_int_equal(e.ino, 0xabcdef01);
	assert_int_equal(e.uid, 1000);
	assert_int_equal(e.gid, 1001);
	assert_int_equal(e.nlink, 2);
	assert_int_equal(e.mtime_s, 1700000000);
	assert_int_equal(e.dev_major, 8);
	assert_int_equal(e.dev_minor, 1);
	assert_int_equal(e.rdev_major, 5);
	assert_int_equal(e.rdev_minor, 3);
	assert_int_equal(e.data_len, 0);
	assert_int_equal(cpio_next(&cpio, &e), 1);
	assert_string_equal(e.name, "dir/file");
	assert_int_equal(e.name_len, 8);
	assert_int_equal(e.data_len, 5);
	assert_memory_equal(e.data, "hello", 5);
	assert_int_equal(cpio_next(&cpio, &e), 1);
	assert_string_equal(e.name, "padded");
	assert_int_equal(e.name_len, 6);
	assert_memory_equal(e.data, "12345678", 8);
	assert_int_equal(cpio_next(&cpio, &e), 1);
	assert_int_equal(cpio_next(&cpio, &e), 0);
	assert_true(cpio_next_archive(&cpio));
	assert_int_equal(cpio_next(&cpio, &e), 1);
	assert_string_equal(e.name, "second");
	assert_memory_equal(e.data, "x", 1);
	assert_int_equal(cpio_next(&cpio, &e), 0);
	assert_false(cpio_next_archive(&cpio));
	free(a.data);
}

/* How a walk over @data (of exactly @len bytes) ends. */
static int walk(const u8 *data, size_t len, struct cpio *cpio)
{
	u8 *exact = malloc(len + 1);
	struct cpio_entry e;
	int got;
	int count = 0;

	memcpy(exact + 1, data, len);
	cpio_init(cpio, exact + 1, len);
	while ((got = cpio_next(cpio, &e)) == 1) {
		u8 sum = 0;

		assert_true(strlen(e.name) == e.name_len && e.name_len > 0);
		for (size_t i = 0; i < e.data_len; i++)
			sum = (u8)(sum + e.data[i]);
		assert_true(++count < 100);
		assert_true(cpio->at <= len || sum);
	}
	if (got < 0) {
		assert_non_null(cpio->error);
		assert_true(cpio->error_at <= len);
		assert_int_equal(cpio_next(cpio, &e), -EINVAL);	/* and stays there */
	}
	free(exact);
	return got;
}

static void errors(void **state)
{
	struct cpio cpio;
	struct archive a = sample();

	assert_int_equal(walk(a.data, 0, &cpio), 0);
	assert_int_equal(walk(a.data, 109, &cpio), -EINVAL);
	assert_int_equal(cpio.error_at, 0);
	a.data[3] = 'x';
	assert_int_equal(walk(a.data, a.len, &cpio), -EINVAL);
	a.data[3] = '7';
	a.data[20] = 'g';
	assert_int_equal(walk(a.data, a.len, &cpio), -EINVAL);
	assert_int_equal(cpio.error_at, 14);
	a.data[20] = '0';
	memcpy(a.data + 54, "FFFFFFFF", 8);		/* the size */
	assert_int_equal(walk(a.data, a.len, &cpio), -EINVAL);
	memcpy(a.data + 54, "00000000", 8);
	memcpy(a.data + 94, "FFFFFFFF", 8);		/* the name's size */
	assert_int_equal(walk(a.data, a.len, &cpio), -EINVAL);
	memcpy(a.data + 94, "00000000", 8);
	assert_int_equal(walk(a.data, a.len, &cpio), -EINVAL);
	memcpy(a.data + 94, "00000003", 8);		/* no NUL in it */
	assert_int_equal(walk(a.data, a.len, &cpio), -EINVAL);
	memcpy(a.data + 94, "00000004", 8);
	assert_int_equal(walk(a.data, a.len, &cpio), 0);
	a.data[111] = 0;				/* a NUL inside */
	assert_int_equal(walk(a.data, a.len, &cpio), -EINVAL);
	free(a.data);
}

static void damage(void **state)
{
	struct rng rng = { 90 };
	struct archive a = sample();
	struct cpio cpio;

	for (size_t cut = 0; cut < a.len; cut++)
		walk(a.data, cut, &cpio);
	for (int round = 0; round < 50000; round++) {
		u8 *bad = malloc(a.len);

		memcpy(bad, a.data, a.len);
		for (u64 n = 1 + rng_below(&rng, 3); n; n--) {
			size_t at = rng_below(&rng, a.len);

			bad[at] = rng_u64(&rng) & 1 ? (u8)"0123456789abcdefF"[rng_below(&rng, 17)] :
						      (u8)rng_u64(&rng);
		}
		walk(bad, a.len, &cpio);
		free(bad);
	}
	free(a.data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries),
		cmocka_unit_test(errors),
		cmocka_unit_test(damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
