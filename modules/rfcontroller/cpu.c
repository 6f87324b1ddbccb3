// SPDX-License-Identifier: GPL-2.0
/* CPUs: choosing them, taking them from the running supervisor, and back */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/cpu.h>
#include <linux/netlink.h>
#include <linux/rainforest_core.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/topology.h>

#include <asm/smp.h>

#include "rfcontroller.h"

/* Linux forgets the place of a CPU that goes offline: as it was at our start */
static struct rf_cpu_place *rf_places;

int rf_cpu_init(void)
{
	unsigned int cpu;

	rf_places = kcalloc(nr_cpu_ids, sizeof(*rf_places), GFP_KERNEL);
	if (!rf_places)
		return -ENOMEM;
	for_each_present_cpu(cpu)
		rf_places[cpu] = (struct rf_cpu_place) {
			.socket	= topology_physical_package_id(cpu),
			.core	= cpu_online(cpu) ? topology_core_id(cpu) : U32_MAX,
		};
	return 0;
}

void rf_cpu_exit(void)
{
	kfree(rf_places);
}

struct rf_cpu_place rf_cpu_place(unsigned int cpu)
{
	/* offline when the module came, and online now */
	if (rf_places[cpu].core == U32_MAX && cpu_online(cpu))
		rf_places[cpu].core = topology_core_id(cpu);
	return rf_places[cpu];
}

/* Are two CPUs threads of one core? One that was never online since is none's. */
bool rf_cpu_same_core(unsigned int a, unsigned int b)
{
	struct rf_cpu_place x = rf_cpu_place(a), y = rf_cpu_place(b);

	return x.socket == y.socket && x.core == y.core && x.core != U32_MAX;
}

static bool rf_cpu_chosen(const struct rf_resources *res, unsigned int cpu)
{
	for (unsigned int i = 0; i < res->nr_cpus; i++)
		if (res->cpus[i].cpu == cpu)
			return true;
	return false;
}

/**
 * rf_cpu_owner - the subOS that owns a CPU
 * @name: out, RF_BOOT_NAME_LEN bytes
 * @quarantined: out, true when that subOS is gone and the CPU not proven free
 *
 * Return: false when it is the supervisor's.
 */
bool rf_cpu_owner(unsigned int cpu, char *name, bool *quarantined)
{
	struct rf_quarantine *q;
	struct rf_subos *s;

	*quarantined = false;
	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node)
		if (rf_cpu_chosen(&s->res, cpu) || rf_cpu_chosen(&s->moving, cpu)) {
			strscpy(name, s->name, RF_BOOT_NAME_LEN);
			return true;
		}
	list_for_each_entry(q, &rf_quarantine_list, node)
		for (unsigned int i = 0; i < q->res.nr_cpus; i++)
			if (q->res.cpus[i].cpu == cpu) {
				strscpy(name, q->owner, RF_BOOT_NAME_LEN);
				*quarantined = true;
				return true;
			}
	return false;
}

static int rf_cpu_usable(unsigned int cpu, struct netlink_ext_ack *extack)
{
	char owner[RF_BOOT_NAME_LEN];
	bool quarantined;

	if (cpu >= nr_cpu_ids || !cpu_present(cpu)) {
		rf_msg(extack, "CPU %u does not exist: CPUs are %*pbl",
		       cpu, cpumask_pr_args(cpu_present_mask));
		return -ENODEV;
	}
	if (cpu == 0) {
		rf_msg(extack, "CPU 0 can't be granted: Linux can't take it offline");
		return -EOPNOTSUPP;
	}
	if (rf_cpu_owner(cpu, owner, &quarantined)) {
		rf_msg(extack, "CPU %u is granted already, to %s%s", cpu, owner,
		       quarantined ? " (quarantined)" : "");
		return -EBUSY;
	}
	if (!rf_trampoline_knows(cpu_physical_id(cpu))) {
		rf_msg(extack, "CPU %u was added after rfcontroller was loaded: load it anew", cpu);
		return -EOPNOTSUPP;
	}
	if (!cpu_online(cpu)) {
		rf_msg(extack, "CPU %u is offline: only CPUs that the supervisor runs on can be granted",
		       cpu);
		return -EOPNOTSUPP;
	}
	return 0;
}

/* How many CPUs of a node, or of any (NUMA_NO_NODE), the supervisor could give now */
unsigned int rf_cpu_grantable(int node)
{
	unsigned int cpu, n = 0;

	cpus_read_lock();
	for_each_online_cpu(cpu)
		n += (node == NUMA_NO_NODE || cpu_to_node(cpu) == node) &&
		     !rf_cpu_usable(cpu, NULL);
	n = min(n, num_online_cpus() - min(rf_reserve_cpus, num_online_cpus()));
	cpus_read_unlock();
	return n;
}

static void rf_cpu_add(struct rf_resources *res, unsigned int cpu)
{
	res->cpus[res->nr_cpus++] = (struct rf_cpu) {
		.cpu	= cpu,
		.apicid	= cpu_physical_id(cpu),
		.node	= cpu_to_node(cpu),
		.status	= RF_LEDGER_TAKING,
	};
}

