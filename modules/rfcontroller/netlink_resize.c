// SPDX-License-Identifier: GPL-2.0
/* Resizing, as asked by netlink: Documentation/netlink/specs/rainforest.yaml */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "lease.h"
#include "netlink.h"
#include "resize.h"

struct rf_resize_request {
	struct rf_resize r;
	struct rf_report report;
	u32 add[RF_BOOT_MAX_CPUS], remove[RF_BOOT_MAX_CPUS];
};

static int rf_get_how(const struct nlattr *a, enum rainforest_how *how,
		      struct netlink_ext_ack *extack)
{
	u32 v = a ? nla_get_u32(a) : RAINFOREST_HOW_TARGET;

	if (v > RAINFOREST_HOW_REMOVE) {
		rf_msg(extack, "%u is no way to resize: target, add or remove", v);
		return -EINVAL;
	}
	*how = v;
	return 0;
}

static int rf_get_mem(struct nlattr *nest, struct rf_resize *r, struct netlink_ext_ack *extack)
{
	struct nlattr *tb[RAINFOREST_A_MEM_HOW + 1];
	struct rf_resize_mem *m = &r->mem[r->nr_mem];
	int err;

	if (r->nr_mem == ARRAY_SIZE(r->mem)) {
		rf_msg(extack, "more than %zu amounts of memory", ARRAY_SIZE(r->mem));
		return -EINVAL;
	}
	err = nla_parse_nested(tb, RAINFOREST_A_MEM_HOW, nest, rainforest_mem_nl_policy, extack);
	if (err)
		return err;
	if (!tb[RAINFOREST_A_MEM_SIZE]) {
		rf_msg(extack, "memory without a size");
		return -EINVAL;
	}
	m->size = nla_get_u64(tb[RAINFOREST_A_MEM_SIZE]);
	m->node = tb[RAINFOREST_A_MEM_NODE] ? rf_nl_get_node(tb[RAINFOREST_A_MEM_NODE]) :
					      NUMA_NO_NODE;
	r->nr_mem++;
	return rf_get_how(tb[RAINFOREST_A_MEM_HOW], &m->how, extack);
}

static int rf_get_cpu(struct nlattr *a, u32 *list, unsigned int *n, struct netlink_ext_ack *extack)
{
	if (*n == RF_BOOT_MAX_CPUS) {
		rf_msg(extack, "a subOS has at most %d CPUs", RF_BOOT_MAX_CPUS);
		return -EINVAL;
	}
	list[(*n)++] = nla_get_u32(a);
	return 0;
}

static int rf_get_resize(struct genl_info *info, struct rf_resize_request *q)
{
	struct nlattr **attrs = info->attrs, *a;
	struct rf_resize *r = &q->r;
	int err, rem;

	r->add = q->add;
	r->remove = q->remove;
	r->cpu_node = NUMA_NO_NODE;
	r->by_number = !attrs[RAINFOREST_A_SUBOS_NCPUS];
	if (!r->by_number)
		r->ncpus = nla_get_u32(attrs[RAINFOREST_A_SUBOS_NCPUS]);
	if (attrs[RAINFOREST_A_SUBOS_CPU_NODE])
		r->cpu_node = rf_nl_get_node(attrs[RAINFOREST_A_SUBOS_CPU_NODE]);
	if (attrs[RAINFOREST_A_SUBOS_TIMEOUT_MS]) {
		r->timeout_ms = nla_get_u32(attrs[RAINFOREST_A_SUBOS_TIMEOUT_MS]);
		if (!r->timeout_ms || r->timeout_ms > RF_RESIZE_MAX_MS) {
			rf_msg(info->extack, "answers are waited for 1 to %d ms", RF_RESIZE_MAX_MS);
			return -EINVAL;
		}
	}
	r->force = nla_get_flag(attrs[RAINFOREST_A_SUBOS_FORCE]);
	r->dry_run = nla_get_flag(attrs[RAINFOREST_A_SUBOS_DRY_RUN]);
	err = rf_get_how(attrs[RAINFOREST_A_SUBOS_NCPUS_HOW], &r->ncpus_how, info->extack);
	if (err)
		return err;
	nlmsg_for_each_attr(a, info->nlhdr, GENL_HDRLEN, rem) {
		switch (nla_type(a)) {
		case RAINFOREST_A_SUBOS_CPU_ADD:
			err = rf_get_cpu(a, r->add, &r->nr_add, info->extack);
			break;
		case RAINFOREST_A_SUBOS_CPU_REMOVE:
			err = rf_get_cpu(a, r->remove, &r->nr_remove, info->extack);
			break;
		case RAINFOREST_A_SUBOS_MEMORY:
			err = rf_get_mem(a, r, info->extack);
			break;
		}
		if (err)
			return err;
	}
	if (r->by_number && !r->nr_add && !r->nr_remove && !r->nr_mem) {
		rf_msg(info->extack, "neither CPUs nor memory: nothing to change");
		return -EINVAL;
	}
	if (r->ncpus > RF_BOOT_MAX_CPUS) {
		rf_msg(info->extack, "a subOS has 1 to %d CPUs", RF_BOOT_MAX_CPUS);
		return -EINVAL;
	}
	return 0;
}

