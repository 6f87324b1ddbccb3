// SPDX-License-Identifier: GPL-2.0
/*
 * Receiving: NAPI. What a descriptor says is copied once, bounded, and then used.
 * Its pieces become the packet's fragments where they lie, if there are page
 * structures for them and sockets don't hold too many already; else they are copied.
 */
#include <linux/etherdevice.h>
#include <linux/mm.h>
#include <linux/rainforest_core.h>
#include <linux/virtio_net.h>

#include "rfloop.h"

#define RF_RELEASES	32	/* chunks looked at in one go */
#define RF_PLACE_MIN	2048	/* bytes: less is copied sooner than referred to */
#define RF_PAUSE_MAX_NS	(256 * NSEC_PER_MSEC)
#define RF_BURST_MS	100	/* what may be saved up of a budget */
#define RF_MICRO	1000000	/* budgets are counted in millionths: a second in microseconds */

/* ---- giving back ---- */

/* Tell the sender what we have done with; ring it if it waits for that */
static void rf_rx_tell(struct rf_link *l, bool freed)
{
	struct rf_rx *rx = &l->rx;
	u32 bell;

	if (rx->told == rx->pos && !freed)
		return;
	rx->told = rx->pos;
	smp_store_release(&rx->ctrl->tail, rx->pos);	/* our reads before its writes */
	smp_mb(); /* tail and done before waiting: pairs with rf_tx_stop() */
	if (!READ_ONCE(rx->ctrl->waiting) || !xchg(&rx->ctrl->waiting, 0))
		return;
	bell = READ_ONCE(rx->ctrl->send_bell);
	if (rf_ficm_knows(bell))
		rainforest_ring(bell);
	else
		l->stats.bad_bell++;
}

static void rf_rx_done(struct rf_rx *rx, u32 c, u32 pieces)
{
	rx->done[c] += pieces;
	smp_store_release(&rx->ctrl->done[c], rx->done[c]);
}

/* Which kind of chunk: 0 is for sockets' pages, 1 for copies */
static unsigned int rf_rx_kind(const struct rf_rx *rx, u32 c)
{
	return c < rf_loop_copies(rx->pool.chunks);
}

/* May sockets have more chunks of that kind? */
static bool rf_rx_spares(const struct rf_rx *rx, u32 c)
{
	u32 copies = rf_loop_copies(rx->pool.chunks);
	unsigned int kind = rf_rx_kind(rx, c);

	return rx->kept[kind] < (kind ? copies / 2 : (rx->pool.chunks - copies) / 4 * 3);
}

/* Look which pages sockets have let go. Return: were there any? */
static bool rf_rx_release(struct rf_link *l)
{
	struct rf_rx *rx = &l->rx;
	u32 n = min_t(u32, rx->busy_head - rx->busy_tail, RF_RELEASES);
	bool freed = false;

	while (n--) {
		u32 c = rx->busy[rx->busy_tail++ % RF_LOOP_MAX_CHUNKS];

		if (rf_pool_idle(&rx->pool, c)) {
			smp_rmb(); /* pairs with the full barrier in put_page() */
			rf_rx_done(rx, c, rx->held[c]);
			rx->held[c] = 0;
			rx->kept[rf_rx_kind(rx, c)]--;
			freed = true;
		} else {
			rx->busy[rx->busy_head++ % RF_LOOP_MAX_CHUNKS] = c;
		}
	}
	return freed;
}

/* ---- budgets ---- */

/* May the other kernel's next packet come in? */
static bool rf_rx_allowed(struct rf_rx *rx)
{
	u64 pps = READ_ONCE(rx->pps), bps = READ_ONCE(rx->bps), us;
	ktime_t now;

	if (likely(!pps && !bps))
		return true;
	now = ktime_get();
	us = min_t(u64, ktime_us_delta(now, rx->filled), RF_BURST_MS * USEC_PER_MSEC);
	if (us) {
		rx->filled = ktime_add_us(rx->filled, us);
		if (ktime_ms_delta(now, rx->filled))
			rx->filled = now;	/* a burst is all that is saved up */
		rx->packets = min_t(s64, rx->packets + pps * us,
				    pps * RF_BURST_MS * USEC_PER_MSEC + RF_MICRO);
		rx->bytes = min_t(s64, rx->bytes + bps * us,
				  bps * RF_BURST_MS * USEC_PER_MSEC + RF_MICRO);
	}
	return (!pps || rx->packets > 0) && (!bps || rx->bytes > 0);
}

/* What came in without a budget is no debt when there is one */
static void rf_rx_charge(struct rf_rx *rx, u32 len)
{
	rx->packets = READ_ONCE(rx->pps) ? rx->packets - RF_MICRO : 0;
	rx->bytes = READ_ONCE(rx->bps) ? rx->bytes - (s64)len * RF_MICRO : 0;
}

