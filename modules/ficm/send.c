// SPDX-License-Identifier: GPL-2.0
/* Sending: at once, with a timeout, by the write thread; to one, some or all */
#include <linux/export.h>
#include <linux/jiffies.h>
#include <linux/rculist.h>
#include <linux/sched/signal.h>
#include <linux/spinlock.h>

#include "internal.h"

static int rf_send_check(unsigned int port, size_t len)
{
	if (len > RF_MSG_DATA)
		return -EMSGSIZE;
	return port < RF_PORTS ? 0 : -EINVAL;
}

/* Whom to ring after puts: an APIC ID, read after the xchg; or -1 */
static s64 rf_whom(struct rf_ficm_channel *ch)
{
	u32 bell;

	if (!rf_msgtx_bell(&ch->tx))
		return -1;
	ch->txs.rings++;
	bell = READ_ONCE(ch->tx.ring->bell);
	if (bell == ch->bell || rf_core_knows(bell))
		return bell;
	ch->txs.refused[RF_REFUSED_BELL]++;
	return ch->bell;
}

static int rf_room(struct rf_ficm_channel *ch)
{
	int room;

	lockdep_assert_held(&ch->tx_lock);
	if (ch->tx_closed)
		return -ECONNRESET;
	/* what was posted goes first */
	if (rf_queue_used(&ch->outbox))
		return -EAGAIN;
	room = rf_msgtx_room(&ch->tx);
	if (room > 0)
		return room;
	if (room < 0)
		ch->txs.refused[RF_REFUSED_TAIL]++;
	return -EAGAIN;
}

/*
 * Put up to n messages. Return: how many, or -EAGAIN, -ECONNRESET. With @want,
 * rf_send_room() is called when there is room again.
 */
static int rf_try(struct rf_ficm_channel *ch, unsigned int port, u16 type,
		  const void *data, size_t len, unsigned int n, bool want)
{
	unsigned long flags;
	s64 whom = -1;
	int room;

	raw_spin_lock_irqsave(&ch->tx_lock, flags);
	room = rf_room(ch);
	if (room == -EAGAIN && want) {
		ch->want = true;
		if (rf_msgtx_want(&ch->tx))
			room = rf_room(ch);
	}
	if (room > 0) {
		room = min_t(unsigned int, room, n);
		for (int i = 0; i < room; i++, data += len)
			rf_msgtx_put(&ch->tx, port, type, data, len);
		ch->txs.sent += room;
		whom = rf_whom(ch);
	} else if (room == -EAGAIN) {
		ch->txs.full++;
	}
	raw_spin_unlock_irqrestore(&ch->tx_lock, flags);
	if (whom >= 0)
		rf_core_ring(whom);
	return room;
}

/**
 * rf_ficm_send - send a message, if there is room
 * @ch: the channel
 * @port: of the service at the other end
 * @type: the service's own
 * @data: @len bytes; copied
 * @len: up to RF_MSG_DATA
 *
 * Context: any but NMI.
 * Return: 0; -EAGAIN when the ring is full, or posted messages wait;
 * -ECONNRESET when the channel is closed; -EMSGSIZE; -EINVAL (port).
 */
int rf_ficm_send(struct rf_ficm_channel *ch, unsigned int port, u16 type,
		 const void *data, size_t len)
{
	int err = rf_send_check(port, len);

	if (err)
		return err;
	err = rf_try(ch, port, type, data, len, 1, false);
	return min(err, 0);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_send, RAINFOREST);

/**
 * rf_ficm_send_bulk - send several messages with one doorbell at most
 * @ch: the channel
 * @port: of the service at the other end
 * @type: of all of them
 * @data: @n times @len bytes
 * @len: of each
 * @n: how many
 *
 * Context: any but NMI.
 * Return: how many were sent, from the first on; else as rf_ficm_send().
 */
