/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * Where things lie in a subOS's first memory region. Offsets in bytes from
 * its start, which is a multiple of 2 MiB. This is a contract, see boot.h;
 * the subOS itself finds everything through the descriptor.
 *
 *   0x000000  boot descriptor                        64 KiB
 *   0x010000  boot_params (zero page)                 4 KiB
 *   0x011000  kernel command line                     4 KiB
 *   0x012000  stacks of the trampoline, 512 B a slot 128 KiB
 *   0x040000  page tables of the identity map       256 KiB
 *   0x080000  ring: console out                     256 KiB
 *   0x0c0000  ring: console in                       16 KiB
 *   0x0c4000  ring: stdin                            64 KiB
 *   0x0d4000  ring: stdout                          128 KiB
 *   0x0f4000  ring: stderr                           48 KiB
 *   0x200000  end of the control area; the kernel follows, and the initramfs it
 */
#ifndef _RF_ABI_LAYOUT_H
#define _RF_ABI_LAYOUT_H

#define RF_OFF_DESC		0x000000
#define RF_OFF_BOOT_PARAMS	0x010000
#define RF_OFF_CMDLINE		0x011000
#define RF_OFF_STACKS		0x012000
#define RF_STACK_SIZE		512
#define RF_OFF_IDENT		0x040000
#define RF_IDENT_SIZE		0x040000
#define RF_OFF_CONSOLE_OUT	0x080000
#define RF_LEN_CONSOLE_OUT	0x040000
#define RF_OFF_CONSOLE_IN	0x0c0000
#define RF_LEN_CONSOLE_IN	0x004000
#define RF_OFF_STDIN		0x0c4000
#define RF_LEN_STDIN		0x010000
#define RF_OFF_STDOUT		0x0d4000
#define RF_LEN_STDOUT		0x020000
#define RF_OFF_STDERR		0x0f4000
#define RF_LEN_STDERR		0x00c000
#define RF_CONTROL_SIZE		0x200000

#define RF_CMDLINE_MAX		2048	/* bytes with the NUL: COMMAND_LINE_SIZE */

#endif /* _RF_ABI_LAYOUT_H */
