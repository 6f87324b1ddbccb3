// SPDX-License-Identifier: GPL-2.0
/* A subOS's end of port 4: it says hello, and is told what it is called and who is there */
#define pr_fmt(fmt) "rfloop: " fmt

#include <linux/slab.h>
#include <linux/vmalloc.h>

#include "rfloop.h"

#define RF_TRIES	100	/* to get the list whole, while it is written */

static struct rf_region *rf_list;		/* the workqueue's */
static bool rf_list_old;
static struct rf_loop_address rf_own[2];	/* what rf0 was given: IPv4, IPv6 */

static void rf_say(u16 type, const void *data, size_t len)
{
	struct rf_ficm_channel *ch = rf_ficm_supervisor();

	if (ch && rf_ficm_post(ch, RF_PORT_LOOP, type, data, len))
		pr_warn_ratelimited("the supervisor does not take our messages\n");
}

static void rf_hello(void)
{
	const struct rf_loop_hello hello = { .version = RF_LOOP_VERSION };

	rf_say(RF_LOOP_HELLO, &hello, sizeof(hello));
	rf_local_claim_all();
}

/* A whole copy of the list. Return: true; false when it is being written all the time. */
static bool rf_list_copy(struct rf_loop_list *to)
{
	const struct rf_loop_list *from = rf_list->addr;

	for (int i = 0; i < RF_TRIES; i++) {
		u32 seq = smp_load_acquire(&from->seq);

		if (!(seq & 1)) {
			memcpy(to, from, sizeof(*to));
			smp_rmb(); /* what was copied before seq */
			if (READ_ONCE(from->seq) == seq)
				return true;
		}
		cond_resched();
	}
	return false;
}

static void rf_list_read(void)
{
	struct rf_loop_list *copy;

	rf_list_old = false;
	if (!rf_list)
		return;
	copy = vmalloc(sizeof(*copy));
	if (!copy || !rf_list_copy(copy) || rf_map_set(copy))
		pr_warn("the list of addresses can't be read now\n");
	vfree(copy);
}

static void rf_config(const struct rf_ficm_msg *msg)
{
	const struct rf_loop_address *a = (const void *)msg->data;
	struct rf_loop_address *own;

	if (msg->len != sizeof(*a) || (a->family != 4 && a->family != 6) ||
	    a->prefix > (a->family == 4 ? 32 : 128))
		return;
	own = &rf_own[a->family == 6];
	if (!rf_local_set(a, own))
		*own = *a;
}

void rf_end_given(struct rf_region *r)
{
	if (r->tag[0] != RF_LOOP_TAG(RF_LOOP_LIST, 0) || r->peer || rf_list || !r->addr ||
	    r->size < sizeof(struct rf_loop_list)) {
		rf_event_back(r);
		return;
	}
	rf_list = r;
	rf_list_old = true;
}

/* However many changes there were, the list is read once */
void rf_end_idle(void)
{
	if (rf_list_old)
		rf_list_read();
}

void rf_end_taken(struct rf_region *r)
{
	rf_list = NULL;
	rf_map_clear();
	rf_region_release(r);
}

static void rf_message(const struct rf_ficm_msg *msg)
{
	switch (msg->type) {
	case RF_LOOP_WHO:
		rf_hello();
		break;
	case RF_LOOP_CONFIG:
		rf_config(msg);
		break;
	case RF_LOOP_CHANGED:
		rf_list_old = true;
		break;
	}
}

void rf_end_event(const struct rf_event *e)
{
	const struct rf_loop_want want = { .id = e->id };

	switch (e->type) {
	case RF_EVENT_OPENED:
		rf_hello();
		break;
	case RF_EVENT_MESSAGE:
		rf_message(&e->msg);
		break;
	case RF_EVENT_LOCAL:
		rf_say(RF_LOOP_CLAIM, &e->addr, sizeof(e->addr));
		break;
	case RF_EVENT_WANT:
		rf_say(RF_LOOP_WANT, &want, sizeof(want));
		break;
	default:
		break;
	}
}

/* In FICM's read thread. Only the supervisor has a say. */
static void rf_receive(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	const struct rf_event e = { .type = RF_EVENT_MESSAGE, .msg = *msg };

	if (!rf_ficm_peer(ch) && rf_event_put(&e, GFP_KERNEL))
		pr_warn_ratelimited("a message of the supervisor is lost\n");
}

static void rf_opened(struct rf_ficm_channel *ch, void *ctx)
{
	const struct rf_event e = { .type = RF_EVENT_OPENED };

	if (!rf_ficm_peer(ch))
		rf_event_put(&e, GFP_KERNEL);
}

static const struct rf_ficm_service rf_service = {
	.receive	= rf_receive,
	.opened		= rf_opened,
};

int rf_end_init(void)
{
	const struct rf_event e = { .type = RF_EVENT_OPENED };
	int err = rf_ficm_register(RF_PORT_LOOP, &rf_service);

	if (!err && rf_ficm_supervisor())
		rf_event_put(&e, GFP_KERNEL);
	return err;
}

void rf_end_free(void)
{
}

void rf_end_exit(void)
{
	rf_say(RF_LOOP_BYE, NULL, 0);
	rf_ficm_unregister(RF_PORT_LOOP);
	rf_event_flush();
}