int rf_ficm_send_bulk(struct rf_ficm_channel *ch, unsigned int port, u16 type,
		      const void *data, size_t len, unsigned int n)
{
	int err = rf_send_check(port, len);

	return err ?: rf_try(ch, port, type, data, len, n, false);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_send_bulk, RAINFOREST);

/**
 * rf_ficm_send_timeout - send a message, and wait for room
 * @ch: the channel
 * @port: of the service at the other end
 * @type: the service's own
 * @data: @len bytes; copied
 * @len: up to RF_MSG_DATA
 * @timeout_ms: to wait at most
 *
 * Context: process, may sleep.
 * Return: 0; -ETIMEDOUT; -EINTR when the caller is being killed; -ECONNRESET
 * when the channel is, or is being, closed; -EMSGSIZE; -EINVAL.
 */
int rf_ficm_send_timeout(struct rf_ficm_channel *ch, unsigned int port, u16 type,
			 const void *data, size_t len, unsigned int timeout_ms)
{
	int err = rf_send_check(port, len);
	long left;

	if (err)
		return err;
	might_sleep();
	err = rf_try(ch, port, type, data, len, 1, false);
	if (err != -EAGAIN)
		return min(err, 0);
	left = wait_event_killable_timeout(ch->room,
					   (err = rf_try(ch, port, type, data, len, 1, true)) !=
					   -EAGAIN, msecs_to_jiffies(timeout_ms));
	if (err != -EAGAIN)
		return min(err, 0);
	return left < 0 ? -EINTR : -ETIMEDOUT;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_send_timeout, RAINFOREST);

/* Not inline: the message on its stack would be cleared for each that finds room */
static noinline int rf_post_later(struct rf_ficm_channel *ch, unsigned int port, u16 type,
				  const void *data, size_t len)
{
	struct rf_ficm_msg msg = { .port = port, .type = type, .len = len };
	unsigned long flags;
	int err = -EAGAIN;

	memcpy(msg.data, data, len);
	raw_spin_lock_irqsave(&ch->tx_lock, flags);
	if (ch->tx_closed)
		err = -ECONNRESET;
	else if (rf_queue_put(&ch->outbox, &msg))
		err = 0;
	raw_spin_unlock_irqrestore(&ch->tx_lock, flags);
	if (!err)
		rf_thread_write();
	return err;
}

/**
 * rf_ficm_post - send a message, or leave it to the write thread
 * @ch: the channel
 * @port: of the service at the other end
 * @type: the service's own
 * @data: @len bytes; copied
 * @len: up to RF_MSG_DATA
 *
 * Order is kept: until what was posted is sent, rf_ficm_send() finds no room.
 *
 * Context: any but NMI.
 * Return: 0; -EAGAIN when RF_QUEUE messages wait already; -ECONNRESET;
 * -EMSGSIZE; -EINVAL.
 */
int rf_ficm_post(struct rf_ficm_channel *ch, unsigned int port, u16 type,
		 const void *data, size_t len)
{
	int err = rf_ficm_send(ch, port, type, data, len);

	return err == -EAGAIN ? rf_post_later(ch, port, type, data, len) : err;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_post, RAINFOREST);

/**
 * rf_send_posted - send what was posted, as far as there is room
 * @ch: the channel
 *
 * Context: the write thread. Return: true when there is more to do at once.
 */
bool rf_send_posted(struct rf_ficm_channel *ch)
{
	struct rf_ficm_msg msg;
	unsigned int n = 0;
	bool sent = false;
	s64 whom = -1;

	raw_spin_lock_irq(&ch->tx_lock);
	while (!ch->tx_closed && rf_queue_used(&ch->outbox) && n++ < RF_BUDGET) {
		if (rf_msgtx_room(&ch->tx) <= 0) {
			ch->want = true;
			if (!rf_msgtx_want(&ch->tx))
				break;
		}
		rf_queue_get(&ch->outbox, &msg);
		rf_msgtx_put(&ch->tx, msg.port, msg.type, msg.data, msg.len);
		ch->txs.sent++;
		sent = true;
	}
	if (sent)
		whom = rf_whom(ch);
	raw_spin_unlock_irq(&ch->tx_lock);
	if (whom >= 0)
		rf_core_ring(whom);
	/* those who wait in rf_ficm_send_timeout() had to let it go first */
	if (sent && !rf_queue_used(&ch->outbox))
		wake_up_all(&ch->room);
	return n > RF_BUDGET;
}

