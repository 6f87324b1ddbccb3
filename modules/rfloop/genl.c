// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/rainforest-net.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "genl.h"

#include <uapi/linux/rainforest_net.h>

/* RAINFOREST_NET_CMD_NET_SET - do */
static const struct nla_policy rainforest_net_net_set_nl_policy[RAINFOREST_NET_A_NET_BYTES + 1] = {
	[RAINFOREST_NET_A_NET_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_NET_A_NET_HOST] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_NET_A_NET_ADDRESS] = { .type = NLA_STRING, .len = 49, },
	[RAINFOREST_NET_A_NET_PACKETS] = { .type = NLA_U64, },
	[RAINFOREST_NET_A_NET_BYTES] = { .type = NLA_U64, },
};

/* Ops table for rainforest_net */
static const struct genl_split_ops rainforest_net_nl_ops[] = {
	{
		.cmd	= RAINFOREST_NET_CMD_NET_GET,
		.dumpit	= rainforest_net_nl_net_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= RAINFOREST_NET_CMD_NET_SET,
		.pre_doit	= rf_net_admin_pre,
		.doit		= rainforest_net_nl_net_set_doit,
		.policy		= rainforest_net_net_set_nl_policy,
		.maxattr	= RAINFOREST_NET_A_NET_BYTES,
		.flags		= GENL_CMD_CAP_DO,
	},
};

struct genl_family rainforest_net_nl_family __ro_after_init = {
	.name		= RAINFOREST_NET_FAMILY_NAME,
	.version	= RAINFOREST_NET_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= rainforest_net_nl_ops,
	.n_split_ops	= ARRAY_SIZE(rainforest_net_nl_ops),
};
