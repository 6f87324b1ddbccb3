// SPDX-License-Identifier: GPL-2.0
/* Channels between kernels, and pings through them */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>
#include <linux/rainforest.h>
#include <netlink/msg.h>

#include "field.h"
#include "internal.h"

static const struct rf_field channel_fields[] = {
	RF_TEXT(RAINFOREST_A_CHANNEL_NAME, struct rf_channel, name),
	RF_TEXT(RAINFOREST_A_CHANNEL_PEER, struct rf_channel, peer),
	RF_NUMBER(RAINFOREST_A_CHANNEL_STATE, struct rf_channel, state),
	RF_NUMBER(RAINFOREST_A_CHANNEL_SLOTS, struct rf_channel, slots),
	RF_GIVEN(RAINFOREST_A_CHANNEL_IRQ, struct rf_channel, counted),
	RF_NUMBER(RAINFOREST_A_CHANNEL_GENERATION, struct rf_channel, generation),
	RF_NUMBER(RAINFOREST_A_CHANNEL_SENT, struct rf_channel, sent),
	RF_NUMBER(RAINFOREST_A_CHANNEL_RECEIVED, struct rf_channel, received),
	RF_NUMBER(RAINFOREST_A_CHANNEL_IRQ, struct rf_channel, irq),
	RF_NUMBER(RAINFOREST_A_CHANNEL_FULL, struct rf_channel, full),
	RF_NUMBER(RAINFOREST_A_CHANNEL_RINGS, struct rf_channel, rings),
	RF_NUMBER(RAINFOREST_A_CHANNEL_ROOM_RINGS, struct rf_channel, room_rings),
	RF_NUMBER(RAINFOREST_A_CHANNEL_THROTTLED, struct rf_channel, throttled),
	RF_NUMBER(RAINFOREST_A_CHANNEL_DROPPED, struct rf_channel, dropped),
	RF_NUMBER(RAINFOREST_A_CHANNEL_LATE, struct rf_channel, late),
	RF_NUMBER(RAINFOREST_A_CHANNEL_REFUSED_SEQUENCE, struct rf_channel, refused[0]),
	RF_NUMBER(RAINFOREST_A_CHANNEL_REFUSED_BOUNDS, struct rf_channel, refused[1]),
	RF_NUMBER(RAINFOREST_A_CHANNEL_REFUSED_SERVICE, struct rf_channel, refused[2]),
	RF_NUMBER(RAINFOREST_A_CHANNEL_REFUSED_TAIL, struct rf_channel, refused[3]),
	RF_NUMBER(RAINFOREST_A_CHANNEL_REFUSED_BELL, struct rf_channel, refused[4]),
	RF_NUMBER(RAINFOREST_A_CHANNEL_REFUSED_CONTENT, struct rf_channel, refused[5]),
};

static int decode_channel(struct nlattr *attrs, int len, void *arg)
{
	static const struct rf_table table = RF_TABLE(channel_fields);

	return rf_fields_decode(&table, attrs, len, arg);
}

/**
 * rf_channels_get() - every channel that the supervisor has made
 * @rf: the handle
 * @list: where the array is put, for free()
 * @n: its length
 *
 * Return: 0 or -errno; on failure there is nothing to free.
 */
int rf_channels_get(struct rf *rf, struct rf_channel **list, size_t *n)
{
	struct rf_collect c = { .size = sizeof(**list), .decode = decode_channel };
	int ret = rf_dump(rf, RAINFOREST_CMD_CHANNEL_GET, &c);

	if (ret) {
		free(c.array);
		return ret;
	}
	*list = c.array;
	*n = c.n;
	return 0;
}

static int two(struct rf *rf, int cmd, const char *a, const char *b)
{
	struct nl_msg *msg = rf_request(rf, cmd, 0);

	if (!msg)
		return rf_connect(rf) ?: -ENOMEM;
	nla_put_string(msg, RAINFOREST_A_CHANNEL_NAME, a);
	nla_put_string(msg, RAINFOREST_A_CHANNEL_PEER, b);
	return rf_exchange(rf, msg, NULL, NULL);
}

/**
 * rf_channel_connect() - make a channel between two subOSes that run
 * @rf: the handle
 * @a: the name of one
 * @b: the name of the other
 *
 * Return: 0 when both have opened it; -ENOENT, -EHOSTDOWN (one does not run),
 * -EEXIST, -ETIMEDOUT (one does not answer), -EINVAL, -ENOMEM, -EPERM.
 */
