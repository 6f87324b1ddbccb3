// SPDX-License-Identifier: GPL-2.0
/* What the operator may change: Documentation/netlink/specs/rainforest.yaml */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/capability.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "netlink.h"

int rainforest_admin_pre(const struct genl_split_ops *ops, struct sk_buff *skb,
			 struct genl_info *info)
{
	info->user_ptr[0] = (void *)(unsigned long)ops->maxattr;
	if (netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	rf_msg(info->extack, "needs CAP_SYS_ADMIN in the initial user namespace");
	return -EPERM;
}

/*
 * An attribute that not all operations of one function have. The array of one
 * that hasn't may end before it.
 */
struct nlattr *rf_nl_attr(struct genl_info *info, unsigned int type)
{
	return type <= (unsigned long)info->user_ptr[0] ? info->attrs[type] : NULL;
}

/* The subOS that a request names, with a reference */
struct rf_subos *rf_nl_named(struct genl_info *info)
{
	struct rf_subos *s;

	if (GENL_REQ_ATTR_CHECK(info, RAINFOREST_A_SUBOS_NAME)) {
		rf_msg(info->extack, "a name is missing");
		return ERR_PTR(-EINVAL);
	}
	s = rf_subos_find(nla_data(info->attrs[RAINFOREST_A_SUBOS_NAME]));
	if (!s) {
		rf_msg(info->extack, "no subOS is named %s",
		       (char *)nla_data(info->attrs[RAINFOREST_A_SUBOS_NAME]));
		return ERR_PTR(-ENOENT);
	}
	return s;
}

/* The answer to every change: what it is now, and what was noteworthy */
int rf_nl_changed(struct sk_buff *skb, struct genl_info *info, struct rf_subos *s,
		  const struct rf_report *report)
{
	char line[80];
	int err;

	mutex_lock(&s->drain);
	err = rf_nl_put_state(skb, s) ?: rf_nl_put_grant(skb, s) ?: rf_nl_put_timing(skb, s);
	mutex_unlock(&s->drain);
	for (unsigned int i = 0; report && i < report->nr_warnings && !err; i++)
		err = nla_put_string(skb, RAINFOREST_A_SUBOS_WARNING, report->warning[i]);
	/* a long list may be cut: it is for people */
	for (unsigned int i = 0; report && report->pinned && !err; i++)
		if (!rf_pinned_line(report->pinned, i, line, sizeof(line)) ||
		    nla_put_string(skb, RAINFOREST_A_SUBOS_PID_PINNED, line))
			break;
	return rf_nl_send(skb, info, err);
}

/* Node numbers are int: a larger one is unknown as such */
int rf_nl_get_node(const struct nlattr *a)
{
	return min_t(u32, nla_get_u32(a), INT_MAX);
}

static int rf_parse_memory(struct nlattr *nest, struct rf_request *req,
			   struct netlink_ext_ack *extack)
{
	struct nlattr *tb[RAINFOREST_A_MEM_HOW + 1];
	int err;

