/* base/elf.c: this test's own file, hand-made headers, and damaged ones. */
#include "tests/unit/unit.h"

#include <errno.h>

#include "base/elf.h"

enum { PHDRS_MAX = 64 };

static const u64 limit = 0x7ffffffff000;

struct file {
	struct elf64_hdr h;
	struct elf64_phdr p[PHDRS_MAX];
};

static void add(struct file *f, u32 type, u32 flags, u64 offset, u64 vaddr, u64 filesz, u64 memsz)
{
	f->p[f->h.e_phnum++] = (struct elf64_phdr){
		.p_type = type, .p_flags = flags, .p_offset = offset, .p_vaddr = vaddr,
		.p_filesz = filesz, .p_memsz = memsz, .p_align = PAGE_SIZE,
	};
}

static struct file sample(void)
{
	struct file f;

	memset(&f, 0, sizeof(f));
	memcpy(f.h.e_ident, ELFMAG, SELFMAG);
	f.h.e_ident[EI_CLASS] = ELFCLASS64;
	f.h.e_ident[EI_DATA] = ELFDATA2LSB;
	f.h.e_type = ET_DYN;
	f.h.e_machine = EM_X86_64;
	f.h.e_entry = 0x1040;
	f.h.e_phoff = 64;
	f.h.e_phentsize = sizeof(struct elf64_phdr);
	add(&f, PT_INTERP, PF_R, 0x318, 0x318, 28, 28);
	add(&f, PT_LOAD, PF_R, 0, 0, 0x800, 0x800);
	add(&f, PT_LOAD, PF_R | PF_X, 0x1000, 0x1000, 0x500, 0x500);
	add(&f, PT_LOAD, PF_R | PF_W, 0x1de8, 0x2de8, 0x250, 0x1300);
	add(&f, PT_GNU_STACK, PF_R | PF_W, 0, 0, 0, 0);
	add(&f, PT_GNU_PROPERTY, PF_R, 0x338, 0x338, 32, 32);
	return f;
}

static int decode(const struct file *f, struct elf_image *image)
{
	struct elf_header header;
	int err = elf_check_header(f, sizeof(f->h), &header);
	u8 *phdrs;

	if (err)
		return err;
	phdrs = malloc(header.phdrs_bytes);	/* exact: the sanitizer watches the end */
	memset(phdrs, 0, header.phdrs_bytes);
	memcpy(phdrs, f->p, MIN(sizeof(f->p), header.phdrs_bytes));
	err = elf_decode(&header, phdrs, limit, image);
	free(phdrs);
	return err;
}

static void good(void **state)
{
	struct file f = sample();
	struct elf_image image;

	assert_int_equal(decode(&f, &image), 0);
	assert_int_equal(image.type, ET_DYN);
	assert_int_equal(image.phnum, 6);
	assert_int_equal(image.entry, 0x1040);
	assert_int_equal(image.phdr_vaddr, 64);
	assert_int_equal(image.interp_offset, 0x318);
	assert_int_equal(image.interp_len, 28);
	assert_int_equal(image.stack, ELF_STACK_NOEXEC);
	assert_int_equal(image.align_max, PAGE_SIZE);
	assert_int_equal(image.span_start, 0);
	assert_int_equal(image.span_end, 0x5000);
	assert_int_equal(image.brk_start, 0x40e8);
	assert_int_equal(image.property_len, 32);
	assert_int_equal(image.segment_count, 3);
	assert_int_equal(image.segments[1].prot, ELF_PROT_READ | ELF_PROT_EXEC);
	assert_int_equal(image.segments[2].prot, ELF_PROT_READ | ELF_PROT_WRITE);
	assert_int_equal(image.segments[2].offset, 0x1de8);
	assert_int_equal(image.segments[2].vaddr, 0x2de8);
	assert_int_equal(image.segments[2].memsz, 0x1300);
	f.p[4].p_flags |= PF_X;
	f.p[3].p_align = 0x200000;
	f.p[1].p_align = 3;			/* no power of two: not counted */
	f.h.e_type = ET_EXEC;
	assert_int_equal(decode(&f, &image), 0);
	assert_int_equal(image.stack, ELF_STACK_EXEC);
	assert_int_equal(image.align_max, 0x200000);
	f.h.e_phnum = 4;
	assert_int_equal(decode(&f, &image), 0);
	assert_int_equal(image.stack, ELF_STACK_DEFAULT);
}

static void bad_headers(void **state)
{
	struct elf_header header;
	struct file f = sample();

	for (size_t cut = 0; cut < sizeof(f.h); cut++)
		assert_int_equal(elf_check_header(&f, cut, &header), -ENOEXEC);
	assert_int_equal(elf_check_header(&f, sizeof(f.h), &header), 0);
#define REFUSED(change) \
	do { \
		f = sample(); \
		change; \
		assert_int_equal(elf_check_header(&f, sizeof(f.h), &header), -ENOEXEC); \
	} while (0)
	REFUSED(f.h.e_ident[1] = 'e');
	REFUSED(f.h.e_type = ET_REL);
	REFUSED(f.h.e_type = ET_CORE);
	REFUSED(f.h.e_machine = EM_386);
	REFUSED(f.h.e_phentsize = 32);
	REFUSED(f.h.e_phnum = 0);
	REFUSED(f.h.e_phnum = 65535);
	REFUSED(f.h.e_phnum = 1171);
	REFUSED(f.h.e_phoff = ~0ULL - 10);
#undef REFUSED
	f = sample();
	f.h.e_phnum = 1170;
	assert_int_equal(elf_check_header(&f, sizeof(f.h), &header), 0);
	assert_int_equal(header.phdrs_bytes, 1170 * 56);
}

