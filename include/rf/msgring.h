/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * Operations on message rings: what both kernels, the KUnit tests and the
 * fuzzer in user space run. The format and its rules stand in rf/abi/ring.h.
 *
 * No locks: one producer and one consumer a ring, and who they are is the
 * caller's business. Everything in a ring may be written by the peer at any
 * moment, with anything; so each word is read once, and what we know ourselves
 * (positions, size) is kept in struct rf_msg_tx and struct rf_msg_rx.
 *
 * User space brings READ_ONCE(), smp_mb() and so on along: tests/ring/shim.h.
 */
#ifndef _RF_MSGRING_H
#define _RF_MSGRING_H

#ifdef __KERNEL__
#include <linux/atomic.h>
#include <linux/errno.h>
#include <linux/string.h>
#endif

#include <rf/abi/ring.h>

struct rf_msg_tx {		/* the producer's own */
	struct rf_ficm_ring *ring;
	__u64 head;
	__u64 tail;		/* as last seen: it may be further */
	__u32 count;		/* slots */
};

struct rf_msg_rx {		/* the consumer's own */
	struct rf_ficm_ring *ring;
	__u64 pos;
	__u64 told;		/* pos as the producer knows it */
	__u32 count;
	__u32 odd;		/* the last word that was no sequence word */
};

/*
 * What a slot begins with, sequence word and all, is written and read as one
 * word of 64 bits. Little-endian, as all of a ring.
 */
typedef __u64 __attribute__((__may_alias__)) rf_msg_word;

/* Bytes that a ring of 1 << order messages takes */
static inline __u64 rf_msgring_size(unsigned int order)
{
	return sizeof(struct rf_ficm_ring) + ((__u64)sizeof(struct rf_ficm_msg) << order);
}

/* Make a ring in zeroed memory: before anyone may look at it */
static inline void rf_msgring_init(struct rf_ficm_ring *ring, unsigned int order, __u64 generation)
{
	ring->version = RF_MSG_VERSION;
	ring->order = order;
	ring->generation = generation;
	smp_store_release(&ring->magic, RF_MSG_MAGIC);
}

/*
 * Is it a ring of this channel, of a version that we know, and within @size?
 * Return: its order, -EPROTO (no ring), -EPROTONOSUPPORT (another version),
 * -ESTALE (another generation), -EMSGSIZE (its size).
 */
static inline int rf_msgring_check(const struct rf_ficm_ring *ring, __u64 size, __u64 generation)
{
	__u32 order;

	if (size < sizeof(*ring))
		return -EMSGSIZE;
	if (smp_load_acquire(&ring->magic) != RF_MSG_MAGIC)
		return -EPROTO;
	if (READ_ONCE(ring->version) != RF_MSG_VERSION)
		return -EPROTONOSUPPORT;
	if (READ_ONCE(ring->generation) != generation)
		return -ESTALE;
	order = READ_ONCE(ring->order);
	if (order < RF_MSG_MIN_ORDER || order > RF_MSG_MAX_ORDER || rf_msgring_size(order) > size)
		return -EMSGSIZE;
	return order;
}

/* ---- the producer's side ---- */

static inline void rf_msgtx_init(struct rf_msg_tx *tx, struct rf_ficm_ring *ring,
				 unsigned int order, __u32 bell)
{
	*tx = (struct rf_msg_tx) { .ring = ring, .count = 1U << order };
	WRITE_ONCE(ring->send_bell, bell);
}

/*
 * How many messages may be put. Return: 0 when there is no room, -EPROTO when
 * the peer's tail is one that it can't have (there may be room again later).
 */
static inline int rf_msgtx_room(struct rf_msg_tx *tx)
{
	__u64 tail;

	if (tx->head - tx->tail < tx->count)
		return tx->count - (__u32)(tx->head - tx->tail);
	tail = smp_load_acquire(&tx->ring->tail);	/* its reads before our writes */
	/* between what it told us last and what we have sent: else it is garbage */
	if (tail - tx->tail > tx->head - tx->tail)
		return -EPROTO;
	tx->tail = tail;
	return tx->count - (__u32)(tx->head - tail);
}

/* Put one message, for which there is room: rf_msgtx_room(). @len is bounded. */
static inline void rf_msgtx_put(struct rf_msg_tx *tx, __u8 port, __u16 type,
				const void *data, __u8 len)
{
	struct rf_ficm_msg *slot = &tx->ring->slot[tx->head & (tx->count - 1)];

	/* of a size that is known it takes no call */
	if (len == RF_MSG_DATA)
		memcpy(slot->data, data, RF_MSG_DATA);
	else
		memcpy(slot->data, data, len);
	tx->head++;
	smp_store_release((rf_msg_word *)slot, (__u64)type << 48 | (__u64)len << 40 |
			  (__u64)port << 32 | (__u32)tx->head);
	WRITE_ONCE(tx->ring->head, tx->head);
}

/*
 * After one or more puts: true when the consumer sleeps and it is on us to ring
 * ring->bell, which is to be read after this and not before.
 */
static inline bool rf_msgtx_bell(struct rf_msg_tx *tx)
{
	smp_mb(); /* seq before notify: pairs with rf_msgrx_arm() */
	return READ_ONCE(tx->ring->notify) && xchg(&tx->ring->notify, 0);
}

/* Ask to be rung when there is room. True: there is some already. */
static inline bool rf_msgtx_want(struct rf_msg_tx *tx)
{
	WRITE_ONCE(tx->ring->waiting, 1);
	smp_mb(); /* waiting before tail: pairs with rf_msgrx_tell() */
	return rf_msgtx_room(tx) > 0;
}

