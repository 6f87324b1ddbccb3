// SPDX-License-Identifier: GPL-2.0
/*
 * Who may talk to whom: the rings of all channels. Each subOS has one to the
 * supervisor from its start on, and to another subOS when somebody asks
 * (connect.c). And who shares which memory: regions (region.c).
 *
 * The pages are the supervisor's, so that they outlive either end. They are
 * freed when both ends have closed; a subOS also counts as having closed when
 * every CPU of it is proven out, and not before, whatever it says.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/topology.h>
#include <linux/workqueue.h>

#include <rf/msgring.h>

#include "channels.h"

#define RF_REMIND_MS	500	/* to those that don't answer */

LIST_HEAD(rf_links);
/*
 * The list, and the states of the ends. A channel is not closed under it, for
 * that waits for handlers, which take it.
 */
DEFINE_MUTEX(rf_links_lock);
DECLARE_WAIT_QUEUE_HEAD(rf_links_wait);	/* a state has changed */
static u64 rf_next_number = 1;

static void rf_links_look(struct work_struct *work);
static DECLARE_DELAYED_WORK(rf_links_work, rf_links_look);

/* ---- links ---- */

static void rf_link_free(struct kref *ref)
{
	struct rf_link *l = container_of(ref, struct rf_link, ref);

	for (int i = 0; i < 2; i++)
		free_pages((unsigned long)l->ring[i], l->page_order);
	rf_pages_free(l->pages);
	kfree(l);
}

/* Drop a reference: with the last one the rings go */
void rf_link_put(struct rf_link *l)
{
	kref_put(&l->ref, rf_link_free);
}

/* A number that no channel between subOSes and no region ever had */
u64 rf_link_number(void)
{
	lockdep_assert_held(&rf_links_lock);
	return rf_next_number++;
}

/* Both ends have left: the list's reference goes */
void rf_link_check(struct rf_link *l)
{
	lockdep_assert_held(&rf_links_lock);
	if (l->end[0].state != RF_END_CLOSED || l->end[1].state != RF_END_CLOSED)
		return;
	list_del(&l->node);
	rf_link_put(l);
}

/* Rings for two ends on these nodes, empty; NULL: no memory. For rf_link_put(). */
struct rf_link *rf_link_new(u64 generation, int node0, int node1)
{
	int node[2] = { node0, node1 };
	struct rf_link *l = kzalloc(sizeof(*l), GFP_KERNEL);

	if (!l)
		return NULL;
	kref_init(&l->ref);
	l->generation = generation;
	l->page_order = get_order(rf_msgring_size(RF_MSG_ORDER));
	/* each ring near who reads it, if there is room */
	for (int i = 0; i < 2; i++) {
		struct page *page = alloc_pages_node(node_online(node[i]) ? node[i] : NUMA_NO_NODE,
						     GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN,
						     l->page_order);

		if (!page) {
			rf_link_put(l);
			return NULL;
		}
		l->ring[i] = page_address(page);
		rf_msgring_init(l->ring[i], RF_MSG_ORDER, generation);
	}
	return l;
}

/* Whose end it is */
void rf_end_set(struct rf_link_end *end, u32 id, const char *name)
{
	end->id = id;
	strscpy(end->name, name, sizeof(end->name));
}

/* The end of a link that is subOS @id's, or NULL */
static struct rf_link_end *rf_end_of(struct rf_link *l, u32 id)
{
	for (int i = 0; i < 2; i++)
		if (l->end[i].id == id)
			return &l->end[i];
	return NULL;
}

/* The channel between two, of which the first may be 0, the supervisor */
struct rf_link *rf_link_find(u32 a, u32 b)
{
	struct rf_link *l;

	lockdep_assert_held(&rf_links_lock);
	list_for_each_entry(l, &rf_links, node) {
		struct rf_link_end *x = rf_end_of(l, a), *y = rf_end_of(l, b);

		if (!l->pages && x && y && x != y && x->state < RF_END_LEAVING &&
		    y->state < RF_END_LEAVING)
			return l;
	}
	return NULL;
}

/**
 * rf_channel_get - the channel to a subOS
 * @s: the subOS
 *
 * Context: process.
 * Return: it, for rf_ficm_put(); it may be closed at any moment. NULL when the
 * subOS does not run.
 */
struct rf_ficm_channel *rf_channel_get(struct rf_subos *s)
{
	struct rf_ficm_channel *ch = NULL;
	struct rf_link *l;

	guard(mutex)(&rf_links_lock);
	l = rf_link_find(0, s->id);
	if (l && l->ch) {
		ch = l->ch;
		rf_ficm_get(ch);
	}
	return ch;
}

/* ---- between the supervisor and a subOS ---- */

