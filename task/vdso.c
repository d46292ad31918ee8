/* See vdso.h. */
#include <linux/errno.h>
#include <linux/mman.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/assert.h"
#include "kern/timer.h"
#include "mm/mm.h"
#include "task/vdso.h"
#include "task/vdso/data.h"

enum { VDSO_PAGES_MAX = 4 };

extern const char vdso_image_start[], vdso_image_end[];

static struct page *data_page, *text[VDSO_PAGES_MAX];
static unsigned text_pages;

static struct page *give(struct page *p)
{
	page_get(p);
	return p;
}

static struct page *data_fault(struct vma *v, u64 index, bool write)
{
	return index ? ERR_PTR(-EIO) : give(data_page);
}

static struct page *text_fault(struct vma *v, u64 index, bool write)
{
	return index < text_pages ? give(text[index]) : ERR_PTR(-EIO);
}

static int data_name(struct vma *v, char *buf, size_t size)
{
	strlcpy(buf, "[vvar]", size);
	return 0;
}

static int text_name(struct vma *v, char *buf, size_t size)
{
	strlcpy(buf, "[vdso]", size);
	return 0;
}

static const struct vma_ops data_ops = { .fault = data_fault, .name = data_name };
static const struct vma_ops text_ops = { .fault = text_fault, .name = text_name };

int vdso_map(struct mm *mm)
{
	const struct mm_file data = { .ops = &data_ops, .max_flags = VM_MAYREAD, .extra_flags = VM_DONTDUMP | VM_SPECIAL };
	const struct mm_file code = { .ops = &text_ops, .max_flags = VM_MAYREAD | VM_MAYEXEC | VM_MAYWRITE, .extra_flags = VM_SPECIAL };
	u64 base, at, len = (1 + text_pages) * PAGE_SIZE;
	int err = mm_map(mm, 0, len, PROT_READ, MAP_PRIVATE, &data, 0, &base);

	if (!err)
		err = mm_map(mm, base + PAGE_SIZE, len - PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, &code, 0, &at);
	if (!err)
		mm->vdso = base + PAGE_SIZE;
	return err;
}

void vdso_clock_changed(void)
{
	struct vdso_data *d = page_virt(data_page);
	struct plat_clock_params p;

	plat_clock_params(&p);
	__atomic_store_n(&d->seq, d->seq + 1, __ATOMIC_SEQ_CST);
	d->tsc_base = p.tsc_base;
	d->mono_base_ns = p.mono_base_ns;
	d->mult = p.mult;
	d->shift = p.shift;
	d->usable = p.usable;
	d->wall_offset_ns = clock_realtime_offset_ns();
	__atomic_store_n(&d->seq, d->seq + 1, __ATOMIC_SEQ_CST);
}

void vdso_init(void)
{
	size_t len = (size_t)(vdso_image_end - vdso_image_start);

	text_pages = (unsigned)DIV_ROUND_UP(len, PAGE_SIZE);
	assert(text_pages && text_pages <= VDSO_PAGES_MAX);
	data_page = page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO);
	if (!data_page)
		panic("no memory for the vDSO");
	for (unsigned i = 0; i < text_pages; i++) {
		text[i] = page_alloc(0, ALLOC_KERNEL | ALLOC_ZERO);
		if (!text[i])
			panic("no memory for the vDSO");
		memcpy(page_virt(text[i]), vdso_image_start + i * PAGE_SIZE, MIN(len - i * PAGE_SIZE, (size_t)PAGE_SIZE));
	}
	vdso_clock_changed();
}
