// SPDX-License-Identifier: GPL-2.0
/* Accounts for the operator: Documentation/netlink/specs/rainforest.yaml */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/slab.h>

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
	int err;

	/* of one that is gone: as its last console */
	if (s == ERR_PTR(-ENOENT)) {
		s = rf_console_ghost(nla_data(name));
		if (!s)
			return -ENOENT;
	}
	if (IS_ERR(s))
		return PTR_ERR(s);
	skb = rf_nl_reply(info, RF_SUBOS_MSG);
	err = skb ? rf_nl_send(skb, info, rf_nl_put_state(skb, s) ?:
			       rf_nl_put_owned(skb, s) ?: rf_put_history(skb, s)) : -ENOMEM;
	rf_subos_put(s);
	return err;
}

/* ---- what it measures ---- */

/* The supervisor's number of a CPU that it owns; -1: it is none of its */
static int rf_cpu_of(const struct rf_subos *s, u32 apicid)
{
	lockdep_assert_held(&rf_list_lock);
	for (unsigned int i = 0; i < s->res.nr_cpus; i++)
		if (s->res.cpus[i].apicid == apicid)
			return s->res.cpus[i].cpu;
	return -1;
}

static int rf_put_stat_cpu(struct sk_buff *skb, u32 cpu, const struct rf_stat_cpu *c)
{
	const struct {
		int type;
		u64 v;
	} all[] = {
		{ RAINFOREST_A_STAT_CPU_USER_NS, c->user_ns },
		{ RAINFOREST_A_STAT_CPU_SYSTEM_NS, c->system_ns },
		{ RAINFOREST_A_STAT_CPU_IRQ_NS, c->irq_ns },
		{ RAINFOREST_A_STAT_CPU_IDLE_NS, c->idle_ns },
		{ RAINFOREST_A_STAT_CPU_TIMER, c->timer },
		{ RAINFOREST_A_STAT_CPU_RESCHED, c->resched },
		{ RAINFOREST_A_STAT_CPU_CALL, c->call },
		{ RAINFOREST_A_STAT_CPU_DOORBELL, c->doorbell },
		{ RAINFOREST_A_STAT_CPU_DEVICE, c->device },
		/* the rest with counters only */
		{ RAINFOREST_A_STAT_CPU_CYCLES, c->cycles },
		{ RAINFOREST_A_STAT_CPU_INSTRUCTIONS, c->instructions },
		{ RAINFOREST_A_STAT_CPU_CACHE_REFS, c->cache_refs },
		{ RAINFOREST_A_STAT_CPU_CACHE_MISSES, c->cache_misses },
	};
	unsigned int n = ARRAY_SIZE(all) - (c->flags & RF_STAT_COUNTERS ? 0 : 4);
	struct nlattr *nest = nla_nest_start(skb, RAINFOREST_A_STAT_CPU);

	if (!nest || nla_put_u32(skb, RAINFOREST_A_STAT_CPU_ID, cpu))
		return -EMSGSIZE;
	for (unsigned int i = 0; i < n; i++)
		if (rf_nl_put_u64(skb, all[i].type, all[i].v))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int rf_put_stat(struct sk_buff *skb, struct rf_subos *s, const struct rf_stat *st)
{
	int err;

	err = nla_put_string(skb, RAINFOREST_A_STAT_NAME, s->name) ?:
	      nla_put_u32(skb, RAINFOREST_A_STAT_STATE, s->state) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_STAT_AGE_NS, rf_stat_age(st)) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_STAT_UPTIME_NS, st->uptime_ns) ?:
	      nla_put_u32(skb, RAINFOREST_A_STAT_LOAD1, st->load_milli[0]) ?:
	      nla_put_u32(skb, RAINFOREST_A_STAT_LOAD5, st->load_milli[1]) ?:
	      nla_put_u32(skb, RAINFOREST_A_STAT_LOAD15, st->load_milli[2]) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_STAT_MEM_TOTAL, st->mem_total) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_STAT_MEM_FREE, st->mem_free) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_STAT_MEM_AVAILABLE, st->mem_available) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_STAT_MEM_SHARED, st->mem_shared);
	guard(mutex)(&rf_list_lock);	/* what it owns */
	for (unsigned int i = 0; i < st->nr_cpus && !err; i++) {
		int cpu = rf_cpu_of(s, st->cpu[i].apicid);

		if (cpu >= 0)
			err = rf_put_stat_cpu(skb, cpu, &st->cpu[i]);
	}
	return err;
}

int rainforest_nl_stat_get_doit(struct sk_buff *req, struct genl_info *info)
{
	struct rf_subos *s;
	struct sk_buff *skb;
	struct rf_stat *st;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, RAINFOREST_A_STAT_NAME)) {
		rf_msg(info->extack, "a name is missing");
		return -EINVAL;
	}
	s = rf_subos_find(nla_data(info->attrs[RAINFOREST_A_STAT_NAME]));
	if (!s) {
		rf_msg(info->extack, "no subOS is named %s",
		       (char *)nla_data(info->attrs[RAINFOREST_A_STAT_NAME]));
		return -ENOENT;
	}
	st = kvmalloc(sizeof(*st), GFP_KERNEL);
	if (!st) {
		err = -ENOMEM;
		goto out;
	}
	mutex_lock(&s->drain);
	err = rf_stat_read(s, st, info->extack);
	mutex_unlock(&s->drain);
	if (err)
		goto out;
	skb = rf_nl_reply(info, RF_SUBOS_MSG);
	err = skb ? rf_nl_send(skb, info, rf_put_stat(skb, s, st)) : -ENOMEM;
out:
	kvfree(st);
	rf_subos_put(s);
	return err;
}