/* ---- the consumer's side ---- */

static inline void rf_msgrx_init(struct rf_msg_rx *rx, struct rf_ficm_ring *ring,
				 unsigned int order, __u32 bell)
{
	*rx = (struct rf_msg_rx) { .ring = ring, .count = 1U << order };
	WRITE_ONCE(ring->bell, bell);
}

static inline bool rf_msgrx_ready(const struct rf_msg_rx *rx)
{
	const struct rf_ficm_msg *slot = &rx->ring->slot[rx->pos & (rx->count - 1)];

	return READ_ONCE(slot->seq) == (__u32)(rx->pos + 1);
}

/*
 * The first @len bytes of a message, and zeroes. Word by word: for one line a string
 * instruction takes longer to begin than this to end. The slot is read whole, each
 * word once, whatever @len says: it is one line.
 */
static inline void rf_msg_copy(struct rf_ficm_msg *msg, const struct rf_ficm_msg *slot,
			       unsigned int len)
{
	const rf_msg_word *from = (const rf_msg_word *)slot->data;
	rf_msg_word *to = (rf_msg_word *)msg->data;
	unsigned int n = len / 8, rest = len % 8;

	to[0] = READ_ONCE(from[0]);
	to[1] = READ_ONCE(from[1]);
	to[2] = READ_ONCE(from[2]);
	to[3] = READ_ONCE(from[3]);
	to[4] = READ_ONCE(from[4]);
	to[5] = READ_ONCE(from[5]);
	to[6] = READ_ONCE(from[6]);
	if (rest)
		to[n++] &= ~0ULL >> (64 - 8 * rest);
	/* not to be made a call of memset() */
	while (n < RF_MSG_DATA / 8)
		WRITE_ONCE(to[n++], 0);
}

/*
 * Take the next message into @msg, which is ours and has been bounded.
 * Return: 1; 0 when there is none; -EILSEQ when its slot holds a sequence word
 * that never can (told once a value; nothing is taken); -EBADMSG when it was
 * taken and dropped, for its length or port is out of bounds.
 */
static inline int rf_msgrx_take(struct rf_msg_rx *rx, struct rf_ficm_msg *msg)
{
	const struct rf_ficm_msg *slot = &rx->ring->slot[rx->pos & (rx->count - 1)];
	__u64 word = smp_load_acquire((const rf_msg_word *)slot);
	__u32 seq = (__u32)word, want = (__u32)(rx->pos + 1);

	if (seq != want) {
		/* what the lap before left; or 0 in the first lap, as odd is at first */
		if (seq == want - rx->count || seq == rx->odd)
			return 0;
		rx->odd = seq;
		return -EILSEQ;
	}
	msg->seq = want;
	msg->port = word >> 32;
	msg->len = word >> 40;
	msg->type = word >> 48;
	rx->pos++;
	rx->odd = 0;
	if (msg->len > RF_MSG_DATA || msg->port >= RF_PORTS)
		return -EBADMSG;
	rf_msg_copy(msg, slot, msg->len);
	return 1;
}

/* Is it time to give credits back? To ask after each message. */
static inline bool rf_msgrx_due(const struct rf_msg_rx *rx)
{
	return rx->pos - rx->told >= rx->count / 4;
}

/*
 * Give credits back. True: the producer waits for them, and it is on us to ring
 * ring->send_bell, which is to be read after this and not before.
 */
static inline bool rf_msgrx_tell(struct rf_msg_rx *rx)
{
	if (rx->told == rx->pos)
		return false;
	rx->told = rx->pos;
	smp_store_release(&rx->ring->tail, rx->pos);	/* our reads before its writes */
	smp_mb(); /* tail before waiting: pairs with rf_msgtx_want() */
	return READ_ONCE(rx->ring->waiting) && xchg(&rx->ring->waiting, 0);
}

/*
 * Before going to sleep, with rf_msgrx_tell() done. True: a message came
 * meanwhile, and nobody may ring for it; go on taking.
 */
static inline bool rf_msgrx_arm(struct rf_msg_rx *rx)
{
	WRITE_ONCE(rx->ring->notify, 1);
	smp_mb(); /* notify before seq: pairs with rf_msgtx_bell() */
	return rf_msgrx_ready(rx);
}

/*
 * Nothing is there: will the next message be rung for? No, when the last doorbell
 * was, or is on its way, for one that we took by ourselves: then arm again.
 */
static inline bool rf_msgrx_armed(const struct rf_msg_rx *rx)
{
	return READ_ONCE(rx->ring->notify);
}

/* Awake: no doorbells from here on, but for one that may be under way */
static inline void rf_msgrx_disarm(struct rf_msg_rx *rx)
{
	if (READ_ONCE(rx->ring->notify))
		WRITE_ONCE(rx->ring->notify, 0);
}

/* The communication core moves. To look at the ring after, once more. */
static inline void rf_msgrx_move(struct rf_msg_rx *rx, __u32 bell)
{
	WRITE_ONCE(rx->ring->bell, bell);
	smp_mb(); /* bell before seq: pairs with who rings, who reads bell last */
}

static inline void rf_msgtx_move(struct rf_msg_tx *tx, __u32 bell)
{
	WRITE_ONCE(tx->ring->send_bell, bell);
	smp_mb(); /* send_bell before tail: as above */
}

#endif /* _RF_MSGRING_H */
