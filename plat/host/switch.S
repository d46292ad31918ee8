/* void host_switch_sp(void **save, void *load): the registers that a call keeps, and the stack. */
	.text
	.globl host_switch_sp
	.balign 16
host_switch_sp:
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
	.section .note.GNU-stack, "", @progbits
