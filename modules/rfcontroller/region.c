// SPDX-License-Identifier: GPL-2.0
/*
 * Regions: pages of ours that two kernels share, for services. Where they are
 * stands in a table, a page that a subOS reads once. Their ends come and go as
 * those of channels do: channels.c. See rf/region.h and rf/abi/region.h.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/delay.h>
#include <linux/err.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include <rf/region.h>

#include "channels.h"

#define RF_REGION_TELL_MS	500	/* for room in a subOS's ring */
#define RF_CHUNK_ORDER		9	/* 2 MiB: what one page table entry maps */

static unsigned int rf_region_max = 1024;
module_param_named(region_max, rf_region_max, uint, 0644);
MODULE_PARM_DESC(region_max, "MiB of shared regions that one subOS may have (default 1024)");

/* The supervisor's end of a region */
struct rf_own {
	struct rf_region r;
	struct rf_link *l;
	struct kref ref;		/* the service's, and the work's */
	struct work_struct work;
	bool given, taken;		/* under rf_links_lock */
};

/* What a region consists of */
struct rf_pages {
	struct rf_control_region say;	/* the same for both ends, but for flags and peer */
	struct rf_region_table *table;	/* filled before it is told, never read after */
	struct rf_region_chunk chunk[RF_REGION_CHUNKS];
	unsigned int nr;
	u32 flags[2];
	struct rf_own *own;
};

/* ---- pages ---- */

void rf_pages_free(struct rf_pages *p)
{
	if (!p)
		return;
	for (unsigned int i = 0; i < p->nr; i++)
		__free_pages(pfn_to_page(PHYS_PFN(p->chunk[i].start)),
			     get_order(p->chunk[i].size));
	free_page((unsigned long)p->table);
	kvfree(p);
}

/* As few pieces as can be had. Return: 0, -ENOMEM: rf_pages_free() frees it. */
static int rf_pages_fill(struct rf_pages *p, u64 size, int node)
{
	unsigned int order = RF_CHUNK_ORDER;
	u64 left = size;

	while (left) {
		gfp_t gfp = GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN;
		struct page *page;

		order = min_t(unsigned int, order, ilog2(left >> PAGE_SHIFT));
		if (order)
			gfp |= __GFP_NORETRY;
		if (p->nr == RF_REGION_CHUNKS)
			return -ENOMEM;
		page = alloc_pages_node(node, gfp, order);
		if (!page && !order)
			return -ENOMEM;
		if (!page) {
			order--;
			continue;
		}
		p->chunk[p->nr++] = (struct rf_region_chunk) {
			.start = PFN_PHYS(page_to_pfn(page)),
			.size = PAGE_SIZE << order,
		};
		left -= PAGE_SIZE << order;
	}
	return 0;
}

static struct rf_pages *rf_pages_new(u64 size, int node)
{
	struct rf_pages *p = kvzalloc(sizeof(*p), GFP_KERNEL);

	if (!p)
		return NULL;
	p->table = (void *)get_zeroed_page(GFP_KERNEL);
	if (p->table && !rf_pages_fill(p, size, node))
		return p;
	rf_pages_free(p);
	return NULL;
}

static void *rf_pages_map(const struct rf_pages *p, u64 size, bool read_only)
{
	unsigned int n = 0, nr = size >> PAGE_SHIFT;
	struct page **pages = kvmalloc_array(nr, sizeof(*pages), GFP_KERNEL);
	void *to;

	if (!pages)
		return NULL;
	for (unsigned int i = 0; i < p->nr; i++)
		for (u64 at = 0; at < p->chunk[i].size; at += PAGE_SIZE)
			pages[n++] = pfn_to_page(PHYS_PFN(p->chunk[i].start + at));
	to = vmap(pages, nr, VM_MAP, read_only ? PAGE_KERNEL_RO : PAGE_KERNEL);
	kvfree(pages);
	return to;
}

/* ---- our own end ---- */

static struct workqueue_struct *rf_own_wq;

static void rf_own_free(struct kref *ref)
{
	struct rf_own *o = container_of(ref, struct rf_own, ref);

	vunmap(o->r.addr);
	rf_link_put(o->l);
	kfree(o);
}

