// SPDX-License-Identifier: GPL-2.0
/* Channels for the operator: Documentation/netlink/specs/rainforest.yaml */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/ktime.h>
#include <linux/sched/signal.h>

#include "channels.h"
#include "netlink.h"

#define RF_PINGS_A_REQUEST	1000
#define RF_PING_MS		1000	/* generic netlink holds a lock of all families */

static int rf_put_stats(struct sk_buff *skb, struct rf_ficm_channel *ch)
{
	static const int refused[RF_REFUSED_REASONS] = {
		[RF_REFUSED_SEQUENCE]	= RAINFOREST_A_CHANNEL_REFUSED_SEQUENCE,
		[RF_REFUSED_BOUNDS]	= RAINFOREST_A_CHANNEL_REFUSED_BOUNDS,
		[RF_REFUSED_SERVICE]	= RAINFOREST_A_CHANNEL_REFUSED_SERVICE,
		[RF_REFUSED_TAIL]	= RAINFOREST_A_CHANNEL_REFUSED_TAIL,
		[RF_REFUSED_BELL]	= RAINFOREST_A_CHANNEL_REFUSED_BELL,
		[RF_REFUSED_CONTENT]	= RAINFOREST_A_CHANNEL_REFUSED_CONTENT,
	};
	struct rf_ficm_stats st;
	int err;

	rf_ficm_stats_get(ch, &st);
	err = rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_SENT, st.sent) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_RECEIVED, st.received) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_IRQ, st.irq) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_FULL, st.full) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_RINGS, st.rings) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_ROOM_RINGS, st.room_rings) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_THROTTLED, st.throttled) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_DROPPED, st.dropped) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_LATE, st.late);
	for (unsigned int i = 0; i < RF_REFUSED_REASONS && !err; i++)
		err = rf_nl_put_u64(skb, refused[i], st.refused[i]);
	return err;
}

static int rf_put_link(struct sk_buff *skb, struct rf_link *l)
{
	bool own = !l->end[0].id;
	int err;

	/* the subOS is the name; of two, the first */
	err = nla_put_string(skb, RAINFOREST_A_CHANNEL_NAME, l->end[own ? 1 : 0].name) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_GENERATION, l->generation) ?:
	      nla_put_u32(skb, RAINFOREST_A_CHANNEL_SLOTS, 1U << RF_MSG_ORDER) ?:
	      nla_put_u32(skb, RAINFOREST_A_CHANNEL_STATE,
			  l->end[0].state == RF_END_TOLD || l->end[1].state == RF_END_TOLD ?
			  RF_END_TOLD : max(l->end[0].state, l->end[1].state));
	if (err || own)
		return err ?: l->ch ? rf_put_stats(skb, l->ch) : 0;
	return nla_put_string(skb, RAINFOREST_A_CHANNEL_PEER, l->end[1].name) ?:
	       rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_SENT, READ_ONCE(l->ring[0]->head)) ?:
	       rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_RECEIVED, READ_ONCE(l->ring[1]->head));
}

int rainforest_nl_channel_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct rf_link *l;
	long n = 0;

	guard(mutex)(&rf_links_lock);
	list_for_each_entry(l, &rf_links, node) {
		void *hdr;

		if (n++ < cb->args[0] || l->pages)
			continue;
		hdr = genlmsg_iput(skb, genl_info_dump(cb));
		if (!hdr)
			break;
		if (rf_put_link(skb, l)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		cb->args[0] = n;
	}
	return skb->len;
}

/* ---- between two subOSes ---- */

static struct rf_subos *rf_channel_end(struct genl_info *info, int attr)
{
	struct rf_subos *s;

	if (!info->attrs[attr]) {
		rf_msg(info->extack, attr == RAINFOREST_A_CHANNEL_NAME ? "a name is missing" :
		       "the second name is missing");
		return ERR_PTR(-EINVAL);
	}
	s = rf_subos_find(nla_data(info->attrs[attr]));
	if (!s) {
		rf_msg(info->extack, "no subOS is named %s", (char *)nla_data(info->attrs[attr]));
		return ERR_PTR(-ENOENT);
	}
	return s;
}

static int rf_channel_both(struct genl_info *info,
			   int (*act)(struct rf_subos *a, struct rf_subos *b,
				      struct netlink_ext_ack *extack))
{
	struct rf_subos *a = rf_channel_end(info, RAINFOREST_A_CHANNEL_NAME), *b;
	int err;

