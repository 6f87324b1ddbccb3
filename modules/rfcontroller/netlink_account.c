// SPDX-License-Identifier: GPL-2.0
/* Accounts for the operator: Documentation/netlink/specs/rainforest.yaml */
#define pr_fmt(fmt) "rainforest: " fmt

#include "netlink.h"

int rf_nl_put_owned(struct sk_buff *skb, struct rf_subos *s)
{
	struct rf_integral cpu, mib;

	rf_account_read(s, &cpu, &mib);
	return rf_nl_put_u64(skb, RAINFOREST_A_SUBOS_CPU_SECONDS, cpu.whole) ?:
	       nla_put_u32(skb, RAINFOREST_A_SUBOS_CPU_REST, cpu.rest) ?:
	       rf_nl_put_u64(skb, RAINFOREST_A_SUBOS_MIB_SECONDS, mib.whole) ?:
	       nla_put_u32(skb, RAINFOREST_A_SUBOS_MIB_REST, mib.rest);
}

int rf_nl_put_config(struct sk_buff *skb, struct rf_subos *s)
{
	guard(mutex)(&s->account.lock);
	return s->account.config ? nla_put_string(skb, RAINFOREST_A_SUBOS_CONFIG,
						  s->account.config) : 0;
}

int rf_nl_put_record(struct sk_buff *skb, const struct rf_record *r)
{
	struct nlattr *nest = nla_nest_start(skb, RAINFOREST_A_SUBOS_RECORD);

	if (!nest || rf_nl_put_u64(skb, RAINFOREST_A_RECORD_SEQ, r->seq) ||
	    rf_nl_put_u64(skb, RAINFOREST_A_RECORD_TIME_NS, r->time_ns) ||
	    rf_nl_put_u64(skb, RAINFOREST_A_RECORD_DURATION_NS, r->duration_ns) ||
	    nla_put_u32(skb, RAINFOREST_A_RECORD_OP, r->op) ||
	    nla_put_s32(skb, RAINFOREST_A_RECORD_RESULT, r->result) ||
	    nla_put_string(skb, RAINFOREST_A_RECORD_CAUSE, r->cause) ||
	    nla_put_string(skb, RAINFOREST_A_RECORD_WHAT, r->what))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int rf_put_history(struct sk_buff *skb, struct rf_subos *s)
{
	const struct rf_account *a = &s->account;
	int err = 0;

	guard(mutex)(&s->account.lock);
	for (u64 i = a->nr - min_t(u64, a->nr, RF_RECORDS); i < a->nr && !err; i++)
		err = rf_nl_put_record(skb, &a->record[i % RF_RECORDS]);
	return err;
}

int rainforest_nl_history_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct nlattr *name = info->attrs[RAINFOREST_A_SUBOS_NAME];
	struct rf_subos *s = rf_nl_named(info);
	struct sk_buff *skb;
	void *hdr;
	int err;

	/* of one that is gone: as its last console */
	if (s == ERR_PTR(-ENOENT)) {
		s = rf_console_ghost(nla_data(name));
		if (!s)
			return -ENOENT;
	}
	if (IS_ERR(s))
		return PTR_ERR(s);
	skb = rf_nl_reply(info, &hdr, RF_SUBOS_MSG);
	err = skb ? rf_nl_send(skb, hdr, info, rf_nl_put_state(skb, s) ?:
			       rf_nl_put_owned(skb, s) ?: rf_put_history(skb, s)) : -ENOMEM;
	rf_subos_put(s);
	return err;
}
