/*
 * User memory and user mode.
 *
 * User addresses are those of the kernel's own page tables, not the host's: copies walk the tables of the loaded address space and call
 * the fault upcall as a processor would.  Between the walk and the copy of one page there is no switch point, so no stale
 * translation exists and a flush has nothing to do.
 *
 * A program is a C function on its thread's stack: its address stands in ip, its argument in bx.
 */
#include <linux/errno.h>
#include <asm/unistd.h>
#include "base/string.h"
#include "kern/assert.h"
#include "kern/sched.h"
#include "plat/host/host.h"

/* The page's memory at @addr if access is allowed, with the accessed and dirty bits set; else NULL and what kind of fault it is. */
static void *walk(u64 addr, bool write, unsigned *fault)
{
	struct plat_as *as = host_cpu->as;
	pte_t *table = as ? phys_to_virt(as->root) : NULL, *slot;

	*fault = write ? PLAT_FAULT_WRITE : 0;
	for (unsigned level = PT_LEVELS - 1; table && level > 0; level--) {
		pte_t e = table[pt_index(addr, level)];

		table = e & PTE_PRESENT ? phys_to_virt(e & PTE_ADDR) : NULL;
	}
	if (!table)
		return NULL;
	slot = &table[pt_index(addr, 0)];
	if (!(*slot & PTE_PRESENT))
		return NULL;
	if (!(*slot & PTE_USER) || (write && !(*slot & PTE_WRITE))) {
		*fault |= PLAT_FAULT_PROT;
		return NULL;
	}
	*slot |= PTE_ACCESSED | (write ? PTE_DIRTY : 0);
	return (char *)phys_to_virt(*slot & PTE_ADDR) + (addr & (PAGE_SIZE - 1));
}

static void *touch(u64 addr, bool write)
{
	unsigned fault;

	for (;;) {
		void *at = walk(addr, write, &fault);

		if (at || host_upcalls.fault(plat_regs_current(), addr, fault))
			return at;
	}
}

static bool user_ok(u64 addr, u64 n)
{
	return n <= PLAT_USER_TOP && addr <= PLAT_USER_TOP - n;
}

/* Bytes up to the end of @addr's page. */
static size_t part_of(u64 addr, size_t n)
{
	return MIN(n, PAGE_SIZE - (addr & (PAGE_SIZE - 1)));
}

/* A program may have mapped the very page that its bytes are copied to or from, so copies may overlap. */
size_t plat_copy_from_user(void *dst, u64 src, size_t n)
{
	if (!user_ok(src, n))
		return n;
	while (n) {
		size_t part = part_of(src, n);
		void *at = touch(src, false);

		if (!at)
			break;
		memmove(dst, at, part);
		dst = (char *)dst + part;
		src += part;
		n -= part;
	}
	return n;
}

size_t plat_copy_to_user(u64 dst, const void *src, size_t n)
{
	if (!user_ok(dst, n))
		return n;
	while (n) {
		size_t part = part_of(dst, n);
		void *at = touch(dst, true);

		if (!at)
			break;
		memmove(at, src, part);
		src = (const char *)src + part;
		dst += part;
		n -= part;
	}
	return n;
}

size_t plat_clear_user(u64 dst, size_t n)
{
	if (!user_ok(dst, n))
		return n;
	while (n) {
		size_t part = part_of(dst, n);
		void *at = touch(dst, true);

		if (!at)
			break;
		memset(at, 0, part);
		dst += part;
		n -= part;
	}
	return n;
}

long plat_strncpy_from_user(char *dst, u64 src, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *at = user_ok(src + i, 1) ? touch(src + i, false) : NULL;

		if (!at)
			return -EFAULT;
		dst[i] = *at;
		if (!dst[i])
			return (long)i;
	}
	return (long)n;
}

static int exchange(u32 *at, u32 expect, u32 want, u32 *old_out)
{
	if (!at)
		return -EFAULT;
	*old_out = *at;
	if (*old_out == expect)
		*at = want;
	return 0;
}

int plat_user_cmpxchg32(u64 addr, u32 expect, u32 want, u32 *old_out)
{
	return exchange(user_ok(addr, 4) ? touch(addr, true) : NULL, expect, want, old_out);
}

