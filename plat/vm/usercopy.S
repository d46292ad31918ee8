/*
 * Copies between kernel and user memory.  Every access that may fault has a line in .ex_table: (instruction, where to go on).
 *
 * size_t vm_user_copy(void *dst, const void *src, size_t n) returns the bytes not copied.  After a fault in the wide loop the
 * byte loop finds the exact end.  No rep movsb: under emulation that is one slow step a byte.
 * UACCESS_BEGIN and UACCESS_END are noted in .smap_sites and become NOPs where the CPU has no SMAP.
 */
	.macro EX from, to
	.pushsection .ex_table, "a"
	.quad \from, \to
	.popsection
	.endm
	.macro UACCESS_BEGIN
771:	stac
	.pushsection .smap_sites, "a"
	.quad 771b
	.popsection
	.endm
	.macro UACCESS_END
772:	clac
	.pushsection .smap_sites, "a"
	.quad 772b
	.popsection
	.endm

	.text
	.globl vm_user_copy
	.balign 16
vm_user_copy:
	UACCESS_BEGIN
	cmpq $64, %rdx
	jb 2f
1:
10:	movq (%rsi), %rax
11:	movq 8(%rsi), %rcx
12:	movq 16(%rsi), %r8
13:	movq 24(%rsi), %r9
14:	movq %rax, (%rdi)
15:	movq %rcx, 8(%rdi)
16:	movq %r8, 16(%rdi)
17:	movq %r9, 24(%rdi)
18:	movq 32(%rsi), %rax
19:	movq 40(%rsi), %rcx
20:	movq 48(%rsi), %r8
21:	movq 56(%rsi), %r9
22:	movq %rax, 32(%rdi)
23:	movq %rcx, 40(%rdi)
24:	movq %r8, 48(%rdi)
25:	movq %r9, 56(%rdi)
	addq $64, %rsi
	addq $64, %rdi
	subq $64, %rdx
	cmpq $64, %rdx
	jae 1b
2:	cmpq $8, %rdx
	jb 4f
3:
30:	movq (%rsi), %rax
31:	movq %rax, (%rdi)
	addq $8, %rsi
	addq $8, %rdi
	subq $8, %rdx
	cmpq $8, %rdx
	jae 3b
4:	cmpq $4, %rdx
	jb 5f
40:	movl (%rsi), %eax
41:	movl %eax, (%rdi)
	addq $4, %rsi
	addq $4, %rdi
	subq $4, %rdx
5:	testq %rdx, %rdx
	jz 7f
6:
60:	movb (%rsi), %al
61:	movb %al, (%rdi)
	incq %rsi
	incq %rdi
	decq %rdx
	jnz 6b
7:	UACCESS_END
	movq %rdx, %rax
	ret
	.irp l,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,30,31,40,41
	EX \l\()b, 5b
	.endr
	EX 60b, 7b
	EX 61b, 7b

/* size_t vm_user_clear(void *dst, size_t n): bytes not cleared */
	.globl vm_user_clear
	.balign 16
vm_user_clear:
	UACCESS_BEGIN
	xorl %eax, %eax
1:	cmpq $8, %rsi
	jb 2f
10:	movq %rax, (%rdi)
	addq $8, %rdi
	subq $8, %rsi
	jmp 1b
2:	testq %rsi, %rsi
	jz 4f
20:	movb %al, (%rdi)
	incq %rdi
	decq %rsi
	jmp 2b
4:	UACCESS_END
	movq %rsi, %rax
	ret
	EX 10b, 2b
	EX 20b, 4b

/* long vm_user_strncpy(char *dst, const char *src, size_t n): length before the NUL, n if none, -14 on a fault */
	.globl vm_user_strncpy
	.balign 16
vm_user_strncpy:
	UACCESS_BEGIN
	xorl %eax, %eax
1:	cmpq %rdx, %rax
	jae 3f
10:	movb (%rsi,%rax), %cl
	movb %cl, (%rdi,%rax)
	testb %cl, %cl
	jz 3f
	incq %rax
	jmp 1b
3:	UACCESS_END
	ret
4:	UACCESS_END
	movq $-14, %rax
	ret
	EX 10b, 4b

/* int vm_user_cmpxchg32(u64 addr, u32 expect, u32 want, u32 *old): 0 or -14 */
	.globl vm_user_cmpxchg32
	.balign 16
vm_user_cmpxchg32:
	UACCESS_BEGIN
	movl %esi, %eax
10:	lock cmpxchgl %edx, (%rdi)
	UACCESS_END
	movl %eax, (%rcx)
	xorl %eax, %eax
	ret
4:	UACCESS_END
	movl $-14, %eax
	ret
	EX 10b, 4b

/* the same two without faulting in: trap.c looks for these names' range */
	.globl vm_nofault_start, vm_nofault_end
	.balign 16
vm_nofault_start:
	.globl vm_user_load32_nofault
vm_user_load32_nofault:
	UACCESS_BEGIN
10:	movl (%rdi), %eax
	UACCESS_END
	movl %eax, (%rsi)
	xorl %eax, %eax
	ret
4:	UACCESS_END
	movl $-14, %eax
	ret
	EX 10b, 4b
	.globl vm_user_cmpxchg32_nofault
vm_user_cmpxchg32_nofault:
	UACCESS_BEGIN
	movl %esi, %eax
10:	lock cmpxchgl %edx, (%rdi)
	UACCESS_END
	movl %eax, (%rcx)
	xorl %eax, %eax
	ret
4:	UACCESS_END
	movl $-14, %eax
	ret
	EX 10b, 4b
vm_nofault_end:

/* int vm_fpu_xsave_user(void *area, u64 mask) / vm_fpu_xrstor_user / fxsave / fxrstor: 0 or -14 */
	.macro FPU_OP name, insn
	.globl \name
\name:
	movl %esi, %eax
	movq %rsi, %rdx
	shrq $32, %rdx
	UACCESS_BEGIN
10:	\insn (%rdi)
	UACCESS_END
	xorl %eax, %eax
	ret
4:	UACCESS_END
	movl $-14, %eax
	ret
	EX 10b, 4b
	.endm
	FPU_OP vm_fpu_xsave, xsave64
	FPU_OP vm_fpu_xrstor, xrstor64
	FPU_OP vm_fpu_fxsave, fxsave64
	FPU_OP vm_fpu_fxrstor, fxrstor64

/* int vm_rdmsr_safe(u32 msr, u64 *out): 0 or -5 */
	.globl vm_rdmsr_safe
vm_rdmsr_safe:
	movl %edi, %ecx
10:	rdmsr
	shlq $32, %rdx
	orq %rdx, %rax
	movq %rax, (%rsi)
	xorl %eax, %eax
	ret
4:	movl $-5, %eax
	ret
	EX 10b, 4b
	.section .note.GNU-stack, "", @progbits
