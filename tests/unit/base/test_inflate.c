/*
 * base/inflate.c: what gzip(1) compressed comes back, through both forms; damaged input is refused and
 * nothing outside the buffers is touched (each has its exact size, and the sanitizer watches).
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <unistd.h>

#include "base/crc32.h"
#include "base/inflate.h"

static struct inflate z;

struct bytes {
	u8 *data;
	size_t len;
};

/* @level: '1' to '9' */
static struct bytes run_gzip(const u8 *data, size_t len, char level)
{
	char path[] = "/tmp/auk-inflate-XXXXXX";
	char command[80];
	struct bytes out = { malloc(len + 4096), 0 };
	int fd = mkstemp(path);
	FILE *pipe;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	close(fd);
	sprintf(command, "gzip -N%c -c %s", level, path);
	pipe = popen(command, "r");
	out.len = fread(out.data, 1, len + 4096, pipe);
	assert_int_equal(pclose(pipe), 0);
	unlink(path);
	out.data = realloc(out.data, out.len);
	return out;
}

static int append(void *ctx, const u8 *data, size_t len)
{
	struct bytes *out = ctx;

	assert_in_range(len, 1, INFLATE_WINDOW_BYTES);
	out->data = realloc(out->data, out->len + len);
	memcpy(out->data + out->len, data, len);
	out->len += len;
	return 0;
}

static void check_both(struct bytes gz, const u8 *expected, size_t len)
{
	u8 *out = malloc(len);
	u8 *window = malloc(INFLATE_WINDOW_BYTES);
	struct bytes streamed = { NULL, 0 };
	size_t used = 0, out_len = 0;
	int err = gunzip(&z, gz.data, gz.len, &used, out, len, &out_len);

	if (err)
		fail_msg("gunzip: %d, %s at %zu", err, z.error, z.error_at);
	assert_int_equal(out_len, len);
	assert_int_equal(used, gz.len);
	assert_memory_equal(out, expected, len);
	assert_int_equal(gunzip_size_hint(gz.data, gz.len), len);
	if (len) {
		/* One byte too few. */
		free(out);
		out = malloc(len - 1);
		assert_int_equal(gunzip(&z, gz.data, gz.len, NULL, out, len - 1, &out_len), -ENOSPC);
	}
	err = gunzip_stream(&z, gz.data, gz.len, &used, window, append, &streamed);
	if (err)
		fail_msg("gunzip_stream: %d, %s at %zu", err, z.error, z.error_at);
	assert_int_equal(streamed.len, len);
	assert_int_equal(used, gz.len);
	assert_memory_equal(streamed.data, expected, len);
	free(streamed.data);
	free(window);
	free(out);
}

/* Data of a kind: 0 random, 1 one byte, 2 words, 3 skewed as far as codes of 15 bits, 4 short periods. */
static void make_data(struct rng *rng, u8 *data, size_t len, int kind)
{
	static const char *const words[] = { "auk ", "great ", "kernel\n", "page ", "table ", "the ", "of " };
	size_t at = 0;
	u64 period = 1 + rng_below(rng, 20);

	while (at < len) {
		const char *word;

		switch (kind) {
		case 0:
			data[at++] = (u8)rng_u64(rng);
			break;
		case 1:
			data[at++] = 'x';
			break;
		case 2:
			for (word = words[rng_below(rng, 7)]; *word && at < len; word++)
				data[at++] = (u8)*word;
			break;
		case 3:
			data[at++] = (u8)__builtin_ctzll(rng_u64(rng) | BIT(63));
			break;
		default:
			data[at] = at < period || rng_below(rng, 500) == 0 ? (u8)rng_u64(rng) :
									     data[at - period];
			at++;
		}
	}
}

