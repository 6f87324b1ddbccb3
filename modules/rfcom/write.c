// SPDX-License-Identifier: GPL-2.0
/* Writing: small messages as lines of FICM, others through the buffer; credits */
#include <linux/errno.h>
#include <linux/export.h>

#include "internal.h"

#define RF_SMALL	(RF_COM_PARTS * RF_COM_PART)

static u64 rf_half(const struct rf_com *c)
{
	return c->share[RF_COM_BUFFER].size / 2;
}

/* Context: any. What goes backwards came late; what can't be is not heeded. */
void rf_credit_got(struct rf_com *c, const struct rf_com_credit *credit)
{
	u64 lines = credit->lines, bytes = credit->bytes;
	unsigned long flags;
	bool news = false;

	spin_lock_irqsave(&c->lock, flags);
	if (lines - c->credit <= c->sent - c->credit) {
		news |= lines != c->credit;
		WRITE_ONCE(c->credit, lines);
	}
	if (bytes - c->bulk_credit <= c->bulk_sent - c->bulk_credit) {
		news |= bytes != c->bulk_credit;
		WRITE_ONCE(c->bulk_credit, bytes);
	}
	spin_unlock_irqrestore(&c->lock, flags);
	/* or else who polls would ask, be woken by the answer, and ask again */
	if (news)
		wake_up_all(&c->wait);
}

/* Is there room for a message of as many bytes? The buffer may not be there yet. */
static bool rf_room(const struct rf_com *c, size_t len)
{
	u64 lines = len > RF_SMALL ? 1 : max(DIV_ROUND_UP(len, RF_COM_PART), 1UL);

	if (READ_ONCE(c->sent) - READ_ONCE(c->credit) + lines > RF_COM_WINDOW)
		return false;
	return len <= RF_SMALL || !rf_half(c) ||
	       READ_ONCE(c->bulk_sent) - READ_ONCE(c->bulk_credit) + len <= rf_half(c);
}

/*
 * A write would not wait; or would fail. Who is told that it would, and waits
 * for us to wake him, is to be told of each read from now on.
 */
bool rf_com_writable(struct rf_com *c)
{
	const struct rf_share *s = &c->share[RF_COM_BUFFER];
	size_t blocked = READ_ONCE(c->blocked);

	if (rf_com_check(c))
		return true;
	if (blocked > RF_SMALL && rf_share_pending(s))
		return false;
	if (rf_room(c, blocked))
		return true;
	rf_wire_due(c, RF_DUE_WANT);
	return rf_room(c, blocked);
}

/*
 * Wait for room. The other end tells it by itself when a part of it is free; who
 * has none left asks to be told of any.
 */
static int rf_wait_room(struct rf_com *c, size_t len, int timeout_ms)
{
	long left;
	int err = 0;

	while (!err && !rf_room(c, len)) {
		u64 lines = READ_ONCE(c->credit), bytes = READ_ONCE(c->bulk_credit);

		err = rf_com_check(c);
		if (err)
			break;
		WRITE_ONCE(c->blocked, len);
		rf_wire_due(c, RF_DUE_WANT);
		if (rf_room(c, len))
			break;
		if (!timeout_ms)
			return -EAGAIN;
		/* until something has moved: then look, and ask again */
		left = timeout_ms < 0 ? MAX_SCHEDULE_TIMEOUT : msecs_to_jiffies(timeout_ms);
		left = wait_event_interruptible_timeout(c->wait, rf_com_check(c) ||
							READ_ONCE(c->credit) != lines ||
							READ_ONCE(c->bulk_credit) != bytes, left);
		err = left > 0 ? 0 : left ?: -ETIMEDOUT;
	}
	if (!err)
		WRITE_ONCE(c->blocked, 0);
	return err ?: rf_com_check(c);
}

