/*
 * Feeds: a file to base/elf.c as exec does: the header from its first bytes, the program headers from where the header says they lie.
 * Checks what elf.h promises of each segment.
 *
 * Cannot catch: what exec does with the promises (mapping, the interpreter, the stack); tests/fuzz/calls and tests/abi do.
 */
#include "base/elf.h"
#include "tests/fuzz/fuzz.h"

#define LIMIT 0x00007ffffffff000ull

static void check_segments(const struct elf_image *im)
{
	u64 end = 0;

	FUZZ_MUST(im->segment_count >= 1 && im->segment_count <= ELF_SEGMENTS_MAX);
	for (u32 i = 0; i < im->segment_count; i++) {
		const struct elf_segment *s = &im->segments[i];

		FUZZ_MUST(s->memsz >= s->filesz && s->memsz > 0);
		FUZZ_MUST(s->vaddr + s->memsz > s->vaddr && s->vaddr + s->memsz <= LIMIT);
		FUZZ_MUST(s->offset + s->filesz >= s->offset);
		FUZZ_MUST(s->vaddr % PAGE_SIZE == s->offset % PAGE_SIZE);
		FUZZ_MUST(s->vaddr >= end);
		FUZZ_MUST(!(s->prot & ~(ELF_PROT_READ | ELF_PROT_WRITE | ELF_PROT_EXEC)));
		end = s->vaddr + s->memsz;
	}
	FUZZ_MUST(im->brk_start == end);
	FUZZ_MUST(im->span_start % PAGE_SIZE == 0 && im->span_end % PAGE_SIZE == 0);
	FUZZ_MUST(im->span_start <= im->segments[0].vaddr && im->span_end >= end);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t len)
{
	struct elf_header h;
	struct elf_image im;

	if (elf_check_header(data, MIN(len, (size_t)64), &h))
		return 0;
	FUZZ_MUST(h.phdrs_bytes == h.phnum * 56u && h.phdrs_bytes <= ELF_PHDRS_MAX_BYTES);
	if (h.phoff > len || h.phdrs_bytes > len - h.phoff || elf_decode(&h, data + h.phoff, LIMIT, &im))
		return 0;
	check_segments(&im);
	FUZZ_MUST(im.align_max >= PAGE_SIZE && !(im.align_max & (im.align_max - 1)) && im.entry < LIMIT);
	if (im.interp_len && im.interp_offset <= len && im.interp_len <= len - im.interp_offset &&
	    !elf_check_interp((const char *)data + im.interp_offset, im.interp_len))
		FUZZ_MUST(strlen((const char *)data + im.interp_offset) < im.interp_len);
	return 0;
}
