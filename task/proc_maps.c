/* /proc/PID/maps, smaps, mem, cmdline, environ, auxv, pagemap.  Source: proc(5). */
#include <linux/errno.h>
#include "base/printf.h"
#include "base/string.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "task/proc.h"
#include "task/ptrace.h"
#include "vfs/dentry.h"
#include "vfs/file.h"
#include "vfs/inode.h"
#include "vfs/super.h"

enum { LINE_COLUMN = 73 };

/* What a mapping is called; "" for nameless memory. */
static const char *vma_label(struct mm *mm, struct vma *v, char *buf, size_t size)
{
	if (v->ops && v->ops->name)
		return v->ops->name(v, buf, size) ? "" : buf;
	if (!v->mapping && !v->ops) {
		if (v->start <= mm->brk && v->end >= mm->brk_start && mm->brk > mm->brk_start)
			return "[heap]";
		if (v->start <= mm->stack_start && v->end >= mm->stack_start)
			return "[stack]";
	}
	return mm->vdso && v->start == mm->vdso ? "[vdso]" : "";
}

/* Spaces stay as they are, unlike in the tables of mounts: the name is the last column. */
static void put_label(struct seq *s, const char *label)
{
	for (; *label; label++) {
		if (*label == '\n')
			seq_puts(s, "\\012");
		else
			seq_putc(s, *label);
	}
}

static void show_vma(struct mm *mm, struct vma *v, struct seq *s, char *name)
{
	size_t from = s->len;
	u64 dev = 0, ino = 0, offset = 0;

	if (v->mapping && v->owner && v->ops == &file_vma_ops) {
		struct file *f = v->owner;

		dev = f->inode->super->dev;
		ino = f->inode->ino;
		offset = v->pgoff << PAGE_SHIFT;
	}
	seq_printf(s, "%08llx-%08llx %c%c%c%c %08llx %02x:%02x %llu ", v->start, v->end, v->flags & VM_READ ? 'r' : '-',
		   v->flags & VM_WRITE ? 'w' : '-', v->flags & VM_EXEC ? 'x' : '-', v->flags & VM_SHARED ? 's' : 'p', offset, dev_major(dev),
		   dev_minor(dev), ino);
	const char *label = vma_label(mm, v, name, PAGE_SIZE);
	if (*label) {
		while (s->len - from < LINE_COLUMN && !s->err)
			seq_putc(s, ' ');
		put_label(s, label);
	}
	seq_putc(s, '\n');
}

static void add_usage(struct mm_usage *to, const struct mm_usage *u)
{
	to->rss += u->rss;
	to->pss += u->pss;
	to->shared_clean += u->shared_clean;
	to->shared_dirty += u->shared_dirty;
	to->private_clean += u->private_clean;
	to->private_dirty += u->private_dirty;
	to->referenced += u->referenced;
	to->anonymous += u->anonymous;
	to->swap += u->swap;
	to->locked += u->locked;
}

static void show_usage(struct seq *s, const struct mm_usage *u)
{
	const struct {
		const char *name;
		u64 bytes;
	} row[] = {
		{ "Rss", u->rss }, { "Pss", u->pss }, { "Pss_Dirty", 0 }, { "Shared_Clean", u->shared_clean }, { "Shared_Dirty", u->shared_dirty },
		{ "Private_Clean", u->private_clean }, { "Private_Dirty", u->private_dirty }, { "Referenced", u->referenced },
		{ "Anonymous", u->anonymous }, { "LazyFree", 0 }, { "AnonHugePages", 0 }, { "ShmemPmdMapped", 0 }, { "FilePmdMapped", 0 },
		{ "Shared_Hugetlb", 0 }, { "Private_Hugetlb", 0 }, { "Swap", u->swap }, { "SwapPss", 0 }, { "Locked", u->locked },
	};

	for (size_t i = 0; i < ARRAY_SIZE(row); i++)
		seq_printf(s, "%s:%*s%8llu kB\n", row[i].name, 15 - (int)strlen(row[i].name), "", row[i].bytes / 1024);
}

static void show_flags(struct seq *s, u32 f)
{
	static const struct {
		u32 flag;
		char name[4];
	} names[] = {
		{ VM_READ, "rd " }, { VM_WRITE, "wr " }, { VM_EXEC, "ex " }, { VM_SHARED, "sh " }, { VM_MAYREAD, "mr " }, { VM_MAYWRITE, "mw " },
		{ VM_MAYEXEC, "me " }, { VM_MAYSHARE, "ms " }, { VM_GROWSDOWN, "gd " }, { VM_PFNMAP, "pf " }, { VM_LOCKED, "lo " },
		{ VM_IO, "io " }, { VM_SEQ_READ, "sr " }, { VM_RAND_READ, "rr " }, { VM_DONTFORK, "dc " }, { VM_ACCOUNT, "ac " },
		{ VM_NORESERVE, "nr " }, { VM_WIPEONFORK, "wf " }, { VM_DONTDUMP, "dd " }, { VM_HUGEPAGE, "hg " }, { VM_NOHUGEPAGE, "nh " },
	};

	seq_puts(s, "VmFlags: ");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (f & names[i].flag)
			seq_puts(s, names[i].name);
	seq_putc(s, '\n');
}

