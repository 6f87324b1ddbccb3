// SPDX-License-Identifier: GPL-2.0
/* Never silence: who talks to a kernel that is gone is told so */
#include <linux/icmp.h>
#include <linux/icmpv6.h>
#include <linux/inetdevice.h>
#include <net/addrconf.h>
#include <net/icmp.h>
#include <net/inet_hashtables.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "rfloop.h"

#define RF_ABORTS	64	/* sockets of a bucket in one go */
#define RF_ROUNDS	16	/* through a bucket: sockets that live on are seen again */

/**
 * rf_reset_answer - a packet can't go anywhere
 * @skb: the packet; gone
 *
 * Its sender gets "host unreachable", by ICMP, as from a router that knows.
 *
 * Context: bottom halves off, or process.
 */
void rf_reset_answer(struct sk_buff *skb)
{
	dev_core_stats_tx_dropped_inc(rf_dev);
	skb->tstamp = 0;
	if (skb->protocol == htons(ETH_P_IP))
		icmp_ndo_send(skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
	else if (skb->protocol == htons(ETH_P_IPV6))
		icmpv6_ndo_send(skb, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0);
	kfree_skb(skb);
}

static bool rf_sock_to(const struct sock *sk, const struct rf_addr *a)
{
	struct in6_addr to;

	if (sk->sk_family == AF_INET)
		ipv6_addr_set_v4mapped(sk->sk_daddr, &to);
#if IS_ENABLED(CONFIG_IPV6)
	else if (sk->sk_family == AF_INET6)
		to = sk->sk_v6_daddr;
#endif
	else
		return false;
	return ipv6_addr_equal(&to, &a->addr);
}

/* Is it connected to that kernel, or to any? */
static bool rf_sock_concerned(const struct sock *sk, const struct rf_map *old, s16 slot)
{
	if (!net_eq(sock_net(sk), dev_net(rf_dev)))
		return false;
	for (unsigned int i = 0; i < old->nr_addresses; i++) {
		const struct rf_addr *a = &old->addr[i];

		if ((slot == RF_ANY ? a->slot >= 0 : a->slot == slot) && rf_sock_to(sk, a))
			return true;
	}
	return false;
}

/* Is it an address of rf0's that it has itself? Nothing else leads there. */
static bool rf_sock_ours(const struct sock *sk)
{
	guard(rcu)();
	if (sk->sk_family == AF_INET)
		return __ip_dev_find(sock_net(sk), sk->sk_rcv_saddr, false) == rf_dev;
#if IS_ENABLED(CONFIG_IPV6)
	if (ipv6_addr_v4mapped(&sk->sk_v6_rcv_saddr))
		return __ip_dev_find(sock_net(sk), sk->sk_rcv_saddr, false) == rf_dev;
	return ipv6_chk_addr(sock_net(sk), &sk->sk_v6_rcv_saddr, rf_dev, 0);
#else
	return false;
#endif
}

/* It keeps a chunk for what it is to send next, for as long as it is open */
static void rf_sock_let_go(struct sock *sk)
{
	if (!sk_fullsock(sk))
		return;
	lock_sock(sk);
	if (sk->sk_frag.page) {
		put_page(sk->sk_frag.page);
		sk->sk_frag.page = NULL;
		sk->sk_frag.offset = 0;
	}
	release_sock(sk);
}

/* Up to RF_ABORTS sockets of a bucket, with references */
static unsigned int rf_socks_of(struct inet_hashinfo *h, unsigned int bucket,
				const struct rf_map *old, s16 slot, struct sock **out)
{
	spinlock_t *lock = inet_ehash_lockp(h, bucket);
	struct hlist_nulls_node *node;
	unsigned int n = 0;
	struct sock *sk;

	spin_lock_bh(lock);
	sk_nulls_for_each(sk, node, &h->ehash[bucket].chain) {
		if (n == RF_ABORTS)
			break;
		if (sk->sk_state != TCP_TIME_WAIT && rf_sock_concerned(sk, old, slot) &&
		    refcount_inc_not_zero(&sk->sk_refcnt))
			out[n++] = sk;
	}
	spin_unlock_bh(lock);
	return n;
}

/**
 * rf_reset_dead - a kernel is gone: so are all connections to it
 * @old: the map in which it still was
 * @slot: its slot there; or RF_ANY: all are, or we are. Then connections of ours that
 *	have not rf0's address live on, by the interface that routing chooses.
 *
 * A socket that only waits for data would never hear of it by itself.
 *
 * Context: the workqueue.
 */
void rf_reset_dead(const struct rf_map *old, s16 slot)
{
	struct inet_hashinfo *h = dev_net(rf_dev)->ipv4.tcp_death_row.hashinfo;
	struct sock **sk = kmalloc_array(RF_ABORTS, sizeof(*sk), GFP_KERNEL);
	unsigned int n;

	if (!sk)
		return;		/* they are told when they send something */
	for (unsigned int i = 0; i <= h->ehash_mask; i++) {
		if (hlist_nulls_empty(&h->ehash[i].chain))
			continue;
		for (int round = 0; round < RF_ROUNDS; round++) {
			n = rf_socks_of(h, i, old, slot, sk);
			for (unsigned int j = 0; j < n; j++) {
				if (slot != RF_ANY || rf_sock_ours(sk[j]))
					tcp_abort(sk[j], ECONNRESET);
				rf_sock_let_go(sk[j]);
				sock_gen_put(sk[j]);
			}
			if (n < RF_ABORTS)
				break;
		}
		cond_resched();
	}
	kfree(sk);
}
