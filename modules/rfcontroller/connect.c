// SPDX-License-Identifier: GPL-2.0
/* Channels between two subOSes: both are told on port 5, and answer */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/timekeeping.h>

#include <rf/link.h>

#include "channels.h"

#define RF_ANSWER_MS	2000	/* for a subOS to open or close a channel */
#define RF_TELL_MS	500	/* for room in its ring */

/*
 * Tell an end to open the channel, unless it is to leave already: what comes after
 * that would let it open what may be freed. Return: 0; -EHOSTDOWN: it is to leave,
 * for the other end stopped; -ETIMEDOUT: no room; -ECONNRESET.
 */
static int rf_end_open(struct rf_link *l, int i, struct rf_ficm_channel *ch)
{
	struct rf_control_connect c = {
		.generation = l->generation,
		.rx = __pa(l->ring[i]),
		.tx = __pa(l->ring[!i]),
		.size = PAGE_SIZE << l->page_order,
		.peer = l->end[!i].id,
	};
	ktime_t end = ktime_add_ms(ktime_get(), RF_TELL_MS);
	int err;

	for (;;) {
		mutex_lock(&rf_links_lock);
		err = l->end[i].state != RF_END_TOLD ? -EHOSTDOWN :
		      rf_ficm_post(ch, RF_PORT_CONTROL, RF_CONTROL_CONNECT, &c, sizeof(c));
		mutex_unlock(&rf_links_lock);
		if (err != -EAGAIN)
			return err;
		if (ktime_after(ktime_get(), end))
			return -ETIMEDOUT;
		usleep_range(500, 1000);
	}
}

/* Tell one end of a link. Return: 0, or what sending returns; -EHOSTDOWN. */
static int rf_end_tell(struct rf_link *l, int i, struct rf_ficm_channel *ch)
{
	struct rf_control_name name = { .generation = l->generation };
	int err = 0;

	for (int part = 0; part < 2 && !err; part++) {
		memcpy(name.text, l->end[!i].name + part * sizeof(name.text), sizeof(name.text));
		err = rf_ficm_send_timeout(ch, RF_PORT_CONTROL, RF_CONTROL_NAME_0 + part,
					   &name, sizeof(name), RF_TELL_MS);
	}
	return err ?: rf_end_open(l, i, ch);
}

static bool rf_link_settled(struct rf_link *l)
{
	guard(mutex)(&rf_links_lock);
	return l->end[0].state != RF_END_TOLD && l->end[1].state != RF_END_TOLD;
}

static bool rf_link_gone(struct rf_link *l)
{
	guard(mutex)(&rf_links_lock);
	return l->end[0].state == RF_END_CLOSED && l->end[1].state == RF_END_CLOSED;
}

static void rf_link_leave(struct rf_link *l)
{
	guard(mutex)(&rf_links_lock);
	for (int i = 0; i < 2; i++)
		if (l->end[i].state < RF_END_CLOSED)
			rf_end_leave(l, &l->end[i]);
}

/* Wait for rf_link_settled() or _gone(), which take a mutex. Return: true if so. */
static bool rf_link_wait(struct rf_link *l, bool (*so)(struct rf_link *l))
{
	DEFINE_WAIT_FUNC(wait, woken_wake_function);
	long left = msecs_to_jiffies(RF_ANSWER_MS);

	add_wait_queue(&rf_links_wait, &wait);
	while (!so(l) && left && !signal_pending(current))
		left = wait_woken(&wait, TASK_INTERRUPTIBLE, left);
	remove_wait_queue(&rf_links_wait, &wait);
	return so(l);
}

static struct rf_link *rf_link_make(struct rf_subos *a, struct rf_subos *b,
				    struct netlink_ext_ack *extack)
{
	struct rf_link *l;

	guard(mutex)(&rf_links_lock);
	if (rf_link_find(a->id, b->id)) {
		rf_msg(extack, "%s and %s have a channel already", a->name, b->name);
		return ERR_PTR(-EEXIST);
	}
	/* from here on who ends them finds this one in the list; before, he did not */
	if (!rf_link_find(0, a->id) || !rf_link_find(0, b->id)) {
		rf_msg(extack, "%s stopped meanwhile", rf_link_find(0, a->id) ? b->name : a->name);
		return ERR_PTR(-EHOSTDOWN);
	}
	l = rf_link_new(rf_link_number(), a->res.cpus[0].node, b->res.cpus[0].node);
	if (!l)
		return ERR_PTR(-ENOMEM);
	rf_end_set(&l->end[0], a->id, a->name);
	rf_end_set(&l->end[1], b->id, b->name);
	list_add_tail(&l->node, &rf_links);
	kref_get(&l->ref);	/* the caller's */
	return l;
}

/**
 * rf_channel_connect - make a channel between two subOSes
 * @a: one
 * @b: the other
 *
 * Context: process, may sleep; up to some seconds.
 * Return: 0 when both have opened it; else nothing is left: -EINVAL (a subOS
 * and itself), -EHOSTDOWN (one does not run, or stops), -EEXIST, -ETIMEDOUT (one
 * does not answer), -ENOMEM, or what one answered. extack names it.
 */
