// SPDX-License-Identifier: GPL-2.0
/* Channels: opening, closing, finding */
#include <linux/export.h>
#include <linux/err.h>
#include <linux/mutex.h>
#include <linux/rculist.h>
#include <linux/slab.h>

#include "internal.h"

LIST_HEAD(rf_channels);		/* RCU */
DEFINE_MUTEX(rf_channels_lock);	/* its writers */
static u64 rf_next_serial = 1;

/* Return: false when it is full */
bool rf_queue_put(struct rf_queue *q, const struct rf_ficm_msg *msg)
{
	if (rf_queue_used(q) == q->count)
		return false;
	q->msg[q->head & (q->count - 1)] = *msg;
	WRITE_ONCE(q->head, q->head + 1);
	return true;
}

/* Return: false when it is empty */
bool rf_queue_get(struct rf_queue *q, struct rf_ficm_msg *msg)
{
	if (!rf_queue_used(q))
		return false;
	*msg = q->msg[q->tail & (q->count - 1)];
	WRITE_ONCE(q->tail, q->tail + 1);
	return true;
}

static int rf_queue_alloc(struct rf_queue *q, u32 count)
{
	q->msg = kvcalloc(count, sizeof(*q->msg), GFP_KERNEL);
	q->count = count;
	return q->msg ? 0 : -ENOMEM;
}

static void rf_channel_free(struct kref *ref)
{
	struct rf_ficm_channel *ch = container_of(ref, struct rf_ficm_channel, ref);

	kvfree(ch->inbox.msg);
	kvfree(ch->outbox.msg);
	kfree(ch);
}

/**
 * rf_ficm_get - take a reference to a channel
 * @ch: one that the caller has a reference to, or that a callback got
 *
 * It keeps the structure, not the channel: that may be closed meanwhile.
 * Context: any.
 */
void rf_ficm_get(struct rf_ficm_channel *ch)
{
	kref_get(&ch->ref);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_get, RAINFOREST);

/**
 * rf_ficm_put - drop a reference
 * @ch: the channel, or NULL
 *
 * Context: process.
 */
void rf_ficm_put(struct rf_ficm_channel *ch)
{
	if (ch)
		kref_put(&ch->ref, rf_channel_free);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_put, RAINFOREST);

/**
 * rf_ficm_open - open our end of a channel
 * @p: see struct rf_ficm_params; the rings stay the caller's, and must stay
 *	mapped until rf_ficm_close() has returned
 *
 * Messages may come, and services be called, before this returns.
 *
 * Context: process, may sleep.
 * Return: the channel, for rf_ficm_close(); ERR_PTR of -EPROTO (no message
 * ring), -EPROTONOSUPPORT (of another version), -ESTALE (of another
 * generation), -EMSGSIZE (of a size that doesn't fit), -EEXIST (that generation
 * is open), -ENOMEM.
 */
struct rf_ficm_channel *rf_ficm_open(const struct rf_ficm_params *p)
{
	int rx_order = rf_msgring_check(p->rx, p->size, p->generation);
	int tx_order = rf_msgring_check(p->tx, p->size, p->generation);
	struct rf_ficm_channel *ch, *other;

	if (rx_order < 0 || tx_order < 0)
		return ERR_PTR(min(rx_order, tx_order));
	ch = kzalloc(sizeof(*ch), GFP_KERNEL);
	if (!ch)
		return ERR_PTR(-ENOMEM);
	kref_init(&ch->ref);
	raw_spin_lock_init(&ch->rx_lock);
	raw_spin_lock_init(&ch->tx_lock);
	init_waitqueue_head(&ch->room);
	init_waitqueue_head(&ch->idle);
	strscpy(ch->name, p->name, sizeof(ch->name));
	ch->peer = p->peer;
	ch->bell = p->bell;
	ch->generation = p->generation;
	if (rf_queue_alloc(&ch->inbox, 1U << rx_order) || rf_queue_alloc(&ch->outbox, RF_QUEUE)) {
		rf_ficm_put(ch);
		return ERR_PTR(-ENOMEM);
	}

	mutex_lock(&rf_channels_lock);
	list_for_each_entry(other, &rf_channels, node) {
		if (other->generation == p->generation && other->tx.ring == p->tx) {
			mutex_unlock(&rf_channels_lock);
			rf_ficm_put(ch);
			return ERR_PTR(-EEXIST);
		}
	}
	/* under the lock: the communication core stays where it is */
	rf_msgrx_init(&ch->rx, p->rx, rx_order, rf_ficm_core_apicid());
	rf_msgtx_init(&ch->tx, p->tx, tx_order, rf_ficm_core_apicid());
	ch->seen = U64_MAX;	/* its first message is not late at the first look */
	ch->serial = rf_next_serial++;
	list_add_tail_rcu(&ch->node, &rf_channels);
	mutex_unlock(&rf_channels_lock);

	rf_service_opened(ch);
	rf_core_kick(ch);	/* the peer may have written already; and arm */
	return ch;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_open, RAINFOREST);

/**
 * rf_ficm_close - close our end of a channel
 * @ch: the channel; the caller's reference goes
 *
 * When this returns no service is, or will be, called for it but gone(), which
 * was; and nobody touches its rings. Senders get -ECONNRESET. The peer isn't
 * told: that is the control plane's.
 *
 * Context: process, may sleep; not from a service's receive(), but from that of
 * another channel.
 */
