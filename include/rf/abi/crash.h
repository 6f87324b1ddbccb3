/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * What the supervisor needs to write down a subOS's memory so that a debugger
 * finds its way, and to hold its CPUs and let them go again.
 *
 * A contract between two kernels as boot.h is, with its words: S, SL, O. It lies
 * in the control area, where rf_boot_desc.crash says; all of it is zero before a
 * start. What a kernel does not know of it stays zero.
 */
#ifndef _RF_ABI_CRASH_H
#define _RF_ABI_CRASH_H

#include <linux/types.h>

#include <rf/abi/boot.h>

#define RF_OFF_CRASH	0x110000	/* behind the measurements (stat.h) */
#define RF_LEN_CRASH	0x020000

#define RF_CRASH_REGS	27	/* as struct user_regs_struct orders them */

/* Why a CPU's registers were saved (O) */
enum rf_crash_saved {
	RF_CRASH_NONE		= 0,	/* they were not */
	RF_CRASH_OOPS		= 1,	/* it made a mistake there */
	RF_CRASH_PANIC		= 2,	/* it panicked */
	RF_CRASH_STOPPED	= 3,	/* another one stopped it */
	RF_CRASH_HELD		= 4,	/* it is being held */
};

struct rf_crash_cpu {
	__u32 saved;		/* O  enum rf_crash_saved; written last */
	__u32 pid;		/* O  of the task that ran */
	__u64 tsc;		/* O  when */
	__u64 reg[RF_CRASH_REGS]; /* O */
	__u64 pad[3];
};

/* To rf_crash.hold_entry, in %rsi: what the caller loads again when it is back */
struct rf_hold_tables {
	__u8 gdt[10];		/* as SGDT stores it */
	__u8 pad0[6];
	__u8 idt[10];
	__u8 pad1[6];
};

struct rf_crash {
	__u32 size;		/* S  of this */
	__u32 nr_cpus;		/* S  of cpu[], by slot */
	__u64 vmcoreinfo;	/* O  physical address of the ELF note, 0: none yet */
	__u64 vmcoreinfo_size;	/* O  bytes at most */
	__u64 direct_map;	/* O  virtual address of physical address 0 in its direct map */
	__u64 text;		/* O  virtual address of its image, */
	__u64 text_phys;	/* O  physical, */
	__u64 text_size;	/* O  bytes */
	/*
	 * While @hold is not 0, a CPU that is rung saves its registers and calls
	 * @hold_entry, a physical address in the trampoline's page, with
	 * interrupts off, its APIC ID in %edi, its descriptor tables in %rsi, and
	 * a CR3 that maps caller, stack and the trampoline's page 1:1. The CPU
	 * waits there in the supervisor's memory. The call returns, with only the
	 * registers changed that the C ABI lets a function change, when the CPU
	 * is not to be held any more; at once when it isn't to be held at all.
	 * In %edx: 1 when an NMI can wake it from a halt, 0 when it must poll.
	 */
	__u64 hold_entry;	/* S  0: it can't be held */
	__u32 hold;		/* SL number of the hold, 0: none */
	__u32 hold_nmi;		/* SL the same number: an NMI means it, too */
	__u64 pad[23];
	struct rf_crash_cpu cpu[RF_BOOT_MAX_CPUS];
};

#ifdef __KERNEL__
#include <linux/build_bug.h>
static_assert(sizeof(struct rf_crash_cpu) == 256);
static_assert(sizeof(struct rf_hold_tables) == 32);
static_assert(offsetof(struct rf_crash, hold_entry) == 56);
static_assert(offsetof(struct rf_crash, cpu) == 256);
static_assert(sizeof(struct rf_crash) <= RF_LEN_CRASH);
#endif

#endif /* _RF_ABI_CRASH_H */
