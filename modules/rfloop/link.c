// SPDX-License-Identifier: GPL-2.0
/* The rings to and from one kernel: from the region that the supervisor gave us both */
#define pr_fmt(fmt) "rfloop: " fmt

#include <linux/mm.h>
#include <linux/rtnetlink.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "rfloop.h"

#define RF_LINGER_MS	500	/* between two looks at pages that sockets still hold */

static LIST_HEAD(rf_lingering);		/* the workqueue's */
static void rf_linger_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(rf_linger, rf_linger_work);
static DEFINE_MUTEX(rf_linger_lock);

static void rf_link_free(struct rf_link *l)
{
	kvfree(l->rx.done);
	kvfree(l->rx.held);
	kvfree(l->rx.busy);
	kvfree(l->tx.sent);
	kvfree(l);
}

/* Give the region back, if sockets have let go of its pages. Return: true if so. */
static bool rf_link_release(struct rf_link *l)
{
	struct rf_region *r = l->region;

	if (!rf_pool_quiet(&l->rx.pool) || !rf_pool_quiet(&l->tx.pool))
		return false;
	rf_pool_close(&l->rx.pool);
	rf_pool_close(&l->tx.pool);
	rf_region_release(r);
	rf_link_free(l);
	return true;
}

static void rf_linger_work(struct work_struct *work)
{
	struct rf_link *l, *next;

	guard(mutex)(&rf_linger_lock);
	list_for_each_entry_safe(l, next, &rf_lingering, linger) {
		list_del(&l->linger);
		if (!rf_link_release(l))
			list_add(&l->linger, &rf_lingering);
	}
	if (!list_empty(&rf_lingering))
		schedule_delayed_work(&rf_linger, msecs_to_jiffies(RF_LINGER_MS));
}

static struct rf_link *rf_link_alloc(struct rf_region *r, u32 chunks)
{
	unsigned int tx = rf_own_id() < r->peer ? 0 : 1;
	struct rf_link *l = kvzalloc(sizeof(*l), GFP_KERNEL);

	if (!l)
		return NULL;
	l->region = r;
	l->peer = r->peer;
	spin_lock_init(&l->tx.lock);
	l->rx.ctrl = r->addr + RF_LOOP_CONTROL(!tx);
	l->rx.ring = r->addr + RF_LOOP_RING(!tx);
	l->tx.ctrl = r->addr + RF_LOOP_CONTROL(tx);
	l->tx.ring = r->addr + RF_LOOP_RING(tx);
	l->tx.cur = -1;
	l->rx.done = kvcalloc(chunks, sizeof(*l->rx.done), GFP_KERNEL);
	l->rx.held = kvcalloc(chunks, sizeof(*l->rx.held), GFP_KERNEL);
	l->rx.busy = kvcalloc(RF_LOOP_MAX_CHUNKS, sizeof(*l->rx.busy), GFP_KERNEL);
	l->tx.sent = kvcalloc(chunks, sizeof(*l->tx.sent), GFP_KERNEL);
	if (!l->rx.done || !l->rx.held || !l->rx.busy || !l->tx.sent)
		goto err_free;
	if (rf_pool_open(&l->rx.pool, r, RF_LOOP_POOL(!tx, chunks), chunks))
		goto err_free;
	if (rf_pool_open(&l->tx.pool, r, RF_LOOP_POOL(tx, chunks), chunks))
		goto err_pool;
	return l;

err_pool:
	rf_pool_close(&l->rx.pool);
err_free:
	rf_link_free(l);
	return NULL;
}

/* What the tag and the size say must be what we know. Return: chunks, 0: it isn't. */
static u32 rf_link_chunks(const struct rf_region *r)
{
	u32 chunks = r->tag[0] >> 32;

	if (r->tag[0] != RF_LOOP_TAG(RF_LOOP_PAIR, chunks) || !r->addr || !chunks ||
	    chunks > RF_LOOP_MAX_CHUNKS || chunks % 64 || r->size < RF_LOOP_SIZE(chunks))
		return 0;
	return chunks;
}

static void rf_link_refuse(struct rf_region *r, const char *why)
{
	pr_warn("no link to kernel %u: %s\n", r->peer, why);
	rf_event_back(r);
}

