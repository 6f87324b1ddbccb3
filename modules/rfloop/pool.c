// SPDX-License-Identifier: GPL-2.0
/*
 * The pages of one direction, in chunks of 32 KiB that are compound pages to
 * both kernels, each with page structures of its own: so that packets can have
 * them as fragments as they have any page, and socket, tap and splice take
 * references as to any page. We hold one to each chunk; that there is no other
 * says that all others are done with it.
 *
 * The supervisor's pages are its own. A subOS gets page structures for them from
 * memremap_pages(). Where that doesn't work, data is copied out and in.
 */
#define pr_fmt(fmt) "rfloop: " fmt

#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/rainforest_core.h>
#include <linux/slab.h>
#include <net/ipv6.h>
#include <net/sock.h>

#include "rfloop.h"

#define RF_CHUNK_ORDER	get_order(RF_LOOP_CHUNK)
#define RF_CHUNK_PAGES	(RF_LOOP_CHUNK / PAGE_SIZE)
#define RF_BLOCK	(2UL << 20)	/* what memremap_pages() takes */
#define RF_SNDBUF	(1 << 20)	/* bytes that a socket may queue when chunks are few */

/* ---- page structures ---- */

/* Are all chunks in blocks that can have page structures of that size? */
static bool rf_pool_fits(struct rf_region *r, u64 at, u64 size)
{
	u64 left;

	for (u64 end = at + size; at < end; at += RF_BLOCK) {
		u64 phys = rf_region_phys(r, at, &left);

		if (!IS_ALIGNED(phys, RF_BLOCK) || left < RF_BLOCK)
			return false;
	}
	return true;
}

#ifdef CONFIG_RAINFOREST_SUBOS
static void rf_pages_free(struct rf_pool *pool, unsigned int n)
{
	while (n--)
		rainforest_foreign_remove(pool->pgmap->ranges[n].start, RF_BLOCK);
	kfree(pool->pgmap);
	pool->pgmap = NULL;
}

static int rf_pages_get(struct rf_pool *pool, struct rf_region *r, u64 at)
{
	unsigned int n = pool->chunks * RF_LOOP_CHUNK / RF_BLOCK;
	struct dev_pagemap *map;
	unsigned int i;
	void *got;
	u64 left;

	map = kzalloc(struct_size(map, ranges, n), GFP_KERNEL);
	if (!map)
		return -ENOMEM;
	pool->pgmap = map;
	map->type = MEMORY_DEVICE_GENERIC;
	map->vmemmap_shift = RF_CHUNK_ORDER;
	map->nr_range = n;
	for (i = 0; i < n; i++, at += RF_BLOCK) {
		struct range *range = &map->ranges[i];

		range->start = rf_region_phys(r, at, &left);
		range->end = range->start + RF_BLOCK - 1;
		if (rainforest_foreign_add(range->start, RF_BLOCK))
			goto err_free;
	}
	got = memremap_pages(map, first_online_node);
	if (!IS_ERR(got))
		return 0;
	pr_info("no page structures for a pool: %pe\n", got);
err_free:
	rf_pages_free(pool, i);
	return -ENOMEM;
}

static void rf_pages_put(struct rf_pool *pool)
{
	memunmap_pages(pool->pgmap);
	kvfree(pool->page);
	pool->page = NULL;
	rf_pages_free(pool, pool->chunks * RF_LOOP_CHUNK / RF_BLOCK);
}
#else
static struct page *rf_chunk_page(const struct rf_region *r, u64 at)
{
	u64 left;

	return pfn_to_page(PHYS_PFN(rf_region_phys(r, at, &left)));
}

/*
 * Eight pages of a larger one become a page with a count of its own. They were
 * allocated as one, so only the very first has a count, or were split, and all have.
 */
static int rf_pages_get(struct rf_pool *pool, struct rf_region *r, u64 at)
{
	pool->split = page_ref_count(rf_chunk_page(r, at) + 1);
	for (u32 c = 0; c < pool->chunks; c++, at += RF_LOOP_CHUNK) {
		struct page *page = rf_chunk_page(r, at);

		for (unsigned int i = 0; i < RF_CHUNK_PAGES; i++)
			set_page_count(page + i, !i);
		prep_compound_page(page, RF_CHUNK_ORDER);
	}
	return 0;
}

/* And back, as free_tail_page_prepare() has it: nobody but us has it */
static void rf_pages_put(struct rf_pool *pool)
{
	for (u32 c = 0; c < pool->chunks; c++) {
		struct page *page = pool->page[c];
		bool first = IS_ALIGNED(page_to_pfn(page), RF_BLOCK / PAGE_SIZE);

		page[1].flags &= ~PAGE_FLAGS_SECOND;
		__ClearPageHead(page);
		set_page_count(page, first || pool->split);
		for (unsigned int i = 1; i < RF_CHUNK_PAGES; i++) {
			page[i].mapping = NULL;
			clear_compound_head(page + i);
			set_page_count(page + i, pool->split);
		}
	}
	kvfree(pool->page);
	pool->page = NULL;
}
#endif

