/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Phase one of a CPU's way into a subOS, common to all of them: from the
 * start-up IPI to long mode, then by APIC ID to a slot in the subOS's memory.
 * Copied to a page below 1 MiB. A CPU that is named in no slot parks here, in
 * the supervisor's memory, so that a stray start-up IPI is harmless; and
 * having come by is the proof that it runs nothing else any more.
 *
 * Everything is addressed relative to the page, whose address is in %ebx. The
 * page, the table and the stacks are mapped 1:1 by the page table in cr3.
 */
#include <linux/linkage.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "trampoline.h"

#define REL(x)	((x) - rf_trampoline_code)

	.section ".rodata", "a"
	.balign 16
SYM_DATA_START(rf_trampoline_code)
	.code16
	cli
	cld
	movw	%cs, %ax
	movw	%ax, %ds
	xorl	%ebx, %ebx
	movw	%ax, %bx
	shll	$4, %ebx
	lgdtl	REL(.Lgdt_desc)
	/* INIT leaves CD and NW as they were: caches on */
	movl	$(X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | \
		  X86_CR0_WP | X86_CR0_AM), %eax
	movl	%eax, %cr0
	ljmpl	*REL(.Lfar32)

	.code32
.Lprotected:
	movl	$0x18, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %ss
	xorl	%eax, %eax
	movl	%eax, %fs
	movl	%eax, %gs
	movl	$X86_CR4_PAE, %eax
	movl	%eax, %cr4
	movl	REL(.Ldata) + RF_TRAMP_CR3(%ebx), %eax
	movl	%eax, %cr3
	movl	$MSR_EFER, %ecx
	/* NXE before any page table that has NX bits; SCE as Linux expects */
	movl	$(EFER_SCE_BIT | EFER_LME_BIT | EFER_NX_BIT), %eax
	xorl	%edx, %edx
	wrmsr
	movl	%cr0, %eax
	orl	$X86_CR0_PG, %eax
	movl	%eax, %cr0
	ljmpl	*REL(.Lfar64)(%ebx)

	.code64
.Llong:
	movl	%ebx, %r12d
	lidt	REL(.Lidt_desc)(%r12)
	/* From here on a machine check finds a handler: CR4.MCE = 0 is a shutdown */
	movq	%cr4, %rax
	orq	$X86_CR4_MCE, %rax
	movq	%rax, %cr4

	/* x2APIC ID by leaf 0xb, else the initial APIC ID */
	xorl	%eax, %eax
	cpuid
	cmpl	$0xb, %eax
	jb	1f
	movl	$0xb, %eax
	xorl	%ecx, %ecx
	cpuid
	testl	%ebx, %ebx
	jnz	2f
1:	movl	$1, %eax
	cpuid
	shrl	$24, %ebx
	movl	%ebx, %edx
2:
	movq	REL(.Ldata) + RF_TRAMP_TABLE(%r12), %rsi
	movl	REL(.Ldata) + RF_TRAMP_COUNT(%r12), %ecx
3:	testl	%ecx, %ecx
	jz	.Lpark
	cmpl	%edx, RF_ENTRY_APICID(%rsi)
	je	4f
	addq	$RF_ENTRY_SIZE, %rsi
	decl	%ecx
	jmp	3b

4:	leaq	RF_ENTRY_SIZE(%rsi), %rsp	/* the entry ends in a stack */

	/* INIT leaves these as the last kernel had them; only such that exist */
	leaq	REL(.Ldata) + RF_TRAMP_MSRS(%r12), %r13
	movl	REL(.Ldata) + RF_TRAMP_NR_MSRS(%r12), %r14d
5:	testl	%r14d, %r14d
	jz	6f
	movl	(%r13), %ecx
	movl	4(%r13), %eax
	movl	8(%r13), %edx
	wrmsr
	addq	$RF_TRAMP_MSR_SIZE, %r13
	decl	%r14d
	jmp	5b
6:	cmpl	$0, RF_ENTRY_HAS_ADJUST(%rsi)
	je	7f
	/* written only if it was changed */
	movl	$MSR_IA32_TSC_ADJUST, %ecx
	rdmsr
	cmpl	RF_ENTRY_TSC_ADJUST(%rsi), %eax
	jne	8f
	cmpl	RF_ENTRY_TSC_ADJUST + 4(%rsi), %edx
	je	7f
8:	movl	RF_ENTRY_TSC_ADJUST(%rsi), %eax
	movl	RF_ENTRY_TSC_ADJUST + 4(%rsi), %edx
	wrmsr
7:
	/*
	 * The request first: a CPU that brings it back has read the slot that
	 * was there when it was made
	 */
	movq	RF_ENTRY_REQUEST(%rsi), %rdx
	movq	RF_ENTRY_SLOT(%rsi), %rdi
	movq	RF_ENTRY_CR3(%rsi), %rax
	movq	%rdx, RF_ENTRY_ARRIVED(%rsi)
	testq	%rdi, %rdi
	jz	.Lpark

	/* Phase two: the subOS's own memory */
	movq	%rax, %cr3
	movq	RF_SLOT_RSP(%rdi), %rsp		/* and a stack for an NMI at once */
	movl	$1, RF_SLOT_STARTED(%rdi)
	movq	RF_SLOT_CR3(%rdi), %rcx
	movq	RF_SLOT_RIP(%rdi), %rax
	movq	RF_SLOT_RSI(%rdi), %rsi
	movq	%rcx, %cr3
	jmp	*%rax

