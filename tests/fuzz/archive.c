/*
 * Feeds: an initramfs image to base/inflate.c (memory to memory, and through the callback) and base/cpio.c. All names and data must lie in the image;
 * both ways of unpacking give the same bytes.
 *
 * Cannot catch: what unpacking does to a tree; tests/fuzz/initramfs does.
 */
#include "base/cpio.h"
#include "base/inflate.h"
#include "tests/fuzz/fuzz.h"

enum { OUT_MAX = 1 << 18 };

static u8 out[OUT_MAX], window[INFLATE_WINDOW_BYTES];
static struct inflate z;
static size_t streamed;

static void walk(const u8 *image, size_t len)
{
	struct cpio c;
	struct cpio_entry e;
	int more;

	cpio_init(&c, image, len);
	do {
		while ((more = cpio_next(&c, &e)) > 0) {
			FUZZ_MUST(e.name_len && (const u8 *)e.name > image && (const u8 *)e.name + e.name_len < image + len);
			FUZZ_MUST(strlen(e.name) == e.name_len);
			FUZZ_MUST(!e.data_len || (e.data >= image && e.data + e.data_len <= image + len));
		}
		FUZZ_MUST(more == 0 || (c.error && c.error_at <= len));
	} while (more == 0 && cpio_next_archive(&c));
	FUZZ_MUST(c.at <= len);
}

static int sink(void *ctx, const u8 *data, size_t len)
{
	if (streamed + len > OUT_MAX)
		return -1;
	FUZZ_MUST(!memcmp(out + streamed, data, len));
	streamed += len;
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	size_t used, used_again, n;

	walk(data, len);
	int err = gunzip(&z, data, len, &used, out, OUT_MAX, &n);

	FUZZ_MUST(n <= OUT_MAX);
	streamed = 0;
	int again = gunzip_stream(&z, data, len, &used_again, window, sink, NULL);
	if (err || again)
		FUZZ_MUST(again || n == OUT_MAX);
	else
		FUZZ_MUST(streamed == n && used == used_again && used <= len);
	walk(out, n);
	return 0;
}
