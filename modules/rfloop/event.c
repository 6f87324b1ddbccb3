// SPDX-License-Identifier: GPL-2.0
/*
 * What changes the world, one after the other: in a workqueue of our own, since
 * FICM's read thread isn't to wait, and since all of it may then do without locks.
 */
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "rfloop.h"

#define RF_MESSAGES	1024	/* of a peer, that wait: more are dropped, it may be mad */

static struct workqueue_struct *rf_wq;
static DEFINE_SPINLOCK(rf_events_lock);
static LIST_HEAD(rf_events);
static unsigned int rf_nr_messages[RF_LOOP_KERNELS];	/* that wait, by their peer's id */

static LIST_HEAD(rf_held);	/* the workqueue's: RF_EVENT_GIVEN of each region that we have */
bool rf_leaving;

static unsigned int *rf_messages_of(u32 id)
{
	return &rf_nr_messages[id % RF_LOOP_KERNELS];
}

/* A region is ours no more. Return: false when it hasn't been: @r may be freed memory. */
static bool rf_event_forget(const struct rf_region *r, u64 id)
{
	struct rf_event *e;

	list_for_each_entry(e, &rf_held, node) {
		if (e->region == r && e->generation == id) {
			list_del(&e->node);
			kfree(e);
			return true;
		}
	}
	return false;
}

static void rf_event_given(struct rf_region *r)
{
	if (rf_leaving) {
		rf_event_back(r);
		return;
	}
	/* who is at the other end may be news */
	rf_end_idle();
	if ((r->tag[0] & 0xff) == RF_LOOP_PAIR)
		rf_link_open(r);
	else
		rf_end_given(r);
}

static void rf_event_taken(struct rf_region *r)
{
	if ((r->tag[0] & 0xff) == RF_LOOP_PAIR)
		rf_link_close(r);
	else
		rf_end_taken(r);
}

/* @e is gone then, or held */
static void rf_event_run(struct rf_event *e)
{
	switch (e->type) {
	case RF_EVENT_GIVEN:
		list_add(&e->node, &rf_held);
		rf_event_given(e->region);
		return;
	case RF_EVENT_TAKEN:
		/* it may have been given back before */
		if (rf_event_forget(e->region, e->generation))
			rf_event_taken(e->region);
		break;
	default:
		if (!rf_leaving)
			rf_end_event(e);
	}
	kfree(e);
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
			if (e->type == RF_EVENT_MESSAGE)
				--*rf_messages_of(e->id);
		}
		spin_unlock_bh(&rf_events_lock);
		if (!e)
			break;
		rf_event_run(e);
		cond_resched();
	}
	if (!rf_leaving)
		rf_end_idle();
}

/**
 * rf_event_put - have something done
 * @e: what; copied
 * @gfp: for the copy
 *
 * Context: any but hard interrupt.
 * Return: 0; -ENOMEM; -ENOBUFS: a message, and too many of that peer wait.
 */
int rf_event_put(const struct rf_event *e, gfp_t gfp)
{
	struct rf_event *copy = kmemdup(e, sizeof(*e), gfp);

	if (!copy)
		return -ENOMEM;
	spin_lock_bh(&rf_events_lock);
	if (e->type == RF_EVENT_MESSAGE) {
		unsigned int *n = rf_messages_of(e->id);

		if (*n >= RF_MESSAGES) {
			spin_unlock_bh(&rf_events_lock);
			kfree(copy);
			return -ENOBUFS;
		}
		++*n;
	}
	list_add_tail(&copy->node, &rf_events);
	spin_unlock_bh(&rf_events_lock);
	queue_work(rf_wq, &rf_work);
	return 0;
}

/**
 * rf_event_back - give a region back that was just given
 * @r: the region; gone
 *
 * That it is taken, or was meanwhile, is of no interest any more: the one who says so
 * may have begun before this, and be late.
 *
 * Context: the workqueue.
 */
void rf_event_back(struct rf_region *r)
{
	rf_event_forget(r, r->id);
	rf_region_release(r);
}

static void rf_leave(struct work_struct *work)
{
	rf_leaving = true;
	rf_pool_unhook();
	/* what sockets have of links they let go, or have to be read: it is waited for */
	rf_map_clear();
}

static DECLARE_WORK(rf_leave_work, rf_leave);

/**
 * rf_event_leave - the module goes
 *
 * From here on there is no list and no new link; what is given goes back.
 *
 * Context: process, may sleep.
 */
void rf_event_leave(void)
{
	queue_work(rf_wq, &rf_leave_work);
	flush_work(&rf_leave_work);
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
