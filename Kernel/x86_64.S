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
	movq	%rdi, %r15
	xorl	%r13d, %r13d
	leaq	.Lstring1(%rip), %r12
.L1:
	movzbl	%r13b, %r14d
	leal	-4(%r14), %eax
	cmpl	$2, %eax
	jb	.L2
	testl	%r14d, %r14d
	je	.L2
	cmpl	$1, %r14d
	je	.L3
	cmpl	$7, %r14d
	je	.L4
	cmpl	$3, %r14d
	je	.L5
	cmpl	$6, %r14d
	je	.L6
	cmpl	$2, %r14d
	jne	.L7
	jmp	.L2
.L3:
	movq	%r12, %rdi
	leaq	.Lstring2(%rip), %rsi
	movq	%r12, %rdx
	xorl	%ecx, %ecx
	movq	%r15, %r8
	jmp	.L8
.L5:
	leaq	.Lstring2(%rip), %rdi
	callq	init_chdir
	jmp	.L9
.L4:
	leaq	.Lstring3(%rip), %rdi
	callq	init_chroot
	jmp	.L9
.L6:
	movl	$4143, %ecx
	xorl	%edi, %edi
	leaq	.Lstring4(%rip), %rsi
	xorl	%edx, %edx
	xorl	%r8d, %r8d
.L8:
	callq	init_mount
.L9:
	movl	%eax, %ebx
	testl	%eax, %eax
	js	.L10
.L2:
	incb	%r13b
	jmp	.L1
.L10:
	leaq	.Lstring2(%rip), %r15
	leaq	.Lstring4(%rip), %r12
.L11:
	cmpb	$2, %r13b
	je	.L12
	movzbl	%r13b, %eax
	cmpl	$4, %eax
	je	.L13
	cmpl	$7, %eax
	jne	.L14
	movl	$4128, %ecx
	xorl	%edi, %edi
	movq	%r12, %rsi
	xorl	%edx, %edx
	xorl	%r8d, %r8d
	callq	init_mount
	jmp	.L14
.L13:
	movq	%r12, %rdi
	callq	init_chdir
	jmp	.L14
.L12:
	movq	%r15, %rdi
	xorl	%esi, %esi
	callq	init_umount
.L14:
	decb	%r13b
	jne	.L11
	movl	%r14d, %edi
	callq	nonroot_initramfs_Step_name_getter
	movq	-48(%rbp), %rcx
	movq	%rax, (%rcx)
	jmp	.L15
.L7:
	xorl	%ebx, %ebx
.L15:
	movl	%ebx, %eax
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
	je	.L16
	movzbl	%dil, %eax
	cmpl	$1, %eax
	je	.L17
	cmpl	$2, %eax
	je	.L18
	cmpl	$3, %eax
	je	.L19
	cmpl	$4, %eax
	je	.L20
	cmpl	$5, %eax
	je	.L21
	cmpl	$6, %eax
	jne	.L22
	pushq	$4
	popq	%rdx
	leaq	.Lstring5(%rip), %rax
	jmp	.L23
.L19:
	leaq	.Lstring6(%rip), %rax
	jmp	.L23
.L21:
	leaq	.Lstring7(%rip), %rax
	jmp	.L23
.L20:
	pushq	$4
	popq	%rdx
	leaq	.Lstring8(%rip), %rax
	jmp	.L23
.L16:
	leaq	.Lstring9(%rip), %rax
	jmp	.L23
.L22:
	pushq	$6
	popq	%rdx
	leaq	.Lstring10(%rip), %rax
	jmp	.L23
.L18:
	pushq	$4
	popq	%rdx
	leaq	.Lstring11(%rip), %rax
	jmp	.L23
.L17:
	leaq	.Lstring12(%rip), %rax
.L23:
	movb	$2, %cl
	popq	%rbp
	RET
SYM_FUNC_END(nonroot_initramfs_Step_name_getter)

	__INITRODATA

.Lstring1:
	.asciz	"tmpfs"
.Lstring2:
	.asciz	"/.."
.Lstring3:
	.asciz	"."
.Lstring4:
	.asciz	"/"
.Lstring5:
	.asciz	"seal"
.Lstring6:
	.asciz	"chdir"
.Lstring7:
	.asciz	"rmdir"
.Lstring8:
	.asciz	"move"
.Lstring9:
	.asciz	"mkdir"
.Lstring10:
	.asciz	"chroot"
.Lstring11:
	.asciz	"fill"
.Lstring12:
	.asciz	"mount"
