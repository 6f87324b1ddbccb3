// SPDX-License-Identifier: GPL-2.0
/* Grants: reserving what a subOS asks for, giving it back, and quarantine */
#define pr_fmt(fmt) "rainforest: " fmt

#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>

#include "rfcontroller.h"

DEFINE_MUTEX(rf_grant_lock);	/* choosing and taking */
LIST_HEAD(rf_quarantine_list);
static DEFINE_MUTEX(rf_recover_lock);

/**
 * rf_quarantine - keep what can be given to nobody
 * @res: it; empty afterwards
 * @owner: whose it was
 * @id: the owner's
 * @whole: it is all that the owner had, who is gone; else it is what left one who may live
 * @why: for people
 *
 * Context: process, may sleep.
 */
void rf_quarantine(struct rf_resources *res, const char *owner, u32 id, bool whole,
		   const char *why)
{
	struct rf_quarantine *q;

	if (!res->nr_cpus && !res->nr_blocks)
		return;
	/* What is at stake is worth waiting for a few hundred bytes */
	q = kzalloc(sizeof(*q), GFP_KERNEL | __GFP_NOFAIL);
	strscpy(q->owner, owner, sizeof(q->owner));
	q->owner_id = id;
	q->whole = whole;
	strscpy(q->why, why, sizeof(q->why));
	for (unsigned int i = 0; i < res->nr_cpus; i++)
		res->cpus[i].status = RF_LEDGER_QUARANTINED;
	for (unsigned int i = 0; i < res->nr_blocks; i++)
		res->blocks[i].status = RF_LEDGER_QUARANTINED;
	__module_get(THIS_MODULE);	/* until all of it is recovered */
	mutex_lock(&rf_list_lock);
	q->res = *res;
	*res = (struct rf_resources) { };
	list_add_tail(&q->node, &rf_quarantine_list);
	mutex_unlock(&rf_list_lock);
	pr_err("%s: %u CPUs and %llu MiB in quarantine: %s\n", owner, q->res.nr_cpus,
	       rf_memory_of(&q->res, NUMA_NO_NODE) >> 20, why);
	rf_ledger_update();
}

/* Written down before it begins. What was only chosen never left. */
static void rf_returning(struct rf_resources *res)
{
	for (unsigned int i = 0; i < res->nr_blocks; i++)
		res->blocks[i].status = RF_LEDGER_RETURNING;
	for (unsigned int i = 0; i < res->nr_cpus; i++)
		if (res->cpus[i].status != RF_LEDGER_TAKING)
			res->cpus[i].status = RF_LEDGER_RETURNING;
	rf_ledger_update();
}

/*
 * Give everything back: memory first, so that a CPU that comes back finds it.
 * While one CPU is not proven out nothing goes: neither memory, which it may
 * write, nor its siblings, to which it may send an IPI as if they were its own.
 */
int rf_subos_release(struct rf_subos *s)
{
	struct rf_resources *res = &s->res;
	bool proven = true;
	u64 t = ktime_get_ns();

	lockdep_assert_held(&s->lock);
	for (unsigned int i = 0; i < res->nr_cpus; i++)
		proven &= res->cpus[i].proven;
	if (proven)
		rf_returning(res);
	res->scrub_ns = 0;
	res->scrub_wait_ns = 0;
	if (proven)
		rf_memory_return(res);
	rf_subos_phase_ns(s, "return-memory", ktime_get_ns() - t - res->scrub_wait_ns);
	rf_subos_phase_ns(s, "scrub", res->scrub_ns);
	rf_subos_phase_ns(s, "scrub-wait", res->scrub_wait_ns);
	t = ktime_get_ns();
	if (proven)
		rf_cpu_return(res);
	rf_subos_phase_ns(s, "return-cpu", ktime_get_ns() - t);
	if (!res->nr_cpus && !res->nr_blocks) {
		rf_account_update(s);
		return 0;
	}
	rf_quarantine(res, s->name, s->id, true, proven ? "could not be given back" :
		      "a CPU is not proven out of the subOS");
	rf_account_update(s);
	return -EUCLEAN;
}

/**
 * rf_subos_create - reserve CPUs and memory under a name
 *
 * All or nothing. On success *out is the new subOS with a reference for the
 * caller; with dry_run nothing is changed and *out is not in the list.
 * Return: 0; what rf_cpu_*() and rf_memory_*() return; -EEXIST, -EINVAL.
 */
int rf_subos_create(const struct rf_request *req, struct rf_subos **out,
		    struct rf_report *report, struct netlink_ext_ack *extack)
{
	u64 t, began = ktime_get_ns();
	struct rf_subos *s, *other;
	char what[104];
	int err;

