/*
 * ELF headers of programs; see elf.h.
 *
 * As Linux has it, the class, byte order and version in the header are not looked at: the machine and the size
 * of a program header say enough, and there are tiny programs that keep code in those bytes.
 */
#include <linux/errno.h>

#include "base/bitops.h"
#include "base/elf.h"
#include "base/string.h"

#define INTERP_BYTES_MAX 4096		/* PATH_MAX */

int elf_check_header(const void *bytes, size_t len, struct elf_header *header)
{
	struct elf64_hdr h;

	if (len < sizeof(h))
		return -ENOEXEC;
	memcpy(&h, bytes, sizeof(h));
	if (memcmp(h.e_ident, ELFMAG, SELFMAG) != 0)
		return -ENOEXEC;
	if ((h.e_type != ET_EXEC && h.e_type != ET_DYN) || h.e_machine != EM_X86_64)
		return -ENOEXEC;
	if (h.e_phentsize != sizeof(struct elf64_phdr) || h.e_phnum == 0 ||
	    h.e_phnum > ELF_PHDRS_MAX_BYTES / sizeof(struct elf64_phdr))
		return -ENOEXEC;
	if (h.e_phoff > (u64)INT64_MAX - ELF_PHDRS_MAX_BYTES)
		return -ENOEXEC;
	header->type = h.e_type;
	header->phnum = h.e_phnum;
	header->phoff = h.e_phoff;
	header->phdrs_bytes = h.e_phnum * (u32)sizeof(struct elf64_phdr);
	header->entry = h.e_entry;
	return 0;
}

static u32 segment_prot(u32 flags)
{
	return (flags & PF_R ? ELF_PROT_READ : 0) | (flags & PF_W ? ELF_PROT_WRITE : 0) |
	       (flags & PF_X ? ELF_PROT_EXEC : 0);
}

static int decode_load(const struct elf64_phdr *p, const struct elf_header *header, u64 limit,
		       struct elf_image *image)
{
	struct elf_segment *segment = &image->segments[image->segment_count];
	u64 end;

	if (p->p_filesz > p->p_memsz)
		return -ENOEXEC;
	if (p->p_memsz == 0)
		return 0;
	if (image->segment_count == ELF_SEGMENTS_MAX)
		return -ENOEXEC;
	if ((p->p_vaddr ^ p->p_offset) & ~PAGE_MASK)
		return -ENOEXEC;
	if (p->p_offset > (u64)INT64_MAX - PAGE_SIZE ||
	    p->p_filesz > (u64)INT64_MAX - PAGE_SIZE - p->p_offset)
		return -ENOEXEC;
	if (__builtin_add_overflow(p->p_vaddr, p->p_memsz, &end) || end > limit ||
	    end > ~0ULL - PAGE_SIZE)
		return -ENOMEM;
	if (image->segment_count && p->p_vaddr < image->brk_start)
		return -ENOEXEC;
	*segment = (struct elf_segment){
		.offset = p->p_offset,
		.vaddr = p->p_vaddr,
		.filesz = p->p_filesz,
		.memsz = p->p_memsz,
		.prot = segment_prot(p->p_flags),
	};
	if (image->segment_count++ == 0)
		image->span_start = ALIGN_DOWN(p->p_vaddr, PAGE_SIZE);
	image->span_end = ALIGN_UP(end, PAGE_SIZE);
	image->brk_start = end;
	if (is_power_of_2(p->p_align) && p->p_align > image->align_max)
		image->align_max = p->p_align;
	if (header->phoff >= p->p_offset && header->phoff - p->p_offset < p->p_filesz)
		image->phdr_vaddr = header->phoff - p->p_offset + p->p_vaddr;
	return 0;
}

static int decode_interp(const struct elf64_phdr *p, struct elf_image *image)
{
	if (image->interp_len)
		return 0;		/* the first one counts */
	if (p->p_filesz < 2 || p->p_filesz > INTERP_BYTES_MAX)
		return -ENOEXEC;
	if (p->p_offset > (u64)INT64_MAX - INTERP_BYTES_MAX)
		return -ENOEXEC;
	image->interp_offset = p->p_offset;
	image->interp_len = (u32)p->p_filesz;
	return 0;
}

int elf_decode(const struct elf_header *header, const void *phdrs, u64 limit, struct elf_image *image)
{
	int err = 0;

	*image = (struct elf_image){
		.type = header->type,
		.phnum = header->phnum,
		.entry = header->entry,
		.stack = ELF_STACK_DEFAULT,
		.align_max = PAGE_SIZE,
	};
	for (unsigned i = 0; i < header->phnum && !err; i++) {
		struct elf64_phdr p;

		memcpy(&p, (const u8 *)phdrs + i * sizeof(p), sizeof(p));
		switch (p.p_type) {
		case PT_LOAD:
			err = decode_load(&p, header, limit, image);
			break;
		case PT_INTERP:
			err = decode_interp(&p, image);
			break;
		case PT_GNU_STACK:
			image->stack = p.p_flags & PF_X ? ELF_STACK_EXEC : ELF_STACK_NOEXEC;
			break;
		case PT_GNU_PROPERTY:
			if (p.p_offset <= (u64)INT64_MAX && p.p_filesz <= INT64_MAX - p.p_offset) {
				image->property_offset = p.p_offset;
				image->property_len = p.p_filesz;
			}
			break;
		}
	}
	if (err)
		return err;
	if (image->segment_count == 0 || image->entry >= limit)
		return -ENOEXEC;
	return 0;
}

int elf_check_interp(const char *name, u32 len)
{
	if (len < 2 || len > INTERP_BYTES_MAX || name[len - 1] != '\0' || name[0] == '\0')
		return -ENOEXEC;
	return 0;
}
