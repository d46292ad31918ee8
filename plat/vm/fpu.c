/*
 * FPU state: saved when a user thread is switched away from, loaded when it next returns to user mode on a CPU whose registers are not
 * its own already.  Kernel code uses no FPU registers, so kernel threads disturb nothing.
 *
 * Source: Intel SDM vol. 1, chapter 13 (XSAVE), 10.5 (FXSAVE); the signal frame's software bytes: <asm/sigcontext.h>.
 */
#include <linux/errno.h>
#include <asm/sigcontext.h>
#include "base/string.h"
#include "kern/slab.h"
#include "kern/thread.h"
#include "plat/vm/vm.h"

enum { FXSAVE_BYTES = 512, XSTATE_HEADER = 64, MXCSR_DEFAULT = 0x1f80, FCW_DEFAULT = 0x37f, MAGIC2_BYTES = 4 };

static struct slab_cache *cache;
static u32 mxcsr_mask = 0xffbf;

static struct vm_features *f = &vm_features;

static void xsetbv(u64 v)
{
	asm volatile("xsetbv" ::"c"(0), "a"((u32)v), "d"((u32)(v >> 32)));
}

void vm_fpu_init_cpu(void)
{
	if (f->xsave) {
		struct cpuid_regs d = cpuid(0xd, 0);

		/* x87, SSE, AVX, AVX-512: the states whose save area programs may expect in a signal frame. */
		f->xcr0 = ((u64)d.d << 32 | d.a) & 0xe7;
		xsetbv(f->xcr0);
		f->xsave_bytes = cpuid(0xd, 0).b;
	} else {
		f->xsave_bytes = FXSAVE_BYTES;
	}
	u64 cr0 = read_cr0();
	write_cr0((cr0 & ~(1ull << 2 | 1ull << 3)) | 1 << 1);	/* no EM, no TS, MP */
	asm volatile("fninit");
}

void vm_fpu_init(void)
{
	static u8 image[FXSAVE_BYTES] __attribute__((aligned(16)));

	asm volatile("fxsave64 %0" : "=m"(image));
	memcpy(&mxcsr_mask, image + 28, 4);
	if (!mxcsr_mask)
		mxcsr_mask = 0xffbf;
}

static void set_default(void *area)
{
	memset(area, 0, f->xsave_bytes);
	*(u16 *)area = FCW_DEFAULT;
	*(u32 *)((char *)area + 24) = MXCSR_DEFAULT;
}

static void *area_alloc(void)
{
	if (!cache)	/* first user thread; a race would only make two caches of one name */
		cache = slab_create("fpu_state", f->xsave_bytes, 64);
	return cache ? slab_alloc(cache, ALLOC_KERNEL) : NULL;
}

static void save_to(void *area)
{
	if (f->xsave)
		asm volatile("xsave64 (%0)" ::"r"(area), "a"((u32)f->xcr0), "d"((u32)(f->xcr0 >> 32)) : "memory");
	else
		asm volatile("fxsave64 (%0)" ::"r"(area) : "memory");
}

static void load_from(const void *area)
{
	if (f->xsave)
		asm volatile("xrstor64 (%0)" ::"r"(area), "a"((u32)f->xcr0), "d"((u32)(f->xcr0 >> 32)) : "memory");
	else
		asm volatile("fxrstor64 (%0)" ::"r"(area) : "memory");
}

void vm_fpu_save(struct plat_ctx *ctx)
{
	if (vm_this()->fpu_owner == ctx && !(((struct thread *)ctx)->flags & TF_FPU_LOAD))
		save_to(ctx->fpu);
}

void vm_fpu_load(void)
{
	struct thread *t = current();
	struct plat_percpu *cpu = vm_this();

	thread_clear_flag(t, TF_FPU_LOAD);
	if (!t->ctx.fpu || (cpu->fpu_owner == &t->ctx && t->ctx.fpu_cpu == cpu->id))
		return;
	load_from(t->ctx.fpu);
	cpu->fpu_owner = &t->ctx;
	t->ctx.fpu_cpu = cpu->id;
}

/* The registers' current content in the thread's area. */
static void sync_current(void)
{
	u64 flags = plat_irq_save();

	vm_fpu_save(&current()->ctx);
	plat_irq_restore(flags);
}