	err = nla_parse_nested(tb, RAINFOREST_A_MEM_HOW, nest, rainforest_mem_nl_policy, extack);
	if (err)
		return err;
	if (!tb[RAINFOREST_A_MEM_SIZE]) {
		rf_msg(extack, "memory without a size");
		return -EINVAL;
	}
	if (req->nr_mem == ARRAY_SIZE(req->mem)) {
		rf_msg(extack, "more than %zu amounts of memory", ARRAY_SIZE(req->mem));
		return -EINVAL;
	}
	req->mem[req->nr_mem].size = nla_get_u64(tb[RAINFOREST_A_MEM_SIZE]);
	req->mem[req->nr_mem].exact = nla_get_flag(tb[RAINFOREST_A_MEM_EXACT]);
	req->mem[req->nr_mem].node = NUMA_NO_NODE;
	if (tb[RAINFOREST_A_MEM_NODE])
		req->mem[req->nr_mem].node = rf_nl_get_node(tb[RAINFOREST_A_MEM_NODE]);
	req->nr_mem++;
	return 0;
}

static void rf_parse_policy(struct genl_info *info, struct rf_policy *p)
{
	struct nlattr **a = info->attrs;

	*p = (struct rf_policy) {
		.on_crash = RAINFOREST_ON_CRASH_STOP,
		.limit = RF_POLICY_LIMIT,
		.delay_ms = RF_POLICY_DELAY_MS,
	};
	if (a[RAINFOREST_A_SUBOS_ON_CRASH])
		p->on_crash = nla_get_u32(a[RAINFOREST_A_SUBOS_ON_CRASH]);
	if (a[RAINFOREST_A_SUBOS_RESTART_LIMIT])
		p->limit = nla_get_u32(a[RAINFOREST_A_SUBOS_RESTART_LIMIT]);
	if (a[RAINFOREST_A_SUBOS_RESTART_DELAY_MS])
		p->delay_ms = nla_get_u32(a[RAINFOREST_A_SUBOS_RESTART_DELAY_MS]);
}

static int rf_parse_request(struct genl_info *info, struct rf_request *req)
{
	struct nlattr *a;
	int rem, err;

	if (GENL_REQ_ATTR_CHECK(info, RAINFOREST_A_SUBOS_NAME)) {
		rf_msg(info->extack, "a name is missing");
		return -EINVAL;
	}
	req->name = nla_data(info->attrs[RAINFOREST_A_SUBOS_NAME]);
	req->cpu_node = NUMA_NO_NODE;
	req->dry_run = nla_get_flag(info->attrs[RAINFOREST_A_SUBOS_DRY_RUN]);
	if (info->attrs[RAINFOREST_A_SUBOS_NCPUS])
		req->ncpus = nla_get_u32(info->attrs[RAINFOREST_A_SUBOS_NCPUS]);
	if (info->attrs[RAINFOREST_A_SUBOS_MIN_CPUS])
		req->min_cpus = nla_get_u32(info->attrs[RAINFOREST_A_SUBOS_MIN_CPUS]);
	if (info->attrs[RAINFOREST_A_SUBOS_PRIORITY])
		req->priority = nla_get_u32(info->attrs[RAINFOREST_A_SUBOS_PRIORITY]);
	rf_parse_policy(info, &req->crash);
	if (info->attrs[RAINFOREST_A_SUBOS_CPU_NODE])
		req->cpu_node = rf_nl_get_node(info->attrs[RAINFOREST_A_SUBOS_CPU_NODE]);

	nlmsg_for_each_attr(a, info->nlhdr, GENL_HDRLEN, rem) {
		switch (nla_type(a)) {
		case RAINFOREST_A_SUBOS_CPU:
			if (req->nr_cpus == RF_BOOT_MAX_CPUS) {
				rf_msg(info->extack, "a subOS has at most %d CPUs",
				       RF_BOOT_MAX_CPUS);
				return -EINVAL;
			}
			req->cpus[req->nr_cpus++] = nla_get_u32(a);
			break;
		case RAINFOREST_A_SUBOS_MEMORY:
			err = rf_parse_memory(a, req, info->extack);
			if (err)
				return err;
			break;
		}
	}
	if (req->nr_cpus && req->ncpus) {
		rf_msg(info->extack, "either CPUs by number or how many, not both");
		return -EINVAL;
	}
	if (req->min_cpus > (req->nr_cpus ?: req->ncpus)) {
		rf_msg(info->extack, "at least %u CPUs, of %u that it gets?", req->min_cpus,
		       req->nr_cpus ?: req->ncpus);
		return -EINVAL;
	}
	if (!req->nr_mem) {
		rf_msg(info->extack, "memory is missing");
		return -EINVAL;
	}
	return 0;
}

int rainforest_nl_subos_create_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rf_report *report __free(kfree) = kzalloc(sizeof(*report), GFP_KERNEL);
	struct rf_request *req __free(kfree) = kzalloc(sizeof(*req), GFP_KERNEL);
	u32 *cpus __free(kfree) = kcalloc(RF_BOOT_MAX_CPUS, sizeof(*cpus), GFP_KERNEL);
	struct sk_buff *reply __free(rf_skb) = rf_nl_reply(info, RF_SUBOS_MSG);
	struct rf_subos *s;
	int err;

	if (!report || !req || !cpus || !reply)
		return -ENOMEM;
	req->cpus = cpus;
	err = rf_parse_request(info, req) ?: rf_subos_create(req, &s, report, info->extack);
	if (err)
		return rf_nl_errno(err);
	err = rf_nl_changed(no_free_ptr(reply), info, s, report);
	rf_subos_put(s);
	return err;
}

/* An open file of the caller, for reading */
static struct file *rf_get_file(struct nlattr *a, const char *what, struct netlink_ext_ack *extack)
{
	struct file *f = fget(nla_get_u32(a));

