/* SPDX-License-Identifier: GPL-2.0 */
/* What trampoline_64.S and trampoline.c agree on. Offsets in bytes. */
#ifndef _RF_TRAMPOLINE_H
#define _RF_TRAMPOLINE_H

#define RF_TRAMP_IDT_OFFSET	0xc00	/* of the page */

#define EFER_SCE_BIT	(1 << 0)
#define EFER_LME_BIT	(1 << 8)
#define EFER_NX_BIT	(1 << 11)

/* struct rf_tramp_data */
#define RF_TRAMP_TABLE		0
#define RF_TRAMP_COUNT		8
#define RF_TRAMP_CR3		12
#define RF_TRAMP_FAR32		16
#define RF_TRAMP_FAR64		22
#define RF_TRAMP_GDT_DESC	28
#define RF_TRAMP_IDT_DESC	38
#define RF_TRAMP_NR_MSRS	48
#define RF_TRAMP_MSRS		52
#define RF_TRAMP_MAX_MSRS	24
#define RF_TRAMP_MSR_SIZE	12
#define RF_TRAMP_DATA_SIZE	(RF_TRAMP_MSRS + RF_TRAMP_MAX_MSRS * RF_TRAMP_MSR_SIZE)

/* struct rf_tramp_entry */
#define RF_ENTRY_APICID		0
#define RF_ENTRY_SLOT		8
#define RF_ENTRY_CR3		16
#define RF_ENTRY_REQUEST	24
#define RF_ENTRY_ARRIVED	32
#define RF_ENTRY_TSC_ADJUST	40
#define RF_ENTRY_HOLD		48
#define RF_ENTRY_HELD		56
#define RF_ENTRY_HAS_ADJUST	4
#define RF_ENTRY_SIZE		256

/* Stacks in the page for the moment between two address spaces; a CPU's by APIC ID */
#define RF_HOLD_STACKS		8	/* a power of 2 */
#define RF_HOLD_STACK_SHIFT	6	/* log2 of bytes: an NMI's frame fits */

/* struct rf_boot_cpu, part of the boot ABI */
#define RF_SLOT_STARTED		12
#define RF_SLOT_CR3		16
#define RF_SLOT_RIP		24
#define RF_SLOT_RSP		32
#define RF_SLOT_RSI		40

#ifndef __ASSEMBLY__
#include <linux/types.h>

struct rf_tramp_data {
	__u64 table;
	__u32 count;
	__u32 cr3;
	struct { __u32 off; __u16 sel; } __packed far32, far64;
	struct { __u16 limit; __u64 base; } __packed gdt_desc, idt_desc;
	__u32 nr_msrs;		/* what a CPU that comes by is to write */
	struct { __u32 msr, low, high; } msrs[RF_TRAMP_MAX_MSRS];
} __packed;

struct rf_tramp_entry {
	__u32 apicid;
	__u32 has_tsc_adjust;
	__u64 slot;		/* physical; 0: park */
	__u64 cr3;		/* an address space that maps slot and trampoline */
	__u64 request;		/* a number that the CPU shall bring back */
	__u64 arrived;		/* the last number it brought back */
	__u64 tsc_adjust;	/* the CPU's own, as the supervisor had it */
	__u64 hold;		/* not 0: a CPU that comes to be held waits while it is that */
	__u64 held;		/* the hold that it waits for, 0: none */
	__u8 stack[RF_ENTRY_SIZE - 64];
};
#endif

#endif /* _RF_TRAMPOLINE_H */
