/*
 * The smallest paravirtual guest: it waits for nothing, for ever, in Xen, and costs no processor time. It has no drivers, hears of no
 * shutdown, and says nothing.
 */
	.macro	note type, desc:vararg
	.long	2f - 1f, 4f - 3f, \type
1:	.asciz	"Xen"
2:
3:	\desc
4:	.balign	4
	.endm

	.section .note.Xen, "a", @note
	note	6, .asciz "tiny"	/* the system */
	note	5, .asciz "xen-3.0"	/* the interface */
	note	8, .asciz "generic"	/* the loader */
	note	3, .quad 0		/* virtual addresses are the pseudo-physical ones, */
	note	1, .quad _start		/* and it begins there */

	.text
	.globl	_start
_start:
	mov	$29, %eax		/* sched_op */
	mov	$3, %edi		/* SCHEDOP_poll */
	lea	poll(%rip), %rsi
	syscall
	jmp	_start

	.balign	8
poll:	.quad	0, 0, 0			/* no port, no time */