	if (f && (!(f->f_mode & FMODE_READ) || !S_ISREG(file_inode(f)->i_mode))) {
		fput(f);
		f = NULL;
	}
	if (f)
		return f;
	rf_msg(extack, "%s is no regular file open for reading", what);
	return ERR_PTR(-EINVAL);
}

int rainforest_nl_subos_load_doit(struct sk_buff *skb, struct genl_info *info)
{
	bool dry_run = nla_get_flag(info->attrs[RAINFOREST_A_SUBOS_DRY_RUN]);
	struct nlattr *line = info->attrs[RAINFOREST_A_SUBOS_CMDLINE], *a;
	struct nlattr *config = info->attrs[RAINFOREST_A_SUBOS_CONFIG];
	struct sk_buff *reply __free(rf_skb) = rf_nl_reply(info, RF_SUBOS_MSG);
	struct file *kernel, *initrd[RF_MAX_INITRDS];
	unsigned int nr = 0;
	struct rf_subos *s;
	int err = 0, rem;

	if (!reply)
		return -ENOMEM;
	s = rf_nl_named(info);
	if (IS_ERR(s))
		return PTR_ERR(s);
	if (GENL_REQ_ATTR_CHECK(info, RAINFOREST_A_SUBOS_KERNEL_FD)) {
		rf_msg(info->extack, "a kernel is missing");
		err = -EINVAL;
		goto put_subos;
	}
	kernel = rf_get_file(info->attrs[RAINFOREST_A_SUBOS_KERNEL_FD], "kernel", info->extack);
	if (IS_ERR(kernel)) {
		err = PTR_ERR(kernel);
		goto put_subos;
	}
	nlmsg_for_each_attr(a, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(a) != RAINFOREST_A_SUBOS_INITRD_FD)
			continue;
		if (nr == RF_MAX_INITRDS) {
			rf_msg(info->extack, "more than %d initrds", RF_MAX_INITRDS);
			err = -EINVAL;
			goto put_files;
		}
		initrd[nr] = rf_get_file(a, "initrd", info->extack);
		if (IS_ERR(initrd[nr])) {
			err = PTR_ERR(initrd[nr]);
			goto put_files;
		}
		nr++;
	}
	err = rf_subos_load(s, kernel, initrd, nr, line ? nla_data(line) : "", dry_run,
			    info->extack);
	if (err || dry_run)
		goto put_files;
	/* without memory for it the subOS is loaded all the same */
	rf_account_keep_config(s, config ? nla_data(config) : NULL);
	err = rf_nl_changed(no_free_ptr(reply), info, s, NULL);
	goto put_subos;

put_files:
	while (nr)
		fput(initrd[--nr]);
	fput(kernel);
	if (!err)
		err = rf_nl_changed(no_free_ptr(reply), info, s, NULL);
put_subos:
	rf_subos_put(s);
	return rf_nl_errno(err);
}

/* The common form of start, stop, kill, freeze, thaw and destroy, with one flag of its own */
static int rf_act(struct genl_info *info, unsigned int flag,
		  int (*act)(struct rf_subos *s, unsigned int ms, bool flag, bool dry_run,
			     struct netlink_ext_ack *extack))
{
	struct sk_buff *reply __free(rf_skb) = rf_nl_reply(info, RF_SUBOS_MSG);
	struct nlattr *ms = rf_nl_attr(info, RAINFOREST_A_SUBOS_TIMEOUT_MS);
	struct rf_subos *s;
	int err;

	if (!reply)
		return -ENOMEM;
	s = rf_nl_named(info);
	if (IS_ERR(s))
		return PTR_ERR(s);
	err = act(s, ms ? nla_get_u32(ms) : 0,
		  nla_get_flag(rf_nl_attr(info, flag)),
		  nla_get_flag(rf_nl_attr(info, RAINFOREST_A_SUBOS_DRY_RUN)), info->extack);
	err = err ?: rf_nl_changed(no_free_ptr(reply), info, s, NULL);
	rf_subos_put(s);
	return rf_nl_errno(err);
}

/*
 * Generic netlink holds a lock of all families while we wait: who wants to
 * wait longer than this asks again.
 */
#define RF_MAX_STOP_MS	1000U
#define RF_MAX_START_MS	30000U

