// SPDX-License-Identifier: GPL-2.0
/*
 * Who owns what, written down in memory for those who come after us: see
 * include/rf/abi/ledger.h for the format and how to find it.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/crc32.h>
#include <linux/memory.h>
#include <linux/gfp.h>
#include <linux/mm.h>

#include <asm/barrier.h>

#include "rfcontroller.h"

#define RF_LEDGER_ORDER	4	/* 64 KiB a copy: some 2,000 resources */

static struct rf_ledger *rf_copies[2];
static u64 rf_ledger_generation;
static DEFINE_MUTEX(rf_ledger_lock);

struct rf_page {
	void *at;
	void *end;
	bool full;
};

static void *rf_page_take(struct rf_page *p, size_t len)
{
	void *at = p->at;

	if (p->at + len > p->end) {
		p->full = true;
		return NULL;
	}
	p->at += len;
	return at;
}

/*
 * Blocks that lie side by side are one entry, if nothing else tells them apart:
 * a machine may have more blocks than a copy has room for.
 */
static bool rf_ledger_join(struct rf_ledger_resource *r, const struct rf_block *b)
{
	u64 size = memory_block_size_bytes();

	if (r->status != b->status || r->node != b->node)
		return false;
	if (b->start == r->at + r->size) {
		r->size += size;
	} else if (b->start + size == r->at) {
		r->at = b->start;
		r->size += size;
	} else {
		return false;
	}
	return true;
}

static unsigned int rf_ledger_resources(struct rf_page *p, const struct rf_resources *res,
					u32 owner)
{
	struct rf_ledger_resource *r, *last = NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; i < res->nr_cpus; i++) {
		r = rf_page_take(p, sizeof(*r));
		if (!r)
			return n;
		*r = (struct rf_ledger_resource) {
			.at = res->cpus[i].apicid, .size = res->cpus[i].cpu,
			.kind = RF_LEDGER_CPU, .status = res->cpus[i].status,
			.owner = owner, .node = res->cpus[i].node,
		};
		n++;
	}
	for (unsigned int i = 0; i < res->nr_blocks; i++) {
		if (!res->blocks[i].start)
			continue;	/* only planned so far */
		if (last && rf_ledger_join(last, &res->blocks[i]))
			continue;
		r = rf_page_take(p, sizeof(*r));
		if (!r)
			return n;
		*r = (struct rf_ledger_resource) {
			.at = res->blocks[i].start, .size = memory_block_size_bytes(),
			.kind = RF_LEDGER_MEMORY, .status = res->blocks[i].status,
			.owner = owner, .node = res->blocks[i].node,
		};
		last = r;
		n++;
	}
	return n;
}

/**
 * rf_ledger_update - write down the present state, in the older copy
 *
 * Each change of owner is written down before it begins (taking, returning)
 * and when it is done. Context: process; rf_list_lock not held.
 */
void rf_ledger_update(void)
{
	struct rf_ledger *l;
	struct rf_quarantine *q;
	struct rf_subos *s;
	struct rf_page page;

	mutex_lock(&rf_ledger_lock);
	mutex_lock(&rf_list_lock);
	l = rf_copies[++rf_ledger_generation % 2];
	page = (struct rf_page) { l + 1, (void *)l + (PAGE_SIZE << RF_LEDGER_ORDER) };
	/* until the checksum is right again nobody takes it for valid */
	l->checksum = 0;
	l->magic = 0;
	wmb();
	l->version = RF_LEDGER_VERSION;
	l->generation = rf_ledger_generation;
	l->nr_subos = 0;
	l->nr_resources = 0;
	memset(l->pad, 0, sizeof(l->pad));
	list_for_each_entry(s, &rf_subos_list, node) {
		struct rf_ledger_subos *e = rf_page_take(&page, sizeof(*e));

		if (!e)
			break;
		memset(e, 0, sizeof(*e));
		strscpy(e->name, s->name, sizeof(e->name));
		e->desc = s->desc_phys;
		e->generation = s->generation;
		e->id = s->id;
		e->state = READ_ONCE(s->state);
		l->nr_subos++;
	}
	list_for_each_entry(s, &rf_subos_list, node)
		l->nr_resources += rf_ledger_resources(&page, &s->res, s->id) +
				   rf_ledger_resources(&page, &s->moving, s->id);
	list_for_each_entry(q, &rf_quarantine_list, node)
		l->nr_resources += rf_ledger_resources(&page, &q->res, q->owner_id);
	l->truncated = page.full;
	l->size = page.at - (void *)l;
	l->magic = RF_LEDGER_MAGIC;
	l->checksum = crc32_le(~0, (void *)l, l->size);
	wmb();
	mutex_unlock(&rf_list_lock);
	mutex_unlock(&rf_ledger_lock);
}

u64 rf_ledger_phys(void)
{
	return rf_trampoline_phys() + RF_LEDGER_ANCHOR_OFFSET;
}

int rf_ledger_init(void)
{
	struct rf_ledger_anchor *a = rf_trampoline_anchor();

	for (int i = 0; i < 2; i++) {
		rf_copies[i] = (void *)__get_free_pages(GFP_KERNEL | __GFP_ZERO, RF_LEDGER_ORDER);
		if (!rf_copies[i]) {
			rf_ledger_exit();
			return -ENOMEM;
		}
		a->copy[i] = __pa(rf_copies[i]);
	}
	a->version = RF_LEDGER_VERSION;
	a->copy_size = PAGE_SIZE << RF_LEDGER_ORDER;
	rf_ledger_update();
	wmb();
	a->magic = RF_LEDGER_ANCHOR_MAGIC;
	return 0;
}

void rf_ledger_exit(void)
{
	rf_trampoline_anchor()->magic = 0;
	for (int i = 0; i < 2; i++) {
		free_pages((unsigned long)rf_copies[i], RF_LEDGER_ORDER);
		rf_copies[i] = NULL;
	}
}