	err = rf_subos_name_check(req->name, extack);
	if (err)
		return err;
	other = rf_subos_find(req->name);
	if (other) {
		rf_msg(extack, "%s exists already", req->name);
		rf_subos_put(other);
		return -EEXIST;
	}
	s = rf_subos_alloc(req->name);
	if (!s)
		return -ENOMEM;

	s->min_cpus = req->min_cpus;
	s->priority = req->priority;
	s->crash.policy = req->crash;
	mutex_lock(&s->lock);		/* nobody knows it yet */
	if (mutex_lock_killable(&rf_grant_lock)) {
		err = -EINTR;
		goto out_lock;
	}
	err = rf_cpu_choose(req, &s->res, report, extack) ?:
	      rf_memory_choose(req, &s->res, extack);
	if (err || req->dry_run)
		goto out_unlock;

	err = rf_subos_insert(s, extack);
	if (err)
		goto out_unlock;
	rf_ledger_update();
	t = ktime_get_ns();
	err = rf_memory_begin(req, &s->res, extack);
	rf_subos_phase(s, "carve-memory", t);
	if (err) {
		/* CPUs were only chosen */
		s->res.nr_cpus = 0;
		goto err_remove;
	}
	rf_ledger_update();
	t = ktime_get_ns();
	err = rf_cpu_take(&s->res, report, extack);
	rf_subos_phase(s, "carve-cpu", t);
	if (!err) {
		err = rf_memory_finish(&s->res, extack);
		rf_subos_phase_ns(s, "scrub", s->res.scrub_ns);
		rf_subos_phase_ns(s, "scrub-wait", s->res.scrub_wait_ns);
	}
	if (err)
		goto err_remove;
	rf_subos_set_state(s, RAINFOREST_STATE_RESERVED, RAINFOREST_REASON_NONE);
	kref_get(&s->ref);	/* the list's, before a destroy can put it */
	mutex_unlock(&rf_grant_lock);
	rf_account_update(s);
	rf_account_grant_text(s, what, sizeof(what));
	rf_netlink_notify(s, RAINFOREST_EVENT_CREATED);
	rf_account_record(s, RAINFOREST_OP_CREATE, NULL, what, ktime_get_ns() - began, 0);
	mutex_unlock(&s->lock);
	*out = s;
	return 0;

err_remove:
	/* nothing ran on them yet: whatever is left is proven */
	if (rf_subos_release(s))
		err = -EUCLEAN;
	rf_subos_remove(s);
out_unlock:
	mutex_unlock(&rf_grant_lock);
out_lock:
	mutex_unlock(&s->lock);
	if (err)
		rf_subos_put(s);
	else
		*out = s;
	return err;
}

/**
 * rf_recover - try again to free what is in quarantine
 * @cpus: out, how many CPUs came back
 * @bytes: out, how much memory came back
 *
 * Return: 0 when nothing is left, -EUCLEAN otherwise.
 */
int rf_recover(u32 *cpus, u64 *bytes, struct netlink_ext_ack *extack)
{
	struct rf_quarantine *q, *tmp;
	int err = 0;

	*cpus = 0;
	*bytes = 0;
	if (mutex_lock_killable(&rf_recover_lock))
		return -EINTR;
	/* new ones are added at the end; only we remove */
	list_for_each_entry_safe(q, tmp, &rf_quarantine_list, node) {
		unsigned int had_cpus = q->res.nr_cpus;
		u64 had = rf_memory_of(&q->res, NUMA_NO_NODE);
		bool proven;

		proven = !rf_cpu_prove_all(&q->res);
		if (proven) {
			/* one that lives, and only gave this back, goes on talking */
			if (q->whole)
				rf_channel_proven(q->owner_id);
			rf_returning(&q->res);
			rf_memory_return(&q->res);
			rf_cpu_return(&q->res);
		}
		*cpus += had_cpus - q->res.nr_cpus;
		*bytes += had - rf_memory_of(&q->res, NUMA_NO_NODE);
		if (q->res.nr_cpus || q->res.nr_blocks) {
			rf_msg(extack, "not all could be freed: see the quarantine");
			err = -EUCLEAN;
			continue;
		}
		mutex_lock(&rf_list_lock);
		list_del(&q->node);
		mutex_unlock(&rf_list_lock);
		rf_subos_free_resources(&q->res);
		kfree(q);
		rf_ledger_update();
		module_put(THIS_MODULE);
	}
	mutex_unlock(&rf_recover_lock);
	rf_ledger_update();
	return err;
}