/*
 * Say where we are to be rung. The communication core may move meanwhile, and another
 * CPU write the new one: whoever writes last sees where it is now.
 */
static void rf_link_bell(struct rf_link *l)
{
	u32 bell;

	do {
		bell = rf_ficm_core_apicid();
		WRITE_ONCE(l->rx.bell, bell);
		WRITE_ONCE(l->rx.ctrl->bell, bell);
		WRITE_ONCE(l->tx.ctrl->send_bell, bell);
		smp_mb(); /* bells before all looks: who rings reads them last */
	} while (bell != rf_ficm_core_apicid());
}

/**
 * rf_link_open - a region for a pair has come
 * @r: the region; ours until rf_region_release()
 *
 * Context: the workqueue.
 */
void rf_link_open(struct rf_region *r)
{
	struct rf_slot *s = rf_slot_of(r->peer);
	u32 chunks = rf_link_chunks(r);
	struct rf_link *l;

	r->priv = NULL;
	if (!chunks)
		return rf_link_refuse(r, "its region is of another version");
	if (!s || rcu_access_pointer(s->link))
		return rf_link_refuse(r, s ? "there is one" : "it is gone");
	l = rf_link_alloc(r, chunks);
	if (!l)
		return rf_link_refuse(r, "no memory");
	r->priv = l;
	l->slot = s;
	l->txq = netdev_get_tx_queue(rf_dev, rf_slot_queue(s));
	hrtimer_init(&l->timer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_SOFT);
	l->timer.function = rf_rx_timer;
	rf_link_bell(l);
	rtnl_lock();
	netif_napi_add(rf_dev, &l->napi, rf_rx_poll);
	rtnl_unlock();
	napi_enable(&l->napi);
	rf_pool_hook();
	rcu_assign_pointer(s->link, l);
	/* again: it may have moved before rf_link_rung() could find the link */
	rf_link_bell(l);
	rf_map_budgets();
	/* the other may have written already; and bells are asked for at the end */
	local_bh_disable();
	napi_schedule(&l->napi);
	local_bh_enable();
	rf_dev_go(s);
}

/**
 * rf_link_close - the other end is gone
 * @r: the region
 *
 * Packets to it are answered by who sends them. The region goes back when no socket
 * has any of its pages any more.
 *
 * Context: the workqueue.
 */
void rf_link_close(struct rf_region *r)
{
	struct rf_link *l = r->priv;
	struct rf_slot *s = l->slot;

	RCU_INIT_POINTER(s->link, NULL);
	s->asked = 0;
	spin_lock_bh(&l->tx.lock);
	l->tx.closed = true;
	spin_unlock_bh(&l->tx.lock);
	synchronize_rcu_expedited();	/* doorbells, senders, sockets */
	napi_disable(&l->napi);
	rtnl_lock();
	netif_napi_del(&l->napi);
	rtnl_unlock();
	/* only now: a poll that napi_disable() didn't wait for may have set it */
	hrtimer_cancel(&l->timer);
	netif_tx_wake_queue(l->txq);
	guard(mutex)(&rf_linger_lock);
	if (!rf_link_release(l)) {
		list_add(&l->linger, &rf_lingering);
		schedule_delayed_work(&rf_linger, msecs_to_jiffies(RF_LINGER_MS));
	}
}

/* In hard interrupt, or with interrupts off when the communication core has moved */
static void rf_link_rung(void)
{
	u32 bell = rf_ficm_core_apicid();

	for (unsigned int i = 0; i < RF_SLOTS; i++) {
		struct rf_link *l = rcu_dereference(rf_slots[i].link);

		if (!l)
			continue;
		if (READ_ONCE(l->rx.bell) != bell)
			rf_link_bell(l);
		if (rf_rx_ready(&l->rx) || netif_tx_queue_stopped(l->txq))
			napi_schedule_irqoff(&l->napi);
	}
}

static struct rf_ficm_bell rf_bell = {
	.rung	= rf_link_rung,
};

void rf_link_init(void)
{
	rf_ficm_doorbell_add(&rf_bell);
}

/* All regions have been taken. Sockets may hold pages: wait for them. */
void rf_link_exit(void)
{
	rf_ficm_doorbell_remove(&rf_bell);
	cancel_delayed_work_sync(&rf_linger);
	WARN_ON(!list_empty(&rf_lingering));
}
