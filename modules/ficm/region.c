// SPDX-License-Identifier: GPL-2.0
/*
 * In a subOS: regions, pages of the supervisor that we share with it or with
 * another subOS. It tells us of them on port 5, control.c. See rf/region.h.
 */
#define pr_fmt(fmt) "ficm: " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/kref.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

#include <rf/region.h>

#include "internal.h"

#define RF_CLOSED_MS	1000	/* for room to say that a region is given back */
#define RF_AGAIN_MS	100	/* when there was none, until it is said again */

struct rf_held {
	struct list_head node;
	struct rf_region r;
	struct kref ref;		/* the service's, and of who calls it */
	bool taken, released;		/* under rf_regions_lock */
	struct rf_region_chunk chunk[];
};

static LIST_HEAD(rf_regions);
static LIST_HEAD(rf_unsaid);		/* given back, and the supervisor was not told */
static DEFINE_MUTEX(rf_regions_lock);	/* the lists */
static DECLARE_WAIT_QUEUE_HEAD(rf_regions_wait);	/* one has gone */

/* ---- mapping ---- */

/**
 * rf_map_foreign - map pages that are no memory of ours
 * @chunk: where they are; the first byte of each is page-aligned
 * @nr: how many
 * @size: bytes of all of them
 * @prot: PAGE_KERNEL or PAGE_KERNEL_RO
 *
 * The supervisor's memory is no RAM to us, and what is no RAM a kernel without
 * MTRRs takes for a device's: memremap() would make it uncached here while it is
 * cached there. So not by memremap().
 *
 * Context: process, may sleep. Return: where, for vunmap(), or NULL.
 */
void *rf_map_foreign(const struct rf_region_chunk *chunk, unsigned int nr, u64 size, pgprot_t prot)
{
	unsigned int n = 0, pages = size >> PAGE_SHIFT;
	unsigned long *pfns;
	void *to = NULL;

	if (!pages || !PAGE_ALIGNED(size))
		return NULL;
	pfns = kvmalloc_array(pages, sizeof(*pfns), GFP_KERNEL);
	if (!pfns)
		return NULL;
	for (unsigned int i = 0; i < nr; i++) {
		for (u64 at = 0; at < chunk[i].size && n < pages; at += PAGE_SIZE) {
			pfns[n] = PHYS_PFN(chunk[i].start + at);
			if (!PAGE_ALIGNED(chunk[i].start) || pfn_valid(pfns[n])) {
				pr_err("shared pages at %#llx would lie in our own memory\n",
				       chunk[i].start);
				goto out;
			}
			n++;
		}
	}
	if (n == pages)
		to = vmap_pfn(pfns, n, prot);
out:
	kvfree(pfns);
	return to;
}

/* Copy the table, then look whether it makes sense. Return: 0 or an errno. */
static int rf_table_read(const struct rf_control_region *c, struct rf_region_table *t)
{
	const struct rf_region_chunk at = { c->table, PAGE_SIZE };
	void *page = rf_map_foreign(&at, 1, PAGE_SIZE, PAGE_KERNEL_RO);
	u64 sum = 0;

	if (!page)
		return -ENOMEM;
	memcpy(t, page, sizeof(*t));
	vunmap(page);
	if (t->magic != RF_REGION_MAGIC || t->generation != c->generation)
		return -EPROTO;
	if (!t->nr || t->nr > RF_REGION_CHUNKS)
		return -EMSGSIZE;
	for (u32 i = 0; i < t->nr; i++) {
		const struct rf_region_chunk *k = &t->chunk[i];

		if (k->size < PAGE_SIZE || !is_power_of_2(k->size) || k->size > RF_REGION_MAX ||
		    !IS_ALIGNED(k->start, k->size) || k->start >> boot_cpu_data.x86_phys_bits)
			return -EINVAL;
		for (u64 o = 0; o < k->size; o += PAGE_SIZE)
			if (pfn_valid(PHYS_PFN(k->start + o)))
				return -EFAULT;
		sum += k->size;
	}
	return sum == c->size ? 0 : -EMSGSIZE;
}

