// SPDX-License-Identifier: GPL-2.0
/*
 * Our own addresses: those that this kernel has on any interface are told to the
 * supervisor, and that which the supervisor gives us is put on rf0, as `ip` would.
 */
#define pr_fmt(fmt) "rfloop: " fmt

#include <linux/file.h>
#include <linux/inetdevice.h>
#include <linux/net.h>
#include <linux/rtnetlink.h>
#include <net/addrconf.h>
#include <net/if_inet6.h>
#include <net/ipv6.h>
#include <net/netlink.h>

#include "rfloop.h"

/* ---- what we have ---- */

static void rf_local_say(u8 family, u8 prefix, const void *addr, bool gone)
{
	struct rf_event e = {
		.type = RF_EVENT_LOCAL,
		.addr = {
			.family = family,
			.prefix = prefix,
			.flags = gone ? RF_LOOP_GONE : 0,
		},
	};

	memcpy(e.addr.addr, addr, family == 4 ? 4 : 16);
	rf_event_put(&e, GFP_ATOMIC);
}

static void rf_local_say4(const struct in_ifaddr *ifa, bool gone)
{
	const struct net_device *dev = ifa->ifa_dev->dev;

	if (dev_net(dev) != &init_net || dev->flags & IFF_LOOPBACK ||
	    ipv4_is_loopback(ifa->ifa_local) || ipv4_is_zeronet(ifa->ifa_local))
		return;
	rf_local_say(4, ifa->ifa_prefixlen, &ifa->ifa_local, gone);
}

static void rf_local_say6(const struct inet6_ifaddr *ifa, bool gone)
{
	const struct net_device *dev = ifa->idev->dev;

	if (dev_net(dev) != &init_net || dev->flags & IFF_LOOPBACK ||
	    ipv6_addr_loopback(&ifa->addr) ||
	    (ipv6_addr_type(&ifa->addr) & IPV6_ADDR_LINKLOCAL && dev != rf_dev))
		return;
	rf_local_say(6, ifa->prefix_len, &ifa->addr, gone);
}

static int rf_local_event4(struct notifier_block *nb, unsigned long event, void *ptr)
{
	rf_local_say4(ptr, event == NETDEV_DOWN);
	return NOTIFY_DONE;
}

/* Under a lock of addrconf's */
static int rf_local_event6(struct notifier_block *nb, unsigned long event, void *ptr)
{
	rf_local_say6(ptr, event == NETDEV_DOWN);
	return NOTIFY_DONE;
}

static struct notifier_block rf_block4 = {
	.notifier_call	= rf_local_event4,
};

static struct notifier_block rf_block6 = {
	.notifier_call	= rf_local_event6,
};

/**
 * rf_local_claim_all - say all addresses that we have
 *
 * Context: process, may sleep.
 */
void rf_local_claim_all(void)
{
	struct net_device *dev;

	rtnl_lock();
	for_each_netdev(&init_net, dev) {
		struct in_device *in = __in_dev_get_rtnl(dev);
		struct inet6_dev *in6 = __in6_dev_get(dev);
		const struct inet6_ifaddr *ifa6;
		const struct in_ifaddr *ifa;

		if (in)
			in_dev_for_each_ifa_rtnl(ifa, in)
				rf_local_say4(ifa, false);
		if (!in6)
			continue;
		read_lock_bh(&in6->lock);
		list_for_each_entry(ifa6, &in6->addr_list, if_list)
			rf_local_say6(ifa6, false);
		read_unlock_bh(&in6->lock);
	}
	rtnl_unlock();
}

/* ---- what we are given ---- */

/* Send a request of rtnetlink. Return: 0 or its errno. */
static int rf_rtnl_ask(struct socket *sock, struct sk_buff *skb)
{
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
	} answer = { };
	struct kvec out = { .iov_base = skb->data, .iov_len = skb->len };
	struct kvec in = { .iov_base = &answer, .iov_len = sizeof(answer) };
	struct msghdr msg = { };
	int err;

	err = kernel_sendmsg(sock, &msg, &out, 1, out.iov_len);
	/* it is done, and answered, when that returns */
	if (err >= 0)
		err = kernel_recvmsg(sock, &msg, &in, 1, sizeof(answer), MSG_DONTWAIT);
	if (err >= 0)
		err = answer.h.nlmsg_type == NLMSG_ERROR ? answer.e.error : -EPROTO;
	nlmsg_free(skb);
	return err;
}