static void bad_segments(void **state)
{
	struct elf_image image;
	struct file f;

#define GIVES(error, change) \
	do { \
		f = sample(); \
		change; \
		assert_int_equal(decode(&f, &image), error); \
	} while (0)
	GIVES(-ENOEXEC, f.p[2].p_filesz = 0x501);			/* more in the file than in memory */
	GIVES(-ENOEXEC, f.p[2].p_offset = 0x1001);			/* not congruent */
	GIVES(-ENOEXEC, (f.p[1].p_memsz = 0x1001));			/* overlaps the next */
	GIVES(-ENOEXEC, (f.p[1].p_vaddr = 0x10000));			/* not ascending */
	GIVES(-ENOEXEC, f.p[2].p_offset = ~0ULL << 12);
	GIVES(-ENOEXEC, (f.p[3].p_offset = (u64)INT64_MAX - 0x1217));	/* offset + size */
	GIVES(-ENOMEM, f.p[3].p_memsz = ~0ULL);
	GIVES(-ENOMEM, f.p[3].p_memsz = limit);
	GIVES(-ENOMEM, (f.p[3].p_vaddr = 0xfffffffffffffde8));
	GIVES(-ENOEXEC, f.h.e_entry = limit);
	GIVES(-ENOEXEC, f.h.e_phnum = 1);				/* no segment */
	GIVES(-ENOEXEC, f.p[0].p_filesz = 1);
	GIVES(-ENOEXEC, f.p[0].p_filesz = 4097);
	GIVES(-ENOEXEC, f.p[0].p_offset = ~0ULL);
	GIVES(0, f.p[5].p_offset = ~0ULL);				/* only ignored */
	assert_int_equal(image.property_len, 0);
	GIVES(0, (f.p[2].p_memsz = 0, f.p[2].p_filesz = 0));		/* an empty one is skipped */
	assert_int_equal(image.segment_count, 2);
	GIVES(0, for (u64 i = 0; i < 29; i++) add(&f, PT_LOAD, PF_R, 0, 0x10000 + i * 0x1000, 1, 1));
	assert_int_equal(image.segment_count, ELF_SEGMENTS_MAX);
	GIVES(-ENOEXEC, for (u64 i = 0; i < 30; i++) add(&f, PT_LOAD, PF_R, 0, 0x10000 + i * 0x1000, 1, 1));
#undef GIVES
	assert_int_equal(elf_check_interp("/lib/ld", 8), 0);
	assert_int_equal(elf_check_interp("/lib/ld", 7), -ENOEXEC);
	assert_int_equal(elf_check_interp("", 1), -ENOEXEC);
}

/* What elf.h promises of every image that was accepted. */
static void check_promises(const struct elf_image *image)
{
	u64 end = 0;

	assert_in_range(image->segment_count, 1, ELF_SEGMENTS_MAX);
	for (u32 i = 0; i < image->segment_count; i++) {
		const struct elf_segment *s = &image->segments[i];

		assert_true(s->filesz <= s->memsz && s->memsz > 0);
		assert_true(((s->offset ^ s->vaddr) & ~PAGE_MASK) == 0);
		assert_true(s->offset + s->filesz >= s->offset);
		assert_true(s->vaddr >= end && s->vaddr + s->memsz > s->vaddr);
		end = s->vaddr + s->memsz;
		assert_true(end <= limit);
	}
	assert_true(image->brk_start == end);
	assert_true(image->span_start <= image->segments[0].vaddr && image->span_end >= end);
	assert_true(IS_ALIGNED(image->span_start | image->span_end, PAGE_SIZE));
	assert_true(image->entry < limit);
	assert_true((image->align_max & (image->align_max - 1)) == 0 && image->align_max >= PAGE_SIZE);
}

static void damage(void **state)
{
	struct rng rng = { 91 };
	int accepted = 0;

	for (int round = 0; round < 200000; round++) {
		struct file f = sample();
		struct elf_image image;

		for (u64 n = rng_below(&rng, 4); n; n--) {
			u64 *word = (u64 *)&f + rng_below(&rng, 8 + 6 * 7);

			*word = rng_u64(&rng) & 1 ? *word ^ BIT(rng_below(&rng, 64)) :
						    rng_magnitude(&rng) << rng_below(&rng, 20);
		}
		if (decode(&f, &image) == 0) {
			check_promises(&image);
			accepted++;
		}
	}
	assert_true(accepted > 1000);
}

static void own_program(void **state)
{
	static u8 bytes[4096];
	FILE *file = fopen("/proc/self/exe", "r");
	struct elf_header header;
	struct elf_image image;
	size_t len = fread(bytes, 1, sizeof(bytes), file);

	assert_int_equal(elf_check_header(bytes, len, &header), 0);
	assert_true(header.phoff + header.phdrs_bytes <= len);
	assert_int_equal(elf_decode(&header, bytes + header.phoff, limit, &image), 0);
	check_promises(&image);
	assert_int_equal(elf_check_interp((char *)bytes + image.interp_offset, image.interp_len), 0);
	assert_string_equal(bytes + image.interp_offset, "/lib64/ld-linux-x86-64.so.2");
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),	      cmocka_unit_test(bad_headers),
		cmocka_unit_test(bad_segments), cmocka_unit_test(damage),
		cmocka_unit_test(own_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
