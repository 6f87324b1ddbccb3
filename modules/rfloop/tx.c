// SPDX-License-Identifier: GPL-2.0
/*
 * Sending: a packet into a descriptor, and pieces of the pool. The peer can write
 * these as well: what we wrote there is not read back.
 */
#include <linux/rainforest_core.h>
#include <linux/virtio_net.h>

#include "rfloop.h"

/* How many descriptors may be written; a tail that can't be gives none */
static u32 rf_tx_slots(struct rf_link *l)
{
	struct rf_tx *tx = &l->tx;
	u32 used = tx->head - tx->tail;

	if (used < RF_LOOP_SLOTS)
		return RF_LOOP_SLOTS - used;
	/* it is read when there is need only: the line stays where it is written */
	used = tx->head - smp_load_acquire(&tx->ctrl->tail);
	if (used > RF_LOOP_SLOTS) {
		l->stats.bad_tail++;
		return 0;
	}
	tx->tail = tx->head - used;
	return RF_LOOP_SLOTS - used;
}

static bool rf_chunk_free(const struct rf_tx *tx, u32 c)
{
	/* the peer's word is about its own data only; the acquire is for our writes */
	return rf_pool_idle(&tx->pool, c) && smp_load_acquire(&tx->ctrl->done[c]) == tx->sent[c];
}

/* How many are for copies; without page structures all are */
static u32 rf_tx_copies(const struct rf_tx *tx)
{
	return tx->pool.page ? rf_loop_copies(tx->pool.chunks) : tx->pool.chunks;
}

/**
 * rf_tx_chunk - take a chunk for a socket that nobody uses
 * @l: the link, whose pool has page structures
 * @few: out: few are left
 *
 * It stays nobody's until the caller takes a reference to it.
 *
 * Context: under tx.lock.
 * Return: the chunk, or -1.
 */
int rf_tx_chunk(struct rf_link *l, bool *few)
{
	struct rf_tx *tx = &l->tx;
	u32 first = rf_tx_copies(tx), n = tx->pool.chunks - first;

	lockdep_assert_held(&tx->lock);
	/* they are taken and freed in turn, but for those of sockets that are idle */
	for (u32 i = 0; i < n; i++) {
		u32 c = first + tx->next;

		tx->next = (tx->next + 1) % n;
		*few = i > n / 8;
		if (rf_chunk_free(tx, c))
			return c;
	}
	return -1;
}

/* Likewise for a copy. Sockets of ours have none of these, so the receiver frees them. */
static s32 rf_tx_copy_chunk(struct rf_link *l)
{
	struct rf_tx *tx = &l->tx;
	u32 n = rf_tx_copies(tx);

	for (u32 i = 0; i < n; i++) {
		u32 c = tx->next_copy;

		tx->next_copy = (c + 1) % n;
		if (c != tx->cur && rf_chunk_free(tx, c))
			return c;
	}
	return -1;
}

/* Room for a piece of a copy: up to @len bytes. Return: how many, at @at; 0: none. */
static u32 rf_tx_piece(struct rf_link *l, u32 len, u32 *at)
{
	struct rf_tx *tx = &l->tx;

	if (tx->cur < 0 || tx->off >= RF_LOOP_CHUNK) {
		tx->cur = rf_tx_copy_chunk(l);
		tx->off = 0;
	}
	if (tx->cur < 0)
		return 0;
	len = min_t(u32, len, RF_LOOP_CHUNK - tx->off);
	*at = tx->cur * RF_LOOP_CHUNK + tx->off;
	tx->sent[tx->cur]++;
	/* lines of their own for the next one */
	tx->off += ALIGN(len, 64);
	return len;
}

