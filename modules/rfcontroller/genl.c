// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/rainforest.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "genl.h"

#include <uapi/linux/rainforest.h>

/* Common nested types */
const struct nla_policy rainforest_mem_nl_policy[RAINFOREST_A_MEM_HOW + 1] = {
	[RAINFOREST_A_MEM_START] = { .type = NLA_U64, },
	[RAINFOREST_A_MEM_SIZE] = { .type = NLA_U64, },
	[RAINFOREST_A_MEM_NODE] = { .type = NLA_U32, },
	[RAINFOREST_A_MEM_EXACT] = { .type = NLA_FLAG, },
	[RAINFOREST_A_MEM_HOW] = NLA_POLICY_MAX(NLA_U32, 2),
};

/* RAINFOREST_CMD_SUBOS_GET - do */
static const struct nla_policy rainforest_subos_get_nl_policy[RAINFOREST_A_SUBOS_NAME + 1] = {
	[RAINFOREST_A_SUBOS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* RAINFOREST_CMD_SUBOS_CREATE - do */
static const struct nla_policy rainforest_subos_create_nl_policy[RAINFOREST_A_SUBOS_RESTART_DELAY_MS + 1] = {
	[RAINFOREST_A_SUBOS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_SUBOS_CPU] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_NCPUS] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_CPU_NODE] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_MEMORY] = NLA_POLICY_NESTED(rainforest_mem_nl_policy),
	[RAINFOREST_A_SUBOS_DRY_RUN] = { .type = NLA_FLAG, },
	[RAINFOREST_A_SUBOS_MIN_CPUS] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_PRIORITY] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_ON_CRASH] = NLA_POLICY_MAX(NLA_U32, 3),
	[RAINFOREST_A_SUBOS_RESTART_LIMIT] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_RESTART_DELAY_MS] = { .type = NLA_U32, },
};

/* RAINFOREST_CMD_SUBOS_LOAD - do */
static const struct nla_policy rainforest_subos_load_nl_policy[RAINFOREST_A_SUBOS_CONFIG + 1] = {
	[RAINFOREST_A_SUBOS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_SUBOS_KERNEL_FD] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_INITRD_FD] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_CMDLINE] = { .type = NLA_NUL_STRING, .len = 1920, },
	[RAINFOREST_A_SUBOS_CONFIG] = { .type = NLA_NUL_STRING, .len = 16000, },
	[RAINFOREST_A_SUBOS_DRY_RUN] = { .type = NLA_FLAG, },
};

/* RAINFOREST_CMD_SUBOS_START - do */
static const struct nla_policy rainforest_subos_start_nl_policy[RAINFOREST_A_SUBOS_TIMEOUT_MS + 1] = {
	[RAINFOREST_A_SUBOS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_SUBOS_TIMEOUT_MS] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_DRY_RUN] = { .type = NLA_FLAG, },
};

/* RAINFOREST_CMD_SUBOS_STOP - do */
static const struct nla_policy rainforest_subos_stop_nl_policy[RAINFOREST_A_SUBOS_FORCE + 1] = {
	[RAINFOREST_A_SUBOS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_SUBOS_TIMEOUT_MS] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_FORCE] = { .type = NLA_FLAG, },
	[RAINFOREST_A_SUBOS_DRY_RUN] = { .type = NLA_FLAG, },
};

/* RAINFOREST_CMD_SUBOS_KILL - do */
static const struct nla_policy rainforest_subos_kill_nl_policy[RAINFOREST_A_SUBOS_DRY_RUN + 1] = {
	[RAINFOREST_A_SUBOS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_SUBOS_DRY_RUN] = { .type = NLA_FLAG, },
};

/* RAINFOREST_CMD_SUBOS_DESTROY - do */
static const struct nla_policy rainforest_subos_destroy_nl_policy[RAINFOREST_A_SUBOS_FORCE + 1] = {
	[RAINFOREST_A_SUBOS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_SUBOS_TIMEOUT_MS] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_FORCE] = { .type = NLA_FLAG, },
	[RAINFOREST_A_SUBOS_DRY_RUN] = { .type = NLA_FLAG, },
};

