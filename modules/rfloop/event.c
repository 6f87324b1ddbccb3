// SPDX-License-Identifier: GPL-2.0
/*
 * What changes the world, one after the other: in a workqueue of our own, since
 * FICM's read thread isn't to wait, and since all of it may then do without locks.
 */
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "rfloop.h"

#define RF_EVENTS	1024	/* that wait: messages beyond are dropped, a peer may be mad */

static struct workqueue_struct *rf_wq;
static DEFINE_SPINLOCK(rf_events_lock);
static LIST_HEAD(rf_events);
static unsigned int rf_nr_events;

static void rf_event_run(const struct rf_event *e)
{
	switch (e->type) {
	case RF_EVENT_GIVEN:
		/* who is at the other end may be news */
		rf_end_idle();
		if ((e->region->tag[0] & 0xff) == RF_LOOP_PAIR)
			rf_link_open(e->region);
		else
			rf_end_given(e->region);
		break;
	case RF_EVENT_TAKEN:
		if ((e->region->tag[0] & 0xff) == RF_LOOP_PAIR)
			rf_link_close(e->region);
		else
			rf_end_taken(e->region);
		break;
	default:
		rf_end_event(e);
	}
}

static void rf_events_work(struct work_struct *work);
static DECLARE_WORK(rf_work, rf_events_work);

static void rf_events_work(struct work_struct *work)
{
	struct rf_event *e;

	for (;;) {
		spin_lock_bh(&rf_events_lock);
		e = list_first_entry_or_null(&rf_events, struct rf_event, node);
		if (e) {
			list_del(&e->node);
			rf_nr_events--;
		}
		spin_unlock_bh(&rf_events_lock);
		if (!e) {
			rf_end_idle();
			return;
		}
		rf_event_run(e);
		kfree(e);
		cond_resched();
	}
}

/**
 * rf_event_put - have something done
 * @e: what; copied
 * @gfp: for the copy
 *
 * Context: any but hard interrupt.
 * Return: 0; -ENOMEM; -ENOBUFS: a message, and too much waits.
 */
int rf_event_put(const struct rf_event *e, gfp_t gfp)
{
	struct rf_event *copy = kmemdup(e, sizeof(*e), gfp);

	if (!copy)
		return -ENOMEM;
	spin_lock_bh(&rf_events_lock);
	if (rf_nr_events >= RF_EVENTS && e->type == RF_EVENT_MESSAGE) {
		spin_unlock_bh(&rf_events_lock);
		kfree(copy);
		return -ENOBUFS;
	}
	rf_nr_events++;
	list_add_tail(&copy->node, &rf_events);
	spin_unlock_bh(&rf_events_lock);
	queue_work(rf_wq, &rf_work);
	return 0;
}

/**
 * rf_event_back - give a region back that was just given
 * @r: the region; gone
 *
 * That it has been taken meanwhile is of no interest any more.
 *
 * Context: the workqueue.
 */
void rf_event_back(struct rf_region *r)
{
	struct rf_event *e, *next;
	u64 id = r->id;

	rf_region_release(r);
	spin_lock_bh(&rf_events_lock);
	list_for_each_entry_safe(e, next, &rf_events, node) {
		if (e->type == RF_EVENT_TAKEN && e->generation == id) {
			list_del(&e->node);
			rf_nr_events--;
			kfree(e);
		}
	}
	spin_unlock_bh(&rf_events_lock);
}

/* All that was put is done when this returns */
void rf_event_flush(void)
{
	flush_workqueue(rf_wq);
}

int rf_event_init(void)
{
	rf_wq = alloc_ordered_workqueue("rf_loop", 0);
	return rf_wq ? 0 : -ENOMEM;
}

void rf_event_exit(void)
{
	destroy_workqueue(rf_wq);
}
