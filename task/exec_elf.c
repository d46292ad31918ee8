/*
 * ELF programs: mapped straight from the page cache, the interpreter beside them.
 *
 * Source: System V ABI chapter 5; elf(5).
 */
#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include "base/string.h"
#include "kern/random.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "mm/user.h"
#include "task/exec_internal.h"
#include "task/vdso.h"
#include "vfs/file.h"

#define DYN_BASE ((PLAT_USER_TOP / 3 * 2) & PAGE_MASK)	/* where PIE programs are placed, before randomization */
enum { RANDOM_BITS = 28, BRK_RANDOM_BYTES = 0x02000000 };

static bool randomize(void)
{
	return !(current_task()->personality & ADDR_NO_RANDOMIZE);
}

int exec_elf_decode(struct exec_image *im, const void *head, size_t head_len)
{
	struct elf_header h;
	int err = elf_check_header(head, head_len, &h);

	if (err)
		return err;
	void *phdrs = NULL;
	const void *at = (const char *)head + h.phoff;
	if (h.phoff + h.phdrs_bytes > head_len) {	/* no overflow: phoff was read from a file, checked next */
		if (h.phoff > (1ull << 62))
			return -ENOEXEC;
		at = phdrs = kvmalloc(h.phdrs_bytes, ALLOC_KERNEL);
		if (!phdrs)
			return -ENOMEM;
		s64 got = file_read_kernel(im->file, phdrs, h.phdrs_bytes, h.phoff);
		err = got == (s64)h.phdrs_bytes ? 0 : got < 0 ? (int)got : -ENOEXEC;
	}
	if (!err)
		err = elf_decode(&h, at, PLAT_USER_TOP, &im->elf);
	kvfree(phdrs);
	return err;
}

int exec_elf_interp_name(struct exec_image *im, char *buf)
{
	u32 len = im->elf.interp_len;
	s64 got = file_read_kernel(im->file, buf, len, im->elf.interp_offset);

	if (got != (s64)len)
		return got < 0 ? (int)got : -EIO;
	return elf_check_interp(buf, len);
}

/* Map one segment's file part; *addr is page-aligned. */
static int map_file(struct mm *mm, struct file *f, u64 addr, u64 len, u32 prot, u32 flags, u64 pgoff, u64 *out)
{
	struct mm_file mf;
	int err = file_mmap(f, &mf, prot, flags, len, pgoff);

	if (err)
		return err;
	err = mm_map(mm, addr, len, prot, flags, &mf, pgoff, out);
	if (err)
		file_put(f);
	return err;
}

static int map_anon(struct mm *mm, u64 addr, u64 end, u32 prot)
{
	u64 at;

	if (addr >= end)
		return 0;
	return mm_map(mm, addr, end - addr, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, &at);
}

static int map_segment(struct mm *mm, struct exec_image *im, const struct elf_segment *s, bool fixed_new)
{
	u64 start = im->bias + s->vaddr, page = start & PAGE_MASK, file_end = start + s->filesz;
	u64 end = ALIGN_UP(start + s->memsz, PAGE_SIZE), mapped = s->filesz ? ALIGN_UP(file_end, PAGE_SIZE) : page;
	u32 flags = MAP_PRIVATE | (fixed_new ? MAP_FIXED_NOREPLACE : MAP_FIXED);
	u64 at;
	int err = 0;

	if (s->filesz)
		err = map_file(mm, im->file, page, mapped - page, s->prot, flags, (s->offset - (start - page)) >> PAGE_SHIFT, &at);
	if (err)
		return err;
	if (s->memsz > s->filesz) {
		/* The rest of the last file page is bss; a read-only segment keeps what the file has there. */
		if (mapped > file_end && (s->prot & ELF_PROT_WRITE) && plat_clear_user(file_end, mapped - file_end))
			return -EFAULT;
		err = map_anon(mm, mapped, end, s->prot);
	}
	return err;
}

static int map_image(struct mm *mm, struct exec_image *im, bool fixed_new)
{
	for (u32 i = 0; i < im->elf.segment_count; i++) {
		int err = map_segment(mm, im, &im->elf.segments[i], fixed_new && !i);

		if (err)
			return err;
	}
	return 0;
}

/* A place for a position-independent image: the whole span is reserved first so that segments cannot collide with anything. */
static int place(struct mm *mm, struct exec_image *im, u64 hint, bool fixed)
{
	u64 span = im->elf.span_end - im->elf.span_start, align = im->elf.align_max, at;
	u64 room = fixed || align <= PAGE_SIZE ? span : span + align;
	int err = mm_map(mm, hint, room, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | (fixed ? MAP_FIXED_NOREPLACE : 0),
			 NULL, 0, &at);

	if (err)
		return err;
	u64 start = ALIGN_UP(at, align);
	im->bias = start - im->elf.span_start;
	err = mm_unmap(mm, at, room);
	return err;
}

static void set_bounds(struct exec *e)
{
	struct exec_image *im = &e->program;
	struct mm *mm = e->mm;

	mm->code_start = ~0ull;
	for (u32 i = 0; i < im->elf.segment_count; i++) {
		const struct elf_segment *s = &im->elf.segments[i];
		u64 start = im->bias + s->vaddr, end = start + s->filesz;

		if (s->prot & ELF_PROT_EXEC) {
			mm->code_start = MIN(mm->code_start, start);
			mm->code_end = MAX(mm->code_end, end);
		}
		if (start >= mm->data_start) {
			mm->data_start = start;
			mm->data_end = end;
		}
	}
	if (mm->code_start == ~0ull)
		mm->code_start = 0;
}

static void set_brk(struct exec *e)
{
	u64 brk = ALIGN_UP(e->program.bias + e->program.elf.brk_start, PAGE_SIZE);

	/* A program loaded by naming ld.so itself: its heap must not run into what it maps. */
	if (e->program.elf.type == ET_DYN && !e->has_interp)
		brk = ALIGN_UP(PLAT_USER_TOP / 3, PAGE_SIZE);
	if (randomize())
		brk += random_u64() % BRK_RANDOM_BYTES & PAGE_MASK;
	e->mm->brk_start = e->mm->brk = brk;
}

int exec_elf_map(struct exec *e, u64 *entry)
{
	struct mm *mm = e->mm;
	struct exec_image *im = &e->program;
	int err;

	im->bias = 0;
	if (im->elf.type == ET_DYN) {
		u64 hint = DYN_BASE;

		if (randomize())
			hint += (random_u64() & ((1ull << RANDOM_BITS) - 1)) << PAGE_SHIFT;
		hint = ALIGN_DOWN(hint, im->elf.align_max);
		/* ld.so run as a program goes where mappings go, out of the way of what it loads. */
		err = e->has_interp ? place(mm, im, hint, true) : place(mm, im, 0, false);
		if (err)
			return err;
	}
	err = map_image(mm, im, true);
	if (err)
		return err;
	set_bounds(e);
	set_brk(e);
	*entry = im->bias + im->elf.entry;
	if (e->has_interp) {
		struct exec_image *in = &e->interp;

		in->bias = 0;
		if (in->elf.type == ET_DYN)
			err = place(mm, in, 0, false);
		if (!err)
			err = map_image(mm, in, true);
		if (err)
			return err;
		*entry = in->bias + in->elf.entry;
	}
	return vdso_map(mm);
}