static int rf_act_stop(struct rf_subos *s, unsigned int ms, bool force, bool dry_run,
		       struct netlink_ext_ack *extack)
{
	return rf_subos_stop(s, min(ms, RF_MAX_STOP_MS), force, dry_run, extack);
}

static int rf_act_destroy(struct rf_subos *s, unsigned int ms, bool force, bool dry_run,
			  struct netlink_ext_ack *extack)
{
	return rf_subos_destroy(s, min(ms, RF_MAX_STOP_MS), force, dry_run, extack);
}

static int rf_act_start(struct rf_subos *s, unsigned int ms, bool force, bool dry_run,
			struct netlink_ext_ack *extack)
{
	return rf_subos_start(s, min(ms, RF_MAX_START_MS), dry_run, extack);
}

static int rf_act_kill(struct rf_subos *s, unsigned int ms, bool force, bool dry_run,
		       struct netlink_ext_ack *extack)
{
	return rf_subos_kill(s, dry_run, extack);
}

int rainforest_nl_subos_start_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_act(info, RAINFOREST_A_SUBOS_FORCE, rf_act_start);
}

int rainforest_nl_subos_stop_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_act(info, RAINFOREST_A_SUBOS_FORCE, rf_act_stop);
}

int rainforest_nl_subos_kill_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_act(info, RAINFOREST_A_SUBOS_FORCE, rf_act_kill);
}

static int rf_act_freeze(struct rf_subos *s, unsigned int ms, bool nmi, bool dry_run,
			 struct netlink_ext_ack *extack)
{
	return rf_subos_freeze(s, min(ms, RF_FREEZE_MS), nmi, dry_run, extack);
}

static int rf_act_thaw(struct rf_subos *s, unsigned int ms, bool force, bool dry_run,
		       struct netlink_ext_ack *extack)
{
	return rf_subos_thaw(s, dry_run, extack);
}

int rainforest_nl_subos_freeze_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_act(info, RAINFOREST_A_SUBOS_NMI, rf_act_freeze);
}

int rainforest_nl_subos_thaw_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_act(info, RAINFOREST_A_SUBOS_FORCE, rf_act_thaw);
}

int rainforest_nl_subos_destroy_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_act(info, RAINFOREST_A_SUBOS_FORCE, rf_act_destroy);
}

/* ---- quarantine ---- */

int rainforest_nl_recover_doit(struct sk_buff *req, struct genl_info *info)
{
	struct sk_buff *reply = rf_nl_reply(info, NLMSG_GOODSIZE);
	u32 cpus;
	u64 bytes;
	int err;

	if (!reply)
		return -ENOMEM;
	err = rf_recover(&cpus, &bytes, info->extack) ?:
	      nla_put_u32(reply, RAINFOREST_A_QUARANTINE_RECOVERED_CPUS, cpus) ?:
	      rf_nl_put_u64(reply, RAINFOREST_A_QUARANTINE_RECOVERED_MEMORY, bytes);
	return rf_nl_send(reply, info, err);
}

/* ---- events ---- */

static void rf_tell(struct rf_subos *s, enum rainforest_event event, const struct rf_record *r)
{
	struct sk_buff *skb;
	void *hdr;

	if (!genl_has_listeners(&rainforest_nl_family, &init_net, RAINFOREST_NLGRP_EVENTS))
		return;
	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		return;		/* who waits looks again by himself */
	hdr = genlmsg_put(skb, 0, 0, &rainforest_nl_family, 0, RAINFOREST_CMD_SUBOS_NTF);
	if (!hdr || nla_put_u32(skb, RAINFOREST_A_SUBOS_EVENT, event) ||
	    rf_nl_put_u64(skb, RAINFOREST_A_SUBOS_TIME_NS, r ? r->time_ns : ktime_get_real_ns()) ||
	    rf_nl_put_state(skb, s) || (r && rf_nl_put_record(skb, r))) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	genlmsg_multicast(&rainforest_nl_family, skb, 0, RAINFOREST_NLGRP_EVENTS, GFP_KERNEL);
}

void rf_netlink_notify(struct rf_subos *s, enum rainforest_event event)
{
	rf_tell(s, event, NULL);
}

void rf_netlink_notify_record(struct rf_subos *s, const struct rf_record *r)
{
	rf_tell(s, RAINFOREST_EVENT_CHANGED, r);
}

int rf_netlink_init(void)
{
	return genl_register_family(&rainforest_nl_family);
}

void rf_netlink_exit(void)
{
	genl_unregister_family(&rainforest_nl_family);
}
