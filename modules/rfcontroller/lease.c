// SPDX-License-Identifier: GPL-2.0
/*
 * Leases: CPUs and memory that one subOS lends another for a term. When it is
 * over they go back by themselves: to the lender, or, when he does not run any
 * more, to the supervisor.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/memory.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "lease.h"

#define RF_LEASE_AGAIN_MS	1000	/* the borrower did not let go: try again */
#define RF_LEASE_MILD		3	/* tries before affinities are broken */

LIST_HEAD(rf_leases);
DEFINE_MUTEX(rf_lease_lock);	/* the list; nothing is taken under it */
static u32 rf_lease_next = 1;

/* Which of a's CPUs b had not */
static unsigned int rf_new_cpus(const struct rf_resources *now, const u32 *had, unsigned int nr,
				u32 *list)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < now->nr_cpus; i++) {
		bool old = false;

		for (unsigned int j = 0; j < nr; j++)
			old |= had[j] == now->cpus[i].cpu;
		if (!old)
			list[n++] = now->cpus[i].cpu;
	}
	return n;
}

static void rf_lease_free(struct rf_lease *l)
{
	mutex_lock(&rf_lease_lock);
	list_del(&l->node);
	mutex_unlock(&rf_lease_lock);
	kfree(l);
	module_put(THIS_MODULE);
}

/* The subOS of that id, running, with a reference; or NULL */
static struct rf_subos *rf_lease_party(const char *name, u32 id)
{
	struct rf_subos *s = rf_subos_find(name);

	if (s && (s->id != id || s->dead || s->state != RAINFOREST_STATE_RUNNING)) {
		rf_subos_put(s);
		s = NULL;
	}
	return s;
}

static bool rf_owns_cpu(struct rf_subos *s, u32 cpu)
{
	for (unsigned int i = 0; s && i < s->res.nr_cpus; i++)
		if (s->res.cpus[i].cpu == cpu)
			return true;
	return false;
}

/* Let go of one thing at a time: what refuses holds back nothing else */
static int rf_lease_back(struct rf_lease *l, struct rf_subos *from, struct rf_subos *to,
			 struct rf_resize *r)
{
	if (from && to)
		return rf_subos_move(to, from, r, NULL, NULL);
	if (to)
		return rf_subos_resize(to, r, NULL, NULL);
	return 0;
}

static void rf_lease_back_cpu(struct rf_lease *l, unsigned int i, struct rf_subos *from,
			      struct rf_subos *to)
{
	struct rf_report *report;
	struct rf_resize r = {
		.remove = &l->cpu[i], .nr_remove = 1, .by_number = true,
		.cpu_node = NUMA_NO_NODE, .force = l->tries >= RF_LEASE_MILD,
		.cause = "the lease is over", .op = RAINFOREST_OP_GIVE_BACK,
	};
	int err = -ENOMEM;

	report = kzalloc(sizeof(*report), GFP_KERNEL);
	if (!report)
		return;
	if (rf_owns_cpu(to, l->cpu[i])) {
		err = rf_lease_back(l, from, to, &r);
	} else if (from && !rf_owns_cpu(from, l->cpu[i])) {
		/* the borrower is gone, and left it to the supervisor */
		r.nr_remove = 0;
		r.add = &l->cpu[i];
		r.nr_add = 1;
		err = rf_subos_resize(from, &r, report, NULL);
		/* somebody else has it: it can't be helped */
		if (err != -ETIMEDOUT)
			err = 0;
	} else {
		err = 0;
	}
	kfree(report);
	if (err)
		return;
	mutex_lock(&rf_lease_lock);
	l->cpu[i] = l->cpu[--l->nr_cpus];
	mutex_unlock(&rf_lease_lock);
}

static void rf_lease_back_memory(struct rf_lease *l, unsigned int i, struct rf_subos *from,
				 struct rf_subos *to)
{
	struct rf_resize r = {
		.by_number = true, .cpu_node = NUMA_NO_NODE, .nr_mem = 1,
		.cause = "the lease is over", .op = RAINFOREST_OP_GIVE_BACK,
		.mem[0] = { l->mem[i].size, l->mem[i].node, RAINFOREST_HOW_REMOVE },
	};
	u64 before, after;
	int err = 0;

	if (to) {
		before = rf_memory_of(&to->res, l->mem[i].node);
		err = rf_lease_back(l, from, to, &r);
		after = rf_memory_of(&to->res, l->mem[i].node);
		if (err && before > after)
			l->mem[i].size -= min(before - after, l->mem[i].size);
	} else if (from) {
		r.mem[0].how = RAINFOREST_HOW_ADD;
		err = rf_subos_resize(from, &r, NULL, NULL);
		if (err != -ETIMEDOUT)
			err = 0;
	}
	if (err && l->mem[i].size)
		return;
	mutex_lock(&rf_lease_lock);
	l->mem[i] = l->mem[--l->nr_mem];
	mutex_unlock(&rf_lease_lock);
}

