// SPDX-License-Identifier: GPL-2.0
/* Changes. Each is a transaction of the kernel's: done, or undone and refused. */
#include <errno.h>
#include <string.h>

#include <linux/rainforest.h>
#include <netlink/msg.h>

#include "internal.h"

/*
 * A request that names a subOS. Its attributes go on a message that is large
 * enough by construction; the kernel checks the rest.
 */
struct nl_msg *rf_named(struct rf *rf, int cmd, const char *name, bool dry_run)
{
	struct nl_msg *msg = rf_request(rf, cmd, 0);

	if (!msg)
		return NULL;
	if (name)
		nla_put_string(msg, RAINFOREST_A_SUBOS_NAME, name);
	if (dry_run)
		nla_put_flag(msg, RAINFOREST_A_SUBOS_DRY_RUN);
	return msg;
}

int rf_change(struct rf *rf, struct nl_msg *msg, struct rf_subos *reply)
{
	int ret;

	memset(reply, 0, sizeof(*reply));
	if (!msg)
		return rf_connect(rf) ?: -ENOMEM;
	ret = rf_exchange(rf, msg, rf_decode_subos, reply);
	/* partly done: what the kernel told is still worth showing */
	if (ret && ret != -EUCLEAN)
		rf_subos_clear(reply);
	return ret;
}

static int put_mem(struct nl_msg *msg, const struct rf_mem *mem, bool exact)
{
	struct nlattr *nest = nla_nest_start(msg, RAINFOREST_A_SUBOS_MEMORY | NLA_F_NESTED);

	if (!nest || nla_put_u64(msg, RAINFOREST_A_MEM_SIZE, mem->size))
		return -EMSGSIZE;
	if (mem->node != RF_NO_NODE && nla_put_u32(msg, RAINFOREST_A_MEM_NODE, mem->node))
		return -EMSGSIZE;
	if (exact && nla_put_flag(msg, RAINFOREST_A_MEM_EXACT))
		return -EMSGSIZE;
	nla_nest_end(msg, nest);
	return 0;
}

/**
 * rf_create() - reserve CPUs and memory under a name
 * @rf: the handle
 * @c: what to reserve
 * @reply: what was, or with dry_run would be, taken; rf_subos_clear() it
 *
 * Return: 0; -EINVAL, -EPERM, -EOPNOTSUPP, -ENXIO (CPU), -ENODEV (node),
 * -EEXIST, -EBUSY, -ENOSPC, -ENOMEM, -EINTR (undone). On failure @reply is empty.
 */
int rf_create(struct rf *rf, const struct rf_create *c, struct rf_subos *reply)
{
	struct nl_msg *msg = rf_named(rf, RAINFOREST_CMD_SUBOS_CREATE, c->name, c->dry_run);
	int ret = 0;

	for (size_t i = 0; msg && !ret && i < c->nr_cpus; i++)
		ret = nla_put_u32(msg, RAINFOREST_A_SUBOS_CPU, c->cpu[i]);
	if (msg && c->ncpus) {
		nla_put_u32(msg, RAINFOREST_A_SUBOS_NCPUS, c->ncpus);
		if (c->cpu_node != RF_NO_NODE)
			nla_put_u32(msg, RAINFOREST_A_SUBOS_CPU_NODE, c->cpu_node);
	}
	if (msg && c->min_cpus)
		nla_put_u32(msg, RAINFOREST_A_SUBOS_MIN_CPUS, c->min_cpus);
	if (msg && c->priority)
		nla_put_u32(msg, RAINFOREST_A_SUBOS_PRIORITY, c->priority);
	if (msg && c->on_crash)
		nla_put_u32(msg, RAINFOREST_A_SUBOS_ON_CRASH, c->on_crash);
	if (msg && c->restart_limit >= 0)
		nla_put_u32(msg, RAINFOREST_A_SUBOS_RESTART_LIMIT, c->restart_limit);
	if (msg && c->restart_delay_ms >= 0)
		nla_put_u32(msg, RAINFOREST_A_SUBOS_RESTART_DELAY_MS, c->restart_delay_ms);
	for (size_t i = 0; msg && !ret && i < c->nr_mems; i++)
		ret = put_mem(msg, &c->mem[i], c->exact);
	if (ret) {
		nlmsg_free(msg);
		memset(reply, 0, sizeof(*reply));
		return rf_error(rf, -ERANGE, "more CPUs or memory words than a request holds");
	}
	return rf_change(rf, msg, reply);
}

/**
 * rf_load() - load a kernel and its initramfs
 * @rf: the handle
 * @l: open files, and the command line; the files stay the caller's
 * @reply: the subOS; rf_subos_clear() it
 *
 * Return: 0; -ENOENT, -EBUSY (it runs), -ENOEXEC, -EFBIG, -EINVAL,
 * -EKEYREJECTED, -EPERM (lockdown), -EINTR.
 */
