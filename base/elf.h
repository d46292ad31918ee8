/*
 * Checks and decodes the headers of x86-64 ELF programs for exec.
 *
 * Pure: elf_check_header() looks at the first bytes of a file and says where the program headers lie;
 * elf_decode() looks at these and says what to map.  The caller reads the file and maps.
 *
 * After a successful elf_decode(): each segment has memsz >= filesz, offset and vaddr are congruent
 * modulo the page size, no sum overflows, vaddr + memsz <= @limit, segments ascend and do not overlap.
 * Two segments may share a page (as a linker without page separation lays them out): the later one
 * is mapped over the earlier one.
 *
 * Contexts: any; struct elf_image is about 1.5 KiB.
 * Source: System V ABI, chapters 4 and 5 ("ELF header", "Program loading"); AMD64 supplement; elf(5).
 */
#ifndef BASE_ELF_H
#define BASE_ELF_H

#include <linux/elf.h>

#include "base/types.h"

#define ELF_SEGMENTS_MAX 32
#define ELF_PHDRS_MAX_BYTES 65536	/* as Linux: a larger table is refused */

enum elf_prot {
	ELF_PROT_READ = 1,		/* the values of PROT_READ, PROT_WRITE, PROT_EXEC */
	ELF_PROT_WRITE = 2,
	ELF_PROT_EXEC = 4,
};

/* One PT_LOAD.  Map the pages around [vaddr, vaddr + filesz) from the file, the rest is zero. */
struct elf_segment {
	u64 offset;
	u64 vaddr;
	u64 filesz;
	u64 memsz;
	u32 prot;			/* enum elf_prot */
};

struct elf_header {
	u16 type;			/* ET_EXEC or ET_DYN */
	u16 phnum;
	u64 phoff;			/* where the program headers lie in the file */
	u32 phdrs_bytes;		/* and how many bytes they are */
	u64 entry;
};

enum elf_stack {
	ELF_STACK_DEFAULT,		/* no PT_GNU_STACK */
	ELF_STACK_NOEXEC,
	ELF_STACK_EXEC,
};

struct elf_image {
	u16 type;			/* ET_EXEC or ET_DYN */
	u16 phnum;
	u64 entry;			/* not relocated; lies in user range, not always in a segment */
	u64 phdr_vaddr;			/* where the program headers will lie (AT_PHDR); 0 if they are not loaded */
	u64 interp_offset;		/* the interpreter's name in the file */
	u32 interp_len;			/* with its NUL; 0 if there is none */
	enum elf_stack stack;
	u64 align_max;			/* greatest alignment of a segment, a power of two, at least a page */
	u64 span_start;			/* page-aligned bounds of all segments */
	u64 span_end;
	u64 brk_start;			/* end of the highest segment, not aligned */
	u64 property_offset;		/* PT_GNU_PROPERTY; length 0 if there is none */
	u64 property_len;
	u32 segment_count;
	struct elf_segment segments[ELF_SEGMENTS_MAX];
};

/**
 * elf_check_header - is this a program that can be run?
 * @bytes: the first bytes of the file; @len: how many of them there are
 * Return: 0, or -ENOEXEC (outputs untouched): cut short, another magic, machine or type, program headers of another size, none, or more than 64 KiB of them
 */
MUST_CHECK int elf_check_header(const void *bytes, size_t len, struct elf_header *header);

/**
 * elf_decode - what the program headers say
 * @phdrs: header->phdrs_bytes bytes, read at header->phoff
 * @limit: one past the highest address that a program may have
 * Return: 0; -ENOEXEC (malformed: no PT_LOAD, sizes, alignment, order, overlap, more than
 *         ELF_SEGMENTS_MAX, interpreter's name of fewer than 2 or more than 4,096 bytes);
 *         -ENOMEM (the segments do not fit below @limit)
 */
MUST_CHECK int elf_decode(const struct elf_header *header, const void *phdrs, u64 limit,
			  struct elf_image *image);

/** elf_check_interp - is this (interp_len bytes, as read) a string with its NUL at the end? 0 or -ENOEXEC. */
MUST_CHECK int elf_check_interp(const char *name, u32 len);

#endif
