/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * RFloop: IP packets between the kernels of a machine. What the supervisor and
 * a subOS say to each other on port 4, the list of addresses, and the rings.
 *
 * This interface is a contract between two kernels that may be of different
 * builds, see boot.h. Numbers are little endian, addresses in network order.
 *
 * A subOS begins with RF_LOOP_HELLO. The supervisor answers with the list, a
 * region of the kind RF_LOOP_LIST which the subOS can only read, and with
 * RF_LOOP_CONFIG. From then on each says which addresses it has, by
 * RF_LOOP_CLAIM; who has which the supervisor writes into the list, and says
 * RF_LOOP_CHANGED. Who wants to send to another asks for RF_LOOP_WANT; then both
 * get a region of the kind RF_LOOP_PAIR.
 */
#ifndef _RF_ABI_LOOP_H
#define _RF_ABI_LOOP_H

#include <linux/types.h>

#define RF_LOOP_VERSION		1

enum rf_loop_type {
	RF_LOOP_WHO	= 1,	/* supervisor: say hello (again) */
	RF_LOOP_HELLO	= 2,	/* subOS: rf_loop_hello */
	RF_LOOP_CONFIG	= 3,	/* supervisor: rf_loop_address, the one that rf0 is to have */
	RF_LOOP_CLAIM	= 4,	/* subOS: rf_loop_address, which it has, or has no more */
	RF_LOOP_CHANGED	= 5,	/* supervisor: the list has changed */
	RF_LOOP_WANT	= 6,	/* subOS: rf_loop_want, a ring to that kernel */
	RF_LOOP_BYE	= 7,	/* subOS: no RFloop here any more */
};

struct rf_loop_hello {
	__u32 version;
	__u32 pad;
};

#define RF_LOOP_GONE	1	/* flags of an address: not any more */

struct rf_loop_address {
	__u8 family;		/* 4 or 6 */
	__u8 prefix;		/* bits of the network */
	__u16 flags;
	__u32 id;		/* of the kernel; in messages 0 */
	__u8 addr[16];		/* of family 4 the first four bytes */
	__u8 via[16];		/* RF_LOOP_CONFIG: the supervisor's, or zero */
};

struct rf_loop_want {
	__u32 id;
	__u32 pad;
};

/*
 * tag[0] of a region says what it is: kind, version, and of a pair the number of
 * chunks of each pool.
 */
enum rf_loop_kind {
	RF_LOOP_LIST	= 1,
	RF_LOOP_PAIR	= 2,
};
#define RF_LOOP_TAG(kind, chunks) \
	((__u64)(kind) | (__u64)RF_LOOP_VERSION << 8 | (__u64)(chunks) << 32)

/*
 * The list. Written by the supervisor only; seq is odd while it is. A reader
 * copies it when seq is even, and has it whole if seq is the same afterwards.
 */
#define RF_LOOP_KERNELS		64
#define RF_LOOP_ADDRESSES	512
#define RF_LOOP_NAME		64	/* with the NUL */

struct rf_loop_kernel {
	__u32 id;		/* 0: the supervisor */
	__u32 flags;		/* 0 */
	__u64 generation;	/* another one: it has been started again */
	__u64 packets;		/* a second that it may send to another; 0: any */
	__u64 bytes;		/* likewise */
	char name[RF_LOOP_NAME];
	char host[RF_LOOP_NAME];
};

struct rf_loop_list {
	__u32 seq;
	__u32 nr_kernels;
	__u32 nr_addresses;
	__u32 pad;
	__u64 generation;	/* of the list */
	__u64 pad1[5];
	struct rf_loop_kernel kernel[RF_LOOP_KERNELS];
	struct rf_loop_address address[RF_LOOP_ADDRESSES];
};