static void rf_own_queue(struct rf_own *o)
{
	kref_get(&o->ref);
	if (!queue_work(rf_own_wq, &o->work))
		kref_put(&o->ref, rf_own_free);
}

/* Our end is out, and so is to be the other. Once only. */
static void rf_own_out(struct rf_own *o)
{
	struct rf_link *l = o->l;

	lockdep_assert_held(&rf_links_lock);
	l->end[0].state = RF_END_CLOSED;
	l->pages->own = NULL;
	rf_end_leave(l, &l->end[1]);
	rf_link_check(l);
}

/* The service is to have it, or to give it back */
static void rf_own_work(struct work_struct *work)
{
	struct rf_own *o = container_of(work, struct rf_own, work);
	struct rf_link_end *end = &o->l->end[0];
	const struct rf_region_service *svc;
	bool give, take, closing, refused = false;

	svc = rf_region_service_get(o->r.port, &closing);
	mutex_lock(&rf_links_lock);
	give = !o->given;
	o->given = true;
	mutex_unlock(&rf_links_lock);
	if (give)
		refused = !svc || closing || svc->given(&o->r, svc->ctx);
	mutex_lock(&rf_links_lock);
	if (refused)
		rf_own_out(o);
	else if (end->state == RF_END_TOLD)
		end->state = RF_END_OPEN;
	take = !refused && end->state == RF_END_LEAVING && !o->taken;
	o->taken |= take;
	mutex_unlock(&rf_links_lock);
	if (take && svc->taken)
		svc->taken(&o->r, svc->ctx);
	rf_region_service_put();
	if (refused) {
		wake_up_all(&rf_links_wait);
		kref_put(&o->ref, rf_own_free);		/* that which the service would have */
	}
	kref_put(&o->ref, rf_own_free);
}

/* The supervisor's end is to be left. Context: rf_links_lock held. */
void rf_region_leave(struct rf_link *l)
{
	lockdep_assert_held(&rf_links_lock);
	if (l->pages && l->pages->own)
		rf_own_queue(l->pages->own);
}

/**
 * rf_region_release - let go of a region
 * @r: as given; gone when this returns, its mapping too
 *
 * The other end gets taken(). Not before all that uses @r has ended.
 *
 * Context: process, may sleep; also from taken(), not from given().
 */
void rf_region_release(struct rf_region *r)
{
	struct rf_own *o = container_of(r, struct rf_own, r);

	mutex_lock(&rf_links_lock);
	o->taken = true;
	rf_own_out(o);
	mutex_unlock(&rf_links_lock);
	wake_up_all(&rf_links_wait);
	kref_put(&o->ref, rf_own_free);
}
EXPORT_SYMBOL_NS_GPL(rf_region_release, RAINFOREST);

static struct rf_own *rf_own_new(struct rf_link *l, u32 peer)
{
	const struct rf_pages *p = l->pages;
	struct rf_own *o = kzalloc(sizeof(*o), GFP_KERNEL);

	if (!o)
		return NULL;
	kref_init(&o->ref);
	INIT_WORK(&o->work, rf_own_work);
	o->r = (struct rf_region) {
		.id = l->generation, .port = p->say.port, .peer = peer,
		.tag = { p->say.tag[0], p->say.tag[1] }, .size = p->say.size,
		.flags = p->flags[0], .nr_chunks = p->nr, .chunk = p->chunk,
	};
	if (!(o->r.flags & RF_REGION_UNMAPPED)) {
		o->r.addr = rf_pages_map(p, o->r.size, o->r.flags & RF_REGION_READ_ONLY);
		if (!o->r.addr) {
			kfree(o);
			return NULL;
		}
	}
	kref_get(&l->ref);
	o->l = l;
	return o;
}

/* ---- making ---- */

/* How many bytes a subOS has in regions */
static u64 rf_region_bytes(u32 id)
{
	struct rf_link *l;
	u64 sum = 0;

	lockdep_assert_held(&rf_links_lock);
	list_for_each_entry(l, &rf_links, node)
		if (l->pages && (l->end[0].id == id || l->end[1].id == id))
			sum += l->pages->say.size;
	return sum;
}

