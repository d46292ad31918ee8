/*
 * What the libFuzzer targets share: an input read piece by piece, and checks that end the process.
 *
 * A target is tests/fuzz/NAME.c with LLVMFuzzerTestOneInput.  Those of pure code link the files that they test; those of the whole kernel (mk/fuzz.mk
 * says which) link the library, are compiled with the kernel's own view of headers, and may call the kernel functions that mk/fuzz.mk names for them.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "base/types.h"
#include "base/string.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t len);

#define FUZZ_MUST(cond) do { if (!(cond)) fuzz_fails(#cond, __FILE__, __LINE__); } while (0)
int printf(const char *fmt, ...);
void abort(void) __attribute__((noreturn));

static inline void fuzz_fails(const char *what, const char *file, int line)
{
	printf("%s:%d: %s does not hold\n", file, line, what);
	abort();
}

/* Past its end an input gives zeroes. */
struct fuzz_input {
	const u8 *at;
	size_t left;
};

static inline struct fuzz_input fuzz_input_of(const u8 *data, size_t len) { return (struct fuzz_input){ data, len }; }

static inline u64 fuzz_take(struct fuzz_input *in, unsigned bytes)
{
	u64 v = 0;

	for (unsigned i = 0; i < bytes && in->left; i++, in->left--)
		v |= (u64)*in->at++ << 8 * i;
	return v;
}

static inline u8 fuzz_u8(struct fuzz_input *in) { return (u8)fuzz_take(in, 1); }
static inline u16 fuzz_u16(struct fuzz_input *in) { return (u16)fuzz_take(in, 2); }
static inline u32 fuzz_u32(struct fuzz_input *in) { return (u32)fuzz_take(in, 4); }

/** fuzz_bytes - up to @n bytes of the input, where they lie. Return: how many */
static inline size_t fuzz_bytes(struct fuzz_input *in, size_t n, const u8 **out)
{
	n = MIN(n, in->left);
	*out = in->at;
	in->at += n;
	in->left -= n;
	return n;
}

#endif
