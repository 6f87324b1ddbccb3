// SPDX-License-Identifier: GPL-2.0
/* Reading: what comes, line by line; whole messages out; credits back */
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/moduleparam.h>
#include <linux/sched/clock.h>

#include "internal.h"

#define RF_IDLE	4	/* times busy_us: who waited for longer doesn't look the next time */

static unsigned int rf_busy_us = 50;
module_param_named(busy_us, rf_busy_us, uint, 0644);
MODULE_PARM_DESC(busy_us, "microseconds that a reader looks for its message before it sleeps (default 50)");

/* May the other end send us anything? */
static bool rf_may_come(const struct rf_com *c)
{
	return c->state == RF_IS_OPEN && !c->error && !c->ended &&
	       (c->rights & (c->server ? RF_MAY_WRITE : RF_MAY_READ));
}

/* It keeps not to the protocol: no more with it */
static void rf_com_mad(struct rf_com *c)
{
	rf_com_fail(c, -EPROTO);
	rf_wire_due(c, RF_DUE_CLOSE);
}

static struct rf_com_data *rf_line(struct rf_com *c, u64 n)
{
	return &c->line[n % RF_COM_WINDOW];
}

/* Is it the part that is to come? */
static bool rf_part_fits(struct rf_com *c, const struct rf_com_data *d)
{
	u64 part = c->came - c->whole;

	return d->total && d->total <= RF_COM_PARTS * RF_COM_PART && d->part == part &&
	       d->part * RF_COM_PART < d->total && c->came - c->taken < RF_COM_WINDOW &&
	       (!part || rf_line(c, c->whole)->total == d->total);
}

/* Context: any */
void rf_data_got(struct rf_com *c, const struct rf_com_data *d)
{
	bool mad = false, whole = false;
	unsigned long flags;

	spin_lock_irqsave(&c->lock, flags);
	if (!rf_may_come(c)) {
		/* late, or without the right to */
	} else if (!rf_part_fits(c, d)) {
		mad = true;
	} else {
		*rf_line(c, c->came++) = *d;
		whole = (d->part + 1) * RF_COM_PART >= d->total;
		if (whole) {
			c->whole = c->came;
			c->messages++;
		}
	}
	spin_unlock_irqrestore(&c->lock, flags);
	if (mad)
		rf_com_mad(c);
	else if (whole)
		wake_up_all(&c->wait);
}

void rf_bulk_got(struct rf_com *c, const struct rf_com_bulk *b)
{
	const struct rf_share *s = &c->share[RF_COM_BUFFER];
	bool mad = false, whole = false;
	unsigned long flags;
	u32 len = b->len;

	spin_lock_irqsave(&c->lock, flags);
	if (!rf_may_come(c)) {
		/* as above */
	} else if (!s->size || !len || len > c->buffer || b->pos != c->bulk_came ||
		   c->bulk_came - c->bulk_taken + len > s->size / 2 ||
		   c->came != c->whole || c->came - c->taken >= RF_COM_WINDOW) {
		mad = true;
	} else {
		struct rf_com_data *line = rf_line(c, c->came++);

		line->total = 0;
		memcpy(line->data, b, sizeof(*b));
		c->bulk_came += len;
		c->whole = c->came;
		c->messages++;
		whole = true;
	}
	spin_unlock_irqrestore(&c->lock, flags);
	if (mad)
		rf_com_mad(c);
	else if (whole)
		wake_up_all(&c->wait);
}

/* The other end's writer waits: tell what we have taken, and after the next read again */
void rf_want_got(struct rf_com *c)
{
	WRITE_ONCE(c->wanted, true);
	rf_wire_due(c, RF_DUE_CREDIT);
}

bool rf_com_readable(struct rf_com *c)
{
	return READ_ONCE(c->messages) || READ_ONCE(c->ended) || READ_ONCE(c->error) ||
	       READ_ONCE(c->state) != RF_IS_OPEN;
}

static u32 rf_bulk_of(const struct rf_com_data *line, struct rf_com_bulk *b)
{
	memcpy(b, line->data, sizeof(*b));
	return b->len;
}

/* Bytes of the message that waits; 0: none */
u32 rf_com_next(struct rf_com *c)
{
	struct rf_com_bulk b;
	u32 len = 0;

	spin_lock_irq(&c->lock);
	if (c->messages)
		len = rf_line(c, c->taken)->total ?: rf_bulk_of(rf_line(c, c->taken), &b);
	spin_unlock_irq(&c->lock);
	return len;
}

static bool rf_copy_lines(struct rf_com *c, u32 total, struct iov_iter *to)
{
	for (u32 at = 0, i = 0; at < total; at += RF_COM_PART, i++) {
		u32 n = min_t(u32, total - at, RF_COM_PART);

		if (copy_to_iter(rf_line(c, c->taken + i)->data, n, to) != n)
			return false;
	}
	return true;
}

