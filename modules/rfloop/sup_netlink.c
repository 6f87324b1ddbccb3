// SPDX-License-Identifier: GPL-2.0
/* The operator's interface: Documentation/netlink/specs/rainforest-net.yaml */
#include <linux/capability.h>
#include <linux/ethtool.h>
#include <linux/slab.h>
#include <net/genetlink.h>

#include "genl.h"
#include "sup.h"

#define RF_RATE_MAX	1000000000000ULL	/* packets or bytes a second */

/* extack has room for few words, and keeps a pointer: so none that is made up here */
#define rf_refuse(info, err, text) \
	({ NL_SET_ERR_MSG((info)->extack, text); (err); })

int rf_net_admin_pre(const struct genl_split_ops *ops, struct sk_buff *skb,
		     struct genl_info *info)
{
	if (netlink_capable(skb, CAP_NET_ADMIN))
		return 0;
	return rf_refuse(info, -EPERM, "needs CAP_NET_ADMIN in the initial user namespace");
}

/* ---- get ---- */

static int rf_put_u64(struct sk_buff *skb, int type, u64 v)
{
	return nla_put(skb, type, sizeof(v), &v);
}

static int rf_put_address(struct sk_buff *skb, const struct rf_loop_address *a)
{
	char text[64];

	if (a->family == 4)
		snprintf(text, sizeof(text), "%pI4/%u", a->addr, a->prefix);
	else
		snprintf(text, sizeof(text), "%pI6c/%u", a->addr, a->prefix);
	return nla_put_string(skb, RAINFOREST_NET_A_NET_ADDRESS, text);
}

static int rf_put_addresses(struct sk_buff *skb, const struct rf_guest *g)
{
	const struct rf_loop_list *list = rf_list_get();
	int err = 0;

	for (u32 i = 0; i < list->nr_addresses && !err; i++)
		if (list->address[i].id == g->id)
			err = rf_put_address(skb, &list->address[i]);
	/* before it runs: what it is going to have */
	for (int i = 0; i < 2 && !g->here && !err; i++)
		if (g->wish[i].family)
			err = rf_put_address(skb, &g->wish[i]);
	return err;
}

static int rf_put_stats(struct sk_buff *skb, const struct rf_guest *g)
{
	const struct rf_slot *s;
	const struct rf_link *l;
	int err = 0;

	guard(rcu)();
	s = rf_slot_of(g->id);
	l = s ? rcu_dereference(s->link) : NULL;
	for (unsigned int i = 0; l && i < RF_LINK_STATS && !err; i++)
		err = nla_put_string(skb, RAINFOREST_NET_A_NET_STAT_NAME, rf_stat_names[i]) ?:
		      rf_put_u64(skb, RAINFOREST_NET_A_NET_STAT, ((const u64 *)&l->stats)[i]);
	return err;
}

static int rf_put_guest(struct sk_buff *skb, const struct rf_guest *g)
{
	return nla_put_string(skb, RAINFOREST_NET_A_NET_NAME, g->name) ?:
	       nla_put_u32(skb, RAINFOREST_NET_A_NET_ID, g->id) ?:
	       (g->here ? nla_put_flag(skb, RAINFOREST_NET_A_NET_HERE) : 0) ?:
	       (g->host[0] ? nla_put_string(skb, RAINFOREST_NET_A_NET_HOST, g->host) : 0) ?:
	       rf_put_addresses(skb, g) ?:
	       rf_put_u64(skb, RAINFOREST_NET_A_NET_PACKETS, g->packets) ?:
	       rf_put_u64(skb, RAINFOREST_NET_A_NET_BYTES, g->bytes) ?:
	       rf_put_stats(skb, g);
}

int rainforest_net_nl_net_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct rf_guest *g;
	long n = 0;

	guard(mutex)(&rf_guests_lock);
	list_for_each_entry(g, &rf_guests, node) {
		void *hdr;

		if (n++ < cb->args[0])
			continue;
		hdr = genlmsg_iput(skb, genl_info_dump(cb));
		if (!hdr)
			break;
		if (rf_put_guest(skb, g)) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
		cb->args[0] = n;
	}
	return skb->len;
}

/* ---- set ---- */

struct rf_wishes {
	struct rf_loop_address address[2];
	bool is_set[2];
};

/* Who is not in the supervisor's network is not reached by it */
static bool rf_in_network(const struct rf_loop_address *net, const struct rf_loop_address *a)
{
	unsigned int bytes = net->prefix / 8, bits = net->prefix % 8;

	return !memcmp(net->addr, a->addr, bytes) &&
	       (!bits || !((net->addr[bytes] ^ a->addr[bytes]) >> (8 - bits)));
}

