// SPDX-License-Identifier: GPL-2.0
/* The network between kernels: RFloop's interface, rainforest-net.yaml */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>
#include <linux/rainforest_net.h>
#include <netlink/genl/ctrl.h>
#include <netlink/msg.h>

#include "field.h"
#include "internal.h"

static struct nl_msg *net_request(struct rf *rf, int cmd, int flags, int *err)
{
	struct nl_msg *msg;
	int family;

	*err = rf_connect(rf);
	if (*err)
		return NULL;
	family = genl_ctrl_resolve(rf->sock, RAINFOREST_NET_FAMILY_NAME);
	if (family < 0) {
		*err = rf_error(rf, -EOPNOTSUPP,
				"the module rfloop is not loaded: modprobe rfloop");
		return NULL;
	}
	msg = rf_request_of(rf, family, RAINFOREST_NET_FAMILY_VERSION, cmd, flags);
	*err = msg ? 0 : -ENOMEM;
	return msg;
}

static const struct rf_field net_fields[] = {
	RF_TEXT(RAINFOREST_NET_A_NET_NAME, struct rf_net, name),
	RF_TEXT(RAINFOREST_NET_A_NET_HOST, struct rf_net, host),
	RF_NUMBER(RAINFOREST_NET_A_NET_ID, struct rf_net, id),
	RF_GIVEN(RAINFOREST_NET_A_NET_HERE, struct rf_net, here),
	RF_STRINGS(RAINFOREST_NET_A_NET_ADDRESS, struct rf_net, address, nr_addresses),
	RF_NUMBER(RAINFOREST_NET_A_NET_PACKETS, struct rf_net, packets),
	RF_NUMBER(RAINFOREST_NET_A_NET_BYTES, struct rf_net, bytes),
	RF_STRINGS(RAINFOREST_NET_A_NET_STAT_NAME, struct rf_net, stat_name, nr_names),
	RF_NUMBERS(RAINFOREST_NET_A_NET_STAT, struct rf_net, stat, nr_stats),
};

static int collect(struct nlattr *attrs, int len, void *arg)
{
	static const struct rf_table table = RF_TABLE(net_fields);
	struct rf_collect *c = arg;
	struct rf_net *list = rf_grow(c->array, c->n, sizeof(*list));

	if (!list)
		return -ENOMEM;
	c->array = list;
	memset(&list[c->n], 0, sizeof(*list));
	return rf_fields_decode(&table, attrs, len, &list[c->n++]);
}

/**
 * rf_nets_free() - free what rf_nets_get() made
 * @list: the array, or NULL
 * @n: its length
 */
void rf_nets_free(struct rf_net *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < list[i].nr_addresses; j++)
			free(list[i].address[j]);
		for (size_t j = 0; j < list[i].nr_names; j++)
			free(list[i].stat_name[j]);
		free(list[i].address);
		free(list[i].stat_name);
		free(list[i].stat);
	}
	free(list);
}

/**
 * rf_nets_get() - every kernel of the machine, with its addresses
 * @rf: the handle
 * @list: where the array is put, for rf_nets_free()
 * @n: its length
 *
 * Return: 0; -EOPNOTSUPP (no rfloop), or -errno; on failure there is nothing to free.
 */
int rf_nets_get(struct rf *rf, struct rf_net **list, size_t *n)
{
	struct rf_collect c = { 0 };
	struct nl_msg *msg;
	int ret;

	msg = net_request(rf, RAINFOREST_NET_CMD_NET_GET, NLM_F_DUMP, &ret);
	if (!msg)
		return ret;
	ret = rf_exchange(rf, msg, collect, &c);
	if (ret) {
		rf_nets_free(c.array, c.n);
		return ret;
	}
	*list = c.array;
	*n = c.n;
	return 0;
}

/**
 * rf_net_set() - what a kernel is called, and what it may send
 * @rf: the handle
 * @set: what is to change
 *
 * Return: 0; -EOPNOTSUPP (no rfloop), -ENOENT, -EADDRINUSE, -EINVAL, -EPERM.
 */
int rf_net_set(struct rf *rf, const struct rf_net_set *set)
{
	struct nl_msg *msg;
	int ret;

	msg = net_request(rf, RAINFOREST_NET_CMD_NET_SET, 0, &ret);
	if (!msg)
		return ret;
	nla_put_string(msg, RAINFOREST_NET_A_NET_NAME, set->name);
	if (set->host)
		nla_put_string(msg, RAINFOREST_NET_A_NET_HOST, set->host);
	for (size_t i = 0; i < set->nr_ips; i++)
		nla_put_string(msg, RAINFOREST_NET_A_NET_ADDRESS, set->ip[i]);
	if (set->has_packets)
		nla_put_u64(msg, RAINFOREST_NET_A_NET_PACKETS, set->packets);
	if (set->has_bytes)
		nla_put_u64(msg, RAINFOREST_NET_A_NET_BYTES, set->bytes);
	return rf_exchange(rf, msg, NULL, NULL);
}