static int rf_link_up(struct socket *sock)
{
	struct sk_buff *skb = nlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	struct ifinfomsg *m;
	struct nlmsghdr *h;

	if (!skb)
		return -ENOMEM;
	h = nlmsg_put(skb, 0, 0, RTM_NEWLINK, sizeof(*m), NLM_F_REQUEST | NLM_F_ACK);
	m = nlmsg_data(h);
	*m = (struct ifinfomsg) {
		.ifi_index = rf_dev->ifindex, .ifi_flags = IFF_UP, .ifi_change = IFF_UP,
	};
	return rf_rtnl_ask(sock, skb);
}

static int rf_address(struct socket *sock, const struct rf_loop_address *a, bool add)
{
	int len = a->family == 4 ? 4 : 16, err;
	struct sk_buff *skb = nlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	struct ifaddrmsg *m;
	struct nlmsghdr *h;

	if (!skb)
		return -ENOMEM;
	h = nlmsg_put(skb, 0, 0, add ? RTM_NEWADDR : RTM_DELADDR, sizeof(*m),
		      NLM_F_REQUEST | NLM_F_ACK | (add ? NLM_F_CREATE | NLM_F_REPLACE : 0));
	m = nlmsg_data(h);
	*m = (struct ifaddrmsg) {
		.ifa_family = a->family == 4 ? AF_INET : AF_INET6,
		.ifa_prefixlen = a->prefix,
		.ifa_flags = a->family == 4 ? 0 : IFA_F_NODAD,
		.ifa_index = rf_dev->ifindex,
	};
	err = nla_put(skb, IFA_LOCAL, len, a->addr) ?: nla_put(skb, IFA_ADDRESS, len, a->addr);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	nlmsg_end(skb, h);
	return rf_rtnl_ask(sock, skb);
}

/* The way out is the supervisor, if there is no better one */
static int rf_default_route(struct socket *sock, const struct rf_loop_address *a)
{
	int len = a->family == 4 ? 4 : 16, err;
	struct sk_buff *skb;
	struct nlmsghdr *h;
	struct rtmsg *m;

	if (!memchr_inv(a->via, 0, len))
		return 0;
	skb = nlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	h = nlmsg_put(skb, 0, 0, RTM_NEWROUTE, sizeof(*m),
		      NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_REPLACE);
	m = nlmsg_data(h);
	*m = (struct rtmsg) {
		.rtm_family = a->family == 4 ? AF_INET : AF_INET6,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_BOOT,
		.rtm_scope = RT_SCOPE_UNIVERSE,
		.rtm_type = RTN_UNICAST,
		/* there are no neighbours: whatever its prefix is, that is on rf0 */
		.rtm_flags = RTNH_F_ONLINK,
	};
	err = nla_put(skb, RTA_GATEWAY, len, a->via) ?:
	      nla_put_u32(skb, RTA_OIF, rf_dev->ifindex) ?:
	      nla_put_u32(skb, RTA_PRIORITY, 4096);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	nlmsg_end(skb, h);
	return rf_rtnl_ask(sock, skb);
}

/**
 * rf_local_set - put an address on rf0
 * @now: the address; its via, if it is not zero, becomes a default route
 * @was: that which it replaces; or NULL
 *
 * Context: process, may sleep; takes the rtnl lock.
 * Return: 0 when it is there, or what rtnetlink says. That there is no route is logged.
 */
int rf_local_set(const struct rf_loop_address *now, const struct rf_loop_address *was)
{
	struct socket *sock;
	struct file *file;
	int err, route = 0;

	err = sock_create_kern(&init_net, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE, &sock);
	if (err)
		return err;
	/* whose rights are asked for: a file's opener's */
	file = sock_alloc_file(sock, 0, NULL);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = rf_link_up(sock);
	if (!err && was && was->family && (was->prefix != now->prefix ||
					   memcmp(was->addr, now->addr, sizeof(now->addr))))
		rf_address(sock, was, false);
	err = err ?: rf_address(sock, now, true);
	if (!err)
		route = rf_default_route(sock, now);
	fput(file);
	if (err)
		pr_warn("rf0 does not take its address: %pe\n", ERR_PTR(err));
	if (route)
		pr_warn("no way out by the supervisor: %pe\n", ERR_PTR(route));
	return err;
}

int rf_local_init(void)
{
	int err = register_inetaddr_notifier(&rf_block4);

	if (err)
		return err;
	err = register_inet6addr_notifier(&rf_block6);
	if (err)
		unregister_inetaddr_notifier(&rf_block4);
	return err;
}

void rf_local_exit(void)
{
	unregister_inet6addr_notifier(&rf_block6);
	unregister_inetaddr_notifier(&rf_block4);
}
