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
	b.eq	.L6
	cmp	w8, #5
	b.eq	.L7
	cmp	w8, #6
	b.eq	.L8
	cmp	w8, #7
	b.ne	.L9
	mov	x0, x25
	bl	init_chroot
	b	.L10
.L5:
	mov	x0, x23
	bl	init_chdir
	b	.L10
.L7:
	mov	x0, x23
	bl	init_rmdir
	b	.L10
.L6:
	mov	x0, x25
	mov	x1, x26
	mov	x2, xzr
	mov	w3, #8192
	b	.L11
.L2:
	mov	x0, x23
	mov	w1, #448
	bl	init_mkdir
	tbnz	w0, #31, .L12
	b	.L4
.L8:
	mov	x0, xzr
	mov	x1, x26
	mov	x2, xzr
	mov	w3, #4143
.L11:
	mov	x4, xzr
	b	.L13
.L3:
	mov	x0, x24
	mov	x1, x23
	mov	x2, x24
	mov	x3, xzr
	mov	x4, x22
.L13:
	bl	init_mount
.L10:
	mov	w21, w0
	tbnz	w0, #31, .L14
.L4:
	add	w20, w20, #1
	b	.L1
.L14:
	adrp	x22, .Lstring2
	add	x22, x22, :lo12:.Lstring2
	adrp	x23, .Lstring4
	add	x23, x23, :lo12:.Lstring4
	adrp	x24, .Lstring1
	add	x24, x24, :lo12:.Lstring1
	mov	w25, w20
.L15:
	and	w8, w25, #0xff
	cmp	w8, #2
	b.eq	.L16
	cmp	w8, #4
	b.eq	.L17
	cmp	w8, #5
	b.eq	.L18
	cmp	w8, #6
	b.eq	.L19
	cmp	w8, #7
	b.eq	.L20
	cmp	w8, #1
	b.eq	.L21
	b	.L22
.L18:
	mov	x0, x24
	mov	x1, x22
	mov	x2, xzr
	mov	w3, #8192
	b	.L23
.L20:
	mov	x0, xzr
	mov	x1, x23
	mov	x2, xzr
	mov	w3, #4128
.L23:
	mov	x4, xzr
	bl	init_mount
	b	.L22
.L16:
	mov	x0, x22
	mov	w1, wzr
	bl	init_umount
	b	.L22
.L19:
	mov	x0, x22
	mov	w1, #448
	bl	init_mkdir
	b	.L22
.L17:
	mov	x0, x23
	bl	init_chdir
.L22:
	sub	w25, w25, #1
	tst	w25, #0xff
	b.ne	.L15
.L24:
	mov	w0, w20
	bl	nonroot_initramfs_Step_name_getter
	str	x0, [x19]
.L25:
	mov	w0, w21
	ldp	x20, x19, [sp, #64]
	ldp	x22, x21, [sp, #48]
	ldp	x24, x23, [sp, #32]
	ldp	x26, x25, [sp, #16]
	ldp	x29, x30, [sp], #80
	ret
.L9:
	mov	w21, wzr
	b	.L25
.L12:
	mov	w21, w0
	b	.L24
.L21:
	adrp	x0, .Lstring2
	add	x0, x0, :lo12:.Lstring2
	bl	init_rmdir
	b	.L24
SYM_FUNC_END(nonroot_initramfs_make)

SYM_FUNC_START_LOCAL(nonroot_initramfs_Step_name_getter)
	ands	w8, w0, #0xff
	b.eq	.L26
	cmp	w8, #1
	b.eq	.L27
	cmp	w8, #2
	b.eq	.L28
	cmp	w8, #3
	b.eq	.L29
	cmp	w8, #4
	b.eq	.L30
	cmp	w8, #5
	b.eq	.L31
	cmp	w8, #6
	b.ne	.L32
	adrp	x0, .Lstring5
	add	x0, x0, :lo12:.Lstring5
	b	.L33
.L29:
	adrp	x0, .Lstring6
	add	x0, x0, :lo12:.Lstring6
	b	.L34
.L31:
	adrp	x0, .Lstring7
	add	x0, x0, :lo12:.Lstring7
	b	.L34
.L30:
	adrp	x0, .Lstring8
	add	x0, x0, :lo12:.Lstring8
	b	.L33
.L26:
	adrp	x0, .Lstring9
	add	x0, x0, :lo12:.Lstring9
	b	.L34
.L32:
	adrp	x0, .Lstring10
	add	x0, x0, :lo12:.Lstring10
	mov	w1, #6
	b	.L35
.L28:
	adrp	x0, .Lstring11
	add	x0, x0, :lo12:.Lstring11
.L33:
	mov	w1, #4
	b	.L35
.L27:
	adrp	x0, .Lstring12
	add	x0, x0, :lo12:.Lstring12
.L34:
	mov	w1, #5
.L35:
	mov	w2, #2
	ret
SYM_FUNC_END(nonroot_initramfs_Step_name_getter)

	__INITRODATA

.Lstring1:
	.asciz	"."
.Lstring2:
	.asciz	"/.leaf"
.Lstring3:
	.asciz	"tmpfs"
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