void rf_ficm_close(struct rf_ficm_channel *ch)
{
	struct rf_ficm_msg msg;

	mutex_lock(&rf_channels_lock);
	list_del_rcu(&ch->node);
	mutex_unlock(&rf_channels_lock);

	raw_spin_lock_irq(&ch->rx_lock);
	WRITE_ONCE(ch->rx_closed, true);	/* for rf_ficm_busy_look() too */
	while (rf_queue_get(&ch->inbox, &msg))
		ch->rxs.dropped++;
	raw_spin_unlock_irq(&ch->rx_lock);
	raw_spin_lock_irq(&ch->tx_lock);
	ch->tx_closed = true;
	while (rf_queue_get(&ch->outbox, &msg))
		ch->txs.dropped++;
	raw_spin_unlock_irq(&ch->tx_lock);
	wake_up_all(&ch->room);
	/* the read thread was in a handler when we said so: wait for its end */
	wait_event(ch->idle, !READ_ONCE(ch->busy));
	synchronize_rcu_expedited();	/* whoever found it in the list */
	rf_service_gone(ch);
	rf_ficm_put(ch);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_close, RAINFOREST);

/* The first channel behind serial for which match() is true, with a reference */
struct rf_ficm_channel *rf_channel_next(u64 serial, bool (*match)(struct rf_ficm_channel *ch))
{
	struct rf_ficm_channel *ch;

	guard(rcu)();
	list_for_each_entry_rcu(ch, &rf_channels, node)
		if (ch->serial > serial && match(ch) && kref_get_unless_zero(&ch->ref))
			return ch;
	return NULL;
}

static bool rf_channel_any(struct rf_ficm_channel *ch)
{
	return true;
}

/**
 * rf_ficm_next - one open channel after the other
 * @serial: 0 for the first; out: for the next
 *
 * Context: any.
 * Return: a channel, for rf_ficm_put(); or NULL: that were all.
 */
struct rf_ficm_channel *rf_ficm_next(u64 *serial)
{
	struct rf_ficm_channel *ch = rf_channel_next(*serial, rf_channel_any);

	if (ch)
		*serial = ch->serial;
	return ch;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_next, RAINFOREST);

/**
 * rf_ficm_find - find an open channel by its peer's name
 * @name: of the peer
 *
 * Context: any.
 * Return: the newest of that name, for rf_ficm_put(); or NULL.
 */
struct rf_ficm_channel *rf_ficm_find(const char *name)
{
	struct rf_ficm_channel *ch, *found = NULL;

	guard(rcu)();
	list_for_each_entry_rcu(ch, &rf_channels, node)
		if (!strcmp(ch->name, name))
			found = ch;
	return found && kref_get_unless_zero(&found->ref) ? found : NULL;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_find, RAINFOREST);

/**
 * rf_ficm_find_peer - find an open channel by its peer's id
 * @peer: as the supervisor gave it; 0 is the supervisor
 *
 * Context: any.
 * Return: the newest of that id, for rf_ficm_put(); or NULL.
 */
struct rf_ficm_channel *rf_ficm_find_peer(u32 peer)
{
	struct rf_ficm_channel *ch, *found = NULL;

	guard(rcu)();
	list_for_each_entry_rcu(ch, &rf_channels, node)
		if (ch->peer == peer)
			found = ch;
	return found && kref_get_unless_zero(&found->ref) ? found : NULL;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_find_peer, RAINFOREST);

/**
 * rf_ficm_name - the name of a channel's peer
 * @ch: the channel
 *
 * Return: it, as long as @ch is held.
 */
const char *rf_ficm_name(const struct rf_ficm_channel *ch)
{
	return ch->name;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_name, RAINFOREST);

/**
 * rf_ficm_peer - the id of a channel's peer
 * @ch: the channel
 *
 * Return: its id, as the supervisor gave it; 0 is the supervisor.
 */
u32 rf_ficm_peer(const struct rf_ficm_channel *ch)
{
	return ch->peer;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_peer, RAINFOREST);

/**
 * rf_ficm_generation - the generation of a channel
 * @ch: the channel
 *
 * Return: between two subOSes a number that no other channel ever had; of a
 * supervisor's channel the number of the subOS's start.
 */
u64 rf_ficm_generation(const struct rf_ficm_channel *ch)
{
	return ch->generation;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_generation, RAINFOREST);

/**
 * rf_ficm_stats_get - what went through a channel
 * @ch: the channel, open or closed
 * @stats: out
 *
 * Context: any.
 */
void rf_ficm_stats_get(struct rf_ficm_channel *ch, struct rf_ficm_stats *stats)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ch->rx_lock, flags);
	*stats = ch->rxs;
	raw_spin_unlock_irqrestore(&ch->rx_lock, flags);
	raw_spin_lock_irqsave(&ch->tx_lock, flags);
	stats->sent = ch->txs.sent;
	stats->full = ch->txs.full;
	stats->rings = ch->txs.rings;
	stats->dropped += ch->txs.dropped;
	stats->late += ch->txs.late;
	stats->refused[RF_REFUSED_TAIL] = ch->txs.refused[RF_REFUSED_TAIL];
	stats->refused[RF_REFUSED_BELL] += ch->txs.refused[RF_REFUSED_BELL];
	raw_spin_unlock_irqrestore(&ch->tx_lock, flags);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_stats_get, RAINFOREST);

/**
 * rf_ficm_refuse - count a message that makes no sense
 * @ch: the channel that it came by
 *
 * Context: a service's receive() without RF_FICM_IRQ.
 */
void rf_ficm_refuse(struct rf_ficm_channel *ch)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&ch->rx_lock, flags);
	ch->rxs.refused[RF_REFUSED_CONTENT]++;
	raw_spin_unlock_irqrestore(&ch->rx_lock, flags);
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_refuse, RAINFOREST);