/*
 * A pair of kernels: two directions, of which the first is that from the lower
 * id to the higher. Each has a ring of descriptors and a pool of pages, which
 * its sender writes and its receiver reads.
 *
 *	0x000000  control of direction 0		 4 KiB
 *	0x001000  control of direction 1		 4 KiB
 *	0x020000  descriptors of direction 0		256 KiB
 *	0x060000  descriptors of direction 1		256 KiB
 *	0x200000  pool of direction 0, then that of direction 1
 *
 * A packet's first bytes lie in its descriptor, all of them if they fit; the
 * rest in pieces of the pool, none of which crosses a chunk. The sender keeps a
 * chunk as it is until the receiver has done with all pieces of it that it was
 * told of: done[] counts them. As in FICM's rings the descriptor of position p is
 * there when seq == (__u32)(p + 1), and doorbells go by notify and bell; the
 * sender's waiting asks to be rung when tail or done[] have moved.
 */
#define RF_LOOP_CONTROL(dir)	(0x1000UL * (dir))
#define RF_LOOP_RING(dir)	(0x20000UL + 0x40000UL * (dir))
#define RF_LOOP_POOL(dir, n)	(0x200000UL + (dir) * (__u64)(n) * RF_LOOP_CHUNK)
#define RF_LOOP_SIZE(n)		RF_LOOP_POOL(2, n)

#define RF_LOOP_SLOTS		512	/* descriptors of a ring */
#define RF_LOOP_CHUNK		32768UL	/* bytes */
#define RF_LOOP_MAX_CHUNKS	512	/* of a pool; a multiple of 64 */
/*
 * The first ones of a pool are for copies, the rest for sockets' pages. Neither
 * end lets sockets keep all of either, so that neither can run dry for good: half
 * of the copies' is more than the largest packet.
 */
static inline __u32 rf_loop_copies(__u32 chunks)
{
	return chunks / 4 < 40 ? 40 : chunks / 4;
}
#define RF_LOOP_FRAGS		17
#define RF_LOOP_INLINE		344
#define RF_LOOP_MAX_LEN		(512U * 1024)	/* of a packet */

struct rf_loop_control {
	/* the sender's line */
	__u32 waiting;		/* it waits: ring it after tail or done[] */
	__u32 send_bell;	/* APIC ID of its communication core */
	__u64 pad0[7];
	/* the receiver's line */
	__u32 tail;		/* descriptors taken */
	__u32 notify;		/* it sleeps: ring it after seq */
	__u32 bell;		/* APIC ID of its communication core */
	__u32 pad1;
	__u64 pad2[6];
	__u32 done[RF_LOOP_MAX_CHUNKS];
};

struct rf_loop_frag {
	__u32 at;		/* bytes from the pool's start */
	__u32 len;
};

struct rf_loop_hdr {		/* as in struct virtio_net_hdr */
	__u8 flags;
	__u8 gso_type;
	__u16 hdr_len;
	__u16 gso_size;
	__u16 csum_start;
	__u16 csum_offset;
};

struct rf_loop_desc {
	__u32 seq;
	__u32 len;		/* of the packet, from its network header on */
	__u16 head;		/* bytes of it in data[] */
	__u8 frags;
	__u8 multicast;		/* 1: it was sent to many */
	__be16 protocol;	/* ETH_P_IP or ETH_P_IPV6 */
	struct rf_loop_hdr hdr;
	__u64 pad;
	struct rf_loop_frag frag[RF_LOOP_FRAGS];
	__u8 data[RF_LOOP_INLINE];
};

#ifdef __KERNEL__
#include <linux/build_bug.h>
static_assert(sizeof(struct rf_loop_hello) == 8);
static_assert(sizeof(struct rf_loop_address) == 40);
static_assert(sizeof(struct rf_loop_kernel) == 160);
static_assert(offsetof(struct rf_loop_list, kernel) == 64);
static_assert(sizeof(struct rf_loop_list) <= 0x8000);
static_assert(offsetof(struct rf_loop_control, tail) == 64);
static_assert(sizeof(struct rf_loop_control) <= 0x1000);
static_assert(sizeof(struct rf_loop_hdr) == 10);
static_assert(offsetof(struct rf_loop_desc, hdr) == 14);
static_assert(offsetof(struct rf_loop_desc, data) == 168);
static_assert(sizeof(struct rf_loop_desc) == 512);
static_assert(RF_LOOP_SLOTS * sizeof(struct rf_loop_desc) <= 0x40000);
#endif

#endif /* _RF_ABI_LOOP_H */