static int rf_cpu_cmp(const void *a, const void *b)
{
	const struct rf_cpu *x = a, *y = b;

	return x->cpu < y->cpu ? -1 : x->cpu > y->cpu;
}

/*
 * Whole cores first, from the highest number down, on the asked node or on the
 * one node that has most to give.
 */
static int rf_cpu_pick(const struct rf_request *req, struct rf_resources *res,
		       struct netlink_ext_ack *extack)
{
	int node = req->cpu_node, best = -1;
	unsigned int cpu, have = 0;

	if (node != NUMA_NO_NODE && (node >= MAX_NUMNODES || !node_possible(node) ||
				     cpumask_empty(cpumask_of_node(node)))) {
		/* The node's CPUs may all be granted: then it exists */
		for_each_present_cpu(cpu)
			if (cpu_to_node(cpu) == node)
				best = node;
		if (best < 0) {
			rf_msg(extack, "node %d does not exist or has no CPUs", node);
			return -ENODEV;
		}
	}
	if (node == NUMA_NO_NODE) {
		int n;

		for_each_online_node(n) {
			unsigned int free = 0;

			for_each_cpu_and(cpu, cpumask_of_node(n), cpu_online_mask)
				free += cpu != 0;
			/* of two nodes the later one: node 0 is the supervisor's */
			if (free && free >= min(req->ncpus, have)) {
				have = max(have, free);
				best = n;
			}
		}
		if (have >= req->ncpus)
			node = best;
	}

	for (int pass = 0; pass < 2; pass++) {
		for (int c = nr_cpu_ids - 1; c > 0 && res->nr_cpus < req->ncpus; c--) {
			unsigned int sibling, threads;
			bool whole = true;

			if (!cpu_present(c) || rf_cpu_usable(c, NULL) || rf_cpu_chosen(res, c) ||
			    (node != NUMA_NO_NODE && cpu_to_node(c) != node))
				continue;
			threads = 0;
			for_each_present_cpu(sibling) {
				if (!rf_cpu_same_core(sibling, c))
					continue;
				threads++;
				whole &= sibling != 0 && !rf_cpu_usable(sibling, NULL);
			}
			if (!pass && (!whole || req->ncpus - res->nr_cpus < threads))
				continue;
			if (pass) {
				rf_cpu_add(res, c);
				continue;
			}
			for_each_present_cpu(sibling)
				if (rf_cpu_same_core(sibling, c))
					rf_cpu_add(res, sibling);
		}
	}
	if (res->nr_cpus < req->ncpus) {
		if (node == NUMA_NO_NODE)
			rf_msg(extack, "%u CPUs asked, %u can be granted",
			       req->ncpus, res->nr_cpus);
		else
			rf_msg(extack, "%u CPUs of node %d asked, %u can be granted",
			       req->ncpus, node, res->nr_cpus);
		return -ENOSPC;
	}
	sort(res->cpus, res->nr_cpus, sizeof(*res->cpus), rf_cpu_cmp, NULL);
	return 0;
}

/**
 * rf_cpu_choose - which CPUs a request would take
 *
 * Changes nothing but @res. Context: rf_grant_lock held.
 * Return: 0; -ENODEV, -EOPNOTSUPP, -EBUSY, -ENOSPC, -EINVAL with extack.
 */
int rf_cpu_choose(const struct rf_request *req, struct rf_resources *res,
		  struct rf_report *report, struct netlink_ext_ack *extack)
{
	unsigned int want = req->nr_cpus ?: req->ncpus;
	int err;

	lockdep_assert_held(&rf_grant_lock);
	if (!want || want > RF_BOOT_MAX_CPUS) {
		rf_msg(extack, "a subOS has 1 to %d CPUs", RF_BOOT_MAX_CPUS);
		return -EINVAL;
	}
	/* room for all that may come later, so that the array never moves */
	res->cpus = kcalloc(max(want + 8, num_present_cpus()), sizeof(*res->cpus), GFP_KERNEL);
	if (!res->cpus)
		return -ENOMEM;

	cpus_read_lock();
	err = 0;
	for (unsigned int i = 0; !err && i < req->nr_cpus; i++) {
		err = rf_cpu_usable(req->cpus[i], extack);
		if (!err && rf_cpu_chosen(res, req->cpus[i])) {
			rf_msg(extack, "CPU %u is named twice", req->cpus[i]);
			err = -EINVAL;
		}
		if (!err)
			rf_cpu_add(res, req->cpus[i]);
	}
	if (!err && !req->nr_cpus)
		err = rf_cpu_pick(req, res, extack);
	if (!err && num_online_cpus() < res->nr_cpus + rf_reserve_cpus) {
		rf_msg(extack, "the supervisor keeps %u CPU(s): of %u online ones %u can't be granted",
		       rf_reserve_cpus, num_online_cpus(), res->nr_cpus);
		err = req->nr_cpus ? -EOPNOTSUPP : -ENOSPC;
	}
	for (unsigned int i = 0; !err && i < res->nr_cpus; i++) {
		unsigned int sibling;

		for_each_present_cpu(sibling)
			if (sibling != res->cpus[i].cpu && !rf_cpu_chosen(res, sibling) &&
			    rf_cpu_same_core(sibling, res->cpus[i].cpu))
				rf_warn(report, "CPU %u shares its core with CPU %u, which is not granted: they share caches and side channels",
					res->cpus[i].cpu, sibling);
	}
	cpus_read_unlock();
	return err;
}

