/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/rainforest.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_RAINFOREST_GEN_H
#define _LINUX_RAINFOREST_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/rainforest.h>

/* Common nested types */
extern const struct nla_policy rainforest_mem_nl_policy[RAINFOREST_A_MEM_HOW + 1];

int rainforest_admin_pre(const struct genl_split_ops *ops, struct sk_buff *skb,
			 struct genl_info *info);
int rainforest_dump_pre(struct netlink_callback *cb);

int rainforest_nl_info_get_doit(struct sk_buff *skb, struct genl_info *info);
int rainforest_nl_cpu_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int rainforest_nl_node_get_dumpit(struct sk_buff *skb,
				  struct netlink_callback *cb);
int rainforest_nl_subos_get_doit(struct sk_buff *skb, struct genl_info *info);
int rainforest_nl_subos_get_dumpit(struct sk_buff *skb,
				   struct netlink_callback *cb);
int rainforest_nl_subos_create_doit(struct sk_buff *skb,
				    struct genl_info *info);
int rainforest_nl_subos_load_doit(struct sk_buff *skb, struct genl_info *info);
int rainforest_nl_subos_start_doit(struct sk_buff *skb, struct genl_info *info);
int rainforest_nl_subos_stop_doit(struct sk_buff *skb, struct genl_info *info);
int rainforest_nl_subos_kill_doit(struct sk_buff *skb, struct genl_info *info);
int rainforest_nl_subos_destroy_doit(struct sk_buff *skb,
				     struct genl_info *info);
int rainforest_nl_subos_resize_doit(struct sk_buff *skb,
				    struct genl_info *info);
int rainforest_nl_subos_move_doit(struct sk_buff *skb, struct genl_info *info);
int rainforest_nl_subos_lend_doit(struct sk_buff *skb, struct genl_info *info);
int rainforest_nl_lease_get_dumpit(struct sk_buff *skb,
				   struct netlink_callback *cb);
int rainforest_nl_lease_recall_doit(struct sk_buff *skb,
				    struct genl_info *info);
int rainforest_nl_quarantine_get_dumpit(struct sk_buff *skb,
					struct netlink_callback *cb);
int rainforest_nl_recover_doit(struct sk_buff *skb, struct genl_info *info);
int rainforest_nl_channel_get_dumpit(struct sk_buff *skb,
				     struct netlink_callback *cb);
int rainforest_nl_channel_connect_doit(struct sk_buff *skb,
				       struct genl_info *info);
int rainforest_nl_channel_disconnect_doit(struct sk_buff *skb,
					  struct genl_info *info);
int rainforest_nl_channel_ping_doit(struct sk_buff *skb,
				    struct genl_info *info);
int rainforest_nl_channel_tune_doit(struct sk_buff *skb,
				    struct genl_info *info);
int rainforest_nl_history_get_doit(struct sk_buff *skb, struct genl_info *info);
int rainforest_nl_stat_get_doit(struct sk_buff *skb, struct genl_info *info);
int rainforest_nl_subos_freeze_doit(struct sk_buff *skb,
				    struct genl_info *info);
int rainforest_nl_subos_thaw_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	RAINFOREST_NLGRP_EVENTS,
};

extern struct genl_family rainforest_nl_family;

#endif /* _LINUX_RAINFOREST_GEN_H */