static int rf_write_lines(struct rf_com *c, struct iov_iter *from, size_t len)
{
	struct rf_com_data line[RF_COM_PARTS];
	unsigned int n = 0;
	int err;

	for (size_t at = 0; at < len; at += RF_COM_PART, n++) {
		size_t part = min_t(size_t, len - at, RF_COM_PART);

		line[n] = (struct rf_com_data) { .to = c->to, .total = len, .part = n };
		if (copy_from_iter(line[n].data, part, from) != part)
			return -EFAULT;
	}
	spin_lock_irq(&c->lock);
	c->sent += n;
	spin_unlock_irq(&c->lock);
	err = rf_wire_lines(c->ch, line, n);
	if (err == -EAGAIN) {
		spin_lock_irq(&c->lock);
		c->sent -= n;
		spin_unlock_irq(&c->lock);
	} else if (err) {
		rf_com_fail(c, -ECONNRESET);
	}
	return err;
}

static int rf_write_bulk(struct rf_com *c, struct iov_iter *from, size_t len)
{
	struct rf_com_bulk b = { .to = c->to, .len = len, .pos = c->bulk_sent };
	void *half = rf_share_addr(&c->share[RF_COM_BUFFER]) + (c->server ? rf_half(c) : 0);
	u64 at = b.pos % rf_half(c), first = min_t(u64, len, rf_half(c) - at);
	int err;

	/* nobody has been told of it: half a copy does no harm */
	if (copy_from_iter(half + at, first, from) != first ||
	    copy_from_iter(half, len - first, from) != len - first)
		return -EFAULT;
	spin_lock_irq(&c->lock);
	c->sent++;
	c->bulk_sent += len;
	spin_unlock_irq(&c->lock);
	err = rf_wire_send(c->ch, RF_COM_BULK, &b, sizeof(b));
	if (!err)
		return 0;
	spin_lock_irq(&c->lock);
	c->sent--;
	c->bulk_sent -= len;
	spin_unlock_irq(&c->lock);
	return err == -ETIMEDOUT || err == -EINTR ? -EAGAIN : err;
}

/**
 * rf_com_write - send a message
 * @c: the channel
 * @from: the message
 * @timeout_ms: 0: don't wait for the reader; negative: for ever
 *
 * Context: process. Return: its length; else rf_write()'s: nothing of it was sent.
 */
ssize_t rf_com_write(struct rf_com *c, struct iov_iter *from, int timeout_ms)
{
	size_t len = iov_iter_count(from);
	int err = rf_com_check(c);

	if (err != -ENOTCONN && !(c->rights & (c->server ? RF_MAY_READ : RF_MAY_WRITE)))
		return -EACCES;
	if (err)
		return err;
	if (!len)
		return -EINVAL;
	if (len > c->buffer)
		return -EMSGSIZE;
	if (timeout_ms ? mutex_lock_interruptible(&c->write_lock) : !mutex_trylock(&c->write_lock))
		return timeout_ms ? -ERESTARTSYS : -EAGAIN;
	if (len > RF_SMALL)
		err = rf_share_get(c, RF_COM_BUFFER, 4ULL * c->buffer, timeout_ms);
	err = err ?: rf_wait_room(c, len, timeout_ms);
	if (!err)
		err = len > RF_SMALL ? rf_write_bulk(c, from, len) : rf_write_lines(c, from, len);
	if (err == -EAGAIN)
		WRITE_ONCE(c->blocked, len);
	mutex_unlock(&c->write_lock);
	return err ?: len;
}

/**
 * rf_write - send a message
 * @c: a channel
 * @from: kernel memory
 * @len: of the message, bytes: at least 1
 * @timeout_ms: to wait for the reader at most; 0: not at all; RF_FOREVER
 *
 * Context: process, may sleep, also with a timeout of 0: for the other kernel.
 * Return: @len; else nothing was sent: -EINVAL (@len is 0), -EMSGSIZE (longer than
 * the service takes), -EAGAIN, -ETIMEDOUT, -ERESTARTSYS; -EPIPE (the other end has
 * closed), -ECONNRESET (it is dead); -EACCES (no right to), -ENOTCONN (a listener),
 * -ENOMEM, -EDQUOT, -EBUSY (no buffer to be had); -EHOSTDOWN (likewise: the other kernel
 * has stopped just now).
 */
ssize_t rf_write(struct rf_com *c, const void *from, size_t len, int timeout_ms)
{
	struct kvec vec = { (void *)from, len };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, len);
	return rf_com_write(c, &iter, timeout_ms);
}
EXPORT_SYMBOL_NS_GPL(rf_write, RAINFOREST);
