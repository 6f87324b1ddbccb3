// SPDX-License-Identifier: GPL-2.0
/*
 * Messages between kernels, in and out. Within one kernel there is no FICM
 * channel (NULL), and what is sent is taken at once.
 */
#define pr_fmt(fmt) "rfcom: " fmt

#include <linux/slab.h>

#include "internal.h"

/* ---- in ---- */

/* For an end of a channel, which is there as long as RCU is held. Context: any. */
static void rf_end_got(struct rf_com *c, u16 type, const void *data)
{
	switch (type) {
	case RF_COM_DATA:
		rf_data_got(c, data);
		break;
	case RF_COM_BULK:
		rf_bulk_got(c, data);
		break;
	case RF_COM_CREDIT:
		rf_credit_got(c, data);
		break;
	case RF_COM_WANT:
		rf_want_got(c);
		break;
	case RF_COM_CLOSE:
		if (((const struct rf_com_word *)data)->error) {
			rf_com_fail(c, -ECONNRESET);
		} else {
			WRITE_ONCE(c->ended, true);
			wake_up_all(&c->wait);
		}
		break;
	case RF_COM_READY:
		rf_share_ready(c, data);
		break;
	case RF_COM_FAILED:
		rf_share_failed(c, data);
		break;
	}
}

/* Return: was it one of those that can be taken in any context? */
static bool rf_wire_quick(struct rf_ficm_channel *ch, u16 type, const void *data)
{
	bool registry = !ch || !rf_ficm_peer(ch);	/* only from where it is */
	struct rf_com *c;
	u32 to;

	memcpy(&to, data, sizeof(to));
	switch (type) {
	case RF_COM_DATA ... RF_COM_CLOSE:
	case RF_COM_READY:
	case RF_COM_FAILED:
		c = rf_com_of(ch, to);
		if (c) {
			rf_end_got(c, type, data);
			rf_com_put(c);
		}
		return true;
	case RF_COM_OPENED:
		rf_opened_got(ch, data);
		return true;
	case RF_COM_FOUND:
		if (registry)
			rf_found_got(data);
		return true;
	case RF_COM_REGISTERED:
		if (registry)
			rf_registered_got(data);
		return true;
	case RF_COM_CHANGED:
		if (registry)
			rf_name_forget(((const struct rf_com_changed *)data)->hash);
		return true;
	case RF_COM_WHO:
		if (registry)
			rf_who_got();
		return true;
	case RF_COM_REFUSED:
		c = registry ? rf_com_find(to) : NULL;
		if (c) {
			rf_share_failed(c, data);
			rf_com_put(c);
		}
		return true;
	}
	return false;
}

/* The others may sleep */
static void rf_wire_slow(struct rf_ficm_channel *ch, u16 type, const void *data)
{
	struct rf_com *c;

	if (type == RF_COM_OPEN) {
		rf_open_got(ch, data);
	} else if (type == RF_COM_SHARE) {
		c = rf_com_of(ch, ((const struct rf_com_share *)data)->to);
		if (!c)
			return;
		rf_share_wanted(c, data);
		rf_com_put(c);
	} else {
		rf_broker_got(ch, type, data);
	}
}

static bool rf_wire_irq(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	return rf_wire_quick(ch, msg->type, msg->data);
}

static void rf_wire_receive(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	rf_wire_slow(ch, msg->type, msg->data);
}

static void rf_wire_gone(struct rf_ficm_channel *ch, void *ctx)
{
	rf_com_gone(ch);
	rf_broker_gone(ch);
}

/* As if it had gone: when it was a pause, its programs learn from ours that they are closed */
static void rf_wire_silent(struct rf_ficm_channel *ch, void *ctx)
{
	rf_com_gone(ch);
}

static int rf_hello(struct rf_ficm_channel *ch)
{
	const struct rf_com_word hello = { .error = RF_COM_VERSION };

	return ch ? rf_wire_send(ch, RF_COM_HELLO, &hello, sizeof(hello)) : -ENOTCONN;
}

/* To the supervisor. Context: process. Return: rf_wire_send()'s; -ENOTCONN: there is none. */
int rf_wire_hello(void)
{
	return rf_hello(rf_ficm_supervisor());
}

static void rf_wire_opened(struct rf_ficm_channel *ch, void *ctx)
{
	if (!rf_ficm_peer(ch))
		rf_hello(ch);
}

static const struct rf_ficm_service rf_wire_service = {
	.irq		= rf_wire_irq,
	.receive	= rf_wire_receive,
	.opened		= rf_wire_opened,
	.gone		= rf_wire_gone,
	.silent		= rf_wire_silent,
};

/* ---- out ---- */

/* To ourselves. What fits in a message is as long as one. */
static int rf_wire_local(u16 type, const void *data, size_t len)
{
	u8 copy[RF_MSG_DATA] __aligned(8) = { };

	memcpy(copy, data, len);
	if (!rf_wire_quick(NULL, type, copy))
		rf_wire_slow(NULL, type, copy);
	return 0;
}

