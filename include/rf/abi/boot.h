/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * The boot descriptor: what the supervisor tells a subOS about its machine,
 * and what the two say to each other while it lives.
 *
 * This interface is a contract between two kernels that may be of different
 * builds. Every field has a fixed width and offset. A change of layout or
 * meaning increments RF_BOOT_VERSION_MAJOR; a field added in what was padding
 * increments RF_BOOT_VERSION_MINOR and is valid only if the writer's minor
 * version is at least that. Padding is zero.
 *
 * The descriptor starts the subOS's first memory region ("control area",
 * see layout.h) and is addressed by hardware_subarch_data in boot_params.
 *
 * Who writes: each field says S (supervisor, before the start, never changed),
 * SL (supervisor, live) or O (subOS). The supervisor trusts no O field: it
 * reads each once, bounds it, and only then uses it.
 */
#ifndef _RF_ABI_BOOT_H
#define _RF_ABI_BOOT_H

#include <linux/types.h>

#define RF_BOOT_MAGIC		0x31534f4275536652ULL	/* "RfSuBOS1" */
#define RF_BOOT_VERSION_MAJOR	1
#define RF_BOOT_VERSION_MINOR	2

/* hardware_subarch in boot_params: a value of our own, "RF" and a version */
#define RF_BOOT_SUBARCH		0x52460001

/*
 * The file of a kernel that may be booted by a descriptor says so: a vmlinux by an ELF
 * note of this name and type, a bzImage by a chunk of kernel_info that begins with this
 * magic (Documentation/arch/x86/boot.rst). What else they hold has no meaning.
 */
#define RF_BOOT_NOTE_NAME	"RainForest"
#define RF_BOOT_NOTE_TYPE	1
#define RF_BOOT_INFO_MAGIC	"RFso"

#define RF_BOOT_NAME_LEN	64	/* with the terminating NUL */
#define RF_BOOT_MAX_CPUS	256	/* CPU slots of one subOS */
#define RF_BOOT_MAX_REGIONS	64
#define RF_BOOT_MAX_NODES	16
#define RF_BOOT_MAX_APICIDS	1024	/* CPUs of the whole machine */
#define RF_BOOT_SEED_LEN	64

/* What a subOS says of itself (O) */
enum rf_boot_state {
	RF_BOOT_NEW		= 0,	/* nothing has run yet */
	RF_BOOT_ENTERED		= 1,	/* C code of the platform runs */
	RF_BOOT_KERNEL		= 2,	/* arch setup done, APs may start */
	RF_BOOT_USER		= 3,	/* PID 1 reported ready */
	RF_BOOT_STOPPED		= 4,	/* poweroff, halt or reboot: see reason */
	RF_BOOT_PANICKED	= 5,
	RF_BOOT_REFUSED		= 6,	/* the descriptor did not fit: see message */
};

/* Why it stopped (O) */
enum rf_boot_reason {
	RF_REASON_NONE		= 0,
	RF_REASON_POWEROFF	= 1,
	RF_REASON_HALT		= 2,
	RF_REASON_REBOOT	= 3,
	RF_REASON_PANIC		= 4,
	RF_REASON_EMERGENCY	= 5,	/* emergency_restart(), sysrq-b */
};

/* The sticky stop word (SL); a larger value overrides a smaller one */
enum rf_boot_stop {
	RF_STOP_NONE		= 0,
	RF_STOP_REQUEST		= 1,	/* orderly: PID 1 is asked to power off */
	RF_STOP_FORCE		= 2,	/* park at once; INIT follows in any case */
};

/*
 * One CPU that the subOS owns or may own. The common trampoline finds the
 * slot through the supervisor's table, stores 1 in @started, loads @cr3,
 * @rsp and @rsi and jumps to @rip. All addresses are physical, but @rip and
 * @rsp are as mapped by @cr3.
 */
struct rf_boot_cpu {
	__u32 apicid;		/* S  */
	__u32 node;		/* S  index into distance[] */
	__u32 present;		/* SL 1: the CPU is granted now */
	__u32 started;		/* O  set by the trampoline, cleared by whoever rings */
	__u64 cr3;		/* O (S for the first CPU) */
	__u64 rip;		/* O (S for the first CPU) */
	__u64 rsp;		/* O (S for the first CPU) */
	__u64 rsi;		/* O (S for the first CPU) */
	__u64 beat;		/* O  counts timer heartbeats, one a RF_BEAT_MS */
	__u64 soft_beat;	/* O  counts real-time thread heartbeats */
};
#define RF_BEAT_MS		500

struct rf_boot_region {
	__u64 start;		/* bytes, physical */
	__u64 size;		/* bytes; 0 ends the list */
	__u32 node;		/* index into distance[] */
	__u32 flags;		/* 0 */
};

