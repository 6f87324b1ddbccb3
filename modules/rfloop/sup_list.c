// SPDX-License-Identifier: GPL-2.0
/* Which kernel has which address: the list, and its copies for all */
#define pr_fmt(fmt) "rfloop: " fmt

#include <linux/inet.h>
#include <linux/inetdevice.h>
#include <linux/slab.h>
#include <net/ipv6.h>

#include "sup.h"

static struct rf_loop_list *rf_master;
static bool rf_changed;

#define RF_ADDRESSES_EACH	32	/* of one kernel: the rest is for others */

static size_t rf_address_len(const struct rf_loop_address *a)
{
	return a->family == 4 ? 4 : 16;
}

static bool rf_address_same(const struct rf_loop_address *a, const struct rf_loop_address *b)
{
	return a->family == b->family && !memcmp(a->addr, b->addr, rf_address_len(a));
}

/**
 * rf_address_parse - read "10.77.0.2/24" or the like
 * @text: with its NUL; without a prefix it is one of 24 or 64 bits
 * @out: the address
 *
 * Return: 0; -EINVAL when it is no address that a kernel can have.
 */
int rf_address_parse(const char *text, struct rf_loop_address *out)
{
	const char *end = NULL;
	unsigned int prefix;

	memset(out, 0, sizeof(*out));
	if (in4_pton(text, -1, out->addr, '/', &end)) {
		__be32 a = *(__be32 *)out->addr;

		out->family = 4;
		prefix = 24;
		if (ipv4_is_multicast(a) || ipv4_is_loopback(a) || ipv4_is_zeronet(a) ||
		    ipv4_is_lbcast(a))
			return -EINVAL;
	} else if (in6_pton(text, -1, out->addr, '/', &end)) {
		int type = ipv6_addr_type((struct in6_addr *)out->addr);

		out->family = 6;
		prefix = 64;
		if (!(type & IPV6_ADDR_UNICAST) || type & (IPV6_ADDR_LOOPBACK |
							   IPV6_ADDR_LINKLOCAL |
							   IPV6_ADDR_MAPPED))
			return -EINVAL;
	} else {
		return -EINVAL;
	}
	if (*end == '/' && kstrtouint(end + 1, 10, &prefix))
		return -EINVAL;
	if (!prefix || prefix > rf_address_len(out) * 8)
		return -EINVAL;
	out->prefix = prefix;
	return 0;
}

/* ---- the list ---- */

const struct rf_loop_list *rf_list_get(void)
{
	return rf_master;
}

void rf_list_dirty(void)
{
	rf_changed = true;
}

static struct rf_loop_address *rf_list_find(const struct rf_loop_address *a)
{
	for (u32 i = 0; i < rf_master->nr_addresses; i++)
		if (rf_address_same(&rf_master->address[i], a))
			return &rf_master->address[i];
	return NULL;
}

/* The kernel that has an address, or is to have it */
struct rf_guest *rf_list_owner(const struct rf_loop_address *a)
{
	struct rf_loop_address *there = rf_list_find(a);
	struct rf_guest *g;

	if (there)
		return rf_guest_of(there->id);
	list_for_each_entry(g, &rf_guests, node)
		for (int i = 0; i < 2; i++)
			if (rf_address_same(&g->wish[i], a) || rf_address_same(&g->given[i], a))
				return g;
	return NULL;
}

/* A kernel says that it has an address. Return: false when another has it, or it too many. */
bool rf_list_claim(struct rf_guest *g, const struct rf_loop_address *a)
{
	struct rf_loop_address *there = rf_list_find(a);
	unsigned int n = 0;

	if (there)
		return there->id == g->id;
	for (u32 i = 0; i < rf_master->nr_addresses; i++)
		n += rf_master->address[i].id == g->id;
	if (n == RF_ADDRESSES_EACH || rf_master->nr_addresses == RF_LOOP_ADDRESSES)
		return false;
	there = &rf_master->address[rf_master->nr_addresses++];
	*there = *a;
	there->flags = 0;
	there->id = g->id;
	memset(there->via, 0, sizeof(there->via));
	rf_list_dirty();
	return true;
}