/* Is it in the pool already, but for its headers? */
static bool rf_tx_placed(struct rf_link *l, const struct sk_buff *skb, struct rf_loop_desc *d)
{
	const struct skb_shared_info *sh = skb_shinfo(skb);

	if (!l->tx.pool.page || !sh->nr_frags || sh->nr_frags > RF_LOOP_FRAGS ||
	    skb_has_frag_list(skb) || skb_headlen(skb) > RF_LOOP_INLINE)
		return false;
	for (unsigned int i = 0; i < sh->nr_frags; i++) {
		const skb_frag_t *f = &sh->frags[i];
		int c = rf_pool_of(&l->tx.pool, skb_frag_page(f));
		u32 off;

		if (c < 0)
			return false;
		off = (page_to_pfn(skb_frag_page(f)) - page_to_pfn(l->tx.pool.page[c])) *
		      PAGE_SIZE + skb_frag_off(f);
		if (off + skb_frag_size(f) > RF_LOOP_CHUNK)
			return false;
		d->frag[i].at = c * RF_LOOP_CHUNK + off;
		d->frag[i].len = skb_frag_size(f);
	}
	d->head = skb_headlen(skb);
	d->frags = sh->nr_frags;
	return true;
}

/* Copy what doesn't fit into the descriptor. Return: false when there is no room. */
static bool rf_tx_copy(struct rf_link *l, const struct sk_buff *skb, struct rf_loop_desc *d)
{
	struct rf_tx *tx = &l->tx;
	s32 cur = tx->cur;
	u32 off = tx->off;

	d->head = min_t(u32, skb->len, RF_LOOP_INLINE);
	d->frags = 0;
	/* all that lay in it has been taken: begin anew */
	if (cur >= 0 && off && rf_chunk_free(tx, cur))
		off = 0;
	tx->off = off;
	for (u32 pos = d->head; pos < skb->len;) {
		struct rf_loop_frag *f = &d->frag[d->frags];

		f->len = d->frags < RF_LOOP_FRAGS ?
			 rf_tx_piece(l, skb->len - pos, &f->at) : 0;
		if (!f->len)
			goto undo;
		d->frags++;
		if (skb_copy_bits(skb, pos, tx->pool.addr + f->at, f->len))
			goto undo;
		pos += f->len;
	}
	return true;

undo:	/* nobody was told of any of it */
	while (d->frags)
		tx->sent[d->frag[--d->frags].at / RF_LOOP_CHUNK]--;
	tx->cur = cur;
	tx->off = off;
	return false;
}

/* Ring the receiver, if it sleeps */
static void rf_tx_bell(struct rf_link *l)
{
	struct rf_loop_control *ctrl = l->tx.ctrl;
	u32 bell;

	smp_mb(); /* seq before notify: pairs with rf_rx_arm() */
	if (!READ_ONCE(ctrl->notify) || !xchg(&ctrl->notify, 0))
		return;
	bell = READ_ONCE(ctrl->bell);
	if (!rf_ficm_knows(bell)) {
		l->stats.bad_bell++;
		return;
	}
	l->stats.tx_rings++;
	rainforest_ring(bell);
}

/* A descriptor into the ring, but for its sequence and its data */
static void rf_tx_write(struct rf_loop_desc *slot, const struct rf_loop_desc *d)
{
	memcpy((u8 *)slot + sizeof(slot->seq), (const u8 *)d + sizeof(d->seq),
	       offsetof(struct rf_loop_desc, frag) - sizeof(d->seq));
	memcpy(slot->frag, d->frag, d->frags * sizeof(d->frag[0]));
}

/* Put a packet into the ring. Return: 0, -ENOBUFS (no room), -EMSGSIZE, -EINVAL. */
static int rf_tx_put(struct rf_link *l, const struct sk_buff *skb, unsigned int how)
{
	struct rf_tx *tx = &l->tx;
	struct rf_loop_desc *slot = &tx->ring[tx->head % RF_LOOP_SLOTS], *d = &tx->desc;
	struct virtio_net_hdr hdr;
	bool placed;

	if (skb->len > RF_LOOP_MAX_LEN)
		return -EMSGSIZE;
	if (!rf_tx_slots(l))
		return -ENOBUFS;
	if (virtio_net_hdr_from_skb(skb, &hdr, true, true, 0))
		return -EINVAL;
	placed = rf_tx_placed(l, skb, d);
	if (!placed && !rf_tx_copy(l, skb, d)) {
		tx->need = DIV_ROUND_UP(skb->len, RF_LOOP_CHUNK);
		return -ENOBUFS;
	}
	d->len = skb->len;
	d->multicast = !!(how & RF_TX_MANY);
	d->protocol = skb->protocol;
	static_assert(sizeof(hdr) == sizeof(d->hdr));
	memcpy(&d->hdr, &hdr, sizeof(hdr));
	rf_tx_write(slot, d);
	skb_copy_bits(skb, 0, slot->data, d->head);
	for (unsigned int i = 0; placed && i < d->frags; i++)
		tx->sent[d->frag[i].at / RF_LOOP_CHUNK]++;
	if (placed)
		l->stats.tx_placed++;
	else if (d->frags)
		l->stats.tx_copied++;
	l->stats.tx_packets++;
	l->stats.tx_bytes += skb->len;
	smp_store_release(&slot->seq, ++tx->head);
	return 0;
}

