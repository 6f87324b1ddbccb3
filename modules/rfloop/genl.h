/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/rainforest-net.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_RAINFOREST_NET_GEN_H
#define _LINUX_RAINFOREST_NET_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/rainforest_net.h>

int rf_net_admin_pre(const struct genl_split_ops *ops, struct sk_buff *skb,
		     struct genl_info *info);

int rainforest_net_nl_net_get_dumpit(struct sk_buff *skb,
				     struct netlink_callback *cb);
int rainforest_net_nl_net_set_doit(struct sk_buff *skb, struct genl_info *info);

extern struct genl_family rainforest_net_nl_family;

#endif /* _LINUX_RAINFOREST_NET_GEN_H */
