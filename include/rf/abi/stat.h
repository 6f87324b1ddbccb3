/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * What a subOS measures of itself and its supervisor reads: load, memory,
 * interrupts and, where its CPUs have them, hardware counters.
 *
 * This interface is a contract between two kernels, see boot.h for the rules
 * of change; it lies in the control area (layout.h) at RF_OFF_STAT. All of it
 * is written by the subOS, once a heartbeat. A reader waits until seq is even,
 * copies, and has a whole picture if seq is the same afterwards; it tries a
 * few times only, as the writer may have died in the middle. A picture counts
 * if magic, major version and generation fit. Nothing in it is believed but
 * for being shown: counts are bounded before they are used.
 */
#ifndef _RF_ABI_STAT_H
#define _RF_ABI_STAT_H

#include <linux/types.h>

#define RF_OFF_STAT		0x100000	/* behind the last ring */
#define RF_LEN_STAT		0x010000

#define RF_STAT_MAGIC		0x5441545362754652ULL	/* "RFubSTAT" */
#define RF_STAT_VERSION_MAJOR	1
#define RF_STAT_VERSION_MINOR	0
#define RF_STAT_MAX_CPUS	256

#define RF_STAT_COUNTERS	1	/* flags of a CPU: it has hardware counters */

/* Sums since its kernel booted; of a CPU that left they stand still */
struct rf_stat_cpu {
	__u32 apicid;
	__u32 flags;
	__u64 user_ns;
	__u64 system_ns;	/* interrupts are not in it */
	__u64 irq_ns;		/* interrupts and softirqs */
	__u64 idle_ns;
	__u64 timer;		/* interrupts: of the local timer, */
	__u64 resched;		/* to schedule, */
	__u64 call;		/* function calls and TLB flushes, */
	__u64 doorbell;		/* from other kernels, */
	__u64 device;		/* and from devices */
	__u64 cycles;		/* these with RF_STAT_COUNTERS */
	__u64 instructions;
	__u64 cache_refs;	/* of the last level */
	__u64 cache_misses;
	__u64 pad[2];
};

struct rf_stat {
	__u64 magic;
	__u16 version_major;
	__u16 version_minor;
	__u32 size;		/* bytes that the writer knows */
	__u64 generation;	/* as in the boot descriptor */
	__u32 seq;		/* odd while the rest is written */
	__u32 nr_cpus;		/* valid ones in cpu[] */
	__u64 tsc;		/* when it was written */
	__u64 uptime_ns;	/* CLOCK_BOOTTIME */
	__u32 load_milli[3];	/* load of the last 1, 5 and 15 minutes, by 1000 */
	__u32 pad0;
	__u64 mem_total;	/* bytes */
	__u64 mem_free;
	__u64 mem_available;	/* for programs, without swapping */
	__u64 mem_shared;	/* of file systems in memory */
	__u64 pad1[4];
	struct rf_stat_cpu cpu[RF_STAT_MAX_CPUS];
};

#ifdef __KERNEL__
#include <linux/build_bug.h>
static_assert(sizeof(struct rf_stat_cpu) == 128);
static_assert(offsetof(struct rf_stat, seq) == 24);
static_assert(offsetof(struct rf_stat, tsc) == 32);
static_assert(offsetof(struct rf_stat, mem_total) == 64);
static_assert(offsetof(struct rf_stat, cpu) == 128);
static_assert(sizeof(struct rf_stat) <= RF_LEN_STAT);
#endif

#endif /* _RF_ABI_STAT_H */