int rf_channel_connect(struct rf_subos *a, struct rf_subos *b, struct netlink_ext_ack *extack)
{
	struct rf_ficm_channel *ch[2];
	struct rf_link *l;
	int err = -EHOSTDOWN;

	if (a == b) {
		rf_msg(extack, "%s twice: a channel has two ends", a->name);
		return -EINVAL;
	}
	ch[0] = rf_channel_get(a);
	ch[1] = rf_channel_get(b);
	if (!ch[0] || !ch[1]) {
		rf_msg(extack, "%s does not run", ch[0] ? b->name : a->name);
		goto out_put;
	}
	l = rf_link_make(a, b, extack);
	if (IS_ERR(l)) {
		err = PTR_ERR(l);
		goto out_put;
	}
	err = rf_end_tell(l, 0, ch[0]) ?: rf_end_tell(l, 1, ch[1]);
	if (!err && !rf_link_wait(l, rf_link_settled))
		err = signal_pending(current) ? -EINTR : -ETIMEDOUT;
	if (err == -ECONNRESET || err == -EHOSTDOWN) {
		rf_msg(extack, "%s or %s stopped meanwhile", a->name, b->name);
		err = -EHOSTDOWN;
	}
	mutex_lock(&rf_links_lock);
	for (int i = 0; i < 2 && (!err || err == -ETIMEDOUT); i++) {
		if (l->end[i].state == RF_END_OPEN)
			continue;
		err = err ?: l->end[i].error ?: -EHOSTDOWN;
		rf_msg(extack, err == -ETIMEDOUT ? "%s does not answer: does it have ficm.ko?" :
		       err == -EHOSTDOWN ? "%s stopped meanwhile" : "%s can't open the channel",
		       l->end[i].name);
		break;
	}
	mutex_unlock(&rf_links_lock);
	if (err)
		rf_link_leave(l);
	rf_link_put(l);
out_put:
	rf_ficm_put(ch[0]);
	rf_ficm_put(ch[1]);
	return err;
}

/**
 * rf_channel_disconnect - close the channel between two subOSes
 * @a: one
 * @b: the other
 *
 * Context: process, may sleep; up to some seconds.
 * Return: 0 when both have closed it; -ENOENT (there is none); -ETIMEDOUT: they
 * are told, and asked again until they answer or stop; -EINTR, likewise.
 */
int rf_channel_disconnect(struct rf_subos *a, struct rf_subos *b, struct netlink_ext_ack *extack)
{
	struct rf_link *l;
	int err = 0;

	mutex_lock(&rf_links_lock);
	l = a == b ? NULL : rf_link_find(a->id, b->id);
	if (l)
		kref_get(&l->ref);
	mutex_unlock(&rf_links_lock);
	if (!l) {
		rf_msg(extack, "%s and %s have no channel", a->name, b->name);
		return -ENOENT;
	}
	rf_link_leave(l);
	if (!rf_link_wait(l, rf_link_gone)) {
		rf_msg(extack, "no answer yet: the channel's memory is kept until there is one");
		err = signal_pending(current) ? -EINTR : -ETIMEDOUT;
	}
	rf_link_put(l);
	return err;
}

/* What is there already. Return: 0: it is open; -ENOENT; -EHOSTDOWN: it didn't open. */
static int rf_link_ready(u32 a, u32 b)
{
	struct rf_link *l;
	int err = -EHOSTDOWN;

	mutex_lock(&rf_links_lock);
	l = rf_link_find(a, b);
	if (l)
		kref_get(&l->ref);
	mutex_unlock(&rf_links_lock);
	if (!l)
		return -ENOENT;
	rf_link_wait(l, rf_link_settled);
	mutex_lock(&rf_links_lock);
	if (l->end[0].state == RF_END_OPEN && l->end[1].state == RF_END_OPEN)
		err = 0;
	mutex_unlock(&rf_links_lock);
	rf_link_put(l);
	return err;
}

/**
 * rf_channel_ensure - see to it that two subOSes have a channel
 * @a: id of one
 * @b: id of the other
 *
 * Context: process, may sleep; up to some seconds. Not from a FICM service, which
 * would keep away the answers.
 * Return: 0 when both have opened it; rf_channel_connect()'s; -ESRCH: no such subOS.
 */
int rf_channel_ensure(u32 a, u32 b)
{
	struct rf_subos *x = rf_subos_of(a), *y = rf_subos_of(b);
	int err = -ESRCH;

	if (!x || !y)
		goto out;
	err = rf_link_ready(a, b);
	if (err == -ENOENT)
		err = rf_channel_connect(x, y, NULL);
	if (err == -EEXIST)	/* somebody else was faster */
		err = rf_link_ready(a, b);
out:
	if (x)
		rf_subos_put(x);
	if (y)
		rf_subos_put(y);
	return err;
}
EXPORT_SYMBOL_NS_GPL(rf_channel_ensure, RAINFOREST);