/* ---- one packet ---- */

/* Is it something that a sender who keeps to the protocol writes? */
static bool rf_rx_sane(const struct rf_rx *rx, const struct rf_loop_desc *d)
{
	u64 size = rx->pool.chunks * RF_LOOP_CHUNK, sum = d->head;

	if (d->head > RF_LOOP_INLINE || d->frags > RF_LOOP_FRAGS || d->len > RF_LOOP_MAX_LEN)
		return false;
	if (d->protocol != htons(ETH_P_IP) && d->protocol != htons(ETH_P_IPV6))
		return false;
	/* what is to be looked at first stands in the descriptor */
	if (d->head < (d->protocol == htons(ETH_P_IP) ? sizeof(struct iphdr) :
							 sizeof(struct ipv6hdr)))
		return false;
	for (unsigned int i = 0; i < d->frags; i++) {
		const struct rf_loop_frag *f = &d->frag[i];

		if (!f->len || f->len > RF_LOOP_CHUNK || f->at >= size ||
		    f->at % RF_LOOP_CHUNK + f->len > RF_LOOP_CHUNK)
			return false;
		sum += f->len;
	}
	return sum == d->len;
}

static struct sk_buff *rf_rx_place(struct rf_link *l, const struct rf_loop_desc *d,
				   const u8 *data)
{
	struct sk_buff *skb = napi_alloc_skb(&l->napi, d->head);
	struct rf_rx *rx = &l->rx;

	if (!skb) {
		for (unsigned int i = 0; i < d->frags; i++)
			rf_rx_done(rx, d->frag[i].at / RF_LOOP_CHUNK, 1);
		return NULL;
	}
	skb_put_data(skb, data, d->head);
	for (unsigned int i = 0; i < d->frags; i++) {
		u32 c = d->frag[i].at / RF_LOOP_CHUNK;

		get_page(rx->pool.page[c]);
		skb_add_rx_frag(skb, i, rx->pool.page[c], d->frag[i].at % RF_LOOP_CHUNK,
				d->frag[i].len, d->frag[i].len);
		if (!rx->held[c]++) {
			rx->busy[rx->busy_head++ % RF_LOOP_MAX_CHUNKS] = c;
			rx->kept[rf_rx_kind(rx, c)]++;
		}
	}
	l->stats.rx_placed++;
	return skb;
}

static struct sk_buff *rf_rx_copy(struct rf_link *l, const struct rf_loop_desc *d,
				  const u8 *data)
{
	unsigned int rest = d->len - d->head, pos = d->head;
	struct rf_rx *rx = &l->rx;
	struct sk_buff *skb;
	int err;

	skb = alloc_skb_with_frags(d->head + NET_SKB_PAD, rest, PAGE_ALLOC_COSTLY_ORDER, &err,
				   GFP_ATOMIC | __GFP_NOWARN);
	if (skb) {
		skb_reserve(skb, NET_SKB_PAD);
		skb_put_data(skb, data, d->head);
		skb->len += rest;
		skb->data_len = rest;
	}
	for (unsigned int i = 0; i < d->frags; i++) {
		const struct rf_loop_frag *f = &d->frag[i];

		if (skb && skb_store_bits(skb, pos, rx->pool.addr + f->at, f->len)) {
			kfree_skb(skb);
			skb = NULL;
		}
		pos += f->len;
		rf_rx_done(rx, f->at / RF_LOOP_CHUNK, 1);
	}
	if (d->frags)
		l->stats.rx_copied++;
	return skb;
}