	if (IS_ERR(a))
		return PTR_ERR(a);
	b = rf_channel_end(info, RAINFOREST_A_CHANNEL_PEER);
	err = PTR_ERR_OR_ZERO(b);
	if (!err) {
		err = act(a, b, info->extack);
		rf_subos_put(b);
	}
	rf_subos_put(a);
	return rf_nl_errno(err);
}

int rainforest_nl_channel_connect_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_channel_both(info, rf_channel_connect);
}

int rainforest_nl_channel_disconnect_doit(struct sk_buff *skb, struct genl_info *info)
{
	return rf_channel_both(info, rf_channel_disconnect);
}

/* ---- ping ---- */

static int rf_put_pings(struct sk_buff *skb, struct genl_info *info, struct rf_ficm_channel *ch)
{
	struct nlattr *n = info->attrs[RAINFOREST_A_CHANNEL_COUNT];
	struct nlattr *ms = info->attrs[RAINFOREST_A_CHANNEL_TIMEOUT_MS];
	u32 count = min(n ? nla_get_u32(n) : 1U, (u32)RF_PINGS_A_REQUEST);
	u32 timeout = clamp(ms ? nla_get_u32(ms) : RF_PING_MS, 1U, (u32)RF_PING_MS);
	ktime_t end = ktime_add_ms(ktime_get(), RF_PING_MS);
	int err = nla_put_string(skb, RAINFOREST_A_CHANNEL_NAME, rf_ficm_name(ch));

	for (u32 i = 0; i < count && !err; i++) {
		u64 ns;

		err = rf_ficm_ping(ch, timeout,
				   nla_get_flag(info->attrs[RAINFOREST_A_CHANNEL_POLL]), &ns);
		if (err == -ETIMEDOUT) {
			ns = U64_MAX;
			err = 0;
		}
		if (err == -ECONNRESET) {
			rf_msg(info->extack, "%s stopped", rf_ficm_name(ch));
			err = -EHOSTDOWN;
		}
		err = err ?: rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_RTT_NS, ns);
		if (ktime_after(ktime_get(), end) || fatal_signal_pending(current))
			break;
	}
	return err;
}

int rainforest_nl_channel_ping_doit(struct sk_buff *req, struct genl_info *info)
{
	struct rf_subos *s = rf_channel_end(info, RAINFOREST_A_CHANNEL_NAME);
	struct rf_ficm_channel *ch;
	struct sk_buff *skb;
	int err;

	if (IS_ERR(s))
		return PTR_ERR(s);
	ch = rf_channel_get(s);
	if (!ch) {
		rf_msg(info->extack, "%s does not run (%s)", s->name, rf_state_names[s->state]);
		err = -EHOSTDOWN;
		goto out;
	}
	skb = rf_nl_reply(info, RF_SUBOS_MSG);
	err = skb ? rf_nl_send(skb, info, rf_put_pings(skb, info, ch)) : -ENOMEM;
out:
	rf_ficm_put(ch);
	rf_subos_put(s);
	return err;
}

/* ---- the communication core ---- */

static u32 rf_get_or_keep(struct genl_info *info, int attr)
{
	return info->attrs[attr] ? nla_get_u32(info->attrs[attr]) : RF_TUNE_KEEP;
}

int rainforest_nl_channel_tune_doit(struct sk_buff *req, struct genl_info *info)
{
	struct rf_tune t = {
		.cpu = rf_get_or_keep(info, RAINFOREST_A_CHANNEL_CORE),
		.priority = rf_get_or_keep(info, RAINFOREST_A_CHANNEL_PRIORITY),
		.poll_us = rf_get_or_keep(info, RAINFOREST_A_CHANNEL_POLL_US),
	};
	struct rf_subos *s = NULL;
	struct sk_buff *skb;
	int err;

	if (info->attrs[RAINFOREST_A_CHANNEL_NAME]) {
		s = rf_channel_end(info, RAINFOREST_A_CHANNEL_NAME);
		if (IS_ERR(s))
			return PTR_ERR(s);
	}
	skb = rf_nl_reply(info, NLMSG_GOODSIZE);
	err = skb ? rf_tune(s, &t, info->extack) : -ENOMEM;
	if (s)
		rf_subos_put(s);
	if (!skb)
		return err;
	err = err ?: nla_put_u32(skb, RAINFOREST_A_CHANNEL_CORE, t.cpu) ?:
	      nla_put_u32(skb, RAINFOREST_A_CHANNEL_PRIORITY, t.priority) ?:
	      nla_put_u32(skb, RAINFOREST_A_CHANNEL_POLL_US, t.poll_us) ?:
	      rf_nl_put_u64(skb, RAINFOREST_A_CHANNEL_MOVES, t.moves);
	return rf_nl_send(skb, info, err);
}