int plat_ctx_fork(struct plat_ctx *to)
{
	struct plat_ctx *from = &current()->ctx;

	to->fs_base = from->fs_base;
	to->gs_base = from->gs_base;
	to->fpu = area_alloc();
	if (!to->fpu)
		return -ENOMEM;
	to->fpu_cpu = ~0u;
	if (from->fpu) {
		sync_current();
		memcpy(to->fpu, from->fpu, f->xsave_bytes);
	} else {
		set_default(to->fpu);
	}
	thread_set_flag((struct thread *)to, TF_FPU_LOAD);
	return 0;
}

/* Forget that any CPU's registers hold the current thread's state: the area is the truth. */
static void disown_current(void)
{
	u64 flags = plat_irq_save();

	vm_this()->fpu_owner = NULL;
	current()->ctx.fpu_cpu = ~0u;
	thread_set_flag(current(), TF_FPU_LOAD);
	plat_irq_restore(flags);
}

int plat_ctx_exec(void)
{
	struct plat_ctx *ctx = &current()->ctx;

	if (!ctx->fpu) {
		ctx->fpu = area_alloc();
		if (!ctx->fpu)
			return -ENOMEM;
	}
	disown_current();
	set_default(ctx->fpu);
	plat_set_fs_base(0);
	plat_set_gs_base(0);
	return 0;
}

void plat_ctx_free(struct plat_ctx *ctx)
{
	for (u32 i = 0; i < CPUS_MAX; i++) {	/* no CPU may take the next thread at this address for the owner */
		void *expect = ctx;

		__atomic_compare_exchange_n(&vm_percpu[i].fpu_owner, &expect, NULL, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	}
	if (ctx->fpu)
		slab_free(cache, ctx->fpu);
	ctx->fpu = NULL;
}

size_t plat_fpu_size(void)
{
	return f->xsave_bytes + (f->xsave ? MAGIC2_BYTES : 0);
}

int plat_fpu_save_user(u64 dst)
{
	struct plat_ctx *ctx = &current()->ctx;

	if (dst & 63)
		return -EFAULT;
	sync_current();
	if (plat_copy_to_user(dst, ctx->fpu, f->xsave_bytes))
		return -EFAULT;
	if (!f->xsave)
		return 0;
	struct _fpx_sw_bytes sw = { .magic1 = FP_XSTATE_MAGIC1, .extended_size = f->xsave_bytes + MAGIC2_BYTES,
				    .xfeatures = f->xcr0, .xstate_size = f->xsave_bytes };
	u32 magic2 = FP_XSTATE_MAGIC2;
	if (plat_copy_to_user(dst + 464, &sw, sizeof(sw)) ||
	    plat_copy_to_user(dst + f->xsave_bytes, &magic2, sizeof(magic2)))
		return -EFAULT;
	return 0;
}

int plat_fpu_restore_user(u64 src)
{
	struct plat_ctx *ctx = &current()->ctx;
	void *area = ctx->fpu;
	struct _fpx_sw_bytes sw;
	u32 magic2 = 0, size = FXSAVE_BYTES;

	disown_current();
	set_default(area);
	if (!src)
		return 0;
	if (plat_copy_from_user(&sw, src + 464, sizeof(sw)))
		return -EFAULT;
	if (f->xsave && sw.magic1 == FP_XSTATE_MAGIC1 && sw.xstate_size == f->xsave_bytes) {
		if (plat_copy_from_user(&magic2, src + f->xsave_bytes, sizeof(magic2)))
			return -EFAULT;
		if (magic2 == FP_XSTATE_MAGIC2)
			size = f->xsave_bytes;
	}
	if (plat_copy_from_user(area, src, size)) {
		set_default(area);
		return -EFAULT;
	}
	*(u32 *)((char *)area + 24) &= mxcsr_mask;
	if (f->xsave) {		/* what XRSTOR would fault on */
		u64 *header = (u64 *)((char *)area + FXSAVE_BYTES);

		header[0] = size == FXSAVE_BYTES ? 3 : header[0] & f->xcr0;
		memset(&header[1], 0, XSTATE_HEADER - 8);
	}
	return 0;
}

u64 plat_fs_base(void) { return current()->ctx.fs_base; }
u64 plat_gs_base(void) { return current()->ctx.gs_base; }

void plat_set_fs_base(u64 base)
{
	current()->ctx.fs_base = base;
	wrmsr(MSR_FS_BASE, base);
}

void plat_set_gs_base(u64 base)
{
	current()->ctx.gs_base = base;
	wrmsr(MSR_KERNEL_GS_BASE, base);
}