static void rf_rx_deliver(struct rf_link *l, struct sk_buff *skb, const struct rf_loop_desc *d)
{
	struct virtio_net_hdr hdr;
	unsigned int len = skb->len;

	memcpy(&hdr, &d->hdr, sizeof(hdr));
	skb->dev = rf_dev;
	skb->protocol = d->protocol;
	/* there is none, and ingress hooks count on it */
	skb_reset_mac_header(skb);
	skb_reset_network_header(skb);
	if (d->multicast)
		skb->pkt_type = PACKET_MULTICAST;
	if (virtio_net_hdr_to_skb(skb, &hdr, true)) {
		l->stats.bad_header++;
		dev_core_stats_rx_dropped_inc(rf_dev);
		kfree_skb(skb);
		return;
	}
	if (hdr.flags & VIRTIO_NET_HDR_F_DATA_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (skb_is_gso(skb))
		skb_shinfo(skb)->gso_segs = DIV_ROUND_UP(len, skb_shinfo(skb)->gso_size);
	skb_record_rx_queue(skb, 0);
	dev_sw_netstats_rx_add(rf_dev, len);
	netif_receive_skb(skb);
}

/* Take the next packet. Return: false when there is none. */
static bool rf_rx_take(struct rf_link *l)
{
	struct rf_rx *rx = &l->rx;
	const struct rf_loop_desc *slot = &rx->ring[rx->pos % RF_LOOP_SLOTS];
	u32 seq = smp_load_acquire(&slot->seq), want = rx->pos + 1;
	struct rf_loop_desc d;	/* but for its data */
	struct sk_buff *skb;

	if (seq != want) {
		if (seq != want - RF_LOOP_SLOTS && seq != rx->odd) {
			rx->odd = seq;
			l->stats.bad_sequence++;
		}
		return false;
	}
	memcpy(&d, slot, offsetof(struct rf_loop_desc, data));
	barrier(); /* it is our copy that is looked at */
	rx->odd = 0;
	rx->pos++;
	if (!rf_rx_sane(rx, &d)) {
		l->stats.bad_bounds++;
		return true;
	}
	if (rx->pool.page && d.len - d.head >= RF_PLACE_MIN &&
	    rf_rx_spares(rx, d.frag[0].at / RF_LOOP_CHUNK))
		skb = rf_rx_place(l, &d, slot->data);
	else
		skb = rf_rx_copy(l, &d, slot->data);
	rf_rx_charge(rx, d.len);
	if (!skb) {
		l->stats.rx_dropped++;
		dev_core_stats_rx_dropped_inc(rf_dev);
		return true;
	}
	l->stats.rx_packets++;
	l->stats.rx_bytes += d.len;
	rf_rx_deliver(l, skb, &d);
	return true;
}

/* ---- NAPI ---- */

/* Is there something for NAPI to do? Context: any, under RCU. */
bool rf_rx_ready(const struct rf_rx *rx)
{
	/* who was rung for what has been taken meanwhile has to ask for bells again */
	return READ_ONCE(rx->ring[READ_ONCE(rx->pos) % RF_LOOP_SLOTS].seq) ==
	       READ_ONCE(rx->pos) + 1 || !READ_ONCE(rx->ctrl->notify);
}

enum hrtimer_restart rf_rx_timer(struct hrtimer *timer)
{
	struct rf_link *l = container_of(timer, struct rf_link, timer);

	napi_schedule(&l->napi);
	return HRTIMER_NORESTART;
}

/* Come back without a doorbell: at once when somebody waits, else less and less often */
static void rf_rx_pause(struct rf_link *l, bool waits, bool freed)
{
	if (waits || READ_ONCE(l->rx.ctrl->waiting))
		l->pause_ns = RF_PAUSE_NS;
	else if (freed)
		l->pause_ns = 16 * RF_PAUSE_NS;
	else
		l->pause_ns = clamp_t(u64, l->pause_ns * 2, RF_PAUSE_NS, RF_PAUSE_MAX_NS);
	hrtimer_start(&l->timer, ns_to_ktime(l->pause_ns), HRTIMER_MODE_REL_SOFT);
}

/* Ask for doorbells. True: something came meanwhile, and nobody may ring for it. */
static bool rf_rx_arm(struct rf_rx *rx)
{
	WRITE_ONCE(rx->ctrl->notify, 1);
	smp_mb(); /* notify before seq: pairs with rf_tx_bell() */
	return READ_ONCE(rx->ring[rx->pos % RF_LOOP_SLOTS].seq) == rx->pos + 1;
}

/**
 * rf_rx_poll - NAPI of one link
 * @napi: the link's
 * @budget: packets at most
 *
 * Return: how many were taken.
 */
int rf_rx_poll(struct napi_struct *napi, int budget)
{
	struct rf_link *l = container_of(napi, struct rf_link, napi);
	struct rf_rx *rx = &l->rx;
	bool waits = rf_tx_room(l), freed, held = false;
	int work = 0;

	/* netpoll, which wants nothing but room to send */
	if (!budget)
		return 0;
	freed = rf_rx_release(l);
	if (READ_ONCE(rx->ctrl->notify))
		WRITE_ONCE(rx->ctrl->notify, 0);
	while (work < budget) {
		if (!rf_rx_allowed(rx)) {
			l->stats.rx_throttled++;
			held = true;
			break;
		}
		if (!rf_rx_take(l))
			break;
		work++;
		if (rx->pos - rx->told >= RF_LOOP_SLOTS / 4)
			rf_rx_tell(l, false);
	}
	rf_rx_tell(l, freed);
	if (work == budget)
		return work;
	if (!napi_complete_done(napi, work))
		return work;
	if (held || waits || rx->busy_head != rx->busy_tail)
		rf_rx_pause(l, waits || held, freed || work);
	/* with its budget used up a peer is not to ring us, it is the timer's turn */
	if (!held && rf_rx_arm(rx))
		napi_schedule(napi);
	return work;
}
