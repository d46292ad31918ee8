/*
 * How an application processor gets from its start-up IPI (16-bit, CS:IP = page:0) to vm_ap_start in the upper half.
 *
 * smp.c copies [trampoline_start, trampoline_end) to a page below 1 MiB, and fills in the words at its end.  The page tables that it
 * loads are the boot ones, which still map the first GiB identically; vm_ap_start loads the kernel's.
 */
	.section .rodata
	.balign 16
	.globl trampoline_start, trampoline_end, trampoline_args
	.code16
trampoline_start:
	cli
	cld
	movw %cs, %ax
	movw %ax, %ds
	xorl %ebx, %ebx
	movw %ax, %bx
	shll $4, %ebx			/* ebx: where we are */
	leal (tramp32 - trampoline_start)(%ebx), %eax
	movl %eax, (tramp_jump - trampoline_start)
	leal (tramp_gdt - trampoline_start)(%ebx), %eax
	movl %eax, (tramp_gdt_ptr - trampoline_start + 2)
	lgdtl (tramp_gdt_ptr - trampoline_start)
	movl $0x11, %eax		/* ET PE */
	movl %eax, %cr0
	ljmpl *(tramp_jump - trampoline_start)
	.code32
tramp32:
	movw $0x18, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	movl $0x20, %eax
	movl %eax, %cr4
	movl (trampoline_args - trampoline_start)(%ebx), %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x901, %eax
	wrmsr
	movl $0x80010033, %eax
	movl %eax, %cr0
	leal (tramp64 - trampoline_start)(%ebx), %eax
	movl %eax, (tramp_jump - trampoline_start)(%ebx)
	movw $0x10, (tramp_jump - trampoline_start + 4)(%ebx)
	ljmpl *(tramp_jump - trampoline_start)(%ebx)
	.code64
tramp64:
	movq (trampoline_args - trampoline_start + 8)(%rbx), %r8
	movq (trampoline_args - trampoline_start + 16)(%rbx), %rax	/* percpu */
	movq (trampoline_args - trampoline_start + 24)(%rbx), %rsi	/* entry */
	movq %rax, %rdx
	movq %rax, %rdi
	shrq $32, %rdx
	movl $0xc0000101, %ecx
	wrmsr
	jmp *%rsi			/* vm_ap_entry */
	.balign 8
tramp_gdt:
	.quad 0, 0x00cf9b000000ffff, 0x00af9b000000ffff, 0x00cf93000000ffff
tramp_gdt_ptr:
	.word 31
	.long 0
	.balign 8
tramp_jump:
	.long 0
	.word 8, 0
	.balign 8
trampoline_args:
	.quad 0, 0, 0, 0		/* page table, stack, percpu, entry */
trampoline_end:

/* In the upper half, still on the boot tables: the stack (r8) may lie beyond what they map. rdi = percpu. */
	.text
	.globl vm_ap_entry
vm_ap_entry:
	movq vm_kernel_root(%rip), %rax
	movq %rax, %cr3
	movq %r8, %rsp
	xorl %ebp, %ebp
	pushq $0
	jmp vm_ap_start
	.section .note.GNU-stack, "", @progbits
