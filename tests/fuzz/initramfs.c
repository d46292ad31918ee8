/*
 * Feeds: initramfs images to fs/ram/initramfs.c in the whole kernel, below a tmpfs that is made anew for each.  An image is taken as it is, or packed by
 * gzip's "stored" form first (bit of the first byte), so that the stream's own state machine sees what is damaged inside.  A cpio archive can also be
 * written by the input entry by entry, so that its headers are well formed.
 *
 * What must hold: no report of a sanitizer, no panic, no entry that waits for ever, and nothing is left open (the tmpfs is unmounted).
 *
 * Cannot catch: a tree that is unpacked wrongly (tests/vm boots real ones).
 */
#include <asm/unistd.h>
#include <linux/fcntl.h>
#include "base/bitops.h"
#include "base/crc32.h"
#include "base/printf.h"
#include "fs/ram/ram.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/machine.h"

enum { IMAGE_MAX = 64 << 10, AS_IS = 0, STORED = 1, ENTRIES = 2, STORED_ENTRIES = 3 };

static u8 plain[IMAGE_MAX], packed[IMAGE_MAX + 1024];

/* gzip(1)'s format with blocks that are stored: RFC 1951 3.2.4, RFC 1952. */
static size_t pack(const u8 *data, size_t n)
{
	static const u8 head[10] = { 0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3 };
	u8 *at = packed;

	memcpy(at, head, sizeof(head));
	at += sizeof(head);
	for (size_t done = 0, part; done < n || !done; done += part) {
		part = MIN(n - done, (size_t)8000);
		*at = done + part == n;
		put_le16(at + 1, (u16)part);
		put_le16(at + 3, (u16)~part);
		memcpy(at + 5, data + done, part);
		at += 5 + part;
		if (!part)
			break;
	}
	put_le32(at, crc32(0, data, n));
	put_le32(at + 4, (u32)n);
	return (size_t)(at + 8 - packed);
}

static size_t entries(struct fuzz_input *in)
{
	static const u32 modes[] = { 0100644, 040755, 0120777, 010600, 020600, 060600, 0140600, 0 };
	static const char *const names[] = { "a", "d", "d/b", "d/../../x", "/abs", ".", "d/d/d", "TRAILER!!!", "link", "..", "b/", "d//e" };
	size_t at = 0;

	while (in->left && at + 5000 < IMAGE_MAX) {
		u8 kind = fuzz_u8(in);
		const char *name = names[fuzz_u8(in) % ARRAY_SIZE(names)];
		const u8 *bytes;
		size_t n = fuzz_bytes(in, fuzz_u16(in) % 3000, &bytes), len = strlen(name) + 1;

		fmt_snprintf((char *)plain + at, 200, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", kind >> 5, modes[kind & 7],
			     fuzz_u8(in), 0, kind & 8 ? 2 : 1, 0, (u32)n, 0, 0, fuzz_u8(in), 1, (u32)len, 0);
		memcpy(plain + at + 110, name, len);
		at += ALIGN_UP(110 + len, 4ul);
		memcpy(plain + at, bytes, n);
		at += ALIGN_UP(n, 4ul);
	}
	return at;
}

/* Symbolic links may lead out of root/, as on Linux; so there is a tmpfs around it that goes as well. */
static void fresh_root(void)
{
	uint64_t type = fuzz_name("tmpfs");

	(void)auk_syscall(__NR_mkdir, fuzz_name("/outside"), 0755);
	FUZZ_MUST(!auk_syscall(__NR_mount, type, fuzz_name("/outside"), type, 0, 0));
	FUZZ_MUST(!auk_syscall(__NR_mkdir, fuzz_name("/outside/root"), 0755));
	FUZZ_MUST(!auk_syscall(__NR_chdir, fuzz_name("/outside/root")));
}

static void drop_root(void)
{
	FUZZ_MUST(!auk_syscall(__NR_chdir, fuzz_name("/")));
	FUZZ_MUST(!auk_syscall(__NR_umount2, fuzz_name("/outside"), 0));
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct fuzz_input in = fuzz_input_of(data, len);
	u8 how = fuzz_u8(&in);
	const u8 *image = in.at;
	size_t n = MIN(in.left, (size_t)IMAGE_MAX);

	(void)fuzz_machine(NULL, 0);
	fresh_root();
	if (how & ENTRIES) {
		n = entries(&in);
		image = plain;
	}
	if (how & STORED) {
		n = pack(image, n);
		image = packed;
	}
	(void)!initramfs_unpack(image, n);
	drop_root();
	return 0;
}
