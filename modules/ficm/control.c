// SPDX-License-Identifier: GPL-2.0
/*
 * In a subOS: the channel to the supervisor, and those to other subOSes that it
 * tells us of on port 5 of it. See rf/abi/ring.h.
 */
#define pr_fmt(fmt) "ficm: " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/smp.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>

#include <asm/rainforest_subos.h>
#include <asm/smp.h>

#include <rf/abi/region.h>
#include <rf/region.h>

#include "internal.h"

struct rf_peer {
	struct list_head node;
	struct rf_ficm_channel *ch;
	void *rx, *tx;
	u64 generation;
};

static struct rf_peer *rf_sup;
static LIST_HEAD(rf_peers);	/* the read thread's */
static struct {			/* of the channel that is about to come */
	u64 generation;
	char text[2][sizeof_field(struct rf_control_name, text)];
} rf_coming;

/**
 * rf_ficm_supervisor - the channel to the supervisor
 *
 * Return: it, without a reference; it stays open until the module goes. NULL
 * in the supervisor, and where the supervisor offers none.
 */
struct rf_ficm_channel *rf_ficm_supervisor(void)
{
	return rf_sup ? rf_sup->ch : NULL;
}
EXPORT_SYMBOL_NS_GPL(rf_ficm_supervisor, RAINFOREST);

static void *rf_ring_map(u64 at, u32 size)
{
	const struct rf_region_chunk ring = { at, size };

	return rf_map_foreign(&ring, 1, size, PAGE_KERNEL);
}

static struct rf_peer *rf_peer_open(struct rf_ficm_params *p, u64 rx, u64 tx)
{
	struct rf_peer *peer = kzalloc(sizeof(*peer), GFP_KERNEL);
	int err = -ENOMEM;

	if (!peer)
		return ERR_PTR(err);
	peer->generation = p->generation;
	peer->rx = rf_ring_map(rx, p->size);
	peer->tx = rf_ring_map(tx, p->size);
	if (!peer->rx || !peer->tx)
		goto err_free;
	p->rx = peer->rx;
	p->tx = peer->tx;
	peer->ch = rf_ficm_open(p);
	if (!IS_ERR(peer->ch))
		return peer;
	err = PTR_ERR(peer->ch);
err_free:
	vunmap(peer->rx);
	vunmap(peer->tx);
	kfree(peer);
	return ERR_PTR(err);
}

static void rf_peer_close(struct rf_peer *peer)
{
	rf_ficm_close(peer->ch);
	vunmap(peer->rx);
	vunmap(peer->tx);
	kfree(peer);
}

static struct rf_peer *rf_peer_find(u64 generation)
{
	struct rf_peer *peer;

	list_for_each_entry(peer, &rf_peers, node)
		if (peer->generation == generation)
			return peer;
	return NULL;
}

static void rf_take_name(const struct rf_ficm_msg *msg)
{
	const struct rf_control_name *name = (const void *)msg->data;

	if (name->generation != rf_coming.generation)
		memset(&rf_coming, 0, sizeof(rf_coming));
	rf_coming.generation = name->generation;
	memcpy(rf_coming.text[msg->type == RF_CONTROL_NAME_1], name->text, sizeof(name->text));
}

static int rf_connect(const struct rf_control_connect *c)
{
	char name[RF_BOOT_NAME_LEN] = "?";
	struct rf_ficm_params p = {
		.name = name,
		.peer = c->peer,
		.generation = c->generation,
		.size = c->size,
		.bell = rainforest_desc->sup_apicid,
	};
	struct rf_peer *peer;

	if (!c->peer || c->size > rf_msgring_size(RF_MSG_MAX_ORDER) ||
	    !PAGE_ALIGNED(c->rx) || !PAGE_ALIGNED(c->tx))
		return -EINVAL;
	if (rf_peer_find(c->generation))
		return 0;	/* asked twice */
	if (rf_coming.generation == c->generation) {
		memcpy(name, rf_coming.text, sizeof(rf_coming.text));
		name[sizeof(name) - 1] = 0;
	}
	peer = rf_peer_open(&p, c->rx, c->tx);
	if (IS_ERR(peer))
		return PTR_ERR(peer);
	list_add(&peer->node, &rf_peers);
	pr_info("channel to %s\n", name);
	return 0;
}

static void rf_disconnect(u64 generation)
{
	struct rf_peer *peer = rf_peer_find(generation);

	if (!peer)
		return;
	pr_info("no more channel to %s\n", rf_ficm_name(peer->ch));
	list_del(&peer->node);
	rf_peer_close(peer);
}