/* RAINFOREST_CMD_SUBOS_RESIZE - do */
static const struct nla_policy rainforest_subos_resize_nl_policy[RAINFOREST_A_SUBOS_PREEMPT + 1] = {
	[RAINFOREST_A_SUBOS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_SUBOS_CPU_ADD] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_CPU_REMOVE] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_NCPUS] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_NCPUS_HOW] = NLA_POLICY_MAX(NLA_U32, 2),
	[RAINFOREST_A_SUBOS_CPU_NODE] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_MEMORY] = NLA_POLICY_NESTED(rainforest_mem_nl_policy),
	[RAINFOREST_A_SUBOS_TIMEOUT_MS] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_FORCE] = { .type = NLA_FLAG, },
	[RAINFOREST_A_SUBOS_DRY_RUN] = { .type = NLA_FLAG, },
	[RAINFOREST_A_SUBOS_PREEMPT] = { .type = NLA_FLAG, },
};

/* RAINFOREST_CMD_SUBOS_MOVE - do */
static const struct nla_policy rainforest_subos_move_nl_policy[RAINFOREST_A_SUBOS_TO + 1] = {
	[RAINFOREST_A_SUBOS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_SUBOS_TO] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_SUBOS_CPU_REMOVE] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_NCPUS] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_CPU_NODE] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_MEMORY] = NLA_POLICY_NESTED(rainforest_mem_nl_policy),
	[RAINFOREST_A_SUBOS_TIMEOUT_MS] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_FORCE] = { .type = NLA_FLAG, },
	[RAINFOREST_A_SUBOS_DRY_RUN] = { .type = NLA_FLAG, },
};

/* RAINFOREST_CMD_SUBOS_LEND - do */
static const struct nla_policy rainforest_subos_lend_nl_policy[RAINFOREST_A_SUBOS_TERM_MS + 1] = {
	[RAINFOREST_A_SUBOS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_SUBOS_TO] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_SUBOS_CPU_REMOVE] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_NCPUS] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_CPU_NODE] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_MEMORY] = NLA_POLICY_NESTED(rainforest_mem_nl_policy),
	[RAINFOREST_A_SUBOS_TIMEOUT_MS] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_FORCE] = { .type = NLA_FLAG, },
	[RAINFOREST_A_SUBOS_DRY_RUN] = { .type = NLA_FLAG, },
	[RAINFOREST_A_SUBOS_TERM_MS] = { .type = NLA_U64, },
};

/* RAINFOREST_CMD_LEASE_RECALL - do */
static const struct nla_policy rainforest_lease_recall_nl_policy[RAINFOREST_A_LEASE_ID + 1] = {
	[RAINFOREST_A_LEASE_ID] = { .type = NLA_U32, },
};