/**
 * rf_channel_start - make the channel to a subOS that is about to start
 * @s: the subOS, all of whose CPUs are proven out
 *
 * Context: s->lock held, s->drain not.
 * Return: 0, -ENOMEM with extack.
 */
int rf_channel_start(struct rf_subos *s, struct netlink_ext_ack *extack)
{
	struct rf_ficm_params p = {
		.name = s->name,
		.peer = s->id,
		.generation = s->generation + 1,
		.bell = s->res.cpus[0].apicid,
	};
	struct rf_ficm_channel *ch;
	struct rf_link *l;

	lockdep_assert_held(&s->lock);
	rf_channel_proven(s->id);
	l = rf_link_new(p.generation, cpu_to_node(rf_ficm_core()), s->res.cpus[0].node);
	if (!l) {
		rf_msg(extack, "no memory for the channel to %s", s->name);
		return -ENOMEM;
	}
	rf_end_set(&l->end[0], 0, RF_SUPERVISOR_NAME);
	rf_end_set(&l->end[1], s->id, s->name);
	l->end[0].state = RF_END_OPEN;
	l->end[1].state = RF_END_OPEN;
	p.rx = l->ring[0];
	p.tx = l->ring[1];
	p.size = PAGE_SIZE << l->page_order;
	s->ficm_rx = __pa(l->ring[1]);
	s->ficm_tx = __pa(l->ring[0]);
	s->ficm_size = p.size;
	mutex_lock(&rf_links_lock);
	list_add_tail(&l->node, &rf_links);
	mutex_unlock(&rf_links_lock);
	/* a service's opened() may look for it in the list */
	ch = rf_ficm_open(&p);
	mutex_lock(&rf_links_lock);
	if (IS_ERR(ch))
		l->end[0].state = RF_END_CLOSED;
	else
		l->ch = ch;
	mutex_unlock(&rf_links_lock);
	if (!IS_ERR(ch))
		return 0;
	rf_channel_proven(s->id);
	rf_msg(extack, "no channel to %s: %pe", s->name, ch);
	return PTR_ERR(ch);
}

/* Close our own ends of a subOS's links. What it may still write stays. */
static void rf_close_own(u32 id)
{
	struct rf_link *l;

	mutex_lock(&rf_links_lock);
again:
	list_for_each_entry(l, &rf_links, node) {
		struct rf_ficm_channel *ch = l->ch;

		if (!ch || !rf_end_of(l, id))
			continue;
		/* nobody else closes it, or frees the link, until it is CLOSED */
		l->ch = NULL;
		l->end[0].state = RF_END_LEAVING;
		mutex_unlock(&rf_links_lock);
		rf_ficm_close(ch);
		mutex_lock(&rf_links_lock);
		l->end[0].state = RF_END_CLOSED;
		rf_link_check(l);
		goto again;
	}
	mutex_unlock(&rf_links_lock);
}

/* Are the ends of subOSes in it opened and closed by messages? Or else by start and stop. */
static bool rf_link_told(const struct rf_link *l)
{
	return l->end[0].id || l->pages;
}

/* Tell a subOS to close its end; it is asked again until it answers or stops */
void rf_end_leave(struct rf_link *l, struct rf_link_end *end)
{
	struct rf_control_answer a = { .generation = l->generation };
	struct rf_link *own;

	lockdep_assert_held(&rf_links_lock);
	if (end->state == RF_END_CLOSED)
		return;
	end->state = RF_END_LEAVING;
	if (!end->id) {
		rf_region_leave(l);
		return;
	}
	own = rf_link_find(0, end->id);
	if (own && own->ch)
		rf_ficm_post(own->ch, RF_PORT_CONTROL, RF_CONTROL_DISCONNECT, &a, sizeof(a));
	mod_delayed_work(system_wq, &rf_links_work, msecs_to_jiffies(RF_REMIND_MS));
}

/**
 * rf_channel_down - a subOS does not run any more: close our end, tell its peers
 * @id: its id
 *
 * The pages stay: its CPUs may still write them. To be called more than once
 * does no harm.
 *
 * Context: process, may sleep; not from a FICM service.
 */
void rf_channel_down(u32 id)
{
	struct rf_link *l;

	rf_close_own(id);
	mutex_lock(&rf_links_lock);
	list_for_each_entry(l, &rf_links, node) {
		struct rf_link_end *end = rf_end_of(l, id);

		if (!end)
			continue;
		end->state = max(end->state, RF_END_LEAVING);
		for (int i = 0; i < 2; i++)
			if (rf_link_told(l) && &l->end[i] != end &&
			    l->end[i].state < RF_END_LEAVING)
				rf_end_leave(l, &l->end[i]);
	}
	mutex_unlock(&rf_links_lock);
	wake_up_all(&rf_links_wait);
}

/**
 * rf_channel_proven - a subOS's CPUs are proven out: it touches no ring any more
 * @id: its id
 *
 * Context: process, may sleep; not from a FICM service.
 */