/* It has it no more; NULL: it has none any more */
void rf_list_drop(u32 id, const struct rf_loop_address *a)
{
	for (u32 i = 0; i < rf_master->nr_addresses;) {
		struct rf_loop_address *there = &rf_master->address[i];

		if (there->id != id || (a && !rf_address_same(there, a))) {
			i++;
			continue;
		}
		*there = rf_master->address[--rf_master->nr_addresses];
		rf_list_dirty();
	}
}

static void rf_list_kernels(void)
{
	struct rf_guest *g;

	rf_master->nr_kernels = 0;
	list_for_each_entry(g, &rf_guests, node) {
		struct rf_loop_kernel *k = &rf_master->kernel[rf_master->nr_kernels];

		if (!g->here)
			continue;
		if (rf_master->nr_kernels == RF_LOOP_KERNELS) {
			pr_warn_once("more than %d kernels: the others are not in the list\n",
				     RF_LOOP_KERNELS);
			break;
		}
		*k = (struct rf_loop_kernel) {
			.id = g->id, .generation = g->generation,
			.packets = g->packets, .bytes = g->bytes,
		};
		memcpy(k->name, g->name, sizeof(k->name));
		memcpy(k->host, g->host, sizeof(k->host));
		rf_master->nr_kernels++;
	}
}

/* Into one subOS's copy: its readers see that it is being written */
static void rf_list_write(struct rf_loop_list *to)
{
	u32 seq = rf_master->seq + 1;

	WRITE_ONCE(to->seq, seq | 1);
	smp_wmb(); /* seq is odd before anything changes */
	memcpy((u8 *)to + sizeof(to->seq), (u8 *)rf_master + sizeof(to->seq),
	       sizeof(*to) - sizeof(to->seq));
	smp_store_release(&to->seq, (seq | 1) + 1);
}

/* If anything has changed, tell all. May sleep. */
void rf_list_publish(void)
{
	struct rf_ficm_channel *ch;
	struct rf_guest *g;

	lockdep_assert_held(&rf_guests_lock);
	if (!rf_changed)
		return;
	rf_changed = false;
	rf_master->generation++;
	rf_master->seq += 2;
	rf_list_kernels();
	/* we first: who is told may send at once */
	if (rf_map_set(rf_master))
		rf_changed = true;
	list_for_each_entry(g, &rf_guests, node) {
		if (!g->list)
			continue;
		rf_list_write(g->list->addr);
		ch = rf_ficm_find(g->name);
		if (ch && rf_ficm_peer(ch) == g->id)
			rf_ficm_post(ch, RF_PORT_LOOP, RF_LOOP_CHANGED, NULL, 0);
		rf_ficm_put(ch);
	}
}

/* ---- automatic addresses ---- */

static bool rf_address_try(const struct rf_guest *g, const struct rf_loop_address *net, u64 n,
			   struct rf_loop_address *out)
{
	struct rf_guest *owner;

	*out = *net;
	if (net->family == 4)
		*(__be32 *)out->addr = (*(const __be32 *)net->addr & inet_make_mask(net->prefix)) |
				       htonl(n);
	else
		*(__be64 *)(out->addr + 8) = cpu_to_be64(n);
	owner = rf_list_owner(out);
	return !owner || owner == g;
}

/**
 * rf_address_auto - an address of the supervisor's network for a subOS
 * @g: the subOS
 * @six: 1 for IPv6
 * @out: the address
 *
 * That of its id, if it is free; else the first one that is.
 *
 * Return: 0; -EADDRNOTAVAIL when the supervisor has none, or none is free.
 */
int rf_address_auto(const struct rf_guest *g, int six, struct rf_loop_address *out)
{
	struct rf_guest *sup = rf_guest_of(0);
	const struct rf_loop_address *net = &sup->given[six];
	u64 most = 0xffff;

	if (!net->family || net->prefix > (six ? 64 : 30))
		return -EADDRNOTAVAIL;
	if (!six)
		most = min_t(u64, most, (1ULL << (32 - net->prefix)) - 2);
	if (g->id + 1 <= most && rf_address_try(g, net, g->id + 1, out))
		return 0;
	for (u64 n = 2; n <= most; n++)
		if (rf_address_try(g, net, n, out))
			return 0;
	return -EADDRNOTAVAIL;
}

int rf_list_init(void)
{
	rf_master = kvzalloc(sizeof(*rf_master), GFP_KERNEL);
	return rf_master ? 0 : -ENOMEM;
}

void rf_list_exit(void)
{
	kvfree(rf_master);
	rf_master = NULL;
}
