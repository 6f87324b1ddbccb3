// SPDX-License-Identifier: GPL-2.0
/*
 * The supervisor's end of port 4: who is there, who is called how, and rings for
 * those who want to talk to each other.
 */
#define pr_fmt(fmt) "rfloop: " fmt

#include <linux/module.h>
#include <linux/notifier.h>
#include <linux/slab.h>

#include <rf/life.h>

#include "sup.h"

#define RF_PAIRS	64	/* of which we know that they were made lately */
#define RF_PAIR_MS	300
#define RF_REGIONS	4	/* of two kernels: that in use, and some of earlier lives */

static char *rf_ip = "10.77.0.1/24";
module_param_named(ip, rf_ip, charp, 0444);
MODULE_PARM_DESC(ip, "the supervisor's address on rf0, and the network of all (default 10.77.0.1/24)");

static char *rf_ip6 = "fd77:7266::1/64";
module_param_named(ip6, rf_ip6, charp, 0444);
MODULE_PARM_DESC(ip6, "likewise for IPv6 (default fd77:7266::1/64)");

static unsigned int rf_pool_mib = 16;
module_param_named(pool, rf_pool_mib, uint, 0444);
MODULE_PARM_DESC(pool, "MiB of the pool of each direction between two kernels, 2 to 16 (default)");

LIST_HEAD(rf_guests);
DEFINE_MUTEX(rf_guests_lock);	/* see sup.h */

static struct rf_pair {
	u32 a, b;
	unsigned long at;
} rf_pairs[RF_PAIRS];
static unsigned int rf_nr_pairs;

struct rf_guest *rf_guest_of(u32 id)
{
	struct rf_guest *g;

	lockdep_assert_held(&rf_guests_lock);
	list_for_each_entry(g, &rf_guests, node)
		if (g->id == id)
			return g;
	return NULL;
}

struct rf_guest *rf_guest_named(const char *name)
{
	struct rf_guest *g;

	lockdep_assert_held(&rf_guests_lock);
	list_for_each_entry(g, &rf_guests, node)
		if (!strcmp(g->name, name))
			return g;
	return NULL;
}

static struct rf_guest *rf_guest_add(u32 id, const char *name)
{
	struct rf_guest *g = rf_guest_of(id);

	if (g)
		return g;
	g = kzalloc(sizeof(*g), GFP_KERNEL);
	if (!g)
		return NULL;
	g->id = id;
	strscpy(g->name, name, sizeof(g->name));
	list_add_tail(&g->node, &rf_guests);
	return g;
}

/* It doesn't run any more: nothing goes to it from here on */
static void rf_guest_leaves(struct rf_guest *g)
{
	g->here = false;
	memset(g->given, 0, sizeof(g->given));
	rf_list_drop(g->id, NULL);
	rf_list_dirty();
	/* at once: those who wait are to hear of it */
	rf_list_publish();
}

static void rf_guest_say(const struct rf_guest *g, u16 type, const void *data, size_t len)
{
	struct rf_ficm_channel *ch = rf_ficm_find(g->name);

	if (ch && rf_ficm_peer(ch) == g->id &&
	    rf_ficm_post(ch, RF_PORT_LOOP, type, data, len))
		pr_warn_ratelimited("%s does not take our messages\n", g->name);
	rf_ficm_put(ch);
}

/**
 * rf_guest_config - give a kernel its addresses
 * @g: the kernel; nothing happens before it has said hello
 *
 * Context: the workqueue, or a request of the operator's; under rf_guests_lock.
 */
void rf_guest_config(struct rf_guest *g)
{
	struct rf_guest *sup = rf_guest_of(0);

	for (int six = 0; six < 2 && g->here; six++) {
		struct rf_loop_address now = g->wish[six], was = g->given[six];

		if (!now.family && rf_address_auto(g, six, &now))
			continue;
		g->given[six] = now;
		if (g == sup) {
			rf_local_set(&now, &was);
			continue;
		}
		memcpy(now.via, sup->given[six].addr, sizeof(now.via));
		rf_guest_say(g, RF_LOOP_CONFIG, &now, sizeof(now));
	}
}

/* ---- what they say ---- */

/* A copy of the list for a subOS; what becomes of it rf_end_given() is told */
static void rf_guest_list(struct rf_guest *g)
{
	const struct rf_region_params p = {
		.port = RF_PORT_LOOP,
		.end = { 0, g->id },
		.flags = { 0, RF_REGION_READ_ONLY },
		.size = PAGE_ALIGN(sizeof(struct rf_loop_list)),
		.node = NUMA_NO_NODE,
		.tag = { RF_LOOP_TAG(RF_LOOP_LIST, 0) },
	};
	s64 made = rf_region_make(&p);

	/* it may just have stopped */
	if (made < 0 && made != -EHOSTDOWN)
		pr_warn("no list for %s: %pe\n", g->name, ERR_PTR(made));
}

