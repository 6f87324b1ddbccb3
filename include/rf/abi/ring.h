/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR MIT */
/*
 * Rings between kernels, one producer and one consumer each: of bytes, in a
 * subOS's control area, and of messages, in pages of the supervisor.
 *
 * Byte rings. This interface is a contract between two kernels, see boot.h. head and
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

/*
 * Message rings (FICM). Of a message one cache line moves, because the
 * sequence word, which says that it is there, stands in it.
 *
 * The message of position p (0, 1, 2 ... 64 bits) lies in slot p % n, and is
 * there when seq == (__u32)(p + 1); before, the slot holds what position p - n
 * left in it, or 0. Any other value is an error of the producer's. The producer
 * fills the rest of the slot first and releases seq last, so that one that dies
 * in between has sent nothing.
 *
 * Credits: the producer may be n messages ahead of tail, and looks at tail only
 * when it has none left. The consumer writes tail every n / 4 messages, and
 * before it goes to sleep, not for each: the line stays where it is read.
 *
 * Doorbell: a consumer that is going to sleep sets notify, full barrier, looks
 * again. A producer that has released seq: full barrier; if notify is set and
 * its xchg(notify, 0) had it, it reads bell and rings that APIC ID. A doorbell
 * may come for a message that has been taken meanwhile, and has taken notify
 * away all the same: so who is rung and finds nothing sets it again.
 * The producer reads bell last, so that a consumer which moves (writes bell, full
 * barrier, looks at slot and notify as if it had been rung) either sees what that
 * producer did or is rung where it is now.
 * The same the other way for a producer that waits for room: waiting is its
 * notify, its own bell stands beside it, and the consumer rings it after tail.
 *
 * Who opens a ring compares the constant line with what it was told; later it
 * is not read. Nothing else in a ring is believed either: a consumer knows its
 * own position, and a producer refuses a tail that it can't have.
 */
#define RF_MSG_MAGIC	0x474e4952734d6652ULL	/* "RfMsRING" */
#define RF_MSG_VERSION	1
#define RF_MSG_DATA	56	/* bytes a message carries at most */
#define RF_MSG_ORDER	8	/* log2 of the messages of a ring, by default */
#define RF_MSG_MIN_ORDER 2
#define RF_MSG_MAX_ORDER 16

/* Ports: who the message is for */
enum rf_ficm_port {
	RF_PORT_CON		= 1,	/* supcon and subOScon */
	RF_PORT_ECHO		= 2,	/* answered by FICM itself */
	RF_PORT_COM		= 3,	/* RFcom */
	RF_PORT_LOOP		= 4,	/* RFloop */
	RF_PORT_CONTROL		= 5,	/* channels between subOSes, see below */
	RF_PORT_FREE		= 8,	/* from here on: for tests and others */
	RF_PORTS		= 32,
};

struct rf_ficm_msg {
	__u32 seq;		/* position + 1 */
	__u8 port;		/* enum rf_ficm_port */
	__u8 len;		/* bytes of data[] in use */
	__u16 type;		/* the service's own */
	__u8 data[RF_MSG_DATA];
};

struct rf_ficm_ring {
	/* the constant line, written by the supervisor before anyone opens it */
	__u64 magic;
	__u32 version;
	__u32 order;		/* log2 of the number of slots */
	__u64 generation;	/* of the channel: no other was ever in these pages */
	__u64 pad0[5];
	/* the producer's line */
	__u64 head;		/* messages ever sent; for lookers-on only */
	__u32 waiting;		/* it waits for room: ring it after tail */
	__u32 send_bell;	/* APIC ID of its communication core */
	__u64 pad1[6];
	/* the consumer's line */
	__u64 tail;		/* messages taken, or a little less */
	__u32 notify;		/* it sleeps: ring it after seq */
	__u32 bell;		/* APIC ID of its communication core */
	__u64 pad2[6];
	struct rf_ficm_msg slot[];
};

/* Messages of the two ports that FICM itself answers */
enum rf_echo_type {
	RF_ECHO_REQUEST		= 0,	/* data: anything */
	RF_ECHO_REPLY		= 1,	/* the same data */
};

/*
 * Control: the supervisor tells a subOS of a channel to another one. NAME_0
 * and NAME_1 come first, then CONNECT; each OPENED and CLOSED is an answer.
 * A channel is known by its generation, which is never used again. Its pages
 * are the supervisor's until both have closed it or are proven stopped.
 */
enum rf_control_type {
	RF_CONTROL_NAME_0	= 1,	/* rf_control_name: the peer's first 32 bytes */
	RF_CONTROL_NAME_1	= 2,	/* and the rest, with the NUL */
	RF_CONTROL_CONNECT	= 3,	/* rf_control_connect */
	RF_CONTROL_DISCONNECT	= 4,	/* rf_control_answer, without error */
	RF_CONTROL_OPENED	= 5,	/* rf_control_answer */
	RF_CONTROL_CLOSED	= 6,	/* rf_control_answer */
	RF_CONTROL_TUNE		= 7,	/* rf_control_tune: what is to change */
	RF_CONTROL_TUNED	= 8,	/* rf_control_tune: what is now, with error */
};

struct rf_control_name {
	__u64 generation;
	__u8 text[32];
};

struct rf_control_connect {
	__u64 generation;
	__u64 rx;		/* physical address of the ring that it reads */
	__u64 tx;		/* and of the one that it writes */
	__u32 size;		/* bytes of each */
	__u32 peer;		/* id of the other subOS */
};

struct rf_control_answer {
	__u64 generation;
	__s32 error;		/* 0, or a negative errno of Linux */
	__u32 pad;
};

/* Where and how a subOS takes its doorbells */
struct rf_control_tune {
	__u64 token;		/* the supervisor's; the answer has the same */
	__u32 apicid;		/* communication core; RF_TUNE_KEEP: leave it */
	__u32 priority;		/* of the two threads, SCHED_FIFO; likewise */
	__u32 poll_us;		/* likewise */
	__s32 error;		/* 0, or a negative errno of Linux */
	__u64 moves;		/* of the communication core so far */
};
#define RF_TUNE_KEEP	0xffffffffU

#ifdef __KERNEL__
#include <linux/build_bug.h>
static_assert(sizeof(struct rf_ring) == 128);
static_assert(sizeof(struct rf_control_tune) == 32);
static_assert(sizeof(struct rf_ficm_msg) == 64);
static_assert(offsetof(struct rf_ficm_msg, data) == 8);
static_assert(sizeof(struct rf_ficm_ring) == 192);
static_assert(offsetof(struct rf_ficm_ring, head) == 64);
static_assert(offsetof(struct rf_ficm_ring, tail) == 128);
static_assert(sizeof(struct rf_control_name) == 40);
static_assert(sizeof(struct rf_control_connect) == 32);
static_assert(sizeof(struct rf_control_answer) == 16);
#endif

#endif /* _RF_ABI_RING_H */
