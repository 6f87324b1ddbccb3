// SPDX-License-Identifier: GPL-2.0
/*
 * Preemption: a subOS takes CPUs from others of a lower priority, down to what
 * each was promised. The supervisor's own are taken first.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/netlink.h>

#include "resize.h"

/* CPUs of a node, or of any, that s may be robbed of by one of that priority */
static unsigned int rf_spare(struct rf_subos *s, u32 priority, int node)
{
	u32 keep = max(s->min_cpus, 1U);
	unsigned int can = 0;

	lockdep_assert_held(&rf_list_lock);
	if (s->state != RAINFOREST_STATE_RUNNING || s->priority >= priority ||
	    s->res.nr_cpus <= keep)
		return 0;
	for (unsigned int i = 0; i < s->res.nr_cpus; i++)
		can += s->res.cpus[i].slot && (node == NUMA_NO_NODE || s->res.cpus[i].node == node);
	return min(can, s->res.nr_cpus - keep);
}

/*
 * Of the lowest priority, and of those the one that can spare most; referenced.
 * @spare: what it can, @all: what all of them can
 */
static struct rf_subos *rf_victim(struct rf_subos *robber, int node, unsigned int *spare,
				  unsigned int *all)
{
	struct rf_subos *s, *best = NULL;

	*all = 0;
	*spare = 0;
	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node) {
		unsigned int can = s == robber ? 0 : rf_spare(s, robber->priority, node);

		*all += can;
		if (can && (!best || s->priority < best->priority ||
			    (s->priority == best->priority && can > *spare))) {
			best = s;
			*spare = can;
		}
	}
	if (best)
		kref_get(&best->ref);
	return best;
}

/* How many CPUs of a node, or of any, it has */
static unsigned int rf_cpus_on(struct rf_subos *s, int node)
{
	unsigned int n = 0;

	guard(mutex)(&s->drain);
	for (unsigned int i = 0; i < s->res.nr_cpus; i++)
		n += node == NUMA_NO_NODE || s->res.cpus[i].node == node;
	return n;
}

/* The supervisor's, as far as they go. Return: 0, how many more are to come is in need. */
static int rf_take_free(struct rf_subos *s, const struct rf_resize *r, unsigned int *need,
			struct rf_report *report, struct netlink_ext_ack *extack)
{
	struct rf_resize part = {
		.cpu_node = r->cpu_node, .ncpus_how = RAINFOREST_HOW_ADD,
		.timeout_ms = r->timeout_ms,
	};
	int err;

	for (part.ncpus = *need; part.ncpus; part.ncpus--) {
		err = rf_subos_resize(s, &part, report, extack);
		if (err == -ENOSPC)
			continue;
		if (!err)
			*need -= part.ncpus;
		return err;
	}
	return 0;
}

/**
 * rf_subos_preempt - as rf_subos_resize(), and rob others of CPUs if need be
 *
 * Only a number of CPUs that shall come can be robbed, not CPUs by number.
 *
 * Return: as rf_subos_resize() and rf_subos_move(); -ENOSPC: all others
 * together can't spare enough, and nothing has changed; -EUCLEAN: some came.
 */
int rf_subos_preempt(struct rf_subos *s, struct rf_resize *r, struct rf_report *report,
		     struct netlink_ext_ack *extack)
{
	unsigned int need, all, spare, had = rf_cpus_on(s, r->cpu_node), moved = 0;
	struct rf_subos *victim;
	int err;

	if (r->by_number || r->ncpus_how == RAINFOREST_HOW_REMOVE || r->nr_mem) {
		rf_msg(extack, "only a number of CPUs that shall come can be preempted");
		return -EINVAL;
	}
	err = rf_subos_resize(s, r, report, extack);
	if (err != -ENOSPC)
		return err;
	need = r->ncpus_how == RAINFOREST_HOW_ADD ? r->ncpus : r->ncpus - min(r->ncpus, had);
	victim = rf_victim(s, r->cpu_node, &spare, &all);
	if (victim)
		rf_subos_put(victim);
	if (all + rf_cpu_grantable() < need || r->dry_run) {
		rf_msg(extack, "%u CPUs asked: %u are free, and those of a lower priority can spare %u",
		       need, rf_cpu_grantable(), all);
		return all + rf_cpu_grantable() < need ? -ENOSPC : 0;
	}
	err = rf_take_free(s, r, &need, report, extack);
	moved = rf_cpus_on(s, r->cpu_node);
	moved -= min(had, moved);
	while (!err && need) {
		struct rf_resize part = {
			.cpu_node = r->cpu_node, .timeout_ms = r->timeout_ms, .force = r->force,
			.cause = "preempted",
		};

		victim = rf_victim(s, r->cpu_node, &spare, &all);
		if (!victim) {
			rf_msg(extack, "nobody can spare any more");
			err = -ENOSPC;
			break;
		}
		part.ncpus = min(need, spare);
		/* another robber, or a resize, may have been there since we looked */
		part.keep = max(victim->min_cpus, 1U);
		err = rf_subos_move(victim, s, &part, report, extack);
		if (!err) {
			rf_warn(report, "%u CPUs were taken from %s, of priority %u", part.ncpus,
				victim->name, victim->priority);
			need -= part.ncpus;
			moved += part.ncpus;
		}
		rf_subos_put(victim);
	}
	if (!err || !moved || err == -EUCLEAN)
		return err;
	rf_msg(extack, "%s got %u CPUs, %u are missing: %s", s->name, moved, need,
	       extack && extack->_msg ? extack->_msg : "interrupted");
	return -EUCLEAN;
}
