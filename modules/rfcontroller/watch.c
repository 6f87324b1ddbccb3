// SPDX-License-Identifier: GPL-2.0
/*
 * The watcher: looks at all subOSes five times a second, and at once when a
 * doorbell may have been about what they print, read or say of themselves.
 *
 * Most doorbells are for messages, which FICM has taken by then, and a round of
 * the watcher costs much more than a message. Which it was isn't told, and two
 * that come together are one interrupt. So the interrupt compares the words that
 * a subOS writes before it rings us for anything else with what it saw of them
 * last time. Nothing is lost by that:
 *
 * - A subOS writes its word first and rings after, so the interrupt sees that
 *   word, or one yet newer.
 * - If it finds no difference, an interrupt before it saw the same word, and
 *   kicked the watcher after that: its round comes after the word too.
 * - Who goes to sleep in between (a reader of a stream) has put himself into
 *   s->wait before his last look at the word. He saw it, or that round wakes him.
 */
#include <linux/rculist.h>
#include <linux/workqueue.h>

#include <rf/abi/alive.h>
#include <rf/ficm.h>

#include "rfcontroller.h"

#define RF_WATCH_MS	RF_ALIVE_MS	/* without a doorbell */

static void rf_watch(struct work_struct *work);
static DECLARE_DELAYED_WORK(rf_watch_work, rf_watch);

static LIST_HEAD(rf_watched);		/* of those started, by watch.node; RCU */
static DEFINE_MUTEX(rf_watched_lock);	/* its writers */

static void rf_watch(struct work_struct *work)
{
	struct rf_subos *s, *prev = NULL;
	bool alive = false;

	/* Hold only a reference while looking: a drain may take its time */
	mutex_lock(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node) {
		kref_get(&s->ref);
		mutex_unlock(&rf_list_lock);
		if (prev)
			rf_subos_put(prev);
		prev = s;
		rf_subos_watch(s);
		alive |= rf_state_alive(s->state);
		mutex_lock(&rf_list_lock);
		if (s->dead) {
			/* its links are gone; the next round sees the others */
			alive = true;
			break;
		}
	}
	mutex_unlock(&rf_list_lock);
	if (prev)
		rf_subos_put(prev);
	if (alive)
		queue_delayed_work(system_highpri_wq, &rf_watch_work,
				   msecs_to_jiffies(RF_WATCH_MS));
}

/**
 * rf_watch_kick - look at all subOSes now
 *
 * Context: any.
 */
void rf_watch_kick(void)
{
	mod_delayed_work(system_highpri_wq, &rf_watch_work, 0);
}

/* The word of a ring that moves when there is something in it for us */
static u64 rf_watch_ring(struct rf_subos *s, unsigned int id)
{
	const struct rf_ring *ring = rf_ring_of(s, id);

	if (id == RF_RING_CONSOLE_IN || id == RF_RING_STDIN)
		return READ_ONCE(ring->tail);
	return READ_ONCE(ring->head) << 1 | (READ_ONCE(ring->flags) & RF_RING_CLOSED);
}

/* Two interrupts may be at it when the communication core moves */
static bool rf_watch_new(u64 *seen, u64 now)
{
	return READ_ONCE(*seen) != now && xchg(seen, now) != now;
}

static bool rf_watch_changed(struct rf_subos *s)
{
	u64 *seen = s->watch.seen;
	bool changed;

	changed = rf_watch_new(&seen[RF_RING_COUNT], (u64)READ_ONCE(s->desc->exited) << 32 |
			       READ_ONCE(s->desc->state));
	for (unsigned int id = 0; id < RF_RING_COUNT; id++)
		changed |= rf_watch_new(&seen[id], rf_watch_ring(s, id));
	return changed;
}

/* In interrupt, under RCU */
static void rf_watch_rung(void)
{
	static unsigned int core = UINT_MAX;
	bool changed = READ_ONCE(core) != rf_ficm_core();
	struct rf_subos *s;

	/* it has moved: subOSes are to be told whom to ring */
	if (changed)
		WRITE_ONCE(core, rf_ficm_core());
	list_for_each_entry_rcu(s, &rf_watched, watch.node)
		changed |= rf_watch_changed(s);
	if (changed)
		rf_watch_kick();
}

static struct rf_ficm_bell rf_watch_bell = {
	.rung	= rf_watch_rung,
};

/**
 * rf_watch_add - from now on look at what a subOS writes when it rings
 * @s: the subOS, before its start; its control area is mapped
 *
 * Context: process, may sleep; s->drain held.
 */
void rf_watch_add(struct rf_subos *s)
{
	lockdep_assert_held(&s->drain);
	rf_watch_remove(s);
	/* what no ring and no state can be: so the first doorbell is for something */
	memset(s->watch.seen, 0xff, sizeof(s->watch.seen));
	mutex_lock(&rf_watched_lock);
	s->watch.on = true;
	list_add_tail_rcu(&s->watch.node, &rf_watched);
	mutex_unlock(&rf_watched_lock);
}

/**
 * rf_watch_remove - look at it no more
 * @s: the subOS
 *
 * When this returns no interrupt reads its control area, which may be unmapped.
 *
 * Context: process, may sleep; s->drain held.
 */
void rf_watch_remove(struct rf_subos *s)
{
	lockdep_assert_held(&s->drain);
	if (!s->watch.on)
		return;
	mutex_lock(&rf_watched_lock);
	s->watch.on = false;
	list_del_rcu(&s->watch.node);
	mutex_unlock(&rf_watched_lock);
	synchronize_rcu_expedited();
}

void rf_watch_init(void)
{
	rf_ficm_doorbell_add(&rf_watch_bell);
}

/* No subOS is left */
void rf_watch_exit(void)
{
	rf_ficm_doorbell_remove(&rf_watch_bell);
	cancel_delayed_work_sync(&rf_watch_work);
}
