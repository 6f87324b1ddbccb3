/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _RF_NETLINK_H
#define _RF_NETLINK_H

#include "genl.h"
#include "rfcontroller.h"

#define RF_SUBOS_MSG	(64 * 1024)	/* 256 CPUs, 64 regions */

DEFINE_FREE(rf_skb, struct sk_buff *, nlmsg_free(_T))

/* netlink_get.c */
struct sk_buff *rf_nl_reply(struct genl_info *info, size_t size);
int rf_nl_send(struct sk_buff *skb, struct genl_info *info, int err);
int rf_nl_errno(int err);
int rf_nl_put_u64(struct sk_buff *skb, int type, u64 v);
int rf_nl_put_state(struct sk_buff *skb, struct rf_subos *s);
int rf_nl_put_grant(struct sk_buff *skb, struct rf_subos *s);
int rf_nl_put_timing(struct sk_buff *skb, struct rf_subos *s);

/* netlink_account.c */
int rf_nl_put_owned(struct sk_buff *skb, struct rf_subos *s);
int rf_nl_put_config(struct sk_buff *skb, struct rf_subos *s);
int rf_nl_put_record(struct sk_buff *skb, const struct rf_record *r);

/* netlink.c; after rainforest_admin_pre() */
struct nlattr *rf_nl_attr(struct genl_info *info, unsigned int type);
struct rf_subos *rf_nl_named(struct genl_info *info);
int rf_nl_changed(struct sk_buff *skb, struct genl_info *info, struct rf_subos *s,
		  const struct rf_report *report);
int rf_nl_get_node(const struct nlattr *a);

#endif /* _RF_NETLINK_H */