int plat_user_cmpxchg32_nofault(u64 addr, u32 expect, u32 want, u32 *old_out)
{
	unsigned fault;

	return exchange(user_ok(addr, 4) ? walk(addr, true, &fault) : NULL, expect, want, old_out);
}

int plat_user_load32_nofault(u64 addr, u32 *out)
{
	unsigned fault;
	u32 *at = user_ok(addr, 4) ? walk(addr, false, &fault) : NULL;

	if (!at)
		return -EFAULT;
	*out = *at;
	return 0;
}

/* ---- address spaces ---- */

int plat_as_init(struct plat_as *as, paddr_t root_table)
{
	as->root = root_table;
	as->cpus = 0;
	return 0;
}

void plat_as_switch(struct plat_as *as)
{
	if (host_cpu->as)
		host_cpu->as->cpus &= ~(1ull << host_cpu->id);
	host_cpu->as = as;
	if (as)
		as->cpus |= 1ull << host_cpu->id;
}

/* CPUs that run a kernel thread may still have it loaded: they let go. */
void plat_as_fini(struct plat_as *as)
{
	for (u32 i = 0; i < host_machine.cpus; i++) {
		struct plat_percpu *c = host_percpu(i);

		if (c->as == as)
			c->as = NULL;
	}
	as->cpus = 0;
}

void plat_tlb_flush(struct plat_as *as, u64 start, u64 end) {}

/* ---- user mode ---- */

struct plat_regs *plat_regs_current(void)
{
	return (struct plat_regs *)plat_current()->ctx.kernel_sp - 1;
}

enum { SYSCALL_BYTES = 2 };	/* of the instruction: so far goes ip back for a call to be made again */

/* What is due before a program goes on. Return: true if a system call is to be made again */
static bool return_to_user(struct plat_regs *regs)
{
	u64 ip = regs->ip;

	while (thread_has_flag(plat_current(), TF_WORK))
		host_upcalls.user_work(regs);
	thread_clear_flag(plat_current(), TF_FULL_REGS | TF_FPU_LOAD);
	if (regs->ip == ip)
		return false;
	if (regs->ip != ip - SYSCALL_BYTES)
		panic("a signal handler: programs here are C functions and have none");
	regs->ip = ip;
	return true;
}

s64 host_syscall(u64 nr, const u64 arg[6])
{
	struct plat_regs *r = plat_regs_current();

	r->ax = nr;
	r->di = arg[0];
	r->si = arg[1];
	r->dx = arg[2];
	r->r10 = arg[3];
	r->r8 = arg[4];
	r->r9 = arg[5];
	do {
		r->orig_ax = r->ax;
		host_switch_point();
		host_upcalls.syscall(r);
	} while (return_to_user(r));
	return (s64)r->ax;
}

void plat_user_enter(struct plat_regs *regs)
{
	int (*program)(void *arg) = (int (*)(void *))regs->ip;
	void *arg = (void *)regs->bx;

	if (!program)
		host_arrive();
	(void)return_to_user(regs);
	u64 status[6] = { (u64)(u32)program(arg) };
	(void)host_syscall(__NR_exit_group, status);
	panic("exit_group returned");
}

int plat_ctx_fork(struct plat_ctx *to)
{
	to->fs_base = plat_current()->ctx.fs_base;
	to->gs_base = plat_current()->ctx.gs_base;
	return 0;
}

int plat_ctx_exec(void)
{
	plat_current()->ctx.fs_base = plat_current()->ctx.gs_base = 0;
	return 0;
}

void plat_ctx_free(struct plat_ctx *ctx) { host_stack_free(ctx); }
u64 plat_fs_base(void) { return plat_current()->ctx.fs_base; }
u64 plat_gs_base(void) { return plat_current()->ctx.gs_base; }
void plat_set_fs_base(u64 base) { plat_current()->ctx.fs_base = base; }
void plat_set_gs_base(u64 base) { plat_current()->ctx.gs_base = base; }
size_t plat_fpu_size(void) { return 0; }
int plat_fpu_save_user(u64 dst) { return 0; }
int plat_fpu_restore_user(u64 src) { return 0; }