static int rf_get_network(struct genl_info *info, const struct rf_guest *g, int six,
			  const struct rf_loop_address *a)
{
	const struct rf_guest *sup = rf_guest_of(0), *other;

	if (g != sup)
		return !sup->given[six].family || rf_in_network(&sup->given[six], a) ? 0 :
		       rf_refuse(info, -EADDRNOTAVAIL,
				 "not an address of the supervisor's network, which 'rfm net show supervisor' tells");
	list_for_each_entry(other, &rf_guests, node)
		if (other != sup && other->wish[six].family && !rf_in_network(a, &other->wish[six]))
			return rf_refuse(info, -EADDRNOTAVAIL,
					 "a subOS has an address that would be out of that network: give it another, or destroy it, first");
	return 0;
}

static int rf_get_addresses(struct genl_info *info, const struct rf_guest *g,
			    struct rf_wishes *wishes)
{
	struct nlattr *a;
	int rem;

	nlmsg_for_each_attr(a, info->nlhdr, GENL_HDRLEN, rem) {
		struct rf_loop_address addr;
		struct rf_guest *owner;
		char text[64];

		if (nla_type(a) != RAINFOREST_NET_A_NET_ADDRESS)
			continue;
		nla_strscpy(text, a, sizeof(text));
		if (rf_address_parse(text, &addr))
			return rf_refuse(info, -EINVAL,
					 "no address for a kernel: it is like 10.77.0.2/24");
		if (wishes->is_set[addr.family == 6])
			return rf_refuse(info, -EINVAL, "two addresses of one family");
		owner = rf_list_owner(&addr);
		if (owner && owner != g)
			return rf_refuse(info, -EADDRINUSE, "another kernel has that address");
		if (rf_get_network(info, g, addr.family == 6, &addr))
			return -EADDRNOTAVAIL;
		wishes->address[addr.family == 6] = addr;
		wishes->is_set[addr.family == 6] = true;
	}
	return 0;
}

static bool rf_host_fits(const char *host)
{
	if (!isalnum(host[0]))
		return false;
	for (; *host; host++)
		if (!isalnum(*host) && !strchr("-.", *host))
			return false;
	return true;
}

static int rf_get_rate(struct genl_info *info, int attr, u64 *rate)
{
	if (!info->attrs[attr])
		return 0;
	*rate = nla_get_u64(info->attrs[attr]);
	if (*rate > RF_RATE_MAX)
		return rf_refuse(info, -EINVAL, "a budget is 1 to 10^12 a second, or 0: none");
	return 0;
}

/* All is looked at before anything is changed */
int rainforest_net_nl_net_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct rf_event kick = { .type = RF_EVENT_KICK };
	struct nlattr *host = info->attrs[RAINFOREST_NET_A_NET_HOST];
	struct rf_wishes wishes = { };
	u64 packets, bytes;
	struct rf_guest *g;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, RAINFOREST_NET_A_NET_NAME))
		return rf_refuse(info, -EINVAL, "a name is missing");
	rf_event_flush();	/* a subOS that was just created is known then */
	guard(mutex)(&rf_guests_lock);
	g = rf_guest_named(nla_data(info->attrs[RAINFOREST_NET_A_NET_NAME]));
	if (!g)
		return rf_refuse(info, -ENOENT, "no subOS has that name");
	packets = g->packets;
	bytes = g->bytes;
	err = rf_get_addresses(info, g, &wishes) ?:
	      rf_get_rate(info, RAINFOREST_NET_A_NET_PACKETS, &packets) ?:
	      rf_get_rate(info, RAINFOREST_NET_A_NET_BYTES, &bytes);
	if (err)
		return err;
	if (host && !rf_host_fits(nla_data(host)))
		return rf_refuse(info, -EINVAL, "a host name has letters, digits, - and . only");
	if (host)
		strscpy(g->host, nla_data(host), sizeof(g->host));
	g->packets = packets;
	g->bytes = bytes;
	for (int i = 0; i < 2; i++)
		if (wishes.is_set[i])
			g->wish[i] = wishes.address[i];
	if (wishes.is_set[0] || wishes.is_set[1])
		rf_guest_config(g);
	/* their way out is by it, and automatic addresses are of its network */
	if (!g->id && (wishes.is_set[0] || wishes.is_set[1]))
		list_for_each_entry(g, &rf_guests, node)
			if (g->id)
				rf_guest_config(g);
	rf_list_dirty();
	return rf_event_put(&kick, GFP_KERNEL);
}

int rf_net_init(void)
{
	return genl_register_family(&rainforest_net_nl_family);
}

void rf_net_exit(void)
{
	genl_unregister_family(&rainforest_net_nl_family);
}
