// SPDX-License-Identifier: GPL-2.0
/*
 * rf0: no link layer, no neighbours. Where a packet goes its address says, or that
 * of its gateway; each kernel has a queue, so that a slow one stops itself only.
 */
#include <linux/ethtool.h>
#include <linux/if_arp.h>
#include <linux/inetdevice.h>
#include <linux/jiffies.h>
#include <linux/rtnetlink.h>
#include <net/ip6_route.h>
#include <net/ip_tunnels.h>
#include <net/ipv6.h>
#include <net/route.h>

#include "rfloop.h"

#define RF_GSO_MAX	(190 * 1024)	/* bytes of a packet that TCP makes */
#define RF_WAITING	256	/* packets that wait for a link */
#define RF_ASK_MS	500	/* between two requests for one */
#define RF_GIVE_UP_MS	3000	/* and for how long packets wait */

struct net_device *rf_dev;

/* ---- where to ---- */

static struct rf_slot *rf_slot4(struct sk_buff *skb)
{
	const struct rtable *rt = skb_rtable(skb);
	struct rf_slot *s = rf_map_find4(ip_hdr(skb)->daddr);

	if (!s && rt && rt->rt_gw_family == AF_INET)
		s = rf_map_find4(rt->rt_gw4);
	if (!s && rt && rt->rt_gw_family == AF_INET6)
		s = rf_map_find6(&rt->rt_gw6);
	return s;
}

static struct rf_slot *rf_slot6(struct sk_buff *skb)
{
	struct rf_slot *s = rf_map_find6(&ipv6_hdr(skb)->daddr);
	const struct rt6_info *rt;

	if (s || !IS_ENABLED(CONFIG_IPV6) || !skb_dst(skb) || skb->protocol != htons(ETH_P_IPV6))
		return s;
	rt = dst_rt6_info(skb_dst(skb));
	return rf_map_find6(rt6_nexthop(rt, &ipv6_hdr(skb)->daddr));
}

/* To many, and is it worth a link? Router and group messages alone are not. */
static bool rf_many(const struct sk_buff *skb, bool *worth)
{
	if (skb->protocol == htons(ETH_P_IP)) {
		*worth = ip_hdr(skb)->protocol != IPPROTO_IGMP;
		return ipv4_is_multicast(ip_hdr(skb)->daddr) ||
		       ipv4_is_lbcast(ip_hdr(skb)->daddr);
	}
	*worth = ipv6_hdr(skb)->nexthdr != IPPROTO_ICMPV6 &&
		 ipv6_hdr(skb)->nexthdr != NEXTHDR_HOP;
	return ipv6_addr_is_multicast(&ipv6_hdr(skb)->daddr);
}

/* A packet socket may send anything */
static bool rf_dev_sane(struct sk_buff *skb)
{
	__be16 protocol = ip_tunnel_parse_protocol(skb);

	if (!protocol || protocol != skb->protocol)
		return false;
	return pskb_may_pull(skb, protocol == htons(ETH_P_IP) ? sizeof(struct iphdr) :
			     sizeof(struct ipv6hdr));
}

static struct rf_slot *rf_dev_slot(struct sk_buff *skb)
{
	return skb->protocol == htons(ETH_P_IP) ? rf_slot4(skb) : rf_slot6(skb);
}

static u16 rf_dev_select(struct net_device *dev, struct sk_buff *skb, struct net_device *sb_dev)
{
	struct rf_slot *s;
	bool worth;

	skb_reset_network_header(skb);
	if (!rf_dev_sane(skb) || rf_many(skb, &worth))
		return 0;
	guard(rcu)();
	s = rf_dev_slot(skb);
	return s ? rf_slot_queue(s) : 0;
}

/* ---- before there is a link ---- */

/* Ask for one, unless that was done lately */
static void rf_dev_want(struct rf_slot *s)
{
	const struct rf_event e = { .type = RF_EVENT_WANT, .id = s->id };
	unsigned long asked = READ_ONCE(s->asked), now = jiffies ?: 1;

	if (asked && time_before(now, asked + msecs_to_jiffies(RF_ASK_MS)))
		return;
	if (cmpxchg(&s->asked, asked, now) == asked)
		rf_event_put(&e, GFP_ATOMIC | __GFP_NOWARN);
}