int rf_load(struct rf *rf, const struct rf_load *l, struct rf_subos *reply)
{
	struct nl_msg *msg = rf_named(rf, RAINFOREST_CMD_SUBOS_LOAD, l->name, l->dry_run);

	if (msg) {
		nla_put_u32(msg, RAINFOREST_A_SUBOS_KERNEL_FD, l->kernel_fd);
		for (size_t i = 0; i < l->nr_initrds; i++)
			nla_put_u32(msg, RAINFOREST_A_SUBOS_INITRD_FD, l->initrd_fd[i]);
		if (l->cmdline)
			nla_put_string(msg, RAINFOREST_A_SUBOS_CMDLINE, l->cmdline);
		if (l->config)
			nla_put_string(msg, RAINFOREST_A_SUBOS_CONFIG, l->config);
	}
	return rf_change(rf, msg, reply);
}

static int timed_once(struct rf *rf, int cmd, const struct rf_stop *s, struct rf_subos *reply)
{
	struct nl_msg *msg = rf_named(rf, cmd, s->name, s->dry_run);

	if (msg && s->timeout_ms >= 0)
		nla_put_u32(msg, RAINFOREST_A_SUBOS_TIMEOUT_MS,
			    s->timeout_ms > UINT32_MAX ? UINT32_MAX : s->timeout_ms);
	if (msg && s->force)
		nla_put_flag(msg, RAINFOREST_A_SUBOS_FORCE);
	return rf_change(rf, msg, reply);
}

#define ROUND_MS 1000	/* the kernel waits no longer in one request */

/*
 * Ask again and again until the time is up; force, if it is wanted, goes with
 * the last request only.
 */
static int timed(struct rf *rf, int cmd, const struct rf_stop *s, struct rf_subos *reply)
{
	int64_t end = rf_now_ms() + s->timeout_ms;

	for (;;) {
		int64_t left = end - rf_now_ms();
		struct rf_stop round = *s;
		bool last = s->timeout_ms <= 0 || left <= ROUND_MS;
		int ret;

		if (!last) {
			round.timeout_ms = ROUND_MS;
			round.force = false;
		} else if (s->timeout_ms > 0) {
			round.timeout_ms = left > 0 ? left : 1;
		}
		ret = timed_once(rf, cmd, &round, reply);
		if (!ret && cmd == RAINFOREST_CMD_SUBOS_STOP && !s->timeout_ms && !s->dry_run &&
		    rf_state_active(reply->state))
			return rf_error(rf, -ETIMEDOUT, "%s was asked to stop, and has not yet",
					s->name);
		if (last && ret == -ETIMEDOUT && s->timeout_ms > 0)
			return rf_error(rf, ret, "%s did not stop within %.3g s: rfm kill forces it",
					s->name, s->timeout_ms / 1000.0);
		if (last || ret != -ETIMEDOUT)
			return ret;
	}
}

/**
 * rf_start() - boot a loaded subOS
 * @rf: the handle
 * @s: its name; force is not used
 * @reply: the subOS; rf_subos_clear() it
 *
 * Returns once its first CPU runs its kernel.
 *
 * Return: 0; -ENOENT, -EBUSY (it runs, or nothing is loaded), -ETIMEDOUT,
 * -EHOSTDOWN (it refused its descriptor or crashed).
 */
int rf_start(struct rf *rf, const struct rf_stop *s, struct rf_subos *reply)
{
	struct rf_stop start = *s;

	start.force = false;
	return timed_once(rf, RAINFOREST_CMD_SUBOS_START, &start, reply);
}

/**
 * rf_stop() - ask PID 1 to power off, and wait; force parks the CPUs then
 * @rf: the handle
 * @s: name and timeout; 0 asks and does not wait
 * @reply: the subOS; rf_subos_clear() it
 *
 * Return: 0; -ENOENT, -ETIMEDOUT, -EINTR, -EUCLEAN.
 */
int rf_stop(struct rf *rf, const struct rf_stop *s, struct rf_subos *reply)
{
	return timed(rf, RAINFOREST_CMD_SUBOS_STOP, s, reply);
}

/**
 * rf_kill() - stop at once, by INIT; the grant is kept
 * @rf: the handle
 * @s: the name
 * @reply: the subOS; rf_subos_clear() it
 *
 * Return: 0; -ENOENT, -EUCLEAN.
 */
int rf_kill(struct rf *rf, const struct rf_stop *s, struct rf_subos *reply)
{
	return rf_change(rf, rf_named(rf, RAINFOREST_CMD_SUBOS_KILL, s->name, s->dry_run), reply);
}

/**
 * rf_destroy() - stop, then give everything back
 * @rf: the handle
 * @s: name, timeout of the orderly stop, force after it
 * @reply: what it owned; rf_subos_clear() it
 *
 * Return: 0; -ENOENT, -ETIMEDOUT (without force), -EUCLEAN: the subOS is
 * gone, but what could not be proven free is in quarantine.
 */
int rf_destroy(struct rf *rf, const struct rf_stop *s, struct rf_subos *reply)
{
	return timed(rf, RAINFOREST_CMD_SUBOS_DESTROY, s, reply);
}

/**
 * rf_recover() - try once more to free what is in quarantine
 * @rf: the handle
 * @reply: recovered_cpus and recovered_memory
 *
 * Return: 0 or -errno.
 */
int rf_recover(struct rf *rf, struct rf_quarantine *reply)
{
	struct nl_msg *msg = rf_request(rf, RAINFOREST_CMD_RECOVER, 0);

	memset(reply, 0, sizeof(*reply));
	if (!msg)
		return rf_connect(rf) ?: -ENOMEM;
	return rf_exchange(rf, msg, rf_decode_quarantine, reply);
}
