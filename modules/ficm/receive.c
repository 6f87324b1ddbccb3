// SPDX-License-Identifier: GPL-2.0
/* Taking messages out of rings: NAPI's way, see Documentation/ficm.md */
#include <linux/export.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

#include "internal.h"

#define RF_LINGER	256	/* looks for one more message, of who polls */
#define RF_LOOKS	8	/* of them between two pauses */

/* Give credits back; the bell is read after the xchg in rf_msgrx_tell() */
static void rf_tell(struct rf_ficm_channel *ch)
{
	u32 bell;

	if (!rf_msgrx_tell(&ch->rx))
		return;
	bell = READ_ONCE(ch->rx.ring->send_bell);
	if (bell != ch->bell && !rf_core_knows(bell)) {
		ch->rxs.refused[RF_REFUSED_BELL]++;
		bell = ch->bell;
	}
	ch->rxs.room_rings++;
	rf_core_ring(bell);
}

/* To a service in interrupt, or into the inbox for the read thread */
static void rf_deliver(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg)
{
	bool later = false;

	if (rf_service_irq(ch, msg, &later)) {
		ch->rxs.received++;
		ch->rxs.irq++;
	} else if (later) {
		rf_queue_put(&ch->inbox, msg);	/* there is room: rf_receive() */
	} else {
		ch->rxs.refused[RF_REFUSED_SERVICE]++;
	}
}

/*
 * Nothing was in the ring: give credits back and ask for a doorbell.
 * Return: true when we sleep now; false when a message came meanwhile.
 */
static bool rf_rearm(struct rf_ficm_channel *ch)
{
	rf_tell(ch);
	return !rf_msgrx_arm(&ch->rx);
}

/*
 * The read thread looks on for a moment after a message, with the lock held: if
 * both ends are awake the next one, maybe the answer to what a service has sent,
 * is there sooner than a lock is given back and taken again. Bounded for all of
 * a call: one or two microseconds.
 */
static bool rf_linger(struct rf_ficm_channel *ch, unsigned int *looks)
{
	while (*looks) {
		if (rf_msgrx_ready(&ch->rx))
			return true;
		/* a pause may take longer than a line on its way */
		if (!(--*looks % RF_LOOKS))
			cpu_relax();
	}
	return false;
}

/**
 * rf_receive - take what is in a channel's ring
 * @ch: the channel
 * @budget: messages at most
 * @then: what to do when nothing is left
 *
 * Context: any but NMI. It may run on several CPUs, one of which does the work.
 * Return: true when the read thread has something to do for this channel:
 * the budget was used up, or a service may sleep.
 */
bool rf_receive(struct rf_ficm_channel *ch, unsigned int budget, enum rf_then then)
{
	unsigned int i, looks = then == RF_THEN_LINGER ? RF_LINGER : 0;
	struct rf_ficm_msg msg __uninitialized;	/* rf_msgrx_take() fills all of it */
	bool more = false, awake = false;
	unsigned long flags;

	raw_spin_lock_irqsave(&ch->rx_lock, flags);
	if (ch->rx_closed)
		goto out;
	ch->throttled = false;
	/* bounded by tries, not messages: a peer may flip words under our eyes */
	for (i = 0; i < budget; i++) {
		int got;

		if (rf_queue_used(&ch->inbox) == ch->inbox.count) {
			/* the credits stay with us: the peer has to wait, others don't */
			ch->rxs.throttled++;
			ch->throttled = true;
			break;
		}
		got = rf_msgrx_take(&ch->rx, &msg);
		if (got == -EILSEQ)
			ch->rxs.refused[RF_REFUSED_SEQUENCE]++;
		if (!got || got == -EILSEQ) {
			if (awake && rf_linger(ch, &looks))
				continue;
			if (then != RF_THEN_SLEEP || rf_msgrx_armed(&ch->rx) || rf_rearm(ch))
				break;
			awake = false;
			continue;
		}
		if (!awake)
			rf_msgrx_disarm(&ch->rx);
		awake = true;
		if (rf_msgrx_due(&ch->rx))
			rf_tell(ch);
		if (got == -EBADMSG)
			ch->rxs.refused[RF_REFUSED_BOUNDS]++;
		else
			rf_deliver(ch, &msg);
	}
	more = i == budget || rf_queue_used(&ch->inbox);
	if (more)
		WRITE_ONCE(ch->work, true);
out:
	raw_spin_unlock_irqrestore(&ch->rx_lock, flags);
	return more;
}

/**
 * rf_ficm_busy_begin - from now on we look at a channel's ring ourselves
 * @ch: the channel, open or closed
 *
 * The peer is asked for no doorbells. For waits that are shorter than an
 * interrupt; rf_ficm_busy_end() must follow soon.
 *
 * Context: any but hard interrupt.
 */
