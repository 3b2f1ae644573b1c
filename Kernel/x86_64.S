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
	movq	%rdi, %rbx
	xorl	%r12d, %r12d
	leaq	.Lstring1(%rip), %r13
.L1:
	movzbl	%r12b, %r14d
	testb	%r14b, %r14b
	je	.L2
	cmpl	$1, %r14d
	je	.L3
	cmpl	$2, %r14d
	je	.L4
	cmpl	$3, %r14d
	je	.L5
	cmpl	$4, %r14d
	je	.L6
	cmpl	$5, %r14d
	je	.L7
	cmpl	$6, %r14d
	je	.L8
	cmpl	$7, %r14d
	jne	.L9
	leaq	.Lstring2(%rip), %rdi
	callq	init_chroot
	jmp	.L10
.L5:
	movq	%r13, %rdi
	callq	init_chdir
	jmp	.L10
.L7:
	movq	%r13, %rdi
	callq	init_rmdir
	jmp	.L10
.L6:
	movl	$8192, %ecx
	leaq	.Lstring2(%rip), %rdi
	jmp	.L11
.L2:
	movq	%r13, %rdi
	movl	$448, %esi
	callq	init_mkdir
	testl	%eax, %eax
	js	.L12
	jmp	.L4
.L8:
	movl	$4143, %ecx
	xorl	%edi, %edi
.L11:
	leaq	.Lstring3(%rip), %rsi
	xorl	%edx, %edx
	xorl	%r8d, %r8d
	jmp	.L13
.L3:
	leaq	.Lstring4(%rip), %rdi
	movq	%r13, %rsi
	movq	%rdi, %rdx
	xorl	%ecx, %ecx
	movq	%rbx, %r8
.L13:
	callq	init_mount
.L10:
	movl	%eax, %r15d
	testl	%eax, %eax
	js	.L14
.L4:
	incb	%r12b
	jmp	.L1
.L14:
	leaq	.Lstring1(%rip), %rbx
	leaq	.Lstring3(%rip), %r13
.L15:
	cmpb	$2, %r12b
	je	.L16
	movzbl	%r12b, %eax
	cmpl	$4, %eax
	je	.L17
	cmpl	$5, %eax
	je	.L18
	cmpl	$6, %eax
	je	.L19
	cmpl	$7, %eax
	je	.L20
	cmpl	$1, %eax
	je	.L21
	jmp	.L22
.L18:
	movl	$8192, %ecx
	leaq	.Lstring2(%rip), %rdi
	movq	%rbx, %rsi
	jmp	.L23
.L20:
	movl	$4128, %ecx
	xorl	%edi, %edi
	movq	%r13, %rsi
.L23:
	xorl	%edx, %edx
	xorl	%r8d, %r8d
	callq	init_mount
	jmp	.L22
.L16:
	movq	%rbx, %rdi
	xorl	%esi, %esi
	callq	init_umount
	jmp	.L22
.L19:
	movq	%rbx, %rdi
	movl	$448, %esi
	callq	init_mkdir
	jmp	.L22
.L17:
	movq	%r13, %rdi
	callq	init_chdir
.L22:
	decb	%r12b
	jne	.L15
.L24:
	movl	%r14d, %edi
	callq	nonroot_initramfs_Step_name_getter
	movq	-48(%rbp), %rcx
	movq	%rax, (%rcx)
.L25:
	movl	%r15d, %eax
	addq	$8, %rsp
	popq	%rbx
	popq	%r12
	popq	%r13
	popq	%r14
	popq	%r15
	popq	%rbp
	RET
.L9:
	xorl	%r15d, %r15d
	jmp	.L25
.L12:
	movl	%eax, %r15d
	jmp	.L24
.L21:
	leaq	.Lstring1(%rip), %rdi
	callq	init_rmdir
	jmp	.L24
SYM_FUNC_END(nonroot_initramfs_make)

SYM_FUNC_START_LOCAL(nonroot_initramfs_Step_name_getter)
	pushq	%rbp
	movq	%rsp, %rbp
	pushq	$5
	popq	%rdx
	testb	%dil, %dil
	je	.L26
	movzbl	%dil, %eax
	cmpl	$1, %eax
	je	.L27
	cmpl	$2, %eax
	je	.L28
	cmpl	$3, %eax
	je	.L29
	cmpl	$4, %eax
	je	.L30
	cmpl	$5, %eax
	je	.L31
	cmpl	$6, %eax
	jne	.L32
	pushq	$4
	popq	%rdx
	leaq	.Lstring5(%rip), %rax
	jmp	.L33
.L29:
	leaq	.Lstring6(%rip), %rax
	jmp	.L33
.L31:
	leaq	.Lstring7(%rip), %rax
	jmp	.L33
.L30:
	pushq	$4
	popq	%rdx
	leaq	.Lstring8(%rip), %rax
	jmp	.L33
.L26:
	leaq	.Lstring9(%rip), %rax
	jmp	.L33
.L32:
	pushq	$6
	popq	%rdx
	leaq	.Lstring10(%rip), %rax
	jmp	.L33
.L28:
	pushq	$4
	popq	%rdx
	leaq	.Lstring11(%rip), %rax
	jmp	.L33
.L27:
	leaq	.Lstring12(%rip), %rax
.L33:
	movb	$2, %cl
	popq	%rbp
	RET
SYM_FUNC_END(nonroot_initramfs_Step_name_getter)

	__INITRODATA

.Lstring1:
	.asciz	"/.leaf"
.Lstring2:
	.asciz	"."
.Lstring3:
	.asciz	"/"
.Lstring4:
	.asciz	"tmpfs"
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
