/*
 * Threads as the CPU sees them: contexts and switching.
 */
#include "kern/thread.h"
#include "plat/vm/vm.h"

void plat_ctx_init(struct plat_ctx *ctx, void *stack_top, void (*entry)(void *arg), void *arg)
{
	u64 *sp = stack_top;

	*--sp = 0;			/* keeps the frame chain's end aligned */
	*--sp = (u64)vm_ctx_start;	/* where vm_ctx_switch returns to */
	*--sp = 0;			/* rbp */
	*--sp = 0;			/* rbx */
	*--sp = (u64)entry;		/* r12 */
	*--sp = (u64)arg;		/* r13 */
	*--sp = 0;
	*--sp = 0;
	ctx->sp = (u64)sp;
}

void plat_ctx_adopt(struct thread *thread, void *stack_top)
{
	vm_this()->current = thread;
	thread->ctx.kernel_sp = (u64)stack_top;
	vm_set_kernel_stack((u64)stack_top);
}

void plat_ctx_switch(struct plat_ctx *prev, struct plat_ctx *next)
{
	struct plat_percpu *cpu = vm_this();
	struct thread *to = (struct thread *)next;

	if (prev->fpu) {
		vm_fpu_save(prev);
		thread_set_flag((struct thread *)prev, TF_FPU_LOAD);
	}
	if (!(to->flags & TF_KERNEL)) {
		if (prev->fs_base != next->fs_base || !prev->fpu)
			wrmsr(MSR_FS_BASE, next->fs_base);
		if (prev->gs_base != next->gs_base || !prev->fpu)
			wrmsr(MSR_KERNEL_GS_BASE, next->gs_base);
	}
	/* A kernel thread with none of its own leaves the address space of whoever ran before it loaded. */
	if (to->mm)
		plat_as_switch((struct plat_as *)to->mm);
	cpu->current = to;
	vm_set_kernel_stack(next->kernel_sp);
	vm_ctx_switch(&prev->sp, next->sp);
}