/* Is there room for the packet that waits? */
static bool rf_tx_has_room(struct rf_link *l)
{
	struct rf_tx *tx = &l->tx;
	u32 found = 0;

	if (!rf_tx_slots(l))
		return false;
	for (u32 c = 0; found < tx->need && c < rf_tx_copies(tx); c++)
		found += rf_chunk_free(tx, c);
	if (found < tx->need)
		return false;
	tx->need = 0;
	return true;
}

/* Nothing more fits: stop the queue, and ask to be rung. Under tx.lock. */
static void rf_tx_stop(struct rf_link *l)
{
	l->stats.tx_full++;
	netif_tx_stop_queue(l->txq);
	WRITE_ONCE(l->tx.ctrl->waiting, 1);
	smp_mb(); /* waiting before tail and done: pairs with rf_rx_tell() */
	if (rf_tx_has_room(l))
		netif_tx_wake_queue(l->txq);
}

/**
 * rf_tx_room - there may be room again: go on sending
 * @l: the link
 *
 * Context: NAPI.
 * Return: true when the queue still waits.
 */
bool rf_tx_room(struct rf_link *l)
{
	bool waits;

	if (!netif_tx_queue_stopped(l->txq))
		return false;
	spin_lock(&l->tx.lock);
	if (!l->tx.closed && !rf_tx_has_room(l)) {
		/* the doorbell was for some that we found ourselves: ask again */
		WRITE_ONCE(l->tx.ctrl->waiting, 1);
		smp_mb(); /* as in rf_tx_stop() */
	}
	waits = !l->tx.closed && !rf_tx_has_room(l);
	if (!waits)
		netif_tx_wake_queue(l->txq);
	spin_unlock(&l->tx.lock);
	return waits;
}

/* Is there another kernel whose packets go by the same queue? */
static bool rf_slot_shares(const struct rf_slot *s)
{
	for (unsigned int i = rf_slot_queue(s) - 1; i < RF_SLOTS; i += RF_QUEUES - 1)
		if (&rf_slots[i] != s && READ_ONCE(rf_slots[i].used))
			return true;
	return false;
}

/**
 * rf_tx - send a packet
 * @l: the link
 * @skb: the packet, from its network header; gone, unless NETDEV_TX_BUSY
 * @how: RF_TX_*
 *
 * Context: bottom halves off.
 * Return: NETDEV_TX_OK; NETDEV_TX_BUSY: no room, the queue is stopped.
 */
netdev_tx_t rf_tx(struct rf_link *l, struct sk_buff *skb, unsigned int how)
{
	bool drop = how & RF_TX_DROP;
	unsigned int len = skb->len;
	int err = -ENOBUFS;

	spin_lock(&l->tx.lock);
	if (!l->tx.closed)
		err = rf_tx_put(l, skb, how);
	if (err == -ENOBUFS && !drop && !l->tx.closed)
		rf_tx_stop(l);
	/*
	 * With more to come it is rung later, whatever becomes of that, unless that
	 * may be for another kernel; -ENOBUFS is the end of it.
	 */
	if (!l->tx.closed && (err == -ENOBUFS || drop || !netdev_xmit_more() ||
			      rf_slot_shares(l->slot)))
		rf_tx_bell(l);
	if (err == -ENOBUFS && !drop && !l->tx.closed) {
		spin_unlock(&l->tx.lock);
		return NETDEV_TX_BUSY;
	}
	spin_unlock(&l->tx.lock);
	if (err) {
		dev_core_stats_tx_dropped_inc(rf_dev);
		kfree_skb(skb);
		return NETDEV_TX_OK;
	}
	dev_sw_netstats_tx_add(rf_dev, 1, len);
	consume_skb(skb);
	return NETDEV_TX_OK;
}
