/*
 * The probe's guest: 64 KiB that QEMU takes for its firmware.
 *
 * It goes the way every 64-bit kernel goes (real mode, protected mode, page tables, long mode,
 * an exception, a page fault on a table entry that was changed, user mode and back), since some
 * hypervisors run the first steps and hang at a later one.  At the end it writes PROBE_ANSWER
 * to isa-debug-exit's port; anything else that happens (a reset, silence) is a no.
 *
 * RAM it uses: page tables at 0x1000-0x5fff, IDT at 0x6000, TSS at 0x7000, stacks below 0x9000
 * (kernel) and 0xa000 (user), user code at 0xb000, a page whose mapping changes at 0xc000.
 * The image lies at 0xffff0000; BASE turns a label into that address.
 */
#define PORT	     0xf4
#define PROBE_ANSWER 0x15
#define BASE	     0xffff0000
#define PRESENT_RW   0x67	/* present, writable, user, accessed, dirty */
#define LARGE_RW     0xe7	/* the same, 2 MiB */

	.section .rodata
	.balign 16
	.globl probe_guest_image, probe_guest_image_end
probe_guest_image:
	.org probe_guest_image + 0xf000

	.code16
start16:
	cli
	lgdtl	%cs:(gdt_pointer - probe_guest_image)
	movl	%cr0, %eax
	orb	$1, %al
	movl	%eax, %cr0
	ljmpl	$0x08, $(BASE + start32 - probe_guest_image)

	.code32
start32:
	movw	$0x10, %ax
	movw	%ax, %ds
	movw	%ax, %es
	movw	%ax, %ss
	movl	$0x9000, %esp
	xorl	%eax, %eax
	movl	$0x1000, %edi
	movl	$((0x8000 - 0x1000) / 4), %ecx
	cld
	rep stosl

	movl	$(0x2000 + PRESENT_RW), 0x1000		/* PML4[0] */
	movl	$(0x3000 + PRESENT_RW), 0x2000		/* PDPT[0]: the first GiB */
	movl	$(0x4000 + PRESENT_RW), 0x2018		/* PDPT[3]: the fourth */
	movl	$(0x5000 + PRESENT_RW), 0x3000		/* PD[0]: a table of small pages */
	movl	$(0xffe00000 + LARGE_RW), 0x4ff8	/* PD[511]: this image */
	movl	$0x5000, %edi
	movl	$PRESENT_RW, %eax
1:	movl	%eax, (%edi)
	addl	$0x1000, %eax
	addl	$8, %edi
	cmpl	$0x5200, %edi
	jb	1b

	movl	$0x20, %eax				/* CR4.PAE */
	movl	%eax, %cr4
	movl	$0x1000, %eax
	movl	%eax, %cr3
	movl	$0xc0000080, %ecx			/* EFER.LME */
	rdmsr
	orl	$0x100, %eax
	wrmsr
	movl	%cr0, %eax
	orl	$0x80010000, %eax			/* CR0.PG, CR0.WP */
	movl	%eax, %cr0
	ljmp	$0x18, $(BASE + start64 - probe_guest_image)

	.code64
start64:
	movl	$0x10, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	movq	$0x9000, %rsp

	/* The IDT: 3 (breakpoint), 14 (page fault), 0x80 (from user mode). */
	movl	$(BASE + on_breakpoint - probe_guest_image), %eax
	movl	$(0x6000 + 3 * 16), %edi
	call	set_gate
	movl	$(BASE + on_fault - probe_guest_image), %eax
	movl	$(0x6000 + 14 * 16), %edi
	call	set_gate
	movl	$(BASE + on_user - probe_guest_image), %eax
	movl	$(0x6000 + 0x80 * 16), %edi
	call	set_gate
	movl	$(BASE + idt_pointer - probe_guest_image), %eax
	lidt	(%rax)
	movl	$0x9000, %eax				/* TSS.rsp0 */
	movq	%rax, 0x7004
	/* A TSS must be marked busy, so its descriptor needs a GDT in RAM. */
	movl	$(BASE + gdt - probe_guest_image), %esi
	movl	$0x7800, %edi
	movl	$(gdt_end - gdt), %ecx
	cld
	rep movsb
	movl	$(BASE + gdt64_pointer - probe_guest_image), %eax
	lgdt	(%rax)
	movl	$0x30, %eax
	ltr	%ax

	xorl	%ebx, %ebx
	int3						/* ebx becomes 1 */
	movl	$0, 0x5000 + 12 * 8			/* take page 0xc000 away */
	invlpg	0xc000
	movl	$1, 0xc000				/* faults; ebx becomes 2 */
	movq	%cr3, %rax
	movq	%rax, %cr3
	cmpl	$2, %ebx
	jne	dead

	movl	$0x80cd, 0xb000				/* user code: int $0x80 */
	pushq	$0x2b					/* ss */
	pushq	$0xa000
	pushq	$0x2
	pushq	$0x23					/* cs */
	pushq	$0xb000
	iretq

on_breakpoint:
	incl	%ebx
	iretq

on_fault:
	incl	%ebx
	movl	$(0xc000 + PRESENT_RW), 0x5000 + 12 * 8
	addq	$8, %rsp				/* the error code */
	iretq

on_user:
	testb	$3, 8(%rsp)				/* came from ring 3 */
	jz	dead
	movb	$PROBE_ANSWER, %al
	outb	%al, $PORT
dead:	cli
	hlt
	jmp	dead

/* eax: the handler's address (below 4 GiB), edi: the gate */
set_gate:
	movw	%ax, (%rdi)
	movw	$0x18, 2(%rdi)
	movw	$0xee00, 4(%rdi)
	shrl	$16, %eax
	movw	%ax, 6(%rdi)
	ret

	.balign 16
gdt:	.quad	0
	.quad	0x00cf9b000000ffff			/* 08: 32-bit code */
	.quad	0x00cf93000000ffff			/* 10: data */
	.quad	0x00af9b000000ffff			/* 18: 64-bit code */
	.quad	0x00affb000000ffff			/* 20: 64-bit user code */
	.quad	0x00cff3000000ffff			/* 28: user data */
	.quad	0x0000890070000067			/* 30: TSS at 0x7000 */
	.quad	0
gdt_end:
gdt_pointer:
	.word	gdt_end - gdt - 1
	.long	BASE + gdt - probe_guest_image
gdt64_pointer:
	.word	gdt_end - gdt - 1
	.quad	0x7800
idt_pointer:
	.word	0x81 * 16 - 1
	.quad	0x6000

	.org probe_guest_image + 0xfff0
	.code16
	jmp	start16
	.org probe_guest_image + 0x10000
probe_guest_image_end:
	.section .note.GNU-stack, "", @progbits
