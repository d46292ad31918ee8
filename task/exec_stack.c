/*
 * The first page of a program's stack.
 *
 *	stack_top	a random gap, 0
 *			file name (AT_EXECFN)
 *			environment strings, argument strings, in ascending order: arguments first
 *			"x86_64", 16 random bytes
 *	sp (16-aligned)	argc, argv…, 0, envp…, 0, auxv…, AT_NULL
 *
 * It is put together in a kernel buffer and copied out in one go.
 *
 * Source: System V ABI AMD64 supplement 3.4.1 (initial stack), getauxval(3).
 */
#include <linux/auxvec.h>
#include <asm/auxvec.h>
#include <linux/errno.h>
#include <linux/mman.h>
#include <linux/personality.h>
#include "base/string.h"
#include "kern/random.h"
#include "kern/slab.h"
#include "mm/mm.h"
#include "mm/user.h"
#include "task/exec_internal.h"
#include "task/signal.h"

enum { STACK_ROOM = 132 << 10, RANDOM_PAGES = 0x3fffff, SP_RANDOM = 8192, AUX_PAIRS = 24, PLATFORM_BYTES = 8, RANDOM_BYTES = 16, HZ = 100 };

static size_t strings_bytes(const struct exec *e)
{
	return e->prefix_len + e->args->used - e->skip;
}

static u64 vector_words(const struct exec *e)
{
	return 1 + e->args->argc + e->prefix_count + 1 + e->args->envc + 1 + AUX_PAIRS * 2;
}

int exec_stack_map(struct exec *e)
{
	u64 top = PLAT_USER_TOP, at;
	bool random = !(current_task()->personality & ADDR_NO_RANDOMIZE);
	u64 len = ALIGN_UP(strings_bytes(e) + vector_words(e) * 8 + SP_RANDOM + strlen(e->name), PAGE_SIZE) + STACK_ROOM;

	if (random)
		top -= (random_u64() & RANDOM_PAGES) << PAGE_SHIFT;
	len = ALIGN_UP(len, PAGE_SIZE);
	e->stack_top = top;
	int err = mm_map(e->mm, top - len, len, PROT_READ | PROT_WRITE | (e->exec_stack ? PROT_EXEC : 0),
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_GROWSDOWN | MAP_STACK, NULL, 0, &at);
	return err;
}

struct layout {
	u64 sp, strings, random, platform, name;
	size_t total;		/* bytes from sp to the top */
};

static void lay_out(const struct exec *e, struct layout *l)
{
	u64 p = e->stack_top - 8;

	if (!(current_task()->personality & ADDR_NO_RANDOMIZE))
		p -= random_u64() % SP_RANDOM;	/* above everything, where it costs no page */
	p -= strlen(e->name) + 1;
	l->name = p;
	p -= strings_bytes(e);
	l->strings = p;
	p &= ~15ull;
	p -= PLATFORM_BYTES;
	l->platform = p;
	p -= RANDOM_BYTES;
	l->random = p;
	p -= vector_words(e) * 8;
	l->sp = p & ~15ull;
	l->total = l->name + strlen(e->name) + 1 - l->sp;
}

static u64 *aux(u64 *v, u64 id, u64 value)
{
	v[0] = id;
	v[1] = value;
	return v + 2;
}

static u64 *fill_auxv(const struct exec *e, const struct layout *l, u64 *v)
{
	const struct elf_image *elf = &e->program.elf;
	u64 hwcap, hwcap2, *start = v;

	plat_hwcaps(&hwcap, &hwcap2);
	if (e->mm->vdso)
		v = aux(v, AT_SYSINFO_EHDR, e->mm->vdso);
	v = aux(v, AT_MINSIGSTKSZ, sigframe_min_stack());
	v = aux(v, AT_HWCAP, hwcap);
	v = aux(v, AT_PAGESZ, PAGE_SIZE);
	v = aux(v, AT_CLKTCK, HZ);
	v = aux(v, AT_PHDR, elf->phdr_vaddr ? e->program.bias + elf->phdr_vaddr : 0);
	v = aux(v, AT_PHENT, sizeof(Elf64_Phdr));
	v = aux(v, AT_PHNUM, elf->phnum);
	v = aux(v, AT_BASE, e->has_interp ? e->interp.bias : 0);
	v = aux(v, AT_FLAGS, 0);
	v = aux(v, AT_ENTRY, e->program.bias + elf->entry);
	v = aux(v, AT_UID, e->cred->uid);
	v = aux(v, AT_EUID, e->cred->euid);
	v = aux(v, AT_GID, e->cred->gid);
	v = aux(v, AT_EGID, e->cred->egid);
	v = aux(v, AT_SECURE, e->secure);
	v = aux(v, AT_RANDOM, l->random);
	v = aux(v, AT_HWCAP2, hwcap2);
	v = aux(v, AT_EXECFN, l->name);
	v = aux(v, AT_PLATFORM, l->platform);
	v = aux(v, AT_NULL, 0);
	memset(e->mm->auxv, 0, sizeof(e->mm->auxv));
	memcpy(e->mm->auxv, start, MIN((size_t)(v - start) * 8, sizeof(e->mm->auxv)));
	return v;
}

static u64 *point_at(u64 *v, const char *strings, u32 count, u64 *addr)
{
	for (u32 i = 0; i < count; i++) {
		size_t len = strlen(strings) + 1;

		*v++ = *addr;
		*addr += len;
		strings += len;
	}
	return v;
}

static void fill(const struct exec *e, const struct layout *l, char *buf)
{
	const struct exec_args *a = e->args;
	struct mm *mm = e->mm;
	u64 *v = (u64 *)buf, addr = l->strings;
	char *strings = buf + (l->strings - l->sp);

	memcpy(strings, e->prefix, e->prefix_len);
	memcpy(strings + e->prefix_len, a->buf + e->skip, a->used - e->skip);
	*v++ = a->argc + e->prefix_count - (e->prefix_count ? 1 : 0);	/* a script's prefix replaces argv[0] */
	mm->arg_start = addr;
	v = point_at(v, strings, (u32)v[-1], &addr);
	mm->arg_end = mm->env_start = addr;
	*v++ = 0;
	v = point_at(v, strings + (addr - l->strings), a->envc, &addr);
	mm->env_end = addr;
	*v++ = 0;
	fill_auxv(e, l, v);
	random_bytes(buf + (l->random - l->sp), RANDOM_BYTES);
	memcpy(buf + (l->platform - l->sp), "x86_64", sizeof("x86_64"));
	memcpy(buf + (l->name - l->sp), e->name, strlen(e->name) + 1);
}

int exec_stack_build(struct exec *e, u64 *sp)
{
	struct layout l;

	lay_out(e, &l);
	char *buf = kvmalloc(l.total, ALLOC_KERNEL);
	if (!buf)
		return -ENOMEM;
	memset(buf, 0, l.total);
	fill(e, &l, buf);
	int err = copy_out(uaddr(l.sp), buf, l.total);
	kvfree(buf);
	e->mm->stack_start = l.sp;
	*sp = l.sp;
	return err;
}
