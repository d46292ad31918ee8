/*
 * From the PVH entry (32-bit, paging off, ebx = struct hvm_start_info) to 64-bit C in the upper half.
 *
 * One page directory maps the first GiB three times: identically (for the instructions that turn paging on), at the direct
 * map and at the kernel's link address.  paging.c replaces all of it.
 * Source: Xen's docs/misc/pvh.pandoc for the entry state; Intel SDM vol. 3, 9.8.5 for the switch to IA-32e mode.
 */
#define BASE 0xffffffff80000000
#define P(x) ((x) - BASE)

	.section .note.pvh, "a"
	.long 4, 4, 18			/* name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long P(pvh_entry)

	.section .text.boot, "ax"
	.code32
	.globl pvh_entry
pvh_entry:
	cld
	cli
	movl %ebx, %ebp			/* cpuid below takes ebx */
	movl $P(boot_stack_top), %esp

	movl $P(boot_pd), %edi		/* 512 large pages: present, writable, large */
	movl $0x83, %eax
	movl $512, %ecx
1:	movl %eax, (%edi)
	movl $0, 4(%edi)
	addl $0x200000, %eax
	addl $8, %edi
	loop 1b

	movl $(P(boot_pd) + 3), %eax
	movl %eax, P(boot_pdpt)			/* identity and direct map: entry 0 */
	movl %eax, P(boot_pdpt_high) + 8 * 510	/* -2 GiB */
	movl $(P(boot_pdpt) + 3), %eax
	movl %eax, P(boot_pml4)
	movl %eax, P(boot_pml4) + 8 * 273
	movl $(P(boot_pdpt_high) + 3), %eax
	movl %eax, P(boot_pml4) + 8 * 511

	movl %cr4, %eax
	orl $0x20, %eax			/* PAE */
	movl %eax, %cr4
	movl $P(boot_pml4), %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx		/* EFER: LME, SCE, NXE */
	rdmsr
	orl $0x901, %eax
	wrmsr
	movl $0x80010033, %eax		/* PG WP NE ET MP PE */
	movl %eax, %cr0
	lgdt P(boot_gdt_ptr)
	ljmp $0x10, $P(boot64)

	.code64
boot64:
	movabsq $boot_high, %rax
	jmp *%rax
boot_high:
	movw $0x18, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %ss
	xorl %eax, %eax
	movw %ax, %fs
	movw %ax, %gs
	movq $boot_stack_top, %rsp
	movl $0xc0000101, %ecx		/* GS base: the boot CPU's struct plat_percpu (stack protector) */
	movq $vm_percpu, %rax
	movq %rax, %rdx
	shrq $32, %rdx
	wrmsr
	movl %ebp, %edi
	xorl %ebp, %ebp
	call vm_start
1:	hlt
	jmp 1b

	.section .rodata
	.balign 8
boot_gdt:
	.quad 0, 0x00cf9b000000ffff, 0x00af9b000000ffff, 0x00cf93000000ffff
boot_gdt_ptr:
	.word 31
	.long P(boot_gdt)
	.long 0

	.bss
	.balign 4096
	.globl boot_pml4
boot_pml4: .skip 4096
boot_pdpt: .skip 4096
boot_pdpt_high: .skip 4096
boot_pd: .skip 4096
	.globl boot_stack, boot_stack_top
boot_stack: .skip 16384
boot_stack_top:
	.section .note.GNU-stack, "", @progbits