void rf_ficm_busy_begin(struct rf_ficm_channel *ch)
{
	raw_spin_lock_irq(&ch->rx_lock);
	if (!ch->rx_closed)
		rf_msgrx_disarm(&ch->rx);
	raw_spin_unlock_irq(&ch->rx_lock);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_busy_begin, RAINFOREST);

/**
 * rf_ficm_busy_look - take what has come, if something has
 * @ch: the channel, between rf_ficm_busy_begin() and rf_ficm_busy_end()
 *
 * Services are called as in the interrupt, those that sleep by the read thread.
 * A look that finds nothing takes no lock.
 *
 * Context: any but hard interrupt. Return: was there something?
 */
bool rf_ficm_busy_look(struct rf_ficm_channel *ch)
{
	bool ready;

	rcu_read_lock();
	/* the ring of one that isn't closed yet stays for as long as we hold RCU */
	ready = !READ_ONCE(ch->rx_closed) && rf_msgrx_ready(&ch->rx);
	rcu_read_unlock();
	if (ready && rf_receive(ch, RF_BUDGET, RF_THEN_LEAVE))
		rf_thread_read();
	return ready;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_busy_look, RAINFOREST);

/**
 * rf_ficm_busy_end - take what is there, and ask for doorbells again
 * @ch: the channel
 *
 * Context: any but hard interrupt.
 */
void rf_ficm_busy_end(struct rf_ficm_channel *ch)
{
	rf_core_kick(ch);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_busy_end, RAINFOREST);

/**
 * rf_receive_ready - would rf_receive() find something?
 * @ch: the channel, found in the list
 *
 * Without a lock, for who looks again and again. A ring stays mapped while RCU
 * is held: rf_ficm_close() waits for that.
 *
 * Context: any, under RCU.
 */
bool rf_receive_ready(const struct rf_ficm_channel *ch)
{
	return rf_msgrx_ready(&ch->rx) || rf_queue_used(&ch->inbox);
}

/* The end of a message in the read thread. Return: the next, if there is one. */
static bool rf_inbox_next(struct rf_ficm_channel *ch, struct rf_ficm_msg *msg)
{
	bool got;

	raw_spin_lock_irq(&ch->rx_lock);
	got = !ch->rx_closed && rf_queue_get(&ch->inbox, msg);
	ch->busy = got;
	raw_spin_unlock_irq(&ch->rx_lock);
	return got;
}

/**
 * rf_receive_some - hand over a part of what waits in a channel's inbox
 * @ch: the channel
 * @then: what to do when nothing is left in its ring
 *
 * Context: the read thread.
 * Return: true when there may be more.
 */
bool rf_receive_some(struct rf_ficm_channel *ch, enum rf_then then)
{
	struct rf_ficm_msg msg;
	unsigned int n = 0;
	bool throttled;

	WRITE_ONCE(ch->work, false);
	while (n < RF_BUDGET && rf_inbox_next(ch, &msg)) {
		bool served = rf_service_thread(ch, &msg);

		raw_spin_lock_irq(&ch->rx_lock);
		if (served)
			ch->rxs.received++;
		else
			ch->rxs.refused[RF_REFUSED_SERVICE]++;
		raw_spin_unlock_irq(&ch->rx_lock);
		n++;
	}
	raw_spin_lock_irq(&ch->rx_lock);
	ch->busy = false;
	throttled = ch->throttled;
	raw_spin_unlock_irq(&ch->rx_lock);
	wake_up_all(&ch->idle);
	if (n < RF_BUDGET || throttled)
		return rf_receive(ch, RF_BUDGET, then);
	WRITE_ONCE(ch->work, true);
	return true;
}

/**
 * rf_receive_late - is there a message that stayed where it was since the last look?
 * @ch: the channel
 *
 * To call some tenths of a second apart. It finds what no doorbell told of,
 * which the protocol excludes; the message is taken, so that nothing hangs.
 *
 * Context: the read thread.
 * Return: true when there is one to come back for.
 */
bool rf_receive_late(struct rf_ficm_channel *ch)
{
	bool waits, late;

	raw_spin_lock_irq(&ch->rx_lock);
	waits = !ch->rx_closed && !ch->throttled && rf_msgrx_ready(&ch->rx);
	late = waits && ch->seen == ch->rx.pos;
	ch->seen = waits ? ch->rx.pos : U64_MAX;
	if (late)
		ch->rxs.late++;
	raw_spin_unlock_irq(&ch->rx_lock);
	if (late)
		rf_core_kick(ch);
	return waits && !late;
}
