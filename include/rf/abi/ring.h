/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * Byte rings in a subOS's control area: one producer, one consumer.
 *
 * This interface is a contract between two kernels, see boot.h. head and
 * tail count bytes since the start and never wrap (64 bits); the data of
 * byte n is at n % (size - header). An overwriting ring has no tail: its
 * consumer falls behind by at most the ring's capacity and counts what it
 * lost. A consumer takes head once, and clamps (head - tail) to the capacity;
 * nothing else in the header is believed.
 */
#ifndef _RF_ABI_RING_H
#define _RF_ABI_RING_H

#include <linux/types.h>

#define RF_RING_CLOSED	1	/* flags: the producer will write no more */

struct rf_ring {
	/* the producer's line */
	__u64 head;
	__u32 flags;
	__u32 waiting;		/* it waits for room: ring it after reading */
	__u64 pad1[6];
	/* the consumer's line */
	__u64 tail;
	__u32 notify;		/* it waits for bytes: ring it after writing */
	__u32 pad0;
	__u64 pad2[6];
	__u8 data[];
};

#ifdef __KERNEL__
#include <linux/build_bug.h>
static_assert(sizeof(struct rf_ring) == 128);
#endif

#endif /* _RF_ABI_RING_H */