int rf_channel_connect(struct rf *rf, const char *a, const char *b)
{
	return two(rf, RAINFOREST_CMD_CHANNEL_CONNECT, a, b);
}

/**
 * rf_channel_disconnect() - close the channel between two subOSes
 * @rf: the handle
 * @a: the name of one
 * @b: the name of the other
 *
 * Return: 0 when both have closed it; -ENOENT, -ETIMEDOUT (it will be closed
 * when they answer, or stop), -EPERM.
 */
int rf_channel_disconnect(struct rf *rf, const char *a, const char *b)
{
	return two(rf, RAINFOREST_CMD_CHANNEL_DISCONNECT, a, b);
}

struct pings {
	uint64_t *ns;
	size_t n;
};

static const struct rf_field ping_fields[] = {
	RF_NUMBERS(RAINFOREST_A_CHANNEL_RTT_NS, struct pings, ns, n),
};

static int decode_pings(struct nlattr *attrs, int len, void *arg)
{
	static const struct rf_table table = RF_TABLE(ping_fields);

	return rf_fields_decode(&table, attrs, len, arg);
}

/**
 * rf_ping() - measure round trips of messages to a subOS
 * @rf: the handle
 * @name: its name
 * @ping: how
 * @ns: where the array is put, for free(): nanoseconds, UINT64_MAX for no answer
 * @n: its length: fewer than asked for when a second was over before
 *
 * Return: 0; -ENOENT, -EHOSTDOWN (it does not run), -EPERM.
 */
int rf_ping(struct rf *rf, const char *name, const struct rf_ping *ping, uint64_t **ns, size_t *n)
{
	struct nl_msg *msg = rf_request(rf, RAINFOREST_CMD_CHANNEL_PING, 0);
	struct pings p = { 0 };
	int ret;

	if (!msg)
		return rf_connect(rf) ?: -ENOMEM;
	nla_put_string(msg, RAINFOREST_A_CHANNEL_NAME, name);
	nla_put_u32(msg, RAINFOREST_A_CHANNEL_COUNT, ping->count);
	nla_put_u32(msg, RAINFOREST_A_CHANNEL_TIMEOUT_MS, ping->timeout_ms);
	if (ping->poll)
		nla_put_flag(msg, RAINFOREST_A_CHANNEL_POLL);
	ret = rf_exchange(rf, msg, decode_pings, &p);
	if (ret) {
		free(p.ns);
		return ret;
	}
	*ns = p.ns;
	*n = p.n;
	return 0;
}

static const struct rf_field tune_fields[] = {
	RF_NUMBER(RAINFOREST_A_CHANNEL_CORE, struct rf_tune, core),
	RF_NUMBER(RAINFOREST_A_CHANNEL_PRIORITY, struct rf_tune, priority),
	RF_NUMBER(RAINFOREST_A_CHANNEL_POLL_US, struct rf_tune, poll_us),
	RF_NUMBER(RAINFOREST_A_CHANNEL_MOVES, struct rf_tune, moves),
};

static int decode_tune(struct nlattr *attrs, int len, void *arg)
{
	static const struct rf_table table = RF_TABLE(tune_fields);

	return rf_fields_decode(&table, attrs, len, arg);
}

/**
 * rf_channel_tune() - a kernel's communication core and its threads
 * @rf: the handle
 * @tune: in: what to change, negative: leave; out: what is now
 *
 * Return: 0; -ENXIO (no such CPU), -ENODEV (not that kernel's), -EINVAL, -EPERM,
 * -ENOENT, -EHOSTDOWN (it does not run), -ETIMEDOUT (it does not answer).
 */
int rf_channel_tune(struct rf *rf, struct rf_tune *tune)
{
	struct nl_msg *msg = rf_request(rf, RAINFOREST_CMD_CHANNEL_TUNE, 0);

	if (!msg)
		return rf_connect(rf) ?: -ENOMEM;
	if (tune->name)
		nla_put_string(msg, RAINFOREST_A_CHANNEL_NAME, tune->name);
	if (tune->core >= 0)
		nla_put_u32(msg, RAINFOREST_A_CHANNEL_CORE, tune->core);
	if (tune->priority >= 0)
		nla_put_u32(msg, RAINFOREST_A_CHANNEL_PRIORITY, tune->priority);
	if (tune->poll_us >= 0)
		nla_put_u32(msg, RAINFOREST_A_CHANNEL_POLL_US, tune->poll_us);
	return rf_exchange(rf, msg, decode_tune, tune);
}
