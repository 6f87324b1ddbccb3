// SPDX-License-Identifier: GPL-2.0
/*
 * Preemption: a subOS takes CPUs from others of a lower priority, down to what
 * each was promised. The supervisor's own are taken first.
 */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/netlink.h>

#include "resize.h"

/* CPUs that s may be robbed of by one of that priority */
static unsigned int rf_spare(struct rf_subos *s, u32 priority)
{
	u32 keep = max(s->min_cpus, 1U);

	if (s->state != RAINFOREST_STATE_RUNNING || s->priority >= priority)
		return 0;
	return s->res.nr_cpus > keep ? s->res.nr_cpus - keep : 0;
}

/* Of the lowest priority, and of those the one that can spare most; referenced */
static struct rf_subos *rf_victim(struct rf_subos *robber, unsigned int *all)
{
	struct rf_subos *s, *best = NULL;

	*all = 0;
	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node) {
		unsigned int spare = s == robber ? 0 : rf_spare(s, robber->priority);

		*all += spare;
		if (spare && (!best || s->priority < best->priority ||
			      (s->priority == best->priority &&
			       spare > rf_spare(best, robber->priority))))
			best = s;
	}
	if (best)
		kref_get(&best->ref);
	return best;
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
	unsigned int need, all, had = s->res.nr_cpus, moved = 0;
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
	victim = rf_victim(s, &all);
	if (victim)
		rf_subos_put(victim);
	if (all + rf_cpu_grantable() < need || r->dry_run) {
		rf_msg(extack, "%u CPUs asked: %u are free, and those of a lower priority can spare %u",
		       need, rf_cpu_grantable(), all);
		return all + rf_cpu_grantable() < need ? -ENOSPC : 0;
	}
	err = rf_take_free(s, r, &need, report, extack);
	moved = s->res.nr_cpus - min(had, s->res.nr_cpus);
	while (!err && need) {
		struct rf_resize part = {
			.cpu_node = r->cpu_node, .timeout_ms = r->timeout_ms, .force = r->force,
			.cause = "preempted",
		};

		victim = rf_victim(s, &all);
		if (!victim) {
			rf_msg(extack, "nobody can spare any more");
			err = -ENOSPC;
			break;
		}
		part.ncpus = min(need, rf_spare(victim, s->priority));
		err = part.ncpus ? rf_subos_move(victim, s, &part, report, extack) : -EBUSY;
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
