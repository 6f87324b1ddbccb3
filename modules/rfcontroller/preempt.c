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

/* Those that have refused to give anything more, by id */
struct rf_refusals {
	u32 id[16];
	unsigned int nr;
};

static bool rf_has_refused(const struct rf_refusals *no, const struct rf_subos *s)
{
	for (unsigned int i = 0; i < no->nr; i++)
		if (no->id[i] == s->id)
			return true;
	return false;
}

/*
 * Of the lowest priority, and of those the one that can spare most; referenced.
 * @no: but for these
 * @spare: what it can, @all: what all of them can
 */
static struct rf_subos *rf_victim(struct rf_subos *robber, int node, const struct rf_refusals *no,
				  unsigned int *spare, unsigned int *all)
{
	struct rf_subos *s, *best = NULL;

	*all = 0;
	*spare = 0;
	guard(mutex)(&rf_list_lock);
	list_for_each_entry(s, &rf_subos_list, node) {
		unsigned int can = s == robber || rf_has_refused(no, s) ? 0 :
				   rf_spare(s, robber->priority, node);

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

	guard(mutex)(&rf_list_lock);	/* a quarantine takes all of it */
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

/* Are there enough, the supervisor's and those of others? Return: 0, -ENOSPC. */
static int rf_preempt_check(struct rf_subos *s, const struct rf_resize *r, unsigned int need,
			    struct rf_report *report, struct netlink_ext_ack *extack)
{
	const struct rf_refusals nobody = { };
	unsigned int free = rf_cpu_grantable(r->cpu_node), all, spare;
	struct rf_subos *victim = rf_victim(s, r->cpu_node, &nobody, &spare, &all);

	if (free + all < need) {
		rf_msg(extack, "%u CPUs asked: %u are free, and those of a lower priority can spare %u",
		       need, free, all);
	} else if (r->dry_run) {
		rf_warn(report, "%u CPUs of the supervisor's would be added", min(free, need));
		if (victim && need > free)
			rf_warn(report, "%u would be taken from others, from %s first",
				need - free, victim->name);
	}
	if (victim)
		rf_subos_put(victim);
	return free + all < need ? -ENOSPC : 0;
}

/* From the next victim, who is not asked again when it refuses. Return: how many came. */
static int rf_rob(struct rf_subos *s, const struct rf_resize *r, unsigned int need,
		  struct rf_refusals *no, struct rf_report *report, struct netlink_ext_ack *extack)
{
	struct rf_resize part = {
		.cpu_node = r->cpu_node, .timeout_ms = r->timeout_ms, .force = r->force,
		.cause = "preempted",
	};
	struct rf_subos *victim;
	unsigned int all, spare;
	int err;

	victim = rf_victim(s, r->cpu_node, no, &spare, &all);
	if (!victim) {
		if (!no->nr)
			rf_msg(extack, "nobody can spare any more");
		return -ENOSPC;
	}
	part.ncpus = min(need, spare);
	/* another robber, or a resize, may have been there since we looked */
	part.keep = max(victim->min_cpus, 1U);
	err = rf_subos_move(victim, s, &part, report, extack);
	if (!err)
		rf_warn(report, "%u CPUs were taken from %s, of priority %u", part.ncpus,
			victim->name, victim->priority);
	/* a task is pinned there, it does not answer: others may do */
	if ((err == -EBUSY || err == -EOPNOTSUPP || err == -ETIMEDOUT || err == -EHOSTDOWN) &&
	    no->nr < ARRAY_SIZE(no->id)) {
		rf_warn(report, "%s gives none: %s", victim->name,
			extack && extack->_msg ? extack->_msg : "it says not why");
		no->id[no->nr++] = victim->id;
		err = -EAGAIN;
	}
	rf_subos_put(victim);
	return err ?: part.ncpus;
}

/**
 * rf_subos_preempt - as rf_subos_resize(), and rob others of CPUs if need be
 *
 * Only a number of CPUs that shall come can be robbed, not CPUs by number. Who
 * refuses is passed over. What has come when no more will stays.
 *
 * Return: as rf_subos_resize() and rf_subos_move(); -ENOSPC: all others
 * together can't spare enough, and nothing has changed; -EUCLEAN: some came.
 */
int rf_subos_preempt(struct rf_subos *s, struct rf_resize *r, struct rf_report *report,
		     struct netlink_ext_ack *extack)
{
	unsigned int need, had = rf_cpus_on(s, r->cpu_node), moved = 0;
	struct rf_refusals no = { };
	int err;

	if (r->by_number || r->ncpus_how == RAINFOREST_HOW_REMOVE || r->nr_mem) {
		rf_msg(extack, "only a number of CPUs that shall come can be preempted");
		return -EINVAL;
	}
	err = rf_subos_resize(s, r, report, extack);
	if (err != -ENOSPC)
		return err;
	need = r->ncpus_how == RAINFOREST_HOW_ADD ? r->ncpus : r->ncpus - min(r->ncpus, had);
	if (!need)		/* fewer, and the last one stays */
		return err;
	err = rf_preempt_check(s, r, need, report, extack);
	if (err || r->dry_run)
		return err;
	err = rf_take_free(s, r, &need, report, extack);
	moved = rf_cpus_on(s, r->cpu_node);
	moved -= min(had, moved);
	while (!err && need) {
		int n = rf_rob(s, r, need, &no, report, extack);

		if (n > 0) {
			need -= n;
			moved += n;
		} else if (n != -EAGAIN) {
			err = n;
		}
	}
	if (!err || !moved || err == -EUCLEAN)
		return err;
	rf_msg(extack, "%s got %u CPUs, %u are missing: %s", s->name, moved, need,
	       extack && extack->_msg ? extack->_msg : "interrupted");
	return -EUCLEAN;
}
