// SPDX-License-Identifier: GPL-2.0
/* An end of a channel, or a listener: its life, and its handle */
#include <linux/atomic.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/xarray.h>

#include "internal.h"

/* By handle. A handle comes again only after all others, so that late words miss. */
static DEFINE_XARRAY_FLAGS(rf_coms, XA_FLAGS_ALLOC1 | XA_FLAGS_LOCK_IRQ);
static u32 rf_next_handle = 1;

static atomic_t rf_boxes = ATOMIC_INIT(0);	/* that are not freed yet */
static DECLARE_WAIT_QUEUE_HEAD(rf_boxes_wait);

/* Behind the others' RCU and in process context: FICM may have found it in interrupt */
struct rf_com_box {
	struct rf_com c;
	struct rcu_work free;
};

static void rf_com_free_work(struct work_struct *work)
{
	struct rf_com_box *box = container_of(to_rcu_work(work), struct rf_com_box, free);

	rf_rights_free(&box->c.grants);
	rf_ficm_put(box->c.ch);
	kfree(box->c.line);
	kfree(box);
	if (atomic_dec_and_test(&rf_boxes))
		wake_up_all(&rf_boxes_wait);
}

static void rf_com_free(struct kref *ref)
{
	struct rf_com_box *box = container_of(ref, struct rf_com_box, c.ref);

	queue_rcu_work(rf_com_wq, &box->free);
}

/* Drop a reference. Context: any. */
void rf_com_put(struct rf_com *c)
{
	kref_put(&c->ref, rf_com_free);
}

/* A new one with a handle, for rf_com_shut() and rf_com_put(); NULL: no memory */
struct rf_com *rf_com_new(void)
{
	struct rf_com_box *box = kzalloc(sizeof(*box), GFP_KERNEL_ACCOUNT);
	struct rf_com *c;

	if (!box)
		return NULL;
	atomic_inc(&rf_boxes);
	c = &box->c;
	kref_init(&c->ref);
	INIT_RCU_WORK(&box->free, rf_com_free_work);
	spin_lock_init(&c->lock);
	init_waitqueue_head(&c->wait);
	mutex_init(&c->read_lock);
	mutex_init(&c->write_lock);
	init_rwsem(&c->map_lock);
	INIT_LIST_HEAD(&c->accept);
	INIT_LIST_HEAD(&c->accept_node);
	INIT_LIST_HEAD(&c->grants);
	INIT_DELAYED_WORK(&c->work, rf_wire_due_work);
	c->line = kcalloc(RF_COM_WINDOW, sizeof(*c->line), GFP_KERNEL_ACCOUNT);
	if (!c->line || xa_alloc_cyclic_irq(&rf_coms, &c->handle, c, XA_LIMIT(1, INT_MAX),
					    &rf_next_handle, GFP_KERNEL) < 0) {
		rf_com_put(c);
		return NULL;
	}
	return c;
}

/* The one of that handle, with a reference; or NULL. Context: any. */
struct rf_com *rf_com_find(u32 handle)
{
	struct rf_com *c;

	guard(rcu)();
	c = xa_load(&rf_coms, handle);
	return c && kref_get_unless_zero(&c->ref) ? c : NULL;
}

/* The same, if its other end is at @ch */
struct rf_com *rf_com_of(struct rf_ficm_channel *ch, u32 handle)
{
	struct rf_com *c = rf_com_find(handle);

	if (c && c->ch == ch && READ_ONCE(c->state) != RF_IS_LISTENING)
		return c;
	if (c)
		rf_com_put(c);
	return NULL;
}

/* The next listener from a handle on, with a reference; or NULL. Context: process. */
struct rf_com *rf_com_listener(unsigned long *handle)
{
	struct rf_com *c;

	guard(rcu)();
	xa_for_each_start(&rf_coms, *handle, c, *handle) {
		if (READ_ONCE(c->state) == RF_IS_LISTENING && kref_get_unless_zero(&c->ref))
			return c;
	}
	return NULL;
}

/* Its other end is lost, or has gone mad. What has come whole can be read. Context: any. */
void rf_com_fail(struct rf_com *c, int error)
{
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	if (!c->error)
		WRITE_ONCE(c->error, error);
	spin_unlock_irqrestore(&c->lock, flags);
	wake_up_all(&c->wait);
}

/* All whose other end was at @ch, which is closed */
void rf_com_gone(struct rf_ficm_channel *ch)
{
	unsigned long handle;
	struct rf_com *c;

	rcu_read_lock();
	xa_for_each(&rf_coms, handle, c) {
		if (c->ch == ch)
			rf_com_fail(c, -ECONNRESET);
	}
	rcu_read_unlock();
}

/**
 * rf_com_shut - close our end
 * @c: the channel or listener; nobody reads, writes or maps it any more
 * @killed: not of its user's own will: the other end gets -ECONNRESET
 *
 * So it does when something that it sent was not read. The caller's reference
 * stays.
 *
 * Context: process, may sleep.
 */
void rf_com_shut(struct rf_com *c, bool killed)
{
	enum rf_com_state old;

	spin_lock_irq(&c->lock);
	old = c->state;
	WRITE_ONCE(c->state, RF_IS_CLOSED);
	if (killed || c->came != c->taken)
		c->error = c->error ?: -ECONNRESET;
	spin_unlock_irq(&c->lock);
	if (old == RF_IS_CLOSED)
		return;
	if (old == RF_IS_LISTENING)
		rf_listener_close(c);
	if (old == RF_IS_OPEN && !c->ended)
		rf_wire_due(c, RF_DUE_CLOSE);
	xa_erase_irq(&rf_coms, c->handle);
	rf_share_drop(c);
}

/**
 * rf_com_wait - wait for something of a channel
 * @c: the channel
 * @so: is it so? Called without a lock.
 * @timeout_ms: to wait at most; 0: not at all; negative: for ever
 *
 * Return: 0 when it is so; -EAGAIN (not at once), -ETIMEDOUT, -ERESTARTSYS.
 */
int rf_com_wait(struct rf_com *c, bool (*so)(struct rf_com *c), int timeout_ms)
{
	long left = timeout_ms < 0 ? MAX_SCHEDULE_TIMEOUT : msecs_to_jiffies(timeout_ms);

	if (so(c))
		return 0;
	if (!timeout_ms)
		return -EAGAIN;
	left = wait_event_interruptible_timeout(c->wait, so(c), left);
	return left > 0 ? 0 : left ?: -ETIMEDOUT;
}

/* Why nothing can be sent, or 0 */
int rf_com_check(struct rf_com *c)
{
	if (READ_ONCE(c->state) != RF_IS_OPEN)
		return -ENOTCONN;
	return READ_ONCE(c->error) ?: (READ_ONCE(c->ended) ? -EPIPE : 0);
}

/*
 * All are shut. What the others have not been told yet (there was no room) is given
 * a moment; then nothing of ours may run any more.
 */
void rf_com_exit(void)
{
	rcu_barrier();
	wait_event_timeout(rf_boxes_wait, !atomic_read(&rf_boxes), msecs_to_jiffies(RF_LINE_MS));
	rf_wire_give_up();
	wait_event(rf_boxes_wait, !atomic_read(&rf_boxes));
	flush_workqueue(rf_com_wq);
	WARN_ON(!xa_empty(&rf_coms));
	xa_destroy(&rf_coms);
}