static void round_trips(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 3, 100, 257, 258, 259, 5000, 32768, 65535, 65536, 65537,
					200001, 700000 };
	static const char levels[] = "169";
	struct rng rng = { 80 };
	u8 *data = malloc(700000);

	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (int kind = 0; kind < 5; kind++) {
			char level = levels[(i + (unsigned)kind) % 3];
			struct bytes gz;

			make_data(&rng, data, sizes[i], kind);
			gz = run_gzip(data, sizes[i], level);
			check_both(gz, data, sizes[i]);
			free(gz.data);
		}
	}
	free(data);
}

/* Source: RFC 1951 3.2.4 to 3.2.6; worked out by hand. */
static void small_streams(void **state)
{
	static const u8 fixed_abc[] = { 0x4b, 0x4c, 0x4a, 0x06, 0x00 };
	static const u8 stored_hi[] = { 0x01, 2, 0, 0xfd, 0xff, 'h', 'i', 0x77 };
	static const u8 stored_bad[] = { 0x01, 2, 0, 0xfc, 0xff, 'h', 'i' };
	static const u8 type_3[] = { 0x07, 0 };
	static const u8 far_back[] = { 0x4b, 0x04, 0x52, 0x00 };	/* 'a', then a match 2 or more back */
	u8 out[16];
	size_t used, len;

	assert_int_equal(inflate_raw(&z, fixed_abc, 5, &used, out, 3, &len), 0);
	assert_int_equal(len, 3);
	assert_memory_equal(out, "abc", 3);
	assert_int_equal(used, 5);
	assert_int_equal(inflate_raw(&z, fixed_abc, 5, &used, out, 2, &len), -ENOSPC);
	assert_int_equal(inflate_raw(&z, stored_hi, 8, &used, out, 16, &len), 0);
	assert_int_equal(used, 7);
	assert_memory_equal(out, "hi", 2);
	assert_int_equal(inflate_raw(&z, stored_bad, 7, &used, out, 16, &len), -EINVAL);
	assert_non_null(z.error);
	assert_int_equal(inflate_raw(&z, type_3, 2, &used, out, 16, &len), -EINVAL);
	assert_int_equal(inflate_raw(&z, far_back, 4, &used, out, 16, &len), -EINVAL);
	for (size_t cut = 0; cut < 5; cut++)
		assert_int_equal(inflate_raw(&z, fixed_abc, cut, &used, out, 16, &len), -EINVAL);
	assert_int_equal(inflate_raw(&z, "", 0, &used, out, 16, &len), -EINVAL);
}

/* Every optional field of the header, two members one after the other, and every one cut short. */
static void gzip_headers(void **state)
{
	static const u8 body[] = { 0x4b, 0x4c, 0x4a, 0x06, 0x00 };
	u8 gz[100] = { 0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 1, 2, 3, 4, 0, 3, 3, 0, 'e', 'x', 't' };
	size_t at = 15, used, len;
	u8 out[8];
	u32 crc;

	memcpy(gz + at, "name\0comment", 13);
	at += 13;
	crc = crc32(0, gz, at);
	gz[at++] = (u8)crc;
	gz[at++] = (u8)(crc >> 8);
	memcpy(gz + at, body, 5);
	at += 5;
	crc = crc32(0, "abc", 3);
	memcpy(gz + at, &crc, 4);
	gz[at + 4] = 3;
	at += 8;
	gz[at] = 0x1f;		/* what follows is not touched */
	assert_int_equal(gunzip(&z, gz, sizeof(gz), &used, out, 3, &len), 0);
	assert_int_equal(used, at);
	assert_memory_equal(out, "abc", 3);
	for (size_t cut = 0; cut < at; cut++) {
		u8 *exact = malloc(cut + 1);

		memcpy(exact + 1, gz, cut);
		assert_int_equal(gunzip(&z, exact + 1, cut, &used, out, 8, &len), -EINVAL);
		assert_non_null(z.error);
		free(exact);
	}
	gz[28] ^= 1;		/* the header's CRC */
	assert_int_equal(gunzip(&z, gz, sizeof(gz), &used, out, 3, &len), -EINVAL);
	gz[28] ^= 1;
	gz[3] |= 0x20;
	assert_int_equal(gunzip(&z, gz, sizeof(gz), &used, out, 3, &len), -EINVAL);
	gz[3] &= 0x1f;
	gz[at - 1] = 1;		/* the length */
	assert_int_equal(gunzip(&z, gz, sizeof(gz), &used, out, 3, &len), -EINVAL);
	assert_true(gunzip_is_gzip(gz, sizeof(gz)));
	assert_false(gunzip_is_gzip(gz, 2));
}