static void rf_hello(struct rf_guest *g, const struct rf_ficm_msg *msg)
{
	const struct rf_loop_hello *hello = (const void *)msg->data;

	if (msg->len != sizeof(*hello) || hello->version != RF_LOOP_VERSION) {
		pr_warn("%s speaks another version of RFloop\n", g->name);
		return;
	}
	g->here = true;
	rf_list_drop(g->id, NULL);
	rf_list_dirty();
	rf_guest_config(g);
	if (!g->list)
		rf_guest_list(g);
}

static void rf_claim(struct rf_guest *g, const struct rf_loop_address *a)
{
	if ((a->family != 4 && a->family != 6) || a->prefix > 128)
		return;
	if (a->flags & RF_LOOP_GONE) {
		rf_list_drop(g->id, a);
	} else if (!rf_list_claim(g, a)) {
		g->refused++;
		pr_warn_ratelimited("%s may not have one more address, or one that is another's\n",
				    g->name);
	}
}

static bool rf_pair_lately(u32 a, u32 b)
{
	unsigned long since = jiffies - msecs_to_jiffies(RF_PAIR_MS);

	for (unsigned int i = 0; i < min_t(unsigned int, rf_nr_pairs, RF_PAIRS); i++)
		if (rf_pairs[i].a == a && rf_pairs[i].b == b &&
		    time_after(rf_pairs[i].at, since))
			return true;
	rf_pairs[rf_nr_pairs++ % RF_PAIRS] = (struct rf_pair) { a, b, jiffies };
	return false;
}

/* Two want to talk. Both may ask: the second one asks in vain. */
static void rf_want(struct rf_guest *g, u32 id)
{
	struct rf_guest *other = rf_guest_of(id);
	struct rf_region_params p = {
		.port = RF_PORT_LOOP,
		.end = { min(g->id, id), max(g->id, id) },
		.node = NUMA_NO_NODE,
	};
	s64 made = -EINVAL;

	if (!other || other == g || !g->here || !other->here || rf_pair_lately(p.end[0], p.end[1]))
		return;
	if (rf_region_count(RF_PORT_LOOP, p.end[0], p.end[1]) >= RF_REGIONS) {
		pr_warn_ratelimited("%s and %s do not give their old rings back\n",
				    g->name, other->name);
		return;
	}
	/* both are to know each other before */
	rf_list_publish();
	/* where so much can't be had, a smaller pool is better than none */
	for (u32 mib = clamp(rf_pool_mib, 2U, 16U); mib >= 2; mib /= 2) {
		u32 chunks = mib * (SZ_1M / RF_LOOP_CHUNK);

		p.size = RF_LOOP_SIZE(chunks);
		p.tag[0] = RF_LOOP_TAG(RF_LOOP_PAIR, chunks);
		made = rf_region_make(&p);
		if (made != -EDQUOT && made != -ENOMEM)
			break;
	}
	if (made < 0)
		pr_warn("no ring between %s and %s: %pe\n", g->name, other->name, ERR_PTR(made));
}

static void rf_message(struct rf_guest *g, const struct rf_ficm_msg *msg)
{
	const struct rf_loop_want *want = (const void *)msg->data;

	switch (msg->type) {
	case RF_LOOP_HELLO:
		rf_hello(g, msg);
		break;
	case RF_LOOP_CLAIM:
		if (g->here && msg->len == sizeof(struct rf_loop_address))
			rf_claim(g, (const void *)msg->data);
		break;
	case RF_LOOP_WANT:
		if (msg->len == sizeof(*want))
			rf_want(g, want->id);
		break;
	case RF_LOOP_BYE:
		rf_guest_leaves(g);
		break;
	}
}

/* ---- events ---- */

void rf_end_given(struct rf_region *r)
{
	struct rf_guest *g;

	mutex_lock(&rf_guests_lock);
	g = rf_guest_of(r->peer);
	if (!g || !g->here || g->list || !r->addr ||
	    r->tag[0] != RF_LOOP_TAG(RF_LOOP_LIST, 0)) {
		mutex_unlock(&rf_guests_lock);
		rf_event_back(r);
		return;
	}
	g->list = r;
	rf_list_dirty();
	mutex_unlock(&rf_guests_lock);
}

void rf_end_taken(struct rf_region *r)
{
	struct rf_guest *g;

	mutex_lock(&rf_guests_lock);
	g = rf_guest_of(r->peer);
	if (g && g->list == r) {
		g->list = NULL;
		/* its module went, and came again before we heard of this */
		if (g->here && !rf_leaving)
			rf_guest_list(g);
	}
	mutex_unlock(&rf_guests_lock);
	rf_region_release(r);
}

void rf_end_idle(void)
{
	guard(mutex)(&rf_guests_lock);
	rf_list_publish();
}