static int rf_cpu_of(u32 apicid)
{
	unsigned int cpu;

	for_each_present_cpu(cpu)
		if (cpu_physical_id(cpu) == apicid)
			return cpu;
	return -ENXIO;
}

/* The core first: a CPU that is present may have left, the rest was checked by who asks */
static int rf_tune(const struct rf_control_tune *t)
{
	int cpu = t->apicid == RF_TUNE_KEEP ? 0 : rf_cpu_of(t->apicid), err = 0;

	if (cpu < 0)
		return cpu;
	if (t->apicid != RF_TUNE_KEEP)
		err = rf_ficm_set_core(cpu);
	if (!err && t->priority != RF_TUNE_KEEP)
		err = rf_ficm_set_priority(t->priority);
	if (!err && t->poll_us != RF_TUNE_KEEP)
		rf_ficm_set_poll(min_t(u32, t->poll_us, USEC_PER_SEC));
	return err;
}

static void rf_tune_answer(struct rf_ficm_channel *ch, const struct rf_control_tune *asked)
{
	int err = rf_tune(asked);	/* first: the rest is what it is then */
	struct rf_control_tune t = {
		.token = asked->token,
		.error = err,
		.apicid = rf_ficm_core_apicid(),
		.priority = rf_ficm_priority(),
		.poll_us = rf_ficm_poll(),
		.moves = rf_ficm_moves(),
	};

	rf_ficm_post(ch, RF_PORT_CONTROL, RF_CONTROL_TUNED, &t, sizeof(t));
}

static void rf_control(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	struct rf_control_answer answer = { };
	u16 type;

	/* only the supervisor has a say; who it is the ring tells, not the message */
	if (rf_ficm_peer(ch)) {
		rf_ficm_refuse(ch);
		return;
	}
	switch (msg->type) {
	case RF_CONTROL_NAME_0:
	case RF_CONTROL_NAME_1:
		rf_take_name(msg);
		return;
	case RF_CONTROL_CONNECT:
		answer.error = rf_connect((const void *)msg->data);
		type = RF_CONTROL_OPENED;
		break;
	case RF_CONTROL_REGION:
		answer.error = rf_region_told((const void *)msg->data);
		type = RF_CONTROL_OPENED;
		break;
	case RF_CONTROL_DISCONNECT:
		memcpy(&answer.generation, msg->data, sizeof(answer.generation));
		rf_disconnect(answer.generation);
		if (!rf_region_wanted(answer.generation))
			return;		/* its service answers */
		type = RF_CONTROL_CLOSED;
		break;
	case RF_CONTROL_TUNE:
		rf_tune_answer(ch, (const void *)msg->data);
		return;
	default:
		rf_ficm_refuse(ch);
		return;
	}
	/* the generation comes first in all of them */
	memcpy(&answer.generation, msg->data, sizeof(answer.generation));
	if (rf_ficm_post(ch, RF_PORT_CONTROL, type, &answer, sizeof(answer)))
		pr_warn_ratelimited("the supervisor doesn't take our answers\n");
}

static const struct rf_ficm_service rf_control_service = {
	.receive	= rf_control,
};

int rf_control_init(void)
{
	struct rf_boot_desc *d = rainforest_desc;
	struct rf_ficm_params p = {
		.name = RF_SUPERVISOR_NAME,
		.generation = d->generation,
		.size = d->ficm_size,
		.bell = d->sup_apicid,
	};
	struct rf_peer *peer;
	int err;

	rf_region_set_giver(&rf_held_giver);
	err = rf_ficm_register(RF_PORT_CONTROL, &rf_control_service);
	if (err)
		return err;
	/* an older supervisor has none */
	if (d->version_minor < 1 || !d->ficm_rx || !d->ficm_tx)
		return 0;
	peer = rf_peer_open(&p, d->ficm_rx, d->ficm_tx);
	if (IS_ERR(peer)) {
		/* life goes on without: say why */
		pr_err("no channel to the supervisor: %pe\n", peer);
		return 0;
	}
	rf_sup = peer;
	return 0;
}

void rf_control_exit(void)
{
	struct rf_peer *peer, *next;

	rf_ficm_unregister(RF_PORT_CONTROL);
	rf_region_exit();
	list_for_each_entry_safe(peer, next, &rf_peers, node)
		rf_peer_close(peer);
	if (rf_sup)
		rf_peer_close(rf_sup);
	rf_sup = NULL;
}
