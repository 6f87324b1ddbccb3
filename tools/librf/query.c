// SPDX-License-Identifier: GPL-2.0
/* Questions. They change nothing and need no rights. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netlink.h>
#include <linux/rainforest.h>

#include "internal.h"

static int collect_one(struct nlattr *attrs, int len, void *arg)
{
	struct rf_collect *c = arg;
	void *array = rf_grow(c->array, c->n, c->size);
	char *element;

	if (!array)
		return -ENOMEM;
	c->array = array;
	element = (char *)array + c->n++ * c->size;
	memset(element, 0, c->size);
	return c->decode(attrs, len, element);
}

int rf_dump(struct rf *rf, int cmd, struct rf_collect *c)
{
	struct nl_msg *msg = rf_request(rf, cmd, NLM_F_DUMP);

	if (!msg)
		return rf_connect(rf) ?: -ENOMEM;
	return rf_exchange(rf, msg, collect_one, c);
}

/**
 * rf_info_get() - what this supervisor is and can do
 * @rf: the handle
 * @info: filled in
 *
 * Return: 0, -EOPNOTSUPP without the module.
 */
int rf_info_get(struct rf *rf, struct rf_info *info)
{
	struct nl_msg *msg = rf_request(rf, RAINFOREST_CMD_INFO_GET, 0);

	memset(info, 0, sizeof(*info));
	if (!msg)
		return rf_connect(rf) ?: -ENOMEM;
	return rf_exchange(rf, msg, rf_decode_info, info);
}

static int by_cpu(const void *a, const void *b)
{
	const struct rf_cpu *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/**
 * rf_cpus_get() - every present CPU, by rising id
 * @rf: the handle
 * @list: where the array is put; free it with rf_cpus_free()
 * @n: its length
 *
 * Return: 0 or -errno; on failure there is nothing to free.
 */
int rf_cpus_get(struct rf *rf, struct rf_cpu **list, size_t *n)
{
	struct rf_collect c = { .size = sizeof(**list), .decode = rf_decode_cpu };
	int ret = rf_dump(rf, RAINFOREST_CMD_CPU_GET, &c);

	if (ret) {
		rf_cpus_free(c.array, c.n);
		return ret;
	}
	if (c.n)
		qsort(c.array, c.n, c.size, by_cpu);
	*list = c.array;
	*n = c.n;
	return 0;
}

/**
 * rf_nodes_get() - every NUMA node
 * @rf: the handle
 * @list: where the array is put; free it with rf_nodes_free()
 * @n: its length
 *
 * Return: 0 or -errno; on failure there is nothing to free.
 */
int rf_nodes_get(struct rf *rf, struct rf_node **list, size_t *n)
{
	struct rf_collect c = { .size = sizeof(**list), .decode = rf_decode_node };
	int ret = rf_dump(rf, RAINFOREST_CMD_NODE_GET, &c);

	if (ret) {
		rf_nodes_free(c.array, c.n);
		return ret;
	}
	*list = c.array;
	*n = c.n;
	return 0;
}

static int get_named(struct rf *rf, int cmd, const char *name, struct rf_subos *s)
{
	struct nl_msg *msg = rf_request(rf, cmd, 0);
	int ret;

	memset(s, 0, sizeof(*s));
	if (!msg)
		return rf_connect(rf) ?: -ENOMEM;
	nla_put_string(msg, RAINFOREST_A_SUBOS_NAME, name);
	ret = rf_exchange(rf, msg, rf_decode_subos, s);
	if (ret)
		rf_subos_clear(s);
	return ret;
}

/**
 * rf_subos_get() - one subOS by its name
 * @rf: the handle
 * @name: its name
 * @s: filled in; free its parts with rf_subos_clear()
 *
 * Return: 0, -ENOENT when there is none of that name.
 */
int rf_subos_get(struct rf *rf, const char *name, struct rf_subos *s)
{
	return get_named(rf, RAINFOREST_CMD_SUBOS_GET, name, s);
}

/**
 * rf_subos_list() - all subOSes
 * @rf: the handle
 * @list: where the array is put; free it with rf_subos_free()
 * @n: its length
 *
 * Return: 0 or -errno; on failure there is nothing to free.
 */
int rf_subos_list(struct rf *rf, struct rf_subos **list, size_t *n)
{
	struct rf_collect c = { .size = sizeof(**list), .decode = rf_decode_subos };
	int ret = rf_dump(rf, RAINFOREST_CMD_SUBOS_GET, &c);

	if (ret) {
		rf_subos_free(c.array, c.n);
		return ret;
	}
	*list = c.array;
	*n = c.n;
	return 0;
}

/**
 * rf_quarantine_list() - what is kept back because it is not proven free
 * @rf: the handle
 * @list: where the array is put; free it with rf_quarantine_free()
 * @n: its length
 *
 * Return: 0 or -errno; on failure there is nothing to free.
 */
int rf_quarantine_list(struct rf *rf, struct rf_quarantine **list, size_t *n)
{
	struct rf_collect c = { .size = sizeof(**list), .decode = rf_decode_quarantine };
	int ret = rf_dump(rf, RAINFOREST_CMD_QUARANTINE_GET, &c);

	if (ret) {
		rf_quarantine_free(c.array, c.n);
		return ret;
	}
	*list = c.array;
	*n = c.n;
	return 0;
}

/**
 * rf_history_get() - the adjustments of a subOS, and what it has owned
 * @rf: the handle
 * @name: its name; of one that is gone, the last of that name
 * @s: id, name, state, record, owned; free its parts with rf_subos_clear()
 *
 * Return: 0, -ENOENT when none of that name is there or remembered.
 */
int rf_history_get(struct rf *rf, const char *name, struct rf_subos *s)
{
	return get_named(rf, RAINFOREST_CMD_HISTORY_GET, name, s);
}

/**
 * rf_stat_get() - what a subOS measures of itself
 * @rf: the handle
 * @name: its name
 * @st: filled in; free its parts with rf_stat_clear()
 *
 * Return: 0; -ENOENT, -EINVAL: it has not been started, -EAGAIN: nothing is
 * measured yet.
 */
int rf_stat_get(struct rf *rf, const char *name, struct rf_stat *st)
{
	struct nl_msg *msg = rf_request(rf, RAINFOREST_CMD_STAT_GET, 0);
	int ret;

	memset(st, 0, sizeof(*st));
	if (!msg)
		return rf_connect(rf) ?: -ENOMEM;
	nla_put_string(msg, RAINFOREST_A_STAT_NAME, name);
	ret = rf_exchange(rf, msg, rf_decode_stat, st);
	if (ret)
		rf_stat_clear(st);
	return ret;
}

/**
 * rf_leases_get() - what subOSes lent each other
 * @rf: the handle
 * @list: where the array is put; free it with rf_leases_free()
 * @n: its length
 *
 * Return: 0 or -errno; on failure there is nothing to free.
 */
int rf_leases_get(struct rf *rf, struct rf_lease **list, size_t *n)
{
	struct rf_collect c = { .size = sizeof(**list), .decode = rf_decode_lease };
	int ret = rf_dump(rf, RAINFOREST_CMD_LEASE_GET, &c);

	if (ret) {
		rf_leases_free(c.array, c.n);
		return ret;
	}
	*list = c.array;
	*n = c.n;
	return 0;
}