void rf_end_event(const struct rf_event *e)
{
	struct rf_guest *g, *own;

	guard(mutex)(&rf_guests_lock);
	g = rf_guest_of(e->id);
	own = rf_guest_of(0);
	switch (e->type) {
	case RF_EVENT_BORN:
		rf_guest_add(e->id, e->name);
		return;
	case RF_EVENT_OPENED:
		g = g ?: rf_guest_add(e->id, e->name);
		if (g)
			g->generation = e->generation;
		return;
	case RF_EVENT_LOCAL:
		/* else the module is being loaded, and all are claimed later */
		if (own)
			rf_claim(own, &e->addr);
		return;
	case RF_EVENT_WANT:
		if (own)
			rf_want(own, e->id);
		return;
	default:
		break;
	}
	if (!g || !g->id)
		return;
	switch (e->type) {
	case RF_EVENT_MESSAGE:
		/* the last words of an earlier life */
		if (e->generation == g->generation)
			rf_message(g, &e->msg);
		break;
	case RF_EVENT_GONE:
		if (e->generation == g->generation)
			rf_guest_leaves(g);
		break;
	case RF_EVENT_DEAD:
		rf_guest_leaves(g);
		list_del(&g->node);
		/* its list goes with its region, which finds nobody then */
		kfree(g);
		break;
	default:
		break;
	}
}

static void rf_put(enum rf_event_type type, struct rf_ficm_channel *ch,
		   const struct rf_ficm_msg *msg)
{
	struct rf_event e = {
		.type = type,
		.id = rf_ficm_peer(ch),
		.generation = rf_ficm_generation(ch),
	};

	if (msg)
		e.msg = *msg;
	strscpy(e.name, rf_ficm_name(ch), sizeof(e.name));
	if (rf_event_put(&e, GFP_KERNEL))
		pr_warn_ratelimited("too much is to be done: %s is not heard\n", e.name);
}

static void rf_receive(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg, void *ctx)
{
	rf_put(RF_EVENT_MESSAGE, ch, msg);
}

static void rf_opened(struct rf_ficm_channel *ch, void *ctx)
{
	rf_put(RF_EVENT_OPENED, ch, NULL);
}

static void rf_gone(struct rf_ficm_channel *ch, void *ctx)
{
	rf_put(RF_EVENT_GONE, ch, NULL);
}

static const struct rf_ficm_service rf_service = {
	.receive	= rf_receive,
	.opened		= rf_opened,
	.gone		= rf_gone,
};

static int rf_life(struct notifier_block *nb, unsigned long what, void *data)
{
	const struct rf_life *life = data;
	struct rf_event e = {
		.type = what == RF_LIFE_CREATED ? RF_EVENT_BORN : RF_EVENT_DEAD,
		.id = life->id,
	};

	strscpy(e.name, life->name, sizeof(e.name));
	rf_event_put(&e, GFP_KERNEL);
	return NOTIFY_DONE;
}

static struct notifier_block rf_life_block = {
	.notifier_call	= rf_life,
};

/* Those that run already are asked for their hello */
static void rf_who(void)
{
	struct rf_guest *g;

	rf_event_flush();
	guard(mutex)(&rf_guests_lock);
	list_for_each_entry(g, &rf_guests, node) {
		struct rf_ficm_channel *ch = g->id ? rf_ficm_find(g->name) : NULL;

		if (ch && rf_ficm_peer(ch) == g->id) {
			g->generation = rf_ficm_generation(ch);
			rf_ficm_post(ch, RF_PORT_LOOP, RF_LOOP_WHO, NULL, 0);
		}
		rf_ficm_put(ch);
	}
}

static int rf_own_init(void)
{
	struct rf_guest *g;
	int err;

	guard(mutex)(&rf_guests_lock);
	g = rf_guest_add(0, RF_SUPERVISOR_NAME);
	if (!g)
		return -ENOMEM;
	g->here = true;
	err = *rf_ip ? rf_address_parse(rf_ip, &g->wish[0]) : 0;
	if (!err && *rf_ip6)
		err = rf_address_parse(rf_ip6, &g->wish[1]);
	if (err || (*rf_ip && g->wish[0].family != 4) || (*rf_ip6 && g->wish[1].family != 6)) {
		pr_err("ip=%s ip6=%s: no addresses\n", rf_ip, rf_ip6);
		return -EINVAL;
	}
	rf_list_dirty();
	rf_guest_config(g);
	return 0;
}

static void rf_guests_free(void)
{
	struct rf_guest *g, *next;

	list_for_each_entry_safe(g, next, &rf_guests, node)
		kfree(g);
	INIT_LIST_HEAD(&rf_guests);
}

int rf_end_init(void)
{
	int err = rf_list_init();

	if (err)
		return err;
	err = rf_own_init();
	if (err)
		return err;
	rf_local_claim_all();
	err = rf_ficm_register(RF_PORT_LOOP, &rf_service);
	if (err)
		return err;
	err = rf_life_register(&rf_life_block);
	if (err)
		goto err_port;
	err = rf_net_init();
	if (err)
		goto err_life;
	rf_who();
	return 0;

err_life:
	rf_life_unregister(&rf_life_block);
err_port:
	rf_ficm_unregister(RF_PORT_LOOP);
	return err;
}

void rf_end_exit(void)
{
	rf_net_exit();
	rf_life_unregister(&rf_life_block);
	rf_ficm_unregister(RF_PORT_LOOP);
	rf_event_flush();
}

/* When no event comes any more; also after rf_end_init() has failed */
void rf_end_free(void)
{
	rf_guests_free();
	rf_list_exit();
}