/* For how many ms the first packet has waited; -1: none does */
static s64 rf_dev_age(struct rf_slot *s)
{
	const struct sk_buff *first;
	s64 ms = -1;

	spin_lock_bh(&s->waiting.lock);
	first = skb_peek(&s->waiting);
	if (first)
		ms = ktime_ms_delta(ktime_get(), first->tstamp);
	spin_unlock_bh(&s->waiting.lock);
	return ms;
}

/* What waits for a link that does not come is answered, also when nothing follows it */
static void rf_dev_look(struct work_struct *work);
static DECLARE_DELAYED_WORK(rf_dev_looks, rf_dev_look);

static void rf_dev_look(struct work_struct *work)
{
	bool more = false;

	for (unsigned int i = 0; i < RF_SLOTS; i++) {
		struct rf_slot *s = &rf_slots[i];
		s64 ms = rf_dev_age(s);

		if (ms > RF_GIVE_UP_MS) {
			local_bh_disable();
			rf_dev_drop_waiting(s);
			local_bh_enable();
		} else if (ms >= 0) {
			more = true;
		}
	}
	if (more)
		schedule_delayed_work(&rf_dev_looks, msecs_to_jiffies(RF_GIVE_UP_MS / 2));
}

/* Keep a packet until there is a link. Context: bottom halves off, under RCU. */
void rf_dev_wait(struct rf_slot *s, struct sk_buff *skb)
{
	if (rf_dev_age(s) > RF_GIVE_UP_MS)
		rf_dev_drop_waiting(s);
	if (skb_queue_len_lockless(&s->waiting) >= RF_WAITING) {
		rf_reset_answer(skb);
		return;
	}
	skb_orphan(skb);
	skb->tstamp = ktime_get();
	skb_queue_tail(&s->waiting, skb);
	schedule_delayed_work(&rf_dev_looks, msecs_to_jiffies(RF_GIVE_UP_MS + 100));
	rf_dev_want(s);
	/* it may have come meanwhile, or the kernel may have gone */
	if (rcu_access_pointer(s->link) || !READ_ONCE(s->used))
		rf_dev_go(s);
}

/* There is a link: what waited for it */
void rf_dev_go(struct rf_slot *s)
{
	struct sk_buff *skb;
	struct rf_link *l;
	bool worth;

	local_bh_disable();
	rcu_read_lock();
	l = rcu_dereference(s->link);
	while ((skb = skb_dequeue(&s->waiting))) {
		skb->tstamp = 0;
		if (!l)
			rf_reset_answer(skb);
		else
			rf_tx(l, skb, RF_TX_DROP | (rf_many(skb, &worth) ? RF_TX_MANY : 0));
	}
	rcu_read_unlock();
	local_bh_enable();
}

/* There won't be one */
void rf_dev_drop_waiting(struct rf_slot *s)
{
	struct sk_buff *skb;

	while ((skb = skb_dequeue(&s->waiting)))
		rf_reset_answer(skb);
}

/* ---- sending ---- */

static netdev_tx_t rf_dev_many(struct sk_buff *skb, bool worth)
{
	for (unsigned int i = 0; i < RF_SLOTS; i++) {
		struct rf_slot *s = &rf_slots[i];
		struct rf_link *l = rcu_dereference(s->link);
		struct sk_buff *copy;

		if (!READ_ONCE(s->used) || (!l && !worth))
			continue;
		copy = skb_clone(skb, GFP_ATOMIC | __GFP_NOWARN);
		if (copy && l)
			rf_tx(l, copy, RF_TX_DROP | RF_TX_MANY);
		else if (copy)
			rf_dev_wait(s, copy);
	}
	consume_skb(skb);
	return NETDEV_TX_OK;
}

static netdev_tx_t rf_dev_xmit(struct sk_buff *skb, struct net_device *dev)
{
	struct rf_slot *s;
	struct rf_link *l;
	bool worth;

	skb_reset_network_header(skb);
	if (!rf_dev_sane(skb)) {
		dev_core_stats_tx_dropped_inc(dev);
		kfree_skb(skb);
		return NETDEV_TX_OK;
	}
	guard(rcu)();
	if (rf_many(skb, &worth))
		return rf_dev_many(skb, worth);
	s = rf_dev_slot(skb);
	l = s ? rcu_dereference(s->link) : NULL;
	if (l)
		return rf_tx(l, skb, 0);
	if (s)
		rf_dev_wait(s, skb);
	else
		rf_reset_answer(skb);
	return NETDEV_TX_OK;
}