/**
 * rf_pool_open - take one direction's pages into use
 * @pool: out; zeroed
 * @r: the region, mapped
 * @at: where in it they begin, bytes
 * @chunks: how many, of RF_LOOP_CHUNK bytes
 *
 * Context: process, may sleep.
 * Return: 0, with or without page structures; -ENOMEM.
 */
int rf_pool_open(struct rf_pool *pool, struct rf_region *r, u64 at, u32 chunks)
{
	struct page **page;
	u64 left;

	pool->addr = r->addr + at;
	pool->chunks = chunks;
	if (!rf_pool_fits(r, at, chunks * RF_LOOP_CHUNK))
		return 0;
	page = kvcalloc(chunks, sizeof(*page), GFP_KERNEL);
	if (!page)
		return -ENOMEM;
	if (rf_pages_get(pool, r, at)) {
		kvfree(page);
		return 0;
	}
	pool->page = page;
	for (u32 c = 0; c < chunks; c++)
		pool->page[c] = pfn_to_page(PHYS_PFN(rf_region_phys(r, at + c * RF_LOOP_CHUNK,
								    &left)));
	return 0;
}

/* Has everybody else let go of all its pages? Nobody takes new ones. */
bool rf_pool_quiet(struct rf_pool *pool)
{
	for (u32 c = 0; c < pool->chunks; c++)
		if (!rf_pool_idle(pool, c))
			return false;
	return true;
}

/* When it is quiet */
void rf_pool_close(struct rf_pool *pool)
{
	if (pool->page)
		rf_pages_put(pool);
}

/* The chunk that a page belongs to, or -1 */
int rf_pool_of(const struct rf_pool *pool, const struct page *page)
{
	const struct page *head = compound_head(page);
	u32 c;

	if (!pool->page)
		return -1;
	/* the chunks of a block of 2 MiB follow each other */
	for (c = 0; c < pool->chunks; c += RF_BLOCK / RF_LOOP_CHUNK) {
		unsigned long d = page_to_pfn(head) - page_to_pfn(pool->page[c]);

		if (d < RF_BLOCK / PAGE_SIZE)
			return c + d / RF_CHUNK_PAGES;
	}
	return -1;
}

/* ---- sockets: what they send is put into the pool in the first place ---- */

static struct rf_link *rf_link_to(const struct sock *sk)
{
	struct rf_slot *s = NULL;

	/* of a stream's pages we know that they come back: reset.c */
	if (sk->sk_protocol != IPPROTO_TCP)
		return NULL;
	if (sk->sk_family == AF_INET)
		s = rf_map_find4(sk->sk_daddr);
#if IS_ENABLED(CONFIG_IPV6)
	else if (sk->sk_family == AF_INET6)
		s = rf_map_find6(&sk->sk_v6_daddr);
#endif
	return s ? rcu_dereference(s->link) : NULL;
}

/*
 * A socket wants room for data. The pages of a task go with the task, and may
 * be held for as long as it lives; those of a socket go with that.
 */
static bool rf_pool_refill(struct sock *sk, struct page_frag *pfrag)
{
	struct rf_link *l;
	bool few = false;
	int c;

	guard(rcu)();
	l = rf_link_to(sk);
	if (!l || !l->tx.pool.page)
		return false;
	if (pfrag != &sk->sk_frag) {
		sk->sk_use_task_frag = false;
		return false;
	}
	if (pfrag->page && pfrag->offset + 32 <= pfrag->size &&
	    rf_pool_of(&l->tx.pool, pfrag->page) >= 0)
		return true;
	spin_lock_bh(&l->tx.lock);
	c = l->tx.closed ? -1 : rf_tx_chunk(l, &few);
	if (c >= 0)
		get_page(l->tx.pool.page[c]);
	spin_unlock_bh(&l->tx.lock);
	/* what it has not sent yet is worth no chunks; acknowledgements let it grow again */
	if (few && !(sk->sk_userlocks & SOCK_SNDBUF_LOCK) && sk->sk_sndbuf > RF_SNDBUF)
		WRITE_ONCE(sk->sk_sndbuf, RF_SNDBUF);
	if (c < 0)
		return false;
	if (pfrag->page)
		put_page(pfrag->page);
	pfrag->page = l->tx.pool.page[c];
	pfrag->offset = 0;
	pfrag->size = RF_LOOP_CHUNK;
	return true;
}

static bool rf_hooked;		/* the workqueue's */

/* Sockets ask us from here on. Not before there is a link: it patches the kernel's text. */
void rf_pool_hook(void)
{
	if (!rf_hooked)
		rainforest_set_page_frag(rf_pool_refill);
	rf_hooked = true;
}

/* When no link will come any more */
void rf_pool_unhook(void)
{
	if (rf_hooked)
		rainforest_set_page_frag(NULL);
	rf_hooked = false;
}
