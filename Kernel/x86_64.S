/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What Swift 6.3.1 makes of Leaf.swift and KernelSyscalls.swift: printed by generate,
 * not to be edited. `make SWIFTC=swiftc` makes it anew.
 */
#include <linux/init.h>
#include <linux/linkage.h>

	__INIT

SYM_FUNC_START(nonroot_initramfs_make)
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	%r15
	pushq	%r14
	pushq	%r13
	pushq	%r12
	pushq	%rbx
	pushq	%rax
	movq	%rsi, -48(%rbp)
	movq	%rdi, %r12
	xorl	%r13d, %r13d
	leaq	.Lstring1(%rip), %rbx
.L1:
	movzbl	%r13b, %r14d
	testb	%r14b, %r14b
	je	.L2
	cmpl	$1, %r14d
	je	.L3
	cmpl	$2, %r14d
	je	.L4
	cmpl	$3, %r14d
	je	.L5
	cmpl	$4, %r14d
	jne	.L6
	leaq	.Lstring2(%rip), %rdi
	callq	init_chroot
	jmp	.L7
.L5:
	movl	$4143, %ecx
	xorl	%edi, %edi
	leaq	.Lstring3(%rip), %rsi
	xorl	%edx, %edx
	xorl	%r8d, %r8d
	callq	init_mount
	jmp	.L7
.L4:
	leaq	.Lstring4(%rip), %rdi
	callq	init_chdir
.L7:
	movl	%eax, %r15d
	testl	%eax, %eax
	js	.L8
	jmp	.L3
.L2:
	movq	%rbx, %rdi
	leaq	.Lstring4(%rip), %rsi
	movq	%rbx, %rdx
	xorl	%ecx, %ecx
	movq	%r12, %r8
	callq	init_mount
	testl	%eax, %eax
	js	.L9
.L3:
	incb	%r13b
	jmp	.L1
.L8:
	leaq	.Lstring3(%rip), %rbx
.L10:
	cmpb	$3, %r13b
	je	.L11
	movzbl	%r13b, %eax
	cmpl	$4, %eax
	je	.L12
	cmpl	$1, %eax
	je	.L13
	jmp	.L14
.L12:
	movl	$4128, %ecx
	xorl	%edi, %edi
	movq	%rbx, %rsi
	xorl	%edx, %edx
	xorl	%r8d, %r8d
	callq	init_mount
	jmp	.L14
.L11:
	movq	%rbx, %rdi
	callq	init_chdir
.L14:
	decb	%r13b
	jne	.L10
	jmp	.L15
.L6:
	xorl	%r15d, %r15d
	jmp	.L16
.L9:
	movl	%eax, %r15d
	jmp	.L15
.L13:
	leaq	.Lstring4(%rip), %rdi
	xorl	%esi, %esi
	callq	init_umount
.L15:
	movl	%r14d, %edi
	callq	nonroot_initramfs_Step_name_getter
	movq	-48(%rbp), %rcx
	movq	%rax, (%rcx)
.L16:
	movl	%r15d, %eax
	addq	$8, %rsp
	popq	%rbx
	popq	%r12
	popq	%r13
	popq	%r14
	popq	%r15
	popq	%rbp
	RET
SYM_FUNC_END(nonroot_initramfs_make)

SYM_FUNC_START_LOCAL(nonroot_initramfs_Step_name_getter)
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	$5
	popq	%rdx
	testb	%dil, %dil
	je	.L17
	movzbl	%dil, %eax
	cmpl	$1, %eax
	je	.L18
	cmpl	$2, %eax
	je	.L19
	cmpl	$3, %eax
	jne	.L20
	pushq	$4
	popq	%rdx
	leaq	.Lstring5(%rip), %rax
	jmp	.L21
.L18:
	pushq	$4
	popq	%rdx
	leaq	.Lstring6(%rip), %rax
	jmp	.L21
.L19:
	leaq	.Lstring7(%rip), %rax
	jmp	.L21
.L17:
	leaq	.Lstring8(%rip), %rax
	jmp	.L21
.L20:
	pushq	$6
	popq	%rdx
	leaq	.Lstring9(%rip), %rax
.L21:
	movb	$2, %cl
	popq	%rbp
	RET
SYM_FUNC_END(nonroot_initramfs_Step_name_getter)

	__INITRODATA

.Lstring1:
	.asciz	"tmpfs"
.Lstring2:
	.asciz	"."
.Lstring3:
	.asciz	"/"
.Lstring4:
	.asciz	"/.."
.Lstring5:
	.asciz	"seal"
.Lstring6:
	.asciz	"fill"
.Lstring7:
	.asciz	"chdir"
.Lstring8:
	.asciz	"mount"
.Lstring9:
	.asciz	"chroot"
