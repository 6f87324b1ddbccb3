// SPDX-License-Identifier: GPL-2.0
/* Resizing subOSes while they run. */
#include <errno.h>
#include <string.h>

#include <linux/rainforest.h>
#include <netlink/msg.h>

#include "internal.h"

static int put_amount(struct nl_msg *msg, const struct rf_amount *a)
{
	struct nlattr *nest = nla_nest_start(msg, RAINFOREST_A_SUBOS_MEMORY | NLA_F_NESTED);

	if (!nest || nla_put_u64(msg, RAINFOREST_A_MEM_SIZE, a->mem.size) ||
	    nla_put_u32(msg, RAINFOREST_A_MEM_HOW, a->how))
		return -EMSGSIZE;
	if (a->mem.node != RF_NO_NODE && nla_put_u32(msg, RAINFOREST_A_MEM_NODE, a->mem.node))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

static int put_resize(struct nl_msg *msg, const struct rf_resize *z)
{
	int ret = 0;

	if (z->to)
		ret = nla_put_string(msg, RAINFOREST_A_SUBOS_TO, z->to);
	for (size_t i = 0; !ret && i < z->nr_add; i++)
		ret = nla_put_u32(msg, RAINFOREST_A_SUBOS_CPU_ADD, z->add[i]);
	for (size_t i = 0; !ret && i < z->nr_remove; i++)
		ret = nla_put_u32(msg, RAINFOREST_A_SUBOS_CPU_REMOVE, z->remove[i]);
	if (!ret && z->count)
		ret = nla_put_u32(msg, RAINFOREST_A_SUBOS_NCPUS, z->ncpus);
	/* what moves from one to another has none */
	if (!ret && z->count && z->how != RAINFOREST_HOW_TARGET)
		ret = nla_put_u32(msg, RAINFOREST_A_SUBOS_NCPUS_HOW, z->how);
	if (!ret && z->cpu_node != RF_NO_NODE)
		ret = nla_put_u32(msg, RAINFOREST_A_SUBOS_CPU_NODE, z->cpu_node);
	for (size_t i = 0; !ret && i < z->nr_mems; i++)
		ret = put_amount(msg, &z->mem[i]);
	if (!ret && z->timeout_ms >= 0)
		ret = nla_put_u32(msg, RAINFOREST_A_SUBOS_TIMEOUT_MS,
				  z->timeout_ms > UINT32_MAX ? UINT32_MAX : z->timeout_ms);
	if (!ret && z->term_ms)
		ret = nla_put_u64(msg, RAINFOREST_A_SUBOS_TERM_MS, z->term_ms);
	if (!ret && z->preempt)
		ret = nla_put_flag(msg, RAINFOREST_A_SUBOS_PREEMPT);
	if (!ret && z->force)
		ret = nla_put_flag(msg, RAINFOREST_A_SUBOS_FORCE);
	return ret;
}

static int resize(struct rf *rf, int cmd, const struct rf_resize *z, struct rf_subos *reply)
{
	struct nl_msg *msg = rf_named(rf, cmd, z->name, z->dry_run);

	if (msg && put_resize(msg, z)) {
		nlmsg_free(msg);
		memset(reply, 0, sizeof(*reply));
		return rf_error(rf, -ERANGE, "more CPUs or memory words than a request holds");
	}
	return rf_change(rf, msg, reply);
}

/**
 * rf_resize() - add or remove CPUs and memory of a running subOS
 * @rf: the handle
 * @z: what; to is not used
 * @reply: what it has now; rf_subos_clear() it
 *
 * Return: 0; -EUCLEAN: a part was done, the sentence says which; otherwise
 * nothing was: -ENOENT, -EINVAL, -ENXIO (CPU), -ENODEV (node), -EOPNOTSUPP (not
 * running, or can't), -EBUSY (in use there), -ENOSPC, -ENOMEM, -EHOSTDOWN (it
 * crashed), -EINTR; -ETIMEDOUT: it gave no answer yet, see pending.
 */
int rf_resize(struct rf *rf, const struct rf_resize *z, struct rf_subos *reply)
{
	return resize(rf, RAINFOREST_CMD_SUBOS_RESIZE, z, reply);
}

/**
 * rf_move() - CPUs or memory of a running subOS to another one
 * @rf: the handle
 * @z: remove, or ncpus, and mem are what shall move; @z->to gets it
 * @reply: what the giver has then; rf_subos_clear() it
 *
 * Return: as rf_resize().
 */
int rf_move(struct rf *rf, const struct rf_resize *z, struct rf_subos *reply)
{
	return resize(rf, RAINFOREST_CMD_SUBOS_MOVE, z, reply);
}

/**
 * rf_lend() - as rf_move(), for a term
 * @rf: the handle
 * @z: as for rf_move(), and term_ms, at least 1
 * @reply: what the lender has then; rf_subos_clear() it
 *
 * Return: as rf_resize().
 */
int rf_lend(struct rf *rf, const struct rf_resize *z, struct rf_subos *reply)
{
	return resize(rf, RAINFOREST_CMD_SUBOS_LEND, z, reply);
}

/**
 * rf_lease_recall() - end a lease before its term
 * @rf: the handle
 * @id: of the lease
 *
 * Return: 0: it is on its way back; -ENOENT.
 */
int rf_lease_recall(struct rf *rf, uint32_t id)
{
	struct nl_msg *msg = rf_request(rf, RAINFOREST_CMD_LEASE_RECALL, 0);

	if (!msg)
		return rf_connect(rf) ?: -ENOMEM;
	nla_put_u32(msg, RAINFOREST_A_LEASE_ID, id);
	return rf_exchange(rf, msg, NULL, NULL);
}