/* RAINFOREST_CMD_CHANNEL_CONNECT - do */
static const struct nla_policy rainforest_channel_connect_nl_policy[RAINFOREST_A_CHANNEL_PEER + 1] = {
	[RAINFOREST_A_CHANNEL_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_CHANNEL_PEER] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* RAINFOREST_CMD_CHANNEL_DISCONNECT - do */
static const struct nla_policy rainforest_channel_disconnect_nl_policy[RAINFOREST_A_CHANNEL_PEER + 1] = {
	[RAINFOREST_A_CHANNEL_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_CHANNEL_PEER] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* RAINFOREST_CMD_CHANNEL_PING - do */
static const struct nla_policy rainforest_channel_ping_nl_policy[RAINFOREST_A_CHANNEL_POLL + 1] = {
	[RAINFOREST_A_CHANNEL_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_CHANNEL_COUNT] = { .type = NLA_U32, },
	[RAINFOREST_A_CHANNEL_TIMEOUT_MS] = { .type = NLA_U32, },
	[RAINFOREST_A_CHANNEL_POLL] = { .type = NLA_FLAG, },
};

/* RAINFOREST_CMD_CHANNEL_TUNE - do */
static const struct nla_policy rainforest_channel_tune_nl_policy[RAINFOREST_A_CHANNEL_POLL_US + 1] = {
	[RAINFOREST_A_CHANNEL_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_CHANNEL_CORE] = { .type = NLA_U32, },
	[RAINFOREST_A_CHANNEL_PRIORITY] = { .type = NLA_U32, },
	[RAINFOREST_A_CHANNEL_POLL_US] = { .type = NLA_U32, },
};

/* RAINFOREST_CMD_HISTORY_GET - do */
static const struct nla_policy rainforest_history_get_nl_policy[RAINFOREST_A_SUBOS_NAME + 1] = {
	[RAINFOREST_A_SUBOS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* RAINFOREST_CMD_STAT_GET - do */
static const struct nla_policy rainforest_stat_get_nl_policy[RAINFOREST_A_STAT_NAME + 1] = {
	[RAINFOREST_A_STAT_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* RAINFOREST_CMD_SUBOS_FREEZE - do */
static const struct nla_policy rainforest_subos_freeze_nl_policy[RAINFOREST_A_SUBOS_NMI + 1] = {
	[RAINFOREST_A_SUBOS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_SUBOS_TIMEOUT_MS] = { .type = NLA_U32, },
	[RAINFOREST_A_SUBOS_NMI] = { .type = NLA_FLAG, },
	[RAINFOREST_A_SUBOS_DRY_RUN] = { .type = NLA_FLAG, },
};

/* RAINFOREST_CMD_SUBOS_THAW - do */
static const struct nla_policy rainforest_subos_thaw_nl_policy[RAINFOREST_A_SUBOS_DRY_RUN + 1] = {
	[RAINFOREST_A_SUBOS_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[RAINFOREST_A_SUBOS_DRY_RUN] = { .type = NLA_FLAG, },
};

/* Ops table for rainforest */
static const struct genl_split_ops rainforest_nl_ops[] = {
	{
		.cmd	= RAINFOREST_CMD_INFO_GET,
		.doit	= rainforest_nl_info_get_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= RAINFOREST_CMD_CPU_GET,
		.dumpit	= rainforest_nl_cpu_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd	= RAINFOREST_CMD_NODE_GET,
		.dumpit	= rainforest_nl_node_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= RAINFOREST_CMD_SUBOS_GET,
		.doit		= rainforest_nl_subos_get_doit,
		.policy		= rainforest_subos_get_nl_policy,
		.maxattr	= RAINFOREST_A_SUBOS_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= RAINFOREST_CMD_SUBOS_GET,
		.start	= rainforest_dump_pre,
		.dumpit	= rainforest_nl_subos_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= RAINFOREST_CMD_SUBOS_CREATE,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_subos_create_doit,
		.policy		= rainforest_subos_create_nl_policy,
		.maxattr	= RAINFOREST_A_SUBOS_RESTART_DELAY_MS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_SUBOS_LOAD,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_subos_load_doit,
		.policy		= rainforest_subos_load_nl_policy,
		.maxattr	= RAINFOREST_A_SUBOS_CONFIG,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_SUBOS_START,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_subos_start_doit,
		.policy		= rainforest_subos_start_nl_policy,
		.maxattr	= RAINFOREST_A_SUBOS_TIMEOUT_MS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_SUBOS_STOP,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_subos_stop_doit,
		.policy		= rainforest_subos_stop_nl_policy,
		.maxattr	= RAINFOREST_A_SUBOS_FORCE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_SUBOS_KILL,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_subos_kill_doit,
		.policy		= rainforest_subos_kill_nl_policy,
		.maxattr	= RAINFOREST_A_SUBOS_DRY_RUN,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_SUBOS_DESTROY,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_subos_destroy_doit,
		.policy		= rainforest_subos_destroy_nl_policy,
		.maxattr	= RAINFOREST_A_SUBOS_FORCE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_SUBOS_RESIZE,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_subos_resize_doit,
		.policy		= rainforest_subos_resize_nl_policy,
		.maxattr	= RAINFOREST_A_SUBOS_PREEMPT,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_SUBOS_MOVE,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_subos_move_doit,
		.policy		= rainforest_subos_move_nl_policy,
		.maxattr	= RAINFOREST_A_SUBOS_TO,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_SUBOS_LEND,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_subos_lend_doit,
		.policy		= rainforest_subos_lend_nl_policy,
		.maxattr	= RAINFOREST_A_SUBOS_TERM_MS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= RAINFOREST_CMD_LEASE_GET,
		.start	= rainforest_dump_pre,
		.dumpit	= rainforest_nl_lease_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= RAINFOREST_CMD_LEASE_RECALL,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_lease_recall_doit,
		.policy		= rainforest_lease_recall_nl_policy,
		.maxattr	= RAINFOREST_A_LEASE_ID,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= RAINFOREST_CMD_QUARANTINE_GET,
		.start	= rainforest_dump_pre,
		.dumpit	= rainforest_nl_quarantine_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= RAINFOREST_CMD_RECOVER,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_recover_doit,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= RAINFOREST_CMD_CHANNEL_GET,
		.start	= rainforest_dump_pre,
		.dumpit	= rainforest_nl_channel_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= RAINFOREST_CMD_CHANNEL_CONNECT,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_channel_connect_doit,
		.policy		= rainforest_channel_connect_nl_policy,
		.maxattr	= RAINFOREST_A_CHANNEL_PEER,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_CHANNEL_DISCONNECT,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_channel_disconnect_doit,
		.policy		= rainforest_channel_disconnect_nl_policy,
		.maxattr	= RAINFOREST_A_CHANNEL_PEER,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_CHANNEL_PING,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_channel_ping_doit,
		.policy		= rainforest_channel_ping_nl_policy,
		.maxattr	= RAINFOREST_A_CHANNEL_POLL,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_CHANNEL_TUNE,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_channel_tune_doit,
		.policy		= rainforest_channel_tune_nl_policy,
		.maxattr	= RAINFOREST_A_CHANNEL_POLL_US,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_HISTORY_GET,
		.doit		= rainforest_nl_history_get_doit,
		.policy		= rainforest_history_get_nl_policy,
		.maxattr	= RAINFOREST_A_SUBOS_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_STAT_GET,
		.doit		= rainforest_nl_stat_get_doit,
		.policy		= rainforest_stat_get_nl_policy,
		.maxattr	= RAINFOREST_A_STAT_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_SUBOS_FREEZE,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_subos_freeze_doit,
		.policy		= rainforest_subos_freeze_nl_policy,
		.maxattr	= RAINFOREST_A_SUBOS_NMI,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= RAINFOREST_CMD_SUBOS_THAW,
		.pre_doit	= rainforest_admin_pre,
		.doit		= rainforest_nl_subos_thaw_doit,
		.policy		= rainforest_subos_thaw_nl_policy,
		.maxattr	= RAINFOREST_A_SUBOS_DRY_RUN,
		.flags		= GENL_CMD_CAP_DO,
	},
};

static const struct genl_multicast_group rainforest_nl_mcgrps[] = {
	[RAINFOREST_NLGRP_EVENTS] = { "events", },
};

struct genl_family rainforest_nl_family __ro_after_init = {
	.name		= RAINFOREST_FAMILY_NAME,
	.version	= RAINFOREST_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= rainforest_nl_ops,
	.n_split_ops	= ARRAY_SIZE(rainforest_nl_ops),
	.mcgrps		= rainforest_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(rainforest_nl_mcgrps),
};
