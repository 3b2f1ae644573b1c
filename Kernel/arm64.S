/* SPDX-License-Identifier: GPL-2.0-only OR MIT */
/*
 * What Swift 6.3.1 makes of Leaf.swift and KernelSyscalls.swift: printed by generate,
 * not to be edited. `make SWIFTC=swiftc` makes it anew.
 */
#include <linux/init.h>
#include <linux/linkage.h>

	__INIT

SYM_FUNC_START(nonroot_initramfs_make)
	stp	x29, x30, [sp, #-80]!
	stp	x26, x25, [sp, #16]
	adrp	x25, .Lstring1
	add	x25, x25, :lo12:.Lstring1
	stp	x24, x23, [sp, #32]
	adrp	x23, .Lstring2
	add	x23, x23, :lo12:.Lstring2
	stp	x22, x21, [sp, #48]
	mov	x22, x0
	adrp	x24, .Lstring3
	add	x24, x24, :lo12:.Lstring3
	stp	x20, x19, [sp, #64]
	mov	x19, x1
	mov	w20, wzr
	adrp	x26, .Lstring4
	add	x26, x26, :lo12:.Lstring4
	mov	x29, sp
.L1:
	ands	w8, w20, #0xff
	b.eq	.L2
	cmp	w8, #1
	b.eq	.L3
	cmp	w8, #2
	b.eq	.L4
	cmp	w8, #3
	b.eq	.L5
	cmp	w8, #4
	b.ne	.L6
	mov	x0, x26
	bl	init_chroot
	b	.L7
.L5:
	mov	x0, xzr
	mov	x1, x25
	mov	x2, xzr
	mov	w3, #4143
	mov	x4, xzr
	bl	init_mount
	b	.L7
.L4:
	mov	x0, x23
	bl	init_chdir
.L7:
	mov	w21, w0
	tbnz	w0, #31, .L8
	b	.L3
.L2:
	mov	x0, x24
	mov	x1, x23
	mov	x2, x24
	mov	x3, xzr
	mov	x4, x22
	bl	init_mount
	tbnz	w0, #31, .L9
.L3:
	add	w20, w20, #1
	b	.L1
.L8:
	adrp	x22, .Lstring1
	add	x22, x22, :lo12:.Lstring1
	mov	w23, w20
.L10:
	and	w8, w23, #0xff
	cmp	w8, #3
	b.eq	.L11
	cmp	w8, #4
	b.eq	.L12
	cmp	w8, #1
	b.eq	.L13
	b	.L14
.L12:
	mov	x0, xzr
	mov	x1, x22
	mov	x2, xzr
	mov	w3, #4128
	mov	x4, xzr
	bl	init_mount
	b	.L14
.L11:
	mov	x0, x22
	bl	init_chdir
.L14:
	sub	w23, w23, #1
	tst	w23, #0xff
	b.ne	.L10
	b	.L15
.L6:
	mov	w21, wzr
	b	.L16
.L9:
	mov	w21, w0
	b	.L15
.L13:
	adrp	x0, .Lstring2
	add	x0, x0, :lo12:.Lstring2
	mov	w1, wzr
	bl	init_umount
.L15:
	mov	w0, w20
	bl	nonroot_initramfs_Step_name_getter
	str	x0, [x19]
.L16:
	mov	w0, w21
	ldp	x20, x19, [sp, #64]
	ldp	x22, x21, [sp, #48]
	ldp	x24, x23, [sp, #32]
	ldp	x26, x25, [sp, #16]
	ldp	x29, x30, [sp], #80
	ret
SYM_FUNC_END(nonroot_initramfs_make)

SYM_FUNC_START_LOCAL(nonroot_initramfs_Step_name_getter)
	ands	w8, w0, #0xff
	b.eq	.L17
	cmp	w8, #1
	b.eq	.L18
	cmp	w8, #2
	b.eq	.L19
	cmp	w8, #3
	b.ne	.L20
	adrp	x0, .Lstring5
	add	x0, x0, :lo12:.Lstring5
	b	.L21
.L18:
	adrp	x0, .Lstring6
	add	x0, x0, :lo12:.Lstring6
.L21:
	mov	w1, #4
	b	.L22
.L19:
	adrp	x0, .Lstring7
	add	x0, x0, :lo12:.Lstring7
	b	.L23
.L17:
	adrp	x0, .Lstring8
	add	x0, x0, :lo12:.Lstring8
.L23:
	mov	w1, #5
	b	.L22
.L20:
	adrp	x0, .Lstring9
	add	x0, x0, :lo12:.Lstring9
	mov	w1, #6
.L22:
	mov	w2, #2
	ret
SYM_FUNC_END(nonroot_initramfs_Step_name_getter)

	__INITRODATA

.Lstring1:
	.asciz	"/"
.Lstring2:
	.asciz	"/.."
.Lstring3:
	.asciz	"tmpfs"
.Lstring4:
	.asciz	"."
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