static int rf_region_node(u32 id)
{
	struct rf_subos *s;

	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node)
		if (s->id == id && s->res.nr_cpus && node_online(s->res.cpus[0].node))
			return s->res.cpus[0].node;
	return NUMA_NO_NODE;
}

/* May the ends have it? They run, and have not too much already. */
static int rf_region_check_ends(struct rf_link *l)
{
	for (int i = 0; i < 2; i++) {
		struct rf_link_end *end = &l->end[i];
		struct rf_link *ch = end->id ? rf_link_find(0, end->id) : NULL;

		if (!end->id) {
			rf_end_set(end, 0, RF_SUPERVISOR_NAME);
			continue;
		}
		if (!ch || !ch->ch)
			return -EHOSTDOWN;
		rf_end_set(end, end->id, ch->end[1].name);
		if (rf_region_bytes(end->id) + l->pages->say.size >
		    (u64)READ_ONCE(rf_region_max) << 20)
			return -EDQUOT;
	}
	return 0;
}

/*
 * Tell a subOS's end, unless it is to leave already: a word that comes after
 * that would let it map what may be freed. Return: 0, -ETIMEDOUT.
 */
static int rf_region_tell(struct rf_link *l, int i)
{
	struct rf_control_region say = l->pages->say;
	ktime_t end = ktime_add_ms(ktime_get(), RF_REGION_TELL_MS);
	int err;

	say.flags = l->pages->flags[i];
	say.peer = l->end[!i].id;
	for (;;) {
		struct rf_link *ch;

		mutex_lock(&rf_links_lock);
		ch = rf_link_find(0, l->end[i].id);
		err = ch && ch->ch && l->end[i].state == RF_END_TOLD ?
		      rf_ficm_post(ch->ch, RF_PORT_CONTROL, RF_CONTROL_REGION,
				   &say, sizeof(say)) : 0;
		mutex_unlock(&rf_links_lock);
		if (err != -EAGAIN)
			return 0;	/* told, or there is nobody to tell */
		if (ktime_after(ktime_get(), end))
			return -ETIMEDOUT;
		usleep_range(500, 1000);
	}
}

static int rf_region_check(const struct rf_region_params *p)
{
	if (p->port < RF_PORT_COM || p->port >= RF_PORTS || !p->end[1] ||
	    p->end[0] == p->end[1] || !p->size || p->size > RF_REGION_MAX ||
	    ((p->flags[0] | p->flags[1]) & ~(RF_REGION_READ_ONLY | RF_REGION_UNMAPPED)))
		return -EINVAL;
	return 0;
}

static struct rf_link *rf_region_link(const struct rf_region_params *p)
{
	int node = p->node == NUMA_NO_NODE ? rf_region_node(p->end[1]) : p->node;
	struct rf_link *l = kzalloc(sizeof(*l), GFP_KERNEL);
	u64 size = PAGE_ALIGN(p->size);

	if (!l)
		return NULL;
	kref_init(&l->ref);
	l->pages = rf_pages_new(size, node);
	if (!l->pages) {
		rf_link_put(l);
		return NULL;
	}
	l->end[0].id = p->end[0];
	l->end[1].id = p->end[1];
	memcpy(l->pages->flags, p->flags, sizeof(p->flags));
	l->pages->say = (struct rf_control_region) {
		.table = __pa(l->pages->table), .size = size,
		.tag = { p->tag[0], p->tag[1] }, .port = p->port,
	};
	return l;
}

/**
 * rf_region_make - make a region for two kernels, and give it to both
 * @p: see struct rf_region_params
 *
 * given() of the ends comes later, in no order. When one refuses, or can't map
 * it, the other gets taken().
 *
 * Context: process, may sleep, up to RF_REGION_TELL_MS for each end that takes no
 * messages; not from given() or taken().
 * Return: its id; -EINVAL; -EHOSTDOWN (an end doesn't run); -EDQUOT (one has
 * too much already, see the parameter region_max); -ENOMEM; -ETIMEDOUT.
 */