int rainforest_nl_subos_resize_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct rf_resize_request *q __free(kfree) = kzalloc(sizeof(*q), GFP_KERNEL);
	struct sk_buff *reply __free(rf_skb) = rf_nl_reply(info, RF_SUBOS_MSG);
	bool preempt = nla_get_flag(info->attrs[RAINFOREST_A_SUBOS_PREEMPT]);
	struct rf_subos *s;
	int err;

	if (!q || !reply)
		return -ENOMEM;
	s = rf_nl_named(info);
	if (IS_ERR(s))
		return PTR_ERR(s);
	err = rf_get_resize(info, q);
	if (!err)
		err = preempt ? rf_subos_preempt(s, &q->r, &q->report, info->extack) :
				rf_subos_resize(s, &q->r, &q->report, info->extack);
	err = err ?: rf_nl_changed(no_free_ptr(reply), info, s, &q->report);
	rf_subos_put(s);
	return rf_nl_errno(err);
}

/* Move, or with a term, lend */
static int rf_nl_move(struct genl_info *info, bool lend)
{
	struct rf_resize_request *q __free(kfree) = kzalloc(sizeof(*q), GFP_KERNEL);
	struct sk_buff *reply __free(rf_skb) = rf_nl_reply(info, RF_SUBOS_MSG);
	struct nlattr *to_name = info->attrs[RAINFOREST_A_SUBOS_TO];
	struct nlattr *term = rf_nl_attr(info, RAINFOREST_A_SUBOS_TERM_MS);
	struct rf_subos *s, *to;
	int err;

	if (!q || !reply)
		return -ENOMEM;
	if (!to_name || (lend && !term)) {
		rf_msg(info->extack, to_name ? "for how long?" : "to which subOS?");
		return -EINVAL;
	}
	s = rf_nl_named(info);
	if (IS_ERR(s))
		return PTR_ERR(s);
	err = -ENOENT;
	to = rf_subos_find(nla_data(to_name));
	if (!to) {
		rf_msg(info->extack, "no subOS is named %s", (char *)nla_data(to_name));
		goto put;
	}
	err = rf_get_resize(info, q);
	if (!err)
		err = lend ? rf_subos_lend(s, to, &q->r, nla_get_u64(term), &q->report,
					   info->extack) :
			     rf_subos_move(s, to, &q->r, &q->report, info->extack);
	err = err ?: rf_nl_changed(no_free_ptr(reply), info, s, &q->report);
	rf_subos_put(to);
put:
	rf_subos_put(s);
	return rf_nl_errno(err);
}

int rainforest_nl_subos_move_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_nl_move(info, false);
}

int rainforest_nl_subos_lend_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_nl_move(info, true);
}

/* ---- leases ---- */

static int rf_put_lease(struct sk_buff *skb, const struct rf_lease *l)
{
	u64 now = ktime_get_boottime_ns();
	int err;

	err = nla_put_u32(skb, RAINFOREST_A_LEASE_ID, l->id) ?:
	      nla_put_string(skb, RAINFOREST_A_LEASE_FROM, l->from) ?:
	      nla_put_string(skb, RAINFOREST_A_LEASE_TO, l->to) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_LEASE_LEFT_MS,
			    l->end_ns > now ? div_u64(l->end_ns - now, NSEC_PER_MSEC) : 0) ?:
	      nla_put_u32(skb, RAINFOREST_A_LEASE_TRIES, l->tries);
	for (unsigned int i = 0; i < l->nr_cpus && !err; i++)
		err = nla_put_u32(skb, RAINFOREST_A_LEASE_CPU, l->cpu[i]);
	for (unsigned int i = 0; i < l->nr_mem && !err; i++) {
		struct nlattr *nest = nla_nest_start(skb, RAINFOREST_A_LEASE_MEMORY);

		if (!nest || rf_nl_put_u64(skb, RAINFOREST_A_MEM_SIZE, l->mem[i].size) ||
		    nla_put_u32(skb, RAINFOREST_A_MEM_NODE, l->mem[i].node))
			return -EMSGSIZE;
		nla_nest_end(skb, nest);
	}
	return err;
}

int rainforest_nl_lease_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rf_lease *l;

	guard(mutex)(&rf_lease_lock);
	list_for_each_entry(l, &rf_leases, node) {
		void *hdr;

		if (l->id <= cb->args[0])
			continue;
		hdr = genlmsg_iput(skb, genl_info_dump(cb));
		if (!hdr)
			break;
		if (rf_put_lease(skb, l)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		cb->args[0] = l->id;
	}
	return skb->len;
}

int rainforest_nl_lease_recall_doit(struct sk_buff *skb, struct genl_info *info)
{
	if (GENL_REQ_ATTR_CHECK(info, RAINFOREST_A_LEASE_ID)) {
		rf_msg(info->extack, "which lease?");
		return -EINVAL;
	}
	return rf_nl_errno(rf_lease_recall(nla_get_u32(info->attrs[RAINFOREST_A_LEASE_ID]),
					   info->extack));
}