/* The term is over, or it was called back */
static void rf_lease_end(struct work_struct *work)
{
	struct rf_lease *l = container_of(to_delayed_work(work), struct rf_lease, work);
	struct rf_subos *from = rf_lease_party(l->from, l->from_id);
	struct rf_subos *to = rf_lease_party(l->to, l->to_id);

	for (unsigned int i = l->nr_cpus; i--;)
		rf_lease_back_cpu(l, i, from, to);
	for (unsigned int i = l->nr_mem; i--;)
		rf_lease_back_memory(l, i, from, to);
	if (from)
		rf_subos_put(from);
	if (to)
		rf_subos_put(to);
	if (!l->nr_cpus && !l->nr_mem) {
		pr_info("lease %u of %s to %s is over\n", l->id, l->from, l->to);
		rf_lease_free(l);
		return;
	}
	if (!l->tries++)
		pr_warn("lease %u: %s does not let go yet\n", l->id, l->to);
	queue_delayed_work(system_unbound_wq, &l->work, msecs_to_jiffies(RF_LEASE_AGAIN_MS));
}

/**
 * rf_subos_lend - lend CPUs or memory of a running subOS to another, for a term
 * @term_ms: milliseconds
 *
 * Return: as rf_subos_move(); then nothing is lent.
 */
int rf_subos_lend(struct rf_subos *from, struct rf_subos *to, struct rf_resize *r, u64 term_ms,
		  struct rf_report *report, struct netlink_ext_ack *extack)
{
	struct rf_lease *l = kzalloc(sizeof(*l), GFP_KERNEL);
	u32 *had __free(kfree) = kcalloc(RF_BOOT_MAX_CPUS, sizeof(*had), GFP_KERNEL);
	u64 had_mem[RF_BOOT_MAX_NODES];
	unsigned int nr;
	int err;

	if (!l || !had) {
		err = -ENOMEM;
		goto free;
	}
	if (!term_ms || term_ms > RF_LEASE_MAX_MS) {
		rf_msg(extack, "a term is 1 ms to %llu days",
		       RF_LEASE_MAX_MS / MSEC_PER_SEC / 86400);
		err = -EINVAL;
		goto free;
	}
	if (from == to) {
		rf_msg(extack, "from %s to itself", from->name);
		err = -EINVAL;
		goto free;
	}
	err = rf_move_lock(from, to);
	if (err)
		goto free;
	r->op = RAINFOREST_OP_LEND;
	nr = to->res.nr_cpus;
	for (unsigned int i = 0; i < nr; i++)
		had[i] = to->res.cpus[i].cpu;
	for (int i = 0; i < RF_BOOT_MAX_NODES; i++)
		had_mem[i] = rf_memory_of(&to->res, i);
	err = rf_move_locked(from, to, r, report, extack);
	if (!r->dry_run && (!err || err == -EUCLEAN)) {
		l->nr_cpus = rf_new_cpus(&to->res, had, nr, l->cpu);
		for (int i = 0; i < RF_BOOT_MAX_NODES; i++) {
			u64 now = rf_memory_of(&to->res, i);

			if (now > had_mem[i])
				l->mem[l->nr_mem++] = (struct rf_lease_mem) { now - had_mem[i], i };
		}
	}
	mutex_unlock(&from->lock);
	mutex_unlock(&to->lock);
	if (!l->nr_cpus && !l->nr_mem)
		goto free;

	strscpy(l->from, from->name, sizeof(l->from));
	strscpy(l->to, to->name, sizeof(l->to));
	l->from_id = from->id;
	l->to_id = to->id;
	l->end_ns = ktime_get_boottime_ns() + term_ms * NSEC_PER_MSEC;
	INIT_DELAYED_WORK(&l->work, rf_lease_end);
	__module_get(THIS_MODULE);
	mutex_lock(&rf_lease_lock);
	l->id = rf_lease_next++;
	list_add_tail(&l->node, &rf_leases);
	queue_delayed_work(system_unbound_wq, &l->work, msecs_to_jiffies(term_ms));
	mutex_unlock(&rf_lease_lock);
	return err;
free:
	kfree(l);
	return err;
}

/**
 * rf_lease_recall - end a lease before its term
 *
 * Return: 0, it goes back now; -ENOENT.
 */
int rf_lease_recall(u32 id, struct netlink_ext_ack *extack)
{
	struct rf_lease *l;
	int err = -ENOENT;

	mutex_lock(&rf_lease_lock);
	list_for_each_entry(l, &rf_leases, node) {
		if (l->id != id)
			continue;
		l->end_ns = min(l->end_ns, ktime_get_boottime_ns());
		mod_delayed_work(system_unbound_wq, &l->work, 0);
		err = 0;
		break;
	}
	mutex_unlock(&rf_lease_lock);
	if (err)
		rf_msg(extack, "there is no lease %u", id);
	return err;
}