/*
 * There may be room: tell who waits for it. If there is none, the doorbell was
 * for room that we found ourselves, and waiting is to be set again.
 * Context: any but NMI.
 */
void rf_send_room(struct rf_ficm_channel *ch)
{
	unsigned long flags;
	bool wake = false;

	if (!READ_ONCE(ch->want))
		return;
	raw_spin_lock_irqsave(&ch->tx_lock, flags);
	if (!ch->tx_closed && ch->want &&
	    (rf_msgtx_room(&ch->tx) > 0 ||
	     (!READ_ONCE(ch->tx.ring->waiting) && rf_msgtx_want(&ch->tx)))) {
		ch->want = false;
		wake = true;
	}
	raw_spin_unlock_irqrestore(&ch->tx_lock, flags);
	if (!wake)
		return;
	if (rf_queue_used(&ch->outbox))
		rf_thread_write();
	wake_up_all(&ch->room);
}

/**
 * rf_send_late - has somebody waited since the last look for room that there is?
 * @ch: the channel
 *
 * As rf_receive_late(): what no doorbell told of, or a doorbell that was asked for
 * and is not any more, which the protocol excludes. Who waits is told.
 *
 * Context: the read thread.
 * Return: true when there is one to come back for.
 */
bool rf_send_late(struct rf_ficm_channel *ch)
{
	bool waits, late;

	raw_spin_lock_irq(&ch->tx_lock);
	waits = !ch->tx_closed && ch->want &&
		/* want stays after who waited found room; no barrier, for we look again */
		(rf_queue_used(&ch->outbox) || waitqueue_active(&ch->room)) &&
		(rf_msgtx_room(&ch->tx) > 0 || !READ_ONCE(ch->tx.ring->waiting));
	late = waits && ch->unsent == ch->tx.head;
	ch->unsent = waits ? ch->tx.head : U64_MAX;
	if (late)
		ch->txs.late++;
	raw_spin_unlock_irq(&ch->tx_lock);
	if (late)
		rf_send_room(ch);
	return waits && !late;
}

/**
 * rf_ficm_send_many - send a message to several
 * @ch: the channels
 * @n: how many
 * @port: of the service at the other ends
 * @type: the service's own
 * @data: @len bytes; copied
 * @len: up to RF_MSG_DATA
 * @result: out, for each channel what rf_ficm_send() returned; or NULL
 *
 * Who has no room delays nobody: it is left out, and its result says so.
 *
 * Context: any but NMI.
 * Return: to how many it was sent.
 */
unsigned int rf_ficm_send_many(struct rf_ficm_channel **ch, unsigned int n, unsigned int port,
			       u16 type, const void *data, size_t len, int *result)
{
	unsigned int sent = 0;

	for (unsigned int i = 0; i < n; i++) {
		int err = rf_ficm_send(ch[i], port, type, data, len);

		sent += !err;
		if (result)
			result[i] = err;
	}
	return sent;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_send_many, RAINFOREST);

/**
 * rf_ficm_broadcast - send a message to all peers
 * @port: of the service at the other ends
 * @type: the service's own
 * @data: @len bytes; copied
 * @len: up to RF_MSG_DATA
 *
 * Context: any but NMI.
 * Return: to how many it was sent; others had no room.
 */
unsigned int rf_ficm_broadcast(unsigned int port, u16 type, const void *data, size_t len)
{
	struct rf_ficm_channel *ch;
	unsigned int sent = 0;

	guard(rcu)();
	list_for_each_entry_rcu(ch, &rf_channels, node)
		sent += !rf_ficm_send(ch, port, type, data, len);
	return sent;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_broadcast, RAINFOREST);