/* Send, without waiting. Context: any but for OPEN and SHARE. Return: rf_ficm_post()'s. */
int rf_wire_post(struct rf_ficm_channel *ch, u16 type, const void *data, size_t len)
{
	return ch ? rf_ficm_post(ch, RF_PORT_COM, type, data, len) :
		    rf_wire_local(type, data, len);
}

/* Send, and wait for room. Context: process. Return: rf_ficm_send_timeout()'s. */
int rf_wire_send(struct rf_ficm_channel *ch, u16 type, const void *data, size_t len)
{
	return ch ? rf_ficm_send_timeout(ch, RF_PORT_COM, type, data, len, RF_LINE_MS) :
		    rf_wire_local(type, data, len);
}

/**
 * rf_wire_lines - send a small message
 * @ch: where to
 * @line: its parts
 * @n: how many
 *
 * Context: process. Return: 0; -EAGAIN: no part was sent, there is no room;
 * else it may have been sent half: the channel is of no use any more.
 */
int rf_wire_lines(struct rf_ficm_channel *ch, const struct rf_com_data *line, unsigned int n)
{
	unsigned int i = 0;
	int sent, err = 0;

	if (ch) {
		sent = rf_ficm_send_bulk(ch, RF_PORT_COM, RF_COM_DATA, line, sizeof(*line), n);
		if (sent < 0 && sent != -EAGAIN)
			return sent;
		i = max(sent, 0);
	}
	for (; i < n && !err; i++) {
		err = rf_wire_send(ch, RF_COM_DATA, &line[i], sizeof(*line));
		if (err && !i)
			return err == -ETIMEDOUT || err == -EINTR ? -EAGAIN : err;
	}
	return err ? -ECONNRESET : 0;
}

/* ---- what is due ---- */

static bool rf_given_up;	/* the module goes: what finds no room now is not said */

void rf_wire_give_up(void)
{
	WRITE_ONCE(rf_given_up, true);
}

static int rf_due_say(struct rf_com *c, unsigned int bit)
{
	unsigned int kind = bit >= RF_DUE_FAILED ? bit - RF_DUE_FAILED : bit - RF_DUE_READY;
	struct rf_com_credit credit = { .to = c->to };
	struct rf_com_word word = { .to = c->to };
	struct rf_com_share share = { .to = c->to, .kind = kind };
	unsigned long flags;

	switch (bit) {
	case RF_DUE_CREDIT:
		spin_lock_irqsave(&c->lock, flags);
		c->told = c->taken;
		c->bulk_told = c->bulk_taken;
		credit.lines = c->told;
		credit.bytes = c->bulk_told;
		spin_unlock_irqrestore(&c->lock, flags);
		return rf_wire_post(c->ch, RF_COM_CREDIT, &credit, sizeof(credit));
	case RF_DUE_WANT:
		return rf_wire_post(c->ch, RF_COM_WANT, &word, sizeof(word));
	case RF_DUE_CLOSE:
		word.error = READ_ONCE(c->error);
		return rf_wire_post(c->ch, RF_COM_CLOSE, &word, sizeof(word));
	case RF_DUE_READY ... RF_DUE_READY + RF_COM_SHARES - 1:
		return rf_wire_post(c->ch, RF_COM_READY, &share, sizeof(share));
	default:
		share.error = READ_ONCE(c->share[kind].error);
		return rf_wire_post(c->ch, RF_COM_FAILED, &share, sizeof(share));
	}
}

static void rf_due_try(struct rf_com *c)
{
	bool again = false;

	for (unsigned int bit = 0; bit < RF_DUE_FAILED + RF_COM_SHARES; bit++) {
		if (!test_and_clear_bit(bit, &c->due))
			continue;
		if (rf_due_say(c, bit) == -EAGAIN) {
			set_bit(bit, &c->due);
			again = true;
		}
	}
	if (!again || READ_ONCE(rf_given_up))
		return;
	/* FICM's ring and what waits for it are full: later */
	kref_get(&c->ref);
	if (!queue_delayed_work(rf_com_wq, &c->work, 1))
		rf_com_put(c);
}

void rf_wire_due_work(struct work_struct *work)
{
	struct rf_com *c = container_of(to_delayed_work(work), struct rf_com, work);

	rf_due_try(c);
	rf_com_put(c);
}

/* Tell the other end, now or as soon as there is room. Context: any. */
void rf_wire_due(struct rf_com *c, unsigned int bit)
{
	set_bit(bit, &c->due);
	rf_due_try(c);
}

int rf_wire_init(void)
{
	int err = rf_ficm_register(RF_PORT_COM, &rf_wire_service);

	rf_given_up = false;
	if (err)
		return err;
	rf_wire_hello();
	rf_broker_who();
	return 0;
}

void rf_wire_exit(void)
{
	rf_ficm_unregister(RF_PORT_COM);
}
