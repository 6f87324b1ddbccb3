// SPDX-License-Identifier: GPL-2.0
/* Port 2: answers in hard interrupt, and asks: ping */
#include <linux/completion.h>
#include <linux/export.h>
#include <linux/ktime.h>

#include "internal.h"

#define RF_PING_LOOKS	32	/* between two at the clock */

struct rf_ping {
	struct list_head node;
	struct rf_ficm_channel *ch;
	u64 id;
	u64 sent, came;		/* ns */
	struct completion done;
};

static LIST_HEAD(rf_pings);
static DEFINE_RAW_SPINLOCK(rf_pings_lock);	/* the list; inside rx_lock */
static u64 rf_next_ping = 1;

static void rf_pong(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg)
{
	struct rf_ping *ping;
	u64 now = ktime_get_ns(), id;

	memcpy(&id, msg->data, sizeof(id));
	raw_spin_lock(&rf_pings_lock);
	list_for_each_entry(ping, &rf_pings, node) {
		if (ping->ch == ch && ping->id == id && !ping->came) {
			WRITE_ONCE(ping->came, now);
			complete(&ping->done);
			break;
		}
	}
	raw_spin_unlock(&rf_pings_lock);
}

static void rf_echo(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	if (msg->type == RF_ECHO_REPLY)
		rf_pong(ch, msg);
	else if (rf_ficm_post(ch, RF_PORT_ECHO, RF_ECHO_REPLY, msg->data, msg->len))
		ch->rxs.dropped++;	/* who floods us gets no answer */
}

static const struct rf_ficm_service rf_echo_service = {
	.receive	= rf_echo,
	.flags		= RF_FICM_IRQ,
};

/**
 * rf_ficm_ping - measure a round trip
 * @ch: the channel
 * @timeout_ms: to wait at most
 * @poll: look for the answer ourselves instead of waiting for the doorbell
 * @ns: out, from before the send until the answer was read
 *
 * Context: process, may sleep.
 * Return: 0; -ETIMEDOUT (no answer, or no room all that time); -ECONNRESET; -EINTR.
 */
int rf_ficm_ping(struct rf_ficm_channel *ch, unsigned int timeout_ms, bool poll, u64 *ns)
{
	struct rf_ping ping = { .ch = ch };
	unsigned int looks = 0;
	long left = 1;
	int err;

	init_completion(&ping.done);
	raw_spin_lock_irq(&rf_pings_lock);
	ping.id = rf_next_ping++;
	list_add(&ping.node, &rf_pings);
	raw_spin_unlock_irq(&rf_pings_lock);

	if (poll)
		rf_ficm_busy_begin(ch);
	ping.sent = ktime_get_ns();
	/* the ring may be full of others' messages: that is a part of the way */
	err = rf_ficm_send_timeout(ch, RF_PORT_ECHO, RF_ECHO_REQUEST, &ping.id, sizeof(ping.id),
				   timeout_ms);
	while (!err && poll && !READ_ONCE(ping.came)) {
		if (!rf_ficm_busy_look(ch))
			cpu_relax();
		/* the clock costs more than a look; also who is flooded looks at it */
		if (++looks % RF_PING_LOOKS)
			continue;
		if (ktime_get_ns() >= ping.sent + timeout_ms * (u64)NSEC_PER_MSEC)
			break;
		cond_resched();
	}
	if (poll) {
		rf_ficm_busy_end(ch);
	} else if (!err) {
		left = wait_for_completion_killable_timeout(&ping.done,
							    msecs_to_jiffies(timeout_ms));
	}
	raw_spin_lock_irq(&rf_pings_lock);
	list_del(&ping.node);
	raw_spin_unlock_irq(&rf_pings_lock);
	if (err)
		return err;
	if (!ping.came)
		return left < 0 ? -EINTR : -ETIMEDOUT;
	*ns = ping.came - ping.sent;
	return 0;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_ping, RAINFOREST);

int rf_echo_init(void)
{
	return rf_ficm_register(RF_PORT_ECHO, &rf_echo_service);
}

void rf_echo_exit(void)
{
	rf_ficm_unregister(RF_PORT_ECHO);
}