static const struct net_device_ops rf_dev_ops = {
	.ndo_start_xmit		= rf_dev_xmit,
	.ndo_select_queue	= rf_dev_select,
};

/* ---- ethtool ---- */

const char rf_stat_names[RF_LINK_STATS + 2][ETH_GSTRING_LEN] = {
	"rx_packets", "rx_bytes", "rx_placed", "rx_copied", "rx_dropped", "rx_throttled",
	"tx_packets", "tx_bytes", "tx_placed", "tx_copied", "tx_full", "tx_rings",
	"bad_sequence", "bad_bounds", "bad_header", "bad_tail", "bad_bell",
	"links", "diverted",
};
static void rf_get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	strscpy(info->driver, "rfloop", sizeof(info->driver));
}

static int rf_get_sset_count(struct net_device *dev, int set)
{
	return set == ETH_SS_STATS ? ARRAY_SIZE(rf_stat_names) : -EOPNOTSUPP;
}

static void rf_get_strings(struct net_device *dev, u32 set, u8 *data)
{
	if (set == ETH_SS_STATS)
		memcpy(data, rf_stat_names, sizeof(rf_stat_names));
}

static void rf_get_stats(struct net_device *dev, struct ethtool_stats *unused, u64 *data)
{
	memset(data, 0, ARRAY_SIZE(rf_stat_names) * sizeof(*data));
	guard(rcu)();
	for (unsigned int i = 0; i < RF_SLOTS; i++) {
		const struct rf_link *l = rcu_dereference(rf_slots[i].link);

		for (unsigned int j = 0; l && j < RF_LINK_STATS; j++)
			data[j] += ((const u64 *)&l->stats)[j];
		data[RF_LINK_STATS] += !!l;
	}
	data[RF_LINK_STATS + 1] = rf_divert_count();
}

static const struct ethtool_ops rf_ethtool_ops = {
	.get_drvinfo		= rf_get_drvinfo,
	.get_link		= ethtool_op_get_link,
	.get_sset_count		= rf_get_sset_count,
	.get_strings		= rf_get_strings,
	.get_ethtool_stats	= rf_get_stats,
};

/* ---- the device ---- */

static void rf_dev_setup(struct net_device *dev)
{
	dev->netdev_ops = &rf_dev_ops;
	dev->ethtool_ops = &rf_ethtool_ops;
	dev->type = ARPHRD_NONE;
	dev->flags = IFF_NOARP | IFF_MULTICAST;
	dev->mtu = ETH_MAX_MTU;
	dev->min_mtu = ETH_MIN_MTU;
	dev->max_mtu = ETH_MAX_MTU;
	dev->tx_queue_len = RF_QUEUE_LEN;
	dev->lltx = true;
	dev->pcpu_stat_type = NETDEV_PCPU_STAT_TSTATS;
	dev->features = NETIF_F_SG | NETIF_F_FRAGLIST | NETIF_F_HW_CSUM | NETIF_F_HIGHDMA |
			NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_TSO_ECN | NETIF_F_GSO_UDP_L4 |
			NETIF_F_GSO_ROBUST;
	dev->hw_features = dev->features;
	dev->vlan_features = 0;
	/* BIG TCP: as large as it pays, where lo has 64 KiB */
	dev->tso_max_size = RF_LOOP_MAX_LEN;
	dev->gso_max_size = RF_GSO_MAX;
	dev->gso_ipv4_max_size = RF_GSO_MAX;
	netif_keep_dst(dev);	/* the gateway stands there */
}

int rf_dev_init(void)
{
	int err;

	for (unsigned int i = 0; i < RF_SLOTS; i++)
		skb_queue_head_init(&rf_slots[i].waiting);
	rf_dev = alloc_netdev_mqs(0, "rf0", NET_NAME_PREDICTABLE, rf_dev_setup, RF_QUEUES, 1);
	if (!rf_dev)
		return -ENOMEM;
	err = register_netdev(rf_dev);
	if (err)
		free_netdev(rf_dev);
	return err;
}

void rf_dev_exit(void)
{
	unregister_netdev(rf_dev);
	cancel_delayed_work_sync(&rf_dev_looks);
	for (unsigned int i = 0; i < RF_SLOTS; i++)
		skb_queue_purge(&rf_slots[i].waiting);
	free_netdev(rf_dev);
}