/* Out of the half that the other end fills. Its bytes are whatever it wrote. */
static bool rf_copy_bulk(struct rf_com *c, const struct rf_com_bulk *b, struct iov_iter *to)
{
	const struct rf_share *s = &c->share[RF_COM_BUFFER];
	void *half = rf_share_addr(s) + (c->server ? 0 : s->size / 2);
	u64 at = b->pos % (s->size / 2);
	u64 first = min_t(u64, b->len, s->size / 2 - at);

	return copy_to_iter(half + at, first, to) == first &&
	       copy_to_iter(half, b->len - first, to) == b->len - first;
}

/* The first message: out, and its lines and bytes are free. Return: its length. */
static ssize_t rf_take(struct rf_com *c, struct iov_iter *to)
{
	const struct rf_com_data *line = rf_line(c, c->taken);
	u32 lines = DIV_ROUND_UP(line->total, RF_COM_PART), len = line->total;
	struct rf_com_bulk b = { };
	bool due;

	if (!len) {
		len = rf_bulk_of(line, &b);
		lines = 1;
	}
	if (iov_iter_count(to) < len)
		return -EMSGSIZE;
	if (!(b.len ? rf_copy_bulk(c, &b, to) : rf_copy_lines(c, len, to)))
		return -EFAULT;
	spin_lock_irq(&c->lock);
	c->taken += lines;
	c->bulk_taken += b.len;
	WRITE_ONCE(c->messages, c->messages - 1);
	due = c->wanted || c->taken - c->told >= RF_COM_WINDOW / 4 ||
	      c->bulk_taken - c->bulk_told >= c->buffer;
	c->wanted = false;
	spin_unlock_irq(&c->lock);
	if (due)
		rf_wire_due(c, RF_DUE_CREDIT);
	return len;
}

/*
 * A reader looks for its message itself for a moment, which takes less than to be
 * woken; if the last one came that soon. What comes for others meanwhile is taken.
 */
static void rf_look(struct rf_com *c, u64 since)
{
	u64 end = since + READ_ONCE(rf_busy_us) * (u64)NSEC_PER_USEC;

	if (!c->ch || c->idle || rf_com_readable(c))
		return;
	rf_ficm_busy_begin(c->ch);
	while (!rf_com_readable(c) && !need_resched() && !signal_pending(current) &&
	       local_clock() < end)
		if (!rf_ficm_busy_look(c->ch))
			cpu_relax();
	rf_ficm_busy_end(c->ch);
}

/* Return: rf_com_wait()'s */
static int rf_wait_message(struct rf_com *c, int timeout_ms)
{
	u64 since = local_clock();
	int err;

	if (timeout_ms)
		rf_look(c, since);
	err = rf_com_wait(c, rf_com_readable, timeout_ms);
	c->idle = local_clock() - since > RF_IDLE * READ_ONCE(rf_busy_us) * (u64)NSEC_PER_USEC;
	return err;
}

/**
 * rf_com_read - take a message
 * @c: the channel
 * @to: where to
 * @timeout_ms: 0: don't wait; negative: for ever
 *
 * Context: process.
 * Return: its length; 0 when the other end closed and all was read; else
 * rf_read()'s. After a failure the message is still there.
 */
ssize_t rf_com_read(struct rf_com *c, struct iov_iter *to, int timeout_ms)
{
	ssize_t ret;

	if (READ_ONCE(c->state) != RF_IS_OPEN)
		return -ENOTCONN;
	if (!(c->rights & (c->server ? RF_MAY_WRITE : RF_MAY_READ)))
		return -EACCES;
	for (;;) {
		ret = rf_wait_message(c, timeout_ms);
		if (ret)
			return ret;
		if (mutex_lock_interruptible(&c->read_lock))
			return -ERESTARTSYS;
		if (READ_ONCE(c->messages)) {
			ret = rf_take(c, to);
			mutex_unlock(&c->read_lock);
			return ret;
		}
		mutex_unlock(&c->read_lock);
		ret = rf_com_check(c);
		/* else another reader was faster */
		if (ret)
			return ret == -EPIPE ? 0 : ret;
	}
}

/**
 * rf_read - take a message
 * @c: a channel
 * @to: kernel memory
 * @len: of @to, bytes
 * @timeout_ms: to wait at most; 0: not at all; RF_FOREVER
 *
 * Messages come in the order they were written, each whole.
 *
 * Context: process, may sleep.
 * Return: its length; 0 when the other end has closed and all was read;
 * -EMSGSIZE when it is longer than @len (it stays); -EAGAIN, -ETIMEDOUT,
 * -ERESTARTSYS; -ECONNRESET (the other end is dead, or left something unread),
 * -EPROTO (it doesn't keep to the protocol); -EACCES (no right to), -ENOTCONN (a
 * listener).
 */
ssize_t rf_read(struct rf_com *c, void *to, size_t len, int timeout_ms)
{
	struct kvec vec = { to, len };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, len);
	return rf_com_read(c, &iter, timeout_ms);
}
EXPORT_SYMBOL_NS_GPL(rf_read, RAINFOREST);
