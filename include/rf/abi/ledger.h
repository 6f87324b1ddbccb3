/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * The ledger: who owns what, in memory, for whoever has to find the running
 * subOSes without the supervisor that started them.
 *
 * This interface is a contract with later supervisor kernels and with readers
 * of raw memory, see boot.h for the rules of change. The anchor lies at
 * RF_LEDGER_ANCHOR_OFFSET of a page below 1 MiB; look for its magic there.
 * It names two copies. A copy is valid when magic, version and size fit and
 * the CRC-32 (IEEE, seed ~0, as crc32_le()) of all its bytes with checksum = 0
 * is right; of two valid ones the one of the higher generation counts. Only
 * the other one is ever written, so that one is valid at any instant.
 */
#ifndef _RF_ABI_LEDGER_H
#define _RF_ABI_LEDGER_H

#include <linux/types.h>

#define RF_LEDGER_ANCHOR_MAGIC	0x524f48434e416652ULL	/* "RfANCHOR" */
#define RF_LEDGER_MAGIC		0x524547444c4c6652ULL	/* "RfLLDGER" */
#define RF_LEDGER_VERSION	1
#define RF_LEDGER_ANCHOR_OFFSET	0xf00

struct rf_ledger_anchor {
	__u64 magic;
	__u32 version;
	__u32 copy_size;	/* bytes of one copy */
	__u64 copy[2];		/* physical addresses */
};

enum rf_ledger_kind {
	RF_LEDGER_CPU		= 1,	/* at: APIC ID, size: logical id */
	RF_LEDGER_MEMORY	= 2,	/* at: physical address, size: bytes */
};

enum rf_ledger_status {
	RF_LEDGER_TAKING	= 1,	/* on its way from the supervisor */
	RF_LEDGER_GRANTED	= 2,
	RF_LEDGER_RETURNING	= 3,	/* on its way back */
	RF_LEDGER_QUARANTINED	= 4,	/* not proven free */
};

struct rf_ledger_resource {
	__u64 at;
	__u64 size;
	__u16 kind;
	__u16 status;
	__u32 owner;		/* id of the subOS; it may be gone */
	__u32 node;
	__u32 pad;
};

struct rf_ledger_subos {
	char name[64];
	__u64 desc;		/* physical address of the boot descriptor */
	__u64 generation;
	__u32 id;
	__u32 state;		/* enum rainforest_state */
};

struct rf_ledger {
	__u64 magic;
	__u32 version;
	__u32 size;		/* bytes in use: this header and all that follows */
	__u64 generation;
	__u32 checksum;
	__u32 nr_subos;
	__u32 nr_resources;
	__u32 truncated;	/* 1: more than fits; then it lists the first */
	__u8 pad[24];
	/* struct rf_ledger_subos[nr_subos], struct rf_ledger_resource[nr_resources] */
};

#ifdef __KERNEL__
#include <linux/build_bug.h>
static_assert(sizeof(struct rf_ledger) == 64);
static_assert(sizeof(struct rf_ledger_subos) == 88);
static_assert(sizeof(struct rf_ledger_resource) == 32);
static_assert(sizeof(struct rf_ledger_anchor) == 32);
#endif

#endif /* _RF_ABI_LEDGER_H */