.Lpark:	hlt
	jmp	.Lpark

	/*
	 * Hold: a subOS's kernel calls this, see include/rf/abi/crash.h. Its page
	 * table maps the page as ours does, so that there is a stack and an IDT
	 * at each step from its address space to ours, and back.
	 */
	.balign 16
.Lhold:
	endbr64
	leaq	.Lhold(%rip), %r10
	subq	$REL(.Lhold), %r10
	movl	%edi, %r11d
	andl	$(RF_HOLD_STACKS - 1), %r11d
	incl	%r11d
	shll	$RF_HOLD_STACK_SHIFT, %r11d
	leaq	REL(.Lhold_stacks)(%r10, %r11), %r11
	movq	%rsp, %r8
	movq	%cr3, %r9
	movq	%r11, %rsp
	lgdt	REL(.Lgdt_desc)(%r10)
	lidt	REL(.Lidt_desc)(%r10)
	movl	REL(.Ldata) + RF_TRAMP_CR3(%r10), %eax
	movq	%rax, %cr3
	/* From here on nothing of the subOS's memory is in use, not even mapped */
	movq	REL(.Ldata) + RF_TRAMP_TABLE(%r10), %rcx
	movl	REL(.Ldata) + RF_TRAMP_COUNT(%r10), %eax
1:	testl	%eax, %eax
	jz	5f
	cmpl	%edi, RF_ENTRY_APICID(%rcx)
	je	2f
	addq	$RF_ENTRY_SIZE, %rcx
	decl	%eax
	jmp	1b

2:	leaq	RF_ENTRY_SIZE(%rcx), %rsp
3:	movq	RF_ENTRY_HOLD(%rcx), %rax
	movq	%rax, RF_ENTRY_HELD(%rcx)
	testq	%rax, %rax
	jz	5f
	testl	%edx, %edx
	jz	4f
	hlt			/* until an NMI; who woke us too early does it again */
	jmp	3b
4:	pause
	jmp	3b

5:	movq	%r11, %rsp
	movq	%r9, %cr3
	lgdt	(%rsi)
	lidt	16(%rsi)
	movq	%r8, %rsp
	ret

	/* NMI: nothing to do. All else: stay where we are */
	.balign 16
.Lnmi:	iretq
	/*
	 * Machine checks are told to all CPUs, and one that comes before the last
	 * is taken note of is a shutdown. What it was stands in the banks, for the
	 * kernel that has this CPU next.
	 */
	.balign 16
.Lmce:	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	movl	$MSR_IA32_MCG_STATUS, %ecx
	xorl	%eax, %eax
	xorl	%edx, %edx
	wrmsr
	popq	%rdx
	popq	%rcx
	popq	%rax
	iretq
	.balign 16
.Lfault:
	hlt
	jmp	.Lfault

	.balign 16
.Lgdt:	.quad	0
	.quad	0x00cf9b000000ffff	/* 0x08: 32-bit code */
	.quad	0x00af9b000000ffff	/* 0x10: 64-bit code, as Linux's __KERNEL_CS */
	.quad	0x00cf93000000ffff	/* 0x18: data */
.Lgdt_end:

	.balign 16
.Lhold_stacks:
	.fill	RF_HOLD_STACKS << RF_HOLD_STACK_SHIFT, 1, 0

	/* From here on filled in by trampoline.c, see trampoline.h */
	.balign 8
.Ldata:
	.fill	RF_TRAMP_DATA_SIZE, 1, 0
	.set	.Lfar32, .Ldata + RF_TRAMP_FAR32
	.set	.Lfar64, .Ldata + RF_TRAMP_FAR64
	.set	.Lgdt_desc, .Ldata + RF_TRAMP_GDT_DESC
	.set	.Lidt_desc, .Ldata + RF_TRAMP_IDT_DESC
SYM_DATA_END_LABEL(rf_trampoline_code, SYM_L_GLOBAL, rf_trampoline_code_end)

	.balign 4
SYM_DATA(rf_trampoline_off_data, .long REL(.Ldata))
SYM_DATA(rf_trampoline_off_32, .long REL(.Lprotected))
SYM_DATA(rf_trampoline_off_64, .long REL(.Llong))
SYM_DATA(rf_trampoline_off_gdt, .long REL(.Lgdt))
SYM_DATA(rf_trampoline_off_nmi, .long REL(.Lnmi))
SYM_DATA(rf_trampoline_off_mce, .long REL(.Lmce))
SYM_DATA(rf_trampoline_off_fault, .long REL(.Lfault))
SYM_DATA(rf_trampoline_off_hold, .long REL(.Lhold))
