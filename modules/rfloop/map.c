// SPDX-License-Identifier: GPL-2.0
/*
 * Who has which address: our own picture of the supervisor's list, looked at for
 * each packet. It is made anew whenever the list changes.
 */
#include <linux/jhash.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "rfloop.h"

struct rf_slot rf_slots[RF_SLOTS];
struct rf_map __rcu *rf_map;

static u32 rf_hash(const struct in6_addr *a)
{
	return jhash2((const u32 *)a->s6_addr32, 4, 0) % RF_BUCKETS;
}

static s16 rf_find(const struct rf_map *m, const struct in6_addr *a)
{
	for (s16 i = m->bucket[rf_hash(a)]; i >= 0; i = m->addr[i].next)
		if (ipv6_addr_equal(&m->addr[i].addr, a))
			return m->addr[i].slot;
	return -1;
}

/**
 * rf_map_find6 - the kernel that has an address
 * @addr: the address
 *
 * Context: under RCU.
 * Return: its slot; NULL: no kernel of this machine, or our own.
 */
struct rf_slot *rf_map_find6(const struct in6_addr *addr)
{
	const struct rf_map *m = rcu_dereference(rf_map);
	s16 slot = m && m->nr_addresses ? rf_find(m, addr) : -1;

	return slot < 0 ? NULL : &rf_slots[slot];
}

/* Likewise */
struct rf_slot *rf_map_find4(__be32 addr)
{
	struct in6_addr a;

	ipv6_addr_set_v4mapped(addr, &a);
	return rf_map_find6(&a);
}

/* The slot of a kernel that the map knows, or NULL. Context: the workqueue, or RCU. */
struct rf_slot *rf_slot_of(u32 id)
{
	for (unsigned int i = 0; i < RF_SLOTS; i++)
		if (READ_ONCE(rf_slots[i].used) && rf_slots[i].id == id)
			return &rf_slots[i];
	return NULL;
}

static struct rf_slot *rf_slot_free(void)
{
	for (unsigned int i = 0; i < RF_SLOTS; i++)
		if (!rf_slots[i].used && !rcu_access_pointer(rf_slots[i].link))
			return &rf_slots[i];
	return NULL;
}

static const struct rf_loop_kernel *rf_kernel_of(const struct rf_map *m, u32 id, u64 generation)
{
	for (unsigned int i = 0; m && i < m->nr_kernels; i++)
		if (m->kernel[i].id == id && m->kernel[i].generation == generation)
			return &m->kernel[i];
	return NULL;
}

/* Slots for those that are new; rf_slots_drop() comes first */
static void rf_slots_take(const struct rf_map *m)
{
	for (unsigned int i = 0; i < m->nr_kernels; i++) {
		const struct rf_loop_kernel *k = &m->kernel[i];
		struct rf_slot *s = rf_slot_of(k->id);

		if (k->id == rf_own_id() || (s && s->generation == k->generation))
			continue;
		s = rf_slot_free();
		if (!s)
			continue;	/* its packets go the ordinary way */
		s->id = k->id;
		s->generation = k->generation;
		s->asked = 0;
		smp_store_release(&s->used, true);
	}
}

/* Those of who is gone are free, and nobody finds them any more. Which ones, in @gone. */
static void rf_slots_drop(const struct rf_map *now, unsigned long *gone)
{
	bitmap_zero(gone, RF_SLOTS);
	for (unsigned int i = 0; i < RF_SLOTS; i++) {
		struct rf_slot *s = &rf_slots[i];

		if (!s->used || rf_kernel_of(now, s->id, s->generation))
			continue;
		/* its link goes with its region */
		WRITE_ONCE(s->used, false);
		rf_dev_drop_waiting(s);
		__set_bit(i, gone);
	}
}

