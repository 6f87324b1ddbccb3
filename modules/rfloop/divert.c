// SPDX-License-Identifier: GPL-2.0
/*
 * Netfilter: what is about to be sent to an address of this machine goes by rf0,
 * whatever interface routing chose. The route is changed in POST_ROUTING, as its
 * last word but one: rules have seen the packet leave by the interface that
 * routing chose, conntrack confirms it as ever, and what comes after (fragments,
 * taps, queues, counters) is rf0's.
 */
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>
#include <net/ip6_route.h>
#include <net/route.h>

#include "rfloop.h"

static atomic64_t rf_diverted;

u64 rf_divert_count(void)
{
	return atomic64_read(&rf_diverted);
}

#ifdef CONFIG_NETFILTER
static bool rf_diverts(const struct rf_slot *s, const struct nf_hook_state *state)
{
	return s && state->out != rf_dev && !(state->out->flags & IFF_LOOPBACK) &&
	       READ_ONCE(rf_dev->flags) & IFF_UP;
}

static void rf_divert(struct sk_buff *skb, struct dst_entry *dst)
{
	skb_dst_drop(skb);
	skb_dst_set(skb, dst);
	skb->dev = rf_dev;
	atomic64_inc(&rf_diverted);
}

static unsigned int rf_divert4(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	const struct iphdr *ip = ip_hdr(skb);
	struct flowi4 fl = {
		.flowi4_oif = rf_dev->ifindex,
		.daddr = ip->daddr,
		.saddr = ip->saddr,
		.flowi4_tos = ip->tos & INET_DSCP_MASK,
		.flowi4_flags = FLOWI_FLAG_ANYSRC,
	};
	struct rtable *rt;

	if (!rf_diverts(rf_map_find4(ip->daddr), state))
		return NF_ACCEPT;
	rt = ip_route_output_key(state->net, &fl);
	if (!IS_ERR(rt))
		rf_divert(skb, &rt->dst);
	return NF_ACCEPT;
}

#if IS_ENABLED(CONFIG_IPV6)
/*
 * A route on rf0: IPv6 knows none to an address of another interface's network, but
 * for the neighbour it is all the same: so that of another address of that kernel.
 */
static struct dst_entry *rf_route6(struct net *net, struct flowi6 *fl, s16 slot)
{
	const struct rf_map *m = rcu_dereference(rf_map);
	struct dst_entry *dst = ip6_route_output(net, NULL, fl);

	for (unsigned int i = 0; m && i < m->nr_addresses; i++) {
		if (!dst->error && dst->dev == rf_dev)
			return dst;
		if (m->addr[i].slot != slot || m->addr[i].family != 6)
			continue;
		dst_release(dst);
		fl->daddr = m->addr[i].addr;
		dst = ip6_route_output(net, NULL, fl);
	}
	if (!dst->error && dst->dev == rf_dev)
		return dst;
	dst_release(dst);
	return NULL;
}

static unsigned int rf_divert6(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct flowi6 fl = {
		.flowi6_oif = rf_dev->ifindex,
		.daddr = ipv6_hdr(skb)->daddr,
		.saddr = ipv6_hdr(skb)->saddr,
	};
	const struct rf_slot *s = rf_map_find6(&fl.daddr);
	struct dst_entry *dst;

	if (!rf_diverts(s, state))
		return NF_ACCEPT;
	dst = rf_route6(state->net, &fl, s - rf_slots);
	if (dst)
		rf_divert(skb, dst);
	return NF_ACCEPT;
}
#endif

static const struct nf_hook_ops rf_hooks[] = {
	{
		.hook		= rf_divert4,
		.pf		= NFPROTO_IPV4,
		.hooknum	= NF_INET_POST_ROUTING,
		.priority	= NF_IP_PRI_LAST - 1,
	},
#if IS_ENABLED(CONFIG_IPV6)
	{
		.hook		= rf_divert6,
		.pf		= NFPROTO_IPV6,
		.hooknum	= NF_INET_POST_ROUTING,
		.priority	= NF_IP6_PRI_LAST - 1,
	},
#endif
};

int rf_divert_init(void)
{
	return nf_register_net_hooks(&init_net, rf_hooks, ARRAY_SIZE(rf_hooks));
}

void rf_divert_exit(void)
{
	nf_unregister_net_hooks(&init_net, rf_hooks, ARRAY_SIZE(rf_hooks));
}
#else
/* Without netfilter: only what is routed to rf0 */
int rf_divert_init(void)
{
	return 0;
}

void rf_divert_exit(void)
{
}
#endif