/* @detail 0: maps, 1: smaps, 2: only the sum */
static int show(struct proc_task *pt, struct seq *s, int detail)
{
	struct mm *mm = task_mm_get(proc_task_of(pt));
	struct mm_usage sum = { 0 };
	u64 first = 0, last = 0;

	if (!mm)
		return 0;
	char *name = kmalloc(PAGE_SIZE, ALLOC_KERNEL);
	if (!name) {
		mm_put(mm);
		return -ENOMEM;
	}
	rwsem_read_lock(&mm->lock);
	for (struct vma *v = vma_first(mm); v && !s->err; v = vma_next(v)) {
		struct mm_usage u;

		if (!first)
			first = v->start;
		last = v->end;
		if (detail < 2)
			show_vma(mm, v, s, name);
		if (!detail)
			continue;
		memset(&u, 0, sizeof(u));
		mm_vma_usage(v, &u);
		add_usage(&sum, &u);
		if (detail == 1) {
			u64 kb = (v->end - v->start) / 1024;

			seq_printf(s, "Size:           %8llu kB\nKernelPageSize: %8u kB\nMMUPageSize:    %8u kB\n", kb, 4, 4);
			show_usage(s, &u);
			seq_puts(s, "THPeligible:    0\n");
			show_flags(s, v->flags);
		}
	}
	rwsem_read_unlock(&mm->lock);
	if (detail == 2) {
		seq_printf(s, "%08llx-%08llx ---p 00000000 00:00 0                                  [rollup]\n", first, last);
		show_usage(s, &sum);
	}
	kfree(name);
	mm_put(mm);
	return 0;
}

int proc_show_maps(struct proc_task *t, struct seq *s) { return show(t, s, 0); }
int proc_show_smaps(struct proc_task *t, struct seq *s) { return show(t, s, 1); }
int proc_show_smaps_rollup(struct proc_task *t, struct seq *s) { return show(t, s, 2); }

/* ---- memory as bytes ---- */

s64 proc_read_mem(struct proc_task *t, void *buf, size_t n, u64 pos)
{
	struct mm *mm = task_mm_get(proc_task_of(t));

	if (!mm)
		return 0;
	s64 got = mm_access(mm, pos, buf, n, false, true);
	mm_put(mm);
	return got == -EFAULT ? -EIO : got;
}

s64 proc_write_mem(struct proc_task *t, const char *buf, size_t n, u64 pos)
{
	struct mm *mm = task_mm_get(proc_task_of(t));

	if (!mm)
		return 0;
	s64 got = mm_access(mm, pos, (void *)(uintptr_t)buf, n, true, true);
	mm_put(mm);
	return got == -EFAULT ? -EIO : got;
}

static s64 read_range(struct mm *mm, u64 start, u64 end, void *buf, size_t n, u64 pos)
{
	if (start >= end || pos >= end - start)
		return 0;
	s64 got = mm_access(mm, start + pos, buf, MIN((u64)n, end - start - pos), false, true);
	return got < 0 ? 0 : got;
}

/* A program that overwrote its arguments (setproctitle) may have gone on into the environment. */
s64 proc_read_cmdline(struct proc_task *t, void *buf, size_t n, u64 pos)
{
	struct mm *mm = task_mm_get(proc_task_of(t));
	char last = 0;

	if (!mm)
		return 0;
	u64 end = mm->arg_end;
	if (end > mm->arg_start && mm_access(mm, end - 1, &last, 1, false, true) == 1 && last) {
		end = MAX(end, mm->env_end);
		s64 got = read_range(mm, mm->arg_start, end, buf, n, pos);
		void *nul = got > 0 ? memchr(buf, 0, (size_t)got) : NULL;
		mm_put(mm);
		return nul ? (s64)((char *)nul - (char *)buf) : got;
	}
	s64 got = read_range(mm, mm->arg_start, end, buf, n, pos);
	mm_put(mm);
	return got;
}

s64 proc_read_environ(struct proc_task *t, void *buf, size_t n, u64 pos)
{
	struct mm *mm = task_mm_get(proc_task_of(t));

	if (!mm)
		return 0;
	s64 got = read_range(mm, mm->env_start, mm->env_end, buf, n, pos);
	mm_put(mm);
	return got;
}

s64 proc_read_auxv(struct proc_task *t, void *buf, size_t n, u64 pos)
{
	struct mm *mm = task_mm_get(proc_task_of(t));

	if (!mm)
		return 0;
	size_t words = 0;
	while (words + 2 < ARRAY_SIZE(mm->auxv) && mm->auxv[words])
		words += 2;
	size_t len = (words + 2) * sizeof(u64);
	size_t got = pos < len ? MIN(n, len - (size_t)pos) : 0;
	memcpy(buf, (char *)mm->auxv + pos, got);
	mm_put(mm);
	return (s64)got;
}

s64 proc_read_pagemap(struct proc_task *t, void *buf, size_t n, u64 pos)
{
	struct mm *mm;
	u64 *out = buf;
	size_t i;

	if (pos % 8 || n % 8)
		return -EINVAL;
	mm = task_mm_get(proc_task_of(t));
	if (!mm)
		return 0;
	bool show_frames = capable(21 /* CAP_SYS_ADMIN */);
	for (i = 0; i < n / 8; i++) {
		u64 addr = (pos / 8 + i) << PAGE_SHIFT;

		if (addr >= PLAT_USER_TOP)
			break;
		out[i] = mm_page_info(mm, addr);
		if (!show_frames)
			out[i] &= ~((1ull << 55) - 1);
	}
	mm_put(mm);
	return (s64)(i * 8);
}

s64 proc_write_clear_refs(struct proc_task *t, const char *buf, size_t n, u64 pos)
{
	struct mm *mm;

	if (n < 1 || buf[0] < '1' || buf[0] > '5')
		return -EINVAL;
	mm = task_mm_get(proc_task_of(t));
	if (!mm)
		return -ESRCH;
	mm_clear_refs(mm);
	mm_put(mm);
	return (s64)n;
}