s64 rf_region_make(const struct rf_region_params *p)
{
	int err = rf_region_check(p);
	struct rf_own *own = NULL;
	struct rf_link *l;
	u64 id;

	if (err)
		return err;
	l = rf_region_link(p);
	if (!l)
		return -ENOMEM;
	mutex_lock(&rf_links_lock);
	err = rf_region_check_ends(l);
	id = rf_link_number();
	l->generation = id;
	mutex_unlock(&rf_links_lock);
	if (err)
		goto err_put;
	l->pages->say.generation = id;
	*l->pages->table = (struct rf_region_table) {
		.magic = RF_REGION_MAGIC, .nr = l->pages->nr, .generation = id,
	};
	memcpy(l->pages->table->chunk, l->pages->chunk, sizeof(l->pages->chunk));
	if (!p->end[0]) {
		own = rf_own_new(l, p->end[1]);
		if (!own) {
			err = -ENOMEM;
			goto err_put;
		}
	}
	mutex_lock(&rf_links_lock);
	err = rf_region_check_ends(l);	/* again: time has passed */
	if (!err) {
		l->pages->own = own;
		kref_get(&l->ref);	/* ours, beside the list's */
		list_add_tail(&l->node, &rf_links);
	}
	mutex_unlock(&rf_links_lock);
	if (err) {
		if (own)
			kref_put(&own->ref, rf_own_free);
		goto err_put;
	}
	if (own)
		rf_own_queue(own);
	for (int i = 0; i < 2 && !err; i++)
		if (l->end[i].id)
			err = rf_region_tell(l, i);
	if (err)
		rf_region_drop(id);
err_put:
	rf_link_put(l);
	return err ?: id;
}
EXPORT_SYMBOL_NS_GPL(rf_region_make, RAINFOREST);

/**
 * rf_region_drop - take a region from both ends
 * @id: of rf_region_make(); one that is gone already does no harm
 *
 * Context: process, may sleep.
 */
void rf_region_drop(u64 id)
{
	struct rf_link *l, *next;

	guard(mutex)(&rf_links_lock);
	list_for_each_entry_safe(l, next, &rf_links, node) {
		if (!l->pages || l->generation != id)
			continue;
		for (int i = 0; i < 2; i++)
			rf_end_leave(l, &l->end[i]);
		return;
	}
}
EXPORT_SYMBOL_NS_GPL(rf_region_drop, RAINFOREST);

/**
 * rf_region_count - how many regions do two kernels have, given back or not?
 * @port: of the service
 * @a: id of the one; 0: the supervisor
 * @b: id of the other, larger than @a
 *
 * Context: process, may sleep. Return: those whose pages are not free yet.
 */
unsigned int rf_region_count(unsigned int port, u32 a, u32 b)
{
	struct rf_link *l;
	unsigned int n = 0;

	guard(mutex)(&rf_links_lock);
	list_for_each_entry(l, &rf_links, node)
		n += l->pages && l->pages->say.port == port &&
		     l->end[0].id == a && l->end[1].id == b;
	return n;
}
EXPORT_SYMBOL_NS_GPL(rf_region_count, RAINFOREST);

/* Ask for all of a port, and say whether none is left */
static bool rf_region_none(unsigned int port)
{
	struct rf_link *l;
	bool none = true;

	guard(mutex)(&rf_links_lock);
	list_for_each_entry(l, &rf_links, node) {
		if (!l->pages || l->pages->say.port != port || !l->pages->own)
			continue;
		none = false;
		if (l->end[0].state < RF_END_LEAVING)
			rf_end_leave(l, &l->end[0]);
	}
	return none;
}

static const struct rf_region_giver rf_own_giver = {
	.none	= rf_region_none,
	.wait	= &rf_links_wait,
};

int rf_region_init(void)
{
	rf_own_wq = alloc_workqueue("rf_region", WQ_UNBOUND, 0);
	if (!rf_own_wq)
		return -ENOMEM;
	rf_region_set_giver(&rf_own_giver);
	return 0;
}

/* No service is left: each uses our symbols */
void rf_region_exit(void)
{
	rf_region_set_giver(NULL);
	destroy_workqueue(rf_own_wq);
}