static int refuse_second(void *ctx, const u8 *data, size_t len)
{
	return ++*(int *)ctx == 2 ? -EIO : 0;
}

static void sink_fails(void **state)
{
	struct rng rng = { 81 };
	u8 *data = malloc(300000);
	u8 *window = malloc(INFLATE_WINDOW_BYTES);
	struct bytes gz;
	int calls = 0;

	make_data(&rng, data, 300000, 2);
	gz = run_gzip(data, 300000, '6');
	assert_int_equal(gunzip_stream(&z, gz.data, gz.len, NULL, window, refuse_second, &calls), -EIO);
	assert_int_equal(calls, 2);
	free(gz.data);
	free(window);
	free(data);
}

static void damage(void **state)
{
	struct rng rng = { 82 };
	u8 data[3000];
	u8 *window = malloc(INFLATE_WINDOW_BYTES);

	for (int kind = 0; kind < 5; kind++) {
		struct bytes gz;

		make_data(&rng, data, sizeof(data), kind);
		gz = run_gzip(data, sizeof(data), '9');
		for (int round = 0; round < 4000; round++) {
			size_t cut = rng_below(&rng, 3) ? gz.len : rng_below(&rng, gz.len);
			u8 *bad = malloc(cut ? cut : 1);
			u8 *out = malloc(sizeof(data));
			struct bytes streamed = { NULL, 0 };
			size_t used, len;
			int err;

			memcpy(bad, gz.data, cut);
			for (u64 n = rng_below(&rng, 4); n && cut > 10; n--)
				bad[10 + rng_below(&rng, cut - 10)] ^= (u8)(1 << rng_below(&rng, 8));
			err = gunzip(&z, bad, cut, &used, out, sizeof(data), &len);
			assert_true(used <= cut && len <= sizeof(data));
			if (!err)
				assert_memory_equal(out, data, sizeof(data));
			else
				assert_true(err == -EINVAL || err == -ENOSPC);
			/* The raw form has no CRC that would tell; it must only stay within bounds. */
			if (cut > 18)
				err = inflate_raw(&z, bad + 10, cut - 10, &used, out, sizeof(data), &len);
			err = gunzip_stream(&z, bad, cut, &used, window, append, &streamed);
			assert_true(err == 0 || err == -EINVAL);
			free(streamed.data);
			free(bad);
			free(out);
		}
		free(gz.data);
	}
	free(window);
}

static void random_input(void **state)
{
	struct rng rng = { 83 };

	for (int round = 0; round < 50000; round++) {
		size_t in_len = rng_below(&rng, 200), out_size = rng_below(&rng, 400);
		u8 *in = malloc(in_len + 1), *out = malloc(out_size + 1);
		size_t used, len;
		int err;

		rng_bytes(&rng, in + 1, in_len);
		if (in_len)
			in[1] = (u8)((in[1] & ~6) | (rng_u64(&rng) & 1 ? 4 : 2));	/* no type 0 or 3 */
		err = inflate_raw(&z, in + 1, in_len, &used, out + 1, out_size, &len);
		assert_true(err == 0 || err == -EINVAL || err == -ENOSPC);
		assert_true(used <= in_len && len <= out_size);
		free(in);
		free(out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trips), cmocka_unit_test(small_streams),
		cmocka_unit_test(gzip_headers), cmocka_unit_test(sink_fails),
		cmocka_unit_test(damage), cmocka_unit_test(random_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