void rf_channel_proven(u32 id)
{
	struct rf_link *l, *next;

	rf_channel_down(id);
	mutex_lock(&rf_links_lock);
	list_for_each_entry_safe(l, next, &rf_links, node) {
		struct rf_link_end *end = rf_end_of(l, id);

		if (!end)
			continue;
		end->state = RF_END_CLOSED;
		rf_link_check(l);
	}
	mutex_unlock(&rf_links_lock);
	wake_up_all(&rf_links_wait);
}

/* ---- what subOSes answer ---- */

/* What a subOS answers, in FICM's read thread. Who it is the channel tells. */
static void rf_channels_answer(struct rf_ficm_channel *ch, const struct rf_ficm_msg *msg,
			       void *ctx)
{
	const struct rf_control_answer *a = (const void *)msg->data;
	u32 id = rf_ficm_peer(ch);
	struct rf_link *l, *next;

	if (msg->type == RF_CONTROL_TUNED) {
		rf_tune_answer(ch, (const void *)msg->data);
		return;
	}
	if (msg->type != RF_CONTROL_OPENED && msg->type != RF_CONTROL_CLOSED) {
		rf_ficm_refuse(ch);
		return;
	}
	mutex_lock(&rf_links_lock);
	list_for_each_entry_safe(l, next, &rf_links, node) {
		struct rf_link_end *end = rf_end_of(l, id);

		/* the supervisor's own channels are no business of theirs */
		if (!end || !rf_link_told(l) || l->generation != a->generation)
			continue;
		if (msg->type == RF_CONTROL_OPENED && end->state == RF_END_TOLD) {
			end->error = clamp(a->error, -MAX_ERRNO, 0);
			end->state = end->error ? RF_END_CLOSED : RF_END_OPEN;
		} else if (msg->type == RF_CONTROL_CLOSED &&
			   (end->state == RF_END_LEAVING || l->pages)) {
			end->state = RF_END_CLOSED;
		}
		/* a region is of no use to one alone */
		if (l->pages && end->state == RF_END_CLOSED)
			rf_end_leave(l, &l->end[end == &l->end[0]]);
		rf_link_check(l);
	}
	mutex_unlock(&rf_links_lock);
	wake_up_all(&rf_links_wait);
}

static const struct rf_ficm_service rf_channels_service = {
	.receive	= rf_channels_answer,
};

/* ---- behind the scenes ---- */

/* The first behind @id that does not run and has a channel, referenced; or NULL */
static struct rf_subos *rf_links_dead_next(u32 id)
{
	struct rf_subos *s;

	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node) {
		if (s->id <= id || rf_state_alive(s->state) || !READ_ONCE(s->ficm_rx))
			continue;
		kref_get(&s->ref);
		return s;
	}
	return NULL;
}

/*
 * A subOS that died by itself: close what it had. Under its lock to the end, for
 * somebody may start it again at once, and that channel is not to be closed.
 */
static void rf_links_dead(void)
{
	struct rf_subos *s;
	u32 id = 0;

	while ((s = rf_links_dead_next(id))) {
		id = s->id;
		if (!mutex_trylock(&s->lock)) {
			/* that start may be under way: come again */
			mod_delayed_work(system_wq, &rf_links_work,
					 msecs_to_jiffies(RF_REMIND_MS));
		} else {
			if (!rf_state_alive(s->state)) {
				WRITE_ONCE(s->ficm_rx, 0);
				rf_channel_down(id);
			}
			mutex_unlock(&s->lock);
		}
		rf_subos_put(s);
	}
}

static void rf_links_look(struct work_struct *work)
{
	struct rf_link *l;

	rf_links_dead();
	mutex_lock(&rf_links_lock);
	list_for_each_entry(l, &rf_links, node)
		for (int i = 0; i < 2; i++)
			if (l->end[i].id && rf_link_told(l) && l->end[i].state == RF_END_LEAVING)
				rf_end_leave(l, &l->end[i]);
	mutex_unlock(&rf_links_lock);
}

/**
 * rf_channels_kick - a subOS has ended: look which
 *
 * Context: any.
 */
void rf_channels_kick(void)
{
	mod_delayed_work(system_wq, &rf_links_work, 0);
}

int rf_channels_init(void)
{
	int err = rf_ficm_register(RF_PORT_CONTROL, &rf_channels_service);

	if (err)
		return err;
	err = rf_region_init();
	if (err)
		rf_ficm_unregister(RF_PORT_CONTROL);
	return err;
}

/* No subOS is left, and none in quarantine */
void rf_channels_exit(void)
{
	rf_region_exit();
	rf_ficm_unregister(RF_PORT_CONTROL);
	cancel_delayed_work_sync(&rf_links_work);
	WARN_ON(!list_empty(&rf_links));
}