static int rf_cpu_take_one(struct rf_cpu *c, struct netlink_ext_ack *extack)
{
	int err;

	rf_trampoline_adopt(c->cpu, c->apicid);
	err = remove_cpu(c->cpu);
	if (err) {
		rf_msg(extack, "CPU %u can't go offline: error %d", c->cpu, -err);
		return err == -ENOMEM ? err : -EBUSY;
	}
	err = rainforest_grant_cpu(c->cpu);
	if (err) {
		rf_msg(extack, "CPU %u can't be granted: error %d", c->cpu, -err);
		goto err_online;
	}
	/* Show now, not with a subOS on it, that it comes when called */
	err = rf_trampoline_prove(c->apicid);
	if (err) {
		rf_msg(extack, "CPU %u (APIC ID %#x) does not answer INIT",
		       c->cpu, c->apicid);
		goto err_return;
	}
	c->status = RF_LEDGER_GRANTED;
	c->proven = true;
	return 0;

err_return:
	rainforest_return_cpu(c->cpu);
err_online:
	if (add_cpu(c->cpu))
		pr_err("CPU %u stays offline\n", c->cpu);
	return err;
}

/**
 * rf_cpu_take - take the chosen CPUs from the supervisor
 *
 * All or none: on failure those taken are online again.
 * Context: rf_grant_lock held. Return: 0, -EBUSY, -ENOMEM, -ETIMEDOUT, extack set.
 */
int rf_cpu_take(struct rf_resources *res, struct rf_report *report,
		struct netlink_ext_ack *extack)
{
	unsigned int i;
	int err = 0;

	rf_pinned_record(res, report);
	/* Otherwise most of the time goes to grace periods */
	rcu_expedite_gp();
	for (i = 0; i < res->nr_cpus && !err; i++) {
		err = rf_cpu_take_one(&res->cpus[i], extack);
		if (!err && fatal_signal_pending(current))
			err = -EINTR;
	}
	rcu_unexpedite_gp();
	if (err)
		rf_cpu_return(res);
	return err;
}

/**
 * rf_cpu_prove_all - take every CPU of a grant out of the subOS
 *
 * The way to be sure, before memory is given back or written. All entries are
 * cleared before the first INIT, so that no CPU can start another again.
 * Return: the number of CPUs not proven out; theirs is ->proven == false.
 */
int rf_cpu_prove_all(struct rf_resources *res)
{
	int unproven = 0;

	for (unsigned int i = 0; i < res->nr_cpus; i++)
		rf_trampoline_clear(res->cpus[i].apicid);
	for (unsigned int i = 0; i < res->nr_cpus; i++) {
		struct rf_cpu *c = &res->cpus[i];

		if (cpu_online(c->cpu)) {	/* the supervisor runs on it: proof enough */
			c->proven = true;
			continue;
		}
		c->proven = !rf_trampoline_prove(c->apicid);
		if (!c->proven) {
			pr_err("CPU %u (APIC ID %#x) is not proven out of its subOS\n",
			       c->cpu, c->apicid);
			unproven++;
		}
	}
	return unproven;
}

/**
 * rf_cpu_return - give granted CPUs that are proven out back to the supervisor
 *
 * Those that could not be given back stay in @res, with their status.
 * Return: how many stayed.
 */
unsigned int rf_cpu_return(struct rf_resources *res)
{
	unsigned int left = 0;

	rcu_expedite_gp();
	for (unsigned int i = 0; i < res->nr_cpus; i++) {
		struct rf_cpu *c = &res->cpus[i];
		int err = -EBUSY;

		if (c->status == RF_LEDGER_TAKING)
			continue;
		if (c->proven) {
			c->status = RF_LEDGER_RETURNING;
			rainforest_return_cpu(c->cpu);
			err = add_cpu(c->cpu);
			if (err > 0)
				err = 0;	/* somebody was faster, by sysfs */
			if (err)
				pr_err("CPU %u does not come online: error %d\n", c->cpu, -err);
		}
		if (err) {
			/* Nobody else may start it; -EBUSY: it is granted still */
			rainforest_grant_cpu(c->cpu);
			c->status = RF_LEDGER_QUARANTINED;
			res->cpus[left++] = *c;
		}
	}
	rcu_unexpedite_gp();
	res->nr_cpus = left;
	rf_pinned_come_home();
	return left;
}