/* Tell links what may be sent to us. Context: the workqueue. */
void rf_map_budgets(void)
{
	const struct rf_map *m = rcu_dereference_protected(rf_map, true);

	for (unsigned int i = 0; m && i < m->nr_kernels; i++) {
		struct rf_slot *s = rf_slot_of(m->kernel[i].id);
		struct rf_link *l = s ? rcu_dereference_protected(s->link, true) : NULL;

		if (!l)
			continue;
		WRITE_ONCE(l->rx.pps, m->kernel[i].packets);
		WRITE_ONCE(l->rx.bps, m->kernel[i].bytes);
	}
}

/* One of the list's addresses, bounded */
static bool rf_addr_take(struct rf_addr *to, const struct rf_loop_address *from)
{
	struct rf_slot *s = from->id == rf_own_id() ? NULL : rf_slot_of(from->id);

	if (from->family == 4)
		ipv6_addr_set_v4mapped(*(const __be32 *)from->addr, &to->addr);
	else if (from->family == 6)
		memcpy(&to->addr, from->addr, sizeof(to->addr));
	else
		return false;
	if (!s && from->id != rf_own_id())
		return false;
	to->family = from->family;
	to->prefix = from->prefix;
	to->slot = s ? s - rf_slots : -1;
	return true;
}

static void rf_map_free(struct rf_map *m)
{
	if (m)
		kfree(m->kernel);
	kvfree(m);
}

/**
 * rf_map_set - take over a list
 * @list: it; the caller's, nobody writes it
 *
 * Kernels that are not in it any more, or have been started again, are dead:
 * connections to them are reset.
 *
 * Context: the workqueue.
 * Return: 0, -ENOMEM.
 */
int rf_map_set(const struct rf_loop_list *list)
{
	unsigned int kernels = min_t(u32, list->nr_kernels, RF_LOOP_KERNELS);
	unsigned int addresses = min_t(u32, list->nr_addresses, RF_LOOP_ADDRESSES);
	struct rf_map *m, *old = rcu_dereference_protected(rf_map, true);
	DECLARE_BITMAP(gone, RF_SLOTS);
	unsigned int slot;

	m = kvzalloc(struct_size(m, addr, addresses), GFP_KERNEL);
	if (!m)
		return -ENOMEM;
	m->kernel = kmemdup(list->kernel, kernels * sizeof(*m->kernel) ?: 1, GFP_KERNEL);
	if (!m->kernel) {
		kvfree(m);
		return -ENOMEM;
	}
	m->nr_kernels = kernels;
	m->generation = list->generation;
	memset(m->bucket, 0xff, sizeof(m->bucket));
	for (unsigned int i = 0; i < kernels; i++) {
		m->kernel[i].name[RF_LOOP_NAME - 1] = 0;
		m->kernel[i].host[RF_LOOP_NAME - 1] = 0;
	}
	/* one that was started again frees its slot first */
	rf_slots_drop(m, gone);
	rf_slots_take(m);
	for (unsigned int i = 0; i < addresses; i++) {
		struct rf_addr *a = &m->addr[m->nr_addresses];
		u32 h;

		if (!rf_addr_take(a, &list->address[i]))
			continue;
		h = rf_hash(&a->addr);
		a->next = m->bucket[h];
		m->bucket[h] = m->nr_addresses++;
	}
	rcu_assign_pointer(rf_map, m);
	synchronize_rcu_expedited();
	for_each_set_bit(slot, gone, RF_SLOTS)
		if (old)
			rf_reset_dead(old, slot);
	rf_map_free(old);
	rf_map_budgets();
	return 0;
}

/* Nobody is co-located any more */
void rf_map_clear(void)
{
	static const struct rf_map none;
	struct rf_map *old = rcu_dereference_protected(rf_map, true);
	DECLARE_BITMAP(gone, RF_SLOTS);

	RCU_INIT_POINTER(rf_map, NULL);
	rf_slots_drop(&none, gone);
	synchronize_rcu_expedited();
	if (old)
		rf_reset_dead(old, RF_ANY);
	rf_map_free(old);
}