/* ---- coming ---- */

static void rf_held_free(struct kref *ref)
{
	struct rf_held *h = container_of(ref, struct rf_held, ref);

	vunmap(h->r.addr);
	kfree(h);
}

static struct rf_held *rf_held_new(const struct rf_control_region *c,
				   const struct rf_region_table *t)
{
	struct rf_held *h = kzalloc(struct_size(h, chunk, t->nr), GFP_KERNEL);

	if (!h)
		return NULL;
	memcpy(h->chunk, t->chunk, t->nr * sizeof(t->chunk[0]));
	kref_init(&h->ref);
	h->r = (struct rf_region) {
		.id = c->generation, .port = c->port, .peer = c->peer,
		.tag = { c->tag[0], c->tag[1] }, .size = c->size, .flags = c->flags,
		.nr_chunks = t->nr, .chunk = h->chunk,
	};
	if (c->flags & RF_REGION_UNMAPPED)
		return h;
	h->r.addr = rf_map_foreign(h->chunk, t->nr, c->size,
				   c->flags & RF_REGION_READ_ONLY ? PAGE_KERNEL_RO : PAGE_KERNEL);
	if (h->r.addr)
		return h;
	kfree(h);
	return NULL;
}

static struct rf_held *rf_held_find(u64 id)
{
	struct rf_held *h;

	lockdep_assert_held(&rf_regions_lock);
	list_for_each_entry(h, &rf_regions, node)
		if (h->r.id == id)
			return h;
	return NULL;
}

/**
 * rf_region_told - the supervisor tells of a region
 * @c: what it said, copied
 *
 * Context: the read thread. Return: what is to be answered, 0 or an errno.
 */
int rf_region_told(const struct rf_control_region *c)
{
	const struct rf_region_service *svc;
	struct rf_region_table *t;
	struct rf_held *h = NULL;
	bool known, closing;
	int err;

	if (c->port < RF_PORT_COM || c->port >= RF_PORTS || !c->size || c->size > RF_REGION_MAX ||
	    !PAGE_ALIGNED(c->size) || (c->flags & ~(RF_REGION_READ_ONLY | RF_REGION_UNMAPPED)))
		return -EINVAL;
	mutex_lock(&rf_regions_lock);
	known = rf_held_find(c->generation);
	mutex_unlock(&rf_regions_lock);
	if (known)
		return 0;	/* told twice */
	t = kmalloc(sizeof(*t), GFP_KERNEL);
	if (!t)
		return -ENOMEM;
	err = rf_table_read(c, t);
	if (!err) {
		h = rf_held_new(c, t);
		err = h ? 0 : -ENOMEM;
	}
	kfree(t);
	if (err)
		return err;

	svc = rf_region_service_get(c->port, &closing);
	if (svc && !closing) {
		/* in the list first: given() may release it from elsewhere */
		mutex_lock(&rf_regions_lock);
		list_add(&h->node, &rf_regions);
		mutex_unlock(&rf_regions_lock);
		err = svc->given(&h->r, svc->ctx);
		if (err) {
			mutex_lock(&rf_regions_lock);
			list_del(&h->node);
			mutex_unlock(&rf_regions_lock);
		}
	} else {
		err = -ENOENT;
	}
	rf_region_service_put();
	if (err)
		kref_put(&h->ref, rf_held_free);
	return err;
}

/* ---- going ---- */

/* Take it from its service, unless that was done; the caller's reference goes */
static void rf_held_take(struct rf_held *h)
{
	const struct rf_region_service *svc;
	bool take, closing;

	svc = rf_region_service_get(h->r.port, &closing);
	mutex_lock(&rf_regions_lock);
	take = !h->taken && !h->released;
	h->taken = true;
	mutex_unlock(&rf_regions_lock);
	/* as long as it has one there is a service */
	if (take && svc->taken)
		svc->taken(&h->r, svc->ctx);
	rf_region_service_put();
	kref_put(&h->ref, rf_held_free);
}