/* Place of a ring (ring.h) in the control area, by offset in bytes */
struct rf_boot_ring {
	__u32 offset;
	__u32 size;		/* bytes, header included */
};

enum rf_boot_ring_id {
	RF_RING_CONSOLE_OUT	= 0,	/* subOS -> supervisor, overwrites */
	RF_RING_CONSOLE_IN	= 1,	/* supervisor -> subOS */
	RF_RING_STDIN		= 2,	/* supervisor -> subOS */
	RF_RING_STDOUT		= 3,	/* subOS -> supervisor, waits when full */
	RF_RING_STDERR		= 4,	/* subOS -> supervisor, waits when full */
	RF_RING_COUNT		= 5,
	RF_RING_SLOTS		= 16,
};

struct rf_boot_desc {
	/* the first 64 bytes never move, in any version */
	__u64 magic;			/* S RF_BOOT_MAGIC */
	__u16 version_major;		/* S */
	__u16 version_minor;		/* S */
	__u32 size;			/* S sizeof(struct rf_boot_desc) of the writer */
	__u64 self;			/* S physical address of this structure */
	__u64 generation;		/* S counts starts of this subOS, from 1 */
	__u32 id;			/* S */
	__u32 flags;			/* S 0 */
	__u32 state;			/* O enum rf_boot_state */
	__u32 reason;			/* O enum rf_boot_reason */
	__u32 exited;			/* O 1: exit_status is valid */
	__s32 exit_status;		/* O of the command, 128+n for signal n */
	__u64 pad0;

	char name[RF_BOOT_NAME_LEN];	/* S */
	char message[192];		/* O why it refused or panicked */

	__u32 stop;			/* SL enum rf_boot_stop */
	__u32 doorbell_vector;		/* S  vector that rings this subOS */
	__u32 sup_apicid;		/* SL the supervisor's communication core */
	__u32 sup_vector;		/* S  vector that rings the supervisor */
	__u32 comm_apicid;		/* O  this subOS's communication core */
	__u32 x2apic;			/* S  1: CPUs are handed over in x2APIC mode */
	__u32 bsp_apicid;		/* S  of the machine */
	__u32 la57;			/* S  0: four-level paging */

	__u32 tsc_khz;			/* S */
	__u32 lapic_hz;			/* S  timer input clock, 0: use TSC-deadline */
	__u64 wall_ns;			/* S  CLOCK_REALTIME at wall_tsc */
	__u64 wall_tsc;			/* S */
	__u64 trampoline;		/* S  physical, one page below 1 MiB */
	__u64 ident_pgd;		/* S  physical PML4: own memory and trampoline 1:1 */
	__u64 control_size;		/* S  bytes of the control area */

	/* TSC stamps: [0] SIPI sent (S), then O: [1] C entry, [2] arch setup
	 * done, [3] last initcall begins, [4] PID 1 ready
	 */
	__u64 stamp[8];

	__u8 seed[RF_BOOT_SEED_LEN];	/* S, wiped by the subOS */

	__u32 nr_cpus;			/* SL slots in cpu[], used or not */
	__u32 nr_regions;		/* SL */
	__u32 nr_nodes;			/* S  */
	__u32 nr_apicids;		/* S  of the machine */
	__u8 distance[RF_BOOT_MAX_NODES][RF_BOOT_MAX_NODES];	/* S */
	struct rf_boot_ring ring[RF_RING_SLOTS];		/* S */
	struct rf_boot_region region[RF_BOOT_MAX_REGIONS];	/* SL */
	__u32 apicid[RF_BOOT_MAX_APICIDS];	/* S every APIC ID of the machine */
	__u32 apicid_node[RF_BOOT_MAX_APICIDS]; /* S index into distance[] */
	/* since minor version 1 */
	__u64 ficm_rx;			/* S  physical: the ring that the subOS reads, 0: none */
	__u64 ficm_tx;			/* S  physical: the ring that it writes */
	__u32 ficm_size;		/* S  bytes of each */
	__u32 crash;			/* S  since minor 2: offset of struct rf_crash, 0: none */
	__u64 block_size;		/* S  bytes of a memory block: memory comes in these */
	struct rf_boot_cpu cpu[RF_BOOT_MAX_CPUS];
};

#ifdef __KERNEL__
#include <linux/build_bug.h>
static_assert(sizeof(struct rf_boot_cpu) == 64);
static_assert(sizeof(struct rf_boot_region) == 24);
static_assert(offsetof(struct rf_boot_desc, name) == 64);
static_assert(offsetof(struct rf_boot_desc, stop) == 320);
static_assert(offsetof(struct rf_boot_desc, stamp) == 400);
static_assert(offsetof(struct rf_boot_desc, cpu) % 64 == 0);
static_assert(sizeof(struct rf_boot_desc) <= 0x10000);
#endif

#endif /* _RF_ABI_BOOT_H */
