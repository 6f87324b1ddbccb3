/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * Regions: pages of the supervisor that two kernels share, for the services of
 * port numbers RF_PORT_COM and up.
 *
 * This interface is a contract between two kernels, see boot.h. The supervisor
 * tells a subOS of a region on RF_PORT_CONTROL with RF_CONTROL_REGION; the
 * subOS answers RF_CONTROL_OPENED, with an error or without. Wanted back it is
 * by RF_CONTROL_DISCONNECT, as a channel is, and given back by
 * RF_CONTROL_CLOSED, which a subOS may also send without being asked. Channels
 * and regions have their numbers, "generation", from one counter.
 *
 * Where the pages are stands in the region's table, a page of the supervisor of
 * which the subOS takes a copy before it looks at it.
 */
#ifndef _RF_ABI_REGION_H
#define _RF_ABI_REGION_H

#include <linux/types.h>

#define RF_CONTROL_REGION	9	/* rf_control_region; the others are in ring.h */

#define RF_REGION_MAGIC		0x6e675252U	/* "RRgn" */
#define RF_REGION_CHUNKS	255
#define RF_REGION_MAX		(64ULL << 20)	/* bytes of a region */

/* Flags, of one end; unknown ones are refused */
#define RF_REGION_READ_ONLY	1	/* it may only read */
#define RF_REGION_UNMAPPED	2	/* its kernel doesn't map it, only its programs do */

struct rf_control_region {
	__u64 generation;
	__u64 table;		/* physical address of the struct rf_region_table */
	__u64 size;		/* bytes, of all chunks */
	__u64 tag[2];		/* the service's own words */
	__u32 port;		/* of the service that it is for */
	__u32 peer;		/* id of the kernel at the other end */
	__u32 flags;		/* RF_REGION_* */
	__u32 pad;
};

struct rf_region_chunk {	/* physically contiguous */
	__u64 start;		/* bytes, a multiple of 4096 */
	__u64 size;		/* bytes, 4096 << n; 2 MiB if they begin at a multiple of it */
};

struct rf_region_table {
	__u32 magic;
	__u32 nr;		/* of chunk[] */
	__u64 generation;
	struct rf_region_chunk chunk[RF_REGION_CHUNKS];
};

#ifdef __KERNEL__
#include <linux/build_bug.h>
static_assert(sizeof(struct rf_control_region) == 56);
static_assert(sizeof(struct rf_region_table) == 4096);
#endif

#endif /* _RF_ABI_REGION_H */