/**
 * rf_region_wanted - the supervisor wants a region back
 * @id: of the region
 *
 * Context: the read thread.
 * Return: true when we have none of that number, or not any more.
 */
bool rf_region_wanted(u64 id)
{
	struct rf_held *h;

	mutex_lock(&rf_regions_lock);
	h = rf_held_find(id);
	if (h)
		kref_get(&h->ref);
	mutex_unlock(&rf_regions_lock);
	if (h)
		rf_held_take(h);
	return !h;	/* else rf_region_release() answers */
}

static void rf_unsaid_work(struct work_struct *work);
static DECLARE_DELAYED_WORK(rf_unsaid_again, rf_unsaid_work);

/*
 * The supervisor does not know, so it does not ask: the region, and who waits at
 * its other end, would stay until we stop.
 */
static void rf_unsaid_work(struct work_struct *work)
{
	struct rf_ficm_channel *ch = rf_ficm_supervisor();
	struct rf_held *h, *next;

	guard(mutex)(&rf_regions_lock);
	list_for_each_entry_safe(h, next, &rf_unsaid, node) {
		const struct rf_control_answer a = { .generation = h->r.id };

		if (rf_ficm_post(ch, RF_PORT_CONTROL, RF_CONTROL_CLOSED, &a, sizeof(a)) ==
		    -EAGAIN) {
			mod_delayed_work(system_wq, &rf_unsaid_again,
					 msecs_to_jiffies(RF_AGAIN_MS));
			return;
		}
		list_del(&h->node);
		kref_put(&h->ref, rf_held_free);
	}
}

/* No region is left, and the channel to the supervisor is about to close */
void rf_region_exit(void)
{
	struct rf_held *h, *next;

	cancel_delayed_work_sync(&rf_unsaid_again);
	list_for_each_entry_safe(h, next, &rf_unsaid, node) {
		list_del(&h->node);
		kref_put(&h->ref, rf_held_free);
	}
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
	struct rf_held *h = container_of(r, struct rf_held, r);
	struct rf_control_answer a = { .generation = r->id };
	struct rf_ficm_channel *ch = rf_ficm_supervisor();
	int err = 0;

	mutex_lock(&rf_regions_lock);
	h->released = true;
	mutex_unlock(&rf_regions_lock);
	/* the mapping goes before we say so: the pages may be somebody else's then */
	vunmap(h->r.addr);
	h->r.addr = NULL;
	mutex_lock(&rf_regions_lock);
	list_del(&h->node);
	mutex_unlock(&rf_regions_lock);
	if (ch)
		err = rf_ficm_send_timeout(ch, RF_PORT_CONTROL, RF_CONTROL_CLOSED, &a, sizeof(a),
					   RF_CLOSED_MS);
	if (err == -ETIMEDOUT || err == -EINTR) {
		mutex_lock(&rf_regions_lock);
		list_add_tail(&h->node, &rf_unsaid);	/* with the service's reference */
		mutex_unlock(&rf_regions_lock);
		mod_delayed_work(system_wq, &rf_unsaid_again, msecs_to_jiffies(RF_AGAIN_MS));
	} else {
		kref_put(&h->ref, rf_held_free);
	}
	wake_up_all(&rf_regions_wait);
}
EXPORT_SYMBOL_NS_GPL(rf_region_release, RAINFOREST);

/* One of a port that its service still has, with a reference; or NULL */
static struct rf_held *rf_held_next(unsigned int port, bool *none)
{
	struct rf_held *h;

	guard(mutex)(&rf_regions_lock);
	*none = true;
	list_for_each_entry(h, &rf_regions, node) {
		if (h->r.port != port)
			continue;
		*none = false;
		if (h->taken || h->released)
			continue;
		kref_get(&h->ref);
		return h;
	}
	return NULL;
}

static bool rf_region_none(unsigned int port)
{
	struct rf_held *h;
	bool none;

	while ((h = rf_held_next(port, &none)))
		rf_held_take(h);
	return none;
}

const struct rf_region_giver rf_held_giver = {
	.none	= rf_region_none,
	.wait	= &rf_regions_wait,
};
