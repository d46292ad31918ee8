/*
 * Into the kernel and out of it: system calls, interrupts, exceptions.
 *
 * Both build a struct plat_regs at the top of the thread's kernel stack (or below it, for nested interrupts).  A system
 * call that leaves no work behind returns by SYSRET and reloads only what C code may have changed; everything else by
 * IRETQ with all registers.
 * Offsets into struct plat_percpu: <plat/arch.h>; TF_* bits: kern/thread.h, checked by static_assert in trap.c.
 */
#define PERCPU_CURRENT 8
#define PERCPU_KERNEL_SP 16
#define PERCPU_USER_SP 24
#define THREAD_FLAGS 48			/* offsetof(struct thread, flags) */
#define EXIT_WORK 0x300f		/* TF_WORK | TF_FULL_REGS | TF_FPU_LOAD */

	/* All but rdi, which the caller has pushed or exchanged with the vector. */
	.macro PUSH_REGS
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq %rax
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	.endm

	.macro POP_REGS
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rax
	popq %rcx
	popq %rdx
	popq %rsi
	popq %rdi
	.endm

	.text
	.globl vm_syscall_entry
	.balign 64
vm_syscall_entry:
	swapgs
	movq %rsp, %gs:PERCPU_USER_SP
	movq %gs:PERCPU_KERNEL_SP, %rsp
	pushq $0x2b
	pushq %gs:PERCPU_USER_SP
	pushq %r11
	pushq $0x33
	pushq %rcx
	pushq %rax
	pushq %rdi
	pushq %rsi
	pushq %rdx
	pushq %rcx
	pushq $-38			/* ENOSYS unless the call says otherwise */
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	sti
	movq %rsp, %rdi
	xorl %ebp, %ebp
	call *vm_upcalls(%rip)		/* syscall(regs) */
	cli
	movq %gs:PERCPU_CURRENT, %rax
	testl $EXIT_WORK, THREAD_FLAGS(%rax)
	jnz exit_work
	/* C code kept rbx, r12-r15; the rest comes from the frame */
	movq 32(%rsp), %rbp
	movq 56(%rsp), %r10
	movq 64(%rsp), %r9
	movq 72(%rsp), %r8
	movq 80(%rsp), %rax
	movq 96(%rsp), %rdx
	movq 104(%rsp), %rsi
	movq 112(%rsp), %rdi
	movq 128(%rsp), %rcx
	movq 144(%rsp), %r11
	movq 152(%rsp), %rsp
	swapgs
	sysretq

	/* interrupts off, rsp = struct plat_regs of user mode */
exit_work:
	movq %rsp, %rdi
	call vm_exit_work
	.globl vm_return_user
vm_return_user:
	POP_REGS
	addq $8, %rsp
	swapgs
	.globl vm_iret_user
vm_iret_user:
	iretq

/* On the stack: vector, error code (or 0), and what the CPU pushed. */
	.balign 16
trap_common:
	cld
	testb $3, 24(%rsp)		/* cs: vector, error, ip, cs */
	jz 1f
	swapgs
1:	xchgq %rdi, (%rsp)		/* rdi = vector, its slot = rdi */
	PUSH_REGS
	movq %rdi, %rsi			/* vector */
	movq 120(%rsp), %rdx		/* error code */
	movq $-1, 120(%rsp)		/* orig_ax: not a system call */
	movq %rsp, %rdi
	testb $3, 136(%rsp)
	jz 2f
	xorl %ebp, %ebp			/* user's rbp is no frame of ours */
	call vm_trap
	cli
	movq %gs:PERCPU_CURRENT, %rax
	testl $EXIT_WORK, THREAD_FLAGS(%rax)
	jnz exit_work
	jmp vm_return_user
2:	movq %rsp, %rbx
	andq $-16, %rsp
	call vm_trap
	movq %rbx, %rsp
	POP_REGS
	addq $8, %rsp
	iretq

/* Vectors with a stack of their own (NMI, double fault, machine check): GS may be either, whatever CS says. */
	.balign 16
trap_paranoid:
	cld
	xchgq %rdi, (%rsp)
	PUSH_REGS
	movq %rdi, %rsi
	movl $0xc0000101, %ecx
	rdmsr
	xorl %ebx, %ebx
	testl %edx, %edx		/* kernel addresses have the top bit */
	js 1f
	swapgs
	incl %ebx
1:	movq 120(%rsp), %rdx
	movq $-1, 120(%rsp)
	movq %rsp, %rdi
	call vm_trap
	testl %ebx, %ebx
	jz 2f
	swapgs
2:	POP_REGS
	addq $8, %rsp
	iretq

	/* One stub a vector, 16 bytes apart. */
	.globl vm_trap_stubs
	.balign 16
vm_trap_stubs:
	.set vec, 0
	.rept 256
	.balign 16
	.if !((1 << (vec & 31)) & 0x60227d00) || vec > 31	/* 8 10-14 17 21 29 30 push an error code */
	pushq $0
	.endif
	pushq $vec
	.if vec == 2 || vec == 8 || vec == 18
	jmp trap_paranoid
	.else
	jmp trap_common
	.endif
	.set vec, vec + 1
	.endr

/* void vm_ctx_switch(u64 *save_sp (rdi), u64 load_sp (rsi)) */
	.globl vm_ctx_switch
vm_ctx_switch:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret

/* First switch to a thread: r12 = entry, r13 = argument. */
	.globl vm_ctx_start
vm_ctx_start:
	movq %r13, %rdi
	xorl %ebp, %ebp
	call *%r12
	ud2

/* plat_user_enter(regs): regs lie at the top of the kernel stack. */
	.globl plat_user_enter
plat_user_enter:
	movq %rdi, %rsp
	cli
	jmp exit_work

	.section .note.GNU-stack, "", @progbits
